/* SPDX-License-Identifier: MIT
 * The ways to fail: a step that is retried, a step whose last failure is caught and made good, a final failure, and
 * on_failure, which runs in the place of the handler then, with steps of its own and the same event. Time is virtual.
 *
 *   cc -I. -Iport/flash_emulator examples/on_failure.c inngest.c port/flash_emulator/flash_emulator.c -o on_failure */
#include "flash_emulator.h"
#include <stdio.h>

static uint32_t now;

static inngest_status pay(inngest_ctx *ctx)
{
    int amount;
    inngest_status status;
    INNGEST_TRY(inngest_event_data(ctx, &amount, sizeof amount));
    INNGEST_DO(ctx, "reserve") {
        printf("%4u s  reserve, attempt %d\n", (unsigned)(now / 1000), inngest_attempt(ctx) + 1);
        if (inngest_attempt(ctx) == 0) return INNGEST_RETRY;          /* Inngest's first delay: 15 s, and up to 30 s of jitter */
    }
    INNGEST_DO_AS(status, ctx, "receipt") status = inngest_fail(ctx, 7, "printer out of paper");
    if (status > 0) return status;                                    /* not decided: always returned */
    if (status == INNGEST_STEP_FAILED) {                              /* decided: may be handled, the same at each replay */
        const inngest_error_info *error = inngest_error(ctx);
        printf("%4u s  no receipt: %s (%d); going on without\n", (unsigned)(now / 1000), error->message, (int)error->code);
    }
    INNGEST_DO(ctx, "charge") {
        if (amount > 100) return inngest_fail(ctx, 51, "card declined");    /* no more attempts, not caught: the run fails */
        printf("%4u s  charged %d\n", (unsigned)(now / 1000), amount);
    }
    return INNGEST_OK;
}

static inngest_status undo(inngest_ctx *ctx)
{
    int amount;
    char why[INNGEST_MESSAGE_BYTES + 1];
    snprintf(why, sizeof why, "%s", inngest_error(ctx)->message);
    INNGEST_TRY(inngest_event_data(ctx, &amount, sizeof amount));
    INNGEST_DO(ctx, "release") { printf("%4u s  %s: the reservation of %d is released\n", (unsigned)(now / 1000), why, amount); }
    return INNGEST_OK;
}

static void run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    printf("%4u s  run %u of %s: %s\n", (unsigned)(now / 1000), (unsigned)info->id, info->function, inngest_status_name(info->status));
}

int main(void)
{
    static const inngest_function functions[] = { { .id = "pay", .event = "order/placed", .handler = pay, .on_failure = undo } };
    static const inngest_hooks hooks = { .run_end = run_end };
    static inngest jobs;
    static flash chip;
    static int64_t memory[INNGEST_MEMORY(4, 4) / sizeof(int64_t) + 1];
    const inngest_config config = { .functions = functions, .function_count = 1, .port = &chip.port, .hooks = &hooks,
        .memory = memory, .memory_size = sizeof memory, .runs = 4, .events = 4, .seed = 1 };
    static const int small = 20, large = 500;
    uint32_t ms;
    if (!flash_open(&chip, 4096, 4, 4, 1) || inngest_init(&jobs, &config, NULL) != INNGEST_OK) return 1;
    if (inngest_send(&jobs, "order/placed", &small, sizeof small) != INNGEST_OK) return 1;
    if (inngest_send(&jobs, "order/placed", &large, sizeof large) != INNGEST_OK) return 1;
    while ((ms = inngest_tick(&jobs, now)) != UINT32_MAX) now += ms;
    if (inngest_close(&jobs) != INNGEST_OK) return 1;
    flash_close(&chip);
    return 0;
}
