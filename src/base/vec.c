/* vec.c - the growable array of vec.h. */
#include "base/vec.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void pk_vec_push(struct pk_vec *vec, void *item) {
    if (vec->len == vec->cap) {
        vec->cap = vec->cap == 0 ? 8 : vec->cap * 2;
        vec->items = pk_realloc(vec->items, vec->cap, sizeof(*vec->items));
    }
    vec->items[vec->len++] = item;
}

void *pk_vec_pop(struct pk_vec *vec) {
    return vec->len == 0 ? NULL : vec->items[--vec->len];
}

void pk_vec_release(struct pk_vec *vec) {
    free(vec->items);
    *vec = (struct pk_vec)PK_VEC_INIT;
}

static void merge(void **items, void **spare, size_t middle, size_t end,
                  int (*compare)(const void *, const void *)) {
    memcpy(spare, items, middle * sizeof(*items));
    size_t left = 0;
    size_t right = middle;
    size_t out = 0;
    while (left < middle) {
        if (right < end && compare(items[right], spare[left]) < 0) {
            items[out++] = items[right++];
        } else {
            items[out++] = spare[left++];
        }
    }
}

/* A merge sort of our own because qsort promises no order for equal items, and what people see
 * must not depend on the C library. */
void pk_vec_sort(struct pk_vec *vec, int (*compare)(const void *item_a, const void *item_b)) {
    if (vec->len < 2) {
        return;
    }
    void **spare = pk_calloc(vec->len, sizeof(*spare));
    for (size_t width = 1; width < vec->len; width *= 2) {
        for (size_t start = 0; width < vec->len - start; start += 2 * width) {
            void **part = vec->items + start;
            size_t left = vec->len - start;
            size_t end = left < 2 * width ? left : 2 * width;
            if (compare(part[width - 1], part[width]) > 0) {
                merge(part, spare, width, end, compare);
            }
            if (end == left) {
                break;
            }
        }
    }
    free(spare);
}
