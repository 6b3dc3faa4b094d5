/* SPDX-License-Identifier: MIT
 * Promise 6: a run that resets the machine again and again ends, whichever of the user's callbacks does it; no other
 * run pays for it, and nobody pays for a power cut or a clean stop. */
#include "machine.h"

#define LIMIT ((unsigned)INNGEST_CRASH_LIMIT)
static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER, .journal_bytes = 192

static enum {
    NOWHERE, BODY, HANDLER, FAIL_BODY, FAIL_HANDLER, BODY_AND_ON_FAILURE, END_HOOK, END_HOOK_AFTER_CRASHES,
    RUN_START_HOOK, RUN_PAUSE_HOOK, STEP_START_HOOK, STEP_MEMO_HOOK, LONG_BODY, BETWEEN_TICKS, PLACES
} place;
static bool between_ticks;                    /* the poison's asynchronous step is in progress */
static uint64_t poison_run;
static unsigned boots, charged, memo_seen;
static struct { inngest_token token; uint32_t since; } pending[8];
static unsigned pending_count;

enum { POISON, SLEEPER, WORKER, RETRIER, POLLER, PENDER, CLUMSY, KINDS };
static struct { unsigned ended; inngest_status status, why; unsigned on_failure, effects; } seen[KINDS];

static unsigned crash_in;                     /* the user code of this many calls from now loses power; 0: none */
static void cross(void)
{
    if (m.chip.dead) longjmp(machine_reset_vector, 1);          /* power is off: nothing runs */
    if (crash_in > 0 && --crash_in == 0) machine_crash();
}

static bool here(unsigned p)
{
    return place == p && place != NOWHERE;
}

static inngest_status poison(inngest_ctx *ctx)
{
    static const inngest_step_options twice = { .max_attempts = 2 };
    cross();
    poison_run = inngest_run_id(ctx);
    INNGEST_DO(ctx, "good") seen[POISON].effects++;
    if (here(STEP_MEMO_HOOK)) INNGEST_TRY(inngest_step_sleep(ctx, "pause", 1000));
    if (here(HANDLER)) machine_crash();
    INNGEST_DO_WITH(ctx, "bad", &twice) {
        if (here(BODY) || here(BODY_AND_ON_FAILURE) || here(END_HOOK_AFTER_CRASHES)) machine_crash();
        if (here(LONG_BODY)) {
            if (inngest_step_calls(ctx) == 3) machine_crash();
            return inngest_again(ctx, 1000);
        }
        if (here(BETWEEN_TICKS)) {
            between_ticks = inngest_step_token(ctx).attempt != 0;
            return INNGEST_PENDING;
        }
        if (here(RUN_PAUSE_HOOK) && inngest_step_calls(ctx) < 2) return inngest_again(ctx, 1000);
        if (here(FAIL_BODY) || here(FAIL_HANDLER)) return inngest_fail(ctx, 5, "planned");
    }
    return INNGEST_OK;
}

static inngest_status poison_failed(inngest_ctx *ctx)
{
    cross();
    seen[POISON].on_failure++;
    seen[POISON].why = inngest_error(ctx)->status;
    INNGEST_DO(ctx, "tidy up") {
        if (here(FAIL_BODY) || here(BODY_AND_ON_FAILURE)) machine_crash();
    }
    if (here(FAIL_HANDLER)) machine_crash();
    return INNGEST_OK;
}

static inngest_status sleeper(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_SECONDS(40)));
    INNGEST_DO(ctx, "woken") { cross(); seen[SLEEPER].effects++; }
    return INNGEST_OK;
}

static inngest_status worker(inngest_ctx *ctx)
{
    int i;
    for (i = 0; i < 3; i++) INNGEST_DO(ctx, "work") { cross(); seen[WORKER].effects++; }
    return INNGEST_OK;
}

static inngest_status retrier(inngest_ctx *ctx)
{
    cross();
    INNGEST_DO(ctx, "try") {
        cross();
        if (inngest_attempt(ctx) < 3) return inngest_retry(ctx, 1, "later");
        seen[RETRIER].effects++;
    }
    return INNGEST_OK;
}

static inngest_status poller(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "poll") {
        cross();
        if (inngest_step_calls(ctx) < 13) return inngest_again(ctx, 10000);
        seen[POLLER].effects++;
    }
    return INNGEST_OK;
}

static inngest_status pender(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "radio") {
        inngest_token token = inngest_step_token(ctx);
        CHECK(pending_count < 8);
        pending[pending_count].token = token;
        pending[pending_count].since = m.now;
        pending_count += token.attempt != 0 && pending_count < 7;
        return INNGEST_PENDING;
    }
    cross();
    seen[PENDER].effects++;
    return INNGEST_OK;
}

/* Resets the machine where it is told to, right after a step of its own in the same pass: then it is no suspect. */
static unsigned clumsy_crashes;
static inngest_status clumsy(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "fine") seen[CLUMSY].effects++;
    if (clumsy_crashes > 0) {
        clumsy_crashes--;
        machine_crash();
    }
    return INNGEST_OK;
}

static const inngest_function table[] = {
    { .id = "poison", .event = "p/0", .handler = poison, .on_failure = poison_failed, QUICK },
    { .id = "sleeper", .event = "p/1", .handler = sleeper, QUICK },
    { .id = "worker", .event = "p/2", .handler = worker, QUICK },
    { .id = "retrier", .event = "p/3", .handler = retrier, QUICK },
    { .id = "poller", .event = "p/4", .handler = poller, QUICK },
    { .id = "pender", .event = "p/5", .handler = pender, QUICK },
    { .id = "clumsy", .event = "p/6", .handler = clumsy, QUICK },
};

static void run_start(void *user, uint64_t run, const char *function)
{
    (void)user; (void)run;
    cross();
    if (here(RUN_START_HOOK) && strcmp(function, "poison") == 0) machine_crash();
}

static void run_pause(void *user, uint64_t run, inngest_status status)
{
    (void)user; (void)status;
    if (here(RUN_PAUSE_HOOK) && run == poison_run) machine_crash();
}

static void run_end(void *user, const inngest_end_info *info)
{
    unsigned i;
    (void)user;
    for (i = 0; i < KINDS; i++) {
        if (info->function == NULL || strcmp(info->function, table[i].id) != 0) continue;
        seen[i].ended++;
        seen[i].status = info->status;
        if (i == POISON && (here(END_HOOK) || here(END_HOOK_AFTER_CRASHES))) machine_crash();
    }
}

