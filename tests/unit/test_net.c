/*
 * Streams against a peer in the same loop: tcp, unix, tls, adopted pipes; half close,
 * backpressure, deadlines, refusals; host names by hosts file and by a DNS server of the test.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/path.h"
#include "net/stream.h"
#include "support/peer.h"

/* What our side saw. */
struct seen {
    struct stream *s;
    struct buf data;
    int opens, eofs, errors, drains;
    struct err err;
    enum stream_layer layer; /* when it failed */
    bool stop_on_data;
};

static struct ev_loop *loop;
static struct peer peer;
static struct seen seen;

static void on_open(struct stream *s, void *arg)
{
    (void)s;
    ((struct seen *)arg)->opens++;
}

static void on_data(struct stream *s, void *arg)
{
    struct seen *x = arg;
    size_t len;
    const char *data = stream_in(s, &len);
    buf_append(&x->data, data, len);
    stream_consume(s, len);
    if (x->stop_on_data) {
        ev_loop_stop(loop);
    }
}

static void on_eof(struct stream *s, void *arg)
{
    (void)s;
    ((struct seen *)arg)->eofs++;
    ev_loop_stop(loop);
}

static void on_drain(struct stream *s, void *arg)
{
    (void)s;
    ((struct seen *)arg)->drains++;
}

static void on_error(struct stream *s, const struct err *err, void *arg)
{
    struct seen *x = arg;
    x->errors++;
    x->err = *err;
    x->layer = stream_layer(s);
    ev_loop_stop(loop);
}

static const struct stream_handlers client = {on_open, on_data, on_eof, on_drain, on_error};

/* The peer's side: sends back what it gets, and half closes when we do. */
static void echo_data(struct stream *s, void *arg)
{
    size_t len;
    const char *data = stream_in(s, &len);
    (void)arg;
    stream_write(s, data, len);
    stream_consume(s, len);
}

static void echo_eof(struct stream *s, void *arg)
{
    (void)arg;
    stream_shutdown(s);
}

static const struct stream_handlers echo = {.on_data = echo_data, .on_eof = echo_eof};

static int begin(void **state)
{
    (void)state;
    loop = ev_loop_new();
    memset(&seen, 0, sizeof(seen));
    memset(&peer, 0, sizeof(peer));
    peer.fd = -1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    stream_free(seen.s);
    buf_release(&seen.data);
    peer_release(&peer);
    ev_loop_free(loop);
    return 0;
}

static void connect_peer(struct tls *tls, const char *name)
{
    struct stream_target t = {.unix_path = peer.path[0] ? peer.path : NULL,
                              .host = "127.0.0.1",
                              .port = peer.port,
                              .tls = tls,
                              .tls_name = name,
                              .deadline = clock_mono() + 20 * NS_PER_SEC};
    seen.s = stream_connect(loop, &t, &client, &seen);
}

static void talks(int unix_socket)
{
    peer_init(&peer, loop, unix_socket);
    peer.h = echo;
    connect_peer(NULL, NULL);
    stream_write(seen.s, "hello ", 6); /* before it is open */
    stream_write(seen.s, "world", 5);
    stream_shutdown(seen.s);
    ev_loop_run(loop);
    assert_int_equal(seen.opens, 1);
    assert_int_equal(seen.eofs, 1);
    assert_int_equal(seen.errors, 0);
    assert_string_equal(buf_text(&seen.data), "hello world");
    assert_int_equal(stream_received(seen.s), 11);
    assert_int_equal(stream_layer(seen.s), STREAM_LAYER_OPEN);
}

static void tcp_talks_and_half_closes(void **state)
{
    (void)state;
    talks(0);
}

static void unix_talks_and_half_closes(void **state)
{
    (void)state;
    talks(1);
}

