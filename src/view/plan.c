/*
 * Plan to JSON. Pure.
 */
#include "view/plan.h"

#include "view/text.h"

static json_t *step_to_json(const struct step *s)
{
    json_t *j = json_object(), *after = json_array();
    json_object_set_new(j, "step", json_integer((json_int_t)s->index));
    json_object_set_new(j, "kind", json_string(step_kind_name(s->kind)));
    json_object_set_new(j, "target", view_text(s->target));
    if (s->service) {
        view_set_text(j, "service", s->service->name);
    }
    view_set_text(j, "reason", s->reason);
    for (size_t i = 0; i < s->dep_count; i++) {
        json_array_append_new(after, json_integer((json_int_t)s->deps[i].step));
    }
    json_object_set_new(j, "after", after);
    return j;
}

json_t *view_plan(const struct plan *p)
{
    json_t *j = json_object(), *steps = json_array(), *notes = json_array();
    json_object_set_new(j, "project", view_text(p->project ? p->project->name : ""));
    json_object_set_new(j, "verb", view_text(p->verb));
    for (size_t i = 0; i < p->step_count; i++) {
        json_array_append_new(steps, step_to_json(p->steps[i]));
    }
    for (size_t i = 0; i < p->note_count; i++) {
        json_t *note = json_object();
        json_object_set_new(note, "text", view_text(p->notes[i].text));
        view_set_text(note, "hint", p->notes[i].hint);
        json_array_append_new(notes, note);
    }
    json_object_set_new(j, "steps", steps);
    json_object_set_new(j, "notes", notes);
    return j;
}
