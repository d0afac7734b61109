/*
 * model.h - the layout of the operation tables that tools/aws_models.py generates from AWS's
 * service models.
 *
 * Layer 4, inside aws/. Constant data without pointers inside the rows, so that loading the program
 * costs no relocation per row: texts are offsets into the service's string pool, shapes and members
 * are indexes. Traits are resolved when the tables are made: a member's row is the target shape
 * overlaid with the traits of the reference. Change this file and the generator together.
 */
#ifndef PK_AWS_MODEL_H
#define PK_AWS_MODEL_H

#include "base/base.h"

enum pk_aws_type {
    PK_AWS_STRUCTURE,
    PK_AWS_LIST,
    PK_AWS_MAP,
    PK_AWS_STRING,
    PK_AWS_BOOLEAN,
    PK_AWS_INTEGER,
    PK_AWS_FLOAT,
    PK_AWS_BLOB,
    PK_AWS_TIMESTAMP,
    PK_AWS_DOCUMENT, /* any JSON value */
};

/* Structure: `count` members from `first`; list: one member, its item; map: key, then value. */
struct pk_aws_shape {
    uint8_t type;
    uint8_t unused;
    uint16_t count;
    uint16_t first;
    uint16_t payload; /* structure: 1 + place of its payload member among its members; 0 = none */
};

enum pk_aws_location {
    PK_AWS_BODY,
    PK_AWS_HEADER,
    PK_AWS_HEADERS, /* every header with the member's name as prefix */
    PK_AWS_URI,
    PK_AWS_QUERY,
    PK_AWS_STATUS,
};

enum pk_aws_time_format {
    PK_AWS_TIME_DEFAULT,
    PK_AWS_TIME_ISO,
    PK_AWS_TIME_RFC822,
    PK_AWS_TIME_UNIX
};

/* Bits of pk_aws_member.flags: three of location, two of time format, then single ones. */
#define PK_AWS_LOCATION_MASK 0x7U
#define PK_AWS_TIME_SHIFT 3
enum pk_aws_member_flag {
    PK_AWS_FLATTENED = 1 << 5,
    PK_AWS_XML_ATTRIBUTE = 1 << 6,
    PK_AWS_REQUIRED = 1 << 7,
    PK_AWS_TOKEN = 1 << 8, /* idempotencyToken */
    PK_AWS_STREAMING = 1 << 9,
    PK_AWS_JSON_VALUE = 1 << 10,
    PK_AWS_HOST_LABEL = 1 << 11,
    PK_AWS_HAS_NAME = 1 << 12,  /* the model gives a locationName */
    PK_AWS_HAS_QUERY = 1 << 13, /* a queryName follows the wire name in the pool */
    PK_AWS_HAS_XMLNS = 1 << 14, /* after those, an attribute such as xmlns="..." */
    PK_AWS_SENSITIVE = 1 << 15,
};

struct pk_aws_member {
    uint32_t name; /* in JSON */
    uint32_t wire; /* locationName or the name */
    uint16_t shape;
    uint16_t flags;
};

enum pk_aws_method {
    PK_AWS_GET,
    PK_AWS_POST,
    PK_AWS_PUT,
    PK_AWS_DELETE,
    PK_AWS_HEAD,
    PK_AWS_PATCH,
};

enum pk_aws_operation_flag {
    PK_AWS_UNSIGNED = 1 << 0,         /* no signature at all */
    PK_AWS_UNSIGNED_PAYLOAD = 1 << 1, /* the body's digest is not part of the signature */
    PK_AWS_CHECKSUM = 1 << 2,         /* a checksum of the body is required */
};

#define PK_AWS_NONE 0xffffU

struct pk_aws_operation {
    uint32_t name;
    uint32_t uri;
    uint32_t host_prefix;    /* 0 = none */
    uint32_t result_wrapper; /* 0 = none */
    uint32_t paginator;      /* 0 = none; see paginate.c */
    uint16_t input, output;  /* member rows, or PK_AWS_NONE */
    uint8_t method;
    uint8_t flags;
};