static void much_data_arrives_whole(void **state)
{
    (void)state;
    enum { TOTAL = 3 << 20 };
    char *bulk = xmalloc(TOTAL);
    for (size_t i = 0; i < TOTAL; i++) {
        bulk[i] = (char)(i * 31 + (i >> 12));
    }
    peer_init(&peer, loop, 1);
    peer.h = echo;
    connect_peer(NULL, NULL);
    stream_write(seen.s, bulk, TOTAL);
    assert_int_equal(stream_write_room(seen.s), 0);
    assert_int_equal(stream_write_pending(seen.s), TOTAL);
    stream_shutdown(seen.s);
    ev_loop_run(loop);
    assert_int_equal(seen.eofs, 1);
    assert_int_equal(seen.data.len, TOTAL);
    assert_memory_equal(seen.data.data, bulk, TOTAL);
    free(bulk);
}

static void a_writer_is_told_to_go_on(void **state)
{
    (void)state;
    static char bulk[STREAM_OUT_HIGH * 4];
    peer_init(&peer, loop, 1);
    peer.h = echo;
    connect_peer(NULL, NULL);
    seen.stop_on_data = true;
    stream_write(seen.s, "x", 1);
    ev_loop_run(loop);
    seen.stop_on_data = false;
    stream_write(seen.s, bulk, sizeof(bulk));
    assert_true(stream_write_pending(seen.s) > STREAM_OUT_LOW);
    assert_int_equal(seen.drains, 0);
    while (seen.drains == 0) {
        seen.stop_on_data = true;
        ev_loop_run(loop);
    }
    assert_int_equal(seen.drains, 1);
    assert_true(stream_write_room(seen.s) > 0);
}

static void too_much_unsent_kills_the_stream(void **state)
{
    (void)state;
    size_t size = (size_t)STREAM_OUT_MAX + 1;
    char *bulk = xcalloc(1, size);
    peer_init(&peer, loop, 1);
    connect_peer(NULL, NULL);
    stream_write(seen.s, bulk, size);
    assert_int_equal(seen.errors, 0); /* not from inside the call */
    ev_loop_run(loop);
    assert_int_equal(seen.errors, 1);
    assert_int_equal(seen.err.code, ERR_TOO_BIG);
    free(bulk);
}

static void stop(void *arg)
{
    (void)arg;
    ev_loop_stop(loop);
}

static void run_for(int64_t ns)
{
    struct ev_timer *t = ev_timer_new(loop, stop, NULL);
    ev_timer_set(t, clock_mono() + ns);
    ev_loop_run(loop);
    ev_timer_free(t);
}

static void flood(struct stream *s, void *arg)
{
    static char bulk[STREAM_OUT_HIGH];
    (void)arg;
    while (stream_write_room(s) > 0) {
        stream_write(s, bulk, stream_write_room(s));
    }
}

static void flood_data(struct stream *s, void *arg)
{
    size_t len;
    stream_in(s, &len);
    stream_consume(s, len);
    flood(s, arg);
}

static void on_data_keep(struct stream *s, void *arg)
{
    (void)s;
    (void)arg; /* consumes nothing */
}

static void reading_stops_when_nobody_consumes(void **state)
{
    (void)state;
    struct stream_handlers keep = client;
    size_t len;
    keep.on_data = on_data_keep;
    peer_init(&peer, loop, 1);
    peer.h = (struct stream_handlers){.on_data = flood_data, .on_drain = flood};
    connect_peer(NULL, NULL);
    stream_set_handlers(seen.s, &keep, &seen);
    stream_write(seen.s, "go", 2);
    do {
        run_for(2 * NS_PER_MS);
        stream_in(seen.s, &len);
    } while (len < STREAM_IN_MAX);
    run_for(5 * NS_PER_MS);
    size_t later;
    stream_in(seen.s, &later);
    assert_int_equal(later, len); /* full: reads no more */
    assert_true(later < STREAM_IN_MAX + (64 << 10));
    uint64_t before = stream_received(seen.s);
    stream_consume(seen.s, later);
    stream_set_handlers(seen.s, &client, &seen);
    seen.stop_on_data = true;
    ev_loop_run(loop);
    assert_true(stream_received(seen.s) > before);
    assert_int_equal(seen.errors, 0);
}

