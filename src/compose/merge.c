/*
 * The merge: a table says by path which values are joined in a way of their own, everything else
 * goes by kind (maps by key, lists one after the other, scalars replaced). Pure.
 */
#include "compose/merge.h"

#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"
#include "compose/canonical.h"
#include "compose/path.h"

struct merge {
    struct arena *arena;
    struct diags *diags;
    struct key_path path;
};

typedef struct node *merge_fn(struct merge *m, struct node *base, struct node *over);

static struct node *merge_any(struct merge *m, struct node *base, struct node *over);
static struct node *merge_maps(struct merge *m, struct node *base, struct node *over);

/* --- forms --- */

/* A map or list or text as a list of texts "K=V"; null values as "K". */
static struct node *as_sequence(struct merge *m, struct node *n)
{
    struct node *list = NULL;
    if (n->kind == NODE_LIST || n->kind == NODE_NULL) {
        return n;
    }
    list = node_list(m->arena, n->at);
    if (n->kind != NODE_MAP) {
        node_push(m->arena, list, n);
        return list;
    }
    NODE_ENTRIES(e, n)
    {
        const char *value = node_print(m->arena, e->value);
        struct node *item = NULL;
        if (!value) { /* a list or map inside: the schema will say so */
            return n;
        }
        item = node_string(
            m->arena, e->at,
            e->value->kind == NODE_NULL ? e->key : arena_printf(m->arena, "%s=%s", e->key, value));
        node_push(m->arena, list, item);
    }
    return list;
}

/* A list of names as a map of copies of `value`. */
static struct node *as_map(struct merge *m, struct node *n, const struct node *value)
{
    struct node *map = NULL;
    if (n->kind != NODE_LIST) {
        return n;
    }
    map = node_map(m->arena, n->at);
    for (size_t i = 0; i < n->count; i++) {
        const char *name = node_text(n->items[i]);
        if (!name) {
            return n;
        }
        struct node *v = node_copy(m->arena, value);
        v->at = n->items[i]->at;
        node_set(m->arena, map, name, n->items[i]->at, v);
    }
    return map;
}

static struct node *conflict(struct merge *m, struct node *base, struct node *over)
{
    CLEANUP_FREE char *path = key_path_text(&m->path);
    CLEANUP_FREE char *hint = xasprintf("write it as %s, as in %s:%d", node_kind_name(base->kind),
                                        base->at.file ? base->at.file : "the other file",
                                        base->at.line);
    diags_add(m->diags, DIAG_ERROR, over->at, path, hint, "cannot override %s with %s",
              node_kind_name(base->kind), node_kind_name(over->kind));
    return base;
}

/* --- rules --- */

static struct node *replace(struct merge *m, struct node *base, struct node *over)
{
    (void)m;
    (void)base;
    return over;
}

static struct node *append(struct merge *m, struct node *base, struct node *over)
{
    for (size_t i = 0; i < over->count; i++) {
        node_push(m->arena, base, over->items[i]);
    }
    return base;
}

static struct node *join_sequences(struct merge *m, struct node *base, struct node *over)
{
    struct node *b = as_sequence(m, base), *o = as_sequence(m, over);
    if (b->kind == NODE_NULL || o->kind == NODE_NULL) {
        return b->kind == NODE_NULL ? o : b;
    }
    return b->kind == NODE_LIST && o->kind == NODE_LIST ? append(m, b, o) : conflict(m, base, over);
}

/* extra_hosts: a union of exact texts */
static struct node *join_hosts(struct merge *m, struct node *base, struct node *over)
{
    struct node *b = as_sequence(m, base), *o = as_sequence(m, over);
    if (b->kind != NODE_LIST || o->kind != NODE_LIST) {
        return join_sequences(m, base, over);
    }
    for (size_t i = 0; i < o->count; i++) {
        bool there = false;
        for (size_t k = 0; k < b->count && !there; k++) {
            there = node_equal(b->items[k], o->items[i]);
        }
        if (!there) {
            node_push(m->arena, b, o->items[i]);
        }
    }
    return b;
}

