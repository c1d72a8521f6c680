/*
 * Which engine: the order of choice of DESIGN.md, and endpoint texts to their parts. Reads the
 * docker context files and looks which sockets answer; the environment is passed in.
 */
#ifndef ENGINE_DOCKER_ENDPOINT_H
#define ENGINE_DOCKER_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/tls.h"

/* What the user and the environment say; NULL or "" = not set. Borrowed. */
struct endpoint_options {
    const char *engine;      /* --engine, FETTLE_ENGINE: docker, podman, fettle, or an endpoint */
    const char *context;     /* --context: beats DOCKER_HOST, as with docker */
    const char *host;        /* DOCKER_HOST */
    const char *env_context; /* DOCKER_CONTEXT */
    const char *config_dir;  /* DOCKER_CONFIG; unset = home/.docker */
    const char *cert_path;   /* DOCKER_CERT_PATH; unset = config_dir */
    const char *tls;         /* DOCKER_TLS */
    const char *tls_verify;  /* DOCKER_TLS_VERIFY */
    const char *home;        /* HOME */
    const char *runtime_dir; /* XDG_RUNTIME_DIR */
    const char *root;        /* put before /run and /var/run; for tests */
};

enum endpoint_kind { ENDPOINT_UNIX, ENDPOINT_TCP, ENDPOINT_SSH, ENDPOINT_KIND_COUNT };

struct endpoint {
    enum endpoint_kind kind;
    char *url;     /* as given or composed: "unix:///var/run/docker.sock" */
    char *path;    /* unix */
    char *host;    /* tcp, ssh */
    char *user;    /* ssh; NULL = ssh's own default */
    uint16_t port; /* tcp; ssh: 0 = ssh's own default */
    bool tls;
    enum tls_verify verify;
    char *ca, *cert, *key; /* PEM files; NULL = none */
    char reason[256];      /* why this one, for people */
};

/* "unix:///path", "tcp://host:port", "http://", "https://", "ssh://user@host:port". */
int endpoint_parse(const char *url, struct endpoint *ret, struct err *err) MUST_CHECK;
/*
 * The first of: engine, context, DOCKER_HOST, DOCKER_CONTEXT, the current context, a Docker
 * socket that answers, Podman's, the embedded engine's. ERR_ENGINE with what was tried and what
 * to do when there is none.
 */
int endpoint_choose(const struct endpoint_options *o, struct endpoint *ret,
                    struct err *err) MUST_CHECK;
void endpoint_release(struct endpoint *e);

#endif
