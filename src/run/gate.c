/*
 * The gate: looks at the container once it runs, lets its probes try, follows what the engine says
 * about it, and decides: ready, or never (wrong password, crash loop, missing command: at once,
 * with the cause), or too late.
 */
#include "run/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"
#include "probe/probe.h"

/* A covered health check is run after all when the network stays silent that long. */
#define CHECK_FALLBACK (3 * NS_PER_SEC)
/* How long the container's own check must pass alone before the network is given up. */
#define ACCEPT_WEB (2 * NS_PER_SEC)
#define ACCEPT_DATABASE (30 * NS_PER_SEC)
/* How long a program of another architecture may take to fail. */
#define SETTLE_FOREIGN (1 * NS_PER_SEC)
/* A refused login may be the image's first-run set-up: it counts once it stays. */
#define HEAL_WAIT (500 * NS_PER_MS)
enum { DEATHS_MAX = 2 };

static void gate_free(void *arg)
{
    struct gate *g = arg;
    for (size_t i = 0; i < g->count; i++) {
        gate_probe_free(&g->probes[i]);
    }
    gate_probe_free(&g->check);
    arena_release(&g->arena);
    free(g);
}

static bool attempts_open(const struct gate *g)
{
    bool open = g->check.attempt || g->inspect;
    for (size_t i = 0; i < g->count; i++) {
        open = open || g->probes[i].attempt || g->probes[i].file;
    }
    return open;
}

void gate_reap(struct gate *g)
{
    if (g->ended && !attempts_open(g)) {
        ev_defer(g->run->loop, gate_free, g);
        run_release(g->run);
    }
}

static void stop_attempts(struct gate *g)
{
    for (size_t i = 0; i < g->count; i++) {
        gate_probe_stop(&g->probes[i]);
    }
    gate_probe_stop(&g->check);
}

static void end(struct gate *g, const struct err *err)
{
    struct run_step *s = g->step;
    if (g->ended) {
        return;
    }
    g->ended = true;
    g->unit->gate = NULL;
    stop_attempts(g);
    engine_cancel(g->run->engine, g->inspect);
    ev_timer_free(g->timer);
    ev_timer_free(g->accept);
    g->timer = g->accept = NULL;
    run_step_done(s, err);
    gate_reap(g);
}

static void fail(struct gate *g, enum err_code code, const char *hint, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static void fail(struct gate *g, enum err_code code, const char *hint, const char *fmt, ...)
{
    struct err err = {0};
    va_list ap;
    va_start(ap, fmt);
    err_setv(&err, code, fmt, ap);
    va_end(ap);
    err_subject(&err, g->unit->service);
    err_hint(&err, "%s", hint);
    end(g, &err);
}

/* --- passing --- */

static void pass(struct gate *g, enum unit_state state, const char *text)
{
    struct timeline_entry *e = run_entry(g->run, g->unit);
    e->ready = run_elapsed(g->run);
    e->proof = arena_strdup(&g->run->timeline.arena, text);
    run_unit_set(g->run, g->unit, state, "%s", text);
    end(g, NULL);
}

static bool probes_passed(const struct gate *g)
{
    for (size_t i = 0; i < g->count; i++) {
        if (!g->probes[i].passed && !g->probes[i].dropped) {
            return false;
        }
    }
    return true;
}

static bool any_passed(const struct gate *g)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->probes[i].passed) {
            return true;
        }
    }
    return false;
}

static bool check_counts(const struct gate *g)
{
    return g->has_check && !(g->covered && any_passed(g));
}

static void pass_proved(struct gate *g)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    int64_t began = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct gate_probe *p = &g->probes[i];
        if (p->passed) {
            buf_printf(&text, "%s%s", text.len ? "; " : "", p->last.text);
            began = clock_mono() - p->last.duration;
        }
    }
    if (check_counts(g) && g->check.passed) {
        buf_printf(&text, "%shealth check passed", text.len ? "; " : "");
        began = began ? began : clock_mono() - g->check.last.duration;
    }
    if (began) {
        run_entry(g->run, g->unit)->proof_begin = began - g->run->began;
    }
    pass(g, text.len ? UNIT_READY : UNIT_STARTED, text.len ? buf_text(&text) : "running");
}