static void a_paused_stream_is_silent_until_resumed(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    seen.s = stream_adopt(loop, fds[0], fds[0], 0, &client, &seen);
    stream_pause(seen.s);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    close(fds[1]);
    run_for(3 * NS_PER_MS);
    assert_int_equal(seen.data.len, 0);
    assert_int_equal(seen.eofs, 0);
    stream_resume(seen.s);
    ev_loop_run(loop);
    assert_string_equal(buf_text(&seen.data), "abc");
    assert_int_equal(seen.eofs, 1);
}

static void a_new_owner_gets_what_was_waiting(void **state)
{
    (void)state;
    int fds[2];
    struct stream_handlers keep = {.on_data = on_data_keep};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    seen.s = stream_adopt(loop, fds[0], fds[0], 0, &keep, NULL);
    assert_int_equal(write(fds[1], "def", 3), 3);
    close(fds[1]);
    run_for(3 * NS_PER_MS);
    stream_unread(seen.s, "abc", 3);
    stream_set_handlers(seen.s, &client, &seen);
    ev_loop_run(loop);
    assert_string_equal(buf_text(&seen.data), "abcdef");
    assert_int_equal(seen.eofs, 1);
}

static void two_pipes_are_a_stream(void **state)
{
    (void)state;
    int in[2], out[2];
    char text[16] = "";
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    seen.s = stream_adopt(loop, in[0], out[1], 0, &client, &seen);
    stream_write(seen.s, "ping", 4);
    stream_shutdown(seen.s);
    assert_int_equal(write(in[1], "pong", 4), 4);
    close(in[1]);
    ev_loop_run(loop);
    assert_string_equal(buf_text(&seen.data), "pong");
    assert_int_equal(read(out[0], text, sizeof(text)), 4);
    assert_string_equal(text, "ping");
    assert_int_equal(read(out[0], text, sizeof(text)), 0); /* closed by the half close */
    close(out[0]);
}

static void refusals_are_told(void **state)
{
    (void)state;
    peer_init(&peer, loop, 0);
    uint16_t port = peer.port;
    peer_release(&peer);
    struct stream_target t = {.host = "127.0.0.1", .port = port};
    char expected[120];
    seen.s = stream_connect(loop, &t, &client, &seen);
    assert_int_equal(seen.errors, 0);
    ev_loop_run(loop);
    snprintf(expected, sizeof(expected), "connect to 127.0.0.1:%u: Connection refused", port);
    assert_string_equal(seen.err.message, expected);
    assert_int_equal(seen.err.sys, ECONNREFUSED);
    assert_int_equal(seen.layer, STREAM_LAYER_CONNECT);
    stream_free(seen.s);

    t = (struct stream_target){.unix_path = "/tmp/no/such/socket"};
    seen.s = stream_connect(loop, &t, &client, &seen);
    ev_loop_run(loop);
    assert_int_equal(seen.err.sys, ENOENT);
    stream_free(seen.s);

    char longer[300];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    t = (struct stream_target){.unix_path = longer};
    seen.s = stream_connect(loop, &t, &client, &seen);
    ev_loop_run(loop);
    assert_int_equal(seen.err.code, ERR_INPUT);
    stream_free(seen.s);

    t = (struct stream_target){.host = "a.name", .port = 1}; /* and no resolver */
    seen.s = stream_connect(loop, &t, &client, &seen);
    ev_loop_run(loop);
    assert_int_equal(seen.err.code, ERR_NOT_FOUND);
    assert_int_equal(seen.layer, STREAM_LAYER_DNS);
    assert_int_equal(seen.errors, 4);
}

