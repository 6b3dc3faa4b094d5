/* SPDX-License-Identifier: MIT
 * Promise: what every run is doing can be seen, with why it is not running and until when, also right after a reset;
 * and any run can be ended by its id: a body in progress is told and its result kept, nothing follows. */
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER
#define SEND(name, data, size) CHECK(inngest_send(&m.jobs, name, data, size) == INNGEST_OK)
#define NOON INT64_C(1767268800000)      /* 2026-01-01T12:00:00Z */

static const inngest_hooks end_hook = { .run_end = machine_run_end };

static void boot(void) { CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK); }

static void open_with(const inngest_function *table, uint16_t count)
{
    memset(&machine_ended, 0, sizeof machine_ended);
    machine_open(table, count, 4096, 4, 4);
    m.config.hooks = &end_hook;
    boot();
}

/* The only run's state. */
static inngest_run_info only(void)
{
    inngest_run_info info;
    memset(&info, 0, sizeof info);
    CHECK(machine_runs(&info) == 1);
    return info;
}

static bool is(inngest_wait wait, int attempt, int64_t deadline)
{
    inngest_run_info info = only();
    bool same = info.wait == wait && info.attempt == attempt && info.deadline_in_ms == deadline;
    if (!same) printf("  wait %d attempt %d deadline %lld\n", (int)info.wait, info.attempt, (long long)info.deadline_in_ms);
    return same;
}

/* A run that comes to stand in the way its event says. */
static inngest_token token;
static inngest_status stop_gives;              /* by a body in progress that is told to stop */
static inngest_status in_progress(inngest_ctx *ctx, const void *arg, void *result)
{
    char kind = *(const char *)arg;
    inngest_status goes_on = INNGEST_PENDING;
    (void)result;
    if (kind == 'a') goes_on = inngest_again(ctx, 3000);
    else if (kind == 'w') goes_on = inngest_again(ctx, UINT32_MAX);
    else token = inngest_step_token(ctx);
    if (inngest_stop_reason(ctx) == INNGEST_STOP_NONE) return goes_on;
    trace("stop%d", (int)inngest_stop_reason(ctx));
    return stop_gives;
}

static inngest_status states(inngest_ctx *ctx)
{
    char kind = 0;
    static const inngest_step_options slow = { .timeout_ms = 7000 };
    INNGEST_TRY(inngest_event_data(ctx, &kind, 1));
    INNGEST_DO(ctx, "first") trace("first");
    if (kind == 's') INNGEST_TRY(inngest_step_sleep(ctx, "sleep", 100000));
    if (kind == 'c') INNGEST_TRY(inngest_step_sleep_until(ctx, "sleep", NOON + 50000));
    if (kind == 'r') { INNGEST_DO(ctx, "retry") return inngest_retry_after(ctx, 30000, 0, "no"); }
    if (kind == 'h') return inngest_retry_after(ctx, 20000, 0, "no");
    if (kind == 'a' || kind == 'w' || kind == 'p') INNGEST_TRY(inngest_step_run(ctx, "long", in_progress, &kind, NULL, 0));
    if (kind == 't') INNGEST_TRY(inngest_step_run_with(ctx, "long", &slow, in_progress, &kind, NULL, 0));
    if (kind == 'f') return INNGEST_FAIL;
    INNGEST_DO(ctx, "after") trace("after");
    return INNGEST_OK;
}
static inngest_status cleanup(inngest_ctx *ctx)
{
    trace("cleanup");
    INNGEST_TRY(inngest_step_sleep(ctx, "cool", 40000));
    INNGEST_DO(ctx, "clean") trace("clean");
    return INNGEST_OK;
}
static const inngest_function table[] = { { .id = "states", .event = "test/*", .handler = states, .on_failure = cleanup, QUICK },
                                          { .id = "also", .event = "also", .handler = states, QUICK } };

static void bring(char kind)
{
    open_with(table, 2);
    stop_gives = INNGEST_RETRY;
    SEND("test/state", &kind, 1);
    CHECK(machine_run(0));
    CHECK_TRACE(kind == 'f' ? "first cleanup" : "first");
}

/* ---- why a run is not running --------------------------------------------------------------------------------------- */

