/* SPDX-License-Identifier: MIT
 * The rare ways through the engine, each as the header says: sizes at their limits, ids whose hashes meet, numbers that
 * wrap, calls at odd moments, and a port that fails just there. */
#include "crc32.h"
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER, .journal_bytes = 200
#define SEND(name, data, size) CHECK(inngest_send(&m.jobs, name, data, size) == INNGEST_OK)
#define OPEN(table, block, blocks, g) open_machine(table, (uint16_t)(sizeof(table) / sizeof *(table)), block, blocks, g)
#define NOON INT64_C(1767268800000)      /* 2026-01-01T12:00:00Z */
#define HOUR 3600000u

/* ---- a port that fails from a call on ------------------------------------------------------------------------------ */

enum { READ, PROGRAM, ERASE, SYNC, CALLS };
static struct { inngest_port port; uint32_t calls[CALLS], at[CALLS], until[CALLS], busy; unsigned wakes, restarts, idles, failed; bool no_writes, done; } rig;

static int fails(int kind)
{
    uint32_t n = ++rig.calls[kind];
    bool failed = rig.at[kind] && n >= rig.at[kind] && n < rig.until[kind];
    rig.failed += failed;
    return failed ? -77 : 0;
}
static int rig_read(void *c, uint32_t at, void *to, uint32_t n) { (void)c; return fails(READ) ? -77 : m.chip.port.read(&m.chip, at, to, n); }
static int rig_program(void *c, uint32_t at, const void *from, uint32_t n)
{
    (void)c;
    if (!fails(PROGRAM)) return m.chip.port.program(&m.chip, at, from, n);
    if (rig.done) (void)m.chip.port.program(&m.chip, at, from, n);
    return -77;
}
static int rig_sync(void *c) { (void)c; return fails(SYNC); }
static int rig_erase(void *c, uint32_t at)
{
    (void)c;
    if (rig.busy) { rig.busy--; return INNGEST_PORT_BUSY; }
    return fails(ERASE) ? -77 : m.chip.port.erase(&m.chip, at);
}
static void rig_wake(void *c) { (void)c; rig.wakes++; }
static void rig_restart(void *c) { (void)c; rig.restarts++; }
static void rig_idle(void *c) { (void)c; rig.idles++; }
static bool rig_may_write(void *c) { (void)c; return !rig.no_writes; }

/* From the n-th call from now on, so many of them; n = 0: none any more. */
static void fail(int kind, uint32_t n, uint32_t count)
{
    rig.at[kind] = n ? rig.calls[kind] + n : 0;
    rig.until[kind] = n ? rig.at[kind] + count : 0;
}
#define FOR_EVER 1000000u

/* The n-th program from now on fails, and has done its work all the same. */
static void fail_done(uint32_t n)
{
    fail(PROGRAM, n, 1);
    rig.done = true;
}

static const inngest_hooks end_hook = { .run_end = machine_run_end };

static void open_machine(const inngest_function *table, uint16_t count, uint32_t block, uint32_t blocks, uint16_t g)
{
    machine_open(table, count, block, blocks, g);
    memset(&rig, 0, sizeof rig);
    memset(&machine_ended, 0, sizeof machine_ended);
    rig.port = m.chip.port;
    rig.port.context = NULL;
    rig.port.read = rig_read;
    rig.port.program = rig_program;
    rig.port.erase = rig_erase;
    rig.port.may_write = rig_may_write;
    m.config.port = &rig.port;
    m.config.hooks = &end_hook;
}

static void fill(unsigned n)           /* the journal, with TIME records */
{
    while (n-- > 0) inngest_set_wall_clock(&m.jobs, NOON + (n % 2) * 100000 + m.now, m.now);
}

static inngest_status nothing(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }
static inngest_status quick(inngest_ctx *ctx) { INNGEST_DO(ctx, "a") trace("a"); return INNGEST_OK; }

/* ---- what is sent -------------------------------------------------------------------------------------------------- */

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
static const inngest_function nothing_table[] = { { .id = "nothing", .event = "test/*", .handler = nothing, QUICK } };

static void sizes(void)
{
    char name[257], data[INNGEST_EVENT_BYTES + 1] = { 0 };
    inngest_event event = { NULL, data, 0, NULL, 0 };
    inngest_token token = { 1, 1 };
    unsigned i;
    OPEN(nothing_table, 1024, 4, 4);
    rig.port.wake = rig_wake;
    machine_reboot();
    CHECK(inngest_send(&m.jobs, FIFTY FIFTY FIFTY, data, 0) == INNGEST_ERR_EVENT_SIZE);
    CHECK(inngest_send(&m.jobs, "", data, 0) == INNGEST_ERR_NAME);
    CHECK(inngest_send(&m.jobs, "inngest/x", data, 0) == INNGEST_ERR_NAME);
    CHECK(inngest_send(&m.jobs, "test/a\0b", data, INNGEST_EVENT_BYTES - 7) == INNGEST_ERR_NAME);
    CHECK(inngest_send(&m.jobs, "test/12", data, INNGEST_EVENT_BYTES - 6) == INNGEST_ERR_EVENT_SIZE);
    CHECK(rig.wakes == 0);
    CHECK(inngest_send(&m.jobs, "industry", data, 1) == INNGEST_OK && rig.wakes == 1);
    CHECK(inngest_send(&m.jobs, "test/12", data, INNGEST_EVENT_BYTES - 7) == INNGEST_OK && rig.wakes == 2);
    memset(name, 'n', 256);
    name[256] = 0;
    event.name = name;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_EVENT_SIZE);
    event.name = "test/x";
    event.size = sizeof data;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_EVENT_SIZE);
    event.size = INNGEST_EVENT_BYTES - 6;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && rig.wakes == 3);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, data, 1) == INNGEST_OK && rig.wakes == 4);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, data, INNGEST_EVENT_BYTES + 1) == INNGEST_ERR_RESULT_SIZE);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, data, INNGEST_RESULT_BYTES + 1) == INNGEST_ERR_RESULT_SIZE);
    CHECK(machine_counters().refused_name == 3 && machine_counters().refused_size == 6);
    rig.port.wake = NULL;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && inngest_complete(&m.jobs, token, INNGEST_OK, data, 1) == INNGEST_OK);
    for (i = 6; i < MACHINE_EVENTS - 1; i++) SEND("test/1", data, 1);
    CHECK(inngest_send(&m.jobs, "test/1", data, 1) == INNGEST_ERR_QUEUE_FULL);          /* the last one is kept for completions */
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, data, 1) == INNGEST_OK);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, data, 1) == INNGEST_ERR_QUEUE_FULL);
    CHECK(machine_counters().refused_full == 2);
    CHECK(machine_run(100) && machine_counters().runs_ended == 3 + MACHINE_EVENTS - 7 && machine_counters().stale_tokens == 3);
    for (i = 0; i < 8; i++) {                          /* one letter away from the library's own names */
        char own[] = "inngest/x";
        own[i] = '_';
        event.name = own;
        event.size = 0;
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK);
    }
    event.name = "inngest/";
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_NAME);
    CHECK(machine_run(100) && machine_counters().unmatched == 1 + 8);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    MACHINE_END();
}

static uint32_t fnv(const char *text)
{
    uint32_t hash = 2166136261u;
    while (*text) hash = (hash ^ (uint8_t)*text++) * 16777619u;
    return hash;
}

/* Two event ids share the first half of their hash; a step's id hashes to 0. */
static const char *zero_id = "61705194";
static inngest_status zero_step(inngest_ctx *ctx)
{
    uint8_t value;
    INNGEST_STEP(ctx, zero_id, value) { value = 7; trace("zero"); }
    CHECK(value == 7);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    INNGEST_DO(ctx, "b") trace("b");
    return INNGEST_OK;
}
/* No two turns of a step are one, also where their numbers come by 0; nor is one that of an id whose hash is 1. */
static const char *turns_id, *other_id;
static inngest_status zero_turns(inngest_ctx *ctx)
{
    static char keys[3][INNGEST_KEY_SIZE];
    uint8_t value, i, k;
    for (i = 0; i < 3; i++) {
        INNGEST_STEP(ctx, turns_id, value) {
            value = i;
            inngest_idempotency_key(ctx, keys[i]);
            for (k = 0; k < i; k++) CHECK(strcmp(keys[k], keys[i]) != 0);
            trace("turn");
        }
        CHECK(value == i);
        INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    }
    INNGEST_DO(ctx, other_id) trace("other");
    return INNGEST_OK;
}
static const inngest_function zero_table[] = { { .id = "zero", .event = "zero", .handler = zero_step, QUICK },
                                               { .id = "turns", .event = "turns", .handler = zero_turns, QUICK },
                                               { .id = "nothing", .event = "test/*", .handler = nothing, QUICK } };

static void hashes(void)
{
    static const char *const ids[] = { "dbuns5", "awgynm" };
    unsigned boots, i;
    CHECK(fnv(ids[0]) == fnv(ids[1]) && (fnv(zero_id) & 0xFFFFFF) == 0);
    OPEN(zero_table, 1024, 4, 4);
    machine_reboot();
    for (boots = 0; boots < 2; boots++) {
        for (i = 0; i < 2; i++) {
            inngest_event event = { "test/1", NULL, 0, NULL, 0 };
            event.id = ids[i];
            CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
        }
        CHECK(machine_counters().events == (boots ? 0 : 2) && machine_counters().duplicates == (boots ? 2 : 0));
        machine_reboot();
    }
    SEND("zero", "", 0);
    CHECK(machine_run(500));
    machine_reboot();
    CHECK(machine_run(1000));
    CHECK_TRACE("zero b");
    for (i = 0; i < 4; i++) {
        static const char *const last[] = { "22126557", "42355197" };     /* whose hash is the last one; 1 */
        turns_id = i % 2 ? last[0] : zero_id;
        other_id = i < 2 ? "other" : last[1];
        CHECK((fnv(last[0]) & 0xFFFFFF) == 0xFFFFFF && (fnv(last[1]) & 0xFFFFFF) == 1);
        SEND("turns", "", 0);
        CHECK(machine_run(10000) && machine_runs(NULL) == 0);
        CHECK(machine_counters().runs_failed == (i < 2 ? 0 : i - 1));
        CHECK_TRACE(i < 2 ? "turn turn turn other" : "turn turn turn");
    }
    MACHINE_END();
}

/* Ids that share half a hash, while programs fail for so long that reclaim uses up its block and starts over: both stay
 * known, in this boot and the next. */
static void ids_survive(void)
{
    static const char *const ids[] = { "dbuns5", "awgynm" };
    inngest_event event = { "test/1", NULL, 0, NULL, 0 };
    unsigned at, count, i, boots;
    for (count = 10; count < 60; count += 8)
        for (at = 40; at < 90; at++) {
            OPEN(nothing_table, 1024, 3, 4);
            machine_reboot();
            for (i = 0; i < 2; i++) {
                event.id = ids[i];
                CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
            }
            fail(PROGRAM, at, count);
            fill(200);
            fail(PROGRAM, 0, 0);
            for (boots = 0; boots < 2; boots++) {
                if (boots) machine_reboot();
                for (i = 0; i < 2; i++) {
                    event.id = ids[i];
                    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1000));
                }
                CHECK(machine_counters().duplicates == 2 && machine_counters().events == (boots ? 0 : 2));
            }
            MACHINE_END();
            if (test_failed) { printf("  %u programs from %u on\n", count, at); return; }
        }
}

/* An id is forgotten a day later: reclaim does not carry it, and the event starts a run again. */
static void ids_expire(void)
{
    inngest_event event = { "test/1", NULL, 0, "one", 0 };
    uint32_t carried;
    OPEN(nothing_table, 512, 6, 4);
    machine_reboot();
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
    fill(100);
    carried = machine_counters().carried;
    CHECK(carried > 0);
    CHECK(machine_run(INNGEST_SEEN_MS));
    fill(100);
    CHECK(machine_counters().carried < 2 * carried);
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1) && machine_counters().events == 2);
    MACHINE_END();
}

/* ---- in one round --------------------------------------------------------------------------------------------------- */

static uint64_t first_id;
static unsigned listed;
static inngest_status stepper(inngest_ctx *ctx)
{
    first_id = inngest_run_id(ctx);
    INNGEST_DO(ctx, "one") trace("one");
    INNGEST_DO(ctx, "two") trace("two");
    return INNGEST_OK;
}
static inngest_status meddler(inngest_ctx *ctx)
{
    inngest_run_info info;
    uint32_t cursor = 0;
    while (inngest_next_run(&m.jobs, &cursor, &info))
        if (info.id == first_id) listed += info.wait == INNGEST_WAIT_NONE && info.deadline_in_ms == 0;
    CHECK(inngest_cancel(&m.jobs, first_id) == INNGEST_OK);
    return inngest_run_id(ctx) ? INNGEST_OK : INNGEST_FAIL;
}
static const inngest_function round_table[] = { { .id = "stepper", .event = "r/step", .handler = stepper, QUICK },
                                                { .id = "meddler", .event = "r/cancel", .handler = meddler, QUICK } };

/* A run had its pass in this round and has more to do; another one of the same round lists it, and cancels it. */
static void rounds(void)
{
    OPEN(round_table, 2048, 4, 4);
    rig.port.sync = rig_sync;
    machine_reboot();
    listed = 0;
    SEND("r/step", "", 0);
    SEND("r/cancel", "", 0);
    CHECK(machine_run(10));
    CHECK_TRACE("one");
    CHECK(listed == 1 && machine_counters().runs_cancelled == 1 && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* A tick of a run that is alone does no more than its limit says; a replay of many steps, more than are remembered on
 * the way, reads each of them a few times (24, with what lies ahead of it, where none are remembered) and calls none again. */
#define MANY 600u
static unsigned bodies;
static inngest_status many_steps(inngest_ctx *ctx)
{
    unsigned i;
    for (i = 0; i < MANY; i++) {
        uint16_t value;
        INNGEST_STEP(ctx, "s", value) { bodies++; value = (uint16_t)(i * 3); }
        CHECK(value == (uint16_t)(i * 3));
    }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000));
    INNGEST_DO(ctx, "last") trace("last");
    return INNGEST_OK;
}
static const inngest_function many_table[] = { { .id = "many", .event = "many", .handler = many_steps, .journal_bytes = 24 * MANY } };

static void long_replay(void)
{
    uint32_t reads;
    unsigned ticks, before;
    OPEN(many_table, 16384, 4, 4);
    rig.port.sync = rig_sync;
    machine_reboot();
    SEND("many", "", 0);
    for (ticks = bodies = 0; bodies < MANY && ticks < MANY; ticks++) {
        before = bodies;
        (void)machine_tick();
        CHECK(bodies - before <= INNGEST_TICK_PASSES && (!INNGEST_SYNC_ALONE || ticks || bodies == INNGEST_TICK_PASSES));
    }
    CHECK(machine_run(100) && machine_runs(NULL) == 1);
    machine_reboot();
    reads = rig.calls[READ];
    CHECK(machine_run(6000));
    CHECK_TRACE("last");
    CHECK(bodies == MANY && rig.calls[READ] - reads < (INNGEST_TRAIL_STEPS ? 12 : 30) * MANY);
    MACHINE_END();
}

/* ---- handlers and bodies that do what they should not ------------------------------------------------------------- */

