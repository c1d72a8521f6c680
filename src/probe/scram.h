/*
 * SCRAM-SHA-256 as a client (RFC 5802, RFC 7677), without channel binding. Texts in, texts out.
 */
#ifndef PROBE_SCRAM_H
#define PROBE_SCRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    SCRAM_KEY = 32,
    SCRAM_SALT_MAX = 256,
    /* PBKDF2 blocks the loop: about 0.5 us an iteration. PostgreSQL's default is 4096. */
    SCRAM_ITERATIONS_MAX = 200000
};

/*
 * Salted passwords of earlier attempts, by password, salt and iterations: deriving one costs 2 ms,
 * and a gate probes every few milliseconds. Holds a handful; wiped when freed.
 */
struct scram_cache;
struct scram_cache *scram_cache_new(void) __attribute__((returns_nonnull));
void scram_cache_free(struct scram_cache *c);
/* How many derivations were saved and made; for tests. */
void scram_cache_counts(const struct scram_cache *c, size_t *ret_hits, size_t *ret_misses);

struct scram {
    struct buf client_first_bare;
    struct buf auth_message;
    char *nonce;
    uint8_t salted[SCRAM_KEY];
};

/* `user` may be "" (PostgreSQL ignores it); `nonce`: printable ASCII without comma. */
void scram_init(struct scram *s, const char *user, const char *nonce);
void scram_release(struct scram *s);
/* Appends the client-first-message. */
void scram_client_first(const struct scram *s, struct buf *out);
/*
 * Takes the server-first-message and appends the client-final-message. `cache` may be NULL.
 * -ERR_PROTOCOL: malformed, another nonce, too many iterations.
 */
int scram_client_final(struct scram *s, const char *password, const char *first, size_t len,
                       struct scram_cache *cache, struct buf *out, struct err *err) MUST_CHECK;
/* Checks the server-final-message: -ERR_REFUSED for "e=...", -ERR_PROTOCOL for a wrong proof. */
int scram_server_final(const struct scram *s, const char *final, size_t len,
                       struct err *err) MUST_CHECK;

/* Appends the password as RFC 4013 has it, as far as that needs no Unicode tables: odd spaces
 * become a space, invisible characters vanish; what is not UTF-8 stays as it is. */
void scram_prepare(const char *password, struct buf *out);

#endif
