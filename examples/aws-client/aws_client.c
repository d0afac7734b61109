/*
 * aws_client.c - panka's AWS client on its own: one call, its result as JSON.
 *
 *   aws_client sqs ListQueues
 *   aws_client s3 HeadObject '{"Bucket": "my-bucket", "Key": "a.txt"}'
 */
#include "aws/aws.h"

#include <stdio.h>
#include <stdlib.h>

static int fail(const struct pk_error *err) {
    fprintf(stderr, "error: %s\n", err->message);
    if (err->aws.request_id != NULL)
        fprintf(stderr, "  request %s\n", err->aws.request_id);
    if (err->hint != NULL)
        fprintf(stderr, "  help: %s\n", err->hint);
    return 1;
}

static int call(struct pk_aws *aws, char **argv) {
    struct pk_error *err = NULL;
    json_error_t why;
    json_t *result = NULL, *params = argv[3] ? json_loads(argv[3], 0, &why) : json_object();
    if (params == NULL) {
        fprintf(stderr, "parameters, column %d: %s\n", why.column, why.text);
        return 64;
    }
    /* Follows the pages of a listing; an operation without pages is called once. */
    bool ok = pk_aws_call_all(aws, argv[1], argv[2], params, NULL, 0, &result, &err);
    int status = ok ? 0 : fail(err);
    if (ok) {
        json_dumpf(result, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(result);
    json_decref(params);
    pk_error_free(err);
    return status;
}

int main(int argc, char **argv) {
    struct pk_aws_config config = {0}; /* environment and profiles, as every AWS tool reads them */
    struct pk_aws *aws = NULL;
    struct pk_error *err = NULL;
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: aws_client SERVICE OPERATION [PARAMETERS AS JSON]\n");
        return 64;
    }
    json_object_seed(0); /* before the client starts its thread */
    if (!pk_aws_new(&config, &aws, &err)) {
        int status = fail(err);
        pk_error_free(err);
        return status;
    }
    int status = call(aws, argv);
    pk_aws_free(aws);
    return status;
}
