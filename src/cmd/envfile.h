/*
 * .env from .env.example: secrets generated, placeholders recognised, values checked. Pure but for
 * the random bytes, which the caller may replace.
 */
#ifndef CMD_ENVFILE_H
#define CMD_ENVFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/vec.h"

/* One KEY=VALUE line. */
struct env_entry {
    char *key, *value; /* value without quotes and inline comment */
    int line;          /* 1-based */
    size_t min_length; /* that its comments or its placeholder ask for, 0 = nothing said */
    bool generated;    /* a random value was put in */
};

struct envfile {
    struct env_entry *entries;
    size_t count, cap;
};

void envfile_release(struct envfile *f); /* wipes the values */
/* Reads KEY=VALUE lines (export and quotes understood); anything else is ignored. */
void envfile_parse(struct envfile *f, const char *text);
/* The last line of that name, or NULL. */
const struct env_entry *envfile_get(const struct envfile *f, const char *key);

/* Fills `size` bytes; returns false when there is no randomness. */
typedef bool env_random_fn(void *arg, void *data, size_t size);
/* getrandom(2) */
bool env_random(void *arg, void *data, size_t size);

enum { ENV_SECRET_LENGTH = 32 };
/*
 * Copies `example` to out with a random alphanumeric value for every name that ends in PASSWORD,
 * SECRET, KEY or TOKEN, and with the same value wherever another line repeats the example's.
 * Comments and order stay. Adds the names that were filled in to `generated`. False: no randomness.
 */
bool envfile_generate(const char *example, struct buf *out, struct strv *generated,
                      env_random_fn *random, void *arg);

/* "changeme", "your-secure-key-minimum-32-chars", "secure_db_password", "<...>", "xxx". */
bool env_is_placeholder(const char *value);
bool env_is_secret_name(const char *key);

#define ENV_PLACEHOLDER_HINT                              \
    "put values of your own into .env, or delete it and " \
    "run fettle setup again to generate them"

/* What is wrong with one variable; texts for people, without the value. */
struct env_problem {
    char *key, *message, *hint;
    bool error;       /* else a warning */
    bool placeholder; /* it still has the example's value; the hint is the same for all of them */
};
struct env_problems {
    struct env_problem *items;
    size_t count, cap;
};
void env_problems_release(struct env_problems *p);
/*
 * Holds what is set against what the example asks for: presence, minimum length, leftover
 * placeholders. `lookup` answers the value in force (environment before .env), NULL = not set.
 */
void env_check(const struct envfile *example, const char *(*lookup)(void *arg, const char *key),
               void *arg, struct env_problems *ret);

#endif
