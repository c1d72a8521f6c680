/*
 * What loading one set of files needs; shared by load.c, files.c, extends.c and include.c only. A
 * set is the project's own files, or those that one entry of `include` names.
 */
#ifndef COMPOSE_LOADER_H
#define COMPOSE_LOADER_H

#include "base/map.h"
#include "base/vec.h"
#include "compose/interpolate.h"
#include "compose/load.h"
#include "compose/merge.h"
#include "compose/node.h"

enum { COMPOSE_INCLUDE_DEPTH = 40, COMPOSE_FILES_MAX = 2000 };

struct loader {
    struct arena *arena;
    struct diags *diags;
    unsigned flags;
    const char *cwd;               /* files below it are shown relative to it */
    const char *base;              /* absolute: relative paths of this set start here */
    const char *home;              /* or NULL */
    const struct map *environment; /* name to text */
    struct map *warned;            /* variables and files that were warned about */
    struct merger *merger;
    struct map *parsed; /* absolute path to list of documents, shared by all sets */
    struct map *bases;  /* files that services of this set extend: path to struct base_file */
    const struct loader *parent; /* the set that includes this one */
    const char *const *files;    /* absolute paths of the set, to find circles */
    size_t file_count;
};

/* One document on its way: what it holds, and what it undoes. */
struct document {
    struct node *root;
    struct vec places; /* of reset.h */
    const char *file;  /* absolute path */
};

/* The value of a variable; arg is the loader. */
const char *loader_lookup(void *arg, const char *name);
/* What to do about a required variable without a value, where there is more to say than usual. */
const char *loader_missing_hint(const struct loader *l);
/* Parses a file once. `used_at` is where it is named, for a file that cannot be read. */
int loader_parse(struct loader *l, const char *path, struct pos used_at, struct node **ret_docs);
/*
 * Appends a file's documents, interpolated, to *docs (struct document *, in the arena). A document
 * with values that could not be worked out is appended too.
 */
int loader_documents(struct loader *l, const char *path, struct pos used_at, struct vec *docs);
void loader_release_documents(struct vec *docs);
/* A set of files: each merged onto the ones before, valid, canonical, not yet complete. NULL when
 * there is no document in them. */
int loader_files(struct loader *l, struct pos used_at, struct node **ret);
/* Long forms, and duplicates that they bring to light. */
int loader_canonical(struct loader *l, struct node *root);
/* "./x" against the set's base; in the arena. */
const char *loader_path(const struct loader *l, const char *path);
/* What relative paths below the absolute `dir` start with: it, or under --no-path-resolution the
 * way to it from the set's base. In the arena. */
const char *loader_base(const struct loader *l, const char *dir);
/* Reads one env file into `out`. A missing one is an error at `at`. */
int loader_env_file(struct loader *l, const char *path, struct pos at, struct map *out);
/* Whether a path names something to fetch (git, OCI), which is not done; reports it at `at`. */
bool loader_is_remote(struct loader *l, const char *path, struct pos at);

/* extends.c: replaces every `extends` of the document's services by what it says. */
int extends_apply(struct loader *l, struct document *doc);
/* Frees what extends_apply() keeps in loader.bases. */
void loader_release_bases(struct map *bases);
/* include.c: loads what the document includes and puts it in, beside the document's own. */
int include_apply(struct loader *l, struct document *doc);

#endif
