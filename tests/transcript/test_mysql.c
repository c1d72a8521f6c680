/*
 * MySQL conversations, written down by hand after the protocol's documentation. MY() takes packets
 * as
 * "<sequence number><payload>", separated by '|', and puts their lengths in front.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "probe/mysql_auth.h"
#include "script.h"

static struct arena arena;

static struct bytes my_bytes(const char *text, size_t len)
{
    CLEANUP_BUF struct buf out = BUF_INIT;
    for (size_t i = 0; i <= len;) {
        const char *bar = memchr(text + i, '|', len - i);
        size_t n = bar ? (size_t)(bar - text) - i : len - i;
        const char head[4] = {(char)(n - 1), (char)((n - 1) >> 8), 0, text[i]};
        buf_append(&out, head, 4);
        buf_append(&out, text + i + 1, n - 1);
        i += n + 1;
    }
    return (struct bytes){arena_copy(&arena, buf_text(&out), out.len), out.len};
}
#define MY(s) my_bytes(s, sizeof(s) - 1)

#define SCRAMBLE_8 "\1\2\3\4\5\6\7\10"
#define SCRAMBLE_12 "\11\12\13\14\15\16\17\20\21\22\23\24"
#define GREETING(plugin)                                                                  \
    "\0\12"                                                                               \
    "8.0.36\0"                                                                            \
    "\7\0\0\0" SCRAMBLE_8 "\0\377\377\377\2\0\377\337\25\0\0\0\0\0\0\0\0\0\0" SCRAMBLE_12 \
    "\0" plugin "\0"
#define ZEROS_23 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define HEAD(caps) caps "\0\0\1\0\41" ZEROS_23
/* Worked out by a script from the definition: SHA1(p) xor SHA1(scramble SHA1(SHA1(p))), and so on.
 */
#define NATIVE_PROOF \
    "\317\141\374\113\204\063\215\050\204\272\254\041\061\302\234\256\334\023\062\106"
#define SHA2_PROOF                                                                                 \
    "\200\113\030\217\105\145\332\345\141\161\023\067\016\025\141\203\311\034\376\366\335\107\024" \
    "\130\137\215\106\137\041\120\262\161"
#define CAPS "\11\242\10\0"
#define CAPS_TLS "\11\252\10\0"
#define LOGIN_NATIVE "\1" HEAD(CAPS) "app\0\24" NATIVE_PROOF "shop\0mysql_native_password\0"
#define LOGIN_SHA2 "\1" HEAD(CAPS) "app\0\40" SHA2_PROOF "shop\0caching_sha2_password\0"
#define OK_AT(seq) seq "\0\0\0\2\0\0\0"
#define QUERY "\0\003SELECT 1"
#define ANSWER(row)        \
    "\1\1|\2\3def\0\0\0\1" \
    "1\0\14|\3\376\0\0\2\0|\4" row "|\5\376\0\0\2\0"

static const struct probe_spec declared = {
    .kind = PROBE_MYSQL, .user = "app", .password = "pencil", .database = "shop"};

static void play(const struct probe_spec *spec, const struct turn *turns, size_t count,
                 struct outcome *ret)
{
    const struct script s = {.spec = spec, .turns = turns, .count = count};
    script_play(&s, ret);
}

static void test_native(void **state)
{
    const struct turn turns[] = {
        {BYTES(""), MY(GREETING("mysql_native_password")), false},
        {MY(LOGIN_NATIVE), MY(OK_AT("\2")), false},
        {MY(QUERY), MY(ANSWER("\0011")), false},
    };
    struct outcome o;
    (void)state;
    play(&declared, turns, 3, &o);
    assert_outcome(&o, VERDICT_READY, "", NULL);
    assert_string_equal(o.text, "MySQL 8.0.36: login as app to shop, SELECT 1");
}

static void test_caching_sha2(void **state)
{
    const struct turn turns[] = {
        {BYTES(""), MY(GREETING("caching_sha2_password")), false},
        {MY(LOGIN_SHA2), MY("\2\1\3|" OK_AT("\3")), false},
        {MY(QUERY), MY(ANSWER("\0011")), false},
    };
    struct outcome o;
    (void)state;
    play(&declared, turns, 3, &o);
    assert_outcome(&o, VERDICT_READY, "", "login as app");
}

