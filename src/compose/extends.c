/*
 * extends: a service on top of another one, of the same file or another, along chains. Relative
 * paths of another file start at that file.
 */
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "compose/canonical.h"
#include "compose/complete.h"
#include "compose/loader.h"
#include "compose/merge.h"

/* The services on the way, to find circles. */
struct trail {
    const struct trail *before;
    const char *file, *service;
    struct pos at;
};

enum { CHAIN_MAX = 100 };

static int resolve(struct loader *l, struct node *root, const char *file, const char *name,
                   const struct trail *before, struct node **ret);

static int problem(struct loader *l, struct pos at, const char *service, const char *hint,
                   const char *text)
{
    CLEANUP_FREE char *path = xasprintf("services.%s.extends", service);
    return diags_add(l->diags, DIAG_ERROR, at, path, hint, "%s", text);
}

static int circle(struct loader *l, const struct trail *t, const char *name)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    const struct trail *first = t;
    size_t n = 0;
    const struct trail *way[CHAIN_MAX];
    for (const struct trail *i = t; i && n < CHAIN_MAX; i = i->before) {
        way[n++] = i;
        first = i;
    }
    buf_printf(&text, "Circular reference: services extend each other: ");
    while (n) {
        n--;
        buf_printf(&text, "%s (%s:%d) -> ", way[n]->service, way[n]->at.file ? way[n]->at.file : "",
                   way[n]->at.line);
    }
    buf_str(&text, name);
    return problem(l, t->at, first->service, "break the circle at one of these places",
                   buf_text(&text));
}

/* The base service out of another file, with its paths made absolute. */
static int from_file(struct loader *l, const char *service, struct pos at, const char *written,
                     const char *name, const struct trail *trail, struct node **ret)
{
    const char *path = loader_path(l, written);
    CLEANUP_FREE char *dir = path_dirname(path);
    struct node *docs = NULL, *root = NULL, *only = NULL, *services = NULL;
    struct loader other = *l;
    int rc = loader_parse(l, path, at, &docs);
    if (rc) {
        return rc;
    }
    other.base = arena_strdup(l->arena, dir);
    for (size_t i = 0; i < docs->count; i++) {
        struct node *doc = node_copy(l->arena, docs->items[i]);
        rc = loader_interpolate(&other, doc);
        if (rc) {
            return rc;
        }
        root = merge_trees(l->arena, root, doc, "", l->diags);
    }
    if (!root || !node_get(node_get(root, "services"), name)) {
        CLEANUP_FREE char *text = xasprintf("service %s is not in %s", name, written);
        return problem(l, at, service, "correct the name or the file", text);
    }
    rc = resolve(&other, root, path, name, trail, ret);
    if (rc) {
        return rc;
    }
    merge_strip_tags(*ret);
    only = node_map(l->arena, root->at);
    services = node_map(l->arena, root->at);
    node_set(l->arena, services, name, (*ret)->at, *ret);
    node_set(l->arena, only, "services", root->at, services);
    rc = canonical_forms(only, l->arena, l->flags & COMPOSE_NO_INTERPOLATE, l->diags);
    if (!rc && !(l->flags & COMPOSE_NO_PATHS)) {
        rc = complete_paths(only, l->arena, other.base, l->home, l->diags);
    }
    *ret = node_get(services, name);
    return rc;
}

static int resolve_base(struct loader *l, struct node *root, const char *file, const char *name,
                        struct node *extends, const struct trail *trail, struct node **ret)
{
    const struct node *fn = node_get(extends, "file"), *sn = node_get(extends, "service");
    const char *base = extends->kind == NODE_STRING ? extends->text : node_text(sn);
    const char *other = node_text(fn);
    if (!base || (fn && fn->kind != NODE_NULL && !other)) {
        return problem(l, extends->at, name, "write extends: SERVICE, or {service: S, file: F}",
                       "extends needs the name of a service");
    }
    if (other) {
        return from_file(l, name, extends->at, other, base, trail, ret);
    }
    if (!node_get(node_get(root, "services"), base)) {
        CLEANUP_FREE char *text = xasprintf("cannot extend service %s: there is none of that name",
                                            base);
        return problem(l, extends->at, name, "name a service of this file, or give its file", text);
    }
    return resolve(l, root, file, base, trail, ret);
}

/* The service with all it extends merged below it: a new tree. */
static int resolve(struct loader *l, struct node *root, const char *file, const char *name,
                   const struct trail *before, struct node **ret)
{
    struct node *service = node_get(node_get(root, "services"), name);
    struct node *extends = node_get(service, "extends"), *base = NULL, *copy = NULL;
    struct trail here = {before, file, name, extends ? extends->at : service->at};
    CLEANUP_FREE char *path = xasprintf("services.%s", name);
    size_t depth = 0;
    int rc = 0;
    for (const struct trail *t = before; t; t = t->before) {
        if (strcmp(t->service, name) == 0 && strcmp(t->file, file) == 0) {
            return circle(l, before, name);
        }
        if (++depth >= CHAIN_MAX) {
            return problem(l, here.at, name, "make the chain shorter", "extends goes too deep");
        }
    }
    copy = node_copy(l->arena, service);
    if (!extends || extends->kind == NODE_NULL || extends->tag == TAG_RESET) {
        *ret = copy;
        return 0;
    }
    node_remove(copy, "extends");
    rc = resolve_base(l, root, file, name, extends, &here, &base);
    if (rc) {
        return rc;
    }
    *ret = merge_trees(l->arena, base, copy, path, l->diags);
    (*ret)->tag = copy->tag;
    return l->diags->errors ? -ERR_COMPOSE : 0;
}

int extends_apply(struct loader *l, struct node *root)
{
    struct node *services = node_get(root, "services");
    struct node *done = NULL;
    int rc = 0;
    if (!node_is(services, NODE_MAP)) {
        return 0;
    }
    done = node_map(l->arena, services->at);
    done->tag = services->tag;
    NODE_ENTRIES(e, services)
    {
        struct node *s = e->value;
        if (node_is(s, NODE_MAP) && node_get(s, "extends")) {
            int one = resolve(l, root, l->file ? l->file : "", e->key, NULL, &s);
            rc = one ? one : rc;
        }
        node_set(l->arena, done, e->key, e->at, s);
    }
    if (!rc) {
        node_set(l->arena, root, "services", services->at, done);
    }
    return rc;
}
