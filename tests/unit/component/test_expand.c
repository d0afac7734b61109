/* test_expand.c - whole projects: edges between components, outputs, names over time, and the
 * complete example against its reviewed graph. */
#include "component/kinds.h"
#include "fixture.h"

#define IMAGE "  image: {repository: nginx, tag: \"1.27\"}\n"

/* --- the complete example --------------------------------------------------------------------- */

static void drop_places(json_t *value) {
    const char *key;
    json_t *inner;
    size_t i;
    if (json_is_object(value)) {
        json_object_del(value, "span");
        json_object_del(value, "spans");
        json_object_foreach(value, key, inner) drop_places(inner);
    }
    json_array_foreach(value, i, inner) drop_places(inner);
}

static char *data_path(const char *name) {
    const char *root = getenv("PANKA_SOURCE_ROOT");
    PK_CLEANUP(pk_freep)
    char *dir = pk_path_join(root ? root : ".", "tests/unit/component/data");
    return pk_path_join(dir, name);
}

static char *file_text(const char *path) {
    struct pk_buf buf;
    assert_true(pk_read_file(path, 1 << 20, &buf, NULL));
    return pk_buf_steal(&buf);
}

/* With PANKA_UPDATE_GOLDEN=1 the file is written instead: review the difference. */
static void complete_example(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    PK_CLEANUP(pk_freep) char *dir = data_path("notification-platform");
    PK_CLEANUP(pk_freep) char *golden = data_path("notification-platform.json");
    PK_CLEANUP(pk_freep) char *tenant_path = data_path("tenant.yaml");
    PK_CLEANUP(pk_freep) char *tenant = file_text(tenant_path);
    fx_tenant(&f, tenant);
    fx_expand_at(&f, dir);
    fx_assert_clean(&f, "ms.tag-latest");
    json_t *graph = pk_graph_to_json(f.graph);
    drop_places(graph);
    PK_CLEANUP(pk_freep) char *got = pk_json_pretty(graph);
    json_decref(graph);
    if (getenv("PANKA_UPDATE_GOLDEN"))
        assert_true(pk_write_file(golden, got, strlen(got), 0644, NULL));
    PK_CLEANUP(pk_freep) char *wanted = file_text(golden);
    assert_string_equal(got, wanted);
    fx_end(&f);
}

static void complete_example_is_the_same_twice(void **state) {
    (void)state;
    char *texts[2];
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        fx_begin(&f);
        PK_CLEANUP(pk_freep) char *dir = data_path("notification-platform");
        fx_expand_at(&f, dir);
        json_t *graph = pk_graph_to_json(f.graph);
        texts[i] = pk_json_pretty(graph);
        json_decref(graph);
        fx_end(&f);
    }
    assert_string_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
}

/* --- edges ------------------------------------------------------------------------------------ */

static void depends_on_is_hard(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "a", IMAGE "  dependsOn: [b]\n");
    fx_component(&f, "MicroService", "b", IMAGE);
    fx_expand(&f);
    fx_assert_clean(&f, "");
    const struct pk_edge *edge = fx_edge(&f, "a", "b");
    assert_non_null(edge);
    assert_int_equal(edge->strength, PK_EDGE_HARD);
    assert_string_equal(edge->why, "dependsOn");
    assert_int_equal(edge->span.line, 6);
    assert_null(fx_edge(&f, "a:task-role", "b"));
    fx_end(&f);
}

static void hard_cycle_is_an_error(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "a", IMAGE "  dependsOn: [b]\n");
    fx_component(&f, "MicroService", "b", IMAGE "  dependsOn: [a]\n");
    fx_expand(&f);
    assert_non_null(fx_finding(&f, "ref.cycle"));
    fx_end(&f);
}

