/*
 * The request of a build and the stream that it answers with. Knows one builder: the engine's.
 */
#include "engine/build.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/context.h"
#include "engine/decode.h"
#include "engine/spec.h"
#include "engine/spec_build.h"
#include "engine/stdcopy.h"

#define BUILD_TIMEOUT (6 * 3600 * NS_PER_SEC)
enum { EVIDENCE_LINES = 20, LINE_MAX_BYTES = 4096, DOCKERFILE_MAX = 1 << 20 };

struct building {
    struct build_context *context; /* NULL: the engine fetches it */
    const char *where;             /* the context, for hints; the project's */
    build_line_fn *line;
    build_done_fn *done;
    void *arg;
    struct json_lines lines;
    struct buf partial; /* of a line of output */
    struct strv tail;   /* the last lines of the step */
    int step, steps;
    char *instruction; /* of the step */
    char *id;
    struct err err; /* what the stream said */
};

/* --- the Dockerfile: where does a step stand? --- */

static bool is_comment(const char *line, const char *end)
{
    line += strspn(line, " \t");
    return line >= end || *line == '#' || *line == '\r';
}

static bool continues(const char *line, const char *end)
{
    while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }
    return end > line && end[-1] == '\\';
}

int build_step_line(const char *text, int step)
{
    bool inside = false; /* an instruction that goes on */
    int line = 0, count = 0;
    for (const char *at = text; *at;) {
        const char *end = strchr(at, '\n');
        end = end ? end : at + strlen(at);
        line++;
        if (!is_comment(at, end)) {
            if (!inside && ++count == step) {
                return line;
            }
            inside = continues(at, end);
        }
        at = *end ? end + 1 : end;
    }
    return 0;
}

/* --- the stream --- */

static void building_free(struct building *b)
{
    build_context_free(b->context);
    json_lines_release(&b->lines);
    buf_release(&b->partial);
    strv_release(&b->tail);
    free(b->instruction);
    free(b->id);
    free(b);
}

/* "Step 3/9 : RUN make", Podman's "STEP 3/9: RUN make". */
static bool read_step(struct building *b, const char *text)
{
    int64_t step = 0, steps = 0;
    CLEANUP_FREE char *numbers = NULL;
    const char *colon = strchr(text, ':');
    char *slash = NULL;
    if (!colon || !(str_starts(text, "Step ") || str_starts(text, "STEP "))) {
        return false;
    }
    numbers = xstrndup(text + 5, (size_t)(colon - text - 5));
    numbers[strcspn(numbers, " ")] = '\0';
    slash = strchr(numbers, '/');
    if (!slash) {
        return false;
    }
    *slash = '\0';
    if (parse_int(numbers, 1, 100000, &step, NULL) ||
        parse_int(slash + 1, step, 100000, &steps, NULL)) {
        return false;
    }
    b->step = (int)step;
    b->steps = (int)steps;
    free(b->instruction);
    colon++;
    b->instruction = xstrdup(colon + strspn(colon, " "));
    strv_release(&b->tail);
    return true;
}

static void tell_line(struct building *b, const char *text)
{
    if (read_step(b, text)) {
        b->line(b->arg, b->step, b->steps, b->instruction);
        return;
    }
    if (str_starts(text, " ---> ") || str_starts(text, "Removing intermediate container ") ||
        str_starts(text, "Successfully ") || !*text) {
        return; /* the builder's own book-keeping */
    }
    if (b->tail.len == EVIDENCE_LINES) {
        free(b->tail.items[0]);
        memmove(b->tail.items, b->tail.items + 1, (b->tail.len - 1) * sizeof(b->tail.items[0]));
        b->tail.len--;
    }
    strv_push(&b->tail, text);
    b->line(b->arg, 0, b->steps, text);
}

