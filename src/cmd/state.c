/*
 * Files kept between runs. Written whole and renamed, so that a reader never sees half of one.
 */
#include "cmd/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "view/timeline.h"

enum { STATE_FILE_MAX = 16 << 20 };

char *state_path(const char *project, const char *file)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    /* The name ends up in a path: project names have no slash, but labels come from outside. */
    if (str_empty(project) || strchr(project, '/') || project[0] == '.') {
        return NULL;
    }
    if (!str_empty(state) && path_is_absolute(state)) {
        return xasprintf("%s/fettle/%s/%s", state, project, file);
    }
    return str_empty(home) ? NULL : xasprintf("%s/.local/state/fettle/%s/%s", home, project, file);
}

static void make_parents(const char *path)
{
    CLEANUP_FREE char *copy = xstrdup(path);
    for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(copy, 0700) && errno != EEXIST) {
            return; /* writing the file says what is wrong */
        }
        *p = '/';
    }
}

void state_save_timeline(const struct timeline *t)
{
    CLEANUP_FREE char *path = state_path(t->project, "timeline.json");
    struct err err = {0};
    if (!path) {
        return;
    }
    json_t *j = view_timeline(t);
    char *text = json_dumps(j, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
    make_parents(path);
    if (text && path_write_file(path, text, strlen(text), 0600, &err)) {
        log_debug("state", "%s", err.message);
    }
    free(text);
    json_decref(j);
}

int state_load_timeline(const char *project, struct timeline *ret, struct err *err)
{
    CLEANUP_FREE char *path = state_path(project, "timeline.json");
    CLEANUP_BUF struct buf b = BUF_INIT;
    json_error_t where;
    if (!path || !path_exists(path)) {
        err_set(err, ERR_NOT_FOUND, "no start of project %s is on record", project);
        err_hint(err, "fettle up keeps the timeline of each start");
        return -ERR_NOT_FOUND;
    }
    int rc = path_read_file(path, STATE_FILE_MAX, &b, err);
    if (rc) {
        return rc;
    }
    json_t *j = json_loadb(buf_text(&b), b.len, JSON_REJECT_DUPLICATES, &where);
    rc = view_timeline_read(j, ret, err);
    if (rc) {
        err_prefix(err, "%s", path);
    }
    json_decref(j);
    return rc;
}
