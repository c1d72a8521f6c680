/*
 * Runs a fuzz target over the files of its corpus: the ordinary test of what fuzzing has found.
 * Small files are also cut off after every byte.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/path.h"
#include "target.h"

enum { CUT_MAX = 4096, FILE_MAX = 16 << 20 };

/* A copy of exactly this size, so that reading past its end is seen. */
static void feed(const char *data, size_t len)
{
    uint8_t *copy = xmalloc(len ? len : 1);
    for (size_t i = 0; i < len; i++) {
        copy[i] = (uint8_t)data[i];
    }
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static int replay(const char *path)
{
    CLEANUP_BUF struct buf data = BUF_INIT;
    struct err err = {0};
    if (path_read_file(path, FILE_MAX, &data, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    for (size_t len = 0; data.len <= CUT_MAX && len < data.len; len++) {
        feed(data.data, len);
    }
    feed(buf_text(&data), data.len);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    int failed = 0, files = 0;
    if (!dir) {
        fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
        return 2;
    }
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (e->d_name[0] != '.') {
            CLEANUP_FREE char *path = path_join(argv[1], e->d_name);
            failed += replay(path);
            files++;
        }
    }
    closedir(dir);
    printf("%d files\n", files);
    return failed || !files;
}
