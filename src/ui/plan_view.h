/*
 * plan_view.h - a plan for people, for machines and for pull requests.
 *
 * Layer 9.
 */
#ifndef PK_UI_PLAN_VIEW_H
#define PK_UI_PLAN_VIEW_H

#include "ops/deploy.h"
#include "ui/ui.h"

/* full: property differences of every resource below the summary. saved_to: path of the plan file
 * or NULL. */
void pk_ui_plan(struct pk_ui *ui, const struct pk_deployment *d, bool full, const char *saved_to);
/* The JSON document of a plan; diagnostics included. New reference. */
json_t *pk_ui_plan_json(const struct pk_deployment *d, const struct pk_diags *diags);
/* "3 to create, 1 to change" in components and resources; malloc'ed. */
char *pk_ui_plan_summary(const struct pk_deployment *d);

#endif
