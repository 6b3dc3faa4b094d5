/* SPDX-License-Identifier: MIT
 * Promise 2 for steps that take longer than a tick: again and pending charge no attempt and write nothing; completion
 * by token, stale ones refused; timeouts; why a body is called for the last time; what a body can know of earlier
 * boots; at most once; what happens when the places for steps in progress are taken. */
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER

static inngest_function table[1];
static const inngest_hooks end_hook = { .run_end = machine_run_end };
static inngest_token token;
static inngest_step_options options;
static inngest_status seen;            /* what the step call gave at last, and its error */
static inngest_error_info why;
static uint32_t value;

/* The step under test is told by `body`; what it gives is kept for the test. */
static inngest_step_fn *body;
static inngest_status handler(inngest_ctx *ctx)
{
    INNGEST_CATCH(seen, inngest_step_run_with(ctx, "long", &options, body, NULL, &value, sizeof value));
    why = *inngest_error(ctx);
    INNGEST_DO(ctx, "after") trace("after");
    return INNGEST_OK;
}

static inngest_function job(inngest_handler *with, uint8_t attempts)
{
    inngest_function f = { .id = "job", .event = "test/go", QUICK };
    f.handler = with;
    f.max_attempts = attempts;
    return f;
}

static void start(inngest_function f, inngest_step_fn *fn, inngest_step_options o)
{
    table[0] = f;
    body = fn;
    options = o;
    seen = INNGEST_OK;
    value = 0;
    memset(&machine_ended, 0, sizeof machine_ended);
    machine_open(table, 1, 4096, 4, 4);
    m.config.hooks = &end_hook;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/go", "", 0) == INNGEST_OK);
}
static const inngest_step_options plain = { .max_attempts = 0 }, hour = { .timeout_ms = 3600000 };

/* ---- again ----------------------------------------------------------------------------------------------------- */

static inngest_status three_times(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg;
    trace("%u@%u/%d", (unsigned)inngest_step_calls(ctx), (unsigned)m.now, inngest_attempt(ctx));
    CHECK(inngest_stop_reason(ctx) == INNGEST_STOP_NONE);
    if (inngest_step_calls(ctx) < 3) return inngest_again(ctx, 100);
    memset(result, 1, 4);
    return INNGEST_OK;
}

static inngest_status when_woken(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    trace("%u@%u", (unsigned)inngest_step_calls(ctx), (unsigned)m.now);
    return inngest_step_calls(ctx) < 2 ? inngest_again(ctx, UINT32_MAX) : INNGEST_OK;
}

static void test_again(void)
{
    inngest_run_info info;
    uint32_t records;
    start(job(handler, 1), three_times, plain);
    CHECK(machine_tick() == 100);
    records = machine_counters().records;
    CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_STEP && info.deadline_in_ms == 100 && info.attempt == 0);
    CHECK(machine_run(200));
    CHECK(machine_counters().records == records);       /* no write */
    CHECK(machine_run(1000) && machine_runs(NULL) == 0);
    CHECK_TRACE("0@0/0 1@100/0 2@200/0 3@300/0 after");
    CHECK(value == 0x01010101 && seen == INNGEST_OK && machine_counters().steps_failed == 0);
    MACHINE_END();

    start(job(handler, 1), when_woken, plain);
    CHECK(machine_tick() == UINT32_MAX && machine_run(100000));
    CHECK(inngest_send(&m.jobs, "test/other", "", 0) == INNGEST_OK && machine_run(5));     /* an event is no wake */
    inngest_wake(&m.jobs);
    CHECK(machine_tick() == UINT32_MAX && machine_run(5));
    inngest_wake(&m.jobs);
    CHECK(machine_run(5) && machine_runs(NULL) == 0);
    CHECK_TRACE("0@0 1@100005 2@100010 after");
    MACHINE_END();
}

/* ---- pending ---------------------------------------------------------------------------------------------------- */

static inngest_status pending(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    token = inngest_step_token(ctx);
    CHECK(token.attempt != 0);
    trace("ask%d", inngest_attempt(ctx));
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) trace("stop%d", (int)inngest_stop_reason(ctx));
    return INNGEST_PENDING;
}

