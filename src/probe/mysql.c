/*
 * MySQL and MariaDB, client/server protocol version 10: greeting, TLS, login
 * (mysql_native_password, caching_sha2_password with its RSA exchange), one query that shows that
 * the server works and the tables are there. Logins are always tried to their end: a server locks
 * out a host that often leaves in the middle. Owns no socket; driven by probe_step().
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probe/machine.h"
#include "probe/mysql_auth.h"

enum {
    PACKET_MAX = 64 << 10,
    TABLES_MAX = 64,
    CAP_LONG_PASSWORD = 0x1,
    CAP_WITH_DB = 0x8,
    CAP_PROTOCOL_41 = 0x200,
    CAP_SSL = 0x800,
    CAP_TRANSACTIONS = 0x2000,
    CAP_SECURE = 0x8000,
    CAP_PLUGIN_AUTH = 0x80000,
    CHARSET_UTF8 = 33,
    ERR_MARK = 0xff,
    EOF_MARK = 0xfe
};

enum stage { STAGE_GREETING, STAGE_TLS, STAGE_LOGIN, STAGE_COLUMNS, STAGE_ROWS, STAGE_COUNT };

static const char *const stage_texts[] = {"the greeting", "the TLS handshake",
                                          "the end of the login", "the answer to SELECT 1",
                                          "the answer to SELECT 1"};
_Static_assert(ARRAY_LEN(stage_texts) == STAGE_COUNT, "every stage has a text");

struct mysql {
    struct probe_machine m;
    enum stage stage;
    uint8_t seq; /* of the next packet we send */
    uint8_t scramble[MYSQL_SCRAMBLE];
    char plugin[48];
    char version[48];
    uint32_t caps; /* the server's */
    uint64_t columns;
    bool saw_row, any_missing, asked_key;
    char missing[96], found[96];
};

struct packet {
    const uint8_t *p;
    size_t len;
};

static struct mysql *mysql_of(struct probe_machine *m)
{
    return CONTAINER_OF(m, struct mysql, m);
}

static const char *mysql_stage(const struct probe_machine *m)
{
    return stage_texts[((const struct mysql *)(const void *)m)->stage];
}

static const char *mysql_user(const struct mysql *my)
{
    return str_empty(my->m.spec->user) ? "root" : my->m.spec->user;
}

static const char *password_of(const struct mysql *my)
{
    return my->m.spec->password ? my->m.spec->password : "";
}

/* --- writing --- */

static void put_le(struct buf *out, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        buf_char(out, (char)(v >> (8 * i)));
    }
}

static void put_packet(struct mysql *my, struct buf *out, const void *data, size_t len)
{
    put_le(out, len, 3);
    buf_char(out, (char)my->seq++);
    buf_append(out, data, len);
}

static uint32_t our_caps(const struct mysql *my)
{
    return CAP_LONG_PASSWORD | CAP_PROTOCOL_41 | CAP_TRANSACTIONS | CAP_SECURE | CAP_PLUGIN_AUTH |
           (my->m.tls ? (uint32_t)CAP_SSL : 0) |
           (str_empty(my->m.spec->database) ? 0 : (uint32_t)CAP_WITH_DB);
}

static void put_login_head(struct mysql *my, struct buf *body)
{
    put_le(body, our_caps(my), 4);
    put_le(body, PACKET_MAX, 4);
    buf_char(body, CHARSET_UTF8);
    buf_repeat(body, '\0', 23);
}

static void put_text(struct buf *out, const char *s)
{
    buf_append(out, s, strlen(s) + 1);
}

static void send_login(struct mysql *my, struct buf *out)
{
    CLEANUP_BUF struct buf body = BUF_INIT, proof = BUF_INIT;
    mysql_auth_proof(my->plugin, password_of(my), my->scramble, &proof);
    put_login_head(my, &body);
    put_text(&body, mysql_user(my));
    buf_char(&body, (char)proof.len);
    buf_append(&body, buf_text(&proof), proof.len);
    if (!str_empty(my->m.spec->database)) {
        put_text(&body, my->m.spec->database);
    }
    put_text(&body, my->plugin);
    put_packet(my, out, body.data, body.len);
    my->stage = STAGE_LOGIN;
}

static void put_literal(struct buf *sql, const char *text)
{
    buf_char(sql, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\') {
            buf_char(sql, *p == '\\' ? '\\' : '\'');
        }
        buf_char(sql, *p);
    }
    buf_char(sql, '\'');
}

static void send_query(struct mysql *my, struct buf *out)
{
    const struct probe_spec *spec = my->m.spec;
    CLEANUP_BUF struct buf sql = BUF_INIT;
    buf_str(&sql, "\003SELECT 1");
    for (size_t i = 0; i < spec->table_count; i++) {
        buf_str(&sql, ",(SELECT COUNT(*) FROM information_schema.tables WHERE "
                      "table_schema=DATABASE() AND table_name=");
        put_literal(&sql, spec->tables[i]);
        buf_char(&sql, ')');
    }
    my->seq = 0;
    put_packet(my, out, sql.data, sql.len);
    my->stage = STAGE_COLUMNS;
}

