/*
 * fettle status: every service with its state and what was proved about it just now. The proofs are
 * those of `up`, asked once more of what runs; nothing is changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd/format.h"
#include "engine/observe.h"
#include "ev/ev.h"
#include "model/event.h"
#include "model/project.h"
#include "plan/plan.h"
#include "run/run.h"
#include "ui/progress.h"
#include "ui/summary.h"
#include "ui/table.h"
#include "view/event.h"
#include "view/text.h"

/* What a healthy service needs to answer; one that does not within it counts as not ready. */
#define PROOF_TIME (2 * NS_PER_SEC)

enum standing { STAND_READY, STAND_RUNNING, STAND_NOT_READY, STAND_DONE, STAND_DOWN, STAND_COUNT };

static const struct {
    const char *name;
    const char *glyph, *ascii;
    enum style style;
} standings[] = {
    {"ready", "✔", "+", STYLE_GREEN},   {"running", "●", "o", STYLE_CYAN},
    {"not ready", "✘", "x", STYLE_RED}, {"done", "■", "-", STYLE_BLUE},
    {"down", "✘", "x", STYLE_RED},
};
_Static_assert(ARRAY_LEN(standings) == STAND_COUNT, "every standing has a row");

struct row {
    const struct observed_container *c; /* NULL: the service has no container */
    const char *service;
    enum standing standing;
    char text[200];
    struct outcome last; /* of the newest attempt */
    bool tried;
};

struct status {
    struct row *rows;
    size_t count;
    struct observed observed;
    struct plan plan;
    struct event_hub hub;
    struct run *run;
};

static struct row *row_of(struct status *s, const char *container)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->rows[i].c && strcmp(s->rows[i].c->name, container) == 0) {
            return &s->rows[i];
        }
    }
    return NULL;
}

static void on_event(void *arg, const struct event *e)
{
    struct row *row = row_of(arg, e->name);
    if (!row || row->standing == STAND_READY) {
        return;
    }
    if (e->kind == EVENT_PROBE) {
        row->last = e->outcome;
        row->tried = true;
    } else if (e->kind == EVENT_UNIT && (e->state == UNIT_READY || e->state == UNIT_STARTED)) {
        row->standing = e->state == UNIT_READY ? STAND_READY : STAND_RUNNING;
        snprintf(row->text, sizeof(row->text), "%s", e->state == UNIT_READY ? e->text : "");
    } else if (e->kind == EVENT_UNIT && e->state == UNIT_FAILED) {
        row->standing = STAND_NOT_READY;
        snprintf(row->text, sizeof(row->text), "%s", e->text);
    }
}

/* Before anything is proved: what the engine's list says. */
static void judge_list(struct row *row)
{
    const struct observed_container *c = row->c;
    if (!c) {
        row->standing = STAND_DOWN;
        snprintf(row->text, sizeof(row->text), "not created");
    } else if (c->state == CONTAINER_RUNNING) {
        row->standing = STAND_NOT_READY;
    } else {
        bool done = c->state == CONTAINER_EXITED && c->exit_code == 0;
        row->standing = done ? STAND_DONE : STAND_DOWN;
        snprintf(row->text, sizeof(row->text), "%s", c->status);
    }
}

static bool named(const struct args *args, const char *service)
{
    bool found = args->argc == 0;
    for (size_t i = 0; i < args->argc; i++) {
        found = found || strcmp(args->argv[i], service) == 0;
    }
    return found;
}

static void collect(struct status *s, const struct args *args, const struct project *p)
{
    s->rows = xcalloc(p->service_count + s->observed.container_count + 1, sizeof(*s->rows));
    for (size_t i = 0; i < p->service_count; i++) {
        size_t before = s->count;
        if (!named(args, p->services[i].name)) {
            continue;
        }
        for (size_t k = 0; k < s->observed.container_count; k++) {
            const struct observed_container *c = &s->observed.containers[k];
            if (!c->oneoff && str_eq(c->service, p->services[i].name)) {
                s->rows[s->count++] = (struct row){.c = c, .service = p->services[i].name};
            }
        }
        if (s->count == before && p->services[i].replicas != 0) {
            s->rows[s->count++] = (struct row){.service = p->services[i].name};
        }
    }
    for (size_t i = 0; i < s->count; i++) {
        judge_list(&s->rows[i]);
    }
}

/* Not yet proved when the time was over: the newest attempt says why. */
static void conclude(struct status *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct row *row = &s->rows[i];
        if (row->standing == STAND_NOT_READY && row->tried) {
            snprintf(row->text, sizeof(row->text), "%s", row->last.text);
        } else if (row->standing == STAND_NOT_READY && !row->text[0]) {
            snprintf(row->text, sizeof(row->text), "no answer yet");
        }
    }
}

static int prove(struct cmd_context *ctx, struct engine *engine, struct status *s,
                 const struct args *args, const struct project *p, struct err *err)
{
    struct plan_options wanted = {.services = args->argv, .service_count = args->argc};
    struct run_options options = {.flags = RUN_KEEP_GOING,
                                  .deadline = clock_mono() + PROOF_TIME,
                                  .stop_timeout = -1,
                                  .project = p->name};
    struct err ignored = {0};
    int rc = plan_prove(p, &s->observed, &wanted, &s->plan, err);
    if (rc || s->plan.step_count == 0) {
        return rc;
    }
    event_hub_add(&s->hub, on_event, s);
    s->run = run_new(context_loop(ctx), engine, &s->plan, &s->hub, &options);
    run_start(s->run, context_done, ctx);
    rc = context_wait(ctx, &ignored);
    if (rc == -ERR_CANCELLED && ctx->interrupts) {
        *err = ignored;
        return rc;
    }
    return 0;
}

