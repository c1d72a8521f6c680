/*
 * Patterns become small automata that run over a path in time proportional to path times pattern:
 * no pattern can make matching slow. Pure.
 */
#include "engine/dockerignore.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"

enum token_kind {
    TOKEN_CHAR,  /* this character */
    TOKEN_ANY,   /* ?: any but a slash */
    TOKEN_STAR,  /* *: any number of any but a slash; matches nothing too */
    TOKEN_CLASS, /* [a-z], [^a-z] */
    TOKEN_SKIP,  /* begin of "**" before more: the next one may be skipped */
    TOKEN_DIRS,  /* any text that ends with a slash */
    TOKEN_REST   /* "**" at the end: anything */
};

struct token {
    enum token_kind kind;
    unsigned char c;
    unsigned char set[32]; /* TOKEN_CLASS: a bit for each byte */
};

struct ignore_pattern {
    struct token *tokens;
    size_t count;
    bool exception; /* "!" */
    char *fixed;    /* the directories in front of the first wildcard, "a/b/", for descends() */
    bool whole;     /* there is no wildcard: `fixed` is the pattern with a slash behind */
};

enum { PATTERN_MAX = 4096, TOKENS_MAX = 2 * PATTERN_MAX };

/* --- reading --- */

static struct token *push(struct ignore_pattern *p, enum token_kind kind, unsigned char c)
{
    p->tokens = xreallocarray(p->tokens, p->count + 1, sizeof(*p->tokens));
    p->tokens[p->count] = (struct token){.kind = kind, .c = c};
    return &p->tokens[p->count++];
}

/* One character of a class, "\\" takes the next one as it is; false at a bad end. */
static bool class_char(const char **s, unsigned char *ret)
{
    if (**s == '\\') {
        (*s)++;
    }
    if (!**s || (**s == '-' && (*s)[-1] != '\\') || (**s == ']' && (*s)[-1] != '\\')) {
        return false;
    }
    *ret = (unsigned char)*(*s)++;
    return true;
}

/* At the "["; moves behind the "]". */
static bool read_class(struct ignore_pattern *p, const char **at)
{
    struct token *t = push(p, TOKEN_CLASS, 0);
    const char *s = *at + 1;
    bool negated = *s == '^', some = false;
    s += negated;
    while (*s && (*s != ']' || !some)) {
        unsigned char low = 0, high = 0;
        if (!class_char(&s, &low)) {
            return false;
        }
        high = low;
        if (*s == '-') {
            s++;
            if (!class_char(&s, &high)) {
                return false;
            }
        }
        for (unsigned c = low; c <= high; c++) {
            t->set[c / 8] |= (unsigned char)(1U << c % 8);
        }
        some = true;
    }
    if (*s != ']') {
        return false;
    }
    for (size_t i = 0; negated && i < sizeof(t->set); i++) {
        t->set[i] = (unsigned char)~t->set[i];
    }
    *at = s + 1;
    return true;
}

static const char *read_stars(struct ignore_pattern *p, const char *s)
{
    if (s[1] != '*') {
        push(p, TOKEN_STAR, 0);
        return s + 1;
    }
    s += 2;
    s += *s == '/';
    if (*s) {
        push(p, TOKEN_SKIP, 0);
        push(p, TOKEN_DIRS, 0);
    } else {
        push(p, TOKEN_REST, 0);
    }
    return s;
}

static bool compile(struct ignore_pattern *p, const char *s)
{
    while (*s) {
        switch (*s) {
        case '*':
            s = read_stars(p, s);
            break;
        case '?':
            push(p, TOKEN_ANY, 0);
            s++;
            break;
        case '[':
            if (!read_class(p, &s)) {
                return false;
            }
            break;
        case '\\':
            if (!s[1]) {
                return false;
            }
            push(p, TOKEN_CHAR, (unsigned char)s[1]);
            s += 2;
            break;
        default:
            push(p, TOKEN_CHAR, (unsigned char)*s++);
            break;
        }
    }
    return true;
}

/* The line without blanks around it, "!" apart, cleaned as a path and without a slash in front. */
static char *clean_line(const char *line, size_t len, bool *ret_exception)
{
    static const char blanks[] = " \t\r\f\v";
    CLEANUP_FREE char *text = NULL;
    const char *s = NULL;
    char *clean = NULL;
    while (len && strchr(blanks, line[len - 1])) {
        len--;
    }
    text = xstrndup(line, len);
    s = text + strspn(text, blanks);
    *ret_exception = *s == '!';
    if (*ret_exception) {
        s++;
        s += strspn(s, blanks);
    }
    clean = *s ? path_clean(s) : xstrdup("");
    if (clean[0] == '/' && clean[1]) {
        memmove(clean, clean + 1, strlen(clean));
    }
    return clean;
}

