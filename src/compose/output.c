/*
 * config's output, from the tree that the project was made from. Pure.
 */
#include "compose/output.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"
#include "compose/interpolate.h"
#include "compose/shape.h"

enum { CELL_MIN = 20 }; /* of a table, as the reference has it */

/* Every `$` doubled. */
static void append_escaped(struct buf *out, const struct buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        buf_char(out, text->data[i]);
        if (text->data[i] == '$') {
            buf_char(out, '$');
        }
    }
}

static void write_model(const struct node *shape, bool json, bool escape, struct buf *out)
{
    struct buf text = BUF_INIT;
    if (json) {
        json_write(&text, shape, true);
    } else {
        yaml_write(&text, shape);
    }
    if (escape) {
        append_escaped(out, &text);
    } else {
        buf_append(out, buf_text(&text), text.len);
    }
    buf_release(&text);
}

void output_json(const struct project *project, struct buf *out)
{
    struct arena scratch;
    arena_init(&scratch);
    write_model(shape_project(&scratch, project->tree, SHAPE_JSON), true, true, out);
    arena_release(&scratch);
}

void output_yaml(const struct project *project, struct buf *out)
{
    struct arena scratch;
    arena_init(&scratch);
    write_model(shape_project(&scratch, project->tree, SHAPE_YAML), false, true, out);
    arena_release(&scratch);
}

/* The reference's raw model shows empty lists as null. */
static void empty_to_null(struct node *n)
{
    if (n->kind == NODE_LIST && n->count == 0) {
        n->kind = NODE_NULL;
    }
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++) {
        empty_to_null(n->items[i]);
    }
    for (size_t i = 0; n->kind == NODE_MAP && i < n->len; i++) {
        empty_to_null(n->entries[i].value);
    }
}

void output_raw(const struct project *project, bool json, struct buf *out)
{
    struct arena scratch;
    struct node *shape = NULL;
    arena_init(&scratch);
    shape = shape_sorted(&scratch, project->tree, json ? SHAPE_JSON : SHAPE_YAML);
    if (json) {
        empty_to_null(shape);
    }
    write_model(shape, json, false, out);
    arena_release(&scratch);
}

void output_images_only(const struct project *project, bool json, struct buf *out)
{
    struct arena scratch;
    struct pos none = {0};
    struct node *root = NULL, *services = NULL;
    arena_init(&scratch);
    root = node_map(&scratch, none);
    services = node_map(&scratch, none);
    for (size_t i = 0; i < project->service_count; i++) {
        struct node *service = node_map(&scratch, none);
        if (json) {
            node_set(&scratch, service, "command", none, node_null(&scratch, none));
            node_set(&scratch, service, "entrypoint", none, node_null(&scratch, none));
        }
        if (project->services[i].image) {
            node_set(&scratch, service, "image", none,
                     node_string(&scratch, none, project->services[i].image));
        }
        node_set(&scratch, services, project->services[i].name, none, service);
    }
    node_set(&scratch, root, "services", none, services);
    write_model(root, json, true, out);
    arena_release(&scratch);
}

void output_services(const struct project *project, struct buf *out)
{
    for (size_t i = 0; i < project->service_count; i++) {
        buf_printf(out, "%s\n", project->services[i].name);
    }
}

static void write_sorted(struct strv *names, struct buf *out)
{
    strv_sort(names);
    for (size_t i = 0; i < names->len; i++) {
        if (i == 0 || !str_eq(names->items[i], names->items[i - 1])) {
            buf_printf(out, "%s\n", names->items[i]);
        }
    }
    strv_release(names);
}

void output_networks(const struct project *project, struct buf *out)
{
    struct strv names = {0};
    for (size_t i = 0; i < project->network_count; i++) {
        strv_push(&names, project->networks[i].key);
    }
    write_sorted(&names, out);
}

void output_volumes(const struct project *project, struct buf *out)
{
    struct strv names = {0};
    for (size_t i = 0; i < project->volume_count; i++) {
        strv_push(&names, project->volumes[i].key);
    }
    write_sorted(&names, out);
}

