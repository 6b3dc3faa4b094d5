/* SPDX-License-Identifier: MIT
 * Promise 8: time is honest. Relative sleeps and retries never end early and end when they are due; powered time counts
 * across resets, time off where the clock was known on both sides; dates wait for a clock; what has ended stays ended. */
#include "machine.h"

#define EPOCH INT64_C(1767225600000)   /* 2026-01-01: the unix time where the true time is 0 */
#define S(n) INNGEST_SECONDS(n)
#define MIN(n) INNGEST_MINUTES(n)
#define H(n) INNGEST_HOURS(n)
#define D(n) INNGEST_DAYS(n)
#define JOBS 16

static int64_t real, last, before;     /* the true time: now, at the newest tick, at the tick before it */
static unsigned ticks;
static bool quiet;                     /* the test does not tick when due: only "never early" is asked */

typedef struct order { int64_t ms; uint8_t i; } order;
static struct { int64_t begun, woke; unsigned passes, calls; } job[JOBS];
static bool set_inside;                /* a body sets the clock */
static int64_t told;                   /* what it tells */
static unsigned end_attempt;           /* a failing step goes well in this one */
static int64_t delays[32];
static unsigned delay_count;

static void clock_is(int64_t unix_ms) { inngest_set_wall_clock(&m.jobs, unix_ms, m.now); }
static void tell_clock(void) { clock_is(EPOCH + real); }

static uint32_t tick(void)
{
    before = last;
    last = real;
    ticks++;
    return machine_tick();
}

static void pass_time(int64_t ms)
{
    real += ms;
    m.now += (uint32_t)ms;
}

/* Let ms of time pass, ticking exactly when the engine asks for it. */
static void let(int64_t ms)
{
    unsigned at_once = 0;
    while (at_once < 100) {                        /* more is a tick that never has enough */
        uint32_t next = tick();
        if (next >= UINT32_MAX - 1 || next > ms) break;
        at_once = next ? 0 : at_once + 1;
        pass_time(next);
        ms -= next;
    }
    CHECK(at_once < 100);
    pass_time(ms);
}

/* ---- functions ---------------------------------------------------------------------------------------------------- */

/* A wait that began at the true time `begun` and may end from `due` on ends. */
static void woken(unsigned i, int64_t due)
{
    if (job[i].woke) return;
    job[i].woke = real;
    CHECK(real >= due);
    if (real < due) printf("  job %u: %lld ms early\n", i, (long long)(due - real));
    if (!quiet) CHECK(before < due || due == job[i].begun);
}

static inngest_status get_order(inngest_ctx *ctx, order *o)
{
    INNGEST_TRY(inngest_event_data(ctx, o, sizeof *o));
    if (job[o->i].passes++ == 0) job[o->i].begun = real;
    return INNGEST_OK;
}

static inngest_status napper(inngest_ctx *ctx)
{
    order o;
    INNGEST_TRY(get_order(ctx, &o));
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", o.ms));
    woken(o.i, job[o.i].begun + o.ms);
    INNGEST_DO(ctx, "after") job[o.i].calls++;
    return INNGEST_OK;
}

/* Sleeps over and over. */
static inngest_status dozer(inngest_ctx *ctx)
{
    order o;
    unsigned k;
    INNGEST_TRY(get_order(ctx, &o));
    for (k = 0; k < 8; k++) {
        inngest_status st = inngest_step_sleep(ctx, "doze", o.ms);
        if (st != INNGEST_OK) return st;
        if (job[o.i].calls > k) continue;
        job[o.i].woke = 0;
        woken(o.i, job[o.i].begun + o.ms);
        job[o.i].calls++;
        job[o.i].begun = real;
    }
    return INNGEST_OK;
}

static inngest_status dater(inngest_ctx *ctx)
{
    order o;
    INNGEST_TRY(get_order(ctx, &o));
    INNGEST_TRY(inngest_step_sleep_until(ctx, "date", o.ms));
    if (!job[o.i].woke) job[o.i].woke = real;
    trace("date");
    INNGEST_TRY(inngest_step_sleep(ctx, "after", S(10)));
    INNGEST_DO(ctx, "last") job[o.i].calls++;
    return INNGEST_OK;
}

/* A step that fails once, and asks for its next attempt itself. */
static inngest_status retrier(inngest_ctx *ctx)
{
    order o;
    INNGEST_TRY(get_order(ctx, &o));
    INNGEST_DO(ctx, "work") {
        if (inngest_attempt(ctx) == 0) {
            job[o.i].begun = real;
            return inngest_retry_after(ctx, o.ms, 0, "");
        }
        woken(o.i, job[o.i].begun + o.ms);
    }
    return INNGEST_OK;
}

/* The handler itself asks for another attempt, with a step in the bag. */
static inngest_status again(inngest_ctx *ctx)
{
    order o;
    INNGEST_TRY(get_order(ctx, &o));
    INNGEST_DO(ctx, "first") { }
    if (inngest_attempt(ctx) == 0) {
        if (job[o.i].calls++) CHECK(!"the handler was called before its time");
        job[o.i].begun = real;
        return inngest_retry_after(ctx, o.ms, 0, "");
    }
    woken(o.i, job[o.i].begun + o.ms);
    return INNGEST_OK;
}

/* Three sleeps side by side, and a step that may set the clock. */
static inngest_status brancher(inngest_ctx *ctx)
{
    order o;
    inngest_status a, b, c, d = INNGEST_OK;
    INNGEST_TRY(get_order(ctx, &o));
    inngest_parallel(ctx, "three");
    a = inngest_step_sleep(ctx, "a", o.ms);
    if (a == INNGEST_OK) woken(o.i, job[o.i].begun + o.ms);
    b = inngest_step_sleep(ctx, "b", 2 * o.ms);
    if (b == INNGEST_OK) CHECK(real >= job[o.i].begun + 2 * o.ms);
    c = set_inside ? inngest_step_sleep_until(ctx, "c", EPOCH + o.ms) : inngest_step_sleep(ctx, "c", 3 * o.ms);
    if (c == INNGEST_OK && !job[JOBS - 1].woke) job[JOBS - 1].woke = real;
    if (set_inside) INNGEST_DO_AS(d, ctx, "clock") clock_is(told);
    INNGEST_TRY(inngest_all(ctx, &a, &b, &c, &d));
    CHECK(real >= job[o.i].begun + (set_inside ? 2 : 3) * o.ms);
    job[o.i].calls++;
    return INNGEST_OK;
}

static inngest_status failing(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "fail") if ((unsigned)inngest_attempt(ctx) < end_attempt) return INNGEST_RETRY;
    return INNGEST_OK;
}

static inngest_status starter(inngest_ctx *ctx)
{
    order o;
    INNGEST_TRY(get_order(ctx, &o));
    if (!job[o.i].woke) job[o.i].woke = real;
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", S(10)));
    INNGEST_DO(ctx, "last") job[o.i].calls++;
    return INNGEST_OK;
}

/* At each replay it names another duration and another date: the first ones count. */
static inngest_status fickle(inngest_ctx *ctx)
{
    order o;
    INNGEST_TRY(get_order(ctx, &o));
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", job[o.i].passes == 1 ? o.ms : D(300)));
    woken(o.i, job[o.i].begun + o.ms);
    if (job[o.i].calls == 0) told = EPOCH + real;
    job[o.i].calls++;
    INNGEST_TRY(inngest_step_sleep_until(ctx, "date", job[o.i].calls == 1 ? told + o.ms : told + D(300)));
    CHECK(real == told - EPOCH + o.ms);
    return INNGEST_OK;
}

