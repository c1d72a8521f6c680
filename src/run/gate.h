/*
 * The gate of one container: holds its proof back until it is ready, and says at once when it never
 * will be. Private to run/.
 */
#ifndef RUN_GATE_H
#define RUN_GATE_H

#include "base/arena.h"
#include "engine/decode.h"
#include "probe/runner.h"
#include "run/internal.h"

enum gate_mode {
    GATE_READY, /* its probes and health check */
    GATE_EXIT   /* its end with status 0 */
};

/* One thing to prove. */
struct gate_probe {
    struct gate *gate;
    const struct probe_spec *spec;
    bool passed;
    bool dropped;        /* an inferred guess that turned out wrong */
    struct outcome last; /* of the latest attempt */
    bool tried;
    int64_t never_since; /* a NEVER that may heal while the image initialises; 0 = none */
    struct probe_run *attempt;
    struct engine_exec *exec;
    struct engine_call *follow; /* log lines */
    struct engine_call *file;   /* is the file there? */
    void *follow_state;
    struct ev_timer *timer;
};

struct gate {
    struct run *run;
    struct run_step *step;
    struct run_unit *unit;
    const struct service *service;
    enum gate_mode mode;
    struct arena arena;
    struct gate_probe *probes;
    size_t count;

    /* the health check, run by us through exec */
    struct probe_spec check_spec;
    struct gate_probe check;
    bool has_check, covered; /* covered: the probes prove the same and more */
    int64_t check_interval;

    struct engine_call *inspect;
    struct container_details details; /* as of the last inspect */
    char address[64];                 /* numeric; "" = none can be reached from here */
    int64_t began;                    /* of the current life of the container */
    int64_t deadline;
    struct ev_timer *timer;  /* the deadline */
    struct ev_timer *accept; /* when its own check passes and the network never answers */
    int deaths, last_exit;
    bool oom, running, ended;
};

/* gate_probe.c: attempts of one probe, again and again until it passes. */
void gate_probe_init(struct gate_probe *p, struct gate *g, const struct probe_spec *spec);
void gate_probe_begin(struct gate_probe *p);
/* Stops attempts; they may begin again (a restarted container). */
void gate_probe_stop(struct gate_probe *p);
void gate_probe_free(struct gate_probe *p);

/* gate.c: an attempt ended. */
void gate_outcome(struct gate_probe *p, const struct outcome *o);
/* Frees an ended gate once its last cancelled attempt has answered. */
void gate_reap(struct gate *g);

/* gate_specs.c: what there is to prove about the container, and how long it may take. */
void gate_find_specs(struct gate *g);
int64_t gate_patience(const struct gate *g);

#endif
