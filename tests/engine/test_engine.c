/*
 * engine/: the typed operations over the fake: what they ask for, what they make of the answers,
 * and that every call that fails in turn gives an error that says what it was about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "client.h"
#include "engine/engine.h"
#include "engine/observe.h"
#include "stack.h"

#define MS NS_PER_MS

struct bed {
    struct client c;
    struct engine *engine;
    int answers;
    struct err err;
    int exit_code;
    char output[128];
    struct buf events;
    int opened, ended;
};

static void bed_begin(struct bed *b, const struct fake_options *options)
{
    memset(b, 0, sizeof(*b));
    client_begin(&b->c, options);
    fake_world_image(b->c.world, "img", NULL);
    b->engine = engine_new(fake_transport_new(b->c.world));
}

static void bed_end(struct bed *b)
{
    engine_free(b->engine);
    buf_release(&b->events);
    client_end(&b->c);
}

static bool answered(void *arg)
{
    struct bed *b = arg;
    return b->answers > 0;
}

static void wait_answer(struct bed *b)
{
    assert_true(client_until(&b->c, answered, b));
    assert_int_equal(b->answers, 1);
    b->answers = 0;
}

static void keep_err(struct bed *b, const struct err *err)
{
    b->answers++;
    b->err = err ? *err : (struct err){0};
}

/* --- observe --- */

static void on_observed(void *arg, const struct err *err)
{
    keep_err(arg, err);
}

static json_t *labels(const char *service, const char *number)
{
    return json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "Image", "img", "Labels",
                     "com.docker.compose.project", "p", "com.docker.compose.service", service,
                     "com.docker.compose.container-number", number,
                     "com.docker.compose.config-hash", "h");
}

static void furnish(struct bed *b)
{
    struct client *c = &b->c;
    client_ask(c, "POST", "/networks/create", NULL,
               json_pack("{s:s, s:{s:s, s:s}}", "Name", "p_default", "Labels",
                         "com.docker.compose.project", "p", "com.docker.compose.network",
                         "default"));
    client_ask(
        c, "POST", "/volumes/create", NULL,
        json_pack("{s:s, s:{s:s}}", "Name", "p_data", "Labels", "com.docker.compose.project", "p"));
    client_create(c, "p-web-1", labels("web", "1"));
    client_create(c, "p-web-2", labels("web", "2"));
    client_create(c, "q-web-1", NULL);
    client_ask(c, "POST", "/containers/p-web-2/start", NULL, NULL);
}

static void look(struct bed *b, const struct project *p, struct observed *o)
{
    memset(o, 0, sizeof(*o));
    observe_start(b->engine, "p", p, OBSERVE_ALL, o, on_observed, b);
    wait_answer(b);
}

static void test_observe(void **state)
{
    struct observed o;
    struct bed b;
    (void)state;
    struct project *p = stack_parse("p", "service web image=img vols=data:/d\n"
                                         "service gone image=nope nets=out\n"
                                         "network out external\nvolume data\n");
    bed_begin(&b, NULL);
    furnish(&b);
    client_ask(&b.c, "POST", "/networks/create", NULL, json_pack("{s:s}", "Name", "out"));
    look(&b, p, &o);
    assert_int_equal(b.err.code, 0);
    assert_int_equal(o.container_count, 2);
    assert_string_equal(o.containers[1].name, "p-web-2");
    assert_int_equal(o.containers[1].number, 2);
    assert_int_equal(o.containers[1].state, CONTAINER_RUNNING);
    assert_int_equal(o.containers[0].state, CONTAINER_CREATED);
    assert_non_null(observed_network(&o, "p_default"));
    assert_non_null(observed_network(&o, "out")); /* external: by name */
    assert_int_equal(o.network_count, 2);
    assert_non_null(observed_volume(&o, "p_data"));
    assert_int_equal(o.volume_count, 1);
    assert_true(observed_image(&o, "img")->id[0]);
    assert_false(observed_image(&o, "nope")->id[0]);
    observed_release(&o);
    bed_end(&b);
    project_free(p);
}

