/*
 * The end of a start in words. Pure: timeline and observed state in, text out.
 */
#include "ui/summary.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ui/term.h"

/* Ports whose servers do not speak HTTP: their address is host:port. */
static const uint16_t not_http[] = {21,   22,   23,   25,   53,    110,   143,   389,  465,  587,
                                    636,  993,  995,  1433, 1521,  1883,  2181,  2375, 2376, 3306,
                                    3389, 4222, 5432, 5433, 5672,  6379,  6380,  6432, 8883, 9042,
                                    9092, 9093, 9094, 9300, 11211, 26379, 27017, 50051};

void summary_address(struct buf *out, const struct observed_port *port)
{
    const char *host = port->ip;
    bool http = str_eq(port->protocol, "tcp");
    if (!port->public_port) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(not_http); i++) {
        http = http && port->private_port != not_http[i];
    }
    if (str_empty(host) || str_eq(host, "0.0.0.0") || str_eq(host, "::") ||
        str_eq(host, "127.0.0.1") || str_eq(host, "::1")) {
        host = "localhost";
    }
    bool tls = port->private_port == 443 || port->private_port == 8443;
    buf_str(out, !http ? "" : tls ? "https://" : "http://");
    buf_printf(out, strchr(host, ':') ? "[%s]" : "%s", host);
    if (!http || port->public_port != (tls ? 443 : 80)) {
        buf_printf(out, ":%u", port->public_port);
    }
    if (!str_eq(port->protocol, "tcp") && !str_empty(port->protocol)) {
        buf_printf(out, "/%s", port->protocol);
    }
}

/* The addresses of one container, without those that IPv6 says a second time. */
static void container_addresses(struct strv *list, const struct observed_container *c)
{
    for (size_t i = 0; i < c->port_count; i++) {
        CLEANUP_BUF struct buf b = BUF_INIT;
        summary_address(&b, &c->ports[i]);
        if (b.len && !strv_contains(list, buf_text(&b))) {
            strv_push(list, buf_text(&b));
        }
    }
}

void summary_addresses(struct buf *out, bool colour, const struct observed *o)
{
    size_t width = 0;
    for (size_t i = 0; i < o->container_count; i++) {
        const struct observed_container *c = &o->containers[i];
        size_t columns = str_columns(str_empty(c->service) ? c->name : c->service);
        width = c->port_count && columns > width ? columns : width;
    }
    for (size_t i = 0; i < o->container_count; i++) {
        const struct observed_container *c = &o->containers[i];
        CLEANUP_STRV struct strv list = {0};
        if (c->state != CONTAINER_RUNNING || c->oneoff) {
            continue;
        }
        container_addresses(&list, c);
        if (list.len == 0) {
            continue;
        }
        buf_str(out, "   ");
        term_pad(out, str_empty(c->service) ? c->name : c->service, (int)width);
        for (size_t a = 0; a < list.len; a++) {
            buf_str(out, "  ");
            style_str(out, colour, STYLE_CYAN, list.items[a]);
        }
        buf_char(out, '\n');
    }
}

/* How much of [begin, end] lies after `from`. */
static int64_t after(int64_t begin, int64_t end, int64_t from)
{
    begin = begin > from ? begin : from;
    return begin >= 0 && end > begin ? end - begin : 0;
}

struct summary_link summary_link(const struct timeline_entry *e, int64_t released)
{
    struct summary_link l = {0};
    int64_t booted = e->proof_begin > e->start_end ? e->proof_begin : e->ready;
    if (e->ready < 0) {
        return l;
    }
    l.total = e->ready > released ? e->ready - released : 0;
    l.create = e->create_begin >= 0 ? after(e->create_begin, e->create_end, released) : 0;
    if (e->start_begin >= 0 && e->start_end >= 0) {
        l.start = after(e->start_begin, e->start_end, released);
        l.boot = after(e->start_end, booted, released);
        l.proof = after(booted, e->ready, released);
    }
    return l;
}

static void link_text(struct buf *out, bool colour, const struct timeline_entry *e,
                      const struct summary_link *l)
{
    const struct {
        const char *name;
        int64_t ns;
    } parts[] = {
        {"create", l->create}, {"start", l->start}, {"boot", l->boot}, {"proof", l->proof}};
    const char *separator = " (";
    char time[32];
    style_str(out, colour, STYLE_BOLD, str_empty(e->service) ? e->name : e->service);
    buf_printf(out, " %s", clock_human(l->total, time, sizeof(time)));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        int64_t cs = (parts[i].ns + NS_PER_MS * 5) / (NS_PER_MS * 10);
        if (cs > 0) {
            buf_printf(out, "%s%s %d.%02d", separator, parts[i].name, (int)(cs / 100),
                       (int)(cs % 100));
            separator = ", ";
        }
    }
    buf_str(out, separator[0] == ',' ? ")" : "");
}

void summary_critical_path(struct buf *out, bool colour, int columns, struct timeline *t)
{
    size_t *path = xcalloc(t->count + 1, sizeof(*path));
    size_t n = timeline_critical_path(t, path), line = out->len;
    int64_t released = 0;
    char time[32];
    if (t->count) {
        style_printf(out, colour, t->ok ? STYLE_GREEN : STYLE_RED, "%s %s",
                     t->ok ? "ready in" : "gave up after",
                     clock_human(t->duration, time, sizeof(time)));
        for (size_t i = 0; t->ok && i < n; i++) {
            const struct timeline_entry *e = &t->entries[path[i]];
            struct summary_link l = summary_link(e, released);
            CLEANUP_BUF struct buf link = BUF_INIT;
            link_text(&link, colour, e, &l);
            if (i && columns > 0 &&
                str_columns(buf_text(out) + line) + str_columns(buf_text(&link)) + strlen(" > ") >
                    (size_t)columns) {
                line = out->len + 1;
                buf_char(out, '\n');
            }
            buf_str(out, i == 0 ? "   critical path: " : " > ");
            buf_append(out, link.data, link.len);
            released = e->ready;
        }
        buf_char(out, '\n');
    }
    free(path);
}
