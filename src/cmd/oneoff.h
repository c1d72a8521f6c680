/*
 * The container of `run`, from the command line: the service as it is wanted, name and labels.
 */
#ifndef CMD_ONEOFF_H
#define CMD_ONEOFF_H

#include "base/arena.h"
#include "cmd/args.h"
#include "model/project.h"
#include "plan/plan.h"

/* Everything in the arena. argv[0] is the service, the rest its command. */
int oneoff_service(struct arena *arena, const struct project *project,
                   const struct service *service, const struct args *args, bool tty,
                   struct service **ret, struct plan_oneoff *ret_plan, struct err *err) MUST_CHECK;

#endif
