/*
 * TLS client settings. OpenSSL is hidden in net/; it is initialised by the first tls_new() (about
 * a millisecond), so commands without TLS do not pay for it.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>

#include "base/err.h"

struct tls;

enum tls_verify {
    TLS_VERIFY_FULL,  /* chain and host name */
    TLS_VERIFY_CHAIN, /* chain only (PostgreSQL's verify-ca) */
    TLS_VERIFY_NONE   /* encrypt only */
};

struct tls_config {
    enum tls_verify verify;
    const char *ca_file;              /* PEM; NULL = the system's trust store */
    const char *cert_file, *key_file; /* PEM client certificate and key; NULL = none */
};

/* Reads the files. ERR_INPUT with the file in the message when one cannot be used. */
int tls_new(const struct tls_config *config, struct tls **ret, struct err *err) MUST_CHECK;
struct tls *tls_ref(struct tls *tls);
/* Takes NULL. */
void tls_unref(struct tls *tls);

#endif
