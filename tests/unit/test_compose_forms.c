/*
 * Short forms: ports, volumes, command lines; and the numbers of JSON and YAML.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "compose/canonical.h"
#include "compose/shape.h"
#include "compose/typed.h"

struct form {
    const char *spec;
    const char *json; /* NULL = refused */
};

#define PORT(host, target, published, protocol)                                                 \
    "{\"mode\":\"ingress\"," host "\"target\":" target "," published "\"protocol\":\"" protocol \
    "\"}"

static const struct form ports[] = {
    {"80", "[" PORT("", "80", "", "tcp") "]"},
    {"8080:80", "[" PORT("", "80", "\"published\":\"8080\",", "tcp") "]"},
    {"080:80/UDP", "[" PORT("", "80", "\"published\":\"80\",", "udp") "]"},
    {"127.0.0.1::80", "[" PORT("\"host_ip\":\"127.0.0.1\",", "80", "", "tcp") "]"},
    {"[::1]:1:2/sctp", "[" PORT("\"host_ip\":\"::1\",", "2", "\"published\":\"1\",", "sctp") "]"},
    {"8000-9000:80", "[" PORT("", "80", "\"published\":\"8000-9000\",", "tcp") "]"},
    /* sorted as text within one entry */
    {"9-10", "[" PORT("", "10", "", "tcp") "," PORT("", "9", "", "tcp") "]"},
    {"1-2:3-4", "[" PORT("", "3", "\"published\":\"1\",",
                         "tcp") "," PORT("", "4", "\"published\":\"2\",", "tcp") "]"},
    {"0:80", "[" PORT("", "80", "\"published\":\"0\",", "tcp") "]"},
    {"80:0", NULL},
    {"", NULL},
    {":", NULL},
    {"1-2:3-5", NULL},
    {"::1:80:80", NULL},
    {"127.0.0.1:80", NULL},
    {"host:80:80", NULL},
    {"65536", NULL},
    {"80 ", NULL},
    {"80/http", NULL},
    {"5-4", NULL},
};

static void test_ports(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        struct arena arena;
        struct buf out = BUF_INIT;
        struct node *list = NULL;
        const char *why = NULL;
        arena_init(&arena);
        list = node_list(&arena, (struct pos){0});
        if (ports[i].json) {
            assert_true(canonical_port(&arena, list, (struct pos){0}, ports[i].spec, &why));
            json_write(&out, list, false);
            assert_string_equal(buf_text(&out), ports[i].json);
        } else {
            assert_false(canonical_port(&arena, list, (struct pos){0}, ports[i].spec, &why));
            assert_int_equal(list->count, 0);
            assert_non_null(why);
        }
        buf_release(&out);
        arena_release(&arena);
    }
}

static const struct form volumes[] = {
    {"/data", "{\"target\":\"/data\",\"type\":\"volume\",\"volume\":{}}"},
    {"db:/data", "{\"source\":\"db\",\"target\":\"/data\",\"type\":\"volume\",\"volume\":{}}"},
    {"./a:/b:ro", "{\"read_only\":true,\"source\":\"./a\",\"target\":\"/b\",\"type\":\"bind\","
                  "\"bind\":{\"create_host_path\":true}}"},
    {"db:/d:z,nocopy,whatever", "{\"bind\":{\"selinux\":\"z\"},\"volume\":{\"nocopy\":true},"
                                "\"source\":\"db\",\"target\":\"/d\","
                                "\"type\":\"volume\"}"},
    {"db:/d//x/", "{\"source\":\"db\",\"target\":\"/d/x\",\"type\":\"volume\",\"volume\":{}}"},
    {"v:/data", "{\"target\":\"v:/data\",\"type\":\"volume\",\"volume\":{}}"}, /* a drive */
    {"/x", "{\"type\":\"volume\",\"target\":\"/x\"}"},
    {"C:\\x:/y", "{\"source\":\"C:\\\\x\",\"target\":\"/y\",\"type\":\"bind\","
                 "\"bind\":{\"create_host_path\":true}}"},
    {"", NULL},
    {":/x", NULL},
    {"abc::ro", NULL},
    {"aa:/b:ro:rw", NULL},
};

