/* test_microservice.c - tasks and services: the shape that CloudFormation knows. */
#include "fixture.h"

#define IMAGE "  image: {repository: nginx, tag: \"1.27\"}\n"

static void run(struct fixture *f, const char *spec) {
    fx_begin(f);
    fx_component(f, "MicroService", "web", spec);
}

static void smallest_service(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE);
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_int_equal(pk_diags_len(f.diags), 0);
    assert_int_equal(f.graph->resources.len, 6);
    assert_property(&f, "_stack:cluster", "ClusterName", "\"shop-test-cluster\"");
    assert_property(&f, "_stack:cluster", "CapacityProviders", "[\"FARGATE\",\"FARGATE_SPOT\"]");
    assert_property(&f, "_stack:cluster", "ClusterSettings",
                    "[{\"Name\":\"containerInsights\",\"Value\":\"disabled\"}]");
    assert_property(&f, "web:task-definition", "Family", "\"shop-test-web\"");
    assert_property(&f, "web:task-definition", "Cpu", "\"256\"");
    assert_property(&f, "web:task-definition", "Memory", "\"512\"");
    assert_property(&f, "web:task-definition", "NetworkMode", "\"awsvpc\"");
    assert_property(&f, "web:task-definition", "RequiresCompatibilities", "[\"FARGATE\"]");
    assert_property(&f, "web:task-definition", "RuntimePlatform",
                    "{\"CpuArchitecture\":\"X86_64\",\"OperatingSystemFamily\":\"LINUX\"}");
    assert_property(&f, "web:task-definition", "ExecutionRoleArn",
                    "\"arn:aws:iam::123456789012:role/shop-test-web-exec\"");
    assert_property(&f, "web:task-definition", "TaskRoleArn",
                    "\"arn:aws:iam::123456789012:role/shop-test-web-task\"");
    assert_property(
        &f, "web:task-definition", "ContainerDefinitions",
        "[{\"Essential\":true,\"Image\":\"nginx:1.27\",\"LogConfiguration\":{\"LogDriver\":"
        "\"awslogs\",\"Options\":{\"awslogs-group\":\"/panka/shop/test/web/"
        "web\",\"awslogs-region\":"
        "\"eu-west-1\",\"awslogs-stream-prefix\":\"web\"}},\"Name\":\"web\",\"StopTimeout\":30}]");
    assert_property(&f, "web:log-group", "RetentionInDays", "30");
    assert_property(&f, "web", "Cluster", "\"shop-test-cluster\"");
    assert_property(&f, "web", "LaunchType", "\"FARGATE\"");
    assert_property(&f, "web", "DesiredCount", "1");
    assert_property(&f, "web", "TaskDefinition",
                    "{\"$ref\":\"web:task-definition\",\"attr\":\"TaskDefinitionArn\"}");
    assert_property(&f, "web", "NetworkConfiguration",
                    "{\"AwsvpcConfiguration\":{\"AssignPublicIp\":\"DISABLED\",\"SecurityGroups\":["
                    "\"sg-tenant\"],\"Subnets\":[\"subnet-c\",\"subnet-d\"]}}");
    assert_property(&f, "web", "DeploymentConfiguration",
                    "{\"DeploymentCircuitBreaker\":{\"Enable\":true,\"Rollback\":true},"
                    "\"MaximumPercent\":200,\"MinimumHealthyPercent\":100}");
    assert_property(&f, "web", "AvailabilityZoneRebalancing", "\"ENABLED\"");
    assert_no_property(&f, "web", "HealthCheckGracePeriodSeconds");
    assert_no_property(&f, "web", "Tags");
    assert_string_equal(
        pk_json_str(fx_node(&f, "web:task-definition")->tags, "panka:keep-revisions", ""), "5");
    assert_int_equal(fx_node(&f, "web")->wait_limit_ms, 900000);
    assert_true(fx_node(&f, "web")->primary);
    assert_false(fx_node(&f, "web")->stateful);
    assert_non_null(fx_edge(&f, "web", "_stack:cluster"));
    assert_non_null(fx_edge(&f, "web:task-definition", "web:execution-role"));
    assert_non_null(fx_edge(&f, "web:task-definition", "web:task-role"));
    assert_non_null(fx_edge(&f, "web:task-definition", "web:log-group"));
    fx_end(&f);
}

