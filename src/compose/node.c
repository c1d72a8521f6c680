/*
 * The tree's own operations. Pure. Maps keep the order of the file; those with many keys carry a
 * hash index, so that a file of ten thousand services stays linear.
 */
#include "compose/node.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { INDEX_FROM = 12, GO_EXPONENT = 6 };

static struct node *new_node(struct arena *a, struct pos at, enum node_kind kind)
{
    struct node *n = arena_alloc(a, sizeof(*n));
    n->kind = kind;
    n->at = at;
    return n;
}

struct node *node_null(struct arena *a, struct pos at)
{
    return new_node(a, at, NODE_NULL);
}

struct node *node_bool(struct arena *a, struct pos at, bool value)
{
    struct node *n = new_node(a, at, NODE_BOOL);
    n->boolean = value;
    return n;
}

struct node *node_int(struct arena *a, struct pos at, int64_t value)
{
    struct node *n = new_node(a, at, NODE_INT);
    n->integer = value;
    return n;
}

struct node *node_uint(struct arena *a, struct pos at, uint64_t value)
{
    struct node *n = node_int(a, at, (int64_t)value);
    n->is_unsigned = value > INT64_MAX;
    return n;
}

struct node *node_float(struct arena *a, struct pos at, double value)
{
    struct node *n = new_node(a, at, NODE_FLOAT);
    n->real = value;
    return n;
}

struct node *node_string(struct arena *a, struct pos at, const char *text)
{
    struct node *n = new_node(a, at, NODE_STRING);
    n->text = arena_strdup(a, text);
    return n;
}

struct node *node_list(struct arena *a, struct pos at)
{
    return new_node(a, at, NODE_LIST);
}

struct node *node_map(struct arena *a, struct pos at)
{
    return new_node(a, at, NODE_MAP);
}

void node_push(struct arena *a, struct node *list, struct node *item)
{
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 4;
        struct node **items = arena_array(a, cap, sizeof(struct node *));
        if (list->count) {
            memcpy(items, list->items, list->count * sizeof(*items));
        }
        list->items = items;
        list->cap = cap;
    }
    list->items[list->count++] = item;
}

static uint64_t hash_key(const char *key)
{
    /* FNV-1a; the keys are the user's own file, and a bad spread only costs time. */
    uint64_t h = UINT64_C(14695981039346656037);
    for (; *key; key++) {
        h = (h ^ (unsigned char)*key) * UINT64_C(1099511628211);
    }
    return h;
}

static void index_put(struct node *map, size_t at)
{
    size_t slot = hash_key(map->entries[at].key) & (map->slot_count - 1);
    while (map->slots[slot]) {
        slot = (slot + 1) & (map->slot_count - 1);
    }
    map->slots[slot] = (uint32_t)(at + 1);
}

static void index_rebuild(struct node *map)
{
    memset(map->slots, 0, map->slot_count * sizeof(*map->slots));
    for (size_t i = 0; i < map->len; i++) {
        index_put(map, i);
    }
}

struct node_entry *node_entry(const struct node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP) {
        return NULL;
    }
    if (!map->slots) {
        NODE_ENTRIES(entry, map)
        {
            if (strcmp(entry->key, key) == 0) {
                return entry;
            }
        }
        return NULL;
    }
    for (size_t slot = hash_key(key) & (map->slot_count - 1); map->slots[slot];
         slot = (slot + 1) & (map->slot_count - 1)) {
        struct node_entry *entry = &map->entries[map->slots[slot] - 1];
        if (strcmp(entry->key, key) == 0) {
            return entry;
        }
    }
    return NULL;
}

struct node *node_get(const struct node *map, const char *key)
{
    struct node_entry *entry = node_entry(map, key);
    return entry ? entry->value : NULL;
}

static void grow_map(struct arena *a, struct node *map)
{
    size_t cap = map->entry_cap ? map->entry_cap * 2 : 4;
    struct node_entry *entries = arena_array(a, cap, sizeof(*entries));
    if (map->len) {
        memcpy(entries, map->entries, map->len * sizeof(*entries));
    }
    map->entries = entries;
    map->entry_cap = cap;
    if (cap > INDEX_FROM) {
        map->slot_count = 16;
        while (map->slot_count < cap * 2) {
            map->slot_count *= 2;
        }
        map->slots = arena_array(a, map->slot_count, sizeof(*map->slots));
        index_rebuild(map);
    }
}

void node_set(struct arena *a, struct node *map, const char *key, struct pos key_at,
              struct node *value)
{
    struct node_entry *entry = node_entry(map, key);
    if (entry) {
        entry->value = value;
        return;
    }
    if (map->len == map->entry_cap) {
        grow_map(a, map);
    }
    map->entries[map->len++] = (struct node_entry){
        .key = arena_strdup(a, key), .at = key_at, .value = value};
    if (map->slots) {
        index_put(map, map->len - 1);
    }
}

