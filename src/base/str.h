/*
 * Small helpers on NUL-terminated text.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/vec.h"

/* Equality where NULL equals only NULL. */
bool str_eq(const char *a, const char *b);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* NULL or "". */
static inline bool str_empty(const char *s)
{
    return s == NULL || *s == '\0';
}
/* ASCII only, whatever the locale. */
bool str_eq_nocase(const char *a, const char *b);
/* Splits at `sep`, keeps empty parts, appends to *out. */
void str_split(const char *s, char sep, struct strv *out);
/* Edit distance (insert, delete, replace, swap of neighbours), capped at 64 characters. */
int str_distance(const char *a, const char *b);
/*
 * The candidate closest to `word`, or NULL when none is near enough to be a likely typo.
 * `candidates` is an array of `count` strings.
 */
const char *str_nearest(const char *word, const char *const *candidates, size_t count);
/* Length of the valid UTF-8 sequence at s (1..4), 0 when invalid or at the end. */
size_t utf8_len(const char *s);
/* Columns that the text takes on a terminal, ANSI sequences not counted. */
size_t str_columns(const char *s);

#endif
