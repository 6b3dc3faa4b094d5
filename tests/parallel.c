/* SPDX-License-Identifier: MIT
 * Promise 2 for branches: between inngest_parallel and inngest_all or inngest_any steps make progress side by side, and
 * nowhere else; the first failure in argument order; one winner, for good; the losers are told, and LOST at every replay. */
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER
static inngest_function table[1];
static const inngest_hooks end_hook = { .run_end = machine_run_end };

static void start(inngest_handler *handler)
{
    const inngest_function f = { .id = "job", .event = "test/go", .journal_bytes = 1024, .max_attempts = 2, QUICK };
    table[0] = f;
    table[0].handler = handler;
    memset(&machine_ended, 0, sizeof machine_ended);
    machine_open(table, 1, 4096, 4, 4);
    m.config.hooks = &end_hook;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/go", "", 0) == INNGEST_OK);
}

static void ends(inngest_handler *handler, inngest_status status, inngest_status error)
{
    start(handler);
    CHECK(machine_run(600000) && machine_runs(NULL) == 0 && machine_ended.count == 1);
    CHECK(machine_ended_as(status, error, NULL));
}

/* A branch that needs as many calls as told, a second apart; told of its end, it says why. */
typedef struct branch { const char *id; unsigned calls; inngest_status then; } branch;
static inngest_status walk(inngest_ctx *ctx, const void *arg, void *result)
{
    const branch *b = arg;
    (void)result;
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) {
        trace("%s-stop%d", b->id, (int)inngest_stop_reason(ctx));
        return inngest_again(ctx, 1000);
    }
    trace("%s%u", b->id, (unsigned)inngest_step_calls(ctx));
    if (inngest_step_calls(ctx) + 1 < b->calls) return inngest_again(ctx, 1000);
    return b->then == INNGEST_FAIL ? inngest_fail(ctx, (int32_t)b->calls, b->id) : INNGEST_OK;
}
static inngest_status go(inngest_ctx *ctx, const branch *b) { return inngest_step_run(ctx, b->id, walk, b, NULL, 0); }

/* ---- all ---------------------------------------------------------------------------------------------------------- */

static inngest_status all_well(inngest_ctx *ctx)
{
    static const branch a = { "a", 3, INNGEST_OK }, b = { "b", 1, INNGEST_OK };
    inngest_status sa, sb, sc;
    inngest_parallel(ctx, "g");
    sa = go(ctx, &a);
    sb = go(ctx, &b);
    sc = inngest_step_sleep(ctx, "c", 1500);
    INNGEST_TRY(inngest_all(ctx, &sa, &sb, &sc));
    trace("all");
    return INNGEST_OK;
}

static inngest_status all_failed;
static inngest_status all_with_failures(inngest_ctx *ctx)
{
    static const branch a = { "a", 2, INNGEST_OK }, b = { "b", 3, INNGEST_FAIL }, c = { "c", 1, INNGEST_FAIL };
    inngest_status sa, sb, sc, status;
    inngest_parallel(ctx, "g");
    sa = go(ctx, &a);
    sb = go(ctx, &b);
    sc = go(ctx, &c);
    INNGEST_CATCH(status, inngest_all(ctx, &sa, &sb, &sc));
    CHECK(sa == INNGEST_OK && sb == INNGEST_STEP_FAILED && sc == INNGEST_STEP_FAILED && status == sb);
    all_failed = status;
    trace("behind");
    return INNGEST_OK;
}

