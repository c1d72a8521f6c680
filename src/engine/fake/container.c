/*
 * Containers as things: create with all its refusals, names, archives, top, update.
 * What they do while they run is in life.c, how they look in show.c.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/fake/world.h"

static const char *const state_names[] = {"created", "running", "paused", "restarting", "exited"};
_Static_assert(ARRAY_LEN(state_names) == FAKE_STATE_COUNT, "every state has a name");

const char *fake_state_name(enum fake_state s)
{
    return state_names[s];
}

bool fake_is_up(const struct fake_container *c)
{
    return c->state == FAKE_RUNNING || c->state == FAKE_PAUSED;
}

struct fake_container *fake_container_find(const struct fake_world *w, const char *id_or_name)
{
    const char *name = id_or_name[0] == '/' ? id_or_name + 1 : id_or_name;
    struct fake_container *by_prefix = NULL;
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        if (str_eq(c->name, name) || str_eq(c->id, name)) {
            return c;
        }
        if (strlen(name) >= 4 && str_starts(c->id, name)) {
            by_prefix = c;
        }
    }
    return by_prefix;
}

struct fake_container *fake_container_of(struct fake_call *call)
{
    struct fake_container *c = fake_container_find(call->world, call->id);
    if (!c) {
        fake_answer_error(call, 404, "No such container: %s", call->id);
    }
    return c;
}

void fake_container_free(struct fake_container *c)
{
    VEC_FOREACH (struct fake_endpoint, e, &c->endpoints) {
        fake_endpoint_free(e);
    }
    VEC_FOREACH (struct fake_log_line, line, &c->logs) {
        free(line->text);
        free(line);
    }
    MAP_FOREACH (e, &c->files) {
        buf_release(e->value);
        free(e->value);
    }
    vec_release(&c->endpoints);
    vec_release(&c->volumes);
    vec_release(&c->logs);
    vec_release(&c->watchers);
    map_release(&c->files);
    map_release(&c->runs);
    json_decref(c->config);
    json_decref(c->host);
    json_decref(c->ports);
    json_decref(c->mounts);
    json_decref(c->health_log);
    free(c->name);
    free(c->image);
    free(c->error);
    free(c);
}

/* --- create --- */

static bool name_is_good(const char *name)
{
    if (!isalnum((unsigned char)name[0]) || !name[1]) {
        return false;
    }
    for (const char *p = name; *p; p++) {
        if (!isalnum((unsigned char)*p) && !strchr("_.-", *p)) {
            return false;
        }
    }
    return true;
}

/* Answers and returns false when the name cannot be had. */
static bool name_is_free(struct fake_call *call, const char *name, const char *prefix)
{
    const struct fake_world *w = call->world;
    if (!name_is_good(name)) {
        fake_answer_error(call, 400,
                          "%sInvalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
                          "allowed",
                          prefix, name);
        return false;
    }
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        if (!str_eq(c->name, name)) {
            continue;
        }
        if (fake_podman(w)) {
            fake_answer_error(call, 500,
                              "creating container storage: the container name \"%s\" is already "
                              "in use by %s. You have to remove that container to be able to "
                              "reuse that name: that name is already in use",
                              name, c->id);
        } else {
            fake_answer_error(call, 409,
                              "%sConflict. The container name \"/%s\" is already in use by "
                              "container \"%s\". You have to remove (or rename) that container to "
                              "be able to reuse that name.",
                              prefix, name, c->id);
        }
        return false;
    }
    return true;
}

static void add_mount(struct fake_container *c, const char *type, const char *source,
                      const char *target, bool rw, struct fake_volume *v)
{
    CLEANUP_FREE char *path = v ? xasprintf("/var/lib/fake/volumes/%s/_data", v->name)
                                : xstrdup(source);
    json_t *m = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "Type", type, "Source", path,
                          "Destination", target, "Mode", v ? "z" : "", "RW", rw, "Propagation",
                          v ? "" : "rprivate");
    if (v) {
        json_object_set_new(m, "Name", json_string(v->name));
        json_object_set_new(m, "Driver", json_string(v->driver));
        vec_push(&c->volumes, v);
    }
    json_array_append_new(c->mounts, m);
}

