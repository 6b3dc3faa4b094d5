/* SPDX-License-Identifier: MIT
 * Limits, each met exactly: what is just allowed works, one more is refused; a record that ends with its block is
 * found again; a header is as short as it may be, and what fills a unit up is 0xFF. */
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER

/* ---- the queue ------------------------------------------------------------------------------------------------- */

static inngest_token token;
static inngest_status largest_answer(inngest_ctx *ctx)
{
    static uint8_t answer[INNGEST_EVENT_BYTES];
    INNGEST_STEP(ctx, "radio", answer) {
        token = inngest_step_token(ctx);
        return INNGEST_PENDING;
    }
    trace("%u %u", answer[0], answer[sizeof answer - 1]);
    return INNGEST_OK;
}

static void queue(void)
{
    static const inngest_function table[] = { { .id = "radio", .event = "go", .handler = largest_answer, QUICK } };
    static uint8_t data[INNGEST_EVENT_BYTES + 1];
    const inngest_event own = { "inngest/", NULL, 0, NULL, 0 };
    machine_open(table, 1, 2048, 4, 4);
    machine_reboot();
    CHECK(inngest_send_event(&m.jobs, &own) == INNGEST_ERR_NAME);              /* the library's, with nothing behind it */
    CHECK(inngest_send(&m.jobs, "inngest", NULL, 0) == INNGEST_OK);
    CHECK(machine_counters().refused_name == 1);
    CHECK(inngest_send(&m.jobs, "go", NULL, 0) == INNGEST_OK && machine_run(1));
    data[0] = 3;
    data[INNGEST_EVENT_BYTES - 1] = 4;
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, data, INNGEST_EVENT_BYTES + 1) == INNGEST_ERR_RESULT_SIZE);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, data, INNGEST_EVENT_BYTES) == INNGEST_OK);
    CHECK(machine_run(1));
    CHECK_TRACE("3 4");
    MACHINE_END();
}

/* ---- the port -------------------------------------------------------------------------------------------------- */

static uint32_t read_at[8];
static unsigned reads;
static int failing_read(void *context, uint32_t address, void *data, uint32_t size)
{
    (void)context; (void)data; (void)size;
    if (reads < 8) read_at[reads] = address;
    reads++;
    return -5;
}

/* What cannot be read is tried three times. */
static void three_reads(void)
{
    static const inngest_function table[] = { { .id = "radio", .event = "go", .handler = largest_answer, QUICK } };
    machine_open(table, 1, 2048, 4, 4);
    machine_reboot();
    m.chip.port.read = failing_read;
    reads = 0;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_READ);
    CHECK(reads > 4 && read_at[0] == 0 && read_at[1] == 0 && read_at[2] == 0 && read_at[3] != 0);
    MACHINE_END();
}

/* ---- records --------------------------------------------------------------------------------------------------- */

static uint32_t get(const uint8_t *from, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0) value = value << 8 | from[bytes];
    return value;
}

/* Every record on the chip, as far as they follow each other: WIDE only where it must be, padding. */
static unsigned widest, records, last_wide;      /* last: of 16 bytes, ending with their block */
static void look_at_records(void)
{
    uint32_t unit = m.chip.port.program_size < 4 ? 4 : m.chip.port.program_size, size = m.chip.port.block_size, block, i;
    for (block = 0; block < m.chip.port.block_count; block++) {
        uint32_t at = (24 + unit - 1) / unit * unit;
        const uint8_t *b = m.chip.cells + block * size;
        while (at + 12 <= size) {
            bool wide = b[at + 4] & 0x40;
            uint32_t payload = b[at + 5] | (wide ? (uint32_t)b[at + 15] << 8 : 0), run = get(b + at + 6, 2) | (wide ? (uint32_t)b[at + 14] << 16 : 0);
            uint32_t link = b[at + 11] | (wide ? get(b + at + 12, 2) << 8 : 0), used = (wide ? 16 : 12) + payload, end = (used + unit - 1) / unit * unit;
            if (get(b + at, 4) == 0xFFFFFFFF || get(b + at, 4) == 0xA5A5A5A5) {        /* left alone, or what a boot begins with */
                at += unit;
                continue;
            }
            CHECK(wide == (payload > 255 || run > 65535 || link > 255));
            CHECK(at + end <= size);
            for (i = used; i < end; i++) CHECK(b[at + i] == 0xFF);
            if (!wide && link > widest) widest = link;
            if (at + used == size && used == 16 && wide) last_wide++;
            records++;
            at += end;
            if (test_failed) return;
        }
    }
}

static unsigned effects[2];
static inngest_status worker(inngest_ctx *ctx)
{
    uint16_t value;
    INNGEST_STEP(ctx, "a", value) { effects[0]++; value = 7; }
    CHECK(value == 7);
    return INNGEST_OK;
}
static inngest_status patient(inngest_ctx *ctx)          /* its END has nothing of the run near it */
{
    if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 1000000, 0, "");
    effects[1]++;
    return INNGEST_OK;
}
static const inngest_function record_table[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64, QUICK },
                                                 { .id = "patient", .event = "p", .handler = patient, .journal_bytes = 64, QUICK } };

