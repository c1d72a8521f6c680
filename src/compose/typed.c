/*
 * Reads every value as its row of the table says. Pure. What the reference reads without a word
 * but to no effect (a size written as a fraction) is dropped here too.
 */
#include "compose/typed.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "base/str.h"
#include "compose/schema.h"

struct typing {
    struct arena *arena;
    struct diags *diags;
    struct buf path;
    int rc;
};

static void type_object(struct typing *t, struct node *map, const struct schema_object *object);

static void problem(struct typing *t, struct pos at, const char *hint, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static void problem(struct typing *t, struct pos at, const char *hint, const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    va_start(ap, fmt);
    text = xvasprintf(fmt, ap);
    va_end(ap);
    t->rc = diags_add(t->diags, DIAG_ERROR, at, buf_text(&t->path), hint, "%s", text);
    free(text);
}

static struct node *expected(struct typing *t, const struct node *n, const char *what)
{
    const char *text = node_print(t->arena, n);
    problem(t, n->at, "", "expected %s, got %s%s%s", what, text ? "\"" : "",
            text ? text : node_kind_name(n->kind), text ? "\"" : "");
    return node_null(t->arena, n->at);
}

static struct node *type_string(struct typing *t, struct node *n)
{
    if (n->kind == NODE_STRING) {
        return n;
    }
    if (n->kind == NODE_INT) {
        return node_string(t->arena, n->at, node_print(t->arena, n));
    }
    return expected(t, n, "a string (put it in quotes)");
}

static struct node *type_bool(struct typing *t, struct node *n)
{
    static const char *const yes[] = {"true", "y", "yes", "on"};
    static const char *const no[] = {"false", "n", "no", "off"};
    if (n->kind == NODE_BOOL) {
        return n;
    }
    for (size_t i = 0; n->kind == NODE_STRING && i < ARRAY_LEN(yes); i++) {
        bool is_yes = str_eq_nocase(n->text, yes[i]);
        if (is_yes || str_eq_nocase(n->text, no[i])) {
            if (i > 0) {
                diags_add(t->diags, DIAG_WARNING, n->at, buf_text(&t->path),
                          is_yes ? "write true" : "write false", "\"%s\" is no boolean in YAML 1.2",
                          n->text);
            }
            return node_bool(t->arena, n->at, is_yes);
        }
    }
    return expected(t, n, "true or false");
}

static struct node *type_int(struct typing *t, struct node *n)
{
    int64_t value = 0;
    if (n->kind == NODE_INT) {
        return n;
    }
    if (n->kind == NODE_FLOAT) {
        return node_int(t->arena, n->at, (int64_t)n->real);
    }
    if (n->kind == NODE_STRING && parse_int(n->text, INT64_MIN, INT64_MAX, &value, NULL) == 0) {
        return node_int(t->arena, n->at, value);
    }
    return expected(t, n, "a whole number");
}

static struct node *type_uint(struct typing *t, struct node *n)
{
    if (n->kind == NODE_INT && (n->integer >= 0 || n->is_unsigned)) {
        return n;
    }
    if (n->kind == NODE_FLOAT && n->real >= 0) {
        return node_int(t->arena, n->at, (int64_t)n->real);
    }
    return expected(t, n, "a whole number from 0, without quotes");
}

/* Go's strconv.ParseFloat: also hexadecimal, inf, nan, and "_" between digits. */
static bool go_float(const char *text, double *ret)
{
    char plain[64];
    size_t len = 0;
    char *end = NULL;
    double value = 0;
    for (const char *s = text; *s; s++) {
        bool between = s > text && isxdigit((unsigned char)s[-1]) && isxdigit((unsigned char)s[1]);
        if (len + 1 >= sizeof(plain) || isspace((unsigned char)*s) || *s == '(' ||
            (*s == '_' && !between)) {
            return false;
        }
        if (*s != '_') {
            plain[len++] = *s;
        }
    }
    plain[len] = '\0';
    value = strtod(plain, &end);
    if (len == 0 || *end != '\0') {
        return false;
    }
    *ret = value;
    return true;
}

static struct node *type_float(struct typing *t, struct node *n)
{
    double value = 0;
    if (n->kind == NODE_FLOAT) {
        return n;
    }
    if (n->kind == NODE_INT) {
        return node_float(t->arena, n->at, (double)n->integer);
    }
    if (n->kind == NODE_STRING && go_float(n->text, &value)) {
        return node_float(t->arena, n->at, value);
    }
    return expected(t, n, "a number");
}

/* "512m", "1.5 GiB", "1e3": a number, perhaps a blank, and a unit of at most three letters; every
 * unit is a power of 1024. */
static bool size_text(const char *text, int64_t *ret)
{
    static const char units[] = "kmgtp";
    size_t len = strlen(text), number = len;
    char *digits = NULL, suffix[4] = "";
    double value = 0;
    bool ok = false;
    while (number > 0 && !strchr("0123456789. ", text[number - 1])) {
        number--;
    }
    if (number == 0 || len - number > 3) {
        return false;
    }
    for (size_t i = 0; number + i < len; i++) {
        suffix[i] = (char)tolower((unsigned char)text[number + i]);
    }
    digits = xstrndup(text, number - (text[number - 1] == ' '));
    ok = go_float(digits, &value) && value >= 0;
    free(digits);
    if (suffix[0] && suffix[0] != 'b') {
        const char *unit = strchr(units, suffix[0]);
        ok = ok && unit && (!suffix[1] || str_eq(suffix + 1, "b") || str_eq(suffix + 1, "ib"));
        for (const char *u = units; ok && u <= unit; u++) {
            value *= 1024;
        }
    } else {
        ok = ok && (!suffix[0] || !suffix[1]);
    }
    if (ok) {
        *ret = value < 9.2e18 ? (int64_t)value : INT64_MIN;
    }
    return ok;
}

static struct node *type_bytes(struct typing *t, struct node *n)
{
    int64_t value = 0;
    if (n->kind == NODE_INT) {
        return n;
    }
    if (n->kind == NODE_STRING) {
        if (size_text(n->text, &value)) {
            return node_int(t->arena, n->at, value);
        }
        return expected(t, n, "a size such as 512m or 1.5g");
    }
    diags_add(t->diags, DIAG_WARNING, n->at, buf_text(&t->path), "write a whole number of bytes",
              "a fraction of a byte has no effect");
    return node_null(t->arena, n->at);
}

static struct node *type_duration(struct typing *t, struct node *n)
{
    const char *text = node_print(t->arena, n);
    char buf[64];
    int64_t value = 0;
    struct err err = {0};
    if (!text || parse_duration(text, &value, &err)) {
        const char *hint = "expected a duration with a unit, such as 30s or 1m30s";
        if (text && *text && !text[strspn(text, "0123456789")]) {
            hint = arena_printf(t->arena, "write %.40ss", text);
        }
        problem(t, n->at, hint, "%s", text ? err.message : "this is not a duration");
        return node_null(t->arena, n->at);
    }
    return node_string(t->arena, n->at, format_duration(value, buf, sizeof(buf)));
}

static bool octal(const char *text, int64_t *ret)
{
    int64_t value = 0;
    bool negative = *text == '-';
    text += *text == '-' || *text == '+';
    if (!*text || strlen(text) > 20) {
        return false;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '7') {
            return false;
        }
        value = value * 8 + (*text - '0');
    }
    *ret = negative ? -value : value;
    return true;
}