/* Every call of observe fails in turn in every way: never a wrong picture without an error. */
static void test_observe_torture(void **state)
{
    struct fake_options options = {.patience = 2 * MS};
    (void)state;
    struct project *p = stack_parse("p", "service web image=img vols=data:/d\nvolume data\n");
    for (int fault = FAKE_FAULT_LOST_BEFORE; fault < FAKE_FAULT_CUT; fault++) {
        struct bed b;
        bed_begin(&b, &options);
        furnish(&b);
        for (size_t n = 1;; n++) {
            struct observed o;
            fake_world_fail(b.c.world, n, (enum fake_fault)fault);
            look(&b, p, &o);
            observed_release(&o);
            if (!fake_world_struck(b.c.world)) {
                assert_true(n > 5);
                break;
            }
            assert_int_equal(fake_world_open_calls(b.c.world), 0);
            if (fault == FAKE_FAULT_STATUS_404 && !b.err.code) {
                continue; /* that network, volume or image does not exist: an answer */
            }
            assert_true(b.err.code != ERR_NONE && b.err.code != ERR_BUG);
            assert_true(*b.err.message && *b.err.subject);
        }
        bed_end(&b);
    }
    project_free(p);
}

/* --- exec --- */

static void on_exec(void *arg, int exit_code, const char *output, const struct err *err)
{
    struct bed *b = arg;
    b->exit_code = exit_code;
    snprintf(b->output, sizeof(b->output), "%s", output);
    keep_err(b, err);
}

static const struct fake_exec exec_rows[] = {
    {.pattern = "good", .out = "fine\n", .err = "but\n"},
    {.pattern = "bad *", .exit_code = 7, .out = "no"},
    {.pattern = "slow", .delay = 1000 * MS},
    {.pattern = "nosuch", .missing = true},
};

static void run_exec(struct bed *b, const char *command, size_t max)
{
    const char *argv[] = {command, NULL, NULL};
    struct exec_spec spec = {.container = "p-web-1", .argv = argv, .max = max};
    if (str_eq(command, "bad")) {
        argv[1] = "thing";
    }
    engine_exec_run(b->engine, &spec, on_exec, b);
    wait_answer(b);
}

static void start_one(struct bed *b, const struct fake_behaviour *script)
{
    fake_world_behave(b->c.world, "p-web-1", script);
    client_create(&b->c, "p-web-1", labels("web", "1"));
    client_ask(&b->c, "POST", "/containers/p-web-1/start", NULL, NULL);
}

static void test_exec(void **state)
{
    const struct fake_behaviour script = {.execs = exec_rows, .exec_count = ARRAY_LEN(exec_rows)};
    struct fake_options options = {.chunk = 3};
    struct bed b;
    (void)state;
    bed_begin(&b, &options);
    start_one(&b, &script);
    run_exec(&b, "good", 0);
    assert_int_equal(b.exit_code, 0);
    assert_string_equal(b.output, "fine\nbut\n");
    run_exec(&b, "good", 4); /* the last of it */
    assert_string_equal(b.output, "but\n");
    run_exec(&b, "bad", 0);
    assert_int_equal(b.exit_code, 7);
    assert_int_equal(b.err.code, 0);
    run_exec(&b, "nosuch", 0);
    assert_int_equal(b.exit_code, 126);
    client_ask(&b.c, "POST", "/containers/p-web-1/stop", NULL, NULL);
    run_exec(&b, "good", 0);
    assert_int_equal(b.err.code, ERR_CONFLICT);
    bed_end(&b);
}

