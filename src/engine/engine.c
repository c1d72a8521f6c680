/*
 * Typed operations of the Engine API: paths, queries, deadlines. It knows the API, not the
 * transport and not Compose; run/ and cmd/ drive it.
 */
#include "engine/engine.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"

/* Generous: they catch an engine that hangs, not one that is slow. */
#define TIMEOUT_QUERY (30 * NS_PER_SEC)
#define TIMEOUT_CHANGE (180 * NS_PER_SEC)
#define STOP_GRACE_DEFAULT (10 * NS_PER_SEC)

struct engine {
    struct engine_transport *transport;
};

struct engine *engine_new(struct engine_transport *transport)
{
    struct engine *e = xcalloc(1, sizeof(*e));
    e->transport = transport;
    return e;
}

void engine_free(struct engine *e)
{
    if (e) {
        e->transport->ops->free(e->transport);
        free(e);
    }
}

const struct engine_traits *engine_traits(const struct engine *e)
{
    return &e->transport->traits;
}

void engine_connect(struct engine *e, void (*done)(void *arg, const struct err *err), void *arg)
{
    e->transport->ops->connect(e->transport, done, arg);
}

struct engine_call *engine_request(struct engine *e, const struct engine_request *request,
                                   const struct engine_handlers *handlers, void *arg)
{
    struct engine_request r = *request;
    if (!r.deadline) {
        r.deadline = r.mode == ENGINE_COLLECT ? clock_add(clock_mono(), TIMEOUT_QUERY)
                                              : CLOCK_NEVER;
    }
    /* cppcheck-suppress returnDanglingLifetime ; a call keeps a copy */
    return e->transport->ops->call(e->transport, &r, handlers, arg);
}

void engine_hint(struct err *err)
{
    static const struct {
        enum err_code code;
        const char *hint;
    } rows[] = {
        {ERR_ENGINE, "is the engine still running? fettle version tells which one is used"},
        {ERR_TIMEOUT, "the engine is overloaded or hangs: look at its log (journalctl -u docker)"},
        {ERR_NOT_FOUND, "something else removed it meanwhile: run the command again"},
        {ERR_CONFLICT, "something else changed it at the same time: run the command again"},
        {ERR_PROTOCOL, "is there a proxy in between? fettle version tells which engine is used"},
        {ERR_UNSUPPORTED, "this engine cannot do it: fettle version tells which one is used"},
    };
    if (err->hint[0]) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].code == err->code) {
            err_hint(err, "%s", rows[i].hint);
        }
    }
    if (err->code == ERR_REFUSED) {
        err_hint(err, err->status >= 500 ? "the engine's own log says more (journalctl -u docker)"
                                         : "correct what the engine names, then run it again");
    }
}

void engine_cancel(struct engine *e, struct engine_call *call)
{
    if (call) {
        e->transport->ops->cancel(call);
    }
}

bool engine_write(struct engine *e, struct engine_call *call, const void *data, size_t len)
{
    return e->transport->ops->write(call, data, len);
}

void engine_close_write(struct engine *e, struct engine_call *call)
{
    e->transport->ops->close_write(call);
}

void engine_pause_reading(struct engine *e, struct engine_call *call, bool paused)
{
    e->transport->ops->pause(call, paused);
}

char *engine_escape(const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    struct buf b = BUF_INIT;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            memchr("-_.~/:", c, 6)) {
            buf_char(&b, (char)c);
        } else {
            buf_char(&b, '%');
            buf_char(&b, hex[c >> 4]);
            buf_char(&b, hex[c & 15]);
        }
    }
    return buf_steal(&b);
}

char *engine_filters(const char *const *labels, size_t count, const char *kind, const char *value)
{
    json_t *filters = json_object(), *list = json_array();
    char *text = NULL, *query = NULL;
    CLEANUP_FREE char *escaped = NULL;
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(labels[i]));
    }
    if (count) {
        json_object_set(filters, "label", list);
    }
    if (kind) {
        json_object_set_new(filters, kind, json_pack("[s]", value));
    }
    json_decref(list);
    text = json_dumps(filters, JSON_COMPACT);
    json_decref(filters);
    escaped = engine_escape(text);
    free(text);
    query = xasprintf("filters=%s", escaped);
    return query;
}

