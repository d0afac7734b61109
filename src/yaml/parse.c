/*
 * parse.c - libyaml events to the node tree.
 *
 * Own tree instead of yaml_parser_load: that one is quadratic in anchors, takes duplicate keys and
 * builds cyclic graphs. All limits are checked inside the event loop, because libyaml itself is
 * quadratic in the depth of flow collections.
 */
#include "base/str.h"
#include "base/vec.h"
#include "yaml/yaml.h"

#include <string.h>
#include <yaml.h>

#define MAX_DEPTH 64
#define MAX_NODES 100000
#define MAX_EXPANSIONS 10000
/* Maps with more keys get a hash for the check of duplicates. */
#define LINEAR_KEYS 16

struct anchor {
    struct pk_node *node;
    size_t size; /* nodes it stands for, expansions included */
    bool open;
};

/* A collection that is being read. */
struct frame {
    struct pk_node *node;
    size_t cap;
    struct pk_map *keys; /* key -> pair index + 1, once there are many */
    bool has_key;
    struct pk_pair pending; /* the key that waits for its value */
    bool pending_merge;     /* the key is a plain << */
    bool drop_pending;      /* the key was a duplicate: its value is read and forgotten */
    struct pk_vec merges;   /* values of <<, in file order */
    struct anchor *anchor;
    size_t nodes_before;
};

struct parse {
    struct pk_arena *arena;
    const struct pk_source *source;
    struct pk_diags *diags;
    yaml_parser_t yaml;
    size_t bom; /* bytes skipped at the start */
    struct pk_map *anchors;
    struct frame frames[MAX_DEPTH];
    size_t depth;
    size_t nodes, expansions;
    struct pk_node *root;
    bool failed;
};

static struct pk_span span_of(const struct parse *p, const yaml_mark_t *start,
                              const yaml_mark_t *end) {
    return (struct pk_span){p->source, (uint32_t)start->line + 1, (uint32_t)start->column + 1,
                            (uint32_t)end->line + 1, (uint32_t)end->column + 1};
}

static struct pk_span span_at(const struct parse *p, const yaml_mark_t *mark) {
    return span_of(p, mark, mark);
}

static struct pk_diag *fail(struct parse *p, const char *id, struct pk_span span,
                            const char *message) {
    p->failed = true;
    return pk_diag(p->diags, PK_SEVERITY_ERROR, id, span, "%s", message);
}

/* libyaml's words and ours for the mistakes people make most. */
static const struct {
    const char *problem, *message, *help;
} explanations[] = {
    {"found character that cannot start any token", "this character cannot start a value",
     "indent with spaces, never with tabs; put text that starts with `@`, `%` or a backtick in "
     "quotes"},
    {"found a tab character that violates indentation", "a tab is used for indentation",
     "indent with spaces"},
    {"found a tab character where an indentation space is expected",
     "a tab is used for indentation", "indent with spaces"},
    {"mapping values are not allowed in this context", "`: ` is not allowed here",
     "put text that contains `: ` in quotes, and check the indentation"},
    {"could not find expected ':'", "a key needs `: ` after it",
     "write `key: value`; the key and `:` must be on one line"},
    {"did not find expected key", "the indentation does not match the lines above",
     "keys of one map start in the same column"},
    {"did not find expected '-' indicator", "the indentation does not match the list above",
     "all items of a list start with `-` in the same column"},
    {"block sequence entries are not allowed in this context", "a list item is not allowed here",
     "start the list on a line of its own, below its key"},
    {"did not find expected ',' or ']'", "`,` or `]` is missing", NULL},
    {"did not find expected ',' or '}'", "`,` or `}` is missing", NULL},
    {"found unknown escape character", "unknown escape in double quotes",
     "write `\\\\` for a backslash, or use single quotes"},
    {"found unexpected end of stream", "the quotes that open here are never closed", NULL},
    {"found unknown directive name", "directives other than %YAML are not allowed", NULL},
    {"found duplicate %YAML directive", "the %YAML directive is given twice", NULL},
    {"found incompatible YAML document", "only YAML 1.1 and 1.2 can be read", NULL},
    {"did not find expected <document start>", "a document must start with `---` here",
     "check the indentation: everything of a document is one map"},
};

