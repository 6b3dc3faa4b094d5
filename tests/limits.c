/* SPDX-License-Identifier: MIT
 * Runs, steps and ticks where a limit is met exactly, and what can only be told apart there: which configurations are
 * just allowed, what is durable when user code runs, what a step in progress is told, what the counts of bytes say. */
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER
#define SEND(name, data, size) CHECK(inngest_send(&m.jobs, name, data, size) == INNGEST_OK)
#define NOON INT64_C(1767225600000)

static void step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t in)
{
    (void)user; (void)run; (void)in;
    trace("%s/%d:%s", step, attempt, inngest_status_name(status));
}
static unsigned passes;
static void run_start(void *user, uint64_t run, const char *function) { (void)user; (void)run; (void)function; passes++; }
static const inngest_hooks hooks = { .run_start = run_start, .run_end = machine_run_end, .step_end = step_end };

static inngest_function table[2];
static void start(inngest_handler *handler, uint8_t attempts, uint16_t bytes)
{
    const inngest_function f = { .id = "job", .event = "go", QUICK };
    table[0] = f;
    table[0].handler = handler;
    table[0].max_attempts = attempts;
    table[0].journal_bytes = bytes;
    memset(&machine_ended, 0, sizeof machine_ended);
    passes = 0;
    machine_open(table, 1, 4096, 4, 4);
    m.config.hooks = &hooks;
    machine_reboot();
}
static void go(const void *data, size_t size)
{
    SEND("go", data, size);
    CHECK(machine_run(1));
}
static inngest_run_info only(void)
{
    inngest_run_info info;
    memset(&info, 0, sizeof info);
    CHECK(machine_runs(&info) == 1);
    return info;
}

/* ---- the configuration ----------------------------------------------------------------------------------------- */

static int no_read(void *context, uint32_t address, void *data, uint32_t size)
{
    (void)context; (void)address; (void)data; (void)size;
    return -1;
}
static inngest_status nothing(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }

/* Allowed: it comes as far as the storage, which cannot be read. */
static void just_allowed(void)
{
    static const struct { uint32_t runs, events, size, count; uint16_t unit; } most[] = {
        { 1, 2, 512, 2, 1 }, { 65534, 2, 512, 2, 1 }, { 1, 32768, 512, 2, 1 }, { 1, 2, 262144, 2, 32 }, { 1, 2, 512, 65535, 4 },
        { 1, 2, 131072, 512, 4 }, { 1, 2, 131072, 512, 1 }, { 1, 2, 131072, 4096, 32 } };
    const inngest_function patterns[] = { { .id = "a", .event = "/*", .handler = nothing }, { .id = "b", .event = ".*", .handler = nothing },
                                          { .id = "c", .event = "a/*", .handler = nothing } };
    unsigned i;
    inngest_port port;
    start(nothing, 1, 64);
    for (i = 0; i < sizeof most / sizeof *most; i++) {
        size_t size = INNGEST_MEMORY((size_t)most[i].runs, (size_t)most[i].events);
        void *memory = malloc(size);
        port = m.chip.port;
        port.read = no_read;
        port.block_size = most[i].size;
        port.block_count = most[i].count;
        port.program_size = most[i].unit;
        m.config.port = &port;
        m.config.memory = memory;
        m.config.memory_size = size;
        m.config.runs = most[i].runs;
        m.config.events = most[i].events;
        m.config.functions = NULL;
        m.config.function_count = 0;
        CHECK(inngest_init(&m.jobs, &m.config, NULL) == INNGEST_ERR_READ);
        m.config.memory_size = size - 1;
        CHECK(inngest_init(&m.jobs, &m.config, NULL) == INNGEST_ERR_MEMORY);
        free(memory);
    }
    MACHINE_END();
    machine_open(patterns, 3, 4096, 4, 4);
    machine_reboot();
    MACHINE_END();
}

/* The memory is as large as it must be, wherever it begins: nothing is written behind it. */
static void memory_ends(void)
{
    static int64_t room[INNGEST_MEMORY(3, 4) / 8 + 20];
    size_t size = INNGEST_MEMORY(3, 4), at, i;
    uint8_t *bytes = (uint8_t *)room;
    start(nothing, 1, 64);
    m.config.runs = 3;
    m.config.events = 4;
    m.config.memory_size = size;
    for (at = 0; at < 64; at += 8) {
        memset(room, 0x77, sizeof room);
        m.config.memory = bytes + 8 + at;
        CHECK(inngest_init(&m.jobs, &m.config, NULL) == INNGEST_OK);
        SEND("go", "x", 1);
        SEND("go", "x", 1);
        CHECK(machine_run(1) && machine_counters().runs_ended == 2);
        for (i = 0; i < 8 + at; i++) CHECK(bytes[i] == 0x77);
        for (i = 8 + at + size; i < sizeof room; i++) CHECK(bytes[i] == 0x77);
    }
    MACHINE_END();
}

/* ---- what is durable when user code runs ----------------------------------------------------------------------- */

