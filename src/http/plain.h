/*
 * plain.h - which URLs may be asked without TLS.
 *
 * Layer 4, inside http/. Pure functions.
 */
#ifndef PK_HTTP_PLAIN_H
#define PK_HTTP_PLAIN_H

#include "base/error.h"

/* True for https, and for http to a loopback host or, with `metadata`, to one of the fixed
 * addresses of the AWS metadata services. Otherwise a CONFIG error naming the host. */
PK_NODISCARD bool pk_http_url_allowed(const char *url, bool metadata, struct pk_error **err);

#endif
