/*
 * fettle run SERVICE [COMMAND]: one container of a service beside its own ones, for one command.
 * What the service depends on is brought up and proved first; then the container is created by the
 * same plan and run as any other, attached, waited for, and started.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd/drive.h"
#include "cmd/oneoff.h"
#include "cmd/session.h"
#include "ev/ev.h"

/* Some engines answer a wait only when it is over: then it is taken for registered after this. */
#define WAIT_HEAD_MAX (100 * NS_PER_MS)

enum { WAIT_REPLY_MAX = 64 << 10 };

struct oneoff {
    struct drive d;
    struct arena arena;
    const struct args *args;
    const char *id; /* of the container; the plan's */
    struct service *service;
    struct plan_oneoff plan;
    struct session *session;
    struct buf wait_reply;
    struct ev_timer *wait_head;
    int exit_code;
    struct err end;    /* of the wait, code NONE when it told the exit status */
    struct err broken; /* our output takes nothing any more */
    bool attach_open, wait_open, starting;
    bool started, attached, exited;
    bool forced; /* was told to end at once: output that is not taken is not waited for */
    bool over;   /* late answers are nobody's any more */
};

static bool tty_of(const struct args *a)
{
    return !args_flag(a, "detach") && !args_flag(a, "no-tty") && !args_flag(a, "no-TTY") &&
           args_flag(a, "tty") && session_has_terminal();
}

/* --- the container's end --- */

/* The wait may answer before the start does, which knows better why nothing ran. */
static void finish_when_all(struct oneoff *o)
{
    const struct err *err = &o->end;
    if (o->over || !o->exited || !o->started || (o->session && !o->attached && !o->forced)) {
        return;
    }
    if (!err->code && o->broken.code && o->broken.sys != EPIPE) {
        err = &o->broken;
    }
    context_finish(o->d.ctx, err->code ? -(int)err->code : o->exit_code, err->code ? err : NULL);
}

static void read_exit(struct oneoff *o)
{
    const struct buf *text = &o->wait_reply;
    json_t *reply = json_loadb(buf_text(text), text->len, 0, NULL);
    const json_t *code = json_object_get(reply, "StatusCode");
    const char *message = json_string_value(
        json_object_get(json_object_get(reply, "Error"), "Message"));
    if (!str_empty(message)) {
        err_set(&o->end, ERR_REFUSED, "%s", message);
    } else if (!json_is_integer(code)) {
        err_set(&o->end, ERR_PROTOCOL, "the engine did not say how the container ended");
    } else {
        o->exit_code = (int)json_integer_value(code);
    }
    json_decref(reply);
}

static void exited(void *arg, const struct engine_reply *reply UNUSED, const struct err *err)
{
    struct oneoff *o = arg;
    if (o->over) {
        return;
    }
    o->exited = true;
    if (err) {
        o->end = *err;
    } else {
        read_exit(o);
    }
    if (err && !o->starting) { /* nothing has been started, and nothing will be */
        context_finish(o->d.ctx, -(int)err->code, err);
    }
    finish_when_all(o);
}

static void detached(void *arg, const struct err *err)
{
    struct oneoff *o = arg;
    o->attached = true;
    if (err && !o->starting && !o->over) {
        context_finish(o->d.ctx, -(int)err->code, err);
        return;
    }
    finish_when_all(o);
}

/* --- the start --- */

static void started(void *arg, const struct engine_reply *reply UNUSED, const struct err *err)
{
    struct oneoff *o = arg;
    struct err own = {0};
    if (o->over) {
        return;
    }
    if (err) {
        own = *err;
        err_prefix(&own, "starting %s", o->plan.name);
        err_subject(&own, o->service->name);
        context_finish(o->d.ctx, -(int)own.code, &own);
        return;
    }
    o->started = true;
    if (!o->session) {
        context_finish(o->d.ctx, 0, NULL);
        return;
    }
    session_resize(o->session);
    finish_when_all(o);
}

