/*
 * Writes ustar headers (POSIX.1-1988) and pax extended headers (POSIX.1-2001) into a buffer. Pure.
 */
#include "engine/tar.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 512, NAME = 100, PREFIX = 155 };
#define SIZE_LIMIT UINT64_C(077777777777) /* eleven octal digits */

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

static void put_header(struct buf *tar, const struct tar_entry *e, const char *name,
                       size_t name_len, const char *prefix, size_t prefix_len)
{
    struct header h;
    unsigned sum = 0;
    size_t link_len = e->link ? strlen(e->link) : 0;
    memset(&h, 0, sizeof(h));
    memcpy(h.name, name, name_len);
    memcpy(h.prefix, prefix, prefix_len);
    memcpy(h.linkname, e->link ? e->link : "", link_len < NAME ? link_len : NAME);
    octal(h.mode, sizeof(h.mode), e->mode & 07777);
    octal(h.uid, sizeof(h.uid), (uint64_t)e->uid & 07777777);
    octal(h.gid, sizeof(h.gid), (uint64_t)e->gid & 07777777);
    octal(h.size, sizeof(h.size), e->size & SIZE_LIMIT);
    octal(h.mtime, sizeof(h.mtime), e->mtime < 0 ? 0 : (uint64_t)e->mtime & SIZE_LIMIT);
    h.typeflag = (char)e->type;
    memcpy(h.magic, "ustar", 6);
    memcpy(h.version, "00", 2);
    memset(h.chksum, ' ', sizeof(h.chksum));
    for (size_t i = 0; i < sizeof(h); i++) {
        sum += ((unsigned char *)&h)[i];
    }
    snprintf(h.chksum, sizeof(h.chksum), "%06o", sum);
    buf_append(tar, &h, sizeof(h));
}

/* "LENGTH KEY=VALUE\n" where LENGTH counts itself. */
static void pax_record(struct buf *records, const char *key, const char *value)
{
    size_t body = strlen(key) + strlen(value) + strlen(" =\n"), total = body + 1;
    char digits[24];
    while (total != body + (size_t)snprintf(digits, sizeof(digits), "%zu", total)) {
        total = body + strlen(digits);
    }
    buf_printf(records, "%zu %s=%s\n", total, key, value);
}

void tar_pad(struct buf *tar, uint64_t size)
{
    buf_repeat(tar, '\0', (BLOCK - size % BLOCK) % BLOCK);
}

/* What does not fit into the old header goes into a pax header before it. */
static void put_pax(struct buf *tar, const struct tar_entry *e, bool long_path)
{
    CLEANUP_BUF struct buf records = BUF_INIT;
    struct tar_entry pax = {.type = 'x', .mode = 0644, .mtime = e->mtime};
    char size[24];
    if (long_path) {
        pax_record(&records, "path", e->path);
    }
    if (e->link && strlen(e->link) > NAME) {
        pax_record(&records, "linkpath", e->link);
    }
    if (e->size > SIZE_LIMIT) {
        snprintf(size, sizeof(size), "%llu", (unsigned long long)e->size);
        pax_record(&records, "size", size);
    }
    if (records.len) {
        pax.size = records.len;
        put_header(tar, &pax, "pax", 3, "", 0);
        buf_append(tar, records.data, records.len);
        tar_pad(tar, records.len);
    }
}

void tar_add_header(struct buf *tar, const struct tar_entry *entry)
{
    struct tar_entry e = *entry;
    const char *split = NULL;
    size_t n = 0;
    e.path += strspn(e.path, "/");
    n = strlen(e.path);
    if (n > NAME) { /* prefix and name are joined by a slash that is in neither */
        split = strchr(e.path + (n - NAME - 1), '/');
        split = split && split[1] && split - e.path <= PREFIX ? split : NULL;
    }
    put_pax(tar, &e, n > NAME && !split);
    if (split) {
        put_header(tar, &e, split + 1, strlen(split + 1), e.path, (size_t)(split - e.path));
    } else {
        put_header(tar, &e, e.path, n < NAME ? n : NAME, "", 0);
    }
}

void tar_add_file(struct buf *tar, const char *path, const void *data, size_t len, uint32_t mode,
                  int64_t uid, int64_t gid, int64_t mtime)
{
    struct tar_entry e = {.path = path,
                          .type = TAR_FILE,
                          .size = len,
                          .mode = mode,
                          .uid = uid,
                          .gid = gid,
                          .mtime = mtime};
    tar_add_header(tar, &e);
    buf_append(tar, data, len);
    tar_pad(tar, len);
}

void tar_end(struct buf *tar)
{
    buf_repeat(tar, '\0', (size_t)2 * BLOCK);
}