static void test_volumes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(volumes); i++) {
        struct arena arena;
        struct buf out = BUF_INIT;
        struct node *volume = NULL;
        const char *why = NULL;
        arena_init(&arena);
        volume = canonical_volume(&arena, (struct pos){0}, volumes[i].spec, &why);
        assert_int_equal(volume != NULL, volumes[i].json != NULL);
        assert_int_equal(why != NULL, volumes[i].json == NULL);
        if (volume) {
            json_write(&out, volume, false);
            assert_string_equal(buf_text(&out), volumes[i].json);
        }
        buf_release(&out);
        arena_release(&arena);
    }
}

static const struct {
    const char *line, *words; /* joined by "|"; NULL = refused */
} lines[] = {
    {"", ""},
    {"  ", ""},
    {"a b\tc\nd", "a|b|c|d"},
    {"'a b' \"c d\"", "a b|c d"},
    {"''", "<empty>"},
    {"a''b", "ab"},
    {"\"a\\nb\"", "anb"},
    {"'a\\nb'", "a\\nb"},
    {"a\\ b", "a b"},
    {"sh -c \"echo $HOME\"", "sh|-c|echo $HOME"},
    {"echo $(a b) c", "echo|$(a b)|c"},
    {"echo `a b` c", "echo|`a b`|c"},
    {"a && b", "a"},
    {"a; b", "a"},
    {"a 2>x", "a"},
    {"a|b", "a"},
    {"'a", NULL},
    {"\"a", NULL},
    {"a\\", NULL},
    {"a (b)", NULL},
    {"$(a", NULL},
};

static void test_command_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct strv words = {0};
        struct buf joined = BUF_INIT;
        bool ok = shell_words(lines[i].line, &words);
        assert_int_equal(ok, lines[i].words != NULL);
        for (size_t j = 0; ok && j < words.len; j++) {
            buf_printf(&joined, "%s%s", j ? "|" : "", *words.items[j] ? words.items[j] : "<empty>");
        }
        if (ok) {
            assert_string_equal(buf_text(&joined), lines[i].words);
        }
        buf_release(&joined);
        strv_release(&words);
    }
}

static const struct {
    double value;
    const char *json;
} numbers[] = {
    {0, "0"},           {1, "1"},           {0.5, "0.5"},
    {-2.25, "-2.25"},   {100, "100"},       {1e20, "100000000000000000000"},
    {1e21, "1e+21"},    {1e-6, "0.000001"}, {1e-7, "1e-7"},
    {1.5e-9, "1.5e-9"}, {0.1, "0.1"},       {123456789.123, "123456789.123"},
    {1e-10, "1e-10"},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct arena arena;
        struct buf out = BUF_INIT;
        arena_init(&arena);
        json_write(&out, node_float(&arena, (struct pos){0}, numbers[i].value), false);
        assert_string_equal(buf_text(&out), numbers[i].json);
        buf_release(&out);
        arena_release(&arena);
    }
}

static const struct {
    const char *text, *json, *yaml;
} texts[] = {
    {"plain", "\"plain\"", "plain\n"},
    {"<a>&\"\\", "\"\\u003ca\\u003e\\u0026\\\"\\\\\"", "<a>&\"\\\n"},
    {"\x01\b\t", "\"\\u0001\\b\\t\"", "\"\\x01\\b\\t\"\n"},
    {"\xe2\x80\xa8", "\"\\u2028\"", "\"\\L\"\n"},
    {"\xff", "\"\\ufffd\"", NULL},
    {"true", "\"true\"", "\"true\"\n"},
    {"80", "\"80\"", "\"80\"\n"},
    {"0.0.0.0", "\"0.0.0.0\"", "0.0.0.0\n"},
    {"yes", "\"yes\"", "\"yes\"\n"},
    {"1:30", "\"1:30\"", "\"1:30\"\n"},
    {"a: b", "\"a: b\"", "'a: b'\n"},
    {"- a", "\"- a\"", "'- a'\n"},
    {"--x", "\"--x\"", "--x\n"},
    {"it's: ", "\"it's: \"", "'it''s: '\n"},
    {"", "\"\"", "\"\"\n"},
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena arena;
        struct buf json = BUF_INIT, yaml = BUF_INIT;
        struct node *n = NULL;
        arena_init(&arena);
        n = node_string(&arena, (struct pos){0}, texts[i].text);
        json_write(&json, n, false);
        yaml_write(&yaml, n);
        assert_string_equal(buf_text(&json), texts[i].json);
        if (texts[i].yaml) {
            assert_string_equal(buf_text(&yaml), texts[i].yaml);
        }
        buf_release(&json);
        buf_release(&yaml);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports),         cmocka_unit_test(test_volumes),
        cmocka_unit_test(test_command_lines), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
