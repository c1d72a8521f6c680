/*
 * Collects what exists: sends every query at once, decodes each answer as it comes, and reports
 * when the last is in. A missing network, volume or image is an answer, not an error.
 */
#include "engine/observe.h"

#include <stdlib.h>
#include <string.h>

#include "engine/decode.h"

struct observe {
    struct engine *engine;
    struct observed *out;
    const struct project *project;
    const char *name; /* of the project, for errors */
    void (*fn)(void *arg, const struct err *err);
    void *arg;
    size_t pending;
    struct err err; /* the first one */
    size_t network_cap, volume_cap;
};

/* A query about one name. */
struct query {
    struct observe *observe;
    const char *reference;
};

static void done_one(struct observe *o, const struct err *err, const char *what, const char *name)
{
    if (err && !o->err.code) {
        o->err = *err;
        err_prefix(&o->err, "%s %s", what, name);
        if (!o->err.subject[0]) {
            err_subject(&o->err, name);
        }
        engine_hint(&o->err);
    }
    if (--o->pending == 0) {
        struct observe gone = *o;
        free(o);
        gone.fn(gone.arg, gone.err.code ? &gone.err : NULL);
    }
}

/*
 * An answer of the wrong type must not be taken for "nothing is there": everything would be made a
 * second time. Returns err, or *own filled, or NULL when the answer can be used.
 */
static const struct err *answer_error(const struct engine_reply *reply, const struct err *err,
                                      json_type type, struct err *own)
{
    if (err || (reply->json && json_typeof(reply->json) == type)) {
        return err;
    }
    err_set(own, ERR_PROTOCOL, "the engine's answer is not what its API promises");
    return own;
}

static bool absent(const struct err *err)
{
    return err && err->status == 404;
}

static void on_containers(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct observe *o = arg;
    struct err own;
    err = answer_error(reply, err, JSON_ARRAY, &own);
    if (!err) {
        decode_containers(&o->out->arena, reply->json, &o->out->containers,
                          &o->out->container_count);
    }
    done_one(o, err, "listing the containers of", o->name);
}

/* Lists and single look-ups land in the same array; a name is kept once. */
static void add_network(struct observe *o, const struct observed_network *n)
{
    if (observed_network(o->out, n->name) &&
        strcmp(observed_network(o->out, n->name)->id, n->id) == 0) {
        return;
    }
    if (o->out->network_count == o->network_cap) {
        size_t cap = o->network_cap ? o->network_cap * 2 : 8;
        struct observed_network *grown = arena_array(&o->out->arena, cap, sizeof(*grown));
        if (o->network_cap) {
            memcpy(grown, o->out->networks, o->network_cap * sizeof(*grown));
        }
        o->out->networks = grown;
        o->network_cap = cap;
    }
    o->out->networks[o->out->network_count++] = *n;
}

static void add_volume(struct observe *o, const struct observed_volume *v)
{
    if (observed_volume(o->out, v->name)) {
        return;
    }
    if (o->out->volume_count == o->volume_cap) {
        size_t cap = o->volume_cap ? o->volume_cap * 2 : 8;
        struct observed_volume *grown = arena_array(&o->out->arena, cap, sizeof(*grown));
        if (o->volume_cap) {
            memcpy(grown, o->out->volumes, o->volume_cap * sizeof(*grown));
        }
        o->out->volumes = grown;
        o->volume_cap = cap;
    }
    o->out->volumes[o->out->volume_count++] = *v;
}

static void on_networks(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct observe *o = arg;
    struct observed_network *list = NULL;
    size_t count = 0;
    struct err own;
    err = answer_error(reply, err, JSON_ARRAY, &own);
    if (!err) {
        decode_networks(&o->out->arena, reply->json, &list, &count);
        for (size_t i = 0; i < count; i++) {
            add_network(o, &list[i]);
        }
    }
    done_one(o, err, "listing the networks of", o->name);
}

/* Two of one name, as a killed command can leave them: the list has both where they are ours. */
static bool is_double(const struct query *q, const struct err *err)
{
    const struct project *p = q->observe->project;
    for (size_t i = 0; p && err && strstr(err->message, "is ambiguous") && i < p->network_count;
         i++) {
        if (strcmp(p->networks[i].name, q->reference) == 0) {
            return !p->networks[i].external;
        }
    }
    return false;
}

