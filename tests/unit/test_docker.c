/*
 * Endpoints and the choice among them, quirks, errors in words, negotiation: against files below a
 * temporary directory and a scripted engine in the same loop.
 */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/docker/docker.h"
#include "engine/docker/quirks.h"
#include "support/peer.h"

static struct endpoint e;
static struct err err;

static void endpoints_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum endpoint_kind kind;
        const char *where, *user;
        int port;
        bool tls;
    } rows[] = {
        {"unix:///var/run/docker.sock", ENDPOINT_UNIX, "/var/run/docker.sock", NULL, 0, false},
        {"/x.sock", ENDPOINT_UNIX, "/x.sock", NULL, 0, false},
        {"tcp://h:1234", ENDPOINT_TCP, "h", NULL, 1234, false},
        {"tcp://h", ENDPOINT_TCP, "h", NULL, 2375, false},
        {"tcp://[::1]:99/", ENDPOINT_TCP, "::1", NULL, 99, false},
        {"http://h", ENDPOINT_TCP, "h", NULL, 2375, false},
        {"https://h", ENDPOINT_TCP, "h", NULL, 2376, true},
        {"ssh://me@h:22", ENDPOINT_SSH, "h", "me", 22, false},
        {"ssh://h", ENDPOINT_SSH, "h", NULL, 0, false},
    };
    static const char *const wrong[] = {
        "",          "h",          "unix://rel", "tcp://",        "tcp://h:0",     "tcp://h:x",
        "tcp://h/p", "ssh://-x",   "ssh://@h",   "ssh://me:pw@h", "ssh://a@-oX=y", "npipe:////./x",
        "fd://3",    "gopher://h", "tcp://h h",  "ssh://-l@host",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(endpoint_parse(rows[i].url, &e, &err), 0);
        assert_int_equal(e.kind, rows[i].kind);
        assert_string_equal(e.kind == ENDPOINT_UNIX ? e.path : e.host, rows[i].where);
        assert_true(str_eq(e.user, rows[i].user));
        assert_int_equal(e.port, rows[i].port);
        assert_int_equal(e.tls, rows[i].tls);
        endpoint_release(&e);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(endpoint_parse(wrong[i], &e, &err), -ERR_INPUT);
        assert_true(err.hint[0] != '\0');
    }
}

/* --- choosing --- */

static char dir[64];

