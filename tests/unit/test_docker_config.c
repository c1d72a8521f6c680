/*
 * engine/docker_config: who we are at which registry, and proxies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "engine/docker_config.h"

static struct docker_config *load(const char *text, struct err *err)
{
    char path[] = "/tmp/fettle-test-XXXXXX";
    struct docker_config *c = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    (void)!docker_config_load(path, &c, err);
    unlink(path);
    return c;
}

/* base64url of JSON, with its members sorted; NULL stays NULL. */
static char *plain(char *encoded)
{
    char *text = NULL;
    if (!encoded) {
        return NULL;
    }
    size_t len = strlen(encoded);
    CLEANUP_FREE char *out = xcalloc(1, len + 1);
    for (char *s = encoded; *s; s++) {
        *s = (char)(*s == '-' ? '+' : *s == '_' ? '/' : *s);
    }
    assert_true(EVP_DecodeBlock((unsigned char *)out, (unsigned char *)encoded, (int)len) > 0);
    json_t *value = json_loads(out, 0, NULL);
    assert_non_null(value);
    text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(value);
    free(encoded);
    return text;
}

static void test_registry_of(void **state)
{
    static const char *const rows[][2] = {
        {"postgres", "docker.io"},
        {"postgres:15", "docker.io"},
        {"library/postgres", "docker.io"},
        {"docker.io/library/postgres", "docker.io"},
        {"index.docker.io/x/y", "docker.io"},
        {"localhost/x", "localhost"},
        {"127.0.0.1:5000/x:1", "127.0.0.1:5000"},
        {"ghcr.io/a/b@sha256:00", "ghcr.io"},
        {"registry:5000/x", "registry:5000"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP_FREE char *host = docker_registry_of(rows[i][0]);
        assert_string_equal(host, rows[i][1]);
    }
}

static void test_auth(void **state)
{
    struct err err = {0};
    (void)state;
    struct docker_config *c =
        load(/* me:secret, you:a:b */
             "{\"auths\": {\"https://index.docker.io/v1/\": {\"auth\": \"bWU6c2VjcmV0\"},"
             " \"reg.example:5000\": {\"auth\": \"eW91OmE6Yg==\"},"
             " \"https://old.example/v1/\": {\"identitytoken\": \"tok\"},"
             " \"empty.example\": {}, \"bad.example\": {\"auth\": \"###\"}},"
             " \"credHelpers\": {\"ecr.example\": \"ecr-login\"}}",
             &err);
    static const char *const rows[][2] = {
        {"postgres:15",
         "{\"password\":\"secret\",\"serveraddress\":\"https://index.docker.io/v1/\","
         "\"username\":\"me\"}"},
        {"reg.example:5000/x", "{\"password\":\"a:b\",\"serveraddress\":\"reg.example:5000\","
                               "\"username\":\"you\"}"},
        {"old.example/x",
         "{\"identitytoken\":\"tok\",\"serveraddress\":\"https://old.example/v1/\"}"},
    };
    assert_non_null(c);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP_FREE char *got = plain(docker_config_auth(c, rows[i][0]));
        assert_string_equal(got, rows[i][1]);
    }
    assert_null(docker_config_auth(c, "empty.example/x"));
    assert_null(docker_config_auth(c, "bad.example/x"));
    assert_null(docker_config_auth(c, "other.example/x"));
    assert_null(docker_config_auth(NULL, "postgres"));
    assert_string_equal(docker_config_helper(c, "ecr.example/x"), "ecr-login");
    assert_null(docker_config_helper(c, "postgres"));
    CLEANUP_FREE char *all = plain(docker_config_auths(c));
    assert_non_null(strstr(all, "\"reg.example:5000\":{\"password\":\"a:b\""));
    assert_null(strstr(all, "empty.example"));
    docker_config_free(c);
    assert_null(docker_config_auths(NULL));
}

static void test_proxies(void **state)
{
    struct err err = {0};
    struct arena arena;
    (void)state;
    arena_init(&arena);
    struct docker_config *c = load("{\"proxies\": {\"default\": {\"httpProxy\": \"http://p:1\","
                                   " \"noProxy\": \"\"}, \"tcp://x:1\": {\"ftpProxy\": \"f\"}}}",
                                   &err);
    struct key_values kv = docker_config_proxies(c, &arena, "unix:///run/docker.sock");
    assert_int_equal(kv.count, 2);
    assert_string_equal(key_values_get(&kv, "HTTP_PROXY", NULL), "http://p:1");
    assert_string_equal(key_values_get(&kv, "http_proxy", NULL), "http://p:1");
    kv = docker_config_proxies(c, &arena, "tcp://x:1");
    assert_string_equal(key_values_get(&kv, "FTP_PROXY", NULL), "f");
    assert_int_equal(docker_config_proxies(NULL, &arena, "").count, 0);
    docker_config_free(c);
    arena_release(&arena);
}

static void test_bad_files(void **state)
{
    struct err err = {0};
    struct docker_config *c = NULL;
    (void)state;
    assert_null(load("[]", &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_null(load("{\n  nonsense", &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_int_equal(err.line, 2);
    c = load("{\"auths\": [], \"credsStore\": 7, \"proxies\": \"x\"}", &err);
    assert_null(docker_config_auth(c, "x"));
    assert_null(docker_config_helper(c, "x"));
    docker_config_free(c);
    assert_int_equal(docker_config_load("/nonexistent/config.json", &c, &err), 0);
    assert_null(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_of),
        cmocka_unit_test(test_auth),
        cmocka_unit_test(test_proxies),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests_name("docker_config", tests, NULL, NULL);
}
