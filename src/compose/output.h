/*
 * What `config` prints: the model as JSON or YAML, and its lists. Text only; cmd/ writes it.
 */
#ifndef COMPOSE_OUTPUT_H
#define COMPOSE_OUTPUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/project.h"

/* The whole project, as `config --format json`; every `$` is doubled, so that it reads back. */
void output_json(const struct project *project, struct buf *out);
/* ... as `config`. */
void output_yaml(const struct project *project, struct buf *out);
/* The tree of a load that stopped early (--no-interpolate, COMPOSE_RAW_TREE); `$` as it stands. */
void output_raw(const struct project *project, bool json, struct buf *out);
/* `config --lock-image-digests`: services with their image only. */
void output_images_only(const struct project *project, bool json, struct buf *out);

/* One a line, sorted. */
void output_services(const struct project *project, struct buf *out);
void output_networks(const struct project *project, struct buf *out);
void output_volumes(const struct project *project, struct buf *out);
void output_models(const struct project *project, struct buf *out);
/* The image of each service, in the order of services. */
void output_images(const struct project *project, struct buf *out);
/* Of all services, also those that are not enabled. */
void output_profiles(const struct project *project, struct buf *out);
/* KEY=VALUE of what interpolation saw. */
void output_environment(const struct project *project, struct buf *out);
/* "service hash" for each, or for the one named. False when there is no such service. */
bool output_hash(const struct project *project, const char *service, struct buf *out);
/* --variables: a table of the variables that the raw tree refers to. */
void output_variables(const struct project *project, bool json, struct buf *out);

#endif
