/*
 * Networks of a container: the mode, the endpoints sent with the creation, those connected after
 * it (API before 1.44), links and the MAC address, whose place changed with API 1.44.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "engine/spec_build.h"

enum { API_MANY_ENDPOINTS = 44, API_INTERFACE_NAME = 49 };

static json_t *aliases(const struct project *project, const struct service *service, int number,
                       const struct spec_options *options, const struct service_network *net)
{
    json_t *list = json_array();
    char *name = options->oneoff && options->name ? xstrdup(options->name)
                                                  : spec_container_name(project, service, number);
    json_array_append_new(list, text_json(name));
    free(name);
    if (!options->oneoff || options->use_aliases) {
        json_array_append_new(list, text_json(service->name));
        for (size_t i = 0; net && i < net->aliases.count; i++) {
            json_array_append_new(list, text_json(net->aliases.items[i]));
        }
    }
    return list;
}

static json_t *endpoint(const struct project *project, const struct service *service, int number,
                        const struct spec_options *options, const struct service_network *net,
                        json_t *links)
{
    json_t *json = json_object();
    json_object_set_new(json, "Aliases", aliases(project, service, number, options, net));
    if (json_array_size(links)) {
        json_object_set(json, "Links", links);
    }
    if (net) {
        json_t *ipam = json_object();
        json_t *driver_opts = map_json(&net->driver_opts);
        put_text(ipam, "IPv4Address", net->ipv4_address);
        put_text(ipam, "IPv6Address", net->ipv6_address);
        put_list(ipam, "LinkLocalIPs", &net->link_local_ips);
        put_json(json, "IPAMConfig", ipam);
        put_text(json, "IPAddress", net->ipv4_address);
        put_text(json, "IPv6Gateway", net->ipv6_address); /* as the reference has it */
        put_text(json, "MacAddress", net->mac_address);
        put_text(driver_opts, "com.docker.network.endpoint.ifname", net->interface_name);
        put_json(json, "DriverOpts", driver_opts);
        put_int(json, "GwPriority", net->gw_priority);
    }
    return json;
}

static void add_link(json_t *links, const char *container, const char *alias)
{
    char *text = xasprintf("%s:%s", container, alias);
    json_array_append_new(links, text_json(text));
    free(text);
}

static void add_peer_links(json_t *links, const struct project *project, const char *link,
                           int number, const struct spec_options *options)
{
    const struct spec_peer *peers = NULL;
    char sep = project->separator ? project->separator : '-';
    size_t len = strcspn(link, ":");
    char *service = xstrndup(link, len);
    char *by_number = xasprintf("%s%c%d", service, sep, number);
    char *by_project = xasprintf("%s%c%s", project->name, sep, by_number);
    const char *alias = link[len] && !strchr(link + len + 1, ':') ? link + len + 1 : service;
    size_t count = options->peers ? options->peers(options->peers_arg, service, &peers) : 0;
    for (size_t i = 0; i < count; i++) {
        add_link(links, peers[i].name, alias);
        add_link(links, peers[i].name, by_number);
        add_link(links, peers[i].name, by_project);
    }
    free(service);
    free(by_number);
    free(by_project);
}

static void add_own_links(json_t *links, const struct project *project,
                          const struct service *service, const struct spec_options *options)
{
    const struct spec_peer *peers = NULL;
    size_t count = options->peers ? options->peers(options->peers_arg, service->name, &peers) : 0;
    char *prefix = xasprintf("%s%c", project->name, project->separator ? project->separator : '-');
    for (size_t i = 0; i < count; i++) {
        const char *name = peers[i].name;
        add_link(links, name, service->name);
        add_link(links, name, str_starts(name, prefix) ? name + strlen(prefix) : name);
        add_link(links, name, name);
    }
    free(prefix);
}

static json_t *all_links(const struct project *project, const struct service *service, int number,
                         const struct spec_options *options)
{
    json_t *links = json_array();
    for (size_t i = 0; i < service->links.count; i++) {
        add_peer_links(links, project, service->links.items[i], number, options);
    }
    if (options->oneoff) {
        add_own_links(links, project, service, options);
    }
    for (size_t i = 0; i < service->external_links.count; i++) {
        const char *link = service->external_links.items[i];
        size_t len = strcspn(link, ":");
        char *container = xstrndup(link, len);
        add_link(links, container,
                 link[len] && !strchr(link + len + 1, ':') ? link + len + 1 : container);
        free(container);
    }
    return links;
}

static const char *network_name(const struct project *project, const char *key)
{
    const struct network *network = project_network(project, key);
    return network ? network->name : key;
}

