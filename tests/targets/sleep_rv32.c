/* SPDX-License-Identifier: MIT
 * The sleep of port/riscv_virt loses no wake-up: an interrupt that sends, of the real-time clock's alarm, comes at each
 * instruction on the way into the sleep, and the sleep is over at once. A deadline ends it too, also one that passes
 * before the sleep begins. */
#include "../../port/riscv_virt/board.h"
#include "ram.h"

#define RTC(offset) REGISTER(0x101000u + (offset))
#define PLIC(offset) REGISTER(0x0C000000u + (offset))
#define ALARM 11u                              /* its interrupt */
#define NS_AN_INSTRUCTION 128u
#define SHOTS 600u                             /* the way in takes 100 instructions or so */

static inngest jobs;
static int64_t memory[INNGEST_MEMORY(1, 4) / 8 + 1];
static volatile uint32_t sent, taken;

static void wake(void *context)
{
    (void)context;
    board_woken = 1;
}

static bool take(void *user, const void *data, size_t size)
{
    uint32_t number = 0;
    (void)user;
    memcpy(&number, data, size < 4 ? size : 4);
    CHECK(size == 4 && number == taken);
    taken++;
    return false;
}

static inngest_status never(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }

void timer_interrupt(uint32_t pc)
{
    (void)pc;
    timer_at(UINT64_MAX);
}

/* In place of the board's: the alarm comes through the platform's interrupt controller. */
static void trap(void) __attribute__((interrupt, aligned(4)));
static void trap(void)
{
    uint32_t cause, number = sent;
    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    if (cause == 0x80000007u) { timer_interrupt(0); return; }
    if (cause != 0x8000000Bu || PLIC(0x200004) != ALARM) board_exit(4);
    RTC(0x1C) = 1;                             /* clears the interrupt */
    PLIC(0x200004) = ALARM;
    if (inngest_send(&jobs, "test/sleep", &number, sizeof number) == INNGEST_OK) sent++;
}

static void alarm_in(uint32_t ns)
{
    uint32_t low = RTC(0x00), high = RTC(0x04);
    RTC(0x0C) = high + (low + ns < low);
    RTC(0x08) = low + ns;
}

static uint32_t now_ms(void) { return (uint32_t)(timer_now() / TIMER_PER_MS); }

static uint32_t slept_ms(uint32_t ms)
{
    uint64_t from = timer_now();
    board_sleep(ms);
    return (uint32_t)(timer_now() - from) / TIMER_PER_MS;
}

int main(void)
{
    static const inngest_function functions[] = { { .id = "take", .event = "test/sleep", .handler = never, .when = take } };
    static const inngest_port port = { .read = ram_read, .program = ram_program, .erase = ram_erase, .wake = wake,
                                       .block_size = 512, .block_count = 6, .program_size = 4 };
    static const inngest_config config = { .functions = functions, .function_count = 1, .port = &port, .memory = memory,
                                           .memory_size = sizeof memory, .runs = 1, .events = 4, .seed = 1 };
    uint64_t from;
    uint32_t k, slept_over = 0, before = 0, within = 0;
    memset(cells, 0xFF, sizeof cells);
    CHECK(inngest_init(&jobs, &config, NULL) == INNGEST_OK);
    __asm__ volatile("csrw mtvec, %0" :: "r"(trap));
    timer_init();
    PLIC(4 * ALARM) = 1;
    PLIC(0x2000) = 1u << ALARM;
    PLIC(0x200000) = 0;
    RTC(0x10) = 1;
    __asm__ volatile("csrs mie, %0" :: "r"(1u << 11));
    for (k = 1; k < SHOTS; k++) {
        uint32_t was = sent;
        board_woken = 0;
        CHECK(inngest_tick(&jobs, now_ms()) != 0);
        alarm_in(k * NS_AN_INSTRUCTION);
        if (sent != was) before++;             /* not even on the way yet */
        if (slept_ms(100) > 50) slept_over++;
        if (board_woken) within++;
        while (sent == was) { }
        CHECK(inngest_tick(&jobs, now_ms()) != 0);
        CHECK(sent == was + 1 && taken == sent);
    }
    CHECK(slept_over == 0);
    CHECK(within == SHOTS - 1 && before < 100);
    board_woken = 0;
    k = slept_ms(20);
    CHECK(k >= 19 && k <= 21);
    CHECK(slept_ms(0) == 0);
    from = timer_now();                        /* nothing is due: a tick must come within 24 days */
    board_sleep(UINT32_MAX);
    CHECK((timer_now() - from) / TIMER_PER_MS / 86400000u == 20);
    board_write("figure rv32_slept_over ");
    bare_number(slept_over);
    board_write(" of 599\n");
    bare_end("sleep");
}
