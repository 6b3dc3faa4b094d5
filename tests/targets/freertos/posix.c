/* SPDX-License-Identifier: MIT
 * The kernel's POSIX port: its tick is the only interrupt. */
#include "FreeRTOS.h"
#include "board.h"
#include <stdio.h>
#include <stdlib.h>

static int inside;
volatile int board_preempt;

int board_in_interrupt(void);
int board_in_interrupt(void)
{
    if (board_preempt && !inside) {
        board_preempt = 0;
        board_preempted();
    }
    return inside;
}
void board_start(void) { }
void board_pend(void) { }
void board_alarm_in(unsigned ms) { (void)ms; }
unsigned long board_clock(void) { return 0; }

void board_tick(void)
{
    inside = 1;
    board_interrupt(0);
    board_interrupt(1);
    inside = 0;
}

void board_say(const char *name, unsigned long value) { printf("%s %lu\n", name, value); }
void board_end(int status) { fflush(stdout); _Exit(status); }
