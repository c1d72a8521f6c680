/*
 * From what is wanted (model/project.h) and what exists (model/observed.h) to a graph of typed
 * steps, each with its reason. Pure: no clock, no engine. run/ walks it, `fettle plan` prints it.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/observed.h"
#include "model/project.h"

/* id, name in output, what it does, estimated ns (only the order of starts depends on it) */
#define STEP_KIND_LIST(X)                    \
    X(IMAGE_PULL, "pull image", 8000)        \
    X(IMAGE_BUILD, "build image", 20000)     \
    X(IMAGE_REMOVE, "remove image", 50)      \
    X(NETWORK_CREATE, "create network", 100) \
    X(NETWORK_REMOVE, "remove network", 100) \
    X(VOLUME_CREATE, "create volume", 2)     \
    X(VOLUME_REMOVE, "remove volume", 5)     \
    X(CREATE, "create", 10)                  \
    X(RENAME, "rename", 2)                   \
    X(START, "start", 250)                   \
    X(PROVE, "prove ready", 400)             \
    X(EXIT, "wait for exit 0", 1000)         \
    X(STOP, "stop", 300)                     \
    X(REMOVE, "remove", 10)                  \
    X(RESTART, "restart", 500)               \
    X(KILL, "kill", 80)                      \
    X(PAUSE, "pause", 10)                    \
    X(UNPAUSE, "unpause", 10)

enum step_kind {
#define STEP_KIND_ENUM(id, name, ms) STEP_##id,
    STEP_KIND_LIST(STEP_KIND_ENUM)
#undef STEP_KIND_ENUM
        STEP_KIND_COUNT
};

/* A container of `run`: beside the service's own ones, under a name and labels of its own. */
struct plan_oneoff {
    const char *name, *slug;
    bool use_aliases;  /* --use-aliases: the service's names on its networks */
    bool auto_remove;  /* --rm */
    bool attach_stdin; /* its input is ours, and ends with it */
};

struct step_dep {
    size_t step;   /* index of the step that must have ended */
    bool optional; /* its failure is a warning and does not hold this one up */
};

/* One container as the plan sees it; its steps share it, run/ keeps its id. */
struct plan_unit {
    size_t index;
    const struct service *service;             /* NULL for orphans */
    int number;                                /* replica, from 1 */
    const char *name;                          /* the final container name */
    const struct observed_container *existing; /* kept or acted on; NULL = will be created */
    const struct observed_container *replaces; /* taken away by a recreate; NULL = none */
    bool unchanged;                            /* runs already and stays as it is */
    const struct plan_oneoff *oneoff;          /* a container of `run`, else NULL */
};

struct step {
    size_t index;
    enum step_kind kind;
    struct plan_unit *unit;        /* container steps; else NULL */
    const struct service *service; /* container and image steps */
    const struct network *network; /* network steps of the file; NULL when only observed */
    const struct volume *volume;
    const struct observed_container
        *victim;        /* STOP, REMOVE: the existing one, not the unit's new */
    const char *target; /* name of the container, network, volume or image that it is about */
    const char *id;     /* engine id where it exists already, else "" */
    const char *reason; /* one line for people */
    const char *signal; /* KILL */
    bool temporary;     /* CREATE: under the temporary name until RENAME */
    bool with_volumes;  /* REMOVE: anonymous volumes too */
    bool force;         /* REMOVE: may still run */
    struct step_dep *deps;
    size_t dep_count, dep_cap;
    int64_t rank; /* estimated ns from here to the end of the longest chain */
};

/* A condition that people should know of, not an error. */
struct plan_note {
    const char *text, *hint;
};

struct plan {
    struct arena arena;
    const char *verb; /* "up", "down", ... */
    const struct project *project;
    const struct observed *observed;
    bool renew_volumes; /* anonymous volumes of replaced containers are not taken over */
    struct plan_unit **units;
    size_t unit_count, unit_cap;
    struct step **steps;
    size_t step_count, step_cap;
    struct plan_note *notes;
    size_t note_count, note_cap;
};

enum pull_override {
    PULL_AS_SAID,
    PULL_OVERRIDE_ALWAYS,
    PULL_OVERRIDE_MISSING,
    PULL_OVERRIDE_NEVER,
    PULL_OVERRIDE_BUILD
};

