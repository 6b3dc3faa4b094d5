/* SPDX-License-Identifier: MIT
 * nRF51: TIMER0 as the clock, and a sleep that no wake-up escapes. */
#include "board.h"

#define TIMER0(offset) REGISTER(0x40008000u + (offset))
#define COMPARED TIMER0(0x140)
#define DEADLINE TIMER0(0x540)         /* CC[0] */

volatile uint32_t board_woken;

void board_init(void)
{
    TIMER0(0x004) = 1;                         /* STOP */
    TIMER0(0x508) = 3;                         /* BITMODE: 32 */
    TIMER0(0x510) = 4;                         /* PRESCALER: 1 MHz */
    TIMER0(0x00C) = 1;                         /* CLEAR */
    TIMER0(0x000) = 1;                         /* START */
    nvic_priority(8, 0xC0);
    NVIC_ENABLE(8);
}

uint32_t board_uptime_us(void)
{
    TIMER0(0x044) = 1;                         /* CAPTURE[1] */
    return TIMER0(0x544);
}

uint32_t board_uptime_ms(void)
{
    static uint32_t ms, at;
    uint32_t passed = (board_uptime_us() - at) / 1000;
    at += passed * 1000;
    return ms += passed;
}

/* Ends a sleep. */
void irq8(void);
void irq8(void)
{
    TIMER0(0x308) = 1u << 16;                  /* INTENCLR */
    COMPARED = 0;
}

/* From the look at board_woken to the sleep no interrupt is served: one that comes in between stays pending, so the
 * sleep ends at once. A deadline that passed before the look has set COMPARED, or shows in the counter. */
void board_sleep(uint32_t ms)
{
    uint32_t deadline;
    if (ms == 0) return;
    if (ms > 1800000) ms = 1800000;
    deadline = board_uptime_us() + ms * 1000;
    COMPARED = 0;
    DEADLINE = deadline;
    TIMER0(0x304) = 1u << 16;                  /* INTENSET: COMPARE0 */
    interrupts_off();
    if (!board_woken && COMPARED == 0 && (int32_t)(deadline - board_uptime_us()) > 0) wait_for_interrupt();
    interrupts_on();
}
