/*
 * Text to numbers, durations, sizes and addresses; and back. Every function takes the whole text
 * (no trailing garbage) and leaves *ret untouched when it fails. Messages say what was expected.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Decimal, optional sign, within [min, max]. */
int parse_int(const char *s, int64_t min, int64_t max, int64_t *ret, struct err *err) MUST_CHECK;
int parse_u64(const char *s, uint64_t *ret, struct err *err) MUST_CHECK;
/* Decimal floating point as the C locale writes it; no inf, no nan, no hex. */
int parse_double(const char *s, double *ret, struct err *err) MUST_CHECK;
/*
 * Go's duration syntax ("1h2m3.5s", "500ms", "1us", "-1s") plus d (24 h) and w (7 d), as Compose
 * has it; nanoseconds. "0" needs no unit, everything else does.
 */
int parse_duration(const char *s, int64_t *ret, struct err *err) MUST_CHECK;
/* Go's way of printing a duration: "1h0m0s", "1.5s", "100ms", "0s". */
const char *format_duration(int64_t ns, char *buf, size_t size);
/* Compose's byte sizes: "512", "1.5g", "64 MB", "10KiB"; 1024-based whatever the unit. */
int parse_bytes(const char *s, int64_t *ret, struct err *err) MUST_CHECK;
/* "512 B", "1.50 KiB", "24.0 MiB". */
const char *format_bytes(uint64_t n, char *buf, size_t size);
/* 1..65535. */
int parse_port(const char *s, uint16_t *ret, struct err *err) MUST_CHECK;
/* "host:port", "[v6]:port"; host is malloc'd. */
int parse_host_port(const char *s, char **ret_host, uint16_t *ret_port, struct err *err) MUST_CHECK;
bool is_ip4(const char *s);
bool is_ip6(const char *s);
/* RFC 3339 time to nanoseconds since 1970; the engine's zero time "0001-01-01T00:00:00Z" gives 0.
 */
int parse_rfc3339(const char *s, int64_t *ret, struct err *err) MUST_CHECK;

#endif