bool node_remove(struct node *map, const char *key)
{
    struct node_entry *entry = node_entry(map, key);
    size_t at = 0;
    if (!entry) {
        return false;
    }
    at = (size_t)(entry - map->entries);
    memmove(entry, entry + 1, (map->len - at - 1) * sizeof(*entry));
    map->len--;
    if (map->slots) {
        index_rebuild(map);
    }
    return true;
}

void node_clear(struct node *n)
{
    if (n->kind == NODE_LIST) {
        n->count = 0;
    } else if (n->kind == NODE_MAP) {
        n->len = 0;
        if (n->slots) {
            index_rebuild(n);
        }
    }
}

struct node *node_copy(struct arena *a, const struct node *n)
{
    struct node *copy = NULL;
    if (!n) {
        return NULL;
    }
    copy = arena_copy(a, n, sizeof(*n));
    if (n->kind == NODE_LIST) {
        copy->items = NULL;
        copy->count = copy->cap = 0;
        for (size_t i = 0; i < n->count; i++) {
            node_push(a, copy, node_copy(a, n->items[i]));
        }
    } else if (n->kind == NODE_MAP) {
        copy->entries = NULL;
        copy->slots = NULL;
        copy->len = copy->entry_cap = copy->slot_count = 0;
        NODE_ENTRIES(entry, n)
        {
            node_set(a, copy, entry->key, entry->at, node_copy(a, entry->value));
        }
    }
    return copy;
}

static bool equal_maps(const struct node *a, const struct node *b)
{
    if (a->len != b->len) {
        return false;
    }
    NODE_ENTRIES(entry, a)
    {
        const struct node_entry *other = node_entry(b, entry->key);
        if (!other || !node_equal(entry->value, other->value)) {
            return false;
        }
    }
    return true;
}

bool node_equal(const struct node *a, const struct node *b)
{
    if (!a || !b || a->kind != b->kind) {
        return a == b;
    }
    switch (a->kind) {
    case NODE_BOOL:
        return a->boolean == b->boolean;
    case NODE_INT:
        return a->integer == b->integer && a->is_unsigned == b->is_unsigned;
    case NODE_FLOAT:
        return !(a->real < b->real) && !(a->real > b->real);
    case NODE_STRING:
        return strcmp(a->text, b->text) == 0;
    case NODE_LIST:
        for (size_t i = 0; i < a->count && a->count == b->count; i++) {
            if (!node_equal(a->items[i], b->items[i])) {
                return false;
            }
        }
        return a->count == b->count;
    case NODE_MAP:
        return equal_maps(a, b);
    case NODE_NULL:
    case NODE_KIND_COUNT:
        break;
    }
    return true;
}

const char *node_text(const struct node *n)
{
    return n && n->kind == NODE_STRING ? n->text : NULL;
}

bool node_is(const struct node *n, enum node_kind kind)
{
    return n && n->kind == kind;
}

/* Go's shortest digits of a float64 that read back the same; with an exponent from 1e6 on and below
 * 1e-4. */
static const char *print_float(struct arena *a, double value)
{
    char text[64];
    int exponent = 0;
    const char *e = NULL;
    if (isnan(value)) {
        return "NaN";
    }
    if (isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    for (int digits = 1; digits <= 17; digits++) {
        double back = 0;
        snprintf(text, sizeof(text), "%.*e", digits - 1, value);
        back = strtod(text, NULL);
        if (!(back < value) && !(back > value)) {
            break;
        }
    }
    e = strchr(text, 'e');
    exponent = (int)strtod(e + 1, NULL);
    if (exponent < -4 || exponent >= GO_EXPONENT) {
        return arena_strdup(a, text);
    }
    {
        int digits = (int)(e - text) - (text[0] == '-') - (strchr(text, '.') != NULL);
        int decimals = digits - 1 - exponent;
        return arena_printf(a, "%.*f", decimals > 0 ? decimals : 0, value);
    }
}

const char *node_print(struct arena *a, const struct node *n)
{
    switch (n->kind) {
    case NODE_BOOL:
        return n->boolean ? "true" : "false";
    case NODE_INT:
        return n->is_unsigned ? arena_printf(a, "%llu", (unsigned long long)n->integer)
                              : arena_printf(a, "%lld", (long long)n->integer);
    case NODE_FLOAT:
        return print_float(a, n->real);
    case NODE_STRING:
        return n->text;
    case NODE_NULL:
        return "";
    case NODE_LIST:
    case NODE_MAP:
    case NODE_KIND_COUNT:
        break;
    }
    return NULL;
}

const char *node_kind_name(enum node_kind kind)
{
    static const char *const names[NODE_KIND_COUNT] = {
        "nothing", "a boolean", "a whole number", "a number", "a string", "a list", "a mapping"};
    return kind < NODE_KIND_COUNT ? names[kind] : "?";
}
