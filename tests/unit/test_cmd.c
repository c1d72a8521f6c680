/*
 * cmd/: the command line parser, a walk over the tables of all commands, and output that waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/helptext.h"
#include "cmd/outflow.h"
#include "ev/ev.h"

static const struct option globals[] = {
    {"file", 'f', OPTION_LIST, "FILE", "File"},
    {"json", 0, OPTION_FLAG, NULL, "JSON"},
    {NULL},
};

static const struct option options[] = {
    {"all", 'a', OPTION_FLAG, NULL, "All"},
    {"follow", 'f', OPTION_FLAG, NULL, "Follow"},
    {"tail", 'n', OPTION_TEXT, "N", "Lines", .fallback = "all"},
    {"timeout", 't', OPTION_NUMBER, "SECONDS", "Timeout"},
    {"env", 'e', OPTION_LIST, "K=V", "Environment"},
    {"policy", 0, OPTION_TEXT, "P", "Policy", .choices = "always missing never"},
    {"sig-proxy", 0, OPTION_FLAG, NULL, "Proxy", .bits = OPTION_DEFAULT_TRUE},
    {"old", 0, OPTION_FLAG, NULL, "Old", .bits = OPTION_DEPRECATED, .note = "use --all"},
    {"never", 0, OPTION_FLAG, NULL, "Never", .bits = OPTION_REFUSED, .note = "because"},
    {NULL},
};

struct parsed {
    struct args outer, args;
    struct err err;
    int rc;
};

static struct parsed *parse(const char *line, bool stop)
{
    struct parsed *p = xcalloc(1, sizeof(*p));
    static struct strv words;
    strv_release(&words);
    str_split(line, ' ', &words);
    args_init(&p->outer, globals, NULL);
    args_init(&p->args, options, &p->outer);
    p->rc = args_parse(&p->args, line[0] ? (int)words.len : 0, words.items, stop, &p->err);
    return p;
}

static void done(struct parsed *p)
{
    args_release(&p->args);
    args_release(&p->outer);
    free(p);
}

static void test_forms(void **state)
{
    (void)state;
    struct parsed *p = parse("-af -n5 --timeout=-1 -e A=1 -e=B=2 x --json y", false);
    assert_int_equal(p->rc, 0);
    assert_true(args_flag(&p->args, "all"));
    assert_true(args_flag(&p->args, "follow"));
    assert_true(args_flag(&p->args, "json"));
    assert_string_equal(args_text(&p->args, "tail"), "5");
    assert_int_equal(args_number(&p->args, "timeout", 10), -1);
    assert_int_equal(args_list(&p->args, "env")->len, 2);
    assert_string_equal(args_list(&p->args, "env")->items[1], "B=2");
    assert_int_equal(p->args.argc, 2);
    assert_string_equal(p->args.argv[1], "y");
    done(p);
    p = parse("", false);
    assert_int_equal(p->rc, 0);
    assert_string_equal(args_text(&p->args, "tail"), "all");
    assert_int_equal(args_number(&p->args, "timeout", 10), 10);
    assert_false(args_set(&p->args, "all"));
    assert_true(args_flag(&p->args, "sig-proxy"));
    done(p);
    p = parse("--sig-proxy=false -- -a --all", false);
    assert_int_equal(p->rc, 0);
    assert_false(args_flag(&p->args, "sig-proxy"));
    assert_false(args_flag(&p->args, "all"));
    assert_int_equal(p->args.argc, 2);
    done(p);
}

static void test_stop_at_argument(void **state)
{
    (void)state;
    struct parsed *p = parse("-a web ls -n 5 --unknown", true);
    assert_int_equal(p->rc, 0);
    assert_true(args_flag(&p->args, "all"));
    assert_int_equal(p->args.argc, 5);
    assert_string_equal(p->args.argv[2], "-n");
    done(p);
}

static void test_wrong(void **state)
{
    static const struct {
        const char *line, *message, *hint;
    } rows[] = {
        {"--folow", "unknown option --folow", "did you mean --follow?"},
        {"--folow=1", "unknown option --folow", "did you mean --follow?"},
        {"-x", "unknown option -x", ""},
        {"-ax", "unknown option -x in -ax", ""},
        {"--tail", "--tail needs a value: --tail N", ""},
        {"-n", "-n needs a value: -n N", ""},
        {"-t five", "--timeout takes a number, not \"five\"", ""},
        {"--policy alway", "--policy cannot be \"alway\"", "did you mean always?"},
        {"--policy x", "--policy cannot be \"x\"", "choose one of always|missing|never"},
        {"--all=maybe", "--all takes true or false, not \"maybe\"", ""},
        {"--never", "--never is not supported: because", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct parsed *p = parse(rows[i].line, false);
        assert_int_not_equal(p->rc, 0);
        assert_string_equal(p->err.message, rows[i].message);
        assert_string_equal(p->err.hint, rows[i].hint);
        done(p);
    }
}

static void test_deprecated_warns_once(void **state)
{
    (void)state;
    struct parsed *p = parse("--old --old --help", false);
    assert_int_equal(p->rc, 0);
    assert_int_equal(p->args.warnings.len, 1);
    assert_string_equal(p->args.warnings.items[0], "--old is deprecated: use --all");
    assert_true(p->args.help);
    done(p);
}

static void walk_options(const struct option *table)
{
    for (const struct option *o = table; o && o->name; o++) {
        assert_true(o->kind < OPTION_KIND_COUNT);
        assert_non_null(o->help);
        assert_true((o->kind == OPTION_FLAG) == (o->value == NULL));
        assert_false(str_ends(o->help, "."));
        assert_true(!(o->bits & (OPTION_DEPRECATED | OPTION_REFUSED)) || o->note);
        for (const struct option *other = o + 1; other->name; other++) {
            assert_string_not_equal(o->name, other->name);
            assert_true(o->letter == 0 || o->letter != other->letter);
        }
    }
}

/* Examples and synopses are lines to copy, the rest fits. */
static void check_width(const struct buf *help, const struct cmd *cmd)
{
    CLEANUP_STRV struct strv lines = {0};
    str_split(buf_text(help), '\n', &lines);
    for (size_t i = 0; i < lines.len && !str_eq(lines.items[i], "Examples:"); i++) {
        if (str_columns(lines.items[i]) > 80) {
            fail_msg("%s: %s", cmd->name, lines.items[i]);
        }
    }
}

