/*
 * A Compose file from its text to what `config` prints, as the loader does it, without a disk:
 * the file is put where the loader keeps what it has parsed. It may extend and include itself.
 */
#include "compose/loader.h"
#include "compose/output.h"
#include "compose/project.h"
#include "compose/yaml.h"
#include "target.h"

/* The YAML library loses a kilobyte where it gives up on a file. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml\n";
}

enum { INPUT_MAX = 64 << 10 };

static void load(struct arena *arena, const struct node *docs, struct diags *diags)
{
    static const char path[] = "/nowhere/compose.yaml";
    static const char *const files[] = {path};
    struct compose_options options = {.cwd = "/nowhere"};
    struct map environment = {0}, warned = {0}, parsed = {0}, bases = {0};
    struct merger merger;
    struct loader loader = {.arena = arena,
                            .diags = diags,
                            .cwd = "/nowhere",
                            .base = "/nowhere",
                            .environment = &environment,
                            .warned = &warned,
                            .merger = &merger,
                            .parsed = &parsed,
                            .bases = &bases,
                            .files = files,
                            .file_count = 1};
    struct node *root = NULL;
    merger_init(&merger, arena, diags);
    map_set(&parsed, path, (void *)(uintptr_t)docs);
    if (!loader_files(&loader, (struct pos){0}, &root) && root) {
        struct project *p = arena_alloc(arena, sizeof(*p));
        p->name = "fuzz";
        p->working_dir = "/nowhere";
        p->tree = root;
        if (!project_from_tree(p, root, arena, &environment, &options, diags)) {
            CLEANUP_BUF struct buf out = BUF_INIT;
            output_json(p, &out);
            output_yaml(p, &out);
        }
    }
    loader_release_bases(&bases);
    map_release(&parsed);
    map_release(&warned);
    map_release(&environment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct diags diags = DIAGS_INIT;
    struct vec docs = {0};
    char *text = NULL;
    if (size > INPUT_MAX) {
        return 0;
    }
    arena_init(&arena);
    text = arena_alloc(&arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)data[i];
    }
    if (!yaml_read(&arena, "compose.yaml", text, size, &docs, &diags)) {
        struct node *list = node_list(&arena, (struct pos){0});
        for (size_t i = 0; i < docs.len; i++) {
            node_push(&arena, list, docs.items[i]);
        }
        load(&arena, list, &diags);
    }
    vec_release(&docs);
    diags_release(&diags);
    arena_release(&arena);
    return 0;
}
