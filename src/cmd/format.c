/*
 * Rows as JSON lines and by templates. Knows no command.
 */
#include "cmd/format.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum format format_of(const struct cmd_context *ctx, const struct args *args,
                      const char **ret_template)
{
    const char *format = args_text(args, "format");
    *ret_template = NULL;
    if (ctx->json || str_eq(format, "json")) {
        return FORMAT_JSON;
    }
    if (str_empty(format) || str_eq(format, "table") || str_eq(format, "text") ||
        str_eq(format, "pretty")) {
        return FORMAT_TABLE;
    }
    *ret_template = str_starts(format, "table ") ? format + 6 : format;
    return FORMAT_TEMPLATE;
}

/* Go's encoder writes these three as \u00XX inside strings; nowhere else do they occur. */
static void append_go(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<' || *text == '>' || *text == '&') {
            buf_printf(out, "\\u%04x", (unsigned)*text);
        } else {
            buf_char(out, *text);
        }
    }
}

static void append_json(struct buf *out, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    append_go(out, text ? text : "null");
    free(text);
}

void format_json_line(struct buf *out, json_t *value)
{
    append_json(out, value);
    buf_char(out, '\n');
    json_decref(value);
}

static void append_value(struct buf *out, const json_t *value)
{
    if (json_is_string(value)) {
        buf_str(out, json_string_value(value));
    } else {
        append_json(out, value);
    }
}

/* The inside of {{ }}. */
static int action(struct buf *out, const char *text, const json_t *row, struct err *err)
{
    bool as_json = str_starts(text, "json ");
    const char *field = text + (as_json ? 5 : 0);
    field += strspn(field, " ");
    if (strcmp(field, ".") == 0) {
        append_json(out, row);
        return 0;
    }
    if (field[0] != '.' || strpbrk(field, " |()")) {
        err_set(err, ERR_USAGE, "--format cannot do {{%s}}", text);
        err_hint(err, "table, json, {{.Field}}, {{json .}} and {{json .Field}} work");
        return -ERR_USAGE;
    }
    const json_t *value = json_object_get(row, field + 1);
    if (!value) {
        err_set(err, ERR_USAGE, "--format: there is no field %s", field);
        err_hint(err, "--format json shows the fields");
        return -ERR_USAGE;
    }
    if (as_json) {
        append_json(out, value);
    } else {
        append_value(out, value);
    }
    return 0;
}

int format_template(struct buf *out, const char *template, const json_t *row, struct err *err)
{
    const char *p = template;
    while (*p) {
        const char *end = str_starts(p, "{{") ? strstr(p, "}}") : NULL;
        if (end) {
            const char *from = p + 2 + strspn(p + 2, "- ");
            size_t len = (size_t)(end - from);
            while (len && (from[len - 1] == ' ' || from[len - 1] == '-')) {
                len--;
            }
            CLEANUP_FREE char *text = xstrndup(from, len);
            int rc = action(out, text, row, err);
            if (rc) {
                return rc;
            }
            p = end + 2;
        } else if (str_starts(p, "\\t") || str_starts(p, "\\n")) {
            buf_char(out, p[1] == 't' ? '\t' : '\n');
            p += 2;
        } else {
            buf_char(out, *p++);
        }
    }
    buf_char(out, '\n');
    return 0;
}
