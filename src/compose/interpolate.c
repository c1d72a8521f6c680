/*
 * Variables in values. Pure: the environment is a function, problems are diagnostics.
 */
#include "compose/interpolate.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "base/str.h"
#include "compose/path.h"

enum operator_kind {
    OP_NONE,
    OP_DEFAULT_EMPTY, /* :- */
    OP_DEFAULT,       /* - */
    OP_ERROR_EMPTY,   /* :? */
    OP_ERROR,         /* ? */
    OP_ALT_EMPTY,     /* :+ */
    OP_ALT            /* + */
};

struct variable {
    char *name;
    enum operator_kind op;
    const char *word; /* after the operator */
};

static size_t name_length(const char *s)
{
    size_t n = 0;
    if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_') {
        for (n = 1; (s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || s[n] == '_' ||
                    (s[n] >= '0' && s[n] <= '9');
             n++) {
        }
    }
    return n;
}

/* Index of the brace that closes the one at s[1] ("${..."), 0 when there is none. */
static size_t closing_brace(const char *s)
{
    int open = 0;
    for (size_t i = 0; s[i]; i++) {
        if (s[i] == '}' && --open == 0) {
            return i;
        }
        if (s[i] == '{') {
            open++;
            i += s[i + 1] != '\0'; /* the character after a brace never closes it */
        }
    }
    return 0;
}

/* The inside of ${...}: a name, an operator, a word. False when it is none of these. */
static bool read_variable(struct arena *a, const char *inside, struct variable *ret)
{
    size_t n = name_length(inside);
    const char *op = inside + n;
    if (!n) {
        return false;
    }
    *ret = (struct variable){.name = arena_strndup(a, inside, n), .word = ""};
    if (!*op) {
        return true;
    }
    bool colon = *op == ':';
    switch (op[colon]) {
    case '-':
        ret->op = colon ? OP_DEFAULT_EMPTY : OP_DEFAULT;
        break;
    case '?':
        ret->op = colon ? OP_ERROR_EMPTY : OP_ERROR;
        break;
    case '+':
        ret->op = colon ? OP_ALT_EMPTY : OP_ALT;
        break;
    default:
        return false;
    }
    ret->word = op + colon + 1;
    return !strchr(ret->word, '\n');
}

struct expansion {
    struct interpolation *in;
    const char *why;
    int depth;
    size_t budget; /* bytes that may still be written, all levels together */
};

static int expand(struct expansion *x, const char *text, struct buf *out);

static void warn_unset(struct interpolation *in, const char *name)
{
    if (in->warned && !map_has(in->warned, name)) {
        map_set(in->warned, name, in);
        diags_add(in->diags, DIAG_WARNING, (struct pos){0}, NULL, NULL,
                  "The \"%s\" variable is not set. Defaulting to a blank string.", name);
    }
}

static int put(struct expansion *x, struct buf *out, const char *text)
{
    size_t n = strlen(text);
    if (n > x->budget) {
        x->why = "the value becomes too large";
        return -ERR_COMPOSE;
    }
    x->budget -= n;
    buf_append(out, text, n);
    return 0;
}

static int expand_variable(struct expansion *x, const struct variable *v, struct buf *out)
{
    const char *value = x->in->lookup(x->in->arg, v->name);
    CLEANUP_BUF struct buf word = BUF_INIT;
    bool usable = value && (*value || v->op == OP_DEFAULT || v->op == OP_ERROR || v->op == OP_ALT);
    /* the word is worked out even when it is not needed: an error in it counts, as in Compose */
    int rc = expand(x, v->word, &word);
    if (rc) {
        return rc;
    }
    switch (v->op) {
    case OP_NONE:
        if (!value) {
            warn_unset(x->in, v->name);
        }
        return put(x, out, value ? value : "");
    case OP_DEFAULT_EMPTY:
    case OP_DEFAULT:
        return put(x, out, usable ? value : buf_text(&word));
    case OP_ERROR_EMPTY:
    case OP_ERROR:
        if (!usable) {
            x->why = arena_printf(x->in->arena, "required variable %s is missing a value%s%s",
                                  v->name, word.len ? ": " : "", buf_text(&word));
            return -ERR_COMPOSE;
        }
        return put(x, out, value);
    default:
        return put(x, out, usable ? buf_text(&word) : "");
    }
}

static int expand(struct expansion *x, const char *text, struct buf *out)
{
    if (++x->depth > INTERPOLATE_DEPTH_MAX) {
        x->why = "variables are nested too deeply";
        return -ERR_COMPOSE;
    }
    while (*text) {
        size_t plain = strcspn(text, "$");
        struct variable v = {.word = ""};
        buf_append(out, text, plain);
        text += plain;
        if (!*text) {
            break;
        }
        if (text[1] == '$') {
            buf_char(out, '$');
            text += 2;
        } else if (text[1] == '{') {
            size_t end = closing_brace(text + 1);
            CLEANUP_FREE char *inside = end ? xstrndup(text + 2, end - 1) : NULL;
            if (!end || !read_variable(x->in->arena, inside, &v)) {
                x->why = "invalid interpolation format";
                return -ERR_COMPOSE;
            }
            int rc = expand_variable(x, &v, out);
            if (rc) {
                return rc;
            }
            text += end + 2;
        } else if (name_length(text + 1)) {
            v.name = arena_strndup(x->in->arena, text + 1, name_length(text + 1));
            int rc = expand_variable(x, &v, out);
            if (rc) {
                return rc;
            }
            text += 1 + strlen(v.name);
        } else {
            buf_char(out, '$');
            text++;
        }
    }
    x->depth--;
    return 0;
}

