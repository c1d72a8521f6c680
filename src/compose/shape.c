/*
 * Orders and thins out the typed tree by the table. Pure; the result shares texts with its source.
 */
#include "compose/shape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct shape {
    struct arena *arena;
    enum shape_mode mode;
};

static struct node *shape_map(const struct shape *s, const struct node *map,
                              const struct schema_object *object, const char *const *skip);

static int by_key(const void *a, const void *b)
{
    const struct node_entry *left = a, *right = b;
    return strcmp(left->key, right->key);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

/* The number at *s, after `before`; leading zeros count when a number went before them. */
static int64_t digits_at(const char **s, int64_t before)
{
    int64_t value = before;
    while (is_digit(**s)) {
        value = value > INT64_MAX / 10 - 1 ? INT64_MAX / 10 - 1 : value * 10 + (**s - '0');
        (*s)++;
    }
    return value;
}

static int order_of(bool less)
{
    return less ? -1 : 1;
}

/* The YAML encoder's order: numbers inside keys count as numbers, other signs come before letters.
 */
static int natural_order(const char *a, const char *b)
{
    size_t i = 0;
    bool after_digit = false;
    int64_t before = 0, left = 0, right = 0;
    const char *x = NULL, *y = NULL;
    while (a[i] && a[i] == b[i]) {
        after_digit = is_digit(a[i++]);
    }
    if (!a[i] || !b[i]) {
        return a[i] ? 1 : b[i] ? -1 : 0;
    }
    if (is_letter(a[i]) && is_letter(b[i])) {
        return order_of((unsigned char)a[i] < (unsigned char)b[i]);
    }
    if (is_letter(a[i]) || is_letter(b[i])) {
        return order_of(after_digit ? is_letter(a[i]) : is_letter(b[i]));
    }
    if (a[i] == '0' || b[i] == '0') {
        for (size_t j = i; j > 0 && is_digit(a[j - 1]); j--) {
            before = a[j - 1] != '0' ? 1 : before;
        }
    }
    x = a + i;
    y = b + i;
    left = digits_at(&x, before);
    right = digits_at(&y, before);
    if (left != right) {
        return order_of(left < right);
    }
    if (x - a != y - b) {
        return order_of(x - a < y - b);
    }
    return order_of((unsigned char)a[i] < (unsigned char)b[i]);
}

static int by_natural_key(const void *a, const void *b)
{
    const struct node_entry *left = a, *right = b;
    return natural_order(left->key, right->key);
}

/* The entries of a map sorted by key, in the arena. */
static struct node_entry *sorted_entries(struct arena *arena, const struct node *map,
                                         enum shape_mode mode)
{
    struct node_entry *entries = arena_array(arena, map->len + 1, sizeof(*entries));
    if (map->len) {
        memcpy(entries, map->entries, map->len * sizeof(*entries));
        qsort(entries, map->len, sizeof(*entries), mode == SHAPE_YAML ? by_natural_key : by_key);
    }
    return entries;
}

struct node *shape_sorted(struct arena *arena, const struct node *n, enum shape_mode mode)
{
    struct node *out = NULL;
    if (n->kind == NODE_LIST) {
        out = node_list(arena, n->at);
        for (size_t i = 0; i < n->count; i++) {
            node_push(arena, out, shape_sorted(arena, n->items[i], mode));
        }
        return out;
    }
    if (n->kind == NODE_MAP) {
        struct node_entry *entries = sorted_entries(arena, n, mode);
        out = node_map(arena, n->at);
        for (size_t i = 0; i < n->len; i++) {
            if (str_starts(entries[i].key, "x-#")) {
                continue; /* notes of the loader, and values of secrets */
            }
            node_set(arena, out, entries[i].key, entries[i].at,
                     shape_sorted(arena, entries[i].value, mode));
        }
        return out;
    }
    return node_copy(arena, n);
}

void shortest_number(double value, bool single, char *buf, size_t size)
{
    for (int digits = 1; digits <= 17; digits++) {
        double back = 0;
        snprintf(buf, size, "%.*e", digits - 1, value);
        back = strtod(buf, NULL);
        if (single ? (float)back - (float)value == 0.0F : back - value == 0.0) {
            return;
        }
    }
}

/* A 32-bit float as the double with the same shortest digits. */
static struct node *single_float(const struct shape *s, const struct node *n)
{
    char text[64];
    float value = (float)n->real;
    shortest_number((double)value, true, text, sizeof(text));
    return node_float(s->arena, n->at, strtod(text, NULL));
}

static struct node *shape_list(const struct shape *s, const struct node *list,
                               const struct schema_object *object)
{
    struct node *out = node_list(s->arena, list->at);
    for (size_t i = 0; i < list->count; i++) {
        node_push(s->arena, out, shape_map(s, list->items[i], object, NULL));
    }
    return out;
}

static struct node *shape_entries(const struct shape *s, const struct node *map,
                                  const struct schema_object *object, bool keep_null)
{
    struct node_entry *entries = sorted_entries(s->arena, map, s->mode);
    struct node *out = node_map(s->arena, map->at);
    for (size_t i = 0; i < map->len; i++) {
        const struct node *value = entries[i].value;
        node_set(s->arena, out, entries[i].key, entries[i].at,
                 value->kind == NODE_NULL && keep_null ? node_null(s->arena, value->at)
                                                       : shape_map(s, value, object, NULL));
    }
    return out;
}

/* One number, or the two limits; JSON leaves zeros out. */
static struct node *shape_ulimit(const struct shape *s, const struct node *n)
{
    static const char *const keys[] = {"soft", "hard"};
    struct node *out = NULL;
    if (n->kind == NODE_INT && n->integer != 0) {
        return node_int(s->arena, n->at, n->integer);
    }
    out = node_map(s->arena, n->at);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct node *limit = node_get(n, keys[i]);
        int64_t value = node_is(limit, NODE_INT) ? limit->integer : 0;
        if (value != 0 || s->mode == SHAPE_YAML) {
            node_set(s->arena, out, keys[i], n->at, node_int(s->arena, n->at, value));
        }
    }
    return out;
}

