/*
 * What happens to a container: start, its own end, restart by policy, stop, kill, pause, remove,
 * wait. Every change goes through the functions here, so that events, ports, addresses, log
 * followers and waiters keep in step.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/fake/world.h"

enum { SIGNAL_KILL = 9, SIGNAL_TERM = 15, CODE_KILLED = 137, GRACE_DEFAULT = 10 };

static void begin_start(struct fake_container *c);

/* --- who waits for it --- */

static void tell_waiter(struct fake_call *call, int exit_code)
{
    call->watch = FAKE_WATCH_NONE;
    fake_answer_json(call, 200, json_pack("{s:n, s:i}", "Error", "StatusCode", exit_code));
}

/* Calls fn for each watcher of a kind; fn may take the watcher away. */
static void for_watchers(struct fake_container *c, enum fake_watch kind,
                         void (*fn)(struct fake_call *call))
{
    struct vec now = {0};
    VEC_FOREACH (struct fake_call, call, &c->watchers) {
        vec_push(&now, call);
    }
    VEC_FOREACH (struct fake_call, call, &now) {
        if (call->watch == kind) {
            fn(call);
        }
    }
    vec_release(&now);
}

static void watcher_ended(struct fake_call *call)
{
    if (call->wait != FAKE_WAIT_REMOVED) {
        tell_waiter(call, call->container->exit_code);
    }
}

static void watcher_removed(struct fake_call *call)
{
    tell_waiter(call, call->container->exit_code);
}

static void stop_done(struct fake_call *call)
{
    call->watch = FAKE_WATCH_NONE;
    fake_answer_empty(call, 204);
}

static void watch(struct fake_call *call, struct fake_container *c, enum fake_watch kind)
{
    call->watch = kind;
    call->container = c;
    vec_push(&c->watchers, call);
}

/* --- ports --- */

