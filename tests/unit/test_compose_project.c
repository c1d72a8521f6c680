/*
 * From a file to the typed project: what each key becomes, x-fettle, references, cycles, hashes.
 * The hashes were computed by docker compose 2.40.3 for the same text in the same directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "compose/load.h"
#include "compose/output.h"

static const char directory[] = "/tmp/fettle-unit-compose";

struct loaded {
    struct project *project;
    struct diags diags;
    int rc;
};

static struct loaded load(const char *text, const char *service, unsigned flags)
{
    static const char *const environment[] = {"HOME=/root", "FROM_SHELL=1", NULL};
    char *file = xasprintf("%s-%d.yaml", directory, (int)getpid());
    const char *files[] = {file};
    struct loaded l = {0};
    struct compose_options o = {.files = files,
                                .file_count = 1,
                                .project_name = "p",
                                .project_directory = directory,
                                .services = &service,
                                .service_count = service != NULL,
                                .environment = environment,
                                .cwd = "/",
                                .flags = flags};
    assert_int_equal(path_write_file(file, text, strlen(text), 0600, NULL), 0);
    l.rc = compose_load(&o, &l.project, &l.diags);
    unlink(file);
    free(file);
    return l;
}

static void release(struct loaded *l)
{
    project_free(l->project);
    diags_release(&l->diags);
}

static const char whole[] =
    "services:\n"
    "  web:\n"
    "    image: nginx\n"
    "    command: run 'a b'\n"
    "    ports: [\"127.0.0.1:8080:80\"]\n"
    "    environment: [A=1, FROM_SHELL, UNSET]\n"
    "    volumes: [\"data:/data:ro\", \"./src:/src\", /anon]\n"
    "    depends_on: {db: {condition: service_healthy, restart: true}}\n"
    "    links: [cache:c]\n"
    "    networks: {back: {priority: 1}, front: {priority: 10, aliases: [w]}}\n"
    "    deploy: {replicas: 2, resources: {limits: {cpus: '0.5', memory: 64m}}}\n"
    "    restart: on-failure:3\n"
    "    stop_grace_period: 1m30s\n"
    "    extra_hosts: {h: 10.0.0.1}\n"
    "    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5}\n"
    "    x-fettle: {ready: [{http: {path: /health, status: 200-299}}, {tcp: {port: 80}, timeout: "
    "2m}]}\n"
    "  db:\n"
    "    image: postgres\n"
    "    healthcheck: {test: pg_isready, interval: 10s, retries: 3}\n"
    "    x-fettle: {ready: {postgres: {database: d, tables: [a, b]}}}\n"
    "    networks: [back]\n"
    "  cache: {image: redis, networks: [back], x-fettle: {ready: false}}\n"
    "  extra: {image: x, profiles: [p]}\n"
    "volumes: {data: {}, unused: {}}\n"
    "networks: {front: {}, back: {driver: bridge}}\n";

static void check_web(const struct project *p)
{
    const struct service *web = project_service(p, "web");
    bool present = false;
    assert_string_equal(web->command.items[1], "a b");
    assert_string_equal(web->ports[0].host_ip, "127.0.0.1");
    assert_string_equal(web->ports[0].published, "8080");
    assert_int_equal(web->ports[0].target, 80);
    assert_int_equal(web->ports[0].at.line, 5);
    assert_string_equal(key_values_get(&web->environment, "FROM_SHELL", NULL), "1");
    assert_null(key_values_get(&web->environment, "UNSET", &present));
    assert_true(present);
    assert_int_equal(web->mount_count, 3);
    assert_true(web->mounts[0].type == MOUNT_VOLUME && web->mounts[0].read_only);
    assert_string_equal(web->mounts[1].source, "/tmp/fettle-unit-compose/src");
    assert_null(web->mounts[2].source);
    assert_int_equal(web->depends_on_count, 2);
    assert_string_equal(web->depends_on[0].service, "cache");
    assert_true(web->depends_on[0].implied && web->depends_on[0].restart);
    assert_true(web->depends_on[1].condition == CONDITION_HEALTHY && !web->depends_on[1].implied);
    assert_string_equal(web->networks[0].network, "front"); /* the higher priority */
    assert_int_equal(web->replicas, 2);
    assert_int_equal(web->deploy.limits.memory, 64 << 20);
    assert_string_equal(web->restart.name, "on-failure");
    assert_int_equal(web->restart.max_retries, 3);
    assert_int_equal(web->stop_grace_period, INT64_C(90000000000));
    assert_string_equal(web->extra_hosts.items[0], "h:10.0.0.1");
    assert_int_equal(web->ulimits[1].soft, 5);
}

