/*
 * Small helpers on text. Pure.
 */
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool str_eq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_eq_nocase(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

void str_split(const char *s, char sep, struct strv *out)
{
    for (;;) {
        const char *end = strchr(s, sep);
        if (!end) {
            strv_push(out, s);
            return;
        }
        strv_take(out, xstrndup(s, (size_t)(end - s)));
        s = end + 1;
    }
}

enum { DISTANCE_MAX = 64 };

int str_distance(const char *a, const char *b)
{
    int row[3][DISTANCE_MAX + 1];
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n > DISTANCE_MAX || m > DISTANCE_MAX) {
        return DISTANCE_MAX;
    }
    for (int j = 0; j <= m; j++) {
        row[0][j] = j;
    }
    for (int i = 1; i <= n; i++) {
        int *now = row[i % 3], *prev = row[(i + 2) % 3], *prev2 = row[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = prev[j - 1] + (a[i - 1] != b[j - 1]);
            best = prev[j] + 1 < best ? prev[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                prev2[j - 2] + 1 < best) {
                best = prev2[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

const char *str_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    int len = (int)strlen(word);
    int limit = len <= 3 ? 1 : len <= 7 ? 2 : 3;
    for (size_t i = 0; i < count; i++) {
        int d = candidates[i] ? str_distance(word, candidates[i]) : DISTANCE_MAX;
        if (d <= limit && d < len) {
            best = candidates[i];
            limit = d - 1;
        }
    }
    return best;
}

/* Unicode's table of well-formed UTF-8 byte sequences (3-7), a row for each range of first bytes:
 * no overlong form, no surrogate, nothing above U+10FFFF. */
static const struct {
    unsigned char first, last, len, second_min, second_max;
} utf8_rows[] = {
    {0x01, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

size_t utf8_len(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t row = 0, n = 0;
    while (row < ARRAY_LEN(utf8_rows) &&
           (p[0] < utf8_rows[row].first || p[0] > utf8_rows[row].last)) {
        row++;
    }
    if (row == ARRAY_LEN(utf8_rows)) {
        return 0;
    }
    n = utf8_rows[row].len;
    if (n > 1 && (p[1] < utf8_rows[row].second_min || p[1] > utf8_rows[row].second_max)) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

size_t str_columns(const char *s)
{
    size_t columns = 0;
    while (*s) {
        if (s[0] == '\033' && s[1] == '[') {
            s += 2;
            while (*s && (*s < '@' || *s > '~')) {
                s++;
            }
            s += *s != '\0';
            continue;
        }
        size_t n = utf8_len(s);
        s += n ? n : 1;
        columns++;
    }
    return columns;
}
