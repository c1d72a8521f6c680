/*
 * tiny: a program for test containers that does one thing and dies when told to.
 *
 *   tiny pause                          does nothing
 *   tiny exit CODE [MS]                 leaves with CODE after MS milliseconds
 *   tiny tcp PORT [MS]                  listens on PORT after MS, greets and hangs up
 *   tiny http PORT [STATUS [MS]]        answers every request with STATUS (200), from MS on
 *   tiny flaky PORT UNTIL_MS            answers 503 until UNTIL_MS after its start, then 200
 *   tiny loopback PORT                  like http, but listens on 127.0.0.1 only
 *   tiny stubborn                       ignores SIGTERM
 *
 * It is the first process of its container: unlike sleep it handles SIGTERM and SIGINT, so that a
 * container is gone at once. No library but libc, linked statically, a few hundred kilobytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void leave(int sig)
{
    (void)sig;
    _exit(0);
}

static long number(int argc, char **argv, int at, long otherwise)
{
    return at < argc ? strtol(argv[at], NULL, 10) : otherwise;
}

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wait_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) < 0 && errno == EINTR) {
    }
}

static void fail(const char *what)
{
    perror(what);
    _exit(111);
}

static int listen_on(long port, in_addr_t address)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((unsigned short)port),
                            .sin_addr.s_addr = htonl(address)};
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 128) < 0) {
        fail("listen");
    }
    return fd;
}

/* Reads up to the end of the request's head, so that closing sends no reset. */
static void read_head(int fd)
{
    char buf[4096];
    size_t n = 0;
    while (n < sizeof(buf) - 1) {
        ssize_t got = read(fd, buf + n, sizeof(buf) - 1 - n);
        if (got <= 0) {
            return;
        }
        n += (size_t)got;
        buf[n] = '\0';
        if (strstr(buf, "\r\n\r\n") != NULL) {
            return;
        }
    }
}

static void answer(int fd, long status)
{
    char text[200];
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 %ld tiny\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
                     "Connection: close\r\n\r\ntiny\n",
                     status);
    read_head(fd);
    if (write(fd, text, (size_t)n) < 0) {
        perror("write");
    }
}

/* Serves for ever: a plain greeting for status 0, else HTTP; `bad_until` is when 503 ends. */
static void serve(int listener, long status, long bad_until)
{
    static const char greeting[] = "tiny\r\n";
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            continue;
        }
        if (status != 0) {
            answer(fd, now_ms() < bad_until ? 503 : status);
        } else if (write(fd, greeting, sizeof(greeting) - 1) < 0) {
            perror("write");
        }
        close(fd);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "pause";
    long port = number(argc, argv, 2, 0);
    long begin = now_ms();

    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, strcmp(what, "stubborn") == 0 ? SIG_IGN : leave);
    signal(SIGINT, leave);
    if (strcmp(what, "exit") == 0) {
        wait_ms(number(argc, argv, 3, 0));
        return (int)port;
    }
    if (strcmp(what, "tcp") == 0) {
        wait_ms(number(argc, argv, 3, 0));
        serve(listen_on(port, INADDR_ANY), 0, 0);
    }
    if (strcmp(what, "http") == 0) {
        wait_ms(number(argc, argv, 4, 0));
        serve(listen_on(port, INADDR_ANY), number(argc, argv, 3, 200), 0);
    }
    if (strcmp(what, "flaky") == 0) {
        serve(listen_on(port, INADDR_ANY), 200, begin + number(argc, argv, 3, 0));
    }
    if (strcmp(what, "loopback") == 0) {
        serve(listen_on(port, INADDR_LOOPBACK), 200, 0);
    }
    if (strcmp(what, "pause") != 0 && strcmp(what, "stubborn") != 0) {
        fprintf(stderr, "tiny: what is %s?\n", what);
        return 2;
    }
    for (;;) {
        pause();
    }
}
