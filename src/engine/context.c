/*
 * Lists the context in the order of names, so that the same files give the same archive, and the
 * engine's cache is found again; then hands the archive out piece by piece. Owner and group are 0,
 * as docker sends them. Sockets are left out; symbolic links stay links and are never followed, in
 * the middle of a path neither.
 */
#include "engine/context.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "engine/dockerignore.h"
#include "engine/tar.h"

enum { DEPTH_MAX = 256, FILES_MAX = 4 << 20, DOCKERFILE_MAX = 16 << 20, LINK_MAX = 4096 };

struct build_context {
    char *dir;
    int dir_fd;
    char *dockerfile, *source;
    struct dockerignore ignore;
    struct strv paths; /* relative, sorted within each directory */
    uint64_t bytes;
    struct buf extra; /* the Dockerfile that is not in the directory */
    struct buf rules; /* the .dockerignore that is sent instead of the directory's */
    bool has_extra, has_rules;

    size_t next;        /* the path to begin with */
    struct buf pending; /* archive bytes that wait to be taken */
    size_t taken;
    int fd; /* the file whose content is under way, -1 = none */
    uint64_t left, size;
    bool over;
};

/*
 * Opens what lies at `path` below the context and nowhere else: no component may be a symbolic
 * link, also when one was put there a moment ago.
 */
static int open_below(const struct build_context *c, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_NOFOLLOW | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    long fd = syscall(SYS_openat2, c->dir_fd, path, &how, sizeof(how));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) { /* before Linux 5.6, or filtered */
        return openat(c->dir_fd, path, flags | O_NOFOLLOW | O_CLOEXEC);
    }
    return (int)fd;
}

static int stat_below(const struct build_context *c, const char *path, struct stat *st)
{
    CLEANUP_CLOSE int fd = open_below(c, path, O_PATH);
    return fd < 0 ? -1 : fstat(fd, st);
}

/* --- listing --- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory; . and .. are none. */
static int names_of(int fd, const char *shown, struct strv *names, struct err *err)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int sys = errno;
        close(fd);
        return err_sys(err, sys, "reading the build context %s", shown);
    }
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            strv_push(names, e->d_name);
        }
    }
    closedir(dir);
    if (names->len) {
        qsort(names->items, names->len, sizeof(char *), by_name);
    }
    return 0;
}

static int list_below(struct build_context *c, const char *path, int depth, struct err *err);

static int list_one(struct build_context *c, const char *path, int depth, struct err *err)
{
    struct stat st;
    /* These two are always sent: the engine needs the one, and the other keeps the cache honest. */
    bool needed = strcmp(path, c->dockerfile) == 0 || strcmp(path, ".dockerignore") == 0;
    bool excluded = !needed && dockerignore_excludes(&c->ignore, path);
    if ((c->has_rules && strcmp(path, ".dockerignore") == 0) ||
        (c->has_extra && strcmp(path, c->dockerfile) == 0)) {
        return 0; /* ours is sent instead */
    }
    if (stat_below(c, path, &st)) {
        return errno == ENOENT || (errno == EACCES && excluded)
                   ? 0
                   : err_sys(err, errno, "looking at %s/%s", c->dir, path);
    }
    if (excluded) {
        bool below = S_ISDIR(st.st_mode) &&
                     (dockerignore_descends(&c->ignore, path) ||
                      (str_starts(c->dockerfile, path) && c->dockerfile[strlen(path)] == '/'));
        return below ? list_below(c, path, depth + 1, err) : 0;
    }
    if (S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
        return 0;
    }
    if (c->paths.len >= FILES_MAX) {
        err_set(err, ERR_TOO_BIG, "the build context %s has more than %d files", c->dir, FILES_MAX);
        err_hint(err, "leave some out with a .dockerignore");
        return -ERR_TOO_BIG;
    }
    strv_push(&c->paths, path);
    c->bytes += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    return S_ISDIR(st.st_mode) ? list_below(c, path, depth + 1, err) : 0;
}

static int list_below(struct build_context *c, const char *path, int depth, struct err *err)
{
    CLEANUP_STRV struct strv names = {0};
    int rc = 0, fd = -1;
    if (depth > DEPTH_MAX) {
        return err_set(err, ERR_TOO_BIG, "the build context is nested too deeply at %s", path);
    }
    fd = open_below(c, *path ? path : ".", O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        err_sys(err, errno, "reading %s/%s", c->dir, path);
        err_hint(err, "make it readable, or leave it out with a .dockerignore");
        return -ERR_IO;
    }
    rc = names_of(fd, c->dir, &names, err);
    for (size_t i = 0; !rc && i < names.len; i++) {
        CLEANUP_FREE char *below = *path ? xasprintf("%s/%s", path, names.items[i])
                                         : xstrdup(names.items[i]);
        rc = list_one(c, below, depth, err);
    }
    return rc;
}

