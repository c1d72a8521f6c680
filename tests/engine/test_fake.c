/*
 * engine/fake: each operation answers as dockerd 20.10 does, and the faults do what they say.
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

#define MS NS_PER_MS

static void begin(struct client *c, const struct fake_options *options)
{
    client_begin(c, options);
    fake_world_image(c->world, "img", NULL);
}

static int post(struct client *c, const char *path, const char *query)
{
    return client_ask(c, "POST", path, query, NULL);
}

static void assert_state(struct client *c, const char *name, const char *state)
{
    assert_non_null(fake_world_state(c->world, name));
    assert_string_equal(fake_world_state(c->world, name), state);
}

/* --- containers --- */

static void test_create(void **state)
{
    struct client c;
    (void)state;
    begin(&c, NULL);
    const char *id = client_create(&c, "web", NULL);
    assert_int_equal(strlen(id), 64);
    CLEANUP_FREE char *first = xstrdup(id);
    client_create(&c, "web", NULL);
    assert_int_equal(c.status, 409);
    assert_int_equal(c.err.code, ERR_CONFLICT);
    assert_int_equal(c.err.status, 409);
    CLEANUP_FREE char *text = xasprintf(
        "Conflict. The container name \"/web\" is already in use by container \"%s\". "
        "You have to remove (or rename) that container to be able to reuse that name.",
        first);
    assert_string_equal(client_message(&c), text);
    assert_string_equal(c.err.message, text);

    client_create(&c, "-web", NULL);
    assert_int_equal(c.status, 400);
    client_create(&c, "other", json_pack("{s:s}", "Image", "nope:1"));
    assert_int_equal(c.status, 404);
    assert_string_equal(client_message(&c), "No such image: nope:1");
    assert_int_equal(c.err.code, ERR_NOT_FOUND);

    /* before API 1.44 only one network at a time */
    json_t *two = json_pack("{s:{s:{s:{}, s:{}}}}", "NetworkingConfig", "EndpointsConfig", "a",
                            "b");
    client_create(&c, "two", json_incref(two));
    assert_int_equal(c.status, 400);
    client_end(&c);
    struct fake_options newer = {.api_version = "1.44"};
    begin(&c, &newer);
    client_create(&c, "two", two);
    assert_int_equal(c.status, 201);
    client_end(&c);
}

static void test_life(void **state)
{
    struct client c;
    (void)state;
    begin(&c, NULL);
    client_create(&c, "web", NULL);
    assert_state(&c, "web", "created");
    assert_int_equal(post(&c, "/containers/web/kill", NULL), 409);
    assert_int_equal(post(&c, "/containers/web/stop", NULL), 304);
    assert_int_equal(c.err.code, 0);
    assert_int_equal(post(&c, "/containers/web/start", NULL), 204);
    assert_int_equal(post(&c, "/containers/web/start", NULL), 304);
    assert_state(&c, "web", "running");
    assert_int_equal(client_ask(&c, "DELETE", "/containers/web", NULL, NULL), 409);
    assert_int_equal(post(&c, "/containers/web/pause", NULL), 204);
    assert_int_equal(post(&c, "/containers/web/pause", NULL), 409);
    assert_state(&c, "web", "paused");
    assert_int_equal(post(&c, "/containers/web/unpause", NULL), 204);
    assert_int_equal(post(&c, "/containers/web/unpause", NULL), 500);
    assert_int_equal(post(&c, "/containers/web/restart", "t=1"), 204);
    assert_int_equal(fake_world_starts(c.world, "web"), 2);
    assert_state(&c, "web", "running");
    assert_int_equal(post(&c, "/containers/web/kill", "signal=FOO"), 400);
    assert_int_equal(post(&c, "/containers/web/stop", "t=1"), 204);
    assert_state(&c, "web", "exited");
    assert_int_equal(post(&c, "/containers/web/wait", NULL), 200);
    assert_int_equal(json_integer_value(json_object_get(c.json, "StatusCode")), 0);
    assert_int_equal(post(&c, "/containers/web/rename", "name=web"), 400);
    assert_int_equal(post(&c, "/containers/web/rename", "name=new"), 204);
    assert_null(fake_world_state(c.world, "web"));
    assert_int_equal(client_ask(&c, "DELETE", "/containers/new", NULL, NULL), 204);
    assert_int_equal(client_ask(&c, "DELETE", "/containers/new", NULL, NULL), 404);
    assert_string_equal(client_message(&c), "No such container: new");
    assert_int_equal(fake_world_open_calls(c.world), 0);
    client_end(&c);
}

