"""Where moto 5.2 stops short of AWS in what panka needs: each function changes one thing.

Only behaviour that AWS documents; nothing here knows of panka.
"""
import functools
import json
import types
from urllib.parse import unquote

# A few parameters of each engine, with what AWS says about them.
ENGINE_PARAMETERS = {
    "postgres": {"max_connections": "static", "shared_buffers": "static", "wal_buffers": "static",
                 "rds.force_ssl": "dynamic", "work_mem": "dynamic", "maintenance_work_mem": "dynamic",
                 "statement_timeout": "dynamic", "log_min_duration_statement": "dynamic"},
    "mysql": {"max_connections": "dynamic", "innodb_buffer_pool_size": "dynamic", "slow_query_log": "dynamic",
              "performance_schema": "static", "require_secure_transport": "dynamic"},
}


def put_bucket_policy_has_no_body():
    """AWS answers 204; moto 200 with the text True, which is not the XML that S3 speaks."""
    from moto.s3.responses import S3Response

    original = S3Response._bucket_response_put

    def put(self, *args, **kwargs):
        answer = original(self, *args, **kwargs)
        return (204, {}, "") if answer == "True" else answer

    S3Response._bucket_response_put = put


def buckets_get_their_tags_on_creation():
    """CreateBucketConfiguration.Tags."""
    import xmltodict
    from moto.s3.responses import S3Response

    original = S3Response._bucket_response_put

    def put(self, request, bucket_name, querystring):
        answer = original(self, request, bucket_name, querystring)
        failed = isinstance(answer, tuple) and answer[0] >= 300
        if not querystring and self.body and not failed:
            config = xmltodict.parse(self.body, force_list=("Tag",)).get("CreateBucketConfiguration") or {}
            tags = (config.get("Tags") or {}).get("Tag", [])
            if tags:
                self.backend.put_bucket_tagging(bucket_name, {t["Key"]: t["Value"] or "" for t in tags})
        return answer

    S3Response._bucket_response_put = put


def streams_can_be_switched_on_again():
    """moto refuses a stream for a table that ever had one."""
    from moto.dynamodb.exceptions import StreamAlreadyEnabledException
    from moto.dynamodb.models import DynamoDBBackend

    def update(self, table, specification):
        if specification.get("StreamEnabled") and (table.stream_specification or {}).get("StreamEnabled"):
            raise StreamAlreadyEnabledException
        table.set_stream_specification(specification)

    DynamoDBBackend.update_table_streams = update


def modified_subnet_groups_stay():
    """moto takes a modified group out of its list and forgets to put it back."""
    from moto.rds.models import RDSBackend

    original = RDSBackend.modify_db_subnet_group

    def modify(self, subnet_name, description, subnets):
        group = original(self, subnet_name, description, subnets)
        self.subnet_groups[subnet_name] = group
        return group

    RDSBackend.modify_db_subnet_group = modify


def engine_defaults_and_resets():
    """DescribeEngineDefault(Cluster)Parameters and ResetDB(Cluster)ParameterGroup."""
    from moto.core.responses import ActionResult
    from moto.rds.responses import RDSResponse

    def defaults(self):
        family = self.params["DBParameterGroupFamily"]
        known = ENGINE_PARAMETERS["mysql" if "mysql" in family or "maria" in family else "postgres"]
        parameters = [{"ParameterName": n, "ApplyType": t, "IsModifiable": True} for n, t in known.items()]
        return ActionResult({"EngineDefaults": {"DBParameterGroupFamily": family, "Parameters": parameters}})

    def reset(groups, member):
        def handler(self):
            name = self.params[member]
            group = getattr(self.backend, groups)[name]
            if self.params.get("ResetAllParameters"):
                group.parameters.clear()
            for parameter in self.params.get("Parameters", []):
                group.parameters.pop(parameter["ParameterName"], None)
            return ActionResult({member: name})

        return handler

    RDSResponse.describe_engine_default_parameters = defaults
    RDSResponse.describe_engine_default_cluster_parameters = defaults
    RDSResponse.reset_db_parameter_group = reset("db_parameter_groups", "DBParameterGroupName")
    RDSResponse.reset_db_cluster_parameter_group = reset("db_cluster_parameter_groups", "DBClusterParameterGroupName")


