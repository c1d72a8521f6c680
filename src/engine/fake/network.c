/*
 * Networks and the endpoints of containers on them: names, addresses, who is attached.
 * An endpoint is asked for by name; whether that network exists shows when the container starts.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/fake/world.h"

enum { DEFAULT_PREFIX = 16, FIRST_HOST = 2 };

/* --- the networks --- */

struct fake_network *fake_network_find(const struct fake_world *w, const char *id_or_name)
{
    struct fake_network *by_prefix = NULL;
    VEC_FOREACH (struct fake_network, n, &w->networks) {
        if (str_eq(n->name, id_or_name) || str_eq(n->id, id_or_name)) {
            return n;
        }
        if (strlen(id_or_name) >= 12 && str_starts(n->id, id_or_name)) {
            by_prefix = n;
        }
    }
    return by_prefix;
}

void fake_network_free(struct fake_network *n)
{
    free(n->name);
    free(n->driver);
    json_decref(n->labels);
    json_decref(n->ipam);
    json_decref(n->options);
    free(n);
}

static struct fake_network *add(struct fake_world *w, const char *name, const char *driver)
{
    struct fake_network *n = xcalloc(1, sizeof(*n));
    fake_id(w, n->id);
    n->name = xstrdup(name);
    n->driver = xstrdup(str_empty(driver) ? "bridge" : driver);
    n->prefix = DEFAULT_PREFIX;
    n->created = clock_wall();
    vec_push(&w->networks, n);
    return n;
}

void fake_network_defaults(struct fake_world *w)
{
    static const char *const rows[][2] = {{"bridge", "bridge"}, {"host", "host"}, {"none", "null"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_network *n = add(w, rows[i][0], rows[i][1]);
        n->predefined = true;
        n->subnet = (172u << 24) + (17u << 16);
    }
}

static json_t *attributes(const struct fake_network *n)
{
    return json_pack("{s:s, s:s}", "name", n->name, "type", n->driver);
}

/* "10.1.0.0/24"; false when it is not that. */
static bool parse_subnet(const char *text, unsigned *ret, int *ret_prefix)
{
    CLEANUP_FREE char *address = xstrdup(text);
    char *slash = strchr(address, '/');
    struct in_addr in = {0};
    int64_t prefix = 0;
    struct err err = {0};
    if (!slash) {
        return false;
    }
    *slash = '\0';
    if (parse_int(slash + 1, 1, 30, &prefix, &err) < 0 || inet_pton(AF_INET, address, &in) != 1) {
        return false;
    }
    *ret = ntohl(in.s_addr) & ~((1u << (32 - prefix)) - 1);
    *ret_prefix = (int)prefix;
    return true;
}

static bool overlaps(const struct fake_world *w, unsigned subnet, int prefix)
{
    VEC_FOREACH (struct fake_network, n, &w->networks) {
        int shift = 32 - (prefix < n->prefix ? prefix : n->prefix);
        bool addressed = str_eq(n->driver, "bridge");
        if (addressed && subnet >> shift == n->subnet >> shift) {
            return true;
        }
    }
    return false;
}

static void next_subnet(struct fake_world *w, struct fake_network *n)
{
    do {
        n->subnet = (172u << 24) + ((18u + w->subnets % 14) << 16);
        if (w->subnets >= 14) { /* Docker goes on in 192.168.0.0/20 pieces; /24 do here */
            n->subnet = (10u << 24) + (200u << 16) + ((w->subnets - 14) << 8);
            n->prefix = 24;
        }
        w->subnets++;
    } while (overlaps(w, n->subnet, n->prefix));
}

void fake_network_create(struct fake_call *call)
{
    struct fake_world *w = call->world;
    const char *name = fake_str(call->body, "Name");
    const json_t *ipam = json_object_get(call->body, "IPAM");
    const json_t *pool = json_array_get(json_object_get(ipam, "Config"), 0);
    const char *subnet_text = fake_str(pool, "Subnet");
    struct fake_network *n = NULL;
    unsigned subnet = 0;
    int prefix = 0;
    bool own = *subnet_text && !strchr(subnet_text, ':');
    if (!*name) {
        fake_answer_error(call, 400, "network name cannot be empty");
        return;
    }
    if (fake_network_find(w, name)) {
        fake_answer_error(call, fake_podman(w) ? 500 : 409, "network with name %s already exists",
                          name);
        return;
    }
    if (own && !parse_subnet(subnet_text, &subnet, &prefix)) {
        fake_answer_error(call, 400, "invalid CIDR address: %s", subnet_text);
        return;
    }
    if (own && overlaps(w, subnet, prefix)) {
        fake_answer_error(call, 403, "Pool overlaps with other one on this address space");
        return;
    }
    n = xcalloc(1, sizeof(*n));
    n->prefix = own ? prefix : DEFAULT_PREFIX;
    n->subnet = subnet;
    if (!own) {
        next_subnet(w, n);
    }
    fake_id(w, n->id);
    n->name = xstrdup(name);
    n->driver = xstrdup(*fake_str(call->body, "Driver") ? fake_str(call->body, "Driver")
                                                        : "bridge");
    n->own_subnet = own;
    n->labels = fake_or_empty(json_object_get(call->body, "Labels"));
    n->options = fake_or_empty(json_object_get(call->body, "Options"));
    n->ipam = json_is_object(ipam) ? json_deep_copy(ipam) : NULL;
    n->internal = json_is_true(json_object_get(call->body, "Internal"));
    n->attachable = json_is_true(json_object_get(call->body, "Attachable"));
    n->ipv6 = json_is_true(json_object_get(call->body, "EnableIPv6"));
    n->created = clock_wall();
    vec_push(&w->networks, n);
    fake_emit(w, "network", "create", n->id, attributes(n));
    fake_answer_json(call, 201, json_pack("{s:s, s:s}", "Id", n->id, "Warning", ""));
}

const char *fake_ip_text(unsigned ip, char buf[16])
{
    struct in_addr in = {.s_addr = htonl(ip)};
    buf[0] = '\0';
    if (ip) {
        inet_ntop(AF_INET, &in, buf, 16);
    }
    return buf;
}

static json_t *show_members(const struct fake_world *w, const struct fake_network *n)
{
    json_t *members = json_object();
    char ip[16];
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        VEC_FOREACH (struct fake_endpoint, e, &c->endpoints) {
            if (e->network == n && e->id[0]) {
                CLEANUP_FREE char *cidr = xasprintf("%s/%d", fake_ip_text(e->ip, ip), n->prefix);
                json_object_set_new(members, c->id,
                                    json_pack("{s:s, s:s, s:s, s:s, s:s}", "Name", c->name,
                                              "EndpointID", e->id, "MacAddress", "", "IPv4Address",
                                              cidr, "IPv6Address", ""));
            }
        }
    }
    return members;
}

