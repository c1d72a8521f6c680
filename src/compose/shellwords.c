/*
 * Commands written as one string. Pure. The rules are those of the library that the reference
 * uses, not a shell's: see COMPOSE facts on command strings.
 */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "compose/typed.h"

struct words {
    struct buf word;
    bool in_word; /* a word has begun, even when it is empty ('') */
    bool escaped, single_quoted, double_quoted, back_quoted, substitution;
    struct strv *out;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void end_word(struct words *w)
{
    if (w->in_word) {
        strv_push(w->out, buf_text(&w->word));
    }
    buf_clear(&w->word);
    w->in_word = false;
}

static bool ends_in_dollar(const struct words *w)
{
    return w->word.len && w->word.data[w->word.len - 1] == '$';
}

enum step { STEP_APPEND, STEP_SWALLOW, STEP_STOP, STEP_FAIL };

static enum step quote(struct words *w, char c)
{
    bool *quoted = c == '"' ? &w->double_quoted : &w->single_quoted;
    bool other = c == '"' ? w->single_quoted : w->double_quoted;
    if (other || w->substitution) {
        return STEP_APPEND;
    }
    w->in_word = w->in_word || *quoted;
    *quoted = !*quoted;
    return STEP_SWALLOW;
}

static enum step operator(struct words *w, char c) {
    if (w->single_quoted || w->double_quoted || w->back_quoted ||
        w->substitution){return STEP_APPEND;}
if (c == '>' && w->word.len && isdigit((unsigned char)w->word.data[0]))
{
    w->in_word = false; /* the number of a descriptor: 2>file */
}
return STEP_STOP;
}

static enum step special(struct words *w, char c)
{
    bool quoted = w->single_quoted || w->double_quoted;
    switch (c) {
    case '`':
        w->back_quoted ^= !quoted && !w->substitution;
        return STEP_APPEND;
    case ')':
        w->substitution ^= !quoted && !w->back_quoted;
        return STEP_APPEND;
    case '(':
        if (quoted || w->back_quoted) {
            return STEP_APPEND;
        }
        if (w->substitution || !ends_in_dollar(w)) {
            return STEP_FAIL;
        }
        w->substitution = true;
        return STEP_APPEND;
    case '"':
    case '\'':
        return quote(w, c);
    case ';':
    case '&':
    case '|':
    case '<':
    case '>':
        return operator(w, c);
    default:
        return STEP_APPEND;
    }
}

static enum step next(struct words *w, char c)
{
    if (w->escaped) {
        w->escaped = false;
        return STEP_APPEND;
    }
    if (c == '\\' && !w->single_quoted) {
        w->escaped = true;
        return STEP_SWALLOW;
    }
    if (c == '\\') {
        buf_char(&w->word, c);
        return STEP_SWALLOW;
    }
    if (is_blank(c)) {
        if (w->single_quoted || w->double_quoted || w->back_quoted || w->substitution) {
            buf_char(&w->word, c);
        } else {
            end_word(w);
        }
        return STEP_SWALLOW;
    }
    return special(w, c);
}

bool shell_words(const char *line, struct strv *out)
{
    struct words w = {.out = out};
    enum step step = STEP_APPEND;
    for (; *line && step != STEP_STOP && step != STEP_FAIL; line++) {
        step = next(&w, *line);
        if (step == STEP_APPEND) {
            buf_char(&w.word, *line);
            w.in_word = true;
        }
    }
    end_word(&w);
    buf_release(&w.word);
    return step != STEP_FAIL && !w.escaped && !w.single_quoted && !w.double_quoted &&
           !w.back_quoted && !w.substitution;
}