def stages_can_be_updated():
    """UpdateStage and DeleteAccessLogSettings of API Gateway v2."""
    from moto.apigatewayv2.responses import ApiGatewayV2Response
    from moto.apigatewayv2.urls import url_paths

    names = {"accessLogSettings": "access_log_settings", "autoDeploy": "auto_deploy", "description": "description",
             "clientCertificateId": "client_certificate_id", "defaultRouteSettings": "default_route_settings",
             "routeSettings": "route_settings", "stageVariables": "stage_variables"}

    def stage_of(self):
        parts = self.path.split("/")
        at = parts.index("stages")
        return self.apigatewayv2_backend.get_stage(parts[at - 1], unquote(parts[at + 1]))

    def update(self):
        stage = stage_of(self)
        for key, value in json.loads(self.body).items():
            setattr(stage, names[key], value)
        return 200, {}, json.dumps(stage.to_json())

    def delete_logs(self):
        stage_of(self).access_log_settings = None
        return 204, {}, ""

    url_paths["{0}/v2/apis/(?P<api_id>[^/]+)/stages/(?P<stage_name>[^/]+)/accesslogsettings$"] = (
        ApiGatewayV2Response.dispatch)
    ApiGatewayV2Response.update_stage = update
    ApiGatewayV2Response.delete_access_log_settings = delete_logs


def ecs_services_run_what_they_desire():
    """MOTO_ECS_SERVICE_RUNNING is one number for all services and only counts on creation; here every
    service runs what it desires, and its deployment shows the current task definition."""

    from moto.ecs.models import EC2ContainerServiceBackend

    def settle(service):
        service.running_count, service.pending_count = service.desired_count, 0
        for deployment in service.deployments[:1]:
            deployment.update(
                desiredCount=service.desired_count, runningCount=service.desired_count, pendingCount=0,
                rolloutState="COMPLETED", rolloutStateReason="ECS deployment completed.",
                taskDefinition=service.task_definition,
            )
        return service

    def settled(method):
        @functools.wraps(method)
        def wrapper(*args, **kwargs):
            return settle(method(*args, **kwargs))

        return wrapper

    backend = EC2ContainerServiceBackend
    backend.create_service = settled(backend.create_service)
    backend.update_service = settled(backend.update_service)


def requests_count_as_tls():
    """moto knows no conditions of bucket policies: it would refuse everything under a policy that denies plain
    http only. Requests to the emulator count as sent over TLS, as if it stood behind a proxy that ends it."""
    from moto.iam.access_control import IAMPolicyStatement, PermissionResult

    decide = IAMPolicyStatement.is_action_permitted

    @functools.wraps(decide)
    def wrapper(self, *args, **kwargs):
        condition = self._statement.get("Condition", {})
        if condition == {"Bool": {"aws:SecureTransport": "false"}}:
            return PermissionResult.NEUTRAL
        return decide(self, *args, **kwargs)

    IAMPolicyStatement.is_action_permitted = wrapper


def queues_keep_their_policies():
    """SetQueueAttributes changes what it names: moto drops the queue's policy with every other attribute, and
    never answers RedriveAllowPolicy."""
    from moto.sqs.models import Queue

    change, read = Queue._set_attributes, Queue.attributes.fget

    @functools.wraps(change)
    def changed(self, attributes, now=None):
        before = getattr(self, "policy", None)
        change(self, attributes, now)
        if attributes.get("Policy") is None and before:
            self.policy = before
        if "RedriveAllowPolicy" in attributes:
            self.redrive_allow_policy_text = attributes["RedriveAllowPolicy"]

    def answered(self):
        result = read(self)
        if getattr(self, "redrive_allow_policy_text", ""):
            result["RedriveAllowPolicy"] = self.redrive_allow_policy_text
        return result

    Queue._set_attributes = changed
    Queue.attributes = property(answered)


def ecs_services_remember_their_settings():
    """moto takes these members of CreateService and UpdateService and forgets them; AWS answers them."""
    from moto.core.utils import camelcase_to_underscores
    from moto.ecs.responses import EC2ContainerServiceResponse as Response

    settings = ("enableECSManagedTags", "deploymentConfiguration", "availabilityZoneRebalancing",
                "enableExecuteCommand", "healthCheckGracePeriodSeconds", "capacityProviderStrategy",
                "serviceConnectConfiguration", "platformVersion", "propagateTags", "networkConfiguration",
                "loadBalancers", "serviceRegistries")

    def remembering(method):
        @functools.wraps(method)
        def wrapper(self):
            result = method(self)
            service = result.result["service"]
            given = self._get_params()
            for name in settings:
                if name in given:
                    setattr(service, camelcase_to_underscores(name), given[name])
            return result

        return wrapper

    Response.create_service = remembering(Response.create_service)
    Response.update_service = remembering(Response.update_service)


