/*
 * The typed tree to plain structs. Pure; every value has been checked, so this only moves it.
 */
#include "compose/decode.h"

#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "compose/complete.h"
#include "compose/decode_parts.h"
#include "compose/hash.h"
#include "compose/normalize.h"

const char *get_text(const struct node *map, const char *key)
{
    const char *text = node_text(node_get(map, key));
    return str_empty(text) ? NULL : text;
}

int64_t get_int(const struct node *map, const char *key, int64_t otherwise)
{
    const struct node *n = node_get(map, key);
    return node_is(n, NODE_INT) ? n->integer : otherwise;
}

double get_float(const struct node *map, const char *key)
{
    const struct node *n = node_get(map, key);
    return node_is(n, NODE_FLOAT) ? n->real : 0;
}

bool get_bool(const struct node *map, const char *key)
{
    const struct node *n = node_get(map, key);
    return node_is(n, NODE_BOOL) && n->boolean;
}

enum tristate get_tristate(const struct node *map, const char *key)
{
    const struct node *n = node_get(map, key);
    return !node_is(n, NODE_BOOL) ? UNSET : n->boolean ? YES : NO;
}

int64_t get_duration(const struct node *map, const char *key, int64_t otherwise)
{
    const char *text = node_text(node_get(map, key));
    int64_t value = 0;
    return text && parse_duration(text, &value, NULL) == 0 ? value : otherwise;
}

struct string_list get_list(struct arena *arena, const struct node *map, const char *key)
{
    const struct node *n = node_get(map, key);
    struct string_list out = {0};
    if (!node_is(n, NODE_LIST)) {
        return out;
    }
    out.set = true;
    out.items = arena_array(arena, n->count + 1, sizeof(*out.items));
    for (size_t i = 0; i < n->count; i++) {
        const char *text = node_text(n->items[i]);
        out.items[out.count++] = text ? text : "";
    }
    return out;
}

static int by_key(const void *a, const void *b)
{
    const struct key_value *left = a, *right = b;
    return strcmp(left->key, right->key);
}

struct key_values get_map(struct arena *arena, const struct node *map, const char *key)
{
    const struct node *n = node_get(map, key);
    struct key_values out = {0};
    if (!node_is(n, NODE_MAP)) {
        return out;
    }
    out.set = true;
    out.items = arena_array(arena, n->len + 1, sizeof(*out.items));
    NODE_ENTRIES(entry, n)
    {
        out.items[out.count++] = (struct key_value){.key = entry->key,
                                                    .value = node_text(entry->value)};
    }
    if (out.count) {
        qsort(out.items, out.count, sizeof(*out.items), by_key);
    }
    return out;
}

/* provider.options and the like: each key with all of its values. */
struct key_values get_multi_map(struct arena *arena, const struct node *map, const char *key)
{
    const struct node *n = node_get(map, key);
    struct key_values out = {0};
    size_t count = 0;
    if (!node_is(n, NODE_MAP)) {
        return out;
    }
    NODE_ENTRIES(entry, n)
    {
        count += node_is(entry->value, NODE_LIST) ? entry->value->count : 0;
    }
    out.set = true;
    out.items = arena_array(arena, count + 1, sizeof(*out.items));
    NODE_ENTRIES(entry, n)
    {
        for (size_t i = 0; node_is(entry->value, NODE_LIST) && i < entry->value->count; i++) {
            out.items[out.count++] = (struct key_value){.key = entry->key,
                                                        .value = node_text(entry->value->items[i])};
        }
    }
    if (out.count) {
        qsort(out.items, out.count, sizeof(*out.items), by_key);
    }
    return out;
}

size_t list_count(const struct node *map, const char *key, const struct node **ret)
{
    *ret = node_get(map, key);
    return node_is(*ret, NODE_LIST) ? (*ret)->count : 0;
}

