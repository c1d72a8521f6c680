/*
 * extends: a service on top of another one, of the same file or another, along chains. A base from
 * another file is that file's own service in long form, with its paths starting at that file; it
 * brings nothing else along. Each base file is read once a set.
 */
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "compose/complete.h"
#include "compose/loader.h"
#include "compose/reset.h"

/* The services on the way, to find circles. */
struct trail {
    const struct trail *before;
    const char *file, *service;
    struct pos at;
};

/* Where a service stands: its neighbours, its file, and what that file undoes. */
struct scope {
    struct node *services;
    const char *file;
    const struct vec *places; /* or NULL */
};

/* What a file gives to those who extend its services. */
struct base_file {
    struct node *services;
    struct vec places;
    bool failed; /* reported already */
};

enum { CHAIN_MAX = 100 };

static int problem(struct loader *l, struct pos at, const char *service, const char *hint,
                   const char *text)
{
    const char *path = arena_printf(l->arena, "services.%s.extends", service);
    return diags_add(l->diags, DIAG_ERROR, at, path, hint, "%s", text);
}

static int check_trail(struct loader *l, const struct trail *trail)
{
    const struct trail *way[CHAIN_MAX];
    size_t n = 0;
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (const struct trail *t = trail; t && n < CHAIN_MAX; t = t->before) {
        way[n++] = t;
        if (t != trail && strcmp(t->service, trail->service) == 0 &&
            strcmp(t->file, trail->file) == 0) {
            buf_str(&text, "Circular reference, the services extend each other: ");
            while (n) {
                n--;
                buf_printf(&text, "%s%s", way[n]->service, n ? " -> " : "");
            }
            return problem(l, trail->at, trail->service, "break the circle at one of the extends",
                           buf_text(&text));
        }
    }
    return n < CHAIN_MAX ? 0
                         : problem(l, trail->at, trail->service, "make the chain shorter",
                                   "extends goes too deep");
}

/* Loads the other file for its services; it is interpolated and merged, not validated. */
static int read_base(struct loader *l, const char *path, struct pos at, struct base_file *base)
{
    struct vec docs = {0};
    struct node *root = NULL;
    CLEANUP_FREE char *dir = path_dirname(path);
    size_t errors = l->diags->errors;
    int rc = loader_documents(l, path, at, &docs);
    for (size_t i = 0; !rc && i < docs.len; i++) {
        struct document *doc = docs.items[i];
        if (root) {
            reset_apply(&doc->places, root);
        }
        for (size_t k = 0; k < doc->places.len; k++) {
            vec_push(&base->places, doc->places.items[k]);
        }
        root = merge_files(l->merger, root, doc->root);
        rc = merge_unique(l->merger, root);
        rc = rc ? rc : loader_canonical(l, root);
    }
    loader_release_documents(&docs);
    rc = rc || l->diags->errors == errors ? rc : -ERR_COMPOSE;
    if (!rc && root) {
        rc = complete_paths(root, l->arena, loader_base(l, dir), l->home, l->diags);
        base->services = node_get(root, "services");
    }
    return rc;
}

static int find_base(struct loader *l, const char *path, struct pos at, struct base_file **ret)
{
    struct base_file *base = map_get(l->bases, path);
    int rc = 0;
    if (base) {
        *ret = base;
        return base->failed ? -ERR_COMPOSE : 0;
    }
    base = arena_alloc(l->arena, sizeof(*base));
    map_set(l->bases, path, base);
    rc = read_base(l, path, at, base);
    base->failed = rc != 0;
    *ret = base;
    return rc;
}

void loader_release_bases(struct map *bases)
{
    MAP_FOREACH (entry, bases) {
        struct base_file *base = entry->value;
        vec_release(&base->places);
    }
    map_release(bases);
}

/* What `extends` says: the service, and the scope it stands in. */
static int read_extends(struct loader *l, const struct scope *scope, const char *name,
                        const struct node *extends, const char **ret_service, struct scope *ret)
{
    const struct node *file = node_get(extends, "file");
    const char *service = node_text(extends->kind == NODE_MAP ? node_get(extends, "service")
                                                              : extends);
    const char *path = node_text(file);
    struct base_file *base = NULL;
    if (!service || (file && file->kind != NODE_NULL && !path)) {
        return problem(l, extends->at, name, "write extends: SERVICE, or {service: S, file: F}",
                       "extends needs the name of a service");
    }
    *ret_service = service;
    *ret = *scope;
    if (file && path) {
        if (loader_is_remote(l, path, file->at)) {
            return -ERR_COMPOSE;
        }
        path = loader_path(l, path);
        if (find_base(l, path, file->at, &base)) {
            return -ERR_COMPOSE;
        }
        *ret = (struct scope){base->services, path, &base->places};
    }
    if (!node_get(ret->services, service) || ret->services->kind != NODE_MAP) {
        return problem(l, extends->at, name,
                       path ? "correct the name or the file" : "name a service of this file",
                       arena_printf(l->arena, "there is no service '%s' to extend%s%s", service,
                                    path ? " in " : "", path ? path : ""));
    }
    return 0;
}

/*
 * Replaces services.NAME of the scope by itself on top of all that it extends. *ret is that
 * service, NULL for one without content.
 */
static int resolve(struct loader *l, const struct scope *scope, const char *name,
                   const struct trail *before, struct node **ret)
{
    struct node *service = node_get(scope->services, name), *base = NULL;
    const struct node *extends = node_get(service, "extends");
    struct trail here = {before, scope->file, name, extends ? extends->at : service->at};
    const char *base_name = NULL;
    struct scope base_scope;
    *ret = service->kind == NODE_NULL ? NULL : service;
    if (service->kind != NODE_MAP && service->kind != NODE_NULL) {
        return diags_add(l->diags, DIAG_ERROR, service->at,
                         arena_printf(l->arena, "services.%s", name),
                         "write the service's keys below it", "a service must be a mapping, not %s",
                         node_kind_name(service->kind));
    }
    if (!extends) {
        return 0;
    }
    if (check_trail(l, &here) || read_extends(l, scope, name, extends, &base_name, &base_scope) ||
        resolve(l, &base_scope, base_name, &here, &base)) {
        return -ERR_COMPOSE;
    }
    if (!base) { /* the reference then leaves `extends` where it is, and prints it */
        return 0;
    }
    base = node_copy(l->arena, base);
    if (scope->places) {
        reset_apply_service(scope->places, name, base);
    }
    service = merge_service(l->merger, name, base, service);
    node_remove(service, "extends");
    node_set(l->arena, scope->services, name, service->at, service);
    *ret = service;
    return 0;
}

int extends_apply(struct loader *l, struct document *doc)
{
    struct scope scope = {node_get(doc->root, "services"), doc->file, &doc->places};
    struct node *service = NULL;
    int rc = 0;
    if (!node_is(scope.services, NODE_MAP)) {
        return 0; /* what else it may be is for the schema to say */
    }
    for (size_t i = 0; i < scope.services->len; i++) {
        const struct node_entry *entry = &scope.services->entries[i];
        if (entry->value->kind == NODE_MAP && node_get(entry->value, "extends")) {
            int one = resolve(l, &scope, entry->key, NULL, &service);
            rc = rc ? rc : one;
        }
    }
    return rc;
}
