/*
 * The order in which an engine is looked for. Asks the disk (context files) and sockets (one
 * non-blocking connect each); never the environment, never a running loop.
 */
#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/docker/endpoint.h"
#include "net/addr.h"

enum { META_MAX = 1 << 20 };

static void set_reason(struct endpoint *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void set_reason(struct endpoint *e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(e->reason, sizeof(e->reason), fmt, ap);
    va_end(ap);
}

/* --- TLS by environment --- */

static char *config_dir(const struct endpoint_options *o)
{
    if (!str_empty(o->config_dir)) {
        return xstrdup(o->config_dir);
    }
    return path_join(str_empty(o->home) ? "/root" : o->home, ".docker");
}

static char *existing(const char *dir, const char *name)
{
    char *path = path_join(dir, name);

    if (!path_exists(path)) {
        free(path);
        return NULL;
    }
    return path;
}

static void use_certs(struct endpoint *e, const char *dir)
{
    e->ca = existing(dir, "ca.pem");
    e->cert = existing(dir, "cert.pem");
    e->key = existing(dir, "key.pem");
}

static void apply_tls(const struct endpoint_options *o, struct endpoint *e)
{
    if (e->kind != ENDPOINT_TCP || (str_empty(o->tls) && str_empty(o->tls_verify) && !e->tls)) {
        return;
    }
    CLEANUP_FREE char *dir = str_empty(o->cert_path) ? config_dir(o) : xstrdup(o->cert_path);
    e->tls = true;
    e->verify = str_empty(o->tls_verify) && !str_empty(o->tls) ? TLS_VERIFY_NONE : TLS_VERIFY_FULL;
    use_certs(e, dir);
}

/* --- docker contexts --- */

/* The folder name of a context is the hex SHA-256 of its name. */
static void context_id(const char *name, char ret[2 * SHA256_DIGEST_LENGTH + 1])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    SHA256((const unsigned char *)name, strlen(name), digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        snprintf(ret + 2 * i, 3, "%02x", digest[i]);
    }
}

static json_t *read_json(const char *path, struct err *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    json_error_t at;

    if (path_read_file(path, META_MAX, &text, err) != 0) {
        return NULL;
    }
    json_t *value = json_loadb(buf_text(&text), text.len, 0, &at);
    if (value == NULL) {
        err_set(err, ERR_INPUT, "not valid JSON: %s", at.text);
        err_at(err, path, at.line, at.column);
    }
    return value;
}

static int use_context(const struct endpoint_options *o, const char *name, const char *why,
                       struct endpoint *ret, struct err *err)
{
    char id[2 * SHA256_DIGEST_LENGTH + 1];
    CLEANUP_FREE char *config = config_dir(o);

    context_id(name, id);
    CLEANUP_FREE char *meta = xasprintf("%s/contexts/meta/%s/meta.json", config, id);
    CLEANUP_FREE char *certs = xasprintf("%s/contexts/tls/%s/docker", config, id);
    if (!path_exists(meta)) {
        err_set(err, ERR_ENGINE, "the docker context \"%s\" does not exist (%s)", name, why);
        err_hint(err, "docker context ls shows those that do; \"default\" is always there");
        return -ERR_ENGINE;
    }
    json_t *root = read_json(meta, err);
    if (root == NULL) {
        return -ERR_INPUT;
    }
    const json_t *docker = json_object_get(json_object_get(root, "Endpoints"), "docker");
    const char *host = json_string_value(json_object_get(docker, "Host"));
    int rc = host == NULL ? err_set(err, ERR_INPUT, "%s: no Endpoints.docker.Host", meta)
                          : endpoint_parse(host, ret, err);
    if (rc == 0 && ret->kind == ENDPOINT_TCP) {
        use_certs(ret, certs);
        ret->tls = ret->tls || ret->ca != NULL || ret->cert != NULL;
        ret->verify = json_is_true(json_object_get(docker, "SkipTLSVerify")) ? TLS_VERIFY_NONE
                                                                             : TLS_VERIFY_FULL;
    }
    if (rc == 0) {
        set_reason(ret, "docker context \"%s\" (%s)", name, why);
    }
    json_decref(root);
    return rc;
}

/* The config file's currentContext, NULL when there is none. Caller frees. */
static char *current_context(const struct endpoint_options *o)
{
    CLEANUP_FREE char *config = config_dir(o);
    CLEANUP_FREE char *file = path_join(config, "config.json");
    struct err ignored;
    json_t *root = path_exists(file) ? read_json(file, &ignored) : NULL;
    const char *name = json_string_value(json_object_get(root, "currentContext"));
    char *copy = str_empty(name) ? NULL : xstrdup(name);

    json_decref(root);
    return copy;
}

/* --- sockets --- */

/* 0 when something listens there, else errno. */
static int knock(const char *path)
{
    struct net_addr addr;
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || net_addr_unix(path, &addr, NULL) != 0) {
        return fd < 0 ? errno : ENAMETOOLONG;
    }
    if (connect(fd, (const struct sockaddr *)&addr.sa, addr.len) == 0 || errno == EAGAIN) {
        return 0; /* a full backlog is alive as well */
    }
    return errno;
}

struct search {
    const struct endpoint_options *o;
    struct endpoint *ret;
    struct buf tried; /* "path: why not" for the error */
    bool denied;      /* a socket is there, but not for us */
};

