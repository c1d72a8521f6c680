/*
 * PostgreSQL conversations, written down by hand after the protocol's documentation. PG() takes
 * messages without their lengths, separated by '|'; '^' stands for the start-up's missing type.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "probe/pg_error.h"
#include "probe/scram.h"
#include "script.h"

static struct arena arena;

static struct bytes pg_bytes(const char *text, size_t len)
{
    CLEANUP_BUF struct buf out = BUF_INIT;
    for (size_t i = 0; i <= len;) {
        const char *bar = memchr(text + i, '|', len - i);
        size_t n = bar ? (size_t)(bar - text) - i : len - i;
        const char size[4] = {0, 0, (char)((n + 3) >> 8), (char)(n + 3)};
        if (text[i] != '^') {
            buf_char(&out, text[i]);
        }
        buf_append(&out, size, 4);
        buf_append(&out, text + i + 1, n - 1);
        i += n + 1;
    }
    return (struct bytes){arena_copy(&arena, buf_text(&out), out.len), out.len};
}
#define PG(s) pg_bytes(s, sizeof(s) - 1)

#define STARTUP \
    "^\0\3\0\0user\0app\0database\0shop\0application_name\0fettle\0client_encoding\0UTF8\0\0"
#define AUTH_OK "R\0\0\0\0"
#define VERSION         \
    "Sserver_version\0" \
    "15.10 (Debian 15.10-0+deb12u1)\0"
#define STANDBY_OFF "Sin_hot_standby\0off\0"
#define STANDBY_ON "Sin_hot_standby\0on\0"
#define KEY "K\1\2\3\4\5\6\7\10"
#define IDLE "ZI"
#define SELECT_1 "QSELECT 1\0"
#define ROW_DESCRIPTION "T\0\1?column?\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\0"
#define ROW_1       \
    "D\0\1\0\0\0\1" \
    "1"
#define COMPLETE "CSELECT 1\0"
#define SASL_OFFER "R\0\0\0\12SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"

/* The example of RFC 7677, section 3: user "user", password "pencil". */
#define RFC_NONCE "rOprNGfwEbeRWgbNEkqO"
#define RFC_SERVER_FIRST                                                               \
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==," \
    "i=4096"
#define RFC_CLIENT_FINAL                                           \
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," \
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define RFC_SERVER_FINAL "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static const struct probe_spec declared = {
    .kind = PROBE_POSTGRES, .user = "app", .password = "pencil", .database = "shop"};

static void play(const struct turn *turns, size_t count, const char *nonce, struct outcome *ret)
{
    const struct script s = {
        .spec = &declared, .opt = {.nonce = nonce}, .turns = turns, .count = count};
    script_play(&s, ret);
}

static void test_trust(void **state)
{
    const struct turn turns[] = {
        {PG(STARTUP), PG(AUTH_OK "|" VERSION "|" STANDBY_OFF "|" KEY "|" IDLE), false},
        {PG(SELECT_1), PG(ROW_DESCRIPTION "|" ROW_1 "|" COMPLETE "|" IDLE), false},
    };
    struct outcome o;
    (void)state;
    play(turns, 2, NULL, &o);
    assert_outcome(&o, VERDICT_READY, "", NULL);
    assert_string_equal(o.text, "PostgreSQL 15.10: login as app to shop, SELECT 1");
}

static void test_cleartext(void **state)
{
    const struct turn turns[] = {
        {PG(STARTUP), PG("R\0\0\0\3"), false},
        {PG("ppencil\0"), PG(AUTH_OK "|" VERSION "|" STANDBY_ON "|" KEY "|" IDLE), false},
        {PG(SELECT_1), PG(ROW_DESCRIPTION "|" ROW_1 "|" COMPLETE "|" IDLE), false},
    };
    struct outcome o;
    (void)state;
    play(turns, 3, NULL, &o);
    assert_outcome(&o, VERDICT_READY, "", "standby (read only)");
}

static void test_md5(void **state)
{
    /* md5(md5("pencil" "app") "\1\2\3\4"), worked out with md5sum */
    const struct turn turns[] = {
        {PG(STARTUP), PG("R\0\0\0\5\1\2\3\4"), false},
        {PG("pmd54bfca4ca571b8df74c2fc2247888d96f\0"), PG(AUTH_OK "|" STANDBY_OFF "|" IDLE), false},
        {PG(SELECT_1), PG(ROW_1 "|" COMPLETE "|" IDLE), false},
    };
    struct outcome o;
    (void)state;
    play(turns, 3, NULL, &o);
    assert_outcome(&o, VERDICT_READY, "", "PostgreSQL: login as app");
}

