/* SPDX-License-Identifier: MIT
 * ARM MPS2 with the Cortex-M3 image AN385: text goes out through UART 0. */
#include "../bare/bare.h"

#define UART_DATA REGISTER(0x40004000)
#define UART_STATE REGISTER(0x40004004)
#define UART_CONTROL REGISTER(0x40004008)
#define UART_BAUD REGISTER(0x40004010)

void board_write(const char *text)
{
    UART_BAUD = 25000000u / 115200u;
    UART_CONTROL = 1;
    for (; *text; text++) {
        while (UART_STATE & 1u) { }
        UART_DATA = (uint8_t)*text;
    }
}

void board_exit(int code)
{
    if (SEMIHOSTING) semihosting_exit(code);
    for (;;) wait_for_interrupt();
}
