/* SPDX-License-Identifier: MIT
 * BBC micro:bit, nRF51822: UART to the USB connector at 115,200 baud, reset. */
#include "board.h"

#define UART(offset) REGISTER(0x40002000u + (offset))

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