static void runtime_settings(void **state) {
    (void)state;
    struct fixture f;
    run(&f, "  image: {repository: nginx, digest: \"sha256:"
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}\n"
            "  runtime: {cpu: 1 vCPU, memory: 2Gi, architecture: ARM64, spot: true,\n"
            "    enableExec: true, user: \"1000\", readonlyRootFilesystem: true,\n"
            "    ephemeralStorageGB: 30, stopTimeout: 1m}\n"
            "  command: [/bin/app]\n  args: [--fast, now]\n"
            "  container: {workingDirectory: /srv}\n"
            "  deployment: {minimumHealthyPercent: 0, maximumPercent: 100,\n"
            "    circuitBreaker: false, timeout: 5m, keepRevisions: 2}\n"
            "  logging: {driver: none}\n"
            "  networking: {subnets: public, assignPublicIp: true, securityGroups: [sg-0abc]}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    const char *task = "web:task-definition";
    assert_string_equal(pk_json_str(fx_node(&f, task)->tags, "panka:keep-revisions", ""), "2");
    assert_property(&f, task, "ContainerDefinitions[0].Image",
                    "\"nginx@sha256:"
                    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"");
    assert_property(&f, task, "Cpu", "\"1024\"");
    assert_property(&f, task, "Memory", "\"2048\"");
    assert_property(&f, task, "RuntimePlatform.CpuArchitecture", "\"ARM64\"");
    assert_property(&f, task, "EphemeralStorage", "{\"SizeInGiB\":30}");
    assert_property(&f, task, "ContainerDefinitions[0].EntryPoint", "[\"/bin/app\"]");
    assert_property(&f, task, "ContainerDefinitions[0].Command", "[\"--fast\",\"now\"]");
    assert_property(&f, task, "ContainerDefinitions[0].WorkingDirectory", "\"/srv\"");
    assert_property(&f, task, "ContainerDefinitions[0].User", "\"1000\"");
    assert_property(&f, task, "ContainerDefinitions[0].StopTimeout", "60");
    assert_property(&f, task, "ContainerDefinitions[0].ReadonlyRootFilesystem", "true");
    assert_property(&f, task, "ContainerDefinitions[0].LinuxParameters",
                    "{\"InitProcessEnabled\":true}");
    assert_no_property(&f, task, "ContainerDefinitions[0].LogConfiguration");
    assert_null(pk_graph_find(f.graph, "web:log-group"));
    assert_property(&f, "web", "EnableExecuteCommand", "true");
    assert_property(&f, "web", "CapacityProviderStrategy",
                    "[{\"CapacityProvider\":\"FARGATE_SPOT\",\"Weight\":1}]");
    assert_no_property(&f, "web", "LaunchType");
    assert_no_property(&f, "web", "AvailabilityZoneRebalancing");
    assert_property(&f, "web", "DeploymentConfiguration.DeploymentCircuitBreaker.Enable", "false");
    assert_property(
        &f, "web", "NetworkConfiguration.AwsvpcConfiguration",
        "{\"AssignPublicIp\":\"ENABLED\",\"SecurityGroups\":[\"sg-tenant\",\"sg-0abc\"],"
        "\"Subnets\":[\"subnet-a\",\"subnet-b\"]}");
    assert_int_equal(fx_node(&f, "web")->wait_limit_ms, 300000);
    fx_end(&f);
}

static void existing_cluster_on_ec2(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  runtime: {platform: ec2, cpu: 300, memory: 300, networkMode: bridge,\n"
                  "    requiresGPU: true, cluster: \"arn:aws:ecs:eu-west-1:1:cluster/gpu\"}\n"
                  "  ports: [{name: http, port: 80}]\n"
                  "  volumes: [{name: host, type: hostPath, source: /srv, mountPath: /srv}]\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_null(pk_graph_find(f.graph, "_stack:cluster"));
    assert_property(&f, "web", "Cluster", "\"arn:aws:ecs:eu-west-1:1:cluster/gpu\"");
    assert_property(&f, "web", "LaunchType", "\"EC2\"");
    assert_no_property(&f, "web", "NetworkConfiguration");
    assert_property(&f, "web:task-definition", "RequiresCompatibilities", "[\"EC2\"]");
    assert_property(&f, "web:task-definition", "ContainerDefinitions[0].ResourceRequirements",
                    "[{\"Type\":\"GPU\",\"Value\":\"1\"}]");
    assert_property(&f, "web:task-definition", "Volumes",
                    "[{\"Host\":{\"SourcePath\":\"/srv\"},\"Name\":\"host\"}]");
    fx_end(&f);
}

static void environment_of_files_values_and_secrets(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  environment:\n"
                  "    - {name: MODE, value: fast}\n"
                  "    - {name: TOKEN, secretRef: \"ssm:/shop/token\"}\n"
                  "  secrets:\n"
                  "    - {name: db-password, secretRef: \"shop/db#password\"}\n"
                  "    - {name: KEY, secretRef: shop/key, envVar: APP_KEY}\n");
    fx_write(&f, "services/web/config/app.env",
             "# for all\nMODE=slow\nexport GREETING=\"hello world\"\n\nEMPTY=\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "web:task-definition", "ContainerDefinitions[0].Environment",
                    "[{\"Name\":\"EMPTY\",\"Value\":\"\"},{\"Name\":\"GREETING\",\"Value\":\"hello "
                    "world\"},{\"Name\":\"MODE\",\"Value\":\"fast\"}]");
    assert_property(
        &f, "web:task-definition", "ContainerDefinitions[0].Secrets",
        "[{\"Name\":\"APP_KEY\",\"ValueFrom\":{\"$secretArn\":\"shop/key\"}},{\"Name\":\"DB_"
        "PASSWORD\",\"ValueFrom\":{\"$join\":[{\"$secretArn\":\"shop/db\"},\":password::\"]}},{"
        "\"Name\":\"TOKEN\",\"ValueFrom\":\"arn:aws:ssm:eu-west-1:123456789012:parameter/shop/"
        "token\"}]");
    fx_end(&f);
}

