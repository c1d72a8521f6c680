/*
 * Redis' side of a conversation. Cuts must not matter.
 */
#include "probe_feed.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct probe_spec spec = {.kind = PROBE_REDIS};
    struct outcome whole, cut;
    if (size < 1 || size > 65536) {
        return 0;
    }
    spec.password = data[0] & 1 ? FEED_PASSWORD : NULL;
    spec.origin = data[0] & 2 ? PROBE_INFERRED : PROBE_DECLARED;
    spec.lenient = data[0] & 4;
    spec.redis_write = data[0] & 8;
    spec.redis_db = data[0] & 16 ? 3 : 0;
    feed_run(&spec, data + 1, size - 1, size, &whole);
    feed_run(&spec, data + 1, size - 1, (data[0] >> 5) + 1U, &cut);
    assert(strcmp(whole.text, cut.text) == 0 && outcome_same(&whole, &cut));
    return 0;
}
