/*
 * Redis serialisation protocol, versions 2 and 3: finds the end of one reply and what is in it.
 */
#ifndef PROBE_RESP_H
#define PROBE_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RESP_DEPTH_MAX = 8, RESP_COUNT_MAX = 1024, RESP_LINE_MAX = 4096, RESP_ITEMS = 8 };
#define RESP_BULK_MAX ((size_t)64 << 10)

/* Points into the bytes that were parsed. */
struct resp_text {
    char type; /* '+', '-', ':', '$', ... as in the protocol; '!' is told as '-', '=' as '$' */
    const char *text;
    size_t len;
};

struct resp {
    struct resp_text value;             /* scalars: the text; aggregates: only the type */
    bool null;                          /* "$-1", "*-1" or "_" */
    size_t count;                       /* aggregates: how many children */
    struct resp_text items[RESP_ITEMS]; /* the first children */
};

/*
 * Parses one reply at the front of `data`. Returns how many bytes it takes, 0 when more are needed,
 * -1 when this is not the protocol or passes a limit. Attributes ("|") before the reply are
 * skipped.
 */
ptrdiff_t resp_parse(const char *data, size_t len, struct resp *ret);
/* A number within the text; false when it is none. */
bool resp_number(const struct resp_text *t, int64_t *ret);
bool resp_is(const struct resp_text *t, const char *text);
bool resp_starts(const struct resp_text *t, const char *prefix);
/*
 * The value of "name:value" in an INFO text, cut to `size`; false when absent.
 */
bool resp_info(const struct resp_text *info, const char *name, char *ret, size_t size);

#endif
