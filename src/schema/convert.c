/* convert.c - one text as the type that a field wants. */
#include "base/clock.h"
#include "schema/cidr.h"
#include "schema/shape.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool pk_words_find(const char *words, const char *word, bool nocase, struct pk_str *ret_word) {
    struct pk_str rest = pk_str(words), part;
    size_t len = strlen(word);
    if (!words)
        return false;
    while (pk_str_cut(&rest, '|', &part)) {
        if (part.len != len)
            continue;
        if (nocase ? strncasecmp(part.ptr, word, len) == 0 : memcmp(part.ptr, word, len) == 0) {
            *ret_word = part;
            return true;
        }
    }
    return false;
}

const char *pk_type_name(enum pk_type type) {
    switch (type) {
    case PK_T_STR:
        return "text";
    case PK_T_INT:
        return "a whole number";
    case PK_T_NUM:
        return "a number";
    case PK_T_BOOL:
        return "true or false";
    case PK_T_ENUM:
        return "one of the allowed words";
    case PK_T_DUR:
        return "a duration such as 30, 30s, 5m, 2h or 1d";
    case PK_T_CPU:
        return "CPU units such as 256, 256m or 0.5 vCPU";
    case PK_T_MEM:
        return "a memory size such as 512, 512Mi or 1Gi";
    case PK_T_GIB:
        return "a size such as 20 or 20Gi";
    case PK_T_CIDR:
        return "an IPv4 network such as 10.0.0.0/16";
    case PK_T_ARN:
        return "an ARN such as arn:aws:iam::123456789012:role/name";
    case PK_T_CRON:
        return "a schedule such as rate(5 minutes), cron(0 3 * * ? *) or 0 3 * * *";
    case PK_T_REF:
        return "the name of a component, [service/]component";
    case PK_T_SECRET:
        return "the name or ARN of a secret";
    case PK_T_JSON:
        return "a map, a list or JSON text";
    case PK_T_STRMAP:
        return "a map of texts";
    case PK_T_OBJECT:
        return "a map";
    case PK_T_LIST:
        return "a list";
    }
    return "a value";
}

static json_t *whole(int64_t value) {
    return json_integer(value);
}

/* `digits[.digits]` at the start of text; *ret_end behind it. No sign, no exponent. */
static bool read_decimal(const char *text, double *ret, const char **ret_end) {
    size_t len = strspn(text, "0123456789");
    if (len == 0)
        return false;
    if (text[len] == '.') {
        size_t fraction = strspn(text + len + 1, "0123456789");
        if (fraction == 0)
            return false;
        len += 1 + fraction;
    }
    *ret_end = text + len;
    int64_t exact;
    if (pk_parse_i64(pk_str_n(text, len), &exact)) { /* far cheaper, and nearly always enough */
        *ret = (double)exact;
        return true;
    }
    return pk_parse_double(pk_str_n(text, len), ret);
}

static bool unit_is(const char *text, const char *words) {
    struct pk_str word;
    while (*text == ' ')
        text++;
    return pk_words_find(words, text, false, &word);
}

/* A number with a binary unit, in units of `one`; NULL when it is not a whole number of them. */
static json_t *sized(const char *text, const char *one, const char *thousand,
                     const char **ret_why) {
    double value;
    const char *unit;
    if (!read_decimal(text, &value, &unit))
        return NULL;
    if (unit_is(unit, thousand))
        value *= 1024;
    else if (*unit && !unit_is(unit, one))
        return NULL;
    if (value != floor(value) || value > 1e15) {
        *ret_why = "it is not a whole number of units";
        return NULL;
    }
    return whole((int64_t)value);
}

/* Bare numbers and the `m` of the examples are CPU units; a fraction or `vCPU`
 * counts processors. */
static json_t *cpu(const char *text, const char **ret_why) {
    double value;
    const char *unit;
    if (!read_decimal(text, &value, &unit))
        return NULL;
    bool fraction = memchr(text, '.', (size_t)(unit - text)) != NULL;
    if (unit_is(unit, "vCPU|vcpu|VCPU")) {
        value *= 1024;
    } else if (!*unit && fraction) {
        value *= 1024;
    } else if (*unit && !(unit_is(unit, "m") && !fraction)) {
        return NULL;
    } else if (!*unit && value < 128) {
        *ret_why = "numbers below 128 are no CPU units: write `1 vCPU` or 1024 for one processor";
        return NULL;
    }
    if (value != floor(value) || value > 1e9) {
        *ret_why = "it is not a whole number of CPU units (1 vCPU = 1024)";
        return NULL;
    }
    return whole((int64_t)value);
}

static json_t *cidr(const char *text, enum pk_convert_fault *ret_fault, const char **ret_why) {
    struct pk_cidr network;
    if (!pk_cidr_parse(text, &network))
        return NULL;
    if (pk_cidr_has_host_bits(network)) {
        *ret_fault = PK_FAULT_HOST_BITS;
        *ret_why = "the address has bits right of the prefix";
        return NULL;
    }
    return json_string(text);
}

static json_t *arn(const char *text) {
    size_t colons = 0;
    if (!pk_starts_with(text, "arn:"))
        return NULL;
    for (const char *c = text; *c; c++) {
        if (*c == ':')
            colons++;
        if ((unsigned char)*c <= ' ')
            return NULL;
    }
    return colons >= 5 && text[strlen(text) - 1] != ':' ? json_string(text) : NULL;
}

