/* test_special.c - S3 addressing and the oddities of single services. */
#include "fake.h"

#include "aws/special.h"

static void address(const char *base, bool custom, const char *bucket, const char *path,
                    const char *expected) {
    char *url = NULL, *rest = NULL;
    assert_true(pk_aws_s3_address(base, custom, bucket, path, &url, &rest, NULL));
    PK_CLEANUP(pk_freep) char *whole = pk_asprintf("%s%s", url, rest);
    assert_string_equal(whole, expected);
    free(url);
    free(rest);
}

static void test_bucket_addresses(void **state) {
    (void)state;
    static const char aws[] = "https://s3.eu-west-1.amazonaws.com";
    address(aws, false, "my-bucket", "/my-bucket/a%20b//c",
            "https://my-bucket.s3.eu-west-1.amazonaws.com/a%20b//c");
    address(aws, false, "my-bucket", "/my-bucket", "https://my-bucket.s3.eu-west-1.amazonaws.com/");
    address(aws, false, "a.b.c", "/a.b.c/k", "https://s3.eu-west-1.amazonaws.com/a.b.c/k");
    address("http://s3.x", false, "a.b.c", "/a.b.c/k", "http://a.b.c.s3.x/k");
    address(aws, false, "Upper", "/Upper/k", "https://s3.eu-west-1.amazonaws.com/Upper/k");
    address(aws, false, "192.168.0.1", "/192.168.0.1/k",
            "https://s3.eu-west-1.amazonaws.com/192.168.0.1/k");
    address(aws, false, "ab", "/ab/k", "https://s3.eu-west-1.amazonaws.com/ab/k");
    address("http://127.0.0.1:5000", true, "my-bucket", "/my-bucket/k",
            "http://127.0.0.1:5000/my-bucket/k");
    char *url = NULL, *path = NULL;
    struct pk_error *err = NULL;
    assert_false(pk_aws_s3_address(aws, false, "arn:aws:s3:::x", "/x", &url, &path, &err));
    assert_int_equal(err->code, PK_E_UNSUPPORTED);
    pk_error_clear(&err);
    assert_false(pk_aws_s3_address(aws, false, "a/b", "/x", &url, &path, &err));
    assert_int_equal(err->code, PK_E_CONFIG);
    pk_error_free(err);
}

static json_t *call(struct fake *fake, const char *service, const char *operation,
                    const char *params_text, struct fake_reply reply) {
    struct pk_aws *aws = fake_client(fake);
    json_t *params = json_loads(params_text, 0, NULL), *result = NULL;
    struct pk_error *err = NULL;
    fake_reply(fake, reply);
    if (!pk_aws_call(aws, service, operation, params, NULL, &result, &err))
        fail_msg("%s", err->message);
    json_decref(params);
    pk_aws_free(aws);
    return result;
}

static void test_checksum_where_required(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, fake_keys);
    json_decref(call(&fake, "s3", "DeleteObjects",
                     "{\"Bucket\":\"b-1\",\"Delete\":{\"Objects\":[{\"Key\":\"a\\r\\n<&>\"}]}}",
                     (struct fake_reply){.status = 200, .body = "<DeleteResult/>"}));
    const struct fake_request *seen = &fake.requests[0];
    assert_string_equal(seen->url, "https://b-1.s3.eu-west-1.amazonaws.com/?delete");
    assert_string_equal(seen->body,
                        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a"
                        "&#xD;&#xA;&lt;&amp;&gt;</Key></Object></Delete>");
    assert_string_equal(pk_headers_get(&seen->headers, "x-amz-checksum-crc32"), "IW0AAg==");
    assert_non_null(pk_headers_get(&seen->headers, "x-amz-content-sha256"));
    assert_non_null(strstr(pk_headers_get(&seen->headers, "Authorization"),
                           "SignedHeaders=content-type;host;x-amz-checksum-crc32;"
                           "x-amz-content-sha256;x-amz-date;x-amz-sdk-checksum-algorithm,"));
    fake_release(&fake);
}

static void test_bucket_location(void **state) {
    (void)state;
    static const struct {
        const char *body, *region;
    } cases[] = {{"<LocationConstraint/>", "us-east-1"},
                 {"<LocationConstraint>EU</LocationConstraint>", "eu-west-1"},
                 {"<LocationConstraint>ap-south-1</LocationConstraint>", "ap-south-1"}};
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        struct fake fake;
        fake_init(&fake, fake_keys);
        json_t *result = call(&fake, "s3", "GetBucketLocation", "{\"Bucket\":\"b-1\"}",
                              (struct fake_reply){.status = 200, .body = cases[i].body});
        assert_string_equal(json_string_value(json_object_get(result, "LocationConstraint")),
                            cases[i].region);
        json_decref(result);
        fake_release(&fake);
    }
}

