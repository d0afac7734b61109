/* plan_file.c - a plan to be applied later: what it was made from, not what it says. */
#include "plan/plan.h"

#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define PLAN_FORMAT 1
#define MAX_PLAN ((size_t)64 << 20)

char *pk_plan_file_dump(const struct pk_plan_file *file, size_t *ret_len) {
    json_t *o = json_object();
    pk_json_put_str(o, "kind", "panka-plan");
    pk_json_put_int(o, "formatVersion", PLAN_FORMAT);
    pk_json_put_str(o, "createdAt", file->created_at);
    pk_json_put_int(o, "serial", file->serial);
    pk_json_put_str(o, "lineage", file->lineage);
    pk_json_put_str(o, "inputsSha256", file->inputs_sha256);
    json_object_set(o, "identity", file->identity ? file->identity : json_null());
    json_object_set(o, "options", file->options ? file->options : json_null());
    json_object_set_new(o, "graph", pk_graph_to_json(file->graph));
    char *text = pk_json_pretty(o);
    json_decref(o);
    if (ret_len)
        *ret_len = strlen(text);
    return text;
}

static char *text_of(const json_t *o, const char *name) {
    return pk_strdup(pk_json_str(o, name, ""));
}

static bool check(const json_t *o, const char *what, struct pk_error **err) {
    if (!pk_streq(pk_json_str(o, "kind", NULL), "panka-plan"))
        return pk_fail(err, PK_E_BAD_RESPONSE, "%s is no plan of panka", what);
    int64_t format = pk_json_int(o, "formatVersion", 0);
    if (format != PLAN_FORMAT)
        return pk_fail(err, PK_E_PLAN_STALE, "%s was written by another version of panka", what);
    if (!json_is_integer(json_object_get(o, "serial")) ||
        !json_is_object(json_object_get(o, "identity")) ||
        !json_is_string(json_object_get(o, "lineage")))
        return pk_fail(err, PK_E_BAD_RESPONSE,
                       "%s does not say which stack and which state it was made for", what);
    return true;
}

static bool parse_graph(const json_t *o, const char *what, struct pk_graph **ret,
                        struct pk_error **err) {
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_graph *graph = NULL;
    if (!pk_graph_from_json(json_object_get(o, "graph"), &graph, err))
        return pk_wrap(err, "%s", what);
    if (!pk_graph_check_cycles(graph, diags)) {
        pk_graph_free(graph);
        return pk_fail(err, PK_E_BAD_RESPONSE, "%s: %s", what, pk_diags_at(diags, 0)->message);
    }
    *ret = graph;
    return true;
}

bool pk_plan_file_parse(const char *text, size_t len, const char *what, struct pk_plan_file *ret,
                        struct pk_error **err) {
    json_t *o = NULL;
    struct pk_graph *graph = NULL;
    if (len > MAX_PLAN)
        return pk_fail(err, PK_E_BAD_RESPONSE, "%s is larger than a plan can be", what);
    if (!pk_json_parse(text, len, what, &o, err))
        return false;
    bool ok = check(o, what, err) && parse_graph(o, what, &graph, err);
    if (ok)
        *ret = (struct pk_plan_file){
            .graph = graph,
            .identity = json_deep_copy(json_object_get(o, "identity")),
            .serial = pk_json_int(o, "serial", 0),
            .lineage = text_of(o, "lineage"),
            .inputs_sha256 = text_of(o, "inputsSha256"),
            .created_at = text_of(o, "createdAt"),
            .options = json_is_object(json_object_get(o, "options"))
                           ? json_deep_copy(json_object_get(o, "options"))
                           : json_object(),
        };
    json_decref(o);
    return ok;
}

void pk_plan_file_release(struct pk_plan_file *file) {
    pk_graph_free(file->graph);
    json_decref(file->identity);
    json_decref(file->options);
    free(file->lineage);
    free(file->inputs_sha256);
    free(file->created_at);
    memset(file, 0, sizeof(*file));
}