static inngest_status leave(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    return inngest_step_close_(ctx, INNGEST_OK);
}
static uint8_t buffer[INNGEST_RESULT_BYTES + 1];
static inngest_status saver(inngest_ctx *ctx, const void *arg, void *result)
{
    const char *how = arg;
    uint8_t two[2];
    inngest_status status = INNGEST_OK;
    (void)result;
    if (*how == 'n') status = inngest_step_save(ctx, NULL, 1);
    if (inngest_step_load(ctx, NULL, 0) != INNGEST_OK) return INNGEST_FAIL;      /* there is none, and it fits */
    if (*how == 'l') status = inngest_step_load(ctx, NULL, 1);
    if (*how == 'b') status = inngest_step_save(ctx, buffer, sizeof buffer);
    if (*how == 's') {
        CHECK(inngest_step_sleep(ctx, "inner", 1) == INNGEST_ERR_NESTED);
        status = inngest_step_save(ctx, buffer, 1);
    }
    if (*how == 'o') {
        INNGEST_TRY(inngest_step_save(ctx, NULL, 0));
        INNGEST_TRY(inngest_step_save(ctx, "a", 1));
        INNGEST_TRY(inngest_step_save(ctx, "ab", 2));
        INNGEST_TRY(inngest_step_load(ctx, two, 2));
        CHECK(memcmp(two, "ab", 2) == 0);
        INNGEST_TRY(inngest_step_load(ctx, NULL, 0) == INNGEST_ERR_TOO_LONG ? INNGEST_OK : INNGEST_FAIL);
    }
    return status;
}

static inngest_status bodily(inngest_ctx *ctx, const void *arg, void *result) { (void)ctx; (void)arg; (void)result; return INNGEST_BODY; }

static unsigned decided;
static inngest_status odd(inngest_ctx *ctx)
{
    char how = 0, text[8];
    inngest_status a = INNGEST_PAUSED, b = INNGEST_PAUSED;
    INNGEST_TRY(inngest_event_data(ctx, &how, 1));
    switch (how) {
    case 'c': return inngest_step_close_(ctx, INNGEST_OK);                 /* no step is open */
    case 'C': (void)!inngest_step_run(ctx, "s", leave, NULL, NULL, 0); break;
    case 'n': case 'l': case 'b': case 's': case 'o': (void)!inngest_step_run(ctx, "s", saver, &how, NULL, 0); break;
    case 'e': (void)!inngest_step_send(ctx, "s", NULL, NULL, 0); break;
    case 'E': (void)!inngest_step_send(ctx, "s", "inngest/x", NULL, 0); break;
    case 'p': inngest_parallel(ctx, NULL); break;
    case 'P':                                                              /* a forgotten check in front of it */
        (void)!inngest_step_sleep(ctx, "nap", 1000);
        inngest_parallel(ctx, "g");
        return inngest_all(ctx, &a, &b);
    case 'x':                                                              /* in a group a body is left, and forgotten */
        inngest_parallel(ctx, "g");
        INNGEST_DO_AS(a, ctx, "one") { trace("x"); break; }
        return inngest_all(ctx, &a, &b);
    case 'y':                                                              /* a branch is well, another is a mistake */
        inngest_parallel(ctx, "g");
        INNGEST_DO_AS(a, ctx, "one") trace("y");
        b = inngest_step_sleep(ctx, NULL, 1);
        return inngest_any(ctx, &a, &b);
    case 'r':                                                              /* a branch is left by return, inline */
        inngest_parallel(ctx, "g");
        INNGEST_DO(ctx, "one") { if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 1000, 1, "no"); }
        a = inngest_step_sleep(ctx, "nap", 500);
        return inngest_all(ctx, &a);
    case 'q':                                                              /* any is decided; then a firmware with all, and a mistake */
        inngest_parallel(ctx, "g");
        INNGEST_DO_AS(a, ctx, "one") { }
        b = INNGEST_LOST;
        if (decided++ < 1) return inngest_any(ctx, &a, &b);
        b = inngest_step_sleep(ctx, NULL, 1);
        return inngest_all(ctx, &a, &b);
    case 'B':                                                              /* a body is left by return, with what says that it runs */
        INNGEST_DO(ctx, "one") { trace("one"); return INNGEST_BODY; }
        trace("rest");
        break;
    case 'z': return INNGEST_PAUSED;                                       /* for nothing */
    case 'k': return INNGEST_STEP_FAILED;                                  /* no step did */
    case 'm':                                                              /* done, and then a firmware without its body */
        INNGEST_TRY(inngest_step_run(ctx, "s", decided++ ? NULL : saver, &how, NULL, 0));
        return inngest_step_sleep(ctx, "nap", 1000);
    case 'M': return inngest_step_run(ctx, "s", NULL, NULL, NULL, 0);
    case 'Y': return inngest_step_run(ctx, "s", bodily, NULL, NULL, 0);
    case 'Z':                                                              /* for a branch, before the group is closed */
        inngest_parallel(ctx, "g");
        INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
        a = inngest_step_sleep(ctx, "nap2", 1);
        return inngest_all(ctx, &a);
    case 'd':
        CHECK(inngest_event_data(ctx, NULL, 1) == INNGEST_ERR_ARGUMENT && inngest_event_data(ctx, NULL, 0) == INNGEST_ERR_TOO_LONG);
        CHECK(inngest_event_name(ctx, NULL, 1) == INNGEST_ERR_ARGUMENT && inngest_event_name(ctx, text, 0) == INNGEST_ERR_ARGUMENT);
        CHECK(inngest_event_name(ctx, text, 3) == INNGEST_ERR_TOO_LONG && inngest_event_size(ctx) == 1);
        break;
    case 't':                                                              /* its own words stay, though a reader fails behind them */
        (void)!inngest_retry(ctx, 5, "mine");
        CHECK(inngest_event_string(ctx, "data.none", text, sizeof text) != INNGEST_OK);
        CHECK(strcmp(inngest_error(ctx)->message, "mine") == 0);
        return INNGEST_FAIL;
    default: break;
    }
    return INNGEST_OK;
}
static const inngest_function odd_table[] = { { .id = "odd", .event = "test/*", .handler = odd, .max_attempts = 2, QUICK } };

static void oddities(void)
{
    static const struct { char how; inngest_status ends, why; } all[] = {
        { 'c', INNGEST_FAIL, INNGEST_ERR_STEP_LEFT }, { 'C', INNGEST_FAIL, INNGEST_ERR_STEP_LEFT }, { 'n', INNGEST_FAIL, INNGEST_ERR_ARGUMENT },
        { 'l', INNGEST_FAIL, INNGEST_ERR_ARGUMENT }, { 'b', INNGEST_FAIL, INNGEST_ERR_RESULT_SIZE }, { 's', INNGEST_FAIL, INNGEST_ERR_NESTED },
        { 'o', INNGEST_OK, INNGEST_OK }, { 'e', INNGEST_FAIL, INNGEST_ERR_NAME }, { 'E', INNGEST_FAIL, INNGEST_ERR_NAME },
        { 'p', INNGEST_FAIL, INNGEST_ERR_STEP_ID }, { 'P', INNGEST_OK, INNGEST_OK }, { 'x', INNGEST_FAIL, INNGEST_ERR_STEP_LEFT },
        { 'y', INNGEST_FAIL, INNGEST_ERR_STEP_ID }, { 'z', INNGEST_FAIL, INNGEST_ERR_STATUS }, { 'k', INNGEST_FAIL, INNGEST_STEP_FAILED },
        { 'm', INNGEST_OK, INNGEST_OK }, { 'M', INNGEST_FAIL, INNGEST_ERR_ARGUMENT }, { 'Y', INNGEST_FAIL, INNGEST_ERR_STATUS }, { 'Z', INNGEST_OK, INNGEST_OK },
        { 'd', INNGEST_OK, INNGEST_OK }, { 't', INNGEST_FAIL, INNGEST_FAIL },
        { 'r', INNGEST_OK, INNGEST_OK }, { 'q', INNGEST_FAIL, INNGEST_ERR_STEP_ID }, { 'B', INNGEST_OK, INNGEST_OK } };
    unsigned i;
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        OPEN(odd_table, 1024, 4, 4);
        decided = 0;
        machine_reboot();
        SEND("test/odd", &all[i].how, 1);
        CHECK(machine_run(1));
        if (all[i].how == 'P') { CHECK(machine_runs(NULL) == 1); CHECK(inngest_cancel(&m.jobs, ((uint64_t)0)) == INNGEST_ERR_NOT_FOUND); MACHINE_END(); machine_trace[0] = 0; continue; }
        CHECK(machine_run(5000) && machine_runs(NULL) == 0);
        if (!machine_ended_as(all[i].ends, all[i].why, NULL)) { CHECK(false); printf("  at %c\n", all[i].how); }
        if (all[i].how == 'B') CHECK(strcmp(machine_trace, "one rest") == 0);       /* that is no end of the handler */
        machine_trace[0] = 0;
        MACHINE_END();
    }
    for (i = 1; i < 12; i++) {                                             /* where nothing can be written for a while */
        OPEN(odd_table, 1024, 4, 4);
        machine_reboot();
        SEND("test/odd", "r", 1);
        fail(PROGRAM, i, 4);
        CHECK(machine_run(20000) && machine_runs(NULL) == 0 && machine_counters().runs_failed == 0);
        MACHINE_END();
    }
}

/* ---- steps in progress ---------------------------------------------------------------------------------------------- */

static inngest_token tokens[8];
static unsigned calls[8], token_count;
static bool gone;                      /* the handler no longer comes by its steps */
static inngest_status by_letter(inngest_ctx *ctx, const void *arg, void *result)
{
    const char *how = arg;
    (void)result;
    calls[0]++;
    switch (*how) {
    case 'a': return calls[0] < 60 && inngest_step_calls(ctx) < 3 ? inngest_again(ctx, 100) : INNGEST_OK;
    case '0': return inngest_step_calls(ctx) < 3 ? inngest_again(ctx, 0) : INNGEST_OK;
    case '9': return inngest_step_calls(ctx) < 1 ? inngest_again(ctx, 100) : INNGEST_OK;
    case 'P': return INNGEST_PAUSED;                                       /* as if its progress could not be saved */
    case 'f': return inngest_stop_reason(ctx) == INNGEST_STOP_TIMEOUT ? inngest_fail(ctx, 9, "late") : INNGEST_PENDING;
    case 't': return inngest_stop_reason(ctx) == INNGEST_STOP_TIMEOUT ? inngest_retry(ctx, 8, "slow") : inngest_again(ctx, UINT32_MAX);
    case 'w': return inngest_step_calls(ctx) ? INNGEST_OK : inngest_again(ctx, UINT32_MAX);
    case 'p':
        tokens[token_count++ % 8] = inngest_step_token(ctx);
        (void)!inngest_again(ctx, 100);                                    /* PENDING is what counts */
        return INNGEST_PENDING;
    case 'T':
        tokens[token_count++ % 8] = inngest_step_token(ctx);
        return inngest_again(ctx, 100000);
    case 'n': return INNGEST_OK;
    default: return INNGEST_FAIL;
    }
}
static inngest_status long_job(inngest_ctx *ctx)
{
    static const inngest_step_options timed = { .timeout_ms = 500 }, intent = { .intent = true };
    char how = 0;
    inngest_status a, b, c, d;
    INNGEST_TRY(inngest_event_data(ctx, &how, 1));
    if (gone) return INNGEST_OK;
    switch (how) {
    case 'g':
        inngest_parallel(ctx, "g");
        a = inngest_step_run(ctx, "p", by_letter, "p", NULL, 0);
        b = inngest_step_run(ctx, "w", by_letter, "w", NULL, 0);
        c = inngest_step_sleep(ctx, "nap", 500);
        INNGEST_TRY(inngest_all(ctx, &a, &b, &c));
        break;
    case '4':
        inngest_parallel(ctx, "g");
        a = inngest_step_run(ctx, "1", by_letter, "p", NULL, 0);
        b = inngest_step_run(ctx, "2", by_letter, "p", NULL, 0);
        c = inngest_step_run(ctx, "3", by_letter, "p", NULL, 0);
        d = inngest_step_run(ctx, "4", by_letter, "p", NULL, 0);
        INNGEST_TRY(inngest_all(ctx, &a, &b, &c, &d));
        break;
    case 'i': case 'I':
        INNGEST_DO(ctx, "inline") {
            if (inngest_stop_reason(ctx) == INNGEST_STOP_NONE) return INNGEST_PENDING;
            trace("stop");
            return how == 'i' ? INNGEST_RETRY : INNGEST_OK;
        }
        break;
    case 'n': INNGEST_TRY(inngest_step_run_with(ctx, "long", &intent, by_letter, &how, NULL, 0)); break;
    case 'f': case 't': INNGEST_TRY(inngest_step_run_with(ctx, "long", &timed, by_letter, &how, NULL, 0)); break;
    default: INNGEST_TRY(inngest_step_run(ctx, "long", by_letter, &how, NULL, 0)); break;
    }
    trace("%c", how);
    return INNGEST_OK;
}
static const inngest_function long_table[] = { { .id = "long", .event = "test/*", .handler = long_job, .max_attempts = 1, QUICK } };

static void open_long(char how)
{
    OPEN(long_table, 4096, 4, 4);
    memset(calls, 0, sizeof calls);
    token_count = 0;
    gone = false;
    machine_reboot();
    if (how) SEND("test/x", &how, 1);
    CHECK(machine_run(0));
}

