/* ecs_revisions.c - how many revisions of a task definition stay. */
#include "provider/ecs.h"

#include <stdlib.h>
#include <string.h>

/* Set by the kind on every revision; the newest one's is what holds. */
#define KEEP_TAG "panka:keep-revisions"

/* Tags of one revision; *ret NULL when it has gone meanwhile. */
static bool revision_tags(struct pk_ctx *ctx, const char *arn, json_t **ret,
                          struct pk_error **err) {
    json_auto_t *answer = NULL;
    json_t *params = json_pack("{s:s, s:[s]}", "taskDefinition", arn, "include", "TAGS");
    *ret = NULL;
    if (pk_ctx_call(ctx, NULL, "DescribeTaskDefinition", params, &answer, err)) {
        *ret = pk_tags_read(json_object_get(answer, "tags"), PK_TAGS_LOWER_LIST);
        return true;
    }
    if (!pk_error_in(*err, ctx->type->errors.gone))
        return false;
    pk_error_clear(err);
    return true;
}

static bool is_ours(const struct pk_ctx *ctx, const json_t *tags) {
    const char *lineage = json_string_value(json_object_get(tags, "panka:lineage"));
    const char *key = json_string_value(json_object_get(tags, "panka:resource"));
    return ctx->op->lineage && pk_streq(lineage, ctx->op->lineage) &&
           (!key || pk_streq(key, ctx->key));
}

static bool deregister(struct pk_ctx *ctx, const char *arn, struct pk_error **err) {
    json_t *params = json_pack("{s:s}", "taskDefinition", arn);
    if (pk_ctx_call(ctx, NULL, "DeregisterTaskDefinition", params, NULL, err))
        return true;
    if (!pk_error_in(*err, ctx->type->errors.gone))
        return false;
    pk_error_clear(err);
    return true;
}

static int newest_first(const void *a, const void *b) {
    const char *const *one = a, *const *other = b;
    const char *n = strrchr(*one, ':'), *m = strrchr(*other, ':');
    return n && m ? strverscmp(m, n) : strcmp(*other, *one);
}

/* Not every service that speaks ECS sorts as it is asked to, and the newest ones must stay. */
static json_t *sorted(const json_t *arns) {
    size_t n = json_array_size(arns);
    const char **texts = pk_calloc(n + 1, sizeof *texts);
    for (size_t i = 0; i < n; i++)
        texts[i] = json_string_value(json_array_get(arns, i));
    qsort(texts, n, sizeof *texts, newest_first);
    json_t *ret = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(ret, json_string(texts[i]));
    free(texts);
    return ret;
}

/* Active revisions of the family, newest first. */
static bool revisions(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    const char *family = pk_json_str(ctx->props, "Family", "");
    json_t *params = json_pack("{s:s, s:s}", "familyPrefix", family, "status", "ACTIVE");
    json_auto_t *answer = NULL;
    if (!pk_ctx_call_all(ctx, NULL, "ListTaskDefinitions", params, &answer, err))
        return false;
    *ret = sorted(json_object_get(answer, "taskDefinitionArns"));
    return true;
}

static int64_t number_of(const json_t *tags, const char *key, int64_t fallback) {
    const char *text = json_string_value(json_object_get(tags, key));
    int64_t number;
    return text && pk_parse_i64(pk_str(text), &number) ? number : fallback;
}

/*
 * A revision that was replaced stays until there are more than the newest one asks for; the end of
 * the component is the end of all of them. Only revisions with our tags count and go.
 */
enum pk_progress pk_ecs_remove_revisions(struct pk_ctx *ctx, struct pk_error **err) {
    json_auto_t *arns = NULL;
    if (!revisions(ctx, &arns, err))
        return PK_FAILED;
    int64_t keep = ctx->op->replacing ? -1 : 0; /* -1: not known yet */
    for (size_t i = 0; i < json_array_size(arns); i++) {
        const char *arn = json_string_value(json_array_get(arns, i));
        json_auto_t *tags = NULL;
        if (!revision_tags(ctx, arn, &tags, err))
            return PK_FAILED;
        if (!is_ours(ctx, tags))
            continue;
        /* Nothing newer than what goes: the family has been left. */
        if (keep < 0)
            keep = pk_streq(arn, ctx->id) ? 0 : number_of(tags, KEEP_TAG, 1);
        if (keep > 0)
            keep--;
        else if (!deregister(ctx, arn, err))
            return PK_FAILED;
    }
    /* One without our tags is in the state all the same. */
    if (!ctx->op->replacing && !deregister(ctx, ctx->id, err))
        return PK_FAILED;
    return PK_DONE;
}
