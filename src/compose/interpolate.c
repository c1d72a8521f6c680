/*
 * Variables in values. Pure: the environment is a function, problems are diagnostics.
 */
#include "compose/interpolate.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "base/str.h"
#include "compose/keypath.h"

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

/*
 * Index of the brace that closes the one at s[1] ("${..."), within the first `len` bytes; 0 when
 * there is none. As in the reference, the character behind an opening brace is never looked at.
 */
static size_t closing_brace(const char *s, size_t len)
{
    int open = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '}' && --open == 0) {
            return i;
        }
        if (s[i] == '{') {
            open++;
            i++;
        }
    }
    return 0;
}

/* The last closing brace of a line; looked up once a line. */
struct line {
    const char *end, *last_brace;
};

static const char *last_brace(struct line *line, const char *at)
{
    if (!line->end || at > line->end) {
        line->end = at + strcspn(at, "\n");
        line->last_brace = line->end;
        while (line->last_brace > at && *line->last_brace != '}') {
            line->last_brace--;
        }
        if (*line->last_brace != '}') {
            line->last_brace = NULL;
        }
    }
    return line->last_brace && line->last_brace >= at ? line->last_brace : NULL;
}

static enum operator_kind operator_at(const char *s)
{
    bool colon = *s == ':';
    switch (s[colon]) {
    case '-':
        return colon ? OP_DEFAULT_EMPTY : OP_DEFAULT;
    case '?':
        return colon ? OP_ERROR_EMPTY : OP_ERROR;
    case '+':
        return colon ? OP_ALT_EMPTY : OP_ALT;
    default:
        return OP_NONE;
    }
}

/*
 * Reads the variable at s ("${NAME...}"). The reference takes all up to the last brace of the line
 * and then looks for the balanced one in it; where the braces do not balance, the last one counts.
 * Returns its length, 0 when it is none. The word is copied.
 */
static size_t read_variable(struct arena *a, const char *s, struct line *line, struct variable *ret)
{
    size_t name = name_length(s + 2), end = 0;
    const char *op = s + 2 + name, *word = NULL, *last = NULL;
    if (!name) {
        return 0;
    }
    *ret = (struct variable){.name = arena_strndup(a, s + 2, name), .word = ""};
    if (*op == '}') {
        return (size_t)(op - s) + 1;
    }
    ret->op = operator_at(op);
    if (ret->op == OP_NONE) {
        return 0;
    }
    word = op + 1 + (*op == ':');
    last = last_brace(line, word);
    if (!last) {
        return 0;
    }
    end = closing_brace(s, (size_t)(last - s) + 1);
    end = end ? end : (size_t)(last - s);
    ret->word = arena_strndup(a, word, (size_t)(s + end - word));
    return end + 1;
}

struct expansion {
    struct interpolation *in;
    const char *why;
    int depth;
    size_t budget; /* bytes that may still be written, all levels together */
};

static int expand(struct expansion *x, const char *text, struct buf *out);

static const char unset_text[] = "The \"%s\" variable is not set. Defaulting to a blank string.";

static void warn_unset(struct interpolation *in, const char *name)
{
    if (in->warned && !map_has(in->warned, name)) {
        map_set(in->warned, name, in);
        diags_add(in->diags, DIAG_WARNING, in->at, NULL, "set it, or write ${NAME:-default}",
                  unset_text, name);
    }
}

/* An error about a variable stands for the warning, whichever comes first. */
static void warn_no_more(struct interpolation *in, const char *name)
{
    if (in->warned && map_has(in->warned, name)) {
        diags_drop_warning(in->diags, arena_printf(in->arena, unset_text, name));
    } else if (in->warned) {
        map_set(in->warned, name, in);
    }
}

/* The reference's words; where the file has words of its own, those, about the variable. */
static int missing(struct expansion *x, const char *name, const char *own_words)
{
    struct arena *a = x->in->arena;
    warn_no_more(x->in, name);
    x->in->missing = true;
    if (!*own_words) {
        x->why = arena_printf(a, "required variable %s is missing a value", name);
    } else if (strstr(own_words, name)) {
        x->why = arena_strdup(a, own_words);
    } else {
        x->why = arena_printf(a, "%s: %s", name, own_words);
    }
    return -ERR_COMPOSE;
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
        return usable ? put(x, out, value) : missing(x, v->name, buf_text(&word));
    default:
        return put(x, out, usable ? buf_text(&word) : "");
    }
}

