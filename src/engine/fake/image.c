/*
 * Images: the store, the registry they are pulled from, building by the classic builder's protocol.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/fake/world.h"

enum { PULL_STEPS = 4 };

char *fake_reference(const char *reference)
{
    static const char *const prefixes[] = {"docker.io/", "library/", "localhost/"};
    const char *r = reference;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (str_starts(r, prefixes[i])) {
            r += strlen(prefixes[i]);
        }
    }
    const char *slash = strrchr(r, '/');
    const char *name = slash ? slash + 1 : r;
    return strchr(name, ':') || strchr(name, '@') ? xstrdup(r) : xasprintf("%s:latest", r);
}

struct fake_image *fake_image_find(const struct fake_world *w, const char *reference)
{
    CLEANUP_FREE char *full = fake_reference(reference);
    VEC_FOREACH (struct fake_image, i, &w->images) {
        bool by_id = str_eq(i->id, reference) || str_eq(i->id + strlen("sha256:"), reference) ||
                     (strlen(reference) >= 12 && str_starts(i->id + strlen("sha256:"), reference));
        if (by_id || strv_contains(&i->tags, full)) {
            return i;
        }
    }
    return NULL;
}

void fake_image_free(struct fake_image *i)
{
    strv_release(&i->tags);
    json_decref(i->config);
    free(i->arch);
    free(i->os);
    free(i);
}

static void untag(struct fake_image *image, const char *full)
{
    struct strv kept = {0};
    for (size_t i = 0; i < image->tags.len; i++) {
        if (!str_eq(image->tags.items[i], full)) {
            strv_push(&kept, image->tags.items[i]);
        }
    }
    strv_release(&image->tags);
    image->tags = kept;
}

/* The tag moves here from wherever it was. */
static void tag(struct fake_world *w, struct fake_image *image, const char *reference)
{
    CLEANUP_FREE char *full = fake_reference(reference);
    VEC_FOREACH (struct fake_image, i, &w->images) {
        untag(i, full);
    }
    strv_push(&image->tags, full);
}

static struct fake_image *add(struct fake_world *w, const char *reference,
                              const struct fake_image_spec *spec)
{
    struct fake_image *i = xcalloc(1, sizeof(*i));
    snprintf(i->id, sizeof(i->id), "sha256:");
    fake_id(w, i->id + strlen("sha256:"));
    i->config = spec && spec->config ? spec->config : json_object();
    i->arch = xstrdup(spec && spec->arch ? spec->arch : w->options.arch);
    i->os = xstrdup(spec && spec->os ? spec->os : w->options.os);
    i->created = clock_wall();
    vec_push(&w->images, i);
    tag(w, i, reference);
    return i;
}

void fake_world_image(struct fake_world *w, const char *reference,
                      const struct fake_image_spec *spec)
{
    add(w, reference, spec);
}

void fake_world_registry(struct fake_world *w, const char *reference, const char *failure)
{
    CLEANUP_FREE char *full = fake_reference(reference);
    free(map_set(&w->registry, full, xstrdup(failure ? failure : "")));
}

void fake_world_build_fails(struct fake_world *w, const char *failure)
{
    w->build_failure = failure;
}

static json_t *show_tags(const struct fake_image *i)
{
    json_t *tags = json_array();
    for (size_t k = 0; k < i->tags.len; k++) {
        json_array_append_new(tags, json_string(i->tags.items[k]));
    }
    return tags;
}

void fake_image_inspect(struct fake_call *call)
{
    const struct fake_image *i = fake_image_find(call->world, call->id);
    if (!i) {
        CLEANUP_FREE char *full = fake_reference(call->id);
        fake_answer_error(call, 404, "no such image: %s: No such image: %s", call->id, full);
        return;
    }
    json_t *v = json_pack("{s:s, s:o, s:[], s:s, s:o, s:s, s:s, s:i, s:{s:o}, s:O}", "Id", i->id,
                          "RepoTags", show_tags(i), "RepoDigests", "Parent", "", "Created",
                          fake_time(i->created), "Architecture", i->arch, "Os", i->os, "Size",
                          1000000, "Metadata", "LastTagTime", fake_time(i->created), "Config",
                          i->config);
    fake_answer_json(call, 200, v);
}

