/*
 * The driver of a load: which files, which environment, which name; then one set of files after the
 * other through parse, interpolation, extends, include, merge, validation and canonical forms.
 */
#include "compose/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "compose/canonical.h"
#include "compose/complete.h"
#include "compose/dotenv.h"
#include "compose/loader.h"
#include "compose/merge.h"
#include "compose/project.h"
#include "compose/schema.h"
#include "compose/yaml.h"

enum { ENV_FILE_MAX = 4 << 20 };

const char *loader_lookup(void *arg, const char *name)
{
    const struct loader *l = arg;
    return map_get(l->environment, name);
}

const char *loader_path(const struct loader *l, const char *path)
{
    CLEANUP_FREE char *full = NULL;
    CLEANUP_FREE char *clean = NULL;
    if (path[0] == '~' && (path[1] == '/' || !path[1]) && l->home) {
        full = path_join(l->home, path + 1 + (path[1] == '/'));
    } else {
        full = path_join(l->base, path);
    }
    clean = path_clean(full);
    return arena_strdup(l->arena, clean);
}

static int file_problem(struct loader *l, const char *path, struct pos at, struct err *err)
{
    const char *hint = err->code == ERR_NOT_FOUND ? "check the path and the directory" : err->hint;
    struct pos place = at.file ? at : (struct pos){path, 0, 0};
    diags_add(l->diags, DIAG_ERROR, place, NULL, hint, "%s", err->message);
    return -(int)err->code;
}

int loader_parse(struct loader *l, const char *path, struct pos used_at, struct node **ret_docs)
{
    struct buf text = BUF_INIT;
    struct err err = {0};
    struct node *docs = map_get(l->parsed, path);
    const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : arena_strdup(l->arena, path);
    int rc = 0;
    if (docs) {
        *ret_docs = docs;
        return 0;
    }
    if (l->parsed->len >= COMPOSE_FILES_MAX) {
        return diags_add(l->diags, DIAG_ERROR, used_at, NULL, "include less", "too many files");
    }
    if (path_read_file(path, COMPOSE_FILE_MAX, &text, &err)) {
        rc = file_problem(l, shown, used_at, &err);
    } else {
        rc = yaml_parse(l->arena, shown, buf_text(&text), text.len, &docs, l->diags);
    }
    buf_release(&text);
    if (!rc) {
        map_set(l->parsed, path, docs);
        *ret_docs = docs;
    }
    return rc;
}

int loader_env_file(struct loader *l, const char *path, struct pos at, bool optional,
                    struct map *out)
{
    struct buf text = BUF_INIT;
    struct err err = {0};
    int rc = 0;
    if (path_read_file(path, ENV_FILE_MAX, &text, &err)) {
        rc = optional && err.code == ERR_NOT_FOUND ? 0 : file_problem(l, path, at, &err);
    } else {
        rc = dotenv_parse(l->arena, arena_strdup(l->arena, path), buf_text(&text), text.len,
                          loader_lookup, l, l->warned, out, l->diags);
    }
    buf_release(&text);
    return rc;
}

int loader_interpolate(struct loader *l, struct node *root)
{
    struct interpolation in = {.arena = l->arena,
                               .lookup = loader_lookup,
                               .arg = l,
                               .diags = l->diags,
                               .warned = l->warned};
    return l->flags & COMPOSE_NO_INTERPOLATE ? 0 : interpolate_tree(&in, root);
}

/* --- one document --- */

static int load_document(struct loader *l, struct node *doc, struct node **dict)
{
    int rc = 0;
    if (doc->kind != NODE_MAP) {
        return diags_add(
            l->diags, DIAG_ERROR, doc->at, NULL, "a Compose file begins with services:",
            doc->kind == NODE_NULL ? "empty compose file" : "top-level object must be a mapping");
    }
    rc = loader_interpolate(l, doc);
    rc = rc ? rc : extends_apply(l, doc);
    rc = rc ? rc : include_apply(l, doc);
    if (rc) {
        return rc;
    }
    size_t before = l->diags->errors;
    *dict = merge_trees(l->arena, *dict, doc, "", l->diags);
    merge_strip_tags(*dict);
    merge_unique(l->arena, *dict, "", l->diags);
    rc = l->diags->errors > before ? -ERR_COMPOSE : 0;
    return rc ? rc : schema_validate(*dict, l->diags);
}

