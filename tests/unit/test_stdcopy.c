/*
 * engine/stdcopy: the multiplexed stream and JSON lines, however they are cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/stdcopy.h"

struct seen {
    struct buf of[STDCOPY_SYSTEM + 1];
    struct buf lines; /* the values as text, one a line */
};

static void on_piece(void *arg, enum stdcopy_stream stream, const void *data, size_t len)
{
    struct seen *seen = arg;
    buf_append(&seen->of[stream], data, len);
}

static void on_line(void *arg, const json_t *value)
{
    struct seen *seen = arg;
    char *text = json_dumps(value, JSON_COMPACT);
    buf_printf(&seen->lines, "%s\n", text);
    free(text);
}

static void release(struct seen *seen)
{
    for (size_t i = 0; i < ARRAY_LEN(seen->of); i++) {
        buf_release(&seen->of[i]);
    }
    buf_release(&seen->lines);
}

static struct seen demux(const char *data, size_t len, size_t piece, bool raw)
{
    struct seen seen = {0};
    struct stdcopy c;
    stdcopy_init(&c, raw);
    for (size_t at = 0; at < len; at += piece) {
        stdcopy_feed(&c, data + at, len - at < piece ? len - at : piece, on_piece, &seen);
    }
    stdcopy_release(&c);
    return seen;
}

static const char stream[] = "\1\0\0\0\0\0\0\4out\n"
                             "\2\0\0\0\0\0\0\5error"
                             "\1\0\0\0\0\0\0\0" /* an empty frame */
                             "\3\0\0\0\0\0\0\4oops"
                             "\1\0\0\0\0\0\0\4\1\0\0\2"; /* bytes that look like a header */

static void test_frames_cut_anywhere(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof(stream); piece++) {
        struct seen seen = demux(stream, sizeof(stream) - 1, piece, false);
        assert_int_equal(seen.of[STDCOPY_STDOUT].len, 8);
        assert_memory_equal(seen.of[STDCOPY_STDOUT].data, "out\n\1\0\0\2", 8);
        assert_string_equal(buf_text(&seen.of[STDCOPY_STDERR]), "error");
        assert_string_equal(buf_text(&seen.of[STDCOPY_SYSTEM]), "oops");
        release(&seen);
    }
}

static void test_cut_off_in_the_middle(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(stream); len++) { /* nothing is made up, nothing is lost */
        struct seen seen = demux(stream, len, 3, false);
        size_t want = len < 8 ? 0 : len < 12 ? len - 8 : 4;
        assert_true(seen.of[STDCOPY_STDOUT].len >= want);
        assert_memory_equal(buf_text(&seen.of[STDCOPY_STDOUT]), "out\n", want);
        release(&seen);
    }
}

static void test_terminal(void **state)
{
    static const char text[] = "$ ls\r\nREADME\r\n";
    (void)state;
    for (size_t piece = 1; piece < sizeof(text); piece++) {
        struct seen raw = demux(text, sizeof(text) - 1, piece, true);
        struct seen guessed = demux(text, sizeof(text) - 1, piece, false);
        assert_string_equal(buf_text(&raw.of[STDCOPY_STDOUT]), text);
        assert_string_equal(buf_text(&guessed.of[STDCOPY_STDOUT]), text);
        release(&raw);
        release(&guessed);
    }
}

static void test_json_lines(void **state)
{
    static const char text[] = "{\"a\":1}\r\n\n  \n[2]\nnot json\n{\"b\":\"\xc3\xa9\"}";
    (void)state;
    for (size_t piece = 1; piece < sizeof(text); piece++) {
        struct seen seen = {0};
        struct json_lines l;
        json_lines_init(&l, 0);
        for (size_t at = 0; at < sizeof(text) - 1; at += piece) {
            size_t left = sizeof(text) - 1 - at;
            json_lines_feed(&l, text + at, left < piece ? left : piece, on_line, &seen);
        }
        assert_string_equal(buf_text(&seen.lines), "{\"a\":1}\n[2]\n");
        json_lines_end(&l, on_line, &seen);
        assert_string_equal(buf_text(&seen.lines), "{\"a\":1}\n[2]\n{\"b\":\"\xc3\xa9\"}\n");
        assert_int_equal(l.dropped, 1);
        json_lines_release(&l);
        release(&seen);
    }
}

static void test_line_too_long(void **state)
{
    struct seen seen = {0};
    struct json_lines l;
    (void)state;
    json_lines_init(&l, 16);
    for (int i = 0; i < 100; i++) {
        json_lines_feed(&l, "\"xxxxxxxx\"", 10, on_line, &seen);
    }
    json_lines_feed(&l, "\n{}\n", 4, on_line, &seen);
    assert_string_equal(buf_text(&seen.lines), "{}\n");
    assert_int_equal(l.dropped, 1);
    assert_true(l.line.cap <= 64);
    json_lines_release(&l);
    release(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_cut_anywhere),
        cmocka_unit_test(test_cut_off_in_the_middle),
        cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_json_lines),
        cmocka_unit_test(test_line_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
