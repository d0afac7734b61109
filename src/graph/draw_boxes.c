/*
 * draw_boxes.c - boxes joined by lines, for drawings that fit the width.
 *
 * One row of boxes per layer, what is needed above what needs it. Every edge has a line of its own:
 * down from its own port, along a track between the rows, down to its own port. Edges that skip a
 * layer run down a lane to the right of all boxes. Out ports are on even columns and in ports on
 * odd ones, so lines cross but never run into each other.
 */
#include "graph/draw.h"

#include <stdlib.h>
#include <string.h>

#define GAP 2 /* columns between boxes */

struct box {
    size_t x, width, n_in, n_out, next_in, next_out;
    char *label;
};

/* One line between the rows `gap` and `gap` + 1. */
struct wire {
    unsigned gap;
    size_t from_x, to_x, track;
    bool arrow; /* ends at a box */
};

struct edge {
    size_t from, to; /* `from` is needed by `to` */
    size_t lane;     /* column, for edges that skip a layer; 0 = none */
};

struct sheet {
    const struct pk_drawing *d;
    struct box *boxes;
    struct edge *edges;
    size_t n_edges;
    struct wire *wires;
    size_t n_wires;
    size_t right, width; /* first column right of all boxes; all columns */
    size_t *tracks;      /* per gap */
    size_t *tops;        /* first line of each row of boxes */
    size_t n_lines;
    unsigned char *cells; /* lines that leave a cell: bits */
    unsigned row_height;
};

enum { UP = 1, DOWN = 2, LEFT = 4, RIGHT = 8, HEAD = 16 };

static void measure(struct sheet *s) {
    const struct pk_drawing *d = s->d;
    for (size_t i = 0; i < d->n_nodes; i++) {
        struct box *box = &s->boxes[i];
        box->label = pk_draw_label(d, &d->nodes[i]);
        size_t text = pk_draw_columns(box->label), ports;
        if (d->nodes[i].sublabel && pk_draw_columns(d->nodes[i].sublabel) > text)
            text = pk_draw_columns(d->nodes[i].sublabel);
        ports = 2 * (box->n_in > box->n_out ? box->n_in : box->n_out) + 1;
        box->width = (text + 2 > ports ? text + 2 : ports) + 2;
        box->width += box->width % 2; /* keeps the parity of ports */
    }
}

static void collect_edges(struct sheet *s) {
    const struct pk_drawing *d = s->d;
    for (size_t i = 0; i < d->n_nodes; i++)
        for (size_t k = 0; k < d->nodes[i].n_needs; k++) {
            size_t from = d->nodes[i].needs[k];
            if (d->layers[from] >= d->layers[i])
                continue; /* part of a cycle */
            s->edges[s->n_edges++] = (struct edge){from, i, 0};
            s->boxes[from].n_out++;
            s->boxes[i].n_in++;
        }
}

/* Boxes side by side, every layer centred; false when a layer is too wide. */
static bool place_boxes(struct sheet *s) {
    const struct pk_drawing *d = s->d;
    size_t widest = 0;
    size_t *widths = pk_calloc(d->n_layers + 1, sizeof(*widths));
    for (size_t i = 0; i < d->n_nodes; i++)
        widths[d->layers[i]] += s->boxes[i].width + GAP;
    for (unsigned l = 0; l < d->n_layers; l++)
        if (widths[l] > widest)
            widest = widths[l];
    size_t *next = pk_calloc(d->n_layers + 1, sizeof(*next));
    for (unsigned l = 0; l < d->n_layers; l++)
        next[l] = (widest - widths[l]) / 4 * 2; /* even */
    for (size_t i = 0; i < d->n_nodes; i++) {
        s->boxes[i].x = next[d->layers[i]];
        next[d->layers[i]] += s->boxes[i].width + GAP;
    }
    free(widths);
    free(next);
    s->right = s->width = widest;
    return widest <= d->width + GAP;
}

static void add_wire(struct sheet *s, unsigned gap, size_t from_x, size_t to_x, bool arrow) {
    s->wires[s->n_wires++] = (struct wire){gap, from_x, to_x, 0, arrow};
}

/* The k-th of n ports, spread over the box, on columns of the given parity. */
static size_t port(const struct box *box, size_t k, size_t n, size_t parity) {
    size_t room = (box->width - 2) / 2; /* columns of that parity inside the frame */
    size_t at = room * (2 * k + 1) / (2 * n);
    return box->x + 2 * at + (parity ? 1 : 2);
}

