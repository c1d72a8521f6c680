/*
 * run/: what an up, down, stop or restart does on an engine, in which order, and what it says when
 * something is wrong with a service: the cause, at once, and what to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/str.h"
#include "client.h"
#include "drive.h"
#include "run/run.h"
#include "stack.h"

#define MS NS_PER_MS

/* One world, the last command's outcome and log. */
struct bed {
    struct fake_world *world;
    struct buf log;
    struct err err;
    int64_t took;
};

static const struct fake_exec good_check[] = {{.pattern = "test"}};

static void bed_begin(struct bed *b, const struct fake_options *options)
{
    const struct fake_options quick = {.second = 5 * MS};
    const struct fake_behaviour server = {.boot = MS, .execs = good_check, .exec_count = 1};
    const struct fake_behaviour job = {.exits = true, .exit_after = MS};
    memset(b, 0, sizeof(*b));
    b->world = fake_world_new(options ? options : &quick);
    fake_world_image(b->world, "img", NULL);
    fake_world_image(b->world, "job", NULL);
    fake_world_behave(b->world, "img", &server);
    fake_world_behave(b->world, "job", &job);
}

static void bed_end(struct bed *b)
{
    fake_world_free(b->world);
    buf_release(&b->log);
}

static void behave(struct bed *b, const char *name, struct fake_behaviour script)
{
    if (!script.execs) {
        script.execs = good_check;
        script.exec_count = 1;
    }
    fake_world_behave(b->world, name, &script);
}

static int run_with(struct bed *b, const char *stack, struct drive d)
{
    struct project *p = stack_parse("p", stack);
    int64_t began = clock_mono();
    buf_clear(&b->log);
    fake_record_clear(b->world);
    d.project = p;
    d.log = &b->log;
    int rc = drive(b->world, &d, &b->err);
    b->took = clock_mono() - began;
    assert_int_equal(d.bad_events, 0);
    if (rc < 0) {
        bool by_user = b->err.code == ERR_CANCELLED;
        assert_true(*b->err.message && (by_user || (*b->err.hint && *b->err.subject)));
        assert_true(d.errors > 0 || by_user);
    }
    project_free(p);
    return rc;
}

static int up(struct bed *b, const char *stack)
{
    return run_with(b, stack, (struct drive){.verb = DRIVE_UP});
}

static int command(struct bed *b, const char *stack, enum drive_verb verb, unsigned flags)
{
    return run_with(b, stack, (struct drive){.verb = verb, .options = {.flags = flags}});
}

/* Where a line of the log begins that starts like this; fails when there is none. */
static size_t line_at(const struct bed *b, const char *start)
{
    CLEANUP_FREE char *after = xasprintf("\n%s", start);
    const char *text = buf_text(&b->log), *found = strstr(text, after);
    if (str_starts(text, start)) {
        return 0;
    }
    if (!found) {
        print_error("no line \"%s...\" in\n%s", start, text);
    }
    assert_non_null(found);
    return (size_t)(found + 1 - text);
}

static bool has_line(const struct bed *b, const char *start)
{
    CLEANUP_FREE char *after = xasprintf("\n%s", start);
    return str_starts(buf_text(&b->log), start) || strstr(buf_text(&b->log), after);
}

static void assert_says(const struct bed *b, const char *part)
{
    CLEANUP_FREE char *all = xasprintf("%s [%s] (%s)\n%s", b->err.message, b->err.subject,
                                       b->err.hint, buf_text(&b->log));
    if (!strstr(all, part)) {
        print_error("\"%s\" is not said in\n%s\n", part, all);
    }
    assert_non_null(strstr(all, part));
}

static void assert_state(const struct bed *b, const char *name, const char *state)
{
    const char *now = fake_world_state(b->world, name);
    assert_string_equal(now ? now : "gone", state);
}