/* What the image is for, when that is not what the engine's machine is; else NULL. */
static const char *foreign_architecture(const struct gate *g)
{
    const struct observed_image *image = run_image(g->run, g->service);
    const char *here = engine_traits(g->run->engine)->arch;
    return image && !str_empty(image->architecture) && *here && !str_eq(image->architecture, here)
               ? image->architecture
               : NULL;
}

/*
 * With nothing to prove, running is all there is to see; what dies right after its start (a wrong
 * command, another architecture) is seen when one looks a moment later. Nobody waits for that but
 * the end of the run.
 */
static bool settles(struct gate *g)
{
    if (any_passed(g) || check_counts(g) || g->step->step->unit->unchanged) {
        return false;
    }
    ev_timer_set(g->accept,
                 g->began + (foreign_architecture(g) ? SETTLE_FOREIGN : g->run->options.settle));
    return true;
}

/* Passes when nothing is open any more. */
static void decide(struct gate *g)
{
    if (g->ended || g->mode == GATE_EXIT) {
        return;
    }
    if (probes_passed(g) && (!check_counts(g) || g->check.passed) && !settles(g)) {
        pass_proved(g);
    }
}

/* --- its own check passes, the network does not answer --- */

static const struct gate_probe *unproved(const struct gate *g)
{
    for (size_t i = 0; i < g->count; i++) {
        if (!g->probes[i].passed && !g->probes[i].dropped) {
            return &g->probes[i];
        }
    }
    return NULL;
}

static void accept_without_network(void *arg)
{
    struct gate *g = arg;
    const struct gate_probe *open = unproved(g);
    if (!open && !g->ended && g->running && !check_counts(g)) { /* it has stayed up */
        pass_proved(g);
        return;
    }
    if (!open || g->ended || !g->check.passed) {
        return;
    }
    run_warning(g->run, g->unit,
                "does it listen on 127.0.0.1 only? Let it listen on 0.0.0.0, or say what to prove "
                "under x-fettle: ready:",
                "%s passes its own health check, but does not answer over the network: %s",
                g->unit->service, open->last.text);
    pass(g, UNIT_READY, "health check passed; not reachable over the network");
}

static void check_passed(struct gate *g)
{
    const struct gate_probe *open = unproved(g);
    bool database = false;
    g->check.passed = true;
    decide(g);
    if (g->ended || !open || open->spec->origin == PROBE_DECLARED) {
        return;
    }
    database = open->spec->kind != PROBE_HTTP && open->spec->kind != PROBE_TCP;
    if (ev_timer_deadline(g->accept) == CLOCK_NEVER) {
        ev_timer_set(g->accept, clock_mono() + (database ? ACCEPT_DATABASE : ACCEPT_WEB));
    }
}

/* --- outcomes --- */

static const char *never_hint(const struct gate_probe *p)
{
    switch (p->last.layer) {
    case LAYER_AUTH:
        return "the data may have been made with another password: set the old one, change it in "
               "the "
               "database, or begin anew with down -v (its data is lost)";
    case LAYER_APP:
        return "create it, or correct its name in the environment of the service";
    default:
        return "correct the service, or say what to prove under x-fettle: ready:";
    }
}

