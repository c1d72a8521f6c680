/*
 * fettle volumes: the project's volumes.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/containers.h"
#include "cmd/format.h"
#include "engine/observe.h"
#include "ui/table.h"
#include "view/text.h"

static json_t *row_of(const struct observed_volume *v)
{
    CLEANUP_BUF struct buf labels = BUF_INIT;
    json_t *j = json_object();
    for (size_t i = 0; i < v->labels.count; i++) {
        buf_printf(&labels, "%s%s=%s", i ? "," : "", v->labels.items[i].key,
                   v->labels.items[i].value ? v->labels.items[i].value : "");
    }
    json_object_set_new(j, "Availability", json_string("N/A"));
    json_object_set_new(j, "Driver", view_text(v->driver));
    json_object_set_new(j, "Group", json_string("N/A"));
    json_object_set_new(j, "Labels", view_text(buf_text(&labels)));
    json_object_set_new(j, "Links", json_string("N/A"));
    json_object_set_new(j, "Mountpoint", view_text(v->mountpoint));
    json_object_set_new(j, "Name", view_text(v->name));
    json_object_set_new(j, "Scope", json_string("local"));
    json_object_set_new(j, "Size", json_string("N/A"));
    json_object_set_new(j, "Status", json_string("N/A"));
    return j;
}

/* With services named: only the volumes that their containers mount. */
static bool mounted(const struct observed *o, const struct args *args, const char *volume)
{
    for (size_t i = 0; i < o->container_count; i++) {
        const struct observed_container *c = &o->containers[i];
        bool named = false;
        for (size_t a = 0; a < args->argc; a++) {
            named = named || str_eq(c->service, args->argv[a]);
        }
        for (size_t m = 0; named && m < c->mount_count; m++) {
            if (str_eq(c->mounts[m].name, volume)) {
                return true;
            }
        }
    }
    return args->argc == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct observed_volume *)a)->name,
                  ((const struct observed_volume *)b)->name);
}

static int print(struct cmd_context *ctx, const struct args *args, const struct observed *o,
                 struct err *err)
{
    static const char *const head[] = {"DRIVER", "VOLUME NAME"};
    const char *template = NULL;
    enum format format = format_of(ctx, args, &template);
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct table t;
    int rc = 0;
    table_init(&t, 10, ARRAY_LEN(head), head);
    for (size_t i = 0; i < o->volume_count && rc == 0; i++) {
        const struct observed_volume *v = &o->volumes[i];
        if (!mounted(o, args, v->name)) {
            continue;
        }
        if (args_flag(args, "quiet")) {
            buf_printf(&b, "%s\n", v->name);
        } else if (format == FORMAT_JSON) {
            format_json_line(&b, row_of(v));
        } else if (format == FORMAT_TEMPLATE) {
            json_t *row = row_of(v);
            rc = format_template(&b, template, row, err);
            json_decref(row);
        } else {
            table_cell(&t, v->driver);
            table_cell(&t, v->name);
        }
    }
    if (format == FORMAT_TABLE && !args_flag(args, "quiet")) {
        table_print(&t, &b, ctx->out.colour, 0);
    }
    show_buf(STDOUT_FILENO, &b);
    table_release(&t);
    return rc;
}

static int run_volumes(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct observed o = {0};
    struct engine *engine = NULL;
    const char *name = NULL;
    int rc = context_name(ctx, &name, err);
    rc = rc ? rc : context_engine(ctx, &engine, err);
    if (rc) {
        return rc;
    }
    observe_start(engine, name, NULL, OBSERVE_VOLUMES | (args->argc ? OBSERVE_CONTAINERS : 0), &o,
                  context_done, ctx);
    rc = context_wait(ctx, err);
    if (rc == 0 && o.volume_count) {
        qsort(o.volumes, o.volume_count, sizeof(*o.volumes), by_name);
    }
    rc = rc ? rc : print(ctx, args, &o, err);
    observed_release(&o);
    return rc;
}

static const struct option options[] = {
    {"format", 0, OPTION_TEXT, "FORMAT", "table, json (an object a line) or a template"},
    {"quiet", 'q', OPTION_FLAG, NULL, "Only names"},
    {NULL},
};

const struct cmd cmd_volumes = {
    .name = "volumes",
    .summary = "List the project's volumes",
    .usage = "[OPTIONS] [SERVICE...]",
    .options = options,
    .max_args = -1,
    .group = GROUP_LOOK,
    .completes = COMPLETE_SERVICE,
    .run = run_volumes,
};
