/* SPDX-License-Identifier: MIT
 * The main loop of a chip without an operating system: an interrupt sends, the loop ticks and sleeps until the next
 * deadline, and no wake-up is lost. The chip's registers are simulated: time stands still but in the sleep.
 *
 *   cc -I. -Iport/flash_emulator examples/bare_loop.c inngest.c port/flash_emulator/flash_emulator.c -o bare_loop */
#include "flash_emulator.h"
#include <stdio.h>

/* ---- the chip: a free running ms counter, a compare interrupt, a button ------------------------------------------- */

static uint32_t counter, alarm_at, presses;
static bool masked, pending;
static void button_interrupt(void);

static void interrupts_mask(void) { masked = true; }
static void interrupts_unmask(void) { masked = false; if (pending) { pending = false; button_interrupt(); } }

/* WFI: returns when an interrupt is pending, masked or not. Here: the button is pressed every 40 s, three times. */
static void sleep_until_interrupt(void)
{
    uint32_t button_at = presses < 3 ? 40000 * (presses + 1) : UINT32_MAX;
    if (pending) return;
    if (button_at <= alarm_at) { counter = button_at; presses++; pending = true; }
    else counter = alarm_at;
    if (!masked) interrupts_unmask();
}

/* ---- the program -------------------------------------------------------------------------------------------------- */

static inngest jobs;
static flash chip;
static volatile bool woken;                    /* port.wake sets it: something is in the queue */

static void wake(void *context) { (void)context; woken = true; }
static uint32_t now(void *context) { (void)context; return counter; }

static void button_interrupt(void)
{
    if (inngest_send(&jobs, "button/pressed", NULL, 0) != INNGEST_OK) { /* full: counted, see inngest_get_counters */ }
}

static inngest_status light(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "on") { printf("%3u s  light on\n", (unsigned)(counter / 1000)); }
    INNGEST_TRY(inngest_step_sleep(ctx, "shine", INNGEST_SECONDS(30)));
    INNGEST_DO(ctx, "off") { printf("%3u s  light off\n", (unsigned)(counter / 1000)); }
    return INNGEST_OK;
}

int main(void)
{
    static const inngest_function functions[] = { { .id = "light", .event = "button/pressed", .handler = light } };
    static int64_t memory[INNGEST_MEMORY(8, 8) / sizeof(int64_t) + 1];
    const inngest_config config = { .functions = functions, .function_count = 1, .port = &chip.port, .memory = memory,
        .memory_size = sizeof memory, .runs = 8, .events = 8, .reset = INNGEST_RESET_POWER_ON, .seed = 1 };
    if (!flash_open(&chip, 2048, 4, 8, 1)) return 1;
    chip.port.wake = wake;
    chip.port.now = now;
    if (inngest_init(&jobs, &config, NULL) != INNGEST_OK) return 1;
    while (counter < 200000) {                 /* a chip: for (;;) */
        uint32_t ms;
        woken = false;                         /* before the tick: what comes later sets it again */
        ms = inngest_tick(&jobs, counter);
        interrupts_mask();
        alarm_at = ms < 200000 - counter ? counter + ms : 200000;     /* a chip: the longest its timer can */
        if (!woken) sleep_until_interrupt();   /* an interrupt since the look is pending, and ends the sleep at once */
        interrupts_unmask();                   /* now it runs */
    }
    if (inngest_close(&jobs) != INNGEST_OK) return 1;
    flash_close(&chip);
    return 0;
}