static void report_reader_error(struct parse *p) {
    size_t offset = p->yaml.problem_offset + p->bom;
    uint32_t line = 1, column = 1;
    for (size_t i = 0; i < offset && i < p->source->len; i++) {
        unsigned char c = (unsigned char)p->source->text[i];
        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xC0) != 0x80) {
            column++;
        }
    }
    struct pk_span span = {p->source, line, column, line, column + 1};
    bool control = p->yaml.problem && strstr(p->yaml.problem, "control character");
    struct pk_diag *d = fail(p, "yaml.encoding", span,
                             control ? "control characters are not allowed in YAML"
                                     : "the file is not valid UTF-8");
    pk_diag_help(p->diags, d, "save the file as UTF-8 text without control characters");
}

static void report_error(struct parse *p) {
    if (p->yaml.error == YAML_READER_ERROR) {
        report_reader_error(p);
        return;
    }
    const char *problem = p->yaml.problem ? p->yaml.problem : "cannot be read";
    const yaml_mark_t *mark = &p->yaml.problem_mark;
    if (strcmp(problem, "found unexpected end of stream") == 0)
        mark = &p->yaml.context_mark; /* where the quotes open, not the end of the file */
    for (size_t i = 0; i < PK_ARRAY_LEN(explanations); i++) {
        if (strcmp(problem, explanations[i].problem) != 0)
            continue;
        struct pk_diag *d = fail(p, "yaml.syntax", span_at(p, mark), explanations[i].message);
        if (explanations[i].help)
            pk_diag_help(p->diags, d, "%s", explanations[i].help);
        return;
    }
    fail(p, "yaml.syntax", span_at(p, mark), problem);
}

static bool count_nodes(struct parse *p, size_t n, struct pk_span span) {
    p->nodes += n;
    if (p->nodes <= MAX_NODES)
        return true;
    fail(p, "yaml.limit", span, "more than 100,000 values in one file");
    return false;
}

static struct pk_node *new_node(struct parse *p, enum pk_node_kind kind, struct pk_span span) {
    struct pk_node *node = pk_arena_alloc(p->arena, sizeof(*node));
    node->kind = kind;
    node->span = span;
    return node;
}

static struct pk_pair *find_pair(const struct frame *f, const char *key) {
    if (f->keys) {
        uintptr_t at = (uintptr_t)pk_map_get(f->keys, key);
        return at ? &f->node->pairs[at - 1] : NULL;
    }
    return pk_node_pair(f->node, key);
}

static void append_pair(struct parse *p, struct frame *f, struct pk_pair pair) {
    struct pk_node *map = f->node;
    if (map->n_pairs == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 4;
        struct pk_pair *pairs = pk_arena_array(p->arena, cap, sizeof(*pairs));
        if (map->n_pairs)
            memcpy(pairs, map->pairs, map->n_pairs * sizeof(*pairs));
        map->pairs = pairs;
        f->cap = cap;
    }
    map->pairs[map->n_pairs++] = pair;
    if (f->keys) {
        pk_map_set(f->keys, pair.key, (void *)(uintptr_t)map->n_pairs);
    } else if (map->n_pairs > LINEAR_KEYS) {
        f->keys = pk_map_new();
        for (size_t i = 0; i < map->n_pairs; i++)
            pk_map_set(f->keys, map->pairs[i].key, (void *)(uintptr_t)(i + 1));
    }
}

static void append_item(struct parse *p, struct frame *f, struct pk_node *item) {
    struct pk_node *list = f->node;
    if (list->n_items == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 4;
        struct pk_node **items = pk_arena_array(p->arena, cap, sizeof(struct pk_node *));
        if (list->n_items)
            memcpy(items, list->items, list->n_items * sizeof(struct pk_node *));
        list->items = items;
        f->cap = cap;
    }
    list->items[list->n_items++] = item;
}

