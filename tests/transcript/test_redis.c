/*
 * Redis conversations, and the reply parser.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "probe/resp.h"
#include "script.h"

#define NONCE "n0nce"
#define KEY "$18\r\nfettle:probe:" NONCE "\r\n"
#define PING BYTES("*1\r\n$4\r\nPING\r\n")
#define INFO BYTES("*2\r\n$4\r\nINFO\r\n$11\r\npersistence\r\n")
#define ROLE BYTES("*1\r\n$4\r\nROLE\r\n")
#define SET BYTES("*5\r\n$3\r\nSET\r\n" KEY "$5\r\n" NONCE "\r\n$2\r\nEX\r\n$2\r\n10\r\n")
#define GET BYTES("*2\r\n$3\r\nGET\r\n" KEY)
#define DEL BYTES("*2\r\n$3\r\nDEL\r\n" KEY)
#define PONG BYTES("+PONG\r\n")
#define INFO_GOOD BYTES("$37\r\n# Persistence\r\nloading:0\r\nasync:0\r\n:x\r\n")
#define MASTER BYTES("*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n")

static const struct probe_spec declared = {
    .kind = PROBE_REDIS, .password = "hunter2", .redis_write = true};
static const struct probe_spec bare = {.kind = PROBE_REDIS};

static void play(const struct probe_spec *spec, const struct turn *turns, size_t count,
                 struct outcome *ret)
{
    const struct script s = {.spec = spec, .opt = {.nonce = NONCE}, .turns = turns, .count = count};
    script_play(&s, ret);
}

static void test_full(void **state)
{
    struct probe_spec spec = declared;
    struct turn turns[] = {
        {BYTES("*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n"), BYTES("+OK\r\n"), false},
        {BYTES("*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"), BYTES("+OK\r\n"), false},
        {PING, PONG, false},
        {INFO, INFO_GOOD, false},
        {ROLE, MASTER, false},
        {SET, BYTES("+OK\r\n"), false},
        {GET, BYTES("$5\r\n" NONCE "\r\n"), false},
        {DEL, BYTES(":1\r\n"), false},
    };
    struct outcome o;
    (void)state;
    spec.redis_db = 3;
    play(&spec, turns, ARRAY_LEN(turns), &o);
    assert_outcome(&o, VERDICT_READY, "", NULL);
    assert_string_equal(o.text, "Redis master: login, PING, ROLE, write, read and delete");
    turns[6].reply = BYTES("$-1\r\n");
    play(&spec, turns, ARRAY_LEN(turns), &o);
    assert_outcome(&o, VERDICT_NOT_YET, "canary", "evicting");
    turns[5].reply = BYTES("-MISCONF Errors writing to the AOF file: No space left on device\r\n");
    play(&spec, turns, ARRAY_LEN(turns), &o);
    assert_outcome(&o, VERDICT_NOT_YET, "MISCONF", "No space left on device");
    turns[5].reply = BYTES("-MOVED 866 10.0.0.2:6379\r\n");
    play(&spec, turns, 6, &o);
    assert_outcome(&o, VERDICT_READY, "", "Redis master: login, PING, ROLE");
    turns[5].reply = BYTES("-NOPERM this user has no permissions to run the 'set' command\r\n");
    play(&spec, turns, 6, &o);
    assert_outcome(&o, VERDICT_NEVER, "NOPERM", "fettle:probe:*");
    turns[5].reply = BYTES("-READONLY You can't write against a read only replica.\r\n");
    play(&spec, turns, 6, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "READONLY", NULL);
}

static void test_acl_and_tls(void **state)
{
    const struct probe_spec spec = {
        .kind = PROBE_REDIS, .user = "app", .password = "hunter2", .tls = true};
    const struct turn turns[] = {
        {BYTES(""), ANY, true},
        {BYTES("*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$7\r\nhunter2\r\n"), BYTES("+OK\r\n"), false},
        {PING, PONG, false},
        {INFO, BYTES("-NOPERM User app has no permissions to run the 'info' command\r\n"), false},
        {ROLE, BYTES("-ERR unknown command 'ROLE'\r\n"), false},
    };
    struct outcome o;
    (void)state;
    play(&spec, turns, ARRAY_LEN(turns), &o);
    assert_outcome(&o, VERDICT_READY, "", NULL);
    assert_string_equal(o.text, "Redis: login, PING");
}

static void test_auth_refused(void **state)
{
    struct probe_spec guess = declared;
    struct outcome o;
    (void)state;
    guess.origin = PROBE_INFERRED;
    script_reply(&declared,
                 BYTES("-WRONGPASS invalid username-password pair or user is disabled.\r\n"), false,
                 &o);
    assert_outcome(&o, VERDICT_NEVER, "WRONGPASS", "refuses the password");
    script_reply(&declared, BYTES("-ERR invalid password\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NEVER, "WRONGPASS", "requirepass");
#define UNSET                                                                                \
    "-ERR AUTH <password> called without any password configured for the default user. Are " \
    "you sure your configuration is correct?\r\n"
    script_reply(&declared, BYTES(UNSET), false, &o);
    assert_outcome(&o, VERDICT_NEVER, "no-password-set", "--requirepass");
    /* A guessed password that the server does not have is no fault of the stack. */
    const struct turn turns[] = {
        {ANY, BYTES(UNSET), false},     {PING, PONG, false},
        {INFO, INFO_GOOD, false},       {ROLE, MASTER, false},
        {SET, BYTES("+OK\r\n"), false}, {GET, BYTES("$5\r\n" NONCE "\r\n"), false},
        {DEL, BYTES(":1\r\n"), false},
    };
    play(&guess, turns, ARRAY_LEN(turns), &o);
    assert_outcome(&o, VERDICT_READY, "", "no password needed");
    /* An echo of the arguments must not reach a text. */
    script_reply(&declared,
                 BYTES("-ERR unknown command 'AUTH', with args beginning with: 'hunter2' \r\n"),
                 false, &o);
    assert_outcome(&o, VERDICT_NEVER, "protocol", "does not know AUTH");
    assert_null(strstr(o.text, "hunter2"));
}

