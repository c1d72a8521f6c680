/*
 * The table of Compose keys: one row for each attribute, in the order in which `config` prints
 * them. A row says what the file may hold (struct schema_type), what it becomes (enum field_kind),
 * and what it is for. Validation, decoding, printing and docs/compose-support.md read this table.
 */
#ifndef COMPOSE_SCHEMA_H
#define COMPOSE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diags;
struct node;
struct buf;

/* YAML kinds that a value may have, as a set. */
enum {
    IS_NULL = 1,
    IS_BOOL = 2,
    IS_INT = 4, /* also a float without a fraction */
    IS_FLOAT = 8,
    IS_STR = 16,
    IS_LIST = 32,
    IS_MAP = 64,
    IS_NUM = IS_INT | IS_FLOAT
};

/* What free keys and some strings look like. */
enum schema_pattern {
    PATTERN_ANY,
    PATTERN_NAME,           /* letters, digits, '.', '_', '-' */
    PATTERN_LOWER,          /* a to z */
    PATTERN_NOT_EMPTY,      /* at least one character */
    PATTERN_CONTAINER_NAME, /* holds a letter or digit followed by one more name character */
    PATTERN_PULL_POLICY,
    PATTERN_COUNT
};

/* What a value becomes: its Go type in the reference, which decides how it is read and printed. */
#define FIELD_KIND_LIST(X)                                                \
    X(STRING, "text")                                                     \
    X(BOOL, "true or false; false is not printed")                        \
    X(BOOL_SET, "true or false; printed whenever set")                    \
    X(INT, "whole number; 0 is not printed")                              \
    X(INT_SET, "whole number; printed whenever set")                      \
    X(UINT16, "0 to 65535")                                               \
    X(UINT32, "0 to 4294967295")                                          \
    X(UINT64, "whole number from 0")                                      \
    X(UINT64_SET, "whole number from 0; printed whenever set")            \
    X(FLOAT, "number")                                                    \
    X(CPUS, "number of processors")                                       \
    X(BYTES, "byte size")                                                 \
    X(DURATION, "duration; 0 is not printed")                             \
    X(DURATION_SET, "duration; printed whenever set")                     \
    X(FILE_MODE, "file mode, octal")                                      \
    X(DEVICE_COUNT, "number or all")                                      \
    X(STRINGS, "list of texts")                                           \
    X(NUMBERS, "list of texts or numbers")                                \
    X(COMMAND, "command: text split into words, or list")                 \
    X(TEST, "health test: text or list")                                  \
    X(MAPPING, "mapping or KEY=VALUE list; no value is the empty text")   \
    X(LABELS, "mapping or KEY=VALUE list of labels")                      \
    X(ENVIRONMENT, "mapping or KEY=VALUE list; no value is kept")         \
    X(OPTIONS, "mapping of texts")                                        \
    X(MULTI_OPTIONS, "mapping of texts or lists of texts")                \
    X(HOSTS, "host to addresses")                                         \
    X(SSH, "SSH agents or keys")                                          \
    X(STRUCT, "mapping; printed even when empty")                         \
    X(STRUCT_SET, "mapping")                                              \
    X(STRUCTS, "list of mappings")                                        \
    X(STRUCT_MAP, "mapping of mappings, null kept")                       \
    X(ULIMITS, "mapping of numbers or soft and hard limits")              \
    X(ENV_FILES, "list of files; read, then dropped")                     \
    X(LABEL_FILES, "list of files; read, then dropped; part of the hash") \
    X(EXTERNAL, "true or false; made elsewhere")                          \
    X(DROPPED, "accepted, without effect here")

enum field_kind {
#define FIELD_KIND_ENUM(id, text) FIELD_##id,
    FIELD_KIND_LIST(FIELD_KIND_ENUM)
#undef FIELD_KIND_ENUM
        FIELD_KIND_COUNT
};

struct schema_object;

struct schema_type {
    unsigned kinds;
    const char *expected; /* "a string or a list of strings", for messages */
    /* strings */
    enum schema_pattern pattern;
    const char *const *values; /* the only ones allowed, NULL-terminated; NULL = any */
    const char *unit;          /* what a bare number lacks: "s"; or NULL */
    /* whole numbers */
    bool ranged;
    int64_t min, max;
    /* lists */
    const struct schema_type *items;
    bool unique;
    /* mappings: known keys, or free keys with one type of value */
    const struct schema_object *object;
    const struct schema_type *entries;
    enum schema_pattern keys;
    bool open; /* keys that do not match the pattern are let through */
};

struct schema_field {
    const char *key;
    const struct schema_type *type;
    enum field_kind kind;
    const struct schema_object *object; /* of STRUCT kinds: the fields inside */
    const char *text;                   /* what it is for, one line */
    bool keep;                          /* printed even when empty */
};

struct schema_object {
    const char *name; /* "service", for messages */
    const struct schema_field *fields;
    size_t count;
    const char *const *required; /* NULL-terminated, or NULL */
    bool no_extensions;          /* x- keys are refused */
    bool open;                   /* unknown keys are let through */
    bool capital;                /* the JSON names start with a capital: Path, Rate */
    bool forgets_extensions;     /* x- keys are let in, and not printed */
};

extern const struct schema_object schema_root, schema_service, schema_network, schema_volume,
    schema_secret, schema_config, schema_build, schema_model, schema_hook;

/* The row for a key, or NULL. */
const struct schema_field *schema_field(const struct schema_object *object, const char *key);

/*
 * Checks a merged tree (a whole file set) against the table: unknown keys, wrong kinds, patterns,
 * ranges, missing and repeated entries. Every problem becomes a diagnostic, and the
 * value that it is about is taken out of the tree (TAG_BROKEN). Returns 0 or -ERR_COMPOSE.
 */
int schema_validate(struct node *root, struct diags *diags);

/* Appends docs/compose-support.md's table. */
void schema_document(struct buf *out);

const char *field_kind_text(enum field_kind kind);

#endif
