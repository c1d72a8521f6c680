/*
 * The model in the engine's words: the JSON bodies that create containers, networks and volumes,
 * and Compose's labels on them. What is sent is what docker compose 2.40 sends, so that either
 * tool can take over from the other. Pure, except that a seccomp profile is read from its file.
 */
#ifndef ENGINE_SPEC_H
#define ENGINE_SPEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/project.h"

/* The version in the label com.docker.compose.version: the Compose whose rules are followed. */
#define SPEC_COMPOSE_VERSION "2.40.3"

/* Running or created containers of a service as they are now, by number. Borrowed. */
struct spec_peer {
    const char *id, *name;
};
/* Returns how many there are and points *ret at them; 0 = none (yet). */
typedef size_t spec_peers_fn(void *arg, const char *service, const struct spec_peer **ret);

/* A mount of the container that is being replaced. */
struct spec_inherited {
    const char *type;   /* "volume", "bind"; "tmpfs" is skipped */
    const char *source; /* the volume's name, or the host path of a bind mount */
    const char *target;
    bool read_only;
};

struct spec_options {
    int api_minor;        /* 41 for API 1.41 */
    const char *image_id; /* of the service's image, for the label .image; NULL = not known */
    const char *name;     /* the container's name; NULL = the service's own for this number */
    const char *replace;  /* label .replace while recreating, or NULL */
    spec_peers_fn
        *peers; /* for network_mode service:X, ipc, pid, volumes_from, links; may be NULL */
    void *peers_arg;

    /* one-off containers (run) */
    bool oneoff;
    const char *slug;  /* label .slug */
    bool use_aliases;  /* --use-aliases; ordinary containers always have them */
    bool auto_remove;  /* --rm */
    bool attach_stdin; /* -i */

    /* recreating: what the old container had, and its image's VOLUMEs; NULL with -V */
    const struct spec_inherited *inherited;
    size_t inherited_count;
    const struct string_list *image_volumes;

    /* HTTP_PROXY and the like from the docker configuration; may be NULL */
    const struct key_values *proxies;
};

struct spec_connect {
    char *network;    /* name or id for POST /networks/{network}/connect */
    json_t *endpoint; /* EndpointConfig */
};

struct spec_container {
    char *name;
    char *platform; /* os/architecture[/variant] for the query, or NULL */
    json_t *body;   /* of POST /containers/create */
    /* networks to connect before the start; none from API 1.44 on, where create takes them all */
    struct spec_connect *connects;
    size_t connect_count;
};

void spec_container_release(struct spec_container *c);

/*
 * Builds what creates container `number` of the service (a shallow copy changed by the caller will
 * do). Fails with -ERR_UNSUPPORTED when the engine's API cannot do what the file asks for, with
 * -ERR_NOT_FOUND when a container that it refers to is not there. *ret is the caller's to release.
 */
int spec_container(const struct project *project, const struct service *service, int number,
                   const struct spec_options *options, struct spec_container *ret,
                   struct err *err) MUST_CHECK;

/* Bodies of POST /networks/create and /volumes/create; the caller's reference. Never NULL. */
json_t *spec_network(const struct project *project, const struct network *network);
json_t *spec_volume(const struct project *project, const struct volume *volume);

/* PROJECT-SERVICE-NUMBER, or container_name. Caller frees. */
char *spec_container_name(const struct project *project, const struct service *service, int number);
/* The image to run: as written, or the name of the one that is built. Caller frees. */
char *spec_image(const struct project *project, const struct service *service);

/* The label com.docker.compose.config-hash with references to containers resolved: equals
 * service->config_hash unless it shares a namespace or volumes with another service. */
int spec_config_hash(const struct service *service, const struct spec_options *options,
                     char ret[static 65], struct err *err) MUST_CHECK;

/* A secret or config that is not a file of the host: written into the container before its start
 * with PUT /containers/{id}/archive. Borrowed from the project but for `target`. */
struct spec_file {
    char *target; /* absolute */
    const char *content;
    int64_t uid, gid;
    uint32_t mode;
};
/* Fails when a value is not there or the container's root is read-only. Free with
 * spec_files_free. */
int spec_files(const struct project *project, const struct service *service, struct spec_file **ret,
               size_t *ret_count, struct err *err) MUST_CHECK;
void spec_files_free(struct spec_file *files, size_t count);

/* What `run` changes in a service. Unset fields leave it as it is. */
struct spec_run {
    const char *name;              /* --name */
    struct string_list command;    /* .set = given */
    struct string_list entrypoint; /* .set = given: clears the command */
    const char *user, *working_dir;
    struct key_values environment; /* added; without a value: from the project's */
    struct key_values labels;      /* added */
    struct string_list cap_add, cap_drop;
    const struct port *ports; /* -p */
    size_t port_count;
    bool service_ports;         /* -P */
    const struct mount *mounts; /* -v, added */
    size_t mount_count;
    bool tty, interactive;
};
/* A copy of `service` as `run` wants it; what is new is in the arena. */
struct service *spec_run_service(struct arena *arena, const struct project *project,
                                 const struct service *service, const struct spec_run *run);

#endif