static void env_files_can_be_turned_off(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  envFiles: []\n");
    fx_write(&f, "services/web/config/app.env", "MODE=slow\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_no_property(&f, "web:task-definition", "ContainerDefinitions[0].Environment");
    fx_end(&f);
}

static void execution_role_reads_exactly_the_secrets(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  secrets:\n"
                  "    - {name: A, secretRef: \"shop/db#password\"}\n"
                  "    - {name: B, secretRef: \"shop/db#user\"}\n"
                  "    - {name: C, secretRef: \"ssm:c\"}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "web:execution-role", "ManagedPolicyArns",
                    "[\"arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy\"]");
    assert_property(&f, "web:execution-role", "Policies[0].PolicyName", "\"secrets\"");
    const char *document = fx_json(&f, "web:execution-role", "Policies[0].PolicyDocument");
    const char *secret = strstr(document, "\"$secretArn\":\"shop/db\"");
    assert_non_null(secret);
    assert_null(strstr(secret + 1, "\"$secretArn\":\"shop/db\""));
    assert_non_null(strstr(document, "secretsmanager:GetSecretValue"));
    assert_non_null(strstr(document, "ssm:GetParameters"));
    assert_non_null(strstr(document, "parameter/c"));
    fx_end(&f);
}

static void registry_credentials(void **state) {
    (void)state;
    struct fixture f;
    run(&f, "  image: {repository: quay.io/x/y, tag: v1, credentialsSecret: shop/registry}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "web:task-definition", "ContainerDefinitions[0].RepositoryCredentials",
                    "{\"CredentialsParameter\":{\"$secretArn\":\"shop/registry\"}}");
    assert_non_null(strstr(fx_json(&f, "web:execution-role", "Policies"), "shop/registry"));
    fx_end(&f);
}

static void config_files_are_written_by_a_first_container(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  environment: {COLOR: blue}\n"
                  "  configs: {mountPath: /etc/app, files: [settings.yaml, sub/b.txt]}\n");
    fx_write(&f, "services/web/config/settings.yaml", "color: ${COLOR}\nelse: ${NOPE:-x}\n");
    fx_write(&f, "services/web/config/sub/b.txt", "b");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    const char *task = "web:task-definition";
    assert_property(&f, task, "ContainerDefinitions[0].Name", "\"panka-config\"");
    assert_property(&f, task, "ContainerDefinitions[0].Essential", "false");
    /* printf 'color: blue\nelse: x\n' | base64; printf b | base64 */
    assert_property(&f, task, "ContainerDefinitions[0].Environment",
                    "[{\"Name\":\"PANKA_FILE_0\",\"Value\":\"Y29sb3I6IGJsdWUKZWxzZTogeAo=\"},{"
                    "\"Name\":\"PANKA_FILE_1\",\"Value\":\"Yg==\"}]");
    assert_property(&f, task, "ContainerDefinitions[1].DependsOn",
                    "[{\"Condition\":\"SUCCESS\",\"ContainerName\":\"panka-config\"}]");
    assert_property(&f, task, "ContainerDefinitions[1].MountPoints",
                    "[{\"ContainerPath\":\"/etc/app\",\"ReadOnly\":true,\"SourceVolume\":\"panka-"
                    "configs\"}]");
    assert_property(&f, task, "Volumes", "[{\"Name\":\"panka-configs\"}]");
    const char *command = fx_json(&f, task, "ContainerDefinitions[0].Command[0]");
    assert_non_null(strstr(command, "mkdir -p '/etc/app/sub'"));
    assert_non_null(strstr(command, "> '/etc/app/sub/b.txt'"));
    fx_end(&f);
}

