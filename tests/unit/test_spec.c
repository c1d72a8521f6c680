/*
 * Bodies for the engine: what differs between API versions, mounts, names, labels, references to
 * other containers, and what `run` changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"
#include "engine/spec.h"

#define LIST(...)                                                                          \
    {                                                                                      \
        .items = (const char *[]){__VA_ARGS__},                                            \
        .count = sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *), .set = true \
    }

static struct mount mounts[] = {
    {.type = MOUNT_VOLUME, .source = "data", .target = "/data", .has_volume = true},
    {.type = MOUNT_BIND,
     .source = "/src",
     .target = "/b",
     .read_only = true,
     .has_bind = true,
     .bind_create_host_path = YES},
    {.type = MOUNT_BIND, .source = "/src", .target = "/c", .has_bind = true},
    {.type = MOUNT_VOLUME, .target = "/anon", .has_volume = true},
};
static struct service_network service_networks[] = {
    {.network = "front", .configured = true, .aliases = LIST("w")}, {.network = "back"}};
static struct port ports[] = {{.target = 80, .published = "8080", .protocol = "tcp"}};
static struct depends_on dependencies[] = {
    {.service = "db", .condition = CONDITION_HEALTHY, .required = true},
    {.service = "gone", .required = false}};

static struct service services[] = {
    {.name = "db",
     .image = "postgres",
     .config_hash = "dbhash",
     .stop_grace_period = -1,
     .replicas = 1},
    {.name = "web",
     .image = "nginx",
     .config_hash = "0123456789012345678901234567890123456789012345678901234567890123",
     .stop_grace_period = -1,
     .mounts = mounts,
     .mount_count = 4,
     .networks = service_networks,
     .network_count = 2,
     .ports = ports,
     .port_count = 1,
     .depends_on = dependencies,
     .depends_on_count = 2,
     .cap_add = LIST("net_admin", "CAP_CHOWN", "NET_ADMIN"),
     .cpus = 0.3333,
     .replicas = 1},
};
static struct network networks[] = {{.key = "front", .name = "p_front"},
                                    {.key = "back", .name = "p_back", .driver = "bridge"}};
static struct volume volumes[] = {{.key = "data", .name = "p_data", .config_hash = "h"}};
static struct project project = {.name = "p",
                                 .separator = '-',
                                 .working_dir = "/w",
                                 .files = LIST("/w/a.yaml", "/w/b.yaml"),
                                 .services = services,
                                 .service_count = 2,
                                 .networks = networks,
                                 .network_count = 2,
                                 .volumes = volumes,
                                 .volume_count = 1};

static const json_t *at(const json_t *n, const char *a, const char *b)
{
    n = json_object_get(n, a);
    return b ? json_object_get(n, b) : n;
}

static const char *text(const json_t *n, const char *a, const char *b)
{
    return json_string_value(at(n, a, b));
}

static size_t no_peers(void *arg, const char *service, const struct spec_peer **ret)
{
    (void)arg;
    (void)service;
    (void)ret;
    return 0;
}

static size_t one_peer(void *arg, const char *service, const struct spec_peer **ret)
{
    static const struct spec_peer peer = {.id = "abc", .name = "p-db-1"};
    (void)arg;
    *ret = &peer;
    return str_eq(service, "db");
}

static struct spec_container build(const struct service *s, const struct spec_options *o)
{
    struct spec_container c = {0};
    struct err err = {0};
    assert_int_equal(spec_container(&project, s, 1, o, &c, &err), 0);
    return c;
}

static void test_container(void **state)
{
    struct spec_options o = {.api_minor = 41, .image_id = "sha256:x"};
    struct spec_container c = build(&services[1], &o);
    const json_t *host = at(c.body, "HostConfig", NULL);
    (void)state;
    assert_string_equal(c.name, "p-web-1");
    assert_null(c.platform);
    assert_string_equal(text(c.body, "Labels", "com.docker.compose.depends_on"),
                        "db:service_healthy:false");
    assert_string_equal(text(c.body, "Labels", "com.docker.compose.project.config_files"),
                        "/w/a.yaml,/w/b.yaml");
    assert_string_equal(text(c.body, "Labels", "com.docker.compose.image"), "sha256:x");
    assert_string_equal(text(host, "NetworkMode", NULL), "p_front");
    assert_null(at(c.body, "Cmd", NULL));
    assert_int_equal(json_integer_value(at(host, "NanoCpus", NULL)), 333300000 / 32 * 32);
    assert_string_equal(json_string_value(json_array_get(at(host, "CapAdd", NULL), 1)),
                        "CAP_NET_ADMIN");
    assert_int_equal(json_array_size(at(host, "CapAdd", NULL)), 2);
    spec_container_release(&c);
}

static void test_mounts(void **state)
{
    struct spec_options o = {.api_minor = 41};
    struct spec_container c = build(&services[1], &o);
    const json_t *binds = at(c.body, "HostConfig", "Binds");
    const json_t *rest = at(c.body, "HostConfig", "Mounts");
    (void)state;
    assert_int_equal(json_array_size(binds), 2);
    assert_string_equal(json_string_value(json_array_get(binds, 0)), "p_data:/data:rw");
    assert_string_equal(json_string_value(json_array_get(binds, 1)), "/src:/b:ro");
    assert_int_equal(json_array_size(rest), 2); /* no create_host_path; anonymous */
    spec_container_release(&c);
}

