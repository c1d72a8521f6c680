/*
 * Who answers, and which API version both sides speak: one GET /_ping, whose headers tell. Only
 * an engine that does not name itself is asked for /version as well (on Docker that call runs
 * other programs and costs ten times as much).
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/docker/quirks.h"
#include "engine/docker/types.h"

#define PING_TIMEOUT (10 * NS_PER_SEC)
enum { VERSION_MAX = 256 << 10 };

int docker_parse_api(const char *text)
{
    int64_t minor = 0;

    if (text == NULL || !str_starts(text, "1.") || parse_int(text + 2, 0, 999, &minor, NULL) != 0) {
        return 0;
    }
    return (int)minor;
}

/* Machine names as the engines write them. */
static const char *arch_name(const char *machine)
{
    return str_eq(machine, "x86_64") ? "amd64" : str_eq(machine, "aarch64") ? "arm64" : machine;
}

/* A socket that root made on this machine: containers are on a bridge that we can reach. */
static bool is_local(const struct endpoint *e)
{
    struct stat st;

    return e->kind == ENDPOINT_UNIX && stat(e->path, &st) == 0 && st.st_uid == 0 &&
           strstr(e->path, "/.docker/") == NULL; /* Docker Desktop: a virtual machine */
}

static void settle(struct docker *d, int minor)
{
    struct engine_traits *t = &d->base.traits;
    struct err err;

    if (d->forced_minor > 0) {
        minor = d->forced_minor;
    }
    if (minor < DOCKER_API_MIN) {
        err_set(&err, ERR_UNSUPPORTED, "the engine at %s (%s %s) speaks API 1.%d, 1.%d is needed",
                d->endpoint.url, t->name, t->version, minor, (int)DOCKER_API_MIN);
        err_hint(&err, "Docker 20.10 or newer, or Podman 4 or newer, will do");
        docker_failed(d, &err);
        return;
    }
    t->api_minor = minor > DOCKER_API_MAX ? DOCKER_API_MAX : minor;
    t->local = is_local(&d->endpoint);
    docker_ready(d);
}

static void copy_text(char *out, size_t size, const char *text, const char *fallback)
{
    snprintf(out, size, "%s", str_empty(text) ? fallback : text);
}

/* /version: the long way, for engines that the ping did not tell enough about. */
static void on_version(struct http_request *q, const struct http_response *r,
                       const struct err *cause, void *arg)
{
    struct docker *d = arg;
    struct engine_traits *t = &d->base.traits;
    struct err err;

    if (cause != NULL) {
        docker_explain(d, cause, http_request_layer(q), &err);
        docker_failed(d, &err);
        return;
    }
    json_t *root = r->status == 200 ? json_loadb(r->body, r->body_len, 0, NULL) : NULL;
    int minor = docker_parse_api(json_string_value(json_object_get(root, "ApiVersion")));
    if (minor == 0) {
        err_set(&err, ERR_PROTOCOL, "%s: what answers there is not a container engine (HTTP %d)",
                d->endpoint.url, r->status);
        docker_failed(d, &err);
        json_decref(root);
        return;
    }
    const json_t *first = json_array_get(json_object_get(root, "Components"), 0);
    const char *product = json_string_value(json_object_get(first, "Name"));
    const char *version = json_string_value(json_object_get(root, "Version"));
    quirks_apply(t, str_empty(product) ? "Docker" : product, str_empty(version) ? "?" : version);
    copy_text(t->os, sizeof(t->os), json_string_value(json_object_get(root, "Os")), "linux");
    copy_text(t->arch, sizeof(t->arch), json_string_value(json_object_get(root, "Arch")), "");
    json_decref(root);
    settle(d, minor);
}

static void ask(struct docker *d, const char *path,
                void (*on_done)(struct http_request *, const struct http_response *,
                                const struct err *, void *))
{
    struct http_request_spec spec = {.method = "GET",
                                     .path = path,
                                     .max_body = VERSION_MAX,
                                     .deadline = clock_add(ev_now(d->loop), PING_TIMEOUT)};
    struct http_handlers h = {.on_done = on_done};

    http_request_start(d->http, &spec, &h, d);
}

/* "Docker/20.10.24 (linux)" into its two parts. False when it is nothing of the kind. */
static bool split_server(const char *server, char *product, char *version, size_t size)
{
    size_t len = server == NULL ? 0 : strcspn(server, "/");

    if (len == 0 || server[len] != '/' || len >= size) {
        return false;
    }
    memcpy(product, server, len);
    product[len] = '\0';
    snprintf(version, size, "%.*s", (int)strcspn(server + len + 1, " "), server + len + 1);
    return str_eq(product, "Docker") || str_eq(product, "Libpod") || str_eq(product, "Fettle");
}

static void on_ping(struct http_request *q, const struct http_response *r, const struct err *cause,
                    void *arg)
{
    struct docker *d = arg;
    struct engine_traits *t = &d->base.traits;
    char product[48], version[48];
    struct utsname host;
    struct err err;

    if (cause != NULL) {
        docker_explain(d, cause, http_request_layer(q), &err);
        docker_failed(d, &err);
        return;
    }
    if (r->status >= 400 && r->status != 404) {
        docker_refusal(t, r->status, r->body, r->body_len, &err);
        err.code = ERR_ENGINE;
        err_prefix(&err, "the engine at %s", d->endpoint.url);
        docker_failed(d, &err);
        return;
    }
    int minor = docker_parse_api(http_response_header(r, "Api-Version"));
    if (minor == 0 || d->endpoint.kind != ENDPOINT_UNIX || uname(&host) != 0 ||
        !split_server(http_response_header(r, "Server"), product, version, sizeof(version))) {
        ask(d, "/version", on_version);
        return;
    }
    quirks_apply(t, product, version);
    copy_text(t->os, sizeof(t->os), http_response_header(r, "Ostype"), "linux");
    copy_text(t->arch, sizeof(t->arch), arch_name(host.machine), "");
    settle(d, minor);
}

void docker_ping(struct docker *d)
{
    d->state = DOCKER_PINGING;
    ask(d, "/_ping", on_ping);
}
