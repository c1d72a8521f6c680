/*
 * The text of JSON exactly as Go's encoding/json writes it, because it is hashed. Pure.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "compose/shape.h"

struct json_out {
    struct buf *out;
    bool pretty;
    size_t depth;
};

static void write_value(struct json_out *w, const struct node *n);

static void write_escape(struct buf *out, unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        buf_char(out, '\\');
        buf_char(out, (char)c);
        break;
    case '\n':
        buf_str(out, "\\n");
        break;
    case '\r':
        buf_str(out, "\\r");
        break;
    case '\t':
        buf_str(out, "\\t");
        break;
    case '\b':
        buf_str(out, "\\b");
        break;
    case '\f':
        buf_str(out, "\\f");
        break;
    default:
        buf_printf(out, "\\u%04x", c);
    }
}

static void write_string(struct buf *out, const char *text)
{
    buf_char(out, '"');
    for (const char *s = text; *s;) {
        unsigned char c = (unsigned char)*s;
        size_t len = c < 0x80 ? 1 : utf8_len(s);
        if (c < 0x20 || strchr("\"\\<>&", c)) {
            write_escape(out, c);
        } else if (c == 0xc0 && (unsigned char)s[1] == 0x80) {
            buf_str(out, "\\u0000"); /* how trees hold a NUL */
            len = 2;
        } else if (len == 0) {
            buf_str(out, "\\ufffd");
            len = 1;
        } else if (len == 3 && c == 0xe2 && (unsigned char)s[1] == 0x80 &&
                   ((unsigned char)s[2] | 1) == 0xa9) {
            buf_printf(out, "\\u20%02x", (unsigned)((unsigned char)s[2] - 0x80));
        } else {
            buf_append(out, s, len);
        }
        s += len;
    }
    buf_char(out, '"');
}

static void write_float(struct buf *out, double value)
{
    char text[64];
    double size = fabs(value);
    char *e = NULL;
    int exponent = 0;
    if (!isfinite(value)) {
        buf_str(out, "null"); /* the reference refuses; a value nobody writes */
        return;
    }
    shortest_number(value, false, text, sizeof(text));
    e = strchr(text, 'e');
    exponent = (int)strtod(e + 1, NULL);
    if (size > 0 && (size < 1e-6 || size >= 1e21)) {
        /* e-09 becomes e-9, as ECMAScript has it */
        if (e[1] == '-' && e[2] == '0' && e[3] && !e[4]) {
            e[2] = e[3];
            e[3] = '\0';
        }
        buf_str(out, text);
        return;
    }
    {
        int digits = (int)(e - text) - (text[0] == '-') - (memchr(text, '.', 3) != NULL);
        int decimals = digits - 1 - exponent;
        buf_printf(out, "%.*f", decimals > 0 ? decimals : 0, value);
    }
}

static void new_line(struct json_out *w)
{
    if (w->pretty) {
        buf_char(w->out, '\n');
        buf_repeat(w->out, ' ', 2 * w->depth);
    }
}

static void write_list(struct json_out *w, const struct node *n)
{
    buf_char(w->out, '[');
    w->depth++;
    for (size_t i = 0; i < n->count; i++) {
        buf_str(w->out, i ? "," : "");
        new_line(w);
        write_value(w, n->items[i]);
    }
    w->depth--;
    if (n->count) {
        new_line(w);
    }
    buf_char(w->out, ']');
}

static void write_map(struct json_out *w, const struct node *n)
{
    buf_char(w->out, '{');
    w->depth++;
    for (size_t i = 0; i < n->len; i++) {
        buf_str(w->out, i ? "," : "");
        new_line(w);
        write_string(w->out, n->entries[i].key);
        buf_str(w->out, w->pretty ? ": " : ":");
        write_value(w, n->entries[i].value);
    }
    w->depth--;
    if (n->len) {
        new_line(w);
    }
    buf_char(w->out, '}');
}

static void write_value(struct json_out *w, const struct node *n)
{
    switch (n->kind) {
    case NODE_NULL:
    case NODE_KIND_COUNT:
        buf_str(w->out, "null");
        break;
    case NODE_BOOL:
        buf_str(w->out, n->boolean ? "true" : "false");
        break;
    case NODE_INT:
        if (n->is_unsigned) {
            buf_printf(w->out, "%llu", (unsigned long long)n->integer);
        } else {
            buf_printf(w->out, "%lld", (long long)n->integer);
        }
        break;
    case NODE_FLOAT:
        write_float(w->out, n->real);
        break;
    case NODE_STRING:
        write_string(w->out, n->text);
        break;
    case NODE_LIST:
        write_list(w, n);
        break;
    case NODE_MAP:
        write_map(w, n);
        break;
    }
}

void json_write(struct buf *out, const struct node *n, bool pretty)
{
    struct json_out w = {.out = out, .pretty = pretty};
    write_value(&w, n);
}
