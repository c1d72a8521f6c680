/*
 * The list of problems of one load. Pure.
 */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void release(struct diag *d)
{
    free(d->file);
    free(d->path);
    free(d->message);
    free(d->hint);
}

void diags_release(struct diags *d)
{
    for (size_t i = 0; i < d->len; i++) {
        release(&d->items[i]);
    }
    free(d->items);
    *d = (struct diags){0};
}

int diags_add(struct diags *d, enum diag_level level, struct pos at, const char *path,
              const char *hint, const char *fmt, ...)
{
    struct diag *item = NULL;
    va_list ap;
    int rc = level == DIAG_ERROR ? -ERR_COMPOSE : 0;
    d->errors += level == DIAG_ERROR;
    if (d->len >= DIAGS_MAX) {
        d->suppressed++;
        return rc;
    }
    if (d->len == d->cap) {
        d->cap = d->cap ? d->cap * 2 : 8;
        d->items = xreallocarray(d->items, d->cap, sizeof(*d->items));
    }
    item = &d->items[d->len++];
    va_start(ap, fmt);
    *item = (struct diag){.level = level,
                          .file = xstrdup(at.file ? at.file : ""),
                          .line = at.line,
                          .col = at.col,
                          .path = xstrdup(path ? path : ""),
                          .message = xvasprintf(fmt, ap),
                          .hint = xstrdup(hint ? hint : "")};
    va_end(ap);
    return rc;
}

void diags_drop_warning(struct diags *d, const char *message)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->len; i++) {
        if (d->items[i].level == DIAG_WARNING && strcmp(d->items[i].message, message) == 0) {
            release(&d->items[i]);
        } else {
            d->items[kept++] = d->items[i];
        }
    }
    d->len = kept;
}

struct rank {
    struct diag diag;
    size_t file, index;
};

static int by_place(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->file != y->file) {
        return x->file < y->file ? -1 : 1;
    }
    if (x->diag.line != y->diag.line) {
        return x->diag.line < y->diag.line ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

void diags_sort(struct diags *d)
{
    struct rank *ranks = xcalloc(d->len + 1, sizeof(*ranks));
    for (size_t i = 0; i < d->len; i++) {
        size_t first = 0;
        while (strcmp(d->items[first].file, d->items[i].file) != 0) {
            first++;
        }
        ranks[i] = (struct rank){d->items[i], first, i};
    }
    qsort(ranks, d->len, sizeof(*ranks), by_place);
    for (size_t i = 0; i < d->len; i++) {
        d->items[i] = ranks[i].diag;
    }
    free(ranks);
}

void diags_add_err(struct diags *d, const struct err *err)
{
    struct pos at = {.file = err->file, .line = err->line, .col = err->col};
    diags_add(d, DIAG_ERROR, at, err->subject, err->hint, "%s", err->message);
}

int diags_to_err(const struct diags *d, struct err *err)
{
    for (size_t i = 0; i < d->len; i++) {
        const struct diag *item = &d->items[i];
        if (item->level != DIAG_ERROR) {
            continue;
        }
        err_set(err, ERR_COMPOSE, "%s%s%s", item->path, item->path[0] ? ": " : "", item->message);
        err_at(err, item->file, item->line, item->col);
        if (d->errors > 1) {
            err_hint(err, "%s%sand %zu more", item->hint, item->hint[0] ? "; " : "", d->errors - 1);
        } else {
            err_hint(err, "%s", item->hint);
        }
        return -ERR_COMPOSE;
    }
    return 0;
}
