/*
 * Containers, images and projects in the words and the JSON of docker compose: scripts that parse
 * `ps`, `ls`, `images` and `volumes` read ours unchanged.
 */
#ifndef VIEW_CONTAINER_H
#define VIEW_CONTAINER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "model/observed.h"

/* Docker's rough durations: "2 minutes", "About an hour", "3 weeks". */
void view_duration(struct buf *out, int64_t ns);
/* Docker's sizes, 1000-based, `digits` significant: "130MB", "1.17kB". */
void view_size(struct buf *out, double bytes, int digits);
/* The same 1024-based: "688KiB", "23.54GiB". */
void view_size_binary(struct buf *out, double bytes);
/* "127.0.0.1:8080->80/tcp, 9000/tcp": grouped and sorted as Docker does it. */
void view_ports(struct buf *out, const struct observed_container *c);
/* Quoted, cut to 20 columns unless `full`. */
void view_command(struct buf *out, const struct observed_container *c, bool full);
/* "2026-11-24 04:47:13 +0000 UTC" */
void view_created(struct buf *out, int64_t wall);
/* One row of `ps --format json`; now is the wall clock. The caller owns it. */
json_t *view_ps(const struct observed_container *c, bool full, int64_t now);
/* "exited(1), running(2)" over containers of one project. */
void view_ls_status(struct buf *out, const struct observed_container *const *list, size_t count);

#endif