static void test_waits(void)
{
    inngest_run_info info;
    open_with(table, 2);
    SEND("test/state", "s", 1);
    CHECK(machine_runs(&info) == 0);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
    CHECK(is(INNGEST_WAIT_NONE, 0, 0));                           /* journaled, not begun */
    info = only();
    CHECK(strcmp(info.function, "states") == 0 && info.phase == INNGEST_PHASE_HANDLER);
    CHECK(info.journal_bytes > 0 && info.journal_bytes < info.reserved_bytes && info.reserved_bytes >= INNGEST_RUN_BYTES);
    machine_reboot();
    CHECK(is(INNGEST_WAIT_NONE, 0, 0));
    MACHINE_END();
    bring('s');
    CHECK(is(INNGEST_WAIT_SLEEP, 0, 100000));
    CHECK(machine_run(1234));
    CHECK(is(INNGEST_WAIT_SLEEP, 0, 98766));
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);                  /* stamps the time */
    boot();
    CHECK(is(INNGEST_WAIT_SLEEP, 0, 98766));
    m.now = 5;                                                    /* the first tick sets the base */
    CHECK(machine_run(98765));
    CHECK(is(INNGEST_WAIT_SLEEP, 0, 1));
    CHECK(machine_run(1));
    CHECK_TRACE("after");
    MACHINE_END();
    bring('r');
    CHECK(is(INNGEST_WAIT_RETRY, 1, 30000));
    CHECK(machine_run(30000));
    CHECK(is(INNGEST_WAIT_RETRY, 2, 30000));
    machine_reboot();
    CHECK(is(INNGEST_WAIT_RETRY, 2, 30000));                      /* known before it goes on */
    CHECK(machine_run(29999));
    CHECK(is(INNGEST_WAIT_RETRY, 2, 1));
    CHECK(machine_run(1));
    CHECK(is(INNGEST_WAIT_RETRY, 3, 30000));
    MACHINE_END();
    bring('h');
    CHECK(is(INNGEST_WAIT_RETRY, 1, 20000));
    machine_reboot();
    CHECK(is(INNGEST_WAIT_RETRY, 1, 20000));
    CHECK(machine_run(20000));
    CHECK(is(INNGEST_WAIT_RETRY, 2, 20000));
    MACHINE_END();
    bring('c');
    CHECK(is(INNGEST_WAIT_CLOCK, 0, INT64_MAX));
    machine_reboot();
    CHECK(is(INNGEST_WAIT_CLOCK, 0, INT64_MAX));
    CHECK(machine_run(10));
    CHECK(is(INNGEST_WAIT_CLOCK, 0, INT64_MAX));
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    CHECK(machine_run(0));
    CHECK(is(INNGEST_WAIT_SLEEP, 0, 50000));
    machine_reboot();
    CHECK(is(INNGEST_WAIT_CLOCK, 0, INT64_MAX));
    MACHINE_END();
    bring('a');
    CHECK(is(INNGEST_WAIT_STEP, 0, 3000));
    CHECK(machine_run(2999));
    CHECK(is(INNGEST_WAIT_STEP, 0, 1));
    CHECK(machine_run(1));
    CHECK(is(INNGEST_WAIT_STEP, 0, 3000));
    machine_reboot();
    CHECK(is(INNGEST_WAIT_NONE, 0, 0));                           /* the body starts over */
    MACHINE_END();
    bring('w');
    CHECK(is(INNGEST_WAIT_STEP, 0, INT64_MAX));
    MACHINE_END();
    bring('p');
    CHECK(is(INNGEST_WAIT_STEP, 0, INT64_MAX));
    CHECK(machine_tick() == UINT32_MAX || machine_tick() <= INNGEST_HEARTBEAT_MS);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK);
    CHECK(machine_run(0));
    CHECK_TRACE("after");
    MACHINE_END();
    bring('t');
    CHECK(is(INNGEST_WAIT_STEP, 0, 7000));
    CHECK(machine_run(7000));
    CHECK_TRACE("stop1");
    CHECK(is(INNGEST_WAIT_RETRY, 1, 1000));
    MACHINE_END();
    bring('f');
    CHECK(is(INNGEST_WAIT_SLEEP, 0, 40000) && only().phase == INNGEST_PHASE_ON_FAILURE);
    machine_reboot();
    CHECK(is(INNGEST_WAIT_SLEEP, 0, 40000) && only().phase == INNGEST_PHASE_ON_FAILURE);
    MACHINE_END();
    bring('s');                                                   /* its function is gone, and back */
    m.config.functions = table + 1;
    m.config.function_count = 1;
    machine_reboot();
    CHECK(is(INNGEST_WAIT_FUNCTION, 0, INT64_MAX) && only().function == NULL);
    CHECK(machine_run(1000000));
    CHECK(is(INNGEST_WAIT_FUNCTION, 0, INT64_MAX));
    m.config.functions = table;
    m.config.function_count = 2;
    machine_reboot();
    CHECK(machine_run(1000000));
    CHECK_TRACE("after");
    MACHINE_END();
}