static void deadlines_and_idle_end_it(void **state)
{
    (void)state;
    peer_init(&peer, loop, 1); /* accepts and says nothing */
    connect_peer(NULL, NULL);
    stream_set_idle(seen.s, 5 * NS_PER_MS);
    ev_loop_run(loop);
    assert_int_equal(seen.err.code, ERR_TIMEOUT);
    assert_non_null(strstr(seen.err.message, "silent for too long"));
    stream_free(seen.s);

    connect_peer(NULL, NULL);
    run_for(2 * NS_PER_MS);
    stream_set_deadline(seen.s, clock_mono() + 3 * NS_PER_MS);
    ev_loop_run(loop);
    assert_int_equal(seen.err.code, ERR_TIMEOUT);
    assert_non_null(strstr(seen.err.message, "no answer in time"));
    assert_int_equal(seen.errors, 2);
}

static void last_words(struct stream *s, void *arg)
{
    stream_write(s, "go away", 7);
    peer_drop(arg, s);
}

static void last_words_are_read_though_writing_fails(void **state)
{
    (void)state;
    static char bulk[1 << 20];
    peer_init(&peer, loop, 1);
    peer.h = (struct stream_handlers){.on_data = last_words};
    connect_peer(NULL, NULL);
    stream_write(seen.s, bulk, sizeof(bulk));
    ev_loop_run(loop);
    assert_string_equal(buf_text(&seen.data), "go away");
    assert_int_equal(seen.eofs + seen.errors, 1); /* whichever the kernel tells first */
    assert_true(seen.eofs == 1 || seen.err.sys == EPIPE || seen.err.sys == ECONNRESET);
}

static void free_data(struct stream *s, void *arg)
{
    struct seen *x = arg;
    x->opens++;
    stream_free(s);
    x->s = NULL;
    ev_loop_stop(loop);
}

static void freeing_in_the_callback_is_fine(void **state)
{
    (void)state;
    struct stream_handlers h = client;
    int fds[2];
    h.on_data = free_data;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    seen.s = stream_adopt(loop, fds[0], fds[0], 0, &h, &seen);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    close(fds[1]);
    ev_loop_run(loop);
    run_for(2 * NS_PER_MS);
    assert_int_equal(seen.opens, 1);
    assert_int_equal(seen.eofs, 0);
}

/* --- TLS --- */

struct identity {
    char cert[64], key[64];
    SSL_CTX *server;
};

static struct identity identity;
static SSL *server_ssl;
static struct ev_fd *server_watch;
static int server_fd = -1, server_mode;

