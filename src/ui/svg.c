/*
 * The waterfall as SVG: an axis, a row per entry with its parts, an arrow from each blocker to what
 * it released. Pure: timeline in, document out. Colours follow prefers-color-scheme; parts differ
 * in lightness too, so that it reads in grey.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ui/summary.h"
#include "ui/waterfall.h"

enum {
    WIDTH = 960,
    LEFT = 190,
    RIGHT = 230,
    TOP = 96,
    ROW = 34,
    BAR = 16,
    BOTTOM = 64,
    CHAIN_COLUMNS = 140
};

static const char css[] =
    ":root{--bg:#fff;--ink:#1d2433;--dim:#687083;--line:#e4e7ee;--band:#f6f7fa;--create:#c3cbdc;"
    "--held:#aab3c5;--start:#7aa7e8;--boot:#2f9e6e;--proof:#146c47;--bad:#d3394c;--path:#e2862b}"
    "@media(prefers-color-scheme:dark){:root{--bg:#12151c;--ink:#e7eaf1;--dim:#97a0b3;"
    "--line:#2a303c;--band:#181c25;--create:#454e60;--held:#5c667a;--start:#4e86d6;--boot:#35b37d;"
    "--proof:#8ae0b8;--bad:#f0596b;--path:#f0a04b}}"
    "svg{background:var(--bg)}text{font:13px ui-sans-serif,system-ui,-apple-system,\"Segoe UI\","
    "Roboto,sans-serif;fill:var(--ink)}.h{font-size:19px;font-weight:650}.d{fill:var(--dim);"
    "font-size:12px}.t{fill:var(--dim);font-size:11px;font-variant-numeric:tabular-nums}"
    ".b{font-weight:650}.n{font-variant-numeric:tabular-nums}.g{stroke:var(--line)}"
    ".band{fill:var(--band)}.create{fill:var(--create)}.held{stroke:var(--held);stroke-width:2;"
    "stroke-dasharray:1 5;stroke-linecap:round}.start{fill:var(--start)}.boot{fill:var(--boot)}"
    ".proof{fill:var(--proof)}.bad{fill:var(--bad)}.path{fill:none;stroke:var(--path);"
    "stroke-width:1.75}.dot{fill:var(--path)}.link{fill:none;stroke:var(--held);stroke-width:1}";

static void xml(struct buf *out, const char *text)
{
    while (*text) {
        size_t n = utf8_len(text);
        switch (*text) {
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        case '&':
            buf_str(out, "&amp;");
            break;
        case '"':
            buf_str(out, "&quot;");
            break;
        default:
            if (n == 0 || (unsigned char)*text < 0x20) {
                buf_char(out, ' ');
            } else {
                buf_append(out, text, n);
            }
        }
        text += n ? n : 1;
    }
}

/* At most `max` characters, for labels beside the bars. */
static void xml_cut(struct buf *out, const char *text, int max)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    int used = 0;
    for (; *text && used < max; used++) {
        size_t n = utf8_len(text);
        buf_append(&b, text, n ? n : 1);
        text += n ? n : 1;
    }
    buf_str(&b, *text ? "…" : "");
    xml(out, buf_text(&b));
}

struct scale {
    int64_t span; /* ns across the chart */
};

/* Tenths of a pixel are plenty; printed without a locale. */
static int tenths(const struct scale *s, int64_t ns)
{
    double x = LEFT * 10.0 + (double)ns / (double)s->span * (WIDTH - LEFT - RIGHT) * 10.0;
    return (int)(x + 0.5);
}

static void number(struct buf *out, int tenth)
{
    buf_printf(out, tenth % 10 ? "%d.%d" : "%d", tenth / 10, tenth % 10);
}

/* 1, 2 or 5 times a power of ten, for about eight marks. */
static int64_t tick_of(int64_t span)
{
    static const int64_t steps[] = {1, 2, 5};
    for (int64_t base = NS_PER_MS; base < (int64_t)1000000 * NS_PER_SEC; base *= 10) {
        for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
            if (span / (base * steps[i]) <= 8) {
                return base * steps[i];
            }
        }
    }
    return span;
}

static void tick_label(struct buf *out, int64_t ns)
{
    int64_t ms = ns / NS_PER_MS;
    if (ms < 1000 && ms > 0) {
        buf_printf(out, "%d ms", (int)ms);
    } else if (ms % 1000 == 0) {
        buf_printf(out, "%d s", (int)(ms / 1000));
    } else {
        buf_printf(out, "%d.%d s", (int)(ms / 1000), (int)(ms % 1000 / 100));
    }
}

