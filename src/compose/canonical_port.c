/*
 * The short syntax of ports and volumes. Pure text work; what is wrong is told in words.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "compose/canonical.h"

struct range {
    uint32_t from, to;
};

static bool port_number(const char *text, size_t len, uint32_t *ret)
{
    uint32_t value = 0;
    if (len == 0) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return false;
        }
        value = value * 10 + (uint32_t)(text[i] - '0');
        if (value > UINT16_MAX) {
            return false;
        }
    }
    *ret = value;
    return true;
}

static bool port_range(const char *text, struct range *ret)
{
    size_t len = strcspn(text, "-");
    struct range r = {0};
    if (!port_number(text, len, &r.from)) {
        return false;
    }
    r.to = r.from;
    if (text[len] &&
        (!port_number(text + len + 1, strlen(text + len + 1), &r.to) || r.to < r.from)) {
        return false;
    }
    *ret = r;
    return true;
}

/* Cuts at the last two colons, so that the colons of an IPv6 address stay together. */
static void split_spec(char *spec, char **ip, char **host, char **container)
{
    char *last = strrchr(spec, ':');
    *ip = *host = spec + strlen(spec);
    *container = spec;
    if (last) {
        *last = '\0';
        *container = last + 1;
        *host = spec;
        last = strrchr(spec, ':');
        if (last) {
            *last = '\0';
            *host = last + 1;
            *ip = spec;
        }
    }
}

/* "[::1]" to "::1"; NULL when it is no address. */
static const char *clean_ip(struct arena *arena, char *ip)
{
    size_t len = strlen(ip);
    if (len > 1 && ip[0] == '[' && ip[len - 1] == ']') {
        ip = arena_strndup(arena, ip + 1, len - 2);
        return is_ip6(ip) || is_ip4(ip) ? ip : NULL;
    }
    return is_ip4(ip) ? ip : NULL;
}

static void push_port(struct arena *arena, struct node *list, struct pos at, const char *ip,
                      const char *published, uint32_t target, const char *protocol)
{
    struct node *port = node_map(arena, at);
    node_set(arena, port, "mode", at, node_string(arena, at, "ingress"));
    if (*ip) {
        node_set(arena, port, "host_ip", at, node_string(arena, at, ip));
    }
    if (target) {
        node_set(arena, port, "target", at, node_int(arena, at, target));
    }
    if (*published) {
        node_set(arena, port, "published", at, node_string(arena, at, published));
    }
    node_set(arena, port, "protocol", at, node_string(arena, at, protocol));
    node_push(arena, list, port);
}

static const char *protocol_of(struct arena *arena, char *container)
{
    char *slash = strchr(container, '/');
    char *protocol = NULL;
    if (!slash || !slash[1]) {
        if (slash) {
            *slash = '\0';
        }
        return "tcp";
    }
    *slash = '\0';
    protocol = arena_strdup(arena, slash + 1);
    for (char *s = protocol; *s; s++) {
        *s = (char)tolower((unsigned char)*s);
    }
    return protocol;
}

/* The reference sorts the ports of one entry as text: 10/tcp comes before 9/tcp. */
static int by_text(const void *a, const void *b)
{
    char left[16], right[16];
    snprintf(left, sizeof(left), "%u/", *(const uint32_t *)a);
    snprintf(right, sizeof(right), "%u/", *(const uint32_t *)b);
    return strcmp(left, right);
}

static void push_range(struct arena *arena, struct node *list, struct pos at, const char *ip,
                       const struct range *host, bool has_host, const struct range *container,
                       const char *protocol)
{
    uint32_t count = container->to - container->from + 1;
    uint32_t *order = arena_array(arena, count, sizeof(*order));
    for (uint32_t i = 0; i < count; i++) {
        order[i] = container->from + i;
    }
    qsort(order, count, sizeof(*order), by_text);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first = host->from + (order[i] - container->from);
        const char *published = "";
        if (has_host && count == 1 && host->from != host->to) {
            published = arena_printf(arena, "%u-%u", first, host->to);
        } else if (has_host) {
            published = arena_printf(arena, "%u", first);
        }
        push_port(arena, list, at, ip, published, order[i], protocol);
    }
}

bool canonical_port(struct arena *arena, struct node *list, struct pos at, const char *spec,
                    const char **why)
{
    char *ip = NULL, *host_text = NULL, *container_text = NULL;
    const char *protocol = NULL, *address = "";
    struct range host = {0}, container = {0};
    split_spec(arena_strdup(arena, spec), &ip, &host_text, &container_text);
    protocol = protocol_of(arena, container_text);
    if (!str_eq(protocol, "tcp") && !str_eq(protocol, "udp") && !str_eq(protocol, "sctp")) {
        *why = arena_printf(arena, "unknown protocol \"%s\"", protocol);
        return false;
    }
    if (*ip) {
        address = clean_ip(arena, ip);
        if (!address) {
            *why = arena_printf(arena, "\"%s\" is not an IP address%s", ip,
                                strchr(ip, ':') ? " (write IPv6 in brackets)" : "");
            return false;
        }
    }
    if (!*container_text) {
        *why = "the container's port is missing";
        return false;
    }
    if (!port_range(container_text, &container)) {
        *why = arena_printf(arena, "\"%s\" is not a container port or range", container_text);
        return false;
    }
    if (container.from == 0) {
        *why = "0 is not a container port";
        return false;
    }
    if (*host_text && !port_range(host_text, &host)) {
        *why = arena_printf(arena, "\"%s\" is not a host port or range", host_text);
        return false;
    }
    if (*host_text && container.to != container.from &&
        host.to - host.from != container.to - container.from) {
        *why = arena_printf(arena, "the ranges %s and %s have different lengths", host_text,
                            container_text);
        return false;
    }
    push_range(arena, list, at, address, &host, *host_text, &container, protocol);
    return true;
}

