/*
 * Child programs: started by posix_spawn (an unknown program is an error at once, nothing runs
 * between fork and exec), watched by pidfd, reaped here. No shell.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ev/types.h"

extern char **environ;

struct ev_child {
    struct ev_loop *loop;
    pid_t pid;
    int pidfd; /* -1 = has ended */
    int ends[3];
    struct ev_fd *watch;
    void (*fn)(int exit_code, void *arg);
    void *arg;
};

/* Moves fd above the standard ones, so that wiring them up cannot overwrite a source. */
static int lift(int *fd)
{
    if (*fd > STDERR_FILENO) {
        return 0;
    }
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (high < 0) {
        return -errno;
    }
    close(*fd);
    *fd = high;
    return 0;
}

static int make_pipe(int *ours, int *theirs, bool child_reads)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0) {
        return -errno;
    }
    *ours = fds[child_reads ? 1 : 0];
    *theirs = fds[child_reads ? 0 : 1];
    int rc = lift(ours);
    rc = rc < 0 ? rc : lift(theirs);
    if (rc == 0 && fcntl(*ours, F_SETFL, O_NONBLOCK) != 0) {
        rc = -errno;
    }
    return rc;
}

/* Opens the child's side of each stdio (-1 = inherit) and ours (-1 = none). 0 or -errno. */
static int open_stdio(const struct ev_child_spec *spec, int theirs[3], int ours[3])
{
    int rc = 0;

    for (int i = 0; i < 3 && rc == 0; i++) {
        switch (spec->stdio[i]) {
        case EV_STDIO_NULL:
            theirs[i] = open("/dev/null", (i == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
            rc = theirs[i] < 0 ? -errno : lift(&theirs[i]);
            break;
        case EV_STDIO_PIPE:
            rc = make_pipe(&ours[i], &theirs[i], i == 0);
            break;
        case EV_STDIO_FD:
            theirs[i] = fcntl(spec->fds[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
            rc = theirs[i] < 0 ? -errno : 0;
            break;
        case EV_STDIO_INHERIT:
            break;
        }
    }
    return rc;
}

/* 0 or a positive errno, as posix_spawn. */
static int spawn(const struct ev_child_spec *spec, const int theirs[3], pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t set;
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    for (int i = 0; i < 3; i++) {
        if (theirs[i] >= 0) {
            posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
        }
    }
    if (spec->cwd != NULL) {
        posix_spawn_file_actions_addchdir_np(&actions, spec->cwd);
    }
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attr, &set);
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attr, &set);
    if (spec->flags & EV_CHILD_NEW_GROUP) {
        posix_spawnattr_setpgroup(&attr, 0);
        flags |= POSIX_SPAWN_SETPGROUP;
    }
    if (spec->flags & EV_CHILD_NEW_SESSION) {
        flags |= POSIX_SPAWN_SETSID;
    }
    posix_spawnattr_setflags(&attr, flags);
    /* The prototype wants char *const *; the strings are not written to. */
    union {
        const char *const *in;
        char *const *out;
    } argv = {.in = spec->argv}, env = {.in = spec->env};
    int rc = posix_spawnp(ret, spec->argv[0], &actions, &attr, argv.out,
                          spec->env == NULL ? environ : env.out);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return rc;
}

static void close_all(int fds[3])
{
    for (int i = 0; i < 3; i++) {
        cleanup_close(&fds[i]);
        fds[i] = -1;
    }
}

static int collect(struct ev_child *c, int options, int *ret_code)
{
    siginfo_t info = {0};
    int rc;

    do {
        rc = waitid(P_PID, (id_t)c->pid, &info, WEXITED | options);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0 && info.si_pid == 0) {
        return -EAGAIN;
    }
    ev_fd_free(c->watch);
    c->watch = NULL;
    close(steal_fd(&c->pidfd));
    /* ECHILD: somebody made SIGCHLD ignored; the exit code is lost. */
    *ret_code = rc != 0 ? 255 : info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    return 0;
}

static void on_exit_ready(UNUSED unsigned ready, void *arg)
{
    struct ev_child *c = arg;
    int code;

    if (collect(c, WNOHANG, &code) == 0) {
        c->fn(code, c->arg);
    }
}

int ev_child_new(struct ev_loop *loop, const struct ev_child_spec *spec,
                 void (*fn)(int exit_code, void *arg), void *arg, struct ev_child **ret,
                 struct err *err)
{
    int theirs[3] = {-1, -1, -1}, ours[3] = {-1, -1, -1};
    pid_t pid = 0;
    int rc = -open_stdio(spec, theirs, ours);

    if (rc == 0) {
        rc = spawn(spec, theirs, &pid);
    }
    close_all(theirs);
    int pidfd = rc == 0 ? pidfd_open(pid, 0) : -1;
    if (rc == 0 && pidfd < 0) {
        rc = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    if (rc != 0) {
        close_all(ours);
        if (rc == ENOENT) {
            return err_set(err, ERR_NOT_FOUND, "%s: program not found", spec->argv[0]);
        }
        return err_sys(err, rc, "cannot start %s", spec->argv[0]);
    }
    struct ev_child *c = xcalloc(1, sizeof(*c));
    *c = (struct ev_child){.loop = loop, .pid = pid, .pidfd = pidfd, .fn = fn, .arg = arg};
    memcpy(c->ends, ours, sizeof(ours));
    c->watch = ev_fd_new(loop, pidfd, on_exit_ready, c);
    ev_fd_want(c->watch, EV_WANT_READ);
    *ret = c;
    return 0;
}

int ev_child_take_fd(struct ev_child *child, int which)
{
    assert(which >= 0 && which <= 2);
    return steal_fd(&child->ends[which]);
}

pid_t ev_child_pid(const struct ev_child *child)
{
    return child->pid;
}

void ev_child_kill(struct ev_child *child, int signo)
{
    if (child->pidfd >= 0) {
        pidfd_send_signal(child->pidfd, signo, NULL, 0);
    }
}

void ev_child_free(struct ev_child *child)
{
    int code;

    if (child == NULL) {
        return;
    }
    if (child->pidfd >= 0) {
        ev_child_kill(child, SIGKILL);
        collect(child, 0, &code);
    }
    close_all(child->ends);
    ev_defer_free(child->loop, child);
}
