/*
 * fettle complete -- WORD...: what may stand in the place of the last word, one candidate a line
 * with its meaning behind a tab; ":file" and ":directory" ask the shell for paths. Called by the
 * scripts of `fettle completion`.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/args.h"
#include "cmd/context.h"

static const struct option *find(const struct option *table, const char *word)
{
    for (const struct option *o = table; o && o->name; o++) {
        if (word[1] == '-' ? str_eq(word + 2, o->name)
                           : word[1] && !word[2] && word[1] == o->letter) {
            return o;
        }
    }
    return NULL;
}

static void complete_kind(enum completes kind)
{
    size_t count = 0;
    const struct cmd *const *table = cmd_table(&count);
    switch (kind) {
    case COMPLETE_FILE:
        show_text(":file\n");
        break;
    case COMPLETE_DIRECTORY:
        show_text(":directory\n");
        break;
    case COMPLETE_COMMAND:
        for (size_t i = 0; i < count; i++) {
            if (!(table[i]->bits & CMD_HIDDEN)) {
                show_text("%s\t%s\n", table[i]->name, table[i]->summary);
            }
        }
        break;
    case COMPLETE_SERVICE:
    case COMPLETE_NOTHING:
    case COMPLETE_COUNT:
        break;
    }
}

static void complete_options(const struct option *table)
{
    for (const struct option *o = table; o && o->name; o++) {
        if (!(o->bits & (OPTION_HIDDEN | OPTION_DEPRECATED | OPTION_REFUSED))) {
            show_text("--%s\t%s\n", o->name, o->help);
        }
    }
}

static void complete_value(const struct option *o)
{
    CLEANUP_STRV struct strv choices = {0};
    if (!o->choices) {
        complete_kind(o->completes);
        return;
    }
    str_split(o->choices, ' ', &choices);
    for (size_t i = 0; i < choices.len; i++) {
        show_text("%s\t%s\n", choices.items[i], o->help);
    }
}

static int run_complete(struct cmd_context *ctx UNUSED, const struct args *args,
                        struct err *err UNUSED)
{
    const struct cmd *cmd = NULL;
    const struct option *wants = NULL; /* the option whose value comes next */
    if (args->argc == 0) {
        return 0;
    }
    for (size_t i = 0; i + 1 < args->argc; i++) {
        const char *word = args->argv[i];
        const struct option *o = NULL;
        if (wants) {
            wants = NULL;
        } else if (word[0] == '-') {
            o = find(cmd ? cmd->options : cmd_global_options, word);
            wants = o && o->kind != OPTION_FLAG ? o : NULL;
        } else if (!cmd) {
            cmd = cmd_find(word);
            if (!cmd) {
                return 0;
            }
        }
    }
    const char *current = args->argv[args->argc - 1];
    if (wants) {
        complete_value(wants);
    } else if (current[0] == '-') {
        complete_options(cmd ? cmd->options : cmd_global_options);
    } else {
        complete_kind(cmd ? cmd->completes : COMPLETE_COMMAND);
    }
    return 0;
}

const struct cmd cmd_complete = {
    .name = "complete",
    .summary = "Say what may come next on a command line (for completion scripts)",
    .usage = "-- WORD...",
    .max_args = -1,
    .group = GROUP_TOOLS,
    .bits = CMD_HIDDEN,
    .run = run_complete,
};
