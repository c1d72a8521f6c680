/*
 * libfyaml's events to node trees. Knows YAML, not Compose, apart from the tags !reset and
 * !override that it notes. Works on text in memory. Bounded in size, depth and in what aliases may
 * multiply; an alias becomes a copy, because later steps change trees in place.
 */
#include "compose/yaml.h"

/* The header's helpers on the stack, which we forbid, are left out. */
#define FY_ALLOCA_COPY_FREE(str, len)
#define FY_ALLOCA_COPY_FREE_NO_NULL(str, len)
#include <ctype.h>
#include <libfyaml.h>
#include <stdint.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "compose/keypath.h"
#include "compose/scalar.h"

struct reader {
    struct fy_parser *parser;
    struct fy_diag *diag;
    struct arena *arena;
    struct diags *diags;
    const char *file;
    struct map anchors; /* name to node; &opened while the anchored collection is not complete */
    struct pos last;    /* where the event before this one was */
    size_t alias_nodes;
    int depth;
    bool syntax_error; /* the parser's own complaint, as the only problem */
};

enum { MEND_MAX = 100 };

static struct node opened;

/* Reads the node that starts with `event`, and frees the event. NULL after a problem. */
static struct node *read_node(struct reader *r, struct fy_event *event);

static struct pos event_pos(struct reader *r, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (mark) {
        r->last = (struct pos){r->file, mark->line + 1, mark->column + 1};
    }
    return r->last;
}

static struct node *fail(struct reader *r, struct pos at, const char *hint, const char *message)
{
    diags_add(r->diags, DIAG_ERROR, at, NULL, hint, "%s", message);
    return NULL;
}

/* What a person can do about the parser's more frequent complaints. */
static const char *syntax_hint(const char *message)
{
    static const char *const table[][2] = {
        {"multiline plain key", "check the indentation of this line and the one before it"},
        {"nested block mapping", "quote the value, because it holds \": \""},
        {"tab", "indent with spaces, not with tabs"},
        {"without closing quote", "close the quote"},
        {"plain scalar cannot start", "put the value in quotes"},
        {"invalid indentation", "align this line with its neighbours"},
        {"expected", "check the indentation of this line and the brackets before it"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strstr(message, table[i][0])) {
            return table[i][1];
        }
    }
    return NULL;
}

static void report_syntax(struct reader *r)
{
    void *iter = NULL;
    struct fy_diag_error *e = fy_diag_errors_iterate(r->diag, &iter);
    if (!e) {
        fail(r, r->last, NULL, "this is not valid YAML");
        return;
    }
    r->syntax_error = r->diags->len == 0;
    diags_add(r->diags, DIAG_ERROR, (struct pos){r->file, e->line, e->column}, NULL,
              syntax_hint(e->msg), "this is not valid YAML: %s", e->msg);
}

static struct fy_event *next_event(struct reader *r)
{
    struct fy_event *event = fy_parser_parse(r->parser);
    if (!event) {
        report_syntax(r);
    }
    return event;
}

static const char *token_text(struct reader *r, struct fy_token *token, size_t *ret_len)
{
    size_t len = 0;
    const char *text = token ? fy_token_get_text(token, &len) : NULL;
    *ret_len = text ? len : 0;
    return arena_strndup(r->arena, text ? text : "", text ? len : 0);
}

/* The text of a tag or anchor, NULL when there is none or the tag says nothing ("!"). */
static const char *mark_text(struct reader *r, struct fy_token *token)
{
    size_t len = 0;
    const char *text = token ? token_text(r, token, &len) : NULL;
    return text && strcmp(text, "!") != 0 ? text : NULL;
}

static enum node_tag tag_value(const char *tag)
{
    return str_eq(tag, "!reset") ? TAG_RESET : str_eq(tag, "!override") ? TAG_OVERRIDE : TAG_NONE;
}

/*
 * Trees hold no NUL; it is kept as the two bytes that UTF-8 has for it but does not allow. Outside
 * of double quotes it is the parser's own: it reads one behind an empty block at the end.
 */
