/*
 * The driver of a load: sources, then one tree out of all files, then the typed project. Everything
 * of a project lives in its arena.
 */
#include "compose/load.h"

#include <stdlib.h>
#include <unistd.h>

#include "compose/consistency.h"
#include "compose/loader.h"
#include "compose/node.h"
#include "compose/project.h"
#include "compose/source.h"

static struct string_list to_list(struct arena *a, const struct strv *v)
{
    struct string_list list = {.count = v->len, .set = v->len > 0};
    list.items = arena_array(a, v->len + 1, sizeof(*list.items));
    for (size_t i = 0; i < v->len; i++) {
        list.items[i] = arena_strdup(a, v->items[i]);
    }
    return list;
}

static struct key_values to_key_values(struct arena *a, const struct map *m)
{
    struct key_values kv = {.count = m->len, .set = true};
    kv.items = arena_array(a, m->len, sizeof(*kv.items));
    for (size_t i = 0; i < m->len; i++) {
        kv.items[i].key = arena_strdup(a, m->entries[i].key);
        kv.items[i].value = m->entries[i].value;
    }
    return kv;
}

/* Sources to the merged tree of all files. */
static int load_tree(struct source *s, const char **ret_name, struct node **ret)
{
    struct merger merger;
    struct map parsed = {0}, bases = {0};
    struct loader loader = {.arena = s->arena,
                            .diags = s->diags,
                            .flags = s->options->flags,
                            .cwd = s->cwd,
                            .base = s->base,
                            .home = s->home,
                            .environment = &s->environment,
                            .warned = &s->warned,
                            .merger = &merger,
                            .parsed = &parsed,
                            .bases = &bases,
                            .files = (const char *const *)s->files.items,
                            .file_count = s->files.len};
    int rc = 0;
    merger_init(&merger, s->arena, s->diags);
    rc = source_name(s, &loader, ret_name);
    rc = rc ? rc : loader_files(&loader, (struct pos){0}, ret);
    if (!rc && (!*ret || !(*ret)->len)) {
        rc = diags_add(
            s->diags, DIAG_ERROR, (struct pos){.file = s->files.items[0]}, NULL,
            "a Compose file begins with a key, such as services:", "the Compose file is empty");
    }
    map_release(&parsed);
    loader_release_bases(&bases);
    return rc;
}

static int load_project(struct source *s, struct project **ret)
{
    const char *name = NULL;
    struct node *root = NULL;
    struct project *p = NULL;
    int rc = source_find(s);
    rc = rc ? rc : load_tree(s, &name, &root);
    if (rc) {
        if (root) {
            check_references(s->arena, root, s->diags);
        }
        return rc;
    }
    p = arena_alloc(s->arena, sizeof(*p));
    p->name = name;
    p->working_dir = s->base;
    p->files = to_list(s->arena, &s->files);
    p->env_files = to_list(s->arena, &s->env_files);
    p->environment = to_key_values(s->arena, &s->environment);
    p->profiles = source_profiles(s);
    p->tree = root;
    rc = project_from_tree(p, root, s->arena, &s->environment, s->options, s->diags);
    if (!rc) {
        *ret = p;
    }
    return rc;
}

int compose_load(const struct compose_options *options, struct project **ret, struct diags *diags)
{
    struct arena arena;
    struct source s = {.options = options, .diags = diags};
    CLEANUP_FREE char *cwd = options->cwd ? xstrdup(options->cwd) : getcwd(NULL, 0);
    struct project *p = NULL;
    int rc = 0;
    arena_init(&arena);
    s.arena = &arena;
    s.cwd = arena_strdup(&arena, cwd ? cwd : "/");
    rc = load_project(&s, &p);
    source_release(&s);
    if (rc) {
        arena_release(&arena);
        return rc;
    }
    p->arena = arena;
    *ret = p;
    return 0;
}
