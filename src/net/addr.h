/*
 * Socket addresses: numeric text to struct net_addr and back. No look-ups: net/resolve.h.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct net_addr {
    struct sockaddr_storage sa;
    socklen_t len;
};

/* "127.0.0.1", "::1", "[::1]", "fe80::1%eth0"; false when it is not numeric. */
bool net_addr_parse(const char *host, uint16_t port, struct net_addr *ret);
/* A Unix socket path; a leading '@' means the abstract namespace. */
int net_addr_unix(const char *path, struct net_addr *ret, struct err *err) MUST_CHECK;
enum { NET_ADDR_TEXT = 128 };
/* "1.2.3.4:80", "[::1]:80", "/run/x.sock"; buf has at least NET_ADDR_TEXT bytes; returns buf. */
const char *net_addr_text(const struct net_addr *addr, char *buf);

#endif
