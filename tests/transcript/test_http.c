/*
 * HTTP conversations, and plain TCP with and without a greeting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "script.h"

static const struct probe_spec health = {.kind = PROBE_HTTP, .path = "/health"};
#define REQUEST(host)                                                                           \
    BYTES("GET /health HTTP/1.1\r\nHost: " host "\r\nUser-Agent: fettle/" FETTLE_VERSION "\r\n" \
          "Accept: */*\r\nConnection: close\r\n\r\n")

static void test_status(void **state)
{
    struct turn turn = {REQUEST("172.20.0.5:8000"),
                        BYTES("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"), false};
    const struct script s = {
        .spec = &health, .opt = {.host = "172.20.0.5:8000"}, .turns = &turn, .count = 1};
    struct outcome o;
    (void)state;
    script_play(&s, &o);
    assert_outcome(&o, VERDICT_READY, "", NULL);
    assert_string_equal(o.text, "GET /health answers 200 OK");
    turn.reply = BYTES("HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n");
    script_play(&s, &o);
    assert_outcome(&o, VERDICT_READY, "", "302 Found");
    turn.reply = BYTES("HTTP/1.0 204\r\n\r\n");
    script_play(&s, &o);
    assert_outcome(&o, VERDICT_READY, "", "answers 204");
    turn.reply = BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
    script_play(&s, &o);
    assert_outcome(&o, VERDICT_READY, "", "200 OK");
}

