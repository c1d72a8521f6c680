/*
 * See stack.h. Text to model, for tests only: no diagnostics beyond an abort with the line.
 */
#include "stack.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/vec.h"

/* One line split at blanks. */
struct words {
    struct strv w;
};

static void die(const char *what, const char *line)
{
    fprintf(stderr, "stack: %s: %s\n", what, line);
    abort();
}

static char *next_line(const char **at)
{
    const char *p = *at;
    size_t len = strcspn(p, "\n");
    *at = p + len + (p[len] == '\n');
    while (len && isspace((unsigned char)*p)) {
        p++;
        len--;
    }
    while (len && isspace((unsigned char)p[len - 1])) {
        len--;
    }
    return xstrndup(p, len);
}

static struct words split_words(const char *line)
{
    struct words words = {0};
    struct strv all = {0};
    str_split(line, ' ', &all);
    for (size_t i = 0; i < all.len; i++) {
        if (*all.items[i]) {
            strv_push(&words.w, all.items[i]);
        }
    }
    strv_release(&all);
    return words;
}

/* The value of key=value, "" for a bare key, NULL when absent. */
static const char *option(const struct words *words, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 1; i < words->w.len; i++) {
        const char *w = words->w.items[i];
        if (strncmp(w, key, len) == 0 && (w[len] == '=' || !w[len])) {
            return w[len] ? w + len + 1 : "";
        }
    }
    return NULL;
}

static int number_option(const struct words *words, const char *key, int otherwise)
{
    const char *text = option(words, key);
    int64_t n = otherwise;
    if (text && parse_int(text, 0, 1000, &n, NULL) < 0) {
        die("not a number", text);
    }
    return (int)n;
}

/* 64 hex digits of a text (FNV-1a, four times salted). */
static const char *hash_of(struct arena *a, const char *text)
{
    char out[65];
    for (int part = 0; part < 4; part++) {
        uint64_t h = UINT64_C(14695981039346656037) + (uint64_t)part;
        for (const char *p = text; *p; p++) {
            h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
        }
        snprintf(out + (ptrdiff_t)part * 16, 17, "%016llx", (unsigned long long)h);
    }
    return arena_strdup(a, out);
}

static struct strv commas(const char *text)
{
    struct strv list = {0};
    if (text && *text) {
        str_split(text, ',', &list);
    }
    return list;
}

/* --- services --- */

static enum condition condition_of(const char *text)
{
    static const char *const names[] = {"started", "healthy", "completed"};
    for (int i = 0; i < CONDITION_COUNT; i++) {
        if (str_eq(names[i], text)) {
            return (enum condition)i;
        }
    }
    die("no such condition", text);
    return CONDITION_STARTED;
}

static void add_deps(struct arena *a, struct service *s, const char *text)
{
    struct strv list = commas(text);
    s->depends_on = arena_array(a, list.len, sizeof(*s->depends_on));
    for (size_t i = 0; i < list.len; i++) {
        struct depends_on *d = &s->depends_on[s->depends_on_count++];
        struct strv parts = {0};
        str_split(list.items[i], ':', &parts);
        d->service = arena_strdup(a, parts.items[0]);
        d->condition = condition_of(parts.len > 1 ? parts.items[1] : "started");
        d->required = !strv_contains(&parts, "optional");
        d->restart = strv_contains(&parts, "restart");
        strv_release(&parts);
    }
    strv_release(&list);
}

static void add_nets(struct arena *a, struct service *s, const char *text)
{
    struct strv list = commas(text ? text : "default");
    s->networks = arena_array(a, list.len, sizeof(*s->networks));
    for (size_t i = 0; i < list.len; i++) {
        s->networks[s->network_count++].network = arena_strdup(a, list.items[i]);
    }
    strv_release(&list);
}

static void add_vols(struct arena *a, struct service *s, const char *text)
{
    struct strv list = commas(text);
    s->mounts = arena_array(a, list.len, sizeof(*s->mounts));
    for (size_t i = 0; i < list.len; i++) {
        struct mount *m = &s->mounts[s->mount_count++];
        const char *colon = strchr(list.items[i], ':');
        m->type = MOUNT_VOLUME;
        m->source = colon ? arena_strndup(a, list.items[i], (size_t)(colon - list.items[i])) : NULL;
        m->target = arena_strdup(a, colon ? colon + 1 : list.items[i]);
    }
    strv_release(&list);
}

