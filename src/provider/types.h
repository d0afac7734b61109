/*
 * types.h - every resource type the AWS provider offers; registry.c lists them.
 *
 * Layer 5, inside provider/. Constant data.
 */
#ifndef PK_PROVIDER_TYPES_H
#define PK_PROVIDER_TYPES_H

#include "provider/type.h"

/* One line per type; every name here stands in registry.c too. */
extern const struct pk_type pk_type_ec2_vpc;
extern const struct pk_type pk_type_ec2_subnet;
extern const struct pk_type pk_type_ec2_internet_gateway;
extern const struct pk_type pk_type_ec2_vpc_gateway_attachment;
extern const struct pk_type pk_type_ec2_eip;
extern const struct pk_type pk_type_ec2_nat_gateway;
extern const struct pk_type pk_type_ec2_route_table;
extern const struct pk_type pk_type_ec2_route;
extern const struct pk_type pk_type_ec2_subnet_route_table_association;
extern const struct pk_type pk_type_ec2_security_group;
extern const struct pk_type pk_type_ec2_security_group_ingress;
extern const struct pk_type pk_type_ec2_security_group_egress;
extern const struct pk_type pk_type_ec2_vpc_endpoint;
extern const struct pk_type pk_type_ec2_flow_log;
extern const struct pk_type pk_type_iam_role;
extern const struct pk_type pk_type_logs_log_group;
extern const struct pk_type pk_type_ecs_cluster;
extern const struct pk_type pk_type_ecs_task_definition;
extern const struct pk_type pk_type_ecs_service;
extern const struct pk_type pk_type_app_scaling_target;
extern const struct pk_type pk_type_app_scaling_policy;
extern const struct pk_type pk_type_cloudwatch_alarm;
extern const struct pk_type pk_type_discovery_private_namespace;
extern const struct pk_type pk_type_discovery_service;
extern const struct pk_type pk_type_elb_load_balancer;
extern const struct pk_type pk_type_elb_target_group;
extern const struct pk_type pk_type_elb_listener;
extern const struct pk_type pk_type_elb_listener_certificate;
extern const struct pk_type pk_type_elb_listener_rule;
extern const struct pk_type pk_type_sqs_queue;
extern const struct pk_type pk_type_sqs_queue_policy;
extern const struct pk_type pk_type_sns_topic;
extern const struct pk_type pk_type_sns_topic_policy;
extern const struct pk_type pk_type_sns_subscription;
extern const struct pk_type pk_type_dynamodb_table;
extern const struct pk_type pk_type_s3_bucket;
extern const struct pk_type pk_type_s3_bucket_policy;
extern const struct pk_type pk_type_s3_notification;
extern const struct pk_type pk_type_lambda_function;
extern const struct pk_type pk_type_lambda_permission;
extern const struct pk_type pk_type_lambda_url;
extern const struct pk_type pk_type_lambda_event_source_mapping;
extern const struct pk_type pk_type_events_rule;
extern const struct pk_type pk_type_apigatewayv2_api;
extern const struct pk_type pk_type_apigatewayv2_stage;
extern const struct pk_type pk_type_apigatewayv2_integration;
extern const struct pk_type pk_type_apigatewayv2_route;
extern const struct pk_type pk_type_rds_db_instance;
extern const struct pk_type pk_type_rds_db_cluster;
extern const struct pk_type pk_type_rds_db_subnet_group;
extern const struct pk_type pk_type_rds_db_parameter_group;
extern const struct pk_type pk_type_rds_db_cluster_parameter_group;
extern const struct pk_type pk_type_secretsmanager_secret;

extern const struct pk_type *const pk_types[];
extern const size_t pk_n_types;
const struct pk_type *pk_type_find(const char *type); /* NULL: not offered */

#endif
