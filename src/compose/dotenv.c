/*
 * KEY=VALUE files. Pure; every byte comes from outside.
 */
#include "compose/dotenv.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

struct reader {
    struct arena *arena;
    const char *file;
    const char *start; /* the whole text, NUL-terminated */
    const char *p;     /* what is left */
    interpolate_fn *lookup;
    void *lookup_arg;
    struct map *warned;
    struct map *out;
    struct diags *diags;
    int rc;
};

static struct pos place(const struct reader *r, const char *at)
{
    struct pos pos = {r->file, 1, 1};
    for (const char *p = r->start; p < at; p++) {
        pos.col = *p == '\n' ? 1 : pos.col + 1;
        pos.line += *p == '\n';
    }
    return pos;
}

static void problem(struct reader *r, const char *at, const char *hint, const char *text)
{
    r->rc = diags_add(r->diags, DIAG_ERROR, place(r, at), NULL, hint, "%s", text);
}

/* The environment wins, then what the file said before. */
static const char *look_up(void *arg, const char *name)
{
    struct reader *r = arg;
    const char *v = r->lookup ? r->lookup(r->lookup_arg, name) : NULL;
    return v ? v : map_get(r->out, name);
}

static uint32_t code_point(const char *s, size_t *ret_len)
{
    const unsigned char *p = (const unsigned char *)s;
    *ret_len = utf8_len(s);
    switch (*ret_len) {
    case 1:
        return p[0];
    case 2:
        return (p[0] & 0x1fU) << 6 | (p[1] & 0x3fU);
    case 3:
        return (p[0] & 0x0fU) << 12 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU);
    case 4:
        return (p[0] & 0x07U) << 18 | (p[1] & 0x3fU) << 12 | (p[2] & 0x3fU) << 6 | (p[3] & 0x3fU);
    default:
        *ret_len = 1;
        return 0xfffd; /* a byte that is no UTF-8 */
    }
}

/* Blanks within a line, as the reference has them. */
static bool is_blank(uint32_t c)
{
    return c == '\t' || c == '\v' || c == '\f' || c == '\r' || c == ' ' || c == 0x85 || c == 0xa0;
}

/* Unicode's white space. */
static bool is_space(uint32_t c)
{
    return is_blank(c) || c == '\n' || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/*
 * Letters and numbers. Outside ASCII everything counts but the blocks of punctuation, symbols and
 * private use: the full tables are not worth their size here.
 */
static bool is_word(uint32_t c)
{
    static const uint32_t others[][2] = {
        {0x80, 0xa9},     {0xab, 0xb1},     {0xb4, 0xb4},       {0xb6, 0xb8},
        {0xbb, 0xbb},     {0xbf, 0xbf},     {0xd7, 0xd7},       {0xf7, 0xf7},
        {0x2c2, 0x2c5},   {0x300, 0x36f},   {0x2000, 0x206f},   {0x20a0, 0x20ff},
        {0x2190, 0x245f}, {0x249c, 0x24e9}, {0x2500, 0x2775},   {0x2794, 0x2bff},
        {0x3000, 0x3004}, {0x3008, 0x3020}, {0xd800, 0xf8ff},   {0xfe00, 0xfe6f},
        {0xff01, 0xff0f}, {0xfffc, 0xffff}, {0x1f000, 0x1faff}, {0xe0000, 0x10ffff}};
    if (c < 0x80) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (c >= others[i][0] && c <= others[i][1]) {
            return false;
        }
    }
    return true;
}

static const char *skip_while(const char *s, bool (*matches)(uint32_t))
{
    size_t len = 0;
    while (*s && matches(code_point(s, &len))) {
        s += len;
    }
    return s;
}

/* [start, end) without white space at its end, in the arena. */
static char *trimmed(struct reader *r, const char *start, const char *end)
{
    while (end > start) {
        const char *last = end - 1;
        size_t len = 0;
        while (last > start && ((unsigned char)*last & 0xc0) == 0x80) {
            last--;
        }
        if (!is_space(code_point(last, &len))) {
            break;
        }
        end = last;
    }
    return arena_strndup(r->arena, start, (size_t)(end - start));
}

