/*
 * Columns of text, left aligned, as wide as their widest cell.
 */
#ifndef UI_TABLE_H
#define UI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/vec.h"
#include "ui/term.h"

enum { TABLE_COLUMNS_MAX = 16 };

struct table {
    size_t columns;
    size_t min_width;  /* of every column but the last; Docker has 10 and 20 */
    size_t gap;        /* between columns; 3 unless changed */
    struct strv cells; /* row after row, the head first */
    struct buf styles; /* one byte a cell: enum style */
};

/* Begins with the head row: `columns` texts. */
void table_init(struct table *t, size_t min_width, size_t columns, const char *const *head);
void table_release(struct table *t);
/* The next cell; rows fill from the left. Control characters become spaces. */
void table_cell(struct table *t, const char *text);
void table_cell_styled(struct table *t, const char *text, enum style style);
/* columns > 0 cuts lines to that width (the last columns lose). */
void table_print(const struct table *t, struct buf *out, bool colour, int columns);

#endif
