/*
 * `up` without -d: the stack in the foreground, its output on the terminal, until it ends or the
 * user stops it.
 */
#ifndef CMD_FOREGROUND_H
#define CMD_FOREGROUND_H

#include "cmd/drive.h"

/* The exit status of the command, or -ERR_x with *err. */
int foreground_up(struct drive *d, const struct args *args, struct err *err) MUST_CHECK;

#endif