/* Once nothing that it says and no end of it can be missed. */
static void start_when_all(struct oneoff *o)
{
    if (o->attach_open && o->wait_open && !o->starting && !o->end.code) {
        o->starting = true;
        engine_container_start(o->d.engine, o->id, started, o);
    }
}

static void attached(void *arg)
{
    struct oneoff *o = arg;
    o->attach_open = true;
    start_when_all(o);
}

static void wait_open(void *arg, const struct engine_reply *reply UNUSED)
{
    struct oneoff *o = arg;
    if (!o->over) {
        o->wait_open = true;
        start_when_all(o);
    }
}

static void wait_head_late(void *arg)
{
    wait_open(arg, NULL);
}

static void wait_data(void *arg, const void *data, size_t len)
{
    struct oneoff *o = arg;
    if (!o->over) {
        buf_append(&o->wait_reply, data, len);
    }
}

static void begin_wait(struct oneoff *o)
{
    static const struct engine_handlers handlers = {
        .on_open = wait_open, .on_data = wait_data, .on_done = exited};
    CLEANUP_FREE char *path = xasprintf("/containers/%s/wait", o->id);
    struct engine_request r = {.method = "POST",
                               .path = path,
                               .query = o->plan.auto_remove ? "condition=removed"
                                                            : "condition=next-exit",
                               .mode = ENGINE_STREAM,
                               .deadline = CLOCK_NEVER};
    buf_init(&o->wait_reply, WAIT_REPLY_MAX);
    o->wait_head = ev_timer_new(context_loop(o->d.ctx), wait_head_late, o);
    ev_timer_set(o->wait_head, clock_mono() + WAIT_HEAD_MAX);
    engine_request(o->d.engine, &r, &handlers, o);
}

static void signalled(void *arg UNUSED, const struct engine_reply *reply UNUSED,
                      const struct err *err UNUSED)
{
}

/* Nobody takes what it says: it is stopped in order, and the engine kills it after its grace. */
static void broken(void *arg, const struct err *err)
{
    struct oneoff *o = arg;
    o->broken = *err;
    engine_container_stop(o->d.engine, o->id, -1, signalled, o);
}

/* The signal first; asked again, a stop with its grace period; then by force. */
static void on_interrupt(void *arg, int times)
{
    struct oneoff *o = arg;
    struct err err = {0};
    if (!o->starting) {
        err_set(&err, ERR_CANCELLED, "interrupted");
        context_finish(o->d.ctx, -ERR_CANCELLED, &err);
        return;
    }
    o->forced = times > 2 || o->exited; /* it has ended: only its last output is stuck */
    finish_when_all(o);
    if (times == 1) {
        engine_container_kill(o->d.engine, o->id,
                              o->d.ctx->last_signal == SIGTERM ? "SIGTERM" : "SIGINT", signalled,
                              o);
    } else if (times == 2) {
        engine_container_stop(o->d.engine, o->id, -1, signalled, o);
    } else {
        engine_container_kill(o->d.engine, o->id, "SIGKILL", signalled, o);
    }
}

static int converse(struct oneoff *o, struct err *err)
{
    CLEANUP_FREE char *path = xasprintf("/containers/%s/attach", o->id);
    struct session_spec spec = {.path = path,
                                .query = o->plan.attach_stdin ? "stream=1&stdin=1&stdout=1&stderr=1"
                                                              : "stream=1&stdout=1&stderr=1",
                                .tty = o->service->tty,
                                .stdin_open = o->plan.attach_stdin,
                                .on_open = attached,
                                .resize = engine_container_resize,
                                .id = o->id,
                                .on_broken = broken,
                                .on_end = detached,
                                .arg = o};
    begin_wait(o);
    o->session = session_new(o->d.ctx, o->d.engine, &spec);
    context_on_interrupt(o->d.ctx, on_interrupt, o);
    int rc = context_wait(o->d.ctx, err);
    context_on_interrupt(o->d.ctx, NULL, NULL);
    session_free(o->session);
    o->session = NULL;
    ev_timer_free(o->wait_head);
    o->wait_head = NULL;
    return rc;
}

