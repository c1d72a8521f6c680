/*
 * fettle setup: .env from .env.example with generated secrets, the settings checked, then images
 * pulled or built. Never overwrites what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/args.h"
#include "cmd/context.h"
#include "cmd/envfile.h"
#include "cmd/setup_images.h"

enum { ENV_FILE_MAX = 1 << 20 };

/* Where .env lies: the project directory, found as the loader finds it, without loading. */
static char *project_directory(const struct cmd_context *ctx)
{
    static const char *const names[] = {"compose.yaml", "compose.yml", "docker-compose.yml",
                                        "docker-compose.yaml"};
    const char *said = args_text(ctx->globals, "project-directory");
    const struct vec *files = args_list(ctx->globals, "file");
    if (said) {
        return xstrdup(said);
    }
    const char *first = files->len ? files->items[0] : NULL;
    if (first && !str_eq(first, "-")) {
        return path_dirname(first);
    }
    char *at = getcwd(NULL, 0);
    char *up = at ? xstrdup(at) : xstrdup(".");
    while (up[0] == '/' && up[1]) {
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            CLEANUP_FREE char *path = path_join(up, names[i]);
            if (path_exists(path)) {
                free(at);
                return up;
            }
        }
        char *parent = path_dirname(up);
        free(up);
        up = parent;
    }
    free(up);
    return at ? at : xstrdup(".");
}

/* O_EXCL: whatever is there stays as it is, a dangling link too. */
static int create_file(const char *path, const struct buf *text, struct err *err)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t done = 0;
    if (fd < 0) {
        return err_sys(err, errno, "creating %s", path);
    }
    while (done < text->len) {
        ssize_t n = write(fd, text->data + done, text->len - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            int sys = errno;
            unlink(path);
            return err_sys(err, sys, "writing %s", path);
        }
        done += (size_t)n;
    }
    if (fsync(fd)) {
        return err_sys(err, errno, "writing %s", path);
    }
    return 0;
}

static int create_env(const char *path, const char *example, struct err *err)
{
    struct buf text = BUF_INIT;
    CLEANUP_STRV struct strv generated = {0};
    int rc = 0;
    if (!envfile_generate(example, &text, &generated, env_random, NULL)) {
        rc = err_sys(err, errno, "the system gives no random numbers");
    }
    rc = rc ? rc : create_file(path, &text, err);
    if (text.data) {
        mem_wipe(text.data, text.len);
    }
    buf_release(&text);
    if (rc) {
        return rc;
    }
    show_text("created %s (readable by you alone)\n", path);
    for (size_t i = 0; i < generated.len; i++) {
        show_text("  generated %s\n", generated.items[i]);
    }
    return 0;
}

/* The process's environment wins over .env, as in every Compose command. */
static const char *in_force(void *arg, const char *key)
{
    const char *value = getenv(key);
    const struct env_entry *e = envfile_get(arg, key);
    return value ? value : e ? e->value : NULL;
}

static int check_env(struct cmd_context *ctx, const char *path, const char *example,
                     struct err *err)
{
    struct envfile want = {0}, have = {0};
    struct env_problems problems = {0};
    struct buf text = BUF_INIT;
    size_t errors = 0;
    int rc = path_read_file(path, ENV_FILE_MAX, &text, err);
    if (rc == 0) {
        envfile_parse(&want, example);
        envfile_parse(&have, buf_text(&text));
        env_check(&want, in_force, &have, &problems);
    }
    for (size_t i = 0; i < problems.count; i++) {
        const struct env_problem *p = &problems.items[i];
        struct err one = {0};
        if (p->error) {
            err_set(&one, ERR_INPUT, "%s", p->message);
            err_hint(&one, "%s", p->hint);
            show_error(ctx, &one);
            errors++;
        } else {
            show_warning(ctx, "%s", p->message);
        }
    }
    if (text.data) {
        mem_wipe(text.data, text.len);
    }
    buf_release(&text);
    envfile_release(&want);
    envfile_release(&have);
    env_problems_release(&problems);
    if (rc == 0 && errors) {
        ctx->told = true;
        rc = err_set(err, ERR_INPUT, "%zu settings in %s are not usable", errors, path);
    }
    return rc;
}

static int setup_env(struct cmd_context *ctx, const char *directory, struct err *err)
{
    static const char *const names[] = {".env.example", ".env.sample", ".env.template", ".env.dist",
                                        "env.example"};
    CLEANUP_FREE char *path = path_join(directory, ".env");
    CLEANUP_FREE char *example_path = NULL;
    CLEANUP_BUF struct buf example = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(names) && !example_path; i++) {
        CLEANUP_FREE char *candidate = path_join(directory, names[i]);
        if (path_exists(candidate)) {
            example_path = steal_ptr(&candidate);
        }
    }
    if (!example_path) {
        show_text("no .env.example in %s: nothing to generate\n", directory);
        return 0;
    }
    int rc = path_read_file(example_path, ENV_FILE_MAX, &example, err);
    if (rc) {
        return rc;
    }
    if (path_exists(path)) {
        show_text("kept %s as it is\n", path);
    } else {
        rc = create_env(path, buf_text(&example), err);
    }
    return rc ? rc : check_env(ctx, path, buf_text(&example), err);
}

static int run_setup(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    CLEANUP_FREE char *directory = project_directory(ctx);
    struct project *p = NULL;
    int rc = setup_env(ctx, directory, err);
    /* Loading says what else is missing: ${VARIABLE:?} and everything wrong in the files. */
    rc = rc ? rc : context_project(ctx, 0, NULL, 0, &p, err);
    if (rc || args_flag(args, "no-images")) {
        return rc;
    }
    return setup_images(ctx, args, err);
}

static const struct option options[] = {
    {"build", 0, OPTION_FLAG, NULL, "Build images even if they are there"},
    {"no-images", 0, OPTION_FLAG, NULL, "Only settings; do not pull or build"},
    {NULL},
};

const struct cmd cmd_setup = {
    .name = "setup",
    .summary = "Create .env with generated secrets, check the settings, get the images",
    .usage = "[OPTIONS]",
    .examples = "fettle setup\n"
                "fettle setup --no-images   # in CI, where images come from elsewhere",
    .description =
        "Takes .env.example as the pattern. Names ending in PASSWORD, SECRET, KEY or TOKEN\n"
        "get random values; placeholders, missing and too short values are reported. An\n"
        "existing .env is checked and never changed.",
    .options = options,
    .group = GROUP_RUN,
    .run = run_setup,
};
