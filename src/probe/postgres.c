/*
 * PostgreSQL, frontend/backend protocol 3.0: TLS request, start-up, login (trust, password, MD5,
 * SCRAM-SHA-256), then queries that show that the server works and the tables are there. The
 * SQLSTATE decides the verdict (pg_error.c). Owns no socket; driven by probe_step().
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probe/machine.h"
#include "probe/pg_error.h"
#include "probe/scram.h"

enum {
    MESSAGE_MAX = 64 << 10, /* what we ask for is answered with far less */
    TABLES_MAX = 256,
    COLUMNS_MAX = TABLES_MAX + 2,
    AUTH_OK = 0,
    AUTH_CLEARTEXT = 3,
    AUTH_MD5 = 5,
    AUTH_SASL = 10,
    AUTH_SASL_CONTINUE = 11,
    AUTH_SASL_FINAL = 12
};

enum stage {
    STAGE_START,
    STAGE_TLS_REPLY, /* SSLRequest is out */
    STAGE_TLS,       /* the handshake is the runner's */
    STAGE_LOGIN,
    STAGE_CHECK,      /* our query is out */
    STAGE_USER_QUERY, /* spec->query is out */
    STAGE_COUNT
};

static const char *const stage_texts[] = {
    "the start-up",         "the answer to the TLS request", "the TLS handshake",
    "the end of the login", "the answer to SELECT 1",        "the answer to the query",
};
_Static_assert(ARRAY_LEN(stage_texts) == STAGE_COUNT, "every stage has a text");

/* How far a SCRAM exchange has come; AuthenticationOk in its middle is a forgery. */
enum sasl_state { SASL_NONE, SASL_FIRST, SASL_FINAL, SASL_DONE };

struct pg {
    struct probe_machine m;
    enum stage stage;
    enum sasl_state sasl;
    struct scram scram;
    bool logged_in, saw_row;
    bool standby, standby_known;
    char version[48];            /* with a space before, or "" */
    char missing[96], found[96]; /* names of tables, for the text */
    bool any_missing;
};

/* One message of the server. */
struct message {
    char type;
    const char *body;
    size_t len;
};

static struct pg *pg_of(struct probe_machine *m)
{
    return CONTAINER_OF(m, struct pg, m);
}

static const char *pg_stage(const struct probe_machine *m)
{
    return stage_texts[((const struct pg *)(const void *)m)->stage];
}

static void pg_release(struct probe_machine *m)
{
    scram_release(&pg_of(m)->scram);
}

static const char *pg_user(const struct probe_machine *m)
{
    return str_empty(m->spec->user) ? "postgres" : m->spec->user;
}

/* --- writing --- */

static void put32(struct buf *out, uint32_t v)
{
    const char raw[4] = {(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v};
    buf_append(out, raw, sizeof(raw));
}

static uint32_t get32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return ((uint32_t)u[0] << 24) | ((uint32_t)u[1] << 16) | ((uint32_t)u[2] << 8) | u[3];
}

static uint32_t get16(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return ((uint32_t)u[0] << 8) | u[1];
}

static void put_text(struct buf *out, const char *s)
{
    buf_append(out, s, strlen(s) + 1);
}

static void put_message(struct buf *out, char type, const void *body, size_t len)
{
    buf_char(out, type);
    put32(out, (uint32_t)len + 4);
    buf_append(out, body, len);
}

static void send_startup(const struct probe_machine *m, struct buf *out)
{
    CLEANUP_BUF struct buf body = BUF_INIT;
    put32(&body, 3U << 16);
    put_text(&body, "user");
    put_text(&body, pg_user(m));
    if (!str_empty(m->spec->database)) {
        put_text(&body, "database");
        put_text(&body, m->spec->database);
    }
    put_text(&body, "application_name");
    put_text(&body, "fettle");
    put_text(&body, "client_encoding");
    put_text(&body, "UTF8");
    buf_char(&body, '\0');
    put32(out, (uint32_t)body.len + 4);
    buf_append(out, body.data, body.len);
}

/* 'text' with quotes doubled; E'' where a backslash would depend on the server's settings. */
static void put_literal(struct buf *sql, const char *text)
{
    buf_str(sql, strchr(text, '\\') ? "E'" : "'");
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\') {
            buf_char(sql, *p);
        }
        buf_char(sql, *p);
    }
    buf_char(sql, '\'');
}