static const char *without_nul(struct reader *r, const char *text, size_t len, bool keep)
{
    char *out = arena_alloc(r->arena, 2 * len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i]) {
            out[n++] = text[i];
        } else if (keep) {
            out[n++] = '\xc0';
            out[n++] = '\x80';
        }
    }
    return out;
}

static struct node *read_scalar(struct reader *r, struct fy_event *event, struct pos at)
{
    size_t len = 0;
    struct fy_token *token = event->scalar.value;
    const char *text = token_text(r, token, &len);
    const char *tag = mark_text(r, event->scalar.tag);
    bool plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;
    struct node *n = NULL;
    if (memchr(text, '\0', len)) {
        text = without_nul(r, text, len,
                           token && fy_token_scalar_style(token) == FYSS_DOUBLE_QUOTED);
    }
    if (tag) {
        n = scalar_tagged(r->arena, at, text, tag);
        if (!n) {
            diags_add(r->diags, DIAG_ERROR, at, NULL, "change the value or take the tag away",
                      "'%s' does not fit its tag !!%s", text, strrchr(tag, ':') + 1);
            return NULL;
        }
        n->tag = tag_value(tag) ? tag_value(tag) : n->tag;
    } else {
        n = plain ? scalar_resolve(r->arena, at, text) : node_string(r->arena, at, text);
    }
    return n;
}

static size_t count_nodes(const struct node *n, size_t limit)
{
    size_t count = 1;
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count && count <= limit; i++) {
        count += count_nodes(n->items[i], limit - count);
    }
    for (size_t i = 0; n->kind == NODE_MAP && i < n->len && count <= limit; i++) {
        count += count_nodes(n->entries[i].value, limit - count);
    }
    return count;
}

/* Notes an anchor; the reference's names are of letters, digits, - and _. */
static bool set_anchor(struct reader *r, const char *name, struct pos at, struct node *n)
{
    for (const char *p = name; *p; p++) {
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_') {
            diags_add(r->diags, DIAG_ERROR, at, NULL, "use letters, digits, - and _",
                      "'%s' is no name for an anchor", name);
            return false;
        }
    }
    map_set(&r->anchors, name, n);
    return true;
}

static struct node *read_alias(struct reader *r, struct fy_event *event, struct pos at)
{
    size_t len = 0;
    const char *name = token_text(r, event->alias.anchor, &len);
    const struct node *target = map_get(&r->anchors, name);
    if (!target) {
        diags_add(r->diags, DIAG_ERROR, at, NULL, "define it before its first use, as &name",
                  "there is no anchor '%s'", name);
        return NULL;
    }
    if (target == &opened) {
        diags_add(r->diags, DIAG_ERROR, at, NULL, "an alias cannot stand inside its own anchor",
                  "the anchor '%s' holds itself", name);
        return NULL;
    }
    r->alias_nodes += count_nodes(target, YAML_ALIAS_NODES_MAX);
    if (r->alias_nodes > YAML_ALIAS_NODES_MAX) {
        return fail(r, at, "use fewer aliases of large values",
                    "aliases make this document too large");
    }
    return node_copy(r->arena, target);
}

static struct node *read_list(struct reader *r, struct pos at)
{
    struct node *list = node_list(r->arena, at);
    for (;;) {
        struct node *item = NULL;
        struct fy_event *event = next_event(r);
        if (!event) {
            return NULL;
        }
        if (event->type == FYET_SEQUENCE_END) {
            fy_parser_event_free(r->parser, event);
            return list;
        }
        item = read_node(r, event);
        if (!item) {
            return NULL;
        }
        node_push(r->arena, list, item);
    }
}

/* Whether the key that `event` brings is the merge key, which a quoted "<<" is not. */
static bool is_merge_key(struct fy_event *event)
{
    size_t len = 0;
    const char *text = NULL;
    if (event->type != FYET_SCALAR || !event->scalar.value ||
        fy_token_scalar_style(event->scalar.value) != FYSS_PLAIN) {
        return false;
    }
    text = fy_token_get_text(event->scalar.value, &len);
    return text && len == 2 && memcmp(text, "<<", 2) == 0;
}

