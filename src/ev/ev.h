/*
 * The event loop: timers, signals, readiness of file descriptors, children, deferred work.
 * One thread, one loop. Libevent is hidden in this folder.
 *
 * Rules that hold for everything built on it:
 * - times are absolute CLOCK_MONOTONIC nanoseconds (base/clock.h), CLOCK_NEVER means none;
 * - every ..._free() here may be called from inside the object's own callback, takes NULL, and
 *   guarantees that no callback of that object follows;
 * - operations that were started (a request, a look-up) end with exactly one final callback, also
 *   when they are cancelled; plain sources (timer, fd, signal) are simply freed.
 */
#ifndef EV_EV_H
#define EV_EV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"

struct ev_loop;
struct ev_timer;
struct ev_signal;
struct ev_fd;
struct ev_child;

/* --- the loop --- */

/* Cheap (one epoll, one timerfd). Also ignores SIGPIPE for the process: writes report EPIPE. */
struct ev_loop *ev_loop_new(void);
/* Every source must be gone by then, deferred work is run. Takes NULL. */
void ev_loop_free(struct ev_loop *loop);
/* Runs until ev_loop_stop(), or until no source and no deferred work is left. May not nest. */
void ev_loop_run(struct ev_loop *loop);
/* ev_loop_run() returns after this turn. Called while not running: the next run returns at once. */
void ev_loop_stop(struct ev_loop *loop);
/* CLOCK_MONOTONIC now. */
int64_t ev_now(const struct ev_loop *loop);
/*
 * Calls fn(arg) at the end of this turn, when no callback is on the stack; work deferred by
 * deferred work runs in the next turn, which does not block. Cannot be taken back: use a timer
 * with deadline 0 for that. Order is kept.
 */
void ev_defer(struct ev_loop *loop, void (*fn)(void *arg), void *arg);
/* free(memory) at the end of this turn. NULL is fine. */
void ev_defer_free(struct ev_loop *loop, void *memory);

/* --- timers: one shot, in order of deadline, equal deadlines in the order they were set --- */

struct ev_timer *ev_timer_new(struct ev_loop *loop, void (*fn)(void *arg), void *arg);
void ev_timer_free(struct ev_timer *timer);
/* (Re)arms; a deadline in the past fires in the next turn. CLOCK_NEVER disarms. */
void ev_timer_set(struct ev_timer *timer, int64_t deadline);
/* The deadline, CLOCK_NEVER when not armed. */
int64_t ev_timer_deadline(const struct ev_timer *timer);

/* --- signals --- */

/* Called in the loop, never in signal context. The previous disposition comes back with free. */
struct ev_signal *ev_signal_new(struct ev_loop *loop, int signo, void (*fn)(int signo, void *arg),
                                void *arg);
void ev_signal_free(struct ev_signal *sig);

/* --- file descriptors --- */

enum ev_want { EV_WANT_NONE = 0, EV_WANT_READ = 1, EV_WANT_WRITE = 2 };

/*
 * Level triggered; starts with EV_WANT_NONE. `ready` is a mask of ev_want; errors and hang-ups
 * show as both, the next read or write tells. Regular files are always ready. The fd is the
 * caller's and must stay open until ev_fd_free().
 */
struct ev_fd *ev_fd_new(struct ev_loop *loop, int fd, void (*fn)(unsigned ready, void *arg),
                        void *arg);
void ev_fd_free(struct ev_fd *w);
/* Mask of ev_want. */
void ev_fd_want(struct ev_fd *w, unsigned want);

/* --- children --- */

enum ev_stdio {
    EV_STDIO_NULL,    /* /dev/null */
    EV_STDIO_INHERIT, /* ours */
    EV_STDIO_PIPE,    /* a pipe; our end by ev_child_take_fd() */
    EV_STDIO_FD       /* the fd given in spec.fds */
};

enum ev_child_flags {
    EV_CHILD_NEW_GROUP = 1,  /* own process group: Ctrl-C on our terminal does not reach it */
    EV_CHILD_NEW_SESSION = 2 /* own session, no controlling terminal */
};

struct ev_child_spec {
    const char *const *argv; /* NULL-terminated; argv[0] is searched in PATH; no shell */
    const char *const *env;  /* NULL-terminated, NULL = ours */
    const char *cwd;         /* NULL = ours */
    enum ev_stdio stdio[3];
    int fds[3]; /* for EV_STDIO_FD; stay the caller's */
    unsigned flags;
};

/*
 * Starts a program. `fn` is called exactly once, when it ended: exit_code is 0..255, or 128 + n
 * when signal n killed it. Fails with ERR_NOT_FOUND when the program does not exist, else ERR_IO;
 * then there is no callback. Signal dispositions and mask of the child are the default ones.
 */
int ev_child_new(struct ev_loop *loop, const struct ev_child_spec *spec,
                 void (*fn)(int exit_code, void *arg), void *arg, struct ev_child **ret,
                 struct err *err) MUST_CHECK;
/* Our end of stdin (0, write), stdout (1), stderr (2): non-blocking, now the caller's; -1 when it
 * was no pipe or is already taken. */
int ev_child_take_fd(struct ev_child *child, int which);
pid_t ev_child_pid(const struct ev_child *child);
/* Does nothing once the child has ended. */
void ev_child_kill(struct ev_child *child, int signo);
/* A child that still runs is killed (SIGKILL) and reaped; fn is not called any more. */
void ev_child_free(struct ev_child *child);

#endif
