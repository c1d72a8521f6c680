/*
 * Writes ustar headers (POSIX.1-1988) and pax extended headers (POSIX.1-2001) into a buffer. Pure.
 */
#include "engine/tar.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 512, NAME = 100, PREFIX = 155 };

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], chksum[8], typeflag;
    char linkname[100], magic[6], version[2], uname[32], gname[32], devmajor[8], devminor[8];
    char prefix[155], pad[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

static void octal(char *field, size_t size, uint64_t value)
{
    snprintf(field, size, "%0*llo", (int)size - 1, (unsigned long long)value);
}

static void put_header(struct buf *tar, const char *name, size_t name_len, const char *prefix,
                       size_t prefix_len, char type, size_t size, uint32_t mode, int64_t uid,
                       int64_t gid, int64_t mtime)
{
    struct header h;
    unsigned sum = 0;
    memset(&h, 0, sizeof(h));
    memcpy(h.name, name, name_len);
    memcpy(h.prefix, prefix, prefix_len);
    octal(h.mode, sizeof(h.mode), mode & 07777);
    octal(h.uid, sizeof(h.uid), (uint64_t)uid & 07777777);
    octal(h.gid, sizeof(h.gid), (uint64_t)gid & 07777777);
    octal(h.size, sizeof(h.size), size);
    octal(h.mtime, sizeof(h.mtime), (uint64_t)mtime);
    h.typeflag = type;
    memcpy(h.magic, "ustar", 6);
    memcpy(h.version, "00", 2);
    memset(h.chksum, ' ', sizeof(h.chksum));
    for (size_t i = 0; i < sizeof(h); i++) {
        sum += ((unsigned char *)&h)[i];
    }
    snprintf(h.chksum, sizeof(h.chksum), "%06o", sum);
    buf_append(tar, &h, sizeof(h));
}

static void put_body(struct buf *tar, const void *data, size_t len)
{
    buf_append(tar, data, len);
    buf_repeat(tar, '\0', (BLOCK - len % BLOCK) % BLOCK);
}

/* "LENGTH path=PATH\n" where LENGTH counts itself. */
static void put_pax_path(struct buf *tar, const char *path, int64_t mtime)
{
    char record[4352];
    size_t body = strlen(path) + strlen(" path=\n"), digits = 1, total = 0;
    for (total = body + digits; total >= (digits == 1   ? 10U
                                          : digits == 2 ? 100U
                                                        : 1000U) &&
                                digits < 4;) {
        digits++;
        total = body + digits;
    }
    snprintf(record, sizeof(record), "%zu path=%s\n", total, path);
    put_header(tar, "pax", 3, "", 0, 'x', strlen(record), 0644, 0, 0, mtime);
    put_body(tar, record, strlen(record));
}

void tar_add_file(struct buf *tar, const char *path, const void *data, size_t len, uint32_t mode,
                  int64_t uid, int64_t gid, int64_t mtime)
{
    size_t n = 0;
    const char *split = NULL;
    path += strspn(path, "/");
    n = strlen(path);
    if (n > NAME) { /* prefix and name are joined by a slash that is in neither */
        split = strchr(path + (n - NAME - 1), '/');
    }
    if (n <= NAME) {
        put_header(tar, path, n, "", 0, '0', len, mode, uid, gid, mtime);
    } else if (split && split - path <= PREFIX) {
        put_header(tar, split + 1, strlen(split + 1), path, (size_t)(split - path), '0', len, mode,
                   uid, gid, mtime);
    } else {
        put_pax_path(tar, path, mtime);
        put_header(tar, path, NAME, "", 0, '0', len, mode, uid, gid, mtime);
    }
    put_body(tar, data, len);
}

void tar_end(struct buf *tar)
{
    buf_repeat(tar, '\0', (size_t)2 * BLOCK);
}
