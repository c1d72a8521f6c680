/*
 * Commands in containers. What they answer is scripted: fake_exec rows by pattern; without a row a
 * command succeeds once the container has booted and fails with 1 before.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/fake/world.h"

enum { CODE_KILLED = 137, CODE_NO_COMMAND = 126 };

char *fake_join(const json_t *argv)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    size_t i = 0;
    const json_t *one = NULL;
    json_array_foreach(argv, i, one)
    {
        buf_printf(&line, "%s%s", i ? " " : "", json_is_string(one) ? json_string_value(one) : "");
    }
    return buf_steal(&line);
}

const struct fake_exec *fake_exec_rule(const struct fake_container *c, const char *line)
{
    for (size_t i = 0; i < c->script.exec_count; i++) {
        if (fnmatch(c->script.execs[i].pattern, line, 0) == 0) {
            return &c->script.execs[i];
        }
    }
    return NULL;
}

int fake_exec_answer(struct fake_container *c, const struct fake_exec *rule, const char **ret_out,
                     const char **ret_err)
{
    bool booted = fake_now(c->world) >= c->booted;
    *ret_out = *ret_err = NULL;
    if (!booted && !(rule && rule->always)) {
        return 1;
    }
    if (!rule) {
        return 0;
    }
    if (rule->missing) {
        return CODE_NO_COMMAND;
    }
    intptr_t runs = (intptr_t)map_get(&c->runs, rule->pattern) + 1;
    map_set(&c->runs, rule->pattern, (void *)runs);
    *ret_out = rule->out;
    *ret_err = rule->err;
    return runs <= rule->fail_first ? 1 : rule->exit_code;
}

static struct fake_execution *exec_of(struct fake_call *call)
{
    VEC_FOREACH (struct fake_execution, e, &call->world->execs) {
        if (str_eq(e->id, call->id)) {
            return e;
        }
    }
    fake_answer_error(call, 404, "No such exec instance: %s", call->id);
    return NULL;
}

void fake_exec_free(struct fake_execution *e)
{
    if (e->call) {
        e->call->exec = NULL;
    }
    json_decref(e->config);
    free(e->line);
    free(e);
}

static void emit(struct fake_execution *e, const char *action, bool with_line, bool with_code)
{
    CLEANUP_FREE char *text = with_line ? xasprintf("%s: %s", action, e->line) : xstrdup(action);
    json_t *extra = json_pack("{s:s}", "execID", e->id);
    if (with_code) {
        json_object_set_new(extra, "exitCode", json_sprintf("%d", e->exit_code));
    }
    fake_emit_container(e->container, text, extra);
}

void fake_exec_create(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    struct fake_execution *e = NULL;
    if (!c) {
        return;
    }
    if (c->state == FAKE_PAUSED) {
        fake_answer_error(call, 409, "Container %s is paused, unpause the container before exec",
                          call->id);
        return;
    }
    if (c->state != FAKE_RUNNING) {
        fake_answer_error(call, 409, "Container %s is not running", c->id);
        return;
    }
    if (json_array_size(json_object_get(call->body, "Cmd")) == 0) {
        fake_answer_error(call, 400, "No exec command specified");
        return;
    }
    e = xcalloc(1, sizeof(*e));
    e->container = c;
    fake_id(call->world, e->id);
    e->config = json_deep_copy(call->body);
    e->line = fake_join(json_object_get(e->config, "Cmd"));
    e->rule = fake_exec_rule(c, e->line);
    e->exit_code = -1;
    vec_push(&call->world->execs, e);
    emit(e, fake_podman(call->world) ? "exec" : "exec_create", !fake_podman(call->world), false);
    fake_answer_json(call, 201, json_pack("{s:s}", "Id", e->id));
}

static void end_call(struct fake_execution *e)
{
    if (e->call) {
        struct fake_call *call = e->call;
        e->call = NULL;
        call->exec = NULL;
        fake_stream_end(call);
    }
}

static void say(const struct fake_execution *e, bool is_stderr, const char *text)
{
    bool wanted = json_is_true(
        json_object_get(e->config, is_stderr ? "AttachStderr" : "AttachStdout"));
    if (e->call && text && wanted) {
        fake_stream_frame(e->call, is_stderr, text, strlen(text));
    }
}

static void ended(struct fake_execution *e, int exit_code)
{
    e->running = false;
    e->exit_code = exit_code;
    emit(e, fake_podman(e->container->world) ? "exec_died" : "exec_die", false, true);
    end_call(e);
}

static void on_end(void *arg)
{
    struct fake_execution *e = arg;
    const char *out = NULL, *err = NULL;
    int code = fake_exec_answer(e->container, e->rule, &out, &err);
    say(e, false, out);
    say(e, true, err);
    ended(e, code);
}

static void begin(struct fake_execution *e)
{
    struct fake_world *w = e->container->world;
    e->started = e->running = true;
    if (!fake_podman(w)) {
        emit(e, "exec_start", true, false);
    }
    if (e->rule && e->rule->missing) {
        CLEANUP_FREE char *text = xasprintf(
            "OCI runtime exec failed: exec failed: unable to start container process: "
            "exec: \"%s\": executable file not found in $PATH: unknown\r\n",
            json_string_value(json_array_get(json_object_get(e->config, "Cmd"), 0)));
        if (e->call) {
            fake_stream_frame(e->call, false, text, strlen(text));
        }
        e->running = false;
        e->exit_code = CODE_NO_COMMAND;
        end_call(e);
        return;
    }
    e->pid = w->pids++;
    if (!(e->rule && e->rule->echo && e->call)) {
        fake_task_add(w, fake_now(w) + (e->rule ? e->rule->delay : 0), on_end, e);
    }
}

void fake_exec_input(struct fake_execution *e, const void *data, size_t len)
{
    if (!e->running || !e->rule || !e->rule->echo) {
        return;
    }
    if (len && e->call) {
        fake_stream_frame(e->call, false, data, len);
    } else if (!len) {
        fake_task_add(e->container->world, 0, on_end, e);
    }
}

void fake_exec_start(struct fake_call *call)
{
    struct fake_execution *e = exec_of(call);
    if (!e) {
        return;
    }
    if (e->started) {
        fake_answer_error(call, 409, "Error: Exec command %s has already run", e->id);
        return;
    }
    if (e->container->state != FAKE_RUNNING) {
        fake_answer_error(call, 409, "Container %s is not running", e->container->id);
        return;
    }
    if (json_is_true(json_object_get(call->body, "Detach"))) {
        begin(e);
        fake_answer_empty(call, 200);
        return;
    }
    call->tty = json_is_true(json_object_get(e->config, "Tty"));
    call->exec = e;
    e->call = call;
    fake_stream_open(call, call->mode == ENGINE_HIJACK ? 101 : 200,
                     "application/vnd.docker.raw-stream");
    begin(e);
}

void fake_exec_inspect(struct fake_call *call)
{
    const struct fake_execution *e = exec_of(call);
    if (!e) {
        return;
    }
    json_t *args = json_copy(json_object_get(e->config, "Cmd"));
    CLEANUP_FREE char *first = xstrdup(json_string_value(json_array_get(args, 0)));
    json_array_remove(args, 0);
    bool done = e->started && !e->running;
    json_t *v = json_pack(
        "{s:s, s:b, s:o, s:{s:b, s:s, s:o, s:b}, s:b, s:b, s:b, s:b, s:s, s:s, s:i}", "ID", e->id,
        "Running", e->running, "ExitCode", done ? json_integer(e->exit_code) : json_null(),
        "ProcessConfig", "tty", json_is_true(json_object_get(e->config, "Tty")), "entrypoint",
        first, "arguments", args, "privileged", false, "OpenStdin",
        json_is_true(json_object_get(e->config, "AttachStdin")), "OpenStderr",
        json_is_true(json_object_get(e->config, "AttachStderr")), "OpenStdout",
        json_is_true(json_object_get(e->config, "AttachStdout")), "CanRemove", false, "ContainerID",
        e->container->id, "DetachKeys", "", "Pid", fake_podman(call->world) ? 0 : e->pid);
    fake_answer_json(call, 200, v);
}

void fake_exec_resize(struct fake_call *call)
{
    const struct fake_execution *e = exec_of(call);
    if (e && !e->running) {
        fake_answer_error(call, 409, "exec process is not running");
    } else if (e) {
        fake_answer_empty(call, 200);
    }
}

void fake_exec_drop(struct fake_container *c, bool forget)
{
    struct fake_world *w = c->world;
    size_t kept = 0;
    for (size_t i = 0; i < w->execs.len; i++) {
        struct fake_execution *e = w->execs.items[i];
        if (e->container == c) {
            fake_task_cancel(w, NULL, e);
            if (e->running) {
                ended(e, CODE_KILLED);
            }
            if (forget) {
                fake_exec_free(e);
                continue;
            }
        }
        w->execs.items[kept++] = e;
    }
    w->execs.len = kept;
}
