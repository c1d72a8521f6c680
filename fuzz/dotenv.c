/*
 * .env files, in both dialects.
 */
#include "compose/dotenv.h"

#include <assert.h>

#include "target.h"

static const char *look_up(void *arg, const char *name)
{
    (void)arg;
    return name[0] == 'A' ? "value" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct diags diags = DIAGS_INIT;
    struct map out = {0}, raw = {0}, warned = {0};
    const char *text = size ? (const char *)data : "";
    arena_init(&arena);
    if (dotenv_parse(&arena, ".env", text, size, look_up, NULL, &warned, &out, &diags)) {
        assert(diags.errors && diags.items[0].line > 0 && diags.items[0].col > 0);
    }
    (void)dotenv_parse_raw(&arena, ".env", text, size, look_up, NULL, &raw, &diags);
    MAP_FOREACH (entry, &out) {
        assert(entry->value);
    }
    map_release(&out);
    map_release(&raw);
    map_release(&warned);
    diags_release(&diags);
    arena_release(&arena);
    return 0;
}
