/*
 * x-fettle of a service: what to prove before it counts as ready. Every kind has one row of
 * options; unknown ones are errors with the nearest name, because a proof that is silently left
 * out is worse than none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "compose/decode_parts.h"

enum option_kind {
    OPTION_TEXT,
    OPTION_PORT,
    OPTION_NUMBER,
    OPTION_BOOL,
    OPTION_LIST,
    OPTION_ARGV,
    OPTION_STATUS,
    OPTION_DURATION
};

struct option {
    const char *name;
    enum option_kind kind;
    size_t offset; /* in struct probe_spec */
};

#define AT(field) offsetof(struct probe_spec, field)

static const struct option common[] = {
    {"host", OPTION_TEXT, AT(host)},
    {"port", OPTION_PORT, AT(port)},
    {"timeout", OPTION_DURATION, AT(timeout)},
    {"tls", OPTION_BOOL, AT(tls)},
};
static const struct option of_postgres[] = {
    {"database", OPTION_TEXT, AT(database)}, {"password", OPTION_TEXT, AT(password)},
    {"query", OPTION_TEXT, AT(query)},       {"tables", OPTION_LIST, AT(tables)},
    {"user", OPTION_TEXT, AT(user)},
};
static const struct option of_redis[] = {
    {"db", OPTION_NUMBER, AT(redis_db)},
    {"password", OPTION_TEXT, AT(password)},
    {"user", OPTION_TEXT, AT(user)},
    {"write", OPTION_BOOL, AT(redis_write)},
};
static const struct option of_http[] = {
    {"body", OPTION_TEXT, AT(body)},           {"header", OPTION_TEXT, AT(header)},
    {"http_host", OPTION_TEXT, AT(http_host)}, {"method", OPTION_TEXT, AT(method)},
    {"path", OPTION_TEXT, AT(path)},           {"status", OPTION_STATUS, AT(status)},
};
static const struct option of_exec[] = {{"command", OPTION_ARGV, AT(argv)}};
static const struct option of_log[] = {{"pattern", OPTION_TEXT, AT(path)}};
static const struct option of_file[] = {{"path", OPTION_TEXT, AT(path)}};

/* NULL options: the kind takes the common ones only. `main` is what a plain scalar sets. */
static const struct kind_row {
    enum probe_kind kind;
    const struct option *options;
    size_t count;
    const char *main;
} kinds[] = {
    {PROBE_TCP, NULL, 0, "port"},
    {PROBE_HTTP, of_http, ARRAY_LEN(of_http), "path"},
    {PROBE_POSTGRES, of_postgres, ARRAY_LEN(of_postgres), "database"},
    {PROBE_REDIS, of_redis, ARRAY_LEN(of_redis), NULL},
    {PROBE_EXEC, of_exec, ARRAY_LEN(of_exec), "command"},
    {PROBE_MYSQL, of_postgres, ARRAY_LEN(of_postgres), "database"},
    {PROBE_FILE, of_file, ARRAY_LEN(of_file), "path"},
    {PROBE_LOG, of_log, ARRAY_LEN(of_log), "pattern"},
};

struct reading {
    struct arena *arena;
    struct diags *diags;
    const char *service;
    int rc;
};

