/*
 * Aligned tables. Pure: cells in, text out.
 */
#include "ui/table.h"

#include <assert.h>

#include "base/str.h"

void table_init(struct table *t, size_t min_width, size_t columns, const char *const *head)
{
    assert(columns <= TABLE_COLUMNS_MAX);
    *t = (struct table){.columns = columns, .min_width = min_width, .gap = 3};
    for (size_t i = 0; i < columns; i++) {
        strv_push(&t->cells, head[i]);
        buf_char(&t->styles, STYLE_TITLE);
    }
}

void table_release(struct table *t)
{
    strv_release(&t->cells);
    buf_release(&t->styles);
}

void table_cell(struct table *t, const char *text)
{
    table_cell_styled(t, text, STYLE_PLAIN);
}

void table_cell_styled(struct table *t, const char *text, enum style style)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    term_cut(&b, text ? text : "", 1 << 16);
    strv_push(&t->cells, buf_text(&b));
    buf_char(&t->styles, (char)style);
}

static void print_row(const struct table *t, struct buf *out, bool colour, int limit,
                      const size_t *widths, size_t row)
{
    int used = 0;
    for (size_t c = 0; c < t->columns; c++) {
        const char *text = t->cells.items[row * t->columns + c];
        bool last = c + 1 == t->columns;
        int room = limit > 0 ? limit - used : 1 << 16;
        int width = last ? (int)str_columns(text) : (int)widths[c];
        CLEANUP_BUF struct buf cell = BUF_INIT;
        width = width > room ? room : width;
        if (width <= 0) {
            break;
        }
        used += term_cut(&cell, text, width);
        style_str(out, colour, (enum style)t->styles.data[row * t->columns + c], buf_text(&cell));
        if (!last) {
            int shown = (int)str_columns(buf_text(&cell));
            buf_repeat(out, ' ', (size_t)(width > shown ? width - shown : 0));
            used += width > shown ? width - shown : 0;
        }
    }
    buf_char(out, '\n');
}

void table_print(const struct table *t, struct buf *out, bool colour, int columns)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    size_t rows = t->cells.len / t->columns;
    for (size_t i = 0; i < rows * t->columns; i++) {
        size_t width = str_columns(t->cells.items[i]) + t->gap;
        size_t *w = &widths[i % t->columns];
        width = width < t->min_width ? t->min_width : width;
        *w = width > *w ? width : *w;
    }
    for (size_t row = 0; row < rows; row++) {
        print_row(t, out, colour, columns, widths, row);
    }
}
