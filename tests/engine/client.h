/*
 * A blocking client of an engine transport for tests: one call at a time, the loop runs inside.
 */
#ifndef TESTS_ENGINE_CLIENT_H
#define TESTS_ENGINE_CLIENT_H

#include "base/buf.h"
#include "engine/fake/fake.h"
#include "ev/ev.h"

struct client {
    struct ev_loop *loop;
    struct fake_world *world;
    struct engine_transport *transport;

    /* the last answer */
    int status; /* 0 = the engine was not reached */
    json_t *json;
    struct buf text; /* collected or streamed bytes */
    struct err err;
    char path_stat[256];
    size_t pieces; /* of a stream */
    int opened, done, drained;
};

void client_begin(struct client *c, const struct fake_options *options);
void client_end(struct client *c);
/* A new transport to the same world; the old one, if any, is freed. */
void client_again(struct client *c);

/* query and body may be NULL; body is taken over. Returns the status. */
int client_ask(struct client *c, const char *method, const char *path, const char *query,
               json_t *body);
/* The same with the answer as a stream of bytes in c->text. */
int client_stream(struct client *c, const char *method, const char *path, const char *query,
                  json_t *body);
/* Begins a call and returns; client_wait() runs the loop until it is done. */
struct engine_call *client_start(struct client *c, enum engine_mode mode, const char *method,
                                 const char *path, const char *query, json_t *body);
void client_wait(struct client *c);
/* Runs the loop until cond(arg) is true, at most 2 s; false = it never was. */
bool client_until(struct client *c, bool (*cond)(void *arg), void *arg);
/* Lets the loop run for so many ns. */
void client_pass(struct client *c, int64_t ns);
/* "message" of the last answer. */
const char *client_message(const struct client *c);
/* Creates a container of image "img" and returns its id in a static buffer. */
const char *client_create(struct client *c, const char *name, json_t *body);

#endif
