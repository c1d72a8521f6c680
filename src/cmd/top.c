/*
 * fettle top: the processes of every container in one table.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/containers.h"
#include "cmd/format.h"
#include "cmd/gather.h"
#include "ui/table.h"
#include "view/text.h"

/* Engines differ in the columns that ps gives: those of the first answer, others by title. */
static size_t titles_of(const struct gather *g, const char **ret)
{
    size_t n = 0;
    ret[n++] = "SERVICE";
    ret[n++] = "#";
    for (size_t i = 0; i < g->count && n == 2; i++) {
        const json_t *titles = json_object_get(g->answers[i], "Titles");
        for (size_t t = 0; t < json_array_size(titles) && n < TABLE_COLUMNS_MAX; t++) {
            const char *title = json_string_value(json_array_get(titles, t));
            ret[n++] = title ? title : "";
        }
    }
    return n;
}

static void add_rows(struct table *t, const struct observed_container *c, const json_t *answer,
                     const char *const *titles, size_t count)
{
    const json_t *own = json_object_get(answer, "Titles");
    const json_t *processes = json_object_get(answer, "Processes");
    for (size_t p = 0; p < json_array_size(processes); p++) {
        const json_t *process = json_array_get(processes, p);
        CLEANUP_FREE char *number = xasprintf("%d", c->number);
        table_cell(t, c->service);
        table_cell(t, number);
        for (size_t i = 2; i < count; i++) {
            const char *value = NULL;
            for (size_t k = 0; k < json_array_size(own) && !value; k++) {
                if (str_eq(json_string_value(json_array_get(own, k)), titles[i])) {
                    value = json_string_value(json_array_get(process, k));
                }
            }
            table_cell(t, value ? value : "-");
        }
    }
}

static void print_json(const struct containers *c, const struct gather *g)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    for (size_t i = 0; i < c->count; i++) {
        json_t *j = json_object();
        json_object_set_new(j, "Service", view_text(c->items[i]->service));
        json_object_set_new(j, "Name", view_text(c->items[i]->name));
        json_object_set(j, "Titles", json_object_get(g->answers[i], "Titles"));
        json_object_set(j, "Processes", json_object_get(g->answers[i], "Processes"));
        format_json_line(&b, j);
    }
    show_buf(STDOUT_FILENO, &b);
}

static void print_table(const struct cmd_context *ctx, const struct containers *c,
                        const struct gather *g)
{
    const char *titles[TABLE_COLUMNS_MAX];
    size_t count = titles_of(g, titles);
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct table t;
    table_init(&t, 4, count, titles);
    for (size_t i = 0; i < c->count; i++) {
        if (g->answers[i]) {
            add_rows(&t, c->items[i], g->answers[i], titles, count);
        } else {
            show_warning(ctx, "%s: %s", c->items[i]->name, g->errors[i].message);
        }
    }
    t.gap = 2;
    table_print(&t, &b, ctx->out.colour, 0);
    show_buf(STDOUT_FILENO, &b);
    table_release(&t);
}

static int run_top(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct containers c = {0};
    struct gather g = {0};
    struct engine *engine = NULL;
    CLEANUP_STRV struct strv paths = {0};
    int rc = containers_load(ctx, args->argv, args->argc, CONTAINERS_ONEOFF, &c, err);
    for (size_t i = 0; rc == 0 && i < c.count; i++) {
        strv_take(&paths, xasprintf("/containers/%s/top", c.items[i]->id));
    }
    rc = rc ? rc : context_engine(ctx, &engine, err);
    rc = rc ? rc : gather_get(ctx, engine, paths.items, paths.len, &g, err);
    if (rc == 0 && ctx->json) {
        print_json(&c, &g);
    } else if (rc == 0 && c.count) {
        print_table(ctx, &c, &g);
    }
    gather_release(&g);
    containers_release(&c);
    return rc;
}

const struct cmd cmd_top = {
    .name = "top",
    .summary = "Show the running processes",
    .usage = "[SERVICE...]",
    .examples = "fettle top\n"
                "fettle top backend",
    .max_args = -1,
    .group = GROUP_LOOK,
    .completes = COMPLETE_SERVICE,
    .run = run_top,
};