static inngest_status filler(inngest_ctx *ctx)
{
    char text[200];
    INNGEST_STEP(ctx, "text", text) memset(text, 'x', sizeof text);
    return INNGEST_OK;
}

static inngest_status impossible(inngest_ctx *ctx)
{
    order o;
    inngest_status st;
    INNGEST_TRY(get_order(ctx, &o));
    st = o.i == 0 ? inngest_step_sleep(ctx, "bad", o.ms) : inngest_step_sleep_until(ctx, "bad", o.ms);
    if ((int)st <= 0) return INNGEST_OK;           /* a mistake counts whatever the handler does */
    return st;
}

/* What it sleeps for is out of range once the sleep has begun, and while an earlier one of its lasts. */
static inngest_status shrinking(inngest_ctx *ctx)
{
    order o;
    bool first;
    inngest_status st, next;
    INNGEST_TRY(get_order(ctx, &o));
    first = job[o.i].passes == 1;
    st = o.i == 0 ? inngest_step_sleep(ctx, "nap", first ? S(1) : -o.ms) : inngest_step_sleep_until(ctx, "nap", first ? EPOCH + S(2) : -o.ms);
    next = inngest_step_sleep(ctx, "next", (int)st > 0 ? -1 : S(3));
    if ((int)st > 0) CHECK(next == st);
    return next;
}

static const inngest_step_options many = { .max_attempts = 32 };
static inngest_status long_failing(inngest_ctx *ctx)
{
    INNGEST_DO_WITH(ctx, "fail", &many) if ((unsigned)inngest_attempt(ctx) < end_attempt) return INNGEST_RETRY;
    return INNGEST_OK;
}

static const uint32_t custom[] = { 3, 0, 7 };
/* A body that takes 3 s, and then a wait of each kind: it begins where the body is over. */
static inngest_token answer_to;
static inngest_status slow(inngest_ctx *ctx)
{
    inngest_step_options timed = { .timeout_ms = 2000, .max_attempts = 1 };
    order o;
    INNGEST_TRY(get_order(ctx, &o));
    INNGEST_DO(ctx, "slow") pass_time(S(3));
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 2000));
    if (!job[o.i].woke) {
        CHECK(real == S(5));
        job[o.i].woke = real;
    }
    INNGEST_DO(ctx, "fails once") {
        if (job[o.i].calls++ == 0) {
            pass_time(S(3));
            return inngest_retry_after(ctx, 2000, 1, "not yet");
        }
        CHECK(real == S(10));
        pass_time(S(3));
    }
    INNGEST_DO_WITH(ctx, "answered", &timed) {
        CHECK(inngest_stop_reason(ctx) == INNGEST_STOP_NONE);
        if (inngest_step_calls(ctx) == 0) answer_to = inngest_step_token(ctx);
        return INNGEST_PENDING;
    }
    INNGEST_DO(ctx, "slow too") pass_time(S(3));
    INNGEST_DO(ctx, "polled") {
        if (inngest_step_calls(ctx) == 0) job[o.i].begun = real;
        else CHECK(real == job[o.i].begun + 2000);
        if (inngest_step_calls(ctx) == 0) return inngest_again(ctx, 2000);
    }
    return INNGEST_OK;
}

static inngest_status taker(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "takes") pass_time(S(3));
    return INNGEST_OK;
}

static unsigned told_calls;
static uint32_t again_in;
static inngest_status teller(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "ask") {
        inngest_status status = inngest_again(ctx, again_in);
        if (told_calls++) continue;
        tell_clock();
        return status;
    }
    return INNGEST_OK;
}

static inngest_status asker(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "ask") {
        answer_to = inngest_step_token(ctx);
        return INNGEST_PENDING;
    }
    return INNGEST_OK;
}

static const inngest_function table[] = {
    { .id = "nap", .event = "test/nap", .handler = napper, .journal_bytes = 128 },
    { .id = "doze", .event = "test/doze", .handler = dozer, .journal_bytes = 512 },
    { .id = "date", .event = "test/date", .handler = dater, .journal_bytes = 256 },
    { .id = "retry", .event = "test/retry", .handler = retrier, .journal_bytes = 128 },
    { .id = "again", .event = "test/again", .handler = again, .journal_bytes = 128 },
    { .id = "three", .event = "test/three", .handler = brancher, .journal_bytes = 256 },
    { .id = "start", .event = "test/start", .handler = starter, .journal_bytes = 128 },
    { .id = "fickle", .event = "test/fickle", .handler = fickle, .journal_bytes = 128 },
    { .id = "slow", .event = "test/slow", .handler = slow },
    { .id = "takes", .event = "test/takes", .handler = taker },
    { .id = "tells", .event = "test/tells", .handler = teller },
    { .id = "asks", .event = "test/asks", .handler = asker, .journal_bytes = 128 },
    { .id = "filler", .event = "test/filler", .handler = filler },
    { .id = "shrinking", .event = "test/shrinking", .handler = shrinking, .journal_bytes = 128 },
    { .id = "bad", .event = "test/bad", .handler = impossible, .journal_bytes = 128 },
    { .id = "fail", .event = "test/fail", .handler = long_failing },
    { .id = "custom", .event = "test/custom", .handler = failing, .backoff = custom, .backoff_count = 3, .jitter_ms = 500, .max_attempts = 20 },
};

static void step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in_ms)
{
    (void)user; (void)run; (void)step;
    if (status == INNGEST_RETRY && delay_count < 32 && (unsigned)attempt == delay_count) delays[delay_count++] = retry_in_ms;
}
static const inngest_hooks hooks = { .run_end = machine_run_end, .step_end = step_end };

static void open_machine(uint32_t block, uint32_t blocks, uint32_t first)
{
    memset(job, 0, sizeof job);
    memset(&machine_ended, 0, sizeof machine_ended);
    real = last = before = 0;
    ticks = delay_count = 0;
    quiet = set_inside = false;
    machine_open(table, sizeof table / sizeof table[0], block, blocks, 4);
    m.config.hooks = &hooks;
    m.now = first;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    (void)tick();
}

static void order_run(const char *name, unsigned i, int64_t ms)
{
    order o;
    inngest_event e = { .name = name, .data = &o, .size = sizeof o };
    memset(&o, 0, sizeof o);
    o.ms = ms;
    o.i = (uint8_t)i;
    CHECK(inngest_send_event(&m.jobs, &e) == INNGEST_OK);
}

/* The machine was without power for so long; its counter begins anywhere. */
static void off(int64_t ms)
{
    static uint32_t starts[] = { 0, 7, UINT32_MAX - 3, 123456789, INT32_MAX - 2u };
    real += ms;
    m.now = starts[m.ticks % 5];
    flash_power_on(&m.chip);
    machine_reboot();
}

static inngest_wait why(void)
{
    inngest_run_info info;
    memset(&info, 0, sizeof info);
    info.wait = INNGEST_WAIT_NONE;
    (void)machine_runs(&info);
    return info.wait;
}

/* ---- while powered ------------------------------------------------------------------------------------------------- */