static void work(uint32_t size)
{
    static const uint8_t data[INNGEST_EVENT_BYTES];
    unsigned before = effects[0];
    CHECK(inngest_send(&m.jobs, "w", data, size) == INNGEST_OK);
    CHECK(machine_run(1) && effects[0] == before + 1);
}

/* Power is lost, or the stop is clean: what ended has ended, what lives lives, and nothing looks damaged. */
static void again(bool clean, unsigned live)
{
    unsigned before = effects[0];
    if (clean) CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    machine_reboot();
    CHECK(machine_runs(NULL) == live && machine_counters().damaged == 0 && machine_counters().torn == 0 && machine_counters().lost_runs == 0);
    CHECK(machine_run(1) && effects[0] == before);
}

/* Records of all sizes, one after the other: some end with their block. */
static void ends(uint32_t block, uint16_t g)
{
    uint32_t size, i, unit = g < 4 ? 4 : g;
    for (size = 0; size < 120 && !test_failed; size += unit == 4 ? 4 : 1) {
        machine_open(record_table, 2, block, 6, g);
        machine_reboot();
        for (i = 0; i < 14; i++) {
            work(i == 0 ? size : (size + 5 * i) % 120);
            again(i % 3 == 1, 0);
        }
        look_at_records();
        MACHINE_END();
    }
}

/* A run's records are far apart: of every distance some, so that one is the largest for a short header, and a long
 * header ends with its block. */
static void distances(uint32_t block)
{
    uint32_t size, i, far;
    for (far = block == 512 ? 6 : 17; far < (block == 512 ? 30 : 24); far++)
        for (size = 0; size < 120 && !test_failed; size += 4) {
            machine_open(record_table, 2, block, 16, 1);
            machine_reboot();
            CHECK(inngest_send(&m.jobs, "p", NULL, 0) == INNGEST_OK && machine_run(1));
            for (i = 0; i < far; i++) work(0);
            work(size);
            m.now += 1000000;
            effects[1] = 0;
            CHECK(machine_run(1) && machine_runs(NULL) == 0 && effects[1] == 1);
            again(size % 8 == 0, 0);
            look_at_records();
            MACHINE_END();
        }
}

/* A loop that sleeps as it is told finds room made: a tick that leaves too little of it for the next job asks to be called
 * again, and that one reclaims and erases. Where that fails it is not asked for at once. */
static bool no_read;
static int (*chip_read)(void *, uint32_t, void *, uint32_t);
static int no_read_now(void *context, uint32_t address, void *data, uint32_t size)
{
    return no_read ? -7 : chip_read(context, address, data, size);
}

static inngest_status short_job(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "a") { }
    INNGEST_DO(ctx, "b") { }
    return INNGEST_OK;
}

static inngest_status sleeper(inngest_ctx *ctx) { return inngest_step_sleep(ctx, "nap", INNGEST_DAYS(100)); }

static void room_ahead(void)
{
    static const inngest_function table[] = { { .id = "n", .event = "n", .handler = short_job, .journal_bytes = 64, QUICK },
                                              { .id = "s", .event = "s", .handler = sleeper, .journal_bytes = 64, QUICK } };
    unsigned i, asked = 0;
    uint32_t erases, next;
    machine_open(table, 2, 2048, 6, 4);
    chip_read = m.chip.port.read;
    m.chip.port.read = no_read_now;
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK);
    for (i = 0; i < 600; i++) {
        CHECK(inngest_send(&m.jobs, "n", NULL, 0) == INNGEST_OK);
        erases = machine_counters().erases;
        next = machine_tick();
        CHECK(machine_counters().erases == erases && machine_runs(NULL) == 1);
        if (next > 0) continue;
        no_read = true;
        CHECK(machine_tick() > 0);
        no_read = false;
        if (machine_counters().erases == erases) (void)machine_tick();
        CHECK(machine_tick() > 0 && machine_counters().erases == erases + 1);
        asked++;
    }
    CHECK(asked > 10 && asked < 40 && machine_counters().port_errors > 0);
    MACHINE_END();
}

/* Run numbers around the largest that a short header can name. */
static inngest_status nothing(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }
static void run_numbers(void)
{
    static const inngest_function table[] = { { .id = "n", .event = "n", .handler = nothing, .journal_bytes = 64, QUICK } };
    unsigned i;
    machine_open(table, 1, 2048, 4, 4);
    machine_reboot();
    for (i = 0; i < 65540 && !test_failed; i++) {
        uint32_t next;
        CHECK(inngest_send(&m.jobs, "n", NULL, 0) == INNGEST_OK);
        next = machine_tick();
        CHECK(next == UINT32_MAX || (next == 0 && machine_tick() == UINT32_MAX));      /* it makes room ahead, once */
        if (i == 65525) machine_reboot();
    }
    look_at_records();
    MACHINE_END();
}

