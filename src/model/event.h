/*
 * The one stream of everything observable. Emitted by run/ (and later health/), rendered by ui/
 * (terminal, JSON lines), kept for the timeline, served by web/. Renderers never talk back.
 */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/outcome.h"

enum event_kind {
    EVENT_BEGIN,    /* a run begins; text = the command ("up"), count = units that follow */
    EVENT_UNIT,     /* a unit (container, network, volume, image) changed its state */
    EVENT_PROBE,    /* an attempt told something new about a container; outcome is set */
    EVENT_LOG,      /* a line of a container; text, is_stderr */
    EVENT_PROGRESS, /* pull or build progress; text, done/total bytes when known */
    EVENT_WARNING,  /* text, hint */
    EVENT_ERROR,    /* text, hint; one cause */
    EVENT_END,      /* the run is over; text = summary, ok tells, duration */
    EVENT_KIND_COUNT
};

enum unit_kind { UNIT_CONTAINER, UNIT_NETWORK, UNIT_VOLUME, UNIT_IMAGE, UNIT_KIND_COUNT };

/*
 * A unit's life as people see it. name, Compose's word in progress output ("Container x  Started").
 * Legal moves are checked by the one setter in run/.
 */
#define UNIT_STATE_LIST(X)                                                                        \
    X(PLANNED, "planned", "Waiting")                                                              \
    X(PULLING, "pulling", "Pulling")                                                              \
    X(PULLED, "pulled", "Pulled")                                                                 \
    X(BUILDING, "building", "Building")                                                           \
    X(BUILT, "built", "Built")                                                                    \
    X(CREATING, "creating", "Creating")                                                           \
    X(CREATED, "created", "Created")                                                              \
    X(RECREATING, "recreating", "Recreate")                                                       \
    X(RECREATED, "recreated", "Recreated")                                                        \
    X(WAITING, "waiting", "Waiting") /* created, its dependencies are not ready: text says who */ \
    X(STARTING, "starting", "Starting")                                                           \
    X(STARTED, "started", "Started")    /* running, nothing to prove */                           \
    X(PROVING, "proving", "Waiting")    /* running, not yet proved: text says what is awaited */  \
    X(READY, "ready", "Healthy")        /* proved: text says what was proved */                   \
    X(RUNNING, "running", "Running")    /* was there already, nothing to do */                    \
    X(COMPLETED, "completed", "Exited") /* one-shot ended with 0 */                               \
    X(EXITED, "exited", "Exited")                                                                 \
    X(STOPPING, "stopping", "Stopping")                                                           \
    X(STOPPED, "stopped", "Stopped")                                                              \
    X(RESTARTING, "restarting", "Restarting")                                                     \
    X(KILLING, "killing", "Killing")                                                              \
    X(KILLED, "killed", "Killed")                                                                 \
    X(PAUSED, "paused", "Paused")                                                                 \
    X(UNPAUSED, "unpaused", "Unpaused")                                                           \
    X(REMOVING, "removing", "Removing")                                                           \
    X(REMOVED, "removed", "Removed")                                                              \
    X(SKIPPED, "skipped", "Skipped") /* not done because something before it failed */            \
    X(FAILED, "failed", "Error")

enum unit_state {
#define UNIT_STATE_ENUM(id, name, word) UNIT_##id,
    UNIT_STATE_LIST(UNIT_STATE_ENUM)
#undef UNIT_STATE_ENUM
        UNIT_STATE_COUNT
};

/* Strings are borrowed: valid during the call of the sink only. "" rather than NULL. */
struct event {
    enum event_kind kind;
    int64_t mono, wall; /* ns */
    enum unit_kind unit;
    const char *name;    /* container, network, volume or image */
    const char *service; /* service key, "" for others */
    const char *id;      /* engine id when known */
    enum unit_state state, previous;
    const char *text;
    const char *hint;
    const char *evidence;   /* EVENT_ERROR: lines (log tail, probe reply), separated by \n */
    struct outcome outcome; /* EVENT_PROBE */
    bool is_stderr;         /* EVENT_LOG */
    bool ok;                /* EVENT_END */
    int64_t duration;       /* ns in the previous state, or of the whole run */
    int64_t done, total;    /* EVENT_PROGRESS; total 0 = unknown */
    size_t count;           /* EVENT_BEGIN */
};

typedef void event_fn(void *arg, const struct event *event);

/* Fans one stream out to a few sinks. Zero = none. */
enum { EVENT_SINKS_MAX = 6 };
struct event_hub {
    event_fn *sinks[EVENT_SINKS_MAX];
    void *args[EVENT_SINKS_MAX];
    size_t count;
};

void event_hub_add(struct event_hub *hub, event_fn *sink, void *arg);
/* Fills NULL strings with "" and hands it to every sink. Times are the caller's. */
void event_emit(const struct event_hub *hub, const struct event *event);

const char *event_kind_name(enum event_kind kind);
const char *unit_kind_name(enum unit_kind kind);
const char *unit_state_name(enum unit_state state);
/* Compose's word for progress output. */
const char *unit_state_word(enum unit_state state);

#endif
