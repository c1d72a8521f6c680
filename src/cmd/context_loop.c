/*
 * The loop of a command: waiting, interrupts, and the renderer of a run's events with its clock.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd/context.h"
#include "cmd/state.h"
#include "engine/engine.h"
#include "ev/ev.h"
#include "model/observed.h"
#include "model/project.h"
#include "ui/progress.h"
#include "ui/summary.h"

static void on_signal(int signo, void *arg)
{
    struct cmd_context *ctx = arg;
    struct err err = {0};
    ctx->interrupts++;
    ctx->last_signal = signo;
    if (ctx->on_interrupt) {
        ctx->on_interrupt(ctx->interrupt_arg, ctx->interrupts);
        return;
    }
    err_set(&err, ERR_CANCELLED, "interrupted");
    context_finish(ctx, -ERR_CANCELLED, &err);
}

static void on_resize(int signo UNUSED, void *arg)
{
    struct cmd_context *ctx = arg;
    term_measure(&ctx->out);
    term_measure(&ctx->err);
    if (ctx->renderer) {
        progress_resize(ctx->renderer, ctx->err.columns, ctx->err.rows, ev_now(ctx->loop));
    }
}

struct ev_loop *context_loop(struct cmd_context *ctx)
{
    if (!ctx->loop) {
        ctx->loop = ev_loop_new();
        ctx->signals[0] = ev_signal_new(ctx->loop, SIGINT, on_signal, ctx);
        ctx->signals[1] = ev_signal_new(ctx->loop, SIGTERM, on_signal, ctx);
    }
    return ctx->loop;
}

void context_finish(struct cmd_context *ctx, int result, const struct err *err)
{
    if (ctx->finished) {
        return;
    }
    ctx->finished = true;
    ctx->result = result;
    ctx->result_err = err ? *err : (struct err){0};
    if (ctx->loop) {
        ev_loop_stop(ctx->loop);
    }
}

void context_done(void *arg, const struct err *err)
{
    context_finish(arg, err ? -(int)err->code : 0, err);
}

int context_wait(struct cmd_context *ctx, struct err *err)
{
    if (!ctx->finished) {
        ev_loop_run(context_loop(ctx));
    }
    if (!ctx->finished) {
        return err_set(err, ERR_BUG, "nothing left to wait for");
    }
    ctx->finished = false;
    if (ctx->result < 0) {
        *err = ctx->result_err;
    }
    return ctx->result;
}

void context_on_interrupt(struct cmd_context *ctx, void (*fn)(void *arg, int times), void *arg)
{
    ctx->on_interrupt = fn;
    ctx->interrupt_arg = arg;
}

static void write_progress(void *arg UNUSED, enum progress_stream stream, const char *data,
                           size_t len)
{
    show_bytes(stream == STREAM_OUT ? STDOUT_FILENO : STDERR_FILENO, data, len);
}

static void on_tick(void *arg)
{
    struct cmd_context *ctx = arg;
    int64_t now = ev_now(ctx->loop);
    progress_tick(ctx->renderer, now);
    ev_timer_set(ctx->tick, now + PROGRESS_TICK);
}

static enum progress_style style_of(const struct cmd_context *ctx, const struct term *term,
                                    bool quiet)
{
    if (ctx->json || ctx->progress == PROGRESS_JSON) {
        return PROGRESS_STYLE_JSON;
    }
    if (quiet || ctx->progress == PROGRESS_QUIET) {
        return PROGRESS_STYLE_QUIET;
    }
    if (ctx->progress == PROGRESS_PLAIN || ctx->dry_run) {
        return PROGRESS_STYLE_COMPOSE;
    }
    return term->tty || ctx->progress == PROGRESS_TTY ? PROGRESS_STYLE_LIVE : PROGRESS_STYLE_LINES;
}

static bool env_flag(const char *name)
{
    const char *value = getenv(name);
    return str_eq(value, "1") || str_eq(value, "true");
}

struct progress *context_progress(struct cmd_context *ctx, struct event_hub *hub,
                                  const struct progress_setup *options)
{
    bool to_stdout = ctx->json || env_flag("COMPOSE_STATUS_STDOUT");
    const struct term *term = to_stdout ? &ctx->out : &ctx->err;
    struct progress_options o = {
        .style = style_of(ctx, term, options->quiet),
        .colour = term->colour,
        .utf8 = progress_env_utf8(),
        .columns = term->columns,
        .rows = term->rows,
        .to_stdout = to_stdout,
        .dry_run = ctx->dry_run,
        .log_prefix = !options->no_prefix,
        .log_timestamps = options->timestamps,
        .log_colour = ctx->out.colour && !options->no_colour,
        .project = options->project,
        .write = write_progress,
    };
    context_progress_end(ctx);
    ctx->renderer = progress_new(&o);
    event_hub_add(hub, progress_event, ctx->renderer);
    if (o.style == PROGRESS_STYLE_LIVE) {
        struct ev_loop *loop = context_loop(ctx);
        ctx->tick = ev_timer_new(loop, on_tick, ctx);
        ctx->signals[2] = ev_signal_new(loop, SIGWINCH, on_resize, ctx);
        ev_timer_set(ctx->tick, ev_now(loop) + PROGRESS_TICK);
    }
    return ctx->renderer;
}

void context_progress_end(struct cmd_context *ctx)
{
    ev_timer_free(ctx->tick);
    ctx->tick = NULL;
    ev_signal_free(ctx->signals[2]);
    ctx->signals[2] = NULL;
    progress_free(ctx->renderer);
    ctx->renderer = NULL;
}

void context_summary(struct cmd_context *ctx, const struct observed *observed, struct timeline *t)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    bool people = !ctx->json && ctx->progress != PROGRESS_JSON && ctx->progress != PROGRESS_QUIET &&
                  ctx->progress != PROGRESS_PLAIN && !ctx->dry_run;
    bool started = false; /* a run that found everything there is no start */
    for (size_t i = 0; i < t->count; i++) {
        started = started || t->entries[i].start_begin >= 0;
    }
    if (!ctx->dry_run && started) {
        state_save_timeline(t);
    }
    if (!people || !ctx->renderer) {
        return;
    }
    if (observed) {
        summary_addresses(&b, ctx->err.colour, observed);
    }
    summary_critical_path(&b, ctx->err.colour, ctx->err.tty ? ctx->err.columns : 0, t);
    progress_text(ctx->renderer, buf_text(&b));
}

void context_release(struct cmd_context *ctx)
{
    context_progress_end(ctx);
    engine_free(ctx->engine);
    project_free(ctx->project);
    for (size_t i = 0; i < ARRAY_LEN(ctx->signals); i++) {
        ev_signal_free(ctx->signals[i]);
        ctx->signals[i] = NULL;
    }
    ev_loop_free(ctx->loop);
    ctx->loop = NULL;
}