static void test_scram_rfc(void **state)
{
    struct scram s;
    struct err err = {0};
    CLEANUP_BUF struct buf out = BUF_INIT;
    struct scram_cache *cache = scram_cache_new();
    const char *const wrong = "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    size_t hits = 0, misses = 0;
    (void)state;
    for (int i = 0; i < 3; i++) {
        scram_init(&s, "user", RFC_NONCE);
        buf_clear(&out);
        scram_client_first(&s, &out);
        assert_string_equal(buf_text(&out), "n,,n=user,r=" RFC_NONCE);
        buf_clear(&out);
        assert_int_equal(scram_client_final(&s, "pencil", RFC_SERVER_FIRST,
                                            strlen(RFC_SERVER_FIRST), cache, &out, &err),
                         0);
        assert_string_equal(buf_text(&out), RFC_CLIENT_FINAL);
        assert_int_equal(scram_server_final(&s, RFC_SERVER_FINAL, strlen(RFC_SERVER_FINAL), &err),
                         0);
        assert_int_equal(scram_server_final(&s, wrong, strlen(wrong), &err), -ERR_PROTOCOL);
        assert_int_equal(scram_server_final(&s, "v=", 2, &err), -ERR_PROTOCOL);
        assert_int_equal(scram_server_final(&s, "e=other-error", 13, &err), -ERR_REFUSED);
        scram_release(&s);
    }
    scram_cache_counts(cache, &hits, &misses);
    assert_int_equal(hits, 2);
    assert_int_equal(misses, 1);
    scram_cache_free(cache);
}

/* Another password, salt or count must not find the key of the first; more than fit push out. */
static void test_scram_cache(void **state)
{
    struct scram_cache *cache = scram_cache_new();
    size_t hits = 0, misses = 0;
    CLEANUP_BUF struct buf first = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct scram s;
        const char *password = i % 2 ? "pencil" : "pencils";
        buf_clear(&first);
        buf_clear(&a);
        buf_clear(&b);
        buf_printf(&first, "r=nx,s=%s,i=%d", i % 3 ? "W22Z" : "W22a", 1 + i % 5);
        scram_init(&s, "", "n");
        assert_int_equal(scram_client_final(&s, password, first.data, first.len, cache, &a, NULL),
                         0);
        assert_int_equal(scram_client_final(&s, password, first.data, first.len, NULL, &b, NULL),
                         0);
        assert_string_equal(buf_text(&a), buf_text(&b));
        scram_release(&s);
    }
    scram_cache_counts(cache, &hits, &misses);
    assert_int_equal(hits + misses, 40);
    assert_true(misses >= 30);
    scram_cache_free(cache);
}

static void test_scram_refuses(void **state)
{
    static const char *const firsts[] = {
        "",
        "r=",
        "m=ext,r=x",
        "r=other,s=W22Z,i=4096",
        "r=" RFC_NONCE ",s=W22Z,i=4096", /* not extended */
        "r=" RFC_NONCE "x,s=,i=4096",
        "r=" RFC_NONCE "x,s=W22,i=4096",
        "r=" RFC_NONCE "x,s=W2 Z,i=4096",
        "r=" RFC_NONCE "x,s=W22Z,i=0",
        "r=" RFC_NONCE "x,s=W22Z,i=-1",
        "r=" RFC_NONCE "x,s=W22Z,i=999999999",
        "r=" RFC_NONCE "x,s=W22Z,i=99999999999999999999999999",
        "r=" RFC_NONCE "x,s=W22Z",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(firsts); i++) {
        struct scram s;
        struct err err = {0};
        CLEANUP_BUF struct buf out = BUF_INIT;
        scram_init(&s, "", RFC_NONCE);
        assert_int_equal(
            scram_client_final(&s, "pencil", firsts[i], strlen(firsts[i]), NULL, &out, &err),
            -ERR_PROTOCOL);
        assert_int_equal(out.len, 0);
        scram_release(&s);
    }
}