static void complete_as(inngest_token t, inngest_status status, const void *result, size_t size)
{
    CHECK(inngest_complete(&m.jobs, t, status, result, size) == INNGEST_OK);
}

static uint8_t wide[100];
static inngest_status wide_handler(inngest_ctx *ctx) { return inngest_step_run(ctx, "wide", body, NULL, wide, sizeof wide); }

static void test_pending(void)
{
    inngest_function wide_job = job(wide_handler, 5);
    const uint32_t answer = 0xAABBCCDDu;
    const uint8_t nine[9] = { 0 };
    inngest_token old, none = { 0, 0 };
    inngest_run_info info;

    start(job(handler, 2), pending, plain);
    CHECK(machine_tick() == UINT32_MAX);
    CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_STEP && info.deadline_in_ms == INT64_MAX);
    CHECK(inngest_complete(&m.jobs, none, INNGEST_OK, NULL, 0) == INNGEST_ERR_STALE_TOKEN);
    CHECK(machine_counters().stale_tokens == 1);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_AGAIN, NULL, 0) == INNGEST_ERR_ARGUMENT);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 4) == INNGEST_ERR_ARGUMENT);
    CHECK(inngest_complete(NULL, token, INNGEST_OK, NULL, 0) == INNGEST_ERR_ARGUMENT);
    complete_as(token, INNGEST_RETRY, NULL, 0);          /* an attempt that failed */
    old = token;
    CHECK(machine_run(500) && machine_counters().steps_failed == 1);
    CHECK(machine_run(1000));
    CHECK_TRACE("ask0 ask1");
    complete_as(old, INNGEST_OK, &answer, sizeof answer);
    CHECK(machine_run(5) && machine_runs(NULL) == 1 && machine_counters().stale_tokens == 2);
    complete_as(token, INNGEST_OK, &answer, sizeof answer);
    complete_as(token, INNGEST_OK, nine, 1);             /* the second answer comes too late */
    CHECK(machine_run(5) && machine_runs(NULL) == 0 && machine_counters().stale_tokens == 3);
    CHECK(value == answer && seen == INNGEST_OK);
    CHECK_TRACE("after");
    MACHINE_END();

    start(job(handler, 5), pending, plain);              /* a short result is filled up with zeros */
    CHECK(machine_tick() == UINT32_MAX);
    complete_as(token, INNGEST_OK, "\x05", 1);
    value = 77;
    CHECK(machine_run(5) && machine_runs(NULL) == 0 && value != 77 && memcmp(&value, "\x05\0\0", 4) == 0);
    CHECK_TRACE("ask0 after");
    MACHINE_END();

    start(job(handler, 5), pending, plain);              /* FAIL leaves no attempt */
    CHECK(machine_tick() == UINT32_MAX);
    complete_as(token, INNGEST_FAIL, NULL, 0);
    CHECK(machine_run(100000) && machine_runs(NULL) == 0 && seen == INNGEST_STEP_FAILED && why.status == INNGEST_FAIL);
    CHECK_TRACE("ask0 after");
    MACHINE_END();

    start(job(handler, 5), pending, plain);              /* one too large for the step */
    CHECK(machine_tick() == UINT32_MAX);
    complete_as(token, INNGEST_OK, nine, sizeof nine);
    CHECK(machine_run(100000) && machine_runs(NULL) == 0);
    CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_ERR_RESULT_SIZE, "long"));
    CHECK_TRACE("ask0");
    MACHINE_END();

    wide_job.journal_bytes = 64;                         /* one for which the run has no room left */
    start(wide_job, pending, plain);
    CHECK(machine_tick() == UINT32_MAX);
    complete_as(token, INNGEST_OK, wide, sizeof wide);
    CHECK(machine_run(100000) && machine_runs(NULL) == 0);
    CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_ERR_RUN_BYTES, "wide"));
    CHECK_TRACE("ask0");
    MACHINE_END();

    start(job(handler, 5), pending, plain);              /* a reset: the body starts over, no attempt is charged */
    CHECK(machine_tick() == UINT32_MAX);
    machine_reboot();
    CHECK(machine_tick() == UINT32_MAX);
    CHECK_TRACE("ask0 ask0");
    complete_as(token, INNGEST_OK, &answer, sizeof answer);
    CHECK(machine_run(5) && machine_runs(NULL) == 0 && value == answer);
    CHECK_TRACE("after");
    MACHINE_END();
}

