/*
 * A small stand-in for `config`, for tests of compose/ alone: loads as the command line says and
 * prints. "bodies" prints what would be sent to the engine instead of the model.
 *   compose_config [-f FILE] [-p NAME] [--profile P] ... config [--format json] ... [SERVICE...]
 *   compose_config ... bodies API_MINOR
 */
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/vec.h"
#include "compose/load.h"
#include "compose/output.h"
#include "engine/spec.h"

extern char **environ;

struct command {
    struct strv files, env_files, profiles, services;
    const char *name, *directory, *format, *list, *hash;
    unsigned flags;
    int api_minor;
};

static bool global_option(struct command *c, const char *option, const char *value)
{
    if (str_eq(option, "-f") || str_eq(option, "--file")) {
        strv_push(&c->files, value);
    } else if (str_eq(option, "--env-file")) {
        strv_push(&c->env_files, value);
    } else if (str_eq(option, "--profile")) {
        strv_push(&c->profiles, value);
    } else if (str_eq(option, "-p") || str_eq(option, "--project-name")) {
        c->name = value;
    } else if (str_eq(option, "--project-directory") || str_eq(option, "--workdir")) {
        c->directory = value;
    } else if (str_eq(option, "--format")) {
        c->format = value;
    } else if (str_eq(option, "--hash")) {
        c->hash = value;
    } else {
        return false;
    }
    return true;
}

static bool flag(struct command *c, const char *option)
{
    static const struct {
        const char *name;
        unsigned flag;
    } flags[] = {
        {"--no-interpolate", COMPOSE_NO_INTERPOLATE | COMPOSE_RAW_TREE},
        {"--no-normalize", COMPOSE_NO_NORMALIZE},
        {"--no-path-resolution", COMPOSE_NO_PATHS},
        {"--no-consistency", COMPOSE_NO_CONSISTENCY},
        {"--no-env-resolution", 0}, /* of no effect in the reference */
        {"--all-resources", COMPOSE_ALL_RESOURCES},
        {"--compatibility", COMPOSE_COMPATIBILITY | COMPOSE_NO_NORMALIZE},
    };
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (str_eq(flags[i].name, option)) {
            c->flags |= flags[i].flag;
            return true;
        }
    }
    if (str_starts(option, "--")) {
        c->list = option + 2;
        return true;
    }
    return false;
}

static void parse_arguments(struct command *c, int argc, char **argv)
{
    bool command = false;
    for (int i = 1; i < argc; i++) {
        char *eq = str_starts(argv[i], "--") ? strchr(argv[i], '=') : NULL;
        if (eq) {
            *eq = '\0';
            global_option(c, argv[i], eq + 1);
        } else if (argv[i][0] == '-' && argv[i][1] && i + 1 < argc &&
                   global_option(c, argv[i], argv[i + 1])) {
            i++;
        } else if (argv[i][0] == '-') {
            flag(c, argv[i]);
        } else if (!command) {
            command = true;
            if (str_eq(argv[i], "bodies")) {
                c->api_minor = i + 1 < argc ? (int)strtod(argv[++i], NULL) : 41;
            }
        } else {
            strv_push(&c->services, argv[i]);
        }
    }
}

static void print_problems(const struct diags *diags)
{
    for (size_t i = 0; i < diags->len; i++) {
        const struct diag *d = &diags->items[i];
        fprintf(stderr, "%s:%d:%d: %s%s%s%s%s%s%s\n", d->file, d->line, d->col,
                d->level == DIAG_WARNING ? "warning: " : "", d->path, d->path[0] ? ": " : "",
                d->message, d->hint[0] ? " (" : "", d->hint, d->hint[0] ? ")" : "");
    }
}

/* Ids as the recording engine of the corpus makes them. */
static void fake_id(const char *prefix, const char *name, char ret[65])
{
    char *text = xasprintf("%s%s", prefix, name);
    unsigned char digest[32];
    EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < sizeof(digest); i++) {
        snprintf(ret + 2 * i, 3, "%02x", digest[i]);
    }
    free(text);
}

static struct spec_peer peer_items[64];
static char peer_ids[64][65];

static size_t peers(void *arg, const char *service, const struct spec_peer **ret)
{
    const struct project *project = arg;
    const struct service *s = project_service(project, service);
    size_t count = s && s->replicas > 0 ? (size_t)s->replicas : 0;
    for (size_t i = 0; i < count && i < ARRAY_LEN(peer_items); i++) {
        char *name = spec_container_name(project, s, (int)i + 1);
        fake_id("c:", name, peer_ids[i]);
        peer_items[i] = (struct spec_peer){.id = peer_ids[i], .name = name};
    }
    *ret = peer_items;
    return count;
}

