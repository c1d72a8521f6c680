/*
 * Folding events into rows. Pure: knows no terminal; time comes with the events.
 */
#include "ui/board.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

void board_release(struct board *b)
{
    VEC_FOREACH (struct board_row, row, &b->rows) {
        free(row->name);
        free(row->service);
        free(row);
    }
    vec_release(&b->rows);
    map_release(&b->index);
    free(b->command);
    free(b->summary);
    *b = (struct board){0};
}

enum mood board_mood(enum unit_state state)
{
    switch (state) {
    case UNIT_PLANNED:
        return MOOD_IDLE;
    case UNIT_WAITING:
        return MOOD_WAIT;
    case UNIT_PULLING:
    case UNIT_BUILDING:
    case UNIT_CREATING:
    case UNIT_RECREATING:
    case UNIT_STARTING:
    case UNIT_PROVING:
    case UNIT_STOPPING:
    case UNIT_RESTARTING:
    case UNIT_KILLING:
    case UNIT_REMOVING:
        return MOOD_WORK;
    case UNIT_READY:
    case UNIT_STARTED:
    case UNIT_RUNNING:
    case UNIT_COMPLETED:
    case UNIT_UNPAUSED:
    case UNIT_PULLED:
    case UNIT_BUILT:
        return MOOD_GOOD;
    case UNIT_CREATED:
    case UNIT_RECREATED:
    case UNIT_STOPPED:
    case UNIT_KILLED:
    case UNIT_PAUSED:
    case UNIT_REMOVED:
    case UNIT_SKIPPED:
        return MOOD_DONE;
    case UNIT_EXITED:
    case UNIT_FAILED:
        return MOOD_BAD;
    case UNIT_STATE_COUNT:
        break;
    }
    return MOOD_IDLE;
}

static struct board_row *row_of(struct board *b, const struct event *e)
{
    CLEANUP_FREE char *key = xasprintf("%d %s", (int)e->unit, e->name);
    struct board_row *row = map_get(&b->index, key);
    if (!row && e->name[0]) {
        row = xcalloc(1, sizeof(*row));
        row->unit = e->unit;
        row->name = xstrdup(e->name);
        row->service = xstrdup(e->service);
        row->first = row->since = e->mono;
        map_set(&b->index, key, row);
        vec_push(&b->rows, row);
    }
    return row;
}

static void apply_state(struct board_row *row, const struct event *e)
{
    enum mood mood = board_mood(e->state);
    if (row->state != e->state) {
        row->since = e->mono;
        row->done = row->total = 0;
    }
    row->state = e->state;
    row->probed = false;
    row->started = e->state == UNIT_STARTING ? e->mono : row->started;
    row->settled = mood >= MOOD_GOOD ? e->mono : 0;
    snprintf(row->text, sizeof(row->text), "%s", e->text);
}

struct board_row *board_apply(struct board *b, const struct event *e)
{
    struct board_row *row = NULL;
    b->now = e->mono;
    switch (e->kind) {
    case EVENT_BEGIN:
        free(b->command);
        b->command = xstrdup(e->text);
        b->began = e->mono;
        break;
    case EVENT_UNIT:
        row = row_of(b, e);
        if (row) {
            apply_state(row, e);
        }
        break;
    case EVENT_PROBE:
        row = row_of(b, e);
        if (row && row->settled == 0) {
            row->probed = true;
            snprintf(row->text, sizeof(row->text), "%s", e->outcome.text);
        }
        break;
    case EVENT_PROGRESS:
        row = row_of(b, e);
        if (row) {
            row->done = e->done;
            row->total = e->total;
            snprintf(row->text, sizeof(row->text), "%s", e->text);
        }
        break;
    case EVENT_END:
        b->over = true;
        b->ok = e->ok;
        b->duration = e->duration;
        free(b->summary);
        b->summary = xstrdup(e->text);
        break;
    case EVENT_LOG:
    case EVENT_WARNING:
    case EVENT_ERROR:
    case EVENT_KIND_COUNT:
        break;
    }
    return row;
}

const char *board_label(const struct board *b, const struct board_row *row)
{
    if (row->unit != UNIT_CONTAINER || !row->service[0]) {
        return row->name;
    }
    VEC_FOREACH (struct board_row, other, &b->rows) {
        if (other != row && other->unit == UNIT_CONTAINER && str_eq(other->service, row->service)) {
            return row->name;
        }
    }
    return row->service;
}

int64_t board_elapsed(const struct board *b, const struct board_row *row)
{
    int64_t end = row->settled ? row->settled : b->now;
    int64_t begin = row->started && row->state != UNIT_WAITING ? row->started
                    : row->settled                             ? row->first
                                                               : row->since;
    return end > begin ? end - begin : 0;
}
