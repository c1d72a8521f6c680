/*
 * Duplicates in lists: which lists have a key, and what it is. Pure. Runs after every merge, so the
 * entries may be in short and long form at once.
 */
#include "compose/unique.h"

#include <stdint.h>
#include <string.h>

#include "base/map.h"
#include "compose/canonical.h"

enum unique_rule {
    UNIQUE_NONE,
    UNIQUE_PAIR,     /* up to "=" */
    UNIQUE_EXPOSE,   /* a number or text, as it is printed */
    UNIQUE_PORT,     /* address, published, target, protocol */
    UNIQUE_VOLUME,   /* target */
    UNIQUE_DEVICE,   /* target */
    UNIQUE_SECRET,   /* target below /run/secrets */
    UNIQUE_CONFIG,   /* target below / */
    UNIQUE_ENV_FILE, /* path */
    UNIQUE_RULE_COUNT
};

static const struct rule_row unique_rows[] = {
    {"networks.*.ipam.options", UNIQUE_PAIR},
    {"networks.*.labels", UNIQUE_PAIR},
    {"services.*.annotations", UNIQUE_PAIR},
    {"services.*.build.additional_contexts", UNIQUE_PAIR},
    {"services.*.build.args", UNIQUE_PAIR},
    {"services.*.build.labels", UNIQUE_PAIR},
    {"services.*.build.platform", UNIQUE_PAIR},
    {"services.*.build.tags", UNIQUE_PAIR},
    {"services.*.cap_add", UNIQUE_PAIR},
    {"services.*.cap_drop", UNIQUE_PAIR},
    {"services.*.configs", UNIQUE_CONFIG},
    {"services.*.deploy.labels", UNIQUE_PAIR},
    {"services.*.devices", UNIQUE_DEVICE},
    {"services.*.dns", UNIQUE_PAIR},
    {"services.*.dns_opt", UNIQUE_PAIR},
    {"services.*.dns_search", UNIQUE_PAIR},
    {"services.*.env_file", UNIQUE_ENV_FILE},
    {"services.*.environment", UNIQUE_PAIR},
    {"services.*.expose", UNIQUE_EXPOSE},
    {"services.*.labels", UNIQUE_PAIR},
    {"services.*.links", UNIQUE_PAIR},
    {"services.*.networks.*.aliases", UNIQUE_PAIR},
    {"services.*.networks.*.link_local_ips", UNIQUE_PAIR},
    {"services.*.ports", UNIQUE_PORT},
    {"services.*.profiles", UNIQUE_PAIR},
    {"services.*.secrets", UNIQUE_SECRET},
    {"services.*.sysctls", UNIQUE_PAIR},
    {"services.*.tmpfs", UNIQUE_PAIR},
    {"services.*.volumes", UNIQUE_VOLUME},
};

struct uniquer {
    struct arena *arena;
    struct diags *diags;
    size_t errors;
};

static const char *complain(struct uniquer *u, const struct node *n, const struct keypath *path,
                            const char *text, const char *hint)
{
    u->errors++;
    diags_add(u->diags, DIAG_ERROR, n->at, keypath_text(u->arena, path), hint, "%s", text);
    return NULL;
}

/* What a member of a long form is, kept apart by kind: 80 and "80" are two. */
static const char *member(struct uniquer *u, const struct node *map, const char *key,
                          const char *fallback)
{
    const struct node *n = node_get(map, key);
    const char *text = n ? node_print(u->arena, n) : NULL;
    if (!n) {
        return fallback;
    }
    return arena_printf(u->arena, "%s%s", n->kind == NODE_STRING ? "" : "#", text ? text : "");
}

static const char *port_key(struct uniquer *u, const struct node *n, const struct keypath *path)
{
    if (n->kind != NODE_MAP) {
        return n->kind == NODE_INT || n->kind == NODE_STRING ? node_print(u->arena, n) : "";
    }
    if (!node_get(n, "target")) {
        return complain(u, n, path, "this port has no target", "add target: PORT");
    }
    return arena_printf(u->arena, "%s:%s:%s/%s", member(u, n, "host_ip", "0.0.0.0"),
                        member(u, n, "published", "#"), member(u, n, "target", ""),
                        member(u, n, "protocol", "tcp"));
}

/* The member `target` of a long form. */
static const char *target_key(struct uniquer *u, const struct node *n, const struct keypath *path,
                              const char *what)
{
    const char *target = node_text(node_get(n, "target"));
    return target ? target
                  : complain(u, n, path, arena_printf(u->arena, "this %s has no target", what),
                             "add target: PATH");
}