static void long_steps(void)
{
    unsigned i;
    open_long(0);                                    /* one more than there are places */
    for (i = 0; i <= INNGEST_ACTIVE_STEPS; i++) SEND("test/x", "a", 1);
    CHECK(machine_run(50));
    {
        uint32_t cursor = 0;
        inngest_run_info info;
        for (i = 0; inngest_next_run(&m.jobs, &cursor, &info);) i += info.wait == INNGEST_WAIT_ROOM;
        CHECK(i == 1 && machine_runs(NULL) == INNGEST_ACTIVE_STEPS + 1);
    }
    CHECK(machine_run(2000) && machine_runs(NULL) == 0 && machine_counters().runs_failed == 0);
    CHECK_TRACE("a a a a a");
    MACHINE_END();
    open_long('g');
    CHECK(token_count == 1 && calls[0] == 2);
    CHECK(machine_run(600) && token_count == 1 && calls[0] == 2);           /* the sleep over, neither is called again */
    inngest_wake(&m.jobs);
    CHECK(machine_run(10) && token_count == 1 && calls[0] == 3);
    CHECK(inngest_complete(&m.jobs, tokens[0], INNGEST_OK, NULL, 0) == INNGEST_OK);
    CHECK(inngest_complete(&m.jobs, tokens[0], INNGEST_OK, NULL, 0) == INNGEST_OK);     /* twice */
    CHECK(machine_run(10) && machine_counters().stale_tokens == 1);
    tokens[0].run = 0;                               /* no token of ours */
    CHECK(inngest_complete(&m.jobs, tokens[0], INNGEST_OK, NULL, 0) == INNGEST_OK);
    CHECK(machine_run(10) && machine_counters().stale_tokens == 2);
    CHECK_TRACE("g");
    MACHINE_END();
    open_long('p');                                  /* a place that was given up while its step was pending */
    CHECK(inngest_cancel(&m.jobs, (uint64_t)0x788d548f << 32 | 1) == INNGEST_OK && machine_run(10));
    tokens[0].run = 0;
    CHECK(inngest_complete(&m.jobs, tokens[0], INNGEST_OK, NULL, 0) == INNGEST_OK);
    CHECK(machine_run(10) && machine_counters().stale_tokens == 1 && machine_runs(NULL) == 0);
    MACHINE_END();
    machine_trace[0] = 0;
    open_long('0');
    CHECK(machine_run(10) && calls[0] == 4);
    CHECK_TRACE("0");
    MACHINE_END();
    open_long(0);                                    /* called again when the low half of the time is all ones: that means never */
    m.now = INT32_MAX;
    CHECK(machine_tick() == UINT32_MAX);
    m.now = UINT32_MAX - 100;
    SEND("test/x", "9", 1);
    CHECK(machine_run(50) && calls[0] == 1);
    CHECK(machine_run(50) && calls[0] == 2);
    CHECK_TRACE("9");
    MACHINE_END();
    open_long('T');                                  /* completed sooner than it is looked at again */
    CHECK(inngest_complete(&m.jobs, tokens[0], INNGEST_OK, NULL, 0) == INNGEST_OK && machine_run(10) && calls[0] == 1);
    CHECK_TRACE("T");
    MACHINE_END();
    open_long('4');                                  /* no place for a step that must be known to have begun */
    SEND("test/x", "n", 1);
    CHECK(machine_run(5000) && calls[0] == 4 && machine_runs(NULL) == 2);
    CHECK(inngest_complete(&m.jobs, tokens[0], INNGEST_OK, NULL, 0) == INNGEST_OK && machine_run(10) && calls[0] == 5 && machine_runs(NULL) == 1);
    CHECK_TRACE("n");
    MACHINE_END();
    open_long('P');
    CHECK(calls[0] == 1 && machine_ended_as(INNGEST_FAIL, INNGEST_ERR_STATUS, NULL));
    MACHINE_END();
    open_long('f');
    CHECK(machine_run(600) && machine_ended_as(INNGEST_FAIL, INNGEST_TIMED_OUT, "late") && machine_ended.error.code == 9);
    MACHINE_END();
    open_long('t');
    CHECK(machine_run(600) && machine_ended_as(INNGEST_FAIL, INNGEST_TIMED_OUT, "slow") && machine_ended.error.code == 8);
    MACHINE_END();
    for (i = 0; i < 2; i++) {                        /* cancelled; the second time under a handler that does not come by its steps */
        open_long('4');
        CHECK(token_count == 4);
        gone = i == 1;
        CHECK(inngest_cancel(&m.jobs, (uint64_t)0x788d548f << 32 | 1) == INNGEST_OK && machine_run(10));
        CHECK(machine_runs(NULL) == 0 && machine_ended_as(INNGEST_CANCELLED, INNGEST_CANCELLED, NULL));
        gone = false;
        SEND("test/x", "4", 1);                      /* the places are free */
        CHECK(machine_run(10) && machine_runs(NULL) == 1 && inngest_step_calls != NULL);
        MACHINE_END();
    }
    for (i = 0; i < 2; i++) {
        open_long(i ? 'I' : 'i');
        CHECK(inngest_cancel(&m.jobs, (uint64_t)0x788d548f << 32 | 1) == INNGEST_OK && machine_run(10));
        CHECK_TRACE("stop");                         /* called once more, though it is left by returning OK */
        CHECK(machine_runs(NULL) == 0 && machine_ended_as(INNGEST_CANCELLED, INNGEST_CANCELLED, NULL));
        MACHINE_END();
    }
}

/* A body ran; twice, if its result could not be written. */
static bool seen_once(const char *what)
{
    size_t n = strlen(what);
    bool good = strncmp(machine_trace, what, n) == 0 && (machine_trace[n] == 0 || (rig.failed && strcmp(machine_trace + n + 1, what) == 0));
    if (!good) printf("  expected: %s\n  got:      %s\n", what, machine_trace);
    machine_trace[0] = 0;
    return good;
}

/* ---- after a crash: one run at a time ------------------------------------------------------------------------------- */

static unsigned woke, pended;          /* more than once, if the end could not be written */
static inngest_status sleeper(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 3 * (int64_t)HOUR));
    woke++;
    return INNGEST_OK;
}
static inngest_status pender(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "p") { tokens[0] = inngest_step_token(ctx); return INNGEST_PENDING; }
    pended++;
    return INNGEST_OK;
}
static const inngest_function sleep_table[] = { { .id = "sleeper", .event = "test/*", .handler = sleeper, QUICK },
                                                { .id = "pender", .event = "pend", .handler = pender, QUICK } };


static bool fail_now;
static inngest_status poll_body(inngest_ctx *ctx, const void *arg, void *result) { (void)arg; (void)result; return inngest_again(ctx, 100); }
static inngest_status poller(inngest_ctx *ctx)
{
    if (fail_now) return INNGEST_FAIL;
    INNGEST_TRY(inngest_step_run(ctx, "poll", poll_body, NULL, NULL, 0));
    return INNGEST_OK;
}
static inngest_status failed(inngest_ctx *ctx) { INNGEST_DO(ctx, "f") trace("failed"); return INNGEST_OK; }
static const inngest_function alone_table[] = { { .id = "poller", .event = "p/poll", .handler = poller, .on_failure = failed, QUICK },
                                                { .id = "quick", .event = "p/quick", .handler = quick, QUICK } };

static uint64_t open_alone(bool sync)
{
    inngest_run_info info;
    OPEN(alone_table, 2048, 4, 4);
    rig.port.sync = sync ? rig_sync : NULL;
    fail_now = false;
    machine_reboot();
    SEND("p/poll", "", 0);
    SEND("p/quick", "", 0);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK && machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    CHECK(machine_run(100));
    CHECK_TRACE("");                                 /* the other one waits */
    CHECK(machine_runs(&info) == 2);
    return info.id;
}

static void alone(void)
{
    unsigned i, sync;
    uint64_t id = open_alone(false);
    inngest_run_info info;
    uint32_t cursor = 0, next, records[2];
    m.now += 100;
    CHECK(inngest_send(&m.jobs, "none", "", 0) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
    inngest_set_wall_clock(&m.jobs, NOON, m.now);     /* time goes on: both are due now */
    CHECK(inngest_next_run(&m.jobs, &cursor, &info) && info.id == id && info.wait == INNGEST_WAIT_STEP);
    CHECK(inngest_next_run(&m.jobs, &cursor, &info) && info.wait == INNGEST_WAIT_SUSPECT);
    CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK && machine_run(100));
    CHECK_TRACE("a");
    CHECK(machine_runs(NULL) == 0 && machine_counters().runs_cancelled == 1);
    MACHINE_END();
    for (i = 1; i < 5; i++) {                        /* the other one is cancelled, and its end cannot be written at first */
        id = open_alone(true);
        cursor = 0;
        while (inngest_next_run(&m.jobs, &cursor, &info) && info.id == id) { }
        CHECK(info.wait == INNGEST_WAIT_SUSPECT && inngest_cancel(&m.jobs, info.id) == INNGEST_OK);
        fail(PROGRAM, i, 3);
        for (next = 0; next < 60; next++) { m.now += 100; (void)machine_tick(); }
        CHECK(machine_runs(&info) == 1 && info.id == id);
        CHECK_TRACE("");
        MACHINE_END();
    }
    for (i = 1; i < 5; i++) {                        /* the record that says which run is alone cannot be synced */
        (void)open_alone(true);
        CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
        fail(SYNC, i, 1);
        CHECK(machine_run(100));
        if (rig.failed) CHECK(machine_tick() == UINT32_MAX && inngest_close(&m.jobs) == INNGEST_ERR_SYNC);
        fail(SYNC, 0, 0);
        machine_reboot();
        CHECK(machine_run(100) && machine_runs(NULL) == 1);
        CHECK_TRACE("a");
        MACHINE_END();
    }
    (void)open_alone(false);                         /* alone for long enough it is no suspect any more: nothing is written ahead of its passes */
    CHECK(machine_run(INNGEST_SUSPECT_MS + 1000));
    next = machine_counters().records;
    CHECK(machine_run(20000) && machine_counters().records - next <= 1);
    machine_trace[0] = 0;
    MACHINE_END();
    for (i = 0; i < 2; i++) {                        /* nor once it has written that it sleeps */
        OPEN(sleep_table, 2048, 4, 4);
        machine_reboot();
        SEND("test/1", "", 0);
        CHECK(inngest_flush(&m.jobs) == INNGEST_OK && machine_boot(i ? INNGEST_RESET_CRASH : INNGEST_RESET_POWER_ON) == INNGEST_OK);
        CHECK(machine_run(100) && machine_runs(NULL) == 1);
        next = machine_counters().records;
        CHECK(machine_run(3 * HOUR) && machine_runs(NULL) == 0);
        records[i] = machine_counters().records - next;
        MACHINE_END();
    }
    CHECK(records[0] == records[1]);
    id = open_alone(false);                          /* its handler fails */
    fail_now = true;
    CHECK(machine_run(1000) && machine_runs(NULL) == 0);
    CHECK(strcmp(machine_trace, "failed a") == 0 || strcmp(machine_trace, "a failed") == 0);
    machine_trace[0] = 0;
    MACHINE_END();
    for (sync = 0; sync < 2; sync++)
        for (i = 1; i < 4; i++) {                    /* it has been alone for long enough, and that cannot be written */
            id = open_alone(sync);
            CHECK(machine_run(INNGEST_SUSPECT_MS - 250));
            CHECK_TRACE("");
            m.now += 200;
            fail(PROGRAM, i, 2);
            for (next = 0; next < 30; next++) { m.now += 100; (void)machine_tick(); }
            CHECK(seen_once("a"));
            CHECK(machine_runs(&info) == 1 && info.id == id);
            MACHINE_END();
        }
}

/* A predicate, and the first pass, after a crash: the record that goes before them cannot be written at first. */
static bool wants(void *user, const void *data, size_t size) { (void)user; (void)data; (void)size; return true; }
static const inngest_function when_table[] = { { .id = "when", .event = "test/*", .handler = quick, .when = wants, QUICK },
                                               { .id = "sends", .event = "send", .handler = nothing, QUICK } };
static void crash_records(void)
{
    unsigned kind, at, clean, ticks;
    for (clean = 0; clean < 2; clean++)
        for (kind = PROGRAM; kind <= SYNC; kind++)
            for (at = 1; at < 8; at++) {
                OPEN(when_table, 1024, 8, 4);
                rig.port.sync = rig_sync;
                machine_reboot();
                SEND("test/1", "", 0);
                CHECK(machine_run(10));
                CHECK_TRACE("a");
                if (clean) CHECK(inngest_close(&m.jobs) == INNGEST_OK);
                CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
                SEND("test/2", "", 0);
                fail((int)kind, at, 1);
                for (ticks = 0; ticks < 5; ticks++) { (void)machine_tick(); m.now += 1000; }
                if (kind == SYNC && rig.failed) {
                    CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_SYNC);
                    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK && machine_run(10));
                    if (machine_counters().events == 0 && machine_trace[0] == 0) { SEND("test/2", "", 0); CHECK(machine_run(10)); }
                }
                CHECK(seen_once("a"));
                CHECK(machine_runs(NULL) == 0);
                MACHINE_END();
            }
}

/* ---- a port that fails just there ------------------------------------------------------------------------------------ */

static inngest_status restarter(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "before") trace("before");
    INNGEST_TRY(inngest_step_restart(ctx, "restart"));
    INNGEST_DO(ctx, "after") trace("after");
    return INNGEST_OK;
}
static const inngest_function restart_table[] = { { .id = "restarter", .event = "test/*", .handler = restarter, QUICK } };

static void restarts(void)
{
    unsigned kind, at, sync, ticks;
    for (sync = 0; sync < 2; sync++)
        for (kind = PROGRAM; kind <= SYNC; kind++)
            for (at = 1; at < 9; at++) {
                OPEN(restart_table, 512, 8, 4);
                rig.port.sync = sync ? rig_sync : NULL;
                rig.port.restart = rig_restart;      /* and it comes back: the machine goes on for a moment */
                machine_reboot();
                SEND("test/1", "", 0);
                fail((int)kind, at, 1);
                for (ticks = 0; ticks < 8; ticks++) { (void)machine_tick(); m.now += 1000; }
                if (kind == SYNC && rig.failed) {
                    CHECK(inngest_close(&m.jobs) == INNGEST_ERR_SYNC);
                    machine_reboot();
                    if (rig.restarts == 0 && machine_runs(NULL) == 0) SEND("test/1", "", 0);
                    for (ticks = 0; ticks < 8; ticks++) { (void)machine_tick(); m.now += 1000; }
                } else CHECK(rig.restarts == 1);
                fail((int)kind, 0, 0);
                CHECK(machine_tick() == UINT32_MAX || rig.restarts == 0);
                inngest_set_wall_clock(&m.jobs, NOON, m.now);
                if (rig.restarts) CHECK(inngest_close(&m.jobs) == INNGEST_OK);
                CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK && machine_run(10));
                CHECK((rig.restarts == 1 || (kind == SYNC && rig.failed)) && machine_runs(NULL) == 0 && machine_counters().crashes == 0);
                {
                    char *after = strstr(machine_trace, " after");
                    CHECK(after && (after[6] == 0 || strcmp(after + 6, " after") == 0));
                    if (after) *after = 0;
                    CHECK(seen_once("before"));
                }
                MACHINE_END();
            }
}

/* A stop that was written for a restart and did not stop the machine: its program failed and was whole all the same, or the
 * restart came back. What follows is cut short and leaves nothing to see, and the next mount takes the stop for clean. */
static struct { flash_tear tear; flash_cells cells; uint32_t behind; bool fails, met; } stop;

static int stop_program(void *c, uint32_t at, const void *from, uint32_t n)
{
    bool met = n > 4 && (((const uint8_t *)from)[4] & 0x8F) == 0x8D && !stop.met;
    int result;
    (void)c;
    if (met) {
        stop.met = true;
        m.chip.bad_tear = stop.tear;
        m.chip.bad_cells = stop.cells;
        m.chip.cut_at = m.chip.operations + 1 + stop.behind;
        m.chip.tear = FLASH_TEAR_TOUCHED;
    }
    flash_set_bad(&m.chip, at / m.chip.port.block_size, met && stop.fails ? FLASH_BAD_PROGRAM : FLASH_GOOD);
    result = m.chip.port.program(&m.chip, at, from, n);
    flash_set_bad(&m.chip, at / m.chip.port.block_size, FLASH_GOOD);
    return result;
}

static void one_stop(uint16_t g)
{
    inngest_run_info info;
    unsigned ticks;
    OPEN(restart_table, 1024, 8, g);
    rig.port.program = stop_program;
    rig.port.restart = rig_restart;
    machine_reboot();
    SEND("test/1", "", 0);
    for (ticks = 0; ticks < 4; ticks++) { (void)machine_tick(); m.now += 1000; }
    CHECK(stop.met && (stop.fails || rig.restarts == 1));
    if (!stop.fails && machine_runs(&info)) CHECK((inngest_cancel(&m.jobs, info.id) == INNGEST_OK) == (stop.behind > 2));
    m.chip.cut_at = 0;
    flash_power_on(&m.chip);
    machine_reboot();
    CHECK(machine_run(10000));
    if (machine_runs(NULL)) machine_reboot();        /* the restart was not recorded: it came only now */
    CHECK(machine_run(10000) && machine_runs(NULL) == 0);
    CHECK(strncmp(machine_trace, "before", 6) == 0 && strstr(machine_trace + 6, "before") == NULL);
    MACHINE_END();
}

/* The same in two blocks, where what follows is reclaim's: the next boot erases that block, and with it what says that the
 * stop is void; it is cut short, too, and the boot behind it takes the stop for clean. */
static bool one_stop_in_front(unsigned cut, unsigned again)
{
    bool twice;
    OPEN(restart_table, 2048, 2, 32);
    rig.port.program = stop_program;
    rig.port.restart = rig_restart;
    machine_reboot();
    stop.fails = true;
    stop.tear = FLASH_TEAR_DONE;
    stop.cells = FLASH_STABLE;
    stop.behind = cut;
    stop.met = false;
    SEND("test/1", "", 0);
    (void)machine_tick();
    CHECK(stop.met && m.chip.dead);
    flash_power_on(&m.chip);
    m.chip.cut_at = m.chip.operations + again;
    if (machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK) (void)machine_tick();
    twice = m.chip.dead;
    flash_power_on(&m.chip);
    m.chip.cut_at = 0;
    machine_reboot();
    CHECK(machine_run(10000));
    if (machine_runs(NULL)) machine_reboot();
    CHECK(machine_run(10000) && machine_runs(NULL) == 0);
    MACHINE_END();
    return twice;
}

