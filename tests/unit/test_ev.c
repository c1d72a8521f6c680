/*
 * The event loop: order of timers, deferred work, freeing inside callbacks, descriptors, signals,
 * children. Real time, but no test depends on how long something takes.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ev/ev.h"

struct trail {
    struct ev_loop *loop;
    char text[64];
    struct ev_timer *other;
    struct ev_fd *watch;
    int fd, code, count;
};

static struct trail trail;

static void mark(char c)
{
    size_t len = strlen(trail.text);
    trail.text[len] = c;
    trail.text[len + 1] = '\0';
}

static int begin(void **state)
{
    (void)state;
    memset(&trail, 0, sizeof(trail));
    trail.loop = ev_loop_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    ev_loop_free(trail.loop);
    return 0;
}

static void on_mark(void *arg)
{
    mark(*(const char *)arg);
}

static void timers_fire_in_order(void **state)
{
    (void)state;
    struct ev_timer *t[6];
    const char *names[6] = {"c", "a", "d", "b", "e", "x"};
    int64_t now = ev_now(trail.loop);
    int64_t at[6] = {now + 3 * NS_PER_MS, now + NS_PER_MS,     now + 3 * NS_PER_MS,
                     now + 2 * NS_PER_MS, now + 3 * NS_PER_MS, now + 2 * NS_PER_MS};

    for (int i = 0; i < 6; i++) {
        t[i] = ev_timer_new(trail.loop, on_mark, (void *)(uintptr_t)names[i]);
        ev_timer_set(t[i], at[i]);
    }
    assert_int_equal(ev_timer_deadline(t[1]), at[1]);
    ev_timer_set(t[5], CLOCK_NEVER);
    ev_loop_run(trail.loop);
    assert_string_equal(trail.text, "abcde");
    assert_true(ev_now(trail.loop) >= now + 3 * NS_PER_MS);
    assert_int_equal(ev_timer_deadline(t[1]), CLOCK_NEVER);
    for (int i = 0; i < 6; i++) {
        ev_timer_free(t[i]);
    }
}

enum { MANY = 500 };
static int64_t many_at[MANY], many_fired[MANY];

static void on_many(void *arg)
{
    many_fired[trail.count++] = *(const int64_t *)arg;
}

static void many_timers_fire_in_order_when_some_are_taken_out(void **state)
{
    (void)state;
    struct ev_timer *t[MANY];
    uint32_t seed = 7;

    for (int i = 0; i < MANY; i++) {
        seed = seed * 1103515245u + 12345u;
        many_at[i] = (int64_t)(seed >> 16) + 1;
        t[i] = ev_timer_new(trail.loop, on_many, &many_at[i]);
        ev_timer_set(t[i], many_at[i]);
    }
    for (int i = 0; i < MANY; i += 3) {
        ev_timer_set(t[i], CLOCK_NEVER);
    }
    ev_loop_run(trail.loop);
    assert_int_equal(trail.count, MANY - (MANY + 2) / 3);
    for (int i = 1; i < trail.count; i++) {
        assert_true(many_fired[i - 1] <= many_fired[i]);
    }
    for (int i = 0; i < MANY; i++) {
        ev_timer_free(t[i]);
    }
}

static void on_free_other(void *arg)
{
    mark('1');
    ev_timer_free(trail.other);
    ev_timer_free(*(struct ev_timer **)arg); /* itself */
}

static void freeing_in_a_callback_prevents_the_other(void **state)
{
    (void)state;
    struct ev_timer *self = NULL;
    self = ev_timer_new(trail.loop, on_free_other, &self);
    trail.other = ev_timer_new(trail.loop, on_mark, (void *)(uintptr_t) "2");
    ev_timer_set(self, 1);
    ev_timer_set(trail.other, 2);
    ev_loop_run(trail.loop);
    assert_string_equal(trail.text, "1");
}

static void on_deferred_again(void *arg)
{
    (void)arg;
    mark('d');
    ev_defer(trail.loop, on_mark, (void *)(uintptr_t) "e");
}

static void on_defer(void *arg)
{
    ev_defer(trail.loop, on_deferred_again, NULL);
    mark(*(const char *)arg);
}

static void deferred_work_comes_after_the_callbacks_of_the_turn(void **state)
{
    (void)state;
    struct ev_timer *a = ev_timer_new(trail.loop, on_defer, (void *)(uintptr_t) "a");
    struct ev_timer *b = ev_timer_new(trail.loop, on_mark, (void *)(uintptr_t) "b");
    ev_timer_set(a, 1);
    ev_timer_set(b, 2);
    ev_loop_run(trail.loop);
    assert_string_equal(trail.text, "abde");
    ev_timer_free(a);
    ev_timer_free(b);
}

static void on_stop(void *arg)
{
    (void)arg;
    mark('s');
    ev_loop_stop(trail.loop);
}

static void stop_ends_the_turn_and_the_rest_stays(void **state)
{
    (void)state;
    struct ev_timer *a = ev_timer_new(trail.loop, on_stop, NULL);
    struct ev_timer *b = ev_timer_new(trail.loop, on_mark, (void *)(uintptr_t) "b");
    ev_timer_set(a, 1);
    ev_timer_set(b, ev_now(trail.loop) + NS_PER_SEC);
    ev_loop_run(trail.loop);
    assert_string_equal(trail.text, "s");
    ev_timer_set(b, 0);
    ev_loop_run(trail.loop);
    assert_string_equal(trail.text, "sb");
    ev_timer_free(a);
    ev_timer_free(b);
}

