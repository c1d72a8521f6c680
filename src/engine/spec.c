/*
 * Bodies of container, network and volume creation: the parts that are not the HostConfig.
 * Pure; the facts come from the project and from what the caller observed.
 */
#include "engine/spec.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "engine/spec_build.h"

json_t *text_json(const char *value)
{
    json_t *json = json_string(value);
    struct buf clean = BUF_INIT;
    if (json) {
        return json;
    }
    for (const char *s = value; *s;) {
        size_t len = utf8_len(s);
        if ((unsigned char)s[0] == 0xc0 && (unsigned char)s[1] == 0x80) {
            buf_char(&clean, '\0'); /* how the loader keeps a NUL */
            s += 2;
            continue;
        }
        buf_append(&clean, len ? s : "\xef\xbf\xbd", len ? len : 3);
        s += len ? len : 1;
    }
    json = json_stringn(buf_text(&clean), clean.len);
    buf_release(&clean);
    return json ? json : json_string("");
}

void put_text(json_t *object, const char *key, const char *value)
{
    if (!str_empty(value)) {
        json_object_set_new(object, key, text_json(value));
    }
}

void put_int(json_t *object, const char *key, int64_t value)
{
    if (value) {
        json_object_set_new(object, key, json_integer(value));
    }
}

void put_true(json_t *object, const char *key, bool value)
{
    if (value) {
        json_object_set_new(object, key, json_true());
    }
}

json_t *list_json(const struct string_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, text_json(list->items[i]));
    }
    return array;
}

json_t *map_json(const struct key_values *map)
{
    json_t *object = json_object();
    for (size_t i = 0; i < map->count; i++) {
        json_object_set_new_nocheck(object, map->items[i].key,
                                    text_json(map->items[i].value ? map->items[i].value : ""));
    }
    return object;
}

void put_json(json_t *object, const char *key, json_t *value)
{
    bool empty = json_is_array(value) ? json_array_size(value) == 0 : json_object_size(value) == 0;
    if (empty) {
        json_decref(value);
    } else {
        json_object_set_new(object, key, value);
    }
}

void put_list(json_t *object, const char *key, const struct string_list *list)
{
    put_json(object, key, list_json(list));
}

void put_map(json_t *object, const char *key, const struct key_values *map)
{
    put_json(object, key, map_json(map));
}

int peer_id(const struct spec_options *options, const char *service, const char *what,
            const char **ret, struct err *err)
{
    const struct spec_peer *peers = NULL;
    if (options->peers && options->peers(options->peers_arg, service, &peers) > 0) {
        *ret = peers[0].id;
        return 0;
    }
    err_set(err, ERR_NOT_FOUND, "cannot share %s with service %s: it has no container", what,
            service);
    err_subject(err, service);
    return -ERR_NOT_FOUND;
}

char *spec_container_name(const struct project *project, const struct service *service, int number)
{
    char sep = project->separator ? project->separator : '-';
    if (!str_empty(service->container_name)) {
        return xstrdup(service->container_name);
    }
    return xasprintf("%s%c%s%c%d", project->name, sep, service->name, sep, number);
}

char *spec_image(const struct project *project, const struct service *service)
{
    char sep = project->separator ? project->separator : '-';
    if (!str_empty(service->image)) {
        return xstrdup(service->image);
    }
    return xasprintf("%s%c%s", project->name, sep, service->name);
}

int spec_config_hash(const struct service *service, const struct spec_options *options,
                     char ret[static 65], struct err *err)
{
    struct buf text = BUF_INIT;
    unsigned char digest[32];
    const char *s = service->hash_text;
    int rc = 0;
    if (!s) {
        snprintf(ret, 65, "%s", service->config_hash ? service->config_hash : "");
        return 0;
    }
    while (*s && rc == 0) {
        size_t plain = strcspn(s, "\x01");
        buf_append(&text, s, plain);
        s += plain;
        if (*s) {
            size_t len = strcspn(s + 1, "\x02");
            char *name = xstrndup(s + 1, len);
            const char *id = NULL;
            rc = peer_id(options, name, "a namespace or volumes", &id, err);
            if (rc == 0) {
                buf_str(&text, id);
            }
            free(name);
            s += len + 1 + (s[len + 1] != '\0');
        }
    }
    if (rc == 0) {
        EVP_Digest(text.data ? text.data : "", text.len, digest, NULL, EVP_sha256(), NULL);
        for (size_t i = 0; i < sizeof(digest); i++) {
            static const char hex[] = "0123456789abcdef";
            ret[2 * i] = hex[digest[i] >> 4];
            ret[2 * i + 1] = hex[digest[i] & 15];
        }
        ret[64] = '\0';
    }
    buf_release(&text);
    return rc;
}