static void stops_that_go_on(void)
{
    unsigned tear, cells, twice = 0;
    uint16_t g;
    for (cells = 1; cells < 8; cells++)
        for (tear = 1; tear < 8; tear++) twice += one_stop_in_front(cells, tear);
    CHECK(twice > 40);
    for (g = 1; g <= 32; g = (uint16_t)(g * 2))
        for (stop.behind = 1; stop.behind < 6; stop.behind++) {
            stop.fails = stop.met = false;
            one_stop(g);
            for (tear = FLASH_TEAR_TOUCHED; tear < FLASH_TEARS; tear++)
                for (cells = 0; cells < FLASH_CELLS; cells++) {
                    stop.fails = true;
                    stop.met = false;
                    stop.tear = (flash_tear)tear;
                    stop.cells = (flash_cells)cells;
                    one_stop(g);
                }
        }
}

/* A restart for which the run's reservation has no room: the run fails, and the machine goes on. */
static inngest_status full_restarter(inngest_ctx *ctx)
{
    uint8_t result[40];
    INNGEST_STEP(ctx, "fill", result) memset(result, 1, sizeof result);
    INNGEST_TRY(inngest_step_restart(ctx, "restart"));
    return INNGEST_OK;
}

static void full_restarts(void)
{
    unsigned restarted = 0, refused = 0;
    uint16_t bytes;
    for (bytes = 40; bytes <= 96; bytes = (uint16_t)(bytes + 4)) {
        const inngest_function table[] = { { .id = "full", .event = "test/*", .handler = full_restarter, .journal_bytes = bytes } };
        OPEN(table, 512, 8, 4);
        rig.port.restart = rig_restart;
        machine_reboot();
        SEND("test/1", "", 0);
        (void)machine_tick();
        if (rig.restarts) { machine_reboot(); restarted++; }
        CHECK(machine_run(10) && machine_runs(NULL) == 0);
        if (machine_ended.error.status == INNGEST_ERR_RUN_BYTES && strcmp(machine_ended.error.message, "restart") == 0) refused++;
        MACHINE_END();
    }
    CHECK(restarted > 0 && refused > 0);
}

static const inngest_function clock_table[] = { { .id = "sleeper", .event = "test/*", .handler = sleeper, .journal_bytes = 64 },
                                                { .id = "quick", .event = "quick", .handler = quick, .journal_bytes = 64 } };

/* A boot that knows the clock, and one behind it that does not. */
static void reboot_untold(void)
{
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    machine_reboot();
}

/* A boot without a clock, after one with: the wait's stamp fails, or the heartbeat, or what makes the time off good. The
 * sleep ends when it should: never early, and late by no more than the failure took. */
static void clocks(void)
{
    unsigned kind, at, where, i;
    uint32_t next;
    inngest_event event = { "test/1", NULL, 0, "id", 0 }, second = { "pend", NULL, 0, "id 2", 0 };
    for (where = 0; where < 4; where++)
        for (kind = PROGRAM; kind <= SYNC; kind++)
            for (at = 1; at < 12; at++) {
                bool again = false;
                woke = pended = 0;
                OPEN(sleep_table, 1024, 8, 4);
                rig.port.sync = rig_sync;
                reboot_untold();
                if (where == 0) fail((int)kind, at, 1);
                CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK);
                if (kind == PROGRAM) CHECK(inngest_send_event(&m.jobs, &second) == INNGEST_OK);
                for (i = 0; i < 4; i++) { (void)machine_tick(); m.now += 1000; }
                if (where == 1) fail((int)kind, at, 1);
                (void)machine_run(2 * HOUR);
                if (where == 2) fail((int)kind, at, 1);
                rig.no_writes = where == 3;
                inngest_set_wall_clock(&m.jobs, NOON + INNGEST_DAYS(1) + m.now, m.now);   /* a day was dark */
                rig.no_writes = false;
                if (where == 3) {
                    fail((int)kind, at, 1);
                    next = machine_tick();
                    CHECK(at > 1 || kind != PROGRAM || next <= 1000);
                }
                for (i = 0; i < 4; i++) { (void)machine_tick(); m.now += 1000; }
                if (kind == SYNC && rig.failed) {
                    CHECK(inngest_tick(&m.jobs, m.now) == UINT32_MAX);
                    again = true;
                    machine_reboot();
                    if (machine_runs(NULL) == 0) { CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK); CHECK(machine_run(2 * HOUR)); }
                }
                CHECK(woke == 0 && machine_run(HOUR - 20000) && woke == 0);
                if (kind == PROGRAM) CHECK(inngest_complete(&m.jobs, tokens[0], INNGEST_OK, NULL, 0) == INNGEST_OK);
                CHECK(machine_run(40000));
                if (kind == SYNC && rig.failed) {    /* only now, perhaps */
                    if (!again) machine_reboot();
                    CHECK(machine_run(3 * HOUR));
                }
                CHECK(woke && woke <= 1 + rig.failed && (pended != 0) == (kind == PROGRAM) && machine_runs(NULL) == 0);
                MACHINE_END();
                if (test_failed > 1) { printf("  woke %u pended %u failed %u; clocks: %u, call %u of %u\n", woke, pended, rig.failed, where, at, kind); return; }
            }
}

/* In a boot that is not told the clock two sleeps begin, though the TIME fails that is to say so: the next one, which is told, must
 * not take the day in front of both for time that was slept. */
static inngest_status two_naps(inngest_ctx *ctx)
{
    inngest_status a, b;
    inngest_parallel(ctx, "naps");
    a = inngest_step_sleep(ctx, "a", 3 * (int64_t)HOUR);
    b = inngest_step_sleep(ctx, "b", 3 * (int64_t)HOUR);
    woke += a == INNGEST_OK || b == INNGEST_OK;
    return inngest_all(ctx, &a, &b);
}
static const inngest_function naps_table[] = { { .id = "naps", .event = "naps", .handler = two_naps, QUICK } };

static void untold_clock(void)
{
    unsigned at, cut, accepted, failed = 0;
    for (at = 1; at < 9; at++) for (cut = 1; cut < 9; cut++) {
        woke = 0;
        OPEN(naps_table, 1024, 8, 4);
        reboot_untold();
        fail(PROGRAM, at, 1);
        m.chip.cut_at = m.chip.operations + cut;
        SEND("naps", NULL, 0);
        (void)machine_tick();
        failed += rig.failed;
        fail(PROGRAM, 0, 0);
        m.chip.cut_at = 0;
        flash_power_on(&m.chip);
        machine_reboot();
        accepted = machine_runs(NULL);
        inngest_set_wall_clock(&m.jobs, NOON + INNGEST_DAYS(1) + m.now, m.now);
        CHECK(machine_run(3 * HOUR - 20000) && woke == 0);
        CHECK(machine_run(2 * HOUR) && !woke == !accepted && machine_runs(NULL) == 0);
        MACHINE_END();
    }
    CHECK(failed > 20);
}

/* What makes the time off good finds no room at first, since no block can be erased: nothing of it is written where there is
 * none, and all of it as soon as there is. */
static bool no_room_for_clock(unsigned sleepers, unsigned n)
{
    static const char *const ids[] = { "id 1", "id 2", "id 3", "id 4" };
    static const char data[28];
    inngest_event event = { "test/1", NULL, 0, NULL, 0 };
    unsigned i, ticks, refused;
    woke = 0;
    OPEN(clock_table, 2048, 3, 4);
    reboot_untold();
    for (i = 0; i < sleepers; i++) {
        event.id = ids[i];
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1000));
    }
    for (i = 0; i < 45 + n / 7; i++) { SEND("quick", data, n % 7 * 4); CHECK(machine_run(10)); }
    machine_trace[0] = 0;
    fail(ERASE, 1, FOR_EVER);
    inngest_set_wall_clock(&m.jobs, NOON + INNGEST_DAYS(2) + m.now, m.now);
    for (ticks = 0; ticks < 4; ticks++) { (void)machine_tick(); m.now += 1000; }
    refused = rig.failed;
    fail(ERASE, 0, 0);
    CHECK(machine_run(10));
    machine_reboot();
    CHECK(machine_runs(NULL) == sleepers && machine_counters().damaged == 0);
    inngest_set_wall_clock(&m.jobs, NOON + INNGEST_DAYS(2) + m.now, m.now);
    for (i = 0; i < sleepers; i++) {                   /* they came in this boot, behind what was dark */
        event.id = ids[i];
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK);
    }
    CHECK(machine_run(10) && machine_counters().duplicates == sleepers);
    CHECK(machine_run(2 * HOUR) && woke == 0 && machine_run(HOUR) && woke == sleepers && machine_runs(NULL) == 0);
    MACHINE_END();
    if (test_failed) printf("  no room for the clock: %u, %u\n", sleepers, n);
    return refused > 0;
}
static void no_rooms(void)
{
    unsigned n, refused = 0;
    for (n = 0; n < 700 && !test_failed; n++) refused += no_room_for_clock(4, n);
    CHECK(refused > 50);
}

/* ---- reads that fail ------------------------------------------------------------------------------------------------- */

static uint32_t failing_read;           /* of the handler, from here on */
static inngest_status reader(inngest_ctx *ctx)
{
    char name[16] = "", data = 0, text[8];
    uint32_t at = failing_read;
    inngest_status status;
    size_t size;
    int attempt;
    if (at) fail(READ, at, FOR_EVER);
    status = inngest_event_name(ctx, name, sizeof name);
    size = inngest_event_size(ctx);
    attempt = inngest_attempt(ctx);
    if (status == INNGEST_OK) status = inngest_event_data(ctx, &data, 1);
    if (status == INNGEST_OK) status = inngest_event_string(ctx, "data", text, sizeof text);
    if (status == INNGEST_ERR_TYPE) status = INNGEST_OK;
    if (at == 0) CHECK(status == INNGEST_OK && strcmp(name, "test/read") == 0 && size == 1 && data == '7');
    if (status == INNGEST_OK && at == 0 && attempt == 0) status = inngest_retry_after(ctx, 1000, 1, "once more");
    CHECK(status == INNGEST_OK || status > 0);         /* never a failure of the run */
    if (status == INNGEST_OK) trace("read");
    return status;
}
static const inngest_function reader_table[] = { { .id = "reader", .event = "test/read", .handler = reader, QUICK } };

static uint32_t places = 1;                   /* argv: one in so many has its turn, where it is long */
static void unreadable(void)
{
    inngest_event event = { "test/read", "7", 1, NULL, NOON + 500 };
    uint8_t *image;
    uint32_t at, n;
    unsigned i, lasting;
    for (at = 1; at < 40; at++) {
        OPEN(reader_table, 1024, 6, 4);
        machine_reboot();
        inngest_set_wall_clock(&m.jobs, NOON, m.now);
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
        if (at % 2) machine_reboot();
        inngest_set_wall_clock(&m.jobs, NOON + 400, m.now);
        failing_read = at;
        fail(READ, at % 20 + 1, at & 4 ? FOR_EVER : 2);   /* tried again; or nothing can be read: then nothing is concluded */
        for (i = 0; i < 6; i++) { (void)machine_tick(); m.now += 100; }
        failing_read = 0;
        fail(READ, 0, 0);
        CHECK(machine_run(1500));
        fail(READ, at % 20 + 1, at & 4 ? FOR_EVER : 2);
        CHECK(machine_run(200));
        fail(READ, 0, 0);
        CHECK(machine_run(10000) && machine_runs(NULL) == 0 && machine_counters().damaged == 0);
        CHECK(strlen(machine_trace) >= 4 && machine_ended.status == INNGEST_OK);
        machine_trace[0] = 0;
        MACHINE_END();
        if (test_failed) { printf("  read %u\n", (unsigned)at); return; }
    }
    OPEN(sleep_table, 1024, 6, 4);
    machine_reboot();
    for (i = 0; i < 3; i++) SEND("test/1", "", 0);
    CHECK(machine_run(10) && machine_runs(NULL) == 3);
    image = malloc(6 * 1024);
    CHECK(image != NULL);
    if (image == NULL) return;
    memcpy(image, m.chip.cells, 6 * 1024);
    machine_reboot();
    n = rig.calls[READ];
    for (lasting = 0; lasting < 3; lasting++)          /* tried again; nothing can be read; one place cannot */
        for (at = 1; at <= n; at += lasting < 2 ? places : 1) {       /* every read of a mount */
            inngest_status status;
            memcpy(m.chip.cells, image, 6 * 1024);
            for (i = 0; i < 6 * 1024; i++) m.chip.units[i / 4] = m.chip.cells[i] != 0xFF;
            fail(READ, at, lasting == 0 ? 2 : lasting == 1 ? FOR_EVER : 3);
            status = machine_boot(INNGEST_RESET_POWER_ON);
            CHECK(status == INNGEST_OK || (lasting == 1 && status == INNGEST_ERR_READ));
            fail(READ, 0, 0);
            if (lasting == 2) continue;                /* that is damage */
            machine_reboot();
            CHECK(machine_runs(NULL) == 3 && machine_counters().lost_runs == 0);
        }
    free(image);
    MACHINE_END();
}

/* The record that says when the handler has its next attempt is damaged, or cannot be read for a while: it is not called
 * before that is known. */
static inngest_status again_later(inngest_ctx *ctx)
{
    trace("%d", inngest_attempt(ctx));
    return inngest_attempt(ctx) == 0 ? inngest_retry_after(ctx, 3000, 1, "later") : INNGEST_OK;
}
static const inngest_function again_table[] = { { .id = "again", .event = "test/again", .handler = again_later, QUICK } };

static void lost_attempt(void)
{
    inngest_run_info info;
    unsigned i;
    uint32_t at;
    for (i = 0; i < 2; i++) {
        OPEN(again_table, 1024, 6, 4);
        machine_reboot();
        SEND("test/again", "", 0);
        CHECK(machine_run(1000));
        CHECK_TRACE("0");
        m.now += 2500;
        if (i) {
            for (at = 1023; m.chip.cells[at] == 0xFF; at--) { }
            m.chip.cells[at - 12] ^= 1;
        } else fail(READ, 1, FOR_EVER);
        CHECK(machine_run(1500));
        CHECK_TRACE("");
        CHECK(machine_runs(&info) == 1 && info.wait == (i ? INNGEST_WAIT_DAMAGE : INNGEST_WAIT_ROOM));
        fail(READ, 0, 0);
        CHECK(machine_run(1500));
        CHECK_TRACE(i ? "" : "1");
        CHECK(machine_runs(NULL) == i);
        MACHINE_END();
    }
}

/* Power goes before an erase, in a head as full as can be, and the next boot meets an erase that fails: then or at the
 * boot behind it all is there. */
static char last_operation;
static void note_operation(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user; (void)address; (void)size;
    if (operation != 'r') last_operation = operation;
}

