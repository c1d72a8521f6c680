/*
 * probe/exec and probe/log: what commands and log lines say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "probe/exec.h"
#include "probe/log.h"

static void test_exec(void **state)
{
    static const struct {
        int exit_code;
        const char *output;
        enum verdict verdict;
        const char *code, *words;
    } rows[] = {
        {0, NULL, VERDICT_READY, "", "says ready"},
        {0, "accepting connections\n", VERDICT_READY, "", "ready: accepting connections"},
        {1, "one\n\n  two \n\n", VERDICT_NOT_YET, "exit-1", "ends with 1:   two"},
        {127, "/bin/sh: 1: curl: not found\n", VERDICT_NEVER, "exit-127", "not in the image"},
        {126,
         "OCI runtime exec failed: exec failed: unable to start container process: exec: "
         "\"curl\": executable file not found in $PATH: unknown\r\n",
         VERDICT_NEVER, "exit-126", "not in the image"},
        {126, "sh: 1: /probe: Permission denied", VERDICT_NEVER, "exit-126", "cannot be executed"},
        {126, "cannot exec in a stopped state", VERDICT_NOT_YET, "stopped", "not running"},
        {126,
         "OCI runtime exec failed: exec failed: unable to start container process: error "
         "executing setns process: exit status 1: unknown",
         VERDICT_NOT_YET, "stopped", "not running"},
        {126,
         "OCI runtime exec failed: exec failed: unable to start container process: error "
         "writing config to pipe: write init-p: broken pipe: unknown",
         VERDICT_NOT_YET, "stopped", "not running"},
        {126,
         "OCI runtime exec failed: exec failed: unable to start container process: open "
         "/proc/1/ns/ipc: no such file or directory: unknown",
         VERDICT_NOT_YET, "stopped", "not running"},
        {126,
         "OCI runtime exec failed: exec failed: unable to start container process: exec: "
         "\"/x\": stat /x: no such file or directory: unknown",
         VERDICT_NEVER, "exit-126", "not in the image"},
        {126,
         "OCI runtime exec failed: exec failed: unable to start container process: exec: "
         "\"/etc/passwd\": permission denied: unknown",
         VERDICT_NEVER, "exit-126", "cannot be executed"},
        {137, "", VERDICT_NOT_YET, "exit-137", "ends with 137"},
    };
    struct outcome o = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *out = rows[i].output;
        probe_exec_outcome(rows[i].exit_code, out, out ? strlen(out) : 0, &o);
        assert_int_equal(o.verdict, rows[i].verdict);
        assert_string_equal(o.code, rows[i].code);
        if (!strstr(o.text, rows[i].words)) {
            fail_msg("%s", o.text);
        }
    }
    probe_exec_timed_out("still\nwaiting", 13, &o);
    assert_string_equal(o.code, "timeout");
    assert_non_null(strstr(o.text, "waiting"));
}

static void test_log(void **state)
{
    struct probe_log *l = NULL;
    struct err err = {0};
    struct outcome o = {0};
    static const char text[] = "starting\r\nlistening on port 80";
    (void)state;
    assert_int_equal(probe_log_new("(", &l, &err), -ERR_INPUT);
    assert_int_equal(probe_log_new("port [0-9]+$", &l, &err), 0);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        assert_false(probe_log_feed(l, text + i, 1));
    }
    probe_log_outcome(l, &o);
    assert_string_equal(o.text, "the line is not in the log yet; last: starting");
    assert_true(probe_log_feed(l, "80\nmore\n", 8));
    assert_true(probe_log_feed(l, "x\n", 2));
    probe_log_outcome(l, &o);
    assert_int_equal(o.verdict, VERDICT_READY);
    assert_string_equal(o.text, "the log says: listening on port 8080");
    probe_log_free(l);
}

/* A line without end takes no more memory than its limit; the next one counts again. */
static void test_log_long_line(void **state)
{
    struct probe_log *l = NULL;
    struct err err = {0};
    char block[1000];
    (void)state;
    memset(block, 'x', sizeof(block));
    assert_int_equal(probe_log_new("^ready$", &l, &err), 0);
    for (int i = 0; i < 100; i++) {
        assert_false(probe_log_feed(l, block, sizeof(block)));
    }
    assert_false(probe_log_feed(l, "ready\n", 6));
    assert_true(probe_log_feed(l, "ready\n", 6));
    probe_log_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_log_long_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