static void skip_line(struct reader *r)
{
    r->p += strcspn(r->p, "\n");
    r->p += *r->p == '\n';
}

/* To the start of the next statement: white space and whole-line comments are passed over. */
static void skip_empty(struct reader *r)
{
    for (;;) {
        r->p = skip_while(r->p, is_space);
        if (*r->p != '#') {
            return;
        }
        skip_line(r);
    }
}

/*
 * The name at the start of a statement; *ret_inherited when the line ends without "=" or ":". NULL
 * after a problem. A name that the file ends behind, without a line end, is empty and the text is
 * its value: so does the reference.
 */
static const char *read_key(struct reader *r, bool *ret_inherited)
{
    const char *start = NULL, *p = NULL, *key = "";
    if (str_starts(r->p, "export") && r->p[6] && strchr(" \t\n\f\r", r->p[6])) {
        r->p = skip_while(r->p + 6, is_blank);
    }
    start = p = r->p;
    if (!*p) {
        problem(r, p, "write export NAME=value", "a variable's name is missing");
        return NULL;
    }
    *ret_inherited = false;
    while (*p) {
        size_t len = 0;
        uint32_t c = code_point(p, &len);
        if (c == '=' || c == ':' || c == '\n') {
            *ret_inherited = c == '\n';
            key = trimmed(r, start, p);
            start = p + 1;
            break;
        }
        if (!is_blank(c) && !is_word(c) && (c >= 0x80 || !strchr("_.-[]", (char)c))) {
            problem(r, p, "a name has letters, digits and _ . - [ ]",
                    arena_printf(r->arena, "unexpected character '%.*s' in a variable's name",
                                 (int)len, p));
            return NULL;
        }
        p += len;
    }
    r->p = skip_while(start, is_blank);
    if (strchr(key, ' ')) {
        problem(r, start - 1, "write NAME=value", "a variable's name cannot hold a blank");
        return NULL;
    }
    return key;
}

static const char *expand(struct reader *r, const char *at, const char *text)
{
    struct interpolation in = {
        .arena = r->arena, .lookup = look_up, .arg = r, .diags = r->diags, .warned = r->warned};
    const char *value = text, *why = NULL;
    if (!strchr(text, '$')) {
        return text;
    }
    in.at = place(r, at);
    if (interpolate_text(&in, text, &value, &why)) {
        problem(r, at, "put the value in single quotes, or escape $ with another $", why);
        return NULL;
    }
    return value;
}

/* To the end of the line, without a comment and trailing blanks. */
static const char *read_plain(struct reader *r)
{
    const char *start = r->p, *end = start + strcspn(start, "\n");
    for (const char *p = start; p + 1 < end; p++) {
        if (p[0] == ' ' && p[1] == '#') {
            end = p;
            break;
        }
    }
    skip_line(r);
    return expand(r, start, trimmed(r, start, end));
}

/*
 * An octal escape, "0" and up to three digits behind the backslash. It takes all three and at most
 * 377; of any other the reference drops the 0 and keeps the rest. Returns how many bytes it took.
 */
static size_t octal_escape(const char *s, struct buf *out)
{
    unsigned value = 0;
    size_t digits = strspn(s + 1, "0123456789");
    digits = digits > 3 ? 3 : digits;
    for (size_t i = 1; i <= digits; i++) {
        value = s[i] > '7' || value > 31 ? 256 : value * 8 + (unsigned)(s[i] - '0');
    }
    if (digits < 3 || value > 255) {
        buf_char(out, '\\');
        buf_append(out, s + 1, digits);
    } else if (value >= 0x80) { /* a code point, not a byte */
        buf_char(out, (char)(0xc0 | value >> 6));
        buf_char(out, (char)(0x80 | (value & 0x3f)));
    } else if (value) {
        buf_char(out, (char)value);
    }
    return 1 + digits;
}

/* Decodes one escape of double quotes at s (behind the backslash); returns how many bytes it took,
 * 0 when it is none. */
