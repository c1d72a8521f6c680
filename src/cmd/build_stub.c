/*
 * Until the builder is in the tree: building says that it cannot.
 */
#include "cmd/build.h"

void build_for_run(void *arg, const struct service *service, run_built_fn *done, void *done_arg)
{
    struct err err = {0};
    (void)arg;
    err_set(&err, ERR_UNSUPPORTED, "cannot build the image of %s yet", service->name);
    err_hint(&err, "build it with docker build");
    done(done_arg, &err);
}
