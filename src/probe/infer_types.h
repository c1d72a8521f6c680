/*
 * What the files of the inference share; nobody outside includes it.
 */
#ifndef PROBE_INFER_TYPES_H
#define PROBE_INFER_TYPES_H

#include "base/vec.h"
#include "probe/infer.h"

/* A service as the rules look at it. */
struct subject {
    const struct infer_input *in;
    const struct service *service;
    const struct infer_image *image; /* never NULL */
    struct arena *a;
    const char *image_name;  /* "postgres" of "docker.io/library/postgres:15@sha256:..." */
    const char *image_space; /* "bitnami", "library", "" */
    struct strv words;       /* the command line; a shell's text is split into its words */
};

/* A variable of the service, else of the image; NULL when unset. */
const char *subject_env(const struct subject *s, const char *name);
/* Like subject_env; NAME_FILE is read where NAME is unset. */
const char *subject_secret(const struct subject *s, const char *name);
bool subject_image_env(const struct subject *s, const char *name);
/* Published, exposed by the file or by the image. */
bool subject_exposes(const struct subject *s, uint16_t port);
/* Does another service's environment hold this text? */
bool subject_others_know(const struct subject *s, const char *text);
/* The health check that will run: the service's, else the image's. */
const char *const *subject_healthcheck(const struct subject *s, size_t *ret_count);

/*
 * Splits a shell text into words the way a shell would where that is easy: quotes, backslashes,
 * $NAME and ${NAME} from the service's environment (unset: empty). False, and nothing appended,
 * when it is more than that. Operators are words of their own.
 */
bool infer_shell_words(const struct subject *s, const char *text, struct strv *out);

/* Each fills *ret and answers true when the service is one. */
bool infer_postgres(const struct subject *s, struct probe_spec *ret);
bool infer_redis(const struct subject *s, struct probe_spec *ret);
bool infer_mysql(const struct subject *s, struct probe_spec *ret);
bool infer_http(const struct subject *s, struct probe_spec *ret);
bool infer_tcp(const struct subject *s, struct probe_spec *ret);

#endif
