#include "aws/model.h"

#include <string.h>

const struct pk_aws_service *pk_aws_service_find(const char *name) {
    size_t low = 0, high = pk_aws_n_services;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(name, pk_aws_services[mid]->name);
        if (order == 0)
            return pk_aws_services[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const struct pk_aws_operation *pk_aws_operation_find(const struct pk_aws_service *service,
                                                     const char *name) {
    size_t low = 0, high = service->n_operations;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct pk_aws_operation *operation = &service->operations[mid];
        int order = strcmp(name, pk_aws_text(service, operation->name));
        if (order == 0)
            return operation;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const struct pk_aws_member *pk_aws_member_find(const struct pk_aws_service *service,
                                               const struct pk_aws_shape *shape, const char *name) {
    for (size_t i = 0; i < shape->count; i++) {
        const struct pk_aws_member *member = pk_aws_member_at(service, shape, i);
        if (strcmp(pk_aws_text(service, member->name), name) == 0)
            return member;
    }
    return NULL;
}

static const char *next_text(const char *text) {
    return text + strlen(text) + 1;
}

const char *pk_aws_query_name(const struct pk_aws_service *service,
                              const struct pk_aws_member *member) {
    if (!(member->flags & PK_AWS_HAS_QUERY))
        return NULL;
    return next_text(pk_aws_text(service, member->wire));
}

const char *pk_aws_xmlns(const struct pk_aws_service *service, const struct pk_aws_member *member) {
    if (!(member->flags & PK_AWS_HAS_XMLNS))
        return NULL;
    const char *text = next_text(pk_aws_text(service, member->wire));
    return member->flags & PK_AWS_HAS_QUERY ? next_text(text) : text;
}
