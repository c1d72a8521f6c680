/*
 * Redis and what speaks like it (Valkey, KeyDB, Dragonfly): AUTH, SELECT, PING, INFO persistence,
 * ROLE, and a canary that is written, read and deleted. One command at a time; each row of the
 * table says how to ask and how to judge the reply. Owns no socket; driven by probe_step().
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probe/machine.h"
#include "probe/resp.h"

enum command {
    CMD_AUTH,
    CMD_SELECT,
    CMD_PING,
    CMD_INFO,
    CMD_ROLE,
    CMD_SET,
    CMD_GET,
    CMD_DEL,
    CMD_COUNT /* all done */
};

struct redis {
    struct probe_machine m;
    enum command at;
    bool started, asked; /* asked: the command's reply is awaited */
    bool unneeded_auth;  /* a password was guessed and the server has none */
    bool read_only, wrote, cluster;
    char role[16];
    char peer[64]; /* a replica's master */
    char note[64]; /* what is not as it should be, though the server works */
    char key[64];
};

static struct redis *redis_of(struct probe_machine *m)
{
    return CONTAINER_OF(m, struct redis, m);
}

static void redis_init(struct probe_machine *m)
{
    /* Random, so that two probes at once do not meet; it expires if we cannot delete it. */
    snprintf(redis_of(m)->key, sizeof(redis_of(m)->key), "fettle:probe:%.32s", m->nonce);
}

/* --- the replies --- */

struct reply {
    const struct resp *r;
    const struct resp_text *v; /* &r->value */
    const char *text;          /* the value for people */
};

/* How an error reply is understood, wherever it comes. The last row fits everything. */
static const struct {
    const char *prefix;
    enum verdict verdict;
    enum probe_layer layer;
    const char *code;
    const char *text; /* the server's own words are added where `quote` is set */
    bool quote;
} errors[] = {
    {"LOADING", VERDICT_NOT_YET, LAYER_APP, "LOADING", "Redis is loading its data into memory",
     false},
    {"NOAUTH", VERDICT_NEVER, LAYER_AUTH, "NOAUTH",
     "Redis asks for a password and none is given: set it in x-fettle.ready.redis or the URL",
     false},
    {"WRONGPASS", VERDICT_NEVER, LAYER_AUTH, "WRONGPASS",
     "Redis refuses the password (or the user is switched off): it must equal requirepass or the "
     "ACL's",
     false},
    {"ERR invalid password", VERDICT_NEVER, LAYER_AUTH, "WRONGPASS",
     "Redis refuses the password: it must equal requirepass", false},
    {"NOPERM", VERDICT_NEVER, LAYER_AUTH, "NOPERM", "Redis forbids this user the command", true},
    {"DENIED", VERDICT_NEVER, LAYER_AUTH, "DENIED",
     "Redis runs in protected mode: set requirepass, or protected-mode no in a private network",
     false},
    {"MASTERDOWN", VERDICT_NOT_YET, LAYER_APP, "MASTERDOWN",
     "Redis is a replica that lost its master and may not answer", false},
    {"BUSY", VERDICT_NOT_YET, LAYER_APP, "BUSY", "Redis is busy with a script", false},
    {"MISCONF", VERDICT_NOT_YET, LAYER_APP, "MISCONF",
     "Redis cannot save to disk and refuses writes", true},
    {"OOM", VERDICT_NOT_YET, LAYER_APP, "OOM",
     "Redis is at maxmemory and refuses writes: raise it or set a policy that evicts", false},
    {"READONLY", VERDICT_NOT_YET, LAYER_APP, "READONLY", "Redis is a read-only replica", false},
    {"NOREPLICAS", VERDICT_NOT_YET, LAYER_APP, "NOREPLICAS",
     "Redis has too few replicas to take writes", false},
    {"CLUSTERDOWN", VERDICT_NOT_YET, LAYER_APP, "CLUSTERDOWN",
     "the Redis cluster is not formed yet", true},
    {"ERR max number of clients", VERDICT_NOT_YET, LAYER_APP, "maxclients",
     "Redis is full: the maximum of clients is reached", false},
    {"ERR DB index", VERDICT_NEVER, LAYER_CONFIG, "db", "Redis has no such database number", false},
    {"ERR invalid DB index", VERDICT_NEVER, LAYER_CONFIG, "db", "Redis has no such database number",
     false},
    {"ERR SELECT is not allowed", VERDICT_NEVER, LAYER_CONFIG, "db",
     "Redis runs as a cluster, which has only database 0", false},
    {"", VERDICT_NOT_YET, LAYER_APP, "error", "Redis answers with an error", true},
};

