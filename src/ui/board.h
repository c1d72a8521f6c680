/*
 * The present state of everything a run touches, folded from its events: what the live view draws.
 */
#ifndef UI_BOARD_H
#define UI_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"
#include "model/event.h"

struct board_row {
    enum unit_kind unit;
    char *name, *service;
    enum unit_state state;
    bool probed;         /* text is the last attempt's answer */
    char text[200];      /* what it waits for, what was proved, why it failed */
    int64_t first;       /* mono of the first event */
    int64_t since;       /* mono when it entered the present state */
    int64_t started;     /* mono of "starting"; 0 = not yet */
    int64_t settled;     /* mono when it came to rest; 0 = still moving */
    int64_t done, total; /* bytes, while pulling or building */
};

struct board {
    struct map index; /* "kind name" to row */
    struct vec rows;  /* struct board_row *, in the order of their first event */
    char *command;
    int64_t began;
    int64_t now; /* mono of the newest event or tick */
    bool over, ok;
    char *summary;
    int64_t duration;
};

void board_release(struct board *b);
/* Takes in one event; returns the row it changed, or NULL. */
struct board_row *board_apply(struct board *b, const struct event *e);

/* How a state is to be shown. */
enum mood { MOOD_IDLE, MOOD_WAIT, MOOD_WORK, MOOD_GOOD, MOOD_DONE, MOOD_BAD, MOOD_COUNT };
enum mood board_mood(enum unit_state state);
/* The service, or the container's name where the service has several. */
const char *board_label(const struct board *b, const struct board_row *row);
/* How long the row shows: from its start to rest, or in the present state. */
int64_t board_elapsed(const struct board *b, const struct board_row *row);

#endif
