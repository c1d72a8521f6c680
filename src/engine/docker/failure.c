/*
 * Errors of the engine and on the way to it, turned into one cause and one thing to do.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/str.h"
#include "engine/docker/ssh.h"
#include "engine/docker/types.h"

enum { TEXT_MAX = 600 };

static void hint_unix(const struct docker *d, int sys, struct err *err)
{
    switch (sys) {
    case ENOENT:
        err_hint(err, "there is no such socket: start the engine (systemctl start docker), or "
                      "set DOCKER_HOST to where it listens");
        break;
    case ECONNREFUSED:
        err_hint(err, "the socket is there but nothing listens: start the engine again "
                      "(systemctl restart docker)");
        break;
    case EACCES:
    case EPERM:
        err_hint(err, "you may not use this socket: run as root, or add yourself to the group "
                      "that owns it (usermod -aG docker USER) and log in again");
        break;
    case ENOTSOCK:
        err_hint(err, "%s is not a socket: check DOCKER_HOST", d->endpoint.path);
        break;
    default:
        break;
    }
}

static void hint_tcp(const struct docker *d, enum stream_layer layer, int sys, struct err *err)
{
    if (layer == STREAM_LAYER_DNS) {
        err_hint(err, "check the host name in %s", d->endpoint.url);
    } else if (layer == STREAM_LAYER_TLS) {
        err_hint(err, "check DOCKER_CERT_PATH (ca.pem, cert.pem, key.pem) and whether this port "
                      "of the engine speaks TLS");
    } else if (sys == ECONNREFUSED) {
        err_hint(err, "nothing listens there: does the engine listen on tcp at this port?");
    } else if (layer == STREAM_LAYER_CONNECT) {
        err_hint(err, "check the address, the route and firewalls in between");
    }
}

void docker_explain(const struct docker *d, const struct err *cause, enum stream_layer layer,
                    struct err *ret)
{
    bool unreached = layer != STREAM_LAYER_OPEN || d->base.traits.api_minor == 0;
    enum err_code code = cause->code;

    if (code == ERR_CANCELLED || code == ERR_TOO_BIG || code == ERR_BUG) {
        *ret = *cause;
        return;
    }
    if (code == ERR_TIMEOUT && layer == STREAM_LAYER_OPEN) {
        err_set(ret, ERR_TIMEOUT, "the engine at %s: %s", d->endpoint.url, cause->message);
        err_hint(ret, "it accepts connections but does not answer: look at its log "
                      "(journalctl -u docker)");
        return;
    }
    err_set(ret, code == ERR_PROTOCOL && !unreached ? ERR_PROTOCOL : ERR_ENGINE, "%s %s: %s",
            unreached ? "cannot reach the engine at" : "lost the engine at", d->endpoint.url,
            cause->message);
    ret->sys = cause->sys;
    if (d->endpoint.kind == ENDPOINT_UNIX) {
        hint_unix(d, cause->sys, ret);
    } else if (d->endpoint.kind == ENDPOINT_TCP) {
        hint_tcp(d, layer, cause->sys, ret);
    } else {
        const char *said = ssh_complaint(d->ssh);
        if (said[0] != '\0') {
            err_set(ret, ret->code, "cannot reach the engine at %s: %s", d->endpoint.url, said);
        }
        err_hint(ret, "try: ssh %s%s%s docker version", d->endpoint.user ? d->endpoint.user : "",
                 d->endpoint.user ? "@" : "", d->endpoint.host);
    }
}

/* Podman answers 500 where Docker answers 409. */
static bool is_conflict(const char *message)
{
    static const char *const signs[] = {"already in use", "already exists", "is being used",
                                        "is in use", "has dependent containers"};
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        if (strstr(message, signs[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static enum err_code code_of(const struct engine_traits *traits, int status, const char *message)
{
    switch (status) {
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_CONFLICT;
    case 408:
    case 504:
        return ERR_TIMEOUT;
    case 501:
        return ERR_UNSUPPORTED;
    default:
        return status == 500 && traits->conflict_is_500 && is_conflict(message) ? ERR_CONFLICT
                                                                                : ERR_REFUSED;
    }
}

/* {"message": ...}, Podman adds "cause" and "response"; or plain text. Bounded, one line. */
static void message_of(const char *body, size_t len, char *out, size_t size)
{
    json_t *root = json_loadb(body, len, 0, NULL);
    const char *text = json_string_value(json_object_get(root, "message"));
    size_t n = 0;

    if (text == NULL) {
        text = root == NULL ? body : "";
    }
    while (n + 1 < size && text[n] != '\0') {
        unsigned char c = (unsigned char)text[n];
        out[n] = c < ' ' || c == 0x7f ? ' ' : (char)c;
        n++;
    }
    while (n > 0 && out[n - 1] == ' ') {
        n--;
    }
    out[n] = '\0';
    json_decref(root);
}

void docker_refusal(const struct engine_traits *traits, int status, const char *body, size_t len,
                    struct err *ret)
{
    char text[TEXT_MAX];

    message_of(body, len, text, sizeof(text));
    err_set(ret, code_of(traits, status, text), "%s",
            text[0] == '\0' ? "the engine gave no reason" : text);
    ret->status = status;
    if (text[0] == '\0') {
        err_set(ret, ret->code, "the engine answered with HTTP status %d and no reason", status);
        ret->status = status;
    }
    if (strstr(text, "HTTP request to an HTTPS server") != NULL) {
        err_hint(ret, "this port speaks TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH");
    }
}
