/*
 * Files and environment, which depend on each other: COMPOSE_FILE may come from the .env of the
 * current directory, and the .env that counts is the one beside the first file. Reads env files
 * and looks for files; the process's environment and directory are passed in.
 */
#include "compose/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/str.h"

static const char *const base_names[] = {"compose.yaml", "compose.yml", "docker-compose.yml",
                                         "docker-compose.yaml"};
static const char *const override_names[] = {"compose.override.yml", "compose.override.yaml",
                                             "docker-compose.override.yml",
                                             "docker-compose.override.yaml"};

/* NULL when it is not set or empty. */
static const char *variable(const struct source *s, const char *name)
{
    const char *v = map_get(&s->environment, name);
    return str_empty(v) ? NULL : v;
}

static char *absolute(const struct source *s, const char *path)
{
    CLEANUP_FREE char *joined = path_join(s->cwd, path);
    return path_clean(joined);
}

static void take_environment(struct source *s)
{
    for (const char *const *e = s->options->environment; e && *e; e++) {
        const char *equals = strchr(*e, '=');
        if (equals && equals > *e) {
            CLEANUP_FREE char *name = xstrndup(*e, (size_t)(equals - *e));
            map_set(&s->environment, name, arena_strdup(s->arena, equals + 1));
        }
    }
    if (!map_has(&s->environment, "PWD")) {
        map_set(&s->environment, "PWD", arena_strdup(s->arena, s->cwd));
    }
    s->home = variable(s, "HOME");
}

/* Adds what is not set yet; what the process has wins. */
static void take_layer(struct source *s, struct map *layer)
{
    MAP_FOREACH (v, layer) {
        if (!map_has(&s->environment, v->key)) {
            map_set(&s->environment, v->key, v->value);
        }
    }
    map_release(layer);
}

static struct loader reader_of(struct source *s)
{
    return (struct loader){.arena = s->arena,
                           .diags = s->diags,
                           .cwd = s->cwd,
                           .base = s->cwd,
                           .environment = &s->environment,
                           .warned = &s->warned};
}

/* The env files asked for by name, once for all. */
static int read_named_env_files(struct source *s)
{
    struct strv names = {0};
    struct map layer = {0};
    struct loader reader = reader_of(s);
    int rc = 0;
    for (size_t i = 0; i < s->options->env_file_count; i++) {
        strv_push(&names, s->options->env_files[i]);
    }
    if (!names.len && variable(s, "COMPOSE_ENV_FILES")) {
        str_split(variable(s, "COMPOSE_ENV_FILES"), ',', &names);
    }
    for (size_t i = 0; i < names.len; i++) {
        bool tilde = s->home && names.items[i][0] == '~';
        CLEANUP_FREE char *expanded = tilde ? xasprintf("%s/%s", s->home, names.items[i] + 1)
                                            : xstrdup(names.items[i]);
        char *path = absolute(s, expanded);
        int one = loader_env_file(&reader, path, (struct pos){0}, &layer);
        rc = rc ? rc : one;
        strv_take(&s->env_files, path);
    }
    strv_release(&names);
    take_layer(s, &layer);
    return rc;
}