/* True when found. `dir` NULL = not applicable here. */
static bool try_socket(struct search *s, const char *dir, const char *name, const char *engine)
{
    if (str_empty(dir)) {
        return false;
    }
    CLEANUP_FREE char *path = xasprintf("%s/%s", dir, name);
    int sys = knock(path);
    if (sys != 0) {
        s->denied = s->denied || sys == EACCES || sys == EPERM;
        buf_printf(&s->tried, "%s%s: %s", s->tried.len > 0 ? "; " : "", path, strerror(sys));
        return false;
    }
    CLEANUP_FREE char *url = xasprintf("unix://%s", path);
    struct err ignored;
    if (endpoint_parse(url, s->ret, &ignored) != 0) {
        return false;
    }
    set_reason(s->ret, "%s answers at %s", engine, path);
    return true;
}

static bool find_docker(struct search *s, const char *run, const char *var_run)
{
    return try_socket(s, var_run, "docker.sock", "Docker") ||
           (path_exists(var_run) ? false : try_socket(s, run, "docker.sock", "Docker")) ||
           try_socket(s, s->o->runtime_dir, "docker.sock", "rootless Docker");
}

static bool find_podman(struct search *s, const char *run)
{
    return try_socket(s, s->o->runtime_dir, "podman/podman.sock", "rootless Podman") ||
           try_socket(s, run, "podman/podman.sock", "Podman");
}

static bool find_embedded(struct search *s, const char *run)
{
    return try_socket(s, s->o->runtime_dir, "fettle/engine.sock", "the embedded engine") ||
           try_socket(s, run, "fettle/engine.sock", "the embedded engine");
}

static int none_found(const struct search *s, struct err *err)
{
    err_set(err, ERR_ENGINE, "no container engine answers (%s)", buf_text(&s->tried));
    if (s->denied) {
        err_hint(err, "you may not use the engine's socket: run as root, or add yourself to the "
                      "group that owns it (usermod -aG docker USER) and log in again");
    } else {
        err_hint(err, "start one (systemctl start docker), install one (apt install docker.io), "
                      "or set DOCKER_HOST to where one listens");
    }
    return -ERR_ENGINE;
}

/* `kind`: NULL = any. */
static int find_socket(const struct endpoint_options *o, const char *kind, struct endpoint *ret,
                       struct err *err)
{
    const char *root = str_empty(o->root) ? "" : o->root;
    CLEANUP_FREE char *run = xasprintf("%s/run", root);
    CLEANUP_FREE char *var_run = xasprintf("%s/var/run", root);
    struct search s = {.o = o, .ret = ret};
    bool found = false;

    if (kind == NULL || str_eq(kind, "docker")) {
        found = find_docker(&s, run, var_run);
    }
    if (!found && (kind == NULL || str_eq(kind, "podman"))) {
        found = find_podman(&s, run);
    }
    if (!found && (kind == NULL || str_eq(kind, "fettle"))) {
        found = find_embedded(&s, run);
    }
    int rc = found ? 0 : none_found(&s, err);
    buf_release(&s.tried);
    return rc;
}

/* --- the order --- */

static int use_url(const struct endpoint_options *o, const char *url, const char *why,
                   struct endpoint *ret, struct err *err)
{
    int rc = endpoint_parse(url, ret, err);

    if (rc < 0) {
        err_prefix(err, "%s", why);
        return rc;
    }
    apply_tls(o, ret);
    set_reason(ret, "%s is set", why);
    return 0;
}

static int use_engine(const struct endpoint_options *o, struct endpoint *ret, struct err *err)
{
    if (strstr(o->engine, "://") != NULL || o->engine[0] == '/') {
        return use_url(o, o->engine, "--engine or FETTLE_ENGINE", ret, err);
    }
    if (!str_eq(o->engine, "docker") && !str_eq(o->engine, "podman") &&
        !str_eq(o->engine, "fettle")) {
        err_set(err, ERR_USAGE, "unknown engine \"%s\"", o->engine);
        err_hint(err, "choose docker, podman, fettle, or an endpoint such as unix:///path");
        return -ERR_USAGE;
    }
    int rc = find_socket(o, o->engine, ret, err);
    if (rc < 0) {
        err_prefix(err, "%s was asked for", o->engine);
        return rc;
    }
    char found[200];
    snprintf(found, sizeof(found), "%s", ret->reason);
    set_reason(ret, "%s was asked for, and %s", o->engine, found);
    return 0;
}

int endpoint_choose(const struct endpoint_options *o, struct endpoint *ret, struct err *err)
{
    *ret = (struct endpoint){0};
    if (!str_empty(o->engine)) {
        return use_engine(o, ret, err);
    }
    bool named = !str_empty(o->context);
    if (named && !str_eq(o->context, "default")) {
        return use_context(o, o->context, "--context", ret, err);
    }
    if (!str_empty(o->host)) {
        return use_url(o, o->host, "DOCKER_HOST", ret, err);
    }
    if (!named && !str_empty(o->env_context) && !str_eq(o->env_context, "default")) {
        return use_context(o, o->env_context, "DOCKER_CONTEXT", ret, err);
    }
    CLEANUP_FREE char *current = named || !str_empty(o->env_context) ? NULL : current_context(o);
    if (current != NULL && !str_eq(current, "default")) {
        return use_context(o, current, "the current one", ret, err);
    }
    return find_socket(o, NULL, ret, err);
}