static int add_container(const struct project *project, const struct service *s, int number,
                         int api_minor, json_t *out)
{
    struct spec_options o = {
        .api_minor = api_minor, .peers = peers, .peers_arg = (void *)(uintptr_t)project};
    struct spec_container c = {0};
    struct err err = {0};
    char *image = spec_image(project, s);
    char id[80] = "sha256:";
    json_t *connects = json_array();
    fake_id("i:", image, id + 7);
    free(image);
    o.image_id = id;
    if (spec_container(project, s, number, &o, &c, &err)) {
        fprintf(stderr, "%s: %s\n", err.subject, err.message);
        return 1;
    }
    for (size_t i = 0; i < c.connect_count; i++) {
        json_array_append_new(connects, json_pack("{s:s, s:O}", "network", c.connects[i].network,
                                                  "endpoint", c.connects[i].endpoint));
    }
    json_array_append_new(out, json_pack("{s:s, s:s?, s:O, s:o}", "name", c.name, "platform",
                                         c.platform, "body", c.body, "connects", connects));
    spec_container_release(&c);
    return 0;
}

static int print_bodies(const struct project *project, int api_minor)
{
    json_t *networks = json_array(), *volumes = json_array(), *containers = json_array();
    int rc = 0;
    for (size_t i = 0; i < project->network_count; i++) {
        if (!project->networks[i].external) {
            json_array_append_new(networks, spec_network(project, &project->networks[i]));
        }
    }
    for (size_t i = 0; i < project->volume_count; i++) {
        if (!project->volumes[i].external) {
            json_array_append_new(volumes, spec_volume(project, &project->volumes[i]));
        }
    }
    for (size_t i = 0; i < project->service_count && rc == 0; i++) {
        const struct service *s = &project->services[i];
        for (int number = 1; number <= s->replicas && !s->provider_type && rc == 0; number++) {
            rc = add_container(project, s, number, api_minor, containers);
        }
    }
    json_t *all = json_pack("{s:o, s:o, s:o}", "networks", networks, "volumes", volumes,
                            "containers", containers);
    json_dumpf(all, stdout, JSON_INDENT(1));
    json_decref(all);
    return rc;
}

static int print_model(const struct command *c, const struct project *project)
{
    struct buf out = BUF_INIT;
    bool json = str_eq(c->format, "json");
    if (str_eq(c->list, "variables")) {
        output_variables(project, json, &out);
    } else if (c->flags & COMPOSE_RAW_TREE) {
        output_raw(project, json, &out);
    } else if (c->hash) {
        output_hash(project, str_eq(c->hash, "*") ? NULL : c->hash, &out);
    } else if (str_eq(c->list, "services")) {
        output_services(project, &out);
    } else if (str_eq(c->list, "images")) {
        output_images(project, &out);
    } else if (str_eq(c->list, "networks")) {
        output_networks(project, &out);
    } else if (str_eq(c->list, "volumes")) {
        output_volumes(project, &out);
    } else if (str_eq(c->list, "models")) {
        output_models(project, &out);
    } else if (str_eq(c->list, "profiles")) {
        output_profiles(project, &out);
    } else if (str_eq(c->list, "environment")) {
        output_environment(project, &out);
    } else if (json) {
        output_json(project, &out);
    } else {
        output_yaml(project, &out);
    }
    fwrite(buf_text(&out), 1, out.len, stdout);
    buf_release(&out);
    return 0;
}

int main(int argc, char **argv)
{
    struct command c = {0};
    struct project *project = NULL;
    struct diags diags = DIAGS_INIT;
    int rc = 0;
    parse_arguments(&c, argc, argv);
    if (str_eq(c.list, "variables")) {
        c.flags |= COMPOSE_NO_INTERPOLATE | COMPOSE_RAW_TREE;
    }
    struct compose_options o = {
        .files = (const char *const *)c.files.items,
        .file_count = c.files.len,
        .project_directory = c.directory,
        .project_name = c.name,
        .env_files = (const char *const *)c.env_files.items,
        .env_file_count = c.env_files.len,
        .profiles = (const char *const *)c.profiles.items,
        .profile_count = c.profiles.len,
        .services = (const char *const *)c.services.items,
        .service_count = c.services.len,
        .environment = (const char *const *)environ,
        .flags = c.flags,
    };
    rc = compose_load(&o, &project, &diags);
    print_problems(&diags);
    if (rc == 0) {
        rc = c.api_minor ? print_bodies(project, c.api_minor) : print_model(&c, project);
        project_free(project);
    } else {
        rc = 3;
    }
    diags_release(&diags);
    strv_release(&c.files);
    strv_release(&c.env_files);
    strv_release(&c.profiles);
    strv_release(&c.services);
    return rc;
}