/* The server's default is one plugin, the user's another. */
static void test_switch(void **state)
{
    const struct turn turns[] = {
        {BYTES(""), MY(GREETING("caching_sha2_password")), false},
        {MY(LOGIN_SHA2), MY("\2\376mysql_native_password\0" SCRAMBLE_8 SCRAMBLE_12 "\0"), false},
        {MY("\3" NATIVE_PROOF), MY(OK_AT("\4")), false},
        {MY(QUERY), MY(ANSWER("\0011")), false},
    };
    struct outcome o;
    (void)state;
    play(&declared, turns, 4, &o);
    assert_outcome(&o, VERDICT_READY, "", "login as app");
    const struct turn ed[] = {
        {BYTES(""), MY(GREETING("unknown")), false},
        {MY(LOGIN_NATIVE), MY("\2\376client_ed25519\0xxxx"), false},
    };
    play(&declared, ed, 2, &o);
    assert_outcome(&o, VERDICT_NEVER, "auth-method", "client_ed25519");
}

static void test_tls(void **state)
{
    struct probe_spec spec = declared;
    struct turn turns[] = {
        {BYTES(""), MY(GREETING("caching_sha2_password")), false},
        {MY("\1" HEAD(CAPS_TLS)), ANY, true},
        {MY("\2" HEAD(CAPS_TLS) "app\0\40" SHA2_PROOF "shop\0caching_sha2_password\0"),
         MY("\3\1\4"), false},
        {MY("\4pencil\0"), MY(OK_AT("\5")), false},
        {MY(QUERY), MY(ANSWER("\0011")), false},
    };
    struct outcome o;
    (void)state;
    spec.tls = true;
    play(&spec, turns, 5, &o);
    assert_outcome(&o, VERDICT_READY, "", "login as app");
}