static void test_saslprep(void **state)
{
    CLEANUP_BUF struct buf out = BUF_INIT;
    (void)state;
    scram_prepare("I\xc2\xadX\xe3\x80\x80y\xf0\x9f\x98\x80", &out);
    assert_string_equal(buf_text(&out), "IX y\xf0\x9f\x98\x80");
    buf_clear(&out);
    scram_prepare("a\xc2\xad\xff", &out);
    assert_string_equal(buf_text(&out), "a\xc2\xad\xff");
}

/* The client's two messages; user= is empty in PostgreSQL's SCRAM, so the proof is not the RFC's.
 */
static void scram_turns(struct turn *turns)
{
    struct scram s;
    struct err err = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    scram_init(&s, "", RFC_NONCE);
    buf_char(&text, 'p');
    assert_int_equal(scram_client_final(&s, "pencil", RFC_SERVER_FIRST, strlen(RFC_SERVER_FIRST),
                                        NULL, &text, &err),
                     0);
    scram_release(&s);
    turns[0] = (struct turn){PG(STARTUP), PG(SASL_OFFER), false};
    turns[1] = (struct turn){PG("pSCRAM-SHA-256\0\0\0\0\34n,,n=,r=" RFC_NONCE),
                             PG("R\0\0\0\13" RFC_SERVER_FIRST), false};
    turns[2].expect = pg_bytes(text.data, text.len);
}

static void test_scram_flow(void **state)
{
    struct turn turns[3] = {0};
    struct outcome o;
    (void)state;
    scram_turns(turns);
    turns[2].reply = PG("R\0\0\0\14" RFC_SERVER_FINAL "|" AUTH_OK "|" IDLE);
    play(turns, 3, RFC_NONCE, &o);
    assert_outcome(&o, VERDICT_NEVER, "scram", "signature is wrong");
    /* AuthenticationOk instead of the server's proof. */
    turns[2].reply = PG(AUTH_OK "|" IDLE);
    play(turns, 3, RFC_NONCE, &o);
    assert_outcome(&o, VERDICT_NEVER, "protocol", "without proving itself");
    turns[2].reply = PG(
        "ESFATAL\0C28P01\0Mpassword authentication failed for user \"app\"\0R1\0\0");
    play(turns, 3, RFC_NONCE, &o);
    assert_outcome(&o, VERDICT_NEVER, "28P01", "password authentication failed for user \"app\"");
    assert_true(probe_may_heal_after_init(&o));
}