static bool dirty;                     /* programmed, and not synced */
static int (*program_below)(void *, uint32_t, const void *, uint32_t);
static bool no_programs;
static int marking_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    if (no_programs) return -9;
    dirty = true;
    return program_below(context, address, data, size);
}
static int clearing_sync(void *context) { (void)context; dirty = false; return 0; }
static void note_syncs(void)
{
    program_below = m.chip.port.program;
    m.chip.port.program = marking_program;
    m.chip.port.sync = clearing_sync;
}
static unsigned restarts, asked;
static void restart(void *context) { (void)context; CHECK(!dirty); restarts++; }
static bool when(void *user, const void *data, size_t size)
{
    (void)user; (void)data; (void)size;
    CHECK(!dirty);
    asked++;
    return true;
}
static unsigned crashes;
static inngest_status fail_body(inngest_ctx *ctx, const void *arg, void *result) { (void)arg; (void)result; return inngest_fail(ctx, 1, "no"); }
static inngest_status careful_too(inngest_ctx *ctx)
{
    inngest_status status;
    INNGEST_CATCH(status, inngest_step_run(ctx, "fails", fail_body, NULL, NULL, 0));
    CHECK(status == INNGEST_STEP_FAILED && !dirty);
    INNGEST_TRY(inngest_step_restart(ctx, "restart"));
    CHECK(!dirty);
    return INNGEST_OK;
}
static inngest_status careful_first(inngest_ctx *ctx)
{
    static const inngest_step_options intent = { .intent = true };
    uint8_t progress = 3;
    if (crashes) { CHECK(!dirty); crashes--; machine_crash(); }
    INNGEST_DO_WITH(ctx, "intent", &intent) CHECK(!dirty);
    CHECK(!dirty);
    INNGEST_DO(ctx, "save") {
        INNGEST_TRY(inngest_step_save(ctx, &progress, 1));
        CHECK(!dirty);
    }
    return careful_too(ctx);
}
static void durable_first(void)
{
    unsigned i;
    start(careful_first, 1, 400);
    note_syncs();
    m.chip.port.restart = restart;
    restarts = asked = 0;
    dirty = false;
    crashes = 2;
    machine_reboot();
    SEND("go", "", 0);
    for (i = 0; i < 3 && !machine_run(100); i++) CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    CHECK(crashes == 0 && restarts == 1 && !dirty);
    machine_reboot();
    CHECK(machine_run(100) && machine_runs(NULL) == 0 && !dirty);
    table[0].when = when;
    CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    SEND("go", "", 0);                                 /* its predicate is called behind a record */
    CHECK(machine_run(100) && asked == 1 && restarts == 2);
    machine_reboot();
    CHECK(machine_run(100) && machine_runs(NULL) == 0 && inngest_close(&m.jobs) == INNGEST_OK && !dirty);
    machine_reboot();
    SEND("go", "", 0);                                 /* behind a clean stop: a trace of that first */
    CHECK(machine_run(100) && asked == 2 && restarts == 3);
    machine_trace[0] = 0;
    MACHINE_END();
}

/* So is what init wrote, and it says if it is not. */
static int failing_sync(void *context) { (void)context; return -5; }
static void init_is_durable(void)
{
    start(nothing, 1, 200);
    note_syncs();
    machine_reboot();
    go("", 0);
    machine_reboot();
    CHECK(!dirty);
    go("", 0);
    m.chip.port.sync = failing_sync;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_SYNC);
    MACHINE_END();
}

/* User code that resets the machine right behind a clean stop: the next boot knows that it was none. */
static unsigned resets;
static bool resetting(void *user, const void *data, size_t size)
{
    (void)user; (void)data; (void)size;
    resets++;
    machine_crash();
    return true;
}
static void behind_a_clean_stop(void)
{
    unsigned boots;
    start(nothing, 1, 200);
    go("", 0);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    table[0].when = resetting;
    resets = 0;
    for (boots = 0; boots < 20; boots++) {
        CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);
        SEND("go", "", 0);
        if (machine_run(1)) break;
    }
    CHECK(boots == resets && resets == INNGEST_CRASH_LIMIT + 1);
    MACHINE_END();
}

/* The trace is durable, too, where a body runs with nothing to be written in front of it. */
static inngest_status retried(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "try") {
        trace(dirty ? "dirty" : "clean");
        return INNGEST_RETRY;
    }
    return INNGEST_OK;
}
static void trace_is_durable(void)
{
    start(retried, 3, 200);
    note_syncs();
    machine_reboot();
    go("", 0);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    machine_reboot();
    CHECK(machine_run(100000));
    CHECK_TRACE("clean try/0:RETRY clean try/1:RETRY clean try/2:STEP_FAILED");
    MACHINE_END();
}

/* Results longer than the stage, written and replayed: nothing is put behind it. */
static inngest_status fives(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)ctx;
    memset(result, 5, *(const uint16_t *)arg);
    return INNGEST_OK;
}
static inngest_status long_results(inngest_ctx *ctx)
{
    static const uint16_t sizes[] = { 100, 113, 129, 150, 200, 255, 300 };
    uint8_t bytes[300];
    unsigned i;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        INNGEST_TRY(inngest_step_run(ctx, "fives", fives, &sizes[i], bytes, sizes[i]));
        CHECK(bytes[0] == 5 && bytes[sizes[i] - 1] == 5);
        INNGEST_TRY(inngest_step_sleep(ctx, "nap", 10));
    }
    return INNGEST_OK;
}
static void behind_the_stage(void)
{
    unsigned i;
    start(long_results, 1, 2000);
    for (i = 0; i < 2; i++) {
        SEND("go", "", 0);
        CHECK(machine_run(i ? 1000 : 35));
        CHECK(m.jobs.void_count == 0 && m.jobs.voids_needed == 0 && !m.jobs.doubted && m.jobs.voids[0][0] == 0 && m.jobs.voids[7][1] == 0);
        machine_reboot();
    }
    CHECK(machine_runs(NULL) == 0);
    machine_trace[0] = 0;
    MACHINE_END();
}