/* Memos that do not fit, damage, steps in progress full, suspects. */
static int firmware;
static inngest_status changed(inngest_ctx *ctx)
{
    if (firmware == 0) INNGEST_TRY(inngest_step_sleep(ctx, "memo", 50000));
    INNGEST_DO(ctx, "memo") trace("never");
    return INNGEST_OK;
}
static inngest_status marked(inngest_ctx *ctx)
{
    char text[17];
    INNGEST_STEP(ctx, "text", text) { memcpy(text, "DAMAGE THIS ONE!", sizeof text); trace("text"); }
    INNGEST_TRY(inngest_step_sleep(ctx, "sleep", 50000));
    INNGEST_DO(ctx, "after") trace("after");
    return INNGEST_OK;
}
static const inngest_function parked_table[] = { { .id = "changed", .event = "test/changed", .handler = changed, QUICK },
                                                 { .id = "marked", .event = "test/marked", .handler = marked, QUICK },
                                                 { .id = "states", .event = "test/*", .handler = states, QUICK } };

static void test_parked(void)
{
    inngest_run_info info;
    uint32_t i, cursor, counts[INNGEST_WAIT_SUSPECT + 1];
    unsigned k;
    open_with(parked_table, 2);
    firmware = 0;
    SEND("test/changed", NULL, 0);
    CHECK(machine_run(10));
    firmware = 1;
    machine_reboot();
    CHECK(machine_run(60000));
    CHECK(is(INNGEST_WAIT_MEMO, 0, INT64_MAX));
    CHECK(inngest_cancel(&m.jobs, only().id) == INNGEST_OK);
    CHECK(machine_run(0));
    CHECK(machine_runs(NULL) == 0 && machine_ended_as(INNGEST_CANCELLED, INNGEST_CANCELLED, NULL));
    CHECK_TRACE("");
    MACHINE_END();
    open_with(parked_table, 2);
    SEND("test/marked", NULL, 0);
    CHECK(machine_run(10));
    CHECK_TRACE("text");
    for (i = 0; i + 16 <= 4096 * 4; i++) if (memcmp(m.chip.cells + i, "DAMAGE THIS ONE!", 16) == 0) m.chip.cells[i + 3] ^= 1;
    machine_reboot();
    CHECK(is(INNGEST_WAIT_DAMAGE, 0, INT64_MAX));
    CHECK(machine_counters().damaged > 0);
    CHECK(machine_run(100000));
    CHECK(is(INNGEST_WAIT_DAMAGE, 0, INT64_MAX));
    CHECK_TRACE("");
    CHECK(inngest_cancel(&m.jobs, only().id) == INNGEST_OK);
    CHECK(machine_run(0));
    CHECK(machine_runs(NULL) == 0 && machine_ended_as(INNGEST_CANCELLED, INNGEST_CANCELLED, NULL));
    machine_reboot();
    CHECK(machine_runs(NULL) == 0);
    MACHINE_END();
    open_with(table, 2);                                          /* one more in progress than there are places */
    for (k = 0; k < INNGEST_ACTIVE_STEPS + 1; k++) SEND("test/state", "w", 1);
    CHECK(machine_run(0));
    memset(counts, 0, sizeof counts);
    for (cursor = 0; inngest_next_run(&m.jobs, &cursor, &info);) {
        counts[info.wait]++;
        if (info.wait == INNGEST_WAIT_ROOM) CHECK(info.deadline_in_ms == INT64_MAX);
    }
    CHECK(counts[INNGEST_WAIT_STEP] == INNGEST_ACTIVE_STEPS && counts[INNGEST_WAIT_ROOM] == 1);
    cursor = 0;
    CHECK(inngest_next_run(&m.jobs, &cursor, &info) && inngest_cancel(&m.jobs, info.id) == INNGEST_OK);
    CHECK(machine_run(0));
    memset(counts, 0, sizeof counts);
    for (cursor = 0; inngest_next_run(&m.jobs, &cursor, &info);) counts[info.wait]++;
    CHECK(counts[INNGEST_WAIT_STEP] == INNGEST_ACTIVE_STEPS && counts[INNGEST_WAIT_ROOM] == 0);
    CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);       /* one at a time now */
    CHECK(machine_run(0));
    memset(counts, 0, sizeof counts);
    for (cursor = 0; inngest_next_run(&m.jobs, &cursor, &info);) counts[info.wait]++;
    CHECK(counts[INNGEST_WAIT_STEP] == 1 && counts[INNGEST_WAIT_SUSPECT] == INNGEST_ACTIVE_STEPS - 1);
    CHECK(machine_run(INNGEST_SUSPECT_MS + 10));
    memset(counts, 0, sizeof counts);
    for (cursor = 0; inngest_next_run(&m.jobs, &cursor, &info);) counts[info.wait]++;
    CHECK(counts[INNGEST_WAIT_SUSPECT] < INNGEST_ACTIVE_STEPS - 1);
    MACHINE_END();
}

