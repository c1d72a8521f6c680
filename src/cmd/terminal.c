/*
 * Raw mode of the terminal. While it lasts, exit() and every signal that ends the program restore
 * it first; SIGINT and SIGTERM are the loop's, which leads to terminal_restore() in order.
 */
#include "cmd/terminal.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"

static const int fatal[] = {SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

static struct termios before;
static struct sigaction actions[ARRAY_LEN(fatal)]; /* the old ones */
static volatile sig_atomic_t is_raw;

/* Only what is safe in a signal handler. Once this returns the signal strikes again, as it would
 * have without us. */
static void on_fatal(int signo)
{
    if (is_raw) {
        is_raw = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    }
    for (size_t i = 0; i < ARRAY_LEN(fatal); i++) {
        if (fatal[i] == signo) {
            sigaction(signo, &actions[i], NULL);
        }
    }
    raise(signo);
}

static void catch_signals(void)
{
    struct sigaction ours = {.sa_handler = on_fatal};
    sigfillset(&ours.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(fatal); i++) {
        sigaction(fatal[i], NULL, &actions[i]);
        if (actions[i].sa_handler != SIG_IGN) { /* nohup's stays */
            sigaction(fatal[i], &ours, NULL);
        }
    }
}

static void release_signals(void)
{
    for (size_t i = 0; i < ARRAY_LEN(fatal); i++) {
        sigaction(fatal[i], &actions[i], NULL);
    }
}

void terminal_restore(void)
{
    if (is_raw) {
        is_raw = 0;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
        release_signals();
    }
}

void terminal_raw(void)
{
    static bool registered;
    struct termios raw;
    if (is_raw || tcgetattr(STDIN_FILENO, &before)) {
        return;
    }
    if (!registered) {
        registered = true;
        atexit(terminal_restore);
    }
    raw = before;
    cfmakeraw(&raw);
    catch_signals();
    is_raw = 1;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}