static void test_stop_kills_the_stubborn(void **state)
{
    struct fake_options o = {.second = 2 * MS};
    const struct fake_behaviour stubborn = {.ignores_term = true};
    struct client c;
    (void)state;
    begin(&c, &o);
    fake_world_behave(c.world, "web", &stubborn);
    client_create(&c, "web", NULL);
    post(&c, "/containers/web/start", NULL);
    int64_t began = clock_mono();
    assert_int_equal(post(&c, "/containers/web/stop", "t=3"), 204);
    assert_true(clock_mono() - began >= 6 * MS);
    client_ask(&c, "GET", "/containers/web/json", NULL, NULL);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(c.json, "State"), "ExitCode")), 137);
    client_end(&c);
}

static void test_exit_and_wait(void **state)
{
    const struct fake_behaviour job = {
        .exits = true, .exit_after = 2 * MS, .exit_code = 3, .logs = "one\ntwo"};
    struct client c;
    (void)state;
    begin(&c, NULL);
    fake_world_behave(c.world, "img", &job);
    client_create(&c, "job", NULL);
    post(&c, "/containers/job/start", NULL);
    assert_int_equal(post(&c, "/containers/job/wait", NULL), 200);
    assert_int_equal(json_integer_value(json_object_get(c.json, "StatusCode")), 3);
    assert_state(&c, "job", "exited");
    assert_int_equal(client_stream(&c, "GET", "/containers/job/logs", "stdout=1", NULL), 200);
    assert_int_equal(c.text.len, 8 + 4 + 8 + 4);
    assert_memory_equal(c.text.data, "\1\0\0\0\0\0\0\4one\n\1\0\0\0\0\0\0\4two\n", 24);
    client_stream(&c, "GET", "/containers/job/logs", "stdout=1&tail=1", NULL);
    assert_int_equal(c.text.len, 12);
    assert_int_equal(client_stream(&c, "GET", "/containers/job/logs", NULL, NULL), 400);
    client_end(&c);
}

static bool has_settled(void *arg)
{
    struct client *c = arg;
    return fake_world_starts(c->world, "a1") == 4 && fake_world_starts(c->world, "b1") == 3 &&
           str_eq(fake_world_state(c->world, "b1"), "exited");
}

static void test_restart_policy(void **state)
{
    const struct fake_behaviour flaky = {.exits = true, .exit_code = 1, .exit_times = 3};
    const struct fake_behaviour broken = {.exits = true, .exit_code = 1};
    struct fake_options o = {.restart_delay = MS / 10};
    struct client c;
    (void)state;
    begin(&c, &o);
    fake_world_behave(c.world, "a1", &flaky);
    fake_world_behave(c.world, "b1", &broken);
    client_create(
        &c, "a1",
        json_pack("{s:{s:{s:s}}}", "HostConfig", "RestartPolicy", "Name", "unless-stopped"));
    client_create(&c, "b1",
                  json_pack("{s:{s:{s:s, s:i}}}", "HostConfig", "RestartPolicy", "Name",
                            "on-failure", "MaximumRetryCount", 2));
    post(&c, "/containers/a1/start", NULL);
    post(&c, "/containers/b1/start", NULL);
    assert_true(client_until(&c, has_settled, &c));
    assert_state(&c, "a1", "running");
    post(&c, "/containers/a1/stop", NULL);
    client_pass(&c, 2 * MS);
    assert_state(&c, "a1", "exited"); /* who stops it by hand stops it for good */
    client_end(&c);
}