static void test_tables(void **state)
{
    size_t count = 0;
    const struct cmd *const *table = cmd_table(&count);
    (void)state;
    walk_options(cmd_global_options);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || strcmp(table[i - 1]->name, table[i]->name) < 0);
        assert_non_null(table[i]->run);
        assert_non_null(table[i]->usage);
        assert_true(isupper((unsigned char)table[i]->summary[0]));
        assert_false(str_ends(table[i]->summary, "."));
        assert_true(table[i]->max_args < 0 || table[i]->max_args >= table[i]->min_args);
        assert_ptr_equal(cmd_find(table[i]->name), table[i]);
        walk_options(table[i]->options);
        CLEANUP_BUF struct buf b = BUF_INIT;
        help_command(&b, false, 80, table[i]);
        check_width(&b, table[i]);
        help_markdown(&b, table[i]);
        assert_false(b.failed);
    }
    assert_null(cmd_find("nonsense"));
    assert_string_equal(cmd_nearest("verison"), "version");
}

static void test_unknown_commands(void **state)
{
    static const struct {
        const char *name, *message, *hint;
    } rows[] = {
        {"check", "fettle check is not in this version yet",
         "fettle status proves every service now"},
        {"cp", "fettle cp is not in this version yet", "docker compose cp does it"},
        {"staus", "unknown command \"staus\"", "did you mean status?"},
        {"chek", "unknown command \"chek\"", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        assert_int_equal(cmd_unknown(rows[i].name, &err), -ERR_USAGE);
        assert_string_equal(err.message, rows[i].message);
        assert_string_equal(err.hint, rows[i].hint);
    }
}

static void test_help_is_wrapped(void **state)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    static const struct option wide[] = {
        {"long", 0, OPTION_FLAG, NULL, "Many words that do not all go onto one line of this help"},
        {NULL},
    };
    const struct cmd c = {.name = "x",
                          .summary = "Something",
                          .usage = "",
                          .description = "One.\n\nTwo words and more of them, then the end of it.",
                          .options = wide};
    (void)state;
    help_command(&b, false, 50, &c);
    assert_non_null(strstr(buf_text(&b), "\n\nOne.\n\nTwo words and more of them, then the end of "
                                         "it.\n\n"));
    assert_non_null(strstr(buf_text(&b), "--long                  Many words that do\n"
                                         "                              not all go onto one\n"
                                         "                              line of this help\n"));
}

