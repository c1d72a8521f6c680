/*
 * Steps that are one call of the engine, or a few: networks, volumes, the life of a container.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/spec.h"
#include "run/internal.h"

/* Ends a step with the engine's answer; `ignore` is an HTTP status that is as good as done. */
static void end_call(struct run_step *s, const struct err *err, int ignore, enum unit_state done,
                     const char *doing)
{
    struct err own = {0};
    if (err && ignore && err->status == ignore) {
        err = NULL;
    }
    if (err) {
        own = *err;
        err_prefix(&own, "%s %s", doing, s->step->target);
        if (!own.subject[0]) {
            err_subject(&own, s->unit->service[0] ? s->unit->service : s->unit->name);
        }
        run_step_done(s, &own);
        return;
    }
    if (done != UNIT_STATE_COUNT) {
        run_unit_set(s->run, s->unit, done, NULL);
    }
    run_step_done(s, NULL);
}

/* The container that the step is about: the unit's, or an existing one that goes. */
static const char *container_id(const struct run_step *s)
{
    if (s->step->victim) {
        return s->step->victim->id;
    }
    return s->unit->id ? s->unit->id : s->step->target;
}

/* A victim whose name a new container takes over is shown as part of that recreate. */
static bool is_replaced(const struct run_step *s)
{
    return s->step->victim && s->unit->state == UNIT_RECREATING;
}

/* Something else uses it: that was a warning, the step is done. */
static void stays(struct run_step *s)
{
    run_unit_set(s->run, s->unit, UNIT_SKIPPED, "still in use");
    run_step_done(s, NULL);
}

/* --- networks and volumes --- */

static void network_created(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct run_step *s = arg;
    const char *id = err ? NULL : json_string_value(json_object_get(reply->json, "Id"));
    if (id && !s->unit->id) {
        s->unit->id = xstrdup(id);
    }
    end_call(s, err, 409, UNIT_CREATED, "creating network");
}

void step_network_create(struct run_step *s)
{
    json_t *body = spec_network(s->run->plan->project, s->step->network);
    run_unit_set(s->run, s->unit, UNIT_CREATING, NULL);
    s->call = engine_network_create(s->run->engine, body, network_created, s);
    json_decref(body);
}

static void network_removed(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct run_step *s = arg;
    (void)reply;
    if (err && err->status == 403) { /* containers of others are on it: Compose warns and goes on */
        run_warning(s->run, s->unit, "stop or disconnect what uses it, then run down again",
                    "network %s is still in use", s->step->target);
        stays(s);
        return;
    }
    end_call(s, err, 404, UNIT_REMOVED, "removing network");
}

void step_network_remove(struct run_step *s)
{
    run_unit_set(s->run, s->unit, UNIT_REMOVING, NULL);
    s->call = engine_network_remove(s->run->engine, s->step->id, network_removed, s);
}

static void volume_created(void *arg, const struct engine_reply *reply, const struct err *err)
{
    (void)reply;
    end_call(arg, err, 0, UNIT_CREATED, "creating volume");
}

void step_volume_create(struct run_step *s)
{
    json_t *body = spec_volume(s->run->plan->project, s->step->volume);
    run_unit_set(s->run, s->unit, UNIT_CREATING, NULL);
    s->call = engine_volume_create(s->run->engine, body, volume_created, s);
    json_decref(body);
}

static void volume_removed(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct run_step *s = arg;
    (void)reply;
    if (err && err->status == 409) {
        run_warning(s->run, s->unit, "remove the containers that use it first",
                    "volume %s is still in use", s->step->target);
        stays(s);
        return;
    }
    end_call(s, err, 404, UNIT_REMOVED, "removing volume");
}

void step_volume_remove(struct run_step *s)
{
    run_unit_set(s->run, s->unit, UNIT_REMOVING, NULL);
    s->call = engine_volume_remove(s->run->engine, s->step->id, true, volume_removed, s);
}

static void image_removed(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct run_step *s = arg;
    (void)reply;
    if (err && err->status == 409) {
        run_warning(s->run, s->unit, "", "image %s is used by other containers and stays",
                    s->step->target);
        stays(s);
        return;
    }
    end_call(s, err, 404, UNIT_REMOVED, "removing image");
}

void step_image_remove(struct run_step *s)
{
    run_unit_set(s->run, s->unit, UNIT_REMOVING, NULL);
    s->call = engine_image_remove(s->run->engine, s->step->id, false, image_removed, s);
}

/* --- containers --- */

static void renamed(void *arg, const struct engine_reply *reply, const struct err *err)
{
    (void)reply;
    end_call(arg, err, 0, UNIT_RECREATED, "renaming");
}

