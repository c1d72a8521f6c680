/*
 * Makes and drives the protocol machines, and holds what they share: bounded input, texts of peers
 * made harmless, the end of a connection. Knows no socket and reads no clock.
 */
#include "probe/probe.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probe/machine.h"

static const struct probe_ops *ops_of(enum probe_kind kind)
{
    switch (kind) {
    case PROBE_TCP:
        return &probe_tcp_ops;
    case PROBE_HTTP:
        return &probe_http_ops;
    case PROBE_POSTGRES:
        return &probe_postgres_ops;
    case PROBE_REDIS:
        return &probe_redis_ops;
    case PROBE_MYSQL:
        return &probe_mysql_ops;
    default:
        return NULL;
    }
}

bool probe_has_machine(enum probe_kind kind)
{
    return ops_of(kind) != NULL;
}

/* 24 characters, base64: printable, no comma, so it fits SCRAM and a Redis key. */
static char *random_nonce(void)
{
    unsigned char raw[18];
    unsigned char text[25];
    if (RAND_bytes(raw, sizeof(raw)) != 1) {
        abort(); /* no entropy: nothing that needs a nonce may go on */
    }
    EVP_EncodeBlock(text, raw, sizeof(raw));
    return xstrdup((const char *)text);
}

struct probe_machine *probe_machine_new(const struct probe_spec *spec,
                                        const struct probe_options *opt)
{
    static const struct probe_options none;
    const struct probe_ops *ops = ops_of(spec->kind);
    if (!ops) {
        abort(); /* the caller asks probe_has_machine() first */
    }
    opt = opt ? opt : &none;
    struct probe_machine *m = xcalloc(1, ops->size);
    m->ops = ops;
    m->spec = spec;
    m->host = xstrdup(opt->host ? opt->host : spec->host ? spec->host : "localhost");
    m->nonce = opt->nonce ? xstrdup(opt->nonce) : random_nonce();
    m->cache = opt->cache;
    m->tls = spec->tls || opt->force_tls;
    buf_init(&m->in, ops->max_in);
    if (ops->init) {
        ops->init(m);
    }
    return m;
}

void probe_machine_free(struct probe_machine *m)
{
    if (!m) {
        return;
    }
    if (m->ops->release) {
        m->ops->release(m);
    }
    buf_release(&m->in);
    free(m->host);
    free(m->nonce);
    free(m);
}

static enum probe_want step_inner(struct probe_machine *m, const void *in, size_t len,
                                  struct buf *out, struct outcome *ret)
{
    if (len > 0) {
        buf_append(&m->in, in, len);
    }
    if (m->in.failed) {
        return probe_finish(ret, VERDICT_NEVER, LAYER_PROTOCOL, "too-big",
                            "answers with more than %zu bytes where %s has short messages",
                            m->ops->max_in, m->ops->name);
    }
    enum probe_want want = m->ops->step(m, out, ret);
    if (m->eof && want != PROBE_DONE) {
        return probe_finish(ret, VERDICT_NOT_YET, LAYER_PROTOCOL, "closed",
                            "%s: the connection was closed before %s", m->ops->name,
                            m->ops->stage(m));
    }
    return want;
}

enum probe_want probe_step(struct probe_machine *m, const void *in, size_t len, bool eof,
                           struct buf *out, int64_t now, struct outcome *ret)
{
    if (!m->started) {
        m->started = true;
        m->start = now;
    }
    if (!m->done) {
        m->eof = m->eof || eof;
        enum probe_want want = step_inner(m, in, len, out, &m->result);
        if (want != PROBE_DONE) {
            return want;
        }
        m->done = true;
        m->result.duration = now - m->start;
    }
    *ret = m->result;
    return PROBE_DONE;
}

void probe_timed_out(const struct probe_machine *m, int64_t now, struct outcome *ret)
{
    outcome_set(ret, VERDICT_NOT_YET, LAYER_PROTOCOL, "timeout",
                "%s: connected, but no answer in time: still waiting for %s", m->ops->name,
                m->ops->stage(m));
    ret->duration = m->started ? now - m->start : 0;
}

bool probe_may_heal_after_init(const struct outcome *o)
{
    return o->verdict == VERDICT_NEVER &&
           (strncmp(o->code, "28", 2) == 0 || strcmp(o->code, "3D000") == 0);
}

bool probe_is_binding(const struct probe_spec *spec, const struct outcome *o)
{
    return spec->origin != PROBE_INFERRED || o->verdict != VERDICT_NEVER ||
           (o->layer != LAYER_PROTOCOL && o->layer != LAYER_CONFIG);
}

/* --- shared by the protocol files --- */

static bool at_password(const struct probe_machine *m, const char *text, size_t len)
{
    const char *password = m->spec->password;
    size_t plen = password ? strlen(password) : 0;
    return plen > 0 && plen <= len && memcmp(text, password, plen) == 0;
}

const char *probe_peer_text(const struct probe_machine *m, const char *text, size_t len, char *dst,
                            size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < len && n + 5 < size;) {
        char seq[5] = {0};
        size_t have = len - i < 4 ? len - i : 4;
        memcpy(seq, text + i, have);
        size_t u = utf8_len(seq);
        if (at_password(m, text + i, len - i)) {
            memcpy(dst + n, "***", 3);
            n += 3;
            i += strlen(m->spec->password);
        } else if (u == 0 || (unsigned char)seq[0] < ' ' || seq[0] == 0x7f) {
            bool space = seq[0] == '\n' || seq[0] == '\t' || seq[0] == '\r' || seq[0] == '\0';
            dst[n++] = space ? ' ' : '?';
            i++;
        } else {
            memcpy(dst + n, text + i, u);
            n += u;
            i += u;
        }
    }
    while (n > 0 && dst[n - 1] == ' ') {
        n--;
    }
    dst[n] = '\0';
    return dst;
}

enum probe_want probe_finish(struct outcome *ret, enum verdict v, enum probe_layer layer,
                             const char *code, const char *fmt, ...)
{
    char text[sizeof(ret->text)];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    outcome_set(ret, v, layer, code, "%s", text);
    return PROBE_DONE;
}

enum probe_want probe_garbage(const struct probe_machine *m, struct outcome *ret, const char *what)
{
    return probe_finish(ret, VERDICT_NEVER, LAYER_PROTOCOL, "protocol", "does not speak %s: %s",
                        m->ops->name, what);
}

void probe_list_add(char *list, size_t size, const char *name)
{
    size_t len = strlen(list);
    size_t need = strlen(name) + (len ? 2 : 0);
    if (str_ends(list, "...")) {
        return;
    }
    if (len + need + 5 >= size) {
        snprintf(list + len, size - len, "%s", len ? ", ..." : "...");
        return;
    }
    snprintf(list + len, size - len, "%s%s", len ? ", " : "", name);
}
