/*
 * Puts a probe machine on a stream of net/ and says what the network's own failures mean for
 * somebody who waits. One probe_run is one attempt; it ends with one callback.
 */
#include "probe/runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/str.h"
#include "net/stream.h"
#include "probe/probe.h"
#include "probe/scram.h"

/* TLS settings made when first needed; reading a trust store costs milliseconds. */
struct tls_slot {
    struct tls *tls;
    char *ca; /* "" = the system's */
};

struct probe_runner {
    struct ev_loop *loop;
    struct resolver *resolver;
    struct scram_cache *cache;
    struct tls_slot tls[PROBE_TLS_FULL + 1];
    size_t running;
};

struct probe_run {
    struct probe_runner *r;
    const struct probe_spec *spec;
    char *host; /* as given: address, name or socket path */
    char *text; /* for people and the Host header: "172.20.0.5:5432" */
    uint16_t port;
    const int *netns;
    int64_t start, deadline;
    probe_done_fn *fn;
    void *arg;
    struct probe_machine *machine;
    struct stream *stream;
    struct resolve *look;  /* kind dns */
    struct ev_timer *soon; /* kinds that have their answer at once */
    bool ended, tried_tls;
    struct outcome outcome;
};

struct probe_runner *probe_runner_new(struct ev_loop *loop, struct resolver *resolver)
{
    struct probe_runner *r = xcalloc(1, sizeof(*r));
    r->loop = loop;
    r->resolver = resolver;
    r->cache = scram_cache_new();
    return r;
}

void probe_runner_free(struct probe_runner *r)
{
    if (!r) {
        return;
    }
    if (r->running > 0) {
        abort(); /* the caller cancels its runs first */
    }
    scram_cache_free(r->cache);
    for (size_t i = 0; i < ARRAY_LEN(r->tls); i++) {
        tls_unref(r->tls[i].tls);
        free(r->tls[i].ca);
    }
    free(r);
}

bool probe_can_run(enum probe_kind kind)
{
    return probe_has_machine(kind) || kind == PROBE_DNS || kind == PROBE_FILE;
}

/* --- the end --- */

static void close_connection(struct probe_run *run)
{
    stream_free(run->stream);
    run->stream = NULL;
    probe_machine_free(run->machine);
    run->machine = NULL;
}

/* At the end of a turn: nothing of this run is on the stack. */
static void deliver(void *arg)
{
    struct probe_run *run = arg;
    run->outcome.duration = ev_now(run->r->loop) - run->start;
    run->r->running--;
    run->fn(&run->outcome, run->arg);
    free(run->host);
    free(run->text);
    free(run);
}

/* The outcome is in run->outcome. */
static void end(struct probe_run *run)
{
    if (run->ended) {
        return;
    }
    run->ended = true;
    close_connection(run);
    ev_timer_free(run->soon);
    run->soon = NULL;
    if (!run->look) { /* else the look-up's own callback delivers */
        ev_defer(run->r->loop, deliver, run);
    }
}

void probe_run_cancel(struct probe_run *run)
{
    if (run->ended) {
        return;
    }
    outcome_set(&run->outcome, VERDICT_NOT_YET, LAYER_CONFIG, "cancelled", "cancelled");
    struct resolve *look = run->look;
    end(run);
    if (look) {
        resolve_cancel(look);
    }
}

/* --- what the network says --- */

struct errno_row {
    int sys;
    const char *code;
    const char *text; /* after the address */
};

static const struct errno_row connect_errors[] = {
    {ECONNREFUSED, "refused",
     "refuses connections: nothing listens there (yet), or only on another "
     "address"},
    {EHOSTUNREACH, "no-route",
     "cannot be reached: no such host on its network (stopped?), or a "
     "firewall rejects it"},
    {ENETUNREACH, "no-network", "cannot be reached: there is no route to that network from here"},
    {ETIMEDOUT, "timeout",
     "does not answer: packets are dropped on the way (other network, "
     "firewall)"},
    {ECONNRESET, "reset", "resets connections at once"},
    {EADDRNOTAVAIL, "no-address", "cannot be reached: no local address or port is free for it"},
    {ENOENT, "no-socket", "does not exist (yet): the server makes this socket when it starts"},
    {EACCES, "denied", "may not be opened: permission denied"},
    {EPERM, "denied", "may not be reached: a local firewall rule forbids it"},
};

