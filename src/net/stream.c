/*
 * The stream: buffers, backpressure, deadlines, half close, callbacks. Connecting is connect.c,
 * TLS is tls.c; what the bytes mean is the user's business. Driven by readiness events.
 *
 * Callbacks may free the stream: after each one `state` is looked at before going on (the memory
 * lives until the end of the turn).
 */
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/stream_types.h"
#include "net/tls_types.h"

enum {
    READ_CHUNK = 16 << 10,
    SHARED_CHUNK = 4 << 10 /* PIPE_BUF: what a writable shared descriptor takes without blocking */
};

static const char *const layer_names[] = {"dns", "connect", "tls", "open"};
_Static_assert(ARRAY_LEN(layer_names) == STREAM_LAYER_COUNT, "every layer has a name");

static void pump(struct stream *s, unsigned ready);

/* --- sources --- */

static void set_want(struct stream *s)
{
    unsigned in = EV_WANT_NONE, out = EV_WANT_NONE;

    if (s->state == STREAM_HANDSHAKE) {
        in = s->tls_want;
    } else if (s->state == STREAM_OPEN) {
        if (!s->paused && !s->eof && s->in.len < STREAM_IN_MAX) {
            in = EV_WANT_READ;
        }
        if (!s->write_failed && (s->out.len > 0 || (s->shut_wanted && !s->shut_done))) {
            out = EV_WANT_WRITE;
        }
        in |= s->tls_want; /* only set when a read waits for room or a write for bytes */
    }
    if (s->in_w == s->out_w) {
        if (s->in_w != NULL) {
            ev_fd_want(s->in_w, in | out);
        }
        return;
    }
    if (s->in_w != NULL) {
        ev_fd_want(s->in_w, in);
    }
    if (s->out_w != NULL) {
        ev_fd_want(s->out_w, out);
    }
}

static void set_timer(struct stream *s)
{
    int64_t at = s->deadline;

    if (s->idle > 0 && clock_add(s->last_activity, s->idle) < at) {
        at = clock_add(s->last_activity, s->idle);
    }
    /* Activity only moves the deadline away: the timer fires early and is set again. */
    if (at == CLOCK_NEVER || at < ev_timer_deadline(s->timer)) {
        ev_timer_set(s->timer, at);
    }
}

static void close_sources(struct stream *s)
{
    connector_free(s->connector);
    s->connector = NULL;
    ev_fd_free(s->in_w);
    if (s->out_w != s->in_w) {
        ev_fd_free(s->out_w);
    }
    s->in_w = s->out_w = NULL;
    SSL_free(s->ssl);
    s->ssl = NULL;
    if (s->out_fd >= 0 && s->out_fd != s->in_fd && !s->keep_open) {
        close(s->out_fd);
    }
    if (s->in_fd >= 0 && !s->keep_open) {
        close(s->in_fd);
    }
    s->in_fd = s->out_fd = -1;
}

/* --- failing --- */

void stream_fail(struct stream *s, const struct err *err)
{
    struct err copy = *err; /* may live in what is torn down */

    assert(s->state != STREAM_DEAD);
    s->state = STREAM_DEAD;
    close_sources(s);
    ev_timer_set(s->timer, CLOCK_NEVER);
    ev_timer_set(s->kick, CLOCK_NEVER);
    if (s->h.on_error != NULL) {
        s->h.on_error(s, &copy, s->arg);
    }
}

void stream_fail_later(struct stream *s, const struct err *err)
{
    s->late_err = *err;
    ev_timer_set(s->kick, 0);
}

static void on_timer(void *arg)
{
    struct stream *s = arg;
    int64_t now = ev_now(s->loop);
    bool idle_over = s->idle > 0 && now >= clock_add(s->last_activity, s->idle);
    struct err err;

    if (s->paused) {
        s->last_activity = now;
        idle_over = false;
    }
    if (now < s->deadline && !idle_over) {
        set_timer(s);
        return;
    }
    switch (s->layer) {
    case STREAM_LAYER_DNS:
    case STREAM_LAYER_CONNECT:
        err_set(&err, ERR_TIMEOUT, "connect to %s: no answer in time", s->name);
        err.sys = ETIMEDOUT;
        break;
    case STREAM_LAYER_TLS:
        err_set(&err, ERR_TIMEOUT, "%s: the TLS handshake did not end in time", s->name);
        break;
    default:
        err_set(&err, ERR_TIMEOUT, idle_over ? "%s: silent for too long" : "%s: no answer in time",
                s->name);
    }
    stream_fail(s, &err);
}

