/*
 * What the protocol files of this folder share; nobody outside includes it.
 * A protocol's struct starts with `struct probe_machine` and is allocated by probe_machine_new().
 */
#ifndef PROBE_MACHINE_H
#define PROBE_MACHINE_H

#include "probe/probe.h"

struct probe_ops {
    size_t size;      /* of the protocol's struct */
    size_t max_in;    /* most bytes that may wait unconsumed in m->in */
    const char *name; /* "PostgreSQL", for texts */
    const char *(*stage)(const struct probe_machine *m); /* "the login", for time-outs */
    void (*init)(struct probe_machine *m);               /* may be NULL */
    void (*release)(struct probe_machine *m);            /* may be NULL */
    /* Looks at m->in and m->eof, consumes what it understands. At m->eof, a WANT_READ is turned
     * into "closed the connection" by probe_step(). */
    enum probe_want (*step)(struct probe_machine *m, struct buf *out, struct outcome *ret);
};

struct probe_machine {
    const struct probe_ops *ops;
    const struct probe_spec *spec;
    char *host; /* never NULL */
    char *nonce;
    struct scram_cache *cache;
    bool tls; /* wanted */
    bool eof, started, done;
    int64_t start;
    struct buf in;
    struct outcome result;
};

extern const struct probe_ops probe_tcp_ops, probe_http_ops, probe_postgres_ops, probe_redis_ops,
    probe_mysql_ops;

/*
 * The peer's text made fit for people: one line, valid UTF-8, no control characters, the password
 * masked, cut to `size`. Returns dst.
 */
const char *probe_peer_text(const struct probe_machine *m, const char *text, size_t len, char *dst,
                            size_t size);
/* Fills *ret and answers PROBE_DONE. */
enum probe_want probe_finish(struct outcome *ret, enum verdict v, enum probe_layer layer,
                             const char *code, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* The peer does not speak the protocol: NEVER, LAYER_PROTOCOL, "protocol". */
enum probe_want probe_garbage(const struct probe_machine *m, struct outcome *ret, const char *what);
/* Appends `name` to a list for people: "a, b, c", and "..." when `size` is short. */
void probe_list_add(char *list, size_t size, const char *name);

#endif
