/*
 * Drawing frames: a head line, a line per unit, cut to the width. Only lines that changed are
 * written; the whole is wrapped in the terminal's synchronized update, which those that do not know
 * it ignore. Pure: board in, bytes out.
 */
#include "ui/live.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ui/term.h"

#define SYNC_BEGIN "\033[?2026h"
#define SYNC_END "\033[?2026l"

static const char *const spinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
static const char *const spinner_ascii[] = {"|", "/", "-", "\\"};

static const struct {
    const char *glyph, *ascii;
    enum style style;
} moods[] = {
    {"·", ".", STYLE_DIM},   {"◌", "o", STYLE_YELLOW}, {"", "", STYLE_CYAN},
    {"✔", "+", STYLE_GREEN}, {"■", "-", STYLE_BLUE},   {"✘", "x", STYLE_RED},
};
_Static_assert(ARRAY_LEN(moods) == MOOD_COUNT, "every mood has a glyph");

void live_release(struct live *l)
{
    strv_release(&l->drawn);
    *l = (struct live){0};
}

static const char *glyph_of(const struct live *l, enum mood mood)
{
    if (mood == MOOD_WORK) {
        return l->utf8 ? spinner[l->spin % ARRAY_LEN(spinner)]
                       : spinner_ascii[l->spin % ARRAY_LEN(spinner_ascii)];
    }
    return l->utf8 ? moods[mood].glyph : moods[mood].ascii;
}

/* Containers always; the rest while it moves, or when it failed. */
static bool row_shown(const struct board_row *row)
{
    enum mood mood = board_mood(row->state);
    return row->unit == UNIT_CONTAINER || mood == MOOD_WORK || mood == MOOD_BAD;
}

/* "[#####-----]  12.3 MiB of 40.0 MiB", or the row's text. */
static void row_text(struct buf *out, const struct live *l, const struct board_row *row)
{
    enum { BAR = 16 };
    if (row->total > 0) {
        int64_t done = row->done < row->total ? row->done : row->total;
        int full = (int)(done > 0 ? (double)done / (double)row->total * BAR : 0);
        for (int i = 0; i < BAR; i++) {
            buf_str(out, i < full ? (l->utf8 ? "━" : "#") : (l->utf8 ? "╌" : "-"));
        }
        buf_str(out, "  ");
    }
    buf_str(out, row->text);
}

struct widths {
    int label, state, text, time;
};

static struct widths widths_of(const struct live *l, const struct board *b)
{
    struct widths w = {.label = 8, .state = 7, .time = 9};
    VEC_FOREACH (struct board_row, row, &b->rows) {
        if (row_shown(row)) {
            int label = (int)str_columns(board_label(b, row));
            int state = (int)strlen(unit_state_name(row->state));
            w.label = label > w.label ? label : w.label;
            w.state = state > w.state ? state : w.state;
        }
    }
    int third = l->columns / 3;
    w.label = w.label > third ? third : w.label;
    w.text = l->columns - 1 - (3 + w.label + 2 + w.state + 2 + 1 + w.time);
    if (w.text < 8) { /* too narrow: the text goes first */
        w.text = 0;
    }
    return w;
}

static void row_line(struct buf *out, const struct live *l, const struct board *b,
                     const struct board_row *row, const struct widths *w)
{
    enum mood mood = board_mood(row->state);
    char time[32];
    CLEANUP_BUF struct buf text = BUF_INIT, cell = BUF_INIT;
    buf_char(out, ' ');
    style_str(out, l->colour, moods[mood].style, glyph_of(l, mood));
    buf_char(out, ' ');
    term_pad(&cell, board_label(b, row), w->label);
    style_str(out, l->colour, mood == MOOD_IDLE ? STYLE_DIM : STYLE_BOLD, buf_text(&cell));
    buf_str(out, "  ");
    buf_clear(&cell);
    term_pad(&cell, unit_state_name(row->state), w->state);
    style_str(out, l->colour, moods[mood].style, buf_text(&cell));
    row_text(&text, l, row);
    if (w->text > 0) {
        buf_clear(&cell);
        term_pad(&cell, buf_text(&text), w->text);
        buf_str(out, "  ");
        style_str(out, l->colour, mood == MOOD_BAD ? STYLE_RED : STYLE_DIM, buf_text(&cell));
    }
    if (mood != MOOD_IDLE && row->state != UNIT_RUNNING) {
        clock_human(board_elapsed(b, row), time, sizeof(time));
        buf_printf(out, " %*s", w->time, time);
    }
}

