/*
 * The transport against a real engine: negotiation, JSON, errors, streams, hijacked exec. Needs
 * FETTLE_TEST_DOCKER_HOST (an endpoint) and an image that has sh: FETTLE_TEST_IMAGE, else the first
 * one that the engine lists. Skips (77) without.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "engine/docker/docker.h"

enum { SKIPPED = 77 };

static struct ev_loop *loop;
static struct engine_transport *engine;
static char image[256];

struct result {
    int status, opened, done;
    json_t *json;
    struct buf data;
    struct err err;
    struct engine_call *call;
};

static void on_connected(void *arg, const struct err *err)
{
    struct result *r = arg;
    r->done++;
    if (err != NULL) {
        r->err = *err;
    }
    ev_loop_stop(loop);
}

static void on_open(void *arg, const struct engine_reply *reply)
{
    struct result *r = arg;
    r->opened++;
    r->status = reply->status;
}

static void on_data(void *arg, const void *data, size_t len)
{
    struct result *r = arg;
    buf_append(&r->data, data, len);
}

static void on_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct result *r = arg;
    r->done++;
    r->status = reply == NULL ? 0 : reply->status;
    r->json = reply == NULL ? NULL : json_incref(reply->json);
    if (err != NULL) {
        r->err = *err;
    }
    ev_loop_stop(loop);
}

static const struct engine_handlers handlers = {
    .on_open = on_open, .on_data = on_data, .on_done = on_done};

static void release(struct result *r)
{
    json_decref(r->json);
    buf_release(&r->data);
    *r = (struct result){0};
}

static void call(struct result *r, const char *method, const char *path, const char *query,
                 const json_t *body, enum engine_mode mode)
{
    struct engine_request request = {.method = method,
                                     .path = path,
                                     .query = query,
                                     .json = body,
                                     .mode = mode,
                                     .deadline = clock_mono() + 30 * NS_PER_SEC};
    release(r);
    r->call = engine->ops->call(engine, &request, &handlers, r);
}

static void call_and_wait(struct result *r, const char *method, const char *path, const char *query,
                          const json_t *body, enum engine_mode mode)
{
    call(r, method, path, query, body, mode);
    ev_loop_run(loop);
    assert_int_equal(r->done, 1);
}

static void negotiates(void **state)
{
    (void)state;
    struct result r = {0};
    engine->ops->connect(engine, on_connected, &r);
    assert_int_equal(r.done, 0);
    ev_loop_run(loop);
    assert_string_equal(r.err.message, "");
    assert_int_equal(r.done, 1);
    assert_true(engine->traits.api_minor >= DOCKER_API_MIN);
    assert_true(engine->traits.version[0] != '\0');
    assert_string_equal(engine->traits.os, "linux");
    print_message("%s %s, API 1.%d, %s, local %d\n", engine->traits.name, engine->traits.version,
                  engine->traits.api_minor, engine->traits.arch, engine->traits.local);
}

static void answers_and_refuses(void **state)
{
    (void)state;
    struct result r = {0};
    call_and_wait(&r, "GET", "/containers/json", "all=1", NULL, ENGINE_COLLECT);
    assert_int_equal(r.status, 200);
    assert_true(json_is_array(r.json));
    call_and_wait(&r, "GET", "/containers/no-such-thing/json", NULL, NULL, ENGINE_COLLECT);
    assert_int_equal(r.err.code, ERR_NOT_FOUND);
    assert_int_equal(r.err.status, 404);
    assert_non_null(strstr(r.err.message, "no-such-thing"));
    release(&r);
}

static void many_at_once(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    static struct result r[COUNT];
    int done = 0;
    for (int i = 0; i < COUNT; i++) {
        call(&r[i], "GET", i % 2 ? "/networks" : "/volumes", NULL, NULL, ENGINE_COLLECT);
    }
    while (done < COUNT) {
        ev_loop_run(loop);
        done = 0;
        for (int i = 0; i < COUNT; i++) {
            done += r[i].done;
        }
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(r[i].status, 200);
        release(&r[i]);
    }
}

static void streams_can_be_cancelled(void **state)
{
    (void)state;
    struct result r = {0};
    call(&r, "GET", "/events", NULL, NULL, ENGINE_STREAM);
    while (r.opened == 0 && r.done == 0) {
        struct result other = {0};
        call_and_wait(&other, "GET", "/volumes", NULL, NULL, ENGINE_COLLECT);
        release(&other);
    }
    assert_int_equal(r.status, 200);
    engine->ops->cancel(r.call);
    assert_int_equal(r.done, 0);
    ev_loop_run(loop);
    assert_int_equal(r.done, 1);
    assert_int_equal(r.err.code, ERR_CANCELLED);
    release(&r);
}

static void runs_an_exec(const char *id)
{
    struct result r = {0};
    char path[200];
    json_t *body = json_pack("{s:[s,s,s], s:b, s:b, s:b}", "Cmd", "sh", "-c",
                             "read x; echo got $x; cat | wc -c", "AttachStdin", 1, "AttachStdout",
                             1, "AttachStderr", 1);
    snprintf(path, sizeof(path), "/containers/%s/exec", id);
    call_and_wait(&r, "POST", path, NULL, body, ENGINE_COLLECT);
    json_decref(body);
    assert_int_equal(r.status, 201);
    snprintf(path, sizeof(path), "/exec/%s/start",
             json_string_value(json_object_get(r.json, "Id")));
    body = json_pack("{s:b, s:b}", "Detach", 0, "Tty", 1);
    json_object_set_new(body, "Tty", json_false());
    struct result x = {0};
    call(&x, "POST", path, NULL, body, ENGINE_HIJACK);
    json_decref(body);
    while (x.opened == 0 && x.done == 0) {
        call_and_wait(&r, "GET", "/volumes", NULL, NULL, ENGINE_COLLECT);
    }
    assert_int_equal(x.opened, 1);
    static char bulk[100000];
    memset(bulk, 'x', sizeof(bulk));
    engine->ops->write(x.call, "word\n", 5);
    engine->ops->write(x.call, bulk, sizeof(bulk));
    engine->ops->close_write(x.call);
    ev_loop_run(loop);
    assert_int_equal(x.done, 1);
    assert_string_equal(x.err.message, "");
    /* Two frames, each with 8 bytes before it. */
    assert_true(x.data.len > 8);
    assert_memory_equal(x.data.data + 8, "got word\n", 9);
    assert_non_null(memmem(x.data.data, x.data.len, "100000\n", 7));
    release(&x);
    release(&r);
}

