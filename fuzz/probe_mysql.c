/*
 * MySQL's side of a conversation. Cuts must not matter.
 */
#include "probe_feed.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tables[] = {"users"};
    struct probe_spec spec = {.kind = PROBE_MYSQL, .user = "app", .database = "shop"};
    struct outcome whole, cut;
    if (size < 1 || size > 65536) {
        return 0;
    }
    spec.password = data[0] & 1 ? FEED_PASSWORD : NULL;
    spec.origin = data[0] & 2 ? PROBE_INFERRED : PROBE_DECLARED;
    spec.lenient = data[0] & 4;
    spec.tables = tables;
    spec.table_count = data[0] & 8 ? 1 : 0;
    feed_run(&spec, data + 1, size - 1, size, &whole);
    feed_run(&spec, data + 1, size - 1, (data[0] >> 5) + 1U, &cut);
    /* The password travels encrypted with fresh randomness, but the outcome does not depend on it.
     */
    assert(strcmp(whole.text, cut.text) == 0 && outcome_same(&whole, &cut));
    spec.tls = true;
    feed_run(&spec, data + 1, size - 1, 1, &cut);
    return 0;
}
