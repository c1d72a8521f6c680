/*
 * PostgreSQL and Redis by image, command and environment, and a few servers known by their port.
 * The contracts are those of the images' own documentation. Pure.
 */
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "probe/infer_types.h"

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], text) == 0) {
            return true;
        }
    }
    return false;
}
#define ONE_OF(text, list) is_one_of((text), (list), ARRAY_LEN(list))

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_operator(const char *word)
{
    return *word && strchr("|&;<>", *word) != NULL;
}

/* Programs that talk to a server: what follows them names one, it does not run one. */
static const char *const clients[] = {
    "psql",           "pg_isready",    "pg_dump",      "pg_dumpall",
    "pg_restore",     "pg_basebackup", "createdb",     "dropdb",
    "createuser",     "vacuumdb",      "reindexdb",    "pgbench",
    "redis-cli",      "valkey-cli",    "keydb-cli",    "redis-benchmark",
    "mysql",          "mysqladmin",    "mysqldump",    "mysqlimport",
    "mysqlcheck",     "mariadb",       "mariadb-dump", "mariadb-admin",
    "mariadb-backup",
};

/*
 * Where the arguments of the server begin: behind its name in the command line; 0 when the command
 * line is only options for it (or empty); SIZE_MAX when something else runs. The value of an option
 * ("psql -U postgres") and the arguments of a client are no server.
 */
static size_t server_args(const struct subject *s, const char *const *names, size_t count)
{
    bool first = true, client = false;
    for (size_t i = 0; i < s->words.len; i++) {
        const char *word = s->words.items[i], *before = i ? s->words.items[i - 1] : "";
        if (is_operator(word)) {
            first = true;
            continue;
        }
        if (first) {
            client = ONE_OF(base_name(word), clients);
            first = strcmp(word, "exec") == 0 || strcmp(word, "env") == 0 ||
                    (strchr(word, '=') && *word != '-'); /* what runs comes after these */
        }
        if (!client && (*before != '-' || strcmp(before, "--") == 0) &&
            is_one_of(base_name(word), names, count)) {
            return i + 1;
        }
    }
    const struct string_list *command = &s->service->command;
    if (s->service->entrypoint.set) {
        return SIZE_MAX;
    }
    return !command->set || command->count == 0 || *command->items[0] == '-' ? 0 : SIZE_MAX;
}

/* The value of "--name=value" or "--name value" at *i; moves *i over it. NULL when it is not that.
 */
static const char *option_value(const struct strv *words, size_t *i, const char *name)
{
    const char *word = words->items[*i];
    size_t n = strlen(name);
    if (!word || strncmp(word, name, n) != 0) { /* the list ends with NULL */
        return NULL;
    }
    if (word[n] == '=') {
        return word + n + 1;
    }
    if (!word[n] && *i + 1 < words->len) {
        return words->items[++*i];
    }
    /* "-p5433", but not "--portable" */
    return n == 2 && word[n] ? word + n : NULL;
}

static bool is_loopback(const char *address)
{
    return !*address || strcmp(address, "localhost") == 0 || strcmp(address, "127.0.0.1") == 0 ||
           strcmp(address, "::1") == 0;
}

/* --- PostgreSQL --- */

static const char *const pg_images[] = {
    "postgres",       "postgresql", "postgis",    "timescaledb",
    "timescaledb-ha", "pgvector",   "pgvecto-rs", "citus",
};

/* A health check that asks the server beside it. */
static bool checks_pg_here(const struct subject *s)
{
    size_t count = 0;
    const char *const *test = subject_healthcheck(s, &count);
    for (size_t i = 1; i < count; i++) {
        const char *word = strstr(test[i], "pg_isready");
        if (word && !strstr(word, "-h ") && !strstr(word, "--host") && i + 1 < count) {
            for (size_t k = i + 1; k < count; k++) {
                if (str_starts(test[k], "-h") || str_starts(test[k], "--host")) {
                    return false;
                }
            }
        }
        if (word) {
            return !strstr(word, "-h ") && !strstr(word, "--host");
        }
    }
    return false;
}

static bool is_pg_image(const struct subject *s)
{
    return ONE_OF(s->image_name, pg_images) ||
           (subject_image_env(s, "PGDATA") && subject_exposes(s, 5432)) || checks_pg_here(s);
}