/* A cancel is durable when it comes back, outside user code. */
static inngest_status nap(inngest_ctx *ctx) { return inngest_step_sleep(ctx, "nap", INNGEST_HOURS(1)); }
static void cancel_is_durable(void)
{
    uint64_t id;
    uint32_t records;
    start(nap, 1, 200);
    note_syncs();
    machine_reboot();
    go("", 0);
    id = only().id;
    CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK && !dirty);
    records = machine_counters().records;
    CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK && machine_counters().records == records);       /* twice is once */
    CHECK(machine_run(1) && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* ---- steps in progress ----------------------------------------------------------------------------------------- */

static inngest_token token;
static inngest_status stop_gives = INNGEST_PENDING;
static uint32_t again_in;
static int body_attempt;
static inngest_status motor(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    token = inngest_step_token(ctx);
    body_attempt = inngest_attempt(ctx);
    trace("m%d", (int)inngest_stop_reason(ctx));
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) return stop_gives;
    return again_in ? inngest_again(ctx, again_in) : INNGEST_PENDING;
}
static inngest_step_options motor_options;
static inngest_status motor_job(inngest_ctx *ctx)
{
    inngest_status st = inngest_step_run_with(ctx, "motor", &motor_options, motor, NULL, NULL, 0);
    trace("(%s)", inngest_status_name(st));
    if ((int)st > 0) return st;
    INNGEST_TRY(st);
    return nap(ctx);
}
static inngest_status race(inngest_ctx *ctx)
{
    inngest_status a, b;
    inngest_parallel(ctx, "g");
    a = inngest_step_run(ctx, "motor", motor, NULL, NULL, 0);
    b = inngest_step_sleep(ctx, "short", 1000);
    trace("(%s)", inngest_status_name(a));
    INNGEST_TRY(inngest_any(ctx, &a, &b));
    return INNGEST_OK;
}
static void options(uint32_t timeout, bool intent)
{
    const inngest_step_options o = { .timeout_ms = timeout, .intent = intent };
    motor_options = o;
    again_in = 0;
    stop_gives = INNGEST_PENDING;
}

static void told_to_stop(void)
{
    options(1000, false);                              /* it gives FAIL: no attempt more */
    start(motor_job, 3, 400);
    stop_gives = INNGEST_FAIL;
    go("", 0);
    CHECK(machine_run(100000) && machine_runs(NULL) == 0);
    CHECK_TRACE("m0 (PAUSED) m1 motor/0:STEP_FAILED (STEP_FAILED)");
    CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_TIMED_OUT, "motor"));
    MACHINE_END();
    options(0, false);
    start(motor_job, 3, 400);
    go("", 0);
    CHECK(inngest_cancel(&m.jobs, only().id) == INNGEST_OK && machine_run(1) && machine_runs(NULL) == 0);
    CHECK_TRACE("m0 (PAUSED) m2 motor/0:CANCELLED (PAUSED)");
    MACHINE_END();
    start(race, 3, 400);
    go("", 0);
    CHECK(machine_run(2000) && machine_runs(NULL) == 0);
    CHECK_TRACE("m0 (PAUSED) (PAUSED) m3 motor/0:LOST (LOST)");
    MACHINE_END();
}

/* What was completed with too much fails the run, and its handler is not called for it again. */
static void too_large(void)
{
    options(0, false);
    start(motor_job, 3, 400);
    go("", 0);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, "x", 1) == INNGEST_OK && machine_run(1) && machine_runs(NULL) == 0);
    CHECK_TRACE("m0 (PAUSED) (ERR_RESULT_SIZE)");
    MACHINE_END();
}

/* The intent names its attempt, and is written once an attempt. */
static void intents(void)
{
    uint32_t records;
    options(0, true);
    start(motor_job, 3, 400);
    go("", 0);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_RETRY, NULL, 0) == INNGEST_OK && machine_run(1500) && body_attempt == 1);
    machine_reboot();
    body_attempt = 0;
    records = machine_counters().records;
    CHECK(machine_run(1) && body_attempt == 1 && machine_counters().records == records);
    machine_trace[0] = 0;
    MACHINE_END();
}

/* The clock is made good for a step in progress, too. */
static void clock_in_progress(uint32_t timeout, uint32_t again, int64_t expect)
{
    int64_t left;
    options(timeout, false);
    start(motor_job, 3, 400);
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    (void)machine_tick();
    machine_reboot();
    again_in = again;
    go("", 0);
    CHECK_TRACE("m0 (PAUSED)");
    inngest_set_wall_clock(&m.jobs, NOON + INNGEST_MINUTES(10) + 1, m.now);
    CHECK(machine_tick() != 0);
    CHECK_TRACE("(PAUSED)");
    left = only().deadline_in_ms;
    CHECK(expect == INT64_MAX ? left == INT64_MAX : left > expect - 3 && left <= expect);
    inngest_set_wall_clock(&m.jobs, NOON + INNGEST_MINUTES(10) + 1, m.now);
    CHECK(machine_run((uint32_t)INNGEST_MINUTES(5)));
    CHECK_TRACE("");
    MACHINE_END();
}

/* All places are taken: a branch that needs one waits for it, and does not try on and on. A body that is left by return
 * gives the other branches their turn. */
