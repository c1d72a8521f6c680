/*
 * One probe of a target, for tests with real servers: prints "verdict|layer|code|text" and leaves
 * with 0 when ready, else 1. With a count, repeats it and prints the milliseconds of each after the
 * text.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/parse.h"
#include "ev/ev.h"
#include "probe/runner.h"
#include "probe/target.h"

struct once {
    struct ev_loop *loop;
    struct outcome outcome;
};

static void done(const struct outcome *o, void *arg)
{
    struct once *once = arg;
    once->outcome = *o;
    ev_loop_stop(once->loop);
}

int main(int argc, char **argv)
{
    struct arena arena;
    struct probe_spec spec;
    struct err err = {0};
    int64_t count = 1;
    if (argc < 2 || (argc > 2 && parse_int(argv[2], 1, 100000, &count, &err) < 0)) {
        fprintf(stderr, "usage: probe_once TARGET [COUNT]\n");
        return 2;
    }
    arena_init(&arena);
    if (probe_target_parse(argv[1], &arena, &spec, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        return 2;
    }
    struct once once = {.loop = ev_loop_new()};
    struct resolver *resolver = resolver_new(once.loop);
    struct probe_runner *runner = probe_runner_new(once.loop, resolver);
    for (int64_t i = 0; i < count; i++) {
        probe_run_start(runner, &spec, NULL, CLOCK_NEVER, done, &once);
        ev_loop_run(once.loop);
        printf("%s|%s|%s|%s", verdict_name(once.outcome.verdict),
               probe_layer_name(once.outcome.layer), once.outcome.code, once.outcome.text);
        if (count > 1) {
            printf("|%.3f", (double)once.outcome.duration / (double)NS_PER_MS);
        }
        printf("\n");
    }
    probe_runner_free(runner);
    resolver_free(resolver);
    ev_loop_free(once.loop);
    arena_release(&arena);
    return once.outcome.verdict == VERDICT_READY ? 0 : 1;
}