static void decode_network(struct network *net, const struct node_entry *entry, struct arena *arena)
{
    const struct node *n = entry->value, *pools = NULL;
    const struct node *ipam = node_get(n, "ipam");
    *net = (struct network){.key = entry->key,
                            .name = get_text(n, "name"),
                            .at = entry->at,
                            .config_hash = hash_network(arena, n),
                            .external = get_bool(n, "external"),
                            .driver = get_text(n, "driver"),
                            .driver_opts = get_map(arena, n, "driver_opts"),
                            .labels = get_map(arena, n, "labels"),
                            .ipam_driver = get_text(ipam, "driver"),
                            .internal = get_bool(n, "internal"),
                            .attachable = get_bool(n, "attachable"),
                            .enable_ipv4 = get_tristate(n, "enable_ipv4"),
                            .enable_ipv6 = get_tristate(n, "enable_ipv6")};
    net->name = net->name ? net->name : entry->key;
    net->pool_count = list_count(ipam, "config", &pools);
    net->pools = arena_array(arena, net->pool_count + 1, sizeof(*net->pools));
    for (size_t i = 0; i < net->pool_count; i++) {
        const struct node *pool = pools->items[i];
        net->pools[i] = (struct ipam_pool){.subnet = get_text(pool, "subnet"),
                                           .gateway = get_text(pool, "gateway"),
                                           .ip_range = get_text(pool, "ip_range"),
                                           .aux_addresses = get_map(arena, pool, "aux_addresses")};
    }
}

static void decode_volume(struct volume *volume, const struct node_entry *entry,
                          struct arena *arena)
{
    const struct node *n = entry->value;
    *volume = (struct volume){.key = entry->key,
                              .name = get_text(n, "name"),
                              .at = entry->at,
                              .config_hash = hash_volume(arena, n),
                              .external = get_bool(n, "external"),
                              .driver = get_text(n, "driver"),
                              .driver_opts = get_map(arena, n, "driver_opts"),
                              .labels = get_map(arena, n, "labels")};
    volume->name = volume->name ? volume->name : entry->key;
}

static void decode_file(struct file_object *file, const struct node_entry *entry,
                        struct arena *arena)
{
    const struct node *n = entry->value;
    const char *value = node_text(node_get(n, COMPLETE_VALUE));
    *file = (struct file_object){.key = entry->key,
                                 .name = get_text(n, "name"),
                                 .at = entry->at,
                                 .external = get_bool(n, "external"),
                                 .file = get_text(n, "file"),
                                 .environment = get_text(n, "environment"),
                                 .content = value ? value : get_text(n, "content"),
                                 .driver = get_text(n, "driver"),
                                 .template_driver = get_text(n, "template_driver"),
                                 .labels = get_map(arena, n, "labels"),
                                 .driver_opts = get_map(arena, n, "driver_opts")};
    file->name = file->name ? file->name : entry->key;
}

static const struct node *section(const struct node *root, const char *key, size_t *count)
{
    const struct node *n = node_get(root, key);
    *count = node_is(n, NODE_MAP) ? n->len : 0;
    return n;
}

static int by_name(const void *a, const void *b)
{
    const struct service *left = a, *right = b;
    return strcmp(left->name, right->name);
}

int decode_project(struct project *project, const struct node *root, struct arena *arena,
                   struct diags *diags)
{
    const struct node *n = section(root, "services", &project->service_count);
    int rc = 0;
    project->services = arena_array(arena, project->service_count + 1, sizeof(*project->services));
    for (size_t i = 0; i < project->service_count; i++) {
        struct service *s = &project->services[i];
        int one = decode_service(s, &n->entries[i], arena, diags);
        if (s->build && (!s->image || !*s->image)) { /* the name that a built image gets */
            s->image = arena_printf(arena, "%s%c%s", project->name, project->separator, s->name);
        }
        rc = rc ? rc : one;
    }
    if (project->service_count) {
        qsort(project->services, project->service_count, sizeof(*project->services), by_name);
    }
    n = section(root, "networks", &project->network_count);
    project->networks = arena_array(arena, project->network_count + 1, sizeof(*project->networks));
    for (size_t i = 0; i < project->network_count; i++) {
        decode_network(&project->networks[i], &n->entries[i], arena);
    }
    n = section(root, "volumes", &project->volume_count);
    project->volumes = arena_array(arena, project->volume_count + 1, sizeof(*project->volumes));
    for (size_t i = 0; i < project->volume_count; i++) {
        decode_volume(&project->volumes[i], &n->entries[i], arena);
    }
    n = section(root, "secrets", &project->secret_count);
    project->secrets = arena_array(arena, project->secret_count + 1, sizeof(*project->secrets));
    for (size_t i = 0; i < project->secret_count; i++) {
        decode_file(&project->secrets[i], &n->entries[i], arena);
    }
    n = section(root, "configs", &project->config_count);
    project->configs = arena_array(arena, project->config_count + 1, sizeof(*project->configs));
    for (size_t i = 0; i < project->config_count; i++) {
        decode_file(&project->configs[i], &n->entries[i], arena);
    }
    return rc;
}