static struct node *shape_ulimits(const struct shape *s, const struct node *map)
{
    struct node_entry *entries = sorted_entries(s->arena, map, s->mode);
    struct node *out = node_map(s->arena, map->at);
    for (size_t i = 0; i < map->len; i++) {
        node_set(s->arena, out, entries[i].key, entries[i].at, shape_ulimit(s, entries[i].value));
    }
    return out;
}

static struct node *shape_ssh(const struct shape *s, const struct node *map)
{
    struct node_entry *entries = sorted_entries(s->arena, map, s->mode);
    struct node *out = node_list(s->arena, map->at);
    for (size_t i = 0; i < map->len; i++) {
        const char *path = node_text(entries[i].value);
        const char *text = entries[i].key;
        if (!str_empty(path)) {
            text = arena_printf(s->arena, "%s%s%s", entries[i].key,
                                s->mode == SHAPE_YAML ? ": " : "=", path);
        }
        node_push(s->arena, out, node_string(s->arena, entries[i].at, text));
    }
    return out;
}

static struct node *bytes_text(const struct shape *s, const struct node *n)
{
    return node_string(s->arena, n->at, arena_printf(s->arena, "%lld", (long long)n->integer));
}

/* What an absent value is printed as where it must be printed. */
static struct node *zero_value(const struct shape *s, const struct schema_field *field)
{
    struct pos none = {0};
    switch (field->kind) {
    case FIELD_BOOL:
        return node_bool(s->arena, none, false);
    case FIELD_INT:
    case FIELD_UINT16:
        return node_int(s->arena, none, 0);
    case FIELD_BYTES:
        return node_string(s->arena, none, "0");
    default:
        return node_string(s->arena, none, "");
    }
}

static bool is_zero(const struct node *n)
{
    switch (n->kind) {
    case NODE_NULL:
        return true;
    case NODE_BOOL:
        return !n->boolean;
    case NODE_INT:
        return n->integer == 0;
    case NODE_FLOAT:
        return !(n->real < 0) && !(n->real > 0);
    case NODE_STRING:
        return n->text[0] == '\0';
    case NODE_LIST:
        return n->count == 0;
    case NODE_MAP:
        return n->len == 0;
    case NODE_KIND_COUNT:
        break;
    }
    return true;
}

