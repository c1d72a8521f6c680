/*
 * Paths as text; nothing here looks at the disk except path_read_file.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

bool path_is_absolute(const char *path);
/* base/path, or path when absolute; not cleaned. Caller frees. */
char *path_join(const char *base, const char *path);
/* Lexically: "a/./b/../c//d" is "a/c/d"; "" is ".". Like Go's path/filepath.Clean. Caller frees. */
char *path_clean(const char *path);
/* The way from one absolute, clean directory to another path: "../x", "." for the same. Caller
 * frees. */
char *path_relative(const char *from, const char *path);
/* Everything before the last slash, "." when there is none, "/" for "/x". Caller frees. */
char *path_dirname(const char *path);
/* Points into path: what follows the last slash. */
const char *path_basename(const char *path);
/* Reads a whole regular file (or "-" = stdin) of at most `max` bytes into *out. */
int path_read_file(const char *path, size_t max, struct buf *out, struct err *err) MUST_CHECK;
/* Writes name.tmp.PID with `mode`, fsyncs and renames over `path`. */
int path_write_file(const char *path, const void *data, size_t len, unsigned mode,
                    struct err *err) MUST_CHECK;
bool path_exists(const char *path);
/* There, and no directory. */
bool path_is_file(const char *path);

#endif