/* --- errors --- */

static const struct {
    uint32_t code; /* 0 = all others */
    enum verdict verdict;
    enum probe_layer layer;
    const char *hint;
} errors[] = {
    {1040, VERDICT_NOT_YET, LAYER_APP, NULL}, /* too many connections */
    {1044, VERDICT_NEVER, LAYER_AUTH, NULL},  /* no right to the database */
    {1045, VERDICT_NEVER, LAYER_AUTH, "the volume may have been initialised with another password"},
    {1049, VERDICT_NEVER, LAYER_APP, NULL},   /* no such database */
    {1053, VERDICT_NOT_YET, LAYER_APP, NULL}, /* shutting down */
    {1129, VERDICT_NEVER, LAYER_AUTH, "FLUSH HOSTS unlocks it"},
    {1130, VERDICT_NEVER, LAYER_AUTH, NULL}, /* host not allowed */
    {1251, VERDICT_NEVER, LAYER_AUTH, NULL}, /* authentication protocol */
    {1524, VERDICT_NEVER, LAYER_AUTH, NULL}, /* plugin not loaded */
    {1698, VERDICT_NEVER, LAYER_AUTH, "this user may only come over the Unix socket"},
    {1820, VERDICT_NEVER, LAYER_AUTH, NULL}, /* password expired */
    {3159, VERDICT_NEVER, LAYER_TLS, "the server insists on TLS"},
    {0, VERDICT_NOT_YET, LAYER_APP, NULL},
};

static enum probe_want on_error(struct mysql *my, const struct packet *pk, struct outcome *ret)
{
    char code[16], text[130];
    if (pk->len < 3) {
        return probe_garbage(&my->m, ret, "an error without a code");
    }
    uint32_t number = pk->p[1] | (uint32_t)pk->p[2] << 8;
    size_t skip = pk->len >= 9 && pk->p[3] == '#' ? 9 : 3, i = 0;
    probe_peer_text(&my->m, (const char *)pk->p + skip, pk->len - skip, text, sizeof(text));
    snprintf(code, sizeof(code), "mysql-%u", number);
    while (errors[i].code != 0 && errors[i].code != number) {
        i++;
    }
    bool login = number == 1045 || number == 1698 || number == 1049 || number == 1044;
    const struct probe_spec *spec = my->m.spec;
    if (login && spec->origin == PROBE_INFERRED && (spec->lenient || !spec->password)) {
        return probe_finish(ret, VERDICT_READY, LAYER_AUTH, "login-unproved",
                            "MySQL answers; login not proved: what its environment suggests is "
                            "refused (%u)",
                            number);
    }
    return probe_finish(ret, errors[i].verdict, errors[i].layer, code, "MySQL: %s (%u)%s%s", text,
                        number, errors[i].hint ? "; " : "", errors[i].hint ? errors[i].hint : "");
}

/* --- the greeting --- */

/* version NUL, thread 4, scramble 8, 0, caps 2, charset 1, status 2, caps 2, length 1, 10 zeros,
 * scramble 13, plugin NUL */
static bool parse_greeting(struct mysql *my, const struct packet *pk)
{
    const uint8_t *end = pk->p + pk->len, *p = pk->p + 1;
    const uint8_t *nul = memchr(p, '\0', (size_t)(end - p));
    if (pk->p[0] != 10 || !nul || end - nul < 1 + 4 + 8 + 1 + 2 + 1 + 2 + 2 + 1 + 10 + 13) {
        return false;
    }
    probe_peer_text(&my->m, (const char *)p, (size_t)(nul - p), my->version, sizeof(my->version));
    p = nul + 1 + 4;
    memcpy(my->scramble, p, 8);
    p += 9;
    my->caps = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 24;
    p += 18;
    memcpy(my->scramble + 8, p, MYSQL_SCRAMBLE - 8);
    p += 13;
    size_t n = strnlen((const char *)p, (size_t)(end - p));
    snprintf(my->plugin, sizeof(my->plugin), "%.*s", (int)(n < sizeof(my->plugin) ? n : 0),
             (const char *)p);
    if (!mysql_auth_knows(my->plugin)) { /* the server will switch to the user's own */
        snprintf(my->plugin, sizeof(my->plugin), "%s", MYSQL_NATIVE);
    }
    return (my->caps & CAP_PROTOCOL_41) && (my->caps & CAP_SECURE);
}

