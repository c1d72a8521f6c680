/*
 * The docker client's configuration (~/.docker/config.json): who we are at registries, and the
 * proxies that containers and builds get. The file's format is docker's own.
 */
#ifndef ENGINE_DOCKER_CONFIG_H
#define ENGINE_DOCKER_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "model/project.h"

struct docker_config;

/* *ret is NULL when there is no such file. -ERR_INPUT with file and line when it is no JSON object.
 */
int docker_config_load(const char *path, struct docker_config **ret, struct err *err) MUST_CHECK;
/* Wipes what is secret in it. NULL is fine. */
void docker_config_free(struct docker_config *c);

/*
 * X-Registry-Auth for pulling `image`, X-Registry-Config for a build: base64 of JSON, as the Docker
 * Engine API has it. NULL when nothing is known about the registry (or any); c may be NULL. The
 * caller frees, after mem_wipe.
 */
char *docker_config_auth(const struct docker_config *c, const char *image);
char *docker_config_auths(const struct docker_config *c);
/* The credential helper that would know more about the image's registry, or NULL. */
const char *docker_config_helper(const struct docker_config *c, const char *image);
/* HTTP_PROXY, http_proxy, ...: what the file sets for this engine or for all; in the arena. */
struct key_values docker_config_proxies(const struct docker_config *c, struct arena *arena,
                                        const char *engine);

/* "registry.example.com:5000" of an image's name; "docker.io" when it names none. Caller frees. */
char *docker_registry_of(const char *image);

#endif
