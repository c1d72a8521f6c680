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

size_t utf8_len(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t n = p[0] == 0     ? 0
               : p[0] < 0x80 ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
                             : 4;
    if (p[0] > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if (n == 3 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))) {
        return 0; /* overlong, surrogate */
    }
    if (n == 4 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))) {
        return 0;
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
