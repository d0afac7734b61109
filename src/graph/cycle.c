/*
 * cycle.c - soft edges that close cycles, hard cycles, order and waves.
 *
 * Nothing here recurses: a chain of ten thousand resources must not end the program.
 */
#include "graph/graph.h"

#include <stdlib.h>
#include <string.h>

/* Depth-first search over the live edges: state per node. */
struct frame {
    const struct pk_resource *node;
    size_t next_edge;
};

static bool follows(const struct pk_edge *edge, bool soft_too) {
    return !edge->dropped && (soft_too || edge->strength == PK_EDGE_HARD);
}

/* --- strongly connected components (Tarjan, iterative) --- */

struct scc {
    const struct pk_graph *graph;
    bool soft_too;
    size_t *number, *low, *component, *component_size;
    struct frame *frames;
    size_t n_frames;
    const struct pk_resource **stack;
    size_t n_stack, counter, n_components;
    bool *on_stack;
};

static void scc_enter(struct scc *s, const struct pk_resource *node) {
    s->number[node->index] = s->low[node->index] = ++s->counter;
    s->stack[s->n_stack++] = node;
    s->on_stack[node->index] = true;
    s->frames[s->n_frames++] = (struct frame){node, 0};
}

static void scc_leave(struct scc *s, const struct pk_resource *node) {
    s->n_frames--;
    if (s->n_frames > 0) {
        size_t parent = s->frames[s->n_frames - 1].node->index;
        if (s->low[node->index] < s->low[parent])
            s->low[parent] = s->low[node->index];
    }
    if (s->low[node->index] != s->number[node->index])
        return;
    const struct pk_resource *member;
    do {
        member = s->stack[--s->n_stack];
        s->on_stack[member->index] = false;
        s->component[member->index] = s->n_components;
        s->component_size[s->n_components]++;
    } while (member != node);
    s->n_components++;
}

static void scc_step(struct scc *s) {
    struct frame *frame = &s->frames[s->n_frames - 1];
    const struct pk_resource *node = frame->node;
    if (frame->next_edge == node->edges.len) {
        scc_leave(s, node);
        return;
    }
    const struct pk_edge *edge = node->edges.items[frame->next_edge++];
    if (!follows(edge, s->soft_too))
        return;
    size_t to = edge->to->index;
    if (!s->number[to])
        scc_enter(s, edge->to);
    else if (s->on_stack[to] && s->number[to] < s->low[node->index])
        s->low[node->index] = s->number[to];
}

static void scc_release(struct scc *s) {
    free(s->number);
    free(s->low);
    free(s->component);
    free(s->component_size);
    free(s->frames);
    free(s->stack);
    free(s->on_stack);
}

/* Fills component (by index) and component_size; true when some component has more than one
 * node. */
static bool scc_find(struct scc *s, const struct pk_graph *graph, bool soft_too) {
    size_t n = graph->resources.len + 1;
    *s = (struct scc){.graph = graph, .soft_too = soft_too};
    s->number = pk_calloc(n, sizeof(*s->number));
    s->low = pk_calloc(n, sizeof(*s->low));
    s->component = pk_calloc(n, sizeof(*s->component));
    s->component_size = pk_calloc(n, sizeof(*s->component_size));
    s->frames = pk_calloc(n, sizeof(*s->frames));
    s->stack = pk_calloc(n, sizeof(struct pk_resource *));
    s->on_stack = pk_calloc(n, sizeof(*s->on_stack));
    for (size_t i = 0; i < graph->resources.len; i++) {
        const struct pk_resource *node = graph->resources.items[i];
        if (s->number[i])
            continue;
        scc_enter(s, node);
        while (s->n_frames > 0)
            scc_step(s);
    }
    return s->n_components < graph->resources.len;
}

/* --- soft edges --- */

/* Breadth-first: is `goal` reachable from `start` inside one component, over live edges? */
static bool reaches(const struct pk_graph *graph, const struct scc *s,
                    const struct pk_resource *start, const struct pk_resource *goal, unsigned *seen,
                    unsigned mark, const struct pk_resource **queue) {
    size_t head = 0, tail = 0, inside = s->component[start->index];
    (void)graph;
    queue[tail++] = start;
    seen[start->index] = mark;
    while (head < tail) {
        const struct pk_resource *node = queue[head++];
        if (node == goal)
            return true;
        for (size_t i = 0; i < node->edges.len; i++) {
            const struct pk_edge *edge = node->edges.items[i];
            size_t to = edge->to->index;
            if (!follows(edge, true) || seen[to] == mark || s->component[to] != inside)
                continue;
            seen[to] = mark;
            queue[tail++] = edge->to;
        }
    }
    return false;
}

