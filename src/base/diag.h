/*
 * Many problems of one load, each with its place. Loaders collect them; cmd/ prints them all.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_LEVEL_COUNT };

/* Where a value came from. `file` lives as long as the project's arena. */
struct pos {
    const char *file; /* as given on the command line; NULL = unknown */
    int line, col;    /* 1-based; 0 = unknown */
};

struct diag {
    enum diag_level level;
    char *file; /* "" = unknown */
    int line, col;
    char *path;    /* "services.db.ports[0]" or "" */
    char *message; /* what is wrong */
    char *hint;    /* what was expected or how to mend it, "" = nothing to say */
};

struct diags {
    struct diag *items;
    size_t len, cap;
    size_t errors;     /* how many of them are errors */
    size_t suppressed; /* dropped above DIAGS_MAX */
};

enum { DIAGS_MAX = 200 };

#define DIAGS_INIT \
    {              \
        0          \
    }
void diags_release(struct diags *d);
/* Appends one; path and hint may be NULL. The last two arguments: message format. Returns
 * -ERR_COMPOSE for an error and 0 for a warning. */
int diags_add(struct diags *d, enum diag_level level, struct pos at, const char *path,
              const char *hint, const char *fmt, ...) PRINTF_LIKE(6, 7);
/* Takes out the warnings with exactly that message. */
void diags_drop_warning(struct diags *d, const char *message);
/* By file (as they first come) and line; what has the same place keeps its order. */
void diags_sort(struct diags *d);
/* Appends what is in *err as an error. */
void diags_add_err(struct diags *d, const struct err *err);
/* The first error as a struct err (with "and N more" in the hint); returns -ERR_COMPOSE, 0 if none.
 */
int diags_to_err(const struct diags *d, struct err *err);

#endif