static void test_ports_and_networks(void **state)
{
    struct client c;
    (void)state;
    begin(&c, NULL);
    json_t *body = json_pack("{s:{s:{s:[{s:s, s:s}]}, s:s}}", "HostConfig", "PortBindings",
                             "80/tcp", "HostIp", "127.0.0.1", "HostPort", "8080", "NetworkMode",
                             "net");
    assert_int_equal(client_ask(&c, "POST", "/networks/create", NULL,
                                json_pack("{s:s, s:{s:[{s:s}]}}", "Name", "net", "IPAM", "Config",
                                          "Subnet", "10.9.0.0/24")),
                     201);
    assert_int_equal(
        client_ask(&c, "POST", "/networks/create", NULL, json_pack("{s:s}", "Name", "net")), 409);
    assert_string_equal(client_message(&c), "network with name net already exists");
    assert_int_equal(client_ask(&c, "POST", "/networks/create", NULL,
                                json_pack("{s:s, s:{s:[{s:s}]}}", "Name", "n2", "IPAM", "Config",
                                          "Subnet", "10.9.0.128/25")),
                     403);
    client_create(&c, "a1", json_deep_copy(body));
    client_create(&c, "b1", body);
    assert_int_equal(post(&c, "/containers/a1/start", NULL), 204);
    assert_int_equal(post(&c, "/containers/b1/start", NULL), 500);
    assert_non_null(strstr(client_message(&c), "Bind for 127.0.0.1:8080 failed: port is already "
                                               "allocated"));
    assert_int_equal(client_ask(&c, "DELETE", "/networks/net", NULL, NULL), 403);
    client_ask(&c, "GET", "/containers/json", NULL, NULL);
    assert_int_equal(json_array_size(c.json), 1);
    const json_t *one = json_array_get(c.json, 0);
    const json_t *port = json_array_get(json_object_get(one, "Ports"), 0);
    assert_int_equal(json_integer_value(json_object_get(port, "PublicPort")), 8080);
    const json_t *net = json_object_get(
        json_object_get(json_object_get(one, "NetworkSettings"), "Networks"), "net");
    assert_string_equal(json_string_value(json_object_get(net, "IPAddress")), "10.9.0.2");

    post(&c, "/containers/a1/stop", NULL);
    assert_int_equal(post(&c, "/containers/b1/start", NULL), 204);
    assert_int_equal(client_ask(&c, "POST", "/networks/net/connect", NULL,
                                json_pack("{s:s}", "Container", "b1")),
                     403);
    assert_int_equal(client_ask(&c, "POST", "/networks/net/disconnect", NULL,
                                json_pack("{s:s}", "Container", "b1")),
                     200);
    assert_int_equal(client_ask(&c, "DELETE", "/networks/net", NULL, NULL), 204);
    assert_int_equal(post(&c, "/containers/a1/start", NULL), 404);
    assert_string_equal(client_message(&c), "network net not found");
    assert_int_equal(client_ask(&c, "DELETE", "/networks/bridge", NULL, NULL), 403);
    client_end(&c);
}

static void test_filters(void **state)
{
    static const char *const filters[] = {
        "filters=%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%7D", /* {"label":{"a=b":true}} */
        "filters={\"label\":[\"a=b\"]}",
        "filters={\"label\":[\"a\",\"k=v\"]}",
    };
    static const char *const volume_filters[] = {"filters={\"label\":[\"a=b\"]}"};
    struct client c;
    (void)state;
    begin(&c, NULL);
    client_create(&c, "x1", json_pack("{s:{s:s, s:s}}", "Labels", "a", "b", "k", "v"));
    client_create(&c, "y1", json_pack("{s:{s:s}}", "Labels", "a", "c"));
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        CLEANUP_FREE char *query = xasprintf("all=1&%s", filters[i]);
        assert_int_equal(client_ask(&c, "GET", "/containers/json", query, NULL), 200);
        assert_int_equal(json_array_size(c.json), 1);
        assert_string_equal(json_string_value(json_array_get(
                                json_object_get(json_array_get(c.json, 0), "Names"), 0)),
                            "/x1");
    }
    client_ask(&c, "GET", "/containers/json", "all=1&filters={\"label\":[\"a\"]}", NULL);
    assert_int_equal(json_array_size(c.json), 2);
    client_ask(&c, "GET", "/containers/json", filters[0], NULL);
    assert_int_equal(json_array_size(c.json), 0); /* not running */
    assert_int_equal(client_ask(&c, "GET", "/containers/json", "filters=[]", NULL), 400);
    client_ask(&c, "POST", "/volumes/create", NULL,
               json_pack("{s:s, s:{s:s}}", "Name", "v", "Labels", "a", "b"));
    client_ask(&c, "GET", "/volumes", volume_filters[0], NULL);
    assert_int_equal(json_array_size(json_object_get(c.json, "Volumes")), 1);
    client_end(&c);
}

