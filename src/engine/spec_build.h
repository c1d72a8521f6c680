/*
 * What the spec_*.c files share: small helpers that leave out empty values as the reference does.
 */
#ifndef ENGINE_SPEC_BUILD_H
#define ENGINE_SPEC_BUILD_H

#include "engine/spec.h"

/* Each sets `key` unless the value is empty, zero, false or NULL. */
void put_text(json_t *object, const char *key, const char *value);
void put_int(json_t *object, const char *key, int64_t value);
void put_true(json_t *object, const char *key, bool value);
void put_list(json_t *object, const char *key, const struct string_list *list);
void put_map(json_t *object, const char *key, const struct key_values *map);
/* Takes the reference; an empty array or object is dropped. */
void put_json(json_t *object, const char *key, json_t *value);
/* A JSON string; bytes that are not UTF-8 are replaced, as the reference does. */
json_t *text_json(const char *value);
json_t *map_json(const struct key_values *map);
json_t *list_json(const struct string_list *list);

/* The id of the service's first container. */
int peer_id(const struct spec_options *options, const char *service, const char *what,
            const char **ret, struct err *err) MUST_CHECK;

/* spec_host.c: the HostConfig but for mounts and networks. */
int host_config(const struct project *project, const struct service *service,
                const struct spec_options *options, json_t *host, struct err *err) MUST_CHECK;
/* spec_mount.c: HostConfig.Binds and .Mounts. */
int host_mounts(const struct project *project, const struct service *service,
                const struct spec_options *options, json_t *host, struct err *err) MUST_CHECK;
/* spec_endpoint.c: HostConfig.NetworkMode and .Links, NetworkingConfig, MacAddress; connects. */
int container_networks(const struct project *project, const struct service *service, int number,
                       const struct spec_options *options, json_t *host, struct spec_container *ret,
                       struct err *err) MUST_CHECK;

#endif