static void make_dir(const char *name)
{
    CLEANUP_FREE char *path = xasprintf("%s%s", dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void make_file(const char *name, const char *text)
{
    CLEANUP_FREE char *path = xasprintf("%s%s", dir, name);
    assert_int_equal(path_write_file(path, text, strlen(text), 0600, NULL), 0);
}

static int make_socket(const char *name, bool listening)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(un.sun_path, sizeof(un.sun_path), "%s%s", dir, name);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    if (listening) {
        assert_int_equal(listen(fd, 4), 0);
    }
    return fd;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void chosen(const struct endpoint_options *o, const char *url_end, const char *reason)
{
    int rc = endpoint_choose(o, &e, &err);
    if (rc != 0) {
        fail_msg("%s", err.message);
    }
    if (!str_ends(e.url, url_end) || strstr(e.reason, reason) == NULL) {
        fail_msg("%s (%s), expected ...%s (...%s...)", e.url, e.reason, url_end, reason);
    }
    endpoint_release(&e);
}

/* SHA-256 of "far". */
#define FAR "512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868"

static void the_first_that_is_named_or_answers_wins(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/fettle-choose-XXXXXX");
    assert_non_null(mkdtemp(dir));
    make_dir("/run");
    make_dir("/run/podman");
    make_dir("/user");
    make_dir("/docker");
    char user[80], config[80];
    snprintf(user, sizeof(user), "%s/user", dir);
    snprintf(config, sizeof(config), "%s/docker", dir);
    struct endpoint_options o = {
        .root = dir, .runtime_dir = user, .config_dir = config, .home = "/nonexistent"};

    assert_int_equal(endpoint_choose(&o, &e, &err), -ERR_ENGINE);
    assert_non_null(strstr(err.message, "no container engine answers"));
    assert_non_null(strstr(err.message, "docker.sock: No such file"));
    assert_non_null(strstr(err.hint, "DOCKER_HOST"));
    int stale = make_socket("/run/docker.sock", false);
    int podman = make_socket("/run/podman/podman.sock", true);
    chosen(&o, "/run/podman/podman.sock", "Podman answers at");
    int rootless = make_socket("/user/docker.sock", true);
    chosen(&o, "/user/docker.sock", "rootless Docker answers at");
    close(stale);
    CLEANUP_FREE char *path = xasprintf("%s/run/docker.sock", dir);
    unlink(path);
    int docker = make_socket("/run/docker.sock", true);
    chosen(&o, "/run/docker.sock", "Docker answers at");
    o.engine = "podman";
    chosen(&o, "/run/podman/podman.sock", "podman was asked for, and Podman answers");
    o.engine = "fettle";
    assert_int_equal(endpoint_choose(&o, &e, &err), -ERR_ENGINE);
    o.engine = "lxc";
    assert_int_equal(endpoint_choose(&o, &e, &err), -ERR_USAGE);
    o.engine = "tcp://h";
    chosen(&o, "tcp://h", "FETTLE_ENGINE is set");
    o.engine = NULL;

    make_file("/docker/config.json", "{\"currentContext\": \"far\"}");
    assert_int_equal(endpoint_choose(&o, &e, &err), -ERR_ENGINE);
    assert_non_null(strstr(err.message, "the docker context \"far\" does not exist"));
    o.env_context = "default";
    chosen(&o, "/run/docker.sock", "Docker answers at");
    o.host = "tcp://1.2.3.4:5";
    chosen(&o, "tcp://1.2.3.4:5", "DOCKER_HOST is set");
    o.tls_verify = "1";
    make_file("/docker/ca.pem", "x");
    assert_int_equal(endpoint_choose(&o, &e, &err), 0);
    assert_true(e.tls && e.verify == TLS_VERIFY_FULL && str_ends(e.ca, "/docker/ca.pem"));
    assert_null(e.cert);
    endpoint_release(&e);
    o.tls_verify = NULL;
    o.host = NULL;
    o.env_context = NULL;

    make_dir("/docker/contexts");
    make_dir("/docker/contexts/meta");
    make_dir("/docker/contexts/meta/" FAR);
    make_file("/docker/contexts/meta/" FAR "/meta.json",
              "{\"Name\":\"far\",\"Endpoints\":{\"docker\":{\"Host\":\"ssh://me@far\"}}}");
    chosen(&o, "ssh://me@far", "docker context \"far\" (the current one)");
    o.context = "default"; /* beats the current one */
    chosen(&o, "/run/docker.sock", "Docker answers at");
    o.context = "far";
    o.host = "tcp://1.2.3.4:5"; /* --context beats DOCKER_HOST */
    chosen(&o, "ssh://me@far", "--context");
    close(docker);
    close(podman);
    close(rootless);
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- quirks --- */

static void podman_is_known(void **state)
{
    (void)state;
    struct engine_traits t = {0};
    quirks_apply(&t, "Libpod", "4.3.1");
    assert_string_equal(t.name, "podman");
    assert_true(t.no_update && t.log_seconds && t.no_healthchecks && t.conflict_is_500);
    quirks_apply(&t, "Podman Engine", "5.8.6");
    assert_string_equal(t.name, "podman");
    assert_true(!t.no_update && !t.log_seconds && t.remove_is_destroy);
    quirks_apply(&t, "Docker", "20.10.24+dfsg1");
    assert_string_equal(t.name, "docker");
    assert_string_equal(t.version, "20.10.24+dfsg1");
    assert_true(!t.no_healthchecks && !t.conflict_is_500);
    quirks_apply(&t, "Something", "1");
    assert_string_equal(t.name, "docker");
}

/* --- a scripted engine --- */

static struct ev_loop *loop;
static struct peer peer;
static struct engine_transport *engine;
static const char *ping_answer, *other_answer;
static int pings;
static char last_request[512];

static void on_request(struct stream *s, void *arg)
{
    size_t len;
    const char *bytes = stream_in(s, &len);
    (void)arg;
    snprintf(last_request, sizeof(last_request), "%.*s", (int)len, bytes);
    stream_consume(s, len);
    bool ping = strstr(last_request, " /_ping ") != NULL;
    const char *answer = ping ? ping_answer : other_answer;
    pings += ping;
    stream_write(s, answer, strlen(answer));
}

struct result {
    int done, status;
    struct err err;
};

static void on_connected(void *arg, const struct err *cause)
{
    struct result *r = arg;
    r->done++;
    memset(&r->err, 0, sizeof(r->err));
    if (cause != NULL) {
        r->err = *cause;
    }
    ev_loop_stop(loop);
}

static void on_done(void *arg, const struct engine_reply *reply, const struct err *cause)
{
    ((struct result *)arg)->status = reply == NULL ? 0 : reply->status;
    on_connected(arg, cause);
}

static int begin(void **state)
{
    struct docker_options options = {0};
    (void)state;
    loop = ev_loop_new();
    peer_init(&peer, loop, 1);
    peer.h.on_data = on_request;
    pings = 0;
    CLEANUP_FREE char *url = xasprintf("unix://%s", peer.path);
    assert_int_equal(endpoint_parse(url, &e, &err), 0);
    assert_int_equal(docker_new(loop, &e, &options, &engine, &err), 0);
    endpoint_release(&e);
    return 0;
}

static int end(void **state)
{
    (void)state;
    engine->ops->free(engine);
    peer_release(&peer);
    ev_loop_free(loop);
    return 0;
}

#define PING(api, server)                                                         \
    "HTTP/1.1 200 OK\r\nApi-Version: " api "\r\nOstype: linux\r\nServer: " server \
    "\r\nContent-Length: 2\r\n\r\nOK"

static void get(struct result *r, const char *path)
{
    struct engine_request request = {.method = "GET", .path = path, .mode = ENGINE_COLLECT};
    struct engine_handlers h = {.on_done = on_done};
    *r = (struct result){0};
    engine->ops->call(engine, &request, &h, r);
    ev_loop_run(loop);
    assert_int_equal(r->done, 1);
}

static void one_ping_is_enough(void **state)
{
    (void)state;
    struct result r = {0};
    ping_answer = PING("1.99", "Libpod/4.3.1 (linux)");
    other_answer = "HTTP/1.1 500 X\r\nContent-Length: 81\r\n\r\n{\"cause\":\"x\",\"message\":\"the "
                   "container name \\\"a\\\" is already in use\",\"response\":5}";
    get(&r, "/containers/json"); /* connects by itself */
    assert_string_equal(engine->traits.name, "podman");
    assert_string_equal(engine->traits.version, "4.3.1");
    assert_int_equal(engine->traits.api_minor, DOCKER_API_MAX);
    assert_true(str_starts(last_request, "GET /v1.51/containers/json HTTP/1.1\r\n"));
    assert_int_equal(r.err.code, ERR_CONFLICT); /* Podman's 500 */
    assert_int_equal(r.err.status, 500);
    assert_string_equal(r.err.message, "the container name \"a\" is already in use");
    engine->ops->connect(engine, on_connected, &r);
    ev_loop_run(loop);
    assert_int_equal(r.done, 2);
    assert_int_equal(pings, 1);
    assert_int_equal(peer.accepted, 1);
}

static void old_engines_are_refused(void **state)
{
    (void)state;
    struct result r = {0};
    ping_answer = PING("1.38", "Docker/18.06 (linux)");
    get(&r, "/info");
    assert_int_equal(r.err.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(r.err.message, "(docker 18.06) speaks API 1.38, 1.41 is needed"));
}

static void strangers_are_asked_for_their_version(void **state)
{
    (void)state;
    struct result r = {0};
    ping_answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    other_answer =
        "HTTP/1.1 200 OK\r\nContent-Length: 119\r\n\r\n"
        "{\"Components\":[{\"Name\":\"Podman Engine\"}],\"Version\":\"5.8.6\",\"ApiVersion\":"
        "\"1.44\",\"Os\":\"linux\",\"Arch\":\"arm64\",\"_\":\"_____\"}";
    engine->ops->connect(engine, on_connected, &r);
    ev_loop_run(loop);
    assert_string_equal(r.err.message, "");
    assert_string_equal(engine->traits.name, "podman");
    assert_string_equal(engine->traits.arch, "arm64");
    assert_int_equal(engine->traits.api_minor, 44);
}

static void what_is_no_engine_is_said(void **state)
{
    (void)state;
    struct result r = {0};
    ping_answer = other_answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    get(&r, "/info");
    assert_int_equal(r.err.code, ERR_PROTOCOL);
    assert_non_null(strstr(r.err.message, "is not a container engine"));
    ping_answer = "220 mail.example ESMTP\r\n";
    get(&r, "/info"); /* tries again */
    assert_int_equal(r.err.code, ERR_ENGINE);
    assert_non_null(strstr(r.err.message, "not an HTTP answer"));
    assert_int_equal(pings, 2);
}

static void refusals_have_codes(void **state)
{
    (void)state;
    struct result r = {0};
    ping_answer = PING("1.41", "Docker/20.10.24 (linux)");
    other_answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 32\r\n\r\n{\"message\":\"No such "
                   "thing:\\nx\"}\n";
    get(&r, "/x");
    assert_int_equal(r.err.code, ERR_NOT_FOUND);
    assert_string_equal(r.err.message, "No such thing: x");
    other_answer = "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n";
    get(&r, "/x");
    assert_int_equal(r.err.code, ERR_REFUSED);
    assert_string_equal(r.err.message, "the engine answered with HTTP status 500 and no reason");
    other_answer = "HTTP/1.1 304 X\r\n\r\n";
    get(&r, "/x");
    assert_int_equal(r.err.code, ERR_NONE);
    assert_int_equal(r.status, 304);
}

static void calls_end_when_the_transport_is_freed(void **state)
{
    (void)state;
    struct result r = {0}, waiting = {0};
    struct engine_request request = {.method = "GET", .path = "/x", .mode = ENGINE_COLLECT};
    struct engine_handlers h = {.on_done = on_done};
    struct docker_options options = {0};
    ping_answer = "";
    engine->ops->connect(engine, on_connected, &waiting);
    struct engine_call *call = engine->ops->call(engine, &request, &h, &r);
    engine->ops->cancel(call);
    engine->ops->cancel(call);
    assert_int_equal(r.done, 0);
    ev_loop_run(loop);
    assert_int_equal(r.done, 1);
    assert_int_equal(r.err.code, ERR_CANCELLED);
    engine->ops->call(engine, &request, &h, &r);
    engine->ops->free(engine);
    assert_int_equal(r.done, 2);
    assert_int_equal(waiting.done, 1);
    assert_int_equal(endpoint_parse("unix:///nowhere", &e, &err), 0);
    assert_int_equal(docker_new(loop, &e, &options, &engine, &err), 0);
    endpoint_release(&e);
}

/* --- ssh: a script in its place, found through PATH --- */

static void ssh_says(const char *script, struct result *r)
{
    struct docker_options options = {0};
    char path[600];
    const char *old = getenv("PATH");
    CLEANUP_FREE char *saved = xstrdup(old);
    CLEANUP_FREE char *program = xasprintf("%s/ssh", dir);

    assert_int_equal(path_write_file(program, script, strlen(script), 0700, NULL), 0);
    snprintf(path, sizeof(path), "%s:%s", dir, saved);
    setenv("PATH", path, 1);
    loop = ev_loop_new();
    assert_int_equal(endpoint_parse("ssh://me@far:2222", &e, &err), 0);
    assert_int_equal(docker_new(loop, &e, &options, &engine, &err), 0);
    endpoint_release(&e);
    *r = (struct result){0};
    engine->ops->connect(engine, on_connected, r);
    ev_loop_run(loop);
    assert_int_equal(r->done, 1);
    setenv("PATH", saved, 1);
}

static void ssh_carries_it(void **state)
{
    (void)state;
    struct result r;
    snprintf(dir, sizeof(dir), "/tmp/fettle-ssh-XXXXXX");
    assert_non_null(mkdtemp(dir));
    /* The request's head is read to its empty line; the answer tells the arguments as version. */
    ssh_says("#!/bin/sh\n"
             "while read -r line; do [ ${#line} -le 1 ] && break; done\n"
             "body=\"{\\\"ApiVersion\\\":\\\"1.44\\\",\\\"Version\\\":\\\"$*\\\"}\"\n"
             "printf 'HTTP/1.1 404 X\\r\\nContent-Length: 0\\r\\n\\r\\n'\n"
             "while read -r line; do [ ${#line} -le 1 ] && break; done\n"
             "printf 'HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s' ${#body} \"$body\"\n"
             "exec cat\n",
             &r);
    assert_string_equal(r.err.message, "");
    assert_string_equal(engine->traits.version,
                        "-T -oConnectTimeout=10 -l me -p 2222 -- far doc"); /* cut to its field */
    assert_false(engine->traits.local);
    engine->ops->free(engine);
    ev_loop_free(loop);

    ssh_says("#!/bin/sh\necho 'Warning: x' >&2\necho 'me@far: Permission denied (publickey).' >&2\n"
             "exit 255\n",
             &r);
    assert_int_equal(r.err.code, ERR_ENGINE);
    assert_string_equal(r.err.message, "cannot reach the engine at ssh://me@far:2222: me@far: "
                                       "Permission denied (publickey).");
    assert_string_equal(r.err.hint, "try: ssh me@far docker version");
    engine->ops->free(engine);
    ev_loop_free(loop);
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_parsed),
        cmocka_unit_test(the_first_that_is_named_or_answers_wins),
        cmocka_unit_test(podman_is_known),
        cmocka_unit_test(ssh_carries_it),
        T(one_ping_is_enough),
        T(old_engines_are_refused),
        T(strangers_are_asked_for_their_version),
        T(what_is_no_engine_is_said),
        T(refusals_have_codes),
        T(calls_end_when_the_transport_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
