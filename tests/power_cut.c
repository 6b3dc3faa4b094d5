/* SPDX-License-Identifier: MIT
 * Promises 1 to 3: power is lost at every program and erase of real jobs, torn in every way, and again in the recovery.
 * Each step's effect happens at least once, and never again once its record was durable; results and decisions are
 * those of the run that was never cut; no event that was acknowledged is lost, and none starts a second run.
 *
 *     power_cut                       some of each, drawn by a seed
 *     power_cut soak [PART OF]        all of it, or one of so many parts: for several processes
 *     power_cut trace NAME N          one scenario at one geometry, up to the first failure, everything printed */
#include "../port/flash_emulator/power_cut.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

#define JOBS 9
#define STEPS 6
#define DECISIONS 4

/* What the world saw, kept through power cuts. */
typedef struct world {
    uint64_t run[JOBS];                    /* the run that has the job */
    uint32_t decided[JOBS][DECISIONS];     /* what handlers went by */
    inngest_status ended[JOBS];            /* 0x7000 + status, by the end hook */
    uint8_t effects[JOBS][STEPS], attempt[JOBS][STEPS];
    bool durable[JOBS][STEPS];             /* the step's result came back to the handler */
    unsigned reruns, wrong, phantoms;
    /* the outside */
    inngest_token token[JOBS];
    uint32_t answer_at[JOBS], cancelled;    /* answer_at: 0: nobody asks, 1: just asked */
} world;

static world the_world;
static bool talk;

static world *enter(inngest_ctx *ctx, unsigned job)
{
    world *w = inngest_user(ctx);
    if (w->run[job] == 0) w->run[job] = inngest_run_id(ctx);
    if (talk) printf("  job %u: run %u enters\n", job, (unsigned)inngest_run_id(ctx));
    if (w->run[job] != inngest_run_id(ctx)) w->phantoms++;
    return w;
}

/* In a body: the effect happens. */
static void effect(inngest_ctx *ctx, unsigned job, unsigned step)
{
    world *w = inngest_user(ctx);
    int attempt = inngest_attempt(ctx);
    if (w->durable[job][step] || attempt < w->attempt[job][step]) {
        w->reruns++;
        if (talk) printf("  job %u: step %u runs again, attempt %d\n", job, step, attempt);
    }
    w->attempt[job][step] = (uint8_t)attempt;
    if (w->effects[job][step] < 255) w->effects[job][step]++;
}

/* In a handler: the step is decided. */
static void decided(world *w, unsigned job, unsigned step) { w->durable[job][step] = true; }

static void decide(world *w, unsigned job, unsigned which, uint32_t value)
{
    if (w->decided[job][which] && w->decided[job][which] != value) w->wrong++;
    w->decided[job][which] = value;
}

static void run_end(void *user, const inngest_end_info *info)
{
    world *w = user;
    unsigned i;
    for (i = 0; i < JOBS && w->run[i] != info->id; i++) { }
    if (i == JOBS) { w->phantoms++; return; }
    if (talk) printf("  job %u: run ends, %s\n", i, inngest_status_name(info->status));
    if (w->ended[i] && w->ended[i] != 0x7000 + info->status) w->wrong++;
    w->ended[i] = 0x7000 + info->status;
}
static const inngest_hooks hooks = { .run_end = run_end };

static void boot(void *user)
{
    world *w = user;
    memset(w->token, 0, sizeof w->token);
    memset(w->answer_at, 0, sizeof w->answer_at);
}

static bool wrong_world(const char *what, unsigned job)
{
    if (talk) printf("  job %u: %s\n", job, what);
    return false;
}

