/* test_s3.c - buckets: settings, policy, notifications, access. */
#include "findings.h"

#define BUCKET_NAME "shop-test-files-123456789012"
#define BUCKET_ARN "arn:aws:s3:::" BUCKET_NAME
#define DENY                                                                                       \
    "{\"Action\":[\"s3:*\"],\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}},"         \
    "\"Effect\":\"Deny\",\"Principal\":\"*\",\"Resource\":[\"" BUCKET_ARN "\",\"" BUCKET_ARN       \
    "/*\"],\"Sid\":\"DenyInsecureTransport\"}"

static void smallest_bucket(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "S3", "files", "  bucket: {acl: private}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "files"), "files files:policy");
    assert_string_equal(
        fx_properties(&f, "files", ""),
        "{\"BucketEncryption\":{\"ServerSideEncryptionConfiguration\":"
        "[{\"ServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"AES256\"}}]},"
        "\"BucketName\":\"" BUCKET_NAME "\",\"OwnershipControls\":{\"Rules\":"
        "[{\"ObjectOwnership\":\"BucketOwnerEnforced\"}]},\"PublicAccessBlockConfiguration\":"
        "{\"BlockPublicAcls\":true,\"BlockPublicPolicy\":true,\"IgnorePublicAcls\":true,"
        "\"RestrictPublicBuckets\":true}}");
    assert_string_equal(fx_properties(&f, "files:policy", ""),
                        "{\"Bucket\":\"" BUCKET_NAME "\",\"PolicyDocument\":{\"Statement\":[" DENY
                        "],\"Version\":\"2012-10-17\"}}");
    assert_int_equal(fx_edge(&f, "files:policy", "files")->strength, PK_EDGE_HARD);
    assert_true(fx_node(&f, "files")->stateful);
    assert_false(fx_node(&f, "files")->force_destroy);
    static const char *const outputs[][2] = {
        {"files.bucketName", "\"" BUCKET_NAME "\""},
        {"files.bucketArn", "\"" BUCKET_ARN "\""},
        {"files.endpoint", "\"https://" BUCKET_NAME ".s3.eu-west-1.amazonaws.com\""},
        {"files.domainName", "\"" BUCKET_NAME ".s3.amazonaws.com\""},
        {"files.regionalDomainName", "\"" BUCKET_NAME ".s3.eu-west-1.amazonaws.com\""},
        {"files.websiteUrl", ""},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(outputs); i++)
        assert_string_equal(fx_output(&f, outputs[i][0]), outputs[i][1]);
    fx_end(&f);
}

