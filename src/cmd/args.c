/*
 * Parsing of the command line by option tables. Knows tables and words, no command; driven by
 * main.c: once for the global options, once for the command's own.
 */
#include "cmd/args.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

static size_t table_length(const struct option *options)
{
    size_t n = 0;
    while (options && options[n].name) {
        n++;
    }
    return n;
}

void args_init(struct args *a, const struct option *options, struct args *outer)
{
    *a = (struct args){.options = options, .outer = outer};
    a->option_count = table_length(options);
    a->values = xcalloc(a->option_count + 1, sizeof(*a->values));
    for (size_t i = 0; i < a->option_count; i++) {
        a->values[i].on = (options[i].bits & OPTION_DEFAULT_TRUE) != 0;
    }
}

void args_release(struct args *a)
{
    for (size_t i = 0; i < a->option_count; i++) {
        vec_release(&a->values[i].list);
    }
    free(a->values);
    vec_release(&a->positional);
    strv_release(&a->warnings);
    *a = (struct args){0};
}

static const struct option *by_name(const struct args *a, const char *name, size_t len,
                                    struct arg_value **ret_value)
{
    for (; a; a = a->outer) {
        for (size_t i = 0; i < a->option_count; i++) {
            if (strlen(a->options[i].name) == len && strncmp(a->options[i].name, name, len) == 0) {
                *ret_value = &a->values[i];
                return &a->options[i];
            }
        }
    }
    return NULL;
}

/* Letters of the global options are not looked for after the command: -f and -p mean others. */
static const struct option *by_letter(const struct args *a, char letter,
                                      struct arg_value **ret_value)
{
    for (size_t i = 0; i < a->option_count; i++) {
        if (a->options[i].letter == letter) {
            *ret_value = &a->values[i];
            return &a->options[i];
        }
    }
    return NULL;
}

static int unknown(const struct args *a, const char *word, struct err *err)
{
    const char *names[256];
    size_t count = 0, len = strcspn(word, "=");
    CLEANUP_FREE char *name = xstrndup(word, len);
    const char *nearest = NULL;
    for (const struct args *t = a; t; t = t->outer) {
        for (size_t i = 0; i < t->option_count && count < ARRAY_LEN(names); i++) {
            if (!(t->options[i].bits & OPTION_HIDDEN)) {
                names[count++] = t->options[i].name;
            }
        }
    }
    if (str_starts(name, "--")) {
        nearest = str_nearest(name + 2, names, count);
    }
    err_set(err, ERR_USAGE, "unknown option %s", name);
    if (nearest) {
        err_hint(err, "did you mean --%s?", nearest);
    }
    return -ERR_USAGE;
}

static int parse_flag(const struct option *o, const char *text, bool *ret, struct err *err)
{
    static const char *const yes[] = {"true", "1", "t", "T", "TRUE", "True"};
    static const char *const no[] = {"false", "0", "f", "F", "FALSE", "False"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (str_eq(text, yes[i]) || str_eq(text, no[i])) {
            *ret = str_eq(text, yes[i]);
            return 0;
        }
    }
    return err_set(err, ERR_USAGE, "--%s takes true or false, not \"%s\"", o->name, text);
}

static int check_choice(const struct option *o, const char *text, struct err *err)
{
    CLEANUP_STRV struct strv choices = {0};
    if (!o->choices) {
        return 0;
    }
    str_split(o->choices, ' ', &choices);
    if (strv_contains(&choices, text)) {
        return 0;
    }
    err_set(err, ERR_USAGE, "--%s cannot be \"%s\"", o->name, text);
    const char *nearest = str_nearest(text, (const char *const *)choices.items, choices.len);
    if (nearest) {
        err_hint(err, "did you mean %s?", nearest);
    } else {
        CLEANUP_FREE char *list = xstrdup(o->choices);
        for (char *p = list; *p; p++) {
            *p = *p == ' ' ? '|' : *p;
        }
        err_hint(err, "choose one of %s", list);
    }
    return -ERR_USAGE;
}

/* text is NULL for a flag without "=". */
static int store(struct args *a, const struct option *o, struct arg_value *v, const char *text,
                 struct err *err)
{
    int rc = 0;
    if (o->bits & OPTION_REFUSED) {
        err_set(err, ERR_UNSUPPORTED, "--%s is not supported: %s", o->name, o->note);
        return -ERR_UNSUPPORTED;
    }
    if ((o->bits & OPTION_DEPRECATED) && !v->set) {
        strv_take(&a->warnings, xasprintf("--%s is deprecated: %s", o->name, o->note));
    }
    switch (o->kind) {
    case OPTION_FLAG:
        v->on = true;
        rc = text ? parse_flag(o, text, &v->on, err) : 0;
        break;
    case OPTION_NUMBER:
        rc = parse_int(text, INT32_MIN, INT32_MAX, &v->number, NULL);
        if (rc) {
            rc = err_set(err, ERR_USAGE, "--%s takes a number, not \"%s\"", o->name, text);
        }
        v->text = text;
        break;
    case OPTION_LIST:
        rc = check_choice(o, text, err);
        vec_push(&v->list, (void *)(uintptr_t)text);
        break;
    case OPTION_TEXT:
    case OPTION_KIND_COUNT:
        rc = check_choice(o, text, err);
        v->text = text;
        break;
    }
    v->set = true;
    return rc;
}

