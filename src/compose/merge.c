/*
 * The merge. Pure. What is special about a key is in the table; everything else is merged by kind:
 * mappings by key, lists one after the other, the rest replaced.
 */
#include "compose/merge.h"

#include <string.h>

#include "base/vec.h"
#include "compose/unique.h"

enum merge_rule {
    MERGE_PLAIN,
    MERGE_REPLACE,    /* the override, even when it is null */
    MERGE_SEQUENCE,   /* both as K=V lists, one after the other */
    MERGE_NAMES,      /* both as mappings; a list gives null values */
    MERGE_DEPENDENCY, /* both as mappings; a list gives the default condition */
    MERGE_HOSTS,      /* K=V lists; what base has already is left out */
    MERGE_BUILD,      /* a string is the context */
    MERGE_LOGGING,    /* merged only when the driver is the same */
    MERGE_POOLS       /* IPAM configurations, by subnet */
};

static const struct rule_row merge_rows[] = {
    {"networks.*.ipam.config", MERGE_POOLS},
    {"networks.*.labels", MERGE_SEQUENCE},
    {"services.*.annotations", MERGE_SEQUENCE},
    {"services.*.build", MERGE_BUILD},
    {"services.*.build.additional_contexts", MERGE_SEQUENCE},
    {"services.*.build.args", MERGE_SEQUENCE},
    {"services.*.build.extra_hosts", MERGE_HOSTS},
    {"services.*.build.labels", MERGE_SEQUENCE},
    {"services.*.command", MERGE_REPLACE},
    {"services.*.depends_on", MERGE_DEPENDENCY},
    {"services.*.deploy.labels", MERGE_SEQUENCE},
    {"services.*.dns", MERGE_SEQUENCE},
    {"services.*.dns_opt", MERGE_SEQUENCE},
    {"services.*.dns_search", MERGE_SEQUENCE},
    {"services.*.entrypoint", MERGE_REPLACE},
    {"services.*.env_file", MERGE_SEQUENCE},
    {"services.*.environment", MERGE_SEQUENCE},
    {"services.*.extra_hosts", MERGE_HOSTS},
    {"services.*.healthcheck.test", MERGE_REPLACE},
    {"services.*.label_file", MERGE_SEQUENCE},
    {"services.*.labels", MERGE_SEQUENCE},
    {"services.*.logging", MERGE_LOGGING},
    {"services.*.models", MERGE_NAMES},
    {"services.*.networks", MERGE_NAMES},
    {"services.*.sysctls", MERGE_SEQUENCE},
    {"services.*.tmpfs", MERGE_SEQUENCE},
    {"services.*.ulimits.*", MERGE_REPLACE},
    {"volumes.*.labels", MERGE_SEQUENCE},
};

static struct node *merge_node(struct merger *m, struct node *base, struct node *over,
                               const struct rule *rule, const struct keypath *path);

static struct node *conflict(struct merger *m, struct node *base, const struct node *over,
                             const struct keypath *path)
{
    const char *text = keypath_text(m->arena, path);
    const char *hint = arena_printf(
        m->arena, "write %s, as in %s:%d, or replace the earlier value with !override",
        node_kind_name(base->kind), base->at.file ? base->at.file : "the other file",
        base->at.line);
    diags_add(m->diags, DIAG_ERROR, over->at, text, hint, "cannot override %s: %s over %s", text,
              node_kind_name(over->kind), node_kind_name(base->kind));
    return base;
}

static struct node *merge_maps(struct merger *m, struct node *base, struct node *over,
                               const struct rule *rule, const struct keypath *path)
{
    NODE_ENTRIES(entry, over)
    {
        struct node *old = node_get(base, entry->key);
        struct keypath step = {path, entry->key, 0};
        node_set(m->arena, base, entry->key, entry->at,
                 old ? merge_node(m, old, entry->value, rule_key(rule, entry->key), &step)
                     : entry->value);
    }
    return base;
}

static int by_text(const void *a, const void *b)
{
    struct node *const *left = a, *const *right = b;
    return strcmp((*left)->text, (*right)->text);
}

