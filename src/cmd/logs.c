/*
 * fettle logs: the output of containers. Without -f the lines of all of them come in the order of
 * time (each stream is sorted, so they are merged as they arrive and never all kept); with -f as
 * they happen, and containers that start later are followed too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "cmd/containers.h"
#include "cmd/when.h"
#include "engine/engine.h"
#include "engine/stdcopy.h"
#include "ui/logline.h"

/* A stream that is ahead of the others is paused when this much of it waits. */
enum { AHEAD_MAX = 256 << 10, LINE_MAX_BYTES = 1 << 20 };

struct reader;

struct line {
    struct line *next;
    bool is_stderr;
    size_t len;
    char text[];
};

struct source {
    struct reader *reader;
    char *id, *name;
    struct engine_call *call;
    struct stdcopy demux;
    struct buf partial[2]; /* stdout, stderr: a line not yet ended */
    struct line *first, **last;
    size_t waiting; /* bytes queued */
    char stamp[48]; /* of the newest line: where to go on after a restart */
    bool paused, ended;
    bool resumed; /* the stream begins with what was shown already */
};

struct reader {
    struct cmd_context *ctx;
    const struct args *args;
    struct engine *engine;
    struct engine_watch *watch;
    struct vec sources; /* struct source * */
    struct logline log;
    const char *project;
    bool follow, stamps, stopping;
    struct buf range; /* "&since=...&until=..." */
    struct err err;   /* the first that matters */
};

/* --- lines out --- */

/* The engine's stamp is the first word of a line. */
static size_t stamp_length(const char *text, size_t len)
{
    const char *space = len > 20 ? memchr(text, ' ', len < 48 ? len : 48) : NULL;
    return space && text[4] == '-' && text[10] == 'T' ? (size_t)(space - text) + 1 : 0;
}

static void print_line(struct source *s, const struct line *line)
{
    struct reader *r = s->reader;
    CLEANUP_BUF struct buf b = BUF_INIT;
    size_t skip = r->stamps ? 0 : stamp_length(line->text, line->len);
    logline_append(&r->log, &b, s->name, 0, line->text + skip, line->len - skip);
    show_buf(line->is_stderr ? STDERR_FILENO : STDOUT_FILENO, &b);
}

static void drop_first(struct source *s)
{
    struct line *line = s->first;
    s->first = line->next;
    s->last = s->first ? s->last : &s->first;
    s->waiting -= line->len;
    free(line);
    if (s->paused && s->waiting < AHEAD_MAX / 2) {
        s->paused = false;
        engine_pause_reading(s->reader->engine, s->call, false);
    }
}

/* The earliest line may go as soon as every stream that is not over shows its next one. */
static void merge(struct reader *r)
{
    for (;;) {
        struct source *best = NULL;
        VEC_FOREACH (struct source, s, &r->sources) {
            if (!s->first && !s->ended && !r->follow) {
                return;
            }
            if (s->first && (!best || strcmp(s->first->text, best->first->text) < 0)) {
                best = s;
            }
        }
        if (!best) {
            return;
        }
        print_line(best, best->first);
        drop_first(best);
    }
}

/* Remembers the line's time; false when it was shown already, before a restart. */
static bool is_new(struct source *s, const char *text, size_t len)
{
    size_t n = stamp_length(text, len);
    if (n < 2 || n > sizeof(s->stamp)) {
        return true;
    }
    int order = s->stamp[0] ? memcmp(text, s->stamp, n - 1) : 1;
    if (s->resumed && order <= 0) {
        return false;
    }
    s->resumed = false;
    memcpy(s->stamp, text, n - 1);
    s->stamp[n - 1] = '\0';
    return true;
}

static void push_line(struct source *s, bool is_stderr, const char *text, size_t len)
{
    if (!is_new(s, text, len)) {
        return;
    }
    struct line *line = xmalloc(sizeof(*line) + len + 1);
    len -= len && text[len - 1] == '\r';
    *line = (struct line){.is_stderr = is_stderr, .len = len};
    memcpy(line->text, text, len);
    line->text[len] = '\0';
    *s->last = line;
    s->last = &line->next;
    s->waiting += len;
    if (s->waiting > AHEAD_MAX && !s->paused && s->call && !s->reader->follow) {
        s->paused = true;
        engine_pause_reading(s->reader->engine, s->call, true);
    }
}

static void on_piece(void *arg, enum stdcopy_stream stream, const void *data, size_t len)
{
    struct source *s = arg;
    bool is_stderr = stream == STDCOPY_STDERR || stream == STDCOPY_SYSTEM;
    struct buf *b = &s->partial[is_stderr];
    const char *p = data, *end = p + len;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        buf_append(b, p, (size_t)((newline ? newline : end) - p));
        if (newline || b->len > LINE_MAX_BYTES) {
            push_line(s, is_stderr, buf_text(b), b->len);
            buf_clear(b);
        }
        p = newline ? newline + 1 : end;
    }
}

/* --- streams in --- */

