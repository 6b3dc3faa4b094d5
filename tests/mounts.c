/* SPDX-License-Identifier: MIT
 * What a mount reads does not grow with the journal. */
#include "machine.h"

static uint32_t bytes_read;
static void count_reads(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user;
    (void)address;
    if (operation == 'r') bytes_read += size;
}

static inngest_status worker(inngest_ctx *ctx)
{
    uint8_t result[32] = { 1 };
    unsigned i;
    for (i = 0; i < 5; i++) INNGEST_STEP(ctx, "value", result) result[0] = 2;
    return INNGEST_OK;
}
static inngest_status sleeper(inngest_ctx *ctx) { return inngest_step_sleep(ctx, "nap", INNGEST_HOURS(500)); }
static const inngest_function work_table[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 320 },
                                               { .id = "sleeper", .event = "s", .handler = sleeper, .journal_bytes = 64 } };

/* The most of some places of a journal, behind a clean stop and behind none. */
static void short_mounts(uint32_t block, uint32_t blocks, unsigned live, uint32_t goal)
{
    uint8_t data[32] = { 0 };
    uint32_t most = 0;
    unsigned i, n = 0, jobs = block * blocks / 300 + 30;
    machine_open(work_table, 2, block, blocks, 4);
    machine_reboot();
    while (n++ < live) CHECK(inngest_send(&m.jobs, "s", data, sizeof data) == INNGEST_OK && machine_run(1));
    for (n = 0; n < 8; n++) {
        for (i = 0; i < jobs; i++) CHECK(inngest_send(&m.jobs, "w", data, sizeof data) == INNGEST_OK && machine_run(1));
        if (n % 2) CHECK(inngest_close(&m.jobs) == INNGEST_OK);
        m.chip.trace = count_reads;
        bytes_read = 0;
        machine_reboot();
        if (bytes_read > most) most = bytes_read;
        m.chip.trace = NULL;
        CHECK(machine_runs(NULL) == live);
        jobs = block / 900 + 5;
    }
    CHECK(most <= goal);
    if (most > goal) printf("  %u x %u, %u runs: %u bytes\n", blocks, block, live, most);
    MACHINE_END();
}

/* Where power was lost in a program, too: what was torn has little behind it to be looked at. */
static void torn_mounts(uint32_t block, uint32_t blocks, uint32_t goal)
{
    uint8_t data[32] = { 0 };
    uint32_t most = 0;
    unsigned i, n, torn = 0;
    machine_open(work_table, 2, block, blocks, 4);
    machine_reboot();
    for (n = 0; n < 40; n++) {
        for (i = 0; i < 20; i++) CHECK(inngest_send(&m.jobs, "w", data, sizeof data) == INNGEST_OK && machine_run(1));
        m.chip.tear = n % 2 ? FLASH_TEAR_FIRST : FLASH_TEAR_MIDDLE;
        m.chip.cut_at = m.chip.operations + 1 + n % 7;
        while (!m.chip.dead) {
            (void)!inngest_send(&m.jobs, "w", data, sizeof data);
            (void)machine_run(1);
        }
        m.chip.cut_at = 0;
        flash_power_on(&m.chip);
        m.chip.trace = count_reads;
        bytes_read = 0;
        machine_reboot();
        if (bytes_read > most) most = bytes_read;
        m.chip.trace = NULL;
        torn += machine_counters().torn;
    }
    CHECK(torn > 10 && most <= goal);
    if (most > goal) printf("  %u x %u, torn: %u bytes\n", blocks, block, most);
    MACHINE_END();
}

int main(void)
{
    short_mounts(4096, 16, 0, 5500);
    short_mounts(4096, 16, 5, 6500);
    short_mounts(4096, 128, 5, 6600);
    short_mounts(131072, 8, 0, 9000);
    short_mounts(131072, 8, 5, 9600);
    short_mounts(16384, 12, 1, 6800);
    torn_mounts(4096, 16, 25500);
    torn_mounts(131072, 8, 8500);
    return TEST_END();
}