/* Results around the longest that a short header can name. */
static inngest_status long_results(inngest_ctx *ctx)
{
    uint8_t a[254], b[255], c[256];
    INNGEST_STEP(ctx, "a", a) memset(a, 1, sizeof a);
    INNGEST_STEP(ctx, "b", b) memset(b, 2, sizeof b);
    INNGEST_STEP(ctx, "c", c) memset(c, 3, sizeof c);
    CHECK(a[253] == 1 && b[254] == 2 && c[255] == 3);
    return inngest_step_sleep(ctx, "nap", 1000);
}

static void sizes(void)
{
    static const inngest_function table[] = { { .id = "long", .event = "l", .handler = long_results, .journal_bytes = 1000, QUICK } };
    machine_open(table, 1, 2048, 4, 1);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "l", NULL, 0) == INNGEST_OK && machine_run(1));
    machine_reboot();
    CHECK(machine_run(2000) && machine_runs(NULL) == 0);
    look_at_records();
    MACHINE_END();
}

/* ---- what a run leaves behind ---------------------------------------------------------------------------------- */

static uint8_t loaded;
static inngest_status saver(inngest_ctx *ctx)
{
    uint8_t progress[64] = { 9 };
    INNGEST_DO(ctx, "update") {
        uint32_t operations;
        INNGEST_TRY(inngest_step_save(ctx, progress, sizeof progress));
        operations = m.chip.operations;
        INNGEST_TRY(inngest_step_save(ctx, progress, sizeof progress));
        CHECK(m.chip.operations == operations);        /* the same again costs no write */
        progress[63] = 1;
        INNGEST_TRY(inngest_step_save(ctx, progress, sizeof progress));
        CHECK(m.chip.operations > operations);
        if (inngest_event_size(ctx)) return inngest_fail(ctx, 1, "on purpose");
    }
    return inngest_step_sleep(ctx, "nap", INNGEST_DAYS(1));
}
static inngest_status saver_failed(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "update") { INNGEST_TRY(inngest_step_load(ctx, &loaded, 1)); }
    return INNGEST_OK;
}

/* Progress is a step's own: one of the same id in on_failure begins without; and once the step is decided it is
 * garbage, for a mount, too. */
static void progress(void)
{
    static const inngest_function table[] = { { .id = "saver", .event = "u", .handler = saver, .on_failure = saver_failed, QUICK } };
    inngest_run_info before, after;
    machine_open(table, 1, 2048, 4, 4);
    machine_reboot();
    loaded = 1;
    CHECK(inngest_send(&m.jobs, "u", "x", 1) == INNGEST_OK && machine_run(1));
    CHECK(loaded == 0 && machine_runs(NULL) == 0);
    CHECK(inngest_send(&m.jobs, "u", "", 0) == INNGEST_OK && machine_run(1));
    CHECK(machine_runs(&before) == 1 && before.journal_bytes < 100);
    machine_reboot();
    CHECK(machine_runs(&after) == 1 && after.journal_bytes == before.journal_bytes);
    MACHINE_END();
}

/* Records of one unit each, one right behind the other, over several blocks, and carried on: none is forgotten. */
static inngest_status many_steps(inngest_ctx *ctx)
{
    unsigned i;
    for (i = 0; i < 20; i++) {
        uint8_t value;
        INNGEST_STEP(ctx, "s", value) value = (uint8_t)i;
        CHECK(value == i);
        if (i % 5 == 4) INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_SECONDS(100)));
    }
    trace("all");
    return INNGEST_OK;
}
static void one_unit(void)
{
    static const inngest_function table[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64, QUICK },
                                              { .id = "many", .event = "m", .handler = many_steps, .journal_bytes = 1200, QUICK } };
    unsigned i, k;
    machine_open(table, 2, 1024, 8, 32);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "m", NULL, 0) == INNGEST_OK && machine_run(1));
    for (k = 0; k < 4; k++) {
        for (i = 0; i < 70; i++) work(0);
        machine_reboot();
        CHECK(machine_counters().damaged == 0 && machine_runs(NULL) == 1);
        CHECK(machine_run(101000));
    }
    CHECK(machine_runs(NULL) == 0 && machine_counters().damaged == 0);
    CHECK_TRACE("all");
    MACHINE_END();
}

/* ---- what reclaim carries -------------------------------------------------------------------------------------- */

#define NOON INT64_C(1767225600000)
static inngest_status hour(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_HOURS(1)));
    trace("woke");
    return INNGEST_OK;
}
static inngest_status stepper(inngest_ctx *ctx)
{
    uint8_t value[7];
    INNGEST_STEP(ctx, "x", value) memset(value, 1, sizeof value);
    return hour(ctx);
}
static const inngest_function carry_table[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64, QUICK },
                                                { .id = "hour", .event = "h", .handler = hour, .journal_bytes = 64, QUICK },
                                                { .id = "stepper", .event = "x", .handler = stepper, .journal_bytes = 96, QUICK } };

