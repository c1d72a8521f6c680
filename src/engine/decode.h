/*
 * The engine's JSON to plain types. Anything missing or of the wrong type becomes "" or 0: engines
 * differ, and a field nobody needs must not stop a run. Text is copied into the arena.
 */
#ifndef ENGINE_DECODE_H
#define ENGINE_DECODE_H

#include <jansson.h>

#include "base/arena.h"
#include "model/observed.h"

/* GET /containers/json; sorted by service, number, name. */
void decode_containers(struct arena *a, const json_t *array, struct observed_container **ret,
                       size_t *ret_count);
/* GET /networks */
void decode_networks(struct arena *a, const json_t *array, struct observed_network **ret,
                     size_t *ret_count);
void decode_network(struct arena *a, const json_t *object, struct observed_network *ret);
/* GET /volumes: {"Volumes": [...]} */
void decode_volumes(struct arena *a, const json_t *object, struct observed_volume **ret,
                    size_t *ret_count);
void decode_volume(struct arena *a, const json_t *object, struct observed_volume *ret);
/* GET /images/REF/json */
void decode_image(struct arena *a, const char *reference, const json_t *object,
                  struct observed_image *ret);

/* What GET /containers/ID/json says beyond the list. */
struct container_details {
    const char *id, *name, *image_id;
    enum container_state state;
    enum engine_health health;
    int exit_code, restart_count;
    int64_t pid;
    bool oom_killed, tty;
    const char *error;                  /* State.Error */
    const char *health_output;          /* of the last health check, "" = none */
    int64_t created, started, finished; /* wall ns; 0 = never */
    const char *restart_policy;
    const char *network_mode;
    struct observed_endpoint *endpoints;
    size_t endpoint_count;
    struct observed_port *ports; /* published */
    size_t port_count;
    struct string_list environment_text; /* "K=V" */
    struct healthcheck healthcheck;      /* the effective one */
};
void decode_details(struct arena *a, const json_t *object, struct container_details *ret);

/* Members with a fallback: never NULL. */
const char *json_text(const json_t *object, const char *key);
int64_t json_number(const json_t *object, const char *key);

#endif