static void axis(struct buf *out, const struct scale *s, int height)
{
    int64_t tick = tick_of(s->span);
    for (int64_t t = 0; t <= s->span; t += tick) {
        buf_str(out, "<path class=\"g\" d=\"M");
        number(out, tenths(s, t));
        buf_printf(out, " %dV%d\"/><text class=\"t\" text-anchor=\"middle\" x=\"", TOP - 8,
                   height - BOTTOM + 4);
        number(out, tenths(s, t));
        buf_printf(out, "\" y=\"%d\">", TOP - 14);
        tick_label(out, t);
        buf_str(out, "</text>");
    }
    buf_char(out, '\n');
}

/* Even what took a tenth of a pixel is visible. */
static void part(struct buf *out, const struct scale *s, const char *class_name, int64_t begin,
                 int64_t end, int y)
{
    if (begin < 0 || end < begin) {
        return;
    }
    int x = tenths(s, begin), width = tenths(s, end) - x;
    buf_printf(out, "<rect class=\"%s\" rx=\"2\" y=\"%d\" height=\"%d\" x=\"", class_name, y, BAR);
    number(out, x);
    buf_str(out, "\" width=\"");
    number(out, width < 15 ? 15 : width);
    buf_str(out, "\"/>");
}

static void held(struct buf *out, const struct scale *s, const struct timeline_entry *e, int y)
{
    if (e->create_end >= 0 && tenths(s, e->start_begin) > tenths(s, e->create_end) + 80) {
        buf_str(out, "<path class=\"held\" d=\"M");
        number(out, tenths(s, e->create_end) + 40);
        buf_printf(out, " %dH", y + BAR / 2);
        number(out, tenths(s, e->start_begin) - 20);
        buf_str(out, "\"/>");
    }
}

static void row_title(struct buf *out, const struct timeline_entry *e)
{
    struct summary_link l = summary_link(e, 0);
    char a[32], b[32], c[32], d[32];
    buf_str(out, "<title>");
    xml(out, e->name);
    buf_printf(out, ": create %s, start %s, boot %s, proof %s", clock_human(l.create, a, sizeof(a)),
               clock_human(l.start, b, sizeof(b)), clock_human(l.boot, c, sizeof(c)),
               clock_human(l.proof, d, sizeof(d)));
    if (e->blocker[0]) {
        buf_str(out, "; released by ");
        xml(out, e->blocker);
    }
    buf_str(out, "</title>");
}

static void row(struct buf *out, const struct scale *s, const struct timeline *t, size_t index)
{
    const struct timeline_entry *e = &t->entries[index];
    int top = TOP + (int)index * ROW, y = top + (ROW - BAR) / 2;
    int64_t booted = e->proof_begin > e->start_end ? e->proof_begin : e->ready;
    int64_t end = e->failed || e->ready < 0 ? t->duration : e->ready;
    char time[32];
    buf_str(out, "<g>");
    row_title(out, e);
    if (index % 2 == 0) {
        buf_printf(out,
                   "<rect class=\"band\" x=\"16\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>",
                   top, WIDTH - 32, ROW);
    }
    buf_printf(out, "<text class=\"%s\" x=\"28\" y=\"%d\">", e->critical ? "b" : "r", y + 13);
    xml_cut(out, str_empty(e->service) ? e->name : e->service, 22);
    buf_str(out, "</text>");
    part(out, s, "create", e->create_begin, e->create_end, y);
    held(out, s, e, y);
    part(out, s, "start", e->start_begin, e->start_end, y);
    if (e->failed && e->start_begin >= 0 && e->start_end < 0) {
        part(out, s, "bad", e->start_begin, end, y);
    }
    if (e->start_end >= 0) {
        part(out, s, e->failed ? "bad" : "boot", e->start_end, e->failed ? end : booted, y);
    }
    if (!e->failed && e->ready > booted && booted > 0) {
        part(out, s, "proof", booted, e->ready, y);
    }
    buf_printf(out, "<text class=\"n\" x=\"%d\" y=\"%d\">", WIDTH - RIGHT + 14, y + 8);
    buf_str(out, e->failed       ? "failed"
                 : e->ready >= 0 ? clock_human(e->ready, time, sizeof(time))
                                 : "-");
    buf_printf(out, "</text><text class=\"t\" x=\"%d\" y=\"%d\">", WIDTH - RIGHT + 14, y + 21);
    xml_cut(out, e->proof, 36);
    buf_str(out, "</text></g>\n");
}

