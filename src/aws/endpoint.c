/* endpoint.c - where a service answers. */
#include "aws/endpoint.h"
#include "aws/aws.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void pk_aws_endpoint_release(struct pk_aws_endpoint *endpoint) {
    free(endpoint->url);
    free(endpoint->signing_region);
    free(endpoint->signing_name);
    *endpoint = (struct pk_aws_endpoint){0};
}

static bool has_region(const struct pk_aws_partition *partition, const char *region) {
    struct pk_str rest = pk_str(partition->regions), name;
    while (rest.len > 0 && pk_str_cut(&rest, ' ', &name)) {
        if (pk_str_eqz(name, region))
            return true;
    }
    return false;
}

/* The length of the longest region prefix that fits; the names end in "-<digits>". */
static size_t prefix_fit(const struct pk_aws_partition *partition, const char *region) {
    struct pk_str rest = pk_str(partition->prefixes), prefix;
    size_t best = 0, len = strlen(region);
    if (len == 0 || !isdigit((unsigned char)region[len - 1]))
        return 0;
    while (rest.len > 0 && pk_str_cut(&rest, ' ', &prefix)) {
        if (prefix.len > best && strncmp(region, prefix.ptr, prefix.len) == 0)
            best = prefix.len;
    }
    return best;
}

const struct pk_aws_partition *pk_aws_partition_of(const char *region) {
    const struct pk_aws_partition *best = &pk_aws_partitions[0];
    size_t best_fit = 0;
    for (size_t i = 0; i < pk_aws_n_partitions; i++) {
        const struct pk_aws_partition *partition = &pk_aws_partitions[i];
        if (has_region(partition, region))
            return partition;
        size_t fit = prefix_fit(partition, region);
        if (fit > best_fit) {
            best_fit = fit;
            best = partition;
        }
    }
    return best;
}

const char *pk_aws_partition(const char *region) {
    return pk_aws_partition_of(region)->id;
}

const char *pk_aws_dns_suffix(const char *region) {
    return pk_aws_partition_of(region)->dns_suffix;
}

static const struct pk_aws_endpoint_row *find_row(const struct pk_aws_service *service,
                                                  const struct pk_aws_partition *partition,
                                                  const char *region, unsigned variant) {
    const struct pk_aws_endpoint_row *any = NULL, *general = NULL;
    size_t index = (size_t)(partition - pk_aws_partitions);
    for (size_t i = 0; i < service->n_endpoints; i++) {
        const struct pk_aws_endpoint_row *row = &service->endpoints[i];
        if (row->variant != variant)
            continue;
        if (row->region != 0 && pk_streq(pk_aws_text(service, row->region), region))
            return row;
        if (row->region == 0 && row->partition == index)
            general = row;
        else if (row->partition == PK_AWS_ANY_PARTITION)
            any = row;
    }
    return general ? general : any;
}

static char *fill(const char *url, const struct pk_aws_partition *partition, const char *region) {
    struct pk_buf buf;
    pk_buf_init(&buf, 1024);
    while (*url != '\0') {
        static const char *const names[] = {"{region}", "{dns}", "{dual}"};
        const char *values[] = {region, partition->dns_suffix, partition->dual_stack_suffix};
        size_t i = 0;
        while (i < PK_ARRAY_LEN(names) && !pk_starts_with(url, names[i]))
            i++;
        if (i < PK_ARRAY_LEN(names)) {
            pk_buf_addz(&buf, values[i]);
            url += strlen(names[i]);
        } else {
            pk_buf_addc(&buf, *url++);
        }
    }
    return pk_buf_steal(&buf);
}

/* Services such as IAM have one endpoint for all regions: they work without one. */
static const char *region_or_global(const struct pk_aws_service *service, const char *region) {
    static const char global[] = "aws-global";
    const struct pk_aws_endpoint_row *row =
        region[0] == '\0' ? find_row(service, &pk_aws_partitions[0], global, 0) : NULL;
    return row != NULL && (row->region != 0 || row->signing_region != 0) ? global : region;
}

/* A region becomes part of a host name. */
static bool is_host_label(const char *region) {
    size_t len = strlen(region);
    if (len == 0 || len > 63 || !isalnum((unsigned char)region[0]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)region[i]) && region[i] != '-')
            return false;
    }
    return true;
}

static bool check_region(const struct pk_aws_service *service, const char *region,
                         struct pk_error **err) {
    if (is_host_label(region))
        return true;
    if (region[0] != '\0')
        return pk_fail(err, PK_E_CONFIG, "\"%s\" is not the name of an AWS region", region);
    pk_fail(err, PK_E_CONFIG, "no AWS region is set (needed for %s)", service->name);
    return pk_error_hint(err,
                         "set AWS_REGION, pass --region, or put `region` into your AWS profile");
}

bool pk_aws_endpoint_resolve(const struct pk_aws_service *service, const char *region,
                             unsigned variant, const char *custom, struct pk_aws_endpoint *ret,
                             struct pk_error **err) {
    region = region_or_global(service, region);
    if (!check_region(service, region, err))
        return false;
    const struct pk_aws_partition *partition = pk_aws_partition_of(region);
    const struct pk_aws_endpoint_row *row = find_row(service, partition, region, variant);
    const char *url = row ? pk_aws_text(service, row->url) : "";
    const char *signing_region = row ? pk_aws_text(service, row->signing_region) : "";
    const char *signing_name = row ? pk_aws_text(service, row->signing_name) : "";
    if (custom == NULL && url[0] == '\0')
        return pk_fail(err, PK_E_CONFIG, "%s has no%s%s endpoint in region %s", service->name,
                       variant & PK_AWS_FIPS ? " FIPS" : "",
                       variant & PK_AWS_DUAL_STACK ? " dual-stack" : "", region);
    if (signing_name[0] == '\0')
        signing_name = pk_aws_text(service, service->signing_name);
    size_t custom_len = custom ? strlen(custom) : 0;
    while (custom_len > 0 && custom[custom_len - 1] == '/')
        custom_len--;
    ret->url = custom ? pk_strndup(custom, custom_len) : fill(url, partition, region);
    ret->signing_region = pk_strdup(signing_region[0] ? signing_region : region);
    ret->signing_name = pk_strdup(signing_name);
    return true;
}
