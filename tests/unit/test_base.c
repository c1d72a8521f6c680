/*
 * base/: buffers, maps, numbers, durations, sizes, paths, errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/map.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/str.h"

static void test_buf(void **state)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    (void)state;
    buf_init(&b, 10);
    buf_str(&b, "hello");
    buf_printf(&b, "%d", 12);
    assert_string_equal(buf_text(&b), "hello12");
    buf_str(&b, "toolong");
    assert_true(b.failed);
    assert_string_equal(buf_text(&b), "hello12");
    buf_str(&b, "x");
    assert_int_equal(b.len, 7);
    buf_clear(&b);
    buf_str(&b, "abcdef");
    buf_consume(&b, 2);
    assert_string_equal(buf_text(&b), "cdef");
}

static void test_map(void **state)
{
    struct map m = {0};
    char key[16];
    (void)state;
    for (intptr_t i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "k%d", (int)i);
        assert_null(map_set(&m, key, (void *)(i + 1)));
    }
    assert_ptr_equal(map_get(&m, "k500"), (void *)501);
    assert_ptr_equal(map_remove(&m, "k500"), (void *)501);
    assert_null(map_get(&m, "k500"));
    assert_false(map_has(&m, "k500"));
    assert_ptr_equal(map_get(&m, "k999"), (void *)1000);
    assert_string_equal(m.entries[500].key, "k501");
    assert_int_equal(m.len, 999);
    map_release(&m);
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
        const char *printed;
    } rows[] = {
        {"0", 0, "0s"},
        {"30s", 30 * NS_PER_SEC, "30s"},
        {"1h2m3.5s", 3723500 * NS_PER_MS, "1h2m3.5s"},
        {"1w2d3h", (7 * 86400 + 2 * 86400 + 3 * 3600) * NS_PER_SEC, "219h0m0s"},
        {"500ms", 500 * NS_PER_MS, "500ms"},
        {"1us", 1000, "1\xc2\xb5s"},
        {"1.5s", 1500 * NS_PER_MS, "1.5s"},
        {"-2m", -120 * NS_PER_SEC, "-2m0s"},
    };
    static const char *const bad[] = {"", "1", "s", "1x", "1s ", "1..s", "10000000w", "-"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ns = -1;
        char buf[64];
        struct err err = {0};
        assert_int_equal(parse_duration(rows[i].text, &ns, &err), 0);
        assert_int_equal(ns, rows[i].ns);
        assert_string_equal(format_duration(ns, buf, sizeof(buf)), rows[i].printed);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ns = 77;
        struct err err = {0};
        assert_int_equal(parse_duration(bad[i], &ns, &err), -ERR_INPUT);
        assert_int_equal(ns, 77);
        assert_int_equal(err.code, ERR_INPUT);
    }
}

static void test_sizes(void **state)
{
    int64_t n = 0;
    struct err err = {0};
    char text[32];
    (void)state;
    assert_int_equal(parse_bytes("1.5g", &n, &err), 0);
    assert_int_equal(n, 1610612736);
    assert_int_equal(parse_bytes("64 MB", &n, &err), 0);
    assert_int_equal(n, 64 << 20);
    assert_int_equal(parse_bytes("10KiB", &n, &err), 0);
    assert_int_equal(n, 10240);
    assert_int_equal(parse_bytes("512", &n, &err), 0);
    assert_int_equal(n, 512);
    assert_int_equal(parse_bytes("12x", &n, &err), -ERR_INPUT);
    assert_int_equal(parse_bytes("-1", &n, &err), -ERR_INPUT);
    assert_int_equal(parse_bytes("bib", &n, &err), -ERR_INPUT);
    assert_string_equal(format_bytes(1536, text, sizeof(text)), "1.50 KiB");
}

static void test_numbers(void **state)
{
    int64_t n = 0;
    uint16_t port = 0;
    char *host = NULL;
    struct err err = {0};
    (void)state;
    assert_int_equal(parse_int("-9223372036854775808", INT64_MIN, INT64_MAX, &n, &err), 0);
    assert_true(n == INT64_MIN);
    assert_int_equal(parse_int("9223372036854775808", INT64_MIN, INT64_MAX, &n, &err), -ERR_INPUT);
    assert_int_equal(parse_int(" 1", 0, 9, &n, &err), -ERR_INPUT);
    assert_int_equal(parse_host_port("[::1]:80", &host, &port, &err), 0);
    assert_string_equal(host, "::1");
    assert_int_equal(port, 80);
    free(host);
    assert_int_equal(parse_host_port("::1:80", &host, &port, &err), -ERR_INPUT);
    assert_int_equal(parse_host_port("db:0", &host, &port, &err), -ERR_INPUT);
    assert_int_equal(parse_rfc3339("1970-01-01T00:00:01.5Z", &n, &err), 0);
    assert_int_equal(n, 1500 * NS_PER_MS);
    assert_int_equal(parse_rfc3339("0001-01-01T00:00:00Z", &n, &err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(parse_rfc3339("1970-01-01T02:00:00+02:00", &n, &err), 0);
    assert_int_equal(n, 0);
}

static void test_path_relative(void **state)
{
    static const char *const rows[][3] = {
        {"/a/b", "/a/b", "."},    {"/a/b", "/a/b/c/d", "c/d"}, {"/a/b", "/a", ".."},
        {"/a/b", "/a/c", "../c"}, {"/a/b", "/a/bc", "../bc"},  {"/a/bc", "/a/b", "../b"},
        {"/", "/a", "a"},         {"/a", "/", ".."},           {"/a/b/c", "/x", "../../../x"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP_FREE char *way = path_relative(rows[i][0], rows[i][1]);
        assert_string_equal(way, rows[i][2]);
    }
}

static void test_paths(void **state)
{
    static const char *const rows[][2] = {
        {"a/./b/../c//d", "a/c/d"},
        {"", "."},
        {"/..", "/"},
        {"../../x", "../../x"},
        {"a/../..", ".."},
        {"/a/b/../..", "/"},
        {"./a", "a"},
        {"a/b/../../..", ".."},
        {"/", "/"},
        {"a/", "a"},
        {"../a/../b", "../b"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP_FREE char *got = path_clean(rows[i][0]);
        assert_string_equal(got, rows[i][1]);
    }
}

static void test_nearest(void **state)
{
    static const char *const keys[] = {"image", "environment", "ports", "volumes"};
    (void)state;
    assert_string_equal(str_nearest("iamge", keys, 4), "image");
    assert_string_equal(str_nearest("enviroment", keys, 4), "environment");
    assert_null(str_nearest("zzzz", keys, 4));
    assert_int_equal(str_columns("\033[1mh\xc3\xa9\033[0m"), 2);
}

static void test_errors(void **state)
{
    struct err err = {0};
    struct diags d = DIAGS_INIT;
    char text[512];
    (void)state;
    assert_int_equal(err_set(&err, ERR_COMPOSE, "bad %s", "key"), -ERR_COMPOSE);
    err_prefix(&err, "loading %s", "x");
    err_at(&err, "a.yml", 3, 7);
    assert_string_equal(err_text(&err, text, sizeof(text)), "a.yml:3:7: loading x: bad key");
    diags_add(&d, DIAG_WARNING, (struct pos){"a", 1, 1}, NULL, NULL, "w");
    assert_int_equal(diags_to_err(&d, &err), 0);
    diags_add(&d, DIAG_ERROR, (struct pos){"a", 2, 1}, "services.x", "do y", "e%d", 1);
    diags_add(&d, DIAG_ERROR, (struct pos){"a", 3, 1}, NULL, NULL, "e2");
    assert_int_equal(diags_to_err(&d, &err), -ERR_COMPOSE);
    assert_string_equal(err.message, "services.x: e1");
    assert_string_equal(err.hint, "do y; and 1 more");
    diags_add(&d, DIAG_WARNING, (struct pos){"b", 1, 1}, NULL, NULL, "w2");
    diags_add(&d, DIAG_ERROR, (struct pos){"a", 2, 9}, NULL, NULL, "e3");
    diags_drop_warning(&d, "w");
    diags_drop_warning(&d, "e2");
    diags_sort(&d);
    assert_int_equal(d.len, 4);
    assert_string_equal(d.items[0].message, "e1");
    assert_string_equal(d.items[1].message, "e3");
    assert_string_equal(d.items[2].message, "e2");
    assert_string_equal(d.items[3].message, "w2");
    diags_release(&d);
    for (int i = 0; i < ERR_COUNT; i++) {
        assert_true(strlen(err_code_name(i)) > 0 && strlen(err_code_text(i)) > 0);
    }
}

static void test_arena(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 1; i < 3000; i += 7) {
        unsigned char *p = arena_alloc(&a, i * 10);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        assert_int_equal(p[i * 10 - 1], 0);
        memset(p, 0xff, i * 10);
    }
    assert_string_equal(arena_printf(&a, "%s-%d", "x", 5), "x-5");
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf),           cmocka_unit_test(test_map),
        cmocka_unit_test(test_durations),     cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_numbers),       cmocka_unit_test(test_paths),
        cmocka_unit_test(test_path_relative), cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_errors),        cmocka_unit_test(test_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
