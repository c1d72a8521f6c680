/*
 * Times on the command line: --since 10m, --until 2026-01-02T03:04:05Z, --since 1700000000.
 */
#ifndef CMD_WHEN_H
#define CMD_WHEN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Appends what the engine wants: seconds since 1970 with nine decimals. A duration counts back from
 * `now` (wall ns). Dates without a zone are UTC. ERR_USAGE when it is none of these.
 */
int when_append(struct buf *out, const char *option, const char *text, int64_t now,
                struct err *err) MUST_CHECK;

#endif
