/*
 * The fake against a real dockerd (DOCKER_HOST): the same requests give the same status, the same
 * message, and every member that the fake shows is there in the real answer with the same type.
 * Skipped (77) without DOCKER_HOST or without the image fettle-test/tiny:1 (tests/images/build).
 */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "engine/docker/docker.h"
#include "engine/fake/fake.h"
#include "ev/ev.h"

#define IMAGE "fettle-test/tiny:1"

/* "@" in paths and bodies is this run's own prefix. */
struct request {
    const char *method, *path, *query, *body;
    bool unlike; /* the answers' bodies differ for a good reason: only the status counts */
};

static const struct request requests[] = {
    {"GET", "/version", NULL, NULL},
    {"GET", "/info", NULL, NULL},
    {"GET", "/nosuch", NULL, NULL},
    {"GET", "/images/nope/json", NULL, NULL},
    {"GET", "/images/" IMAGE "/json", NULL, NULL, true},
    {"GET", "/containers/@nope/json", NULL, NULL},
    {"GET", "/networks/@nope", NULL, NULL},
    {"GET", "/volumes/@nope", NULL, NULL},
    {"DELETE", "/volumes/@nope", NULL, NULL},
    {"DELETE", "/volumes/@nope", "force=1", NULL},
    {"DELETE", "/networks/@nope", NULL, NULL},
    {"DELETE", "/containers/@nope", NULL, NULL},
    {"DELETE", "/images/@nope", NULL, NULL},
    {"DELETE", "/networks/bridge", NULL, NULL},
    {"POST", "/containers/@nope/start", NULL, NULL},
    {"POST", "/containers/create", "name=@x", "{'Image':'nope:1'}"},
    {"POST", "/containers/create", "name=-x", "{'Image':'" IMAGE "'}"},
    {"POST", "/networks/create", NULL, "{'Name':'@net','CheckDuplicate':true,'Labels':{'a':'b'}}"},
    {"POST", "/networks/create", NULL, "{'Name':'@net','CheckDuplicate':true}"},
    {"POST", "/networks/create", NULL,
     "{'Name':'@net2','IPAM':{'Config':[{'Subnet':'10.251.77.0/24'}]}}"},
    {"POST", "/networks/create", NULL,
     "{'Name':'@net3','IPAM':{'Config':[{'Subnet':'10.251.77.128/25'}]}}"},
    {"GET", "/networks/@net2", NULL, NULL},
    {"GET", "/networks", "filters={\"name\":[\"@net2\"]}", NULL},
    {"GET", "/networks", "filters={\"name\":{\"@net2\":true}}", NULL},
    {"POST", "/volumes/create", NULL, "{'Name':'@vol','Labels':{'a':'b'}}"},
    {"GET", "/volumes", "filters={\"name\":[\"@vol\"]}", NULL},
    {"GET", "/volumes/@vol", NULL, NULL},
    {"POST", "/containers/create", "name=@a",
     "{'Image':'" IMAGE "','Labels':{'p':'@'},'ExposedPorts':{'80/tcp':{}},"
     "'HostConfig':{'NetworkMode':'@net','Binds':['@vol:/data'],"
     "'PortBindings':{'80/tcp':[{'HostIp':'127.0.0.1','HostPort':''}]}}}"},
    {"POST", "/containers/create", "name=@a", "{'Image':'" IMAGE "'}"},
    {"POST", "/containers/create", "name=@two",
     "{'Image':'" IMAGE "','NetworkingConfig':{'EndpointsConfig':{'@net':{},'@net2':{}}}}", true},
    {"POST", "/containers/create", "name=@b", "{'Image':'" IMAGE "','Labels':{'p':'@'}}"},
    {"GET", "/containers/@a/json", NULL, NULL},
    {"POST", "/containers/@a/pause", NULL, NULL},
    {"POST", "/containers/@a/kill", NULL, NULL},
    {"POST", "/containers/@a/stop", NULL, NULL},
    {"POST", "/containers/@a/exec", NULL, "{'Cmd':['true']}"},
    {"GET", "/containers/@a/top", NULL, NULL},
    {"POST", "/containers/@a/start", NULL, NULL},
    {"POST", "/containers/@a/start", NULL, NULL},
    {"GET", "/containers/@a/json", NULL, NULL},
    {"GET", "/containers/json", "filters={\"label\":[\"p=@\"]}", NULL},
    {"GET", "/containers/json", "all=1&filters={\"label\":[\"p=@\"]}", NULL},
    {"GET", "/containers/json", "all=1&filters={\"label\":{\"p\":true},\"name\":{\"@b\":true}}",
     NULL},
    {"GET", "/containers/@a/top", NULL, NULL},
    {"GET", "/containers/@a/logs", NULL, NULL},
    {"POST", "/networks/@net/connect", NULL, "{'Container':'@a'}"},
    {"POST", "/networks/@net2/connect", NULL,
     "{'Container':'@a','EndpointConfig':{'IPAMConfig':{'IPv4Address':'10.251.77.9'},"
     "'Aliases':['q']}}"},
    {"GET", "/networks/@net2", NULL, NULL, true},
    {"POST", "/networks/@net2/disconnect", NULL, "{'Container':'@b'}"},
    {"DELETE", "/networks/@net2", NULL, NULL},
    {"DELETE", "/volumes/@vol", NULL, NULL},
    {"DELETE", "/containers/@a", NULL, NULL},
    {"POST", "/containers/@a/exec", NULL, "{'Cmd':['true'],'AttachStdout':true}"},
    {"POST", "/containers/@a/exec", NULL, "{'Cmd':[]}"},
    {"POST", "/exec/@nope/start", NULL, "{'Detach':false}"},
    {"POST", "/containers/@a/pause", NULL, NULL},
    {"POST", "/containers/@a/pause", NULL, NULL},
    {"POST", "/containers/@a/exec", NULL, "{'Cmd':['true']}"},
    {"GET", "/containers/json", "filters={\"label\":[\"p=@\"]}", NULL},
    {"POST", "/containers/@a/unpause", NULL, NULL},
    {"POST", "/containers/@a/unpause", NULL, NULL},
    {"POST", "/containers/@a/rename", "name=@b", NULL},
    {"POST", "/containers/@b/rename", "name=@c", NULL},
    {"POST", "/containers/@c/rename", "name=@c", NULL},
    {"GET", "/containers/@a/archive", "path=/nosuch", NULL, true},
    {"POST", "/containers/@a/resize", "h=10&w=20", NULL},
    {"POST", "/containers/@a/kill", "signal=FOO", NULL},
    {"POST", "/containers/@a/stop", "t=1", NULL},
    {"POST", "/containers/@a/stop", NULL, NULL},
    {"POST", "/containers/@a/wait", NULL, NULL},
    {"GET", "/containers/@a/json", NULL, NULL},
    {"GET", "/containers/json", "all=1&filters={\"label\":[\"p=@\"]}", NULL},
    {"POST", "/containers/@a/restart", "t=1", NULL},
    {"DELETE", "/containers/@a", "force=1", NULL},
    {"DELETE", "/containers/@c", NULL, NULL},
    {"POST", "/containers/create", "name=@d",
     "{'Image':'" IMAGE "','HostConfig':{'NetworkMode':'@gone'}}"},
    {"POST", "/containers/@d/start", NULL, NULL},
    {"GET", "/containers/@d/json", NULL, NULL},
    {"DELETE", "/containers/@d", NULL, NULL},
    {"DELETE", "/networks/@net", NULL, NULL},
    {"DELETE", "/networks/@net2", NULL, NULL},
    {"DELETE", "/volumes/@vol", NULL, NULL},
    {"POST", "/images/" IMAGE "/tag", "repo=@t&tag=1", NULL},
    {"DELETE", "/images/@t:1", NULL, NULL},
};