/* ---- a body that has asked for its token, and gives AGAIN all the same --------------------------------------------- */

static unsigned asks_in;               /* the call in which it asks */
static uint32_t in_ms;                 /* what it gives inngest_again; 0: it gives PENDING from the third call on */
static inngest_status both(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    trace("%u@%u:%d", (unsigned)inngest_step_calls(ctx), (unsigned)m.now, (int)inngest_stop_reason(ctx));
    if (inngest_step_calls(ctx) == asks_in) token = inngest_step_token(ctx);
    if (in_ms == 0 && inngest_step_calls(ctx) >= 2) return INNGEST_PENDING;
    return inngest_again(ctx, in_ms ? in_ms : 300);
}

/* Two branches: what one waits for is not what the other does. */
static inngest_status ten_times(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    return inngest_step_calls(ctx) < 10 ? inngest_again(ctx, 100) : INNGEST_OK;
}

static inngest_status two_branches(inngest_ctx *ctx)
{
    inngest_status a, b;
    inngest_parallel(ctx, "two");
    a = inngest_step_run_with(ctx, "long", &options, both, NULL, &value, sizeof value);
    b = inngest_step_run(ctx, "other", ten_times, NULL, NULL, 0);
    INNGEST_TRY(inngest_all(ctx, &a, &b));
    trace("both");
    return INNGEST_OK;
}

