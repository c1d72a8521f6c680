/*
 * The text of .env files and what is wrong with them. Knows no file system; setup.c reads and
 * writes. Values are secrets: they are never part of a message, and wiped when released.
 */
#include "cmd/envfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/parse.h"
#include "base/str.h"

enum { MIN_LENGTH_MAX = 4096 };

void envfile_release(struct envfile *f)
{
    for (size_t i = 0; i < f->count; i++) {
        mem_wipe(f->entries[i].value, strlen(f->entries[i].value));
        free(f->entries[i].key);
        free(f->entries[i].value);
    }
    free(f->entries);
    *f = (struct envfile){0};
}

/* "minimum-32-chars", "at least 32 characters", "min. 16", "32+ characters": the number, or 0. */
static size_t said_length(const char *text)
{
    static const char *const before[] = {"min", "at least", ">=", "least"};
    static const char *const behind[] = {"char", "+ char", "-char", "_char", "+", " or more"};
    for (const char *p = text; *p; p++) {
        size_t digits = strspn(p, "0123456789");
        if (digits == 0 || (p > text && isalnum((unsigned char)p[-1]))) {
            continue;
        }
        bool said = false;
        for (size_t i = 0; i < ARRAY_LEN(before); i++) {
            const char *word = strcasestr(text, before[i]);
            said = said || (word && word < p && p - word < 24);
        }
        for (size_t i = 0; i < ARRAY_LEN(behind); i++) {
            const char *rest = p + digits;
            rest += *rest == ' ' ? 1 : 0;
            said = said || strncasecmp(rest, behind[i], strlen(behind[i])) == 0;
        }
        CLEANUP_FREE char *number = xstrndup(p, digits);
        int64_t n = 0;
        if (said && parse_int(number, 1, MIN_LENGTH_MAX, &n, NULL) == 0) {
            return (size_t)n;
        }
        p += digits - 1;
    }
    return 0;
}

static bool name_char(char c, bool first)
{
    return c == '_' || isalpha((unsigned char)c) ||
           (!first && (isdigit((unsigned char)c) || c == '.'));
}

/* Where the parts of a KEY=VALUE line lie; false when it is none. */
struct line_parts {
    const char *key, *value; /* value: what may be replaced, quotes not included */
    size_t key_len, value_len;
    const char *comment; /* behind the value, or NULL */
};

static bool split_line(const char *line, size_t len, struct line_parts *ret)
{
    const char *p = line, *end = line + len;
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }
    if (end - p > 7 && strncmp(p, "export ", 7) == 0) {
        p += 7;
    }
    ret->key = p;
    while (p < end && name_char(*p, p == ret->key)) {
        p++;
    }
    ret->key_len = (size_t)(p - ret->key);
    while (p < end && *p == ' ') {
        p++;
    }
    if (ret->key_len == 0 || p == end || *p != '=') {
        return false;
    }
    p++;
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }
    char quote = p < end && (*p == '"' || *p == '\'') ? *p : '\0';
    const char *close = quote ? memchr(p + 1, quote, (size_t)(end - p - 1)) : NULL;
    ret->comment = NULL;
    if (close) {
        ret->value = p + 1;
        ret->value_len = (size_t)(close - p - 1);
        ret->comment = memchr(close, '#', (size_t)(end - close));
        return true;
    }
    ret->value = p;
    while (p < end && !(*p == '#' && (p == ret->value || p[-1] == ' ' || p[-1] == '\t'))) {
        p++;
    }
    ret->comment = p < end ? p : NULL;
    while (p > ret->value && isspace((unsigned char)p[-1])) {
        p--;
    }
    ret->value_len = (size_t)(p - ret->value);
    return true;
}

static void add_entry(struct envfile *f, const struct line_parts *parts, int line,
                      size_t comment_length)
{
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 16;
        f->entries = xreallocarray(f->entries, f->cap, sizeof(*f->entries));
    }
    struct env_entry *e = &f->entries[f->count++];
    *e = (struct env_entry){.key = xstrndup(parts->key, parts->key_len),
                            .value = xstrndup(parts->value, parts->value_len),
                            .line = line,
                            .min_length = comment_length};
    size_t said = env_is_placeholder(e->value) ? said_length(e->value) : 0;
    e->min_length = said > e->min_length ? said : e->min_length;
}

