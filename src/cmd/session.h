/*
 * A conversation with a process in a container: our standard streams on a connection that the
 * engine handed over (exec, attach), with or without a terminal.
 */
#ifndef CMD_SESSION_H
#define CMD_SESSION_H

#include <jansson.h>
#include <stdbool.h>

#include "cmd/context.h"
#include "engine/engine.h"

struct session;

typedef struct engine_call *session_resize_fn(struct engine *e, const char *id, int rows, int cols,
                                              engine_fn *fn, void *arg);

struct session_spec {
    const char *path, *query; /* of the POST that is handed over */
    const json_t *json;       /* its body, or NULL */
    bool tty;                 /* the process has a terminal: ours goes raw meanwhile */
    bool stdin_open;          /* standard input is passed on, and its end */
    bool quiet;               /* standard output and error are dropped */
    /* Standard output that begins with this in its first piece, and is no more than that piece, is
     * not written: session_held() has it. Or NULL. */
    const char *hold;
    /* The connection stands: nothing that the process says from now on is lost. */
    void (*on_open)(void *arg);
    /* With a terminal: tells the process how large it is. engine_exec_resize() or
     * engine_container_resize(), and the id for it. */
    session_resize_fn *resize;
    const char *id;
    /* Our standard output or error takes nothing any more (err->sys is EPIPE when its reader has
     * gone): the rest is dropped. At most once. */
    void (*on_broken)(void *arg, const struct err *err);
    /* Exactly once, when the process closed its end and all that it said is written; our terminal
     * is itself again. */
    void (*on_end)(void *arg, const struct err *err);
    void *arg;
};

/* Everything in the spec is copied or used up at once, but `arg` and `hold`. */
struct session *session_new(struct cmd_context *ctx, struct engine *engine,
                            const struct session_spec *spec);
/* No callback follows. The terminal is restored. NULL is fine. */
void session_free(struct session *s);
/* Tells the size again, for a process that began only now. */
void session_resize(struct session *s);

/* What was held back, NULL when nothing was; the session's. */
const char *session_held(const struct session *s);

/* May the process have a terminal by default: are our input and output one? */
bool session_has_terminal(void);

#endif