static char *join(const struct string_list *list)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < list->count; i++) {
        buf_str(&out, i ? "," : "");
        buf_str(&out, list->items[i]);
    }
    return buf_steal(&out);
}

/* An optional dependency that takes no part is not named. */
static char *dependencies(const struct project *project, const struct service *service)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < service->depends_on_count; i++) {
        const struct depends_on *d = &service->depends_on[i];
        if (!d->required && !project_service(project, d->service)) {
            continue;
        }
        buf_printf(&out, "%s%s:%s:%s", out.len ? "," : "", d->service, condition_name(d->condition),
                   d->restart ? "true" : "false");
    }
    return buf_steal(&out);
}

static int container_labels(const struct project *project, const struct service *service,
                            int number, const struct spec_options *options, json_t *labels,
                            struct err *err)
{
    char hash[65];
    char *text = NULL;
    int rc = spec_config_hash(service, options, hash, err);
    if (rc) {
        return rc;
    }
    json_object_set_new(labels, "com.docker.compose.project", text_json(project->name));
    json_object_set_new(labels, "com.docker.compose.service", text_json(service->name));
    json_object_set_new(labels, "com.docker.compose.version", json_string(SPEC_COMPOSE_VERSION));
    json_object_set_new(labels, "com.docker.compose.project.working_dir",
                        text_json(project->working_dir ? project->working_dir : ""));
    text = join(&project->files);
    json_object_set_new(labels, "com.docker.compose.project.config_files", text_json(text));
    free(text);
    if (project->env_files.count) {
        text = join(&project->env_files);
        json_object_set_new(labels, "com.docker.compose.project.environment_file", text_json(text));
        free(text);
    }
    json_object_set_new(labels, "com.docker.compose.oneoff",
                        json_string(options->oneoff ? "True" : "False"));
    put_text(labels, "com.docker.compose.slug", options->oneoff ? options->slug : NULL);
    put_text(labels, "com.docker.compose.image", options->image_id);
    put_text(labels, "com.docker.compose.replace", options->replace);
    json_object_set_new(labels, "com.docker.compose.config-hash", json_string(hash));
    if (number > 0) {
        text = xasprintf("%d", number);
        json_object_set_new(labels, "com.docker.compose.container-number", json_string(text));
        free(text);
    }
    text = dependencies(project, service);
    json_object_set_new(labels, "com.docker.compose.depends_on", text_json(text));
    free(text);
    return 0;
}

static json_t *environment(const struct service *service, const struct spec_options *options)
{
    json_t *env = json_array();
    for (size_t i = 0; options->proxies && i < options->proxies->count; i++) {
        const struct key_value *kv = &options->proxies->items[i];
        bool present = false;
        key_values_get(&service->environment, kv->key, &present);
        if (!present && kv->value) {
            char *text = xasprintf("%s=%s", kv->key, kv->value);
            json_array_append_new(env, text_json(text));
            free(text);
        }
    }
    if (service->use_api_socket) {
        bool present = false;
        key_values_get(&service->environment, "DOCKER_CONFIG", &present);
        if (!present) {
            json_array_append_new(env, json_string("DOCKER_CONFIG=/run/secrets/docker"));
        }
    }
    for (size_t i = 0; i < service->environment.count; i++) {
        const struct key_value *kv = &service->environment.items[i];
        char *text = kv->value ? xasprintf("%s=%s", kv->key, kv->value) : xstrdup(kv->key);
        json_array_append_new(env, text_json(text));
        free(text);
    }
    return env;
}

