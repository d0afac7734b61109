/* ms_check.c - rules between the fields of a MicroService that AWS would refuse later. */
#include "component/fargate.h"
#include "component/health.h"
#include "component/internal.h"
#include "component/lb.h"
#include "component/ms.h"

#include "base/str.h"

#include <string.h>

#define EC2_MIN_CPU 128
#define EC2_MAX_CPU 196608

bool pk_ms_on_fargate(const struct pk_component *c) {
    return !pk_streq(pk_spec_str(c, "runtime.platform"), "ec2");
}

bool pk_ms_is_awsvpc(const struct pk_component *c) {
    const char *mode = pk_spec_str(c, "runtime.networkMode");
    return !mode || strcmp(mode, "awsvpc") == 0;
}

static struct pk_diag *refuse(struct pk_expansion *x, const struct pk_component *c, const char *id,
                              const char *path, const char *message) {
    return pk_x_finding(x, c, PK_SEVERITY_ERROR, id, path, "%s", message);
}

/* --- image ------------------------------------------------------------------------------------ */

static void check_image(struct pk_expansion *x, const struct pk_component *c) {
    const char *repository = pk_spec_str(c, "image.repository");
    const json_t *tag = pk_spec_get(c, "image.tag");
    bool pinned = pk_spec_get(c, "image.digest") != NULL;
    const char *last = repository ? strrchr(repository, '/') : NULL;
    struct pk_diag *d;
    if (repository && (strchr(last ? last : repository, ':') || strchr(repository, '@'))) {
        d = refuse(x, c, "ms.image-tag", "image.repository",
                   "the repository holds a tag or a digest");
        pk_diag_help(x->diags, d, "move it to `image.tag` or `image.digest`");
    }
    if (repository && !tag && !pinned && !pk_spec_written(c, "image.tag") &&
        !pk_spec_written(c, "image.digest")) {
        d = refuse(x, c, "ms.image-tag", "image", "the image has neither tag nor digest");
        pk_diag_help(x->diags, d, "set `image.tag` or `image.digest`");
    }
    if (!pinned && pk_streq(json_string_value(tag), "latest")) {
        d = pk_x_finding(x, c, PK_SEVERITY_WARNING, "ms.tag-latest", "image.tag",
                         "the tag `latest` moves");
        pk_diag_help(x->diags, d,
                     "an unchanged tag is no change: deploy with a version as tag, or with "
                     "--redeploy %s",
                     c->name);
    }
    if (pk_streq(pk_spec_str(c, "image.pullPolicy"), "Never")) {
        d = refuse(x, c, "ms.pull-policy", "image.pullPolicy", "ECS pulls the image itself");
        pk_diag_help(x->diags, d, "use Always");
    }
}

/* --- sizes ------------------------------------------------------------------------------------ */

static void check_fargate_size(struct pk_expansion *x, const struct pk_component *c) {
    int64_t cpu = pk_spec_int(c, "runtime.cpu", 256),
            memory = pk_spec_int(c, "runtime.memory", 512);
    int64_t fit_cpu, fit_memory;
    if (pk_fargate_fits(cpu, memory))
        return;
    const char *choices = pk_fargate_memory_of(x->arena, cpu);
    struct pk_diag *d = pk_x_finding(
        x, c, PK_SEVERITY_ERROR, "ms.fargate-size",
        choices && pk_spec_written(c, "runtime.memory") ? "runtime.memory" : "runtime.cpu",
        "Fargate has no task with %lld CPU units and %lld MiB", (long long)cpu, (long long)memory);
    if (choices)
        pk_diag_detail(x->diags, d, "memory for %lld CPU units: %s MiB", (long long)cpu, choices);
    else
        pk_diag_detail(x->diags, d, "CPU units: %s", pk_fargate_cpus(x->arena));
    if (pk_fargate_smallest(cpu, memory, &fit_cpu, &fit_memory))
        pk_diag_help(x->diags, d, "the smallest task that has both: cpu %lld, memory %lld",
                     (long long)fit_cpu, (long long)fit_memory);
    else
        pk_diag_help(x->diags, d, "the largest task has 16384 CPU units and 122880 MiB");
}

static void check_ec2_size(struct pk_expansion *x, const struct pk_component *c) {
    int64_t cpu = pk_spec_int(c, "runtime.cpu", 256);
    if (cpu >= EC2_MIN_CPU && cpu <= EC2_MAX_CPU)
        return;
    struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "ms.ec2-size", "runtime.cpu",
                                     "%lld CPU units are out of range", (long long)cpu);
    pk_diag_help(x->diags, d, "give %d to %d", EC2_MIN_CPU, EC2_MAX_CPU);
}

/* --- platform --------------------------------------------------------------------------------- */

static void check_fargate_only(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_diag *d;
    if (!pk_ms_is_awsvpc(c)) {
        d = refuse(x, c, "ms.network-mode", "runtime.networkMode",
                   "Fargate knows the network mode awsvpc only");
        pk_diag_help(x->diags, d, "remove `networkMode`, or use `platform: ec2`");
    }
    if (pk_spec_bool(c, "runtime.requiresGPU")) {
        d = refuse(x, c, "ms.gpu-fargate", "runtime.requiresGPU", "Fargate has no GPUs");
        pk_diag_help(x->diags, d, "use `platform: ec2` and a cluster with GPU instances");
    }
    check_fargate_size(x, c);
}

