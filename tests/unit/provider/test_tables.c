/* The tables against AWS's service models: operations and members that they name exist. */
#include "aws/aws.h"
#include "aws/model.h"
#include "base/str.h"
#include "base/vec.h"
#include "provider/driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static size_t problems;

#define PROBLEM(type, ...)                                                                         \
    do {                                                                                           \
        problems++;                                                                                \
        print_error("%s: ", (type)->type);                                                         \
        print_error(__VA_ARGS__);                                                                  \
        print_error("\n");                                                                         \
    } while (0)

/* --- the model --- */

static const struct pk_aws_operation *operation(const struct pk_type *type,
                                                const struct pk_call *call,
                                                const struct pk_aws_service **ret_service) {
    const struct pk_aws_service *service =
        pk_aws_service_find(call->service ? call->service : type->service);
    *ret_service = service;
    return service ? pk_aws_operation_find(service, call->operation) : NULL;
}

/* The member at a dotted path of a request; lists are passed through. NULL when there is none. */
static const struct pk_aws_member *walk(const struct pk_aws_service *service, uint16_t top,
                                        const char *path) {
    if (top == PK_AWS_NONE)
        return NULL;
    const struct pk_aws_member *member = &service->members[top];
    struct pk_str rest = pk_str(path), part;
    while (pk_str_cut(&rest, '.', &part)) {
        size_t plain = 0;
        while (plain < part.len && part.ptr[plain] != '[')
            plain++;
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)plain, part.ptr);
        const struct pk_aws_shape *shape = pk_aws_shape_of(service, member);
        while (shape->type == PK_AWS_LIST) {
            member = pk_aws_member_at(service, shape, 0);
            shape = pk_aws_shape_of(service, member);
        }
        if (shape->type == PK_AWS_MAP || shape->type == PK_AWS_DOCUMENT)
            return member;
        member = *name ? pk_aws_member_find(service, shape, name) : member;
        if (!member)
            return NULL;
    }
    return member;
}

static void check_request_path(const struct pk_type *type, const struct pk_call *call,
                               const char *path) {
    const struct pk_aws_service *service;
    const struct pk_aws_operation *op = operation(type, call, &service);
    if (op && !walk(service, op->input, path))
        PROBLEM(type, "%s has no member %s", call->operation, path);
}

static void check_call(const struct pk_type *type, const struct pk_call *call) {
    const struct pk_aws_service *service;
    if (!call->operation)
        return;
    if (!operation(type, call, &service))
        PROBLEM(type, "there is no operation %s", call->operation);
    for (const struct pk_param *p = call->params; p && p->path; p++)
        check_request_path(type, call, p->path);
}

/* --- templates --- */

static void check_template(const struct pk_type *type, struct pk_ctx *ctx, const char *text) {
    (void)type;
    json_decref(pk_ctx_value(ctx, text)); /* an unknown reference stops the program */
}

static void check_params(const struct pk_type *type, struct pk_ctx *ctx,
                         const struct pk_call *call) {
    for (const struct pk_param *p = call->params; p && p->path; p++)
        check_template(type, ctx, p->value);
}

/* --- one type --- */

static void check_rows(const struct pk_type *type) {
    struct pk_map *names = pk_map_new();
    for (size_t i = 0; i < type->n_props; i++) {
        const struct pk_prop *prop = &type->props[i];
        if (pk_map_set(names, prop->name, (void *)(uintptr_t)prop))
            PROBLEM(type, "%s stands there twice", prop->name);
        if (prop->update > type->n_updates)
            PROBLEM(type, "%s: there is no update group %u", prop->name, prop->update);
        json_auto_t *fallback =
            prop->fallback ? json_loads(prop->fallback, JSON_DECODE_ANY, NULL) : json_null();
        if (!fallback)
            PROBLEM(type, "%s: the fallback is not JSON", prop->name);
        PK_CLEANUP(pk_freep) char *path = pk_prop_path(type, prop, PK_PLACE_CREATE);
        if (path && type->create.operation)
            check_request_path(type, &type->create, path);
        const struct pk_update *update = prop->update ? &type->updates[prop->update - 1] : NULL;
        if (update && (prop->traits & PK_CREATE_ONLY) && !(update->flags & PK_UPDATE_FULL))
            PROBLEM(type, "%s is create-only and has an update group", prop->name);
        PK_CLEANUP(pk_freep) char *change = pk_prop_path(type, prop, PK_PLACE_CHANGE);
        struct pk_call call = {.operation = update ? update->operation : NULL};
        if (update && update->operation && !update->prepare && change)
            check_request_path(type, &call, change);
    }
    pk_map_free(names);
}

static void check_reader(const struct pk_type *type, struct pk_ctx *ctx,
                         const struct pk_reader *reader) {
    const struct pk_aws_service *service;
    const struct pk_aws_operation *op = operation(type, &reader->call, &service);
    check_call(type, &reader->call);
    check_params(type, ctx, &reader->call);
    check_template(type, ctx, reader->match);
    check_template(type, ctx, reader->want);
    check_template(type, ctx, reader->value);
    check_template(type, ctx, reader->group);
    if (!pk_aws_is_read_only(reader->call.operation))
        PROBLEM(type, "%s changes something and is a reader", reader->call.operation);
    if (reader->batch_param)
        check_request_path(type, &reader->call, reader->batch_param);
    if (reader->batch > 0 && reader->batch != PK_READ_ALL && !reader->batch_param &&
        !reader->batch_filter)
        PROBLEM(type, "%s: a batch without a member", reader->call.operation);
    if (reader->batch > 1 && reader->batch != PK_READ_ALL && !reader->match)
        PROBLEM(type, "%s: a batch without match", reader->call.operation);
    const char *list = reader->list && *reader->list ? reader->list : reader->item;
    if (op && list && !walk(service, op->output, list))
        PROBLEM(type, "the answer of %s has no %s", reader->call.operation, list);
}

