/*
 * Plan to JSON and to text. Pure.
 */
#include "view/plan.h"

#include <string.h>

#include "base/str.h"

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

static void pad(struct buf *out, const char *text, size_t width)
{
    size_t columns = str_columns(text);
    buf_str(out, text);
    buf_repeat(out, ' ', columns < width ? width - columns : 0);
}

static void step_text(struct buf *out, const struct step *s, size_t verb, size_t target)
{
    buf_printf(out, "%4zu  ", s->index + 1);
    pad(out, step_kind_name(s->kind), verb + 2);
    pad(out, s->target ? s->target : "", target + 2);
    buf_str(out, s->reason ? s->reason : "");
    for (size_t i = 0; i < s->dep_count; i++) {
        buf_printf(out, "%s%zu", i ? ", " : "  (after ", s->deps[i].step + 1);
    }
    buf_str(out, s->dep_count ? ")\n" : "\n");
}

void view_plan_text(const struct plan *p, struct buf *out)
{
    size_t verb = 0, target = 0;
    for (size_t i = 0; i < p->step_count; i++) {
        size_t a = strlen(step_kind_name(p->steps[i]->kind));
        size_t b = str_columns(p->steps[i]->target ? p->steps[i]->target : "");
        verb = a > verb ? a : verb;
        target = b > target ? b : target;
    }
    if (p->step_count == 0) {
        buf_str(out, "nothing to do\n");
    }
    for (size_t i = 0; i < p->step_count; i++) {
        step_text(out, p->steps[i], verb, target);
    }
    for (size_t i = 0; i < p->note_count; i++) {
        buf_printf(out, "note: %s\n", p->notes[i].text);
        if (!str_empty(p->notes[i].hint)) {
            buf_printf(out, "  hint: %s\n", p->notes[i].hint);
        }
    }
}
