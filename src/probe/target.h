/*
 * What `await` and `probe` are given on their command line or in DATABASE_URL and the like: a URL,
 * a libpq connection string or host:port, to a probe_spec. Pure; options are in docs/targets.md.
 */
#ifndef PROBE_TARGET_H
#define PROBE_TARGET_H

#include "base/arena.h"
#include "base/err.h"
#include "model/probe_spec.h"

enum { PROBE_TARGET_MAX = 8192 };

/*
 * Fills *ret (origin PROBE_DECLARED; strings in the arena), untouched on failure. ERR_INPUT says
 * what is wrong without repeating the text, which may hold a password.
 */
int probe_target_parse(const char *text, struct arena *a, struct probe_spec *ret,
                       struct err *err) MUST_CHECK;
/*
 * The target for people: "postgres://app@db:5432/shop". No password, no query. Returns buf.
 */
const char *probe_target_text(const struct probe_spec *spec, char *buf, size_t size);

/* The names that docs/targets.md must have; NULL behind the last. */
const char *probe_target_scheme(size_t i);
const char *probe_target_option(size_t i);

#endif
