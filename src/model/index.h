/*
 * index.h - a project with the maps that find its components by name. Internal to model/.
 *
 * Layer 2. Part of the project's memory.
 */
#ifndef PK_MODEL_INDEX_H
#define PK_MODEL_INDEX_H

#include "model/project.h"

struct pk_index {
    struct pk_project project;
    struct pk_map *by_address; /* struct pk_component; also of kinds that are not offered */
    struct pk_map *by_name;    /* struct pk_vec (malloc'ed) of struct pk_component */
};

/* An empty project; every pk_project is made here. */
struct pk_project *pk_project_new(void);
struct pk_index *pk_index_of(const struct pk_project *project);

#endif
