/*
 * An HTTP probe out of a health check that is a single curl or wget call: the same request, made
 * over the network instead of by a program started in the container. Anything unusual is left
 * alone. Pure.
 */
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "probe/infer_types.h"
#include "probe/target.h"

/* Options without effect on what is asked and what counts as success. One-letter ones combine. */
static const char *const curl_quiet[] = {
    "--silent", "--show-error",        "--insecure", "--location", "--compressed",
    "--ipv4",   "--no-progress-meter", "--verbose",  "--include",
};
static const char curl_letters[] = "sSkLv4iN";
/* Options with a value that may be dropped. */
static const char *const curl_valued[] = {
    "-o",
    "--output",
    "-m",
    "--max-time",
    "--connect-timeout",
    "--retry",
    "--retry-delay",
    "--retry-max-time",
    "-A",
    "--user-agent",
    "-w",
    "--write-out",
};
static const char *const wget_quiet[] = {
    "--spider", "--quiet",           "-q", "-nv", "--no-verbose", "--no-check-certificate",
    "-S",       "--server-response", "-c",
};
static const char *const wget_valued[] = {
    "-O", "--output-document", "-T", "--timeout", "-t", "--tries", "-U", "--user-agent", "-Y",
};

struct call {
    const char *url, *method, *vhost;
    bool any_status; /* curl without -f: every answer is good */
};

static bool listed(const char *word, const char *const *list, size_t count)
{
    size_t n = strcspn(word, "=");
    for (size_t i = 0; i < count; i++) {
        if (strncmp(list[i], word, n) == 0 && !list[i][n]) {
            return true;
        }
    }
    return false;
}
#define LISTED(word, list) listed((word), (list), ARRAY_LEN(list))

/* Short options in one word: "-fsSL", "-sfo" (then the value follows). */
static bool curl_short(const char *word, size_t *i, struct call *call)
{
    for (const char *c = word + 1; *c; c++) {
        if (*c == 'f') {
            call->any_status = false;
        } else if (*c == 'I') {
            call->method = "HEAD";
        } else if ((*c == 'o' || *c == 'm') && !c[1]) {
            ++*i;
        } else if (!strchr(curl_letters, *c)) {
            return false;
        }
    }
    return true;
}

static bool curl_header(const char *value, struct call *call)
{
    if (strncasecmp(value, "host:", 5) == 0) {
        call->vhost = value + 5 + strspn(value + 5, " ");
        return true;
    }
    return strncasecmp(value, "accept:", 7) == 0;
}

static bool parse_curl(const struct strv *w, size_t from, size_t to, struct call *call)
{
    call->any_status = true;
    for (size_t i = from; i < to; i++) {
        const char *word = w->items[i];
        bool last = i + 1 >= to;
        if (*word != '-') {
            if (call->url) {
                return false;
            }
            call->url = word;
        } else if (strcmp(word, "--fail") == 0 || strcmp(word, "--fail-with-body") == 0) {
            call->any_status = false;
        } else if (strcmp(word, "--head") == 0) {
            call->method = "HEAD";
        } else if (strcmp(word, "-H") == 0 || strcmp(word, "--header") == 0) {
            if (last || !curl_header(w->items[++i], call)) {
                return false;
            }
        } else if (LISTED(word, curl_valued)) {
            i += strchr(word, '=') ? 0 : 1;
        } else if (!LISTED(word, curl_quiet) && (word[1] == '-' || !curl_short(word, &i, call))) {
            return false;
        }
    }
    return call->url != NULL;
}

static bool parse_wget(const struct strv *w, size_t from, size_t to, struct call *call)
{
    for (size_t i = from; i < to; i++) {
        const char *word = w->items[i];
        if (*word != '-') {
            if (call->url) {
                return false;
            }
            call->url = word;
        } else if (LISTED(word, wget_valued)) {
            i += strchr(word, '=') ? 0 : 1;
        } else if (!LISTED(word, wget_quiet) && strcmp(word, "-qO-") != 0 &&
                   !str_starts(word, "-O") && !str_starts(word, "-T") && !str_starts(word, "-t")) {
            return false;
        }
    }
    return call->url != NULL;
}