static bool check(const void *world_now, const void *world_uncut)
{
    const world *w = world_now, *uncut = world_uncut;
    unsigned i, k;
    if (w->reruns || uncut->reruns) return wrong_world("a finished step ran again", 0);
    if (w->wrong || uncut->wrong) return wrong_world("wrong", 0);
    if (w->phantoms) return wrong_world("a second run", 0);
    for (i = 0; i < JOBS; i++) {
        if (w->ended[i] != uncut->ended[i] || (w->run[i] && !w->ended[i])) return wrong_world("its end", i);
        for (k = 0; k < STEPS; k++) if (!w->effects[i][k] != !uncut->effects[i][k] || w->durable[i][k] != uncut->durable[i][k]) return wrong_world("a step", i);
        if (memcmp(w->decided[i], uncut->decided[i], sizeof w->decided[i]) != 0) {
            if (talk) printf("  %x %x, uncut %x %x\n", (unsigned)w->decided[i][0], (unsigned)w->decided[i][1], (unsigned)uncut->decided[i][0], (unsigned)uncut->decided[i][1]);
            return wrong_world("a decision", i);
        }
    }
    return true;
}

static unsigned job_of(inngest_ctx *ctx)
{
    uint8_t job = 0;
    if (inngest_event_data(ctx, &job, 1) != INNGEST_OK || job >= JOBS) {
        ((world *)inngest_user(ctx))->wrong++;
        job = 0;
    }
    return job;
}

/* ---- retries and sleeps ------------------------------------------------------------------------------------------ */

static inngest_status plain(inngest_ctx *ctx)
{
    unsigned job = job_of(ctx);
    world *w = enter(ctx, job);
    uint32_t value, copy;
    INNGEST_STEP(ctx, "first", value) {
        effect(ctx, job, 0);
        if (inngest_attempt(ctx) == 0) return inngest_retry(ctx, 7, "not yet");
        value = 0xC0FFEE00u + job;
    }
    decided(w, job, 0);
    decide(w, job, 0, value);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_HOURS(1)));
    INNGEST_STEP(ctx, "second", copy) {
        effect(ctx, job, 1);
        copy = value + 1;
    }
    decided(w, job, 1);
    decide(w, job, 1, copy);
    return INNGEST_OK;
}

/* ---- fan-out ------------------------------------------------------------------------------------------------------- */

static inngest_status fan(inngest_ctx *ctx, unsigned job)
{
    world *w = enter(ctx, job);
    unsigned i;
    uint16_t value;
    for (i = 0; i < 2; i++) {              /* one id, two occurrences */
        INNGEST_STEP(ctx, "step", value) {
            effect(ctx, job, i);
            value = (uint16_t)(job * 10 + i + 1);
        }
        decided(w, job, i);
        decide(w, job, i, value);
        if (job % 3 == i) INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000));
    }
    return INNGEST_OK;
}
static inngest_status fan_a(inngest_ctx *ctx) { return fan(ctx, job_of(ctx) * 3); }
static inngest_status fan_b(inngest_ctx *ctx) { return fan(ctx, job_of(ctx) * 3 + 1); }
static inngest_status fan_c(inngest_ctx *ctx) { return fan(ctx, job_of(ctx) * 3 + 2); }

/* ---- branches ------------------------------------------------------------------------------------------------------ */

static inngest_status all(inngest_ctx *ctx)
{
    unsigned job = job_of(ctx);
    world *w = enter(ctx, job);
    uint32_t a = 0, b = 0;
    inngest_status sa, sb, sc, both;
    inngest_parallel(ctx, "both");
    INNGEST_STEP_AS(sa, ctx, "a", a) { effect(ctx, job, 0); a = 11; }
    INNGEST_STEP_AS(sb, ctx, "b", b) {
        effect(ctx, job, 1);
        b = 22;
        if (inngest_attempt(ctx) < 1) sb = inngest_retry(ctx, 1, "later");
    }
    sc = inngest_step_sleep(ctx, "c", 3000);
    INNGEST_CATCH(both, inngest_all(ctx, &sa, &sb, &sc));
    decided(w, job, 0);
    decided(w, job, 1);
    decide(w, job, 0, a * 100 + b);
    if (both != INNGEST_OK || sc != INNGEST_OK) w->wrong++;
    INNGEST_DO(ctx, "then") effect(ctx, job, 2);
    decided(w, job, 2);
    return INNGEST_OK;
}

