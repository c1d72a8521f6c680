/*
 * Feeds a fuzzer's bytes to a probe machine, in one piece and cut up, and checks what must hold for
 * every outcome. The first byte of the input chooses the variant of the spec and the cuts.
 */
#ifndef FUZZ_PROBE_FEED_H
#define FUZZ_PROBE_FEED_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "probe/probe.h"

#define FEED_PASSWORD "hunter2secret"

/* Texts go into JSON and onto terminals. */
static inline void feed_check(const struct probe_spec *spec, const struct outcome *o)
{
    assert(o->verdict != VERDICT_LOST && o->verdict < VERDICT_COUNT && o->layer < LAYER_COUNT);
    assert(o->text[0] != '\0' && (!spec->password || !strstr(o->text, spec->password)));
    for (const char *p = o->text; *p;) {
        size_t n = utf8_len(p);
        assert(n > 0 && (unsigned char)*p >= ' ');
        p += n;
    }
}

static inline void feed_run(const struct probe_spec *spec, const uint8_t *data, size_t size,
                            size_t piece, struct outcome *ret)
{
    CLEANUP_BUF struct buf out = BUF_INIT;
    const struct probe_options opt = {.nonce = "fuzznonce", .host = "db:1"};
    struct probe_machine *m = probe_machine_new(spec, &opt);
    enum probe_want want = probe_step(m, NULL, 0, false, &out, 0, ret);
    for (size_t at = 0; want != PROBE_DONE && at < size;) {
        if (want == PROBE_WANT_TLS) {
            want = probe_step(m, NULL, 0, false, &out, 0, ret);
            continue;
        }
        size_t n = size - at < piece ? size - at : piece;
        want = probe_step(m, data + at, n, false, &out, NS_PER_MS, ret);
        at += n;
    }
    if (want != PROBE_DONE) {
        probe_timed_out(m, NS_PER_SEC, ret);
        feed_check(spec, ret);
        want = probe_step(m, NULL, 0, true, &out, NS_PER_SEC, ret);
        if (want == PROBE_WANT_TLS) { /* the start of a TLS-only probe: the end comes after it */
            want = probe_step(m, NULL, 0, true, &out, NS_PER_SEC, ret);
        }
    }
    assert(want == PROBE_DONE && !out.failed);
    feed_check(spec, ret);
    probe_machine_free(m);
}

#endif
