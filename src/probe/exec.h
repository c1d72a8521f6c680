/*
 * What a command run inside the container (healthcheck.test, or declared) says about readiness. The
 * engine runs it; run/ brings the result here.
 */
#ifndef PROBE_EXEC_H
#define PROBE_EXEC_H

#include <stdbool.h>
#include <stddef.h>

#include "model/outcome.h"

/*
 * Fills *ret from the exit code (0..255) and the last part of the output (may be NULL): 0 is ready,
 * a command that the image does not have is never, everything else is not yet, with the last line
 * of the output. duration is left alone.
 */
void probe_exec_outcome(int exit_code, const char *output, size_t len, struct outcome *ret);
/* The command was not over at its deadline. */
void probe_exec_timed_out(const char *output, size_t len, struct outcome *ret);

#endif
