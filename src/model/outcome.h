/*
 * What one probe found: made by probe/, judged by run/ and health/, printed by ui/, served by web/.
 */
#ifndef MODEL_OUTCOME_H
#define MODEL_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The four verdicts of DESIGN.md. */
enum verdict {
    VERDICT_NOT_YET, /* may still become ready: refused, starting up, timed out */
    VERDICT_READY,
    VERDICT_NEVER, /* waiting does not help: wrong password, missing database */
    VERDICT_LOST,  /* was ready, is not any more (said by health/, never by a probe) */
    VERDICT_COUNT
};

/* Where an attempt ended. */
#define PROBE_LAYER_LIST(X) \
    X(CONFIG, "config")     \
    X(DNS, "dns")           \
    X(CONNECT, "connect")   \
    X(TLS, "tls")           \
    X(PROTOCOL, "protocol") \
    X(AUTH, "auth")         \
    X(APP, "app")

enum probe_layer {
#define PROBE_LAYER_ENUM(id, name) LAYER_##id,
    PROBE_LAYER_LIST(PROBE_LAYER_ENUM)
#undef PROBE_LAYER_ENUM
        LAYER_COUNT
};

struct outcome {
    enum verdict verdict;
    enum probe_layer layer; /* the last layer reached; LAYER_APP when ready */
    char code[24];          /* stable: "refused", "timeout", "28P01", "http-503", "exit-1", "" */
    char text[200];         /* one line for people: what was proved, or why not; no secret */
    int64_t duration;       /* ns of this attempt */
};

const char *verdict_name(enum verdict v);
const char *probe_layer_name(enum probe_layer l);
/* Fills text and code with printf-like text; keeps duration. */
void outcome_set(struct outcome *o, enum verdict v, enum probe_layer layer, const char *code,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Same verdict, layer and code: nothing new to tell. */
bool outcome_same(const struct outcome *a, const struct outcome *b);

#endif