static void add_ports(struct arena *a, struct service *s, const char *text)
{
    struct strv list = commas(text);
    s->ports = arena_array(a, list.len, sizeof(*s->ports));
    for (size_t i = 0; i < list.len; i++) {
        struct port *p = &s->ports[s->port_count++];
        const char *colon = strchr(list.items[i], ':');
        p->published = colon ? arena_strndup(a, list.items[i], (size_t)(colon - list.items[i]))
                             : NULL;
        if (parse_port(colon ? colon + 1 : list.items[i], &p->target, NULL) < 0) {
            die("not a port", list.items[i]);
        }
        p->protocol = "tcp";
        p->mode = "ingress";
    }
    strv_release(&list);
}

static enum pull_policy pull_of(const char *text)
{
    static const char *const names[] = {"", "always", "never", "missing", "build"};
    for (size_t i = 0; text && i < ARRAY_LEN(names); i++) {
        if (str_eq(names[i], text)) {
            return (enum pull_policy)i;
        }
    }
    return PULL_DEFAULT;
}

static void set_check(struct arena *a, struct service *s, const char *command)
{
    struct healthcheck *h = &s->healthcheck;
    h->interval = h->timeout = h->start_period = h->start_interval = -1;
    h->retries = -1;
    if (command) {
        h->set = true;
        h->test.items = arena_array(a, 2, sizeof(*h->test.items));
        h->test.items[0] = "CMD";
        h->test.items[1] = arena_strdup(a, command);
        h->test.count = 2;
        h->test.set = true;
        h->interval = 10 * NS_PER_SEC;
    }
}

static struct hook *one_hook(struct arena *a, const char *command)
{
    struct hook *h = arena_alloc(a, sizeof(*h));
    h->command.items = arena_array(a, 1, sizeof(*h->command.items));
    h->command.items[0] = arena_strdup(a, command);
    h->command.count = 1;
    h->command.set = true;
    return h;
}

static void set_extras(struct arena *a, struct service *s, const struct words *words)
{
    const char *secret = option(words, "secret"), *started = option(words, "after-start");
    const char *stopping = option(words, "before-stop"), *timeout = option(words, "timeout");
    s->network_mode = arena_strdup(a, option(words, "mode"));
    if (secret) {
        s->secrets = arena_alloc(a, sizeof(*s->secrets));
        s->secrets->source = arena_strdup(a, secret);
        s->secrets->target = arena_printf(a, "/run/secrets/%s", secret);
        s->secret_count = 1;
    }
    if (started) {
        s->post_start = one_hook(a, started);
        s->post_start_count = 1;
    }
    if (stopping) {
        s->pre_stop = one_hook(a, stopping);
        s->pre_stop_count = 1;
    }
    if (timeout && parse_duration(timeout, &s->ready.timeout, NULL) < 0) {
        die("not a duration", timeout);
    }
}

static void set_service(struct arena *a, struct service *s, const struct words *words,
                        const char *line)
{
    const char *image = option(words, "image"), *grace = option(words, "grace");
    s->name = arena_strdup(a, words->w.items[1]);
    s->config_hash = hash_of(a, line);
    s->image = arena_strdup(a, image ? image : s->name);
    s->image_set = !option(words, "build");
    s->build = option(words, "build") ? arena_alloc(a, sizeof(*s->build)) : NULL;
    if (s->build) {
        const char *dir = option(words, "build");
        s->build->context = *dir == '/' ? arena_strdup(a, dir) : "/nonexistent";
        s->build->dockerfile = "Dockerfile";
    }
    s->pull_policy = pull_of(option(words, "pull"));
    s->replicas = number_option(words, "replicas", 1);
    s->container_name = arena_strdup(a, option(words, "name"));
    s->stop_grace_period = -1;
    if (grace && parse_duration(grace, &s->stop_grace_period, NULL) < 0) {
        die("not a duration", grace);
    }
    s->mem_swappiness = -1;
    s->deploy.replicas = -1;
    s->restart.name = arena_strdup(a, option(words, "restart"));
    set_check(a, s, option(words, "check"));
    add_deps(a, s, option(words, "deps"));
    set_extras(a, s, words);
    if (!s->network_mode) {
        add_nets(a, s, option(words, "nets"));
    }
    add_vols(a, s, option(words, "vols"));
    add_ports(a, s, option(words, "ports"));
}

