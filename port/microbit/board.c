/* SPDX-License-Identifier: MIT
 * BBC micro:bit, nRF51822: UART to the USB connector at 115,200 baud, clock, sleep, reset. */
#include "board.h"

#define UART(offset) REGISTER(0x40002000u + (offset))
#define TIMER0(offset) REGISTER(0x40008000u + (offset))
#define COMPARED TIMER0(0x140)
#define DEADLINE TIMER0(0x540)         /* CC[0] */

volatile uint32_t board_woken;

void board_write(const char *text)
{
    static uint8_t started;
    if (!started) {
        REGISTER(0x50000508) = 1u << 24;       /* P0.24 high, output */
        REGISTER(0x50000518) = 1u << 24;
        UART(0x50C) = 24;                      /* PSELTXD */
        UART(0x524) = 0x01D7E000;              /* 115,200 baud */
        UART(0x500) = 4;                       /* ENABLE */
        UART(0x008) = 1;                       /* STARTTX */
        started = 1;
    }
    for (; *text; text++) {
        UART(0x11C) = 0;                       /* TXDRDY */
        UART(0x51C) = (uint8_t)*text;
        while (UART(0x11C) == 0) { }
    }
}

void board_exit(int code)
{
    if (SEMIHOSTING) semihosting_exit(code);
    for (;;) wait_for_interrupt();
}

void board_reset(void)
{
    __asm__ volatile("dsb" ::: "memory");
    REGISTER(0xE000ED0C) = 0x05FA0004;         /* AIRCR: SYSRESETREQ */
    for (;;) { }
}

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
