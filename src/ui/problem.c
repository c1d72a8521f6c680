/*
 * Rendering of errors and diagnostics into text. Knows no terminal and reads no file: the caller
 * hands in the source and says whether there is colour.
 */
#include "ui/problem.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "ui/term.h"

enum { EXCERPT_MAX = 100 };

bool problem_is_secret_name(const char *text, size_t len)
{
    static const char *const words[] = {"password", "passwd",     "secret",    "token",
                                        "api_key",  "apikey",     "_key",      "credential",
                                        "private",  "access_key", "passphrase"};
    for (size_t i = 0; i < len; i++) {
        for (size_t w = 0; w < ARRAY_LEN(words); w++) {
            size_t n = strlen(words[w]);
            if (i + n <= len && strncasecmp(text + i, words[w], n) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void location(struct buf *out, bool colour, const char *file, int line, int col)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    if (!file[0]) {
        return;
    }
    buf_str(&b, file);
    if (line) {
        buf_printf(&b, ":%d:%d", line, col);
    }
    buf_str(&b, ":");
    style_str(out, colour, STYLE_BOLD, buf_text(&b));
    buf_char(out, ' ');
}

/* Text that may come from outside: control characters become spaces, newlines indent. */
static void safe(struct buf *out, const char *text, const char *indent)
{
    for (; *text; text++) {
        if (*text == '\n') {
            buf_printf(out, "\n%s", text[1] ? indent : "");
        } else {
            buf_char(out, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
        }
    }
}

static void hint(struct buf *out, bool colour, const char *text)
{
    if (text[0]) {
        buf_str(out, "  ");
        style_str(out, colour, STYLE_CYAN, "hint:");
        buf_char(out, ' ');
        safe(out, text, "        ");
        buf_char(out, '\n');
    }
}

void problem_err(struct buf *out, bool colour, const struct err *err)
{
    location(out, colour, err->file, err->line, err->col);
    style_str(out, colour, STYLE_ERROR, "error:");
    buf_char(out, ' ');
    if (err->code == ERR_BUG) {
        buf_str(out, "internal error: ");
    }
    safe(out, err->message[0] ? err->message : err_code_text(err->code), "       ");
    buf_char(out, '\n');
    hint(out, colour, err->hint);
}

/* Finds line `line` (1-based) of the text; NULL when there is none. */
static const char *find_line(const char *source, int line, size_t *ret_len)
{
    for (int i = 1; i < line && source; i++) {
        source = strchr(source, '\n');
        source = source ? source + 1 : NULL;
    }
    if (!source || !*source) {
        return NULL;
    }
    *ret_len = strcspn(source, "\r\n");
    return source;
}

/* ${NAME}, ${NAME?text}, ${NAME:?text}, in quotes or not, and nothing else: no secret is in it. A
 * default is a value. */
static bool is_reference(const char *s, size_t len)
{
    size_t name = 0;
    while (len && (s[len - 1] == ' ' || s[len - 1] == '\t')) {
        len--;
    }
    if (len > 1 && (*s == '"' || *s == '\'') && s[len - 1] == *s) {
        s++;
        len -= 2;
    }
    if (len < 4 || s[0] != '$' || s[1] != '{' || memchr(s, '}', len) != s + len - 1) {
        return false;
    }
    s += 2;
    len -= 3;
    while (name < len && (isalnum((unsigned char)s[name]) || s[name] == '_')) {
        name++;
    }
    return name && (name == len || s[name + (s[name] == ':')] == '?');
}

/* Where the value begins on a line that names a secret, or len. */
static size_t secret_from(const char *line, size_t len)
{
    size_t sep = 0;
    while (sep < len && line[sep] != ':' && line[sep] != '=') {
        sep++;
    }
    if (sep == len || !problem_is_secret_name(line, sep)) {
        return len;
    }
    sep++;
    while (sep < len && line[sep] == ' ') {
        sep++;
    }
    return is_reference(line + sep, len - sep) ? len : sep;
}

static void excerpt(struct buf *out, bool colour, const char *line, size_t len, int number, int col)
{
    size_t shown = secret_from(line, len);
    size_t caret = col > 0 ? (size_t)col - 1 : 0;
    CLEANUP_BUF struct buf text = BUF_INIT, pad = BUF_INIT;
    for (size_t i = 0; i < shown && i < EXCERPT_MAX; i++) {
        buf_char(&text, (unsigned char)line[i] < 0x20 || line[i] == 0x7f ? ' ' : line[i]);
    }
    buf_str(&text, shown < len ? "********" : shown > EXCERPT_MAX ? "..." : "");
    style_printf(out, colour, STYLE_DIM, "%6d | ", number);
    buf_printf(out, "%s\n", buf_text(&text));
    if (caret > len || caret > EXCERPT_MAX || col <= 0) {
        return;
    }
    /* The column counts characters; continuation bytes take no column of their own. */
    buf_repeat(&pad, ' ', caret);
    style_str(out, colour, STYLE_DIM, "       | ");
    buf_str(out, buf_text(&pad));
    style_str(out, colour, STYLE_ERROR, "^");
    buf_char(out, '\n');
}

/* Whether the message says already what it is about: all of the path, or, in front, its end. */
static bool names_path(const struct diag *d)
{
    const char *end = strrchr(d->path, '.');
    size_t n = strlen(end ? end + 1 : d->path);
    return strstr(d->message, d->path) ||
           (end && strncmp(d->message, end + 1, n) == 0 && d->message[n] == ':');
}

void problem_diag(struct buf *out, bool colour, const struct diag *d, const char *source)
{
    size_t len = 0;
    bool error = d->level == DIAG_ERROR;
    const char *line = d->line ? find_line(source, d->line, &len) : NULL;
    location(out, colour, d->file, d->line, d->col);
    style_str(out, colour, error ? STYLE_ERROR : STYLE_WARN, error ? "error:" : "warning:");
    buf_char(out, ' ');
    if (d->path[0] && !names_path(d)) {
        safe(out, d->path, "");
        buf_str(out, ": ");
    }
    safe(out, d->message, "       ");
    buf_char(out, '\n');
    if (line) {
        excerpt(out, colour, line, len, d->line, d->col);
    }
    hint(out, colour, d->hint);
}

void problem_diags_total(struct buf *out, bool colour, const struct diags *diags)
{
    size_t warnings = diags->len + diags->suppressed - diags->errors;
    if (diags->len + diags->suppressed < 2 || diags->errors == 0) {
        return;
    }
    style_printf(out, colour, STYLE_BOLD, "%zu error%s", diags->errors,
                 diags->errors == 1 ? "" : "s");
    if (warnings) {
        buf_printf(out, ", %zu warning%s", warnings, warnings == 1 ? "" : "s");
    }
    if (diags->suppressed) {
        buf_printf(out, " (%zu not shown)", diags->suppressed);
    }
    buf_char(out, '\n');
}
