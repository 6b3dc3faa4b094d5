/* SPDX-License-Identifier: MIT
 * The optional functions of a port are called where, and as often as, inngest.h says: wake by each send that was accepted
 * and by no other, lock and unlock around each claim of a slot where there is no compare-and-swap (this program is built
 * without), idle often enough for a watchdog, log not more than once a second. */
#include "machine.h"

static const uint32_t one_second[] = { 1 };
static inngest_token token;
static unsigned bodies;

static inngest_status waits(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "work") bodies++;
    INNGEST_DO(ctx, "radio") {
        token = inngest_step_token(ctx);
        return INNGEST_PENDING;
    }
    return INNGEST_OK;
}

static inngest_status sleeps(inngest_ctx *ctx)
{
    uint8_t bytes[60];
    INNGEST_STEP(ctx, "bytes", bytes) memset(bytes, 7, sizeof bytes);
    return inngest_step_sleep(ctx, "nap", INNGEST_DAYS(1));
}

#define STEPS 400u
static inngest_status many(inngest_ctx *ctx)
{
    uint32_t i, value;
    for (i = 0; i < STEPS; i++) {
        INNGEST_STEP(ctx, "count", value) value = i;
        if (value != i) return INNGEST_FAIL;
    }
    return inngest_step_sleep(ctx, "nap", INNGEST_DAYS(1));
}

static const inngest_function table[] = {
    { .id = "waits", .event = "t/waits", .handler = waits, .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER },
    { .id = "sleeps", .event = "t/sleeps", .handler = sleeps, .journal_bytes = 200 },
    { .id = "many", .event = "t/many", .handler = many, .journal_bytes = 9000 },
};

/* ---- wake, lock ---------------------------------------------------------------------------------------------------- */

static unsigned wakes, locks, unlocks, wakes_locked;
static void wake_call(void *context) { CHECK(context == &m.chip); wakes++; wakes_locked += locks != unlocks; }
static void lock_call(void *context) { CHECK(context == &m.chip && locks == unlocks); locks++; }
static void unlock_call(void *context) { CHECK(context == &m.chip && locks == unlocks + 1); unlocks++; }

/* So many more wakes and claims than before. */
static bool called(unsigned wake, unsigned claim)
{
    bool good = wakes == wake && locks == claim && unlocks == claim;
    if (!good) printf("  woken %u, locked %u, unlocked %u\n", wakes, locks, unlocks);
    wakes = locks = unlocks = 0;
    return good;
}

static void senders(void)
{
    static const inngest_event event = { .name = "t/other" }, nameless = { .name = "" }, large = { .name = "t/other", .data = &event, .size = INNGEST_EVENT_BYTES };
    unsigned i;
    machine_open(table, 2, 2048, 4, 4);
    m.chip.port.wake = wake_call;
    m.chip.port.lock = lock_call;
    m.chip.port.unlock = unlock_call;
    wakes = locks = unlocks = 0;
    machine_reboot();
    CHECK(called(0, 0));
    CHECK(inngest_send(&m.jobs, "t/waits", NULL, 0) == INNGEST_OK && called(1, 1));
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && called(1, 1));
    CHECK(machine_run(10) && bodies == 1 && called(0, 0));                 /* the tick needs neither */
    inngest_wake(&m.jobs);
    CHECK(called(1, 0));
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK && called(1, 1));
    CHECK(machine_run(10) && machine_runs(NULL) == 0);
    CHECK(inngest_send_event(&m.jobs, &nameless) == INNGEST_ERR_NAME && inngest_send_event(&m.jobs, &large) == INNGEST_ERR_EVENT_SIZE);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_PAUSED, NULL, 0) == INNGEST_ERR_ARGUMENT && called(0, 0));
    for (i = 0; i < MACHINE_EVENTS - 1; i++) CHECK(inngest_send(&m.jobs, "t/other", "x", 1) == INNGEST_OK);
    CHECK(called(MACHINE_EVENTS - 1, MACHINE_EVENTS - 1));
    CHECK(inngest_send(&m.jobs, "t/other", "x", 1) == INNGEST_ERR_QUEUE_FULL && called(0, 1));
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_QUEUE_FULL && called(0, 1));
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK && called(1, 1));   /* it has the slot that is kept */
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_ERR_QUEUE_FULL && called(0, 1));
    CHECK(machine_run(10) && called(0, 0));
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "t/waits", NULL, 0) == INNGEST_ERR_NOT_READY);
    inngest_wake(&m.jobs);
    CHECK(called(0, 0) && wakes_locked == 0);                              /* a wake that gives a task its turn does so unlocked */
    MACHINE_END();
}

/* ---- idle ---------------------------------------------------------------------------------------------------------- */