static void erases_fail(void)
{
    char data[40] = { 0 };
    uint32_t width, cut, failed = 0;
    for (width = 0; width < 40; width += 4)
        for (cut = 90; cut < 200; cut++) {
            OPEN(sleep_table, 1024, 3, 4);
            m.chip.trace = note_operation;
            machine_reboot();
            SEND("test/1", data, width);
            CHECK(machine_run(10));
            m.chip.cut_at = cut;
            fill(cut);
            if (last_operation != 'e') { MACHINE_END(); continue; }
            CHECK(m.chip.dead);
            flash_power_on(&m.chip);
            m.chip.cut_at = 0;
            fail(ERASE, 1, 1);
            if (machine_boot(INNGEST_RESET_UNKNOWN) != INNGEST_OK) machine_reboot();
            CHECK(machine_runs(NULL) == 1);
            fill(60);
            CHECK(machine_runs(NULL) == 1 && machine_counters().damaged == 0);
            machine_reboot();
            CHECK(machine_runs(NULL) == 1 && machine_counters().damaged == 0);
            failed += rig.failed;
            MACHINE_END();
        }
    CHECK(failed > 20);
}

/* ---- format, tables -------------------------------------------------------------------------------------------------- */

static void formats(void)
{
    inngest_port port;
    OPEN(nothing_table, 1024, 4, 4);
    port = rig.port;
    rig.busy = 3;
    port.idle = rig_idle;
    CHECK(inngest_format(&port) == INNGEST_OK && rig.calls[ERASE] == 4 && rig.calls[SYNC] == 0);
    CHECK(rig.idles == 3 + 4);                         /* a watchdog is fed while the chip is busy, too */
    port.idle = NULL;
    port.sync = rig_sync;
    CHECK(inngest_format(&port) == INNGEST_OK && rig.calls[SYNC] == 1);
    fail(SYNC, 1, 1);
    CHECK(inngest_format(&port) == INNGEST_ERR_SYNC);
    fail(ERASE, 2, 1);
    CHECK(inngest_format(&port) == INNGEST_ERR_ERASE);
    port.erase = NULL;
    CHECK(inngest_format(&port) == INNGEST_ERR_ARGUMENT && inngest_format(NULL) == INNGEST_ERR_ARGUMENT);
    MACHINE_END();
}

#define FAN(n) { .id = "fan" #n, .event = "fan", .handler = nothing, .backoff = one_second, .backoff_count = 1, .journal_bytes = 32 }
static const inngest_function fan_table[] = { FAN(1), FAN(2), FAN(3), FAN(4), FAN(5), FAN(6) };

/* The largest group that a block takes: journaled where room must be made behind an unclean stop, too. */
static void large_groups(void)
{
    uint8_t data[INNGEST_EVENT_BYTES - 3] = { 0 };
    unsigned i, boots;
    OPEN(fan_table, 512, 64, 4);
    m.config.function_count = 3;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_TABLE_BYTES);
    m.config.function_count = 2;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    MACHINE_END();
    OPEN(fan_table, 1024, 16, 8);
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_TABLE_BYTES);
    m.config.function_count = 5;
    machine_reboot();
    for (boots = 0; boots < 4; boots++) {
        for (i = 0; i <= boots; i++) {
            inngest_event event = { "fan", data, sizeof data, NULL, NOON };
            char id[2] = "a";
            id[0] = (char)('a' + 4 * boots + i);
            event.id = boots < 2 ? id : NULL;
            CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
            CHECK(machine_runs(NULL) == 5);
            inngest_set_wall_clock(&m.jobs, NOON, m.now);
            CHECK(machine_run(10) && machine_runs(NULL) == 0);
        }
        machine_reboot();
    }
    MACHINE_END();
}

/* A sync fails, beside groups that nearly fill their blocks: nothing is written behind that. */
static uint32_t written_then;
static int stopping_sync(void *c)
{
    int result = rig_sync(c);
    if (result) written_then = rig.calls[PROGRAM] + rig.calls[ERASE];
    return result;
}
static void no_joint(void)
{
    static const uint8_t data[INNGEST_EVENT_BYTES - 3];
    inngest_event event = { "fan", data, sizeof data, NULL, NOON };
    unsigned at, i, met = 0;
    for (at = 1; at < 60; at++) {
        OPEN(fan_table, 1024, 8, 4);
        rig.port.sync = stopping_sync;
        m.config.function_count = 5;
        machine_reboot();
        inngest_set_wall_clock(&m.jobs, NOON + 1000, m.now);
        fail(SYNC, at, FOR_EVER);
        for (i = 0; i < 40 && !rig.failed; i++) {
            (void)!inngest_send_event(&m.jobs, &event);
            (void)!inngest_send(&m.jobs, "fan", data, i % 50);
            (void)machine_tick();
            m.now += 1000;
        }
        CHECK(rig.failed == 1 && written_then == rig.calls[PROGRAM] + rig.calls[ERASE]);
        (void)machine_tick();
        CHECK(inngest_close(&m.jobs) == INNGEST_ERR_SYNC && written_then == rig.calls[PROGRAM] + rig.calls[ERASE]);
        met += rig.failed;
        fail(SYNC, 0, 0);
        machine_reboot();
        MACHINE_END();
    }
    CHECK(met > 20);
}

/* The same, and power is lost in the record behind it, however that is torn: the next boot writes the group again, behind a
 * void, in a block that may have been begun unseen. */
static void large_groups_torn(void)
{
    static const uint8_t data[INNGEST_EVENT_BYTES - 3];
    inngest_event event = { "fan", data, sizeof data, "id", NOON + HOUR };
    int tear, g, boots;
    for (g = 1; g <= 32; g *= 2)
        for (tear = 0; tear < FLASH_TEARS; tear++) {
            OPEN(fan_table, 1024, 16, (uint16_t)g);
            m.config.function_count = 6;
            if (machine_boot(INNGEST_RESET_POWER_ON) != INNGEST_OK) {
                m.config.function_count = 5;
                machine_reboot();
            }
            CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
            for (boots = 0; boots < 4; boots++) {
                m.chip.cut_at = m.chip.operations + 1;
                m.chip.tear = (flash_tear)tear;
                inngest_set_wall_clock(&m.jobs, NOON, m.now);
                CHECK(m.chip.dead);
                flash_power_on(&m.chip);
                machine_reboot();
                CHECK(machine_runs(NULL) == m.config.function_count && m.chip.violations == 0);
            }
            MACHINE_END();
            if (test_failed) { printf("  program size %d, tear %d\n", g, tear); return; }
        }
}

/* ---- journals that were made to say something, program size 4 -------------------------------------------------------- */

static uint32_t get4(const uint8_t *b) { return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24; }
static void put4(uint8_t *to, uint32_t value) { unsigned i; for (i = 0; i < 4; i++) to[i] = (uint8_t)(value >> 8 * i); }

/* Give the record at an offset its checksum. Gives where it ends. */
static uint32_t seal(uint32_t offset)
{
    uint32_t bytes = m.chip.port.block_size, i, end;
    uint8_t seed[8], *block = m.chip.cells + offset / bytes * bytes, *r = m.chip.cells + offset;
    CHECK((r[4] & 0x40) == 0);                         /* not WIDE */
    put4(seed, get4(block + 12));
    put4(seed + 4, get4(block + 8) * (bytes / 4) + offset % bytes / 4);
    put4(r, crc32_of(crc32_of(0, seed, 8), r + 4, 8u + r[5]));
    end = offset + ((12u + r[5] + 3u) & ~3u);
    for (i = offset; i < end; i++) m.chip.units[i / 4] = 1;
    return end;
}
static uint32_t forge(uint32_t offset, unsigned kind, uint32_t step, const void *payload, unsigned size)
{
    uint8_t *r = m.chip.cells + offset;
    memset(r, 0, 12);
    r[4] = (uint8_t)kind;
    r[5] = (uint8_t)size;
    put4(r + 8, step & 0xFFFFFF);
    memcpy(r + 12, payload, size);
    return seal(offset);
}
static uint32_t block_end(uint32_t block)
{
    uint32_t bytes = m.chip.port.block_size, end = (block + 1) * bytes;
    while (end > block * bytes && m.chip.cells[end - 1] == 0xFF) end--;
    return (end + 3) & ~3u;
}
static uint32_t used_end(void) { return block_end(0); }
/* The newest record of a kind in a block; 0: none. */
static uint32_t find_in(uint32_t block, unsigned kind)
{
    uint32_t at = block * m.chip.port.block_size + 24, found = 0, end = block_end(block);
    while (at + 12 <= end) {
        const uint8_t *r = m.chip.cells + at;
        if (get4(r) == 0xFFFFFFFF || get4(r) == 0xA5A5A5A5) { at += 4; continue; }   /* blank, filler */
        if ((r[4] & 15) == kind) found = at;
        at += ((r[4] & 0x40 ? 16u : 12u) + r[5] + 3u) & ~3u;
    }
    return found;
}
static uint32_t find_kind(unsigned kind) { return find_in(0, kind); }
enum { START = 1, END, PHASE, RESULT, FAILED, ATTEMPT, INTENT, SLEEP, TIME = 13, SEEN, RECLAIMED };

static inngest_status waits(inngest_ctx *ctx)
{
    char how = 's';
    INNGEST_TRY(inngest_event_data(ctx, &how, 1));
    INNGEST_DO(ctx, "a") { }
    if (how == 's') INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000));
    if (how == 'r') { INNGEST_DO(ctx, "again") { if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 5000, 0, NULL); } }
    if (how == 'h' && inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 5000, 0, NULL);
    trace("end");
    return INNGEST_OK;
}
static const inngest_function waits_table[] = { { .id = "waits", .event = "test/*", .handler = waits, QUICK } };

static uint64_t open_waiting(char how, uint32_t blocks)
{
    inngest_run_info info;
    OPEN(waits_table, 1024, blocks, 4);
    machine_reboot();
    SEND("test/1", &how, 1);
    CHECK(machine_run(10) && machine_runs(&info) == 1);
    return info.id;
}

static void forged(void)
{
    static const struct { char how; unsigned kind; } waiting[] = { { 's', SLEEP }, { 'r', ATTEMPT }, { 'h', ATTEMPT } };
    uint8_t b[40];
    uint32_t at, i, n, seq, cursor = 0;
    uint64_t id = open_waiting('s', 8);
    inngest_run_info info;
    /* Run numbers: 24 bits of them tell live runs apart. */
    put4(b, 0xFFFFFE);
    seq = get4(m.chip.cells + 8);
    (void)forge(used_end() + 4, RECLAIMED, seq - 1, b, 4);
    machine_reboot();
    for (i = 0; i < 3; i++) SEND("test/2", "s", 1);
    CHECK(machine_run(10) && machine_runs(NULL) == 4);
    for (at = 0; inngest_next_run(&m.jobs, &cursor, &info); at |= 1u << ((uint32_t)info.id == 1 ? 0 : (uint32_t)info.id == 0xFFFFFE ? 1 : (uint32_t)info.id == 0xFFFFFF ? 2 : (uint32_t)info.id == 0x1000002 ? 3 : 9)) { }
    CHECK(at == 15);
    machine_reboot();
    CHECK(machine_runs(NULL) == 4 && machine_run(6000) && machine_runs(NULL) == 0);
    CHECK_TRACE("end end end end");
    MACHINE_END();
    /* The newest record that says which number is next is lost, and the numbers are far ahead of what could be guessed. */
    (void)open_waiting('s', 8);
    put4(b, 0x10000000);
    (void)forge(used_end() + 4, RECLAIMED, get4(m.chip.cells + 8) - 1, b, 4);
    machine_reboot();
    fill(500);
    SEND("test/2", "s", 1);
    CHECK(machine_run(10) && machine_runs(NULL) == 2);
    for (i = 0, at = 0; i < 8192; i += 4)
        if ((m.chip.cells[i + 4] & 0x8F) == RECLAIMED && m.chip.cells[i + 5] == 4 && get4(m.chip.cells + i + 12) >= 0x10000000 &&
            get4(m.chip.cells + i + 12) < 0x10000010) { m.chip.cells[i + 12] ^= 1; at++; }
    CHECK(at > 0);
    machine_reboot();
    CHECK(machine_counters().damaged > 0);
    SEND("test/3", "s", 1);
    CHECK(machine_run(10) && machine_runs(NULL) == 3);
    for (cursor = 0, at = 0; inngest_next_run(&m.jobs, &cursor, &info); ) at |= (uint32_t)info.id == 1 ? 1 : (uint32_t)info.id == 0x10000002 ? 2 : (uint32_t)info.id == 0x10000003 ? 4 : 8;
    CHECK(at == 7);
    MACHINE_END();
    machine_trace[0] = 0;
    /* More event ids than this build remembers. */
    id = open_waiting('s', 8);
    for (i = 0, at = used_end() + 4; i <= INNGEST_SEEN_IDS; i++) {
        memset(b, 0, sizeof b);
        put4(b, 1000 + i);
        put4(b + 4, 2001 + 2 * i);
        b[12] = 1;                                     /* until, far ahead */
        at = forge(at, SEEN, 0, b, 14);
    }
    machine_reboot();
    {
        inngest_event event = { "test/1", "s", 1, "an id", 0 };
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_ERR_SEEN_FULL);
        CHECK(machine_tick() == 5000);
        m.now += 4900;                                 /* a run is due sooner than an id expires */
        CHECK(machine_tick() == 100);
    }
    CHECK(machine_run(200));
    CHECK_TRACE("end");
    MACHINE_END();
    /* A group whose rest would lie behind the block. */
    id = open_waiting('s', 8);
    memset(b, 0, sizeof b);
    for (at = used_end() + 4; at != 1024 - 24;) at = forge(at, TIME, 0, b, at < 952 ? 12 : 1024 - 24 - 12 - at);
    put4(b, 4000);
    (void)forge(1024 - 24, TIME | 0x20, 0, b, 12);
    machine_reboot();
    CHECK(machine_counters().torn + machine_counters().damaged > 0 && machine_runs(&info) == 1 && info.deadline_in_ms == 5000);
    CHECK(machine_run(6000));
    CHECK_TRACE("end");
    MACHINE_END();
    /* A block that says that it was reclaimed itself. */
    id = open_waiting('s', 4);
    put4(b, 2);
    for (i = 0, at = 0; i < 4; i++) if (get4(m.chip.cells + i * 1024 + 8) > get4(m.chip.cells + at * 1024 + 8)) at = i;
    (void)forge(at * 1024 + 24, RECLAIMED, get4(m.chip.cells + at * 1024 + 8), b, 4);
    machine_reboot();
    CHECK(machine_runs(&info) == 1 && info.id == id && machine_run(6000));
    CHECK_TRACE("end");
    MACHINE_END();
    /* Damage in front of a program that failed, and of what says so. */
    (void)open_waiting('s', 8);
    fail(PROGRAM, 1, 1);
    fill(3);
    CHECK(find_kind(RECLAIMED) != 0);
    m.chip.cells[find_kind(SLEEP) + 14] ^= 1;
    machine_reboot();
    CHECK(machine_counters().damaged > 0);
    MACHINE_END();
    /* Two voids that end at one place: both count. */
    id = open_waiting('s', 8);
    memset(b, 0, sizeof b);
    at = used_end() + 4;
    seq = (get4(m.chip.cells + 8) << 8) + at / 4;      /* its position */
    i = forge(at, TIME, 0, b, 12);
    put4(b, seq);
    put4(b + 4, seq + (i - at) / 4 + 5);
    i = forge(i, RECLAIMED | 0x80, 0, b, 8);           /* and itself */
    put4(b, (get4(m.chip.cells + 8) << 8) + find_kind(SLEEP) / 4);
    (void)forge(i, RECLAIMED | 0x80, 0, b, 8);
    machine_reboot();
    CHECK(machine_runs(&info) == 1 && info.id == id && info.deadline_in_ms == 0);     /* it does not sleep yet */
    MACHINE_END();
    /* A wait of another size. */
    for (i = 0; i < 3; i++) {
        (void)open_waiting(waiting[i].how, 8);
        at = find_kind(waiting[i].kind);
        CHECK(at != 0);
        m.chip.cells[at + 5] = 13;
        (void)seal(at);
        machine_reboot();
        CHECK(machine_run(6000) && machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE);
        CHECK_TRACE("");
        CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_OK && machine_run(10) && machine_runs(NULL) == 0);
        MACHINE_END();
    }
    /* A link that leads to another run. */
    id = open_waiting('s', 8);
    SEND("test/2", "s", 1);
    CHECK(machine_run(10) && machine_runs(NULL) == 2);
    at = find_kind(SLEEP);
    for (i = 24; (m.chip.cells[i + 4] & 15) != START || get4(m.chip.cells + i) == 0xA5A5A5A5; i += 4) { }
    m.chip.cells[at + 11] = (uint8_t)((at - i) / 4);
    (void)seal(at);
    machine_reboot();
    cursor = 0;
    CHECK(inngest_next_run(&m.jobs, &cursor, &info) && inngest_next_run(&m.jobs, &cursor, &info) && info.wait == INNGEST_WAIT_DAMAGE);
    m.config.function_count = 0;                       /* nor does a firmware without the function say otherwise */
    machine_reboot();
    cursor = 0;
    CHECK(inngest_next_run(&m.jobs, &cursor, &info) && info.wait == INNGEST_WAIT_FUNCTION);
    CHECK(inngest_next_run(&m.jobs, &cursor, &info) && info.wait == INNGEST_WAIT_DAMAGE);
    MACHINE_END();
    /* One that leads into a block's header, or so close to the end of a block that no record fits. */
    for (i = 0; i < 2; i++) {
        (void)open_waiting('s', 4);
        for (seq = 0, n = 0; n < 20 && (seq < 1024 || seq % 1024 > 512); n++) {
            fill(25);                                  /* until its records are carried to the start of a block */
            for (at = 0, seq = 0, cursor = 0; at < 4096; at += 4) {
                const uint8_t *r = m.chip.cells + at;
                if (r[4] != (SLEEP | 0x10) || r[5] != 14 || get4(m.chip.cells + at / 1024 * 1024 + 8) < cursor) continue;
                cursor = get4(m.chip.cells + at / 1024 * 1024 + 8);
                seq = at;
            }
        }
        CHECK(seq >= 1024 && seq % 1024 <= 512);
        m.chip.cells[seq + 11] = (uint8_t)(i ? (seq % 1024 + 8) / 4 : (seq % 1024 - 8) / 4);
        (void)seal(seq);
        machine_reboot();
        CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE && m.chip.violations == 0);
        MACHINE_END();
    }
}