static void test_endpoints_by_version(void **state)
{
    struct spec_options o = {.api_minor = 41};
    struct spec_container c = build(&services[1], &o);
    (void)state;
    assert_int_equal(c.connect_count, 1);
    assert_string_equal(c.connects[0].network, "p_back");
    assert_int_equal(json_object_size(at(c.body, "NetworkingConfig", "EndpointsConfig")), 1);
    spec_container_release(&c);
    o.api_minor = 44;
    c = build(&services[1], &o);
    assert_int_equal(c.connect_count, 0);
    assert_int_equal(json_object_size(at(c.body, "NetworkingConfig", "EndpointsConfig")), 2);
    spec_container_release(&c);
}

static void test_recreate_takes_anonymous_volumes_over(void **state)
{
    static const struct spec_inherited old[] = {
        {.type = "volume", .source = "deadbeef", .target = "/anon"},
        {.type = "volume", .source = "cafe", .target = "/image"}};
    struct string_list image = LIST("/image");
    struct spec_options o = {.api_minor = 41,
                             .inherited = old,
                             .inherited_count = 2,
                             .image_volumes = &image,
                             .replace = "web-1",
                             .name = "0123_p-web-1"};
    struct spec_container c = build(&services[1], &o);
    const json_t *rest = at(c.body, "HostConfig", "Mounts");
    const json_t *aliases = NULL;
    (void)state;
    assert_int_equal(json_array_size(rest), 3);
    assert_string_equal(text(json_array_get(rest, 0), "Source", NULL), "cafe");
    assert_string_equal(text(json_array_get(rest, 2), "Source", NULL), "deadbeef");
    assert_string_equal(text(c.body, "Labels", "com.docker.compose.replace"), "web-1");
    aliases = at(at(at(c.body, "NetworkingConfig", "EndpointsConfig"), "p_front", NULL), "Aliases",
                 NULL);
    assert_string_equal(json_string_value(json_array_get(aliases, 0)), "p-web-1");
    spec_container_release(&c);
}

static void test_shared_namespace(void **state)
{
    struct service s = services[0];
    struct spec_options o = {.api_minor = 41, .peers = no_peers};
    struct spec_container c = {0};
    struct err err = {0};
    char hash[65];
    (void)state;
    s.name = "side";
    s.network_mode = "service:db";
    s.hash_text = "{\"network_mode\":\"container:\x01"
                  "db\x02\"}";
    assert_int_equal(spec_container(&project, &s, 1, &o, &c, &err), -ERR_NOT_FOUND);
    assert_string_equal(err.subject, "db");
    o.peers = one_peer;
    c = build(&s, &o);
    assert_string_equal(text(c.body, "HostConfig", "NetworkMode"), "container:abc");
    assert_int_equal(spec_config_hash(&s, &o, hash, &err), 0);
    assert_string_equal(hash, text(c.body, "Labels", "com.docker.compose.config-hash"));
    /* sha256 of {"network_mode":"container:abc"} */
    assert_string_equal(hash, "007e2db6e4fb7867594b0c5255ddedd0429038913f9f75e330aa304738b04119");
    spec_container_release(&c);
}