static int add_line(struct dockerignore *d, const char *line, size_t len, struct err *err)
{
    struct ignore_pattern p = {0};
    CLEANUP_FREE char *text = NULL;
    size_t plain = 0;
    if (len > PATTERN_MAX) {
        return err_set(err, ERR_INPUT, "the pattern is longer than %d characters", PATTERN_MAX);
    }
    text = clean_line(line, len, &p.exception);
    if (!*text && !p.exception) {
        return 0;
    }
    if (!*text || !compile(&p, text)) {
        free(p.tokens);
        err_set(err, ERR_INPUT, "\"%s%s\" is no pattern", p.exception ? "!" : "", text);
        err_hint(err, "close the bracket, or put \\ before a character that is meant as it is");
        return -ERR_INPUT;
    }
    plain = strcspn(text, "*?[\\");
    p.whole = !text[plain];
    while (!p.whole && plain && text[plain - 1] != '/') {
        plain--;
    }
    p.fixed = p.whole ? xasprintf("%s/", text) : xstrndup(text, plain);
    d->exceptions = d->exceptions || p.exception;
    if (d->count == d->cap) {
        d->cap = d->cap ? d->cap * 2 : 16;
        d->patterns = xreallocarray(d->patterns, d->cap, sizeof(*d->patterns));
    }
    d->patterns[d->count++] = p;
    return 0;
}

int dockerignore_parse(struct dockerignore *d, const char *name, const char *text, size_t len,
                       struct err *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *end = text + len;
    int line = 0, rc = 0;
    if (len >= 3 && memcmp(text, mark, 3) == 0) {
        text += 3;
    }
    while (!rc && text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((stop ? stop : end) - text);
        line++;
        if (n && *text != '#') {
            rc = add_line(d, text, n, err);
        }
        text += n + 1;
    }
    if (rc) {
        err_at(err, name, line, 1);
    }
    return rc;
}

void dockerignore_release(struct dockerignore *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->patterns[i].tokens);
        free(d->patterns[i].fixed);
    }
    free(d->patterns);
    *d = (struct dockerignore){0};
}

/* --- matching --- */

/* Adds a state and all that can be reached from it without a character. */
static void enter(const struct ignore_pattern *p, bool *states, size_t i)
{
    while (i < p->count) {
        enum token_kind kind = p->tokens[i].kind;
        if (states[i]) {
            return;
        }
        states[i] = true;
        if (kind == TOKEN_SKIP) {
            enter(p, states, i + 2);
            i++;
        } else if (kind == TOKEN_STAR || kind == TOKEN_REST) {
            i++;
        } else {
            return;
        }
    }
    states[p->count] = true;
}

static void step(const struct ignore_pattern *p, const bool *now, bool *next, unsigned char c)
{
    memset(next, 0, p->count + 1);
    for (size_t i = 0; i < p->count; i++) {
        const struct token *t = &p->tokens[i];
        bool moves = false, stays = false;
        if (!now[i]) {
            continue;
        }
        switch (t->kind) {
        case TOKEN_CHAR:
            moves = t->c == c;
            break;
        case TOKEN_ANY:
            moves = c != '/';
            break;
        case TOKEN_CLASS:
            moves = t->set[c / 8] & (1U << c % 8);
            break;
        case TOKEN_STAR:
            stays = c != '/';
            break;
        case TOKEN_DIRS:
            stays = true;
            moves = c == '/';
            break;
        case TOKEN_REST:
            stays = true;
            break;
        case TOKEN_SKIP:
            break;
        }
        if (moves) {
            enter(p, next, i + 1);
        }
        if (stays && t->kind == TOKEN_DIRS) {
            next[i] = true;
        } else if (stays) {
            enter(p, next, i);
        }
    }
}

/* Does the pattern match the path, or a directory above it? */
static bool matches(const struct ignore_pattern *p, const char *path, bool *states)
{
    bool *now = states, *next = states + p->count + 1;
    memset(now, 0, p->count + 1);
    enter(p, now, 0);
    for (const char *s = path; *s; s++) {
        bool *swap = now;
        if (*s == '/' && now[p->count]) {
            return true;
        }
        step(p, now, next, (unsigned char)*s);
        now = next;
        next = swap;
    }
    return now[p->count];
}

static bool excludes(const struct dockerignore *d, const char *path)
{
    size_t longest = 0;
    bool excluded = false;
    CLEANUP_FREE bool *states = NULL;
    for (size_t i = 0; i < d->count; i++) {
        longest = d->patterns[i].count > longest ? d->patterns[i].count : longest;
    }
    states = xcalloc(2 * (longest + 1), sizeof(*states));
    for (size_t i = 0; i < d->count; i++) {
        const struct ignore_pattern *p = &d->patterns[i];
        /* Only what changes something is worth a look. */
        if (p->exception == excluded && matches(p, path, states)) {
            excluded = !p->exception;
        }
    }
    return excluded;
}

bool dockerignore_excludes(const struct dockerignore *d, const char *path)
{
    return d->count && excludes(d, path);
}

bool dockerignore_descends(const struct dockerignore *d, const char *directory)
{
    CLEANUP_FREE char *dir = xasprintf("%s/", directory);
    for (size_t i = 0; d->exceptions && i < d->count; i++) {
        const struct ignore_pattern *p = &d->patterns[i];
        /* "!a/b/c" lies below a; "!a/x*" may, below a and all of its directories. */
        if (p->exception &&
            (str_starts(p->fixed, dir) || (!p->whole && str_starts(dir, p->fixed)))) {
            return true;
        }
    }
    return false;
}
