/*
 * The HTTP response reader: the first byte picks the flags and how the rest is cut. Reading in
 * pieces must give what reading at once gives.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "http/reader.h"
#include "target.h"

struct told {
    struct buf body;
    int status;
    size_t headers;
};

static void on_head(const struct http_response *r, void *arg)
{
    struct told *t = arg;
    t->status = r->status;
    t->headers = r->header_count;
    for (size_t i = 0; i < r->header_count; i++) {
        t->headers += strlen(r->headers[i].name) + strlen(r->headers[i].value);
    }
}

static void on_body(const char *data, size_t len, void *arg)
{
    buf_append(&((struct told *)arg)->body, data, len);
}

static int read_all(const char *data, size_t len, unsigned flags, size_t step, struct told *told)
{
    static const struct http_reader_handlers handlers = {on_head, on_body};
    struct http_reader *r = http_reader_new(flags, &handlers, told);
    struct err err = {0};
    int rc = 0;
    size_t at = 0;

    while (rc == 0 && at < len) {
        size_t used = 0, n = len - at < step ? len - at : step;
        rc = http_reader_feed(r, data + at, n, &used, &err);
        at += used;
        if (rc != 0 || used < n) {
            break;
        }
    }
    if (rc == 0) {
        rc = http_reader_eof(r, &err);
    }
    if (rc != 0 && err.message[0] == '\0') {
        abort();
    }
    http_reader_free(r);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told whole = {0}, pieces = {0};

    if (size < 1) {
        return 0;
    }
    unsigned flags = data[0] & (HTTP_READ_NO_BODY | HTTP_READ_HIJACK);
    size_t step = (size_t)(data[0] >> 2) % 7 + 1;
    int a = read_all((const char *)data + 1, size - 1, flags, SIZE_MAX, &whole);
    int b = read_all((const char *)data + 1, size - 1, flags, step, &pieces);
    if (a != b || whole.status != pieces.status || whole.headers != pieces.headers ||
        whole.body.len != pieces.body.len ||
        (whole.body.len > 0 && memcmp(whole.body.data, pieces.body.data, whole.body.len) != 0)) {
        abort();
    }
    buf_release(&whole.body);
    buf_release(&pieces.body);
    return 0;
}
