/*
 * What does not go through the creation call: files written into the container, and the changes
 * that `run` makes to a service.
 */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/spec_build.h"

static int owner_number(const char *text, const char *what, int64_t *ret, struct err *err)
{
    if (str_empty(text)) {
        return 0;
    }
    if (parse_int(text, 0, UINT32_MAX, ret, err)) {
        return err_set(err, ERR_INPUT, "%s \"%s\" is not a number", what, text);
    }
    return 0;
}

static int add_file(const struct project *project, const struct service *service,
                    const struct file_ref *ref, const struct file_object *object, const char *what,
                    const char *base, struct spec_file **files, size_t *count, struct err *err)
{
    struct spec_file file = {.mode = ref->mode_set ? ref->mode : 0444};
    const char *target = str_empty(ref->target) ? ref->source : ref->target;
    int rc = 0;
    file.content = object->content;
    if (!file.content && object->environment) {
        file.content = key_values_get(&project->environment, object->environment, NULL);
        if (!file.content) {
            return err_set(err, ERR_NOT_FOUND, "variable \"%s\", which %s \"%s\" needs, is not set",
                           object->environment, what, object->name);
        }
    }
    if (str_empty(file.content)) {
        return 0;
    }
    if (service->read_only) {
        return err_set(err, ERR_UNSUPPORTED,
                       "cannot write %s \"%s\" into service %s, which is read_only: use `file`",
                       what, object->name, service->name);
    }
    rc = owner_number(ref->uid, "uid", &file.uid, err);
    rc = rc ? rc : owner_number(ref->gid, "gid", &file.gid, err);
    if (rc) {
        return rc;
    }
    file.target = path_is_absolute(target) ? xstrdup(target) : xasprintf("%s%s", base, target);
    *files = xreallocarray(*files, *count + 1, sizeof(**files));
    (*files)[(*count)++] = file;
    return 0;
}

int spec_files(const struct project *project, const struct service *service, struct spec_file **ret,
               size_t *ret_count, struct err *err)
{
    struct spec_file *files = NULL;
    size_t count = 0;
    int rc = 0;
    for (size_t i = 0; i < service->secret_count && rc == 0; i++) {
        const struct file_object *object = project_secret(project, service->secrets[i].source);
        if (object) {
            rc = add_file(project, service, &service->secrets[i], object, "secret", "/run/secrets/",
                          &files, &count, err);
        }
    }
    for (size_t i = 0; i < service->config_count && rc == 0; i++) {
        const struct file_object *object = project_config(project, service->configs[i].source);
        if (object) {
            rc = add_file(project, service, &service->configs[i], object, "config", "/", &files,
                          &count, err);
        }
    }
    if (rc) {
        spec_files_free(files, count);
        return rc;
    }
    *ret = files;
    *ret_count = count;
    return 0;
}

void spec_files_free(struct spec_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(files[i].target);
    }
    free(files);
}

static bool list_has(const struct string_list *list, const char *item)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], item)) {
            return true;
        }
    }
    return false;
}

/* from + more - without */
static struct string_list list_change(struct arena *arena, const struct string_list *from,
                                      const struct string_list *more,
                                      const struct string_list *without)
{
    struct string_list out = {.set = from->set || more->count};
    out.items = arena_array(arena, from->count + more->count + 1, sizeof(*out.items));
    for (size_t i = 0; i < from->count; i++) {
        if (!list_has(without, from->items[i])) {
            out.items[out.count++] = from->items[i];
        }
    }
    for (size_t i = 0; i < more->count; i++) {
        out.items[out.count++] = more->items[i];
    }
    return out;
}

static void set_value(struct key_values *map, const char *key, const char *value)
{
    for (size_t i = 0; i < map->count; i++) {
        if (str_eq(map->items[i].key, key)) {
            map->items[i].value = value;
            return;
        }
    }
    map->items[map->count++] = (struct key_value){.key = key, .value = value};
}

/* `from` with `more` on top; a key of `more` without a value takes the project's, or is left out.
 */
static struct key_values map_change(struct arena *arena, const struct project *project,
                                    const struct key_values *from, const struct key_values *more)
{
    struct key_values out = {.set = true};
    out.items = arena_array(arena, from->count + more->count + 1, sizeof(*out.items));
    for (size_t i = 0; i < from->count; i++) {
        out.items[out.count++] = from->items[i];
    }
    for (size_t i = 0; i < more->count; i++) {
        const char *value = more->items[i].value;
        value = value ? value : key_values_get(&project->environment, more->items[i].key, NULL);
        if (value) {
            set_value(&out, more->items[i].key, value);
        }
    }
    return out;
}

static void run_ports(struct arena *arena, const struct spec_run *run, struct service *s)
{
    size_t own = run->service_ports ? s->port_count : 0;
    struct port *ports = arena_array(arena, own + run->port_count + 1, sizeof(*ports));
    if (own) {
        memcpy(ports, s->ports, own * sizeof(*ports));
    }
    if (run->port_count) {
        memcpy(ports + own, run->ports, run->port_count * sizeof(*ports));
    }
    s->ports = ports;
    s->port_count = own + run->port_count;
}

static void run_mounts(struct arena *arena, const struct spec_run *run, struct service *s)
{
    struct mount *mounts = arena_array(arena, s->mount_count + run->mount_count + 1,
                                       sizeof(*mounts));
    if (s->mount_count) {
        memcpy(mounts, s->mounts, s->mount_count * sizeof(*mounts));
    }
    if (run->mount_count) {
        memcpy(mounts + s->mount_count, run->mounts, run->mount_count * sizeof(*mounts));
    }
    s->mounts = mounts;
    s->mount_count += run->mount_count;
}

struct service *spec_run_service(struct arena *arena, const struct project *project,
                                 const struct service *service, const struct spec_run *run)
{
    struct service *s = arena_copy(arena, service, sizeof(*service));
    static const struct string_list none;
    s->tty = run->tty;
    s->stdin_open = run->interactive;
    s->container_name = run->name;
    s->command = run->command.count ? run->command : s->command;
    s->user = str_empty(run->user) ? s->user : run->user;
    s->working_dir = str_empty(run->working_dir) ? s->working_dir : run->working_dir;
    if (run->cap_add.count || run->cap_drop.count) {
        struct string_list add = list_change(arena, &s->cap_add, &run->cap_add, &none);
        struct string_list drop = list_change(arena, &s->cap_drop, &none, &run->cap_add);
        s->cap_drop = list_change(arena, &drop, &run->cap_drop, &none);
        s->cap_add = list_change(arena, &add, &none, &run->cap_drop);
    }
    if (run->entrypoint.set) {
        s->entrypoint = run->entrypoint;
        if (!run->command.count) {
            s->command = (struct string_list){.set = true};
        }
    }
    s->environment = map_change(arena, project, &s->environment, &run->environment);
    s->labels = map_change(arena, project, &s->labels, &run->labels);
    run_ports(arena, run, s);
    run_mounts(arena, run, s);
    s->restart = (struct restart_policy){0};
    s->deploy.restart_policy = (struct restart_policy){0};
    return s;
}