/* Without TLS the password travels encrypted with the server's key. */
static void test_rsa(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    uint8_t scramble[MYSQL_SCRAMBLE], plain[256];
    size_t plain_len = sizeof(plain);
    CLEANUP_BUF struct buf sealed = BUF_INIT;
    (void)state;
    memset(scramble, 0x5a, sizeof(scramble));
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    size_t len = (size_t)BIO_get_mem_data(bio, &pem);
    assert_int_equal(mysql_auth_encrypt(pem, len, "pencil", scramble, &sealed), 0);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(
        EVP_PKEY_decrypt(ctx, plain, &plain_len, (const uint8_t *)sealed.data, sealed.len), 1);
    assert_int_equal(plain_len, 7);
    for (size_t i = 0; i < plain_len; i++) {
        assert_int_equal(plain[i] ^ 0x5a, "pencil"[i]);
    }
    EVP_PKEY_CTX_free(ctx);
    assert_int_equal(mysql_auth_encrypt("junk", 4, "pencil", scramble, &sealed), -ERR_PROTOCOL);
    assert_int_equal(mysql_auth_encrypt(pem, len / 2, "pencil", scramble, &sealed), -ERR_PROTOCOL);
    BIO_free(bio);
    EVP_PKEY_free(key);
    /* The machine asks for the key, and does not fall for a bad one. */
    const struct turn turns[] = {
        {BYTES(""), MY(GREETING("caching_sha2_password")), false},
        {MY(LOGIN_SHA2), MY("\2\1\4"), false},
        {MY("\3\2"), MY("\4\1-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), false},
    };
    struct outcome o;
    play(&declared, turns, 3, &o);
    assert_outcome(&o, VERDICT_NEVER, "protocol", "cannot be used");
}

static void test_tables(void **state)
{
    static const char *const tables[] = {"users", "o'clock"};
    struct probe_spec spec = declared;
    struct turn turns[] = {
        {ANY, MY(GREETING("mysql_native_password")), false},
        {ANY, MY(OK_AT("\2")), false},
        {MY("\0\003SELECT 1,(SELECT COUNT(*) FROM information_schema.tables WHERE "
            "table_schema=DATABASE() AND table_name='users'),(SELECT COUNT(*) FROM "
            "information_schema.tables WHERE table_schema=DATABASE() AND table_name='o''clock')"),
         MY("\1\3|\2a|\3b|\4c|\5\376\0\0\2\0|\6\0011\0011\0010|\7\376\0\0\2\0"), false},
    };
    struct outcome o;
    (void)state;
    spec.tables = tables;
    spec.table_count = 2;
    play(&spec, turns, 3, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "no-table", "no table o'clock yet");
    turns[2].reply = MY("\1\3|\2a|\3b|\4c|\5\376\0\0\2\0|\6\0011\0011\0011|\7\376\0\0\2\0");
    play(&spec, turns, 3, &o);
    assert_outcome(&o, VERDICT_READY, "", "tables users, o'clock found");
}

static void test_errors(void **state)
{
    struct probe_spec guess = declared;
    struct outcome o;
    (void)state;
    script_reply(&declared, MY("\0\377\20\4Too many connections"), true, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "mysql-1040", "Too many connections (1040)");
    script_reply(&declared, MY("\0\377\151\4Host 'x' is blocked"), true, &o);
    assert_outcome(&o, VERDICT_NEVER, "mysql-1129", "FLUSH HOSTS");
    struct turn turns[] = {
        {ANY, MY(GREETING("mysql_native_password")), false},
        {ANY, MY("\2\377\25\4#28000Access denied for user 'app'@'x' (using password: YES)"), false},
    };
    play(&declared, turns, 2, &o);
    assert_outcome(&o, VERDICT_NEVER, "mysql-1045", "Access denied for user 'app'");
    guess.origin = PROBE_INFERRED;
    play(&guess, turns, 2, &o);
    assert_int_equal(o.verdict, VERDICT_NEVER);
    guess.lenient = true;
    play(&guess, turns, 2, &o);
    assert_outcome(&o, VERDICT_READY, "login-unproved", "1045");
    turns[1].reply = MY("\2\377\31\4#42000Unknown database 'shop'");
    play(&declared, turns, 2, &o);
    assert_outcome(&o, VERDICT_NEVER, "mysql-1049", "Unknown database 'shop'");
}

static void test_garbage(void **state)
{
    const struct bytes rows[] = {
        BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"),
        BYTES("-ERR unknown command\r\n"),
        BYTES("\0\0\0\0xxxx"),
        BYTES("\377\377\377\0xxxx"),
        MY("\0\12"
           "8.0\0short"),
        MY("\0\11old"),
        MY("\0\12no end"),
        MY("\0\377\1"),
    };
    const struct bytes later[] = {
        MY("\2\3"),
        MY("\2\1"),
        MY("\2\1\3"),
        MY("\2\376"),
        MY("\2\376mysql_native_password\0short"),
        MY(OK_AT("\2") "|\1\7"),
        MY(OK_AT("\2") "|\1\1|\2a|\3\376\0\0\2\0|\4\0011\0011"),
        MY(OK_AT("\2") "|\1\1|\2a|\3\376\0\0\2\0|\4\376\0\0\2\0"),
        MY(OK_AT("\2") "|\1\1|\2a|\3\376\0\0\2\0|\4\377x"),
    };
    struct outcome o;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        script_reply(&declared, rows[i], false, &o);
        assert_outcome(&o, VERDICT_NEVER, "protocol", "does not speak MySQL");
    }
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        const struct turn turns[] = {
            {ANY, MY(GREETING("mysql_native_password")), false},
            {ANY, later[i], false},
        };
        play(&declared, turns, 2, &o);
        if (o.verdict != VERDICT_NEVER) {
            fail_msg("row %zu: %s", i, o.text);
        }
    }
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
        cmocka_unit_test(test_native), cmocka_unit_test(test_caching_sha2),
        cmocka_unit_test(test_switch), cmocka_unit_test(test_tls),
        cmocka_unit_test(test_rsa),    cmocka_unit_test(test_tables),
        cmocka_unit_test(test_errors), cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
