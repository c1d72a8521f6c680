/*
 * TCP (and Unix sockets): the connection itself is the proof; with spec->body, the greeting must
 * contain that text. Driven by probe_step(), which is called once the connection is open.
 */
#include <string.h>

#include "base/str.h"
#include "probe/machine.h"

enum { GREETING_MAX = 4096 };

static const char *tcp_stage(const struct probe_machine *m)
{
    (void)m;
    return "the greeting";
}

static enum probe_want tcp_step(struct probe_machine *m, struct buf *out, struct outcome *ret)
{
    const char *want = m->spec->body;
    char text[80];
    (void)out;
    if (m->tls) { /* as if the server had asked for it: the handshake is part of the proof */
        m->tls = false;
        return PROBE_WANT_TLS;
    }
    if (str_empty(want)) {
        return probe_finish(ret, VERDICT_READY, LAYER_APP, "", "%s accepts connections", m->host);
    }
    if (m->in.len > 0 && memmem(m->in.data, m->in.len, want, strlen(want))) {
        probe_peer_text(m, want, strlen(want), text, sizeof(text));
        return probe_finish(ret, VERDICT_READY, LAYER_APP, "", "%s greets with \"%s\"", m->host,
                            text);
    }
    if (m->eof || m->in.len > GREETING_MAX) {
        probe_peer_text(m, buf_text(&m->in), m->in.len, text, sizeof(text));
        return probe_finish(ret, VERDICT_NOT_YET, LAYER_APP, "greeting",
                            "%s: the greeting lacks the text asked for; it is \"%s\"", m->host,
                            text);
    }
    return PROBE_WANT_READ;
}

const struct probe_ops probe_tcp_ops = {
    .size = sizeof(struct probe_machine),
    .max_in = (size_t)256 << 10,
    .name = "TCP",
    .stage = tcp_stage,
    .step = tcp_step,
};
