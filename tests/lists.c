/* SPDX-License-Identifier: MIT
 * A mount that begins with a list of all that counts, and one that reads all, find the same: at random times of random lives, in
 * blocks of all sizes, also where power was lost. argv: lives; the first one's seed. */
#include "machine.h"
#include "lossy.h"

#ifndef DISK
#define DISK 0                         /* it has a cache, which power loss takes */
#endif
extern bool takes_lists;
bool takes_lists = true;

static uint32_t state;
#define draw(n) draw_below(n)
static uint32_t draw_below(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)(state >> 4) * below) >> 28);
}

/* What a handler does is drawn from its event: passes agree. */
static inngest_status life(inngest_ctx *ctx)
{
    uint8_t data[40] = { 0 };
    unsigned i;
    INNGEST_TRY(inngest_event_data(ctx, data, sizeof data));
    for (i = 0; i < data[0] % 6u; i++) {
        uint8_t result[30];
        inngest_status a, b;
        switch (data[i + 1] % 6) {
        case 0: INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_SECONDS(data[1]))); break;
        case 1: INNGEST_STEP(ctx, "value", result) memset(result, data[2], sizeof result); break;
        case 2: INNGEST_DO(ctx, "again") if (inngest_attempt(ctx) < data[3] % 4) (void)!inngest_retry(ctx, 1, "not yet"); break;
        case 3:
            inngest_parallel(ctx, "both");
            INNGEST_DO_AS(a, ctx, "left") { }
            b = inngest_step_sleep(ctx, "right", INNGEST_SECONDS(data[4] % 16));
            INNGEST_TRY(inngest_all(ctx, &a, &b));
            break;
        case 4: INNGEST_DO(ctx, "short") { } break;
        default: INNGEST_TRY(inngest_step_send(ctx, "send", "other", data, data[5] % 30)); break;
        }
    }
    return data[6] % 7 ? INNGEST_OK : inngest_fail(ctx, 3, "drawn");
}
static inngest_status failed(inngest_ctx *ctx) { return inngest_step_sleep(ctx, "nap", INNGEST_SECONDS(50)); }
static inngest_status other(inngest_ctx *ctx) { INNGEST_DO(ctx, "do") { } return INNGEST_OK; }
static const inngest_function table[] = { { .id = "life", .event = "life", .handler = life, .on_failure = failed, .journal_bytes = 400 },
                                          { .id = "beside", .event = "life", .handler = other, .journal_bytes = 60 },
                                          { .id = "other", .event = "other", .handler = other, .journal_bytes = 60 } };

typedef struct found {
    inngest_run runs[MACHINE_RUNS];            /* by number */
    inngest_seen seen[INNGEST_SEEN_IDS];       /* by position */
    uint32_t next_run, time, tail, head, offset, reserved, lost, damaged, read;
    int64_t now;
    inngest_status status;
} found;

static uint32_t bytes_read;
static void count_reads(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user;
    (void)address;
    if (operation == 'r') bytes_read += size;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = ((const inngest_run *)a)->number, y = ((const inngest_run *)b)->number;
    return x < y ? -1 : x > y;
}
static int by_position(const void *a, const void *b)
{
    uint32_t x = ((const inngest_seen *)a)->position, y = ((const inngest_seen *)b)->position;
    return x < y ? -1 : x > y;
}

#if DISK
static int no_sync(void *context) { (void)context; return 0; }
static int sync(void *context)
{
    if (lossy_in_sync(m.chip.cut_at == m.chip.operations + 1)) m.chip.dead = true;
    return m.chip.dead ? FLASH_ERROR_POWER : lossy_sync(context);
}

static void make_disk(uint32_t seed)
{
    m.chip.port.sync = sync;
    lossy_open(&m.chip, &m.chip.port, seed);
}
#endif