static inngest_status any(inngest_ctx *ctx)
{
    unsigned job = job_of(ctx);
    world *w = enter(ctx, job);
    uint32_t b = 0;
    inngest_status sa, sb, sc, one;
    inngest_parallel(ctx, "one");
    INNGEST_DO_AS(sa, ctx, "a") { effect(ctx, job, 0); sa = inngest_fail(ctx, 3, "never"); }
    INNGEST_STEP_AS(sb, ctx, "b", b) {
        effect(ctx, job, 1);
        b = 22;
        if (inngest_attempt(ctx) < 1) sb = inngest_retry(ctx, 1, "later");
    }
    sc = inngest_step_sleep(ctx, "c", INNGEST_HOURS(2));
    INNGEST_CATCH(one, inngest_any(ctx, &sa, &sb, &sc));
    decided(w, job, 0);
    decided(w, job, 1);
    if (one != INNGEST_OK || sb != INNGEST_OK) w->wrong++;
    decide(w, job, 0, b * 10 + (sc == INNGEST_LOST));
    INNGEST_DO(ctx, "then") effect(ctx, job, 2);
    decided(w, job, 2);
    return INNGEST_OK;
}

/* ---- failures ------------------------------------------------------------------------------------------------------ */

static inngest_status failing(inngest_ctx *ctx)
{
    unsigned job = job_of(ctx);
    world *w = enter(ctx, job);
    inngest_status status;
    INNGEST_DO_AS(status, ctx, "used up") {
        effect(ctx, job, 0);
        status = inngest_retry(ctx, 40 + inngest_attempt(ctx), "no");
    }
    if ((int)status > 0) return status;
    decided(w, job, 0);
    if (status != INNGEST_STEP_FAILED) w->wrong++;
    decide(w, job, 0, (uint32_t)inngest_error(ctx)->code);
    if (inngest_attempt(ctx) == 0) return inngest_retry(ctx, 9, "the handler, once");
    INNGEST_DO(ctx, "last") { effect(ctx, job, 1); return inngest_fail(ctx, 77, "for good"); }
    w->wrong++;
    return INNGEST_OK;
}

static inngest_status failing_after(inngest_ctx *ctx)
{
    unsigned job = job_of(ctx);
    world *w = enter(ctx, job);
    uint8_t value;
    decided(w, job, 1);
    decide(w, job, 1, (uint32_t)inngest_error(ctx)->code);
    INNGEST_STEP(ctx, "last", value) { effect(ctx, job, 2); value = 5; }
    decided(w, job, 2);
    decide(w, job, 2, value);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    INNGEST_DO(ctx, "after") effect(ctx, job, 3);
    decided(w, job, 3);
    return INNGEST_OK;
}

/* ---- long steps ---------------------------------------------------------------------------------------------------- */

static inngest_status chunks(inngest_ctx *ctx, const void *arg, void *result)
{
    unsigned job = *(const unsigned *)arg;
    world *w = inngest_user(ctx);
    uint32_t chunk = 0, i;
    INNGEST_TRY(inngest_step_load(ctx, &chunk, sizeof chunk));
    for (i = 0; i < chunk; i++) w->durable[job][i] = true;
    if (chunk == 3) {
        memcpy(result, &chunk, sizeof chunk);
        return INNGEST_OK;
    }
    effect(ctx, job, chunk++);
    INNGEST_TRY(inngest_step_save(ctx, &chunk, sizeof chunk));
    decided(w, job, chunk - 1);
    return inngest_again(ctx, 10);
}

static inngest_status long_steps(inngest_ctx *ctx)
{
    unsigned job = job_of(ctx);
    world *w = enter(ctx, job);
    uint32_t value = 0, answer;
    static const inngest_step_options intent = { .intent = true };
    INNGEST_TRY(inngest_step_run(ctx, "chunks", chunks, &job, &value, sizeof value));
    decide(w, job, 0, value);
    INNGEST_STEP_WITH(ctx, "ask", &intent, answer) {
        effect(ctx, job, 4);
        w->token[job] = inngest_step_token(ctx);
        w->answer_at[job] = 1;
        return INNGEST_PENDING;
    }
    decided(w, job, 4);
    decide(w, job, 1, answer);
    return INNGEST_OK;
}

