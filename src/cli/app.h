/*
 * app.h - what every command gets: global flags, settings, output.
 *
 * Layer 10.
 */
#ifndef PK_CLI_APP_H
#define PK_CLI_APP_H

#include "base/cancel.h"
#include "config/settings.h"
#include "ui/ui.h"

struct pk_global_args {
    int64_t verbose; /* count of -v */
    bool quiet, no_color, json, help, yes_version;
    const char *config, *backend_bucket, *backend_region, *lock_table, *endpoint_url, *format,
        *tenant, *region, *profile, *output;
};

struct pk_app {
    struct pk_global_args global;
    struct pk_ui *ui;
    struct pk_cancel *cancel; /* raised by SIGINT, SIGTERM */
    const char *program;      /* argv[0]'s base name */
};

#endif