static json_t *show_ipam(const struct fake_network *n)
{
    char subnet[16], gateway[16];
    if (n->ipam && json_array_size(json_object_get(n->ipam, "Config"))) {
        return json_pack("{s:s, s:n, s:O}", "Driver", "default", "Options", "Config",
                         json_object_get(n->ipam, "Config"));
    }
    CLEANUP_FREE char *cidr = xasprintf("%s/%d", fake_ip_text(n->subnet, subnet), n->prefix);
    return json_pack("{s:s, s:n, s:[{s:s, s:s}]}", "Driver", "default", "Options", "Config",
                     "Subnet", cidr, "Gateway", fake_ip_text(n->subnet + 1, gateway));
}

static json_t *show(const struct fake_world *w, const struct fake_network *n, bool members)
{
    char text[CLOCK_RFC3339_MAX];
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:b, s:b, s:b, s:{s:s}, s:b, s:o, s:o, "
                     "s:o}",
                     "Name", n->name, "Id", n->id, "Created", clock_rfc3339(n->created, text),
                     "Scope", "local", "Driver", n->driver, "EnableIPv6", n->ipv6, "IPAM",
                     show_ipam(n), "Internal", n->internal, "Attachable", n->attachable, "Ingress",
                     false, "ConfigFrom", "Network", "", "ConfigOnly", false, "Containers",
                     members ? show_members(w, n) : json_object(), "Options",
                     fake_or_empty(n->options), "Labels", fake_or_empty(n->labels));
}

void fake_network_list(struct fake_call *call)
{
    const struct fake_world *w = call->world;
    if (!fake_filters(call)) {
        return;
    }
    json_t *list = json_array();
    VEC_FOREACH (struct fake_network, n, &w->networks) {
        if (fake_filter_labels(call, n->labels) && fake_filter_part(call, "name", n->name) &&
            fake_filter_part(call, "id", n->id) && fake_filter_is(call, "driver", n->driver)) {
            json_array_append_new(list, show(w, n, false));
        }
    }
    fake_answer_json(call, 200, list);
}