static void on_network(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct query q = *(struct query *)arg;
    struct observed_network n;
    free(arg);
    struct err own;
    err = answer_error(reply, err, JSON_OBJECT, &own);
    if (!err) {
        decode_network(&q.observe->out->arena, reply->json, &n);
        if (strcmp(n.name, q.reference) == 0) { /* an id prefix matches too: not what was asked */
            add_network(q.observe, &n);
        }
    }
    err = absent(err) || is_double(&q, err) ? NULL : err;
    done_one(q.observe, err, "looking at network", q.reference);
}

static void on_volumes(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct observe *o = arg;
    struct observed_volume *list = NULL;
    size_t count = 0;
    struct err own;
    err = answer_error(reply, err, JSON_OBJECT, &own);
    if (!err) {
        decode_volumes(&o->out->arena, reply->json, &list, &count);
        for (size_t i = 0; i < count; i++) {
            add_volume(o, &list[i]);
        }
    }
    done_one(o, err, "listing the volumes of", o->name);
}

static void on_volume(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct query q = *(struct query *)arg;
    struct observed_volume v;
    free(arg);
    struct err own;
    err = answer_error(reply, err, JSON_OBJECT, &own);
    if (!err) {
        decode_volume(&q.observe->out->arena, reply->json, &v);
        add_volume(q.observe, &v);
    }
    done_one(q.observe, absent(err) ? NULL : err, "looking at volume", q.reference);
}

static void on_image(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct query q = *(struct query *)arg;
    struct observed *out = q.observe->out;
    free(arg);
    struct err own;
    err = answer_error(reply, err, JSON_OBJECT, &own);
    if (!err) {
        decode_image(&out->arena, q.reference, reply->json, &out->images[out->image_count++]);
    } else if (absent(err)) {
        out->images[out->image_count++] = (struct observed_image){.reference = q.reference,
                                                                  .id = ""};
    }
    done_one(q.observe, absent(err) ? NULL : err, "looking at image", q.reference);
}

static struct query *query(struct observe *o, const char *reference)
{
    struct query *q = xcalloc(1, sizeof(*q));
    *q = (struct query){o, reference};
    o->pending++;
    return q;
}

static void ask_images(struct observe *o)
{
    const struct project *p = o->project;
    o->out->images = arena_array(&o->out->arena, p->service_count, sizeof(*o->out->images));
    for (size_t i = 0; i < p->service_count; i++) {
        const char *image = p->services[i].image;
        bool seen = !image;
        for (size_t j = 0; j < i && !seen; j++) {
            seen = p->services[j].image && strcmp(p->services[j].image, image) == 0;
        }
        if (!seen) {
            engine_image_inspect(o->engine, image, on_image, query(o, image));
        }
    }
}

struct observe *observe_start(struct engine *e, const char *name, const struct project *project,
                              enum observe_flags what, struct observed *observed,
                              void (*fn)(void *arg, const struct err *err), void *arg)
{
    struct observe *o = xcalloc(1, sizeof(*o));
    const char *own = project ? project->name : "every project";
    *o = (struct observe){.engine = e,
                          .name = name ? arena_strdup(&observed->arena, name) : own,
                          .out = observed,
                          .project = project,
                          .fn = fn,
                          .arg = arg,
                          .pending = 1};
    if (what & OBSERVE_CONTAINERS) {
        o->pending++;
        engine_container_list(e, name, true, on_containers, o);
    }
    if (what & OBSERVE_NETWORKS) {
        o->pending++;
        engine_network_list(e, name, on_networks, o);
        for (size_t i = 0; project && i < project->network_count; i++) {
            const char *n = project->networks[i].name;
            engine_network_inspect(e, n, on_network, query(o, n));
        }
    }
    if (what & OBSERVE_VOLUMES) {
        o->pending++;
        engine_volume_list(e, name, on_volumes, o);
        for (size_t i = 0; project && i < project->volume_count; i++) {
            const char *n = project->volumes[i].name;
            engine_volume_inspect(e, n, on_volume, query(o, n));
        }
    }
    if ((what & OBSERVE_IMAGES) && project) {
        ask_images(o);
    }
    o->pending--; /* the one held while asking; answers only come from the loop */
    return o;
}