static void step_start(void *user, uint64_t run, const char *step, int attempt)
{
    (void)user; (void)attempt;
    if (here(STEP_START_HOOK) && run == poison_run && strcmp(step, "bad") == 0) machine_crash();
}

static bool step_end_crashes;
static void step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in_ms)
{
    (void)user; (void)step; (void)attempt; (void)status; (void)retry_in_ms;
    if (step_end_crashes && run == poison_run) machine_crash();
}

static void step_memo(void *user, uint64_t run, const char *step, inngest_status status)
{
    (void)user; (void)step; (void)status;
    memo_seen++;
    if (here(STEP_MEMO_HOOK) && run == poison_run) machine_crash();
}

static const inngest_hooks hooks = { .run_start = run_start, .run_pause = run_pause, .run_end = run_end,
                                     .step_start = step_start, .step_end = step_end, .step_memo = step_memo };

static void start(uint32_t block, uint32_t blocks, uint16_t g)
{
    machine_open(table, KINDS, block, blocks, g);
    m.config.hooks = &hooks;
    memset(seen, 0, sizeof seen);
    boots = charged = 0;
    between_ticks = false;
    pending_count = 0;
}

static void boot(inngest_reset reset)
{
    pending_count = 0;
    between_ticks = false;
    CHECK(machine_boot(reset) == INNGEST_OK);
    charged += machine_counters().crashes;
    boots++;
}

static const char *const events[KINDS] = { "p/0", "p/1", "p/2", "p/3", "p/4", "p/5", "p/6" };
static inngest_status emit(unsigned kind)
{
    inngest_event event = { events[kind], NULL, 0, NULL, 0 };
    return inngest_send_event(&m.jobs, &event);
}

/* A slice of life: the world completes what is pending, the poison's interrupt resets the machine. False: reset. */
static bool live(uint32_t ms)
{
    unsigned i;
    if (!machine_run(ms)) return false;
    if (between_ticks) {
        m.crashes++;
        between_ticks = false;
        return m.up = false;
    }
    for (i = 0; i < pending_count; i++) {
        if (m.now - pending[i].since < 30000) continue;
        CHECK(inngest_complete(&m.jobs, pending[i].token, INNGEST_OK, NULL, 0) == INNGEST_OK);
        pending[i--] = pending[--pending_count];
    }
    return machine_tick() != MACHINE_CRASHED;
}

/* Go on until no run is left. */
static void go_on(inngest_reset reset, unsigned most_boots)
{
    unsigned slices = 0;
    if (!m.up) boot(reset);
    while (boots <= most_boots && slices++ < 20000) {
        if (!live(5000)) boot(reset);
        else if (machine_runs(NULL) == 0) return;
    }
    CHECK(boots <= most_boots && slices < 20000);

}

static void check_innocents(unsigned first, unsigned last)
{
    unsigned i;
    for (i = first; i <= last; i++) CHECK(seen[i].ended == 1 && seen[i].status == INNGEST_OK && seen[i].effects >= 1);
}

/* Each place where user code may reset the machine, the poison sent before, among and after the innocents. */
static void every_callback(void)
{
    unsigned position, i, expected;
    for (position = 0; position <= 5; position += 5)
        for (place = BODY; place < PLACES; place = (unsigned)place + 1) {
            start(4096, 4, position ? 8 : 1);
            boot(INNGEST_RESET_UNKNOWN);
            for (i = 0; i < 6; i++) CHECK(emit(i == position ? (unsigned)POISON : i < position ? i + 1 : i) == INNGEST_OK);
            go_on(position ? INNGEST_RESET_UNKNOWN : INNGEST_RESET_CRASH, 40);
            check_innocents(SLEEPER, PENDER);
            CHECK(seen[WORKER].effects == 3);                       /* it had finished when the first crash came, or was not begun */
            expected = 1 + LIMIT;                                   /* one that is nobody's, then those pinned on it */
            if (here(BODY_AND_ON_FAILURE) || here(RUN_START_HOOK)) expected *= 2;   /* on_failure has a budget of its own */
            if (here(END_HOOK) || here(END_HOOK_AFTER_CRASHES)) expected = 2 * expected + 1;   /* and one in telling of it */
            /* after the poller, which is on its own in a long step then, on_failure begins behind a record at once */
            CHECK(m.crashes == expected || (position && expected > 1 + LIMIT && m.crashes == expected - 1));
            CHECK(boots == m.crashes + 1);
            CHECK(seen[POISON].ended >= 1);
            if (here(BODY) || here(HANDLER) || here(LONG_BODY) || here(BETWEEN_TICKS) || here(BODY_AND_ON_FAILURE)) {
                CHECK(seen[POISON].why == INNGEST_ERR_CRASHED);     /* on_failure catches it */
                CHECK(seen[POISON].status == INNGEST_FAIL || seen[POISON].on_failure > 0);
            }
            if (here(FAIL_BODY) || here(FAIL_HANDLER)) CHECK(seen[POISON].why == INNGEST_FAIL && seen[POISON].on_failure == 1 + LIMIT);
            CHECK(seen[POISON].effects <= 1);
            if (test_failed) { printf("place %u position %u crashes %u\n", place, position, m.crashes); return; }
            MACHINE_END();
        }
    place = NOWHERE;
}

/* The hook behind a step is called when that is on record, so each reset in it is one behind progress: it ends, not as
 * crashed. */
static void step_end_hook(void)
{
    start(2048, 4, 4);
    boot(INNGEST_RESET_UNKNOWN);
    CHECK(emit(POISON) == INNGEST_OK && emit(SLEEPER) == INNGEST_OK);
    step_end_crashes = true;
    go_on(INNGEST_RESET_CRASH, 10);
    step_end_crashes = false;
    CHECK(m.crashes == 2 && seen[POISON].ended == 1 && seen[POISON].status == INNGEST_OK && seen[POISON].effects == 1);
    check_innocents(SLEEPER, SLEEPER);
    MACHINE_END();
}

