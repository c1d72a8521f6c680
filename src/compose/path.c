/*
 * Paths of keys and patterns over them. Pure.
 */
#include "compose/path.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static const char item[] = "[]";

void key_path_set(struct key_path *p, const char *text)
{
    p->depth = 0;
    snprintf(p->store, sizeof(p->store), "%s", text);
    for (char *at = p->store; *at;) {
        char *dot = strchr(at, '.');
        p->keys[p->depth++] = at;
        if (!dot) {
            break;
        }
        *dot = '\0';
        at = dot + 1;
    }
}

bool key_path_push(struct key_path *p, const char *key)
{
    if (p->depth == KEY_PATH_MAX) {
        return false;
    }
    p->keys[p->depth++] = key;
    return true;
}

bool key_path_push_item(struct key_path *p, size_t index)
{
    if (!key_path_push(p, item)) {
        return false;
    }
    p->index[p->depth - 1] = index;
    return true;
}

void key_path_pop(struct key_path *p)
{
    p->depth--;
}

bool key_path_matches(const struct key_path *p, const char *pattern)
{
    for (size_t i = 0; i < p->depth; i++) {
        size_t n = strcspn(pattern, ".");
        bool is_item = p->keys[i] == item;
        bool any = n == 1 && *pattern == '*' && !is_item;
        if (!n || !(any || (strlen(p->keys[i]) == n && memcmp(p->keys[i], pattern, n) == 0))) {
            return false;
        }
        pattern += n + (pattern[n] == '.');
    }
    return !*pattern;
}

char *key_path_text(const struct key_path *p)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < p->depth; i++) {
        if (p->keys[i] == item) {
            buf_printf(&b, "[%zu]", p->index[i]);
        } else {
            buf_printf(&b, "%s%s", b.len ? "." : "", p->keys[i]);
        }
    }
    return buf_steal(&b);
}