static struct node *type_mode(struct typing *t, struct node *n)
{
    int64_t value = n->kind == NODE_INT ? n->integer : 0;
    if (n->kind != NODE_INT && (n->kind != NODE_STRING || !octal(n->text, &value))) {
        return expected(t, n, "a file mode such as 0440");
    }
    return node_string(t->arena, n->at,
                       arena_printf(t->arena, "0%s%llo", value < 0 ? "-" : "",
                                    (unsigned long long)(value < 0 ? -value : value)));
}

static struct node *type_device_count(struct typing *t, struct node *n)
{
    if (n->kind == NODE_STRING && str_eq_nocase(n->text, "all")) {
        return node_int(t->arena, n->at, -1);
    }
    return n->kind == NODE_FLOAT ? expected(t, n, "a whole number, or all") : type_int(t, n);
}

static struct node *type_strings(struct typing *t, struct node *n)
{
    struct node *list = n;
    if (n->kind == NODE_STRING) {
        list = node_list(t->arena, n->at);
        node_push(t->arena, list, n);
    }
    if (list->kind != NODE_LIST) {
        return expected(t, n, "a list of strings");
    }
    for (size_t i = 0; i < list->count; i++) {
        list->items[i] = type_string(t, list->items[i]);
    }
    return list;
}