/* A scalar in the place of a key. */
static void take_key(struct parse *p, struct frame *f, const char *text, struct pk_span span,
                     bool plain) {
    f->has_key = true;
    f->pending = (struct pk_pair){text, span, NULL};
    f->pending_merge = plain && strcmp(text, "<<") == 0;
    f->drop_pending = false;
    const struct pk_pair *first = f->pending_merge ? NULL : find_pair(f, text);
    if (first) {
        struct pk_diag *d = pk_diag(p->diags, PK_SEVERITY_ERROR, "yaml.duplicate-key", span,
                                    "the key `%s` is given twice", text);
        pk_diag_related(p->diags, d, first->key_span, "first given here");
        f->drop_pending = true;
    }
}

/* A finished value goes to the collection above it. */
static void place(struct parse *p, struct pk_node *node) {
    if (p->depth == 0) {
        p->root = node;
        return;
    }
    struct frame *f = &p->frames[p->depth - 1];
    if (f->node->kind == PK_NODE_LIST) {
        append_item(p, f, node);
        return;
    }
    if (!f->has_key) {
        if (node->kind != PK_NODE_SCALAR) {
            fail(p, "yaml.syntax", node->span, "a key must be plain text, not a map or a list");
            return;
        }
        take_key(p, f, node->text, node->span, node->plain);
        return;
    }
    f->has_key = false;
    if (f->pending_merge) {
        pk_vec_push(&f->merges, node);
    } else if (!f->drop_pending) {
        f->pending.value = node;
        append_pair(p, f, f->pending);
    }
}

static bool merge_one(struct parse *p, struct frame *f, const struct pk_node *from) {
    if (from->kind != PK_NODE_MAP) {
        fail(p, "yaml.alias", from->span, "`<<` takes a map or a list of maps");
        return false;
    }
    for (size_t i = 0; i < from->n_pairs; i++) {
        if (find_pair(f, from->pairs[i].key))
            continue; /* explicit keys win, then earlier maps */
        if (!count_nodes(p, 1, from->pairs[i].key_span))
            return false;
        append_pair(p, f, from->pairs[i]);
    }
    return true;
}

static void apply_merges(struct parse *p, struct frame *f) {
    for (size_t i = 0; i < f->merges.len && !p->failed; i++) {
        const struct pk_node *from = f->merges.items[i];
        if (from->kind != PK_NODE_LIST) {
            merge_one(p, f, from);
            continue;
        }
        for (size_t k = 0; k < from->n_items; k++)
            if (!merge_one(p, f, from->items[k]))
                break;
    }
}

static void release_frame(struct frame *f) {
    pk_map_free(f->keys);
    pk_vec_release(&f->merges);
}

static struct anchor *define_anchor(struct parse *p, const yaml_char_t *name, struct pk_node *node,
                                    bool open) {
    if (!name)
        return NULL;
    struct anchor *anchor = pk_arena_alloc(p->arena, sizeof(*anchor));
    anchor->node = node;
    anchor->size = 1;
    anchor->open = open;
    if (!p->anchors)
        p->anchors = pk_map_new();
    pk_map_set(p->anchors, (const char *)name, anchor);
    return anchor;
}

static const char *core_tag(const yaml_char_t *tag) {
    static const char prefix[] = "tag:yaml.org,2002:";
    const char *text = (const char *)tag;
    return text && strncmp(text, prefix, sizeof(prefix) - 1) == 0 ? text + sizeof(prefix) - 1
                                                                  : NULL;
}

static bool check_tag(struct parse *p, const yaml_event_t *event, const yaml_char_t *tag,
                      const char *allowed) {
    if (!tag || strcmp((const char *)tag, "!") == 0)
        return true;
    const char *name = core_tag(tag);
    for (const char *word = allowed; name && *word; word += strcspn(word, "|")) {
        if (*word == '|')
            word++;
        if (strlen(name) == strcspn(word, "|") && strncmp(word, name, strlen(name)) == 0)
            return true;
    }
    struct pk_diag *d = pk_diag(p->diags, PK_SEVERITY_ERROR, "yaml.syntax",
                                span_of(p, &event->start_mark, &event->end_mark),
                                "the tag `%s` is not known here", (const char *)tag);
    pk_diag_help(p->diags, d, "remove the tag; the field decides how its value is read");
    p->failed = true;
    return false;
}

