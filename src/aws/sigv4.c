/* sigv4.c - AWS Signature Version 4. */
#include "aws/sigv4.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

/* One row of a sorted list: lower-case header or escaped query key, and its value. */
struct row {
    char *key, *value;
    size_t order; /* place in the input: equal headers keep their order */
};

static int compare_rows(const void *a, const void *b) {
    const struct row *left = a, *right = b;
    int order = strcmp(left->key, right->key);
    if (order == 0 && left->order == SIZE_MAX)
        order = strcmp(left->value, right->value);
    if (order == 0)
        order = left->order < right->order ? -1 : left->order > right->order;
    return order;
}

static void free_rows(struct row *rows, size_t len) {
    for (size_t i = 0; i < len; i++) {
        free(rows[i].key);
        pk_secret_free(rows[i].value);
    }
    free(rows);
}

/* What proxies and libcurl may change or add on the way. */
static bool is_signed_header(const char *name) {
    static const char *const never[] = {
        "authorization", "user-agent", "connection",        "expect",  "x-amzn-trace-id",
        "keep-alive",    "te",         "transfer-encoding", "upgrade", "proxy-authorization"};
    for (size_t i = 0; i < PK_ARRAY_LEN(never); i++) {
        if (pk_strieq(name, never[i]))
            return false;
    }
    return true;
}

/* Trimmed, runs of blanks as one. */
static char *header_value(const char *text) {
    struct pk_str value = pk_str_trim(pk_str(text));
    char *result = pk_malloc(value.len + 1), *out = result;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] != ' ' || value.ptr[i - 1] != ' ')
            *out++ = value.ptr[i];
    }
    *out = '\0';
    return result;
}

static char *lower(const char *text) {
    char *result = pk_strdup(text);
    for (char *c = result; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return result;
}

static struct row *header_rows(const struct pk_headers *headers, size_t *ret_len) {
    struct row *rows = pk_calloc(headers->len + 1, sizeof(rows[0]));
    size_t len = 0;
    for (size_t i = 0; i < headers->len; i++) {
        if (is_signed_header(headers->items[i].name)) {
            rows[len++] = (struct row){lower(headers->items[i].name),
                                       header_value(headers->items[i].value), i};
        }
    }
    qsort(rows, len, sizeof(rows[0]), compare_rows);
    *ret_len = len;
    return rows;
}

/* "a:1,2\nhost:h\n" and "a;host". */
static void write_headers(const struct row *rows, size_t len, struct pk_buf *ret_lines,
                          struct pk_buf *ret_names) {
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && strcmp(rows[i].key, rows[i - 1].key) == 0) {
            ret_lines->len--; /* continue the line */
            pk_buf_addf(ret_lines, ",%s\n", rows[i].value);
            continue;
        }
        pk_buf_addf(ret_lines, "%s:%s\n", rows[i].key, rows[i].value);
        pk_buf_addf(ret_names, "%s%s", ret_names->len ? ";" : "", rows[i].key);
    }
}

static void write_query(const struct pk_aws_pairs *query, struct pk_buf *ret) {
    struct row *rows = pk_calloc(query->len + 1, sizeof(rows[0]));
    for (size_t i = 0; i < query->len; i++) {
        const struct pk_aws_pair *pair = &query->items[i];
        struct pk_buf key, value;
        pk_buf_init(&key, PK_BUF_MAX_DEFAULT);
        pk_buf_init(&value, PK_BUF_MAX_DEFAULT);
        pk_aws_escape(&key, pair->key, strlen(pair->key), "");
        if (pair->value != NULL)
            pk_aws_escape(&value, pair->value, strlen(pair->value), "");
        rows[i] = (struct row){pk_buf_steal(&key), pk_buf_steal(&value), SIZE_MAX};
    }
    qsort(rows, query->len, sizeof(rows[0]), compare_rows);
    for (size_t i = 0; i < query->len; i++)
        pk_buf_addf(ret, "%s%s=%s", i ? "&" : "", rows[i].key, rows[i].value);
    free_rows(rows, query->len);
}

