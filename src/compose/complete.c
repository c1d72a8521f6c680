/*
 * Defaults, checks, paths and values from the environment, on canonical forms. The only look at
 * the disk is for symbolic links in watched paths.
 */
#include "compose/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/parse.h"
#include "base/path.h"
#include "base/str.h"

typedef void service_fn(void *arg, const char *name, struct node *service);
typedef void item_fn(void *arg, const char *path, struct node *item);

static void each_service(const struct node *root, service_fn *fn, void *arg)
{
    const struct node *services = node_get(root, "services");
    if (!node_is(services, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, services)
    {
        if (node_is(entry->value, NODE_MAP)) {
            fn(arg, entry->key, entry->value);
        }
    }
}

/* The mappings in a list, each with the path "services.NAME.KEY[i]". */
static void each_item(const struct node *list, const char *name, const char *key, item_fn *fn,
                      void *arg)
{
    for (size_t i = 0; node_is(list, NODE_LIST) && i < list->count; i++) {
        if (list->items[i]->kind == NODE_MAP) {
            char *path = xasprintf("services.%s.%s[%zu]", name, key, i);
            fn(arg, path, list->items[i]);
            free(path);
        }
    }
}

static const struct node *reserved_devices(const struct node *service)
{
    const struct node *resources = node_get(node_get(service, "deploy"), "resources");
    return node_get(node_get(resources, "reservations"), "devices");
}

/* Defaults */

static void set_default(struct arena *arena, struct node *map, const char *key, const char *value)
{
    if (!node_entry(map, key)) {
        node_set(arena, map, key, map->at, node_string(arena, map->at, value));
    }
}

static void device_default(void *arg, const char *path, struct node *device)
{
    (void)path;
    if (!node_entry(device, "device_ids")) {
        set_default(arg, device, "count", "all");
    }
}

static void port_default(void *arg, const char *path, struct node *port)
{
    (void)path;
    set_default(arg, port, "protocol", "tcp");
    set_default(arg, port, "mode", "ingress");
}

static void secret_default(void *arg, const char *path, struct node *secret)
{
    const char *source = node_text(node_get(secret, "source"));
    char *target = xasprintf("/run/secrets/%s", source ? source : "");
    (void)path;
    set_default(arg, secret, "target", target);
    free(target);
}

static void service_defaults(void *arg, const char *name, struct node *service)
{
    struct node *build = node_get(service, "build");
    if (node_is(build, NODE_MAP)) {
        set_default(arg, build, "context", ".");
    }
    each_item(node_get(service, "secrets"), name, "secrets", secret_default, arg);
    each_item(node_get(service, "ports"), name, "ports", port_default, arg);
    each_item(node_get(service, "gpus"), name, "gpus", device_default, arg);
    each_item(reserved_devices(service), name, "deploy", device_default, arg);
}

int complete_defaults(struct node *root, struct arena *arena, struct diags *diags)
{
    (void)diags;
    each_service(root, service_defaults, arena);
    return 0;
}

/* Checks */

static void device_check(void *arg, const char *path, struct node *device)
{
    const struct node_entry *ids = node_entry(device, "device_ids");
    if (ids && node_entry(device, "count")) {
        diags_add(arg, DIAG_ERROR, ids->at, path, "keep one of them",
                  "count and device_ids exclude each other");
    }
}

static void port_check(void *arg, const char *path, struct node *port)
{
    const struct node *ip = node_get(port, "host_ip");
    const char *text = node_text(ip);
    if (text && !is_ip4(text) && !is_ip6(text)) {
        diags_add(arg, DIAG_ERROR, ip->at, path, "expected an IPv4 or IPv6 address",
                  "invalid ip address: %s", text);
    }
}

/* A long form must say where it goes. */
static void target_check(void *arg, const char *path, struct node *item)
{
    const struct node *target = node_get(item, "target");
    if (!target || target->kind == NODE_NULL) {
        diags_add(arg, DIAG_ERROR, item->at, path, "add target", "the target is missing");
    }
}

static void watch_check(void *arg, const char *path, struct node *watch)
{
    const struct node *at = node_get(watch, "path");
    if (str_eq(node_text(at), "")) {
        diags_add(arg, DIAG_ERROR, at->at, path, "name the file or directory to watch",
                  "path must not be empty");
    }
}

static void service_check(void *arg, const char *name, struct node *service)
{
    each_item(node_get(service, "ports"), name, "ports", target_check, arg);
    each_item(node_get(service, "volumes"), name, "volumes", target_check, arg);
    each_item(node_get(service, "devices"), name, "devices", target_check, arg);
    each_item(node_get(service, "ports"), name, "ports", port_check, arg);
    each_item(node_get(service, "gpus"), name, "gpus", device_check, arg);
    each_item(reserved_devices(service), name, "deploy.resources.reservations.devices",
              device_check, arg);
    each_item(node_get(node_get(service, "develop"), "watch"), name, "develop.watch", watch_check,
              arg);
}

static void check_volumes(const struct node *root, struct diags *diags)
{
    const struct node *volumes = node_get(root, "volumes");
    if (!node_is(volumes, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(volume, volumes)
    {
        const struct node *external = node_get(volume->value, "external");
        if (!node_is(external, NODE_BOOL) || !external->boolean) {
            continue;
        }
        NODE_ENTRIES(entry, volume->value)
        {
            char path[256];
            if (str_eq(entry->key, "name") || str_eq(entry->key, "external") ||
                str_starts(entry->key, "x-")) {
                continue;
            }
            snprintf(path, sizeof(path), "volumes.%s", volume->key);
            diags_add(diags, DIAG_ERROR, entry->at, path,
                      "an external volume is made elsewhere: keep only name and external",
                      "external and %s exclude each other", entry->key);
        }
    }
}

static void check_files(const struct node *root, const char *section, const char *const *sources,
                        struct diags *diags)
{
    const struct node *objects = node_get(root, section);
    if (!node_is(objects, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(object, objects)
    {
        char path[256], hint[128] = "";
        size_t count = 0;
        for (size_t i = 0; sources[i]; i++) {
            count += node_entry(object->value, sources[i]) != NULL;
            snprintf(hint + strlen(hint), sizeof(hint) - strlen(hint), "%s%s", i ? ", " : "",
                     sources[i]);
        }
        snprintf(path, sizeof(path), "%s.%s", section, object->key);
        if (count > 1) {
            diags_add(diags, DIAG_ERROR, object->at, path, "keep one of them",
                      "%s exclude each other", hint);
        } else if (count == 0 && !node_entry(object->value, "driver") &&
                   !node_entry(object->value, "external")) {
            diags_add(diags, DIAG_ERROR, object->at, path, "or write external: true",
                      "one of %s must be set", hint);
        }
    }
}

int complete_check(const struct node *root, struct diags *diags)
{
    static const char *const of_config[] = {"file", "environment", "content", NULL};
    static const char *const of_secret[] = {"file", "environment", NULL};
    size_t before = diags->errors;
    check_volumes(root, diags);
    check_files(root, "configs", of_config, diags);
    check_files(root, "secrets", of_secret, diags);
    each_service(root, service_check, diags);
    return diags->errors > before ? -ERR_COMPOSE : 0;
}

/* Paths */

struct paths {
    struct arena *arena;
    const char *base, *home;
    struct diags *diags;
};

static const char *joined(struct arena *arena, const char *base, const char *path)
{
    char *both = xasprintf("%s/%s", base, path);
    char *clean = path_clean(both);
    const char *text = arena_strdup(arena, clean);
    free(both);
    free(clean);
    return text;
}

static const char *expand_home(const struct paths *p, const char *path)
{
    return *path == '~' && p->home ? joined(p->arena, p->home, path + 1) : path;
}

/* An absolute path stays as it is written; "" stays empty. */
static const char *absolute(const struct paths *p, const char *path)
{
    path = expand_home(p, path);
    return *path == '\0' || *path == '/' ? path : joined(p->arena, p->base, path);
}

static bool is_separator(char c)
{
    return c == '/' || c == '\\';
}

/* C:\x, C:/x or \\host\share: a path of a Windows client, left alone. */
static bool is_windows_path(const char *path)
{
    if (path[0] && path[1] == ':') {
        return is_separator(path[2]);
    }
    return is_separator(path[0]) && is_separator(path[1]) && path[2];
}

static const char *absolute_or_windows(const struct paths *p, const char *path)
{
    path = expand_home(p, path);
    return *path == '/' || is_windows_path(path) ? path : joined(p->arena, p->base, path);
}

typedef const char *path_fn(const struct paths *p, const char *path);

static const char *context(const struct paths *p, const char *path)
{
    static const char *const remote[] = {"service:", "github.com/", "git@"};
    bool keep = strstr(path, "://") != NULL;
    for (size_t i = 0; i < ARRAY_LEN(remote) && !keep; i++) {
        keep = str_starts(path, remote[i]);
    }
    return keep ? path : absolute(p, path);
}

/* The first component that is a symbolic link is replaced by what it points to. */
static const char *without_link(const struct paths *p, const char *path)
{
    char *part = xstrdup(path);
    const char *out = path;
    for (size_t i = 1; path[0] == '/' && i <= strlen(path) && out == path; i++) {
        struct stat st;
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        part[i] = '\0';
        if (lstat(part, &st) == 0 && S_ISLNK(st.st_mode)) {
            char *real = realpath(part, NULL);
            if (real) {
                out = arena_printf(p->arena, "%s%s", real, path + i);
            }
            free(real);
        }
        part[i] = path[i];
    }
    free(part);
    return out;
}

static const char *watched(const struct paths *p, const char *path)
{
    return without_link(p, absolute(p, path));
}

static void resolve(const struct paths *p, struct node *map, const char *key, path_fn *fn)
{
    struct node_entry *entry = node_entry(map, key);
    if (entry && node_is(entry->value, NODE_STRING)) {
        const char *path = fn(p, entry->value->text);
        if (path != entry->value->text) {
            entry->value = node_string(p->arena, entry->value->at, path);
        }
    }
}

static void resolve_all(const struct paths *p, struct node *map, path_fn *fn)
{
    if (node_is(map, NODE_MAP)) {
        NODE_ENTRIES(entry, map)
        {
            resolve(p, map, entry->key, fn);
        }
    }
}

static void mount_path(void *arg, const char *path, struct node *mount)
{
    const struct paths *p = arg;
    if (!str_eq(node_text(node_get(mount, "type")), "bind")) {
        return;
    }
    if (!node_entry(mount, "source")) {
        diags_add(p->diags, DIAG_ERROR, mount->at, path, "add source: the path on the host",
                  "a bind mount needs a source");
        return;
    }
    resolve(p, mount, "source", absolute_or_windows);
}

static void env_file_path(void *arg, const char *path, struct node *file)
{
    (void)path;
    resolve(arg, file, "path", absolute);
}

static void watch_path(void *arg, const char *path, struct node *watch)
{
    (void)path;
    resolve(arg, watch, "path", watched);
}

static void service_paths(void *arg, const char *name, struct node *service)
{
    const struct paths *p = arg;
    struct node *build = node_get(service, "build");
    struct node *labels = node_get(service, "label_file");
    resolve(p, build, "context", context);
    resolve_all(p, node_get(build, "additional_contexts"), context);
    resolve_all(p, node_get(build, "ssh"), absolute_or_windows);
    resolve(p, node_get(service, "extends"), "file", absolute);
    each_item(node_get(service, "env_file"), name, "env_file", env_file_path, arg);
    each_item(node_get(service, "volumes"), name, "volumes", mount_path, arg);
    each_item(node_get(node_get(service, "develop"), "watch"), name, "develop.watch", watch_path,
              arg);
    for (size_t i = 0; node_is(labels, NODE_LIST) && i < labels->count; i++) {
        const char *text = node_text(labels->items[i]);
        if (text) {
            labels->items[i] = node_string(p->arena, labels->items[i]->at, absolute(p, text));
        }
    }
}

static void section_paths(const struct paths *p, struct node *section)
{
    if (node_is(section, NODE_MAP)) {
        NODE_ENTRIES(entry, section)
        {
            resolve(p, entry->value, "file", absolute_or_windows);
        }
    }
}

/* A local volume that is a bind mount in disguise. */
static void volume_paths(const struct paths *p, struct node *volumes)
{
    if (!node_is(volumes, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, volumes)
    {
        struct node *opts = node_get(entry->value, "driver_opts");
        if (str_eq(node_text(node_get(entry->value, "driver")), "local") &&
            str_eq(node_text(node_get(opts, "o")), "bind")) {
            resolve(p, opts, "device", absolute_or_windows);
        }
    }
}

int complete_paths(struct node *root, struct arena *arena, const char *base, const char *home,
                   struct diags *diags)
{
    struct paths p = {.arena = arena, .base = base, .home = home, .diags = diags};
    size_t before = diags->errors;
    each_service(root, service_paths, &p);
    section_paths(&p, node_get(root, "secrets"));
    section_paths(&p, node_get(root, "configs"));
    volume_paths(&p, node_get(root, "volumes"));
    return diags->errors > before ? -ERR_COMPOSE : 0;
}

/* Environment */

struct values {
    struct arena *arena;
    const struct map *environment;
};

static void service_environment(void *arg, const char *name, struct node *service)
{
    const struct values *v = arg;
    struct node *list = node_get(service, "environment");
    (void)name;
    for (size_t i = 0; node_is(list, NODE_LIST) && i < list->count; i++) {
        const char *key = node_text(list->items[i]);
        const char *value = key && !strchr(key, '=') ? map_get(v->environment, key) : NULL;
        if (value) {
            list->items[i] = node_string(v->arena, list->items[i]->at,
                                         arena_printf(v->arena, "%s=%s", key, value));
        }
    }
}

static void section_environment(const struct values *v, struct node *section)
{
    if (!node_is(section, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, section)
    {
        const struct node *name = node_get(entry->value, "environment");
        const char *value = node_text(name) ? map_get(v->environment, name->text) : NULL;
        if (value) {
            node_set(v->arena, entry->value, COMPLETE_VALUE, name->at,
                     node_string(v->arena, name->at, value));
        }
    }
}

void complete_environment(struct node *root, struct arena *arena, const struct map *environment)
{
    struct values v = {.arena = arena, .environment = environment};
    each_service(root, service_environment, &v);
    section_environment(&v, node_get(root, "secrets"));
    section_environment(&v, node_get(root, "configs"));
}

int complete_model(struct node *root, struct arena *arena, const char *base,
                   const struct map *environment, unsigned flags, struct diags *diags)
{
    int rc = complete_defaults(root, arena, diags);
    rc = rc ? rc : complete_check(root, diags);
    if (rc == 0 && !(flags & COMPLETE_KEEP_PATHS)) {
        rc = complete_paths(root, arena, base, map_get(environment, "HOME"), diags);
    }
    if (rc == 0) {
        complete_environment(root, arena, environment);
    }
    return rc;
}
