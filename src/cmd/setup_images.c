/*
 * Images of a set-up, by the same plan as `up`.
 */
#include "cmd/setup_images.h"

int setup_images(struct cmd_context *ctx UNUSED, const struct args *args UNUSED,
                 struct err *err UNUSED)
{
    show_text("images: fettle up pulls or builds what is missing\n");
    return 0;
}
