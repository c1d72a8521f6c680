/*
 * The operations of the Docker Engine API that fettle uses, over any transport. Every call has a
 * deadline, answers exactly once from the loop, and can be cancelled (it then answers
 * ERR_CANCELLED). IDs may be container names wherever the API takes either.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/transport.h"

struct engine;

/* Takes the transport over. */
struct engine *engine_new(struct engine_transport *transport);
void engine_free(struct engine *e);
const struct engine_traits *engine_traits(const struct engine *e);
void engine_connect(struct engine *e, void (*done)(void *arg, const struct err *err), void *arg);

/* reply is NULL only when the engine was not reached; err is NULL when it worked. */
typedef void engine_fn(void *arg, const struct engine_reply *reply, const struct err *err);

/* The general form; request->deadline 0 means the default for the mode. */
struct engine_call *engine_request(struct engine *e, const struct engine_request *request,
                                   const struct engine_handlers *handlers, void *arg);
/* GET/POST/DELETE of a formatted path (and query after "?"), no body. */
struct engine_call *engine_simple(struct engine *e, const char *method, engine_fn *fn, void *arg,
                                  const char *fmt, ...) PRINTF_LIKE(5, 6);
/* NULL is fine. */
void engine_cancel(struct engine *e, struct engine_call *call);
bool engine_write(struct engine *e, struct engine_call *call, const void *data, size_t len);
void engine_close_write(struct engine *e, struct engine_call *call);
void engine_pause_reading(struct engine *e, struct engine_call *call, bool paused);

/* Percent-encodes for a query value; caller frees. */
char *engine_escape(const char *text);
/*
 * The query "filters=..." for label filters: "key" or "key=value", `count` of them, and optionally
 * one more filter `kind`: `value` (both NULL when none). Caller frees.
 */
char *engine_filters(const char *const *labels, size_t count, const char *kind, const char *value);

/* What to do about an engine's refusal, by its code; a hint that is there stays. */
void engine_hint(struct err *err);

/* Lists. `project` NULL = every Compose project. reply->json is the engine's array. */
struct engine_call *engine_container_list(struct engine *e, const char *project, bool all,
                                          engine_fn *fn, void *arg);
struct engine_call *engine_network_list(struct engine *e, const char *project, engine_fn *fn,
                                        void *arg);
struct engine_call *engine_volume_list(struct engine *e, const char *project, engine_fn *fn,
                                       void *arg);
struct engine_call *engine_network_inspect(struct engine *e, const char *name, engine_fn *fn,
                                           void *arg);
struct engine_call *engine_volume_inspect(struct engine *e, const char *name, engine_fn *fn,
                                          void *arg);
struct engine_call *engine_image_inspect(struct engine *e, const char *reference, engine_fn *fn,
                                         void *arg);
struct engine_call *engine_container_inspect(struct engine *e, const char *id, engine_fn *fn,
                                             void *arg);

/* Containers. `platform` and `body` as the API has them; reply->json has "Id". */
struct engine_call *engine_container_create(struct engine *e, const char *name,
                                            const char *platform, const json_t *body, engine_fn *fn,
                                            void *arg);
struct engine_call *engine_container_start(struct engine *e, const char *id, engine_fn *fn,
                                           void *arg);
/* timeout in ns, -1 = the container's own; the call's deadline is that plus a margin. */
struct engine_call *engine_container_stop(struct engine *e, const char *id, int64_t timeout,
                                          engine_fn *fn, void *arg);
struct engine_call *engine_container_restart(struct engine *e, const char *id, int64_t timeout,
                                             engine_fn *fn, void *arg);
struct engine_call *engine_container_kill(struct engine *e, const char *id, const char *signal,
                                          engine_fn *fn, void *arg);
struct engine_call *engine_container_pause(struct engine *e, const char *id, bool pause,
                                           engine_fn *fn, void *arg);
struct engine_call *engine_container_rename(struct engine *e, const char *id, const char *name,
                                            engine_fn *fn, void *arg);
