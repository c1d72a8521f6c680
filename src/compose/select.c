/*
 * Selection: profiles, services named on the command line, used resources; and the files that add
 * variables and labels. Reads those files, nothing else.
 */
#include "compose/select.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "compose/dotenv.h"

enum { ENV_FILE_MAX = 16 << 20, NAMES_SHOWN = 12 };

static bool list_has(const struct string_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], text)) {
            return true;
        }
    }
    return false;
}

static bool is_active(const struct node *service, const struct string_list *profiles)
{
    const struct node *own = node_get(service, "profiles");
    if (!node_is(own, NODE_LIST) || own->count == 0 || list_has(profiles, "*")) {
        return true;
    }
    for (size_t i = 0; i < own->count; i++) {
        if (list_has(profiles, node_text(own->items[i]))) {
            return true;
        }
    }
    return false;
}

void select_profiles(struct arena *arena, struct node *services, struct node *disabled,
                     const struct string_list *profiles)
{
    struct node *all = node_copy(arena, disabled);
    NODE_ENTRIES(entry, services)
    {
        node_set(arena, all, entry->key, entry->at, entry->value);
    }
    node_clear(services);
    node_clear(disabled);
    NODE_ENTRIES(entry, all)
    {
        node_set(arena, is_active(entry->value, profiles) ? services : disabled, entry->key,
                 entry->at, entry->value);
    }
}

/* Services named on the command line */

struct selection {
    struct arena *arena;
    struct node *services;
    const struct node *disabled;
    struct node *chosen; /* a map used as a set */
    struct diags *diags;
    bool dependencies;
    int rc;
};

static void choose(struct selection *s, const char *name);

