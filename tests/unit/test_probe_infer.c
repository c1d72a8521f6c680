/*
 * probe/infer: what a service gives away, and what it does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probe/infer.h"

static struct arena arena;

#define LIST(...)                                                              \
    ((struct string_list){.items = (const char *[]){__VA_ARGS__},              \
                          .count = ARRAY_LEN(((const char *[]){__VA_ARGS__})), \
                          .set = true})
#define ENV(...)                                                                  \
    ((struct key_values){.items = (struct key_value[]){__VA_ARGS__},              \
                         .count = ARRAY_LEN(((struct key_value[]){__VA_ARGS__})), \
                         .set = true})

static size_t infer(struct service *s, const struct infer_image *image, struct probe_spec **ret)
{
    struct service all[2] = {*s,
                             {.name = "app",
                              .environment = ENV({"DATABASE_URL", "postgres://x:pencil@db/shop"},
                                                 {"REDIS_URL", "redis://:hunter2@cache"})}};
    struct project p = {.services = all, .service_count = 2};
    const struct infer_input in = {.project = &p, .service = &all[0], .image = image};
    return probe_infer(&in, &arena, ret);
}

static struct probe_spec one(struct service *s, const struct infer_image *image)
{
    struct probe_spec *list = NULL;
    assert_int_equal(infer(s, image, &list), 1);
    return list[0];
}

static void none(struct service *s, const struct infer_image *image)
{
    struct probe_spec *list = NULL;
    size_t count = infer(s, image, &list);
    if (count != 0) {
        fail_msg("%s: unexpected probe %s", s->image, probe_kind_name(list[0].kind));
    }
}

static void test_postgres(void **state)
{
    struct service s = {.name = "db",
                        .image = "docker.io/library/postgres:15@sha256:abc",
                        .environment = ENV({"POSTGRES_USER", "me"}, {"POSTGRES_PASSWORD", "pencil"},
                                           {"POSTGRES_DB", "shop"})};
    (void)state;
    struct probe_spec got = one(&s, NULL);
    assert_int_equal(got.kind, PROBE_POSTGRES);
    assert_int_equal(got.origin, PROBE_INFERRED);
    assert_string_equal(got.user, "me");
    assert_string_equal(got.password, "pencil");
    assert_string_equal(got.database, "shop");
    assert_false(got.lenient); /* the application relies on the same password and database */
    s.environment = ENV({"POSTGRES_PASSWORD", "changed since"});
    got = one(&s, NULL);
    assert_true(got.lenient);
    assert_string_equal(got.user, "postgres");
    assert_string_equal(got.database, "postgres");
    s.command = LIST("postgres", "-c", "shared_buffers=1GB", "-c", "port=5433");
    assert_int_equal(one(&s, NULL).port, 5433);
    s.command = LIST("-p", "5434");
    assert_int_equal(one(&s, NULL).port, 5434);
    /* Not reachable over the network, or not a server at all. */
    s.command = LIST("postgres", "-c", "listen_addresses=");
    none(&s, NULL);
    s.command = LIST("psql", "-h", "db", "-f", "/init.sql");
    none(&s, NULL);
    s.command = LIST("sh", "-c", "sleep 1; pg_dump -h db");
    none(&s, NULL);
    s.command = (struct string_list){0};
    s.entrypoint = LIST("sh", "-c", "psql -h db -U postgres -d app && exec sleep 600");
    none(&s, NULL);
    s.entrypoint = LIST("sh", "-c", "until pg_isready -h db; do sleep 1; done; psql postgres");
    none(&s, NULL);
    s.entrypoint = LIST("sh", "-c", "echo before; exec gosu postgres postgres -p 5435");
    assert_int_equal(one(&s, NULL).port, 5435);
    s.entrypoint = (struct string_list){0};
    s.command = (struct string_list){0};
    s.network_mode = "service:other";
    none(&s, NULL);
}