static void reclaim_blocks(unsigned n)
{
    uint32_t from = machine_counters().erases;
    unsigned i;
    for (i = 0; i < 1000 && machine_counters().erases < from + n; i++) work(40);
    CHECK(machine_counters().erases >= from + n);
}

/* The newest record of the time: without it time spent off would not count. */
static void time_is_carried(void)
{
    machine_open(carry_table, 3, 1024, 6, 4);
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    while (m.chip.cells[1024 + 24] == 0xFF && m.chip.cells[1024 + 28] == 0xFF) work(40);       /* into another block */
    CHECK(inngest_send(&m.jobs, "h", NULL, 0) == INNGEST_OK && machine_run(1));
    reclaim_blocks(12);
    CHECK(machine_tick() > 3500000);
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON + INNGEST_MINUTES(50), m.now);
    CHECK(machine_run(INNGEST_MINUTES(9)));
    CHECK_TRACE("");
    CHECK(machine_run(INNGEST_MINUTES(2)));
    CHECK_TRACE("woke");
    MACHINE_END();
}

/* The ids of events, also where all of them lie in one block. */
static void ids_are_carried(bool doubled)
{
    inngest_event event = { "w", NULL, 0, NULL, 0 };
    unsigned i, round, before;
    char id[2] = "a";
    event.id = id;
    machine_open(carry_table, 3, 2048, 6, 4);
    machine_reboot();
    for (i = 0; i < INNGEST_SEEN_IDS; i++) {
        id[0] = (char)('a' + i);
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
        if (doubled) machine_reboot();                 /* written again, as the newest group */
        CHECK(machine_run(1));
    }
    if (!doubled) reclaim_blocks(14);
    for (round = 0; round < 2; round++) {
        before = effects[0];
        for (i = 0; i < INNGEST_SEEN_IDS; i++) {
            id[0] = (char)('a' + i);
            CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
        }
        CHECK(effects[0] == before && machine_counters().duplicates == INNGEST_SEEN_IDS && machine_counters().waiting_seen == 0);
        machine_reboot();
    }
    MACHINE_END();
}

/* Ids that expired before others came are still in the journal, and the time has not been written since: they take no
 * later one's place. */
static void ids_of_old(void)
{
    inngest_event event = { "w", NULL, 0, NULL, 0 };
    unsigned i;
    char id[2] = "a";
    event.id = id;
    machine_open(carry_table, 3, 2048, 6, 4);
    machine_reboot();
    effects[0] = 0;
    for (i = 0; i < 2 * INNGEST_SEEN_IDS; i++) {
        id[0] = (char)('a' + i);
        if (i == INNGEST_SEEN_IDS) m.now += INNGEST_SEEN_MS;
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
    }
    machine_reboot();
    for (i = INNGEST_SEEN_IDS; i < 2 * INNGEST_SEEN_IDS; i++) {
        id[0] = (char)('a' + i);
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
    }
    CHECK(effects[0] == 2 * INNGEST_SEEN_IDS && machine_counters().duplicates == INNGEST_SEEN_IDS);
    MACHINE_END();
}

/* A run, also where the table has no other place; the clock is told again and again, and so fills the journal. */
static void the_only_run(void)
{
    unsigned i, boot;
    machine_open(carry_table, 3, 1024, 4, 4);
    m.config.runs = 1;
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "h", NULL, 0) == INNGEST_OK && machine_run(1));
    for (boot = 0; boot < 3; boot++) {
        for (i = 0; i < 600; i++) {
            inngest_set_wall_clock(&m.jobs, NOON + (i % 2) * 100000 + m.now, m.now);
            (void)machine_tick();
        }
        CHECK(machine_counters().erases > 8);
        machine_reboot();
        CHECK(machine_runs(NULL) == 1 && machine_counters().damaged == 0 && machine_counters().lost_runs == 0);
    }
    CHECK(machine_run(INNGEST_HOURS(1)) && machine_runs(NULL) == 0);
    CHECK_TRACE("woke");
    MACHINE_END();
}

/* A run that is parked because it is damaged stays so, however often the journal goes round, until a reset,
 * or reports its loss then: it never goes on, nor is it forgotten in silence. */
static void parked_for_good(void)
{
    inngest_run_info info;
    uint32_t i;
    machine_open(carry_table, 3, 1024, 6, 4);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "x", NULL, 0) == INNGEST_OK && machine_run(1));
    reclaim_blocks(8);
    for (i = 0; i < 6 * 1024 - 16; i += 4)             /* its step's result: every copy of it loses a bit */
        if ((m.chip.cells[i + 4] & 0x0F) == 4 && m.chip.cells[i + 5] == 7) m.chip.cells[i] ^= 1;
    machine_reboot();
    CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE);
    reclaim_blocks(14);
    CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE);
    machine_reboot();
    CHECK(machine_runs(&info) == 1 ? info.wait == INNGEST_WAIT_DAMAGE : machine_counters().lost_runs == 1);
    CHECK(machine_run(INNGEST_HOURS(2)));
    CHECK_TRACE("");
    MACHINE_END();
}

