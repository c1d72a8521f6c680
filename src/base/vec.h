/*
 * A growable array of pointers, and one of owned strings. Elements of `struct vec` are not owned.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct vec {
    void **items;
    size_t len, cap;
};

void vec_release(struct vec *v);
void vec_clear(struct vec *v);
void vec_push(struct vec *v, void *item);
/* Takes the last element away; NULL when empty. */
void *vec_pop(struct vec *v);
/* Removes the first element equal to `item`, keeps the order; false when absent. */
bool vec_remove(struct vec *v, const void *item);
bool vec_contains(const struct vec *v, const void *item);

#define VEC_FOREACH(type, var, v)                           \
    for (size_t var##_i = 0; var##_i < (v)->len; var##_i++) \
        for (type *var = (v)->items[var##_i], *var##_once = var; var##_once; var##_once = NULL)

/* Strings, each owned by the list. */
struct strv {
    char **items; /* NULL-terminated after the first push */
    size_t len, cap;
};

#define CLEANUP_STRV CLEANUP(strv_release)
void strv_release(struct strv *v);
void strv_push(struct strv *v, const char *s);
/* Takes ownership of `s`. */
void strv_take(struct strv *v, char *s);
bool strv_contains(const struct strv *v, const char *s);
void strv_sort(struct strv *v);

#endif