void step_rename(struct run_step *s)
{
    s->call = engine_container_rename(s->run->engine, container_id(s), s->unit->name, renamed, s);
}

/* Cuts what the engine puts before the cause: how it calls its runtime, ids of 64 digits. */
static void shorten(struct err *err)
{
    static const char *const before[] = {
        "unable to start container process: ", "starting container process caused: ", "Bind for "};
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        const char *at = strstr(err->message, before[i]);
        size_t skip = *before[i] == 'B' ? strlen("Bind for ") : strlen(before[i]);
        if (at) {
            memmove(err->message, at + skip, strlen(at + skip) + 1);
        }
    }
}

/* What the engine says about a command that cannot run, in words that name the fix. */
static void explain_start(struct err *err, const struct service *s)
{
    const char *m = err->message;
    shorten(err);
    if (strstr(m, "exec format error")) {
        err_hint(err, "the image is for another processor architecture: pull or build it for this "
                      "one (platform: in the file, or docker buildx --platform)");
    } else if (strstr(m, "executable file not found") ||
               strstr(m, "no such file or directory: un")) {
        err_hint(err, "the image has no such command: correct command or entrypoint of service %s",
                 s ? s->name : "?");
    } else if (strstr(m, "permission denied") && strstr(m, "exec")) {
        err_hint(err, "the command is not executable: chmod +x it in the image");
    } else if (strstr(m, "port is already allocated") || strstr(m, "address already in use")) {
        err_hint(err, "another container (docker ps) or process (ss -ltnp) has this port: stop it, "
                      "or publish another one");
    } else if (strstr(m, "Address already in use")) {
        err_hint(err, "another container has this address: change ipv4_address, or stop it");
    }
}

static void run_hooks(struct run_step *s);

static void started(struct run_step *s)
{
    struct timeline_entry *e = run_entry(s->run, s->unit);
    e->start_end = run_elapsed(s->run);
    e->ready = e->start_end;
    s->index = 0;
    run_hooks(s);
}

static void start_failed(struct run_step *s, const struct err *err)
{
    struct err own = *err;
    explain_start(&own, s->step->service);
    end_call(s, &own, 0, UNIT_STATE_COUNT, "starting");
}

static void call_start(struct run_step *s);

static void start_again(struct run_step *s, const struct err *err)
{
    if (err) {
        start_failed(s, err);
    } else {
        call_start(s);
    }
}

static void start_answered(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct run_step *s = arg;
    (void)reply;
    s->call = NULL;
    if (!err) {
        started(s);
    } else if (!run_repair_network(s, err, start_again)) {
        start_failed(s, err);
    }
}

/* The dependency that released this start: the one whose step ended last. */
static void note_blocker(struct run_step *s)
{
    struct timeline_entry *e = run_entry(s->run, s->unit);
    int64_t last = -1;
    for (size_t i = 0; i < s->step->dep_count; i++) {
        const struct run_unit *u = s->run->steps[s->step->deps[i].step].unit;
        if (u && u != s->unit && u->entry && u->entry->ready > last) {
            last = u->entry->ready;
            e->blocker = u->entry->name;
        }
    }
    e->start_begin = run_elapsed(s->run);
}

static void call_start(struct run_step *s)
{
    s->call = engine_container_start(s->run->engine, container_id(s), start_answered, s);
}

static void attached(struct run_step *s)
{
    call_start(s);
}

static void files_put(struct run_step *s, const struct err *err)
{
    if (err) {
        end_call(s, err, 0, UNIT_STATE_COUNT, "writing secrets and configs of");
        return;
    }
    if (s->run->options.flags & RUN_ATTACH) {
        run_attach(s, attached);
    } else {
        call_start(s);
    }
}

void step_start(struct run_step *s)
{
    note_blocker(s);
    run_unit_set(s->run, s->unit, UNIT_STARTING, NULL);
    run_put_files(s, files_put);
}

/* --- hooks: post_start after the start, pre_stop before the stop, one after another --- */

static void hook_ended(void *arg, int exit_code, const char *output, const struct err *err);

static void begin_hook(struct run_step *s, const struct hook *h)
{
    struct exec_spec spec = {.container = container_id(s),
                             .user = h->user,
                             .working_dir = h->working_dir,
                             .environment = &h->environment,
                             .privileged = h->privileged,
                             .deadline = clock_add(clock_mono(), 600 * NS_PER_SEC)};
    const char **argv = NULL;
    argv = xcalloc(h->command.count + 1, sizeof(*argv));
    for (size_t i = 0; i < h->command.count; i++) {
        argv[i] = h->command.items[i];
    }
    spec.argv = argv;
    s->work = engine_exec_run(s->run->engine, &spec, hook_ended, s);
    free(argv);
}

