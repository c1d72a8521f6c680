/*
 * Torture: every call of a command fails in turn, in every way, and the client is killed after
 * every call. After each: the right error, nothing left behind that cannot be found again, and the
 * same command once more brings about what an undisturbed one does.
 *
 * FETTLE_TORTURE=NAME runs the scenarios whose name has that in it and says what it does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "drive.h"
#include "stack.h"

#define MS NS_PER_MS

enum { CALLS_MAX = 400 };

struct scenario {
    const char *name;
    const char *before; /* the stack that is up already; NULL = nothing */
    const char *stack;  /* the stack that is to be */
    enum drive_verb verb;
    unsigned flags;  /* enum plan_flags */
    bool any_number; /* replicas may have other numbers: new ones get the highest plus one */
    enum fake_flavour flavour;
};

static const struct scenario scenarios[] = {
    {.name = "chain",
     .stack = "service a image=img check=test\n"
              "service b image=img check=test deps=a:healthy\n"
              "service c image=img deps=b:healthy\n"},
    {.name = "fan",
     .stack = "service db image=img check=test\n"
              "service w1 image=img deps=db:healthy\n"
              "service w2 image=img deps=db:healthy\n"
              "service w3 image=img deps=db:started\n"},
    {.name = "diamond",
     .stack = "service top image=img check=test\n"
              "service left image=img check=test deps=top:healthy\n"
              "service right image=img check=test deps=top:healthy\n"
              "service end image=img deps=left:healthy,right:healthy\n"},
    {.name = "one-shot",
     .stack = "service db image=img check=test\n"
              "service migrate image=job deps=db:healthy\n"
              "service web image=img deps=migrate:completed,db:healthy\n"},
    {.name = "one-shot-again",
     .before = "service migrate image=job\nservice web image=img deps=migrate:completed\n",
     .stack = "service migrate image=job\nservice web image=img deps=migrate:completed\n"},
    {.name = "unchanged",
     .before = "service db image=img check=test\nservice web image=img deps=db:healthy\n",
     .stack = "service db image=img check=test\nservice web image=img deps=db:healthy\n"},
    {.name = "recreate",
     .before = "service db image=img check=test\nservice web image=img deps=db:healthy\n",
     .stack = "service db image=img check=test rev=2\n"
              "service web image=img deps=db:healthy rev=2\n"},
    {.name = "recreate-with-port",
     .before = "service web image=img ports=8080:80\n",
     .stack = "service web image=img ports=8080:80 rev=2\n"},
    {.name = "recreate-anonymous-volume",
     .before = "service db image=img vols=data:/d,/anon\nvolume data\n",
     .stack = "service db image=img vols=data:/d,/anon rev=2\nvolume data\n"},
    {.name = "restart-true",
     .before = "service db image=img check=test\n"
               "service web image=img deps=db:healthy:restart\n",
     .stack = "service db image=img check=test rev=2\n"
              "service web image=img deps=db:healthy:restart\n"},
    {.name = "scale-up",
     .before = "service web image=img replicas=1\n",
     .stack = "service web image=img replicas=1\nservice more image=img replicas=3\n",
     .any_number = true},
    {.name = "scale-down",
     .before = "service web image=img replicas=1\nservice more image=img\nservice old image=img\n",
     .stack = "service web image=img replicas=1\n",
     .flags = PLAN_REMOVE_ORPHANS},
    {.name = "networks-and-volumes",
     .stack = "service db image=img nets=back vols=data:/d\n"
              "service web image=img nets=back,front vols=data:/d,logs:/l deps=db:started\n"
              "network back\nnetwork front\nvolume data\nvolume logs\n"},
    {.name = "network-changed",
     .before = "service web image=img nets=front\nnetwork front\n",
     .stack = "service web image=img nets=front\nnetwork front rev=2\n"},
    {.name = "pull", .stack = "service web image=remote:1\nservice db image=img\n"},
    {.name = "podman",
     .before = "service db image=img check=test\n",
     .stack = "service db image=img check=test rev=2\n"
              "service web image=img deps=db:healthy ports=8080:80\n",
     .flavour = FAKE_PODMAN},
    {.name = "down",
     .before = "service db image=img check=test vols=data:/d nets=back\n"
               "service web image=img deps=db:healthy nets=back,front\n"
               "network back\nnetwork front\nvolume data\n",
     .stack = "service db image=img check=test vols=data:/d nets=back\n"
              "service web image=img deps=db:healthy nets=back,front\n"
              "network back\nnetwork front\nvolume data\n",
     .verb = DRIVE_DOWN,
     .flags = PLAN_VOLUMES},
    {.name = "stop",
     .before = "service db image=img\nservice web image=img deps=db:started\n",
     .stack = "service db image=img\nservice web image=img deps=db:started\n",
     .verb = DRIVE_STOP},
    {.name = "restart",
     .before = "service db image=img check=test\nservice web image=img deps=db:healthy\n",
     .stack = "service db image=img check=test\nservice web image=img deps=db:healthy\n",
     .verb = DRIVE_RESTART},
};