/* Without the escape sequences that the builder colours error output with. */
static char *uncoloured(const char *text)
{
    char *plain = xstrdup(text), *to = plain;
    while (*text) {
        if (text[0] == '\033' && text[1] == '[') {
            text += 2;
            text += strspn(text, "0123456789;");
            text += *text != '\0';
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
    return plain;
}

static void end_line(struct building *b)
{
    CLEANUP_FREE char *plain = uncoloured(buf_text(&b->partial));
    buf_clear(&b->partial);
    tell_line(b, plain);
}

static void tell_text(struct building *b, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\r\n");
        size_t room = b->partial.len < LINE_MAX_BYTES ? LINE_MAX_BYTES - b->partial.len : 0;
        buf_append(&b->partial, text, n < room ? n : room);
        text += n;
        if (*text) {
            end_line(b);
            text++;
        }
    }
}

static void on_json(void *arg, const json_t *line)
{
    struct building *b = arg;
    const char *error = json_text(json_object_get(line, "errorDetail"), "message");
    const char *id = json_text(json_object_get(line, "aux"), "ID");
    error = *error ? error : json_text(line, "error");
    if (*error && !b->err.code) {
        err_set(&b->err, ERR_REFUSED, "%s", error);
    }
    if (*id) {
        free(b->id);
        b->id = xstrdup(id);
    }
    tell_text(b, json_text(line, "stream"));
}

static void on_data(void *arg, const void *data, size_t len)
{
    struct building *b = arg;
    json_lines_feed(&b->lines, data, len, on_json, b);
}

/* --- the end --- */

static void place(const struct building *b, struct err *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    const char *source = b->context ? build_context_source(b->context) : "";
    if (*source && b->step && !path_read_file(source, DOCKERFILE_MAX, &text, NULL)) {
        int line = build_step_line(buf_text(&text), b->step);
        if (line) {
            err_at(err, source, line, 1);
        }
    }
}

static void explain(const struct building *b, struct err *err)
{
    const char *m = err->message;
    if (strstr(m, "no space left on device")) {
        err_hint(err, "make room: docker system df shows what takes it, docker system prune frees "
                      "what is unused");
    } else if (strstr(m, "COPY failed") || strstr(m, "ADD failed")) {
        err_hint(err, "is it below the context %s, and does no line of .dockerignore leave it out?",
                 b->where);
    } else if (strstr(m, "pull access denied") || strstr(m, "manifest unknown") ||
               strstr(m, "not found: manifest") || strstr(m, "repository does not exist")) {
        err_hint(err, "the base image is not here and no registry has it: correct FROM, build that "
                      "image first, or log in: docker login");
    } else if (strstr(m, "lookup ") || strstr(m, "Client.Timeout") ||
               strstr(m, "connection refused")) {
        err_hint(err, "the registry of the base image cannot be reached: check network, DNS and "
                      "proxy");
    } else if (strstr(m, "requires BuildKit") || strstr(m, "the --mount option") ||
               strstr(m, "the --chmod option")) {
        err_hint(err, "the engine's classic builder has no such thing: leave it out, or build the "
                      "image with docker buildx build");
    } else if (strstr(m, "returned a non-zero code")) {
        err_hint(err, "the lines above are what the command said: correct it in the Dockerfile");
    } else if (b->step) {
        err_hint(err, "correct the instruction in the Dockerfile");
    }
}

static void on_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct building *b = arg;
    struct err own = {0};
    CLEANUP_BUF struct buf evidence = BUF_INIT;
    (void)reply;
    json_lines_end(&b->lines, on_json, b);
    if (b->partial.len) {
        end_line(b);
    }
    own = b->err.code ? b->err : err ? *err : own;
    if (own.code == ERR_CANCELLED) {
        b->done(b->arg, "", "", &own);
    } else if (own.code) {
        explain(b, &own);
        place(b, &own);
        if (b->step) {
            err_prefix(&own, "step %d/%d, %.120s", b->step, b->steps, b->instruction);
        }
        for (size_t i = 0; i < b->tail.len; i++) {
            buf_printf(&evidence, "%s%s", i ? "\n" : "", b->tail.items[i]);
        }
        b->done(b->arg, "", buf_text(&evidence), &own);
    } else {
        b->done(b->arg, b->id ? b->id : "", "", NULL);
    }
    building_free(b);
}

