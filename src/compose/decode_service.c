/*
 * A service of the typed tree to struct service. Pure; one function for each group of keys.
 */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/vec.h"
#include "compose/decode_parts.h"
#include "compose/hash.h"
#include "compose/normalize.h"

static enum condition condition_of(const char *text)
{
    for (int i = 0; i < CONDITION_COUNT; i++) {
        if (str_eq(condition_name((enum condition)i), text)) {
            return (enum condition)i;
        }
    }
    return CONDITION_STARTED;
}

static int by_dependency(const void *a, const void *b)
{
    const struct depends_on *left = a, *right = b;
    return strcmp(left->service, right->service);
}

static void decode_dependencies(struct service *s, const struct node *n, struct arena *arena)
{
    const struct node *map = node_get(n, "depends_on");
    if (!node_is(map, NODE_MAP)) {
        return;
    }
    s->depends_on = arena_array(arena, map->len + 1, sizeof(*s->depends_on));
    NODE_ENTRIES(entry, map)
    {
        s->depends_on[s->depends_on_count++] = (struct depends_on){
            .service = entry->key,
            .condition = condition_of(get_text(entry->value, "condition")),
            .restart = get_bool(entry->value, "restart"),
            .required = get_tristate(entry->value, "required") != NO,
            .implied = get_bool(entry->value, NORMALIZE_IMPLIED),
            .at = entry->at};
    }
    if (s->depends_on_count) {
        qsort(s->depends_on, s->depends_on_count, sizeof(*s->depends_on), by_dependency);
    }
}

static void decode_health(struct healthcheck *h, const struct node *n, struct arena *arena)
{
    const struct node *map = node_get(n, "healthcheck");
    *h = (struct healthcheck){
        .interval = -1, .timeout = -1, .start_period = -1, .start_interval = -1, .retries = -1};
    if (!node_is(map, NODE_MAP)) {
        return;
    }
    h->set = true;
    h->at = map->at;
    h->test = get_list(arena, map, "test");
    h->disable = get_bool(map, "disable") || (h->test.count && str_eq(h->test.items[0], "NONE"));
    h->interval = get_duration(map, "interval", -1);
    h->timeout = get_duration(map, "timeout", -1);
    h->start_period = get_duration(map, "start_period", -1);
    h->start_interval = get_duration(map, "start_interval", -1);
    h->retries = (int)get_int(map, "retries", -1);
}

void decode_ports(struct service *s, const struct node *n, struct arena *arena)
{
    const struct node *list = NULL;
    s->port_count = list_count(n, "ports", &list);
    s->ports = arena_array(arena, s->port_count + 1, sizeof(*s->ports));
    for (size_t i = 0; i < s->port_count; i++) {
        const struct node *p = list->items[i];
        const char *protocol = get_text(p, "protocol");
        s->ports[i] = (struct port){.host_ip = get_text(p, "host_ip"),
                                    .published = get_text(p, "published"),
                                    .target = (uint16_t)get_int(p, "target", 0),
                                    .protocol = protocol ? protocol : "",
                                    .mode = get_text(p, "mode"),
                                    .name = get_text(p, "name"),
                                    .app_protocol = get_text(p, "app_protocol"),
                                    .at = p->at};
    }
}

static int by_priority(const void *a, const void *b)
{
    const struct service_network *left = a, *right = b;
    if (left->priority != right->priority) {
        return left->priority > right->priority ? -1 : 1;
    }
    return strcmp(left->network, right->network);
}

static void decode_networks(struct service *s, const struct node *n, struct arena *arena)
{
    const struct node *map = node_get(n, "networks");
    if (!node_is(map, NODE_MAP)) {
        return;
    }
    s->networks = arena_array(arena, map->len + 1, sizeof(*s->networks));
    NODE_ENTRIES(entry, map)
    {
        const struct node *net = entry->value;
        s->networks[s->network_count++] = (struct service_network){
            .network = entry->key,
            .configured = node_is(net, NODE_MAP),
            .aliases = get_list(arena, net, "aliases"),
            .ipv4_address = get_text(net, "ipv4_address"),
            .ipv6_address = get_text(net, "ipv6_address"),
            .mac_address = get_text(net, "mac_address"),
            .interface_name = get_text(net, "interface_name"),
            .link_local_ips = get_list(arena, net, "link_local_ips"),
            .driver_opts = get_map(arena, net, "driver_opts"),
            .priority = (int)get_int(net, "priority", 0),
            .gw_priority = (int)get_int(net, "gw_priority", 0),
            .at = entry->at};
    }
    if (s->network_count) {
        qsort(s->networks, s->network_count, sizeof(*s->networks), by_priority);
    }
}