int interpolate_text(struct interpolation *in, const char *text, const char **ret, const char **why)
{
    struct expansion x = {.in = in, .budget = INTERPOLATE_RESULT_MAX};
    CLEANUP_BUF struct buf out = BUF_INIT;
    int rc = expand(&x, text, &out);
    if (rc || out.failed) {
        *why = x.why ? x.why : "the value becomes too large";
        return -ERR_COMPOSE;
    }
    *ret = arena_strndup(in->arena, buf_text(&out), out.len);
    return 0;
}

/* --- casts --- */

enum cast { CAST_BOOL, CAST_INT, CAST_FLOAT };

/* Patterns: "*" is any one key, "[]" any one item. */
static const struct {
    const char *pattern;
    enum cast cast;
} casts[] = {
    {"configs.*.external", CAST_BOOL},
    {"networks.*.attachable", CAST_BOOL},
    {"networks.*.enable_ipv4", CAST_BOOL},
    {"networks.*.enable_ipv6", CAST_BOOL},
    {"networks.*.external", CAST_BOOL},
    {"networks.*.internal", CAST_BOOL},
    {"secrets.*.external", CAST_BOOL},
    {"services.*.configs.[].mode", CAST_INT},
    {"services.*.cpu_count", CAST_INT},
    {"services.*.cpu_percent", CAST_FLOAT},
    {"services.*.cpu_period", CAST_INT},
    {"services.*.cpu_quota", CAST_INT},
    {"services.*.cpu_rt_period", CAST_INT},
    {"services.*.cpu_rt_runtime", CAST_INT},
    {"services.*.cpu_shares", CAST_INT},
    {"services.*.cpus", CAST_FLOAT},
    {"services.*.deploy.placement.max_replicas_per_node", CAST_INT},
    {"services.*.deploy.replicas", CAST_INT},
    {"services.*.deploy.restart_policy.max_attempts", CAST_INT},
    {"services.*.deploy.rollback_config.max_failure_ratio", CAST_FLOAT},
    {"services.*.deploy.rollback_config.parallelism", CAST_INT},
    {"services.*.deploy.update_config.max_failure_ratio", CAST_FLOAT},
    {"services.*.deploy.update_config.parallelism", CAST_INT},
    {"services.*.healthcheck.disable", CAST_BOOL},
    {"services.*.healthcheck.retries", CAST_INT},
    {"services.*.init", CAST_BOOL},
    {"services.*.oom_kill_disable", CAST_BOOL},
    {"services.*.oom_score_adj", CAST_INT},
    {"services.*.pids_limit", CAST_INT},
    {"services.*.ports.[].target", CAST_INT},
    {"services.*.privileged", CAST_BOOL},
    {"services.*.read_only", CAST_BOOL},
    {"services.*.scale", CAST_INT},
    {"services.*.secrets.[].mode", CAST_INT},
    {"services.*.stdin_open", CAST_BOOL},
    {"services.*.tty", CAST_BOOL},
    {"services.*.ulimits.*", CAST_INT},
    {"services.*.ulimits.*.hard", CAST_INT},
    {"services.*.ulimits.*.soft", CAST_INT},
    {"services.*.volumes.[].read_only", CAST_BOOL},
    {"services.*.volumes.[].volume.nocopy", CAST_BOOL},
    {"volumes.*.external", CAST_BOOL},
};

struct walk {
    struct interpolation *in;
    struct key_path path;
    int rc;
};

static void problem(struct walk *w, struct pos at, const char *hint, const char *text)
{
    CLEANUP_FREE char *path = key_path_text(&w->path);
    w->rc = diags_add(w->in->diags, DIAG_ERROR, at, path, hint, "%s", text);
}

static void cast_bool(struct walk *w, struct node *n)
{
    static const char *const yes[] = {"y", "yes", "on"}, *const no[] = {"n", "no", "off"};
    for (size_t i = 0; i < 3; i++) {
        bool is_yes = str_eq_nocase(n->text, yes[i]);
        if (is_yes || str_eq_nocase(n->text, no[i])) {
            CLEANUP_FREE char *path = key_path_text(&w->path);
            diags_add(w->in->diags, DIAG_WARNING, n->at, path, "write true or false",
                      "\"%s\" for boolean is not supported by YAML 1.2, please use `%s`", n->text,
                      is_yes ? "true" : "false");
            *n = *node_bool(w->in->arena, n->at, is_yes);
            return;
        }
    }
    if (str_eq_nocase(n->text, "true") || str_eq_nocase(n->text, "false")) {
        *n = *node_bool(w->in->arena, n->at, str_eq_nocase(n->text, "true"));
    } else {
        problem(w, n->at, "expected true or false",
                arena_printf(w->in->arena, "'%.80s' is not a truth value", n->text));
    }
}