static void test_token_and_again(inngest_step_options o)
{
    const inngest_step_options timed = { .timeout_ms = 1000, .max_attempts = 1 };
    const int64_t epoch = INT64_C(1790000000000);
    const uint32_t answer = 0xAABBCCDDu;
    unsigned boots, ahead = 0, behind = 0;
    inngest_run_info info;
    inngest_token first;

    start(job(handler, 5), both, o);                 /* no earlier than it said; the token is good while it waits */
    asks_in = 0;
    in_ms = 700;
    CHECK(machine_tick() == 700 && machine_run(1500));
    CHECK_TRACE("0@0:0 1@700:0 2@1400:0");
    first = token;
    asks_in = 3;
    CHECK(machine_run(700) && memcmp(&first, &token, sizeof first) == 0);      /* it stays the same */
    complete_as(token, INNGEST_OK, &answer, sizeof answer);
    CHECK(machine_run(5) && machine_runs(NULL) == 0 && value == answer && machine_counters().stale_tokens == 0);
    CHECK_TRACE("3@2100:0 after");
    MACHINE_END();

    start(job(handler, 5), both, o);                 /* whatever number the token is beside the time */
    asks_in = 0;
    in_ms = 700;
    for (boots = 0; boots < 16; boots++) {
        const uint32_t begun = m.now;
        char expected[64];
        CHECK(machine_tick() == 700 && machine_run(800));
        *((int32_t)(token.attempt - m.now) > 0 ? &ahead : &behind) += 1;
        (void)snprintf(expected, sizeof expected, "0@%u:0 1@%u:0", (unsigned)begun, (unsigned)begun + 700);
        CHECK_TRACE(expected);
        machine_reboot();
    }
    CHECK(ahead && behind);
    MACHINE_END();

    start(job(handler, 5), both, o);                 /* when it is called again is no token */
    asks_in = 9;
    CHECK(machine_tick() == 700 && machine_runs(&info) == 1);
    first.run = (uint32_t)info.id;
    first.attempt = 700;
    complete_as(first, INNGEST_OK, NULL, 0);
    first.attempt = o.timeout_ms ? o.timeout_ms : 1;     /* nor is when it is to be over */
    complete_as(first, INNGEST_OK, NULL, 0);
    CHECK(machine_run(5) && machine_runs(NULL) == 1 && machine_counters().stale_tokens == 2);
    machine_trace[0] = 0;
    MACHINE_END();

    for (asks_in = 0; asks_in < 3; asks_in++) {          /* asked for in an earlier call than the one that gives PENDING, or in that */
        start(job(handler, 5), both, o);
        in_ms = 0;
        CHECK(machine_run(5000) && machine_runs(NULL) == 1);
        inngest_wake(&m.jobs);                           /* no call of one that is PENDING */
        CHECK(machine_run(1000));
        CHECK_TRACE("0@0:0 1@300:0 2@600:0");
        first = token;
        first.attempt ^= 4;
        complete_as(first, INNGEST_OK, NULL, 0);         /* of no step */
        CHECK(machine_run(5) && machine_runs(NULL) == 1 && machine_counters().stale_tokens == 1);
        complete_as(token, INNGEST_OK, &answer, sizeof answer);
        CHECK(machine_run(5) && machine_runs(NULL) == 0 && value == answer && machine_counters().stale_tokens == 1);
        CHECK_TRACE("after");
        MACHINE_END();
    }

    start(job(handler, 5), both, o);                     /* a wake is sooner, before and after it has asked */
    asks_in = 1;
    in_ms = 700;
    CHECK(machine_tick() == 700 && machine_run(100));
    inngest_wake(&m.jobs);
    CHECK(machine_tick() == 700 && machine_run(50));
    inngest_wake(&m.jobs);
    CHECK(machine_tick() == 700 && machine_run(700));
    CHECK_TRACE("0@0:0 1@100:0 2@150:0 3@850:0");
    MACHINE_END();

    start(job(handler, 5), both, o);                 /* only after a wake, before and after it has asked */
    asks_in = 1;
    in_ms = UINT32_MAX;
    CHECK(machine_tick() > 1000 && machine_run(100000));
    inngest_wake(&m.jobs);
    CHECK(machine_tick() > 1000 && machine_run(100000));
    inngest_wake(&m.jobs);
    CHECK(machine_tick() > 1000 && machine_run(5));
    CHECK_TRACE("0@0:0 1@100000:0 2@200000:0");
    complete_as(token, INNGEST_OK, &answer, sizeof answer);
    CHECK(machine_run(5) && machine_runs(NULL) == 0 && value == answer);
    CHECK_TRACE("after");
    MACHINE_END();

    start(job(handler, 5), both, timed);                 /* its timeout is no other; then the token is stale */
    asks_in = 0;
    in_ms = 700;
    CHECK(machine_run(3000) && machine_runs(NULL) == 0 && why.status == INNGEST_TIMED_OUT);
    CHECK_TRACE("0@0:0 1@700:0 2@1000:1 after");
    complete_as(token, INNGEST_OK, &answer, sizeof answer);
    CHECK(machine_run(5) && machine_counters().stale_tokens == 1);
    MACHINE_END();

    start(job(two_branches, 5), both, o);                /* with a timeout it may be called with the other branch */
    asks_in = 0;
    in_ms = 250;
    CHECK(machine_run(1100) && machine_runs(NULL) == 1);
    if (o.timeout_ms) CHECK_TRACE("0@0:0 1@100:0 2@200:0 3@300:0 4@400:0 5@500:0 6@600:0 7@700:0 8@800:0 9@900:0 10@1000:0");
    else CHECK_TRACE("0@0:0 1@250:0 2@500:0 3@750:0 4@1000:0");
    complete_as(token, INNGEST_OK, &answer, sizeof answer);
    CHECK(machine_run(5) && machine_runs(NULL) == 0 && value == answer && machine_counters().stale_tokens == 0);
    CHECK_TRACE("both");
    MACHINE_END();

    start(job(two_branches, 5), both, o);            /* but one that waits for a wake is not */
    asks_in = 0;
    in_ms = UINT32_MAX;
    CHECK(machine_run(5000) && machine_runs(NULL) == 1);
    CHECK_TRACE("0@0:0");
    inngest_wake(&m.jobs);
    CHECK(machine_run(5000));
    CHECK_TRACE("1@5000:0");
    complete_as(token, INNGEST_OK, &answer, sizeof answer);
    CHECK(machine_run(5) && machine_runs(NULL) == 0 && value == answer);
    CHECK_TRACE("both");
    MACHINE_END();

    start(job(handler, 5), both, o);                 /* time that was spent off is made good: the token stays */
    asks_in = 0;
    in_ms = 0;
    inngest_set_wall_clock(&m.jobs, epoch, m.now);
    CHECK(machine_run(10));
    machine_reboot();
    CHECK(machine_run(1000));
    machine_trace[0] = 0;
    inngest_set_wall_clock(&m.jobs, epoch + 500000, m.now);
    CHECK(machine_run(10));
    complete_as(token, INNGEST_OK, &answer, sizeof answer);
    CHECK(machine_run(5) && machine_runs(NULL) == 0 && value == answer && machine_counters().stale_tokens == 0);
    CHECK_TRACE("after");
    MACHINE_END();
}

