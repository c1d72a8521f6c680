/*
 * String to pointer, in the order of insertion. Keys are copied; values are not owned.
 * The hash is keyed per process (SipHash), so that hostile keys cannot make it slow.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
    char *key;
    void *value;
    uint64_t hash;
};

struct map {
    struct map_entry *entries; /* dense; removed ones leave no hole, order is kept */
    size_t len, cap;
    uint32_t *slots; /* open addressing, index + 1, 0 = free */
    size_t slot_count;
};

void map_release(struct map *m);
/* NULL when absent (or when the value is NULL: map_has tells). */
void *map_get(const struct map *m, const char *key);
bool map_has(const struct map *m, const char *key);
/* Inserts or replaces; returns the old value or NULL. */
void *map_set(struct map *m, const char *key, void *value);
/* Takes the entry out and returns its value. O(n): order is kept. */
void *map_remove(struct map *m, const char *key);

#define MAP_FOREACH(entry, m) \
    for (struct map_entry *entry = (m)->entries; entry && entry < (m)->entries + (m)->len; entry++)

#endif