static void test_listed_keys_are_decoded(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, fake_keys);
    json_t *result =
        call(&fake, "s3", "ListObjectsV2", "{\"Bucket\":\"b-1\"}",
             (struct fake_reply){.status = 200,
                                 .body = "<ListBucketResult><EncodingType>url</EncodingType>"
                                         "<Contents><Key>a%20%25%01</Key></Contents>"
                                         "<CommonPrefixes><Prefix>p%2F</Prefix></CommonPrefixes>"
                                         "</ListBucketResult>"});
    assert_non_null(strstr(fake.requests[0].url, "encoding-type=url"));
    json_t *expected = json_loads("{\"EncodingType\":\"url\",\"Contents\":[{\"Key\":"
                                  "\"a %\\u0001\"}],\"CommonPrefixes\":[{\"Prefix\":\"p/\"}]}",
                                  0, NULL);
    assert_true(json_equal(result, expected));
    json_decref(expected);
    json_decref(result);
    fake_release(&fake);
}

static void test_policies_and_ids(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, fake_keys);
    json_t *result = call(
        &fake, "iam", "GetRolePolicy", "{\"RoleName\":\"r\",\"PolicyName\":\"p\"}",
        (struct fake_reply){.status = 200,
                            .body = "<GetRolePolicyResponse><GetRolePolicyResult><PolicyDocument>"
                                    "%7B%22a%22%3A%22b+c%22%7D</PolicyDocument>"
                                    "</GetRolePolicyResult></GetRolePolicyResponse>"});
    assert_string_equal(json_string_value(json_object_get(result, "PolicyDocument")),
                        "{\"a\":\"b+c\"}");
    json_decref(result);
    fake_release(&fake);
    fake_init(&fake, fake_keys);
    result =
        call(&fake, "route53", "GetHostedZone", "{\"Id\":\"/hostedzone/Z1\"}",
             (struct fake_reply){.status = 200,
                                 .body = "<GetHostedZoneResponse><HostedZone><Id>/hostedzone/Z1"
                                         "</Id></HostedZone></GetHostedZoneResponse>"});
    assert_string_equal(fake.requests[0].url,
                        "https://route53.amazonaws.com/2013-04-01/hostedzone/Z1");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(result, "HostedZone"), "Id")), "Z1");
    json_decref(result);
    fake_release(&fake);
}

static void test_user_data_and_accept(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, fake_keys);
    json_decref(call(&fake, "ec2", "RunInstances",
                     "{\"MinCount\":1,\"MaxCount\":1,\"UserData\":\"#!/bin/sh\"}",
                     (struct fake_reply){.status = 200, .body = "<RunInstancesResponse/>"}));
    assert_non_null(strstr(fake.requests[0].body, "&UserData=IyEvYmluL3No"));
    fake_release(&fake);
    fake_init(&fake, fake_keys);
    json_decref(call(&fake, "apigateway", "GetRestApis", "{}",
                     (struct fake_reply){.status = 200, .body = "{}"}));
    assert_string_equal(pk_headers_get(&fake.requests[0].headers, "Accept"), "application/json");
    fake_release(&fake);
}

/* The raw payload of S3 objects goes around JSON. */
static void test_raw_payload(void **state) {
    (void)state;
    struct fake fake;
    struct pk_buf body;
    json_t *params = json_pack("{s:s, s:s}", "Bucket", "b-1", "Key", "k"), *result = NULL;
    fake_init(&fake, fake_keys);
    pk_buf_init(&body, 1000);
    struct pk_aws *aws = fake_client(&fake);
    struct pk_aws_io io = {.payload = "raw bytes", .payload_len = 9, .ret_payload = &body};
    fake_reply(&fake, (struct fake_reply){.status = 200, .headers = "ETag: \"e\""});
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = "<not xml"});
    assert_true(pk_aws_call(aws, "s3", "PutObject", params, &io, NULL, NULL));
    assert_string_equal(fake.requests[0].body, "raw bytes");
    io.payload = NULL;
    assert_true(pk_aws_call(aws, "s3", "GetObject", params, &io, &result, NULL));
    assert_string_equal(pk_buf_cstr(&body), "<not xml");
    assert_null(json_object_get(result, "Body"));
    json_decref(result);
    json_decref(params);
    pk_buf_release(&body);
    pk_aws_free(aws);
    fake_release(&fake);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket_addresses), cmocka_unit_test(test_checksum_where_required),
        cmocka_unit_test(test_bucket_location),  cmocka_unit_test(test_listed_keys_are_decoded),
        cmocka_unit_test(test_policies_and_ids), cmocka_unit_test(test_user_data_and_accept),
        cmocka_unit_test(test_raw_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
