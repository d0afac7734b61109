/* draw.c - drawings of a graph: layers as text, DOT, Mermaid. Boxes with lines: draw_boxes.c. */
#include "graph/draw.h"

#include <stdlib.h>
#include <string.h>

/* More boxes than this are harder to follow than a list of layers. */
#define MAX_BOXES 24

size_t pk_draw_columns(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static const char *mark_of(const struct pk_drawing *d, const char *color) {
    if (!color)
        return "";
    if (strcmp(color, "create") == 0)
        return "+ ";
    if (strcmp(color, "update") == 0)
        return "~ ";
    if (strcmp(color, "replace") == 0)
        return d->unicode ? "± " : "-+ ";
    return strcmp(color, "delete") == 0 ? "- " : "";
}

char *pk_draw_label(const struct pk_drawing *d, const struct pk_draw_node *node) {
    return pk_asprintf("%s%s", mark_of(d, node->color), node->label ? node->label : node->id);
}

/* --- layers --- */

struct visit {
    size_t node, next;
};

/* Longest path from a source; an edge that closes a cycle is not followed. */
static void find_layers(struct pk_drawing *d) {
    size_t n = d->n_nodes, depth;
    unsigned char *seen = pk_calloc(n + 1, 1);
    struct visit *stack = pk_calloc(n + 1, sizeof(*stack));
    d->layers = pk_calloc(n + 1, sizeof(*d->layers));
    for (size_t i = 0; i < n; i++) {
        if (seen[i])
            continue;
        seen[i] = 1;
        stack[0] = (struct visit){i, 0};
        for (depth = 1; depth > 0;) {
            struct visit *top = &stack[depth - 1];
            const struct pk_draw_node *node = &d->nodes[top->node];
            if (top->next < node->n_needs) {
                size_t to = node->needs[top->next++];
                if (!seen[to]) {
                    seen[to] = 1;
                    stack[depth++] = (struct visit){to, 0};
                }
                continue;
            }
            unsigned layer = 0;
            for (size_t k = 0; k < node->n_needs; k++)
                if (seen[node->needs[k]] == 2 && d->layers[node->needs[k]] + 1 > layer)
                    layer = d->layers[node->needs[k]] + 1;
            d->layers[top->node] = layer;
            seen[top->node] = 2;
            if (layer + 1 > d->n_layers)
                d->n_layers = layer + 1;
            depth--;
        }
    }
    free(seen);
    free(stack);
}

/* --- the list of layers --- */

static void spaces(struct pk_buf *out, size_t n) {
    for (size_t i = 0; i < n; i++)
        pk_buf_addc(out, ' ');
}

/* "<- a, b, c", continued under itself when the line is full. */
static void list_needs(const struct pk_drawing *d, const struct pk_draw_node *node, size_t column) {
    if (node->n_needs == 0)
        return;
    size_t at = column + 3;
    pk_buf_addz(d->out, d->unicode ? " ← " : " <- ");
    at++;
    for (size_t k = 0; k < node->n_needs; k++) {
        const struct pk_draw_node *to = &d->nodes[node->needs[k]];
        const char *label = to->label ? to->label : to->id;
        size_t columns = pk_draw_columns(label) + (k + 1 < node->n_needs ? 2 : 0);
        if (k > 0 && at + columns > d->width) {
            pk_buf_addc(d->out, '\n');
            spaces(d->out, column + 4);
            at = column + 4;
        }
        pk_buf_addf(d->out, "%s%s", label, k + 1 < node->n_needs ? ", " : "");
        at += columns;
    }
}

static size_t widest_head(const struct pk_drawing *d) {
    size_t widest = 0;
    for (size_t i = 0; i < d->n_nodes; i++) {
        char *label PK_CLEANUP(pk_freep) = pk_draw_label(d, &d->nodes[i]);
        size_t columns = pk_draw_columns(label);
        if (d->nodes[i].sublabel && *d->nodes[i].sublabel)
            columns += pk_draw_columns(d->nodes[i].sublabel) + 2;
        if (columns > widest)
            widest = columns;
    }
    return widest;
}

static void list_node(const struct pk_drawing *d, const struct pk_draw_node *node, size_t head) {
    char *label PK_CLEANUP(pk_freep) = pk_draw_label(d, node);
    size_t columns = pk_draw_columns(label) + 4;
    pk_buf_addf(d->out, "  %s %s", d->unicode ? "▪" : "*", label);
    if (node->sublabel && *node->sublabel) {
        pk_buf_addf(d->out, "  %s", node->sublabel);
        columns += pk_draw_columns(node->sublabel) + 2;
    }
    if (node->n_needs > 0 && columns < head + 4) {
        spaces(d->out, head + 4 - columns);
        columns = head + 4;
    }
    list_needs(d, node, columns);
    pk_buf_addc(d->out, '\n');
}

static void draw_list(const struct pk_drawing *d) {
    size_t head = widest_head(d), limit = d->width / 2;
    if (head > limit)
        head = limit;
    for (unsigned layer = 0; layer < d->n_layers; layer++) {
        size_t n = 0;
        for (size_t i = 0; i < d->n_nodes; i++)
            n += d->layers[i] == layer;
        pk_buf_addf(d->out, "%swave %u (%zu)\n", layer ? "\n" : "", layer + 1, n);
        const char *group = NULL;
        for (size_t i = 0; i < d->n_nodes; i++) {
            const struct pk_draw_node *node = &d->nodes[i];
            if (d->layers[i] != layer)
                continue;
            if (node->group && *node->group && !pk_streq(group, node->group))
                pk_buf_addf(d->out, "  %s\n", node->group);
            group = node->group;
            list_node(d, node, head);
        }
    }
}

static void draw_text(struct pk_drawing *d, const char *title) {
    if (title && *title)
        pk_buf_addf(d->out, "%s\n\n", title);
    if (d->n_nodes == 0) {
        pk_buf_addz(d->out, "(nothing)\n");
        return;
    }
    find_layers(d);
    if (d->n_nodes > MAX_BOXES || !pk_draw_boxes(d))
        draw_list(d);
    free(d->layers);
}

/* --- DOT --- */

static void dot_text(struct pk_buf *out, const char *text) {
    pk_buf_addc(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            pk_buf_addc(out, '\\');
        pk_buf_addc(out, *text == '\n' ? ' ' : *text);
    }
    pk_buf_addc(out, '"');
}

static const char *fill_of(const char *color) {
    static const char *const fills[][2] = {
        {"create", "#d7f5dd"},
        {"update", "#fff3c4"},
        {"replace", "#ffe0c2"},
        {"delete", "#ffd6d6"},
    };
    for (size_t i = 0; color && i < PK_ARRAY_LEN(fills); i++)
        if (strcmp(fills[i][0], color) == 0)
            return fills[i][1];
    return NULL;
}

static void dot_node(const struct pk_drawing *d, const struct pk_draw_node *node) {
    char *label PK_CLEANUP(pk_freep) =
        pk_asprintf("%s%s%s", node->label ? node->label : node->id, node->sublabel ? "\n" : "",
                    node->sublabel ? node->sublabel : "");
    pk_buf_addz(d->out, "    ");
    dot_text(d->out, node->id);
    pk_buf_addz(d->out, " [label=\"");
    for (const char *c = label; *c; c++) {
        if (*c == '\n') {
            pk_buf_addz(d->out, "\\n");
            continue;
        }
        if (*c == '"' || *c == '\\')
            pk_buf_addc(d->out, '\\');
        pk_buf_addc(d->out, *c);
    }
    pk_buf_addc(d->out, '"');
    if (fill_of(node->color))
        pk_buf_addf(d->out, ", style=\"rounded,filled\", fillcolor=\"%s\"", fill_of(node->color));
    pk_buf_addz(d->out, "];\n");
}

/* Groups in order of their first node; calls open(name) before and close() after each one. */
static void each_group(const struct pk_drawing *d,
                       void (*open)(const struct pk_drawing *d, const char *name, size_t index),
                       void (*node_fn)(const struct pk_drawing *d, const struct pk_draw_node *node),
                       void (*close)(const struct pk_drawing *d)) {
    struct pk_map *groups PK_CLEANUP(pk_map_freep) = pk_map_new();
    for (size_t i = 0; i < d->n_nodes; i++)
        if (d->nodes[i].group && *d->nodes[i].group)
            pk_map_set(groups, d->nodes[i].group, (void *)(uintptr_t)&d->nodes[i]);
        else
            node_fn(d, &d->nodes[i]);
    size_t cursor = 0, index = 0;
    const char *name;
    while (pk_map_next(groups, &cursor, &name, NULL)) {
        open(d, name, index++);
        for (size_t i = 0; i < d->n_nodes; i++)
            if (pk_streq(d->nodes[i].group, name))
                node_fn(d, &d->nodes[i]);
        close(d);
    }
}

static void dot_open(const struct pk_drawing *d, const char *name, size_t index) {
    pk_buf_addf(d->out, "  subgraph cluster_%zu {\n    label=", index);
    dot_text(d->out, name);
    pk_buf_addz(d->out, ";\n");
}

static void dot_close(const struct pk_drawing *d) {
    pk_buf_addz(d->out, "  }\n");
}

static void draw_dot(const struct pk_drawing *d, const char *title) {
    pk_buf_addz(d->out, "digraph panka {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    if (title && *title) {
        pk_buf_addz(d->out, "  label=");
        dot_text(d->out, title);
        pk_buf_addz(d->out, ";\n");
    }
    each_group(d, dot_open, dot_node, dot_close);
    for (size_t i = 0; i < d->n_nodes; i++)
        for (size_t k = 0; k < d->nodes[i].n_needs; k++) {
            pk_buf_addz(d->out, "  ");
            dot_text(d->out, d->nodes[d->nodes[i].needs[k]].id);
            pk_buf_addz(d->out, " -> ");
            dot_text(d->out, d->nodes[i].id);
            pk_buf_addz(d->out, ";\n");
        }
    pk_buf_addz(d->out, "}\n");
}

/* --- Mermaid --- */

/* Quotes and angle brackets would end the label or become HTML. */
static void mermaid_text(struct pk_buf *out, const char *text) {
    for (; *text; text++) {
        if (*text == '"')
            pk_buf_addz(out, "#quot;");
        else if (*text == '<')
            pk_buf_addz(out, "#lt;");
        else if (*text == '>')
            pk_buf_addz(out, "#gt;");
        else
            pk_buf_addc(out, *text == '\n' ? ' ' : *text);
    }
}

static void mermaid_node(const struct pk_drawing *d, const struct pk_draw_node *node) {
    pk_buf_addf(d->out, "  n%zu[\"", (size_t)(node - d->nodes));
    mermaid_text(d->out, node->label ? node->label : node->id);
    if (node->sublabel && *node->sublabel) {
        pk_buf_addz(d->out, "<br/>");
        mermaid_text(d->out, node->sublabel);
    }
    pk_buf_addz(d->out, "\"]");
    if (fill_of(node->color))
        pk_buf_addf(d->out, ":::%s", node->color);
    pk_buf_addc(d->out, '\n');
}

static void mermaid_open(const struct pk_drawing *d, const char *name, size_t index) {
    pk_buf_addf(d->out, "  subgraph g%zu[\"", index);
    mermaid_text(d->out, name);
    pk_buf_addz(d->out, "\"]\n");
}

static void mermaid_close(const struct pk_drawing *d) {
    pk_buf_addz(d->out, "  end\n");
}

static void draw_mermaid(const struct pk_drawing *d, const char *title) {
    static const char *const colors[] = {"create", "update", "replace", "delete"};
    if (title && *title) {
        pk_buf_addz(d->out, "---\ntitle: \"");
        mermaid_text(d->out, title);
        pk_buf_addz(d->out, "\"\n---\n");
    }
    pk_buf_addz(d->out, "flowchart LR\n");
    each_group(d, mermaid_open, mermaid_node, mermaid_close);
    for (size_t i = 0; i < d->n_nodes; i++)
        for (size_t k = 0; k < d->nodes[i].n_needs; k++)
            pk_buf_addf(d->out, "  n%zu --> n%zu\n", d->nodes[i].needs[k], i);
    for (size_t c = 0; c < PK_ARRAY_LEN(colors); c++)
        for (size_t i = 0; i < d->n_nodes; i++)
            if (pk_streq(d->nodes[i].color, colors[c])) {
                pk_buf_addf(d->out, "  classDef %s fill:%s\n", colors[c], fill_of(colors[c]));
                break;
            }
}

void pk_graph_draw(const struct pk_draw_node *nodes, size_t n_nodes, const char *title,
                   enum pk_draw_format format, bool unicode, size_t width, struct pk_buf *ret) {
    struct pk_drawing d = {.nodes = nodes,
                           .n_nodes = n_nodes,
                           .unicode = unicode,
                           .width = width < 40 ? 40 : width,
                           .out = ret};
    switch (format) {
    case PK_DRAW_ASCII:
        draw_text(&d, title);
        break;
    case PK_DRAW_DOT:
        draw_dot(&d, title);
        break;
    case PK_DRAW_MERMAID:
        draw_mermaid(&d, title);
        break;
    }
}