/* A client with the same variables is no server. */
static void test_postgres_client(void **state)
{
    struct service s = {
        .name = "backend",
        .image = "acme/backend:1",
        .environment = ENV({"POSTGRES_PASSWORD", "pencil"}, {"POSTGRES_DB", "shop"}),
        .healthcheck.test = LIST("CMD-SHELL", "pg_isready -h db -U me")};
    (void)state;
    none(&s, NULL);
    s.healthcheck.test = LIST("CMD", "pg_isready", "-U", "me", "-h", "db");
    none(&s, NULL);
    s.healthcheck.test = LIST("CMD-SHELL", "pg_isready -U me -d shop");
    assert_int_equal(one(&s, NULL).kind, PROBE_POSTGRES);
}

static void test_postgres_by_image(void **state)
{
    const uint16_t ports[] = {5432};
    const char *const env[] = {"PGDATA=/var/lib/postgresql/data", "POSTGRES_USER=fromimage"};
    const struct infer_image image = {.env = env, .env_count = 2, .ports = ports, .port_count = 1};
    struct service s = {.name = "db", .image = "acme/warehouse"};
    (void)state;
    none(&s, NULL);
    struct probe_spec got = one(&s, &image);
    assert_string_equal(got.user, "fromimage");
    assert_null(got.password);
    s.image = "bitnami/postgresql:16";
    s.environment = ENV({"POSTGRESQL_USERNAME", "bn"}, {"POSTGRESQL_PASSWORD", "pencil"});
    got = one(&s, NULL);
    assert_string_equal(got.user, "bn");
    assert_string_equal(got.password, "pencil");
}

static const char *read_file(void *arg, struct arena *a, const char *path)
{
    (void)arg;
    return strcmp(path, "/host/pw") == 0 ? arena_strdup(a, "fromfile") : NULL;
}

static void test_secret_files(void **state)
{
    struct file_ref ref = {.source = "pw", .target = "/run/secrets/pw"};
    struct file_object secret = {.key = "pw", .name = "pw", .file = "/host/pw"};
    struct mount mount = {.type = MOUNT_BIND, .source = "/host/pw", .target = "/pw"};
    struct service s = {.name = "db",
                        .image = "postgres",
                        .environment = ENV({"POSTGRES_PASSWORD_FILE", "/run/secrets/pw"}),
                        .secrets = &ref,
                        .secret_count = 1};
    struct project p = {.services = &s, .service_count = 1, .secrets = &secret, .secret_count = 1};
    struct infer_input in = {.project = &p, .service = &s, .read_file = read_file};
    struct probe_spec *list = NULL;
    (void)state;
    assert_int_equal(probe_infer(&in, &arena, &list), 1);
    assert_string_equal(list[0].password, "fromfile");
    secret.file = NULL;
    secret.content = "inline\n";
    assert_int_equal(probe_infer(&in, &arena, &list), 1);
    assert_string_equal(list[0].password, "inline");
    s.environment = ENV({"POSTGRES_PASSWORD_FILE", "/pw"});
    s.mounts = &mount;
    s.mount_count = 1;
    assert_int_equal(probe_infer(&in, &arena, &list), 1);
    assert_string_equal(list[0].password, "fromfile");
    in.read_file = NULL;
    assert_int_equal(probe_infer(&in, &arena, &list), 1);
    assert_null(list[0].password);
}