static bool is_null_text(const char *text) {
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
           strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

static void on_scalar(struct parse *p, const yaml_event_t *event) {
    const yaml_char_t *tag = event->data.scalar.tag;
    struct pk_span span = span_of(p, &event->start_mark, &event->end_mark);
    yaml_scalar_style_t style = event->data.scalar.style;
    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) {
        /* libyaml's end lies behind the text; the indicator is the place to point at */
        span.end_line = span.line;
        span.end_column = span.column + 1;
    }
    if (!count_nodes(p, 1, span) || !check_tag(p, event, tag, "str|int|float|bool|null|timestamp"))
        return;
    size_t len = event->data.scalar.length;
    const char *text = (const char *)event->data.scalar.value;
    if (memchr(text, 0, len)) {
        fail(p, "yaml.syntax", span, "a NUL character is not allowed in text");
        return;
    }
    const char *core = core_tag(tag);
    bool as_text = tag && (!core || strcmp(core, "str") == 0);
    bool plain = style == YAML_PLAIN_SCALAR_STYLE && !as_text;
    struct frame *f = p->depth ? &p->frames[p->depth - 1] : NULL;
    text = pk_arena_strndup(p->arena, text, len);
    if (f && f->node->kind == PK_NODE_MAP && !f->has_key && !event->data.scalar.anchor) {
        take_key(p, f, text, span, plain); /* keys need no node of their own */
        return;
    }
    struct pk_node *node = new_node(p, PK_NODE_SCALAR, span);
    node->text = text;
    node->plain = plain;
    node->null = node->plain && is_null_text(node->text);
    define_anchor(p, event->data.scalar.anchor, node, false);
    place(p, node);
}

static void on_start(struct parse *p, const yaml_event_t *event, enum pk_node_kind kind) {
    struct pk_span span = span_of(p, &event->start_mark, &event->end_mark);
    bool map = kind == PK_NODE_MAP;
    const yaml_char_t *tag = map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    if (!count_nodes(p, 1, span) || !check_tag(p, event, tag, map ? "map" : "seq"))
        return;
    if (p->depth == MAX_DEPTH) {
        fail(p, "yaml.limit", span, "maps and lists are nested deeper than 64 levels");
        return;
    }
    struct frame *f = &p->frames[p->depth++];
    *f = (struct frame){.node = new_node(p, kind, span), .nodes_before = p->nodes - 1};
    f->anchor =
        define_anchor(p, map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
                      f->node, true);
}

/* Block collections end where the next token starts, which may be lines below: the end of the last
 * value is what people see as the end. */
static void close_span(struct pk_node *node, const yaml_event_t *event) {
    bool flow = event->end_mark.index > event->start_mark.index;
    const struct pk_span *last = NULL;
    if (!flow && node->kind == PK_NODE_MAP && node->n_pairs)
        last = &node->pairs[node->n_pairs - 1].value->span;
    if (!flow && node->kind == PK_NODE_LIST && node->n_items)
        last = &node->items[node->n_items - 1]->span;
    if (last && last->end_line >= node->span.line) {
        node->span.end_line = last->end_line;
        node->span.end_column = last->end_column;
    } else if (flow) {
        node->span.end_line = (uint32_t)event->end_mark.line + 1;
        node->span.end_column = (uint32_t)event->end_mark.column + 1;
    }
}

static void on_end(struct parse *p, const yaml_event_t *event) {
    struct frame *f = &p->frames[p->depth - 1];
    struct pk_node *node = f->node;
    apply_merges(p, f);
    close_span(node, event);
    if (f->anchor) {
        f->anchor->open = false;
        f->anchor->size = p->nodes - f->nodes_before;
    }
    release_frame(f);
    p->depth--;
    if (!p->failed)
        place(p, node);
}

