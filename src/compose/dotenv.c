/*
 * KEY=VALUE files. Pure; every byte comes from outside.
 */
#include "compose/dotenv.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

struct reader {
    struct arena *arena;
    const char *file;
    const char *p; /* what is left, NUL-terminated */
    const char *line_start;
    int line;
    interpolate_fn *lookup;
    void *lookup_arg;
    struct map *warned;
    struct map *out;
    struct diags *diags;
    int rc;
};

static void problem(struct reader *r, const char *at, const char *hint, const char *text)
{
    struct pos pos = {r->file, r->line, (int)(at - r->line_start) + 1};
    r->rc = diags_add(r->diags, DIAG_ERROR, pos, NULL, hint, "%s", text);
}

/* The environment wins, then what the file said before. */
static const char *look_up(void *arg, const char *name)
{
    struct reader *r = arg;
    const char *v = r->lookup ? r->lookup(r->lookup_arg, name) : NULL;
    return v ? v : map_get(r->out, name);
}

static void next_line(struct reader *r)
{
    while (*r->p && *r->p != '\n') {
        r->p++;
    }
    if (*r->p) {
        r->p++;
        r->line++;
        r->line_start = r->p;
    }
}

/* Blanks, line ends and whole-line comments. */
static void skip_empty(struct reader *r)
{
    for (;;) {
        while (*r->p == ' ' || *r->p == '\t' || *r->p == '\r' || *r->p == '\v' || *r->p == '\f') {
            r->p++;
        }
        if (*r->p == '#') {
            next_line(r);
        } else if (*r->p == '\n') {
            next_line(r);
        } else {
            return;
        }
    }
}

static bool is_key_byte(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c >= 0x80 || strchr("_.-[]", c);
}

/* The name at the start of a line; *ret_inherited when no "=" or ":" follows. NULL after a problem.
 */
static const char *read_key(struct reader *r, bool *ret_inherited)
{
    const char *start = NULL, *end = NULL;
    if (str_starts(r->p, "export") && (r->p[6] == ' ' || r->p[6] == '\t')) {
        r->p += 6;
        r->p += strspn(r->p, " \t");
    }
    start = r->p;
    while (*r->p && *r->p != '\n' && *r->p != '=' && *r->p != ':') {
        r->p++;
    }
    for (end = r->p; end > start && strchr(" \t\r", end[-1]); end--) {
    }
    for (const char *c = start; c < end; c++) {
        if (*c == ' ' || *c == '\t') {
            problem(r, c, "write NAME=value", "a variable's name cannot hold blanks");
            return NULL;
        }
        if (!is_key_byte((unsigned char)*c)) {
            problem(r, c, "a name has letters, digits, _ . - [ ]",
                    arena_printf(r->arena, "unexpected character '%c' in a variable's name", *c));
            return NULL;
        }
    }
    if (start == end) {
        problem(r, start, "write NAME=value", "a variable's name is missing");
        return NULL;
    }
    *ret_inherited = *r->p != '=' && *r->p != ':';
    r->p += !*ret_inherited;
    return arena_strndup(r->arena, start, (size_t)(end - start));
}

static const char *expand(struct reader *r, const char *at, const char *text)
{
    struct interpolation in = {
        .arena = r->arena, .lookup = look_up, .arg = r, .diags = r->diags, .warned = r->warned};
    const char *value = text, *why = NULL;
    if (strchr(text, '$') && interpolate_text(&in, text, &value, &why)) {
        problem(r, at, "put the value in single quotes, or escape $ with another $", why);
        return NULL;
    }
    return value;
}

/* To the end of the line, without a comment and trailing blanks. */
static const char *read_plain(struct reader *r)
{
    const char *start = r->p, *end = NULL, *text = NULL;
    size_t n = strcspn(start, "\n");
    for (size_t i = 1; i < n; i++) {
        if (start[i] == '#' && start[i - 1] == ' ') {
            n = i;
            break;
        }
    }
    for (end = start + n; end > start && strchr(" \t\r\v\f", end[-1]); end--) {
    }
    text = expand(r, start, arena_strndup(r->arena, start, (size_t)(end - start)));
    next_line(r);
    return text;
}

/* Decodes one escape of double quotes at s (behind the backslash); returns how many bytes it took.
 */
