/* registry.c - the list of resource types. */
#include "base/str.h"
#include "provider/types.h"

// clang-format off
const struct pk_type *const pk_types[] = {
    /* One line per type; append only. */
    &pk_type_ec2_vpc,
    &pk_type_ec2_subnet,
    &pk_type_ec2_internet_gateway,
    &pk_type_ec2_vpc_gateway_attachment,
    &pk_type_ec2_eip,
    &pk_type_ec2_nat_gateway,
    &pk_type_ec2_route_table,
    &pk_type_ec2_route,
    &pk_type_ec2_subnet_route_table_association,
    &pk_type_ec2_security_group,
    &pk_type_ec2_security_group_ingress,
    &pk_type_ec2_security_group_egress,
    &pk_type_ec2_vpc_endpoint,
    &pk_type_ec2_flow_log,
    &pk_type_iam_role,
    &pk_type_logs_log_group,
    &pk_type_ecs_cluster,
    &pk_type_ecs_task_definition,
    &pk_type_ecs_service,
    &pk_type_app_scaling_target,
    &pk_type_app_scaling_policy,
    &pk_type_cloudwatch_alarm,
    &pk_type_discovery_private_namespace,
    &pk_type_discovery_service,
    &pk_type_elb_load_balancer,
    &pk_type_elb_target_group,
    &pk_type_elb_listener,
    &pk_type_elb_listener_certificate,
    &pk_type_elb_listener_rule,
    &pk_type_sqs_queue,
    &pk_type_sqs_queue_policy,
    &pk_type_sns_topic,
    &pk_type_sns_topic_policy,
    &pk_type_sns_subscription,
    &pk_type_dynamodb_table,
    &pk_type_s3_bucket,
    &pk_type_s3_bucket_policy,
    &pk_type_s3_notification,
    &pk_type_lambda_function,
    &pk_type_lambda_permission,
    &pk_type_lambda_url,
    &pk_type_lambda_event_source_mapping,
    &pk_type_events_rule,
    &pk_type_apigatewayv2_api,
    &pk_type_apigatewayv2_stage,
    &pk_type_apigatewayv2_integration,
    &pk_type_apigatewayv2_route,
    &pk_type_rds_db_instance,
    &pk_type_rds_db_cluster,
    &pk_type_rds_db_subnet_group,
    &pk_type_rds_db_parameter_group,
    &pk_type_rds_db_cluster_parameter_group,
    &pk_type_secretsmanager_secret,
    NULL, /* keeps the list from being empty; stays last */
};
// clang-format on
const size_t pk_n_types = PK_ARRAY_LEN(pk_types) - 1;

const struct pk_type *pk_type_find(const char *type) {
    for (size_t i = 0; i < pk_n_types; i++)
        if (pk_streq(pk_types[i]->type, type))
            return pk_types[i];
    return NULL;
}
