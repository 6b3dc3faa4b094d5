/* SPDX-License-Identifier: MIT */
#ifndef BOARD_H
#define BOARD_H
#include "../bare/bare.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define MSTATUS_MIE 8u
#define MIE_TIMER 0x80u

static inline void interrupts_off(void) { __asm__ volatile("csrci mstatus, 8" ::: "memory"); }
static inline void interrupts_on(void) { __asm__ volatile("csrsi mstatus, 8" ::: "memory"); }
static inline void wait_for_interrupt(void) { __asm__ volatile("wfi" ::: "memory"); }

/* The machine timer counts at 10 MHz. */
#define TIMER_PER_MS 10000u
uint64_t timer_now(void);
void timer_at(uint64_t when);                  /* UINT64_MAX: never */
void timer_init(void);                         /* the timer may interrupt from now on */

/* The application's. Interrupts are off in it; it may switch them on to be interrupted again: pc and the state
 * before are kept by the entry. */
void timer_interrupt(uint32_t pc);

/* Before a tick: board_woken = 0. The port's wake and whatever else brings work sets it, from any interrupt. After the
 * tick: board_sleep(what the tick gave) returns at once if it is set, else with the next interrupt, at the latest in ms,
 * or 20 days: a tick is due within 24. */
extern volatile uint32_t board_woken;
void board_sleep(uint32_t ms);

int board_read(void);                          /* a character that came in, or -1 */
#endif
