/*
 * Short forms to long ones, in place. Values of a kind that the table does not allow are left
 * alone: validation has told about them, or the tree is only part of a file (extends).
 */
#include "compose/canonical.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"

struct canon {
    struct arena *arena;
    struct diags *diags;
    struct buf path;
    enum canonical_tolerance tolerate;
    int rc;
};

/* NULL (in lists only): the value was reported and goes. */
typedef struct node *rewrite_fn(struct canon *c, struct node *n);

static void problem(struct canon *c, struct pos at, const char *hint, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static void problem(struct canon *c, struct pos at, const char *hint, const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    va_start(ap, fmt);
    text = xvasprintf(fmt, ap);
    va_end(ap);
    c->rc = diags_add(c->diags, DIAG_ERROR, at, buf_text(&c->path), hint, "%s", text);
    free(text);
}

static bool tolerated(const struct canon *c, const char *text)
{
    return text && (c->tolerate == TOLERATE_ALL ||
                    (c->tolerate == TOLERATE_VARIABLES && strchr(text, '$')));
}

static size_t push(struct canon *c, const char *key)
{
    size_t len = c->path.len;
    buf_printf(&c->path, "%s%s", len ? "." : "", key);
    return len;
}

/* Rewrites map[key] when it is there. */
static void at_key(struct canon *c, struct node *map, const char *key, rewrite_fn *rewrite)
{
    struct node_entry *entry = node_entry(map, key);
    if (entry && entry->value) {
        size_t len = push(c, key);
        entry->value = rewrite(c, entry->value);
        buf_truncate(&c->path, len);
    }
}

static void at_items(struct canon *c, struct node *list, rewrite_fn *rewrite)
{
    size_t len = c->path.len, kept = 0;
    if (!node_is(list, NODE_LIST)) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        struct node *item = NULL;
        buf_printf(&c->path, "[%zu]", i);
        item = rewrite(c, list->items[i]);
        buf_truncate(&c->path, len);
        if (item) {
            list->items[kept++] = item;
        }
    }
    list->count = kept;
}