/* --- the Dockerfile and .dockerignore --- */

static int keep_extra(struct build_context *c, const char *inlined, struct err *err)
{
    int rc = 0;
    c->has_extra = true;
    buf_init(&c->extra, DOCKERFILE_MAX);
    if (inlined) {
        buf_str(&c->extra, inlined);
    } else {
        rc = path_read_file(c->source, DOCKERFILE_MAX, &c->extra, err);
    }
    free(c->dockerfile);
    c->dockerfile = xstrdup(".dockerfile.fettle");
    return rc;
}

/*
 * The engine takes the Dockerfile and .dockerignore out of the context again when the .dockerignore
 * that it finds says so. It has to find what we go by, and the name of a Dockerfile that we put in.
 */
static void keep_rules(struct build_context *c, const struct buf *text, bool own)
{
    if (!c->has_extra && !own) {
        return;
    }
    c->has_rules = true;
    buf_append(&c->rules, text->data, text->len);
    if (c->has_extra) {
        buf_printf(&c->rules, "%s.dockerignore\n%s\n", text->len ? "\n" : "", c->dockerfile);
    }
}

/* Relative to the context where it lies inside. */
static int find_dockerfile(struct build_context *c, const char *dockerfile, const char *inlined,
                           struct err *err)
{
    CLEANUP_FREE char *full = path_join(c->dir, dockerfile);
    CLEANUP_FREE char *prefix = xasprintf("%s%s", c->dir, strcmp(c->dir, "/") == 0 ? "" : "/");
    c->source = inlined ? xstrdup("") : path_clean(full);
    if (inlined) {
        return keep_extra(c, inlined, err);
    }
    if (!path_exists(c->source)) {
        err_set(err, ERR_NOT_FOUND, "there is no Dockerfile at %s", c->source);
        err_hint(err, "write one, or say where it is: build.dockerfile");
        return -ERR_NOT_FOUND;
    }
    if (!str_starts(c->source, prefix)) {
        return keep_extra(c, NULL, err);
    }
    c->dockerfile = xstrdup(c->source + strlen(prefix));
    return 0;
}

/* DOCKERFILE.dockerignore comes before .dockerignore. */
static int read_ignore(struct build_context *c, struct err *err)
{
    CLEANUP_FREE char *own = *c->source ? xasprintf("%s.dockerignore", c->source) : NULL;
    CLEANUP_FREE char *shared = path_join(c->dir, ".dockerignore");
    CLEANUP_BUF struct buf text = BUF_INIT;
    bool has_own = own && path_exists(own);
    const char *path = has_own ? own : shared;
    int rc = path_exists(path) ? path_read_file(path, DOCKERIGNORE_MAX, &text, err) : 0;
    rc = rc || !text.len ? rc
                         : dockerignore_parse(&c->ignore, path, buf_text(&text), text.len, err);
    if (!rc) {
        keep_rules(c, &text, has_own);
    }
    return rc;
}

int build_context_new(const char *dir, const char *dockerfile, const char *inlined,
                      struct build_context **ret, struct err *err)
{
    struct build_context *c = xcalloc(1, sizeof(*c));
    int rc = 0;
    *c = (struct build_context){.dir = xstrdup(dir), .fd = -1};
    c->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->dir_fd < 0) {
        rc = err_sys(err, errno, "the build context %s cannot be read", dir);
        err_hint(err, "correct build.context: it names a directory");
    }
    rc = rc ? rc
            : find_dockerfile(c, str_empty(dockerfile) ? "Dockerfile" : dockerfile, inlined, err);
    rc = rc ? rc : read_ignore(c, err);
    rc = rc ? rc : list_below(c, "", 0, err);
    if (rc) {
        build_context_free(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void build_context_free(struct build_context *c)
{
    if (!c) {
        return;
    }
    if (c->fd >= 0) {
        close(c->fd);
    }
    if (c->dir_fd >= 0) {
        close(c->dir_fd);
    }
    free(c->dir);
    free(c->dockerfile);
    free(c->source);
    dockerignore_release(&c->ignore);
    strv_release(&c->paths);
    buf_release(&c->extra);
    buf_release(&c->rules);
    buf_release(&c->pending);
    free(c);
}

const char *build_context_dockerfile(const struct build_context *c)
{
    return c->dockerfile;
}

const char *build_context_source(const struct build_context *c)
{
    return c->source;
}

size_t build_context_count(const struct build_context *c)
{
    return c->paths.len;
}

uint64_t build_context_bytes(const struct build_context *c)
{
    return c->bytes;
}

/* --- the archive --- */

static int add_link(struct build_context *c, struct tar_entry *e, struct err *err)
{
    char target[LINK_MAX + 1];
    CLEANUP_CLOSE int fd = open_below(c, e->path, O_PATH);
    ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target) - 1);
    if (n < 0) {
        return err_sys(err, errno, "reading the link %s/%s", c->dir, e->path);
    }
    target[n] = '\0';
    e->type = TAR_SYMLINK;
    e->link = target;
    tar_add_header(&c->pending, e);
    return 0;
}

