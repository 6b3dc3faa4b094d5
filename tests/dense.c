/* SPDX-License-Identifier: MIT
 * Capacity: what is admitted always finds room to go on, also where runs lie side by side in the journal, so that
 * whole blocks in a row hold nothing but live records and reclaim gains nothing from any of them. */
#include "machine.h"

#define MOST_RUNS 2000
static unsigned results, size, event_size;
static const uint8_t data[64];
static int64_t memory[INNGEST_MEMORY(MOST_RUNS, 4) / 8 + 1];

static bool still;             /* the runs sleep, and others come and go; else each retries again and again */

/* Live records first; then attempts, each of which replaces the one before. */
static inngest_status job(inngest_ctx *ctx)
{
    uint8_t result[256];
    unsigned i;
    for (i = 0; i < results; i++) INNGEST_STEP_(ctx, "result", NULL, result, size) { memset(result, 7, size); }
    if (still) return inngest_step_sleep(ctx, "sleep", INNGEST_DAYS(300));
    INNGEST_DO(ctx, "retry") { if (inngest_attempt(ctx) < 60) return INNGEST_RETRY; }
    return INNGEST_OK;
}

static inngest_status passer_by(inngest_ctx *ctx)
{
    uint8_t result[32];
    int i;
    for (i = 0; i < 5; i++) INNGEST_STEP(ctx, "some", result) { memset(result, i, sizeof result); }
    return INNGEST_OK;
}

static const uint32_t a_minute[] = { 60 };
static inngest_function functions[] = {
    { .id = "job", .event = "test/job", .handler = job, .backoff = a_minute, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER, .max_attempts = 200 },
    { .id = "passer-by", .event = "test/passer-by", .handler = passer_by, .jitter_ms = INNGEST_NO_JITTER, .journal_bytes = 350 },
};

static uint32_t padded(uint32_t bytes, uint32_t unit) { return (bytes + unit - 1) / unit * unit; }

static void complain(uint32_t block, uint32_t blocks, uint16_t g, unsigned runs, unsigned ended)
{
    printf("  %u blocks of %u, units of %u, %u %s runs of %u results of %u bytes: %u ended\n", (unsigned)blocks, (unsigned)block,
           (unsigned)g, runs, still ? "still" : "busy", results, size, ended);
}

/* All of them end. */
static unsigned all_end(unsigned runs)
{
    unsigned turns;
    for (turns = 0; turns < 400 && machine_counters().runs_ended < runs; turns++) {
        (void)machine_tick();
        m.now += 30000;
    }
    return (unsigned)machine_counters().runs_ended;
}

/* Others run through the journal, a few of the runs make room for them if they took all, until it has been written over a few times. */
static unsigned others_pass(unsigned runs, unsigned most, uint32_t need)
{
    inngest_run_info info;
    uint32_t cursor = 0, freed = 0, bytes = 0, ended, size_of_all = m.config.port->block_size * m.config.port->block_count;
    while (runs < most && freed < 1000 + 2 * need && inngest_next_run(&m.jobs, &cursor, &info) && inngest_cancel(&m.jobs, info.id) == INNGEST_OK) freed += info.reserved_bytes;
    (void)machine_tick();
    (void)machine_tick();
    for (ended = machine_counters().runs_ended; bytes < 3 * size_of_all; bytes += 300) {
        if (inngest_send(&m.jobs, "test/passer-by", data, event_size) != INNGEST_OK) return 0;
        (void)machine_tick();
        if (machine_counters().runs_ended != ++ended) return 0;
    }
    return runs;
}

/* Fill the journal with runs until one is refused or there are so many. */
static void fill(uint32_t block, uint32_t blocks, uint16_t g, unsigned n, unsigned bytes, unsigned most)
{
    uint32_t unit = g < 4 ? 4 : g;
    unsigned started = 0, ended;
    results = n;
    size = bytes;
    functions[0].journal_bytes = (uint16_t)(n * padded(16 + bytes, unit) + 2 * padded(16 + 14, unit));
    machine_open(functions, 2, block, blocks, g);
    m.config.memory = memory;
    m.config.memory_size = sizeof memory;
    m.config.runs = MOST_RUNS;
    m.config.events = 4;
    if (machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_TABLE_BYTES) { flash_close(&m.chip); return; }   /* not even one */
    CHECK(m.up);
    while (started < most && inngest_send(&m.jobs, "test/job", data, event_size) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK) {
        started++;
        (void)machine_tick();
    }
    CHECK(started > 0);
    if (still && started < 9) { flash_close(&m.chip); return; }
    ended = still ? others_pass(started, most, functions[0].journal_bytes + 200u) : all_end(started);
    CHECK(ended >= started && machine_counters().runs_failed == 0);
    if (ended < started) complain(block, blocks, g, started, ended);
    MACHINE_END();
}

