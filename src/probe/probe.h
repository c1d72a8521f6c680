/*
 * One attempt to prove that a service is ready, as a step machine that owns no socket: it is given
 * the bytes that came, a buffer for what is to be sent, and the time. runner.h puts it on a
 * connection; tests and fuzzers feed it transcripts.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/outcome.h"
#include "model/probe_spec.h"

struct probe_machine;
struct scram_cache;

enum probe_want {
    PROBE_WANT_READ, /* send what is in `out`, then step again with bytes or the end */
    PROBE_WANT_TLS,  /* send what is in `out`, become a TLS client, then step without bytes */
    PROBE_DONE       /* *ret is filled; send what is in `out` as far as it goes, then close */
};

/* All fields may be zero. Strings are copied. */
struct probe_options {
    const char *host;          /* "db:5432", "/run/x.sock": for the Host header and for texts */
    struct scram_cache *cache; /* keeps derived keys from one attempt to the next; borrowed */
    bool force_tls;            /* as if spec->tls were set */
    const char *nonce;         /* tests only: instead of a random one */
};

/* Kinds that talk over a connection: tcp, http, postgres, redis, mysql. */
bool probe_has_machine(enum probe_kind kind);
/*
 * A machine for one connection that is already open (connecting is the runner's part); the kind
 * must have one. `spec` is borrowed for the machine's life, `opt` may be NULL.
 */
struct probe_machine *probe_machine_new(const struct probe_spec *spec,
                                        const struct probe_options *opt)
    __attribute__((returns_nonnull));
void probe_machine_free(struct probe_machine *m);
/*
 * First call: no bytes. Later ones bring `len` bytes (all are taken) and/or `eof` (the peer has
 * closed). Appends to `out`. *ret is filled, with the time since the first step, when the answer is
 * PROBE_DONE; a step after that repeats the answer. Peer's bytes are never trusted: a message that
 * is too large or malformed ends in an outcome, not in an error.
 */
enum probe_want probe_step(struct probe_machine *m, const void *in, size_t len, bool eof,
                           struct buf *out, int64_t now, struct outcome *ret) MUST_CHECK;
/*
 * The machine's word on why it was cut off by a deadline: what it was waiting for ("answered the
 * connection but not the login"). Fills *ret with NOT_YET and code "timeout".
 */
void probe_timed_out(const struct probe_machine *m, int64_t now, struct outcome *ret);

/*
 * True for a NEVER that is final only once the first-run initialisation of the image is over:
 * missing database or role, refused login. The gate waits instead while an initialisation may run.
 */
bool probe_may_heal_after_init(const struct outcome *o);
/*
 * False when the outcome shows that an inferred probe was a wrong guess (another protocol answered,
 * the spec makes no sense): the gate then drops it and goes by the health check alone.
 */
bool probe_is_binding(const struct probe_spec *spec, const struct outcome *o);

#endif
