/*
 * Projects and observed states for tests, from a few lines of text instead of a Compose file:
 *
 *   service NAME [image=X] [deps=NAME:CONDITION[:restart][:optional],...] [replicas=N] [nets=a,b]
 *           [vols=KEY:/PATH,/ANONYMOUS] [ports=HOST:TARGET,...] [restart=POLICY] [check=COMMAND]
 *           [name=CONTAINER] [build[=/DIR]] [pull=always|never|missing|build] [grace=1s]
 * [mode=NETWORK-MODE] [secret=KEY] [after-start=COMMAND] [before-stop=COMMAND] [timeout=1s]
 * [rev=TEXT] secret NAME TEXT network NAME [external] [rev=TEXT]     volume NAME [external]
 * [rev=TEXT]     disabled NAME
 *
 * CONDITION is started, healthy or completed. Values hold no blanks. A service without nets is on
 * network "default". Hashes come from the line's text, so that a changed line is a changed service.
 */
#ifndef TESTS_SUPPORT_STACK_H
#define TESTS_SUPPORT_STACK_H

#include "model/observed.h"
#include "model/project.h"

/* Never NULL: a mistake in the text ends the test program. Free with project_free(). */
struct project *stack_parse(const char *name, const char *text);

/*
 * What exists, one line each; "@" as a hash or image id is the one that the project has:
 *
 *   all                                   everything, running, as an undisturbed up leaves it
 *   container NAME service=S [number=N] [hash=@] [image=@] [state=running] [nets=..] [vols=..]
 *             [oneoff] [ip=..]            replaces a container of that name
 *   network NAME [hash=@] [id=X] [project=P] [key=K]     volume NAME [hash=@] [project=P]
 *   image REF [id=X]                      without id: the engine does not have it
 *   gone KIND NAME                        takes one away again
 */
void stack_observe(const struct project *p, const char *text, struct observed *ret);

#endif
