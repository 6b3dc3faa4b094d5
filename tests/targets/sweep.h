/* SPDX-License-Identifier: MIT
 * Between the sweep and the board it runs on. Level 0 is the main loop, 1 to 3 are interrupts, each more urgent. */
#ifndef SWEEP_H
#define SWEEP_H
#include "../../port/bare/bare.h"

void sweep_interrupt(unsigned level, uint32_t pc);     /* called by the board's handler; pc: the instruction it came before */
void board_sweep_init(void);
void board_arm(unsigned level, uint32_t counts);       /* one interrupt of this level, so many timer counts from now */
void board_disarm(unsigned level);                     /* it does not come any more */

#define ARM_HANDLER(name, level) \
    void name(void); void name##_c(const uint32_t *frame); \
    __attribute__((naked)) void name(void) { __asm__ volatile("mov r0, sp\n ldr r1, =" #name "_c\n bx r1\n .ltorg"); } \
    __attribute__((used)) void name##_c(const uint32_t *frame) { sweep_interrupt(level, frame[6]); }
#endif
