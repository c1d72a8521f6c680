/*
 * The easy part of the shell's word splitting, for commands and health checks in shell form. What
 * is not easy is refused: then nothing is inferred. Pure.
 */
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "probe/infer_types.h"

struct lexer {
    const struct subject *s;
    const char *p;
    struct buf word;
    bool in_word;
    struct strv *out;
};

static void end_word(struct lexer *l)
{
    if (l->in_word) {
        strv_push(l->out, buf_text(&l->word));
    }
    buf_clear(&l->word);
    l->in_word = false;
}

/* $NAME, ${NAME}; at the '$'. Anything else after '$' is refused. */
static bool variable(struct lexer *l)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    char name[64];
    bool brace = l->p[1] == '{';
    const char *start = l->p + 1 + brace;
    size_t n = strspn(start, letters);
    if (n == 0 || n >= sizeof(name) || (brace && start[n] != '}')) {
        return false;
    }
    memcpy(name, start, n);
    name[n] = '\0';
    const char *value = l->s ? subject_env(l->s, name) : NULL;
    buf_str(&l->word, value ? value : "");
    l->p = start + n + brace;
    return true;
}

static bool double_quoted(struct lexer *l)
{
    l->p++;
    while (*l->p && *l->p != '"') {
        if (*l->p == '`') {
            return false;
        }
        if (*l->p == '$') {
            if (!variable(l)) {
                return false;
            }
            continue;
        }
        if (*l->p == '\\' && l->p[1] && strchr("\"\\$`", l->p[1])) {
            l->p++;
        }
        buf_char(&l->word, *l->p++);
    }
    return *l->p++ == '"';
}

static bool single_quoted(struct lexer *l)
{
    const char *end = strchr(l->p + 1, '\'');
    if (!end) {
        return false;
    }
    buf_append(&l->word, l->p + 1, (size_t)(end - l->p - 1));
    l->p = end + 1;
    return true;
}

static void operator_word(struct lexer *l)
{
    char text[3] = {*l->p, l->p[1] == *l->p ? *l->p : '\0', '\0'};
    end_word(l);
    strv_push(l->out, text);
    l->p += strlen(text);
}

/* One character or construct; false when it is too much. */
static bool lex(struct lexer *l)
{
    char c = *l->p;
    if (c == ' ' || c == '\t' || c == '\n') {
        end_word(l);
        l->p++;
        return true;
    }
    if (strchr("|&;", c)) {
        operator_word(l);
        return true;
    }
    if (strchr("`(){}*?[", c)) {
        return false;
    }
    if (c == '>' || c == '<') { /* a redirection: the words around it do not matter here */
        operator_word(l);
        return true;
    }
    l->in_word = true;
    switch (c) {
    case '"':
        return double_quoted(l);
    case '\'':
        return single_quoted(l);
    case '$':
        return variable(l);
    case '\\':
        l->p += l->p[1] ? 1 : 0;
        break;
    default:
        break;
    }
    buf_char(&l->word, *l->p++);
    return true;
}

bool infer_shell_words(const struct subject *s, const char *text, struct strv *out)
{
    struct strv words = {0};
    struct lexer l = {.s = s, .p = text, .out = &words};
    bool good = true;
    while (good && *l.p) {
        good = lex(&l);
    }
    end_word(&l);
    buf_release(&l.word);
    for (size_t i = 0; good && i < words.len; i++) {
        strv_push(out, words.items[i]);
    }
    strv_release(&words);
    return good;
}
