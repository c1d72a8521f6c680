/*
 * A YAML tree: what compose/ works on between reading files and filling the typed model. Every
 * value knows where it came from. Nodes live in an arena and are changed in place; text may hold
 * any byte but NUL.
 */
#ifndef COMPOSE_NODE_H
#define COMPOSE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

enum node_kind {
    NODE_NULL,
    NODE_BOOL,
    NODE_INT,
    NODE_FLOAT,
    NODE_STRING,
    NODE_LIST,
    NODE_MAP,
    NODE_KIND_COUNT
};

/* What a merge has to do with the value of an earlier file; and marks of the reader. */
enum node_tag {
    TAG_NONE,
    TAG_RESET,
    TAG_OVERRIDE,
    TAG_DATE,  /* an unquoted date: a string that only extensions may hold */
    TAG_BROKEN /* what is wrong with this value was reported already: check no further */
};

struct node;

struct node_entry {
    const char *key;
    struct pos at; /* of the key */
    struct node *value;
};

struct node {
    enum node_kind kind;
    enum node_tag tag;
    struct pos at;
    union {
        bool boolean;
        struct {
            int64_t integer;
            bool is_unsigned; /* above INT64_MAX: cast to uint64_t */
        };
        double real;
        const char *text;
        struct {
            struct node **items;
            size_t count, cap;
        };
        struct {
            struct node_entry *entries; /* in the order of the file */
            size_t len, entry_cap;
            uint32_t *slots; /* index of large maps, private to node.c */
            size_t slot_count;
        };
    };
};

struct node *node_null(struct arena *a, struct pos at);
struct node *node_bool(struct arena *a, struct pos at, bool value);
struct node *node_int(struct arena *a, struct pos at, int64_t value);
struct node *node_uint(struct arena *a, struct pos at, uint64_t value);
struct node *node_float(struct arena *a, struct pos at, double value);
/* The text is copied into the arena. */
struct node *node_string(struct arena *a, struct pos at, const char *text);
struct node *node_list(struct arena *a, struct pos at);
struct node *node_map(struct arena *a, struct pos at);

void node_push(struct arena *a, struct node *list, struct node *item);
/* NULL when `map` is NULL or no map, or the key is absent. */
struct node *node_get(const struct node *map, const char *key);
struct node_entry *node_entry(const struct node *map, const char *key);
/* Replaces the value in its place, or appends; the key is copied. */
void node_set(struct arena *a, struct node *map, const char *key, struct pos key_at,
              struct node *value);
/* False when it was not there. The order of the others is kept. */
bool node_remove(struct node *map, const char *key);
/* Empties a map or list. */
void node_clear(struct node *n);
/* Deep copy; positions are kept. */
struct node *node_copy(struct arena *a, const struct node *n);
/* Same kind and content whatever the order of keys; positions do not count. */
bool node_equal(const struct node *a, const struct node *b);

/* The text of a string node, else NULL. */
const char *node_text(const struct node *n);
bool node_is(const struct node *n, enum node_kind kind);
/* A value as Go's fmt.Sprint prints it: "1.5", "true", "1e+21"; NULL for lists and maps, "" for
 * null. In the arena. */
const char *node_print(struct arena *a, const struct node *n);
/* "a mapping", "a string", ... for messages. */
const char *node_kind_name(enum node_kind kind);

#define NODE_ENTRIES(entry, map)                                                                  \
    for (struct node_entry *entry = (map)->entries; entry && entry < (map)->entries + (map)->len; \
         entry++)

#endif
