/*
 * A project rebuilt from the labels of what it left on the engine: for commands without files.
 * Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "plan/plan.h"

static enum condition condition_from(const char *text)
{
    for (int c = 0; c < CONDITION_COUNT; c++) {
        if (strcmp(condition_name(c), text) == 0) {
            return c;
        }
    }
    return CONDITION_STARTED;
}

/* "db:service_healthy:false,redis:service_started:true" */
static void read_depends_on(struct arena *a, struct service *s, const char *label)
{
    struct strv parts = {0};
    if (!*label) {
        return;
    }
    str_split(label, ',', &parts);
    s->depends_on = arena_array(a, parts.len, sizeof(*s->depends_on));
    for (size_t i = 0; i < parts.len; i++) {
        struct strv f = {0};
        str_split(parts.items[i], ':', &f);
        if (f.items[0][0]) {
            s->depends_on[s->depends_on_count++] = (struct depends_on){
                .service = arena_strdup(a, f.items[0]),
                .condition = f.len > 1 ? condition_from(f.items[1]) : CONDITION_STARTED,
                .restart = f.len > 2 && strcmp(f.items[2], "true") == 0,
                .required = false};
        }
        strv_release(&f);
    }
    strv_release(&parts);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct service *)a)->name, ((const struct service *)b)->name);
}

static void read_services(struct project *p, const struct observed *o)
{
    struct service *services = arena_array(&p->arena, o->container_count, sizeof(*services));
    p->services = services;
    for (size_t i = 0; i < o->container_count; i++) { /* sorted by service */
        const struct observed_container *c = &o->containers[i];
        struct service *next = &services[p->service_count];
        if (!*c->service || c->oneoff) {
            continue;
        }
        if (p->service_count && strcmp(next[-1].name, c->service) == 0) {
            next[-1].replicas++;
            continue;
        }
        p->service_count++;
        *next = (struct service){.name = arena_strdup(&p->arena, c->service),
                                 .image = arena_strdup(&p->arena, c->image),
                                 .config_hash = arena_strdup(&p->arena, c->config_hash),
                                 .replicas = 1,
                                 .stop_grace_period = -1,
                                 .mem_swappiness = -1};
        read_depends_on(&p->arena, next, c->depends_on);
        if (c->working_dir[0] && !p->working_dir) {
            p->working_dir = arena_strdup(&p->arena, c->working_dir);
        }
    }
    qsort(p->services, p->service_count, sizeof(*p->services), by_name);
}

struct project *plan_project_from_labels(const char *name, const struct observed *o)
{
    struct arena arena;
    struct project *p = NULL;
    arena_init(&arena);
    p = arena_alloc(&arena, sizeof(*p));
    p->arena = arena;
    p->name = arena_strdup(&p->arena, name);
    read_services(p, o);
    p->networks = arena_array(&p->arena, o->network_count, sizeof(*p->networks));
    for (size_t i = 0; i < o->network_count; i++) {
        p->networks[p->network_count++] = (struct network){
            .key = arena_strdup(&p->arena, o->networks[i].key),
            .name = arena_strdup(&p->arena, o->networks[i].name),
            .config_hash = arena_strdup(&p->arena, o->networks[i].config_hash)};
    }
    p->volumes = arena_array(&p->arena, o->volume_count, sizeof(*p->volumes));
    for (size_t i = 0; i < o->volume_count; i++) {
        p->volumes[p->volume_count++] = (struct volume){
            .key = arena_strdup(&p->arena, o->volumes[i].key),
            .name = arena_strdup(&p->arena, o->volumes[i].name),
            .config_hash = arena_strdup(&p->arena, o->volumes[i].config_hash)};
    }
    return p;
}