/* A call with one final answer: the state that handlers need, freed with it. */
struct plain {
    engine_fn *fn;
    void *arg;
};

static void plain_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct plain p = *(struct plain *)arg;
    free(arg);
    if (p.fn) {
        p.fn(p.arg, reply, err);
    }
}

static struct engine_call *plain(struct engine *e, const struct engine_request *r, engine_fn *fn,
                                 void *arg)
{
    static const struct engine_handlers handlers = {.on_done = plain_done};
    struct plain *p = xcalloc(1, sizeof(*p));
    *p = (struct plain){fn, arg};
    return engine_request(e, r, &handlers, p);
}

/* Splits a formatted "path?query" and sends it. */
static struct engine_call *send_formatted(struct engine *e, const char *method, const json_t *body,
                                          int64_t timeout, engine_fn *fn, void *arg,
                                          const char *fmt, va_list ap) PRINTF_LIKE(7, 0);

static struct engine_call *send_formatted(struct engine *e, const char *method, const json_t *body,
                                          int64_t timeout, engine_fn *fn, void *arg,
                                          const char *fmt, va_list ap)
{
    CLEANUP_FREE char *path = xvasprintf(fmt, ap);
    char *query = strchr(path, '?');
    struct engine_request r = {
        .method = method, .path = path, .json = body, .deadline = clock_add(clock_mono(), timeout)};
    if (query) {
        *query = '\0';
        r.query = query + 1;
    }
    return plain(e, &r, fn, arg);
}

static struct engine_call *send(struct engine *e, const char *method, const json_t *body,
                                int64_t timeout, engine_fn *fn, void *arg, const char *fmt, ...)
    PRINTF_LIKE(7, 8);

static struct engine_call *send(struct engine *e, const char *method, const json_t *body,
                                int64_t timeout, engine_fn *fn, void *arg, const char *fmt, ...)
{
    struct engine_call *call = NULL;
    va_list ap;
    va_start(ap, fmt);
    call = send_formatted(e, method, body, timeout, fn, arg, fmt, ap);
    va_end(ap);
    return call;
}

struct engine_call *engine_simple(struct engine *e, const char *method, engine_fn *fn, void *arg,
                                  const char *fmt, ...)
{
    struct engine_call *call = NULL;
    va_list ap;
    va_start(ap, fmt);
    call = send_formatted(e, method, NULL,
                          strcmp(method, "GET") == 0 ? TIMEOUT_QUERY : TIMEOUT_CHANGE, fn, arg, fmt,
                          ap);
    va_end(ap);
    return call;
}

static char *project_filter(const char *project)
{
    CLEANUP_FREE char *label = xasprintf("com.docker.compose.project%s%s", project ? "=" : "",
                                         project ? project : "");
    const char *labels[] = {label};
    return engine_filters(labels, 1, NULL, NULL);
}

struct engine_call *engine_container_list(struct engine *e, const char *project, bool all,
                                          engine_fn *fn, void *arg)
{
    CLEANUP_FREE char *filter = project_filter(project);
    return send(e, "GET", NULL, TIMEOUT_QUERY, fn, arg, "/containers/json?%s%s",
                all ? "all=1&" : "", filter);
}

struct engine_call *engine_network_list(struct engine *e, const char *project, engine_fn *fn,
                                        void *arg)
{
    CLEANUP_FREE char *filter = project_filter(project);
    return send(e, "GET", NULL, TIMEOUT_QUERY, fn, arg, "/networks?%s", filter);
}

struct engine_call *engine_volume_list(struct engine *e, const char *project, engine_fn *fn,
                                       void *arg)
{
    CLEANUP_FREE char *filter = project_filter(project);
    return send(e, "GET", NULL, TIMEOUT_QUERY, fn, arg, "/volumes?%s", filter);
}

struct engine_call *engine_network_inspect(struct engine *e, const char *name, engine_fn *fn,
                                           void *arg)
{
    CLEANUP_FREE char *id = engine_escape(name);
    return send(e, "GET", NULL, TIMEOUT_QUERY, fn, arg, "/networks/%s", id);
}

