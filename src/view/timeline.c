/*
 * Timeline to JSON and back. Pure.
 */
#include "view/timeline.h"

#include "base/clock.h"
#include "base/parse.h"
#include "view/text.h"

enum { ENTRIES_MAX = 20000 };

static void add_span(json_t *j, const char *key, int64_t begin, int64_t end)
{
    if (begin >= 0 && end >= begin) {
        json_t *span = json_array();
        json_array_append_new(span, view_ms(begin));
        json_array_append_new(span, view_ms(end));
        json_object_set_new(j, key, span);
    }
}

static json_t *entry_to_json(const struct timeline_entry *e)
{
    json_t *j = json_object();
    json_object_set_new(j, "name", view_text(e->name));
    view_set_text(j, "service", e->service);
    add_span(j, "create_ms", e->create_begin, e->create_end);
    add_span(j, "start_ms", e->start_begin, e->start_end);
    if (e->proof_begin > 0) {
        json_object_set_new(j, "proof_ms", view_ms(e->proof_begin));
    }
    if (e->ready >= 0) {
        json_object_set_new(j, "ready_ms", view_ms(e->ready));
    }
    view_set_text(j, "proof", e->proof);
    view_set_text(j, "blocker", e->blocker);
    json_object_set_new(j, "failed", json_boolean(e->failed));
    json_object_set_new(j, "critical", json_boolean(e->critical));
    return j;
}

json_t *view_timeline(const struct timeline *t)
{
    char stamp[CLOCK_RFC3339_MAX];
    json_t *j = json_object(), *entries = json_array();
    json_object_set_new(j, "project", view_text(t->project));
    json_object_set_new(j, "command", view_text(t->command));
    json_object_set_new(j, "began", json_string(clock_rfc3339(t->began, stamp)));
    json_object_set_new(j, "duration_ms", view_ms(t->duration));
    json_object_set_new(j, "ok", json_boolean(t->ok));
    for (size_t i = 0; i < t->count; i++) {
        json_array_append_new(entries, entry_to_json(&t->entries[i]));
    }
    json_object_set_new(j, "entries", entries);
    return j;
}

static const char *text_of(struct arena *a, const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));
    return arena_strdup(a, s ? s : "");
}

/* A year of milliseconds is more than any start takes; anything else is "did not happen". */
static int64_t ns_of(const json_t *j)
{
    double ms = json_number_value(j);
    return json_is_number(j) && ms >= 0 && ms < 3.2e10 ? (int64_t)(ms * 1e6 + 0.5) : -1;
}

static void read_span(const json_t *j, const char *key, int64_t *begin, int64_t *end)
{
    const json_t *span = json_object_get(j, key);
    *begin = ns_of(json_array_get(span, 0));
    *end = ns_of(json_array_get(span, 1));
    if (*begin < 0 || *end < *begin) {
        *begin = *end = -1;
    }
}

static void read_entry(struct arena *a, const json_t *j, struct timeline_entry *e)
{
    e->name = text_of(a, j, "name");
    e->service = text_of(a, j, "service");
    e->proof = text_of(a, j, "proof");
    e->blocker = text_of(a, j, "blocker");
    read_span(j, "create_ms", &e->create_begin, &e->create_end);
    read_span(j, "start_ms", &e->start_begin, &e->start_end);
    e->proof_begin = ns_of(json_object_get(j, "proof_ms"));
    e->ready = ns_of(json_object_get(j, "ready_ms"));
    e->failed = json_is_true(json_object_get(j, "failed"));
    e->critical = json_is_true(json_object_get(j, "critical"));
}

int view_timeline_read(const json_t *j, struct timeline *ret, struct err *err)
{
    const json_t *entries = json_object_get(j, "entries");
    const char *began = json_string_value(json_object_get(j, "began"));
    int64_t when = 0;
    if (!json_is_object(j) || !json_is_array(entries) || !began ||
        parse_rfc3339(began, &when, NULL) || json_array_size(entries) > ENTRIES_MAX) {
        return err_set(err, ERR_INPUT, "this is not a timeline");
    }
    ret->began = when;
    ret->project = text_of(&ret->arena, j, "project");
    ret->command = text_of(&ret->arena, j, "command");
    ret->duration = ns_of(json_object_get(j, "duration_ms"));
    ret->duration = ret->duration < 0 ? 0 : ret->duration;
    ret->ok = json_is_true(json_object_get(j, "ok"));
    ret->count = json_array_size(entries);
    ret->entries = arena_array(&ret->arena, ret->count + 1, sizeof(*ret->entries));
    for (size_t i = 0; i < ret->count; i++) {
        read_entry(&ret->arena, json_array_get(entries, i), &ret->entries[i]);
    }
    return 0;
}