void output_models(const struct project *project, struct buf *out)
{
    const struct node *models = node_get(project->tree, "models");
    struct strv names = {0};
    for (size_t i = 0; node_is(models, NODE_MAP) && i < models->len; i++) {
        const char *model = node_text(node_get(models->entries[i].value, "model"));
        if (!str_empty(model)) {
            strv_push(&names, model);
        }
    }
    write_sorted(&names, out);
}

void output_images(const struct project *project, struct buf *out)
{
    for (size_t i = 0; i < project->service_count; i++) {
        const struct service *s = &project->services[i];
        if (s->image) {
            buf_printf(out, "%s\n", s->image);
        } else {
            buf_printf(out, "%s%c%s\n", project->name, project->separator, s->name);
        }
    }
}

void output_profiles(const struct project *project, struct buf *out)
{
    for (size_t i = 0; i < project->known_profiles.count; i++) {
        buf_printf(out, "%s\n", project->known_profiles.items[i]);
    }
}

void output_environment(const struct project *project, struct buf *out)
{
    for (size_t i = 0; i < project->environment.count; i++) {
        const struct key_value *kv = &project->environment.items[i];
        buf_printf(out, "%s=%s\n", kv->key, kv->value ? kv->value : "");
    }
}

bool output_hash(const struct project *project, const char *service, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < project->service_count; i++) {
        const struct service *s = &project->services[i];
        if (!service || str_eq(s->name, service)) {
            buf_printf(out, "%s %s\n", s->name, s->config_hash);
            any = true;
        }
    }
    return any || !service;
}

struct variables {
    struct arena *arena;
    struct node *map;
};

static void add_variable(void *arg, const char *name, const char *default_value, bool required,
                         const char *alternate)
{
    struct variables *v = arg;
    struct pos none = {0};
    struct node *row = node_map(v->arena, none);
    if (node_entry(v->map, name)) {
        return;
    }
    node_set(v->arena, row, "Name", none, node_string(v->arena, none, name));
    node_set(v->arena, row, "DefaultValue", none,
             node_string(v->arena, none, default_value ? default_value : ""));
    node_set(v->arena, row, "PresenceValue", none,
             node_string(v->arena, none, alternate ? alternate : ""));
    node_set(v->arena, row, "Required", none, node_bool(v->arena, none, required));
    node_set(v->arena, v->map, name, none, row);
}

static void pad(struct buf *out, const char *text, size_t width)
{
    size_t len = str_columns(text);
    buf_str(out, text);
    buf_repeat(out, ' ', len < width ? width - len : 0);
}

static size_t widest(const struct node *map, const char *key, const char *title)
{
    size_t width = strlen(title);
    for (size_t i = 0; i < map->len; i++) {
        const char *text = node_text(node_get(map->entries[i].value, key));
        size_t len = text ? str_columns(text) : 0;
        width = len > width ? len : width;
    }
    return width + 3 < CELL_MIN ? CELL_MIN : width + 3;
}

void output_variables(const struct project *project, bool json, struct buf *out)
{
    struct arena scratch;
    struct variables v = {.arena = &scratch};
    struct node *sorted = NULL;
    size_t name = 0, value = 0;
    arena_init(&scratch);
    v.map = node_map(&scratch, (struct pos){0});
    interpolate_variables(&scratch, project->tree, add_variable, &v);
    sorted = shape_sorted(&scratch, v.map, SHAPE_JSON);
    if (json) {
        json_write(out, sorted, false);
        buf_char(out, '\n');
        arena_release(&scratch);
        return;
    }
    name = widest(sorted, "Name", "NAME");
    value = widest(sorted, "DefaultValue", "DEFAULT VALUE");
    pad(out, "NAME", name);
    pad(out, "REQUIRED", CELL_MIN);
    pad(out, "DEFAULT VALUE", value);
    buf_str(out, "ALTERNATE VALUE\n");
    for (size_t i = 0; i < sorted->len; i++) {
        const struct node *row = sorted->entries[i].value;
        pad(out, node_text(node_get(row, "Name")), name);
        pad(out, node_get(row, "Required")->boolean ? "true" : "false", CELL_MIN);
        pad(out, node_text(node_get(row, "DefaultValue")), value);
        buf_printf(out, "%s\n", node_text(node_get(row, "PresenceValue")));
    }
    arena_release(&scratch);
}
