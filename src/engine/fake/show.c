/*
 * Containers as JSON: inspect and list. Field by field as dockerd 20.10 answers; members that no
 * orchestrator looks at are left out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/fake/world.h"

const char *fake_str(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

const char *fake_label(const struct fake_container *c, const char *key)
{
    return fake_str(c->labels, key);
}

json_t *fake_time(int64_t wall)
{
    char text[CLOCK_RFC3339_MAX];
    return json_string(wall ? clock_rfc3339(wall, text) : "0001-01-01T00:00:00Z");
}

json_t *fake_or_empty(json_t *value)
{
    return json_is_object(value) ? json_deep_copy(value) : json_object();
}

static const char *health_name(enum fake_health h)
{
    static const char *const names[] = {"none", "starting", "healthy", "unhealthy"};
    return names[h];
}

/* --- inspect --- */

static json_t *show_state(const struct fake_container *c)
{
    bool restarting = c->state == FAKE_RESTARTING;
    json_t *s = json_pack("{s:s, s:b, s:b, s:b, s:b, s:b, s:i, s:i, s:s, s:o, s:o}", "Status",
                          fake_state_name(c->state), "Running", fake_is_up(c) || restarting,
                          "Paused", c->state == FAKE_PAUSED, "Restarting", restarting, "OOMKilled",
                          c->oom, "Dead", false, "Pid", c->pid, "ExitCode", c->exit_code, "Error",
                          c->error ? c->error : "", "StartedAt", fake_time(c->started),
                          "FinishedAt", fake_time(c->finished));
    if (c->health != FAKE_HEALTH_NONE) {
        json_object_set_new(
            s, "Health",
            json_pack("{s:s, s:i, s:o}", "Status", health_name(c->health), "FailingStreak",
                      c->failing_streak, "Log",
                      c->health_log ? json_deep_copy(c->health_log) : json_array()));
    }
    return s;
}

static json_t *show_networks(const struct fake_container *c, bool full)
{
    json_t *networks = json_object();
    VEC_FOREACH (struct fake_endpoint, e, &c->endpoints) {
        json_t *one = fake_endpoint_json(c->world, e, full);
        if (fake_podman(c->world)) {
            json_object_set_new(one, "IPAMConfig", json_null());
        }
        json_object_set_new(networks, e->name, one);
    }
    return networks;
}

static json_t *show_host(const struct fake_container *c)
{
    static const char *const defaults[][2] = {{"IpcMode", "private"}, {"Runtime", "runc"}};
    json_t *host = json_deep_copy(c->host);
    if (fake_podman(c->world)) {
        json_object_set_new(host, "NetworkMode", json_string("bridge"));
    }
    if (!json_object_get(host, "LogConfig")) {
        json_object_set_new(host, "LogConfig",
                            json_pack("{s:s, s:{}}", "Type", "json-file", "Config"));
    }
    if (!json_object_get(host, "RestartPolicy")) {
        json_object_set_new(host, "RestartPolicy",
                            json_pack("{s:s, s:i}", "Name", "", "MaximumRetryCount", 0));
    }
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        if (!*fake_str(host, defaults[i][0])) {
            json_object_set_new(host, defaults[i][0], json_string(defaults[i][1]));
        }
    }
    return host;
}

/* Path and Args: the entrypoint, then the command. */
static json_t *full_argv(const struct fake_container *c)
{
    json_t *argv = json_array();
    json_t *entrypoint = json_object_get(c->config, "Entrypoint");
    json_t *command = json_object_get(c->config, "Cmd");
    if (json_is_array(entrypoint)) {
        json_array_extend(argv, entrypoint);
    }
    if (json_is_array(command)) {
        json_array_extend(argv, command);
    }
    return argv;
}

void fake_container_inspect(struct fake_call *call)
{
    const struct fake_container *c = fake_container_of(call);
    if (!c) {
        return;
    }
    json_t *args = full_argv(c);
    CLEANUP_FREE char *path = xstrdup(json_string_value(json_array_get(args, 0))
                                          ? json_string_value(json_array_get(args, 0))
                                          : "");
    CLEANUP_FREE char *name = xasprintf("/%s", c->name);
    json_array_remove(args, 0);
    json_t *v = json_pack(
        "{s:s, s:o, s:s, s:o, s:o, s:s, s:s, s:i, s:s, s:s, s:n, s:o, s:O, s:O, s:{s:o, s:o, s:s}}",
        "Id", c->id, "Created", fake_time(c->created), "Path", path, "Args", args, "State",
        show_state(c), "Image", c->image_id, "Name", name, "RestartCount", c->restart_count,
        "Driver", "overlay2", "Platform", c->world->options.os, "ExecIDs", "HostConfig",
        show_host(c), "Mounts", c->mounts, "Config", c->config, "NetworkSettings", "Ports",
        c->ports ? json_deep_copy(c->ports) : json_object(), "Networks", show_networks(c, true),
        "IPAddress", "");
    fake_answer_json(call, 200, v);
}

/* --- list --- */

/* Like Go's units.HumanDuration. */
static char *human(int64_t ns)
{
    int64_t s = ns / NS_PER_SEC;
    if (s < 1) {
        return xstrdup("Less than a second");
    }
    if (s < 60) {
        return xasprintf("%d second%s", (int)s, s == 1 ? "" : "s");
    }
    if (s < 120) {
        return xstrdup("About a minute");
    }
    return s < 3600 ? xasprintf("%d minutes", (int)(s / 60))
                    : xasprintf("%d hours", (int)(s / 3600));
}

