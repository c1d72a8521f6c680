/*
 * Look-ups in an observed state, and the engine's own words for states. Pure.
 */
#include "model/observed.h"

#include <string.h>

void observed_release(struct observed *o)
{
    arena_release(&o->arena);
    memset(o, 0, sizeof(*o));
}

const struct observed_network *observed_network(const struct observed *o, const char *name)
{
    for (size_t i = 0; i < o->network_count; i++) {
        if (strcmp(o->networks[i].name, name) == 0) {
            return &o->networks[i];
        }
    }
    return NULL;
}

const struct observed_volume *observed_volume(const struct observed *o, const char *name)
{
    for (size_t i = 0; i < o->volume_count; i++) {
        if (strcmp(o->volumes[i].name, name) == 0) {
            return &o->volumes[i];
        }
    }
    return NULL;
}

const struct observed_image *observed_image(const struct observed *o, const char *reference)
{
    for (size_t i = 0; i < o->image_count; i++) {
        if (strcmp(o->images[i].reference, reference) == 0) {
            return &o->images[i];
        }
    }
    return NULL;
}

const struct observed_container *observed_container(const struct observed *o, const char *name)
{
    for (size_t i = 0; i < o->container_count; i++) {
        if (strcmp(o->containers[i].name, name) == 0) {
            return &o->containers[i];
        }
    }
    return NULL;
}

static const char *const states[] = {"created",  "running", "paused", "restarting",
                                     "removing", "exited",  "dead"};
static const char *const healths[] = {"none", "starting", "healthy", "unhealthy"};

_Static_assert(ARRAY_LEN(states) == CONTAINER_STATE_COUNT, "every state has a name");
_Static_assert(ARRAY_LEN(healths) == ENGINE_HEALTH_COUNT, "every health has a name");

const char *container_state_name(enum container_state s)
{
    return s < CONTAINER_STATE_COUNT ? states[s] : "?";
}

enum container_state container_state_from_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (strcmp(states[i], name) == 0) {
            return (enum container_state)i;
        }
    }
    return CONTAINER_STATE_COUNT;
}

const char *engine_health_name(enum engine_health h)
{
    return h < ENGINE_HEALTH_COUNT ? healths[h] : "?";
}

enum engine_health engine_health_from_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(healths); i++) {
        if (strcmp(healths[i], name) == 0) {
            return (enum engine_health)i;
        }
    }
    return ENGINE_HEALTH_NONE;
}
