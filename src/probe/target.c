/*
 * URLs, libpq connection strings and host:port to probe specs. Everything is checked and decoded
 * here, so that the machines only see clean values. Pure; fuzzed by fuzz/probe_target.c.
 */
#include "probe/target.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/vec.h"

struct scheme {
    const char *name;
    enum probe_kind kind;
    bool tls;
    uint16_t port; /* 0 = the kind's */
};

static const struct scheme schemes[] = {
    {"amqp", PROBE_TCP, false, 5672},       {"amqps", PROBE_TCP, true, 5671},
    {"dns", PROBE_DNS, false, 0},           {"file", PROBE_FILE, false, 0},
    {"http", PROBE_HTTP, false, 80},        {"https", PROBE_HTTP, true, 443},
    {"kafka", PROBE_TCP, false, 9092},      {"mariadb", PROBE_MYSQL, false, 0},
    {"mongodb", PROBE_TCP, false, 27017},   {"mysql", PROBE_MYSQL, false, 0},
    {"postgres", PROBE_POSTGRES, false, 0}, {"postgresql", PROBE_POSTGRES, false, 0},
    {"redis", PROBE_REDIS, false, 0},       {"rediss", PROBE_REDIS, true, 0},
    {"tcp", PROBE_TCP, false, 0},           {"unix", PROBE_TCP, false, 0},
    {"valkey", PROBE_REDIS, false, 0},      {"valkeys", PROBE_REDIS, true, 0},
};

static const struct scheme *find_scheme(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (str_eq_nocase(schemes[i].name, name)) {
            return &schemes[i];
        }
    }
    return NULL;
}

/* --- small pieces --- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Percent decoding; a '+' is a plus, as in libpq. Control characters are refused. */
static int decode(const char *text, size_t len, struct arena *a, const char **ret, struct err *err)
{
    char *out = arena_strndup(a, text, len);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0) {
                return err_set(err, ERR_INPUT,
                               "a %% is not followed by two hex digits: write a "
                               "literal %% as %%25");
            }
            c = high * 16 + low;
            i += 2;
        }
        if (c < ' ' || c == 0x7f) {
            return err_set(err, ERR_INPUT, "control characters have no place in a target");
        }
        out[n++] = (char)c;
    }
    out[n] = '\0';
    *ret = out;
    return 0;
}