static void problem(struct reading *r, struct pos at, const char *hint, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static void problem(struct reading *r, struct pos at, const char *hint, const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    char *path = xasprintf("services.%s.x-fettle", r->service);
    va_start(ap, fmt);
    text = xvasprintf(fmt, ap);
    va_end(ap);
    r->rc = diags_add(r->diags, DIAG_ERROR, at, path, hint, "%s", text);
    free(text);
    free(path);
}

static void unknown(struct reading *r, const struct node_entry *entry, const char *const *names,
                    size_t count, const char *where)
{
    const char *near = str_nearest(entry->key, names, count);
    char hint[320] = "";
    if (near) {
        snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
    } else {
        for (size_t i = 0; i < count; i++) {
            size_t len = strlen(hint);
            snprintf(hint + len, sizeof(hint) - len, "%s%s", i ? ", " : "expected one of ",
                     names[i]);
        }
    }
    problem(r, entry->at, hint, "unknown key \"%s\" in %s", entry->key, where);
}

static const char *text_value(struct reading *r, const struct node *n)
{
    return n->kind == NODE_LIST || n->kind == NODE_MAP || n->kind == NODE_NULL
               ? NULL
               : node_print(r->arena, n);
}

static const char *const *texts(struct reading *r, const struct node *n, size_t *ret_count)
{
    size_t count = n->kind == NODE_LIST ? n->count : 1;
    const char **items = arena_array(r->arena, count + 1, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        const struct node *item = n->kind == NODE_LIST ? n->items[i] : n;
        items[i] = text_value(r, item);
        if (!items[i]) {
            problem(r, item->at, "", "expected a string, got %s", node_kind_name(item->kind));
            items[i] = "";
        }
    }
    *ret_count = count;
    return items;
}

/* A command: a list is run as it is, a string by the shell. */
static const char *const *argv(struct reading *r, const struct node *n)
{
    const char **items = NULL;
    size_t count = 0;
    if (n->kind == NODE_LIST) {
        return texts(r, n, &count);
    }
    items = arena_array(r->arena, 4, sizeof(*items));
    items[0] = "/bin/sh";
    items[1] = "-c";
    items[2] = text_value(r, n);
    return items;
}

/* 200, "200-299" or 2xx. */
static bool status_range(const char *text, struct status_range *ret)
{
    int64_t from = 0, to = 0;
    size_t len = strcspn(text, "-");
    char *first = xstrndup(text, len);
    bool ok = parse_int(first, 100, 599, &from, NULL) == 0;
    to = from;
    if (!ok && len == 3 && !text[len] && str_eq_nocase(text + 1, "xx") && *text >= '1' &&
        *text <= '5') {
        from = (*text - '0') * 100;
        to = from + 99;
        ok = true;
    } else if (ok && text[len]) {
        ok = parse_int(text + len + 1, 100, 599, &to, NULL) == 0 && to >= from;
    }
    free(first);
    if (ok) {
        *ret = (struct status_range){.from = (int)from, .to = (int)to};
    }
    return ok;
}

static bool set_number(const struct option *o, void *field, const char *text)
{
    int64_t value = 0;
    int64_t max = o->kind == OPTION_PORT ? UINT16_MAX : INT32_MAX;
    if (parse_int(text, o->kind == OPTION_PORT, max, &value, NULL)) {
        return false;
    }
    if (o->kind == OPTION_PORT) {
        *(uint16_t *)field = (uint16_t)value;
    } else {
        *(int *)field = (int)value;
    }
    return true;
}

static const char *set_option(struct reading *r, const struct option *o, const struct node *n,
                              struct probe_spec *spec)
{
    void *field = (char *)spec + o->offset;
    const char *text = text_value(r, n);
    switch (o->kind) {
    case OPTION_TEXT:
        *(const char **)field = text;
        return text ? NULL : "a string";
    case OPTION_PORT:
    case OPTION_NUMBER:
        return text && set_number(o, field, text) ? NULL : "a whole number";
    case OPTION_BOOL:
        *(bool *)field = node_is(n, NODE_BOOL) && n->boolean;
        return node_is(n, NODE_BOOL) ? NULL : "true or false";
    case OPTION_LIST:
        spec->tables = n->kind == NODE_MAP ? NULL : texts(r, n, &spec->table_count);
        return spec->tables ? NULL : "a list of strings";
    case OPTION_ARGV:
        spec->argv = n->kind == NODE_LIST || text ? argv(r, n) : NULL;
        return spec->argv && spec->argv[0] ? NULL : "a command, as a string or a list";
    case OPTION_STATUS:
        return text && status_range(text, field) ? NULL : "a status such as 200 or \"200-299\"";
    case OPTION_DURATION:
        return text && parse_duration(text, field, NULL) == 0 ? NULL : "a duration such as 30s";
    }
    return NULL;
}

static const struct option *find_option(const struct kind_row *row, const char *name)
{
    for (size_t i = 0; i < row->count; i++) {
        if (str_eq(row->options[i].name, name)) {
            return &row->options[i];
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(common); i++) {
        if (str_eq(common[i].name, name)) {
            return &common[i];
        }
    }
    return NULL;
}

static void read_option(struct reading *r, const struct kind_row *row,
                        const struct node_entry *entry, struct probe_spec *spec)
{
    const struct option *o = find_option(row, entry->key);
    const char *expected = NULL;
    const char *names[16];
    size_t count = 0;
    if (!o) {
        for (size_t i = 0; i < row->count; i++) {
            names[count++] = row->options[i].name;
        }
        for (size_t i = 0; i < ARRAY_LEN(common); i++) {
            names[count++] = common[i].name;
        }
        unknown(r, entry, names, count, probe_kind_name(row->kind));
        return;
    }
    expected = set_option(r, o, entry->value, spec);
    if (expected) {
        char hint[96];
        snprintf(hint, sizeof(hint), "expected %s", expected);
        problem(r, entry->value->at, hint, "%s.%s cannot be read", probe_kind_name(row->kind),
                entry->key);
    }
}

static void check_spec(struct reading *r, const struct probe_spec *spec)
{
    if (spec->kind == PROBE_EXEC && !spec->argv) {
        problem(r, spec->at, "write exec: [\"/app/ready\", \"--quick\"] or exec: {command: ...}",
                "exec needs a command");
    } else if (spec->kind == PROBE_LOG && !spec->path) {
        problem(r, spec->at, "write log: \"ready to accept\"", "log needs a pattern");
    } else if (spec->kind == PROBE_FILE && !spec->path) {
        problem(r, spec->at, "write file: /path", "file needs a path");
    }
}

static void read_probe(struct reading *r, const struct kind_row *row, const struct node *n,
                       struct probe_spec *spec)
{
    *spec = (struct probe_spec){.kind = row->kind, .origin = PROBE_DECLARED, .at = n->at};
    if (n->kind == NODE_MAP) {
        NODE_ENTRIES(entry, n)
        {
            read_option(r, row, entry, spec);
        }
    } else if (n->kind != NODE_NULL && !(n->kind == NODE_BOOL && n->boolean)) {
        struct node_entry entry = {
            .key = row->main, .at = n->at, .value = (struct node *)(uintptr_t)n};
        const struct option *o = row->main ? find_option(row, row->main) : NULL;
        if (o && o->kind == OPTION_TEXT && n->kind != NODE_STRING) {
            char hint[96];
            snprintf(hint, sizeof(hint), "write %s: {%s: ...}, with port: where it is another",
                     probe_kind_name(row->kind), row->main);
            problem(r, n->at, hint, "%s: expected a mapping, got %s", probe_kind_name(row->kind),
                    node_kind_name(n->kind));
            return;
        }
        if (o) {
            read_option(r, row, &entry, spec);
        } else {
            problem(r, n->at, "write {} or a mapping of options", "%s takes a mapping",
                    probe_kind_name(row->kind));
        }
    }
    check_spec(r, spec);
}

static void unknown_kind(struct reading *r, const struct node_entry *entry)
{
    const char *names[ARRAY_LEN(kinds) + 1];
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        names[i] = probe_kind_name(kinds[i].kind);
    }
    names[ARRAY_LEN(kinds)] = "timeout";
    unknown(r, entry, names, ARRAY_LEN(names), "x-fettle.ready");
}

static void read_kinds(struct reading *r, const struct node *map, struct readiness *ret)
{
    NODE_ENTRIES(entry, map)
    {
        size_t i = 0;
        if (str_eq(entry->key, "timeout")) {
            const char *text = text_value(r, entry->value);
            if (!text || parse_duration(text, &ret->timeout, NULL)) {
                problem(r, entry->value->at, "expected a duration such as 2m",
                        "timeout cannot be read");
            }
            continue;
        }
        while (i < ARRAY_LEN(kinds) && !str_eq(probe_kind_name(kinds[i].kind), entry->key)) {
            i++;
        }
        if (i == ARRAY_LEN(kinds)) {
            unknown_kind(r, entry);
            continue;
        }
        read_probe(r, &kinds[i], entry->value, &ret->probes[ret->count++]);
    }
}

static size_t count_probes(const struct node *ready)
{
    size_t count = ready->kind == NODE_MAP ? ready->len : 0;
    for (size_t i = 0; ready->kind == NODE_LIST && i < ready->count; i++) {
        count += node_is(ready->items[i], NODE_MAP) ? ready->items[i]->len : 0;
    }
    return count;
}

static void read_ready(struct reading *r, const struct node *ready, struct readiness *ret)
{
    static const char hint[] = "expected false, a mapping such as {http: {path: /health}}, or a "
                               "list of such mappings";
    ret->at = ready->at;
    ret->probes = arena_array(r->arena, count_probes(ready) + 1, sizeof(*ret->probes));
    if (ready->kind == NODE_BOOL && !ready->boolean) {
        ret->disabled = true;
    } else if (ready->kind == NODE_MAP) {
        read_kinds(r, ready, ret);
    } else if (ready->kind == NODE_LIST) {
        for (size_t i = 0; i < ready->count; i++) {
            if (node_is(ready->items[i], NODE_MAP)) {
                read_kinds(r, ready->items[i], ret);
            } else {
                problem(r, ready->items[i]->at, hint, "ready cannot be read");
            }
        }
    } else if (ready->kind != NODE_NULL && !(ready->kind == NODE_BOOL && ready->boolean)) {
        problem(r, ready->at, hint, "ready cannot be read");
    }
}

int decode_readiness(struct readiness *ret, const struct node *x_fettle, const char *service,
                     struct arena *arena, struct diags *diags)
{
    static const char *const known[] = {"heal", "ready"};
    struct reading r = {.arena = arena, .diags = diags, .service = service};
    if (!x_fettle || x_fettle->kind == NODE_NULL) {
        return 0;
    }
    if (x_fettle->kind != NODE_MAP) {
        problem(&r, x_fettle->at, "write x-fettle: {ready: ...}", "expected a mapping, got %s",
                node_kind_name(x_fettle->kind));
        return r.rc;
    }
    NODE_ENTRIES(entry, x_fettle)
    {
        if (str_eq(entry->key, "ready")) {
            read_ready(&r, entry->value, ret);
        } else if (!str_eq(entry->key, "heal")) {
            unknown(&r, entry, known, ARRAY_LEN(known), "x-fettle");
        }
    }
    return r.rc;
}
