/* SPDX-License-Identifier: MIT
 * The sweep's timers on RISC-V: one machine timer, armed again inside its own handler with interrupts on, so that it
 * interrupts itself: level by level, last in, first out. */
#include "sweep.h"
#include "../../port/riscv_virt/board.h"

static volatile unsigned due;                                  /* the level that the timer is set for */

void timer_interrupt(uint32_t pc)
{
    unsigned level = due;
    board_disarm(level);
    if (level == 0) return;
    interrupts_on();
    sweep_interrupt(level, pc);
}

void board_sweep_init(void) { timer_init(); }

void board_arm(unsigned level, uint32_t counts)
{
    interrupts_off();
    due = level;
    REGISTER(0x02004004) = UINT32_MAX;
    REGISTER(0x02004000) = REGISTER(0x0200BFF8) + counts;      /* the sweep is over before 2^32 counts */
    REGISTER(0x02004004) = 0;
    interrupts_on();
}

void board_disarm(unsigned level)
{
    (void)level;
    due = 0;
    REGISTER(0x02004004) = UINT32_MAX;
}
