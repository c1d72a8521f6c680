/*
 * Why an existing container cannot stay as it is. Compose's rules, each with a reason for people.
 * Pure.
 */
#include <string.h>

#include "base/str.h"
#include "plan/plan.h"

/* "sha256:0123456789ab..." as people know it */
static const char *short_id(struct arena *a, const char *id)
{
    const char *hex = strchr(id, ':');
    hex = hex ? hex + 1 : id;
    return arena_strndup(a, hex, strlen(hex) < 12 ? strlen(hex) : 12);
}

static bool on_network(const struct observed_container *c, const struct observed_network *n)
{
    for (size_t i = 0; i < c->endpoint_count; i++) {
        const struct observed_endpoint *e = &c->endpoints[i];
        bool same_name = strcmp(e->network, n->name) == 0;
        /* Podman's lists have the name where Docker's have the id. */
        if (e->network_id[0] && strcmp(e->network_id, e->network) != 0
                ? strcmp(e->network_id, n->id) == 0
                : same_name) {
            return true;
        }
    }
    return false;
}

static const char *network_reason(struct arena *a, const struct project *p,
                                  const struct observed *o, const struct service *s,
                                  const struct observed_container *c)
{
    /* Compose looks at running containers only. One that was created but not yet connected to its
     * other networks when its client was killed, or whose network was made anew, is found here. */
    if (s->network_mode || (c->state != CONTAINER_RUNNING && !c->endpoint_count)) {
        return NULL;
    }
    for (size_t i = 0; i < s->network_count; i++) {
        const struct network *n = project_network(p, s->networks[i].network);
        const struct observed_network *have = n ? observed_network(o, n->name) : NULL;
        if (n && !have) {
            return arena_printf(a, "its network %s does not exist any more", n->name);
        }
        if (have && !on_network(c, have)) {
            return arena_printf(a, "it is not on network %s", have->name);
        }
    }
    return NULL;
}

static const char *volume_reason(struct arena *a, const struct project *p, const struct service *s,
                                 const struct observed_container *c)
{
    for (size_t i = 0; i < s->mount_count; i++) {
        const struct mount *m = &s->mounts[i];
        const struct volume *v = m->type == MOUNT_VOLUME && m->source ? project_volume(p, m->source)
                                                                      : NULL;
        bool found = !v;
        for (size_t j = 0; j < c->mount_count && !found; j++) {
            found = strcmp(c->mounts[j].name, v->name) == 0;
        }
        if (!found) {
            return arena_printf(a, "volume %s is not mounted", v->name);
        }
    }
    return NULL;
}

const char *plan_recreate_reason(struct arena *a, const struct project *p, const struct observed *o,
                                 const struct service *s, const struct observed_container *c,
                                 const struct plan_options *opts)
{
    const struct observed_image *image = s->image ? observed_image(o, s->image) : NULL;
    const char *reason = NULL;
    if (opts->flags & (PLAN_FORCE_RECREATE | PLAN_RENEW_VOLUMES)) {
        return opts->flags & PLAN_FORCE_RECREATE ? "asked for" : "anonymous volumes are renewed";
    }
    if (opts->flags & (PLAN_NO_RECREATE | PLAN_EXISTING_ONLY)) {
        return NULL;
    }
    if (s->config_hash && strcmp(s->config_hash, c->config_hash) != 0) {
        return "its configuration changed";
    }
    if (image && image->id[0] && c->image_label[0] && strcmp(image->id, c->image_label) != 0) {
        return arena_printf(a, "image %s changed from %s to %s", s->image,
                            short_id(a, c->image_label), short_id(a, image->id));
    }
    reason = network_reason(a, p, o, s, c);
    return reason ? reason : volume_reason(a, p, s, c);
}