static int parse_flag(const char *name, const char *value, bool *ret, struct err *err)
{
    static const char *const yes[] = {"", "1", "yes", "true", "on"};
    static const char *const no[] = {"0", "no", "false", "off"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (str_eq_nocase(value, yes[i])) {
            *ret = true;
            return 0;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        if (str_eq_nocase(value, no[i])) {
            *ret = false;
            return 0;
        }
    }
    return err_set(err, ERR_INPUT, "%s: expected yes or no", name);
}

/* "200", "200-299", "2xx". */
static int parse_status(const char *value, struct status_range *ret, struct err *err)
{
    int64_t from = 0, to = 0;
    char text[16];
    if (strlen(value) == 3 && str_eq_nocase(value + 1, "xx") && value[0] >= '1' &&
        value[0] <= '5') {
        int hundreds = (value[0] - '0') * 100;
        *ret = (struct status_range){hundreds, hundreds + 99};
        return 0;
    }
    snprintf(text, sizeof(text), "%s", value);
    char *dash = strchr(text, '-');
    if (dash) {
        *dash = '\0';
    }
    if (strlen(value) >= sizeof(text) || parse_int(text, 100, 599, &from, NULL) < 0 ||
        parse_int(dash ? dash + 1 : text, from, 599, &to, NULL) < 0) {
        return err_set(err, ERR_INPUT,
                       "status: expected a number from 100 to 599, a range such as "
                       "200-299, or 2xx");
    }
    *ret = (struct status_range){(int)from, (int)to};
    return 0;
}

static const char *const *split_list(const char *value, struct arena *a, size_t *ret_count)
{
    CLEANUP_STRV struct strv parts = {0};
    str_split(value, ',', &parts);
    const char **list = arena_array(a, parts.len + 1, sizeof(*list));
    size_t n = 0;
    for (size_t i = 0; i < parts.len; i++) {
        if (*parts.items[i]) {
            list[n++] = arena_strdup(a, parts.items[i]);
        }
    }
    *ret_count = n;
    return list;
}

/* --- options: the same names in URLs and in connection strings --- */

struct parse {
    struct arena *a;
    struct probe_spec *spec;
    struct err *err;
};

typedef int option_fn(struct parse *p, const char *name, const char *value);

static int opt_timeout(struct parse *p, const char *name, const char *value)
{
    int64_t ns = 0, seconds = 0;
    if (parse_int(value, 1, 86400, &seconds, NULL) == 0) { /* libpq: a plain number is seconds */
        ns = seconds * NS_PER_SEC;
    } else if (parse_duration(value, &ns, NULL) < 0 || ns <= 0) {
        return err_set(p->err, ERR_INPUT, "%s: expected a duration such as 5s", name);
    }
    p->spec->timeout = ns;
    return 0;
}

static int opt_sslmode(struct parse *p, const char *name, const char *value)
{
    static const struct {
        const char *name;
        bool tls;
        enum probe_tls_check check;
    } modes[] = {
        {"disable", false, PROBE_TLS_ENCRYPT}, {"allow", false, PROBE_TLS_ENCRYPT},
        {"prefer", false, PROBE_TLS_ENCRYPT},  {"require", true, PROBE_TLS_ENCRYPT},
        {"verify-ca", true, PROBE_TLS_CHAIN},  {"verify-full", true, PROBE_TLS_FULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (strcmp(modes[i].name, value) == 0) {
            p->spec->tls = modes[i].tls;
            p->spec->tls_check = modes[i].check;
            return 0;
        }
    }
    return err_set(p->err, ERR_INPUT,
                   "%s: expected disable, allow, prefer, require, verify-ca or "
                   "verify-full",
                   name);
}

static int opt_verify(struct parse *p, const char *name, const char *value)
{
    bool on = false;
    int rc = parse_flag(name, value, &on, p->err);
    p->spec->tls_check = on ? PROBE_TLS_FULL : PROBE_TLS_ENCRYPT;
    return rc;
}

static int opt_tls(struct parse *p, const char *name, const char *value)
{
    return parse_flag(name, value, &p->spec->tls, p->err);
}

static int opt_ca(struct parse *p, const char *name, const char *value)
{
    (void)name;
    p->spec->tls_ca = value;
    return 0;
}

static int opt_host(struct parse *p, const char *name, const char *value)
{
    (void)name;
    p->spec->host = value;
    return 0;
}

static int opt_port(struct parse *p, const char *name, const char *value)
{
    return parse_port(value, &p->spec->port, NULL) < 0
               ? err_set(p->err, ERR_INPUT, "%s: expected 1 to 65535", name)
               : 0;
}

static int opt_user(struct parse *p, const char *name, const char *value)
{
    (void)name;
    p->spec->user = value;
    return 0;
}

static int opt_password(struct parse *p, const char *name, const char *value)
{
    (void)name;
    p->spec->password = value;
    return 0;
}

static int opt_database(struct parse *p, const char *name, const char *value)
{
    (void)name;
    p->spec->database = value;
    return 0;
}

static int opt_tables(struct parse *p, const char *name, const char *value)
{
    (void)name;
    p->spec->tables = split_list(value, p->a, &p->spec->table_count);
    return 0;
}

static int opt_query(struct parse *p, const char *name, const char *value)
{
    (void)name;
    p->spec->query = value;
    return 0;
}

static int opt_db(struct parse *p, const char *name, const char *value)
{
    int64_t n = 0;
    if (parse_int(value, 0, 65535, &n, NULL) < 0) {
        return err_set(p->err, ERR_INPUT, "%s: expected the number of a Redis database", name);
    }
    p->spec->redis_db = (int)n;
    return 0;
}

static int opt_write(struct parse *p, const char *name, const char *value)
{
    return parse_flag(name, value, &p->spec->redis_write, p->err);
}

static int opt_status(struct parse *p, const char *name, const char *value)
{
    (void)name;
    return parse_status(value, &p->spec->status, p->err);
}

static int opt_body(struct parse *p, const char *name, const char *value)
{
    (void)name;
    p->spec->body = value;
    return 0;
}

static int opt_header(struct parse *p, const char *name, const char *value)
{
    (void)name;
    p->spec->header = value;
    return 0;
}

static int opt_method(struct parse *p, const char *name, const char *value)
{
    for (const char *c = value; *c || c == value; c++) {
        if (*c < 'A' || *c > 'Z') {
            return err_set(p->err, ERR_INPUT, "%s: expected a word such as GET or HEAD", name);
        }
    }
    p->spec->method = value;
    return 0;
}

static int opt_vhost(struct parse *p, const char *name, const char *value)
{
    (void)name;
    p->spec->http_host = value;
    return 0;
}

enum {
    FOR_PG = 1 << PROBE_POSTGRES,
    FOR_REDIS = 1 << PROBE_REDIS,
    FOR_HTTP = 1 << PROBE_HTTP,
    FOR_TCP = 1 << PROBE_TCP,
    FOR_MYSQL = 1 << PROBE_MYSQL,
    FOR_ALL = FOR_PG | FOR_REDIS | FOR_HTTP | FOR_TCP | FOR_MYSQL | 1 << PROBE_DNS | 1 << PROBE_FILE
};

static const struct {
    const char *name;
    unsigned kinds;
    option_fn *fn;
} options[] = {
    {"body", FOR_HTTP | FOR_TCP, opt_body},
    {"ca", FOR_PG | FOR_REDIS | FOR_HTTP | FOR_TCP | FOR_MYSQL, opt_ca},
    {"connect_timeout", FOR_PG | FOR_MYSQL, opt_timeout},
    {"db", FOR_REDIS, opt_db},
    {"dbname", FOR_PG, opt_database},
    {"header", FOR_HTTP, opt_header},
    {"host", FOR_PG, opt_host},
    {"method", FOR_HTTP, opt_method},
    {"password", FOR_PG | FOR_REDIS, opt_password},
    {"port", FOR_PG, opt_port},
    {"query", FOR_PG, opt_query},
    {"sslmode", FOR_PG, opt_sslmode},
    {"sslrootcert", FOR_PG, opt_ca},
    {"status", FOR_HTTP, opt_status},
    {"tables", FOR_PG | FOR_MYSQL, opt_tables},
    {"timeout", FOR_ALL, opt_timeout},
    {"tls", FOR_MYSQL | FOR_TCP, opt_tls},
    {"user", FOR_PG, opt_user},
    {"verify", FOR_PG | FOR_REDIS | FOR_HTTP | FOR_TCP | FOR_MYSQL, opt_verify},
    {"vhost", FOR_HTTP, opt_vhost},
    {"write", FOR_REDIS, opt_write},
};

/* 1 = not one of ours. */
static int set_option(struct parse *p, const char *name, const char *value)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (strcmp(options[i].name, name) == 0 && (options[i].kinds >> p->spec->kind & 1U)) {
            return options[i].fn(p, name, value);
        }
    }
    return 1;
}

