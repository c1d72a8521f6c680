/*
 * The one error type. Pure; the table of codes lives in the header.
 */
#include "base/err.h"
#undef err_set
#undef err_sys

#include <stdio.h>
#include <string.h>

static const struct {
    int status;
    const char *name;
    const char *text;
} codes[] = {
#define ERR_ROW(id, status, name, text) {status, name, text},
    ERR_LIST(ERR_ROW)
#undef ERR_ROW
};

_Static_assert(ARRAY_LEN(codes) == ERR_COUNT, "every code has a row");

static void fill(char *dst, size_t size, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

static void fill(char *dst, size_t size, const char *fmt, va_list ap)
{
    int n = vsnprintf(dst, size, fmt, ap);
    if (n >= 0 && (size_t)n >= size) {
        memcpy(dst + size - 4, "...", 4);
    }
}

int err_setv(struct err *err, enum err_code code, const char *fmt, va_list ap)
{
    if (err) {
        err_clear(err);
        err->code = code;
        fill(err->message, sizeof(err->message), fmt, ap);
    }
    return -(int)code;
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_setv(err, code, fmt, ap);
    va_end(ap);
    return -(int)code;
}

int err_sys(struct err *err, int sys, const char *fmt, ...)
{
    va_list ap;
    size_t used = 0;
    va_start(ap, fmt);
    err_setv(err, ERR_IO, fmt, ap);
    va_end(ap);
    if (err) {
        err->sys = sys;
        used = strlen(err->message);
        snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(sys));
    }
    return -ERR_IO;
}

void err_prefix(struct err *err, const char *fmt, ...)
{
    char old[sizeof(err->message)];
    va_list ap;
    size_t used = 0;
    if (!err) {
        return;
    }
    memcpy(old, err->message, sizeof(old));
    va_start(ap, fmt);
    fill(err->message, sizeof(err->message), fmt, ap);
    va_end(ap);
    used = strlen(err->message);
    snprintf(err->message + used, sizeof(err->message) - used, ": %.*s",
             (int)(sizeof(err->message) - used), old);
}

void err_hint(struct err *err, const char *fmt, ...)
{
    va_list ap;
    if (!err) {
        return;
    }
    va_start(ap, fmt);
    fill(err->hint, sizeof(err->hint), fmt, ap);
    va_end(ap);
}

void err_subject(struct err *err, const char *subject)
{
    if (err && subject) {
        snprintf(err->subject, sizeof(err->subject), "%s", subject);
    }
}

void err_at(struct err *err, const char *file, int line, int col)
{
    if (err) {
        snprintf(err->file, sizeof(err->file), "%s", file ? file : "");
        err->line = line;
        err->col = col;
    }
}

void err_clear(struct err *err)
{
    if (err) {
        memset(err, 0, sizeof(*err));
    }
}

const char *err_text(const struct err *err, char *buf, size_t size)
{
    if (err->file[0] && err->line) {
        snprintf(buf, size, "%s:%d:%d: %s", err->file, err->line, err->col, err->message);
    } else if (err->file[0]) {
        snprintf(buf, size, "%s: %s", err->file, err->message);
    } else {
        snprintf(buf, size, "%s", err->message);
    }
    return buf;
}

const char *err_code_name(enum err_code code)
{
    return code < ERR_COUNT ? codes[code].name : "unknown";
}

const char *err_code_text(enum err_code code)
{
    return code < ERR_COUNT ? codes[code].text : "unknown";
}

int err_exit_status(enum err_code code)
{
    return code < ERR_COUNT ? codes[code].status : 70;
}