static void look(const flash *chip, found *f, bool lists)
{
    unsigned i;
    takes_lists = lists;
    CHECK(flash_open(&m.chip, chip->port.block_size, chip->port.block_count, (uint16_t)chip->port.program_size, 1));
    flash_copy(&m.chip, chip);
    m.chip.trace = count_reads;
#if DISK
    m.chip.port.sync = no_sync;
#endif
    bytes_read = 0;
    memset(f, 0, sizeof *f);
    f->status = machine_boot(INNGEST_RESET_POWER_ON);
    f->read = bytes_read;
    memcpy(f->runs, m.jobs.runs, sizeof f->runs);
    qsort(f->runs, MACHINE_RUNS, sizeof *f->runs, by_number);
    for (i = 0; i < MACHINE_RUNS; i++) if (f->runs[i].due <= m.jobs.now) f->runs[i].due = 0;          /* it is due */
    for (i = 0; i < INNGEST_SEEN_IDS; i++) if (m.jobs.seen[i].until > m.jobs.now) f->seen[i] = m.jobs.seen[i];
    qsort(f->seen, INNGEST_SEEN_IDS, sizeof *f->seen, by_position);
    f->next_run = m.jobs.next_run;
    f->time = m.jobs.time_position;
    f->tail = m.jobs.tail_block;
    f->head = m.jobs.head_block;
    f->offset = m.jobs.head_offset;
    f->reserved = m.jobs.reserved;
    f->lost = machine_counters().lost_runs;
    f->damaged = machine_counters().damaged;
    f->now = m.jobs.now;
    CHECK(DISK || m.chip.violations == chip->violations);
    flash_close(&m.chip);
    takes_lists = true;
}

static uint64_t with_lists, without;
static void compare(void)
{
    static inngest jobs;
    static int64_t memory[sizeof m.memory / 8];
    static found with, all;
    flash chip = m.chip;
    bool up = m.up;
    jobs = m.jobs;
    memcpy(memory, m.memory, sizeof memory);
    look(&chip, &with, true);
    look(&chip, &all, false);
    CHECK(with.status == INNGEST_OK && all.status == INNGEST_OK && with.lost == 0 && with.damaged == 0 && all.lost == 0 && all.damaged == 0);
    CHECK(memcmp(with.runs, all.runs, sizeof all.runs) == 0);
    CHECK(memcmp(with.seen, all.seen, sizeof all.seen) == 0);
    CHECK(with.next_run == all.next_run && with.time == all.time && with.reserved == all.reserved && with.now == all.now);
    CHECK(with.tail == all.tail && with.head == all.head && with.offset == all.offset);
    with_lists += with.read;
    without += all.read;
    m.chip = chip;
    m.chip.port.context = &m.chip;
    m.jobs = jobs;
    memcpy(m.memory, memory, sizeof memory);
    m.up = up;
}

