#include "cli/parse.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 4
#define MAX_LIST 1000

#define GLOBAL(field) offsetof(struct pk_global_args, field)

/* clang-format off */
const struct pk_option pk_global_options[] = {
    {"help", 'h', PK_OPT_FLAG, GLOBAL(help), NULL, NULL, 0, 0, "show help", false, false},
    {"verbose", 'v', PK_OPT_INT, GLOBAL(verbose), NULL, NULL, 0, 3, "say more; -vv debug, -vvv requests", false, false},
    {"quiet", 'q', PK_OPT_FLAG, GLOBAL(quiet), NULL, NULL, 0, 0, "results and errors only", false, false},
    {"format", 0, PK_OPT_STR, GLOBAL(format), "FORM", NULL, 0, 0, "form of the result: human, json, …", false, false},
    {"json", 0, PK_OPT_FLAG, GLOBAL(json), NULL, NULL, 0, 0, "short for --format json", false, false},
    {"output", 'o', PK_OPT_STR, GLOBAL(output), "FILE", NULL, 0, 0, "write the result to FILE", false, false},
    {"no-color", 0, PK_OPT_FLAG, GLOBAL(no_color), NULL, NULL, 0, 0, "no colours (also NO_COLOR)", false, false},
    {"config", 0, PK_OPT_STR, GLOBAL(config), "FILE", NULL, 0, 0, "settings file instead of ~/.panka/config.yaml", false, false},
    {"region", 0, PK_OPT_STR, GLOBAL(region), "REGION", NULL, 0, 0, "AWS region", false, false},
    {"profile", 0, PK_OPT_STR, GLOBAL(profile), "NAME", NULL, 0, 0, "AWS profile", false, false},
    {"tenant", 0, PK_OPT_STR, GLOBAL(tenant), "NAME", NULL, 0, 0, "tenant", false, false},
    {"backend-bucket", 0, PK_OPT_STR, GLOBAL(backend_bucket), "BUCKET", NULL, 0, 0, "bucket that holds the state", false, false},
    {"backend-region", 0, PK_OPT_STR, GLOBAL(backend_region), "REGION", NULL, 0, 0, "region of that bucket", false, false},
    {"lock-table", 0, PK_OPT_STR, GLOBAL(lock_table), "TABLE", NULL, 0, 0, "DynamoDB table of the locks", false, false},
    {"endpoint-url", 0, PK_OPT_STR, GLOBAL(endpoint_url), "URL", NULL, 0, 0, "AWS endpoint (emulators)", false, false},
    {0},
};
/* clang-format on */

const struct pk_command *pk_command_find(const char *path) {
    for (size_t i = 0; pk_commands[i]; i++)
        if (pk_streq(pk_commands[i]->path, path))
            return pk_commands[i];
    return NULL;
}

static bool is_prefix_of_command(const char *words) {
    size_t len = strlen(words);
    for (size_t i = 0; pk_commands[i]; i++)
        if (strncmp(pk_commands[i]->path, words, len) == 0 &&
            (pk_commands[i]->path[len] == ' ' || pk_commands[i]->path[len] == '\0'))
            return true;
    return false;
}

static const struct pk_option *find_option(const struct pk_option *table, const char *name,
                                           size_t len, char letter) {
    for (const struct pk_option *o = table; o && o->name; o++) {
        if (letter ? o->letter == letter
                   : strlen(o->name) == len && strncmp(o->name, name, len) == 0)
            return o;
    }
    return NULL;
}

static bool unknown_option(const struct pk_command *command, const char *arg,
                           struct pk_error **err) {
    const char *names[128], *near[1];
    size_t n = 0;
    for (const struct pk_option *o = command ? command->options : NULL; o && o->name && n < 100;
         o++)
        names[n++] = o->name;
    for (const struct pk_option *o = pk_global_options; o->name; o++)
        names[n++] = o->name;
    char *name PK_CLEANUP(pk_freep) = pk_strdup(arg + strspn(arg, "-"));
    name[strcspn(name, "=")] = '\0';
    pk_fail(err, PK_E_USAGE, "unknown option %s", arg);
    if (pk_suggest(name, names, n, near, 1))
        return pk_error_hint(err, "did you mean --%s?", near[0]);
    return pk_error_hint(err, "panka %s%s--help lists the options", command ? command->path : "",
                         command ? " " : "");
}

static bool bad_value(const struct pk_option *o, const char *value, const char *want,
                      struct pk_error **err) {
    return pk_fail(err, PK_E_USAGE, "--%s: \"%s\" is not %s", o->name, value, want);
}

static bool enum_has(const char *allowed, const char *value) {
    struct pk_str rest = pk_str(allowed), word;
    while (pk_str_cut(&rest, '|', &word))
        if (pk_str_eqz(word, value))
            return true;
    return false;
}