/* ---- timeouts ---------------------------------------------------------------------------------------------------- */

static bool saves_itself;              /* a body that ends well when it is told */
static inngest_status endless(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg;
    trace("%u@%u/%d:%d", (unsigned)inngest_step_calls(ctx), (unsigned)m.now, inngest_attempt(ctx), (int)inngest_stop_reason(ctx));
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE && saves_itself) { memset(result, 2, 4); return INNGEST_OK; }
    return inngest_again(ctx, 700);
}

static void test_timeouts(void)
{
    const inngest_step_options o = { .timeout_ms = 1000, .max_attempts = 2 };
    start(job(handler, 5), endless, o);
    CHECK(machine_run(100000) && machine_runs(NULL) == 0);
    CHECK_TRACE("0@0/0:0 1@700/0:0 2@1000/0:1 0@2000/1:0 1@2700/1:0 2@3000/1:1 after");
    CHECK(seen == INNGEST_STEP_FAILED && why.status == INNGEST_TIMED_OUT && strcmp(why.message, "long") == 0);
    CHECK(machine_counters().steps_failed == 2);
    MACHINE_END();

    saves_itself = true;
    start(job(handler, 5), endless, o);
    CHECK(machine_run(100000) && machine_runs(NULL) == 0 && seen == INNGEST_OK && value == 0x02020202);
    CHECK_TRACE("0@0/0:0 1@700/0:0 2@1000/0:1 after");
    saves_itself = false;
    MACHINE_END();

    start(job(handler, 5), pending, o);
    CHECK(machine_run(100000) && machine_runs(NULL) == 0);
    CHECK_TRACE("ask0 ask0 stop1 ask1 ask1 stop1 after");
    CHECK(seen == INNGEST_STEP_FAILED && why.status == INNGEST_TIMED_OUT);
    complete_as(token, INNGEST_OK, NULL, 0);
    CHECK(machine_run(5) && machine_counters().stale_tokens == 1);
    MACHINE_END();
}

/* ---- cancel ------------------------------------------------------------------------------------------------------ */

static void test_cancel(void)
{
    inngest_run_info info;
    start(job(handler, 5), endless, plain);
    CHECK(machine_tick() == 700 && machine_runs(&info) == 1);
    CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_OK);
    CHECK(machine_run(100000) && machine_runs(NULL) == 0);
    CHECK_TRACE("0@0/0:0 1@0/0:2");                      /* told once; nothing follows */
    CHECK(machine_ended.count == 1 && machine_ended.status == INNGEST_CANCELLED && machine_counters().runs_cancelled == 1);
    CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_ERR_NOT_FOUND);
    MACHINE_END();
}

/* on_failure goes by its error: in the call that tells a step of it to stop, that is the same. */
static inngest_status fails(inngest_ctx *ctx) { return inngest_fail(ctx, 77, "why"); }
static inngest_status by_error(inngest_ctx *ctx)
{
    const inngest_error_info *e = inngest_error(ctx);
    CHECK(e->status == INNGEST_FAIL && e->code == 77 && strcmp(e->message, "why") == 0);
    return e->code == 77 ? handler(ctx) : INNGEST_OK;
}

static void test_cancel_on_failure(void)
{
    inngest_function f = job(fails, 1);
    inngest_run_info info;
    f.on_failure = by_error;
    start(f, endless, plain);
    CHECK(machine_tick() == 700 && machine_runs(&info) == 1 && info.phase == INNGEST_PHASE_ON_FAILURE);
    CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_OK);
    CHECK(machine_run(100000) && machine_runs(NULL) == 0 && machine_ended.status == INNGEST_CANCELLED);
    CHECK_TRACE("0@0/0:0 1@0/0:2");
    MACHINE_END();
}