static struct node *print_node(struct typing *t, struct node *n)
{
    const char *text = node_print(t->arena, n);
    if (!text) {
        return expected(t, n, "a string, number or boolean");
    }
    return n->kind == NODE_STRING ? n : node_string(t->arena, n->at, text);
}

static struct node *type_numbers(struct typing *t, struct node *n)
{
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++) {
        n->items[i] = print_node(t, n->items[i]);
    }
    return n;
}

static struct node *type_command(struct typing *t, struct node *n)
{
    struct strv words = {0};
    struct node *list = NULL;
    if (n->kind != NODE_STRING) {
        return type_strings(t, n);
    }
    list = node_list(t->arena, n->at);
    if (!shell_words(n->text, &words)) {
        problem(t, n->at, "close the quote or parenthesis, or write the command as a list",
                "this command line cannot be split into words");
    }
    for (size_t i = 0; i < words.len; i++) {
        node_push(t->arena, list, node_string(t->arena, n->at, words.items[i]));
    }
    strv_release(&words);
    return list;
}

static struct node *type_test(struct typing *t, struct node *n)
{
    struct node *list = NULL;
    if (n->kind != NODE_STRING) {
        return type_strings(t, n);
    }
    list = node_list(t->arena, n->at);
    node_push(t->arena, list, node_string(t->arena, n->at, "CMD-SHELL"));
    node_push(t->arena, list, n);
    return list;
}

/* KEY=VALUE; without "=" the value is `missing`. */
static void add_pair(struct typing *t, struct node *map, struct node *item, struct node *missing)
{
    const char *text = node_print(t->arena, item);
    size_t len = text ? strcspn(text, "=") : 0;
    if (!text) {
        expected(t, item, "KEY=VALUE");
        return;
    }
    node_set(t->arena, map, arena_strndup(t->arena, text, len), item->at,
             text[len] ? node_string(t->arena, item->at, text + len + 1) : missing);
}

static struct node *type_mapping(struct typing *t, struct node *n, bool keep_null)
{
    struct node *map = n;
    if (n->kind == NODE_LIST) {
        map = node_map(t->arena, n->at);
        for (size_t i = 0; i < n->count; i++) {
            struct node *missing = keep_null ? node_null(t->arena, n->items[i]->at)
                                             : node_string(t->arena, n->items[i]->at, "");
            add_pair(t, map, n->items[i], missing);
        }
        return map;
    }
    if (n->kind != NODE_MAP) {
        return expected(t, n, "a mapping");
    }
    NODE_ENTRIES(entry, map)
    {
        if (entry->value->kind != NODE_NULL || !keep_null) {
            entry->value = print_node(t, entry->value);
        }
    }
    return map;
}

static struct node *type_environment(struct typing *t, struct node *n)
{
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++) {
        const char *text = node_text(n->items[i]);
        size_t len = text ? strcspn(text, "=") : 0;
        if (len && isspace((unsigned char)text[len - 1])) {
            problem(t, n->items[i]->at, "remove the blanks before \"=\"",
                    "environment variable \"%.*s\" ends in a blank", (int)len, text);
        }
    }
    return type_mapping(t, n, true);
}

