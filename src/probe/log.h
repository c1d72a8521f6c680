/*
 * Readiness by a line in the service's log: a POSIX extended regular expression over lines that
 * come in pieces.
 */
#ifndef PROBE_LOG_H
#define PROBE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "model/outcome.h"

struct probe_log;

enum { PROBE_LOG_LINE = 8 << 10, PROBE_LOG_PATTERN = 512 };

/* ERR_INPUT: not an expression. */
int probe_log_new(const char *pattern, struct probe_log **ret, struct err *err) MUST_CHECK;
void probe_log_free(struct probe_log *l);
/* One stream's bytes, already demultiplexed. True once a line has matched, and from then on. Of
 * longer lines only the first PROBE_LOG_LINE bytes count. */
bool probe_log_feed(struct probe_log *l, const char *data, size_t len);
/* READY with the line, or NOT_YET with the last line seen; duration is left alone. */
void probe_log_outcome(const struct probe_log *l, struct outcome *ret);

#endif