/* Where in the record the first such call is; fails when there is none. */
static size_t call_at(const struct bed *b, const char *method, const char *part)
{
    for (size_t i = 0; i < fake_record_count(b->world); i++) {
        const struct fake_record *r = fake_record_at(b->world, i);
        CLEANUP_FREE char *url = xasprintf("%s?%s", r->path, r->query);
        if (str_eq(r->method, method) && strstr(url, part)) {
            return i;
        }
    }
    fail_msg("no call %s ...%s", method, part);
    return 0;
}

/* --- order --- */

static void test_order(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    assert_int_equal(up(&b, "service a image=img check=test\n"
                            "service b image=img check=test deps=a:healthy\n"
                            "service c image=img deps=b:healthy\n"),
                     0);
    /* all are created before the first is ready; a start waits for its gate only */
    assert_true(line_at(&b, "p-c-1 created") < line_at(&b, "p-a-1 ready"));
    assert_true(line_at(&b, "p-a-1 ready") < line_at(&b, "p-b-1 starting"));
    assert_true(line_at(&b, "p-b-1 ready") < line_at(&b, "p-c-1 starting"));
    assert_says(&b, "p-c-1 waiting: for b");
    assert_state(&b, "p-c-1", "running");
    bed_end(&b);
}

static void test_nothing_to_do(void **state)
{
    static const char stack[] = "service a image=img check=test vols=data:/d\n"
                                "service b image=img deps=a:healthy\nvolume data\n";
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    assert_int_equal(up(&b, stack), 0);
    assert_int_equal(up(&b, stack), 0);
    assert_int_equal(fake_record_calls(b.world, "POST", "/containers/*/start"), 0);
    assert_int_equal(fake_record_calls(b.world, "POST", "*/create"), 0);
    assert_int_equal(fake_record_calls(b.world, "DELETE", "*"), 0);
    assert_int_equal(fake_world_starts(b.world, "p-a-1"), 1);
    bed_end(&b);
}

static void test_networks_by_api(void **state)
{
    static const char *const versions[] = {"1.41", "1.44"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct fake_options o = {.api_version = versions[i]};
        struct bed b;
        bed_begin(&b, &o);
        assert_int_equal(
            up(&b, "service a image=img nets=x,y,z\nnetwork x\nnetwork y\nnetwork z\n"), 0);
        assert_int_equal(fake_record_calls(b.world, "POST", "/networks/*/connect"), i == 0 ? 2 : 0);
        CLEANUP_FREE char *text = fake_world_describe(b.world, "p");
        assert_non_null(strstr(text, "networks=p_x,p_y,p_z"));
        bed_end(&b);
    }
}

/* --- what may be wrong with a service --- */

static void test_crash_loop(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    behave(&b, "p-a-1",
           (struct fake_behaviour){.exits = true,
                                   .exit_after = 2 * MS,
                                   .exit_code = 3,
                                   .boot = 10 * MS,
                                   .logs = "starting\ncannot read my.conf"});
    assert_int_equal(up(&b, "service a image=img check=test restart=always\n"
                            "service b image=img deps=a:healthy\n"),
                     -ERR_UNHEALTHY);
    assert_string_equal(b.err.subject, "a");
    assert_says(&b, "crash loop: it exited with 3 twice");
    assert_says(&b, "cannot read my.conf"); /* the evidence */
    assert_state(&b, "p-b-1", "created");
    assert_true(b.took < 1000 * MS);
    bed_end(&b);
}

static void test_one_restart_is_forgiven(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    behave(&b, "p-a-1",
           (struct fake_behaviour){
               .exits = true, .exit_times = 1, .exit_code = 1, .exit_after = MS, .boot = 4 * MS});
    assert_int_equal(up(&b, "service a image=img check=test restart=unless-stopped\n"
                            "service b image=img deps=a:healthy\n"),
                     0);
    assert_int_equal(fake_world_starts(b.world, "p-a-1"), 2);
    assert_state(&b, "p-b-1", "running");
    bed_end(&b);
}