/* Ids: distinct, stable through resets, never used again. */
static void test_ids(void)
{
    inngest_run_info info;
    uint64_t ids[64];
    unsigned n = 0, i, round;
    uint32_t cursor;
    open_with(table, 2);
    for (round = 0; round < 8; round++) {
        for (i = 0; i < 5; i++) SEND("test/state", round & 1 ? "-" : "s", 1);
        CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
        for (cursor = 0, i = n; inngest_next_run(&m.jobs, &cursor, &info);) ids[n++] = info.id;
        CHECK(n == i + 5);
        for (; i < n; i++) {
            unsigned k;
            for (k = 0; k < i; k++) CHECK(ids[k] != ids[i] && ids[k] >> 32 == ids[i] >> 32);
        }
        if (round & 2) { CHECK(inngest_close(&m.jobs) == INNGEST_OK); boot(); }
        else machine_reboot();
        for (cursor = 0, i = n - 5; inngest_next_run(&m.jobs, &cursor, &info); i++) CHECK(i < n && info.id == ids[i]);
        CHECK(machine_run(200000));
        CHECK(machine_runs(NULL) == 0);
        cursor = 0;
        CHECK(!inngest_next_run(&m.jobs, &cursor, &info) && !inngest_next_run(&m.jobs, &cursor, &info));
        machine_trace[0] = 0;
        for (i = 0; i < n; i++) CHECK(inngest_cancel(&m.jobs, ids[i]) == INNGEST_ERR_NOT_FOUND);
    }
    cursor = 0;
    CHECK(!inngest_next_run(NULL, &cursor, &info) && !inngest_next_run(&m.jobs, NULL, &info) && !inngest_next_run(&m.jobs, &cursor, NULL));
    cursor = UINT32_MAX;
    CHECK(!inngest_next_run(&m.jobs, &cursor, &info));
    MACHINE_END();
}

/* ---- cancel ---------------------------------------------------------------------------------------------------------- */

