/*
 * Images on the way up: pulls and builds, with their progress.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "engine/decode.h"
#include "engine/stdcopy.h"
#include "run/internal.h"

/* Silence for that long on a pull means that nothing comes any more. */
#define PULL_TIMEOUT (3600 * NS_PER_SEC)

struct layer {
    int64_t done, total;
};

struct pull {
    struct run_step *step;
    struct json_lines lines;
    struct map layers; /* id to struct layer */
    struct err err;    /* what a line said */
    int64_t told;      /* when progress was told last */
};

static void pull_free(struct pull *p)
{
    MAP_FOREACH (e, &p->layers) {
        free(e->value);
    }
    map_release(&p->layers);
    json_lines_release(&p->lines);
    free(p);
}

static void tell_progress(struct pull *p)
{
    int64_t now = clock_mono();
    char a[32], b[32];
    CLEANUP_FREE char *text = NULL;
    struct event e = {.kind = EVENT_PROGRESS,
                      .mono = now,
                      .wall = clock_wall(),
                      .unit = UNIT_IMAGE,
                      .name = p->step->unit->name,
                      .service = p->step->unit->service,
                      .state = p->step->unit->state};
    if (now - p->told < 100 * NS_PER_MS || (p->step->run->options.flags & RUN_QUIET_PULL)) {
        return;
    }
    p->told = now;
    MAP_FOREACH (l, &p->layers) {
        const struct layer *layer = l->value;
        e.done += layer->done;
        e.total += layer->total;
    }
    text = xasprintf("%s of %s", format_bytes((uint64_t)e.done, a, sizeof(a)),
                     format_bytes((uint64_t)e.total, b, sizeof(b)));
    e.text = text;
    event_emit(p->step->run->hub, &e);
}

static void on_line(void *arg, const json_t *line)
{
    struct pull *p = arg;
    const json_t *detail = json_object_get(line, "progressDetail");
    const char *error = json_text(line, "error"), *id = json_text(line, "id");
    struct layer *layer = NULL;
    if (*error) {
        err_set(&p->err, ERR_REFUSED, "%s", error);
        return;
    }
    if (!*id || !json_is_object(detail)) {
        return;
    }
    layer = map_get(&p->layers, id);
    if (!layer) {
        layer = xcalloc(1, sizeof(*layer));
        map_set(&p->layers, id, layer);
    }
    if (strcmp(json_text(line, "status"), "Downloading") == 0) {
        layer->done = json_number(detail, "current");
        layer->total = json_number(detail, "total");
    } else if (strcmp(json_text(line, "status"), "Download complete") == 0) {
        layer->done = layer->total;
    }
    tell_progress(p);
}

static void on_data(void *arg, const void *data, size_t len)
{
    struct pull *p = arg;
    json_lines_feed(&p->lines, data, len, on_line, p);
}

static void explain(struct err *err, const struct docker_config *config, const char *image)
{
    const char *m = err->message, *helper = docker_config_helper(config, image);
    if (strstr(m, "manifest unknown") || strstr(m, "not found")) {
        err_hint(err, "is the name right? There is no %s in its registry", image);
    } else if (helper && (strstr(m, "denied") || strstr(m, "unauthorized"))) {
        err_hint(err,
                 "docker's configuration leaves the log-in to the helper %s, which is not asked: "
                 "pull it with docker pull",
                 helper);
    } else if (strstr(m, "denied") || strstr(m, "unauthorized") ||
               strstr(m, "no basic auth credentials")) {
        err_hint(err, "log in to its registry first: docker login; or the name is wrong");
    } else if (strstr(m, "lookup") || strstr(m, "timeout") || strstr(m, "refused")) {
        err_hint(err, "the registry cannot be reached: check network, DNS and proxy");
    } else {
        err_hint(err, "load it by hand (docker load), or build it");
    }
}

/* --- what came: its id goes into a label of the containers, its volumes and ports matter too ---
 */

static void looked(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct run_step *s = arg;
    struct arena *a = &s->run->timeline.arena;
    struct observed_image *image = NULL;
    s->call = NULL;
    if (!err && json_is_object(reply->json)) {
        image = arena_alloc(a, sizeof(*image));
        decode_image(a, s->step->target, reply->json, image);
        map_set(&s->run->images, s->step->target, image);
    }
    run_step_done(s, NULL); /* without it the container only lacks a label */
}

static void image_came(struct run_step *s, enum unit_state state)
{
    run_unit_set(s->run, s->unit, state, NULL);
    s->call = engine_image_inspect(s->run->engine, s->step->target, looked, s);
}

