/*
 * Reads the table: look-up, validation of a merged tree, documentation. Pure; every problem is
 * collected with its place, what was expected and, for misspelt keys and values, the nearest one.
 */
#include "compose/schema.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/map.h"
#include "base/str.h"
#include "compose/node.h"

enum { UNIQUE_BY_PAIRS = 32, NEAREST_MAX = 128 };

struct check {
    struct diags *diags;
    struct buf path;
    int rc;
};

static void check_value(struct check *c, struct node *n, const struct schema_type *type);

const struct schema_field *schema_field(const struct schema_object *object, const char *key)
{
    for (size_t i = 0; i < object->count; i++) {
        if (object->fields[i].key[0] == key[0] && strcmp(object->fields[i].key, key) == 0) {
            return &object->fields[i];
        }
    }
    return NULL;
}

const char *field_kind_text(enum field_kind kind)
{
    static const char *const texts[] = {
#define FIELD_KIND_TEXT(id, text) text,
        FIELD_KIND_LIST(FIELD_KIND_TEXT)
#undef FIELD_KIND_TEXT
    };
    _Static_assert(ARRAY_LEN(texts) == FIELD_KIND_COUNT, "a text for each kind");
    return kind < FIELD_KIND_COUNT ? texts[kind] : "?";
}

static void problem(struct check *c, struct pos at, const char *hint, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static void problem(struct check *c, struct pos at, const char *hint, const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    va_start(ap, fmt);
    text = xvasprintf(fmt, ap);
    va_end(ap);
    c->rc = diags_add(c->diags, DIAG_ERROR, at, buf_text(&c->path), hint, "%s", text);
    free(text);
}

/*
 * Takes a value out that was reported: what follows the table works on a tree that is sound, so
 * that one run shows what else is wrong. An empty value of the kind that was expected stands in.
 */
static void mark_broken(struct node *n, unsigned kinds)
{
    struct pos at = n->at;
    *n = (struct node){.kind = kinds & IS_MAP    ? NODE_MAP
                               : kinds & IS_LIST ? NODE_LIST
                                                 : NODE_NULL,
                       .tag = TAG_BROKEN,
                       .at = at};
}

static void drop_broken(struct node *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->tag != TAG_BROKEN) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

static size_t path_push(struct check *c, const char *key)
{
    size_t len = c->path.len;
    buf_str(&c->path, len ? "." : "");
    buf_str(&c->path, key);
    return len;
}

static unsigned kinds_of(const struct node *n)
{
    switch (n->kind) {
    case NODE_NULL:
        return IS_NULL;
    case NODE_BOOL:
        return IS_BOOL;
    case NODE_INT:
        return IS_INT;
    case NODE_FLOAT:
        return isfinite(n->real) && !(floor(n->real) < n->real) ? IS_NUM : IS_FLOAT;
    case NODE_STRING:
        return IS_STR;
    case NODE_LIST:
        return IS_LIST;
    case NODE_MAP:
        return IS_MAP;
    case NODE_KIND_COUNT:
        break;
    }
    return 0;
}

static void wrong_kind(struct check *c, struct node *n, const struct schema_type *type)
{
    char hint[160] = "";
    const char *is = node_kind_name(n->kind);
    if (type->unit && n->kind == NODE_INT) {
        snprintf(hint, sizeof(hint), "write %lld%s", (long long)n->integer, type->unit);
    } else if (type->unit && n->kind == NODE_FLOAT) {
        snprintf(hint, sizeof(hint), "write %g%s", n->real, type->unit);
    } else if ((type->kinds & IS_STR) && (n->kind == NODE_INT || n->kind == NODE_BOOL)) {
        snprintf(hint, sizeof(hint), "put the value in quotes");
    } else if ((type->kinds & IS_LIST) && !(type->kinds & IS_STR) && n->kind == NODE_STRING) {
        snprintf(hint, sizeof(hint), "write it as a list: [\"%.80s\"]", n->text);
    } else if (n->kind == NODE_NULL) {
        snprintf(hint, sizeof(hint), "remove the key, or give it a value");
    }
    problem(c, n->at, hint, "expected %s, got %s", type->expected, is);
    mark_broken(n, type->kinds);
}

static bool is_name_char(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_' || ch == '.' || ch == '-';
}

static bool all_name_chars(const char *s)
{
    const char *start = s;
    while (is_name_char(*s)) {
        s++;
    }
    return *s == '\0' && s > start;
}

static bool has_container_name(const char *s)
{
    for (; *s; s++) {
        if (isalnum((unsigned char)*s) && is_name_char(s[1])) {
            return true;
        }
    }
    return false;
}

static bool has_pull_policy(const char *s)
{
    static const char *const words[] = {"always",  "never",   "build", "if_not_present",
                                        "missing", "refresh", "daily", "weekly"};
    const char *every = NULL;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strstr(s, words[i])) {
            return true;
        }
    }
    for (every = strstr(s, "every_"); every; every = strstr(every + 1, "every_")) {
        size_t digits = strspn(every + 6, "0123456789");
        if (digits && every[6 + digits] && strchr("wdhms", every[6 + digits])) {
            return true;
        }
    }
    return false;
}