/* Power is lost hundreds of times, in user code and between ticks: nobody is charged. */
static void power_on_resets(void)
{
    unsigned resets, i;
    uint32_t random = 1;
    int sent = 0;
    start(2048, 6, 4);
    boot(INNGEST_RESET_POWER_ON);
    for (resets = 0; resets < 400; resets++) {
        while (machine_runs(NULL) < 6) {
            CHECK(emit(SLEEPER + (unsigned)sent++ % 5) == INNGEST_OK);
            CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
        }
        random = random * 1664525u + 1013904223u;
        crash_in = 1 + (random >> 24) % 80;
        for (i = 0; i < (random >> 16) % 64 && live((random >> 8) % 20000); i++) {}
        crash_in = 0;
        boot(INNGEST_RESET_POWER_ON);
    }
    go_on(INNGEST_RESET_POWER_ON, boots);
    CHECK(charged == 0);
    CHECK(m.crashes > 100);
    for (i = SLEEPER; i <= PENDER; i++) CHECK(seen[i].status == INNGEST_OK && seen[i].ended >= 2);
    MACHINE_END();
}

/* The same with clean stops, and the reason of the reset not known. */
static void clean_stops(void)
{
    unsigned stops, i;
    start(2048, 6, 4);
    boot(INNGEST_RESET_UNKNOWN);
    for (stops = 0; stops < 60; stops++) {
        while (machine_runs(NULL) < 5) {
            CHECK(emit(SLEEPER + stops % 5) == INNGEST_OK);
            CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
        }
        CHECK(live(1000 + 997 * stops % 30000 + (stops % 8 == 7 ? 150000 : 0)));
        CHECK(inngest_close(&m.jobs) == INNGEST_OK);
        CHECK(inngest_send(&m.jobs, "p/1", NULL, 0) == INNGEST_ERR_NOT_READY);
        boot(stops % 2 ? INNGEST_RESET_UNKNOWN : INNGEST_RESET_CRASH);
    }
    go_on(INNGEST_RESET_UNKNOWN, boots);
    CHECK(charged == 0);
    for (i = SLEEPER; i <= PENDER; i++) CHECK(seen[i].status == INNGEST_OK && seen[i].ended >= 1);
    MACHINE_END();
}

/* A run that was on its own when power was lost, or at a stop in order, does not pay for another one's crash later. */
static void old_marks(void)
{
    unsigned clean, cycle;
    for (clean = 0; clean < 2; clean++) {
        start(4096, 4, 4);
        boot(INNGEST_RESET_UNKNOWN);
        CHECK(emit(POLLER) == INNGEST_OK);
        CHECK(live(1000));
        for (cycle = 0; cycle < 6; cycle++) {
            boot(INNGEST_RESET_UNKNOWN);                 /* a reset that is nobody's makes it a suspect */
            CHECK(live(1000));                           /* on its own now, in its long step */
            if (clean) CHECK(inngest_close(&m.jobs) == INNGEST_OK);
            boot(INNGEST_RESET_POWER_ON);
            charged = 0;
            clumsy_crashes = 1;
            CHECK(emit(CLUMSY) == INNGEST_OK);
            CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
            m.now += 1000;
            while (clumsy_crashes && live(0)) {}
            boot(INNGEST_RESET_UNKNOWN);
            CHECK(charged <= 1 && (clean || charged == 0));
        }
        go_on(INNGEST_RESET_UNKNOWN, 60);
        check_innocents(POLLER, POLLER);
        MACHINE_END();
    }
}

/* A run on its own in a step that takes long does not pay for one that began since, or that made progress since. */
static void others_crash_meanwhile(void)
{
    unsigned cycle;
    start(4096, 4, 4);
    boot(INNGEST_RESET_UNKNOWN);
    CHECK(emit(PENDER) == INNGEST_OK);
    CHECK(live(1000));
    for (cycle = 0; cycle < 2 * LIMIT; cycle++) {
        boot(INNGEST_RESET_CRASH);
        CHECK(machine_run(INNGEST_SUSPECT_MS + 1000));   /* in progress; the others may go on */
        CHECK(emit(CLUMSY) == INNGEST_OK);
        clumsy_crashes = 1;
        CHECK(!machine_run(1000));
    }
    boot(INNGEST_RESET_CRASH);
    go_on(INNGEST_RESET_CRASH, 60);
    check_innocents(PENDER, PENDER);
    CHECK(seen[CLUMSY].ended == cycle);
    MACHINE_END();
}

/* Each of 20 steps resets the machine twice before it succeeds: progress each time, so the run ends well. */
static unsigned stair_crashes[20];
static inngest_status stairs(inngest_ctx *ctx)
{
    unsigned i;
    for (i = 0; i < 20; i++) {
        INNGEST_DO(ctx, "stair") {
            if (stair_crashes[i] < 2) { stair_crashes[i]++; machine_crash(); }
        }
    }
    return INNGEST_OK;
}

static const inngest_function stairs_table[] = { { .id = "stairs", .event = "p/stairs", .handler = stairs, .journal_bytes = 600 } };
static void progress(void)
{
    start(4096, 4, 1);
    m.config.functions = stairs_table;
    m.config.function_count = 1;
    boot(INNGEST_RESET_UNKNOWN);
    CHECK(inngest_send(&m.jobs, "p/stairs", NULL, 0) == INNGEST_OK);
    go_on(INNGEST_RESET_CRASH, 41);
    CHECK(m.crashes == 40 && boots == 41 && machine_counters().runs_failed == 0);
    MACHINE_END();
}

/* After a crash the suspects go on one at a time; one in a long step keeps the others waiting, but not for ever. */
static void hold_back(void)
{
    inngest_run_info info;
    uint32_t since, next;
    start(4096, 4, 4);
    boot(INNGEST_RESET_UNKNOWN);
    CHECK(emit(PENDER) == INNGEST_OK && emit(WORKER) == INNGEST_OK);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
    boot(INNGEST_RESET_CRASH);
    since = m.now;
    next = machine_tick();
    CHECK(machine_runs(&info) == 2 && info.wait == INNGEST_WAIT_STEP);
    CHECK(seen[WORKER].effects == 0);
    {
        uint32_t cursor = 1;
        CHECK(inngest_next_run(&m.jobs, &cursor, &info) && info.wait == INNGEST_WAIT_SUSPECT);
    }
    CHECK(next == INNGEST_SUSPECT_MS);               /* the tick comes back for it, and not before */
    m.now = since + INNGEST_SUSPECT_MS - 1;
    CHECK(machine_tick() == 1 && seen[WORKER].effects == 0);
    m.now++;
    CHECK(machine_tick() != 0 && seen[WORKER].ended == 1);
    CHECK(live(1000));
    check_innocents(PENDER, PENDER);

    /* The long step ends before: the others go on at once. */
    start(4096, 4, 4);
    boot(INNGEST_RESET_UNKNOWN);
    CHECK(emit(PENDER) == INNGEST_OK && emit(WORKER) == INNGEST_OK);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
    boot(INNGEST_RESET_UNKNOWN);
    CHECK(machine_tick() == INNGEST_SUSPECT_MS);
    CHECK(inngest_complete(&m.jobs, pending[0].token, INNGEST_OK, NULL, 0) == INNGEST_OK);
    CHECK(machine_tick() == UINT32_MAX && seen[WORKER].ended == 1 && seen[PENDER].ended == 1);
    MACHINE_END();
}

