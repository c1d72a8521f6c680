/*
 * fettle completion SHELL: small scripts that ask `fettle complete` what fits, so that a shell
 * never knows less than the tables do.
 */
#include <stdio.h>

#include "base/str.h"
#include "cmd/args.h"
#include "cmd/context.h"

static const char bash[] =
    "# bash completion for fettle; source it, or put it into "
    "/usr/share/bash-completion/completions/fettle\n"
    "_fettle() {\n"
    "    local line IFS=$'\\n' cur=\"${COMP_WORDS[COMP_CWORD]}\"\n"
    "    COMPREPLY=()\n"
    "    for line in $(fettle complete -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null); do\n"
    "        case $line in\n"
    "        :file) COMPREPLY+=($(compgen -f -- \"$cur\")); compopt -o filenames ;;\n"
    "        :directory) COMPREPLY+=($(compgen -d -- \"$cur\")); compopt -o filenames ;;\n"
    "        *) COMPREPLY+=($(compgen -W \"${line%%$'\\t'*}\" -- \"$cur\")) ;;\n"
    "        esac\n"
    "    done\n"
    "}\n"
    "complete -F _fettle fettle\n";

static const char zsh[] =
    "#compdef fettle\n"
    "# zsh completion for fettle; put it as _fettle into a directory of $fpath\n"
    "_fettle() {\n"
    "    local line name help\n"
    "    local -a found\n"
    "    for line in ${(f)\"$(fettle complete -- \"${(@)words[2,$CURRENT]}\" 2>/dev/null)\"}; do\n"
    "        case $line in\n"
    "        :file) _files ;;\n"
    "        :directory) _files -/ ;;\n"
    "        *) name=${line%%$'\\t'*}; help=${line#*$'\\t'}; found+=(\"${name//:/\\\\:}:$help\") "
    ";;\n"
    "        esac\n"
    "    done\n"
    "    (( $#found )) && _describe fettle found\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _fettle ]; then _fettle; else compdef _fettle fettle; fi\n";

static const char fish[] =
    "# fish completion for fettle; put it into ~/.config/fish/completions/fettle.fish\n"
    "function __fettle_complete\n"
    "    set -l words (commandline -opc) (commandline -ct)\n"
    "    for line in (fettle complete -- $words[2..-1] 2>/dev/null)\n"
    "        switch $line\n"
    "            case :file\n"
    "                __fish_complete_path (commandline -ct)\n"
    "            case :directory\n"
    "                __fish_complete_directories (commandline -ct)\n"
    "            case '*'\n"
    "                echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c fettle -f -a '(__fettle_complete)'\n";

static int run_completion(struct cmd_context *ctx UNUSED, const struct args *args, struct err *err)
{
    const struct {
        const char *name, *script;
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (str_eq(args->argv[0], shells[i].name)) {
            show_text("%s", shells[i].script);
            return 0;
        }
    }
    err_set(err, ERR_USAGE, "no completion for \"%s\"", args->argv[0]);
    err_hint(err, "choose one of bash, zsh, fish");
    return -ERR_USAGE;
}

const struct cmd cmd_completion = {
    .name = "completion",
    .summary = "Print a completion script for bash, zsh or fish",
    .usage = "SHELL",
    .examples = "source <(fettle completion bash) # in ~/.bashrc\n"
                "fettle completion fish > ~/.config/fish/completions/fettle.fish",
    .min_args = 1,
    .max_args = 1,
    .group = GROUP_TOOLS,
    .run = run_completion,
};