static void head_line(struct buf *out, const struct live *l, const struct board *b)
{
    size_t containers = 0, settled = 0;
    char time[32];
    CLEANUP_BUF struct buf text = BUF_INIT;
    VEC_FOREACH (struct board_row, row, &b->rows) {
        containers += row->unit == UNIT_CONTAINER;
        settled += row->unit == UNIT_CONTAINER && board_mood(row->state) >= MOOD_GOOD;
    }
    buf_str(&text, b->command ? b->command : "");
    if (containers) {
        buf_printf(&text, "  %zu of %zu containers", settled, containers);
    }
    buf_printf(&text, "  %s", clock_human(b->now - b->began, time, sizeof(time)));
    CLEANUP_BUF struct buf cut = BUF_INIT;
    term_cut(&cut, buf_text(&text), l->columns - 1);
    style_str(out, l->colour, STYLE_TITLE, buf_text(&cut));
}

/* What to leave out first when the screen is too low: rest, then not yet begun, then waiting. */
static int interest(const struct board_row *row)
{
    static const int ranks[] = {1, 2, 3, 0, 0, 4};
    return ranks[board_mood(row->state)];
}

static void frame(const struct live *l, const struct board *b, struct strv *lines)
{
    struct widths w = widths_of(l, b);
    size_t shown = 0, room = l->rows > 4 ? (size_t)l->rows - 3 : 2, hidden = 0;
    int least = 0;
    VEC_FOREACH (struct board_row, row, &b->rows) {
        shown += row_shown(row);
    }
    for (; shown > room && least < 5; least++) {
        VEC_FOREACH (struct board_row, row, &b->rows) {
            shown -= row_shown(row) && interest(row) == least;
        }
    }
    CLEANUP_BUF struct buf line = BUF_INIT;
    head_line(&line, l, b);
    strv_push(lines, buf_text(&line));
    VEC_FOREACH (struct board_row, row, &b->rows) {
        if (!row_shown(row)) {
            continue;
        }
        if (interest(row) < least || lines->len > room) {
            hidden++;
            continue;
        }
        buf_clear(&line);
        row_line(&line, l, b, row, &w);
        strv_push(lines, buf_text(&line));
    }
    if (hidden) {
        buf_clear(&line);
        style_printf(&line, l->colour, STYLE_DIM, "   and %zu more", hidden);
        strv_push(lines, buf_text(&line));
    }
}

/* Rows the last frame takes: lines that were wider than a window made smaller have wrapped. */
static size_t drawn_rows(const struct live *l)
{
    size_t rows = 0;
    for (size_t i = 0; i < l->drawn.len; i++) {
        size_t columns = str_columns(l->drawn.items[i]);
        size_t width = l->columns > 0 ? (size_t)l->columns : 80;
        rows += columns > width ? (columns + width - 1) / width : 1;
    }
    return rows;
}

static void go_home(const struct live *l, struct buf *out)
{
    size_t rows = drawn_rows(l);
    if (rows) {
        buf_printf(out, "\033[%zuA\r", rows);
    }
}

void live_draw(struct live *l, const struct board *b, struct buf *out)
{
    struct strv lines = {0};
    bool wrapped = drawn_rows(l) != l->drawn.len;
    frame(l, b, &lines);
    buf_str(out, SYNC_BEGIN);
    buf_str(out, l->cursor_hidden ? "" : "\033[?25l");
    l->cursor_hidden = true;
    go_home(l, out);
    for (size_t i = 0; i < lines.len; i++) {
        if (wrapped || i >= l->drawn.len || strcmp(lines.items[i], l->drawn.items[i]) != 0) {
            buf_printf(out, "%s\033[K", lines.items[i]);
        }
        buf_str(out, "\r\n");
    }
    if (wrapped || lines.len < l->drawn.len) {
        buf_str(out, "\033[J");
    }
    buf_str(out, SYNC_END);
    strv_release(&l->drawn);
    l->drawn = lines;
}

void live_erase(struct live *l, struct buf *out)
{
    go_home(l, out);
    buf_str(out, l->drawn.len ? "\033[J" : "");
    buf_str(out, l->cursor_hidden ? "\033[?25h" : "");
    l->cursor_hidden = false;
    strv_release(&l->drawn);
}

void live_final(struct live *l, const struct board *b, struct buf *out)
{
    struct widths w = widths_of(l, b);
    size_t unchanged = 0;
    VEC_FOREACH (struct board_row, row, &b->rows) {
        bool failed = board_mood(row->state) == MOOD_BAD;
        if (row->unit != UNIT_CONTAINER && !failed) {
            continue;
        }
        if (row->state == UNIT_RUNNING && !row->text[0]) {
            unchanged++;
            continue;
        }
        row_line(out, l, b, row, &w);
        buf_char(out, '\n');
    }
    if (unchanged) {
        style_printf(out, l->colour, STYLE_DIM, " %s %zu running, unchanged\n",
                     glyph_of(l, MOOD_GOOD), unchanged);
    }
}
