/*
 * The engine's multiplexed output: frames of an 8-byte header (stream, three zeros, length as
 * big-endian 32 bits) and that many bytes; without a terminal, attach, exec and logs send it.
 * Docker Engine API, "Attach to a container", stream format. And streams of JSON lines.
 */
#ifndef ENGINE_STDCOPY_H
#define ENGINE_STDCOPY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum stdcopy_stream {
    STDCOPY_STDIN,
    STDCOPY_STDOUT,
    STDCOPY_STDERR,
    STDCOPY_SYSTEM /* an error of the engine itself */
};

struct stdcopy {
    bool raw; /* everything is stdout: terminal, or the stream turned out not to be framed */
    unsigned char header[8];
    size_t header_len;
    uint32_t left; /* bytes of the current frame still to come */
    enum stdcopy_stream stream;
};

typedef void stdcopy_fn(void *arg, enum stdcopy_stream stream, const void *data, size_t len);

void stdcopy_init(struct stdcopy *c, bool raw);
void stdcopy_release(struct stdcopy *c);
/*
 * Any cut of the stream will do; fn gets the pieces as they come, nothing is kept but a header. A
 * stream whose first header is none (a terminal after all) is passed on as stdout.
 */
void stdcopy_feed(struct stdcopy *c, const void *data, size_t len, stdcopy_fn *fn, void *arg);

/* Lines of JSON: pull and build progress, events. */
struct json_lines {
    struct buf line;
    size_t dropped; /* lines that were too long or not JSON */
};

typedef void json_line_fn(void *arg, const json_t *value);

/* A line longer than `max` bytes is dropped and counted; 0 = 1 MiB. */
void json_lines_init(struct json_lines *l, size_t max);
void json_lines_release(struct json_lines *l);
void json_lines_feed(struct json_lines *l, const void *data, size_t len, json_line_fn *fn,
                     void *arg);
/* The end of the stream: a last line without its newline counts. */
void json_lines_end(struct json_lines *l, json_line_fn *fn, void *arg);

#endif
