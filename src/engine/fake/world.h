/*
 * The insides of the fake engine, shared by its files only.
 */
#ifndef ENGINE_FAKE_WORLD_H
#define ENGINE_FAKE_WORLD_H

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/fake/fake.h"

struct ev_timer;
struct fake_call;
struct fake_container;

enum { FAKE_ID_LEN = 64 };

/* --- work that is due at some time --- */

struct fake_task {
    int64_t due;
    uint64_t seq;
    void (*fn)(void *arg);
    void *arg;
};

/* --- things --- */

struct fake_network {
    char id[FAKE_ID_LEN + 1];
    char *name, *driver;
    json_t *labels, *ipam, *options;
    bool internal, attachable, ipv6, predefined, own_subnet;
    unsigned subnet; /* host order, first address */
    int prefix;
    int64_t created;
};

struct fake_volume {
    char *name, *driver;
    json_t *labels, *options;
    bool anonymous;
    int64_t created;
};

struct fake_image {
    char id[7 + FAKE_ID_LEN + 1]; /* with "sha256:" */
    struct strv tags;
    json_t *config;
    char *arch, *os;
    int64_t created;
};

struct fake_endpoint {
    struct fake_network *network; /* NULL until known: a name that was no network at create */
    char *name;                   /* as asked for */
    json_t *config;               /* EndpointSettings as asked for, or NULL */
    char id[FAKE_ID_LEN + 1];     /* "" = not attached now */
    unsigned ip;                  /* host order, 0 = none */
};

struct fake_log_line {
    int64_t wall;
    bool is_stderr;
    char *text; /* without the newline */
};

enum fake_state {
    FAKE_CREATED,
    FAKE_RUNNING,
    FAKE_PAUSED,
    FAKE_RESTARTING,
    FAKE_EXITED,
    FAKE_STATE_COUNT
};

enum fake_health { FAKE_HEALTH_NONE, FAKE_HEALTH_STARTING, FAKE_HEALTH_OK, FAKE_HEALTH_BAD };

struct fake_container {
    struct fake_world *world;
    char id[FAKE_ID_LEN + 1];
    char *name;
    json_t *config; /* the create call's body without HostConfig and NetworkingConfig */
    json_t *host;   /* HostConfig */
    json_t *labels; /* in config */
    char *image, image_id[7 + FAKE_ID_LEN + 1];
    struct fake_behaviour script;
    enum fake_state state;
    int exit_code, restart_count, starts, pid;
    bool oom, stopped_by_user, removing, remove_anonymous;
    bool stopping;      /* by stop or restart, until it has ended */
    bool restart_after; /* by restart: starts again when it has ended */
    char *error;
    int64_t created, started, finished; /* wall ns, 0 = never */
    int64_t booted;                     /* monotonic: when it is up */
    enum fake_health health;
    int failing_streak;
    json_t *health_log;
    struct vec endpoints; /* struct fake_endpoint */
    json_t *ports;        /* NetworkSettings.Ports while it runs, else NULL */
    json_t *mounts;
    struct vec volumes;  /* struct fake_volume, used */
    struct vec logs;     /* struct fake_log_line */
    struct vec watchers; /* struct fake_call: logs -f, attach, wait, stop, restart, remove */
    struct map files;    /* path -> struct buf: archives that were put there */
    struct map runs;     /* exec pattern -> how often it ran */
};

struct fake_execution {
    struct fake_container *container;
    char id[FAKE_ID_LEN + 1];
    json_t *config;
    char *line; /* argv joined by blanks */
    const struct fake_exec *rule;
    bool started, running;
    int exit_code, pid;
    struct fake_call *call; /* whoever is attached, or NULL */
};

struct fake_event {
    int64_t wall;
    json_t *json;
    char *type, *action;
    char *id;
};

/* --- calls --- */

enum fake_wait { FAKE_WAIT_NONE, FAKE_WAIT_NOT_RUNNING, FAKE_WAIT_NEXT_EXIT, FAKE_WAIT_REMOVED };
enum fake_watch {
    FAKE_WATCH_NONE,
    FAKE_WATCH_LOGS,
    FAKE_WATCH_ATTACH,
    FAKE_WATCH_WAIT,
    FAKE_WATCH_START,
    FAKE_WATCH_STOP,
    FAKE_WATCH_RESTART,
    FAKE_WATCH_EVENTS
};

struct fake_transport {
    struct engine_transport base;
    struct fake_world *world;
    bool killed;
};

struct fake_call {
    struct fake_world *world;
    struct fake_transport *client; /* NULL once the client is gone or has been told the end */
    struct engine_handlers handlers;
    void *arg;

    /* the request, copied */
    char *method, *path, *query, *id; /* id: the part of the path that names the object */
    json_t *body;
    struct buf raw;
    engine_produce_fn *produce;
    void *produce_arg;
    enum engine_mode mode;
    int64_t deadline;
    enum fake_fault fault;
    size_t record; /* index + 1, 0 = cleared */
    unsigned record_epoch;