static enum probe_want on_greeting(struct mysql *my, const struct packet *pk, struct buf *out,
                                   struct outcome *ret)
{
    if (pk->p[0] == ERR_MARK) {
        return on_error(my, pk, ret);
    }
    if (!parse_greeting(my, pk)) {
        return probe_garbage(&my->m, ret, "its greeting is not that of MySQL");
    }
    if (!my->m.tls) {
        send_login(my, out);
        return PROBE_WANT_READ;
    }
    if (!(my->caps & CAP_SSL)) {
        return probe_finish(ret, VERDICT_NEVER, LAYER_TLS, "no-tls",
                            "MySQL has no TLS and the probe asks for it");
    }
    CLEANUP_BUF struct buf body = BUF_INIT;
    put_login_head(my, &body);
    put_packet(my, out, body.data, body.len);
    my->stage = STAGE_TLS;
    return PROBE_WANT_TLS;
}

/* --- the login --- */

static enum probe_want unknown_plugin(struct mysql *my, struct outcome *ret)
{
    char plugin[48];
    probe_peer_text(&my->m, my->plugin, strlen(my->plugin), plugin, sizeof(plugin));
    bool guess = my->m.spec->origin == PROBE_INFERRED;
    return probe_finish(ret, guess ? VERDICT_READY : VERDICT_NEVER, LAYER_AUTH,
                        guess ? "login-unproved" : "auth-method",
                        "MySQL answers, but wants a login by %s, which fettle does not do", plugin);
}

/* 0xfe plugin NUL scramble NUL */
static enum probe_want on_switch(struct mysql *my, const struct packet *pk, struct buf *out,
                                 struct outcome *ret)
{
    CLEANUP_BUF struct buf proof = BUF_INIT;
    size_t n = strnlen((const char *)pk->p + 1, pk->len - 1);
    if (n >= sizeof(my->plugin) || n + 1 >= pk->len) {
        return probe_garbage(&my->m, ret, "its request for another login is malformed");
    }
    memcpy(my->plugin, pk->p + 1, n + 1);
    if (!mysql_auth_knows(my->plugin)) {
        return unknown_plugin(my, ret);
    }
    if (pk->len - n - 2 < MYSQL_SCRAMBLE) {
        return probe_garbage(&my->m, ret, "its request for another login is malformed");
    }
    memcpy(my->scramble, pk->p + n + 2, MYSQL_SCRAMBLE);
    mysql_auth_proof(my->plugin, password_of(my), my->scramble, &proof);
    put_packet(my, out, buf_text(&proof), proof.len);
    return PROBE_WANT_READ;
}

/* caching_sha2_password: 3 = known, wait for OK; 4 = send the password itself; else the RSA key. */
static enum probe_want on_more(struct mysql *my, const struct packet *pk, struct buf *out,
                               struct outcome *ret)
{
    CLEANUP_BUF struct buf secret = BUF_INIT;
    if (strcmp(my->plugin, MYSQL_CACHING_SHA2) != 0 || pk->len < 2) {
        return probe_garbage(&my->m, ret, "its login goes on where it should end");
    }
    if (my->asked_key) {
        my->asked_key = false;
        if (mysql_auth_encrypt((const char *)pk->p + 1, pk->len - 1, password_of(my), my->scramble,
                               &secret) < 0) {
            return probe_garbage(&my->m, ret, "its key for the login cannot be used");
        }
        put_packet(my, out, secret.data, secret.len);
    } else if (pk->p[1] == 4 && my->m.tls) {
        put_packet(my, out, password_of(my), strlen(password_of(my)) + 1);
    } else if (pk->p[1] == 4) {
        put_packet(my, out, "\002", 1);
        my->asked_key = true;
    } else if (pk->p[1] != 3) {
        return probe_garbage(&my->m, ret, "its login goes on where it should end");
    }
    return PROBE_WANT_READ;
}

static enum probe_want on_login(struct mysql *my, const struct packet *pk, struct buf *out,
                                struct outcome *ret)
{
    switch (pk->p[0]) {
    case 0:
        send_query(my, out);
        return PROBE_WANT_READ;
    case ERR_MARK:
        return on_error(my, pk, ret);
    case EOF_MARK:
        return on_switch(my, pk, out, ret);
    case 1:
        return on_more(my, pk, out, ret);
    default:
        return probe_garbage(&my->m, ret, "its answer to the login is malformed");
    }
}

/* --- the answer --- */

static bool is_eof(const struct packet *pk)
{
    return pk->p[0] == EOF_MARK && pk->len < 9;
}

