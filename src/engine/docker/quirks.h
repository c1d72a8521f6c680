/* How engines differ behind the same API: one row each. */
#ifndef ENGINE_DOCKER_QUIRKS_H
#define ENGINE_DOCKER_QUIRKS_H

#include "engine/transport.h"

/*
 * Sets name, version and the traits of the engine that says `product` ("Docker", "Libpod",
 * "Podman Engine", ...) of `version`. An unknown product is treated as Docker.
 */
void quirks_apply(struct engine_traits *traits, const char *product, const char *version);

#endif
