/* What the files of the stream share. Only for net/. */
#ifndef NET_STREAM_TYPES_H
#define NET_STREAM_TYPES_H

#include <openssl/types.h>

#include "net/fifo.h"
#include "net/stream.h"

enum stream_state {
    STREAM_RESOLVING,
    STREAM_CONNECTING,
    STREAM_HANDSHAKE,
    STREAM_OPEN,
    STREAM_DEAD, /* failed or freed: no callback any more */
    STREAM_STATE_COUNT
};

struct connector;

struct stream {
    struct ev_loop *loop;
    struct stream_handlers h;
    void *arg;
    enum stream_state state;
    enum stream_layer layer;

    int in_fd, out_fd;          /* equal for sockets; -1 = that direction does not exist */
    struct ev_fd *in_w, *out_w; /* the same one when the descriptors are equal */
    bool is_socket, keep_open, keep_flags;

    struct fifo in, out;
    bool paused, eof, eof_told;
    bool above_low;                 /* on_drain is owed */
    bool shut_wanted, shut_done;    /* half close */
    bool write_failed;              /* reading goes on; write_err is told at the end */
    bool redeliver;                 /* the next kick tells about bytes that wait in `in` */
    struct err write_err, late_err; /* late_err: on_error comes with the next kick */

    struct ev_timer *kick;  /* deadline 0: deliver what is owed in the next turn */
    struct ev_timer *timer; /* deadline and idle */
    int64_t deadline, idle, last_activity;
    uint64_t received;

    struct connector *connector; /* while resolving and connecting */
    struct net_addr peer;
    char *name; /* for messages: "db:5432", "/run/x.sock" */

    struct tls *tls;
    char *tls_name;
    SSL *ssl;
    unsigned tls_want; /* what the TLS engine waits for, mask of ev_want */
};

/* The connector has a connected socket, or has given up (*err). It is gone afterwards. */
void stream_on_connected(struct stream *s, int fd, const struct net_addr *peer);
void stream_fail(struct stream *s, const struct err *err);
/* on_error in the next turn: for calls that must not call back. */
void stream_fail_later(struct stream *s, const struct err *err);

/* Starts resolving or connecting; takes what it needs from target. */
struct connector *connector_new(struct stream *s, const struct stream_target *target);
/* Takes NULL; no call into the stream follows. */
void connector_free(struct connector *c);

#endif
