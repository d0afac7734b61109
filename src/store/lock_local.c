/* lock_local.c - locks of one machine: files below .panka/locks/, read and written under the
 * folder's lock. */
#include "store/lock.h"

#include "base/mem.h"
#include "base/str.h"
#include "store/local.h"
#include "store/locker.h"
#include "json/json.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE 65536

struct folder {
    struct pk_locker base;
    char *dir;
};

static struct folder *of(struct pk_locker *locker) {
    return (struct folder *)locker;
}

static int64_t now_s(struct pk_locker *locker) {
    return pk_wall_ms(locker->settings.clock) / 1000;
}

/* Keys have letters, digits, '-', '_' and ':'; the last one is no good in file names. */
static char *file_of(const char *key) {
    char *name = pk_asprintf("locks/%s.json", key);
    for (char *p = name; *p; p++)
        if (*p == ':')
            *p = '.';
    return name;
}

/* --- who holds it */

static char *first_line(const char *path) {
    char line[512] = "";
    FILE *f = fopen(path, "re");
    if (f) {
        if (!fgets(line, sizeof(line), f))
            *line = 0;
        fclose(f);
    }
    line[strcspn(line, "\n")] = 0;
    return pk_strdup(line);
}

/* What makes process numbers of two runs comparable: the same boot and the same PID namespace. */
static char *machine_id(void) {
    char ns[64] = "";
    ssize_t n = readlink("/proc/self/ns/pid", ns, sizeof(ns) - 1);
    ns[n > 0 ? n : 0] = 0;
    char *boot PK_CLEANUP(pk_freep) = first_line("/proc/sys/kernel/random/boot_id");
    return pk_asprintf("%s %s", boot, ns);
}

/* Clock ticks since boot when a process began, so that a reused number is told apart; "" when there
 * is no such process. */
static char *started_at(int64_t pid) {
    char *path PK_CLEANUP(pk_freep) = pk_asprintf("/proc/%lld/stat", (long long)pid);
    char *line PK_CLEANUP(pk_freep) = first_line(path);
    const char *rest = strrchr(line, ')'); /* the name before it may hold anything */
    for (int field = 2; rest && field < 22; field++) {
        rest = strchr(rest, ' ');
        rest = rest ? rest + 1 : NULL;
    }
    return rest ? pk_strndup(rest, strcspn(rest, " ")) : pk_strdup("");
}

/* TAKEOVER: on the same machine the process itself can be asked for. */
static bool is_gone(const json_t *file) {
    char *here PK_CLEANUP(pk_freep) = machine_id();
    int64_t pid = pk_json_int(file, "pid", 0);
    if (pid <= 0 || !pk_streq(pk_json_str(file, "machine", ""), here))
        return false;
    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
        return true;
    char *began PK_CLEANUP(pk_freep) = started_at(pid);
    const char *recorded = pk_json_str(file, "processStarted", "");
    return *began && *recorded && strcmp(began, recorded) != 0;
}

static json_t *file_json(const struct pk_lock_item *item) {
    char *machine PK_CLEANUP(pk_freep) = machine_id();
    char *began PK_CLEANUP(pk_freep) = started_at(getpid());
    char *host PK_CLEANUP(pk_freep) = pk_lock_hostname();
    char *ci PK_CLEANUP(pk_freep) = pk_lock_ci_run();
    json_t *o = json_object();
    pk_json_put_str(o, "lockKey", item->key);
    pk_json_put_str(o, "lockId", item->lock_id);
    pk_json_put_str(o, "lockedBy", item->locked_by);
    pk_json_put_int(o, "lockedAt", item->locked_at);
    pk_json_put_int(o, "lastHeartbeat", item->last_heartbeat);
    pk_json_put_int(o, "expiresAt", item->expires_at);
    pk_json_put_int(o, "rvn", item->rvn);
    pk_json_put_int(o, "leaseSeconds", item->lease_s);
    pk_json_put_str(o, "operation", item->operation);
    pk_json_put_str(o, "deploymentId", item->deployment_id);
    pk_json_put_str(o, "hostname", host);
    pk_json_put_str(o, "version", PANKA_VERSION);
    pk_json_put_str(o, "ciRun", ci);
    pk_json_put_str(o, "takenOverFrom", item->taken_from);
    pk_json_put_int(o, "pid", getpid());
    pk_json_put_str(o, "machine", machine);
    pk_json_put_str(o, "processStarted", began);
    return o;
}

/* --- files; the folder's lock is held by the caller */

/* *ret NULL: nobody holds it. */
static bool read_file(struct pk_locker *locker, const char *key, json_t **ret,
                      struct pk_error **err) {
    char *name PK_CLEANUP(pk_freep) = file_of(key);
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    bool found = false;
    *ret = NULL;
    if (!pk_local_read(of(locker)->dir, name, MAX_FILE, &text, &found, err))
        return false;
    if (!found)
        return true;
    char *what PK_CLEANUP(pk_freep) = pk_asprintf("%s/%s", of(locker)->dir, name);
    if (!pk_json_parse(pk_buf_cstr(&text), text.len, what, ret, err))
        return false;
    if (pk_json_str(*ret, "lockId", NULL))
        return true;
    json_decref(*ret);
    *ret = NULL;
    return pk_fail(err, PK_E_STATE_INVALID, "%s is no lock", what) ||
           pk_error_hint(err, "remove the file when no panka runs in this folder");
}

