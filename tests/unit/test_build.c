/*
 * engine/: what goes into a build's context, how it is packed, and where a step stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "engine/build.h"
#include "engine/context.h"
#include "engine/dockerignore.h"
#include "engine/tar.h"

/* --- .dockerignore --- */

static void test_ignore(void **state)
{
    static const struct {
        const char *file, *out, *in; /* paths apart by blanks: left out, and not */
    } rows[] = {
        {"", "", "a a/b .git"},
        {"a", "a a/b a/b/c", "b ba ab b/a"},
        {"/a", "a a/b", "b/a"},
        {"a/", "a a/b", "b/a"},
        {"*/temp*", "x/temp x/temporary.txt x/temp/y", "temp x/y/temp"},
        {"*/*/temp*", "x/y/temp x/y/temp1", "x/temp temp"},
        {"temp?", "tempa tempb", "temp tempab"},
        {"**/*.go", "x.go a/x.go a/b/x.go", "xgo x.goo"},
        {"*.md\n!README.md", "a.md", "README.md a/b.md README"},
        {"*.md\n!README*.md\nREADME-secret.md", "README-secret.md a.md", "README.md README-x.md"},
        {"*.md\nREADME-secret.md\n!README*.md", "a.md", "README-secret.md README.md"},
        {"# a\n #b", "#b", "a b"},
        {"\xef\xbb\xbf"
         "a",
         "a", "b"},
        {"a\r\nb  \r\n", "a b", "c"},
        {"  a  \n\n\t\n", "a", "b"},
        {"a/../b", "b b/c", "a"},
        {"./a//b/.", "a/b a/b/c", "a"},
        {"**", "a a/b .x", ""},
        {"**/", "a a/b", ""},
        {"*", "a a/b", ""},
        {"*\n!a", "b b/c", "a a/x"},
        {"*\n!a/b", "b a a/c", "a/b a/b/c"},
        {"a/**", "a/b a/b/c", "a ab"},
        {"**/a", "a x/a x/y/a x/a/y", "xa x/ya"},
        {"a/**/z", "a/z a/b/z a/b/c/z", "a z az"},
        {"[a-c]x", "ax bx cx", "dx x"},
        {"[^a-c]x", "dx", "ax cx"},
        {"a\\*", "a*", "ab a"},
        {"a.b", "a.b", "axb"},
        {"! a\nb", "b", "a"},
        {"foo*", "foo foobar foo/x", "a/foo"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dockerignore d = {0};
        CLEANUP_STRV struct strv out = {0}, in = {0};
        struct err err = {0};
        assert_int_equal(
            dockerignore_parse(&d, ".dockerignore", rows[i].file, strlen(rows[i].file), &err), 0);
        str_split(rows[i].out, ' ', &out);
        str_split(rows[i].in, ' ', &in);
        for (size_t k = 0; *rows[i].out && k < out.len; k++) {
            if (!dockerignore_excludes(&d, out.items[k])) {
                fail_msg("row %zu: %s is left in", i, out.items[k]);
            }
        }
        for (size_t k = 0; *rows[i].in && k < in.len; k++) {
            if (dockerignore_excludes(&d, in.items[k])) {
                fail_msg("row %zu: %s is left out", i, in.items[k]);
            }
        }
        dockerignore_release(&d);
    }
}

static void test_ignore_errors(void **state)
{
    static const char *const bad[] = {"a\n[", "a\n[a", "a\n[]", "a\n!", "a\nb\\", "a\n[b-"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct dockerignore d = {0};
        struct err err = {0};
        assert_int_equal(dockerignore_parse(&d, "f", bad[i], strlen(bad[i]), &err), -ERR_INPUT);
        assert_string_equal(err.file, "f");
        assert_int_equal(err.line, 2);
        assert_true(*err.hint);
        dockerignore_release(&d);
    }
}

static void test_ignore_descends(void **state)
{
    static const char text[] = "*\n!a/b/c\n!x/*.go\n!**/deep";
    struct dockerignore d = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(dockerignore_parse(&d, "f", text, strlen(text) - 9, &err), 0);
    assert_true(dockerignore_descends(&d, "a"));
    assert_true(dockerignore_descends(&d, "a/b"));
    assert_true(dockerignore_descends(&d, "x"));
    assert_false(dockerignore_descends(&d, "b"));
    assert_false(dockerignore_descends(&d, "a/z"));
    dockerignore_release(&d);
    assert_int_equal(dockerignore_parse(&d, "f", text, strlen(text), &err), 0);
    assert_true(dockerignore_descends(&d, "b"));
    dockerignore_release(&d);
}

/* A pattern that would ruin a matcher that goes back. */
static void test_ignore_is_linear(void **state)
{
    CLEANUP_BUF struct buf pattern = BUF_INIT, path = BUF_INIT;
    struct dockerignore d = {0};
    struct err err = {0};
    (void)state;
    for (int i = 0; i < 200; i++) {
        buf_str(&pattern, "**/*a*");
        buf_str(&path, "aaaa/aaaa");
    }
    buf_str(&pattern, "b");
    assert_int_equal(dockerignore_parse(&d, "f", buf_text(&pattern), pattern.len, &err), 0);
    assert_false(dockerignore_excludes(&d, buf_text(&path)));
    dockerignore_release(&d);
}

/* --- the context, unpacked by a reader that is not ours --- */

static void put(const char *dir, const char *name, const char *text)
{
    CLEANUP_FREE char *path = path_join(dir, name), *parent = path_dirname(path);
    struct err err = {0};
    (void)mkdir(parent, 0755);
    assert_int_equal(path_write_file(path, text, strlen(text), 0644, &err), 0);
}

/* Packs `dir`, lists the archive with tar(1): "TYPE MODE OWNER/GROUP SIZE PATH", one a line. */
static char *packed(const char *dir, const char *dockerfile, const char *inlined, size_t piece,
                    struct err *err)
{
    struct build_context *c = NULL;
    char name[] = "/tmp/fettle-test-XXXXXX", line[8192], chunk[4096];
    struct buf out = BUF_INIT;
    long n = 0;
    if (build_context_new(dir, dockerfile, inlined, &c, err)) {
        return NULL;
    }
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    while ((n = build_context_produce(c, chunk, piece, err)) > 0) {
        assert_int_equal(write(fd, chunk, (size_t)n), n);
    }
    close(fd);
    build_context_free(c);
    if (n == 0) {
        CLEANUP_FREE char *command = xasprintf(
            "tar --numeric-owner -tvf %s | awk '{ $4 = $5 = \"\"; print }' | tr -s ' '", name);
        FILE *list = popen(command, "r"); /* a test may */
        while (fgets(line, sizeof(line), list)) {
            buf_str(&out, line);
        }
        assert_int_equal(pclose(list), 0);
    }
    unlink(name);
    return n == 0 ? buf_steal(&out) : NULL;
}

static void test_context(void **state)
{
    char dir[] = "/tmp/fettle-test-XXXXXX", other[] = "/tmp/fettle-test-XXXXXX";
    struct err err = {0};
    char deep[220];
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_non_null(mkdtemp(other));
    memset(deep, 'd', sizeof(deep));
    deep[sizeof(deep) - 1] = '\0';
    put(dir, "Dockerfile", "FROM x\n");
    put(dir, ".dockerignore", "*.o\nDockerfile\n.dockerignore\nout\n!out/keep\n");
    put(dir, "b.c", "int b;\n");
    put(dir, "a.o", "x");
    put(dir, "out/keep", "1");
    put(dir, "out/drop", "2");
    put(dir, deep, "long");
    CLEANUP_FREE char *link = path_join(dir, "link");
    assert_int_equal(symlink("/etc", link), 0);
    CLEANUP_FREE char *want = xasprintf("-rw-r--r-- 0/0 43 .dockerignore\n"
                                        "-rw-r--r-- 0/0 7 Dockerfile\n"
                                        "-rw-r--r-- 0/0 7 b.c\n"
                                        "-rw-r--r-- 0/0 4 %s\n"
                                        "lrwxrwxrwx 0/0 0 link -> /etc\n"
                                        "-rw-r--r-- 0/0 1 out/keep\n",
                                        deep);
    for (size_t piece = 1; piece <= 4096; piece = piece * 8 + 1) {
        CLEANUP_FREE char *got = packed(dir, "Dockerfile", NULL, piece < 4096 ? piece : 4096, &err);
        assert_non_null(got);
        assert_string_equal(got, want);
    }
    /* A Dockerfile of another place has its own ignore file beside it. */
    put(other, "Dockerfile", "FROM y\n");
    put(other, "Dockerfile.dockerignore", "*\n");
    CLEANUP_FREE char *path = path_join(other, "Dockerfile");
    CLEANUP_FREE char *outside = packed(dir, path, NULL, 4096, &err);
    assert_string_equal(outside, "-rw-r--r-- 0/0 36 .dockerignore\n"
                                 "-rw-r--r-- 0/0 7 .dockerfile.fettle\n");
    CLEANUP_FREE char *inlined = packed(dir, NULL, "FROM z\nRUN x\n", 4096, &err);
    assert_non_null(strstr(inlined, "-rw-r--r-- 0/0 77 .dockerignore\n"
                                    "-rw-r--r-- 0/0 13 .dockerfile.fettle\n"));
    assert_null(packed(dir, "Dockerfile.none", NULL, 4096, &err));
    assert_non_null(strstr(err.message, "Dockerfile.none"));
    CLEANUP_FREE char *clean = xasprintf("rm -rf %s %s", dir, other);
    FILE *rm = popen(clean, "r");
    assert_int_equal(pclose(rm), 0);
}

static void test_file_shrinks(void **state)
{
    char dir[] = "/tmp/fettle-test-XXXXXX", chunk[1024];
    struct build_context *c = NULL;
    struct err err = {0};
    long n = 0;
    (void)state;
    assert_non_null(mkdtemp(dir));
    CLEANUP_FREE char *file = path_join(dir, "Dockerfile");
    put(dir, "Dockerfile", "FROM x\nRUN true\n");
    assert_int_equal(build_context_new(dir, NULL, NULL, &c, &err), 0);
    assert_int_equal(build_context_produce(c, chunk, 100, &err), 100); /* of the header */
    assert_int_equal(truncate(file, 3), 0);
    do {
        n = build_context_produce(c, chunk, sizeof(chunk), &err);
    } while (n > 0);
    assert_int_equal(n, -ERR_IO);
    assert_non_null(strstr(err.message, "became shorter"));
    build_context_free(c);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* --- steps --- */

static void test_step_line(void **state)
{
    static const char text[] = "# syntax\n"
                               "ARG A\n"
                               "\n"
                               "FROM x \\\n"
                               "  # within\n"
                               "  AS y\n"
                               "RUN a && \\\r\n"
                               "    b\r\n"
                               "COPY . .";
    (void)state;
    assert_int_equal(build_step_line(text, 1), 2);
    assert_int_equal(build_step_line(text, 2), 4);
    assert_int_equal(build_step_line(text, 3), 7);
    assert_int_equal(build_step_line(text, 4), 9);
    assert_int_equal(build_step_line(text, 5), 0);
    assert_int_equal(build_step_line("", 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ignore),          cmocka_unit_test(test_ignore_errors),
        cmocka_unit_test(test_ignore_descends), cmocka_unit_test(test_ignore_is_linear),
        cmocka_unit_test(test_context),         cmocka_unit_test(test_file_shrinks),
        cmocka_unit_test(test_step_line),
    };
    return cmocka_run_group_tests_name("build", tests, NULL, NULL);
}
