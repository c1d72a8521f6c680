/*
 * The command line, parsed by option tables the way GNU and Go's pflag do it: short clusters,
 * attached values, --name=value, "--", flags switched off by =false.
 */
#ifndef CMD_ARGS_H
#define CMD_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "cmd/cmd.h"

struct arg_value {
    bool set, on;
    int64_t number;
    const char *text; /* borrowed from argv */
    struct vec list;  /* const char *, borrowed */
};

struct args {
    const struct option *options;
    struct arg_value *values; /* one per row of options */
    size_t option_count;
    struct args *outer;      /* global options, also found by long name; or NULL */
    const char *const *argv; /* positional arguments */
    size_t argc;
    struct vec positional;
    struct strv warnings; /* deprecated options that were used */
    bool help;
};

/* `outer` may be NULL; both tables must outlive args. */
void args_init(struct args *a, const struct option *options, struct args *outer);
void args_release(struct args *a);
/*
 * Parses argv[0..argc). With `stop_at_argument` options end at the first positional argument.
 * Fails with ERR_USAGE and a suggestion.
 */
int args_parse(struct args *a, int argc, char *const *argv, bool stop_at_argument,
               struct err *err) MUST_CHECK;

/* Values by long name; asking for a name that is in no table is a programming error. */
bool args_set(const struct args *a, const char *name);
bool args_flag(const struct args *a, const char *name);
/* The value, the row's fallback, or NULL. */
const char *args_text(const struct args *a, const char *name);
int64_t args_number(const struct args *a, const char *name, int64_t fallback);
/* Items of const char *; empty when not given. */
const struct vec *args_list(const struct args *a, const char *name);

#endif