static inngest_status in_group(inngest_ctx *ctx)
{
    char how;
    inngest_status a = INNGEST_OK, b;
    INNGEST_TRY(inngest_event_data(ctx, &how, 1));
    if (how == 'm') return motor_job(ctx);
    inngest_parallel(ctx, "g");
    INNGEST_DO_AS(a, ctx, "a") {
        if (how == 'p') return INNGEST_PENDING;
        if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 5000, 1, "later");
    }
    INNGEST_DO_AS(b, ctx, "b") trace("b");
    INNGEST_TRY(inngest_all(ctx, &a, &b));
    return INNGEST_OK;
}
static void left_by_return(void)
{
    unsigned i, before;
    options(0, false);
    start(in_group, 3, 200);
    go("r", 1);
    CHECK_TRACE("a/0:RETRY b b/0:OK");
    CHECK(machine_run(6000) && machine_runs(NULL) == 0);
    for (i = 0; i < INNGEST_ACTIVE_STEPS; i++) go("m", 1);
    before = passes;
    go("p", 1);
    CHECK(machine_run(5000));
    CHECK(passes - before < 4);
    machine_trace[0] = 0;
    MACHINE_END();
}

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

/* What a run is said to use is the same behind a reset. */
static inngest_status end_step(inngest_ctx *ctx, const void *arg, void *result)
{
    unsigned i, n = *(const uint8_t *)arg;
    uint8_t progress[60] = { 0 };
    (void)result;
    for (i = 0; i < n; i++) {
        progress[0] = (uint8_t)(i + 1);
        INNGEST_TRY(inngest_step_save(ctx, progress, sizeof progress));
    }
    return INNGEST_OK;
}
static inngest_status byte_job(inngest_ctx *ctx)
{
    char how;
    uint8_t n;
    INNGEST_TRY(inngest_event_data(ctx, &how, 1));
    n = (uint8_t)(how - '0');
    if (how == 'f') return inngest_fail(ctx, 1, "on purpose");
    if (how == 'm') return motor_job(ctx);
    INNGEST_TRY(inngest_step_run(ctx, "s", end_step, &n, NULL, 0));
    return nap(ctx);
}
static void bytes_used(void)
{
    static const char *const all[] = { "0", "1", "2", "3", "f", "m" };
    uint32_t before;
    unsigned i;
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        options(0, false);
        start(byte_job, 3, 600);
        table[0].on_failure = nap;
        go(all[i], 1);
        if (all[i][0] == 'm') {
            CHECK(inngest_complete(&m.jobs, token, INNGEST_RETRY, NULL, 0) == INNGEST_OK && machine_run(1500));
            CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK && machine_run(1));
        }
        before = only().journal_bytes;
        machine_reboot();
        CHECK(before > 20 && only().journal_bytes == before);
        if (test_failed) printf("  %s: %u, %u\n", all[i], (unsigned)before, (unsigned)only().journal_bytes);
        machine_trace[0] = 0;
        MACHINE_END();
    }
}

/* So it is where progress was saved in an earlier boot. */
static bool goes_on;
static inngest_status saves_first(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "s") {
        if (goes_on) continue;
        INNGEST_TRY(inngest_step_save(ctx, "0123456789012345678901234567890123456789", 40));
        return INNGEST_PENDING;
    }
    return nap(ctx);
}
static void bytes_of_progress(void)
{
    uint32_t before;
    goes_on = false;
    start(saves_first, 3, 600);
    go("", 0);
    goes_on = true;
    machine_reboot();
    CHECK(machine_run(1));
    before = only().journal_bytes;
    machine_reboot();
    CHECK(only().journal_bytes == before);
    machine_trace[0] = 0;
    MACHINE_END();
}

/* After a crash a run in a long step keeps the others waiting for so long; that this is over is written once. */
static void released_once(void)
{
    uint32_t records;
    unsigned i;
    options(0, false);
    start(motor_job, 3, 200);
    SEND("go", "", 0);
    SEND("go", "", 0);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK && machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK && machine_run(INNGEST_SUSPECT_MS - 1));
    CHECK_TRACE("m0 (PAUSED)");
    CHECK(machine_run(1));
    CHECK_TRACE("m0 (PAUSED)");
    CHECK(machine_run(INNGEST_SUSPECT_MS + 10));
    records = machine_counters().records;
    for (i = 0; i < 50; i++) { inngest_wake(&m.jobs); CHECK(machine_run(1)); }
    CHECK(machine_counters().records <= records + 1);        /* the time, at most */
    MACHINE_END();
}

