"""python -m emulator.ministack: MiniStack, the second emulator, on the loopback address only, with what AWS documents
and it leaves out. The port comes from GATEWAY_PORT. Nothing here knows of panka; README.md lists the differences."""
import functools
import os

os.environ.setdefault("BIND_HOST", "127.0.0.1")

from ministack import app  # noqa: E402
from ministack.services import ecs, rds, sns  # noqa: E402


def replace(module, name, function):
    """Also where the module keeps the function in a table of operations."""
    old = getattr(module, name)
    setattr(module, name, function)
    for table in [value for value in vars(module).values() if isinstance(value, dict)]:
        for key in [key for key, value in table.items() if value is old]:
            table[key] = function


def topics_take_their_tags():
    """CreateTopic is sent with Tags.member.N; MiniStack looks for Tag.member.N."""
    create = sns._create_topic

    @functools.wraps(create)
    def wrapper(params):
        return create({**params, **{k.replace("Tags.", "Tag.", 1): v for k, v in params.items() if k.startswith("Tags.member.")}})

    replace(sns, "_create_topic", wrapper)


def listed(params, prefix):
    found, i = [], 1
    while f"{prefix}.{i}" in params:
        found.append(rds._p(params, f"{prefix}.{i}"))
        i += 1
    return found


def databases_export_their_logs():
    """EnableCloudwatchLogsExports and CloudwatchLogsExportConfiguration are forgotten, and never answered; a change of
    the deletion protection waits for the maintenance window, as on AWS it does not."""
    exports = {}
    create, change, show = rds._create_db_instance, rds._modify_db_instance, rds._instance_xml

    @functools.wraps(create)
    def created(p):
        exports[rds._p(p, "DBInstanceIdentifier")] = listed(p, "EnableCloudwatchLogsExports.member")
        return create(p)

    @functools.wraps(change)
    def changed(p):
        name, prefix = rds._p(p, "DBInstanceIdentifier"), "CloudwatchLogsExportConfiguration"
        off = listed(p, f"{prefix}.DisableLogTypes.member")
        on = listed(p, f"{prefix}.EnableLogTypes.member")
        exports[name] = sorted({*exports.get(name, []), *on} - {*off})
        answer = change(p)
        # Not one of the settings that wait for the maintenance window.
        if "DeletionProtection" in p and name in rds._instances:
            rds._instances[name]["DeletionProtection"] = rds._p(p, "DeletionProtection") == "true"
        return answer

    @functools.wraps(show)
    def shown(instance):
        types = "".join(f"<member>{t}</member>" for t in exports.get(instance["DBInstanceIdentifier"], []))
        element = "EnabledCloudwatchLogsExports"
        return show(instance).replace(f"<{element}/>", f"<{element}>{types}</{element}>")

    replace(rds, "_create_db_instance", created)
    replace(rds, "_modify_db_instance", changed)
    replace(rds, "_instance_xml", shown)


def services_remember_zone_rebalancing():
    create, change = ecs._create_service, ecs._update_service

    def remember(data):
        name = data.get("serviceName") or data.get("service", "").rsplit("/", 1)[-1]
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        service = ecs._services.get(f"{cluster}/{name}")
        if service and "availabilityZoneRebalancing" in data:
            service["availabilityZoneRebalancing"] = data["availabilityZoneRebalancing"]

    def remembering(method):
        @functools.wraps(method)
        def wrapper(data):
            answer = method(data)
            remember(data)
            return answer

        return wrapper

    replace(ecs, "_create_service", remembering(create))
    replace(ecs, "_update_service", remembering(change))


if __name__ == "__main__":
    for fix in (topics_take_their_tags, databases_export_their_logs, services_remember_zone_rebalancing):
        fix()
    app.main()
