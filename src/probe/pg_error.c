/*
 * SQLSTATE to verdict: which refusals pass by themselves and which never will (PostgreSQL manual,
 * appendix "Error Codes"). Pure.
 */
#include "probe/pg_error.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Longer prefixes first within a class. */
static const struct pg_sqlstate table[] = {
    {"08", VERDICT_NOT_YET, LAYER_PROTOCOL, "connection trouble", NULL},
    {"0A", VERDICT_NEVER, LAYER_PROTOCOL, "refuses the start-up", NULL},
    {"25006", VERDICT_NOT_YET, LAYER_APP, "is read only", NULL},
    {"28P01", VERDICT_NEVER, LAYER_AUTH, NULL,
     "the volume may have been initialised with another password"},
    {"28", VERDICT_NEVER, LAYER_AUTH, "refuses the login", NULL},
    {"3D000", VERDICT_NEVER, LAYER_APP, NULL, NULL},
    {"3F000", VERDICT_NOT_YET, LAYER_APP, "schema missing", NULL},
    {"42501", VERDICT_NEVER, LAYER_AUTH, NULL, NULL},
    {"42601", VERDICT_NEVER, LAYER_CONFIG, "the query is wrong", NULL},
    {"42", VERDICT_NOT_YET, LAYER_APP, "the schema is not complete", NULL},
    {"53300", VERDICT_NOT_YET, LAYER_APP, "is full", NULL},
    {"53", VERDICT_NOT_YET, LAYER_APP, "lacks resources", NULL},
    {"57P03", VERDICT_NOT_YET, LAYER_APP, "refuses connections", NULL},
    {"57P", VERDICT_NOT_YET, LAYER_APP, "ended the connection", NULL},
    {"", VERDICT_NOT_YET, LAYER_APP, "error", NULL},
};

const struct pg_sqlstate *pg_sqlstate_table(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(table);
    return table;
}

const struct pg_sqlstate *pg_sqlstate_find(const char *state)
{
    size_t i = 0;
    while (!str_starts(state, table[i].prefix)) {
        i++;
    }
    return &table[i];
}

static bool is_sqlstate(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'A' && s[i] <= 'Z'))) {
            return false;
        }
    }
    return len == 5;
}

enum probe_want pg_error_outcome(const struct probe_machine *m, const char *body, size_t len,
                                 bool logged_in, struct outcome *ret)
{
    char state[6] = "", message[150] = "";
    for (size_t i = 0; i < len && body[i];) {
        const char *value = body + i + 1;
        size_t n = strnlen(value, len - i - 1);
        if (body[i] == 'C' && is_sqlstate(value, n)) {
            memcpy(state, value, 5);
        } else if (body[i] == 'M') {
            probe_peer_text(m, value, n, message, sizeof(message));
        }
        i += n + 2;
    }
    if (!*state) {
        return probe_garbage(m, ret, "an error without a code");
    }
    const struct pg_sqlstate *row = pg_sqlstate_find(state);
    enum verdict verdict = row->verdict;
    if (logged_in && strcmp(state, "0A000") == 0) {
        verdict = VERDICT_NOT_YET; /* a query's matter, not the start-up's */
    }
    return probe_finish(ret, verdict, row->layer, state, "PostgreSQL%s%s: %s (%s)%s%s",
                        row->intro ? " " : "", row->intro ? row->intro : "", message, state,
                        row->hint ? "; " : "", row->hint ? row->hint : "");
}