/* So does one whose body has begun behind a record of that: it is no progress. And one that was let go late is not held again. */
static inngest_status intender(inngest_ctx *ctx)
{
    static const inngest_step_options intent = { .intent = true };
    INNGEST_DO_WITH(ctx, "radio", &intent) {
        cross();
        seen[POLLER].effects++;
        return inngest_again(ctx, INNGEST_SUSPECT_MS + 1000);
    }
    return INNGEST_OK;
}
static void held_once(void)
{
    static const inngest_function intenders[] = { { .id = "intender", .event = "p/4", .handler = intender, QUICK },
                                                  { .id = "worker", .event = "p/2", .handler = worker, QUICK } };
    uint32_t before;
    start(4096, 4, 4);
    m.config.functions = intenders;
    m.config.function_count = 2;
    boot(INNGEST_RESET_UNKNOWN);
    CHECK(emit(POLLER) == INNGEST_OK && emit(WORKER) == INNGEST_OK);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
    boot(INNGEST_RESET_CRASH);
    CHECK(machine_tick() == INNGEST_SUSPECT_MS && seen[POLLER].effects == 1 && seen[WORKER].effects == 0);
    before = machine_counters().records;
    m.now += INNGEST_SUSPECT_MS + 1000;
    CHECK(machine_run(1) && seen[POLLER].effects == 2 && seen[WORKER].ended == 1);
    CHECK(machine_counters().records == before + 7);                  /* it is let go; the worker alone, three steps, its end; the time */
    MACHINE_END();
}

static uint32_t records_of_a_life(inngest_reset reset, bool close)
{
    uint32_t before;
    unsigned i;
    start(4096, 4, 4);
    boot(INNGEST_RESET_POWER_ON);
    for (i = 0; i < 4; i++) CHECK(emit(SLEEPER) == INNGEST_OK);
    CHECK(live(1000));
    if (close) CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    boot(reset);
    before = machine_counters().records;
    go_on(reset, 2);
    CHECK(seen[SLEEPER].ended == 4);
    MACHINE_END();
    return machine_counters().records - before;
}

/* What follows a crash costs each live run one record; what follows anything else costs none. */
static void cost(void)
{
    uint32_t power_on = records_of_a_life(INNGEST_RESET_POWER_ON, false);
    CHECK(power_on == 4 * 3);                                        /* woken, step, end */
    CHECK(records_of_a_life(INNGEST_RESET_UNKNOWN, true) == power_on);    /* a trace so that a crash is not taken for the stop is no record */
    CHECK(records_of_a_life(INNGEST_RESET_UNKNOWN, false) == power_on + 4);
    CHECK(records_of_a_life(INNGEST_RESET_CRASH, false) == power_on + 4);
}

/* Predicates: events that are sent again at every boot. */
static unsigned predicate_crashes, asked;
static unsigned poisonous;                           /* bits: which events reset the machine in a predicate */
static bool always_new;                              /* the data of an event differ at each boot */
static bool picky(void *user, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    (void)user;
    CHECK(size == 2);
    asked++;
    if (poisonous >> bytes[0] & 1) { predicate_crashes++; machine_crash(); }
    return true;
}

static unsigned picked[4];
static inngest_status pick(inngest_ctx *ctx)
{
    uint8_t bytes[2];
    INNGEST_TRY(inngest_event_data(ctx, bytes, sizeof bytes));
    INNGEST_DO(ctx, "pick") picked[bytes[0]]++;
    return INNGEST_OK;
}

static const inngest_function picky_table[] = {
    { .id = "picky", .event = "p/pick", .handler = pick, .when = picky, .journal_bytes = 64 },
    { .id = "picky too", .event = "p/pick", .handler = pick, .when = picky, .journal_bytes = 64 },
};

static void start_picky(uint32_t block, uint32_t blocks, const inngest_function *functions, uint16_t count)
{
    start(block, blocks, 4);
    m.config.functions = functions;
    m.config.function_count = count;
    memset(picked, 0, sizeof picked);
    predicate_crashes = 0;
}

/* Boots until all is quiet; gives their number. */
static unsigned picky_boots(inngest_reset reset, uint16_t functions)
{
    unsigned i, n;
    start_picky(4096, 6, picky_table, functions);
    for (n = 1; n <= 60; n++) {
        boot(n == 1 ? INNGEST_RESET_POWER_ON : reset);
        for (i = 0; i < 4; i++) {
            uint8_t bytes[2] = { (uint8_t)i, (uint8_t)(always_new ? n : 0) };
            CHECK(inngest_send(&m.jobs, "p/pick", bytes, sizeof bytes) == INNGEST_OK);
        }
        if (machine_run(1000)) break;
    }
    if (machine_runs(NULL) > 0) CHECK(machine_run(1000));
    CHECK(machine_runs(NULL) == 0);
    MACHINE_END();
    return n;
}

static void predicates(void)
{
    unsigned which, i, functions;
    poisonous = 0;
    CHECK(picky_boots(INNGEST_RESET_UNKNOWN, 1) == 1 && picked[0] == 1 && picked[3] == 1);
    for (which = 0; which < 4; which++) {                /* one poison event, before, among and after good ones */
        poisonous = 1u << which;
        CHECK(picky_boots(INNGEST_RESET_UNKNOWN, 1) == 2 + LIMIT);
        for (i = 0; i < 4; i++) CHECK(i == which ? picked[i] == 0 : picked[i] >= 1);
    }
    for (functions = 1; functions <= 2; functions++)     /* several, and through two predicates: an end all the same */
        for (poisonous = 1; poisonous < 16; poisonous++) {
            CHECK(picky_boots(INNGEST_RESET_CRASH, (uint16_t)functions) <= 2 + 5 * LIMIT);
            for (always_new = true; always_new; always_new = false)
                CHECK(picky_boots(INNGEST_RESET_CRASH, (uint16_t)functions) <= 2 + 5 * LIMIT);
        }
    poisonous = 1;
    always_new = true;                 /* of one whose data differ each time it is known a while later */
    CHECK(picky_boots(INNGEST_RESET_CRASH, 1) == 2 + 4 * LIMIT);
    always_new = false;
    poisonous = 0;
}

