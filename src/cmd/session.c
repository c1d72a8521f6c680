/*
 * Standard streams over a hijacked connection. Input is read only while the connection takes it,
 * and the connection only while our output is taken: neither side's slowness blocks the loop, so
 * that signals are always heard. A terminal is raw for the time of the session.
 */
#include "cmd/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/outflow.h"
#include "cmd/terminal.h"
#include "engine/engine.h"
#include "engine/stdcopy.h"
#include "ev/ev.h"

/* The process is not there yet when the connection stands: its terminal cannot be sized at once. */
#define RESIZE_AGAIN (10 * NS_PER_MS)
enum {
    RESIZE_TRIES = 12,
    CHUNK = 32 << 10,
    WAITING_MAX = 256 << 10, /* of output, before the connection is not read any more */
    HELD_MAX = 4 << 10
};

struct session {
    struct cmd_context *ctx;
    struct engine *engine;
    struct engine_call *call, *resizing;
    struct session_spec spec;
    struct stdcopy copy;
    struct ev_fd *input;
    struct ev_signal *winch;
    struct ev_timer *resize_timer;
    struct outflow *out, *err;
    char *id, *held;
    int tries;
    bool said;      /* something came on standard output */
    bool paused;    /* the connection is not read until what waits is written */
    bool broken;    /* told */
    bool closing;   /* the connection has ended, output is still on its way */
    struct err end; /* how it ended */
    bool ended, released;
};

bool session_has_terminal(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* --- its size --- */

static void reap(struct session *s)
{
    if (s->released && !s->call && !s->resizing) {
        free(s->id);
        free(s->held);
        ev_defer_free(context_loop(s->ctx), s);
    }
}

static void resized(void *arg, const struct engine_reply *reply UNUSED, const struct err *err)
{
    struct session *s = arg;
    s->resizing = NULL;
    if (s->ended) {
        reap(s);
    } else if (err && s->call && ++s->tries < RESIZE_TRIES) {
        ev_timer_set(s->resize_timer, clock_mono() + RESIZE_AGAIN * s->tries);
    }
}

void session_resize(struct session *s)
{
    if (!s->spec.tty || !s->spec.resize || !s->call) {
        return;
    }
    if (s->resizing) { /* the newest size counts: once that one is through */
        ev_timer_set(s->resize_timer, clock_mono() + RESIZE_AGAIN);
        return;
    }
    term_measure(&s->ctx->out);
    s->resizing = s->spec.resize(s->engine, s->id, s->ctx->out.rows, s->ctx->out.columns, resized,
                                 s);
}

static void resize_again(void *arg)
{
    session_resize(arg);
}

static void on_winch(int signo UNUSED, void *arg)
{
    struct session *s = arg;
    s->tries = 0;
    session_resize(s);
}

/* --- input --- */

static void close_input(struct session *s)
{
    ev_fd_free(s->input);
    s->input = NULL;
    engine_close_write(s->engine, s->call);
}

static void on_input(unsigned ready UNUSED, void *arg)
{
    struct session *s = arg;
    char chunk[CHUNK];
    ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0) {
        close_input(s);
    } else if (!engine_write(s->engine, s->call, chunk, (size_t)n)) {
        ev_fd_want(s->input, EV_WANT_NONE);
    }
}

static void on_drain(void *arg)
{
    struct session *s = arg;
    if (s->input) {
        ev_fd_want(s->input, EV_WANT_READ);
    }
}

static void open_input(struct session *s)
{
    if (!s->spec.stdin_open) {
        return;
    }
    s->input = ev_fd_new(context_loop(s->ctx), STDIN_FILENO, on_input, s);
    if (s->input) {
        ev_fd_want(s->input, EV_WANT_READ);
    }
}

/* --- output --- */

static size_t waiting(const struct session *s)
{
    return outflow_waiting(s->out) + outflow_waiting(s->err);
}

static void finish(struct session *s);

static void on_flow(void *arg, const struct err *err)
{
    struct session *s = arg;
    if (err && !s->broken) {
        s->broken = true;
        if (s->spec.on_broken) {
            s->spec.on_broken(s->spec.arg, err);
        }
    }
    if (waiting(s) > 0) {
        return;
    }
    if (s->paused && s->call) {
        s->paused = false;
        engine_pause_reading(s->engine, s->call, false);
    }
    if (s->closing) {
        finish(s);
    }
}