/* Volumes */

static bool is_letter(const char *s, size_t len)
{
    return (len == 1 && isalpha((unsigned char)*s)) || (len > 1 && utf8_len(s) == len);
}

/* Cuts the specification at its colons; those after a single letter (a drive) and inside ${...}
 * do not count. */
static void split_volume(const char *spec, struct strv *out)
{
    const char *start = spec;
    int depth = 0;
    for (const char *s = spec;; s++) {
        if (*s == '$' && s[1] == '{') {
            depth++;
        } else if (*s == '}' && depth > 0) {
            depth--;
        } else if (*s == '\0' ||
                   (*s == ':' && depth == 0 && !is_letter(start, (size_t)(s - start)))) {
            strv_take(out, xstrndup(start, (size_t)(s - start)));
            if (*s == '\0') {
                return;
            }
            start = s + 1;
        }
    }
}

static bool is_file_path(const char *source)
{
    size_t len = utf8_len(source);
    return strchr("./~", *source) || str_starts(source, "\\\\") ||
           (len && is_letter(source, len) && source[len] == ':');
}

static struct node *sub_map(struct arena *arena, struct node *volume, const char *key)
{
    struct node *map = node_get(volume, key);
    if (!map) {
        map = node_map(arena, volume->at);
        node_set(arena, volume, key, volume->at, map);
    }
    return map;
}

static void volume_option(struct arena *arena, struct node *volume, const char *option)
{
    static const char *const propagations[] = {"rprivate", "private", "rshared",
                                               "shared",   "rslave",  "slave"};
    struct pos at = volume->at;
    if (str_eq(option, "ro")) {
        node_set(arena, volume, "read_only", at, node_bool(arena, at, true));
    } else if (str_eq(option, "rw")) {
        node_remove(volume, "read_only");
    } else if (str_eq(option, "nocopy")) {
        node_set(arena, sub_map(arena, volume, "volume"), "nocopy", at, node_bool(arena, at, true));
    } else if (str_eq(option, "z") || str_eq(option, "Z")) {
        node_set(arena, sub_map(arena, volume, "bind"), "selinux", at,
                 node_string(arena, at, option));
    }
    for (size_t i = 0; i < ARRAY_LEN(propagations); i++) {
        if (str_eq(option, propagations[i])) {
            node_set(arena, sub_map(arena, volume, "bind"), "propagation", at,
                     node_string(arena, at, option));
        }
    }
}

static const char *clean_target(struct arena *arena, const char *target)
{
    char *clean = path_clean(target);
    const char *copy = arena_strdup(arena, clean);
    free(clean);
    return copy;
}

static void volume_parts(struct arena *arena, struct node *volume, const struct strv *parts)
{
    struct pos at = volume->at;
    const char *source = parts->len > 1 ? parts->items[0] : "";
    const char *target = parts->items[parts->len > 1 ? 1 : 0];
    if (parts->len > 2) {
        struct strv options = {0};
        str_split(parts->items[2], ',', &options);
        for (size_t i = 0; i < options.len; i++) {
            volume_option(arena, volume, options.items[i]);
        }
        strv_release(&options);
    }
    if (*source) {
        node_set(arena, volume, "source", at, node_string(arena, at, source));
    }
    node_set(arena, volume, "target", at, node_string(arena, at, clean_target(arena, target)));
    if (*source && is_file_path(source)) {
        node_set(arena, volume, "type", at, node_string(arena, at, "bind"));
        node_set(arena, sub_map(arena, volume, "bind"), "create_host_path", at,
                 node_bool(arena, at, true));
    } else {
        node_set(arena, volume, "type", at, node_string(arena, at, "volume"));
        sub_map(arena, volume, "volume");
    }
}

struct node *canonical_volume(struct arena *arena, struct pos at, const char *spec,
                              const char **why)
{
    struct node *volume = node_map(arena, at);
    struct strv parts = {0};
    *why = NULL;
    if (!*spec) {
        *why = "it is empty";
        return NULL;
    }
    if (strlen(spec) <= 2) {
        node_set(arena, volume, "type", at, node_string(arena, at, "volume"));
        node_set(arena, volume, "target", at, node_string(arena, at, clean_target(arena, spec)));
        return volume;
    }
    split_volume(spec, &parts);
    for (size_t i = 0; i < parts.len && i < 3; i++) {
        if (!*parts.items[i]) {
            *why = "a part between the colons is empty";
        }
    }
    if (parts.len > 3) {
        *why = "there are too many colons";
    }
    if (!*why) {
        volume_parts(arena, volume, &parts);
    }
    strv_release(&parts);
    return *why ? NULL : volume;
}