static void check_ready(const struct project *p)
{
    const struct readiness *web = &project_service(p, "web")->ready;
    const struct readiness *db = &project_service(p, "db")->ready;
    assert_int_equal(web->count, 2);
    assert_true(web->probes[0].kind == PROBE_HTTP);
    assert_string_equal(web->probes[0].path, "/health");
    assert_int_equal(web->probes[0].status.to, 299);
    assert_true(web->probes[1].kind == PROBE_TCP && web->probes[1].port == 80);
    assert_int_equal(web->timeout, INT64_C(120000000000));
    assert_true(db->probes[0].kind == PROBE_POSTGRES);
    assert_int_equal(db->probes[0].table_count, 2);
    assert_string_equal(db->probes[0].tables[1], "b");
    assert_true(project_service(p, "cache")->ready.disabled);
}

static void test_whole(void **state)
{
    struct loaded l = load(whole, NULL, 0);
    (void)state;
    assert_int_equal(l.rc, 0);
    assert_int_equal(l.project->service_count, 3);
    assert_string_equal(l.project->disabled.items[0], "extra");
    assert_int_equal(l.project->network_count, 2); /* no default one: nobody is on it */
    assert_int_equal(l.project->volume_count, 1);  /* unused is dropped */
    assert_string_equal(l.project->volumes[0].name, "p_data");
    check_web(l.project);
    check_ready(l.project);
    release(&l);
}

static void test_hashes(void **state)
{
    struct loaded l = load(whole, NULL, 0);
    (void)state;
    assert_int_equal(l.rc, 0);
    assert_string_equal(project_service(l.project, "db")->config_hash,
                        "c4476344a7b970c0799c710f8777c1dfc33570c8096ff9ac663ec6419d5a41a1");
    assert_string_equal(project_service(l.project, "cache")->config_hash,
                        "6efae84df2aa8c8bd056ce26a2fd1dcc42c1de8f76a339ea54a8f5171f915171");
    assert_null(project_service(l.project, "db")->hash_text);
    release(&l);
}

static void test_shared_namespace_is_hashed_with_the_id(void **state)
{
    struct loaded l = load(
        "services:\n  a: {image: x, network_mode: 'service:b', volumes_from: [b]}\n"
        "  b: {image: y}\n",
        NULL, 0);
    const char *text = NULL;
    (void)state;
    assert_int_equal(l.rc, 0);
    text = project_service(l.project, "a")->hash_text;
    assert_non_null(strstr(text, "\"network_mode\":\"container:\x01"
                                 "b\x02\""));
    assert_non_null(strstr(text, "\"volumes_from\":[\"\x01"
                                 "b\x02\"]"));
    release(&l);
}

static void test_naming_a_service_selects_its_dependencies(void **state)
{
    struct loaded l = load(whole, "db", 0);
    (void)state;
    assert_int_equal(l.rc, 0);
    assert_int_equal(l.project->service_count, 1);
    assert_int_equal(l.project->network_count, 1);
    release(&l);
    l = load(whole, "extra", 0); /* its profile becomes active */
    assert_int_equal(l.rc, 0);
    assert_non_null(project_service(l.project, "extra"));
    release(&l);
    l = load(whole, "wbe", 0);
    assert_int_equal(l.rc, -ERR_COMPOSE);
    assert_string_equal(l.diags.items[0].hint, "did you mean \"web\"?");
    release(&l);
}