/* "... || exit 1", "... || false", "... > /dev/null 2>&1 ||": where the call ends; 0 = it is more.
 */
static size_t call_end(const struct strv *w)
{
    for (size_t i = 0; i < w->len; i++) {
        const char *word = w->items[i];
        if (strcmp(word, "||") == 0) {
            bool exits = i + 2 < w->len + 1 && i + 1 < w->len &&
                         (strcmp(w->items[i + 1], "exit") == 0 ||
                          strcmp(w->items[i + 1], "false") == 0);
            bool over = i + 3 >= w->len || strcmp(w->items[i + 2], ";") == 0;
            bool zero = i + 2 < w->len && strcmp(w->items[i + 2], "0") == 0;
            return exits && over && !zero ? i : 0;
        }
        if (strchr("|&;<>", *word) && *word) {
            return 0;
        }
    }
    return w->len;
}

static bool is_here(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "0.0.0.0", "::1", "::"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(host, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool call_to_spec(const struct call *call, struct arena *a, struct probe_spec *ret)
{
    const char *url = strstr(call->url, "://") ? call->url
                                               : arena_printf(a, "http://%s", call->url);
    struct probe_spec spec;
    /* The probe's own options in a query would be mistaken for ours. */
    if (strchr(url, '?') || probe_target_parse(url, a, &spec, NULL) < 0 ||
        spec.kind != PROBE_HTTP || !is_here(spec.host) || spec.user) {
        return false;
    }
    ret->kind = PROBE_HTTP;
    ret->port = spec.port;
    ret->tls = spec.tls;
    ret->path = spec.path;
    ret->method = call->method;
    ret->http_host = call->vhost ? arena_strdup(a, call->vhost) : NULL;
    if (call->any_status) {
        ret->status = (struct status_range){100, 599};
    }
    return true;
}

static bool from_words(const struct strv *w, struct arena *a, struct probe_spec *ret)
{
    struct call call = {0};
    size_t end = call_end(w);
    if (end < 2) {
        return false;
    }
    const char *slash = strrchr(w->items[0], '/');
    const char *program = slash ? slash + 1 : w->items[0];
    bool good = strcmp(program, "curl") == 0   ? parse_curl(w, 1, end, &call)
                : strcmp(program, "wget") == 0 ? parse_wget(w, 1, end, &call)
                                               : false;
    return good && call_to_spec(&call, a, ret);
}

static bool from_test(const struct subject *s, const char *const *test, size_t count,
                      struct arena *a, struct probe_spec *ret)
{
    CLEANUP_STRV struct strv words = {0};
    if (count == 2 && strcmp(test[0], "CMD-SHELL") == 0) {
        return infer_shell_words(s, test[1], &words) && from_words(&words, a, ret);
    }
    if (count < 2 || strcmp(test[0], "CMD") != 0) {
        return false;
    }
    for (size_t i = 1; i < count; i++) {
        strv_push(&words, test[i]);
    }
    return from_words(&words, a, ret);
}

bool infer_from_curl(const char *const *test, size_t count, struct arena *a, struct probe_spec *ret)
{
    return from_test(NULL, test, count, a, ret);
}

bool infer_http(const struct subject *s, struct probe_spec *ret)
{
    size_t count = 0;
    const char *const *test = subject_healthcheck(s, &count);
    struct probe_spec spec = *ret;
    if (!from_test(s, test, count, s->a, &spec)) {
        return false;
    }
    /* A port that nobody else is told of may listen on the loopback only. */
    if (!subject_exposes(s, spec.port)) {
        return false;
    }
    *ret = spec;
    return true;
}