static void one_life(uint32_t seed)
{
    static const struct { uint32_t block, blocks; uint16_t unit; } shapes[] = { { 512, 40, 4 }, { 1024, 16, 1 }, { 1024, 64, 8 }, { 4096, 9, 16 },
                                                                                { 2048, 24, 32 }, { 16384, 4, 4 }, { 65536, 2, 4 }, { 4096, 3, 2 } };
    uint32_t shape = seed % 8, turns = 150 + draw(500), every = 1 + draw(60), quick = draw(4);
    uint8_t data[40];
    unsigned i;
    machine_open(table, 3, shapes[shape].block, shapes[shape].blocks, shapes[shape].unit);
#if DISK
    make_disk(seed);
#endif
    machine_reboot();
    while (turns-- > 0 && !test_failed) {
        char id[2] = "a";
        inngest_event event = { "life", data, 0, NULL, 0 };
        for (i = 0; i < sizeof data; i++) data[i] = (uint8_t)draw(256);
        event.size = 8 + draw(sizeof data - 8);
        id[0] = (char)('a' + draw(9));
        if (draw(7) == 0) event.id = id;
        if (draw(4) < 3) (void)!(draw(3) ? inngest_send_event(&m.jobs, &event) : inngest_send(&m.jobs, "other", data, draw(30)));
        CHECK(machine_run(draw(4) <= quick ? draw(3) : draw(60000)));
        if (seed % 3 == 0 && draw(12) == 0) CHECK(machine_run(draw(2) ? (uint32_t)INNGEST_DAYS(draw(24)) : (uint32_t)INNGEST_HOURS(draw(100))));
        if (draw(90) == 0) inngest_set_wall_clock(&m.jobs, INT64_C(1767225600000) + m.now + draw(100000), m.now);
        if (draw(40) == 0) {
            inngest_run_info info;
            if (machine_runs(&info)) (void)!inngest_cancel(&m.jobs, info.id);
        }
        if (draw(60) == 0) {
            if (draw(2)) (void)!inngest_close(&m.jobs);
            if (DISK && turns % 2) lossy_drop();
            machine_reboot();
        }
        if (draw(60) == 0) {
            m.chip.cut_at = m.chip.operations + 1 + draw(30);
            do m.chip.tear = (flash_tear)draw(FLASH_TEARS); while (m.chip.tear == FLASH_TEAR_WEAK);     /* reads differently each time */
            for (i = 0; i < 200 && !m.chip.dead; i++) {
                (void)!inngest_send(&m.jobs, "other", data, 20);
                CHECK(machine_run(1));
            }
            m.chip.cut_at = 0;
            if (m.chip.dead) {
                flash_power_on(&m.chip);
                lossy_drop();
                compare();
            }
            machine_reboot();
        }
        if (turns % every == 0) compare();
    }
    if (test_failed) printf("  seed %u\n", seed);
    MACHINE_END();
}

/* A mount that reads all, as another build's does, takes what a list says of the time, too: else what sleeps from then on ends early
 * when the next one begins with that list. The clock has been told after so many days; a proof without a list says nothing of time. */
static void time_of_lists(unsigned days)
{
    static const uint8_t minute[7] = { 1, 60, 0, 0, 0, 0, 1 };
    uint32_t n, i, listed = 0;
    for (n = 130; n < 160 && !test_failed; n++) {
        int64_t time, most = INNGEST_DAYS(days) + n * 1000;
        machine_open(table, 3, 512, n % 2 ? 40 : 12, 4);
        machine_reboot();
        for (i = 0; i < 2; i++) {
            CHECK(inngest_send(&m.jobs, "other", "", 0) == INNGEST_OK && machine_run(0));
            m.now += INNGEST_DAYS(days) / 2;
        }
        inngest_set_wall_clock(&m.jobs, INT64_C(1767225600000), m.now);
        for (i = 0; i < n; i++) CHECK(inngest_send(&m.jobs, "other", "", 0) == INNGEST_OK && machine_run(1000));
        machine_reboot();
        time = m.jobs.now;
        takes_lists = false;
        machine_reboot();
        CHECK(m.jobs.now == time && time <= most);
        listed += time > INNGEST_DAYS(days);
        CHECK(inngest_send(&m.jobs, "life", minute, sizeof minute) == INNGEST_OK && machine_run(0));
        takes_lists = true;
        machine_reboot();
        CHECK(machine_runs(NULL) == 1 && machine_run(INNGEST_SECONDS(59)) && machine_runs(NULL) == 1);
        CHECK(machine_run(INNGEST_SECONDS(2)) && machine_runs(NULL) == 0);
        MACHINE_END();
    }
    CHECK(listed > 0);
}

/* So it is where nothing has waited for so long, in one boot or in many that end without a stop, that the low half of the time alone
 * would leave open what the high one is; also where the clock is told late, or for the first time. */
