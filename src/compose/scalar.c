/*
 * Plain scalars to values. Pure; knows nothing of files or of Compose. The rules are those of the
 * reference's YAML library, which differ from YAML 1.2's core schema in the ways that the header
 * names; every one of them is seen in real files.
 */
#include "compose/scalar.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define YAML_TAG "tag:yaml.org,2002:"

enum { NUMBER_MAX = 400 };

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(text, *words) == 0) {
            return true;
        }
    }
    return false;
}

/* Words with a meaning of their own; NULL when `text` is none. */
static struct node *resolve_word(struct arena *a, struct pos at, const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const infinities[] = {".inf",  ".Inf",  ".INF", "+.inf",
                                             "+.Inf", "+.INF", NULL};
    static const char *const negative[] = {"-.inf", "-.Inf", "-.INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    if (is_one_of(text, nulls)) {
        return node_null(a, at);
    }
    if (is_one_of(text, trues)) {
        return node_bool(a, at, true);
    }
    if (is_one_of(text, falses)) {
        return node_bool(a, at, false);
    }
    if (is_one_of(text, infinities)) {
        return node_float(a, at, HUGE_VAL);
    }
    if (is_one_of(text, negative)) {
        return node_float(a, at, -HUGE_VAL);
    }
    return is_one_of(text, nans) ? node_float(a, at, (double)NAN) : NULL;
}

/* Digits of `base` to the end of the text, no more than 64 bits. */
static bool read_digits(const char *s, int base, uint64_t *ret)
{
    uint64_t value = 0;
    if (!*s) {
        return false;
    }
    for (; *s; s++) {
        int digit = isdigit((unsigned char)*s)   ? *s - '0'
                    : isalpha((unsigned char)*s) ? tolower((unsigned char)*s) - 'a' + 10
                                                 : base;
        if (digit >= base || value > (UINT64_MAX - (uint64_t)digit) / (uint64_t)base) {
            return false;
        }
        value = value * (uint64_t)base + (uint64_t)digit;
    }
    *ret = value;
    return true;
}

/* An integer with an optional sign and one of the prefixes 0x, 0o, 0b, 0; `s` has no underscores.
 */
static struct node *resolve_int(struct arena *a, struct pos at, const char *s)
{
    bool negative = *s == '-', sign = *s == '-' || *s == '+';
    uint64_t value = 0;
    int base = 10;
    s += sign;
    if (s[0] == '0' && s[1]) {
        char kind = (char)tolower((unsigned char)s[1]);
        base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
        s += kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1;
    }
    if (!read_digits(s, base, &value)) {
        return NULL;
    }
    if (negative) {
        return value > (uint64_t)INT64_MAX + 1 ? NULL : node_int(a, at, (int64_t)(0 - value));
    }
    /* Above 63 bits a sign is no longer understood. */
    return sign && value > INT64_MAX ? NULL : node_uint(a, at, value);
}

/* [-+]? ( .digits | digits [. digits*] ) [e[-+]digits] */
static bool looks_like_float(const char *s)
{
    size_t whole = 0, part = 0, exponent = 0;
    s += *s == '-' || *s == '+';
    whole = strspn(s, "0123456789");
    s += whole;
    if (*s == '.') {
        s++;
        part = strspn(s, "0123456789");
        s += part;
    }
    if (!whole && !part) {
        return false;
    }
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        exponent = strspn(s, "0123456789");
        s += exponent;
        if (!exponent) {
            return false;
        }
    }
    return *s == '\0';
}

static struct node *resolve_float(struct arena *a, struct pos at, const char *s)
{
    double value = 0;
    if (!looks_like_float(s)) {
        return NULL;
    }
    value = strtod(s, NULL);
    return isinf(value) ? NULL : node_float(a, at, value);
}

static bool date_field(const char **s, size_t min, size_t max, int limit, int *ret)
{
    size_t n = strspn(*s, "0123456789");
    *ret = 0;
    if (n < min || n > max) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        *ret = *ret * 10 + ((*s)[i] - '0');
    }
    *s += n;
    return *ret <= limit;
}

static bool literal(const char **s, const char *set)
{
    if (!**s || !strchr(set, **s)) {
        return false;
    }
    (*s)++;
    return true;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month < 1 ? 0 : days[month - 1] + (month == 2 && leap);
}

/*
 * YYYY-M-D, alone or followed by a time of day (with a zone after T, without one after a blank).
 * Returns it as RFC 3339, NULL when the text is no date.
 */
