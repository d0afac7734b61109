/* dynamodb_convert.c - DynamoDB's nested properties between CloudFormation and the API. */
#include "provider/dynamodb.h"
#include "provider/hooks.h"

json_t *pk_dynamodb_throughput(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    static const char *const members[] = {"ReadCapacityUnits", "WriteCapacityUnits", NULL};
    if (to_api)
        return json_deep_copy(value);
    if (pk_json_int(value, "ReadCapacityUnits", 0) == 0)
        return NULL; /* a table on demand shows zeros */
    return pk_members(value, members);
}

json_t *pk_dynamodb_index(const struct pk_ctx *ctx, const json_t *index) {
    static const char *const members[] = {"IndexName", "KeySchema", "Projection",
                                          "OnDemandThroughput", NULL};
    json_t *ret = pk_members(index, members);
    const json_t *throughput = json_object_get(index, "ProvisionedThroughput");
    json_t *kept = throughput ? pk_dynamodb_throughput(ctx, throughput, false) : NULL;
    if (kept)
        json_object_set_new(ret, "ProvisionedThroughput", kept);
    json_t *names = pk_json_at(ret, "Projection.NonKeyAttributes");
    if (names)
        pk_json_sort_strings(names);
    return ret;
}

json_t *pk_dynamodb_indexes(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    if (to_api)
        return json_array_size(value) ? json_deep_copy(value) : NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value); i++)
        json_array_append_new(list, pk_dynamodb_index(ctx, json_array_get(value, i)));
    return list;
}

/* CloudFormation: there is a stream when it has a view type. */
json_t *pk_dynamodb_stream(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    const char *view = pk_json_str(value, "StreamViewType", NULL);
    if (to_api)
        return view ? json_pack("{s:b, s:s}", "StreamEnabled", 1, "StreamViewType", view) : NULL;
    if (!view || !pk_json_bool(value, "StreamEnabled", false))
        return NULL;
    return json_pack("{s:s}", "StreamViewType", view);
}

json_t *pk_dynamodb_sse(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    json_t *ret = json_object();
    if (to_api) {
        bool on = pk_json_bool(value, "SSEEnabled", false);
        pk_json_put_bool(ret, "Enabled", on);
        if (on) {
            pk_json_put_str(ret, "SSEType", pk_json_str(value, "SSEType", NULL));
            pk_json_put_str(ret, "KMSMasterKeyId", pk_json_str(value, "KMSMasterKeyId", NULL));
        }
        return ret;
    }
    bool on = pk_word_in("ENABLED|ENABLING|UPDATING", pk_json_str(value, "Status", NULL));
    pk_json_put_bool(ret, "SSEEnabled", on);
    if (!on)
        return ret;
    pk_json_put_str(ret, "SSEType", pk_json_str(value, "SSEType", NULL));
    const char *written =
        ctx->prior ? pk_json_str(ctx->prior, "SSESpecification.KMSMasterKeyId", NULL) : NULL;
    pk_json_put_str(ret, "KMSMasterKeyId",
                    pk_key_as_written(pk_json_str(value, "KMSMasterKeyArn", NULL), written));
    return ret;
}

json_t *pk_dynamodb_ttl(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    if (to_api)
        return json_deep_copy(value);
    bool on = pk_word_in("ENABLED|ENABLING", pk_json_str(value, "TimeToLiveStatus", NULL));
    json_t *ret = json_pack("{s:b}", "Enabled", on ? 1 : 0);
    const char *written =
        ctx->prior ? pk_json_str(ctx->prior, "TimeToLiveSpecification.AttributeName", NULL) : NULL;
    /* What is off has no attribute any more; the written one says nothing then. */
    pk_json_put_str(ret, "AttributeName", on ? pk_json_str(value, "AttributeName", NULL) : written);
    return ret;
}

json_t *pk_dynamodb_recovery(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    if (to_api)
        return json_deep_copy(value);
    bool on = pk_streq(pk_json_str(value, "PointInTimeRecoveryStatus", NULL), "ENABLED");
    json_t *ret = json_pack("{s:b}", "PointInTimeRecoveryEnabled", on ? 1 : 0);
    json_t *days = json_object_get(value, "RecoveryPeriodInDays");
    if (on && days)
        json_object_set(ret, "RecoveryPeriodInDays", days);
    return ret;
}
