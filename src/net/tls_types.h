/* TLS as the stream drives it. Only for net/. */
#ifndef NET_TLS_TYPES_H
#define NET_TLS_TYPES_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "net/tls.h"

/* Results of tls_io_* besides a count of bytes (0 = the peer ended) and -ERR_x. */
enum { TLS_WANT_READ = -2001, TLS_WANT_WRITE = -2002 };

/* A session on a connected socket; `name` is for SNI and verification, may be NULL. */
int tls_session_new(struct tls *tls, int fd, const char *name, SSL **ret,
                    struct err *err) MUST_CHECK;
/* 1 = done. */
int tls_io_handshake(SSL *ssl, struct err *err);
ssize_t tls_io_read(SSL *ssl, void *buf, size_t len, struct err *err);
ssize_t tls_io_write(SSL *ssl, const void *buf, size_t len, struct err *err);
/* Sends close_notify: the half close of TLS. 1 = sent. */
int tls_io_shutdown(SSL *ssl, struct err *err);

#endif