/* ---- what a body can know of earlier boots ------------------------------------------------------------------------ */

static inngest_status curious(inngest_ctx *ctx, const void *arg, void *result)
{
    static const char *const words[] = { "no", "maybe", "yes" };
    (void)arg; (void)result;
    trace("%s/%d", words[inngest_began(ctx)], inngest_attempt(ctx));
    if (m.crashes < 2) machine_crash();
    return INNGEST_OK;
}

static void crash_twice(void)
{
    unsigned i;
    m.crashes = 0;
    for (i = 0; i < 2; i++) {
        CHECK(!machine_run(10));
        machine_reboot();
    }
    CHECK(machine_run(10) && machine_runs(NULL) == 0);
}

static inngest_status resting(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    return handler(ctx);
}

static void test_began(void)
{
    const inngest_step_options intent = { .intent = true }, once = { .at_most_once = true };
    start(job(handler, 5), curious, plain);
    crash_twice();
    CHECK_TRACE("no/0 maybe/0 maybe/0 after");
    MACHINE_END();

    start(job(handler, 5), curious, intent);
    crash_twice();
    CHECK_TRACE("no/0 yes/0 yes/0 after");
    MACHINE_END();

    start(job(resting, 5), curious, plain);              /* a run of an earlier boot that surely never came so far */
    CHECK(machine_run(500));
    machine_reboot();
    m.crashes = 2;
    CHECK(machine_run(2000) && machine_runs(NULL) == 0);
    CHECK_TRACE("no/0 after");
    MACHINE_END();
    start(job(resting, 5), curious, intent);             /* the record tells it exactly */
    CHECK(machine_run(500));
    machine_reboot();
    m.crashes = 2;
    CHECK(machine_run(2000) && machine_runs(NULL) == 0);
    CHECK_TRACE("no/0 after");
    MACHINE_END();

    start(job(handler, 5), curious, once);
    m.crashes = 0;
    CHECK(!machine_run(10));
    machine_reboot();
    CHECK(machine_run(100000) && machine_runs(NULL) == 0);
    CHECK_TRACE("no/0 after");                           /* not called again, no further attempt */
    CHECK(seen == INNGEST_STEP_FAILED && why.status == INNGEST_ERR_INTERRUPTED && strcmp(why.message, "long") == 0);
    MACHINE_END();

    start(job(handler, 5), pending, once);               /* the same for one that was only asked for an answer */
    CHECK(machine_tick() == UINT32_MAX);
    machine_reboot();
    CHECK(machine_run(100000) && machine_runs(NULL) == 0 && why.status == INNGEST_ERR_INTERRUPTED);
    CHECK_TRACE("ask0 after");
    MACHINE_END();
}

/* Damage whose owner is not known may have been the record of any step: none of a run from an earlier boot is said not to have run. */
static inngest_status two_steps(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    INNGEST_DO(ctx, "first") trace("%d", (int)inngest_began(ctx));
    INNGEST_DO(ctx, "second") trace("%d", (int)inngest_began(ctx));
    return INNGEST_OK;
}

static unsigned told;
static void log_damage(void *context, const char *text)
{
    (void)context;
    told += strstr(text, "the journal is damaged") != NULL;
}

static void test_damage(void)
{
    unsigned damaged;
    for (damaged = 0; damaged < 2; damaged++) {
        start(job(two_steps, 5), pending, plain);
        CHECK(machine_run(2000) && machine_runs(NULL) == 0);
        CHECK_TRACE("0 0");
        CHECK(inngest_send(&m.jobs, "test/go", "", 0) == INNGEST_OK && machine_run(500));
        if (damaged) m.chip.cells[60] ^= 4;               /* in the first run, which has ended */
        m.chip.port.log = log_damage;
        told = 0;
        machine_reboot();
        CHECK(machine_counters().damaged == damaged && told == damaged);
        CHECK(machine_run(2000) && machine_runs(NULL) == 0);
        CHECK_TRACE(damaged ? "1 1" : "0 0");
        MACHINE_END();
    }
}

/* ---- restart, and the port has none -------------------------------------------------------------------------------- */

static inngest_status restarting(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_restart(ctx, "again from the top"));
    trace("not reached");
    return INNGEST_OK;
}

