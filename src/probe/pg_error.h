/*
 * What an ErrorResponse of PostgreSQL means for somebody who waits.
 */
#ifndef PROBE_PG_ERROR_H
#define PROBE_PG_ERROR_H

#include "probe/machine.h"

/* One row of the table: a SQLSTATE or its first two or three characters. */
struct pg_sqlstate {
    const char *prefix;
    enum verdict verdict;
    enum probe_layer layer;
    const char *intro; /* put before the server's message */
    const char *hint;  /* what to do, or NULL */
};

/* The first row that fits; the last row fits everything. For tests: the table and its length. */
const struct pg_sqlstate *pg_sqlstate_find(const char *state);
const struct pg_sqlstate *pg_sqlstate_table(size_t *ret_count);

/* Turns the fields of an ErrorResponse into an outcome; always PROBE_DONE. */
enum probe_want pg_error_outcome(const struct probe_machine *m, const char *body, size_t len,
                                 bool logged_in, struct outcome *ret);

#endif
