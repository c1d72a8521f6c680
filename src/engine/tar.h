/*
 * Small tar archives in memory (POSIX.1-1988 ustar): what secrets, configs and build contexts need.
 */
#ifndef ENGINE_TAR_H
#define ENGINE_TAR_H

#include <stdint.h>

#include "base/buf.h"

/*
 * Appends one regular file with all its parent directories left to the reader. `path` may begin
 * with a slash; a path that does not fit a ustar header is written with a pax extended header.
 * mtime in seconds since 1970.
 */
void tar_add_file(struct buf *tar, const char *path, const void *data, size_t len, uint32_t mode,
                  int64_t uid, int64_t gid, int64_t mtime);
/* The two empty blocks that end an archive. */
void tar_end(struct buf *tar);

#endif