static void send_query(struct buf *out, const char *sql)
{
    put_message(out, 'Q', sql, strlen(sql) + 1);
}

static void send_check(struct pg *pg, struct buf *out)
{
    const struct probe_spec *spec = pg->m.spec;
    CLEANUP_BUF struct buf sql = BUF_INIT;
    buf_str(&sql, "SELECT 1");
    if (!pg->standby_known) {
        buf_str(&sql, ", pg_catalog.pg_is_in_recovery()");
    }
    for (size_t i = 0; i < spec->table_count; i++) {
        buf_str(&sql, ", pg_catalog.to_regclass(");
        put_literal(&sql, spec->tables[i]);
        buf_str(&sql, ") IS NOT NULL");
    }
    send_query(out, buf_text(&sql));
    pg->saw_row = false;
    pg->stage = STAGE_CHECK;
}

/* --- login --- */

static enum probe_want auth_unsupported(struct outcome *ret, uint32_t method)
{
    const char *name = method == 2   ? "Kerberos 5"
                       : method == 6 ? "SCM credentials"
                       : method == 7 ? "GSSAPI"
                       : method == 9 ? "SSPI"
                                     : "an unknown method";
    return probe_finish(
        ret, VERDICT_NEVER, LAYER_AUTH, "auth-method",
        "PostgreSQL wants a login by %s, which fettle does not do: give the probe a "
        "user with a password in pg_hba.conf",
        name);
}

static enum probe_want no_password(struct pg *pg, struct outcome *ret)
{
    if (pg->m.spec->origin == PROBE_INFERRED) {
        /* The guess knows no password; the server has shown that it takes logins. */
        return probe_finish(ret, VERDICT_READY, LAYER_AUTH, "login-unproved",
                            "PostgreSQL accepts connections; login not proved: no password known");
    }
    return probe_finish(ret, VERDICT_NEVER, LAYER_AUTH, "no-password",
                        "PostgreSQL asks for the password of \"%s\" and none is given",
                        pg_user(&pg->m));
}

static bool md5_hex(const char *a, size_t a_len, const char *b, size_t b_len, char *hex)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1 &&
              EVP_DigestUpdate(ctx, a, a_len) == 1 && EVP_DigestUpdate(ctx, b, b_len) == 1 &&
              EVP_DigestFinal_ex(ctx, digest, &n) == 1 && n == 16;
    EVP_MD_CTX_free(ctx);
    for (unsigned i = 0; ok && i < n; i++) {
        snprintf(hex + (size_t)2 * i, 3, "%02x", digest[i]);
    }
    return ok;
}

static enum probe_want send_md5(struct pg *pg, const char *salt, struct buf *out,
                                struct outcome *ret)
{
    const char *password = pg->m.spec->password, *user = pg_user(&pg->m);
    char inner[33], text[36] = "md5";
    if (!md5_hex(password, strlen(password), user, strlen(user), inner) ||
        !md5_hex(inner, 32, salt, 4, text + 3)) {
        return probe_finish(ret, VERDICT_NEVER, LAYER_AUTH, "auth-method",
                            "PostgreSQL wants an MD5 login and this machine forbids MD5");
    }
    put_message(out, 'p', text, sizeof(text));
    return PROBE_WANT_READ;
}

static enum probe_want sasl_start(struct pg *pg, const struct message *msg, struct buf *out,
                                  struct outcome *ret)
{
    static const char mechanism[] = "SCRAM-SHA-256";
    const char *p = msg->body + 4, *end = msg->body + msg->len;
    bool offered = false;
    while (p < end && *p) {
        size_t n = strnlen(p, (size_t)(end - p));
        offered = offered || (n == sizeof(mechanism) - 1 && memcmp(p, mechanism, n) == 0);
        p += n + 1;
    }
    if (!offered) {
        return auth_unsupported(ret, AUTH_SASL);
    }
    if (pg->sasl != SASL_NONE) {
        return probe_garbage(&pg->m, ret, "it starts a second login");
    }
    CLEANUP_BUF struct buf first = BUF_INIT, body = BUF_INIT;
    scram_init(&pg->scram, "", pg->m.nonce);
    scram_client_first(&pg->scram, &first);
    put_text(&body, mechanism);
    put32(&body, (uint32_t)first.len);
    buf_append(&body, first.data, first.len);
    put_message(out, 'p', body.data, body.len);
    pg->sasl = SASL_FIRST;
    return PROBE_WANT_READ;
}