/* --- URLs --- */

/* The application's own parameters stay in an HTTP request; others mean nothing to a probe. */
static int parse_query(struct parse *p, const char *query, struct buf *rest)
{
    CLEANUP_STRV struct strv parts = {0};
    str_split(query, '&', &parts);
    for (size_t i = 0; i < parts.len; i++) {
        const char *part = parts.items[i], *name = NULL, *value = NULL;
        const char *equals = strchr(part, '=');
        size_t n = equals ? (size_t)(equals - part) : strlen(part);
        if (!*part) {
            continue;
        }
        int rc = decode(part, n, p->a, &name, p->err);
        if (rc == 0) {
            rc = decode(equals ? equals + 1 : "", equals ? strlen(equals + 1) : 0, p->a, &value,
                        p->err);
        }
        if (rc == 0) {
            rc = set_option(p, name, value);
        }
        if (rc < 0) {
            return rc;
        }
        if (rc > 0) {
            buf_char(rest, rest->len ? '&' : '?');
            buf_str(rest, part);
        }
    }
    return 0;
}

/* "host", "host:port", "[::1]:port", percent-encoded socket directory. */
static int parse_authority(struct parse *p, const char *text, size_t len)
{
    const char *end = text + len, *colon = NULL, *host_end;
    const char *start = text;
    if (len > 0 && *text == '[') {
        host_end = memchr(text, ']', len);
        if (!host_end) {
            return err_set(p->err, ERR_INPUT, "the bracket of an IPv6 address is not closed");
        }
        start = text + 1;
        colon = host_end + 1 < end ? host_end + 1 : NULL;
        if (colon && *colon != ':') {
            return err_set(p->err, ERR_INPUT, "after the IPv6 address, expected :port");
        }
    } else {
        colon = memrchr(text, ':', len);
        host_end = colon ? colon : end;
    }
    if (memchr(start, ',', (size_t)(end - start))) {
        return err_set(p->err, ERR_INPUT, "several hosts in one target: give one target for each");
    }
    const char *host = NULL;
    int rc = decode(start, (size_t)(host_end - start), p->a, &host, p->err);
    if (rc < 0) {
        return rc;
    }
    if (*host) {
        p->spec->host = host;
    }
    if (colon && colon + 1 < end) {
        const char *port = arena_strndup(p->a, colon + 1, (size_t)(end - colon - 1));
        if (parse_port(port, &p->spec->port, NULL) < 0) {
            return err_set(p->err, ERR_INPUT, "the port must be a number from 1 to 65535");
        }
    }
    return 0;
}

