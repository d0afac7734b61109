/* session.c - who is logged in on this machine: ~/.panka/session and ~/.panka/admin-session. */
#include "tenant/internal.h"

#include "base/clock.h"
#include "base/fs.h"
#include "config/settings.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE 65536

void pk_session_release(struct pk_session *session) {
    free(session->tenant);
    free(session->user);
    free(session->bucket);
    free(session->region);
    free(session->lock_table);
    free(session->account_id);
    memset(session, 0, sizeof(*session));
}

bool pk_private_dir(char **ret, struct pk_error **err) {
    char *dir PK_CLEANUP(pk_freep) = pk_panka_dir();
    struct stat st;
    if (!dir)
        return pk_fail(err, PK_E_IO, "the home folder is not known") ||
               pk_error_hint(err, "set HOME or PANKA_HOME");
    if (stat(dir, &st) != 0) {
        if (errno != ENOENT)
            return pk_fail_errno(err, errno, "%s", dir);
        *ret = pk_steal(&dir);
        return true;
    }
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
        return pk_fail(err, PK_E_IO, "%s must be a folder of yours that nobody else can write to",
                       dir) ||
               pk_error_hint(err, "chmod 700 %s", dir);
    *ret = pk_steal(&dir);
    return true;
}

static bool session_path(bool admin, char **ret, struct pk_error **err) {
    char *dir PK_CLEANUP(pk_freep) = NULL;
    if (!pk_private_dir(&dir, err))
        return false;
    *ret = pk_path_join(dir, admin ? "admin-session" : "session");
    return true;
}

static char *text_at(const json_t *o, const char *name) {
    const char *text = pk_json_str(o, name, NULL);
    return text ? pk_strdup(text) : NULL;
}

/* Names of a session become parts of keys: what no login wrote is refused. */
static bool is_sound(bool admin, const struct pk_session *s) {
    bool named = admin ? s->user != NULL : pk_key_tenant_ok(s->tenant ? s->tenant : "");
    return named && s->bucket && s->region && s->expires_at > 0;
}

static bool parse_session(bool admin, const char *path, const struct pk_buf *text,
                          struct pk_session *ret, struct pk_error **err) {
    json_t *o PK_CLEANUP(json_decrefp) = NULL;
    if (!pk_json_parse(pk_buf_cstr(text), text->len, path, &o, err))
        return false;
    struct pk_session s = {
        .tenant = text_at(o, "tenant"),
        .user = text_at(o, "user"),
        .bucket = text_at(o, "bucket"),
        .region = text_at(o, "region"),
        .lock_table = text_at(o, "lockTable"),
        .account_id = text_at(o, "accountId"),
        .started_at = pk_json_int(o, "startedAt", 0),
        .expires_at = pk_json_int(o, "expiresAt", 0),
        .rotations = pk_json_int(o, "rotations", 0),
    };
    if (!is_sound(admin, &s)) {
        pk_session_release(&s);
        return pk_fail(err, PK_E_LOGIN, "%s is no session", path) ||
               pk_error_hint(err, admin ? "panka admin login" : "panka login");
    }
    *ret = s;
    return true;
}

bool pk_session_load(bool admin, struct pk_session *ret, bool *ret_found, const char **ret_why,
                     struct pk_error **err) {
    char *path PK_CLEANUP(pk_freep) = NULL;
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    *ret_found = false;
    *ret_why = NULL;
    if (!session_path(admin, &path, err))
        return false;
    if (!pk_read_private(path, MAX_FILE, &text, &why)) {
        if (why->code == PK_E_NOT_FOUND)
            return true;
        if (err)
            *err = pk_steal(&why);
        return pk_error_hint(err, "chmod 600 %s, or log in again", path);
    }
    struct pk_session s = {0};
    if (!parse_session(admin, path, &text, &s, err))
        return false;
    if (s.expires_at <= pk_wall_ms(NULL) / 1000) {
        pk_session_release(&s);
        *ret_why = admin ? "the admin session has expired" : "the session has expired";
        return true;
    }
    *ret = s;
    *ret_found = true;
    return true;
}

bool pk_session_save(bool admin, const struct pk_session *s, struct pk_error **err) {
    char *path PK_CLEANUP(pk_freep) = NULL;
    json_t *o PK_CLEANUP(json_decrefp) = json_object();
    if (!session_path(admin, &path, err))
        return false;
    pk_json_put_str(o, "tenant", s->tenant);
    pk_json_put_str(o, "user", s->user);
    pk_json_put_str(o, "bucket", s->bucket);
    pk_json_put_str(o, "region", s->region);
    pk_json_put_str(o, "lockTable", s->lock_table);
    pk_json_put_str(o, "accountId", s->account_id);
    pk_json_put_int(o, "startedAt", s->started_at);
    pk_json_put_int(o, "expiresAt", s->expires_at);
    pk_json_put_int(o, "rotations", s->rotations);
    char *text PK_CLEANUP(pk_freep) = pk_json_pretty(o);
    char *dir PK_CLEANUP(pk_freep) = pk_path_dir(path);
    return pk_mkdir_p(dir, 0700, err) && pk_write_file(path, text, strlen(text), 0600, err);
}

bool pk_session_end(bool admin, bool *ret_was, struct pk_error **err) {
    char *path PK_CLEANUP(pk_freep) = NULL;
    if (!session_path(admin, &path, err))
        return false;
    bool was = pk_path_exists(path);
    if (!pk_remove_file(path, err))
        return false;
    if (ret_was)
        *ret_was = was;
    return true;
}
