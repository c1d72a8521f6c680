/*
 * Rendering of the command tables for people. Pure: tables in, text out.
 */
#include "cmd/helptext.h"

#include <string.h>

#include "base/str.h"
#include "cmd/context.h"
#include "ui/term.h"

enum {
    NAME_COLUMN = 15,
    HELP_COLUMN = 30,
    HELP_WIDTH = 80,
    HELP_WIDTH_MIN = 50,
    HELP_WIDTH_MAX = 100
};

int help_width(const struct term *t)
{
    int width = t->tty ? t->columns : HELP_WIDTH;
    return width < HELP_WIDTH_MIN   ? HELP_WIDTH_MIN
           : width > HELP_WIDTH_MAX ? HELP_WIDTH_MAX
                                    : width;
}

/*
 * Words up to `width`, further lines indented; the first one begins at column `indent`. A newline
 * in the text stays one.
 */
static void wrapped(struct buf *out, const char *text, size_t indent, int width)
{
    size_t column = indent;
    while (*text) {
        size_t len = strcspn(text, " \n");
        CLEANUP_FREE char *word = xstrndup(text, len);
        size_t columns = str_columns(word);
        if (column > indent && len && column + 1 + columns > (size_t)width) {
            buf_char(out, '\n');
            buf_repeat(out, ' ', indent);
            column = indent;
        } else if (column > indent && len) {
            buf_char(out, ' ');
            column++;
        }
        buf_str(out, word);
        column += columns;
        text += len;
        if (*text == '\n') {
            buf_char(out, '\n');
            buf_repeat(out, ' ', text[1] == '\n' ? 0 : indent);
            column = indent;
        }
        text += *text != '\0';
    }
    buf_char(out, '\n');
}

/* "-f, --follow" or "-n, --tail N". */
static void option_synopsis(struct buf *out, const struct option *o, bool letters)
{
    if (o->letter) {
        buf_printf(out, "-%c, ", o->letter);
    } else if (letters) {
        buf_str(out, "    ");
    }
    buf_printf(out, "--%s", o->name);
    if (o->kind != OPTION_FLAG) {
        buf_printf(out, " %s", o->value ? o->value : "VALUE");
    }
}

static void option_help(struct buf *out, const struct option *o)
{
    buf_str(out, o->help);
    if (o->kind == OPTION_LIST) {
        buf_str(out, " (repeatable)");
    }
    if (o->fallback) {
        buf_printf(out, " (default: %s)", o->fallback);
    } else if (o->bits & OPTION_DEFAULT_TRUE) {
        buf_printf(out, " (default; --%s=false turns it off)", o->name);
    }
}

static bool option_shown(const struct option *o)
{
    return !(o->bits & (OPTION_HIDDEN | OPTION_DEPRECATED | OPTION_REFUSED));
}

static size_t options_shown(const struct option *options)
{
    size_t n = 0;
    for (const struct option *o = options; o && o->name; o++) {
        n += option_shown(o);
    }
    return n;
}

static void options_text(struct buf *out, bool colour, int width, const struct option *options)
{
    for (const struct option *o = options; o && o->name; o++) {
        CLEANUP_BUF struct buf left = BUF_INIT, right = BUF_INIT;
        if (!option_shown(o)) {
            continue;
        }
        option_synopsis(&left, o, true);
        option_help(&right, o);
        buf_str(out, "  ");
        style_str(out, colour, STYLE_BOLD, buf_text(&left));
        if (left.len + 2 > HELP_COLUMN - 2) {
            buf_char(out, '\n');
            buf_repeat(out, ' ', HELP_COLUMN);
        } else {
            buf_repeat(out, ' ', HELP_COLUMN - 2 - left.len);
        }
        wrapped(out, buf_text(&right), HELP_COLUMN, width);
    }
}

