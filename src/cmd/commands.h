/*
 * The list of commands, in alphabetical order. X(NAME): src/cmd/NAME.c defines cmd_NAME.
 */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#define CMD_LIST(X) \
    X(complete)     \
    X(completion)   \
    X(config)       \
    X(events)       \
    X(help)         \
    X(images)       \
    X(logs)         \
    X(ls)           \
    X(man)          \
    X(plan)         \
    X(port)         \
    X(ps)           \
    X(setup)        \
    X(status)       \
    X(timeline)     \
    X(top)          \
    X(version)      \
    X(volumes)

#endif