const struct observed_image *run_image(const struct run *r, const struct service *s)
{
    const struct observed_image *image = s->image ? map_get(&r->images, s->image) : NULL;
    return image || !s->image ? image : observed_image(r->plan->observed, s->image);
}

static void on_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct pull *p = arg;
    struct run_step *s = p->step;
    struct err own = err ? *err : p->err;
    (void)reply;
    if (!err) {
        json_lines_end(&p->lines, on_line, p);
        own = p->err;
    }
    if (own.code) {
        if (s->step->service && s->step->service->build) {
            err_hint(&own, "it can be built: --build");
        } else {
            explain(&own, s->run->options.config, s->step->target);
        }
        err_prefix(&own, "pulling %s", s->step->target);
        err_subject(&own, s->unit->service);
        pull_free(p);
        run_step_done(s, &own);
        return;
    }
    pull_free(p);
    image_came(s, UNIT_PULLED);
}

/* "repo:tag" and "repo@digest" as the API wants them: fromImage and tag. */
static char *pull_query(const char *reference, const char *platform)
{
    const char *digest = strchr(reference, '@'), *slash = strrchr(reference, '/');
    const char *colon = digest ? NULL : strrchr(slash ? slash : reference, ':');
    size_t n = digest  ? (size_t)(digest - reference)
               : colon ? (size_t)(colon - reference)
                       : strlen(reference);
    CLEANUP_FREE char *name = xstrndup(reference, n);
    CLEANUP_FREE char *from = engine_escape(name);
    CLEANUP_FREE char *tag = engine_escape(digest ? digest + 1 : colon ? colon + 1 : "latest");
    CLEANUP_FREE char *os = platform ? engine_escape(platform) : NULL;
    return xasprintf("fromImage=%s&tag=%s%s%s", from, tag, os ? "&platform=" : "", os ? os : "");
}

void step_image_pull(struct run_step *s)
{
    static const struct engine_handlers handlers = {.on_data = on_data, .on_done = on_done};
    const char *platform = s->step->service ? s->step->service->platform : NULL;
    CLEANUP_FREE char *query = pull_query(s->step->target, platform);
    CLEANUP_FREE char *auth = docker_config_auth(s->run->options.config, s->step->target);
    struct engine_request r = {.method = "POST",
                               .path = "/images/create",
                               .query = query,
                               .registry_auth = auth,
                               .mode = ENGINE_STREAM,
                               .deadline = clock_add(clock_mono(), PULL_TIMEOUT)};
    struct pull *p = xcalloc(1, sizeof(*p));
    p->step = s;
    json_lines_init(&p->lines, 0);
    run_unit_set(s->run, s->unit, UNIT_PULLING, "%s", s->step->reason);
    s->call = engine_request(s->run->engine, &r, &handlers, p);
    if (auth) {
        mem_wipe(auth, strlen(auth));
    }
}

/* --- building --- */

static void on_build_line(void *arg, int step, int steps, const char *text)
{
    struct run_step *s = arg;
    CLEANUP_FREE char *said = NULL;
    struct event e = {.kind = EVENT_PROGRESS,
                      .mono = clock_mono(),
                      .wall = clock_wall(),
                      .unit = UNIT_IMAGE,
                      .name = s->unit->name,
                      .service = s->unit->service,
                      .state = s->unit->state};
    if (s->run->options.flags & RUN_QUIET_BUILD) {
        return;
    }
    said = step ? xasprintf("step %d/%d  %s", step, steps, text) : xasprintf("  %s", text);
    e.text = said;
    event_emit(s->run->hub, &e);
}

static void on_built(void *arg, const char *id UNUSED, const char *evidence, const struct err *err)
{
    struct run_step *s = arg;
    struct err own = {0};
    if (!err) {
        image_came(s, UNIT_BUILT);
        return;
    }
    own = *err;
    err_prefix(&own, "building %s", s->unit->service);
    err_subject(&own, s->unit->service);
    free(s->unit->evidence);
    s->unit->evidence = xstrdup(evidence);
    run_step_done(s, &own);
}

void step_image_build(struct run_step *s)
{
    static const struct build_options plain;
    struct build_options o = s->run->options.build ? *s->run->options.build : plain;
    CLEANUP_FREE char *auths = docker_config_auths(s->run->options.config);
    struct err err = {0};
    o.proxies = s->run->options.proxies;
    o.registry_config = auths;
    run_unit_set(s->run, s->unit, UNIT_BUILDING, "%s", s->step->reason);
    if (engine_build(s->run->engine, s->run->plan->project, s->step->service, &o, on_build_line,
                     on_built, s, &s->call, &err)) {
        on_built(s, "", "", &err);
    }
    if (auths) {
        mem_wipe(auths, strlen(auths));
    }
}
