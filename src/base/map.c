/*
 * map.c - the map of vec.h: an array of entries in order of insertion, and a table of indexes into
 * it (open addressing, linear probing, at most half full). A removed entry stays as a dead one
 * (key NULL) until the next rebuild, so that probing goes on past it.
 */
#include "base/hash.h"
#include "base/mem.h"
#include "base/vec.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define EMPTY UINT32_MAX
#define FIRST_SLOTS 16

struct entry {
    char *key;
    void *value;
    uint64_t hash;
};

struct pk_map {
    struct entry *entries;
    size_t n_entries; /* dead ones too */
    size_t n_live;
    uint32_t *slots;
    size_t n_slots; /* a power of two, or 0 */
};

/* Keys come from users' files and from AWS: a secret seed keeps anyone from choosing colliding
 * ones. */
static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void seed_make(void) {
    pk_random_bytes(seed, sizeof(seed));
}

static uint64_t rotl(uint64_t x, unsigned bits) {
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4]) {
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012; the reduced rounds are what Rust and Python use). */
static uint64_t hash_key(const char *key, size_t len) {
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575U, seed[1] ^ 0x646f72616e646f6dU,
                     seed[0] ^ 0x6c7967656e657261U, seed[1] ^ 0x7465646279746573U};
    uint64_t word;
    size_t left = len;
    for (; left >= sizeof(word); left -= sizeof(word), key += sizeof(word)) {
        memcpy(&word, key, sizeof(word));
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    memcpy(&word, key, left);
    word ^= (uint64_t)len << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct pk_map *pk_map_new(void) {
    pthread_once(&seed_once, seed_make);
    return pk_calloc(1, sizeof(struct pk_map));
}

void pk_map_free(struct pk_map *map) {
    if (map == NULL) {
        return;
    }
    for (size_t i = 0; i < map->n_entries; i++) {
        free(map->entries[i].key);
    }
    free(map->entries);
    free(map->slots);
    free(map);
}

void pk_map_freep(struct pk_map **map) {
    pk_map_free(*map);
    *map = NULL;
}

static struct entry *find(const struct pk_map *map, const char *key, uint64_t hash) {
    if (map->n_slots == 0) {
        return NULL;
    }
    size_t mask = map->n_slots - 1;
    for (size_t i = hash & mask; map->slots[i] != EMPTY; i = (i + 1) & mask) {
        struct entry *entry = &map->entries[map->slots[i]];
        if (entry->hash == hash && entry->key != NULL && strcmp(entry->key, key) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void place(struct pk_map *map, size_t index) {
    size_t mask = map->n_slots - 1;
    size_t i = map->entries[index].hash & mask;
    while (map->slots[i] != EMPTY) {
        i = (i + 1) & mask;
    }
    map->slots[i] = (uint32_t)index;
}

/* Makes room for one more entry: drops the dead ones, and doubles when the live ones need it. */
static void rebuild(struct pk_map *map) {
    size_t n_slots = map->n_slots == 0 ? FIRST_SLOTS : map->n_slots;
    if (map->n_live >= n_slots / 4) {
        n_slots *= 2;
    }
    pk_assert(n_slots / 2 < EMPTY);
    size_t n = 0;
    for (size_t i = 0; i < map->n_entries; i++) {
        if (map->entries[i].key != NULL) {
            map->entries[n++] = map->entries[i];
        }
    }
    map->n_entries = n;
    map->n_slots = n_slots;
    map->entries = pk_realloc(map->entries, n_slots / 2, sizeof(*map->entries));
    map->slots = pk_realloc(map->slots, n_slots, sizeof(*map->slots));
    memset(map->slots, 0xff, n_slots * sizeof(*map->slots));
    for (size_t i = 0; i < n; i++) {
        place(map, i);
    }
}

void *pk_map_get(const struct pk_map *map, const char *key) {
    const struct entry *entry = find(map, key, hash_key(key, strlen(key)));
    return entry == NULL ? NULL : entry->value;
}

bool pk_map_has(const struct pk_map *map, const char *key) {
    return pk_map_get(map, key) != NULL;
}

void *pk_map_set(struct pk_map *map, const char *key, void *value) {
    pk_assert(value != NULL);
    size_t len = strlen(key);
    uint64_t hash = hash_key(key, len);
    struct entry *entry = find(map, key, hash);
    if (entry != NULL) {
        void *old = entry->value;
        entry->value = value;
        return old;
    }
    if (map->n_entries >= map->n_slots / 2) {
        rebuild(map);
    }
    map->entries[map->n_entries] = (struct entry){pk_strndup(key, len), value, hash};
    place(map, map->n_entries);
    map->n_entries++;
    map->n_live++;
    return NULL;
}

void *pk_map_remove(struct pk_map *map, const char *key) {
    struct entry *entry = find(map, key, hash_key(key, strlen(key)));
    if (entry == NULL) {
        return NULL;
    }
    void *value = entry->value;
    free(entry->key);
    entry->key = NULL;
    entry->value = NULL;
    map->n_live--;
    return value;
}

size_t pk_map_len(const struct pk_map *map) {
    return map->n_live;
}

bool pk_map_next(const struct pk_map *map, size_t *cursor, const char **ret_key, void **ret_value) {
    while (*cursor < map->n_entries && map->entries[*cursor].key == NULL) {
        (*cursor)++;
    }
    if (*cursor >= map->n_entries) {
        return false;
    }
    const struct entry *entry = &map->entries[(*cursor)++];
    if (ret_key != NULL) {
        *ret_key = entry->key;
    }
    if (ret_value != NULL) {
        *ret_value = entry->value;
    }
    return true;
}
