/* Only for net/ and http/: the libevent base under the loop, for evdns and evhttp. */
#ifndef EV_INTERNAL_H
#define EV_INTERNAL_H

struct ev_loop;
struct event_base;

struct event_base *ev_loop_base(struct ev_loop *loop);

#endif