static size_t escape(const char *s, struct buf *out)
{
    static const char names[] = "abfnrtv", control[] = "\a\b\f\n\r\t\v";
    const char *at = *s ? strchr(names, *s) : NULL;
    if (at) {
        buf_char(out, control[at - names]);
        return 1;
    }
    switch (*s) {
    case '"':
    case '\\':
        buf_char(out, *s);
        return 1;
    case '$':
        buf_str(out, "$$"); /* stays a dollar sign through the expansion that follows */
        return 1;
    case '0':
        return octal_escape(s, out);
    default:
        return 0;
    }
}

/* The inside of quotes, decoded, and the text behind them. NULL when they are not closed. */
static const char *read_quoted(struct reader *r)
{
    const char quote = *r->p, *start = r->p, *p = r->p + 1;
    const char *value = NULL;
    CLEANUP_BUF struct buf text = BUF_INIT;
    while (*p && *p != quote) {
        size_t taken = 0;
        if (*p == '\\' && p[1]) {
            if (quote == '"') {
                taken = escape(p + 1, &text);
            } else if (p[1] == quote) {
                buf_char(&text, quote);
                taken = 1;
            }
            if (!taken) { /* no escape: both bytes stay, and the second ends nothing */
                buf_append(&text, p, 2);
                taken = 1;
            }
            p += 1 + taken;
        } else {
            buf_char(&text, *p++);
        }
    }
    if (!*p) {
        problem(r, start, "close the quote", "unterminated quoted value");
        r->p = p;
        return NULL;
    }
    r->p = p + 1;
    value = arena_strndup(r->arena, buf_text(&text), text.len);
    return quote == '"' ? expand(r, start, value) : value;
}

static void read_statement(struct reader *r)
{
    bool inherited = false;
    const char *key = read_key(r, &inherited), *value = NULL;
    if (!key) {
        skip_line(r);
        return;
    }
    if (inherited) {
        value = r->lookup ? r->lookup(r->lookup_arg, key) : NULL;
        value = value ? arena_strdup(r->arena, value) : NULL;
    } else {
        value = *r->p == '\'' || *r->p == '"' ? read_quoted(r) : read_plain(r);
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
                       .lookup = lookup,
                       .lookup_arg = lookup_arg,
                       .warned = warned,
                       .out = out,
                       .diags = diags};
    r.p = r.start = start_of(arena, text, len);
    for (skip_empty(&r); *r.p; skip_empty(&r)) {
        read_statement(&r);
    }
    return r.rc;
}

/* One line [start, end) of a raw file. */
static void read_raw(struct reader *r, const char *start, const char *end)
{
    const char *equals = NULL, *key = NULL, *value = NULL;
    for (const char *p = start; p < end; p += utf8_len(p)) {
        if (!utf8_len(p)) {
            problem(r, p, "save the file as UTF-8", "this is not valid UTF-8");
            return;
        }
    }
    start = skip_while(start, is_space);
    if (start >= end || *start == '#') {
        return;
    }
    equals = memchr(start, '=', (size_t)(end - start));
    key = arena_strndup(r->arena, start, (size_t)((equals ? equals : end) - start));
    if (!*key) {
        problem(r, start, "write NAME=value", "a variable's name is missing");
    } else if (strpbrk(key, " \t")) {
        problem(r, start, "write NAME=value", "a variable's name cannot hold blanks");
    } else if (equals) {
        map_set(r->out, key, arena_strndup(r->arena, equals + 1, (size_t)(end - equals - 1)));
    } else {
        value = r->lookup ? r->lookup(r->lookup_arg, key) : NULL;
        if (value) {
            map_set(r->out, key, arena_strdup(r->arena, value));
        }
    }
}

int dotenv_parse_raw(struct arena *arena, const char *file, const char *text, size_t len,
                     interpolate_fn *lookup, void *lookup_arg, struct map *out, struct diags *diags)
{
    struct reader r = {.arena = arena,
                       .file = file,
                       .lookup = lookup,
                       .lookup_arg = lookup_arg,
                       .out = out,
                       .diags = diags};
    for (r.p = r.start = start_of(arena, text, len); *r.p; skip_line(&r)) {
        const char *end = r.p + strcspn(r.p, "\n");
        read_raw(&r, r.p, end - (end > r.p && end[-1] == '\r'));
    }
    return r.rc;
}
