/*
 * Normalisation of a canonical tree, in the order of the reference. Pure.
 */
#include "compose/normalize.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"

struct norm {
    struct arena *arena;
    const struct map *environment;
    const char *project;
};

static struct node *text_node(const struct norm *m, struct pos at, const char *text)
{
    return node_string(m->arena, at, text);
}

static void set_text(const struct norm *m, struct node *map, const char *key, const char *text)
{
    node_set(m->arena, map, key, map->at, text_node(m, map->at, text));
}

static bool is_set(const struct node *map, const char *key)
{
    const struct node *value = node_get(map, key);
    return value && value->kind != NODE_NULL;
}

/* Networks */

static bool joins_default(const struct norm *m, struct node *service)
{
    struct node *networks = node_get(service, "networks");
    if (node_entry(service, "provider") || node_entry(service, "network_mode")) {
        return false;
    }
    if (!node_is(networks, NODE_MAP) || networks->len == 0) {
        networks = node_map(m->arena, service->at);
        node_set(m->arena, networks, "default", service->at, node_null(m->arena, service->at));
        node_set(m->arena, service, "networks", service->at, networks);
        return true;
    }
    return node_entry(networks, "default") != NULL;
}

static void default_network(const struct norm *m, struct node *root)
{
    struct node *services = node_get(root, "services");
    struct node *networks = node_get(root, "networks");
    bool used = false;
    if (node_is(services, NODE_MAP)) {
        NODE_ENTRIES(entry, services)
        {
            used |= joins_default(m, entry->value);
        }
    }
    if (!used || node_entry(networks, "default")) {
        return;
    }
    if (!node_is(networks, NODE_MAP)) {
        networks = node_map(m->arena, root->at);
        node_set(m->arena, root, "networks", root->at, networks);
    }
    node_set(m->arena, networks, "default", root->at, node_null(m->arena, root->at));
}

/* Values of keys that are named without one */

static void resolve_list(const struct norm *m, struct node *list, bool keep_empty)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct node *item = list->items[i];
        const char *text = node_text(item);
        const char *value = NULL;
        if (text && !strchr(text, '=')) {
            value = map_get(m->environment, text);
            if (!value && !keep_empty) {
                continue;
            }
        }
        if (value) {
            item = text_node(m, item->at, arena_printf(m->arena, "%s=%s", text, value));
        }
        list->items[kept++] = item;
    }
    list->count = kept;
}

static void resolve_map(const struct norm *m, struct node *map, bool keep_empty)
{
    for (size_t i = 0; i < map->len;) {
        struct node_entry *entry = &map->entries[i];
        const char *value = NULL;
        if (entry->value->kind == NODE_NULL) {
            value = map_get(m->environment, entry->key);
            if (!value && !keep_empty) {
                node_remove(map, entry->key);
                continue;
            }
        }
        if (value) {
            entry->value = text_node(m, entry->value->at, value);
        }
        i++;
    }
}

static void resolve_values(const struct norm *m, struct node *n, bool keep_empty)
{
    if (node_is(n, NODE_LIST)) {
        resolve_list(m, n, keep_empty);
    } else if (node_is(n, NODE_MAP)) {
        resolve_map(m, n, keep_empty);
    }
}

static void normalize_build(const struct norm *m, struct node *build)
{
    if (!node_is(build, NODE_MAP)) {
        return;
    }
    if (!is_set(build, "context")) {
        set_text(m, build, "context", ".");
    }
    if (!is_set(build, "dockerfile") && !is_set(build, "dockerfile_inline")) {
        set_text(m, build, "dockerfile", "Dockerfile");
    }
    resolve_values(m, node_get(build, "args"), false);
}

/* Dependencies that follow from other keys */