static void exact(void)
{
    static const int64_t naps[] = { 0, 1, 999, MIN(59), H(1) - 1, H(1), H(1) + 1, H(25), D(30), D(366) };
    unsigned i;
    for (i = 0; i < sizeof naps / sizeof naps[0]; i++) {
        uint32_t next;
        inngest_run_info info;
        open_machine(2048, 4, 1000);
        tell_clock();
        order_run("test/nap", 0, naps[i]);
        next = tick();
        CHECK(next == (naps[i] == 0 ? UINT32_MAX : naps[i] < H(1) ? naps[i] : H(1)));
        CHECK(machine_runs(&info) == (naps[i] != 0));
        if (naps[i]) CHECK(info.wait == INNGEST_WAIT_SLEEP && info.deadline_in_ms == naps[i]);
        let(naps[i]);
        CHECK(job[0].calls == 1 && job[0].woke == naps[i] && machine_runs(NULL) == 0);
        CHECK(ticks <= naps[i] / H(1) + 5 + machine_counters().erases);      /* no needless wake-up; one makes room ahead */
        CHECK(machine_counters().records - machine_counters().carried <= naps[i] / H(1) + 8 + machine_counters().erases);
        CHECK(tick() == UINT32_MAX);
        MACHINE_END();
    }
}

/* Many runs side by side, by ticks that come when due, late, bunched, and seldom. */
static void many_sleepers(unsigned style)
{
    uint32_t random = 17 + style;
    unsigned i, n = 0;
    open_machine(2048, 6, UINT32_MAX - 1000);
    for (i = 0; i < 12; i++) {
        random = random * 1664525u + 1013904223u;
        order_run(i % 4 == 3 ? "test/retry" : "test/doze", i, 1000 + (style < 3 ? random % 100000 : i % 4 == 3 ? random / 64 : random / 2));
    }
    (void)tick();
    while (machine_runs(NULL) > 0 && n++ < 20000) {
        uint32_t next = tick(), ms = next;
        random = random * 1664525u + 1013904223u;
        if (next == UINT32_MAX) break;
        if (style == 1) ms = next + random % 5000;                 /* late */
        if (style == 2) ms = random % 3 ? 0 : random % 30000;      /* bunched, early and late */
        if (style == 4) ms = INT32_MAX;                            /* once in 24 days */
        pass_time(ms);
    }
    CHECK(machine_runs(NULL) == 0);
    for (i = 0; i < 12; i++) CHECK(job[i].woke > 0 && (i % 4 == 3 || job[i].calls == 8));
    MACHINE_END();
}

static void counter_wraps(void)
{
    open_machine(2048, 4, UINT32_MAX - 5);
    order_run("test/nap", 0, 10);
    let(100);
    CHECK(job[0].woke == 10);
    order_run("test/nap", 1, D(366));                              /* seven wraps */
    order_run("test/nap", 2, D(50));
    let(D(366));
    CHECK(job[2].woke - job[2].begun == D(50) && job[1].woke - job[1].begun == D(366));
    MACHINE_END();
}

/* A counter that goes back by a bug: time stands still until it has passed where it was. */
static void counter_goes_back(void)
{
    unsigned i;
    open_machine(2048, 4, 50000);
    order_run("test/nap", 0, S(100));
    (void)tick();
    for (i = 0; i < 90; i++) {
        pass_time(S(1));
        (void)tick();
        m.now -= 300;
        CHECK(tick() != 0 && job[0].woke == 0);
        m.now += 300;
    }
    m.now -= 20000;
    tell_clock();                                                  /* also when the clock is told of an earlier moment */
    m.now += 20000;
    (void)tick();
    m.now -= (uint32_t)D(1);                                       /* no more is taken for that */
    (void)tick();
    m.now += (uint32_t)D(1);
    (void)tick();
    CHECK(job[0].woke == 0);
    let(S(20));
    CHECK(job[0].woke == S(100));
    MACHINE_END();
}

/* No tick comes for more than 24 days, as where nothing was due and a board slept on, or the counter begins anew: time goes on from
 * there, so that a wait is late by what was missed, but not early, nor stuck until the counter is where it was. */
static void counter_leaps(void)
{
    static const uint32_t leaps[] = { D(25), D(30), D(48), 0u - D(2), 0u - D(20) };
    unsigned i;
    for (i = 0; i < sizeof leaps / sizeof *leaps; i++) {
        open_machine(2048, 4, 50000);
        let(S(5));
        m.now += leaps[i];
        order_run("test/nap", 0, S(100));                          /* the first event in weeks */
        let(S(40));
        (void)tick();
        m.now += leaps[i];                                         /* and once more within its wait */
        CHECK(tick() <= S(60) && job[0].woke == 0);
        let(S(59));
        CHECK(job[0].woke == 0);
        let(S(2));
        CHECK(job[0].woke == S(105));
        MACHINE_END();
    }
}

/* Bodies that take long, where the port has the clock: what begins behind them does not end early, although something else brings
 * a tick at once; and a tick tells when the next is due from its end on, not from where it began. */