/* Columns are short texts: one length byte each. */
static bool on_row(struct mysql *my, const struct packet *pk)
{
    const struct probe_spec *spec = my->m.spec;
    size_t at = 0;
    for (size_t i = 0; i <= spec->table_count; i++) {
        if (at >= pk->len || pk->p[at] > 250 || pk->p[at] > pk->len - at - 1) {
            return false;
        }
        size_t len = pk->p[at];
        bool none = len == 1 && pk->p[at + 1] == '0';
        if (i > 0) {
            my->any_missing = my->any_missing || none;
            probe_list_add(none ? my->missing : my->found, sizeof(my->found), spec->tables[i - 1]);
        }
        at += 1 + len;
    }
    my->saw_row = true;
    return at == pk->len;
}

static enum probe_want finish_ready(struct mysql *my, struct buf *out, struct outcome *ret)
{
    const struct probe_spec *spec = my->m.spec;
    my->seq = 0;
    put_packet(my, out, "\001", 1); /* COM_QUIT */
    if (my->any_missing) {
        return probe_finish(ret, VERDICT_NOT_YET, LAYER_APP, "no-table",
                            "MySQL %s: login as %s, but no table %s yet", my->version,
                            mysql_user(my), my->missing);
    }
    return probe_finish(ret, VERDICT_READY, LAYER_APP, "",
                        "MySQL %s: login as %s%s%s, SELECT 1%s%s%s", my->version, mysql_user(my),
                        str_empty(spec->database) ? "" : " to ",
                        str_empty(spec->database) ? "" : spec->database,
                        *my->found ? ", tables " : "", my->found, *my->found ? " found" : "");
}

static enum probe_want on_columns(struct mysql *my, const struct packet *pk, struct outcome *ret)
{
    if (pk->p[0] == ERR_MARK) {
        return on_error(my, pk, ret);
    }
    if (my->columns == 0) {
        my->columns = pk->p[0];
        return my->columns == my->m.spec->table_count + 1
                   ? PROBE_WANT_READ
                   : probe_garbage(&my->m, ret, "its answer to SELECT 1 is malformed");
    }
    if (is_eof(pk)) {
        my->stage = STAGE_ROWS;
    }
    return PROBE_WANT_READ;
}

static enum probe_want on_rows(struct mysql *my, const struct packet *pk, struct buf *out,
                               struct outcome *ret)
{
    if (pk->p[0] == ERR_MARK) {
        return on_error(my, pk, ret);
    }
    if (is_eof(pk)) {
        return my->saw_row ? finish_ready(my, out, ret)
                           : probe_garbage(&my->m, ret, "SELECT 1 has no row");
    }
    return !my->saw_row && on_row(my, pk)
               ? PROBE_WANT_READ
               : probe_garbage(&my->m, ret, "the row for SELECT 1 is malformed");
}

static enum probe_want on_packet(struct mysql *my, const struct packet *pk, struct buf *out,
                                 struct outcome *ret)
{
    switch (my->stage) {
    case STAGE_GREETING:
        return on_greeting(my, pk, out, ret);
    case STAGE_LOGIN:
        return on_login(my, pk, out, ret);
    case STAGE_COLUMNS:
        return on_columns(my, pk, ret);
    default:
        return on_rows(my, pk, out, ret);
    }
}

static enum probe_want step_packets(struct mysql *my, struct buf *out, struct outcome *ret)
{
    struct buf *in = &my->m.in;
    size_t pos = 0;
    enum probe_want want = PROBE_WANT_READ;
    while (want == PROBE_WANT_READ && in->len - pos >= 5) {
        const uint8_t *p = (const uint8_t *)in->data + pos;
        size_t len = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
        /* The greeting is packet 0; text protocols show here. */
        if (len == 0 || len > PACKET_MAX || (my->stage == STAGE_GREETING && p[3] > 1)) {
            return probe_garbage(&my->m, ret, "its answer is no packet of MySQL");
        }
        if (in->len - pos < len + 4) {
            break;
        }
        struct packet pk = {p + 4, len};
        my->seq = (uint8_t)(p[3] + 1);
        pos += len + 4;
        want = on_packet(my, &pk, out, ret);
    }
    buf_consume(in, pos);
    if (want == PROBE_WANT_TLS && in->len > 0) {
        return probe_garbage(&my->m, ret, "it sends more before the TLS handshake");
    }
    return want;
}

static enum probe_want mysql_step(struct probe_machine *m, struct buf *out, struct outcome *ret)
{
    struct mysql *my = mysql_of(m);
    if (m->spec->table_count > TABLES_MAX) {
        return probe_finish(ret, VERDICT_NEVER, LAYER_CONFIG, "config",
                            "%zu tables to look for, at most %d are allowed", m->spec->table_count,
                            TABLES_MAX);
    }
    if (my->stage == STAGE_TLS) {
        send_login(my, out);
    }
    return step_packets(my, out, ret);
}

const struct probe_ops probe_mysql_ops = {
    .size = sizeof(struct mysql),
    .max_in = (size_t)256 << 10,
    .name = "MySQL",
    .stage = mysql_stage,
    .step = mysql_step,
};