static int health(const struct service *service, int api_minor, json_t *body, struct err *err)
{
    const struct healthcheck *h = &service->healthcheck;
    json_t *json = NULL;
    if (!h->set) {
        return 0;
    }
    if (h->start_interval != -1 && api_minor < 44) {
        return err_set(err, ERR_UNSUPPORTED,
                       "can't set healthcheck.start_interval: it needs Docker Engine 25 or later");
    }
    if (h->start_interval != -1 && h->start_period == -1) {
        return err_set(err, ERR_UNSUPPORTED,
                       "healthcheck.start_interval needs healthcheck.start_period to be set");
    }
    json = json_object();
    if (h->disable) {
        json_object_set_new(json, "Test", json_pack("[s]", "NONE"));
    } else {
        put_list(json, "Test", &h->test);
    }
    put_int(json, "Interval", h->interval != -1 ? h->interval : 0);
    put_int(json, "Timeout", h->timeout != -1 ? h->timeout : 0);
    put_int(json, "StartPeriod", h->start_period != -1 ? h->start_period : 0);
    put_int(json, "StartInterval", h->start_interval != -1 ? h->start_interval : 0);
    put_int(json, "Retries", h->retries > 0 ? h->retries : 0);
    json_object_set_new(body, "Healthcheck", json);
    return 0;
}

static void put_command(json_t *body, const char *key, const struct string_list *list)
{
    /* An explicit empty list clears the image's; none at all keeps it. */
    if (list->set) {
        json_object_set_new(body, key, list_json(list));
    }
}

static json_t *exposed_ports(const struct service *service)
{
    json_t *ports = json_object();
    for (size_t i = 0; i < service->expose.count; i++) {
        json_object_set_new(ports, service->expose.items[i], json_object());
    }
    for (size_t i = 0; i < service->port_count; i++) {
        char *key = xasprintf("%u/%s", service->ports[i].target, service->ports[i].protocol);
        json_object_set_new(ports, key, json_object());
        free(key);
    }
    return ports;
}

static int container_config(const struct project *project, const struct service *service,
                            int number, const struct spec_options *options, json_t *body,
                            struct err *err)
{
    char *image = spec_image(project, service);
    json_t *labels = map_json(&service->labels);
    int rc = 0;
    json_object_set_new(body, "Labels", labels);
    put_text(body, "Image", image);
    free(image);
    rc = container_labels(project, service, number, options, labels, err);
    if (rc) {
        return rc;
    }
    put_text(body, "Hostname", service->hostname);
    put_text(body, "Domainname", service->domainname);
    put_text(body, "User", service->user);
    put_text(body, "WorkingDir", service->working_dir);
    put_text(body, "StopSignal", service->stop_signal);
    put_json(body, "ExposedPorts", exposed_ports(service));
    put_true(body, "Tty", service->tty);
    put_true(body, "OpenStdin", service->stdin_open);
    put_true(body, "StdinOnce", service->stdin_open && options->attach_stdin);
    put_true(body, "AttachStdin", options->attach_stdin);
    put_true(body, "AttachStdout", true);
    put_true(body, "AttachStderr", true);
    put_command(body, "Cmd", &service->command);
    put_command(body, "Entrypoint", &service->entrypoint);
    put_json(body, "Env", environment(service, options));
    put_true(body, "NetworkDisabled", str_eq(service->network_mode, "disabled"));
    if (service->stop_grace_period != -1) {
        json_object_set_new(body, "StopTimeout",
                            json_integer(service->stop_grace_period / NS_PER_SEC));
    }
    return health(service, options->api_minor, body, err);
}

/* "linux/arm64" to the engine's spelling: lower case, usual names, variant only where it matters.
 */
static char *platform_text(const char *platform)
{
    static const char *const archs[][2] = {
        {"x86_64", "amd64"}, {"x86-64", "amd64"}, {"aarch64", "arm64"}, {"i386", "386"},
        {"i686", "386"},     {"armhf", "arm"},    {"armel", "arm"},
    };
    struct strv parts = {0};
    char *arch = NULL, *text = NULL;
    const char *variant = "", *os = NULL;
    str_split(platform, '/', &parts);
    os = parts.len > 1 ? parts.items[0] : "linux";
    arch = xstrdup(parts.items[parts.len > 1 ? 1 : 0]);
    if (parts.len == 1 && (str_eq(arch, "linux") || str_eq(arch, "windows"))) {
        strv_release(&parts);
        free(arch);
        return xstrdup(platform);
    }
    variant = parts.len > 2 ? parts.items[2] : "";
    for (size_t i = 0; i < ARRAY_LEN(archs); i++) {
        if (str_eq_nocase(arch, archs[i][0])) {
            variant = str_eq(arch, "armel") && !*variant ? "v6" : variant;
            free(arch);
            arch = xstrdup(archs[i][1]);
            break;
        }
    }
    if (str_eq(arch, "arm64") && (str_eq(variant, "8") || (parts.len > 2 && !*variant))) {
        variant = "v8";
    } else if (str_eq(arch, "arm") && parts.len < 3 && str_eq(variant, "v7")) {
        variant = "";
    }
    text = xasprintf("%s/%s%s%s", os, arch, *variant ? "/" : "", variant);
    strv_release(&parts);
    free(arch);
    return text;
}

