/*
 * The way to an engine behind ssh. Knows nothing of HTTP: a child's pipes become a stream.
 */
#include "engine/docker/ssh.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/vec.h"

enum { COMPLAINT_MAX = 300, ARGV_MAX = 24 };

struct ssh {
    struct ev_loop *loop;
    const struct endpoint *endpoint;
    char *control; /* ControlPath, NULL = none */
    struct vec links;
    char complaint[COMPLAINT_MAX];
};

/* One child; its stream belongs to the HTTP connection. */
struct link {
    struct ssh *ssh;
    struct ev_child *child;
    int errors; /* its standard error; a shared connection may hold it open for long */
    struct ev_fd *watch;
};

/* Keeps the last line that is not empty. */
static void keep_complaint(struct ssh *ssh, const char *data, size_t len)
{
    size_t end = len;

    while (end > 0 && (data[end - 1] == '\n' || data[end - 1] == '\r')) {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && data[begin - 1] != '\n') {
        begin--;
    }
    if (end > begin) {
        size_t n = end - begin < COMPLAINT_MAX - 1 ? end - begin : COMPLAINT_MAX - 1;
        memcpy(ssh->complaint, data + begin, n);
        ssh->complaint[n] = '\0';
    }
}

static void drain(struct link *l)
{
    char text[1024];
    ssize_t n;

    while (l->errors >= 0 && (n = read(l->errors, text, sizeof(text))) != 0) {
        if (n < 0) {
            return; /* EAGAIN */
        }
        keep_complaint(l->ssh, text, (size_t)n);
    }
    ev_fd_free(l->watch);
    l->watch = NULL;
    cleanup_close(&l->errors);
}

static void on_errors(unsigned ready, void *arg)
{
    (void)ready;
    drain(arg);
}

static void link_free(struct link *l)
{
    struct ssh *ssh = l->ssh;

    drain(l);
    vec_remove(&ssh->links, l);
    ev_child_free(l->child);
    ev_fd_free(l->watch);
    cleanup_close(&l->errors);
    ev_defer_free(ssh->loop, l);
}

static void on_exit_code(int code, void *arg)
{
    (void)code; /* the HTTP connection sees the end of the pipe */
    link_free(arg);
}

struct ssh *ssh_new(struct ev_loop *loop, const struct endpoint *endpoint, const char *runtime_dir)
{
    struct ssh *ssh = xcalloc(1, sizeof(*ssh));

    ssh->loop = loop;
    ssh->endpoint = endpoint;
    if (!str_empty(runtime_dir)) {
        CLEANUP_FREE char *dir = xasprintf("%s/fettle", runtime_dir);
        mkdir(dir, 0700); /* may exist */
        ssh->control = xasprintf("ControlPath=%s/ssh-%%C", dir);
    }
    return ssh;
}

void ssh_free(struct ssh *ssh)
{
    if (ssh == NULL) {
        return;
    }
    while (ssh->links.len > 0) {
        link_free(ssh->links.items[0]);
    }
    vec_release(&ssh->links);
    free(ssh->control);
    free(ssh);
}

/* The command line; the host cannot look like an option (endpoint.c, and "--"). */
static void build_argv(const struct ssh *ssh, const char **argv, char *port, size_t port_size)
{
    const struct endpoint *e = ssh->endpoint;
    static const char *const tail[] = {"docker", "system", "dial-stdio", NULL};
    size_t n = 0;

    argv[n++] = "ssh";
    argv[n++] = "-T";
    argv[n++] = "-oConnectTimeout=10";
    if (ssh->control != NULL) {
        argv[n++] = "-o";
        argv[n++] = ssh->control;
        argv[n++] = "-oControlMaster=auto";
        argv[n++] = "-oControlPersist=60";
    }
    if (e->user != NULL) {
        argv[n++] = "-l";
        argv[n++] = e->user;
    }
    if (e->port != 0) {
        snprintf(port, port_size, "%u", (unsigned)e->port);
        argv[n++] = "-p";
        argv[n++] = port;
    }
    argv[n++] = "--";
    argv[n++] = e->host;
    for (size_t i = 0; i < ARRAY_LEN(tail); i++) {
        argv[n++] = tail[i];
    }
}

/* A stream that has ended already: the caller finds out the usual way. */
static struct stream *ended(struct ev_loop *loop, const struct stream_handlers *h, void *arg)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
    } else {
        close(fds[1]);
    }
    return stream_adopt(loop, fds[0], fds[0], 0, h, arg);
}

struct stream *ssh_connect(struct ev_loop *loop, const struct stream_handlers *h, void *arg,
                           void *ssh_arg)
{
    struct ssh *ssh = ssh_arg;
    const char *argv[ARGV_MAX];
    char port[8];
    struct err err = {0};
    struct ev_child_spec spec = {.argv = argv,
                                 .stdio = {EV_STDIO_PIPE, EV_STDIO_PIPE, EV_STDIO_PIPE},
                                 .flags = EV_CHILD_NEW_GROUP};
    struct link *l = xcalloc(1, sizeof(*l));

    build_argv(ssh, argv, port, sizeof(port));
    l->ssh = ssh;
    if (ev_child_new(loop, &spec, on_exit_code, l, &l->child, &err) != 0) {
        free(l);
        snprintf(ssh->complaint, sizeof(ssh->complaint), "%.*s", COMPLAINT_MAX - 1, err.message);
        return ended(loop, h, arg);
    }
    vec_push(&ssh->links, l);
    l->errors = ev_child_take_fd(l->child, 2);
    l->watch = ev_fd_new(loop, l->errors, on_errors, l);
    ev_fd_want(l->watch, EV_WANT_READ);
    int out = ev_child_take_fd(l->child, 0), in = ev_child_take_fd(l->child, 1);
    return stream_adopt(loop, in, out, 0, h, arg);
}

const char *ssh_complaint(const struct ssh *ssh)
{
    for (size_t i = 0; i < ssh->links.len; i++) { /* said, but not yet read */
        drain(ssh->links.items[i]);
    }
    return ssh->complaint;
}
