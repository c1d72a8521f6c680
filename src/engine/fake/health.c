/*
 * The engine's own health checks: first after one interval, then one interval after the last
 * answer; failures during the start period do not count (dockerd; Podman never runs them).
 */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/fake/world.h"

enum { LOG_MAX = 5, RETRIES_DEFAULT = 3, INTERVAL_DEFAULT_S = 30 };

static void probe(void *arg);

static json_t *check_of(const struct fake_container *c)
{
    return json_object_get(c->config, "Healthcheck");
}

static int64_t setting(const struct fake_container *c, const char *key)
{
    return json_integer_value(json_object_get(check_of(c), key));
}

static bool has_check(const struct fake_container *c)
{
    const json_t *test = json_object_get(check_of(c), "Test");
    const char *first = json_string_value(json_array_get(test, 0));
    return first && !str_eq(first, "NONE");
}

static int64_t until_next(const struct fake_container *c)
{
    int64_t interval = setting(c, "Interval"), quick = setting(c, "StartInterval");
    bool starting = c->health == FAKE_HEALTH_STARTING &&
                    clock_wall() < c->started + fake_scaled(c->world, setting(c, "StartPeriod"));
    if (starting && quick && fake_api(c->world, 44)) {
        return fake_scaled(c->world, quick);
    }
    return fake_scaled(c->world, interval ? interval : INTERVAL_DEFAULT_S * NS_PER_SEC);
}

void fake_health_begin(struct fake_container *c)
{
    c->health = FAKE_HEALTH_NONE;
    json_decref(c->health_log);
    c->health_log = NULL;
    c->failing_streak = 0;
    if (!has_check(c)) {
        return;
    }
    c->health = FAKE_HEALTH_STARTING;
    if (!fake_podman(c->world)) {
        fake_task_add(c->world, fake_now(c->world) + until_next(c), probe, c);
    }
}

void fake_health_end(struct fake_container *c)
{
    fake_task_cancel(c->world, probe, c);
    if (c->health != FAKE_HEALTH_NONE) {
        c->health = FAKE_HEALTH_BAD;
    }
}

static void set_health(struct fake_container *c, enum fake_health health)
{
    if (c->health != health) {
        c->health = health;
        fake_emit_container(
            c, health == FAKE_HEALTH_OK ? "health_status: healthy" : "health_status: unhealthy",
            NULL);
    }
}

/* The test as a command line: without CMD; CMD-SHELL as sh -c. */
static char *test_line(const struct fake_container *c)
{
    const json_t *test = json_object_get(check_of(c), "Test");
    CLEANUP_FREE char *line = fake_join(test);
    if (str_starts(line, "CMD-SHELL ")) {
        return xasprintf("/bin/sh -c %s", line + strlen("CMD-SHELL "));
    }
    return xstrdup(str_starts(line, "CMD ") ? line + strlen("CMD ") : line);
}

static void judge(struct fake_container *c, int code)
{
    int64_t retries = setting(c, "Retries");
    bool excused = c->health == FAKE_HEALTH_STARTING &&
                   clock_wall() < c->started + fake_scaled(c->world, setting(c, "StartPeriod"));
    if (code == 0) {
        c->failing_streak = 0;
        set_health(c, FAKE_HEALTH_OK);
    } else if (!excused) {
        c->failing_streak++;
        if (c->failing_streak >= (retries ? retries : RETRIES_DEFAULT)) {
            set_health(c, FAKE_HEALTH_BAD);
        }
    }
}

static void probe(void *arg)
{
    struct fake_container *c = arg;
    const char *out = NULL, *err = NULL;
    CLEANUP_FREE char *line = test_line(c);
    int64_t now = clock_wall();
    if (c->state == FAKE_RUNNING) {
        int code = fake_exec_answer(c, fake_exec_rule(c, line), &out, &err);
        if (!c->health_log) {
            c->health_log = json_array();
        }
        json_array_append_new(c->health_log, json_pack("{s:o, s:o, s:i, s:s}", "Start",
                                                       fake_time(now), "End", fake_time(now),
                                                       "ExitCode", code, "Output", out ? out : ""));
        if (json_array_size(c->health_log) > LOG_MAX) {
            json_array_remove(c->health_log, 0);
        }
        judge(c, code);
    }
    fake_task_add(c->world, fake_now(c->world) + until_next(c), probe, c);
}