struct engine_call *engine_volume_inspect(struct engine *e, const char *name, engine_fn *fn,
                                          void *arg)
{
    CLEANUP_FREE char *id = engine_escape(name);
    return send(e, "GET", NULL, TIMEOUT_QUERY, fn, arg, "/volumes/%s", id);
}

struct engine_call *engine_image_inspect(struct engine *e, const char *reference, engine_fn *fn,
                                         void *arg)
{
    CLEANUP_FREE char *id = engine_escape(reference);
    return send(e, "GET", NULL, TIMEOUT_QUERY, fn, arg, "/images/%s/json", id);
}

struct engine_call *engine_container_inspect(struct engine *e, const char *id, engine_fn *fn,
                                             void *arg)
{
    return send(e, "GET", NULL, TIMEOUT_QUERY, fn, arg, "/containers/%s/json", id);
}

struct engine_call *engine_container_create(struct engine *e, const char *name,
                                            const char *platform, const json_t *body, engine_fn *fn,
                                            void *arg)
{
    CLEANUP_FREE char *n = engine_escape(name);
    CLEANUP_FREE char *p = platform ? engine_escape(platform) : NULL;
    return send(e, "POST", body, TIMEOUT_CHANGE, fn, arg, "/containers/create?name=%s%s%s", n,
                p ? "&platform=" : "", p ? p : "");
}

struct engine_call *engine_container_start(struct engine *e, const char *id, engine_fn *fn,
                                           void *arg)
{
    return send(e, "POST", NULL, TIMEOUT_CHANGE, fn, arg, "/containers/%s/start", id);
}

/* stop and restart: "?t=" in whole seconds, rounded up so that a grace is never cut. */
static struct engine_call *with_grace(struct engine *e, const char *verb, const char *id,
                                      int64_t timeout, engine_fn *fn, void *arg)
{
    int64_t limit = clock_add(timeout < 0 ? STOP_GRACE_DEFAULT : timeout, TIMEOUT_CHANGE);
    if (timeout < 0) { /* the container's own StopTimeout, not known here */
        return send(e, "POST", NULL, clock_add(limit, 3600 * NS_PER_SEC), fn, arg,
                    "/containers/%s/%s", id, verb);
    }
    return send(e, "POST", NULL, limit, fn, arg, "/containers/%s/%s?t=%lld", id, verb,
                (long long)((timeout + NS_PER_SEC - 1) / NS_PER_SEC));
}

struct engine_call *engine_container_stop(struct engine *e, const char *id, int64_t timeout,
                                          engine_fn *fn, void *arg)
{
    return with_grace(e, "stop", id, timeout, fn, arg);
}

struct engine_call *engine_container_restart(struct engine *e, const char *id, int64_t timeout,
                                             engine_fn *fn, void *arg)
{
    return with_grace(e, "restart", id, timeout, fn, arg);
}

struct engine_call *engine_container_kill(struct engine *e, const char *id, const char *signal,
                                          engine_fn *fn, void *arg)
{
    CLEANUP_FREE char *s = engine_escape(signal);
    return send(e, "POST", NULL, TIMEOUT_CHANGE, fn, arg, "/containers/%s/kill?signal=%s", id, s);
}

struct engine_call *engine_container_pause(struct engine *e, const char *id, bool pause,
                                           engine_fn *fn, void *arg)
{
    return send(e, "POST", NULL, TIMEOUT_CHANGE, fn, arg, "/containers/%s/%s", id,
                pause ? "pause" : "unpause");
}

struct engine_call *engine_container_rename(struct engine *e, const char *id, const char *name,
                                            engine_fn *fn, void *arg)
{
    return send(e, "POST", NULL, TIMEOUT_CHANGE, fn, arg, "/containers/%s/rename?name=%s", id,
                name);
}

struct engine_call *engine_container_remove(struct engine *e, const char *id,
                                            enum remove_flags flags, engine_fn *fn, void *arg)
{
    const char *force = flags & REMOVE_FORCE ? "force=1" : "";
    const char *volumes = flags & REMOVE_VOLUMES ? "v=1" : "";
    return send(e, "DELETE", NULL, TIMEOUT_CHANGE, fn, arg, "/containers/%s%s%s%s%s", id,
                flags ? "?" : "", force, *force && *volumes ? "&" : "", volumes);
}

