/*
 * Numeric socket addresses. Pure text work; never looks a name up.
 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/parse.h"

static bool parse_v6(const char *host, uint16_t port, struct net_addr *ret)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE + 2];
    size_t len = strlen(host);

    if (host[0] == '[' && len > 2 && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (len >= sizeof(text)) {
        return false;
    }
    memcpy(text, host, len);
    text[len] = '\0';
    char *zone = strchr(text, '%');
    if (zone != NULL) {
        int64_t index = 0;
        *zone++ = '\0';
        if (parse_int(zone, 1, INT32_MAX, &index, NULL) != 0) {
            index = if_nametoindex(zone);
        }
        if (index == 0) {
            return false;
        }
        in6.sin6_scope_id = (uint32_t)index;
    }
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1) {
        return false;
    }
    memset(ret, 0, sizeof(*ret));
    memcpy(&ret->sa, &in6, sizeof(in6));
    ret->len = sizeof(in6);
    return true;
}

bool net_addr_parse(const char *host, uint16_t port, struct net_addr *ret)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
        memset(ret, 0, sizeof(*ret));
        memcpy(&ret->sa, &in, sizeof(in));
        ret->len = sizeof(in);
        return true;
    }
    return parse_v6(host, port, ret);
}

int net_addr_unix(const char *path, struct net_addr *ret, struct err *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(un.sun_path)) {
        return err_set(err, ERR_INPUT, "socket path has %zu characters, 1 to %zu are possible: %s",
                       len, sizeof(un.sun_path) - 1, path);
    }
    memcpy(un.sun_path, path, len);
    memset(ret, 0, sizeof(*ret));
    if (path[0] == '@') {
        un.sun_path[0] = '\0';
        ret->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    } else {
        ret->len = (socklen_t)sizeof(un);
    }
    memcpy(&ret->sa, &un, sizeof(un));
    return 0;
}

const char *net_addr_text(const struct net_addr *addr, char *buf)
{
    char ip[INET6_ADDRSTRLEN];

    switch (addr->sa.ss_family) {
    case AF_INET: {
        struct sockaddr_in in;
        memcpy(&in, &addr->sa, sizeof(in));
        inet_ntop(AF_INET, &in.sin_addr, ip, sizeof(ip));
        snprintf(buf, NET_ADDR_TEXT, "%s:%u", ip, (unsigned)ntohs(in.sin_port));
        break;
    }
    case AF_INET6: {
        struct sockaddr_in6 in6;
        memcpy(&in6, &addr->sa, sizeof(in6));
        inet_ntop(AF_INET6, &in6.sin6_addr, ip, sizeof(ip));
        snprintf(buf, NET_ADDR_TEXT, "[%s]:%u", ip, (unsigned)ntohs(in6.sin6_port));
        break;
    }
    case AF_UNIX: {
        struct sockaddr_un un;
        memcpy(&un, &addr->sa, sizeof(un));
        snprintf(buf, NET_ADDR_TEXT, "%s%s", un.sun_path[0] == '\0' ? "@" : "",
                 un.sun_path[0] == '\0' ? un.sun_path + 1 : un.sun_path);
        break;
    }
    default:
        snprintf(buf, NET_ADDR_TEXT, "?");
    }
    return buf;
}