    /* the answer, on its way */
    int status;
    json_t *json;
    char *path_stat;
    const char *content_type;
    struct buf out;
    bool opened, told_open, ended, paused;
    bool processed;   /* the engine has seen it */
    bool dead;        /* the client is about to hear call->err */
    bool in_callback; /* on_open or on_data is on the stack */
    struct err err;

    /* what it watches */
    enum fake_watch watch;
    enum fake_wait wait;
    struct fake_container *container;
    struct fake_execution *exec;
    struct map filters;
    bool want_stdout, want_stderr, timestamps, tty, stdin_open;
    int64_t until;
};

struct fake_order {
    char *method, *pattern;
    enum fake_fault fault;
};

struct fake_script {
    char *key;
    struct fake_behaviour behaviour;
};

struct fake_world {
    struct fake_options options;
    struct ev_loop *loop;
    struct ev_timer *timer;
    struct fake_task *tasks; /* by due, then seq */
    size_t task_len, task_cap;
    uint64_t seq, ids;
    unsigned subnets;
    int pids, ephemeral;

    struct vec containers, networks, volumes, images, execs, events;
    struct map registry; /* reference -> failure or "" */
    const char *build_failure;
    struct vec scripts; /* struct fake_script */
    struct vec calls;   /* struct fake_call that are open */
    struct vec orders;  /* struct fake_order */
    struct vec records; /* struct fake_record */
    struct vec transports;
    unsigned record_epoch;
    size_t fail_in, kill_in; /* calls until it strikes, 0 = never */
    enum fake_fault fail_with;
    bool struck;
};

/* --- world.c --- */

int64_t fake_now(const struct fake_world *w);
/* n of the engine's seconds in ns. */
int64_t fake_scaled(const struct fake_world *w, int64_t engine_ns);
void fake_task_add(struct fake_world *w, int64_t due, void (*fn)(void *arg), void *arg);
/* Takes back what is due with this argument; fn NULL = any function. */
void fake_task_cancel(struct fake_world *w, void (*fn)(void *arg), const void *arg);
/* 64 hex digits; unique in this world, the same in every run. */
void fake_id(struct fake_world *w, char *ret);
bool fake_podman(const struct fake_world *w);
/* Is the API at least 1.minor? */
bool fake_api(const struct fake_world *w, int minor);
const struct fake_behaviour *fake_script_for(const struct fake_world *w, const char *name,
                                             const char *image);

/* --- call.c: answers --- */

/* Frees what clients have left behind; for the end of the world. */
void fake_calls_drop(struct fake_world *w);

