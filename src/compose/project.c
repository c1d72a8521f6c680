/*
 * Drives the second half: normalise, read, select, check, decode. The order is the reference's,
 * because it decides what is an error: only enabled services are checked, only selected ones have
 * their env files read.
 */
#include "compose/project.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"
#include "compose/complete.h"
#include "compose/consistency.h"
#include "compose/decode.h"
#include "compose/normalize.h"
#include "compose/select.h"
#include "compose/typed.h"

static struct string_list names_of(struct arena *arena, const struct node *map)
{
    struct string_list out = {.set = true};
    out.items = arena_array(arena, map->len + 1, sizeof(*out.items));
    NODE_ENTRIES(entry, map)
    {
        out.items[out.count++] = entry->key;
    }
    return out;
}

static struct node *section(struct arena *arena, struct node *root, const char *key)
{
    struct node *map = node_get(root, key);
    if (!node_is(map, NODE_MAP)) {
        map = node_map(arena, root->at);
        node_set(arena, root, key, root->at, map);
    }
    return map;
}

/* The tree with what the command line asks for, ready to be decoded. */
static int prepare(struct node *root, struct node *disabled, struct arena *arena,
                   const struct selecting *f, struct diags *diags)
{
    int rc = 0;
    rc = complete_defaults(root, arena, diags);
    rc = rc ? rc : complete_check(root, diags);
    if (rc == 0 && !(f->flags & COMPOSE_NO_PATHS)) {
        rc = complete_paths(root, arena, f->working_dir, f->home, diags);
    }
    if (rc) {
        return rc;
    }
    complete_environment(root, arena, f->environment);
    if (!(f->flags & COMPOSE_NO_NORMALIZE)) {
        normalize_model(root, arena, f->name, f->environment);
    } else {
        node_set(arena, root, "name", root->at, node_string(arena, root->at, f->name));
    }
    if (f->flags & COMPOSE_RAW_TREE) {
        return 0;
    }
    rc = typed_tree(root, arena, diags);
    if (rc) {
        return rc;
    }
    select_profiles(arena, section(arena, root, "services"), disabled, &f->profiles);
    if (!(f->flags & COMPOSE_NO_CONSISTENCY)) {
        rc = check_consistency(arena, root, disabled, diags);
    }
    rc = rc ? rc : select_services(arena, root, disabled, f, diags);
    if (rc == 0 && !(f->flags & COMPOSE_ALL_RESOURCES)) {
        select_resources(root);
    }
    if (rc == 0 && !(f->flags & COMPOSE_NO_ENV_FILES)) {
        rc = select_environment(arena, root, f, diags);
    }
    if (rc == 0 && !(f->flags & COMPOSE_NO_CONSISTENCY)) {
        rc = check_container_names(root, diags);
    }
    return rc;
}

static void add_profiles(struct strv *out, const struct node *services)
{
    NODE_ENTRIES(entry, services)
    {
        const struct node *list = node_get(entry->value, "profiles");
        for (size_t i = 0; node_is(list, NODE_LIST) && i < list->count; i++) {
            const char *profile = node_text(list->items[i]);
            if (profile && !strv_contains(out, profile)) {
                strv_push(out, profile);
            }
        }
    }
}

static struct string_list borrowed(struct arena *arena, const char *const *items, size_t count)
{
    struct string_list out = {.set = true, .count = count};
    out.items = arena_array(arena, count + 1, sizeof(*out.items));
    for (size_t i = 0; i < count; i++) {
        out.items[i] = arena_strdup(arena, items[i]);
    }
    return out;
}

int project_from_tree(struct project *p, struct node *root, struct arena *arena,
                      const struct map *environment, const struct compose_options *options,
                      struct diags *diags)
{
    struct selecting f = {.name = p->name,
                          .working_dir = p->working_dir,
                          .home = map_get(environment, "HOME"),
                          .environment = environment,
                          .profiles = p->profiles,
                          .flags = options->flags};
    static const struct map nothing;
    struct strv profiles = {0};
    struct node *disabled = node_map(arena, root->at);
    int rc = 0;
    if (f.flags & COMPOSE_NO_INTERPOLATE) {
        f.environment = &nothing; /* then variables stay as they are written everywhere */
        f.flags |= COMPOSE_NO_CONSISTENCY;
    }
    f.services = borrowed(arena, options->services, options->service_count);
    if (f.flags & COMPOSE_ALL_PROFILES) {
        static const char *const all[] = {"*"};
        f.profiles = borrowed(arena, all, 1);
    }
    p->separator = f.flags & COMPOSE_COMPATIBILITY ? '_' : '-';
    p->tree = root;
    rc = prepare(root, disabled, arena, &f, diags);
    if (rc || (f.flags & COMPOSE_RAW_TREE)) {
        return rc;
    }
    p->disabled = names_of(arena, disabled);
    add_profiles(&profiles, node_get(root, "services"));
    add_profiles(&profiles, disabled);
    strv_sort(&profiles);
    p->known_profiles = borrowed(arena, (const char *const *)profiles.items, profiles.len);
    strv_release(&profiles);
    return decode_project(p, root, arena, diags);
}
