/*
 * What loading one set of files needs; shared by load.c, extends.c and include.c only.
 */
#ifndef COMPOSE_LOADER_H
#define COMPOSE_LOADER_H

#include "base/map.h"
#include "base/vec.h"
#include "compose/interpolate.h"
#include "compose/load.h"
#include "compose/node.h"

enum { COMPOSE_FILE_MAX = 24 << 20, COMPOSE_INCLUDE_DEPTH = 40, COMPOSE_FILES_MAX = 2000 };

struct loader {
    struct arena *arena;
    struct diags *diags;
    unsigned flags;
    const char *base;              /* absolute: relative paths of this set start here */
    const char *home;              /* or NULL */
    const struct map *environment; /* name to text */
    struct map *warned;
    const struct loader *parent; /* the set that includes this one */
    const char *file;            /* absolute path of the set's first file, for cycles */
    struct map *parsed;          /* absolute path to list of documents, shared by all sets */
};

/* The value of a variable; arg is the loader. */
const char *loader_lookup(void *arg, const char *name);
/* Parses a file once. `path` as it is shown in messages; "-" is standard input. */
int loader_parse(struct loader *l, const char *path, struct pos used_at, struct node **ret_docs);
/* A set of files: each merged onto the ones before, canonical, not yet complete. */
int loader_files(struct loader *l, const char *const *paths, size_t count, struct pos used_at,
                 struct node **ret);
/* Interpolates one document in place. */
int loader_interpolate(struct loader *l, struct node *root);
/* "./x" against the set's base; "~" to the home. In the arena. */
const char *loader_path(const struct loader *l, const char *path);

/* extends.c: replaces every `extends` of the document's services by what it says. */
int extends_apply(struct loader *l, struct node *root);
/* include.c: loads what the document includes and puts it in, beside the document's own. */
int include_apply(struct loader *l, struct node *root);
/* dotenv files into `out`; a missing one is an error at `at` unless it is optional. */
int loader_env_file(struct loader *l, const char *path, struct pos at, bool optional,
                    struct map *out);

#endif
