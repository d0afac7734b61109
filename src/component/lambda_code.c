/* lambda_code.c - where the code of a function comes from, and what runs it. */
#include "component/check.h"
#include "component/internal.h"
#include "component/lambda.h"

#include "base/fs.h"
#include "base/hash.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_INLINE ((size_t)64 << 10)
#define MAX_UPLOAD ((off_t)50 << 20)  /* of a ZIP file in the request */
#define MAX_FOLDER ((off_t)250 << 20) /* AWS: unzipped */
#define MAX_FILES 20000
#define MAX_HANDLER 128

/* --- runtimes --------------------------------------------------------------------------------- */

enum phase {
    PHASE_CURRENT,
    PHASE_ENDING, /* AWS has announced when it ends */
    PHASE_ENDED,  /* new functions are refused, or soon will be */
};

struct runtime {
    const char *name;
    enum phase phase;
    const char *date, *successor;
};

/* clang-format off */
static const struct runtime runtimes[] = {
    {"nodejs24.x", PHASE_CURRENT, NULL, NULL},
    {"nodejs22.x", PHASE_ENDING, "2027-06-01", "nodejs24.x"},
    {"nodejs20.x", PHASE_ENDED, "2026-06-01", "nodejs24.x"},
    {"nodejs18.x", PHASE_ENDED, "2026-06-01", "nodejs24.x"},
    {"nodejs16.x", PHASE_ENDED, "2026-06-01", "nodejs24.x"},
    {"nodejs14.x", PHASE_ENDED, NULL, "nodejs24.x"},
    {"nodejs12.x", PHASE_ENDED, NULL, "nodejs24.x"},
    {"nodejs10.x", PHASE_ENDED, NULL, "nodejs24.x"},
    {"nodejs8.10", PHASE_ENDED, NULL, "nodejs24.x"},
    {"nodejs6.10", PHASE_ENDED, NULL, "nodejs24.x"},
    {"nodejs4.3", PHASE_ENDED, NULL, "nodejs24.x"},
    {"nodejs", PHASE_ENDED, NULL, "nodejs24.x"},
    {"python3.14", PHASE_CURRENT, NULL, NULL},
    {"python3.13", PHASE_CURRENT, NULL, NULL},
    {"python3.12", PHASE_ENDING, "2028-11-30", "python3.14"},
    {"python3.11", PHASE_ENDED, "2026-07-31", "python3.13"},
    {"python3.10", PHASE_ENDED, "2026-07-31", "python3.13"},
    {"python3.9", PHASE_ENDED, "2026-06-01", "python3.13"},
    {"python3.8", PHASE_ENDED, "2026-06-01", "python3.13"},
    {"python3.7", PHASE_ENDED, NULL, "python3.13"},
    {"python3.6", PHASE_ENDED, NULL, "python3.13"},
    {"python2.7", PHASE_ENDED, NULL, "python3.13"},
    {"java25", PHASE_CURRENT, NULL, NULL},
    {"java21", PHASE_CURRENT, NULL, NULL},
    {"java17", PHASE_ENDED, "2026-07-31", "java21"},
    {"java11", PHASE_ENDED, "2026-07-31", "java21"},
    {"java8.al2", PHASE_ENDED, "2026-07-31", "java21"},
    {"java8", PHASE_ENDED, NULL, "java21"},
    {"dotnet10", PHASE_CURRENT, NULL, NULL},
    {"dotnet8", PHASE_CURRENT, NULL, NULL},
    {"dotnet7", PHASE_ENDED, NULL, "dotnet8"},
    {"dotnet6", PHASE_ENDED, "2026-06-01", "dotnet8"},
    {"dotnet5.0", PHASE_ENDED, NULL, "dotnet8"},
    {"dotnetcore3.1", PHASE_ENDED, NULL, "dotnet8"},
    {"dotnetcore2.1", PHASE_ENDED, NULL, "dotnet8"},
    {"dotnetcore2.0", PHASE_ENDED, NULL, "dotnet8"},
    {"dotnetcore1.0", PHASE_ENDED, NULL, "dotnet8"},
    {"ruby4.0", PHASE_CURRENT, NULL, NULL},
    {"ruby3.4", PHASE_CURRENT, NULL, NULL},
    {"ruby3.3", PHASE_ENDING, "2027-04-30", "ruby3.4"},
    {"ruby3.2", PHASE_ENDED, "2026-06-01", "ruby3.4"},
    {"ruby2.7", PHASE_ENDED, NULL, "ruby3.4"},
    {"ruby2.5", PHASE_ENDED, NULL, "ruby3.4"},
    {"go1.x", PHASE_ENDED, NULL, "provided.al2023"},
    {"provided.al2023", PHASE_CURRENT, NULL, NULL},
    {"provided.al2", PHASE_ENDED, "2026-07-31", "provided.al2023"},
    {"provided", PHASE_ENDED, NULL, "provided.al2023"},
};
/* clang-format on */

