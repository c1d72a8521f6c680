/*
 * Cross-checks on the typed tree. Pure. All problems of all services are collected.
 */
#include "compose/consistency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/parse.h"
#include "base/str.h"

struct check {
    struct arena *arena;
    struct node *root;
    const struct node *services, *disabled;
    struct diags *diags;
    const char *name; /* the service at hand */
    struct node *service;
    int rc;
};

static void problem(struct check *c, struct pos at, const char *key, const char *hint,
                    const char *fmt, ...) PRINTF_LIKE(5, 6);

static void problem(struct check *c, struct pos at, const char *key, const char *hint,
                    const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    char *path = xasprintf("services.%s%s%s", c->name, *key ? "." : "", key);
    va_start(ap, fmt);
    text = xvasprintf(fmt, ap);
    va_end(ap);
    c->rc = diags_add(c->diags, DIAG_ERROR, at, path, hint, "%s", text);
    free(text);
    free(path);
}

static const char *text_of(const struct check *c, const char *key)
{
    const char *text = node_text(node_get(c->service, key));
    return text ? text : "";
}

static bool is_set(const struct node *map, const char *key)
{
    const struct node *value = node_get(map, key);
    return value && value->kind != NODE_NULL;
}

static struct pos pos_of(const struct check *c, const char *key)
{
    const struct node *value = node_get(c->service, key);
    return value ? value->at : c->service->at;
}

/* "did you mean X?", "the file has: a, b", or how to declare the first one. */
static const char *nearest(const struct check *c, const char *word, const struct node *section,
                           const char *what)
{
    const char **names = NULL;
    const char *near = NULL;
    struct buf all = BUF_INIT;
    const char *hint = NULL;
    if (!node_is(section, NODE_MAP) || section->len == 0) {
        return arena_printf(c->arena, "add it at top level, under %s", what);
    }
    names = arena_array(c->arena, section->len, sizeof(*names));
    for (size_t i = 0; i < section->len; i++) {
        names[i] = section->entries[i].key;
        if (i < 8) {
            buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
        }
    }
    near = str_nearest(word, names, section->len);
    hint = near ? arena_printf(c->arena, "did you mean \"%s\"?", near)
                : arena_printf(c->arena, "add it at top level; %s has: %s%s", what, buf_text(&all),
                               section->len > 8 ? ", ..." : "");
    buf_release(&all);
    return hint;
}

static void undefined(struct check *c, struct pos at, const char *key, const char *what,
                      const char *name, const char *section)
{
    problem(c, at, key, nearest(c, name, node_get(c->root, section), section),
            "%s \"%s\" is not defined", what, name);
}

static void check_image(struct check *c)
{
    if (!is_set(c->service, "build") && !*text_of(c, "image") && !is_set(c->service, "provider")) {
        problem(c, c->service->at, "", "add image: NAME, or build: DIRECTORY",
                "service \"%s\" has neither an image nor a build section", c->name);
    }
}

