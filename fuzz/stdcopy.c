/*
 * The engine's streams: multiplexed output and JSON lines. Cut into pieces of a length that the
 * first byte says, they give the same as in one piece.
 */
#include <assert.h>
#include <string.h>

#include "engine/stdcopy.h"
#include "target.h"

struct seen {
    struct buf text;
    size_t lines;
};

static void on_piece(void *arg, enum stdcopy_stream stream, const void *data, size_t len)
{
    struct seen *seen = arg;
    assert(stream <= STDCOPY_SYSTEM && len > 0);
    for (size_t i = 0; i < len; i++) { /* each byte with its stream: cuts must not matter */
        buf_char(&seen->text, (char)('0' + stream));
        buf_char(&seen->text, ((const char *)data)[i]);
    }
}

static void on_line(void *arg, const json_t *value)
{
    struct seen *seen = arg;
    assert(value != NULL);
    seen->lines++;
}

static void run(const uint8_t *data, size_t size, size_t piece, struct seen *seen)
{
    struct stdcopy c;
    struct json_lines l;
    stdcopy_init(&c, false);
    json_lines_init(&l, 256);
    for (size_t at = 0; at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        stdcopy_feed(&c, data + at, n, on_piece, seen);
        json_lines_feed(&l, data + at, n, on_line, seen);
    }
    json_lines_end(&l, on_line, seen);
    stdcopy_release(&c);
    json_lines_release(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = {0}, cut = {0};
    if (size < 2) {
        return 0;
    }
    run(data + 1, size - 1, size, &whole);
    run(data + 1, size - 1, (size_t)data[0] % 16 + 1, &cut);
    assert(whole.lines == cut.lines && whole.text.len == cut.text.len);
    assert(memcmp(buf_text(&whole.text), buf_text(&cut.text), whole.text.len) == 0);
    buf_release(&whole.text);
    buf_release(&cut.text);
    return 0;
}
