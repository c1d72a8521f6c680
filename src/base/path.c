/*
 * Paths as text, and whole files read and written with a limit. Used by loaders and commands.
 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool path_is_absolute(const char *path)
{
    return path[0] == '/';
}

char *path_join(const char *base, const char *path)
{
    size_t n = strlen(base);
    if (path_is_absolute(path) || !n) {
        return xstrdup(path);
    }
    return xasprintf("%s%s%s", base, base[n - 1] == '/' ? "" : "/", path);
}

char *path_clean(const char *path)
{
    bool rooted = path[0] == '/';
    char *out = xmalloc(strlen(path) + 2);
    size_t n = 0, floor = 0; /* nothing below `floor` may be taken back by ".." */
    const char *p = path;
    if (rooted) {
        out[n++] = '/';
        floor = 1;
    }
    while (*p) {
        size_t len = strcspn(p, "/");
        if (len == 0 || (len == 1 && p[0] == '.')) {
            /* nothing */
        } else if (len == 2 && p[0] == '.' && p[1] == '.' && n > floor) {
            while (n > floor && out[n - 1] != '/') {
                n--;
            }
            n -= n > floor; /* the slash before it */
        } else if (len == 2 && p[0] == '.' && p[1] == '.' && rooted) {
            /* above the root is the root */
        } else {
            bool up = len == 2 && p[0] == '.' && p[1] == '.';
            if (n > (rooted ? 1U : 0U)) {
                out[n++] = '/';
            }
            memcpy(out + n, p, len);
            n += len;
            floor = up ? n : floor;
        }
        p += len;
        p += *p == '/';
    }
    if (!n) {
        out[n++] = '.';
    }
    out[n] = '\0';
    return out;
}

char *path_relative(const char *from, const char *path)
{
    size_t same = 0, i = 0;
    struct buf out = BUF_INIT;
    for (; from[i] && from[i] == path[i]; i++) {
        same = from[i] == '/' ? i + 1 : same;
    }
    if ((!from[i] && (!path[i] || path[i] == '/')) || (!path[i] && from[i] == '/')) {
        same = i; /* one holds the other */
    }
    for (const char *p = from + same; *p; p += strcspn(p, "/")) {
        p += *p == '/';
        if (*p) {
            buf_str(&out, out.len ? "/.." : "..");
        }
    }
    path += same;
    path += *path == '/';
    if (*path) {
        buf_printf(&out, "%s%s", out.len ? "/" : "", path);
    }
    if (!out.len) {
        buf_char(&out, '.');
    }
    return buf_steal(&out);
}

char *path_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return xstrdup(".");
    }
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

const char *path_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int read_all(int fd, const char *name, size_t max, struct buf *out, struct err *err)
{
    char chunk[16384];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n == 0) {
            return 0;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_sys(err, errno, "reading %s", name);
        }
        if (out->len + (size_t)n > max) {
            return err_set(err, ERR_TOO_BIG, "%s is larger than the limit of %zu bytes", name, max);
        }
        buf_append(out, chunk, (size_t)n);
    }
}

int path_read_file(const char *path, size_t max, struct buf *out, struct err *err)
{
    struct stat st;
    CLEANUP_CLOSE int fd = -1;
    buf_clear(out);
    out->max = max;
    if (strcmp(path, "-") == 0) {
        return read_all(STDIN_FILENO, "standard input", max, out, err);
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        int sys = errno;
        err_sys(err, sys, "opening %s", path);
        if (err && sys == ENOENT) {
            err->code = ERR_NOT_FOUND;
        }
        return sys == ENOENT ? -ERR_NOT_FOUND : -ERR_IO;
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        return err_set(err, ERR_INPUT, "%s is a directory, expected a file", path);
    }
    return read_all(fd, path, max, out, err);
}

int path_write_file(const char *path, const void *data, size_t len, unsigned mode, struct err *err)
{
    CLEANUP_FREE char *tmp = xasprintf("%s.tmp.%d", path, (int)getpid());
    CLEANUP_CLOSE int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    const char *p = data;
    if (fd < 0) {
        return err_sys(err, errno, "creating %s", tmp);
    }
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            int sys = errno;
            unlink(tmp);
            return err_sys(err, sys, "writing %s", tmp);
        }
        p += n;
        len -= (size_t)n;
    }
    if (fsync(fd) || rename(tmp, path)) {
        int sys = errno;
        unlink(tmp);
        return err_sys(err, sys, "writing %s", path);
    }
    return 0;
}

bool path_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool path_is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}
