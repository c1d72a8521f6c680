/*
 * Building images: for `build`, and for up's build steps.
 */
#ifndef CMD_BUILD_H
#define CMD_BUILD_H

#include "run/run.h"

/* A run_build_fn; arg is the struct drive. */
void build_for_run(void *arg, const struct service *service, run_built_fn *done, void *done_arg);

#endif
