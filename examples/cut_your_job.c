/* SPDX-License-Identifier: MIT
 * Test a job of yours against power cuts: power_cut_everywhere cuts at each program and erase of it, in every way flash
 * can tear, and again in the recovery; each time the job must end, and the check must find the world as it should be.
 *
 *   cc -I. -Iport/flash_emulator examples/cut_your_job.c inngest.c port/flash_emulator/[fp]*.c -o cut_your_job */
#include "power_cut.h"
#include <stdio.h>

typedef struct world { unsigned readings, reports, sum; } world;   /* what is outside of the machine: outlives power cuts */

static inngest_status job(inngest_ctx *ctx)          /* the job to be tested */
{
    world *w = inngest_user(ctx);
    unsigned value;
    INNGEST_STEP(ctx, "read", value) { w->readings++; value = 42; }
    INNGEST_TRY(inngest_step_sleep(ctx, "settle", INNGEST_MINUTES(5)));
    INNGEST_DO(ctx, "report") { w->reports++; w->sum = value; }
    return INNGEST_OK;
}

static unsigned more_than_once;                      /* only counted here: a power cut between effect and record allows it */

static bool check(const void *now, const void *uncut)  /* say what must be: a job that is always wrong is so uncut, too */
{
    const world *w = now;
    (void)uncut;
    if (w->readings + w->reports > 2) more_than_once++;
    return w->readings >= 1 && w->reports >= 1 && w->sum == 42;
}

int main(void)
{
    static world outside;
    static const inngest_function functions[] = { { .id = "job", .event = "test/job", .handler = job } };
    static const power_cut_event events[] = { { 0, { .name = "test/job" } } };
    static const power_cut_scenario scenario = { .name = "my job", .functions = functions, .function_count = 1, .events = events,
        .event_count = 1, .world = &outside, .world_size = sizeof outside, .check = check };
    static const power_cut_options options = { .block_size = 2048, .block_count = 2, .program_size = 8, .per_mille = 300 };
    power_cut_result result;
    if (!power_cut_everywhere(&scenario, &options, &result)) { printf("%s\n", result.failure); return 1; }
    printf("power lost at each of %u operations, %lu images: the job always ended\n", (unsigned)result.operations, result.images);
    printf("in %u images one step's effect happened twice: between it and its record\n", more_than_once);
    return 0;
}