/* vendor/class=name: a device of the Container Device Interface. */
static bool is_cdi(const char *name)
{
    const char *slash = strchr(name, '/'), *eq = strchr(name, '=');
    return name[0] != '/' && slash && eq && slash > name && eq > slash + 1 && eq[1] &&
           !strpbrk(eq + 1, "/=");
}

static void decode_devices_of(struct service *s, const struct node *n, struct arena *arena)
{
    const struct node *list = NULL;
    size_t count = list_count(n, "devices", &list);
    s->devices = arena_array(arena, count + 1, sizeof(*s->devices));
    s->cdi_devices.items = arena_array(arena, count + 1, sizeof(*s->cdi_devices.items));
    for (size_t i = 0; i < count; i++) {
        const char *source = get_text(list->items[i], "source");
        const char *target = get_text(list->items[i], "target");
        if (source && str_eq(source, target) && is_cdi(source)) {
            s->cdi_devices.items[s->cdi_devices.count++] = source;
        } else {
            s->devices[s->device_count++] = (struct device){
                .source = source,
                .target = target,
                .permissions = get_text(list->items[i], "permissions")};
        }
    }
    s->gpus = decode_devices(n, "gpus", &s->gpu_count, arena);
}

static int by_ulimit(const void *a, const void *b)
{
    const struct ulimit *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static void decode_ulimits(struct service *s, const struct node *n, struct arena *arena)
{
    const struct node *map = node_get(n, "ulimits");
    if (!node_is(map, NODE_MAP)) {
        return;
    }
    s->ulimits = arena_array(arena, map->len + 1, sizeof(*s->ulimits));
    NODE_ENTRIES(entry, map)
    {
        int64_t single = node_is(entry->value, NODE_INT) ? entry->value->integer : 0;
        s->ulimits[s->ulimit_count++] = (struct ulimit){
            .name = entry->key,
            .soft = get_int(entry->value, "soft", single),
            .hard = get_int(entry->value, "hard", single)};
    }
    if (s->ulimit_count) {
        qsort(s->ulimits, s->ulimit_count, sizeof(*s->ulimits), by_ulimit);
    }
}

static struct throttle_list decode_throttle(const struct node *map, const char *key,
                                            struct arena *arena)
{
    const struct node *list = NULL;
    struct throttle_list out = {.count = list_count(map, key, &list)};
    out.items = arena_array(arena, out.count + 1, sizeof(*out.items));
    for (size_t i = 0; i < out.count; i++) {
        const char *path = get_text(list->items[i], "path");
        out.items[i] = (struct throttle_device){.path = path ? path : "",
                                                .rate = get_int(list->items[i], "rate", 0)};
    }
    return out;
}

static void decode_blkio(struct blkio *b, const struct node *n, struct arena *arena)
{
    const struct node *map = node_get(n, "blkio_config"), *list = NULL;
    if (!node_is(map, NODE_MAP)) {
        return;
    }
    b->set = true;
    b->weight = (uint16_t)get_int(map, "weight", 0);
    b->weight_device_count = list_count(map, "weight_device", &list);
    b->weight_devices = arena_array(arena, b->weight_device_count + 1, sizeof(*b->weight_devices));
    for (size_t i = 0; i < b->weight_device_count; i++) {
        const char *path = get_text(list->items[i], "path");
        b->weight_devices[i] = (struct weight_device){
            .path = path ? path : "", .weight = (uint16_t)get_int(list->items[i], "weight", 0)};
    }
    b->read_bps = decode_throttle(map, "device_read_bps", arena);
    b->read_iops = decode_throttle(map, "device_read_iops", arena);
    b->write_bps = decode_throttle(map, "device_write_bps", arena);
    b->write_iops = decode_throttle(map, "device_write_iops", arena);
}

static struct hook *decode_hooks(const struct node *n, const char *key, size_t *ret_count,
                                 struct arena *arena)
{
    const struct node *list = NULL;
    size_t count = list_count(n, key, &list);
    struct hook *hooks = arena_array(arena, count + 1, sizeof(*hooks));
    for (size_t i = 0; i < count; i++) {
        const struct node *h = list->items[i];
        hooks[i] = (struct hook){.command = get_list(arena, h, "command"),
                                 .user = get_text(h, "user"),
                                 .working_dir = get_text(h, "working_dir"),
                                 .privileged = get_bool(h, "privileged"),
                                 .environment = get_map(arena, h, "environment"),
                                 .at = h->at};
    }
    *ret_count = count;
    return hooks;
}

static void decode_pull_policy(struct service *s, const struct node *n)
{
    static const char *const names[] = {"always", "never", "missing", "build"};
    static const enum pull_policy values[] = {PULL_ALWAYS, PULL_NEVER, PULL_MISSING, PULL_BUILD};
    const int64_t day = INT64_C(86400) * 1000000000;
    const char *text = get_text(n, "pull_policy");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(text, names[i])) {
            s->pull_policy = values[i];
        }
    }
    if (str_eq(text, "if_not_present")) {
        s->pull_policy = PULL_MISSING;
    } else if (str_eq(text, "daily") || str_eq(text, "weekly")) {
        s->pull_policy = PULL_EVERY;
        s->pull_interval = *text == 'd' ? day : 7 * day;
    } else if (text && str_starts(text, "every_") &&
               parse_duration(text + strlen("every_"), &s->pull_interval, NULL) == 0) {
        s->pull_policy = PULL_EVERY;
    }
}

