/*
 * Help, Markdown, man page: texts made from the command tables.
 */
#ifndef CMD_HELPTEXT_H
#define CMD_HELPTEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "cmd/cmd.h"

/* "fettle --help". */
void help_program(struct buf *out, bool colour);
/* "fettle NAME --help". */
void help_command(struct buf *out, bool colour, const struct cmd *cmd);
/* The generated part of docs/cmd/NAME.md. */
void help_markdown(struct buf *out, const struct cmd *cmd);
/* fettle(1) in man(7) macros. */
void help_man(struct buf *out);

#endif
