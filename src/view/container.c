/*
 * Docker's ways to write containers. Pure: observed state in, text or JSON out. The formats follow
 * the output of docker compose 2.40 as seen on the terminal.
 */
#include "view/container.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "view/text.h"

void view_duration(struct buf *out, int64_t ns)
{
    int64_t s = ns / NS_PER_SEC, m = s / 60, h = (s + 1800) / 3600;
    if (s < 1) {
        buf_str(out, "Less than a second");
    } else if (s == 1) {
        buf_str(out, "1 second");
    } else if (s < 60) {
        buf_printf(out, "%d seconds", (int)s);
    } else if (m == 1) {
        buf_str(out, "About a minute");
    } else if (m < 60) {
        buf_printf(out, "%d minutes", (int)m);
    } else if (h == 1) {
        buf_str(out, "About an hour");
    } else if (h < 48) {
        buf_printf(out, "%d hours", (int)h);
    } else if (h < 24 * 7 * 2) {
        buf_printf(out, "%d days", (int)(h / 24));
    } else if (h < 24 * 30 * 2) {
        buf_printf(out, "%d weeks", (int)(h / 24 / 7));
    } else if (h < 24 * 365 * 2) {
        buf_printf(out, "%d months", (int)(h / 24 / 30));
    } else {
        buf_printf(out, "%d years", (int)(h / 24 / 365));
    }
}

static void size_with(struct buf *out, double bytes, double base, const char *const *units,
                      size_t count, int digits)
{
    size_t i = 0;
    while (bytes >= base && i + 1 < count) {
        bytes /= base;
        i++;
    }
    buf_printf(out, "%.*g%s", digits, bytes, units[i]);
}

void view_size(struct buf *out, double bytes, int digits)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_with(out, bytes, 1000, units, ARRAY_LEN(units), digits);
}

void view_size_binary(struct buf *out, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_with(out, bytes, 1024, units, ARRAY_LEN(units), 4);
}

static int compare_ports(const void *a, const void *b)
{
    const struct observed_port *p = a, *q = b;
    if (p->private_port != q->private_port) {
        return p->private_port < q->private_port ? -1 : 1;
    }
    int ip = strcmp(p->ip, q->ip);
    if (ip || p->public_port != q->public_port) {
        return ip ? ip : p->public_port < q->public_port ? -1 : 1;
    }
    return strcmp(p->protocol, q->protocol);
}

/* Ports that follow each other on one address (or unpublished) are shown as a range. */
struct port_group {
    const char *ip, *protocol;
    unsigned first, last;
};

static void port_address(struct buf *out, const char *ip)
{
    if (ip[0]) {
        buf_printf(out, strchr(ip, ':') ? "[%s]:" : "%s:", ip);
    }
}

static void port_group_text(struct strv *list, const struct port_group *g)
{
    CLEANUP_BUF struct buf range = BUF_INIT, b = BUF_INIT;
    buf_printf(&range, g->first == g->last ? "%u" : "%u-%u", g->first, g->last);
    if (g->ip[0]) {
        port_address(&b, g->ip);
        buf_printf(&b, "%s->", buf_text(&range));
    }
    buf_printf(&b, "%s/%s", buf_text(&range), g->protocol);
    strv_push(list, buf_text(&b));
}

static void add_port(struct port_group *groups, size_t *count, struct strv *done,
                     struct strv *mapped, const struct observed_port *p)
{
    if (p->ip[0] && p->public_port != p->private_port) {
        CLEANUP_BUF struct buf b = BUF_INIT;
        port_address(&b, p->ip);
        buf_printf(&b, "%u->%u/%s", p->public_port, p->private_port, p->protocol);
        strv_push(mapped, buf_text(&b));
        return;
    }
    for (size_t i = 0; i < *count; i++) {
        struct port_group *g = &groups[i];
        if (strcmp(g->ip, p->ip) != 0 || strcmp(g->protocol, p->protocol) != 0) {
            continue;
        }
        if (p->private_port != g->last + 1) {
            port_group_text(done, g);
            g->first = p->private_port;
        }
        g->last = p->private_port;
        return;
    }
    groups[(*count)++] = (struct port_group){p->ip, p->protocol, p->private_port, p->private_port};
}

void view_ports(struct buf *out, const struct observed_container *c)
{
    CLEANUP_STRV struct strv done = {0}, mapped = {0};
    struct port_group *groups = xcalloc(c->port_count + 1, sizeof(*groups));
    struct observed_port *ports = xcalloc(c->port_count + 1, sizeof(*ports));
    size_t count = 0;
    if (c->port_count) {
        memcpy(ports, c->ports, c->port_count * sizeof(*ports));
        qsort(ports, c->port_count, sizeof(*ports), compare_ports);
    }
    for (size_t i = 0; i < c->port_count; i++) {
        add_port(groups, &count, &done, &mapped, &ports[i]);
    }
    for (size_t i = 0; i < count; i++) {
        port_group_text(&done, &groups[i]);
    }
    for (size_t i = 0; i < done.len + mapped.len; i++) {
        buf_str(out, i ? ", " : "");
        buf_str(out, i < done.len ? done.items[i] : mapped.items[i - done.len]);
    }
    free(groups);
    free(ports);
}

