/*
 * Puts together the probes of a service: the declared ones, completed from what can be inferred,
 * and the inferred ones of other kinds. Knows services and images as data only. Pure but for the
 * secret files, which the caller reads.
 */
#include "probe/infer.h"

#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "probe/infer_types.h"

/* --- what the rules ask about a service --- */

static const char *image_env(const struct subject *s, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < s->image->env_count; i++) {
        const char *entry = s->image->env[i];
        if (strncmp(entry, name, n) == 0 && entry[n] == '=') {
            return entry + n + 1;
        }
    }
    return NULL;
}

bool subject_image_env(const struct subject *s, const char *name)
{
    return image_env(s, name) != NULL;
}

const char *subject_env(const struct subject *s, const char *name)
{
    bool present = false;
    const char *value = key_values_get(&s->service->environment, name, &present);
    return present ? value : image_env(s, name);
}

/* The host path of what the container sees at `path`: a secret, a config or a bind mount. */
static const char *host_path(const struct subject *s, const char *path, const char **ret_content)
{
    const struct service *sv = s->service;
    *ret_content = NULL;
    for (size_t i = 0; i < sv->secret_count + sv->config_count && s->in->project; i++) {
        bool secret = i < sv->secret_count;
        const struct file_ref *ref = secret ? &sv->secrets[i] : &sv->configs[i - sv->secret_count];
        if (!str_eq(ref->target, path)) {
            continue;
        }
        const struct file_object *o = secret ? project_secret(s->in->project, ref->source)
                                             : project_config(s->in->project, ref->source);
        *ret_content = o ? o->content : NULL;
        return o ? o->file : NULL;
    }
    for (size_t i = 0; i < sv->mount_count; i++) {
        const struct mount *m = &sv->mounts[i];
        if (m->type == MOUNT_BIND && str_eq(m->target, path)) {
            return m->source;
        }
    }
    return NULL;
}

const char *subject_secret(const struct subject *s, const char *name)
{
    const char *value = subject_env(s, name), *content = NULL;
    if (!str_empty(value)) {
        return value;
    }
    const char *path = subject_env(s, arena_printf(s->a, "%s_FILE", name));
    if (str_empty(path)) {
        return NULL;
    }
    const char *file = host_path(s, path, &content);
    if (content) {
        size_t n = strlen(content);
        while (n > 0 && (content[n - 1] == '\n' || content[n - 1] == '\r')) {
            n--;
        }
        return arena_strndup(s->a, content, n);
    }
    return file && s->in->read_file ? s->in->read_file(s->in->arg, s->a, file) : NULL;
}

/* "80", "3000-3005", with or without a protocol. */
static bool expose_has(const char *text, uint16_t port)
{
    int64_t from = 0, to = 0;
    char word[32];
    size_t n = strcspn(text, "/");
    if (n >= sizeof(word) || (text[n] && strcmp(text + n, "/tcp") != 0)) {
        return false;
    }
    memcpy(word, text, n);
    word[n] = '\0';
    char *dash = strchr(word, '-');
    if (dash) {
        *dash = '\0';
    }
    return parse_int(word, 1, 65535, &from, NULL) == 0 &&
           parse_int(dash ? dash + 1 : word, from, 65535, &to, NULL) == 0 && port >= from &&
           port <= to;
}

bool subject_exposes(const struct subject *s, uint16_t port)
{
    for (size_t i = 0; i < s->service->port_count; i++) {
        const struct port *p = &s->service->ports[i];
        if (p->target == port && (!p->protocol || strcmp(p->protocol, "tcp") == 0)) {
            return true;
        }
    }
    for (size_t i = 0; i < s->service->expose.count; i++) {
        if (expose_has(s->service->expose.items[i], port)) {
            return true;
        }
    }
    for (size_t i = 0; i < s->image->port_count; i++) {
        if (s->image->ports[i] == port) {
            return true;
        }
    }
    return false;
}

bool subject_others_know(const struct subject *s, const char *text)
{
    const struct project *p = s->in->project;
    for (size_t i = 0; p && !str_empty(text) && i < p->service_count; i++) {
        const struct key_values *env = &p->services[i].environment;
        if (str_eq(p->services[i].name, s->service->name)) {
            continue;
        }
        for (size_t k = 0; k < env->count; k++) {
            if (env->items[k].value && strstr(env->items[k].value, text)) {
                return true;
            }
        }
    }
    return false;
}

const char *const *subject_healthcheck(const struct subject *s, size_t *ret_count)
{
    const struct healthcheck *h = &s->service->healthcheck;
    *ret_count = 0;
    if (h->disable) {
        return NULL;
    }
    if (h->test.count > 0) {
        *ret_count = h->test.count;
        return h->test.items;
    }
    *ret_count = s->image->healthcheck_count;
    return s->image->healthcheck;
}

/* --- the subject --- */