static void at_entries(struct canon *c, struct node *map, rewrite_fn *rewrite)
{
    if (!node_is(map, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, map)
    {
        size_t len = push(c, entry->key);
        entry->value = rewrite(c, entry->value);
        buf_truncate(&c->path, len);
    }
}

static struct node *to_list(struct canon *c, struct node *n)
{
    struct node *list = NULL;
    if (n->kind != NODE_STRING) {
        return n;
    }
    list = node_list(c->arena, n->at);
    node_push(c->arena, list, n);
    return list;
}

static struct node *to_text(struct canon *c, struct node *n)
{
    const char *text = node_print(c->arena, n);
    return n->kind == NODE_STRING || !text ? n : node_string(c->arena, n->at, text);
}

/* A list of names to a map of nulls. */
static struct node *names_to_map(struct canon *c, struct node *n)
{
    struct node *map = NULL;
    if (n->kind != NODE_LIST) {
        return n;
    }
    map = node_map(c->arena, n->at);
    for (size_t i = 0; i < n->count; i++) {
        if (node_text(n->items[i])) {
            node_set(c->arena, map, n->items[i]->text, n->items[i]->at,
                     node_null(c->arena, n->items[i]->at));
        }
    }
    return map;
}

static struct node *file_ref(struct canon *c, struct node *n)
{
    struct node *map = NULL;
    if (n->kind != NODE_STRING) {
        return n;
    }
    map = node_map(c->arena, n->at);
    node_set(c->arena, map, "source", n->at, n);
    return map;
}

static struct node *file_refs(struct canon *c, struct node *n)
{
    at_items(c, n, file_ref);
    return n;
}

static struct node *contexts(struct canon *c, struct node *n)
{
    struct node *map = NULL;
    if (n->kind != NODE_LIST) {
        return n;
    }
    map = node_map(c->arena, n->at);
    for (size_t i = 0; i < n->count; i++) {
        const char *text = node_text(n->items[i]);
        const char *eq = text ? strchr(text, '=') : NULL;
        if (!eq && c->tolerate == TOLERATE_ALL) {
            return n;
        }
        if (!eq && tolerated(c, text)) {
            continue;
        }
        if (!eq) {
            problem(c, n->items[i]->at, "expected NAME=PATH", "\"%s\" has no \"=\"",
                    text ? text : "");
            continue;
        }
        node_set(c->arena, map, arena_strndup(c->arena, text, (size_t)(eq - text)), n->items[i]->at,
                 node_string(c->arena, n->items[i]->at, eq + 1));
    }
    return map;
}

static struct node *ssh(struct canon *c, struct node *n)
{
    struct node *map = NULL;
    if (n->kind != NODE_LIST) {
        return n;
    }
    map = node_map(c->arena, n->at);
    for (size_t i = 0; i < n->count; i++) {
        struct node *item = n->items[i];
        const char *text = node_text(item);
        const char *eq = text ? strchr(text, '=') : NULL;
        if (eq) {
            node_set(c->arena, map, arena_strndup(c->arena, text, (size_t)(eq - text)), item->at,
                     node_string(c->arena, item->at, eq + 1));
        } else if (str_eq(text, "default")) {
            node_set(c->arena, map, text, item->at, node_null(c->arena, item->at));
        } else {
            problem(c, item->at, "expected \"default\" or ID=PATH", "\"%s\" names no key or socket",
                    text ? text : "");
        }
    }
    return map;
}

static struct node *ulimit(struct canon *c, struct node *n)
{
    if (n->kind == NODE_STRING) {
        problem(c, n->at, "write it without quotes", "expected a whole number, got \"%s\"",
                n->text);
    } else if (n->kind == NODE_FLOAT) {
        problem(c, n->at, "write a whole number", "expected a whole number");
    } else {
        return n;
    }
    n = node_null(c->arena, n->at);
    n->tag = TAG_BROKEN;
    return n;
}

static struct node *ulimits(struct canon *c, struct node *n)
{
    at_entries(c, n, ulimit);
    return n;
}

static struct node *build(struct canon *c, struct node *n)
{
    if (n->kind == NODE_STRING) {
        struct node *map = node_map(c->arena, n->at);
        node_set(c->arena, map, "context", n->at, n);
        return map;
    }
    at_key(c, n, "secrets", file_refs);
    at_key(c, n, "provenance", to_text);
    at_key(c, n, "sbom", to_text);
    at_key(c, n, "additional_contexts", contexts);
    at_key(c, n, "ssh", ssh);
    at_key(c, n, "ulimits", ulimits);
    return n;
}

static void add_default(struct canon *c, struct node *map, const char *key, struct node *value)
{
    if (!node_entry(map, key)) {
        node_set(c->arena, map, key, map->at, value);
    }
}

static struct node *dependency(struct canon *c, struct node *n)
{
    if (n->kind == NODE_MAP) {
        add_default(c, n, "condition", node_string(c->arena, n->at, "service_started"));
        add_default(c, n, "required", node_bool(c->arena, n->at, true));
    } else {
        problem(c, n->at, "expected a mapping with a condition", "expected a mapping, got %s",
                node_kind_name(n->kind));
    }
    return n;
}

static struct node *depends_on(struct canon *c, struct node *n)
{
    struct node *map = n;
    if (n->kind == NODE_LIST) {
        map = node_map(c->arena, n->at);
        for (size_t i = 0; i < n->count; i++) {
            if (node_text(n->items[i])) {
                node_set(c->arena, map, n->items[i]->text, n->items[i]->at,
                         node_map(c->arena, n->items[i]->at));
            }
        }
    }
    at_entries(c, map, dependency);
    return map;
}

static struct node *env_file(struct canon *c, struct node *n)
{
    struct node *map = n;
    if (n->kind == NODE_STRING) {
        map = node_map(c->arena, n->at);
        node_set(c->arena, map, "path", n->at, n);
    }
    if (map->kind == NODE_MAP) {
        add_default(c, map, "required", node_bool(c->arena, n->at, true));
    }
    return map;
}

static struct node *env_files(struct canon *c, struct node *n)
{
    n = to_list(c, n);
    at_items(c, n, env_file);
    return n;
}

static struct node *gpus(struct canon *c, struct node *n)
{
    struct node *list = NULL, *map = NULL;
    if (n->kind != NODE_STRING) {
        return n;
    }
    list = node_list(c->arena, n->at);
    map = node_map(c->arena, n->at);
    node_set(c->arena, map, "count", n->at, node_string(c->arena, n->at, "all"));
    node_push(c->arena, list, map);
    return list;
}

static struct node *volume(struct canon *c, struct node *n)
{
    const char *why = NULL;
    struct node *map = n->kind == NODE_STRING ? canonical_volume(c->arena, n->at, n->text, &why)
                                              : n;
    if (!map && !tolerated(c, n->text)) {
        problem(c, n->at, "expected [SOURCE:]TARGET[:OPTIONS]", "invalid volume \"%s\": %s",
                n->text, why);
        return NULL;
    }
    return map ? map : n;
}

static struct node *volumes(struct canon *c, struct node *n)
{
    at_items(c, n, volume);
    return n;
}

static struct node *device(struct canon *c, struct node *n)
{
    struct strv parts = {0};
    struct node *map = NULL;
    const char *target = NULL;
    if (n->kind != NODE_STRING) {
        return n;
    }
    str_split(n->text, ':', &parts);
    if (parts.len > 3 && !tolerated(c, n->text)) {
        problem(c, n->at, "use source, target and permissions as keys",
                "\"%s\" has too many colons for a device", n->text);
        strv_release(&parts);
        return NULL;
    }
    target = parts.len > 1 && parts.len <= 3 && *parts.items[1] ? parts.items[1] : parts.items[0];
    map = node_map(c->arena, n->at);
    node_set(c->arena, map, "source", n->at, node_string(c->arena, n->at, parts.items[0]));
    node_set(c->arena, map, "target", n->at, node_string(c->arena, n->at, target));
    node_set(c->arena, map, "permissions", n->at,
             node_string(c->arena, n->at, parts.len == 3 ? parts.items[2] : "rwm"));
    strv_release(&parts);
    return map;
}

static struct node *devices(struct canon *c, struct node *n)
{
    at_items(c, n, device);
    return n;
}

/* One entry may stand for many ports, so the list is made anew. */
static struct node *ports(struct canon *c, struct node *n)
{
    struct node *list = NULL;
    size_t len = c->path.len;
    if (n->kind != NODE_LIST) {
        return n;
    }
    list = node_list(c->arena, n->at);
    for (size_t i = 0; i < n->count; i++) {
        struct node *item = n->items[i];
        const char *why = NULL;
        const char *text = item->kind == NODE_INT ? node_print(c->arena, item) : node_text(item);
        if (!text && item->kind == NODE_MAP) {
            node_push(c->arena, list, item);
            continue;
        }
        if (text && canonical_port(c->arena, list, item->at, text, &why)) {
            continue;
        }
        if (tolerated(c, text)) {
            if (c->tolerate == TOLERATE_ALL) {
                return n;
            }
            continue;
        }
        buf_printf(&c->path, "[%zu]", i);
        problem(c, item->at, "expected [[IP:]HOST:]CONTAINER[/tcp|udp|sctp]",
                "invalid port \"%s\": %s", text ? text : node_print(c->arena, item),
                why ? why : "it is not a whole number");
        buf_truncate(&c->path, len);
    }
    return list;
}

/* Empty servers are dropped. */
static struct node *dns(struct canon *c, struct node *n)
{
    size_t kept = 0;
    n = to_list(c, n);
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++) {
        bool empty = n->items[i]->kind == NODE_NULL || str_eq(node_text(n->items[i]), "");
        if (!empty) {
            n->items[kept++] = n->items[i];
        }
    }
    if (n->kind == NODE_LIST) {
        n->count = kept;
    }
    return n;
}