/* A sleep that began in the first ms of a boot, and was carried since, is moved by the time off as any of this boot. */
static void carried_at_once(void)
{
    unsigned i;
    start(nap, 1, 200);
    table[1] = table[0];
    table[1].id = table[1].event = "other";
    table[1].handler = nothing;
    m.config.function_count = 2;
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    CHECK(machine_run(1000));
    machine_reboot();
    SEND("go", "", 0);
    (void)machine_tick();
    for (i = 0; i < 2000 && machine_counters().erases < 10; i++) {
        CHECK(inngest_send(&m.jobs, "other", "0123456789", 10) == INNGEST_OK);
        (void)machine_tick();
    }
    CHECK(machine_counters().carried > 0);
    inngest_set_wall_clock(&m.jobs, NOON + INNGEST_MINUTES(50), m.now);
    CHECK(machine_run((uint32_t)INNGEST_MINUTES(59)) && machine_runs(NULL) == 1);
    CHECK(machine_run((uint32_t)INNGEST_MINUTES(2)) && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* A run that does nothing but sleep uses up its bytes, too. */
static inngest_status sleeper(inngest_ctx *ctx)
{
    for (;;) INNGEST_TRY(inngest_step_sleep(ctx, "nap", 10));
}
static void sleeps_too_much(void)
{
    uint16_t bytes;
    for (bytes = 200; bytes < 240; bytes += 4) {
        start(sleeper, 3, bytes);
        SEND("go", "", 0);
        CHECK(machine_run(10000) && machine_runs(NULL) == 0 && machine_ended_as(INNGEST_FAIL, INNGEST_ERR_RUN_BYTES, "nap"));
        CHECK(machine_counters().records % 2 == 0);       /* START, END, two a nap: none of one that is too much */
        MACHINE_END();
    }
}

/* And one that does nothing but send events, which nobody wants. */
static inngest_status sender(inngest_ctx *ctx)
{
    for (;;) INNGEST_TRY(inngest_step_send(ctx, "mail", "nobody", NULL, 0));
}
static void sends_too_much(void)
{
    start(sender, 3, 200);
    SEND("go", "", 0);
    CHECK(machine_run(10000) && machine_runs(NULL) == 0 && machine_ended_as(INNGEST_FAIL, INNGEST_ERR_RUN_BYTES, "mail"));
    MACHINE_END();
}

/* What the largest reservation of a journal is, to a byte. */
static void largest_reservation(void)
{
    static const struct { uint32_t size, blocks; uint16_t most; } all[] = { { 1024, 4, 360 }, { 1024, 8, 2632 }, { 4096, 2, 1668 }, { 2048, 3, 1384 } };
    unsigned i;
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        uint32_t bytes;
        start(nap, 3, 64);
        flash_close(&m.chip);
        CHECK(flash_open(&m.chip, all[i].size, all[i].blocks, 4, 1));
        m.config.port = &m.chip.port;
        for (bytes = 65532; bytes > 64; bytes -= 4) {
            table[0].journal_bytes = (uint16_t)bytes;
            if (machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK) break;
        }
        CHECK(bytes == all[i].most);
        MACHINE_END();
    }
}

/* ---- ids, statuses, messages ------------------------------------------------------------------------------------ */

/* An event id is one for a day, to the ms. */
static void id_expires(void)
{
    inngest_event event = { "go", NULL, 0, "one", 0 };
    start(nothing, 1, 64);
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(0));
    m.now += INNGEST_SEEN_MS - 1;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(0) && machine_counters().duplicates == 1);
    m.now++;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(0) && machine_counters().duplicates == 1);
    MACHINE_END();
}

/* Events with ids wait for one to expire, and a completion passes them by. */
static void ids_full(void)
{
    char id[2] = "a";
    inngest_event event = { "other", NULL, 0, NULL, 0 };
    unsigned i;
    options(0, false);
    start(motor_job, 1, 200);
    table[1] = table[0];
    table[1].id = "other";
    table[1].event = "other";
    table[1].handler = nothing;
    m.config.function_count = 2;
    machine_reboot();
    go("", 0);
    event.id = id;
    for (i = 0; i <= INNGEST_SEEN_IDS; i++) {
        id[0] = (char)('a' + i);
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK);
    }
    CHECK(machine_run(1) && machine_counters().waiting_seen > 0);
    machine_trace[0] = 0;
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK && machine_run(1));
    CHECK_TRACE("motor/0:OK (OK)");
    MACHINE_END();
}

static inngest_status gives(inngest_ctx *ctx, const void *arg, void *result)
{
    const int16_t *status = arg;
    (void)ctx; (void)result;
    return (inngest_status)*status;
}
static inngest_status given(inngest_ctx *ctx)
{
    int16_t status;
    INNGEST_TRY(inngest_event_data(ctx, &status, 2));
    if (status == 1) return inngest_retry(ctx, 7, "handler");
    if (status == 2) {
        char text[4];
        return inngest_event_string(ctx, "data.none", text, 4);
    }
    return inngest_step_run(ctx, "gives", gives, &status, NULL, 0);
}
static void statuses(void)
{
    static const struct { int16_t gives; inngest_status error; const char *message, *trace; } all[] = {
        { INNGEST_ERR_SYNC, INNGEST_ERR_SYNC, "gives", "gives/0:STEP_FAILED" }, { INNGEST_ERR_SYNC - 1, INNGEST_ERR_STATUS, "gives", "" },
        { INNGEST_STEP_FAILED, INNGEST_STEP_FAILED, "gives", "gives/0:STEP_FAILED" }, { -256, INNGEST_ERR_STATUS, "gives", "" },
        { 1, INNGEST_FAIL, "handler", "" }, { 2, INNGEST_ERR_JSON, "data.none", "" } };
    unsigned i;
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        start(given, 1, 200);
        SEND("go", &all[i].gives, 2);
        CHECK(machine_run(100000) && machine_runs(NULL) == 0 && machine_ended_as(INNGEST_FAIL, all[i].error, all[i].message));
        CHECK_TRACE(all[i].trace);
        MACHINE_END();
    }
    CHECK(strcmp(inngest_status_name((inngest_status)-512), "") == 0 && strcmp(inngest_status_name((inngest_status)512), "") == 0);
}

/* A step whose id hashes to 1 is one as any; so is progress of the largest size; a key names the phase; of two branches that are
 * well the first wins; an event that nobody wants is sent once. */