void envfile_parse(struct envfile *f, const char *text)
{
    size_t comment_length = 0; /* what the comment lines just above say */
    for (int line = 1; *text; line++) {
        size_t len = strcspn(text, "\n");
        struct line_parts parts;
        CLEANUP_FREE char *copy = xstrndup(text, len);
        const char *start = copy + strspn(copy, " \t\r");
        if (*start == '#') {
            size_t said = said_length(start);
            comment_length = said ? said : comment_length;
        } else if (split_line(text, len, &parts)) {
            CLEANUP_FREE char *comment = parts.comment
                                             ? xstrndup(parts.comment,
                                                        len - (size_t)(parts.comment - text))
                                             : NULL;
            size_t said = comment ? said_length(comment) : 0;
            add_entry(f, &parts, line, said ? said : comment_length);
            comment_length = 0;
        } else {
            comment_length = 0;
        }
        mem_wipe(copy, len);
        text += len + (text[len] == '\n');
    }
}

const struct env_entry *envfile_get(const struct envfile *f, const char *key)
{
    for (size_t i = f->count; i > 0; i--) {
        if (strcmp(f->entries[i - 1].key, key) == 0) {
            return &f->entries[i - 1];
        }
    }
    return NULL;
}

bool env_is_secret_name(const char *key)
{
    static const char *const endings[] = {"PASSWORD", "PASSWD", "PASS", "SECRET", "KEY", "TOKEN"};
    static const char *const public[] = {"PUBLIC_KEY", "PUBLISHABLE_KEY", "ACCESS_KEY_ID"};
    size_t len = strlen(key);
    for (size_t i = 0; i < ARRAY_LEN(public); i++) {
        size_t n = strlen(public[i]);
        if (len >= n && strcasecmp(key + len - n, public[i]) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        size_t n = strlen(endings[i]);
        if (len >= n && strcasecmp(key + len - n, endings[i]) == 0 &&
            (len == n || key[len - n - 1] == '_' || n > 4)) {
            return true;
        }
    }
    return false;
}

bool env_is_placeholder(const char *value)
{
    static const char *const words[] = {
        "changeme", "change-me",  "change_me",   "change-this", "change_this", "changethis",
        "your-",    "your_",      "placeholder", "replaceme",   "replace-",    "replace_",
        "minimum-", "minimum_",   "-chars",      "_chars",      "insert-",     "insert_",
        "fixme",    "generate-a", "generate_a",  "please-set",  "set-me",      "set_me"};
    size_t len = strlen(value);
    if (len == 0) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasestr(value, words[i])) {
            return true;
        }
    }
    if (value[0] == '<' && value[len - 1] == '>') {
        return true;
    }
    if (len >= 3 &&
        (strspn(value, "xX") == len || strspn(value, ".") == len || strspn(value, "*") == len)) {
        return true;
    }
    /* secure_postgres_password and the like: words, no entropy. */
    return strncasecmp(value, "secure", 6) == 0 && len < 48 && env_is_secret_name(value);
}

