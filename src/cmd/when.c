/*
 * Reading of times in words. Pure.
 */
#include "cmd/when.h"

#include <string.h>

#include "base/clock.h"
#include "base/parse.h"

/* "2026-01-02", "2026-01-02T03:04", "2026-01-02T03:04:05": completed to RFC 3339 in UTC. */
static int parse_date(const char *text, int64_t *ret)
{
    static const char *const rests[] = {"", "Z", ":00Z", ":00:00Z", "T00:00:00Z"};
    for (size_t i = 0; i < ARRAY_LEN(rests); i++) {
        CLEANUP_FREE char *full = xasprintf("%s%s", text, rests[i]);
        if (parse_rfc3339(full, ret, NULL) == 0) {
            return 0;
        }
    }
    return -ERR_INPUT;
}

int when_append(struct buf *out, const char *option, const char *text, int64_t now, struct err *err)
{
    int64_t ns = 0;
    double seconds = 0;
    if (strspn(text, "0123456789.") == strlen(text) && *text &&
        parse_double(text, &seconds, NULL) == 0) {
        buf_str(out, text); /* seconds since 1970, as they are */
        return 0;
    }
    if (parse_duration(text, &ns, NULL) == 0) {
        ns = now - ns;
    } else if (parse_date(text, &ns)) {
        err_set(err, ERR_USAGE, "--%s cannot be \"%s\"", option, text);
        err_hint(err, "a duration like 10m, or a time like 2026-01-02T03:04:05Z");
        return -ERR_USAGE;
    }
    buf_printf(out, "%lld.%09lld", (long long)(ns / NS_PER_SEC), (long long)(ns % NS_PER_SEC));
    return 0;
}
