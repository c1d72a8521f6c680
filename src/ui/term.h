/*
 * What an output can show: terminal or not, colours, width. Asked once, and again after SIGWINCH.
 */
#ifndef UI_TERM_H
#define UI_TERM_H

#include <stdbool.h>

#include "base/buf.h"

enum colour_mode { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct term {
    int fd;
    bool tty;    /* a terminal that understands cursor moves */
    bool colour; /* obeys NO_COLOR and the mode */
    int columns, rows;
};

void term_init(struct term *t, int fd, enum colour_mode mode);
/* Asks for the size again; 80x24 when nobody knows. */
void term_measure(struct term *t);

enum style {
    STYLE_PLAIN,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_RED,
    STYLE_GREEN,
    STYLE_YELLOW,
    STYLE_BLUE,
    STYLE_MAGENTA,
    STYLE_CYAN,
    STYLE_ERROR, /* bold red */
    STYLE_WARN,  /* bold yellow */
    STYLE_TITLE, /* bold */
    STYLE_COUNT
};

/* Appends formatted text in a style; without colour just the text. */
void style_printf(struct buf *out, bool colour, enum style style, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void style_str(struct buf *out, bool colour, enum style style, const char *text);
/* The escape that begins a style, "" for plain; "\033[0m" ends it. */
const char *style_code(enum style style);
/*
 * Appends at most `columns` columns of text, an ellipsis in the last one when it is cut; control
 * characters become spaces, so that text from outside cannot move the cursor. Returns the columns
 * used.
 */
int term_cut(struct buf *out, const char *text, int columns);
/* Like term_cut, then spaces up to `columns`. */
void term_pad(struct buf *out, const char *text, int columns);

#endif