static enum probe_want sasl_continue(struct pg *pg, const struct message *msg, struct buf *out,
                                     struct outcome *ret)
{
    CLEANUP_BUF struct buf final = BUF_INIT;
    struct err err = {0};
    if (pg->sasl != SASL_FIRST) {
        return probe_garbage(&pg->m, ret, "the SCRAM messages are out of order");
    }
    if (scram_client_final(&pg->scram, pg->m.spec->password, msg->body + 4, msg->len - 4,
                           pg->m.cache, &final, &err) < 0) {
        return probe_finish(ret, VERDICT_NEVER, LAYER_AUTH, "scram", "PostgreSQL: %s", err.message);
    }
    put_message(out, 'p', final.data, final.len);
    pg->sasl = SASL_FINAL;
    return PROBE_WANT_READ;
}

static enum probe_want sasl_final(struct pg *pg, const struct message *msg, struct outcome *ret)
{
    struct err err = {0};
    char text[120];
    if (pg->sasl != SASL_FINAL) {
        return probe_garbage(&pg->m, ret, "the SCRAM messages are out of order");
    }
    if (scram_server_final(&pg->scram, msg->body + 4, msg->len - 4, &err) < 0) {
        probe_peer_text(&pg->m, err.message, strlen(err.message), text, sizeof(text));
        return probe_finish(ret, VERDICT_NEVER, LAYER_AUTH, "scram", "PostgreSQL: %s", text);
    }
    pg->sasl = SASL_DONE;
    return PROBE_WANT_READ;
}

static enum probe_want on_auth(struct pg *pg, const struct message *msg, struct buf *out,
                               struct outcome *ret)
{
    const char *password = pg->m.spec->password;
    if (msg->len < 4 || pg->logged_in) {
        return probe_garbage(&pg->m, ret, "an authentication message is out of place");
    }
    uint32_t method = get32(msg->body);
    bool wants_password = method == AUTH_CLEARTEXT || method == AUTH_MD5 || method == AUTH_SASL;
    if (wants_password && str_empty(password)) {
        return no_password(pg, ret);
    }
    switch (method) {
    case AUTH_OK:
        if (pg->sasl != SASL_NONE && pg->sasl != SASL_DONE) {
            return probe_garbage(&pg->m, ret, "it ends the SCRAM login without proving itself");
        }
        pg->logged_in = true;
        return PROBE_WANT_READ;
    case AUTH_CLEARTEXT:
        put_message(out, 'p', password, strlen(password) + 1);
        return PROBE_WANT_READ;
    case AUTH_MD5:
        if (msg->len < 8) {
            return probe_garbage(&pg->m, ret, "the MD5 salt is missing");
        }
        return send_md5(pg, msg->body + 4, out, ret);
    case AUTH_SASL:
        return sasl_start(pg, msg, out, ret);
    case AUTH_SASL_CONTINUE:
        return sasl_continue(pg, msg, out, ret);
    case AUTH_SASL_FINAL:
        return sasl_final(pg, msg, ret);
    default:
        return auth_unsupported(ret, method);
    }
}

/* --- after the login --- */

static void on_parameter(struct pg *pg, const struct message *msg)
{
    size_t n = strnlen(msg->body, msg->len);
    if (n >= msg->len) {
        return;
    }
    const char *value = msg->body + n + 1;
    size_t len = strnlen(value, msg->len - n - 1);
    if (strcmp(msg->body, "server_version") == 0) {
        /* "15.10 (Debian 15.10-0+deb12u1)": the number is enough. */
        const char *space = memchr(value, ' ', len);
        pg->version[0] = ' ';
        probe_peer_text(&pg->m, value, space ? (size_t)(space - value) : len, pg->version + 1,
                        sizeof(pg->version) - 1);
    } else if (strcmp(msg->body, "in_hot_standby") == 0) {
        pg->standby_known = true;
        pg->standby = len == 2 && memcmp(value, "on", 2) == 0;
    }
}