static void test_all(void)
{
    start(all_well);
    CHECK(machine_tick() == 1000);
    CHECK_TRACE("a0 b0");
    CHECK(machine_run(100000) && machine_runs(NULL) == 0);
    CHECK_TRACE("a1 a2 all");
    CHECK(m.now == 100000 && machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    MACHINE_END();
    all_failed = INNGEST_OK;
    ends(all_with_failures, INNGEST_OK, INNGEST_OK);
    CHECK_TRACE("a0 b0 c0 a1 b1 b2 behind");              /* it waited for every branch */
    CHECK(all_failed == INNGEST_STEP_FAILED);
    MACHINE_END();
}

/* ---- any ---------------------------------------------------------------------------------------------------------- */

static inngest_status race(inngest_ctx *ctx)
{
    static const branch a = { "a", 9, INNGEST_OK }, b = { "b", 2, INNGEST_OK }, c = { "c", 1, INNGEST_FAIL };
    inngest_status sa, sb, sc, sd, status;
    inngest_parallel(ctx, "g");
    sa = go(ctx, &a);
    sb = go(ctx, &b);
    sc = go(ctx, &c);
    sd = inngest_step_sleep(ctx, "d", 500000);
    INNGEST_CATCH(status, inngest_any(ctx, &sa, &sb, &sc, &sd));
    CHECK(status == INNGEST_OK && sb == INNGEST_OK);
    CHECK(sa == INNGEST_LOST && sc == INNGEST_LOST && sd == INNGEST_LOST);
    trace("won");
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 20000));
    trace("after");
    return INNGEST_OK;
}

static inngest_status nobody(inngest_ctx *ctx)
{
    static const branch a = { "a", 2, INNGEST_FAIL }, b = { "b", 1, INNGEST_FAIL };
    inngest_status sa, sb, status;
    inngest_parallel(ctx, "g");
    sa = go(ctx, &a);
    sb = go(ctx, &b);
    INNGEST_CATCH(status, inngest_any(ctx, &sa, &sb));
    CHECK(status == INNGEST_STEP_FAILED && sa == INNGEST_STEP_FAILED && sb == INNGEST_STEP_FAILED);
    trace("nobody");
    return INNGEST_OK;
}

/* A winner, and the power goes before the loser knows: it is no runner any more. */
static void test_any(void)
{
    start(race);
    CHECK(machine_run(1500));
    CHECK_TRACE("a0 b0 c0 a1 b1 a-stop3 won");
    machine_reboot();
    CHECK(machine_run(5000));
    machine_reboot();
    CHECK(machine_run(100000) && machine_runs(NULL) == 0);
    CHECK(machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    CHECK(strstr(machine_trace, "a0") == NULL && strstr(machine_trace, "b0") == NULL && strstr(machine_trace, "stop") == NULL);
    machine_trace[0] = 0;
    MACHINE_END();
    ends(nobody, INNGEST_OK, INNGEST_OK);
    CHECK_TRACE("a0 b0 a1 nobody");
    MACHINE_END();
}

/* A loser whose own answer, which comes with the winner, is no good one is LOST at once: nothing is retried first. */
static inngest_token token;
static inngest_status answer;
static void step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in)
{
    (void)user; (void)run; (void)retry_in;
    trace("%s/%d:%s", step, attempt, inngest_status_name(status));
}
static inngest_status asks(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    CHECK(inngest_stop_reason(ctx) == INNGEST_STOP_NONE && inngest_attempt(ctx) == 0);
    token = inngest_step_token(ctx);
    return INNGEST_PENDING;
}
static inngest_status wins(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    if (inngest_step_calls(ctx) == 0) return inngest_again(ctx, 1000);
    CHECK(inngest_complete(&m.jobs, token, answer, NULL, 0) == INNGEST_OK);
    return INNGEST_OK;
}
static inngest_status answered_race(inngest_ctx *ctx)
{
    inngest_status a, b;
    inngest_parallel(ctx, "g");
    a = inngest_step_run(ctx, "a", asks, NULL, NULL, 0);
    b = inngest_step_run(ctx, "b", wins, NULL, NULL, 0);
    INNGEST_TRY(inngest_any(ctx, &a, &b));
    CHECK(a == INNGEST_LOST && b == INNGEST_OK);
    return inngest_step_sleep(ctx, "nap", 20000);
}