static bool has_mount(const struct fake_container *c, const char *target)
{
    size_t i = 0;
    const json_t *m = NULL;
    json_array_foreach(c->mounts, i, m)
    {
        if (str_eq(fake_str(m, "Destination"), target)) {
            return true;
        }
    }
    return false;
}

/* "source:/target[:mode]" */
static void add_bind(struct fake_container *c, const char *text)
{
    struct strv parts = {0};
    str_split(text, ':', &parts);
    if (parts.len >= 2) {
        bool rw = parts.len < 3 || !strstr(parts.items[2], "ro");
        bool is_path = parts.items[0][0] == '/';
        add_mount(c, is_path ? "bind" : "volume", parts.items[0], parts.items[1], rw,
                  is_path ? NULL : fake_volume_need(c->world, parts.items[0], NULL, NULL, NULL));
    }
    strv_release(&parts);
}

static void add_typed_mount(struct fake_container *c, const json_t *m)
{
    const char *type = fake_str(m, "Type"), *source = fake_str(m, "Source");
    bool rw = !json_is_true(json_object_get(m, "ReadOnly"));
    const json_t *options = json_object_get(m, "VolumeOptions");
    if (str_eq(type, "volume")) {
        add_mount(c, type, source, fake_str(m, "Target"), rw,
                  fake_volume_need(c->world, *source ? source : NULL,
                                   fake_str(json_object_get(options, "DriverConfig"), "Name"),
                                   json_object_get(options, "Labels"), NULL));
    } else {
        add_mount(c, type, source, fake_str(m, "Target"), rw, NULL);
    }
}

static void add_mounts(struct fake_container *c, const struct fake_image *image)
{
    size_t i = 0;
    json_t *one = NULL;
    const char *target = NULL;
    const json_t *anonymous[] = {json_object_get(c->config, "Volumes"),
                                 json_object_get(image->config, "Volumes")};
    c->mounts = json_array();
    json_array_foreach(json_object_get(c->host, "Binds"), i, one)
    {
        add_bind(c, json_string_value(one));
    }
    json_array_foreach(json_object_get(c->host, "Mounts"), i, one)
    {
        add_typed_mount(c, one);
    }
    for (size_t k = 0; k < ARRAY_LEN(anonymous); k++) {
        json_t *volumes = json_copy((json_t *)(uintptr_t)anonymous[k]);
        json_object_foreach(volumes, target, one)
        {
            if (!has_mount(c, target)) {
                add_mount(c, "volume", "", target, true,
                          fake_volume_need(c->world, NULL, NULL, NULL, NULL));
            }
        }
        json_decref(volumes);
    }
}

static void add_endpoints(struct fake_container *c, const json_t *networking)
{
    const char *mode = fake_str(c->host, "NetworkMode");
    json_t *wanted = json_object_get(networking, "EndpointsConfig");
    const char *name = NULL;
    json_t *one = NULL;
    bool shared = str_starts(mode, "container:");
    if (!shared) {
        const char *first = *mode && !str_eq(mode, "default") ? mode : "bridge";
        fake_endpoint_add(c, first, json_object_get(wanted, first));
        json_object_foreach(wanted, name, one)
        {
            if (!str_eq(name, first)) {
                fake_endpoint_add(c, name, one);
            }
        }
    }
}

