/*
 * The text of YAML for people and for other tools: block style, keys as given, texts quoted where
 * they would read back as something else, block scalars for texts of many lines. Pure.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "compose/scalar.h"
#include "compose/shape.h"

static void write_node(struct buf *out, const struct node *n, size_t indent);

/* Booleans of YAML 1.1, which other readers still know. */
static bool is_old_bool(const char *s)
{
    static const char *const words[] = {"y", "Y", "yes", "Yes", "YES", "on",  "On",  "ON",
                                        "n", "N", "no",  "No",  "NO",  "off", "Off", "OFF"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq(s, words[i])) {
            return true;
        }
    }
    return false;
}

/* 190:20:30, a number of YAML 1.1. */
static bool is_base60(const char *s)
{
    s += *s == '+' || *s == '-';
    if (!isdigit((unsigned char)*s)) {
        return false;
    }
    s += strspn(s, "0123456789_");
    if (*s != ':') {
        return false;
    }
    while (*s == ':') {
        size_t digits = strspn(s + 1, "0123456789");
        if (digits == 0 || digits > 2 || (digits == 2 && s[1] > '5')) {
            return false;
        }
        s += 1 + digits;
    }
    s += *s == '.' ? 1 + strspn(s + 1, "0123456789_") : 0;
    return *s == '\0';
}

/* Would it read back as something else than a text? */
static bool is_other(const char *s)
{
    struct arena scratch;
    const struct node *n = NULL;
    bool other = false;
    arena_init(&scratch);
    n = scalar_resolve(&scratch, (struct pos){0}, s);
    other = n->kind != NODE_STRING || n->tag != TAG_NONE;
    arena_release(&scratch);
    return other || str_eq(s, "<<") || is_old_bool(s) || is_base60(s);
}

static bool is_blank_or_end(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\0';
}

/* Decodes the character at s; C0 80 stands for NUL, bytes that are not UTF-8 count as they are. */
static uint32_t character(const char *s, size_t *ret_len)
{
    const unsigned char *b = (const unsigned char *)s;
    size_t len = utf8_len(s);
    if (b[0] == 0xc0 && b[1] == 0x80) {
        *ret_len = 2;
        return 0;
    }
    *ret_len = len ? len : 1;
    switch (len) {
    case 2:
        return (uint32_t)(b[0] & 0x1f) << 6 | (b[1] & 0x3f);
    case 3:
        return (uint32_t)(b[0] & 0x0f) << 12 | (uint32_t)(b[1] & 0x3f) << 6 | (b[2] & 0x3f);
    case 4:
        return (uint32_t)(b[0] & 0x07) << 18 | (uint32_t)(b[1] & 0x3f) << 12 |
               (uint32_t)(b[2] & 0x3f) << 6 | (b[3] & 0x3f);
    default:
        return b[0];
    }
}

/* What the reference's encoder writes as it is. */
static bool is_printable(uint32_t c)
{
    return c == '\n' || (c >= 0x20 && c < 0x7f) || (c >= 0xa0 && c < 0xd800) ||
           (c >= 0xe000 && c < 0xfffe && c != 0xfeff);
}

