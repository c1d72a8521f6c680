/*
 * The table of commands and the options that come before a command.
 */
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"

#define CMD_EXTERN(name) extern const struct cmd cmd_##name;
CMD_LIST(CMD_EXTERN)
#undef CMD_EXTERN

static const struct cmd *const commands[] = {
#define CMD_ROW(name) &cmd_##name,
    CMD_LIST(CMD_ROW)
#undef CMD_ROW
};

static const char *const group_titles[] = {"Run the stack", "Look at it", "Images",
                                           "Inside containers", "Files and tools"};
_Static_assert(ARRAY_LEN(group_titles) == GROUP_COUNT, "every group has a title");

const struct option cmd_global_options[] = {
    {"all-resources", 0, OPTION_FLAG, NULL,
     "Keep networks, volumes, secrets and configs that no service uses"},
    {"ansi", 0, OPTION_TEXT, "WHEN", "Colours and cursor moves: never, always or auto",
     .choices = "never always auto"},
    {"compatibility", 0, OPTION_FLAG, NULL, "Name containers with _ as Compose v1 did"},
    {"context", 0, OPTION_TEXT, "NAME", "Docker context to use"},
    {"dry-run", 0, OPTION_FLAG, NULL, "Say what would be done, do nothing"},
    {"engine", 0, OPTION_TEXT, "NAME|URL",
     "Which engine: docker, podman, fettle, or a URL such as unix:///run/docker.sock"},
    {"env-file", 0, OPTION_LIST, "FILE", "Read variables from FILE instead of .env",
     .completes = COMPLETE_FILE},
    {"file", 'f', OPTION_LIST, "FILE", "Compose file to load; - is standard input",
     .completes = COMPLETE_FILE},
    {"format", 0, OPTION_TEXT, "FORMAT", "Output as text or json"},
    {"json", 0, OPTION_FLAG, NULL, "Same as --format json"},
    {"parallel", 0, OPTION_NUMBER, "N", "At most N engine calls at a time, -1 for no limit"},
    {"profile", 0, OPTION_LIST, "NAME", "Enable a profile"},
    {"progress", 0, OPTION_TEXT, "KIND", "Progress output: auto, tty, plain, json or quiet",
     .choices = "auto tty plain json quiet"},
    {"project-directory", 0, OPTION_TEXT, "DIR",
     "Directory that relative paths start from (default: the first file's)",
     .completes = COMPLETE_DIRECTORY},
    {"project-name", 'p', OPTION_TEXT, "NAME", "Project name"},
    {"version", 'v', OPTION_FLAG, NULL, "Same as the command version"},
    {"workdir", 0, OPTION_TEXT, "DIR", "Old name of --project-directory",
     .bits = OPTION_HIDDEN | OPTION_DEPRECATED, .note = "use --project-directory"},
    {"no-ansi", 0, OPTION_FLAG, NULL, "Old name of --ansi never",
     .bits = OPTION_HIDDEN | OPTION_DEPRECATED, .note = "use --ansi never"},
    {"verbose", 0, OPTION_FLAG, NULL, "Show more output", .bits = OPTION_HIDDEN},
    {NULL},
};

const struct cmd *const *cmd_table(size_t *ret_count)
{
    if (ret_count) {
        *ret_count = ARRAY_LEN(commands);
    }
    return commands;
}

const struct cmd *cmd_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

const char *cmd_nearest(const char *name)
{
    const char *names[ARRAY_LEN(commands)];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (!(commands[i]->bits & CMD_HIDDEN)) {
            names[count++] = commands[i]->name;
        }
    }
    return str_nearest(name, names, count);
}

/* Commands that do not exist yet, and what does their work until then. */
static const struct {
    const char *name, *instead;
} later[] = {
    {"attach", "fettle logs -f shows the output; docker compose attach does the rest"},
    {"await", "fettle up -d --wait and fettle status prove what is ready"},
    {"check", "fettle status proves every service now"},
    {"commit", "docker compose commit does it"},
    {"convert", "fettle config prints the model"},
    {"cp", "docker compose cp does it"},
    {"deploy", "fettle -f FILE -f OVERRIDE up -d brings changes up in order"},
    {"doctor", "fettle status shows what is not ready, fettle logs why"},
    {"engine", "docker info shows the engine; --context and DOCKER_HOST choose it"},
    {"export", "docker compose export does it"},
    {"lint", "fettle config -q says what is wrong in the files"},
    {"probe", "fettle status proves every service now"},
    {"push", "docker compose push does it"},
    {"serve", "fettle status --json and fettle events --json tell other programs"},
    {"stats", "fettle top shows the processes; docker compose stats does the rest"},
    {"wait", "docker compose wait does it; fettle run ends with its command's status"},
    {"watch", "docker compose watch does it; fettle up -d --build takes changes in"},
    {"why", "fettle plan says what would be done and why, fettle status what is not ready"},
};

int cmd_unknown(const char *name, struct err *err)
{
    const char *nearest = cmd_nearest(name);
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        if (strcmp(later[i].name, name) == 0) {
            err_set(err, ERR_USAGE, "fettle %s is not in this version yet", name);
            err_hint(err, "%s", later[i].instead);
            return -ERR_USAGE;
        }
    }
    err_set(err, ERR_USAGE, "unknown command \"%s\"", name);
    if (nearest) {
        err_hint(err, "did you mean %s?", nearest);
    }
    return -ERR_USAGE;
}

const char *cmd_group_title(enum cmd_group group)
{
    return group_titles[group];
}
