/* SPDX-License-Identifier: MIT
 * Promises 1 to 3: power is lost at every program and erase of a scenario, torn in five ways, and once more during
 * the recovery. Each step's effect happens at least once, and never again once its record was durable. */
#include "../port/flash_emulator/flash_emulator.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

#define JOBS 3
static flash chip;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(4, 8) / 8 + 1];
static uint32_t now;
/* What the world saw, kept through resets. */
static unsigned first_effect[JOBS], second_effect[JOBS], ended[JOBS], wrong, reruns;
static bool first_durable[JOBS], sent[JOBS];

static inngest_status job(inngest_ctx *ctx)
{
    uint32_t which, value, copy;
    INNGEST_TRY(inngest_event_data(ctx, &which, sizeof which));
    if (which >= JOBS) { wrong++; return INNGEST_FAIL; }
    INNGEST_STEP(ctx, "first", value) {
        if (first_durable[which]) reruns++;
        first_effect[which]++;
        if (inngest_attempt(ctx) == 0) return inngest_retry(ctx, 7, "not yet");
        value = 0xC0FFEE00u + which;
    }
    if (value != 0xC0FFEE00u + which) wrong++;
    first_durable[which] = true;
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_HOURS(1)));
    INNGEST_STEP(ctx, "second", copy) {
        second_effect[which]++;
        copy = value + 1;
    }
    if (copy != value + 1) wrong++;
    return INNGEST_OK;
}

static void run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    if (info->status != INNGEST_OK) wrong++;
    ended[0]++;
}

static const uint32_t one_second[] = { 1 };
static const inngest_function functions[] = {
    { .id = "job", .event = "test/job", .handler = job, .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER,
      .journal_bytes = 112 },
};
static const inngest_hooks hooks = { .run_end = run_end };

static inngest_status boot(void)
{
    inngest_config c;
    memset(&c, 0, sizeof c);
    c.functions = functions;
    c.function_count = 1;
    c.port = &chip.port;
    c.hooks = &hooks;
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = 4;
    c.events = 8;
    c.seed = 42;
    return inngest_init(&jobs, &c, NULL);
}

/* Go on until all is done or power is lost. True: done. */
static bool work(void)
{
    unsigned i, turns;
    inngest_run_info info;
    uint32_t cursor;
    char id[2] = "";
    const inngest_event event = { .name = "test/job", .data = &i, .size = sizeof i, .id = id };
    if (boot() != INNGEST_OK) return false;
    inngest_tick(&jobs, now);
    for (i = 0; i < JOBS; i++) {
        if (sent[i]) continue;
        id[0] = (char)('a' + i);            /* sent again after a cut; the id keeps it one run */
        if (inngest_send_event(&jobs, &event) != INNGEST_OK) return false;
        for (turns = 0; turns < 5000 && inngest_flush(&jobs) == INNGEST_ERR_JOURNAL_FULL; turns++) {
            inngest_tick(&jobs, now += 10000);      /* waits in the queue until a run has ended */
        }
        if (inngest_flush(&jobs) != INNGEST_OK) return false;
        sent[i] = true;
    }
    for (turns = 0; turns < 5000; turns++) {
        inngest_tick(&jobs, now);
        now += 10000;
        if (chip.dead) return false;
        cursor = 0;
        if (!inngest_next_run(&jobs, &cursor, &info)) return true;
    }
    wrong++;                            /* stuck */
    return true;
}

static void fresh(uint32_t block, uint32_t blocks, uint16_t g, uint32_t seed)
{
    CHECK(flash_open(&chip, block, blocks, g, seed));
    memset(first_effect, 0, sizeof first_effect);
    memset(second_effect, 0, sizeof second_effect);
    memset(ended, 0, sizeof ended);
    memset(first_durable, 0, sizeof first_durable);
    memset(sent, 0, sizeof sent);
    wrong = reruns = 0;
}

static void judge(void)
{
    unsigned i;
    CHECK(wrong == 0);
    CHECK(reruns == 0);
    CHECK(chip.violations == 0);
    CHECK(ended[0] >= JOBS);
    for (i = 0; i < JOBS; i++) CHECK(first_effect[i] >= 2 && second_effect[i] >= 1);
    flash_close(&chip);
}

int main(void)
{
    static const struct { uint32_t block, blocks; uint16_t g; } geometry[] = {
        { 1024, 2, 1 }, { 1024, 3, 4 }, { 512, 6, 8 }, { 512, 6, 16 }, { 2048, 2, 32 }, { 512, 5, 2 } };
    unsigned long images = 0;
    unsigned n;
    for (n = 0; n < sizeof geometry / sizeof *geometry; n++) {
        uint32_t total, cut, second;
        unsigned tear;
        fresh(geometry[n].block, geometry[n].blocks, geometry[n].g, 1);
        CHECK(work());
        total = chip.operations;
        judge();
        for (cut = 1; cut <= total; cut++)
            for (tear = 0; tear < FLASH_TEARS; tear++)
                for (second = 0; second <= 12; second++) {
                    unsigned boots = 0;
                    fresh(geometry[n].block, geometry[n].blocks, geometry[n].g, cut * 31 + tear + second);
                    chip.cut_at = cut;
                    chip.tear = (flash_tear)tear;
                    if (!work()) {
                        flash_power_on(&chip);
                        chip.cut_at = second ? chip.operations + second : 0;
                        chip.tear = (flash_tear)((tear + second) % FLASH_TEARS);
                        while (!work() && ++boots < 5) flash_power_on(&chip);
                    }
                    CHECK(boots < 5);
                    images++;
                    judge();
                    if (test_failed) printf("block %u x %u, g %u: cut %u tear %u second %u boots %u\n", (unsigned)geometry[n].block,
                        (unsigned)geometry[n].blocks, geometry[n].g, (unsigned)cut, tear, (unsigned)second, boots);
                    if (test_failed) return TEST_END();
                }
    }
    printf("%lu images\n", images);
    return TEST_END();
}
