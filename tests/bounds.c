/* SPDX-License-Identifier: MIT
 * What a call may cost, as inngest.h says it, in lives of which everything is drawn, without faults, so that each erase has a reason.
 * Where records of runs that sleep fill whole blocks, reclaim passes one after the other until it comes to one that gives room:
 * of these there are as many at most as what is live fills. Else it is one block for each record that is written. A record that is
 * live is carried once at most each time that the journal has gone round; a mount reads 8 times all that there is at most; a tick with
 * nothing due, be it that the queue waits for room, touches nothing.
 * argv: how many lives; the first seed. */
#include "draw.h"
#define MACHINE_RUNS 600
#include "machine.h"

enum { SLEEPER, WORKER, RETRIER, FUNCTIONS };
static struct { uint32_t seed, results[FUNCTIONS], size[FUNCTIONS], event, most_live, carried, released; uint64_t random; bool told; } life;
static struct { uint32_t erases, programs, reads, bytes; } cost;
static unsigned long lives, small, calls, erases, most_erases, over;

static void count_call(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user;
    (void)address;
    if (operation == 'e') cost.erases++;
    else if (operation == 'p') cost.programs++;
    else { cost.reads++; cost.bytes += size; }
}

static void wrong(const char *what, const char *call, uint32_t is, uint32_t bound)
{
    test_failed++;
    if (!life.told) printf("seed %u, %u x %u, unit %u: %s of a %s: %u, not %u; %u runs, %u bytes reserved\n", (unsigned)life.seed, (unsigned)m.config.port->block_count,
                           (unsigned)m.config.port->block_size, m.config.port->program_size, what, call, (unsigned)is, (unsigned)bound, (unsigned)m.jobs.live_runs, (unsigned)m.jobs.reserved);
    life.told = true;
}

/* ---- jobs -------------------------------------------------------------------------------------------------------------------- */

static inngest_status results(inngest_ctx *ctx, unsigned f)
{
    uint8_t result[INNGEST_RESULT_BYTES];
    unsigned i;
    for (i = 0; i < life.results[f]; i++) INNGEST_STEP_(ctx, "result", NULL, result, life.size[f]) memset(result, (int)i, sizeof result);
    return INNGEST_OK;
}

static inngest_status sleeper(inngest_ctx *ctx)
{
    INNGEST_TRY(results(ctx, SLEEPER));
    return inngest_step_sleep(ctx, "sleep", INNGEST_HOURS(1) * (int64_t)(1 + inngest_run_id(ctx) % 300));
}

static inngest_status worker(inngest_ctx *ctx) { return results(ctx, WORKER); }

static inngest_status retrier(inngest_ctx *ctx)
{
    INNGEST_TRY(results(ctx, RETRIER));
    INNGEST_DO(ctx, "retry") if (inngest_attempt(ctx) < 100) return INNGEST_RETRY;
    return INNGEST_OK;
}

static const uint32_t a_minute[] = { 60 };
static inngest_function table[FUNCTIONS] = {
    { .id = "sleeper", .event = "sleeper", .handler = sleeper },
    { .id = "worker", .event = "worker", .handler = worker },
    { .id = "retrier", .event = "retrier", .handler = retrier, .backoff = a_minute, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER, .max_attempts = 200 },
};

/* ---- a call and its bounds ------------------------------------------------------------------------------------------------------ */

static uint32_t padded(uint32_t bytes) { uint32_t unit = m.config.port->program_size < 4 ? 4 : m.config.port->program_size; return (bytes + unit - 1) / unit * unit; }

static struct { inngest_counters counters; uint32_t tail; } before;
static void begin_call(void)
{
    memset(&cost, 0, sizeof cost);
    before.counters = machine_counters();
    before.tail = m.jobs.tail_block;
    calls++;
}

/* ahead: blocks that may be reclaimed without a record. */
static void end_call(const char *call, uint32_t ahead)
{
    inngest_counters after = machine_counters();
    uint32_t usable = m.config.port->block_size - padded(24), largest = padded(16 + 13 + INNGEST_EVENT_BYTES), full, bound, records, released = m.jobs.tail_block - before.tail;
    if (largest < padded(16 + INNGEST_RESULT_BYTES)) largest = padded(16 + INNGEST_RESULT_BYTES);
    full = m.jobs.reserved / (usable > 3 * largest ? usable - 2 * largest : usable / 3) + 1;
    if (full > m.config.port->block_count) full = m.config.port->block_count;
    life.carried += after.carried - before.counters.carried;
    life.released += released;
    records = after.records - before.counters.records - (after.carried - before.counters.carried) - released;
    bound = records + ahead;
    if (released > bound) over++;
    if (records) bound += full;
    if (released > bound) wrong("blocks reclaimed", call, released, bound);
    if (cost.erases > released + 2) wrong("erases", call, cost.erases, released + 2);
    if (cost.erases > most_erases) most_erases = cost.erases;
    erases += cost.erases;
}

static uint32_t tick(void)
{
    uint32_t next, again;
    begin_call();
    next = inngest_tick(&m.jobs, m.now);
    end_call("tick", 1);
    if (next == 0) return 0;
    begin_call();
    again = inngest_tick(&m.jobs, m.now);
    if (again != next) wrong("what is given", "tick with nothing due", again, next);
    if (cost.erases + cost.programs + cost.reads) wrong("operations", "tick with nothing due", cost.erases + cost.programs + cost.reads, 0);
    return next;
}