static void weeks_without_waits(unsigned days, unsigned boots, bool told)
{
    unsigned boot, i;
    machine_open(table, 3, 4096, 16, 4);
    for (boot = 0; boot < boots && !test_failed; boot++) {
        machine_reboot();
        if (told && boot > 0) inngest_set_wall_clock(&m.jobs, INT64_C(1767225600000) + m.now, m.now);
        for (i = 0; i < 100 && !test_failed; i++) {
            CHECK(inngest_send(&m.jobs, "other", "", 0) == INNGEST_OK && machine_run(0));
            m.now += INNGEST_DAYS(days) / 100;
            if (i % 10 == 9) compare();
        }
    }
    CHECK(m.jobs.list && machine_counters().records < 320);            /* it is not stamped more often for that */
    machine_reboot();
    CHECK(m.jobs.now > INNGEST_DAYS(days) * boots / 2);                /* what is lost was not listed yet */
    MACHINE_END();
}

/* The newest TIME, which came weeks behind a list, was written again by a boot that found it whole, and reads as torn since; the one
 * that the list names has been reclaimed. What is written again is not taken for its copy, to which the list would add. */
static inngest_status waiter(inngest_ctx *ctx) { return inngest_step_sleep_until(ctx, "date", INT64_C(1893456000000)); }
static const inngest_function waiters[] = { { .id = "waiter", .event = "waiter", .handler = waiter, .journal_bytes = 60 },
                                            { .id = "other", .event = "other", .handler = other, .journal_bytes = 60 } };
static void one_other(void) { CHECK(inngest_send(&m.jobs, "other", "", 0) == INNGEST_OK); (void)machine_tick(); }
static void time_written_again(void)
{
    uint32_t i, torn;
    machine_open(waiters, 2, 4096, 4, 4);
    machine_reboot();
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    machine_reboot();
    for (i = 0; i < 14; i++) CHECK(inngest_send(&m.jobs, "waiter", "", 0) == INNGEST_OK && machine_run(0));
    CHECK(machine_run(1000));
    for (i = 0; i < 500 && m.jobs.list < 5 * 1024; i++) one_other();
    CHECK(m.jobs.tail_block == 4 && m.jobs.time_position < 5 * 1024 && m.jobs.list < 6 * 1024);
    for (i = 0; i < 35; i++) m.now += 86400000;
    CHECK(inngest_tick(&m.jobs, m.now - INNGEST_DAYS(15)) > 0);
    one_other();
    torn = m.jobs.time_position;
    CHECK(torn == m.jobs.written);
    machine_reboot();
    CHECK(m.jobs.now >= INNGEST_DAYS(35) && m.jobs.time_position != torn);
    m.chip.cells[torn % 4096 * 4 + 12] ^= 1;
    for (i = 0; i < 500 && m.jobs.tail_block == 4; i++) one_other();
    machine_reboot();
    CHECK(m.jobs.list / 1024 == 5 && m.jobs.now >= INNGEST_DAYS(35) && m.jobs.now < INNGEST_DAYS(36));
    MACHINE_END();
}

/* A list of the very ms in which the low half of the time is 0 tells the time as well. */
static void time_of_no_low_half(void)
{
    uint32_t i;
    machine_open(waiters, 2, 4096, 16, 4);
    machine_reboot();
    for (i = 0; i < 15; i++) { one_other(); m.now += 1u << 28; }
    inngest_set_wall_clock(&m.jobs, INT64_C(1767225600000) + m.now, m.now);        /* a TIME */
    m.now += 1u << 28;
    CHECK(m.now == 0 && machine_tick() > 0 && m.jobs.now == INT64_C(1) << 32);
    for (i = 0; i < 600 && !test_failed; i++) {
        one_other();
        if (i % 10 == 9) compare();
    }
    machine_reboot();
    CHECK(m.jobs.now == INT64_C(1) << 32);
    MACHINE_END();
}

/* A mount that finds a torn record behind a list writes the list again, behind a void in its group, and is cut short there. The next one
 * begins with that list, and says again what is void: the torn record may read as whole later, and what was written as torn. */