/* The value to print, or NULL to leave it out. */
static struct node *shape_value(const struct shape *s, const struct node *n,
                                const struct schema_field *field)
{
    bool absent = !n || n->kind == NODE_NULL;
    switch (field->kind) {
    case FIELD_DROPPED:
    case FIELD_ENV_FILES:
        return NULL;
    case FIELD_LABEL_FILES:
        if (s->mode != SHAPE_HASH) {
            return NULL;
        }
        break;
    case FIELD_COMMAND:
        if (absent) {
            return s->mode != SHAPE_YAML ? node_null(s->arena, (struct pos){0}) : NULL;
        }
        return node_copy(s->arena, n);
    case FIELD_STRUCT: {
        struct node *out = shape_map(s, absent ? NULL : n, field->object, NULL);
        return s->mode != SHAPE_YAML || out->len ? out : NULL;
    }
    case FIELD_STRUCT_SET:
        return absent ? NULL : shape_map(s, n, field->object, NULL);
    case FIELD_BOOL_SET:
    case FIELD_INT_SET:
    case FIELD_UINT64_SET:
    case FIELD_DURATION_SET:
    case FIELD_FILE_MODE:
        return absent ? NULL : node_copy(s->arena, n);
    case FIELD_DURATION:
        return absent || str_eq(n->text, "0s") ? NULL : node_copy(s->arena, n);
    default:
        break;
    }
    if (absent || is_zero(n)) {
        return field->keep ? zero_value(s, field) : NULL;
    }
    switch (field->kind) {
    case FIELD_BYTES:
        return bytes_text(s, n);
    case FIELD_FLOAT:
    case FIELD_CPUS:
        return single_float(s, n);
    case FIELD_STRUCTS:
        return shape_list(s, n, field->object);
    case FIELD_STRUCT_MAP:
        return shape_entries(s, n, field->object, true);
    case FIELD_ULIMITS:
        return shape_ulimits(s, n);
    case FIELD_SSH:
        return shape_ssh(s, n);
    case FIELD_MAPPING:
    case FIELD_LABELS:
    case FIELD_ENVIRONMENT:
    case FIELD_OPTIONS:
    case FIELD_MULTI_OPTIONS:
        return shape_sorted(s->arena, n, s->mode);
    default:
        return node_copy(s->arena, n);
    }
}

static bool skipped(const char *const *skip, const char *key)
{
    for (; skip && *skip; skip++) {
        if (str_eq(*skip, key)) {
            return true;
        }
    }
    return false;
}

static void add_extensions(const struct shape *s, struct node *out, const struct node *map)
{
    struct node_entry *entries = sorted_entries(s->arena, map, s->mode);
    for (size_t i = 0; i < map->len; i++) {
        if (str_starts(entries[i].key, "x-") && !str_starts(entries[i].key, "x-#")) {
            node_set(s->arena, out, entries[i].key, entries[i].at,
                     shape_sorted(s->arena, entries[i].value, s->mode));
        }
    }
}

static struct node *shape_map(const struct shape *s, const struct node *map,
                              const struct schema_object *object, const char *const *skip)
{
    struct node *out = node_map(s->arena, map ? map->at : (struct pos){0});
    for (size_t i = 0; i < object->count; i++) {
        const struct schema_field *field = &object->fields[i];
        const struct node_entry *entry = node_entry(map, field->key);
        struct node *value = NULL;
        if (skipped(skip, field->key)) {
            continue;
        }
        value = shape_value(s, entry ? entry->value : NULL, field);
        if (value) {
            char *key = xstrdup(field->key);
            if (object->capital && s->mode != SHAPE_YAML) {
                key[0] = (char)(key[0] - 'a' + 'A');
            }
            node_set(s->arena, out, key, value->at, value);
            free(key);
        }
    }
    if (node_is(map, NODE_MAP) && s->mode == SHAPE_YAML && !object->no_extensions &&
        !object->forgets_extensions) {
        add_extensions(s, out, map);
    }
    return out;
}

struct node *shape_object(struct arena *arena, const struct node *map,
                          const struct schema_object *object, enum shape_mode mode,
                          const char *const *skip)
{
    struct shape s = {.arena = arena, .mode = mode};
    return shape_map(&s, map, object, skip);
}

/* A config whose text came from a variable is printed without the text. */
static void hide_content(struct node *configs)
{
    if (node_is(configs, NODE_MAP)) {
        NODE_ENTRIES(entry, configs)
        {
            if (!str_empty(node_text(node_get(entry->value, "environment")))) {
                node_remove(entry->value, "content");
            }
        }
    }
}

struct node *shape_project(struct arena *arena, const struct node *root, enum shape_mode mode)
{
    static const char *const sections[] = {"services", "networks", "volumes",
                                           "secrets",  "configs",  "models"};
    struct shape s = {.arena = arena, .mode = mode};
    struct node *out = node_map(arena, root->at);
    const struct node *name = node_get(root, "name");
    node_set(arena, out, "name", root->at,
             name ? node_copy(arena, name) : node_string(arena, root->at, ""));
    for (size_t i = 0; i < ARRAY_LEN(sections) - (mode == SHAPE_JSON); i++) {
        const struct schema_field *field = schema_field(&schema_root, sections[i]);
        const struct node *section = node_get(root, sections[i]);
        if (node_is(section, NODE_MAP) && (section->len || i == 0)) {
            node_set(arena, out, sections[i], section->at,
                     shape_entries(&s, section, field->object, false));
        }
    }
    if (!node_get(out, "services")) {
        node_set(arena, out, "services", root->at, node_map(arena, root->at));
    }
    hide_content(node_get(out, "configs"));
    add_extensions(&s, out, root);
    return out;
}
