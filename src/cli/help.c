#include "cli/help.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/parse.h"

#include <stdlib.h>
#include <string.h>

#define MAX_HELP ((size_t)1 << 20)
#define COLUMN 28

/* Words wrapped to the terminal, continuation lines indented. */
static void wrap(struct pk_ui *ui, const char *text, int indent, int first_column) {
    int width = pk_ui_width(ui) > 100 ? 100 : pk_ui_width(ui), column = first_column;
    struct pk_str rest = pk_str(text), word;
    bool first = true;
    while (pk_str_cut(&rest, ' ', &word)) {
        char *w PK_CLEANUP(pk_freep) = pk_strndup(word.ptr, word.len);
        int need = pk_text_width(w);
        if (!first && column + 1 + need > width) {
            pk_ui_out(ui, "\n%*s", indent, "");
            column = indent;
            first = true;
        }
        pk_ui_out(ui, "%s%s", first ? "" : " ", w);
        column += need + (first ? 0 : 1);
        first = false;
    }
    pk_ui_out(ui, "\n");
}

static void entry(struct pk_ui *ui, const char *left, const char *right) {
    int width = pk_text_width(left);
    pk_ui_out(ui, "  ");
    pk_ui_out_styled(ui, PK_STYLE_ACCENT, "%s", left);
    if (width + 2 >= COLUMN)
        pk_ui_out(ui, "\n%*s", COLUMN, "");
    else
        pk_ui_out(ui, "%*s", COLUMN - width - 2, "");
    wrap(ui, right, COLUMN, COLUMN);
}

static void list_commands(struct pk_ui *ui, const char *prefix) {
    const char *group = NULL;
    size_t len = prefix ? strlen(prefix) : 0;
    for (size_t i = 0; pk_commands[i]; i++) {
        const struct pk_command *c = pk_commands[i];
        if ((c->flags & PK_CMD_HIDDEN) ||
            (prefix && (strncmp(c->path, prefix, len) != 0 || c->path[len] != ' ')))
            continue;
        if (!prefix && !pk_streq(group, c->group)) {
            pk_ui_out(ui, "\n");
            pk_ui_out_styled(ui, PK_STYLE_BOLD, "%s\n", c->group);
            group = c->group;
        }
        entry(ui, c->path, c->summary);
    }
}

void pk_help_overview(struct pk_ui *ui) {
    pk_ui_out(ui, "panka deploys applications to AWS from a folder of YAML.\n\n");
    pk_ui_out_styled(ui, PK_STYLE_BOLD, "Usage\n");
    pk_ui_out(ui, "  panka COMMAND [OPTIONS]\n");
    list_commands(ui, NULL);
    pk_ui_out(ui, "\n`panka COMMAND --help` shows options and examples. `panka help options` lists "
                  "the options that every "
                  "command takes.\n");
}

void pk_help_group(struct pk_ui *ui, const char *words) {
    pk_ui_out_styled(ui, PK_STYLE_BOLD, "panka %s\n", words);
    list_commands(ui, words);
}

static char *option_left(const struct pk_option *o) {
    bool takes = o->type != PK_OPT_FLAG && o->value;
    char letter[8] = "";
    if (o->letter)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    return pk_asprintf("%s--%s%s%s", letter, o->name, takes ? " " : "", takes ? o->value : "");
}

static void options(struct pk_ui *ui, const struct pk_option *table) {
    for (const struct pk_option *o = table; o && o->name; o++) {
        char *left PK_CLEANUP(pk_freep) = option_left(o);
        char *right PK_CLEANUP(pk_freep) =
            o->allowed ? pk_asprintf("%s (%s)", o->help, o->allowed) : pk_strdup(o->help);
        entry(ui, left, right);
    }
}

