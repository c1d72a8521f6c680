/*
 * Reads one HTTP/1.x response from bytes given in any portions. Pure: owns no socket, knows no
 * time. Interim (1xx) responses are skipped. http-parser is hidden in this module.
 */
#ifndef HTTP_READER_H
#define HTTP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    HTTP_HEAD_MAX = 64 << 10, /* bytes of status line and all headers */
    HTTP_HEADERS_MAX = 128,   /* header lines */
    HTTP_INTERIM_MAX = 16     /* 1xx answers before the real one */
};

struct http_header {
    const char *name, *value;
};

/* Owned by the reader (or the request) that made it. */
struct http_response {
    int status;
    const struct http_header *headers;
    size_t header_count;
    int64_t content_length; /* -1 = not told */
    bool chunked;
    const char *body; /* collected body, NUL-terminated; "" when there is none or it is streamed */
    size_t body_len;
};

/* The first header of that name (case does not matter), NULL when absent. */
const char *http_response_header(const struct http_response *r, const char *name);

struct http_reader;

struct http_reader_handlers {
    /* Status and headers are complete. */
    void (*on_head)(const struct http_response *r, void *arg);
    /* Decoded body bytes. */
    void (*on_body)(const char *data, size_t len, void *arg);
};

enum http_reader_flags {
    HTTP_READ_NO_BODY = 1, /* the answer to HEAD */
    HTTP_READ_HIJACK = 2   /* 101, or 200 without length: what follows the head is not HTTP */
};

enum http_reader_state {
    HTTP_READER_HEAD,    /* wants bytes, nothing or part of the head seen */
    HTTP_READER_BODY,    /* wants bytes */
    HTTP_READER_DONE,    /* complete */
    HTTP_READER_HIJACKED /* head complete, the rest belongs to the caller */
};

struct http_reader *http_reader_new(unsigned flags, const struct http_reader_handlers *h,
                                    void *arg);
void http_reader_free(struct http_reader *r);
/* *ret_used is how much was eaten: less than len only when DONE or HIJACKED. */
int http_reader_feed(struct http_reader *r, const char *data, size_t len, size_t *ret_used,
                     struct err *err) MUST_CHECK;
/* The peer closed: completes a body without length, else ERR_IO "closed in the middle". */
int http_reader_eof(struct http_reader *r, struct err *err) MUST_CHECK;
enum http_reader_state http_reader_state(const struct http_reader *r);
const struct http_response *http_reader_response(const struct http_reader *r);
/* Whether the connection may carry another request after DONE. */
bool http_reader_keep_alive(const struct http_reader *r);

#endif