static void read_image_name(struct subject *s)
{
    const char *image = s->service->image ? s->service->image : "";
    size_t len = strcspn(image, "@");
    const char *slash = memrchr(image, '/', len);
    const char *name = slash ? slash + 1 : image;
    size_t name_len = len - (size_t)(name - image);
    const char *colon = memchr(name, ':', name_len);
    s->image_name = arena_strndup(s->a, name, colon ? (size_t)(colon - name) : name_len);
    s->image_space = "";
    if (slash) {
        const char *before = memrchr(image, '/', (size_t)(slash - image));
        before = before ? before + 1 : image;
        s->image_space = arena_strndup(s->a, before, (size_t)(slash - before));
    }
}

/* "sh", "-c", "text": the text's words are the command line. */
static bool is_shell(const char *word)
{
    const char *base = strrchr(word, '/');
    base = base ? base + 1 : word;
    return strcmp(base, "sh") == 0 || strcmp(base, "bash") == 0 || strcmp(base, "ash") == 0;
}

static void read_words(struct subject *s)
{
    const struct service *sv = s->service;
    struct strv raw = {0};
    if (sv->entrypoint.set) {
        for (size_t i = 0; i < sv->entrypoint.count; i++) {
            strv_push(&raw, sv->entrypoint.items[i]);
        }
    } else {
        for (size_t i = 0; i < s->image->entrypoint_count; i++) {
            strv_push(&raw, s->image->entrypoint[i]);
        }
    }
    if (sv->command.set) {
        for (size_t i = 0; i < sv->command.count; i++) {
            strv_push(&raw, sv->command.items[i]);
        }
    } else if (!sv->entrypoint.set) { /* an entrypoint in the file switches the image's CMD off */
        for (size_t i = 0; i < s->image->command_count; i++) {
            strv_push(&raw, s->image->command[i]);
        }
    }
    for (size_t i = 0; i < raw.len; i++) {
        bool shell = i + 2 < raw.len && is_shell(raw.items[i]) && str_eq(raw.items[i + 1], "-c");
        if (shell && infer_shell_words(s, raw.items[i + 2], &s->words)) {
            i += 2;
        } else {
            strv_push(&s->words, raw.items[i]);
        }
    }
    strv_release(&raw);
}

/* --- completing and collecting --- */

static void complete(struct probe_spec *declared, const struct probe_spec *guess)
{
#define FILL(field)                     \
    if (!declared->field) {             \
        declared->field = guess->field; \
    }
    FILL(port)
    FILL(user)
    FILL(database)
    FILL(path)
    FILL(http_host)
#undef FILL
    /* The guessed password belongs to the guessed user. */
    if (!declared->password && str_eq(declared->user, guess->user)) {
        declared->password = guess->password;
    }
    declared->tls = declared->tls || (guess->tls && declared->port == guess->port);
}

static bool has_own_network(const struct service *sv)
{
    return !sv->network_mode || strcmp(sv->network_mode, "bridge") == 0 ||
           strcmp(sv->network_mode, "default") == 0;
}

typedef bool infer_fn(const struct subject *s, struct probe_spec *ret);

static const struct {
    enum probe_kind kind;
    infer_fn *fn;
} rules[] = {
    {PROBE_POSTGRES, infer_postgres}, {PROBE_REDIS, infer_redis}, {PROBE_MYSQL, infer_mysql},
    {PROBE_HTTP, infer_http},         {PROBE_TCP, infer_tcp},
};

size_t probe_infer(const struct infer_input *in, struct arena *a, struct probe_spec **ret)
{
    static const struct infer_image no_image;
    const struct readiness *ready = &in->service->ready;
    if (ready->disabled) {
        return 0;
    }
    struct probe_spec *list = arena_array(a, ready->count + ARRAY_LEN(rules), sizeof(*list));
    struct subject s = {
        .in = in, .service = in->service, .image = in->image ? in->image : &no_image, .a = a};
    size_t count = 0;
    for (; count < ready->count; count++) {
        list[count] = ready->probes[count];
        list[count].origin = PROBE_DECLARED;
    }
    read_image_name(&s);
    read_words(&s);
    for (size_t i = 0; i < ARRAY_LEN(rules) && has_own_network(in->service); i++) {
        struct probe_spec guess = {
            .kind = rules[i].kind, .origin = PROBE_INFERRED, .at = in->service->at};
        bool declared = false;
        if (!rules[i].fn(&s, &guess)) {
            continue;
        }
        for (size_t k = 0; k < ready->count; k++) {
            if (list[k].kind == guess.kind) {
                declared = true;
                complete(&list[k], &guess);
            }
        }
        /* A bare port says nothing where a protocol has been talked. */
        if (!declared && !(guess.kind == PROBE_TCP && count > 0)) {
            list[count++] = guess;
        }
    }
    strv_release(&s.words);
    *ret = list;
    return count;
}