static void order_of_services_gives_way(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_write(&f, "services/web/service.yaml",
             "apiVersion: core.panka.io/v1\nkind: Service\nmetadata: {name: web}\n"
             "spec: {dependsOn: [back]}\n");
    fx_write(&f, "services/back/service.yaml",
             "apiVersion: core.panka.io/v1\nkind: Service\nmetadata: {name: back}\n");
    fx_write(&f, "services/back/x.yaml",
             "apiVersion: components.panka.io/v1\nkind: MicroService\nmetadata: {name: x}\n"
             "spec: {image: {repository: a, tag: b}, dependsOn: [a]}\n");
    fx_component(&f, "MicroService", "a", IMAGE);
    fx_component(&f, "MicroService", "b", IMAGE);
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_true(fx_edge(&f, "a", "x")->dropped);
    assert_false(fx_edge(&f, "b", "x")->dropped);
    assert_int_equal(fx_edge(&f, "b", "x")->strength, PK_EDGE_SOFT);
    const struct pk_diag *d = fx_finding(&f, "svc.order-dropped");
    assert_non_null(d);
    assert_int_equal(d->severity, PK_SEVERITY_INFO);
    fx_end(&f);
}

static void outputs_that_are_missing(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "a", IMAGE "  environment: {B: \"${b.endpoint}\"}\n");
    fx_component(&f, "MicroService", "b", IMAGE);
    fx_expand(&f);
    const struct pk_diag *d = fx_finding(&f, "ref.output-unavailable");
    assert_non_null(d);
    assert_non_null(strstr(d->help, "loadBalancer"));
    assert_int_equal(pk_diags_count(f.diags, PK_SEVERITY_ERROR), 1);
    assert_null(json_object_get(f.graph->outputs, "b.endpoint"));
    fx_end(&f);
}

static void stack_outputs_and_common_outputs(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_write(&f, "stack.yaml",
             "apiVersion: core.panka.io/v1\nkind: Stack\nmetadata: {name: shop}\nspec:\n"
             "  region: eu-west-1\n  variables: {ENVIRONMENT: test}\n  outputs:\n"
             "    text: hello\n    where: \"${a.region}/${a.name}\"\n    arn: \"${a.arn}\"\n"
             "    id: \"id=${a.id}\"\n    kind: \"${a.kind}\"\n");
    fx_component(&f, "MicroService", "a", IMAGE "  name: my-own\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    const json_t *o = f.graph->outputs;
    assert_string_equal(pk_json_str(o, "text", ""), "hello");
    assert_string_equal(pk_json_str(o, "where", ""), "eu-west-1/my-own");
    assert_string_equal(pk_json_str(o, "arn", ""),
                        "arn:aws:ecs:eu-west-1:123456789012:service/shop-test-cluster/my-own");
    assert_string_equal(pk_json_str(o, "kind", ""), "MicroService");
    PK_CLEANUP(pk_freep) char *id = pk_json_canonical(json_object_get(o, "id"));
    assert_string_equal(id, "{\"$join\":[\"id=\",{\"$ref\":\"a\",\"attr\":\"Ref\"}]}");
    assert_true(fx_node(&f, "a")->name_explicit);
    assert_false(fx_node(&f, "a:task-role")->name_explicit);
    fx_end(&f);
}

/* A secret that the stack makes cannot be looked up before: whoever names it refers to the node. */
static void secrets_of_the_stack_are_nodes(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "RDS", "db",
                 "  engine: {type: postgres, version: \"16\"}\n"
                 "  instance: {class: db.t4g.micro, storage: {allocatedGB: 20}}\n"
                 "  database: {name: shop, username: adm, passwordSecret: {generate: true, ref: "
                 "shop/db}}\n");
    fx_component(&f, "MicroService", "a",
                 IMAGE "  secrets:\n    - {name: OWN, secretRef: shop/db}\n"
                       "    - {name: OTHER, secretRef: shop/other}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "a:task-definition", "ContainerDefinitions[0].Secrets",
                    "[{\"Name\":\"OTHER\",\"ValueFrom\":{\"$secretArn\":\"shop/other\"}},{"
                    "\"Name\":\"OWN\",\"ValueFrom\":{\"$ref\":\"db:password\",\"attr\":\"Id\"}}"
                    "]");
    assert_property(&f, "db", "MasterUserPassword.$secret",
                    "{\"$ref\":\"db:password\",\"attr\":\"Id\"}");
    assert_int_equal(fx_edge(&f, "a:task-definition", "db:password")->strength, PK_EDGE_HARD);
    assert_non_null(fx_edge(&f, "db", "db:password"));
    fx_end(&f);
}

