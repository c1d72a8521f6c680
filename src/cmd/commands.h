/*
 * The list of commands, in alphabetical order. X(NAME): src/cmd/NAME.c defines cmd_NAME.
 */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#define CMD_LIST(X) \
    X(build)        \
    X(clean)        \
    X(completion)   \
    X(config)       \
    X(create)       \
    X(down)         \
    X(events)       \
    X(exec)         \
    X(help)         \
    X(images)       \
    X(kill)         \
    X(logs)         \
    X(ls)           \
    X(man)          \
    X(pause)        \
    X(plan)         \
    X(port)         \
    X(ps)           \
    X(pull)         \
    X(restart)      \
    X(rm)           \
    X(run)          \
    X(scale)        \
    X(setup)        \
    X(start)        \
    X(status)       \
    X(stop)         \
    X(timeline)     \
    X(top)          \
    X(unpause)      \
    X(up)           \
    X(version)      \
    X(volumes)

#endif
