/*
 * The transport: one endpoint, one connection pool, one negotiation. Calls are call.c.
 */
#include "engine/docker/docker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/docker/ssh.h"
#include "engine/docker/types.h"

#define CONNECT_TIMEOUT (10 * NS_PER_SEC)

static void tell_waiters(struct docker *d, const struct err *err)
{
    struct vec waiters = d->waiters;

    d->waiters = (struct vec){0};
    for (size_t i = 0; i < waiters.len; i++) {
        struct waiter *w = waiters.items[i];
        w->done(w->arg, err);
        free(w);
    }
    vec_release(&waiters);
}

/* Calls that came before the engine was known; a callback may add or end any. */
static struct engine_call *next_unsent(const struct docker *d)
{
    for (size_t i = 0; i < d->calls.len; i++) {
        struct engine_call *call = d->calls.items[i];
        if (call->q == NULL && call->stream == NULL && call->err.code == ERR_NONE) {
            return call;
        }
    }
    return NULL;
}

void docker_ready(struct docker *d)
{
    struct engine_call *call;

    d->state = DOCKER_READY;
    while ((call = next_unsent(d)) != NULL) {
        docker_call_send(call);
    }
    tell_waiters(d, NULL);
}

void docker_failed(struct docker *d, const struct err *err)
{
    struct err copy = *err;
    struct engine_call *call;

    d->state = DOCKER_NEW;
    tell_waiters(d, &copy);
    while (d->state == DOCKER_NEW && (call = next_unsent(d)) != NULL) {
        docker_call_finish(call, &copy);
    }
}

static void on_already(void *arg)
{
    tell_waiters(arg, NULL);
}

static void docker_connect(struct engine_transport *t,
                           void (*done)(void *arg, const struct err *err), void *arg)
{
    struct docker *d = (struct docker *)(void *)t;
    struct waiter *w = xcalloc(1, sizeof(*w));

    *w = (struct waiter){done, arg};
    vec_push(&d->waiters, w);
    if (d->state == DOCKER_READY) {
        ev_defer(d->loop, on_already, d);
    } else if (d->state == DOCKER_NEW) {
        docker_ping(d);
    }
}

static void destroy(void *arg)
{
    struct docker *d = arg;

    vec_release(&d->calls);
    vec_release(&d->waiters);
    free(d);
}

static void docker_free(struct engine_transport *t)
{
    struct docker *d = (struct docker *)(void *)t;
    struct err err;

    err_set(&err, ERR_CANCELLED, "the engine connection is being closed");
    d->state = DOCKER_PINGING; /* nothing new is sent */
    http_client_free(d->http);
    tell_waiters(d, &err);
    while (d->calls.len > 0) {
        docker_call_finish(d->calls.items[0], &err);
    }
    ssh_free(d->ssh);
    resolver_free(d->resolver);
    tls_unref(d->tls);
    endpoint_release(&d->endpoint);
    ev_defer(d->loop, destroy, d);
}

static const struct engine_transport_ops ops = {
    .connect = docker_connect,
    .call = docker_call,
    .cancel = docker_cancel,
    .write = docker_write,
    .close_write = docker_close_write,
    .pause = docker_pause,
    .free = docker_free,
};

static void copy_endpoint(struct endpoint *to, const struct endpoint *from)
{
    *to = *from;
    to->url = xstrdup(from->url);
    to->path = xstrdup(from->path);
    to->host = xstrdup(from->host);
    to->user = xstrdup(from->user);
    to->ca = xstrdup(from->ca);
    to->cert = xstrdup(from->cert);
    to->key = xstrdup(from->key);
}

static void open_http(struct docker *d)
{
    const struct endpoint *e = &d->endpoint;
    CLEANUP_FREE char *host = e->kind == ENDPOINT_TCP
                                  ? xasprintf(strchr(e->host, ':') ? "[%s]:%u" : "%s:%u", e->host,
                                              (unsigned)e->port)
                                  : xstrdup("docker");
    struct http_client_config config = {.host = host, .connect_timeout = CONNECT_TIMEOUT};

    if (e->kind == ENDPOINT_UNIX) {
        config.target.unix_path = e->path;
    } else if (e->kind == ENDPOINT_TCP) {
        d->resolver = resolver_new(d->loop);
        config.target.host = e->host;
        config.target.port = e->port;
        config.target.resolver = d->resolver;
        config.target.tls = d->tls;
    } else {
        config.connect = ssh_connect;
        config.connect_arg = d->ssh;
        config.connect_timeout = 0;
    }
    d->http = http_client_new(d->loop, &config);
}

int docker_new(struct ev_loop *loop, const struct endpoint *endpoint,
               const struct docker_options *options, struct engine_transport **ret, struct err *err)
{
    struct tls *tls = NULL;
    int forced = 0;

    if (!str_empty(options->api_version) &&
        (forced = docker_parse_api(options->api_version)) < DOCKER_API_MIN) {
        return err_set(err, ERR_INPUT, "DOCKER_API_VERSION is \"%s\", expected 1.%d to 1.%d",
                       options->api_version, (int)DOCKER_API_MIN, (int)DOCKER_API_MAX);
    }
    if (endpoint->tls) {
        struct tls_config config = {.verify = endpoint->verify,
                                    .ca_file = endpoint->ca,
                                    .cert_file = endpoint->cert,
                                    .key_file = endpoint->key};
        int rc = tls_new(&config, &tls, err);
        if (rc < 0) {
            return rc;
        }
    }
    struct docker *d = xcalloc(1, sizeof(*d));
    d->base.ops = &ops;
    d->loop = loop;
    d->tls = tls;
    d->forced_minor = forced;
    copy_endpoint(&d->endpoint, endpoint);
    snprintf(d->base.traits.endpoint, sizeof(d->base.traits.endpoint), "%s", endpoint->url);
    snprintf(d->base.traits.reason, sizeof(d->base.traits.reason), "%s", endpoint->reason);
    if (endpoint->kind == ENDPOINT_SSH) {
        d->ssh = ssh_new(loop, &d->endpoint, options->runtime_dir);
    }
    open_http(d);
    *ret = &d->base;
    return 0;
}