/* A run whose records are damaged can be cancelled, whatever comes between: a reclaim, a reset. */
static void cancel_damaged(void)
{
    unsigned how;
    inngest_run_info info;
    for (how = 0; how < 4; how++) {
        uint64_t id = open_waiting('s', 6);
        m.chip.cells[find_kind(RESULT) + 8] ^= 4;
        machine_reboot();
        CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE);
        CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK);
        if (how & 1) fill(300);
        if (how & 2) machine_reboot();
        CHECK(machine_run(10) && machine_runs(NULL) == 0);
        if (how < 2) CHECK(machine_ended_as(INNGEST_CANCELLED, INNGEST_CANCELLED, NULL));
        CHECK_TRACE("");
        MACHINE_END();
    }
    CHECK(inngest_cancel(&m.jobs, open_waiting('s', 6)) == INNGEST_OK);
    m.config.function_count = 0;                       /* a firmware without the function ends it all the same */
    machine_reboot();
    CHECK(machine_run(10) && machine_runs(NULL) == 0);
    CHECK_TRACE("");
    MACHINE_END();
}

/* A run whose chain is broken, in its handler or in on_failure, stays parked when the block that shows it is reclaimed,
 * whatever fails on the way: no body runs, and the run can be cancelled. */
static inngest_status broken(inngest_ctx *ctx)
{
    char how = 0;
    INNGEST_TRY(inngest_event_data(ctx, &how, 1));
    if (how == 'f' && inngest_error(ctx)->status == INNGEST_OK) return INNGEST_FAIL;
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000));
    INNGEST_DO(ctx, "a") trace("a");
    INNGEST_TRY(inngest_step_sleep(ctx, "nap 2", 5000));
    trace("end");
    return INNGEST_OK;
}
static const inngest_function broken_table[] = { { .id = "broken", .event = "test/*", .handler = broken, .on_failure = broken, QUICK } };

static void break_chain(char how)      /* its START stands in front of the damage, carried */
{
    unsigned i;
    OPEN(broken_table, 1024, 6, 4);
    machine_reboot();
    SEND("test/1", &how, 1);
    CHECK(machine_run(10));
    fill(45);
    CHECK(machine_run(5000));
    CHECK_TRACE("a");
    for (i = 0; i < 300 && machine_counters().carried == 0; i++) fill(2);
    CHECK(find_in(1, RESULT) && find_in(1, START) == 0);
    m.chip.cells[find_in(1, RESULT) + 8] ^= 4;
}

static void damaged_for_good(void)
{
    static const char both[] = "sf";
    inngest_run_info info;
    unsigned how, twice, call, last;
    for (how = 0; how < 2; how++)
        for (twice = 1; twice <= 2; twice++)
            for (call = last = 0; call <= last; call++) {
                break_chain(both[how]);
                machine_reboot();
                CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE);
                if (call) fail(PROGRAM, call, twice);
                else last = rig.calls[PROGRAM];
                fill(100);
                if (call == 0) last = rig.calls[PROGRAM] - last;
                fail(PROGRAM, 0, 0);
                machine_reboot();
                CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE && machine_counters().lost_runs == 0);
                CHECK(machine_run(20000));
                CHECK_TRACE("");
                CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_OK && machine_run(10) && machine_runs(NULL) == 0);
                MACHINE_END();
                if (test_failed) { printf("  %u, %u of call %u\n", how, twice, call); return; }
            }
}

/* A result rots, and reclaim erases the block that shows it: whatever would have the run look again (a clock that is told, an answer, a
 * wake, its own pass, in which it was found), the step is not called once more as if it had never been. */
static char rots;
static inngest_token rotten_token;
static void rot_a_result(void)
{
    CHECK(m.jobs.tail_block == 6 && find_in(0, RESULT));
    m.chip.cells[find_in(0, RESULT) + 12] ^= 1;
}
static inngest_status rotten(inngest_ctx *ctx)
{
    uint8_t value;
    unsigned i;
    INNGEST_STEP(ctx, "a", value) { trace("a"); value = 7; }
    switch (rots) {
    case 'u': INNGEST_TRY(inngest_step_sleep_until(ctx, "date", NOON + HOUR)); break;
    case 'p': INNGEST_DO(ctx, "answer") { rotten_token = inngest_step_token(ctx); return INNGEST_PENDING; } break;
    case 'w': INNGEST_DO(ctx, "again") return inngest_again(ctx, UINT32_MAX); break;
    default:
        INNGEST_DO(ctx, "save") {
            for (i = 0; i < 1000; i++) {
                if (i == 1) rot_a_result();
                INNGEST_TRY(inngest_step_save(ctx, &i, sizeof i));
            }
        }
    }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", HOUR));
    trace("end");
    return INNGEST_OK;
}
static const inngest_function rotten_table[] = { { .id = "rotten", .event = "rotten", .handler = rotten, QUICK },
                                                 { .id = "quick", .event = "test/*", .handler = quick, QUICK } };

static void not_once_more(char how)
{
    inngest_run_info info;
    unsigned i;
    rots = how;
    OPEN(rotten_table, 1024, 6, 4);
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    SEND("rotten", "", 0);
    CHECK(machine_run(10));
    if (how != 's') rot_a_result();
    CHECK_TRACE("a");
    for (i = 0; i < 300 && m.jobs.tail_block == 6; i++) { SEND("test/1", "", 0); CHECK(machine_run(1)); }
    CHECK(m.jobs.tail_block > 6 && machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE && machine_counters().damaged == 1);
    machine_trace[0] = 0;
    inngest_set_wall_clock(&m.jobs, NOON + 2 * HOUR, m.now);
    if (how == 'p') CHECK(inngest_complete(&m.jobs, rotten_token, INNGEST_OK, NULL, 0) == INNGEST_OK);
    inngest_wake(&m.jobs);
    CHECK(machine_run(4 * HOUR) && machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE);
    CHECK_TRACE("");
    CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_OK && machine_run(10) && machine_runs(NULL) == 0);
    machine_trace[0] = 0;
    MACHINE_END();
}

/* ---- the wall clock --------------------------------------------------------------------------------------------------- */

static int64_t turn_to;                /* 0: the clock is left alone */
static void set_clock(void *user, uint64_t run, inngest_status status)
{
    (void)user; (void)run; (void)status;
    if (turn_to) inngest_set_wall_clock(&m.jobs, turn_to, m.now);
    turn_to = 0;
}
static inngest_status dated(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep_until(ctx, "date", NOON + 50000));
    trace("date");
    return INNGEST_OK;
}
static inngest_status two_seconds(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "two", 2000));
    trace("waited");
    return INNGEST_OK;
}
static const inngest_function dated_table[] = { { .id = "dated", .event = "date", .handler = dated, QUICK },
                                                { .id = "sleeper", .event = "test/*", .handler = sleeper, QUICK },
                                                { .id = "quick", .event = "quick", .handler = quick, QUICK },
                                                { .id = "two", .event = "wait", .handler = two_seconds, QUICK } };
static void wall_clock(void)
{
    static const inngest_hooks hooks = { .run_pause = set_clock };
    unsigned i;
    OPEN(dated_table, 1024, 8, 4);
    m.config.hooks = &hooks;
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON + 40000, m.now);
    turn_to = NOON;                                    /* back, by a hook, under the wait that has just begun */
    SEND("date", "", 0);
    CHECK(machine_run(49000));
    CHECK_TRACE("");
    CHECK(machine_run(1000));
    CHECK_TRACE("date");
    inngest_set_wall_clock(&m.jobs, NOON + 10000, m.now);
    turn_to = NOON + 45000;                            /* and on */
    SEND("date", "", 0);
    CHECK(machine_run(4900));
    CHECK_TRACE("");
    CHECK(machine_run(200));
    CHECK_TRACE("date");
    MACHINE_END();
    /* A wait of an earlier boot is carried in this one before the clock is known: it is moved by the time off, once. */
    OPEN(dated_table, 1024, 8, 4);
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    SEND("test/1", "", 0);
    CHECK(machine_run(1000) && inngest_close(&m.jobs) == INNGEST_OK);
    woke = 0;
    machine_reboot();
    for (i = 0; i < 200; i++) { SEND("quick", "", 0); CHECK(machine_run(10)); }
    CHECK(machine_counters().carried > 0);
    machine_trace[0] = 0;
    inngest_set_wall_clock(&m.jobs, NOON + HOUR + 3000, m.now);     /* an hour and 1 s were off, 2 s on */
    CHECK(machine_run(2 * HOUR - 4000) && woke == 0);
    CHECK(machine_run(2000) && woke == 1);
    MACHINE_END();
    /* What makes the time off good cannot be written, and a run is due sooner than that is tried again. */
    OPEN(dated_table, 1024, 8, 4);
    reboot_untold();
    woke = 0;
    SEND("test/1", "", 0);
    SEND("wait", "", 0);
    CHECK(machine_run(1700));
    rig.no_writes = true;
    inngest_set_wall_clock(&m.jobs, NOON + HOUR + m.now, m.now);
    rig.no_writes = false;
    fail(PROGRAM, 1, 1);
    CHECK(machine_tick() == 300 && rig.failed == 1);
    m.now += 300;
    (void)machine_tick();
    CHECK_TRACE("waited");
    CHECK(machine_run(3 * HOUR - 3000) && woke == 0 && machine_run(2000) && woke == 1);
    MACHINE_END();
}

/* ---- resets that are pinned on somebody --------------------------------------------------------------------------------- */

static bool crash_body, crash_top, crash_when;
static inngest_status crasher(inngest_ctx *ctx)
{
    static const inngest_step_options intent = { .intent = true };
    if (crash_top) machine_crash();
    INNGEST_DO_WITH(ctx, "body", &intent) { if (crash_body) machine_crash(); }
    INNGEST_TRY(inngest_step_sleep_until(ctx, "date", NOON + INNGEST_DAYS(1)));
    return INNGEST_OK;
}
static bool crashes_when(void *user, const void *data, size_t size)
{
    (void)user; (void)data; (void)size;
    if (crash_when) machine_crash();
    return true;
}
static const inngest_function crash_table[] = { { .id = "crasher", .event = "c/run", .handler = crasher, QUICK },
                                                { .id = "when", .event = "c/when", .handler = quick, .when = crashes_when, QUICK } };
static void crashes(void)
{
    inngest_run_info info;
    uint32_t bytes;
    unsigned i;
    OPEN(crash_table, 1024, 8, 4);
    machine_reboot();
    crash_body = true;
    SEND("c/run", "", 0);
    for (i = 0; i < 20 && !machine_run(1000); i++) CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    CHECK(i == 1 + INNGEST_CRASH_LIMIT && machine_ended_as(INNGEST_FAIL, INNGEST_ERR_CRASHED, NULL) && machine_runs(NULL) == 0);
    MACHINE_END();
    OPEN(crash_table, 1024, 8, 4);
    machine_reboot();
    SEND("c/run", "", 0);                              /* a suspect for another's crash, and only then it begins what it dies of */
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK && machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    for (i = 0; i < 20 && !machine_run(1000); i++) CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    CHECK(i == INNGEST_CRASH_LIMIT && machine_ended_as(INNGEST_FAIL, INNGEST_ERR_CRASHED, NULL) && machine_runs(NULL) == 0);
    crash_body = false;
    MACHINE_END();
    /* Crashed to the limit, and then there is a firmware without the function. */
    OPEN(crash_table, 1024, 8, 4);
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    SEND("c/run", "", 0);
    CHECK(machine_run(10) && machine_runs(NULL) == 1);
    crash_top = true;
    for (i = 0; i <= INNGEST_CRASH_LIMIT; i++) {
        CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
        if (i == INNGEST_CRASH_LIMIT) break;
        inngest_set_wall_clock(&m.jobs, NOON, m.now);
        CHECK(!machine_run(1000));
    }
    crash_top = false;
    m.config.functions = crash_table + 1;
    m.config.function_count = 1;
    CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    CHECK(machine_run(10));
    CHECK(machine_runs(NULL) == 0 ? machine_ended.error.status == INNGEST_ERR_CRASHED && machine_ended.function[0] == 0 : machine_runs(NULL) == 1);
    MACHINE_END();
    /* A suspect that is called while it waits for a date, and goes on waiting: what is written of that takes none of its room,
     * and is no reason to call it at the next boot. */
    OPEN(crash_table, 1024, 8, 4);
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    SEND("c/run", "", 0);
    CHECK(machine_run(10) && machine_runs(&info) == 1);
    bytes = info.journal_bytes;
    CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    CHECK(machine_run(1000) && machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_SLEEP && info.journal_bytes == bytes);
    for (i = 0; i < 2; i++) {
        CHECK(machine_boot(i ? INNGEST_RESET_POWER_ON : INNGEST_RESET_CRASH) == INNGEST_OK);
        CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_CLOCK && info.journal_bytes == bytes);
    }
    MACHINE_END();
    /* A predicate, and power that went then: nobody pays. */
    OPEN(crash_table, 1024, 8, 4);
    machine_reboot();
    CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    crash_when = true;
    for (i = 0; i < 8; i++) {
        SEND("c/when", "", 0);
        CHECK(!machine_run(10));
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
        CHECK(machine_counters().crashes == 0);
    }
    crash_when = false;
    CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    SEND("c/when", "", 0);
    CHECK(machine_run(10));
    CHECK_TRACE("a");
    MACHINE_END();
}

