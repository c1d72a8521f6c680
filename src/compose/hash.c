/*
 * Hashes of the typed tree. What can change without a new container (build, scale, order) is left
 * out, as in the reference. Pure.
 */
#include "compose/hash.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/str.h"
#include "compose/shape.h"

static const char *sha256_hex(struct arena *arena, const struct buf *text)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[32] = {0};
    char hex[65] = "";
    EVP_Digest(buf_text(text), text->len, digest, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < sizeof(digest); i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    return arena_strdup(arena, hex);
}

/* What use_api_socket adds to a service before it is hashed. */
static void add_api_socket(struct arena *a, struct node *service)
{
    struct pos at = service->at;
    struct node *mount = node_map(a, at), *config = node_map(a, at);
    struct node *volumes = node_get(service, "volumes"), *configs = node_get(service, "configs");
    struct node *env = node_get(service, "environment");
    node_set(a, mount, "type", at, node_string(a, at, "bind"));
    node_set(a, mount, "source", at, node_string(a, at, "/var/run/docker.sock"));
    node_set(a, mount, "target", at, node_string(a, at, "/var/run/docker.sock"));
    node_set(a, config, "source", at, node_string(a, at, "#apisocket"));
    node_set(a, config, "target", at, node_string(a, at, "/run/secrets/docker/config.json"));
    if (!node_is(volumes, NODE_LIST)) {
        volumes = node_list(a, at);
        node_set(a, service, "volumes", at, volumes);
    }
    if (!node_is(configs, NODE_LIST)) {
        configs = node_list(a, at);
        node_set(a, service, "configs", at, configs);
    }
    if (!node_is(env, NODE_MAP)) {
        env = node_map(a, at);
        node_set(a, service, "environment", at, env);
    }
    node_push(a, volumes, mount);
    node_push(a, configs, config);
    if (!node_entry(env, "DOCKER_CONFIG")) {
        node_set(a, env, "DOCKER_CONFIG", at, node_string(a, at, "/run/secrets/docker"));
    }
}

static void service_json(const struct node *service, struct buf *out)
{
    static const char *const skip[] = {"build",      "pull_policy", "scale",
                                       "depends_on", "profiles",    NULL};
    struct arena scratch;
    const struct node *api = node_get(service, "use_api_socket");
    struct node *shape = NULL;
    arena_init(&scratch);
    if (node_is(api, NODE_BOOL) && api->boolean) {
        struct node *copy = node_copy(&scratch, service);
        add_api_socket(&scratch, copy);
        service = copy;
    }
    shape = shape_object(&scratch, service, &schema_service, SHAPE_HASH, skip);
    node_remove(node_get(shape, "deploy"), "replicas");
    json_write(out, shape, false);
    arena_release(&scratch);
}

const char *hash_service(struct arena *arena, const struct node *service)
{
    struct buf text = BUF_INIT;
    const char *hash = NULL;
    service_json(service, &text);
    hash = sha256_hex(arena, &text);
    buf_release(&text);
    return hash;
}

static const char *hash_resource(struct arena *arena, const struct node *map,
                                 const struct schema_object *object, bool local_driver)
{
    struct arena scratch;
    struct buf text = BUF_INIT;
    const char *hash = NULL;
    struct node *copy = NULL;
    arena_init(&scratch);
    copy = map && map->kind == NODE_MAP ? node_copy(&scratch, map)
                                        : node_map(&scratch, (struct pos){0});
    if (local_driver && str_empty(node_text(node_get(copy, "driver")))) {
        node_set(&scratch, copy, "driver", copy->at, node_string(&scratch, copy->at, "local"));
    }
    json_write(&text, shape_object(&scratch, copy, object, SHAPE_HASH, NULL), false);
    hash = sha256_hex(arena, &text);
    buf_release(&text);
    arena_release(&scratch);
    return hash;
}

const char *hash_network(struct arena *arena, const struct node *network)
{
    return hash_resource(arena, network, &schema_network, false);
}

const char *hash_volume(struct arena *arena, const struct node *volume)
{
    return hash_resource(arena, volume, &schema_volume, true);
}

/* "service:X" becomes "container:<id of X>"; returns whether it did. */
static bool mark_mode(struct arena *a, struct node *service, const char *key)
{
    struct node *mode = node_get(service, key);
    const char *text = node_text(mode);
    if (!text || !str_starts(text, "service:")) {
        return false;
    }
    node_set(a, service, key, mode->at,
             node_string(a, mode->at,
                         arena_printf(a, "container:\x01%s\x02", text + strlen("service:"))));
    return true;
}

static bool mark_volumes_from(struct arena *a, struct node *service)
{
    struct node *list = node_get(service, "volumes_from");
    bool any = false;
    for (size_t i = 0; node_is(list, NODE_LIST) && i < list->count; i++) {
        const char *text = node_text(list->items[i]);
        const char *rest = text && str_starts(text, "container:") ? text + 10 : NULL;
        size_t len = strcspn(rest ? rest : text ? text : "", ":");
        if (rest) {
            text = arena_strndup(a, rest, len);
        } else if (text) {
            text = arena_printf(a, "\x01%.*s\x02", (int)len, text);
        }
        list->items[i] = node_string(a, list->items[i]->at, text ? text : "");
        any = true;
    }
    return any;
}

const char *hash_service_text(struct arena *arena, const struct node *service)
{
    static const char *const modes[] = {"network_mode", "ipc", "pid"};
    struct arena scratch;
    struct buf json = BUF_INIT, text = BUF_INIT;
    struct node *copy = NULL;
    const char *out = NULL;
    bool any = false;
    arena_init(&scratch);
    copy = node_copy(&scratch, service);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        any |= mark_mode(&scratch, copy, modes[i]);
    }
    any |= mark_volumes_from(&scratch, copy);
    if (any) {
        service_json(copy, &json);
        for (const char *s = buf_text(&json); *s; s++) {
            bool first = str_starts(s, "\\u0001");
            if (first || str_starts(s, "\\u0002")) {
                buf_char(&text, first ? '\x01' : '\x02');
                s += 5;
            } else {
                buf_char(&text, *s);
            }
        }
        out = arena_strdup(arena, buf_text(&text));
    }
    buf_release(&json);
    buf_release(&text);
    arena_release(&scratch);
    return out;
}
