/*
 * Images of a set-up, by the same plan and run as `up`: what is missing is pulled or built.
 */
#include "cmd/setup_images.h"

#include "cmd/drive.h"

int setup_images(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d = {0};
    int rc = drive_open(&d, ctx, args, DRIVE_NEEDS_FILES | DRIVE_IMAGES, err);
    if (rc == 0) {
        d.run.flags = RUN_KEEP_GOING;
        d.plan.flags = args_flag(args, "build") ? PLAN_BUILD : 0;
        rc = drive_walk(&d, plan_images, err);
    }
    if (rc == 0 && !d.last.step_count && !ctx->json) {
        show_text("every image is there already\n");
    }
    drive_release(&d);
    return rc;
}
