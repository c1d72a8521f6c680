/*
 * The table of keys: every row complete, nothing twice, documented; and what validation says.
 * With FETTLE_UPDATE=1 the documentation is written instead of compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "compose/schema.h"
#include "compose/yaml.h"

static size_t rows;

static bool has_fields(enum field_kind kind)
{
    return kind == FIELD_STRUCT || kind == FIELD_STRUCT_SET || kind == FIELD_STRUCTS ||
           kind == FIELD_STRUCT_MAP || kind == FIELD_ULIMITS || kind == FIELD_ENV_FILES;
}

static void walk(const struct schema_object *object)
{
    assert_true(object->name && object->count > 0);
    for (size_t i = 0; i < object->count; i++) {
        const struct schema_field *f = &object->fields[i];
        rows++;
        assert_true(f->key && *f->key && f->type && f->type->kinds);
        assert_false(str_empty(f->type->expected));
        assert_false(str_empty(f->text));
        assert_true(f->kind < FIELD_KIND_COUNT);
        assert_ptr_equal(schema_field(object, f->key), f); /* so no key stands twice */
        assert_true(!has_fields(f->kind) || f->object);
        assert_true(!(f->type->kinds & IS_LIST) || f->type->items);
        if (f->object && has_fields(f->kind)) {
            walk(f->object);
        }
    }
    for (size_t i = 0; object->required && object->required[i]; i++) {
        assert_non_null(schema_field(object, object->required[i]));
    }
}

static void test_every_row_is_complete(void **state)
{
    (void)state;
    walk(&schema_root);
    assert_true(rows > 300);
}

/* The hash depends on this order; a row in another place changes every label. */
static void test_order_of_a_service(void **state)
{
    static const char *const some[] = {"profiles", "build",       "command",     "depends_on",
                                       "deploy",   "environment", "healthcheck", "image",
                                       "labels",   "networks",    "ports",       "restart",
                                       "ulimits",  "volumes",     "pre_stop"};
    const struct schema_field *before = NULL;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(some); i++) {
        const struct schema_field *f = schema_field(&schema_service, some[i]);
        assert_non_null(f);
        assert_true(!before || before < f);
        before = f;
    }
}

static void test_documented(void **state)
{
    struct buf want = BUF_INIT, have = BUF_INIT;
    struct err err = {0};
    const char *file = TEST_DIR "/../docs/compose-support.md";
    (void)state;
    buf_str(&want, "# What a Compose file may hold\n\n"
                   "Made from the table in src/compose/schema_table.c; FETTLE_UPDATE=1 with the "
                   "test compose_schema writes it anew.\n"
                   "`.*.` stands for any name, `[]` for each item of a list. Keys that start with "
                   "x- are let in nearly everywhere.\n\n");
    schema_document(&want);
    if (getenv("FETTLE_UPDATE")) {
        assert_int_equal(path_write_file(file, buf_text(&want), want.len, 0644, &err), 0);
    }
    assert_int_equal(path_read_file(file, 1 << 20, &have, &err), 0);
    assert_string_equal(buf_text(&have), buf_text(&want));
    buf_release(&want);
    buf_release(&have);
}

struct bad {
    const char *text;
    int line, col;
    const char *path, *message, *hint;
};

static const struct bad bads[] = {
    {"services:\n  a:\n    imge: x\n", 3, 5, "services.a", "unknown key \"imge\" in a service",
     "did you mean \"image\"?"},
    {"services:\n  a:\n    image: 5\n", 3, 12, "services.a.image",
     "expected a string, got a whole number", "put the value in quotes"},
    {"services:\n  a:\n    stop_grace_period: 10\n", 3, 24, "services.a.stop_grace_period",
     "expected a duration with a unit, such as 30s or 1m30s, got a whole number", "write 10s"},
    {"services:\n  a:\n    stop_grace_period: 1.5\n", 3, 24, "services.a.stop_grace_period",
     "expected a duration with a unit, such as 30s or 1m30s, got a number", "write 1.5s"},
    {"services:\n  a:\n    cap_add: NET_ADMIN\n", 3, 14, "services.a.cap_add",
     "expected a list of strings, got a string", "write it as a list: [\"NET_ADMIN\"]"},
    {"services:\n  a:\n    cap_add: [A, B, A]\n", 3, 21, "services.a.cap_add[2]",
     "\"A\" is given twice", "remove one; the first is at f.yaml:3"},
    {"services:\n  a:\n    depends_on:\n      b: {condition: service_helthy}\n", 4, 22,
     "services.a.depends_on.b.condition", "\"service_helthy\" is not allowed here",
     "did you mean \"service_healthy\"?"},
    {"services:\n  a:\n    volumes:\n      - {target: /x}\n", 4, 9, "services.a.volumes[0]",
     "\"type\" is missing", "add type: bind, volume, tmpfs, cluster, npipe or image"},
    {"services:\n  a:\n    oom_score_adj: 2000\n", 3, 20, "services.a.oom_score_adj",
     "must be less than or equal to 1000", "-1000 to 1000"},
    {"services:\n  a b: {image: x}\n", 2, 3, "services.a b", "\"a b\" is not allowed as a name",
     "use letters, digits, '_', '.' and '-'"},
    {"volumes:\n  v:\n    image: x\n", 3, 5, "volumes.v", "unknown key \"image\" in a volume",
     "\"image\" is a key of a service: is the indentation right?"},
};

static void check_bad(const struct bad *bad)
{
    struct arena arena;
    struct vec docs = {0};
    struct diags diags = DIAGS_INIT;
    arena_init(&arena);
    assert_int_equal(yaml_read(&arena, "f.yaml", bad->text, strlen(bad->text), &docs, &diags), 0);
    assert_int_equal(schema_validate(docs.items[0], &diags), -ERR_COMPOSE);
    assert_int_equal(diags.len, 1);
    assert_string_equal(diags.items[0].message, bad->message);
    assert_string_equal(diags.items[0].hint, bad->hint);
    assert_string_equal(diags.items[0].path, bad->path);
    assert_int_equal(diags.items[0].line, bad->line);
    assert_int_equal(diags.items[0].col, bad->col);
    diags_release(&diags);
    vec_release(&docs);
    arena_release(&arena);
}

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
        check_bad(&bads[i]);
    }
}

static void test_all_problems_in_one_run(void **state)
{
    static const char text[] = "services:\n  a: {imge: x, ports: 80}\n  b: {tty: [1]}\nfoo: 1\n";
    struct arena arena;
    struct vec docs = {0};
    struct diags diags = DIAGS_INIT;
    (void)state;
    arena_init(&arena);
    assert_int_equal(yaml_read(&arena, "f", text, strlen(text), &docs, &diags), 0);
    assert_int_equal(schema_validate(docs.items[0], &diags), -ERR_COMPOSE);
    assert_int_equal(diags.errors, 4);
    diags_release(&diags);
    vec_release(&docs);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_complete),
        cmocka_unit_test(test_order_of_a_service),
        cmocka_unit_test(test_documented),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_all_problems_in_one_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
