/*
 * One look at everything a project has on an engine: three lists and one inspect per image, all at
 * once over kept connections.
 */
#ifndef ENGINE_OBSERVE_H
#define ENGINE_OBSERVE_H

#include "engine/engine.h"
#include "model/observed.h"

enum observe_flags {
    OBSERVE_CONTAINERS = 1,
    OBSERVE_NETWORKS = 2,
    OBSERVE_VOLUMES = 4,
    OBSERVE_IMAGES = 8, /* of the project's services (needs a project) */
    OBSERVE_ALL = 15
};

/*
 * `observed` is the caller's, zeroed, and filled when fn is called without an error. `project` may
 * be NULL when only `name` is known (stop, down and the like without files): then by label alone.
 * With a project, its networks and volumes are looked up by name too, so that external ones and
 * those of other tools are seen. The project must outlive the call.
 */
struct observe;
struct observe *observe_start(struct engine *e, const char *name, const struct project *project,
                              enum observe_flags what, struct observed *observed,
                              void (*fn)(void *arg, const struct err *err), void *arg);

#endif
