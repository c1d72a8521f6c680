/*
 * Debug traces for developers, off unless FETTLE_DEBUG names a topic ("*" = all).
 * Not for users: what they see goes through events and errors. Never log a secret.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/mem.h"

bool log_enabled(const char *topic);
void log_debug(const char *topic, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