static size_t count_words(const char *text, size_t len) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (text[i] != ' ' && (i == 0 || text[i - 1] == ' '))
            n++;
    return n;
}

/* The outer shape only; what stands between the brackets is checked by the kind, which knows which
 * forms its service takes. */
static json_t *schedule(const char *text) {
    size_t len = strlen(text);
    if (pk_starts_with(text, "rate(") || pk_starts_with(text, "cron(") ||
        pk_starts_with(text, "at("))
        return text[len - 1] == ')' && strchr(text, '(') + 2 < text + len ? json_string(text)
                                                                          : NULL;
    return count_words(text, len) == 5 ? json_string(text) : NULL;
}

static json_t *reference(const char *text) {
    const char *slash = strchr(text, '/');
    if (!*text || slash == text || (slash && (!slash[1] || strchr(slash + 1, '/'))))
        return NULL;
    for (const char *c = text; *c; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '-' && *c != '/')
            return NULL;
    return json_string(text);
}

static json_t *secret(const char *text) {
    size_t len = strcspn(text, "#");
    if (len == 0 || (text[len] == '#' && !text[len + 1]))
        return NULL;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("/_+=.@-:", text[i]))
            return NULL;
    return json_string(text);
}

static json_t *json_text(const char *text, const char **ret_why) {
    const char *start = text + strspn(text, " \t\r\n");
    if (*start != '{' && *start != '[')
        return json_string(text);
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!value)
        *ret_why = "it starts like JSON but is not valid JSON";
    return value;
}

static json_t *duration(const char *text) {
    int64_t seconds;
    return pk_duration_parse(text, &seconds) ? whole(seconds) : NULL;
}

static json_t *number(const char *text) {
    double value;
    int64_t exact;
    if (pk_parse_i64(pk_str(text), &exact))
        return whole(exact);
    return pk_parse_double(pk_str(text), &value) ? json_real(value) : NULL;
}

static json_t *by_type(const struct pk_field *field, const char *text,
                       enum pk_convert_fault *ret_fault, const char **ret_why) {
    int64_t value;
    switch (field->type) {
    case PK_T_INT:
        return pk_parse_i64(pk_str(text), &value) ? whole(value) : NULL;
    case PK_T_NUM:
        return number(text);
    case PK_T_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return NULL;
        return json_boolean(text[0] == 't');
    case PK_T_DUR:
        return duration(text);
    case PK_T_CPU:
        return cpu(text, ret_why);
    case PK_T_MEM:
        return sized(text, "Mi|M|MB|MiB", "Gi|G|GB|GiB", ret_why);
    case PK_T_GIB:
        return sized(text, "Gi|G|GB|GiB", "Ti|T|TB|TiB", ret_why);
    case PK_T_CIDR:
        return cidr(text, ret_fault, ret_why);
    case PK_T_ARN:
        return arn(text);
    case PK_T_CRON:
        return schedule(text);
    case PK_T_REF:
        return reference(text);
    case PK_T_SECRET:
        return secret(text);
    case PK_T_JSON:
        return json_text(text, ret_why);
    case PK_T_STR:
    case PK_T_ENUM:
        return json_string(text);
    case PK_T_STRMAP:
    case PK_T_OBJECT:
    case PK_T_LIST:
        break;
    }
    return NULL;
}

json_t *pk_convert(const struct pk_field *field, const char *text, enum pk_convert_fault *ret_fault,
                   const char **ret_why) {
    struct pk_str word;
    enum pk_convert_fault fault = PK_FAULT_TYPE;
    const char *why = NULL;
    bool listed = pk_words_find(field->allowed, text, (field->flags & PK_F_NOCASE) != 0, &word);
    json_t *value;
    if (field->type == PK_T_ENUM && !listed) {
        *ret_fault = PK_FAULT_ENUM;
        *ret_why = "it is not one of the allowed words";
        return NULL;
    }
    if (listed) {
        int64_t exact;
        bool numeric =
            field->type != PK_T_ENUM && field->type != PK_T_STR && pk_parse_i64(word, &exact);
        value = numeric ? whole(exact) : json_stringn(word.ptr, word.len);
    } else {
        value = by_type(field, text, &fault, &why);
    }
    if (!value) {
        *ret_fault = fault;
        *ret_why = why;
    }
    return value;
}

json_t *pk_schema_convert(const struct pk_field *field, const char *text, const char **ret_why) {
    enum pk_convert_fault fault;
    const char *why = NULL;
    json_t *value = pk_convert(field, text, &fault, &why);
    if (!value)
        *ret_why = why ? why : "it has the wrong form";
    return value;
}

json_t *pk_scalar_core(const struct pk_node *scalar, const char *text) {
    int64_t exact;
    double real;
    if (!scalar->plain)
        return json_string(text);
    if (scalar->null)
        return json_null();
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(text[0] == 't');
    /* a leading zero means an id, not a number */
    const char *digits = text + (*text == '-');
    if (digits[0] == '0' && isdigit((unsigned char)digits[1]))
        return json_string(text);
    if (pk_parse_i64(pk_str(text), &exact))
        return whole(exact);
    if (strpbrk(text, "0123456789") && pk_parse_double(pk_str(text), &real))
        return json_real(real);
    return json_string(text);
}
