/*
 * One stream of events, five ways to show it. Knows no file descriptor: bytes leave through the
 * caller's write. Driven by events, and by ticks where the view shows running clocks.
 */
#include "ui/progress.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "ui/board.h"
#include "ui/live.h"
#include "ui/logline.h"
#include "ui/term.h"
#include "view/event.h"

struct progress {
    struct progress_options o;
    struct board board;
    struct live live;
    struct logline log;
    int64_t drawn_at; /* mono of the last frame */
    bool dirty;
    int label_width;     /* of plain lines */
    struct buf problems; /* errors of the live style: said last, where the eye is */
};

/* Faster than this nobody sees; slower looks lame. */
#define FRAME_MIN (33 * NS_PER_MS)

bool progress_env_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (!str_empty(value)) {
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
        }
    }
    return false;
}

struct progress *progress_new(const struct progress_options *options)
{
    struct progress *p = xcalloc(1, sizeof(*p));
    p->o = *options;
    p->live = (struct live){.colour = options->colour,
                            .utf8 = options->utf8,
                            .columns = options->columns,
                            .rows = options->rows};
    p->log = (struct logline){.colour = options->log_colour,
                              .prefix = options->log_prefix,
                              .timestamps = options->log_timestamps,
                              .project = options->project};
    return p;
}

static enum progress_stream stream_of(const struct progress *p)
{
    return p->o.to_stdout ? STREAM_OUT : STREAM_ERR;
}

static void flush(struct progress *p, enum progress_stream stream, struct buf *b)
{
    if (b->len) {
        p->o.write(p->o.arg, stream, b->data, b->len);
    }
    buf_clear(b);
}

static void erase(struct progress *p)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    live_erase(&p->live, &b);
    flush(p, stream_of(p), &b);
}

static void draw(struct progress *p)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    live_draw(&p->live, &p->board, &b);
    flush(p, stream_of(p), &b);
    p->drawn_at = p->board.now;
    p->dirty = false;
}

void progress_free(struct progress *p)
{
    if (!p) {
        return;
    }
    if (p->o.style == PROGRESS_STYLE_LIVE) {
        erase(p);
        flush(p, stream_of(p), &p->problems);
    }
    buf_release(&p->problems);
    live_release(&p->live);
    logline_release(&p->log);
    board_release(&p->board);
    free(p);
}

void progress_log_name(struct progress *p, const char *container)
{
    logline_name(&p->log, container);
}

void progress_text(struct progress *p, const char *text)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    if (p->o.style == PROGRESS_STYLE_LIVE) {
        erase(p);
    }
    buf_str(&b, text);
    flush(p, stream_of(p), &b);
}

static void evidence(struct buf *b, bool colour, const char *text)
{
    CLEANUP_STRV struct strv lines = {0};
    str_split(text, '\n', &lines);
    for (size_t i = 0; i < lines.len; i++) {
        CLEANUP_BUF struct buf line = BUF_INIT;
        if (i + 1 == lines.len && !lines.items[i][0]) {
            break;
        }
        term_cut(&line, lines.items[i], 4096);
        style_str(b, colour, STYLE_DIM, "  | ");
        buf_printf(b, "%s\n", buf_text(&line));
    }
}

/* One cause, the evidence, one thing to do. */
static void problem_text(struct buf *b, bool colour, const struct event *e)
{
    bool error = e->kind == EVENT_ERROR;
    CLEANUP_BUF struct buf text = BUF_INIT;
    style_str(b, colour, error ? STYLE_ERROR : STYLE_WARN, error ? "error:" : "warning:");
    term_cut(&text, e->text, 4096);
    buf_printf(b, " %s\n", buf_text(&text));
    evidence(b, colour, e->evidence);
    if (e->hint[0]) {
        buf_clear(&text);
        term_cut(&text, e->hint, 4096);
        buf_str(b, "  ");
        style_str(b, colour, STYLE_CYAN, "hint:");
        buf_printf(b, " %s\n", buf_text(&text));
    }
}

static enum style style_of(enum unit_state state)
{
    static const enum style styles[] = {STYLE_DIM,   STYLE_YELLOW, STYLE_CYAN,
                                        STYLE_GREEN, STYLE_BLUE,   STYLE_RED};
    return styles[board_mood(state)];
}

/* "[  0.39] postgres  ready  login, SELECT 1" */
static void plain_line(struct progress *p, struct buf *b, const struct board_row *row,
                       const struct event *e)
{
    int64_t ms = (e->mono - p->board.began) / NS_PER_MS;
    CLEANUP_BUF struct buf label = BUF_INIT, text = BUF_INIT, state = BUF_INIT;
    if (row->unit != UNIT_CONTAINER) {
        buf_printf(&label, "%s ", unit_kind_name(row->unit));
    }
    buf_str(&label, board_label(&p->board, row));
    VEC_FOREACH (struct board_row, other, &p->board.rows) {
        int columns = (int)str_columns(board_label(&p->board, other));
        if (other->unit == UNIT_CONTAINER && columns > p->label_width) {
            p->label_width = columns;
        }
    }
    style_printf(b, p->o.colour, STYLE_DIM, "[%3d.%02d]", (int)(ms / 1000), (int)(ms % 1000 / 10));
    buf_char(b, ' ');
    int room = (int)str_columns(buf_text(&label));
    term_pad(b, buf_text(&label), room > p->label_width ? room : p->label_width);
    buf_str(b, "  ");
    if (row->state != UNIT_FAILED) { /* the error line that follows says why */
        term_cut(&text, row->text, 400);
    }
    buf_printf(&state, text.len ? "%-9s" : "%s", unit_state_name(row->state));
    style_str(b, p->o.colour, style_of(row->state), buf_text(&state));
    if (text.len) {
        buf_printf(b, "  %s", buf_text(&text));
    }
    buf_char(b, '\n');
}

