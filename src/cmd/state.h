/*
 * What is kept between runs, per project, under ${XDG_STATE_HOME:-~/.local/state}/fettle/PROJECT.
 */
#ifndef CMD_STATE_H
#define CMD_STATE_H

#include "base/err.h"
#include "model/timeline.h"

/* The path of a file of the project; NULL when there is no home. Caller frees. */
char *state_path(const char *project, const char *file);
/* Best effort: a start does not fail because its timeline cannot be kept. */
void state_save_timeline(const struct timeline *t);
/* *ret is the caller's, zeroed; timeline_release() it. ERR_NOT_FOUND when nothing is kept. */
int state_load_timeline(const char *project, struct timeline *ret, struct err *err) MUST_CHECK;

#endif