/* API before 1.44 has one address for the container, later ones have one for each endpoint. */
static int mac_address(const struct service *service, const struct spec_options *options,
                       const char **ret_container, const char **ret_endpoint, struct err *err)
{
    const struct service_network *networks = service->networks;
    const char *own = service->network_count ? networks->mac_address : NULL;
    const char *mac = service->mac_address;
    size_t with = 0;
    if (!str_empty(mac) && !str_empty(own) && !str_eq(mac, own)) {
        return err_set(err, ERR_INPUT,
                       "mac_address of the service and of network %s must be the same",
                       networks->network);
    }
    if (options->api_minor >= API_MANY_ENDPOINTS) {
        *ret_endpoint = str_empty(own) ? mac : own;
        return 0;
    }
    for (size_t i = 0; i < service->network_count; i++) {
        with += !str_empty(networks[i].mac_address);
    }
    if (with > 1) {
        return err_set(err, ERR_UNSUPPORTED,
                       "a MAC address on more than one network needs Docker Engine 25 or later");
    }
    *ret_container = str_empty(own) ? mac : own;
    *ret_endpoint = own;
    return 0;
}

static int check_interface_names(const struct service *service, int api_minor, struct err *err)
{
    for (size_t i = 0; i < service->network_count; i++) {
        if (api_minor < API_INTERFACE_NAME && !str_empty(service->networks[i].interface_name)) {
            return err_set(err, ERR_UNSUPPORTED,
                           "interface_name needs Docker Engine 28.1 or later");
        }
    }
    return 0;
}

static void add_connect(struct spec_container *ret, const char *network, json_t *json)
{
    ret->connects = xreallocarray(ret->connects, ret->connect_count + 1, sizeof(*ret->connects));
    ret->connects[ret->connect_count++] = (struct spec_connect){.network = xstrdup(network),
                                                                .endpoint = json};
}

static int put_endpoints(const struct project *project, const struct service *service, int number,
                         const struct spec_options *options, json_t *host, json_t *links,
                         struct spec_container *ret, struct err *err)
{
    static const struct service_network fallback = {.network = "default"};
    const struct service_network *first = service->network_count ? service->networks : NULL;
    const char *name = network_name(project, first ? first->network : fallback.network);
    const char *mac = NULL, *endpoint_mac = NULL;
    json_t *endpoints = json_object();
    json_t *json = NULL;
    int rc = mac_address(service, options, &mac, &endpoint_mac, err);
    rc = rc ? rc : check_interface_names(service, options->api_minor, err);
    if (rc) {
        json_decref(endpoints);
        return rc;
    }
    put_text(ret->body, "MacAddress", mac);
    put_text(host, "NetworkMode", name);
    json = endpoint(project, service, number, options, first, links);
    put_text(json, "MacAddress", endpoint_mac);
    json_object_set_new(endpoints, name, json);
    for (size_t i = 1; i < service->network_count; i++) {
        const struct service_network *net = &service->networks[i];
        json = endpoint(project, service, number, options, net, links);
        if (options->api_minor >= API_MANY_ENDPOINTS) {
            json_object_set_new(endpoints, network_name(project, net->network), json);
        } else {
            add_connect(ret, network_name(project, net->network), json);
        }
    }
    json_object_set_new(ret->body, "NetworkingConfig",
                        json_pack("{s:o}", "EndpointsConfig", endpoints));
    return 0;
}

int container_networks(const struct project *project, const struct service *service, int number,
                       const struct spec_options *options, json_t *host, struct spec_container *ret,
                       struct err *err)
{
    json_t *links = all_links(project, service, number, options);
    const char *mode = service->network_mode;
    const char *id = NULL;
    int rc = 0;
    if (json_array_size(links)) {
        json_object_set(host, "Links", links);
    }
    if (!str_empty(mode) && str_starts(mode, "service:")) {
        rc = peer_id(options, mode + strlen("service:"), "the network", &id, err);
        if (rc == 0) {
            char *text = xasprintf("container:%s", id);
            put_text(host, "NetworkMode", text);
            free(text);
        }
    } else if (!str_empty(mode)) {
        put_text(host, "NetworkMode", mode);
        put_text(ret->body, "MacAddress",
                 options->api_minor < API_MANY_ENDPOINTS ? service->mac_address : NULL);
    } else if (project->network_count == 0) {
        put_text(host, "NetworkMode", "none");
    } else {
        rc = put_endpoints(project, service, number, options, host, links, ret, err);
    }
    json_decref(links);
    return rc;
}