enum plan_flags {
    PLAN_NO_DEPS = 1 << 0,
    PLAN_FORCE_RECREATE = 1 << 1,
    PLAN_NO_RECREATE = 1 << 2,
    PLAN_RECREATE_DEPS = 1 << 3, /* --always-recreate-deps */
    PLAN_RENEW_VOLUMES = 1 << 4, /* anonymous volumes are not taken over */
    PLAN_REMOVE_ORPHANS = 1 << 5,
    PLAN_NO_START = 1 << 6, /* create only */
    PLAN_BUILD = 1 << 7,
    PLAN_NO_BUILD = 1 << 8,
    PLAN_PROVE_ALL = 1 << 9, /* every started service, not only those that are depended on */
    PLAN_VOLUMES = 1 << 10,  /* down -v, rm -v */
    PLAN_RMI_LOCAL = 1 << 11,
    PLAN_RMI_ALL = 1 << 12,
    PLAN_YES = 1 << 13,            /* volumes whose configuration changed are made anew */
    PLAN_IMAGES_DONE = 1 << 14,    /* images were pulled and built just now */
    PLAN_EXISTING_ONLY = 1 << 15,  /* start: nothing is created */
    PLAN_FORCE = 1 << 16,          /* rm -f -s: also running ones */
    PLAN_IGNORE_ORPHANS = 1 << 17, /* say nothing about them */
    PLAN_ONEOFF = 1 << 18          /* act on `run` containers too (kill, down) */
};

struct plan_scale {
    const char *service;
    int replicas;
};

struct plan_options {
    unsigned flags;              /* enum plan_flags */
    const char *const *services; /* NULL or empty: all */
    size_t service_count;
    const struct plan_scale *scales;
    size_t scale_count;
    enum pull_override pull;
    const char *apart;  /* up: this service's containers are left alone (run); NULL = none */
    const char *signal; /* kill; NULL = SIGKILL */
    int64_t now;        /* wall ns, for pull policies with an interval */
};

/*
 * Every planner fills *ret (zeroed by the caller; plan_release frees it also after a failure) and
 * keeps pointers into project and observed. Errors name the service and what to do.
 */
int plan_up(const struct project *p, const struct observed *o, const struct plan_options *opts,
            struct plan *ret, struct err *err) MUST_CHECK;
/* Only the pull and build steps that plan_up would begin with. */
int plan_images(const struct project *p, const struct observed *o, const struct plan_options *opts,
                struct plan *ret, struct err *err) MUST_CHECK;
/* Creates one container of `run`. `s` is the service as `run` wants it, a copy or not; it and
 * `oneoff` must outlive the plan. */
int plan_oneoff(const struct project *p, const struct observed *o, const struct service *s,
                const struct plan_oneoff *oneoff, struct plan *ret, struct err *err) MUST_CHECK;
int plan_down(const struct project *p, const struct observed *o, const struct plan_options *opts,
              struct plan *ret, struct err *err) MUST_CHECK;
int plan_stop(const struct project *p, const struct observed *o, const struct plan_options *opts,
              struct plan *ret, struct err *err) MUST_CHECK;
int plan_restart(const struct project *p, const struct observed *o, const struct plan_options *opts,
                 struct plan *ret, struct err *err) MUST_CHECK;
/* One PROVE step for each running container of the selected services; changes nothing. */
int plan_prove(const struct project *p, const struct observed *o, const struct plan_options *opts,
               struct plan *ret, struct err *err) MUST_CHECK;
/* kind: STEP_KILL, STEP_PAUSE, STEP_UNPAUSE or STEP_REMOVE (rm). */
int plan_each(const struct project *p, const struct observed *o, const struct plan_options *opts,
              enum step_kind kind, struct plan *ret, struct err *err) MUST_CHECK;
void plan_release(struct plan *p);

/* True when a service that has containers needs a pull or build first: do plan_images, look again.
 */
bool plan_images_first(const struct plan *p);

/* "p-web-1", or container_name. In the arena. */
const char *plan_container_name(struct arena *a, const struct project *p, const struct service *s,
                                int number);
/*
 * Why an existing container must be made anew, NULL when it may stay: forced, configuration or
 * image changed, a network or volume is not the one it has. In the arena.
 */
const char *plan_recreate_reason(struct arena *a, const struct project *p, const struct observed *o,
                                 const struct service *s, const struct observed_container *c,
                                 const struct plan_options *opts);

/*
 * A project as far as the labels of its containers, networks and volumes tell: enough to stop,
 * start or take it down without its files. Free with project_free().
 */
struct project *plan_project_from_labels(const char *name, const struct observed *o);

const char *step_kind_name(enum step_kind kind);

#endif
