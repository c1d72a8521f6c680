/*
 * Sockets in another network namespace: a socket belongs to the namespace it was made in, so the
 * process only visits it for the one call.
 */
#ifndef NET_NETNS_H
#define NET_NETNS_H

#include "base/err.h"

/* Like socket(), non-blocking and CLOEXEC, in the namespace of *netns (NULL = ours). The fd, or
 * -ERR_x. */
int netns_socket(const int *netns, int family, int type, struct err *err) MUST_CHECK;

#endif
