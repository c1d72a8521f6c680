/*
 * Growable arrays of pointers and of owned strings. Pure.
 */
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

void vec_release(struct vec *v)
{
    free(v->items);
    *v = (struct vec){0};
}

void vec_clear(struct vec *v)
{
    v->len = 0;
}

void vec_push(struct vec *v, void *item)
{
    if (v->len == v->cap) {
        v->cap = v->cap ? v->cap * 2 : 8;
        v->items = xreallocarray(v->items, v->cap, sizeof(*v->items));
    }
    v->items[v->len++] = item;
}

void *vec_pop(struct vec *v)
{
    return v->len ? v->items[--v->len] : NULL;
}

bool vec_remove(struct vec *v, const void *item)
{
    for (size_t i = 0; i < v->len; i++) {
        if (v->items[i] == item) {
            memmove(&v->items[i], &v->items[i + 1], (v->len - i - 1) * sizeof(*v->items));
            v->len--;
            return true;
        }
    }
    return false;
}

bool vec_contains(const struct vec *v, const void *item)
{
    for (size_t i = 0; i < v->len; i++) {
        if (v->items[i] == item) {
            return true;
        }
    }
    return false;
}

void strv_release(struct strv *v)
{
    for (size_t i = 0; i < v->len; i++) {
        free(v->items[i]);
    }
    free(v->items);
    *v = (struct strv){0};
}

void strv_take(struct strv *v, char *s)
{
    if (v->len + 1 >= v->cap) {
        v->cap = v->cap ? v->cap * 2 : 8;
        v->items = xreallocarray(v->items, v->cap, sizeof(*v->items));
    }
    v->items[v->len++] = s;
    v->items[v->len] = NULL;
}

void strv_push(struct strv *v, const char *s)
{
    strv_take(v, xstrdup(s));
}

bool strv_contains(const struct strv *v, const char *s)
{
    for (size_t i = 0; i < v->len; i++) {
        if (strcmp(v->items[i], s) == 0) {
            return true;
        }
    }
    return false;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
    if (v->len) {
        qsort(v->items, v->len, sizeof(*v->items), compare);
    }
}