static void imply(const struct norm *m, struct node *service, const char *on, struct pos at,
                  bool restart)
{
    struct node *depends_on = node_get(service, "depends_on");
    struct node *dependency = NULL;
    if (!node_is(depends_on, NODE_MAP)) {
        depends_on = node_map(m->arena, at);
        node_set(m->arena, service, "depends_on", at, depends_on);
    }
    if (node_entry(depends_on, on)) {
        return;
    }
    dependency = node_map(m->arena, at);
    set_text(m, dependency, "condition", "service_started");
    node_set(m->arena, dependency, "restart", at, node_bool(m->arena, at, restart));
    node_set(m->arena, dependency, "required", at, node_bool(m->arena, at, true));
    node_set(m->arena, dependency, NORMALIZE_IMPLIED, at, node_bool(m->arena, at, true));
    node_set(m->arena, depends_on, on, at, dependency);
}

static void imply_links(const struct norm *m, struct node *service)
{
    const struct node *links = node_get(service, "links");
    for (size_t i = 0; node_is(links, NODE_LIST) && i < links->count; i++) {
        const char *text = node_text(links->items[i]);
        const char *colon = text ? strchr(text, ':') : NULL;
        if (text) {
            bool alias = colon && !strchr(colon + 1, ':');
            size_t len = alias ? (size_t)(colon - text) : strlen(text);
            imply(m, service, arena_strndup(m->arena, text, len), links->items[i]->at, true);
        }
    }
}

static void imply_namespaces(const struct norm *m, struct node *service)
{
    static const char *const keys[] = {"network_mode", "ipc", "pid", "uts", "cgroup"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct node *mode = node_get(service, keys[i]);
        const char *text = node_text(mode);
        if (text && str_starts(text, "service:")) {
            imply(m, service, text + strlen("service:"), mode->at, true);
        }
    }
}

static void imply_volumes_from(const struct norm *m, struct node *service)
{
    const struct node *list = node_get(service, "volumes_from");
    for (size_t i = 0; node_is(list, NODE_LIST) && i < list->count; i++) {
        const char *text = node_text(list->items[i]);
        if (text && !str_starts(text, "container:")) {
            imply(m, service, arena_strndup(m->arena, text, strcspn(text, ":")), list->items[i]->at,
                  false);
        }
    }
}

static void clean_targets(const struct norm *m, struct node *service)
{
    const struct node *volumes = node_get(service, "volumes");
    for (size_t i = 0; node_is(volumes, NODE_LIST) && i < volumes->count; i++) {
        struct node *target = node_get(volumes->items[i], "target");
        if (node_text(target)) {
            char *clean = path_clean(target->text);
            node_set(m->arena, volumes->items[i], "target", target->at,
                     text_node(m, target->at, clean));
            free(clean);
        }
    }
}

static void normalize_service(const struct norm *m, struct node *service)
{
    if (!node_is(service, NODE_MAP)) {
        return;
    }
    if (str_eq(node_text(node_get(service, "pull_policy")), "if_not_present")) {
        set_text(m, service, "pull_policy", "missing");
    }
    normalize_build(m, node_get(service, "build"));
    resolve_values(m, node_get(service, "environment"), true);
    imply_links(m, service);
    imply_namespaces(m, service);
    clean_targets(m, service);
    imply_volumes_from(m, service);
}

/* Names */

static void name_resources(const struct norm *m, struct node *section)
{
    if (!node_is(section, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, section)
    {
        const struct node *external = NULL;
        bool outside = false;
        if (entry->value->kind == NODE_NULL) {
            entry->value = node_map(m->arena, entry->at);
        }
        external = node_get(entry->value, "external");
        outside = (node_is(external, NODE_BOOL) && external->boolean) ||
                  str_eq_nocase(node_text(external) ? external->text : "", "true");
        if (!is_set(entry->value, "name")) {
            set_text(m, entry->value, "name",
                     outside ? entry->key
                             : arena_printf(m->arena, "%s_%s", m->project, entry->key));
        }
    }
}

void normalize_model(struct node *root, struct arena *arena, const char *project,
                     const struct map *environment)
{
    static const char *const sections[] = {"networks", "volumes", "configs", "secrets"};
    struct norm m = {.arena = arena, .environment = environment, .project = project};
    struct node *services = node_get(root, "services");
    set_text(&m, root, "name", project);
    default_network(&m, root);
    if (node_is(services, NODE_MAP)) {
        NODE_ENTRIES(entry, services)
        {
            normalize_service(&m, entry->value);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        name_resources(&m, node_get(root, sections[i]));
    }
}