static void push_pair(struct merger *m, struct node *list, const struct node_entry *entry,
                      const struct node *value)
{
    const char *text = node_print(m->arena, value);
    if (value->kind == NODE_NULL) {
        node_push(m->arena, list, node_string(m->arena, entry->at, entry->key));
        return;
    }
    node_push(m->arena, list,
              node_string(m->arena, value->at,
                          arena_printf(m->arena, "%s=%s", entry->key, text ? text : "map[]")));
}

/* A mapping as sorted K=V texts, a text as a list of one. */
static struct node *to_sequence(struct merger *m, struct node *n)
{
    struct node *list = NULL;
    if (n->kind == NODE_LIST) {
        return n;
    }
    list = node_list(m->arena, n->at);
    if (n->kind == NODE_STRING) {
        node_push(m->arena, list, n);
    }
    for (size_t i = 0; n->kind == NODE_MAP && i < n->len; i++) {
        const struct node *value = n->entries[i].value;
        if (value->kind != NODE_LIST) {
            push_pair(m, list, &n->entries[i], value);
        }
        for (size_t k = 0; value->kind == NODE_LIST && k < value->count; k++) {
            push_pair(m, list, &n->entries[i], value->items[k]);
        }
    }
    if (n->kind == NODE_MAP && list->count) {
        qsort(list->items, list->count, sizeof(struct node *), by_text);
    }
    return list;
}

static struct node *append(struct merger *m, struct node *base, const struct node *over)
{
    for (size_t i = 0; i < over->count; i++) {
        node_push(m->arena, base, over->items[i]);
    }
    return base;
}

static struct node *merge_hosts(struct merger *m, struct node *base, struct node *over)
{
    size_t before = 0;
    base = to_sequence(m, base);
    over = to_sequence(m, over);
    before = base->count;
    for (size_t i = 0; i < over->count; i++) {
        bool there = false;
        for (size_t k = 0; k < before && !there; k++) {
            there = node_equal(base->items[k], over->items[i]);
        }
        if (!there) {
            node_push(m->arena, base, over->items[i]);
        }
    }
    return base;
}

/* A list of names as a mapping; anything else but a mapping as an empty one. */
static struct node *to_mapping(struct merger *m, struct node *n, enum merge_rule rule)
{
    struct node *map = NULL;
    if (n->kind == NODE_MAP) {
        return n;
    }
    map = node_map(m->arena, n->at);
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++) {
        struct pos at = n->items[i]->at;
        struct node *value = node_null(m->arena, at);
        const char *name = node_text(n->items[i]);
        if (!name) {
            diags_add(m->diags, DIAG_ERROR, at, NULL, "write a name", "expected a string, not %s",
                      node_kind_name(n->items[i]->kind));
            continue;
        }
        if (rule == MERGE_DEPENDENCY) {
            value = node_map(m->arena, at);
            node_set(m->arena, value, "condition", at,
                     node_string(m->arena, at, "service_started"));
            node_set(m->arena, value, "required", at, node_bool(m->arena, at, true));
        }
        node_set(m->arena, map, name, at, value);
    }
    return map;
}

static struct node *to_build(struct merger *m, struct node *n)
{
    struct node *map = n->kind == NODE_MAP ? n : node_map(m->arena, n->at);
    if (n->kind == NODE_STRING) {
        node_set(m->arena, map, "context", n->at, n);
    }
    return map;
}

static struct node *merge_logging(struct merger *m, struct node *base, struct node *over,
                                  const struct rule *rule, const struct keypath *path)
{
    const struct node *mine = node_get(base, "driver"), *theirs = node_get(over, "driver");
    if (base->kind == NODE_NULL || over->kind == NODE_NULL) {
        return over->kind == NODE_NULL ? base : over;
    }
    if (base->kind != NODE_MAP || over->kind != NODE_MAP) {
        return conflict(m, base, over, path);
    }
    return !mine || !theirs || node_equal(mine, theirs) ? merge_maps(m, base, over, rule, path)
                                                        : over;
}

