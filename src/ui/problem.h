/*
 * Problems as people read them: what is wrong, the line it is about, what to do.
 */
#ifndef UI_PROBLEM_H
#define UI_PROBLEM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"

void problem_err(struct buf *out, bool colour, const struct err *err);
/*
 * "file:line:col: error: ..." with the line itself, a caret and the hint. `source` is the whole
 * text of the file, "" when it cannot be had. Values of lines that look like secrets are masked.
 */
void problem_diag(struct buf *out, bool colour, const struct diag *d, const char *source);
/* "3 errors, 1 warning" when there is more than one. */
void problem_diags_total(struct buf *out, bool colour, const struct diags *diags);
/* True for names like POSTGRES_PASSWORD, API_KEY, authToken. */
bool problem_is_secret_name(const char *text, size_t len);

#endif
