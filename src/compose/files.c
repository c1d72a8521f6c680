/*
 * One set of files to one tree: parse, interpolate, extends, include, merge, validate, long forms,
 * in the reference's order, document by document. Reads files; knows nothing of the command line.
 */
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "compose/canonical.h"
#include "compose/dotenv.h"
#include "compose/loader.h"
#include "compose/reset.h"
#include "compose/schema.h"
#include "compose/yaml.h"

enum { ENV_FILE_MAX = 8 << 20 };

const char *loader_lookup(void *arg, const char *name)
{
    const struct loader *l = arg;
    return map_get(l->environment, name);
}

const char *loader_path(const struct loader *l, const char *path)
{
    CLEANUP_FREE char *full = path_join(l->base, path);
    CLEANUP_FREE char *clean = path_clean(full);
    return arena_strdup(l->arena, clean);
}

const char *loader_base(const struct loader *l, const char *dir)
{
    CLEANUP_FREE char *base = l->flags & COMPOSE_NO_PATHS ? path_relative(l->base, dir)
                                                          : xstrdup(dir);
    return arena_strdup(l->arena, base);
}

const char *loader_missing_hint(const struct loader *l)
{
    CLEANUP_FREE char *have = path_join(l->base, ".env");
    CLEANUP_FREE char *example = path_join(l->base, ".env.example");
    return !(l->flags & COMPOSE_NO_DOT_ENV) && !path_exists(have) && path_is_file(example)
               ? "run fettle setup: it writes .env from .env.example"
               : NULL;
}

/* A path as messages show it: relative to where the user is, when it is below. */
static const char *shown(const struct loader *l, const char *path)
{
    size_t n = strlen(l->cwd);
    if (strcmp(path, "-") == 0) {
        return "<stdin>";
    }
    if (strncmp(path, l->cwd, n) == 0 && path[n] == '/' && path[n + 1]) {
        return arena_strdup(l->arena, path + n + 1);
    }
    return arena_strdup(l->arena, path);
}

static int report_unread(struct loader *l, const char *path, struct pos at, const struct err *err)
{
    struct pos place = at.file ? at : (struct pos){.file = path};
    const char *hint = err->code == ERR_NOT_FOUND ? "check the path and the directory" : err->hint;
    return diags_add(l->diags, DIAG_ERROR, place, NULL, hint, "%s", err->message);
}

bool loader_is_remote(struct loader *l, const char *path, struct pos at)
{
    bool remote = strstr(path, "://") || str_starts(path, "git@") ||
                  str_starts(path, "github.com/") || str_ends(path, ".git");
    if (remote && !path_exists(loader_path(l, path))) {
        diags_add(l->diags, DIAG_ERROR, at, NULL, "fetch it first and name the local copy",
                  "remote files (git, oci) are not loaded: %s", path);
        return true;
    }
    return false;
}

int loader_parse(struct loader *l, const char *path, struct pos used_at, struct node **ret_docs)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct err err = {0};
    struct vec docs = {0};
    struct node *list = map_get(l->parsed, path);
    int rc = 0;
    if (list) {
        *ret_docs = list;
        return 0;
    }
    if (l->parsed->len >= COMPOSE_FILES_MAX) {
        return diags_add(l->diags, DIAG_ERROR, used_at, NULL, "include less", "too many files");
    }
    if (path_read_file(path, YAML_FILE_MAX, &text, &err)) {
        return report_unread(l, shown(l, path), used_at, &err);
    }
    rc = yaml_read(l->arena, shown(l, path), buf_text(&text), text.len, &docs, l->diags);
    if (!rc) {
        list = node_list(l->arena, (struct pos){shown(l, path), 1, 1});
        for (size_t i = 0; i < docs.len; i++) {
            node_push(l->arena, list, docs.items[i]);
        }
        map_set(l->parsed, path, list);
        *ret_docs = list;
    }
    vec_release(&docs);
    return rc;
}

int loader_env_file(struct loader *l, const char *path, struct pos at, struct map *out)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct err err = {0};
    if (path_read_file(path, ENV_FILE_MAX, &text, &err)) {
        return report_unread(l, shown(l, path), at, &err);
    }
    return dotenv_parse(l->arena, shown(l, path), buf_text(&text), text.len, loader_lookup, l,
                        l->warned, out, l->diags);
}

