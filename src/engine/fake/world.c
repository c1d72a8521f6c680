/*
 * The fake world's clock, identities and bookkeeping. It must not know how requests look (call.c,
 * route.c). Driven by one timer of the loop it is attached to: work is kept in one list ordered by
 * time, so that equal scripts run in equal order.
 */
#include "engine/fake/world.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ev/ev.h"

enum { TASKS_PER_TURN = 1000 };

/* --- time --- */

int64_t fake_now(const struct fake_world *w)
{
    return w->loop ? ev_now(w->loop) : clock_mono();
}

int64_t fake_scaled(const struct fake_world *w, int64_t engine_ns)
{
    return (int64_t)((double)engine_ns * ((double)w->options.second / (double)NS_PER_SEC));
}

static void arm(struct fake_world *w)
{
    if (w->timer) {
        ev_timer_set(w->timer, w->task_len ? w->tasks[0].due : CLOCK_NEVER);
    }
}

void fake_task_add(struct fake_world *w, int64_t due, void (*fn)(void *arg), void *arg)
{
    size_t at = w->task_len;
    if (w->task_len == w->task_cap) {
        w->task_cap = w->task_cap ? w->task_cap * 2 : 32;
        w->tasks = xreallocarray(w->tasks, w->task_cap, sizeof(*w->tasks));
    }
    while (at > 0 && w->tasks[at - 1].due > due) {
        w->tasks[at] = w->tasks[at - 1];
        at--;
    }
    w->tasks[at] = (struct fake_task){.due = due, .seq = w->seq++, .fn = fn, .arg = arg};
    w->task_len++;
    if (at == 0) {
        arm(w);
    }
}

void fake_task_cancel(struct fake_world *w, void (*fn)(void *arg), const void *arg)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->task_len; i++) {
        if (w->tasks[i].arg != arg || (fn && w->tasks[i].fn != fn)) {
            w->tasks[kept++] = w->tasks[i];
        }
    }
    w->task_len = kept;
}

static void on_timer(void *arg)
{
    struct fake_world *w = arg;
    uint64_t newest = w->seq;
    for (int n = 0; n < TASKS_PER_TURN && w->task_len; n++) {
        struct fake_task task = w->tasks[0];
        if (task.due > fake_now(w) || task.seq >= newest) {
            break;
        }
        w->task_len--;
        memmove(w->tasks, w->tasks + 1, w->task_len * sizeof(*w->tasks));
        task.fn(task.arg);
        if (!w->timer) { /* it was detached meanwhile */
            return;
        }
    }
    arm(w);
}

void fake_world_attach(struct fake_world *w, struct ev_loop *loop)
{
    ev_timer_free(w->timer);
    w->timer = NULL;
    w->loop = loop;
    if (loop) {
        w->timer = ev_timer_new(loop, on_timer, w);
        arm(w);
    }
}

/* --- identities --- */

void fake_id(struct fake_world *w, char *ret)
{
    uint64_t x = ++w->ids;
    for (int i = 0; i < 4; i++) { /* splitmix64: spreads a counter over all digits */
        uint64_t z = x * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)i * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        snprintf(ret + (ptrdiff_t)i * 16, 17, "%016llx", (unsigned long long)(z ^ (z >> 31)));
    }
}

bool fake_podman(const struct fake_world *w)
{
    return w->options.flavour == FAKE_PODMAN;
}

bool fake_api(const struct fake_world *w, int minor)
{
    const char *dot = strchr(w->options.api_version, '.');
    int have = 0;
    for (const char *p = dot ? dot + 1 : ""; *p >= '0' && *p <= '9'; p++) {
        have = have * 10 + (*p - '0');
    }
    return have >= minor;
}

/* --- scripts --- */

const struct fake_behaviour *fake_script_for(const struct fake_world *w, const char *name,
                                             const char *image)
{
    static const struct fake_behaviour plain;
    const struct fake_behaviour *by_image = NULL;
    VEC_FOREACH (struct fake_script, s, &w->scripts) {
        if (str_eq(s->key, name)) {
            return &s->behaviour;
        }
        if (str_eq(s->key, image)) {
            by_image = &s->behaviour;
        }
    }
    return by_image ? by_image : &plain;
}

void fake_world_behave(struct fake_world *w, const char *name_or_image,
                       const struct fake_behaviour *behaviour)
{
    struct fake_script *found = NULL;
    VEC_FOREACH (struct fake_script, s, &w->scripts) {
        found = str_eq(s->key, name_or_image) ? s : found;
    }
    if (!found) {
        found = xcalloc(1, sizeof(*found));
        found->key = xstrdup(name_or_image);
        vec_push(&w->scripts, found);
    }
    found->behaviour = *behaviour;
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        c->script = *fake_script_for(w, c->name, c->image);
    }
}

bool fake_world_crash(struct fake_world *w, const char *name, int exit_code)
{
    struct fake_container *c = fake_container_find(w, name);
    if (!c || !fake_is_up(c)) {
        return false;
    }
    fake_container_ended(c, exit_code);
    return true;
}

void fake_world_log(struct fake_world *w, const char *name, bool is_stderr, const char *text)
{
    struct fake_container *c = fake_container_find(w, name);
    if (c) {
        fake_log(c, is_stderr, text);
    }
}

/* --- looking --- */

size_t fake_world_open_calls(const struct fake_world *w)
{
    size_t open = 0;
    VEC_FOREACH (struct fake_call, call, &w->calls) {
        open += call->client != NULL;
    }
    return open;
}

size_t fake_world_containers(const struct fake_world *w)
{
    return w->containers.len;
}