static void test_volumes(void **state)
{
    const struct fake_image_spec spec = {.config = json_pack("{s:{s:{}}}", "Volumes", "/anon")};
    struct err err = {0};
    struct client c;
    (void)state;
    begin(&c, NULL);
    fake_world_image(c.world, "withvolume", &spec);
    client_create(&c, "x1",
                  json_pack("{s:s, s:{s:[s]}}", "Image", "withvolume", "HostConfig", "Binds",
                            "data:/data:ro"));
    assert_true(fake_world_has(c.world, "volume", "data"));
    client_ask(&c, "GET", "/volumes", NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(c.json, "Volumes")), 2);
    assert_int_equal(client_ask(&c, "DELETE", "/volumes/data", NULL, NULL), 409);
    assert_non_null(strstr(client_message(&c), "remove data: volume is in use - ["));
    assert_int_equal(client_ask(&c, "DELETE", "/containers/x1", NULL, NULL), 204);
    assert_int_equal(fake_world_check(c.world, "p", FAKE_CHECK_SETTLED, &err),
                     -ERR_BUG); /* the anonymous one is left */
    assert_int_equal(client_ask(&c, "DELETE", "/volumes/data", NULL, NULL), 204);
    assert_int_equal(client_ask(&c, "DELETE", "/volumes/data", NULL, NULL), 404);
    assert_string_equal(client_message(&c), "get data: no such volume");
    assert_int_equal(client_ask(&c, "DELETE", "/volumes/data", "force=1", NULL), 204);
    client_create(&c, "x1", json_pack("{s:s}", "Image", "withvolume"));
    assert_int_equal(client_ask(&c, "DELETE", "/containers/x1", "v=1&force=1", NULL), 204);
    client_ask(&c, "GET", "/volumes", NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(c.json, "Volumes")), 1);
    client_end(&c);
}

/* --- exec, attach, archive --- */