static bool same_subnet(const struct node *a, const struct node *b)
{
    const struct node *left = node_get(a, "subnet"), *right = node_get(b, "subnet");
    return left == right || (left && right && node_equal(left, right));
}

/* Index of the pool with the subnet of `pool`, or the list's length. */
static size_t find_pool(const struct node *list, const struct node *pool)
{
    size_t i = 0;
    while (i < list->count && !same_subnet(list->items[i], pool)) {
        i++;
    }
    return i;
}

/*
 * Compares every earlier pool with every later one. Later pools that match none come first, in the
 * order in which the comparison meets them: the order is the reference's and is visible.
 */
static struct node *merge_pools(struct merger *m, struct node *base, struct node *over,
                                const struct rule *rule, const struct keypath *path)
{
    struct node *out = node_list(m->arena, base->at);
    if (base->kind != NODE_LIST || over->kind != NODE_LIST) {
        return conflict(m, base, over, path);
    }
    for (size_t i = 0; i < base->count; i++) {
        for (size_t k = 0; k < over->count; k++) {
            struct node *mine = base->items[i], *theirs = over->items[k];
            size_t at = 0;
            if (mine->kind != NODE_MAP || theirs->kind != NODE_MAP) {
                return conflict(m, base, over, path);
            }
            if (!same_subnet(mine, theirs) && find_pool(out, theirs) == out->count) {
                node_push(m->arena, out, theirs);
                continue;
            }
            mine = merge_maps(m, mine, theirs, rule, path);
            at = find_pool(out, mine);
            if (at < out->count) {
                out->items[at] = mine;
            } else {
                node_push(m->arena, out, mine);
            }
        }
    }
    return out;
}

static struct node *merge_by_kind(struct merger *m, struct node *base, struct node *over,
                                  const struct rule *rule, const struct keypath *path)
{
    if (over->kind == NODE_NULL) {
        return base;
    }
    if (base->kind == NODE_MAP) {
        return over->kind == NODE_MAP ? merge_maps(m, base, over, rule, path)
                                      : conflict(m, base, over, path);
    }
    if (base->kind == NODE_LIST) {
        return over->kind == NODE_LIST ? append(m, base, over) : conflict(m, base, over, path);
    }
    return over;
}

static struct node *merge_node(struct merger *m, struct node *base, struct node *over,
                               const struct rule *rule, const struct keypath *path)
{
    enum merge_rule kind = (enum merge_rule)rule_value(rule);
    switch (kind) {
    case MERGE_REPLACE:
        return over;
    case MERGE_SEQUENCE:
        return append(m, to_sequence(m, base), to_sequence(m, over));
    case MERGE_NAMES:
    case MERGE_DEPENDENCY:
        return merge_maps(m, to_mapping(m, base, kind), to_mapping(m, over, kind), rule, path);
    case MERGE_HOSTS:
        return merge_hosts(m, base, over);
    case MERGE_BUILD:
        return merge_maps(m, to_build(m, base), to_build(m, over), rule, path);
    case MERGE_LOGGING:
        return merge_logging(m, base, over, rule, path);
    case MERGE_POOLS:
        return merge_pools(m, base, over, rule, path);
    case MERGE_PLAIN:
        break;
    }
    return merge_by_kind(m, base, over, rule, path);
}

void merger_init(struct merger *m, struct arena *arena, struct diags *diags)
{
    *m = (struct merger){.arena = arena,
                         .diags = diags,
                         .merge = rules_compile(arena, merge_rows, ARRAY_LEN(merge_rows)),
                         .unique = unique_rules(arena)};
}

struct node *merge_files(struct merger *m, struct node *base, struct node *over)
{
    return base ? merge_node(m, base, over, m->merge, NULL) : over;
}

struct node *merge_service(struct merger *m, const char *name, struct node *base, struct node *over)
{
    struct keypath services = {NULL, "services", 0}, service = {&services, name, 0};
    return merge_node(m, base, over, rule_key(rule_key(m->merge, "services"), name), &service);
}

int merge_unique(struct merger *m, struct node *root)
{
    return unique_apply(m->arena, root, m->unique, m->diags);
}