static void all_settings(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(
        &f, "S3", "files",
        "  bucket: {name: our.files, forceDestroy: true, tags: {team: data}}\n"
        "  versioning: {enabled: true}\n"
        "  encryption: {algorithm: \"aws:kms:dsse\", kmsKeyId: alias/mine}\n"
        "  lifecycle:\n"
        "    - id: old\n      prefix: logs/\n      expiration: {days: 365}\n"
        "      transitions: [{days: 30, storageClass: STANDARD_IA}, {days: 90, storageClass: "
        "GLACIER}]\n"
        "      noncurrentVersionExpiration: {days: 40}\n"
        "      noncurrentVersionTransitions: [{days: 5, storageClass: GLACIER_IR}]\n"
        "      abortIncompleteUploadDays: 3\n"
        "    - {id: off, enabled: false, expiration: {days: 1}}\n"
        "  cors: {allowedOrigins: [\"https://*.example.com\"], allowedMethods: [get],\n"
        "    allowedHeaders: [\"*\"], exposeHeaders: [ETag], maxAgeSeconds: 600}\n"
        "  website: {enabled: true, errorDocument: error.html, routingRules: '[{\"Condition\":\n"
        "    {\"KeyPrefixEquals\": \"a/\"}, \"Redirect\": {\"HostName\": \"example.com\"}}]'}\n"
        "  replication: {enabled: true, destinationBucket: copies,\n"
        "    roleArn: \"arn:aws:iam::123456789012:role/copy\"}\n"
        "  objectLock: {enabled: true, mode: COMPLIANCE, days: 30}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(
        fx_properties(&f, "files", "PublicAccessBlockConfiguration|OwnershipControls"),
        "{\"BucketEncryption\":{\"ServerSideEncryptionConfiguration\":[{\"BucketKeyEnabled\":true,"
        "\"ServerSideEncryptionByDefault\":{\"KMSMasterKeyID\":\"alias/mine\",\"SSEAlgorithm\":"
        "\"aws:kms:dsse\"}}]},\"BucketName\":\"our.files\",\"CorsConfiguration\":{\"CorsRules\":"
        "[{\"AllowedHeaders\":[\"*\"],\"AllowedMethods\":[\"GET\"],\"AllowedOrigins\":"
        "[\"https://*.example.com\"],\"ExposedHeaders\":[\"ETag\"],\"MaxAge\":600}]},"
        "\"LifecycleConfiguration\":{\"Rules\":[{\"AbortIncompleteMultipartUpload\":"
        "{\"DaysAfterInitiation\":3},\"ExpirationInDays\":365,\"Id\":\"old\","
        "\"NoncurrentVersionExpiration\":{\"NoncurrentDays\":40},\"NoncurrentVersionTransitions\":"
        "[{\"StorageClass\":\"GLACIER_IR\",\"TransitionInDays\":5}],\"Prefix\":\"logs/\","
        "\"Status\":\"Enabled\",\"Transitions\":[{\"StorageClass\":\"STANDARD_IA\","
        "\"TransitionInDays\":30},{\"StorageClass\":\"GLACIER\",\"TransitionInDays\":90}]},"
        "{\"ExpirationInDays\":1,\"Id\":\"off\",\"Prefix\":\"\",\"Status\":\"Disabled\"}]},"
        "\"ObjectLockConfiguration\":{\"ObjectLockEnabled\":\"Enabled\",\"Rule\":"
        "{\"DefaultRetention\":{\"Days\":30,\"Mode\":\"COMPLIANCE\"}}},\"ObjectLockEnabled\":true,"
        "\"ReplicationConfiguration\":{\"Role\":\"arn:aws:iam::123456789012:role/copy\",\"Rules\":"
        "[{\"Destination\":{\"Bucket\":\"arn:aws:s3:::copies\"},\"Id\":\"panka\",\"Prefix\":\"\","
        "\"Status\":\"Enabled\"}]},\"VersioningConfiguration\":{\"Status\":\"Enabled\"},"
        "\"WebsiteConfiguration\":{\"ErrorDocument\":\"error.html\",\"IndexDocument\":"
        "\"index.html\",\"RoutingRules\":[{\"RedirectRule\":{\"HostName\":\"example.com\"},"
        "\"RoutingRuleCondition\":{\"KeyPrefixEquals\":\"a/\"}}]}}");
    assert_true(fx_node(&f, "files")->force_destroy);
    assert_true(fx_node(&f, "files")->name_explicit);
    assert_string_equal(pk_json_str(fx_node(&f, "files")->tags, "team", ""), "data");
    assert_string_equal(fx_output(&f, "files.websiteUrl"),
                        "{\"$ref\":\"files\",\"attr\":\"WebsiteURL\"}");
    fx_end(&f);
}

static void public_buckets(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "S3", "files",
                 "  bucket: {acl: public-read}\n"
                 "  publicAccessBlock: {blockPublicAcls: false, ignorePublicAcls: false}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "s3.public");
    assert_property(&f, "files", "AccessControl", "\"PublicRead\"");
    assert_property(&f, "files", "OwnershipControls",
                    "{\"Rules\":[{\"ObjectOwnership\":\"BucketOwnerPreferred\"}]}");
    fx_end(&f);
}

