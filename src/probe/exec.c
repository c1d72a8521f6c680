/*
 * Exit codes and output of commands to outcomes. Pure.
 */
#include "probe/exec.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { LINE_MAX_SHOWN = 120 };

/* The last line that is not blank, cut at its end. */
static void last_line(const char *output, size_t len, char *dst, size_t size)
{
    size_t end = output ? len : 0;
    while (end > 0 && (unsigned char)output[end - 1] <= ' ') {
        end--;
    }
    size_t start = end;
    while (start > 0 && output[start - 1] != '\n') {
        start--;
    }
    size_t n = end - start < size - 1 ? end - start : size - 1;
    if (n > 0) {
        memcpy(dst, output + start, n);
    }
    dst[n] = '\0';
}

static bool says(const char *output, size_t len, const char *text)
{
    return output && len > 0 && memmem(output, len, text, strlen(text)) != NULL;
}

/* Words of engines and shells for a program that is not there. */
static bool is_missing(int exit_code, const char *output, size_t len)
{
    static const char *const words[] = {
        "executable file not found", /* runc, crun */
        "no such file or directory: unknown",
        "OCI runtime exec failed: exec failed: unable to start",
    };
    if (exit_code == 127) {
        return true;
    }
    for (size_t i = 0; exit_code == 126 && i < ARRAY_LEN(words); i++) {
        if (says(output, len, words[i])) {
            return true;
        }
    }
    return false;
}

/* The container went away under the command; says nothing about the command. */
static bool is_stopping(const char *output, size_t len)
{
    return says(output, len, "stopped state") || says(output, len, "container is not running") ||
           says(output, len, "cannot exec in a stopped") ||
           says(output, len, "setns process"); /* it ended while the command was being started */
}

void probe_exec_outcome(int exit_code, const char *output, size_t len, struct outcome *ret)
{
    char line[LINE_MAX_SHOWN], code[16];
    last_line(output, len, line, sizeof(line));
    snprintf(code, sizeof(code), "exit-%d", exit_code);
    if (exit_code == 0) {
        outcome_set(ret, VERDICT_READY, LAYER_APP, "", "the command says ready%s%s",
                    *line ? ": " : "", line);
    } else if (is_stopping(output, len)) {
        outcome_set(ret, VERDICT_NOT_YET, LAYER_CONNECT, "stopped", "the container is not running");
    } else if (is_missing(exit_code, output, len)) {
        outcome_set(ret, VERDICT_NEVER, LAYER_CONFIG, code, "the command is not in the image%s%s",
                    *line ? ": " : "", line);
    } else if (exit_code == 126) {
        outcome_set(ret, VERDICT_NEVER, LAYER_CONFIG, code, "the command cannot be executed%s%s",
                    *line ? ": " : "", line);
    } else {
        outcome_set(ret, VERDICT_NOT_YET, LAYER_APP, code, "the command ends with %d%s%s",
                    exit_code, *line ? ": " : "", line);
    }
}

void probe_exec_timed_out(const char *output, size_t len, struct outcome *ret)
{
    char line[LINE_MAX_SHOWN];
    last_line(output, len, line, sizeof(line));
    outcome_set(ret, VERDICT_NOT_YET, LAYER_APP, "timeout", "the command does not end in time%s%s",
                *line ? ": " : "", line);
}