static const char *const one_id = "ei4l0b";
static char key[INNGEST_KEY_SIZE];
static bool woke;
static inngest_status odds(inngest_ctx *ctx)
{
    uint8_t bytes[INNGEST_RESULT_BYTES] = { 1 };
    inngest_status a, b;
    INNGEST_DO(ctx, one_id) { trace("one"); inngest_idempotency_key(ctx, key); }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    if (!woke) trace("woke");
    woke = true;
    INNGEST_DO(ctx, "largest") INNGEST_TRY(inngest_step_save(ctx, bytes, sizeof bytes));
    inngest_parallel(ctx, "g");
    INNGEST_DO_AS(a, ctx, "a") { }
    INNGEST_DO_AS(b, ctx, "b") { }
    INNGEST_TRY(inngest_any(ctx, &a, &b));
    CHECK(a == INNGEST_OK && b == INNGEST_LOST);
    INNGEST_TRY(inngest_step_send(ctx, "send", "unwanted", NULL, 0));
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    trace("end");
    return inngest_fail(ctx, 1, "end");
}
static inngest_status odds_failed(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, one_id) inngest_idempotency_key(ctx, key);
    return INNGEST_OK;
}
static void odd_things(void)
{
    unsigned i;
    start(odds, 1, 1200);
    table[0].on_failure = odds_failed;
    m.config.hooks = NULL;
    machine_reboot();
    go("", 0);
    CHECK(strcmp(key + 16, "0000000000000001") == 0);
    for (i = 0; i < 3; i++) {
        if (i) machine_reboot();
        CHECK(machine_counters().damaged == 0 && machine_counters().torn == 0 && machine_run(1001));
        if (i == 0) CHECK_TRACE("one woke");
    }
    CHECK_TRACE("end");
    CHECK(machine_runs(NULL) == 0 && strcmp(key + 16, "0000000100000001") == 0);
    MACHINE_END();
}

/* ---- the clock -------------------------------------------------------------------------------------------------- */

/* What is told again is not written again, unless it is a second off. */
static void clock_writes(void)
{
    static const struct { int32_t off; uint32_t records; } all[] = { { 0, 0 }, { 999, 0 }, { -999, 0 }, { 1000, 1 }, { -1000, 1 } };
    unsigned i;
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        uint32_t records;
        start(nothing, 1, 64);
        inngest_set_wall_clock(&m.jobs, NOON, m.now);
        records = machine_counters().records;
        inngest_set_wall_clock(&m.jobs, NOON + all[i].off, m.now);
        CHECK(machine_counters().records == records + all[i].records);
        MACHINE_END();
    }
}

/* User code sets the clock by a second under its own wait for a date. */
static int32_t set_by;
static bool set_once;
static inngest_status dater(inngest_ctx *ctx)
{
    inngest_status st = inngest_step_sleep_until(ctx, "date", NOON + 100000);
    if (st != INNGEST_OK && !set_once) {
        set_once = true;
        inngest_set_wall_clock(&m.jobs, NOON + set_by, m.now);
    }
    if (st == INNGEST_OK) trace("%u", (unsigned)m.now);
    return st;
}
static void clock_in_a_pass(void)
{
    for (set_by = -1000; set_by <= 1000; set_by += 2000) {
        set_once = false;
        start(dater, 1, 200);
        inngest_set_wall_clock(&m.jobs, NOON, m.now);
        go("", 0);
        CHECK(only().deadline_in_ms == 99999 - set_by);
        CHECK(machine_run(200000) && machine_runs(NULL) == 0);
        CHECK_TRACE(set_by < 0 ? "101000" : "99000");
        MACHINE_END();
    }
}

/* ---- the tick --------------------------------------------------------------------------------------------------- */

/* With more runs and events than the machine has, and storage for them. */
static void start_large(inngest_handler *handler, uint32_t runs, uint32_t events, void *memory, size_t size)
{
    start(handler, 1, 64);
    flash_close(&m.chip);
    CHECK(flash_open(&m.chip, 16384, 4, 4, 1));
    m.config.memory = memory;
    m.config.memory_size = size;
    m.config.runs = runs;
    m.config.events = events;
    CHECK(inngest_init(&m.jobs, &m.config, NULL) == INNGEST_OK);
}

