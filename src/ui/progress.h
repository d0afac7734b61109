/*
 * progress.h - a running deployment: live lines on a terminal, plain lines in CI, JSON events for
 * machines.
 *
 * Layer 9. Coordinator thread only.
 */
#ifndef PK_UI_PROGRESS_H
#define PK_UI_PROGRESS_H

#include "engine/engine.h"
#include "ui/ui.h"

struct pk_progress_view;
struct pk_progress_view *pk_progress_new(struct pk_ui *ui,
                                         const char *verb);       /* "Deploying", "Destroying" */
void pk_progress_event(void *view, const struct pk_event *event); /* a pk_event_fn */
void pk_progress_free(struct pk_progress_view *view);             /* wipes the live lines */

#endif