static void on_alias(struct parse *p, const yaml_event_t *event) {
    const char *name = (const char *)event->data.alias.anchor;
    struct pk_span span = span_of(p, &event->start_mark, &event->end_mark);
    const struct anchor *anchor = p->anchors ? pk_map_get(p->anchors, name) : NULL;
    if (!anchor || anchor->open) {
        struct pk_diag *d = fail(p, "yaml.alias", span,
                                 anchor ? "an alias inside the value that it stands for"
                                        : "an alias without an anchor before it");
        if (anchor)
            pk_diag_related(p->diags, d, anchor->node->span, "the value of &%s starts here", name);
        else
            pk_diag_help(p->diags, d, "write `&%s` before the value that `*%s` repeats", name,
                         name);
        return;
    }
    if (++p->expansions > MAX_EXPANSIONS) {
        fail(p, "yaml.limit", span, "more than 10,000 aliases in one file");
        return;
    }
    if (count_nodes(p, anchor->size, span))
        place(p, anchor->node);
}

static void on_document_start(struct parse *p, const yaml_event_t *event) {
    p->root = NULL;
    p->depth = 0;
    pk_map_free(p->anchors);
    p->anchors = NULL;
    if (event->data.document_start.tag_directives.start !=
        event->data.document_start.tag_directives.end)
        fail(p, "yaml.syntax", span_of(p, &event->start_mark, &event->end_mark),
             "directives other than %YAML are not allowed");
}

static void on_event(struct parse *p, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        on_document_start(p, event);
        break;
    case YAML_SCALAR_EVENT:
        on_scalar(p, event);
        break;
    case YAML_MAPPING_START_EVENT:
        on_start(p, event, PK_NODE_MAP);
        break;
    case YAML_SEQUENCE_START_EVENT:
        on_start(p, event, PK_NODE_LIST);
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        on_end(p, event);
        break;
    case YAML_ALIAS_EVENT:
        on_alias(p, event);
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

static void add_document(struct parse *p, struct pk_vec *docs, struct pk_span start) {
    struct pk_document *doc = pk_arena_alloc(p->arena, sizeof(*doc));
    /* `---` alone reads as one empty scalar: an empty document */
    if (p->root && !(p->root->kind == PK_NODE_SCALAR && p->root->null))
        doc->root = p->root;
    doc->span = doc->root ? doc->root->span : start;
    pk_vec_push(docs, doc);
}

static void run(struct parse *p, struct pk_vec *docs) {
    struct pk_span doc_start = {0};
    for (bool done = false; !done && !p->failed;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&p->yaml, &event)) {
            report_error(p);
            break;
        }
        if (event.type == YAML_DOCUMENT_START_EVENT)
            doc_start = span_at(p, &event.start_mark);
        on_event(p, &event);
        if (event.type == YAML_DOCUMENT_END_EVENT)
            add_document(p, docs, doc_start);
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    while (p->depth > 0)
        release_frame(&p->frames[--p->depth]);
}

void pk_yaml_parse(struct pk_arena *arena, const struct pk_source *source, struct pk_diags *diags,
                   struct pk_document **ret_docs, size_t *ret_n_docs) {
    struct parse p = {.arena = arena, .source = source, .diags = diags};
    struct pk_vec docs = PK_VEC_INIT;
    *ret_docs = NULL;
    *ret_n_docs = 0;
    if (source->len > PK_YAML_MAX_FILE) {
        fail(&p, "yaml.limit", (struct pk_span){source, 1, 1, 1, 1}, "more than 1 MiB of YAML");
        return;
    }
    if (source->len >= 3 && memcmp(source->text, "\xEF\xBB\xBF", 3) == 0)
        p.bom = 3;
    bool ready = yaml_parser_initialize(&p.yaml);
    pk_assert(ready); /* fails only without memory */
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)source->text + p.bom,
                                 source->len - p.bom);
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    run(&p, &docs);
    yaml_parser_delete(&p.yaml);
    pk_map_free(p.anchors);
    *ret_docs = pk_arena_array(arena, docs.len ? docs.len : 1, sizeof(**ret_docs));
    *ret_n_docs = docs.len;
    for (size_t i = 0; i < docs.len; i++)
        (*ret_docs)[i] = *(struct pk_document *)docs.items[i];
    pk_vec_release(&docs);
}
