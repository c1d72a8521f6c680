/*
 * include: other sets of files, each loaded on its own (its directory, its environment) and then
 * put beside what the including file defines.
 */
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "compose/complete.h"
#include "compose/loader.h"

struct entry {
    struct node *at;
    struct strv paths, env_files;
    const char *directory; /* as written, or NULL */
};

static int problem(struct loader *l, struct pos at, const char *hint, const char *text)
{
    return diags_add(l->diags, DIAG_ERROR, at, "include", hint, "%s", text);
}

/* A string or a list of strings; nothing for null. */
static int strings(struct loader *l, struct node *n, struct strv *out)
{
    bool good = true;
    if (!n || n->kind == NODE_NULL) {
        return 0;
    }
    good = n->kind == NODE_STRING || n->kind == NODE_LIST;
    if (node_text(n)) {
        strv_push(out, node_text(n));
    }
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++) {
        good = good && node_text(n->items[i]);
        if (good) {
            strv_push(out, node_text(n->items[i]));
        }
    }
    return good ? 0 : problem(l, n->at, "write a path, or a list of paths", "expected a string");
}

static int read_entry(struct loader *l, struct node *n, struct entry *ret)
{
    const struct node *directory = node_get(n, "project_directory");
    static const char form[] =
        "write a path, or {path: ..., project_directory: ..., env_file: ...}";
    *ret = (struct entry){.at = n};
    if (n->kind == NODE_STRING) {
        strv_push(&ret->paths, n->text);
        return 0;
    }
    if (n->kind != NODE_MAP) {
        return problem(l, n->at, form, "an include is a path or a mapping");
    }
    ret->directory = directory ? node_print(l->arena, directory) : NULL;
    if (str_empty(ret->directory)) {
        ret->directory = NULL;
    }
    if (strings(l, node_get(n, "path"), &ret->paths) ||
        strings(l, node_get(n, "env_file"), &ret->env_files)) {
        return -ERR_COMPOSE;
    }
    if (!ret->paths.len) {
        diags_add(l->diags, DIAG_WARNING, n->at, "include", form, "this include names no file");
    }
    return 0;
}

static void release_entry(struct entry *e)
{
    strv_release(&e->paths);
    strv_release(&e->env_files);
}

/* The parent's variables win over those of the included set's files. */
static int environment_of(struct loader *l, const struct entry *e, const char *dir, struct map *out)
{
    CLEANUP_FREE char *dot_env = path_join(dir, ".env");
    struct map own = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < e->env_files.len; i++) {
        rc = loader_env_file(l, loader_path(l, e->env_files.items[i]), e->at->at, &own);
    }
    if (!e->env_files.len && path_is_file(dot_env)) {
        rc = loader_env_file(l, dot_env, e->at->at, &own);
    }
    MAP_FOREACH (v, &own) {
        map_set(out, v->key, v->value);
    }
    MAP_FOREACH (v, l->environment) {
        map_set(out, v->key, v->value);
    }
    map_release(&own);
    return rc;
}

static int find_circle(struct loader *l, const char *const *paths, size_t count, struct pos at)
{
    size_t depth = 0;
    for (const struct loader *set = l; set; set = set->parent) {
        for (size_t i = 0; i < set->file_count * count; i++) {
            const char *path = paths[i % count];
            if (strcmp(set->files[i / count], path) == 0) {
                return problem(
                    l, at, "remove one of the includes on this circle",
                    arena_printf(l->arena, "include cycle: %s comes to include itself", path));
            }
        }
        if (++depth > COMPOSE_INCLUDE_DEPTH) {
            return problem(l, at, "include less deeply", "includes are nested too deeply");
        }
    }
    return 0;
}

/* Puts what was included beside the document's own; the same name twice must be the same thing. */
static int import(struct loader *l, struct node *root, struct node *included)
{
    static const char *const sections[] = {"services", "volumes", "networks",
                                           "secrets",  "configs", "models"};
    int rc = 0;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        struct node *from = node_get(included, sections[i]), *into = node_get(root, sections[i]);
        if (!node_is(from, NODE_MAP)) {
            continue;
        }
        if (!node_is(into, NODE_MAP)) {
            into = node_map(l->arena, from->at);
            node_set(l->arena, root, sections[i], from->at, into);
        }
        NODE_ENTRIES(e, from)
        {
            struct node *there = node_get(into, e->key);
            if (there && !node_equal(there, e->value)) {
                CLEANUP_FREE char *path = xasprintf("%s.%s", sections[i], e->key);
                CLEANUP_FREE char *hint = xasprintf("it is included from %s:%d; rename one of them",
                                                    e->at.file ? e->at.file : "?", e->at.line);
                rc = diags_add(l->diags, DIAG_ERROR, node_entry(into, e->key)->at, path, hint,
                               "%s.%s conflicts with imported resource", sections[i], e->key);
            } else if (!there) {
                node_set(l->arena, into, e->key, e->at, e->value);
            }
        }
    }
    return rc;
}

/* Loads the entry's files as a set of their own and completes it. */
static int load_set(struct loader *set, struct pos at, struct node **ret)
{
    struct map bases = {0};
    const char *base = loader_base(set->parent, set->base);
    int rc = 0;
    set->bases = &bases;
    rc = loader_files(set, at, ret);
    if (!rc && *ret) {
        rc = complete_model(*ret, set->arena, base, set->environment, 0, set->diags);
    }
    loader_release_bases(&bases);
    set->bases = NULL;
    return rc;
}

static int load_entry(struct loader *l, struct node *root, const struct entry *e)
{
    struct loader set = *l;
    struct map environment = {0};
    const char **paths = arena_array(l->arena, e->paths.len, sizeof(*paths));
    CLEANUP_FREE char *dir = NULL;
    struct node *included = NULL;
    int rc = 0;
    for (size_t i = 0; i < e->paths.len; i++) {
        if (loader_is_remote(l, e->paths.items[i], e->at->at)) {
            return -ERR_COMPOSE;
        }
        paths[i] = loader_path(l, e->paths.items[i]);
    }
    dir = path_dirname(paths[0]);
    set.base = e->directory ? loader_path(l, e->directory) : arena_strdup(l->arena, dir);
    set.parent = l;
    set.files = paths;
    set.file_count = e->paths.len;
    rc = find_circle(l, paths, e->paths.len, e->at->at);
    rc = rc ? rc : environment_of(l, e, set.base, &environment);
    set.environment = &environment;
    rc = rc ? rc : load_set(&set, e->at->at, &included);
    rc = rc || !included ? rc : import(l, root, included);
    map_release(&environment);
    return rc;
}

int include_apply(struct loader *l, struct document *doc)
{
    struct node *list = node_get(doc->root, "include");
    int rc = 0;
    if (!list) {
        return 0;
    }
    if (list->kind != NODE_LIST && list->kind != NODE_NULL) {
        return problem(l, list->at, "write a list: include: [file.yaml]", "include must be a list");
    }
    for (size_t i = 0; list->kind == NODE_LIST && i < list->count; i++) {
        struct entry e;
        int one = read_entry(l, list->items[i], &e);
        one = one || !e.paths.len ? one : load_entry(l, doc->root, &e);
        release_entry(&e);
        rc = rc ? rc : one;
    }
    node_remove(doc->root, "include");
    return rc;
}