int loader_files(struct loader *l, const char *const *paths, size_t count, struct pos used_at,
                 struct node **ret)
{
    struct node *dict = NULL;
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        struct node *docs = NULL;
        int one = loader_parse(l, paths[i], used_at, &docs);
        for (size_t d = 0; !one && d < docs->count; d++) {
            one = load_document(l, node_copy(l->arena, docs->items[d]), &dict);
        }
        if (!one && !docs->count) {
            one = diags_add(l->diags, DIAG_ERROR, (struct pos){paths[i], 1, 1}, NULL,
                            "a Compose file begins with services:", "empty compose file");
        }
        if (!one && dict) {
            one = canonical_forms(dict, l->arena, l->flags & COMPOSE_NO_INTERPOLATE, l->diags);
            one = one ? one : merge_unique(l->arena, dict, "", l->diags);
        }
        rc = rc ? rc : one;
    }
    *ret = dict;
    return rc;
}

/* --- which files --- */

static const char *const base_names[] = {"compose.yaml", "compose.yml", "docker-compose.yml",
                                         "docker-compose.yaml"};
static const char *const override_names[] = {"compose.override.yml", "compose.override.yaml",
                                             "docker-compose.override.yml",
                                             "docker-compose.override.yaml"};

struct load {
    struct arena arena;
    const struct compose_options *o;
    struct diags *diags;
    struct map environment;
    struct map warned;
    struct map parsed;
    struct strv files; /* absolute, or "-" */
    struct strv env_files;
    const char *cwd, *base;
    bool named_files; /* -f or COMPOSE_FILE */
};

static const char *variable(const struct load *l, const char *name)
{
    const char *v = map_get(&l->environment, name);
    return v && *v ? v : NULL;
}

static char *absolute(const struct load *l, const char *path)
{
    CLEANUP_FREE char *joined = path_join(l->cwd, path);
    return path_clean(joined);
}

static char *first_of(const char *dir, const char *const *names, size_t count, size_t *ret_found)
{
    char *found = NULL;
    *ret_found = 0;
    for (size_t i = 0; i < count; i++) {
        CLEANUP_FREE char *path = path_join(dir, names[i]);
        if (path_exists(path)) {
            if (!found) {
                found = xstrdup(path);
            }
            (*ret_found)++;
        }
    }
    return found;
}

/* The default names, in the working directory and then above it. */
static int discover(struct load *l)
{
    CLEANUP_FREE char *dir = l->o->project_directory ? absolute(l, l->o->project_directory)
                                                     : xstrdup(l->cwd);
    for (;;) {
        size_t n = 0;
        char *file = first_of(dir, base_names, ARRAY_LEN(base_names), &n), *parent = NULL;
        if (file) {
            size_t overrides = 0;
            char *override = first_of(dir, override_names, ARRAY_LEN(override_names), &overrides);
            if (n > 1) {
                diags_add(l->diags, DIAG_WARNING, (struct pos){0}, NULL,
                          "remove or rename the others", "several Compose files in %s; %s is used",
                          dir, path_basename(file));
            }
            strv_take(&l->files, file);
            if (override) {
                strv_take(&l->files, override);
            }
            return 0;
        }
        parent = path_dirname(dir);
        if (strcmp(parent, dir) == 0) {
            free(parent);
            break;
        }
        free(dir);
        dir = parent;
    }
    diags_add(l->diags, DIAG_ERROR, (struct pos){0}, NULL,
              "go to the project's folder, or name the file with -f",
              "no Compose file (compose.yaml, docker-compose.yml) in %s or above", l->cwd);
    return -ERR_NOT_FOUND;
}

static void add_file(struct load *l, const char *path)
{
    if (strcmp(path, "-") == 0) {
        strv_push(&l->files, "-");
    } else {
        strv_take(&l->files, absolute(l, path));
    }
}

/* --- the environment --- */

static void take_process_environment(struct load *l)
{
    for (const char *const *e = l->o->environment; e && *e; e++) {
        const char *eq = strchr(*e, '=');
        if (eq && eq > *e) {
            map_set(&l->environment, arena_strndup(&l->arena, *e, (size_t)(eq - *e)),
                    arena_strdup(&l->arena, eq + 1));
        }
    }
}

static const char *environment_lookup(void *arg, const char *name)
{
    const struct load *l = arg;
    return map_get(&l->environment, name);
}

/* One env file below what is known already; later files of one list win over earlier ones. */
static int read_env(struct load *l, const char *path, bool optional, struct map *layer)
{
    struct buf text = BUF_INIT;
    struct err err = {0};
    int rc = 0;
    if (path_read_file(path, ENV_FILE_MAX, &text, &err)) {
        if (!optional || err.code != ERR_NOT_FOUND) {
            diags_add(l->diags, DIAG_ERROR, (struct pos){path, 0, 0}, NULL,
                      "create it, or name another one with --env-file", "%s", err.message);
            rc = -(int)err.code;
        }
    } else {
        rc = dotenv_parse(&l->arena, arena_strdup(&l->arena, path), buf_text(&text), text.len,
                          environment_lookup, l, &l->warned, layer, l->diags);
    }
    buf_release(&text);
    return rc;
}