/* Nor does a clock that is told wake it where it waits for a date, nor a wake its step in progress: what had been finished in front
 * of the damage would run again. */
static int damaged_in;
static inngest_status dated_or_long(inngest_ctx *ctx)
{
    uint8_t value[7];
    INNGEST_STEP(ctx, "first", value) { trace("first"); memset(value, 1, sizeof value); }
    if (damaged_in < 2) INNGEST_TRY(inngest_step_sleep_until(ctx, "date", INNGEST_DAYS(20000)));
    INNGEST_DO(ctx, "long") return inngest_again(ctx, UINT32_MAX);
    return INNGEST_OK;
}
static const inngest_function dated_table[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64, QUICK },
                                                { .id = "d", .event = "d", .handler = dated_or_long } };

static void parked_and_woken(void)
{
    for (damaged_in = 0; damaged_in < 3; damaged_in++) {
        inngest_run_info info;
        uint32_t i;
        machine_open(dated_table, 2, 1024, 6, 4);
        machine_reboot();
        CHECK(inngest_send(&m.jobs, "d", NULL, 0) == INNGEST_OK && machine_run(1));
        CHECK_TRACE("first");
        for (i = 0; i < 6 * 1024 - 16; i += 4)
            if ((m.chip.cells[i + 4] & 0x0F) == 4 && m.chip.cells[i + 5] == 7) m.chip.cells[i] ^= 1;
        if (damaged_in == 1) machine_reboot();
        reclaim_blocks(14);
        CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE);
        inngest_set_wall_clock(&m.jobs, INNGEST_DAYS(19000), m.now);
        inngest_wake(&m.jobs);
        CHECK(machine_run(1000));
        CHECK_TRACE("");
        CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE && info.deadline_in_ms == INT64_MAX);
        CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_OK && machine_run(10) && machine_runs(NULL) == 0);
        MACHINE_END();
    }
}

/* Crashes that a run has left behind by progress are not held against it again because their record was carried. */
static unsigned crashes_left;
static inngest_status fragile(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "a") { if (crashes_left) { crashes_left--; machine_crash(); } }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_HOURS(1)));
    INNGEST_DO(ctx, "b") { if (crashes_left) { crashes_left--; machine_crash(); } }
    trace("end");
    return INNGEST_OK;
}
static void live_on(uint32_t ms)
{
    while (!machine_run(ms)) CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);
}
static void old_crashes(void)
{
    static const inngest_function table[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64, QUICK },
                                              { .id = "fragile", .event = "f", .handler = fragile, .journal_bytes = 128, QUICK } };
    machine_open(table, 2, 1024, 6, 4);
    machine_reboot();
    crashes_left = INNGEST_CRASH_LIMIT - 1;
    CHECK(inngest_send(&m.jobs, "f", NULL, 0) == INNGEST_OK);
    live_on(1);
    CHECK(crashes_left == 0 && m.crashes == INNGEST_CRASH_LIMIT - 1 && machine_runs(NULL) == 1);
    reclaim_blocks(14);
    CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK && machine_counters().crashes == 0);
    crashes_left = INNGEST_CRASH_LIMIT - 1;
    live_on(INNGEST_HOURS(2));
    CHECK(machine_runs(NULL) == 0);
    CHECK_TRACE("end");
    MACHINE_END();
}

/* Programs fail for so long that the block reclaim copies into is used up and is begun anew: the time and the ids of
 * events, which are of no run, are taken up from the block that is reclaimed. */
static unsigned programs, fail_from, fails_left;
static int (*program_below)(void *, uint32_t, const void *, uint32_t);
static int failing_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    if (++programs >= fail_from && fails_left > 0) {
        fails_left--;
        return -7;
    }
    return program_below(context, address, data, size);
}
static bool outage(unsigned from)
{
    static const uint8_t data[40];
    inngest_event event = { "w", NULL, 0, NULL, 0 };
    unsigned i, before;
    char id[2] = "a";
    event.id = id;
    machine_open(carry_table, 3, 1024, 3, 4);
    program_below = m.chip.port.program;
    m.chip.port.program = failing_program;
    programs = 0;
    fail_from = from;
    fails_left = 80;
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    for (i = 0; i < 3; i++) {
        id[0] = (char)('a' + i);
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
    }
    CHECK(inngest_send(&m.jobs, "h", NULL, 0) == INNGEST_OK && machine_run(1));
    for (i = 0; i < 40; i++) {
        inngest_status sent = inngest_send(&m.jobs, "w", data, sizeof data);
        CHECK(sent == INNGEST_OK || sent == INNGEST_ERR_QUEUE_FULL);
        CHECK(machine_run(i < 20 ? 1 : 6000));
    }
    if (fails_left > 0) {
        flash_close(&m.chip);
        return false;
    }
    CHECK(machine_run(60000));
    before = m.now;
    machine_reboot();
    CHECK(machine_runs(NULL) == 1 && machine_counters().damaged == 0 && machine_counters().lost_runs == 0);
    inngest_set_wall_clock(&m.jobs, NOON + before + INNGEST_MINUTES(50), m.now);
    effects[0] = 0;
    for (i = 0; i < 3; i++) {
        id[0] = (char)('a' + i);
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
    }
    CHECK(effects[0] == 0 && machine_counters().duplicates == 3);
    CHECK(machine_run(INNGEST_MINUTES(10)) && machine_runs(NULL) == 0);
    CHECK_TRACE("woke");
    if (test_failed) printf("  programs fail from %u on\n", from);
    MACHINE_END();
    return true;
}
static void outages(void)
{
    unsigned from = 20;
    while (from < 200 && outage(from) && !test_failed) from++;
    CHECK(from > 60);
}