/* True: this piece is held back. More output shows that it was the process's own. */
static bool hold(struct session *s, const void *data, size_t len)
{
    size_t prefix = s->spec.hold ? strlen(s->spec.hold) : 0;
    bool first = !s->said;
    s->said = true;
    if (first && prefix && len >= prefix && len < HELD_MAX &&
        memcmp(data, s->spec.hold, prefix) == 0 && !memchr(data, '\0', len)) {
        s->held = xstrndup(data, len);
        return true;
    }
    if (s->held) {
        outflow_write(s->out, s->held, strlen(s->held));
        free(s->held);
        s->held = NULL;
    }
    return false;
}

static void on_bytes(void *arg, enum stdcopy_stream stream, const void *data, size_t len)
{
    struct session *s = arg;
    if (s->spec.quiet) {
        return;
    }
    if (stream == STDCOPY_STDERR || stream == STDCOPY_SYSTEM) {
        outflow_write(s->err, data, len);
    } else if (!hold(s, data, len)) {
        outflow_write(s->out, data, len);
    }
}

static void on_data(void *arg, const void *data, size_t len)
{
    struct session *s = arg;
    if (s->ended) {
        return;
    }
    stdcopy_feed(&s->copy, data, len, on_bytes, s);
    if (!s->paused && waiting(s) > WAITING_MAX) {
        s->paused = true;
        engine_pause_reading(s->engine, s->call, true);
    }
}

const char *session_held(const struct session *s)
{
    return s->held;
}

/* --- beginning and end --- */

static void on_open(void *arg, const struct engine_reply *reply UNUSED)
{
    struct session *s = arg;
    if (s->spec.tty && isatty(STDIN_FILENO)) {
        terminal_raw();
        s->winch = ev_signal_new(context_loop(s->ctx), SIGWINCH, on_winch, s);
    }
    open_input(s);
    if (s->spec.on_open) {
        s->spec.on_open(s->spec.arg);
    }
    session_resize(s);
}

static void stop(struct session *s)
{
    s->ended = true;
    ev_fd_free(s->input);
    ev_signal_free(s->winch);
    ev_timer_free(s->resize_timer);
    outflow_free(s->out);
    outflow_free(s->err);
    s->out = s->err = NULL;
    s->input = NULL;
    s->winch = NULL;
    s->resize_timer = NULL;
    stdcopy_release(&s->copy);
    terminal_restore();
}

static void finish(struct session *s)
{
    stop(s);
    s->spec.on_end(s->spec.arg, s->end.code ? &s->end : NULL);
}

static void on_done(void *arg, const struct engine_reply *reply UNUSED, const struct err *err)
{
    struct session *s = arg;
    s->call = NULL;
    if (s->ended) {
        reap(s);
        return;
    }
    s->end = err ? *err : (struct err){0};
    s->closing = true;
    ev_fd_free(s->input);
    s->input = NULL;
    if (waiting(s) == 0) {
        finish(s);
    }
}

struct session *session_new(struct cmd_context *ctx, struct engine *engine,
                            const struct session_spec *spec)
{
    static const struct engine_handlers handlers = {
        .on_open = on_open, .on_data = on_data, .on_drain = on_drain, .on_done = on_done};
    struct session *s = xcalloc(1, sizeof(*s));
    struct engine_request r = {.method = "POST",
                               .path = spec->path,
                               .query = spec->query,
                               .json = spec->json,
                               .mode = ENGINE_HIJACK,
                               .deadline = CLOCK_NEVER};
    *s = (struct session){.ctx = ctx, .engine = engine, .spec = *spec};
    s->id = xstrdup(spec->id ? spec->id : "");
    stdcopy_init(&s->copy, spec->tty);
    s->resize_timer = ev_timer_new(context_loop(ctx), resize_again, s);
    fflush(stdout); /* what was said before stays before */
    s->out = outflow_new(context_loop(ctx), STDOUT_FILENO, on_flow, s);
    s->err = outflow_new(context_loop(ctx), STDERR_FILENO, on_flow, s);
    s->call = engine_request(engine, &r, &handlers, s);
    return s;
}

void session_free(struct session *s)
{
    if (!s) {
        return;
    }
    if (!s->ended) {
        stop(s);
    }
    s->released = true;
    engine_cancel(s->engine, s->resizing); /* they answer in a later turn; that one frees us */
    engine_cancel(s->engine, s->call);
    reap(s);
}
