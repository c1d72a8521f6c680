/*
 * Terminal facts and styled text. Writes only into buffers; cmd/ puts them on the terminal.
 */
#include "ui/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/str.h"

static const char *const codes[] = {"",         "\033[1m",    "\033[2m",    "\033[31m",
                                    "\033[32m", "\033[33m",   "\033[34m",   "\033[35m",
                                    "\033[36m", "\033[1;31m", "\033[1;33m", "\033[1m"};
_Static_assert(ARRAY_LEN(codes) == STYLE_COUNT, "every style has a code");

void term_measure(struct term *t)
{
    struct winsize size = {0};
    int64_t columns = 0;
    const char *env = getenv("COLUMNS");
    t->columns = 80;
    t->rows = 24;
    if (ioctl(t->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        t->columns = size.ws_col;
        t->rows = size.ws_row ? size.ws_row : 24;
    } else if (env && parse_int(env, 20, 1000, &columns, NULL) == 0) {
        t->columns = (int)columns;
    }
}

void term_init(struct term *t, int fd, enum colour_mode mode)
{
    const char *term = getenv("TERM");
    bool dumb = !term || strcmp(term, "dumb") == 0;
    *t = (struct term){.fd = fd};
    t->tty = isatty(fd) && !dumb;
    t->colour = mode == COLOUR_ALWAYS ||
                (mode == COLOUR_AUTO && t->tty && str_empty(getenv("NO_COLOR")));
    term_measure(t);
}

const char *style_code(enum style style)
{
    return codes[style];
}

void style_str(struct buf *out, bool colour, enum style style, const char *text)
{
    bool on = colour && style != STYLE_PLAIN;
    buf_str(out, on ? codes[style] : "");
    buf_str(out, text);
    buf_str(out, on ? "\033[0m" : "");
}

void style_printf(struct buf *out, bool colour, enum style style, const char *fmt, ...)
{
    bool on = colour && style != STYLE_PLAIN;
    va_list ap;
    va_start(ap, fmt);
    buf_str(out, on ? codes[style] : "");
    buf_vprintf(out, fmt, ap);
    buf_str(out, on ? "\033[0m" : "");
    va_end(ap);
}

/* Columns of one code point: 0 for combining marks, 2 for wide ones. Rough, good enough to align.
 */
static int width_of(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    unsigned c = n == 1   ? p[0]
                 : n == 2 ? (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu)
                 : n == 3 ? (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu)
                          : (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 |
                                (p[3] & 0x3fu);
    if ((c >= 0x300 && c <= 0x36f) || c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f)) {
        return 0;
    }
    if ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
        (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
        (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
        (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd)) {
        return 2;
    }
    return 1;
}

static int text_width(const char *text)
{
    int width = 0;
    while (*text) {
        size_t n = utf8_len(text);
        width += n ? width_of(text, n) : 1;
        text += n ? n : 1;
    }
    return width;
}

int term_cut(struct buf *out, const char *text, int columns)
{
    int used = 0;
    bool cut = text_width(text) > columns;
    int room = cut ? columns - 1 : columns;
    while (*text) {
        size_t n = utf8_len(text);
        int w = n ? width_of(text, n) : 1;
        unsigned char first = (unsigned char)*text;
        bool control = first < 0x20 || first == 0x7f ||
                       (n == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0);
        if (used + w > room) {
            break;
        }
        if (n == 0) {
            buf_str(out, "\xef\xbf\xbd");
        } else if (control) {
            buf_char(out, ' ');
        } else {
            buf_append(out, text, n);
        }
        used += w;
        text += n ? n : 1;
    }
    if (cut && columns > 0) {
        buf_str(out, "\xe2\x80\xa6");
        used++;
    }
    return used;
}

void term_pad(struct buf *out, const char *text, int columns)
{
    int used = term_cut(out, text, columns);
    if (used < columns) {
        buf_repeat(out, ' ', (size_t)(columns - used));
    }
}