static void never(struct gate_probe *p, const struct outcome *o)
{
    struct gate *g = p->gate;
    int64_t now = clock_mono();
    if (p == &g->check &&
        g->covered) { /* a broken check does not matter while the probes may pass */
        p->dropped = true;
        return;
    }
    if (!probe_is_binding(p->spec, o)) {
        log_debug("gate", "%s: %s: a wrong guess, dropped", g->unit->name, o->text);
        p->dropped = true;
        g->covered = g->covered && any_passed(g);
        if (g->has_check) {
            gate_probe_begin(&g->check);
        }
        decide(g);
        return;
    }
    if (probe_may_heal_after_init(o)) {
        p->never_since = p->never_since ? p->never_since : now;
        if (now - p->never_since < HEAL_WAIT) {
            return;
        }
    }
    fail(g, ERR_UNHEALTHY,
         p == &g->check ? "correct healthcheck.test, or install what it needs in the "
                          "image"
                        : never_hint(p),
         "%s will not become ready: %s", g->unit->service, o->text);
}

void gate_outcome(struct gate_probe *p, const struct outcome *o)
{
    struct gate *g = p->gate;
    bool news = !p->tried || !outcome_same(&p->last, o);
    p->last = *o;
    p->tried = true;
    if (news && o->verdict != VERDICT_READY) {
        run_unit_probe(g->run, g->unit, o);
    }
    switch (o->verdict) {
    case VERDICT_READY:
        p->passed = true;
        if (p == &g->check) {
            check_passed(g);
        } else {
            decide(g);
        }
        return;
    case VERDICT_NEVER:
        never(p, o);
        return;
    default:
        p->never_since = 0;
        if (g->has_check && g->covered && p != &g->check &&
            clock_mono() - g->began > CHECK_FALLBACK) {
            gate_probe_begin(&g->check);
        }
        return;
    }
}

/* --- the container --- */

static bool engine_restarts(const struct gate *g, int exit_code)
{
    const char *policy = g->details.restart_policy;
    return policy && (strcmp(policy, "always") == 0 || strcmp(policy, "unless-stopped") == 0 ||
                      (strcmp(policy, "on-failure") == 0 && exit_code != 0));
}

static const char *exit_hint(struct gate *g, int code)
{
    const char *foreign = foreign_architecture(g);
    if (foreign) {
        return arena_printf(
            &g->arena,
            "its image is for the architecture %s, this machine is %s: pull or build "
            "it for this one (platform:)",
            foreign, engine_traits(g->run->engine)->arch);
    }
    if (g->oom) {
        return "give it more memory (mem_limit, deploy.resources.limits.memory), or let it use "
               "less";
    }
    switch (code) {
    case 126:
        return "its command cannot be executed: is it executable, and for this architecture?";
    case 127:
        return "its command does not exist in the image: correct command or entrypoint";
    case 137:
        return "it was killed (SIGKILL): by hand, or by the system for lack of memory";
    case 139:
        return "it crashed (SIGSEGV): look at its log";
    default:
        return "its last lines of log say why";
    }
}

