/*
 * What must hold in the world whenever no client is at work, and its state as comparable text.
 * The names and labels looked at are Compose's.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/fake/world.h"

#define LABEL "com.docker.compose."

static bool ours(const json_t *labels, const char *project)
{
    return str_eq(fake_str(labels, LABEL "project"), project);
}

/* <12 hex digits>_<name>: how Compose calls the successor while the old one is still there. */
static bool is_temporary(const char *name)
{
    for (int i = 0; i < 12; i++) {
        if (!isxdigit((unsigned char)name[i])) {
            return false;
        }
    }
    return name[12] == '_';
}

static int check_labels(const struct fake_container *c, const char *project, struct err *err)
{
    static const char *const needed[] = {LABEL "service", LABEL "container-number",
                                         LABEL "config-hash"};
    if (json_object_size(c->labels) == 0) {
        return err_set(err, ERR_BUG, "container %s has no label at all", c->name);
    }
    for (size_t i = 0; ours(c->labels, project) && i < ARRAY_LEN(needed); i++) {
        if (!*fake_label(c, needed[i])) {
            return err_set(err, ERR_BUG, "container %s has no label %s", c->name, needed[i]);
        }
    }
    return 0;
}

static bool is_oneoff(const struct fake_container *c)
{
    return str_eq(fake_label(c, LABEL "oneoff"), "True");
}

static int check_settled(const struct fake_world *w, const struct fake_container *c,
                         const char *project, struct err *err)
{
    const char *service = fake_label(c, LABEL "service");
    const char *number = fake_label(c, LABEL "container-number");
    if (is_temporary(c->name)) {
        return err_set(err, ERR_BUG, "container %s still has its temporary name", c->name);
    }
    VEC_FOREACH (struct fake_container, o, &w->containers) {
        if (o != c && ours(c->labels, project) && ours(o->labels, project) && !is_oneoff(c) &&
            !is_oneoff(o) && str_eq(fake_label(o, LABEL "service"), service) &&
            str_eq(fake_label(o, LABEL "container-number"), number)) {
            return err_set(err, ERR_BUG, "containers %s and %s are both number %s of service %s",
                           c->name, o->name, number, service);
        }
    }
    return 0;
}

static int check_others(const struct fake_world *w, const char *project, enum fake_check what,
                        struct err *err)
{
    CLEANUP_FREE char *prefix = xasprintf("%s_", project);
    VEC_FOREACH (struct fake_network, n, &w->networks) {
        if (str_starts(n->name, prefix) && !ours(n->labels, project)) {
            return err_set(err, ERR_BUG, "network %s is not labelled", n->name);
        }
    }
    VEC_FOREACH (struct fake_volume, v, &w->volumes) {
        if (str_starts(v->name, prefix) && !ours(v->labels, project)) {
            return err_set(err, ERR_BUG, "volume %s is not labelled", v->name);
        }
        if (what == FAKE_CHECK_SETTLED && v->anonymous && !fake_volume_used(w, v, NULL)) {
            return err_set(err, ERR_BUG, "anonymous volume %s belongs to no container", v->name);
        }
    }
    return 0;
}

int fake_world_check(const struct fake_world *w, const char *project, enum fake_check what,
                     struct err *err)
{
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        int rc = check_labels(c, project, err);
        if (!rc && what == FAKE_CHECK_SETTLED) {
            rc = check_settled(w, c, project, err);
        }
        if (rc) {
            return rc;
        }
    }
    return check_others(w, project, what, err);
}

/* --- as text --- */

static void describe_container(const struct fake_container *c, struct strv *lines)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct strv names = {0};
    size_t i = 0;
    const json_t *m = NULL;
    buf_printf(&b, "container %s service=%s number=%s image=%s hash=%s state=%s", c->name,
               fake_label(c, LABEL "service"), fake_label(c, LABEL "container-number"), c->image,
               fake_label(c, LABEL "config-hash"), fake_state_name(c->state));
    if (c->state == FAKE_EXITED) {
        buf_printf(&b, "(%d)", c->exit_code);
    }
    VEC_FOREACH (struct fake_endpoint, e, &c->endpoints) {
        strv_take(&names, xasprintf("%s%s", e->name, e->id[0] ? "" : "(down)"));
    }
    strv_sort(&names);
    for (size_t k = 0; k < names.len; k++) {
        buf_printf(&b, "%s%s", k ? "," : " networks=", names.items[k]);
    }
    strv_release(&names);
    json_array_foreach(c->mounts, i, m)
    {
        const char *name = fake_str(m, "Name");
        buf_printf(&b, " %s:%s", strlen(name) == FAKE_ID_LEN ? "<anonymous>" : name,
                   fake_str(m, "Destination"));
    }
    strv_take(lines, buf_steal(&b));
}

char *fake_world_describe(const struct fake_world *w, const char *project)
{
    struct strv lines = {0};
    CLEANUP_BUF struct buf b = BUF_INIT;
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        if (ours(c->labels, project)) {
            describe_container(c, &lines);
        }
    }
    VEC_FOREACH (struct fake_network, n, &w->networks) {
        if (ours(n->labels, project)) {
            strv_take(&lines, xasprintf("network %s key=%s", n->name,
                                        fake_str(n->labels, LABEL "network")));
        }
    }
    VEC_FOREACH (struct fake_volume, v, &w->volumes) {
        if (ours(v->labels, project)) {
            strv_take(&lines,
                      xasprintf("volume %s key=%s", v->name, fake_str(v->labels, LABEL "volume")));
        }
    }
    strv_sort(&lines);
    for (size_t i = 0; i < lines.len; i++) {
        buf_printf(&b, "%s\n", lines.items[i]);
    }
    strv_release(&lines);
    return buf_steal(&b);
}
