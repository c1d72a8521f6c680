/*
 * The terminal on standard input in raw mode: one per process, restored on every way out of the
 * program that can be caught.
 */
#ifndef CMD_TERMINAL_H
#define CMD_TERMINAL_H

/* Does nothing when it is raw already or standard input is no terminal. */
void terminal_raw(void);
/* As it was before terminal_raw(). Does nothing when it is not raw. */
void terminal_restore(void);

#endif