static void test_bad_status(void **state)
{
    struct outcome o;
    (void)state;
    script_reply(&health, BYTES("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
                 false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "http-503", "HTTP 503 Service Unavailable");
    script_reply(&health, BYTES("HTTP/1.1 404 Not Found\r\n\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "http-404", "no such path");
    script_reply(&health, BYTES("HTTP/1.1 401 Unauthorized\r\n\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "http-401", "wants a login");
    assert_int_equal(o.layer, LAYER_AUTH);
    script_reply(&health, BYTES("HTTP/1.1 101 Switching Protocols\r\n\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "http-101", NULL);
}

/* What came with the headers is shown; nothing is waited for. */
static void test_excerpt(void **state)
{
    struct probe_machine *m = probe_machine_new(&health, NULL);
    CLEANUP_BUF struct buf out = BUF_INIT;
    struct outcome o;
    static const char reply[] =
        "HTTP/1.1 500 Internal Server Error\r\n\r\n{\"detail\":\n\"no db\"}";
    (void)state;
    assert_int_equal(probe_step(m, NULL, 0, false, &out, 0, &o), PROBE_WANT_READ);
    assert_int_equal(probe_step(m, reply, sizeof(reply) - 1, false, &out, 5, &o), PROBE_DONE);
    assert_outcome(&o, VERDICT_NOT_YET, "http-500", "Error: {\"detail\": \"no db\"}");
    assert_int_equal(o.duration, 5);
    probe_machine_free(m);
    m = probe_machine_new(&health, NULL);
    static const char tls[] =
        "HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port";
    assert_int_equal(probe_step(m, NULL, 0, false, &out, 0, &o), PROBE_WANT_READ);
    assert_int_equal(probe_step(m, tls, sizeof(tls) - 1, false, &out, 5, &o), PROBE_DONE);
    assert_outcome(&o, VERDICT_NEVER, "https", "use https://");
    probe_machine_free(m);
}

static void test_body_and_header(void **state)
{
    struct probe_spec spec = health;
    struct outcome o;
    (void)state;
    spec.body = "\"status\":\"ok\"";
    script_reply(&spec,
                 BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"status\r\n"
                       "7\r\n\":\"ok\"}\r\n0\r\n\r\n"),
                 false, &o);
    assert_outcome(&o, VERDICT_READY, "", "body fits");
    script_reply(&spec, BYTES("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nDOWN"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "body", "lacks the text");
    script_reply(&spec, BYTES("HTTP/1.1 200 OK\r\n\r\nDOWN"), true, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "body", NULL);
    script_reply(&spec, BYTES("HTTP/1.1 503 Busy\r\n\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "http-503", NULL);
    spec.body = NULL;
    spec.header = "Content-Type: json";
    script_reply(&spec, BYTES("HTTP/1.1 200 OK\r\nA: b\r\ncontent-type: application/json\r\n\r\n"),
                 false, &o);
    assert_outcome(&o, VERDICT_READY, "", "header fits");
    script_reply(&spec, BYTES("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX: json\r\n\r\n"),
                 false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "header", "without the header");
}

static void test_ranges(void **state)
{
    struct probe_spec spec = health;
    struct outcome o;
    (void)state;
    spec.status = (struct status_range){401, 401};
    script_reply(&spec, BYTES("HTTP/1.1 401 Unauthorized\r\n\r\n"), false, &o);
    assert_outcome(&o, VERDICT_READY, "", "401");
    script_reply(&spec, BYTES("HTTP/1.1 200 OK\r\n\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "http-200", NULL);
}

static void test_request(void **state)
{
    const struct probe_spec spec = {.kind = PROBE_HTTP,
                                    .method = "HEAD",
                                    .http_host = "shop.example",
                                    .user = "me",
                                    .password = "pw"};
    const struct turn turn = {
        BYTES("HEAD / HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: fettle/" FETTLE_VERSION
              "\r\nAccept: */*\r\nConnection: close\r\nAuthorization: Basic bWU6cHc=\r\n\r\n"),
        BYTES("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), false};
    const struct script s = {.spec = &spec, .turns = &turn, .count = 1};
    struct outcome o;
    (void)state;
    script_play(&s, &o);
    assert_outcome(&o, VERDICT_READY, "", "HEAD / answers 200");
    static const char *const bad[] = {"/a b", "/a\r\nX: y", "nopath", "/\x7f"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct probe_spec wrong = {.kind = PROBE_HTTP, .path = bad[i]};
        script_reply(&wrong, BYTES(""), false, &o);
        assert_outcome(&o, VERDICT_NEVER, "config", NULL);
    }
}

static void test_garbage(void **state)
{
    const struct bytes rows[] = {
        BYTES("SSH-2.0-OpenSSH_9.2p1\r\n"), BYTES("-ERR unknown command\r\n"),
        BYTES("\25\3\1\0\2\2\50"),          BYTES("HTTP/9x\r\n\r\n"),
        BYTES("HTTP/1.1 abc\r\n\r\n"),
    };
    struct outcome o;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        script_reply(&health, rows[i], false, &o);
        assert_outcome(&o, VERDICT_NEVER, "protocol", "does not speak HTTP");
    }
    script_reply(&health, BYTES(""), true, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "empty", "without an answer");
    script_reply(&health, BYTES("HTTP/1.1 200 OK\r\nA: "), true, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "closed", NULL);
}

/* Headers and bodies without end. */
static void test_endless(void **state)
{
    static const char *const starts[] = {"HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n"};
    struct probe_spec spec = health;
    char block[16384];
    (void)state;
    spec.body = "needle";
    memset(block, 'x', sizeof(block));
    for (size_t k = 0; k < 2; k++) {
        struct probe_machine *m = probe_machine_new(&spec, NULL);
        CLEANUP_BUF struct buf out = BUF_INIT;
        struct outcome o;
        enum probe_want want = probe_step(m, NULL, 0, false, &out, 0, &o);
        want = probe_step(m, starts[k], strlen(starts[k]), false, &out, 0, &o);
        for (int i = 0; i < 100 && want == PROBE_WANT_READ; i++) {
            want = probe_step(m, block, sizeof(block), false, &out, 0, &o);
        }
        assert_int_equal(want, PROBE_DONE);
        assert_outcome(&o, k ? VERDICT_NOT_YET : VERDICT_NEVER, k ? "body" : "protocol", NULL);
        probe_machine_free(m);
    }
}

static void test_tcp(void **state)
{
    struct probe_spec spec = {.kind = PROBE_TCP, .host = "mq:5672"};
    struct outcome o;
    (void)state;
    script_reply(&spec, BYTES(""), false, &o);
    assert_outcome(&o, VERDICT_READY, "", "mq:5672 accepts connections");
    spec.body = "220 ";
    script_reply(&spec, BYTES("220 mail.example ESMTP\r\n"), false, &o);
    assert_outcome(&o, VERDICT_READY, "", "greets with \"220\"");
    script_reply(&spec, BYTES("554 no\r\n"), true, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "greeting", "it is \"554 no\"");
    script_reply(&spec, BYTES("554 no\r\n"), false, &o);
    assert_outcome(&o, VERDICT_NOT_YET, "timeout", NULL);
}

static void test_kinds(void **state)
{
    (void)state;
    assert_true(probe_has_machine(PROBE_TCP));
    assert_false(probe_has_machine(PROBE_EXEC));
    assert_false(probe_has_machine(PROBE_KIND_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),  cmocka_unit_test(test_bad_status),
        cmocka_unit_test(test_excerpt), cmocka_unit_test(test_body_and_header),
        cmocka_unit_test(test_ranges),  cmocka_unit_test(test_request),
        cmocka_unit_test(test_garbage), cmocka_unit_test(test_endless),
        cmocka_unit_test(test_tcp),     cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