static struct node *type_multi_options(struct typing *t, struct node *n)
{
    if (n->kind != NODE_MAP) {
        return expected(t, n, "a mapping");
    }
    NODE_ENTRIES(entry, n)
    {
        struct node *list = entry->value;
        if (list->kind != NODE_LIST) {
            list = node_list(t->arena, entry->value->at);
            node_push(t->arena, list, entry->value);
        }
        entry->value = type_numbers(t, list);
    }
    return n;
}

static int by_text(const void *a, const void *b)
{
    return strcmp((*(struct node *const *)a)->text, (*(struct node *const *)b)->text);
}

static void add_host(struct typing *t, struct node *list, struct pos at, const char *host,
                     const char *ip, size_t ip_len)
{
    if (!*host || strpbrk(host, ":=")) {
        problem(t, at, "expected HOST=ADDRESS", "bad host name \"%s\"", host);
        return;
    }
    if (ip_len > 2 && ip[0] == '[' && ip[ip_len - 1] == ']') {
        ip++;
        ip_len -= 2;
    }
    node_push(t->arena, list,
              node_string(t->arena, at, arena_printf(t->arena, "%s=%.*s", host, (int)ip_len, ip)));
}

static void add_host_text(struct typing *t, struct node *list, struct node *item)
{
    const char *text = node_print(t->arena, item);
    const char *sep = text ? strchr(text, '=') : NULL;
    const char *host = NULL;
    sep = sep || !text ? sep : strchr(text, ':');
    if (!sep) {
        problem(t, item->at, "expected HOST=ADDRESS", "\"%s\" has no address", text ? text : "");
        return;
    }
    host = arena_strndup(t->arena, text, (size_t)(sep - text));
    do {
        size_t len = strcspn(++sep, ",");
        add_host(t, list, item->at, host, sep, len);
        sep += len;
    } while (*sep == ',');
}

static struct node *type_hosts(struct typing *t, struct node *n)
{
    struct node *list = node_list(t->arena, n->at);
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++) {
        add_host_text(t, list, n->items[i]);
    }
    if (n->kind == NODE_MAP) {
        NODE_ENTRIES(entry, n)
        {
            struct node *value = entry->value;
            for (size_t i = 0; value->kind == NODE_LIST && i < value->count; i++) {
                const char *ip = node_print(t->arena, value->items[i]);
                add_host(t, list, entry->at, entry->key, ip ? ip : "", ip ? strlen(ip) : 0);
            }
            if (value->kind == NODE_STRING) {
                add_host(t, list, entry->at, entry->key, value->text, strlen(value->text));
            }
        }
    }
    if (list->count) {
        qsort(list->items, list->count, sizeof(struct node *), by_text);
    }
    return list;
}

static struct node *type_ssh(struct typing *t, struct node *n)
{
    if (n->kind == NODE_MAP) {
        NODE_ENTRIES(entry, n)
        {
            if (entry->value->kind != NODE_NULL) {
                entry->value = print_node(t, entry->value);
            }
        }
    }
    return n;
}

static struct node *type_ulimits(struct typing *t, struct node *n,
                                 const struct schema_object *object)
{
    if (n->kind != NODE_MAP) {
        return expected(t, n, "a mapping");
    }
    NODE_ENTRIES(entry, n)
    {
        size_t len = t->path.len;
        buf_printf(&t->path, ".%s", entry->key);
        if (entry->value->kind == NODE_MAP) {
            type_object(t, entry->value, object);
        } else if (entry->value->kind != NODE_INT) {
            entry->value = expected(t, entry->value, "a whole number, or soft and hard");
        }
        buf_truncate(&t->path, len);
    }
    return n;
}

