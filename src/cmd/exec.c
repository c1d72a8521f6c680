/*
 * fettle exec SERVICE COMMAND: a command in a running container, with our terminal or our standard
 * streams; its exit status is ours, and that of a program killed by SIGPIPE when nobody reads ours.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd/containers.h"
#include "cmd/session.h"
#include "engine/engine.h"
#include "ev/ev.h"
#include "model/project.h"

/* The engine closes the streams a moment before it knows the exit status. */
#define ASK_FIRST (10 * NS_PER_MS)
#define ASK_MOST (500 * NS_PER_MS)
#define ASK_LIMIT (10 * NS_PER_SEC)

enum { CODE_SIGNALLED = 128, CODE_CANNOT_RUN = 126, CODE_NOT_FOUND = 127 };

/* How the engine says, on the command's standard output, that there is no such command. */
#define CANNOT_RUN "OCI runtime exec failed"

struct exec {
    struct cmd_context *ctx;
    struct engine *engine;
    const char *service;
    char *id;
    int exit_code;
    struct ev_timer *ask; /* for the exit status again */
    int64_t pause, give_up;
    bool over; /* late answers are nobody's any more */
};

static void tell(struct exec *x, const struct err *err)
{
    if (!x->over) {
        context_done(x->ctx, err);
    }
}

static void created(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct exec *x = arg;
    struct err own = {0};
    const char *id = err ? NULL : json_string_value(json_object_get(reply->json, "Id"));
    if (!err && !id) {
        err_set(&own, ERR_PROTOCOL, "the engine gave no id for the exec");
        err = &own;
    }
    if (id && !x->over) {
        x->id = xstrdup(id);
    }
    tell(x, err);
}

static void started(void *arg, const struct engine_reply *reply UNUSED, const struct err *err)
{
    tell(arg, err);
}

static void ended(void *arg, const struct err *err)
{
    tell(arg, err);
}

static void broken(void *arg, const struct err *err)
{
    struct exec *x = arg;
    if (x->over) {
        return;
    }
    if (err->sys == EPIPE) {
        context_finish(x->ctx, CODE_SIGNALLED + SIGPIPE, NULL);
    } else {
        tell(x, err);
    }
}

static void inspected(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct exec *x = arg;
    struct err own = {0};
    const json_t *code = err ? NULL : json_object_get(reply->json, "ExitCode");
    if (x->over || err) {
        tell(x, err);
        return;
    }
    if (json_is_integer(code) && !json_is_true(json_object_get(reply->json, "Running"))) {
        x->exit_code = (int)json_integer_value(code);
        tell(x, NULL);
    } else if (clock_mono() < x->give_up) {
        ev_timer_set(x->ask, clock_mono() + x->pause);
        x->pause = x->pause * 2 < ASK_MOST ? x->pause * 2 : ASK_MOST;
    } else {
        err_set(&own, ERR_PROTOCOL, "the engine does not say how the command ended");
        err_hint(&own, "it closed its output, but may still run");
        tell(x, &own);
    }
}

static void inspect(void *arg)
{
    struct exec *x = arg;
    engine_exec_inspect(x->engine, x->id, inspected, x);
}

static int exit_status(struct exec *x, struct err *err)
{
    x->pause = ASK_FIRST;
    x->give_up = clock_mono() + ASK_LIMIT;
    x->ask = ev_timer_new(context_loop(x->ctx), inspect, x);
    inspect(x);
    int rc = context_wait(x->ctx, err);
    ev_timer_free(x->ask);
    x->ask = NULL;
    return rc ? rc : x->exit_code;
}

