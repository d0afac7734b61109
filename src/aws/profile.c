/* profile.c - the AWS config and credentials files. */
#include "aws/profile.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)4 << 20)

struct parser {
    struct pk_aws_profiles *profiles;
    enum pk_aws_ini_kind kind;
    const char *path;
    size_t line;
    bool in_section;                /* after any header, even an ignored one */
    struct pk_aws_section *section; /* NULL inside an ignored one */
    char *key;                      /* the last property of the section, for continuations */
    struct pk_error **err;
};

struct pk_aws_profiles *pk_aws_profiles_new(const char *config_path, const char *credentials_path) {
    struct pk_aws_profiles *profiles = pk_calloc(1, sizeof(*profiles));
    profiles->config = pk_map_new();
    profiles->credentials = pk_map_new();
    profiles->sso_sessions = pk_map_new();
    profiles->services = pk_map_new();
    profiles->config_path = pk_strdup(config_path);
    profiles->credentials_path = pk_strdup(credentials_path);
    return profiles;
}

static void clear_values(struct pk_map *values) {
    size_t cursor = 0;
    const char *key;
    void *value;
    while (pk_map_next(values, &cursor, &key, &value))
        pk_secret_free(value);
    pk_map_free(values);
}

static void free_sections(struct pk_map *sections) {
    size_t cursor = 0;
    const char *key;
    void *value;
    while (pk_map_next(sections, &cursor, &key, &value)) {
        struct pk_aws_section *section = value;
        clear_values(section->values);
        free(section->name);
        free(section);
    }
    pk_map_free(sections);
}

void pk_aws_profiles_free(struct pk_aws_profiles *profiles) {
    if (profiles == NULL)
        return;
    free_sections(profiles->config);
    free_sections(profiles->credentials);
    free_sections(profiles->sso_sessions);
    free_sections(profiles->services);
    free(profiles->config_path);
    free(profiles->credentials_path);
    free(profiles);
}

static bool syntax_error(const struct parser *parser, const char *what) {
    return pk_fail(parser->err, PK_E_CONFIG, "%s:%zu: %s", parser->path, parser->line, what);
}

static bool valid_name(struct pk_str name) {
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (!isalnum(c) && strchr("-_/.%@:+", c) == NULL)
            return false;
    }
    return name.len > 0;
}

/* The name after a prefix such as "profile", which a blank must follow; empty when it is not there.
 */
static struct pk_str after_prefix(struct pk_str header, const char *prefix) {
    size_t len = strlen(prefix);
    if (header.len <= len || memcmp(header.ptr, prefix, len) != 0 ||
        !isspace((unsigned char)header.ptr[len]))
        return pk_str("");
    return pk_str_trim(pk_str_n(header.ptr + len, header.len - len));
}

static void open_section(struct parser *parser, struct pk_map *sections, struct pk_str name,
                         bool prefixed) {
    bool quoted = name.len >= 2 && name.ptr[0] == '"' && name.ptr[name.len - 1] == '"';
    if (quoted)
        name = pk_str_n(name.ptr + 1, name.len - 2);
    if (quoted ? name.len == 0 : !valid_name(name))
        return;
    char *text = pk_strndup(name.ptr, name.len);
    struct pk_aws_section *section = pk_map_get(sections, text);
    if (section == NULL) {
        section = pk_calloc(1, sizeof(*section));
        section->name = pk_strdup(text);
        section->values = pk_map_new();
        section->path = parser->path;
        section->prefixed = prefixed;
        pk_map_set(sections, text, section);
    } else if (prefixed && !section->prefixed) {
        clear_values(section->values);
        section->values = pk_map_new();
        section->prefixed = true;
    } else if (!prefixed && section->prefixed) {
        section = NULL;
    }
    parser->section = section;
    free(text);
}

static bool parse_header(struct parser *parser, struct pk_str line) {
    struct pk_aws_profiles *profiles = parser->profiles;
    const char *end = memchr(line.ptr, ']', line.len);
    if (end == NULL)
        return syntax_error(parser, "a section header must end with ]");
    struct pk_str header = pk_str_trim(pk_str_n(line.ptr + 1, (size_t)(end - line.ptr) - 1));
    parser->in_section = true;
    parser->section = NULL;
    pk_freep(&parser->key);
    if (parser->kind == PK_AWS_INI_CREDENTIALS) {
        open_section(parser, profiles->credentials, header, false);
    } else if (pk_str_eqz(header, "default")) {
        open_section(parser, profiles->config, header, false);
    } else if (after_prefix(header, "profile").len > 0) {
        open_section(parser, profiles->config, after_prefix(header, "profile"), true);
    } else if (after_prefix(header, "sso-session").len > 0) {
        open_section(parser, profiles->sso_sessions, after_prefix(header, "sso-session"), true);
    } else if (after_prefix(header, "services").len > 0) {
        open_section(parser, profiles->services, after_prefix(header, "services"), true);
    }
    return true;
}

/* The text before a comment: "#" or ";" after a blank. */
static struct pk_str without_comment(struct pk_str text) {
    for (size_t i = 1; i < text.len; i++) {
        if ((text.ptr[i] == '#' || text.ptr[i] == ';') &&
            (text.ptr[i - 1] == ' ' || text.ptr[i - 1] == '\t'))
            return pk_str_n(text.ptr, i);
    }
    return text;
}