/* Answers 404 when absent. */
static struct fake_network *network_of(struct fake_call *call)
{
    struct fake_network *n = fake_network_find(call->world, call->id);
    if (!n) {
        fake_answer_error(call, 404, "network %s not found", call->id);
    }
    return n;
}

void fake_network_inspect(struct fake_call *call)
{
    struct fake_network *n = network_of(call);
    if (n) {
        fake_answer_json(call, 200, show(call->world, n, true));
    }
}

static bool in_use(const struct fake_world *w, const struct fake_network *n)
{
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        VEC_FOREACH (struct fake_endpoint, e, &c->endpoints) {
            if (e->network == n && e->id[0]) {
                return true;
            }
        }
    }
    return false;
}

void fake_network_remove(struct fake_call *call)
{
    struct fake_world *w = call->world;
    struct fake_network *n = network_of(call);
    if (!n) {
        return;
    }
    if (n->predefined) {
        fake_answer_error(call, 403, "%s is a pre-defined network and cannot be removed", n->name);
        return;
    }
    if (in_use(w, n)) {
        fake_answer_error(call, fake_podman(w) ? 409 : 403,
                          "error while removing network: network %s id %s has active endpoints",
                          n->name, n->id);
        return;
    }
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        VEC_FOREACH (struct fake_endpoint, e, &c->endpoints) {
            e->network = e->network == n ? NULL : e->network;
        }
    }
    vec_remove(&w->networks, n);
    fake_emit(w, "network", "destroy", n->id, attributes(n));
    fake_network_free(n);
    fake_answer_empty(call, 204);
}

/* --- endpoints --- */

struct fake_endpoint *fake_endpoint_add(struct fake_container *c, const char *name,
                                        const json_t *config)
{
    struct fake_endpoint *e = xcalloc(1, sizeof(*e));
    e->network = fake_network_find(c->world, name);
    e->name = xstrdup(e->network ? e->network->name : name);
    e->config = json_is_object(config) ? json_deep_copy(config) : NULL;
    vec_push(&c->endpoints, e);
    return e;
}

void fake_endpoint_free(struct fake_endpoint *e)
{
    free(e->name);
    json_decref(e->config);
    free(e);
}

static bool taken(const struct fake_world *w, const struct fake_network *n, unsigned ip)
{
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        VEC_FOREACH (struct fake_endpoint, e, &c->endpoints) {
            if (e->network == n && e->id[0] && e->ip == ip) {
                return true;
            }
        }
    }
    return false;
}

static bool give_address(struct fake_world *w, struct fake_endpoint *e, int *ret_status,
                         char **ret_text)
{
    struct fake_network *n = e->network;
    const char *fixed = fake_str(json_object_get(e->config, "IPAMConfig"), "IPv4Address");
    struct in_addr in = {0};
    if (!str_eq(n->driver, "bridge")) {
        e->ip = 0;
        return true;
    }
    if (*fixed) {
        if (!n->own_subnet) {
            *ret_status = 400;
            *ret_text = xstrdup("user specified IP address is supported only when connecting to "
                                "networks with user configured subnets");
            return false;
        }
        if (inet_pton(AF_INET, fixed, &in) != 1 || taken(w, n, ntohl(in.s_addr))) {
            *ret_status = 403;
            *ret_text = xstrdup("Address already in use");
            return false;
        }
        e->ip = ntohl(in.s_addr);
        return true;
    }
    e->ip = n->subnet + FIRST_HOST;
    while (taken(w, n, e->ip)) {
        e->ip++;
    }
    return true;
}

static json_t *endpoint_attributes(const struct fake_endpoint *e, const struct fake_container *c)
{
    return json_pack("{s:s, s:s, s:s}", "container", c->id, "name", e->network->name, "type",
                     e->network->driver);
}

static bool endpoint_up(struct fake_container *c, struct fake_endpoint *e, int *ret_status,
                        char **ret_text)
{
    struct fake_world *w = c->world;
    e->network = fake_network_find(w, e->network ? e->network->name : e->name);
    if (!e->network) {
        *ret_status = 404;
        *ret_text = xasprintf("network %s not found", e->name);
        return false;
    }
    if (!give_address(w, e, ret_status, ret_text)) {
        return false;
    }
    fake_id(w, e->id);
    fake_emit(w, "network", "connect", e->network->id, endpoint_attributes(e, c));
    return true;
}