static enum probe_want error_outcome(const struct reply *rep, struct outcome *ret)
{
    size_t i = 0;
    while (!resp_starts(rep->v, errors[i].prefix)) {
        i++;
    }
    return probe_finish(ret, errors[i].verdict, errors[i].layer, errors[i].code, "%s%s%s",
                        errors[i].text, errors[i].quote ? ": " : "",
                        errors[i].quote ? rep->text : "");
}

static bool is_error(const struct reply *rep)
{
    return rep->v->type == '-';
}

/* The server answers, but not to this command: an old one, or an ACL that allows little. */
static bool is_unavailable(const struct reply *rep)
{
    return resp_starts(rep->v, "ERR unknown") || resp_starts(rep->v, "NOPERM");
}

static bool is_redirect(const struct reply *rep)
{
    return resp_starts(rep->v, "MOVED ") || resp_starts(rep->v, "ASK ") ||
           resp_starts(rep->v, "TRYAGAIN");
}

static bool is_inferred(const struct redis *r)
{
    return r->m.spec->origin == PROBE_INFERRED;
}

/* --- the commands: ask, then judge (PROBE_WANT_READ = go on) --- */

static void put_command(struct buf *out, size_t argc, const char *const *argv)
{
    buf_printf(out, "*%zu\r\n", argc);
    for (size_t i = 0; i < argc; i++) {
        buf_printf(out, "$%zu\r\n%s\r\n", strlen(argv[i]), argv[i]);
    }
}
#define PUT(out, ...) \
    put_command((out), ARRAY_LEN(((const char *[]){__VA_ARGS__})), (const char *[]){__VA_ARGS__})

static bool auth_ask(struct redis *r, struct buf *out)
{
    const struct probe_spec *spec = r->m.spec;
    if (str_empty(spec->password)) {
        return false;
    }
    if (str_empty(spec->user)) {
        PUT(out, "AUTH", spec->password);
    } else {
        PUT(out, "AUTH", spec->user, spec->password);
    }
    return true;
}

static enum probe_want auth_judge(struct redis *r, const struct reply *rep, struct outcome *ret)
{
    if (r->m.spec->lenient &&
        (resp_starts(rep->v, "WRONGPASS") || resp_starts(rep->v, "ERR invalid password"))) {
        return probe_finish(ret, VERDICT_READY, LAYER_AUTH, "login-unproved",
                            "Redis answers; the password that its environment suggests is refused");
    }
    if (!is_error(rep)) {
        return resp_is(rep->v, "OK") ? PROBE_WANT_READ
                                     : probe_garbage(&r->m, ret, "its answer to AUTH is not OK");
    }
    if (resp_starts(rep->v, "ERR AUTH") || resp_starts(rep->v, "ERR Client sent AUTH")) {
        if (is_inferred(r)) {
            r->unneeded_auth = true;
            return PROBE_WANT_READ;
        }
        return probe_finish(ret, VERDICT_NEVER, LAYER_AUTH, "no-password-set",
                            "Redis has no password, but one is given: start it with --requirepass, "
                            "or drop the password from the clients");
    }
    if (resp_starts(rep->v, "ERR wrong number of arguments")) {
        return probe_finish(ret, VERDICT_NEVER, LAYER_AUTH, "no-acl",
                            "this Redis knows no user names (before 6.0): give the password only");
    }
    if (resp_starts(rep->v, "ERR unknown")) { /* it would echo the password */
        return probe_finish(ret, VERDICT_NEVER, LAYER_PROTOCOL, "protocol",
                            "does not speak Redis: it does not know AUTH");
    }
    return error_outcome(rep, ret);
}

static bool select_ask(struct redis *r, struct buf *out)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", r->m.spec->redis_db);
    if (r->m.spec->redis_db != 0) {
        PUT(out, "SELECT", number);
    }
    return r->m.spec->redis_db != 0;
}

static enum probe_want select_judge(struct redis *r, const struct reply *rep, struct outcome *ret)
{
    (void)r;
    return is_error(rep) ? error_outcome(rep, ret) : PROBE_WANT_READ;
}

static bool ping_ask(struct redis *r, struct buf *out)
{
    (void)r;
    PUT(out, "PING");
    return true;
}

static enum probe_want ping_judge(struct redis *r, const struct reply *rep, struct outcome *ret)
{
    if (resp_starts(rep->v, "NOAUTH") && is_inferred(r)) {
        return probe_finish(ret, VERDICT_READY, LAYER_AUTH, "login-unproved",
                            "Redis answers; login not proved: no password known");
    }
    if (resp_starts(rep->v, "NOPERM")) {
        return probe_finish(ret, VERDICT_NEVER, LAYER_AUTH, "NOPERM",
                            "Redis forbids this user PING: add +ping +info +role to its ACL");
    }
    if (is_error(rep)) {
        return error_outcome(rep, ret);
    }
    return resp_is(rep->v, "PONG") ? PROBE_WANT_READ
                                   : probe_garbage(&r->m, ret, "its answer to PING is not PONG");
}