static void merge_map(struct reader *r, struct node *map, const struct node *from)
{
    NODE_ENTRIES(entry, from)
    {
        if (!node_entry(map, entry->key)) {
            node_set(r->arena, map, entry->key, entry->at, entry->value);
        }
    }
}

/* Adds what `<<` brings; the map's own keys and earlier sources win. */
static bool merge_sources(struct reader *r, struct node *map, const struct node *merge)
{
    bool good = merge->kind == NODE_MAP || merge->kind == NODE_LIST;
    if (merge->kind == NODE_MAP) {
        merge_map(r, map, merge);
    }
    for (size_t i = 0; merge->kind == NODE_LIST && i < merge->count; i++) {
        if (merge->items[i]->kind != NODE_MAP) {
            good = false;
            break;
        }
        merge_map(r, map, merge->items[i]);
    }
    if (!good) {
        fail(r, merge->at, "write <<: *anchor or <<: [*one, *two]",
             "the merge key << wants a mapping or a list of mappings");
    }
    return good;
}

/* A key with its value into the map, or into *merge. */
static bool read_entry(struct reader *r, struct node *map, struct fy_event *event,
                       struct node **merge)
{
    bool merging = is_merge_key(event);
    struct node *key = read_node(r, event);
    struct node *value = NULL;
    const struct node_entry *before = NULL;
    if (!key) {
        return false;
    }
    if (key->kind != NODE_STRING || key->tag == TAG_DATE) {
        diags_add(r->diags, DIAG_ERROR, key->at, NULL,
                  key->kind == NODE_LIST || key->kind == NODE_MAP
                      ? "write a text before the colon; quote text that begins with [ or {"
                      : "put the key in quotes",
                  "the key is %s, expected a string", node_kind_name(key->kind));
        return false;
    }
    before = node_entry(map, key->text);
    if (before || (merging && *merge)) {
        diags_add(r->diags, DIAG_ERROR, key->at, NULL,
                  merging ? "write one <<: [*one, *two]" : "remove one of them",
                  "the key '%s' is here twice, first in line %d", key->text,
                  before ? before->at.line : (*merge)->at.line);
        return false;
    }
    event = next_event(r);
    value = event ? read_node(r, event) : NULL;
    if (!value) {
        return false;
    }
    if (merging) {
        *merge = value;
    } else {
        node_set(r->arena, map, key->text, key->at, value);
    }
    return true;
}

static struct node *read_map(struct reader *r, struct pos at)
{
    struct node *map = node_map(r->arena, at);
    struct node *merge = NULL;
    for (;;) {
        struct fy_event *event = next_event(r);
        if (!event) {
            return NULL;
        }
        if (event->type == FYET_MAPPING_END) {
            fy_parser_event_free(r->parser, event);
            return !merge || merge_sources(r, map, merge) ? map : NULL;
        }
        if (!read_entry(r, map, event, &merge)) {
            return NULL;
        }
    }
}

static struct node *read_collection(struct reader *r, struct fy_event *event, struct pos at)
{
    bool is_map = event->type == FYET_MAPPING_START;
    const char *anchor = mark_text(r, is_map ? event->mapping_start.anchor
                                             : event->sequence_start.anchor);
    enum node_tag tag = tag_value(
        mark_text(r, is_map ? event->mapping_start.tag : event->sequence_start.tag));
    struct node *n = NULL;
    if (r->depth >= YAML_DEPTH_MAX) {
        fy_parser_event_free(r->parser, event);
        return fail(r, at, NULL, "the values are nested too deeply");
    }
    fy_parser_event_free(r->parser, event);
    if (anchor && !set_anchor(r, anchor, at, &opened)) {
        return NULL;
    }
    r->depth++;
    n = is_map ? read_map(r, at) : read_list(r, at);
    r->depth--;
    if (n) {
        n->tag = tag;
        if (anchor) {
            map_set(&r->anchors, anchor, n);
        }
    }
    return n;
}