static void test_redis(void **state)
{
    struct service s = {.name = "cache", .image = "redis:7-alpine"};
    (void)state;
    struct probe_spec got = one(&s, NULL);
    assert_int_equal(got.kind, PROBE_REDIS);
    assert_null(got.password);
    assert_true(got.redis_write);
    s.command = LIST("redis-server", "--appendonly", "yes", "--requirepass", "hunter2", "--port",
                     "6380");
    got = one(&s, NULL);
    assert_string_equal(got.password, "hunter2");
    assert_int_equal(got.port, 6380);
    assert_false(got.lenient);
    s.command = LIST("--requirepass=x y");
    assert_string_equal(one(&s, NULL).password, "x y");
    s.environment = ENV({"REDIS_PASSWORD", "it's"});
    s.command = LIST("sh", "-c", "exec redis-server --requirepass \"$REDIS_PASSWORD\" && true");
    assert_string_equal(one(&s, NULL).password, "it's");
    s.command = LIST("/bin/sh", "-c", "redis-server --requirepass $(cat /run/secrets/pw)");
    none(&s, NULL);
    s.command = LIST("redis-server", "--user", "app", "on", ">pencil", "~*", "+@all");
    got = one(&s, NULL);
    assert_string_equal(got.user, "app");
    assert_string_equal(got.password, "pencil");
    s.command = LIST("redis-server", "--port", "0", "--tls-port", "6379");
    assert_true(one(&s, NULL).tls);
    s.command = LIST("redis-server", "--port", "0");
    none(&s, NULL);
    s.command = LIST("redis-server", "--bind", "127.0.0.1");
    none(&s, NULL);
    s.command = LIST("redis-cli", "-h", "cache", "ping");
    none(&s, NULL);
    /* The official image does not look at REDIS_PASSWORD; Bitnami's does. */
    s.command = (struct string_list){0};
    assert_null(one(&s, NULL).password);
    s.image = "bitnami/redis";
    got = one(&s, NULL);
    assert_string_equal(got.password, "it's");
    assert_true(got.lenient);
    s.image = "acme/thing";
    none(&s, NULL);
    s.command = LIST("valkey-server", "/etc/valkey.conf");
    assert_int_equal(one(&s, NULL).kind, PROBE_REDIS);
}