void pk_help_command(struct pk_ui *ui, const struct pk_command *c) {
    if (!c) { /* the options of every command */
        pk_ui_out_styled(ui, PK_STYLE_BOLD, "Options of every command\n");
        options(ui, pk_global_options);
        return;
    }
    pk_ui_out(ui, "%s\n\n", c->summary);
    pk_ui_out_styled(ui, PK_STYLE_BOLD, "Usage\n");
    pk_ui_out(ui, "  panka %s", c->path);
    for (const struct pk_positional *p = c->positionals; p && p->name; p++)
        pk_ui_out(ui, p->required ? " %s%s" : " [%s%s]", p->name, p->many ? "..." : "");
    pk_ui_out(ui, "%s\n", c->options && c->options->name ? " [OPTIONS]" : "");
    if (c->description) {
        pk_ui_out(ui, "\n");
        struct pk_str rest = pk_str(c->description), line;
        while (pk_str_cut(&rest, '\n', &line)) {
            char *text PK_CLEANUP(pk_freep) = pk_strndup(line.ptr, line.len);
            wrap(ui, text, 0, 0);
        }
    }
    if (c->positionals && c->positionals->name) {
        pk_ui_out(ui, "\n");
        pk_ui_out_styled(ui, PK_STYLE_BOLD, "Arguments\n");
        for (const struct pk_positional *p = c->positionals; p->name; p++)
            entry(ui, p->name, p->help);
    }
    if (c->options && c->options->name) {
        pk_ui_out(ui, "\n");
        pk_ui_out_styled(ui, PK_STYLE_BOLD, "Options\n");
        options(ui, c->options);
    }
    if (c->formats) {
        pk_ui_out(ui, "\n");
        pk_ui_out_styled(ui, PK_STYLE_BOLD, "Forms of the result\n");
        pk_ui_out(ui, "  --format %s\n", c->formats);
    }
    if (c->examples) {
        pk_ui_out(ui, "\n");
        pk_ui_out_styled(ui, PK_STYLE_BOLD, "Examples\n");
        for (size_t i = 0; c->examples[i]; i++)
            pk_ui_out(ui, "  %s\n", c->examples[i]);
    }
    pk_ui_out(ui, "\n`panka help options` lists the options that every command takes.\n");
}

/* --- completion
 * ------------------------------------------------------------------------------------------- */

static void words_of(struct pk_buf *to, const struct pk_option *table) {
    for (const struct pk_option *o = table; o && o->name; o++)
        pk_buf_addf(to, " --%s", o->name);
}

/* The next words after each prefix of a command's path, and the options of each command. */
static void bash_cases(struct pk_buf *to) {
    for (size_t i = 0; pk_commands[i]; i++) {
        const struct pk_command *c = pk_commands[i];
        if (c->flags & PK_CMD_HIDDEN)
            continue;
        pk_buf_addf(to, "    \"%s\") words=\"", c->path);
        words_of(to, c->options);
        words_of(to, pk_global_options);
        pk_buf_addz(to, "\" ;;\n");
    }
}

static void next_words(struct pk_buf *to, const char *prefix) {
    struct pk_vec seen PK_CLEANUP(pk_vec_release) = PK_VEC_INIT;
    size_t len = strlen(prefix);
    for (size_t i = 0; pk_commands[i]; i++) {
        const char *path = pk_commands[i]->path;
        if ((pk_commands[i]->flags & PK_CMD_HIDDEN) ||
            (len && (strncmp(path, prefix, len) != 0 || path[len] != ' ')))
            continue;
        const char *word = len ? path + len + 1 : path;
        size_t n = strcspn(word, " ");
        bool known = false;
        for (size_t s = 0; s < seen.len; s++)
            known =
                known || (strncmp(seen.items[s], word, n) == 0 &&
                          ((char *)seen.items[s])[n] != '-' && strcspn(seen.items[s], " ") == n);
        if (known)
            continue;
        pk_vec_push(&seen, (void *)(uintptr_t)word);
        pk_buf_addf(to, "%s%.*s", to->len && to->ptr[to->len - 1] != '"' ? " " : "", (int)n, word);
    }
}