static void test_exec_torture(void **state)
{
    const struct fake_behaviour script = {.execs = exec_rows, .exec_count = ARRAY_LEN(exec_rows)};
    struct fake_options options = {.patience = 2 * MS};
    struct bed b;
    (void)state;
    bed_begin(&b, &options);
    start_one(&b, &script);
    for (int fault = FAKE_FAULT_LOST_BEFORE; fault < FAKE_FAULT_COUNT; fault++) {
        for (size_t n = 1;; n++) {
            fake_world_fail(b.c.world, n, (enum fake_fault)fault);
            run_exec(&b, "good", 0);
            if (!fake_world_struck(b.c.world)) {
                assert_int_equal(n, 4); /* create, start, inspect */
                break;
            }
            /* never "it succeeded" when that was not heard */
            assert_true(b.err.code || b.exit_code != 0 || fault == FAKE_FAULT_CUT ||
                        (n == 2 && fault >= FAKE_FAULT_NOT_JSON));
            assert_int_equal(fake_world_open_calls(b.c.world), 0);
        }
    }
    bed_end(&b);
}

static void test_exec_cancel(void **state)
{
    const struct fake_behaviour script = {.execs = exec_rows, .exec_count = ARRAY_LEN(exec_rows)};
    const char *argv[] = {"slow", NULL};
    struct exec_spec spec = {.container = "p-web-1", .argv = argv};
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    start_one(&b, &script);
    for (int turns = 0; turns < 4; turns++) { /* in each of its three calls */
        struct engine_exec *x = engine_exec_run(b.engine, &spec, on_exec, &b);
        for (int i = 0; i < turns; i++) {
            client_pass(&b.c, MS / 2);
        }
        engine_exec_cancel(x);
        client_pass(&b.c, 2 * MS);
        assert_int_equal(b.answers, 0);
        assert_int_equal(fake_world_open_calls(b.c.world), 0);
    }
    bed_end(&b);
}

/* --- events --- */

static void on_event(void *arg, const struct engine_event *e)
{
    struct bed *b = arg;
    buf_printf(&b->events, "%s %s %s\n", e->type, e->action,
               json_string_value(json_object_get(e->attributes, "name")));
    assert_true(e->time > 0 && *e->id);
}

static void on_open(void *arg)
{
    struct bed *b = arg;
    b->opened++;
}

static void on_end(void *arg, const struct err *err)
{
    struct bed *b = arg;
    b->ended++;
    keep_err(b, err);
}

static bool is_open(void *arg)
{
    struct bed *b = arg;
    return b->opened > 0;
}

static void test_watch(void **state)
{
    static const enum fake_flavour flavours[] = {FAKE_DOCKER, FAKE_PODMAN};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(flavours); i++) {
        struct fake_options options = {.flavour = flavours[i], .chunk = 7};
        struct bed b;
        bed_begin(&b, &options);
        struct engine_watch *w = engine_watch(b.engine, "p", on_event, on_open, on_end, &b);
        assert_true(client_until(&b.c, is_open, &b));
        client_create(&b.c, "p-web-1", labels("web", "1"));
        client_create(&b.c, "other", NULL);
        client_ask(&b.c, "POST", "/containers/p-web-1/start", NULL, NULL);
        client_ask(&b.c, "POST", "/containers/p-web-1/stop", NULL, NULL);
        client_ask(&b.c, "DELETE", "/containers/p-web-1", NULL, NULL);
        client_pass(&b.c, 3 * MS);
        assert_string_equal(buf_text(&b.events), "container create p-web-1\n"
                                                 "container start p-web-1\n"
                                                 "container kill p-web-1\n"
                                                 "container die p-web-1\n"
                                                 "container stop p-web-1\n"
                                                 "container destroy p-web-1\n");
        engine_watch_cancel(w);
        client_pass(&b.c, 2 * MS);
        assert_int_equal(b.ended, 0);
        assert_int_equal(fake_world_open_calls(b.c.world), 0);
        bed_end(&b);
    }
}

