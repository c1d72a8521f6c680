/*
 * HostConfig: resources, security, ports, logging. Mounts and networks have their own files.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "engine/spec_build.h"

enum { SECCOMP_MAX = 4 << 20 };

static json_t *port_bindings(const struct service *service)
{
    json_t *bindings = json_object();
    for (size_t i = 0; i < service->port_count; i++) {
        const struct port *port = &service->ports[i];
        char *key = xasprintf("%u/%s", port->target, port->protocol);
        json_t *list = json_object_get(bindings, key);
        json_t *binding = json_object();
        if (!list) {
            list = json_array();
            json_object_set_new(bindings, key, list);
        }
        json_object_set_new(binding, "HostIp", text_json(port->host_ip ? port->host_ip : ""));
        json_object_set_new(binding, "HostPort", text_json(port->published ? port->published : ""));
        json_array_append_new(list, binding);
        free(key);
    }
    return bindings;
}

static const char *restart_name(const char *name)
{
    if (str_eq(name, "none")) {
        return "no";
    }
    return str_eq(name, "any") ? "always" : name;
}

static void put_restart(const struct service *service, const struct spec_options *options,
                        json_t *host)
{
    const struct restart_policy *policy = &service->restart;
    json_t *json = json_object();
    if (service->deploy.set && service->deploy.restart_policy.set) {
        policy = &service->deploy.restart_policy;
    }
    if (!options->oneoff) {
        put_text(json, "Name", restart_name(policy->name));
        put_int(json, "MaximumRetryCount", policy->max_retries);
    }
    put_json(host, "RestartPolicy", json);
}

static void put_throttle(json_t *host, const char *key, const struct throttle_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, json_pack("{s:o, s:I}", "Path", text_json(list->items[i].path),
                                               "Rate", (json_int_t)list->items[i].rate));
    }
    put_json(host, key, array);
}

static void put_blkio(const struct blkio *blkio, json_t *host)
{
    json_t *array = json_array();
    put_int(host, "BlkioWeight", blkio->weight);
    for (size_t i = 0; i < blkio->weight_device_count; i++) {
        json_array_append_new(array, json_pack("{s:o, s:i}", "Path",
                                               text_json(blkio->weight_devices[i].path), "Weight",
                                               (int)blkio->weight_devices[i].weight));
    }
    put_json(host, "BlkioWeightDevice", array);
    put_throttle(host, "BlkioDeviceReadBps", &blkio->read_bps);
    put_throttle(host, "BlkioDeviceReadIOps", &blkio->read_iops);
    put_throttle(host, "BlkioDeviceWriteBps", &blkio->write_bps);
    put_throttle(host, "BlkioDeviceWriteIOps", &blkio->write_iops);
}

static json_t *device_request(const struct device_request *device, const char *capability)
{
    json_t *json = json_object();
    json_t *capabilities = list_json(&device->capabilities);
    if (capability) {
        json_array_append_new(capabilities, json_string(capability));
    }
    put_text(json, "Driver", device->driver);
    put_int(json, "Count", device->count);
    put_list(json, "DeviceIDs", &device->ids);
    json_object_set_new(json, "Capabilities", json_pack("[o]", capabilities));
    put_map(json, "Options", &device->options);
    return json;
}

static void put_devices(const struct service *service, json_t *host)
{
    json_t *devices = json_array();
    json_t *requests = json_array();
    for (size_t i = 0; i < service->deploy.device_count; i++) {
        json_array_append_new(requests, device_request(&service->deploy.devices[i], NULL));
    }
    for (size_t i = 0; i < service->device_count; i++) {
        json_t *device = json_object();
        put_text(device, "PathOnHost", service->devices[i].source);
        put_text(device, "PathInContainer", service->devices[i].target);
        put_text(device, "CgroupPermissions", service->devices[i].permissions);
        json_array_append_new(devices, device);
    }
    if (service->cdi_devices.count) {
        json_array_append_new(requests, json_pack("{s:s, s:o}", "Driver", "cdi", "DeviceIDs",
                                                  list_json(&service->cdi_devices)));
    }
    for (size_t i = 0; i < service->gpu_count; i++) {
        json_array_append_new(requests, device_request(&service->gpus[i], "gpu"));
    }
    put_json(host, "Devices", devices);
    put_json(host, "DeviceRequests", requests);
}

/* The reference computes with 32-bit floats; the engine must see the same number. */
static int64_t scaled(double value, float factor)
{
    float product = (float)value * factor;
    return (int64_t)product;
}

static int64_t first_of(int64_t a, int64_t b)
{
    return a ? a : b;
}

