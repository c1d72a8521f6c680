/*
 * Small makers of JSON values that every view uses.
 */
#ifndef VIEW_TEXT_H
#define VIEW_TEXT_H

#include <jansson.h>
#include <stdint.h>

/* A JSON string of text from outside: bytes that are not UTF-8 become U+FFFD. NULL is "". */
json_t *view_text(const char *s);
/* Sets the key unless s is NULL or "". */
void view_set_text(json_t *object, const char *key, const char *s);
/* Nanoseconds as milliseconds with three decimals. */
json_t *view_ms(int64_t ns);

#endif