static bool write_file(struct pk_locker *locker, const char *key, const json_t *file,
                       struct pk_error **err) {
    char *name PK_CLEANUP(pk_freep) = file_of(key);
    char *text PK_CLEANUP(pk_freep) = pk_json_pretty(file);
    return pk_local_write(of(locker)->dir, name, text, strlen(text), err);
}

static bool has_id(const json_t *file, const char *lock_id) {
    return file && pk_streq(pk_json_str(file, "lockId", NULL), lock_id);
}

static char *copy(const char *text) {
    return text ? pk_strdup(text) : NULL;
}

static void info_of(const char *key, const json_t *file, struct pk_lock_info *ret) {
    memset(ret, 0, sizeof(*ret));
    ret->key = pk_strdup(key);
    ret->lock_id = pk_strdup(pk_json_str(file, "lockId", ""));
    ret->locked_by = pk_strdup(pk_json_str(file, "lockedBy", "unknown"));
    ret->hostname = copy(pk_json_str(file, "hostname", NULL));
    ret->operation = copy(pk_json_str(file, "operation", NULL));
    ret->ci_run = copy(pk_json_str(file, "ciRun", NULL));
    ret->version = copy(pk_json_str(file, "version", NULL));
    ret->pid = pk_json_int(file, "pid", 0);
    ret->locked_at = pk_json_int(file, "lockedAt", 0);
    ret->last_heartbeat = pk_json_int(file, "lastHeartbeat", ret->locked_at);
    ret->expires_at = pk_json_int(file, "expiresAt", 0);
    ret->rvn = pk_json_int(file, "rvn", 0);
    ret->lease_s = pk_json_int(file, "leaseSeconds", 120);
    ret->dead = is_gone(file);
}

static bool folder_create(struct pk_locker *locker, const struct pk_lock_item *item,
                          const struct pk_lock_info *dead, bool *ret_done, struct pk_error **err) {
    int guard PK_CLEANUP(pk_local_unlock) = -1;
    json_t *now PK_CLEANUP(json_decrefp) = NULL;
    if (!pk_local_lock(of(locker)->dir, &guard, err) || !read_file(locker, item->key, &now, err))
        return false;
    bool may = dead ? has_id(now, dead->lock_id) && pk_json_int(now, "rvn", 0) == dead->rvn : !now;
    if (!may) {
        *ret_done = false;
        return true;
    }
    json_t *file PK_CLEANUP(json_decrefp) = file_json(item);
    *ret_done = true;
    return write_file(locker, item->key, file, err);
}

static bool folder_read(struct pk_locker *locker, const char *key, struct pk_lock_info *ret,
                        bool *ret_found, struct pk_error **err) {
    json_t *now PK_CLEANUP(json_decrefp) = NULL; /* files are replaced whole: no lock is needed */
    if (!read_file(locker, key, &now, err))
        return false;
    *ret_found = now != NULL;
    if (now)
        info_of(key, now, ret);
    return true;
}

static bool folder_renew(struct pk_locker *locker, const struct pk_lock_item *item,
                         const struct pk_cancel *cancel, bool *ret_ours, struct pk_error **err) {
    (void)cancel; /* nothing here takes long */
    int guard PK_CLEANUP(pk_local_unlock) = -1;
    json_t *now PK_CLEANUP(json_decrefp) = NULL;
    if (!pk_local_lock(of(locker)->dir, &guard, err) || !read_file(locker, item->key, &now, err))
        return false;
    *ret_ours = has_id(now, item->lock_id);
    if (!*ret_ours)
        return true;
    pk_json_put_int(now, "rvn", item->rvn);
    pk_json_put_int(now, "lastHeartbeat", item->last_heartbeat);
    pk_json_put_int(now, "expiresAt", item->expires_at);
    return write_file(locker, item->key, now, err);
}

static bool folder_remove(struct pk_locker *locker, const char *key, const char *lock_id,
                          bool *ret_removed, struct pk_error **err) {
    int guard PK_CLEANUP(pk_local_unlock) = -1;
    json_t *now PK_CLEANUP(json_decrefp) = NULL;
    char *name PK_CLEANUP(pk_freep) = file_of(key);
    if (!pk_local_lock(of(locker)->dir, &guard, err) || !read_file(locker, key, &now, err))
        return false;
    *ret_removed = has_id(now, lock_id);
    return !*ret_removed || pk_local_remove(of(locker)->dir, name, err);
}

static void folder_free(struct pk_locker *locker) {
    free(of(locker)->dir);
    free(locker);
}

bool pk_locker_local_new(const char *dir, const struct pk_lock_settings *settings,
                         struct pk_locker **ret, struct pk_error **err) {
    static const struct pk_locker_vtable vtable = {
        folder_create, folder_read, folder_renew, folder_remove, now_s, folder_free,
    };
    if (!dir || !*dir)
        return pk_fail(err, PK_E_CONFIG, "the local backend has no folder");
    struct folder *f = pk_calloc(1, sizeof(*f));
    pk_locker_init(&f->base, &vtable, settings);
    f->dir = pk_strdup(dir);
    *ret = &f->base;
    return true;
}
