/*
 * See client.h. Every wait has an end: a test that hangs fails by an assertion instead.
 */
#include "client.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

enum { PATIENCE_S = 5 };

void client_begin(struct client *c, const struct fake_options *options)
{
    memset(c, 0, sizeof(*c));
    c->loop = ev_loop_new();
    c->world = fake_world_new(options);
    fake_world_attach(c->world, c->loop);
    c->transport = fake_transport_new(c->world);
}

static void forget_answer(struct client *c)
{
    json_decref(c->json);
    c->json = NULL;
    buf_release(&c->text);
    c->status = 0;
    c->pieces = 0;
    c->opened = c->done = c->drained = 0;
    c->path_stat[0] = '\0';
    err_clear(&c->err);
}

void client_end(struct client *c)
{
    c->transport->ops->free(c->transport);
    fake_world_free(c->world);
    forget_answer(c);
    ev_loop_free(c->loop);
}

void client_again(struct client *c)
{
    c->transport->ops->free(c->transport);
    c->transport = fake_transport_new(c->world);
}

static void on_open(void *arg, const struct engine_reply *reply)
{
    struct client *c = arg;
    c->opened++;
    c->status = reply->status;
}

static void on_data(void *arg, const void *data, size_t len)
{
    struct client *c = arg;
    assert(c->opened == 1);
    c->pieces++;
    buf_append(&c->text, data, len);
}

static void on_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct client *c = arg;
    c->done++;
    c->status = reply ? reply->status : 0;
    if (reply) {
        c->json = reply->json            ? json_incref(reply->json)
                  : reply->status >= 400 ? json_loads(reply->text, 0, NULL)
                                         : NULL;
        buf_append(&c->text, reply->text, reply->text_len);
        snprintf(c->path_stat, sizeof(c->path_stat), "%s",
                 reply->path_stat ? reply->path_stat : "");
    }
    if (err) {
        c->err = *err;
    }
    ev_loop_stop(c->loop);
}

struct engine_call *client_start(struct client *c, enum engine_mode mode, const char *method,
                                 const char *path, const char *query, json_t *body)
{
    static const struct engine_handlers handlers = {
        .on_open = on_open, .on_data = on_data, .on_done = on_done};
    struct engine_request rq = {
        .method = method,
        .path = path,
        .query = query,
        .json = body,
        .mode = mode,
        .deadline = CLOCK_NEVER,
    };
    struct engine_call *call = NULL;
    forget_answer(c);
    call = c->transport->ops->call(c->transport, &rq, &handlers, c);
    json_decref(body);
    assert(c->done == 0); /* never from inside call() */
    return call;
}

static void too_late(void *arg)
{
    ev_loop_stop(arg);
}

void client_wait(struct client *c)
{
    struct ev_timer *limit = ev_timer_new(c->loop, too_late, c->loop);
    ev_timer_set(limit, ev_now(c->loop) + PATIENCE_S * NS_PER_SEC);
    while (!c->done && ev_timer_deadline(limit) != CLOCK_NEVER) {
        ev_loop_run(c->loop);
    }
    ev_timer_free(limit);
    assert(c->done == 1);
}

int client_ask(struct client *c, const char *method, const char *path, const char *query,
               json_t *body)
{
    client_start(c, ENGINE_COLLECT, method, path, query, body);
    client_wait(c);
    return c->status;
}

int client_stream(struct client *c, const char *method, const char *path, const char *query,
                  json_t *body)
{
    client_start(c, ENGINE_STREAM, method, path, query, body);
    client_wait(c);
    return c->status;
}

void client_pass(struct client *c, int64_t ns)
{
    struct ev_timer *limit = ev_timer_new(c->loop, too_late, c->loop);
    ev_timer_set(limit, ev_now(c->loop) + ns);
    while (ev_timer_deadline(limit) != CLOCK_NEVER) {
        ev_loop_run(c->loop);
    }
    ev_timer_free(limit);
}

bool client_until(struct client *c, bool (*cond)(void *arg), void *arg)
{
    for (int i = 0; i < 2000 && !cond(arg); i++) {
        client_pass(c, NS_PER_MS);
    }
    return cond(arg);
}

const char *client_message(const struct client *c)
{
    const char *text = json_string_value(json_object_get(c->json, "message"));
    return text ? text : "";
}

const char *client_create(struct client *c, const char *name, json_t *body)
{
    static char id[80];
    CLEANUP_FREE char *query = xasprintf("name=%s", name);
    if (!body) {
        body = json_object();
    }
    if (!json_object_get(body, "Image")) {
        json_object_set_new(body, "Image", json_string("img"));
    }
    id[0] = '\0';
    if (client_ask(c, "POST", "/containers/create", query, body) == 201) {
        snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(c->json, "Id")));
    }
    return id;
}