static void void_of_lists(void)
{
    static const uint8_t data[20];
    uint32_t n, at, list;
    for (n = 0; n < sizeof data && !test_failed; n++) {
        machine_open(table, 3, 16384, 4, 4);
        machine_reboot();
        inngest_set_wall_clock(&m.jobs, INT64_C(1767225600000), m.now);
        do CHECK(inngest_send(&m.jobs, "other", data, n) == INNGEST_OK && machine_run(0)); while (m.jobs.list != m.jobs.written && !test_failed);
        m.chip.tear = FLASH_TEAR_NONE;
        m.chip.cut_at = m.chip.operations + 2;
        at = m.jobs.head_block % 4 * 16384 + m.jobs.head_offset;
        CHECK(inngest_send(&m.jobs, "other", "", 0) == INNGEST_OK && machine_run(0) && m.chip.dead);
        flash_power_on(&m.chip);
        m.chip.cut_at = 0;
        m.chip.cells[at + 12] ^= 1;
        machine_reboot();
        CHECK(machine_runs(NULL) == 0);
        list = m.jobs.head_block % 4 * 16384 + m.jobs.head_offset - 4;     /* its last bytes */
        machine_reboot();
        CHECK(machine_runs(NULL) == 0);
        m.chip.cells[at + 12] ^= 1;
        m.chip.cells[list] ^= 1;
        takes_lists = false;
        machine_reboot();
        CHECK(machine_runs(NULL) == 0);
        takes_lists = true;
        MACHINE_END();
    }
}

/* Of large blocks a list may be a large part of what has been written: it is no longer than a record can be. */
static void long_lists(uint32_t runs)
{
    static const uint8_t nap[7] = { 1, 240, 0, 0, 0, 0, 1 }, data[30];
    size_t size = INNGEST_MEMORY((size_t)runs + 2, MACHINE_EVENTS);
    void *memory = malloc(size);
    uint32_t i;
    machine_open(table, 3, 131072, 24, 4);
    m.config.runs = runs + 2;
    m.config.memory = memory;
    m.config.memory_size = size;
    CHECK(inngest_init(&m.jobs, &m.config, NULL) == INNGEST_OK);
    for (i = 0; i < runs; i++) { CHECK(inngest_send(&m.jobs, "life", nap, sizeof nap) == INNGEST_OK); (void)machine_tick(); }
    CHECK(machine_runs(NULL) == runs);
    for (i = 0; i < 48000; i++) { CHECK(inngest_send(&m.jobs, "other", data, sizeof data) == INNGEST_OK); (void)machine_tick(); }
    CHECK(machine_counters().erases > 30 && (runs > 1050 || m.jobs.list != 0));
    CHECK(inngest_init(&m.jobs, &m.config, NULL) == INNGEST_OK);
    CHECK(machine_runs(NULL) == runs && machine_counters().damaged == 0 && machine_counters().torn == 0);
    free(memory);
    MACHINE_END();
}

int main(int argc, char **argv)
{
    static const uint32_t once[] = { 2000207, 5631,        /* a run's START was counted twice; a list in front of all TIMEs was heard by some mounts */
                                     32789080,             /* what a disk had lost was taken for damage */
                                     34442197 };           /* so was an event's data, in which a list seemed to begin */
    uint32_t n = argc > 1 ? (uint32_t)atoi(argv[1]) : 160, seed = argc > 2 ? (uint32_t)atoi(argv[2]) : 1;
    for (; n > 0 && !test_failed; n--, seed++) {
        state = seed * 2654435761u;
        one_life(seed);
    }
    for (n = 0; argc < 2 && n < sizeof once / sizeof *once; n++) {
        state = once[n] * 2654435761u;
        one_life(once[n]);
    }
    if (!DISK) {
        time_of_lists(0);
        time_of_lists(40);
        weeks_without_waits(60, 2, false);
        weeks_without_waits(5, 20, false);
        weeks_without_waits(10, 10, true);
        weeks_without_waits(100, 3, true);
        time_written_again();
        time_of_no_low_half();
        void_of_lists();
        long_lists(1050);
        long_lists(1250);
    }
    lossy_open(NULL, NULL, 0);
    printf("bytes read: %llu with lists, %llu without\n", (unsigned long long)with_lists, (unsigned long long)without);
    CHECK(with_lists < without);
    return TEST_END();
}
