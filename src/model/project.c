/*
 * Look-ups in a loaded project. Pure.
 */
#include "model/project.h"

#include <stdlib.h>
#include <string.h>

void project_free(struct project *p)
{
    if (p) {
        struct arena arena = p->arena; /* the project itself may live inside */
        arena_release(&arena);
    }
}

void cleanup_project(struct project **p)
{
    project_free(*p);
}

/* The tables are short and the keys are the first member or the second: a plain scan is enough. */
struct service *project_service(const struct project *p, const char *name)
{
    size_t lo = 0, hi = p->service_count; /* sorted by name */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(p->services[mid].name, name);
        if (c == 0) {
            return &p->services[mid];
        }
        if (c < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

struct network *project_network(const struct project *p, const char *key)
{
    for (size_t i = 0; i < p->network_count; i++) {
        if (strcmp(p->networks[i].key, key) == 0) {
            return &p->networks[i];
        }
    }
    return NULL;
}

struct volume *project_volume(const struct project *p, const char *key)
{
    for (size_t i = 0; i < p->volume_count; i++) {
        if (strcmp(p->volumes[i].key, key) == 0) {
            return &p->volumes[i];
        }
    }
    return NULL;
}

static struct file_object *find_file(struct file_object *items, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i].key, key) == 0) {
            return &items[i];
        }
    }
    return NULL;
}

struct file_object *project_secret(const struct project *p, const char *key)
{
    return find_file(p->secrets, p->secret_count, key);
}

struct file_object *project_config(const struct project *p, const char *key)
{
    return find_file(p->configs, p->config_count, key);
}

const char *key_values_get(const struct key_values *kv, const char *key, bool *ret_present)
{
    for (size_t i = 0; i < kv->count; i++) {
        if (strcmp(kv->items[i].key, key) == 0) {
            if (ret_present) {
                *ret_present = true;
            }
            return kv->items[i].value;
        }
    }
    if (ret_present) {
        *ret_present = false;
    }
    return NULL;
}

const char *condition_name(enum condition c)
{
    static const char *const names[] = {"service_started", "service_healthy",
                                        "service_completed_successfully"};
    _Static_assert(ARRAY_LEN(names) == CONDITION_COUNT, "every condition has a name");
    return c < CONDITION_COUNT ? names[c] : "?";
}