static void set_value(struct parser *parser, char *value) {
    pk_secret_free(pk_map_set(parser->section->values, parser->key, value));
}

static bool parse_property(struct parser *parser, struct pk_str line) {
    if (!parser->in_section)
        return syntax_error(parser, "expected a section header such as [default]");
    if (parser->section == NULL)
        return true;
    struct pk_str value = line, key;
    if (memchr(line.ptr, '=', line.len) == NULL)
        return syntax_error(parser, "expected an = sign defining a property");
    bool cut PK_UNUSED = pk_str_cut(&value, '=', &key);
    key = pk_str_trim(key);
    if (key.len == 0)
        return syntax_error(parser, "expected a name before the = sign");
    pk_freep(&parser->key);
    parser->key = pk_strndup(key.ptr, key.len);
    for (char *c = parser->key; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    /* A comment may begin right behind the = sign. */
    struct pk_str text = value.len > 0 ? pk_str_trim(without_comment(value)) : pk_str("");
    set_value(parser, pk_strndup(text.len ? text.ptr : "", text.len));
    return true;
}

static bool parse_continuation(struct parser *parser, struct pk_str line) {
    if (parser->in_section && parser->section == NULL)
        return true;
    if (parser->key == NULL)
        return syntax_error(parser, "expected a property, found a continued line");
    const char *old = pk_map_get(parser->section->values, parser->key);
    set_value(parser, pk_asprintf("%s\n" PK_STR_FMT, old, PK_STR_ARG(line)));
    return true;
}

static bool parse_line(struct parser *parser, struct pk_str line) {
    struct pk_str trimmed = pk_str_trim(line);
    if (trimmed.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
        return true;
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return parse_continuation(parser, trimmed);
    return line.ptr[0] == '[' ? parse_header(parser, trimmed) : parse_property(parser, line);
}

bool pk_aws_ini_parse(struct pk_aws_profiles *profiles, enum pk_aws_ini_kind kind, const char *text,
                      size_t len, struct pk_error **err) {
    struct parser parser = {
        .profiles = profiles,
        .kind = kind,
        .path = kind == PK_AWS_INI_CONFIG ? profiles->config_path : profiles->credentials_path,
        .err = err,
    };
    if (len > 0 && memchr(text, '\0', len) != NULL)
        return pk_fail(err, PK_E_CONFIG, "%s: a NUL byte", parser.path);
    struct pk_str rest = pk_str_n(text, len), line;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        rest = pk_str_n(text + 3, len - 3);
    bool ok = true;
    while (ok && rest.len > 0 && pk_str_cut(&rest, '\n', &line)) {
        parser.line++;
        ok = parse_line(&parser, line);
    }
    free(parser.key);
    return ok;
}

static bool read_one(struct pk_aws_profiles *profiles, enum pk_aws_ini_kind kind, const char *path,
                     struct pk_error **err) {
    struct pk_error *why = NULL;
    struct pk_buf text;
    /* The usual way to say "no file": AWS_CONFIG_FILE=/dev/null. */
    if (pk_streq(path, "/dev/null"))
        return true;
    if (!pk_read_file(path, MAX_FILE, &text, &why)) {
        bool missing = why->code == PK_E_NOT_FOUND;
        if (missing || err == NULL)
            pk_error_free(why);
        else
            *err = why;
        return missing;
    }
    bool ok = pk_aws_ini_parse(profiles, kind, pk_buf_cstr(&text), text.len, err);
    if (text.ptr != NULL)
        explicit_bzero(text.ptr, text.len);
    pk_buf_release(&text);
    return ok;
}

bool pk_aws_profiles_read(struct pk_aws_profiles *profiles, struct pk_error **err) {
    return read_one(profiles, PK_AWS_INI_CONFIG, profiles->config_path, err) &&
           read_one(profiles, PK_AWS_INI_CREDENTIALS, profiles->credentials_path, err);
}

bool pk_aws_profile_exists(const struct pk_aws_profiles *profiles, const char *profile) {
    return pk_map_has(profiles->config, profile) || pk_map_has(profiles->credentials, profile);
}

const char *pk_aws_section_get(const struct pk_map *sections, const char *name, const char *key) {
    const struct pk_aws_section *section = pk_map_get(sections, name);
    return section ? pk_map_get(section->values, key) : NULL;
}

const char *pk_aws_profile_get(const struct pk_aws_profiles *profiles, const char *profile,
                               const char *key) {
    const char *value = pk_aws_section_get(profiles->credentials, profile, key);
    return value ? value : pk_aws_section_get(profiles->config, profile, key);
}

char *pk_aws_nested_get(const char *value, const char *name) {
    struct pk_str rest = pk_str(value), line, key;
    while (rest.len > 0 && pk_str_cut(&rest, '\n', &line)) {
        if (memchr(line.ptr, '=', line.len) == NULL || !pk_str_cut(&line, '=', &key))
            continue;
        key = pk_str_trim(key);
        struct pk_str text = pk_str_trim(line);
        if (strlen(name) == key.len && strncasecmp(key.ptr, name, key.len) == 0)
            return pk_strndup(text.len ? text.ptr : "", text.len);
    }
    return NULL;
}
