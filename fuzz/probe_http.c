/*
 * An HTTP server's answer, and a greeting on plain TCP. The excerpt of a body depends on what came
 * with the headers, so only the verdicts of answers that fit are compared.
 */
#include "probe_feed.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct probe_spec spec = {.kind = PROBE_HTTP, .path = "/health"};
    struct outcome whole, cut;
    if (size < 1 || size > 65536) {
        return 0;
    }
    spec.body = data[0] & 1 ? "ok" : NULL;
    spec.header = data[0] & 2 ? "Content-Type: json" : NULL;
    spec.method = data[0] & 4 ? "HEAD" : NULL;
    spec.status = data[0] & 8 ? (struct status_range){100, 599} : (struct status_range){0};
    spec.tls = data[0] & 16;
    feed_run(&spec, data + 1, size - 1, size, &whole);
    feed_run(&spec, data + 1, size - 1, (data[0] >> 5) + 1U, &cut);
    assert((whole.verdict == VERDICT_READY) == (cut.verdict == VERDICT_READY));
    spec = (struct probe_spec){.kind = PROBE_TCP, .body = "220 "};
    feed_run(&spec, data + 1, size - 1, size, &whole);
    return 0;
}
