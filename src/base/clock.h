/*
 * Time. Durations and monotonic times are int64_t nanoseconds; pure modules get the time passed in.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_US ((int64_t)1000)
#define NS_PER_MS ((int64_t)1000000)
#define NS_PER_SEC ((int64_t)1000000000)
#define CLOCK_NEVER INT64_MAX

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t clock_mono(void);
/* Wall clock: nanoseconds since 1970-01-01 UTC. */
int64_t clock_wall(void);
/* a + b, saturating at CLOCK_NEVER. */
int64_t clock_add(int64_t a, int64_t b);

enum { CLOCK_RFC3339_MAX = 40 };
/* "2026-01-02T03:04:05.678Z"; returns buf (at least CLOCK_RFC3339_MAX bytes). */
const char *clock_rfc3339(int64_t wall_ns, char *buf);
/* A short human duration: "0 ms", "87 ms", "1.24 s", "2 m 05 s", "3 h 12 m", "4 d 02 h". */
const char *clock_human(int64_t ns, char *buf, size_t size);

#endif