static void put_resources(const struct service *service, json_t *host)
{
    const struct resources *limits = &service->deploy.limits;
    json_t *ulimits = json_array();
    double cpus = limits->cpus != 0 ? limits->cpus : service->cpus;
    put_text(host, "CgroupParent", service->cgroup_parent);
    put_int(host, "Memory", first_of(limits->memory, service->mem_limit));
    put_int(host, "MemorySwap", service->memswap_limit);
    if (service->mem_swappiness > 0) {
        put_int(host, "MemorySwappiness", service->mem_swappiness);
    }
    put_int(host, "MemoryReservation",
            first_of(service->deploy.reservations.memory, service->mem_reservation));
    json_object_set_new(host, "OomKillDisable", json_boolean(service->oom_kill_disable == YES));
    put_int(host, "CpuCount", service->cpu_count);
    put_int(host, "CpuPercent", scaled(service->cpu_percent, 100.0F));
    put_int(host, "CpuPeriod", service->cpu_period);
    put_int(host, "CpuQuota", service->cpu_quota);
    put_int(host, "CpuRealtimePeriod", service->cpu_rt_period);
    put_int(host, "CpuRealtimeRuntime", service->cpu_rt_runtime);
    put_int(host, "CpuShares", service->cpu_shares);
    put_int(host, "NanoCpus", scaled(cpus, 1e9F));
    put_text(host, "CpusetCpus", service->cpuset);
    put_list(host, "DeviceCgroupRules", &service->device_cgroup_rules);
    put_int(host, "PidsLimit", limits->pids > 0 ? limits->pids : service->pids_limit);
    put_blkio(&service->blkio, host);
    put_devices(service, host);
    for (size_t i = 0; i < service->ulimit_count; i++) {
        const struct ulimit *u = &service->ulimits[i];
        json_array_append_new(ulimits,
                              json_pack("{s:o, s:I, s:I}", "Name", text_json(u->name), "Hard",
                                        (json_int_t)u->hard, "Soft", (json_int_t)u->soft));
    }
    put_json(host, "Ulimits", ulimits);
}

/* Drops the blanks between tokens, as the engine's clients do; NULL when it is not JSON. */
static char *compact_json(const char *text, size_t len)
{
    struct buf out = BUF_INIT;
    json_t *parsed = json_loadb(text, len, JSON_DECODE_ANY, NULL);
    bool in_string = false;
    if (!parsed) {
        return NULL;
    }
    json_decref(parsed);
    for (size_t i = 0; i < len; i++) {
        if (in_string && text[i] == '\\' && i + 1 < len) {
            buf_append(&out, text + i++, 2);
            continue;
        }
        in_string = text[i] == '"' ? !in_string : in_string;
        if (in_string || !strchr(" \t\r\n", text[i])) {
            buf_char(&out, text[i]);
        }
    }
    return buf_steal(&out);
}

static int seccomp_option(const struct project *project, const char *file, json_t *list,
                          struct err *err)
{
    struct buf text = BUF_INIT;
    const char *home = key_values_get(&project->environment, "HOME", NULL);
    char *path = *file == '~' && home ? xasprintf("%s%s", home, file + 1)
                                      : path_join(project->working_dir, file);
    int rc = path_read_file(path, SECCOMP_MAX, &text, err);
    if (rc == 0) {
        char *compact = compact_json(buf_text(&text), text.len);
        char *option = xasprintf("seccomp=%s", compact ? compact : "");
        json_array_append_new(list, text_json(option));
        if (!compact) {
            rc = err_set(err, ERR_INPUT, "the seccomp profile %s is not JSON", file);
        }
        free(option);
        free(compact);
    } else {
        err_prefix(err, "seccomp profile");
    }
    buf_release(&text);
    free(path);
    return rc;
}

static int put_security(const struct project *project, const struct service *service, json_t *host,
                        struct err *err)
{
    json_t *list = json_array();
    bool unconfined = false;
    for (size_t i = 0; i < service->security_opt.count; i++) {
        const char *opt = service->security_opt.items[i];
        const char *value = strchr(opt, '=');
        int rc = 0;
        value = value ? value : strchr(opt, ':');
        if (str_eq(opt, "systempaths=unconfined")) {
            unconfined = true;
            continue;
        }
        if (!value && !str_eq(opt, "no-new-privileges")) {
            rc = err_set(err, ERR_INPUT, "invalid security_opt \"%s\"", opt);
        } else if (value && value - opt == 7 && str_starts(opt, "seccomp") &&
                   !str_eq(value + 1, "unconfined") && !str_eq(value + 1, "builtin")) {
            rc = seccomp_option(project, value + 1, list, err);
        } else {
            json_array_append_new(list, text_json(opt));
        }
        if (rc) {
            json_decref(list);
            return rc;
        }
    }
    put_json(host, "SecurityOpt", list);
    if (unconfined) {
        json_object_set_new(host, "MaskedPaths", json_array());
        json_object_set_new(host, "ReadonlyPaths", json_array());
    }
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* As the engine's own clients send them: upper case, with CAP_, sorted, each once. */
static void put_capabilities(json_t *host, const char *key, const struct string_list *list)
{
    struct strv names = {0};
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const char *item = list->items[i];
        bool whole = str_eq_nocase(item, "ALL") ||
                     (strlen(item) > 4 && strncasecmp(item, "CAP_", 4) == 0);
        char *name = xasprintf("%s%s", whole ? "" : "CAP_", item);
        for (char *c = name; *c; c++) {
            *c = (char)toupper((unsigned char)*c);
        }
        strv_take(&names, name);
    }
    if (names.len) {
        qsort(names.items, names.len, sizeof(*names.items), by_text);
    }
    for (size_t i = 0; i < names.len; i++) {
        if (i == 0 || !str_eq(names.items[i], names.items[i - 1])) {
            json_array_append_new(array, text_json(names.items[i]));
        }
    }
    put_json(host, key, array);
    strv_release(&names);
}

