/*
 * fettle config: the files as the model has them, whole or as one list.
 */
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/format.h"
#include "compose/load.h"
#include "compose/output.h"
#include "model/project.h"

/* Every flag that changes the load, and what it sets. */
static const struct {
    const char *name;
    unsigned flags;
} loads[] = {
    {"no-interpolate", COMPOSE_NO_INTERPOLATE},
    {"no-normalize", COMPOSE_NO_NORMALIZE},
    {"no-path-resolution", COMPOSE_NO_PATHS},
    {"no-consistency", COMPOSE_NO_CONSISTENCY},
    {"no-env-resolution", COMPOSE_NO_ENV_FILES},
    {"variables", COMPOSE_RAW_TREE | COMPOSE_NO_INTERPOLATE},
};

static int hashes(const struct args *args, const struct project *p, struct buf *out,
                  struct err *err)
{
    const char *which = args_text(args, "hash");
    CLEANUP_STRV struct strv names = {0};
    if (str_eq(which, "*")) {
        output_hash(p, NULL, out);
        return 0;
    }
    str_split(which, ',', &names);
    for (size_t i = 0; i < names.len; i++) {
        if (!output_hash(p, names.items[i], out)) {
            return err_set(err, ERR_NOT_FOUND, "no such service: %s", names.items[i]);
        }
    }
    return 0;
}

/* The lists, in the order in which docker compose looks at its flags. */
static const struct {
    const char *name;
    void (*print)(const struct project *p, struct buf *out);
} lists[] = {
    {"services", output_services},       {"volumes", output_volumes},
    {"networks", output_networks},       {"models", output_models},
    {"profiles", output_profiles},       {"images", output_images},
    {"environment", output_environment},
};

static int render(const struct args *args, const struct project *p, bool json, struct buf *out,
                  struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (args_flag(args, lists[i].name)) {
            lists[i].print(p, out);
            return 0;
        }
    }
    if (args_set(args, "hash")) {
        return hashes(args, p, out, err);
    }
    if (args_flag(args, "variables")) {
        output_variables(p, json, out);
    } else if (args_flag(args, "no-interpolate")) {
        output_raw(p, json, out);
    } else if (args_flag(args, "lock-image-digests")) {
        output_images_only(p, json, out);
    } else if (json) {
        output_json(p, out);
    } else {
        output_yaml(p, out);
    }
    return 0;
}

static int run_config(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct project *p = NULL;
    unsigned flags = 0;
    CLEANUP_BUF struct buf out = BUF_INIT;
    const char *format = args_text(args, "format"), *path = args_text(args, "output");
    if (format && !str_eq(format, "json") && !str_eq(format, "yaml")) {
        return err_set(err, ERR_USAGE, "--format is yaml or json, not \"%s\"", format);
    }
    for (size_t i = 0; i < ARRAY_LEN(loads); i++) {
        flags |= args_flag(args, loads[i].name) ? loads[i].flags : 0;
    }
    bool compatible = args_flag(ctx->globals, "compatibility");
    flags |= compatible ? COMPOSE_NO_NORMALIZE : 0;
    int rc = context_project(ctx, flags, args->argv, args->argc, &p, err);
    if (rc || args_flag(args, "quiet")) {
        return rc;
    }
    buf_init(&out, (size_t)512 << 20);
    rc = render(args, p, ctx->json, &out, err);
    if (rc == 0 && out.failed) {
        rc = err_set(err, ERR_TOO_BIG, "the model is larger than 512 MiB");
    }
    if (rc == 0 && path) {
        return path_write_file(path, buf_text(&out), out.len, 0644, err);
    }
    if (rc == 0) {
        show_buf(STDOUT_FILENO, &out);
    }
    return rc;
}

static const struct option options[] = {
    {"environment", 0, OPTION_FLAG, NULL, "Print the variables that interpolation sees"},
    {"format", 0, OPTION_TEXT, "FORMAT", "yaml or json", .fallback = "yaml"},
    {"hash", 0, OPTION_TEXT, "SERVICES", "Print config hashes: * or names with commas"},
    {"images", 0, OPTION_FLAG, NULL, "Print the images"},
    {"lock-image-digests", 0, OPTION_FLAG, NULL, "Print an override file that pins images"},
    {"models", 0, OPTION_FLAG, NULL, "Print the names of models"},
    {"networks", 0, OPTION_FLAG, NULL, "Print the names of networks"},
    {"no-consistency", 0, OPTION_FLAG, NULL, "Do not check references between parts"},
    {"no-env-resolution", 0, OPTION_FLAG, NULL, "Do not read env_file of services"},
    {"no-interpolate", 0, OPTION_FLAG, NULL, "Leave ${VARIABLES} as they are"},
    {"no-normalize", 0, OPTION_FLAG, NULL, "Do not add defaults"},
    {"no-path-resolution", 0, OPTION_FLAG, NULL, "Leave relative paths as they are"},
    {"output", 'o', OPTION_TEXT, "FILE", "Write to FILE", .completes = COMPLETE_FILE},
    {"profiles", 0, OPTION_FLAG, NULL, "Print the profiles"},
    {"quiet", 'q', OPTION_FLAG, NULL, "Only check, print nothing"},
    {"resolve-image-digests", 0, OPTION_FLAG, NULL, "Pin image tags to digests"},
    {"services", 0, OPTION_FLAG, NULL, "Print the names of services"},
    {"variables", 0, OPTION_FLAG, NULL, "Print the variables that the files use"},
    {"volumes", 0, OPTION_FLAG, NULL, "Print the names of volumes"},
    {NULL},
};

const struct cmd cmd_config = {
    .name = "config",
    .summary = "Check the files and print the model they make",
    .usage = "[OPTIONS] [SERVICE...]",
    .description =
        "All problems of the files are told in one run, with file, line and column; then\n"
        "it ends with 3. The model holds secrets as they are.",
    .examples = "fettle config -q # only say what is wrong\n"
                "fettle config --services\n"
                "fettle config --format json web",
    .options = options,
    .max_args = -1,
    .group = GROUP_TOOLS,
    .completes = COMPLETE_SERVICE,
    .run = run_config,
};
