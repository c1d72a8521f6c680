/*
 * fettle ls: every Compose project on the engine, from one list call.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/format.h"
#include "engine/observe.h"
#include "model/observed.h"
#include "ui/table.h"
#include "view/container.h"
#include "view/text.h"

struct stack {
    const char *name;
    struct vec containers; /* const struct observed_container * */
    struct strv files;
};

static struct stack *stack_of(struct stack *list, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(list[i].name, name) == 0) {
            return &list[i];
        }
    }
    list[*count] = (struct stack){.name = name};
    return &list[(*count)++];
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct stack *)a)->name, ((const struct stack *)b)->name);
}

static bool alive(const struct observed_container *c)
{
    return c->state == CONTAINER_RUNNING || c->state == CONTAINER_PAUSED ||
           c->state == CONTAINER_RESTARTING;
}

/* Containers to projects; without `all` only what runs counts. */
static size_t collect(const struct observed *o, bool all, const char *pattern, struct stack *list)
{
    size_t count = 0;
    for (size_t i = 0; i < o->container_count; i++) {
        const struct observed_container *c = &o->containers[i];
        if (str_empty(c->project) || str_empty(c->config_hash) || c->oneoff ||
            (!all && !alive(c)) || (pattern && !strstr(c->project, pattern))) {
            continue;
        }
        struct stack *s = stack_of(list, &count, c->project);
        vec_push(&s->containers, (void *)(uintptr_t)c);
        CLEANUP_STRV struct strv files = {0};
        str_split(c->config_files, ',', &files);
        for (size_t f = 0; f < files.len; f++) {
            if (!strv_contains(&s->files, files.items[f])) {
                strv_push(&s->files, files.items[f]);
            }
        }
    }
    qsort(list, count, sizeof(*list), by_name);
    return count;
}

static void join(struct buf *out, const struct strv *list)
{
    for (size_t i = 0; i < list->len; i++) {
        buf_printf(out, "%s%s", i ? "," : "", list->items[i]);
    }
}

static void status_of(struct buf *out, const struct stack *s)
{
    view_ls_status(out, (const struct observed_container *const *)s->containers.items,
                   s->containers.len);
}

static void print_json(const struct stack *list, size_t count)
{
    CLEANUP_BUF struct buf b = BUF_INIT, cell = BUF_INIT;
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "Name", view_text(list[i].name));
        status_of(&cell, &list[i]);
        json_object_set_new(row, "Status", view_text(buf_text(&cell)));
        buf_clear(&cell);
        join(&cell, &list[i].files);
        json_object_set_new(row, "ConfigFiles", view_text(buf_text(&cell)));
        buf_clear(&cell);
        json_array_append_new(rows, row);
    }
    format_json_line(&b, rows);
    show_buf(STDOUT_FILENO, &b);
}

static void print_table(const struct cmd_context *ctx, const struct stack *list, size_t count)
{
    static const char *const head[] = {"NAME", "STATUS", "CONFIG FILES"};
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct table t;
    table_init(&t, 20, ARRAY_LEN(head), head);
    for (size_t i = 0; i < count; i++) {
        table_cell(&t, list[i].name);
        status_of(&b, &list[i]);
        table_cell(&t, buf_text(&b));
        buf_clear(&b);
        join(&b, &list[i].files);
        table_cell(&t, buf_text(&b));
        buf_clear(&b);
    }
    table_print(&t, &b, ctx->out.colour, 0);
    show_buf(STDOUT_FILENO, &b);
    table_release(&t);
}

static int run_ls(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct observed o = {0};
    struct engine *engine = NULL;
    const char *filter = args_text(args, "filter"), *template = NULL;
    if (filter && !str_starts(filter, "name=")) {
        return err_set(err, ERR_USAGE, "--filter takes name=TEXT, not \"%s\"", filter);
    }
    int rc = context_engine(ctx, &engine, err);
    if (rc) {
        return rc;
    }
    observe_start(engine, NULL, NULL, OBSERVE_CONTAINERS, &o, context_done, ctx);
    rc = context_wait(ctx, err);
    if (rc == 0) {
        struct stack *list = xcalloc(o.container_count + 1, sizeof(*list));
        size_t count = collect(&o, args_flag(args, "all"), filter ? filter + 5 : NULL, list);
        if (args_flag(args, "quiet")) {
            for (size_t i = 0; i < count; i++) {
                show_text("%s\n", list[i].name);
            }
        } else if (format_of(ctx, args, &template) == FORMAT_JSON) {
            print_json(list, count);
        } else {
            print_table(ctx, list, count);
        }
        for (size_t i = 0; i < count; i++) {
            vec_release(&list[i].containers);
            strv_release(&list[i].files);
        }
        free(list);
    }
    observed_release(&o);
    return rc;
}

static const struct option options[] = {
    {"all", 'a', OPTION_FLAG, NULL, "Show stopped projects too"},
    {"filter", 0, OPTION_TEXT, "FILTER", "Only those whose name contains TEXT: name=TEXT"},
    {"format", 0, OPTION_TEXT, "FORMAT", "table or json", .choices = "table json text pretty"},
    {"quiet", 'q', OPTION_FLAG, NULL, "Only names"},
    {NULL},
};

const struct cmd cmd_ls = {
    .name = "ls",
    .summary = "List Compose projects on the engine",
    .usage = "[OPTIONS]",
    .options = options,
    .group = GROUP_LOOK,
    .run = run_ls,
};
