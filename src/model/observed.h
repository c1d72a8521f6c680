/*
 * What exists on an engine for one project: the other side of every plan. Plain data in an arena.
 */
#ifndef MODEL_OBSERVED_H
#define MODEL_OBSERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/project.h"

enum container_state {
    CONTAINER_CREATED,
    CONTAINER_RUNNING,
    CONTAINER_PAUSED,
    CONTAINER_RESTARTING,
    CONTAINER_REMOVING,
    CONTAINER_EXITED,
    CONTAINER_DEAD,
    CONTAINER_STATE_COUNT
};

enum engine_health {
    ENGINE_HEALTH_NONE, /* no health check, or not known */
    ENGINE_HEALTH_STARTING,
    ENGINE_HEALTH_HEALTHY,
    ENGINE_HEALTH_UNHEALTHY,
    ENGINE_HEALTH_COUNT
};

struct observed_endpoint {
    const char *network;    /* name */
    const char *network_id; /* "" before the first start on some engines */
    const char *ip, *ip6;   /* "" when not running */
};

struct observed_mount {
    const char *type; /* "volume", "bind", "tmpfs" */
    const char *name; /* volume name or "" */
    const char *source;
    const char *target;
    bool read_only;
};

struct observed_port {
    const char *ip;
    uint16_t private_port, public_port; /* public 0 = not published */
    const char *protocol;
};

struct observed_container {
    const char *id, *name; /* name without the leading slash */
    const char *image;     /* as the engine shows it */
    const char *image_id;
    const char *command;
    const char *status; /* the engine's text: "Up 2 minutes (healthy)" */
    enum container_state state;
    enum engine_health health;
    int exit_code;   /* of an exited container, else 0 */
    int64_t created; /* wall ns */

    /* from Compose's labels; "" when absent */
    const char *project, *service, *config_hash, *image_label, *depends_on, *working_dir,
        *config_files, *replace;
    int number; /* com.docker.compose.container-number, 0 = none */
    bool oneoff;

    struct observed_endpoint *endpoints;
    size_t endpoint_count;
    struct observed_mount *mounts;
    size_t mount_count;
    struct observed_port *ports;
    size_t port_count;
    struct key_values labels;
};

struct observed_network {
    const char *id, *name, *key /* com.docker.compose.network */, *project, *config_hash, *driver;
    struct key_values labels;
};

struct observed_volume {
    const char *name, *key, *project, *config_hash, *driver, *mountpoint;
    struct key_values labels;
};

/* An image that a service uses, as inspected; id is "" when the engine does not have it. */
struct observed_image {
    const char *reference; /* as the service names it */
    const char *id;
    int64_t last_tag_time; /* wall ns; 0 = unknown */
    const char *architecture, *os;
    struct key_values environment;
    struct string_list exposed_ports; /* "5432/tcp" */
    struct string_list volumes;       /* anonymous volumes' targets */
    struct string_list entrypoint, command;
    struct healthcheck healthcheck; /* the image's own; set = false when it has none */
    const char *stop_signal;
};

struct observed {
    struct arena arena;
    struct observed_container *containers; /* all of the project, also stopped, by name */
    size_t container_count;
    struct observed_network *networks;
    size_t network_count;
    struct observed_volume *volumes;
    size_t volume_count;
    struct observed_image *images;
    size_t image_count;
};

void observed_release(struct observed *o);

const struct observed_network *observed_network(const struct observed *o, const char *name);
const struct observed_volume *observed_volume(const struct observed *o, const char *name);
const struct observed_image *observed_image(const struct observed *o, const char *reference);
const struct observed_container *observed_container(const struct observed *o, const char *name);

const char *container_state_name(enum container_state s);
/* CONTAINER_STATE_COUNT when unknown. */
enum container_state container_state_from_name(const char *name);
const char *engine_health_name(enum engine_health h);
enum engine_health engine_health_from_name(const char *name);

#endif