/* More runs are due than a tick has passes. */
static void most_passes(void)
{
    enum { RUNS = INNGEST_TICK_PASSES + 16 };
    static int64_t memory[INNGEST_MEMORY(RUNS, 128) / 8 + 1];
    unsigned i;
    start_large(nap, RUNS, 128, memory, sizeof memory);
    for (i = 0; i < RUNS; i++) { SEND("go", "", 0); (void)machine_tick(); }
    CHECK(machine_run(10) && machine_runs(NULL) == RUNS);
    m.now += (uint32_t)INNGEST_HOURS(2);
    passes = 0;
    CHECK(machine_tick() == 0 && passes == INNGEST_TICK_PASSES);
    CHECK(machine_run(10) && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* All runs have ended, in as many passes as a tick goes on behind, and one more event is in the queue: the next tick is due at once. */
static void one_behind(void)
{
    enum { RUNS = (INNGEST_TICK_PASSES + 1) / 2 };
    static int64_t memory[INNGEST_MEMORY(RUNS, 2 * RUNS) / 8 + 1];
    unsigned i, ticks = 0;
    start_large(nothing, RUNS, 2 * RUNS, memory, sizeof memory);
    for (i = 0; i <= RUNS; i++) SEND("go", "", 0);
    while (machine_tick() == 0 && ticks++ < 100) { }
    CHECK(ticks < 100 && machine_ended.count == RUNS + 1 && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* While a block is being erased ahead the tick asks to be called at once. */
static void erase_is_polled(void)
{
    unsigned i, polls = 0;
    start(nap, 1, 64);
    m.chip.busy = 3;
    for (i = 0; i < 2000; i++) {
        uint32_t erases = machine_counters().erases;
        inngest_set_wall_clock(&m.jobs, NOON + (i % 2) * 100000 + m.now, m.now);
        while (machine_tick() == 1 && polls < 10000) polls++;
        if (erases != machine_counters().erases && polls > 8) break;
    }
    CHECK(polls > 8 && polls < 10000);
    MACHINE_END();
}

/* There is no room for the end of a run, for erases fail: it is tried again a second later, not on and on. */
static bool no_erases;
static int (*erase_below)(void *, uint32_t);
static int failing_erase(void *context, uint32_t address) { return no_erases ? -8 : erase_below(context, address); }
static void no_room_for_the_end(void)
{
    static const uint8_t data[100];
    unsigned size, sent, ends = 0;
    for (size = 0; size < 100; size += 4) {
        start(nothing, 1, 64);
        erase_below = m.chip.port.erase;
        m.chip.port.erase = failing_erase;
        no_erases = true;
        for (sent = 0; sent < 200 && machine_ended.count == sent && machine_counters().runs_ended == sent; sent++) {
            SEND("go", data, size);
            CHECK(machine_run(1));
        }
        if (machine_ended.count == sent) {
            uint32_t ticks = m.ticks;
            ends++;
            CHECK(machine_run(5000) && machine_ended.count < sent + 8 && m.ticks - ticks < 20);
        }
        no_erases = false;
        CHECK(machine_run(5000) && machine_runs(NULL) == 0);
        MACHINE_END();
    }
    CHECK(ends > 0);
}

/* A table with places for half of the runs that are live is refused in some looks at the journal, not in one for each record. */
static uint32_t read_bytes;
static void count_reads(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user; (void)address;
    if (operation == 'r') read_bytes += size;
}
static void refused_at_once(void)
{
    static int64_t memory[INNGEST_MEMORY(128, 16) / 8 + 1];
    uint32_t i;
    start_large(nap, 128, 16, memory, sizeof memory);
    for (i = 0; i < 80; i++) { SEND("go", "", 0); (void)machine_tick(); }
    CHECK(machine_runs(NULL) == 80);
    m.chip.trace = count_reads;
    m.config.runs = 40;
    read_bytes = 0;
    CHECK(inngest_init(&m.jobs, &m.config, NULL) == INNGEST_ERR_RUNS_FULL && read_bytes < 8 * 4 * 16384u);
    MACHINE_END();
}

/* One with places for few of the runs that were live at once, and have ended since, is not: the end of one is looked for alone. */
static void fewer_in_few_looks(void)
{
    static int64_t memory[INNGEST_MEMORY(64, 16) / 8 + 1];
    uint32_t i, n;
    start_large(nap, 64, 16, memory, sizeof memory);
    for (n = 0; n < 8; n++) {
        for (i = 0; i < 40; i++) { SEND("go", "", 0); (void)machine_tick(); }
        CHECK(machine_run((uint32_t)INNGEST_HOURS(2)) && machine_runs(NULL) == 0);
    }
    SEND("go", "", 0);
    (void)machine_tick();
    m.chip.trace = count_reads;
    m.config.runs = 2;
    read_bytes = 0;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK && read_bytes < 16 * 4 * 16384u && machine_runs(NULL) == 1);
    MACHINE_END();
}

/* Steps that are new cost no look through the journal, also where the handler has failed before. */
static inngest_status many_steps(inngest_ctx *ctx)
{
    unsigned i;
    char how;
    INNGEST_TRY(inngest_event_data(ctx, &how, 1));
    for (i = 0; i < 100; i++) INNGEST_DO(ctx, "s") { }
    if (how == 'm') { INNGEST_TRY(nap(ctx)); return motor_job(ctx); }
    if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 1000, 1, "again");
    read_bytes = 0;
    for (i = 0; i < 100; i++) INNGEST_DO(ctx, "s") { }
    CHECK(read_bytes < 100 * 50);
    return INNGEST_OK;
}
static void new_steps(void)
{
    start(many_steps, 2, 600);
    table[0].journal_bytes = 6000;
    flash_close(&m.chip);
    CHECK(flash_open(&m.chip, 16384, 4, 4, 1));
    m.config.hooks = NULL;
    m.chip.trace = count_reads;
    machine_reboot();
    read_bytes = 0;
    go("r", 1);
    CHECK(read_bytes < 100 * 50 && machine_run(2000) && machine_runs(NULL) == 0);
    options(0, false);
    go("m", 1);
    CHECK(machine_run((uint32_t)INNGEST_HOURS(1)));
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK && machine_run(1) && machine_counters().stale_tokens == 0);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK && machine_run(1) && machine_counters().stale_tokens == 1);
    machine_trace[0] = 0;
    MACHINE_END();
}

/* The clock is told, and the event ids that it moves cannot be written: that is made up for, not forgotten. */
static void ids_and_the_clock(void)
{
    inngest_event event = { "go", NULL, 0, "one", 0 };
    unsigned failing;
    for (failing = 0; failing < 4; failing++) {
        start(nothing, 1, 64);
        program_below = m.chip.port.program;
        m.chip.port.program = marking_program;
        machine_reboot();
        inngest_set_wall_clock(&m.jobs, NOON, m.now);
        (void)machine_tick();
        machine_reboot();
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
        no_programs = failing > 0;
        inngest_set_wall_clock(&m.jobs, NOON + INNGEST_HOURS(10), m.now);
        if (failing > 1) (void)machine_tick();
        no_programs = false;
        CHECK(machine_run(5000));
        machine_reboot();
        inngest_set_wall_clock(&m.jobs, NOON + INNGEST_HOURS(30), m.now);
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
        CHECK(machine_counters().duplicates == 1);
        machine_reboot();
        inngest_set_wall_clock(&m.jobs, NOON + INNGEST_HOURS(35), m.now);
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
        CHECK(machine_counters().duplicates == 0);
        MACHINE_END();
    }
}

