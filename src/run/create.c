/*
 * Creating a container: its body, the networks it joins beside the first, and the secrets and
 * configs that are written into it. All of it happens before its dependencies are ready.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "engine/spec.h"
#include "engine/tar.h"
#include "run/internal.h"

/* The work of one CREATE step. */
struct create {
    struct run_step *step;
    struct spec_container spec;
    const char *name;
    size_t next; /* connect to do next */
};

static void create_free(struct create *c)
{
    spec_container_release(&c->spec);
    free(c);
}

static void create_failed(struct create *c, const struct err *err)
{
    struct run_step *s = c->step;
    struct err own = *err;
    err_prefix(&own, "creating %s", s->unit->name);
    if (!own.subject[0]) {
        err_subject(&own, s->unit->service);
    }
    if (own.status == 409 && strstr(own.message, "already in use") && !own.hint[0]) {
        err_hint(&own, "a container of another project has this name: remove it, or change "
                       "container_name");
    } else if (own.status == 404 && strstr(own.message, "o such image")) {
        err_hint(&own, "pull or build it first: fettle pull %s", s->unit->service);
    }
    create_free(c);
    run_step_done(s, &own);
}

/* --- peers: containers whose ids go into this one's body --- */

/* What spec_container asks about other services: kept or created in this run, else observed. */
struct peers {
    struct run *run;
    struct spec_peer *list;
    size_t cap;
};

static size_t find_peers(void *arg, const char *service, const struct spec_peer **ret)
{
    struct peers *p = arg;
    size_t n = 0;
    for (size_t i = 0; i < p->run->plan->unit_count; i++) {
        const struct plan_unit *pu = p->run->plan->units[i];
        const struct run_unit *u = p->run->of_plan_unit[i];
        if (pu->service && strcmp(pu->service->name, service) == 0 && u->id) {
            p->list = xreallocarray(p->list, n + 1, sizeof(*p->list));
            p->list[n++] = (struct spec_peer){u->id, u->name};
        }
    }
    for (size_t i = 0; !n && i < p->run->plan->observed->container_count; i++) {
        const struct observed_container *c = &p->run->plan->observed->containers[i];
        if (strcmp(c->service, service) == 0 && !c->oneoff) {
            p->list = xreallocarray(p->list, n + 1, sizeof(*p->list));
            p->list[n++] = (struct spec_peer){c->id, c->name};
        }
    }
    *ret = p->list;
    return n;
}

/* --- secrets and configs --- */

struct put {
    struct run_step *step;
    put_done_fn *done;
};

static void put_answered(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct put put = *(struct put *)arg;
    (void)reply;
    free(arg);
    put.step->call = NULL;
    put.step->unit->put_done = !err;
    put.done(put.step, err);
}

void run_put_files(struct run_step *s, put_done_fn *done)
{
    struct spec_file *files = NULL;
    size_t count = 0;
    struct err err = {0};
    struct buf tar = BUF_INIT;
    struct put *put = NULL;
    if (s->unit->put_done || !s->step->service ||
        (!s->step->service->secret_count && !s->step->service->config_count)) {
        done(s, NULL);
        return;
    }
    if (spec_files(s->run->plan->project, s->step->service, &files, &count, &err)) {
        done(s, &err);
        return;
    }
    if (!count) {
        spec_files_free(files, count);
        done(s, NULL);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        tar_add_file(&tar, files[i].target, files[i].content, strlen(files[i].content),
                     files[i].mode, files[i].uid, files[i].gid, clock_wall() / NS_PER_SEC);
    }
    tar_end(&tar);
    spec_files_free(files, count);
    put = xcalloc(1, sizeof(*put));
    *put = (struct put){s, done};
    s->call = engine_container_put(s->run->engine, s->unit->id, "/", tar.data, tar.len,
                                   put_answered, put);
    mem_wipe(tar.data, tar.len);
    buf_release(&tar);
}

/* --- the create itself --- */

static void files_put(struct run_step *s, const struct err *err)
{
    struct create *c = s->work;
    s->work = NULL;
    if (err) {
        create_failed(c, err);
        return;
    }
    run_entry(s->run, s->unit)->create_end = run_elapsed(s->run);
    if (!s->step->temporary) {
        run_unit_set(s->run, s->unit,
                     s->unit->state == UNIT_RECREATING ? UNIT_RECREATED : UNIT_CREATED, NULL);
    }
    create_free(c);
    run_step_done(s, NULL);
}

static void connect_next(struct create *c);

static void connect_again(struct run_step *s, const struct err *err)
{
    struct create *c = s->work;
    s->work = NULL;
    if (err) {
        create_failed(c, err);
    } else {
        connect_next(c);
    }
}

static void connected(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct create *c = arg;
    (void)reply;
    c->step->call = NULL;
    if (err) {
        c->step->work = c;
        if (!run_repair_network(c->step, err, connect_again)) {
            c->step->work = NULL;
            create_failed(c, err);
        }
        return;
    }
    c->next++;
    connect_next(c);
}

