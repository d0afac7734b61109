/* xml.c - XML into a tree, with expat. */
#include "aws/xml.h"

#include "base/str.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

struct builder {
    struct pk_arena *arena;
    XML_Parser parser;
    struct pk_xml *root, *open;
    struct pk_buf text; /* of the open elements, one after the other */
    size_t text_start[PK_XML_MAX_DEPTH];
    int depth;
    const char *refused; /* why the parser was stopped */
};

static void stop(struct builder *builder, const char *why) {
    builder->refused = why;
    XML_StopParser(builder->parser, XML_FALSE);
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes) {
    struct builder *builder = ctx;
    if (builder->depth == PK_XML_MAX_DEPTH) {
        stop(builder, "too deeply nested");
        return;
    }
    const char *colon = strrchr(name, ':');
    struct pk_xml *node = pk_arena_alloc(builder->arena, sizeof(*node));
    node->name = pk_arena_strdup(builder->arena, colon ? colon + 1 : name);
    node->text = "";
    node->parent = builder->open;
    for (; attributes[0] != NULL; attributes += 2) {
        struct pk_xml_attribute *attribute = pk_arena_alloc(builder->arena, sizeof(*attribute));
        attribute->name = pk_arena_strdup(builder->arena, attributes[0]);
        attribute->value = pk_arena_strdup(builder->arena, attributes[1]);
        attribute->next = node->attributes;
        node->attributes = attribute;
    }
    if (builder->open == NULL)
        builder->root = node;
    else if (builder->open->last == NULL)
        builder->open->first = builder->open->last = node;
    else
        builder->open->last = builder->open->last->next = node;
    builder->open = node;
    builder->text_start[builder->depth++] = builder->text.len;
}

/* The text of an ended child is cut off again, so what is left is the parent's own. */
static void on_end(void *ctx, const XML_Char *name PK_UNUSED) {
    struct builder *builder = ctx;
    size_t start = builder->text_start[--builder->depth];
    size_t len = builder->text.len - start;
    if (len > 0 && !builder->text.overflow)
        builder->open->text = pk_arena_strndup(builder->arena, builder->text.ptr + start, len);
    builder->text.len = start;
    builder->open = builder->open->parent;
}

static void on_text(void *ctx, const XML_Char *text, int len) {
    struct builder *builder = ctx;
    if (builder->depth > 0)
        pk_buf_add(&builder->text, text, (size_t)len);
}

static void on_doctype(void *ctx, const XML_Char *name PK_UNUSED, const XML_Char *sysid PK_UNUSED,
                       const XML_Char *pubid PK_UNUSED, int has_internal_subset PK_UNUSED) {
    stop(ctx, "a DOCTYPE is not accepted");
}

bool pk_xml_parse(struct pk_arena *arena, const char *data, size_t len, const struct pk_xml **ret,
                  struct pk_error **err) {
    struct builder builder = {.arena = arena, .parser = XML_ParserCreate(NULL)};
    pk_assert(builder.parser != NULL);
    pk_buf_init(&builder.text, PK_BUF_MAX_DEFAULT);
    XML_SetUserData(builder.parser, &builder);
    XML_SetElementHandler(builder.parser, on_start, on_end);
    XML_SetCharacterDataHandler(builder.parser, on_text);
    XML_SetStartDoctypeDeclHandler(builder.parser, on_doctype);
    enum XML_Status status = XML_STATUS_ERROR;
    if (len <= INT_MAX)
        status = XML_Parse(builder.parser, data ? data : "", (int)len, XML_TRUE);
    else
        builder.refused = "too large";
    bool ok = status == XML_STATUS_OK && builder.root != NULL && builder.refused == NULL;
    if (!ok) {
        const char *why = builder.refused;
        if (why == NULL)
            why = XML_ErrorString(XML_GetErrorCode(builder.parser));
        pk_fail(err, PK_E_BAD_RESPONSE, "not XML (line %lu): %s",
                (unsigned long)XML_GetCurrentLineNumber(builder.parser), why ? why : "empty");
    } else {
        *ret = builder.root;
    }
    XML_ParserFree(builder.parser);
    pk_buf_release(&builder.text);
    return ok;
}

const struct pk_xml *pk_xml_child(const struct pk_xml *node, const char *name) {
    for (const struct pk_xml *child = node ? node->first : NULL; child; child = child->next) {
        if (strcmp(child->name, name) == 0)
            return child;
    }
    return NULL;
}

const struct pk_xml *pk_xml_again(const struct pk_xml *node) {
    for (const struct pk_xml *other = node->next; other != NULL; other = other->next) {
        if (strcmp(other->name, node->name) == 0)
            return other;
    }
    return NULL;
}