static void cast(struct walk *w, struct node *n)
{
    int64_t integer = 0;
    double real = 0;
    for (size_t i = 0; i < ARRAY_LEN(casts); i++) {
        if (!key_path_matches(&w->path, casts[i].pattern)) {
            continue;
        }
        if (casts[i].cast == CAST_BOOL) {
            cast_bool(w, n);
        } else if (casts[i].cast == CAST_INT) {
            if (parse_int(n->text, INT64_MIN, INT64_MAX, &integer, NULL)) {
                problem(w, n->at, "expected a whole number",
                        arena_printf(w->in->arena, "'%.80s' is not a whole number", n->text));
            } else {
                *n = *node_int(w->in->arena, n->at, integer);
            }
        } else if (parse_double(n->text, &real, NULL)) {
            problem(w, n->at, "expected a number",
                    arena_printf(w->in->arena, "'%.80s' is not a number", n->text));
        } else {
            *n = *node_float(w->in->arena, n->at, real);
        }
        return;
    }
}

static void walk(struct walk *w, struct node *n);

static void walk_text(struct walk *w, struct node *n)
{
    const char *text = NULL, *why = NULL;
    if (!strchr(n->text, '$')) {
        return;
    }
    if (interpolate_text(w->in, n->text, &text, &why)) {
        bool required = str_starts(why, "required variable");
        problem(w, n->at,
                required ? "set it in the environment or in .env"
                         : "write ${NAME}, ${NAME:-default} or ${NAME:?message}; a plain $ is $$",
                required ? why : arena_printf(w->in->arena, "%s in '%.120s'", why, n->text));
        return;
    }
    if (strcmp(text, n->text) != 0) {
        n->text = text;
        cast(w, n);
    }
}

static void walk(struct walk *w, struct node *n)
{
    if (n->kind == NODE_STRING) {
        walk_text(w, n);
    } else if (n->kind == NODE_LIST) {
        for (size_t i = 0; i < n->count; i++) {
            if (key_path_push_item(&w->path, i)) {
                walk(w, n->items[i]);
                key_path_pop(&w->path);
            }
        }
    } else if (n->kind == NODE_MAP) {
        NODE_ENTRIES(e, n)
        {
            if (key_path_push(&w->path, e->key)) {
                walk(w, e->value);
                key_path_pop(&w->path);
            }
        }
    }
}

int interpolate_tree(struct interpolation *in, struct node *root)
{
    struct walk w = {.in = in};
    walk(&w, root);
    return w.rc;
}

/* --- config --variables --- */

struct list_variables {
    struct arena *arena;
    interpolate_variable_fn *fn;
    void *arg;
    int depth;
};

static void list_text(struct list_variables *l, const char *text)
{
    if (++l->depth > INTERPOLATE_DEPTH_MAX) {
        l->depth--;
        return;
    }
    for (text = strchr(text, '$'); text; text = strchr(text, '$')) {
        struct variable v = {.word = ""};
        size_t end = text[1] == '{' ? closing_brace(text + 1) : 0;
        if (text[1] == '$') {
            text += 2;
            continue;
        }
        if (end) {
            CLEANUP_FREE char *inside = xstrndup(text + 2, end - 1);
            if (read_variable(l->arena, inside, &v)) {
                const char *word = arena_strdup(l->arena, v.word);
                bool is_default = v.op == OP_DEFAULT || v.op == OP_DEFAULT_EMPTY;
                bool is_alt = v.op == OP_ALT || v.op == OP_ALT_EMPTY;
                l->fn(l->arg, v.name, is_default ? word : NULL,
                      v.op == OP_ERROR || v.op == OP_ERROR_EMPTY, is_alt ? word : NULL);
                list_text(l, word);
            }
            text += end + 2;
        } else {
            size_t n = name_length(text + 1);
            if (n) {
                l->fn(l->arg, arena_strndup(l->arena, text + 1, n), NULL, false, NULL);
            }
            text += 1 + n;
        }
    }
    l->depth--;
}

static void list_node(struct list_variables *l, const struct node *n)
{
    if (n->kind == NODE_STRING) {
        list_text(l, n->text);
    } else if (n->kind == NODE_LIST) {
        for (size_t i = 0; i < n->count; i++) {
            list_node(l, n->items[i]);
        }
    } else if (n->kind == NODE_MAP) {
        NODE_ENTRIES(e, n)
        {
            list_node(l, e->value);
        }
    }
}

void interpolate_variables(struct arena *arena, const struct node *root,
                           interpolate_variable_fn *fn, void *arg)
{
    struct list_variables l = {arena, fn, arg, 0};
    list_node(&l, root);
}