static inngest_status poison_event(uint8_t which)
{
    uint8_t bytes[2] = { 0, 0 };
    bytes[0] = which;
    return inngest_send(&m.jobs, "p/pick", bytes, sizeof bytes);
}

/* A predicate pays once for a reset of its own, not for those elsewhere that follow: in the application before the first
 * tick, or where nothing is due. It pays for none where power was lost in it, whatever follows. What it paid counts on. */
static void predicates_pay_once(void)
{
    unsigned quiet, cycle, k, power;
    for (power = 0; power < 2; power++)
        for (quiet = 0; quiet < 2; quiet++) {
            start_picky(2048, 4, picky_table, 1);
            poisonous = 1;
            boot(INNGEST_RESET_POWER_ON);
            for (cycle = 0; cycle < 2 * LIMIT; cycle++) {
                boot(INNGEST_RESET_CRASH);
                predicate_crashes = 0;
                CHECK(poison_event(0) == INNGEST_OK);
                (void)machine_tick();
                CHECK(predicate_crashes == (power || cycle < LIMIT));
                for (k = 0; k < 3; k++) {
                    boot(power && k == 0 ? INNGEST_RESET_POWER_ON : INNGEST_RESET_CRASH);
                    if (quiet) CHECK(machine_run(1000));
                }
            }
            poisonous = 0;
            CHECK(poison_event(0) == INNGEST_OK && machine_run(1000) && picked[0] == power);
            if (test_failed) { printf("power %u quiet %u\n", power, quiet); return; }
            MACHINE_END();
        }
}

/* Power goes at each program and erase of that, torn in each way. A reset elsewhere stands behind each of the predicate's. */
static unsigned predicate_life(uint32_t cut, flash_tear tear, inngest_reset after_cut)
{
    unsigned n, first = 0;
    bool ended = false;
    start_picky(2048, 4, picky_table, 1);
    m.chip.cut_at = cut;
    m.chip.tear = tear;
    m.chip.random = cut * 31u + (uint32_t)tear;
    poisonous = 1;
    for (n = 0; n < 40 && !ended; n++) {
        if (machine_boot(n ? INNGEST_RESET_CRASH : INNGEST_RESET_POWER_ON) == INNGEST_OK && !m.chip.dead && n % 2 == 0) {
            CHECK(poison_event(1) == INNGEST_OK && poison_event(0) == INNGEST_OK);
            ended = machine_run(1000) && !m.chip.dead;
            if (n == 0) first = predicate_crashes;               /* not guarded yet */
        }
        if (!m.chip.dead) continue;
        flash_power_on(&m.chip);
        CHECK(machine_boot(after_cut) == INNGEST_OK);
    }
    CHECK(ended && machine_runs(NULL) == 0 && picked[1] >= 1 && picked[0] == 0 && m.chip.violations == 0);
    /* a cut right behind the record, its cause not known, is pinned on it; one behind the run of another event undoes what it paid */
    CHECK(predicate_crashes + (cut && after_cut != INNGEST_RESET_POWER_ON) >= first + LIMIT && predicate_crashes <= first + (cut ? 2 * LIMIT : LIMIT));
    return m.chip.operations;
}

static void predicate_cuts(void)
{
    uint32_t cut, total = predicate_life(0, FLASH_TEAR_NONE, INNGEST_RESET_CRASH);
    unsigned tear, reset;
    CHECK(predicate_crashes == 1 + LIMIT);
    for (cut = 1; cut <= total; cut++)
        for (tear = 0; tear < FLASH_TEARS; tear++)
            for (reset = 0; reset < 2; reset++) {
                (void)predicate_life(cut, (flash_tear)tear, reset ? INNGEST_RESET_POWER_ON : INNGEST_RESET_UNKNOWN);
                if (test_failed) { printf("cut %u tear %u reset %u crashes %u\n", cut, tear, reset, predicate_crashes); return; }
            }
    poisonous = 0;
    MACHINE_END();
}

/* A run on its own in a long step does not pay for a predicate. */
static void predicate_beside(void)
{
    inngest_function both[2];
    unsigned cycle;
    memcpy(&both[0], &table[PENDER], sizeof both[0]);
    memcpy(&both[1], &picky_table[0], sizeof both[1]);
    start_picky(4096, 4, both, 2);
    poisonous = 1;
    boot(INNGEST_RESET_UNKNOWN);
    CHECK(emit(PENDER) == INNGEST_OK && live(1000));
    for (cycle = 0; cycle <= LIMIT; cycle++) {
        boot(INNGEST_RESET_CRASH);
        CHECK(live(1000));                               /* on its own now */
        CHECK(poison_event(0) == INNGEST_OK);
        CHECK((machine_tick() == MACHINE_CRASHED) == (cycle < LIMIT));
    }
    poisonous = 0;
    go_on(INNGEST_RESET_CRASH, 30);
    CHECK(seen[PENDER].ended == 1 && seen[PENDER].status == INNGEST_OK && seen[PENDER].effects == 1);
    MACHINE_END();
}

/* What goes before a crash costs predicates nothing; after one the first of them go behind a record. */
static void cost_of_predicates(void)
{
    static const uint8_t bytes[2] = { 1, 0 };
    uint32_t records[3];
    unsigned i;
    for (i = 0; i < 3; i++) {
        start_picky(2048, 4, picky_table, 1);
        boot(INNGEST_RESET_UNKNOWN);
        CHECK(inngest_send(&m.jobs, "p/pick", bytes, sizeof bytes) == INNGEST_OK);
        CHECK(machine_run(1000));
        records[i] = machine_counters().records;
        if (i == 0) continue;
        boot(i == 1 ? INNGEST_RESET_POWER_ON : INNGEST_RESET_CRASH);
        records[i] = machine_counters().records;
        CHECK(inngest_send(&m.jobs, "p/pick", bytes, sizeof bytes) == INNGEST_OK);
        CHECK(machine_run(1000));
        records[i] = machine_counters().records - records[i];
        MACHINE_END();
    }
    CHECK(records[0] == 3 && records[1] == 3 && records[2] == 5);
}

