/*
 * .env and env_file: KEY=VALUE lines in Compose's dialect.
 */
#ifndef COMPOSE_DOTENV_H
#define COMPOSE_DOTENV_H

#include "base/map.h"
#include "compose/interpolate.h"
#include "compose/node.h"

/*
 * Parses `text`, appends to `out` (name to text in the arena; a later line replaces an earlier
 * one). Variables in values are looked up with `lookup` first, then among what `out` has. A name
 * without "=" takes its value from `lookup` and is left out when that has none. `warned` as in
 * struct interpolation. Problems go to diags; returns 0 or -ERR_COMPOSE.
 */
int dotenv_parse(struct arena *arena, const char *file, const char *text, size_t len,
                 interpolate_fn *lookup, void *lookup_arg, struct map *warned, struct map *out,
                 struct diags *diags);

/* format: raw, the rules of docker run --env-file: no quotes, no variables, no comments in lines.
 */
int dotenv_parse_raw(struct arena *arena, const char *file, const char *text, size_t len,
                     interpolate_fn *lookup, void *lookup_arg, struct map *out,
                     struct diags *diags);

#endif