static void take_layer(struct load *l, struct map *layer)
{
    MAP_FOREACH (v, layer) {
        if (!map_has(&l->environment, v->key)) {
            map_set(&l->environment, v->key, v->value);
        }
    }
    map_release(layer);
}

static bool is_file(const char *dir, const char *name, char **ret)
{
    *ret = path_join(dir, name);
    return path_exists(*ret);
}

static int load_env_files(struct load *l, const char *dir)
{
    struct map layer = {0};
    struct strv listed = {0};
    int rc = 0;
    for (size_t i = 0; i < l->o->env_file_count; i++) {
        strv_push(&listed, l->o->env_files[i]);
    }
    if (!listed.len && variable(l, "COMPOSE_ENV_FILES")) {
        str_split(variable(l, "COMPOSE_ENV_FILES"), ',', &listed);
    }
    for (size_t i = 0; !rc && i < listed.len; i++) {
        CLEANUP_FREE char *path = absolute(l, listed.items[i]);
        rc = read_env(l, path, false, &layer);
        strv_push(&l->env_files, path);
    }
    if (!listed.len && !(l->o->flags & COMPOSE_NO_DOT_ENV)) {
        char *path = NULL;
        if (is_file(dir, ".env", &path)) {
            rc = read_env(l, path, true, &layer);
        }
        free(path);
    }
    strv_release(&listed);
    take_layer(l, &layer);
    return rc;
}

/* Files and environment depend on each other: COMPOSE_FILE may be in the cwd's .env. */
static int find_files(struct load *l)
{
    const char *sep = ":", *list = NULL;
    int rc = 0;
    for (size_t i = 0; i < l->o->file_count; i++) {
        add_file(l, l->o->files[i]);
    }
    if (!l->files.len) {
        CLEANUP_FREE char *dir = l->o->project_directory ? absolute(l, l->o->project_directory)
                                                         : xstrdup(l->cwd);
        rc = variable(l, "COMPOSE_FILE") ? 0 : load_env_files(l, dir);
        list = variable(l, "COMPOSE_FILE");
        sep = variable(l, "COMPOSE_PATH_SEPARATOR") ? variable(l, "COMPOSE_PATH_SEPARATOR") : sep;
        if (!rc && list) {
            struct strv parts = {0};
            str_split(list, *sep, &parts);
            for (size_t i = 0; i < parts.len; i++) {
                if (parts.items[i][0]) {
                    add_file(l, parts.items[i]);
                }
            }
            strv_release(&parts);
        }
    }
    l->named_files = l->files.len > 0;
    rc = rc ? rc : l->files.len ? 0 : discover(l);
    return rc;
}

static void find_base(struct load *l)
{
    CLEANUP_FREE char *dir = NULL;
    if (l->o->project_directory) {
        dir = absolute(l, l->o->project_directory);
    } else if (strcmp(l->files.items[0], "-") != 0) {
        dir = path_dirname(l->files.items[0]);
    } else {
        dir = xstrdup(l->cwd);
    }
    l->base = arena_strdup(&l->arena, dir);
}

/* --- the name --- */

char *compose_project_name(const char *text)
{
    struct buf b = BUF_INIT;
    for (; *text; text++) {
        char c = *text >= 'A' && *text <= 'Z' ? (char)(*text | 0x20) : *text;
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (word || ((c == '_' || c == '-') && b.len)) {
            buf_char(&b, c);
        }
    }
    return buf_steal(&b);
}

static int check_name(struct load *l, const char *name, const char *from)
{
    CLEANUP_FREE char *normal = compose_project_name(name);
    if (strcmp(normal, name) != 0 || !*name) {
        CLEANUP_FREE char *hint = xasprintf("lower-case letters, digits, - and _, beginning with a "
                                            "letter or digit%s%s",
                                            *normal ? ": " : "", normal);
        return diags_add(l->diags, DIAG_ERROR, (struct pos){0}, NULL, hint,
                         "invalid project name '%s' (%s)", name, from);
    }
    return 0;
}

/* The last `name:` of the files, interpolated. NULL when there is none. */
static const char *name_of_files(struct load *l, struct loader *loader, int *ret_rc)
{
    const char *name = NULL;
    for (size_t i = 0; i < l->files.len && !*ret_rc; i++) {
        struct node *docs = NULL;
        *ret_rc = loader_parse(loader, l->files.items[i], (struct pos){0}, &docs);
        for (size_t d = 0; !*ret_rc && d < docs->count; d++) {
            struct interpolation in = {
                .arena = &l->arena, .lookup = environment_lookup, .arg = l, .diags = l->diags};
            const char *text = node_text(node_get(docs->items[d], "name")), *why = NULL;
            if (text && interpolate_text(&in, text, &name, &why)) {
                *ret_rc = diags_add(l->diags, DIAG_ERROR, node_get(docs->items[d], "name")->at,
                                    "name", "set the variable, or write the name", "%s", why);
            }
        }
    }
    return name;
}