static bool store_list(const struct pk_option *o, struct pk_vec *list, const char *value,
                       struct pk_error **err) {
    if (list->len >= MAX_LIST)
        return pk_fail(err, PK_E_USAGE, "--%s: more than %d values", o->name, MAX_LIST);
    if (!o->split) {
        pk_vec_push(list, pk_strdup(value));
        return true;
    }
    struct pk_str rest = pk_str(value), part;
    while (pk_str_cut(&rest, ',', &part)) {
        part = pk_str_trim(part);
        if (part.len > 0)
            pk_vec_push(list, pk_strndup(part.ptr, part.len));
    }
    return true;
}

static bool store(const struct pk_option *o, void *base, const char *value, struct pk_error **err) {
    void *at = (char *)base + o->offset;
    int64_t number;
    switch (o->type) {
    case PK_OPT_FLAG:
        *(bool *)at = true;
        return true;
    case PK_OPT_STR:
        *(const char **)at = value;
        return true;
    case PK_OPT_ENUM:
        if (!enum_has(o->allowed, value))
            return bad_value(o, value, o->allowed, err);
        *(const char **)at = value;
        return true;
    case PK_OPT_INT:
        if (!pk_parse_i64(pk_str(value), &number) || number < o->min || number > o->max) {
            char *want PK_CLEANUP(pk_freep) = pk_asprintf("a whole number from %lld to %lld",
                                                          (long long)o->min, (long long)o->max);
            return bad_value(o, value, want, err);
        }
        *(int64_t *)at = number;
        return true;
    case PK_OPT_DURATION:
        if (!pk_duration_parse(value, &number))
            return bad_value(o, value, "a duration such as 30s, 5m or 2h", err);
        *(int64_t *)at = number;
        return true;
    case PK_OPT_LIST:
        return store_list(o, at, value, err);
    }
    return false;
}

struct reader {
    int argc, at;
    char *const *argv;
    struct pk_parsed *out;
    const struct pk_option *seen_required;
    uint64_t given; /* bit per option of the command */
    size_t n_positional;
    bool only_positional;
};

/* `value` points after '=' or is NULL. */
static bool take_option(struct reader *r, const struct pk_option *o, void *base, const char *value,
                        struct pk_error **err) {
    if (base == &r->out->global && pk_streq(o->name, "verbose")) {
        r->out->global.verbose++;
        return value == NULL || pk_fail(err, PK_E_USAGE, "--verbose takes no value");
    }
    if (o->type == PK_OPT_FLAG) {
        if (value)
            return pk_fail(err, PK_E_USAGE, "--%s takes no value", o->name);
    } else if (!value) {
        if (r->at >= r->argc)
            return pk_fail(err, PK_E_USAGE, "--%s needs a value", o->name) ||
                   pk_error_hint(err, "--%s %s", o->name, o->value ? o->value : "VALUE");
        value = r->argv[r->at++];
    }
    if (r->out->command && base == r->out->args)
        r->given |= (uint64_t)1 << (o - r->out->command->options);
    return store(o, base, value, err);
}

static bool long_option(struct reader *r, const char *arg, struct pk_error **err) {
    const char *name = arg + 2, *eq = strchr(name, '=');
    size_t len = eq ? (size_t)(eq - name) : strlen(name);
    const struct pk_command *c = r->out->command;
    const struct pk_option *o = c ? find_option(c->options, name, len, 0) : NULL;
    if (o)
        return take_option(r, o, r->out->args, eq ? eq + 1 : NULL, err);
    o = find_option(pk_global_options, name, len, 0);
    if (o)
        return take_option(r, o, &r->out->global, eq ? eq + 1 : NULL, err);
    return unknown_option(c, arg, err);
}

static bool short_options(struct reader *r, const char *arg, struct pk_error **err) {
    const struct pk_command *c = r->out->command;
    for (const char *p = arg + 1; *p; p++) {
        const struct pk_option *o = c ? find_option(c->options, NULL, 0, *p) : NULL;
        void *base = o ? r->out->args : (void *)&r->out->global;
        if (!o)
            o = find_option(pk_global_options, NULL, 0, *p);
        if (!o)
            return unknown_option(c, arg, err);
        bool counts = pk_streq(o->name, "verbose") || o->type == PK_OPT_FLAG;
        if (counts) {
            if (!take_option(r, o, base, NULL, err))
                return false;
            continue;
        }
        const char *value = p[1] == '=' ? p + 2 : p[1] ? p + 1 : NULL;
        return take_option(r, o, base, value, err);
    }
    return true;
}

static bool positional(struct reader *r, const char *arg, struct pk_error **err) {
    const struct pk_command *c = r->out->command;
    const struct pk_positional *p = c->positionals;
    size_t i = 0;
    while (p && p->name && i < r->n_positional && !p->many) {
        p++;
        i++;
    }
    if (!p || !p->name)
        return pk_fail(err, PK_E_USAGE, "unexpected argument \"%s\"", arg) ||
               pk_error_hint(err, "panka %s --help", c->path);
    void *at = (char *)r->out->args + p->offset;
    if (p->many)
        pk_vec_push(at, pk_strdup(arg));
    else
        *(const char **)at = arg;
    r->n_positional++;
    return true;
}

