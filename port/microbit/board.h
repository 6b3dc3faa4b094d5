/* SPDX-License-Identifier: MIT
 * What an application on the micro:bit needs: a clock, and a sleep that no wake-up escapes. */
#ifndef BOARD_H
#define BOARD_H
#include "../bare/bare.h"

void board_init(void);                 /* TIMER0 counts microseconds, its interrupt (8, least urgent) ends a sleep */
uint32_t board_uptime_us(void);        /* wraps in 71 minutes */
uint32_t board_uptime_ms(void);        /* for inngest_tick; wraps at 2^32; call once an hour or more often */

/* Before a tick: board_woken = 0. The port's wake and whatever else brings work sets it, from any interrupt. After the
 * tick: board_sleep(what the tick gave) returns at once if it is set, else with the next interrupt, at the latest in
 * ms, or half an hour, which keeps the clock going. */
extern volatile uint32_t board_woken;
void board_sleep(uint32_t ms);

void board_reset(void) __attribute__((noreturn));
#endif
