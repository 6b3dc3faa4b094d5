/* SPDX-License-Identifier: MIT
 * Promise 1 where storage rots under jobs that run: bits turn over in what is live, reclaim goes round meanwhile and erases
 * what shows it, and whatever may have a run look again comes: wakes, clocks that are told, failures of the handler, branches.
 * No finished step runs again, every result is what it was, and a run that does not go on says that it is damaged. */
#include "draw.h"
#include "machine.h"

static uint64_t random_state;
#define draw(n) draw(&random_state, n)

enum { STEPS = 8, SOON = 100 };        /* of a handler, as many of on_failure; ms */
static uint8_t done[64][2 * STEPS];    /* of a run's number */
static unsigned twice, wrong, hung, parked, ended;

static void finish(inngest_ctx *ctx, unsigned step)
{
    if (done[inngest_run_id(ctx) % 64][step]++) twice++;
}

static inngest_status steps(inngest_ctx *ctx, unsigned first)
{
    static const char *const ids[] = { "a", "b", "c" };
    inngest_status branch, nap;
    uint32_t value;
    unsigned i;
    for (i = 0; i < 3; i++) {
        INNGEST_STEP(ctx, ids[i], value) { value = i; finish(ctx, first + i); }
        wrong += value != i;
        INNGEST_TRY(inngest_step_sleep(ctx, "nap", 500));
    }
    INNGEST_DO(ctx, "second try") {
        if (inngest_attempt(ctx) == 0) return INNGEST_RETRY;
        finish(ctx, first + 3);
    }
    INNGEST_DO(ctx, "progress") {
        for (i = 0; i < 12; i++) INNGEST_TRY(inngest_step_save(ctx, &i, sizeof i));
        finish(ctx, first + 4);
    }
    inngest_parallel(ctx, "both");
    INNGEST_DO_AS(branch, ctx, "branch") {
        if (inngest_step_calls(ctx) < 2 && inngest_stop_reason(ctx) == INNGEST_STOP_NONE) branch = inngest_again(ctx, 700);
        else finish(ctx, first + 5);
    }
    nap = inngest_step_sleep(ctx, "beside", 900);
    INNGEST_TRY(inngest_all(ctx, &branch, &nap));
    INNGEST_DO(ctx, "end") finish(ctx, first + 6);
    return INNGEST_OK;
}

static inngest_status job(inngest_ctx *ctx)
{
    INNGEST_TRY(steps(ctx, 0));
    if (inngest_run_id(ctx) & 1) return INNGEST_FAIL;
    return inngest_attempt(ctx) == 0 ? INNGEST_RETRY : INNGEST_OK;
}
static inngest_status failed(inngest_ctx *ctx) { return steps(ctx, STEPS); }

static inngest_status filler(inngest_ctx *ctx)
{
    char result[100];
    INNGEST_STEP(ctx, "fill", result) memset(result, 'x', sizeof result);
    return INNGEST_OK;
}

static const uint32_t second[] = { 1 };
static const inngest_function table[] = {
    { .id = "job", .event = "job", .handler = job, .on_failure = failed, .journal_bytes = 900, .backoff = second, .backoff_count = 1,
      .jitter_ms = INNGEST_NO_JITTER },
    { .id = "filler", .event = "filler", .handler = filler, .journal_bytes = 200 } };

static void rot(void)                  /* a bit of what has been written, not of a block's header */
{
    uint32_t size = m.chip.port.block_size, at, i;
    for (i = 0; i < 2000; i++) {
        at = draw(size * m.chip.port.block_count);
        if (m.chip.cells[at] == 0xFF || at % size < 32) continue;
        m.chip.cells[at] ^= (uint8_t)(1u << draw(8));
        return;
    }
}

#define PUT(name) ((void)(inngest_send(&m.jobs, name, NULL, 0) == INNGEST_OK))   /* full: not now */

static void live(uint32_t seed)
{
    inngest_run_info info;
    uint32_t cursor, i;
    random_state = seed;
    memset(done, 0, sizeof done);
    machine_open(table, 2, draw(2) ? 2048 : 4096, 3 + draw(6), 4);
    if (draw(2)) m.chip.port.now = NULL;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    for (i = 0; i < 3; i++) PUT("job");
    for (i = 0; i < 250; i++) {
        if (draw(3)) PUT("filler");
        m.now += draw(300);
        (void)machine_tick();
        if (i > 3 && draw(25) == 0) rot();
        if (draw(10) == 0) inngest_wake(&m.jobs);
        if (draw(30) == 0) inngest_set_wall_clock(&m.jobs, INNGEST_DAYS(20000) + m.now + draw(5000), m.now);
    }
    for (cursor = 0; inngest_next_run(&m.jobs, &cursor, &info);) {
        if (info.wait != INNGEST_WAIT_DAMAGE) continue;
        parked++;
        if (draw(2)) CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_OK);
    }
    for (i = 0; i < 300; i++) {
        if (i < 100) PUT("filler");
        m.now += SOON;
        (void)machine_tick();
    }
    for (cursor = 0; inngest_next_run(&m.jobs, &cursor, &info);) hung += info.wait != INNGEST_WAIT_DAMAGE;
    ended += machine_counters().runs_ended;
}

int main(int argc, char **argv)
{
    uint32_t lives = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 3000, seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1, i;
    for (i = 0; i < lives && !test_failed; i++) {
        live(seed + i);
        CHECK(twice == 0 && wrong == 0 && hung == 0);
        if (test_failed) printf("  seed %lu: %u steps twice, %u results wrong, %u runs hung\n", (unsigned long)(seed + i), twice, wrong, hung);
    }
    printf("%lu lives, %u runs parked, %u ended\n", (unsigned long)lives, parked, ended);
    CHECK(lives < 100 || (parked > lives / 10 && ended > lives));
    flash_close(&m.chip);
    return TEST_END();
}
