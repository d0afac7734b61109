"""moto's server application, faster, and with ECS services that reach their desired count."""
import functools
import os

os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")  # AWS-managed policies can be attached

from moto import backends  # noqa: E402
from moto.core import responses, utils  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402


def cache_lookups():
    """moto lists its package folder and converts method names letter by letter on every request."""
    modules = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    cached = functools.lru_cache(maxsize=4096)(utils.camelcase_to_underscores)
    utils.camelcase_to_underscores = cached
    responses.camelcase_to_underscores = cached


def settle_ecs():
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


def make():
    cache_lookups()
    settle_ecs()
    app = DomainDispatcherApplication(create_backend_app)
    app.debug = True  # a mistake inside moto is an answer of status 500 with the traceback
    return app
