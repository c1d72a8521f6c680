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

/* The text is the engine's runtime's, not the command's own. */
static bool is_of_runtime(const char *output, size_t len)
{
    return says(output, len, "OCI runtime") || says(output, len, "exec failed: ") ||
           says(output, len, "crun: ") || says(output, len, "stopped state") ||
           says(output, len, "container is not running");
}

/*
 * The runtime found no such program, or may not run it. Whatever else it says ("write init-p:
 * broken pipe", "error executing setns process", a namespace that is gone) comes from a container
 * that ends while the command is being started, and says nothing about the command.
 */
static bool is_runtimes_no(const char *output, size_t len)
{
    return says(output, len, "executable file not found") ||
           says(output, len, "executable file `") ||
           (says(output, len, "exec: \"") &&
            (says(output, len, "no such file or directory") ||
             says(output, len, "permission denied") || says(output, len, "exec format error")));
}

void probe_exec_outcome(int exit_code, const char *output, size_t len, struct outcome *ret)
{
    char line[LINE_MAX_SHOWN], code[16];
    bool runtime = is_of_runtime(output, len) && exit_code >= 126;
    last_line(output, len, line, sizeof(line));
    snprintf(code, sizeof(code), "exit-%d", exit_code);
    if (exit_code == 0) {
        outcome_set(ret, VERDICT_READY, LAYER_APP, "", "the command says ready%s%s",
                    *line ? ": " : "", line);
    } else if (runtime && !is_runtimes_no(output, len)) {
        outcome_set(ret, VERDICT_NOT_YET, LAYER_CONNECT, "stopped",
                    "the container is not running any more");
    } else if (exit_code == 127 ||
               (runtime && exit_code == 126 && !says(output, len, "permission denied"))) {
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
