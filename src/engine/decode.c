/*
 * The engine's JSON to plain types: lists, networks, volumes. Pure.
 */
#include "engine/decode.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"

const char *json_text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

int64_t json_number(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_real(v) ? (int64_t)json_real_value(v) : (int64_t)json_integer_value(v);
}

static const char *copy(struct arena *a, const char *s)
{
    return *s ? arena_strdup(a, s) : "";
}

static const char *text(struct arena *a, const json_t *object, const char *key)
{
    return copy(a, json_text(object, key));
}

static struct key_values pairs(struct arena *a, const json_t *object)
{
    struct key_values kv = {.count = json_object_size(object), .set = json_is_object(object)};
    const char *key = NULL;
    json_t *value = NULL;
    size_t i = 0;
    kv.items = arena_array(a, kv.count, sizeof(*kv.items));
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        kv.items[i].key = arena_strdup(a, key);
        kv.items[i++].value = arena_strdup(a, json_string_value(value));
    }
    return kv;
}

static const char *label(const struct key_values *labels, const char *name)
{
    const char *v = key_values_get(labels, name, NULL);
    return v ? v : "";
}

static void read_labels(struct observed_container *c)
{
    const struct key_values *l = &c->labels;
    int64_t number = 0;
    c->project = label(l, "com.docker.compose.project");
    c->service = label(l, "com.docker.compose.service");
    c->config_hash = label(l, "com.docker.compose.config-hash");
    c->image_label = label(l, "com.docker.compose.image");
    c->depends_on = label(l, "com.docker.compose.depends_on");
    c->working_dir = label(l, "com.docker.compose.project.working_dir");
    c->config_files = label(l, "com.docker.compose.project.config_files");
    c->replace = label(l, "com.docker.compose.replace");
    c->oneoff = strcmp(label(l, "com.docker.compose.oneoff"), "True") == 0;
    if (!parse_int(label(l, "com.docker.compose.container-number"), 0, 1000000, &number, NULL)) {
        c->number = (int)number;
    }
}

/* "Up 2 minutes (healthy)", "Exited (137) 3 seconds ago" */
static void read_status(struct observed_container *c)
{
    int64_t code = 0;
    char digits[8] = "";
    if (strstr(c->status, "(healthy)")) {
        c->health = ENGINE_HEALTH_HEALTHY;
    } else if (strstr(c->status, "(unhealthy)")) {
        c->health = ENGINE_HEALTH_UNHEALTHY;
    } else if (strstr(c->status, "(health: starting)") || strstr(c->status, "(starting)")) {
        c->health = ENGINE_HEALTH_STARTING;
    }
    if (c->state == CONTAINER_EXITED && strncmp(c->status, "Exited (", 8) == 0) {
        size_t n = strspn(c->status + 8, "-0123456789");
        if (n < sizeof(digits)) {
            memcpy(digits, c->status + 8, n);
        }
        if (!parse_int(digits, -255, 255, &code, NULL)) {
            c->exit_code = (int)code;
        }
    }
}

static void decode_endpoints(struct arena *a, const json_t *networks,
                             struct observed_endpoint **ret, size_t *ret_count)
{
    const char *key = NULL;
    json_t *value = NULL;
    size_t n = 0;
    *ret = arena_array(a, json_object_size(networks), sizeof(**ret));
    json_object_foreach((json_t *)(uintptr_t)networks, key, value)
    {
        (*ret)[n++] = (struct observed_endpoint){.network = arena_strdup(a, key),
                                                 .network_id = text(a, value, "NetworkID"),
                                                 .ip = text(a, value, "IPAddress"),
                                                 .ip6 = text(a, value, "GlobalIPv6Address")};
    }
    *ret_count = n;
}