static void test_tls(void **state)
{
    const struct turn turns[] = {
        {PG("^\4\322\26\57"), BYTES("S"), false},
        {BYTES(""), ANY, true},
        {PG(STARTUP), PG(AUTH_OK "|" STANDBY_OFF "|" IDLE), false},
        {PG(SELECT_1), PG(ROW_1 "|" COMPLETE "|" IDLE), false},
    };
    struct script s = {.spec = &declared, .opt = {.force_tls = true}, .turns = turns, .count = 4};
    struct outcome o;
    struct probe_spec spec = declared;
    (void)state;
    script_play(&s, &o);
    assert_outcome(&o, VERDICT_READY, "", "SELECT 1");
    spec.tls = true;
    script_reply(&spec, BYTES("N"), false, &o);
    assert_outcome(&o, VERDICT_NEVER, "no-tls", "has no TLS");
    script_reply(&spec, BYTES("H"), false, &o);
    assert_outcome(&o, VERDICT_NEVER, "protocol", NULL);
    script_reply(&spec, PG("ESFATAL\0C53300\0Msorry, too many clients already\0\0"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "53300", "too many clients");
    /* Bytes stuffed in front of the handshake. */
    struct probe_machine *m = probe_machine_new(&spec, NULL);
    CLEANUP_BUF struct buf out = BUF_INIT;
    assert_int_equal(probe_step(m, NULL, 0, false, &out, 0, &o), PROBE_WANT_READ);
    assert_int_equal(probe_step(m, "SR", 2, false, &out, 0, &o), PROBE_DONE);
    assert_outcome(&o, VERDICT_NEVER, "protocol", "malformed");
    probe_machine_free(m);
}

static void test_tables(void **state)
{
    static const char *const tables[] = {"users", "o'clock", "a\\b"};
    struct probe_spec spec = declared;
    struct outcome o;
    struct turn turns[] = {
        {PG(STARTUP), PG(AUTH_OK "|" VERSION "|" IDLE), false},
        {PG("QSELECT 1, pg_catalog.pg_is_in_recovery(), pg_catalog.to_regclass('users') IS NOT "
            "NULL, pg_catalog.to_regclass('o''clock') IS NOT NULL, "
            "pg_catalog.to_regclass(E'a\\\\b') IS NOT NULL\0"),
         ANY, false},
    };
    const struct script s = {.spec = &spec, .turns = turns, .count = 2};
    (void)state;
    spec.tables = tables;
    spec.table_count = 3;
#define ROW_5       \
    "D\0\5\0\0\0\1" \
    "1\0\0\0\1f\0\0\0\1t\0\0\0\1"
    turns[1].reply = PG(ROW_5 "f\0\0\0\1f|" COMPLETE "|" IDLE);
    script_play(&s, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "42P01", "no table o'clock, a\\b yet");
    turns[1].reply = PG(ROW_5 "t\0\0\0\1t|" COMPLETE "|" IDLE);
    script_play(&s, &o);
    assert_outcome(&o, VERDICT_READY, "", "SELECT 1, tables users, o'clock, a\\b found");
}

static void test_query(void **state)
{
    struct probe_spec spec = declared;
    struct outcome o;
    struct turn turns[] = {
        {ANY, PG(AUTH_OK "|" STANDBY_OFF "|" IDLE), false},
        {PG(SELECT_1), PG(ROW_1 "|" COMPLETE "|" IDLE), false},
        {PG("QSELECT now()\0"), PG("ESERROR\0C42P01\0Mrelation \"x\" does not exist\0\0"), false},
    };
    const struct script s = {.spec = &spec, .turns = turns, .count = 3};
    (void)state;
    spec.query = "SELECT now()";
    script_play(&s, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "42P01", "relation \"x\" does not exist");
    turns[2].reply = PG(ROW_1 "|" ROW_1 "|" COMPLETE "|" IDLE);
    script_play(&s, &o);
    assert_outcome(&o, VERDICT_READY, "", "the query works");
    turns[2].reply = PG("H\0\0\0");
    script_play(&s, &o);
    assert_outcome(&o, VERDICT_NEVER, "query", "COPY");
}

static void test_sqlstates(void **state)
{
    static const struct {
        const char *state;
        enum verdict verdict;
    } rows[] = {
        {"57P03", VERDICT_NOT_YET}, {"57P01", VERDICT_NOT_YET}, {"57P02", VERDICT_NOT_YET},
        {"53300", VERDICT_NOT_YET}, {"53100", VERDICT_NOT_YET}, {"08006", VERDICT_NOT_YET},
        {"08P01", VERDICT_NOT_YET}, {"28P01", VERDICT_NEVER},   {"28000", VERDICT_NEVER},
        {"3D000", VERDICT_NEVER},   {"42501", VERDICT_NEVER},   {"42P01", VERDICT_NOT_YET},
        {"42601", VERDICT_NEVER},   {"XX000", VERDICT_NOT_YET},
    };
    size_t count = 0;
    const struct pg_sqlstate *table = pg_sqlstate_table(&count);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[] = "ESFATAL\0C.....\0Mwhy\0";
        struct outcome o;
        memcpy(text + 9, rows[i].state, 5);
        script_reply(&declared, pg_bytes(text, sizeof(text)), false, &o);
        assert_outcome(&o, rows[i].verdict, rows[i].state, "why (");
    }
    /* No row is hidden by an earlier one; the last one takes all. */
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(pg_sqlstate_find(table[i].prefix), &table[i]);
    }
}

static void test_starting_up(void **state)
{
    struct outcome o;
    (void)state;
    script_reply(&declared,
                 PG("ESFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0R1\0\0"), true,
                 &o);
    assert_outcome(&o, VERDICT_NOT_YET, "57P03", NULL);
    assert_string_equal(
        o.text, "PostgreSQL refuses connections: the database system is starting up (57P03)");
    assert_false(probe_may_heal_after_init(&o));
}

static void test_no_password(void **state)
{
    struct probe_spec spec = {.kind = PROBE_POSTGRES, .origin = PROBE_INFERRED};
    struct outcome o;
    (void)state;
    script_reply(&spec, PG(SASL_OFFER), false, &o);
    assert_outcome(&o, VERDICT_READY, "login-unproved", "no password known");
    spec.origin = PROBE_DECLARED;
    script_reply(&spec, PG(SASL_OFFER), false, &o);
    assert_outcome(&o, VERDICT_NEVER, "no-password", "password of \"postgres\"");
    script_reply(&declared, PG("R\0\0\0\7"), false, &o);
    assert_outcome(&o, VERDICT_NEVER, "auth-method", "GSSAPI");
    script_reply(&declared, PG("R\0\0\0\12SCRAM-SHA-1\0\0x"), false, &o);
    assert_outcome(&o, VERDICT_NEVER, "auth-method", "unknown method");
}