/* Versions can be turned off, but not made undone. */
static void versioning_is_suspended(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    struct pk_state_resource *r =
        fx_record(&f, "files", "AWS::S3::Bucket", "files", "", BUCKET_NAME);
    json_object_set_new(r->properties, "VersioningConfiguration",
                        json_pack("{s:s}", "Status", "Enabled"));
    fx_component(&f, "S3", "files", "  bucket: {acl: private}\n");
    fx_component(&f, "S3", "more", "  versioning: {enabled: false}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "files", "VersioningConfiguration", "{\"Status\":\"Suspended\"}");
    assert_property(&f, "more", "VersioningConfiguration", "{\"Status\":\"Suspended\"}");
    fx_end(&f);
}

/* Logs of one bucket go to another: by component, by output, by name of the bucket. */
static void access_logs(void **state) {
    (void)state;
    static const char *const ways[] = {"files", "${files.bucketName}", BUCKET_NAME};
    for (size_t i = 0; i < PK_ARRAY_LEN(ways); i++) {
        struct fixture f;
        fx_begin(&f);
        PK_CLEANUP(pk_freep)
        char *spec = pk_asprintf("  accessLogs: {bucket: \"%s\", prefix: in/}\n", ways[i]);
        fx_component(&f, "S3", "files", "  bucket: {acl: private}\n");
        fx_component(&f, "S3", "in", spec);
        fx_expand(&f);
        fx_assert_clean(&f, "");
        assert_property(&f, "in", "LoggingConfiguration",
                        "{\"DestinationBucketName\":\"" BUCKET_NAME
                        "\",\"LogFilePrefix\":\"in/\"}");
        assert_property(
            &f, "files:policy", "PolicyDocument.Statement",
            "[" DENY ",{\"Action\":[\"s3:PutObject\"],\"Condition\":{\"ArnEquals\":"
            "{\"aws:SourceArn\":\"arn:aws:s3:::shop-test-in-123456789012\"},\"StringEquals\":"
            "{\"aws:SourceAccount\":\"123456789012\"}},\"Effect\":\"Allow\",\"Principal\":"
            "{\"Service\":\"logging.s3.amazonaws.com\"},\"Resource\":[\"" BUCKET_ARN "/*\"]}]");
        assert_int_equal(fx_edge(&f, "in", "files:policy")->strength, PK_EDGE_HARD);
        fx_end(&f);
    }
}

static void policy_of_the_user(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(
        &f, "S3", "files",
        "  policy:\n    statements:\n"
        "      - {Effect: Allow, Principal: {AWS: \"111122223333\"}, Action: \"s3:Get*\",\n"
        "         Resource: [self, \"self/in/*\", \"arn:aws:s3:::other\"]}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(
        &f, "files:policy", "PolicyDocument.Statement[1]",
        "{\"Action\":[\"s3:Get*\"],\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"111122223333\"},"
        "\"Resource\":[\"arn:aws:s3:::other\",\"" BUCKET_ARN "\",\"" BUCKET_ARN "/*\",\"" BUCKET_ARN
        "/in/*\"]}");
    fx_end(&f);
}

static void everybody_who_listens(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "jobs", "  type: standard\n");
    fx_component(&f, "SNS", "news", "  fifoTopic: false\n");
    fx_component(&f, "Lambda", "fn",
                 "  runtime: nodejs24.x\n  code: {zipFile: a}\n  vpc: {enabled: false}\n"
                 "  triggers:\n    - {name: csv, type: s3, s3: {bucket: " BUCKET_NAME ",\n"
                 "         events: [\"s3:ObjectCreated:*\"], suffix: .csv}}\n");
    fx_component(&f, "S3", "files",
                 "  notifications:\n"
                 "    - {name: q, queue: jobs, events: [\"s3:ObjectRemoved:*\", "
                 "\"s3:ObjectRestore:Post\"]}\n"
                 "    - {topic: news, events: [\"s3:ObjectCreated:Put\"], prefix: in/, "
                 "suffix: .txt}\n"
                 "    - {lambda: fn, events: [\"s3:ObjectTagging:*\"]}\n"
                 "    - eventBridge: true\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "files"),
                        "files files:policy files:notifications files:permission-fn");
    assert_property(&f, "files:notifications", "Bucket", "\"" BUCKET_NAME "\"");
    assert_property(
        &f, "files:notifications", "NotificationConfiguration",
        "{\"EventBridgeConfiguration\":{\"EventBridgeEnabled\":true},\"LambdaConfigurations\":"
        "[{\"Events\":[\"s3:ObjectTagging:*\"],\"Function\":"
        "\"arn:aws:lambda:eu-west-1:123456789012:function:shop-test-fn\",\"Id\":\"panka-fn\"},"
        "{\"Events\":[\"s3:ObjectCreated:*\"],\"Filter\":{\"S3Key\":{\"Rules\":[{\"Name\":"
        "\"suffix\",\"Value\":\".csv\"}]}},\"Function\":"
        "\"arn:aws:lambda:eu-west-1:123456789012:function:shop-test-fn\",\"Id\":"
        "\"panka-fn-csv\"}],\"QueueConfigurations\":[{\"Events\":[\"s3:ObjectRemoved:*\","
        "\"s3:ObjectRestore:Post\"],\"Id\":\"panka-q\",\"Queue\":"
        "\"arn:aws:sqs:eu-west-1:123456789012:shop-test-jobs\"}],\"TopicConfigurations\":"
        "[{\"Events\":[\"s3:ObjectCreated:Put\"],\"Filter\":{\"S3Key\":{\"Rules\":[{\"Name\":"
        "\"prefix\",\"Value\":\"in/\"},{\"Name\":\"suffix\",\"Value\":\".txt\"}]}},\"Id\":"
        "\"panka-news\",\"Topic\":\"arn:aws:sns:eu-west-1:123456789012:shop-test-news\"}]}");
    static const char *const waits[] = {"files", "jobs:policy", "news:policy",
                                        "files:permission-fn", "fn:permission-csv"};
    for (size_t i = 0; i < PK_ARRAY_LEN(waits); i++)
        assert_int_equal(fx_edge(&f, "files:notifications", waits[i])->strength, PK_EDGE_HARD);
    assert_int_equal(fx_edge(&f, "files:permission-fn", "fn")->strength, PK_EDGE_HARD);
    /* the bucket itself waits for nobody, so that functions may use it */
    assert_int_equal(fx_node(&f, "files")->edges.len, 0);
    fx_end(&f);
}

