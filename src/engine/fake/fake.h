/*
 * A stand-in for a Docker engine, in process, for tests: everything it knows is in memory, every
 * answer comes from the event loop, and everything can be made to go wrong.
 *
 * The world (containers, networks, volumes, images) is apart from the transports that talk to it:
 * free a transport in the middle of something, open a new one, and the world is as it was left.
 * Status codes, messages and JSON follow dockerd 20.10 (API 1.41) as observed on a real one;
 * deviations of Podman follow its Docker-compatible API, version 4.3.
 *
 * Strings in the structs below are borrowed and must outlive the world (literals do).
 */
#ifndef ENGINE_FAKE_FAKE_H
#define ENGINE_FAKE_FAKE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/transport.h"

struct ev_loop;
struct fake_world;

enum fake_flavour { FAKE_DOCKER, FAKE_PODMAN };

/* Zero means: Docker, API 1.41, answers at once, real seconds. */
struct fake_options {
    enum fake_flavour flavour;
    const char *api_version; /* "1.41" .. "1.51" */
    const char *os, *arch;   /* "linux", "amd64" */
    int64_t latency;         /* ns from a call to its effect; the answer follows at once */
    int64_t second;          /* ns that pass for one of the engine's seconds (grace, intervals) */
    int64_t restart_delay;   /* ns before the first restart by policy, doubles; 0 = 1 ms */
    int64_t patience;        /* ns after which a call that is never answered has timed out, when
                                its own deadline is later; 0 = 5 ms */
    size_t chunk;            /* streams come in pieces of at most this many bytes; 0 = whole */
};

struct fake_world *fake_world_new(const struct fake_options *options);
/* All transports must be gone. Takes NULL. */
void fake_world_free(struct fake_world *w);
/*
 * Time passes for the world only while it is attached to a loop, and it then keeps the loop from
 * ending while anything is due. NULL detaches.
 */
void fake_world_attach(struct fake_world *w, struct ev_loop *loop);
/* A client. Freed through its ops; calls that are still open then end with ERR_CANCELLED. */
struct engine_transport *fake_transport_new(struct fake_world *w);

/* --- what is there before a test begins --- */

/* Zero means: an image with nothing set. json members are stolen; NULL = none. */
struct fake_image_spec {
    json_t *config; /* "Config" of its inspect: Env, Cmd, Entrypoint, ExposedPorts, Volumes, ... */
    const char *arch, *os;
};

/* Puts an image into the engine's store. spec may be NULL. */
void fake_world_image(struct fake_world *w, const char *reference,
                      const struct fake_image_spec *spec);
/*
 * Puts an image into the registry, from where it can be pulled. `failure` (or NULL) is the error
 * that the pull ends with after some progress.
 */
void fake_world_registry(struct fake_world *w, const char *reference, const char *failure);

/* Every build fails in its second of three steps, "RUN make", after two lines of output; NULL = no
 * build fails. */
void fake_world_build_fails(struct fake_world *w, const char *failure);

/* --- scripts --- */

/* How a command behaves. Rows are tried in order; the first whose pattern fits counts. */
struct fake_exec {
    const char *pattern; /* fnmatch() on the argv joined by blanks */
    int exit_code;
    const char *out, *err; /* written to stdout and stderr, or NULL */
    int64_t delay;         /* ns until it ends */
    bool always;           /* also answers like that before the container has booted */
    bool echo;             /* copies stdin to stdout until stdin ends */
    int fail_first;        /* the first so many runs in a container fail with exit code 1 */
    bool missing;          /* no such program in the container */
};

/* How a container behaves. Zero: runs at once, for ever, ends with 0 on SIGTERM. */
struct fake_behaviour {
    int64_t boot;            /* ns from start until it is up; before that commands fail with 1 */
    bool exits;              /* ends by itself ... */
    int64_t exit_after;      /* ... so many ns after its start ... */
    int exit_code;           /* ... with this code ... */
    int exit_times;          /* ... in its first so many starts only; 0 = always */
    bool ignores_term;       /* only SIGKILL ends it */
    int64_t stop_takes;      /* ns from SIGTERM to its end */
    int term_code;           /* exit code on SIGTERM */
    int64_t start_takes;     /* ns that the start call takes */
    const char *start_error; /* the start call fails with this text ... */
    int start_status;        /* ... and this HTTP status (0 = 500) */
    const char *logs;        /* written to stdout at every start */
    const char *logs_err;    /* and this to stderr */
    bool oom;                /* its own end is an OOM kill */
    const struct fake_exec *execs;
    size_t exec_count;
};

