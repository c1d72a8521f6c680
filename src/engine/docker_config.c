/*
 * Reads docker's configuration file. Credential helpers are named, not asked.
 */
#include "engine/docker_config.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"

enum { CONFIG_MAX = 1 << 20 };

/* Docker Hub's entry has this name for historical reasons. */
static const char hub_key[] = "https://index.docker.io/v1/";

struct docker_config {
    json_t *root;
};

int docker_config_load(const char *path, struct docker_config **ret, struct err *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    json_error_t where;
    json_t *root = NULL;
    int rc = 0;
    *ret = NULL;
    if (!path_is_file(path)) {
        return 0;
    }
    rc = path_read_file(path, CONFIG_MAX, &text, err);
    if (rc) {
        return rc;
    }
    root = json_loadb(buf_text(&text), text.len, 0, &where);
    mem_wipe(text.data, text.len);
    if (!json_is_object(root)) {
        json_decref(root);
        err_set(err, ERR_INPUT, "%s", root ? "expected a JSON object" : where.text);
        err_at(err, path, root ? 1 : where.line, root ? 1 : where.column);
        err_hint(err, "correct it, or move it away: docker login writes a new one");
        return -ERR_INPUT;
    }
    *ret = xcalloc(1, sizeof(**ret));
    (*ret)->root = root;
    return 0;
}

void docker_config_free(struct docker_config *c)
{
    const char *key = NULL;
    json_t *entry = NULL;
    if (!c) {
        return;
    }
    json_object_foreach(json_object_get(c->root, "auths"), key, entry)
    {
        json_t *auth = json_object_get(entry, "auth");
        if (json_is_string(auth)) {
            mem_wipe((char *)(uintptr_t)json_string_value(auth), json_string_length(auth));
        }
    }
    json_decref(c->root);
    free(c);
}

/* --- registries --- */

char *docker_registry_of(const char *image)
{
    size_t n = strcspn(image, "/");
    CLEANUP_FREE char *first = xstrndup(image, n);
    bool names_one = image[n] && (strpbrk(first, ".:") || strcmp(first, "localhost") == 0);
    bool hub = !names_one || str_eq(first, "index.docker.io");
    return xstrdup(hub ? "docker.io" : first);
}

/* "https://host/v1/" and the like as the host alone. */
static bool same_host(const char *key, const char *host)
{
    const char *start = strstr(key, "://");
    size_t n = 0;
    start = start ? start + 3 : key;
    n = strcspn(start, "/");
    return n == strlen(host) && strncmp(start, host, n) == 0;
}

static const json_t *entry_of(const struct docker_config *c, const char *host, const char **ret_key)
{
    json_t *auths = json_object_get(c->root, "auths"), *entry = NULL;
    const char *key = NULL;
    if (strcmp(host, "docker.io") == 0) {
        *ret_key = hub_key;
        return json_object_get(auths, hub_key);
    }
    json_object_foreach(auths, key, entry)
    {
        if (same_host(key, host)) {
            *ret_key = key;
            return entry;
        }
    }
    return NULL;
}

static char *base64(const char *text, size_t len, bool for_url)
{
    char *out = xcalloc(1, 4 * ((len + 2) / 3) + 1);
    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)len);
    for (char *s = out; for_url && *s; s++) {
        *s = (char)(*s == '+' ? '-' : *s == '/' ? '_' : *s);
    }
    return out;
}

/* "user:password" out of the entry's auth; false when there is none. */
static bool decode_auth(const json_t *entry, char **user, char **password)
{
    const char *auth = json_string_value(json_object_get(entry, "auth"));
    size_t len = auth ? strlen(auth) : 0;
    CLEANUP_FREE char *plain = NULL;
    char *colon = NULL;
    int n = 0;
    if (!len || len % 4 || len > CONFIG_MAX) {
        return false;
    }
    plain = xcalloc(1, len + 1);
    n = EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)auth, (int)len);
    colon = n > 0 ? strchr(plain, ':') : NULL;
    if (colon) {
        *user = xstrndup(plain, (size_t)(colon - plain));
        *password = xstrdup(colon + 1);
    }
    mem_wipe(plain, len);
    return colon != NULL;
}

/* AuthConfig of the API; NULL when the entry says nothing. */
static json_t *auth_config(const json_t *entry, const char *key)
{
    const char *token = json_string_value(json_object_get(entry, "identitytoken"));
    char *user = NULL, *password = NULL;
    json_t *config = NULL;
    if (!str_empty(token)) {
        return json_pack("{s:s, s:s}", "identitytoken", token, "serveraddress", key);
    }
    if (decode_auth(entry, &user, &password)) {
        config = json_pack("{s:s, s:s, s:s}", "username", user, "password", password,
                           "serveraddress", key);
        mem_wipe(password, strlen(password));
    }
    free(user);
    free(password);
    return config;
}

static char *encoded(json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    char *out = text ? base64(text, strlen(text), true /* for_url */) : NULL;
    if (text) {
        mem_wipe(text, strlen(text));
    }
    free(text);
    json_decref(value);
    return out;
}

char *docker_config_auth(const struct docker_config *c, const char *image)
{
    CLEANUP_FREE char *host = docker_registry_of(image);
    const char *key = NULL;
    const json_t *entry = c ? entry_of(c, host, &key) : NULL;
    return entry ? encoded(auth_config(entry, key)) : NULL;
}

char *docker_config_auths(const struct docker_config *c)
{
    json_t *all = json_object(), *entry = NULL;
    const char *key = NULL;
    json_object_foreach(c ? json_object_get(c->root, "auths") : NULL, key, entry)
    {
        json_t *config = auth_config(entry, key);
        if (config) {
            json_object_set_new(all, key, config);
        }
    }
    if (!json_object_size(all)) {
        json_decref(all);
        return NULL;
    }
    return encoded(all);
}

const char *docker_config_helper(const struct docker_config *c, const char *image)
{
    CLEANUP_FREE char *host = docker_registry_of(image);
    const char *own = NULL;
    if (!c) {
        return NULL;
    }
    own = json_string_value(json_object_get(json_object_get(c->root, "credHelpers"), host));
    return own ? own : json_string_value(json_object_get(c->root, "credsStore"));
}

/* --- proxies --- */

struct key_values docker_config_proxies(const struct docker_config *c, struct arena *arena,
                                        const char *engine)
{
    static const struct {
        const char *key, *upper, *lower;
    } rows[] = {{"allProxy", "ALL_PROXY", "all_proxy"},
                {"ftpProxy", "FTP_PROXY", "ftp_proxy"},
                {"httpProxy", "HTTP_PROXY", "http_proxy"},
                {"httpsProxy", "HTTPS_PROXY", "https_proxy"},
                {"noProxy", "NO_PROXY", "no_proxy"}};
    struct key_values out = {0};
    const json_t *all = c ? json_object_get(c->root, "proxies") : NULL;
    const json_t *own = json_object_get(all, engine);
    own = own ? own : json_object_get(all, "default");
    out.items = arena_array(arena, 2 * ARRAY_LEN(rows), sizeof(*out.items));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *value = json_string_value(json_object_get(own, rows[i].key));
        if (!str_empty(value)) {
            value = arena_strdup(arena, value);
            out.items[out.count++] = (struct key_value){rows[i].upper, value};
            out.items[out.count++] = (struct key_value){rows[i].lower, value};
        }
    }
    out.set = out.count > 0;
    return out;
}
