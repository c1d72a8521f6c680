/*
 * The tags that undo what earlier files said. Pure. A document's own values under !override stay
 * where they are; only their place matters, because it is emptied before the merge.
 */
#include "compose/reset.h"

#include <string.h>

struct place {
    size_t depth;
    const char *keys[];
};

struct step {
    const struct step *up;
    const char *key;
    size_t depth; /* steps above, this one included */
};

static void note(struct arena *arena, const struct step *at, struct vec *places)
{
    struct place *place = NULL;
    if (!at) {
        return;
    }
    place = arena_alloc(arena, sizeof(*place) + at->depth * sizeof(place->keys[0]));
    place->depth = at->depth;
    for (; at; at = at->up) {
        place->keys[at->depth - 1] = at->key;
    }
    vec_push(places, place);
}

static void collect(struct arena *arena, struct node *n, const struct step *at, struct vec *places)
{
    size_t kept = 0;
    if (n->tag == TAG_OVERRIDE) { /* as in the reference, tags below it mean nothing */
        if (places) {
            note(arena, at, places);
        }
        return;
    }
    if (n->kind == NODE_LIST) {
        for (size_t i = 0; i < n->count; i++) {
            if (n->items[i]->tag != TAG_RESET) {
                collect(arena, n->items[i], NULL, NULL);
                n->items[kept++] = n->items[i];
            }
        }
        n->count = kept;
        return;
    }
    for (size_t i = 0; n->kind == NODE_MAP && i < n->len;) {
        struct step step = {at, n->entries[i].key, at ? at->depth + 1 : 1};
        if (n->entries[i].value->tag == TAG_RESET) {
            if (places) {
                note(arena, &step, places);
            }
            node_remove(n, step.key);
            continue;
        }
        collect(arena, n->entries[i].value, &step, places);
        i++;
    }
}

void reset_collect(struct arena *arena, struct node *root, struct vec *places)
{
    collect(arena, root, NULL, places);
}

static void remove_place(const struct place *place, size_t from, struct node *target)
{
    for (size_t i = from; target && i + 1 < place->depth; i++) {
        target = node_get(target, place->keys[i]);
    }
    if (from < place->depth && node_is(target, NODE_MAP)) {
        node_remove(target, place->keys[place->depth - 1]);
    }
}

void reset_apply(const struct vec *places, struct node *earlier)
{
    for (size_t i = 0; i < places->len; i++) {
        remove_place(places->items[i], 0, earlier);
    }
}

void reset_apply_service(const struct vec *places, const char *name, struct node *base)
{
    for (size_t i = 0; i < places->len; i++) {
        const struct place *place = places->items[i];
        if (place->depth > 2 && strcmp(place->keys[0], "services") == 0 &&
            strcmp(place->keys[1], name) == 0) {
            remove_place(place, 2, base);
        }
    }
}