/* What the create call does not say comes from the image. */
static void inherit(struct fake_container *c, const struct fake_image *image)
{
    static const char *const keys[] = {"Cmd",        "Entrypoint", "Healthcheck",
                                       "WorkingDir", "User",       "StopSignal"};
    const json_t *from = image->config;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        json_t *have = json_object_get(c->config, keys[i]);
        bool own_entrypoint = str_eq(keys[i], "Cmd") &&
                              json_array_size(json_object_get(c->config, "Entrypoint"));
        bool empty = !have || json_is_null(have) ||
                     (json_is_string(have) && !*json_string_value(have));
        if (empty && !own_entrypoint && json_object_get(from, keys[i])) {
            json_object_set(c->config, keys[i], json_object_get(from, keys[i]));
        }
    }
    json_t *labels = fake_or_empty(json_object_get(from, "Labels"));
    json_object_update(labels, json_object_get(c->config, "Labels"));
    json_object_set_new(c->config, "Labels", labels);
    c->labels = labels;
    if (!json_object_get(c->config, "Hostname") || !*fake_str(c->config, "Hostname")) {
        CLEANUP_FREE char *hostname = xstrndup(c->id, 12);
        json_object_set_new(c->config, "Hostname", json_string(hostname));
    }
}

/* Answers and returns false when the request is refused. */
static bool create_is_allowed(struct fake_call *call, const char *name)
{
    const json_t *wanted = json_object_get(json_object_get(call->body, "NetworkingConfig"),
                                           "EndpointsConfig");
    const char *image = fake_str(call->body, "Image");
    if (!json_is_object(call->body)) {
        fake_answer_error(call, 400, "config cannot be empty in order to create a container");
        return false;
    }
    if (!name_is_free(call, name, "")) {
        return false;
    }
    if (!fake_image_find(call->world, image)) {
        fake_answer_error(call, 404, "No such image: %s", image);
        return false;
    }
    if (json_object_size(wanted) > 1 && !fake_api(call->world, 44) && !fake_podman(call->world)) {
        CLEANUP_BUF struct buf names = BUF_INIT;
        const char *key = NULL;
        json_t *one = NULL;
        json_object_foreach((json_t *)(uintptr_t)wanted, key, one)
        {
            buf_printf(&names, "%s%s", names.len ? ", " : "", key);
        }
        fake_answer_error(call, 400, "Container cannot be connected to network endpoints: %s",
                          buf_text(&names));
        return false;
    }
    return true;
}

void fake_container_create(struct fake_call *call)
{
    struct fake_world *w = call->world;
    CLEANUP_FREE char *asked = fake_param(call, "name");
    CLEANUP_FREE char *name = asked && *asked ? xstrdup(asked)
                                              : xasprintf("fake_%llu", (unsigned long long)w->ids);
    if (!create_is_allowed(call, name)) {
        return;
    }
    const struct fake_image *image = fake_image_find(w, fake_str(call->body, "Image"));
    struct fake_container *c = xcalloc(1, sizeof(*c));
    c->world = w;
    fake_id(w, c->id);
    c->name = xstrdup(name);
    c->image = xstrdup(fake_str(call->body, "Image"));
    snprintf(c->image_id, sizeof(c->image_id), "%s", image->id);
    c->config = json_deep_copy(call->body);
    c->host = fake_or_empty(json_object_get(c->config, "HostConfig"));
    c->created = clock_wall();
    c->script = *fake_script_for(w, c->name, c->image);
    inherit(c, image);
    add_mounts(c, image);
    add_endpoints(c, json_object_get(c->config, "NetworkingConfig"));
    json_object_del(c->config, "HostConfig");
    json_object_del(c->config, "NetworkingConfig");
    vec_push(&w->containers, c);
    fake_emit_container(c, "create", NULL);
    fake_answer_json(call, 201, json_pack("{s:s, s:[]}", "Id", c->id, "Warnings"));
}

/* --- small operations --- */

