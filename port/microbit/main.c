/* SPDX-License-Identifier: MIT
 * Jobs on a micro:bit whose journal is its own flash. The image resets itself in the middle of steps, of sleeps and at
 * random instants, flash writes and mounts among them, while interrupts of four priorities send events, until the
 * journal has gone round all its pages several times. RAM that outlives a reset remembers what was promised:
 *   - a job whose event was flushed runs to its end;
 *   - no step body runs once the handler has seen the step done, and its result stays the same;
 *   - the mail fails first and is retried; a sleep lasts as long as it should, counted in powered time;
 *   - a job that always crashes is ended; no event of an interrupt is lost, doubled or torn within a boot.
 * Erases the journal at power on. It would run on a real board as it does in the emulator. */
#include "board.h"
#include "inngest.h"
#include "nvmc.h"
#include <string.h>

#define PAGES 16u
#define JOURNAL (256u * 1024u - PAGES * 1024u)
#define JOBS 16u                               /* remembered */
#define LIVE 6u                                /* at once */
#define ROUNDS 3u                              /* of reclaim over all pages */
#define RESETS 300u
#define SLEEP_MS 50u
#define TIMER(n, offset) REGISTER(0x40008000u + (n) * 0x1000u + (offset))

enum { FREE, SENT, FLUSHED };
typedef struct user_created { uint32_t number; char email[24]; } user_created;
typedef struct reading { uint32_t level, number, words[4]; } reading;
typedef struct job {
    uint64_t run;
    uint32_t number, slept_at;
    uint8_t state, poison, sleeping, failed_once, mailed, worked;
} job;

/* Outlives a reset. */
static __attribute__((section(".noinit"))) struct {
    uint32_t magic, resets, in_step, in_sleep, at_random, crashes;
    uint32_t random, powered, next_job, flushed, ended, poisoned, passed, failed;
    uint32_t mount_us, sent[4], readings, wear[PAGES];
    uint8_t cause, was_crash;
    job jobs[JOBS];
} kept;

static inngest jobs;
static int64_t memory[INNGEST_MEMORY(8, 16) / 8 + 1];
static inngest_port port;
static int (*erase)(void *context, uint32_t address);
static uint32_t expected[4], booted_at;
static bool stop, sweeping;

static uint32_t random_number(uint32_t below)
{
    kept.random ^= kept.random << 13;
    kept.random ^= kept.random >> 17;
    kept.random ^= kept.random << 5;
    return kept.random % below;
}

static void reset_now(uint32_t *kind, inngest_reset cause)
{
    (*kind)++;
    kept.resets++;
    kept.cause = (uint8_t)cause;
    kept.passed = bare_passed;
    kept.failed = bare_failed;
    board_reset();
}

static uint32_t now_ms(void)
{
    uint32_t now = board_uptime_ms();
    kept.powered = booted_at + now;
    return now;
}

static uint32_t port_now(void *context)
{
    (void)context;
    return now_ms();
}

static job *job_of(uint32_t number)            /* NULL: no longer remembered */
{
    job *j = &kept.jobs[number % JOBS];
    return j->number == number && j->state != FREE ? j : NULL;
}

/* ---- interrupts ------------------------------------------------------------------------------------------------ */

static uint32_t word_of(uint32_t level, uint32_t number, uint32_t i) { return (number * 4u + level) * 2654435761u ^ i * 0x01010101u; }

static void send_reading(uint32_t level)
{
    reading r;
    uint32_t i;
    r.level = level;
    r.number = kept.sent[level];
    for (i = 0; i < 4; i++) r.words[i] = word_of(level, r.number, i);
    if (inngest_send(&jobs, "sensor/reading", &r, sizeof r) == INNGEST_OK) kept.sent[level]++;
}

static void wake(void *context) { (void)context; board_woken = 1; }

void irq9(void); void irq10(void); void irq20(void); void irq21(void); void irq22(void);
void irq20(void) { send_reading(0); }
void irq21(void) { send_reading(1); NVIC_PEND(20); }
void irq22(void) { NVIC_PEND(21); send_reading(2); }