int spec_container(const struct project *project, const struct service *service, int number,
                   const struct spec_options *options, struct spec_container *ret, struct err *err)
{
    struct spec_container c = {0};
    const char *platform = service->platform;
    json_t *host = json_object();
    int rc = 0;
    c.body = json_object();
    c.name = options->name ? xstrdup(options->name) : spec_container_name(project, service, number);
    if (str_empty(platform)) {
        platform = key_values_get(&project->environment, "DOCKER_DEFAULT_PLATFORM", NULL);
    }
    c.platform = str_empty(platform) ? NULL : platform_text(platform);
    json_object_set_new(c.body, "HostConfig", host);
    rc = container_config(project, service, number, options, c.body, err);
    rc = rc ? rc : host_config(project, service, options, host, err);
    rc = rc ? rc : host_mounts(project, service, options, host, err);
    rc = rc ? rc : container_networks(project, service, number, options, host, &c, err);
    if (rc) {
        spec_container_release(&c);
        if (err && !err->subject[0]) {
            err_subject(err, service->name);
        }
        return rc;
    }
    *ret = c;
    return 0;
}

void spec_container_release(struct spec_container *c)
{
    for (size_t i = 0; i < c->connect_count; i++) {
        free(c->connects[i].network);
        json_decref(c->connects[i].endpoint);
    }
    free(c->connects);
    free(c->name);
    free(c->platform);
    json_decref(c->body);
    *c = (struct spec_container){0};
}

static json_t *resource_labels(const struct project *project, const struct key_values *own,
                               const char *kind, const char *key, const char *hash)
{
    json_t *labels = map_json(own);
    json_object_set_new(labels, kind, text_json(key));
    json_object_set_new(labels, "com.docker.compose.project", text_json(project->name));
    json_object_set_new(labels, "com.docker.compose.version", json_string(SPEC_COMPOSE_VERSION));
    put_text(labels, "com.docker.compose.config-hash", hash);
    return labels;
}

static json_t *ipam(const struct network *network)
{
    json_t *json = json_object();
    json_t *pools = json_array();
    put_text(json, "Driver", network->ipam_driver);
    for (size_t i = 0; i < network->pool_count; i++) {
        const struct ipam_pool *pool = &network->pools[i];
        json_t *item = json_object();
        put_text(item, "Subnet", pool->subnet);
        put_text(item, "IPRange", pool->ip_range);
        put_text(item, "Gateway", pool->gateway);
        put_map(item, "AuxiliaryAddresses", &pool->aux_addresses);
        json_array_append_new(pools, item);
    }
    put_json(json, "Config", pools);
    return json;
}

static void put_tristate(json_t *object, const char *key, enum tristate value)
{
    if (value != UNSET) {
        json_object_set_new(object, key, json_boolean(value == YES));
    }
}

json_t *spec_network(const struct project *project, const struct network *network)
{
    json_t *body = json_object();
    json_object_set_new(body, "Name", text_json(network->name));
    put_text(body, "Driver", network->driver);
    put_map(body, "Options", &network->driver_opts);
    put_json(body, "IPAM", ipam(network));
    put_true(body, "Internal", network->internal);
    put_true(body, "Attachable", network->attachable);
    put_tristate(body, "EnableIPv4", network->enable_ipv4);
    put_tristate(body, "EnableIPv6", network->enable_ipv6);
    put_true(body, "CheckDuplicate", true); /* engines before API 1.44 need it */
    json_object_set_new(body, "Labels",
                        resource_labels(project, &network->labels, "com.docker.compose.network",
                                        network->key, network->config_hash));
    return body;
}

json_t *spec_volume(const struct project *project, const struct volume *volume)
{
    json_t *body = json_object();
    json_object_set_new(body, "Name", text_json(volume->name));
    put_text(body, "Driver", volume->driver);
    put_map(body, "DriverOpts", &volume->driver_opts);
    json_object_set_new(body, "Labels",
                        resource_labels(project, &volume->labels, "com.docker.compose.volume",
                                        volume->key, volume->config_hash));
    return body;
}