/* ---- the largest, the most ------------------------------------------------------------------------------------- */

/* The group of an event may fill a block, but for what a mount that writes it again puts in front of it. */
static void largest_group(void)
{
    static const inngest_function table[] = {
        { .id = "1", .event = "w", .handler = worker, .journal_bytes = 64 }, { .id = "2", .event = "w", .handler = worker, .journal_bytes = 64 },
        { .id = "3", .event = "w", .handler = worker, .journal_bytes = 64 }, { .id = "4", .event = "w", .handler = worker, .journal_bytes = 64 },
        { .id = "5", .event = "w", .handler = worker, .journal_bytes = 64 }, { .id = "6", .event = "w", .handler = worker, .journal_bytes = 64 },
    };
    static const uint8_t data[INNGEST_EVENT_BYTES];
    machine_open(table, 6, 1024, 16, 32);
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_TABLE_BYTES);
    m.config.function_count = 5;
    machine_reboot();
    effects[0] = 0;
    CHECK(inngest_send(&m.jobs, "w", data, INNGEST_EVENT_BYTES - 1) == INNGEST_OK && machine_run(1));
    CHECK(effects[0] == 5 && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* A table with fewer places than there are live runs is refused, whatever else has ended behind them. */
static void too_many_runs(void)
{
    unsigned i, places;
    machine_open(carry_table, 3, 2048, 6, 4);
    machine_reboot();
    for (i = 0; i < 4; i++) CHECK(inngest_send(&m.jobs, "h", NULL, 0) == INNGEST_OK && machine_run(1));
    for (i = 0; i < 5; i++) work(10);
    for (places = 1; places < 4; places++) {
        m.config.runs = places;
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_RUNS_FULL);
    }
    m.config.runs = 4;
    machine_reboot();
    CHECK(machine_runs(NULL) == 4);
    MACHINE_END();
}

/* The beginning of a header in one of the first two blocks is a format that was cut short; in a third one, or with
 * anything else about it, it is foreign data. */
static void torn_headers(void)
{
    uint8_t header[24];
    uint32_t place, wrong;
    inngest_status status;
    machine_open(carry_table, 3, 512, 8, 4);
    machine_reboot();
    memcpy(header, m.chip.cells, sizeof header);
    for (place = 0; place < 8; place++)
        for (wrong = 0; wrong < 3; wrong++) {
            flash_close(&m.chip);
            CHECK(flash_open(&m.chip, 512, 8, 4, 1));
            memcpy(m.chip.cells + place * 512, header, 8);
            m.chip.cells[place * 512 + 8] = (uint8_t)(8 + place);
            if (wrong == 1) m.chip.cells[place * 512] = 'I' & 0x0F;        /* clear where it is to be set */
            if (wrong == 2) m.chip.cells[place * 512 + 500] = 0x7F;
            memset(m.chip.units + place * 128, 1, 128);
            m.config.port = &m.chip.port;
            status = machine_boot(INNGEST_RESET_POWER_ON);
            CHECK(status == (place < 2 && wrong == 0 ? INNGEST_OK : INNGEST_ERR_FOREIGN));
        }
    /* So is a filler behind what an erase that was cut short left of a header; nothing else is, and none further back. */
    for (place = 0; place < 2; place++)
        for (wrong = 0; wrong < 4; wrong++) {
            uint32_t unit = place ? 32 : 4, first = place ? 32 : 24;
            flash_close(&m.chip);
            CHECK(flash_open(&m.chip, 1024, 4, (uint16_t)unit, 1));
            m.chip.cells[place * 1024 + 2] = 'N' | 0x80;
            memset(m.chip.cells + place * 1024 + first + (wrong & 1) * unit, 0xA5 | 0x12, unit - 1);
            if (wrong == 2) m.chip.cells[place * 1024 + first + 1] = 0x25;
            if (wrong == 3) m.chip.cells[place * 1024 + first + 2 * unit] = 0xA5;
            memset(m.chip.units + place * 1024 / unit, 1, 1024 / unit);
            m.config.port = &m.chip.port;
            status = machine_boot(INNGEST_RESET_POWER_ON);
            CHECK(status == (wrong < 2 ? INNGEST_OK : INNGEST_ERR_FOREIGN));
            CHECK(m.chip.violations == 0);
        }
    /* Where erased cells read as anything, what is not a header's or a filler's place is foreign all the same. */
    for (wrong = 0; wrong < 3; wrong++) {
        flash_close(&m.chip);
        CHECK(flash_open(&m.chip, 1024, 4, 4, 1));
        flash_set_erased(&m.chip, FLASH_ERASED_RANDOM);
        m.chip.cells[wrong == 0 ? 4 : wrong == 1 ? 30 : 500] = 0x11;
        memset(m.chip.units, 1, 256);
        m.config.port = &m.chip.port;
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == (wrong < 2 ? INNGEST_OK : INNGEST_ERR_FOREIGN) && m.chip.violations == 0);
    }
    /* A whole one with nothing behind it is not sure: its block is erased again, too, and nothing is damaged. */
    flash_close(&m.chip);
    CHECK(flash_open(&m.chip, 512, 8, 4, 1));
    memcpy(m.chip.cells, header, sizeof header);
    memset(m.chip.units, 1, sizeof header / 4);
    m.config.port = &m.chip.port;
    machine_reboot();
    CHECK(machine_counters().erases == 8 && machine_counters().damaged == 0 && machine_counters().torn == 0);
    m.chip.cells[3 * 512 + 8] ^= 4;                    /* all have one, and one of them rots; what stood behind the first is erased */
    memset(m.chip.cells + 24, 0xFF, 32);
    memset(m.chip.units + 6, 0, 8);
    machine_reboot();
    CHECK(machine_counters().damaged == 1);
    flash_close(&m.chip);
}

