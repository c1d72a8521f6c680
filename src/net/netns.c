/*
 * Visiting a network namespace for the time of one socket() call. The process has one thread.
 */
#include "net/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int netns_socket(const int *netns, int family, int type, struct err *err)
{
    CLEANUP_CLOSE int home = -1;

    if (netns != NULL) {
        home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        if (home < 0 || setns(*netns, CLONE_NEWNET) != 0) {
            return err_sys(err, errno, "cannot enter the network namespace");
        }
    }
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int sys = errno;
    if (netns != NULL && setns(home, CLONE_NEWNET) != 0) {
        abort(); /* everything after this would happen in the wrong network */
    }
    if (fd < 0) {
        return err_sys(err, sys, "cannot create a socket");
    }
    return fd;
}