static size_t find(const struct timeline *t, const char *name)
{
    size_t i = 0;
    while (i < t->count && strcmp(t->entries[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* From the moment the blocker was ready, down or up to the start that it released. */
static void arrow(struct buf *out, const struct scale *s, const struct timeline *t, size_t index)
{
    const struct timeline_entry *e = &t->entries[index];
    size_t from = e->blocker[0] ? find(t, e->blocker) : t->count;
    if (from >= t->count || t->entries[from].ready < 0 || e->start_begin < 0) {
        return;
    }
    bool critical = e->critical && t->entries[from].critical;
    int x = tenths(s, t->entries[from].ready), to = tenths(s, e->start_begin);
    int y1 = TOP + (int)from * ROW + ROW / 2, y2 = TOP + (int)index * ROW + ROW / 2;
    int down = y2 > y1 ? BAR / 2 : -BAR / 2;
    buf_printf(out, "<path class=\"%s\" d=\"M", critical ? "path" : "link");
    number(out, x);
    buf_printf(out, " %dV%dH", y1 + down, y2);
    number(out, to > x ? to : x + 5);
    buf_str(out, "\"/>");
    if (critical) {
        buf_str(out, "<circle class=\"dot\" r=\"3\" cx=\"");
        number(out, x);
        buf_printf(out, "\" cy=\"%d\"/>", y1 + down);
    }
    buf_char(out, '\n');
}

static void legend(struct buf *out, int y)
{
    static const struct {
        const char *name, *class_name;
    } items[] = {{"create", "create"}, {"start", "start"}, {"boot", "boot"}, {"proof", "proof"}};
    int x = LEFT;
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        buf_printf(out,
                   "<rect class=\"%s\" rx=\"2\" x=\"%d\" y=\"%d\" width=\"14\" height=\"10\"/>"
                   "<text class=\"d\" x=\"%d\" y=\"%d\">%s</text>",
                   items[i].class_name, x, y - 9, x + 20, y, items[i].name);
        x += 84;
    }
    buf_printf(
        out,
        "<path class=\"held\" d=\"M%d %dh16\"/><text class=\"d\" x=\"%d\" y=\"%d\">held until "
        "released</text>",
        x + 2, y - 4, x + 26, y);
    x += 150;
    buf_printf(out,
               "<path class=\"path\" d=\"M%d %dh16\"/><text class=\"d\" x=\"%d\" y=\"%d\">critical "
               "path</text>\n",
               x, y - 4, x + 22, y);
}

/* The critical path in words, in lines that fit; returns their number. out may be NULL. */
static int chain_lines(struct buf *out, const char *chain, int y)
{
    int lines = 0;
    while (*chain) {
        size_t len = strlen(chain);
        if (len > CHAIN_COLUMNS) {
            len = CHAIN_COLUMNS;
            while (len > 1 && strncmp(chain + len - 1, " > ", 3) != 0) {
                len--;
            }
            len = len > 1 ? len : CHAIN_COLUMNS;
        }
        if (out) {
            CLEANUP_FREE char *line = xstrndup(chain, len);
            buf_printf(out, "<text class=\"d\" x=\"28\" y=\"%d\">", y + lines * 18);
            xml(out, line);
            buf_str(out, "</text>\n");
        }
        chain += len;
        lines++;
    }
    return lines;
}

void waterfall_svg(struct buf *out, struct timeline *t)
{
    CLEANUP_BUF struct buf chain = BUF_INIT;
    summary_critical_path(&chain, false, 0, t);
    buf_truncate(&chain, chain.len ? chain.len - 1 : 0);
    const char *chain_text = strstr(buf_text(&chain), "critical path: ");
    chain_text = chain_text ? chain_text : "";
    int extra = chain_lines(NULL, chain_text, 0) * 18;
    int height = TOP + (int)t->count * ROW + BOTTOM + extra;
    struct scale s = {.span = t->duration > NS_PER_MS ? t->duration : NS_PER_MS};
    size_t *path = xcalloc(t->count + 1, sizeof(*path));
    char stamp[CLOCK_RFC3339_MAX], time[32];
    timeline_critical_path(t, path);
    free(path);
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
               "height=\"%d\" role=\"img\">\n<style>%s</style>\n<title>",
               WIDTH, height, WIDTH, height, css);
    xml(out, t->project);
    buf_str(out, " timeline</title>\n<text class=\"h\" x=\"28\" y=\"40\">");
    xml_cut(out, t->project, 60);
    buf_printf(out, "</text><text class=\"d\" x=\"28\" y=\"60\">%s %s · ",
               t->ok ? "ready in" : "gave up after", clock_human(t->duration, time, sizeof(time)));
    xml_cut(out, t->command, 40);
    buf_printf(out, " · %.19s UTC</text>\n", clock_rfc3339(t->began, stamp));
    axis(out, &s, height - extra);
    for (size_t i = 0; i < t->count; i++) {
        row(out, &s, t, i);
    }
    for (int critical = 0; critical < 2; critical++) { /* the path is drawn over the others */
        for (size_t i = 0; i < t->count; i++) {
            if (t->entries[i].critical == (critical == 1)) {
                arrow(out, &s, t, i);
            }
        }
    }
    legend(out, height - extra - 28);
    chain_lines(out, chain_text, height - extra - 2);
    buf_str(out, "</svg>\n");
}
