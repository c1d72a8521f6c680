/*
 * The one place that writes to standard output and standard error.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/context.h"
#include "ui/problem.h"

void show_bytes(int fd, const char *data, size_t len)
{
    const char *p = data;
    size_t left = len;
    if (fd == STDOUT_FILENO) {
        fflush(stdout);
    }
    while (left) {
        ssize_t n = write(fd, p, left);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            /* Somebody made the shared terminal non-blocking (ssh does). */
            usleep(1000);
            continue;
        }
        if (n < 0) {
            exit(errno == EPIPE ? 0 : 1);
        }
        p += n;
        left -= (size_t)n;
    }
}

void show_buf(int fd, const struct buf *b)
{
    show_bytes(fd, b->data, b->len);
}

void show_text(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stdout, fmt, ap);
    va_end(ap);
}

bool show_question(const char *text)
{
    char answer[16] = "";
    show_text("%s", text);
    fflush(stdout);
    ssize_t n = read(STDIN_FILENO, answer, sizeof(answer) - 1);
    return n > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

void show_warning(const struct cmd_context *ctx, const char *fmt, ...)
{
    CLEANUP_BUF struct buf text = BUF_INIT, b = BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    style_str(&b, ctx && ctx->err.colour, STYLE_WARN, "warning:");
    buf_printf(&b, " %s\n", buf_text(&text));
    show_buf(STDERR_FILENO, &b);
}

static void error_json(struct buf *b, const struct err *err)
{
    json_t *o = json_pack("{s:b,s:s,s:s}", "error", 1, "code", err_code_name(err->code), "message",
                          err->message);
    char *text = NULL;
    if (err->file[0]) {
        json_object_set_new(o, "file", json_string(err->file));
        json_object_set_new(o, "line", json_integer(err->line));
        json_object_set_new(o, "column", json_integer(err->col));
    }
    if (err->subject[0]) {
        json_object_set_new(o, "subject", json_string(err->subject));
    }
    if (err->hint[0]) {
        json_object_set_new(o, "hint", json_string(err->hint));
    }
    text = json_dumps(o, JSON_COMPACT);
    buf_printf(b, "%s\n", text ? text : "{\"error\":true}");
    free(text);
    json_decref(o);
}

void show_error(const struct cmd_context *ctx, const struct err *err)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    if (ctx && ctx->json) {
        error_json(&b, err);
    } else {
        problem_err(&b, ctx && ctx->err.colour, err);
    }
    show_buf(STDERR_FILENO, &b);
}

/* The files of one load are few: each is read once, and only when a problem points into it. */
struct source {
    const char *name;
    struct buf text;
};

enum { SOURCES_MAX = 8, SOURCE_BYTES_MAX = 4 << 20 };

static const char *source_text(struct source *sources, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(sources[i].name, name) == 0) {
            return buf_text(&sources[i].text);
        }
    }
    if (*count == SOURCES_MAX || strcmp(name, "-") == 0 || !name[0]) {
        return "";
    }
    struct source *s = &sources[(*count)++];
    *s = (struct source){.name = name};
    if (path_read_file(name, SOURCE_BYTES_MAX, &s->text, NULL)) {
        buf_clear(&s->text);
    }
    return buf_text(&s->text);
}

static void diag_json(struct buf *b, const struct diag *d)
{
    json_t *o = json_pack("{s:s,s:s}", "level", d->level == DIAG_ERROR ? "error" : "warning",
                          "message", d->message);
    const struct {
        const char *key, *value;
    } texts[] = {{"file", d->file}, {"path", d->path}, {"hint", d->hint}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].value[0]) {
            json_object_set_new(o, texts[i].key, json_string(texts[i].value));
        }
    }
    if (d->line) {
        json_object_set_new(o, "line", json_integer(d->line));
        json_object_set_new(o, "column", json_integer(d->col));
    }
    char *text = json_dumps(o, JSON_COMPACT);
    buf_printf(b, "%s\n", text ? text : "{}");
    free(text);
    json_decref(o);
}

void show_diags(const struct cmd_context *ctx, const struct diags *diags)
{
    struct source sources[SOURCES_MAX];
    size_t count = 0;
    CLEANUP_BUF struct buf b = BUF_INIT;
    for (size_t i = 0; i < diags->len; i++) {
        const struct diag *d = &diags->items[i];
        if (ctx->json) {
            diag_json(&b, d);
        } else {
            problem_diag(&b, ctx->err.colour, d, source_text(sources, &count, d->file));
        }
    }
    if (!ctx->json) {
        problem_diags_total(&b, ctx->err.colour, diags);
    }
    show_buf(STDERR_FILENO, &b);
    for (size_t i = 0; i < count; i++) {
        buf_release(&sources[i].text);
    }
}