static int missing_value(const struct option *o, const char *shown, struct err *err)
{
    return err_set(err, ERR_USAGE, "%s needs a value: %s %s", shown, shown,
                   o->value ? o->value : "VALUE");
}

/* "--name", "--name=value", "--name value"; *i moves past what was used. */
static int parse_long(struct args *a, int argc, char *const *argv, int *i, struct err *err)
{
    const char *word = argv[*i] + 2;
    size_t len = strcspn(word, "=");
    const char *text = word[len] == '=' ? word + len + 1 : NULL;
    struct arg_value *v = NULL;
    const struct option *o = by_name(a, word, len, &v);
    if (!o && len == 4 && strncmp(word, "help", 4) == 0) {
        a->help = true;
        return 0;
    }
    if (!o) {
        return unknown(a, argv[*i], err);
    }
    if (o->kind != OPTION_FLAG && !text) {
        if (*i + 1 >= argc) {
            return missing_value(o, argv[*i], err);
        }
        text = argv[++*i];
    }
    return store(a, o, v, text, err);
}

/* A cluster: "-aq", "-n5", "-n 5", "-e=K=V". */
static int parse_short(struct args *a, int argc, char *const *argv, int *i, struct err *err)
{
    const char *p = argv[*i] + 1;
    while (*p) {
        struct arg_value *v = NULL;
        char shown[3] = {'-', *p, '\0'};
        const struct option *o = by_letter(a, *p, &v);
        const char *text = NULL;
        int rc = 0;
        if (!o && *p == 'h') {
            a->help = true;
            p++;
            continue;
        }
        if (!o) {
            err_set(err, ERR_USAGE, "unknown option %s%s%s", shown,
                    p[1] || p > argv[*i] + 1 ? " in " : "",
                    p[1] || p > argv[*i] + 1 ? argv[*i] : "");
            return -ERR_USAGE;
        }
        p++;
        if (o->kind == OPTION_FLAG && *p != '=') {
            rc = store(a, o, v, NULL, err);
            if (rc) {
                return rc;
            }
            continue;
        }
        if (*p) {
            text = *p == '=' ? p + 1 : p;
        } else if (*i + 1 < argc) {
            text = argv[++*i];
        } else {
            return missing_value(o, shown, err);
        }
        return store(a, o, v, text, err);
    }
    return 0;
}

int args_parse(struct args *a, int argc, char *const *argv, bool stop_at_argument, struct err *err)
{
    bool options_over = false;
    int rc = 0;
    for (int i = 0; i < argc && rc == 0; i++) {
        const char *word = argv[i];
        if (options_over || word[0] != '-' || word[1] == '\0') {
            vec_push(&a->positional, argv[i]);
            options_over = options_over || stop_at_argument;
        } else if (strcmp(word, "--") == 0) {
            options_over = true;
        } else if (word[1] == '-') {
            rc = parse_long(a, argc, argv, &i, err);
        } else {
            rc = parse_short(a, argc, argv, &i, err);
        }
    }
    a->argv = (const char *const *)a->positional.items;
    a->argc = a->positional.len;
    return rc;
}

static const struct option *need(const struct args *a, const char *name, struct arg_value **ret)
{
    const struct option *o = by_name(a, name, strlen(name), ret);
    assert(o && "the option is in a table");
    return o;
}

bool args_set(const struct args *a, const char *name)
{
    struct arg_value *v = NULL;
    need(a, name, &v);
    return v->set;
}

bool args_flag(const struct args *a, const char *name)
{
    struct arg_value *v = NULL;
    need(a, name, &v);
    return v->on;
}

const char *args_text(const struct args *a, const char *name)
{
    struct arg_value *v = NULL;
    const struct option *o = need(a, name, &v);
    return v->text ? v->text : o->fallback;
}

int64_t args_number(const struct args *a, const char *name, int64_t fallback)
{
    struct arg_value *v = NULL;
    need(a, name, &v);
    return v->set ? v->number : fallback;
}

const struct vec *args_list(const struct args *a, const char *name)
{
    struct arg_value *v = NULL;
    need(a, name, &v);
    return &v->list;
}
