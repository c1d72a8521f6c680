/*
 * What to prove about a service over the network or by a command: declared under x-fettle.ready,
 * inferred from image, ports and environment, or given to `await` and `probe` as a URL.
 */
#ifndef MODEL_PROBE_SPEC_H
#define MODEL_PROBE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* kind, name in x-fettle.ready, URL scheme, default port */
#define PROBE_KIND_LIST(X)                    \
    X(TCP, "tcp", "tcp", 0)                   \
    X(HTTP, "http", "http", 80)               \
    X(POSTGRES, "postgres", "postgres", 5432) \
    X(REDIS, "redis", "redis", 6379)          \
    X(EXEC, "exec", "exec", 0)                \
    X(MYSQL, "mysql", "mysql", 3306)          \
    X(DNS, "dns", "dns", 53)                  \
    X(FILE, "file", "file", 0)                \
    X(LOG, "log", "log", 0)

enum probe_kind {
#define PROBE_KIND_ENUM(id, name, scheme, port) PROBE_##id,
    PROBE_KIND_LIST(PROBE_KIND_ENUM)
#undef PROBE_KIND_ENUM
        PROBE_KIND_COUNT
};

enum probe_origin {
    PROBE_DECLARED,   /* x-fettle.ready or the command line */
    PROBE_INFERRED,   /* from image, ports, environment */
    PROBE_HEALTHCHECK /* the service's own healthcheck.test, run by exec */
};

/* Inclusive range of HTTP status codes. */
struct status_range {
    int from, to;
};

/* How much of the server's certificate is checked. Stacks sign their own, so nothing by default. */
enum probe_tls_check { PROBE_TLS_ENCRYPT, PROBE_TLS_CHAIN, PROBE_TLS_FULL /* and the name */ };

/*
 * Strings live as long as whoever made the spec (the project's arena, or the command line).
 * Unused fields are zero. Secrets (password) are never printed.
 */
struct probe_spec {
    enum probe_kind kind;
    enum probe_origin origin;
    bool lenient;     /* a guessed login: when it is refused, the server still counts as ready */
    const char *host; /* NULL = the container's own address */
    uint16_t port;    /* 0 = the kind's default */
    bool tls;
    enum probe_tls_check tls_check;
    const char *tls_ca; /* PEM file to check against; NULL = the system's */
    const char *user, *password, *database;
    const char *const *tables; /* PostgreSQL, MySQL: must exist */
    size_t table_count;
    const char *query;          /* PostgreSQL: must succeed; default SELECT 1 */
    int redis_db;               /* Redis: SELECT n */
    bool redis_write;           /* Redis: write, read and delete a canary key */
    const char *path;           /* HTTP: request target; FILE: path; LOG: pattern */
    const char *method;         /* HTTP: default GET */
    const char *http_host;      /* HTTP: Host header when it differs */
    const char *body;           /* HTTP: text that the body must contain */
    const char *header;         /* HTTP: "Name: text" that the answer must have */
    struct status_range status; /* HTTP: zero = 200..399 */
    const char *const *argv;    /* EXEC: as in healthcheck.test without CMD; NULL-terminated */
    int64_t timeout;            /* ns for one attempt; 0 = default */
    struct pos at;
};

const char *probe_kind_name(enum probe_kind kind);
/* PROBE_KIND_COUNT when unknown. */
enum probe_kind probe_kind_from_name(const char *name);
uint16_t probe_kind_port(enum probe_kind kind);

#endif
