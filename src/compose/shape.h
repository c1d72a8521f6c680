/*
 * From the typed tree to what is printed: keys in the reference's order, empty values left out,
 * and the text of JSON and YAML. Pure.
 */
#ifndef COMPOSE_SHAPE_H
#define COMPOSE_SHAPE_H

#include "base/buf.h"
#include "compose/node.h"
#include "compose/schema.h"

enum shape_mode {
    SHAPE_JSON, /* as Go's encoding/json does it */
    SHAPE_HASH, /* the JSON that is hashed: label_file stays */
    SHAPE_YAML  /* as the reference's YAML encoder does it: x- keys stay */
};

/* A new tree in the arena; `map` may be NULL. `skip` names keys to leave out, NULL-terminated or
 * NULL. */
struct node *shape_object(struct arena *arena, const struct node *map,
                          const struct schema_object *object, enum shape_mode mode,
                          const char *const *skip);
/* A whole project. */
struct node *shape_project(struct arena *arena, const struct node *root, enum shape_mode mode);
/* Any tree with its keys sorted, as a Go map is printed. */
struct node *shape_sorted(struct arena *arena, const struct node *n, enum shape_mode mode);

/* Go's encoding/json: escapes < > & and, when `pretty`, two blanks of indentation. */
void json_write(struct buf *out, const struct node *n, bool pretty);
/* Block style, two blanks, texts of many lines as block scalars. */
void yaml_write(struct buf *out, const struct node *n);

/* Shortest decimal text that reads back as the same double (or float). */
void shortest_number(double value, bool single, char *buf, size_t size);

#endif