void help_program(struct buf *out, bool colour, int width)
{
    size_t count = 0;
    const struct cmd *const *table = cmd_table(&count);
    wrapped(out,
            "fettle brings a Compose stack up in order, proves that it is ready, and says why "
            "when it is not.\n",
            0, width);
    style_str(out, colour, STYLE_TITLE, "Usage:");
    buf_str(out, " fettle [OPTIONS] COMMAND [ARGS...]\n");
    for (int group = 0; group < GROUP_COUNT; group++) {
        bool titled = false;
        for (size_t i = 0; i < count; i++) {
            if (table[i]->group != (enum cmd_group)group || (table[i]->bits & CMD_HIDDEN)) {
                continue;
            }
            if (!titled) {
                buf_char(out, '\n');
                style_printf(out, colour, STYLE_TITLE, "%s:", cmd_group_title(group));
                buf_char(out, '\n');
                titled = true;
            }
            buf_str(out, "  ");
            style_printf(out, colour, STYLE_BOLD, "%-12s", table[i]->name);
            buf_char(out, ' ');
            wrapped(out, table[i]->summary, NAME_COLUMN, width);
        }
    }
    buf_char(out, '\n');
    style_str(out, colour, STYLE_TITLE, "Options, before the command:");
    buf_char(out, '\n');
    options_text(out, colour, width, cmd_global_options);
    buf_char(out, '\n');
    wrapped(out,
            "fettle COMMAND --help says more about a command. Files, flags and labels are Docker "
            "Compose's.",
            0, width);
}

/* Each line "command # what": the command, then the remark dimmed. */
static void examples_text(struct buf *out, bool colour, const char *examples)
{
    CLEANUP_STRV struct strv lines = {0};
    str_split(examples, '\n', &lines);
    for (size_t i = 0; i < lines.len; i++) {
        char *remark = strstr(lines.items[i], " # ");
        if (!lines.items[i][0]) {
            continue;
        }
        if (remark) {
            *remark = '\0';
        }
        buf_printf(out, "  %s", lines.items[i]);
        if (remark) {
            size_t len = strlen(lines.items[i]);
            buf_repeat(out, ' ', len < 40 ? 40 - len : 2);
            style_str(out, colour, STYLE_DIM, remark + 1);
        }
        buf_char(out, '\n');
    }
}

void help_command(struct buf *out, bool colour, int width, const struct cmd *cmd)
{
    style_str(out, colour, STYLE_TITLE, "Usage:");
    buf_printf(out, " fettle %s%s%s\n\n%s.\n", cmd->name, cmd->usage[0] ? " " : "", cmd->usage,
               cmd->summary);
    if (cmd->description) {
        buf_char(out, '\n');
        wrapped(out, cmd->description, 0, width);
    }
    if (options_shown(cmd->options)) {
        buf_char(out, '\n');
        style_str(out, colour, STYLE_TITLE, "Options:");
        buf_char(out, '\n');
        options_text(out, colour, width, cmd->options);
    }
    if (cmd->examples) {
        buf_char(out, '\n');
        style_str(out, colour, STYLE_TITLE, "Examples:");
        buf_char(out, '\n');
        examples_text(out, colour, cmd->examples);
    }
    buf_char(out, '\n');
    wrapped(out,
            "Options of all commands (-f FILE, -p NAME, --profile, --json, ...) stand before the "
            "command: fettle --help lists them.",
            0, width);
}

static void markdown_cell(struct buf *out, const char *text)
{
    for (; *text; text++) {
        buf_str(out, *text == '|' ? "\\|" : (char[2]){*text, '\0'});
    }
}

static void markdown_options(struct buf *out, const struct cmd *cmd)
{
    buf_str(out, "\n| option | meaning |\n| --- | --- |\n");
    for (const struct option *o = cmd->options; o->name; o++) {
        CLEANUP_BUF struct buf left = BUF_INIT, right = BUF_INIT;
        if (!option_shown(o)) {
            continue;
        }
        option_synopsis(&left, o, false);
        option_help(&right, o);
        buf_str(out, "| `");
        markdown_cell(out, buf_text(&left));
        buf_str(out, "` | ");
        markdown_cell(out, buf_text(&right));
        buf_str(out, " |\n");
    }
}

/* Each line "command # what" as a shell session people can copy. */
static void markdown_examples(struct buf *out, const char *examples)
{
    CLEANUP_STRV struct strv lines = {0};
    str_split(examples, '\n', &lines);
    buf_str(out, "\nExamples:\n\n");
    for (size_t i = 0; i < lines.len; i++) {
        if (lines.items[i][0]) {
            buf_printf(out, "    %s\n", lines.items[i]);
        }
    }
}

void help_markdown(struct buf *out, const struct cmd *cmd)
{
    buf_printf(out, "%s.\n\n    fettle %s%s%s\n", cmd->summary, cmd->name, cmd->usage[0] ? " " : "",
               cmd->usage);
    if (cmd->description) {
        buf_printf(out, "\n%s\n", cmd->description);
    }
    if (options_shown(cmd->options)) {
        markdown_options(out, cmd);
    }
    if (cmd->examples) {
        markdown_examples(out, cmd->examples);
    }
}

