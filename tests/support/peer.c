/*
 * A scripted peer for tests of net/ and http/. Asserts instead of returning errors.
 */
#include "support/peer.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void on_accept(unsigned ready, void *arg)
{
    struct peer *p = arg;

    (void)ready;
    int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    assert(p->accepted < PEER_CONNS_MAX);
    int i = p->accepted++;
    if (p->on_fd != NULL) {
        p->on_fd(p, fd);
        return;
    }
    p->conns[i] = stream_adopt(p->loop, fd, fd, 0, &p->h, p);
}

void peer_init(struct peer *p, struct ev_loop *loop, int unix_socket)
{
    static int serial;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(in);

    memset(p, 0, sizeof(*p));
    p->loop = loop;
    p->fd = socket(unix_socket ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert(p->fd >= 0);
    if (unix_socket) {
        snprintf(p->path, sizeof(p->path), "/tmp/fettle-peer-%d-%d", (int)getpid(), serial++);
        snprintf(un.sun_path, sizeof(un.sun_path), "%s", p->path);
        assert(bind(p->fd, (struct sockaddr *)&un, sizeof(un)) == 0);
    } else {
        assert(bind(p->fd, (struct sockaddr *)&in, sizeof(in)) == 0);
        assert(getsockname(p->fd, (struct sockaddr *)&in, &len) == 0);
        p->port = ntohs(in.sin_port);
    }
    assert(listen(p->fd, 16) == 0);
    p->watch = ev_fd_new(loop, p->fd, on_accept, p);
    ev_fd_want(p->watch, EV_WANT_READ);
}

void peer_drop(struct peer *p, struct stream *s)
{
    for (int i = 0; i < p->accepted; i++) {
        if (p->conns[i] == s) {
            p->conns[i] = NULL;
            stream_free(s);
            return;
        }
    }
}

void peer_release(struct peer *p)
{
    for (int i = 0; i < p->accepted; i++) {
        stream_free(p->conns[i]);
        p->conns[i] = NULL;
    }
    ev_fd_free(p->watch);
    p->watch = NULL;
    if (p->fd >= 0) {
        close(p->fd);
        p->fd = -1;
    }
    if (p->path[0] != '\0') {
        unlink(p->path);
        p->path[0] = '\0';
    }
}