static bool is_break(uint32_t c)
{
    return c == '\r' || c == '\n' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/* Holds characters that only double quotes can carry (a tab may stand in a block). */
static bool has_control(const char *s)
{
    for (size_t len = 0; *s; s += len) {
        uint32_t c = character(s, &len);
        if ((!is_printable(c) && c != '\t') || (is_break(c) && c != '\n')) {
            return true;
        }
    }
    return false;
}

/* Texts that mean something to YAML as they stand. */
static bool has_indicator(const char *s)
{
    size_t len = strlen(s);
    if (strchr("#,[]{}&*!|>'\"%@` ", s[0]) || s[len - 1] == ' ' || str_starts(s, "---") ||
        str_starts(s, "...")) {
        return true;
    }
    if (strchr("-?:", s[0]) && is_blank_or_end(s[1])) {
        return true;
    }
    for (size_t i = 1; i < len; i++) {
        if ((s[i] == ':' && is_blank_or_end(s[i + 1])) ||
            (s[i] == '#' && is_blank_or_end(s[i - 1]))) {
            return true;
        }
    }
    return false;
}

/* A block scalar would lose blanks at the ends of lines. */
static bool fits_block(const char *s)
{
    size_t len = strlen(s);
    return !has_control(s) && s[len - 1] != ' ' && !strstr(s, " \n");
}

static void write_escape(struct buf *out, uint32_t c)
{
    static const struct {
        uint32_t c;
        char letter;
    } letters[] = {{0, '0'},     {7, 'a'},    {8, 'b'},    {9, 't'},      {10, 'n'},
                   {11, 'v'},    {12, 'f'},   {13, 'r'},   {27, 'e'},     {'"', '"'},
                   {'\\', '\\'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
    for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
        if (letters[i].c == c) {
            buf_printf(out, "\\%c", letters[i].letter);
            return;
        }
    }
    if (c <= 0xff) {
        buf_printf(out, "\\x%02X", c);
    } else if (c <= 0xffff) {
        buf_printf(out, "\\u%04X", c);
    } else {
        buf_printf(out, "\\U%08X", c);
    }
}

static void write_double_quoted(struct buf *out, const char *s)
{
    buf_char(out, '"');
    for (size_t len = 0; *s; s += len) {
        uint32_t c = character(s, &len);
        if (!is_printable(c) || is_break(c) || c == '"' || c == '\\') {
            write_escape(out, c);
        } else {
            buf_append(out, s, len);
        }
    }
    buf_char(out, '"');
}

static void write_single_quoted(struct buf *out, const char *s)
{
    buf_char(out, '\'');
    for (; *s; s++) {
        buf_str(out, *s == '\'' ? "''" : (char[]){*s, '\0'});
    }
    buf_char(out, '\'');
}

static void write_block(struct buf *out, const char *s, size_t indent)
{
    size_t len = strlen(s);
    bool ends = s[len - 1] == '\n';
    buf_char(out, '|');
    if (strchr(" \n", s[0])) {
        buf_char(out, '2');
    }
    buf_str(out, !ends ? "-" : len > 1 && s[len - 2] == '\n' ? "+" : "");
    while (*s) {
        size_t line = strcspn(s, "\n");
        buf_char(out, '\n');
        if (line) {
            buf_repeat(out, ' ', indent);
            buf_append(out, s, line);
        }
        s += line + (s[line] == '\n');
    }
}

static void write_string(struct buf *out, const char *s, size_t indent, bool key)
{
    if (strchr(s, '\n')) {
        if (key || !fits_block(s)) {
            write_double_quoted(out, s);
        } else {
            write_block(out, s, indent);
        }
    } else if (has_control(s) || strchr(s, '\t') || is_other(s)) {
        write_double_quoted(out, s);
    } else if (has_indicator(s)) {
        write_single_quoted(out, s);
    } else {
        buf_str(out, s);
    }
}

static bool is_block(const struct node *n)
{
    return (n->kind == NODE_MAP && n->len) || (n->kind == NODE_LIST && n->count);
}

static void write_float(struct buf *out, const struct node *n)
{
    struct arena scratch;
    if (isnan(n->real) || isinf(n->real)) {
        buf_str(out, isnan(n->real) ? ".nan" : n->real < 0 ? "-.inf" : ".inf");
        return;
    }
    arena_init(&scratch);
    buf_str(out, node_print(&scratch, n));
    arena_release(&scratch);
}

static void write_scalar(struct buf *out, const struct node *n, size_t indent)
{
    struct buf json = BUF_INIT;
    switch (n->kind) {
    case NODE_STRING:
        write_string(out, n->text, indent, false);
        break;
    case NODE_FLOAT:
        write_float(out, n);
        break;
    case NODE_LIST:
        buf_str(out, "[]");
        break;
    case NODE_MAP:
        buf_str(out, "{}");
        break;
    default:
        json_write(&json, n, false);
        buf_str(out, buf_text(&json));
    }
    buf_release(&json);
}

static void write_map(struct buf *out, const struct node *n, size_t indent)
{
    for (size_t i = 0; i < n->len; i++) {
        const struct node *value = n->entries[i].value;
        if (i) {
            buf_char(out, '\n');
            buf_repeat(out, ' ', indent);
        }
        write_string(out, n->entries[i].key, indent, true);
        buf_char(out, ':');
        if (is_block(value)) {
            buf_char(out, '\n');
            buf_repeat(out, ' ', indent + 2);
            write_node(out, value, indent + 2);
        } else {
            buf_char(out, ' ');
            write_scalar(out, value, indent + 2);
        }
    }
}

static void write_list(struct buf *out, const struct node *n, size_t indent)
{
    for (size_t i = 0; i < n->count; i++) {
        if (i) {
            buf_char(out, '\n');
            buf_repeat(out, ' ', indent);
        }
        buf_str(out, "- ");
        write_node(out, n->items[i], indent + 2);
    }
}

static void write_node(struct buf *out, const struct node *n, size_t indent)
{
    if (n->kind == NODE_MAP && n->len) {
        write_map(out, n, indent);
    } else if (n->kind == NODE_LIST && n->count) {
        write_list(out, n, indent);
    } else {
        write_scalar(out, n, indent);
    }
}

void yaml_write(struct buf *out, const struct node *n)
{
    write_node(out, n, 0);
    buf_char(out, '\n');
}