/* In every state; with a reset, a clean stop, or a journal that was churned before the tick that ends it. */
static void test_cancel(void)
{
    static const char kinds[] = "scrhawptf";
    uint64_t id;
    unsigned i, how, k;
    bool active, told;
    for (i = 0; kinds[i]; i++) for (how = 0; how < 5; how++) {
        bring(kinds[i]);
        active = strchr("awpt", kinds[i]) != NULL;
        id = only().id;
        CHECK(inngest_cancel(&m.jobs, id + 1) == INNGEST_ERR_NOT_FOUND);
        CHECK(inngest_cancel(&m.jobs, id ^ 1ull << 32) == INNGEST_ERR_NOT_FOUND);
        CHECK(inngest_cancel(&m.jobs, 0) == INNGEST_ERR_NOT_FOUND && inngest_cancel(&m.jobs, UINT64_MAX) == INNGEST_ERR_NOT_FOUND);
        CHECK(inngest_cancel(&m.jobs, id & UINT32_MAX) == INNGEST_ERR_NOT_FOUND && inngest_cancel(NULL, id) == INNGEST_ERR_NOT_READY);
        stop_gives = how == 4 ? INNGEST_OK : INNGEST_FAIL;
        CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK);
        CHECK(only().phase == INNGEST_PHASE_CANCELLING && is(INNGEST_WAIT_NONE, only().attempt, 0));
        CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK);         /* twice */
        if (how == 1) machine_reboot();
        if (how == 2) { CHECK(inngest_close(&m.jobs) == INNGEST_OK); boot(); }
        if (how == 3) {                                           /* until reclaim has carried the record of it */
            for (k = 0; k < 2000; k++) inngest_set_wall_clock(&m.jobs, NOON - 90000000 + (k & 1) * 5000, m.now);
            CHECK(machine_counters().erases > 8);
            machine_reboot();
        }
        CHECK(only().phase == INNGEST_PHASE_CANCELLING);
        CHECK(is(INNGEST_WAIT_NONE, only().attempt, 0));
        told = active && (how == 0 || how == 4);                  /* no longer in progress after a reset */
        CHECK(machine_run(0));
        CHECK_TRACE(told ? "stop2" : "");
        CHECK(machine_runs(NULL) == 0 && machine_ended.count == 1 && machine_ended.id == id);
        CHECK(machine_ended_as(INNGEST_CANCELLED, INNGEST_CANCELLED, NULL) && strcmp(machine_ended.function, "states") == 0);
        CHECK(machine_counters().runs_cancelled == 1 && machine_counters().runs_ended == 1 && machine_counters().runs_failed == 0);
        CHECK(inngest_cancel(&m.jobs, id) == INNGEST_ERR_NOT_FOUND);
        CHECK(machine_run(1000000));
        machine_reboot();
        CHECK(machine_run(1000000));
        CHECK_TRACE("");
        CHECK(machine_ended.count == 1 && machine_runs(NULL) == 0);
        MACHINE_END();
    }
    open_with(table, 2);                                          /* before it has begun */
    SEND("test/state", "-", 1);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK && inngest_cancel(&m.jobs, only().id) == INNGEST_OK);
    CHECK(machine_run(10));
    CHECK_TRACE("");
    CHECK(machine_ended_as(INNGEST_CANCELLED, INNGEST_CANCELLED, NULL));
    {
        inngest_event event = { "test/later", "-", 1, NULL, NOON };   /* before it may begin */
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
        CHECK(machine_run(10));
        CHECK(inngest_cancel(&m.jobs, only().id) == INNGEST_OK);
        machine_reboot();
        CHECK(machine_run(10));
        CHECK(machine_runs(NULL) == 0 && machine_ended.count == 2);
    }
    MACHINE_END();
    bring('s');                                                   /* its function is gone */
    m.config.functions = table + 1;
    m.config.function_count = 1;
    machine_reboot();
    CHECK(inngest_cancel(&m.jobs, only().id) == INNGEST_OK);
    machine_reboot();
    CHECK(machine_run(0));
    CHECK(machine_runs(NULL) == 0 && machine_ended.function[0] == 0 && machine_ended_as(INNGEST_CANCELLED, INNGEST_CANCELLED, NULL));
    MACHINE_END();
    bring('p');                                                   /* completed, and cancelled before the tick knows */
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK && inngest_cancel(&m.jobs, only().id) == INNGEST_OK);
    CHECK(machine_run(0));
    CHECK_TRACE("");
    CHECK(machine_runs(NULL) == 0 && machine_ended_as(INNGEST_CANCELLED, INNGEST_CANCELLED, NULL));
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK);
    CHECK(machine_run(0));
    CHECK(machine_counters().stale_tokens == 1);
    MACHINE_END();
}

/* Power lost at each operation of a cancel: if it said OK, the run is cancelled; else either, and nothing between. */
static void test_cancel_cut(void)
{
    unsigned cut, tear;
    bool more = true, ended;
    inngest_status status;
    for (cut = 1; more; cut++) for (tear = 0; tear < FLASH_TEARS; tear++) {
        bring('s');
        m.chip.cut_at = m.chip.operations + cut;
        m.chip.tear = (flash_tear)tear;
        status = inngest_cancel(&m.jobs, only().id);
        CHECK((status == INNGEST_OK) == !m.chip.dead);
        if (!m.chip.dead) (void)machine_tick();
        more = m.chip.dead;
        m.chip.cut_at = 0;
        flash_power_on(&m.chip);
        machine_reboot();
        CHECK(machine_run(10));
        ended = machine_runs(NULL) == 0;
        if (status == INNGEST_OK) CHECK(ended);
        CHECK(machine_run(200000));
        CHECK_TRACE(ended ? "" : "after");
        CHECK(machine_ended.count >= 1 && machine_ended.status == (ended ? INNGEST_CANCELLED : INNGEST_OK));
        MACHINE_END();
    }
    CHECK(cut > 2);
}

