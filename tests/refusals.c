/* SPDX-License-Identifier: MIT
 * What is refused is refused with a status of its own and changes nothing: calls without an engine, before init and
 * after close; completions that name no step, are none, or are too large. Every status has its name. A completion that
 * fails a step is an attempt, or the last one. */
#include "machine.h"

static inngest_token token;
static unsigned bodies;
static inngest_status last;

static inngest_status radio(inngest_ctx *ctx)
{
    uint8_t value = 0;
    INNGEST_STEP_AS(last, ctx, "radio", value) {
        bodies++;
        token = inngest_step_token(ctx);
        last = INNGEST_PENDING;
    }
    INNGEST_TRY(last);
    trace("got %u", value);
    return INNGEST_OK;
}

static const uint32_t backoff[] = { 1 };
static const inngest_function table[] = {
    { .id = "radio", .event = "r/go", .handler = radio, .backoff = backoff, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER },
};

static void names(void)
{
#define NAME(n) CHECK(strcmp(inngest_status_name(INNGEST_##n), #n) == 0);
    NAME(OK) NAME(PAUSED) NAME(AGAIN) NAME(PENDING) NAME(RETRY) NAME(FAIL) NAME(BODY) NAME(STEP_FAILED) NAME(TIMED_OUT) NAME(LOST)
    NAME(CANCELLED) NAME(ERR_NOT_FOUND) NAME(ERR_TYPE) NAME(ERR_JSON) NAME(ERR_TOO_LONG) NAME(ERR_RANGE) NAME(ERR_DEPTH)
    NAME(ERR_ARGUMENT) NAME(ERR_NESTED) NAME(ERR_STEP_LEFT) NAME(ERR_STATUS) NAME(ERR_STEP_IDS) NAME(ERR_STEP_ID)
    NAME(ERR_RESULT_SIZE) NAME(ERR_RUN_BYTES) NAME(ERR_NOT_IN_STEP) NAME(ERR_CRASHED) NAME(ERR_INTERRUPTED) NAME(ERR_PARALLEL)
    NAME(ERR_RESTART) NAME(ERR_QUEUE_FULL) NAME(ERR_EVENT_SIZE) NAME(ERR_NAME) NAME(ERR_NOT_READY) NAME(ERR_STALE_TOKEN)
    NAME(ERR_JOURNAL_FULL) NAME(ERR_RUNS_FULL) NAME(ERR_SEEN_FULL) NAME(ERR_BUSY) NAME(ERR_MEMORY) NAME(ERR_TABLE_ID)
    NAME(ERR_TABLE_DOUBLE) NAME(ERR_TABLE_EVENT) NAME(ERR_TABLE_HANDLER) NAME(ERR_TABLE_FAN_OUT) NAME(ERR_TABLE_BYTES)
    NAME(ERR_TABLE_BACKOFF) NAME(ERR_GEOMETRY) NAME(ERR_FOREIGN) NAME(ERR_VERSION) NAME(ERR_OTHER_GEOMETRY) NAME(ERR_MISMATCH)
    NAME(ERR_READ) NAME(ERR_PROGRAM) NAME(ERR_ERASE) NAME(ERR_SYNC)
    CHECK(inngest_status_name((inngest_status)-1)[0] == 0 && inngest_status_name((inngest_status)1)[0] == 0);
}

/* No engine, or one that is not up. */
static void without(inngest *jobs)
{
    inngest_run_info info;
    uint32_t cursor = 0;
    inngest_status none = jobs ? INNGEST_ERR_NOT_READY : INNGEST_ERR_ARGUMENT;
    inngest_event event = { "r/go", NULL, 0, NULL, 0 };
    CHECK(inngest_send(jobs, "r/go", NULL, 0) != INNGEST_OK);
    CHECK(inngest_send_event(jobs, &event) != INNGEST_OK);
    CHECK(inngest_complete(jobs, token, INNGEST_OK, NULL, 0) == none);
    CHECK(inngest_tick(jobs, 0) == UINT32_MAX);
    CHECK(inngest_flush(jobs) == INNGEST_ERR_NOT_READY);
    CHECK(inngest_close(jobs) == INNGEST_ERR_NOT_READY);
    CHECK(inngest_cancel(jobs, 1) != INNGEST_OK);
    CHECK(!inngest_next_run(jobs, &cursor, &info));
    inngest_wake(jobs);
    inngest_set_wall_clock(jobs, 1700000000000, 0);
}

static void start(void)
{
    CHECK(inngest_send(&m.jobs, "r/go", NULL, 0) == INNGEST_OK);
    CHECK(machine_run(2000));
}

static void completions(void)
{
    static uint8_t large[INNGEST_EVENT_BYTES + 1];
    inngest_token none = token, stale = token;
    uint8_t value = 7;
    none.attempt = 0;
    stale.attempt++;
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 1) == INNGEST_ERR_ARGUMENT);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_PENDING, &value, 1) == INNGEST_ERR_ARGUMENT);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_STEP_FAILED, &value, 1) == INNGEST_ERR_ARGUMENT);
    CHECK(inngest_complete(&m.jobs, none, INNGEST_OK, &value, 1) == INNGEST_ERR_STALE_TOKEN);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, large, sizeof large) == INNGEST_ERR_RESULT_SIZE);
    CHECK(machine_counters().stale_tokens == 1 && machine_counters().refused_size == 1);
    CHECK(inngest_complete(&m.jobs, stale, INNGEST_OK, &value, 1) == INNGEST_OK);        /* only the tick can tell */
    CHECK(machine_run(2000) && bodies == 1 && machine_runs(NULL) == 1 && machine_counters().stale_tokens == 2);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_RETRY, NULL, 0) == INNGEST_OK);       /* an attempt */
    CHECK(machine_run(2000) && bodies == 2 && machine_runs(NULL) == 1);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, &value, 1) == INNGEST_OK);
    CHECK(machine_run(2000) && bodies == 2 && machine_runs(NULL) == 0);
    CHECK_TRACE("got 7");
    start();
    CHECK(bodies == 3 && inngest_complete(&m.jobs, token, INNGEST_FAIL, NULL, 0) == INNGEST_OK);
    CHECK(machine_run(2000) && bodies == 3 && last == INNGEST_STEP_FAILED && machine_runs(NULL) == 0);
    start();
    CHECK(bodies == 4 && inngest_complete(&m.jobs, token, INNGEST_OK, large, 2) == INNGEST_OK);      /* more than the step asked for */
    CHECK(machine_run(2000) && machine_runs(NULL) == 0 && last == INNGEST_ERR_RESULT_SIZE);
    CHECK_TRACE("");
}

int main(void)
{
    uint32_t cursor = 0;
    inngest_run_info info;
    names();
    memset(&m.jobs, 0, sizeof m.jobs);
    without(NULL);
    without(&m.jobs);
    machine_open(table, 1, 2048, 4, 4);
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    CHECK(!inngest_next_run(&m.jobs, NULL, &info) && !inngest_next_run(&m.jobs, &cursor, NULL));
    inngest_get_counters(&m.jobs, NULL);
    inngest_get_counters(NULL, NULL);
    start();
    completions();
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    without(&m.jobs);
    MACHINE_END();
    return TEST_END();
}
