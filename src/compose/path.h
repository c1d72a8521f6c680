/*
 * Where in a tree we are: keys from the top, "[]" for items of lists; and patterns over it.
 */
#ifndef COMPOSE_PATH_H
#define COMPOSE_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum { KEY_PATH_MAX = 160 };

struct key_path {
    const char *keys[KEY_PATH_MAX]; /* borrowed */
    size_t index[KEY_PATH_MAX];     /* of items */
    size_t depth;
    char store[128]; /* of key_path_set */
};

/* "a.b.c"; at most 128 bytes. */
void key_path_set(struct key_path *p, const char *text);
/* False when the tree is deeper than any that the loader lets in. */
bool key_path_push(struct key_path *p, const char *key);
bool key_path_push_item(struct key_path *p, size_t index);
void key_path_pop(struct key_path *p);
/* "services.*.ports.[]": "*" is any one key, "[]" any one item. */
bool key_path_matches(const struct key_path *p, const char *pattern);
/* "services.web.ports[0]"; caller frees. */
char *key_path_text(const struct key_path *p);

#endif