static bool any_tag(const struct fake_call *call, const struct fake_image *image)
{
    for (size_t k = 0; k < image->tags.len; k++) {
        CLEANUP_FREE char *bare = xstrndup(image->tags.items[k],
                                           strcspn(image->tags.items[k], ":"));
        if (fake_filter_is(call, "reference", image->tags.items[k]) ||
            fake_filter_is(call, "reference", bare)) {
            return true;
        }
    }
    return !fake_filter_has(call, "reference");
}

void fake_image_list(struct fake_call *call)
{
    json_t *list = NULL;
    if (!fake_filters(call)) {
        return;
    }
    list = json_array();
    VEC_FOREACH (struct fake_image, i, &call->world->images) {
        const json_t *labels = json_object_get(i->config, "Labels");
        if (fake_filter_labels(call, labels) && any_tag(call, i)) {
            json_array_append_new(
                list,
                json_pack("{s:i, s:I, s:s, s:O?, s:s, s:n, s:o, s:i, s:i, s:i}", "Containers", -1,
                          "Created", (json_int_t)(i->created / NS_PER_SEC), "Id", i->id, "Labels",
                          labels, "ParentId", "", "RepoDigests", "RepoTags", show_tags(i),
                          "SharedSize", -1, "Size", 1000000, "VirtualSize", 1000000));
        }
    }
    fake_answer_json(call, 200, list);
}

/* --- pull --- */

static void pull_progress(struct fake_call *call)
{
    fake_stream_json(call, json_pack("{s:s, s:{}, s:s}", "status", "Pulling fs layer",
                                     "progressDetail", "id", "5f8d1b2f3c4d"));
    for (int i = 1; i <= PULL_STEPS; i++) {
        fake_stream_json(call,
                         json_pack("{s:s, s:{s:i, s:i}, s:s, s:s}", "status", "Downloading",
                                   "progressDetail", "current", i * 1000, "total",
                                   PULL_STEPS * 1000, "progress", "[==>  ]", "id", "5f8d1b2f3c4d"));
    }
    fake_stream_json(call, json_pack("{s:s, s:{}, s:s}", "status", "Pull complete",
                                     "progressDetail", "id", "5f8d1b2f3c4d"));
}

void fake_image_pull(struct fake_call *call)
{
    struct fake_world *w = call->world;
    CLEANUP_FREE char *name = fake_param(call, "fromImage");
    CLEANUP_FREE char *tag_text = fake_param(call, "tag");
    if (str_empty(name)) {
        fake_answer_error(call, 400, "fromImage is required");
        return;
    }
    CLEANUP_FREE char *reference =
        !str_empty(tag_text)
            ? xasprintf("%s%s%s", name, strstr(tag_text, "sha256:") ? "@" : ":", tag_text)
            : xstrdup(name);
    CLEANUP_FREE char *full = fake_reference(reference);
    const char *failure = map_get(&w->registry, full);
    if (!failure) {
        fake_answer_error(call, 404,
                          "pull access denied for %s, repository does not exist or may require "
                          "'docker login': denied: requested access to the resource is denied",
                          name);
        return;
    }
    fake_stream_open(call, 200, "application/json");
    CLEANUP_FREE char *from = xasprintf("Pulling from %s", name);
    fake_stream_json(call, json_pack("{s:s, s:s}", "status", from, "id",
                                     str_empty(tag_text) ? "latest" : tag_text));
    pull_progress(call);
    if (*failure) {
        fake_stream_json(
            call, json_pack("{s:{s:s}, s:s}", "errorDetail", "message", failure, "error", failure));
    } else {
        CLEANUP_FREE char *done = xasprintf("Status: Downloaded newer image for %s", full);
        if (!fake_image_find(w, full)) {
            add(w, full, NULL);
        }
        fake_emit(w, "image", "pull", full, json_pack("{s:s}", "name", full));
        fake_stream_json(call, json_pack("{s:s}", "status", done));
    }
    fake_stream_end(call);
}

