/* The second half of `fettle setup`: every image pulled or built. */
#ifndef CMD_SETUP_IMAGES_H
#define CMD_SETUP_IMAGES_H

#include "cmd/args.h"
#include "cmd/context.h"

int setup_images(struct cmd_context *ctx, const struct args *args, struct err *err) MUST_CHECK;

#endif