void irq9(void)                                /* TIMER1: at random instants */
{
    if (sweeping) TIMER(1, 0x004) = 1;         /* once */
    TIMER(1, 0x140) = 0;
    (void)TIMER(1, 0x140);
    if (sweeping) { send_reading(3); return; }
    TIMER(1, 0x540) = 50 + kept.sent[3] * 7919u % 4000u;
    NVIC_PEND(20 + kept.sent[3] % 3);
    send_reading(3);
}

void irq10(void) { reset_now(&kept.at_random, INNGEST_RESET_POWER_ON); }   /* TIMER2: the power goes */

static void start_timer(unsigned n, uint32_t counts, uint32_t prescaler)
{
    TIMER(n, 0x508) = 0;                       /* 16 bits */
    TIMER(n, 0x510) = prescaler;
    TIMER(n, 0x540) = counts;
    TIMER(n, 0x200) = 1;                       /* COMPARE0 clears the counter */
    TIMER(n, 0x304) = 1u << 16;
    TIMER(n, 0x00C) = 1;
    TIMER(n, 0x000) = 1;
}

/* ---- jobs ------------------------------------------------------------------------------------------------------ */

static inngest_status signup(inngest_ctx *ctx)
{
    user_created user;
    uint32_t receipt;
    job *j;
    INNGEST_TRY(inngest_event_data(ctx, &user, sizeof user));
    CHECK(strcmp(user.email, "user@example.com") == 0);
    j = job_of(user.number);
    if (j) j->run = inngest_run_id(ctx);
    INNGEST_STEP(ctx, "send-the-user-a-signup-email", receipt) {
        CHECK(j == NULL || !j->mailed);
        if (j && j->poison) reset_now(&kept.crashes, INNGEST_RESET_CRASH);
        if (random_number(8) == 0) reset_now(&kept.in_step, INNGEST_RESET_POWER_ON);
        if (inngest_attempt(ctx) == 0) {
            if (j) j->failed_once = 1;
            return inngest_retry_after(ctx, 1000, 421, "the mail server is busy");
        }
        receipt = user.number * 3u + 1u;
    }
    CHECK(receipt == user.number * 3u + 1u);
    CHECK(j == NULL || j->failed_once);
    if (j) {
        j->mailed = 1;
        if (!j->sleeping) j->slept_at = kept.powered;
        j->sleeping = 1;
    }
    INNGEST_TRY(inngest_step_sleep(ctx, "wait-for-the-future", SLEEP_MS));
    if (j) CHECK(kept.powered - j->slept_at >= SLEEP_MS);
    INNGEST_DO(ctx, "do-some-work-in-the-future") {
        CHECK(j == NULL || !j->worked);
        if (random_number(8) == 0) reset_now(&kept.in_step, INNGEST_RESET_POWER_ON);
    }
    if (j) j->worked = 1;
    return INNGEST_OK;
}

static bool take_reading(void *user, const void *data, size_t size)
{
    reading r;
    uint32_t i;
    (void)user;
    memset(&r, 0, sizeof r);
    memcpy(&r, data, size < sizeof r ? size : sizeof r);
    if (size != sizeof r || r.level > 3) { bare_check(0, "a torn reading", __LINE__); return false; }
    for (i = 0; i < 4; i++) if (r.words[i] != word_of(r.level, r.number, i)) bare_check(0, "a torn reading", __LINE__);
    if (r.number + 1 == expected[r.level] && r.number % 64 == 0) return true;   /* it waited for room, and is looked at again */
    CHECK(r.number == expected[r.level]);
    expected[r.level] = r.number + 1;
    return r.number % 64 == 0;
}

static inngest_status store_reading(inngest_ctx *ctx)
{
    reading r;
    INNGEST_TRY(inngest_event_data(ctx, &r, sizeof r));
    INNGEST_DO(ctx, "store") { CHECK(r.words[3] == word_of(r.level, r.number, 3)); }
    kept.readings++;
    return INNGEST_OK;
}