static int parse_userinfo(struct parse *p, const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len);
    size_t n = colon ? (size_t)(colon - text) : len;
    const char *user = NULL;
    int rc = decode(text, n, p->a, &user, p->err);
    if (rc == 0 && *user) {
        p->spec->user = user;
    }
    if (rc == 0 && colon) {
        rc = decode(colon + 1, len - n - 1, p->a, &p->spec->password, p->err);
    }
    return rc;
}

/* What follows the authority: the database, its number, the request target, a path. */
static int set_path(struct parse *p, const char *path, size_t len, const struct buf *rest)
{
    const char *text = NULL;
    if (p->spec->kind == PROBE_HTTP) {
        const char *raw = arena_strndup(p->a, path, len);
        p->spec->path = arena_printf(p->a, "%s%s", *raw ? raw : "/", buf_text(rest));
        return 0;
    }
    int rc = decode(path, len, p->a, &text, p->err);
    if (rc < 0 || len <= 1) {
        return rc;
    }
    switch (p->spec->kind) {
    case PROBE_POSTGRES:
    case PROBE_MYSQL:
        p->spec->database = text + 1;
        return 0;
    case PROBE_REDIS:
        return opt_db(p, "the path", text + 1);
    case PROBE_FILE:
        p->spec->path = text;
        return 0;
    default:
        return 0;
    }
}

