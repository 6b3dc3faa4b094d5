/* SPDX-License-Identifier: MIT
 * What app.c needs of a board: interrupts of LEVELS levels that call board_interrupt, and words for the judge. */
#ifndef BOARD_H
#define BOARD_H
#ifdef BOARD_POSIX
#define LEVELS 2u
#define ALARMS 0u
#else
#define ALARMS 3u
#define LEVELS 3u                      /* the last one is the NMI */
#endif
void board_start(void);
void board_pend(void);                 /* from a task: raise the lower interrupt, which raises the higher one */
void board_tick(void);                 /* from the kernel's tick */
void board_alarm_in(unsigned ms);      /* an interrupt that may not call the kernel, and no tick, calls board_question then */
void board_question(void);
unsigned long board_clock(void);       /* goes on in the sleep, where the kernel's does not: BOARD_CLOCKS a ms */
#define BOARD_CLOCKS 25000u
void board_say(const char *name, unsigned long value);
void board_end(int status);
extern volatile int board_preempt;     /* 1: the next wake-up by a task is preempted in its middle: board_preempted. POSIX alone */
void board_preempted(void);
void board_interrupt(unsigned level);
#endif