static const struct runtime *find_runtime(const char *name) {
    for (size_t i = 0; i < PK_ARRAY_LEN(runtimes); i++)
        if (strcmp(runtimes[i].name, name) == 0)
            return &runtimes[i];
    return NULL;
}

static void report_unknown(struct pk_expansion *x, const struct pk_component *c, const char *name) {
    const char *words[PK_ARRAY_LEN(runtimes)], *near[3];
    size_t n = 0;
    for (size_t i = 0; i < PK_ARRAY_LEN(runtimes); i++)
        if (runtimes[i].phase != PHASE_ENDED)
            words[n++] = runtimes[i].name;
    n = pk_suggest(name, words, n, near, PK_ARRAY_LEN(near));
    const char *help = "nodejs24.x, python3.13, java21, dotnet8, ruby3.4 and provided.al2023 are "
                       "some of those that AWS has";
    if (n > 0)
        help = pk_arena_printf(x->arena, "did you mean %s?", near[0]);
    pk_x_refuse(x, c, "lambda.runtime-unknown", "runtime", help, "there is no runtime `%s`", name);
}

static void check_runtime(struct pk_expansion *x, const struct pk_component *c) {
    const char *name = pk_spec_str(c, "runtime");
    const struct runtime *runtime = name ? find_runtime(name) : NULL;
    if (name && !runtime)
        report_unknown(x, c, name);
    if (!runtime || runtime->phase == PHASE_CURRENT)
        return;
    const char *help = pk_arena_printf(x->arena, "use %s", runtime->successor);
    if (runtime->phase == PHASE_ENDED) {
        if (runtime->date)
            pk_x_warn(x, c, "lambda.runtime-deprecated", "runtime", help,
                      "AWS makes no new functions with %s after %s", name, runtime->date);
        else
            pk_x_warn(x, c, "lambda.runtime-deprecated", "runtime", help,
                      "AWS makes no new functions with %s any more", name);
        return;
    }
    struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_INFO, "lambda.runtime-deprecated", "runtime",
                                     "AWS ends %s on %s", name, runtime->date);
    pk_diag_help(x->diags, d, "%s", help);
}

/* --- which source ----------------------------------------------------------------------------- */

static bool is_image(const struct pk_component *c) {
    return pk_spec_get(c, "code.imageUri") != NULL;
}

static bool is_inline(const struct pk_component *c) {
    return pk_spec_get(c, "code.zipFile") != NULL;
}

static void check_source(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const sources[] = {"code.path", "code.s3Bucket", "code.zipFile",
                                          "code.imageUri"};
    size_t n = 0;
    const char *last = "code";
    for (size_t i = 0; i < PK_ARRAY_LEN(sources); i++)
        if (pk_spec_written(c, sources[i])) {
            last = sources[i];
            n++;
        }
    if (n != 1)
        pk_x_refuse(x, c, "lambda.code-source",
                    n                        ? last
                    : pk_spec_get(c, "code") ? "code"
                                             : NULL,
                    "give one of `code.path`, `code.s3Bucket` with `code.s3Key`, `code.zipFile` "
                    "and `code.imageUri`",
                    n ? "the code has more than one source" : "the function has no code");
    bool key = pk_spec_written(c, "code.s3Key"), bucket = pk_spec_written(c, "code.s3Bucket");
    if (key != bucket)
        pk_x_refuse(x, c, "lambda.code-source", key ? "code.s3Key" : "code.s3Bucket",
                    "give both `code.s3Bucket` and `code.s3Key`", "`%s` is missing",
                    key ? "code.s3Bucket" : "code.s3Key");
    if (!bucket && pk_spec_written(c, "code.s3ObjectVersion"))
        pk_x_refuse(x, c, "lambda.code-source", "code.s3ObjectVersion", "remove it",
                    "only code in a bucket has a version");
}

static void check_image(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const zip_only[] = {"runtime", "handler", "layers"};
    for (size_t i = 0; i < PK_ARRAY_LEN(zip_only); i++)
        if (pk_spec_written(c, zip_only[i]))
            pk_x_refuse(x, c, "lambda.image-field", zip_only[i], "the image holds it: remove it",
                        "a function from an image has no `%s`", zip_only[i]);
}