static int find_name(struct load *l, struct loader *loader, const char **ret)
{
    const char *from_files = NULL, *from_env = variable(l, "COMPOSE_PROJECT_NAME");
    CLEANUP_FREE char *normal = NULL;
    int rc = 0;
    from_files = name_of_files(l, loader, &rc);
    if (rc) {
        return rc;
    }
    if (!str_empty(l->o->project_name)) {
        rc = check_name(l, l->o->project_name, "-p");
        normal = xstrdup(l->o->project_name);
    } else if (from_env) {
        rc = check_name(l, from_env, "COMPOSE_PROJECT_NAME");
        normal = xstrdup(from_env);
    } else {
        CLEANUP_FREE char *clean = path_clean(l->base);
        normal = compose_project_name(!str_empty(from_files) ? from_files : path_basename(clean));
        if (!*normal) {
            return diags_add(l->diags, DIAG_ERROR, (struct pos){0}, NULL,
                             "give it one: -p NAME, COMPOSE_PROJECT_NAME, or name: in the file",
                             "project name must not be empty");
        }
    }
    if (!rc) {
        *ret = arena_strdup(&l->arena, normal);
        map_set(&l->environment, "COMPOSE_PROJECT_NAME", (void *)(uintptr_t)*ret);
    }
    return rc;
}

/* --- entry --- */

static struct string_list to_list(struct arena *a, const struct strv *v)
{
    struct string_list list = {.count = v->len, .set = v->len > 0};
    list.items = arena_array(a, v->len + 1, sizeof(*list.items));
    for (size_t i = 0; i < v->len; i++) {
        list.items[i] = arena_strdup(a, v->items[i]);
    }
    return list;
}

static struct string_list find_profiles(struct load *l)
{
    struct strv v = {0};
    struct string_list list;
    for (size_t i = 0; i < l->o->profile_count; i++) {
        strv_push(&v, l->o->profiles[i]);
    }
    if (!v.len && variable(l, "COMPOSE_PROFILES")) {
        struct strv parts = {0};
        str_split(variable(l, "COMPOSE_PROFILES"), ',', &parts);
        for (size_t i = 0; i < parts.len; i++) {
            strv_take(&v, xstrndup(parts.items[i] + strspn(parts.items[i], " "),
                                   strcspn(parts.items[i] + strspn(parts.items[i], " "), " ")));
        }
        strv_release(&parts);
    }
    list = to_list(&l->arena, &v);
    strv_release(&v);
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

static int load_all(struct load *l, struct project **ret)
{
    struct loader loader = {.arena = &l->arena,
                            .diags = l->diags,
                            .flags = l->o->flags,
                            .environment = &l->environment,
                            .warned = &l->warned,
                            .parsed = &l->parsed};
    struct node *root = NULL;
    const char *name = NULL;
    int rc = find_files(l);
    if (rc) {
        return rc;
    }
    find_base(l);
    rc = load_env_files(l, l->base);
    loader.base = l->base;
    loader.home = map_get(&l->environment, "HOME");
    loader.file = l->files.items[0];
    rc = rc ? rc : find_name(l, &loader, &name);
    rc = rc ? rc
            : loader_files(&loader, (const char *const *)l->files.items, l->files.len,
                           (struct pos){0}, &root);
    if (rc) {
        return rc;
    }
    struct project *p = arena_alloc(&l->arena, sizeof(*p));
    p->name = name;
    p->working_dir = l->base;
    p->files = to_list(&l->arena, &l->files);
    p->env_files = to_list(&l->arena, &l->env_files);
    p->environment = to_key_values(&l->arena, &l->environment);
    p->profiles = find_profiles(l);
    p->tree = root;
    rc = project_from_tree(p, root, &l->arena, &l->environment, l->o, l->diags);
    if (!rc) {
        p->arena = l->arena;
        *ret = p;
    }
    return rc;
}

int compose_load(const struct compose_options *options, struct project **ret, struct diags *diags)
{
    struct load l = {.o = options, .diags = diags};
    char *cwd = options->cwd ? xstrdup(options->cwd) : getcwd(NULL, 0);
    int rc = 0;
    arena_init(&l.arena);
    l.cwd = arena_strdup(&l.arena, cwd ? cwd : "/");
    free(cwd);
    take_process_environment(&l);
    rc = load_all(&l, ret);
    map_release(&l.environment);
    map_release(&l.warned);
    map_release(&l.parsed);
    strv_release(&l.files);
    strv_release(&l.env_files);
    if (rc) {
        arena_release(&l.arena);
    }
    return rc;
}
