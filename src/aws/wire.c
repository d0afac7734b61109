/* wire.c - requests before they have a host, and the text forms of scalars. */
#include "aws/wire.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pk_aws_pairs_add(struct pk_aws_pairs *pairs, const char *key, const char *value) {
    if (pairs->len == pairs->cap) {
        pairs->cap = pairs->cap ? pairs->cap * 2 : 8;
        pairs->items = pk_realloc(pairs->items, pairs->cap, sizeof(pairs->items[0]));
    }
    pairs->items[pairs->len++] = (struct pk_aws_pair){
        .key = pk_strdup(key),
        .value = value ? pk_strdup(value) : NULL,
    };
}

static char *unescaped(struct pk_str text) {
    struct pk_buf buf;
    pk_buf_init(&buf, PK_BUF_MAX_DEFAULT);
    pk_aws_unescape(&buf, text.ptr, text.len);
    return pk_buf_steal(&buf);
}

void pk_aws_pairs_parse(struct pk_aws_pairs *pairs, struct pk_str query) {
    struct pk_str part;
    while (query.len > 0 && pk_str_cut(&query, '&', &part)) {
        if (part.len == 0)
            continue;
        const char *equals = memchr(part.ptr, '=', part.len);
        size_t key_len = equals ? (size_t)(equals - part.ptr) : part.len;
        PK_CLEANUP(pk_freep) char *key = unescaped(pk_str_n(part.ptr, key_len));
        PK_CLEANUP(pk_freep)
        char *value = equals ? unescaped(pk_str_n(equals + 1, part.len - key_len - 1)) : NULL;
        pk_aws_pairs_add(pairs, key, value);
    }
}

void pk_aws_pairs_release(struct pk_aws_pairs *pairs) {
    for (size_t i = 0; i < pairs->len; i++) {
        free(pairs->items[i].key);
        free(pairs->items[i].value);
    }
    free(pairs->items);
    *pairs = (struct pk_aws_pairs){0};
}

void pk_aws_pairs_write(const struct pk_aws_pairs *pairs, struct pk_buf *ret) {
    for (size_t i = 0; i < pairs->len; i++) {
        const struct pk_aws_pair *pair = &pairs->items[i];
        if (i > 0)
            pk_buf_addc(ret, '&');
        pk_aws_escape(ret, pair->key, strlen(pair->key), "");
        if (pair->value != NULL) {
            pk_buf_addc(ret, '=');
            pk_aws_escape(ret, pair->value, strlen(pair->value), "");
        }
    }
}

void pk_aws_wire_init(struct pk_aws_wire *wire) {
    *wire = (struct pk_aws_wire){.method = "POST"};
    pk_buf_init(&wire->path, PK_BUF_MAX_DEFAULT);
    pk_buf_init(&wire->body_buf, PK_BUF_MAX_DEFAULT);
}

void pk_aws_wire_release(struct pk_aws_wire *wire) {
    pk_buf_release(&wire->path);
    pk_aws_pairs_release(&wire->query);
    pk_headers_release(&wire->headers);
    pk_buf_release(&wire->body_buf);
    free(wire->host_prefix);
    *wire = (struct pk_aws_wire){0};
}

static bool unreserved(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void pk_aws_escape(struct pk_buf *ret, const char *text, size_t len, const char *keep) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (unreserved(c) || (c != '\0' && strchr(keep, c) != NULL)) {
            pk_buf_addc(ret, (char)c);
        } else {
            char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
            pk_buf_add(ret, escaped, sizeof(escaped));
        }
    }
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void pk_aws_unescape(struct pk_buf *ret, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (low >= 0) {
            pk_buf_addc(ret, (char)(high * 16 + low));
            i += 2;
        } else {
            pk_buf_addc(ret, text[i]);
        }
    }
}

void pk_aws_real(struct pk_buf *ret, double value) {
    char text[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision - 1, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    /* Plain notation between 1e-4 and 1e16, as JSON writers and Python do. */
    int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    if (exponent >= -4 && exponent < 16) {
        size_t digits = strcspn(text[0] == '-' ? text + 1 : text, "e");
        int decimals = (int)digits - (digits > 1 ? 2 : 1) - exponent;
        snprintf(text, sizeof(text), "%.*f", decimals > 1 ? decimals : 1, value);
    }
    pk_buf_addz(ret, text);
}

bool pk_aws_time_value(const json_t *value, int64_t *ret_ms) {
    const double limit = 1e14;
    if (json_is_integer(value)) {
        int64_t seconds = json_integer_value(value);
        if (seconds > (int64_t)limit || seconds < -(int64_t)limit)
            return false;
        *ret_ms = seconds * 1000;
        return true;
    }
    if (json_is_real(value)) {
        double seconds = json_real_value(value);
        if (!(seconds < limit && seconds > -limit))
            return false;
        *ret_ms = (int64_t)(seconds * 1000.0 + (seconds < 0 ? -0.5 : 0.5));
        return true;
    }
    return json_is_string(value) && pk_time_parse(json_string_value(value), ret_ms);
}

json_t *pk_aws_time_json(int64_t ms) {
    return ms % 1000 == 0 ? json_integer(ms / 1000) : json_real((double)ms / 1000.0);
}

static void add_time(struct pk_buf *ret, int64_t ms, enum pk_aws_time_format format) {
    int64_t millis = ((ms % 1000) + 1000) % 1000;
    int64_t seconds = (ms - millis) / 1000;
    if (format == PK_AWS_TIME_UNIX) {
        if (millis == 0)
            pk_buf_addf(ret, "%lld", (long long)seconds);
        else
            pk_aws_real(ret, (double)ms / 1000.0);
        return;
    }
    char text[64];
    pk_time_format(seconds,
                   format == PK_AWS_TIME_RFC822 ? "%a, %d %b %Y %H:%M:%S GMT" : "%Y-%m-%dT%H:%M:%S",
                   text, sizeof(text));
    pk_buf_addz(ret, text);
    if (format == PK_AWS_TIME_RFC822)
        return;
    if (millis != 0)
        pk_buf_addf(ret, ".%03d", (int)millis);
    pk_buf_addc(ret, 'Z');
}

void pk_aws_scalar(struct pk_buf *ret, const struct pk_aws_service *service,
                   const struct pk_aws_member *member, const json_t *value,
                   enum pk_aws_time_format default_format) {
    int64_t ms;
    if (pk_aws_shape_of(service, member)->type == PK_AWS_TIMESTAMP &&
        pk_aws_time_value(value, &ms)) {
        enum pk_aws_time_format format = pk_aws_time_format_of(member);
        add_time(ret, ms, format == PK_AWS_TIME_DEFAULT ? default_format : format);
        return;
    }
    switch (json_typeof(value)) {
    case JSON_STRING:
        pk_buf_add(ret, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        pk_buf_addf(ret, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        pk_aws_real(ret, json_real_value(value));
        break;
    case JSON_TRUE:
        pk_buf_addz(ret, "true");
        break;
    case JSON_FALSE:
        pk_buf_addz(ret, "false");
        break;
    case JSON_NULL:
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
}