/* Passes the context on, and keeps what went wrong with it: to the transport it is a broken call.
 */
static long produce(void *arg, void *buf, size_t size, struct err *err)
{
    struct building *b = arg;
    long n = build_context_produce(b->context, buf, size, err);
    if (n < 0) {
        b->err = *err;
    }
    return n;
}

/* --- the request --- */

static int refuse(const struct build *build, struct err *err, const char *what)
{
    err_set(err, ERR_UNSUPPORTED, "the engine's classic builder cannot do build.%s", what);
    err_at(err, build->at.file, build->at.line, build->at.col);
    err_hint(err, "leave it out, or build with docker buildx and give the service the image");
    return -ERR_UNSUPPORTED;
}

static int check(const struct build *b, struct err *err)
{
    return b->platforms.count > 1         ? refuse(b, err, "platforms with more than one")
           : b->privileged                ? refuse(b, err, "privileged")
           : b->additional_contexts.count ? refuse(b, err, "additional_contexts")
           : b->ssh.count                 ? refuse(b, err, "ssh")
           : b->secret_count              ? refuse(b, err, "secrets")
           : b->entitlements.count        ? refuse(b, err, "entitlements")
                                          : 0;
}

static void put(struct buf *query, const char *key, const char *value)
{
    if (!str_empty(value)) {
        CLEANUP_FREE char *escaped = engine_escape(value);
        buf_printf(query, "%s%s=%s", query->len ? "&" : "", key, escaped);
    }
}

static void put_json_query(struct buf *query, const char *key, json_t *value)
{
    if (json_object_size(value) || json_array_size(value)) {
        char *text = json_dumps(value, JSON_COMPACT);
        put(query, key, text);
        free(text);
    }
    json_decref(value);
}

static void set_all(json_t *to, const struct key_values *from)
{
    for (size_t i = 0; from && i < from->count; i++) {
        const struct key_value *kv = &from->items[i];
        json_object_set_new(to, kv->key, kv->value ? text_json(kv->value) : json_null());
    }
}

static json_t *args_of(const struct build *b, const struct build_options *o)
{
    json_t *args = json_object();
    set_all(args, o->proxies);
    set_all(args, &b->args);
    set_all(args, o->args);
    return args;
}

static json_t *labels_of(const struct project *p, const struct service *s)
{
    json_t *labels = json_object();
    set_all(labels, &s->build->labels);
    json_object_set_new(labels, "com.docker.compose.version", json_string(SPEC_COMPOSE_VERSION));
    json_object_set_new(labels, "com.docker.compose.project", json_string(p->name));
    json_object_set_new(labels, "com.docker.compose.service", json_string(s->name));
    json_object_set_new(labels, "com.docker.compose.image.builder", json_string("classic"));
    return labels;
}

/* "nofile" = "1024:2048" */
static json_t *ulimits_of(const struct build *b)
{
    json_t *list = json_array();
    for (size_t i = 0; i < b->ulimits_text.count; i++) {
        const struct key_value *kv = &b->ulimits_text.items[i];
        CLEANUP_FREE char *soft = xstrndup(kv->value ? kv->value : "",
                                           strcspn(kv->value ? kv->value : "", ":"));
        const char *colon = kv->value ? strchr(kv->value, ':') : NULL;
        int64_t low = 0, high = 0;
        if (!parse_int(soft, -1, INT64_MAX, &low, NULL)) {
            high = low;
            if (!colon || !parse_int(colon + 1, -1, INT64_MAX, &high, NULL)) {
                json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "Name", kv->key, "Soft",
                                                      (json_int_t)low, "Hard", (json_int_t)high));
            }
        }
    }
    return list;
}