static bool info_ask(struct redis *r, struct buf *out)
{
    (void)r;
    PUT(out, "INFO", "persistence");
    return true;
}

static enum probe_want info_judge(struct redis *r, const struct reply *rep, struct outcome *ret)
{
    char value[32];
    if (is_error(rep)) {
        return is_unavailable(rep) ? PROBE_WANT_READ : error_outcome(rep, ret);
    }
    if (resp_info(rep->v, "loading", value, sizeof(value)) && strcmp(value, "1") == 0) {
        bool eta = resp_info(rep->v, "loading_eta_seconds", value, sizeof(value));
        return probe_finish(ret, VERDICT_NOT_YET, LAYER_APP, "LOADING",
                            "Redis is loading its data into memory%s%.10s%s", eta ? ", about " : "",
                            eta ? value : "", eta ? " s to go" : "");
    }
    if (resp_info(rep->v, "aof_last_write_status", value, sizeof(value)) &&
        strcmp(value, "err") == 0) {
        snprintf(r->note, sizeof(r->note), "its last write to the AOF failed");
    } else if (resp_info(rep->v, "rdb_last_bgsave_status", value, sizeof(value)) &&
               strcmp(value, "err") == 0) {
        snprintf(r->note, sizeof(r->note), "its last save to disk failed");
    }
    return PROBE_WANT_READ;
}

static bool role_ask(struct redis *r, struct buf *out)
{
    (void)r;
    PUT(out, "ROLE");
    return true;
}

static enum probe_want role_judge(struct redis *r, const struct reply *rep, struct outcome *ret)
{
    const struct resp *v = rep->r;
    if (is_error(rep)) {
        return is_unavailable(rep) ? PROBE_WANT_READ : error_outcome(rep, ret);
    }
    if (rep->v->type != '*' || v->count < 1) {
        return probe_garbage(&r->m, ret, "its answer to ROLE is no list");
    }
    probe_peer_text(&r->m, v->items[0].text, v->items[0].len, r->role, sizeof(r->role));
    if (!resp_is(&v->items[0], "slave")) {
        return PROBE_WANT_READ;
    }
    snprintf(r->role, sizeof(r->role), "replica");
    r->read_only = true;
    if (v->count >= 4 && !resp_is(&v->items[3], "connected")) {
        probe_peer_text(&r->m, v->items[1].text, v->items[1].len, r->peer, sizeof(r->peer));
        if (!is_inferred(r)) {
            return probe_finish(ret, VERDICT_NOT_YET, LAYER_APP, "replica-sync",
                                "Redis is a replica of %s and not yet in step with it", r->peer);
        }
        snprintf(r->note, sizeof(r->note), "not in step with its master");
    }
    return PROBE_WANT_READ;
}

static bool wants_canary(const struct redis *r)
{
    return r->m.spec->redis_write && !r->cluster && strcmp(r->role, "sentinel") != 0 &&
           !(r->read_only && is_inferred(r));
}

static bool set_ask(struct redis *r, struct buf *out)
{
    if (!wants_canary(r)) {
        return false;
    }
    PUT(out, "SET", r->key, r->m.nonce, "EX", "10");
    return true;
}

static enum probe_want canary_error(struct redis *r, const struct reply *rep, struct outcome *ret)
{
    if (is_redirect(rep)) { /* a cluster: another node holds this key, and that is fine */
        r->cluster = true;
        return PROBE_WANT_READ;
    }
    if (resp_starts(rep->v, "NOPERM")) {
        return probe_finish(ret, VERDICT_NEVER, LAYER_AUTH, "NOPERM",
                            "Redis forbids this user the canary: allow +set +get +del on "
                            "~fettle:probe:*, or set write: false");
    }
    if (is_inferred(r) && !resp_starts(rep->v, "LOADING")) {
        /* Nobody asked for writing; the health check would not see it. */
        snprintf(r->note, sizeof(r->note), "refuses writes (%.*s)", (int)strcspn(rep->text, " "),
                 rep->text);
        r->read_only = true;
        return PROBE_WANT_READ;
    }
    return error_outcome(rep, ret);
}

static enum probe_want set_judge(struct redis *r, const struct reply *rep, struct outcome *ret)
{
    return is_error(rep) ? canary_error(r, rep, ret) : PROBE_WANT_READ;
}

static bool get_ask(struct redis *r, struct buf *out)
{
    if (!wants_canary(r)) {
        return false;
    }
    PUT(out, "GET", r->key);
    return true;
}

static enum probe_want get_judge(struct redis *r, const struct reply *rep, struct outcome *ret)
{
    if (is_error(rep)) {
        return canary_error(r, rep, ret);
    }
    if (!resp_is(rep->v, r->m.nonce)) {
        return probe_finish(ret, VERDICT_NOT_YET, LAYER_APP, "canary",
                            "Redis took a key and does not give it back: is it evicting?");
    }
    return PROBE_WANT_READ;
}

