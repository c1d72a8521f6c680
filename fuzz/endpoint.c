/* Endpoint texts (DOCKER_HOST, contexts): parsed or refused with a reason, never half. */
#include <stdlib.h>

#include "base/mem.h"
#include "engine/docker/endpoint.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct endpoint e = {0};
    struct err err = {0};
    CLEANUP_FREE char *text = xstrndup((const char *)data, size);

    if (endpoint_parse(text, &e, &err) == 0) {
        if (e.url == NULL || (e.kind == ENDPOINT_UNIX ? e.path == NULL : e.host == NULL)) {
            abort();
        }
        if (e.host != NULL && e.host[0] == '-') {
            abort();
        }
        endpoint_release(&e);
    } else if (err.message[0] == '\0' || e.url != NULL) {
        abort();
    }
    return 0;
}