static void disabled_components_expand_to_nothing(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "a", IMAGE "  enabled: false\n");
    fx_component(&f, "MicroService", "b", IMAGE);
    fx_expand(&f);
    assert_null(pk_graph_find(f.graph, "a"));
    assert_non_null(pk_graph_find(f.graph, "b"));
    fx_end(&f);
}

/* --- names over time -------------------------------------------------------------------------- */

static void names_are_pinned(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "a", IMAGE);
    fx_record(&f, "a", "AWS::ECS::Service", "a", "", "old-service");
    fx_record(&f, "a:task-role", "AWS::IAM::Role", "a", "task-role", "old-role")->generation = 2;
    fx_record(&f, "a:log-group", "AWS::SQS::Queue", "a", "log-group", "other-type");
    fx_expand(&f);
    assert_property(&f, "a", "ServiceName", "\"old-service\"");
    assert_property(&f, "a:task-role", "RoleName", "\"old-role\"");
    assert_int_equal(fx_node(&f, "a:task-role")->generation, 2);
    assert_property(&f, "a:task-definition", "TaskRoleArn",
                    "\"arn:aws:iam::123456789012:role/old-role\"");
    assert_property(&f, "a:log-group", "LogGroupName", "\"/panka/shop/test/web/a\"");
    fx_end(&f);
}

static void a_name_in_two_services(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "a", IMAGE);
    fx_write(&f, "services/back/service.yaml",
             "apiVersion: core.panka.io/v1\nkind: Service\nmetadata: {name: back}\n");
    fx_write(&f, "services/back/a.yaml",
             "apiVersion: components.panka.io/v1\nkind: MicroService\nmetadata: {name: a}\n"
             "spec: {image: {repository: a, tag: b}}\n");
    fx_record(&f, "a", "AWS::ECS::Service", "a", "", "shop-test-a");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    /* the older one keeps its name although its key has changed */
    assert_property(&f, "web/a", "ServiceName", "\"shop-test-a\"");
    assert_property(&f, "back/a", "ServiceName", "\"shop-test-back-a\"");
    assert_property(&f, "back/a:task-definition", "Family", "\"shop-test-back-a\"");
    fx_end(&f);
}

static void replacements_get_another_name(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "a", IMAGE);
    fx_record(&f, "a:task-role", "AWS::IAM::Role", "a", "task-role", "shop-test-a-task");
    unsigned next = 1;
    f.generations = pk_map_new();
    pk_map_set(f.generations, "a:task-role", &next);
    fx_expand(&f);
    assert_property(&f, "a:task-role", "RoleName", "\"shop-test-a-task-r1\"");
    assert_property(&f, "a:task-definition", "TaskRoleArn",
                    "\"arn:aws:iam::123456789012:role/shop-test-a-task-r1\"");
    fx_end(&f);
}

/* --- the registry ----------------------------------------------------------------------------- */

