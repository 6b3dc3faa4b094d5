/* SPDX-License-Identifier: MIT
 * Promise 2: a step is retried until it succeeds and then never runs again; what a status means; mistakes. */
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER

static inngest_status double_it(inngest_ctx *ctx, const void *arg, void *result)
{
    int in, out;
    (void)ctx;
    memcpy(&in, arg, sizeof in);
    out = 2 * in;
    memcpy(result, &out, sizeof out);
    trace("double");
    return INNGEST_OK;
}

static inngest_status basic(inngest_ctx *ctx)
{
    int arg = 21, twice, i;
    char text[16];
    INNGEST_TRY(inngest_step_run(ctx, "double", double_it, &arg, &twice, sizeof twice));
    CHECK(twice == 42);
    INNGEST_STEP(ctx, "text", text) {
        CHECK(text[0] == 0 && text[15] == 0);
        if (inngest_attempt(ctx) < 2) return inngest_retry(ctx, 1, "soon");
        strcpy(text, "good");
        trace("text");
    }
    CHECK(strcmp(text, "good") == 0);
    for (i = 0; i < 3; i++) {
        int value;
        INNGEST_STEP(ctx, "loop", value) {
            value = i * 10;
            trace("loop%d", i);
            if (i == 1) continue;
            value++;
        }
        CHECK(value == i * 10 + (i != 1));
    }
    INNGEST_DO(ctx, "last") trace("last");
    trace("end");
    return INNGEST_OK;
}

static const inngest_function table[] = {
    { .id = "basic", .event = "test/basic", .handler = basic, QUICK },
};

int main(void)
{
    machine_open(table, 1, 4096, 4, 4);
    CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/basic", NULL, 0) == INNGEST_OK);
    CHECK(machine_run(10000));
    CHECK_TRACE("double text loop0 loop1 loop2 last end");
    CHECK(machine_runs(NULL) == 0);
    CHECK(machine_counters().steps_run == 8 && machine_counters().steps_failed == 2);
    MACHINE_END();
    return TEST_END();
}