/* The columns of our query: 1, [pg_is_in_recovery], one boolean per table. */
static bool on_row(struct pg *pg, const struct message *msg)
{
    const struct probe_spec *spec = pg->m.spec;
    const char *p = msg->body, *end = msg->body + msg->len;
    size_t fixed = pg->standby_known ? 1 : 2;
    if (msg->len < 2) {
        return false;
    }
    size_t columns = get16(p);
    p += 2;
    if (columns != fixed + spec->table_count || pg->saw_row) {
        return false;
    }
    for (size_t i = 0; i < columns; i++) {
        if (end - p < 4) {
            return false;
        }
        uint32_t len = get32(p);
        p += 4;
        if (len > (size_t)(end - p)) { /* NULL (-1) too: none of ours can be */
            return false;
        }
        bool yes = len == 1 && *p == 't';
        if (i == 1 && !pg->standby_known) {
            pg->standby = yes;
        } else if (i >= fixed) {
            const char *name = spec->tables[i - fixed];
            pg->any_missing = pg->any_missing || !yes;
            probe_list_add(yes ? pg->found : pg->missing, sizeof(pg->found), name);
        }
        p += len;
    }
    pg->saw_row = true;
    return true;
}

static enum probe_want finish_ready(struct pg *pg, struct buf *out, struct outcome *ret)
{
    const struct probe_spec *spec = pg->m.spec;
    put_message(out, 'X', "", 0);
    if (pg->any_missing) {
        return probe_finish(ret, VERDICT_NOT_YET, LAYER_APP, "42P01",
                            "PostgreSQL%s: login as %s, but no table %s yet", pg->version,
                            pg_user(&pg->m), pg->missing);
    }
    return probe_finish(
        ret, VERDICT_READY, LAYER_APP, "", "PostgreSQL%s%s: login as %s%s%s, %s%s%s%s", pg->version,
        pg->standby ? " standby (read only)" : "", pg_user(&pg->m), spec->database ? " to " : "",
        spec->database ? spec->database : "", spec->query ? "the query works" : "SELECT 1",
        *pg->found ? ", tables " : "", pg->found, *pg->found ? " found" : "");
}

/* ReadyForQuery: the server waits for us. */
static enum probe_want on_ready(struct pg *pg, struct buf *out, struct outcome *ret)
{
    switch (pg->stage) {
    case STAGE_LOGIN:
        if (!pg->logged_in) {
            return probe_garbage(&pg->m, ret, "it takes queries before the login");
        }
        send_check(pg, out);
        return PROBE_WANT_READ;
    case STAGE_CHECK:
        if (!pg->saw_row) {
            return probe_garbage(&pg->m, ret, "SELECT 1 has no row");
        }
        if (pg->m.spec->query && !pg->any_missing) {
            send_query(out, pg->m.spec->query);
            pg->stage = STAGE_USER_QUERY;
            return PROBE_WANT_READ;
        }
        return finish_ready(pg, out, ret);
    default:
        return finish_ready(pg, out, ret);
    }
}

static enum probe_want on_error(struct pg *pg, const struct message *msg, struct buf *out,
                                struct outcome *ret)
{
    if (pg->logged_in) {
        put_message(out, 'X', "", 0);
    }
    enum probe_want want = pg_error_outcome(&pg->m, msg->body, msg->len, pg->logged_in, ret);
    bool login = ret->layer == LAYER_AUTH || strcmp(ret->code, "3D000") == 0;
    /* 28000 on a plain connection: the runner tries TLS first. */
    bool final = pg->m.tls || strcmp(ret->code, "28000") != 0;
    if (pg->m.spec->lenient && login && final && ret->verdict == VERDICT_NEVER) {
        char why[sizeof(ret->code)];
        memcpy(why, ret->code, sizeof(why));
        return probe_finish(ret, VERDICT_READY, LAYER_AUTH, "login-unproved",
                            "PostgreSQL accepts connections; the login that its environment "
                            "suggests is refused (%s)",
                            why);
    }
    return want;
}

static enum probe_want on_message(struct pg *pg, const struct message *msg, struct buf *out,
                                  struct outcome *ret)
{
    switch (msg->type) {
    case 'R':
        return on_auth(pg, msg, out, ret);
    case 'E':
        return on_error(pg, msg, out, ret);
    case 'S':
        on_parameter(pg, msg);
        return PROBE_WANT_READ;
    case 'Z':
        return on_ready(pg, out, ret);
    case 'D':
        if (pg->stage == STAGE_CHECK && !on_row(pg, msg)) {
            return probe_garbage(&pg->m, ret, "the row for SELECT 1 is malformed");
        }
        return PROBE_WANT_READ;
    case 'G':
    case 'W':
    case 'H':
        return probe_finish(ret, VERDICT_NEVER, LAYER_CONFIG, "query",
                            "the query to prove with is a COPY: give one that returns rows");
    default:
        /* Notices, BackendKeyData, NegotiateProtocolVersion, RowDescription, CommandComplete... */
        return PROBE_WANT_READ;
    }
}