static void test_exec(void **state)
{
    static const struct fake_exec rows[] = {
        {.pattern = "pg_isready*",
         .exit_code = 0,
         .out = "accepting\n",
         .err = "x",
         .fail_first = 1},
        {.pattern = "nosuch", .missing = true},
        {.pattern = "cat", .echo = true, .out = "end"},
    };
    const struct fake_behaviour db = {.boot = 300 * MS, .execs = rows, .exec_count = 3};
    static const int codes[] = {1, 1, 0};
    struct client c;
    (void)state;
    begin(&c, NULL);
    fake_world_behave(c.world, "db", &db);
    client_create(&c, "db", NULL);
    json_t *body = json_pack("{s:[s, s, s], s:b, s:b}", "Cmd", "pg_isready", "-U", "me",
                             "AttachStdout", true, "AttachStderr", true);
    assert_int_equal(client_ask(&c, "POST", "/containers/db/exec", NULL, json_incref(body)), 409);
    post(&c, "/containers/db/start", NULL);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (i == 1) {
            client_pass(&c, 310 * MS); /* booted: the first run is to fail all the same */
        }
        assert_int_equal(client_ask(&c, "POST", "/containers/db/exec", NULL, json_incref(body)),
                         201);
        const char *id = json_string_value(json_object_get(c.json, "Id"));
        CLEANUP_FREE char *start = xasprintf("/exec/%s/start", id);
        CLEANUP_FREE char *look = xasprintf("/exec/%s/json", id);
        client_start(&c, ENGINE_HIJACK, "POST", start, NULL, json_pack("{s:b}", "Detach", false));
        client_wait(&c);
        assert_int_equal(c.status, 101);
        if (codes[i] == 0) {
            assert_int_equal(c.text.len, 8 + 10 + 8 + 1);
        }
        assert_int_equal(client_ask(&c, "GET", look, NULL, NULL), 200);
        assert_true(json_is_false(json_object_get(c.json, "Running")));
        assert_int_equal(json_integer_value(json_object_get(c.json, "ExitCode")), codes[i]);
    }
    json_decref(body);

    client_ask(&c, "POST", "/containers/db/exec", NULL,
               json_pack("{s:[s], s:b, s:b}", "Cmd", "cat", "AttachStdout", true, "Tty", true));
    CLEANUP_FREE char *cat = xasprintf("/exec/%s/start",
                                       json_string_value(json_object_get(c.json, "Id")));
    struct engine_call *call = client_start(&c, ENGINE_HIJACK, "POST", cat, NULL, NULL);
    client_pass(&c, MS);
    assert_int_equal(c.opened, 1);
    assert_true(c.transport->ops->write(call, "hello", 5));
    c.transport->ops->close_write(call);
    client_wait(&c);
    assert_string_equal(buf_text(&c.text), "helloend");

    client_ask(&c, "POST", "/containers/db/exec", NULL,
               json_pack("{s:[s], s:b}", "Cmd", "nosuch", "AttachStdout", true));
    CLEANUP_FREE char *id = xstrdup(json_string_value(json_object_get(c.json, "Id")));
    CLEANUP_FREE char *start = xasprintf("/exec/%s/start", id);
    CLEANUP_FREE char *look = xasprintf("/exec/%s/json", id);
    client_stream(&c, "POST", start, NULL, NULL);
    client_ask(&c, "GET", look, NULL, NULL);
    assert_int_equal(json_integer_value(json_object_get(c.json, "ExitCode")), 126);
    client_end(&c);
}

static void test_archive(void **state)
{
    struct client c;
    (void)state;
    begin(&c, NULL);
    client_create(&c, "x1", NULL);
    static const struct engine_handlers none = {0};
    struct engine_request rq = {.method = "PUT",
                                .path = "/containers/x1/archive",
                                .query = "path=%2Fetc",
                                .raw = "TAR",
                                .raw_len = 3,
                                .deadline = CLOCK_NEVER};
    c.transport->ops->call(c.transport, &rq, &none, NULL);
    assert_int_equal(client_ask(&c, "HEAD", "/containers/x1/archive", "path=/etc", NULL), 200);
    assert_true(strlen(c.path_stat) > 10);
    assert_int_equal(client_stream(&c, "GET", "/containers/x1/archive", "path=/etc", NULL), 200);
    assert_string_equal(buf_text(&c.text), "TAR");
    assert_int_equal(client_stream(&c, "GET", "/containers/x1/archive", "path=/no", NULL), 404);
    assert_int_equal(client_ask(&c, "PUT", "/containers/x1/archive", "path=/nosuch", NULL), 404);
    client_end(&c);
}

/* --- images --- */