static char *status_text(const struct fake_container *c)
{
    CLEANUP_FREE char *up = human(clock_wall() - c->started);
    CLEANUP_FREE char *down = human(clock_wall() - c->finished);
    switch (c->state) {
    case FAKE_PAUSED:
        return xasprintf("Up %s (Paused)", up);
    case FAKE_RUNNING:
        if (c->health == FAKE_HEALTH_NONE) {
            return xasprintf("Up %s", up);
        }
        return xasprintf("Up %s (%s%s)", up, c->health == FAKE_HEALTH_STARTING ? "health: " : "",
                         health_name(c->health));
    case FAKE_RESTARTING:
        return xasprintf("Restarting (%d) %s ago", c->exit_code, down);
    case FAKE_EXITED:
        return c->finished ? xasprintf("Exited (%d) %s ago", c->exit_code, down)
                           : xstrdup("Created");
    default:
        return xstrdup("Created");
    }
}

static json_t *show_ports(const struct fake_container *c)
{
    json_t *list = json_array(), *bindings = NULL, *b = NULL;
    const char *key = NULL;
    size_t i = 0;
    json_object_foreach(c->ports, key, bindings)
    {
        const char *slash = strchr(key, '/');
        json_int_t private_port = 0;
        for (const char *p = key; *p >= '0' && *p <= '9'; p++) {
            private_port = private_port * 10 + (*p - '0');
        }
        if (!json_is_array(bindings)) {
            json_array_append_new(list, json_pack("{s:I, s:s}", "PrivatePort", private_port, "Type",
                                                  slash ? slash + 1 : "tcp"));
        }
        json_array_foreach(bindings, i, b)
        {
            json_int_t public_port = 0;
            for (const char *p = fake_str(b, "HostPort"); *p >= '0' && *p <= '9'; p++) {
                public_port = public_port * 10 + (*p - '0');
            }
            json_array_append_new(list,
                                  json_pack("{s:s, s:I, s:I, s:s}", "IP", fake_str(b, "HostIp"),
                                            "PrivatePort", private_port, "PublicPort", public_port,
                                            "Type", slash ? slash + 1 : "tcp"));
        }
    }
    return list;
}

static json_t *summary(const struct fake_container *c)
{
    json_t *argv = full_argv(c);
    CLEANUP_FREE char *command = fake_join(argv);
    CLEANUP_FREE char *name = xasprintf("/%s", c->name);
    CLEANUP_FREE char *status = status_text(c);
    bool podman = fake_podman(c->world);
    CLEANUP_FREE char *image = podman && !strchr(c->image, '/')
                                   ? xasprintf("localhost/%s", c->image)
                                   : xstrdup(c->image);
    json_t *v = json_pack(
        "{s:s, s:[s], s:s, s:s, s:s, s:I, s:o, s:O, s:s, s:s, s:{s:s}, s:{s:o}, s:O}", "Id", c->id,
        "Names", name, "Image", image, "ImageID", c->image_id, "Command", command, "Created",
        (json_int_t)(c->created / NS_PER_SEC), "Ports", show_ports(c), "Labels", c->labels, "State",
        fake_state_name(c->state), "Status", status, "HostConfig", "NetworkMode",
        podman ? "bridge" : fake_str(c->host, "NetworkMode"), "NetworkSettings", "Networks",
        show_networks(c, false), "Mounts", c->mounts);
    json_decref(argv);
    return v;
}

static bool on_network(const struct fake_call *call, const struct fake_container *c)
{
    if (!fake_filter_has(call, "network")) {
        return true;
    }
    VEC_FOREACH (struct fake_endpoint, e, &c->endpoints) {
        if (fake_filter_is(call, "network", e->name) ||
            (e->network && fake_filter_is(call, "network", e->network->id))) {
            return true;
        }
    }
    return false;
}

static bool listed(const struct fake_call *call, const struct fake_container *c, bool all)
{
    bool shown = all || fake_is_up(c) || c->state == FAKE_RESTARTING ||
                 fake_filter_has(call, "status");
    CLEANUP_FREE char *slashed = xasprintf("/%s", c->name);
    return shown && fake_filter_labels(call, c->labels) &&
           fake_filter_part(call, "name", slashed) &&
           fake_filter_is(call, "status", fake_state_name(c->state)) &&
           fake_filter_is(call, "health", health_name(c->health)) &&
           (fake_filter_is(call, "id", c->id) || fake_filter_part(call, "id", c->id)) &&
           (!fake_filter_has(call, "ancestor") || fake_filter_is(call, "ancestor", c->image) ||
            fake_filter_is(call, "ancestor", c->image_id)) &&
           on_network(call, c);
}

void fake_container_list(struct fake_call *call)
{
    const struct fake_world *w = call->world;
    bool all = fake_param_true(call, "all");
    json_t *list = NULL;
    if (!fake_filters(call)) {
        return;
    }
    list = json_array();
    for (size_t i = w->containers.len; i > 0; i--) { /* the newest first */
        const struct fake_container *c = w->containers.items[i - 1];
        if (listed(call, c, all)) {
            json_array_append_new(list, summary(c));
        }
    }
    fake_answer_json(call, 200, list);
}