static void decode_mounts(struct arena *a, const json_t *mounts, struct observed_container *c)
{
    size_t i = 0;
    json_t *m = NULL;
    c->mounts = arena_array(a, json_array_size(mounts), sizeof(*c->mounts));
    json_array_foreach(mounts, i, m)
    {
        c->mounts[c->mount_count++] = (struct observed_mount){
            .type = text(a, m, "Type"),
            .name = text(a, m, "Name"),
            .source = text(a, m, "Source"),
            .target = text(a, m, "Destination"),
            .read_only = json_is_false(json_object_get(m, "RW"))};
    }
}

static void decode_list_ports(struct arena *a, const json_t *ports, struct observed_container *c)
{
    size_t i = 0;
    json_t *p = NULL;
    c->ports = arena_array(a, json_array_size(ports), sizeof(*c->ports));
    json_array_foreach(ports, i, p)
    {
        c->ports[c->port_count++] = (struct observed_port){
            .ip = text(a, p, "IP"),
            .private_port = (uint16_t)json_number(p, "PrivatePort"),
            .public_port = (uint16_t)json_number(p, "PublicPort"),
            .protocol = text(a, p, "Type")};
    }
}

static void decode_container(struct arena *a, const json_t *o, struct observed_container *c)
{
    const char *name = json_string_value(json_array_get(json_object_get(o, "Names"), 0));
    const json_t *created = json_object_get(o, "Created");
    enum container_state state = container_state_from_name(json_text(o, "State"));
    name = name ? name : "";
    *c = (struct observed_container){
        .id = text(a, o, "Id"),
        .name = copy(a, *name == '/' ? name + 1 : name),
        .image = text(a, o, "Image"),
        .image_id = text(a, o, "ImageID"),
        .command = text(a, o, "Command"),
        .status = text(a, o, "Status"),
        .state = state == CONTAINER_STATE_COUNT ? CONTAINER_CREATED : state,
        .labels = pairs(a, json_object_get(o, "Labels")),
    };
    if (json_is_integer(created)) {
        c->created = (int64_t)json_integer_value(created) * NS_PER_SEC;
    } else if (json_is_string(created) &&
               parse_rfc3339(json_string_value(created), &c->created, NULL)) {
        c->created = 0;
    }
    read_labels(c);
    read_status(c);
    decode_endpoints(a, json_object_get(json_object_get(o, "NetworkSettings"), "Networks"),
                     &c->endpoints, &c->endpoint_count);
    decode_mounts(a, json_object_get(o, "Mounts"), c);
    decode_list_ports(a, json_object_get(o, "Ports"), c);
}

static int by_service(const void *x, const void *y)
{
    const struct observed_container *a = x, *b = y;
    int c = strcmp(a->service, b->service);
    c = c ? c : (a->number > b->number) - (a->number < b->number);
    return c ? c : strcmp(a->name, b->name);
}

void decode_containers(struct arena *a, const json_t *array, struct observed_container **ret,
                       size_t *ret_count)
{
    size_t i = 0, n = json_array_size(array);
    json_t *o = NULL;
    *ret = arena_array(a, n, sizeof(**ret));
    json_array_foreach(array, i, o)
    {
        decode_container(a, o, &(*ret)[i]);
    }
    if (n > 1) {
        qsort(*ret, n, sizeof(**ret), by_service);
    }
    *ret_count = n;
}

void decode_network(struct arena *a, const json_t *o, struct observed_network *ret)
{
    *ret = (struct observed_network){.id = text(a, o, "Id"),
                                     .name = text(a, o, "Name"),
                                     .driver = text(a, o, "Driver"),
                                     .labels = pairs(a, json_object_get(o, "Labels"))};
    ret->key = label(&ret->labels, "com.docker.compose.network");
    ret->project = label(&ret->labels, "com.docker.compose.project");
    ret->config_hash = label(&ret->labels, "com.docker.compose.config-hash");
}

void decode_networks(struct arena *a, const json_t *array, struct observed_network **ret,
                     size_t *ret_count)
{
    size_t i = 0;
    json_t *o = NULL;
    *ret_count = json_array_size(array);
    *ret = arena_array(a, *ret_count, sizeof(**ret));
    json_array_foreach(array, i, o)
    {
        decode_network(a, o, &(*ret)[i]);
    }
}