/* `create` alone writes nothing into the container: secrets may change until it is started. */
static bool is_started(const struct run_step *s)
{
    const struct plan *plan = s->run->plan;
    if (s->step->unit->oneoff) { /* by `run` itself, once it is attached */
        return true;
    }
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i]->kind == STEP_START && plan->steps[i]->unit == s->step->unit) {
            return true;
        }
    }
    return false;
}

static void connect_next(struct create *c)
{
    struct run_step *s = c->step;
    json_t *body = NULL;
    if (c->next == c->spec.connect_count && !is_started(s)) {
        s->work = c;
        files_put(s, NULL);
        return;
    }
    if (c->next == c->spec.connect_count) {
        s->work = c;
        run_put_files(s, files_put);
        return;
    }
    body = json_pack("{s:s, s:O}", "Container", s->unit->id, "EndpointConfig",
                     c->spec.connects[c->next].endpoint);
    s->call = engine_network_connect(s->run->engine, c->spec.connects[c->next].network, body,
                                     connected, c);
    json_decref(body);
}

static void call_create(struct create *c);

static void create_again(struct run_step *s, const struct err *err)
{
    struct create *c = s->work;
    s->work = NULL;
    if (err) {
        create_failed(c, err);
    } else {
        call_create(c);
    }
}

/* True when what stood in the way is being taken out of it. */
static bool repairs(struct create *c, const struct err *err)
{
    struct run_step *s = c->step;
    s->work = c;
    if (run_repair_container(s, err, create_again) || run_repair_network(s, err, create_again)) {
        return true;
    }
    s->work = NULL;
    return false;
}

static void created(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct create *c = arg;
    const char *id = err ? NULL : json_string_value(json_object_get(reply->json, "Id"));
    struct err own = {0};
    c->step->call = NULL;
    if (!err && !id) {
        err_set(&own, ERR_PROTOCOL, "the engine gave no id for the new container");
        err = &own;
    }
    if (err) {
        if (!repairs(c, err)) {
            create_failed(c, err);
        }
        return;
    }
    free(c->step->unit->id);
    c->step->unit->id = xstrdup(id);
    c->step->unit->put_done = false;
    connect_next(c);
}

static void call_create(struct create *c)
{
    c->step->call = engine_container_create(c->step->run->engine, c->name, c->spec.platform,
                                            c->spec.body, created, c);
}

/* What the container that goes hands over to the one that comes. */
static struct spec_inherited *inherit(const struct observed_container *old, size_t *ret_count)
{
    struct spec_inherited *list = xcalloc(old->mount_count + 1, sizeof(*list));
    for (size_t i = 0; i < old->mount_count; i++) {
        const struct observed_mount *m = &old->mounts[i];
        list[i] = (struct spec_inherited){.type = m->type,
                                          .source = m->name[0] ? m->name : m->source,
                                          .target = m->target,
                                          .read_only = m->read_only};
    }
    *ret_count = old->mount_count;
    return list;
}

void step_create(struct run_step *s)
{
    struct run *r = s->run;
    const struct plan_unit *unit = s->step->unit;
    const struct observed_container *old = unit->replaces;
    const struct observed_image *image = run_image(r, unit->service);
    struct peers peers = {.run = r};
    struct err err = {0};
    CLEANUP_FREE struct spec_inherited *inherited = NULL;
    CLEANUP_FREE char *temporary = NULL;
    struct spec_options o = {.api_minor = engine_traits(r->engine)->api_minor,
                             .image_id = image && image->id[0] ? image->id : NULL,
                             .peers = find_peers,
                             .peers_arg = &peers,
                             .proxies = r->options.proxies};
    struct create *c = xcalloc(1, sizeof(*c));
    if (unit->oneoff) {
        o.oneoff = true;
        o.name = unit->oneoff->name;
        o.slug = unit->oneoff->slug;
        o.use_aliases = unit->oneoff->use_aliases;
        o.auto_remove = unit->oneoff->auto_remove;
        o.attach_stdin = unit->oneoff->attach_stdin;
    }
    c->step = s;
    run_entry(r, s->unit)->create_begin = run_elapsed(r);
    run_unit_set(r, s->unit, old ? UNIT_RECREATING : UNIT_CREATING, "%s", s->step->reason);
    if (old && !(r->plan->renew_volumes)) {
        inherited = inherit(old, &o.inherited_count);
        o.inherited = inherited;
        o.image_volumes = image ? &image->volumes : NULL;
    }
    if (old) {
        temporary = xasprintf("%.12s_%s", old->id, unit->name);
        o.replace = arena_printf(&r->timeline.arena, "%s-%d", unit->service->name, unit->number);
    }
    int rc = spec_container(r->plan->project, unit->service, unit->number, &o, &c->spec, &err);
    free(peers.list);
    if (rc) {
        create_failed(c, &err);
        return;
    }
    c->name = arena_strdup(&r->timeline.arena, s->step->temporary ? temporary : unit->name);
    call_create(c);
}