static void check_inline(struct pk_expansion *x, const struct pk_component *c) {
    const char *source = pk_spec_str(c, "code.zipFile"), *runtime = pk_spec_str(c, "runtime");
    if (source && strlen(source) > MAX_INLINE)
        pk_x_refuse(x, c, "lambda.code-source", "code.zipFile", "put it in a folder: `code.path`",
                    "inline code has %zu KiB, at most 64 are taken", strlen(source) >> 10);
    if (runtime && !pk_starts_with(runtime, "nodejs") && !pk_starts_with(runtime, "python"))
        pk_x_refuse(x, c, "lambda.code-source", "code.zipFile", "use `code.path`",
                    "inline code is possible with Node.js and Python only");
}

static void check_zip(struct pk_expansion *x, const struct pk_component *c) {
    const char *handler = pk_spec_str(c, "handler");
    if (!pk_spec_written(c, "runtime"))
        pk_x_refuse(x, c, "lambda.runtime-unknown", "code", "set `runtime`, for example nodejs24.x",
                    "the function has no runtime");
    if (!pk_spec_written(c, "handler") && !is_inline(c))
        pk_x_refuse(x, c, "lambda.handler", "code",
                    "set `handler`, for example index.handler (bootstrap for provided.al2023)",
                    "the function has no handler");
    if (handler && (strlen(handler) > MAX_HANDLER || strpbrk(handler, " \t\n")))
        pk_x_refuse(x, c, "lambda.handler", "handler", "at most 128 characters without spaces",
                    "this is no handler");
}

/* --- files ------------------------------------------------------------------------------------ */

static const char *code_path(struct pk_expansion *x, const struct pk_component *c) {
    const char *written = pk_spec_str(c, "code.path");
    if (!written || !c->dir)
        return written;
    PK_CLEANUP(pk_freep) char *joined = pk_path_join(c->dir, written);
    PK_CLEANUP(pk_freep) char *real = pk_real_path(joined, NULL);
    return pk_arena_strdup(x->arena, real ? real : joined);
}

struct folder {
    struct pk_expansion *x;
    const char *root;
    struct pk_vec files; /* relative paths in the arena */
    off_t size;
};

