/*
 * What a command works on: the engine, chosen and connected, and the project, loaded with all its
 * problems printed. Everything from the process (environment, directory) is read here and handed
 * down.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/context.h"
#include "compose/load.h"
#include "engine/docker/docker.h"
#include "engine/engine.h"
#include "model/project.h"

static const char *env_or(const char *value, const char *name)
{
    return str_empty(value) ? getenv(name) : value;
}

int context_endpoint(struct cmd_context *ctx, struct endpoint *ret, struct err *err)
{
    struct endpoint_options o = {
        .engine = env_or(args_text(ctx->globals, "engine"), "FETTLE_ENGINE"),
        .context = args_text(ctx->globals, "context"),
        .host = getenv("DOCKER_HOST"),
        .env_context = getenv("DOCKER_CONTEXT"),
        .config_dir = getenv("DOCKER_CONFIG"),
        .cert_path = getenv("DOCKER_CERT_PATH"),
        .tls = getenv("DOCKER_TLS"),
        .tls_verify = getenv("DOCKER_TLS_VERIFY"),
        .home = getenv("HOME"),
        .runtime_dir = getenv("XDG_RUNTIME_DIR"),
    };
    return endpoint_choose(&o, ret, err);
}

int context_engine(struct cmd_context *ctx, struct engine **ret, struct err *err)
{
    struct endpoint endpoint = {0};
    struct engine_transport *transport = NULL;
    struct docker_options options = {.api_version = getenv("DOCKER_API_VERSION"),
                                     .runtime_dir = getenv("XDG_RUNTIME_DIR")};
    int rc = 0;
    if (!ctx->engine) {
        rc = context_endpoint(ctx, &endpoint, err);
        rc = rc ? rc : docker_new(context_loop(ctx), &endpoint, &options, &transport, err);
        endpoint_release(&endpoint);
        if (rc) {
            return rc;
        }
        ctx->engine = engine_new(transport);
        engine_connect(ctx->engine, context_done, ctx);
        rc = context_wait(ctx, err);
    }
    *ret = ctx->engine;
    return rc;
}

extern char **environ;

static const char *const *items(const struct args *a, const char *name)
{
    return (const char *const *)args_list(a, name)->items;
}

static bool truth(const char *name)
{
    const char *v = getenv(name);
    return v && (str_eq_nocase(v, "1") || str_eq_nocase(v, "true") || str_eq_nocase(v, "yes") ||
                 str_eq_nocase(v, "on"));
}

void context_compose_options(struct cmd_context *ctx, unsigned flags, struct compose_options *ret)
{
    const struct args *g = ctx->globals;
    const char *directory = args_text(g, "project-directory");
    if (args_flag(g, "all-resources")) {
        flags |= COMPOSE_ALL_RESOURCES;
    }
    if (args_flag(g, "compatibility") || truth("COMPOSE_COMPATIBILITY")) {
        flags |= COMPOSE_COMPATIBILITY;
    }
    if (truth("COMPOSE_DISABLE_ENV_FILE")) {
        flags |= COMPOSE_NO_DOT_ENV;
    }
    *ret = (struct compose_options){
        .files = items(g, "file"),
        .project_directory = directory ? directory : args_text(g, "workdir"),
        .project_name = args_text(g, "project-name"),
        .env_files = items(g, "env-file"),
        .profiles = items(g, "profile"),
        .environment = (const char *const *)environ,
        .flags = flags,
    };
    ret->file_count = args_list(g, "file")->len;
    ret->env_file_count = args_list(g, "env-file")->len;
    ret->profile_count = args_list(g, "profile")->len;
}

/* The name when it is said without files. */
static const char *said_name(const struct cmd_context *ctx)
{
    return env_or(args_text(ctx->globals, "project-name"), "COMPOSE_PROJECT_NAME");
}

int context_project(struct cmd_context *ctx, unsigned flags, const char *const *services,
                    size_t service_count, struct project **ret, struct err *err)
{
    struct diags diags = DIAGS_INIT;
    struct compose_options o;
    int rc = 0;
    if (ctx->project || ctx->no_files) {
        *ret = ctx->project;
        return 0;
    }
    context_compose_options(ctx, flags & ~(unsigned)PROJECT_OPTIONAL, &o);
    o.services = services;
    o.service_count = service_count;
    rc = compose_load(&o, &ctx->project, &diags);
    if (rc && (flags & PROJECT_OPTIONAL) && !str_empty(said_name(ctx)) && rc == -ERR_NOT_FOUND) {
        ctx->no_files = true;
        rc = 0;
    } else {
        diags_sort(&diags);
        show_diags(ctx, &diags);
    }
    if (rc) {
        rc = -ERR_COMPOSE; /* also where there is no file */
        diags_to_err(&diags, err);
        ctx->told = true;
    }
    diags_release(&diags);
    *ret = ctx->project;
    return rc;
}

int context_name(struct cmd_context *ctx, const char **ret, struct err *err)
{
    struct project *p = NULL;
    int rc = context_project(ctx, PROJECT_OPTIONAL, NULL, 0, &p, err);
    if (rc == 0) {
        *ret = p ? p->name : said_name(ctx);
    }
    return rc;
}
