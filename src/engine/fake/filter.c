/*
 * The "filters" parameter: {"label":["a=b"]} and the older {"label":{"a=b":true}}.
 */
#include <string.h>

#include "base/str.h"
#include "engine/fake/world.h"

static void add(struct fake_call *call, const char *name, const char *value)
{
    struct strv *values = map_get(&call->filters, name);
    if (!values) {
        values = xcalloc(1, sizeof(*values));
        map_set(&call->filters, name, values);
    }
    strv_push(values, value);
}

bool fake_filters(struct fake_call *call)
{
    CLEANUP_FREE char *text = fake_param(call, "filters");
    json_t *all = text && *text ? json_loads(text, 0, NULL) : json_object();
    const char *name = NULL, *value = NULL;
    json_t *values = NULL, *one = NULL;
    size_t i = 0;
    bool ok = json_is_object(all);
    json_object_foreach(all, name, values)
    {
        if (json_is_object(values)) {
            json_object_foreach(values, value, one)
            {
                if (json_is_true(one)) {
                    add(call, name, value);
                }
            }
        } else if (json_is_array(values)) {
            json_array_foreach(values, i, one)
            {
                ok = ok && json_is_string(one);
                add(call, name, json_is_string(one) ? json_string_value(one) : "");
            }
        } else {
            ok = false;
        }
    }
    json_decref(all);
    if (!ok) {
        fake_answer_error(call, 400, "invalid filter");
    }
    return ok;
}

bool fake_filter_has(const struct fake_call *call, const char *name)
{
    return map_has(&call->filters, name);
}

bool fake_filter_is(const struct fake_call *call, const char *name, const char *value)
{
    const struct strv *values = map_get(&call->filters, name);
    return !values || strv_contains(values, value);
}

bool fake_filter_part(const struct fake_call *call, const char *name, const char *value)
{
    const struct strv *values = map_get(&call->filters, name);
    for (size_t i = 0; values && i < values->len; i++) {
        if (strstr(value, values->items[i])) {
            return true;
        }
    }
    return !values;
}

bool fake_filter_labels(const struct fake_call *call, const json_t *labels)
{
    const struct strv *values = map_get(&call->filters, "label");
    for (size_t i = 0; values && i < values->len; i++) {
        const char *want = values->items[i];
        size_t len = strcspn(want, "=");
        CLEANUP_FREE char *key = xstrndup(want, len);
        const char *have = json_string_value(json_object_get(labels, key));
        if (!have || (want[len] == '=' && !str_eq(have, want + len + 1))) {
            return false;
        }
    }
    return true;
}