static bool port_taken(const struct fake_world *w, const char *ip, const char *port,
                       const char *proto)
{
    const char *key = NULL;
    json_t *bindings = NULL, *b = NULL;
    size_t i = 0;
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        json_object_foreach(c->ports, key, bindings)
        {
            json_array_foreach(bindings, i, b)
            {
                const char *other = fake_str(b, "HostIp");
                bool same_ip = str_eq(other, ip) || str_eq(ip, "0.0.0.0") ||
                               str_eq(other, "0.0.0.0");
                if (same_ip && str_eq(fake_str(b, "HostPort"), port) && str_ends(key, proto)) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* "8000" stays, "" gets a free one, of "8000-8010" the first free one; NULL = none to be had. */
static char *choose_port(struct fake_world *w, const char *ip, const char *wanted,
                         const char *proto)
{
    const char *dash = strchr(wanted, '-');
    if (!*wanted || str_eq(wanted, "0")) {
        return xasprintf("%d", w->ephemeral++);
    }
    if (!dash) {
        return port_taken(w, ip, wanted, proto) ? NULL : xstrdup(wanted);
    }
    CLEANUP_FREE char *from_text = xstrndup(wanted, (size_t)(dash - wanted));
    uint16_t from = 0, to = 0;
    struct err err = {0};
    if (parse_port(from_text, &from, &err) < 0 || parse_port(dash + 1, &to, &err) < 0) {
        return NULL;
    }
    for (unsigned p = from; p <= to; p++) {
        char *text = xasprintf("%u", p);
        if (!port_taken(w, ip, text, proto)) {
            return text;
        }
        free(text);
    }
    return NULL;
}

static bool ports_up(struct fake_container *c, char **ret_text)
{
    json_t *wanted = json_object_get(c->host, "PortBindings"), *bindings = NULL, *b = NULL;
    json_t *got = json_object();
    const char *key = NULL;
    size_t i = 0;
    json_object_foreach(json_object_get(c->config, "ExposedPorts"), key, b)
    {
        json_object_set_new(got, key, json_null());
    }
    json_object_foreach(wanted, key, bindings)
    {
        const char *proto = strchr(key, '/') ? strchr(key, '/') : "/tcp";
        json_t *list = json_array();
        json_array_foreach(bindings, i, b)
        {
            const char *ip = *fake_str(b, "HostIp") ? fake_str(b, "HostIp") : "0.0.0.0";
            CLEANUP_FREE char *port = choose_port(c->world, ip, fake_str(b, "HostPort"), proto);
            if (!port) {
                *ret_text = xasprintf("driver failed programming external connectivity on "
                                      "endpoint %s (%s): Bind for %s:%s failed: port is already "
                                      "allocated",
                                      c->name, c->id, ip, fake_str(b, "HostPort"));
                json_decref(list);
                json_decref(got);
                return false;
            }
            json_array_append_new(list, json_pack("{s:s, s:s}", "HostIp", ip, "HostPort", port));
        }
        json_object_set_new(got, key, list);
    }
    c->ports = got;
    return true;
}

/* --- its end --- */

static void delayed_restart(void *arg)
{
    begin_start(arg);
}

static bool wants_restart(const struct fake_container *c)
{
    const json_t *policy = json_object_get(c->host, "RestartPolicy");
    const char *name = fake_str(policy, "Name");
    json_int_t most = json_integer_value(json_object_get(policy, "MaximumRetryCount"));
    if (c->stopped_by_user || c->removing) {
        return false;
    }
    if (str_eq(name, "always") || str_eq(name, "unless-stopped")) {
        return true;
    }
    return str_eq(name, "on-failure") && c->exit_code != 0 &&
           (most == 0 || c->restart_count < most);
}

static void own_end(void *arg)
{
    struct fake_container *c = arg;
    c->oom = c->script.oom;
    fake_container_ended(c, c->script.exit_code);
}

static void term_end(void *arg)
{
    struct fake_container *c = arg;
    fake_container_ended(c, c->script.term_code);
}

static void kill_end(void *arg)
{
    fake_container_ended(arg, CODE_KILLED);
}

static void grace_over(void *arg)
{
    struct fake_container *c = arg;
    fake_emit_container(c, "kill", json_pack("{s:s}", "signal", "9"));
    fake_container_ended(c, CODE_KILLED);
}

static void cancel_own_work(struct fake_container *c)
{
    fake_task_cancel(c->world, own_end, c);
    fake_task_cancel(c->world, term_end, c);
    fake_task_cancel(c->world, kill_end, c);
    fake_task_cancel(c->world, grace_over, c);
    fake_task_cancel(c->world, delayed_restart, c);
    fake_health_end(c);
}

static void restart_told(struct fake_call *call)
{
    const struct fake_container *c = call->container;
    call->watch = FAKE_WATCH_NONE;
    if (fake_is_up(c)) {
        fake_answer_empty(call, 204);
    } else {
        fake_answer_error(call, 500, "Cannot restart container %s: %s", c->name,
                          c->error ? c->error : "it did not start");
    }
}

/* The second half of a restart; takes place even when the client has gone. */
static void restart_again(struct fake_container *c)
{
    c->restart_after = false;
    begin_start(c);
    if (fake_is_up(c)) {
        fake_emit_container(c, "restart", NULL);
    }
    for_watchers(c, FAKE_WATCH_RESTART, restart_told);
}

void fake_container_ended(struct fake_container *c, int exit_code)
{
    struct fake_world *w = c->world;
    CLEANUP_FREE char *code = xasprintf("%d", exit_code);
    cancel_own_work(c);
    c->exit_code = exit_code;
    c->finished = clock_wall();
    c->pid = 0;
    bool again = wants_restart(c);
    c->state = again ? FAKE_RESTARTING : FAKE_EXITED;
    json_decref(c->ports);
    c->ports = NULL;
    if (c->oom) {
        fake_emit_container(c, "oom", NULL);
    }
    fake_emit_container(c, "die", json_pack("{s:s}", "exitCode", code));
    fake_endpoints_down(c);
    fake_exec_drop(c, false);
    if (!again) {
        fake_streams_end(c);
    }
    for_watchers(c, FAKE_WATCH_WAIT, watcher_ended);
    if (c->stopping) {
        fake_emit_container(c, "stop", NULL);
    }
    c->stopping = false;
    for_watchers(c, FAKE_WATCH_STOP, stop_done);
    if (c->restart_after && !c->removing) {
        restart_again(c);
    } else if (again) {
        int64_t delay = w->options.restart_delay << (c->restart_count < 6 ? c->restart_count : 6);
        c->restart_count++;
        fake_task_add(w, fake_now(w) + delay, delayed_restart, c);
    } else if (c->removing || json_is_true(json_object_get(c->host, "AutoRemove"))) {
        c->remove_anonymous = c->remove_anonymous || !c->removing;
        fake_container_forget(c);
    }
}

/* --- start --- */

static bool refuse(struct fake_container *c, int exit_code, const char *text)
{
    free(c->error);
    c->error = xstrdup(text);
    c->exit_code = exit_code;
    return false;
}

/* False: *ret_status and c->error tell why. */
static bool bring_up(struct fake_container *c, int *ret_status)
{
    const char *mode = fake_str(c->host, "NetworkMode");
    CLEANUP_FREE char *text = NULL;
    *ret_status = c->script.start_status ? c->script.start_status : 500;
    if (c->script.start_error) {
        return refuse(c, *ret_status == 400 ? 127 : 128, c->script.start_error);
    }
    if (str_starts(mode, "container:")) {
        const char *other_id = mode + strlen("container:");
        const struct fake_container *other = fake_container_find(c->world, other_id);
        if (!other || !fake_is_up(other)) {
            *ret_status = other ? 409 : 404;
            text = other
                       ? xasprintf("cannot join network of a non running container: %s", other->id)
                       : xasprintf("No such container: %s", other_id);
            return refuse(c, 128, text);
        }
    }
    if (!fake_endpoints_up(c, ret_status, &text)) {
        return refuse(c, 128, text);
    }
    if (!ports_up(c, &text)) {
        fake_endpoints_down(c);
        *ret_status = 500;
        return refuse(c, 128, text);
    }
    return true;
}

static void run(struct fake_container *c)
{
    struct fake_world *w = c->world;
    int64_t now = fake_now(w);
    c->state = FAKE_RUNNING;
    c->exit_code = 0;
    c->oom = false;
    c->stopped_by_user = false;
    c->starts++;
    c->pid = w->pids++;
    c->started = clock_wall();
    c->booted = now + c->script.boot;
    free(c->error);
    c->error = NULL;
    fake_emit_container(c, "start", NULL);
    if (c->script.logs) {
        fake_log(c, false, c->script.logs);
    }
    if (c->script.logs_err) {
        fake_log(c, true, c->script.logs_err);
    }
    if (c->script.exits && (!c->script.exit_times || c->starts <= c->script.exit_times)) {
        fake_task_add(w, now + c->script.exit_after, own_end, c);
    }
    fake_health_begin(c);
}

/* A start that nobody waits for: restart policies and the second half of a restart. */
static void begin_start(struct fake_container *c)
{
    int status = 0;
    if (bring_up(c, &status)) {
        run(c);
    } else {
        c->state = FAKE_EXITED;
    }
}

static void finish_start(struct fake_container *c, struct fake_call *call)
{
    int status = 0;
    if (bring_up(c, &status)) {
        run(c);
        fake_answer_empty(call, 204);
    } else {
        fake_answer_error(call, status, "%s", c->error);
    }
}

static void slow_start_told(struct fake_call *call)
{
    int status = 0;
    if (call->container->state == FAKE_RUNNING) {
        call->watch = FAKE_WATCH_NONE;
        fake_answer_empty(call, 204);
    } else {
        call->watch = FAKE_WATCH_NONE;
        status = call->container->script.start_status;
        fake_answer_error(call, status ? status : 500, "%s",
                          call->container->error ? call->container->error : "start failed");
    }
}

static void slow_start(void *arg)
{
    struct fake_container *c = arg;
    if (!fake_is_up(c)) {
        begin_start(c);
    }
    for_watchers(c, FAKE_WATCH_START, slow_start_told);
}

void fake_container_start(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    if (!c) {
        return;
    }
    if (c->state == FAKE_PAUSED) {
        fake_answer_error(call, 409, "cannot start a paused container, try unpause instead");
        return;
    }
    if (c->state == FAKE_RUNNING) {
        fake_answer_empty(call, 304);
        return;
    }
    fake_task_cancel(c->world, delayed_restart, c);
    if (c->script.start_takes) {
        watch(call, c, FAKE_WATCH_START);
        fake_task_cancel(c->world, slow_start, c);
        fake_task_add(c->world, fake_now(c->world) + c->script.start_takes, slow_start, c);
        return;
    }
    finish_start(c, call);
}

/* --- stop, restart, kill --- */

/* "SIGTERM", "term", "15"; 0 = no such signal. */
static int signal_number(const char *text)
{
    static const struct {
        const char *name;
        int number;
    } rows[] = {{"HUP", 1},   {"INT", 2},   {"QUIT", 3},  {"ABRT", 6},  {"KILL", 9},  {"USR1", 10},
                {"USR2", 12}, {"TERM", 15}, {"CONT", 18}, {"STOP", 19}, {"WINCH", 28}};
    int64_t number = 0;
    struct err err = {0};
    if (parse_int(text, 1, 64, &number, &err) == 0) {
        return (int)number;
    }
    if (strlen(text) > 3 && (text[0] | 32) == 's' && (text[1] | 32) == 'i' &&
        (text[2] | 32) == 'g') {
        text += 3;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq_nocase(rows[i].name, text)) {
            return rows[i].number;
        }
    }
    return 0;
}

static void send_signal(struct fake_container *c, int number)
{
    struct fake_world *w = c->world;
    CLEANUP_FREE char *text = xasprintf("%d", number);
    bool ends = number == SIGNAL_TERM || number == 2 || number == 3;
    fake_emit_container(c, "kill", json_pack("{s:s}", "signal", text));
    if (number == SIGNAL_KILL) {
        fake_task_add(w, 0, kill_end, c);
    } else if (ends && !c->script.ignores_term) {
        fake_task_add(w, fake_now(w) + c->script.stop_takes, term_end, c);
    }
}

static int64_t grace_of(const struct fake_call *call, const struct fake_container *c)
{
    const json_t *own = json_object_get(c->config, "StopTimeout");
    int64_t seconds = json_is_integer(own) ? json_integer_value(own) : GRACE_DEFAULT;
    seconds = fake_param_int(call, "t", seconds);
    return fake_scaled(c->world, seconds * NS_PER_SEC);
}

static void begin_stop(struct fake_call *call, struct fake_container *c)
{
    struct fake_world *w = c->world;
    CLEANUP_FREE char *asked = fake_param(call, "signal");
    const char *own = fake_str(c->config, "StopSignal");
    int number = signal_number(asked ? asked : *own ? own : "TERM");
    int64_t grace = grace_of(call, c);
    c->stopped_by_user = true;
    c->stopping = true;
    fake_task_cancel(w, grace_over, c);
    if (c->state == FAKE_PAUSED) {
        c->state = FAKE_RUNNING;
    }
    /* Whatever the signal is, a container that does not ignore it ends by it. */
    fake_emit_container(c, "kill", json_pack("{s:o}", "signal", json_sprintf("%d", number)));
    if (!c->script.ignores_term) {
        fake_task_add(w, fake_now(w) + c->script.stop_takes, term_end, c);
    }
    if (grace >= 0) {
        fake_task_add(w, fake_now(w) + grace, grace_over, c);
    }
}

void fake_container_stop(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    if (!c) {
        return;
    }
    if (c->state == FAKE_RESTARTING) {
        fake_task_cancel(c->world, delayed_restart, c);
        c->state = FAKE_EXITED;
        c->stopped_by_user = true;
        fake_emit_container(c, "stop", NULL);
        fake_streams_end(c);
        fake_answer_empty(call, 204);
        return;
    }
    if (!fake_is_up(c)) {
        fake_answer_empty(call, 304);
        return;
    }
    watch(call, c, FAKE_WATCH_STOP);
    c->restart_after = false;
    begin_stop(call, c);
}

void fake_container_restart(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    if (!c) {
        return;
    }
    if (fake_is_up(c)) {
        watch(call, c, FAKE_WATCH_RESTART);
        c->restart_after = true;
        begin_stop(call, c);
        return;
    }
    fake_task_cancel(c->world, delayed_restart, c);
    finish_start(c, call);
    if (fake_is_up(c)) {
        fake_emit_container(c, "restart", NULL);
    }
}

void fake_container_kill(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    CLEANUP_FREE char *text = fake_param(call, "signal");
    int number = signal_number(str_empty(text) ? "KILL" : text);
    if (!c) {
        return;
    }
    if (number == 0) {
        fake_answer_error(call, 400, "Invalid signal: %s", text);
        return;
    }
    if (!fake_is_up(c)) {
        fake_answer_error(call, 409, "Cannot kill container: %s: Container %s is not running",
                          call->id, c->id);
        return;
    }
    c->stopped_by_user = c->stopped_by_user || number == SIGNAL_KILL || number == SIGNAL_TERM;
    send_signal(c, number);
    fake_answer_empty(call, 204);
}

void fake_container_pause(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    if (!c) {
        return;
    }
    if (c->state != FAKE_RUNNING) {
        fake_answer_error(call, 409, "Container %s is %s", c->id,
                          c->state == FAKE_PAUSED ? "already paused" : "not running");
        return;
    }
    c->state = FAKE_PAUSED;
    fake_emit_container(c, "pause", NULL);
    fake_answer_empty(call, 204);
}

void fake_container_unpause(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    if (!c) {
        return;
    }
    if (c->state != FAKE_PAUSED) {
        fake_answer_error(call, 500, "Container %s is not paused", c->id);
        return;
    }
    c->state = FAKE_RUNNING;
    fake_emit_container(c, "unpause", NULL);
    fake_answer_empty(call, 204);
}

/* --- remove, wait --- */

static void drop_anonymous(struct fake_container *c)
{
    VEC_FOREACH (struct fake_volume, v, &c->volumes) {
        if (v->anonymous && !fake_volume_used(c->world, v, NULL)) {
            fake_volume_drop(c->world, v);
        }
    }
}

void fake_container_forget(struct fake_container *c)
{
    struct fake_world *w = c->world;
    cancel_own_work(c);
    fake_task_cancel(w, NULL, c);
    vec_remove(&w->containers, c);
    json_decref(c->ports);
    c->ports = NULL;
    fake_endpoints_down(c);
    fake_exec_drop(c, true);
    fake_streams_end(c);
    fake_emit_container(c, fake_podman(w) ? "remove" : "destroy", NULL);
    if (c->remove_anonymous) {
        drop_anonymous(c);
    }
    for_watchers(c, FAKE_WATCH_WAIT, watcher_removed);
    for_watchers(c, FAKE_WATCH_STOP, stop_done);
    VEC_FOREACH (struct fake_call, call, &c->watchers) {
        call->container = NULL;
    }
    fake_container_free(c);
}

void fake_container_remove(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    bool force = fake_param_true(call, "force");
    if (!c) {
        return;
    }
    c->remove_anonymous = fake_param_true(call, "v");
    if ((fake_is_up(c) || c->state == FAKE_RESTARTING) && !force) {
        fake_answer_error(call, fake_podman(call->world) ? 500 : 409,
                          "You cannot remove a %s container %s. Stop the container before "
                          "attempting removal or force remove",
                          fake_state_name(c->state), c->id);
        return;
    }
    if (fake_is_up(c)) {
        c->removing = true;
        c->stopping = false; /* a forced removal emits no "stop" */
        fake_emit_container(c, "kill", json_pack("{s:s}", "signal", "9"));
        fake_container_ended(c, CODE_KILLED);
    } else {
        fake_container_forget(c);
    }
    fake_answer_empty(call, 204);
}

void fake_container_wait(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    CLEANUP_FREE char *condition = fake_param(call, "condition");
    if (!c) {
        return;
    }
    call->wait = FAKE_WAIT_NOT_RUNNING;
    if (condition && str_eq(condition, "next-exit")) {
        call->wait = FAKE_WAIT_NEXT_EXIT;
    } else if (condition && str_eq(condition, "removed")) {
        call->wait = FAKE_WAIT_REMOVED;
    } /* anything else counts as not-running, as it does to dockerd */
    if (call->wait == FAKE_WAIT_NOT_RUNNING && !fake_is_up(c) && c->state != FAKE_RESTARTING) {
        tell_waiter(call, c->exit_code);
        return;
    }
    watch(call, c, FAKE_WATCH_WAIT);
}
