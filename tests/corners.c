/* SPDX-License-Identifier: MIT
 * The rare ways through the engine, each as the header says: sizes at their limits, ids whose hashes meet, numbers that
 * wrap, calls at odd moments, and a port that fails just there. */
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER, .journal_bytes = 200
#define SEND(name, data, size) CHECK(inngest_send(&m.jobs, name, data, size) == INNGEST_OK)
#define OPEN(table, block, blocks, g) open_machine(table, (uint16_t)(sizeof(table) / sizeof *(table)), block, blocks, g)
#define NOON INT64_C(1767268800000)      /* 2026-01-01T12:00:00Z */
#define HOUR 3600000u

/* ---- a port that fails from a call on ------------------------------------------------------------------------------ */

enum { READ, PROGRAM, ERASE, SYNC, CALLS };
static struct { inngest_port port; uint32_t calls[CALLS], at[CALLS], until[CALLS], busy; unsigned wakes, restarts, failed; bool no_writes; } rig;

static int fails(int kind)
{
    uint32_t n = ++rig.calls[kind];
    bool failed = rig.at[kind] && n >= rig.at[kind] && n < rig.until[kind];
    rig.failed += failed;
    return failed ? -77 : 0;
}
static int rig_read(void *c, uint32_t at, void *to, uint32_t n) { (void)c; return fails(READ) ? -77 : m.chip.port.read(&m.chip, at, to, n); }
static int rig_program(void *c, uint32_t at, const void *from, uint32_t n) { (void)c; return fails(PROGRAM) ? -77 : m.chip.port.program(&m.chip, at, from, n); }
static int rig_sync(void *c) { (void)c; return fails(SYNC); }
static int rig_erase(void *c, uint32_t at)
{
    (void)c;
    if (rig.busy) { rig.busy--; return INNGEST_PORT_BUSY; }
    return fails(ERASE) ? -77 : m.chip.port.erase(&m.chip, at);
}
static void rig_wake(void *c) { (void)c; rig.wakes++; }
static void rig_restart(void *c) { (void)c; rig.restarts++; }
static bool rig_may_write(void *c) { (void)c; return !rig.no_writes; }

/* From the n-th call from now on, so many of them; n = 0: none any more. */
static void fail(int kind, uint32_t n, uint32_t count)
{
    rig.at[kind] = n ? rig.calls[kind] + n : 0;
    rig.until[kind] = n ? rig.at[kind] + count : 0;
}
#define FOR_EVER 1000000u

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
    CHECK(machine_counters().refused_name == 2 && machine_counters().refused_size == 6);
    rig.port.wake = NULL;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && inngest_complete(&m.jobs, token, INNGEST_OK, data, 1) == INNGEST_OK);
    for (i = 6; i < MACHINE_EVENTS; i++) SEND("test/1", data, 1);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, data, 1) == INNGEST_ERR_QUEUE_FULL);
    CHECK(machine_counters().refused_full == 1);
    CHECK(machine_run(100) && machine_counters().runs_ended == 3 + MACHINE_EVENTS - 6 && machine_counters().stale_tokens == 2);
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
static const inngest_function zero_table[] = { { .id = "zero", .event = "zero", .handler = zero_step, QUICK },
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
    MACHINE_END();
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
    case 'z': return INNGEST_PAUSED;                                       /* for nothing */
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
static const inngest_function odd_table[] = { { .id = "odd", .event = "test/*", .handler = odd, .max_attempts = 1, QUICK } };

static void oddities(void)
{
    static const struct { char how; inngest_status ends, why; } all[] = {
        { 'c', INNGEST_FAIL, INNGEST_ERR_STEP_LEFT }, { 'C', INNGEST_FAIL, INNGEST_ERR_STEP_LEFT }, { 'n', INNGEST_FAIL, INNGEST_ERR_ARGUMENT },
        { 'l', INNGEST_FAIL, INNGEST_ERR_ARGUMENT }, { 'b', INNGEST_FAIL, INNGEST_ERR_RESULT_SIZE }, { 's', INNGEST_FAIL, INNGEST_ERR_NESTED },
        { 'o', INNGEST_OK, INNGEST_OK }, { 'e', INNGEST_FAIL, INNGEST_ERR_NAME }, { 'E', INNGEST_FAIL, INNGEST_ERR_NAME },
        { 'p', INNGEST_FAIL, INNGEST_ERR_STEP_ID }, { 'P', INNGEST_OK, INNGEST_OK }, { 'x', INNGEST_FAIL, INNGEST_ERR_STEP_LEFT },
        { 'y', INNGEST_FAIL, INNGEST_ERR_STEP_ID }, { 'z', INNGEST_FAIL, INNGEST_ERR_STATUS }, { 'Z', INNGEST_OK, INNGEST_OK },
        { 'd', INNGEST_OK, INNGEST_OK }, { 't', INNGEST_FAIL, INNGEST_FAIL } };
    unsigned i;
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        OPEN(odd_table, 1024, 4, 4);
        machine_reboot();
        SEND("test/odd", &all[i].how, 1);
        CHECK(machine_run(1));
        if (all[i].how == 'P') { CHECK(machine_runs(NULL) == 1); CHECK(inngest_cancel(&m.jobs, ((uint64_t)0)) == INNGEST_ERR_NOT_FOUND); MACHINE_END(); machine_trace[0] = 0; continue; }
        CHECK(machine_run(5000) && machine_runs(NULL) == 0);
        if (!machine_ended_as(all[i].ends, all[i].why, NULL)) { CHECK(false); printf("  at %c\n", all[i].how); }
        machine_trace[0] = 0;
        MACHINE_END();
    }
}

int main(void)
{
    sizes();
    hashes();
    ids_expire();
    rounds();
    oddities();
    return TEST_END();
}