static const struct fake_exec check_rows[] = {{.pattern = "*test*", .exit_code = 0}};

static bool chatty(void)
{
    return getenv("FETTLE_TORTURE") != NULL;
}

/* --- a world with what a scenario needs in it --- */

static struct fake_world *world_new(const struct scenario *sc)
{
    const struct fake_options options = {
        .flavour = sc->flavour, .second = 2 * MS, .patience = 2 * MS, .chunk = 5};
    const struct fake_behaviour server = {.boot = MS / 2, .execs = check_rows, .exec_count = 1};
    const struct fake_behaviour job = {.exits = true, .exit_after = MS / 2};
    struct fake_world *w = fake_world_new(&options);
    fake_world_image(w, "img", NULL);
    fake_world_image(w, "job", NULL);
    fake_world_registry(w, "remote:1", NULL);
    fake_world_behave(w, "img", &server);
    fake_world_behave(w, "job", &job);
    return w;
}

static int run_verb(struct fake_world *w, const char *text, enum drive_verb verb, unsigned flags,
                    struct drive *ret, struct err *err)
{
    struct project *p = stack_parse("p", text);
    *ret = (struct drive){.verb = verb, .project = p, .options = {.flags = flags}};
    int rc = drive(w, ret, err);
    ret->project = NULL;
    project_free(p);
    return rc;
}

static void prepare(struct fake_world *w, const struct scenario *sc)
{
    struct drive d;
    struct err err = {0};
    if (sc->before && run_verb(w, sc->before, DRIVE_UP, 0, &d, &err) < 0) {
        fail_msg("%s: preparing: %s", sc->name, err.message);
    }
}

static int run_scenario(struct fake_world *w, const struct scenario *sc, struct drive *ret,
                        struct err *err)
{
    return run_verb(w, sc->stack, sc->verb, sc->flags, ret, err);
}

static char *describe(const struct fake_world *w, const struct scenario *sc)
{
    char *text = fake_world_describe(w, "p");
    for (char *p = text; sc->any_number && *p; p++) {
        bool counted = p > text && (p[-1] == '-' || p[-1] == '=') && p[1] == ' ';
        *p = counted && *p >= '0' && *p <= '9' ? 'N' : *p;
    }
    return text;
}

/* What an undisturbed run leaves. */
static char *reference(const struct scenario *sc, size_t *ret_calls)
{
    struct fake_world *w = world_new(sc);
    struct drive d;
    struct err err = {0};
    prepare(w, sc);
    fake_record_clear(w);
    if (run_scenario(w, sc, &d, &err) < 0) {
        fail_msg("%s: undisturbed: %s (%s) [%s]", sc->name, err.message, err.hint, d.last_error);
    }
    assert_int_equal(d.bad_events, 0);
    *ret_calls = fake_record_count(w);
    if (fake_world_check(w, "p", FAKE_CHECK_SETTLED, &err) < 0) {
        fail_msg("%s: undisturbed: %s", sc->name, err.message);
    }
    char *text = describe(w, sc);
    fake_world_free(w);
    return text;
}

/* --- judging one disturbed run --- */

struct trial {
    const struct scenario *sc;
    const char *reference;
    enum fake_fault fault; /* FAKE_FAULT_NONE: the client was killed */
    size_t n;
    int failures;
};

static void complain(struct trial *t, const char *what, const char *more)
{
    print_error("%s, %s at call %zu: %s: %s\n", t->sc->name,
                t->fault ? fake_fault_name(t->fault) : "killed", t->n, what, more);
    t->failures++;
}