/* RFC 3986 §5.2.4, and empty segments are dropped. */
static void normalize(const char *path, struct pk_buf *ret) {
    struct pk_str rest = pk_str(path), part;
    bool open_end = path[0] == '\0' || pk_ends_with(path, "/") || pk_ends_with(path, "/.") ||
                    pk_ends_with(path, "/..");
    while (rest.len > 0 && pk_str_cut(&rest, '/', &part)) {
        if (part.len == 0 || pk_str_eqz(part, "."))
            continue;
        if (pk_str_eqz(part, "..")) {
            const char *slash = ret->len > 0 ? memrchr(ret->ptr, '/', ret->len) : NULL;
            ret->len = slash ? (size_t)(slash - ret->ptr) : 0;
            continue;
        }
        pk_buf_addc(ret, '/');
        pk_buf_add(ret, part.ptr, part.len);
    }
    if (ret->len == 0 || open_end)
        pk_buf_addc(ret, '/');
}

static void write_path(const struct pk_sigv4 *input, struct pk_buf *ret) {
    struct pk_buf path;
    pk_buf_init(&path, PK_BUF_MAX_DEFAULT);
    if (input->normalize_path)
        normalize(input->path, &path);
    else
        pk_buf_addz(&path, input->path[0] ? input->path : "/");
    if (input->escape_path)
        pk_aws_escape(ret, path.ptr, path.len, "/");
    else
        pk_buf_add(ret, path.ptr, path.len);
    pk_buf_release(&path);
}

static void derive_key(const struct pk_sigv4 *input, const char *date, uint8_t ret[static 32]) {
    PK_CLEANUP(pk_secret_freep) char *secret = pk_asprintf("AWS4%s", input->secret_access_key);
    pk_hmac_sha256(secret, strlen(secret), date, strlen(date), ret);
    pk_hmac_sha256(ret, 32, input->region, strlen(input->region), ret);
    pk_hmac_sha256(ret, 32, input->service, strlen(input->service), ret);
    pk_hmac_sha256(ret, 32, "aws4_request", strlen("aws4_request"), ret);
}

struct stamp {
    char time[24], date[12];
    char *scope;
};

static struct stamp make_stamp(const struct pk_sigv4 *input) {
    struct stamp stamp;
    pk_time_format(input->unix_seconds, "%Y%m%dT%H%M%SZ", stamp.time, sizeof(stamp.time));
    memcpy(stamp.date, stamp.time, 8);
    stamp.date[8] = '\0';
    stamp.scope = pk_asprintf("%s/%s/%s/aws4_request", stamp.date, input->region, input->service);
    return stamp;
}

/* Signs `input` with these headers and this query; ret_hex is the signature. */
static void sign(const struct pk_sigv4 *input, const struct stamp *stamp,
                 const struct pk_aws_pairs *query, const struct pk_buf *header_lines,
                 const struct pk_buf *header_names, char ret_hex[static 65]) {
    struct pk_buf canonical, text;
    pk_buf_init(&canonical, PK_BUF_MAX_DEFAULT);
    pk_buf_init(&text, PK_BUF_MAX_DEFAULT);
    pk_buf_addf(&canonical, "%s\n", input->method);
    write_path(input, &canonical);
    pk_buf_addc(&canonical, '\n');
    write_query(query, &canonical);
    pk_buf_addf(&canonical, "\n%s\n%s\n%s", pk_buf_cstr(header_lines), pk_buf_cstr(header_names),
                input->payload_hash);
    char digest[PK_SHA256_HEX_SIZE];
    pk_sha256_hex(canonical.ptr, canonical.len, digest);
    pk_buf_addf(&text, ALGORITHM "\n%s\n%s\n%s", stamp->time, stamp->scope, digest);
    uint8_t key[32], signature[32];
    derive_key(input, stamp->date, key);
    pk_hmac_sha256(key, sizeof(key), text.ptr, text.len, signature);
    explicit_bzero(key, sizeof(key));
    pk_hex(signature, sizeof(signature), ret_hex);
    if (input->ret_canonical_request != NULL)
        pk_buf_add(input->ret_canonical_request, canonical.ptr, canonical.len);
    if (input->ret_string_to_sign != NULL)
        pk_buf_add(input->ret_string_to_sign, text.ptr, text.len);
    pk_buf_release(&canonical);
    pk_buf_release(&text);
}