static void test_ping_refused(void **state)
{
    struct probe_spec guess = bare;
    struct outcome o;
    (void)state;
    guess.origin = PROBE_INFERRED;
    script_reply(&bare, BYTES("-NOAUTH Authentication required.\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NEVER, "NOAUTH", "asks for a password");
    script_reply(&guess, BYTES("-NOAUTH Authentication required.\r\n"), false, &o);
    assert_outcome(&o, VERDICT_READY, "login-unproved", "no password known");
    script_reply(&bare, BYTES("-LOADING Redis is loading the dataset in memory\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "LOADING", NULL);
    script_reply(&bare, BYTES("-MASTERDOWN Link with MASTER is down\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "MASTERDOWN", NULL);
    script_reply(&bare, BYTES("-BUSY Redis is busy running a script.\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "BUSY", NULL);
    script_reply(&bare, BYTES("-DENIED Redis is running in protected mode\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NEVER, "DENIED", "protected mode");
    script_reply(&bare, BYTES("-ERR max number of clients reached\r\n"), true, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "maxclients", NULL);
    script_reply(&bare, BYTES("-NOPERM this user has no permissions\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NEVER, "NOPERM", "+ping");
    script_reply(&bare, BYTES("+POING\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NEVER, "protocol", "not PONG");
}

static void test_loading(void **state)
{
    const struct turn turns[] = {
        {PING, PONG, false},
        {INFO, BYTES("$34\r\nloading:1\r\nloading_eta_seconds:7\r\n\r\n"), false},
    };
    struct outcome o;
    (void)state;
    play(&bare, turns, 2, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "LOADING", "about 7 s to go");
}

static void test_replica(void **state)
{
    struct probe_spec spec = {.kind = PROBE_REDIS, .redis_write = true};
    const struct turn turns[] = {
        {PING, PONG, false},
        {INFO, BYTES("=32\r\ntxt:rdb_last_bgsave_status:err\r\n\r\n"), false},
        {ROLE, BYTES("*5\r\n$5\r\nslave\r\n$2\r\ndb\r\n:6379\r\n$4\r\nsync\r\n:-1\r\n"), false},
    };
    struct outcome o;
    (void)state;
    play(&spec, turns, 3, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "replica-sync", "replica of db");
    spec.origin = PROBE_INFERRED;
    play(&spec, turns, 3, &o);
    assert_outcome(&o, VERDICT_READY, "", "Redis replica: PING, ROLE; not in step");
}

static void test_sentinel_and_push(void **state)
{
    struct probe_spec spec = {.kind = PROBE_REDIS, .redis_write = true};
    const struct turn turns[] = {
        {PING, BYTES(">2\r\n+invalidate\r\n*1\r\n+k\r\n+PONG\r\n"), false},
        {INFO, BYTES("$-1\r\n"), false},
        {ROLE, BYTES("|1\r\n+ttl\r\n:3600\r\n*2\r\n$8\r\nsentinel\r\n*1\r\n$8\r\nmymaster\r\n"),
         false},
    };
    struct outcome o;
    (void)state;
    play(&spec, turns, 3, &o);
    assert_outcome(&o, VERDICT_READY, "", "Redis sentinel: PING, ROLE");
}

static void test_garbage(void **state)
{
    const struct bytes rows[] = {
        BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"),
        BYTES("\25\3\3\0\2\2\50"),
        BYTES("N\0\0\0\0\0"),
        BYTES("+PONG\rx"),
        BYTES("$5\r\nabcdexx"),
        BYTES("$-2\r\n"),
        BYTES("$99999999999\r\n"),
        BYTES("*99999999\r\n"),
        BYTES("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+x\r\n"),
        BYTES(":\r\n+OK\r\n"),
    };
    struct outcome o;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        script_reply(&bare, rows[i], false, &o);
        if (o.verdict != VERDICT_NEVER || strcmp(o.code, "protocol") != 0) {
            fail_msg("row %zu: %s [%s] %s", i, verdict_name(o.verdict), o.code, o.text);
        }
    }
    script_reply(&bare, BYTES("+PON"), true, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "closed", "closed before the answer to PING");
    script_reply(&bare, BYTES("+PON"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "timeout", "the answer to PING");
}

static void test_parser(void **state)
{
    static const struct {
        const char *text;
        ptrdiff_t used; /* 0 = more, -1 = bad */
        char type;
        size_t count;
    } rows[] = {
        {"+OK\r\n", 5, '+', 0},
        {":12\r\nrest", 5, ':', 0},
        {"$0\r\n\r\n", 6, '$', 0},
        {"$3\r\nabc", 0, 0, 0},
        {"*2\r\n:1\r\n:2\r\n", 12, '*', 2},
        {"%1\r\n+k\r\n+v\r\n", 12, '%', 2},
        {"~1\r\n#t\r\n", 8, '~', 1},
        {"_\r\n", 3, '_', 0},
        {",3.14\r\n", 7, ',', 0},
        {"(123456789012345678901234567890\r\n", 33, '(', 0},
        {"!5\r\nERR x\r\n", 11, '-', 0},
        {"=8\r\ntxt:abcd\r\n", 14, '$', 0},
        {"*-1\r\n", 5, '*', 0},
        {"?\r\n", -1, 0, 0},
        {"*1\r\n", 0, 0, 0},
        {"", 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct resp v;
        ptrdiff_t used = resp_parse(rows[i].text, strlen(rows[i].text), &v);
        if (used != rows[i].used ||
            (used > 0 && (v.value.type != rows[i].type || v.count != rows[i].count))) {
            fail_msg("%s: %td", rows[i].text, used);
        }
    }
    /* Many small values in a deep tree stay within one budget. */
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct resp v;
    for (int i = 0; i < 7; i++) {
        buf_str(&b, "*1000\r\n");
    }
    for (int i = 0; i < 5000; i++) {
        buf_str(&b, "_\r\n");
    }
    assert_int_equal(resp_parse(b.data, b.len, &v), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_acl_and_tls),
        cmocka_unit_test(test_auth_refused),
        cmocka_unit_test(test_ping_refused),
        cmocka_unit_test(test_loading),
        cmocka_unit_test(test_replica),
        cmocka_unit_test(test_sentinel_and_push),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
