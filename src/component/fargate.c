/* fargate.c - the pairs of CPU and memory that Fargate offers. */
#include "component/fargate.h"

#include "base/str.h"

struct row {
    int64_t cpu, from, to, step; /* MiB */
};

/* https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html */
static const struct row rows[] = {
    {256, 512, 2048, 0}, /* 512, 1024, 2048: doubling */
    {512, 1024, 4096, 1024},   {1024, 2048, 8192, 1024},   {2048, 4096, 16384, 1024},
    {4096, 8192, 30720, 1024}, {8192, 16384, 61440, 4096}, {16384, 32768, 122880, 8192},
};

static const struct row *row_of(int64_t cpu) {
    for (size_t i = 0; i < PK_ARRAY_LEN(rows); i++)
        if (rows[i].cpu == cpu)
            return &rows[i];
    return NULL;
}

static int64_t next_of(const struct row *row, int64_t memory) {
    return row->step ? memory + row->step : memory * 2;
}

bool pk_fargate_fits(int64_t cpu, int64_t memory) {
    const struct row *row = row_of(cpu);
    for (int64_t m = row ? row->from : 1; row && m <= row->to; m = next_of(row, m))
        if (m == memory)
            return true;
    return false;
}

const char *pk_fargate_memory_of(struct pk_arena *arena, int64_t cpu) {
    const struct row *row = row_of(cpu);
    if (!row)
        return NULL;
    if (row->step)
        return pk_arena_printf(arena, "%lld to %lld in steps of %lld", (long long)row->from,
                               (long long)row->to, (long long)row->step);
    return "512, 1024, 2048";
}

const char *pk_fargate_cpus(struct pk_arena *arena) {
    char *text = pk_arena_strdup(arena, "");
    for (size_t i = 0; i < PK_ARRAY_LEN(rows); i++)
        text = pk_arena_printf(arena, "%s%s%lld", text, i ? ", " : "", (long long)rows[i].cpu);
    return text;
}

bool pk_fargate_smallest(int64_t cpu, int64_t memory, int64_t *ret_cpu, int64_t *ret_memory) {
    for (size_t i = 0; i < PK_ARRAY_LEN(rows); i++) {
        if (rows[i].cpu < cpu || rows[i].to < memory)
            continue;
        int64_t m = rows[i].from;
        while (m < memory)
            m = next_of(&rows[i], m);
        *ret_cpu = rows[i].cpu;
        *ret_memory = m;
        return true;
    }
    return false;
}