static const struct errno_row *find_errno(int sys)
{
    for (size_t i = 0; i < ARRAY_LEN(connect_errors); i++) {
        if (connect_errors[i].sys == sys) {
            return &connect_errors[i];
        }
    }
    return NULL;
}

static void connect_failed(struct probe_run *run, const struct err *err)
{
    struct outcome *o = &run->outcome;
    int sys = err->code == ERR_TIMEOUT ? ETIMEDOUT : err->sys;
    const struct errno_row *row = find_errno(sys);
    if (row) {
        outcome_set(o, VERDICT_NOT_YET, LAYER_CONNECT, row->code, "%s %s", run->text, row->text);
    } else if (err->code == ERR_INPUT) {
        outcome_set(o, VERDICT_NEVER, LAYER_CONFIG, "config", "%s", err->message);
    } else {
        outcome_set(o, VERDICT_NOT_YET, LAYER_CONNECT, "connect", "%s", err->message);
    }
}

static void dns_failed(struct probe_run *run, const struct err *err)
{
    outcome_set(&run->outcome, VERDICT_NOT_YET, LAYER_DNS,
                err->code == ERR_NOT_FOUND ? "no-such-host"
                : err->code == ERR_TIMEOUT ? "timeout"
                                           : "dns",
                "%s", err->message);
}

static void tls_failed(struct probe_run *run, const struct err *err)
{
    if (err->code == ERR_TIMEOUT) {
        outcome_set(&run->outcome, VERDICT_NOT_YET, LAYER_TLS, "timeout",
                    "%s takes the connection but does not answer in TLS: is it a plain port?",
                    run->text);
        return;
    }
    /* A protocol error does not pass by itself: wrong certificate, or no TLS at all. */
    bool fatal = err->code == ERR_PROTOCOL || err->code == ERR_INPUT;
    outcome_set(&run->outcome, fatal ? VERDICT_NEVER : VERDICT_NOT_YET, LAYER_TLS, "tls", "%s",
                err->message);
}

static void on_error(struct stream *s, const struct err *err, void *arg)
{
    struct probe_run *run = arg;
    switch (stream_layer(s)) {
    case STREAM_LAYER_DNS:
        dns_failed(run, err);
        break;
    case STREAM_LAYER_CONNECT:
        connect_failed(run, err);
        break;
    case STREAM_LAYER_TLS:
        tls_failed(run, err);
        break;
    default:
        if (err->code == ERR_TIMEOUT) {
            probe_timed_out(run->machine, ev_now(run->r->loop), &run->outcome);
        } else {
            outcome_set(&run->outcome, VERDICT_NOT_YET, LAYER_PROTOCOL,
                        err->sys == ECONNRESET || err->sys == EPIPE ? "reset" : "io",
                        "%s took the connection and then broke it off: %s", run->text,
                        err->message);
        }
        break;
    }
    end(run);
}

/* --- the machine on the stream --- */

static void begin(struct probe_run *run);

static int get_tls(struct probe_run *run, struct tls **ret, struct err *err)
{
    static const enum tls_verify verify[] = {
        [PROBE_TLS_ENCRYPT] = TLS_VERIFY_NONE,
        [PROBE_TLS_CHAIN] = TLS_VERIFY_CHAIN,
        [PROBE_TLS_FULL] = TLS_VERIFY_FULL,
    };
    struct tls_slot *slot = &run->r->tls[run->spec->tls_check];
    const char *ca = run->spec->tls_ca ? run->spec->tls_ca : "";
    if (!slot->tls || !str_eq(slot->ca, ca)) {
        struct tls *tls = NULL;
        const struct tls_config config = {.verify = verify[run->spec->tls_check],
                                          .ca_file = run->spec->tls_ca};
        int rc = tls_new(&config, &tls, err);
        if (rc < 0) {
            return rc;
        }
        tls_unref(slot->tls);
        free(slot->ca);
        *slot = (struct tls_slot){tls, xstrdup(ca)};
    }
    *ret = slot->tls;
    return 0;
}