static void decode_restart(struct service *s, const struct node *n, struct arena *arena)
{
    const char *text = get_text(n, "restart");
    size_t len = text ? strcspn(text, ":") : 0;
    int64_t retries = 0;
    if (!text) {
        return;
    }
    s->restart.set = true;
    s->restart.name = arena_strndup(arena, text, len);
    if (text[len]) {
        const char *number = arena_strndup(arena, text + len + 1, strcspn(text + len + 1, ":"));
        if (parse_int(number, INT32_MIN, INT32_MAX, &retries, NULL) == 0) {
            s->restart.max_retries = (int)retries;
        }
    }
}

static void decode_hosts(struct service *s, const struct node *n, struct arena *arena)
{
    s->extra_hosts = get_list(arena, n, "extra_hosts");
    for (size_t i = 0; i < s->extra_hosts.count; i++) {
        char *text = arena_strdup(arena, s->extra_hosts.items[i]);
        text[strcspn(text, "=")] = ':'; /* as the engine wants it */
        s->extra_hosts.items[i] = text;
    }
}

static void decode_texts(struct service *s, const struct node *n, struct arena *arena)
{
    const struct {
        const char **to;
        const char *key;
    } texts[] = {
        {&s->image, "image"},
        {&s->platform, "platform"},
        {&s->working_dir, "working_dir"},
        {&s->user, "user"},
        {&s->hostname, "hostname"},
        {&s->domainname, "domainname"},
        {&s->container_name, "container_name"},
        {&s->stop_signal, "stop_signal"},
        {&s->network_mode, "network_mode"},
        {&s->mac_address, "mac_address"},
        {&s->ipc, "ipc"},
        {&s->pid, "pid"},
        {&s->uts, "uts"},
        {&s->userns_mode, "userns_mode"},
        {&s->cgroup, "cgroup"},
        {&s->cgroup_parent, "cgroup_parent"},
        {&s->isolation, "isolation"},
        {&s->runtime, "runtime"},
        {&s->cpuset, "cpuset"},
    };
    const struct {
        struct string_list *to;
        const char *key;
    } lists[] = {
        {&s->command, "command"},
        {&s->entrypoint, "entrypoint"},
        {&s->profiles, "profiles"},
        {&s->expose, "expose"},
        {&s->tmpfs, "tmpfs"},
        {&s->volumes_from, "volumes_from"},
        {&s->links, "links"},
        {&s->external_links, "external_links"},
        {&s->dns, "dns"},
        {&s->dns_search, "dns_search"},
        {&s->dns_opt, "dns_opt"},
        {&s->cap_add, "cap_add"},
        {&s->cap_drop, "cap_drop"},
        {&s->security_opt, "security_opt"},
        {&s->group_add, "group_add"},
        {&s->device_cgroup_rules, "device_cgroup_rules"},
    };
    const struct {
        struct key_values *to;
        const char *key;
    } maps[] = {
        {&s->environment, "environment"}, {&s->labels, "labels"},
        {&s->annotations, "annotations"}, {&s->sysctls, "sysctls"},
        {&s->storage_opt, "storage_opt"},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i].to = get_text(n, texts[i].key);
    }
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        *lists[i].to = get_list(arena, n, lists[i].key);
    }
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        *maps[i].to = get_map(arena, n, maps[i].key);
    }
}