static void addresses(struct buf *out, const struct observed_container *c)
{
    CLEANUP_STRV struct strv seen = {0};
    for (size_t i = 0; c && i < c->port_count; i++) {
        CLEANUP_BUF struct buf b = BUF_INIT;
        summary_address(&b, &c->ports[i]);
        if (b.len && !strv_contains(&seen, buf_text(&b))) {
            strv_push(&seen, buf_text(&b));
            buf_printf(out, "%s%s", out->len ? " " : "", buf_text(&b));
        }
    }
}

static void print_table(const struct cmd_context *ctx, const struct status *s)
{
    static const char *const head[] = {"  SERVICE", "STATE", "UP", "ADDRESS", "PROOF"};
    bool utf8 = progress_env_utf8();
    CLEANUP_BUF struct buf b = BUF_INIT, cell = BUF_INIT;
    struct table t;
    table_init(&t, 4, ARRAY_LEN(head), head);
    t.gap = 2;
    for (size_t i = 0; i < s->count; i++) {
        const struct row *row = &s->rows[i];
        bool several = row->c && row->c->number > 1;
        buf_clear(&cell);
        buf_printf(&cell, "%s %s",
                   utf8 ? standings[row->standing].glyph : standings[row->standing].ascii,
                   row->service);
        if (several) {
            buf_printf(&cell, " %d", row->c->number);
        }
        table_cell(&t, buf_text(&cell));
        table_cell_styled(&t, standings[row->standing].name, standings[row->standing].style);
        buf_clear(&cell);
        if (row->c && str_starts(row->c->status, "Up ")) {
            const char *since = row->c->status + 3;
            buf_append(&cell, since, strcspn(since, "("));
        }
        table_cell(&t, buf_text(&cell));
        buf_clear(&cell);
        addresses(&cell, row->c);
        table_cell(&t, buf_text(&cell));
        table_cell(&t, row->text);
    }
    table_print(&t, &b, ctx->out.colour, ctx->out.tty ? ctx->out.columns : 0);
    show_buf(STDOUT_FILENO, &b);
    table_release(&t);
}

static void print_json(const struct status *s)
{
    CLEANUP_BUF struct buf b = BUF_INIT, cell = BUF_INIT;
    for (size_t i = 0; i < s->count; i++) {
        const struct row *row = &s->rows[i];
        json_t *j = json_object();
        json_object_set_new(j, "service", view_text(row->service));
        json_object_set_new(j, "standing", json_string(standings[row->standing].name));
        view_set_text(j, "text", row->text);
        if (row->c) {
            json_object_set_new(j, "name", view_text(row->c->name));
            json_object_set_new(j, "id", view_text(row->c->id));
            json_object_set_new(j, "state", json_string(container_state_name(row->c->state)));
            json_object_set_new(j, "health", json_string(engine_health_name(row->c->health)));
            json_object_set_new(j, "exit_code", json_integer(row->c->exit_code));
            buf_clear(&cell);
            addresses(&cell, row->c);
            view_set_text(j, "address", buf_text(&cell));
        }
        if (row->tried) {
            json_object_set_new(j, "probe", view_outcome(&row->last));
        }
        format_json_line(&b, j);
    }
    show_buf(STDOUT_FILENO, &b);
}

static int run_status(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct status s = {0};
    struct project *p = NULL, *from_labels = NULL;
    struct engine *engine = NULL;
    const char *name = NULL;
    int rc = context_project(ctx, PROJECT_OPTIONAL, NULL, 0, &p, err);
    rc = rc ? rc : context_name(ctx, &name, err);
    rc = rc ? rc : context_engine(ctx, &engine, err);
    if (rc) {
        return rc;
    }
    observe_start(engine, name, p, OBSERVE_CONTAINERS | (p ? OBSERVE_IMAGES : 0), &s.observed,
                  context_done, ctx);
    rc = context_wait(ctx, err);
    if (rc == 0 && !p) {
        p = from_labels = plan_project_from_labels(name, &s.observed);
    }
    if (rc == 0) {
        collect(&s, args, p);
        rc = prove(ctx, engine, &s, args, p, err);
    }
    if (rc == 0) {
        conclude(&s);
        if (ctx->json) {
            print_json(&s);
        } else {
            print_table(ctx, &s);
        }
        for (size_t i = 0; i < s.count; i++) {
            bool bad = s.rows[i].standing == STAND_NOT_READY || s.rows[i].standing == STAND_DOWN;
            rc = bad ? err_exit_status(ERR_UNHEALTHY) : rc;
        }
    }
    run_free(s.run);
    plan_release(&s.plan);
    free(s.rows);
    observed_release(&s.observed);
    project_free(from_labels);
    return rc;
}

const struct cmd cmd_status = {
    .name = "status",
    .summary = "Show every service with what was proved about it just now",
    .usage = "[SERVICE...]",
    .description = "Asks each running service what up would ask before releasing its dependents: "
                   "a login and a query, a PING and a write, an HTTP status, its health check. "
                   "Ends with 1 when anything is down or not ready.",
    .examples = "fettle status\n"
                "fettle status --json # an object a line",
    .max_args = -1,
    .group = GROUP_LOOK,
    .completes = COMPLETE_SERVICE,
    .run = run_status,
};