/* From inside: between steps, in a body, as the last thing, of another run, in on_failure, in a predicate. */
static uint64_t other_id;
static char where;
static inngest_status cancels(inngest_ctx *ctx)
{
    uint64_t id = inngest_run_id(ctx);
    if (where == 'e') CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK);
    INNGEST_DO(ctx, "a") { trace("a"); if (where == 'f') return INNGEST_FAIL; }
    if (where == 'o') { CHECK(inngest_cancel(&m.jobs, other_id) == INNGEST_OK); where = 0; }
    if (where == 'b') CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK);
    INNGEST_DO(ctx, "b") {
        trace("b");
        if (where == 'i' || where == 'A' || where == 'R' || where == 'F') CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK);
        if (where == 'A') {
            if (inngest_stop_reason(ctx) == INNGEST_STOP_NONE) return inngest_again(ctx, 5);
            trace("stop%d", (int)inngest_stop_reason(ctx));
        }
        if (where == 'R') return INNGEST_RETRY;
        if (where == 'F') return INNGEST_FAIL;
    }
    if (where == 's') { CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK); INNGEST_TRY(inngest_step_sleep(ctx, "s", 5)); trace("slept"); }
    if (where == 'q') {
        CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK);
        INNGEST_TRY(inngest_step_send(ctx, "s", "test/cancels", NULL, 0));
        trace("sent");
    }
    if (where == 'r') { CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK); return INNGEST_RETRY; }
    if (where == 'g') { CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK); return INNGEST_FAIL; }
    if (where == 'l') { CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK); return INNGEST_OK; }
    INNGEST_DO(ctx, "c") trace("c");
    return INNGEST_OK;
}
static inngest_status cancels_on_failure(inngest_ctx *ctx)
{
    trace("failed");
    CHECK(inngest_cancel(&m.jobs, inngest_run_id(ctx)) == INNGEST_OK);
    INNGEST_DO(ctx, "x") trace("x");
    return INNGEST_OK;
}
static bool cancels_other(void *user, const void *data, size_t size)
{
    (void)user; (void)data; (void)size;
    CHECK(inngest_cancel(&m.jobs, other_id) == INNGEST_OK);
    return false;
}
static const inngest_function inside[] = {
    { .id = "cancels", .event = "test/cancels", .handler = cancels, .on_failure = cancels_on_failure, QUICK },
    { .id = "states", .event = "test/state", .handler = states, QUICK },
    { .id = "asks", .event = "test/ask", .handler = states, .when = cancels_other, QUICK } };

static void test_cancel_inside(void)
{
    static const struct { char where; const char *trace; } cases[] = {
        { 'e', "" }, { 'b', "a" }, { 'i', "a b" }, { 'A', "a b b stop2" }, { 'R', "a b" }, { 'F', "a b" }, { 's', "a b" }, { 'q', "a b" },
        { 'r', "a b" }, { 'g', "a b" }, { 'l', "a b" }, { 'f', "a failed" } };
    unsigned i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_with(inside, 3);
        where = cases[i].where;
        SEND("test/cancels", NULL, 0);
        CHECK(machine_run(10));
        CHECK_TRACE(cases[i].trace);
        CHECK(machine_runs(NULL) == 0 && machine_ended.count == 1 && machine_ended_as(INNGEST_CANCELLED, INNGEST_CANCELLED, NULL));
        CHECK(machine_counters().runs_cancelled == 1 && machine_counters().runs_failed == 0 && machine_counters().runs_started == 1);
        machine_reboot();
        CHECK(machine_run(100000));
        CHECK_TRACE("");
        MACHINE_END();
    }
    for (i = 0; i < 4; i++) {                                     /* another run, asleep or in progress; from a handler, from a predicate */
        bool told = (i & 1) != 0;
        open_with(inside, 3);
        stop_gives = INNGEST_OK;
        SEND("test/state", i & 1 ? "a" : "s", 1);
        CHECK(machine_run(0));
        other_id = only().id;
        machine_trace[0] = 0;
        where = 'o';
        if (i & 2) SEND("test/ask", NULL, 0);
        else SEND("test/cancels", NULL, 0);
        CHECK(machine_run(0));
        CHECK_TRACE(i & 2 ? told ? "stop2" : "" : told ? "a b c stop2" : "a b c");
        CHECK(machine_runs(NULL) == 0 && machine_counters().runs_cancelled == 1);
        MACHINE_END();
    }
}