static void choose_dependencies(struct selection *s, const struct node *service)
{
    const struct node *depends_on = node_get(service, "depends_on");
    if (!node_is(depends_on, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, depends_on)
    {
        const struct node *required = node_get(entry->value, "required");
        if (node_entry(s->services, entry->key)) {
            choose(s, entry->key);
        } else if (!node_is(required, NODE_BOOL) || required->boolean) {
            s->rc = diags_add(s->diags, DIAG_ERROR, entry->at, "",
                              node_entry(s->disabled, entry->key)
                                  ? "its profiles are not active: name it, or use --profile"
                                  : "",
                              "no such service: %s", entry->key);
        }
    }
}

static void choose(struct selection *s, const char *name)
{
    const struct node_entry *entry = node_entry(s->services, name);
    if (!entry || node_entry(s->chosen, name)) {
        return;
    }
    node_set(s->arena, s->chosen, name, entry->at, entry->value);
    if (s->dependencies) {
        choose_dependencies(s, entry->value);
    }
}

/* What to say of a name that is none: the one that is meant, or those that there are. */
static const char *which_services(struct arena *arena, const char *name, const char *const *names,
                                  size_t count)
{
    const char *near = str_nearest(name, names, count), *list = NULL;
    if (near) {
        return arena_printf(arena, "did you mean \"%s\"?", near);
    }
    for (size_t i = 0; i < count && i < NAMES_SHOWN; i++) {
        list = list ? arena_printf(arena, "%s, %s", list, names[i]) : names[i];
    }
    return list ? arena_printf(arena, "the project has: %s%s", list,
                               count > NAMES_SHOWN ? ", ..." : "")
                : "the project has no services";
}

static void choose_pattern(struct selection *s, const char *pattern)
{
    bool any = false;
    NODE_ENTRIES(entry, s->services)
    {
        if (str_eq(entry->key, pattern) || fnmatch(pattern, entry->key, 0) == 0) {
            choose(s, entry->key);
            any = true;
        }
    }
    if (!any) {
        const char **names = arena_array(s->arena, s->services->len + 1, sizeof(*names));
        for (size_t i = 0; i < s->services->len; i++) {
            names[i] = s->services->entries[i].key;
        }
        s->rc = diags_add(s->diags, DIAG_ERROR, (struct pos){0}, "",
                          which_services(s->arena, pattern, names, s->services->len),
                          "no such service: %s", pattern);
    }
}

/* Naming a service activates its profiles. */
static struct string_list with_named_profiles(struct arena *arena, const struct node *disabled,
                                              const struct selecting *f)
{
    struct strv all = {0};
    struct string_list out = {.set = true};
    for (size_t i = 0; i < f->profiles.count; i++) {
        strv_push(&all, f->profiles.items[i]);
    }
    for (size_t i = 0; i < f->services.count; i++) {
        const struct node *own = node_get(node_get(disabled, f->services.items[i]), "profiles");
        for (size_t j = 0; node_is(own, NODE_LIST) && j < own->count; j++) {
            strv_push(&all, node_text(own->items[j]));
        }
    }
    out.items = arena_array(arena, all.len + 1, sizeof(*out.items));
    for (size_t i = 0; i < all.len; i++) {
        out.items[out.count++] = arena_strdup(arena, all.items[i]);
    }
    strv_release(&all);
    return out;
}

static void drop_unchosen_dependencies(struct node *service, const struct node *chosen)
{
    struct node *depends_on = node_get(service, "depends_on");
    for (size_t i = 0; node_is(depends_on, NODE_MAP) && i < depends_on->len;) {
        if (node_entry(chosen, depends_on->entries[i].key)) {
            i++;
        } else {
            node_remove(depends_on, depends_on->entries[i].key);
        }
    }
}

int select_services(struct arena *arena, struct node *root, struct node *disabled,
                    const struct selecting *f, struct diags *diags)
{
    struct node *services = node_get(root, "services");
    struct selection s = {.arena = arena,
                          .services = services,
                          .disabled = disabled,
                          .diags = diags,
                          .dependencies = !(f->flags & COMPOSE_NO_DEPENDENCIES)};
    struct string_list profiles = {0};
    if (f->services.count == 0) {
        return 0;
    }
    profiles = with_named_profiles(arena, disabled, f);
    select_profiles(arena, services, disabled, &profiles);
    if (f->flags & COMPOSE_WHOLE) {
        return 0;
    }
    s.chosen = node_map(arena, services->at);
    for (size_t i = 0; i < f->services.count; i++) {
        choose_pattern(&s, f->services.items[i]);
    }
    if (s.rc) {
        return s.rc;
    }
    NODE_ENTRIES(entry, services)
    {
        if (node_entry(s.chosen, entry->key)) {
            drop_unchosen_dependencies(entry->value, s.chosen);
        } else {
            node_set(arena, disabled, entry->key, entry->at, entry->value);
        }
    }
    node_set(arena, root, "services", services->at, s.chosen);
    return 0;
}

/* Used resources */

enum { USED_NETWORKS, USED_VOLUMES, USED_SECRETS, USED_CONFIGS, USED_MODELS, USED_COUNT };

static void use_sources(struct map *used, const struct node *list, const char *type)
{
    for (size_t i = 0; node_is(list, NODE_LIST) && i < list->count; i++) {
        const char *source = node_text(node_get(list->items[i], "source"));
        if (!str_empty(source) &&
            (!type || str_eq(node_text(node_get(list->items[i], "type")), type))) {
            map_set(used, source, used);
        }
    }
}

static void use_keys(struct map *used, const struct node *map)
{
    if (node_is(map, NODE_MAP)) {
        NODE_ENTRIES(entry, map)
        {
            map_set(used, entry->key, used);
        }
    }
}

void select_resources(struct node *root)
{
    static const char *const sections[USED_COUNT] = {"networks", "volumes", "secrets", "configs",
                                                     "models"};
    struct map used[USED_COUNT] = {0};
    const struct node *services = node_get(root, "services");
    NODE_ENTRIES(entry, services)
    {
        const struct node *s = entry->value;
        use_keys(&used[USED_NETWORKS], node_get(s, "networks"));
        use_sources(&used[USED_VOLUMES], node_get(s, "volumes"), "volume");
        use_sources(&used[USED_SECRETS], node_get(s, "secrets"), NULL);
        use_sources(&used[USED_SECRETS], node_get(node_get(s, "build"), "secrets"), NULL);
        use_sources(&used[USED_CONFIGS], node_get(s, "configs"), NULL);
        use_keys(&used[USED_MODELS], node_get(s, "models"));
    }
    for (size_t i = 0; i < USED_COUNT; i++) {
        struct node *section = node_get(root, sections[i]);
        for (size_t j = 0; node_is(section, NODE_MAP) && j < section->len;) {
            if (map_has(&used[i], section->entries[j].key)) {
                j++;
            } else {
                node_remove(section, section->entries[j].key);
            }
        }
        map_release(&used[i]);
    }
}

/* env_file and label_file */

struct lookup {
    const struct map *environment;
    const struct node *own; /* the service's environment */
    const struct map *labels;
};

static const char *look_up(void *arg, const char *name)
{
    const struct lookup *l = arg;
    const char *value = l->environment ? map_get(l->environment, name) : NULL;
    value = value ? value : node_text(node_get(l->own, name));
    return value || !l->labels ? value : map_get(l->labels, name);
}

static int read_file(struct arena *arena, const char *path, struct pos at, bool raw,
                     struct lookup *lookup, struct map *out, struct diags *diags)
{
    struct buf text = BUF_INIT;
    struct err err = {0};
    const char *name = arena_strdup(arena, path);
    int rc = path_read_file(path, ENV_FILE_MAX, &text, &err);
    if (rc) {
        rc = diags_add(diags, DIAG_ERROR, at, "", "", "%s", err.message);
    } else if (raw) {
        rc = dotenv_parse_raw(arena, name, buf_text(&text), text.len, look_up, lookup, out, diags);
    } else {
        rc = dotenv_parse(arena, name, buf_text(&text), text.len, look_up, lookup, NULL, out,
                          diags);
    }
    buf_release(&text);
    return rc;
}

static int env_file(struct arena *arena, const struct node *file, struct lookup *lookup,
                    struct map *out, struct diags *diags)
{
    const struct node *path = node_get(file, "path");
    const struct node *required = node_get(file, "required");
    const char *format = node_text(node_get(file, "format"));
    if (!node_text(path)) {
        return 0;
    }
    if (!path_exists(path->text)) {
        if (node_is(required, NODE_BOOL) && !required->boolean) {
            return 0;
        }
        return diags_add(diags, DIAG_ERROR, path->at, "",
                         "create it, or write it as {path: ..., required: false}",
                         "env file %s not found", path->text);
    }
    if (!str_empty(format) && !str_eq(format, "raw")) {
        return diags_add(diags, DIAG_ERROR, node_get(file, "format")->at, "",
                         "the only other format is raw", "unsupported env_file format \"%s\"",
                         format);
    }
    return read_file(arena, path->text, path->at, str_eq(format, "raw"), lookup, out, diags);
}

/* What the files give, below what the service says itself. */
static void merge_below(struct arena *arena, struct node *service, const char *key,
                        const struct map *vars)
{
    struct node *own = node_get(service, key);
    struct node *merged = node_map(arena, own ? own->at : service->at);
    MAP_FOREACH (entry, vars) {
        node_set(arena, merged, entry->key, merged->at,
                 node_string(arena, merged->at, entry->value));
    }
    if (own && node_is(own, NODE_MAP)) {
        NODE_ENTRIES(entry, own)
        {
            node_set(arena, merged, entry->key, entry->at, entry->value);
        }
    }
    node_set(arena, service, key, service->at, merged);
}

static void look_up_missing(struct arena *arena, struct node *env, const struct map *environment)
{
    if (!node_is(env, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, env)
    {
        const char *value = map_get(environment, entry->key);
        if (entry->value->kind == NODE_NULL && value) {
            entry->value = node_string(arena, entry->value->at, value);
        }
    }
}

static int service_variables(struct arena *arena, struct node *service, const struct selecting *f,
                             struct diags *diags)
{
    const struct node *files = node_get(service, "env_file");
    struct node *env = node_get(service, "environment");
    struct lookup lookup = {.environment = f->environment, .own = env};
    struct map vars = {0};
    int rc = 0;
    look_up_missing(arena, env, f->environment);
    if (!node_is(files, NODE_LIST)) {
        return 0;
    }
    if (node_is(env, NODE_MAP)) {
        /* the parser sees what the service sets already */
        NODE_ENTRIES(entry, env)
        {
            if (node_text(entry->value)) {
                map_set(&vars, entry->key, (void *)(uintptr_t)entry->value->text);
            }
        }
    }
    for (size_t i = 0; i < files->count; i++) {
        int one = env_file(arena, files->items[i], &lookup, &vars, diags);
        rc = rc ? rc : one;
    }
    if (rc == 0) {
        merge_below(arena, service, "environment", &vars);
    }
    map_release(&vars);
    node_remove(service, "env_file");
    return rc;
}

static int service_labels(struct arena *arena, struct node *service, struct diags *diags)
{
    const struct node *files = node_get(service, "label_file");
    struct map labels = {0};
    struct lookup lookup = {.labels = &labels};
    int rc = 0;
    if (!node_is(files, NODE_LIST)) {
        return 0;
    }
    for (size_t i = 0; i < files->count && rc == 0; i++) {
        const char *path = node_text(files->items[i]);
        if (path && !path_exists(path)) {
            rc = diags_add(diags, DIAG_ERROR, files->items[i]->at, "", "",
                           "label file %s not found", path);
        } else if (path) {
            rc = read_file(arena, path, files->items[i]->at, false, &lookup, &labels, diags);
        }
    }
    if (rc == 0) {
        merge_below(arena, service, "labels", &labels);
    }
    map_release(&labels);
    return rc;
}

int select_environment(struct arena *arena, struct node *root, const struct selecting *f,
                       struct diags *diags)
{
    int rc = 0;
    NODE_ENTRIES(entry, node_get(root, "services"))
    {
        int one = service_variables(arena, entry->value, f, diags);
        int two = service_labels(arena, entry->value, diags);
        rc = rc ? rc : one ? one : two;
    }
    return rc;
}