static void registry_knows_the_catalogue(void **state) {
    (void)state;
    static const char *const offered[] = {"MicroService", "Lambda", "RDS", "DynamoDB",
                                          "S3",           "SQS",    "SNS"};
    static const char *const known[] = {"Worker",
                                        "CronJob",
                                        "EC2Instance",
                                        "DocumentDB",
                                        "ElastiCacheRedis",
                                        "ElastiCacheMemcached",
                                        "AWSMemoryDB",
                                        "EFS",
                                        "EBS",
                                        "Kafka",
                                        "MSK",
                                        "EventBridge",
                                        "ALB",
                                        "NLB",
                                        "CloudFront",
                                        "APIGateway",
                                        "InfraDefaults",
                                        "ServiceInfraDefaults",
                                        "ComponentInfra",
                                        "Networking",
                                        "Security",
                                        "Observability",
                                        "Compliance"};
    const struct pk_kind_registry *registry = pk_kinds();
    for (size_t i = 0; i < PK_ARRAY_LEN(offered); i++) {
        assert_true(pk_kind_find(registry, offered[i])->offered);
        assert_non_null(pk_kind_by_name(offered[i])->expand);
        assert_ptr_equal(&pk_kind_by_name(offered[i])->table, pk_kind_find(registry, offered[i]));
    }
    for (size_t i = 0; i < PK_ARRAY_LEN(known); i++) {
        assert_false(pk_kind_find(registry, known[i])->offered);
        assert_null(pk_kind_by_name(known[i]));
    }
    assert_true(pk_kind_find(registry, "Stack")->offered);
    assert_int_equal(registry->n_kinds, 3 + PK_ARRAY_LEN(offered) + PK_ARRAY_LEN(known));
}

/* Every row says what it is for, and examples are what they claim to be. */
static void tables_are_complete(void **state) {
    (void)state;
    for (size_t i = 0; i < pk_kinds()->n_kinds; i++) {
        const struct pk_kind_table *table = pk_kinds()->kinds[i];
        for (size_t k = 0; table->offered && k < table->n_fields; k++)
            assert_non_null(table->fields[k].doc);
        if (!table->example || !pk_kind_by_name(table->kind))
            continue;
        struct pk_source source = {"example", table->example, strlen(table->example)};
        struct pk_arena *arena = pk_arena_new();
        struct pk_diags *diags = pk_diags_new();
        struct pk_document *docs;
        size_t n;
        pk_yaml_parse(arena, &source, diags, &docs, &n);
        assert_int_equal(n, 1);
        json_t *spec =
            pk_schema_apply(arena, table, true, docs[0].root, docs[0].span, NULL, diags, NULL);
        for (size_t d = 0; d < pk_diags_len(diags); d++)
            print_error("%s: %s\n", table->kind, pk_diags_at(diags, d)->message);
        assert_int_equal(pk_diags_len(diags), 0);
        json_decref(spec);
        pk_diags_free(diags);
        pk_arena_free(arena);
    }
}

/* Documents of other tests: every property they come to has a row (fx_assert_covered). */
static void whole_stacks_can_be_sent(void **state) {
    (void)state;
    static const char *const folders[] = {"tests/golden/stacks/shop",
                                          "examples/notification-platform"};
    const char *root = getenv("PANKA_SOURCE_ROOT");
    for (size_t i = 0; i < PK_ARRAY_LEN(folders); i++) {
        struct fixture f;
        fx_begin(&f);
        PK_CLEANUP(pk_freep) char *dir = pk_path_join(root ? root : ".", folders[i]);
        fx_expand_at(&f, dir);
        assert_true(f.graph->resources.len > 0);
        fx_end(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complete_example),
        cmocka_unit_test(complete_example_is_the_same_twice),
        cmocka_unit_test(depends_on_is_hard),
        cmocka_unit_test(hard_cycle_is_an_error),
        cmocka_unit_test(order_of_services_gives_way),
        cmocka_unit_test(outputs_that_are_missing),
        cmocka_unit_test(stack_outputs_and_common_outputs),
        cmocka_unit_test(secrets_of_the_stack_are_nodes),
        cmocka_unit_test(disabled_components_expand_to_nothing),
        cmocka_unit_test(names_are_pinned),
        cmocka_unit_test(a_name_in_two_services),
        cmocka_unit_test(replacements_get_another_name),
        cmocka_unit_test(registry_knows_the_catalogue),
        cmocka_unit_test(tables_are_complete),
        cmocka_unit_test(whole_stacks_can_be_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
