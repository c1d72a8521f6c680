/*
 * A run's events for people and programs: live on a terminal, plain lines, Compose's words, JSON
 * lines, or nothing. One object renders one run.
 */
#ifndef UI_PROGRESS_H
#define UI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/event.h"

struct progress;

enum progress_style {
    PROGRESS_STYLE_LIVE,    /* redrawn in place */
    PROGRESS_STYLE_LINES,   /* one line per change, with times */
    PROGRESS_STYLE_COMPOSE, /* " Container x  Started" */
    PROGRESS_STYLE_JSON,    /* one event a line, see docs/events.md */
    PROGRESS_STYLE_QUIET,   /* warnings and errors only */
    PROGRESS_STYLE_COUNT
};

enum progress_stream { STREAM_OUT, STREAM_ERR };

struct progress_options {
    enum progress_style style;
    bool colour; /* of the stream that progress goes to */
    bool utf8;   /* glyphs outside ASCII */
    int columns, rows;
    bool to_stdout; /* progress goes to STREAM_OUT (JSON, COMPOSE_STATUS_STDOUT) */
    bool dry_run;   /* Compose's prefix */
    bool log_prefix, log_timestamps, log_colour; /* of EVENT_LOG lines */
    const char *project; /* its name is cut from the front of log prefixes; borrowed */
    /* Must take everything. */
    void (*write)(void *arg, enum progress_stream stream, const char *data, size_t len);
    void *arg;
};

struct progress *progress_new(const struct progress_options *options);
/* Leaves the terminal as it should be, also when the run did not end. */
void progress_free(struct progress *p);
/* An event_fn; arg is the progress. */
void progress_event(void *arg, const struct event *event);
/* Makes the width of log prefixes known before the first line. */
void progress_log_name(struct progress *p, const char *container);
/* Lets the clock of the live view run; call every PROGRESS_TICK while a run lasts. */
void progress_tick(struct progress *p, int64_t mono);
void progress_resize(struct progress *p, int columns, int rows, int64_t mono);
/* Text that belongs below everything (addresses, hints): the view is taken away first. */
void progress_text(struct progress *p, const char *text);

#define PROGRESS_TICK ((int64_t)100000000)

/* The environment promises UTF-8 (LC_ALL, LC_CTYPE, LANG). Loads no locale. */
bool progress_env_utf8(void);

#endif
