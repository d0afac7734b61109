/*
 * xml.h - XML into a tree, without namespaces.
 *
 * Layer 4, inside aws/. Built on expat. A DOCTYPE is refused (so there are no entities but the five
 * of XML), depth is bounded, prefixes are cut from element names.
 */
#ifndef PK_AWS_XML_H
#define PK_AWS_XML_H

#include "base/error.h"
#include "base/mem.h"

#define PK_XML_MAX_DEPTH 64

struct pk_xml_attribute {
    const char *name; /* as written, with prefix */
    const char *value;
    struct pk_xml_attribute *next;
};

struct pk_xml {
    const char *name;
    const char *text; /* all character data directly inside, never NULL */
    struct pk_xml_attribute *attributes;
    struct pk_xml *first, *last, *next, *parent;
};

/* The tree lives in the arena. A malformed document is a BAD_RESPONSE error. */
PK_NODISCARD bool pk_xml_parse(struct pk_arena *arena, const char *data, size_t len,
                               const struct pk_xml **ret, struct pk_error **err);
/* The first child of that name, or NULL; node may be NULL. */
const struct pk_xml *pk_xml_child(const struct pk_xml *node, const char *name);
/* The next sibling of the same name, or NULL. */
const struct pk_xml *pk_xml_again(const struct pk_xml *node);

#endif
