/*
 * Debug traces to standard error. The one exception to "only cmd/ prints".
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

bool log_enabled(const char *topic)
{
    static const char *wanted;
    static bool asked;
    const char *at = NULL;
    size_t n = strlen(topic);
    if (!asked) {
        wanted = getenv("FETTLE_DEBUG");
        asked = true;
    }
    if (!wanted) {
        return false;
    }
    at = strstr(wanted, topic);
    return strcmp(wanted, "*") == 0 || (at && (at[n] == ',' || at[n] == '\0'));
}

void log_debug(const char *topic, const char *fmt, ...)
{
    va_list ap;
    if (!log_enabled(topic)) {
        return;
    }
    fprintf(stderr, "%.6f %s: ", (double)clock_mono() / 1e9, topic);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}