static void test_garbage(void **state)
{
    const struct bytes rows[] = {
        BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"),
        BYTES("-ERR unknown command\r\n"),
        BYTES("\25\3\1\0\2\2\50"),
        BYTES("R\0\0\0\3"),
        BYTES("R\177\377\377\377"),
        BYTES("Rxxxx"),
        BYTES("\0\0\0\0\0\0\0\0"),
        PG("E"),
        PG("EMx\0\0"),
        PG("ZI"),
        PG("R"),
        PG("R\0\0\0\5\1\2"),
        PG("R\0\0\0\13"),
        PG("R\0\0\0\14"),
        PG(AUTH_OK "|Q"),
        PG(AUTH_OK "|" AUTH_OK),
    };
    struct probe_spec guess = declared;
    struct outcome o;
    (void)state;
    guess.origin = PROBE_INFERRED;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        script_reply(&declared, rows[i], false, &o);
        if (o.verdict != VERDICT_NEVER || strcmp(o.code, "protocol") != 0) {
            fail_msg("row %zu: %s [%s] %s", i, verdict_name(o.verdict), o.code, o.text);
        }
        assert_false(probe_is_binding(&guess, &o));
        assert_true(probe_is_binding(&declared, &o));
    }
    script_reply(&declared, BYTES(""), true, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "closed", "closed before the end of the login");
}

/* The answer to our query must fit it. */
static void test_bad_rows(void **state)
{
    const struct bytes rows[] = {
        PG(COMPLETE "|" IDLE),       PG("D\0"),           PG("D\0\2"), PG("D\0\1\0\0\0\1"),
        PG("D\0\1\377\377\377\377"), PG(ROW_1 "|" ROW_1),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct turn turns[] = {
            {ANY, PG(AUTH_OK "|" STANDBY_OFF "|" IDLE), false},
            {PG(SELECT_1), rows[i], false},
        };
        struct outcome o;
        play(turns, 2, NULL, &o);
        assert_outcome(&o, VERDICT_NEVER, "protocol", NULL);
    }
}

/* A notice of 64 KiB is allowed; what follows it is judged. */
static void test_oversized(void **state)
{
    struct outcome o;
    CLEANUP_BUF struct buf out = BUF_INIT;
    char block[4096];
    struct probe_machine *m = probe_machine_new(&declared, NULL);
    enum probe_want want = probe_step(m, NULL, 0, false, &out, 0, &o);
    (void)state;
    assert_int_equal(want, PROBE_WANT_READ);
    memset(block, 'x', sizeof(block));
    want = probe_step(m, "N\0\1\0\0", 5, false, &out, 0, &o);
    for (int i = 0; i < 20 && want != PROBE_DONE; i++) {
        want = probe_step(m, block, sizeof(block), false, &out, 0, &o);
    }
    assert_int_equal(want, PROBE_DONE);
    assert_outcome(&o, VERDICT_NEVER, "protocol", NULL);
    assert_int_equal(probe_step(m, "x", 1, false, &out, 0, &o), PROBE_DONE);
    probe_machine_free(m);
}

/* What the server says never shows the password, even when it echoes it. */
static void test_no_secret(void **state)
{
    struct outcome o;
    (void)state;
    script_reply(&declared, PG("ESFATAL\0CXX000\0Mbad \1\377pencil pencil\n\0\0"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "XX000", "bad ??*** *** (XX000)");
}

static int free_arena(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trust),       cmocka_unit_test(test_cleartext),
        cmocka_unit_test(test_md5),         cmocka_unit_test(test_scram_rfc),
        cmocka_unit_test(test_scram_cache), cmocka_unit_test(test_scram_refuses),
        cmocka_unit_test(test_saslprep),    cmocka_unit_test(test_scram_flow),
        cmocka_unit_test(test_tls),         cmocka_unit_test(test_tables),
        cmocka_unit_test(test_query),       cmocka_unit_test(test_sqlstates),
        cmocka_unit_test(test_starting_up), cmocka_unit_test(test_no_password),
        cmocka_unit_test(test_garbage),     cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_oversized),   cmocka_unit_test(test_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
