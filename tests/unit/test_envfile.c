/*
 * cmd/envfile: .env from .env.example.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"
#include "cmd/envfile.h"

static bool counting(void *arg, void *data, size_t size)
{
    unsigned char *next = arg, *p = data;
    for (size_t i = 0; i < size; i++) {
        p[i] = (*next)++;
    }
    return true;
}

static bool broken(void *arg, void *data, size_t size)
{
    (void)arg;
    (void)data;
    (void)size;
    return false;
}

static const char example[] = "# Settings\n"
                              "\n"
                              "# Signs things. At least 40 characters.\n"
                              "APP_SECRET_KEY=your-secure-key-minimum-32-chars\n"
                              "POSTGRES_PASSWORD='secure_database_password' # keep it\n"
                              "export API_TOKEN=\n"
                              "DATABASE_URL=postgres://app:secure_database_password@db/app\n"
                              "# COMMENTED_PASSWORD=x\n"
                              "STRIPE_PUBLIC_KEY=pk_test\n"
                              "TLS_KEY=/run/secrets/key.pem\n"
                              "COMPASS=north\n"
                              "PORT=8000\n"
                              "DOMAIN=<your domain>";

static void test_generate(void **state)
{
    CLEANUP_BUF struct buf out = BUF_INIT;
    CLEANUP_STRV struct strv generated = {0};
    struct envfile f = {0};
    unsigned char next = 0;
    (void)state;
    assert_true(envfile_generate(example, &out, &generated, counting, &next));
    envfile_parse(&f, buf_text(&out));
    assert_int_equal(generated.len, 3);
    assert_int_equal(strlen(envfile_get(&f, "APP_SECRET_KEY")->value), 40);
    const char *password = envfile_get(&f, "POSTGRES_PASSWORD")->value;
    assert_int_equal(strlen(password), 32);
    assert_int_equal(strlen(envfile_get(&f, "API_TOKEN")->value), 32);
    CLEANUP_FREE char *url = xasprintf("postgres://app:%s@db/app", password);
    assert_string_equal(envfile_get(&f, "DATABASE_URL")->value, url);
    assert_string_equal(envfile_get(&f, "STRIPE_PUBLIC_KEY")->value, "pk_test");
    assert_string_equal(envfile_get(&f, "TLS_KEY")->value, "/run/secrets/key.pem");
    assert_string_equal(envfile_get(&f, "COMPASS")->value, "north");
    assert_non_null(strstr(buf_text(&out), "' # keep it\nexport API_TOKEN="));
    assert_non_null(strstr(buf_text(&out), "# COMMENTED_PASSWORD=x\n"));
    assert_true(str_ends(buf_text(&out), "DOMAIN=<your domain>"));
    for (const char *p = password; *p; p++) {
        assert_true((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
                    (*p >= 'A' && *p <= 'Z'));
    }
    envfile_release(&f);
    buf_clear(&out);
    assert_false(envfile_generate(example, &out, &generated, broken, NULL));
}

static void test_random_differs(void **state)
{
    CLEANUP_BUF struct buf a = BUF_INIT, b = BUF_INIT;
    CLEANUP_STRV struct strv generated = {0};
    (void)state;
    assert_true(envfile_generate(example, &a, &generated, env_random, NULL));
    assert_true(envfile_generate(example, &b, &generated, env_random, NULL));
    assert_string_not_equal(buf_text(&a), buf_text(&b));
}

static void test_placeholders(void **state)
{
    static const char *const yes[] = {"changeme",
                                      "CHANGE_ME",
                                      "your-secure-key-minimum-32-chars",
                                      "secure_database_password",
                                      "<token>",
                                      "xxxxxx",
                                      "..."};
    static const char *const no[] = {
        "", "postgres", "8000", "s3cr3t", "secure", "user@example.com", "Xk29dkf0s9dfk2l3"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        assert_true(env_is_placeholder(yes[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        assert_false(env_is_placeholder(no[i]));
    }
}

static const char *look(void *arg, const char *key)
{
    const struct env_entry *e = envfile_get(arg, key);
    return e ? e->value : NULL;
}

static void test_check(void **state)
{
    struct envfile want = {0}, have = {0};
    struct env_problems p = {0};
    (void)state;
    envfile_parse(&want, example);
    envfile_parse(&have, "APP_SECRET_KEY=short\nPOSTGRES_PASSWORD=secure_database_password\n"
                         "API_TOKEN=\nDATABASE_URL=x\nSTRIPE_PUBLIC_KEY=x\nTLS_KEY=x\n"
                         "COMPASS=x\nDOMAIN=example.com\n");
    env_check(&want, look, &have, &p);
    assert_int_equal(p.count, 4);
    assert_string_equal(p.items[0].message,
                        "APP_SECRET_KEY has 5 characters, at least 40 are needed");
    assert_string_equal(p.items[1].message,
                        "POSTGRES_PASSWORD still has the placeholder of .env.example");
    assert_string_equal(p.items[2].message, "API_TOKEN is empty");
    assert_string_equal(p.items[3].message, "PORT is not set");
    assert_true(p.items[1].placeholder);
    assert_false(p.items[2].placeholder);
    assert_true(p.items[2].error);
    assert_false(p.items[3].error);
    env_problems_release(&p);
    envfile_release(&want);
    envfile_release(&have);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generate),
        cmocka_unit_test(test_random_differs),
        cmocka_unit_test(test_placeholders),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