static bool awaited_healthy(const struct gate *g)
{
    const struct project *p = g->run->plan->project;
    for (size_t i = 0; i < p->service_count; i++) {
        for (size_t d = 0; d < p->services[i].depends_on_count; d++) {
            const struct depends_on *dep = &p->services[i].depends_on[d];
            if (dep->condition == CONDITION_HEALTHY &&
                strcmp(dep->service, g->service->name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void died(struct gate *g, int code)
{
    bool again = engine_restarts(g, code), loop = false;
    g->running = false;
    stop_attempts(g);
    if (code == 0 && !again && (g->mode == GATE_EXIT || (!awaited_healthy(g) && !g->has_check))) {
        pass(g, UNIT_COMPLETED, "exited with 0");
        return;
    }
    loop = g->deaths > 0 && g->last_exit == code && g->deaths + 1 >= DEATHS_MAX;
    g->deaths++;
    g->last_exit = code;
    if (again && !loop) {
        run_unit_set(g->run, g->unit, UNIT_PROVING, "exited with %d; the engine restarts it", code);
        return;
    }
    if (g->mode == GATE_EXIT && code != 0) {
        fail(g, ERR_UNHEALTHY, exit_hint(g, code),
             "service \"%s\" didn't complete successfully: exit %d", g->unit->service, code);
    } else if (loop) {
        fail(g, ERR_UNHEALTHY, exit_hint(g, code),
             "%s is in a crash loop: it exited with %d twice%s", g->unit->service, code,
             g->oom ? " (out of memory)" : "");
    } else {
        fail(g, ERR_UNHEALTHY, exit_hint(g, code), "%s exited with %d before it was ready%s",
             g->unit->service, code, g->oom ? " (out of memory)" : "");
    }
}

static void find_address(struct gate *g)
{
    const struct container_details *d = &g->details;
    g->address[0] = '\0';
    if (!engine_traits(g->run->engine)->local) {
        return;
    }
    if (strcmp(d->network_mode, "host") == 0) {
        snprintf(g->address, sizeof(g->address), "127.0.0.1");
        return;
    }
    for (size_t i = 0; i < d->endpoint_count && !g->address[0]; i++) {
        const char *ip = d->endpoints[i].ip[0] ? d->endpoints[i].ip : d->endpoints[i].ip6;
        snprintf(g->address, sizeof(g->address), "%s", ip);
    }
}

static void begin_attempts(struct gate *g)
{
    g->running = true;
    g->began = clock_mono();
    find_address(g);
    if (g->mode == GATE_EXIT) {
        run_unit_set(g->run, g->unit, UNIT_PROVING, "until it exits with 0");
        return;
    }
    if (g->details.health == ENGINE_HEALTH_HEALTHY && g->step->step->unit->unchanged) {
        g->check.passed = true;
    }
    for (size_t i = 0; i < g->count; i++) {
        gate_probe_begin(&g->probes[i]);
    }
    g->covered = g->covered && !probes_passed(g);
    if (g->has_check && !g->covered && !g->check.passed) {
        gate_probe_begin(&g->check);
    }
    decide(g);
    if (!g->ended && g->unit->state != UNIT_RUNNING) {
        run_unit_set(g->run, g->unit, UNIT_PROVING, NULL);
    }
}

static void on_inspect(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct gate *g = arg;
    g->inspect = NULL;
    if (g->ended) {
        gate_reap(g);
        return;
    }
    if (err) {
        fail(g, err->code, err->hint, "looking at %s: %s", g->unit->name, err->message);
        return;
    }
    if (!json_is_object(json_object_get(reply->json, "State"))) {
        fail(g, ERR_PROTOCOL, "", "looking at %s: the engine's answer says nothing about its state",
             g->unit->name);
        return;
    }
    decode_details(&g->arena, reply->json, &g->details);
    g->oom = g->oom || g->details.oom_killed;
    switch (g->details.state) {
    case CONTAINER_RUNNING:
        begin_attempts(g);
        return;
    case CONTAINER_EXITED:
    case CONTAINER_DEAD:
        died(g, g->details.exit_code);
        return;
    default: /* restarting, paused: an event follows */
        return;
    }
}

static void inspect(struct gate *g)
{
    if (!g->inspect && !g->ended) {
        g->inspect = engine_container_inspect(g->run->engine, g->unit->id, on_inspect, g);
    }
}

void gate_event(struct gate *g, const struct engine_event *event)
{
    int64_t code = 0;
    if (strcmp(event->action, "oom") == 0) {
        g->oom = true;
    } else if (strcmp(event->action, "die") == 0) {
        const char *text = json_string_value(json_object_get(event->attributes, "exitCode"));
        if (g->running || !g->inspect) { /* an inspect under way will tell by itself */
            code = text && !parse_int(text, -255, 255, &code, NULL) ? code : 0;
            died(g, (int)code);
        }
    } else if (strcmp(event->action, "start") == 0 || strcmp(event->action, "unpause") == 0) {
        if (!g->running) {
            inspect(g);
        }
    } else if (strcmp(event->action, "health_status: healthy") == 0 && g->running) {
        check_passed(g);
    } else if (strcmp(event->action, "health_status: unhealthy") == 0 && g->running &&
               g->has_check && !g->covered) {
        fail(g, ERR_UNHEALTHY, "its health check says why", "container %s is unhealthy: %s",
             g->unit->name, g->check.tried ? g->check.last.text : "its health check fails");
    } else if (strcmp(event->action, "destroy") == 0) {
        fail(g, ERR_UNHEALTHY, "something else removed it; run up again",
             "container %s was removed while it was being proved", g->unit->name);
    }
}

void gate_resync(struct gate *g)
{
    inspect(g);
}

void gate_last_words(const struct gate *g, struct buf *out)
{
    const struct gate_probe *open = unproved(g);
    const struct outcome *last = open && open->tried ? &open->last
                                 : g->check.tried    ? &g->check.last
                                                     : NULL;
    if (last) {
        buf_printf(out, ": %s", last->text);
    }
}

/* --- time --- */

static void on_deadline(void *arg)
{
    struct gate *g = arg;
    const struct gate_probe *open = unproved(g);
    const struct outcome *last = open && open->tried ? &open->last
                                 : g->check.tried    ? &g->check.last
                                                     : NULL;
    char text[48];
    clock_human(gate_patience(g), text, sizeof(text));
    if (g->mode == GATE_READY && open && open->spec->origin == PROBE_INFERRED && !g->has_check &&
        !awaited_healthy(g)) { /* nobody asked for it: a guess does not fail a start */
        run_warning(g->run, g->unit, "say what to prove under x-fettle: ready:",
                    "%s runs, but was not proved within %s: %s", g->unit->service, text,
                    last ? last->text : "no answer");
        pass(g, UNIT_STARTED, "running, not proved");
        return;
    }
    fail(g, ERR_TIMEOUT,
         "its log and its health check say why; x-fettle: ready: timeout: gives it more time",
         "%s is not ready after %s: %s", g->unit->service, text,
         last         ? last->text
         : g->running ? "no answer"
                      : "it is not running");
}

static void cancel(struct run_step *s)
{
    struct gate *g = s->unit->gate;
    struct err err = {0};
    if (g) {
        err_set(&err, ERR_CANCELLED, "%s was not proved: stopped before", g->unit->service);
        end(g, &err);
    }
}

static void begin(struct run_step *s, enum gate_mode mode)
{
    struct gate *g = NULL;
    if (s->run->options.flags & RUN_NO_PROOF && mode == GATE_READY) {
        run_step_done(s, NULL);
        return;
    }
    g = xcalloc(1, sizeof(*g));
    *g = (struct gate){.run = s->run,
                       .step = s,
                       .unit = s->unit,
                       .service = s->step->service,
                       .mode = mode,
                       .began = clock_mono()};
    arena_init(&g->arena);
    s->unit->gate = g;
    s->cancel_work = cancel;
    run_hold(s->run);
    if (mode == GATE_READY) {
        gate_find_specs(g);
    } else {
        gate_probe_init(&g->check, g, &g->check_spec);
    }
    g->timer = ev_timer_new(s->run->loop, on_deadline, g);
    g->accept = ev_timer_new(s->run->loop, accept_without_network, g);
    if (mode == GATE_READY) {
        ev_timer_set(g->timer, clock_add(g->began, gate_patience(g)));
    }
    if (mode == GATE_READY && awaited_healthy(g) && !g->count && !g->has_check) {
        fail(g, ERR_COMPOSE, "give it a healthcheck:, or say what to prove under x-fettle: ready:",
             "%s has no healthcheck configured, but others wait for it to be healthy",
             g->unit->service);
        return;
    }
    inspect(g);
}

void step_prove(struct run_step *s)
{
    begin(s, GATE_READY);
}

void step_exit(struct run_step *s)
{
    begin(s, GATE_EXIT);
}