/* --- asking --- */

struct side {
    const char *name;
    struct engine_transport *transport;
    int status;
    json_t *json;
    bool done;
    struct err err;
};

static struct ev_loop *loop;
static char prefix[32];

static void on_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct side *s = arg;
    s->status = reply ? reply->status : 0;
    s->json = reply && reply->json ? json_incref(reply->json) : NULL;
    s->err = err ? *err : (struct err){0};
    s->done = true;
    ev_loop_stop(loop);
}

/* Single quotes become double ones and "@" the prefix. Caller frees. */
static char *fill_in(const char *text)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    for (; text && *text; text++) {
        if (*text == '@') {
            buf_str(&b, prefix);
        } else {
            buf_char(&b, *text == '\'' ? '"' : *text);
        }
    }
    return text ? buf_steal(&b) : NULL;
}

static char *escape(const char *text)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    for (; *text; text++) {
        if (isalnum((unsigned char)*text) || strchr("-_.~=&/:", *text)) {
            buf_char(&b, *text);
        } else {
            buf_printf(&b, "%%%02X", (unsigned char)*text);
        }
    }
    return buf_steal(&b);
}

static void ask(struct side *s, const struct request *r)
{
    static const struct engine_handlers handlers = {.on_done = on_done};
    CLEANUP_FREE char *path = fill_in(r->path);
    CLEANUP_FREE char *plain = fill_in(r->query ? r->query : "");
    CLEANUP_FREE char *query = escape(plain);
    CLEANUP_FREE char *body = fill_in(r->body ? r->body : "");
    json_t *json = r->body ? json_loads(body, 0, NULL) : NULL;
    struct engine_request rq = {.method = r->method,
                                .path = path,
                                .query = *query ? query : NULL,
                                .json = json,
                                .deadline = clock_add(clock_mono(), 60 * NS_PER_SEC)};
    assert(!r->body || json);
    json_decref(s->json);
    s->json = NULL;
    s->done = false;
    s->transport->ops->call(s->transport, &rq, &handlers, s);
    while (!s->done) {
        ev_loop_run(loop);
    }
    json_decref(json);
}

/* --- comparing --- */

/* Ids and numbers differ by nature. */
static char *mask(const char *text)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    while (*text) {
        size_t len = strspn(text, "0123456789abcdef");
        if (len >= 12) {
            buf_str(&b, "<id>");
            text += len;
        } else {
            buf_char(&b, *text++);
        }
    }
    return buf_steal(&b);
}

