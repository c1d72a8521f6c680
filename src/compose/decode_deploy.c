/*
 * deploy sections and device requests. Pure.
 */
#include <string.h>

#include "compose/decode_parts.h"

struct device_request *decode_devices(const struct node *map, const char *key, size_t *ret_count,
                                      struct arena *arena)
{
    const struct node *list = NULL;
    size_t count = list_count(map, key, &list);
    struct device_request *devices = arena_array(arena, count + 1, sizeof(*devices));
    for (size_t i = 0; i < count; i++) {
        const struct node *n = list->items[i];
        devices[i] = (struct device_request){.driver = get_text(n, "driver"),
                                             .count = get_int(n, "count", 0),
                                             .ids = get_list(arena, n, "device_ids"),
                                             .capabilities = get_list(arena, n, "capabilities"),
                                             .options = get_map(arena, n, "options")};
    }
    *ret_count = count;
    return devices;
}

static struct resources decode_resources(const struct node *n)
{
    return (struct resources){.cpus = get_float(n, "cpus"),
                              .memory = get_int(n, "memory", 0),
                              .pids = get_int(n, "pids", 0)};
}

void decode_deploy(struct deploy *deploy, const struct node *n, struct arena *arena)
{
    const struct node *resources = node_get(n, "resources");
    const struct node *restart = node_get(n, "restart_policy");
    *deploy = (struct deploy){.replicas = -1};
    if (!node_is(n, NODE_MAP)) {
        return;
    }
    deploy->set = true;
    deploy->mode = get_text(n, "mode");
    deploy->endpoint_mode = get_text(n, "endpoint_mode");
    deploy->replicas = (int)get_int(n, "replicas", -1);
    deploy->labels = get_map(arena, n, "labels");
    deploy->limits = decode_resources(node_get(resources, "limits"));
    deploy->reservations = decode_resources(node_get(resources, "reservations"));
    deploy->devices = decode_devices(node_get(resources, "reservations"), "devices",
                                     &deploy->device_count, arena);
    if (node_is(restart, NODE_MAP)) {
        deploy->restart_policy = (struct restart_policy){
            .set = true,
            .name = get_text(restart, "condition"),
            .max_retries = (int)get_int(restart, "max_attempts", 0)};
    }
}
