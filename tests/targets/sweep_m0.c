/* SPDX-License-Identifier: MIT
 * The sweep's timers on the micro:bit: TIMER0, TIMER1 and TIMER2 at 16 MHz, in three of the four priorities. */
#include "sweep.h"

#define TIMER(level, offset) REGISTER(0x40008000u + ((level) - 1u) * 0x1000u + (offset))

ARM_HANDLER(irq8, 1)
ARM_HANDLER(irq9, 2)
ARM_HANDLER(irq10, 3)

void board_sweep_init(void)
{
    unsigned level;
    for (level = 1; level <= 3; level++) {
        nvic_priority(7 + level, 0xC0u - 0x40u * (level - 1));
        NVIC_ENABLE(7 + level);
        TIMER(level, 0x508) = 0;                               /* BITMODE: 16 */
        TIMER(level, 0x510) = 0;                               /* PRESCALER */
        TIMER(level, 0x304) = 1u << 16;                        /* INTENSET: COMPARE0 */
    }
}

void board_arm(unsigned level, uint32_t counts)
{
    TIMER(level, 0x00C) = 1;                                   /* CLEAR */
    TIMER(level, 0x540) = counts;                              /* CC[0] */
    TIMER(level, 0x000) = 1;                                   /* START */
}

void board_disarm(unsigned level)
{
    TIMER(level, 0x004) = 1;                                   /* STOP */
    TIMER(level, 0x140) = 0;                                   /* EVENTS_COMPARE[0] */
    (void)TIMER(level, 0x140);
    NVIC_CLEAR(7 + level);
    barrier();
}
