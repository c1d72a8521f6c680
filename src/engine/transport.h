/*
 * How a request of the Docker Engine API reaches an engine: the seam between the typed operations
 * of engine.h and what carries them (engine/docker over HTTP, engine/fake in process for tests).
 * Follows the Docker Engine API reference, versions 1.41 and newer.
 */
#ifndef ENGINE_TRANSPORT_H
#define ENGINE_TRANSPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct engine_transport;
struct engine_call;

enum engine_mode {
    ENGINE_COLLECT, /* the whole body is parsed as JSON (or kept as text) and given to on_done */
    ENGINE_STREAM,  /* body bytes go to on_data as they come: logs, events, progress, archives */
    ENGINE_HIJACK   /* the connection becomes a raw two-way stream: attach, exec */
};

/*
 * Delivers the next piece of a request body into buf: > 0 bytes written, 0 = end, < 0 = -ERR_x
 * (the call then fails with *err). It may block only on local files.
 */
typedef long engine_produce_fn(void *arg, void *buf, size_t size, struct err *err);

/* Everything is copied or used up before engine_transport_ops.call returns, but `produce`. */
struct engine_request {
    const char *method; /* "GET", "POST", "PUT", "DELETE", "HEAD" */
    const char *path;   /* "/containers/json": no version prefix, already percent-encoded */
    const char *query;  /* "all=1&filters=...", percent-encoded, or NULL */
    const json_t *json; /* body, or NULL */
    const void *raw;    /* body bytes when json is NULL; or NULL */
    size_t raw_len;
    engine_produce_fn *produce; /* streamed (chunked) body; or NULL */
    void *produce_arg;
    const char *content_type;    /* for raw and produce; NULL = application/x-tar */
    const char *registry_auth;   /* X-Registry-Auth or NULL */
    const char *registry_config; /* X-Registry-Config or NULL */
    enum engine_mode mode;
    int64_t deadline; /* absolute monotonic ns for the whole call; CLOCK_NEVER = none (streams) */
    size_t max_reply; /* bytes collected at most; 0 = 64 MiB */
};

struct engine_reply {
    int status;       /* HTTP status */
    json_t *json;     /* parsed body (borrowed), NULL when there is none or it is not JSON */
    const char *text; /* the collected body as it came, "" when empty (borrowed) */
    size_t text_len;
    const char *content_type; /* "" when the engine did not say */
    const char *path_stat;    /* X-Docker-Container-Path-Stat or NULL */
};

/* All are called from the loop, never from inside call(); any but on_done may be NULL. */
struct engine_handlers {
    /* Headers of a 2xx/101 answer have come in STREAM or HIJACK mode; writing may begin. */
    void (*on_open)(void *arg, const struct engine_reply *reply);
    void (*on_data)(void *arg, const void *data, size_t len);
    /* Room for more after write() answered "full". */
    void (*on_drain)(void *arg);
    /*
     * Exactly once, also after cancel. err is NULL when the engine answered below 400 (304 counts
     * as done); else the code says what happened and err->status is the HTTP status, 0 when the
     * engine was not reached. The call is gone afterwards.
     */
    void (*on_done)(void *arg, const struct engine_reply *reply, const struct err *err);
};

/*
 * What kind of engine answers, known after connect(). One row of the quirk table: ask for the
 * trait, never for the engine's name.
 */
struct engine_traits {
    int api_minor;    /* 41 = API 1.41: the newest that both sides speak */
    char name[32];    /* "docker", "podman", "fettle" */
    char version[48]; /* the engine's own */
    char os[16], arch[16];
    char endpoint[256];     /* "unix:///var/run/docker.sock" */
    char reason[256];       /* why this engine: "DOCKER_HOST is set" */
    bool local;             /* container addresses can be reached from this machine */
    bool no_healthchecks;   /* never runs health checks by itself (Podman without systemd) */
    bool no_update;         /* POST /containers/ID/update is missing */
    bool conflict_is_500;   /* name conflicts are 500 instead of 409 */
    bool remove_is_destroy; /* its events say "remove" where Docker says "destroy" */
    bool log_seconds;       /* log timestamps have whole seconds only */
};

struct engine_transport_ops {
    /*
     * Reaches the engine and fills t->traits; then calls done once from the loop, err = NULL when
     * it worked. Calls made before that wait for it. Connecting twice answers from what is known.
     */
    void (*connect)(struct engine_transport *t, void (*done)(void *arg, const struct err *err),
                    void *arg);
    /* Begins a call; never fails here, failures go to on_done. */
    struct engine_call *(*call)(struct engine_transport *t, const struct engine_request *request,
                                const struct engine_handlers *handlers, void *arg);
    /* Ends a call early; on_done follows with ERR_CANCELLED in the same turn of the loop or the
     * next. */
    void (*cancel)(struct engine_call *call);
    /* HIJACK only, after on_open. False = full: wait for on_drain. All bytes are taken either way.
     */
    bool (*write)(struct engine_call *call, const void *data, size_t len);
    /* HIJACK only: no more bytes from us (half close). */
    void (*close_write)(struct engine_call *call);
    /* Stops and resumes on_data. */
    void (*pause)(struct engine_call *call, bool paused);
    void (*free)(struct engine_transport *t);
};

/* The first member of every transport. */
struct engine_transport {
    const struct engine_transport_ops *ops;
    struct engine_traits traits;
};

#endif
