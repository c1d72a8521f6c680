/*
 * The engine's JSON to plain types: lists, inspects. Whatever an engine says, the decoders fill
 * every text with something that can be read.
 */
#include <assert.h>
#include <string.h>

#include "engine/decode.h"
#include "target.h"

static size_t use(const char *s)
{
    assert(s != NULL);
    return strlen(s);
}

static void use_containers(struct arena *a, const json_t *json)
{
    struct observed_container *c = NULL;
    size_t count = 0;
    decode_containers(a, json, &c, &count);
    for (size_t i = 0; i < count; i++, c++) {
        use(c->id), use(c->name), use(c->image), use(c->image_id), use(c->command);
        use(c->status), use(c->project), use(c->service), use(c->config_hash);
        use(c->image_label), use(c->depends_on), use(c->replace);
        assert(c->state < CONTAINER_STATE_COUNT && c->health < ENGINE_HEALTH_COUNT);
        for (size_t k = 0; k < c->endpoint_count; k++) {
            use(c->endpoints[k].network), use(c->endpoints[k].network_id), use(c->endpoints[k].ip);
        }
        for (size_t k = 0; k < c->mount_count; k++) {
            use(c->mounts[k].type), use(c->mounts[k].name), use(c->mounts[k].target);
        }
        for (size_t k = 0; k < c->port_count; k++) {
            use(c->ports[k].ip), use(c->ports[k].protocol);
        }
    }
}

static void use_details(struct arena *a, const json_t *json)
{
    struct container_details d;
    decode_details(a, json, &d);
    use(d.id), use(d.name), use(d.error), use(d.health_output), use(d.restart_policy);
    assert(d.state < CONTAINER_STATE_COUNT && d.health < ENGINE_HEALTH_COUNT);
    for (size_t k = 0; k < d.port_count; k++) {
        use(d.ports[k].ip), use(d.ports[k].protocol);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
    struct observed_network *networks = NULL;
    struct observed_volume *volumes = NULL;
    struct observed_image image;
    size_t count = 0;
    struct arena a;
    if (!json) {
        return 0;
    }
    arena_init(&a);
    use_containers(&a, json);
    decode_networks(&a, json, &networks, &count);
    for (size_t i = 0; i < count; i++) {
        use(networks[i].id), use(networks[i].name), use(networks[i].key), use(networks[i].project);
    }
    decode_volumes(&a, json, &volumes, &count);
    for (size_t i = 0; i < count; i++) {
        use(volumes[i].name), use(volumes[i].key), use(volumes[i].project);
    }
    decode_image(&a, "ref", json, &image);
    use(image.id), use(image.architecture), use(image.os), use(image.stop_signal);
    use_details(&a, json);
    arena_release(&a);
    json_decref(json);
    return 0;
}