/* For the container of this name, else for all of this image, as written in the create call. */
void fake_world_behave(struct fake_world *w, const char *name_or_image,
                       const struct fake_behaviour *behaviour);

/* --- faults --- */

#define FAKE_FAULT_LIST(X)                                                               \
    X(NONE, "none")                                                                      \
    X(LOST_BEFORE, "lost-before") /* connection lost; the call had no effect */          \
    X(LOST_AFTER, "lost-after")   /* connection lost; the effect took place */           \
    X(STATUS_500, "500")          /* server error, no effect */                          \
    X(STATUS_404, "404")          /* not found, no effect */                             \
    X(STATUS_409, "409")          /* conflict, no effect */                              \
    X(NEVER, "never")             /* no answer, no effect: the deadline passes */        \
    X(NEVER_AFTER, "never-after") /* no answer, but the effect took place */             \
    X(NOT_JSON, "not-json")       /* 200 with text that is not JSON, after the effect */ \
    X(WRONG_SHAPE, "wrong-shape") /* 200 with JSON of another type, after the effect */  \
    X(CUT, "cut")                 /* a stream breaks off after its first bytes */

enum fake_fault {
#define FAKE_FAULT_ENUM(id, name) FAKE_FAULT_##id,
    FAKE_FAULT_LIST(FAKE_FAULT_ENUM)
#undef FAKE_FAULT_ENUM
        FAKE_FAULT_COUNT
};

const char *fake_fault_name(enum fake_fault fault);
/* The nth call from now (1 = the next) fails like this. Replaces an earlier order; n 0 = none. */
void fake_world_fail(struct fake_world *w, size_t n, enum fake_fault fault);
/* Every call of this method ("*" = any) whose path fits the fnmatch() pattern fails. */
void fake_world_fail_path(struct fake_world *w, const char *method, const char *pattern,
                          enum fake_fault fault);
/* Forgets both kinds of orders. */
void fake_world_mend(struct fake_world *w);
/*
 * The client is killed after n more calls have reached the engine: nothing that any transport of
 * now asks for later has an effect, every answer is a lost connection (so that the client can be
 * taken down in an orderly way), what was begun goes on. A transport opened afterwards works.
 */
void fake_world_kill(struct fake_world *w, size_t n);
/* Did an order of fake_world_fail or fake_world_kill strike? */
bool fake_world_struck(const struct fake_world *w);
/* Makes a container end as if by itself. False when there is none that runs. */
bool fake_world_crash(struct fake_world *w, const char *name, int exit_code);
/* Writes a line of a container's log. */
void fake_world_log(struct fake_world *w, const char *name, bool is_stderr, const char *text);

/* --- looking --- */

struct fake_record {
    char *method, *path, *query; /* path decoded; query as sent, "" = none */
    json_t *body;                /* or NULL */
    size_t raw_len;              /* bytes of a raw or streamed body */
    int status;                  /* 0 = not answered (yet) */
    enum fake_fault fault;
    int64_t at; /* monotonic */
};

size_t fake_record_count(const struct fake_world *w);
const struct fake_record *fake_record_at(const struct fake_world *w, size_t i);
/* How many calls of this method ("*" = any) had a path that fits the fnmatch() pattern. */
size_t fake_record_calls(const struct fake_world *w, const char *method, const char *pattern);
void fake_record_clear(struct fake_world *w);
/* Calls that are open now: 0 once every client has cleaned up behind itself. */
size_t fake_world_open_calls(const struct fake_world *w);

size_t fake_world_containers(const struct fake_world *w);
/* "running", "exited", ...; NULL when there is no such container. */
const char *fake_world_state(const struct fake_world *w, const char *name);
/* How often it was started; -1 when there is no such container. */
int fake_world_starts(const struct fake_world *w, const char *name);
bool fake_world_has(const struct fake_world *w, const char *kind, const char *name);
/*
 * What of a project exists, one line each, sorted, without ids and times: two worlds in the same
 * state give the same text. Caller frees.
 */
char *fake_world_describe(const struct fake_world *w, const char *project);
enum fake_check {
    FAKE_CHECK_ALWAYS, /* holds after any failure: whatever is ours can be found by its labels */
    FAKE_CHECK_SETTLED /* and after a success: no temporary name, one container per service and
                          number, no anonymous volume that belongs to nobody */
};
/* ERR_BUG tells what is wrong. */
int fake_world_check(const struct fake_world *w, const char *project, enum fake_check what,
                     struct err *err) MUST_CHECK;

#endif