/* Two runs may fill the journal to its last byte. */
static void two_fill_it(void)
{
    uint32_t bytes;
    for (bytes = 2700; bytes > 64; bytes -= 4) {
        start(nap, 3, (uint16_t)bytes);
        flash_close(&m.chip);
        CHECK(flash_open(&m.chip, 1024, 8, 4, 1));
        table[1] = table[0];
        table[1].id = table[1].event = "other";
        table[1].journal_bytes = 64;
        m.config.function_count = 2;
        if (machine_boot(INNGEST_RESET_POWER_ON) != INNGEST_OK) continue;
        SEND("go", "", 0);
        SEND("other", "", 0);
        CHECK(machine_run(1));
        if (machine_counters().waiting_journal == 0) break;
    }
    CHECK(bytes == 2596);
    MACHINE_END();
}

/* The end of a run cannot be written: the hook is called at each try, and that is not at once. */
static void end_fails(void)
{
    start(nothing, 1, 64);
    program_below = m.chip.port.program;
    m.chip.port.program = marking_program;
    machine_reboot();
    SEND("go", "", 0);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
    no_programs = true;
    CHECK(machine_run(10000));
    no_programs = false;
    CHECK(machine_ended.count >= 1 && machine_ended.count < 15);
    CHECK(machine_run(5000) && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* A tick with nothing to do makes room ahead, so that what comes then meets no erase. */
static inngest_status four_steps(inngest_ctx *ctx)
{
    uint8_t result[20];
    unsigned i;
    for (i = 0; i < 4; i++) INNGEST_STEP(ctx, "s", result) memset(result, 1, sizeof result);
    return INNGEST_OK;
}
static void room_ahead(void)
{
    static const uint8_t data[60];
    uint32_t erases;
    unsigned i, n;
    start(four_steps, 1, 200);
    flash_close(&m.chip);
    machine_open(table, 1, 1024, 6, 4);
    machine_reboot();
    for (n = 0; n < 400; n++) {
        for (i = 0; i < 2; i++) {
            m.now++;
            CHECK(machine_tick() > 0);
        }
        erases = machine_counters().erases;
        for (i = 0; i < 2; i++) SEND("go", data, n % 60);
        CHECK(inngest_flush(&m.jobs) == INNGEST_OK && machine_counters().erases == erases);
        while (machine_tick() == 0) { }
    }
    CHECK(erases > 20);
    MACHINE_END();
}

/* A body that is told that its run fails cancels the run: then it is cancelled, as the journal says, too, and not failed with
 * its on_failure left out. */
static inngest_status cancels_told(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    if (inngest_stop_reason(ctx) == INNGEST_STOP_NONE) return inngest_again(ctx, 1000);
    CHECK(inngest_cancel(&m.jobs, inngest_run_id(ctx)) == INNGEST_OK);
    return INNGEST_FAIL;
}
static inngest_status fails_beside(inngest_ctx *ctx)
{
    inngest_status branch;
    inngest_parallel(ctx, "group");
    branch = inngest_step_run(ctx, "told", cancels_told, NULL, NULL, 0);
    return branch == INNGEST_PAUSED && inngest_event_size(ctx) == 0 ? INNGEST_FAIL : branch;
}
static inngest_status not_reached(inngest_ctx *ctx) { (void)ctx; trace("on_failure"); return INNGEST_OK; }
static void cancelled_while_it_fails(void)
{
    inngest_counters c;
    start(fails_beside, 1, 0);
    table[0].on_failure = not_reached;
    go(NULL, 0);
    c = machine_counters();
    CHECK(machine_ended_as(INNGEST_CANCELLED, INNGEST_CANCELLED, "") && machine_ended.count == 1);
    CHECK(machine_runs(NULL) == 0 && c.runs_cancelled == 1 && c.runs_failed == 0);
    CHECK_TRACE("told/0:CANCELLED");
    MACHINE_END();
}

int main(void)
{
    just_allowed();
    memory_ends();
    durable_first();
    init_is_durable();
    behind_a_clean_stop();
    trace_is_durable();
    behind_the_stage();
    cancel_is_durable();
    told_to_stop();
    cancelled_while_it_fails();
    too_large();
    intents();
    clock_in_progress((uint32_t)INNGEST_HOURS(1), 0, INNGEST_HOURS(1));
    clock_in_progress(0, (uint32_t)INNGEST_HOURS(1), INNGEST_HOURS(1));
    clock_in_progress(0, UINT32_MAX, INT64_MAX);
    left_by_return();
    bytes_used();
    bytes_of_progress();
    released_once();
    carried_at_once();
    sleeps_too_much();
    sends_too_much();
    largest_reservation();
    id_expires();
    ids_full();
    statuses();
    odd_things();
    clock_writes();
    clock_in_a_pass();
    most_passes();
    one_behind();
    erase_is_polled();
    no_room_for_the_end();
    refused_at_once();
    fewer_in_few_looks();
    new_steps();
    ids_and_the_clock();
    two_fill_it();
    end_fails();
    room_ahead();
    return TEST_END();
}
