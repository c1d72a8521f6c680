/*
 * Short forms from a command line: each becomes the long form in a tree of one service, which goes
 * the way of any other tree. Pure.
 */
#include "compose/short.h"

#include "compose/canonical.h"
#include "compose/complete.h"
#include "compose/decode_parts.h"
#include "compose/typed.h"

static const struct pos nowhere;

/* {services: {x: {KEY: LIST}}}; *ret_service is x. */
static struct node *tree_of(struct arena *arena, const char *key, struct node *list,
                            struct node **ret_service)
{
    struct node *root = node_map(arena, nowhere), *services = node_map(arena, nowhere);
    struct node *service = node_map(arena, nowhere);
    node_set(arena, service, key, nowhere, list);
    node_set(arena, services, "x", nowhere, service);
    node_set(arena, root, "services", nowhere, services);
    *ret_service = service;
    return root;
}

static int complete(struct arena *arena, struct node *root, const char *base, const char *home,
                    struct err *err)
{
    struct diags diags = DIAGS_INIT;
    int rc = complete_defaults(root, arena, &diags);
    rc = rc || !base ? rc : complete_paths(root, arena, base, home, &diags);
    rc = rc ? rc : typed_tree(root, arena, &diags);
    if (rc) {
        (void)diags_to_err(&diags, err);
        err->code = ERR_USAGE;
        rc = -ERR_USAGE;
    }
    diags_release(&diags);
    return rc;
}

static int wrong(struct err *err, const char *option, const char *spec, const char *why,
                 const char *form)
{
    err_set(err, ERR_USAGE, "%s %s: %s", option, spec, why ? why : "cannot be understood");
    err_hint(err, "write %s", form);
    return -ERR_USAGE;
}

int short_ports(struct arena *arena, const char *const *specs, size_t count, struct port **ret,
                size_t *ret_count, struct err *err)
{
    struct node *list = node_list(arena, nowhere), *service = NULL, *root = NULL;
    struct service s = {0};
    for (size_t i = 0; i < count; i++) {
        const char *why = NULL;
        if (!canonical_port(arena, list, nowhere, specs[i], &why)) {
            return wrong(err, "--publish", specs[i], why, "[[IP:]HOST:]CONTAINER[/PROTOCOL]");
        }
    }
    root = tree_of(arena, "ports", list, &service);
    int rc = complete(arena, root, NULL, NULL, err);
    if (!rc) {
        decode_ports(&s, service, arena);
        *ret = s.ports;
        *ret_count = s.port_count;
    }
    return rc;
}

int short_mounts(struct arena *arena, const char *base, const char *home, const char *const *specs,
                 size_t count, struct mount **ret, size_t *ret_count, struct err *err)
{
    struct node *list = node_list(arena, nowhere), *service = NULL, *root = NULL;
    struct service s = {0};
    for (size_t i = 0; i < count; i++) {
        const char *why = NULL;
        struct node *mount = canonical_volume(arena, nowhere, specs[i], &why);
        if (!mount) {
            return wrong(err, "--volume", specs[i], why, "[SOURCE:]TARGET[:OPTIONS]");
        }
        node_push(arena, list, mount);
    }
    root = tree_of(arena, "volumes", list, &service);
    int rc = complete(arena, root, base, home, err);
    if (!rc) {
        decode_mounts(&s, service, arena);
        *ret = s.mounts;
        *ret_count = s.mount_count;
    }
    return rc;
}