void decode_volume(struct arena *a, const json_t *o, struct observed_volume *ret)
{
    *ret = (struct observed_volume){.name = text(a, o, "Name"),
                                    .driver = text(a, o, "Driver"),
                                    .mountpoint = text(a, o, "Mountpoint"),
                                    .labels = pairs(a, json_object_get(o, "Labels"))};
    ret->key = label(&ret->labels, "com.docker.compose.volume");
    ret->project = label(&ret->labels, "com.docker.compose.project");
    ret->config_hash = label(&ret->labels, "com.docker.compose.config-hash");
}

void decode_volumes(struct arena *a, const json_t *object, struct observed_volume **ret,
                    size_t *ret_count)
{
    const json_t *array = json_object_get(object, "Volumes");
    size_t i = 0;
    json_t *o = NULL;
    *ret_count = json_array_size(array);
    *ret = arena_array(a, *ret_count, sizeof(**ret));
    json_array_foreach(array, i, o)
    {
        decode_volume(a, o, &(*ret)[i]);
    }
}

static struct string_list strings(struct arena *a, const json_t *array)
{
    struct string_list l = {.set = json_is_array(array)};
    size_t i = 0;
    json_t *v = NULL;
    l.items = arena_array(a, json_array_size(array) + 1, sizeof(*l.items));
    json_array_foreach(array, i, v)
    {
        if (json_is_string(v)) {
            l.items[l.count++] = arena_strdup(a, json_string_value(v));
        }
    }
    return l;
}

static struct string_list keys(struct arena *a, const json_t *object)
{
    struct string_list l = {.set = json_is_object(object)};
    const char *key = NULL;
    json_t *value = NULL;
    l.items = arena_array(a, json_object_size(object) + 1, sizeof(*l.items));
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        l.items[l.count++] = arena_strdup(a, key);
    }
    return l;
}

/* "K=V" strings */
static struct key_values environment(struct arena *a, const json_t *array)
{
    struct key_values kv = {.set = json_is_array(array)};
    size_t i = 0;
    json_t *v = NULL;
    kv.items = arena_array(a, json_array_size(array), sizeof(*kv.items));
    json_array_foreach(array, i, v)
    {
        const char *s = json_string_value(v);
        const char *eq = s ? strchr(s, '=') : NULL;
        if (s) {
            kv.items[kv.count].key = eq ? arena_strndup(a, s, (size_t)(eq - s))
                                        : arena_strdup(a, s);
            kv.items[kv.count++].value = eq ? arena_strdup(a, eq + 1) : NULL;
        }
    }
    return kv;
}

static int64_t or_unset(int64_t ns)
{
    return ns > 0 ? ns : -1;
}

static struct healthcheck healthcheck(struct arena *a, const json_t *o)
{
    struct healthcheck h = {
        .interval = -1, .timeout = -1, .start_period = -1, .start_interval = -1, .retries = -1};
    if (!json_is_object(o)) {
        return h;
    }
    h.test = strings(a, json_object_get(o, "Test"));
    h.set = h.test.count > 0;
    h.disable = h.set && strcmp(h.test.items[0], "NONE") == 0;
    h.interval = or_unset(json_number(o, "Interval"));
    h.timeout = or_unset(json_number(o, "Timeout"));
    h.start_period = or_unset(json_number(o, "StartPeriod"));
    h.start_interval = or_unset(json_number(o, "StartInterval"));
    h.retries = json_number(o, "Retries") > 0 ? (int)json_number(o, "Retries") : -1;
    return h;
}