def functions_remember_their_logging():
    """moto drops LoggingConfig of functions."""
    from moto.awslambda.models import LambdaFunction

    make, change, read = LambdaFunction.__init__, LambdaFunction.update_configuration, LambdaFunction.get_configuration

    @functools.wraps(make)
    def made(self, account_id, spec, *args, **kwargs):
        self.logging_config = spec.get("LoggingConfig")
        make(self, account_id, spec, *args, **kwargs)

    @functools.wraps(change)
    def changed(self, config_updates):
        if "LoggingConfig" in config_updates:
            self.logging_config = config_updates["LoggingConfig"]
        return change(self, config_updates)

    @functools.wraps(read)
    def answered(self, *args, **kwargs):
        config = read(self, *args, **kwargs)
        config["LoggingConfig"] = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{self.function_name}",
                                   **(self.logging_config or {})}
        return config

    LambdaFunction.__init__, LambdaFunction.update_configuration = made, changed
    LambdaFunction.get_configuration = answered


def topics_show_their_tracing():
    """GetTopicAttributes answers TracingConfig where it was set."""
    from moto.sns.responses import SNSResponse

    read = SNSResponse.get_topic_attributes

    def answered(self):
        answer = read(self)
        tracing = getattr(self.backend.get_topic(self._get_param("TopicArn")), "tracing_config", None)
        if tracing:
            answer.result["Attributes"]["TracingConfig"] = tracing
        return answer

    SNSResponse.get_topic_attributes = answered


def functions_keep_every_setting():
    """moto takes Architectures and EphemeralStorage on creation only, tracing and dead-letter targets never."""
    from moto.awslambda.models import LambdaFunction

    make, change, read = LambdaFunction.__init__, LambdaFunction.update_configuration, LambdaFunction.get_configuration
    code = LambdaFunction.update_function_code

    def take(self, given):
        if "TracingConfig" in given:
            self.tracing_config = given["TracingConfig"]
        if "DeadLetterConfig" in given:
            self.dead_letter_config = given["DeadLetterConfig"]
        if "EphemeralStorage" in given:
            self.ephemeral_storage = given["EphemeralStorage"]["Size"]
        if "Architectures" in given:
            self.architectures = given["Architectures"]

    @functools.wraps(make)
    def made(self, account_id, spec, *args, **kwargs):
        self.dead_letter_config = {}
        make(self, account_id, spec, *args, **kwargs)
        take(self, spec)

    @functools.wraps(change)
    def changed(self, config_updates):
        take(self, config_updates)
        return change(self, config_updates)

    @functools.wraps(code)
    def coded(self, updated_spec):
        take(self, updated_spec)
        return code(self, updated_spec)

    @functools.wraps(read)
    def answered(self, *args, **kwargs):
        config = read(self, *args, **kwargs)
        if self.dead_letter_config.get("TargetArn"):
            config["DeadLetterConfig"] = self.dead_letter_config
        return config

    LambdaFunction.__init__, LambdaFunction.update_configuration = made, changed
    LambdaFunction.update_function_code, LambdaFunction.get_configuration = coded, answered


def databases_show_their_insights():
    """moto drops the settings of Performance Insights."""
    from moto.rds.models import DBInstance

    make = DBInstance.__init__

    @functools.wraps(make)
    def made(self, *args, **kwargs):
        self.enable_performance_insights = kwargs.get("enable_performance_insights", False)
        self.performance_insights_retention_period = kwargs.get("performance_insights_retention_period")
        make(self, *args, **kwargs)

    DBInstance.__init__ = made
    DBInstance.performance_insights_enabled = property(lambda self: bool(self.enable_performance_insights))


def function_urls_stand_in_policies():
    """AddPermission makes conditions of FunctionUrlAuthType and InvokedViaFunctionUrl; moto members of the statement."""
    from moto.awslambda.policy import Policy

    merge = Policy.condition_merge

    @functools.wraps(merge)
    def merged(self, obj):
        merge(self, obj)
        auth, via = obj.pop("FunctionUrlAuthType", None), obj.pop("InvokedViaFunctionUrl", None)
        if auth:
            obj.setdefault("Condition", {}).setdefault("StringEquals", {})["lambda:FunctionUrlAuthType"] = auth
        if via is not None:
            obj.setdefault("Condition", {}).setdefault("Bool", {})["lambda:InvokedViaFunctionUrl"] = str(via).lower()

    Policy.condition_merge = merged