static void make_identity(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_EXTENSION *san = X509V3_EXT_nconf_nid(NULL, NULL, NID_subject_alt_name,
                                               "DNS:engine.test,IP:127.0.0.1");
    X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    X509_sign(cert, key, EVP_sha256());
    snprintf(identity.cert, sizeof(identity.cert), "/tmp/fettle-tls-%d.pem", (int)getpid());
    snprintf(identity.key, sizeof(identity.key), "/tmp/fettle-tls-%d.key", (int)getpid());
    FILE *f = fopen(identity.cert, "we");
    PEM_write_X509(f, cert);
    fclose(f);
    f = fopen(identity.key, "we");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    identity.server = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(identity.server, cert);
    SSL_CTX_use_PrivateKey(identity.server, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* An echo server over TLS, as short as it can be: half close for half close. */
static void on_server_ready(unsigned ready, void *arg)
{
    char text[4096];
    int n;
    (void)ready;
    (void)arg;
    while ((n = SSL_read(server_ssl, text, sizeof(text))) > 0) {
        SSL_write(server_ssl, text, n);
    }
    if (SSL_get_error(server_ssl, n) == SSL_ERROR_WANT_READ) {
        return;
    }
    SSL_shutdown(server_ssl);
    shutdown(server_fd, SHUT_WR);
    ev_fd_want(server_watch, EV_WANT_NONE);
}

static void on_server_fd(struct peer *p, int fd)
{
    server_fd = fd;
    server_ssl = SSL_new(identity.server);
    SSL_set_fd(server_ssl, fd);
    SSL_set_accept_state(server_ssl);
    SSL_set_verify(server_ssl, server_mode, NULL);
    server_watch = ev_fd_new(p->loop, fd, on_server_ready, NULL);
    ev_fd_want(server_watch, EV_WANT_READ);
}

static void server_release(void)
{
    ev_fd_free(server_watch);
    server_watch = NULL;
    SSL_free(server_ssl);
    server_ssl = NULL;
    close(server_fd);
    server_fd = -1;
}

static struct tls *client_tls(enum tls_verify verify, bool trust, bool present)
{
    struct err err = {0};
    struct tls *tls = NULL;
    struct tls_config config = {.verify = verify,
                                .ca_file = trust ? identity.cert : NULL,
                                .cert_file = present ? identity.cert : NULL,
                                .key_file = present ? identity.key : NULL};
    assert_int_equal(tls_new(&config, &tls, &err), 0);
    return tls;
}

static void tls_case(struct tls *tls, const char *name)
{
    peer_init(&peer, loop, 0);
    peer.on_fd = on_server_fd;
    connect_peer(tls, name);
    tls_unref(tls);
    stream_write(seen.s, "secret", 6);
    stream_shutdown(seen.s);
    ev_loop_run(loop);
    server_release();
    peer_release(&peer);
    stream_free(seen.s);
    seen.s = NULL;
}

static void tls_talks_and_verifies(void **state)
{
    (void)state;
    server_mode = SSL_VERIFY_NONE;
    tls_case(client_tls(TLS_VERIFY_FULL, true, false), NULL); /* by address */
    assert_string_equal(seen.err.message, "");
    assert_string_equal(buf_text(&seen.data), "secret");
    assert_int_equal(seen.opens, 1);
    assert_int_equal(seen.eofs, 1);
    tls_case(client_tls(TLS_VERIFY_FULL, true, false), "engine.test");
    assert_int_equal(seen.opens, 2);
    tls_case(client_tls(TLS_VERIFY_NONE, false, false), "whatever");
    assert_int_equal(seen.opens, 3);
    tls_case(client_tls(TLS_VERIFY_CHAIN, true, false), "other.name");
    assert_int_equal(seen.opens, 4);
    assert_int_equal(seen.errors, 0);
}

static void tls_refuses_in_plain_words(void **state)
{
    (void)state;
    server_mode = SSL_VERIFY_NONE;
    tls_case(client_tls(TLS_VERIFY_FULL, true, false), "other.name");
    assert_int_equal(seen.opens, 0);
    assert_int_equal(seen.err.code, ERR_PROTOCOL);
    assert_int_equal(seen.layer, STREAM_LAYER_TLS);
    assert_non_null(strstr(seen.err.message, "certificate is not accepted: hostname mismatch"));
    tls_case(client_tls(TLS_VERIFY_FULL, false, false), "engine.test");
    assert_non_null(strstr(seen.err.message, "certificate is not accepted: self-signed"));
}

static void tls_client_certificates(void **state)
{
    (void)state;
    server_mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_load_verify_file(identity.server, identity.cert);
    tls_case(client_tls(TLS_VERIFY_FULL, true, true), NULL);
    assert_string_equal(seen.err.message, "");
    assert_string_equal(buf_text(&seen.data), "secret");
    tls_case(client_tls(TLS_VERIFY_FULL, true, false), NULL);
    assert_int_equal(seen.errors, 1);
    assert_int_equal(seen.layer, STREAM_LAYER_TLS);
    assert_non_null(strstr(seen.err.message, "the peer wants a client certificate"));
}

static void plain_peer_is_recognised(void **state)
{
    (void)state;
    peer_init(&peer, loop, 0);
    peer.h = (struct stream_handlers){.on_data = last_words};
    struct tls *tls = client_tls(TLS_VERIFY_NONE, false, false);
    connect_peer(tls, NULL);
    tls_unref(tls);
    ev_loop_run(loop);
    assert_int_equal(seen.errors, 1);
    assert_non_null(strstr(seen.err.message, "the peer does not speak TLS"));
}

static void tls_files_are_named(void **state)
{
    (void)state;
    struct err err = {0};
    struct tls *tls = NULL;
    struct tls_config config = {.ca_file = "/no/such/ca.pem"};
    assert_int_equal(tls_new(&config, &tls, &err), -ERR_INPUT);
    assert_string_equal(
        err.message, "cannot read the CA certificate /no/such/ca.pem: No such file or directory");
    config = (struct tls_config){.ca_file = identity.cert, .cert_file = identity.key};
    assert_int_equal(tls_new(&config, &tls, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, identity.key));
    assert_non_null(strstr(err.message, "not a usable client certificate"));
}

static void start_tls_data(struct stream *s, void *arg)
{
    struct seen *x = arg;
    size_t len;
    stream_in(s, &len);
    stream_consume(s, len);
    x->drains++; /* the peer agreed */
    ev_loop_stop(loop);
}

static void on_plain_then_tls(struct peer *p, int fd)
{
    char text[8];
    assert_int_equal(write(fd, "S", 1), 1);
    (void)text;
    on_server_fd(p, fd);
}

static void a_plain_stream_can_turn_to_tls(void **state)
{
    (void)state;
    struct stream_handlers h = client;
    struct tls *tls = client_tls(TLS_VERIFY_FULL, true, false);
    h.on_data = start_tls_data;
    server_mode = SSL_VERIFY_NONE;
    peer_init(&peer, loop, 0);
    peer.on_fd = on_plain_then_tls;
    connect_peer(NULL, NULL);
    stream_set_handlers(seen.s, &h, &seen);
    ev_loop_run(loop);
    assert_int_equal(seen.drains, 1);
    stream_set_handlers(seen.s, &client, &seen);
    stream_start_tls(seen.s, tls, "engine.test", clock_mono() + 20 * NS_PER_SEC);
    tls_unref(tls);
    stream_write(seen.s, "now secret", 10);
    stream_shutdown(seen.s);
    ev_loop_run(loop);
    assert_string_equal(seen.err.message, "");
    assert_string_equal(buf_text(&seen.data), "now secret");
    assert_int_equal(seen.opens, 2);
    server_release();
}

/* --- names --- */

struct found {
    int calls;
    size_t count;
    char first[NET_ADDR_TEXT], second[NET_ADDR_TEXT];
    struct err err;
};

static void on_found(const struct net_addr *addrs, size_t count, const struct err *err, void *arg)
{
    struct found *f = arg;
    f->calls++;
    f->count = count;
    f->first[0] = f->second[0] = '\0';
    memset(&f->err, 0, sizeof(f->err));
    if (err != NULL) {
        f->err = *err;
    }
    if (count > 0) {
        net_addr_text(&addrs[0], f->first);
    }
    if (count > 1) {
        net_addr_text(&addrs[1], f->second);
    }
    ev_loop_stop(loop);
}

static void look(struct resolver *r, struct found *f, const char *name)
{
    resolve_start(r, name, 80, clock_mono() + 20 * NS_PER_SEC, on_found, f);
    int before = f->calls;
    ev_loop_run(loop);
    assert_int_equal(f->calls, before + 1);
}

/* Answers A for "db.test", AAAA and A for "both.test", no data for "empty.test", nothing for
 * "silent.test", else NXDOMAIN. */
static void on_query(unsigned ready, void *arg)
{
    unsigned char q[512], a[600];
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    int fd = *(int *)arg;
    ssize_t n = recvfrom(fd, q, sizeof(q), 0, (struct sockaddr *)&from, &from_len);
    (void)ready;
    if (n < 17) {
        return;
    }
    char name[256] = "";
    size_t at = 12;
    while (q[at] != 0) {
        size_t len = strlen(name);
        snprintf(name + len, sizeof(name) - len, "%s%.*s", len ? "." : "", q[at],
                 (const char *)q + at + 1);
        at += q[at] + 1u;
    }
    int type = q[at + 2];
    size_t end_of_question = at + 5;
    bool both = strcmp(name, "both.test") == 0, db = strcmp(name, "db.test") == 0;
    if (strcmp(name, "silent.test") == 0) {
        return;
    }
    bool known = both || db || strcmp(name, "empty.test") == 0;
    bool v4 = type == 1 && (both || db), v6 = type == 28 && both;
    memcpy(a, q, end_of_question);
    a[2] = 0x81;
    a[3] = known ? 0x80 : 0x83;
    a[7] = v4 || v6;
    memset(a + 8, 0, 4);
    size_t len = end_of_question;
    if (v4 || v6) {
        unsigned char head[12] = {0xc0, 12, 0, (unsigned char)type, 0, 1, 0, 0,
                                  0,    0,  0, v6 ? 16 : 4};
        memcpy(a + len, head, 12);
        len += 12;
        memset(a + len, 0, 16);
        memcpy(a + len, v6 ? "\xfd" : "\x0a", 1);
        a[len + (v6 ? 15 : 3)] = 7;
        len += v6 ? 16 : 4;
    }
    sendto(fd, a, len, 0, (struct sockaddr *)&from, from_len);
}

static void names_are_found(void **state)
{
    (void)state;
    struct found f = {0};
    char hosts[64], conf[64], text[128];
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    getsockname(fd, (struct sockaddr *)&in, &len);
    struct ev_fd *server = ev_fd_new(loop, fd, on_query, &fd);
    ev_fd_want(server, EV_WANT_READ);

    snprintf(hosts, sizeof(hosts), "/tmp/fettle-hosts-%d", (int)getpid());
    snprintf(conf, sizeof(conf), "/tmp/fettle-resolv-%d", (int)getpid());
    const char *lines = "# a comment\n10.1.2.3 web www # tail\n  fd00::1\tweb\nrubbish web\n";
    assert_int_equal(path_write_file(hosts, lines, strlen(lines), 0600, NULL), 0);
    snprintf(text, sizeof(text), "nameserver 127.0.0.1:%u\nsearch test\n", ntohs(in.sin_port));
    assert_int_equal(path_write_file(conf, text, strlen(text), 0600, NULL), 0);

    struct resolver *r = resolver_new_with(loop, hosts, conf);
    look(r, &f, "WWW");
    assert_string_equal(f.first, "10.1.2.3:80");
    look(r, &f, "web");
    assert_int_equal(f.count, 2);
    assert_string_equal(f.first, "[fd00::1]:80");
    assert_string_equal(f.second, "10.1.2.3:80");
    look(r, &f, "::1");
    assert_string_equal(f.first, "[::1]:80");
    look(r, &f, "localhost");
    assert_int_equal(f.count, 2);
    look(r, &f, "db.test");
    assert_int_equal(f.count, 1);
    assert_string_equal(f.first, "10.0.0.7:80");
    look(r, &f, "db"); /* search */
    assert_string_equal(f.first, "10.0.0.7:80");
    look(r, &f, "both.test");
    assert_int_equal(f.count, 2);
    assert_string_equal(f.first, "[fd00::7]:80");
    look(r, &f, "missing.test");
    assert_int_equal(f.err.code, ERR_NOT_FOUND);
    assert_string_equal(f.err.message, "no such host: missing.test");
    look(r, &f, "empty.test");
    assert_int_equal(f.err.code, ERR_NOT_FOUND);

    resolve_start(r, "silent.test", 80, clock_mono() + 5 * NS_PER_MS, on_found, &f);
    ev_loop_run(loop);
    assert_int_equal(f.err.code, ERR_TIMEOUT);
    struct resolve *cancelled = resolve_start(r, "silent.test", 80, clock_mono() + NS_PER_SEC,
                                              on_found, &f);
    int calls = f.calls;
    resolve_cancel(cancelled);
    assert_int_equal(f.calls, calls);
    ev_loop_run(loop);
    assert_int_equal(f.calls, calls + 1);
    assert_int_equal(f.err.code, ERR_CANCELLED);
    resolve_start(r, "silent.test", 80, clock_mono() + NS_PER_SEC, on_found, &f);
    resolver_free(r); /* with a look-up in flight */
    assert_int_equal(f.calls, calls + 2);
    ev_fd_free(server);
    close(fd);
    unlink(hosts);
    unlink(conf);
}

static void the_second_address_is_tried(void **state)
{
    (void)state;
    char hosts[64], line[] = "127.0.0.2 two\n127.0.0.1 two\n";
    snprintf(hosts, sizeof(hosts), "/tmp/fettle-hosts2-%d", (int)getpid());
    assert_int_equal(path_write_file(hosts, line, strlen(line), 0600, NULL), 0);
    struct resolver *r = resolver_new_with(loop, hosts, "/nonexistent");
    peer_init(&peer, loop, 0); /* listens on 127.0.0.1 only */
    peer.h = echo;
    struct stream_target t = {.host = "two", .port = peer.port, .resolver = r};
    seen.s = stream_connect(loop, &t, &client, &seen);
    stream_write(seen.s, "x", 1);
    stream_shutdown(seen.s);
    ev_loop_run(loop);
    assert_string_equal(seen.err.message, "");
    assert_string_equal(buf_text(&seen.data), "x");
    stream_free(seen.s);
    seen.s = stream_connect(loop, &t, &client, &seen); /* freed while it looks the name up */
    stream_free(seen.s);
    seen.s = NULL;
    resolver_free(r);
    unlink(hosts);
}

static void addresses(void **state)
{
    (void)state;
    struct net_addr a;
    char text[NET_ADDR_TEXT];
    assert_true(net_addr_parse("[::1]", 5, &a));
    assert_string_equal(net_addr_text(&a, text), "[::1]:5");
    assert_true(net_addr_parse("fe80::1%1", 5, &a));
    assert_false(net_addr_parse("fe80::1%nosuchif", 5, &a));
    assert_false(net_addr_parse("1.2.3", 5, &a));
    assert_false(net_addr_parse("", 5, &a));
    assert_false(net_addr_parse("host", 5, &a));
    assert_int_equal(net_addr_unix("@abstract", &a, NULL), 0);
    assert_string_equal(net_addr_text(&a, text), "@abstract");
    assert_int_equal(net_addr_unix("", &a, NULL), -ERR_INPUT);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(addresses),
        T(tcp_talks_and_half_closes),
        T(unix_talks_and_half_closes),
        T(much_data_arrives_whole),
        T(a_writer_is_told_to_go_on),
        T(too_much_unsent_kills_the_stream),
        T(reading_stops_when_nobody_consumes),
        T(a_paused_stream_is_silent_until_resumed),
        T(a_new_owner_gets_what_was_waiting),
        T(two_pipes_are_a_stream),
        T(refusals_are_told),
        T(deadlines_and_idle_end_it),
        T(last_words_are_read_though_writing_fails),
        T(freeing_in_the_callback_is_fine),
        T(tls_talks_and_verifies),
        T(tls_refuses_in_plain_words),
        T(tls_client_certificates),
        T(plain_peer_is_recognised),
        T(tls_files_are_named),
        T(a_plain_stream_can_turn_to_tls),
        T(names_are_found),
        T(the_second_address_is_tried),
    };
    make_identity();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    SSL_CTX_free(identity.server);
    unlink(identity.cert);
    unlink(identity.key);
    return rc;
}