static uint32_t port_now(void *context)
{
    (void)context;
    return m.now;
}
static void slow_bodies(void)
{
    open_machine(2048, 4, 50000);
    m.chip.port.now = port_now;
    order_run("test/slow", 0, 0);
    CHECK(tick() == 2000 && real == S(3));
    order_run("test/filler", 1, 0);                                /* brings a tick at once */
    CHECK(tick() == 2000 && tick() == 2000 && job[0].woke == 0);
    pass_time(2000);
    CHECK(tick() == 2000 && real == S(8) && job[0].calls == 1);
    (void)tick();
    CHECK(job[0].calls == 1);
    pass_time(2000);
    CHECK(tick() == 2000 && real == S(13) && job[0].calls == 2);    /* it waits for its answer */
    pass_time(1999);
    CHECK(tick() == 1);
    CHECK(inngest_complete(&m.jobs, answer_to, INNGEST_OK, NULL, 0) == INNGEST_OK);
    CHECK(tick() == 2000 && tick() == 2000);
    pass_time(2000);
    (void)tick();
    CHECK(machine_ended.count == 2 && machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    order_run("test/nap", 2, S(4));
    order_run("test/takes", 3, 0);                                 /* when it is over the first one has 1 s left */
    CHECK(tick() == 1000);
    MACHINE_END();
}

/* An erase takes time, too: what a tick gives counts from its end, also where it did nothing else. */
static void slow_erase(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user;
    (void)address;
    (void)size;
    if (operation == 'e') pass_time(400);
}
static void slow_erases(void)
{
    unsigned i;
    open_machine(2048, 8, 50000);
    m.chip.port.now = port_now;
    tell_clock();
    order_run("test/nap", 0, MIN(50));
    (void)tick();
    m.chip.trace = slow_erase;
    for (i = 0; i < 120; i++) {
        uint32_t next;
        CHECK(inngest_send(&m.jobs, "test/filler", NULL, 0) == INNGEST_OK);
        do {
            next = tick();
            if (next) CHECK(real + next == MIN(50));
        } while (next == 0);
    }
    CHECK(machine_counters().erases > 10 && real > S(3) && job[0].woke == 0);
    let(MIN(50) - real);
    CHECK(job[0].woke == MIN(50));
    MACHINE_END();
}

static unsigned send_once(void)
{
    const inngest_event e = { .name = "test/filler", .id = "once" };
    uint32_t before = machine_counters().duplicates;
    CHECK(inngest_send_event(&m.jobs, &e) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
    return machine_counters().duplicates - before;
}

/* A flush counts from when it comes, not from the newest tick, where the port has the clock; and so does the last stamp. */
static void flushed_late(void)
{
    open_machine(2048, 4, 50000);
    m.chip.port.now = port_now;
    pass_time(D(20));
    CHECK(send_once() == 0);
    let(H(23));
    CHECK(send_once() == 1);
    pass_time(D(1));
    CHECK(send_once() == 0);
    order_run("test/nap", 0, H(10));
    (void)tick();
    pass_time(MIN(50));
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    off(0);
    let(H(9) + MIN(10));
    CHECK(job[0].woke == D(21) + H(33));
    MACHINE_END();
}

/* A broken clock says 1970 in one boot and 2099 in the next. What was off is made good each time, but never so that the time that there
 * is for deadlines is used up: for good, as it is in the journal. */
static void clock_to_and_fro(void)
{
    unsigned i;
    open_machine(2048, 4, 50000);
    for (i = 0; i < 150; i++) {
        m.now = 1000;
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
        clock_is(i % 2 ? INT64_C(4070908800000) : 1000);
        real = last = 0;
        memset(job, 0, sizeof job);
        order_run("test/nap", 0, S(2));
        let(S(3));
        CHECK(job[0].woke == S(2) && machine_runs(NULL) == 0);
        if (test_failed) break;
    }
    MACHINE_END();
}

/* A body tells the clock behind what says when it is to be called again. */
static void told_behind_again(void)
{
    static const unsigned off[] = { 0, 1, 20, 25, 30, 49, 60 };
    unsigned i;
    for (i = 0; i < 2 * sizeof off / sizeof *off; i++) {
        again_in = i % 2 ? UINT32_MAX : 1000;                      /* or only when woken */
        open_machine(2048, 4, 50000);
        tell_clock();
        let(S(1));
        CHECK(inngest_close(&m.jobs) == INNGEST_OK);
        real = last = D(off[i / 2]) + S(1);
        m.now = 1000;
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
        told_calls = 0;
        order_run("test/tells", 0, 0);
        (void)tick();
        CHECK(told_calls == 1);
        let(S(1));
        (void)tick();
        if (i % 2) {
            let(D(70));
            CHECK(told_calls == 1);
            inngest_wake(&m.jobs);
            (void)tick();
        }
        CHECK(told_calls == 2 && machine_runs(NULL) == 0);
        MACHINE_END();
    }
}

/* The clock is told by an answer that took a while: it was right at a moment before the newest tick. */
static void told_late(void)
{
    open_machine(2048, 4, 1000);
    order_run("test/date", 0, EPOCH + S(60));
    order_run("test/nap", 1, S(90));
    let(S(30));
    (void)tick();
    inngest_set_wall_clock(&m.jobs, EPOCH + real - 7000, m.now - 7000);
    let(S(90));
    CHECK(job[0].woke == S(60) && job[1].woke == S(90));
    MACHINE_END();
}

/* ---- heartbeats ------------------------------------------------------------------------------------------------------ */

static void heartbeats(void)
{
    uint32_t operations;
    open_machine(2048, 8, 0);
    tell_clock();
    (void)tick();
    operations = m.chip.operations;
    CHECK(tick() == UINT32_MAX);
    for (; real < D(30); pass_time(MIN(30))) (void)tick();
    CHECK(m.chip.operations == operations);                        /* nothing sleeps */
    order_run("test/date", 0, EPOCH + D(31));
    clock_is(EPOCH + real);
    (void)tick();
    operations = machine_counters().records;
    for (; real < D(30) + H(12); pass_time(MIN(1))) (void)tick();
    operations = machine_counters().records - operations;
    CHECK(operations >= 11 && operations <= 12);                   /* hourly */
    off(S(10));
    (void)tick();
    operations = m.chip.operations;
    CHECK(why() == INNGEST_WAIT_CLOCK && tick() == UINT32_MAX);
    for (; real < D(40); pass_time(MIN(30))) (void)tick();
    CHECK(m.chip.operations == operations);                        /* a date is no powered time: no stamps for it */
    MACHINE_END();
}

/* Waits stamp the time as well, but what stamps it for good are heartbeats: those waits may be over and gone when power is lost. */
static void stamps_stay(void)
{
    unsigned i;
    open_machine(2048, 4, 0);
    quiet = true;
    order_run("test/nap", 0, D(40));
    for (i = 0; i < 2 * 24 * 30; i++) {
        order_run("test/nap", 1, S(1));
        let(MIN(30));
    }
    for (i = 0; i < 60; i++) {
        CHECK(inngest_send(&m.jobs, "test/filler", NULL, 0) == INNGEST_OK);
        let(1);
    }
    off(0);
    let(D(11));
    CHECK(job[0].woke >= D(40) && job[0].woke <= D(40) + H(1));
    MACHINE_END();
}

/* ---- resets ----------------------------------------------------------------------------------------------------------- */

/* A two-day sleep, no clock, a reset every `period`: powered time counts, less what came after the newest stamp. */
static void resets(int64_t period, int64_t off_time, int64_t at_most)
{
    int64_t powered = 0;
    unsigned n = 0;
    open_machine(2048, 4, 0);
    quiet = true;
    order_run("test/nap", 0, D(2));
    while (job[0].woke == 0 && n++ < 4000) {
        let(period);
        powered += period;
        if (job[0].woke) break;
        off(off_time);
        job[0].begun += off_time;                                  /* time off does not count: the earliest moment is later */
    }
    powered -= real - job[0].woke;
    CHECK(job[0].woke > 0 && powered <= at_most);
    if (powered > at_most) printf("  reset every %lld s: %lld of at most %lld s\n", (long long)period / 1000, (long long)powered / 1000, (long long)at_most / 1000);
    MACHINE_END();
}

/* The same, and each boot learns the time after a while: the time off is made good. */
static void resets_with_clock(int64_t period, int64_t off_time, int64_t unknown)
{
    int64_t late;
    unsigned n = 0;
    open_machine(2048, 4, 0);
    quiet = true;
    tell_clock();
    order_run("test/nap", 0, D(2));
    order_run("test/again", 1, H(23));
    while (job[0].woke == 0 && n++ < 4000) {
        let(period);
        if (job[0].woke) break;
        off(off_time);
        let(unknown);
        tell_clock();
        (void)tick();
    }
    late = job[0].woke - D(2);
    CHECK(late >= 0 && late <= off_time + unknown);
    CHECK(job[1].woke >= H(23) && job[1].woke <= H(23) + off_time + unknown);
    MACHINE_END();
}

/* Clock known before and after, only before, only after; after a power cut and after a clean stop. */
static void time_off(void)
{
    unsigned known, clean;
    for (clean = 0; clean < 2; clean++)
        for (known = 0; known < 4; known++) {
            open_machine(2048, 4, 0);
            quiet = true;
            if (known & 1) tell_clock();
            order_run("test/nap", 0, D(2));
            let(MIN(30));
            if (clean) CHECK(inngest_close(&m.jobs) == INNGEST_OK);
            off(D(1));
            if (known & 2) tell_clock();                           /* before the first tick */
            let(D(3));
            if (known == 3) CHECK(job[0].woke == D(2));
            else CHECK(job[0].woke >= D(3) && job[0].woke <= D(3) + MIN(30));
            MACHINE_END();
        }
}

/* A wait that began in a boot without a clock ends no earlier because a later boot learns how long it was dark before
 * that; and one that began before the clock was known in this boot neither. */
static void begun_in_the_dark(unsigned kind, bool reset)
{
    static const char *const names[] = { "test/nap", "test/retry", "test/again", "test/three" };
    open_machine(2048, 4, 0);
    quiet = true;
    tell_clock();
    order_run("test/nap", 1, D(4));
    let(S(30));
    off(D(3));
    order_run(names[kind], 0, H(20));
    let(S(30));
    if (reset) off(S(20));
    let(S(5));
    tell_clock();
    let(H(20) - S(60));
    CHECK(job[0].woke == 0);
    let(H(50));
    CHECK(job[0].woke > 0 && job[0].woke - job[0].begun <= H(20) + S(60));
    if (!reset) CHECK(job[0].woke - job[0].begun == H(20) && job[1].woke == D(4));
    MACHINE_END();
}

/* Power is cut in set_wall_clock at each operation, or the storage fails there once; or reclaim carries the waits
 * away under its hands. Nothing ends early, and what was only a failure makes nothing late. */
static void dark_cuts(bool cut, uint32_t block, uint32_t blocks)
{
    uint32_t at, fill;
    bool reached = true;
    for (fill = 0; fill < 4; fill++)
        for (at = 1, reached = true; reached && at < 100; at++) {
            unsigned i;
            open_machine(block, blocks, 0);
            quiet = true;
            tell_clock();
            let(S(30));
            off(D(3));
            for (i = 0; i < fill; i++) CHECK(inngest_send(&m.jobs, "test/filler", NULL, 0) == INNGEST_OK);
            let(1);
            for (i = 0; i < 3; i++) { order_run(i == 1 ? "test/three" : i == 0 ? "test/nap" : "test/again", i, H(2)); let(1); }
            let(S(30));
            m.chip.cut_at = m.chip.operations + at;
            m.chip.tear = FLASH_TEAR_MIDDLE;
            tell_clock();
            reached = m.chip.dead;
            m.chip.cut_at = 0;
            if (reached && cut) { off(0); tell_clock(); }
            flash_power_on(&m.chip);
            let(H(2) - S(40));
            CHECK(job[0].woke == 0 && job[1].woke == 0 && job[2].woke == 0);
            let(S(60));
            if (!cut) CHECK(job[0].woke && job[1].woke && job[2].woke);
            let(D(4));
            CHECK(job[0].woke && job[1].woke && job[2].woke && machine_runs(NULL) == 0);
            MACHINE_END();
        }
    CHECK(!reached);
}

/* An id that was seen before the clock was known is remembered for a day from then on. */
static void seen_in_the_dark(void)
{
    const inngest_event e = { .name = "test/filler", .id = "once" };
    unsigned boot;
    for (boot = 0; boot < 2; boot++) {
        open_machine(2048, 4, 0);
        tell_clock();
        let(S(1));
        off(D(3));
        CHECK(inngest_send_event(&m.jobs, &e) == INNGEST_OK);
        let(S(1));
        tell_clock();
        if (boot) { off(S(1)); tell_clock(); }
        CHECK(inngest_send_event(&m.jobs, &e) == INNGEST_OK);
        let(S(1));
        CHECK(machine_counters().duplicates == 1);
        let(D(1));
        CHECK(inngest_send_event(&m.jobs, &e) == INNGEST_OK);
        let(S(1));
        CHECK(machine_counters().duplicates == 1);
        MACHINE_END();
    }
}

/* What a boot without a clock has seen is not taken for older than it is by one that learns the time at once. */
static void seen_in_between(void)
{
    open_machine(2048, 4, 0);
    tell_clock();
    let(S(1));
    off(D(3));
    CHECK(send_once() == 0);
    let(S(1));
    off(S(1));
    tell_clock();
    let(S(1));
    CHECK(send_once() == 1);
    MACHINE_END();
}

/* An id that an earlier boot has seen is forgotten when its time is over, also where that was when the newest stamp was written, or behind it;
 * and where nothing stamped the time for weeks before it came. */
static void seen_before_that(void)
{
    unsigned after;
    for (after = 0; after < 2; after++) {
        open_machine(2048, 4, 0);
        tell_clock();
        let(after ? MIN(5) : 0);
        CHECK(send_once() == 0);
        off(D(30));
        let(after ? MIN(10) : 0);
        tell_clock();
        let(H(1));
        CHECK(send_once() == 0);
        MACHINE_END();
    }
    open_machine(2048, 4, 0);
    for (after = 0; after < 40; after++) let(D(1));
    CHECK(send_once() == 0);
    let(S(1));
    off(0);
    CHECK(send_once() == 1);
    let(D(1) + H(1));
    (void)tick();
    CHECK(send_once() == 0);
    MACHINE_END();
}

/* One id more than are remembered: ticks are asked for when the first one expires, and for heartbeats. */
static void seen_full(void)
{
    char id[] = "id 0";
    inngest_event e = { .name = "test/start", .id = id };
    order o;
    unsigned i;
    memset(&o, 0, sizeof o);
    open_machine(2048, 8, 0);
    tell_clock();
    let(S(7));                                        /* no heartbeat comes when the first one expires */
    e.data = &o;
    e.size = sizeof o;
    for (i = 0; i <= INNGEST_SEEN_IDS; i++) {
        id[3] = (char)('0' + i);
        o.i = (uint8_t)i;
        CHECK(inngest_send_event(&m.jobs, &e) == INNGEST_OK);
        let(S(20));
    }
    CHECK(machine_runs(NULL) == 0 && job[INNGEST_SEEN_IDS].passes == 0);
    ticks = 0;
    let(D(1));
    CHECK(job[INNGEST_SEEN_IDS].woke == D(1) + S(7) && ticks <= 31);
    MACHINE_END();
}

/* A wait of an earlier boot that began when the newest stamp was written, and was carried in this one before it knew the time, is not put off. */
static void carried_in_the_dark(void)
{
    unsigned i;
    uint32_t carried;
    open_machine(4096, 2, 0);
    quiet = true;
    tell_clock();
    order_run("test/nap", 0, D(2));
    (void)tick();
    off(D(1));
    carried = machine_counters().carried;
    for (i = 0; i < 24; i++) {
        CHECK(inngest_send(&m.jobs, "test/filler", NULL, 0) == INNGEST_OK);
        (void)tick();
    }
    CHECK(machine_counters().carried > carried);
    tell_clock();
    let(D(1));
    CHECK(job[0].woke == D(2));
    MACHINE_END();
}

/* A suspect in a long step lets the others go on however long nothing else was due. */
static void quiet_suspect(void)
{
    open_machine(2048, 4, 0);
    CHECK(inngest_send(&m.jobs, "test/asks", NULL, 0) == INNGEST_OK);
    (void)tick();
    flash_power_on(&m.chip);
    CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
    (void)tick();
    pass_time(D(20));
    (void)tick();
    pass_time(D(20));
    order_run("test/start", 0, 0);
    (void)tick();
    CHECK(job[0].passes == 1);
    MACHINE_END();
}

/* ---- dates -------------------------------------------------------------------------------------------------------------- */

static void dates(void)
{
    unsigned passes;
    open_machine(2048, 4, 99);                                     /* no clock at boot */
    order_run("test/date", 0, EPOCH + H(5));
    let(H(10));
    CHECK(job[0].woke == 0 && why() == INNGEST_WAIT_CLOCK);
    off(H(1));
    let(H(1));
    CHECK(job[0].woke == 0 && why() == INNGEST_WAIT_CLOCK);
    clock_is(EPOCH + H(4));
    CHECK(why() == INNGEST_WAIT_CLOCK && tick() == H(1) && why() == INNGEST_WAIT_SLEEP);
    let(H(1) - 1);
    CHECK(job[0].woke == 0);
    let(1);
    CHECK(job[0].woke == H(13));
    let(S(10));
    CHECK(job[0].calls == 1 && machine_runs(NULL) == 0);
    order_run("test/date", 1, EPOCH + H(4));                       /* past: at once, and the first date there is */
    order_run("test/date", 2, 0);
    (void)tick();
    CHECK(job[1].woke == real && job[2].woke == real);
    passes = job[1].passes;
    pass_time(S(5));
    clock_is(EPOCH + real - H(8));                                 /* what is over need not look again */
    CHECK(why() == INNGEST_WAIT_SLEEP && tick() == S(5) && job[1].passes == passes && job[2].passes == passes);
    let(S(5));
    CHECK(job[1].calls == 1 && job[2].calls == 1);
    order_run("test/date", 3, INT64_MAX >> 16);                    /* 2^47 - 1: waits */
    let(D(1));
    CHECK(job[3].woke == 0 && why() == INNGEST_WAIT_SLEEP);
    MACHINE_END();
}

/* The clock is set forward and back while a run waits, and back after it went on; with and without a reset. */
static void clock_moves(bool reset)
{
    open_machine(2048, 4, 99);
    tell_clock();
    order_run("test/date", 0, EPOCH + D(2));
    order_run("test/nap", 1, D(5));
    let(H(1));
    clock_is(EPOCH + D(1));
    CHECK(tick() == H(1));                                         /* both wait for longer than the next stamp */
    clock_is(EPOCH + D(2) - MIN(1));
    CHECK(tick() == MIN(1));
    clock_is(EPOCH - D(20000 / 2));                                /* back by 27 years */
    CHECK(tick() >= MIN(59) && job[0].woke == 0);
    clock_is(EPOCH + D(2) - 1);
    CHECK(tick() == 1 && job[0].woke == 0);
    pass_time(1);
    (void)tick();
    CHECK(job[0].woke == real);
    CHECK_TRACE("date");
    clock_is(EPOCH);                                               /* back again: it has gone on for good */
    (void)tick();
    if (reset) { off(0); (void)tick(); clock_is(EPOCH); (void)tick(); }
    CHECK(job[0].calls == 0);
    let(S(10));
    CHECK(job[0].calls == 1);
    clock_is(EPOCH + D(9000));                                     /* no relative sleep ends for it */
    (void)tick();
    clock_is(EPOCH - D(9000));
    (void)tick();
    tell_clock();
    quiet = reset;
    let(D(5));
    CHECK(job[1].woke >= D(5) && job[1].woke <= D(5) + (reset ? H(2) : 0));
    MACHINE_END();
}

/* What is made good is made good once a boot: later corrections, whatever they say, are none. */
static void made_good_once(void)
{
    open_machine(2048, 4, 99);
    quiet = true;
    tell_clock();
    order_run("test/nap", 0, D(10));
    let(MIN(5));
    off(D(1));
    tell_clock();
    let(S(1));
    clock_is(EPOCH + D(400));
    let(S(1));
    tell_clock();
    let(S(1));
    clock_is(EPOCH + D(800));
    let(S(1));
    tell_clock();
    let(D(9) - H(1));
    CHECK(job[0].woke == 0);
    let(H(1));
    CHECK(job[0].woke >= D(10) && job[0].woke <= D(10) + S(5));
    MACHINE_END();
    open_machine(2048, 4, 99);                                     /* the clock was set back while it was dark: nothing to make good */
    quiet = true;
    tell_clock();
    order_run("test/nap", 0, D(2));
    let(H(1) + 1);
    off(D(1));
    clock_is(EPOCH - D(365));
    let(H(46));
    CHECK(job[0].woke == 0);
    let(H(2));
    CHECK(job[0].woke > 0);
    MACHINE_END();
}

/* A clock that is corrected by less than a second again and again, as one does whose counter runs slow: what was told
 * adds up, and is no time off at the next boot. */
static void slow_counter(void)
{
    unsigned i;
    open_machine(2048, 4, 99);
    quiet = true;
    tell_clock();
    for (i = 0; i < 1000; i++) {
        let(MIN(1));
        real += 600;
        tell_clock();
    }
    order_run("test/nap", 0, S(100));
    (void)tick();
    off(S(2));
    tell_clock();
    let(S(96));
    CHECK(job[0].woke == 0);
    let(S(3));
    CHECK(job[0].woke > 0);
    MACHINE_END();
}

/* A body sets the clock while a branch of its run waits for one: it goes on by it. */
static void set_inside_a_handler(void)
{
    open_machine(2048, 4, 99);
    set_inside = true;
    told = EPOCH + H(1) - S(5);
    order_run("test/three", 0, H(1));
    let(S(10));
    CHECK(why() == INNGEST_WAIT_SLEEP && job[JOBS - 1].woke == S(5));
    let(H(1));
    CHECK(job[0].woke == H(1));
    let(H(1));
    CHECK(job[0].calls == 1);
    MACHINE_END();
}

/* A handler that waits for its next attempt is left alone by what makes others look again, and by a reset. */
static void handler_waits(void)
{
    open_machine(2048, 4, 99);
    order_run("test/again", 0, H(3));
    order_run("test/date", 1, EPOCH + D(1));
    let(H(1));
    tell_clock();
    let(S(1));
    off(0);
    tell_clock();
    let(H(2));
    quiet = true;
    let(H(1));
    CHECK(job[0].woke >= H(3));
    MACHINE_END();
}

static void first_deadline_counts(void)
{
    open_machine(2048, 4, 99);
    tell_clock();
    order_run("test/fickle", 0, H(2) + 17);
    let(D(3));
    CHECK(machine_ended.count == 1 && machine_ended.status == INNGEST_OK);
    MACHINE_END();
    open_machine(2048, 4, 99);
    tell_clock();
    order_run("test/fickle", 0, H(2) + 17);
    let(H(1));
    off(MIN(5));
    tell_clock();
    let(H(2));
    off(MIN(5));
    tell_clock();
    let(D(3));
    CHECK(machine_ended.count == 1 && machine_ended.status == INNGEST_OK);
    MACHINE_END();
}

static void impossible_times(void)
{
    static const struct { unsigned date; int64_t ms; bool good; } cases[] = {
        { 0, -1, false }, { 0, INT64_MIN, false }, { 0, INT64_MAX, false }, { 0, D(366) + 1, false }, { 0, D(366), true }, { 0, 0, true },
        { 1, -1, false }, { 1, INT64_MIN, false }, { 1, INT64_C(1) << 47, false }, { 1, INT64_MAX, false }, { 1, (INT64_C(1) << 47) - 1, true }, { 1, 0, true } };
    static const int64_t times[] = { -1, INT64_MIN, INT64_C(1) << 47, INT64_C(1) << 48, INT64_MAX };
    unsigned i;
    open_machine(2048, 4, 99);
    tell_clock();
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned ended = machine_ended.count;
        order_run("test/bad", cases[i].date, cases[i].ms);
        (void)tick();
        if (cases[i].good) CHECK(machine_ended.count == ended + (cases[i].ms == 0) && (cases[i].ms || machine_ended.status == INNGEST_OK));
        else CHECK(machine_ended.count == ended + 1 && machine_ended_as(INNGEST_FAIL, INNGEST_ERR_ARGUMENT, "bad"));
    }
    for (i = 0; i < sizeof times / sizeof times[0]; i++) {
        inngest_event e = { .name = "test/nap", .ts = times[i] };
        CHECK(inngest_send_event(&m.jobs, &e) == INNGEST_ERR_ARGUMENT);
        clock_is(times[i]);                                        /* not taken */
        (void)tick();
    }
    clock_is(0);
    order_run("test/date", 0, EPOCH + S(1));
    let(S(1));
    CHECK(job[0].woke == S(1));
    MACHINE_END();
}

/* A sleep is what it was when it began: an argument that is out of range later does no harm. */
static void begun_in_range(void)
{
    unsigned kind;
    for (kind = 0; kind < 2; kind++) {
        open_machine(2048, 4, 99);
        tell_clock();
        order_run("test/shrinking", kind, INT64_MAX);
        let(S(20));
        CHECK(job[kind].passes == 3 && machine_ended.count == 1 && machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
        MACHINE_END();
    }
}

/* A future time of an event delays the start, in the same way as a date. */
static void event_times(void)
{
    order o;
    inngest_event e = { .name = "test/start", .data = &o, .size = sizeof o, .ts = EPOCH + H(3) };
    memset(&o, 0, sizeof o);
    open_machine(2048, 4, 99);
    CHECK(inngest_send_event(&m.jobs, &e) == INNGEST_OK);
    let(H(5));
    CHECK(job[0].woke == 0 && why() == INNGEST_WAIT_CLOCK);
    off(H(1));
    clock_is(EPOCH + H(2));
    let(H(1) - 1);
    CHECK(job[0].woke == 0 && why() == INNGEST_WAIT_SLEEP);
    off(0);
    let(H(1));
    CHECK(job[0].woke == 0 && why() == INNGEST_WAIT_CLOCK);
    clock_is(EPOCH + H(3) - 5);
    let(5);
    CHECK(job[0].woke > 0);
    o.i = 1;
    CHECK(inngest_send_event(&m.jobs, &e) == INNGEST_OK);          /* by now past */
    (void)tick();
    CHECK(job[1].woke == real);
    clock_is(EPOCH);                                               /* what has begun goes on */
    off(0);
    clock_is(EPOCH);
    let(S(11));
    CHECK(job[0].calls == 1 && job[1].calls == 1);
    MACHINE_END();
}

/* ---- backoff -------------------------------------------------------------------------------------------------------------- */

static void backoffs(void)
{
    static const int64_t inngests[] = { S(15), S(30), MIN(1), MIN(2), MIN(5), MIN(10), MIN(20), MIN(40), H(1), H(2) };
    int64_t first[32];
    unsigned i, seed, differ = 0, high = 0;
    for (seed = 0; seed < 3; seed++) {
        open_machine(2048, 4, UINT32_MAX - 5000);
        m.config.seed = seed < 2 ? 42 : 4711;
        machine_reboot();
        tell_clock();
        end_attempt = 30;
        CHECK(inngest_send(&m.jobs, "test/fail", NULL, 0) == INNGEST_OK);
        let(D(3));
        CHECK(machine_ended.count == 1 && machine_ended.status == INNGEST_OK && delay_count == 30);
        for (i = 0; i < 30; i++) {
            int64_t jitter = delays[i] - inngests[i < 10 ? i : 9];
            CHECK(jitter >= 0 && jitter <= S(30));
            high += jitter > S(15);
            if (seed == 0) first[i] = delays[i];
            if (seed == 1) CHECK(delays[i] == first[i]);           /* reproducible */
            if (seed == 2) differ += delays[i] != first[i];
        }
        MACHINE_END();
    }
    CHECK(differ >= 28 && high >= 30 && high <= 60);               /* of 90 */
    open_machine(2048, 4, 0);
    end_attempt = 19;
    CHECK(inngest_send(&m.jobs, "test/custom", NULL, 0) == INNGEST_OK);
    let(H(1));
    CHECK(delay_count == 19 && machine_ended.status == INNGEST_OK);
    for (i = 0; i < 19; i++) CHECK(delays[i] >= S(custom[i < 2 ? i : 2]) && delays[i] < S(custom[i < 2 ? i : 2]) + 500);
    MACHINE_END();
}

static void retry_after(void)
{
    static const struct { int64_t asked, given; } cases[] = {
        { INT64_MIN, 1000 }, { -1, 1000 }, { 0, 1000 }, { 999, 1000 }, { 1001, 1001 }, { D(1), D(1) }, { D(1) + 1, D(1) }, { INT64_MAX, D(1) } };
    unsigned i, handler;
    for (handler = 0; handler < 2; handler++)
        for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            inngest_run_info info;
            open_machine(2048, 4, 0);
            quiet = true;
            order_run(handler ? "test/again" : "test/retry", 0, cases[i].asked);
            (void)tick();
            CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_RETRY && info.deadline_in_ms == cases[i].given);
            job[0].begun = INT64_MIN / 2;                          /* the clamp makes some of them shorter than asked for */
            if (i == 0) job[0].begun = 0;
            if (cases[i].asked == INT64_MAX) job[0].begun = -INT64_MAX;
            let(cases[i].given);
            CHECK(job[0].woke == cases[i].given);
            MACHINE_END();
        }
}

