#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "state/state.h"
#include "json/json.h"

static struct pk_state *parse(const char *text) {
    struct pk_state *state = NULL;
    struct pk_error *err = NULL;
    if (!pk_state_parse(text, strlen(text), "s3://b/state.json", &state, &err))
        fail_msg("%s", err->message);
    return state;
}

static void refuse(const char *text, enum pk_code code, const char *part) {
    struct pk_state *state = NULL;
    struct pk_error *err = NULL;
    assert_false(pk_state_parse(text, strlen(text), "s3://b/state.json", &state, &err));
    assert_null(state);
    assert_int_equal(err->code, code);
    assert_non_null(strstr(err->message, "s3://b/state.json"));
    if (!strstr(err->message, part))
        fail_msg("\"%s\" is not in: %s", part, err->message);
    pk_error_free(err);
}

static const char full[] =
    "{\"version\":\"1.0.0\",\"formatVersion\":2,\"serial\":42,\"lineage\":\"l-1\",\"lockId\":\"k\","
    "\"writeId\":\"w\",\"metadata\":{\"stack\":\"hub\"},\"configuration\":{\"source\":\"hub/\"},"
    "\"networking\":{\"vpcId\":\"vpc-1\"},\"resources\":{\"api:role\":{\"type\":\"AWS::IAM::Role\","
    "\"status\":\"tainted\",\"physicalId\":\"r\",\"attributes\":{\"Arn\":\"arn:r\",\"Endpoint\":{"
    "\"Address\":\"h\"},\"Flat.Name\":\"f\"},\"kind\":\"Lambda\",\"service\":\"s\",\"component\":"
    "\"api\",\"sub\":\"role\",\"provider\":\"aws\",\"region\":\"eu-west-1\",\"name\":\"n\","
    "\"generation\":2,\"properties\":{\"A\":1.5},\"inputsHash\":\"sha256:x\",\"dependencies\":["
    "\"api:log\"],\"tags\":{\"t\":\"v\"},\"external\":{\"zip\":\"h\"},\"protect\":true,"
    "\"retainOnDelete\":true,\"forceDestroy\":true,\"finalSnapshot\":true,\"stateful\":true,"
    "\"createdAt\":\"c\",\"updatedAt\":\"u\",\"lastDeploymentId\":\"d\",\"pendingOperation\":{"
    "\"op\":\"update\",\"opId\":\"o\",\"token\":\"k\",\"startedAt\":\"z\",\"inputsHash\":\"i\","
    "\"previousPhysicalId\":null},\"lastError\":\"e\",\"deposed\":[{\"physicalId\":\"old\","
    "\"type\":\"AWS::IAM::Role\"}],\"ofTomorrow\":{\"x\":1}}},\"outputs\":{\"api.url\":\"u\"},"
    "\"deployment\":{\"id\":\"d\"},\"alsoNew\":[1]}";

static void test_round_trip(void **st) {
    (void)st;
    struct pk_state *s = parse(full);
    assert_int_equal(s->serial, 42);
    assert_string_equal(s->lineage, "l-1");
    struct pk_state_resource *r = pk_state_find(s, "api:role");
    assert_int_equal(r->status, PK_STATUS_TAINTED);
    assert_int_equal(r->generation, 2);
    assert_true(r->protect && r->retain_on_delete && r->force_destroy && r->final_snapshot &&
                r->stateful);
    assert_string_equal(r->pending->op_id, "o");
    assert_null(r->pending->previous_physical_id);
    assert_string_equal(r->dependencies.items[0], "api:log");
    assert_int_equal(json_array_size(r->deposed), 1);
    /* unknown members survive, at both levels */
    struct pk_state *copy = pk_state_copy(s);
    size_t len;
    char *text = pk_state_dump(copy, &len);
    assert_int_equal(strlen(text), len);
    json_t *before = json_loads(full, 0, NULL), *after = json_loads(text, 0, NULL);
    char *a = pk_json_canonical(before), *b = pk_json_canonical(after);
    assert_string_equal(a, b);
    free(a);
    free(b);
    json_decref(before);
    json_decref(after);
    free(text);
    pk_state_free(s);
    pk_state_free(copy);
}