static void on_data(void *arg, const void *data, size_t len)
{
    struct source *s = arg;
    stdcopy_feed(&s->demux, data, len, on_piece, s);
    merge(s->reader);
}

static size_t open_streams(const struct reader *r)
{
    size_t n = 0;
    VEC_FOREACH (struct source, s, &r->sources) {
        n += !s->ended;
    }
    return n;
}

static void finish(struct reader *r)
{
    engine_watch_cancel(r->watch);
    r->watch = NULL;
    if (r->err.code) {
        context_finish(r->ctx, -(int)r->err.code, &r->err);
    } else {
        context_finish(r->ctx, r->stopping ? 130 : 0, NULL);
    }
}

/* All streams are over: with -f that is the end unless something runs or comes back. */
static void on_still_alive(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct reader *r = arg;
    size_t alive = 0;
    for (size_t i = 0; !err && i < json_array_size(reply->json); i++) {
        const json_t *state = json_object_get(json_array_get(reply->json, i), "State");
        alive += str_eq(json_string_value(state), "running") ||
                 str_eq(json_string_value(state), "restarting") ||
                 str_eq(json_string_value(state), "paused");
    }
    if ((alive == 0 || r->stopping || !r->watch) && open_streams(r) == 0) {
        finish(r);
    }
}

static void on_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct source *s = arg;
    struct reader *r = s->reader;
    (void)reply;
    s->call = NULL;
    s->paused = false;
    s->ended = true;
    for (size_t i = 0; i < ARRAY_LEN(s->partial); i++) {
        if (s->partial[i].len) {
            push_line(s, i == 1, buf_text(&s->partial[i]), s->partial[i].len);
            buf_clear(&s->partial[i]);
        }
    }
    if (err && err->code != ERR_CANCELLED && err->status != 404 && !r->err.code) {
        r->err = *err;
        err_prefix(&r->err, "logs of %s", s->name);
    }
    merge(r);
    if (open_streams(r)) {
        return;
    }
    if (!r->follow || r->stopping || r->err.code) {
        finish(r);
    } else {
        engine_container_list(r->engine, r->project, true, on_still_alive, r);
    }
}

/*
 * `stamp` is the newest line that was shown of this container, "" for none. The engine's start
 * event comes after the first output, so its time would miss lines.
 */
static void read_logs(struct reader *r, const char *id, const char *name, const char *stamp,
                      bool all)
{
    static const struct engine_handlers handlers = {.on_data = on_data, .on_done = on_done};
    struct source *s = xcalloc(1, sizeof(*s));
    int64_t since = 0;
    CLEANUP_FREE char *path = xasprintf("/containers/%s/logs", id);
    CLEANUP_BUF struct buf query = BUF_INIT;
    *s = (struct source){.reader = r, .id = xstrdup(id), .name = xstrdup(name)};
    s->last = &s->first;
    buf_printf(&query, "stdout=1&stderr=1&timestamps=1&follow=%d&tail=%s", r->follow,
               all ? "all" : args_text(r->args, "tail"));
    if (stamp[0] && parse_rfc3339(stamp, &since, NULL) == 0) {
        snprintf(s->stamp, sizeof(s->stamp), "%s", stamp);
        s->resumed = true;
        buf_printf(&query, "&since=%lld.%09lld", (long long)(since / NS_PER_SEC),
                   (long long)(since % NS_PER_SEC));
    } else {
        buf_str(&query, buf_text(&r->range));
    }
    stdcopy_init(&s->demux, false);
    vec_push(&r->sources, s);
    logline_name(&r->log, name);
    s->call = engine_request(r->engine,
                             &(struct engine_request){.method = "GET",
                                                      .path = path,
                                                      .query = buf_text(&query),
                                                      .mode = ENGINE_STREAM,
                                                      .deadline = CLOCK_NEVER},
                             &handlers, s);
}

static struct source *source_of(struct reader *r, const char *id)
{
    VEC_FOREACH (struct source, s, &r->sources) {
        if (strcmp(s->id, id) == 0) {
            return s;
        }
    }
    return NULL;
}

static void free_source(struct source *s)
{
    while (s->first) {
        drop_first(s);
    }
    stdcopy_release(&s->demux);
    buf_release(&s->partial[0]);
    buf_release(&s->partial[1]);
    free(s->id);
    free(s->name);
    free(s);
}

/* --- followed containers --- */

static bool wanted(const struct reader *r, const struct engine_event *e)
{
    const char *service = json_string_value(
        json_object_get(e->attributes, "com.docker.compose.service"));
    bool named = r->args->argc == 0;
    for (size_t i = 0; i < r->args->argc; i++) {
        named = named || str_eq(r->args->argv[i], service);
    }
    return named && str_eq(e->type, "container") && str_eq(e->action, "start") &&
           !str_eq(json_string_value(json_object_get(e->attributes, "com.docker.compose.oneoff")),
                   "True");
}