/* From hooks: nothing is begun after it. */
enum { RUN_START = 1, RUN_PAUSE, RUN_END, STEP_START, STEP_END, STEP_MEMO };
static int hook;
static void cancel_at(int now, uint64_t run)
{
    if (now != hook) return;
    CHECK(inngest_cancel(&m.jobs, run) == INNGEST_OK);
}
static void run_start(void *user, uint64_t run, const char *function) { (void)user; (void)function; trace("<"); cancel_at(RUN_START, run); }
static void run_pause(void *user, uint64_t run, inngest_status status)
{
    (void)user;
    trace("%s>", inngest_status_name(status));
    cancel_at(RUN_PAUSE, run);
}
static void run_end(void *user, const inngest_end_info *info)
{
    machine_run_end(user, info);
    trace("end:%s", inngest_status_name(info->status));
    cancel_at(RUN_END, info->id);
}
static void step_start(void *user, uint64_t run, const char *step, int attempt)
{
    (void)user;
    trace("%s/%d", step, attempt);
    cancel_at(STEP_START, run);
}
static void step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t in)
{
    (void)user; (void)in;
    trace("%s/%d:%s", step, attempt, inngest_status_name(status));
    cancel_at(STEP_END, run);
}
static void step_memo(void *user, uint64_t run, const char *step, inngest_status status)
{
    (void)user;
    trace("%s=%s", step, inngest_status_name(status));
    cancel_at(STEP_MEMO, run);
}
static const inngest_hooks hooks = { run_start, run_pause, run_end, step_start, step_end, step_memo };

/* A run of the only function, with hooks. */
static void start_with_hooks(const inngest_function *function)
{
    open_with(function, 1);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    m.config.hooks = &hooks;
    boot();
    SEND("test/x", NULL, 0);
}

static inngest_status hooked(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "a") { }
    INNGEST_DO(ctx, "b") { if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 50000, 0, ""); }
    INNGEST_DO(ctx, "c") { }
    return INNGEST_OK;
}
static const inngest_function hooked_table[] = { { .id = "hooked", .event = "test/*", .handler = hooked, QUICK } };

static void test_cancel_hooks(void)
{
    static const char *const expected[] = {
        "< a/0 a/0:OK b/0 b/0:RETRY PAUSED> < a=OK b/1 b/1:OK c/0 c/0:OK end:OK",
        "< end:CANCELLED",
        "< a/0 a/0:OK b/0 b/0:RETRY PAUSED> end:CANCELLED",
        "< a/0 a/0:OK b/0 b/0:RETRY PAUSED> < a=OK b/1 b/1:OK c/0 c/0:OK end:OK",
        "< a/0 a/0:OK end:CANCELLED",
        "< a/0 a/0:OK end:CANCELLED",
        "< a/0 a/0:OK b/0 b/0:RETRY PAUSED> < a=OK end:CANCELLED" };
    for (hook = 0; hook <= STEP_MEMO; hook++) {
        start_with_hooks(hooked_table);
        CHECK(machine_run(hook == 0 || hook == RUN_END || hook == STEP_MEMO ? 50000 : 10));
        CHECK_TRACE(expected[hook]);
        CHECK(machine_runs(NULL) == 0 && machine_ended.count == 1);
        MACHINE_END();
    }
}

/* Branches in progress are all told, and their results are kept. */
static inngest_status branches(inngest_ctx *ctx)
{
    inngest_status a, b, c;
    INNGEST_DO(ctx, "first") { }
    inngest_parallel(ctx, "group");
    a = inngest_step_run(ctx, "a", in_progress, "a", NULL, 0);
    b = inngest_step_run(ctx, "b", in_progress, "p", NULL, 0);
    INNGEST_DO_AS(c, ctx, "c") c = INNGEST_RETRY;
    INNGEST_TRY(inngest_all(ctx, &a, &b, &c));
    INNGEST_DO(ctx, "after") { }
    return INNGEST_OK;
}
static const inngest_function branch_table[] = { { .id = "branches", .event = "test/*", .handler = branches, QUICK } };

static void test_cancel_branches(void)
{
    unsigned good;
    for (good = 0; good < 2; good++) {
        hook = 0;
        start_with_hooks(branch_table);
        CHECK(machine_run(10));
        CHECK_TRACE("< first/0 first/0:OK a/0 b/0 c/0 c/0:RETRY PAUSED>");
        stop_gives = good ? INNGEST_OK : INNGEST_AGAIN;
        CHECK(inngest_cancel(&m.jobs, only().id) == INNGEST_OK);
        CHECK(machine_run(10));
        CHECK_TRACE(good ? "first=OK a/0 stop2 a/0:OK b/0 stop2 b/0:OK end:CANCELLED"
                         : "first=OK a/0 stop2 a/0:CANCELLED b/0 stop2 b/0:CANCELLED end:CANCELLED");
        CHECK(machine_runs(NULL) == 0);
        MACHINE_END();
    }
}

