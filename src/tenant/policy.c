/* policy.c - the IAM policy that confines a tenant's people: IAM is the boundary, the login is
 * convenience (docs/security.md). */
#include "tenant/internal.h"

#include "aws/aws.h"
#include "json/json.h"

static json_t *texts(const char *const *items) {
    json_t *list = json_array();
    for (; *items; items++)
        json_array_append_new(list, json_string(*items));
    return list;
}

static json_t *statement(const char *sid, const char *const *actions, json_t *resource) {
    json_t *s = json_object();
    pk_json_put_str(s, "Sid", sid);
    pk_json_put_str(s, "Effect", "Allow");
    json_object_set_new(s, "Action", texts(actions));
    json_object_set_new(s, "Resource", resource);
    return s;
}

static json_t *condition(const char *operator, const char * key, json_t *values) {
    json_t *inner = json_object();
    json_object_set_new(inner, key, values);
    return json_pack("{s:o}", operator, inner);
}

char *pk_tenant_iam_policy(const char *tenant, const char *bucket, const char *lock_table,
                           const char *region, const char *account_id) {
    static const char *const objects[] = {"s3:GetObject", "s3:PutObject", NULL};
    static const char *const reads[] = {"s3:GetObject", NULL};
    static const char *const list[] = {"s3:ListBucket", NULL};
    /* no Scan: a lock is read by its key */
    static const char *const locks[] = {"dynamodb:GetItem",    "dynamodb:PutItem",
                                        "dynamodb:UpdateItem", "dynamodb:DeleteItem",
                                        "dynamodb:Query",      NULL};
    const char *partition = pk_aws_partition(region);
    pk_assert(pk_key_tenant_ok(tenant));
    json_t *all = json_array();
    json_array_append_new(
        all, statement("PankaState", objects,
                       pk_json_textf("arn:%s:s3:::%s/tenants/%s/*", partition, bucket, tenant)));
    json_array_append_new(
        all, statement("PankaRegistry", reads,
                       pk_json_textf("arn:%s:s3:::%s/" PK_KEY_REGISTRY, partition, bucket)));
    json_t *listing =
        statement("PankaList", list, pk_json_textf("arn:%s:s3:::%s", partition, bucket));
    /* the prefix ends in '/': tenant `shop` must not see `shop-two` */
    json_object_set_new(listing, "Condition",
                        condition("StringLike", "s3:prefix",
                                  json_pack("[o]", pk_json_textf("tenants/%s/*", tenant))));
    json_array_append_new(all, listing);
    json_t *table = statement(
        "PankaLocks", locks,
        pk_json_textf("arn:%s:dynamodb:%s:%s:table/%s", partition, region, account_id, lock_table));
    json_object_set_new(table, "Condition",
                        condition("ForAllValues:StringLike", "dynamodb:LeadingKeys",
                                  json_pack("[o]", pk_json_textf("tenant:%s:*", tenant))));
    json_array_append_new(all, table);
    json_t *policy PK_CLEANUP(json_decrefp) =
        json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", all);
    return pk_json_pretty(policy);
}