static void test_answered_loser(void)
{
    static const inngest_hooks hooks = { .run_end = machine_run_end, .step_end = step_end };
    static const inngest_status answers[] = { INNGEST_RETRY, INNGEST_FAIL };
    unsigned i;
    for (i = 0; i < 2; i++) {
        answer = answers[i];
        start(answered_race);
        CHECK(machine_run(500));
        m.config.hooks = &hooks;
        machine_reboot();
        CHECK(machine_run(15000));
        machine_reboot();
        CHECK(machine_run(100000) && machine_runs(NULL) == 0 && machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
        CHECK_TRACE("b/0:OK a/0:LOST");
        MACHINE_END();
    }
}

/* ---- retries side by side, and a reset in the middle ---------------------------------------------------------------- */

static inngest_status retry_once(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)result;
    trace("%s/%d", (const char *)arg, inngest_attempt(ctx));
    return inngest_attempt(ctx) == 0 ? inngest_retry(ctx, 1, "later") : INNGEST_OK;
}

static inngest_status both_retry(inngest_ctx *ctx)
{
    inngest_status sa, sb;
    inngest_parallel(ctx, "g");
    sa = inngest_step_run(ctx, "a", retry_once, "a", NULL, 0);
    sb = inngest_step_run(ctx, "b", retry_once, "b", NULL, 0);
    INNGEST_TRY(inngest_all(ctx, &sa, &sb));
    inngest_parallel(ctx, "g");                            /* the same ids once more: other occurrences */
    sa = inngest_step_run(ctx, "a", retry_once, "A", NULL, 0);
    sb = inngest_step_run(ctx, "b", retry_once, "B", NULL, 0);
    INNGEST_TRY(inngest_all(ctx, &sa, &sb));
    return INNGEST_OK;
}

static void test_retries(void)
{
    start(both_retry);
    CHECK(machine_run(500));
    CHECK_TRACE("a/0 b/0");
    machine_reboot();
    CHECK(machine_run(100000) && machine_runs(NULL) == 0);
    CHECK_TRACE("a/1 b/1 A/0 B/0 A/1 B/1");
    MACHINE_END();
}

/* ---- nowhere else: a forgotten check starts nothing ------------------------------------------------------------------ */

static inngest_status forgetful(inngest_ctx *ctx)
{
    static const branch a = { "a", 2, INNGEST_OK }, b = { "b", 1, INNGEST_OK };
    inngest_status first = go(ctx, &a), second = go(ctx, &b), third = inngest_step_sleep(ctx, "nap", 1000), st;
    INNGEST_DO_AS(st, ctx, "inline") trace("inline");
    CHECK(first <= 0 || (second == first && third == first && st == first));
    return st;
}

/* ---- mistakes --------------------------------------------------------------------------------------------------------- */

static inngest_status all_alone(inngest_ctx *ctx)
{
    inngest_status s = INNGEST_OK;
    return inngest_all(ctx, &s);
}
static inngest_status any_alone(inngest_ctx *ctx)
{
    inngest_status s = INNGEST_OK;
    return inngest_any(ctx, &s);
}
static inngest_status group_in_group(inngest_ctx *ctx)
{
    static const branch a = { "a", 1, INNGEST_OK };
    inngest_status s;
    inngest_parallel(ctx, "g");
    inngest_parallel(ctx, "h");
    s = go(ctx, &a);
    return inngest_all(ctx, &s);
}
static inngest_status never_closed(inngest_ctx *ctx)
{
    static const branch a = { "a", 1, INNGEST_OK };
    inngest_parallel(ctx, "g");
    return go(ctx, &a);
}
static inngest_status group_in_step(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "step") inngest_parallel(ctx, "g");
    return INNGEST_OK;
}

