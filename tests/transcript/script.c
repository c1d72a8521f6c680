/*
 * The player behind script.h. Drives machines only through probe.h.
 */
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

struct player {
    struct probe_machine *m;
    struct buf out;
    enum probe_want want;
    struct outcome outcome;
    size_t fed, limit; /* bytes of the peer so far; where it is cut off */
};

static void feed(struct player *p, const char *data, size_t len, size_t chunk)
{
    for (size_t i = 0; i < len && p->want == PROBE_WANT_READ && p->fed < p->limit; i += chunk) {
        size_t n = len - i < chunk ? len - i : chunk;
        n = n < p->limit - p->fed ? n : p->limit - p->fed;
        p->want = probe_step(p->m, data + i, n, false, &p->out, NS_PER_MS, &p->outcome);
        p->fed += n;
    }
}

static void print_bytes(const char *what, const char *data, size_t len)
{
    print_error("%s (%zu bytes): ", what, len);
    for (size_t i = 0; i < len; i++) {
        print_error(data[i] >= ' ' && data[i] < 127 ? "%c" : "\\x%02x", (unsigned char)data[i]);
    }
    print_error("\n");
}

static void expect(struct player *p, const struct turn *t, size_t number)
{
    if (t->expect.data && (p->out.len != t->expect.len ||
                           memcmp(buf_text(&p->out), t->expect.data, t->expect.len) != 0)) {
        print_bytes("sent", buf_text(&p->out), p->out.len);
        print_bytes("expected", t->expect.data, t->expect.len);
        fail_msg("turn %zu", number);
    }
    buf_clear(&p->out);
}

/* Returns how many bytes were fed before the end. */
static size_t play(const struct script *s, size_t chunk, size_t limit, struct outcome *ret)
{
    struct player p = {.limit = limit};
    p.m = probe_machine_new(s->spec, &s->opt);
    p.want = probe_step(p.m, NULL, 0, false, &p.out, 0, &p.outcome);
    for (size_t i = 0; i < s->count && p.want != PROBE_DONE && p.fed < limit; i++) {
        const struct turn *t = &s->turns[i];
        expect(&p, t, i);
        if (t->tls) {
            assert_int_equal(p.want, PROBE_WANT_TLS);
            p.want = probe_step(p.m, NULL, 0, false, &p.out, 0, &p.outcome);
        } else {
            feed(&p, t->reply.data, t->reply.len, chunk);
        }
    }
    if (p.want != PROBE_DONE && (s->eof || limit != SIZE_MAX)) {
        p.want = probe_step(p.m, NULL, 0, true, &p.out, NS_PER_MS, &p.outcome);
    }
    if (p.want != PROBE_DONE) {
        probe_timed_out(p.m, NS_PER_SEC, &p.outcome);
    }
    assert_false(p.out.failed);
    assert_true(strlen(p.outcome.text) > 0);
    *ret = p.outcome;
    probe_machine_free(p.m);
    buf_release(&p.out);
    return p.fed;
}

void script_play(const struct script *s, struct outcome *ret)
{
    struct outcome slow, cut;
    play(s, SIZE_MAX / 2, SIZE_MAX, ret);
    size_t needed = play(s, 1, SIZE_MAX, &slow);
    assert_string_equal(slow.text, ret->text);
    assert_true(outcome_same(&slow, ret));
    for (size_t i = 1; i < needed; i++) {
        play(s, 1, i, &cut);
        assert_int_not_equal(cut.verdict, VERDICT_READY);
    }
}

void script_reply(const struct probe_spec *spec, struct bytes reply, bool eof, struct outcome *ret)
{
    const struct turn turn = {ANY, reply, false};
    const struct script s = {.spec = spec, .turns = &turn, .count = 1, .eof = eof};
    script_play(&s, ret);
}

void assert_outcome(const struct outcome *o, enum verdict v, const char *code, const char *text)
{
    if (o->verdict != v || strcmp(o->code, code) != 0 || (text && !strstr(o->text, text))) {
        fail_msg("got %s [%s] \"%s\", expected %s [%s] \"%s\"", verdict_name(o->verdict), o->code,
                 o->text, verdict_name(v), code, text ? text : "");
    }
}