/* --- reading --- */

/* > 0 bytes, 0 = ended, -EAGAIN = later, other negatives = failed with *err. */
static ssize_t read_some(struct stream *s, char *buf, size_t len, struct err *err)
{
    ssize_t n;

    if (s->ssl != NULL) {
        n = tls_io_read(s->ssl, buf, len, err);
        if (n == TLS_WANT_WRITE) {
            s->tls_want = EV_WANT_WRITE;
        }
        if (n < 0 && n != TLS_WANT_READ && n != TLS_WANT_WRITE && err->code == ERR_PROTOCOL) {
            s->layer = STREAM_LAYER_TLS; /* TLS 1.3 tells a bad client certificate this late */
        }
        return n == TLS_WANT_READ || n == TLS_WANT_WRITE ? -EAGAIN : n;
    }
    do {
        n = read(s->in_fd, buf, len);
    } while (n < 0 && errno == EINTR);
    if (n >= 0) {
        return n;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return -EAGAIN;
    }
    if (errno == EIO && !s->is_socket) { /* the other side of a terminal is closed */
        return 0;
    }
    return err_sys(err, errno, "%s: read", s->name);
}

/* Tells what is waiting. False when the stream is dead afterwards. */
static bool deliver(struct stream *s, bool fresh)
{
    if (fresh && s->in.len > 0 && !s->paused && s->h.on_data != NULL) {
        s->h.on_data(s, s->arg);
        if (s->state == STREAM_DEAD) {
            return false;
        }
    }
    if (!s->eof || s->eof_told || s->paused) {
        return true;
    }
    s->eof_told = true;
    if (s->write_failed) {
        stream_fail(s, &s->write_err);
        return false;
    }
    if (s->h.on_eof != NULL) {
        s->h.on_eof(s, s->arg);
    }
    return s->state != STREAM_DEAD;
}

/* One portion a turn, so that a fast peer does not starve the others; TLS may hold more. */
static bool pump_in(struct stream *s)
{
    struct err err = {0};

    if (s->paused || s->eof || s->in_fd < 0 || s->in.len >= STREAM_IN_MAX) {
        return true;
    }
    ssize_t n = read_some(s, fifo_reserve(&s->in, READ_CHUNK),
                          s->keep_flags ? SHARED_CHUNK : READ_CHUNK, &err);
    if (n == -EAGAIN) {
        return true;
    }
    s->last_activity = ev_now(s->loop);
    if (n < 0) {
        if (s->write_failed && err.sys == ECONNRESET) {
            err = s->write_err;
        }
        stream_fail(s, &err);
        return false;
    }
    if (n == 0) {
        s->eof = true;
        return deliver(s, false);
    }
    s->in.len += (size_t)n;
    s->received += (uint64_t)n;
    if (!deliver(s, true)) {
        return false;
    }
    if (s->ssl != NULL && SSL_has_pending(s->ssl) && !s->paused) {
        ev_timer_set(s->kick, 0); /* the socket will not wake us for these */
    }
    return true;
}

/* --- writing --- */

