/*
 * Tar archives (POSIX.1-1988 ustar, pax headers of POSIX.1-2001 where that is too small): what
 * secrets, configs and build contexts need. Written into a buffer, a header or a small file at a
 * time.
 */
#ifndef ENGINE_TAR_H
#define ENGINE_TAR_H

#include <stdint.h>

#include "base/buf.h"

enum tar_type { TAR_FILE = '0', TAR_SYMLINK = '2', TAR_DIRECTORY = '5', TAR_FIFO = '6' };

struct tar_entry {
    const char *path; /* slashes in front are dropped; a directory's ends with one */
    int type;         /* enum tar_type */
    const char *link; /* TAR_SYMLINK: what it points to; else NULL */
    uint64_t size;    /* of the content that follows */
    uint32_t mode;
    int64_t uid, gid, mtime; /* seconds since 1970 */
};
/* Appends the header; `size` bytes of content and tar_pad() have to follow. */
void tar_add_header(struct buf *tar, const struct tar_entry *entry);
/* Fills up to a whole block after that much content. */
void tar_pad(struct buf *tar, uint64_t size);

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
