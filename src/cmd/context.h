/*
 * What a command gets: the parsed options, where output goes, and (made on demand) the loop, the
 * project and the engine. One per process; freed by main.
 */
#ifndef CMD_CONTEXT_H
#define CMD_CONTEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "ui/term.h"

/* The Compose release whose files, commands, labels and words are followed. */
#define COMPOSE_LEVEL "2.40.3"

enum progress { PROGRESS_AUTO, PROGRESS_TTY, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_QUIET };

struct cmd_context {
    const struct cmd *cmd;
    const struct args *globals;
    struct term out, err; /* standard output and error */
    bool json;            /* --json or --format json */
    bool dry_run;
    enum progress progress;
};

/* Reads what the global options and the environment say about output; usable even when it fails. */
int context_init(struct cmd_context *ctx, const struct args *globals, struct err *err) MUST_CHECK;
/* Again, after the command's own words were parsed: global options may stand behind it too. */
int context_options(struct cmd_context *ctx, struct err *err) MUST_CHECK;
void context_release(struct cmd_context *ctx);

/* Printing. Everything goes through these, so that a closed pipe ends the program quietly. */
void show_buf(int fd, const struct buf *b);
void show_text(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* One line "warning: ..." on standard error. */
void show_warning(const struct cmd_context *ctx, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* One cause, its place, what to do. ctx may be NULL (before it exists). */
void show_error(const struct cmd_context *ctx, const struct err *err);
/* All problems of a load with the line they are about. */
void show_diags(const struct cmd_context *ctx, const struct diags *diags);

#endif