static void access_levels(void **state) {
    (void)state;
    static const char read[] =
        "s3:GetBucketLocation,s3:ListBucket -> " BUCKET_ARN "\ns3:GetObject -> " BUCKET_ARN "/*\n";
    static const char write[] =
        "s3:AbortMultipartUpload,s3:DeleteObject,s3:PutObject -> " BUCKET_ARN "/*\n";
    static const struct {
        const char *level, *first, *second;
    } cases[] = {
        {"read", "", read},
        {"write", write, ""},
        {"readwrite", write, read},
        {"admin", "s3:* -> " BUCKET_ARN "," BUCKET_ARN "/*\n", ""},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        struct fixture f;
        fx_begin(&f);
        PK_CLEANUP(pk_freep)
        char *spec = pk_asprintf("  image: {repository: nginx, tag: \"1\"}\n"
                                 "  permissions: [{component: files, access: %s}]\n",
                                 cases[i].level);
        PK_CLEANUP(pk_freep) char *expected = pk_asprintf("%s%s", cases[i].first, cases[i].second);
        fx_component(&f, "S3", "files", "  bucket: {acl: private}\n");
        fx_component(&f, "MicroService", "app", spec);
        fx_expand(&f);
        fx_assert_clean(&f, "");
        assert_string_equal(fx_statements(&f, "app:task-role", ACCESS), expected);
        fx_end(&f);
    }
}

static void others(struct fixture *f) {
    fx_component(f, "SQS", "jobs", "  type: standard\n");
    fx_component(f, "SQS", "ordered", "  type: fifo\n");
    fx_component(f, "SNS", "news", "  fifoTopic: false\n");
}

#define RULE(text) "  lifecycle:\n    - {id: a, " text "}\n"
#define EVENT "events: [\"s3:ObjectCreated:*\"]"
#define NOTIFY(text) "  notifications:\n    - {" text "}\n"