static void group_cases(struct pk_buf *to) {
    static const char *const groups[] = {"admin", "admin tenant", "stack",  "service",
                                         "state", "secret",       "backend"};
    for (size_t i = 0; i < PK_ARRAY_LEN(groups); i++) {
        pk_buf_addf(to, "    \"%s\") words=\"", groups[i]);
        next_words(to, groups[i]);
        pk_buf_addz(to, "\" ;;\n");
    }
    pk_buf_addz(to, "    \"\") words=\"");
    next_words(to, "");
    pk_buf_addz(to, "\" ;;\n");
}

static void bash(struct pk_buf *to) {
    pk_buf_addz(to, "# bash completion for panka; load it with: source <(panka completion bash)\n"
                    "_panka() {\n"
                    "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" words=\"\" i w\n"
                    "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                    "    w=\"${COMP_WORDS[i]}\"\n"
                    "    [[ $w == -* ]] && continue\n"
                    "    case \" $(_panka_paths) \" in\n"
                    "      *\" ${path:+${path// /_}_}$w \"*) path=\"${path:+$path }$w\" ;;\n"
                    "    esac\n"
                    "  done\n"
                    "  case \"$path\" in\n");
    bash_cases(to);
    group_cases(to);
    pk_buf_addz(
        to,
        "  esac\n"
        "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
        "  [[ ${#COMPREPLY[@]} -eq 0 && $cur != -* ]] && COMPREPLY=($(compgen -f -- \"$cur\"))\n"
        "}\n"
        "_panka_paths() {\n  echo \"");
    for (size_t i = 0; pk_commands[i]; i++) {
        char *path PK_CLEANUP(pk_freep) = pk_strdup(pk_commands[i]->path);
        /* Every leading part of a path is a word to follow. */
        for (char *p = path; *p; p++)
            if (*p == ' ') {
                pk_buf_add(to, path, (size_t)(p - path));
                pk_buf_addc(to, ' ');
                *p = '_';
            }
        pk_buf_addf(to, "%s ", path);
    }
    pk_buf_addz(to, "\"\n}\ncomplete -o nosort -F _panka panka\n");
}

static void fish(struct pk_buf *to) {
    pk_buf_addz(to, "# fish completion for panka; load it with: panka completion fish | source\n"
                    "function __panka_at\n"
                    "  set -l words (commandline -opc)[2..-1]\n"
                    "  set -l path (string match -v -- '-*' $words)\n"
                    "  test \"$path\" = \"$argv\"\n"
                    "end\n"
                    "complete -c panka -f\n");
    for (size_t i = 0; pk_commands[i]; i++) {
        const struct pk_command *c = pk_commands[i];
        if (c->flags & PK_CMD_HIDDEN)
            continue;
        const char *last = strrchr(c->path, ' ');
        pk_buf_addf(to, "complete -c panka -n '__panka_at %.*s' -a '%s' -d '%s'\n",
                    last ? (int)(last - c->path) : 0, c->path, last ? last + 1 : c->path,
                    c->summary);
        for (const struct pk_option *o = c->options; o && o->name; o++)
            pk_buf_addf(
                to, "complete -c panka -n '__fish_seen_subcommand_from %s' -l %s -d '%s'%s\n",
                last ? last + 1 : c->path, o->name, o->help, o->type == PK_OPT_FLAG ? "" : " -r");
    }
    for (const struct pk_option *o = pk_global_options; o->name; o++)
        pk_buf_addf(to, "complete -c panka -l %s -d '%s'%s\n", o->name, o->help,
                    o->type == PK_OPT_FLAG ? "" : " -r");
}

void pk_completion_script(const char *shell, struct pk_buf *ret) {
    if (pk_streq(shell, "fish")) {
        fish(ret);
        return;
    }
    /* zsh runs the bash functions through its own adapter. */
    if (pk_streq(shell, "zsh"))
        pk_buf_addz(ret, "#compdef panka\nautoload -U +X bashcompinit && bashcompinit\n");
    bash(ret);
}