/* Each status has its name, and no other value has one. */
static void names(void)
{
    unsigned named = 0, with = 0;
    int value;
#define NAME(name) CHECK(strcmp(inngest_status_name(INNGEST_##name), #name) == 0); named++;
    NAME(OK) NAME(PAUSED) NAME(AGAIN) NAME(PENDING) NAME(RETRY) NAME(FAIL) NAME(BODY) NAME(STEP_FAILED)
    NAME(TIMED_OUT) NAME(LOST) NAME(CANCELLED) NAME(ERR_NOT_FOUND) NAME(ERR_TYPE) NAME(ERR_JSON) NAME(ERR_TOO_LONG)
    NAME(ERR_RANGE) NAME(ERR_DEPTH) NAME(ERR_ARGUMENT) NAME(ERR_NESTED) NAME(ERR_STEP_LEFT) NAME(ERR_STATUS)
    NAME(ERR_STEP_IDS) NAME(ERR_STEP_ID) NAME(ERR_RESULT_SIZE) NAME(ERR_RUN_BYTES) NAME(ERR_NOT_IN_STEP)
    NAME(ERR_CRASHED) NAME(ERR_INTERRUPTED) NAME(ERR_PARALLEL) NAME(ERR_RESTART) NAME(ERR_QUEUE_FULL)
    NAME(ERR_EVENT_SIZE) NAME(ERR_NAME) NAME(ERR_NOT_READY) NAME(ERR_STALE_TOKEN) NAME(ERR_JOURNAL_FULL)
    NAME(ERR_RUNS_FULL) NAME(ERR_SEEN_FULL) NAME(ERR_BUSY) NAME(ERR_MEMORY) NAME(ERR_TABLE_ID) NAME(ERR_TABLE_DOUBLE)
    NAME(ERR_TABLE_EVENT) NAME(ERR_TABLE_HANDLER) NAME(ERR_TABLE_FAN_OUT) NAME(ERR_TABLE_BYTES)
    NAME(ERR_TABLE_BACKOFF) NAME(ERR_GEOMETRY) NAME(ERR_FOREIGN) NAME(ERR_VERSION) NAME(ERR_OTHER_GEOMETRY)
    NAME(ERR_MISMATCH) NAME(ERR_READ) NAME(ERR_PROGRAM) NAME(ERR_ERASE) NAME(ERR_SYNC)
#undef NAME
    for (value = -1000; value < 1000; value++) with += inngest_status_name((inngest_status)value)[0] != 0;
    CHECK(with == named);
    CHECK(inngest_status_name((inngest_status)INT_MAX)[0] == 0 && inngest_status_name((inngest_status)INT_MIN)[0] == 0);
}

/* What is completed from outside ends with the attempt that it was, and without a start in that pass. */
static inngest_step_options with_intent;
static inngest_status answered(inngest_ctx *ctx)
{
    INNGEST_DO_WITH(ctx, "radio", &with_intent) {
        token = inngest_step_token(ctx);
        if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 1000, 1, "no");
        return INNGEST_PENDING;
    }
    return INNGEST_OK;
}
static const inngest_function answered_table[] = { { .id = "answered", .event = "test/*", .handler = answered, QUICK } };

static void test_answered_hooks(void)
{
    unsigned intent;
    for (intent = 0; intent < 2; intent++) {
        with_intent.intent = intent;
        hook = 0;
        start_with_hooks(answered_table);
        CHECK(machine_run(2000));
        CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK && machine_run(10));
        CHECK_TRACE("< radio/0 radio/0:RETRY PAUSED> < radio/1 PAUSED> < radio/1:OK end:OK");
        MACHINE_END();
    }
}

int main(void)
{
    CHECK(sizeof(inngest_counters) == 116);            /* as inngest.h says */
    names();
    test_waits();
    test_parked();
    test_ids();
    test_cancel();
    test_cancel_cut();
    test_cancel_inside();
    test_cancel_hooks();
    test_cancel_branches();
    test_answered_hooks();
    return TEST_END();
}