enum pk_aws_protocol_id {
    PK_AWS_PROTOCOL_JSON,
    PK_AWS_PROTOCOL_QUERY,
    PK_AWS_PROTOCOL_EC2,
    PK_AWS_PROTOCOL_REST_JSON,
    PK_AWS_PROTOCOL_REST_XML,
};

enum pk_aws_variant { PK_AWS_FIPS = 1, PK_AWS_DUAL_STACK = 2 };

#define PK_AWS_ANY_PARTITION 0xff

/* One answer of a service's endpoint rule set. The most exact row wins: region, then partition,
 * then PK_AWS_ANY_PARTITION. In texts {region}, {dns} and {dual} stand for the region and the
 * partition's domains. An empty url means that the service has no such endpoint. */
struct pk_aws_endpoint_row {
    uint32_t region; /* 0 = every region of the partition */
    uint32_t url;
    uint32_t signing_region; /* 0 = the region */
    uint32_t signing_name;   /* 0 = the service's */
    uint8_t partition;
    uint8_t variant; /* enum pk_aws_variant bits */
};

struct pk_aws_service {
    const char *name;    /* the model's name: "elbv2" */
    const char *strings; /* the pool; offset 0 is the empty text */
    const struct pk_aws_shape *shapes;
    const struct pk_aws_member *members;
    const struct pk_aws_operation *operations; /* sorted by name */
    const struct pk_aws_endpoint_row *endpoints;
    uint16_t n_shapes, n_members, n_operations, n_endpoints;
    uint32_t api_version, target_prefix, json_version, signing_name, service_id;
    uint8_t protocol;
    bool query_compatible; /* a JSON service that still reports the error codes of the query days */
};

struct pk_aws_partition {
    const char *id, *dns_suffix, *dual_stack_suffix, *global_region;
    const char *prefixes; /* starts of its region names, space separated: "us- eu- " */
    const char *regions;  /* those known by name, each followed by a space */
};

extern const struct pk_aws_service *const pk_aws_services[]; /* sorted by name */
extern const size_t pk_aws_n_services;
extern const struct pk_aws_partition pk_aws_partitions[];
extern const size_t pk_aws_n_partitions;

/* NULL when absent. */
const struct pk_aws_service *pk_aws_service_find(const char *name);
const struct pk_aws_operation *pk_aws_operation_find(const struct pk_aws_service *service,
                                                     const char *name);

/* Access to rows. */
static inline const char *pk_aws_text(const struct pk_aws_service *service, uint32_t offset) {
    return service->strings + offset;
}
static inline const struct pk_aws_shape *pk_aws_shape_of(const struct pk_aws_service *service,
                                                         const struct pk_aws_member *member) {
    return &service->shapes[member->shape];
}
static inline const struct pk_aws_member *pk_aws_member_at(const struct pk_aws_service *service,
                                                           const struct pk_aws_shape *shape,
                                                           size_t index) {
    return &service->members[shape->first + index];
}
static inline enum pk_aws_location pk_aws_location_of(const struct pk_aws_member *member) {
    return (enum pk_aws_location)(member->flags & PK_AWS_LOCATION_MASK);
}
/* In an answer only headers and the status are not the body; the other locations mean nothing. */
static inline bool pk_aws_in_answer_body(const struct pk_aws_member *member) {
    enum pk_aws_location location = pk_aws_location_of(member);
    return location == PK_AWS_BODY || location == PK_AWS_URI || location == PK_AWS_QUERY;
}
static inline enum pk_aws_time_format pk_aws_time_format_of(const struct pk_aws_member *member) {
    return (enum pk_aws_time_format)((member->flags >> PK_AWS_TIME_SHIFT) & 3);
}
/* The member called `name`, or NULL. */
const struct pk_aws_member *pk_aws_member_find(const struct pk_aws_service *service,
                                               const struct pk_aws_shape *shape, const char *name);
/* queryName, or NULL. */
const char *pk_aws_query_name(const struct pk_aws_service *service,
                              const struct pk_aws_member *member);
/* The whole attribute, such as xmlns="http://...", or NULL. */
const char *pk_aws_xmlns(const struct pk_aws_service *service, const struct pk_aws_member *member);

#endif
