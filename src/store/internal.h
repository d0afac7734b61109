/*
 * internal.h - what the files of store/ share.
 *
 * Layer 6. Internal to store/.
 */
#ifndef PK_STORE_INTERNAL_H
#define PK_STORE_INTERNAL_H

#include "store/store.h"

/* Names by the rule of documents: `[a-z](-?[a-z0-9])*`, at most max characters. */
bool pk_key_part_ok(const char *part, size_t max);
/* A relative key of ASCII letters, digits and -_./ without empty, "." or ".." parts. */
bool pk_key_ok(const char *key);

/* The error of an S3 call on `what` ("s3://bucket/key"), explained; returns false. */
bool pk_s3_explain(const char *bucket, const char *what, struct pk_error **err);

/* True when the same call may succeed later: network, time-out, throttling, server errors. */
bool pk_store_retryable(const struct pk_error *error);
/* True when the call may have been executed although it failed. */
bool pk_store_unsure(const struct pk_error *error);

/* Key of the copy of a state's text: history/<time>-<serial>-<writeId> beside `state_key`. The time
 * is the document's own (metadata.updatedAt), so that two runs copy one text to one key. malloc'ed;
 * NULL when the text is no state. */
char *pk_history_key(const char *state_key, const char *text, size_t len, int64_t now_s);

#endif