/* The nearest wins: the container's environment, then the service, then the stack. */
static void config_files_see_the_variables_of_their_service(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  environment: {COLOR: brown}\n"
                  "  configs: {mountPath: /etc/app, files: [a]}\n");
    fx_write(&f, "services/web/service.yaml",
             "apiVersion: core.panka.io/v1\nkind: Service\nmetadata: {name: web}\n"
             "spec: {variables: {COLOR: grey, PORT: \"8080\", WHO: \"${PANKA_SERVICE}\"}}\n");
    fx_write(&f, "services/web/config/a", "${WHO} ${COLOR} ${PORT} ${ENVIRONMENT}");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    /* printf 'web brown 8080 test' | base64 */
    assert_property(&f, "web:task-definition", "ContainerDefinitions[0].Environment",
                    "[{\"Name\":\"PANKA_FILE_0\",\"Value\":\"d2ViIGJyb3duIDgwODAgdGVzdA==\"}]");
    fx_end(&f);
}

static void volumes(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  volumes:\n"
                  "    - {name: tmp, type: emptyDir, mountPath: /tmp}\n"
                  "    - {name: data, type: efs, source: fs-0123, mountPath: /data,\n"
                  "       accessPoint: fsap-01, readOnly: true}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "web:task-definition", "Volumes",
                    "[{\"Name\":\"tmp\"},{\"EFSVolumeConfiguration\":{\"AuthorizationConfig\":{"
                    "\"AccessPointId\":\"fsap-01\",\"IAM\":\"ENABLED\"},\"FilesystemId\":\"fs-"
                    "0123\",\"TransitEncryption\":\"ENABLED\"},\"Name\":\"data\"}]");
    assert_property(&f, "web:task-definition", "ContainerDefinitions[0].MountPoints[1]",
                    "{\"ContainerPath\":\"/data\",\"ReadOnly\":true,\"SourceVolume\":\"data\"}");
    fx_end(&f);
}

static void container_health_checks(void **state) {
    (void)state;
    static const struct {
        const char *spec, *command;
    } cases[] = {
        {"{command: [pg_isready, -q]}", "[\"CMD\",\"pg_isready\",\"-q\"]"},
        {"{command: \"curl -f localhost\"}", "[\"CMD-SHELL\",\"curl -f localhost\"]"},
        {"{liveness: {exec: {command: [/check]}}}", "[\"CMD\",\"/check\"]"},
        {"{path: /up, port: 81, container: true}",
         "[\"CMD-SHELL\",\"wget -q -O /dev/null 'http://127.0.0.1:81/up' || curl -fsS -o "
         "/dev/null 'http://127.0.0.1:81/up' || exit 1\"]"},
        {"{port: 81, container: true}", "[\"CMD-SHELL\",\"nc -z 127.0.0.1 81 || exit 1\"]"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        struct fixture f;
        fx_begin(&f);
        PK_CLEANUP(pk_freep)
        char *spec = pk_asprintf(IMAGE "  ports: [{name: http, port: 80}]\n  healthCheck: %s\n",
                                 cases[i].spec);
        fx_component(&f, "MicroService", "web", spec);
        fx_expand(&f);
        fx_assert_clean(&f, "");
        assert_property(&f, "web:task-definition", "ContainerDefinitions[0].HealthCheck.Command",
                        cases[i].command);
        assert_property(&f, "web:task-definition", "ContainerDefinitions[0].HealthCheck.Interval",
                        "30");
        fx_end(&f);
    }
}

static void health_check_can_be_off(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  healthCheck: {enabled: false, command: [x], path: /up}\n");
    fx_expand(&f);
    assert_int_equal(pk_diags_len(f.diags), 0);
    assert_no_property(&f, "web:task-definition", "ContainerDefinitions[0].HealthCheck");
    fx_end(&f);
}

static void discovery_and_service_connect(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]\n"
                  "  serviceDiscovery: {enabled: true, ttl: 1m}\n"
                  "  serviceConnect: true\n");
    fx_component(&f, "MicroService", "other",
                 IMAGE "  ports: [{name: http, port: 81}]\n"
                       "  serviceDiscovery: {enabled: true, namespace: corp.example, name: o}\n"
                       "  environment: {WEB: \"${web.url}\"}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "_stack:namespace", "Name", "\"shop.test.local\"");
    assert_property(&f, "_stack:namespace", "Vpc", "\"vpc-1\"");
    assert_property(&f, "_stack:namespace-corp.example", "Name", "\"corp.example\"");
    assert_property(&f, "web:discovery", "Name", "\"web\"");
    assert_property(&f, "web:discovery", "NamespaceId",
                    "{\"$ref\":\"_stack:namespace\",\"attr\":\"Id\"}");
    assert_property(&f, "web:discovery", "DnsConfig",
                    "{\"DnsRecords\":[{\"TTL\":60,\"Type\":\"A\"}],\"RoutingPolicy\":"
                    "\"MULTIVALUE\"}");
    assert_property(&f, "web", "ServiceRegistries",
                    "[{\"RegistryArn\":{\"$ref\":\"web:discovery\",\"attr\":\"Arn\"}}]");
    assert_property(&f, "web", "ServiceConnectConfiguration",
                    "{\"Enabled\":true,\"Namespace\":{\"$ref\":\"_stack:namespace\",\"attr\":"
                    "\"Arn\"},\"Services\":[{\"ClientAliases\":[{\"DnsName\":\"web\",\"Port\":80}],"
                    "\"DiscoveryName\":\"web-http\",\"PortName\":\"http\"}]}");
    /* the URL is known beforehand: the order is a wish only */
    assert_property(&f, "other:task-definition", "ContainerDefinitions[0].Environment",
                    "[{\"Name\":\"WEB\",\"Value\":\"http://web.shop.test.local:80\"}]");
    assert_int_equal(fx_edge(&f, "other:task-definition", "web")->strength, PK_EDGE_SOFT);
    assert_string_equal(pk_json_str(f.graph->outputs, "other", "-"), "-");
    assert_string_equal(json_string_value(json_object_get(f.graph->outputs, "other.dnsName")),
                        "o.corp.example");
    fx_end(&f);
}