void fake_container_rename(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    CLEANUP_FREE char *name = fake_param(call, "name");
    if (!c) {
        return;
    }
    if (str_empty(name)) {
        fake_answer_error(call, 400, "Neither old nor new names may be empty");
        return;
    }
    if (str_eq(name, c->name)) {
        fake_answer_error(call, 400, "Renaming a container with the same name as its current name");
        return;
    }
    if (!name_is_free(call, name, "Error when allocating new name: ")) {
        return;
    }
    CLEANUP_FREE char *old = xasprintf("/%s", c->name);
    free(c->name);
    c->name = xstrdup(name);
    c->script = *fake_script_for(call->world, c->name, c->image);
    fake_emit_container(c, "rename", json_pack("{s:s}", "oldName", old));
    fake_answer_empty(call, 204);
}

void fake_container_update(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    if (c && fake_podman(call->world)) {
        fake_answer_error(call, 404, "Not Found");
    } else if (c) {
        json_object_update(c->host, call->body);
        fake_emit_container(c, "update", NULL);
        fake_answer_json(call, 200, json_pack("{s:n}", "Warnings"));
    }
}

void fake_container_resize(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    if (c && !fake_is_up(c)) {
        fake_answer_error(call, 409, "Container %s is not running", c->id);
    } else if (c) {
        CLEANUP_FREE char *h = fake_param(call, "h");
        CLEANUP_FREE char *width = fake_param(call, "w");
        fake_emit_container(
            c, "resize",
            json_pack("{s:s, s:s}", "height", h ? h : "", "width", width ? width : ""));
        fake_answer_empty(call, 200);
    }
}

void fake_container_top(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    if (!c) {
        return;
    }
    if (!fake_is_up(c)) {
        fake_answer_error(call, 409, "Container %s is not running", c->id);
        return;
    }
    CLEANUP_FREE char *pid = xasprintf("%d", c->pid);
    CLEANUP_FREE char *command = fake_join(json_object_get(c->config, "Cmd"));
    fake_answer_json(call, 200,
                     json_pack("{s:[[s, s, s, s, s, s, s, s]], s:[s, s, s, s, s, s, s, s]}",
                               "Processes", "root", pid, "1", "0", "00:00", "?", "00:00:00",
                               command, "Titles", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME",
                               "CMD"));
}

/* --- archives: what is put at a path comes back from it, nothing is unpacked --- */

static void archive_put(struct fake_call *call, struct fake_container *c, const char *path)
{
    struct buf *old = map_get(&c->files, path);
    struct buf *file = xcalloc(1, sizeof(*file));
    if (!fake_call_read(call)) {
        free(file);
        return;
    }
    buf_append(file, call->raw.data, call->raw.len);
    map_set(&c->files, path, file);
    if (old) {
        buf_release(old);
        free(old);
    }
    fake_answer_empty(call, 200);
}

void fake_container_archive(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    CLEANUP_FREE char *path = fake_param(call, "path");
    if (!c) {
        return;
    }
    if (str_empty(path)) {
        fake_answer_error(call, 400, "bad parameter: path cannot be empty");
        return;
    }
    struct buf *file = map_get(&c->files, path);
    bool put = str_eq(call->method, "PUT");
    if ((put && str_starts(path, "/nosuch")) || (!put && !file)) {
        fake_answer_error(call, 404, "Could not find the file %s in container %s", path, call->id);
        return;
    }
    if (put) {
        archive_put(call, c, path);
        return;
    }
    /* {"name":"data","size":0,"mode":420,"mtime":"1970-01-01T00:00:00Z","linkTarget":""} */
    call->path_stat = xstrdup("eyJuYW1lIjoiZGF0YSIsInNpemUiOjAsIm1vZGUiOjQyMCwibXRpbWUiOiIxOTcw"
                              "LTAxLTAxVDAwOjAwOjAwWiIsImxpbmtUYXJnZXQiOiIifQ==");
    if (str_eq(call->method, "HEAD")) {
        fake_answer_empty(call, 200);
        return;
    }
    fake_stream_open(call, 200, "application/x-tar");
    fake_stream_write(call, file->data, file->len);
    fake_stream_end(call);
}
