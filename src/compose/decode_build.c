/*
 * build sections and uses of secrets and configs. Pure.
 */
#include <string.h>

#include "base/str.h"
#include "compose/decode_parts.h"

/* "0440", as the typed tree has modes. */
static uint32_t mode_of(const char *text)
{
    uint32_t mode = 0;
    for (; *text >= '0' && *text <= '7'; text++) {
        mode = mode * 8 + (uint32_t)(*text - '0');
    }
    return mode;
}

struct file_ref *decode_file_refs(const struct node *map, const char *key, size_t *ret_count,
                                  struct arena *arena)
{
    const struct node *list = NULL;
    size_t count = list_count(map, key, &list);
    struct file_ref *refs = arena_array(arena, count + 1, sizeof(*refs));
    for (size_t i = 0; i < count; i++) {
        const struct node *n = list->items[i];
        const char *mode = node_text(node_get(n, "mode"));
        const char *source = get_text(n, "source");
        refs[i] = (struct file_ref){.source = source ? source : "",
                                    .target = get_text(n, "target"),
                                    .uid = get_text(n, "uid"),
                                    .gid = get_text(n, "gid"),
                                    .mode = mode ? mode_of(mode) : 0,
                                    .mode_set = mode != NULL,
                                    .at = n->at};
    }
    *ret_count = count;
    return refs;
}

/* "host=address" lines to pairs. */
static struct key_values hosts(struct arena *arena, const struct node *map, const char *key)
{
    const struct node *list = NULL;
    size_t count = list_count(map, key, &list);
    struct key_values out = {.count = count, .set = count > 0};
    out.items = arena_array(arena, count + 1, sizeof(*out.items));
    for (size_t i = 0; i < count; i++) {
        const char *text = list->items[i]->text;
        size_t len = strcspn(text, "=");
        out.items[i].key = arena_strndup(arena, text, len);
        out.items[i].value = text[len] ? text + len + 1 : "";
    }
    return out;
}

/* name=soft:hard, as the build API wants them. */
static struct key_values ulimits(struct arena *arena, const struct node *map)
{
    const struct node *n = node_get(map, "ulimits");
    struct key_values out = {0};
    if (!node_is(n, NODE_MAP)) {
        return out;
    }
    out.set = true;
    out.items = arena_array(arena, n->len + 1, sizeof(*out.items));
    NODE_ENTRIES(entry, n)
    {
        int64_t single = node_is(entry->value, NODE_INT) ? entry->value->integer : 0;
        long long soft = get_int(entry->value, "soft", single);
        long long hard = get_int(entry->value, "hard", single);
        out.items[out.count++] = (struct key_value){
            .key = entry->key, .value = arena_printf(arena, "%lld:%lld", soft, hard)};
    }
    return out;
}

static struct string_list ssh(struct arena *arena, const struct node *map)
{
    const struct node *n = node_get(map, "ssh");
    struct string_list out = {0};
    if (!node_is(n, NODE_MAP)) {
        return out;
    }
    out.set = true;
    out.items = arena_array(arena, n->len + 1, sizeof(*out.items));
    NODE_ENTRIES(entry, n)
    {
        const char *path = node_text(entry->value);
        out.items[out.count++] = str_empty(path) ? entry->key
                                                 : arena_printf(arena, "%s=%s", entry->key, path);
    }
    return out;
}

struct build *decode_build(const struct node *n, struct arena *arena)
{
    struct build *b = NULL;
    if (!node_is(n, NODE_MAP)) {
        return NULL;
    }
    b = arena_alloc(arena, sizeof(*b));
    *b = (struct build){.context = get_text(n, "context"),
                        .dockerfile = get_text(n, "dockerfile"),
                        .dockerfile_inline = get_text(n, "dockerfile_inline"),
                        .args = get_map(arena, n, "args"),
                        .labels = get_map(arena, n, "labels"),
                        .additional_contexts = get_map(arena, n, "additional_contexts"),
                        .ulimits_text = ulimits(arena, n),
                        .cache_from = get_list(arena, n, "cache_from"),
                        .cache_to = get_list(arena, n, "cache_to"),
                        .tags = get_list(arena, n, "tags"),
                        .ssh = ssh(arena, n),
                        .platforms = get_list(arena, n, "platforms"),
                        .entitlements = get_list(arena, n, "entitlements"),
                        .extra_hosts = hosts(arena, n, "extra_hosts"),
                        .target = get_text(n, "target"),
                        .network = get_text(n, "network"),
                        .isolation = get_text(n, "isolation"),
                        .provenance = get_text(n, "provenance"),
                        .sbom = get_text(n, "sbom"),
                        .shm_size = get_int(n, "shm_size", 0),
                        .no_cache = get_bool(n, "no_cache"),
                        .pull = get_bool(n, "pull"),
                        .privileged = get_bool(n, "privileged"),
                        .at = n->at};
    b->secrets = decode_file_refs(n, "secrets", &b->secret_count, arena);
    return b;
}