/* At most `max` characters, the last an ellipsis when it is longer. */
static void ellipsis(struct buf *out, const char *text, size_t max)
{
    size_t total = 0, used = 0;
    for (const char *p = text; *p; total++) {
        size_t n = utf8_len(p);
        p += n ? n : 1;
    }
    for (; *text && used < (total > max ? max - 1 : max); used++) {
        size_t n = utf8_len(text);
        buf_append(out, text, n ? n : 1);
        text += n ? n : 1;
    }
    buf_str(out, total > max ? "…" : "");
}

void view_command(struct buf *out, const struct observed_container *c, bool full)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    ellipsis(&b, c->command, full ? 1 << 20 : 20);
    buf_char(out, '"');
    for (const char *p = buf_text(&b); *p; p++) {
        if (*p == '"' || *p == '\\') {
            buf_printf(out, "\\%c", *p);
        } else if (*p == '\n') {
            buf_str(out, "\\n");
        } else if (*p == '\t') {
            buf_str(out, "\\t");
        } else {
            buf_char(out, *p);
        }
    }
    buf_char(out, '"');
}

void view_created(struct buf *out, int64_t wall)
{
    char text[64];
    time_t seconds = (time_t)(wall / NS_PER_SEC);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
    buf_str(out, text);
}

static void labels_text(struct buf *out, const struct key_values *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        buf_printf(out, "%s%s=%s", i ? "," : "", labels->items[i].key,
                   labels->items[i].value ? labels->items[i].value : "");
    }
}

static void mounts_text(struct buf *out, const struct observed_container *c, bool full,
                        size_t *ret_local)
{
    for (size_t i = 0; i < c->mount_count; i++) {
        const struct observed_mount *m = &c->mounts[i];
        buf_str(out, i ? "," : "");
        ellipsis(out, str_empty(m->name) ? m->source : m->name, full ? 1 << 16 : 15);
        *ret_local += str_eq(m->type, "volume");
    }
}

static json_t *publishers(const struct observed_container *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->port_count; i++) {
        const struct observed_port *p = &c->ports[i];
        json_t *j = json_object();
        json_object_set_new(j, "URL", view_text(p->ip));
        json_object_set_new(j, "TargetPort", json_integer(p->private_port));
        json_object_set_new(j, "PublishedPort", json_integer(p->public_port));
        json_object_set_new(j, "Protocol", view_text(p->protocol));
        json_array_append_new(list, j);
    }
    return list;
}

static void set_buf(json_t *j, const char *key, struct buf *b)
{
    json_object_set_new(j, key, view_text(buf_text(b)));
    buf_clear(b);
}

json_t *view_ps(const struct observed_container *c, bool full, int64_t now)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    size_t local = 0;
    json_t *j = json_object();
    view_command(&b, c, full);
    set_buf(j, "Command", &b);
    view_created(&b, c->created);
    set_buf(j, "CreatedAt", &b);
    json_object_set_new(j, "ExitCode", json_integer(c->exit_code));
    json_object_set_new(
        j, "Health",
        json_string(c->health == ENGINE_HEALTH_NONE ? "" : engine_health_name(c->health)));
    buf_printf(&b, "%.*s", full ? 64 : 12, c->id);
    set_buf(j, "ID", &b);
    json_object_set_new(j, "Image", view_text(c->image));
    labels_text(&b, &c->labels);
    set_buf(j, "Labels", &b);
    mounts_text(&b, c, full, &local);
    json_object_set_new(j, "LocalVolumes", json_sprintf("%zu", local));
    set_buf(j, "Mounts", &b);
    json_object_set_new(j, "Name", view_text(c->name));
    json_object_set_new(j, "Names", view_text(c->name));
    for (size_t i = 0; i < c->endpoint_count; i++) {
        buf_printf(&b, "%s%s", i ? "," : "", c->endpoints[i].network);
    }
    set_buf(j, "Networks", &b);
    view_ports(&b, c);
    set_buf(j, "Ports", &b);
    json_object_set_new(j, "Project", view_text(c->project));
    json_object_set_new(j, "Publishers", publishers(c));
    view_duration(&b, now - c->created);
    buf_str(&b, " ago");
    set_buf(j, "RunningFor", &b);
    json_object_set_new(j, "Service", view_text(c->service));
    json_object_set_new(j, "Size", json_string("0B"));
    json_object_set_new(j, "State", json_string(container_state_name(c->state)));
    json_object_set_new(j, "Status", view_text(c->status));
    return j;
}

void view_ls_status(struct buf *out, const struct observed_container *const *list, size_t count)
{
    /* By name of the state, as Docker sorts them. */
    static const enum container_state order[] = {
        CONTAINER_CREATED,  CONTAINER_DEAD,       CONTAINER_EXITED, CONTAINER_PAUSED,
        CONTAINER_REMOVING, CONTAINER_RESTARTING, CONTAINER_RUNNING};
    const char *separator = "";
    for (size_t s = 0; s < ARRAY_LEN(order); s++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            n += list[i]->state == order[s];
        }
        if (n) {
            buf_printf(out, "%s%s(%zu)", separator, container_state_name(order[s]), n);
            separator = ", ";
        }
    }
}