/* --- output that waits --- */

enum { LONG = 300000 };

struct sink {
    struct ev_loop *loop;
    struct outflow *out;
    struct ev_fd *reader;
    int fds[2];
    size_t got;
    int drained, broken, sys;
};

static void on_flow(void *arg, const struct err *err)
{
    struct sink *k = arg;
    k->drained += err ? 0 : 1;
    k->broken += err ? 1 : 0;
    k->sys = err ? err->sys : k->sys;
    ev_loop_stop(k->loop);
}

static void on_read(unsigned ready, void *arg)
{
    struct sink *k = arg;
    char data[5000];
    ssize_t n = read(k->fds[0], data, sizeof(data));
    (void)ready;
    assert_true(n > 0);
    for (ssize_t i = 0; i < n; i++) {
        assert_int_equal((unsigned char)data[i], (k->got + (size_t)i) % 251);
    }
    k->got += (size_t)n;
}

static void sink_begin(struct sink *k)
{
    signal(SIGPIPE, SIG_IGN);
    *k = (struct sink){.loop = ev_loop_new()};
    assert_int_equal(pipe(k->fds), 0);
    k->out = outflow_new(k->loop, k->fds[1], on_flow, k);
}

static void sink_end(struct sink *k)
{
    outflow_free(k->out);
    ev_fd_free(k->reader);
    ev_loop_free(k->loop);
    close(k->fds[0]);
    close(k->fds[1]);
}

static char *pattern(void)
{
    char *data = xcalloc(LONG, 1);
    for (size_t i = 0; i < LONG; i++) {
        data[i] = (char)(i % 251);
    }
    return data;
}

static void test_outflow_waits(void **state)
{
    CLEANUP_FREE char *data = pattern();
    struct sink k;
    (void)state;
    sink_begin(&k);
    outflow_write(k.out, data, 10);
    assert_int_equal(outflow_waiting(k.out), 0);
    outflow_write(k.out, data + 10, LONG / 2); /* a pipe holds 64 KiB: it does not block */
    assert_true(outflow_waiting(k.out) > LONG / 4);
    outflow_write(k.out, data + 10 + LONG / 2, LONG - 10 - LONG / 2);
    assert_int_equal(k.drained, 0);
    k.reader = ev_fd_new(k.loop, k.fds[0], on_read, &k);
    ev_fd_want(k.reader, EV_WANT_READ);
    ev_loop_run(k.loop);
    assert_int_equal(k.drained, 1);
    assert_int_equal(outflow_waiting(k.out), 0);
    while (k.got < LONG) {
        on_read(EV_WANT_READ, &k);
    }
    assert_int_equal(k.broken, 0);
    sink_end(&k);
}

static void test_outflow_breaks(void **state)
{
    CLEANUP_FREE char *data = pattern();
    struct sink k;
    (void)state;
    sink_begin(&k);
    outflow_write(k.out, data, LONG);
    close(k.fds[0]);
    ev_loop_run(k.loop); /* told while something waits */
    assert_int_equal(k.broken, 1);
    assert_int_equal(k.sys, EPIPE);
    assert_int_equal(outflow_waiting(k.out), 0);
    outflow_write(k.out, data, LONG);
    assert_int_equal(k.broken, 1);
    assert_int_equal(outflow_waiting(k.out), 0);
    k.fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sink_end(&k);
}

static void test_outflow_into_a_file(void **state)
{
    CLEANUP_FREE char *data = pattern();
    FILE *file = tmpfile();
    struct sink k;
    (void)state;
    sink_begin(&k);
    outflow_free(k.out);
    k.out = outflow_new(k.loop, fileno(file), on_flow, &k);
    outflow_write(k.out, data, LONG);
    assert_int_equal(outflow_waiting(k.out), 0);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), LONG);
    assert_int_equal(k.drained + k.broken, 0);
    sink_end(&k);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),           cmocka_unit_test(test_stop_at_argument),
        cmocka_unit_test(test_wrong),           cmocka_unit_test(test_deprecated_warns_once),
        cmocka_unit_test(test_tables),          cmocka_unit_test(test_unknown_commands),
        cmocka_unit_test(test_help_is_wrapped), cmocka_unit_test(test_outflow_waits),
        cmocka_unit_test(test_outflow_breaks),  cmocka_unit_test(test_outflow_into_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