/* A clean stop costs the next boot no write, until user code runs. */
static void clean_boot(void)
{
    uint32_t operations;
    unsigned i;
    machine_open(carry_table, 3, 512, 8, 4);
    machine_reboot();
    for (i = 0; i < 60; i++) {
        work(i);
        CHECK(inngest_close(&m.jobs) == INNGEST_OK);
        operations = m.chip.operations;
        CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK && machine_tick() == UINT32_MAX);
        CHECK(m.chip.operations == operations || machine_counters().erases > 0);     /* or it was time to reclaim */
    }
    MACHINE_END();
}

/* Run numbers are not given twice, also when all that says which was the newest has rotted. */
static void numbers(void)
{
    inngest_run_info first, now;
    uint32_t i, place;
    machine_open(carry_table, 3, 1024, 4, 4);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "h", NULL, 0) == INNGEST_OK && machine_run(1) && machine_runs(&first) == 1);
    CHECK(inngest_cancel(&m.jobs, first.id) == INNGEST_OK && machine_run(1) && machine_runs(NULL) == 0);
    for (i = 0; i < 600; i++) inngest_set_wall_clock(&m.jobs, NOON + (i % 2) * 100000 + m.now, m.now);
    CHECK(machine_counters().erases > 8);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "h", NULL, 0) == INNGEST_OK && machine_run(1) && machine_runs(&now) == 1 && now.id == first.id + 1);
    CHECK(inngest_cancel(&m.jobs, now.id) == INNGEST_OK && machine_run(1) && machine_runs(NULL) == 0);
    for (i = 0; i < 600; i++) inngest_set_wall_clock(&m.jobs, NOON + (i % 2) * 100000 + m.now, m.now);
    for (place = 0; place < 4; place++)
        for (i = 24; i + 16 <= 1024; i += 4) {
            uint8_t *b = m.chip.cells + place * 1024 + i;
            if ((b[4] & 0x0F) == 15 && b[5] == 4 && b[6] == 0 && b[7] == 0) b[0] ^= 1;
        }
    machine_reboot();
    CHECK(machine_counters().damaged > 0);
    CHECK(inngest_send(&m.jobs, "h", NULL, 0) == INNGEST_OK && machine_run(1) && machine_runs(&now) == 1 && now.id > first.id + 1);
    MACHINE_END();
}

/* From 4 blocks on a step call meets no erase if a tick comes between. */
static bool in_handler;
static unsigned erases_in_handler;
static int (*erase_below)(void *, uint32_t);
static int watched_erase(void *context, uint32_t address)
{
    erases_in_handler += in_handler;
    return erase_below(context, address);
}
static inngest_status one_step(inngest_ctx *ctx)
{
    uint8_t value[INNGEST_RESULT_BYTES];
    in_handler = true;
    INNGEST_CATCH(machine_ended.status, inngest_step_sleep(ctx, "nap", 0));
    INNGEST_STEP(ctx, "a", value) memset(value, 1, sizeof value);
    in_handler = false;
    return INNGEST_OK;
}
static void erased_ahead(uint32_t blocks)
{
    static const inngest_function table[] = { { .id = "one", .event = "o", .handler = one_step, .journal_bytes = 400, QUICK } };
    unsigned i;
    machine_open(table, 1, 2048, blocks, 4);
    erase_below = m.chip.port.erase;
    m.chip.port.erase = watched_erase;
    machine_reboot();
    erases_in_handler = 0;
    for (i = 0; i < 300; i++) {
        CHECK(inngest_send(&m.jobs, "o", NULL, 0) == INNGEST_OK && machine_run(1));
        in_handler = false;
    }
    CHECK(erases_in_handler == 0 && machine_counters().erases > 20);
    MACHINE_END();
}

