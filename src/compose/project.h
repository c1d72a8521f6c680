/*
 * The last stretch of a load: the merged, canonical tree of a project to the typed model.
 */
#ifndef COMPOSE_PROJECT_H
#define COMPOSE_PROJECT_H

#include "base/map.h"
#include "compose/load.h"
#include "compose/node.h"

/*
 * Completes and normalises `root`, selects services by profiles, reads env_file and label_file,
 * checks references, drops what nothing uses, works out the config hashes and fills `p` (whose
 * name, directory, files, environment and profiles are set already). Everything is put in the
 * arena, which is the project's. Returns 0 or -ERR_COMPOSE with the problems in *diags.
 */
int project_from_tree(struct project *p, struct node *root, struct arena *arena,
                      const struct map *environment, const struct compose_options *options,
                      struct diags *diags) MUST_CHECK;

#endif