static void test_attributes(void **st) {
    (void)st;
    struct pk_state *s = parse(full);
    struct pk_state_resource *r = pk_state_find(s, "api:role");
    assert_string_equal(json_string_value(pk_state_attribute(r, "Ref")), "r");
    pk_state_set_text(&r->physical_id, "r2");
    assert_string_equal(json_string_value(pk_state_attribute(r, "Ref")), "r2");
    assert_string_equal(json_string_value(pk_state_attribute(r, "Endpoint.Address")), "h");
    assert_string_equal(json_string_value(pk_state_attribute(r, "Flat.Name")), "f");
    assert_null(pk_state_attribute(r, "Nope"));
    pk_state_set_text(&r->physical_id, NULL);
    assert_null(pk_state_attribute(r, "Ref"));
    pk_state_free(s);
}

static void test_new_and_changes(void **st) {
    (void)st;
    struct pk_state *s = pk_state_new(), *other = pk_state_new();
    assert_int_equal(strlen(s->lineage), 36);
    assert_string_not_equal(s->lineage, other->lineage);
    assert_int_equal(s->serial, 0);
    struct pk_state_resource *a = pk_state_add(s, "a", "T");
    assert_ptr_equal(pk_state_add(s, "a", "T"), a);
    assert_int_equal(pk_state_live_count(s), 0);
    pk_state_set_pending(a, pk_pending_new("create", "o", "t", "now", NULL, NULL));
    assert_int_equal(pk_state_live_count(s), 1); /* it may exist */
    pk_state_set_pending(a, NULL);
    json_array_append_new(a->deposed, json_pack("{s:s,s:s,s:[s]}", "physicalId", "x", "type", "T",
                                                "dependencies", "b"));
    assert_int_equal(pk_state_live_count(s), 1);
    struct pk_state_resource *b = pk_state_add(s, "b", "T");
    const char *keys[] = {"a", "b"};
    pk_state_set_dependencies(b, keys, 1);
    pk_state_rename(s, "a", "svc/a");
    assert_null(pk_state_find(s, "a"));
    assert_string_equal(pk_state_find(s, "svc/a")->key, "svc/a");
    assert_string_equal(b->dependencies.items[0], "svc/a");
    pk_state_rename(s, "b", "svc/b");
    json_t *entry = json_array_get(a->deposed, 0);
    assert_string_equal(pk_json_str(entry, "dependencies[0]", ""), "svc/b");
    struct pk_state_resource *copy = pk_state_resource_copy(b);
    pk_state_set_text(&copy->physical_id, "id");
    pk_state_put(s, copy);
    assert_string_equal(pk_state_find(s, "svc/b")->physical_id, "id");
    pk_state_remove(s, "svc/b");
    pk_state_remove(s, "svc/b");
    assert_int_equal(pk_map_len(s->resources), 1);
    pk_state_free(s);
    pk_state_free(other);
    pk_state_free(NULL);
}

static void test_statuses(void **st) {
    (void)st;
    for (int i = 0; i <= PK_STATUS_UNKNOWN; i++)
        assert_int_equal(pk_status_parse(pk_status_text((enum pk_status)i)), i);
    assert_int_equal(pk_status_parse("available"), PK_STATUS_READY);
    assert_int_equal(pk_status_parse("of tomorrow"), PK_STATUS_UNKNOWN);
}

