/* credentials_process.c - a command that prints credentials (credential_process). */
#include "aws/credentials.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define MAX_OUTPUT ((size_t)256 << 10)

struct process {
    struct pk_aws_provider base;
    char *command;
};

/* Starts `sh -c command` with its standard output on a pipe. */
static bool start(const struct process *process, pid_t *ret_pid, int *ret_fd,
                  struct pk_error **err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return pk_fail_errno(err, errno, "%s", process->base.source);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    char shell[] = "sh", flag[] = "-c";
    char *argv[] = {shell, flag, process->command, NULL};
    int failed = posix_spawn(ret_pid, "/bin/sh", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        return pk_fail_errno(err, failed, "%s", process->base.source);
    }
    *ret_fd = ends[0];
    return true;
}

static void read_all(int fd, struct pk_buf *ret) {
    char chunk[4096];
    ssize_t got;
    while ((got = read(fd, chunk, sizeof(chunk))) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0)
            pk_buf_add(ret, chunk, (size_t)got);
    }
    explicit_bzero(chunk, sizeof(chunk));
}

static bool parse(const struct process *process, const struct pk_buf *output,
                  struct pk_aws_creds **ret, struct pk_error **err) {
    const char *source = process->base.source;
    json_t *object = json_loadb(pk_buf_cstr(output), output->len, 0, NULL);
    bool ok;
    if (output->overflow || !json_is_object(object))
        ok = pk_fail(err, PK_E_CREDENTIALS, "%s: the command did not print a JSON object", source);
    else if (json_integer_value(json_object_get(object, "Version")) != 1)
        ok = pk_fail(err, PK_E_CREDENTIALS, "%s: the command's answer must have Version 1", source);
    else
        ok = pk_aws_creds_from_json(object, "SessionToken", source, ret, err);
    json_decref(object);
    return ok;
}

static bool fetch_process(struct pk_aws_provider *provider, struct pk_aws_creds **ret,
                          struct pk_error **err) {
    const struct process *process = (const struct process *)provider;
    pid_t pid = -1;
    int fd = -1, status = 0;
    if (!start(process, &pid, &fd, err))
        return false;
    struct pk_buf output;
    pk_buf_init(&output, MAX_OUTPUT);
    read_all(fd, &output);
    close(fd);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!ok)
        pk_fail(err, PK_E_CREDENTIALS, "%s: the command failed with status %d", provider->source,
                WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    ok = ok && parse(process, &output, ret, err);
    if (output.ptr != NULL)
        explicit_bzero(output.ptr, output.len);
    pk_buf_release(&output);
    return ok;
}

static void free_process(struct pk_aws_provider *provider) {
    struct process *process = (struct process *)provider;
    free(process->command);
    free(process);
}

struct pk_aws_provider *pk_aws_process_provider(const char *source, const char *command) {
    struct process *process = pk_calloc(1, sizeof(*process));
    process->base = (struct pk_aws_provider){fetch_process, free_process, pk_strdup(source)};
    process->command = pk_strdup(command);
    return &process->base;
}
