/*
 * Host names to addresses, without NSS: numeric text, /etc/hosts, then DNS by the servers and
 * search rules of /etc/resolv.conf (evdns). Both files are read again when they change.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "ev/ev.h"
#include "net/addr.h"

struct resolver;
struct resolve;

enum { RESOLVE_MAX = 16 }; /* addresses kept of one name */

/* Costs nothing until the first look-up that needs DNS. One per loop; share it. */
struct resolver *resolver_new(struct ev_loop *loop);
/* For tests and for other roots (a container's view): NULL = the system's file. */
struct resolver *resolver_new_with(struct ev_loop *loop, const char *hosts_file,
                                   const char *resolv_conf);
/* Look-ups in flight end with ERR_CANCELLED before this returns. Takes NULL. */
void resolver_free(struct resolver *r);

/*
 * Called exactly once, never from inside resolve_start(). On success err is NULL and count >= 1,
 * IPv6 and IPv4 alternating, IPv6 first. On failure: ERR_NOT_FOUND (no such name), ERR_TIMEOUT
 * (no server answered until the deadline), ERR_IO, ERR_CANCELLED.
 */
typedef void resolve_fn(const struct net_addr *addrs, size_t count, const struct err *err,
                        void *arg);
/* `host` is copied. The handle is valid until the callback. */
struct resolve *resolve_start(struct resolver *r, const char *host, uint16_t port, int64_t deadline,
                              resolve_fn *fn, void *arg);
/* The callback comes with ERR_CANCELLED at the end of this turn. */
void resolve_cancel(struct resolve *look);

#endif
