/*
 * HTTP/1.1 client for one target: a pool of kept connections, requests with a deadline, bodies
 * sent from memory or from a producer, answers collected or streamed, connections handed over
 * (hijacked) to the user.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ev/ev.h"
#include "http/reader.h"
#include "net/stream.h"

struct http_client;
struct http_request;

enum {
    HTTP_BODY_MAX = 64 << 20, /* default limit of a collected body */
    HTTP_CONNS_MAX = 256,     /* connections at once; requests beyond wait in line */
    HTTP_IDLE_MAX = 16        /* kept connections that nobody uses */
};

struct http_client_config {
    struct stream_target target; /* deadline is ignored: a request's deadline covers connecting */
    const char *host;            /* Host header */
    int64_t connect_timeout;     /* ns; 0 = only the request's deadline */
    /* Opens the connection instead of the target (ssh); the stream comes back opened or fails. */
    struct stream *(*connect)(struct ev_loop *loop, const struct stream_handlers *h, void *arg,
                              void *connect_arg);
    void *connect_arg;
    size_t max_conns; /* 0 = HTTP_CONNS_MAX */
};

/* Strings are copied. Connects with the first request. */
struct http_client *http_client_new(struct ev_loop *loop, const struct http_client_config *config);
/*
 * Cancels what is in flight: each request's on_done comes (ERR_CANCELLED) before this returns,
 * then everything is closed. Hijacked streams live on. Takes NULL.
 */
void http_client_free(struct http_client *c);
/* Opens one connection ahead of the first request. */
void http_client_warm(struct http_client *c);

enum http_request_flags {
    HTTP_STREAM = 1,  /* body by on_data instead of collected */
    HTTP_HIJACK = 2,  /* hand the connection over when the answer is 101, or 200 without length */
    HTTP_NO_REUSE = 4 /* a connection of its own, closed afterwards */
};

/* Next part of a request body: up to cap bytes to buf; returns their number, 0 at the end,
 * HTTP_BODY_LATER when there is nothing yet (http_request_more() later), or -ERR_x with *err. */
enum { HTTP_BODY_LATER = -1000 };
typedef long http_body_fn(char *buf, size_t cap, void *arg, struct err *err);

struct http_request_spec {
    const char *method; /* "GET" */
    const char *path;   /* request target, already escaped; must start with '/' */
    const struct http_header *headers;
    size_t header_count;
    const char *body; /* copied; NULL = none */
    size_t body_len;
    http_body_fn *body_fn; /* instead of body; called from the loop with the handlers' arg */
    int64_t body_fn_len;   /* known total, or 0 = chunked */
    unsigned flags;
    int64_t deadline;      /* absolute, for the whole exchange; 0 or CLOCK_NEVER = none. A hijacked
                            * stream is free of it */
    int64_t head_deadline; /* absolute, until the head of the answer has arrived; 0 = none */
    int64_t idle;          /* ns without a byte of the body; 0 = none */
    size_t max_body; /* of a collected body; 0 = HTTP_BODY_MAX. An error status of a streamed or
                      * hijacked request is always collected, up to HTTP_ERROR_BODY_MAX */
};
enum { HTTP_ERROR_BODY_MAX = 64 << 10 };

struct http_handlers {
    /* HTTP_STREAM with a 2xx status: the head, then the body in portions. May be NULL. */
    void (*on_head)(struct http_request *q, const struct http_response *r, void *arg);
    void (*on_data)(struct http_request *q, const char *data, size_t len, void *arg);
    /*
     * HTTP_HIJACK: the stream is the receiver's now (give it handlers: waiting bytes then follow);
     * on_done comes right after, without error.
     */
    void (*on_hijack)(struct http_request *q, struct stream *s, void *arg);
    /*
     * Exactly once, the last call, never from inside http_request_start(). r is NULL when no
     * complete head arrived. err is NULL when the exchange was complete, whatever the status.
     */
    void (*on_done)(struct http_request *q, const struct http_response *r, const struct err *err,
                    void *arg);
};

/*
 * Everything in spec is copied. A kept connection that turns out closed before any byte of the
 * answer is replaced once, if the request can have had no effect (reset, or a method that may be
 * repeated). The handle is valid until on_done returns.
 */
struct http_request *http_request_start(struct http_client *c, const struct http_request_spec *spec,
                                        const struct http_handlers *h, void *arg);
/* on_done with ERR_CANCELLED follows at the end of this turn; its connection is closed. Harmless
 * to call twice, or inside a callback of the request. */
void http_request_cancel(struct http_request *q);
/* Backpressure for HTTP_STREAM: reading stops. What was read already (at most STREAM_IN_MAX, mostly
 * 16 KiB) still comes, even the end. */
void http_request_pause(struct http_request *q);
void http_request_resume(struct http_request *q);
/* The body producer has something again. */
void http_request_more(struct http_request *q);
/* How far the connection came (for errors). */
enum stream_layer http_request_layer(const struct http_request *q);
/* Where it is connected to; NULL unless connected over tcp. */
const struct net_addr *http_request_peer(const struct http_request *q);

#endif