/* ---- lives ---------------------------------------------------------------------------------------------------------------------- */

static void draw_function(unsigned f)
{
    uint64_t *r = &life.random;
    life.results[f] = draw(r, draw(r, 2) ? 3 : 24);
    life.size[f] = draw(r, 4) ? draw(r, 40) : draw(r, INNGEST_RESULT_BYTES + 1);
    table[f].journal_bytes = (uint16_t)(life.results[f] * padded(16 + life.size[f]) + 4 * padded(16 + 14));
}

/* So many records are live, at most. */
static void note_live(void *user, uint64_t run, const char *function)
{
    uint32_t f, most = 0;
    (void)user;
    (void)run;
    (void)function;
    for (f = 0; f < FUNCTIONS; f++) if (most < life.results[f] + 3) most = life.results[f] + 3;
    most = m.jobs.live_runs * most + 1 + INNGEST_SEEN_IDS;             /* and one of the time, and the ids */
    if (life.most_live < most) life.most_live = most;
}
static const inngest_hooks hooks = { .run_start = note_live };

static bool begin(uint32_t seed)
{
    static const uint32_t sizes[] = { 512, 1024, 2048, 4096, 8192 };
    uint64_t *r = &life.random;
    uint32_t block, blocks;
    unsigned f;
    memset(&life, 0, sizeof life);
    life.seed = seed;
    life.random = seed * UINT64_C(0xD1342543DE82EF95) + 1;
    block = sizes[draw(r, 5)];
    blocks = 2 + draw(r, draw(r, 2) ? 8 : 60);
    machine_open(table, FUNCTIONS, block, blocks, (uint16_t)(1u << draw(r, 6)));
    for (f = 0; f < FUNCTIONS; f++) draw_function(f);
    life.event = draw(r, 2) ? 1 : 1 + draw(r, INNGEST_EVENT_BYTES - 10);
    m.config.hooks = &hooks;
    m.config.runs = 2 + draw(r, draw(r, 2) ? 20 : MACHINE_RUNS - 2);
    if (machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_TABLE_BYTES) return false;
    CHECK(m.up);
    m.chip.trace = count_call;
    return true;
}

static void reboot(void)
{
    uint32_t most = (INNGEST_INDEXES ? 8 : 40) * m.config.port->block_count * m.config.port->block_size;
    if (draw(&life.random, 2)) {
        begin_call();
        CHECK(inngest_close(&m.jobs) <= INNGEST_OK);
        end_call("close", 0);
    }
    memset(&cost, 0, sizeof cost);
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    if (cost.bytes > most) wrong("bytes read", "mount", cost.bytes, most);
}

static void cancel_one(void)
{
    inngest_run_info info;
    uint32_t cursor = draw(&life.random, m.config.runs);
    begin_call();
    if (inngest_next_run(&m.jobs, &cursor, &info)) CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_OK);
    end_call("cancel", 0);
}

static void live(uint32_t seed)
{
    uint64_t *r = &life.random;
    uint8_t data[INNGEST_EVENT_BYTES] = { 0 };
    unsigned turn, i, k, n;
    bool dense, hurried, ids, packed = false;
    uint32_t next, rounds;
    if (!begin(seed)) { small++; return; }
    dense = draw(r, 2);
    hurried = draw(r, 2);
    ids = draw(r, 8) == 0;
    n = m.config.port->block_count * m.config.port->block_size / 100;
    for (turn = 0; turn < n && !life.told; turn++) {
        static const char *const names[] = { "sleeper", "worker", "retrier" };
        for (i = hurried ? 1 : draw(r, 5); i > 0; i--) {
            inngest_event e = { .data = data, .size = life.event };
            char id[12];
            (void)snprintf(id, sizeof id, "%u", (unsigned)(turn * 8 + i));
            if (ids && draw(r, 4) == 0) e.id = id;
            e.name = names[packed ? WORKER : dense ? SLEEPER : draw(r, 3)];
            if (inngest_send_event(&m.jobs, &e) != INNGEST_OK) break;
        }
        if (draw(r, 4) == 0) { begin_call(); (void)(inngest_flush(&m.jobs) == INNGEST_OK); end_call("flush", 0); }
        for (k = hurried ? 0 : draw(r, 4); (next = tick()) == 0 && k != 0; k--) { }
        m.now += draw(r, 3) ? 1 : draw(r, draw(r, 50) ? 20000 : 20000000);
        if (!packed && (m.jobs.waits || turn > n / 3)) {         /* others pass between those that sleep */
            packed = true;
            for (i = 0; i < 4; i++) cancel_one();
        }
        if (draw(r, 100) == 0) cancel_one();
        if (draw(r, 300) == 0) reboot();
    }
    rounds = 16384 / m.config.port->block_size;
    if (rounds < 3) rounds = 3;
    if (rounds > m.config.port->block_count / 2) rounds = m.config.port->block_count / 2;
    rounds = life.released / rounds + 2;
    if (life.carried > rounds * life.most_live) wrong("records carried", "life", life.carried, rounds * life.most_live);
    lives++;
}

int main(int argc, char **argv)
{
    uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 300, seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1;
    for (; n > 0; n--, seed++) {
        live(seed);
        CHECK(!life.told);
    }
    flash_close(&m.chip);
    printf("%lu lives, %lu too small, %lu calls, %lu erases, %lu in one call at most; %lu calls reclaimed more than a block a record\n", lives, small, calls, erases, most_erases, over);
    return TEST_END();
}
