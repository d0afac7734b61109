/* node.c - looking things up in a tree. */
#include "yaml/yaml.h"

#include <string.h>

struct pk_pair *pk_node_pair(const struct pk_node *map, const char *key) {
    if (!map || map->kind != PK_NODE_MAP)
        return NULL;
    for (size_t i = 0; i < map->n_pairs; i++)
        if (strcmp(map->pairs[i].key, key) == 0)
            return &map->pairs[i];
    return NULL;
}

struct pk_node *pk_node_get(const struct pk_node *map, const char *key) {
    const struct pk_pair *pair = pk_node_pair(map, key);
    return pair ? pair->value : NULL;
}

const char *pk_node_text(const struct pk_node *map, const char *key) {
    const struct pk_node *node = pk_node_get(map, key);
    return node && node->kind == PK_NODE_SCALAR ? node->text : NULL;
}