static void after_hooks(struct run_step *s);

static void hook_ended(void *arg, int exit_code, const char *output, const struct err *err)
{
    struct run_step *s = arg;
    bool post = s->step->kind != STEP_STOP && s->step->kind != STEP_RESTART;
    struct err own = {0};
    s->work = NULL;
    if (!err && exit_code) {
        size_t n = strlen(output);
        err_set(&own, ERR_UNHEALTHY, "%s hook %zu of %s exited with %d: %.200s",
                post ? "post_start" : "pre_stop", s->index + 1, s->unit->service, exit_code,
                n > 200 ? output + n - 200 : output);
        err_subject(&own, s->unit->service);
        err_hint(&own, "correct the hook's command; it runs inside the container");
        err = &own;
    }
    if (err) {
        run_step_done(s, err);
        return;
    }
    s->index++;
    run_hooks(s);
}

static void run_hooks(struct run_step *s)
{
    const struct service *service = s->step->service;
    bool post = s->step->kind == STEP_START || s->step->kind == STEP_UNPAUSE;
    const struct hook *hooks = !service ? NULL : post ? service->post_start : service->pre_stop;
    size_t count = !service ? 0 : post ? service->post_start_count : service->pre_stop_count;
    if (s->index < count) {
        begin_hook(s, &hooks[s->index]);
    } else {
        after_hooks(s);
    }
}

/* --- stopping --- */

static void stopped(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct run_step *s = arg;
    (void)reply;
    end_call(s, err, 404, is_replaced(s) ? UNIT_STATE_COUNT : UNIT_STOPPED, "stopping");
}

static void restarted(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct run_step *s = arg;
    struct timeline_entry *e = run_entry(s->run, s->unit);
    struct err own = {0};
    (void)reply;
    e->start_end = e->ready = run_elapsed(s->run);
    if (err) {
        own = *err;
        explain_start(&own, s->step->service);
        err = &own;
    }
    end_call(s, err, 0, UNIT_STARTED, "restarting");
}

static void after_hooks(struct run_step *s)
{
    switch (s->step->kind) {
    case STEP_STOP:
        s->call = engine_container_stop(s->run->engine, container_id(s),
                                        s->run->options.stop_timeout, stopped, s);
        return;
    case STEP_RESTART:
        s->call = engine_container_restart(s->run->engine, container_id(s),
                                           s->run->options.stop_timeout, restarted, s);
        return;
    default:
        run_unit_set(s->run, s->unit, UNIT_STARTED, NULL);
        run_step_done(s, NULL);
        return;
    }
}

void step_stop(struct run_step *s)
{
    if (!is_replaced(s)) {
        run_unit_set(s->run, s->unit, UNIT_STOPPING, NULL);
    }
    s->index = 0;
    run_hooks(s);
}

void step_restart(struct run_step *s)
{
    note_blocker(s);
    run_unit_set(s->run, s->unit, UNIT_RESTARTING, NULL);
    s->index = 0;
    run_hooks(s);
}

static void removed(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct run_step *s = arg;
    (void)reply;
    /* 409: "removal is already in progress" (auto-remove) */
    if (err && err->status == 409 && strstr(err->message, "already in progress")) {
        err = NULL;
    }
    end_call(s, err, 404, is_replaced(s) ? UNIT_STATE_COUNT : UNIT_REMOVED, "removing");
}

void step_remove(struct run_step *s)
{
    enum remove_flags flags = REMOVE_FORCE | (s->step->with_volumes ? REMOVE_VOLUMES : 0);
    if (!is_replaced(s)) {
        run_unit_set(s->run, s->unit, UNIT_REMOVING, NULL);
    }
    s->call = engine_container_remove(s->run->engine, container_id(s), flags, removed, s);
}

static void killed(void *arg, const struct engine_reply *reply, const struct err *err)
{
    (void)reply;
    end_call(arg, err, 409 /* it is not running any more */, UNIT_KILLED, "killing");
}

void step_kill(struct run_step *s)
{
    run_unit_set(s->run, s->unit, UNIT_KILLING, NULL);
    s->call = engine_container_kill(s->run->engine, container_id(s),
                                    s->step->signal ? s->step->signal : "SIGKILL", killed, s);
}

static void paused(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct run_step *s = arg;
    (void)reply;
    end_call(s, err, 0, s->step->kind == STEP_PAUSE ? UNIT_PAUSED : UNIT_UNPAUSED,
             s->step->kind == STEP_PAUSE ? "pausing" : "unpausing");
}

void step_pause(struct run_step *s)
{
    s->call = engine_container_pause(s->run->engine, container_id(s), s->step->kind == STEP_PAUSE,
                                     paused, s);
}