static int by_name(const void *a, const void *b)
{
    const struct service *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void add_default_network(struct project *p)
{
    bool wanted = false;
    for (size_t i = 0; i < p->service_count; i++) {
        for (size_t k = 0; k < p->services[i].network_count; k++) {
            wanted = wanted || str_eq(p->services[i].networks[k].network, "default");
        }
    }
    if (wanted && !project_network(p, "default")) {
        struct network *n = &p->networks[p->network_count++];
        n->key = "default";
        n->name = arena_printf(&p->arena, "%s_default", p->name);
        n->config_hash = hash_of(&p->arena, "default");
    }
}

static void parse_line(struct project *p, const struct words *words, const char *line)
{
    struct arena *a = &p->arena;
    const char *kind = words->w.items[0], *name = words->w.len > 1 ? words->w.items[1] : "";
    bool external = option(words, "external") != NULL;
    if (str_eq(kind, "service")) {
        set_service(a, &p->services[p->service_count++], words, line);
    } else if (str_eq(kind, "network")) {
        struct network *n = &p->networks[p->network_count++];
        n->key = arena_strdup(a, name);
        n->name = external ? n->key : arena_printf(a, "%s_%s", p->name, name);
        n->external = external;
        n->config_hash = hash_of(a, line);
    } else if (str_eq(kind, "volume")) {
        struct volume *v = &p->volumes[p->volume_count++];
        v->key = arena_strdup(a, name);
        v->name = external ? v->key : arena_printf(a, "%s_%s", p->name, name);
        v->external = external;
        v->config_hash = hash_of(a, line);
    } else if (str_eq(kind, "secret")) {
        struct file_object *f = &p->secrets[p->secret_count++];
        f->key = f->name = arena_strdup(a, name);
        f->content = arena_strdup(a, words->w.len > 2 ? words->w.items[2] : "");
    } else if (str_eq(kind, "disabled")) {
        p->disabled.items[p->disabled.count++] = arena_strdup(a, name);
    } else {
        die("what is this", line);
    }
}

struct project *stack_parse(const char *name, const char *text)
{
    struct arena arena;
    struct project *p = NULL; /* lives in its own arena, as project_free() expects */
    size_t lines = 2;
    arena_init(&arena);
    p = arena_alloc(&arena, sizeof(*p));
    p->arena = arena;
    for (const char *c = text; *c; c++) {
        lines += *c == '\n';
    }
    p->name = arena_strdup(&p->arena, name);
    p->working_dir = "/nonexistent";
    p->services = arena_array(&p->arena, lines, sizeof(*p->services));
    p->networks = arena_array(&p->arena, lines, sizeof(*p->networks));
    p->volumes = arena_array(&p->arena, lines, sizeof(*p->volumes));
    p->secrets = arena_array(&p->arena, lines, sizeof(*p->secrets));
    p->disabled.items = arena_array(&p->arena, lines, sizeof(*p->disabled.items));
    while (*text) {
        CLEANUP_FREE char *line = next_line(&text);
        if (*line && *line != '#') {
            struct words words = split_words(line);
            parse_line(p, &words, line);
            strv_release(&words.w);
        }
    }
    qsort(p->services, p->service_count, sizeof(*p->services), by_name);
    add_default_network(p);
    return p;
}

/* --- what exists --- */

enum { OBSERVED_MAX = 200 };

struct observing {
    const struct project *p;
    struct observed *o;
    struct arena *a;
};

static const char *image_id(struct arena *a, const char *reference)
{
    return arena_printf(a, "sha256:%s", hash_of(a, reference));
}

static struct observed_container *container_slot(struct observing *b, const char *name)
{
    for (size_t i = 0; i < b->o->container_count; i++) {
        if (str_eq(b->o->containers[i].name, name)) {
            return &b->o->containers[i];
        }
    }
    return &b->o->containers[b->o->container_count++];
}

static const struct observed_network *network_named(const struct observing *b, const char *key)
{
    const struct network *n = project_network(b->p, key);
    return observed_network(b->o, n ? n->name : key);
}

static void set_container(struct observing *b, const struct words *words)
{
    struct arena *a = b->a;
    const char *name = words->w.items[1], *service_name = option(words, "service");
    const struct service *s = service_name ? project_service(b->p, service_name) : NULL;
    const char *hash = option(words, "hash"), *image = option(words, "image");
    const char *state = option(words, "state"), *reference = s ? s->image : "image";
    struct strv nets = {0}, vols = commas(option(words, "vols"));
    struct observed_container *c = container_slot(b, arena_strdup(a, name));
    *c = (struct observed_container){
        .id = hash_of(a, name),
        .name = arena_strdup(a, name),
        .image = reference,
        .command = "",
        .status = "",
        .working_dir = "",
        .config_files = "",
        .depends_on = "",
        .replace = "",
        .project = b->p->name,
        .service = arena_strdup(a, service_name ? service_name : ""),
        .number = number_option(words, "number", 1),
        .oneoff = option(words, "oneoff") != NULL,
        .config_hash = hash && !str_eq(hash, "@") ? arena_strdup(a, hash)
                       : s                        ? s->config_hash
                                                  : "",
        .image_label = image && !str_eq(image, "@") ? arena_strdup(a, image)
                                                    : image_id(a, reference),
        .state = container_state_from_name(state ? state : "running"),
    };
    c->image_id = c->image_label;
    if (c->state == CONTAINER_STATE_COUNT) {
        die("no such state", state);
    }
    nets = commas(option(words, "nets"));
    c->endpoints = arena_array(a, nets.len, sizeof(*c->endpoints));
    for (size_t i = 0; i < nets.len; i++) {
        const struct observed_network *n = network_named(b, nets.items[i]);
        c->endpoints[c->endpoint_count++] = (struct observed_endpoint){
            .network = n ? n->name : arena_strdup(a, nets.items[i]),
            .network_id = n ? n->id : "",
            .ip = "",
            .ip6 = ""};
    }
    c->mounts = arena_array(a, vols.len, sizeof(*c->mounts));
    for (size_t i = 0; i < vols.len; i++) {
        const struct volume *v = project_volume(b->p, vols.items[i]);
        c->mounts[c->mount_count++] = (struct observed_mount){
            .type = "volume",
            .name = v ? v->name : arena_strdup(a, vols.items[i]),
            .source = "",
            .target = "/x"};
    }
    strv_release(&nets);
    strv_release(&vols);
}

static void set_network(struct observing *b, const struct words *words)
{
    struct arena *a = b->a;
    const char *name = words->w.items[1], *hash = option(words, "hash");
    const char *project = option(words, "project"), *id = option(words, "id");
    const struct network *n = NULL;
    for (size_t i = 0; i < b->p->network_count; i++) {
        n = str_eq(b->p->networks[i].name, name) ? &b->p->networks[i] : n;
    }
    struct observed_network *have = NULL;
    for (size_t i = 0; i < b->o->network_count; i++) {
        have = str_eq(b->o->networks[i].name, name) ? &b->o->networks[i] : have;
    }
    have = have ? have : &b->o->networks[b->o->network_count++];
    *have = (struct observed_network){.id = id ? arena_strdup(a, id) : hash_of(a, name),
                                      .name = arena_strdup(a, name),
                                      .key = n ? n->key : "",
                                      .project = arena_strdup(a, project ? project : b->p->name),
                                      .config_hash = hash && !str_eq(hash, "@")
                                                         ? arena_strdup(a, hash)
                                                     : n ? n->config_hash
                                                         : "",
                                      .driver = "bridge"};
}

static void set_volume(struct observing *b, const struct words *words)
{
    struct arena *a = b->a;
    const char *name = words->w.items[1], *hash = option(words, "hash");
    const char *project = option(words, "project");
    const struct volume *v = NULL;
    struct observed_volume *have = NULL;
    for (size_t i = 0; i < b->p->volume_count; i++) {
        v = str_eq(b->p->volumes[i].name, name) ? &b->p->volumes[i] : v;
    }
    for (size_t i = 0; i < b->o->volume_count; i++) {
        have = str_eq(b->o->volumes[i].name, name) ? &b->o->volumes[i] : have;
    }
    have = have ? have : &b->o->volumes[b->o->volume_count++];
    *have = (struct observed_volume){.name = arena_strdup(a, name),
                                     .key = v ? v->key : "",
                                     .project = arena_strdup(a, project ? project : b->p->name),
                                     .config_hash = hash && !str_eq(hash, "@")
                                                        ? arena_strdup(a, hash)
                                                    : v ? v->config_hash
                                                        : "",
                                     .driver = "local",
                                     .mountpoint = ""};
}

static void set_image(struct observing *b, const char *reference, const char *id)
{
    struct observed_image *have = NULL;
    for (size_t i = 0; i < b->o->image_count; i++) {
        have = str_eq(b->o->images[i].reference, reference) ? &b->o->images[i] : have;
    }
    have = have ? have : &b->o->images[b->o->image_count++];
    *have = (struct observed_image){.reference = arena_strdup(b->a, reference),
                                    .id = str_eq(id, "@") ? image_id(b->a, reference)
                                                          : arena_strdup(b->a, id),
                                    .architecture = "amd64",
                                    .os = "linux",
                                    .stop_signal = ""};
}

static void run_line(struct observing *b, const char *line);

static void observe_service(struct observing *b, const struct service *s)
{
    for (int number = 1; number <= s->replicas; number++) {
        CLEANUP_BUF struct buf line = BUF_INIT;
        if (s->container_name) {
            buf_printf(&line, "container %s service=%s", s->container_name, s->name);
        } else {
            buf_printf(&line, "container %s-%s-%d service=%s number=%d", b->p->name, s->name,
                       number, s->name, number);
        }
        for (size_t i = 0; i < s->network_count; i++) {
            buf_printf(&line, "%s%s", i ? "," : " nets=", s->networks[i].network);
        }
        for (size_t i = 0, n = 0; i < s->mount_count; i++) {
            buf_printf(&line, "%s%s", n++ ? "," : " vols=",
                       s->mounts[i].source ? s->mounts[i].source : "0123anonymous");
        }
        run_line(b, buf_text(&line));
    }
}

static void observe_all(struct observing *b)
{
    for (size_t i = 0; i < b->p->network_count; i++) {
        CLEANUP_FREE char *line = xasprintf("network %s", b->p->networks[i].name);
        run_line(b, line);
    }
    for (size_t i = 0; i < b->p->volume_count; i++) {
        CLEANUP_FREE char *line = xasprintf("volume %s", b->p->volumes[i].name);
        run_line(b, line);
    }
    for (size_t i = 0; i < b->p->service_count; i++) {
        set_image(b, b->p->services[i].image, "@");
        observe_service(b, &b->p->services[i]);
    }
}

#define DROP(list, count, name)                                                     \
    for (size_t i = 0; i < (count); i++) {                                          \
        if (str_eq((list)[i].name, what)) {                                         \
            memmove(&(list)[i], &(list)[i + 1], ((count)-i - 1) * sizeof(*(list))); \
            (count)--;                                                              \
            return;                                                                 \
        }                                                                           \
    }

static void drop(struct observing *b, const char *kind, const char *what)
{
    struct observed *o = b->o;
    if (str_eq(kind, "container")) {
        DROP(o->containers, o->container_count, name)
    } else if (str_eq(kind, "network")) {
        DROP(o->networks, o->network_count, name)
    } else if (str_eq(kind, "volume")) {
        DROP(o->volumes, o->volume_count, name)
    }
    die("cannot be gone", what);
}

static void run_line(struct observing *b, const char *line)
{
    struct words words = split_words(line);
    const char *kind = words.w.items[0];
    if (str_eq(kind, "all")) {
        observe_all(b);
    } else if (str_eq(kind, "container")) {
        set_container(b, &words);
    } else if (str_eq(kind, "network")) {
        set_network(b, &words);
    } else if (str_eq(kind, "volume")) {
        set_volume(b, &words);
    } else if (str_eq(kind, "image")) {
        const char *id = option(&words, "id");
        set_image(b, words.w.items[1], id ? id : "");
    } else if (str_eq(kind, "gone")) {
        drop(b, words.w.items[1], words.w.items[2]);
    } else {
        die("what is this", line);
    }
    strv_release(&words.w);
}

void stack_observe(const struct project *p, const char *text, struct observed *ret)
{
    struct observing b = {.p = p, .o = ret, .a = &ret->arena};
    arena_init(&ret->arena);
    ret->containers = arena_array(b.a, OBSERVED_MAX, sizeof(*ret->containers));
    ret->networks = arena_array(b.a, OBSERVED_MAX, sizeof(*ret->networks));
    ret->volumes = arena_array(b.a, OBSERVED_MAX, sizeof(*ret->volumes));
    ret->images = arena_array(b.a, OBSERVED_MAX, sizeof(*ret->images));
    while (*text) {
        CLEANUP_FREE char *line = next_line(&text);
        if (*line && *line != '#') {
            run_line(&b, line);
        }
    }
}