/* A handler fails with a status of which the journal makes a use of its own: on_failure goes on after a reset all the same. */
static inngest_status fails_as(inngest_ctx *ctx)
{
    int32_t status = 0;
    INNGEST_TRY(inngest_event_data(ctx, &status, sizeof status));
    return (inngest_status)status;
}
static inngest_status tells_why(inngest_ctx *ctx)
{
    char text[8];
    int32_t status = 0;
    INNGEST_TRY(inngest_event_data(ctx, &status, sizeof status));
    CHECK(inngest_event_string(ctx, "data.none", text, sizeof text) != INNGEST_OK);      /* that is not why */
    CHECK(inngest_error(ctx)->status == (inngest_status)status);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    trace("failed");
    return INNGEST_OK;
}
static const inngest_function status_table[] = { { .id = "fails", .event = "test/*", .handler = fails_as, .on_failure = tells_why, QUICK } };

static void failing_statuses(void)
{
    static const int32_t statuses[] = { INNGEST_ERR_READ, INNGEST_CANCELLED, INNGEST_ERR_TYPE };
    unsigned i;
    for (i = 0; i < 3; i++) {
        OPEN(status_table, 1024, 4, 4);
        machine_reboot();
        SEND("test/1", &statuses[i], 4);
        CHECK(machine_run(100));
        CHECK_TRACE("");
        machine_reboot();
        CHECK(machine_run(2000) && machine_runs(NULL) == 0 && machine_counters().runs_cancelled == 0);
        CHECK_TRACE("failed");
        CHECK(machine_ended_as(INNGEST_FAIL, (inngest_status)statuses[i], NULL));
        MACHINE_END();
    }
}

/* Hooks of which one is missing; a step that sends to a function with a predicate; a wake from a body while an event waits. */
static inngest_status sends(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_send(ctx, "send", "c/when", "x", 1));
    return INNGEST_OK;
}
static inngest_status waker(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "wake") inngest_wake(&m.jobs);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000));
    return INNGEST_OK;
}
static const inngest_function small_table[] = { { .id = "sends", .event = "send", .handler = sends, QUICK },
                                                { .id = "when", .event = "c/when", .handler = quick, .when = crashes_when, QUICK },
                                                { .id = "waker", .event = "wake", .handler = waker, QUICK } };
