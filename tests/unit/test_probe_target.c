/*
 * probe/target: URLs, connection strings and host:port, good and bad.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/str.h"
#include "probe/target.h"

static struct arena arena;

static struct probe_spec parse(const char *text)
{
    struct probe_spec spec = {0};
    struct err err = {0};
    if (probe_target_parse(text, &arena, &spec, &err) < 0) {
        fail_msg("%s: %s", text, err.message);
    }
    assert_int_equal(spec.origin, PROBE_DECLARED);
    return spec;
}

static void test_postgres(void **state)
{
    (void)state;
    struct probe_spec s = parse("postgresql+asyncpg://app:p%40ss%2F@db.local:5433/shop%20x"
                                "?tables=users,videos&sslmode=verify-full&pool_size=5");
    assert_int_equal(s.kind, PROBE_POSTGRES);
    assert_string_equal(s.host, "db.local");
    assert_int_equal(s.port, 5433);
    assert_string_equal(s.user, "app");
    assert_string_equal(s.password, "p@ss/");
    assert_string_equal(s.database, "shop x");
    assert_int_equal(s.table_count, 2);
    assert_string_equal(s.tables[1], "videos");
    assert_true(s.tls);
    assert_int_equal(s.tls_check, PROBE_TLS_FULL);
    /* An @ in the password, unescaped: the last one counts. */
    s = parse("postgres://me:a@b@db");
    assert_string_equal(s.password, "a@b");
    assert_string_equal(s.host, "db");
    assert_int_equal(s.port, 0);
    assert_null(s.database);
    s = parse("postgres://%2Fvar%2Frun%2Fpostgresql/shop?connect_timeout=3");
    assert_string_equal(s.host, "/var/run/postgresql");
    assert_int_equal(s.timeout, 3 * NS_PER_SEC);
    s = parse("jdbc:postgresql://db/shop?user=me&password=p+w");
    assert_string_equal(s.user, "me");
    assert_string_equal(s.password, "p+w");
    s = parse("host=db port=5433 dbname='my shop' user = me password='it\\'s' target=x");
    assert_string_equal(s.database, "my shop");
    assert_string_equal(s.password, "it's");
    assert_int_equal(s.port, 5433);
}

static void test_others(void **state)
{
    (void)state;
    struct probe_spec s = parse("redis://:hunter2@cache/3");
    assert_null(s.user);
    assert_string_equal(s.password, "hunter2");
    assert_int_equal(s.redis_db, 3);
    assert_true(s.redis_write);
    s = parse("rediss://app:x@[::1]:6380?write=no&verify=1&ca=/ca.pem");
    assert_string_equal(s.host, "::1");
    assert_int_equal(s.port, 6380);
    assert_true(s.tls && !s.redis_write);
    assert_string_equal(s.tls_ca, "/ca.pem");
    s = parse("http://web/a?x=1&status=200-204&y=%20z&body=ok#frag");
    assert_string_equal(s.path, "/a?x=1&y=%20z");
    assert_int_equal(s.status.from, 200);
    assert_int_equal(s.status.to, 204);
    assert_string_equal(s.body, "ok");
    s = parse("https://web?status=2xx&method=HEAD&timeout=250ms");
    assert_string_equal(s.path, "/");
    assert_int_equal(s.port, 443);
    assert_true(s.tls);
    assert_int_equal(s.status.to, 299);
    assert_int_equal(s.timeout, 250 * NS_PER_MS);
    s = parse("mq:5672");
    assert_int_equal(s.kind, PROBE_TCP);
    assert_int_equal(s.port, 5672);
    s = parse("[fe80::1%25eth0]:80");
    assert_string_equal(s.host, "fe80::1%eth0");
    s = parse("amqp://guest:guest@mq/vhost");
    assert_int_equal(s.kind, PROBE_TCP);
    assert_int_equal(s.port, 5672);
    s = parse("unix:///run/x.sock");
    assert_string_equal(s.host, "/run/x.sock");
    s = parse("dns://db");
    assert_int_equal(s.kind, PROBE_DNS);
    s = parse("file:///run/ready");
    assert_string_equal(s.path, "/run/ready");
    s = parse("exec:test  -f /x");
    assert_string_equal(s.argv[0], "test");
    assert_string_equal(s.argv[2], "/x");
    assert_null(s.argv[3]);
    assert_int_equal(parse("MySQL://root@db/shop").kind, PROBE_MYSQL);
}

