/*
 * The --format option of list commands: table, json, or a small part of Docker's Go templates.
 */
#ifndef CMD_FORMAT_H
#define CMD_FORMAT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "cmd/args.h"
#include "cmd/context.h"

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_TEMPLATE };

/* What --format and --json say; *ret_template is set for FORMAT_TEMPLATE. */
enum format format_of(const struct cmd_context *ctx, const struct args *args,
                      const char **ret_template);
/*
 * One row by a template: {{.Name}}, {{json .}}, {{json .Name}}, \t and \n. ERR_USAGE for anything
 * else of Go's template language.
 */
int format_template(struct buf *out, const char *template, const json_t *row,
                    struct err *err) MUST_CHECK;
/* Appends compact JSON and a newline; < > & are escaped as Go does it. Takes the reference. */
void format_json_line(struct buf *out, json_t *value);

#endif