static void test_curl(void **state)
{
    static const struct {
        const char *test;
        const char *path; /* NULL = not inferred */
        uint16_t port;
        int from; /* status */
    } rows[] = {
        {"curl -f http://localhost:8000/health", "/health", 8000, 0},
        {"curl -fsS http://127.0.0.1:8000/health || exit 1", "/health", 8000, 0},
        {"curl --fail --silent -o /dev/null localhost/x || exit 1", "/x", 80, 0},
        {"curl http://localhost:3000", "/", 3000, 100},
        {"curl -kf https://localhost:8443/ || false", "/", 8443, 0},
        {"wget -q --spider http://localhost:3000/ || exit 1", "/", 3000, 0},
        {"wget --no-verbose --tries=1 --spider http://127.0.0.1/ping || exit 1", "/ping", 80, 0},
        {"wget -qO- http://localhost:9000/minio/health/live", "/minio/health/live", 9000, 0},
        {"curl -f http://localhost:8000/health | grep ok", NULL, 0, 0},
        {"curl -f http://localhost:8000/ && curl -f http://localhost:9000/", NULL, 0, 0},
        {"curl -f http://db:8000/health", NULL, 0, 0},
        {"curl -f -X POST http://localhost:8000/health", NULL, 0, 0},
        {"curl -f --unix-socket /run/x http://localhost/", NULL, 0, 0},
        {"curl -f http://localhost:8000/health || exit 0", NULL, 0, 0},
        {"curl -f http://localhost:8000/health || echo down", NULL, 0, 0},
        {"curl -f http://localhost:8000/?status=1", NULL, 0, 0},
        {"curl -f http://localhost:$(cat /port)/", NULL, 0, 0},
        {"curl -f http://u:p@localhost:8000/", NULL, 0, 0},
        {"curl -f", NULL, 0, 0},
        {"nc -z localhost 80", NULL, 0, 0},
        {"", NULL, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const test[] = {"CMD-SHELL", rows[i].test};
        struct probe_spec got = {0};
        bool found = infer_from_curl(test, 2, &arena, &got);
        if (found != (rows[i].path != NULL)) {
            fail_msg("%s: %s", rows[i].test, found ? "inferred" : "not inferred");
        }
        if (found) {
            assert_string_equal(got.path, rows[i].path);
            assert_int_equal(got.port, rows[i].port);
            assert_int_equal(got.status.from, rows[i].from);
        }
    }
    const char *const words[] = {
        "CMD", "curl", "-f", "-H", "Host: shop.example", "http://localhost:8000/a"};
    struct probe_spec got = {0};
    assert_true(infer_from_curl(words, 6, &arena, &got));
    assert_string_equal(got.http_host, "shop.example");
}

static void test_http(void **state)
{
    struct port port = {.target = 8000, .protocol = "tcp"};
    const char *const check[] = {"CMD", "curl", "-f", "http://localhost:8000/health"};
    const struct infer_image image = {.healthcheck = check, .healthcheck_count = 4};
    struct service s = {
        .name = "backend", .image = "acme/backend", .ports = &port, .port_count = 1};
    (void)state;
    none(&s, NULL);
    struct probe_spec got = one(&s, &image);
    assert_int_equal(got.kind, PROBE_HTTP);
    assert_string_equal(got.path, "/health");
    s.port_count = 0; /* nobody is told of the port: it may be on the loopback only */
    none(&s, &image);
    s.expose = LIST("7000-8000/tcp");
    assert_int_equal(one(&s, &image).port, 8000);
    s.healthcheck.disable = true;
    none(&s, &image);
}

static void test_declared(void **state)
{
    struct probe_spec declared = {.kind = PROBE_POSTGRES, .database = "other"};
    struct service s = {.name = "db",
                        .image = "postgres",
                        .environment = ENV({"POSTGRES_PASSWORD", "pencil"}),
                        .ready = {.probes = &declared, .count = 1}};
    (void)state;
    struct probe_spec got = one(&s, NULL);
    assert_int_equal(got.origin, PROBE_DECLARED);
    assert_string_equal(got.database, "other");
    assert_string_equal(got.user, "postgres");
    assert_string_equal(got.password, "pencil");
    assert_false(got.lenient);
    declared.user = "stranger"; /* the guessed password is not theirs */
    assert_null(one(&s, NULL).password);
    declared = (struct probe_spec){.kind = PROBE_TCP, .port = 9187};
    struct probe_spec *list = NULL;
    assert_int_equal(infer(&s, NULL, &list), 2);
    s.ready.disabled = true;
    none(&s, NULL);
}

static void test_tcp(void **state)
{
    struct service s = {.name = "mq", .image = "rabbitmq:3-management"};
    (void)state;
    assert_int_equal(one(&s, NULL).port, 5672);
    s.healthcheck.test = LIST("CMD", "rabbitmq-diagnostics", "ping");
    none(&s, NULL);
    s = (struct service){.name = "my", .image = NULL};
    none(&s, NULL);
}

static void test_mysql(void **state)
{
    struct service s = {
        .name = "db",
        .image = "mysql:8",
        .environment = ENV({"MYSQL_ROOT_PASSWORD", "pencil"}, {"MYSQL_DATABASE", "shop"})};
    (void)state;
    struct probe_spec got = one(&s, NULL);
    assert_int_equal(got.kind, PROBE_MYSQL);
    assert_string_equal(got.user, "root");
    assert_string_equal(got.password, "pencil");
    assert_string_equal(got.database, "shop");
    assert_false(got.lenient);
    s.environment = ENV({"MYSQL_ROOT_PASSWORD", "pencil"}, {"MYSQL_ROOT_HOST", "localhost"});
    got = one(&s, NULL);
    assert_null(got.password);
    assert_true(got.lenient);
    s.image = "mariadb:11";
    s.environment = ENV({"MARIADB_USER", "me"}, {"MARIADB_PASSWORD", "other"});
    s.command = LIST("mariadbd", "--port=3307", "--character-set-server=utf8mb4");
    got = one(&s, NULL);
    assert_string_equal(got.user, "me");
    assert_int_equal(got.port, 3307);
    assert_true(got.lenient);
    s.command = LIST("--bind-address=127.0.0.1");
    none(&s, NULL);
    s.command = LIST("mysqldump", "-h", "db");
    none(&s, NULL);
}

static int free_arena(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_postgres),
        cmocka_unit_test(test_postgres_client),
        cmocka_unit_test(test_postgres_by_image),
        cmocka_unit_test(test_secret_files),
        cmocka_unit_test(test_redis),
        cmocka_unit_test(test_curl),
        cmocka_unit_test(test_http),
        cmocka_unit_test(test_declared),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_mysql),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
