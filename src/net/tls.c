/*
 * OpenSSL: contexts, sessions, and its errors in plain words. Owns no event and no buffer; the
 * stream drives it. Sessions work on the socket directly.
 */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/tls_types.h"

struct tls {
    int refs;
    SSL_CTX *ctx;
    enum tls_verify verify;
};

/* Where systems keep their trust store; a static binary cannot ask the distribution. */
static const char *const ca_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Alpine, Arch */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
    "/etc/ssl/ca-bundle.pem",                            /* SUSE */
    "/etc/ssl/cert.pem",
};

static const struct {
    int reason;
    const char *text;
} reasons[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "the peer does not speak TLS"},
    {SSL_R_HTTP_REQUEST, "the peer does not speak TLS"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the peer does not trust our certificate"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the peer rejected our certificate"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "the peer wants a client certificate"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "our certificate has expired"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the peer refused the handshake (no common cipher, or "
                                          "it wants a client certificate)"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the peer accepts none of our TLS versions"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the peer's TLS version is too old"},
    {SSL_R_TLSV1_UNRECOGNIZED_NAME, "the peer does not know this server name"},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, "the peer closed the connection"},
};

static const char *reason_text(unsigned long code)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (ERR_GET_REASON(code) == reasons[i].reason) {
            return reasons[i].text;
        }
    }
    const char *text = ERR_reason_error_string(code);
    return text == NULL ? "unknown failure" : text;
}

static int fail_file(const char *what, const char *file, struct err *err)
{
    unsigned long code = ERR_peek_last_error();

    ERR_clear_error();
    if (access(file, R_OK) != 0) {
        int sys = errno;
        err_sys(err, sys, "cannot read the %s %s", what, file);
        if (err != NULL) {
            err->code = ERR_INPUT;
        }
        return -ERR_INPUT;
    }
    return err_set(err, ERR_INPUT, "%s: not a usable %s in PEM form (%s)", file, what,
                   reason_text(code));
}

static int load_trust(SSL_CTX *ctx, const struct tls_config *config, struct err *err)
{
    if (config->verify == TLS_VERIFY_NONE) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
        return 0;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (config->ca_file != NULL) {
        return SSL_CTX_load_verify_file(ctx, config->ca_file) == 1
                   ? 0
                   : fail_file("CA certificate", config->ca_file, err);
    }
    for (size_t i = 0; i < ARRAY_LEN(ca_bundles); i++) {
        if (SSL_CTX_load_verify_file(ctx, ca_bundles[i]) == 1) {
            break;
        }
    }
    ERR_clear_error(); /* no store at all shows as "unknown authority" in the handshake */
    return 0;
}

static int load_identity(SSL_CTX *ctx, const struct tls_config *config, struct err *err)
{
    const char *key = config->key_file == NULL ? config->cert_file : config->key_file;

    if (config->cert_file == NULL) {
        return 0;
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, config->cert_file) != 1) {
        return fail_file("client certificate", config->cert_file, err);
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
        return fail_file("client key", key, err);
    }
    return 0;
}

int tls_new(const struct tls_config *config, struct tls **ret, struct err *err)
{
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL) {
        return err_set(err, ERR_BUG, "OpenSSL: %s", reason_text(ERR_get_error()));
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* Many servers close without close_notify; lengths are checked one layer up. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    int rc = load_trust(ctx, config, err);
    rc = rc < 0 ? rc : load_identity(ctx, config, err);
    if (rc < 0) {
        SSL_CTX_free(ctx);
        return rc;
    }
    struct tls *tls = xcalloc(1, sizeof(*tls));
    *tls = (struct tls){1, ctx, config->verify};
    *ret = tls;
    return 0;
}

struct tls *tls_ref(struct tls *tls)
{
    tls->refs++;
    return tls;
}

void tls_unref(struct tls *tls)
{
    if (tls != NULL && --tls->refs == 0) {
        SSL_CTX_free(tls->ctx);
        free(tls);
    }
}

static bool set_name(SSL *ssl, enum tls_verify verify, const char *name)
{
    struct net_addr addr;
    bool numeric = net_addr_parse(name, 0, &addr);
    CLEANUP_FREE char *sni = xstrdup(name); /* OpenSSL's macro casts const away */

    if (!numeric && SSL_set_tlsext_host_name(ssl, sni) != 1) {
        return false;
    }
    if (verify != TLS_VERIFY_FULL) {
        return true;
    }
    return numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
                   : SSL_set1_host(ssl, name) == 1;
}

int tls_session_new(struct tls *tls, int fd, const char *name, SSL **ret, struct err *err)
{
    SSL *ssl = SSL_new(tls->ctx);

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return err_set(err, ERR_BUG, "OpenSSL: %s", reason_text(ERR_get_error()));
    }
    if (name == NULL && tls->verify == TLS_VERIFY_FULL) {
        SSL_free(ssl);
        return err_set(err, ERR_INPUT, "TLS: no host name to verify the certificate against");
    }
    if (name != NULL && !set_name(ssl, tls->verify, name)) {
        ERR_clear_error();
        SSL_free(ssl);
        return err_set(err, ERR_INPUT, "TLS: not a valid host name: %s", name);
    }
    SSL_set_connect_state(ssl);
    *ret = ssl;
    return 0;
}

/* `rc` of an SSL call that did not succeed, to one of the results above. 0 = ended. */
static int outcome(SSL *ssl, int rc, const char *what, struct err *err)
{
    int sys = errno;

    switch (SSL_get_error(ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        ERR_clear_error();
        if (sys == 0) {
            return err_set(err, ERR_IO, "TLS %s: the peer closed the connection", what);
        }
        return err_sys(err, sys, "TLS %s", what);
    default:
        break;
    }
    long verdict = SSL_get_verify_result(ssl);
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (verdict != X509_V_OK && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        err_set(err, ERR_PROTOCOL, "TLS %s: the peer's certificate is not accepted: %s", what,
                X509_verify_cert_error_string(verdict));
        return -ERR_PROTOCOL;
    }
    return err_set(err, ERR_PROTOCOL, "TLS %s: %s", what, reason_text(code));
}

int tls_io_handshake(SSL *ssl, struct err *err)
{
    errno = 0;
    ERR_clear_error();
    int rc = SSL_do_handshake(ssl);
    if (rc == 1) {
        return 1;
    }
    rc = outcome(ssl, rc, "handshake", err);
    return rc != 0 ? rc : err_set(err, ERR_IO, "TLS handshake: the peer closed the connection");
}

ssize_t tls_io_read(SSL *ssl, void *buf, size_t len, struct err *err)
{
    size_t n = 0;

    errno = 0;
    ERR_clear_error();
    int rc = SSL_read_ex(ssl, buf, len, &n);
    return rc == 1 ? (ssize_t)n : outcome(ssl, rc, "read", err);
}

ssize_t tls_io_write(SSL *ssl, const void *buf, size_t len, struct err *err)
{
    size_t n = 0;

    errno = 0;
    ERR_clear_error();
    int rc = SSL_write_ex(ssl, buf, len, &n);
    if (rc == 1) {
        return (ssize_t)n;
    }
    rc = outcome(ssl, rc, "write", err);
    return rc != 0 ? rc : err_set(err, ERR_IO, "TLS write: the peer closed the connection");
}

int tls_io_shutdown(SSL *ssl, struct err *err)
{
    errno = 0;
    ERR_clear_error();
    int rc = SSL_shutdown(ssl);
    if (rc >= 0) {
        return 1; /* ours is sent; the peer's may come later */
    }
    rc = outcome(ssl, rc, "close", err);
    return rc == 0 ? 1 : rc;
}