/* ---- what a clock that is told may write ------------------------------------------------------------------------------------ */

static bool writable;
static bool may_write(void *context) { (void)context; return writable; }
static unsigned syncs_left;
static int sync_some(void *context) { (void)context; return syncs_left-- > 0 ? 0 : -5; }

/* While writing is put off, so is what a new clock has to write; it counts from when it was told, told once. */
static void put_off(void)
{
    uint32_t operations;
    open_machine(2048, 4, 99);
    m.chip.port.may_write = may_write;
    quiet = writable = true;
    tell_clock();
    order_run("test/nap", 0, D(2));
    order_run("test/date", 1, EPOCH + D(1));
    let(MIN(1));
    off(H(12));
    writable = false;
    operations = m.chip.operations;
    tell_clock();
    let(S(20));
    CHECK(m.chip.operations == operations);
    writable = true;
    let(H(12));
    CHECK(job[1].woke == D(1));
    let(D(1));
    CHECK(job[0].woke >= D(2) && job[0].woke <= D(2) + S(2));
    MACHINE_END();
}

/* The storage fails once when the clock is told, once: it is not lost. */
static void storage_fails(void)
{
    unsigned at;
    for (at = 1; at < 4; at++) {
        open_machine(2048, 4, 99);
        quiet = true;
        tell_clock();
        order_run("test/nap", 0, D(2));
        order_run("test/date", 1, EPOCH + D(1));
        let(MIN(1));
        off(H(12));
        order_run("test/nap", 2, D(1));
        let(S(10));
        m.chip.cut_at = m.chip.operations + at;
        tell_clock();
        m.chip.cut_at = 0;
        flash_power_on(&m.chip);
        let(D(1) - S(20));
        CHECK(job[1].woke >= D(1) && job[1].woke <= D(1) + S(5) && job[2].woke == 0);
        let(D(1));
        CHECK(job[0].woke == D(2) && job[2].woke - job[2].begun == D(1));
        MACHINE_END();
    }
}

