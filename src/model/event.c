/*
 * Fanning events out, and the names of kinds and states. Pure.
 */
#include "model/event.h"

#include <assert.h>

#include "base/mem.h"

static const char *const kinds[] = {"begin",    "unit",    "probe", "log",
                                    "progress", "warning", "error", "end"};
static const char *const units[] = {"container", "network", "volume", "image"};
static const struct {
    const char *name, *word;
} states[] = {
#define UNIT_STATE_ROW(id, name, word) {name, word},
    UNIT_STATE_LIST(UNIT_STATE_ROW)
#undef UNIT_STATE_ROW
};

_Static_assert(ARRAY_LEN(kinds) == EVENT_KIND_COUNT, "every event kind has a name");
_Static_assert(ARRAY_LEN(units) == UNIT_KIND_COUNT, "every unit kind has a name");

void event_hub_add(struct event_hub *hub, event_fn *sink, void *arg)
{
    assert(hub->count < EVENT_SINKS_MAX);
    hub->sinks[hub->count] = sink;
    hub->args[hub->count++] = arg;
}

void event_emit(const struct event_hub *hub, const struct event *event)
{
    struct event e = *event;
    const char **texts[] = {&e.name, &e.service, &e.id, &e.text, &e.hint, &e.evidence};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i] = *texts[i] ? *texts[i] : "";
    }
    for (size_t i = 0; i < hub->count; i++) {
        hub->sinks[i](hub->args[i], &e);
    }
}

const char *event_kind_name(enum event_kind kind)
{
    return kind < EVENT_KIND_COUNT ? kinds[kind] : "?";
}

const char *unit_kind_name(enum unit_kind kind)
{
    return kind < UNIT_KIND_COUNT ? units[kind] : "?";
}

const char *unit_state_name(enum unit_state state)
{
    return state < UNIT_STATE_COUNT ? states[state].name : "?";
}

const char *unit_state_word(enum unit_state state)
{
    return state < UNIT_STATE_COUNT ? states[state].word : "?";
}
