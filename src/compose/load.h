/*
 * Files to a project: the one entry of compose/. Follows docker compose's order of operations.
 */
#ifndef COMPOSE_LOAD_H
#define COMPOSE_LOAD_H

#include "base/diag.h"
#include "model/project.h"

enum compose_flags {
    COMPOSE_NO_INTERPOLATE = 1 << 0,
    COMPOSE_NO_NORMALIZE = 1 << 1,
    COMPOSE_NO_PATHS = 1 << 2,       /* --no-path-resolution */
    COMPOSE_NO_CONSISTENCY = 1 << 3, /* --no-consistency */
    COMPOSE_NO_ENV_FILES = 1 << 4,   /* --no-env-resolution: env_file of services is not read */
    COMPOSE_ALL_RESOURCES = 1 << 5,  /* unused networks, volumes, ... stay */
    COMPOSE_COMPATIBILITY = 1 << 6,
    COMPOSE_NO_DOT_ENV = 1 << 7,       /* COMPOSE_DISABLE_ENV_FILE */
    COMPOSE_ALL_PROFILES = 1 << 8,     /* services behind any profile are loaded too */
    COMPOSE_RAW_TREE = 1 << 9,         /* stop after the merge: only project->tree is filled */
    COMPOSE_NO_DEPENDENCIES = 1 << 10, /* --no-deps: only the named services */
    COMPOSE_WHOLE = 1 << 11 /* naming services enables their profiles, and leaves out nothing */
};

/* Everything borrowed; NULL or 0 where the command line says nothing. */
struct compose_options {
    const char *const *files; /* -f; "-" = standard input */
    size_t file_count;
    const char *project_directory, *project_name;
    const char *const *env_files; /* --env-file */
    size_t env_file_count;
    const char *const *profiles; /* --profile */
    size_t profile_count;
    const char *const *services; /* named on the command line: they enable their own profiles */
    size_t service_count;
    const char *const *environment; /* the process's, "K=V", NULL-terminated */
    const char *cwd;                /* absolute; NULL = ask the system */
    unsigned flags;                 /* enum compose_flags */
};

/*
 * Loads, merges, checks. Every problem of the run is in *diags with file:line:col; warnings too.
 * Returns 0 or -ERR_COMPOSE (the files), -ERR_NOT_FOUND (no file), -ERR_IO. *ret is the caller's
 * to free with project_free().
 */
int compose_load(const struct compose_options *options, struct project **ret,
                 struct diags *diags) MUST_CHECK;

/* "My App!" to "myapp": lower case, only a-z 0-9 _ -, no _ or - in front. Caller frees. */
char *compose_project_name(const char *text);

#endif