/* Soft edges inside a strongly connected component are taken out and put back one by one, in order
 * of insertion, unless that closes a cycle: the first ones written win, and every run decides the
 * same. */
static void drop_soft_edges(struct pk_graph *graph) {
    struct scc s;
    if (!scc_find(&s, graph, true)) {
        scc_release(&s);
        return;
    }
    struct pk_vec owners = PK_VEC_INIT, edges = PK_VEC_INIT;
    for (size_t i = 0; i < graph->resources.len; i++) {
        struct pk_resource *node = graph->resources.items[i];
        for (size_t e = 0; e < node->edges.len; e++) {
            struct pk_edge *edge = node->edges.items[e];
            if (edge->strength == PK_EDGE_HARD || edge->dropped ||
                s.component[edge->to->index] != s.component[i])
                continue;
            edge->dropped = true;
            pk_vec_push(&owners, node);
            pk_vec_push(&edges, edge);
        }
    }
    unsigned *seen = pk_calloc(graph->resources.len + 1, sizeof(*seen));
    const struct pk_resource **queue =
        pk_calloc(graph->resources.len + 1, sizeof(struct pk_resource *));
    for (size_t i = 0; i < edges.len; i++) {
        struct pk_edge *edge = edges.items[i];
        edge->dropped = reaches(graph, &s, edge->to, owners.items[i], seen, (unsigned)i + 1, queue);
    }
    free(seen);
    free(queue);
    pk_vec_release(&owners);
    pk_vec_release(&edges);
    scc_release(&s);
}

/* --- hard cycles --- */

struct bfs {
    const struct pk_edge **came_by;
    const struct pk_resource **came_from;
    unsigned *seen;
    const struct pk_resource **queue;
    size_t *depth;
};

/* The shortest way from start back to itself that is shorter than `limit`; its last node, or
 * NULL. */
static const struct pk_resource *shortest_back(struct bfs *b, const struct scc *s,
                                               const struct pk_resource *start, unsigned mark,
                                               size_t limit) {
    size_t head = 0, tail = 0, inside = s->component[start->index];
    b->queue[tail++] = start;
    b->seen[start->index] = mark;
    b->depth[start->index] = 1;
    while (head < tail) {
        const struct pk_resource *node = b->queue[head++];
        if (b->depth[node->index] >= limit)
            return NULL;
        for (size_t i = 0; i < node->edges.len; i++) {
            const struct pk_edge *edge = node->edges.items[i];
            size_t to = edge->to->index;
            if (!follows(edge, false) || s->component[to] != inside)
                continue;
            if (edge->to == start)
                return node;
            if (b->seen[to] == mark)
                continue;
            b->seen[to] = mark;
            b->came_by[to] = edge;
            b->came_from[to] = node;
            b->depth[to] = b->depth[node->index] + 1;
            b->queue[tail++] = edge->to;
        }
    }
    return NULL;
}

static const struct pk_edge *hard_edge(const struct pk_resource *from,
                                       const struct pk_resource *to) {
    for (size_t i = 0; i < from->edges.len; i++) {
        const struct pk_edge *edge = from->edges.items[i];
        if (edge->to == to && follows(edge, false))
            return edge;
    }
    return NULL;
}

/* One related place per edge: which field of which node needs which node. */
static void report(struct pk_diags *diags, const struct pk_resource *const *nodes, size_t n) {
    struct pk_buf text = PK_BUF_INIT(65536);
    for (size_t i = 0; i <= n; i++)
        pk_buf_addf(&text, "%s%s", i ? " -> " : "", nodes[i % n]->key);
    const struct pk_edge *first = hard_edge(nodes[0], nodes[1 % n]);
    struct pk_span span = first->span.src ? first->span : nodes[0]->span;
    struct pk_diag *d = pk_diag(diags, PK_SEVERITY_ERROR, "ref.cycle", span,
                                "resources need each other: %s", pk_buf_cstr(&text));
    pk_diag_address(diags, d, "%s", nodes[0]->key);
    pk_buf_reset(&text);
    for (size_t i = 0; i < n; i++) {
        const struct pk_edge *edge = hard_edge(nodes[i], nodes[(i + 1) % n]);
        pk_buf_addf(&text, "%s%s needs %s because of its %s", i ? "\n" : "", nodes[i]->key,
                    edge->to->key, edge->why);
        if (i > 0)
            pk_diag_related(diags, d, edge->span.src ? edge->span : nodes[i]->span,
                            "%s needs %s: %s", nodes[i]->key, edge->to->key, edge->why);
    }
    pk_diag_detail(diags, d, "%s", pk_buf_cstr(&text));
    pk_diag_label(diags, d, "%s needs %s: %s", nodes[0]->key, first->to->key, first->why);
    pk_diag_help(diags, d,
                 "remove one of these references, so that one of the two can be made "
                 "first");
    pk_buf_release(&text);
}