int loader_documents(struct loader *l, const char *path, struct pos used_at, struct vec *docs)
{
    struct node *parsed = NULL;
    struct interpolation in = {.arena = l->arena,
                               .lookup = loader_lookup,
                               .arg = l,
                               .diags = l->diags,
                               .warned = l->warned,
                               .missing_hint = loader_missing_hint(l)};
    int rc = loader_parse(l, path, used_at, &parsed);
    for (size_t i = 0; !rc && i < parsed->count; i++) {
        struct document *doc = NULL;
        if (parsed->items[i]->kind != NODE_MAP) {
            return diags_add(l->diags, DIAG_ERROR, parsed->items[i]->at, NULL,
                             "a Compose file begins with a key, such as services:",
                             "the top level must be a mapping, it is %s",
                             node_kind_name(parsed->items[i]->kind));
        }
        doc = arena_alloc(l->arena, sizeof(*doc));
        *doc = (struct document){.root = node_copy(l->arena, parsed->items[i]), .file = path};
        reset_collect(l->arena, doc->root, &doc->places);
        if (!(l->flags & COMPOSE_NO_INTERPOLATE)) {
            (void)interpolate_tree(&in, doc->root); /* broken values are marked */
        }
        vec_push(docs, doc);
    }
    return rc;
}

void loader_release_documents(struct vec *docs)
{
    for (size_t i = 0; i < docs->len; i++) {
        struct document *doc = docs->items[i];
        vec_release(&doc->places);
    }
    vec_release(docs);
}

/* Empty name servers are left out; they come from variables that are not set. */
static void drop_empty_dns(struct node *root)
{
    struct node *services = node_get(root, "services");
    for (size_t i = 0; node_is(services, NODE_MAP) && i < services->len; i++) {
        struct node *dns = node_get(services->entries[i].value, "dns");
        size_t kept = 0;
        for (size_t k = 0; node_is(dns, NODE_LIST) && k < dns->count; k++) {
            struct node *n = dns->items[k];
            if (n->kind != NODE_NULL && !(n->kind == NODE_STRING && !*n->text)) {
                dns->items[kept++] = n;
            }
        }
        if (node_is(dns, NODE_LIST)) {
            dns->count = kept;
        }
    }
}

/* Empty lists of extensions are printed as null. */
static void drop_empty_lists(struct node *n)
{
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++) {
        drop_empty_lists(n->items[i]);
    }
    for (size_t i = 0; n->kind == NODE_MAP && i < n->len; i++) {
        drop_empty_lists(n->entries[i].value);
    }
    if (n->kind == NODE_LIST && !n->count) {
        n->kind = NODE_NULL;
    }
}

int loader_canonical(struct loader *l, struct node *root)
{
    enum canonical_tolerance tolerate = l->flags & COMPOSE_NO_INTERPOLATE ? TOLERATE_ALL
                                        : l->diags->errors                ? TOLERATE_VARIABLES
                                                                          : TOLERATE_NOTHING;
    /* What is wrong is taken out: what else is? */
    (void)canonical_forms(root, l->arena, tolerate, l->diags);
    drop_empty_dns(root);
    NODE_ENTRIES(entry, root)
    {
        if (str_starts(entry->key, "x-")) {
            drop_empty_lists(entry->value);
        }
    }
    return merge_unique(l->merger, root);
}

static void drop_version(struct loader *l, struct node *root)
{
    const struct node_entry *version = node_entry(root, "version");
    if (!version) {
        return;
    }
    if (version->at.file && !map_has(l->warned, version->at.file)) {
        map_set(l->warned, version->at.file, l);
        diags_add(l->diags, DIAG_WARNING, version->at, "version", "remove it",
                  "the attribute `version` is obsolete, it will be ignored");
    }
    node_remove(root, "version");
}

static int add_document(struct loader *l, struct document *doc, struct node **root)
{
    size_t errors = l->diags->errors;
    if (extends_apply(l, doc)) {
        return -ERR_COMPOSE;
    }
    if (*root) {
        reset_apply(&doc->places, *root);
    }
    if (include_apply(l, doc)) {
        return -ERR_COMPOSE;
    }
    *root = merge_files(l->merger, *root, doc->root);
    if (merge_unique(l->merger, *root) || l->diags->errors > errors) {
        return -ERR_COMPOSE;
    }
    (void)schema_validate(*root, l->diags); /* what is wrong is taken out: what else is? */
    if ((*root)->kind != NODE_MAP) {
        return -ERR_COMPOSE;
    }
    drop_version(l, *root);
    return loader_canonical(l, *root);
}

int loader_files(struct loader *l, struct pos used_at, struct node **ret)
{
    struct vec docs = {0};
    struct node *root = NULL;
    size_t errors = l->diags->errors;
    int rc = 0;
    /* All files are parsed and interpolated first, so that one run shows what is wrong in each. */
    for (size_t i = 0; i < l->file_count; i++) {
        int one = loader_documents(l, l->files[i], used_at, &docs);
        rc = rc ? rc : one;
    }
    for (size_t i = 0; !rc && i < docs.len; i++) {
        rc = add_document(l, docs.items[i], &root);
    }
    loader_release_documents(&docs);
    *ret = rc ? NULL : root;
    return rc ? rc : l->diags->errors > errors ? -ERR_COMPOSE : 0;
}
