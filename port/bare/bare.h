/* SPDX-License-Identifier: MIT
 * What the bare-metal targets share: the few functions of a C library that inngest.c calls, text output, the vector
 * table of a Cortex-M. No C library is linked. */
#ifndef BARE_H
#define BARE_H
#include <stdint.h>

/* the board's: */
void board_write(const char *text);
void board_exit(int code) __attribute__((noreturn));   /* the emulator ends with it; on a board: stop */

void bare_number(uint32_t number);
void bare_hex(uint32_t number);

/* Checks of a target's own run: counted, the first ones that fail are printed. */
extern uint32_t bare_passed, bare_failed;
void bare_check(int holds, const char *what, uint32_t line);
#define CHECK(what) bare_check((what) ? 1 : 0, #what, __LINE__)
void bare_end(const char *name) __attribute__((noreturn));   /* "name: N checks passed, M failed", exit 1 if any failed */

/* What an emulator offers through semihosting; a real board has no one to answer: build with SEMIHOSTING=0. */
#ifndef SEMIHOSTING
#define SEMIHOSTING 1
#endif

#ifdef __arm__
#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define NVIC_ENABLE(irq)  (REGISTER(0xE000E100) = 1u << (irq))     /* interrupts 0 to 31 */
#define NVIC_PEND(irq)    (REGISTER(0xE000E200) = 1u << (irq))
#define NVIC_CLEAR(irq)   (REGISTER(0xE000E280) = 1u << (irq))
static inline void nvic_priority(unsigned irq, uint32_t byte)      /* 0 is the most urgent; words only, as on Cortex-M0 */
{
    volatile uint32_t *word = &REGISTER(0xE000E400u + (irq & ~3u));
    *word = (*word & ~(0xFFu << (irq % 4 * 8))) | byte << (irq % 4 * 8);
}
static inline void barrier(void) { __asm__ volatile("dsb\n isb" ::: "memory"); }
static inline void interrupts_off(void) { __asm__ volatile("cpsid i" ::: "memory"); }
static inline void interrupts_on(void) { __asm__ volatile("cpsie i" ::: "memory"); }
static inline void wait_for_interrupt(void) { __asm__ volatile("dsb\n wfi" ::: "memory"); }
void semihosting_exit(int code);
#endif
#endif