static const struct {
    const char *text, *message, *hint;
} bads[] = {
    {"services: {a: {image: x, networks: [fornt]}}\nnetworks: {front: {}}\n",
     "network \"fornt\" is not defined", "did you mean \"front\"?"},
    {"services: {a: {image: x, volumes: ['data:/x']}}\n", "volume \"data\" is not defined",
     "add it at top level, under volumes"},
    {"services: {a: {image: x, secrets: [k]}}\n", "secret \"k\" is not defined",
     "add it at top level, under secrets"},
    {"services: {a: {}}\n", "service \"a\" has neither an image nor a build section",
     "add image: NAME, or build: DIRECTORY"},
    {"services: {a: {image: x, depends_on: [bb]}, bbb: {image: x}}\n",
     "depends on undefined service \"bb\"", "did you mean \"bbb\"?"},
    {"services: {a: {image: x, container_name: nn, scale: 2}}\n",
     "2 containers cannot all have the name \"nn\"", "remove container_name, or run one container"},
    {"services: {a: {image: x, container_name: nn}, b: {image: x, container_name: nn}}\n",
     "\"nn\" is the name of service \"a\" already", "choose another name"},
    {"services: {a: {image: x, healthcheck: {test: [curl, x]}}}\n", "the list starts with \"curl\"",
     "write [\"CMD\", ...], [\"CMD-SHELL\", \"...\"] or [\"NONE\"]"},
    {"services: {a: {image: x, mem_limit: 5q}}\n",
     "expected a size such as 512m or 1.5g, got \"5q\"", ""},
    {"services: {a: {image: x, stop_grace_period: '10'}}\n",
     "expected a duration such as 30s, 1m30s or 500ms, got '10'", "write 10s"},
    {"services: {a: {image: x, x-fettle: {ready: {http: 8}}}}\n",
     "http: expected a mapping, got a whole number",
     "write http: {path: ...}, with port: where it is another"},
    {"services: {a: {image: x, x-fettle: {redy: {}}}}\n", "unknown key \"redy\" in x-fettle",
     "did you mean \"ready\"?"},
    {"services: {a: {image: x, x-fettle: {ready: {http: {pth: /}}}}}\n",
     "unknown key \"pth\" in http", "did you mean \"path\"?"},
    {"services: {a: {image: x, x-fettle: {ready: {http: {status: 99}}}}}\n",
     "http.status cannot be read", "expected a status such as 200 or \"200-299\""},
};

static void test_problems(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
        struct loaded l = load(bads[i].text, NULL, 0);
        assert_int_equal(l.rc, -ERR_COMPOSE);
        assert_int_equal(l.diags.errors, 1);
        assert_string_equal(l.diags.items[0].message, bads[i].message);
        assert_string_equal(l.diags.items[0].hint, bads[i].hint);
        assert_true(l.diags.items[0].line == 1 && l.diags.items[0].col > 1);
        release(&l);
    }
}

/* A required variable is told once, in the file's own words where it has some. */
static void test_missing_variables(void **state)
{
    struct loaded l = load("services:\n"
                           "  a:\n"
                           "    image: x:${TAG}\n"
                           "    command: [\"${NAME:?is not set, see README}\", \"${TAG:?}\"]\n"
                           "    user: ${WHO:?WHO must be set}\n"
                           "    hostname: ${OTHER}\n",
                           NULL, 0);
    (void)state;
    assert_int_equal(l.rc, -ERR_COMPOSE);
    assert_int_equal(l.diags.errors, 3);
    assert_int_equal(l.diags.len, 4);
    assert_string_equal(l.diags.items[0].message, "NAME: is not set, see README");
    assert_string_equal(l.diags.items[0].hint, "set it in the environment or in .env");
    assert_string_equal(l.diags.items[1].message, "required variable TAG is missing a value");
    assert_string_equal(l.diags.items[2].message, "WHO must be set");
    assert_string_equal(l.diags.items[3].message,
                        "The \"OTHER\" variable is not set. Defaulting to a blank string.");
    release(&l);
}