static struct node *type_structs(struct typing *t, struct node *n,
                                 const struct schema_object *object)
{
    size_t len = t->path.len;
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++) {
        buf_printf(&t->path, "[%zu]", i);
        type_object(t, n->items[i], object);
        buf_truncate(&t->path, len);
    }
    return n;
}

static struct node *type_struct_map(struct typing *t, struct node *n,
                                    const struct schema_object *object)
{
    size_t len = t->path.len;
    if (n->kind == NODE_MAP) {
        NODE_ENTRIES(entry, n)
        {
            buf_printf(&t->path, ".%s", entry->key);
            type_object(t, entry->value, object);
            buf_truncate(&t->path, len);
        }
    }
    return n;
}

static struct node *type_value(struct typing *t, struct node *n, const struct schema_field *field)
{
    switch (field->kind) {
    case FIELD_STRING:
        return type_string(t, n);
    case FIELD_BOOL:
    case FIELD_BOOL_SET:
    case FIELD_EXTERNAL:
        return type_bool(t, n);
    case FIELD_INT:
    case FIELD_INT_SET:
        return type_int(t, n);
    case FIELD_UINT16:
    case FIELD_UINT32:
    case FIELD_UINT64:
    case FIELD_UINT64_SET:
        return type_uint(t, n);
    case FIELD_FLOAT:
    case FIELD_CPUS:
        return type_float(t, n);
    case FIELD_BYTES:
        return type_bytes(t, n);
    case FIELD_DURATION:
    case FIELD_DURATION_SET:
        return type_duration(t, n);
    case FIELD_FILE_MODE:
        return type_mode(t, n);
    case FIELD_DEVICE_COUNT:
        return type_device_count(t, n);
    case FIELD_STRINGS:
    case FIELD_LABEL_FILES:
        return type_strings(t, n);
    case FIELD_NUMBERS:
        return type_numbers(t, n);
    case FIELD_COMMAND:
        return type_command(t, n);
    case FIELD_TEST:
        return type_test(t, n);
    case FIELD_MAPPING:
    case FIELD_LABELS:
    case FIELD_OPTIONS:
        return type_mapping(t, n, false);
    case FIELD_ENVIRONMENT:
        return type_environment(t, n);
    case FIELD_MULTI_OPTIONS:
        return type_multi_options(t, n);
    case FIELD_HOSTS:
        return type_hosts(t, n);
    case FIELD_SSH:
        return type_ssh(t, n);
    case FIELD_STRUCT:
    case FIELD_STRUCT_SET:
        type_object(t, n, field->object);
        return n;
    case FIELD_STRUCTS:
    case FIELD_ENV_FILES:
        return type_structs(t, n, field->object);
    case FIELD_STRUCT_MAP:
        return type_struct_map(t, n, field->object);
    case FIELD_ULIMITS:
        return type_ulimits(t, n, field->object);
    case FIELD_DROPPED:
    case FIELD_KIND_COUNT:
        break;
    }
    return n;
}

static void type_object(struct typing *t, struct node *map, const struct schema_object *object)
{
    if (!node_is(map, NODE_MAP) || !object) {
        return;
    }
    NODE_ENTRIES(entry, map)
    {
        const struct schema_field *field = schema_field(object, entry->key);
        if (field && entry->value->kind != NODE_NULL) {
            size_t len = t->path.len;
            buf_printf(&t->path, "%s%s", len ? "." : "", entry->key);
            entry->value = type_value(t, entry->value, field);
            buf_truncate(&t->path, len);
        }
    }
}

int typed_tree(struct node *root, struct arena *arena, struct diags *diags)
{
    struct typing t = {.arena = arena, .diags = diags};
    type_object(&t, root, &schema_root);
    buf_release(&t.path);
    return t.rc;
}

int typed_service(struct node *service, const char *name, struct arena *arena, struct diags *diags)
{
    struct typing t = {.arena = arena, .diags = diags};
    buf_printf(&t.path, "services.%s", name);
    type_object(&t, service, &schema_service);
    buf_release(&t.path);
    return t.rc;
}