static void test_what_old_engines_cannot_do(void **state)
{
    struct service s = services[0];
    struct spec_options o = {.api_minor = 41};
    struct spec_container c = {0};
    struct err err = {0};
    (void)state;
    s.healthcheck = (struct healthcheck){.set = true,
                                         .interval = -1,
                                         .timeout = -1,
                                         .retries = -1,
                                         .start_period = 5,
                                         .start_interval = 5};
    assert_int_equal(spec_container(&project, &s, 1, &o, &c, &err), -ERR_UNSUPPORTED);
    assert_string_equal(err.subject, "db");
    o.api_minor = 44;
    c = build(&s, &o);
    assert_int_equal(json_integer_value(at(c.body, "Healthcheck", "StartInterval")), 5);
    spec_container_release(&c);
}

static void test_run(void **state)
{
    struct arena arena;
    struct key_value more[] = {{"A", "1"}};
    struct spec_run run = {.name = "p-web-run-1",
                           .command = LIST("sh"),
                           .environment = {.items = more, .count = 1, .set = true},
                           .cap_drop = LIST("net_admin")};
    struct spec_options o = {.api_minor = 41,
                             .oneoff = true,
                             .slug = "slug",
                             .name = "p-web-run-1",
                             .auto_remove = true};
    struct spec_container c = {0};
    struct service *s = NULL;
    (void)state;
    arena_init(&arena);
    s = spec_run_service(&arena, &project, &services[1], &run);
    c = build(s, &o);
    assert_string_equal(text(c.body, "Labels", "com.docker.compose.oneoff"), "True");
    assert_string_equal(text(c.body, "Labels", "com.docker.compose.slug"), "slug");
    assert_null(at(c.body, "ExposedPorts", NULL));
    assert_string_equal(json_string_value(json_array_get(at(c.body, "Env", NULL), 0)), "A=1");
    assert_true(json_is_true(at(c.body, "HostConfig", "AutoRemove")));
    assert_int_equal(services[1].port_count, 1); /* the original is untouched */
    spec_container_release(&c);
    arena_release(&arena);
}

static void test_network_and_volume(void **state)
{
    json_t *network = spec_network(&project, &networks[1]);
    json_t *volume = spec_volume(&project, &volumes[0]);
    (void)state;
    assert_string_equal(text(network, "Name", NULL), "p_back");
    assert_string_equal(text(network, "Driver", NULL), "bridge");
    assert_string_equal(text(network, "Labels", "com.docker.compose.network"), "back");
    assert_string_equal(text(volume, "Name", NULL), "p_data");
    assert_string_equal(text(volume, "Labels", "com.docker.compose.config-hash"), "h");
    json_decref(network);
    json_decref(volume);
}

static void test_platforms(void **state)
{
    static const char *const cases[][2] = {
        {"linux/amd64", "linux/amd64"},   {"amd64", "linux/amd64"},
        {"linux/x86_64", "linux/amd64"},  {"linux/arm64/v8", "linux/arm64/v8"},
        {"linux/arm/v7", "linux/arm/v7"}, {"aarch64", "linux/arm64"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct service s = services[0];
        struct spec_options o = {.api_minor = 41};
        struct spec_container c = {0};
        s.platform = cases[i][0];
        c = build(&s, &o);
        assert_string_equal(c.platform, cases[i][1]);
        spec_container_release(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_container),
        cmocka_unit_test(test_mounts),
        cmocka_unit_test(test_endpoints_by_version),
        cmocka_unit_test(test_recreate_takes_anonymous_volumes_over),
        cmocka_unit_test(test_shared_namespace),
        cmocka_unit_test(test_what_old_engines_cannot_do),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_network_and_volume),
        cmocka_unit_test(test_platforms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