static struct node *read_node(struct reader *r, struct fy_event *event)
{
    struct pos at = event_pos(r, event);
    struct node *n = NULL;
    const char *anchor = NULL;
    switch (event->type) {
    case FYET_MAPPING_START:
    case FYET_SEQUENCE_START:
        return read_collection(r, event, at);
    case FYET_SCALAR:
        n = read_scalar(r, event, at);
        anchor = mark_text(r, event->scalar.anchor);
        if (n && anchor && !set_anchor(r, anchor, at, n)) {
            n = NULL;
        }
        break;
    case FYET_ALIAS:
        n = read_alias(r, event, at);
        break;
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_START:
    case FYET_DOCUMENT_END:
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        n = fail(r, at, NULL, "this is not valid YAML");
        break;
    }
    fy_parser_event_free(r->parser, event);
    return n;
}

/* Dates have a value of their own kind in the reference, which only extensions may hold. */
static void check_dates(struct reader *r, const struct node *n, const struct keypath *path)
{
    if (n->tag == TAG_DATE) {
        diags_add(r->diags, DIAG_ERROR, n->at, keypath_text(r->arena, path), "put it in quotes",
                  "an unquoted date is no string");
    }
    for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++) {
        struct keypath step = {path, NULL, i};
        check_dates(r, n->items[i], &step);
    }
    for (size_t i = 0; n->kind == NODE_MAP && i < n->len; i++) {
        struct keypath step = {path, n->entries[i].key, 0};
        if (!str_starts(step.key, "x-")) {
            check_dates(r, n->entries[i].value, &step);
        }
    }
}

static int read_documents(struct reader *r, struct vec *docs)
{
    for (;;) {
        struct fy_event *event = fy_parser_parse(r->parser);
        enum fy_event_type type = event ? event->type : FYET_STREAM_END;
        if (!event && fy_parser_get_stream_error(r->parser)) {
            report_syntax(r);
            return -ERR_COMPOSE;
        }
        if (event) {
            event_pos(r, event);
            fy_parser_event_free(r->parser, event);
        }
        if (type == FYET_STREAM_END) {
            return 0;
        }
        if (type == FYET_DOCUMENT_START) {
            struct node *root = NULL;
            map_release(&r->anchors);
            r->alias_nodes = 0;
            event = next_event(r);
            root = event ? read_node(r, event) : NULL;
            if (!root) {
                return -ERR_COMPOSE;
            }
            check_dates(r, root, NULL);
            vec_push(docs, root);
        }
    }
}

/* Bytes that YAML forbids give the parser's worst messages; they are found first. */
static int check_bytes(const char *file, const char *text, size_t len, struct diags *diags)
{
    int line = 1;
    size_t start = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\n') {
            line++;
            start = i + 1;
        } else if ((c < ' ' && c != '\t' && c != '\r') || c == 0x7f) {
            return diags_add(diags, DIAG_ERROR, (struct pos){file, line, (int)(i - start) + 1},
                             NULL, "remove it; in double quotes it can be written as \\x..",
                             "the control character 0x%02x is not allowed", c);
        } else if (c >= 0x80 && utf8_len(text + i) == 0) {
            return diags_add(diags, DIAG_ERROR, (struct pos){file, line, (int)(i - start) + 1},
                             NULL, "save the file as UTF-8", "this is not valid UTF-8");
        } else if (c >= 0x80) {
            i += utf8_len(text + i) - 1;
        }
    }
    return 0;
}

