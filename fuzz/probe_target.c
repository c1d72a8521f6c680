/*
 * Targets of the command line and of DATABASE_URL and the like. What is accepted can be shown, and
 * makes a machine whose first message is well formed.
 */
#include <assert.h>
#include <string.h>

#include "probe/probe.h"
#include "probe/target.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct probe_spec spec = {0};
    struct err err = {0};
    char text[256];
    if (size > PROBE_TARGET_MAX + 1) {
        return 0;
    }
    arena_init(&arena);
    int rc = probe_target_parse(arena_strndup(&arena, (const char *)data, size), &arena, &spec,
                                &err);
    assert(rc == 0 || (rc == -ERR_INPUT && err.message[0]));
    if (rc == 0) {
        assert(*probe_target_text(&spec, text, sizeof(text)));
    }
    if (rc == 0 && probe_has_machine(spec.kind)) {
        CLEANUP_BUF struct buf out = BUF_INIT;
        struct outcome o;
        struct probe_machine *m = probe_machine_new(&spec, NULL);
        enum probe_want want = probe_step(m, NULL, 0, false, &out, 0, &o);
        if (want == PROBE_WANT_TLS) {
            want = probe_step(m, NULL, 0, false, &out, 0, &o);
        }
        assert(want != PROBE_WANT_TLS);
        /* One request line, one host: nothing of the target starts a header of its own. */
        size_t lines = 0;
        for (size_t i = 0; i < out.len && spec.kind == PROBE_HTTP; i++) {
            lines += out.data[i] == '\n';
        }
        assert(lines <= 8);
        probe_machine_free(m);
    }
    arena_release(&arena);
    return 0;
}