static void report_shortest(const struct pk_graph *graph, const struct scc *s,
                            struct pk_diags *diags) {
    size_t n = graph->resources.len + 1, best_len = SIZE_MAX;
    struct bfs b = {pk_calloc(n, sizeof(struct pk_edge *)),
                    pk_calloc(n, sizeof(struct pk_resource *)), pk_calloc(n, sizeof(*b.seen)),
                    pk_calloc(n, sizeof(struct pk_resource *)), pk_calloc(n, sizeof(*b.depth))};
    const struct pk_resource **best = pk_calloc(n, sizeof(struct pk_resource *));
    for (size_t i = 0; i < graph->resources.len && best_len > 2; i++) {
        const struct pk_resource *start = graph->resources.items[i];
        if (s->component_size[s->component[i]] < 2)
            continue;
        const struct pk_resource *last = shortest_back(&b, s, start, (unsigned)i + 1, best_len);
        if (!last)
            continue;
        best_len = b.depth[last->index];
        for (size_t at = best_len; at > 0; at--) {
            best[at - 1] = last;
            last = b.came_from[last->index];
        }
    }
    report(diags, best, best_len);
    free(best);
    free(b.came_by);
    free(b.came_from);
    free(b.seen);
    free(b.queue);
    free(b.depth);
}

bool pk_graph_check_cycles(struct pk_graph *graph, struct pk_diags *diags) {
    drop_soft_edges(graph);
    struct scc s;
    bool cyclic = scc_find(&s, graph, false);
    if (cyclic)
        report_shortest(graph, &s, diags);
    scc_release(&s);
    return !cyclic;
}

/* --- order --- */

enum visit { NEW, OPEN, CLOSED };

/* Depth first, dependencies before dependents, otherwise in order of insertion: the resources of a
 * component stay together. */
struct pk_resource **pk_graph_order(const struct pk_graph *graph, size_t *ret_n) {
    size_t n = graph->resources.len, done = 0, depth;
    struct pk_resource **order = pk_calloc(n + 1, sizeof(struct pk_resource *));
    struct frame *frames = pk_calloc(n + 1, sizeof(*frames));
    unsigned char *visits = pk_calloc(n + 1, 1);
    for (size_t i = 0; i < n; i++) {
        if (visits[i] != NEW)
            continue;
        visits[i] = OPEN;
        frames[0] = (struct frame){graph->resources.items[i], 0};
        for (depth = 1; depth > 0;) {
            struct frame *top = &frames[depth - 1];
            if (top->next_edge == top->node->edges.len) {
                visits[top->node->index] = CLOSED;
                order[done++] = graph->resources.items[top->node->index];
                depth--;
                continue;
            }
            const struct pk_edge *edge = top->node->edges.items[top->next_edge++];
            if (edge->dropped)
                continue;
            pk_assert(visits[edge->to->index] != OPEN); /* the caller has checked for cycles */
            if (visits[edge->to->index] == NEW) {
                visits[edge->to->index] = OPEN;
                frames[depth++] = (struct frame){edge->to, 0};
            }
        }
    }
    free(frames);
    free(visits);
    *ret_n = n;
    return order;
}

unsigned *pk_graph_waves(const struct pk_graph *graph, unsigned *ret_n_waves) {
    size_t n;
    struct pk_resource **order = pk_graph_order(graph, &n);
    unsigned *waves = pk_calloc(n + 1, sizeof(*waves)), n_waves = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned wave = 0;
        for (size_t e = 0; e < order[i]->edges.len; e++) {
            const struct pk_edge *edge = order[i]->edges.items[e];
            if (!edge->dropped && waves[edge->to->index] + 1 > wave)
                wave = waves[edge->to->index] + 1;
        }
        waves[order[i]->index] = wave;
        if (wave + 1 > n_waves)
            n_waves = wave + 1;
    }
    free(order);
    *ret_n_waves = n_waves;
    return waves;
}