static void check_ec2_only(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_diag *d;
    if (!pk_spec_get(c, "runtime.cluster")) {
        d = refuse(x, c, "ms.cluster-required", "runtime.platform",
                   "platform ec2 needs a cluster with container instances");
        pk_diag_help(x->diags, d, "set `runtime.cluster` to its name or ARN");
    }
    if (pk_spec_bool(c, "runtime.spot")) {
        d = refuse(x, c, "ms.spot", "runtime.spot", "`spot` is a choice of Fargate only");
        pk_diag_help(x->diags, d, "the instances of the cluster decide: remove it");
    }
    if (pk_spec_get(c, "runtime.ephemeralStorageGB")) {
        d = refuse(x, c, "ms.ephemeral-storage", "runtime.ephemeralStorageGB",
                   "only Fargate tasks have storage of their own");
        pk_diag_help(x->diags, d, "remove it");
    }
    if (pk_spec_bool(c, "networking.assignPublicIp")) {
        d = refuse(x, c, "net.public-ip", "networking.assignPublicIp",
                   "only tasks on Fargate get public addresses");
        pk_diag_help(x->diags, d, "remove it");
    } else if (!pk_ms_is_awsvpc(c) && pk_spec_written(c, "networking")) {
        d = pk_x_finding(x, c, PK_SEVERITY_WARNING, "field.inert", "networking",
                         "`networking` has no effect: tasks use the network of their instance");
        pk_diag_help(x->diags, d, "remove it, or use the network mode awsvpc");
    }
    check_ec2_size(x, c);
}

static void check_platform(struct pk_expansion *x, const struct pk_component *c) {
    const char *platform = pk_spec_str(c, "runtime.platform");
    const char *launch = pk_spec_str(c, "runtime.launchType");
    bool fargate = pk_ms_on_fargate(c);
    struct pk_diag *d;
    if (pk_streq(platform, "lambda") || pk_streq(platform, "eks")) {
        d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "ms.platform", "runtime.platform",
                         "this version runs no MicroService on %s", platform);
        pk_diag_help(x->diags, d, "%s",
                     strcmp(platform, "eks") == 0
                         ? "use fargate or ec2"
                         : "use the kind Lambda with `code.imageUri`, or platform fargate");
        return;
    }
    if (launch && pk_strieq(launch, "FARGATE") != fargate) {
        d = refuse(x, c, "ms.launch-type", "runtime.launchType",
                   "the launch type does not agree with the platform");
        pk_diag_help(x->diags, d, "remove `launchType`");
    }
    if (fargate)
        check_fargate_only(x, c);
    else
        check_ec2_only(x, c);
}

/* --- ports ------------------------------------------------------------------------------------ */

static bool same_port(const json_t *a, const json_t *b) {
    return pk_json_int(a, "port", 0) == pk_json_int(b, "port", -1) &&
           strcmp(pk_json_str(a, "protocol", "tcp"), pk_json_str(b, "protocol", "tcp")) == 0;
}

static void check_ports(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *ports = pk_spec_get(c, "ports");
    for (size_t i = 0; i < json_array_size(ports); i++)
        for (size_t k = 0; k < i; k++) {
            const json_t *a = json_array_get(ports, i), *b = json_array_get(ports, k);
            bool names = strcmp(pk_json_str(a, "name", "?"), pk_json_str(b, "name", "!")) == 0;
            if (!names && !same_port(a, b))
                continue;
            const char *path =
                pk_arena_printf(x->arena, "ports[%zu].%s", i, names ? "name" : "port");
            struct pk_diag *d =
                refuse(x, c, "ms.port-dup", path,
                       names ? "two ports have the same name" : "the port is declared twice");
            pk_diag_related(x->diags, d,
                            pk_spec_span(c, pk_arena_printf(x->arena, "ports[%zu]", k)),
                            "the other one");
            pk_diag_help(x->diags, d, "names are unique, numbers are unique per protocol");
        }
}

/* --- deployment and the rest ------------------------------------------------------------------ */

static void check_deployment(struct pk_expansion *x, const struct pk_component *c) {
    int64_t low = pk_spec_int(c, "deployment.minimumHealthyPercent", 100);
    int64_t high = pk_spec_int(c, "deployment.maximumPercent", 200);
    /* ECS counts whole tasks: one of 150 % rounds down, one of 100 % up */
    int64_t n = pk_ms_desired_count(c);
    if (high > low && (n == 0 || n * high / 100 > (n * low + 99) / 100))
        return;
    struct pk_diag *d = refuse(x, c, "ms.deployment-percent", "deployment.maximumPercent",
                               "tasks cannot be replaced when all must run and none may be added");
    pk_diag_help(x->diags, d,
                 "`maximumPercent` must be above `minimumHealthyPercent`, also in whole tasks");
}

static void check_mesh(struct pk_expansion *x, const struct pk_component *c) {
    if (!pk_spec_bool(c, "serviceMesh.enabled"))
        return;
    struct pk_diag *d =
        refuse(x, c, "infra.mesh", "serviceMesh.enabled", "there is no service mesh on ECS");
    pk_diag_help(x->diags, d, "use `serviceConnect: true`");
}

void pk_ms_check(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *port = pk_ports_primary(c);
    check_image(x, c);
    check_platform(x, c);
    check_ports(x, c);
    check_deployment(x, c);
    check_mesh(x, c);
    pk_health_check(x, c, pk_lb_wanted(c), pk_lb_is_network(c), pk_json_int(port, "port", 0));
    pk_lb_check(x, c);
    pk_ms_scaling_check(x, c);
    pk_ms_discovery_check(x, c);
    pk_ms_volumes_check(x, c);
}
