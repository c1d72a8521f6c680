/*
 * The waterfall in text. Pure: timeline in, text out.
 */
#include "ui/waterfall.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ui/summary.h"
#include "ui/term.h"

enum part { PART_NONE, PART_CREATE, PART_HELD, PART_START, PART_BOOT, PART_COUNT };

static const struct {
    const char *glyph, *ascii;
    enum style style;
} parts[] = {
    {" ", " ", STYLE_PLAIN}, {"▒", ":", STYLE_BLUE},  {"·", ".", STYLE_DIM},
    {"▓", "=", STYLE_CYAN},  {"█", "#", STYLE_GREEN},
};
_Static_assert(ARRAY_LEN(parts) == PART_COUNT, "every part has a glyph");

static int64_t end_of(const struct timeline *t, const struct timeline_entry *e)
{
    int64_t end = e->failed ? t->duration : e->ready;
    return end >= 0 ? end : e->start_end >= 0 ? e->start_end : e->create_end;
}

/* What the entry was doing at a moment; short parts win over long ones at the edges. */
static enum part part_at(const struct timeline *t, const struct timeline_entry *e, int64_t from,
                         int64_t to)
{
    if (e->create_begin >= 0 && e->create_begin < to && e->create_end > from) {
        return PART_CREATE;
    }
    if (e->start_begin >= 0 && e->start_begin < to && e->start_end > from) {
        return PART_START;
    }
    if (e->start_end >= 0 && e->start_end < to && end_of(t, e) > from) {
        return PART_BOOT;
    }
    if (e->failed && e->start_begin >= 0 && e->start_end < 0 && e->start_begin < to) {
        return PART_BOOT; /* the start call itself failed */
    }
    if (e->create_end >= 0 && e->create_end < to && (e->start_begin < 0 || e->start_begin > from) &&
        e->start_begin >= 0) {
        return PART_HELD;
    }
    return PART_NONE;
}

static void bar(struct buf *out, bool colour, bool utf8, int width, const struct timeline *t,
                const struct timeline_entry *e)
{
    int64_t span = t->duration > 0 ? t->duration : 1;
    for (int i = 0; i < width;) {
        CLEANUP_BUF struct buf run = BUF_INIT;
        enum part part = part_at(t, e, span * i / width, span * (i + 1) / width);
        while (i < width && part == part_at(t, e, span * i / width, span * (i + 1) / width)) {
            buf_str(&run, utf8 ? parts[part].glyph : parts[part].ascii);
            i++;
        }
        bool failed = e->failed && part == PART_BOOT;
        style_str(out, colour, failed ? STYLE_RED : parts[part].style, buf_text(&run));
    }
}

static void legend(struct buf *out, bool colour, bool utf8)
{
    static const char *const names[] = {"create", "held", "start", "boot and proof"};
    buf_str(out, " ");
    for (int i = 0; i < 4; i++) {
        buf_char(out, ' ');
        style_str(out, colour, parts[i + 1].style, utf8 ? parts[i + 1].glyph : parts[i + 1].ascii);
        buf_printf(out, " %s ", names[i]);
    }
    style_str(out, colour, STYLE_BOLD, "*");
    buf_str(out, " critical path\n");
}

void waterfall_text(struct buf *out, bool colour, bool utf8, int columns, struct timeline *t)
{
    size_t *path = xcalloc(t->count + 1, sizeof(*path));
    char time[32];
    int label = 8, bars = 0;
    timeline_critical_path(t, path);
    free(path);
    for (size_t i = 0; i < t->count; i++) {
        const struct timeline_entry *e = &t->entries[i];
        int width = (int)str_columns(str_empty(e->service) ? e->name : e->service);
        label = width > label ? width : label;
    }
    label = label > columns / 3 ? columns / 3 : label;
    bars = columns - label - 14 > 60 ? 60 : columns - label - 14;
    bars = bars < 10 ? 10 : bars;
    for (size_t i = 0; i < t->count; i++) {
        const struct timeline_entry *e = &t->entries[i];
        CLEANUP_BUF struct buf name = BUF_INIT;
        int room = columns - label - bars - 16;
        term_pad(&name, str_empty(e->service) ? e->name : e->service, label);
        style_str(out, colour, STYLE_BOLD, e->critical ? "*" : " ");
        style_str(out, colour, e->critical ? STYLE_BOLD : STYLE_PLAIN, buf_text(&name));
        buf_str(out, "  ");
        bar(out, colour, utf8, bars, t, e);
        if (e->failed) {
            style_printf(out, colour, STYLE_RED, " %9s", "failed");
        } else if (e->ready >= 0) {
            buf_printf(out, " %9s", clock_human(e->ready, time, sizeof(time)));
        } else {
            buf_printf(out, " %9s", "-");
        }
        if (e->proof[0] && room > 10) {
            CLEANUP_BUF struct buf proof = BUF_INIT;
            term_cut(&proof, e->proof, room);
            style_printf(out, colour, STYLE_DIM, "  %s", buf_text(&proof));
        }
        buf_char(out, '\n');
    }
    legend(out, colour, utf8);
    summary_critical_path(out, colour, 0, t);
}