static struct node *join_depends_on(struct merge *m, struct node *base, struct node *over)
{
    struct node *plain = node_map(m->arena, over->at);
    node_set(m->arena, plain, "condition", over->at,
             node_string(m->arena, over->at, "service_started"));
    node_set(m->arena, plain, "required", over->at, node_bool(m->arena, over->at, true));
    return merge_maps(m, as_map(m, base, plain), as_map(m, over, plain));
}

static struct node *join_named(struct merge *m, struct node *base, struct node *over)
{
    struct node *none = node_null(m->arena, over->at);
    return merge_maps(m, as_map(m, base, none), as_map(m, over, none));
}

static struct node *join_build(struct merge *m, struct node *base, struct node *over)
{
    struct node *both[] = {base, over};
    for (size_t i = 0; i < 2; i++) {
        if (both[i]->kind == NODE_STRING) {
            struct node *map = node_map(m->arena, both[i]->at);
            node_set(m->arena, map, "context", both[i]->at, both[i]);
            both[i] = map;
        }
    }
    return merge_maps(m, both[0], both[1]);
}

static struct node *join_logging(struct merge *m, struct node *base, struct node *over)
{
    struct node *b = node_get(base, "driver"), *o = node_get(over, "driver");
    return !b || !o || node_equal(b, o) ? merge_maps(m, base, over) : over;
}

static struct node *join_pools(struct merge *m, struct node *base, struct node *over)
{
    struct node *list = NULL;
    if (base->kind != NODE_LIST || over->kind != NODE_LIST) {
        return conflict(m, base, over);
    }
    list = node_list(m->arena, over->at);
    for (size_t i = 0; i < base->count; i++) {
        struct node *b = base->items[i], *subnet = node_get(b, "subnet");
        for (size_t k = 0; k < over->count; k++) {
            struct node *o = over->items[k];
            if (o && subnet && node_get(o, "subnet") && node_equal(subnet, node_get(o, "subnet"))) {
                b = merge_maps(m, b, o);
                over->items[k] = NULL;
            }
        }
        node_push(m->arena, list, b);
    }
    for (size_t k = 0; k < over->count; k++) {
        if (over->items[k]) {
            node_push(m->arena, list, over->items[k]);
        }
    }
    return list;
}

static const struct {
    const char *pattern;
    merge_fn *join;
    bool null_counts; /* null in the override is a value, not "nothing said" */
} rules[] = {
    {"networks.*.ipam.config", join_pools, false},
    {"networks.*.labels", join_sequences, false},
    {"volumes.*.labels", join_sequences, false},
    {"services.*.annotations", join_sequences, false},
    {"services.*.build", join_build, false},
    {"services.*.build.additional_contexts", join_sequences, false},
    {"services.*.build.args", join_sequences, false},
    {"services.*.build.extra_hosts", join_hosts, false},
    {"services.*.build.labels", join_sequences, false},
    {"services.*.command", replace, true},
    {"services.*.depends_on", join_depends_on, false},
    {"services.*.deploy.labels", join_sequences, false},
    {"services.*.dns", join_sequences, false},
    {"services.*.dns_opt", join_sequences, false},
    {"services.*.dns_search", join_sequences, false},
    {"services.*.entrypoint", replace, true},
    {"services.*.env_file", join_sequences, false},
    {"services.*.environment", join_sequences, false},
    {"services.*.extra_hosts", join_hosts, false},
    {"services.*.healthcheck.test", replace, true},
    {"services.*.label_file", join_sequences, false},
    {"services.*.labels", join_sequences, false},
    {"services.*.logging", join_logging, false},
    {"services.*.models", join_named, false},
    {"services.*.networks", join_named, false},
    {"services.*.provider", replace, false},
    {"services.*.sysctls", join_sequences, false},
    {"services.*.tmpfs", join_sequences, false},
    {"services.*.ulimits.*", replace, false},
    {"services.*.volumes.[].volume.labels", join_sequences, false},
};