static bool collect(struct folder *f, const char *sub, unsigned depth, struct pk_error **err) {
    PK_CLEANUP(pk_freep) char *dir = *sub ? pk_path_join(f->root, sub) : pk_strdup(f->root);
    struct pk_vec names = PK_VEC_INIT;
    if (depth > 64)
        return pk_fail(err, PK_E_IO, "%s: folders are nested too deep", dir);
    if (!pk_list_dir(dir, MAX_FILES, &names, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < names.len; i++) {
        const char *name = names.items[i];
        char *path = *sub ? pk_arena_printf(f->x->arena, "%s/%s", sub, name)
                          : pk_arena_strdup(f->x->arena, name);
        PK_CLEANUP(pk_freep) char *full = pk_path_join(f->root, path);
        struct stat info;
        if (stat(full, &info) != 0) {
            ok = pk_fail_errno(err, errno, "%s", full);
        } else if (S_ISDIR(info.st_mode)) {
            ok = collect(f, path, depth + 1, err);
        } else if (S_ISREG(info.st_mode)) {
            pk_vec_push(&f->files, path);
            f->size += info.st_size;
        }
        if (ok && f->files.len > MAX_FILES)
            ok = pk_fail(err, PK_E_IO, "%s holds more than %d files", f->root, MAX_FILES);
    }
    pk_names_release(&names);
    return ok;
}

static int by_text(const void *a, const void *b) {
    return strcmp(a, b);
}

/* "path, executable or not, hash of the content" of every file, sorted: the same on every machine.
 */
static bool hash_folder(struct folder *f, char ret[static PK_SHA256_HEX_SIZE],
                        struct pk_error **err) {
    struct pk_buf text = PK_BUF_INIT(PK_BUF_MAX_DEFAULT);
    pk_vec_sort(&f->files, by_text);
    bool ok = true;
    for (size_t i = 0; ok && i < f->files.len; i++) {
        const char *path = f->files.items[i];
        PK_CLEANUP(pk_freep) char *full = pk_path_join(f->root, path);
        struct pk_buf bytes;
        struct stat info;
        char hex[PK_SHA256_HEX_SIZE];
        ok = pk_read_file(full, (size_t)MAX_FOLDER, &bytes, err);
        if (!ok)
            break;
        pk_sha256_hex(bytes.ptr ? bytes.ptr : "", bytes.len, hex);
        pk_buf_release(&bytes);
        bool executable = stat(full, &info) == 0 && (info.st_mode & 0111) != 0;
        pk_buf_addf(&text, "%s %s %s\n", hex, executable ? "x" : "-", path);
    }
    pk_sha256_hex(text.ptr ? text.ptr : "", text.len, ret);
    pk_buf_release(&text);
    return ok;
}

/* True with the hash of what would be sent; false after a finding. */
static bool hash_code(struct pk_expansion *x, const struct pk_component *c, const char *path,
                      char ret[static PK_SHA256_HEX_SIZE]) {
    struct pk_error *err = NULL;
    struct stat info;
    bool ok = true;
    if (stat(path, &info) != 0) {
        pk_x_refuse(x, c, "file.missing", "code.path",
                    "the path is relative to the file that names it", "there is no %s",
                    pk_spec_str(c, "code.path"));
        return false;
    }
    if (S_ISDIR(info.st_mode)) {
        struct folder f = {x, path, PK_VEC_INIT, 0};
        ok = collect(&f, "", 0, &err);
        if (ok && f.size > MAX_FOLDER)
            ok = pk_fail(&err, PK_E_IO, "the folder has more than 250 MiB");
        else if (ok && f.files.len == 0)
            ok = pk_fail(&err, PK_E_IO, "the folder is empty");
        ok = ok && hash_folder(&f, ret, &err);
        pk_vec_release(&f.files);
    } else if (!pk_ends_with(path, ".zip")) {
        ok = pk_fail(&err, PK_E_IO, "this is neither a folder nor a .zip file");
    } else if (info.st_size > MAX_UPLOAD) {
        ok = pk_fail(&err, PK_E_IO,
                     "the file has more than 50 MiB: put it in a bucket and use "
                     "`code.s3Bucket`");
    } else {
        struct pk_buf bytes;
        ok = pk_read_file(path, (size_t)MAX_UPLOAD, &bytes, &err);
        if (ok) {
            pk_sha256_hex(bytes.ptr ? bytes.ptr : "", bytes.len, ret);
            pk_buf_release(&bytes);
        }
    }
    if (!ok)
        pk_x_refuse(x, c, "lambda.code-path", "code.path",
                    "give a folder, which is zipped, or a .zip file", "%s", err->message);
    pk_error_free(err);
    return ok;
}

static json_t *file_token(struct pk_expansion *x, const struct pk_component *c) {
    const char *path = code_path(x, c);
    char hex[PK_SHA256_HEX_SIZE];
    if (!path || !hash_code(x, c, path, hex))
        return NULL;
    return json_pack("{s:o, s:s}", "$file", pk_json_text(path), "sha256", hex);
}

/* --- the whole -------------------------------------------------------------------------------- */

void pk_lambda_code_check(struct pk_expansion *x, const struct pk_component *c) {
    check_source(x, c);
    check_runtime(x, c);
    if (is_image(c)) {
        check_image(x, c);
        return;
    }
    check_zip(x, c);
    if (is_inline(c))
        check_inline(x, c);
}

void pk_lambda_set_code(struct pk_expansion *x, const struct pk_component *c,
                        struct pk_resource *r) {
    pk_resource_set(x->graph, r, "PackageType", json_string(is_image(c) ? "Image" : "Zip"),
                    pk_spec_span(c, "code"));
    pk_x_copy(x, r, "Code.ImageUri", c, "code.imageUri");
    pk_x_copy(x, r, "Code.S3Bucket", c, "code.s3Bucket");
    pk_x_copy(x, r, "Code.S3Key", c, "code.s3Key");
    pk_x_copy(x, r, "Code.S3ObjectVersion", c, "code.s3ObjectVersion");
    pk_x_copy(x, r, "Code.ZipFile", c, "code.zipFile");
    if (pk_spec_get(c, "code.path")) {
        json_t *file = file_token(x, c);
        if (file)
            pk_resource_set(x->graph, r, "Code", json_pack("{s:o}", "ZipFile", file),
                            pk_spec_span(c, "code.path"));
    }
    if (is_image(c))
        return;
    pk_x_copy(x, r, "Runtime", c, "runtime");
    if (pk_spec_get(c, "handler"))
        pk_x_copy(x, r, "Handler", c, "handler");
    else
        pk_resource_set(x->graph, r, "Handler", json_string("index.handler"),
                        pk_spec_span(c, "code"));
}