void fake_endpoints_down(struct fake_container *c)
{
    VEC_FOREACH (struct fake_endpoint, e, &c->endpoints) {
        if (e->id[0]) {
            fake_emit(c->world, "network", "disconnect", e->network->id, endpoint_attributes(e, c));
        }
        e->id[0] = '\0';
        e->ip = 0;
    }
}

bool fake_endpoints_up(struct fake_container *c, int *ret_status, char **ret_text)
{
    VEC_FOREACH (struct fake_endpoint, e, &c->endpoints) {
        if (!e->id[0] && !endpoint_up(c, e, ret_status, ret_text)) {
            fake_endpoints_down(c);
            return false;
        }
    }
    return true;
}

json_t *fake_endpoint_json(const struct fake_world *w, const struct fake_endpoint *e, bool full)
{
    const json_t *c = e->config;
    char ip[16], gateway[16], mac[18] = "";
    bool up = e->id[0] && e->ip && e->network;
    if (up) {
        snprintf(mac, sizeof(mac), "02:42:%02x:%02x:%02x:%02x", e->ip >> 24, e->ip >> 16 & 255,
                 e->ip >> 8 & 255, e->ip & 255);
    }
    return json_pack("{s:O?, s:n, s:O?, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:s, s:n}",
                     "IPAMConfig", json_object_get(c, "IPAMConfig"), "Links", "Aliases",
                     full ? json_object_get(c, "Aliases") : NULL, "NetworkID",
                     !e->network      ? ""
                     : fake_podman(w) ? e->network->name /* its lists know no other id */
                                      : e->network->id,
                     "EndpointID", e->id, "Gateway",
                     up ? fake_ip_text(e->network->subnet + 1, gateway) : "", "IPAddress",
                     fake_ip_text(up ? e->ip : 0, ip), "IPPrefixLen", up ? e->network->prefix : 0,
                     "IPv6Gateway", "", "GlobalIPv6Address", "", "GlobalIPv6PrefixLen", 0,
                     "MacAddress", mac, "DriverOpts");
}

/* --- connect and disconnect --- */

static struct fake_endpoint *endpoint_on(const struct fake_container *c,
                                         const struct fake_network *n)
{
    VEC_FOREACH (struct fake_endpoint, e, &c->endpoints) {
        if (e->network == n || str_eq(e->name, n->name)) {
            return e;
        }
    }
    return NULL;
}

static struct fake_container *member_of(struct fake_call *call)
{
    const char *id = fake_str(call->body, "Container");
    struct fake_container *c = fake_container_find(call->world, id);
    if (!c) {
        fake_answer_error(call, 404, "No such container: %s", id);
    }
    return c;
}

void fake_network_connect(struct fake_call *call)
{
    struct fake_network *n = network_of(call);
    struct fake_container *c = n ? member_of(call) : NULL;
    int status = 0;
    CLEANUP_FREE char *text = NULL;
    if (!c) {
        return;
    }
    if (endpoint_on(c, n)) {
        fake_answer_error(call, 403, "endpoint with name %s already exists in network %s", c->name,
                          n->name);
        return;
    }
    struct fake_endpoint *e = fake_endpoint_add(c, n->name,
                                                json_object_get(call->body, "EndpointConfig"));
    if (fake_is_up(c) && !endpoint_up(c, e, &status, &text)) {
        vec_remove(&c->endpoints, e);
        fake_endpoint_free(e);
        fake_answer_error(call, status, "%s", text);
        return;
    }
    fake_answer_empty(call, 200);
}

void fake_network_disconnect(struct fake_call *call)
{
    struct fake_network *n = network_of(call);
    struct fake_container *c = n ? member_of(call) : NULL;
    struct fake_endpoint *e = c ? endpoint_on(c, n) : NULL;
    if (!c) {
        return;
    }
    if (!e) {
        fake_answer_error(call, 500, "container %s is not connected to the network %s", c->id,
                          n->name);
        return;
    }
    if (e->id[0]) {
        fake_emit(c->world, "network", "disconnect", n->id, endpoint_attributes(e, c));
    }
    vec_remove(&c->endpoints, e);
    fake_endpoint_free(e);
    fake_answer_empty(call, 200);
}
