/* plain.c - which URLs may be asked without TLS. */
#include "http/plain.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <string.h>

/* The host of an URL without user part, port and brackets. */
static struct pk_str url_host(const char *after_scheme) {
    struct pk_str host = pk_str_n(after_scheme, strcspn(after_scheme, "/?#"));
    const char *at = memrchr(host.ptr, '@', host.len);
    if (at != NULL)
        host = pk_str_n(at + 1, host.len - (size_t)(at + 1 - host.ptr));
    if (host.len > 0 && host.ptr[0] == '[') {
        const char *end = memchr(host.ptr, ']', host.len);
        return end ? pk_str_n(host.ptr + 1, (size_t)(end - host.ptr) - 1) : pk_str("");
    }
    const char *colon = memchr(host.ptr, ':', host.len);
    return colon ? pk_str_n(host.ptr, (size_t)(colon - host.ptr)) : host;
}

static bool is_loopback(const char *host) {
    struct in_addr v4;
    struct in6_addr v6;
    if (pk_strieq(host, "localhost") || pk_ends_with(host, ".localhost"))
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool is_metadata(const char *host) {
    static const char *const hosts[] = {"169.254.169.254", "169.254.170.2", "169.254.170.23",
                                        "fd00:ec2::254", "fd00:ec2::23"};
    for (size_t i = 0; i < PK_ARRAY_LEN(hosts); i++) {
        if (pk_strieq(host, hosts[i]))
            return true;
    }
    return false;
}

bool pk_http_url_allowed(const char *url, bool metadata, struct pk_error **err) {
    if (strncasecmp(url, "https://", 8) == 0)
        return true;
    if (strncasecmp(url, "http://", 7) != 0)
        return pk_fail(err, PK_E_CONFIG, "%s is not an http or https URL", url);
    struct pk_str host = url_host(url + 7);
    char text[256];
    if (host.len >= sizeof(text))
        return pk_fail(err, PK_E_CONFIG, "the host name in an URL is too long");
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (is_loopback(text) || (metadata && is_metadata(text)))
        return true;
    pk_fail(err, PK_E_CONFIG, "http:// is refused for host %s", text);
    return pk_error_hint(err, "use https://; plain http is for loopback addresses only");
}