/* After a failed sync, and after a stop in order, nothing more is written. */
static void stopped(void)
{
    uint32_t operations;
    inngest_run_info info;
    open_machine(2048, 4, 99);
    m.chip.port.sync = sync_some;
    syncs_left = 1;
    order_run("test/nap", 0, D(2));
    (void)tick();
    (void)tick();
    CHECK(machine_counters().port_errors > 0);
    operations = m.chip.operations;
    tell_clock();
    clock_is(EPOCH + D(2));
    (void)machine_runs(&info);
    CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_ERR_SYNC);
    CHECK(tick() == UINT32_MAX && m.chip.operations == operations);
    MACHINE_END();
    open_machine(2048, 4, 99);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    operations = m.chip.operations;
    tell_clock();
    CHECK(tick() == UINT32_MAX && m.chip.operations == operations);
    MACHINE_END();
}

/* However many runs there are, and whichever of them puts another in front of itself while it runs, or ends it: each is
 * woken at its own time. */
static struct { uint64_t id; uint32_t due; unsigned naps; } nappers[9];
static uint32_t nap_seed;
static inngest_status many_naps(inngest_ctx *ctx)
{
    static const char *const ids[] = { "a", "b", "c", "d", "e", "f" };
    uint8_t i;
    unsigned k;
    INNGEST_TRY(inngest_event_data(ctx, &i, 1));
    nappers[i].id = inngest_run_id(ctx);
    for (k = 0; k < 6; k++) {
        uint32_t ms = 100 + ((nap_seed * 64 + i * 8u + k) * 2654435761u >> 16) % 900;
        if (nappers[i].naps == k) {                      /* not in a replay */
            nappers[i].naps++;
            nappers[i].due = m.now + ms;
        }
        INNGEST_TRY(inngest_step_sleep(ctx, ids[k], ms));
        if (nappers[i].naps != k + 1) continue;
        CHECK(m.now == nappers[i].due);
        if (k == i % 5) (void)!inngest_cancel(&m.jobs, nappers[nap_seed % 9].id);
    }
    return INNGEST_OK;
}
static const inngest_function napping[] = { { .id = "naps", .event = "nap", .handler = many_naps, .journal_bytes = 600 } };