/* --- build, tag, remove --- */

void fake_image_build(struct fake_call *call)
{
    struct fake_world *w = call->world;
    CLEANUP_FREE char *name = fake_param(call, "t");
    CLEANUP_FREE char *labels = fake_param(call, "labels");
    struct fake_image_spec spec = {0};
    if (!fake_call_read(call)) {
        return;
    }
    if (call->raw.len == 0) {
        fake_answer_error(call, 500, "Cannot locate specified Dockerfile: Dockerfile");
        return;
    }
    if (w->build_failure) {
        CLEANUP_FREE char *said = xasprintf("The command '/bin/sh -c make' returned %s",
                                            w->build_failure);
        fake_stream_open(call, 200, "application/json");
        fake_stream_json(call, json_pack("{s:s}", "stream", "Step 1/3 : FROM scratch\n"));
        fake_stream_json(call, json_pack("{s:s}", "stream", " ---> 0123456789ab\n"));
        fake_stream_json(call, json_pack("{s:s}", "stream", "Step 2/3 : RUN make\n"));
        fake_stream_json(call, json_pack("{s:s}", "stream", "cc main.c\nmain.c:1: no"));
        fake_stream_json(call, json_pack("{s:s}", "stream", " such luck\n"));
        fake_stream_json(call, json_pack("{s:{s:i, s:s}, s:s}", "errorDetail", "code", 1, "message",
                                         said, "error", said));
        fake_stream_end(call);
        return;
    }
    spec.config = json_object();
    if (!str_empty(labels)) {
        json_object_set_new(spec.config, "Labels", json_loads(labels, 0, NULL));
    }
    const struct fake_image *image = add(w, str_empty(name) ? "built" : name, &spec);
    CLEANUP_FREE char *done = xasprintf("Successfully built %.12s\n", image->id + 7);
    fake_stream_open(call, 200, "application/json");
    fake_stream_json(call, json_pack("{s:s}", "stream", "Step 1/1 : FROM scratch\n"));
    fake_stream_json(call, json_pack("{s:{s:s}}", "aux", "ID", image->id));
    fake_stream_json(call, json_pack("{s:s}", "stream", done));
    fake_stream_end(call);
}

void fake_image_tag(struct fake_call *call)
{
    struct fake_image *i = fake_image_find(call->world, call->id);
    CLEANUP_FREE char *repo = fake_param(call, "repo");
    CLEANUP_FREE char *tag_text = fake_param(call, "tag");
    if (!i) {
        fake_answer_error(call, 404, "No such image: %s", call->id);
        return;
    }
    CLEANUP_FREE char *full = xasprintf("%s:%s", repo ? repo : "", tag_text ? tag_text : "latest");
    tag(call->world, i, full);
    fake_answer_empty(call, 201);
}

static bool used(const struct fake_world *w, const struct fake_image *i, const char **ret_user)
{
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        if (str_eq(c->image_id, i->id)) {
            *ret_user = c->id;
            return true;
        }
    }
    return false;
}

void fake_image_remove(struct fake_call *call)
{
    struct fake_world *w = call->world;
    struct fake_image *i = fake_image_find(w, call->id);
    CLEANUP_FREE char *full = fake_reference(call->id);
    const char *user = NULL;
    if (!i) {
        fake_answer_error(call, 404, "No such image: %s", full);
        return;
    }
    bool last = i->tags.len <= 1;
    if (last && used(w, i, &user) && !fake_param_true(call, "force")) {
        fake_answer_error(call, 409,
                          "conflict: unable to remove repository reference \"%s\" (must force) - "
                          "container %.12s is using its referenced image %.12s",
                          call->id, user, i->id + 7);
        return;
    }
    json_t *done = json_array();
    json_array_append_new(done, json_pack("{s:s}", "Untagged", full));
    untag(i, full);
    if (last) {
        json_array_append_new(done, json_pack("{s:s}", "Deleted", i->id));
        vec_remove(&w->images, i);
        fake_image_free(i);
    }
    fake_answer_json(call, 200, done);
}