/* After an error short forms are still read; what holds a variable is not told twice. */
static void test_short_forms_after_an_error(void **state)
{
    struct loaded l = load("services:\n"
                           "  a:\n"
                           "    image: x\n"
                           "    prots: [\"1:1\"]\n"
                           "    ports: [\"80:80:80:80\", \"${A:?}:80\", \"90:90\", \"a$$b\"]\n"
                           "    devices: [\"a:b:c:d\"]\n"
                           "    volumes: [\"data:/x\"]\n"
                           "---\n"
                           "services:\n"
                           "  b: {imagee: x}\n",
                           NULL, 0);
    static const char *const paths[] = {
        "services.a.ports[1]", "services.a", "services.a.devices[0]",
        "services.a.ports[0]", "services.b", "services.a.volumes"};
    (void)state;
    assert_int_equal(l.diags.len, ARRAY_LEN(paths));
    for (size_t i = 0; i < l.diags.len; i++) {
        assert_string_equal(l.diags.items[i].path, paths[i]);
    }
    release(&l);
}

static void test_unknown_services(void **state)
{
    static const char text[] = "services: {web: {image: x}, db: {image: x}}\n";
    struct loaded l = load(text, "nosuch", 0);
    (void)state;
    assert_int_equal(l.diags.errors, 1);
    assert_string_equal(l.diags.items[0].hint, "the project has: web, db");
    release(&l);
}

static void test_cycle_names_every_edge(void **state)
{
    struct loaded l = load("services:\n"
                           "  a: {image: x, depends_on: [b]}\n"
                           "  b: {image: x, depends_on: [c]}\n"
                           "  c: {image: x, depends_on: [a]}\n"
                           "  d: {image: x, depends_on: [a]}\n",
                           NULL, 0);
    (void)state;
    assert_int_equal(l.rc, -ERR_COMPOSE);
    assert_int_equal(l.diags.errors, 1);
    assert_string_equal(l.diags.items[0].message, "dependency cycle: a -> b -> c -> a");
    assert_non_null(strstr(l.diags.items[0].hint, "b needs c at "));
    assert_non_null(strstr(l.diags.items[0].hint, ".yaml:4"));
    release(&l);
}

static void test_long_chains_are_no_problem(void **state)
{
    enum { COUNT = 3000 };
    struct buf text = BUF_INIT;
    struct loaded l = {0};
    (void)state;
    buf_str(&text, "services:\n");
    for (int i = 0; i < COUNT; i++) {
        buf_printf(&text, "  s%d: {image: x, depends_on: [s%d]}\n", i, i + 1);
    }
    buf_printf(&text, "  s%d: {image: x}\n", COUNT);
    l = load(buf_text(&text), NULL, 0);
    assert_int_equal(l.rc, 0);
    assert_int_equal(l.project->service_count, COUNT + 1);
    release(&l);
    buf_release(&text);
}

static void test_dollar_is_doubled(void **state)
{
    struct loaded l = load("services: {a: {image: x, labels: {k: 'a$$b'}}}\n", NULL, 0);
    struct buf json = BUF_INIT, yaml = BUF_INIT;
    (void)state;
    assert_int_equal(l.rc, 0);
    output_json(l.project, &json);
    output_yaml(l.project, &yaml);
    assert_non_null(strstr(buf_text(&json), "\"k\": \"a$$b\""));
    assert_non_null(strstr(buf_text(&yaml), "k: a$$b"));
    assert_string_equal(key_values_get(&l.project->services[0].labels, "k", NULL), "a$b");
    buf_release(&json);
    buf_release(&yaml);
    release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_shared_namespace_is_hashed_with_the_id),
        cmocka_unit_test(test_naming_a_service_selects_its_dependencies),
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_missing_variables),
        cmocka_unit_test(test_short_forms_after_an_error),
        cmocka_unit_test(test_unknown_services),
        cmocka_unit_test(test_cycle_names_every_edge),
        cmocka_unit_test(test_long_chains_are_no_problem),
        cmocka_unit_test(test_dollar_is_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