static uint32_t answer(void *user, inngest *jobs, uint32_t now)
{
    world *w = user;
    unsigned job;
    uint32_t value = 4711, wait = UINT32_MAX;
    for (job = 0; job < JOBS; job++) {
        if (w->answer_at[job] == 0) continue;
        if (w->answer_at[job] == 1) w->answer_at[job] = now + 20;
        if ((int32_t)(w->answer_at[job] - now) > 0) {
            if (w->answer_at[job] - now < wait) wait = w->answer_at[job] - now;
            continue;
        }
        if (inngest_complete(jobs, w->token[job], INNGEST_OK, &value, sizeof value) != INNGEST_OK) w->wrong++;
        w->answer_at[job] = 0;
    }
    return wait;
}

/* ---- send and restart ---------------------------------------------------------------------------------------------- */

static inngest_status parent(inngest_ctx *ctx)
{
    unsigned job = job_of(ctx);
    world *w = enter(ctx, job);
    const uint8_t child = (uint8_t)(job + 3);
    INNGEST_DO(ctx, "before") effect(ctx, job, 0);
    decided(w, job, 0);
    INNGEST_TRY(inngest_step_send(ctx, "send", "test/child", &child, 1));
    decided(w, job, 3);
    INNGEST_TRY(inngest_step_restart(ctx, "restart"));
    decided(w, job, 4);
    INNGEST_DO(ctx, "behind") effect(ctx, job, 1);
    decided(w, job, 1);
    return INNGEST_OK;
}

static inngest_status child(inngest_ctx *ctx)
{
    unsigned job = job_of(ctx);
    world *w = enter(ctx, job);
    INNGEST_DO(ctx, "only") effect(ctx, job, 0);
    decided(w, job, 0);
    return INNGEST_OK;
}

/* ---- cancel -------------------------------------------------------------------------------------------------------- */

static inngest_status sleeper(inngest_ctx *ctx)
{
    unsigned job = job_of(ctx);
    world *w = enter(ctx, job);
    INNGEST_DO(ctx, "before") effect(ctx, job, 0);
    decided(w, job, 0);
    INNGEST_TRY(inngest_step_sleep(ctx, "long", INNGEST_HOURS(3)));
    if (w->cancelled & 1u << job) w->wrong++;          /* nothing follows a cancel that was acknowledged */
    INNGEST_DO(ctx, "after") effect(ctx, job, 1);
    decided(w, job, 1);
    return INNGEST_OK;
}

/* Job 0 is cancelled a minute after it began, job 1 as soon as it is there. */
static uint32_t cancel(void *user, inngest *jobs, uint32_t now)
{
    world *w = user;
    unsigned job;
    uint32_t wait = UINT32_MAX;
    for (job = 0; job < 2; job++) {
        inngest_status status;
        uint32_t due = job == 0 ? 60000 : 0;
        if (w->cancelled & 1u << job) continue;
        if (w->run[job] == 0 || !w->durable[job][0]) { wait = 10; continue; }
        if (now < due) { wait = due - now < wait ? due - now : wait; continue; }
        status = inngest_cancel(jobs, w->run[job]);
        if (status == INNGEST_OK || status == INNGEST_ERR_NOT_FOUND) w->cancelled |= 1u << job;
    }
    return wait;
}

/* ---- reclaim under sleepers ---------------------------------------------------------------------------------------- */

static inngest_status churn(inngest_ctx *ctx)
{
    unsigned job = job_of(ctx), i;
    world *w = enter(ctx, job);
    uint8_t block[48], sum = 0;
    INNGEST_STEP(ctx, "big", block) {
        effect(ctx, job, 0);
        memset(block, (int)(job + 1), sizeof block);
    }
    for (i = 0; i < sizeof block; i++) sum = (uint8_t)(sum + block[i]);
    decided(w, job, 0);
    decide(w, job, 0, sum);
    INNGEST_DO(ctx, "end") effect(ctx, job, 1);
    decided(w, job, 1);
    return INNGEST_OK;
}

