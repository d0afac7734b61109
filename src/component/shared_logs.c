/* shared_logs.c - log groups. */
#include "component/internal.h"

#include "base/str.h"

#include <string.h>

#define DEFAULT_RETENTION 30

/* CloudWatch Logs takes these numbers of days and no others. */
static const int retentions[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};

/* Days; 0 = kept for ever; -1 after a finding. */
static int64_t retention_of(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *value = pk_spec_get(c, "logging.retentionDays");
    if (!value)
        return DEFAULT_RETENTION;
    if (json_is_string(value)) /* "never" */
        return 0;
    int64_t days = json_integer_value(value);
    for (size_t i = 0; i < PK_ARRAY_LEN(retentions); i++)
        if (days == 0 || days == retentions[i])
            return days;
    struct pk_diag *d =
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "field.enum", "logging.retentionDays",
                     "CloudWatch Logs has no retention of %lld days", (long long)days);
    size_t above = 0;
    while (above < PK_ARRAY_LEN(retentions) - 1 && retentions[above] < days)
        above++;
    pk_diag_help(x->diags, d, "the next one is %d; `never` keeps logs for ever", retentions[above]);
    return -1;
}

struct pk_resource *pk_x_log_group(struct pk_expansion *x, const struct pk_component *c,
                                   const char *sub, const char *name) {
    struct pk_resource *r = pk_x_node(x, c, sub ? sub : "log-group", "AWS::Logs::LogGroup");
    if (name) {
        bool by_user = r->name_explicit;
        pk_x_explicit_name(x, r, name); /* follows from the name of what logs into it */
        r->name_explicit = by_user;
    }
    int64_t days = retention_of(x, c);
    if (days > 0)
        pk_resource_set(x->graph, r, "RetentionInDays", json_integer(days),
                        pk_spec_span(c, "logging.retentionDays"));
    if (pk_x_deletion_protection(x, c))
        r->retain_on_delete = true;
    return r;
}
