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
#include "compose/shape.h"

static void write_node(struct buf *out, const struct node *n, size_t indent);

static bool looks_like_number(const char *s)
{
    char *end = NULL;
    bool digits = strpbrk(s, "0123456789") != NULL;
    if (!digits && !str_eq_nocase(s + (*s == '+' || *s == '-'), ".inf") &&
        !str_eq_nocase(s, ".nan")) {
        return false;
    }
    if (s[strspn(s, "0123456789+-_.:eExXoOabcdefABCDEFTZ ")] != '\0') {
        return false;
    }
    strtod(s, &end);
    return *end == '\0' || !strpbrk(s, "ghijklmnpqrstuvwyzGHIJKLMNPQRSUVWY");
}

static bool is_word(const char *s)
{
    static const char *const words[] = {"null", "~", "true", "false", "yes", "no", "on",
                                        "off",  "y", "n",    "=",     "<<",  ""};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq_nocase(s, words[i])) {
            return true;
        }
    }
    return false;
}

static bool needs_double_quotes(const char *s)
{
    for (; *s; s++) {
        if (((unsigned char)*s < 0x20 && *s != '\n') || *s == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool needs_quotes(const char *s)
{
    size_t len = strlen(s);
    if (is_word(s) || looks_like_number(s) || strchr("-?:,[]{}#&*!|>'\"%@` ", s[0]) ||
        s[len - 1] == ' ' || s[len - 1] == ':') {
        bool plain_dash = (s[0] == '-' || s[0] == '?' || s[0] == ':') && s[1] && s[1] != ' ' &&
                          !looks_like_number(s) && !strstr(s, ": ") && !strstr(s, " #") &&
                          s[len - 1] != ':' && s[len - 1] != ' ' && !is_word(s) &&
                          !str_starts(s, "---");
        return !plain_dash;
    }
    return strstr(s, ": ") || strstr(s, " #") || strchr(s, '\n');
}

static void write_double_quoted(struct buf *out, const char *s)
{
    buf_char(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            buf_printf(out, "\\%c", c);
        } else if (c == '\n') {
            buf_str(out, "\\n");
        } else if (c == '\t') {
            buf_str(out, "\\t");
        } else if (c == '\r') {
            buf_str(out, "\\r");
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\x%02X", c);
        } else {
            buf_char(out, (char)c);
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

static void write_string(struct buf *out, const char *s, size_t indent)
{
    if (needs_double_quotes(s)) {
        write_double_quoted(out, s);
    } else if (strchr(s, '\n')) {
        if (s[strspn(s, " \n")] == '\0') {
            write_double_quoted(out, s);
        } else {
            write_block(out, s, indent);
        }
    } else if (is_word(s) || looks_like_number(s)) {
        write_double_quoted(out, s);
    } else if (needs_quotes(s)) {
        write_single_quoted(out, s);
    } else {
        buf_str(out, s);
    }
}

static void write_key(struct buf *out, const char *key)
{
    if (strchr(key, '\n') || needs_double_quotes(key) || is_word(key) || looks_like_number(key)) {
        write_double_quoted(out, key);
    } else if (needs_quotes(key)) {
        write_single_quoted(out, key);
    } else {
        buf_str(out, key);
    }
}

static bool is_block(const struct node *n)
{
    return (n->kind == NODE_MAP && n->len) || (n->kind == NODE_LIST && n->count);
}

static void write_scalar(struct buf *out, const struct node *n, size_t indent)
{
    struct buf json = BUF_INIT;
    switch (n->kind) {
    case NODE_STRING:
        write_string(out, n->text, indent);
        break;
    case NODE_FLOAT:
        if (isnan(n->real) || isinf(n->real)) {
            buf_str(out, isnan(n->real) ? ".nan" : n->real < 0 ? "-.inf" : ".inf");
            break;
        }
        json_write(&json, n, false);
        buf_str(out, buf_text(&json));
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
        write_key(out, n->entries[i].key);
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
