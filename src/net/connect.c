/*
 * From a target to a connected socket: look-up, then the addresses one after the other,
 * CONNECT_STAGGER apart, the first that answers wins (RFC 8305 in short). Ends by calling
 * stream_on_connected() or stream_fail() of its stream, never from inside connector_new().
 */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/netns.h"
#include "net/stream_types.h"

#define CONNECT_STAGGER (250 * NS_PER_MS)
/* A Unix listener with a full backlog answers EAGAIN, and no event tells when there is room. */
#define UNIX_RETRY_MIN (1 * NS_PER_MS)
#define UNIX_RETRY_MAX (50 * NS_PER_MS)
enum { KEEPALIVE_IDLE_S = 30, KEEPALIVE_INTERVAL_S = 10, KEEPALIVE_COUNT = 3 };

struct attempt {
    struct connector *c;
    int fd; /* -1 = over */
    struct ev_fd *watch;
    const struct net_addr *addr;
};

struct connector {
    struct stream *s;
    struct resolve *look;
    struct net_addr addrs[RESOLVE_MAX];
    size_t count, next; /* addrs[next] is tried next */
    struct attempt attempts[RESOLVE_MAX];
    size_t flying;
    struct ev_timer *timer; /* the next attempt */
    int64_t unix_retry;
    int netns;
    bool has_netns;
    struct err best; /* the most telling failure so far */
};

static void drop_attempt(struct attempt *a)
{
    ev_fd_free(a->watch);
    a->watch = NULL;
    if (a->fd >= 0) {
        close(steal_fd(&a->fd));
        a->c->flying--;
    }
}

void connector_free(struct connector *c)
{
    if (c == NULL) {
        return;
    }
    struct ev_loop *loop = c->s->loop;
    for (size_t i = 0; i < c->next; i++) {
        drop_attempt(&c->attempts[i]);
    }
    ev_timer_free(c->timer);
    c->s = NULL;
    if (c->look != NULL) {
        resolve_cancel(c->look); /* its callback frees c */
    } else {
        ev_defer_free(loop, c);
    }
}

/* The stream frees the connector from inside these. */
static void give(struct connector *c, struct attempt *a)
{
    int fd = a->fd;
    struct net_addr peer = *a->addr;

    ev_fd_free(a->watch);
    a->watch = NULL;
    a->fd = -1;
    stream_on_connected(c->s, fd, &peer);
}

static void give_up(struct connector *c)
{
    struct err err = c->best;
    stream_fail(c->s, &err);
}

/* "refused" says more than "unreachable" (an address family that this host does not have). */
static int telling(int sys)
{
    switch (sys) {
    case ECONNREFUSED:
    case EACCES:
    case EPERM:
        return 3;
    case ETIMEDOUT:
        return 2;
    default:
        return 1;
    }
}

static void note_failure(struct connector *c, const struct net_addr *addr, int sys)
{
    char text[NET_ADDR_TEXT];

    if (c->best.code != ERR_NONE && telling(c->best.sys) >= telling(sys)) {
        return;
    }
    net_addr_text(addr, text);
    if (strcmp(text, c->s->name) == 0) {
        err_sys(&c->best, sys, "connect to %s", c->s->name);
    } else {
        err_sys(&c->best, sys, "connect to %s (%s)", c->s->name, text);
    }
}

static void set_options(int fd, const struct net_addr *addr)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT},
    };

    if (addr->sa.ss_family == AF_UNIX) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                   sizeof(options[i].value));
    }
}

static void on_writable(UNUSED unsigned ready, void *arg)
{
    struct attempt *a = arg;
    struct connector *c = a->c;
    int sys = 0;
    socklen_t len = sizeof(sys);

    if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &sys, &len) != 0) {
        sys = errno;
    }
    if (sys == 0) {
        give(c, a);
        return;
    }
    note_failure(c, a->addr, sys);
    drop_attempt(a);
    if (c->next < c->count) {
        ev_timer_set(c->timer, 0);
    } else if (c->flying == 0) {
        give_up(c);
    }
}

