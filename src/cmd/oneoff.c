/*
 * The service that `run` creates its container from: options of the command line laid over what the
 * files say.
 */
#include "cmd/oneoff.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/envfile.h"
#include "compose/dotenv.h"
#include "compose/short.h"
#include "compose/typed.h"
#include "engine/spec.h"

enum { ENV_FILE_MAX = 8 << 20, SLUG_BYTES = 32, NAME_DIGITS = 12 };

static struct string_list to_list(struct arena *arena, const struct vec *from)
{
    struct string_list list = {.count = from->len, .set = from->len > 0};
    list.items = arena_array(arena, from->len + 1, sizeof(*list.items));
    for (size_t i = 0; i < from->len; i++) {
        list.items[i] = from->items[i];
    }
    return list;
}

/* "K=V" each; "K" alone has no value (the project's counts), a label's is empty. */
static void add_pairs(struct arena *arena, struct key_values *to, const struct vec *items,
                      bool empty)
{
    for (size_t i = 0; i < items->len; i++) {
        const char *text = items->items[i], *eq = strchr(text, '=');
        to->items[to->count++] = (struct key_value){
            .key = eq ? arena_strndup(arena, text, (size_t)(eq - text)) : text,
            .value = eq      ? eq + 1
                     : empty ? ""
                             : NULL};
    }
    to->set = to->count > 0;
}

static const char *look_up(void *arg, const char *name)
{
    const struct project *p = arg;
    return key_values_get(&p->environment, name, NULL);
}

static int read_env_files(struct arena *arena, const struct project *project,
                          const struct vec *files, struct map *out, struct err *err)
{
    struct map warned = {0};
    struct diags diags = DIAGS_INIT;
    int rc = 0;
    for (size_t i = 0; !rc && i < files->len; i++) {
        CLEANUP_BUF struct buf text = BUF_INIT;
        rc = path_read_file(files->items[i], ENV_FILE_MAX, &text, err);
        if (!rc && dotenv_parse(arena, files->items[i], buf_text(&text), text.len, look_up,
                                (void *)(uintptr_t)project, &warned, out, &diags)) {
            rc = diags_to_err(&diags, err);
        }
    }
    diags_release(&diags);
    map_release(&warned);
    return rc;
}

static int environment_of(struct arena *arena, const struct project *project,
                          const struct args *args, struct key_values *ret, struct err *err)
{
    const struct vec *given = args_list(args, "env");
    struct map from_files = {0};
    int rc = read_env_files(arena, project, args_list(args, "env-from-file"), &from_files, err);
    if (!rc) {
        ret->items = arena_array(arena, from_files.len + given->len + 1, sizeof(*ret->items));
        MAP_FOREACH (e, &from_files) {
            ret->items[ret->count++] = (struct key_value){.key = arena_strdup(arena, e->key),
                                                          .value = e->value};
        }
        add_pairs(arena, ret, given, false);
        ret->set = ret->count > 0;
    }
    map_release(&from_files);
    return rc;
}

static int entrypoint_of(struct arena *arena, const struct args *args, struct string_list *ret,
                         struct err *err)
{
    CLEANUP_STRV struct strv words = {0};
    const char *text = args_text(args, "entrypoint");
    if (!args_set(args, "entrypoint")) {
        return 0;
    }
    if (!shell_words(text, &words)) {
        err_set(err, ERR_USAGE, "--entrypoint %s: a quote is left open", text);
        err_hint(err, "close it");
        return -ERR_USAGE;
    }
    ret->items = arena_array(arena, words.len + 1, sizeof(*ret->items));
    ret->set = true;
    for (size_t i = 0; i < words.len; i++) {
        ret->items[ret->count++] = arena_strdup(arena, words.items[i]);
    }
    return 0;
}

static int read_mounts(struct arena *arena, const struct project *project, const struct args *args,
                       struct spec_run *run, struct err *err)
{
    struct string_list ports = to_list(arena, args_list(args, "publish"));
    struct string_list mounts = to_list(arena, args_list(args, "volume"));
    CLEANUP_FREE char *cwd = getcwd(NULL, 0);
    struct port *port_items = NULL;
    struct mount *mount_items = NULL;
    int rc = short_ports(arena, ports.items, ports.count, &port_items, &run->port_count, err);
    rc = rc ? rc
            : short_mounts(arena, cwd ? cwd : project->working_dir,
                           key_values_get(&project->environment, "HOME", NULL), mounts.items,
                           mounts.count, &mount_items, &run->mount_count, err);
    run->ports = port_items;
    run->mounts = mount_items;
    return rc;
}

/* 64 hexadecimal digits; the name has the first twelve, as Compose's do. */
static int slug_of(struct arena *arena, const char **ret, struct err *err)
{
    unsigned char bytes[SLUG_BYTES];
    char *slug = arena_alloc(arena, SLUG_BYTES * 2 + 1);
    if (!env_random(NULL, bytes, sizeof(bytes))) {
        return err_set(err, ERR_IO, "the system gives no random bytes");
    }
    for (size_t i = 0; i < SLUG_BYTES; i++) {
        snprintf(slug + 2 * i, 3, "%02x", bytes[i]);
    }
    *ret = slug;
    return 0;
}

int oneoff_service(struct arena *arena, const struct project *project,
                   const struct service *service, const struct args *args, bool tty,
                   struct service **ret, struct plan_oneoff *ret_plan, struct err *err)
{
    const struct vec *labels = args_list(args, "label");
    struct spec_run run = {.user = args_text(args, "user"),
                           .working_dir = args_text(args, "workdir"),
                           .cap_add = to_list(arena, args_list(args, "cap-add")),
                           .cap_drop = to_list(arena, args_list(args, "cap-drop")),
                           .service_ports = args_flag(args, "service-ports"),
                           .tty = tty,
                           .interactive = args_flag(args, "interactive")};
    const char *slug = NULL;
    int rc = slug_of(arena, &slug, err);
    rc = rc ? rc : environment_of(arena, project, args, &run.environment, err);
    rc = rc ? rc : entrypoint_of(arena, args, &run.entrypoint, err);
    rc = rc ? rc : read_mounts(arena, project, args, &run, err);
    if (rc) {
        return rc;
    }
    run.labels.items = arena_array(arena, labels->len + 1, sizeof(*run.labels.items));
    add_pairs(arena, &run.labels, labels, true);
    run.command = (struct string_list){.set = args->argc > 1};
    run.command.items = arena_array(arena, args->argc, sizeof(*run.command.items));
    for (size_t i = 1; i < args->argc; i++) {
        run.command.items[run.command.count++] = args->argv[i];
    }
    run.name = args_text(args, "name");
    if (!run.name) {
        run.name = arena_printf(arena, "%s%c%s%crun%c%.*s", project->name, project->separator,
                                service->name, project->separator, project->separator, NAME_DIGITS,
                                slug);
    }
    *ret = spec_run_service(arena, project, service, &run);
    if (args_flag(args, "no-deps")) { /* the label says so */
        (*ret)->depends_on_count = 0;
    }
    *ret_plan = (struct plan_oneoff){.name = run.name,
                                     .slug = slug,
                                     .use_aliases = args_flag(args, "use-aliases"),
                                     .auto_remove = args_flag(args, "rm"),
                                     .attach_stdin = run.interactive && !args_flag(args, "detach")};
    return 0;
}