static int start_detached(struct oneoff *o, struct err *err)
{
    engine_container_start(o->d.engine, o->id, started, o);
    int rc = context_wait(o->d.ctx, err);
    if (!rc) {
        show_text("%s\n", o->id);
    }
    return rc;
}

/*
 * A container that was created but could not be started is of no use to anybody. Not by force: one
 * that did start though we did not hear of it stays.
 */
static void removed(void *arg, const struct engine_reply *reply UNUSED,
                    const struct err *err UNUSED)
{
    struct oneoff *o = arg;
    if (!o->over) {
        context_finish(o->d.ctx, 0, NULL);
    }
}

static void remove_unstarted(struct oneoff *o)
{
    struct err ignored = {0};
    if (!o->started && !str_empty(o->id)) {
        engine_container_remove(o->d.engine, o->id, REMOVE_VOLUMES, removed, o);
        (void)!context_wait(o->d.ctx, &ignored);
    }
}

/* --- what comes before: dependencies, networks, volumes, the image, the container --- */

static int bring_up(struct oneoff *o, const char **name, struct err *err)
{
    struct drive *d = &o->d;
    const struct args *a = o->args;
    int rc = 0;
    d->plan.services = name;
    d->plan.service_count = 1;
    d->plan.apart = *name;
    d->plan.flags = PLAN_PROVE_ALL | (args_flag(a, "no-deps") ? PLAN_NO_DEPS : 0) |
                    (args_flag(a, "build") ? PLAN_BUILD : 0) |
                    (drive_removes_orphans(a) ? PLAN_REMOVE_ORPHANS : PLAN_IGNORE_ORPHANS);
    d->run.flags = (args_flag(a, "quiet-pull") ? RUN_QUIET_PULL : 0) |
                   (args_flag(a, "quiet-build") ? RUN_QUIET_BUILD : 0);
    d->plan.pull = drive_pull(a);
    rc = drive_walk(d, plan_up, err);
    if (!rc && d->last.step_count && !d->ctx->dry_run) {
        rc = drive_observe(d, DRIVE_IMAGES, err); /* their ids go into the new container */
    }
    return rc;
}

static int create(struct oneoff *o, struct err *err)
{
    struct drive *d = &o->d;
    run_free(d->walked);
    d->walked = NULL;
    plan_release(&d->last);
    int rc = plan_oneoff(d->project, &d->observed, o->service, &o->plan, &d->last, err);
    if (rc) {
        return rc;
    }
    d->walked = run_new(context_loop(d->ctx), d->engine, &d->last, &d->hub, &d->run);
    run_start(d->walked, context_done, d->ctx);
    rc = context_wait(d->ctx, err);
    o->id = arena_strdup(&o->arena, run_unit_id(d->walked, d->last.units[0]));
    d->ctx->told = rc < 0;
    return rc < 0 ? rc : 0;
}

static int whole(struct oneoff *o, struct err *err)
{
    const char *name = o->args->argv[0];
    const struct service *service = NULL;
    int rc = bring_up(o, &name, err);
    if (rc || o->d.ctx->dry_run) {
        return rc;
    }
    service = project_service(o->d.project, name);
    rc = oneoff_service(&o->arena, o->d.project, service, o->args, tty_of(o->args), &o->service,
                        &o->plan, err);
    rc = rc ? rc : create(o, err);
    if (!rc) {
        context_progress_end(o->d.ctx);
        rc = args_flag(o->args, "detach") ? start_detached(o, err) : converse(o, err);
    }
    remove_unstarted(o);
    return rc;
}

static int run_run(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct project *p = NULL;
    const char *name = args->argv[0];
    if (args_flag(args, "service-ports") && args_list(args, "publish")->len) {
        err_set(err, ERR_USAGE, "--service-ports and --publish are incompatible");
        err_hint(err, "give one of them; --publish takes the service's ports one by one");
        return -ERR_USAGE;
    }
    struct oneoff *o = xcalloc(1, sizeof(*o));
    o->args = args;
    arena_init(&o->arena);
    if (args_flag(args, "quiet")) {
        ctx->progress = PROGRESS_QUIET;
    }
    /* Loaded for the one service: it is named, so its profiles are enabled. */
    int rc = context_project(ctx, 0, &name, 1, &p, err);
    rc = rc ? rc : drive_open(&o->d, ctx, args, DRIVE_NEEDS_FILES | DRIVE_IMAGES, err);
    rc = rc ? rc : whole(o, err);
    o->over = true;
    buf_release(&o->wait_reply);
    drive_release(&o->d);
    arena_release(&o->arena);
    ev_defer_free(context_loop(ctx), o); /* after the engine has answered everything */
    return rc;
}

