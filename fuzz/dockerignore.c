/*
 * .dockerignore files, and paths matched against them.
 */
#include "engine/dockerignore.h"

#include <assert.h>

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {"a", "a/b/c.o", "node_modules/x", "keep.o", "x/y/x/z"};
    struct dockerignore d = {0};
    struct err err = {0};
    if (size > 4096) {
        return 0;
    }
    if (dockerignore_parse(&d, ".dockerignore", size ? (const char *)data : "", size, &err)) {
        assert(err.code == ERR_INPUT && err.line > 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        bool excluded = dockerignore_excludes(&d, paths[i]);
        assert(!excluded || d.count);
        (void)dockerignore_descends(&d, paths[i]);
    }
    dockerignore_release(&d);
    return 0;
}