static int differ(const char *where, const json_t *fake, const json_t *real);

static int differ_object(const char *where, const json_t *fake, const json_t *real)
{
    const char *key = NULL;
    json_t *value = NULL;
    int n = 0;
    json_object_foreach((json_t *)(uintptr_t)fake, key, value)
    {
        CLEANUP_FREE char *inner = xasprintf("%s.%s", where, key);
        const json_t *other = json_object_get(real, key);
        bool free_form = strlen(key) == 64; /* keyed by id */
        if (!other && !free_form) {
            printf("  %s: not in the real answer\n", inner);
            n++;
        } else if (other) {
            n += differ(inner, value, other);
        }
    }
    return n;
}

static bool same_kind(const json_t *a, const json_t *b)
{
    return json_typeof(a) == json_typeof(b) || (json_is_boolean(a) && json_is_boolean(b)) ||
           json_is_null(a) || json_is_null(b);
}

static int differ(const char *where, const json_t *fake, const json_t *real)
{
    if (!same_kind(fake, real)) {
        printf("  %s: type %d instead of %d\n", where, json_typeof(fake), json_typeof(real));
        return 1;
    }
    if (json_is_object(fake) && json_is_object(real)) {
        return differ_object(where, fake, real);
    }
    if (json_is_array(fake) && json_array_size(fake) && json_array_size(real)) {
        CLEANUP_FREE char *inner = xasprintf("%s[0]", where);
        return differ(inner, json_array_get(fake, 0), json_array_get(real, 0));
    }
    return 0;
}

static int compare_errors(const struct err *fake, const struct err *real)
{
    CLEANUP_FREE char *x = mask(fake->message);
    CLEANUP_FREE char *y = mask(real->message);
    if (fake->code != real->code) {
        printf("  error %s instead of %s\n", err_code_name(fake->code), err_code_name(real->code));
        return 1;
    }
    if (!str_eq(x, y)) {
        printf("  message \"%s\" instead of \"%s\"\n", x, y);
        return 1;
    }
    return 0;
}

static int compare(const struct request *r, const struct side *fake, const struct side *real)
{
    int n = 0;
    if (fake->status != real->status) {
        printf("  status %d instead of %d (%s; %s)\n", fake->status, real->status,
               fake->err.message, real->err.message);
        n++;
    } else if (!r->unlike) {
        n = compare_errors(&fake->err, &real->err);
        if (json_is_array(fake->json) &&
            json_array_size(fake->json) != json_array_size(real->json)) {
            printf("  %zu rows instead of %zu\n", json_array_size(fake->json),
                   json_array_size(real->json));
            n++;
        }
        if (!!fake->json != !!real->json) {
            printf("  one has a body, the other has none\n");
            n++;
        } else if (fake->json) {
            n += differ("", fake->json, real->json);
        }
    }
    if (n) {
        printf("^ %s %s %s\n", r->method, r->path, r->query ? r->query : "");
    }
    return n;
}

/* --- set-up --- */

static bool connect_real(struct side *real)
{
    const char *host = getenv("DOCKER_HOST");
    const struct docker_options options = {0};
    const struct request has_image = {"GET", "/images/" IMAGE "/json", NULL, NULL};
    struct endpoint endpoint = {0};
    struct err err = {0};
    if (str_empty(host)) {
        printf("skipped: DOCKER_HOST is not set\n");
        return false;
    }
    if (endpoint_parse(host, &endpoint, &err) < 0 ||
        docker_new(loop, &endpoint, &options, &real->transport, &err) < 0) {
        printf("skipped: %s\n", err.message);
        endpoint_release(&endpoint);
        return false;
    }
    endpoint_release(&endpoint);
    ask(real, &has_image);
    if (real->status != 200 || !str_eq(real->transport->traits.name, "docker")) {
        printf("skipped: no Docker with image %s there: %s\n", IMAGE, real->err.message);
        return false;
    }
    return true;
}

int main(void)
{
    struct side fake = {.name = "fake"}, real = {.name = "real"};
    int differences = 0, rc = 77;
    loop = ev_loop_new();
    snprintf(prefix, sizeof(prefix), "fks%d", (int)getpid());
    if (connect_real(&real)) {
        char version[16];
        const struct fake_options options = {.api_version = version};
        snprintf(version, sizeof(version), "1.%d", real.transport->traits.api_minor);
        struct fake_world *world = fake_world_new(&options);
        fake_world_attach(world, loop);
        fake_world_image(world, IMAGE, NULL);
        fake.transport = fake_transport_new(world);
        for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
            ask(&fake, &requests[i]);
            ask(&real, &requests[i]);
            differences += compare(&requests[i], &fake, &real);
        }
        fake.transport->ops->free(fake.transport);
        fake_world_free(world);
        printf("%zu requests, %d differences\n", ARRAY_LEN(requests), differences);
        rc = differences ? 1 : 0;
    }
    if (real.transport) {
        real.transport->ops->free(real.transport);
    }
    json_decref(fake.json);
    json_decref(real.json);
    ev_loop_free(loop);
    return rc;
}