static const char *read_date(struct arena *a, const char *s)
{
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, zone = 0;
    const char *fraction = "", *start = NULL;
    char separator = 0;
    if (!date_field(&s, 4, 4, 9999, &year) || !literal(&s, "-") ||
        !date_field(&s, 1, 2, 12, &month) || !literal(&s, "-") || !date_field(&s, 1, 2, 31, &day) ||
        day < 1 || day > month_days(year, month)) {
        return NULL;
    }
    if (!*s) {
        return arena_printf(a, "%04d-%02d-%02dT00:00:00Z", year, month, day);
    }
    separator = *s;
    if (!literal(&s, "Tt ") || !date_field(&s, 1, 2, 23, &hour) || !literal(&s, ":") ||
        !date_field(&s, 1, 2, 59, &minute) || !literal(&s, ":") ||
        !date_field(&s, 1, 2, 59, &second)) {
        return NULL;
    }
    if (*s == '.') {
        start = s++;
        s += strspn(s, "0123456789");
        fraction = arena_strndup(a, start, (size_t)(s - start));
    }
    if (separator != ' ' && *s != 'Z') {
        start = s;
        if (!literal(&s, "+-") || !date_field(&s, 2, 2, 24, &zone) || !literal(&s, ":") ||
            !date_field(&s, 2, 2, 60, &zone)) {
            return NULL;
        }
    } else if (separator != ' ') {
        start = s++;
    } else {
        start = "Z";
    }
    return *s ? NULL
              : arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d%s%s", year, month, day, hour, minute,
                             second, fraction, start);
}

struct node *scalar_resolve(struct arena *a, struct pos at, const char *text)
{
    char plain[NUMBER_MAX];
    struct node *n = resolve_word(a, at, text);
    const char *date = NULL;
    size_t len = 0;
    if (n) {
        return n;
    }
    if (*text == '.') { /* no underscores here */
        n = resolve_float(a, at, text);
        return n ? n : node_string(a, at, text);
    }
    if (!isdigit((unsigned char)*text) && *text != '+' && *text != '-') {
        return node_string(a, at, text);
    }
    date = read_date(a, text);
    if (date) {
        n = node_string(a, at, date);
        n->tag = TAG_DATE;
        return n;
    }
    for (const char *p = text; *p && len < sizeof(plain) - 1; p++) {
        if (*p != '_') {
            plain[len++] = *p;
        }
    }
    plain[len] = '\0';
    if (len < sizeof(plain) - 1 && (n = resolve_int(a, at, plain)) == NULL) {
        n = resolve_float(a, at, plain);
    }
    return n ? n : node_string(a, at, text);
}

/* Base64 with padding, line ends left out; NULL when it is none or stands for a NUL. */
static struct node *read_binary(struct arena *a, struct pos at, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = arena_alloc(a, strlen(text) + 1);
    size_t len = 0, count = 0;
    unsigned bits = 0;
    for (; *text && *text != '='; text++) {
        const char *digit = strchr(digits, *text);
        if (*text == '\n' || *text == '\r') {
            continue;
        }
        if (!digit) {
            return NULL;
        }
        bits = bits << 6 | (unsigned)(digit - digits);
        if (++count % 4 != 1) {
            out[len++] = (char)(bits >> (6 - 2 * ((count - 1) % 4)));
        }
    }
    for (; *text; text++) {
        count += *text == '=';
    }
    return memchr(out, '\0', len) || count % 4 ? NULL : node_string(a, at, out);
}

struct node *scalar_tagged(struct arena *a, struct pos at, const char *text, const char *tag)
{
    static const char *const kinds[NODE_KIND_COUNT] = {
        [NODE_NULL] = "null", [NODE_BOOL] = "bool", [NODE_INT] = "int", [NODE_FLOAT] = "float"};
    const char *name = tag + strlen(YAML_TAG);
    struct node *n = NULL;
    if (!str_starts(tag, YAML_TAG) || strcmp(name, "str") == 0 ||
        (strcmp(name, "merge") == 0 && strcmp(text, "<<") == 0)) {
        return node_string(a, at, text);
    }
    if (strcmp(name, "binary") == 0) {
        return read_binary(a, at, text);
    }
    n = scalar_resolve(a, at, text);
    if (n->tag == TAG_DATE) {
        return strcmp(name, "timestamp") == 0 ? n : NULL;
    }
    if (strcmp(name, "float") == 0 && n->kind == NODE_INT) {
        double value = n->is_unsigned ? (double)(uint64_t)n->integer : (double)n->integer;
        return node_float(a, at, value);
    }
    return kinds[n->kind] && strcmp(name, kinds[n->kind]) == 0 ? n : NULL;
}