static void decode_numbers(struct service *s, const struct node *n)
{
    const struct {
        int64_t *to;
        const char *key;
    } numbers[] = {
        {&s->cpu_count, "cpu_count"},           {&s->cpu_period, "cpu_period"},
        {&s->cpu_quota, "cpu_quota"},           {&s->cpu_rt_period, "cpu_rt_period"},
        {&s->cpu_rt_runtime, "cpu_rt_runtime"}, {&s->cpu_shares, "cpu_shares"},
        {&s->mem_limit, "mem_limit"},           {&s->mem_reservation, "mem_reservation"},
        {&s->memswap_limit, "memswap_limit"},   {&s->shm_size, "shm_size"},
        {&s->pids_limit, "pids_limit"},         {&s->oom_score_adj, "oom_score_adj"},
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        *numbers[i].to = get_int(n, numbers[i].key, 0);
    }
    s->mem_swappiness = get_int(n, "mem_swappiness", -1);
    s->cpus = get_float(n, "cpus");
    s->cpu_percent = get_float(n, "cpu_percent");
    s->stop_grace_period = get_duration(n, "stop_grace_period", -1);
    s->replicas = (int)get_int(n, "scale", get_int(node_get(n, "deploy"), "replicas", 1));
    s->tty = get_bool(n, "tty");
    s->stdin_open = get_bool(n, "stdin_open");
    s->privileged = get_bool(n, "privileged");
    s->read_only = get_bool(n, "read_only");
    s->init = get_tristate(n, "init");
    s->attach = get_tristate(n, "attach");
    s->oom_kill_disable = get_tristate(n, "oom_kill_disable");
    s->use_api_socket = get_bool(n, "use_api_socket");
}

static void decode_logging(struct service *s, const struct node *n, struct arena *arena)
{
    const struct node *logging = node_get(n, "logging");
    s->logging_set = node_is(logging, NODE_MAP);
    s->logging_driver = get_text(logging, "driver");
    s->logging_options = get_map(arena, logging, "options");
}

int decode_service(struct service *s, const struct node_entry *entry, struct arena *arena,
                   struct diags *diags)
{
    const struct node *n = entry->value;
    const struct node *provider = node_get(n, "provider");
    s->name = entry->key;
    s->at = entry->at;
    s->config_hash = hash_service(arena, n);
    s->hash_text = hash_service_text(arena, n);
    decode_texts(s, n, arena);
    decode_numbers(s, n);
    s->image_set = s->image != NULL;
    s->build = decode_build(node_get(n, "build"), arena);
    decode_pull_policy(s, n);
    decode_health(&s->healthcheck, n, arena);
    decode_dependencies(s, n, arena);
    decode_ports(s, n, arena);
    decode_mounts(s, n, arena);
    decode_networks(s, n, arena);
    decode_hosts(s, n, arena);
    s->secrets = decode_file_refs(n, "secrets", &s->secret_count, arena);
    s->configs = decode_file_refs(n, "configs", &s->config_count, arena);
    decode_restart(s, n, arena);
    decode_deploy(&s->deploy, node_get(n, "deploy"), arena);
    decode_logging(s, n, arena);
    decode_devices_of(s, n, arena);
    decode_ulimits(s, n, arena);
    decode_blkio(&s->blkio, n, arena);
    s->post_start = decode_hooks(n, "post_start", &s->post_start_count, arena);
    s->pre_stop = decode_hooks(n, "pre_stop", &s->pre_stop_count, arena);
    s->provider_type = get_text(provider, "type");
    s->provider_options = get_multi_map(arena, provider, "options");
    return decode_readiness(&s->ready, node_get(n, "x-fettle"), s->name, arena, diags);
}