static bool is_switched_on(const char *value)
{
    static const char *const words[] = {"1", "t", "T", "TRUE", "true", "True"};
    for (size_t i = 0; value && i < ARRAY_LEN(words); i++) {
        if (strcmp(value, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The .env of a directory, unless files were asked for by name. */
static int read_dot_env(struct source *s, const char *dir)
{
    CLEANUP_FREE char *path = path_join(dir, ".env");
    struct map layer = {0};
    struct loader reader = reader_of(s);
    int rc = 0;
    if (s->env_files.len || (s->options->flags & COMPOSE_NO_DOT_ENV) ||
        is_switched_on(variable(s, "COMPOSE_DISABLE_ENV_FILE")) || !path_is_file(path)) {
        return 0;
    }
    rc = loader_env_file(&reader, path, (struct pos){0}, &layer);
    take_layer(s, &layer);
    return rc;
}

/* Where relative paths start, as far as it is known yet; caller frees. */
static char *directory(const struct source *s)
{
    if (!str_empty(s->options->project_directory)) {
        return absolute(s, s->options->project_directory);
    }
    for (size_t i = 0; i < s->files.len; i++) {
        if (strcmp(s->files.items[i], "-") != 0) {
            return path_dirname(s->files.items[i]);
        }
    }
    return xstrdup(s->cwd);
}

static void add_file(struct source *s, const char *path)
{
    strv_take(&s->files, strcmp(path, "-") == 0 ? xstrdup("-") : absolute(s, path));
}

static int add_listed_files(struct source *s, const char *list)
{
    const char *separator = variable(s, "COMPOSE_PATH_SEPARATOR");
    size_t len = strlen(separator ? separator : ":");
    int rc = 0;
    for (const char *p = list; p;) {
        const char *end = strstr(p, separator ? separator : ":");
        CLEANUP_FREE char *path = xstrndup(p, end ? (size_t)(end - p) : strlen(p));
        add_file(s, path);
        if (strcmp(path, "-") != 0 && !path_exists(s->files.items[s->files.len - 1])) {
            rc = diags_add(s->diags, DIAG_ERROR, (struct pos){.file = path}, NULL,
                           "check COMPOSE_FILE", "there is no such file: '%s'", path);
        }
        p = end ? end + len : NULL;
    }
    return rc;
}

/* The first of some names that exists; warns when there are several. NULL when there is none. */
static char *first_of(struct source *s, const char *dir, const char *const *names, size_t count)
{
    char *found = NULL;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        char *path = path_join(dir, names[i]);
        bool here = path_exists(path);
        n += here;
        if (here && !found) {
            found = path;
        } else {
            free(path);
        }
    }
    if (n > 1) {
        diags_add(s->diags, DIAG_WARNING, (struct pos){0}, NULL, "remove or rename the others",
                  "several Compose files are in %s, %s is used", dir, path_basename(found));
    }
    return found;
}

/* The default names, in the working directory and then above it. */
static int discover(struct source *s)
{
    char *dir = directory(s);
    for (;;) {
        char *file = first_of(s, dir, base_names, ARRAY_LEN(base_names)), *parent = NULL;
        if (file) {
            char *override = first_of(s, dir, override_names, ARRAY_LEN(override_names));
            strv_take(&s->files, file);
            if (override) {
                strv_take(&s->files, override);
            }
            free(dir);
            return 0;
        }
        parent = path_dirname(dir);
        if (strcmp(parent, dir) == 0) {
            free(parent);
            free(dir);
            break;
        }
        free(dir);
        dir = parent;
    }
    diags_add(s->diags, DIAG_ERROR, (struct pos){0}, NULL,
              "go to the project's folder, or name the file with -f",
              "no Compose file (compose.yaml, docker-compose.yml) in %s or above", s->cwd);
    return -ERR_NOT_FOUND;
}

static int find_files(struct source *s)
{
    const char *list = variable(s, "COMPOSE_FILE");
    if (s->files.len) {
        return 0;
    }
    return list ? add_listed_files(s, list) : discover(s);
}

int source_find(struct source *s)
{
    CLEANUP_FREE char *before = NULL;
    CLEANUP_FREE char *after = NULL;
    int rc = 0;
    take_environment(s);
    for (size_t i = 0; i < s->options->file_count; i++) {
        add_file(s, s->options->files[i]);
    }
    before = directory(s);
    rc = read_named_env_files(s);
    rc = rc ? rc : read_dot_env(s, before);
    rc = rc ? rc : find_files(s);
    if (rc) {
        return rc;
    }
    after = directory(s);
    s->base = arena_strdup(s->arena, after);
    return strcmp(before, after) == 0 ? 0 : read_dot_env(s, after);
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

static int check_name(struct source *s, const char *name, const char *from)
{
    CLEANUP_FREE char *normal = compose_project_name(name);
    const char *hint = "lower-case letters, digits, - and _, beginning with a letter or digit";
    if (strcmp(normal, name) == 0) {
        return 0;
    }
    if (*normal) {
        hint = arena_printf(s->arena, "%s: %s", hint, normal);
    }
    return diags_add(s->diags, DIAG_ERROR, (struct pos){0}, NULL, hint,
                     "invalid project name '%s' (%s)", name, from);
}

/* The last `name` of the files, as it is written; *ret_named tells whether a first document has
 * one. */
static int name_in_files(struct source *s, struct loader *loader, const struct node **ret,
                         bool *ret_named)
{
    int rc = 0;
    for (size_t i = 0; i < s->files.len; i++) {
        struct node *docs = NULL;
        int one = loader_parse(loader, s->files.items[i], (struct pos){0}, &docs);
        for (size_t d = 0; !one && d < docs->count; d++) {
            const struct node *name = node_get(docs->items[d], "name");
            const char *text = name ? node_print(s->arena, name) : NULL;
            if (!str_empty(text)) {
                *ret = name;
                *ret_named = *ret_named || d == 0;
            }
        }
        rc = rc ? rc : one;
    }
    return rc;
}

/* The name that the files give, normalised, "" for none. */
static int name_of_files(struct source *s, struct loader *loader, const struct node *name,
                         const char **ret)
{
    const char *text = name ? node_print(s->arena, name) : "", *why = NULL;
    bool plain = s->options->flags & COMPOSE_NO_INTERPOLATE;
    struct interpolation in = {.arena = s->arena,
                               .lookup = loader_lookup,
                               .arg = loader,
                               .diags = s->diags,
                               .warned = &s->warned,
                               .missing_hint = loader_missing_hint(loader)};
    if (name && !plain) {
        in.at = name->at;
        if (interpolate_text(&in, text, &text, &why)) {
            return diags_add(s->diags, DIAG_ERROR, name->at, "name",
                             in.missing && in.missing_hint ? in.missing_hint
                                                           : "set the variable, or write the name",
                             "%s", why);
        }
    }
    if (!(s->options->flags & COMPOSE_NO_NORMALIZE)) {
        CLEANUP_FREE char *normal = compose_project_name(text);
        text = arena_strdup(s->arena, normal);
    }
    *ret = text;
    return 0;
}

int source_name(struct source *s, struct loader *loader, const char **ret)
{
    const char *imposed = s->options->project_name, *from = "-p", *name = "";
    const struct node *written = NULL;
    bool named = false;
    int rc = name_in_files(s, loader, &written, &named);
    if (str_empty(imposed)) {
        imposed = variable(s, "COMPOSE_PROJECT_NAME");
        from = "COMPOSE_PROJECT_NAME";
    }
    if (rc) {
        return rc;
    }
    if (imposed) {
        rc = check_name(s, imposed, from);
        name = imposed;
    } else {
        rc = name_of_files(s, loader, written, &name);
        if (!*name && !named) {
            CLEANUP_FREE char *normal = compose_project_name(path_basename(s->base));
            name = arena_strdup(s->arena, normal);
        }
        if (!rc && !*name) {
            rc = diags_add(s->diags, DIAG_ERROR, written ? written->at : (struct pos){0}, NULL,
                           "give it one: -p NAME, COMPOSE_PROJECT_NAME, or name: in the file",
                           "the project name must not be empty");
        }
    }
    if (!rc) {
        *ret = arena_strdup(s->arena, name);
        map_set(&s->environment, "COMPOSE_PROJECT_NAME", (void *)(uintptr_t)*ret);
    }
    return rc;
}

struct string_list source_profiles(struct source *s)
{
    struct strv names = {0};
    struct string_list list = {0};
    for (size_t i = 0; i < s->options->profile_count; i++) {
        strv_push(&names, s->options->profiles[i]);
    }
    if (!names.len && variable(s, "COMPOSE_PROFILES")) {
        str_split(variable(s, "COMPOSE_PROFILES"), ',', &names);
    }
    list.items = arena_array(s->arena, names.len + 1, sizeof(*list.items));
    list.set = names.len > 0;
    for (size_t i = 0; i < names.len; i++) {
        const char *start = names.items[i] + strspn(names.items[i], " \t");
        size_t n = strlen(start);
        while (n && (start[n - 1] == ' ' || start[n - 1] == '\t')) {
            n--;
        }
        list.items[list.count++] = arena_strndup(s->arena, start, n);
    }
    strv_release(&names);
    return list;
}

void source_release(struct source *s)
{
    map_release(&s->environment);
    map_release(&s->warned);
    strv_release(&s->files);
    strv_release(&s->env_files);
}
