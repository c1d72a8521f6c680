/* The timer heap, as the loop drives it. Only for ev/. */
#ifndef EV_TIMER_H
#define EV_TIMER_H

#include <stdint.h>

struct ev_loop;

/* CLOCK_NEVER when no timer is armed. */
int64_t ev_timer_earliest(const struct ev_loop *loop);
/* Fires what is due now; timers armed by the callbacks wait for the next turn. */
void ev_timer_run_due(struct ev_loop *loop);

#endif
