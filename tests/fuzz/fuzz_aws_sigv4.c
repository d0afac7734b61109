/* fuzz_aws_sigv4.c - signing of any path, query and header; the input is split at NUL bytes. */
#include "aws/sigv4.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = pk_strndup((const char *)data, size);
    char *copy = pk_malloc(size + 4);
    memcpy(copy, data, size);
    memset(copy + size, 0, 4);
    const char *path = copy, *query_text = path + strlen(path) + 1;
    if (query_text > copy + size)
        query_text = "";
    struct pk_aws_pairs query = {0}, added_query = {0};
    struct pk_headers headers = {0}, added = {0};
    pk_aws_pairs_parse(&query, pk_str(query_text));
    bool ok PK_UNUSED = pk_headers_add(&headers, "Host", text);
    struct pk_sigv4 input = {
        .method = "GET",
        .path = path,
        .query = &query,
        .headers = &headers,
        .payload_hash = PK_SIGV4_UNSIGNED_PAYLOAD,
        .access_key_id = "AKID",
        .secret_access_key = "secret",
        .session_token = "token",
        .region = "us-east-1",
        .service = "s3",
        .escape_path = size & 1,
        .normalize_path = size & 2,
    };
    pk_sigv4_sign(&input, &added);
    pk_sigv4_presign(&input, &added_query);
    pk_aws_pairs_release(&query);
    pk_aws_pairs_release(&added_query);
    pk_headers_release(&headers);
    pk_headers_release(&added);
    free(copy);
    free(text);
    return 0;
}
