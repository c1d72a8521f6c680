/*
 * What a project is loaded from: which files, which environment, which name. Used by load.c only.
 */
#ifndef COMPOSE_SOURCE_H
#define COMPOSE_SOURCE_H

#include "base/map.h"
#include "base/vec.h"
#include "compose/load.h"
#include "compose/loader.h"

struct source {
    struct arena *arena;
    const struct compose_options *options;
    struct diags *diags;
    struct map environment; /* the process's, then what env files add; name to text */
    struct map warned;      /* as in struct loader */
    struct strv files;      /* absolute, or "-" */
    struct strv env_files;  /* absolute; those that were asked for by name */
    const char *cwd, *home; /* absolute; home may be NULL */
    const char *base;       /* the working directory, absolute */
};

/* Fills everything but `warned`; 0, -ERR_COMPOSE, -ERR_NOT_FOUND (no Compose file) or -ERR_IO. */
int source_find(struct source *s) MUST_CHECK;
/*
 * The project's name, in the arena, and COMPOSE_PROJECT_NAME in the environment. Parses the files
 * through `loader`.
 */
int source_name(struct source *s, struct loader *loader, const char **ret) MUST_CHECK;
/* The active profiles. */
struct string_list source_profiles(struct source *s);
void source_release(struct source *s);

#endif