static bool matches(enum schema_pattern pattern, const char *s)
{
    switch (pattern) {
    case PATTERN_ANY:
    case PATTERN_COUNT:
        return true;
    case PATTERN_NAME:
        return all_name_chars(s);
    case PATTERN_LOWER:
        return *s && strspn(s, "abcdefghijklmnopqrstuvwxyz") == strlen(s);
    case PATTERN_NOT_EMPTY:
        return *s;
    case PATTERN_CONTAINER_NAME:
        return has_container_name(s);
    case PATTERN_PULL_POLICY:
        return has_pull_policy(s);
    }
    return true;
}

static void suggest(char *hint, size_t size, const char *word, const char *const *known,
                    size_t count, const char *otherwise)
{
    const char *near = str_nearest(word, known, count);
    if (near) {
        snprintf(hint, size, "did you mean \"%s\"?", near);
    } else {
        snprintf(hint, size, "%s", otherwise);
    }
}

static void check_string(struct check *c, struct node *n, const struct schema_type *type)
{
    char hint[256];
    size_t count = 0;
    if (!matches(type->pattern, n->text)) {
        snprintf(hint, sizeof(hint), "expected %s", type->expected);
        problem(c, n->at, hint, "\"%s\" is not allowed here", n->text);
        mark_broken(n, 0);
        return;
    }
    for (count = 0; type->values && type->values[count]; count++) {
        if (strcmp(type->values[count], n->text) == 0) {
            return;
        }
    }
    if (type->values) {
        char expected[256];
        snprintf(expected, sizeof(expected), "expected %s", type->expected);
        suggest(hint, sizeof(hint), n->text, type->values, count, expected);
        problem(c, n->at, hint, "\"%s\" is not allowed here", n->text);
        mark_broken(n, 0);
    }
}

static void check_range(struct check *c, struct node *n, const struct schema_type *type)
{
    double value = n->kind == NODE_INT ? (double)n->integer : n->real;
    if (n->kind == NODE_INT && n->is_unsigned) {
        value = (double)(uint64_t)n->integer;
    }
    if (value < (double)type->min) {
        problem(c, n->at, type->expected, "must be greater than or equal to %lld",
                (long long)type->min);
        mark_broken(n, 0);
    } else if (type->max != INT64_MAX && value > (double)type->max) {
        problem(c, n->at, type->expected, "must be less than or equal to %lld",
                (long long)type->max);
        mark_broken(n, 0);
    }
}

static void repeated(struct check *c, const struct node *list, size_t first, size_t second)
{
    size_t len = c->path.len;
    char hint[160];
    const char *file = list->items[first]->at.file;
    snprintf(hint, sizeof(hint), "remove one; the first is at %s:%d", file ? file : "line",
             list->items[first]->at.line);
    buf_printf(&c->path, "[%zu]", second);
    if (list->items[second]->kind == NODE_STRING) {
        problem(c, list->items[second]->at, hint, "\"%s\" is given twice",
                list->items[second]->text);
    } else {
        problem(c, list->items[second]->at, hint, "is given twice");
    }
    buf_truncate(&c->path, len);
}

static bool same_item(const struct node *a, const struct node *b)
{
    if (a->kind == NODE_INT && b->kind == NODE_FLOAT) {
        return !((double)a->integer < b->real) && !((double)a->integer > b->real);
    }
    return b->kind == NODE_INT && a->kind == NODE_FLOAT ? same_item(b, a) : node_equal(a, b);
}

static void check_unique(struct check *c, const struct node *list)
{
    struct map seen = {0};
    if (list->count <= UNIQUE_BY_PAIRS) {
        for (size_t i = 1; i < list->count; i++) {
            for (size_t j = 0; j < i; j++) {
                if (same_item(list->items[j], list->items[i])) {
                    repeated(c, list, j, i);
                    return;
                }
            }
        }
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *text = node_text(list->items[i]);
        if (text && map_has(&seen, text)) {
            repeated(c, list, (size_t)(uintptr_t)map_get(&seen, text), i);
            break;
        }
        if (text) {
            map_set(&seen, text, (void *)(uintptr_t)i);
        }
    }
    map_release(&seen);
}

static void check_list(struct check *c, struct node *n, const struct schema_type *type)
{
    size_t len = c->path.len;
    int before = c->rc;
    for (size_t i = 0; i < n->count; i++) {
        buf_printf(&c->path, "[%zu]", i);
        if (type->items) {
            check_value(c, n->items[i], type->items);
        }
        buf_truncate(&c->path, len);
    }
    drop_broken(n);
    if (type->unique && c->rc == before) {
        check_unique(c, n);
    }
}