/* What was sent before is journaled first, as long as there is room for it. */
static unsigned began_here;
static inngest_status starter(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "send") CHECK(inngest_send(&m.jobs, "test/other", "", 0) == INNGEST_OK && inngest_send(&m.jobs, "test/other", "", 0) == INNGEST_OK);
    INNGEST_TRY(inngest_step_restart(ctx, "now"));
    trace("on");
    return INNGEST_OK;
}
static inngest_status other(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "o") began_here++;
    return INNGEST_OK;
}
static inngest_status in_a_storm(inngest_ctx *ctx)
{
    CHECK(inngest_send(&m.jobs, "test/none", "", 0) == INNGEST_OK);      /* one more each time that it looks */
    INNGEST_TRY(inngest_step_restart(ctx, "now"));
    trace("on");
    return INNGEST_OK;
}
static void come_back(void *context)
{
    (void)context;
    trace("restart");
}

static void test_sent_before(void)
{
    static const inngest_function table[] = { { .id = "starter", .event = "test/go", .handler = starter }, { .id = "other", .event = "test/other", .handler = other } };
    unsigned runs;
    for (runs = 1; runs < 4; runs++) {                   /* with one place the event waits, and the restart does not wait for it */
        machine_open(table, 2, 4096, 4, 4);
        m.chip.port.restart = come_back;
        m.config.runs = runs;
        began_here = 0;
        machine_reboot();
        CHECK(inngest_send(&m.jobs, "test/go", "", 0) == INNGEST_OK);
        CHECK(machine_run(10) && machine_tick() == UINT32_MAX);
        machine_reboot();
        CHECK(machine_run(10) && machine_runs(NULL) == 0 && began_here == runs - 1);
        CHECK_TRACE("restart on");
        MACHINE_END();
    }
}

/* Interrupts may send faster than the machine ticks: it does not wait for the end of that. */
static void test_restart_in_storm(void)
{
    unsigned ticks;
    start(job(in_a_storm, 5), pending, plain);
    m.chip.port.restart = come_back;
    for (ticks = 0; ticks < 100 && machine_tick() != UINT32_MAX; ticks++) { }
    CHECK_TRACE("restart");
    machine_reboot();
    CHECK(machine_run(10) && machine_runs(NULL) == 0);
    CHECK_TRACE("on");
    MACHINE_END();
}

static void test_restart(void)
{
    start(job(restarting, 5), pending, plain);
    m.chip.port.restart = NULL;
    CHECK(machine_run(100000) && machine_runs(NULL) == 0);
    CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_ERR_RESTART, "again from the top"));
    CHECK_TRACE("");
    MACHINE_END();
}

/* ---- all places taken ----------------------------------------------------------------------------------------------- */

static inngest_token tokens[INNGEST_ACTIVE_STEPS + 1];
static unsigned asked, without_place;
static inngest_status one_of_many(inngest_ctx *ctx, const void *arg, void *result)
{
    inngest_token t = inngest_step_token(ctx);
    (void)arg; (void)result;
    if (t.attempt == 0) without_place++;
    else tokens[asked++] = t;
    return INNGEST_PENDING;
}

static void test_places(void)
{
    unsigned i, waiting = 0;
    uint32_t cursor = 0;
    inngest_run_info info;
    start(job(handler, 5), one_of_many, plain);
    asked = without_place = 0;
    for (i = 0; i < INNGEST_ACTIVE_STEPS; i++) CHECK(inngest_send(&m.jobs, "test/go", "", 0) == INNGEST_OK);
    CHECK(machine_run(1000));
    CHECK(asked == INNGEST_ACTIVE_STEPS && without_place >= 1 && machine_runs(NULL) == INNGEST_ACTIVE_STEPS + 1);
    while (inngest_next_run(&m.jobs, &cursor, &info)) waiting += info.wait == INNGEST_WAIT_ROOM;
    CHECK(waiting == 1);
    complete_as(tokens[0], INNGEST_OK, NULL, 0);
    CHECK(machine_run(1000) && asked == INNGEST_ACTIVE_STEPS + 1);   /* begun anew, with a place */
    for (i = 1; i < asked; i++) complete_as(tokens[i], INNGEST_OK, NULL, 0);
    CHECK(machine_run(1000) && machine_runs(NULL) == 0 && machine_ended.count == INNGEST_ACTIVE_STEPS + 1);
    CHECK(machine_counters().steps_failed == 0 && machine_counters().stale_tokens == 0);
    machine_trace[0] = 0;
    MACHINE_END();
}