/* Ports are handed out in order of the other end, which saves crossings. */
static int by_ends(const void *a, const void *b) {
    const struct edge *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static void place_wires(struct sheet *s) {
    const struct pk_drawing *d = s->d;
    size_t lane = s->right + s->right % 2;
    if (s->n_edges > 0)
        qsort(s->edges, s->n_edges, sizeof(*s->edges), by_ends);
    for (size_t i = 0; i < s->n_edges; i++) {
        struct edge *e = &s->edges[i];
        struct box *from = &s->boxes[e->from], *to = &s->boxes[e->to];
        size_t from_x = port(from, from->next_out++, from->n_out, 0);
        size_t to_x = port(to, to->next_in++, to->n_in, 1);
        unsigned first = d->layers[e->from], last = d->layers[e->to] - 1;
        if (first == last) {
            add_wire(s, first, from_x, to_x, true);
            continue;
        }
        e->lane = lane;
        lane += 2;
        s->width = lane;
        add_wire(s, first, from_x, e->lane, false);
        add_wire(s, last, e->lane, to_x, true);
    }
}

static size_t low(const struct wire *w) {
    return w->from_x < w->to_x ? w->from_x : w->to_x;
}

static size_t high(const struct wire *w) {
    return w->from_x < w->to_x ? w->to_x : w->from_x;
}

/* Wires that overlap get different tracks; the first track that is free is taken. */
static void place_tracks(struct sheet *s) {
    for (size_t i = 0; i < s->n_wires; i++) {
        struct wire *w = &s->wires[i];
        bool taken = true;
        while (taken) {
            taken = false;
            for (size_t k = 0; k < i && !taken; k++)
                taken = s->wires[k].gap == w->gap && s->wires[k].track == w->track &&
                        low(&s->wires[k]) <= high(w) && low(w) <= high(&s->wires[k]);
            if (taken)
                w->track++;
        }
        if (w->track + 1 > s->tracks[w->gap])
            s->tracks[w->gap] = w->track + 1;
    }
}

static unsigned char *cell(struct sheet *s, size_t line, size_t x) {
    return &s->cells[line * (s->width + 1) + x];
}

static void vertical(struct sheet *s, size_t x, size_t from, size_t to) {
    for (size_t line = from; line < to; line++) {
        *cell(s, line, x) |= DOWN;
        *cell(s, line + 1, x) |= UP;
    }
}

static void horizontal(struct sheet *s, size_t line, size_t from, size_t to) {
    for (size_t x = from; x < to; x++) {
        *cell(s, line, x) |= RIGHT;
        *cell(s, line, x + 1) |= LEFT;
    }
}

static void draw_wires(struct sheet *s) {
    const struct pk_drawing *d = s->d;
    for (size_t i = 0; i < s->n_wires; i++) {
        const struct wire *w = &s->wires[i];
        size_t above = s->tops[w->gap] + s->row_height - 1, below = s->tops[w->gap + 1];
        size_t line = above + 1 + w->track;
        vertical(s, w->from_x, above, line);
        horizontal(s, line, low(w), high(w));
        vertical(s, w->to_x, line, w->arrow ? below - 1 : below);
        if (w->arrow)
            *cell(s, below - 1, w->to_x) |= HEAD;
    }
    for (size_t i = 0; i < s->n_edges; i++) {
        const struct edge *e = &s->edges[i];
        if (e->lane)
            vertical(s, e->lane, s->tops[d->layers[e->from] + 1],
                     s->tops[d->layers[e->to] - 1] + s->row_height - 1);
    }
}

static const char *glyph(unsigned char bits, bool unicode) {
    static const char *const lines[16] = {" ", "│", "│", "│", "─", "┘", "┐", "┤",
                                          "─", "└", "┌", "├", "─", "┴", "┬", "┼"};
    if (bits & HEAD)
        return unicode ? "▼" : "v";
    if (unicode)
        return lines[bits & 15];
    bool up_down = bits & (UP | DOWN), left_right = bits & (LEFT | RIGHT);
    return up_down && left_right ? "+" : up_down ? "|" : left_right ? "-" : " ";
}

static void frame_line(struct sheet *s, const struct box *box, size_t line, bool top) {
    const struct pk_drawing *d = s->d;
    for (size_t x = box->x; x < box->x + box->width; x++) {
        unsigned char bits = *cell(s, line, x);
        bool first = x == box->x, last = x + 1 == box->x + box->width;
        if (first || last)
            pk_buf_addz(d->out, !d->unicode ? "+" : first ? (top ? "┌" : "└") : (top ? "┐" : "┘"));
        else if (!top && (bits & DOWN))
            pk_buf_addz(d->out, d->unicode ? "┬" : "+");
        else
            pk_buf_addz(d->out, d->unicode ? "─" : "-");
    }
}

static void text_line(const struct sheet *s, const struct box *box, const char *text) {
    const struct pk_drawing *d = s->d;
    size_t room = box->width - 2, columns = pk_draw_columns(text), left = (room - columns) / 2;
    pk_buf_addz(d->out, d->unicode ? "│" : "|");
    pk_buf_addf(d->out, "%*s%s%*s", (int)left, "", text, (int)(room - columns - left), "");
    pk_buf_addz(d->out, d->unicode ? "│" : "|");
}

static void box_line(struct sheet *s, size_t node, size_t line, size_t row_line) {
    const struct box *box = &s->boxes[node];
    const char *sublabel = s->d->nodes[node].sublabel;
    if (row_line == 0 || row_line + 1 == s->row_height)
        frame_line(s, box, line, row_line == 0);
    else
        text_line(s, box, row_line == 1 ? box->label : sublabel ? sublabel : "");
}

/* Index of the layer whose boxes are on this line, or n_layers. */
static unsigned layer_at(const struct sheet *s, size_t line) {
    for (unsigned l = 0; l < s->d->n_layers; l++)
        if (line >= s->tops[l] && line < s->tops[l] + s->row_height)
            return l;
    return s->d->n_layers;
}

static void print_line(struct sheet *s, size_t line) {
    const struct pk_drawing *d = s->d;
    unsigned layer = layer_at(s, line);
    size_t x = 0, last = s->width;
    size_t start = d->out->len;
    for (size_t i = 0; layer < d->n_layers && i < d->n_nodes; i++) {
        if (d->layers[i] != layer)
            continue;
        for (; x < s->boxes[i].x; x++)
            pk_buf_addc(d->out, ' ');
        box_line(s, i, line, line - s->tops[layer]);
        x += s->boxes[i].width;
    }
    for (; x < last; x++)
        pk_buf_addz(d->out, glyph(*cell(s, line, x), d->unicode));
    while (d->out->len > start && d->out->ptr[d->out->len - 1] == ' ')
        d->out->ptr[--d->out->len] = 0;
    pk_buf_addc(d->out, '\n');
}

static void print(struct sheet *s) {
    const struct pk_drawing *d = s->d;
    size_t line = 0;
    for (unsigned l = 0; l < d->n_layers; l++) {
        s->tops[l] = line;
        line += s->row_height + (l + 1 < d->n_layers ? s->tracks[l] + 1 : 0);
    }
    s->n_lines = line;
    s->cells = pk_calloc((s->n_lines + 1) * (s->width + 1), 1);
    draw_wires(s);
    for (line = 0; line < s->n_lines; line++)
        print_line(s, line);
    free(s->cells);
}

bool pk_draw_boxes(const struct pk_drawing *d) {
    struct sheet s = {.d = d, .row_height = 3};
    size_t n_edges = 0;
    for (size_t i = 0; i < d->n_nodes; i++) {
        n_edges += d->nodes[i].n_needs;
        if (d->nodes[i].sublabel && *d->nodes[i].sublabel)
            s.row_height = 4;
    }
    s.boxes = pk_calloc(d->n_nodes + 1, sizeof(*s.boxes));
    s.edges = pk_calloc(n_edges + 1, sizeof(*s.edges));
    s.wires = pk_calloc(2 * n_edges + 1, sizeof(*s.wires));
    s.tracks = pk_calloc(d->n_layers + 1, sizeof(*s.tracks));
    s.tops = pk_calloc(d->n_layers + 1, sizeof(*s.tops));
    collect_edges(&s);
    measure(&s);
    bool fits = place_boxes(&s);
    if (fits) {
        place_wires(&s);
        fits = s.width <= d->width + GAP;
    }
    if (fits) {
        place_tracks(&s);
        print(&s);
    }
    for (size_t i = 0; i < d->n_nodes; i++)
        free(s.boxes[i].label);
    free(s.boxes);
    free(s.edges);
    free(s.wires);
    free(s.tracks);
    free(s.tops);
    return fits;
}