/* The type letters that a backend may send; anything else is another protocol. */
static bool is_backend_type(char c, bool logged_in)
{
    return c != '\0' && strchr(logged_in ? "RKSZvNETDCIAGHWdcnst123V" : "REvN", c) != NULL;
}

static enum probe_want step_messages(struct pg *pg, struct buf *out, struct outcome *ret)
{
    struct buf *in = &pg->m.in;
    size_t pos = 0;
    enum probe_want want = PROBE_WANT_READ;
    while (want == PROBE_WANT_READ && in->len - pos >= 5) {
        const char *p = in->data + pos;
        if (!is_backend_type(*p, pg->logged_in)) {
            return probe_garbage(&pg->m, ret,
                                 in->len >= 4 && memcmp(p, "HTTP", 4) == 0
                                     ? "it answers like an HTTP server"
                                     : "its answer is no message of PostgreSQL");
        }
        uint32_t len = get32(p + 1);
        if (len < 4 || len > MESSAGE_MAX) {
            return probe_garbage(&pg->m, ret,
                                 len < 4 || pg->stage == STAGE_LOGIN
                                     ? "its answer is no message of PostgreSQL"
                                     : "a message is larger than 64 KiB");
        }
        if (in->len - pos < (size_t)len + 1) {
            break;
        }
        struct message msg = {*p, p + 5, len - 4};
        want = on_message(pg, &msg, out, ret);
        pos += (size_t)len + 1;
    }
    buf_consume(in, pos);
    return want;
}

static enum probe_want on_tls_reply(struct pg *pg, struct buf *out, struct outcome *ret)
{
    struct buf *in = &pg->m.in;
    if (in->len == 0) {
        return PROBE_WANT_READ;
    }
    if (in->data[0] == 'E') {
        /* A server that is full or shutting down may answer with an error at once. */
        pg->stage = STAGE_LOGIN;
        return step_messages(pg, out, ret);
    }
    if (in->data[0] == 'N') {
        return probe_finish(ret, VERDICT_NEVER, LAYER_TLS, "no-tls",
                            "PostgreSQL has no TLS and the probe asks for it: switch ssl on in the "
                            "server, or ask for sslmode=disable");
    }
    if (in->data[0] != 'S' || in->len != 1) {
        /* Bytes after the S came before the handshake: someone in between put them there. */
        return probe_garbage(&pg->m, ret, "its answer to the TLS request is malformed");
    }
    buf_clear(in);
    pg->stage = STAGE_TLS;
    return PROBE_WANT_TLS;
}

static enum probe_want check_spec(const struct probe_machine *m, struct outcome *ret)
{
    const struct probe_spec *spec = m->spec;
    if (spec->table_count > TABLES_MAX) {
        return probe_finish(ret, VERDICT_NEVER, LAYER_CONFIG, "config",
                            "%zu tables to look for, at most %d are allowed", spec->table_count,
                            TABLES_MAX);
    }
    return PROBE_WANT_READ;
}

static enum probe_want pg_step(struct probe_machine *m, struct buf *out, struct outcome *ret)
{
    struct pg *pg = pg_of(m);
    switch (pg->stage) {
    case STAGE_START:
        if (check_spec(m, ret) == PROBE_DONE) {
            return PROBE_DONE;
        }
        if (m->tls) {
            put32(out, 8);
            put32(out, 80877103); /* SSLRequest */
            pg->stage = STAGE_TLS_REPLY;
            return PROBE_WANT_READ;
        }
        send_startup(m, out);
        pg->stage = STAGE_LOGIN;
        return PROBE_WANT_READ;
    case STAGE_TLS_REPLY:
        return on_tls_reply(pg, out, ret);
    case STAGE_TLS:
        send_startup(m, out);
        pg->stage = STAGE_LOGIN;
        return step_messages(pg, out, ret);
    default:
        return step_messages(pg, out, ret);
    }
}

const struct probe_ops probe_postgres_ops = {
    .size = sizeof(struct pg),
    .max_in = (size_t)256 << 10,
    .name = "PostgreSQL",
    .stage = pg_stage,
    .release = pg_release,
    .step = pg_step,
};
