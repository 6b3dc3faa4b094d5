/* SPDX-License-Identifier: MIT
 * Branches: two sensors are read side by side, and all must answer (inngest_all); the report goes out by radio and by
 * modem, and the first to succeed is enough (inngest_any): the loser is told to stop. Time is virtual.
 *
 *   cc -I. -Iport/flash_emulator examples/parallel.c inngest.c port/flash_emulator/flash_emulator.c -o parallel */
#include "flash_emulator.h"
#include <stdio.h>

static inngest_status radio(inngest_ctx *ctx, const void *report, void *result)
{
    (void)report; (void)result;
    printf("radio: attempt %d, no answer\n", inngest_attempt(ctx) + 1);
    return inngest_retry(ctx, 1, "no answer");
}

static inngest_status modem(inngest_ctx *ctx, const void *report, void *result)
{
    const int *value = report;
    (void)result;
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) { puts("modem: switched off"); return INNGEST_FAIL; }
    if (inngest_step_calls(ctx) < 3) return inngest_again(ctx, 5000);     /* dialling: look again in 5 s */
    printf("modem: sent %d\n", *value);
    return INNGEST_OK;
}

static inngest_status siren(inngest_ctx *ctx, const void *report, void *result)
{
    (void)report; (void)result;
    if (inngest_stop_reason(ctx) == INNGEST_STOP_LOST) { puts("siren: another branch won, switched off"); return INNGEST_OK; }
    if (inngest_step_calls(ctx) == 0) puts("siren: on, until somebody presses the button");
    return inngest_again(ctx, UINT32_MAX);
}

static inngest_status report(inngest_ctx *ctx)
{
    int inside = 0, outside = 0, sum;
    inngest_status a, b, c;
    inngest_parallel(ctx, "measure");
    INNGEST_STEP_AS(a, ctx, "inside", inside) { puts("inside: 21"); inside = 21; }
    INNGEST_STEP_AS(b, ctx, "outside", outside) {
        printf("outside: attempt %d\n", inngest_attempt(ctx) + 1);
        if (inngest_attempt(ctx) == 0) b = inngest_retry_after(ctx, 2000, 1, "not ready");
        else outside = 4;
    }
    INNGEST_TRY(inngest_all(ctx, &a, &b));       /* PAUSED, and so returned, until both are decided */
    sum = inside + outside;
    inngest_parallel(ctx, "tell");
    a = inngest_step_run(ctx, "radio", radio, &sum, NULL, 0);
    b = inngest_step_run(ctx, "modem", modem, &sum, NULL, 0);
    c = inngest_step_run(ctx, "siren", siren, NULL, NULL, 0);
    INNGEST_TRY(inngest_any(ctx, &a, &b, &c));   /* the winner is recorded: the same at every replay */
    printf("told by %s\n", a == INNGEST_OK ? "radio" : b == INNGEST_OK ? "modem" : "siren");
    return INNGEST_OK;
}

int main(void)
{
    static const inngest_function functions[] = { { .id = "report", .event = "alarm/raised", .handler = report } };
    static inngest jobs;
    static flash chip;
    static int64_t memory[INNGEST_MEMORY(4, 4) / sizeof(int64_t) + 1];
    const inngest_config config = { .functions = functions, .function_count = 1, .port = &chip.port, .memory = memory,
        .memory_size = sizeof memory, .runs = 4, .events = 4, .seed = 1 };
    uint32_t now = 0, ms;
    if (!flash_open(&chip, 4096, 4, 4, 1) || inngest_init(&jobs, &config, NULL) != INNGEST_OK) return 1;
    if (inngest_send(&jobs, "alarm/raised", NULL, 0) != INNGEST_OK) return 1;
    while ((ms = inngest_tick(&jobs, now)) != UINT32_MAX) now += ms;
    printf("after %u s\n", (unsigned)(now / 1000));
    if (inngest_close(&jobs) != INNGEST_OK) return 1;
    flash_close(&chip);
    return 0;
}