static void run_end(void *user, const inngest_end_info *info)
{
    uint32_t i;
    (void)user;
    for (i = 0; i < JOBS; i++) {
        job *j = &kept.jobs[i];
        if (j->state == FREE || j->run != info->id) continue;
        if (j->poison) {
            CHECK(info->status == INNGEST_FAIL && info->error && info->error->status == INNGEST_ERR_CRASHED);
            kept.poisoned++;
        } else {
            CHECK(info->status == INNGEST_OK && j->mailed && j->worked);
            kept.ended++;
        }
        j->state = FREE;
    }
}

static const inngest_function functions[] = {
    { .id = "send-signup-email", .event = "user/created", .handler = signup, .jitter_ms = INNGEST_NO_JITTER },
    { .id = "store-reading", .event = "sensor/reading", .handler = store_reading, .when = take_reading, .journal_bytes = 64 },
};

/* ---- main loop ------------------------------------------------------------------------------------------------- */

static uint32_t jobs_in(uint8_t state)
{
    uint32_t i, n = 0;
    for (i = 0; i < JOBS; i++) n += kept.jobs[i].state == state;
    return n;
}

static void sign_up(void)
{
    user_created user = { 0, "user@example.com" };
    job *j = &kept.jobs[kept.next_job % JOBS];
    uint32_t i;
    if (jobs_in(SENT) + jobs_in(FLUSHED) < LIVE && j->state == FREE) {
        user.number = kept.next_job++;
        memset(j, 0, sizeof *j);
        j->number = user.number;
        j->poison = user.number % 32 == 31;
        j->state = SENT;
        if (inngest_send(&jobs, "user/created", &user, sizeof user) != INNGEST_OK) j->state = FREE;
    }
    if (jobs_in(SENT) == 0 || inngest_flush(&jobs) != INNGEST_OK) return;
    for (i = 0; i < JOBS; i++)
        if (kept.jobs[i].state == SENT) {
            kept.jobs[i].state = FLUSHED;
            kept.flushed++;
        }
}

static int count_erase(void *context, uint32_t address)
{
    kept.wear[address / 1024]++;
    return erase(context, address);
}

static uint32_t wear_least(void)
{
    uint32_t i, least = kept.wear[0];
    for (i = 1; i < PAGES; i++) if (kept.wear[i] < least) least = kept.wear[i];
    return least;
}

/* An interrupt that sends comes at each instruction of the way from the tick into the sleep: none is slept over. */
static void sweep_sleep(void)
{
    uint32_t counts, start, slept_over = 0;
    sweeping = true;
    for (counts = 1; counts < 2000; counts++) {
        start = board_uptime_us();
        board_woken = 0;
        (void)inngest_tick(&jobs, now_ms());
        TIMER(1, 0x00C) = 1;
        TIMER(1, 0x540) = counts;
        TIMER(1, 0x000) = 1;
        board_sleep(100);
        if (board_uptime_us() - start > 50000) slept_over++;
        (void)inngest_tick(&jobs, now_ms());
        CHECK(expected[3] == kept.sent[3] && kept.sent[3] == counts);
    }
    sweeping = false;
    CHECK(slept_over == 0);
    board_write("figure microbit_slept_over ");
    bare_number(slept_over);
    board_write(" of 1999\n");
}

static void figure(const char *name, uint32_t value)
{
    board_write("figure microbit_");
    board_write(name);
    board_write(" ");
    bare_number(value);
    board_write("\n");
}

static void finish(void)
{
    uint32_t i, most = 0, cursor = 0;
    inngest_run_info info;
    for (i = 0; i < PAGES; i++) if (kept.wear[i] > most) most = kept.wear[i];
    CHECK(jobs_in(FLUSHED) == 0);
    CHECK(!inngest_next_run(&jobs, &cursor, &info));
    CHECK(kept.in_step >= 20 && kept.in_sleep >= 20 && kept.at_random >= 50);
    CHECK(kept.poisoned > 0 && kept.readings > 0);
    CHECK(inngest_close(&jobs) == INNGEST_OK);
    figure("resets_in_a_step", kept.in_step);
    figure("resets_in_a_sleep", kept.in_sleep);
    figure("resets_at_random", kept.at_random);
    figure("crashes_of_poison_jobs", kept.crashes);
    figure("jobs", kept.ended);
    figure("poison_jobs_ended", kept.poisoned);
    figure("events_of_interrupts", kept.sent[0] + kept.sent[1] + kept.sent[2] + kept.sent[3]);
    figure("erases_least", wear_least());
    figure("erases_most", most);
    figure("longest_mount_us", kept.mount_us);
    figure("ram_engine", sizeof jobs + sizeof memory);
    bare_end("microbit");
}