static unsigned idles;
static uint32_t work, most_work;           /* bytes read or programmed, and a block for each erase, since idle was called */
static void idle_call(void *context)
{
    CHECK(context == &m.chip);
    idles++;
    work = 0;
}
static void count_work(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user; (void)address;
    work += operation == 'e' ? m.chip.port.block_size : size;
    if (work > most_work) most_work = work;
}

#define BLOCK 1024u
static void watchdog(void)
{
    unsigned i, blocks, k;
    uint32_t most[2] = { 0, 0 };
    for (k = 0; k < 2; k++) {
        blocks = k ? 64 : 16;
        machine_open(table, 2, BLOCK, blocks, 4);
        m.chip.port.idle = idle_call;
        m.chip.trace = count_work;
        m.chip.busy = 3;
        idles = 0;
        work = most_work = 0;
        CHECK(inngest_format(&m.chip.port) == INNGEST_OK);
        CHECK(idles >= 4 * blocks);                                        /* at each BUSY and after each erase */
        idles = 0;
        machine_reboot();                                                  /* a blank one: all of it is looked at, and erased */
        CHECK(idles >= blocks);
        for (i = 0; i < MACHINE_RUNS && inngest_send(&m.jobs, "t/sleeps", "0123456789", 10) == INNGEST_OK; i++) CHECK(machine_run(1));
        for (i = 0; i < 40 * blocks; i++) {                                /* records of another kind, so that reclaim has to carry */
            inngest_set_wall_clock(&m.jobs, 1700000000000 + (int64_t)m.now + (i & 1) * 5000, m.now);
            CHECK(machine_run(1));
        }
        CHECK(machine_counters().erases > blocks && machine_counters().carried > 0);
        idles = 0;
        work = 0;
        machine_reboot();
        CHECK(idles >= blocks && machine_runs(NULL) > 3);
        most[k] = most_work;
        MACHINE_END();
    }
    printf("bytes between two calls of idle: %u of %u, %u of %u\n", (unsigned)most[0], 16 * BLOCK, (unsigned)most[1], 64 * BLOCK);
    CHECK(most[0] <= 8 * BLOCK && most[1] <= 8 * BLOCK);                   /* does not grow with the storage, nor with the runs */
}

/* A run of many records. */
static void long_run(void)
{
    uint32_t i;
    machine_open(table, 3, 16384, 4, 4);
    m.chip.port.idle = idle_call;
    m.chip.trace = count_work;
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "t/many", "", 0) == INNGEST_OK && machine_run(1));
    most_work = work = 0;
    for (i = 0; i < 3000; i++) {
        inngest_set_wall_clock(&m.jobs, 1700000000000 + (int64_t)m.now + (i & 1) * 5000, m.now);
        CHECK(machine_run(1));
        if (work > 64) work = 0;                                           /* a tick without idle is a short one */
    }
    CHECK(machine_counters().carried > STEPS);
    machine_reboot();
    CHECK(machine_runs(NULL) == 1);
    printf("bytes between two calls of idle, a run of %u steps: %u\n", STEPS, (unsigned)most_work);
    CHECK(most_work < STEPS * 64 + 6 * 16384);
    CHECK(machine_run((uint32_t)INNGEST_DAYS(2)) && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* ---- reads --------------------------------------------------------------------------------------------------------- */

static uint64_t read_bytes;
static uint32_t cut_behind;                /* so many copies; 0: never */
static void count_reads(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user; (void)address;
    if (operation == 'r') read_bytes += size;
    if (operation == 'p' && cut_behind && machine_counters().carried == cut_behind) {
        m.chip.cut_at = m.chip.operations + 1;
        cut_behind = 0;
    }
}

#define LARGE 32768u
static inngest_status naps(inngest_ctx *ctx)
{
    uint32_t i, value;
    for (i = 0; i < 2 * STEPS; i++) {
        INNGEST_STEP(ctx, "count", value) value = i;
        if (i % 4 == 0) INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1));
        if (value != i) return INNGEST_FAIL;
    }
    return inngest_step_sleep(ctx, "long", INNGEST_DAYS(1));
}

static const inngest_function napping[] = { { .id = "naps", .event = "t/naps", .handler = naps, .journal_bytes = 30000 } };

/* Neither a reclaim nor a mount looks through all of a run for each of its records; not where a reclaim was cut short,
 * either, after so many copies (0: it is not). */