static int add_regular(struct build_context *c, struct tar_entry *e, struct err *err)
{
    struct stat st;
    c->fd = open_below(c, e->path, O_RDONLY | O_NONBLOCK);
    if (c->fd < 0 || fstat(c->fd, &st)) {
        err_sys(err, errno, "reading %s/%s", c->dir, e->path);
        err_hint(err, "make it readable, or leave it out with a .dockerignore");
        return -ERR_IO;
    }
    e->type = TAR_FILE;
    e->size = c->left = c->size = (uint64_t)st.st_size;
    tar_add_header(&c->pending, e);
    return 0;
}

static int add_path(struct build_context *c, const char *path, struct err *err)
{
    struct stat st;
    struct tar_entry e = {.path = path};
    CLEANUP_FREE char *slashed = NULL;
    if (stat_below(c, path, &st)) {
        return errno == ENOENT ? 0 : err_sys(err, errno, "looking at %s/%s", c->dir, path);
    }
    e.mode = st.st_mode & 07777;
    e.mtime = st.st_mtime;
    if (S_ISLNK(st.st_mode)) {
        return add_link(c, &e, err);
    }
    if (S_ISREG(st.st_mode)) {
        return add_regular(c, &e, err);
    }
    e.type = S_ISDIR(st.st_mode) ? TAR_DIRECTORY : TAR_FIFO;
    slashed = xasprintf("%s%s", path, S_ISDIR(st.st_mode) ? "/" : "");
    e.path = slashed;
    tar_add_header(&c->pending, &e);
    return 0;
}

/* More bytes into `pending`, or the end. */
static int next_entry(struct build_context *c, struct err *err)
{
    if (c->next < c->paths.len) {
        return add_path(c, c->paths.items[c->next++], err);
    }
    if (c->has_rules) {
        c->has_rules = false;
        tar_add_file(&c->pending, ".dockerignore", c->rules.data, c->rules.len, 0644, 0, 0, 0);
        return 0;
    }
    if (c->has_extra) {
        c->has_extra = false;
        tar_add_file(&c->pending, c->dockerfile, c->extra.data, c->extra.len, 0644, 0, 0, 0);
        return 0;
    }
    if (!c->over) {
        c->over = true;
        tar_end(&c->pending);
    }
    return 0;
}

static long read_content(struct build_context *c, void *buf, size_t size, struct err *err)
{
    ssize_t n = read(c->fd, buf, c->left < size ? (size_t)c->left : size);
    if (n < 0 && errno == EINTR) {
        return read_content(c, buf, size, err);
    }
    if (n <= 0) { /* the header has promised more */
        const char *path = c->paths.items[c->next - 1];
        if (n < 0) {
            return err_sys(err, errno, "reading %s/%s", c->dir, path);
        }
        err_set(err, ERR_IO, "%s/%s became shorter while it was sent", c->dir, path);
        err_hint(err, "run it again when nothing writes there, or leave it out with a "
                      ".dockerignore");
        return -ERR_IO;
    }
    c->left -= (uint64_t)n;
    return n;
}

static void end_content(struct build_context *c)
{
    close(c->fd);
    c->fd = -1;
    tar_pad(&c->pending, c->size);
}

long build_context_produce(void *arg, void *buf, size_t size, struct err *err)
{
    struct build_context *c = arg;
    size_t n = 0;
    while (c->taken == c->pending.len) {
        int rc = 0;
        buf_clear(&c->pending);
        c->taken = 0;
        if (c->fd >= 0 && c->left) {
            return read_content(c, buf, size, err);
        }
        if (c->fd >= 0) {
            end_content(c);
            continue;
        }
        if (c->over) {
            return 0;
        }
        rc = next_entry(c, err);
        if (rc) {
            return rc;
        }
    }
    n = c->pending.len - c->taken < size ? c->pending.len - c->taken : size;
    memcpy(buf, c->pending.data + c->taken, n);
    c->taken += n;
    return (long)n;
}
