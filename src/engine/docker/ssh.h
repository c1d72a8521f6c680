/*
 * Connections through `ssh HOST docker system dial-stdio`: one child per connection, all of them
 * over one shared ssh connection.
 */
#ifndef ENGINE_DOCKER_SSH_H
#define ENGINE_DOCKER_SSH_H

#include "engine/docker/endpoint.h"
#include "ev/ev.h"
#include "net/stream.h"

struct ssh;

/* The endpoint must outlive it. runtime_dir NULL or "" = ssh's own settings about sharing. */
struct ssh *ssh_new(struct ev_loop *loop, const struct endpoint *endpoint, const char *runtime_dir);
/* Ends the children. Takes NULL. */
void ssh_free(struct ssh *ssh);
/* For struct http_client_config: arg is the struct ssh. */
struct stream *ssh_connect(struct ev_loop *loop, const struct stream_handlers *h, void *arg,
                           void *ssh);
/* The last thing that ssh said on its standard error, "" when nothing. */
const char *ssh_complaint(const struct ssh *ssh);

#endif