static void start_tls(struct probe_run *run)
{
    struct tls *tls = NULL;
    struct err err = {0};
    /* The name in the certificate is the one in the spec, not the address it was found at. */
    const char *name = run->spec->host && *run->spec->host != '/' ? run->spec->host : run->host;
    if (get_tls(run, &tls, &err) < 0) {
        outcome_set(&run->outcome, VERDICT_NEVER, LAYER_CONFIG, "config", "%s", err.message);
        end(run);
        return;
    }
    stream_start_tls(run->stream, tls, name, run->deadline);
}

/* A server that wants TLS says 28000 to a plain connection. */
static bool wants_tls(const struct probe_run *run)
{
    return run->spec->kind == PROBE_POSTGRES && !run->spec->tls && !run->tried_tls &&
           *run->host != '/' && strcmp(run->outcome.code, "28000") == 0;
}

static void step(struct probe_run *run, const void *data, size_t len, bool eof)
{
    CLEANUP_BUF struct buf out = BUF_INIT;
    struct outcome o;
    enum probe_want want = probe_step(run->machine, data, len, eof, &out, ev_now(run->r->loop), &o);
    if (out.len > 0) {
        stream_write(run->stream, out.data, out.len);
        mem_wipe(out.data, out.len); /* there may be a password in it */
    }
    if (want == PROBE_WANT_TLS) {
        start_tls(run);
    } else if (want == PROBE_DONE) {
        struct outcome plain = run->outcome;
        run->outcome = o;
        if (wants_tls(run)) {
            run->tried_tls = true;
            close_connection(run);
            begin(run);
        } else if (run->tried_tls && strcmp(o.code, "no-tls") == 0) {
            run->outcome = plain; /* TLS was our idea: the first answer is the cause */
            if (run->spec->lenient) {
                outcome_set(&run->outcome, VERDICT_READY, LAYER_AUTH, "login-unproved",
                            "PostgreSQL accepts connections; the login that its environment "
                            "suggests is refused (28000)");
            }
            end(run);
        } else {
            end(run);
        }
    }
}

static void on_open(struct stream *s, void *arg)
{
    struct probe_run *run = arg;
    (void)s;
    stream_set_deadline(run->stream, run->deadline);
    step(run, NULL, 0, false);
}

static void on_data(struct stream *s, void *arg)
{
    struct probe_run *run = arg;
    size_t len = 0;
    const char *data = stream_in(s, &len);
    CLEANUP_BUF struct buf copy = BUF_INIT;
    buf_append(&copy, data, len);
    /* Before the step: it may start TLS, which wants an empty buffer, or free the stream. */
    stream_consume(s, len);
    step(run, copy.data, copy.len, false);
}

static void on_eof(struct stream *s, void *arg)
{
    (void)s;
    step(arg, NULL, 0, true);
}

static const struct stream_handlers handlers = {
    .on_open = on_open, .on_data = on_data, .on_eof = on_eof, .on_error = on_error};

/* The Host header then has no port, as browsers and curl do it. */
static bool is_default_http_port(const struct probe_run *run)
{
    return run->spec->kind == PROBE_HTTP && !strchr(run->host, ':') &&
           run->port == (run->spec->tls ? 443 : 80);
}

