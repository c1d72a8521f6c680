/*
 * fettle ps: docker compose's list of containers, from one list call.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd/containers.h"
#include "cmd/format.h"
#include "ui/table.h"
#include "view/container.h"

/* --status and --filter status=... name states; all of them, to hold rows against. */
static int wanted_states(const struct args *args, unsigned *ret, struct err *err)
{
    const struct vec *list = args_list(args, "status");
    const char *filter = args_text(args, "filter");
    CLEANUP_STRV struct strv names = {0};
    for (size_t i = 0; i < list->len; i++) {
        strv_push(&names, list->items[i]);
    }
    if (filter && str_starts(filter, "status=")) {
        strv_push(&names, filter + 7);
    } else if (filter && !str_starts(filter, "source=")) {
        return err_set(err, ERR_USAGE, "--filter takes status=STATE, not \"%s\"", filter);
    }
    *ret = 0;
    for (size_t i = 0; i < names.len; i++) {
        enum container_state s = container_state_from_name(names.items[i]);
        if (s == CONTAINER_STATE_COUNT) {
            err_set(err, ERR_USAGE, "unknown state \"%s\"", names.items[i]);
            err_hint(err, "states: paused, restarting, removing, running, dead, created, exited");
            return -ERR_USAGE;
        }
        *ret |= 1u << s;
    }
    return 0;
}

static void print_table(struct cmd_context *ctx, const struct containers *c, bool full)
{
    static const char *const head[] = {"NAME",    "IMAGE",  "COMMAND", "SERVICE",
                                       "CREATED", "STATUS", "PORTS"};
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct table t;
    int64_t now = clock_wall();
    table_init(&t, 10, ARRAY_LEN(head), head);
    for (size_t i = 0; i < c->count; i++) {
        const struct observed_container *it = c->items[i];
        table_cell(&t, it->name);
        table_cell(&t, it->image);
        view_command(&b, it, full);
        table_cell(&t, buf_text(&b));
        table_cell(&t, it->service);
        buf_clear(&b);
        view_duration(&b, now - it->created);
        buf_str(&b, " ago");
        table_cell(&t, buf_text(&b));
        table_cell(&t, it->status);
        buf_clear(&b);
        view_ports(&b, it);
        table_cell(&t, buf_text(&b));
        buf_clear(&b);
    }
    table_print(&t, &b, ctx->out.colour, 0);
    show_buf(STDOUT_FILENO, &b);
    table_release(&t);
}

static void print_services(const struct containers *c)
{
    CLEANUP_STRV struct strv seen = {0};
    for (size_t i = 0; i < c->count; i++) {
        if (!strv_contains(&seen, c->items[i]->service)) {
            strv_push(&seen, c->items[i]->service);
            show_text("%s\n", c->items[i]->service);
        }
    }
}

static int print_rows(const struct containers *c, bool full, const char *template, struct err *err)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    int64_t now = clock_wall();
    int rc = 0;
    for (size_t i = 0; i < c->count && rc == 0; i++) {
        json_t *row = view_ps(c->items[i], full, now);
        if (template) {
            rc = format_template(&b, template, row, err);
            json_decref(row);
        } else {
            format_json_line(&b, row);
        }
    }
    if (rc == 0) {
        show_buf(STDOUT_FILENO, &b);
    }
    return rc;
}

static int print(struct cmd_context *ctx, const struct args *args, const struct containers *c,
                 struct err *err)
{
    const char *template = NULL;
    bool full = args_flag(args, "no-trunc");
    if (args_flag(args, "quiet")) {
        for (size_t i = 0; i < c->count; i++) {
            show_text("%s\n", c->items[i]->id);
        }
        return 0;
    }
    if (args_flag(args, "services")) {
        print_services(c);
        return 0;
    }
    if (format_of(ctx, args, &template) == FORMAT_TABLE) {
        print_table(ctx, c, full);
        return 0;
    }
    return print_rows(c, full, template, err);
}

static int run_ps(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct containers c = {0};
    unsigned states = 0, flags = 0;
    int rc = wanted_states(args, &states, err);
    if (rc) {
        return rc;
    }
    flags |= args_flag(args, "all") || states ? CONTAINERS_ALL | CONTAINERS_ONEOFF : 0;
    flags |= args_flag(args, "orphans") ? 0 : CONTAINERS_KNOWN;
    rc = containers_load(ctx, args->argv, args->argc, flags, &c, err);
    if (rc == 0 && states) {
        size_t kept = 0;
        for (size_t i = 0; i < c.count; i++) {
            if (states & (1u << c.items[i]->state)) {
                c.items[kept++] = c.items[i];
            }
        }
        c.count = kept;
    }
    rc = rc ? rc : print(ctx, args, &c, err);
    containers_release(&c);
    return rc;
}

static const struct option options[] = {
    {"all", 'a', OPTION_FLAG, NULL, "Show stopped containers too, and those of run"},
    {"filter", 0, OPTION_TEXT, "STATUS", "Only those with status=STATE"},
    {"format", 0, OPTION_TEXT, "FORMAT",
     "table, json (an object a line) or a template like "
     "'{{.Name}}'"},
    {"no-trunc", 0, OPTION_FLAG, NULL, "Show commands and ids in full"},
    {"orphans", 0, OPTION_FLAG, NULL, "Show containers of services that are not in the files",
     .bits = OPTION_DEFAULT_TRUE},
    {"quiet", 'q', OPTION_FLAG, NULL, "Only ids"},
    {"services", 0, OPTION_FLAG, NULL, "Only names of services"},
    {"status", 0, OPTION_LIST, "STATE", "Only those in this state",
     .choices = "paused restarting removing running dead created exited"},
    {NULL},
};

const struct cmd cmd_ps = {
    .name = "ps",
    .summary = "List containers",
    .usage = "[OPTIONS] [SERVICE...]",
    .examples = "fettle ps -a # stopped ones too\n"
                "fettle ps --format json # an object a line, as docker compose prints it\n"
                "fettle ps --status exited",
    .options = options,
    .max_args = -1,
    .group = GROUP_LOOK,
    .completes = COMPLETE_SERVICE,
    .run = run_ps,
};
