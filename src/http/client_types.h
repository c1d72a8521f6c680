/* What the files of the client share. Only for http/. */
#ifndef HTTP_CLIENT_TYPES_H
#define HTTP_CLIENT_TYPES_H

#include "base/buf.h"
#include "base/vec.h"
#include "http/client.h"

/* A connection carries one request at a time; without one it is kept (in client->idle). */
struct conn {
    struct http_client *c;
    struct stream *stream;
    struct http_request *q; /* NULL = idle */
    struct http_reader *reader;
    bool used; /* has carried a request before */
};

enum request_state {
    REQUEST_WAITING,  /* in line for a connection */
    REQUEST_SENDING,  /* on a connection, no complete head yet */
    REQUEST_READING,  /* the head has come */
    REQUEST_HIJACKED, /* the stream was handed over; on_done follows */
    REQUEST_DONE,
    REQUEST_STATE_COUNT
};

struct http_request {
    struct http_client *c;
    enum request_state state;
    struct conn *conn;
    struct http_handlers h;
    void *arg;

    char *method;
    struct buf wire; /* head and body bytes as they go out; kept for a second try */
    http_body_fn *body_fn;
    bool chunked, body_ended, body_later;
    int64_t body_left; /* of a producer with known length */
    unsigned flags;
    int64_t deadline, head_deadline, idle;
    size_t max_body;
    struct ev_timer *timer; /* deadline */

    struct http_response response;
    struct http_header *headers; /* copies, for after the connection is gone */
    char *header_text;
    struct buf body;
    bool collect, got_head, retried, cancelled;
    enum stream_layer layer;
    struct net_addr peer;
    struct err err;
};

struct http_client {
    struct ev_loop *loop;
    struct http_client_config config; /* strings are ours */
    struct vec conns;                 /* struct conn: all */
    struct vec idle;                  /* struct conn: kept, most recently used last */
    struct vec requests;              /* struct http_request: all that are not done */
    struct vec waiting;               /* struct http_request: in line */
};

/* conn.c: opens a connection, or takes a kept one. */
struct conn *conn_open(struct http_client *c);
/* Begins the exchange of q on k. */
void conn_carry(struct conn *k, struct http_request *q);
/* Closes and forgets it; its request, if any, is let go of. */
void conn_drop(struct conn *k);
/* The request is over and the connection may be used again: keeps it or drops it. */
void conn_keep(struct conn *k);
/* Continues a producer's body. */
void conn_send_body(struct conn *k);

/* client.c: what the connection tells. */
void request_head(struct http_request *q, const struct http_response *r);
void request_body(struct http_request *q, const char *data, size_t len);
/* The final callback; the connection must be let go of before. err NULL = fine. */
void request_finish(struct http_request *q, const struct err *err);
/* Back in line for another connection. */
void request_again(struct http_request *q);
/* Gives waiting requests connections while there are any to be had. */
void client_dispatch(struct http_client *c);

#endif
