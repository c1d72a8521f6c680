/*
 * The other side, in the test's own loop: a listener (tcp on a free loopback port, or unix) whose
 * connections become streams with handlers of the test.
 */
#ifndef TESTS_SUPPORT_PEER_H
#define TESTS_SUPPORT_PEER_H

#include <stdint.h>

#include "ev/ev.h"
#include "net/stream.h"

enum { PEER_CONNS_MAX = 64 };

struct peer {
    struct ev_loop *loop;
    int fd;
    struct ev_fd *watch;
    uint16_t port;                        /* tcp */
    char path[108];                       /* unix; "" for tcp */
    int accepted;                         /* connections so far */
    struct stream *conns[PEER_CONNS_MAX]; /* NULL = closed */
    struct stream_handlers h;             /* arg is the peer */
    /* Instead of the above: gets the bare descriptor. */
    void (*on_fd)(struct peer *p, int fd);
    void *data; /* the test's */
};

/* `unix_socket` makes a path of its own below /tmp. */
void peer_init(struct peer *p, struct ev_loop *loop, int unix_socket);
void peer_release(struct peer *p);
/* Closes one of its connections. */
void peer_drop(struct peer *p, struct stream *s);

#endif
