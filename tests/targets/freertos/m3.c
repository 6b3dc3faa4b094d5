/* SPDX-License-Identifier: MIT
 * mps2-an385 in QEMU: interrupt 20 may call the kernel; 21 is above configMAX_SYSCALL_INTERRUPT_PRIORITY and may not, nor may the
 * NMI; nor may 8, of the timer that asks a question. On a kernel for a Cortex-M0 21 may. */
#include "board.h"
#include <stdint.h>

extern uint32_t stack_top[], data_from[], data_start[], data_end[], bss_start[], bss_end[];
int main(void);
void SVC_Handler(void);
void board_kernel_called(void);
void PendSV_Handler(void);
void SysTick_Handler(void);

#define WORD(address) (*(volatile uint32_t *)(address))
#define BYTE(address) (*(volatile uint8_t *)(address))

static void semihosting(uint32_t operation, uintptr_t argument)
{
    register uint32_t r0 __asm("r0") = operation;
    register uintptr_t r1 __asm("r1") = argument;
    __asm volatile ("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void say(const char *text) { semihosting(4, (uintptr_t)text); }

void board_say(const char *name, unsigned long value)
{
    char digits[12];
    unsigned at = sizeof digits - 1;
    digits[at] = 0;
    do digits[--at] = (char)('0' + value % 10); while (value /= 10);
    say(name);
    say(" ");
    say(digits + at);
    say("\n");
}

void board_end(int status)
{
    uint32_t block[2];
    block[0] = 0x20026;                              /* ADP_Stopped_ApplicationExit */
    block[1] = (uint32_t)status;
    semihosting(0x20, (uintptr_t)block);
    for (;;) { }
}

static void fault(void) { say("fault\n"); board_end(8); }

static void lower(void)
{
    WORD(0xE000E200) = 1u << 21;                     /* preempts at once */
    board_interrupt(0);
}

static void higher(void)
{
    WORD(0xE000ED04) = 1u << 31;                     /* the NMI: the same */
    board_interrupt(1);
}

static void nmi(void) { board_interrupt(2); }

void board_kernel_called(void)
{
    uint32_t exception;
    __asm volatile ("mrs %0, ipsr" : "=r"(exception));
    if ((exception & 511u) == 2) {
        say("the NMI called the kernel\n");
        board_end(7);
    }
}

void board_start(void)
{
    BYTE(0xE000E400 + 20) = 128;
    BYTE(0xE000E400 + 21) = 32;
    BYTE(0xE000E400 + 8) = 32;
    WORD(0xE000E100) = 3u << 20 | 1u << 8;
    WORD(0x40000008) = WORD(0x40001008) = WORD(0x40001004) = UINT32_MAX;
    WORD(0x40001000) = 1;
}

static void alarm(void)
{
    WORD(0x40000000) = 0;
    WORD(0x4000000C) = 1;
    board_question();
}

void board_alarm_in(unsigned ms)
{
    WORD(0x40000004) = ms * BOARD_CLOCKS;
    WORD(0x40000000) = 9;                            /* on, with its interrupt */
}

unsigned long board_clock(void) { return UINT32_MAX - WORD(0x40001004); }

volatile int board_preempt;
void board_pend(void) { WORD(0xE000E200) = 1u << 20; }

static uint32_t ticks;
void board_tick(void) { if (++ticks % 3 == 0) WORD(0xE000E200) = 1u << 21; }

void board_reset(void);
void board_reset(void)
{
    uint32_t *from = data_from, *to = data_start;
    while (to < data_end) *to++ = *from++;
    for (to = bss_start; to < bss_end; to++) *to = 0;
    board_end(main());
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16 + 32])(void) = {
    (void (*)(void))(uintptr_t)stack_top, board_reset, nmi, fault, fault, fault, fault, 0, 0, 0, 0,
    SVC_Handler, fault, 0, PendSV_Handler, SysTick_Handler,
    [16 + 8] = alarm, [16 + 20] = lower, [16 + 21] = higher,
};