struct engine_call *engine_container_put(struct engine *e, const char *id, const char *path,
                                         const void *tar, size_t len, engine_fn *fn, void *arg)
{
    CLEANUP_FREE char *where = engine_escape(path);
    CLEANUP_FREE char *target = xasprintf("/containers/%s/archive", id);
    CLEANUP_FREE char *query = xasprintf("noOverwriteDirNonDir=true&path=%s", where);
    struct engine_request r = {.method = "PUT",
                               .path = target,
                               .query = query,
                               .raw = tar,
                               .raw_len = len,
                               .deadline = clock_add(clock_mono(), TIMEOUT_CHANGE)};
    return plain(e, &r, fn, arg);
}

struct engine_call *engine_container_resize(struct engine *e, const char *id, int rows, int cols,
                                            engine_fn *fn, void *arg)
{
    return send(e, "POST", NULL, TIMEOUT_QUERY, fn, arg, "/containers/%s/resize?h=%d&w=%d", id,
                rows, cols);
}

struct engine_call *engine_network_create(struct engine *e, const json_t *body, engine_fn *fn,
                                          void *arg)
{
    return send(e, "POST", body, TIMEOUT_CHANGE, fn, arg, "/networks/create");
}

struct engine_call *engine_network_remove(struct engine *e, const char *id, engine_fn *fn,
                                          void *arg)
{
    return send(e, "DELETE", NULL, TIMEOUT_CHANGE, fn, arg, "/networks/%s", id);
}

struct engine_call *engine_network_connect(struct engine *e, const char *network,
                                           const json_t *body, engine_fn *fn, void *arg)
{
    return send(e, "POST", body, TIMEOUT_CHANGE, fn, arg, "/networks/%s/connect", network);
}

struct engine_call *engine_network_disconnect(struct engine *e, const char *network,
                                              const char *container, bool force, engine_fn *fn,
                                              void *arg)
{
    json_t *body = json_pack("{s:s, s:b}", "Container", container, "Force", force);
    struct engine_call *call = send(e, "POST", body, TIMEOUT_CHANGE, fn, arg,
                                    "/networks/%s/disconnect", network);
    json_decref(body);
    return call;
}

struct engine_call *engine_volume_create(struct engine *e, const json_t *body, engine_fn *fn,
                                         void *arg)
{
    return send(e, "POST", body, TIMEOUT_CHANGE, fn, arg, "/volumes/create");
}

struct engine_call *engine_volume_remove(struct engine *e, const char *name, bool force,
                                         engine_fn *fn, void *arg)
{
    CLEANUP_FREE char *id = engine_escape(name);
    return send(e, "DELETE", NULL, TIMEOUT_CHANGE, fn, arg, "/volumes/%s%s", id,
                force ? "?force=1" : "");
}

struct engine_call *engine_image_remove(struct engine *e, const char *reference, bool force,
                                        engine_fn *fn, void *arg)
{
    CLEANUP_FREE char *id = engine_escape(reference);
    return send(e, "DELETE", NULL, TIMEOUT_CHANGE, fn, arg, "/images/%s%s", id,
                force ? "?force=1" : "");
}

struct engine_call *engine_exec_create(struct engine *e, const char *container, const json_t *body,
                                       engine_fn *fn, void *arg)
{
    return send(e, "POST", body, TIMEOUT_QUERY, fn, arg, "/containers/%s/exec", container);
}

struct engine_call *engine_exec_inspect(struct engine *e, const char *exec, engine_fn *fn,
                                        void *arg)
{
    return send(e, "GET", NULL, TIMEOUT_QUERY, fn, arg, "/exec/%s/json", exec);
}

struct engine_call *engine_exec_resize(struct engine *e, const char *exec, int rows, int cols,
                                       engine_fn *fn, void *arg)
{
    return send(e, "POST", NULL, TIMEOUT_QUERY, fn, arg, "/exec/%s/resize?h=%d&w=%d", exec, rows,
                cols);
}
