/* SPDX-License-Identifier: MIT
 * The sweep's timers on mps2-an385: timer 0, SysTick and timer 1, 25 MHz, in three priorities. */
#include "sweep.h"

#define SYST_CSR REGISTER(0xE000E010)
#define SYST_RVR REGISTER(0xE000E014)
#define SYST_CVR REGISTER(0xE000E018)
#define ICSR REGISTER(0xE000ED04)
static volatile uint32_t *const timers[2] = { &REGISTER(0x40000000), &REGISTER(0x40001000) };   /* interrupts 8 and 9 */
enum { CONTROL, VALUE, RELOAD, CLEAR };

ARM_HANDLER(irq8, 1)
ARM_HANDLER(systick_handler, 2)
ARM_HANDLER(irq9, 3)

void board_sweep_init(void)
{
    nvic_priority(8, 0x60);
    REGISTER(0xE000ED20) = 0x40u << 24;                        /* SysTick */
    nvic_priority(9, 0x20);
    NVIC_ENABLE(8);
    NVIC_ENABLE(9);
}

void board_arm(unsigned level, uint32_t counts)
{
    if (level == 2) {
        SYST_RVR = counts;
        SYST_CVR = 0;
        SYST_CSR = 7;
    } else {
        volatile uint32_t *timer = timers[level / 2];
        timer[RELOAD] = counts;
        timer[VALUE] = counts;
        timer[CONTROL] = 9;
    }
}

void board_disarm(unsigned level)
{
    if (level == 2) {
        SYST_CSR = 0;
        ICSR = 1u << 25;                                       /* PENDSTCLR */
    } else {
        volatile uint32_t *timer = timers[level / 2];
        timer[CONTROL] = 0;
        timer[CLEAR] = 1;
        NVIC_CLEAR(8 + level / 2);
    }
    barrier();
}
