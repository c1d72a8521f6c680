/*
 * ${...} in one text. Two variables are set, one of them empty; what comes out of a text without a
 * dollar sign is the text.
 */
#include "compose/interpolate.h"

#include <assert.h>
#include <string.h>

#include "target.h"

static const char *look_up(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "A") == 0 ? "value" : strcmp(name, "E") == 0 ? "" : NULL;
}

static void on_variable(void *arg, const char *name, const char *default_value, bool required,
                        const char *alternate)
{
    size_t *count = arg;
    assert(*name && !(default_value && alternate) && !(required && default_value));
    (*count)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct diags diags = DIAGS_INIT;
    struct map warned = {0};
    const char *text = NULL, *out = NULL, *why = NULL;
    size_t variables = 0;
    struct interpolation in = {
        .arena = &arena, .lookup = look_up, .diags = &diags, .warned = &warned};
    arena_init(&arena);
    text = arena_strndup(&arena, size ? (const char *)data : "", size);
    if (interpolate_text(&in, text, &out, &why)) {
        assert(why && *why);
    } else if (!strchr(text, '$')) {
        assert(strcmp(text, out) == 0);
    }
    interpolate_variables(&arena, node_string(&arena, (struct pos){0}, text), on_variable,
                          &variables);
    map_release(&warned);
    diags_release(&diags);
    arena_release(&arena);
    return 0;
}
