/*
 * Volumes: named ones, anonymous ones, and who uses them.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/fake/world.h"

struct fake_volume *fake_volume_find(const struct fake_world *w, const char *name)
{
    VEC_FOREACH (struct fake_volume, v, &w->volumes) {
        if (str_eq(v->name, name)) {
            return v;
        }
    }
    return NULL;
}

static json_t *attributes(const struct fake_volume *v)
{
    return json_pack("{s:s}", "driver", v->driver);
}

struct fake_volume *fake_volume_need(struct fake_world *w, const char *name, const char *driver,
                                     const json_t *labels, const json_t *options)
{
    struct fake_volume *v = name ? fake_volume_find(w, name) : NULL;
    if (v) {
        return v;
    }
    v = xcalloc(1, sizeof(*v));
    if (name) {
        v->name = xstrdup(name);
    } else {
        char id[FAKE_ID_LEN + 1];
        fake_id(w, id);
        v->name = xstrdup(id);
        v->anonymous = true;
    }
    v->driver = xstrdup(str_empty(driver) ? "local" : driver);
    v->labels = json_is_object(labels) ? json_deep_copy(labels) : NULL;
    v->options = json_is_object(options) ? json_deep_copy(options) : NULL;
    v->created = clock_wall();
    vec_push(&w->volumes, v);
    fake_emit(w, "volume", "create", v->name, attributes(v));
    return v;
}

void fake_volume_free(struct fake_volume *v)
{
    free(v->name);
    free(v->driver);
    json_decref(v->labels);
    json_decref(v->options);
    free(v);
}

void fake_volume_drop(struct fake_world *w, struct fake_volume *v)
{
    vec_remove(&w->volumes, v);
    fake_emit(w, "volume", "destroy", v->name, attributes(v));
    fake_volume_free(v);
}

bool fake_volume_used(const struct fake_world *w, const struct fake_volume *v,
                      const struct fake_container *except)
{
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        if (c != except && vec_contains(&c->volumes, v)) {
            return true;
        }
    }
    return false;
}

static json_t *show(const struct fake_volume *v)
{
    CLEANUP_FREE char *mountpoint = xasprintf("/var/lib/fake/volumes/%s/_data", v->name);
    char text[CLOCK_RFC3339_MAX];
    return json_pack("{s:s, s:s, s:O?, s:s, s:s, s:O?, s:s}", "CreatedAt",
                     clock_rfc3339(v->created, text), "Driver", v->driver, "Labels", v->labels,
                     "Mountpoint", mountpoint, "Name", v->name, "Options", v->options, "Scope",
                     "local");
}

void fake_volume_create(struct fake_call *call)
{
    const char *name = fake_str(call->body, "Name");
    struct fake_volume *v = fake_volume_need(
        call->world, *name ? name : NULL, fake_str(call->body, "Driver"),
        json_object_get(call->body, "Labels"), json_object_get(call->body, "DriverOpts"));
    fake_answer_json(call, 201, show(v));
}

void fake_volume_list(struct fake_call *call)
{
    if (!fake_filters(call)) {
        return;
    }
    json_t *list = json_array();
    VEC_FOREACH (struct fake_volume, v, &call->world->volumes) {
        if (fake_filter_labels(call, v->labels) && fake_filter_part(call, "name", v->name)) {
            json_array_append_new(list, show(v));
        }
    }
    fake_answer_json(call, 200, json_pack("{s:o, s:n}", "Volumes", list, "Warnings"));
}

void fake_volume_inspect(struct fake_call *call)
{
    struct fake_volume *v = fake_volume_find(call->world, call->id);
    if (v) {
        fake_answer_json(call, 200, show(v));
    } else {
        fake_answer_error(call, 404, "get %s: no such volume", call->id);
    }
}

void fake_volume_remove(struct fake_call *call)
{
    struct fake_world *w = call->world;
    struct fake_volume *v = fake_volume_find(w, call->id);
    if (!v && fake_param_true(call, "force")) {
        fake_answer_empty(call, 204);
    } else if (!v) {
        fake_answer_error(call, 404, "get %s: no such volume", call->id);
    } else if (fake_volume_used(w, v, NULL)) {
        CLEANUP_BUF struct buf users = BUF_INIT;
        VEC_FOREACH (struct fake_container, c, &w->containers) {
            if (vec_contains(&c->volumes, v)) {
                buf_printf(&users, "%s%s", users.len ? ", " : "", c->id);
            }
        }
        fake_answer_error(call, 409, "remove %s: volume is in use - [%s]", v->name,
                          buf_text(&users));
    } else {
        fake_volume_drop(w, v);
        fake_answer_empty(call, 204);
    }
}
