/*
 * fettle port SERVICE PRIVATE_PORT: where a port of a container is published.
 */
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "cmd/containers.h"

static int no_such_port(const struct observed_container *c, uint16_t port, const char *protocol,
                        struct err *err)
{
    CLEANUP_BUF struct buf published = BUF_INIT;
    for (size_t i = 0; i < c->port_count; i++) {
        if (c->ports[i].public_port) {
            buf_printf(&published, "%s%u/%s", published.len ? ", " : "", c->ports[i].private_port,
                       c->ports[i].protocol);
        }
    }
    err_set(err, ERR_NOT_FOUND, "no port %u/%s for container %s", port, protocol, c->name);
    err_hint(err, "it publishes %s", published.len ? buf_text(&published) : "no port");
    return -ERR_NOT_FOUND;
}

static int run_port(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct containers c = {0};
    const struct observed_container *it = NULL;
    const char *protocol = args_text(args, "protocol");
    const char *text = args->argv[1];
    uint16_t port = 0;
    CLEANUP_FREE char *number = xstrndup(text, strcspn(text, "/"));
    if (parse_port(number, &port, err)) {
        err->code = ERR_USAGE;
        return -ERR_USAGE;
    }
    if (strchr(text, '/')) {
        protocol = strchr(text, '/') + 1;
    }
    int rc = containers_pick(ctx, args->argv[0], args_number(args, "index", 0), &c, &it, err);
    if (rc == 0) {
        rc = no_such_port(it, port, protocol, NULL);
        for (size_t i = 0; i < it->port_count; i++) {
            const struct observed_port *p = &it->ports[i];
            if (p->private_port == port && p->public_port && str_eq(p->protocol, protocol)) {
                show_text(strchr(p->ip, ':') ? "[%s]:%u\n" : "%s:%u\n",
                          str_empty(p->ip) ? "0.0.0.0" : p->ip, p->public_port);
                rc = 0;
                break;
            }
        }
        rc = rc ? no_such_port(it, port, protocol, err) : 0;
    }
    containers_release(&c);
    return rc;
}

static const struct option options[] = {
    {"index", 0, OPTION_NUMBER, "N", "Which container, if the service has several"},
    {"protocol", 0, OPTION_TEXT, "NAME", "tcp or udp", .fallback = "tcp",
     .choices = "tcp udp sctp"},
    {NULL},
};

const struct cmd cmd_port = {
    .name = "port",
    .summary = "Print the public address of a port",
    .usage = "[OPTIONS] SERVICE PRIVATE_PORT",
    .examples = "fettle port web 80 # 0.0.0.0:8080",
    .options = options,
    .min_args = 2,
    .max_args = 2,
    .group = GROUP_LOOK,
    .completes = COMPLETE_SERVICE,
    .run = run_port,
};
