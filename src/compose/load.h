/*
 * From command-line words to a project: finds the files, reads the environment, merges everything
 * to one tree (compose_load_tree) and hands it to validation, normalisation and the typed model
 * (compose_load). Reads files; never looks at the process's environment or directory by itself.
 */
#ifndef COMPOSE_LOAD_H
#define COMPOSE_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/map.h"
#include "base/mem.h"

struct node;
struct project;

enum compose_flags {
    COMPOSE_NO_INTERPOLATE = 1,     /* leave ${...} as it is */
    COMPOSE_NO_NORMALIZE = 2,       /* no default network, no names, no implied dependencies */
    COMPOSE_NO_PATHS = 4,           /* leave paths relative */
    COMPOSE_NO_CONSISTENCY = 8,     /* do not check references */
    COMPOSE_NO_ENV_RESOLUTION = 16, /* do not read env_file */
    COMPOSE_ALL_RESOURCES = 32,     /* keep networks and volumes that nobody uses */
    COMPOSE_COMPATIBILITY = 64      /* names with '_'; switches normalisation off in `config` */
};

struct string_span {
    const char *const *items;
    size_t count;
};

/* What the command line says. Everything may be zero but `cwd` and `environment`. */
struct compose_options {
    const char *cwd;               /* absolute; relative words are relative to it */
    struct string_span files;      /* -f, "-" is standard input */
    const char *project_dir;       /* --project-directory */
    const char *project_name;      /* -p */
    struct string_span env_files;  /* --env-file; none: COMPOSE_ENV_FILES, else .env */
    struct string_span profiles;   /* --profile; none: COMPOSE_PROFILES */
    struct string_span services;   /* named on the command line: restricts, enables profiles */
    const struct map *environment; /* the process's: name to text */
    unsigned flags;                /* enum compose_flags */
};

/* The merged files: canonical long forms, completed (defaults, paths, environment), checked
 * against the schema; not yet normalised. */
struct compose_tree {
    struct arena *arena; /* everything below lives here, the tables of `environment` excepted */
    struct node *root;
    struct map environment;  /* process and env files; with COMPOSE_PROJECT_NAME */
    const char *name;        /* the project's */
    const char *working_dir; /* absolute */
    const char *home;        /* for "~", or NULL */
    const char **files;      /* absolute, or "-" */
    size_t file_count;
    const char **env_files; /* absolute; only those given by --env-file or COMPOSE_ENV_FILES */
    size_t env_file_count;
    const char **profiles; /* active */
    size_t profile_count;
    unsigned flags;
};

/* Returns 0, or -ERR_COMPOSE with every problem in *diags. Release what succeeded and what
 * failed alike; the arena is the caller's. */
int compose_load_tree(const struct compose_options *options, struct arena *arena,
                      struct compose_tree *tree, struct diags *diags) MUST_CHECK;
void compose_tree_release(struct compose_tree *tree);

#endif