static void own_times(void)
{
    uint8_t i;
    unsigned runs;
    for (runs = 1; runs <= 9; runs++) {
        for (nap_seed = 0; nap_seed < 60; nap_seed++) {
            machine_open(napping, 1, 16384, 8, 4);
            memset(nappers, 0, sizeof nappers);
            m.config.runs = runs;
            machine_reboot();
            for (i = 0; i < runs; i++) CHECK(inngest_send(&m.jobs, "nap", &i, 1) == INNGEST_OK);
            CHECK(machine_run(10000) && machine_runs(NULL) == 0);
            MACHINE_END();
        }
    }
}

/* What a run has slept on is verified where it is read: rot in its newest record parks it. */
static uint32_t written;
static void note_program(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user;
    (void)size;
    if (operation == 'p') written = address;
}

static unsigned rotten_calls, rotten_ends;
static inngest_status rotten(inngest_ctx *ctx)          /* looks at nothing but its sleep */
{
    rotten_calls++;
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000));
    rotten_ends++;
    return INNGEST_OK;
}

static void rotten_sleep(void)
{
    static const inngest_function function[] = { { .id = "rotten", .event = "nap", .handler = rotten, .journal_bytes = 200 } };
    inngest_run_info info;
    machine_open(function, 1, 1024, 8, 4);
    machine_reboot();
    m.chip.trace = note_program;
    CHECK(inngest_send(&m.jobs, "nap", NULL, 0) == INNGEST_OK && machine_run(1) && rotten_calls == 1);
    m.chip.cells[written + 12] ^= 1;                     /* due a ms earlier or later */
    CHECK(machine_run(10000) && rotten_calls == 2 && rotten_ends == 0);
    CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE);
    MACHINE_END();
}