bool env_random(void *arg UNUSED, void *data, size_t size)
{
    char *p = data;
    while (size) {
        ssize_t n = getrandom(p, size, 0);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        p += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Letters and digits, each equally likely; begins with a letter, which suits every consumer. */
static bool random_text(struct buf *out, size_t length, env_random_fn *random, void *arg)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    enum { LETTERS = 52, ALL = 62 };
    for (size_t i = 0; i < length;) {
        unsigned char byte = 0;
        unsigned count = i == 0 ? LETTERS : ALL;
        if (!random(arg, &byte, 1)) {
            return false;
        }
        if (byte < 256 / count * count) { /* no remainder, no bias */
            buf_char(out, letters[byte % count]);
            i++;
        }
    }
    return true;
}

/* A replaced example value, so that URLs that repeat it follow. */
struct replacement {
    char *from, *to;
};

static void append_replaced(struct buf *out, const char *text, size_t len,
                            const struct replacement *r, size_t count)
{
    for (size_t i = 0; i < len;) {
        size_t used = 0;
        for (size_t k = 0; k < count && !used; k++) {
            size_t n = strlen(r[k].from);
            if (n >= 8 && n <= len - i && strncmp(text + i, r[k].from, n) == 0) {
                buf_str(out, r[k].to);
                used = n;
            }
        }
        if (!used) {
            buf_char(out, text[i]);
            used = 1;
        }
        i += used;
    }
}

static bool wants_secret(const struct env_entry *e)
{
    /* A path or a reference to another variable is not a secret's place. */
    return env_is_secret_name(e->key) && !strchr(e->value, '$') && e->value[0] != '/' &&
           e->value[0] != '.';
}

static bool make_secrets(struct envfile *f, struct replacement *r, size_t *count,
                         struct strv *generated, env_random_fn *random, void *arg)
{
    for (size_t i = 0; i < f->count; i++) {
        struct env_entry *e = &f->entries[i];
        CLEANUP_BUF struct buf secret = BUF_INIT;
        if (!wants_secret(e)) {
            continue;
        }
        size_t length = e->min_length > ENV_SECRET_LENGTH ? e->min_length : ENV_SECRET_LENGTH;
        if (!random_text(&secret, length, random, arg)) {
            return false;
        }
        r[(*count)++] = (struct replacement){xstrdup(e->value), buf_steal(&secret)};
        e->generated = true;
        strv_push(generated, e->key);
    }
    return true;
}

bool envfile_generate(const char *example, struct buf *out, struct strv *generated,
                      env_random_fn *random, void *arg)
{
    struct envfile f = {0};
    size_t count = 0, next = 0;
    envfile_parse(&f, example);
    struct replacement *r = xcalloc(f.count + 1, sizeof(*r));
    bool ok = make_secrets(&f, r, &count, generated, random, arg);
    size_t secret = 0;
    for (const char *p = example; ok && *p;) {
        size_t len = strcspn(p, "\n");
        struct line_parts parts;
        const char *start = p + strspn(p, " \t\r");
        if (*start == '#' || !split_line(p, len, &parts)) {
            buf_append(out, p, len);
        } else {
            const struct env_entry *e = &f.entries[next++];
            buf_append(out, p, (size_t)(parts.value - p));
            if (e->generated) {
                buf_str(out, r[secret++].to);
            } else {
                append_replaced(out, parts.value, parts.value_len, r, count);
            }
            buf_append(out, parts.value + parts.value_len,
                       len - (size_t)(parts.value + parts.value_len - p));
        }
        p += len;
        if (*p == '\n') {
            buf_char(out, *p++);
        }
    }
    for (size_t i = 0; i < count; i++) {
        mem_wipe(r[i].to, strlen(r[i].to));
        free(r[i].from);
        free(r[i].to);
    }
    free(r);
    envfile_release(&f);
    return ok;
}

void env_problems_release(struct env_problems *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->items[i].key);
        free(p->items[i].message);
        free(p->items[i].hint);
    }
    free(p->items);
    *p = (struct env_problems){0};
}

static void problem(struct env_problems *p, const char *key, bool error, char *message,
                    const char *hint)
{
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 8;
        p->items = xreallocarray(p->items, p->cap, sizeof(*p->items));
    }
    p->items[p->count++] = (struct env_problem){
        .key = xstrdup(key), .message = message, .hint = xstrdup(hint), .error = error};
}

void env_check(const struct envfile *example, const char *(*lookup)(void *arg, const char *key),
               void *arg, struct env_problems *ret)
{
    for (size_t i = 0; i < example->count; i++) {
        const struct env_entry *e = &example->entries[i];
        const char *value = lookup(arg, e->key);
        bool secret = env_is_secret_name(e->key);
        if (envfile_get(example, e->key) != e) {
            continue;
        }
        if (!value) {
            problem(ret, e->key, secret, xasprintf("%s is not set", e->key),
                    "add it to .env; .env.example shows how");
        } else if (!*value && (secret || e->min_length)) {
            problem(ret, e->key, true, xasprintf("%s is empty", e->key), "give it a value in .env");
        } else if (env_is_placeholder(value)) {
            problem(ret, e->key, true,
                    xasprintf("%s still has the placeholder of .env.example", e->key),
                    ENV_PLACEHOLDER_HINT);
            ret->items[ret->count - 1].placeholder = true;
        } else if (e->min_length && strlen(value) < e->min_length) {
            problem(ret, e->key, true,
                    xasprintf("%s has %zu characters, at least %zu are needed", e->key,
                              strlen(value), e->min_length),
                    "put a longer value into .env");
        }
    }
}