static void test_watch_ends(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    fake_world_fail(b.c.world, 1, FAKE_FAULT_CUT);
    engine_watch(b.engine, "p", on_event, on_open, on_end, &b);
    assert_true(client_until(&b.c, is_open, &b));
    client_create(&b.c, "p-web-1", labels("web", "1"));
    wait_answer(&b);
    assert_int_equal(b.ended, 1);
    assert_int_equal(b.err.code, ERR_ENGINE);
    bed_end(&b);
}

/* --- single operations: the right request --- */

static void on_reply(void *arg, const struct engine_reply *reply, const struct err *err)
{
    (void)reply;
    keep_err(arg, err);
}

static void expect_call(struct bed *b, const char *method, const char *path, const char *query)
{
    wait_answer(b);
    const struct fake_record *r = fake_record_at(b->c.world, fake_record_count(b->c.world) - 1);
    assert_string_equal(r->method, method);
    assert_string_equal(r->path, path);
    assert_string_equal(r->query, query);
}

static void test_requests(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    client_create(&b.c, "p-web-1", labels("web", "1"));
    engine_container_start(b.engine, "p-web-1", on_reply, &b);
    expect_call(&b, "POST", "/containers/p-web-1/start", "");
    engine_container_start(b.engine, "p-web-1", on_reply, &b);
    expect_call(&b, "POST", "/containers/p-web-1/start", "");
    assert_int_equal(b.err.code, 0); /* 304: it runs already */
    engine_container_pause(b.engine, "p-web-1", true, on_reply, &b);
    expect_call(&b, "POST", "/containers/p-web-1/pause", "");
    engine_container_pause(b.engine, "p-web-1", false, on_reply, &b);
    expect_call(&b, "POST", "/containers/p-web-1/unpause", "");
    engine_container_stop(b.engine, "p-web-1", 2 * NS_PER_SEC, on_reply, &b);
    expect_call(&b, "POST", "/containers/p-web-1/stop", "t=2");
    engine_container_rename(b.engine, "p-web-1", "p-new-1", on_reply, &b);
    expect_call(&b, "POST", "/containers/p-web-1/rename", "name=p-new-1");
    engine_container_kill(b.engine, "p-new-1", "SIGHUP", on_reply, &b);
    expect_call(&b, "POST", "/containers/p-new-1/kill", "signal=SIGHUP");
    assert_int_equal(b.err.code, ERR_CONFLICT);
    engine_container_put(b.engine, "p-new-1", "/run/a b", "TAR", 3, on_reply, &b);
    wait_answer(&b);
    const struct fake_record *put = fake_record_at(b.c.world, fake_record_count(b.c.world) - 1);
    assert_int_equal(put->raw_len, 3);
    assert_non_null(strstr(put->query, "path=/run/a%20b"));
    engine_container_remove(b.engine, "p-new-1", REMOVE_FORCE | REMOVE_VOLUMES, on_reply, &b);
    wait_answer(&b);
    assert_int_equal(b.err.code, 0);
    assert_false(fake_world_has(b.c.world, "container", "p-new-1"));
    engine_image_inspect(b.engine, "nope/x:1", on_reply, &b);
    expect_call(&b, "GET", "/images/nope/x:1/json", "");
    assert_int_equal(b.err.status, 404);
    bed_end(&b);
}

static void on_connected(void *arg, const struct err *err)
{
    keep_err(arg, err);
}

static void test_connect(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    engine_connect(b.engine, on_connected, &b);
    wait_answer(&b);
    assert_int_equal(b.err.code, 0);
    assert_string_equal(engine_traits(b.engine)->name, "docker");
    assert_int_equal(engine_traits(b.engine)->api_minor, 41);
    bed_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_observe),     cmocka_unit_test(test_observe_torture),
        cmocka_unit_test(test_exec),        cmocka_unit_test(test_exec_torture),
        cmocka_unit_test(test_exec_cancel), cmocka_unit_test(test_watch),
        cmocka_unit_test(test_watch_ends),  cmocka_unit_test(test_requests),
        cmocka_unit_test(test_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
