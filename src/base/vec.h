/*
 * vec.h - a growable array of pointers, and a hash map from text to pointer.
 *
 * Layer 0. Neither owns what it points to. The map copies its keys; iteration is in order of
 * insertion (removal keeps the order of the rest), so everything printed from a map is stable.
 */
#ifndef PK_BASE_VEC_H
#define PK_BASE_VEC_H

#include "base/base.h"

struct pk_vec {
    void **items;
    size_t len;
    size_t cap;
};

#define PK_VEC_INIT                                                                                \
    { NULL, 0, 0 }

void pk_vec_push(struct pk_vec *vec, void *item);
void *pk_vec_pop(struct pk_vec *vec); /* NULL when empty */
void pk_vec_release(struct pk_vec *vec);
/* Stable; compare gets two items, not pointers to them. */
void pk_vec_sort(struct pk_vec *vec, int (*compare)(const void *item_a, const void *item_b));

struct pk_map;
struct pk_map *pk_map_new(void);
void pk_map_free(struct pk_map *map); /* NULL is fine */
void pk_map_freep(struct pk_map **map);
void *pk_map_get(const struct pk_map *map, const char *key); /* NULL when absent */
bool pk_map_has(const struct pk_map *map, const char *key);
/* Sets or replaces; returns the value that was there before, or NULL. `value` may be any pointer
 * but NULL. */
void *pk_map_set(struct pk_map *map, const char *key, void *value);
void *pk_map_remove(struct pk_map *map, const char *key); /* the removed value or NULL */
size_t pk_map_len(const struct pk_map *map);
/* Start with *cursor = 0; returns false at the end. The map must not change while it is walked,
 * except that values may be replaced. ret_key and ret_value may be NULL. */
bool pk_map_next(const struct pk_map *map, size_t *cursor, const char **ret_key, void **ret_value);

#endif
