/* SPDX-License-Identifier: MIT
 * QEMU's virt machine, RV32: start-up, machine timer, UART, power switch. */
#include "board.h"

extern uint32_t image_bss[], image_bss_end[];
int main(void);
void start_c(void);
void unexpected_trap(uint32_t cause, uint32_t pc);

/* Reset and trap entry. The trap keeps what a call may destroy, and mepc and mstatus, so that it can nest. */
__asm__(
    ".section .start, \"ax\"\n"
    ".global _start\n"
    "_start:\n"
    "    la sp, image_stack\n"
    "    la t0, trap_entry\n"
    "    csrw mtvec, t0\n"
    "    j start_c\n"
    ".text\n"
    ".balign 4\n"
    "trap_entry:\n"
    "    addi sp, sp, -80\n"
    "    sw ra, 0(sp)\n    sw t0, 4(sp)\n    sw t1, 8(sp)\n    sw t2, 12(sp)\n"
    "    sw a0, 16(sp)\n   sw a1, 20(sp)\n   sw a2, 24(sp)\n   sw a3, 28(sp)\n"
    "    sw a4, 32(sp)\n   sw a5, 36(sp)\n   sw a6, 40(sp)\n   sw a7, 44(sp)\n"
    "    sw t3, 48(sp)\n   sw t4, 52(sp)\n   sw t5, 56(sp)\n   sw t6, 60(sp)\n"
    "    csrr t0, mepc\n   sw t0, 64(sp)\n"
    "    csrr t1, mstatus\n sw t1, 68(sp)\n"
    "    csrr a0, mcause\n"
    "    li t1, 0x80000007\n"                  /* machine timer */
    "    bne a0, t1, 1f\n"
    "    mv a0, t0\n"
    "    call timer_interrupt\n"
    "    csrci mstatus, 8\n"
    "    lw t0, 64(sp)\n   csrw mepc, t0\n"
    "    lw t1, 68(sp)\n   csrw mstatus, t1\n"
    "    lw ra, 0(sp)\n    lw t0, 4(sp)\n    lw t1, 8(sp)\n    lw t2, 12(sp)\n"
    "    lw a0, 16(sp)\n   lw a1, 20(sp)\n   lw a2, 24(sp)\n   lw a3, 28(sp)\n"
    "    lw a4, 32(sp)\n   lw a5, 36(sp)\n   lw a6, 40(sp)\n   lw a7, 44(sp)\n"
    "    lw t3, 48(sp)\n   lw t4, 52(sp)\n   lw t5, 56(sp)\n   lw t6, 60(sp)\n"
    "    addi sp, sp, 80\n"
    "    mret\n"
    "1:  mv a1, t0\n"
    "    j unexpected_trap\n");

void start_c(void)
{
    volatile uint32_t *to;                     /* volatile: not to be turned into a call of memset */
    for (to = image_bss; to < image_bss_end; ) *to++ = 0;
    board_exit(main());
}

void unexpected_trap(uint32_t cause, uint32_t pc)
{
    board_write("unexpected trap ");
    bare_hex(cause);
    board_write(" at ");
    bare_hex(pc);
    board_write("\n");
    board_exit(3);
}

#define UART ((volatile uint8_t *)0x10000000)

void board_write(const char *text)
{
    for (; *text; text++) {
        while ((UART[5] & 0x20u) == 0) { }
        UART[0] = (uint8_t)*text;
    }
}

int board_read(void) { return (UART[5] & 1u) ? UART[0] : -1; }

void board_exit(int code)
{
    REGISTER(0x100000) = code == 0 ? 0x5555u : 0x3333u | (uint32_t)code << 16;
    for (;;) { }
}

uint64_t timer_now(void)
{
    uint32_t high, low;
    do {
        high = REGISTER(0x0200BFFC);
        low = REGISTER(0x0200BFF8);
    } while (high != REGISTER(0x0200BFFC));
    return (uint64_t)high << 32 | low;
}

void timer_at(uint64_t when)
{
    REGISTER(0x02004004) = UINT32_MAX;         /* never a moment that is too early */
    REGISTER(0x02004000) = (uint32_t)when;
    REGISTER(0x02004004) = (uint32_t)(when >> 32);
}

void timer_init(void)
{
    timer_at(UINT64_MAX);
    __asm__ volatile("csrs mie, %0" :: "r"(MIE_TIMER));
    interrupts_on();
}

#define LONGEST_SLEEP_MS 1728000000u   /* 20 days: a tick is due within 24 */

volatile uint32_t board_woken;

/* From the look at board_woken to the sleep no interrupt is served: one that comes in between stays pending, and so
 * does the timer's if its time is over; the sleep then ends at once. */
void board_sleep(uint32_t ms)
{
    if (ms == 0) return;
    if (ms > LONGEST_SLEEP_MS) ms = LONGEST_SLEEP_MS;
    interrupts_off();
    timer_at(timer_now() + (uint64_t)ms * TIMER_PER_MS);
    if (!board_woken) wait_for_interrupt();
    interrupts_on();
}
