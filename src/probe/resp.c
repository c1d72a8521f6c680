/*
 * One RESP2 or RESP3 reply out of a byte string that may still be short. Bounded in depth, count
 * and size; recursion ends at RESP_DEPTH_MAX. Pure.
 */
#include "probe/resp.h"

#include <string.h>

#include "base/parse.h"

struct cursor {
    const char *data;
    size_t len, pos;
    size_t budget; /* values that may still come, over all levels */
};

enum status { MORE = 0, GOOD = 1, BAD = -1 };

static enum status parse_value(struct cursor *c, int depth, struct resp *ret);

/* Up to "\r\n"; the cursor moves behind it. */
static enum status parse_line(struct cursor *c, const char **ret, size_t *ret_len)
{
    const char *start = c->data + c->pos;
    size_t left = c->len - c->pos;
    const char *cr = memchr(start, '\r', left);
    if (!cr) {
        return left > RESP_LINE_MAX ? BAD : MORE;
    }
    size_t n = (size_t)(cr - start);
    if (n > RESP_LINE_MAX) {
        return BAD;
    }
    if (n + 1 >= left) {
        return MORE;
    }
    if (cr[1] != '\n') {
        return BAD;
    }
    *ret = start;
    *ret_len = n;
    c->pos += n + 2;
    return GOOD;
}

bool resp_number(const struct resp_text *t, int64_t *ret)
{
    char number[24];
    if (t->len == 0 || t->len >= sizeof(number)) {
        return false;
    }
    memcpy(number, t->text, t->len);
    number[t->len] = '\0';
    return parse_int(number, INT64_MIN, INT64_MAX, ret, NULL) == 0;
}

static enum status parse_length(struct cursor *c, int64_t max, int64_t *ret)
{
    struct resp_text t = {0};
    enum status s = parse_line(c, &t.text, &t.len);
    if (s != GOOD) {
        return s;
    }
    return resp_number(&t, ret) && *ret >= -1 && *ret <= max ? GOOD : BAD;
}

static enum status parse_bulk(struct cursor *c, struct resp *ret)
{
    int64_t len = 0;
    enum status s = parse_length(c, (int64_t)RESP_BULK_MAX, &len);
    if (s != GOOD) {
        return s;
    }
    if (len < 0) {
        ret->null = true;
        return GOOD;
    }
    size_t n = (size_t)len;
    if (c->len - c->pos < n + 2) {
        return MORE;
    }
    if (memcmp(c->data + c->pos + n, "\r\n", 2) != 0) {
        return BAD;
    }
    ret->value.text = c->data + c->pos;
    ret->value.len = n;
    if (ret->value.type == '=') { /* verbatim: "txt:" before the text */
        size_t skip = n >= 4 ? 4 : n;
        ret->value.text += skip;
        ret->value.len -= skip;
    }
    ret->value.type = ret->value.type == '!' ? '-' : '$';
    c->pos += n + 2;
    return GOOD;
}

static enum status parse_children(struct cursor *c, int depth, struct resp *ret)
{
    int64_t count = 0;
    enum status s = parse_length(c, RESP_COUNT_MAX, &count);
    if (s != GOOD) {
        return s;
    }
    if (count < 0) {
        ret->null = true;
        return GOOD;
    }
    bool pairs = ret->value.type == '%' || ret->value.type == '|';
    ret->count = (size_t)count * (pairs ? 2 : 1);
    for (size_t i = 0; i < ret->count; i++) {
        struct resp child;
        s = parse_value(c, depth + 1, &child);
        if (s != GOOD) {
            return s;
        }
        if (i < RESP_ITEMS) {
            ret->items[i] = child.value;
        }
    }
    return GOOD;
}

static enum status parse_value(struct cursor *c, int depth, struct resp *ret)
{
    *ret = (struct resp){.value.text = ""};
    if (depth > RESP_DEPTH_MAX || c->budget == 0) {
        return BAD;
    }
    if (c->pos >= c->len) {
        return MORE;
    }
    c->budget--;
    ret->value.type = c->data[c->pos++];
    switch (ret->value.type) {
    case '+':
    case '-':
    case ':':
    case ',':
    case '#':
    case '(':
        return parse_line(c, &ret->value.text, &ret->value.len);
    case '_':
        ret->null = true;
        return parse_line(c, &ret->value.text, &ret->value.len);
    case '$':
    case '!':
    case '=':
        return parse_bulk(c, ret);
    case '*':
    case '~':
    case '>':
    case '%':
    case '|':
        return parse_children(c, depth, ret);
    default:
        return BAD;
    }
}

ptrdiff_t resp_parse(const char *data, size_t len, struct resp *ret)
{
    struct cursor c = {.data = data, .len = len, .budget = RESP_COUNT_MAX};
    enum status s;
    do {
        s = parse_value(&c, 0, ret);
    } while (s == GOOD && ret->value.type == '|');
    return s == GOOD ? (ptrdiff_t)c.pos : s == MORE ? 0 : -1;
}

bool resp_is(const struct resp_text *t, const char *text)
{
    return t->len == strlen(text) && memcmp(t->text, text, t->len) == 0;
}

bool resp_starts(const struct resp_text *t, const char *prefix)
{
    return t->len >= strlen(prefix) && memcmp(t->text, prefix, strlen(prefix)) == 0;
}

bool resp_info(const struct resp_text *info, const char *name, char *ret, size_t size)
{
    const char *p = info->text, *end = info->text + info->len;
    size_t n = strlen(name);
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        const char *stop = nl ? nl : end;
        size_t len = (size_t)(stop - p);
        while (len > 0 && p[len - 1] == '\r') {
            len--;
        }
        if (len > n && memcmp(p, name, n) == 0 && p[n] == ':') {
            size_t value = len - n - 1 < size - 1 ? len - n - 1 : size - 1;
            memcpy(ret, p + n + 1, value);
            ret[value] = '\0';
            return true;
        }
        p = nl ? nl + 1 : end;
    }
    return false;
}
