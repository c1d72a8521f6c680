/*
 * volumes of a service. Pure.
 */
#include <string.h>

#include "base/str.h"
#include "compose/decode_parts.h"

static enum mount_type type_of(const char *text)
{
    static const char *const names[MOUNT_TYPE_COUNT] = {
        [MOUNT_BIND] = "bind",   [MOUNT_VOLUME] = "volume",   [MOUNT_TMPFS] = "tmpfs",
        [MOUNT_NPIPE] = "npipe", [MOUNT_CLUSTER] = "cluster", [MOUNT_IMAGE] = "image"};
    for (size_t i = 0; i < MOUNT_TYPE_COUNT; i++) {
        if (str_eq(names[i], text)) {
            return (enum mount_type)i;
        }
    }
    return MOUNT_VOLUME;
}

static void decode_mount(struct mount *m, const struct node *n, struct arena *arena)
{
    const struct node *bind = node_get(n, "bind"), *volume = node_get(n, "volume");
    const struct node *tmpfs = node_get(n, "tmpfs"), *image = node_get(n, "image");
    const char *target = get_text(n, "target");
    *m = (struct mount){.type = type_of(node_text(node_get(n, "type"))),
                        .source = get_text(n, "source"),
                        .target = target ? target : "",
                        .read_only = get_bool(n, "read_only"),
                        .consistency = get_text(n, "consistency"),
                        .bind_propagation = get_text(bind, "propagation"),
                        .bind_selinux = get_text(bind, "selinux"),
                        .bind_recursive = get_text(bind, "recursive"),
                        .bind_create_host_path = get_tristate(bind, "create_host_path"),
                        .volume_nocopy = get_bool(volume, "nocopy"),
                        .volume_subpath = get_text(volume, "subpath"),
                        .image_subpath = get_text(image, "subpath"),
                        .volume_labels = get_map(arena, volume, "labels"),
                        .tmpfs_size = get_int(tmpfs, "size", 0),
                        .tmpfs_mode = (uint32_t)get_int(tmpfs, "mode", 0),
                        .tmpfs_mode_set = node_get(tmpfs, "mode") != NULL,
                        .has_bind = node_is(bind, NODE_MAP),
                        .has_volume = node_is(volume, NODE_MAP),
                        .has_tmpfs = node_is(tmpfs, NODE_MAP),
                        .has_image = node_is(image, NODE_MAP),
                        .at = n->at};
}

void decode_mounts(struct service *s, const struct node *n, struct arena *arena)
{
    const struct node *list = NULL;
    s->mount_count = list_count(n, "volumes", &list);
    s->mounts = arena_array(arena, s->mount_count + 1, sizeof(*s->mounts));
    for (size_t i = 0; i < s->mount_count; i++) {
        decode_mount(&s->mounts[i], list->items[i], arena);
    }
}