/* Takes json over. */
void fake_answer_json(struct fake_call *call, int status, json_t *json);
void fake_answer_text(struct fake_call *call, int status, const char *text);
void fake_answer_empty(struct fake_call *call, int status);
void fake_answer_error(struct fake_call *call, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
void fake_stream_open(struct fake_call *call, int status, const char *content_type);
void fake_stream_write(struct fake_call *call, const void *data, size_t len);
/* A JSON line; takes json over. */
void fake_stream_json(struct fake_call *call, json_t *json);
/* In the multiplexed format, or raw with a terminal. */
void fake_stream_frame(struct fake_call *call, bool is_stderr, const char *text, size_t len);
void fake_stream_end(struct fake_call *call);
/* Reads a streamed request body into call->raw; false when it failed (and is answered). */
bool fake_call_read(struct fake_call *call);
/* The connection is gone. */
void fake_call_lose(struct fake_call *call);

/* --- route.c --- */

void fake_route(struct fake_call *call);
/* A query parameter decoded, NULL when absent. Caller frees. */
char *fake_param(const struct fake_call *call, const char *name);
bool fake_param_true(const struct fake_call *call, const char *name);
int64_t fake_param_int(const struct fake_call *call, const char *name, int64_t otherwise);
char *fake_decode(const char *s, size_t len);

/* --- filter.c --- */

/* Both encodings of "filters". False = answered with 400. */
bool fake_filters(struct fake_call *call);
/* No filter of that name, or one of its values equals `value`. */
bool fake_filter_is(const struct fake_call *call, const char *name, const char *value);
/* The same with the value being a part of the text. */
bool fake_filter_part(const struct fake_call *call, const char *name, const char *value);
bool fake_filter_has(const struct fake_call *call, const char *name);
/* Every label filter ("k" or "k=v") holds. */
bool fake_filter_labels(const struct fake_call *call, const json_t *labels);

/* --- container.c --- */

struct fake_container *fake_container_find(const struct fake_world *w, const char *id_or_name);
/* Answers 404 when absent. */
struct fake_container *fake_container_of(struct fake_call *call);
void fake_container_free(struct fake_container *c);
void fake_container_create(struct fake_call *call);
void fake_container_rename(struct fake_call *call);
void fake_container_update(struct fake_call *call);
void fake_container_archive(struct fake_call *call);
void fake_container_top(struct fake_call *call);
void fake_container_resize(struct fake_call *call);
const char *fake_state_name(enum fake_state s);
bool fake_is_up(const struct fake_container *c);

/* --- life.c --- */

void fake_container_start(struct fake_call *call);
void fake_container_stop(struct fake_call *call);
void fake_container_restart(struct fake_call *call);
void fake_container_kill(struct fake_call *call);
void fake_container_pause(struct fake_call *call);
void fake_container_unpause(struct fake_call *call);
void fake_container_remove(struct fake_call *call);
void fake_container_wait(struct fake_call *call);
/* Its main process ended. */
void fake_container_ended(struct fake_container *c, int exit_code);
void fake_container_forget(struct fake_container *c);

/* --- show.c --- */

void fake_container_inspect(struct fake_call *call);
void fake_container_list(struct fake_call *call);

/* --- exec.c --- */

void fake_exec_create(struct fake_call *call);
void fake_exec_start(struct fake_call *call);
void fake_exec_inspect(struct fake_call *call);
void fake_exec_resize(struct fake_call *call);
void fake_exec_free(struct fake_execution *e);
/* Ends and forgets all of a container that has ended. */
void fake_exec_drop(struct fake_container *c, bool forget);
/* Bytes from the client; len 0 = no more. */
void fake_exec_input(struct fake_execution *e, const void *data, size_t len);
/* What a command would answer now: exit code; out and err may be NULL. */
int fake_exec_answer(struct fake_container *c, const struct fake_exec *rule, const char **ret_out,
                     const char **ret_err);
const struct fake_exec *fake_exec_rule(const struct fake_container *c, const char *line);
char *fake_join(const json_t *argv);

/* --- stream.c --- */

void fake_container_logs(struct fake_call *call);
void fake_container_attach(struct fake_call *call);
void fake_log(struct fake_container *c, bool is_stderr, const char *text);
/* Ends the log followers and attached clients of a container that has ended. */
void fake_streams_end(struct fake_container *c);
void fake_events(struct fake_call *call);
/* extra: attributes to add, taken over; may be NULL. */
void fake_emit_container(struct fake_container *c, const char *action, json_t *extra);
/* attributes are taken over. */
void fake_emit(struct fake_world *w, const char *type, const char *action, const char *id,
               json_t *attributes);

/* --- health.c --- */

void fake_health_begin(struct fake_container *c);
void fake_health_end(struct fake_container *c);

/* --- network.c --- */

struct fake_network *fake_network_find(const struct fake_world *w, const char *id_or_name);
void fake_network_free(struct fake_network *n);
void fake_network_defaults(struct fake_world *w);
void fake_network_create(struct fake_call *call);
void fake_network_list(struct fake_call *call);
void fake_network_inspect(struct fake_call *call);
void fake_network_remove(struct fake_call *call);
void fake_network_connect(struct fake_call *call);
void fake_network_disconnect(struct fake_call *call);
struct fake_endpoint *fake_endpoint_add(struct fake_container *c, const char *name,
                                        const json_t *config);
void fake_endpoint_free(struct fake_endpoint *e);
/* Gives every endpoint its address; on failure answers, undoes and returns false. */
bool fake_endpoints_up(struct fake_container *c, int *ret_status, char **ret_text);
void fake_endpoints_down(struct fake_container *c);
json_t *fake_endpoint_json(const struct fake_world *w, const struct fake_endpoint *e, bool full);
const char *fake_ip_text(unsigned ip, char buf[16]);

/* --- volume.c --- */

struct fake_volume *fake_volume_find(const struct fake_world *w, const char *name);
/* Makes it when it does not exist; name NULL = anonymous. */
struct fake_volume *fake_volume_need(struct fake_world *w, const char *name, const char *driver,
                                     const json_t *labels, const json_t *options);
void fake_volume_free(struct fake_volume *v);
void fake_volume_drop(struct fake_world *w, struct fake_volume *v);
bool fake_volume_used(const struct fake_world *w, const struct fake_volume *v,
                      const struct fake_container *except);
void fake_volume_create(struct fake_call *call);
void fake_volume_list(struct fake_call *call);
void fake_volume_inspect(struct fake_call *call);
void fake_volume_remove(struct fake_call *call);

/* --- image.c --- */

struct fake_image *fake_image_find(const struct fake_world *w, const char *reference);
void fake_image_free(struct fake_image *i);
/* "docker.io/library/x" and "x" become "x:latest". Caller frees. */
char *fake_reference(const char *reference);
void fake_image_list(struct fake_call *call);
void fake_image_inspect(struct fake_call *call);
void fake_image_pull(struct fake_call *call);
void fake_image_build(struct fake_call *call);
void fake_image_tag(struct fake_call *call);
void fake_image_remove(struct fake_call *call);

/* --- system.c --- */

void fake_ping(struct fake_call *call);
void fake_version(struct fake_call *call);
void fake_info(struct fake_call *call);

/* --- json helpers (show.c) --- */

const char *fake_str(const json_t *object, const char *key);
/* The value of a container's label, "" when absent. */
const char *fake_label(const struct fake_container *c, const char *key);
/* A time as the engine writes it; 0 gives the zero time. */
json_t *fake_time(int64_t wall);
json_t *fake_or_empty(json_t *value);

#endif