static void test_mistakes(void)
{
    static const struct { inngest_handler *handler; inngest_status error; } list[] = {
        { all_alone, INNGEST_ERR_PARALLEL }, { any_alone, INNGEST_ERR_PARALLEL }, { group_in_group, INNGEST_ERR_PARALLEL },
        { never_closed, INNGEST_ERR_PARALLEL }, { group_in_step, INNGEST_ERR_NESTED } };
    unsigned i;
    for (i = 0; i < sizeof list / sizeof *list; i++) {
        ends(list[i].handler, INNGEST_FAIL, list[i].error);
        MACHINE_END();
    }
    ends(forgetful, INNGEST_OK, INNGEST_OK);
    CHECK(strstr(machine_trace, "a0 a1 b0 inline"));
    MACHINE_END();
}

/* A branch that gives what no step did: when no other branch waits, that is what the handler gives. */
static inngest_status given, given_last, given_first;
static inngest_status gives(inngest_ctx *ctx)
{
    inngest_status a = given, nap, other;
    if (given == INNGEST_RETRY && inngest_attempt(ctx) > 0) a = INNGEST_OK;
    trace("%u", m.now / 1000);
    inngest_parallel(ctx, "g");
    nap = inngest_step_sleep(ctx, "nap", 5000);
    if (a == INNGEST_RETRY) a = inngest_retry_after(ctx, 10000, 7, "link");
    if (a == INNGEST_FAIL) a = inngest_fail(ctx, 7, "link");
    other = a == INNGEST_RETRY ? INNGEST_FAIL : a;                     /* the first one counts */
    given_last = inngest_all(ctx, &a, &nap, &other);
    if (nap == INNGEST_PAUSED) given_first = given_last;
    INNGEST_DO_AS(a, ctx, "after") trace("after");
    return given == INNGEST_AGAIN ? INNGEST_OK : given_last;           /* it is forgotten */
}

static void test_given(void)
{
    static const inngest_status list[] = { INNGEST_PAUSED, INNGEST_AGAIN, INNGEST_PENDING, INNGEST_BODY, (inngest_status)1 };
    unsigned i;
    given = INNGEST_RETRY;
    ends(gives, INNGEST_OK, INNGEST_OK);
    CHECK_TRACE("0 5 15 after");
    MACHINE_END();
    given = INNGEST_FAIL;
    ends(gives, INNGEST_FAIL, INNGEST_FAIL);
    CHECK(machine_ended.error.code == 7 && given_last == INNGEST_FAIL);
    CHECK_TRACE("0 5");
    MACHINE_END();
    for (i = 0; i < sizeof list / sizeof *list; i++) {
        given = list[i];
        ends(gives, INNGEST_FAIL, given == INNGEST_AGAIN ? INNGEST_ERR_PARALLEL : INNGEST_ERR_STATUS);
        CHECK(given_last == given && given_first == INNGEST_PAUSED);
        CHECK_TRACE("0 5");
        MACHINE_END();
    }
}

/* The choice finds no room in what the run has reserved. */
static inngest_status chooses(inngest_ctx *ctx)
{
    static const branch a = { "a", 1, INNGEST_OK };
    inngest_status sa, sb = INNGEST_OK;
    inngest_parallel(ctx, "g");
    sa = go(ctx, &a);
    INNGEST_TRY(inngest_any(ctx, &sa, &sb));
    return INNGEST_OK;
}

static void test_choice_without_room(void)
{
    uint16_t bytes;
    unsigned good = 0, without = 0;
    for (bytes = 32; bytes < 120; bytes = (uint16_t)(bytes + 4)) {
        start(chooses);
        table[0].journal_bytes = bytes;
        machine_reboot();
        CHECK(inngest_send(&m.jobs, "test/go", "", 0) == INNGEST_OK);
        CHECK(machine_run(600000) && machine_runs(NULL) == 0 && machine_ended.count == 1);
        if (machine_ended.status == INNGEST_OK) good++;
        else without += machine_ended_as(INNGEST_FAIL, INNGEST_ERR_RUN_BYTES, "");
        machine_trace[0] = 0;
        MACHINE_END();
    }
    CHECK(good > 0 && without > 0);
}