static struct node *merge_maps(struct merge *m, struct node *base, struct node *over)
{
    if (base->kind == NODE_NULL || over->kind == NODE_NULL) {
        return base->kind == NODE_NULL ? over : base;
    }
    if (base->kind != NODE_MAP || over->kind != NODE_MAP) {
        return conflict(m, base, over);
    }
    NODE_ENTRIES(o, over)
    {
        struct node *b = node_get(base, o->key);
        if (!b || o->value->tag == TAG_RESET || o->value->tag == TAG_OVERRIDE) {
            node_set(m->arena, base, o->key, o->at, o->value);
            continue;
        }
        if (b->tag == TAG_RESET) { /* given anew after a reset of its own file */
            node_set(m->arena, base, o->key, o->at, o->value);
            o->value->tag = TAG_OVERRIDE;
            continue;
        }
        if (!key_path_push(&m->path, o->key)) {
            continue;
        }
        enum node_tag kept = b->tag;
        struct node *merged = merge_any(m, b, o->value);
        merged->tag = kept;
        node_set(m->arena, base, o->key, o->at, merged);
        key_path_pop(&m->path);
    }
    return base;
}

static struct node *merge_any(struct merge *m, struct node *base, struct node *over)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (key_path_matches(&m->path, rules[i].pattern)) {
            if (over->kind == NODE_NULL && !rules[i].null_counts) {
                return base;
            }
            return base->kind == NODE_NULL ? over : rules[i].join(m, base, over);
        }
    }
    if (over->kind == NODE_NULL || base->kind == NODE_NULL) {
        return over->kind == NODE_NULL ? base : over;
    }
    if (base->kind == NODE_MAP) {
        return merge_maps(m, base, over);
    }
    if (base->kind == NODE_LIST) {
        return over->kind == NODE_LIST ? append(m, base, over) : conflict(m, base, over);
    }
    return over;
}

struct node *merge_trees(struct arena *arena, struct node *base, struct node *over,
                         const char *path, struct diags *diags)
{
    struct merge m = {.arena = arena, .diags = diags};
    if (!base || base->kind == NODE_NULL) {
        return over;
    }
    key_path_set(&m.path, path);
    return merge_any(&m, base, over);
}

void merge_strip_tags(struct node *n)
{
    n->tag = n->tag == TAG_OVERRIDE ? TAG_NONE : n->tag;
    if (n->kind == NODE_LIST) {
        size_t kept = 0;
        for (size_t i = 0; i < n->count; i++) {
            if (n->items[i]->tag != TAG_RESET) {
                n->items[kept++] = n->items[i];
                merge_strip_tags(n->items[i]);
            }
        }
        n->count = kept;
    } else if (n->kind == NODE_MAP) {
        for (size_t i = 0; i < n->len;) {
            if (n->entries[i].value->tag == TAG_RESET) {
                node_remove(n, n->entries[i].key);
            } else {
                merge_strip_tags(n->entries[i++].value);
            }
        }
    }
}

/* --- entries that are there once --- */

/* The key of an entry in the arena, or NULL when it has none (it then stays as it is). */
typedef const char *key_fn(struct arena *a, const struct node *item);

static const char *key_of_pair(struct arena *a, const struct node *item)
{
    const char *s = node_print(a, item);
    return s ? arena_strndup(a, s, strcspn(s, "=")) : NULL;
}

static const char *key_of_text(struct arena *a, const struct node *item)
{
    return node_print(a, item);
}

static const char *member(struct arena *a, const struct node *item, const char *key,
                          const char *fallback)
{
    const struct node *v = node_get(item, key);
    const char *s = v ? node_print(a, v) : NULL;
    return s ? s : fallback;
}

static const char *key_of_port(struct arena *a, const struct node *item)
{
    const struct node *published = node_get(item, "published");
    if (item->kind != NODE_MAP) {
        return node_print(a, item);
    }
    /* 80 and "80" are two keys in the reference: a number is told apart */
    return arena_printf(a, "%s:%s%s:%s/%s", member(a, item, "host_ip", "0.0.0.0"),
                        published && published->kind == NODE_INT ? "#" : "",
                        member(a, item, "published", ""), member(a, item, "target", ""),
                        member(a, item, "protocol", "tcp"));
}

