/*
 * A command inside a container from create to exit status: three calls of the API behind one
 * callback. Used by health checks, probes and hooks; interactive exec is cmd/'s.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/stdcopy.h"
#include "model/project.h"

enum { OUTPUT_DEFAULT = 4096 };
#define EXEC_TIMEOUT (60 * NS_PER_SEC)

struct engine_exec {
    struct engine *engine;
    struct engine_call *call; /* the one under way */
    engine_exec_fn *fn;
    void *arg;
    int64_t deadline;
    size_t max;
    char *id;
    struct stdcopy copy;
    struct buf output; /* the last `max` bytes */
    bool cancelled;
};

static void finish(struct engine_exec *x, int exit_code, const struct err *err)
{
    engine_exec_fn *fn = x->fn;
    void *arg = x->arg;
    struct buf output = x->output;
    bool cancelled = x->cancelled;
    stdcopy_release(&x->copy);
    free(x->id);
    free(x);
    if (!cancelled) {
        fn(arg, exit_code, buf_text(&output), err);
    }
    buf_release(&output);
}

static void keep(void *arg, enum stdcopy_stream stream, const void *data, size_t len)
{
    struct engine_exec *x = arg;
    (void)stream;
    if (len > x->max) {
        data = (const char *)data + (len - x->max);
        len = x->max;
    }
    if (x->output.len + len > x->max) {
        buf_consume(&x->output, x->output.len + len - x->max);
    }
    buf_append(&x->output, data, len);
}

static void on_inspect(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct engine_exec *x = arg;
    json_t *code = reply && !err ? json_object_get(reply->json, "ExitCode") : NULL;
    x->call = NULL;
    finish(x, code && json_is_integer(code) ? (int)json_integer_value(code) : -1, err);
}

static void on_data(void *arg, const void *data, size_t len)
{
    struct engine_exec *x = arg;
    stdcopy_feed(&x->copy, data, len, keep, x);
}

static void on_stream_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct engine_exec *x = arg;
    (void)reply;
    x->call = NULL;
    if (err || x->cancelled) {
        finish(x, -1, err);
        return;
    }
    x->call = engine_exec_inspect(x->engine, x->id, on_inspect, x);
}

static void on_create(void *arg, const struct engine_reply *reply, const struct err *err)
{
    static const struct engine_handlers handlers = {.on_data = on_data, .on_done = on_stream_done};
    struct engine_exec *x = arg;
    const char *id = err ? NULL : json_string_value(json_object_get(reply->json, "Id"));
    x->call = NULL;
    if (err || x->cancelled) {
        finish(x, -1, err);
        return;
    }
    if (!id) {
        struct err bad = {0};
        err_set(&bad, ERR_PROTOCOL, "the engine gave no id for an exec");
        finish(x, -1, &bad);
        return;
    }
    x->id = xstrdup(id);
    json_t *body = json_pack("{s:b, s:b}", "Detach", 0, "Tty", 0);
    CLEANUP_FREE char *path = xasprintf("/exec/%s/start", id);
    struct engine_request r = {.method = "POST",
                               .path = path,
                               .json = body,
                               .mode = ENGINE_HIJACK,
                               .deadline = x->deadline};
    x->call = engine_request(x->engine, &r, &handlers, x);
    json_decref(body);
}

struct engine_exec *engine_exec_run(struct engine *e, const struct exec_spec *spec,
                                    engine_exec_fn *fn, void *arg)
{
    struct engine_exec *x = xcalloc(1, sizeof(*x));
    json_t *argv = json_array(), *env = json_array(), *body = NULL;
    for (const char *const *p = spec->argv; *p; p++) {
        json_array_append_new(argv, json_string(*p));
    }
    for (size_t i = 0; spec->environment && i < spec->environment->count; i++) {
        const struct key_value *kv = &spec->environment->items[i];
        CLEANUP_FREE char *text = xasprintf("%s%s%s", kv->key, kv->value ? "=" : "",
                                            kv->value ? kv->value : "");
        json_array_append_new(env, json_string(text));
    }
    body = json_pack("{s:o, s:o, s:b, s:b, s:b}", "Cmd", argv, "Env", env, "AttachStdout", 1,
                     "AttachStderr", 1, "Privileged", spec->privileged);
    if (spec->user) {
        json_object_set_new(body, "User", json_string(spec->user));
    }
    if (spec->working_dir) {
        json_object_set_new(body, "WorkingDir", json_string(spec->working_dir));
    }
    *x = (struct engine_exec){.engine = e,
                              .fn = fn,
                              .arg = arg,
                              .deadline = spec->deadline ? spec->deadline
                                                         : clock_add(clock_mono(), EXEC_TIMEOUT),
                              .max = spec->max ? spec->max : OUTPUT_DEFAULT};
    stdcopy_init(&x->copy, false);
    x->call = engine_exec_create(e, spec->container, body, on_create, x);
    json_decref(body);
    return x;
}

void engine_exec_cancel(struct engine_exec *x)
{
    if (x && !x->cancelled) {
        x->cancelled = true;
        engine_cancel(x->engine, x->call);
    }
}