static void check_contexts(struct check *c, const struct node *build)
{
    const struct node *contexts = node_get(build, "additional_contexts");
    if (!node_is(contexts, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, contexts)
    {
        const char *text = node_text(entry->value);
        const struct node *target = NULL;
        if (!text || !str_starts(text, "service:")) {
            continue;
        }
        target = node_get(c->services, text + strlen("service:"));
        if (!target) {
            problem(c, entry->value->at, "build.additional_contexts",
                    nearest(c, text + strlen("service:"), c->services, "services"),
                    "service \"%s\" is not defined", text + strlen("service:"));
        } else if (!is_set(target, "build")) {
            problem(c, entry->value->at, "build.additional_contexts", "give it a build section",
                    "service \"%s\" is not built", text + strlen("service:"));
        }
    }
}

static void check_build(struct check *c)
{
    const struct node *build = node_get(c->service, "build");
    const struct node *platforms = node_get(build, "platforms");
    const char *platform = text_of(c, "platform");
    bool found = false;
    if (!node_is(build, NODE_MAP)) {
        return;
    }
    if (!str_empty(node_text(node_get(build, "dockerfile"))) &&
        !str_empty(node_text(node_get(build, "dockerfile_inline")))) {
        problem(c, node_get(build, "dockerfile_inline")->at, "build", "keep one of them",
                "dockerfile and dockerfile_inline exclude each other");
    }
    check_contexts(c, build);
    for (size_t i = 0; node_is(platforms, NODE_LIST) && i < platforms->count; i++) {
        found |= str_eq(node_text(platforms->items[i]), platform);
    }
    if (node_is(platforms, NODE_LIST) && platforms->count && *platform && !found) {
        problem(c, platforms->at, "build.platforms", "add it to the list",
                "platform \"%s\" is not among them", platform);
    }
}

static void check_networks(struct check *c)
{
    const struct node *networks = node_get(c->service, "networks");
    const char *mode = text_of(c, "network_mode");
    if (!node_is(networks, NODE_MAP)) {
        networks = NULL;
    }
    if (*mode && networks && networks->len) {
        problem(c, pos_of(c, "network_mode"), "network_mode", "keep one of them",
                "network_mode and networks exclude each other");
    }
    for (size_t i = 0; networks && i < networks->len; i++) {
        const struct node_entry *entry = &networks->entries[i];
        if (!node_entry(node_get(c->root, "networks"), entry->key)) {
            undefined(c, entry->at, "networks", "network", entry->key, "networks");
        }
    }
    if (str_starts(mode, "service:") && !node_entry(c->services, mode + strlen("service:"))) {
        problem(c, pos_of(c, "network_mode"), "network_mode",
                nearest(c, mode + strlen("service:"), c->services, "services"),
                "service \"%s\" is not defined", mode + strlen("service:"));
    }
}

static void check_health(struct check *c)
{
    const struct node *test = node_get(node_get(c->service, "healthcheck"), "test");
    const char *first = NULL;
    if (!node_is(test, NODE_LIST) || test->count == 0) {
        return;
    }
    first = node_text(test->items[0]);
    if (!str_eq(first, "CMD") && !str_eq(first, "CMD-SHELL") && !str_eq(first, "NONE")) {
        problem(c, test->items[0]->at, "healthcheck.test",
                "write [\"CMD\", ...], [\"CMD-SHELL\", \"...\"] or [\"NONE\"]",
                "the list starts with \"%s\"", first ? first : "");
    }
}

static void check_dependencies(struct check *c)
{
    const struct node *depends_on = node_get(c->service, "depends_on");
    if (!node_is(depends_on, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, depends_on)
    {
        const struct node *required = node_get(entry->value, "required");
        bool optional = node_is(required, NODE_BOOL) && !required->boolean;
        if (node_entry(c->services, entry->key)) {
            continue;
        }
        if (!node_entry(c->disabled, entry->key)) {
            problem(c, entry->at, "depends_on", nearest(c, entry->key, c->services, "services"),
                    "depends on undefined service \"%s\"", entry->key);
        } else if (!optional) {
            problem(c, entry->at, "depends_on", "use --profile, or write required: false",
                    "depends on service \"%s\", whose profiles are not active", entry->key);
        }
    }
}

static void check_sources(struct check *c, const struct node *list, const char *key,
                          const char *what, const char *section, const char *type)
{
    const struct node *known = node_get(c->root, section);
    for (size_t i = 0; node_is(list, NODE_LIST) && i < list->count; i++) {
        const struct node *source = node_get(list->items[i], "source");
        const char *name = node_text(source);
        if (type &&
            (!str_eq(node_text(node_get(list->items[i], "type")), type) || str_empty(name))) {
            continue;
        }
        if (!node_entry(known, name ? name : "")) {
            undefined(c, source ? source->at : list->items[i]->at, key, what, name ? name : "",
                      section);
        }
    }
}

static void check_models(struct check *c)
{
    const struct node *models = node_get(c->service, "models");
    if (!node_is(models, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, models)
    {
        if (!node_entry(node_get(c->root, "models"), entry->key)) {
            undefined(c, entry->at, "models", "model", entry->key, "models");
        }
    }
}

static void check_resources(struct check *c)
{
    check_sources(c, node_get(c->service, "volumes"), "volumes", "volume", "volumes", "volume");
    check_sources(c, node_get(node_get(c->service, "build"), "secrets"), "build.secrets", "secret",
                  "secrets", NULL);
    check_sources(c, node_get(c->service, "configs"), "configs", "config", "configs", NULL);
    check_sources(c, node_get(c->service, "secrets"), "secrets", "secret", "secrets", NULL);
    check_models(c);
}

static int64_t integer(const struct node *n, int64_t otherwise)
{
    return node_is(n, NODE_INT) ? n->integer : otherwise;
}

static void check_scale(struct check *c)
{
    struct node *scale = node_get(c->service, "scale");
    struct node *deploy = node_get(c->service, "deploy");
    struct node *replicas = node_get(deploy, "replicas");
    int64_t count = 1;
    if (node_is(scale, NODE_INT) && node_is(deploy, NODE_MAP)) {
        if (node_is(replicas, NODE_INT) && replicas->integer != scale->integer) {
            problem(c, scale->at, "scale", "keep one of them",
                    "scale is %lld, deploy.replicas is %lld", (long long)scale->integer,
                    (long long)replicas->integer);
        }
        node_set(c->arena, deploy, "replicas", scale->at, scale);
        replicas = scale;
    }
    count = integer(scale, integer(replicas, 1));
    if (count < 0) {
        problem(c, node_is(scale, NODE_INT) ? scale->at : replicas->at,
                node_is(scale, NODE_INT) ? "scale" : "deploy.replicas", "",
                "must be greater than or equal to 0");
    }
    if (count > 1 && *text_of(c, "container_name")) {
        problem(c, pos_of(c, "container_name"), "container_name",
                "remove container_name, or run one container",
                "%lld containers cannot all have the name \"%s\"", (long long)count,
                text_of(c, "container_name"));
    }
}

/* cpus and deploy.resources.limits.cpus, and the like: both may be said only if they agree. */
static void check_same(struct check *c, const char *key, const char *part, const char *deploy_key)
{
    const struct node *own = node_get(c->service, key);
    const struct node *group = node_get(node_get(node_get(c->service, "deploy"), "resources"),
                                        part);
    const struct node *other = node_get(group, deploy_key);
    bool same = false;
    if (!node_is(group, NODE_MAP) || !own) {
        return;
    }
    if (own->kind == NODE_FLOAT) {
        float a = (float)own->real;
        float b = node_is(other, NODE_FLOAT) ? (float)other->real : 0.0F;
        same = a - b == 0.0F || a == 0.0F;
    } else {
        same = integer(own, 0) == 0 || integer(own, 0) == integer(other, 0);
    }
    if (!same) {
        char hint[128];
        snprintf(hint, sizeof(hint), "give both the same value, or keep one");
        problem(c, own->at, key, hint, "differs from deploy.resources.%s.%s", part, deploy_key);
    }
}

static void check_watch(struct check *c)
{
    const struct node *watch = node_get(node_get(c->service, "develop"), "watch");
    for (size_t i = 0; node_is(watch, NODE_LIST) && i < watch->count; i++) {
        const char *target = node_text(node_get(watch->items[i], "target"));
        const char *action = node_text(node_get(watch->items[i], "action"));
        if (str_empty(target) && !str_eq(action, "rebuild") && !str_eq(action, "restart")) {
            problem(c, watch->items[i]->at, "develop.watch",
                    "add target: the path in the container", "action %s needs a target",
                    action ? action : "");
        }
    }
}

static void mounted(struct check *c, struct map *seen, const char *target, const struct node *at,
                    const char *key)
{
    const struct node *first = map_get(seen, target);
    if (first) {
        char hint[192];
        snprintf(hint, sizeof(hint), "the first is at %s:%d", first->at.file ? first->at.file : "",
                 first->at.line);
        problem(c, at->at, key, hint, "target %s is mounted twice", target);
        return;
    }
    map_set(seen, target, (void *)(uintptr_t)at);
}

static void check_targets(struct check *c)
{
    const struct node *tmpfs = node_get(c->service, "tmpfs");
    const struct node *volumes = node_get(c->service, "volumes");
    struct map seen = {0};
    for (size_t i = 0; node_is(tmpfs, NODE_LIST) && i < tmpfs->count; i++) {
        const char *text = node_text(tmpfs->items[i]);
        char *path = text ? xstrndup(text, strcspn(text, ":")) : NULL;
        if (path) {
            mounted(c, &seen, path, tmpfs->items[i], "tmpfs");
        }
        free(path);
    }
    for (size_t i = 0; node_is(volumes, NODE_LIST) && i < volumes->count; i++) {
        const char *target = node_text(node_get(volumes->items[i], "target"));
        mounted(c, &seen, target ? target : "", volumes->items[i], "volumes");
    }
    map_release(&seen);
}

static void check_service(struct check *c)
{
    check_image(c);
    check_build(c);
    check_networks(c);
    check_health(c);
    check_dependencies(c);
    check_resources(c);
    check_scale(c);
    check_same(c, "cpus", "limits", "cpus");
    check_same(c, "mem_limit", "limits", "memory");
    check_same(c, "mem_reservation", "reservations", "memory");
    check_same(c, "pids_limit", "limits", "pids");
    check_watch(c);
    check_targets(c);
}

static void check_secrets(struct check *c)
{
    const struct node *secrets = node_get(c->root, "secrets");
    if (!node_is(secrets, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, secrets)
    {
        const struct node *external = node_get(entry->value, "external");
        if (node_is(external, NODE_BOOL) && external->boolean) {
            continue;
        }
        if (str_empty(node_text(node_get(entry->value, "file"))) &&
            str_empty(node_text(node_get(entry->value, "environment")))) {
            c->rc = diags_add(c->diags, DIAG_ERROR, entry->at, "", "or write external: true",
                              "secret \"%s\" needs file or environment", entry->key);
        }
    }
}

/* Cycles: depth first, each service once. */

enum mark { UNSEEN, OPEN, DONE };

struct walk {
    struct check *c;
    enum mark *marks; /* by index in services */
    size_t *from;     /* how the open path came here */
    size_t *edge;     /* the next dependency to look at */
};

static size_t index_of(const struct node *services, const char *name)
{
    const struct node_entry *entry = node_entry(services, name);
    return entry ? (size_t)(entry - services->entries) : SIZE_MAX;
}

static void report_cycle(struct walk *w, size_t last, size_t first, struct pos at)
{
    const struct node *services = w->c->services;
    struct buf names = BUF_INIT, edges = BUF_INIT;
    size_t path[64];
    size_t count = 0;
    for (size_t i = last; count < ARRAY_LEN(path); i = w->from[i]) {
        path[count++] = i;
        if (i == first) {
            break;
        }
    }
    for (size_t i = count; i-- > 0;) {
        const char *name = services->entries[path[i]].key;
        const char *next = services->entries[i ? path[i - 1] : first].key;
        const struct node *depends_on = node_get(services->entries[path[i]].value, "depends_on");
        const struct node_entry *edge = node_entry(depends_on, next);
        buf_printf(&names, "%s -> ", name);
        buf_printf(&edges, "%s%s needs %s at %s:%d", edges.len ? ", " : "", name, next,
                   edge && edge->at.file ? edge->at.file : "?", edge ? edge->at.line : 0);
    }
    w->c->rc = diags_add(w->c->diags, DIAG_ERROR, at, "", buf_text(&edges),
                         "dependency cycle: %s%s", buf_text(&names), services->entries[first].key);
    buf_release(&names);
    buf_release(&edges);
}

static void walk_from(struct walk *w, size_t start)
{
    const struct node *services = w->c->services;
    size_t at = start;
    w->marks[at] = OPEN;
    w->from[at] = SIZE_MAX;
    while (at != SIZE_MAX) {
        const struct node *depends_on = node_get(services->entries[at].value, "depends_on");
        size_t next = SIZE_MAX;
        const struct node_entry *edge = NULL;
        if (!node_is(depends_on, NODE_MAP) || w->edge[at] >= depends_on->len) {
            w->marks[at] = DONE;
            at = w->from[at];
            continue;
        }
        edge = &depends_on->entries[w->edge[at]++];
        next = index_of(services, edge->key);
        if (next == SIZE_MAX || w->marks[next] == DONE) {
            continue;
        }
        if (w->marks[next] == OPEN) {
            report_cycle(w, at, next, edge->at);
            continue;
        }
        w->marks[next] = OPEN;
        w->from[next] = at;
        at = next;
    }
}

static void check_cycles(struct check *c)
{
    size_t count = c->services->len;
    struct walk w = {.c = c,
                     .marks = arena_array(c->arena, count + 1, sizeof(*w.marks)),
                     .from = arena_array(c->arena, count + 1, sizeof(*w.from)),
                     .edge = arena_array(c->arena, count + 1, sizeof(*w.edge))};
    for (size_t i = 0; i < count; i++) {
        if (w.marks[i] == UNSEEN) {
            walk_from(&w, i);
        }
    }
}

int check_consistency(struct arena *arena, struct node *root, const struct node *disabled,
                      struct diags *diags)
{
    struct check c = {.arena = arena,
                      .root = root,
                      .services = node_get(root, "services"),
                      .disabled = disabled,
                      .diags = diags};
    NODE_ENTRIES(entry, c.services)
    {
        c.name = entry->key;
        c.service = entry->value;
        check_service(&c);
    }
    check_secrets(&c);
    check_cycles(&c);
    return c.rc;
}

void check_references(struct arena *arena, struct node *root, struct diags *diags)
{
    struct check c = {.arena = arena,
                      .root = root,
                      .services = node_get(root, "services"),
                      .disabled = node_map(arena, root->at),
                      .diags = diags};
    if (!node_is(c.services, NODE_MAP)) {
        return;
    }
    NODE_ENTRIES(entry, c.services)
    {
        c.name = entry->key;
        c.service = entry->value;
        check_networks(&c);
        check_dependencies(&c);
        check_resources(&c);
    }
    check_cycles(&c);
}

int check_container_names(const struct node *root, struct diags *diags)
{
    const struct node *services = node_get(root, "services");
    struct map seen = {0};
    int rc = 0;
    NODE_ENTRIES(entry, services)
    {
        const struct node *name = node_get(entry->value, "container_name");
        const char *text = node_text(name);
        const char *other = str_empty(text) ? NULL : map_get(&seen, text);
        if (other) {
            char path[256];
            snprintf(path, sizeof(path), "services.%s.container_name", entry->key);
            rc = diags_add(diags, DIAG_ERROR, name->at, path, "choose another name",
                           "\"%s\" is the name of service \"%s\" already", text, other);
        } else if (!str_empty(text)) {
            map_set(&seen, text, (void *)(uintptr_t)entry->key);
        }
    }
    map_release(&seen);
    return rc;
}