static void findings(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("s3.name", 5, "  bucket: {name: Ab}\n"),
        ERROR_AT("s3.name", 5, "  bucket: {name: 10.0.0.1}\n"),
        ERROR_AT("s3.name", 5, "  bucket: {name: xn--a}\n"),
        ERROR_AT("s3.name", 5, "  bucket: {name: a..b}\n"),
        ERROR_AT("s3.name", 5, "  bucket: {name: a-s3alias}\n"),
        ERROR_AT("s3.acl-blocked", 5, "  bucket: {acl: public-read}\n"),
        WARNING_AT("s3.public", 5,
                   "  bucket: {acl: public-read}\n  publicAccessBlock:\n"
                   "    blockPublicAcls: false\n    ignorePublicAcls: false\n"),
        ERROR_AT("s3.lifecycle-days", 6,
                 RULE("transitions: [{days: 10, storageClass: STANDARD_IA}]")),
        ERROR_AT("s3.lifecycle-days", 7,
                 RULE("transitions: [{days: 30, storageClass: STANDARD_IA},\n"
                      "      {days: 40, storageClass: GLACIER}]")),
        ERROR_AT("s3.lifecycle-days", 7,
                 RULE("transitions: [{days: 30, storageClass: GLACIER}],\n"
                      "      expiration: {days: 30}")),
        ERROR_AT("s3.lifecycle-days", 7,
                 RULE("noncurrentVersionTransitions: [{days: 9, storageClass: GLACIER}],\n"
                      "      noncurrentVersionExpiration: {days: 5}")),
        ERROR_AT("s3.lifecycle-days", 6, RULE("expiration: {days: 0}")),
        ERROR_AT("s3.storage-class", 6, RULE("transitions: [{days: 1, storageClass: ICE}]")),
        ERROR_AT("s3.lifecycle-empty", 6, RULE("prefix: a")),
        ERROR_AT("s3.lifecycle-empty", 6, RULE("prefix: a, transitions: []")),
        ERROR_AT("s3.lifecycle-days", 6,
                 RULE("noncurrentVersionTransitions: [{days: 9, storageClass: STANDARD_IA}]")),
        ERROR_AT("s3.lock-days", 5, "  objectLock: {enabled: true, mode: COMPLIANCE}\n"),
        ERROR_AT("s3.lifecycle-dup", 7,
                 RULE("expiration: {days: 1}") "    - {id: a, expiration: {days: 1}}\n"),
        ERROR_AT("s3.replication-versioning", 5,
                 "  replication: {enabled: true, destinationBucket: a, roleArn: "
                 "\"arn:aws:iam::123456789012:role/r\"}\n"),
        ERROR_AT("s3.replication-incomplete", 6,
                 "  versioning: {enabled: true}\n  replication: {enabled: true}\n"),
        ERROR_AT("s3.cors-method", 5, "  cors: {allowedOrigins: [a], allowedMethods: [PATCH]}\n"),
        ERROR_AT("s3.cors-origin", 5,
                 "  cors: {allowedOrigins: [\"*.a.*\"], allowedMethods: [GET]}\n"),
        ERROR_AT("s3.encryption-key", 5, "  encryption: {algorithm: AES256, kmsKeyId: alias/a}\n"),
        ERROR_AT("s3.lock-versioning", 6,
                 "  objectLock: {enabled: true}\n  versioning: {enabled: false}\n"),
        ERROR_AT("s3.lock-off", 5, "  objectLock: {days: 3}\n"),
        ERROR_AT("s3.routing-rules", 5, "  website: {enabled: true, routingRules: {a: 1}}\n"),
        ERROR_AT("s3.event", 6, NOTIFY("queue: jobs")),
        ERROR_AT("s3.event", 6, NOTIFY("queue: jobs, events: [created]")),
        ERROR_AT("s3.notification-target", 6, NOTIFY(EVENT)),
        ERROR_AT("s3.notification-target", 6, NOTIFY("queue: jobs, topic: news, " EVENT)),
        ERROR_AT("s3.notification-target", 6, NOTIFY("queue: news, " EVENT)),
        ERROR_AT("s3.notification-target", 6, NOTIFY("queue: ordered, " EVENT)),
        ERROR_AT("s3.notification-target", 6, NOTIFY("eventBridge: true, " EVENT)),
        ERROR_AT("s3.notification-overlap", 7,
                 NOTIFY("queue: jobs, " EVENT) "    - {topic: news, prefix: a, events: "
                                               "[\"s3:ObjectCreated:Put\"]}\n"),
        ERROR_AT("s3.notification-name", 7,
                 NOTIFY("queue: jobs, prefix: a, " EVENT) "    - {queue: jobs, prefix: b, " EVENT
                                                          "}\n"),
        WARNING_AT("field.inert", 5, "  website: {errorDocument: a}\n"),
        WARNING_AT("field.inert", 5, "  replication: {destinationBucket: a}\n"),
        ERROR_AT("s3.access-logs", 5, "  accessLogs: {prefix: a}\n"),
        ERROR_AT("encryption.off", 5, "  encryption: {enabled: false, kmsKeyId: alias/a}\n"),
        WARNING_AT("iam.no-role", 5, "  permissions: [{component: jobs, access: read}]\n"),
    };
    check_findings("S3", cases, PK_ARRAY_LEN(cases), others);
}

static void example(void **state) {
    (void)state;
    check_example("S3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_bucket),
        cmocka_unit_test(all_settings),
        cmocka_unit_test(public_buckets),
        cmocka_unit_test(versioning_is_suspended),
        cmocka_unit_test(access_logs),
        cmocka_unit_test(policy_of_the_user),
        cmocka_unit_test(everybody_who_listens),
        cmocka_unit_test(access_levels),
        cmocka_unit_test(findings),
        cmocka_unit_test(example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
