/* SPDX-License-Identifier: MIT
 * A firmware update as one long step: a chunk a call, progress saved every fourth chunk, so that after a power cut the
 * download goes on there; then a restart on purpose, and a check in the new firmware. Power is cut once on the way.
 *
 *   cc -I. -Iport/flash_emulator examples/firmware_update.c inngest.c port/flash_emulator/flash_emulator.c -o update */
#include "flash_emulator.h"
#include <stdio.h>
#include <stdlib.h>

#define CHUNKS 40u

static flash chip;
static inngest jobs;
static bool restarting;
static unsigned slot_b[CHUNKS];                                  /* the flash the new image goes to, one word a chunk */

static inngest_status download(inngest_ctx *ctx, const void *arg, void *result)
{
    uint32_t next;                                               /* chunk to fetch; zero at first */
    (void)arg; (void)result;
    INNGEST_TRY(inngest_step_load(ctx, &next, sizeof next));
    next += inngest_step_calls(ctx) % 4;                         /* those fetched since it was saved, in this boot */
    if (next == CHUNKS) return INNGEST_OK;                       /* power was cut behind the last save */
    if (inngest_step_calls(ctx) == 0) printf("download goes on at chunk %u\n", (unsigned)next);
    slot_b[next] = 1000 + next;                                  /* fetching a chunk twice does no harm */
    next++;
    if (next % 4 == 0) INNGEST_TRY(inngest_step_save(ctx, &next, sizeof next));
    return next == CHUNKS ? INNGEST_OK : inngest_again(ctx, 100);
}

static inngest_status update(inngest_ctx *ctx)
{
    static const inngest_step_options an_hour = { .timeout_ms = 3600000 };
    INNGEST_TRY(inngest_step_run_with(ctx, "download", &an_hour, download, NULL, NULL, 0));
    INNGEST_DO(ctx, "verify") {
        for (unsigned i = 0; i < CHUNKS; i++) if (slot_b[i] != 1000 + i) return inngest_fail(ctx, (int)i, "bad image");
        puts("image verified, slot B is marked for the next boot");
    }
    INNGEST_TRY(inngest_step_restart(ctx, "into-the-new-firmware"));   /* recorded first: happens once */
    INNGEST_DO(ctx, "confirm") { puts("the new firmware runs and confirms itself"); }
    return INNGEST_OK;
}

static void restart(void *context) { (void)context; puts("restart"); restarting = true; }

/* Power on, run until it is off again or nothing is due. True: nothing is due. */
static bool boot(inngest_reset reset)
{
    static const inngest_function functions[] = { { .id = "update", .event = "firmware/available", .handler = update } };
    static int64_t memory[INNGEST_MEMORY(4, 4) / sizeof(int64_t) + 1];
    const inngest_config config = { .functions = functions, .function_count = 1, .port = &chip.port, .memory = memory,
        .memory_size = sizeof memory, .runs = 4, .events = 4, .seed = 1, .reset = reset };
    static uint32_t now;
    static bool sent;
    flash_power_on(&chip);
    restarting = false;
    if (inngest_init(&jobs, &config, NULL) != INNGEST_OK) return false;
    if (!sent) sent = inngest_send(&jobs, "firmware/available", NULL, 0) == INNGEST_OK && inngest_flush(&jobs) == INNGEST_OK;
    for (;;) {
        uint32_t ms = inngest_tick(&jobs, now);
        if (chip.dead || restarting) return false;
        if (ms == UINT32_MAX) return inngest_close(&jobs) == INNGEST_OK;
        now += ms;
    }
}

int main(int count, char **arguments)
{
    int boots = 1;
    if (!flash_open(&chip, 4096, 4, 8, 1)) return 1;
    chip.port.restart = restart;
    chip.cut_at = count > 1 ? (unsigned)atoi(arguments[1]) : 15; /* the 15th program or erase is torn */
    chip.tear = FLASH_TEAR_MIDDLE;
    while (!boot(chip.dead ? INNGEST_RESET_POWER_ON : INNGEST_RESET_UNKNOWN))
        if (boots++ == 5) return 1;
    printf("done after %d boots\n", boots);
    flash_close(&chip);
    return 0;
}
