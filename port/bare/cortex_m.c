/* SPDX-License-Identifier: MIT
 * Start-up of a Cortex-M0 or M3: vector table, memory, main. A board's handlers replace the weak ones by name. */
#include "bare.h"

extern uint32_t image_stack[], image_data_from[], image_data[], image_data_end[], image_bss[], image_bss_end[];
int main(void);
void reset_handler(void);
void unexpected_interrupt(void);

void reset_handler(void)
{
    volatile uint32_t *to;                                     /* volatile: not to be turned into calls of memcpy and memset */
    const uint32_t *from = image_data_from;
    for (to = image_data; to < image_data_end; ) *to++ = *from++;
    for (to = image_bss; to < image_bss_end; ) *to++ = 0;
    board_exit(main());
}

void unexpected_interrupt(void)
{
    board_write("unexpected interrupt\n");
    board_exit(3);
}

#define WEAK(name) void name(void) __attribute__((weak, alias("unexpected_interrupt")))
WEAK(nmi_handler); WEAK(fault_handler); WEAK(svc_handler); WEAK(pendsv_handler); WEAK(systick_handler);
WEAK(irq0); WEAK(irq1); WEAK(irq2); WEAK(irq3); WEAK(irq4); WEAK(irq5); WEAK(irq6); WEAK(irq7); WEAK(irq8); WEAK(irq9);
WEAK(irq10); WEAK(irq11); WEAK(irq12); WEAK(irq13); WEAK(irq14); WEAK(irq15); WEAK(irq16); WEAK(irq17); WEAK(irq18);
WEAK(irq19); WEAK(irq20); WEAK(irq21); WEAK(irq22); WEAK(irq23); WEAK(irq24); WEAK(irq25); WEAK(irq26); WEAK(irq27);
WEAK(irq28); WEAK(irq29); WEAK(irq30); WEAK(irq31);

extern void (*const vectors[])(void);
__attribute__((section(".vectors"), used)) void (*const vectors[48])(void) = {
    (void (*)(void))(uintptr_t)image_stack, reset_handler, nmi_handler, fault_handler,
    fault_handler, fault_handler, fault_handler, 0, 0, 0, 0, svc_handler, fault_handler, 0, pendsv_handler, systick_handler,
    irq0, irq1, irq2, irq3, irq4, irq5, irq6, irq7, irq8, irq9, irq10, irq11, irq12, irq13, irq14, irq15,
    irq16, irq17, irq18, irq19, irq20, irq21, irq22, irq23, irq24, irq25, irq26, irq27, irq28, irq29, irq30, irq31
};

void semihosting_exit(int code)
{
    const uint32_t block[2] = { 0x20026, (uint32_t)code };     /* ADP_Stopped_ApplicationExit */
    register uint32_t operation __asm__("r0") = 0x20;
    register const uint32_t *argument __asm__("r1") = block;
    __asm__ volatile("bkpt 0xAB" : "+r"(operation) : "r"(argument), "m"(block) : "memory");
}
