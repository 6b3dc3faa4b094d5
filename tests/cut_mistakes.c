/* SPDX-License-Identifier: MIT
 * The harness for users, port/flash_emulator/power_cut.h, finds the mistakes that it says it finds: jobs that are wrong, each
 * in one way, and one that is right. */
#include "../port/flash_emulator/power_cut.h"
#include "test.h"
#include <string.h>

typedef struct world { unsigned reads, reports, sum, ends, starts, memos, boots; } world;

#define JOB(name) static inngest_status name(inngest_ctx *ctx)
#define READ(w) INNGEST_STEP(ctx, "read", value) { (w)->reads++; value = 42; }
#define REPORT(w) INNGEST_DO(ctx, "report") { (w)->reports++; (w)->sum = value; } return INNGEST_OK

JOB(right) { world *w = inngest_user(ctx); unsigned value; READ(w) REPORT(w); }

JOB(local_outlives_a_step)
{
    world *w = inngest_user(ctx);
    unsigned value = 0;
    INNGEST_DO(ctx, "read") { w->reads++; value = 42; }
    REPORT(w);
}

JOB(local_outlives_a_sleep)
{
    world *w = inngest_user(ctx);
    unsigned value = 0;
    INNGEST_DO(ctx, "read") { w->reads++; value = 42; }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    REPORT(w);
}

JOB(naps)
{
    world *w = inngest_user(ctx);
    unsigned value;
    INNGEST_STEP(ctx, "read", value) { w->reads++; value = 42; }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    REPORT(w);
}

JOB(pointer_in_a_result)
{
    world *w = inngest_user(ctx);
    static unsigned here;              /* a local of the handler's, but with an address that stays valid */
    const unsigned *there;
    unsigned value;
    here = 0;
    INNGEST_STEP(ctx, "read", there) { w->reads++; there = &here; here = 42; }
    value = *there;
    REPORT(w);
}

JOB(effect_outside_of_a_step)
{
    world *w = inngest_user(ctx);
    unsigned value;
    READ(w)
    w->sum += value;
    INNGEST_DO(ctx, "report") { w->reports++; }
    return INNGEST_OK;
}

JOB(effect_that_adds_up) { world *w = inngest_user(ctx); INNGEST_DO(ctx, "read") { w->reads++; w->reports++; w->sum += 42; } return INNGEST_OK; }

JOB(answer_that_never_comes)
{
    INNGEST_DO(ctx, "read") { (void)inngest_step_token(ctx); return INNGEST_PENDING; }
    return INNGEST_OK;
}

JOB(always_fails)
{
    world *w = inngest_user(ctx);
    w->sum = 42;
    w->reads = w->reports = 1;
    INNGEST_DO(ctx, "read") { return inngest_fail(ctx, 7, "no sensor"); }
    return INNGEST_OK;
}

static bool check(const void *now, const void *uncut)
{
    const world *w = now;
    (void)uncut;
    return w->reads >= 1 && w->reports >= 1 && w->sum == 42;
}

/* The hooks of the user are called as ever, beside the harness's own. */
static void on_start(void *user, uint64_t run, const char *step, int attempt) { (void)run; (void)step; (void)attempt; ((world *)user)->starts++; }
static void on_end(void *user, const inngest_end_info *info) { (void)info; ((world *)user)->ends++; }
static void on_memo(void *user, uint64_t run, const char *step, inngest_status status)
{
    (void)run; (void)step; (void)status;
    ((world *)user)->memos++;
}
static unsigned unhooked;
static bool check_hooks(const void *now, const void *uncut)
{
    const world *w = now;
    if (w->starts < 2 || w->ends < 1 || w->memos < 1) unhooked++;
    return check(now, uncut);
}

/* How often the engine was mounted in the run that was never cut. */
static unsigned uncut_boots;
static void count_boot(void *now) { ((world *)now)->boots++; }
static bool check_boots(const void *now, const void *uncut)
{
    uncut_boots = ((const world *)uncut)->boots;
    return check(now, uncut);
}

static power_cut_result result;
static bool cut_with(inngest_handler *handler, uint16_t events, power_cut_remount remount, bool (*judge)(const void *, const void *), const inngest_hooks *hooks)
{
    static world outside;
    static const power_cut_event twice[] = { { 0, { .name = "test/job" } }, { 0, { .name = "test/job" } } };
    const inngest_function functions[] = { { .id = "job", .event = "test/job", .handler = handler } };
    const power_cut_scenario scenario = { .functions = functions, .function_count = 1, .events = twice, .event_count = events,
        .world = &outside, .world_size = sizeof outside, .boot = count_boot, .check = judge, .hooks = hooks };
    const power_cut_options options = { .block_size = 2048, .block_count = 4, .program_size = 8, .remount = remount };
    memset(&outside, 0, sizeof outside);
    return power_cut_everywhere(&scenario, &options, &result);
}

static bool cut(inngest_handler *handler) { return cut_with(handler, 1, POWER_CUT_PASS, check, NULL); }

/* Two runs: in one tick both have a pass. */
static unsigned boots(power_cut_remount remount)
{
    return cut_with(naps, 2, remount, check_boots, NULL) ? uncut_boots : 0;
}

static bool found(inngest_handler *handler, const char *how) { return !cut(handler) && strstr(result.failure, how) != NULL; }

int main(void)
{
    static const inngest_hooks hooks = { .run_end = on_end, .step_start = on_start, .step_memo = on_memo };
    CHECK(cut(right) && result.images > 100 && result.ended_badly[0] == 0);
    CHECK(cut_with(naps, 1, POWER_CUT_PASS, check_hooks, &hooks) && unhooked == 0);
    CHECK(boots(POWER_CUT_PASS) == 3 && boots(POWER_CUT_TICK) == 2 && boots(POWER_CUT_NEVER) == 1);
    CHECK(found(local_outlives_a_step, "the check failed; cut in operation"));
    CHECK(found(local_outlives_a_sleep, "the check failed"));
    CHECK(found(pointer_in_a_result, "the check failed; cut in operation"));
    CHECK(found(effect_outside_of_a_step, "the check failed; cut in operation"));
    CHECK(found(effect_that_adds_up, "the check failed; cut in operation"));
    CHECK(found(answer_that_never_comes, "stuck, job waits for a step in progress"));
    CHECK(cut(always_fails) && strcmp(result.ended_badly, "job: FAIL, code 7, no sensor") == 0);
    return TEST_END();
}