static ssize_t write_some(struct stream *s, const char *data, size_t len, struct err *err)
{
    ssize_t n;

    if (s->ssl != NULL) {
        n = tls_io_write(s->ssl, data, len, err);
        if (n == TLS_WANT_READ) {
            s->tls_want = EV_WANT_READ;
        }
        return n == TLS_WANT_READ || n == TLS_WANT_WRITE ? -EAGAIN : n;
    }
    if (s->keep_flags && len > SHARED_CHUNK) {
        len = SHARED_CHUNK;
    }
    do {
        n = write(s->out_fd, data, len);
    } while (n < 0 && errno == EINTR);
    if (n >= 0) {
        return n;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK ? -EAGAIN
                                                   : err_sys(err, errno, "%s: write", s->name);
}

static void half_close(struct stream *s)
{
    struct err ignored;

    if (s->ssl != NULL) {
        int rc = tls_io_shutdown(s->ssl, &ignored);
        if (rc == TLS_WANT_WRITE || rc == TLS_WANT_READ) {
            return; /* again when writable */
        }
    } else if (s->is_socket) {
        shutdown(s->out_fd, SHUT_WR);
    } else if (s->out_fd != s->in_fd) {
        ev_fd_free(s->out_w);
        s->out_w = NULL;
        if (!s->keep_open) {
            close(s->out_fd);
        }
        s->out_fd = -1;
    }
    s->shut_done = true;
}

/* Writes what can be written. A failure is remembered: the peer may have said why before. */
static void pump_out(struct stream *s)
{
    while (s->out.len > 0 && !s->write_failed) {
        struct err err = {0};
        ssize_t n = write_some(s, s->out.data + s->out.off, s->out.len, &err);
        if (n == -EAGAIN) {
            return;
        }
        if (n < 0) {
            s->write_failed = true;
            s->write_err = err;
            fifo_release(&s->out);
            if (s->in_fd < 0 || s->eof) {
                stream_fail_later(s, &err);
            }
            return;
        }
        fifo_consume(&s->out, (size_t)n);
        if (s->keep_flags) {
            return;
        }
    }
    if (s->shut_wanted && !s->shut_done && !s->write_failed) {
        half_close(s);
    }
}

static bool tell_drain(struct stream *s)
{
    if (s->above_low && s->out.len <= STREAM_OUT_LOW && !s->write_failed) {
        s->above_low = false;
        if (s->h.on_drain != NULL) {
            s->h.on_drain(s, s->arg);
        }
    }
    return s->state != STREAM_DEAD;
}

/* --- opening --- */

static bool tell_open(struct stream *s)
{
    if (s->h.on_open != NULL) {
        s->h.on_open(s, s->arg);
    }
    return s->state != STREAM_DEAD;
}

static void set_open(struct stream *s)
{
    s->state = STREAM_OPEN;
    s->layer = STREAM_LAYER_OPEN;
    s->tls_want = EV_WANT_NONE;
    s->deadline = CLOCK_NEVER;
    s->last_activity = ev_now(s->loop);
    set_timer(s);
}

/* False when the stream is dead afterwards. */
static bool shake_hands(struct stream *s)
{
    struct err err = {0};
    int rc = tls_io_handshake(s->ssl, &err);

    if (rc == TLS_WANT_READ || rc == TLS_WANT_WRITE) {
        s->tls_want = rc == TLS_WANT_READ ? EV_WANT_READ : EV_WANT_WRITE;
        return true;
    }
    if (rc < 0) {
        err_prefix(&err, "%s", s->name);
        stream_fail(s, &err);
        return false;
    }
    set_open(s);
    return tell_open(s);
}

static bool begin_tls(struct stream *s)
{
    struct err err = {0};

    s->state = STREAM_HANDSHAKE;
    s->layer = STREAM_LAYER_TLS;
    if (tls_session_new(s->tls, s->in_fd, s->tls_name, &s->ssl, &err) != 0) {
        err_prefix(&err, "%s", s->name);
        stream_fail(s, &err);
        return false;
    }
    return shake_hands(s);
}

static void on_ready(unsigned ready, void *arg)
{
    pump(arg, ready);
}

static void watch(struct stream *s)
{
    if (s->in_fd >= 0) {
        s->in_w = ev_fd_new(s->loop, s->in_fd, on_ready, s);
    }
    if (s->out_fd == s->in_fd) {
        s->out_w = s->in_w;
    } else if (s->out_fd >= 0) {
        s->out_w = ev_fd_new(s->loop, s->out_fd, on_ready, s);
    }
}

void stream_on_connected(struct stream *s, int fd, const struct net_addr *peer)
{
    connector_free(s->connector);
    s->connector = NULL;
    s->in_fd = s->out_fd = fd;
    s->is_socket = true;
    s->peer = *peer;
    watch(s);
    bool alive = true;
    if (s->tls != NULL) {
        alive = begin_tls(s);
    } else {
        set_open(s);
        alive = tell_open(s);
    }
    if (alive) {
        pump(s, EV_WANT_WRITE);
    }
}

/* What readiness leads to; ends with the sources set for what is wanted next. */
static void pump(struct stream *s, unsigned ready)
{
    if (s->state == STREAM_HANDSHAKE && s->ssl != NULL && !shake_hands(s)) {
        return;
    }
    if (s->state == STREAM_OPEN) {
        bool both = s->ssl != NULL; /* TLS may need to read in order to write */
        s->tls_want = EV_WANT_NONE;
        if (both || (ready & EV_WANT_WRITE)) {
            pump_out(s);
        }
        if ((both || (ready & EV_WANT_READ)) && !pump_in(s)) {
            return;
        }
        if (!tell_drain(s)) {
            return;
        }
    }
    set_want(s);
}

static void on_kick(void *arg)
{
    struct stream *s = arg;

    if (s->late_err.code != ERR_NONE) {
        stream_fail(s, &s->late_err);
        return;
    }
    if (s->state == STREAM_HANDSHAKE && s->ssl == NULL && !begin_tls(s)) {
        return;
    }
    if (s->state == STREAM_OPEN) {
        bool redeliver = s->redeliver;
        s->redeliver = false;
        if (!deliver(s, redeliver)) {
            return;
        }
    }
    pump(s, EV_WANT_READ | EV_WANT_WRITE);
}

/* --- life --- */

static struct stream *stream_new(struct ev_loop *loop, const struct stream_handlers *h, void *arg)
{
    struct stream *s = xcalloc(1, sizeof(*s));

    s->loop = loop;
    s->h = *h;
    s->arg = arg;
    s->in_fd = s->out_fd = -1;
    s->deadline = CLOCK_NEVER;
    s->kick = ev_timer_new(loop, on_kick, s);
    s->timer = ev_timer_new(loop, on_timer, s);
    return s;
}

struct stream *stream_connect(struct ev_loop *loop, const struct stream_target *target,
                              const struct stream_handlers *h, void *arg)
{
    struct stream *s = stream_new(loop, h, arg);

    if (target->unix_path != NULL) {
        s->name = xstrdup(target->unix_path);
    } else {
        bool v6 = strchr(target->host, ':') != NULL && target->host[0] != '[';
        s->name = xasprintf(v6 ? "[%s]:%u" : "%s:%u", target->host, (unsigned)target->port);
    }
    if (target->tls != NULL) {
        s->tls = tls_ref(target->tls);
        s->tls_name = xstrdup(target->tls_name == NULL ? target->host : target->tls_name);
    }
    s->deadline = target->deadline == 0 ? CLOCK_NEVER : target->deadline;
    s->connector = connector_new(s, target);
    set_timer(s);
    return s;
}

struct stream *stream_adopt(struct ev_loop *loop, int in, int out, unsigned flags,
                            const struct stream_handlers *h, void *arg)
{
    struct stream *s = stream_new(loop, h, arg);
    struct stat st;

    s->name = xstrdup("pipe");
    s->in_fd = in;
    s->out_fd = out;
    s->keep_open = flags & STREAM_KEEP_OPEN;
    s->keep_flags = flags & STREAM_KEEP_FLAGS;
    s->is_socket = fstat(in >= 0 ? in : out, &st) == 0 && S_ISSOCK(st.st_mode);
    if (!s->keep_flags) {
        for (int i = 0; i < 2; i++) {
            int fd = i == 0 ? in : out;
            int old = fd < 0 ? 0 : fcntl(fd, F_GETFL);
            if (fd >= 0 && old >= 0 && !(old & O_NONBLOCK)) {
                fcntl(fd, F_SETFL, old | O_NONBLOCK);
            }
        }
    }
    watch(s);
    set_open(s);
    set_want(s);
    return s;
}

static void destroy(void *arg)
{
    struct stream *s = arg;

    fifo_release(&s->in);
    fifo_release(&s->out);
    tls_unref(s->tls);
    free(s->tls_name);
    free(s->name);
    free(s);
}

void stream_free(struct stream *s)
{
    if (s == NULL) {
        return;
    }
    s->state = STREAM_DEAD;
    close_sources(s);
    ev_timer_free(s->timer);
    ev_timer_free(s->kick);
    ev_defer(s->loop, destroy, s);
}

void stream_set_handlers(struct stream *s, const struct stream_handlers *h, void *arg)
{
    s->h = *h;
    s->arg = arg;
    if (s->in.len > 0 || s->eof) {
        s->redeliver = true;
        s->eof_told = false;
        ev_timer_set(s->kick, 0);
    }
}

void stream_start_tls(struct stream *s, struct tls *tls, const char *name, int64_t deadline)
{
    struct err err;

    if (s->in.len > 0) {
        err_set(&err, ERR_PROTOCOL, "%s: bytes in the clear before the TLS handshake", s->name);
        stream_fail_later(s, &err);
        return;
    }
    assert(s->state == STREAM_OPEN && s->tls == NULL && s->is_socket);
    s->tls = tls_ref(tls);
    s->tls_name = xstrdup(name);
    s->state = STREAM_HANDSHAKE;
    s->layer = STREAM_LAYER_TLS;
    s->deadline = deadline == 0 ? CLOCK_NEVER : deadline;
    set_timer(s);
    ev_timer_set(s->kick, 0);
}

/* --- bytes --- */

const char *stream_in(const struct stream *s, size_t *ret_len)
{
    *ret_len = s->in.len;
    return s->in.len == 0 ? "" : s->in.data + s->in.off;
}

void stream_consume(struct stream *s, size_t len)
{
    bool was_full = s->in.len >= STREAM_IN_MAX;

    fifo_consume(&s->in, len);
    if (was_full && s->in.len < STREAM_IN_MAX && s->state == STREAM_OPEN) {
        ev_timer_set(s->kick, 0);
    }
}

void stream_pause(struct stream *s)
{
    s->paused = true;
    if (s->state == STREAM_OPEN) {
        set_want(s);
    }
}

void stream_resume(struct stream *s)
{
    if (!s->paused) {
        return;
    }
    s->paused = false;
    s->last_activity = ev_now(s->loop);
    if (s->state == STREAM_OPEN) {
        s->redeliver = true;
        ev_timer_set(s->kick, 0);
    }
}

void stream_unread(struct stream *s, const char *data, size_t len)
{
    fifo_prepend(&s->in, data, len);
    s->redeliver = true;
    ev_timer_set(s->kick, 0);
}

void stream_write(struct stream *s, const void *data, size_t len)
{
    struct err err;

    if (s->state == STREAM_DEAD || s->write_failed || s->shut_wanted || len == 0) {
        return;
    }
    if (len > STREAM_OUT_MAX || s->out.len > STREAM_OUT_MAX - len) {
        err_set(&err, ERR_TOO_BIG, "%s: more than %d bytes wait to be sent", s->name,
                (int)STREAM_OUT_MAX);
        stream_fail_later(s, &err);
        return;
    }
    bool idle = s->out.len == 0;
    fifo_append(&s->out, data, len);
    if (s->state != STREAM_OPEN) {
        return;
    }
    if (idle && s->out_fd >= 0) {
        pump_out(s); /* saves a turn; never calls back */
    }
    if (s->out.len > STREAM_OUT_LOW) {
        s->above_low = true;
    }
    set_want(s);
}

size_t stream_write_room(const struct stream *s)
{
    return s->out.len >= STREAM_OUT_HIGH ? 0 : STREAM_OUT_HIGH - s->out.len;
}

size_t stream_write_pending(const struct stream *s)
{
    return s->out.len;
}

void stream_shutdown(struct stream *s)
{
    if (s->shut_wanted || s->state == STREAM_DEAD) {
        return;
    }
    s->shut_wanted = true;
    if (s->state == STREAM_OPEN) {
        if (s->out_fd >= 0) {
            pump_out(s);
        }
        set_want(s);
    }
}

/* --- the rest --- */

void stream_set_deadline(struct stream *s, int64_t deadline)
{
    s->deadline = deadline == 0 ? CLOCK_NEVER : deadline;
    if (s->state != STREAM_DEAD) {
        set_timer(s);
    }
}

void stream_set_idle(struct stream *s, int64_t ns)
{
    s->idle = ns;
    s->last_activity = ev_now(s->loop);
    if (s->state != STREAM_DEAD) {
        set_timer(s);
    }
}

enum stream_layer stream_layer(const struct stream *s)
{
    return s->layer;
}

const char *stream_layer_name(enum stream_layer layer)
{
    return layer_names[layer];
}

const struct net_addr *stream_peer(const struct stream *s)
{
    return s->peer.len == 0 ? NULL : &s->peer;
}

bool stream_eof(const struct stream *s)
{
    return s->eof;
}

uint64_t stream_received(const struct stream *s)
{
    return s->received;
}