/* Power goes at each program and erase of a crash loop with its bookkeeping, torn in each way: the loop still ends,
 * the innocents finish. */
static unsigned one_life(uint32_t cut, flash_tear tear, inngest_reset after_cut)
{
    unsigned slices;
    start(2048, 4, 4);
    place = BODY;
    m.chip.cut_at = cut;
    m.chip.tear = tear;
    m.chip.random = cut * 31u + (uint32_t)tear;
    boot(INNGEST_RESET_UNKNOWN);
    CHECK(emit(SLEEPER) == INNGEST_OK && emit(POISON) == INNGEST_OK && emit(WORKER) == INNGEST_OK);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
    for (slices = 0; slices < 300; slices++) {
        bool reset = !live(2000);
        if (m.chip.dead) {
            flash_power_on(&m.chip);
            if (machine_boot(after_cut) != INNGEST_OK) CHECK(!"mounts");
            boots++;
        } else if (reset) {
            if (machine_boot(INNGEST_RESET_CRASH) != INNGEST_OK) {
                CHECK(m.chip.dead);
                flash_power_on(&m.chip);
                CHECK(machine_boot(after_cut) == INNGEST_OK);
            }
            boots++;
        } else if (machine_runs(NULL) == 0) break;
    }
    CHECK(slices < 300);
    CHECK(seen[SLEEPER].ended >= 1 && seen[SLEEPER].status == INNGEST_OK);
    CHECK(seen[WORKER].ended >= 1 && seen[WORKER].status == INNGEST_OK && seen[WORKER].effects <= 4);
    CHECK(seen[POISON].why == INNGEST_ERR_CRASHED && seen[POISON].ended >= 1);
    /* a cut right behind the mark, its cause not known, is pinned on the run; at a known power-on nothing is */
    CHECK(m.crashes >= (after_cut == INNGEST_RESET_POWER_ON ? 1 : 0) + LIMIT && m.crashes <= 3 + LIMIT);
    slices = m.chip.operations;
    CHECK(m.chip.violations == 0);
    place = NOWHERE;
    return slices;
}

static void power_cuts(void)
{
    unsigned first, total, cut, tear, reset;
    start(2048, 4, 4);
    boot(INNGEST_RESET_UNKNOWN);
    CHECK(emit(SLEEPER) == INNGEST_OK && emit(POISON) == INNGEST_OK && emit(WORKER) == INNGEST_OK);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
    first = m.chip.operations + 1;
    total = one_life(0, FLASH_TEAR_NONE, INNGEST_RESET_UNKNOWN);
    CHECK(m.crashes == 1 + LIMIT);
    for (cut = first; cut <= total; cut++)
        for (tear = 0; tear < FLASH_TEARS; tear++)
            for (reset = 0; reset < 2; reset++) {
                (void)one_life(cut, (flash_tear)tear, reset ? INNGEST_RESET_POWER_ON : INNGEST_RESET_UNKNOWN);
                if (test_failed) { printf("cut %u tear %u reset %u crashes %u\n", cut, tear, reset, m.crashes); return; }
            }
    MACHINE_END();
}

/* Fill the journal several times over, so that reclaim carries all that is live. */
static void churn(void)
{
    unsigned i;
    for (i = 0; i < 500; i++) inngest_set_wall_clock(&m.jobs, 1700000000000 + (i % 2) * 100000 + m.now, m.now);
}

static void reclaim(void)
{
    unsigned when, blocks;
    for (blocks = 2; blocks <= 5; blocks++)
        for (when = 0; when < 2; when++) {
            start(2048, blocks, 4);
            place = BODY;
            boot(INNGEST_RESET_UNKNOWN);
            CHECK(emit(POISON) == INNGEST_OK);
            while (m.crashes < 40) {
                if (when == 0) churn();                  /* before the run goes on, or while it is asleep with a mark */
                if (live(2000)) break;
                boot(INNGEST_RESET_CRASH);
                if (when == 1) churn();
            }
            CHECK(m.crashes == 1 + LIMIT);
            CHECK(machine_counters().erases > 0 && seen[POISON].why == INNGEST_ERR_CRASHED);
            place = NOWHERE;
            MACHINE_END();
        }
}

/* A run in a crash loop that is cancelled ends at once; if the end hook resets the machine, after the same budget. */
static void cancelled(void)
{
    unsigned hook, before;
    for (hook = 0; hook < 2; hook++) {
        start(2048, 4, 4);
        boot(INNGEST_RESET_UNKNOWN);
        CHECK(emit(POISON) == INNGEST_OK && emit(SLEEPER) == INNGEST_OK);
        place = BODY;
        while (m.crashes < 3) if (!live(1000)) boot(INNGEST_RESET_CRASH);
        if (hook) place = END_HOOK;
        before = m.crashes;
        CHECK(inngest_cancel(&m.jobs, poison_run) == INNGEST_OK);
        go_on(INNGEST_RESET_CRASH, 30);
        CHECK(seen[POISON].status == INNGEST_CANCELLED && seen[POISON].on_failure == 0);
        CHECK(hook ? m.crashes - before <= 2 + LIMIT : m.crashes == before);
        CHECK(machine_counters().runs_cancelled == 1 || machine_runs(NULL) == 0);
        check_innocents(SLEEPER, SLEEPER);
        MACHINE_END();
    }
    place = NOWHERE;
}

/* While a suspect is on its own in a long step, a run that is held back can be cancelled at once; should the end hook
 * reset the machine in telling of it, the cancelled one pays. */
