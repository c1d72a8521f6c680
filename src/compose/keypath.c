/*
 * Paths into a tree and rules at such paths. Pure. Tables are compiled once a load, so that a walk
 * over ten thousand services costs one short look-up a key.
 */
#include "compose/keypath.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"

enum { PATH_DEPTH_MAX = 512 };

const char *keypath_text(struct arena *a, const struct keypath *path)
{
    const struct keypath *steps[PATH_DEPTH_MAX];
    size_t count = 0;
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (; path && count < PATH_DEPTH_MAX; path = path->up) {
        steps[count++] = path;
    }
    while (count) {
        /* cppcheck-suppress uninitvar ; the loop above has filled what is read */
        const struct keypath *step = steps[--count];
        if (!step->key) {
            buf_printf(&text, "[%zu]", step->index);
        } else {
            buf_printf(&text, "%s%s", text.len ? "." : "", step->key);
        }
    }
    return arena_strdup(a, buf_text(&text));
}

static struct rule *find_child(const struct rule *parent, const char *key, size_t len)
{
    for (const struct rule *child = parent->children; child; child = child->next) {
        if (strlen(child->key) == len && memcmp(child->key, key, len) == 0) {
            return (struct rule *)(uintptr_t)child;
        }
    }
    return NULL;
}

const struct rule *rules_compile(struct arena *a, const struct rule_row *rows, size_t count)
{
    struct rule *root = arena_alloc(a, sizeof(*root));
    root->key = "";
    for (size_t i = 0; i < count; i++) {
        struct rule *at = root;
        for (const char *p = rows[i].pattern; *p;) {
            size_t len = strcspn(p, ".");
            struct rule *child = find_child(at, p, len);
            if (!child) {
                child = arena_alloc(a, sizeof(*child));
                child->key = arena_strndup(a, p, len);
                child->next = at->children;
                at->children = child;
            }
            at = child;
            p += len;
            p += *p == '.';
        }
        at->value = rows[i].value;
    }
    return root;
}

const struct rule *rule_key(const struct rule *rule, const char *key)
{
    const struct rule *any = NULL;
    for (const struct rule *child = rule ? rule->children : NULL; child; child = child->next) {
        if (strcmp(child->key, key) == 0) {
            return child;
        }
        if (strcmp(child->key, "*") == 0) {
            any = child;
        }
    }
    return any;
}

const struct rule *rule_item(const struct rule *rule)
{
    return rule_key(rule, "[]");
}

int rule_value(const struct rule *rule)
{
    return rule ? rule->value : 0;
}
