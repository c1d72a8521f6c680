/*
 * One command of the program on a fake world, from an empty loop to an empty loop: connect, look,
 * plan, run, clean up behind itself. Each one is a new client, as a new process would be.
 */
#ifndef TESTS_ENGINE_DRIVE_H
#define TESTS_ENGINE_DRIVE_H

#include "base/buf.h"
#include "engine/fake/fake.h"
#include "plan/plan.h"

enum drive_verb { DRIVE_UP, DRIVE_DOWN, DRIVE_STOP, DRIVE_RESTART };

struct drive {
    enum drive_verb verb;
    const struct project *project;
    struct plan_options options;
    unsigned run_flags;
    int64_t deadline;     /* ns for the run; 0 = 2 s */
    int64_t settle;       /* ns that what cannot be proved has to stay up; 0 = none */
    int64_t cancel_after; /* ns until the user interrupts it; 0 = never */
    int interrupts;       /* how often, one right after the other; 0 = once */
    struct buf *log;      /* or NULL: units ("NAME STATE"), warnings, errors, log lines */

    /* what came of it */
    size_t errors;        /* events that say so */
    size_t bad_events;    /* events that lack what every event of their kind has */
    bool began, ended;    /* EVENT_BEGIN, EVENT_END */
    char last_error[600]; /* of an EVENT_ERROR: text, hint */
};

/* 0 or -ERR_x. Ends the test program when it hangs or leaves something on the loop. */
int drive(struct fake_world *w, struct drive *d, struct err *err);

#endif