/* A handler that asked for another attempt is not called before that, though a branch of it is due earlier; nor behind a reset. */
static inngest_status waits_itself(inngest_ctx *ctx)
{
    inngest_status nap;
    trace("%u", m.now / 1000);
    inngest_parallel(ctx, "g");
    nap = inngest_step_sleep(ctx, "nap", 2000);
    if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 10000, 1, "later");
    INNGEST_TRY(inngest_all(ctx, &nap));
    return INNGEST_OK;
}

static void test_waits_itself(void)
{
    unsigned boots;
    for (boots = 0; boots < 2; boots++) {
        start(waits_itself);
        CHECK(machine_run(500));
        if (boots) machine_reboot();
        CHECK(machine_run(100000) && machine_runs(NULL) == 0 && machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
        CHECK_TRACE("0 10");
        MACHINE_END();
    }
}

/* What a body says of a failure that is none is not the handler's: not why the run fails, nor when its next attempt comes. */
static char words;
static inngest_status last_words(inngest_ctx *ctx)
{
    inngest_status loser, winner;
    trace("%u", m.now / 1000);
    inngest_parallel(ctx, "g");
    INNGEST_DO_AS(loser, ctx, "loser") {
        (void)!inngest_retry_after(ctx, 600000, 5, "the motor is off");
        loser = inngest_stop_reason(ctx) == INNGEST_STOP_NONE ? inngest_again(ctx, UINT32_MAX) : INNGEST_FAIL;
    }
    winner = inngest_step_sleep(ctx, "winner", 2000);
    if (words == 'a' && winner == INNGEST_PAUSED) return INNGEST_RETRY;
    INNGEST_TRY(inngest_any(ctx, &loser, &winner));
    if (words == 'o') { INNGEST_DO(ctx, "after") { (void)!inngest_retry_after(ctx, 600000, 6, "all is well"); } }
    return words == 'f' ? INNGEST_FAIL : words == 'j' ? inngest_event_int64(ctx, "data.gone", NULL) : INNGEST_RETRY;
}

static void test_last_words(void)
{
    static const struct { char words; inngest_status error; const char *message, *says; } list[] = {
        { 'f', INNGEST_FAIL, "", "0 2 2" }, { 'j', INNGEST_ERR_ARGUMENT, "data.gone", "0 2 2" }, { 'r', INNGEST_FAIL, "", "0 2 2 3" },
        { 'o', INNGEST_FAIL, "", "0 2 2 3" }, { 'a', INNGEST_FAIL, "", "0 1 1" } };
    unsigned i;
    for (i = 0; i < sizeof list / sizeof *list; i++) {
        words = list[i].words;
        ends(last_words, INNGEST_FAIL, list[i].error);
        CHECK(machine_ended.error.code == 0 && strcmp(machine_ended.error.message, list[i].message) == 0);
        CHECK_TRACE(list[i].says);
        MACHINE_END();
    }
}

/* A run fails while branches of it are in progress: all are told in one pass, and none of them has failed. */
static inngest_status fails_beside(inngest_ctx *ctx)
{
    static const branch a = { "a", 100, INNGEST_OK }, b = { "b", 100, INNGEST_OK }, c = { "c", 2, INNGEST_FAIL };
    static const inngest_step_options once = { .max_attempts = 1 };
    trace("pass");
    inngest_parallel(ctx, "g");
    (void)!go(ctx, &a);
    (void)!go(ctx, &b);
    return inngest_step_run_with(ctx, c.id, &once, walk, &c, NULL, 0);
}

static void test_fails_beside(void)
{
    ends(fails_beside, INNGEST_FAIL, INNGEST_FAIL);
    CHECK(machine_ended.error.code == 2 && machine_counters().steps_failed == 1);
    CHECK_TRACE("pass a0 b0 c0 pass a1 b1 c1 pass a-stop2 b-stop2");
    MACHINE_END();
}

int main(void)
{
    test_all();
    test_any();
    test_answered_loser();
    test_retries();
    test_waits_itself();
    test_last_words();
    test_fails_beside();
    test_mistakes();
    test_given();
    test_choice_without_room();
    return TEST_END();
}