def function_urls_lose_their_cors():
    """An empty Cors in UpdateFunctionUrlConfig takes the settings away; moto ignores it."""
    from moto.awslambda.models import FunctionUrlConfig

    change = FunctionUrlConfig.update

    @functools.wraps(change)
    def changed(self, new_config):
        if "Cors" in new_config:
            self.config["Cors"] = new_config["Cors"]
        change(self, new_config)

    FunctionUrlConfig.update = changed


def tables_keep_every_setting():
    """moto drops OnDemandThroughput and TableClass, and SSESpecification in UpdateTable."""
    from moto.dynamodb.models.table import Table
    from moto.dynamodb.responses import DynamoHandler, DynamoResult

    describe = Table.describe

    def encrypt(table, specification):
        if "KMSMasterKeyId" not in specification:
            key = table._get_default_encryption_key(table.account_id, table.region_name)
            specification = {**specification, "KMSMasterKeyId": key}
        table.sse_specification = specification if specification.get("Enabled") else None

    def keeping(method):
        @functools.wraps(method)
        def wrapper(self):
            method(self)
            table = self.dynamodb_backend.get_table(self.body["TableName"])
            ceilings = {**getattr(table, "ceilings", {}), **self.body.get("OnDemandThroughput", {})}
            table.ceilings = {name: units for name, units in ceilings.items() if units != -1}  # -1: no limit
            table.table_class = self.body.get("TableClass", getattr(table, "table_class", None))
            if method.__name__ == "update_table" and "SSESpecification" in self.body:
                encrypt(table, self.body["SSESpecification"])
            return DynamoResult(table.describe())

        return wrapper

    def described(self, base_key="TableDescription"):
        result = describe(self, base_key)
        if getattr(self, "ceilings", None):
            result[base_key]["OnDemandThroughput"] = self.ceilings
        if getattr(self, "table_class", None):
            result[base_key]["TableClassSummary"] = {"TableClass": self.table_class}
        return result

    Table.describe = described
    DynamoHandler.create_table = keeping(DynamoHandler.create_table)
    DynamoHandler.update_table = keeping(DynamoHandler.update_table)


def logs_are_delivered_beside_other_statements():
    """The policy of a bucket for access logs may hold statements for everybody and lists of actions and resources."""
    from moto.s3.models import FakeBucket

    decide = FakeBucket._log_permissions_enabled_policy

    def one(value):
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    @functools.wraps(decide)
    def wrapper(target_bucket, target_prefix):
        if not target_bucket.policy:
            return False
        document = json.loads(target_bucket.policy)
        plain = types.SimpleNamespace(name=target_bucket.name, partition=target_bucket.partition)
        for statement in document["Statement"]:
            if not isinstance(statement.get("Principal"), dict):
                continue
            principal = {name: one(value) for name, value in statement["Principal"].items()}
            for resource in statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]:
                only = {**statement, "Principal": principal, "Resource": resource}
                plain.policy = json.dumps({"Statement": [only]}).encode()
                if decide(plain, target_prefix):
                    return True
        return False

    FakeBucket._log_permissions_enabled_policy = staticmethod(wrapper)


def tagging_a_table_again_replaces():
    """A tag key is there once; moto lists it as often as it was set, and its pages then never end."""
    from moto.dynamodb.models import DynamoDBBackend

    add = DynamoDBBackend.tag_resource

    @functools.wraps(add)
    def tagged(self, arn, tags):
        self.untag_resource(arn, list(tags))
        return add(self, arn, tags)

    DynamoDBBackend.tag_resource = tagged


FIXES = (put_bucket_policy_has_no_body, buckets_get_their_tags_on_creation, streams_can_be_switched_on_again, modified_subnet_groups_stay,
         engine_defaults_and_resets, stages_can_be_updated, ecs_services_run_what_they_desire, requests_count_as_tls,
         queues_keep_their_policies, topics_show_their_tracing, functions_keep_every_setting, databases_show_their_insights, function_urls_stand_in_policies,
         function_urls_lose_their_cors, tables_keep_every_setting,
         logs_are_delivered_beside_other_statements,
         ecs_services_remember_their_settings, functions_remember_their_logging,
         tagging_a_table_again_replaces)