/* The shape that the first design documents describe. */
static void test_list_shape(void **st) {
    (void)st;
    static const char old[] =
        "{\"version\":\"1.0.0\",\"format_version\":1,\"metadata\":{\"created_at\":"
        "\"2024-11-27T10:00:00Z\",\"created_by\":\"alice@company.com\",\"stack_name\":"
        "\"notification-platform\",\"environment\":\"production\",\"tenant_id\":\"nt\"},"
        "\"configuration\":{\"source_file\":\"infrastructure.yaml\",\"checksum\":\"sha256:a\"},"
        "\"resources\":[{\"id\":\"queue\",\"type\":\"AWS::SQS::Queue\",\"name\":\"np-queue\","
        "\"provider\":\"aws\",\"status\":\"available\",\"created_at\":\"2024-11-27T10:05:00Z\","
        "\"properties\":{\"QueueUrl\":\"https://sqs/np-queue\",\"QueueArn\":\"arn:q\","
        "\"DelaySeconds\":0},\"dependencies\":[],\"tags\":{\"ManagedBy\":\"panka\"}},"
        "{\"id\":\"table\",\"type\":\"AWS::DynamoDB::Table\",\"name\":\"np-events\",\"status\":"
        "\"available\",\"properties\":{\"TableName\":\"np-events\",\"TableArn\":\"arn:t\"},"
        "\"depends_on\":[\"queue\"],\"last_update\":\"2024-11-28T00:00:00Z\"}],"
        "\"outputs\":{\"queue_url\":\"https://sqs/np-queue\"},\"deployment\":{\"plan_hash\":"
        "\"sha256:d\",\"started_at\":\"s\",\"duration_seconds\":180,\"status\":\"success\"}}";
    struct pk_state *s = parse(old), *again = parse(old);
    assert_string_equal(s->lineage, again->lineage);
    assert_int_equal(strlen(s->lineage), 36);
    assert_string_equal(pk_json_str(s->metadata, "stack", ""), "notification-platform");
    assert_string_equal(pk_json_str(s->metadata, "deployedBy", ""), "alice@company.com");
    assert_string_equal(pk_json_str(s->configuration, "source", ""), "infrastructure.yaml");
    assert_int_equal(pk_json_int(s->deployment, "durationSeconds", 0), 180);
    const struct pk_state_resource *q = pk_state_find(s, "queue"), *t = pk_state_find(s, "table");
    assert_int_equal(q->status, PK_STATUS_READY);
    assert_string_equal(q->physical_id, "https://sqs/np-queue");
    assert_string_equal(q->component, "queue");
    assert_string_equal(q->created_at, "2024-11-27T10:05:00Z");
    assert_string_equal(json_string_value(pk_state_attribute(q, "Arn")), "arn:q");
    assert_null(json_object_get(q->properties, "QueueUrl"));
    assert_non_null(json_object_get(q->properties, "DelaySeconds"));
    assert_string_equal(t->physical_id, "np-events");
    assert_string_equal(t->dependencies.items[0], "queue");
    assert_string_equal(t->updated_at, "2024-11-28T00:00:00Z");
    char *text = pk_state_dump(s, NULL);
    assert_non_null(strstr(text, "\"formatVersion\": 2"));
    assert_null(strstr(text, "format_version"));
    free(text);
    pk_state_free(s);
    pk_state_free(again);
}

/* The map shape before there were serials, and the one with snake_case members. */
static void test_map_shapes(void **st) {
    (void)st;
    struct pk_state *s =
        parse("{\"version\":\"1.0.0\",\"metadata\":{\"stack\":\"np\"},\"resources\":{\"api-db\":{"
              "\"type\":\"AWS::RDS::DBInstance\",\"status\":\"ready\",\"physicalId\":\"np-db\","
              "\"attributes\":{\"endpoint\":\"h\",\"port\":5432}}}}");
    assert_string_equal(pk_state_find(s, "api-db")->physical_id, "np-db");
    assert_int_equal(s->serial, 0);
    pk_state_free(s);
    s = parse("{\"format_version\":1,\"metadata\":{\"last_update\":\"t\"},\"resources\":{\"core/api"
              ":role\":{\"type\":\"AWS::IAM::Role\",\"physical_id\":\"r\",\"depends_on\":[\"x\"],"
              "\"last_update\":\"t\",\"properties\":{\"RoleArn\":\"arn:r\"}}}}");
    const struct pk_state_resource *r = pk_state_find(s, "core/api:role");
    assert_string_equal(r->physical_id, "r");
    assert_string_equal(r->service, "core");
    assert_string_equal(r->component, "api");
    assert_string_equal(r->sub, "role");
    assert_string_equal(r->updated_at, "t");
    assert_string_equal(json_string_value(pk_state_attribute(r, "Arn")), "arn:r");
    pk_state_free(s);
}

