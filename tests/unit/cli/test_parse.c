/* Command lines against the command table: every example of every record parses; mistakes name
 * their remedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/help.h"
#include "cli/parse.h"

#define MAX_ARGS 64

/* Splits at spaces; no example quotes. Redirections end the line. */
static int split(char *line, char *argv[MAX_ARGS]) {
    int argc = 0;
    for (char *p = strtok_r(line, " ", &line); p && argc < MAX_ARGS;
         p = strtok_r(NULL, " ", &line)) {
        if (strcmp(p, "<") == 0)
            break;
        argv[argc++] = p;
    }
    return argc;
}

static bool parse_line(const char *text, struct pk_parsed *ret, char **ret_storage,
                       struct pk_error **err) {
    char *argv[MAX_ARGS];
    *ret_storage = pk_strdup(text);
    int argc = split(*ret_storage, argv);
    return pk_parse(argc, argv, ret, err);
}

static void every_example_parses(void **state) {
    (void)state;
    size_t examples = 0;
    for (size_t i = 0; pk_commands[i]; i++) {
        const struct pk_command *c = pk_commands[i];
        assert_non_null(c->examples);
        for (size_t e = 0; c->examples[e]; e++, examples++) {
            struct pk_parsed parsed;
            struct pk_error *err = NULL;
            char *storage = NULL;
            if (!parse_line(c->examples[e], &parsed, &storage, &err))
                fail_msg("%s: %s", c->examples[e], err->message);
            assert_ptr_equal(parsed.command, c);
            pk_parsed_release(&parsed);
            free(storage);
        }
    }
    assert_true(examples > 40);
}

/* Records are complete, and option tables fit the bit set that tracks what was given. */
static void records_are_complete(void **state) {
    (void)state;
    for (size_t i = 0; pk_commands[i]; i++) {
        const struct pk_command *c = pk_commands[i];
        assert_non_null(c->path);
        assert_non_null(c->group);
        assert_non_null(c->summary);
        assert_non_null(c->run);
        assert_true(strlen(c->summary) <= 80);
        assert_ptr_equal(pk_command_find(c->path), c);
        size_t n = 0;
        for (const struct pk_option *o = c->options; o && o->name; o++, n++) {
            assert_non_null(o->help);
            assert_true(o->offset < c->args_size);
            assert_true(o->type == PK_OPT_FLAG || o->value || o->allowed);
        }
        assert_true(n < 64);
    }
}

static void expect_error(const char *line, const char *message, const char *hint) {
    struct pk_parsed parsed;
    struct pk_error *err = NULL;
    char *storage = NULL;
    assert_false(parse_line(line, &parsed, &storage, &err));
    assert_non_null(err);
    assert_int_equal(err->code, PK_E_USAGE);
    if (!strstr(err->message, message))
        fail_msg("%s: \"%s\" lacks \"%s\"", line, err->message, message);
    if (hint && (!err->hint || !strstr(err->hint, hint)))
        fail_msg("%s: hint \"%s\" lacks \"%s\"", line, err->hint ? err->hint : "", hint);
    pk_error_free(err);
    pk_parsed_release(&parsed);
    free(storage);
}

static void mistakes_name_their_remedy(void **state) {
    (void)state;
    expect_error("panka aply", "unknown command \"aply\"", "apply");
    expect_error("panka plan --auto-aprove", "unknown option", "--");
    expect_error("panka apply --auto-aprove", "unknown option --auto-aprove", "--auto-approve");
    expect_error("panka apply --parallelism ten", "--parallelism", NULL);
    expect_error("panka apply --parallelism 0", "from 1 to 256", NULL);
    expect_error("panka apply --lock-timeout soon", "duration", NULL);
    expect_error("panka plan --var", "--var needs a value", NULL);
    expect_error("panka plan one two", "unexpected argument \"two\"", "--help");
    expect_error("panka state show", "KEY is missing", "state show --help");
    expect_error("panka backend create", "--bucket is required", "--bucket");
    expect_error("panka plan --full=yes", "takes no value", NULL);
    expect_error("panka admin tenant destroy", "unknown command", NULL);
}

static void forms_of_options(void **state) {
    (void)state;
    static const char *const lines[] = {
        "panka -v plan shop -e staging --json",
        "panka plan -estaging shop -v --json",
        "panka plan --environment=staging shop -v --json",
        "panka plan --json -ve staging shop",
        "panka plan -e staging -v --json -- shop",
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(lines); i++) {
        struct pk_parsed parsed;
        struct pk_error *err = NULL;
        char *storage = NULL;
        if (!parse_line(lines[i], &parsed, &storage, &err))
            fail_msg("%s: %s", lines[i], err->message);
        assert_string_equal(parsed.command->path, "plan");
        assert_int_equal(parsed.global.verbose, 1);
        assert_true(parsed.global.json);
        /* the stack arguments come first in the struct: folder, stack, environment */
        const char *const *texts = parsed.args;
        assert_string_equal(texts[0], "shop");
        assert_string_equal(texts[2], "staging");
        pk_parsed_release(&parsed);
        free(storage);
    }
}

static void a_group_is_a_topic(void **state) {
    (void)state;
    struct pk_parsed parsed;
    struct pk_error *err = NULL;
    char *storage = NULL;
    assert_true(parse_line("panka admin tenant", &parsed, &storage, &err));
    assert_null(parsed.command);
    assert_string_equal(parsed.topic, "admin tenant");
    pk_parsed_release(&parsed);
    free(storage);
}

static void completions_know_every_command(void **state) {
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t s = 0; s < PK_ARRAY_LEN(shells); s++) {
        struct pk_buf script = PK_BUF_INIT(1 << 20);
        pk_completion_script(shells[s], &script);
        for (size_t i = 0; pk_commands[i]; i++) {
            const char *last = strrchr(pk_commands[i]->path, ' ');
            assert_non_null(strstr(pk_buf_cstr(&script), last ? last + 1 : pk_commands[i]->path));
        }
        pk_buf_release(&script);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_parses),
        cmocka_unit_test(records_are_complete),
        cmocka_unit_test(mistakes_name_their_remedy),
        cmocka_unit_test(forms_of_options),
        cmocka_unit_test(a_group_is_a_topic),
        cmocka_unit_test(completions_know_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
