/*
 * The state of a run, shared by the files of run/ only.
 */
#ifndef RUN_INTERNAL_H
#define RUN_INTERNAL_H

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "probe/runner.h"
#include "run/run.h"

enum step_state { STEP_PENDING, STEP_QUEUED, STEP_RUNNING, STEP_DONE, STEP_FAILED, STEP_SKIPPED };

/* Steps of one class share a limit on how many are in flight. */
enum step_class {
    CLASS_LIGHT, /* create, remove, network, volume, rename */
    CLASS_START, /* start, restart: CPU-bound in the engine, more than 2 per core gain nothing */
    CLASS_STOP,  /* waits for the container's grace period */
    CLASS_WAIT,  /* proofs: no limit */
    CLASS_IMAGE, /* pulls and builds */
    CLASS_COUNT
};

/* What people see: a container, network, volume or image by its name. */
struct run_unit {
    enum unit_kind kind;
    const char *name, *service;
    char *id; /* engine id, NULL = none */
    enum unit_state state;
    int64_t since;                /* monotonic ns of the last change */
    struct timeline_entry *entry; /* NULL when it is not started in this run */
    struct gate *gate;            /* while it is being proved */
    bool put_done;                /* secrets and configs are in the container */
    char *evidence;               /* of its failure, where its log is none; or NULL */
};

struct run_step {
    const struct step *step;
    struct run *run;
    enum step_state state;
    size_t waiting; /* dependencies that have not ended */
    struct run_step **dependents;
    bool *dependent_optional;
    size_t dependent_count;
    struct run_unit *unit;
    struct engine_call *call; /* the call under way, for cancel */
    void *work;               /* of the step's own file; freed by it */
    void (*cancel_work)(struct run_step *s);
    int64_t began;
    size_t index; /* position among sub-calls: connects, hooks */
    int repairs;  /* how often repair.c had its turn */
    void *repair; /* repair.c's, while it waits */
};

struct heap {
    struct run_step **items;
    size_t len, cap;
};

struct run {
    struct ev_loop *loop;
    struct engine *engine;
    const struct plan *plan;
    const struct event_hub *hub;
    struct run_options options;
    struct run_step *steps;
    struct heap ready[CLASS_COUNT];
    int running[CLASS_COUNT];
    int limit[CLASS_COUNT];
    size_t in_flight, ended;
    struct map units;               /* "kind/name" -> struct run_unit */
    struct map images;              /* reference -> struct observed_image, got in this run */
    struct run_unit **of_plan_unit; /* by plan_unit.index */
    struct engine_watch *watch;
    bool watch_open, watch_wanted;
    int watch_failures;
    struct ev_timer *watch_timer;
    struct ev_timer *deadline;
    struct timeline timeline;
    size_t timeline_cap;
    struct timeline_entry **entries;
    int64_t began;
    bool stopping;  /* nothing new begins */
    bool cancelled; /* by the user */
    bool finished;
    bool scheduled; /* a scheduling turn is deferred */
    struct err err; /* the first failure */
    size_t failures;
    size_t evidence_pending; /* log tails being fetched before the end is told */
    run_done_fn *done;
    void *done_arg;
    struct probe_runner *prober;
    struct vec attachments; /* struct attachment */
};

/* run.c */
void run_step_done(struct run_step *s, const struct err *err);
void run_schedule(struct run *r);
void run_warning(struct run *r, const struct run_unit *u, const char *hint, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Holds the end of the run back until it is released again. */
void run_hold(struct run *r);
void run_release(struct run *r);

/* unit.c */
struct run_unit *run_unit(struct run *r, enum unit_kind kind, const char *name,
                          const char *service);
/* The one setter: checks the move, emits the event. text may be NULL. */
void run_unit_set(struct run *r, struct run_unit *u, enum unit_state state, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void run_unit_probe(struct run *r, struct run_unit *u, const struct outcome *o);
void run_unit_free(struct run_unit *u);
/* Nanoseconds since the run began. */
int64_t run_elapsed(const struct run *r);
struct timeline_entry *run_entry(struct run *r, struct run_unit *u);
/* The service's image as it is now: got in this run, else as observed. NULL when unknown. */
const struct observed_image *run_image(const struct run *r, const struct service *s);
/* Is there such a unit already? NULL when not. */
struct run_unit *run_unit_by_id(struct run *r, const char *id);

/* One function a kind of step: begins it; run_step_done() follows, never from inside. */
void step_network_create(struct run_step *s);
void step_network_remove(struct run_step *s);
void step_volume_create(struct run_step *s);
void step_volume_remove(struct run_step *s);
void step_create(struct run_step *s);
void step_rename(struct run_step *s);
void step_start(struct run_step *s);
void step_stop(struct run_step *s);
void step_remove(struct run_step *s);
void step_restart(struct run_step *s);
void step_kill(struct run_step *s);
void step_pause(struct run_step *s);
void step_image_pull(struct run_step *s);
void step_image_build(struct run_step *s);
void step_image_remove(struct run_step *s);
void step_prove(struct run_step *s);
void step_exit(struct run_step *s);

/* create.c: secrets and configs that are not host files go into the container before its start. */
typedef void put_done_fn(struct run_step *s, const struct err *err);
void run_put_files(struct run_step *s, put_done_fn *done);

/*
 * repair.c: after a refusal that a killed command's late request explains. True: done(s, NULL)
 * follows when the call may be made again, done(s, the refusal) when not. False: nothing to repair,
 * or it was tried already in this step.
 */
typedef void repaired_fn(struct run_step *s, const struct err *err);
bool run_repair_network(struct run_step *s, const struct err *err, repaired_fn *done);
bool run_repair_container(struct run_step *s, const struct err *err, repaired_fn *done);

/* evidence.c: fetches the last log lines, then emits the error with them. The run waits for it. */
void run_report_failure(struct run *r, struct run_unit *u, const struct err *err);

/* gate.c: what happened to a container according to the engine. */
void gate_event(struct gate *g, const struct engine_event *event);
/* Appends ": what its last attempt said", if there was one. */
void gate_last_words(const struct gate *g, struct buf *out);
/* The event stream was interrupted: look again. */
void gate_resync(struct gate *g);

/* attach.c */
void run_attach(struct run_step *s, void (*ready)(struct run_step *s));
/* Attaches to what runs already and stays. */
void run_attach_running(struct run *r);
void run_attachments_free(struct run *r);

#endif