static const char *volume_key(struct uniquer *u, const struct node *n, const struct keypath *path)
{
    const struct node *parsed = NULL;
    const char *why = NULL;
    if (n->kind == NODE_MAP) {
        return target_key(u, n, path, "volume");
    }
    if (n->kind != NODE_STRING) {
        return "";
    }
    parsed = canonical_volume(u->arena, n->at, n->text, &why);
    if (!parsed) {
        return strchr(n->text, '$') ? n->text /* --no-interpolate */
                                    : complain(u, n, path, why, "write [SOURCE:]TARGET[:OPTIONS]");
    }
    why = node_text(node_get(parsed, "target"));
    return why ? why : "";
}

static const char *device_key(struct uniquer *u, const struct node *n, const struct keypath *path)
{
    const char *colon = NULL;
    if (n->kind == NODE_MAP) {
        return target_key(u, n, path, "device");
    }
    if (n->kind != NODE_STRING) {
        return "";
    }
    colon = strchr(n->text, ':');
    return colon ? arena_strndup(u->arena, colon + 1, strcspn(colon + 1, ":")) : n->text;
}

static const char *mount_key(struct uniquer *u, const struct node *n, const struct keypath *path,
                             const char *folder)
{
    const struct node *source = n->kind == NODE_MAP ? node_get(n, "source") : n;
    const struct node *target = node_get(n, "target");
    const char *text = source ? node_print(u->arena, source) : "";
    if (n->kind != NODE_STRING && n->kind != NODE_MAP) {
        return complain(u, n, path, "this is neither a name nor a mapping",
                        "write a name, or {source: NAME, target: PATH}");
    }
    if (target) {
        return node_text(target) ? node_text(target)
                                 : complain(u, n, path, "target is no string", "write a path");
    }
    return arena_printf(u->arena, "%s/%s", folder, text ? text : "");
}

static const char *env_file_key(struct uniquer *u, const struct node *n, const struct keypath *path)
{
    if (n->kind != NODE_MAP) {
        return n->kind == NODE_STRING ? n->text : "";
    }
    return node_text(node_get(n, "path"))
               ? node_text(node_get(n, "path"))
               : complain(u, n, path, "this env_file has no path", "add path: FILE");
}

/* NULL after a problem. */
static const char *entry_key(struct uniquer *u, enum unique_rule rule, const struct node *n,
                             const struct keypath *path)
{
    switch (rule) {
    case UNIQUE_PAIR:
        return n->kind == NODE_STRING ? arena_strndup(u->arena, n->text, strcspn(n->text, "="))
                                      : complain(u, n, path,
                                                 arena_printf(u->arena, "expected a string, not %s",
                                                              node_kind_name(n->kind)),
                                                 "put the value in quotes");
    case UNIQUE_EXPOSE:
        return n->kind == NODE_STRING || n->kind == NODE_INT
                   ? node_print(u->arena, n)
                   : complain(u, n, path, "this is no port", "write a port: 80 or \"80/udp\"");
    case UNIQUE_PORT:
        return port_key(u, n, path);
    case UNIQUE_VOLUME:
        return volume_key(u, n, path);
    case UNIQUE_DEVICE:
        return device_key(u, n, path);
    case UNIQUE_SECRET:
        return mount_key(u, n, path, "/run/secrets");
    case UNIQUE_CONFIG:
        return mount_key(u, n, path, "");
    case UNIQUE_ENV_FILE:
        return env_file_key(u, n, path);
    case UNIQUE_NONE:
    case UNIQUE_RULE_COUNT:
        break;
    }
    return NULL;
}

static void keep_last(struct uniquer *u, enum unique_rule rule, struct node *list,
                      const struct keypath *path)
{
    struct map seen = {0};
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct keypath step = {path, NULL, i};
        struct node *n = list->items[i];
        const char *key = n->tag == TAG_BROKEN ? NULL : entry_key(u, rule, n, &step);
        uintptr_t at = key ? (uintptr_t)map_get(&seen, key) : 0;
        if (at) {
            list->items[at - 1] = n;
            continue;
        }
        list->items[kept++] = n;
        if (key) {
            map_set(&seen, key, (void *)(uintptr_t)kept);
        }
    }
    list->count = kept;
    map_release(&seen);
}

static void walk(struct uniquer *u, struct node *n, const struct rule *rule,
                 const struct keypath *path)
{
    if (!rule) {
        return;
    }
    if (n->kind == NODE_LIST && rule_value(rule)) {
        keep_last(u, (enum unique_rule)rule_value(rule), n, path);
    }
    for (size_t i = 0; n->kind == NODE_MAP && i < n->len; i++) {
        struct keypath step = {path, n->entries[i].key, 0};
        walk(u, n->entries[i].value, rule_key(rule, step.key), &step);
    }
}

const struct rule *unique_rules(struct arena *arena)
{
    return rules_compile(arena, unique_rows, ARRAY_LEN(unique_rows));
}

int unique_apply(struct arena *arena, struct node *root, const struct rule *rules,
                 struct diags *diags)
{
    struct uniquer u = {.arena = arena, .diags = diags};
    walk(&u, root, rules, NULL);
    return u.errors ? -ERR_COMPOSE : 0;
}