/* Some wait for an answer, in as many places as are told; the other run is the one under test. */
static inngest_status asks(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    token = inngest_step_token(ctx);
    return INNGEST_PENDING;
}
static inngest_handler *beside;
static inngest_status asks_or(inngest_ctx *ctx)
{
    return inngest_event_size(ctx) ? beside(ctx) : inngest_step_run(ctx, "asks", asks, NULL, NULL, 0);
}

static void fill_places(unsigned n, inngest_handler *other)
{
    unsigned i;
    start(job(asks_or, 5), NULL, plain);                 /* its event is one that asks */
    beside = other;
    for (i = 1; i < n; i++) CHECK(inngest_send(&m.jobs, "test/go", "", 0) == INNGEST_OK);
    CHECK(machine_run(100) && inngest_send(&m.jobs, "test/go", "other", 5) == INNGEST_OK);
}

/* Of two branches the later one leaves, in one pass, the last place, for which the earlier one begins to wait there. */
static inngest_status late(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    trace("late%d.%u@%u", inngest_attempt(ctx), (unsigned)inngest_step_calls(ctx), (unsigned)m.now);
    if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 1000, 1, "later");
    return inngest_step_calls(ctx) < 1 ? inngest_again(ctx, 100) : INNGEST_OK;
}
static inngest_status holds(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    trace("holds%u@%u", (unsigned)inngest_step_calls(ctx), (unsigned)m.now);
    return inngest_step_calls(ctx) < 2 ? inngest_again(ctx, 500) : INNGEST_OK;
}
static inngest_status one_place(inngest_ctx *ctx)
{
    inngest_status a, b;
    inngest_parallel(ctx, "g");
    a = inngest_step_run(ctx, "late", late, NULL, NULL, 0);
    b = inngest_step_run(ctx, "holds", holds, NULL, NULL, 0);
    INNGEST_TRY(inngest_all(ctx, &a, &b));
    trace("both");
    return INNGEST_OK;
}

static void test_own_place(void)
{
    fill_places(INNGEST_ACTIVE_STEPS - 1, one_place);
    CHECK(machine_run(10000) && machine_ended.count == 1 && machine_runs(NULL) == INNGEST_ACTIVE_STEPS - 1);
    CHECK_TRACE("late0.0@100 holds0@100 holds1@600 late1.0@1100 holds2@1100 late1.0@1100 late1.1@1200 both");
    MACHINE_END();
}

/* A body may have begun in an earlier boot: it is told so until its step is over, also behind what it saves. */
static inngest_status saves(inngest_ctx *ctx, const void *arg, void *result)
{
    static uint8_t far;
    (void)arg; (void)result;
    trace("%d", (int)inngest_began(ctx));
    far++;
    INNGEST_TRY(inngest_step_save(ctx, &far, 1));
    return inngest_again(ctx, 500);
}
static inngest_status saving(inngest_ctx *ctx) { return inngest_step_run(ctx, "saves", saves, NULL, NULL, 0); }

static void test_saves_without_place(void)
{
    fill_places(INNGEST_ACTIVE_STEPS, saving);
    CHECK(machine_run(100));
    CHECK_TRACE("0");
    machine_reboot();
    CHECK(machine_run(100));
    CHECK_TRACE("1");
    complete_as(token, INNGEST_OK, NULL, 0);             /* now there is a place: it is begun anew */
    CHECK(machine_run(100));
    CHECK_TRACE("1");
    MACHINE_END();
}

int main(void)
{
    test_again();
    test_pending();
    test_token_and_again(plain);
    test_token_and_again(hour);
    test_timeouts();
    test_cancel();
    test_cancel_on_failure();
    test_began();
    test_damage();
    test_restart();
    test_sent_before();
    test_restart_in_storm();
    test_places();
    test_own_place();
    test_saves_without_place();
    return TEST_END();
}
