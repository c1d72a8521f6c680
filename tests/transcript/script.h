/*
 * Plays a conversation against a probe machine: what it must send, what it is answered. Each one is
 * played whole, one byte at a time, and cut off after every byte.
 */
#ifndef TESTS_TRANSCRIPT_SCRIPT_H
#define TESTS_TRANSCRIPT_SCRIPT_H

#include "probe/probe.h"

struct bytes {
    const char *data; /* NULL = anything */
    size_t len;
};

#define BYTES(s) ((struct bytes){(s), sizeof(s) - 1})
#define ANY ((struct bytes){NULL, 0})

/* One turn of the conversation. */
struct turn {
    struct bytes expect, reply;
    bool tls; /* the machine must ask for TLS after `expect`; there is no reply */
};

struct script {
    const struct probe_spec *spec;
    struct probe_options opt;
    const struct turn *turns;
    size_t count;
    bool eof; /* the peer closes at the end */
};

/* Whole and byte by byte must end alike, and a prefix never in READY: fills *ret. */
void script_play(const struct script *s, struct outcome *ret);
/* Feeds only `reply` after the first output, whole and byte by byte. */
void script_reply(const struct probe_spec *spec, struct bytes reply, bool eof, struct outcome *ret);

void assert_outcome(const struct outcome *o, enum verdict v, const char *code, const char *text);

#endif