static const struct option options[] = {
    {"build", 0, OPTION_FLAG, NULL, "Build the image first"},
    {"cap-add", 0, OPTION_LIST, "CAP", "Add a capability"},
    {"cap-drop", 0, OPTION_LIST, "CAP", "Drop a capability"},
    {"detach", 'd', OPTION_FLAG, NULL, "Leave it running and print its id"},
    {"entrypoint", 0, OPTION_TEXT, "COMMAND", "Instead of the image's entrypoint"},
    {"env", 'e', OPTION_LIST, "K=V", "Set a variable"},
    {"env-from-file", 0, OPTION_LIST, "FILE", "Set the variables of an env file"},
    {"interactive", 'i', OPTION_FLAG, NULL, "Pass standard input on", .bits = OPTION_DEFAULT_TRUE},
    {"label", 'l', OPTION_LIST, "K=V", "Add a label"},
    {"name", 0, OPTION_TEXT, "NAME", "Name of the container"},
    {"no-tty", 'T', OPTION_FLAG, NULL, "No terminal for it (default where we have none)"},
    {"no-TTY", 0, OPTION_FLAG, NULL, "Same as --no-tty", .bits = OPTION_HIDDEN},
    {"no-deps", 0, OPTION_FLAG, NULL, "Do not start what the service depends on"},
    {"publish", 'p', OPTION_LIST, "PORT", "Publish a port, as under ports:"},
    {"pull", 0, OPTION_TEXT, "WHEN", "Pull the image: always, missing or never",
     .fallback = "policy", .choices = "always missing if_not_present never build policy"},
    {"quiet", 'q', OPTION_FLAG, NULL, "Show only what the container says"},
    {"quiet-build", 0, OPTION_FLAG, NULL, "Do not show build progress"},
    {"quiet-pull", 0, OPTION_FLAG, NULL, "Do not show pull progress"},
    {"remove-orphans", 0, OPTION_FLAG, NULL, "Remove containers of services that are in no file"},
    {"rm", 0, OPTION_FLAG, NULL, "Remove the container when it ends"},
    {"service-ports", 'P', OPTION_FLAG, NULL, "Publish the service's ports"},
    {"tty", 't', OPTION_FLAG, NULL, "A terminal for it",
     .bits = OPTION_HIDDEN | OPTION_DEFAULT_TRUE},
    {"use-aliases", 0, OPTION_FLAG, NULL, "Give it the service's names on its networks"},
    {"user", 'u', OPTION_TEXT, "USER", "Run as this user"},
    {"volume", 'v', OPTION_LIST, "MOUNT", "Add a mount, as under volumes:"},
    {"workdir", 'w', OPTION_TEXT, "DIR", "Run in this directory"},
    {NULL},
};

const struct cmd cmd_run = {
    .name = "run",
    .summary = "Run one command in a new container of a service",
    .usage = "[OPTIONS] SERVICE [COMMAND] [ARGS...]",
    .description =
        "What the service depends on is started and proved first. The container has the "
        "service's configuration, but none of its ports (see -p, -P) and no restart policy. The "
        "exit status is the command's. Interrupted, it passes the signal on; a second time it "
        "stops the container, a third time it kills it.",
    .examples = "fettle run --rm backend python manage.py migrate\n"
                "fettle run --rm -it db psql -h db -U postgres",
    .options = options,
    .min_args = 1,
    .max_args = -1,
    .group = GROUP_INSIDE,
    .bits = CMD_STOP_AT_ARGUMENT,
    .completes = COMPLETE_SERVICE,
    .run = run_run,
};