static void bounded_reads(uint32_t copies)
{
    uint32_t i;
    uint64_t most = 0, mount;
    machine_open(napping, 1, LARGE, 4, 4);
    m.chip.trace = count_reads;
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "t/naps", "", 0) == INNGEST_OK && machine_run(2 * STEPS));
    cut_behind = copies;
    for (i = 0; i < 30000 && machine_counters().carried < 4 * STEPS; i++) {
        inngest_set_wall_clock(&m.jobs, 1700000000000 + (int64_t)m.now + (i & 1) * 5000, m.now);
        read_bytes = 0;
        (void)machine_tick();
        m.now++;
        if (m.chip.dead) {
            flash_power_on(&m.chip);
            read_bytes = 0;
            machine_reboot();
        }
        if (read_bytes > most) most = read_bytes;
    }
    CHECK(machine_counters().carried >= 4 * STEPS && cut_behind == 0);
    read_bytes = 0;
    machine_reboot();
    mount = read_bytes;
    printf("a run of %u steps, cut after %u copies: bytes read by a tick or by the mount behind it %u, by a mount %u\n", 2 * STEPS,
           (unsigned)copies, (unsigned)most, (unsigned)mount);
    CHECK(most < 6 * 4 * LARGE && mount < 6 * 4 * LARGE && machine_runs(NULL) == 1);
    CHECK(machine_run((uint32_t)INNGEST_DAYS(2)) && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* ---- log ----------------------------------------------------------------------------------------------------------- */

static unsigned logged, burst;
static uint32_t logged_at;
static void log_call(void *context, const char *text)
{
    CHECK(context == &m.chip && strncmp(text, "inngest: ", 9) == 0);
    if (logged++ && m.now - logged_at < 1000) burst++;
    logged_at = m.now;
}
static int no_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    (void)context; (void)address; (void)data; (void)size;
    return -99;
}

static void logs(void)
{
    unsigned i, flushed = 0;
    int (*program)(void *context, uint32_t address, const void *data, uint32_t size);
    machine_open(table, 2, 2048, 4, 4);
    m.chip.port.log = log_call;
    machine_reboot();
    CHECK(machine_run(100000) && logged == 0);
    program = m.chip.port.program;
    m.chip.port.program = no_program;
    CHECK(inngest_send(&m.jobs, "t/waits", NULL, 0) == INNGEST_OK);
    for (i = 0; i < 200; i++) {                                            /* twenty seconds of failures, ten a second */
        m.now += 100;
        (void)machine_tick();
        if (inngest_flush(&m.jobs) == INNGEST_OK) flushed++;
    }
    CHECK(machine_counters().port_errors > 30 && machine_counters().port_error == -99);
    CHECK(flushed == 0 && logged >= 5 && logged <= 21 && burst == 0);
    logged = 0;
    m.chip.port.program = program;
    CHECK(machine_run(10000) && bodies == 2 && logged == 0);
    MACHINE_END();
}

/* Events that wait are told once, not each second. */
static unsigned told;
static const char *waiting_for;
static void log_waiting(void *context, const char *text)
{
    (void)context;
    told += strstr(text, waiting_for) != NULL;
}

static inngest_status ends(inngest_ctx *ctx)
{
    (void)ctx;
    return INNGEST_OK;
}
static const inngest_function ending[] = { { .id = "ends", .event = "t/ends", .handler = ends } };
static const inngest_function large[] = { { .id = "sleeps", .event = "t/sleeps", .handler = sleeps, .journal_bytes = 1000 } };

static void waiting_events(void)
{
    char id[2] = "a";
    unsigned i;
    inngest_event event = { .name = "t/ends", .id = id };
    machine_open(ending, 1, 2048, 4, 4);
    m.chip.port.log = log_waiting;
    machine_reboot();
    told = 0;
    waiting_for = "events wait until an id expires";
    for (; id[0] <= 'a' + INNGEST_SEEN_IDS; id[0]++) {
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(10));
    }
    for (i = 0; i < 60; i++) CHECK(machine_run(1000));     /* looked at in each tick, told once */
    CHECK(told == 1 && machine_counters().waiting_seen > 10);
    CHECK(machine_run((uint32_t)INNGEST_SEEN_MS) && told == 1);
    MACHINE_END();
    machine_open(large, 1, 2048, 4, 4);
    m.chip.port.log = log_waiting;
    machine_reboot();
    waiting_for = "events wait for room in the journal";
    for (told = 0; machine_counters().waiting_journal == 0; ) {
        CHECK(inngest_send(&m.jobs, "t/sleeps", NULL, 0) == INNGEST_OK && machine_run(10));
        if (m.ticks > 1000) break;
    }
    CHECK(machine_run(600000) && told == 1 && machine_counters().waiting_journal > 1);
    MACHINE_END();
}

int main(void)
{
    waiting_events();
    senders();
    watchdog();
    long_run();
    bounded_reads(0);
    bounded_reads(10);
    bounded_reads(2 * STEPS - 10);
    logs();
    return TEST_END();
}