void decode_image(struct arena *a, const char *reference, const json_t *o,
                  struct observed_image *ret)
{
    const json_t *config = json_object_get(o, "Config");
    const char *tagged = json_text(json_object_get(o, "Metadata"), "LastTagTime");
    *ret = (struct observed_image){
        .reference = arena_strdup(a, reference),
        .id = text(a, o, "Id"),
        .architecture = text(a, o, "Architecture"),
        .os = text(a, o, "Os"),
        .environment = environment(a, json_object_get(config, "Env")),
        .exposed_ports = keys(a, json_object_get(config, "ExposedPorts")),
        .volumes = keys(a, json_object_get(config, "Volumes")),
        .entrypoint = strings(a, json_object_get(config, "Entrypoint")),
        .command = strings(a, json_object_get(config, "Cmd")),
        .healthcheck = healthcheck(a, json_object_get(config, "Healthcheck")),
        .stop_signal = text(a, config, "StopSignal"),
    };
    if (*tagged && parse_rfc3339(tagged, &ret->last_tag_time, NULL)) {
        ret->last_tag_time = 0;
    }
}

static int64_t when(const json_t *object, const char *key)
{
    int64_t t = 0;
    return parse_rfc3339(json_text(object, key), &t, NULL) ? 0 : t;
}

/* {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]} */
static void decode_bindings(struct arena *a, const json_t *map, struct container_details *d)
{
    const char *key = NULL;
    json_t *list = NULL, *binding = NULL;
    size_t i = 0, room = 0;
    json_object_foreach((json_t *)(uintptr_t)map, key, list)
    {
        room += json_array_size(list);
    }
    d->ports = arena_array(a, room, sizeof(*d->ports));
    json_object_foreach((json_t *)(uintptr_t)map, key, list)
    {
        json_array_foreach(list, i, binding)
        {
            struct observed_port *p = &d->ports[d->port_count];
            const char *slash = strchr(key, '/');
            CLEANUP_FREE char *number = xstrndup(key, slash ? (size_t)(slash - key) : strlen(key));
            if (!parse_port(number, &p->private_port, NULL) &&
                !parse_port(json_text(binding, "HostPort"), &p->public_port, NULL)) {
                p->ip = text(a, binding, "HostIp");
                p->protocol = slash ? arena_strdup(a, slash + 1) : "tcp";
                d->port_count++;
            }
        }
    }
}

void decode_details(struct arena *a, const json_t *o, struct container_details *ret)
{
    const json_t *state = json_object_get(o, "State"), *config = json_object_get(o, "Config");
    const json_t *host = json_object_get(o, "HostConfig");
    const json_t *settings = json_object_get(o, "NetworkSettings");
    const json_t *health = json_object_get(state, "Health");
    const json_t *log = json_object_get(health, "Log");
    const char *name = json_text(o, "Name");
    enum container_state s = container_state_from_name(json_text(state, "Status"));
    *ret = (struct container_details){
        .id = text(a, o, "Id"),
        .name = copy(a, *name == '/' ? name + 1 : name),
        .image_id = text(a, o, "Image"),
        .state = s == CONTAINER_STATE_COUNT ? CONTAINER_CREATED : s,
        .health = engine_health_from_name(json_text(health, "Status")),
        .exit_code = (int)json_number(state, "ExitCode"),
        .restart_count = (int)json_number(o, "RestartCount"),
        .pid = json_number(state, "Pid"),
        .oom_killed = json_is_true(json_object_get(state, "OOMKilled")),
        .tty = json_is_true(json_object_get(config, "Tty")),
        .error = text(a, state, "Error"),
        .health_output = json_array_size(log)
                             ? text(a, json_array_get(log, json_array_size(log) - 1), "Output")
                             : "",
        .created = when(o, "Created"),
        .started = when(state, "StartedAt"),
        .finished = when(state, "FinishedAt"),
        .restart_policy = text(a, json_object_get(host, "RestartPolicy"), "Name"),
        .network_mode = text(a, host, "NetworkMode"),
        .environment_text = strings(a, json_object_get(config, "Env")),
        .healthcheck = healthcheck(a, json_object_get(config, "Healthcheck")),
    };
    decode_endpoints(a, json_object_get(settings, "Networks"), &ret->endpoints,
                     &ret->endpoint_count);
    decode_bindings(a, json_object_get(settings, "Ports"), ret);
}
