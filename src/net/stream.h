/*
 * A byte stream with bounded buffers: tcp, unix, tls on top of either, or adopted descriptors
 * (a child's pipes, stdin and stdout). Same calls for all of them.
 *
 * Life: stream_connect() -> on_open -> on_data ... -> on_eof -> stream_free(); or on_error once,
 * at any time, after which only stream_free() is allowed. stream_free() may be called from inside
 * any callback; none follows it.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ev/ev.h"
#include "net/addr.h"
#include "net/resolve.h"
#include "net/tls.h"

struct stream;

/* How far the stream came; when it failed: where. */
enum stream_layer {
    STREAM_LAYER_DNS,
    STREAM_LAYER_CONNECT,
    STREAM_LAYER_TLS,
    STREAM_LAYER_OPEN, /* bytes flow */
    STREAM_LAYER_COUNT
};

/* Any of them may be NULL. `arg` is what was given to stream_connect() or stream_set_handlers(). */
struct stream_handlers {
    /* Connected, TLS included. Also after stream_start_tls(). */
    void (*on_open)(struct stream *s, void *arg);
    /*
     * There are bytes: stream_in(), then stream_consume() what was used. Called again when more
     * arrive, not for what was left. When the in buffer is full, reading stops until consumed.
     */
    void (*on_data)(struct stream *s, void *arg);
    /* The peer sends no more (after the last on_data). Writing may go on. */
    void (*on_eof)(struct stream *s, void *arg);
    /* What was waiting to be written fell to STREAM_OUT_LOW or below (and was above). */
    void (*on_drain)(struct stream *s, void *arg);
    /* Dead. ERR_NOT_FOUND (dns), ERR_IO with errno, ERR_TIMEOUT, ERR_PROTOCOL (tls), ERR_TOO_BIG */
    void (*on_error)(struct stream *s, const struct err *err, void *arg);
};

enum {
    STREAM_IN_MAX = 256 << 10,   /* bytes read ahead of the user */
    STREAM_OUT_LOW = 64 << 10,   /* on_drain */
    STREAM_OUT_HIGH = 256 << 10, /* writers should pause above; stream_write_room() */
    STREAM_OUT_MAX = 16 << 20    /* a write that would pass this kills the stream (ERR_TOO_BIG) */
};

struct stream_target {
    const char *unix_path; /* or */
    const char *host;      /* name or numeric address */
    uint16_t port;
    struct tls *tls;           /* NULL = plain */
    const char *tls_name;      /* SNI and the name to verify; NULL = host */
    int64_t deadline;          /* absolute, for everything until on_open; 0 or CLOCK_NEVER = none */
    struct resolver *resolver; /* needed for host names; NULL is fine for numeric ones */
    const int *netns;          /* fd of a network namespace to connect in; NULL = ours */
};

/*
 * Starts connecting; strings are copied, tls is referenced, the resolver must outlive the stream
 * until on_open or on_error. Names with several addresses are tried 250 ms apart, the first that
 * answers wins. Never fails by itself: errors come by on_error in a later turn.
 */
struct stream *stream_connect(struct ev_loop *loop, const struct stream_target *target,
                              const struct stream_handlers *h, void *arg);

enum stream_adopt_flags {
    STREAM_KEEP_FLAGS = 1, /* do not set O_NONBLOCK: the description is shared (a terminal) */
    STREAM_KEEP_OPEN = 2   /* do not close the descriptors */
};
/*
 * Wraps open descriptors, which become the stream's unless STREAM_KEEP_OPEN. in == out for
 * sockets; -1 for a direction that does not exist. Regular files work. on_open is not called.
 */
struct stream *stream_adopt(struct ev_loop *loop, int in, int out, unsigned flags,
                            const struct stream_handlers *h, void *arg);
/* Closes at once; what was not written yet is lost. Takes NULL. */
void stream_free(struct stream *s);

/* Hands the stream to another user. If bytes or EOF are waiting, on_data/on_eof follow in a later
 * turn. */
void stream_set_handlers(struct stream *s, const struct stream_handlers *h, void *arg);
/* TLS from here on (PostgreSQL's SSLRequest, STARTTLS). in must be empty, else ERR_PROTOCOL. */
void stream_start_tls(struct stream *s, struct tls *tls, const char *name, int64_t deadline);

/* Unread bytes; valid until the next call on s. */
const char *stream_in(const struct stream *s, size_t *ret_len);
void stream_consume(struct stream *s, size_t len);
/* Backpressure: while paused nothing is read and on_data and on_eof do not come. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);
/* Puts bytes in front of what is unread (left over from a protocol underneath). */
void stream_unread(struct stream *s, const char *data, size_t len);

/* Queues bytes (allowed before on_open). Errors come by on_error. */
void stream_write(struct stream *s, const void *data, size_t len);
/* Bytes that may be written now without passing STREAM_OUT_HIGH; 0 = wait for on_drain. */
size_t stream_write_room(const struct stream *s);
/* Bytes queued and not yet given to the kernel. */
size_t stream_write_pending(const struct stream *s);
/* Half close after everything queued is written; reading goes on. */
void stream_shutdown(struct stream *s);

/* ERR_TIMEOUT at `deadline` unless changed before; CLOCK_NEVER = none. */
void stream_set_deadline(struct stream *s, int64_t deadline);
/* ERR_TIMEOUT when nothing was received for `ns`; 0 = never. Paused time counts as activity. */
void stream_set_idle(struct stream *s, int64_t ns);

enum stream_layer stream_layer(const struct stream *s);
const char *stream_layer_name(enum stream_layer layer);
/* Where it is connected to, NULL before that and for adopted ones. */
const struct net_addr *stream_peer(const struct stream *s);
bool stream_eof(const struct stream *s);
/* Bytes read from the peer in all. */
uint64_t stream_received(const struct stream *s);

#endif