/* Begins addrs[next]. True when it is connected at once. */
static bool begin_attempt(struct connector *c)
{
    struct attempt *a = &c->attempts[c->next];
    const struct net_addr *addr = &c->addrs[c->next];
    struct err err = {0};

    *a = (struct attempt){c, -1, NULL, addr};
    c->next++;
    a->fd = netns_socket(c->has_netns ? &c->netns : NULL, addr->sa.ss_family, SOCK_STREAM, &err);
    if (a->fd < 0) {
        if (c->best.code == ERR_NONE) {
            c->best = err;
        }
        a->fd = -1;
        return false;
    }
    c->flying++;
    set_options(a->fd, addr);
    if (connect(a->fd, (const struct sockaddr *)&addr->sa, addr->len) == 0) {
        return true;
    }
    int sys = errno;
    if (sys == EINPROGRESS) {
        a->watch = ev_fd_new(c->s->loop, a->fd, on_writable, a);
        ev_fd_want(a->watch, EV_WANT_WRITE);
        return false;
    }
    drop_attempt(a);
    if (sys == EAGAIN && addr->sa.ss_family == AF_UNIX) {
        c->next--;
        return false;
    }
    note_failure(c, addr, sys);
    return false;
}

static void on_next(void *arg)
{
    struct connector *c = arg;

    while (c->next < c->count) {
        size_t before = c->next;
        if (begin_attempt(c)) {
            give(c, &c->attempts[before]);
            return;
        }
        if (c->next == before) { /* backlog is full */
            c->unix_retry = c->unix_retry == 0 ? UNIX_RETRY_MIN : c->unix_retry * 2;
            c->unix_retry = c->unix_retry > UNIX_RETRY_MAX ? UNIX_RETRY_MAX : c->unix_retry;
            ev_timer_set(c->timer, clock_add(ev_now(c->s->loop), c->unix_retry));
            return;
        }
        if (c->attempts[before].fd >= 0) { /* under way */
            if (c->next < c->count) {
                ev_timer_set(c->timer, clock_add(ev_now(c->s->loop), CONNECT_STAGGER));
            }
            return;
        }
    }
    if (c->flying == 0) {
        give_up(c);
    }
}

static void on_resolved(const struct net_addr *addrs, size_t count, const struct err *err,
                        void *arg)
{
    struct connector *c = arg;

    c->look = NULL;
    if (c->s == NULL) { /* freed meanwhile */
        free(c);
        return;
    }
    if (err != NULL) {
        c->best = *err;
        give_up(c);
        return;
    }
    memcpy(c->addrs, addrs, count * sizeof(*addrs));
    c->count = count;
    c->s->layer = STREAM_LAYER_CONNECT;
    c->s->state = STREAM_CONNECTING;
    on_next(c);
}

struct connector *connector_new(struct stream *s, const struct stream_target *target)
{
    struct connector *c = xcalloc(1, sizeof(*c));

    c->s = s;
    c->timer = ev_timer_new(s->loop, on_next, c);
    c->has_netns = target->netns != NULL;
    c->netns = c->has_netns ? *target->netns : -1;
    s->state = STREAM_CONNECTING;
    s->layer = STREAM_LAYER_CONNECT;
    if (target->unix_path != NULL) {
        c->count = net_addr_unix(target->unix_path, &c->addrs[0], &c->best) == 0 ? 1 : 0;
    } else if (net_addr_parse(target->host, target->port, &c->addrs[0])) {
        c->count = 1;
    } else if (target->resolver != NULL) {
        s->state = STREAM_RESOLVING;
        s->layer = STREAM_LAYER_DNS;
        c->look = resolve_start(target->resolver, target->host, target->port, s->deadline,
                                on_resolved, c);
        return c;
    } else {
        s->layer = STREAM_LAYER_DNS;
        err_set(&c->best, ERR_NOT_FOUND, "%s is not a numeric address", target->host);
    }
    ev_timer_set(c->timer, 0);
    return c;
}