const char *fake_world_state(const struct fake_world *w, const char *name)
{
    struct fake_container *c = fake_container_find(w, name);
    return c ? fake_state_name(c->state) : NULL;
}

int fake_world_starts(const struct fake_world *w, const char *name)
{
    struct fake_container *c = fake_container_find(w, name);
    return c ? c->starts : -1;
}

bool fake_world_has(const struct fake_world *w, const char *kind, const char *name)
{
    if (str_eq(kind, "container")) {
        return fake_container_find(w, name) != NULL;
    }
    if (str_eq(kind, "network")) {
        return fake_network_find(w, name) != NULL;
    }
    if (str_eq(kind, "volume")) {
        return fake_volume_find(w, name) != NULL;
    }
    assert(str_eq(kind, "image"));
    return fake_image_find(w, name) != NULL;
}

/* --- records --- */

size_t fake_record_count(const struct fake_world *w)
{
    return w->records.len;
}

const struct fake_record *fake_record_at(const struct fake_world *w, size_t i)
{
    assert(i < w->records.len);
    return w->records.items[i];
}

size_t fake_record_calls(const struct fake_world *w, const char *method, const char *pattern)
{
    size_t n = 0;
    VEC_FOREACH (struct fake_record, r, &w->records) {
        n += (str_eq(method, "*") || str_eq(method, r->method)) &&
             fnmatch(pattern, r->path, 0) == 0;
    }
    return n;
}

void fake_record_clear(struct fake_world *w)
{
    VEC_FOREACH (struct fake_record, r, &w->records) {
        free(r->method);
        free(r->path);
        free(r->query);
        json_decref(r->body);
        free(r);
    }
    vec_clear(&w->records);
    w->record_epoch++;
}

/* --- orders --- */

const char *fake_fault_name(enum fake_fault fault)
{
    static const char *const names[] = {
#define FAKE_FAULT_NAME(id, name) name,
        FAKE_FAULT_LIST(FAKE_FAULT_NAME)
#undef FAKE_FAULT_NAME
    };
    _Static_assert(ARRAY_LEN(names) == FAKE_FAULT_COUNT, "every fault has a name");
    return names[fault];
}

void fake_world_fail(struct fake_world *w, size_t n, enum fake_fault fault)
{
    w->fail_in = n;
    w->fail_with = fault;
    w->struck = false;
}

void fake_world_fail_path(struct fake_world *w, const char *method, const char *pattern,
                          enum fake_fault fault)
{
    struct fake_order *o = xcalloc(1, sizeof(*o));
    o->method = xstrdup(method);
    o->pattern = xstrdup(pattern);
    o->fault = fault;
    vec_push(&w->orders, o);
}

static void orders_free(struct fake_world *w)
{
    VEC_FOREACH (struct fake_order, o, &w->orders) {
        free(o->method);
        free(o->pattern);
        free(o);
    }
    vec_clear(&w->orders);
}

void fake_world_mend(struct fake_world *w)
{
    orders_free(w);
    w->fail_in = 0;
    w->kill_in = 0;
    w->fail_with = FAKE_FAULT_NONE;
}

bool fake_world_struck(const struct fake_world *w)
{
    return w->struck;
}

/* --- life --- */

struct fake_world *fake_world_new(const struct fake_options *options)
{
    struct fake_world *w = xcalloc(1, sizeof(*w));
    if (options) {
        w->options = *options;
    }
    struct fake_options *o = &w->options;
    o->api_version = o->api_version ? o->api_version : "1.41";
    o->os = o->os ? o->os : "linux";
    o->arch = o->arch ? o->arch : "amd64";
    o->second = o->second ? o->second : NS_PER_SEC;
    o->restart_delay = o->restart_delay ? o->restart_delay : NS_PER_MS;
    o->patience = o->patience ? o->patience : 5 * NS_PER_MS;
    w->ephemeral = 32768;
    w->pids = 4000;
    fake_network_defaults(w);
    return w;
}

static void registry_free(struct fake_world *w)
{
    MAP_FOREACH (e, &w->registry) {
        free(e->value);
    }
    map_release(&w->registry);
}

static void events_free(struct fake_world *w)
{
    VEC_FOREACH (struct fake_event, e, &w->events) {
        json_decref(e->json);
        free(e->type);
        free(e->action);
        free(e->id);
        free(e);
    }
    vec_release(&w->events);
}

void fake_world_free(struct fake_world *w)
{
    if (!w) {
        return;
    }
    assert(w->transports.len == 0);
    fake_world_attach(w, NULL);
    fake_calls_drop(w);
    while (w->containers.len) {
        fake_container_forget(w->containers.items[0]);
    }
    VEC_FOREACH (struct fake_execution, e, &w->execs) {
        fake_exec_free(e);
    }
    VEC_FOREACH (struct fake_network, n, &w->networks) {
        fake_network_free(n);
    }
    VEC_FOREACH (struct fake_volume, v, &w->volumes) {
        fake_volume_free(v);
    }
    VEC_FOREACH (struct fake_image, i, &w->images) {
        fake_image_free(i);
    }
    VEC_FOREACH (struct fake_script, s, &w->scripts) {
        free(s->key);
        free(s);
    }
    events_free(w);
    registry_free(w);
    orders_free(w);
    fake_record_clear(w);
    vec_release(&w->orders);
    vec_release(&w->records);
    vec_release(&w->containers);
    vec_release(&w->execs);
    vec_release(&w->networks);
    vec_release(&w->volumes);
    vec_release(&w->images);
    vec_release(&w->scripts);
    vec_release(&w->calls);
    vec_release(&w->transports);
    free(w->tasks);
    free(w);
}