static bool unknown_command(const char *words, struct pk_error **err) {
    const char *names[256], *near[3];
    size_t n = 0;
    for (size_t i = 0; pk_commands[i] && n < 256; i++)
        if (!(pk_commands[i]->flags & PK_CMD_HIDDEN))
            names[n++] = pk_commands[i]->path;
    pk_fail(err, PK_E_USAGE, "unknown command \"%s\"", words);
    size_t found = pk_suggest(words, names, n, near, 1);
    if (found)
        return pk_error_hint(err, "did you mean `panka %s`?", near[0]);
    return pk_error_hint(err, "`panka help` lists the commands");
}

/* The longest run of leading words that names a command. */
static bool find_command(struct reader *r, struct pk_error **err) {
    char words[256] = "";
    while (r->at < r->argc) {
        const char *arg = r->argv[r->at];
        if (arg[0] == '-' && arg[1]) {
            if (r->out->command)
                break; /* its own options begin */
            /* Global options may stand before the command. */
            r->at++;
            bool ok = arg[1] == '-' ? long_option(r, arg, err) : short_options(r, arg, err);
            if (!ok)
                return false;
            continue;
        }
        char *tried PK_CLEANUP(pk_freep) =
            *words ? pk_asprintf("%s %s", words, arg) : pk_strdup(arg);
        if (strlen(tried) >= sizeof(words) || !is_prefix_of_command(tried))
            break;
        snprintf(words, sizeof(words), "%s", tried);
        r->at++;
        const struct pk_command *c = pk_command_find(words);
        if (c)
            r->out->command = c;
        else
            r->out->command = NULL;
    }
    r->out->topic = *words ? pk_strdup(words) : NULL;
    if (r->out->command || r->out->global.help)
        return true;
    if (r->at < r->argc) {
        char *all PK_CLEANUP(pk_freep) =
            *words ? pk_asprintf("%s %s", words, r->argv[r->at]) : pk_strdup(r->argv[r->at]);
        return unknown_command(all, err);
    }
    return true; /* a group without a command: its help is shown */
}

static bool check_required(struct reader *r, struct pk_error **err) {
    const struct pk_command *c = r->out->command;
    size_t i = 0;
    for (const struct pk_positional *p = c->positionals; p && p->name; p++, i++)
        if (p->required && i >= r->n_positional)
            return pk_fail(err, PK_E_USAGE, "%s is missing", p->name) ||
                   pk_error_hint(err, "panka %s --help", c->path);
    for (const struct pk_option *o = c->options; o && o->name; o++)
        if (o->required && !(r->given & ((uint64_t)1 << (o - c->options))))
            return pk_fail(err, PK_E_USAGE, "--%s is required", o->name) ||
                   pk_error_hint(err, "--%s %s: %s", o->name, o->value ? o->value : "VALUE",
                                 o->help);
    return true;
}

bool pk_parse(int argc, char *const *argv, struct pk_parsed *ret, struct pk_error **err) {
    memset(ret, 0, sizeof(*ret));
    struct reader r = {.argc = argc, .at = 1, .argv = argv, .out = ret};
    if (!find_command(&r, err))
        return false;
    if (!ret->command)
        return true;
    ret->args = pk_calloc(1, ret->command->args_size ? ret->command->args_size : 1);
    while (r.at < argc) {
        const char *arg = argv[r.at++];
        bool ok;
        if (!r.only_positional && pk_streq(arg, "--")) {
            r.only_positional = true;
            continue;
        }
        if (r.only_positional || arg[0] != '-' || !arg[1])
            ok = positional(&r, arg, err);
        else
            ok = arg[1] == '-' ? long_option(&r, arg, err) : short_options(&r, arg, err);
        if (!ok)
            return false;
    }
    return ret->global.help || check_required(&r, err);
}

void pk_parsed_release(struct pk_parsed *parsed) {
    const struct pk_command *c = parsed->command;
    if (c && parsed->args) {
        for (const struct pk_option *o = c->options; o && o->name; o++)
            if (o->type == PK_OPT_LIST) {
                struct pk_vec *list = (struct pk_vec *)(void *)((char *)parsed->args + o->offset);
                for (size_t i = 0; i < list->len; i++)
                    free(list->items[i]);
                pk_vec_release(list);
            }
        for (const struct pk_positional *p = c->positionals; p && p->name; p++)
            if (p->many) {
                struct pk_vec *list = (struct pk_vec *)(void *)((char *)parsed->args + p->offset);
                for (size_t i = 0; i < list->len; i++)
                    free(list->items[i]);
                pk_vec_release(list);
            }
    }
    free(parsed->args);
    free((char *)(uintptr_t)parsed->topic);
    memset(parsed, 0, sizeof(*parsed));
}