static bool is_request_target(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c <= ' ' || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

static int parse_url(struct parse *p, const struct scheme *scheme, const char *rest)
{
    CLEANUP_BUF struct buf extra = BUF_INIT;
    p->spec->kind = scheme->kind;
    p->spec->tls = scheme->tls;
    p->spec->port = scheme->port;
    p->spec->redis_write = scheme->kind == PROBE_REDIS;
    size_t len = strcspn(rest, "#");
    const char *question = memchr(rest, '?', len);
    size_t path_end = question ? (size_t)(question - rest) : len;
    if (question) {
        const char *query = arena_strndup(p->a, question + 1, len - path_end - 1);
        int rc = parse_query(p, query, &extra);
        if (rc < 0) {
            return rc;
        }
    }
    if (strcmp(scheme->name, "unix") == 0) { /* no authority: all of it is the path */
        int rc = decode(rest, path_end, p->a, &p->spec->host, p->err);
        return rc == 0 && *p->spec->host != '/'
                   ? err_set(p->err, ERR_INPUT, "expected unix:///path/of/the/socket")
                   : rc;
    }
    const char *slash = memchr(rest, '/', path_end);
    size_t authority = slash ? (size_t)(slash - rest) : path_end;
    const char *at = memrchr(rest, '@', authority);
    int rc = at ? parse_userinfo(p, rest, (size_t)(at - rest)) : 0;
    if (rc == 0) {
        size_t skip = at ? (size_t)(at - rest) + 1 : 0;
        rc = parse_authority(p, rest + skip, authority - skip);
    }
    if (rc == 0) {
        rc = set_path(p, rest + authority, path_end - authority, &extra);
    }
    if (rc == 0 && p->spec->kind == PROBE_HTTP && !is_request_target(p->spec->path)) {
        rc = err_set(p->err, ERR_INPUT, "a URL's path has no blanks: write %%20");
    }
    return rc;
}

/* --- other forms --- */

/* libpq: "host=db dbname=shop password='it''s'", backslash escapes. */
static int parse_conninfo(struct parse *p, const char *text)
{
    const char *c = text;
    p->spec->kind = PROBE_POSTGRES;
    while (*c) {
        CLEANUP_BUF struct buf name = BUF_INIT, value = BUF_INIT;
        c += strspn(c, " \t");
        size_t n = strcspn(c, "= \t");
        buf_append(&name, c, n);
        c += n + strspn(c + n, " \t");
        if (*c != '=') {
            return *c || name.len ? err_set(p->err, ERR_INPUT, "expected keyword=value") : 0;
        }
        c += 1 + strspn(c + 1, " \t");
        bool quoted = *c == '\'';
        c += quoted;
        for (; *c && (quoted ? *c != '\'' : *c != ' ' && *c != '\t'); c++) {
            if (*c == '\\' && c[1]) {
                c++;
            }
            buf_char(&value, *c);
        }
        if (quoted && *c != '\'') {
            return err_set(p->err, ERR_INPUT, "a quote in the connection string is not closed");
        }
        c += quoted;
        if (set_option(p, buf_text(&name), arena_strdup(p->a, buf_text(&value))) < 0) {
            return -ERR_INPUT;
        }
    }
    return 0;
}

static int parse_exec(struct parse *p, const char *text)
{
    CLEANUP_STRV struct strv words = {0};
    str_split(text, ' ', &words);
    const char **argv = arena_array(p->a, words.len + 1, sizeof(*argv));
    size_t n = 0;
    for (size_t i = 0; i < words.len; i++) {
        if (*words.items[i]) {
            argv[n++] = arena_strdup(p->a, words.items[i]);
        }
    }
    p->spec->kind = PROBE_EXEC;
    p->spec->argv = argv;
    return n > 0 ? 0 : err_set(p->err, ERR_INPUT, "exec: needs a command");
}

static bool is_conninfo(const char *text)
{
    static const char *const keys[] = {"host", "hostaddr", "port", "dbname", "user", "password"};
    size_t n = strcspn(text, "=");
    for (size_t i = 0; i < ARRAY_LEN(keys) && text[n] == '='; i++) {
        if (strlen(keys[i]) == n && memcmp(keys[i], text, n) == 0) {
            return true;
        }
    }
    return false;
}

static int parse_any(struct parse *p, const char *text)
{
    char name[24] = "";
    if (str_starts(text, "exec:")) {
        return parse_exec(p, text + 5);
    }
    if (str_starts(text, "jdbc:")) {
        text += 5;
    }
    const char *mark = strstr(text, "://");
    if (!mark && is_conninfo(text)) {
        return parse_conninfo(p, text);
    }
    if (!mark) {
        p->spec->kind = PROBE_TCP;
        return parse_authority(p, text, strlen(text));
    }
    /* "postgresql+asyncpg": the driver is of no interest. */
    size_t n = (size_t)(mark - text);
    const char *plus = memchr(text, '+', n);
    n = plus ? (size_t)(plus - text) : n;
    if (n < sizeof(name)) {
        memcpy(name, text, n);
    }
    const struct scheme *scheme = find_scheme(name);
    if (!scheme) {
        err_set(p->err, ERR_INPUT, "unknown kind of target");
        err_hint(p->err, "postgres://, redis://, rediss://, http://, https://, tcp://, unix://, "
                         "dns://, file://, mysql://, amqp://, mongodb://, kafka:// or exec:");
        return -ERR_INPUT;
    }
    return parse_url(p, scheme, mark + 3);
}

static int check_complete(const struct probe_spec *spec, struct err *err)
{
    bool socket = spec->host && *spec->host == '/';
    switch (spec->kind) {
    case PROBE_TCP:
        return !spec->host              ? err_set(err, ERR_INPUT, "the host is missing")
               : !spec->port && !socket ? err_set(err, ERR_INPUT, "the port is missing")
                                        : 0;
    case PROBE_DNS:
    case PROBE_HTTP:
        return spec->host ? 0 : err_set(err, ERR_INPUT, "the host is missing");
    case PROBE_FILE:
        return spec->path ? 0 : err_set(err, ERR_INPUT, "expected file:///path");
    default:
        return 0;
    }
}

int probe_target_parse(const char *text, struct arena *a, struct probe_spec *ret, struct err *err)
{
    struct probe_spec spec = {.origin = PROBE_DECLARED};
    struct err inner = {0};
    struct parse p = {a, &spec, err ? err : &inner};
    if (strlen(text) > PROBE_TARGET_MAX) {
        return err_set(err, ERR_INPUT, "a target has at most %d characters", PROBE_TARGET_MAX);
    }
    int rc = parse_any(&p, text);
    if (rc == 0) {
        rc = check_complete(&spec, p.err);
    }
    if (rc == 0) {
        *ret = spec;
    }
    return rc;
}

const char *probe_target_text(const struct probe_spec *spec, char *buf, size_t size)
{
    const char *host = spec->host ? spec->host : "localhost";
    bool socket = *host == '/', v6 = !socket && strchr(host, ':');
    char port[8] = "";
    uint16_t number = spec->port ? spec->port : probe_kind_port(spec->kind);
    if (spec->kind == PROBE_FILE) {
        snprintf(buf, size, "file://%s", spec->path ? spec->path : "");
        return buf;
    }
    if (spec->kind == PROBE_EXEC) {
        snprintf(buf, size, "exec:%s", spec->argv && spec->argv[0] ? spec->argv[0] : "");
        return buf;
    }
    if (number && !socket) {
        snprintf(port, sizeof(port), ":%u", number);
    }
    const char *path = spec->database ? spec->database : spec->path ? spec->path : "";
    snprintf(buf, size, "%s%s://%s%s%s%s%s%s%s%.*s",
             socket && spec->kind == PROBE_TCP ? "unix" : probe_kind_name(spec->kind),
             spec->tls && (spec->kind == PROBE_HTTP || spec->kind == PROBE_REDIS) ? "s" : "",
             spec->user ? spec->user : "", spec->user ? "@" : "", v6 ? "[" : "", host,
             v6 ? "]" : "", port, *path && *path != '/' ? "/" : "", (int)strcspn(path, "?"), path);
    return buf;
}

const char *probe_target_scheme(size_t i)
{
    return i < ARRAY_LEN(schemes) ? schemes[i].name : NULL;
}

const char *probe_target_option(size_t i)
{
    return i < ARRAY_LEN(options) ? options[i].name : NULL;
}
