/*
 * Probes on real connections: connects, drives the machine of probe.h, maps what the network says
 * to outcomes. Also does the kinds that need no machine: dns and file.
 */
#ifndef PROBE_RUNNER_H
#define PROBE_RUNNER_H

#include "ev/ev.h"
#include "model/outcome.h"
#include "model/probe_spec.h"
#include "net/resolve.h"

struct probe_runner;
struct probe_run;

enum { PROBE_TIMEOUT_SECONDS = 5 }; /* for one attempt, where the spec says nothing */

/*
 * What attempts share: TLS settings and derived SCRAM keys. One per loop. `resolver` may be NULL
 * when every address is numeric; it is borrowed.
 */
struct probe_runner *probe_runner_new(struct ev_loop *loop, struct resolver *resolver)
    __attribute__((returns_nonnull));
/* No run may be in flight. Takes NULL. */
void probe_runner_free(struct probe_runner *r);

/* Where to, when it is not what the spec says. Zero = the spec's. Strings are copied. */
struct probe_target {
    const char *host; /* address, name, or path of a Unix socket */
    uint16_t port;
    const int *netns; /* fd of a network namespace to connect in; must stay open */
};

/* Kinds that probe_run_start() can do: those with a machine, dns and file. */
bool probe_can_run(enum probe_kind kind);

typedef void probe_done_fn(const struct outcome *o, void *arg);
/*
 * One attempt. `fn` is called exactly once, never from inside this call; duration covers all of it,
 * the look-up included. `spec` must live until then; `to` may be NULL. `deadline` is absolute; the
 * attempt ends at the earlier of it and the spec's own timeout. Where PostgreSQL takes no plain
 * connections (28000) and the spec does not insist, a second connection tries with TLS.
 */
struct probe_run *probe_run_start(struct probe_runner *r, const struct probe_spec *spec,
                                  const struct probe_target *to, int64_t deadline,
                                  probe_done_fn *fn, void *arg);
/* The callback comes at the end of this turn, NOT_YET with code "cancelled". */
void probe_run_cancel(struct probe_run *run);

#endif