/* Of "OCI runtime exec failed: exec failed: ...: exec: "x": what is wrong: unknown" the end. */
static void explain(const struct exec *x, const char *said)
{
    const char *cause = strstr(said, "exec: \"");
    struct err err = {0};
    cause = cause ? cause : said;
    size_t len = strcspn(cause, "\r\n");
    const char *tail = len > 9 ? cause + len - 9 : cause;
    len -= strncmp(tail, ": unknown", 9) == 0 ? 9 : 0;
    err_set(&err, ERR_NOT_FOUND, "the command cannot be run: %.*s", (int)len, cause);
    if (strstr(said, "not found") || strstr(said, "no such file")) {
        err_hint(&err, "is it in the image? Quotes, pipes and variables need a shell: "
                       "sh -c '...'");
    } else if (strstr(said, "permission denied")) {
        err_hint(&err, "is the file executable for that user?");
    }
    err_subject(&err, x->service);
    show_error(x->ctx, &err);
}

/* What was held back is the engine's complaint, or the command's own output after all. */
static void show_held(const struct exec *x, const char *held, int status)
{
    if (held && (status == CODE_CANNOT_RUN || status == CODE_NOT_FOUND)) {
        explain(x, held);
    } else if (held) {
        show_bytes(STDOUT_FILENO, held, strlen(held));
    }
}

/* "K" alone: what the project's environment (.env too) has, ours where there are no files. */
static json_t *environment_of(const struct vec *given, const struct project *p)
{
    json_t *env = json_array();
    for (size_t i = 0; i < given->len; i++) {
        const char *item = given->items[i], *value = NULL;
        if (strchr(item, '=')) {
            json_array_append_new(env, json_string(item));
            continue;
        }
        value = p ? key_values_get(&p->environment, item, NULL) : getenv(item);
        if (value) { /* a bare "K" would unset what the image sets */
            CLEANUP_FREE char *text = xasprintf("%s=%s", item, value);
            json_array_append_new(env, json_string(text));
        }
    }
    return env;
}

/* So that the command sees the right size from its first moment on; engines before API 1.42 do not
 * look, and are told later. */
static void add_size(struct cmd_context *ctx, json_t *body)
{
    term_measure(&ctx->out);
    json_object_set_new(body, "ConsoleSize", json_pack("[i, i]", ctx->out.rows, ctx->out.columns));
}

static json_t *body_of(const struct args *args, const struct project *p, bool tty)
{
    bool detach = args_flag(args, "detach"), input = !detach && args_flag(args, "interactive");
    json_t *argv = json_array(), *env = environment_of(args_list(args, "env"), p), *body = NULL;
    for (size_t i = 1; i < args->argc; i++) {
        json_array_append_new(argv, json_string(args->argv[i]));
    }
    body = json_pack("{s:o, s:o, s:b, s:b, s:b, s:b, s:b}", "Cmd", argv, "Env", env, "AttachStdin",
                     input, "AttachStdout", !detach, "AttachStderr", !detach, "Tty", tty,
                     "Privileged", args_flag(args, "privileged"));
    if (args_text(args, "user")) {
        json_object_set_new(body, "User", json_string(args_text(args, "user")));
    }
    if (args_text(args, "workdir")) {
        json_object_set_new(body, "WorkingDir", json_string(args_text(args, "workdir")));
    }
    return body;
}

static int start_detached(struct exec *x, struct err *err)
{
    static const struct engine_handlers handlers = {.on_done = started};
    CLEANUP_FREE char *path = xasprintf("/exec/%s/start", x->id);
    json_t *body = json_pack("{s:b, s:b}", "Detach", 1, "Tty", 0);
    struct engine_request r = {.method = "POST", .path = path, .json = body};
    engine_request(x->engine, &r, &handlers, x);
    json_decref(body);
    return context_wait(x->ctx, err);
}

