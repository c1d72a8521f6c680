/*
 * A command of the program as data: one file per command, each ending in one const struct cmd.
 * Parsing, --help, completion, the man page and docs/cmd are generated from these rows.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct args;
struct cmd_context;

enum option_kind {
    OPTION_FLAG, /* --name, --name=false */
    OPTION_TEXT,
    OPTION_NUMBER, /* a whole number, may be negative */
    OPTION_LIST,   /* may be given several times */
    OPTION_KIND_COUNT
};

/* What a value names, for completion. */
enum completes {
    COMPLETE_NOTHING,
    COMPLETE_FILE,
    COMPLETE_DIRECTORY,
    COMPLETE_SERVICE,
    COMPLETE_COMMAND,
    COMPLETE_COUNT
};

enum option_bits {
    OPTION_HIDDEN = 1,      /* parsed, not shown */
    OPTION_DEPRECATED = 2,  /* parsed, warns with `note` */
    OPTION_REFUSED = 4,     /* an error that says `note` */
    OPTION_DEFAULT_TRUE = 8 /* a flag that is on unless --name=false */
};

struct option {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* 0 = none */
    enum option_kind kind;
    const char *value; /* what to call the value in help ("FILE"); NULL for flags */
    const char *help;
    const char *fallback; /* the value when not given, or NULL */
    const char *choices;  /* "a b c": only these are accepted; or NULL */
    unsigned bits;        /* enum option_bits */
    const char *note;     /* why deprecated or refused */
    enum completes completes;
};

enum cmd_group {
    GROUP_RUN,    /* bring up, take down */
    GROUP_LOOK,   /* see what is there */
    GROUP_IMAGES, /* build, pull */
    GROUP_INSIDE, /* exec, cp, in containers */
    GROUP_TOOLS,  /* files, completion, help */
    GROUP_COUNT
};

enum cmd_bits {
    CMD_HIDDEN = 1,
    CMD_STOP_AT_ARGUMENT = 2 /* options end at the first argument (exec, run) */
};

struct cmd {
    const char *name;
    const char *summary;     /* one line, no full stop */
    const char *usage;       /* what follows "fettle NAME", or "" */
    const char *description; /* paragraphs for help and man, or NULL */
    const char *examples;    /* lines "command # what it does", or NULL */
    const struct option *options;
    int min_args, max_args; /* max -1 = any number */
    enum cmd_group group;
    unsigned bits; /* enum cmd_bits */
    enum completes completes;
    /* The exit status (0 or positive), or -ERR_x with *err set. */
    int (*run)(struct cmd_context *ctx, const struct args *args, struct err *err);
};

/* All commands in alphabetical order; `ret_count` may be NULL. */
const struct cmd *const *cmd_table(size_t *ret_count);
/* NULL when there is none of that name. */
const struct cmd *cmd_find(const char *name);
/* The likely meant name for a typo, or NULL. */
const char *cmd_nearest(const char *name);
/* Says that there is no such command (yet), and what is near or helps today; -ERR_USAGE. */
int cmd_unknown(const char *name, struct err *err) MUST_CHECK;
const char *cmd_group_title(enum cmd_group group);
/* Options before the command, and accepted by long name after it. */
extern const struct option cmd_global_options[];

#endif