static void cancelled_beside(void)
{
    inngest_run_info info;
    uint32_t cursor;
    unsigned hook, before, began;
    for (hook = 0; hook < 2; hook++) for (began = 0; began < 2; began++) {
        start(2048, 4, 4);
        boot(INNGEST_RESET_UNKNOWN);
        CHECK(emit(PENDER) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
        if (!began) CHECK(emit(POISON) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
        place = hook ? END_HOOK : NOWHERE;
        boot(INNGEST_RESET_CRASH);
        if (began) CHECK(emit(POISON) == INNGEST_OK);            /* in this boot: it is no suspect, and waits all the same */
        (void)machine_tick();
        CHECK(machine_runs(&info) == 2 && info.wait == INNGEST_WAIT_STEP && seen[POISON].effects == 0);
        cursor = 1;
        CHECK(inngest_next_run(&m.jobs, &cursor, &info) && info.wait == INNGEST_WAIT_SUSPECT);
        before = m.crashes;
        CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_OK);
        cursor = 1;
        CHECK(inngest_next_run(&m.jobs, &cursor, &info) && info.wait == INNGEST_WAIT_NONE && info.phase == INNGEST_PHASE_CANCELLING);
        CHECK((machine_tick() == MACHINE_CRASHED) == (hook == 1));
        CHECK(seen[POISON].ended == 1 && seen[POISON].status == INNGEST_CANCELLED && seen[POISON].effects == 0);
        CHECK(seen[PENDER].ended == 0);
        go_on(INNGEST_RESET_CRASH, 30);
        CHECK(hook ? m.crashes - before <= 2 + LIMIT : m.crashes == before);
        check_innocents(PENDER, PENDER);
        MACHINE_END();
    }
    start(2048, 4, 4);                                            /* again and again, with runs that are no suspects */
    boot(INNGEST_RESET_UNKNOWN);
    CHECK(emit(PENDER) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
    for (began = 0; began <= LIMIT; began++) {
        boot(INNGEST_RESET_CRASH);
        (void)machine_tick();
        CHECK(emit(POISON) == INNGEST_OK && machine_tick() != MACHINE_CRASHED);
        cursor = 1;
        CHECK(inngest_next_run(&m.jobs, &cursor, &info) && info.wait == INNGEST_WAIT_SUSPECT && inngest_cancel(&m.jobs, info.id) == INNGEST_OK);
        place = END_HOOK;
        CHECK(machine_tick() == MACHINE_CRASHED);
        place = NOWHERE;
    }
    go_on(INNGEST_RESET_CRASH, 30);
    check_innocents(PENDER, PENDER);
    MACHINE_END();
}

/* The bookkeeping of a crash does not start a run that waits for its event's time. */
static void not_yet_begun(void)
{
    inngest_event later = { "p/2", NULL, 0, NULL, 1700000000000 + INNGEST_HOURS(1) };
    unsigned i;
    start(2048, 4, 4);
    boot(INNGEST_RESET_UNKNOWN);
    inngest_set_wall_clock(&m.jobs, 1700000000000, m.now);
    CHECK(inngest_send_event(&m.jobs, &later) == INNGEST_OK);
    for (i = 0; i < 5; i++) {
        CHECK(live(1000));
        CHECK(seen[WORKER].effects == 0);
        boot(INNGEST_RESET_CRASH);
        if (i % 2) inngest_set_wall_clock(&m.jobs, 1700000000000 + m.now, m.now);
    }
    inngest_set_wall_clock(&m.jobs, 1700000000000 + INNGEST_HOURS(1) - 1000, m.now);
    CHECK(machine_run(999) && seen[WORKER].effects == 0);
    CHECK(machine_run(1) && seen[WORKER].effects == 3);
    MACHINE_END();
}

/* A suspect that waits for room tries again each second, and does not write each time. */
static inngest_status sends(inngest_ctx *ctx) { return inngest_step_send(ctx, "send", "p/2", NULL, 0); }
static inngest_status sleeps(inngest_ctx *ctx) { return inngest_step_sleep(ctx, "nap", INNGEST_DAYS(10)); }

static void waits_for_room(void)
{
    static const inngest_function waiting[] = { { .id = "worker", .event = "p/2", .handler = worker, QUICK },
                                                { .id = "sends", .event = "w/send", .handler = sends, QUICK },
                                                { .id = "sleeps", .event = "w/sleep", .handler = sleeps, QUICK } };
    inngest_run_info info;
    uint32_t records, cursor = 0;
    start(4096, 4, 4);
    m.config.functions = waiting;
    m.config.function_count = 3;
    m.config.runs = 2;
    boot(INNGEST_RESET_POWER_ON);
    CHECK(inngest_send(&m.jobs, "w/sleep", NULL, 0) == INNGEST_OK && inngest_send(&m.jobs, "w/send", NULL, 0) == INNGEST_OK);
    CHECK(machine_run(5000));
    boot(INNGEST_RESET_CRASH);
    CHECK(machine_run(5000));
    records = machine_counters().records;
    CHECK(machine_run(600000) && machine_counters().records < records + 20);
    CHECK(inngest_next_run(&m.jobs, &cursor, &info) && inngest_cancel(&m.jobs, info.id) == INNGEST_OK);
    CHECK(machine_run(5000) && machine_runs(NULL) == 0 && seen[WORKER].effects == 3);
    MACHINE_END();
}

/* The record that lets the others go on fails: it is written a second later, whether its tick is in time or not. */
static uint32_t programs_fail;
static int (*program_below)(void *, uint32_t, const void *, uint32_t);
static int failing_program(void *context, uint32_t at, const void *data, uint32_t size)
{
    if (programs_fail == 0) return program_below(context, at, data, size);
    programs_fail--;
    return -5;
}

static void let_go_later(void)
{
    uint32_t late;
    for (late = 0; late < 2; late++) {
        start(4096, 4, 4);
        program_below = m.chip.port.program;
        m.chip.port.program = failing_program;
        boot(INNGEST_RESET_UNKNOWN);
        CHECK(emit(SLEEPER) == INNGEST_OK && emit(PENDER) == INNGEST_OK && machine_run(100));
        boot(INNGEST_RESET_CRASH);
        CHECK(machine_run(INNGEST_SUSPECT_MS - 1) && seen[SLEEPER].effects == 0);
        m.now += 1 + 5 * late;
        programs_fail = 1;
        CHECK(machine_tick() <= 1000 && programs_fail == 0);
        CHECK(machine_run(1000) && seen[SLEEPER].effects == 1);
        MACHINE_END();
    }
}

/* ---- who pays, in worlds of their own --------------------------------------------------------------------------------- */

static unsigned asked, polled;
static bool resets_for_X(void *user, const void *data, size_t size)
{
    (void)user;
    if (size == 1 && *(const char *)data == 'X') machine_crash();
    return false;
}
static inngest_status poller_40(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "poll") {
        polled++;
        if (inngest_step_calls(ctx) < 40) return inngest_again(ctx, 1000);
    }
    return INNGEST_OK;
}
static inngest_status nothing(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }
static const inngest_function guarded_events[] = { { .id = "poller", .event = "w/go", .handler = poller_40, QUICK },
                                                { .id = "job", .event = "w/ev", .handler = nothing, .when = resets_for_X, QUICK } };
static const inngest_hooks told_of_end = { .run_end = machine_run_end };

/* A suspect is alone in a long step, and a predicate resets the machine behind more events than are looked at behind a record after a
 * boot: it is the event's, not the run's. */
static void lone_run_is_innocent(void)
{
    unsigned boots_of_it, i;
    uint32_t before;
    bool lives = false;
    memset(&machine_ended, 0, sizeof machine_ended);
    machine_open(guarded_events, 2, 4096, 8, 4);
    m.config.hooks = &told_of_end;
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "w/go", NULL, 0) == INNGEST_OK && machine_run(2500));
    for (boots_of_it = 0; boots_of_it < 12 && !lives; boots_of_it++) {
        CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
        lives = machine_run(1000);
        for (i = 0; lives && i < 20; i++) {
            CHECK(inngest_send(&m.jobs, "w/ev", "n", 1) == INNGEST_OK);
            lives = machine_run(500);
        }
        if (!lives) continue;
        CHECK(inngest_send(&m.jobs, "w/ev", "X", 1) == INNGEST_OK);
        lives = machine_run(200);
    }
    CHECK(lives && boots_of_it > LIMIT && machine_run(100000));
    CHECK(machine_ended.count == 1 && machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    before = machine_counters().records;                           /* nobody is alone any more: no more records for those to come */
    for (i = 0; i < 5; i++) CHECK(inngest_send(&m.jobs, "w/ev", "n", 1) == INNGEST_OK && machine_run(500));
    CHECK(machine_counters().records == before);
    MACHINE_END();
}

