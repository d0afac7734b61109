/* zip.c - see zip.h. Numbers of sections are those of PKWARE's APPNOTE.TXT 6.3.10. */
#include "base/zip.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define VERSION_NEEDED 20       /* 4.4.3: deflate */
#define MADE_BY_UNIX (3U << 8)  /* 4.4.2: the upper half of the external attributes is st_mode */
#define FLAG_UTF8 (1U << 11)    /* 4.4.4 */
#define METHOD_STORED 0U        /* 4.4.5 */
#define METHOD_DEFLATED 8U      /* 4.4.5 */
#define DOS_DATE_1980_01_01 33U /* 4.4.6: the first day the format can name */
#define FILES_MAX 65535U

struct record {
    uint32_t crc;
    uint32_t packed_len;
    uint32_t len;
    uint32_t offset;
    uint16_t method;
    uint16_t name_len;
};

static void add_u16(struct pk_buf *out, unsigned value) {
    uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    pk_buf_add(out, bytes, sizeof(bytes));
}

static void add_u32(struct pk_buf *out, uint32_t value) {
    add_u16(out, value & 0xffff);
    add_u16(out, value >> 16);
}

void pk_zip_init(struct pk_zip *zip, struct pk_buf *out) {
    *zip = (struct pk_zip){.out = out, .start = out->len};
    pk_buf_init(&zip->index, UINT32_MAX);
}

void pk_zip_release(struct pk_zip *zip) {
    pk_buf_release(&zip->index);
    pk_freep(&zip->last_name);
}

/* A name that leaves the folder it is unpacked in is refused here, not by whoever unpacks it. */
static bool name_is_safe(const char *name) {
    if (strchr(name, '\\') != NULL) {
        return false;
    }
    struct pk_str rest = pk_str(name);
    struct pk_str part;
    while (pk_str_cut(&rest, '/', &part)) {
        if (part.len == 0 || pk_str_eqz(part, ".") || pk_str_eqz(part, "..")) {
            return false;
        }
    }
    return true;
}

static bool check_file(const struct pk_zip *zip, const char *name, size_t len,
                       struct pk_error **err) {
    if (strlen(name) > UINT16_MAX) {
        return pk_fail(err, PK_E_IO, "cannot pack a file: its name is longer than 65,535 bytes");
    }
    if (!name_is_safe(name)) {
        return pk_fail(err, PK_E_IO, "cannot pack '%s': not a relative path below the archive",
                       name);
    }
    if (zip->last_name != NULL && strcmp(zip->last_name, name) >= 0) {
        return pk_fail(err, PK_E_IO, "cannot pack '%s': it must come after '%s', once", name,
                       zip->last_name);
    }
    if (zip->n_files == FILES_MAX) {
        return pk_fail(err, PK_E_IO, "cannot pack '%s': an archive has at most %u files", name,
                       FILES_MAX);
    }
    if (len >= UINT32_MAX) {
        return pk_fail(err, PK_E_IO, "cannot pack '%s': it is larger than 4 GiB", name);
    }
    return true;
}

/* Compresses into ret, which has room for len bytes; the compressed length, or 0 when it would not
 * be shorter. */
static size_t compress_file(const void *data, size_t len, uint8_t *ret) {
    z_stream stream = {0};
    int rc =
        deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    pk_assert(rc == Z_OK);
    stream.next_in = (z_const Bytef *)data;
    stream.avail_in = (uInt)len;
    stream.next_out = ret;
    stream.avail_out = (uInt)len - 1;
    rc = deflate(&stream, Z_FINISH);
    size_t packed_len = rc == Z_STREAM_END ? stream.total_out : 0;
    deflateEnd(&stream);
    return packed_len;
}

/* The fields that a local header (4.3.7) and a central one (4.3.12) share. */
static void add_common(struct pk_buf *out, const struct record *r) {
    add_u16(out, VERSION_NEEDED);
    add_u16(out, FLAG_UTF8);
    add_u16(out, r->method);
    add_u16(out, 0); /* time of day */
    add_u16(out, DOS_DATE_1980_01_01);
    add_u32(out, r->crc);
    add_u32(out, r->packed_len);
    add_u32(out, r->len);
    add_u16(out, r->name_len);
    add_u16(out, 0); /* extra field */
}

static void add_to_index(struct pk_buf *index, const struct record *r, const char *name,
                         bool executable) {
    add_u32(index, 0x02014b50);
    add_u16(index, MADE_BY_UNIX | VERSION_NEEDED);
    add_common(index, r);
    add_u16(index, 0); /* comment */
    add_u16(index, 0); /* disk */
    add_u16(index, 0); /* internal attributes */
    add_u32(index, (uint32_t)(S_IFREG | (executable ? 0755U : 0644U)) << 16);
    add_u32(index, r->offset);
    pk_buf_add(index, name, r->name_len);
}

static bool check_size(const struct pk_zip *zip, struct pk_error **err) {
    if (zip->out->overflow || zip->index.overflow) {
        return pk_fail(err, PK_E_IO, "the archive is larger than %zu bytes", zip->out->max);
    }
    if (zip->out->len - zip->start >= UINT32_MAX) {
        return pk_fail(err, PK_E_IO, "the archive is larger than 4 GiB");
    }
    return true;
}

bool pk_zip_add(struct pk_zip *zip, const char *name, const void *data, size_t len, bool executable,
                struct pk_error **err) {
    if (!check_file(zip, name, len, err)) {
        return false;
    }
    PK_CLEANUP(pk_freep) uint8_t *packed = pk_malloc(len);
    size_t packed_len = len == 0 ? 0 : compress_file(data, len, packed);
    bool deflated = packed_len > 0;
    struct record r = {.crc = pk_crc32(data, len),
                       .packed_len = (uint32_t)(deflated ? packed_len : len),
                       .len = (uint32_t)len,
                       .offset = (uint32_t)(zip->out->len - zip->start),
                       .method = deflated ? METHOD_DEFLATED : METHOD_STORED,
                       .name_len = (uint16_t)strlen(name)};
    add_u32(zip->out, 0x04034b50);
    add_common(zip->out, &r);
    pk_buf_add(zip->out, name, r.name_len);
    pk_buf_add(zip->out, deflated ? packed : data, r.packed_len);
    add_to_index(&zip->index, &r, name, executable);
    zip->n_files++;
    free(zip->last_name);
    zip->last_name = pk_strdup(name);
    return check_size(zip, err);
}

bool pk_zip_finish(struct pk_zip *zip, struct pk_error **err) {
    size_t offset = zip->out->len - zip->start;
    pk_buf_add(zip->out, zip->index.ptr, zip->index.len);
    add_u32(zip->out, 0x06054b50); /* 4.3.16 */
    add_u16(zip->out, 0);          /* this disk */
    add_u16(zip->out, 0);          /* disk of the index */
    add_u16(zip->out, (unsigned)zip->n_files);
    add_u16(zip->out, (unsigned)zip->n_files);
    add_u32(zip->out, (uint32_t)zip->index.len);
    add_u32(zip->out, (uint32_t)offset);
    add_u16(zip->out, 0); /* comment */
    return check_size(zip, err);
}
