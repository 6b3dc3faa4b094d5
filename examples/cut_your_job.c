/* SPDX-License-Identifier: MIT
 * Test a job of yours against power cuts: the flash emulator loses power at its first program or erase, then at its
 * second, and so on; after each cut the job must still end, its effects made at least once and its sums right.
 *
 *   cc -I. -Iport/flash_emulator examples/cut_your_job.c inngest.c port/flash_emulator/flash_emulator.c -o cut_your_job */
#include "flash_emulator.h"
#include <stdio.h>

static flash chip;
static inngest jobs;
static unsigned readings, reports, wrong;            /* the world: outlives resets */

static inngest_status job(inngest_ctx *ctx)          /* the job to be tested */
{
    int value;
    INNGEST_STEP(ctx, "read", value) { readings++; value = 42; }
    INNGEST_TRY(inngest_step_sleep(ctx, "settle", INNGEST_MINUTES(5)));
    INNGEST_DO(ctx, "report") {
        reports++;
        if (value != 42) wrong++;
    }
    return INNGEST_OK;
}

/* Power on, send if that was not durable yet, run until nothing is due or power is gone. True: nothing is due. */
static bool boot(bool *sent)
{
    static const inngest_function functions[] = { { .id = "job", .event = "test/job", .handler = job } };
    static int64_t memory[INNGEST_MEMORY(2, 2) / sizeof(int64_t) + 1];
    static const inngest_event event = { .name = "test/job", .id = "1" };       /* an id: sent twice, it runs once */
    const inngest_config config = { .functions = functions, .function_count = 1, .port = &chip.port, .memory = memory,
        .memory_size = sizeof memory, .runs = 2, .events = 2, .reset = INNGEST_RESET_POWER_ON, .seed = 1 };
    uint32_t now = 0, ms;
    flash_power_on(&chip);
    if (inngest_init(&jobs, &config, NULL) != INNGEST_OK) return false;
    if (!*sent && inngest_send_event(&jobs, &event) != INNGEST_OK) return false;
    if (!*sent && inngest_flush(&jobs) != INNGEST_OK) return false;
    *sent = true;
    while ((ms = inngest_tick(&jobs, now)) != UINT32_MAX && !chip.dead) now += ms;
    return !chip.dead;
}

int main(void)
{
    unsigned cut, tear, images = 0, more_than_once = 0;
    bool all = false;
    for (cut = 1; !all; cut++)
        for (tear = 0; tear < FLASH_TEARS; tear++) {
            bool sent = false;
            unsigned boots = 1;
            readings = reports = 0;
            if (!flash_open(&chip, 2048, 2, 8, cut)) return 1;
            chip.cut_at = cut;
            chip.tear = (flash_tear)tear;
            while (!boot(&sent)) if (++boots > 3) { printf("cut %u, tear %u: %s\n", cut, tear, chip.dead ? "dead" : "stuck"); return 1; }
            all = boots == 1;                        /* the cut lies behind the end */
            if (readings == 0 || reports == 0 || readings + reports > 3 || wrong || chip.violations) {
                printf("cut %u, tear %u: read %u times, reported %u times\n", cut, tear, readings, reports);
                return 1;
            }
            more_than_once += readings + reports > 2;
            images += !all;
            flash_close(&chip);
        }
    printf("power lost at each of %u operations, %u images: the job always ended\n", cut - 2, images);
    printf("in %u images one step's effect happened twice: between it and its record\n", more_than_once);
    return 0;
}