enum remove_flags {
    REMOVE_FORCE = 1,
    REMOVE_VOLUMES = 2 /* anonymous ones */
};
struct engine_call *engine_container_remove(struct engine *e, const char *id,
                                            enum remove_flags flags, engine_fn *fn, void *arg);
/* Unpacks a tar at `path` inside the container. */
struct engine_call *engine_container_put(struct engine *e, const char *id, const char *path,
                                         const void *tar, size_t len, engine_fn *fn, void *arg);
struct engine_call *engine_container_resize(struct engine *e, const char *id, int rows, int cols,
                                            engine_fn *fn, void *arg);

/* Networks and volumes. */
struct engine_call *engine_network_create(struct engine *e, const json_t *body, engine_fn *fn,
                                          void *arg);
struct engine_call *engine_network_remove(struct engine *e, const char *id, engine_fn *fn,
                                          void *arg);
struct engine_call *engine_network_connect(struct engine *e, const char *network,
                                           const json_t *body, engine_fn *fn, void *arg);
struct engine_call *engine_network_disconnect(struct engine *e, const char *network,
                                              const char *container, bool force, engine_fn *fn,
                                              void *arg);
struct engine_call *engine_volume_create(struct engine *e, const json_t *body, engine_fn *fn,
                                         void *arg);
struct engine_call *engine_volume_remove(struct engine *e, const char *name, bool force,
                                         engine_fn *fn, void *arg);
struct engine_call *engine_image_remove(struct engine *e, const char *reference, bool force,
                                        engine_fn *fn, void *arg);

/* Exec: create answers with "Id"; start hijacks; inspect has "ExitCode" and "Running". */
struct engine_call *engine_exec_create(struct engine *e, const char *container, const json_t *body,
                                       engine_fn *fn, void *arg);
struct engine_call *engine_exec_inspect(struct engine *e, const char *exec, engine_fn *fn,
                                        void *arg);
struct engine_call *engine_exec_resize(struct engine *e, const char *exec, int rows, int cols,
                                       engine_fn *fn, void *arg);

/*
 * Runs a command inside a container to its end and answers with its exit status and the last of
 * its output (both streams, at most `max` bytes). Cancelling leaves the command to the engine.
 */
struct engine_exec;
typedef void engine_exec_fn(void *arg, int exit_code, const char *output, const struct err *err);
struct exec_spec {
    const char *container;
    const char *const *argv;              /* NULL-terminated */
    const char *user, *working_dir;       /* or NULL */
    const struct key_values *environment; /* or NULL */
    bool privileged;
    int64_t deadline; /* absolute monotonic ns; 0 = default */
    size_t max;       /* output kept; 0 = 4096 */
};
struct engine_exec *engine_exec_run(struct engine *e, const struct exec_spec *spec,
                                    engine_exec_fn *fn, void *arg);
void engine_exec_cancel(struct engine_exec *x);

/* One decoded line of GET /events about a container, network, volume or image. */
struct engine_event {
    const char *type;   /* "container", "network", ... */
    const char *action; /* "start", "die", "health_status: healthy", normalised to Docker's words */
    const char *id;     /* of the actor */
    int64_t time;       /* wall ns */
    const json_t *attributes; /* Actor.Attributes: labels, name, exitCode, image ... (borrowed) */
};
typedef void engine_event_fn(void *arg, const struct engine_event *event);
/*
 * Follows events of a project (NULL = all) from now. `on_open` says that the stream is live: what
 * happens afterwards is not missed. `on_end` comes once, with an error unless cancelled.
 */
struct engine_watch;
struct engine_watch *engine_watch(struct engine *e, const char *project, engine_event_fn *on_event,
                                  void (*on_open)(void *arg),
                                  void (*on_end)(void *arg, const struct err *err), void *arg);
/* No callback after this returns. NULL is fine. */
void engine_watch_cancel(struct engine_watch *w);

#endif
