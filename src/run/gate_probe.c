/*
 * Attempts of one probe until it passes: over the network, by a command in the container, or by the
 * log. An attempt follows the last one after one percent of the time waited so far, so that what is
 * lost to waiting stays in proportion; commands are dearer and wait ten percent.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "engine/stdcopy.h"
#include "probe/exec.h"
#include "probe/log.h"
#include "run/gate.h"

#define NETWORK_WAIT_MIN (3 * NS_PER_MS)
#define NETWORK_WAIT_MAX (500 * NS_PER_MS)
#define EXEC_WAIT_MIN (10 * NS_PER_MS)
#define HEAL_WAIT_STEP (100 * NS_PER_MS) /* a refused login is asked again, but not in a storm */
#define ATTEMPT_TIMEOUT (5 * NS_PER_SEC)

static void again(void *arg)
{
    gate_probe_begin(arg);
}

void gate_probe_init(struct gate_probe *p, struct gate *g, const struct probe_spec *spec)
{
    *p = (struct gate_probe){.gate = g, .spec = spec};
    p->timer = ev_timer_new(g->run->loop, again, p);
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static void plan_next(struct gate_probe *p)
{
    int64_t now = clock_mono(), waited = now - p->gate->began, wait = 0;
    if (p->passed || p->dropped || p->gate->ended || !p->gate->running) {
        return;
    }
    if (p->never_since) {
        wait = HEAL_WAIT_STEP;
    } else if (p->spec->kind == PROBE_EXEC) {
        int64_t max = p->gate->check_interval > EXEC_WAIT_MIN ? p->gate->check_interval
                                                              : EXEC_WAIT_MIN;
        wait = clamp(waited / 10, EXEC_WAIT_MIN, max);
    } else {
        wait = clamp(waited / 100, NETWORK_WAIT_MIN, NETWORK_WAIT_MAX);
    }
    ev_timer_set(p->timer, now + wait);
}

static void ended(struct gate_probe *p, const struct outcome *o)
{
    struct gate *g = p->gate;
    if (g->ended || !g->running) {
        return;
    }
    gate_outcome(p, o);
    if (!g->ended) {
        plan_next(p);
    }
}

/* --- over the network --- */

static void network_done(const struct outcome *o, void *arg)
{
    struct gate_probe *p = arg;
    p->attempt = NULL;
    if (p->gate->ended) {
        gate_reap(p->gate);
    } else {
        ended(p, o);
    }
}

/* --- by a command --- */

static void exec_done(void *arg, int exit_code, const char *output, const struct err *err)
{
    struct gate_probe *p = arg;
    struct outcome o = {0};
    p->exec = NULL;
    if (err && err->code == ERR_TIMEOUT) {
        probe_exec_timed_out(output, strlen(output), &o);
    } else if (err) { /* not running, paused, gone: the events say which */
        outcome_set(&o, VERDICT_NOT_YET, LAYER_CONNECT, "exec", "%s", err->message);
    } else {
        probe_exec_outcome(exit_code, output, strlen(output), &o);
    }
    ended(p, &o);
}

static void begin_exec(struct gate_probe *p)
{
    int64_t timeout = p->spec->timeout > 0 ? p->spec->timeout : ATTEMPT_TIMEOUT;
    struct exec_spec x = {.container = p->gate->unit->id,
                          .argv = p->spec->argv,
                          .deadline = clock_add(clock_mono(), timeout)};
    p->exec = engine_exec_run(p->gate->run->engine, &x, exec_done, p);
}

/* --- by the log --- */

struct follow {
    struct gate_probe *probe; /* NULL once stopped */
    struct stdcopy copy;
    struct probe_log *log;
};

static void on_line(void *arg, enum stdcopy_stream stream, const void *data, size_t len)
{
    struct follow *f = arg;
    struct outcome o = {0};
    (void)stream;
    if (f->probe && !f->probe->passed && probe_log_feed(f->log, data, len)) {
        probe_log_outcome(f->log, &o);
        ended(f->probe, &o);
    }
}

static void on_log(void *arg, const void *data, size_t len)
{
    struct follow *f = arg;
    stdcopy_feed(&f->copy, data, len, on_line, f);
}

static void on_log_end(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct follow *f = arg;
    (void)reply;
    (void)err;
    if (f->probe) {
        f->probe->follow = NULL;
        f->probe->follow_state = NULL;
    }
    probe_log_free(f->log);
    stdcopy_release(&f->copy);
    free(f);
}

static void begin_log(struct gate_probe *p)
{
    static const struct engine_handlers handlers = {.on_data = on_log, .on_done = on_log_end};
    struct gate *g = p->gate;
    struct follow *f = xcalloc(1, sizeof(*f));
    struct err err = {0};
    struct outcome o = {0};
    CLEANUP_FREE char *path = xasprintf("/containers/%s/logs", g->unit->id);
    CLEANUP_FREE char *query = xasprintf("stdout=1&stderr=1&follow=1&since=%lld",
                                         (long long)(g->details.started / NS_PER_SEC));
    struct engine_request r = {.method = "GET",
                               .path = path,
                               .query = query,
                               .mode = ENGINE_STREAM,
                               .deadline = CLOCK_NEVER};
    f->probe = p;
    stdcopy_init(&f->copy, g->details.tty);
    if (probe_log_new(p->spec->path, &f->log, &err)) {
        free(f);
        outcome_set(&o, VERDICT_NEVER, LAYER_CONFIG, "pattern", "%s", err.message);
        ended(p, &o);
        return;
    }
    p->follow_state = f;
    p->follow = engine_request(g->run->engine, &r, &handlers, f);
}

/* --- a file in the container --- */

static void file_answered(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct gate_probe *p = arg;
    struct gate *g = p->gate;
    struct outcome o = {0};
    (void)reply;
    p->file = NULL;
    if (g->ended) {
        gate_reap(g);
        return;
    }
    if (!err) {
        outcome_set(&o, VERDICT_READY, LAYER_APP, "", "%s exists", p->spec->path);
    } else if (err->status == 404) {
        outcome_set(&o, VERDICT_NOT_YET, LAYER_APP, "no-file", "%s does not exist", p->spec->path);
    } else {
        outcome_set(&o, VERDICT_NOT_YET, LAYER_CONNECT, "file", "%s", err->message);
    }
    ended(p, &o);
}

static void begin_file(struct gate_probe *p)
{
    const char *path = p->spec->path ? p->spec->path : "";
    CLEANUP_FREE char *escaped = engine_escape(path);
    p->file = engine_simple(p->gate->run->engine, "HEAD", file_answered, p,
                            "/containers/%s/archive?path=%s", p->gate->unit->id, escaped);
}

/* --- all kinds --- */

static void begin_network(struct gate_probe *p)
{
    struct gate *g = p->gate;
    struct probe_target to = {.host = g->address, .port = p->spec->port};
    if (p->spec->host && (is_ip4(p->spec->host) || is_ip6(p->spec->host))) {
        to.host = p->spec->host;
    }
    p->attempt = probe_run_start(g->run->prober, p->spec, &to,
                                 clock_add(clock_mono(), ATTEMPT_TIMEOUT), network_done, p);
}

void gate_probe_begin(struct gate_probe *p)
{
    if (p->passed || p->dropped || p->attempt || p->exec || p->follow || p->file ||
        p->gate->ended || !p->gate->running) {
        return;
    }
    if (p->spec->kind == PROBE_EXEC) {
        begin_exec(p);
    } else if (p->spec->kind == PROBE_LOG) {
        begin_log(p);
    } else if (p->spec->kind == PROBE_FILE) {
        begin_file(p);
    } else if (probe_can_run(p->spec->kind) && p->gate->address[0]) {
        begin_network(p);
    } else {
        p->dropped = true; /* cannot be reached from here: the health check decides */
    }
}

void gate_probe_stop(struct gate_probe *p)
{
    ev_timer_set(p->timer, CLOCK_NEVER);
    if (p->attempt) {
        probe_run_cancel(p->attempt);
    }
    if (p->file) {
        engine_cancel(p->gate->run->engine, p->file);
    }
    if (p->exec) {
        engine_exec_cancel(p->exec);
        p->exec = NULL;
    }
    if (p->follow) {
        ((struct follow *)p->follow_state)->probe = NULL;
        engine_cancel(p->gate->run->engine, p->follow);
        p->follow = NULL;
        p->follow_state = NULL;
    }
    p->passed = false;
    p->never_since = 0;
}

void gate_probe_free(struct gate_probe *p)
{
    ev_timer_free(p->timer);
    p->timer = NULL;
}