static void containers_live(void **state)
{
    (void)state;
    struct result r = {0};
    char path[200], id[80];
    if (image[0] == '\0') {
        skip();
    }
    /* Podman takes an empty Entrypoint for "the image's own": name one. */
    json_t *body = json_pack("{s:s, s:[s,s], s:[s], s:{s:s}}", "Image", image, "Entrypoint", "sh",
                             "-c", "Cmd",
                             "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; "
                             "exec sleep 100",
                             "HostConfig", "NetworkMode", "none");
    call_and_wait(&r, "POST", "/containers/create", NULL, body, ENGINE_COLLECT);
    json_decref(body);
    assert_string_equal(r.err.message, "");
    snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(r.json, "Id")));
    snprintf(path, sizeof(path), "/containers/%s/start", id);
    call_and_wait(&r, "POST", path, NULL, NULL, ENGINE_COLLECT);
    assert_int_equal(r.status, 204);
    call_and_wait(&r, "POST", path, NULL, NULL, ENGINE_COLLECT);
    assert_int_equal(r.status, 304); /* is no error */
    assert_int_equal(r.err.code, ERR_NONE);
    runs_an_exec(id);
    snprintf(path, sizeof(path), "/containers/%s/logs", id);
    call_and_wait(&r, "GET", path, "stdout=1&tail=100", NULL, ENGINE_STREAM);
    assert_non_null(memmem(r.data.data, r.data.len, "line 499\n", 9));
    snprintf(path, sizeof(path), "/containers/%s", id);
    call_and_wait(&r, "DELETE", path, "force=1&v=1", NULL, ENGINE_COLLECT);
    assert_int_equal(r.status, 204);
    release(&r);
}

static void a_missing_socket_is_explained(void **state)
{
    (void)state;
    struct endpoint e = {0};
    struct err err = {0};
    struct result r = {0};
    struct docker_options options = {0};
    struct engine_transport *saved = engine;
    assert_int_equal(endpoint_parse("unix:///nowhere/x.sock", &e, &err), 0);
    assert_int_equal(docker_new(loop, &e, &options, &engine, &err), 0);
    call_and_wait(&r, "GET", "/info", NULL, NULL, ENGINE_COLLECT);
    assert_int_equal(r.err.code, ERR_ENGINE);
    assert_int_equal(r.err.sys, ENOENT);
    assert_string_equal(r.err.message, "cannot reach the engine at unix:///nowhere/x.sock: connect "
                                       "to /nowhere/x.sock: No such file or directory");
    assert_true(r.err.hint[0] != '\0');
    engine->ops->free(engine);
    engine = saved;
    endpoint_release(&e);
    release(&r);
}

static void find_image(void)
{
    struct result r = {0};
    const char *given = getenv("FETTLE_TEST_IMAGE");
    size_t i;
    json_t *item;
    if (given != NULL) {
        snprintf(image, sizeof(image), "%s", given);
        return;
    }
    call(&r, "GET", "/images/json", NULL, NULL, ENGINE_COLLECT);
    ev_loop_run(loop);
    json_array_foreach(r.json, i, item)
    {
        const char *tag = json_string_value(json_array_get(json_object_get(item, "RepoTags"), 0));
        if (!str_empty(tag) && !str_eq(tag, "<none>:<none>")) {
            snprintf(image, sizeof(image), "%s", tag);
        }
    }
    release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(negotiates),      cmocka_unit_test(answers_and_refuses),
        cmocka_unit_test(many_at_once),    cmocka_unit_test(streams_can_be_cancelled),
        cmocka_unit_test(containers_live), cmocka_unit_test(a_missing_socket_is_explained),
    };
    const char *host = getenv("FETTLE_TEST_DOCKER_HOST");
    struct endpoint_options o = {.host = host, .home = "/nonexistent"};
    struct docker_options options = {0};
    struct endpoint e;
    struct err err = {0};

    if (str_empty(host)) {
        puts("skipped: FETTLE_TEST_DOCKER_HOST is not set");
        return SKIPPED;
    }
    loop = ev_loop_new();
    if (endpoint_choose(&o, &e, &err) != 0 || docker_new(loop, &e, &options, &engine, &err) != 0) {
        printf("%s\n%s\n", err.message, err.hint);
        return 1;
    }
    endpoint_release(&e);
    find_image();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    engine->ops->free(engine);
    ev_loop_free(loop);
    return rc;
}