#define ONE(members) "{\"lineage\":\"l\",\"resources\":{\"a\":{\"type\":\"T\"," members "}}}"

static void test_refusals(void **st) {
    (void)st;
    refuse("{\"lineage\":\"l\",\"formatVersion\":3}", PK_E_STATE_NEWER, "format 3");
    refuse("{\"format_version\":9}", PK_E_STATE_NEWER, "format 9");
    refuse("", PK_E_STATE_INVALID, "not valid JSON");
    refuse("{\"lineage\":\"l\",", PK_E_STATE_INVALID, "not valid JSON");
    refuse("[]", PK_E_STATE_INVALID, "not an object");
    refuse("{}", PK_E_STATE_INVALID, "no state");
    refuse("{\"Error\":\"AccessDenied\"}", PK_E_STATE_INVALID, "no state");
    refuse("{\"lineage\":\"l\",\"lineage\":\"m\"}", PK_E_STATE_INVALID, "not valid JSON");
    refuse("{\"lineage\":5}", PK_E_STATE_INVALID, "lineage is not a text");
    refuse("{\"lineage\":\"\"}", PK_E_STATE_INVALID, "lineage");
    refuse("{\"lineage\":\"l\",\"serial\":-1}", PK_E_STATE_INVALID, "serial is not a count");
    refuse("{\"lineage\":\"l\",\"serial\":1.5}", PK_E_STATE_INVALID, "serial");
    refuse("{\"lineage\":\"l\",\"formatVersion\":\"2\"}", PK_E_STATE_INVALID, "formatVersion");
    refuse("{\"lineage\":\"l\",\"formatVersion\":0}", PK_E_STATE_INVALID, "formatVersion");
    refuse("{\"lineage\":\"l\",\"outputs\":[]}", PK_E_STATE_INVALID, "outputs is not an object");
    refuse("{\"lineage\":\"l\",\"resources\":5}", PK_E_STATE_INVALID, "resources");
    refuse("{\"lineage\":\"l\",\"resources\":[{\"type\":\"T\"}]}", PK_E_STATE_INVALID,
           "resources[0]");
    refuse("{\"lineage\":\"l\",\"resources\":{\"a\":5}}", PK_E_STATE_INVALID, "resources.a");
    refuse("{\"lineage\":\"l\",\"resources\":{\"a\":{}}}", PK_E_STATE_INVALID, "resources.a.type");
    refuse("{\"lineage\":\"l\",\"resources\":{\"\":{\"type\":\"T\"}}}", PK_E_STATE_INVALID,
           "empty key");
    refuse(ONE("\"physicalId\":7"), PK_E_STATE_INVALID, "resources.a.physicalId is not a text");
    refuse(ONE("\"status\":7"), PK_E_STATE_INVALID, "resources.a.status");
    refuse(ONE("\"protect\":\"yes\""), PK_E_STATE_INVALID, "resources.a.protect");
    refuse(ONE("\"properties\":[]"), PK_E_STATE_INVALID, "resources.a.properties");
    refuse(ONE("\"dependencies\":[5]"), PK_E_STATE_INVALID, "resources.a.dependencies");
    refuse(ONE("\"generation\":-1"), PK_E_STATE_INVALID, "resources.a.generation");
    refuse(ONE("\"deposed\":[{}]"), PK_E_STATE_INVALID, "resources.a.deposed");
    refuse(ONE("\"pendingOperation\":{\"op\":\"explode\"}"), PK_E_STATE_INVALID,
           "pendingOperation.op");
    refuse(ONE("\"pendingOperation\":5"), PK_E_STATE_INVALID, "pendingOperation");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_new_and_changes), cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_list_shape),      cmocka_unit_test(test_map_shapes),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