static void lines_event(struct progress *p, struct buf *b, const struct event *e,
                        const struct board_row *row)
{
    if (e->kind == EVENT_UNIT && row && e->state != UNIT_PLANNED) {
        plain_line(p, b, row, e);
    } else if (e->kind == EVENT_PROBE && row && e->outcome.verdict != VERDICT_READY) {
        plain_line(p, b, row, e);
    } else if (e->kind == EVENT_PROGRESS && row && e->state == UNIT_BUILDING) {
        plain_line(p, b, row, e); /* pulls tell too often for that */
    }
}

static void compose_event(struct progress *p, struct buf *b, const struct event *e)
{
    if (e->kind != EVENT_UNIT || e->state == UNIT_PLANNED || e->state == UNIT_WAITING) {
        return;
    }
    CLEANUP_FREE char *kind = xstrdup(unit_kind_name(e->unit));
    kind[0] = (char)toupper((unsigned char)kind[0]);
    buf_printf(b, "%s %s %s  %s\n", p->o.dry_run ? " DRY-RUN MODE - " : "", kind, e->name,
               unit_state_word(e->state));
}

static void json_event(struct buf *b, const struct event *e)
{
    json_t *j = view_event(e);
    char *text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(15));
    buf_printf(b, "%s\n", text ? text : "{}");
    free(text);
    json_decref(j);
}

static void live_event(struct progress *p, const struct event *e, struct buf *below)
{
    if (below->len) { /* log lines and warnings go above the view */
        erase(p);
        flush(p, stream_of(p), below);
        p->dirty = true;
    }
    if (e->kind == EVENT_END) {
        CLEANUP_BUF struct buf b = BUF_INIT;
        live_erase(&p->live, &b);
        live_final(&p->live, &p->board, &b);
        flush(p, stream_of(p), &b);
        return;
    }
    p->dirty = p->dirty || e->kind != EVENT_LOG;
    if (!p->board.over && p->board.rows.len && p->dirty && e->mono - p->drawn_at >= FRAME_MIN) {
        draw(p);
    }
}

static void log_event(struct progress *p, const struct event *e)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    logline_append(&p->log, &b, e->name, e->wall, e->text, strlen(e->text));
    bool framed = p->o.style == PROGRESS_STYLE_LIVE && p->live.drawn.len > 0;
    if (framed) {
        erase(p);
    }
    if (p->board.over) {
        flush(p, stream_of(p), &p->problems);
    }
    flush(p, e->is_stderr ? STREAM_ERR : STREAM_OUT, &b);
    if (framed && !p->board.over) {
        draw(p);
    }
}

void progress_event(void *arg, const struct event *e)
{
    struct progress *p = arg;
    CLEANUP_BUF struct buf b = BUF_INIT;
    if (p->o.style == PROGRESS_STYLE_JSON) {
        json_event(&b, e);
        flush(p, stream_of(p), &b);
        return;
    }
    struct board_row *row = board_apply(&p->board, e);
    if (e->kind == EVENT_LOG) {
        log_event(p, e);
        return;
    }
    if (e->kind == EVENT_WARNING || e->kind == EVENT_ERROR) {
        bool later = e->kind == EVENT_ERROR && p->o.style == PROGRESS_STYLE_LIVE;
        problem_text(later ? &p->problems : &b, p->o.colour, e);
    }
    switch (p->o.style) {
    case PROGRESS_STYLE_LIVE:
        live_event(p, e, &b);
        break;
    case PROGRESS_STYLE_LINES:
        lines_event(p, &b, e, row);
        break;
    case PROGRESS_STYLE_COMPOSE:
        compose_event(p, &b, e);
        break;
    case PROGRESS_STYLE_JSON:
    case PROGRESS_STYLE_QUIET:
    case PROGRESS_STYLE_COUNT:
        break;
    }
    flush(p, stream_of(p), &b);
}

void progress_tick(struct progress *p, int64_t mono)
{
    if (p->o.style != PROGRESS_STYLE_LIVE || p->board.over || p->board.rows.len == 0) {
        return;
    }
    p->board.now = mono;
    p->live.spin++;
    draw(p);
}

void progress_resize(struct progress *p, int columns, int rows, int64_t mono)
{
    p->live.columns = columns;
    p->live.rows = rows;
    progress_tick(p, mono);
}
