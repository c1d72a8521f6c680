/*
 * Reading the clocks and printing times. The only place that reads them below ev/.
 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_mono(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

int64_t clock_wall(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

int64_t clock_add(int64_t a, int64_t b)
{
    int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? CLOCK_NEVER : sum;
}

const char *clock_rfc3339(int64_t wall_ns, char *buf)
{
    time_t sec = (time_t)(wall_ns / NS_PER_SEC);
    int ms = (int)(wall_ns % NS_PER_SEC / NS_PER_MS);
    struct tm tm = {0};
    size_t n = 0;
    gmtime_r(&sec, &tm);
    n = strftime(buf, CLOCK_RFC3339_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf + n, CLOCK_RFC3339_MAX - n, ".%03dZ", ms);
    return buf;
}

const char *clock_human(int64_t ns, char *buf, size_t size)
{
    int64_t ms = ns / NS_PER_MS, s = ns / NS_PER_SEC;
    if (ms < 1000) {
        snprintf(buf, size, "%d ms", (int)ms);
    } else if (s < 60) {
        int64_t cs = ns / (NS_PER_SEC / 100);
        snprintf(buf, size, "%d.%02d s", (int)(cs / 100), (int)(cs % 100));
    } else if (s < 3600) {
        snprintf(buf, size, "%d m %02d s", (int)(s / 60), (int)(s % 60));
    } else if (s < 86400) {
        snprintf(buf, size, "%d h %02d m", (int)(s / 3600), (int)(s / 60 % 60));
    } else {
        snprintf(buf, size, "%d d %02d h", (int)(s / 86400), (int)(s / 3600 % 24));
    }
    return buf;
}
