/*
 * From the typed tree to the model's structs.
 */
#ifndef COMPOSE_DECODE_H
#define COMPOSE_DECODE_H

#include "compose/node.h"
#include "model/project.h"

/* Fills services, networks, volumes, secrets and configs of *project, in `arena`; problems in
 * x-fettle go to *diags. */
int decode_project(struct project *project, const struct node *root, struct arena *arena,
                   struct diags *diags);
/* x-fettle of a service. */
int decode_readiness(struct readiness *ret, const struct node *x_fettle, const char *service,
                     struct arena *arena, struct diags *diags);

#endif