static void add_header(struct pk_headers *headers, const char *name, const char *value) {
    bool added = pk_headers_add(headers, name, value);
    pk_assert(added);
}

void pk_sigv4_sign(const struct pk_sigv4 *input, struct pk_headers *ret_headers) {
    struct stamp stamp = make_stamp(input);
    struct pk_headers all = {0};
    bool token = input->session_token != NULL && input->session_token[0] != '\0';
    for (size_t i = 0; i < input->headers->len; i++)
        add_header(&all, input->headers->items[i].name, input->headers->items[i].value);
    if (pk_headers_get(input->headers, "X-Amz-Date") == NULL) {
        add_header(&all, "X-Amz-Date", stamp.time);
        add_header(ret_headers, "X-Amz-Date", stamp.time);
    }
    if (token && !input->token_unsigned)
        add_header(&all, "X-Amz-Security-Token", input->session_token);
    size_t n_rows;
    struct row *rows = header_rows(&all, &n_rows);
    struct pk_buf lines, names;
    pk_buf_init(&lines, PK_BUF_MAX_DEFAULT);
    pk_buf_init(&names, PK_BUF_MAX_DEFAULT);
    write_headers(rows, n_rows, &lines, &names);
    char signature[65];
    sign(input, &stamp, input->query, &lines, &names, signature);
    PK_CLEANUP(pk_freep)
    char *authorization =
        pk_asprintf(ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                    input->access_key_id, stamp.scope, pk_buf_cstr(&names), signature);
    add_header(ret_headers, "Authorization", authorization);
    if (token)
        add_header(ret_headers, "X-Amz-Security-Token", input->session_token);
    free_rows(rows, n_rows);
    pk_headers_release(&all);
    pk_buf_release(&lines);
    pk_buf_release(&names);
    free(stamp.scope);
}

void pk_sigv4_presign(const struct pk_sigv4 *input, struct pk_aws_pairs *ret_query) {
    struct stamp stamp = make_stamp(input);
    size_t n_rows;
    struct row *rows = header_rows(input->headers, &n_rows);
    struct pk_buf lines, names;
    pk_buf_init(&lines, PK_BUF_MAX_DEFAULT);
    pk_buf_init(&names, PK_BUF_MAX_DEFAULT);
    write_headers(rows, n_rows, &lines, &names);
    struct pk_aws_pairs added = {0}, all = {0};
    PK_CLEANUP(pk_freep)
    char *credential = pk_asprintf("%s/%s", input->access_key_id, stamp.scope);
    PK_CLEANUP(pk_freep) char *expires = pk_asprintf("%d", input->expires_s);
    pk_aws_pairs_add(&added, "X-Amz-Algorithm", ALGORITHM);
    pk_aws_pairs_add(&added, "X-Amz-Credential", credential);
    pk_aws_pairs_add(&added, "X-Amz-Date", stamp.time);
    pk_aws_pairs_add(&added, "X-Amz-SignedHeaders", pk_buf_cstr(&names));
    pk_aws_pairs_add(&added, "X-Amz-Expires", expires);
    bool token = input->session_token != NULL && input->session_token[0] != '\0';
    if (token && !input->token_unsigned)
        pk_aws_pairs_add(&added, "X-Amz-Security-Token", input->session_token);
    for (size_t i = 0; i < input->query->len; i++)
        pk_aws_pairs_add(&all, input->query->items[i].key, input->query->items[i].value);
    for (size_t i = 0; i < added.len; i++) {
        pk_aws_pairs_add(&all, added.items[i].key, added.items[i].value);
        pk_aws_pairs_add(ret_query, added.items[i].key, added.items[i].value);
    }
    char signature[65];
    sign(input, &stamp, &all, &lines, &names, signature);
    if (token && input->token_unsigned)
        pk_aws_pairs_add(ret_query, "X-Amz-Security-Token", input->session_token);
    pk_aws_pairs_add(ret_query, "X-Amz-Signature", signature);
    pk_aws_pairs_release(&added);
    pk_aws_pairs_release(&all);
    free_rows(rows, n_rows);
    pk_buf_release(&lines);
    pk_buf_release(&names);
    free(stamp.scope);
}
