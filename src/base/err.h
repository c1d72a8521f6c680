/*
 * Errors as data. A fallible function returns 0 or -ERR_x and takes `struct err *err` last; it
 * sets *err if and only if it fails. Callers add context with err_prefix(); only cmd/ prints.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

/* code, exit status, name, meaning. The documentation table is generated from this list. */
#define ERR_LIST(X)                                                                     \
    X(NONE, 0, "ok", "no error")                                                        \
    X(USAGE, 2, "usage", "the command line is wrong")                                   \
    X(COMPOSE, 3, "compose", "the Compose file is invalid, or there is none")           \
    X(ENGINE, 4, "engine", "the engine cannot be reached")                              \
    X(TIMEOUT, 5, "timeout", "a deadline passed")                                       \
    X(UNHEALTHY, 1, "unhealthy", "the stack is not healthy")                            \
    X(NOT_FOUND, 1, "not-found", "the thing named does not exist")                      \
    X(CONFLICT, 1, "conflict", "the thing exists already or is in use")                 \
    X(REFUSED, 1, "refused", "the engine or a peer said no")                            \
    X(PROTOCOL, 1, "protocol", "a peer answered something that is not in its protocol") \
    X(TOO_BIG, 1, "too-big", "outside data is larger than its limit")                   \
    X(IO, 1, "io", "reading or writing failed")                                         \
    X(UNSUPPORTED, 1, "unsupported", "the engine or this build cannot do it")           \
    X(INPUT, 1, "input", "a value from outside cannot be understood")                   \
    X(CANCELLED, 130, "cancelled", "stopped by the user")                               \
    X(BUG, 70, "bug", "an internal error")

enum err_code {
#define ERR_ENUM(id, status, name, text) ERR_##id,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
        ERR_COUNT
};

/* Caller's memory; all zero means no error. Text that does not fit is cut with "...". */
struct err {
    enum err_code code;
    int sys;           /* errno where there is one, else 0 */
    int status;        /* HTTP status of the engine's answer, else 0 */
    int line, col;     /* 1-based; 0 = unknown */
    char subject[128]; /* service, container, host or "" */
    char file[256];    /* source file or "" */
    char message[640];
    char hint[320]; /* what to do about it, or "" */
};

/* Fills *err (which may be NULL) and returns -code. Overwrites what was there. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_setv(struct err *err, enum err_code code, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);
/* Like err_set, appends ": strerror(sys)" and keeps sys. */
int err_sys(struct err *err, int sys, const char *fmt, ...) PRINTF_LIKE(3, 4);
#ifdef __clang_analyzer__ /* so that it knows: what failed is never taken for a success */
#define err_set(err, code, ...) (err_set(err, code, __VA_ARGS__), -(int)(code))
#define err_sys(err, sys, ...) (err_sys(err, sys, __VA_ARGS__), -ERR_IO)
#endif
/* Puts "text: " before the message. */
void err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_hint(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_subject(struct err *err, const char *subject);
void err_at(struct err *err, const char *file, int line, int col);
void err_clear(struct err *err);
/* "file:line:col: message" or "message"; the result lives in buf. */
const char *err_text(const struct err *err, char *buf, size_t size);

const char *err_code_name(enum err_code code);
const char *err_code_text(enum err_code code);
/* The process's exit status for an error code. */
int err_exit_status(enum err_code code);

#endif