/* Escapes what troff would read as a macro or an escape. */
static void man_text(struct buf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\\') {
            buf_str(out, "\\e");
        } else if (*p == '-') {
            buf_str(out, "\\-");
        } else if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n')) {
            buf_str(out, "\\&");
            buf_char(out, *p);
        } else {
            buf_char(out, *p);
        }
    }
}

static void man_options(struct buf *out, const struct option *options)
{
    for (const struct option *o = options; o && o->name; o++) {
        CLEANUP_BUF struct buf left = BUF_INIT, right = BUF_INIT;
        if (!option_shown(o)) {
            continue;
        }
        option_synopsis(&left, o, false);
        option_help(&right, o);
        buf_str(out, ".TP\n.B ");
        man_text(out, buf_text(&left));
        buf_char(out, '\n');
        man_text(out, buf_text(&right));
        buf_char(out, '\n');
    }
}

static void man_command(struct buf *out, const struct cmd *cmd)
{
    buf_str(out, ".SS ");
    man_text(out, cmd->name);
    buf_str(out, "\n.B fettle ");
    man_text(out, cmd->name);
    buf_str(out, "\n");
    if (cmd->usage[0]) {
        man_text(out, cmd->usage);
        buf_char(out, '\n');
    }
    buf_str(out, ".PP\n");
    man_text(out, cmd->summary);
    buf_str(out, ".\n");
    if (cmd->description) {
        buf_str(out, ".PP\n");
        man_text(out, cmd->description);
        buf_char(out, '\n');
    }
    man_options(out, cmd->options);
    if (cmd->examples) {
        buf_str(out, ".PP\nExamples:\n.PP\n.nf\n");
        man_text(out, cmd->examples);
        buf_str(out, "\n.fi\n");
    }
}

void help_man(struct buf *out)
{
    size_t count = 0;
    const struct cmd *const *table = cmd_table(&count);
    buf_printf(out, ".TH FETTLE 1 \"\" \"fettle %s\" \"User Commands\"\n", FETTLE_VERSION);
    buf_str(out, ".SH NAME\nfettle \\- bring a Compose stack up in order and prove that it is "
                 "ready\n.SH SYNOPSIS\n.B fettle\n[OPTIONS] COMMAND [ARGS...]\n.SH DESCRIPTION\n"
                 "Reads Compose files, starts their services in dependency order, releases each "
                 "service the moment that those it depends on are proved ready, and explains what "
                 "is broken. Commands, flags, names and labels are those of docker compose.\n"
                 ".SH OPTIONS\nThese come before the command.\n");
    man_options(out, cmd_global_options);
    buf_str(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < count; i++) {
        if (!(table[i]->bits & CMD_HIDDEN)) {
            man_command(out, table[i]);
        }
    }
    buf_str(out, ".SH EXIT STATUS\n.TP\n.B 0\nfine\n.TP\n.B 1\nthe stack is not healthy, or the "
                 "command failed\n");
    static const enum err_code codes[] = {ERR_USAGE,   ERR_COMPOSE, ERR_ENGINE,
                                          ERR_TIMEOUT, ERR_BUG,     ERR_CANCELLED};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        buf_printf(out, ".TP\n.B %d\n%s\n", err_exit_status(codes[i]), err_code_text(codes[i]));
    }
    buf_str(out,
            ".PP\nrun and exec end with the status of the command.\n.SH ENVIRONMENT\n"
            "COMPOSE_FILE, COMPOSE_PATH_SEPARATOR, COMPOSE_PROJECT_NAME, COMPOSE_PROFILES, "
            "COMPOSE_ENV_FILES, COMPOSE_DISABLE_ENV_FILE, COMPOSE_PARALLEL_LIMIT, COMPOSE_ANSI, "
            "COMPOSE_PROGRESS, COMPOSE_COMPATIBILITY, COMPOSE_REMOVE_ORPHANS, "
            "COMPOSE_IGNORE_ORPHANS, COMPOSE_STATUS_STDOUT, DOCKER_HOST, DOCKER_CONTEXT, "
            "DOCKER_CONFIG, DOCKER_CERT_PATH, DOCKER_TLS_VERIFY, DOCKER_DEFAULT_PLATFORM, "
            "FETTLE_ENGINE, NO_COLOR.\n");
}
