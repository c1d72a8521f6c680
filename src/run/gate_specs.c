/*
 * What there is to prove about a container: declared and inferred probes, and its health check.
 * A health check that the probes prove already, and better, is covered: it is not run on the way to
 * ready.
 */
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/str.h"
#include "probe/infer.h"
#include "run/gate.h"

/* Compose's and the engine's defaults for health checks. */
#define INTERVAL_DEFAULT (30 * NS_PER_SEC)
#define TIMEOUT_DEFAULT (30 * NS_PER_SEC)
#define PATIENCE_MIN (60 * NS_PER_SEC)
enum { RETRIES_DEFAULT = 3, SECRET_MAX = 64 << 10 };

static const char *read_secret(void *arg, struct arena *a, const char *host_path)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    (void)arg;
    if (path_read_file(host_path, SECRET_MAX, &text, NULL)) {
        return NULL;
    }
    while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r')) {
        buf_truncate(&text, text.len - 1);
    }
    return arena_strndup(a, buf_text(&text), text.len);
}

static void describe_image(struct arena *a, const struct observed_image *i, struct infer_image *ret)
{
    const char **env = arena_array(a, i->environment.count, sizeof(*env));
    uint16_t *ports = arena_array(a, i->exposed_ports.count, sizeof(*ports));
    for (size_t k = 0; k < i->environment.count; k++) {
        const struct key_value *kv = &i->environment.items[k];
        env[k] = arena_printf(a, "%s=%s", kv->key, kv->value ? kv->value : "");
    }
    *ret = (struct infer_image){.env = env,
                                .env_count = i->environment.count,
                                .ports = ports,
                                .entrypoint = i->entrypoint.items,
                                .entrypoint_count = i->entrypoint.count,
                                .command = i->command.items,
                                .command_count = i->command.count,
                                .healthcheck = i->healthcheck.test.items,
                                .healthcheck_count = i->healthcheck.test.count};
    for (size_t k = 0; k < i->exposed_ports.count; k++) {
        const char *text = i->exposed_ports.items[k], *slash = strchr(text, '/');
        CLEANUP_FREE char *number = xstrndup(text, slash ? (size_t)(slash - text) : strlen(text));
        if ((!slash || strcmp(slash, "/tcp") == 0) &&
            !parse_port(number, &ports[ret->port_count], NULL)) {
            ret->port_count++;
        }
    }
}

/* The one that counts: the file's, else the image's. NULL when there is none. */
static const struct healthcheck *effective_check(const struct gate *g,
                                                 const struct observed_image *image)
{
    const struct healthcheck *own = &g->service->healthcheck;
    if (own->set && own->disable) {
        return NULL;
    }
    if (own->set && own->test.count) {
        return own;
    }
    return image && image->healthcheck.set && !image->healthcheck.disable ? &image->healthcheck
                                                                          : NULL;
}

static bool mentions(const struct string_list *test, const char *word)
{
    for (size_t i = 0; i < test->count; i++) {
        if (strstr(test->items[i], word)) {
            return true;
        }
    }
    return false;
}

/* The network probe that makes this health check superfluous on the way to ready. */
static bool is_covered(const struct gate *g, const struct string_list *test)
{
    struct arena scratch;
    struct probe_spec http;
    bool covered = false;
    arena_init(&scratch);
    for (size_t i = 0; i < g->count && !covered; i++) {
        const struct probe_spec *s = g->probes[i].spec;
        switch (s->kind) {
        case PROBE_POSTGRES:
            covered = mentions(test, "pg_isready") || mentions(test, "psql");
            break;
        case PROBE_REDIS:
            covered = mentions(test, "redis-cli") || mentions(test, "valkey-cli") ||
                      mentions(test, "keydb-cli");
            break;
        case PROBE_MYSQL:
            covered = mentions(test, "mysqladmin") || mentions(test, "mariadb-admin");
            break;
        case PROBE_HTTP:
            covered = infer_from_curl(test->items, test->count, &scratch, &http) &&
                      http.port == s->port &&
                      str_eq(http.path ? http.path : "/", s->path ? s->path : "/");
            break;
        case PROBE_TCP:
            covered = mentions(test, "nc -z") || mentions(test, "/dev/tcp/");
            break;
        default:
            break;
        }
    }
    arena_release(&scratch);
    return covered;
}

/* healthcheck.test as an argv: CMD is the rest, CMD-SHELL is for sh -c. */
static const char *const *check_argv(struct arena *a, const struct string_list *test)
{
    bool shell = strcmp(test->items[0], "CMD-SHELL") == 0;
    const char **argv = arena_array(a, test->count + 3, sizeof(*argv));
    size_t n = 0;
    if (shell) {
        argv[n++] = "/bin/sh";
        argv[n++] = "-c";
    }
    for (size_t i = 1; i < test->count; i++) {
        argv[n++] = test->items[i];
    }
    return n > (shell ? 2U : 0U) ? argv : NULL;
}

void gate_find_specs(struct gate *g)
{
    const struct observed_image *image = run_image(g->run, g->service);
    struct infer_image described = {0};
    struct infer_input in = {.project = g->run->plan->project,
                             .service = g->service,
                             .image = &described,
                             .read_file = read_secret};
    struct probe_spec *specs = NULL;
    const struct healthcheck *check = effective_check(g, image);
    if (image && image->id[0]) {
        describe_image(&g->arena, image, &described);
    }
    g->count = probe_infer(&in, &g->arena, &specs);
    g->probes = arena_array(&g->arena, g->count, sizeof(*g->probes));
    for (size_t i = 0; i < g->count; i++) {
        gate_probe_init(&g->probes[i], g, &specs[i]);
    }
    g->check_interval = INTERVAL_DEFAULT;
    if (check) {
        const char *const *argv = check_argv(&g->arena, &check->test);
        g->has_check = argv != NULL;
        g->check_interval = check->interval > 0 ? check->interval : INTERVAL_DEFAULT;
        g->check_spec = (struct probe_spec){.kind = PROBE_EXEC,
                                            .origin = PROBE_HEALTHCHECK,
                                            .argv = argv,
                                            .timeout = check->timeout > 0 ? check->timeout
                                                                          : TIMEOUT_DEFAULT,
                                            .at = check->at};
        g->covered = g->has_check && is_covered(g, &check->test);
    }
    gate_probe_init(&g->check, g, &g->check_spec);
}

int64_t gate_patience(const struct gate *g)
{
    const struct observed_image *image = run_image(g->run, g->service);
    const struct healthcheck *check = effective_check(g, image);
    int64_t patience = 0, interval = 0, timeout = 0, retries = RETRIES_DEFAULT;
    if (g->service->ready.timeout > 0) {
        return g->service->ready.timeout;
    }
    if (check) {
        interval = check->interval > 0 ? check->interval : INTERVAL_DEFAULT;
        timeout = check->timeout > 0 ? check->timeout : TIMEOUT_DEFAULT;
        retries = check->retries > 0 ? check->retries : RETRIES_DEFAULT;
        patience = clock_add(check->start_period > 0 ? check->start_period : 0,
                             (interval + timeout) * retries);
    }
    return patience > PATIENCE_MIN ? patience : PATIENCE_MIN;
}