static void begin(struct probe_run *run)
{
    struct stream_target target = {.deadline = run->deadline,
                                   .resolver = run->r->resolver,
                                   .netns = run->netns,
                                   .port = run->port};
    CLEANUP_FREE char *path = NULL;
    if (*run->host == '/') {
        /* For PostgreSQL, as in libpq, the directory; the file's name has the port. */
        bool dir = run->spec->kind == PROBE_POSTGRES && !strstr(run->host, "/.s.PGSQL.");
        path = dir ? xasprintf("%s/.s.PGSQL.%u", run->host, run->port) : xstrdup(run->host);
        target.unix_path = path;
    } else {
        target.host = run->host;
    }
    const struct probe_options opt = {.host = is_default_http_port(run) ? run->host : run->text,
                                      .cache = run->r->cache,
                                      .force_tls = run->tried_tls};
    run->machine = probe_machine_new(run->spec, &opt);
    run->stream = stream_connect(run->r->loop, &target, &handlers, run);
}

/* --- kinds without a machine --- */

static void resolved(const struct net_addr *addrs, size_t count, const struct err *err, void *arg)
{
    struct probe_run *run = arg;
    char text[NET_ADDR_TEXT];
    run->look = NULL;
    if (run->ended) { /* cancelled; the outcome says so */
        deliver(run);
        return;
    }
    if (err) {
        dns_failed(run, err);
    } else {
        char *port = strrchr(net_addr_text(&addrs[0], text), ':');
        if (port) {
            *port = '\0';
        }
        outcome_set(&run->outcome, VERDICT_READY, LAYER_APP, "", "%s is %s%s", run->host, text,
                    count > 1 ? " and others" : "");
    }
    end(run);
}

static void look_at_file(struct probe_run *run)
{
    struct stat st;
    const char *path = run->spec->path ? run->spec->path : "";
    if (stat(path, &st) == 0) {
        outcome_set(&run->outcome, VERDICT_READY, LAYER_APP, "", "%s exists", path);
    } else {
        outcome_set(&run->outcome, VERDICT_NOT_YET, LAYER_APP,
                    errno == ENOENT || errno == ENOTDIR ? "no-file" : "file", "%s: %s", path,
                    strerror(errno));
    }
}

static void answer_now(void *arg)
{
    struct probe_run *run = arg;
    if (run->spec->kind == PROBE_FILE) {
        look_at_file(run);
    } else {
        outcome_set(&run->outcome, VERDICT_NEVER, LAYER_CONFIG, "config",
                    "a probe of kind %s cannot be run from here", probe_kind_name(run->spec->kind));
    }
    end(run);
}

static char *describe(const char *host, uint16_t port)
{
    return *host == '/' || port == 0 ? xstrdup(host)
           : strchr(host, ':')       ? xasprintf("[%s]:%u", host, port)
                                     : xasprintf("%s:%u", host, port);
}

struct probe_run *probe_run_start(struct probe_runner *r, const struct probe_spec *spec,
                                  const struct probe_target *to, int64_t deadline,
                                  probe_done_fn *fn, void *arg)
{
    struct probe_run *run = xcalloc(1, sizeof(*run));
    const char *host = to && to->host ? to->host : spec->host ? spec->host : "127.0.0.1";
    uint16_t port = to && to->port ? to->port : spec->port;
    int64_t timeout = spec->timeout > 0 ? spec->timeout
                                        : (int64_t)PROBE_TIMEOUT_SECONDS * NS_PER_SEC;
    if (port == 0) {
        port = spec->kind == PROBE_HTTP && spec->tls ? 443 : probe_kind_port(spec->kind);
    }
    *run = (struct probe_run){.r = r, .spec = spec, .fn = fn, .arg = arg, .port = port};
    run->host = xstrdup(host);
    run->text = describe(host, port);
    run->netns = to ? to->netns : NULL;
    run->start = ev_now(r->loop);
    run->deadline = clock_add(run->start, timeout);
    run->deadline = deadline < run->deadline ? deadline : run->deadline;
    r->running++;
    if (probe_has_machine(spec->kind)) {
        begin(run);
    } else if (spec->kind == PROBE_DNS && r->resolver) {
        run->look = resolve_start(r->resolver, run->host, 0, run->deadline, resolved, run);
    } else {
        run->soon = ev_timer_new(r->loop, answer_now, run);
        ev_timer_set(run->soon, 0);
    }
    return run;
}
