/*
 * From method and path to the function that answers; query parameters and percent-encoding.
 * Follows the Docker Engine API reference 1.41. It must not know what the functions do.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "engine/fake/world.h"

/* The path is before + id + after; id is empty when after is NULL and may hold slashes only where
 * `deep`. First fit counts, so exact rows come before open ones. */
static const struct {
    const char *method, *before, *after;
    void (*fn)(struct fake_call *call);
    bool deep;
} routes[] = {
    {"GET", "/_ping", NULL, fake_ping},
    {"HEAD", "/_ping", NULL, fake_ping},
    {"GET", "/version", NULL, fake_version},
    {"GET", "/info", NULL, fake_info},
    {"GET", "/events", NULL, fake_events},
    {"POST", "/build", NULL, fake_image_build},

    {"GET", "/containers/json", NULL, fake_container_list},
    {"POST", "/containers/create", NULL, fake_container_create},
    {"GET", "/containers/", "/json", fake_container_inspect},
    {"GET", "/containers/", "/logs", fake_container_logs},
    {"GET", "/containers/", "/top", fake_container_top},
    {"GET", "/containers/", "/archive", fake_container_archive},
    {"HEAD", "/containers/", "/archive", fake_container_archive},
    {"PUT", "/containers/", "/archive", fake_container_archive},
    {"POST", "/containers/", "/start", fake_container_start},
    {"POST", "/containers/", "/stop", fake_container_stop},
    {"POST", "/containers/", "/restart", fake_container_restart},
    {"POST", "/containers/", "/kill", fake_container_kill},
    {"POST", "/containers/", "/pause", fake_container_pause},
    {"POST", "/containers/", "/unpause", fake_container_unpause},
    {"POST", "/containers/", "/rename", fake_container_rename},
    {"POST", "/containers/", "/update", fake_container_update},
    {"POST", "/containers/", "/wait", fake_container_wait},
    {"POST", "/containers/", "/attach", fake_container_attach},
    {"POST", "/containers/", "/resize", fake_container_resize},
    {"POST", "/containers/", "/exec", fake_exec_create},
    {"DELETE", "/containers/", "", fake_container_remove},
    {"POST", "/exec/", "/start", fake_exec_start},
    {"POST", "/exec/", "/resize", fake_exec_resize},
    {"GET", "/exec/", "/json", fake_exec_inspect},

    {"GET", "/networks", NULL, fake_network_list},
    {"POST", "/networks/create", NULL, fake_network_create},
    {"POST", "/networks/", "/connect", fake_network_connect},
    {"POST", "/networks/", "/disconnect", fake_network_disconnect},
    {"GET", "/networks/", "", fake_network_inspect},
    {"DELETE", "/networks/", "", fake_network_remove},

    {"GET", "/volumes", NULL, fake_volume_list},
    {"POST", "/volumes/create", NULL, fake_volume_create},
    {"GET", "/volumes/", "", fake_volume_inspect},
    {"DELETE", "/volumes/", "", fake_volume_remove},

    {"GET", "/images/json", NULL, fake_image_list},
    {"POST", "/images/create", NULL, fake_image_pull},
    {"GET", "/images/", "/json", fake_image_inspect, true},
    {"POST", "/images/", "/tag", fake_image_tag, true},
    {"DELETE", "/images/", "", fake_image_remove, true},
};

static bool fits(size_t row, const char *path, char **ret_id)
{
    const char *before = routes[row].before, *after = routes[row].after;
    size_t len = strlen(path), head = strlen(before);
    if (!after) {
        return str_eq(path, before);
    }
    size_t tail = strlen(after);
    if (!str_starts(path, before) || len <= head + tail || !str_eq(path + len - tail, after)) {
        return false;
    }
    if (!routes[row].deep && memchr(path + head, '/', len - head - tail)) {
        return false;
    }
    *ret_id = xstrndup(path + head, len - head - tail);
    return true;
}

void fake_route(struct fake_call *call)
{
    bool other_method = false;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        char *id = NULL;
        if (!fits(i, call->path, &id)) {
            continue;
        }
        if (str_eq(routes[i].method, call->method)) {
            call->id = id ? id : xstrdup("");
            routes[i].fn(call);
            return;
        }
        free(id);
        other_method = true;
    }
    fake_answer_error(call, other_method ? 405 : 404,
                      other_method ? "method not allowed" : "page not found");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *fake_decode(const char *s, size_t len)
{
    char *out = xmalloc(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '%' && i + 2 < len && hex_digit(s[i + 1]) >= 0 && hex_digit(s[i + 2]) >= 0) {
            out[n++] = (char)(hex_digit(s[i + 1]) * 16 + hex_digit(s[i + 2]));
            i += 2;
        } else {
            out[n++] = s[i];
        }
    }
    out[n] = '\0';
    return out;
}

char *fake_param(const struct fake_call *call, const char *name)
{
    size_t name_len = strlen(name);
    for (const char *p = call->query; *p;) {
        size_t len = strcspn(p, "&");
        if (len >= name_len && strncmp(p, name, name_len) == 0 &&
            (len == name_len || p[name_len] == '=')) {
            char *value = xstrndup(p + name_len + (len > name_len),
                                   len - name_len - (len > name_len));
            for (char *c = value; *c; c++) {
                *c = *c == '+' ? ' ' : *c; /* form encoding */
            }
            char *decoded = fake_decode(value, strlen(value));
            free(value);
            return decoded;
        }
        p += len + (p[len] == '&');
    }
    return NULL;
}

bool fake_param_true(const struct fake_call *call, const char *name)
{
    CLEANUP_FREE char *value = fake_param(call, name);
    return value && !str_eq(value, "") && !str_eq(value, "0") && !str_eq(value, "false");
}

int64_t fake_param_int(const struct fake_call *call, const char *name, int64_t otherwise)
{
    CLEANUP_FREE char *value = fake_param(call, name);
    int64_t n = otherwise;
    struct err err = {0};
    if (value && parse_int(value, INT64_MIN, INT64_MAX, &n, &err) < 0) {
        return otherwise;
    }
    return n;
}
