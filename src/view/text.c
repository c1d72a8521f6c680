/*
 * JSON values from text and times. Pure.
 */
#include "view/text.h"

#include "base/buf.h"
#include "base/str.h"

json_t *view_text(const char *s)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    json_t *j = json_string(s ? s : "");
    if (j || !s) {
        return j;
    }
    while (*s) {
        size_t n = utf8_len(s);
        buf_append(&b, n ? s : "\xef\xbf\xbd", n ? n : 3);
        s += n ? n : 1;
    }
    return json_string(buf_text(&b));
}

void view_set_text(json_t *object, const char *key, const char *s)
{
    if (!str_empty(s)) {
        json_object_set_new(object, key, view_text(s));
    }
}

json_t *view_ms(int64_t ns)
{
    /* Through an integer of microseconds, so that 0.1 does not print as 0.10000000000000001. */
    int64_t us = ns / 1000;
    return us % 1000 == 0 ? json_integer(us / 1000) : json_real((double)us / 1000.0);
}