/* ---- tables -------------------------------------------------------------------------------------------------------- */

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER
static const inngest_function plain_table[] = { { .id = "job", .event = "test/job", .handler = plain, .journal_bytes = 112, QUICK } };
static const inngest_function fan_table[] = {
    { .id = "a", .event = "test/fan", .handler = fan_a, .journal_bytes = 128, QUICK },
    { .id = "b", .event = "test/*", .handler = fan_b, .journal_bytes = 128, QUICK },
    { .id = "c", .event = "test/fan", .handler = fan_c, .journal_bytes = 128, QUICK } };
static const inngest_function branch_table[] = {
    { .id = "all", .event = "test/all", .handler = all, .journal_bytes = 200, QUICK },
    { .id = "any", .event = "test/any", .handler = any, .journal_bytes = 256, QUICK } };
static const inngest_function fail_table[] = {
    { .id = "fail", .event = "test/fail", .handler = failing, .on_failure = failing_after, .max_attempts = 2, .journal_bytes = 320, QUICK } };
static const inngest_function long_table[] = { { .id = "long", .event = "test/long", .handler = long_steps, .journal_bytes = 200, QUICK } };
static const inngest_function send_table[] = {
    { .id = "parent", .event = "test/parent", .handler = parent, .journal_bytes = 160, QUICK },
    { .id = "child", .event = "test/child", .handler = child, .journal_bytes = 64, QUICK } };
static const inngest_function cancel_table[] = { { .id = "sleeper", .event = "test/sleep", .handler = sleeper, .journal_bytes = 128, QUICK } };
static const inngest_function churn_table[] = {
    { .id = "sleeper", .event = "test/sleep", .handler = sleeper, .journal_bytes = 128, QUICK },
    { .id = "churn", .event = "test/churn", .handler = churn, .journal_bytes = 128, QUICK } };