static json_t *list_of(const struct string_list *from)
{
    json_t *list = json_array();
    for (size_t i = 0; i < from->count; i++) {
        json_array_append_new(list, json_string(from->items[i]));
    }
    return list;
}

static void put_number(struct buf *query, const char *key, int64_t value)
{
    if (value > 0) {
        buf_printf(query, "%s%s=%lld", query->len ? "&" : "", key, (long long)value);
    }
}

static void make_query(struct buf *q, const struct project *p, const struct service *s,
                       const struct build_options *o, const struct build_context *context)
{
    const struct build *b = s->build;
    const char *platform = b->platforms.count ? b->platforms.items[0] : s->platform;
    CLEANUP_FREE char *image = spec_image(p, s);
    put(q, "t", image);
    for (size_t i = 0; i < b->tags.count; i++) {
        put(q, "t", b->tags.items[i]);
    }
    put(q, "remote", context ? NULL : b->context);
    put(q, "dockerfile", context ? build_context_dockerfile(context) : b->dockerfile);
    put(q, "rm", "1");
    put(q, "forcerm", "1");
    put(q, "nocache", b->no_cache || o->no_cache ? "1" : NULL);
    put(q, "pull", b->pull || o->pull ? "1" : NULL);
    put(q, "target", b->target);
    put(q, "networkmode", b->network);
    put(q, "isolation", b->isolation);
    put(q, "platform", platform);
    put_number(q, "shmsize", b->shm_size);
    put_number(q, "memory", o->memory);
    for (size_t i = 0; i < b->extra_hosts.count; i++) {
        CLEANUP_FREE char *host = xasprintf("%s:%s", b->extra_hosts.items[i].key,
                                            b->extra_hosts.items[i].value);
        put(q, "extrahosts", host);
    }
    put_json_query(q, "buildargs", args_of(b, o));
    put_json_query(q, "labels", labels_of(p, s));
    put_json_query(q, "cachefrom", list_of(&b->cache_from));
    put_json_query(q, "ulimits", ulimits_of(b));
}

static bool is_remote(const char *context)
{
    return strstr(context, "://") || str_starts(context, "git@") ||
           str_starts(context, "github.com/");
}

int engine_build(struct engine *e, const struct project *project, const struct service *service,
                 const struct build_options *options, build_line_fn *line, build_done_fn *done,
                 void *arg, struct engine_call **ret, struct err *err)
{
    static const struct engine_handlers handlers = {.on_data = on_data, .on_done = on_done};
    const struct build *build = service->build;
    struct build_context *context = NULL;
    CLEANUP_BUF struct buf query = BUF_INIT;
    struct building *b = NULL;
    bool remote = is_remote(build->context ? build->context : "");
    int rc = check(build, err);
    if (!rc && !remote) {
        rc = build_context_new(build->context ? build->context : project->working_dir,
                               build->dockerfile, build->dockerfile_inline, &context, err);
        if (rc && !err->line) {
            err_at(err, build->at.file, build->at.line, build->at.col);
        }
    }
    if (rc) {
        return rc;
    }
    make_query(&query, project, service, options, context);
    b = xcalloc(1, sizeof(*b));
    *b = (struct building){.context = context,
                           .where = build->context ? build->context : project->working_dir,
                           .line = line,
                           .done = done,
                           .arg = arg};
    json_lines_init(&b->lines, 0);
    struct engine_request r = {.method = "POST",
                               .path = "/build",
                               .query = buf_text(&query),
                               .produce = context ? produce : NULL,
                               .produce_arg = b,
                               .registry_config = options->registry_config,
                               .mode = ENGINE_STREAM,
                               .deadline = clock_add(clock_mono(), BUILD_TIMEOUT)};
    *ret = engine_request(e, &r, &handlers, b);
    return 0;
}