static void test_images(void **state)
{
    struct client c;
    (void)state;
    begin(&c, NULL);
    fake_world_registry(c.world, "redis:7", NULL);
    fake_world_registry(c.world, "bad:1", "no space left on device");
    assert_int_equal(client_ask(&c, "GET", "/images/redis:7/json", NULL, NULL), 404);
    assert_string_equal(client_message(&c), "no such image: redis:7: No such image: redis:7");
    assert_int_equal(client_stream(&c, "POST", "/images/create",
                                   "fromImage=docker.io/library/redis&tag=7", NULL),
                     200);
    assert_non_null(strstr(buf_text(&c.text), "Downloaded newer image"));
    assert_int_equal(client_ask(&c, "GET", "/images/redis:7/json", NULL, NULL), 200);
    assert_string_equal(json_string_value(json_object_get(c.json, "Architecture")), "amd64");
    client_stream(&c, "POST", "/images/create", "fromImage=bad&tag=1", NULL);
    assert_int_equal(c.status, 200);
    assert_non_null(strstr(buf_text(&c.text), "\"error\":\"no space left on device\""));
    assert_int_equal(client_stream(&c, "POST", "/images/create", "fromImage=none", NULL), 404);
    assert_int_equal(post(&c, "/images/redis:7/tag", "repo=me/r&tag=1"), 201);
    assert_true(fake_world_has(c.world, "image", "me/r:1"));
    client_create(&c, "x1", json_pack("{s:s}", "Image", "me/r:1"));
    assert_int_equal(client_ask(&c, "DELETE", "/images/me/r:1", NULL, NULL), 200);
    assert_int_equal(client_ask(&c, "DELETE", "/images/redis:7", NULL, NULL), 409);
    client_end(&c);
}

/* --- events and health --- */

static bool saw(void *arg)
{
    struct client *c = arg;
    return strstr(buf_text(&c->text), "health_status: healthy") != NULL;
}

static void test_events_and_health(void **state)
{
    static const struct fake_exec rows[] = {{.pattern = "check", .exit_code = 0, .fail_first = 2}};
    const struct fake_behaviour script = {.execs = rows, .exec_count = 1};
    struct fake_options o = {.second = MS};
    struct client c, events;
    (void)state;
    begin(&c, &o);
    fake_world_behave(c.world, "x1", &script);
    events = c;
    events.transport = fake_transport_new(c.world);
    struct engine_call *call = client_start(
        &events, ENGINE_STREAM, "GET", "/events",
        "filters={\"label\":[\"p=1\"],\"event\":[\"create\",\"start\",\"health_status\"]}", NULL);
    client_create(&c, "x1",
                  json_pack("{s:{s:s}, s:{s:[s, s], s:I}}", "Labels", "p", "1", "Healthcheck",
                            "Test", "CMD", "check", "Interval", (json_int_t)NS_PER_SEC));
    client_create(&c, "other", NULL);
    post(&c, "/containers/x1/start", NULL);
    client_ask(&c, "GET", "/containers/json", NULL, NULL);
    assert_non_null(strstr(buf_text(&c.text), "(health: starting)"));
    assert_true(client_until(&events, saw, &events));
    assert_null(strstr(buf_text(&events.text), "\"name\":\"other\""));
    const char *create = strstr(buf_text(&events.text), "\"Action\":\"create\"");
    const char *start = strstr(buf_text(&events.text), "\"Action\":\"start\"");
    assert_non_null(create);
    assert_non_null(start);
    assert_true(create < start);
    events.transport->ops->cancel(call);
    assert_int_equal(events.done, 0);
    client_wait(&events);
    assert_int_equal(events.err.code, ERR_CANCELLED);
    client_stream(&events, "GET", "/events", "since=1&until=2&filters={\"type\":[\"container\"]}",
                  NULL);
    assert_int_equal(events.text.len, 0);
    events.transport->ops->free(events.transport);
    buf_release(&events.text);
    client_end(&c);
}

static void test_podman(void **state)
{
    struct fake_options o = {.flavour = FAKE_PODMAN, .second = MS};
    struct client c;
    (void)state;
    begin(&c, &o);
    client_create(&c, "x1",
                  json_pack("{s:{s:[s, s], s:I}}", "Healthcheck", "Test", "CMD", "true", "Interval",
                            (json_int_t)NS_PER_SEC));
    client_create(&c, "x1", NULL);
    assert_int_equal(c.status, 500);
    assert_int_equal(json_integer_value(json_object_get(c.json, "response")), 500);
    assert_non_null(json_object_get(c.json, "cause"));
    post(&c, "/containers/x1/start", NULL);
    client_pass(&c, 4 * MS);
    client_ask(&c, "GET", "/containers/x1/json", NULL, NULL);
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(json_object_get(c.json, "State"), "Health"), "Status")),
                        "starting");
    client_ask(&c, "DELETE", "/containers/x1", "force=1", NULL);
    client_stream(&c, "GET", "/events", "since=1&until=9999999999&filters={\"event\":[\"remove\"]}",
                  NULL);
    client_end(&c);
}

