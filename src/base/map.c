/*
 * The insertion-ordered hash map. Pure but for the key of its hash, drawn once per process.
 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

static uint64_t rotl(uint64_t x, int b)
{
    return (x << b) | (x >> (64 - b));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein). */
static uint64_t hash(const char *s)
{
    static uint64_t key[2];
    static bool keyed;
    size_t len = strlen(s);
    const char *end = s + len / 8 * 8;
    uint64_t last = (uint64_t)len << 56, word = 0;
    if (!keyed) {
        if (getrandom(key, sizeof(key), GRND_NONBLOCK) != (ssize_t)sizeof(key)) {
            key[0] = (uint64_t)(uintptr_t)&key;
        }
        keyed = true;
    }
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
                     key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL};
    for (; s < end; s += 8) {
        memcpy(&word, s, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    for (size_t i = 0; i < len % 8; i++) {
        last |= (uint64_t)(unsigned char)s[i] << (8 * i);
    }
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void rebuild(struct map *m, size_t slot_count)
{
    free(m->slots);
    m->slots = xcalloc(slot_count, sizeof(*m->slots));
    m->slot_count = slot_count;
    for (size_t i = 0; i < m->len; i++) {
        size_t at = m->entries[i].hash & (slot_count - 1);
        while (m->slots[at]) {
            at = (at + 1) & (slot_count - 1);
        }
        m->slots[at] = (uint32_t)i + 1;
    }
}

static struct map_entry *find(const struct map *m, const char *key, uint64_t h)
{
    size_t at = 0;
    if (!m->slot_count) {
        return NULL;
    }
    for (at = h & (m->slot_count - 1); m->slots[at]; at = (at + 1) & (m->slot_count - 1)) {
        struct map_entry *e = &m->entries[m->slots[at] - 1];
        if (e->hash == h && strcmp(e->key, key) == 0) {
            return e;
        }
    }
    return NULL;
}

void map_release(struct map *m)
{
    for (size_t i = 0; i < m->len; i++) {
        free(m->entries[i].key);
    }
    free(m->entries);
    free(m->slots);
    *m = (struct map){0};
}

void *map_get(const struct map *m, const char *key)
{
    struct map_entry *e = m->len ? find(m, key, hash(key)) : NULL;
    return e ? e->value : NULL;
}

bool map_has(const struct map *m, const char *key)
{
    return m->len && find(m, key, hash(key));
}

void *map_set(struct map *m, const char *key, void *value)
{
    uint64_t h = hash(key);
    struct map_entry *e = find(m, key, h);
    if (e) {
        void *old = e->value;
        e->value = value;
        return old;
    }
    if (m->len == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 8;
        m->entries = xreallocarray(m->entries, m->cap, sizeof(*m->entries));
    }
    m->entries[m->len++] = (struct map_entry){.key = xstrdup(key), .value = value, .hash = h};
    if (m->len * 2 > m->slot_count) {
        rebuild(m, m->slot_count ? m->slot_count * 2 : 16);
    } else {
        size_t at = h & (m->slot_count - 1);
        while (m->slots[at]) {
            at = (at + 1) & (m->slot_count - 1);
        }
        m->slots[at] = (uint32_t)m->len;
    }
    return NULL;
}

void *map_remove(struct map *m, const char *key)
{
    struct map_entry *e = m->len ? find(m, key, hash(key)) : NULL;
    void *value = NULL;
    size_t i = 0;
    if (!e) {
        return NULL;
    }
    value = e->value;
    i = (size_t)(e - m->entries);
    free(e->key);
    memmove(e, e + 1, (m->len - i - 1) * sizeof(*e));
    m->len--;
    rebuild(m, m->slot_count);
    return value;
}