static int start_attached(struct exec *x, bool tty, bool input, struct err *err)
{
    CLEANUP_FREE char *path = xasprintf("/exec/%s/start", x->id);
    json_t *body = json_pack("{s:b, s:b}", "Detach", 0, "Tty", tty);
    if (tty) {
        add_size(x->ctx, body);
    }
    struct session_spec spec = {.path = path,
                                .json = body,
                                .tty = tty,
                                .stdin_open = input,
                                .hold = CANNOT_RUN,
                                .resize = engine_exec_resize,
                                .id = x->id,
                                .on_broken = broken,
                                .on_end = ended,
                                .arg = x};
    struct session *s = session_new(x->ctx, x->engine, &spec);
    json_decref(body);
    int rc = context_wait(x->ctx, err);
    rc = rc ? rc : exit_status(x, err);
    show_held(x, session_held(s), rc);
    session_free(s);
    return rc;
}

static int run_exec(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct containers c = {0};
    struct project *p = NULL;
    struct exec *x = xcalloc(1, sizeof(*x));
    const struct observed_container *it = NULL;
    bool detach = args_flag(args, "detach"), input = args_flag(args, "interactive");
    bool no_tty = args_flag(args, "no-tty") || args_flag(args, "no-TTY") ||
                  (args_set(args, "tty") && !args_flag(args, "tty"));
    bool tty = !detach && !no_tty && session_has_terminal();
    x->ctx = ctx;
    x->service = args->argv[0];
    int rc = containers_pick(ctx, args->argv[0], args_number(args, "index", 0), &c, &it, err);
    rc = rc ? rc : context_project(ctx, PROJECT_OPTIONAL, NULL, 0, &p, err);
    rc = rc ? rc : context_engine(ctx, &x->engine, err);
    if (!rc) {
        json_t *body = body_of(args, p, tty);
        if (tty) {
            add_size(ctx, body);
        }
        engine_exec_create(x->engine, it->id, body, created, x);
        json_decref(body);
        rc = context_wait(ctx, err);
    }
    if (!rc) {
        rc = detach ? start_detached(x, err) : start_attached(x, tty, input, err);
    }
    if (rc < 0) {
        err_subject(err, args->argv[0]);
    }
    x->over = true;
    free(x->id);
    ev_defer_free(context_loop(ctx), x); /* after the engine has answered everything */
    containers_release(&c);
    return rc;
}

static const struct option options[] = {
    {"detach", 'd', OPTION_FLAG, NULL, "Leave the command running in the background"},
    {"env", 'e', OPTION_LIST, "K=V", "Set a variable for the command"},
    {"index", 0, OPTION_NUMBER, "N", "Which container, if the service has several"},
    {"interactive", 'i', OPTION_FLAG, NULL, "Pass standard input on",
     .bits = OPTION_HIDDEN | OPTION_DEFAULT_TRUE},
    {"no-tty", 'T', OPTION_FLAG, NULL, "No terminal for the command (default where we have none)"},
    {"no-TTY", 0, OPTION_FLAG, NULL, "Same as --no-tty", .bits = OPTION_HIDDEN},
    {"privileged", 0, OPTION_FLAG, NULL, "Give the command extended privileges"},
    {"tty", 't', OPTION_FLAG, NULL, "A terminal for the command",
     .bits = OPTION_HIDDEN | OPTION_DEFAULT_TRUE},
    {"user", 'u', OPTION_TEXT, "USER", "Run as this user"},
    {"workdir", 'w', OPTION_TEXT, "DIR", "Run in this directory"},
    {NULL},
};

const struct cmd cmd_exec = {
    .name = "exec",
    .summary = "Run a command in a running container",
    .usage = "[OPTIONS] SERVICE COMMAND [ARGS...]",
    .description = "With a terminal where our standard input and output are one, else over plain "
                   "streams. The exit status is the command's.",
    .examples = "fettle exec postgres psql -U postgres   # interactive\n"
                "fettle exec -T db pg_dump app >app.sql  # in a script",
    .options = options,
    .min_args = 2,
    .max_args = -1,
    .group = GROUP_INSIDE,
    .bits = CMD_STOP_AT_ARGUMENT,
    .completes = COMPLETE_SERVICE,
    .run = run_exec,
};