int main(void)
{
    static const inngest_hooks hooks = { .run_end = run_end };
    inngest_config config = { .functions = functions, .function_count = 2, .port = &port, .hooks = &hooks, .memory = memory,
                              .memory_size = sizeof memory, .runs = 8, .events = 16 };
    inngest_status status;
    uint32_t i, next, start;
    bool first = kept.magic != 0x6A6F6273;
    board_init();
    if (first) {
        memset(&kept, 0, sizeof kept);
        kept.magic = 0x6A6F6273;
        kept.random = 2463534242u;
        kept.cause = INNGEST_RESET_POWER_ON;
        kept.next_job = 1;
    }
    bare_passed = kept.passed;
    bare_failed = kept.failed;
    booted_at = kept.powered;
    for (i = 0; i < JOBS; i++)                 /* sent and not flushed: it may have been lost, or not */
        if (kept.jobs[i].state == SENT) kept.jobs[i].state = FREE;
    nvmc_port(&port, JOURNAL, PAGES);
    port.wake = wake;
    port.now = port_now;
    erase = port.erase;
    port.erase = count_erase;

    nvic_priority(9, 0x40);
    nvic_priority(10, 0x00);
    nvic_priority(20, 0xC0);
    nvic_priority(21, 0x80);
    nvic_priority(22, 0x40);
    NVIC_ENABLE(9); NVIC_ENABLE(20); NVIC_ENABLE(21); NVIC_ENABLE(22);
    if (first) CHECK(inngest_format(&port) == 0);
    else {                                     /* the next cut may come in the mount */
        NVIC_ENABLE(10);
        start_timer(2, 16 + random_number(random_number(2) ? 5000 : 60000), 9);   /* 32 us each */
    }
    config.reset = (inngest_reset)kept.cause;
    kept.cause = INNGEST_RESET_UNKNOWN;
    config.seed = kept.random;
    start = board_uptime_us();
    status = inngest_init(&jobs, &config, NULL);
    if (board_uptime_us() - start > kept.mount_us) kept.mount_us = board_uptime_us() - start;
    CHECK(status == INNGEST_OK);
    if (status != INNGEST_OK) { board_write(inngest_status_name(status)); bare_end("\nmicrobit"); }
    for (i = 0; i < 4; i++) expected[i] = kept.sent[i];
    start_timer(1, 100, 4);                    /* microseconds */
    if (first) {
        TIMER(1, 0x004) = 1;
        TIMER(1, 0x140) = 0;
        NVIC_CLEAR(9);
        TIMER(1, 0x510) = 0;
        memset(kept.sent, 0, sizeof kept.sent);
        memset(expected, 0, sizeof expected);
        sweep_sleep();
        start_timer(1, 100, 4);
        NVIC_ENABLE(10);
        start_timer(2, 3000, 9);
    }
    for (;;) {
        stop = kept.resets >= RESETS && wear_least() >= ROUNDS && kept.at_random >= 50;
        if (stop) {
            TIMER(2, 0x004) = 1;
            TIMER(1, 0x004) = 1;
        }
        board_woken = 0;
        next = inngest_tick(&jobs, now_ms());
        if (!stop) sign_up();
        else if (next == UINT32_MAX && !board_woken) finish();
        if (next > 0 && !stop && !board_woken && jobs_in(FLUSHED) > 0 && random_number(512) == 0)
            reset_now(&kept.in_sleep, INNGEST_RESET_POWER_ON);
        board_sleep(next);
    }
}
