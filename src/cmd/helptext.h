/*
 * Help, Markdown, man page: texts made from the command tables.
 */
#ifndef CMD_HELPTEXT_H
#define CMD_HELPTEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "cmd/cmd.h"

struct term;

/* Columns for help on that output: the terminal's, at most 100; 80 where there is none. */
int help_width(const struct term *t);
/* "fettle --help", wrapped to `width`. */
void help_program(struct buf *out, bool colour, int width);
/* "fettle NAME --help". */
void help_command(struct buf *out, bool colour, int width, const struct cmd *cmd);
/* The generated part of docs/cmd/NAME.md. */
void help_markdown(struct buf *out, const struct cmd *cmd);
/* fettle(1) in man(7) macros. */
void help_man(struct buf *out);

#endif