static void on_readable(unsigned ready, void *arg)
{
    char c;
    (void)arg;
    assert_int_equal(ready, EV_WANT_READ);
    ssize_t n = read(trail.fd, &c, 1);
    if (n == 1) {
        mark(c);
        return;
    }
    mark('.');
    ev_fd_free(trail.watch);
}

static void descriptors_and_regular_files(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(write(fds[1], "xy", 2), 2);
    close(fds[1]);
    trail.fd = fds[0];
    trail.watch = ev_fd_new(trail.loop, fds[0], on_readable, NULL);
    ev_fd_want(trail.watch, EV_WANT_READ);
    ev_loop_run(trail.loop);
    assert_string_equal(trail.text, "xy.");
    close(fds[0]);

    trail.fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC); /* epoll refuses it */
    assert_true(trail.fd >= 0);
    trail.text[0] = '\0';
    trail.watch = ev_fd_new(trail.loop, trail.fd, on_readable, NULL);
    ev_fd_want(trail.watch, EV_WANT_READ);
    ev_loop_run(trail.loop);
    assert_string_equal(trail.text, "test_ev\n.");
    close(trail.fd);
}

static void on_signal(int signo, void *arg)
{
    (void)arg;
    assert_int_equal(signo, SIGUSR1);
    mark('u');
    ev_loop_stop(trail.loop);
}

static void signals_arrive_in_the_loop_and_do_not_keep_it_alive(void **state)
{
    (void)state;
    struct ev_signal *s = ev_signal_new(trail.loop, SIGUSR1, on_signal, NULL);
    struct ev_timer *t = ev_timer_new(trail.loop, on_mark, (void *)(uintptr_t) "t");
    ev_timer_set(t, ev_now(trail.loop) + NS_PER_SEC);
    ev_timer_free(t);
    ev_loop_run(trail.loop); /* returns: nothing to wait for but signals */
    ev_defer(trail.loop, on_mark, (void *)(uintptr_t) "-");
    raise(SIGUSR1);
    ev_loop_run(trail.loop);
    assert_non_null(strchr(trail.text, 'u'));
    ev_signal_free(s);
}

static void on_exit_code(int code, void *arg)
{
    (void)arg;
    trail.code = code;
    trail.count++;
}

static int run_sh(const char *script, const struct ev_child_spec *base, char *out, size_t size)
{
    struct err err = {0};
    struct ev_child *child = NULL;
    const char *argv[] = {"sh", "-c", script, NULL};
    struct ev_child_spec spec = *base;

    spec.argv = argv;
    spec.stdio[1] = EV_STDIO_PIPE;
    assert_int_equal(ev_child_new(trail.loop, &spec, on_exit_code, NULL, &child, &err), 0);
    int fd = ev_child_take_fd(child, 1);
    assert_true(fd >= 0);
    assert_int_equal(ev_child_take_fd(child, 1), -1);
    ev_loop_run(trail.loop);
    ssize_t n = read(fd, out, size - 1);
    out[n < 0 ? 0 : n] = '\0';
    close(fd);
    ev_child_free(child);
    return trail.code;
}

static void children_give_their_exit_code(void **state)
{
    (void)state;
    char out[256];
    const char *env[] = {"PATH=/bin:/usr/bin", "WORD=hello", NULL};
    struct ev_child_spec spec = {.env = env, .cwd = "/"};

    assert_int_equal(run_sh("echo $WORD; pwd; exit 7", &spec, out, sizeof(out)), 7);
    assert_string_equal(out, "hello\n/\n");
    assert_int_equal(run_sh("kill -KILL $$", &spec, out, sizeof(out)), 128 + SIGKILL);
    /* Dispositions are the default ones again, though the loop ignores SIGPIPE. */
    assert_int_equal(run_sh("kill -PIPE $$", &spec, out, sizeof(out)), 128 + SIGPIPE);
    assert_int_equal(trail.count, 3);
}

static void an_unknown_program_is_an_error_at_once(void **state)
{
    (void)state;
    struct err err = {0};
    struct ev_child *child = NULL;
    const char *argv[] = {"no-such-program-here", NULL};
    struct ev_child_spec spec = {.argv = argv};

    assert_int_equal(ev_child_new(trail.loop, &spec, on_exit_code, NULL, &child, &err),
                     -ERR_NOT_FOUND);
    assert_null(child);
    assert_string_equal(err.message, "no-such-program-here: program not found");
}

static void freeing_a_running_child_kills_it_silently(void **state)
{
    (void)state;
    struct err err = {0};
    struct ev_child *child = NULL;
    const char *argv[] = {"sleep", "1000", NULL};
    struct ev_child_spec spec = {.argv = argv};

    assert_int_equal(ev_child_new(trail.loop, &spec, on_exit_code, NULL, &child, &err), 0);
    pid_t pid = ev_child_pid(child);
    ev_child_free(child);
    assert_int_equal(kill(pid, 0), -1);
    ev_loop_run(trail.loop);
    assert_int_equal(trail.count, 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(timers_fire_in_order),
        T(many_timers_fire_in_order_when_some_are_taken_out),
        T(freeing_in_a_callback_prevents_the_other),
        T(deferred_work_comes_after_the_callbacks_of_the_turn),
        T(stop_ends_the_turn_and_the_rest_stays),
        T(descriptors_and_regular_files),
        T(signals_arrive_in_the_loop_and_do_not_keep_it_alive),
        T(children_give_their_exit_code),
        T(an_unknown_program_is_an_error_at_once),
        T(freeing_a_running_child_kills_it_silently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