/* What stands at a dollar sign; *text moves behind it. */
static int expand_dollar(struct expansion *x, const char **text, struct line *line, struct buf *out)
{
    struct variable v = {.word = ""};
    size_t len = 0;
    if ((*text)[1] == '$') {
        *text += 2;
        return put(x, out, "$");
    }
    if ((*text)[1] == '{') {
        len = read_variable(x->in->arena, *text, line, &v);
        if (!len) {
            x->why = "invalid interpolation format";
            return -ERR_COMPOSE;
        }
        *text += len;
        return expand_variable(x, &v, out);
    }
    len = name_length(*text + 1);
    if (!len) {
        (*text)++;
        return put(x, out, "$");
    }
    v.name = arena_strndup(x->in->arena, *text + 1, len);
    *text += 1 + len;
    return expand_variable(x, &v, out);
}

static int expand(struct expansion *x, const char *text, struct buf *out)
{
    struct line line = {0};
    int rc = 0;
    if (++x->depth > INTERPOLATE_DEPTH_MAX) {
        x->why = "variables are nested too deeply";
        return -ERR_COMPOSE;
    }
    while (!rc && *text) {
        size_t plain = strcspn(text, "$");
        buf_append(out, text, plain);
        text += plain;
        rc = *text ? expand_dollar(x, &text, &line, out) : 0;
    }
    x->depth--;
    return rc;
}

int interpolate_text(struct interpolation *in, const char *text, const char **ret, const char **why)
{
    struct expansion x = {.in = in, .budget = INTERPOLATE_RESULT_MAX};
    CLEANUP_BUF struct buf out = BUF_INIT;
    in->missing = false;
    in->total += strlen(text);
    if (in->total > INTERPOLATE_TOTAL_MAX) {
        *why = "the values become too large";
        return -ERR_COMPOSE;
    }
    int rc = expand(&x, text, &out);
    if (rc || out.failed) {
        *why = x.why ? x.why : "the value becomes too large";
        return -ERR_COMPOSE;
    }
    in->total += out.len;
    *ret = arena_strndup(in->arena, buf_text(&out), out.len);
    return 0;
}

/* --- casts --- */

enum cast { CAST_NONE, CAST_BOOL, CAST_INT, CAST_FLOAT };

static const struct rule_row casts[] = {
    {"configs.*.external", CAST_BOOL},
    {"networks.*.attachable", CAST_BOOL},
    {"networks.*.enable_ipv4", CAST_BOOL},
    {"networks.*.enable_ipv6", CAST_BOOL},
    {"networks.*.external", CAST_BOOL},
    {"networks.*.internal", CAST_BOOL},
    {"secrets.*.external", CAST_BOOL},
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
    int rc;
};

static void problem(struct walk *w, struct node *n, const struct keypath *path, const char *hint,
                    const char *text)
{
    w->rc = diags_add(w->in->diags, DIAG_ERROR, n->at, keypath_text(w->in->arena, path), hint, "%s",
                      text);
    n->tag = TAG_BROKEN;
}

static void become(struct node *n, const struct node *value)
{
    enum node_tag tag = n->tag;
    *n = *value;
    n->tag = tag;
}

static void cast_bool(struct walk *w, struct node *n, const struct keypath *path)
{
    static const char *const yes[] = {"true", "y", "yes", "on"};
    static const char *const no[] = {"false", "n", "no", "off"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        bool is_yes = str_eq_nocase(n->text, yes[i]);
        if (!is_yes && !str_eq_nocase(n->text, no[i])) {
            continue;
        }
        if (i > 0) {
            diags_add(w->in->diags, DIAG_WARNING, n->at, keypath_text(w->in->arena, path),
                      "write true or false",
                      "\"%s\" for boolean is not supported by YAML 1.2, please use `%s`", n->text,
                      is_yes ? "true" : "false");
        }
        become(n, node_bool(w->in->arena, n->at, is_yes));
        return;
    }
    problem(w, n, path, "expected true or false",
            arena_printf(w->in->arena, "'%.80s' is not a truth value", n->text));
}

/* Underscores may stand between digits. */
static int read_float(const char *text, double *ret)
{
    char plain[64];
    size_t len = 0;
    for (const char *p = text; *p && len < sizeof(plain) - 1; p++) {
        bool between = p > text && p[-1] >= '0' && p[-1] <= '9' && p[1] >= '0' && p[1] <= '9';
        if (*p != '_' || !between) {
            plain[len++] = *p;
        }
    }
    plain[len] = '\0';
    return parse_double(len < sizeof(plain) - 1 ? plain : text, ret, NULL);
}