static bool del_ask(struct redis *r, struct buf *out)
{
    if (!wants_canary(r)) {
        return false;
    }
    PUT(out, "DEL", r->key);
    return true;
}

static enum probe_want del_judge(struct redis *r, const struct reply *rep, struct outcome *ret)
{
    if (is_error(rep)) {
        return canary_error(r, rep, ret);
    }
    r->wrote = true;
    return PROBE_WANT_READ;
}

static const struct {
    const char *name;
    bool (*ask)(struct redis *r, struct buf *out); /* false: not needed */
    enum probe_want (*judge)(struct redis *r, const struct reply *rep, struct outcome *ret);
} commands[] = {
    {"the answer to AUTH", auth_ask, auth_judge},
    {"the answer to SELECT", select_ask, select_judge},
    {"the answer to PING", ping_ask, ping_judge},
    {"the answer to INFO", info_ask, info_judge},
    {"the answer to ROLE", role_ask, role_judge},
    {"the answer to SET", set_ask, set_judge},
    {"the answer to GET", get_ask, get_judge},
    {"the answer to DEL", del_ask, del_judge},
};
_Static_assert(ARRAY_LEN(commands) == CMD_COUNT, "every command has a row");

static const char *redis_stage(const struct probe_machine *m)
{
    enum command at = ((const struct redis *)(const void *)m)->at;
    return commands[at < CMD_COUNT ? at : CMD_COUNT - 1].name;
}

static enum probe_want finish_ready(struct redis *r, struct outcome *ret)
{
    const char *login = r->unneeded_auth                 ? "no password needed, "
                        : str_empty(r->m.spec->password) ? ""
                                                         : "login, ";
    return probe_finish(ret, VERDICT_READY, LAYER_APP, "", "Redis%s%s: %sPING%s%s%s%s",
                        *r->role ? " " : "", r->role, login, *r->role ? ", ROLE" : "",
                        r->wrote ? ", write, read and delete" : "", *r->note ? "; " : "", r->note);
}

/* Asks the next command that is needed. */
static enum probe_want ask_next(struct redis *r, struct buf *out, struct outcome *ret)
{
    while (r->at < CMD_COUNT) {
        if (commands[r->at].ask(r, out)) {
            r->asked = true;
            return PROBE_WANT_READ;
        }
        r->at++;
    }
    return finish_ready(r, ret);
}

static const char *describe_garbage(const struct buf *in)
{
    if (in->len >= 5 && memcmp(in->data, "HTTP/", 5) == 0) {
        return "it answers like an HTTP server";
    }
    if (in->len >= 1 && (in->data[0] == 0x15 || in->data[0] == 0x16)) {
        return "it speaks TLS: use rediss:// or tls: true";
    }
    return "its answer is no reply of Redis";
}

static enum probe_want step_reply(struct redis *r, struct buf *out, struct outcome *ret)
{
    struct buf *in = &r->m.in;
    struct resp v;
    char text[100];
    ptrdiff_t used = in->len > 0 ? resp_parse(in->data, in->len, &v) : 0;
    if (used == 0 || (used < 0 && in->len < 5)) { /* five bytes, to tell what it is instead */
        return PROBE_WANT_READ;
    }
    if (used < 0) {
        return probe_garbage(&r->m, ret, describe_garbage(in));
    }
    struct reply rep = {&v, &v.value, text};
    probe_peer_text(&r->m, v.value.text, v.value.len, text, sizeof(text));
    r->asked = false;
    enum probe_want want = PROBE_WANT_READ;
    if (v.value.type != '>') { /* a push is no answer */
        want = commands[r->at].judge(r, &rep, ret);
        r->at++;
    } else {
        r->asked = true;
    }
    buf_consume(in, (size_t)used);
    return want != PROBE_DONE && !r->asked ? ask_next(r, out, ret) : want;
}

static enum probe_want redis_step(struct probe_machine *m, struct buf *out, struct outcome *ret)
{
    struct redis *r = redis_of(m);
    if (!r->started) {
        r->started = true;
        if (m->tls) {
            return PROBE_WANT_TLS;
        }
    }
    if (!r->asked) {
        enum probe_want want = ask_next(r, out, ret);
        if (want == PROBE_DONE || m->in.len == 0) {
            return want;
        }
    }
    size_t before;
    enum probe_want want;
    do {
        before = m->in.len;
        want = step_reply(r, out, ret);
    } while (want == PROBE_WANT_READ && m->in.len > 0 && m->in.len < before);
    return want;
}

const struct probe_ops probe_redis_ops = {
    .size = sizeof(struct redis),
    .max_in = (size_t)128 << 10,
    .name = "Redis",
    .stage = redis_stage,
    .init = redis_init,
    .step = redis_step,
};