static void outputs_of_a_plain_service(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE);
    fx_expand(&f);
    const json_t *outputs = f.graph->outputs;
    assert_string_equal(json_string_value(json_object_get(outputs, "web.serviceArn")),
                        "arn:aws:ecs:eu-west-1:123456789012:service/shop-test-cluster/"
                        "shop-test-web");
    assert_string_equal(json_string_value(json_object_get(outputs, "web.image")), "nginx:1.27");
    assert_string_equal(json_string_value(json_object_get(outputs, "web.logGroup")),
                        "/panka/shop/test/web/web");
    assert_string_equal(json_string_value(json_object_get(outputs, "web.taskRoleArn")),
                        "arn:aws:iam::123456789012:role/shop-test-web-task");
    assert_null(json_object_get(outputs, "web.endpoint"));
    assert_null(json_object_get(outputs, "web.port"));
    fx_end(&f);
}

static void redeploy_and_protection(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  deletionProtection: true\n  retainOnDelete: true\n");
    f.redeploy = "web/web";
    fx_expand(&f);
    assert_true(fx_node(&f, "web")->force_update);
    assert_false(fx_node(&f, "web:task-definition")->force_update);
    assert_true(fx_node(&f, "web")->protect);
    assert_false(fx_node(&f, "web:task-role")->protect);
    assert_true(fx_node(&f, "web:log-group")->retain_on_delete);
    fx_end(&f);
}

static void family_outlives_revisions(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE);
    unsigned next = 4;
    f.generations = pk_map_new();
    pk_map_set(f.generations, "web:task-definition", &next);
    pk_map_set(f.generations, "web:task-role", &next);
    fx_expand(&f);
    assert_property(&f, "web:task-definition", "Family", "\"shop-test-web\"");
    assert_int_equal(fx_node(&f, "web:task-definition")->generation, 4);
    assert_property(&f, "web:task-role", "RoleName", "\"shop-test-web-task-r4\"");
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_service),
        cmocka_unit_test(runtime_settings),
        cmocka_unit_test(existing_cluster_on_ec2),
        cmocka_unit_test(environment_of_files_values_and_secrets),
        cmocka_unit_test(env_files_can_be_turned_off),
        cmocka_unit_test(execution_role_reads_exactly_the_secrets),
        cmocka_unit_test(registry_credentials),
        cmocka_unit_test(config_files_are_written_by_a_first_container),
        cmocka_unit_test(config_files_see_the_variables_of_their_service),
        cmocka_unit_test(volumes),
        cmocka_unit_test(container_health_checks),
        cmocka_unit_test(health_check_can_be_off),
        cmocka_unit_test(discovery_and_service_connect),
        cmocka_unit_test(outputs_of_a_plain_service),
        cmocka_unit_test(redeploy_and_protection),
        cmocka_unit_test(family_outlives_revisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