static const uint8_t number[JOBS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
#define EVENT(at, event_name, n) { at, { .name = event_name, .data = &number[n], .size = 1 } }
#define NAMED(at, event_name, n, key) { at, { .name = event_name, .data = &number[n], .size = 1, .id = key } }
static const power_cut_event plain_events[] = { EVENT(0, "test/job", 0), EVENT(0, "test/job", 1), EVENT(500, "test/job", 2) };
static const power_cut_event fan_events[] = { NAMED(0, "test/fan", 0, "x"), NAMED(10, "test/fan", 0, "x"), NAMED(100, "test/fan", 1, "y"),
    NAMED(60000, "test/fan", 0, "x") };
static const power_cut_event branch_events[] = { EVENT(0, "test/all", 0), EVENT(0, "test/any", 1), EVENT(20000, "test/any", 2) };
static const power_cut_event fail_events[] = { EVENT(0, "test/fail", 0), EVENT(10, "test/fail", 1) };
static const power_cut_event long_events[] = { EVENT(0, "test/long", 0), EVENT(15, "test/long", 1) };
static const power_cut_event send_events[] = { EVENT(0, "test/parent", 0), EVENT(0, "test/parent", 1) };
static const power_cut_event cancel_events[] = { EVENT(0, "test/sleep", 0), EVENT(0, "test/sleep", 1) };
static const power_cut_event churn_events[] = { EVENT(0, "test/sleep", 0), EVENT(0, "test/churn", 1), EVENT(0, "test/churn", 2), EVENT(0, "test/churn", 3),
    EVENT(5, "test/churn", 4), EVENT(5, "test/churn", 5), EVENT(9, "test/churn", 6) };

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define SCENARIO(label, table, list) .name = label, .functions = table, .function_count = COUNT(table), .events = list, \
    .event_count = COUNT(list), .world = &the_world, .world_size = sizeof the_world, .boot = boot, .check = check, .hooks = &hooks
static const struct { power_cut_scenario s; unsigned room; } scenarios[] = {
    { { SCENARIO("plain", plain_table, plain_events) }, 0 },
    { { SCENARIO("fan-out", fan_table, fan_events) }, 2 },
    { { SCENARIO("branches", branch_table, branch_events) }, 1 },
    { { SCENARIO("failures", fail_table, fail_events) }, 1 },
    { { SCENARIO("long steps", long_table, long_events), .outside = answer }, 1 },
    { { SCENARIO("send", send_table, send_events) }, 2 },
    { { SCENARIO("cancel", cancel_table, cancel_events), .outside = cancel }, 0 },
    { { SCENARIO("churn", churn_table, churn_events) }, 1 },
};

/* room: the capacity, roughly: 0 one small run, 1 two, 2 three. part: of 1000 images in the short form. */
static const struct { uint32_t block, blocks; uint16_t g; unsigned room, weight; power_cut_remount remount; int erased; uint32_t busy; bool sync; } geometries[] = {
    { 1024, 2, 1, 0, 10, POWER_CUT_PASS, 0, 0, false },
    { 1024, 3, 4, 1, 10, POWER_CUT_NEVER, 0, 0, false },
    { 512, 6, 8, 1, 10, POWER_CUT_PASS, 0, 0, false },
    { 4096, 2, 2, 2, 10, POWER_CUT_TICK, 0, 1, false },
    { 512, 7, 16, 1, 10, POWER_CUT_NEVER, 0, 0, false },
    { 4096, 2, 32, 2, 10, POWER_CUT_NEVER, 0, 0, false },
    { 1024, 5, 8, 2, 10, POWER_CUT_TICK, 256, 0, false },
    { 1024, 4, 4, 1, 10, POWER_CUT_NEVER, FLASH_ERASED_RANDOM, 0, false },
    { 2048, 3, 16, 2, 10, POWER_CUT_NEVER, FLASH_ERASED_UNREADABLE, 0, false },
    { 4096, 2, 8, 2, 5, POWER_CUT_NEVER, 0, 2, false },
    { 131072, 2, 32, 2, 0, POWER_CUT_NEVER, 0, 0, false },
    { 1024, 3, 4, 1, 0, POWER_CUT_NEVER, 0, 0, true },
    { 512, 6, 8, 1, 0, POWER_CUT_PASS, 0, 0, true },
    { 2048, 3, 1, 2, 0, POWER_CUT_TICK, 0, 0, true },
};

static bool one(unsigned scenario, unsigned geometry, unsigned per_mille, unsigned long trace, power_cut_result *result)
{
    power_cut_options o;
    memset(&o, 0, sizeof o);
    o.block_size = geometries[geometry].block;
    o.block_count = geometries[geometry].blocks;
    o.program_size = geometries[geometry].g;
    o.remount = geometries[geometry].remount;
    o.erased = geometries[geometry].erased;
    o.busy = geometries[geometry].busy;
    o.sync = geometries[geometry].sync;
    o.seed = scenario * 100 + geometry;
    o.per_mille = (uint16_t)per_mille;
    o.trace = trace;
    o.keep_going = per_mille == 0 && !trace;
    o.later_cuts = per_mille == 0 ? 5 : 0;
    return power_cut_everywhere(&scenarios[scenario].s, &o, result);
}

/* A block goes bad, erase or program fails until the chip is mended, and power is cut before, then and behind. */
static void bad_blocks(unsigned per_mille, unsigned long *images, unsigned long *distinct)
{
    static const uint8_t which[] = { 0, 1, 7 };
    power_cut_result result;
    power_cut_options o;
    unsigned i, block, how, from;
    for (i = 0; i < sizeof which; i++)
        for (block = 0; block < 2; block++)
            for (how = FLASH_BAD_ERASE; how <= FLASH_BAD_PROGRAM; how++)
                for (from = 0; from < 40; from += 13) {
                    memset(&o, 0, sizeof o);
                    o.block_size = i == 1 ? 512 : 1024;
                    o.block_count = i == 1 ? 6 : 3;
                    o.program_size = i == 1 ? 8 : 4;
                    o.remount = POWER_CUT_NEVER;
                    o.bad = (flash_bad)how;
                    o.bad_block = block;
                    o.bad_from = from;
                    o.bad_until = from + 9;
                    o.seed = i * 1000 + block * 100 + from;
                    o.per_mille = (uint16_t)per_mille;
                    if (scenarios[which[i]].room > 1) continue;
                    if (!power_cut_everywhere(&scenarios[which[i]].s, &o, &result)) printf("block %u bad in way %u from %u: %s\n", block, how, from, result.failure);
                    CHECK(result.failures == 0);
                    *images += result.images;
                    *distinct += result.distinct;
                }
}

static inngest_status dated(inngest_ctx *ctx) { return inngest_step_sleep_until(ctx, "date", INNGEST_DAYS(30000)); }
static inngest_status quick(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }

/* A scenario that cannot end is told what waits. */
static void says_what_waits(void)
{
    static const inngest_function table[] = { { .id = "dated", .event = "t/dated", .handler = dated }, { .id = "quick", .event = "t/quick", .handler = quick } };
    static power_cut_event events[INNGEST_SEEN_IDS + 1];
    static char nothing[1];
    static const power_cut_options o = { .block_size = 4096, .block_count = 2, .program_size = 8 };
    power_cut_scenario s = { .name = "no end", .functions = table, .function_count = 2, .events = events, .event_count = INNGEST_SEEN_IDS + 1,
        .world = nothing, .world_size = sizeof nothing };
    power_cut_result result;
    unsigned i;
    for (i = 0; i <= INNGEST_SEEN_IDS; i++) events[i].event.name = "t/quick";
    CHECK(!power_cut_everywhere(&s, &o, &result) && strstr(result.failure, ": stuck, event 8 waits: ERR_SEEN_FULL"));
    events[0].event.name = "t/dated";
    s.event_count = 1;
    CHECK(!power_cut_everywhere(&s, &o, &result) && strstr(result.failure, ": stuck, dated waits for the wall clock"));
    s.function_count = 0;
    CHECK(power_cut_everywhere(&s, &o, &result));            /* an event that nobody wants is no reason */
}

int main(int argc, char **argv)
{
    unsigned i, k, part = 0, of = 1, n = 0;
    unsigned long images = 0, distinct = 0;
    bool soak = argc > 1 && strcmp(argv[1], "soak") == 0, less = argc > 2 && strcmp(argv[1], "less") == 0, trace = argc > 3 && strcmp(argv[1], "trace") == 0;
    power_cut_result result;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (soak && argc > 3) { part = (unsigned)atoi(argv[2]); of = (unsigned)atoi(argv[3]); }
    for (i = 0; i < COUNT(scenarios); i++)
        for (k = 0; k < COUNT(geometries); k++) {
            bool big = geometries[k].block > 8192;
            if (geometries[k].room < scenarios[i].room || (less && big && i)) continue;
            if (trace ? strcmp(scenarios[i].s.name, argv[2]) != 0 || (unsigned)atoi(argv[3]) != k : n++ % of != part) continue;
            if (!one(i, k, big ? 4 : soak && geometries[k].sync ? 150 : soak || trace ? 0 : less ? (unsigned)atoi(argv[2]) : 20, 0, &result)) printf("%s\n", result.failure);
            talk = trace;
            if (trace) (void)one(i, k, big ? 2 : 0, result.failed_image ? result.failed_image : 1, &result);
            CHECK(result.failures == 0);
            if (argc > 1 && !less) printf("%s, geometry %u: %u operations, %lu images\n", scenarios[i].s.name, k, (unsigned)result.operations, result.images);
            images += result.images;
            distinct += result.distinct;
        }
    says_what_waits();
    if (!trace && part == 0) bad_blocks(soak ? 30 : less ? 1 : 4, &images, &distinct);
    printf("%lu images, %lu distinct states\n", images, distinct);
    return TEST_END();
}