/* A poison that finds no place among the steps in progress is a suspect still when it has one. */
static unsigned poison_ended;
static inngest_status why_it_ended;
static inngest_status chunks(inngest_ctx *ctx)
{
    unsigned i;
    for (i = 0; i < 25; i++) INNGEST_DO(ctx, "chunk") if (inngest_step_calls(ctx) < 90) return inngest_again(ctx, 1000);
    return INNGEST_OK;
}
static inngest_status radio(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "radio") {
        asked++;
        if (inngest_step_token(ctx).attempt != 0) machine_crash();
        return INNGEST_PENDING;
    }
    return INNGEST_OK;
}
static void radio_end(void *user, const inngest_end_info *info)
{
    (void)user;
    if (strcmp(info->function, "radio") != 0) return;
    poison_ended++;
    why_it_ended = info->error ? info->error->status : INNGEST_OK;
}
static int sync_of_it(void *context) { (void)context; return 0; }

static void poison_without_place(void)
{
    static const inngest_function table[] = { { .id = "chunks", .event = "w/chunks", .handler = chunks, .journal_bytes = 2000 },
                                              { .id = "radio", .event = "w/radio", .handler = radio, .max_attempts = 1 } };
    static const inngest_hooks end_hook = { .run_end = radio_end };
    unsigned n;
    poison_ended = asked = 0;
    machine_open(table, 2, 4096, 8, 4);
    m.config.hooks = &end_hook;
    m.chip.port.sync = sync_of_it;
    machine_reboot();
    for (n = 0; n < INNGEST_ACTIVE_STEPS; n++) CHECK(inngest_send(&m.jobs, "w/chunks", NULL, 0) == INNGEST_OK);
    CHECK(machine_run(10) && inngest_send(&m.jobs, "w/radio", NULL, 0) == INNGEST_OK);
    for (n = 0; n < 20 && poison_ended == 0; n++) {
        if (n) CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK);
        if (machine_run(3600000)) break;
    }
    CHECK(n <= LIMIT + 2 && poison_ended == 1 && why_it_ended == INNGEST_ERR_CRASHED);
    MACHINE_END();
}

/* What power has ended is told to nobody as a crash. */
static unsigned pinned;
static void counting_log(void *context, const char *text)
{
    (void)context;
    pinned += strstr(text, "a reset is pinned") != NULL;
}

/* The log resets the machine when it is told of a crash: the next boot knows of that all the same. */
static void crashing_log(void *context, const char *text)
{
    (void)context; (void)text;
    machine_crash();
}
static inngest_status crash_at_once(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "x") machine_crash();
    return INNGEST_OK;
}
static bool boots_at_all(void)
{
    if (setjmp(machine_reset_vector) != 0) return false;
    return machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK;
}

static void log_resets(void)
{
    static const inngest_function table[] = { { .id = "job", .event = "w/go", .handler = crash_at_once, .max_attempts = 1 } };
    unsigned n;
    for (n = 0; n < 2; n++) {
        machine_open(table, 1, 4096, 4, 4);
        machine_reboot();
        CHECK(inngest_send(&m.jobs, "w/go", NULL, 0) == INNGEST_OK && !machine_run(10));
        CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK && !machine_run(10));      /* alone, behind its record */
        m.chip.port.log = counting_log;
        pinned = 0;
        CHECK(machine_boot(n ? INNGEST_RESET_POWER_ON : INNGEST_RESET_CRASH) == INNGEST_OK && pinned == 1 - n);
        m.chip.port.log = NULL;
        MACHINE_END();
    }
    machine_open(table, 1, 4096, 4, 4);
    machine_reboot();
    m.chip.port.log = crashing_log;
    CHECK(inngest_send(&m.jobs, "w/go", NULL, 0) == INNGEST_OK && !machine_run(10));
    for (n = 0; n < 20; n++) if (boots_at_all() && machine_run(10)) break;
    CHECK(n < 20 && machine_runs(NULL) == 0);
    m.chip.port.log = NULL;
    MACHINE_END();
}

int main(void)
{
    lone_run_is_innocent();
    poison_without_place();
    log_resets();
    power_cuts();
    reclaim();
    cancelled();
    cancelled_beside();
    not_yet_begun();
    progress();
    hold_back();
    held_once();
    cost();
    predicates();
    cost_of_predicates();
    predicates_pay_once();
    predicate_cuts();
    predicate_beside();
    every_callback();
    step_end_hook();
    power_on_resets();
    clean_stops();
    old_marks();
    others_crash_meanwhile();
    waits_for_room();
    let_go_later();
    return TEST_END();
}
