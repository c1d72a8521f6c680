/*
 * fettle images: which image each container was made from.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "cmd/containers.h"
#include "cmd/format.h"
#include "cmd/gather.h"
#include "ui/table.h"
#include "view/container.h"
#include "view/text.h"

/* One look per image, however many containers share it. */
struct images {
    struct containers c;
    struct strv paths;
    size_t *which; /* container to path */
    struct gather g;
};

static void ask(struct images *x)
{
    x->which = xcalloc(x->c.count + 1, sizeof(*x->which));
    for (size_t i = 0; i < x->c.count; i++) {
        CLEANUP_FREE char *path = xasprintf("/images/%s/json", x->c.items[i]->image_id);
        size_t k = 0;
        while (k < x->paths.len && strcmp(x->paths.items[k], path) != 0) {
            k++;
        }
        if (k == x->paths.len) {
            strv_push(&x->paths, path);
        }
        x->which[i] = k;
    }
}

static const char *member(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* The tag that the container's image was named by, else the first one. */
static void repository(const json_t *image, const char *wanted, struct buf *name, struct buf *tag)
{
    const json_t *tags = json_object_get(image, "RepoTags");
    const char *best = json_string_value(json_array_get(tags, 0));
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *it = json_string_value(json_array_get(tags, i));
        best = it && str_eq(it, wanted) ? it : best;
    }
    const char *colon = best ? strrchr(best, ':') : NULL;
    if (!colon || strchr(colon, '/')) {
        buf_str(name, best ? best : "<none>");
        buf_str(tag, "<none>");
    } else {
        buf_append(name, best, (size_t)(colon - best));
        buf_str(tag, colon + 1);
    }
}

static void platform(struct buf *out, const json_t *image)
{
    const char *variant = member(image, "Variant");
    buf_printf(out, "%s/%s%s%s", member(image, "Os"), member(image, "Architecture"),
               variant[0] ? "/" : "", variant);
}

static void print_table(const struct cmd_context *ctx, const struct images *x)
{
    static const char *const head[] = {"CONTAINER", "REPOSITORY", "TAG",    "PLATFORM",
                                       "IMAGE ID",  "SIZE",       "CREATED"};
    CLEANUP_BUF struct buf b = BUF_INIT, tag = BUF_INIT;
    struct table t;
    int64_t now = clock_wall();
    table_init(&t, 20, ARRAY_LEN(head), head);
    for (size_t i = 0; i < x->c.count; i++) {
        const struct observed_container *c = x->c.items[i];
        const json_t *image = x->g.answers[x->which[i]];
        const char *id = str_starts(c->image_id, "sha256:") ? c->image_id + 7 : c->image_id;
        int64_t created = 0;
        table_cell(&t, c->name);
        repository(image, c->image, &b, &tag);
        table_cell(&t, buf_text(&b));
        table_cell(&t, buf_text(&tag));
        buf_clear(&b);
        buf_clear(&tag);
        platform(&b, image);
        table_cell(&t, buf_text(&b));
        buf_clear(&b);
        buf_printf(&b, "%.12s", id);
        table_cell(&t, buf_text(&b));
        buf_clear(&b);
        view_size(&b, json_number_value(json_object_get(image, "Size")), 3);
        table_cell(&t, buf_text(&b));
        buf_clear(&b);
        if (parse_rfc3339(member(image, "Created"), &created, NULL) == 0 && created) {
            view_duration(&b, now - created);
            buf_str(&b, " ago");
        } else {
            buf_str(&b, "N/A");
        }
        table_cell(&t, buf_text(&b));
        buf_clear(&b);
    }
    table_print(&t, &b, ctx->out.colour, 0);
    show_buf(STDOUT_FILENO, &b);
    table_release(&t);
}

static void print_json(const struct images *x)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    json_t *rows = json_array();
    for (size_t i = 0; i < x->c.count; i++) {
        const struct observed_container *c = x->c.items[i];
        const json_t *image = x->g.answers[x->which[i]];
        CLEANUP_BUF struct buf name = BUF_INIT, tag = BUF_INIT, where = BUF_INIT;
        json_t *row = json_object();
        repository(image, c->image, &name, &tag);
        platform(&where, image);
        json_object_set_new(row, "ID", view_text(c->image_id));
        json_object_set_new(row, "ContainerName", view_text(c->name));
        json_object_set_new(row, "Repository", view_text(buf_text(&name)));
        json_object_set_new(row, "Tag", view_text(buf_text(&tag)));
        json_object_set_new(row, "Platform", view_text(buf_text(&where)));
        json_object_set_new(row, "Size",
                            json_integer(json_integer_value(json_object_get(image, "Size"))));
        json_object_set_new(row, "LastTagTime",
                            view_text(member(json_object_get(image, "Metadata"), "LastTagTime")));
        json_array_append_new(rows, row);
    }
    format_json_line(&b, rows);
    show_buf(STDOUT_FILENO, &b);
}

static void print_quiet(const struct images *x)
{
    CLEANUP_STRV struct strv seen = {0};
    for (size_t i = 0; i < x->c.count; i++) {
        const char *id = x->c.items[i]->image_id;
        if (!strv_contains(&seen, id)) {
            strv_push(&seen, id);
            show_text("%s\n", str_starts(id, "sha256:") ? id + 7 : id);
        }
    }
}

static int run_images(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct images x = {0};
    struct engine *engine = NULL;
    const char *template = NULL;
    int rc = containers_load(ctx, args->argv, args->argc,
                             CONTAINERS_ALL | CONTAINERS_ONEOFF | CONTAINERS_LENIENT, &x.c, err);
    if (rc == 0 && args_flag(args, "quiet")) {
        print_quiet(&x);
        containers_release(&x.c);
        return 0;
    }
    if (rc == 0) {
        ask(&x);
        rc = context_engine(ctx, &engine, err);
    }
    rc = rc ? rc : gather_get(ctx, engine, x.paths.items, x.paths.len, &x.g, err);
    if (rc == 0 && format_of(ctx, args, &template) == FORMAT_JSON) {
        print_json(&x);
    } else if (rc == 0) {
        print_table(ctx, &x);
    }
    gather_release(&x.g);
    strv_release(&x.paths);
    free(x.which);
    containers_release(&x.c);
    return rc;
}

static const struct option options[] = {
    {"format", 0, OPTION_TEXT, "FORMAT", "table or json", .choices = "table json text pretty"},
    {"quiet", 'q', OPTION_FLAG, NULL, "Only ids"},
    {NULL},
};

const struct cmd cmd_images = {
    .name = "images",
    .summary = "List the images of the created containers",
    .usage = "[OPTIONS] [SERVICE...]",
    .examples = "fettle images\n"
                "fettle images --format json backend",
    .options = options,
    .max_args = -1,
    .group = GROUP_IMAGES,
    .completes = COMPLETE_SERVICE,
    .run = run_images,
};