static void unknown_key(struct check *c, const struct schema_object *object,
                        const struct node_entry *entry)
{
    const char *known[NEAREST_MAX];
    char hint[256];
    char otherwise[256] = "remove it, or prefix it with x- if another tool reads it";
    size_t count = 0;
    if (object->no_extensions) {
        snprintf(otherwise, sizeof(otherwise), "remove it");
    }
    for (size_t i = 0; i < object->count && count < NEAREST_MAX; i++) {
        known[count++] = object->fields[i].key;
    }
    suggest(hint, sizeof(hint), entry->key, known, count, otherwise);
    if (object != &schema_service && schema_field(&schema_service, entry->key) &&
        !str_nearest(entry->key, known, count)) {
        snprintf(hint, sizeof(hint), "\"%s\" is a key of a service: is the indentation right?",
                 entry->key);
    }
    problem(c, entry->at, hint, "unknown key \"%s\" in %s %s", entry->key,
            strchr("aeiou", object->name[0]) ? "an" : "a", object->name);
}

static void check_object(struct check *c, struct node *n, const struct schema_object *object)
{
    NODE_ENTRIES(entry, n)
    {
        const struct schema_field *field = schema_field(object, entry->key);
        if (field) {
            size_t len = path_push(c, entry->key);
            check_value(c, entry->value, field->type);
            buf_truncate(&c->path, len);
        } else if (!object->open && (object->no_extensions || !str_starts(entry->key, "x-")) &&
                   entry->value->tag != TAG_BROKEN) {
            unknown_key(c, object, entry);
            mark_broken(entry->value, 0);
        }
    }
    for (size_t i = 0; object->required && object->required[i]; i++) {
        if (!node_get(n, object->required[i])) {
            const struct schema_field *field = schema_field(object, object->required[i]);
            char hint[256];
            snprintf(hint, sizeof(hint), "add %s: %s", object->required[i], field->type->expected);
            problem(c, n->at, hint, "\"%s\" is missing", object->required[i]);
            n->tag = TAG_BROKEN;
        }
    }
}

static void check_entries(struct check *c, struct node *n, const struct schema_type *type)
{
    NODE_ENTRIES(entry, n)
    {
        size_t len = path_push(c, entry->key);
        if (matches(type->keys, entry->key)) {
            if (type->entries) {
                check_value(c, entry->value, type->entries);
            }
        } else if (!type->open && entry->value->tag != TAG_BROKEN) {
            problem(c, entry->at,
                    type->keys == PATTERN_NAME ? "use letters, digits, '_', '.' and '-'"
                                               : "give it a name",
                    "\"%s\" is not allowed as a name", entry->key);
            mark_broken(entry->value, type->entries ? type->entries->kinds : 0);
        }
        buf_truncate(&c->path, len);
    }
}

static void check_value(struct check *c, struct node *n, const struct schema_type *type)
{
    unsigned kinds = kinds_of(n);
    if (n->tag == TAG_BROKEN) { /* reported already */
        return;
    }
    if (!(kinds & type->kinds)) {
        wrong_kind(c, n, type);
        return;
    }
    if (kinds & IS_STR) {
        check_string(c, n, type);
    } else if ((kinds & IS_NUM) && type->ranged) {
        check_range(c, n, type);
    } else if (kinds & IS_LIST) {
        check_list(c, n, type);
    } else if ((kinds & IS_MAP) && type->object) {
        check_object(c, n, type->object);
    } else if (kinds & IS_MAP) {
        check_entries(c, n, type);
    }
}

int schema_validate(struct node *root, struct diags *diags)
{
    struct check c = {.diags = diags};
    if (root->kind != NODE_MAP) {
        return diags_add(diags, DIAG_ERROR, root->at, "", "start with a line such as \"services:\"",
                         "a Compose file is a mapping, this is %s", node_kind_name(root->kind));
    }
    check_object(&c, root, &schema_root);
    buf_release(&c.path);
    return c.rc;
}

static void document_object(struct buf *out, const struct schema_object *object, const char *prefix)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct schema_field *f = &object->fields[i];
        const struct schema_object *below = f->object;
        char *path = xasprintf("%s%s", prefix, f->key);
        buf_printf(out, "| `%s` | %s | %s | %s |\n", path, f->type->expected,
                   field_kind_text(f->kind), f->text);
        if (below && f->kind != FIELD_ULIMITS) {
            bool list = f->kind == FIELD_STRUCTS || f->kind == FIELD_ENV_FILES;
            bool map = f->kind == FIELD_STRUCT_MAP || object == &schema_root;
            char *next = xasprintf("%s%s", path, list ? "[]." : map ? ".*." : ".");
            document_object(out, below, next);
            free(next);
        }
        free(path);
    }
}

void schema_document(struct buf *out)
{
    buf_str(out, "| key | accepts | becomes | what it is for |\n|---|---|---|---|\n");
    document_object(out, &schema_root, "");
}
