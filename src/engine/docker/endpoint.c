/*
 * Endpoint texts to their parts. Pure; choosing one is choose.c.
 */
#include "engine/docker/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

enum { PORT_PLAIN = 2375, PORT_TLS = 2376 };

void endpoint_release(struct endpoint *e)
{
    free(e->url);
    free(e->path);
    free(e->host);
    free(e->user);
    free(e->ca);
    free(e->cert);
    free(e->key);
    *e = (struct endpoint){0};
}

static int bad(const char *url, const char *what, struct err *err)
{
    err_set(err, ERR_INPUT, "engine endpoint \"%s\": %s", url, what);
    err_hint(err, "write unix:///path/to/socket, tcp://host:port or ssh://user@host");
    return -ERR_INPUT;
}

/* Cuts "host[:port][/]"; an IPv6 address stands in brackets. */
static int parse_authority(const char *url, const char *text, uint16_t port, struct endpoint *ret,
                           struct err *err)
{
    CLEANUP_FREE char *part = xstrndup(text, strcspn(text, "/"));
    const char *rest = text + strlen(part);
    char *colon = strrchr(part, ':');
    char *bracket = strrchr(part, ']');

    if (rest[0] != '\0' && rest[1] != '\0') {
        return bad(url, "a path after the host is not supported", err);
    }
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        if (parse_port(colon + 1, &port, NULL) != 0) {
            return bad(url, "the port is not a number from 1 to 65535", err);
        }
        *colon = '\0';
    }
    size_t len = strlen(part);
    const char *host = part;
    if (len > 2 && part[0] == '[' && part[len - 1] == ']') {
        part[len - 1] = '\0';
        host = part + 1;
    }
    if (host[0] == '\0') {
        return bad(url, "the host is missing", err);
    }
    /* It ends up as an argument of ssh: it must not look like an option. */
    if (host[0] == '-' || strpbrk(host, " \t\r\n") != NULL) {
        return bad(url, "not a host name", err);
    }
    ret->host = xstrdup(host);
    ret->port = port;
    return 0;
}

static int parse_ssh(const char *url, const char *text, struct endpoint *ret, struct err *err)
{
    const char *at = strchr(text, '@');

    ret->kind = ENDPOINT_SSH;
    if (at != NULL) {
        if (memchr(text, ':', (size_t)(at - text)) != NULL) {
            return bad(url, "a password does not belong here; ssh asks for it or uses a key", err);
        }
        if (at == text || text[0] == '-') {
            return bad(url, "not a user name", err);
        }
        ret->user = xstrndup(text, (size_t)(at - text));
        text = at + 1;
    }
    return parse_authority(url, text, 0, ret, err);
}

static int parse_into(const char *url, struct endpoint *ret, struct err *err)
{
    ret->url = xstrdup(url);
    if (str_starts(url, "unix://") || url[0] == '/') {
        const char *path = url[0] == '/' ? url : url + strlen("unix://");
        if (path[0] != '/' && path[0] != '@') {
            return bad(url, "the path of the socket must be absolute", err);
        }
        ret->kind = ENDPOINT_UNIX;
        ret->path = xstrdup(path);
        if (url[0] == '/') {
            free(ret->url);
            ret->url = xasprintf("unix://%s", path);
        }
        return 0;
    }
    if (str_starts(url, "ssh://")) {
        return parse_ssh(url, url + strlen("ssh://"), ret, err);
    }
    ret->kind = ENDPOINT_TCP;
    if (str_starts(url, "https://")) {
        ret->tls = true;
        return parse_authority(url, url + strlen("https://"), PORT_TLS, ret, err);
    }
    if (str_starts(url, "http://")) {
        return parse_authority(url, url + strlen("http://"), PORT_PLAIN, ret, err);
    }
    if (str_starts(url, "tcp://")) {
        return parse_authority(url, url + strlen("tcp://"), PORT_PLAIN, ret, err);
    }
    if (str_starts(url, "npipe://") || str_starts(url, "fd://")) {
        return bad(url, "this kind of endpoint does not exist here", err);
    }
    return bad(url, "unknown kind of endpoint", err);
}

int endpoint_parse(const char *url, struct endpoint *ret, struct err *err)
{
    struct endpoint e = {0};
    int rc = parse_into(url, &e, err);

    if (rc < 0) {
        endpoint_release(&e);
        return rc;
    }
    *ret = e;
    return 0;
}