static void check_tags(const struct pk_type *type, struct pk_ctx *ctx) {
    const struct pk_tagging *tags = &type->tags;
    if (tags->shape == PK_TAGS_NONE)
        return;
    if (tags->create && type->create.operation)
        check_request_path(type, &type->create, tags->create);
    check_call(type, &tags->tag);
    check_call(type, &tags->untag);
    check_params(type, ctx, &tags->tag);
    check_params(type, ctx, &tags->untag);
    if (tags->tag.operation)
        check_request_path(type, &tags->tag, tags->tag_member);
    if (tags->untag.operation)
        check_request_path(type, &tags->untag, tags->untag_member);
    if (!tags->create && !tags->tag.operation)
        PROBLEM(type, "tags are never set");
}

static void check_recovery(const struct pk_type *type, struct pk_ctx *ctx) {
    check_template(type, ctx, type->find_id);
    check_template(type, ctx, type->find_item_id);
    if (type->finder)
        check_reader(type, ctx, type->finder);
    if (!type->find_id && !type->finder)
        PROBLEM(type, "a lost create cannot be found again");
    if (type->recovery != PK_RECOVER_NATURAL && !type->tags.read && !type->judge)
        PROBLEM(type, "is told by its tags, which are not read");
}

static void check_type(const struct pk_type *type, struct pk_ctx *ctx) {
    check_rows(type);
    check_call(type, &type->create);
    check_call(type, &type->remove);
    check_params(type, ctx, &type->create);
    check_params(type, ctx, &type->remove);
    check_template(type, ctx, type->id);
    if (type->token)
        check_request_path(type, &type->create, type->token);
    if (!type->create.operation && !type->do_create)
        PROBLEM(type, "cannot be created");
    if (!type->remove.operation && !type->do_remove)
        PROBLEM(type, "cannot be deleted");
    for (size_t i = 0; i < type->n_updates; i++) {
        struct pk_call call = {.operation = type->updates[i].operation,
                               .params = type->updates[i].params};
        if (call.operation)
            check_call(type, &call);
        check_params(type, ctx, &call);
        if (!call.operation && !type->updates[i].run)
            PROBLEM(type, "update group %zu does nothing", i + 1);
    }
    if (type->n_readers == 0 && !type->do_read)
        PROBLEM(type, "cannot be read");
    for (size_t i = 0; i < type->n_readers; i++)
        check_reader(type, ctx, &type->readers[i]);
    for (const struct pk_attribute *a = type->attributes; a && a->name; a++)
        if (strchr(a->value, '{'))
            check_template(type, ctx, a->value);
    check_tags(type, ctx);
    check_recovery(type, ctx);
}

static void tables_fit_the_service_models(void **state) {
    (void)state;
    struct pk_aws *aws = NULL;
    struct pk_provider *provider = NULL;
    struct pk_aws_config config = {
        .region = "us-east-1", .access_key_id = "a", .secret_access_key = "b"};
    assert_true(pk_aws_new(&config, &aws, NULL));
    assert_true(pk_aws_provider_new(aws, "123456789012", &provider, NULL));
    assert_true(pk_n_types > 0);
    for (size_t i = 0; i < pk_n_types; i++) {
        struct pk_op op = {.key = "k", .type = pk_types[i]->type};
        struct pk_ctx ctx;
        assert_true(pk_ctx_for_op(&ctx, provider, &op, NULL));
        check_type(pk_types[i], &ctx);
        pk_ctx_release(&ctx);
    }
    provider->vtable->free(provider);
    pk_aws_free(aws);
    assert_int_equal(problems, 0);
}

static void types_stand_there_once(void **state) {
    (void)state;
    struct pk_map *seen = pk_map_new();
    for (size_t i = 0; i < pk_n_types; i++)
        assert_null(pk_map_set(seen, pk_types[i]->type, (void *)(uintptr_t)pk_types[i]));
    pk_map_free(seen);
    assert_null(pk_type_find("AWS::No::Such"));
}

static void traits_come_from_the_rows(void **state) {
    (void)state;
    struct pk_traits_source source = pk_provider_type_traits();
    const struct pk_type_traits *vpc = source.find(source.ctx, "AWS::EC2::VPC");
    assert_non_null(vpc);
    assert_true(vpc->taggable);
    assert_false(vpc->named);
    assert_string_equal(vpc->recovery, "tag");
    const struct pk_type_traits *role = source.find(source.ctx, "AWS::IAM::Role");
    assert_true(role->named);
    unsigned found = 0;
    for (size_t i = 0; i < role->n_props; i++)
        if (strcmp(role->props[i].path, "Policies[].PolicyDocument") == 0)
            found = role->props[i].flags;
    assert_int_equal(found, PK_POLICY_DOC);
    const struct pk_type_traits *target =
        source.find(source.ctx, "AWS::ApplicationAutoScaling::ScalableTarget");
    for (size_t i = 0; i < target->n_props; i++)
        if (strcmp(target->props[i].path, "RoleARN") == 0)
            assert_true(target->props[i].flags & PK_WRITE_ONLY);
    assert_true(source.find(source.ctx, "AWS::ECS::TaskDefinition")->replace_only);
    assert_null(source.find(source.ctx, "AWS::No::Such"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_fit_the_service_models),
        cmocka_unit_test(types_stand_there_once),
        cmocka_unit_test(traits_come_from_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
