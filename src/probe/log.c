/*
 * Matches log lines as they stream in. Owns no stream; run/ feeds it.
 */
#include "probe/log.h"

#include <regex.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

struct probe_log {
    regex_t regex;
    struct buf line;
    char last[128]; /* beginning of the last whole line, or of the one that matched */
    bool matched;
};

int probe_log_new(const char *pattern, struct probe_log **ret, struct err *err)
{
    char why[128];
    if (strlen(pattern) > PROBE_LOG_PATTERN) {
        return err_set(err, ERR_INPUT, "a log pattern has at most %d characters",
                       PROBE_LOG_PATTERN);
    }
    struct probe_log *l = xcalloc(1, sizeof(*l));
    int rc = regcomp(&l->regex, pattern, REG_EXTENDED | REG_NOSUB);
    if (rc != 0) {
        regerror(rc, &l->regex, why, sizeof(why));
        free(l);
        return err_set(err, ERR_INPUT, "not an extended regular expression: %s", why);
    }
    buf_init(&l->line, PROBE_LOG_LINE);
    *ret = l;
    return 0;
}

void probe_log_free(struct probe_log *l)
{
    if (l) {
        regfree(&l->regex);
        buf_release(&l->line);
        free(l);
    }
}

static void end_line(struct probe_log *l)
{
    const char *text = buf_text(&l->line);
    size_t n = l->line.len < sizeof(l->last) - 1 ? l->line.len : sizeof(l->last) - 1;
    if (n > 0) {
        memcpy(l->last, text, n);
        l->last[n] = '\0';
    }
    l->matched = regexec(&l->regex, text, 0, NULL, 0) == 0;
    buf_clear(&l->line);
    l->line.failed = false;
}

bool probe_log_feed(struct probe_log *l, const char *data, size_t len)
{
    for (size_t i = 0; i < len && !l->matched; i++) {
        if (data[i] == '\n') {
            end_line(l);
        } else if (data[i] != '\r' && data[i] != '\0' && l->line.len < PROBE_LOG_LINE - 1) {
            buf_char(&l->line, data[i]);
        }
    }
    return l->matched;
}

void probe_log_outcome(const struct probe_log *l, struct outcome *ret)
{
    if (l->matched) {
        outcome_set(ret, VERDICT_READY, LAYER_APP, "", "the log says: %s", l->last);
    } else {
        outcome_set(ret, VERDICT_NOT_YET, LAYER_APP, "log", "the line is not in the log yet%s%s",
                    *l->last ? "; last: " : "", l->last);
    }
}