/* UTF-16 with a byte order mark as UTF-8; NULL for any other text. */
static char *from_utf16(struct arena *arena, const char *text, size_t len, size_t *ret_len)
{
    const unsigned char *p = (const unsigned char *)text;
    bool little = len >= 2 && p[0] == 0xff && p[1] == 0xfe;
    char *out = NULL;
    size_t n = 0;
    if (!little && !(len >= 2 && p[0] == 0xfe && p[1] == 0xff)) {
        return NULL;
    }
    out = arena_alloc(arena, len * 2 + 1);
    for (size_t i = 2; i + 1 < len; i += 2) {
        uint32_t c = little ? p[i] | (uint32_t)p[i + 1] << 8 : (uint32_t)p[i] << 8 | p[i + 1];
        uint32_t low = 0;
        if (i + 3 < len) {
            low = little ? p[i + 2] | (uint32_t)p[i + 3] << 8 : (uint32_t)p[i + 2] << 8 | p[i + 3];
        }
        if (c >> 10 == 0x36 && low >> 10 == 0x37) { /* a pair of surrogates */
            c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
            i += 2;
        }
        if (c < 0x80) {
            out[n++] = (char)c;
        } else if (c < 0x800) {
            out[n++] = (char)(0xc0 | c >> 6);
        } else if (c < 0x10000) {
            out[n++] = (char)(0xe0 | c >> 12);
        } else {
            out[n++] = (char)(0xf0 | c >> 18);
            out[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        }
        if (c >= 0x800) {
            out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        }
        if (c >= 0x80) {
            out[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    *ret_len = n;
    return out;
}

/* Parses once; what it reports is the caller's to keep or to drop. */
static void parse(struct reader *r, const char *text, size_t len, struct vec *docs)
{
    struct fy_diag_cfg diag_cfg;
    struct fy_parse_cfg cfg = {.search_path = "",
                               .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
                                        FYPCF_DISABLE_DEPTH_LIMIT | FYPCF_JSON_NONE |
                                        FYPCF_SLOPPY_FLOW_INDENTATION};
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    r->diag = fy_diag_create(&diag_cfg);
    fy_diag_set_collect_errors(r->diag, true);
    cfg.diag = r->diag;
    r->parser = fy_parser_create(&cfg);
    if (!r->parser || fy_parser_set_string(r->parser, text, len)) {
        fail(r, r->last, NULL, "the YAML parser cannot start");
    } else {
        (void)read_documents(r, docs);
    }
    fy_parser_destroy(r->parser);
    fy_diag_destroy(r->diag);
    map_release(&r->anchors);
}

/*
 * Behind a quoted text or a bracket the reference takes "#" for a comment even without a blank
 * before it; our parser does not. Puts a blank there, in a copy. False when that is not the matter.
 */
static bool mend_comment(struct arena *arena, struct pos at, const char **text, size_t *len)
{
    const char *p = *text, *end = *text + *len;
    char *copy = NULL;
    size_t before = 0;
    for (int line = 1; line < at.line && p < end; line++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        p = newline ? newline + 1 : end;
    }
    for (int col = 1; col < at.col && p < end && *p != '\n'; col++) {
        p += utf8_len(p) ? utf8_len(p) : 1;
    }
    if (p >= end || *p != '#' || p == *text || !strchr("\"']}", p[-1])) {
        return false;
    }
    before = (size_t)(p - *text);
    copy = arena_alloc(arena, *len + 2);
    memcpy(copy, *text, before);
    copy[before] = ' ';
    memcpy(copy + before + 1, p, *len - before);
    *text = copy;
    (*len)++;
    return true;
}

int yaml_read(struct arena *arena, const char *file, const char *text, size_t len, struct vec *docs,
              struct diags *diags)
{
    struct pos start = {file, 1, 1};
    struct diags found = DIAGS_INIT;
    const char *converted = NULL;
    int rc = 0;
    if (len > YAML_FILE_MAX) {
        return diags_add(diags, DIAG_ERROR, start, NULL, NULL, "the file is too large");
    }
    converted = from_utf16(arena, text, len, &len);
    text = converted ? converted : text;
    if (check_bytes(file, text, len, diags)) {
        return -ERR_COMPOSE;
    }
    for (int attempt = 0; attempt < MEND_MAX; attempt++) {
        size_t before = docs->len;
        struct reader r = {.arena = arena, .diags = &found, .file = file, .last = start};
        diags_release(&found);
        found = (struct diags)DIAGS_INIT;
        parse(&r, text, len, docs);
        if (!r.syntax_error ||
            !mend_comment(arena, (struct pos){file, found.items[0].line, found.items[0].col}, &text,
                          &len)) {
            break;
        }
        docs->len = before;
    }
    rc = found.errors ? -ERR_COMPOSE : 0;
    for (size_t i = 0; i < found.len; i++) {
        const struct diag *d = &found.items[i];
        diags_add(diags, d->level, (struct pos){file, d->line, d->col}, d->path, d->hint, "%s",
                  d->message);
    }
    diags_release(&found);
    return rc;
}