/* Reads the server's options; false when it does not listen on the network. */
static bool read_pg_args(const struct subject *s, size_t from, struct probe_spec *ret)
{
    for (size_t i = from; i < s->words.len && !is_operator(s->words.items[i]); i++) {
        const char *value = NULL, *address = NULL, *port = NULL;
        if ((value = option_value(&s->words, &i, "-c")) != NULL) {
            port = str_starts(value, "port=") ? value + 5 : NULL;
            address = str_starts(value, "listen_addresses=") ? value + 17 : NULL;
        } else if ((value = option_value(&s->words, &i, "-p")) != NULL ||
                   (value = option_value(&s->words, &i, "--port")) != NULL) {
            port = value;
        } else if ((value = option_value(&s->words, &i, "-h")) != NULL ||
                   (value = option_value(&s->words, &i, "--listen_addresses")) != NULL) {
            address = value;
        }
        if (port && parse_port(port, &ret->port, NULL) < 0) {
            return false;
        }
        if (address && (is_loopback(address) || strcmp(address, "''") == 0)) {
            return false;
        }
    }
    return true;
}

static const char *first_set(const char *a, const char *b)
{
    return str_empty(a) ? b : a;
}

bool infer_postgres(const struct subject *s, struct probe_spec *ret)
{
    static const char *const names[] = {"postgres", "postmaster"};
    bool bitnami = str_starts(s->image_space, "bitnami");
    size_t from = server_args(s, names, ARRAY_LEN(names));
    if (!is_pg_image(s) || from == SIZE_MAX) {
        return false;
    }
    const char *port = subject_env(s, bitnami ? "POSTGRESQL_PORT_NUMBER" : "PGPORT");
    if (!str_empty(port) && parse_port(port, &ret->port, NULL) < 0) {
        return false;
    }
    if (!read_pg_args(s, from, ret)) {
        return false;
    }
    const char *user = subject_secret(s, "POSTGRES_USER");
    const char *password = subject_secret(s, "POSTGRES_PASSWORD");
    const char *database = subject_secret(s, "POSTGRES_DB");
    if (bitnami) {
        user = first_set(subject_env(s, "POSTGRESQL_USERNAME"), user);
        password = first_set(subject_secret(s, "POSTGRESQL_PASSWORD"), password);
        database = first_set(subject_env(s, "POSTGRESQL_DATABASE"), database);
    }
    ret->user = first_set(user, "postgres");
    ret->password = str_empty(password) ? NULL : password;
    /* "postgres" exists in every cluster, whatever an old volume was initialised with. */
    ret->database = first_set(database, "postgres");
    /* The environment only counts on the first run. It is taken at its word when somebody else in
     * the project relies on the same password and database. */
    ret->lenient = !subject_others_know(s, password) ||
                   (!str_empty(database) && !subject_others_know(s, database));
    return true;
}

/* --- MySQL and MariaDB --- */

static const char *const mysql_images[] = {"mysql", "mysql-server", "mariadb", "percona",
                                           "percona-server"};

static bool read_mysql_args(const struct subject *s, size_t from, struct probe_spec *ret)
{
    for (size_t i = from; i < s->words.len && !is_operator(s->words.items[i]); i++) {
        const char *value = NULL;
        if (strcmp(s->words.items[i], "--skip-networking") == 0) {
            return false;
        }
        if ((value = option_value(&s->words, &i, "--port")) != NULL) {
            if (parse_port(value, &ret->port, NULL) < 0) {
                return false;
            }
        } else if ((value = option_value(&s->words, &i, "--bind-address")) != NULL &&
                   is_loopback(value)) {
            return false;
        }
    }
    return true;
}

/* MYSQL_x, or MARIADB_x as newer images of MariaDB have it. */
static const char *mysql_env(const struct subject *s, const char *name)
{
    return first_set(subject_secret(s, arena_printf(s->a, "MARIADB_%s", name)),
                     subject_secret(s, arena_printf(s->a, "MYSQL_%s", name)));
}

bool infer_mysql(const struct subject *s, struct probe_spec *ret)
{
    static const char *const names[] = {"mysqld", "mariadbd"};
    size_t from = server_args(s, names, ARRAY_LEN(names));
    if (!ONE_OF(s->image_name, mysql_images) || from == SIZE_MAX ||
        !read_mysql_args(s, from, ret)) {
        return false;
    }
    const char *root_host = mysql_env(s, "ROOT_HOST");
    const char *database = mysql_env(s, "DATABASE");
    ret->user = mysql_env(s, "USER");
    ret->password = mysql_env(s, "PASSWORD");
    if (str_empty(ret->user) || str_empty(ret->password)) {
        ret->user = "root";
        ret->password = str_empty(root_host) || strcmp(root_host, "%") == 0
                            ? mysql_env(s, "ROOT_PASSWORD")
                            : NULL; /* root may not come from where we are */
    }
    ret->database = database;
    ret->lenient = !subject_others_know(s, ret->password) ||
                   (!str_empty(database) && !subject_others_know(s, database));
    return true;
}