static bool code_fits(enum fake_fault fault, enum err_code code)
{
    switch (fault) {
    case FAKE_FAULT_NONE:
    case FAKE_FAULT_LOST_BEFORE:
    case FAKE_FAULT_LOST_AFTER:
    case FAKE_FAULT_CUT:
        return code == ERR_ENGINE;
    case FAKE_FAULT_STATUS_500:
        return code == ERR_REFUSED || code == ERR_UNSUPPORTED;
    case FAKE_FAULT_STATUS_404:
        return code == ERR_NOT_FOUND || code == ERR_CONFLICT; /* "gone already": believed */
    case FAKE_FAULT_STATUS_409:
        return code == ERR_CONFLICT || code == ERR_NOT_FOUND; /* "there already": believed */
    case FAKE_FAULT_NEVER:
    case FAKE_FAULT_NEVER_AFTER:
        return code == ERR_TIMEOUT;
    case FAKE_FAULT_NOT_JSON:
    case FAKE_FAULT_WRONG_SHAPE:
        return code == ERR_PROTOCOL;
    default:
        return false;
    }
}

static void judge_error(struct trial *t, const struct drive *d, const struct err *err)
{
    CLEANUP_FREE char *text = xasprintf("%s: %s [%s] (%s)", err_code_name(err->code), err->message,
                                        err->subject, err->hint);
    if (!code_fits(t->fault, err->code)) {
        complain(t, "not the right code", text);
    }
    if (!*err->message) {
        complain(t, "no message", text);
    }
    if (t->n > 1 && !*err->subject) { /* the first call is the connection: the transport's own */
        complain(t, "no subject", text);
    }
    if (t->n > 1 && !*err->hint) {
        complain(t, "no hint", text);
    }
    if (d->began && !d->errors) {
        complain(t, "no error event", text);
    }
}

/* Once more, undisturbed: the same state as if nothing had happened. */
static void judge_convergence(struct trial *t, struct fake_world *w)
{
    struct drive d;
    struct err err = {0};
    if (fake_world_check(w, "p", FAKE_CHECK_ALWAYS, &err) < 0) {
        complain(t, "left behind", err.message);
    }
    fake_world_mend(w);
    if (run_scenario(w, t->sc, &d, &err) < 0) {
        complain(t, "the next one fails", err.message);
        return;
    }
    CLEANUP_FREE char *now = describe(w, t->sc);
    if (!str_eq(now, t->reference)) {
        CLEANUP_FREE char *both = xasprintf("got\n%sinstead of\n%s", now, t->reference);
        complain(t, "does not converge", both);
    } else if (fake_world_check(w, "p", FAKE_CHECK_SETTLED, &err) < 0) {
        complain(t, "after the next one", err.message);
    }
}

/* False when the nth call does not exist: the command is through. */
static bool try_once(struct trial *t)
{
    struct fake_world *w = world_new(t->sc);
    struct drive d;
    struct err err = {0};
    bool struck = false;
    prepare(w, t->sc);
    if (t->fault) {
        fake_world_fail(w, t->n, t->fault);
    } else {
        fake_world_kill(w, t->n);
    }
    int rc = run_scenario(w, t->sc, &d, &err);
    struck = fake_world_struck(w);
    if (chatty() && struck) {
        print_message("%s %s %zu: %s %s\n", t->sc->name,
                      t->fault ? fake_fault_name(t->fault) : "killed", t->n,
                      rc ? err_code_name(err.code) : "ok", err.message);
    }
    if (d.bad_events) {
        complain(t, "events out of order or incomplete", d.last_error);
    }
    if (rc < 0) {
        judge_error(t, &d, &err);
    }
    if (rc < 0 && !struck) {
        complain(t, "fails without a cause", err.message);
    }
    judge_convergence(t, w);
    fake_world_free(w);
    return struck;
}

/* Returns the number of complaints. */
static int torture(const struct scenario *sc)
{
    const char *only = getenv("FETTLE_TORTURE");
    size_t calls = 0;
    int failures = 0;
    if (only && !strstr(sc->name, only)) {
        return 0;
    }
    CLEANUP_FREE char *want = reference(sc, &calls);
    int64_t began = clock_mono();
    for (int fault = FAKE_FAULT_NONE; fault < FAKE_FAULT_COUNT; fault++) {
        struct trial t = {.sc = sc, .reference = want, .fault = (enum fake_fault)fault, .n = 1};
        while (t.n < CALLS_MAX && t.failures < 5 && try_once(&t)) {
            t.n++;
        }
        assert_true(t.n < CALLS_MAX);
        failures += t.failures;
    }
    print_message("%s: %zu calls, %d ms\n", sc->name, calls,
                  (int)((clock_mono() - began) / NS_PER_MS));
    return failures;
}

static void test_scenario(void **state)
{
    assert_int_equal(torture(*state), 0);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(scenarios)] = {0};
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
        tests[i] = (struct CMUnitTest){.name = scenarios[i].name,
                                       .test_func = test_scenario,
                                       .initial_state = (void *)(uintptr_t)&scenarios[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