/* A clean stop's TIME, cut short, reads as blank in one boot and as whole in the next: what the boot between began is no older for it. */
static inngest_status half_hour(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_MINUTES(30)));
    trace("woke");
    return INNGEST_OK;
}
static void stop_that_comes_and_goes(void)
{
    static const inngest_function table[] = { { .id = "half", .event = "go", .handler = half_hour, .journal_bytes = 96 } };
    static uint8_t before[4 * 2048];
    uint32_t at;
    machine_open(table, 1, 2048, 4, 32);               /* a TIME is one unit, so nothing of it need be seen */
    machine_reboot();
    CHECK(machine_run(INNGEST_HOURS(10)));
    memcpy(before, m.chip.cells, sizeof before);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    for (at = 0; at < sizeof before - 32 && (memcmp(before + at, m.chip.cells + at, 32) == 0 || (m.chip.cells[at + 4] & 15) != 13); ) at += 32;
    CHECK(at < sizeof before - 32);
    memcpy(before + at, m.chip.cells + at, 32);        /* the TIME */
    memset(m.chip.cells + at, 0xFF, 32);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "go", NULL, 0) == INNGEST_OK && machine_run(1000));
    memcpy(m.chip.cells + at, before + at, 32);
    machine_reboot();
    CHECK(machine_runs(NULL) == 1 && machine_run(INNGEST_MINUTES(29)));
    CHECK_TRACE("");
    CHECK(machine_run(INNGEST_MINUTES(1)));
    CHECK_TRACE("woke");
    MACHINE_END();
}

int main(void)
{
    stop_that_comes_and_goes();
    unsigned i;
    exact();
    for (i = 0; i < 5; i++) many_sleepers(i);
    counter_wraps();
    counter_goes_back();
    counter_leaps();
    slow_bodies();
    slow_erases();
    flushed_late();
    clock_to_and_fro();
    told_behind_again();
    told_late();
    heartbeats();
    stamps_stay();
    resets(D(1), H(1), D(2) + H(2));               /* an hour a boot */
    resets(H(5), MIN(1), D(2) * 5 / 4);
    resets(MIN(61), D(3), D(4));                   /* more than half */
    resets(MIN(30), S(5), D(4));
    resets(MIN(5), S(5), D(4));
    resets_with_clock(D(1), H(5), S(3));
    resets_with_clock(H(1), H(5), S(3));
    resets_with_clock(MIN(30), MIN(3), S(50));
    resets_with_clock(S(20), D(1), S(10));
    time_off();
    for (i = 0; i < 8; i++) begun_in_the_dark(i % 4, i >= 4);
    dark_cuts(false, 2048, 4);
    dark_cuts(true, 2048, 4);
    dark_cuts(false, 4096, 2);
    dark_cuts(true, 4096, 2);
    seen_in_the_dark();
    seen_in_between();
    seen_before_that();
    seen_full();
    carried_in_the_dark();
    quiet_suspect();
    dates();
    clock_moves(false);
    clock_moves(true);
    made_good_once();
    slow_counter();
    set_inside_a_handler();
    handler_waits();
    first_deadline_counts();
    impossible_times();
    begun_in_range();
    event_times();
    backoffs();
    retry_after();
    put_off();
    storage_fails();
    stopped();
    own_times();
    rotten_sleep();
    return TEST_END();
}
