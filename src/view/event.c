/*
 * Events to JSON. Pure. Text from outside may not be UTF-8; view_text() mends it.
 */
#include "view/event.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/mem.h"
#include "view/text.h"

json_t *view_outcome(const struct outcome *o)
{
    json_t *j = json_object();
    json_object_set_new(j, "verdict", json_string(verdict_name(o->verdict)));
    json_object_set_new(j, "layer", json_string(probe_layer_name(o->layer)));
    view_set_text(j, "code", o->code);
    view_set_text(j, "text", o->text);
    json_object_set_new(j, "ms", view_ms(o->duration));
    return j;
}

/* {"id":"Container x","status":"Started"} is what docker compose --progress json says. */
static void compose_words(json_t *j, const struct event *e)
{
    CLEANUP_FREE char *id = xasprintf("%s %s", unit_kind_name(e->unit), e->name);
    id[0] = (char)toupper((unsigned char)id[0]);
    json_object_set_new(j, "id", view_text(id));
    json_object_set_new(j, "status", json_string(unit_state_word(e->state)));
}

static void add_unit(json_t *j, const struct event *e)
{
    json_object_set_new(j, "unit", json_string(unit_kind_name(e->unit)));
    json_object_set_new(j, "name", view_text(e->name));
    view_set_text(j, "service", e->service);
    view_set_text(j, "engine_id", e->id);
}

json_t *view_event(const struct event *e)
{
    char stamp[CLOCK_RFC3339_MAX];
    json_t *j = json_object();
    json_object_set_new(j, "time", json_string(clock_rfc3339(e->wall, stamp)));
    json_object_set_new(j, "event", json_string(event_kind_name(e->kind)));
    if (e->name[0] && e->kind != EVENT_LOG) {
        add_unit(j, e);
    }
    switch (e->kind) {
    case EVENT_BEGIN:
        json_object_set_new(j, "count", json_integer((json_int_t)e->count));
        break;
    case EVENT_UNIT:
        json_object_set_new(j, "state", json_string(unit_state_name(e->state)));
        if (e->previous != e->state) {
            json_object_set_new(j, "previous", json_string(unit_state_name(e->previous)));
        }
        json_object_set_new(j, "ms", view_ms(e->duration));
        compose_words(j, e);
        break;
    case EVENT_PROBE:
        json_object_set_new(j, "outcome", view_outcome(&e->outcome));
        break;
    case EVENT_LOG:
        json_object_set_new(j, "name", view_text(e->name));
        view_set_text(j, "service", e->service);
        json_object_set_new(j, "stream", json_string(e->is_stderr ? "stderr" : "stdout"));
        break;
    case EVENT_PROGRESS:
        json_object_set_new(j, "done", json_integer(e->done));
        if (e->total) {
            json_object_set_new(j, "total", json_integer(e->total));
        }
        break;
    case EVENT_ERROR:
        json_object_set_new(j, "error", json_true());
        json_object_set_new(j, "message", view_text(e->text));
        view_set_text(j, "evidence", e->evidence);
        break;
    case EVENT_END:
        json_object_set_new(j, "ok", json_boolean(e->ok));
        json_object_set_new(j, "ms", view_ms(e->duration));
        break;
    case EVENT_WARNING:
    case EVENT_KIND_COUNT:
        break;
    }
    view_set_text(j, "text", e->kind == EVENT_ERROR ? "" : e->text);
    view_set_text(j, "hint", e->hint);
    return j;
}