/* The supply flaps: boot after boot is cut in one of its first writes, and begins a block in vain. Were these never won
 * back, reclaim would have no room for a tail of nothing but live records, and no mount would succeed any more. Where many
 * boots in a row are cut in their later writes, which are reclaim's, that may still come about; no run is lost by it. */
static inngest_status sleeper(inngest_ctx *ctx)
{
    uint8_t result[30];
    INNGEST_STEP(ctx, "result", result) memset(result, 7, sizeof result);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_HOURS(1)));
    INNGEST_DO(ctx, "after") trace("w");
    return INNGEST_OK;
}
static const inngest_function sleepers[] = { { .id = "sleeper", .event = "s", .handler = sleeper, .journal_bytes = 150 } };

static void flapping(uint32_t block, uint32_t blocks, uint16_t g, unsigned most)
{
    unsigned i, n, runs;
    int64_t due = INT64_MAX;
    inngest_run_info info;
    inngest_status status;
    char words[2 * MACHINE_RUNS + 1] = "w";
    machine_open(sleepers, 1, block, blocks, g);
    if (machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK) {
        for (n = 0; n < MACHINE_RUNS && machine_runs(NULL) == n; n++) {
            CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK);
            while (machine_tick() == 0) { }
        }
        runs = machine_runs(NULL);
        for (i = 0; i < 40; i++) {
            m.chip.cut_at = m.chip.operations + 1 + i * 7 % most;
            m.chip.tear = FLASH_TEAR_MIDDLE;
            m.chip.random = i * 77 + most;
            if (machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK) {
                CHECK(machine_runs(&info) > 0 && info.deadline_in_ms <= due);     /* no time is lost that was known */
                due = info.deadline_in_ms;
                for (n = 0; n < 10 && !m.chip.dead; n++) {
                    m.now += 1000;
                    inngest_set_wall_clock(&m.jobs, INT64_C(1700000000000) + m.now * (n % 2 + 1), m.now);
                    (void)machine_tick();
                }
            }
            flash_power_on(&m.chip);
        }
        m.chip.cut_at = 0;
        status = machine_boot(INNGEST_RESET_POWER_ON);
        CHECK(status == INNGEST_OK || (most > 5 && status == INNGEST_ERR_JOURNAL_FULL));     /* it had begun to reclaim, again and again */
        if (m.up) CHECK(machine_runs(&info) > 0 && info.deadline_in_ms <= due);
        if (m.up) CHECK(machine_runs(NULL) == runs && machine_counters().lost_runs == 0);
        if (most <= 5) CHECK(machine_run(INNGEST_HOURS(2)) && machine_runs(NULL) < runs);      /* and those that waited in the queue */
        for (i = 1; i < runs; i++) memcpy(words + 2 * i - 1, " w", 3);
        CHECK(most > 5 || strncmp(machine_trace, words, strlen(words)) == 0);
    }
    if (test_failed) printf("  %u x %u, unit %u: flaps in the first %u operations\n", (unsigned)blocks, (unsigned)block, g, most);
    machine_trace[0] = 0;
    MACHINE_END();
}

static void flaps(void)
{
    static const uint16_t g[] = { 1, 4, 8, 16, 32 };
    uint32_t i, most;
    for (i = 0; i < 40 && !test_failed; i++)
        for (most = 1; most <= 11 && !test_failed; most++) flapping(UINT32_C(512) << i % 3, 3 + i / 3, g[i % 5], most);
}

int main(void)
{
    static const uint32_t blocks[] = { 2, 3, 4, 5, 8, 16, 48 };
    static const unsigned n[] = { 0, 1, 5, 20 }, bytes[] = { 0, 4, 32, 200 };
    static const uint16_t g[] = { 1, 8, 32 };
    unsigned b, i, k, u;
    for (b = 0; b < sizeof blocks / sizeof *blocks; b++)
        for (i = 0; i < 4; i++)
            for (k = 0; k < 4; k++)
                for (u = 0; u < 3; u++) {
                    still = (b + i + k + u) % 3 != 0;
                    fill(blocks[b] < 16 ? 2048 : 1024, blocks[b], g[u], n[i], bytes[k], (b + 2 * i + k) % 4 ? MOST_RUNS : 64);
                }
    still = true;
    for (i = 40; i <= 160; i += 40)
        for (event_size = 0; event_size <= 64; event_size += 16) fill(4096, 32, 4, 2, 32, i);
    flaps();
    return TEST_END();
}