static void test_ends_before_it_is_ready(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    behave(
        &b, "p-a-1",
        (struct fake_behaviour){
            .exits = true, .exit_after = 2 * MS, .exit_code = 137, .oom = true, .boot = 10 * MS});
    assert_int_equal(up(&b, "service a image=img check=test\nservice b image=img deps=a:healthy\n"),
                     -ERR_UNHEALTHY);
    assert_says(&b, "exited with 137");
    assert_says(&b, "memory");
    bed_end(&b);
}

static void test_one_shot_fails(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    behave(&b, "p-job-1",
           (struct fake_behaviour){
               .exits = true, .exit_after = MS, .exit_code = 5, .logs_err = "no table"});
    assert_int_equal(up(&b, "service job image=job\nservice web image=img deps=job:completed\n"),
                     -ERR_UNHEALTHY);
    assert_string_equal(b.err.subject, "job");
    assert_says(&b, "exit 5");
    assert_says(&b, "no table");
    assert_says(&b, "p-web-1 skipped");
    assert_state(&b, "p-web-1", "created");
    bed_end(&b);
}

static void test_cannot_start(void **state)
{
    static const struct {
        const char *text;
        int status;
        const char *hint;
    } rows[] = {
        {"failed to create shim task: OCI runtime create failed: runc create failed: unable to "
         "start container process: exec: \"nosuch\": executable file not found in $PATH: unknown",
         400, "no such command"},
        {"exec /app: exec format error", 500, "architecture"},
        {"driver failed programming external connectivity on endpoint x: Bind for 0.0.0.0:80 "
         "failed: port is already allocated",
         500, "port"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bed b;
        bed_begin(&b, NULL);
        behave(
            &b, "p-a-1",
            (struct fake_behaviour){.start_error = rows[i].text, .start_status = rows[i].status});
        assert_true(up(&b, "service a image=img\nservice b image=img deps=a:started\n") < 0);
        assert_string_equal(b.err.subject, "a");
        assert_non_null(strstr(b.err.hint, rows[i].hint));
        assert_true(fake_world_starts(b.world, "p-b-1") <= 0);
        bed_end(&b);
    }
}

static void test_check_cannot_run(void **state)
{
    static const struct fake_exec rows[] = {{.pattern = "test", .missing = true}};
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    behave(&b, "p-a-1", (struct fake_behaviour){.execs = rows, .exec_count = 1});
    assert_int_equal(up(&b, "service a image=img check=test\nservice b image=img deps=a:healthy\n"),
                     -ERR_UNHEALTHY);
    assert_says(&b, "healthcheck");
    assert_true(b.took < 1500 * MS);
    bed_end(&b);
}

static void test_never_ready(void **state)
{
    static const struct fake_exec rows[] = {
        {.pattern = "test", .exit_code = 1, .out = "no route to queue", .always = true}};
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    behave(&b, "p-a-1", (struct fake_behaviour){.execs = rows, .exec_count = 1});
    assert_int_equal(up(&b, "service a image=img check=test timeout=60ms\n"
                            "service b image=img deps=a:healthy\n"),
                     -ERR_TIMEOUT);
    assert_string_equal(b.err.subject, "a");
    assert_says(&b, "no route to queue");
    assert_true(b.took >= 60 * MS && b.took < 1000 * MS);
    bed_end(&b);
}

static void test_deadline_of_the_run(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    behave(&b, "p-a-1", (struct fake_behaviour){.boot = 10 * NS_PER_SEC});
    assert_int_equal(
        run_with(&b, "service a image=img check=test\nservice b image=img deps=a:healthy\n",
                 (struct drive){.verb = DRIVE_UP, .deadline = 50 * MS}),
        -ERR_TIMEOUT);
    assert_says(&b, "not proved: a");
    assert_state(&b, "p-a-1", "running"); /* nothing is torn down */
    bed_end(&b);
}

static void test_optional_dependency(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    behave(
        &b, "p-a-1",
        (struct fake_behaviour){.exits = true, .exit_after = MS, .exit_code = 1, .boot = 10 * MS});
    assert_int_equal(up(&b, "service a image=img check=test\n"
                            "service b image=img deps=a:healthy:optional\n"),
                     0);
    assert_true(has_line(&b, "warning: a exited with 1"));
    assert_state(&b, "p-b-1", "running");
    bed_end(&b);
}

static void test_name_taken(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    assert_int_equal(up(&b, "service x image=img name=p-a-1\n"), 0);
    assert_int_equal(up(&b, "service a image=img\n"), -ERR_CONFLICT);
    assert_string_equal(b.err.subject, "a");
    assert_says(&b, "remove it, or change container_name");
    bed_end(&b);
}

static void test_pull(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    fake_world_registry(b.world, "remote:1", NULL);
    fake_world_registry(b.world, "big:1", "no space left on device");
    assert_int_equal(up(&b, "service a image=remote:1\n"), 0);
    assert_true(fake_world_has(b.world, "image", "remote:1"));
    assert_true(up(&b, "service a image=big:1\n") < 0);
    assert_says(&b, "no space left on device");
    assert_true(up(&b, "service a image=nowhere:1\n") < 0);
    assert_says(&b, "pull access denied for nowhere");
    bed_end(&b);
}

/* Nothing to prove, and dead a moment after its start. */
static void test_dies_while_it_settles(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    behave(&b, "p-a-1",
           (struct fake_behaviour){.exits = true, .exit_after = 10 * MS, .exit_code = 3});
    assert_int_equal(run_with(&b, "service a image=img\n",
                              (struct drive){.verb = DRIVE_UP,
                                             .options = {.flags = PLAN_PROVE_ALL},
                                             .settle = 1000 * MS}),
                     -ERR_UNHEALTHY);
    assert_says(&b, "a exited with 3");
    assert_true(b.took < 900 * MS);
    bed_end(&b);
}

static void test_build(void **state)
{
    struct bed b;
    char dir[] = "/tmp/fettle-test-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    CLEANUP_FREE char *file = xasprintf("%s/Dockerfile", dir);
    CLEANUP_FREE char *stack = xasprintf("service a image=made:1 build=%s\n", dir);
    bed_begin(&b, NULL);
    assert_true(up(&b, stack) < 0);
    assert_says(&b, "there is no Dockerfile");
    assert_int_equal(path_write_file(file, "FROM scratch\n# why\nRUN make\n", 28, 0644, &b.err), 0);
    fake_world_build_fails(b.world, "a non-zero code: 2");
    assert_true(up(&b, stack) < 0);
    assert_says(&b,
                "step 2/3, RUN make: The command '/bin/sh -c make' returned a non-zero code: 2");
    assert_says(&b, "Dockerfile:3:1: building a");
    fake_world_build_fails(b.world, NULL);
    assert_int_equal(up(&b, stack), 0);
    assert_true(fake_world_has(b.world, "image", "made:1"));
    assert_int_equal(fake_record_calls(b.world, "POST", "/build"), 1);
    /* It is there now; two services of one image build it once. */
    assert_int_equal(up(&b, stack), 0);
    assert_int_equal(fake_record_calls(b.world, "POST", "/build"), 0);
    CLEANUP_FREE char *two = xasprintf("service a image=two:1 build=%s\n"
                                       "service b image=two:1 build=%s\n",
                                       dir, dir);
    assert_int_equal(up(&b, two), 0);
    assert_int_equal(fake_record_calls(b.world, "POST", "/build"), 1);
    bed_end(&b);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* What was got in this run is known to the container that is created next. */
static void test_image_label(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    fake_world_registry(b.world, "remote:1", NULL);
    assert_int_equal(up(&b, "service a image=remote:1\n"), 0);
    const struct fake_record *r = fake_record_at(b.world,
                                                 call_at(&b, "POST", "/containers/create"));
    const char *id = json_string_value(
        json_object_get(json_object_get(r->body, "Labels"), "com.docker.compose.image"));
    assert_non_null(id);
    assert_true(str_starts(id, "sha256:"));
    bed_end(&b);
}

/* --- more than create and start --- */

static void test_secrets_and_hooks(void **state)
{
    static const struct fake_exec rows[] = {
        {.pattern = "test"},
        {.pattern = "good"},
        {.pattern = "bad", .exit_code = 4, .out = "hook broke"}};
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    behave(&b, "p-a-1", (struct fake_behaviour){.execs = rows, .exec_count = 3});
    assert_int_equal(up(&b, "service a image=img secret=key after-start=good before-stop=good\n"
                            "secret key hush\n"),
                     0);
    assert_true(call_at(&b, "PUT", "/archive") < call_at(&b, "POST", "/start"));
    assert_true(call_at(&b, "POST", "/start") < call_at(&b, "POST", "/exec"));
    assert_null(strstr(buf_text(&b.log), "hush"));
    assert_int_equal(command(&b,
                             "service a image=img secret=key after-start=good before-stop=good\n"
                             "secret key hush\n",
                             DRIVE_STOP, 0),
                     0);
    assert_true(call_at(&b, "POST", "/exec") < call_at(&b, "POST", "/stop"));
    assert_true(up(&b, "service a image=img after-start=bad\n") < 0);
    assert_says(&b, "hook broke");
    bed_end(&b);
}

static void test_shared_namespace(void **state)
{
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    assert_int_equal(up(&b, "service a image=img\n"
                            "service b image=img mode=service:a deps=a:started\n"),
                     0);
    const struct fake_record *r = fake_record_at(b.world, call_at(&b, "POST", "name=p-b-1"));
    const char *mode = json_string_value(
        json_object_get(json_object_get(r->body, "HostConfig"), "NetworkMode"));
    assert_non_null(mode);
    assert_true(str_starts(mode, "container:") && strlen(mode) > 40);
    bed_end(&b);
}

static void test_attached(void **state)
{
    struct fake_options chunky = {.chunk = 3};
    struct bed b;
    (void)state;
    bed_begin(&b, &chunky);
    behave(&b, "p-a-1", (struct fake_behaviour){.logs = "first line\nsecond", .logs_err = "oops"});
    assert_int_equal(
        run_with(&b, "service a image=img check=test\nservice b image=img deps=a:healthy\n",
                 (struct drive){.verb = DRIVE_UP, .run_flags = RUN_ATTACH}),
        0);
    assert_true(call_at(&b, "POST", "/attach") < call_at(&b, "POST", "/start"));
    assert_true(has_line(&b, "p-a-1| first line"));
    assert_true(has_line(&b, "p-a-1| second"));
    assert_true(has_line(&b, "p-a-1| oops"));
    bed_end(&b);
}

/* --- the other way --- */

static void test_stop_order(void **state)
{
    static const char stack[] = "service a image=img\nservice b image=img deps=a:started\n"
                                "service c image=img deps=b:started\n";
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    assert_int_equal(up(&b, stack), 0);
    assert_int_equal(command(&b, stack, DRIVE_STOP, 0), 0);
    assert_true(line_at(&b, "p-c-1 stopped") < line_at(&b, "p-b-1 stopping"));
    assert_true(line_at(&b, "p-b-1 stopped") < line_at(&b, "p-a-1 stopping"));
    assert_state(&b, "p-a-1", "exited");
    bed_end(&b);
}

static void test_down_goes_on(void **state)
{
    static const char stack[] = "service a image=img\nservice b image=img\n";
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    assert_int_equal(up(&b, stack), 0);
    fake_world_fail_path(b.world, "POST", "/containers/*/stop", FAKE_FAULT_STATUS_500);
    assert_int_equal(command(&b, stack, DRIVE_DOWN, 0), -ERR_REFUSED);
    /* both were tried, not only the first */
    assert_int_equal(fake_record_calls(b.world, "POST", "/containers/*/stop"), 2);
    fake_world_mend(b.world);
    assert_int_equal(command(&b, stack, DRIVE_DOWN, 0), 0);
    CLEANUP_FREE char *left = fake_world_describe(b.world, "p");
    assert_string_equal(left, "");
    bed_end(&b);
}

static void test_network_in_use_by_others(void **state)
{
    struct client c = {0};
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    assert_int_equal(up(&b, "service a image=img\n"), 0);
    c.world = b.world;
    c.loop = ev_loop_new();
    fake_world_attach(b.world, c.loop);
    c.transport = fake_transport_new(b.world);
    client_create(&c, "guest",
                  json_pack("{s:{s:s}, s:{s:s}}", "HostConfig", "NetworkMode", "p_default",
                            "Labels", "x", "y"));
    client_ask(&c, "POST", "/containers/guest/start", NULL, NULL);
    assert_int_equal(c.status, 204);
    c.transport->ops->free(c.transport);
    json_decref(c.json);
    buf_release(&c.text);
    fake_world_attach(b.world, NULL);
    ev_loop_free(c.loop);
    assert_int_equal(command(&b, "service a image=img\n", DRIVE_DOWN, 0), 0);
    assert_true(has_line(&b, "warning: network p_default is still in use"));
    bed_end(&b);
}

static void test_restart(void **state)
{
    static const char stack[] = "service a image=img check=test\n"
                                "service b image=img deps=a:healthy\n"
                                "service job image=job\n"
                                "service w image=img deps=job:completed\n";
    struct bed b;
    (void)state;
    bed_begin(&b, NULL);
    assert_int_equal(up(&b, stack), 0);
    assert_int_equal(command(&b, stack, DRIVE_RESTART, 0), 0);
    assert_int_equal(fake_world_starts(b.world, "p-a-1"), 2);
    assert_int_equal(fake_world_starts(b.world, "p-b-1"), 2);
    assert_int_equal(fake_world_starts(b.world, "p-job-1"), 2);
    assert_true(line_at(&b, "p-a-1 ready") < line_at(&b, "p-b-1 restarting"));
    bed_end(&b);
}

/* --- interrupts --- */

static void test_interrupt(void **state)
{
    static const char stack[] = "service a image=img check=test\n"
                                "service b image=img deps=a:healthy\n";
    (void)state;
    for (int times = 1; times <= 2; times++) {
        for (int64_t after = 1; after <= 12; after += times) {
            struct fake_options o = {.latency = MS, .second = 5 * MS};
            struct bed b;
            bed_begin(&b, &o);
            behave(&b, "p-a-1", (struct fake_behaviour){.boot = 100 * MS, .start_takes = 2 * MS});
            assert_int_equal(run_with(&b, stack,
                                      (struct drive){.verb = DRIVE_UP,
                                                     .cancel_after = after * MS,
                                                     .interrupts = times}),
                             -ERR_CANCELLED);
            assert_true(b.took < 1000 * MS);
            assert_int_equal(fake_world_check(b.world, "p", FAKE_CHECK_ALWAYS, &b.err), 0);
            assert_int_equal(up(&b, stack), 0);
            assert_state(&b, "p-b-1", "running");
            assert_int_equal(fake_world_check(b.world, "p", FAKE_CHECK_SETTLED, &b.err), 0);
            bed_end(&b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_networks_by_api),
        cmocka_unit_test(test_crash_loop),
        cmocka_unit_test(test_one_restart_is_forgiven),
        cmocka_unit_test(test_ends_before_it_is_ready),
        cmocka_unit_test(test_one_shot_fails),
        cmocka_unit_test(test_cannot_start),
        cmocka_unit_test(test_check_cannot_run),
        cmocka_unit_test(test_never_ready),
        cmocka_unit_test(test_deadline_of_the_run),
        cmocka_unit_test(test_optional_dependency),
        cmocka_unit_test(test_name_taken),
        cmocka_unit_test(test_pull),
        cmocka_unit_test(test_build),
        cmocka_unit_test(test_dies_while_it_settles),
        cmocka_unit_test(test_image_label),
        cmocka_unit_test(test_secrets_and_hooks),
        cmocka_unit_test(test_shared_namespace),
        cmocka_unit_test(test_attached),
        cmocka_unit_test(test_stop_order),
        cmocka_unit_test(test_down_goes_on),
        cmocka_unit_test(test_network_in_use_by_others),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