static void on_event(void *arg, const struct engine_event *e)
{
    struct reader *r = arg;
    const char *name = json_string_value(json_object_get(e->attributes, "name"));
    if (r->stopping || !wanted(r, e) || !name) {
        return;
    }
    struct source *s = source_of(r, e->id);
    if (s && !s->ended) {
        return;
    }
    char stamp[sizeof(s->stamp)] = "";
    if (s) {
        memcpy(stamp, s->stamp, sizeof(stamp));
        vec_remove(&r->sources, s);
        free_source(s);
    }
    read_logs(r, e->id, name, stamp, true);
}

static void on_watch_end(void *arg, const struct err *err)
{
    struct reader *r = arg;
    r->watch = NULL;
    if (err && !r->stopping && open_streams(r) == 0) {
        r->err = *err;
        finish(r);
    }
}

static void on_interrupt(void *arg, int times UNUSED)
{
    struct reader *r = arg;
    r->stopping = true;
    if (open_streams(r) == 0) {
        finish(r);
        return;
    }
    VEC_FOREACH (struct source, s, &r->sources) {
        engine_cancel(r->engine, s->call);
    }
}

static int range_of(const struct args *args, struct buf *out, struct err *err)
{
    static const char *const times[] = {"since", "until"};
    int64_t now = clock_wall();
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        const char *text = args_text(args, times[i]);
        if (!str_empty(text)) {
            buf_printf(out, "&%s=", times[i]);
            int rc = when_append(out, times[i], text, now, err);
            if (rc) {
                return rc;
            }
        }
    }
    return 0;
}

static int check_tail(const char *tail, struct err *err)
{
    if (!str_eq(tail, "all") && strspn(tail, "-0123456789") != strlen(tail)) {
        return err_set(err, ERR_USAGE, "--tail takes a number or all, not \"%s\"", tail);
    }
    return 0;
}

static void start(struct reader *r, const struct containers *c, int64_t index)
{
    if (r->follow && index == 0) {
        r->watch = engine_watch(r->engine, r->project, on_event, NULL, on_watch_end, r);
    }
    for (size_t i = 0; i < c->count; i++) {
        if (index == 0 || c->items[i]->number == index) {
            logline_name(&r->log, c->items[i]->name);
        }
    }
    for (size_t i = 0; i < c->count; i++) {
        if (index == 0 || c->items[i]->number == index) {
            read_logs(r, c->items[i]->id, c->items[i]->name, "", false);
        }
    }
}

static int run_logs(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct reader r = {.ctx = ctx,
                       .args = args,
                       .follow = args_flag(args, "follow"),
                       .stamps = args_flag(args, "timestamps")};
    struct containers c = {0};
    int rc = check_tail(args_text(args, "tail"), err);
    rc = rc ? rc : range_of(args, &r.range, err);
    rc = rc ? rc : containers_load(ctx, args->argv, args->argc, CONTAINERS_ALL, &c, err);
    rc = rc ? rc : context_name(ctx, &r.project, err);
    rc = rc ? rc : context_engine(ctx, &r.engine, err);
    if (rc == 0) {
        r.log = (struct logline){.colour = ctx->out.colour && !args_flag(args, "no-color"),
                                 .prefix = !args_flag(args, "no-log-prefix"),
                                 .project = r.project};
        start(&r, &c, args_number(args, "index", 0));
    }
    if (rc == 0 && r.sources.len) {
        context_on_interrupt(ctx, on_interrupt, &r);
        rc = context_wait(ctx, err);
        context_on_interrupt(ctx, NULL, NULL);
    }
    engine_watch_cancel(r.watch);
    VEC_FOREACH (struct source, s, &r.sources) {
        free_source(s);
    }
    vec_release(&r.sources);
    logline_release(&r.log);
    buf_release(&r.range);
    containers_release(&c);
    return rc;
}

static const struct option options[] = {
    {"follow", 'f', OPTION_FLAG, NULL, "Go on with new output, also of containers started later"},
    {"index", 0, OPTION_NUMBER, "N", "Which container, if the service has several"},
    {"no-color", 0, OPTION_FLAG, NULL, "No colours"},
    {"no-log-prefix", 0, OPTION_FLAG, NULL, "No container names in front"},
    {"since", 0, OPTION_TEXT, "TIME", "From TIME on: 10m, 2026-01-02T03:04:05Z"},
    {"tail", 'n', OPTION_TEXT, "N", "Only the last N lines of each container", .fallback = "all"},
    {"timestamps", 't', OPTION_FLAG, NULL, "Show the time of each line"},
    {"until", 0, OPTION_TEXT, "TIME", "Up to TIME"},
    {NULL},
};

const struct cmd cmd_logs = {
    .name = "logs",
    .summary = "Show the output of containers",
    .usage = "[OPTIONS] [SERVICE...]",
    .description = "Lines of several containers come in the order of their time. With -f they come "
                   "as they happen.",
    .examples = "fettle logs -f backend # follow one service\n"
                "fettle logs --since 10m -t # the last ten minutes, with times",
    .options = options,
    .max_args = -1,
    .group = GROUP_LOOK,
    .completes = COMPLETE_SERVICE,
    .run = run_logs,
};