/* --- Redis and its relatives --- */

static const char *const redis_images[] = {
    "redis", "valkey", "keydb", "dragonfly", "redis-stack", "redis-stack-server",
};
static const char *const redis_servers[] = {
    "redis-server",
    "valkey-server",
    "keydb-server",
    "dragonfly",
};

struct redis_args {
    const char *port, *tls_port, *password, *user;
    bool loopback;
};

/* "--user app on >secret ~* +@all", as words or as one word. */
static void read_acl_user(const struct subject *s, const char *text, size_t *i,
                          struct redis_args *ret)
{
    CLEANUP_STRV struct strv rules = {0};
    str_split(text, ' ', &rules);
    while (*i + 1 < s->words.len && !str_starts(s->words.items[*i + 1], "--")) {
        strv_push(&rules, s->words.items[++*i]);
    }
    for (size_t k = 1; k < rules.len; k++) {
        if (*rules.items[k] == '>' && rules.items[k][1] && !ret->user) {
            ret->user = arena_strdup(s->a, rules.items[0]);
            ret->password = arena_strdup(s->a, rules.items[k] + 1);
        }
    }
}

static void read_redis_args(const struct subject *s, const struct strv *words, size_t from,
                            struct redis_args *ret)
{
    for (size_t i = from; i < words->len && !is_operator(words->items[i]); i++) {
        const char *value = NULL;
        if ((value = option_value(words, &i, "--requirepass")) != NULL) {
            ret->password = arena_strdup(s->a, value);
            ret->user = NULL;
        } else if ((value = option_value(words, &i, "--port")) != NULL) {
            ret->port = arena_strdup(s->a, value);
        } else if ((value = option_value(words, &i, "--tls-port")) != NULL) {
            ret->tls_port = arena_strdup(s->a, value);
        } else if ((value = option_value(words, &i, "--bind")) != NULL) {
            ret->loopback = is_loopback(value) &&
                            (i + 1 >= words->len || str_starts(words->items[i + 1], "--") ||
                             is_loopback(words->items[i + 1]));
        } else if (words == &s->words && !ret->password &&
                   (value = option_value(words, &i, "--user")) != NULL) {
            read_acl_user(s, value, &i, ret);
        }
    }
}

/* The password where the command line has none. */
static const char *redis_env_password(const struct subject *s)
{
    const char *password = subject_secret(s, "REDISCLI_AUTH");
    if (!password && str_starts(s->image_space, "bitnami")) {
        password = first_set(subject_secret(s, "REDIS_PASSWORD"),
                             subject_secret(s, "VALKEY_PASSWORD"));
    }
    return password;
}

bool infer_redis(const struct subject *s, struct probe_spec *ret)
{
    struct redis_args args = {0};
    size_t from = server_args(s, redis_servers, ARRAY_LEN(redis_servers));
    /* An image of another name counts when its command line names the server. */
    if (from == SIZE_MAX || (from == 0 && !ONE_OF(s->image_name, redis_images))) {
        return false;
    }
    const char *more = subject_env(s, "REDIS_ARGS"); /* redis-stack */
    if (!str_empty(more) && str_starts(s->image_name, "redis-stack")) {
        CLEANUP_STRV struct strv words = {0};
        if (infer_shell_words(s, more, &words)) {
            read_redis_args(s, &words, 0, &args);
        }
    }
    read_redis_args(s, &s->words, from, &args);
    bool no_plain = args.port && strcmp(args.port, "0") == 0;
    const char *port = no_plain ? args.tls_port : args.port;
    if (args.loopback || (no_plain && !args.tls_port) ||
        (port && parse_port(port, &ret->port, NULL) < 0)) {
        return false;
    }
    ret->tls = no_plain;
    ret->user = args.user;
    ret->password = args.password;
    if (str_empty(ret->password)) {
        ret->password = redis_env_password(s);
        ret->lenient = true;
    }
    ret->redis_write = true;
    return true;
}

/* --- others, by port alone --- */

bool infer_tcp(const struct subject *s, struct probe_spec *ret)
{
    static const struct {
        const char *image;
        uint16_t port;
    } servers[] = {{"rabbitmq", 5672}, {"memcached", 11211}, {"mongo", 27017}, {"nats", 4222}};
    size_t count = 0;
    subject_healthcheck(s, &count);
    if (count > 0 || s->service->command.set || s->service->entrypoint.set) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
        if (strcmp(servers[i].image, s->image_name) == 0) {
            ret->port = servers[i].port;
            return true;
        }
    }
    return false;
}