static size_t escape(const char *s, struct buf *out)
{
    static const char names[] = "abfnrtv", control[] = "\a\b\f\n\r\t\v";
    const char *at = *s ? strchr(names, *s) : NULL;
    size_t n = 1;
    unsigned v = 0;
    if (*s == '"' || *s == '\\') {
        buf_char(out, *s);
        return 1;
    }
    if (*s == '$') {
        buf_str(out, "$$"); /* stays a dollar through the expansion that follows */
        return 1;
    }
    if (at) {
        buf_char(out, control[at - names]);
        return 1;
    }
    while (*s == '0' && n < 4 && s[n] >= '0' && s[n] <= '7') {
        v = v * 8 + (unsigned)(s[n++] - '0');
    }
    if (v) {
        buf_char(out, (char)v);
        return n;
    }
    buf_char(out, '\\'); /* no escape: kept as it is */
    return 0;
}

static const char *read_quoted(struct reader *r)
{
    char quote = *r->p;
    const char *start = r->p;
    const char *start_line = r->line_start;
    int line = r->line;
    const char *value = NULL;
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (r->p++; *r->p && *r->p != quote;) {
        if (*r->p == '\\' && quote == '\'' && r->p[1] == '\'') {
            buf_char(&text, '\'');
            r->p += 2;
        } else if (*r->p == '\\' && quote == '"' && r->p[1]) {
            r->p++;
            r->p += escape(r->p, &text);
        } else {
            if (*r->p == '\n') {
                r->line++;
                r->line_start = r->p + 1;
            }
            buf_char(&text, *r->p++);
        }
    }
    if (!*r->p) {
        r->line = line;
        r->line_start = start_line;
        problem(r, start, "close the quote", "unterminated quoted value");
        return NULL;
    }
    r->p++;
    value = arena_strndup(r->arena, buf_text(&text), text.len);
    return quote == '"' ? expand(r, start, value) : value;
}

static void read_statement(struct reader *r)
{
    bool inherited = false;
    const char *key = read_key(r, &inherited), *value = NULL;
    if (!key) {
        next_line(r);
        return;
    }
    if (inherited) {
        value = r->lookup ? r->lookup(r->lookup_arg, key) : NULL;
        if (value) {
            map_set(r->out, key, arena_strdup(r->arena, value));
        }
        return;
    }
    r->p += strspn(r->p, " \t");
    if (*r->p == '\'' || *r->p == '"') {
        value = read_quoted(r);
    } else {
        value = read_plain(r);
    }
    if (value) {
        map_set(r->out, key, (void *)(uintptr_t)value);
    }
}

static const char *start_of(struct arena *a, const char *text, size_t len)
{
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* byte order mark */
        text += 3;
        len -= 3;
    }
    return arena_strndup(a, text, len);
}

int dotenv_parse(struct arena *arena, const char *file, const char *text, size_t len,
                 interpolate_fn *lookup, void *lookup_arg, struct map *warned, struct map *out,
                 struct diags *diags)
{
    struct reader r = {.arena = arena,
                       .file = file,
                       .line = 1,
                       .lookup = lookup,
                       .lookup_arg = lookup_arg,
                       .warned = warned,
                       .out = out,
                       .diags = diags};
    r.p = r.line_start = start_of(arena, text, len);
    for (skip_empty(&r); *r.p; skip_empty(&r)) {
        read_statement(&r);
    }
    return r.rc;
}

int dotenv_parse_raw(struct arena *arena, const char *file, const char *text, size_t len,
                     interpolate_fn *lookup, void *lookup_arg, struct map *out, struct diags *diags)
{
    struct reader r = {.arena = arena, .file = file, .line = 1, .diags = diags};
    for (r.p = r.line_start = start_of(arena, text, len); *r.p; next_line(&r)) {
        const char *start = r.p + strspn(r.p, " \t"), *eq = NULL, *value = NULL;
        size_t n = strcspn(start, "\n");
        n -= n && start[n - 1] == '\r';
        if (!n || *start == '#') {
            continue;
        }
        eq = memchr(start, '=', n);
        size_t key_len = eq ? (size_t)(eq - start) : n;
        const char *key = arena_strndup(arena, start, key_len);
        if (!key_len) {
            problem(&r, start, "write NAME=value", "a variable's name is missing");
        } else if (strpbrk(key, " \t")) {
            problem(&r, start, "write NAME=value", "a variable's name cannot hold blanks");
        } else if (eq) {
            map_set(out, key, arena_strndup(arena, eq + 1, n - key_len - 1));
        } else if ((value = lookup ? lookup(lookup_arg, key) : NULL)) {
            map_set(out, key, arena_strdup(arena, value));
        }
    }
    return r.rc;
}
