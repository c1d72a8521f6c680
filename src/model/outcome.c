/*
 * Names of probe kinds, verdicts and layers; filling an outcome. Pure.
 */
#include "model/outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/probe_spec.h"

static const struct {
    const char *name;
    uint16_t port;
} kinds[] = {
#define PROBE_KIND_ROW(id, name, scheme, port) {name, port},
    PROBE_KIND_LIST(PROBE_KIND_ROW)
#undef PROBE_KIND_ROW
};

static const char *const layers[] = {
#define PROBE_LAYER_ROW(id, name) name,
    PROBE_LAYER_LIST(PROBE_LAYER_ROW)
#undef PROBE_LAYER_ROW
};

static const char *const verdicts[] = {"not yet", "ready", "never", "lost"};

_Static_assert(ARRAY_LEN(verdicts) == VERDICT_COUNT, "every verdict has a name");
_Static_assert(ARRAY_LEN(layers) == LAYER_COUNT, "every layer has a name");

const char *probe_kind_name(enum probe_kind kind)
{
    return kind < PROBE_KIND_COUNT ? kinds[kind].name : "?";
}

enum probe_kind probe_kind_from_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return (enum probe_kind)i;
        }
    }
    return PROBE_KIND_COUNT;
}

uint16_t probe_kind_port(enum probe_kind kind)
{
    return kind < PROBE_KIND_COUNT ? kinds[kind].port : 0;
}

const char *verdict_name(enum verdict v)
{
    return v < VERDICT_COUNT ? verdicts[v] : "?";
}

const char *probe_layer_name(enum probe_layer l)
{
    return l < LAYER_COUNT ? layers[l] : "?";
}

void outcome_set(struct outcome *o, enum verdict v, enum probe_layer layer, const char *code,
                 const char *fmt, ...)
{
    va_list ap;
    o->verdict = v;
    o->layer = layer;
    snprintf(o->code, sizeof(o->code), "%s", code);
    va_start(ap, fmt);
    vsnprintf(o->text, sizeof(o->text), fmt, ap);
    va_end(ap);
    for (char *p = o->text; *p;) {
        size_t n = utf8_len(p);
        if (n == 0 && p + 4 >= o->text + sizeof(o->text) - 1) {
            *p = '\0'; /* a character cut in two by the end of the text */
            break;
        }
        if (n == 0 || (unsigned char)*p < ' ' || *p == 0x7f) {
            *p = n == 0 || *p == 0x7f ? '?' : ' ';
        }
        p += n ? n : 1;
    }
}

bool outcome_same(const struct outcome *a, const struct outcome *b)
{
    return a->verdict == b->verdict && a->layer == b->layer && strcmp(a->code, b->code) == 0;
}