/* --- faults --- */

static void test_faults(void **state)
{
    static const struct {
        enum fake_fault fault;
        enum err_code code;
        int status;
        bool effect;
    } rows[] = {
        {FAKE_FAULT_LOST_BEFORE, ERR_ENGINE, 0, false},
        {FAKE_FAULT_LOST_AFTER, ERR_ENGINE, 0, true},
        {FAKE_FAULT_STATUS_500, ERR_REFUSED, 500, false},
        {FAKE_FAULT_STATUS_404, ERR_NOT_FOUND, 404, false},
        {FAKE_FAULT_STATUS_409, ERR_CONFLICT, 409, false},
        {FAKE_FAULT_NEVER, ERR_TIMEOUT, 0, false},
        {FAKE_FAULT_NEVER_AFTER, ERR_TIMEOUT, 0, true},
        {FAKE_FAULT_NOT_JSON, ERR_NONE, 200, true},
        {FAKE_FAULT_WRONG_SHAPE, ERR_NONE, 200, true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client c;
        begin(&c, NULL);
        fake_world_fail(c.world, 2, rows[i].fault);
        client_ask(&c, "GET", "/version", NULL, NULL);
        assert_int_equal(c.status, 200);
        assert_false(fake_world_struck(c.world));
        client_create(&c, "x1", NULL);
        assert_true(fake_world_struck(c.world));
        assert_int_equal(c.err.code, rows[i].code);
        assert_int_equal(c.status, rows[i].status);
        assert_int_equal(fake_world_has(c.world, "container", "x1"), rows[i].effect);
        assert_true(rows[i].fault != FAKE_FAULT_NOT_JSON || !c.json);
        assert_true(rows[i].fault != FAKE_FAULT_WRONG_SHAPE || json_is_array(c.json));
        assert_int_equal(client_ask(&c, "GET", "/version", NULL, NULL), 200);
        assert_int_equal(fake_record_at(c.world, 1)->fault, rows[i].fault);
        assert_int_equal(fake_world_open_calls(c.world), 0);
        client_end(&c);
    }
}

static void test_fault_by_path(void **state)
{
    struct client c;
    (void)state;
    begin(&c, NULL);
    fake_world_fail_path(c.world, "POST", "/containers/*/start", FAKE_FAULT_STATUS_500);
    client_create(&c, "x1", NULL);
    assert_int_equal(post(&c, "/containers/x1/start", NULL), 500);
    fake_world_mend(c.world);
    assert_int_equal(post(&c, "/containers/x1/start", NULL), 204);
    assert_int_equal(fake_record_calls(c.world, "POST", "/containers/*/start"), 2);
    assert_int_equal(fake_record_calls(c.world, "*", "*"), 3);
    client_end(&c);
}

static void test_killed_client(void **state)
{
    struct fake_options o = {.latency = MS};
    struct client c;
    (void)state;
    begin(&c, &o);
    fake_world_kill(c.world, 2);
    client_create(&c, "x1", NULL);
    client_create(&c, "y1", NULL); /* reaches the engine; its answer does not reach the client */
    assert_int_equal(c.err.code, ERR_ENGINE);
    client_create(&c, "z1", NULL);
    assert_int_equal(c.err.code, ERR_ENGINE);
    client_again(&c);
    client_pass(&c, 3 * MS);
    assert_int_equal(client_ask(&c, "GET", "/containers/json", "all=1", NULL), 200);
    assert_int_equal(json_array_size(c.json), 2);
    assert_false(fake_world_has(c.world, "container", "z1"));
    client_end(&c);
}

static bool x_runs(void *arg)
{
    struct client *c = arg;
    return str_eq(fake_world_state(c->world, "x1"), "running");
}

static bool x_exited(void *arg)
{
    struct client *c = arg;
    return str_eq(fake_world_state(c->world, "x1"), "exited");
}

static void test_cancel_and_free(void **state)
{
    const struct fake_behaviour slow = {.stop_takes = 60 * MS, .start_takes = 60 * MS};
    struct client c;
    (void)state;
    begin(&c, NULL);
    fake_world_behave(c.world, "x1", &slow);
    client_create(&c, "x1", NULL);
    struct engine_call *call = client_start(&c, ENGINE_COLLECT, "POST", "/containers/x1/start",
                                            NULL, NULL);
    client_pass(&c, MS);
    c.transport->ops->cancel(call);
    client_wait(&c);
    assert_int_equal(c.err.code, ERR_CANCELLED);
    assert_state(&c, "x1", "created");
    assert_true(client_until(&c, x_runs, &c)); /* the engine went on */
    client_start(&c, ENGINE_COLLECT, "POST", "/containers/x1/stop", NULL, NULL);
    client_again(&c);
    assert_int_equal(c.done, 1);
    assert_int_equal(c.err.code, ERR_CANCELLED);
    assert_true(client_until(&c, x_exited, &c));
    client_end(&c);
}

static void on_connected(void *arg, const struct err *err)
{
    struct client *c = arg;
    c->done++;
    c->err = err ? *err : (struct err){0};
    ev_loop_stop(c->loop);
}

static void test_connect(void **state)
{
    struct fake_options o = {.flavour = FAKE_PODMAN, .api_version = "1.44"};
    struct client c;
    (void)state;
    begin(&c, &o);
    c.transport->ops->connect(c.transport, on_connected, &c);
    assert_int_equal(c.done, 0);
    client_wait(&c);
    assert_int_equal(c.err.code, 0);
    assert_string_equal(c.transport->traits.name, "podman");
    assert_int_equal(c.transport->traits.api_minor, 44);
    assert_true(c.transport->traits.no_healthchecks);
    fake_world_fail(c.world, 1, FAKE_FAULT_LOST_BEFORE);
    c.done = 0;
    c.transport->ops->connect(c.transport, on_connected, &c);
    client_wait(&c);
    assert_int_equal(c.err.code, ERR_ENGINE);
    client_end(&c);
}

static void test_check(void **state)
{
    struct client c;
    struct err err = {0};
    (void)state;
    begin(&c, NULL);
    json_t *labels = json_pack("{s:{s:s, s:s, s:s, s:s}}", "Labels", "com.docker.compose.project",
                               "p", "com.docker.compose.service", "web",
                               "com.docker.compose.container-number", "1",
                               "com.docker.compose.config-hash", "h");
    client_create(&c, "p-web-1", json_deep_copy(labels));
    assert_int_equal(fake_world_check(c.world, "p", FAKE_CHECK_SETTLED, &err), 0);
    CLEANUP_FREE char *text = fake_world_describe(c.world, "p");
    assert_string_equal(text, "container p-web-1 service=web number=1 image=img hash=h "
                              "state=created networks=bridge(down)\n");
    client_create(&c, "0123456789ab_p-web-1", json_deep_copy(labels));
    assert_int_equal(fake_world_check(c.world, "p", FAKE_CHECK_SETTLED, &err), -ERR_BUG);
    client_ask(&c, "DELETE", "/containers/0123456789ab_p-web-1", NULL, NULL);
    client_create(&c, "p-web-2", labels);
    assert_int_equal(fake_world_check(c.world, "p", FAKE_CHECK_SETTLED, &err), -ERR_BUG);
    assert_non_null(strstr(err.message, "both number 1"));
    client_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_stop_kills_the_stubborn),
        cmocka_unit_test(test_exit_and_wait),
        cmocka_unit_test(test_restart_policy),
        cmocka_unit_test(test_ports_and_networks),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_volumes),
        cmocka_unit_test(test_exec),
        cmocka_unit_test(test_archive),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_events_and_health),
        cmocka_unit_test(test_podman),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_fault_by_path),
        cmocka_unit_test(test_killed_client),
        cmocka_unit_test(test_cancel_and_free),
        cmocka_unit_test(test_connect),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