static void test_bad(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "host is missing"},
        {"db", "port is missing"},
        {"gopher://x", "unknown kind"},
        {"averyveryveryverylongscheme://x", "unknown kind"},
        {"tcp://db", "port is missing"},
        {"tcp://db:0", "port must be"},
        {"tcp://db:70000", "port must be"},
        {"tcp://db:80x", "port must be"},
        {"tcp://[::1:80", "not closed"},
        {"tcp://[::1]80", "expected :port"},
        {"http:///path", "host is missing"},
        {"http://h/a b", "%20"},
        {"http://h/?status=99", "status"},
        {"http://h/?status=300-200", "status"},
        {"http://h/?method=get", "method"},
        {"http://h/?timeout=soon", "timeout"},
        {"postgres://u:%zz@db", "hex"},
        {"postgres://u:secret%0a@db", "control"},
        {"postgres://a:1,b:2/x", "several hosts"},
        {"postgres://db/x?sslmode=maybe", "sslmode"},
        {"redis://db/x", "number"},
        {"redis://db?write=perhaps", "yes or no"},
        {"unix://x", "unix:///"},
        {"file://", "file:///"},
        {"exec: ", "command"},
        {"host=db password='x", "not closed"},
        {"host=db junk", "keyword=value"},
        {"dns://", "host is missing"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct probe_spec spec = {.port = 77};
        struct err err = {0};
        assert_int_equal(probe_target_parse(rows[i].text, &arena, &spec, &err), -ERR_INPUT);
        if (!strstr(err.message, rows[i].words) || strstr(err.message, "secret")) {
            fail_msg("%s: %s", rows[i].text, err.message);
        }
        assert_int_equal(spec.port, 77); /* untouched */
        assert_int_equal(probe_target_parse(rows[i].text, &arena, &spec, NULL), -ERR_INPUT);
    }
    CLEANUP_BUF struct buf huge = BUF_INIT;
    buf_str(&huge, "tcp://");
    buf_repeat(&huge, 'a', PROBE_TARGET_MAX);
    struct probe_spec spec;
    assert_int_equal(probe_target_parse(buf_text(&huge), &arena, &spec, NULL), -ERR_INPUT);
}

static void test_text(void **state)
{
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"postgres://app:secret@db/shop?tables=x", "postgres://app@db:5432/shop"},
        {"rediss://:secret@cache", "rediss://cache:6379"},
        {"https://web/a?token=secret", "https://web:443/a"},
        {"[::1]:80", "tcp://[::1]:80"},
        {"unix:///run/x", "unix:///run/x"},
        {"file:///a", "file:///a"},
        {"exec:true secret", "exec:true"},
        {"dns://db", "dns://db:53"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct probe_spec spec = parse(rows[i].text);
        char shown[128];
        assert_string_equal(probe_target_text(&spec, shown, sizeof(shown)), rows[i].shown);
    }
}

/* Every scheme and option has its row, and the tables are sorted. */
static void test_documented(void **state)
{
    CLEANUP_BUF struct buf docs = BUF_INIT;
    struct err err = {0};
    const char *(*const names[])(size_t) = {probe_target_scheme, probe_target_option};
    (void)state;
    assert_int_equal(path_read_file(TEST_DIR "/../docs/targets.md", 1 << 20, &docs, &err), 0);
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; names[k](i); i++) {
            char mark[40];
            snprintf(mark, sizeof(mark), "`%s`", names[k](i));
            if (!strstr(buf_text(&docs), mark)) {
                fail_msg("%s is not in docs/targets.md", mark);
            }
            assert_true(i == 0 || strcmp(names[k](i - 1), names[k](i)) < 0);
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
        cmocka_unit_test(test_postgres),   cmocka_unit_test(test_others),
        cmocka_unit_test(test_bad),        cmocka_unit_test(test_text),
        cmocka_unit_test(test_documented),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