/* What a cut left weak in front of a boot's first write is in one mount and not in the next: where the port has a sync, that
 * is not a disk's loss of it, from behind which nothing would count. */
static unsigned weak_ends;
static inngest_status weak_job(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "a") { }
    INNGEST_DO(ctx, "b") { }
    weak_ends++;
    return INNGEST_OK;
}
static const inngest_function weak_table[] = { { .id = "weak", .event = "w", .handler = weak_job, .journal_bytes = 100 } };
static int nothing_to_sync(void *context) { (void)context; return 0; }

static void weak_behind_a_sync(void)
{
    const inngest_event e = { "w", NULL, 0, "id", 0 };
    uint32_t first, second, seed, boots, n;
    for (first = 1; first <= 12; first++)
        for (second = 1; second <= 12; second++)
            for (seed = 1; seed <= 40 && !test_failed; seed++) {
                bool accepted = false;
                machine_open(weak_table, 1, 1024, 3, 4);
                m.chip.port.sync = nothing_to_sync;
                for (weak_ends = boots = 0; boots < 4; boots++) {
                    m.chip.cut_at = boots == 0 ? first : boots == 1 ? m.chip.operations + second : 0;
                    m.chip.tear = boots == 0 ? FLASH_TEAR_WEAK : FLASH_TEAR_NONE;
                    m.chip.cells_after = boots == 0 ? FLASH_METASTABLE : FLASH_STABLE;
                    m.chip.random = seed * 77 + first + 1000 * boots;
                    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK || m.chip.dead);
                    for (n = 0; m.up && n < 6; n++) {
                        if (!accepted) accepted = inngest_send_event(&m.jobs, &e) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK;
                        (void)machine_tick();
                    }
                    flash_power_on(&m.chip);
                }
                CHECK(accepted && weak_ends > 0 && machine_runs(NULL) == 0 && machine_counters().lost_runs == 0);
                if (test_failed) printf("  cuts in operation %u, and %u behind it; %u\n", (unsigned)first, (unsigned)second, (unsigned)seed);
                MACHINE_END();
            }
}

/* So is a clean stop that a cut left weak: what a boot writes behind it first is the time here, and what follows counts all the same. */
static void weak_stop_behind_a_sync(void)
{
    const inngest_event e = { "w", NULL, 0, "id", 0 };
    uint32_t seed;
    for (seed = 1; seed <= 40; seed++) {
        machine_open(weak_table, 1, 1024, 3, 4);
        m.chip.port.sync = nothing_to_sync;
        m.chip.random = seed;
        weak_ends = 0;
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
        (void)machine_tick();
        m.chip.cut_at = m.chip.operations + 1;
        m.chip.tear = FLASH_TEAR_WEAK;
        m.chip.cells_after = FLASH_METASTABLE;
        CHECK(inngest_close(&m.jobs) != INNGEST_OK && m.chip.dead);
        flash_power_on(&m.chip);
        m.chip.cut_at = 0;
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
        inngest_set_wall_clock(&m.jobs, INT64_C(1767225600000), m.now);
        CHECK(inngest_send_event(&m.jobs, &e) == INNGEST_OK);
        m.chip.cut_at = m.chip.operations + 3;         /* the id, the run, and its first step */
        m.chip.tear = FLASH_TEAR_NONE;
        (void)machine_tick();
        CHECK(m.chip.dead);
        flash_power_on(&m.chip);
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK && machine_runs(NULL) == 1);
        MACHINE_END();
    }
}

int main(void)
{
    weak_behind_a_sync();
    weak_stop_behind_a_sync();
    queue();
    three_reads();
    ends(512, 1);
    ends(1024, 4);
    ends(1024, 8);
    ends(2048, 32);
    distances(512);
    distances(2048);
    sizes();
    room_ahead();
    run_numbers();
    progress();
    one_unit();
    time_is_carried();
    ids_are_carried(false);
    ids_are_carried(true);
    ids_of_old();
    the_only_run();
    parked_for_good();
    parked_and_woken();
    old_crashes();
    outages();
    largest_group();
    too_many_runs();
    torn_headers();
    clean_boot();
    numbers();
    erased_ahead(4);
    erased_ahead(5);
    CHECK(records > 1000 && last_wide > 0 && widest == 255);
    return TEST_END();
}