static const char *key_of_volume(struct arena *a, const struct node *item)
{
    const char *why = NULL, *text = node_text(item);
    const struct node *parsed = text ? canonical_volume(a, item->at, text, &why) : item;
    return parsed ? member(a, parsed, "target", NULL) : text;
}

static const char *key_of_mount(struct arena *a, const struct node *item, const char *dir)
{
    const char *source = node_text(item);
    const char *target = source ? NULL : member(a, item, "target", NULL);
    source = source ? source : member(a, item, "source", NULL);
    return target ? target : source ? arena_printf(a, "%s/%s", dir, source) : NULL;
}

static const char *key_of_secret(struct arena *a, const struct node *item)
{
    return key_of_mount(a, item, "/run/secrets");
}

static const char *key_of_config(struct arena *a, const struct node *item)
{
    return key_of_mount(a, item, "");
}

static const char *key_of_env_file(struct arena *a, const struct node *item)
{
    return node_text(item) ? node_text(item) : member(a, item, "path", NULL);
}

static const struct {
    const char *pattern;
    key_fn *key;
} unique[] = {
    {"networks.*.labels", key_of_pair},
    {"services.*.annotations", key_of_pair},
    {"services.*.build.additional_contexts", key_of_pair},
    {"services.*.build.args", key_of_pair},
    {"services.*.build.labels", key_of_pair},
    {"services.*.build.platforms", key_of_pair},
    {"services.*.build.tags", key_of_pair},
    {"services.*.cap_add", key_of_pair},
    {"services.*.cap_drop", key_of_pair},
    {"services.*.configs", key_of_config},
    {"services.*.deploy.labels", key_of_pair},
    {"services.*.devices", key_of_volume},
    {"services.*.dns", key_of_pair},
    {"services.*.dns_opt", key_of_pair},
    {"services.*.dns_search", key_of_pair},
    {"services.*.env_file", key_of_env_file},
    {"services.*.environment", key_of_pair},
    {"services.*.expose", key_of_text},
    {"services.*.labels", key_of_pair},
    {"services.*.links", key_of_pair},
    {"services.*.networks.*.aliases", key_of_pair},
    {"services.*.networks.*.link_local_ips", key_of_pair},
    {"services.*.ports", key_of_port},
    {"services.*.profiles", key_of_pair},
    {"services.*.secrets", key_of_secret},
    {"services.*.sysctls", key_of_pair},
    {"services.*.tmpfs", key_of_pair},
    {"services.*.volumes", key_of_volume},
};

static void keep_last(struct arena *a, struct node *list, key_fn *key)
{
    struct map seen = {0};
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        const char *k = key(a, list->items[i]);
        uintptr_t at = k ? (uintptr_t)map_get(&seen, k) : 0;
        if (at) {
            list->items[at - 1] = list->items[i];
            continue;
        }
        list->items[kept++] = list->items[i];
        if (k) {
            map_set(&seen, k, (void *)(uintptr_t)kept);
        }
    }
    list->count = kept;
    map_release(&seen);
}

static void unique_below(struct arena *a, struct node *n, struct key_path *path)
{
    if (n->kind == NODE_LIST) {
        for (size_t i = 0; i < ARRAY_LEN(unique); i++) {
            if (key_path_matches(path, unique[i].pattern)) {
                keep_last(a, n, unique[i].key);
                return;
            }
        }
    } else if (n->kind == NODE_MAP) {
        NODE_ENTRIES(e, n)
        {
            if (key_path_push(path, e->key)) {
                unique_below(a, e->value, path);
                key_path_pop(path);
            }
        }
    }
}

int merge_unique(struct arena *arena, struct node *root, const char *path, struct diags *diags)
{
    struct key_path p = {0};
    (void)diags;
    key_path_set(&p, path);
    unique_below(arena, root, &p);
    return 0;
}
