/*
 * json.h - helpers over jansson: strict loading, canonical form, typed access, paths, tokens.
 *
 * Layer 1. Values are reference-counted by jansson; "new reference" results belong to the caller
 * (json_decref or json_auto_t). Objects are not locked: one thread at a time.
 */
#ifndef PK_JSON_JSON_H
#define PK_JSON_JSON_H

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#include <jansson.h>

/* Strict parse (duplicate keys refused, at most max bytes, depth as jansson); `what` names the text
 * in the error. */
PK_NODISCARD bool pk_json_parse(const char *text, size_t len, const char *what, json_t **ret,
                                struct pk_error **err);
/* Sorted keys, no spaces, shortest numbers: equal values give equal bytes. malloc'ed. */
char *pk_json_canonical(const json_t *value);
char *
pk_json_pretty(const json_t *value); /* 2 spaces, key order kept; malloc'ed, ends with a newline */
void pk_json_sha256(const json_t *value,
                    char ret[static PK_SHA256_HEX_SIZE]); /* of the canonical form */
bool pk_json_equal(const json_t *a,
                   const json_t *b); /* numbers by value; NULL equals NULL or json null */

/* Typed access by dotted path with indexes ("a.b[2].c"); the default when absent or of another
 * type. */
json_t *pk_json_at(const json_t *root, const char *path); /* borrowed or NULL */
const char *pk_json_str(const json_t *root, const char *path, const char *fallback);
int64_t pk_json_int(const json_t *root, const char *path, int64_t fallback);
bool pk_json_bool(const json_t *root, const char *path, bool fallback);
/* Sets at a dotted path, making objects on the way (no list indexes); steals value. */
void pk_json_put(json_t *root, const char *path, json_t *value);
void pk_json_put_str(json_t *root, const char *path, const char *text); /* NULL text sets nothing */
void pk_json_put_int(json_t *root, const char *path, int64_t value);
void pk_json_put_bool(json_t *root, const char *path, bool value);
/* json_string that asserts valid UTF-8; invalid bytes are replaced by U+FFFD. */
json_t *pk_json_text(const char *text);
json_t *pk_json_textf(const char *fmt, ...) PK_PRINTF(1, 2);
/* Sorts a list of strings and drops repeats, in place. */
void pk_json_sort_strings(json_t *list);

/*
 * Tokens: values that are not known before something else exists. They stand anywhere inside
 * properties.
 *   {"$ref": key, "attr": name}          attribute `name` of resource node `key` ("Ref" = the
 * physical id)
 *   {"$join": [text or token, …]}        concatenation
 *   {"$secretArn": name}                 full ARN of a Secrets Manager secret, looked up before
 * planning
 *   {"$secret": name or ARN, "key": k?}  the secret's value: only the provider reads it, during the
 * call
 *   {"$file": path, "sha256": hex}       bytes of a local file, sent during the call
 *   {"$out": component address, "output": name}   only inside specs, before expansion
 */
json_t *pk_token_ref(const char *key, const char *attr);
bool pk_token_is(const json_t *value, const char *kind); /* kind = "$ref", "$join", … */
/* Calls fn for every token of that kind inside value (depth first). */
void pk_token_each(json_t *value, const char *kind, void (*fn)(void *ctx, json_t *token),
                   void *ctx);
bool pk_token_inside(const json_t *value); /* any $ref, $join or $secretArn left */
/*
 * A deep copy with tokens replaced: resolve() returns a new reference for a token ($ref,
 * $secretArn), or NULL to leave it. $join becomes text when all of its parts did. New reference.
 */
json_t *pk_token_resolve(const json_t *value, json_t *(*resolve)(void *ctx, const json_t *token),
                         void *ctx);

#endif