static struct node *watch(struct canon *c, struct node *n)
{
    at_key(c, n, "ignore", to_list);
    at_key(c, n, "include", to_list);
    return n;
}

static struct node *watches(struct canon *c, struct node *n)
{
    at_items(c, n, watch);
    return n;
}

static struct node *develop(struct canon *c, struct node *n)
{
    at_key(c, n, "watch", watches);
    return n;
}

static struct node *service(struct canon *c, struct node *n)
{
    static const struct {
        const char *key;
        rewrite_fn *rewrite;
    } rows[] = {
        {"build", build},           {"configs", file_refs},
        {"depends_on", depends_on}, {"develop", develop},
        {"devices", devices},       {"dns", dns},
        {"env_file", env_files},    {"gpus", gpus},
        {"label_file", to_list},    {"models", names_to_map},
        {"networks", names_to_map}, {"ports", ports},
        {"secrets", file_refs},     {"ulimits", ulimits},
        {"volumes", volumes},
    };
    for (size_t i = 0; n->kind == NODE_MAP && i < ARRAY_LEN(rows); i++) {
        at_key(c, n, rows[i].key, rows[i].rewrite);
    }
    return n;
}

static struct node *services(struct canon *c, struct node *n)
{
    at_entries(c, n, service);
    return n;
}

/* external: {name: x}, the old form, becomes external: true and name: x. */
static struct node *resource(struct canon *c, struct node *n)
{
    struct node *external = node_get(n, "external");
    struct node *name = node_get(n, "name");
    struct node *old = node_get(external, "name");
    if (!node_is(external, NODE_MAP)) {
        return n;
    }
    node_set(c->arena, n, "external", external->at, node_bool(c->arena, external->at, true));
    if (old) {
        diags_add(c->diags, DIAG_WARNING, old->at, buf_text(&c->path),
                  "write name: NAME and external: true", "external.name is deprecated");
    }
    if (old && name && !node_equal(old, name)) {
        problem(c, old->at, "keep name, and write external: true",
                "name and external.name are different");
    } else if (old && !name) {
        node_set(c->arena, n, "name", old->at, old);
    }
    return n;
}

static struct node *resources(struct canon *c, struct node *n)
{
    at_entries(c, n, resource);
    return n;
}

int canonical_forms(struct node *root, struct arena *arena, enum canonical_tolerance tolerate,
                    struct diags *diags)
{
    static const char *const sections[] = {"networks", "volumes", "secrets", "configs"};
    struct canon c = {.arena = arena, .diags = diags, .tolerate = tolerate};
    at_key(&c, root, "services", services);
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        at_key(&c, root, sections[i], resources);
    }
    buf_release(&c.path);
    return c.rc;
}
