/*
 * What a command gets: the parsed options, where output goes, and (made on demand) the loop, the
 * project and the engine. One per process; freed by main.
 */
#ifndef CMD_CONTEXT_H
#define CMD_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "ui/term.h"

/* The Compose release whose files, commands, labels and words are followed. */
#define COMPOSE_LEVEL "2.40.3"

enum progress_choice { PROGRESS_AUTO, PROGRESS_TTY, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_QUIET };

struct compose_options;
struct endpoint;
struct engine;
struct ev_loop;
struct ev_signal;
struct ev_timer;
struct event_hub;
struct observed;
struct progress;
struct project;
struct timeline;

struct cmd_context {
    const struct cmd *cmd;
    const struct args *globals;
    struct term out, err; /* standard output and error */
    bool json;            /* --json or --format json */
    bool dry_run;
    enum progress_choice progress;
    bool told; /* the error was printed already (diagnostics): main stays silent */

    /* The rest belongs to context*.c. */
    struct engine *engine;
    struct project *project;
    bool no_files;
    struct ev_loop *loop;
    struct ev_signal *signals[3]; /* INT, TERM, WINCH */
    void (*on_interrupt)(void *arg, int times);
    void *interrupt_arg;
    int interrupts;
    int last_signal; /* SIGINT or SIGTERM, at the last interrupt */
    bool finished;
    int result;
    struct err result_err;
    struct progress *renderer;
    struct ev_timer *tick;
};

/* Reads what the global options and the environment say about output; usable even when it fails. */
int context_init(struct cmd_context *ctx, const struct args *globals, struct err *err) MUST_CHECK;
/* Again, after the command's own words were parsed: global options may stand behind it too. */
int context_options(struct cmd_context *ctx, struct err *err) MUST_CHECK;
void context_release(struct cmd_context *ctx);

/* --- what a command works on --- */

/* The chosen engine, connected; the context's. */
int context_engine(struct cmd_context *ctx, struct engine **ret, struct err *err) MUST_CHECK;
enum project_flags {
    PROJECT_ALL_PROFILES = 1 << 8, /* COMPOSE_ALL_PROFILES */
    PROJECT_OPTIONAL = 1 << 20 /* no files and a name by -p: *ret is NULL, context_name() knows */
};
/*
 * The project that files, options and environment make; loaded once, the context's. Problems are
 * printed here, all of them: the error is then already told. `flags`: also enum compose_flags.
 * `services` are named on the command line to narrow the project to them and what they depend on;
 * none = all.
 */
int context_project(struct cmd_context *ctx, unsigned flags, const char *const *services,
                    size_t service_count, struct project **ret, struct err *err) MUST_CHECK;
/* The same as options for the loader, for those that look at the tree itself. */
void context_compose_options(struct cmd_context *ctx, unsigned flags, struct compose_options *ret);
/* Which engine, without connecting. endpoint_release() it. */
int context_endpoint(struct cmd_context *ctx, struct endpoint *ret, struct err *err) MUST_CHECK;
/* The project's name: -p, COMPOSE_PROJECT_NAME, or from the files. */
int context_name(struct cmd_context *ctx, const char **ret, struct err *err) MUST_CHECK;

/* --- waiting on the loop: start something, then context_wait(); callbacks end it --- */

/* The one loop, made at the first call. */
struct ev_loop *context_loop(struct cmd_context *ctx);
/*
 * Runs the loop until context_finish(). Returns what that was given; a negative one comes with
 * *err. SIGINT and SIGTERM end it with ERR_CANCELLED unless context_on_interrupt() says otherwise.
 */
int context_wait(struct cmd_context *ctx, struct err *err) MUST_CHECK;
/* result: 0, a positive exit status, or -ERR_x with err. The first call counts. */
void context_finish(struct cmd_context *ctx, int result, const struct err *err);
/* The same as a callback of the engine's and other layers: err NULL means 0. arg is the context. */
void context_done(void *arg, const struct err *err);
/*
 * fn(arg, 1) at the first SIGINT or SIGTERM, fn(arg, 2) at the second, ...: stop in order, then by
 * force; it must lead to context_finish(). NULL brings the default back.
 */
void context_on_interrupt(struct cmd_context *ctx, void (*fn)(void *arg, int times), void *arg);

/* --- the events of a run --- */

struct progress_setup {
    const char *project;       /* cut from log prefixes; must live as long as the renderer */
    bool no_prefix, no_colour; /* of log lines */
    bool timestamps;           /* of log lines */
    bool quiet;                /* show problems only */
};
/*
 * Adds the renderer that the options, the environment and the terminal ask for to the hub; the
 * context keeps its clock running, follows window changes and frees it.
 */
struct progress *context_progress(struct cmd_context *ctx, struct event_hub *hub,
                                  const struct progress_setup *options);
/* Takes the live view away, if there is one. */
void context_progress_end(struct cmd_context *ctx);
/*
 * Below a finished start: addresses (observed may be NULL), time to ready and critical path; keeps
 * the timeline for `fettle timeline`. Call before context_progress_end().
 */
void context_summary(struct cmd_context *ctx, const struct observed *observed, struct timeline *t);

/* Printing. Everything goes through these, so that a closed pipe ends the program quietly. */
void show_bytes(int fd, const char *data, size_t len);
void show_buf(int fd, const struct buf *b);
void show_text(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Asks on the terminal; false unless the answer begins with y. */
bool show_question(const char *text);
/* One line "warning: ..." on standard error. */
void show_warning(const struct cmd_context *ctx, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* One cause, its place, what to do. ctx may be NULL (before it exists). */
void show_error(const struct cmd_context *ctx, const struct err *err);
/* All problems of a load with the line they are about. */
void show_diags(const struct cmd_context *ctx, const struct diags *diags);

#endif
