/* draw.h - what the drawings share. Internal to graph/. */
#ifndef PK_GRAPH_DRAW_H
#define PK_GRAPH_DRAW_H

#include "graph/graph.h"

struct pk_drawing {
    const struct pk_draw_node *nodes;
    size_t n_nodes;
    bool unicode;
    size_t width;
    unsigned *layers; /* 0 = needs nothing; cycles are cut */
    unsigned n_layers;
    struct pk_buf *out;
};

/* Columns that the text takes: code points. */
size_t pk_draw_columns(const char *text);
/* "+ label": the label with a mark for its colour; malloc'ed. */
char *pk_draw_label(const struct pk_drawing *d, const struct pk_draw_node *node);
/* Boxes joined by lines; false, with nothing written, when that does not fit the width. */
bool pk_draw_boxes(const struct pk_drawing *d);

#endif
