/* What the files of engine/docker share. Nobody else includes this. */
#ifndef ENGINE_DOCKER_TYPES_H
#define ENGINE_DOCKER_TYPES_H

#include "base/buf.h"
#include "base/vec.h"
#include "engine/docker/docker.h"
#include "http/client.h"

enum docker_state {
    DOCKER_NEW,     /* nothing known, or the last attempt failed */
    DOCKER_PINGING, /* calls wait */
    DOCKER_READY,
    DOCKER_STATE_COUNT
};

struct ssh;

struct docker {
    struct engine_transport base; /* first */
    struct ev_loop *loop;
    struct endpoint endpoint;
    struct resolver *resolver;
    struct tls *tls;
    struct http_client *http;
    struct ssh *ssh;  /* NULL unless ssh:// */
    int forced_minor; /* 0 = negotiate */
    enum docker_state state;
    struct vec calls;   /* struct engine_call: all */
    struct vec waiters; /* struct waiter: connect() callbacks */
};

struct waiter {
    void (*done)(void *arg, const struct err *err);
    void *arg;
};

struct engine_call {
    struct docker *d;
    struct engine_handlers h;
    void *arg;
    enum engine_mode mode;
    int64_t deadline;
    size_t max_reply;

    /* The request, kept until it can be sent. */
    char *method, *target; /* target without the version prefix */
    struct buf body;
    bool has_body;
    engine_produce_fn *produce;
    void *produce_arg;
    char *content_type, *registry_auth, *registry_config;

    struct http_request *q; /* while the exchange goes on */
    struct stream *stream;  /* hijacked */
    struct engine_reply reply;
    char *reply_type, *path_stat; /* owned text of reply */
    struct ev_timer *kick;        /* ends the call in the next turn with `err` */
    struct err err;
    bool finished;
};

/* ping.c: finds out who answers; ends in docker_ready() or docker_failed(). */
void docker_ping(struct docker *d);
/* "1.41" to 41; 0 when it is not "1.x". */
int docker_parse_api(const char *text);
void docker_ready(struct docker *d);
void docker_failed(struct docker *d, const struct err *err);

/* call.c */
struct engine_call *docker_call(struct engine_transport *t, const struct engine_request *request,
                                const struct engine_handlers *handlers, void *arg);
void docker_call_send(struct engine_call *call);
/* The final callback, now. */
void docker_call_finish(struct engine_call *call, const struct err *err);
void docker_cancel(struct engine_call *call);
bool docker_write(struct engine_call *call, const void *data, size_t len);
void docker_close_write(struct engine_call *call);
void docker_pause(struct engine_call *call, bool paused);

/* failure.c: what went wrong, in words that help. */
/* An engine that could not be reached (`cause` from http/), or died during the exchange. */
void docker_explain(const struct docker *d, const struct err *cause, enum stream_layer layer,
                    struct err *ret);
/* An answer of 400 and above. */
void docker_refusal(const struct engine_traits *traits, int status, const char *body, size_t len,
                    struct err *ret);

#endif