static void cast(struct walk *w, struct node *n, enum cast kind, const struct keypath *path)
{
    int64_t integer = 0;
    double real = 0;
    switch (kind) {
    case CAST_BOOL:
        cast_bool(w, n, path);
        break;
    case CAST_INT:
        if (parse_int(n->text, INT64_MIN, INT64_MAX, &integer, NULL)) {
            problem(w, n, path, "expected a whole number",
                    arena_printf(w->in->arena, "'%.80s' is not a whole number", n->text));
        } else {
            become(n, node_int(w->in->arena, n->at, integer));
        }
        break;
    case CAST_FLOAT:
        if (read_float(n->text, &real)) {
            problem(w, n, path, "expected a number",
                    arena_printf(w->in->arena, "'%.80s' is not a number", n->text));
        } else {
            become(n, node_float(w->in->arena, n->at, real));
        }
        break;
    case CAST_NONE:
        break;
    }
}

static void walk_text(struct walk *w, struct node *n, const struct rule *rule,
                      const struct keypath *path)
{
    const char *text = NULL, *why = NULL;
    if (strchr(n->text, '$')) {
        w->in->at = n->at;
        if (interpolate_text(w->in, n->text, &text, &why)) {
            const char *hint = "write ${NAME}, ${NAME:-default} or ${NAME:?message}; a plain $ is "
                               "$$";
            if (w->in->missing) {
                hint = w->in->missing_hint ? w->in->missing_hint
                                           : "set it in the environment or in .env";
            } else {
                why = arena_printf(w->in->arena, "%s: '%.120s'", why, n->text);
            }
            problem(w, n, path, hint, why);
            return;
        }
        n->text = text;
    }
    cast(w, n, (enum cast)rule_value(rule), path);
}

static void walk(struct walk *w, struct node *n, const struct rule *rule,
                 const struct keypath *path)
{
    if (n->kind == NODE_STRING) {
        walk_text(w, n, rule, path);
    }
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++) {
        struct keypath step = {path, NULL, i};
        walk(w, n->items[i], rule_item(rule), &step);
    }
    for (size_t i = 0; n->kind == NODE_MAP && i < n->len; i++) {
        struct keypath step = {path, n->entries[i].key, 0};
        walk(w, n->entries[i].value, rule_key(rule, step.key), &step);
    }
}

int interpolate_tree(struct interpolation *in, struct node *root)
{
    struct walk w = {.in = in};
    walk(&w, root, rules_compile(in->arena, casts, ARRAY_LEN(casts)), NULL);
    return w.rc;
}

/* --- config --variables --- */

struct list_variables {
    struct arena *arena;
    interpolate_variable_fn *fn;
    void *arg;
    int depth;
};

static void list_text(struct list_variables *l, const char *text);

/* The variable at a dollar sign; returns what is behind it. */
static const char *list_dollar(struct list_variables *l, const char *text, struct line *line)
{
    struct variable v = {.word = ""};
    size_t len = 0;
    if (text[1] == '$') {
        return text + 2;
    }
    if (text[1] == '{') {
        len = read_variable(l->arena, text, line, &v);
        if (len) {
            bool is_default = v.op == OP_DEFAULT || v.op == OP_DEFAULT_EMPTY;
            bool is_alternate = v.op == OP_ALT || v.op == OP_ALT_EMPTY;
            l->fn(l->arg, v.name, is_default ? v.word : NULL,
                  v.op == OP_ERROR || v.op == OP_ERROR_EMPTY, is_alternate ? v.word : NULL);
            list_text(l, v.word);
        }
        return text + (len ? len : 2);
    }
    len = name_length(text + 1);
    if (len) {
        l->fn(l->arg, arena_strndup(l->arena, text + 1, len), NULL, false, NULL);
    }
    return text + 1 + len;
}

static void list_text(struct list_variables *l, const char *text)
{
    struct line line = {0};
    if (l->depth >= INTERPOLATE_DEPTH_MAX) {
        return;
    }
    l->depth++;
    for (text = strchr(text, '$'); text; text = strchr(text, '$')) {
        text = list_dollar(l, text, &line);
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