static void small_things(void)
{
    static const inngest_hooks none = { .run_start = NULL };
    OPEN(small_table, 1024, 8, 4);
    m.config.hooks = &none;
    machine_reboot();
    SEND("send", "", 0);
    CHECK(machine_run(10));
    CHECK_TRACE("a");
    m.config.runs = 1;
    m.config.function_count = 3;
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    machine_reboot();
    SEND("wake", "", 0);
    SEND("wake", "", 0);
    CHECK(machine_tick() == 0);                        /* woken in it, and the second one waits for a place */
    CHECK(machine_tick() == 5000 && machine_run(5000) && machine_run(5000) && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* A step has failed for good, and its record finds no room, for no block can be erased: it fails again later. */
static inngest_status no_luck(inngest_ctx *ctx)
{
    size_t n = inngest_event_size(ctx);
    while (n-- > 0) { INNGEST_DO(ctx, "before") { } }
    INNGEST_DO(ctx, "s") { trace("s"); return INNGEST_FAIL; }
    return INNGEST_OK;
}
static const inngest_function no_luck_table[] = { { .id = "no luck", .event = "no luck", .handler = no_luck, .journal_bytes = 1500 } };

static void no_room_now(void)
{
    static const char data[60];
    uint32_t size, twice = 0;
    for (size = 1; size < sizeof data; size++) {
        OPEN(no_luck_table, 1024, 6, 4);
        machine_reboot();
        fill(185);
        SEND("no luck", data, size);
        fail(ERASE, 1, FOR_EVER);
        (void)machine_tick();
        fail(ERASE, 0, 0);
        CHECK(machine_run(10000) && machine_runs(NULL) == 0 && machine_ended_as(INNGEST_FAIL, INNGEST_FAIL, "s"));
        twice += strcmp(machine_trace, "s s") == 0;
        machine_trace[0] = 0;
        MACHINE_END();
    }
    CHECK(twice > 0);
}

/* What a mount writes again stands behind a sync of its own: that what is in front of it reads as torn the next time, as what
 * was half programmed may, is no loss of a disk. */
static inngest_status idle_a_day(inngest_ctx *ctx) { return inngest_step_sleep(ctx, "nap", INNGEST_DAYS(1)); }
static int no_sync(void *context) { (void)context; return 0; }
static void written_again(void)
{
    static const inngest_function table[] = { { .id = "idle", .event = "idle", .handler = idle_a_day } };
    static const uint8_t mark[4] = { 0x3B, 0x4C, 0x5D, 0x6E };
    uint32_t at, found = 0;
    machine_open(table, 1, 2048, 4, 4);
    m.chip.port.sync = no_sync;
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "idle", mark, sizeof mark) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
    machine_reboot();
    for (at = 0; at + 4 <= 4 * 2048; at++)
        if (memcmp(m.chip.cells + at, mark, 4) == 0 && found++ == 0) m.chip.cells[at] = 0x3F;
    CHECK(found == 2);
    machine_reboot();
    CHECK(machine_runs(NULL) == 1 && machine_counters().lost_runs == 0);
    CHECK(machine_run(INNGEST_DAYS(1) + 1000) && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* Power goes in an operation; if that is an erase, the newest proof is torn. True: it is. */
static bool cut_with_torn_proof(flash_tear tear, uint32_t cut, uint32_t blocks)
{
    uint32_t block, at, newest = 0;
    m.chip.tear = tear;
    m.chip.cut_at = cut;
    fill(cut);
    flash_power_on(&m.chip);
    m.chip.cut_at = 0;
    for (block = 0; last_operation == 'e' && block < blocks; block++) {
        at = find_in(block, RECLAIMED);
        if (at && (newest == 0 || get4(m.chip.cells + block * 1024 + 8) > get4(m.chip.cells + newest / 1024 * 1024 + 8))) newest = at;
    }
    if (newest) m.chip.cells[newest + 12] ^= 1;
    return newest != 0;
}

/* Power goes as a reclaimed block has been erased, and what proved that it may go then reads as torn, in the last block:
 * without the proof the copies in there are all that is left. */
static void torn_proofs(void)
{
    uint32_t blocks, cut, torn = 0;
    for (blocks = 2; blocks <= 3; blocks++)
        for (cut = 60; cut < 200; cut++) {
            OPEN(clock_table, 1024, blocks, 4);
            m.chip.trace = note_operation;
            machine_reboot();
            SEND("test/1", "", 0);
            CHECK(machine_run(10));
            torn += cut_with_torn_proof(FLASH_TEAR_DONE, cut, blocks);
            machine_reboot();
            CHECK(machine_runs(NULL) == 1 && machine_counters().lost_runs == 0);
            CHECK(machine_run(4 * HOUR) && machine_runs(NULL) == 0);
            MACHINE_END();
        }
    CHECK(torn >= 5);
}

/* The same where that erase came to the middle of the block, and what it left there reads as whole: steps of a handler, which do
 * not count since its run is in on_failure, and of which there is no copy. */
static inngest_status fails_soon(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "a") { }
    INNGEST_DO(ctx, "b") { }
    return INNGEST_FAIL;
}
static inngest_status naps(inngest_ctx *ctx) { return inngest_step_sleep(ctx, "nap", 2 * HOUR); }
static const inngest_function napping_table[] = { { .id = "fails", .event = "test/*", .handler = fails_soon, .on_failure = naps, QUICK } };

static void half_erased(void)
{
    uint32_t before, cut, torn = 0;
    for (before = 15; before < 25; before++)
        for (cut = 60; cut < 200; cut++) {
            OPEN(napping_table, 1024, 3, 4);
            m.chip.trace = note_operation;
            machine_reboot();
            fill(before);
            SEND("test/1", "", 0);
            CHECK(machine_run(10));
            torn += cut_with_torn_proof(FLASH_TEAR_MIDDLE, cut, 3);
            machine_reboot();
            CHECK(machine_runs(NULL) == 1 && machine_counters().lost_runs == 0);
            MACHINE_END();
        }
    CHECK(torn >= 5);
}

/* Power goes as a reclaim copies to the last block, and the header of the block that it copies from reads as torn then, as one
 * whose program was once cut short may: that block has not been erased, and what there is no copy of still counts. */
static void torn_headers(void)
{
    uint32_t blocks, cut, block, number, last, oldest, torn = 0;
    for (blocks = 2; blocks <= 3; blocks++)
        for (cut = 60; cut < 200; cut++) {
            OPEN(clock_table, 1024, blocks, 4);
            m.chip.trace = note_operation;
            machine_reboot();
            SEND("test/1", "", 0);
            CHECK(machine_run(10));
            m.chip.tear = FLASH_TEAR_FIRST;
            m.chip.cut_at = cut;
            fill(cut);
            flash_power_on(&m.chip);
            m.chip.cut_at = 0;
            for (block = last = oldest = 0; block < blocks; block++) {
                number = get4(m.chip.cells + block * 1024 + 8);
                if (number > get4(m.chip.cells + last * 1024 + 8)) last = block;
                if (number < get4(m.chip.cells + oldest * 1024 + 8)) oldest = block;
            }
            if (last_operation == 'p' && block_end(last) > last * 1024 + 24) {
                m.chip.cells[oldest * 1024 + 20] ^= 1;
                torn++;
            }
            machine_reboot();
            CHECK(machine_runs(NULL) == 1 && machine_counters().lost_runs == 0);
            CHECK(machine_run(4 * HOUR) && machine_runs(NULL) == 0);
            MACHINE_END();
        }
    CHECK(torn >= 5);
}

/* A handler fails again and again, and the machine is reset while it waits: it has as many attempts as without, in their time. */
static unsigned tried_again;
static inngest_status fails_each_time(inngest_ctx *ctx)
{
    CHECK(inngest_attempt(ctx) == (int)tried_again);
    tried_again++;
    return INNGEST_RETRY;
}
static const inngest_function again_and_again[] = { { .id = "again", .event = "test/*", .handler = fails_each_time, .max_attempts = 4, QUICK } };
static void retries_survive(void)
{
    unsigned i;
    OPEN(again_and_again, 1024, 4, 4);
    machine_reboot();
    SEND("test/1", "", 0);
    CHECK(machine_run(1));
    for (i = 1; i <= 4; i++) {
        CHECK(tried_again == i && machine_runs(NULL) == (i < 4));
        machine_reboot();
        CHECK(machine_run(999) && tried_again == i && machine_run(2));
    }
    CHECK(tried_again == 4 && machine_ended.count == 1 && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* The header of the newest block that holds something is damaged as the last erased one is being erased again, so that no header
 * tells of it: what it holds still counts. */
static void lost_headers(uint32_t size, unsigned least)
{
    uint32_t blocks, n, block, newest, at, lost = 0;
    for (blocks = 3; blocks <= 16; blocks += blocks < 5 ? 1 : 11)
        for (n = 1; n < 200; n += 3) {
            OPEN(clock_table, size, blocks, 4);
            machine_reboot();
            fill(n);
            SEND("test/1", "", 0);
            CHECK(machine_run(10));
            for (newest = 0, block = 1; block < blocks; block++)
                if (get4(m.chip.cells + block * size + 8) > get4(m.chip.cells + newest * size + 8)) newest = block;
            if (block_end(newest) == newest * size + 24 && block_end((newest + blocks - 1) % blocks) > (newest + blocks - 1) % blocks * size + 24) {
                at = newest * size;
                memset(m.chip.cells + at, 0xFF, size);
                memset(m.chip.units + at / 4, 0, size / 4);
                m.chip.cells[(newest + blocks - 1) % blocks * size + 20] ^= 1;
                lost++;
            }
            machine_reboot();
            CHECK(machine_runs(NULL) == 1 && machine_counters().lost_runs == 0);
            fill(30);
            machine_reboot();
            CHECK(machine_runs(NULL) == 1 && machine_counters().lost_runs == 0);
            CHECK(machine_run(4 * HOUR) && machine_runs(NULL) == 0);
            machine_trace[0] = 0;
            MACHINE_END();
        }
    CHECK(lost > least);
}

/* The header of the newest block cannot be read once, where it alone holds what was carried and the proof of it, and can be from then on. */
static struct { uint32_t at; unsigned left; int (*read)(void *, uint32_t, void *, uint32_t); } blink;
static int blinking_read(void *context, uint32_t address, void *data, uint32_t size)
{
    if (address == blink.at && blink.left) {
        blink.left--;
        return -5;
    }
    return blink.read(context, address, data, size);
}

static void headers_blink(flash_tear tear)
{
    inngest_port port;
    inngest_status status;
    uint32_t blocks, n, block, newest;
    for (blocks = 2; blocks <= 4; blocks++)
        for (n = 1; n < 60; n++) {
            OPEN(clock_table, 1024, blocks, 4);
            machine_reboot();
            SEND("test/1", "", 0);
            CHECK(machine_run(10));
            m.chip.tear = tear;
            m.chip.random = n * 7919;
            m.chip.cut_at = m.chip.operations + n + 30 * (blocks - 1);
            while (!m.chip.dead) fill(2);
            flash_power_on(&m.chip);
            m.chip.cut_at = 0;
            for (newest = 0, block = 1; block < blocks; block++)
                if (get4(m.chip.cells + block * 1024 + 8) + 1 > get4(m.chip.cells + newest * 1024 + 8) + 1) newest = block;
            blink.at = newest * 1024;
            blink.left = 3;
            blink.read = m.chip.port.read;
            port = m.chip.port;
            port.read = blinking_read;
            m.config.port = &port;
            status = machine_boot(INNGEST_RESET_POWER_ON);
            if (status != INNGEST_OK) {                /* there was no other header */
                CHECK(blocks == 2 && status == INNGEST_ERR_FOREIGN);
                machine_reboot();
            }
            CHECK(machine_runs(NULL) == 1 && machine_counters().lost_runs == 0);
            CHECK(machine_run(4 * HOUR) && machine_runs(NULL) == 0);
            machine_trace[0] = 0;
            MACHINE_END();
        }
}

/* Power goes in a stop's TIME, which looks complete then, and a read in four shows that it is not: where it is found to be so as
 * it is carried, it is done without. */
static const inngest_function waiting_table[] = { { .id = "sleeper", .event = "test/*", .handler = sleeper, .journal_bytes = 64 },
                                                  { .id = "quick", .event = "quick", .handler = quick, .journal_bytes = 32 } };
static void weak_stops(void)
{
    unsigned i, k, gone = 0;
    for (i = 1; i <= 60; i++) {
        OPEN(waiting_table, 1024, 3, 4);
        machine_reboot();
        SEND("test/1", "", 0);
        CHECK(machine_run(1));
        m.chip.tear = FLASH_TEAR_WEAK;
        m.chip.random = i * 7919;
        m.chip.cut_at = m.chip.operations + 1;
        CHECK(inngest_close(&m.jobs) != INNGEST_OK && m.chip.dead);
        flash_power_on(&m.chip);
        m.chip.cut_at = 0;
        for (k = 0; k < 60; k++) {
            bool known = m.jobs.time_position != 0;
            if (k % 8 == 0) machine_reboot();
            SEND("quick", "", 0);
            CHECK(machine_run(0) && machine_runs(NULL) == 1 && machine_counters().runs_ended == k % 8 + 1);
            gone += k % 8 && known && m.jobs.time_position == 0;
        }
        CHECK(machine_run(4 * HOUR) && machine_runs(NULL) == 0 && machine_counters().lost_runs == 0);
        machine_trace[0] = 0;
        MACHINE_END();
    }
    CHECK(gone > 0);
}

/* More runs were live at once than may be now, and have ended: their numbers are not given again. */
static void fewer_runs(void)
{
    inngest_run_info info;
    uint32_t cursor = 0;
    OPEN(waiting_table, 1024, 4, 4);
    machine_reboot();
    SEND("test/1", "", 0);
    SEND("test/2", "", 0);
    SEND("test/3", "", 0);
    CHECK(machine_run(1) && machine_runs(NULL) == 3 && machine_run(4 * HOUR) && machine_runs(NULL) == 0);
    m.config.runs = 1;
    machine_reboot();
    SEND("test/4", "", 0);
    CHECK(machine_run(1) && inngest_next_run(&m.jobs, &cursor, &info) && (uint32_t)info.id == 4);
    CHECK(machine_run(4 * HOUR) && machine_runs(NULL) == 0);
    machine_trace[0] = 0;
    MACHINE_END();
}

/* More blocks have been written than half of 32 bits count. */
static void far_blocks(uint32_t first)
{
    uint32_t place, k, crc;
    unsigned i;
    OPEN(waiting_table, 1024, 4, 4);
    machine_reboot();
    for (place = 0; place < 4; place++) {
        uint8_t *b = m.chip.cells + place * 1024;
        for (k = 0; k < 4; k++) b[8 + k] = (uint8_t)((first + place) >> 8 * k);
        crc = crc32_of(0, b, 20);
        for (k = 0; k < 4; k++) b[20 + k] = (uint8_t)(crc >> 8 * k);
    }
    machine_reboot();
    SEND("test/1", "", 0);
    CHECK(machine_run(1));
    for (i = 0; i < 12; i++) {
        fill(20);
        machine_reboot();
        CHECK(machine_runs(NULL) == 1 && machine_counters().lost_runs == 0);
    }
    for (i = 1; i < 160; i++) {                      /* erases that are cut short are done again */
        m.chip.cut_at = m.chip.operations + i;
        m.chip.tear = i % 2 ? FLASH_TEAR_MIDDLE : FLASH_TEAR_FIRST;
        fill(i);
        flash_power_on(&m.chip);
        m.chip.cut_at = 0;
        machine_reboot();
        CHECK(machine_runs(NULL) == 1 && machine_counters().lost_runs == 0 && machine_counters().damaged == 0);
    }
    CHECK(m.jobs.tail_block > first && machine_run(4 * HOUR) && machine_runs(NULL) == 0);
    machine_trace[0] = 0;
    MACHINE_END();
}

/* More runs were live at once than may be now, and the END of one of them was cut short and reads as whole only at times, or failed and was whole all the same: that
 * run goes on. */
static inngest_status napper(inngest_ctx *ctx)
{
    uint8_t seconds;
    INNGEST_TRY(inngest_event_data(ctx, &seconds, 1));
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_SECONDS(seconds)));
    INNGEST_DO(ctx, "b") { }
    return INNGEST_OK;
}
static const inngest_function napper_table[] = { { .id = "napper", .event = "test/nap", .handler = napper, .journal_bytes = 128 } };

static unsigned fewer_runs_torn(uint32_t i, bool fails, bool other)
{
    static const uint8_t first = 10, second = 20;
    unsigned n, goes_on;
    inngest_status status;
    OPEN(napper_table, 1024, 4, 4);
    machine_reboot();
    SEND("test/nap", &first, 1);
    SEND("test/nap", &second, 1);
    CHECK(machine_run(other ? 5000 : 15000) && machine_runs(NULL) == (other ? 2 : 1));
    m.chip.random = i * 7919;
    m.chip.tear = FLASH_TEAR_WEAK;
    m.chip.cut_at = m.chip.operations + (fails ? 3 + i % 8 : 3);       /* DONE, RESULT, END; then what voids it */
    if (fails) fail_done(3);
    for (n = 0; n < 20 && !m.chip.dead; n++) {
        m.now += 1000;
        (void)inngest_tick(&m.jobs, m.now);
    }
    flash_power_on(&m.chip);
    m.chip.cut_at = 0;
    m.config.runs = 1;
    for (n = 0; n < 20 && (status = machine_boot(INNGEST_RESET_POWER_ON)) == INNGEST_ERR_RUNS_FULL && other; n++) { }
    if (status == INNGEST_ERR_RUNS_FULL) {             /* it did not end */
        CHECK(other);
        m.config.runs = 2;
        machine_reboot();
    } else CHECK(status == INNGEST_OK);
    goes_on = machine_runs(NULL);
    CHECK(machine_counters().lost_runs == 0 && machine_run(100000) && machine_runs(NULL) == 0);
    status = machine_boot(INNGEST_RESET_POWER_ON);
    CHECK(status == INNGEST_OK);
    CHECK(machine_counters().lost_runs == 0 && machine_runs(NULL) == 0);
    MACHINE_END();
    return goes_on;
}

static void fewer_runs_than_were(void)
{
    uint32_t i, goes_on = 0, two = 0;
    for (i = 1; i <= 200; i++) goes_on += fewer_runs_torn(i, i % 2, false);
    for (i = 1; i <= 200; i++) two += fewer_runs_torn(i, i % 2, true) == 2;
    CHECK(goes_on > 0 && goes_on < 200 && two > 0 && two < 200);
}

/* What a boot writes of a crash has one of two blocks reclaimed, and its erase fails: the mount does that again, or says so. */
static bool boom_done;
static void idle_that_ends(void *c)
{
    (void)c;
    if (++rig.idles == 1000000) machine_crash();
}
static inngest_status boom(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "boom") if (!boom_done) machine_crash();
    return INNGEST_OK;
}
static const inngest_function boom_table[] = { { .id = "boom", .event = "test/boom", .handler = boom, .journal_bytes = 64 } };
/* Behind so many other jobs it has crashed twice, and goes on alone. */
static void open_boom(uint32_t n, uint32_t blocks, uint16_t unit)
{
    OPEN(boom_table, 1024, blocks, unit);
    boom_done = false;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    fill(n);
    SEND("test/boom", "", 0);
    CHECK(machine_tick() == MACHINE_CRASHED && machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    CHECK(machine_tick() == MACHINE_CRASHED);
}

static void crash_and_erase_fail(uint32_t erases)
{
    static unsigned n, failed, refused;
    inngest_status status;
    failed = refused = 0;
    for (n = 0; n < 40; n++) {
        open_boom(n, 2, 4);
        rig.port.idle = idle_that_ends;
        rig.failed = rig.idles = 0;
        fail(ERASE, 1, erases);
        if (setjmp(machine_reset_vector)) {
            CHECK(rig.idles < 1000000);
            return;
        }
        status = machine_boot(INNGEST_RESET_CRASH);
        CHECK(status == INNGEST_OK || (rig.failed && status == INNGEST_ERR_ERASE));
        failed += rig.failed > 0;
        refused += status != INNGEST_OK;
        fail(ERASE, 0, 0);
        if (status != INNGEST_OK) CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
        boom_done = true;
        CHECK(machine_run(100000) && machine_runs(NULL) == 0 && machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
        CHECK(m.chip.violations == 0);
    }
    CHECK(failed > 0 && (refused > 0 || erases == 1));
}

/* The same of a program that fails, in the last block, to which boots that were cut short have brought the mount: there is room again at the
 * next one, so that it is not said that there is none. */
static void crash_and_program_fail(void)
{
    static uint32_t n, program, cut, blocks;
    unsigned refused = 0;
    inngest_status status;
    for (blocks = 2; blocks <= 4; blocks++) for (n = 0; n < 60; n++) for (cut = 1; cut < 4; cut++) for (program = 1; program < 7; program++) {
        open_boom(n, blocks, 16);
        m.chip.tear = FLASH_TEAR_MIDDLE;
        m.chip.cut_at = m.chip.operations + cut;
        (void)machine_boot(INNGEST_RESET_CRASH);
        flash_power_on(&m.chip);
        m.chip.cut_at = rig.failed = 0;
        fail_done(program);
        status = machine_boot(INNGEST_RESET_CRASH);
        CHECK(status == INNGEST_OK || (rig.failed && status == INNGEST_ERR_PROGRAM));
        refused += status != INNGEST_OK;
        fail(PROGRAM, 0, 0);
        if (status != INNGEST_OK) CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
        boom_done = true;
        CHECK(machine_run(100000) && machine_runs(NULL) == 0);
        CHECK(m.chip.violations == 0);
    }
    CHECK(refused > 0);
}

/* A result is void, and a list stands behind that: a mount that begins with it has not read the void, and reclaim does not carry the
 * result all the same. */
static inngest_status late(inngest_ctx *ctx)
{
    uint32_t value = 0;
    INNGEST_STEP(ctx, "a", value) trace("a");
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_HOURS(1)));
    INNGEST_STEP(ctx, "b", value) { trace("b"); value = 7; }
    trace("%u", value);
    return INNGEST_OK;
}
static void void_before_list(void)
{
    static const inngest_function late_table[] = { { .id = "late", .event = "late", .handler = late } };
    uint8_t b[12];
    uint32_t at, from, list;
    OPEN(late_table, 16384, 8, 4);
    machine_reboot();
    fill(700);                                         /* into the second block */
    SEND("late", "", 0);
    CHECK(machine_run(10) && m.jobs.head_block == 9);
    from = block_end(1) + 8;
    put4(b, 9);
    at = forge(from, RESULT, (2166136261u ^ 'b') * 16777619u, b, 4);
    m.chip.cells[from + 6] = 1;                        /* of run 1, linked to its nap */
    m.chip.cells[from + 11] = (uint8_t)((from - find_in(1, SLEEP)) / 4);
    (void)seal(from);
    put4(b, 8 * 4096 + from / 4);
    put4(b + 4, 8 * 4096 + at / 4);
    at = forge(at, RECLAIMED | 0x80, 0, b, 8);
    memset(b, 0, sizeof b);
    at = forge(at, TIME, 0, b, 12);
    (void)forge(at, TIME, 0, b, 12);
    machine_reboot();
    for (list = m.jobs.list; m.jobs.list == list; (void)machine_tick()) fill(2);
    machine_reboot();
    CHECK(m.jobs.void_count == 0 && m.jobs.list > 0);  /* it has not been read */
    while (m.jobs.tail_block < 11) { fill(2); (void)machine_tick(); }
    machine_reboot();
    CHECK(machine_run((uint32_t)INNGEST_HOURS(1)) && machine_runs(NULL) == 0);
    CHECK_TRACE("a b 7");
    MACHINE_END();
}

/* A boot found an end and wrote it again, but was cut short; the next one found it torn, and goes on in front of it: it is void, though
 * it is what a boot has written again behind a void. */
static void void_elsewhere(void)
{
    static const uint8_t none[1];
    uint32_t at;
    uint8_t b[12] = { 0 };
    (void)open_waiting('s', 4);
    (void)forge(1024 + 24, TIME, 0, b, 12);            /* behind it the end stood */
    put4(b, 5 * 256 + 60 / 4);
    put4(b + 4, 5 * 256 + 68 / 4);
    at = forge(1024 + 68, RECLAIMED | 0xA0, 0, b, 8);
    (void)forge(at, END, 0, none, 0);
    m.chip.cells[at + 6] = 1;
    at = seal(at) + 8;
    put4(b, 5 * 256 + 48 / 4);
    put4(b + 4, 5 * 256 + (at - 1024) / 4);
    at = forge(at, RECLAIMED | 0xA0, 0, b, 8);
    memset(b, 0, sizeof b);
    (void)forge(at, TIME | 0x10, 0, b, 12);
    machine_reboot();
    CHECK(machine_runs(NULL) == 1 && machine_run(6000) && machine_runs(NULL) == 0 && machine_counters().lost_runs == 0);
    CHECK_TRACE("end");
    MACHINE_END();
}

/* A run has ended, as a boot has written again, and another one in the last block, behind a void over the first one's. A cut has that
 * block erased: then what was void by what stood there counts again. */
static void void_no_more(void)
{
    static const uint8_t none[1];
    uint32_t i, at;
    uint8_t b[12] = { 0 };
    (void)open_waiting('s', 4);
    (void)forge(1024 + 24, TIME, 0, b, 12);
    for (i = 2; i < 4; i++) {
        put4(b, 5 * 256 + 12);                         /* positions: from behind that TIME to the void itself */
        put4(b + 4, (4 + i) * 256 + 24 / 4);
        at = forge(i * 1024 + 24, RECLAIMED | 0xA0, 0, b, 8);
        (void)forge(at, END, 0, none, 0);
        m.chip.cells[at + 6] = 1;
        (void)seal(at);
    }
    machine_reboot();
    CHECK(machine_runs(NULL) == 0 && m.chip.cells[3 * 1024 + 24] == 0xFF);
    CHECK(machine_run(6000));
    CHECK_TRACE("");
    MACHINE_END();
}

/* Of many programs that failed eight did their work all the same (D): a mount hears of each, however many voids there are. */
static void voids_are_heard(const char *how)
{
    uint32_t whole[8], i, k, n = 0;
    OPEN(nothing_table, 16384, 4, 4);
    machine_reboot();
    for (; *how; how++) {
        fill(2);
        if (*how == 'D') whole[n++] = m.jobs.head_block * 4096 + m.jobs.head_offset / 4;
        fail(PROGRAM, 1, 1);
        rig.done = *how == 'D';
        fill(2);
        fail(PROGRAM, 0, 0);
    }
    fill(2);
    machine_reboot();
    CHECK(n == 8 && m.jobs.voids_needed == 8);
    for (i = 0; i < n; i++) {
        bool heard = false;
        for (k = 0; k < 8; k++) heard = heard || whole[i] - m.jobs.voids[k][0] < m.jobs.voids[k][1] - m.jobs.voids[k][0];
        CHECK(heard);
    }
    MACHINE_END();
}

int main(int argc, char **argv)
{
    if (argc > 1) places = (uint32_t)atoi(argv[1]);
    sizes();
    hashes();
    ids_survive();
    ids_expire();
    rounds();
    long_replay();
    oddities();
    long_steps();
    alone();
    crash_records();
    restarts();
    stops_that_go_on();
    full_restarts();
    clocks();
    untold_clock();
    no_rooms();
    unreadable();
    lost_attempt();
    erases_fail();
    formats();
    large_groups();
    large_groups_torn();
    no_joint();
    forged();
    cancel_damaged();
    damaged_for_good();
    not_once_more('u');
    not_once_more('p');
    not_once_more('w');
    not_once_more('s');
    wall_clock();
    crashes();
    failing_statuses();
    no_room_now();
    small_things();
    written_again();
    torn_proofs();
    half_erased();
    torn_headers();
    retries_survive();
    lost_headers(1024, 50);
    lost_headers(2048, 20);            /* a position and its block's number have other remainders by 3 */
    headers_blink(FLASH_TEAR_NONE);
    headers_blink(FLASH_TEAR_HALF);
    weak_stops();
    far_blocks(0x7FFFFFF8);
    far_blocks(0x80000100);
    far_blocks(0xFFFFFE00);
    fewer_runs();
    fewer_runs_than_were();
    crash_and_erase_fail(1);
    crash_and_erase_fail(FOR_EVER);
    crash_and_program_fail();
    void_before_list();
    void_elsewhere();
    void_no_more();
    voids_are_heard("FFFFFFFFFFDDDDDDDD");
    voids_are_heard("DFDFDFDFDFDFDFDF");
    voids_are_heard("DFFFFFFFFFFDDDDDDD");
    return TEST_END();
}