static int namespace_of(const struct spec_options *options, const char *mode, const char *what,
                        const char *key, json_t *host, struct err *err)
{
    const char *id = NULL;
    if (mode && str_starts(mode, "service:")) {
        int rc = peer_id(options, mode + strlen("service:"), what, &id, err);
        char *text = rc ? NULL : xasprintf("container:%s", id);
        put_text(host, key, text);
        free(text);
        return rc;
    }
    put_text(host, key, mode);
    return 0;
}

static json_t *tmpfs(const struct service *service)
{
    json_t *json = json_object();
    for (size_t i = 0; i < service->tmpfs.count; i++) {
        const char *text = service->tmpfs.items[i];
        size_t len = strcspn(text, ":");
        char *path = xstrndup(text, len);
        json_object_set_new_nocheck(json, path, text_json(text[len] ? text + len + 1 : ""));
        free(path);
    }
    return json;
}

static int put_volumes_from(const struct service *service, const struct spec_options *options,
                            json_t *host, struct err *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < service->volumes_from.count; i++) {
        struct strv parts = {0};
        const char *id = NULL;
        int rc = 0;
        str_split(service->volumes_from.items[i], ':', &parts);
        if (str_eq(parts.items[0], "container") && parts.len > 1) {
            json_array_append_new(list, text_json(parts.items[1]));
        } else {
            rc = peer_id(options, parts.items[0], "volumes", &id, err);
            if (rc == 0) {
                json_array_append_new(list, text_json(id));
            }
        }
        strv_release(&parts);
        if (rc) {
            json_decref(list);
            return rc;
        }
    }
    put_json(host, "VolumesFrom", list);
    return 0;
}

static json_t *log_config(const struct service *service)
{
    json_t *json = json_object();
    if (service->logging_set) {
        put_text(json, "Type", service->logging_driver);
        put_map(json, "Config", &service->logging_options);
    }
    return json;
}

int host_config(const struct project *project, const struct service *service,
                const struct spec_options *options, json_t *host, struct err *err)
{
    int rc = 0;
    put_true(host, "AutoRemove", options->auto_remove);
    put_map(host, "Annotations", &service->annotations);
    put_capabilities(host, "CapAdd", &service->cap_add);
    put_capabilities(host, "CapDrop", &service->cap_drop);
    if (service->init != UNSET) {
        json_object_set_new(host, "Init", json_boolean(service->init == YES));
    }
    put_text(host, "CgroupnsMode", service->cgroup);
    put_true(host, "ReadonlyRootfs", service->read_only);
    put_restart(service, options, host);
    put_int(host, "ShmSize", service->shm_size);
    put_map(host, "Sysctls", &service->sysctls);
    put_json(host, "PortBindings", port_bindings(service));
    put_list(host, "Dns", &service->dns);
    put_list(host, "DnsSearch", &service->dns_search);
    put_list(host, "DnsOptions", &service->dns_opt);
    put_list(host, "ExtraHosts", &service->extra_hosts);
    put_map(host, "StorageOpt", &service->storage_opt);
    put_text(host, "UsernsMode", service->userns_mode);
    put_text(host, "UTSMode", service->uts);
    put_true(host, "Privileged", service->privileged);
    put_json(host, "Tmpfs", tmpfs(service));
    put_text(host, "Isolation", service->isolation);
    put_text(host, "Runtime", service->runtime);
    put_json(host, "LogConfig", log_config(service));
    put_list(host, "GroupAdd", &service->group_add);
    put_int(host, "OomScoreAdj", service->oom_score_adj);
    put_resources(service, host);
    rc = namespace_of(options, service->ipc, "the IPC namespace", "IpcMode", host, err);
    rc = rc ? rc : namespace_of(options, service->pid, "the PID namespace", "PidMode", host, err);
    rc = rc ? rc : put_volumes_from(service, options, host, err);
    return rc ? rc : put_security(project, service, host, err);
}
