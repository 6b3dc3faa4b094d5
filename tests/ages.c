/* SPDX-License-Identifier: MIT
 * Lives of old journals. All that counts or has a width begins shortly before its end: positions, the numbers of blocks and runs, journal
 * time, tokens, the queue's words, counters; in the middle of a life hundreds of millions of runs have come and gone at once. Jobs are drawn,
 * some sleep for weeks while the log goes round; power is cut, programs fail, disks forget. The ledger judges: no finished step runs again,
 * no two runs have one id, nothing that was acknowledged is lost, journal time does not go back over a clean stop nor ahead of what it was,
 * no sleep ends early, and all comes to its end. Then a few runs that sleep while tens of thousands of blocks are written.
 * argv: how many lives; the first seed. */
#define EVENTS 60u
#define MOST_RUNS_ 10u
#include "drawn_world.h"
#include "drawn_device.h"
#include <string.h>

#define DAY_MS 86400000u

life_state life;
run_entry ledger[ENTRIES][FUNCTIONS];
jmp_buf reset_vector;
static unsigned long lives, boots, skipped, used_up, told, jumps;
static struct { uint32_t block, next_run; int64_t time; bool bare; } old;     /* what the journal begins with; bare: nothing but blocks */
static int64_t stopped_at;             /* journal time of the stop that was clean, or -1 */
static bool known;                     /* the engine that ran last tells what journal time may be at most */
static bool torn_stop;                 /* a stop was cut short or failed: its TIME may read as whole later than it counts */
static uint32_t queue_slots, jumped_at;    /* jumped_at: the block in which runs have passed */

void wrong(const char *what, int status)
{
    test_failed++;
    if (told++) return;
    printf("seed %u, %u x %u, unit %u, %s%s, block %08x, run %08x, time %llx%s: %s, %d; turn %u, boot %u, operation %u\n", life.seed,
           (unsigned)dev.port.block_count, (unsigned)dev.port.block_size, dev.port.program_size, dev.disk ? "disk" : "flash",
           dev.port.sync ? ", sync" : "", (unsigned)old.block, (unsigned)old.next_run, (unsigned long long)old.time,
           old.bare ? ", bare" : "", what, status, life.turn, life.boots, dev.operations);
}

/* ---- a journal that is old ----------------------------------------------------------------------------------------------------- */

static uint32_t unit_bytes(void) { return dev.port.program_size < 4 ? 4 : dev.port.program_size; }

static void put(uint8_t *to, uint64_t value, unsigned bytes)
{
    for (; bytes-- > 0; value >>= 8) *to++ = (uint8_t)value;
}

static unsigned log_of(uint32_t n)
{
    unsigned k = 0;
    while (n >>= 1) k++;
    return k;
}

/* Write bytes, padded to the unit, where nothing is yet. Gives where they end. */
static uint32_t place(uint32_t at, const uint8_t *bytes, uint32_t size)
{
    uint32_t end = (at + size + unit_bytes() - 1) / unit_bytes() * unit_bytes(), i;
    uint8_t mask = dev.chip.erased >= 0 ? (uint8_t)(dev.chip.erased ^ 0xFF) : 0;
    for (i = 0; i < size; i++) dev.chip.cells[at + i] = bytes[i] ^ mask;
    for (i = at; i < end; i++) dev.chip.units[i / dev.port.program_size] = 1;
    return end;
}

#define FORMAT 0x5EED0001u
static bool later;                     /* of the next record: what is in front of it was not synced */
static uint32_t place_record(uint32_t block, uint32_t at, unsigned kind, uint32_t run, uint32_t step, uint8_t link, const uint8_t *payload,
                             uint8_t size)
{
    uint8_t seed[8], r[300] = { 0 };
    put(seed, FORMAT, 4);
    put(seed + 4, block * (dev.port.block_size / unit_bytes()) + at % dev.port.block_size / unit_bytes(), 4);
    r[4] = (uint8_t)kind;
    r[5] = size;
    put(r + 6, run, 2);
    put(r + 8, step, 3);
    r[11] = link;
    memcpy(r + 12, payload, size);
    put(r, crc32_of(crc32_of(0, seed, 8), r + 4, 8u + size) ^ (later ? 0xA5A5A5A5 : 0), 4);
    return place(at, r, 12u + size);
}

/* Everything has been reclaimed but what tells of the numbers: the next run's, journal time. All other blocks are erased. Gives where that
 * ends. */
static uint32_t make_old(void)
{
    uint32_t blocks = dev.port.block_count, i, at, end = 0;
    uint8_t b[24];
    memset(dev.chip.cells, 0xFF, size_of());
    memset(dev.chip.units, 0, size_of() / dev.port.program_size);
    for (i = 0; i < blocks; i++) {
        memset(b, 0, sizeof b);
        memcpy(b, "INJ1\1", 5);
        b[7] = (uint8_t)(log_of(dev.port.program_size) | log_of(dev.port.block_size) << 3);
        put(b + 8, old.block + i, 4);
        put(b + 12, FORMAT, 4);
        put(b + 16, blocks, 2);
        put(b + 20, crc32_of(0, b, 20), 4);
        at = (old.block + i) % blocks * dev.port.block_size;
        at = place(at, b, 24);
        if (i > 0 || old.bare) continue;
        put(b, old.next_run, 4);
        at = place_record(old.block, at, 15, 0, (old.block - 1) & 0xFFFFFF, 0, b, 4);
        put(b, (uint64_t)old.time, 6);
        put(b + 6, 0, 6);
        end = place_record(old.block, at, 13, 0, 0, 0, b, 12);
    }
    memcpy(dev.durable, dev.chip.cells, size_of());
    forget_writes();
    return end;
}

static uint32_t near32(uint64_t end, uint32_t most) { return (uint32_t)(end - draw(&life.random, most)); }

/* What begins shortly before which end. Half of all positions that wrap do so at a full turn, the others where their sign changes. */
static void draw_ages(void)
{
    static const uint64_t runs[] = { 2, 0x10000, 0x1000000, 0x3000000, 0x80000000, 0x100000000, 0x100000000, 0x100000000 };
    static const uint64_t times[] = { 0, 1, UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(3) << 31, UINT64_C(1) << 40, UINT64_C(1) << 45 };
    uint64_t *r = &life.random, units = dev.port.block_size / unit_bytes(), turn = (UINT64_C(1) << 32) / units, block;
    uint32_t before = 1 + draw(r, draw(r, 2) ? 3 : 30);
    switch (draw(r, 6)) {
    case 0: block = UINT64_C(0x10000) * (1 + draw(r, 100)); break;
    case 1: block = UINT64_C(0x1000000) * (1 + draw(r, 100)); break;
    case 2: block = turn * (1 + draw(r, (uint32_t)units - 2)) - turn / 2; break;
    case 3: block = UINT64_C(0x80000000); break;
    default: block = turn * (1 + draw(r, (uint32_t)units - 2)); break;
    }
    if (block < 2 * dev.port.block_count + before) block = 2 * dev.port.block_count + before;
    old.block = (uint32_t)(block - before);
    old.next_run = near32(runs[draw(r, 8)], draw(r, 2) ? 3 : 20);
    if (old.next_run == 0) old.next_run = 1;
    old.time = (int64_t)times[draw(r, 7)] - draw(r, 3) * (int64_t)draw(r, DAY_MS);
    if (old.time < 0) old.time = 0;
    old.bare = draw(r, 6) == 0;
}

/* In RAM, too: the numbers of tokens, of what the queue has taken, of all that is counted. */
static void make_ram_old(void)
{
    inngest_word at = (inngest_word)(0u - draw(&life.random, 40));
    unsigned i;
#if INNGEST_LONG_STEPS
    jobs.token = (0u - 2 * draw(&life.random, 20)) | 1u;
#endif
    jobs.head = jobs.tail = at;
#if UINTPTR_MAX > 0xFFFFFFFF
    jobs.oldest_slot = &jobs.slots[at & jobs.slot_mask];
#endif
    for (i = 0; i <= jobs.slot_mask; i++, at++) {
        jobs.slots[at & jobs.slot_mask].sequence = at;
#if INNGEST_SLOT_CLAIM
        jobs.slots[at & jobs.slot_mask].claim = (inngest_word)(at - 1);
#endif
    }
#if INNGEST_INSPECT
    jobs.counters.records = jobs.counters.carried = UINT32_MAX - draw(&life.random, 40);
    jobs.counters.steps_run = jobs.counters.erases = UINT32_MAX - draw(&life.random, 40);
#endif
}

/* So many runs have come and gone since: all that they wrote is gone, so that the next ones are no namesakes, by 24 bits, of any of
 * before; and what still lives has been carried, so not again before the log has gone round. */
static void let_runs_pass(void)
{
    uint32_t high = 16 + draw(&life.random, 0x7F - 16);
    if (jumps == 3 || (int32_t)(jobs.tail_block - jumped_at) <= 0) return;
    jumps++;
    jumped_at = jobs.head_block;
    jobs.next_run = (((jobs.next_run >> 24) + high) << 24) + (uint32_t)jumps * 0x300000u + draw(&life.random, 1000);
}

/* ---- lives ------------------------------------------------------------------------------------------------------------------------ */

static inngest_reset why;
static inngest_status boot(inngest_reset reset, uint32_t runs)
{
    inngest_status status;
    int64_t was = known ? jobs.now : INT64_MAX;
    unsigned failures = dev.failures;
    dev.forbidden = false;
    dev.unsynced = dev.written_behind = 0;
    life.boots++;
    life.uptime = 0;
    life.base = draw(&life.random, 3) ? draw(&life.random, 100000) : 0u - draw(&life.random, 100000);
    boots++;
    known = false;                     /* power may go in there */
    status = start_engine(&dev.port, reset, runs, queue_slots);
    known = status == INNGEST_OK;
    if (known) {
        if (stopped_at >= 0 && jobs.now != stopped_at && dev.failures == failures)
            wrong("journal time is not what it was", (int)(jobs.now - stopped_at));
        if (jobs.now > was && !torn_stop) wrong("journal time has jumped ahead", (int)(jobs.now - was));
    }
    stopped_at = -1;
    if (status == INNGEST_OK && draw(&life.random, 2)) make_ram_old();
    return status;
}

static void draw_world(void)
{
    static const uint16_t sizes[] = { 512, 512, 512, 1024, 1024, 2048, 4096, 16384 };
    uint64_t *r = &life.random;
    uint32_t block = sizes[draw(r, 8)], blocks = 2 + draw(r, draw(r, 2) ? 4 : 40);
    uint16_t g = (uint16_t)(1u << draw(r, 6));
    life.steady = true;
    life.kept_text = INNGEST_MESSAGE_BYTES;
    life.crash_limit = INNGEST_CRASH_LIMIT;
    if (block * blocks > 32768 && draw(r, 8)) blocks = block == 16384 ? 2 : 32768 / block;
    if (block * blocks > 131072) blocks = 131072 / block;
    life.clocks = INNGEST_WALL_CLOCK && draw(r, 3) == 0;
    life.truthful = draw(r, 4) > 0;
    life.ids = INNGEST_SEEN_IDS > 0 && !life.clocks && draw(r, 3) == 0;
    life.cancels = INNGEST_CANCEL && draw(r, 4) == 0;
    life.crashes = INNGEST_CRASHES && draw(r, 8) == 0;
    life.same_ids = draw(r, 3) == 0;
    life.slow = life.seed % 11 == 3;
    odd_calls = draw(r, 6) == 0;
    queue_slots = 2u << draw(r, 3);
    if (INNGEST_WORD_BITS == 8 && queue_slots > 64) queue_slots = 64;
    open_device(block, blocks, g);
}

/* Some sleep for weeks. */
static void sleep_longer(void)
{
    unsigned f, i;
    for (f = 0; f < FUNCTIONS; f++) for (i = 0; i < life.count[f]; i++) {
        op *o = &life.ops[f][i];
        if ((o->kind == SLEEP_OP || o->kind == ALL_OP) && draw(&life.random, 2)) o->ms = draw(&life.random, 49 * DAY_MS);
    }
}

/* False: the journal is too small for these. */
static bool begin(uint32_t seed)
{
    static const limits most = { INNGEST_RESULT_BYTES, INNGEST_EVENT_BYTES, 8 + INNGEST_MESSAGE_BYTES, INNGEST_INSPECT ? 0 : 1u << SEND_OP };
    uint64_t *r = &life.random;
    unsigned i, tries;
    inngest_status status;
    begin_life(seed);
    memset(&old, 0, sizeof old);
    jumps = 0;
    known = torn_stop = false;
    stopped_at = -1;
    draw_world();
    draw_ages();
    jumped_at = old.block;
    (void)make_old();
    life.events = 1 + draw(r, life.ids || draw(r, 3) == 0 ? 8 : EVENTS);
    for (tries = 0; ; tries++) {
        if (tries == 8) return false;
        life.functions = 1 + draw(r, tries > 4 ? 1 : FUNCTIONS - 1);
        life.fan = life.functions > 1 && draw(r, 3) == 0;
        for (i = 0; i < FUNCTIONS; i++) life.has[i] = i < life.functions || (i == FUNCTIONS - 1 && tries < 4 && draw(r, 2));
        draw_scripts(dev.port.program_size, tries < 3 ? OPS : tries < 6 ? 3 : 1, &most);
        if (!life.ids && life.events <= 8) sleep_longer();     /* an id that expires may be sent again */
        status = boot(INNGEST_RESET_POWER_ON, MOST_RUNS_);
        if (status == INNGEST_OK) break;
        if (status != INNGEST_ERR_TABLE_BYTES) wrong("the first mount is refused", status);
    }
    if ((!old.bare && (jobs.now != old.time || jobs.next_run != old.next_run)) || jobs.tail_block != old.block || jobs.format != FORMAT)
        wrong("the journal is not as old as it says", 0);
    for (i = 0; i < EVENTS; i++) life.size[i] = (uint16_t)(2 + draw(r, draw(r, 3) ? 10 : INNGEST_EVENT_BYTES < 250 ? INNGEST_EVENT_BYTES - 10 : 240));
    life.up = true;
    return true;
}

static bool start(void)
{
    unsigned failures = dev.failures;
    uint32_t runs = life.last || draw(&life.random, 3) ? MOST_RUNS_ : 2 + draw(&life.random, MOST_RUNS_ - 2);
    inngest_status status;
    memset(life.queued, 0, sizeof life.queued);
    status = boot(why, runs);
    if (status == INNGEST_ERR_RUNS_FULL && runs < MOST_RUNS_) return false;
    if (status == INNGEST_ERR_TABLE_FAN_OUT) return false;
    if (status == INNGEST_OK) why = INNGEST_RESET_POWER_ON;
    if (status == INNGEST_ERR_JOURNAL_FULL && dev.port.block_count >= 4) { used_up++; told++; return false; }
    if (status != INNGEST_OK && dev.failures == failures) wrong("a mount is refused", status);
    return life.up = status == INNGEST_OK;
}

/* Days pass at once, unless an event may have to be sent again, whose id expires then. */
static void pass_days(uint32_t ms)
{
    if (!life.ids || all_answered()) pass_time(ms);
}

static uint32_t one_turn(bool last)
{
    uint32_t next;
    if (life.cancels && !last && draw(&life.random, 20) == 0) cancel_one();
    if (!last && draw(&life.random, 15) == 0) let_runs_pass();
    dev.forbidden = false;
    answer();
    next = inngest_tick(&jobs, now32());
    dev.forbidden = false;
    if (last && next > 100000) pass_days(next == UINT32_MAX ? DAY_MS : next);
    if (last) pass_time(next > 1000 ? 1000 : next + 1);
    else pass_time(draw(&life.random, draw(&life.random, 4) ? 6000 : 100000));
    if (!last && draw(&life.random, 20) == 0) pass_days(draw(&life.random, 24 * DAY_MS));
    if (life.clocks && draw(&life.random, last ? 10 : 3) == 0) tell_clock(life.truthful ? 0 : (int64_t)draw(&life.random, 400000) - 200000);
    dev.forbidden = false;
    return next;
}

static void live(uint32_t seed)
{
    unsigned turns;
    uint32_t next;
    int jumped;
    if (!begin(seed)) { skipped++; return; }
    turns = 60 + 3 * life.events;
    why = INNGEST_RESET_POWER_ON;
    if ((jumped = setjmp(reset_vector)) != 0) {
        if (jumped != CUT) lose_power();
        life.up = dev.forbidden = false;
        stopped_at = -1;
        dev.cut_at = 0;
        if (draw(&life.random, 3) == 0) life.now += draw(&life.random, 50000);
        why = reason_of(jumped);
    }
    while (++life.turn < turns + 12000 && !told) {
        bool last = life.turn >= turns;
        if (last && !life.last) {
            life.last = true;
            set_faults(false);
        }
        if (!last && life.seed % 2 && life.turn % 5 == 1) set_faults(draw(&life.random, 3) > 0);
        if (!last && draw(&life.random, 4) == 0) dev.cut_at = dev.operations + 1 + draw(&life.random, draw(&life.random, 2) ? 4 : 30);
        if (!life.up && !start()) continue;
        send_events();
        dev.forbidden = false;
        if (stopped_by_sync()) continue;
        next = one_turn(last);
        if (!last && draw(&life.random, 15) == 0) {
            bool torn_before = torn_stop;
            torn_stop = true;
            if (inngest_close(&jobs) == INNGEST_OK) {
                torn_stop = torn_before;
                if (!jobs.stopped) stopped_at = jobs.now;      /* not where a restart came back */
            }
            life.up = dev.forbidden = false;
        } else if (!last && draw(&life.random, 30) == 0) {
            lose_power();
            life.up = false;
        }
        if (dev.chip.violations && !dev.disk) wrong("a unit is programmed twice", 0);
        if (last && life.up && life.turn % 50 == 49) free_senders();
        if (life.up && look() == 0 && last && life.turn > turns + 1) break;
        if (last && next == UINT32_MAX && life.up && draw(&life.random, 50) == 0) {    /* behind a restart that came back */
            lose_power();
            life.up = false;
        }
    }
    if (!told && life.turn >= turns + 12000) {
        wrong("it never comes to its end", 0);
        if (life.up) show();
    }
    lives++;
}

/* ---- runs that sleep while the log goes round and round, and the end of all numbers ------------------------------------------------ */

static unsigned woken, quick_ones;
static inngest_status sleeper(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "before") { }
    INNGEST_TRY(inngest_step_sleep(ctx, "year", INNGEST_DAYS(366)));
    INNGEST_DO(ctx, "behind") woken++;
    return INNGEST_OK;
}
static inngest_status quick(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "quick") quick_ones++;
    return INNGEST_OK;
}
static const inngest_function plain_table[] = { { .id = "sleeper", .event = "sleep", .handler = sleeper, .journal_bytes = 200 },
                                                { .id = "quick", .event = "quick", .handler = quick, .journal_bytes = 64 } };

static void open_plain(uint32_t block, uint32_t blocks)
{
    begin_life(1);
    flash_close(&dev.chip);
    forget_writes();
    free(dev.durable);
    free(dev.writes);
    memset(&dev, 0, sizeof dev);
    CHECK(flash_open(&dev.chip, block, blocks, 4, 1));
    dev.port = dev.chip.port;
    dev.durable = malloc(size_of());
    woken = quick_ones = 0;
}

static inngest_status boot_plain(void)
{
    inngest_config c;
    memset(&c, 0, sizeof c);
    c.functions = plain_table;
    c.function_count = 2;
    c.port = &dev.port;
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = MOST_RUNS_;
    c.events = 8;
    c.reset = INNGEST_RESET_POWER_ON;
    memset(&jobs, 0xA5, sizeof jobs);
    return inngest_init(&jobs, &c, NULL);
}

/* So many blocks are written, with some boots between, while a run sleeps. */
static void sleep_over(uint32_t block, uint32_t blocks, uint32_t first, uint32_t written)
{
    static const uint8_t data[INNGEST_EVENT_BYTES - 5] = { 1 };
    uint32_t boot_at = first, day;
    open_plain(block, blocks);
    memset(&old, 0, sizeof old);
    old.block = first;
    old.next_run = 1;
    old.time = INT64_C(0xFFFFFFFF0);
    (void)make_old();
    CHECK(boot_plain() == INNGEST_OK && inngest_send(&jobs, "sleep", NULL, 0) == INNGEST_OK);
    while (jobs.head_block - first < written) {
        CHECK(inngest_send(&jobs, "quick", data, sizeof data) == INNGEST_OK);
        (void)inngest_tick(&jobs, now32());
        pass_time(1);
        if (jobs.live_runs != 1 || test_failed > 10) break;
        if (jobs.head_block - boot_at < written / 3) continue;
        boot_at = jobs.head_block;
        CHECK(inngest_close(&jobs) == INNGEST_OK && boot_plain() == INNGEST_OK && jobs.live_runs == 1);
    }
    CHECK(jobs.live_runs == 1 && jobs.head_block - first >= written && quick_ones > written && woken == 0);
    for (day = 0; day < 365; day += 5) {
        pass_time(5 * DAY_MS);
        (void)inngest_tick(&jobs, now32());
    }
    CHECK(jobs.live_runs == 1 && woken == 0);
    pass_time(DAY_MS);
    (void)inngest_tick(&jobs, now32());
    CHECK(jobs.live_runs == 0 && woken == 1 && dev.chip.violations == 0);
}

/* Nearly 2^32 blocks have been written: no more events come, what there is ends, and nothing is lost. */
static void last_laps(uint32_t blocks)
{
    unsigned i;
    open_plain(2048, blocks);
    memset(&old, 0, sizeof old);
    old.block = 0u - 20 * blocks;
    old.next_run = 7;
    old.time = 0;
    (void)make_old();
    CHECK(boot_plain() == INNGEST_OK && inngest_send(&jobs, "sleep", NULL, 0) == INNGEST_OK && inngest_flush(&jobs) == INNGEST_OK);
    for (i = 0; i < 10000 && inngest_send(&jobs, "quick", NULL, 0) == INNGEST_OK && inngest_flush(&jobs) == INNGEST_OK; i++)
        (void)inngest_tick(&jobs, now32());
    CHECK(i > 10 && i < 10000 && quick_ones == i && inngest_flush(&jobs) == INNGEST_ERR_JOURNAL_FULL && jobs.live_runs == 1);
    for (i = 0; i < 8 * 366; i++) {
        if (i % 1000 == 500) CHECK(boot_plain() == INNGEST_OK && jobs.live_runs == 1);
        pass_time(DAY_MS / 8);
        (void)inngest_tick(&jobs, now32());
    }
    for (i = 0; i < 8 && jobs.live_runs; i++) {
        pass_time(DAY_MS / 4);
        (void)inngest_tick(&jobs, now32());
    }
    CHECK(jobs.live_runs == 0 && woken == 1 && dev.chip.violations == 0);
}

static uint32_t place_start(uint32_t block, uint32_t at, unsigned kind, uint32_t run, uint8_t link, uint8_t size)
{
    static const char name[] = "sleeper";
    uint32_t hash = 2166136261u;
    uint8_t b[256] = { 0 };
    unsigned i;
    for (i = 0; name[i]; i++) hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    put(b + 2, hash, 4);
    b[6] = 5;
    memcpy(b + 7, "sleep", 5);
    return place_record(block, at, kind, run, 0, link, b, size);
}

/* A journal in which run 7 has been going on since the beginning. */
static void make_far(uint32_t blocks, uint32_t first, uint32_t next_run, unsigned copies)
{
    uint32_t at, last = 0, next;
    open_plain(2048, blocks);
    memset(&old, 0, sizeof old);
    old.block = first;
    old.next_run = next_run;
    at = make_old();
    for (; copies > 0; copies--, last = at, at = next)     /* of more than one: a reclaim was cut short */
        next = place_start(old.block, at, 0x11, 7, (uint8_t)(last ? (at - last) / 4 : 0), 12);
    memcpy(dev.durable, dev.chip.cells, size_of());
}

/* Two runs fill a block to its end, and the next one begins at this position. Gives where it lies. */
static uint32_t fill_up_to(uint32_t position)
{
    uint32_t at;
    open_plain(512, 8);
    memset(&old, 0, sizeof old);
    old.block = position / 128 - 1 + (position ? 0 : 1u << 25);
    old.next_run = 10;
    at = make_old();
    CHECK(at % 512 == 64);
    at = place_start(old.block, at, 1, 7, 0, 255);
    at = place_start(old.block, at, 1, 9, 0, 168);
    CHECK(at % 512 == 0);
    return (old.block + 1) % 8 * 512;
}

/* A mount has said that what a cut has left there is void, and was cut short itself: the next one says so again. */
static void void_from(uint32_t position)
{
    static const uint8_t junk[12] = { 0 }, filler[4] = { 0xA5, 0xA5, 0xA5, 0xA5 };
    uint32_t at = fill_up_to(position), start = at, end, found = 77;
    uint8_t b[8];
    at = place(at + 24, junk, 12) + 4;
    at = place(at, filler, 4);
    put(b, position, 4);
    put(b + 4, position + (at - start) / 4, 4);
    at = place_record(old.block + 1, at, 0xAF, 0, 0, 0, b, 8);
    at = place_start(old.block + 1, at, 1, 9, 0, 168);
    CHECK(boot_plain() == INNGEST_OK && jobs.live_runs == 2 && jobs.counters.damaged == 0);
    for (end = start + 512; at + 16 < end; at += 4) if (dev.chip.cells[at + 4] == 0xAF) found = dev.chip.cells[at + 12];     /* of the new one */
    CHECK(found == (position == 0) && dev.chip.violations == 0);
}

/* A disk has lost all of the block there, but not what stands behind it. */
static int sync_plain(void *context) { (void)context; return 0; }
static void lost_from(uint32_t position)
{
    uint8_t b[4];
    uint32_t at = (fill_up_to(position) + 512) % 4096;
    put(b, position + 40, 4);
    later = true;
    at = place_record(old.block + 2, at + 24, 0x8F, 0, 1, 0, b, 4);
    (void)place_record(old.block + 2, at, 2, 7, 0, 0, b, 0);
    later = false;
    dev.port.sync = sync_plain;
    CHECK(boot_plain() == INNGEST_OK && jobs.live_runs == 2 && jobs.counters.damaged == 0);
}

/* So many runs have begun since that one that its number is ahead of them, by its sign: the next one is what it was; a program that fails
 * ends none but what it was to begin. */
static void far_runs(uint32_t next_run, unsigned copies)
{
    uint32_t block, i, numbers[4], expected = next_run;
    make_far(5, 1000, next_run, copies);
    CHECK(boot_plain() == INNGEST_OK && jobs.live_runs == 1 && jobs.next_run == next_run);
    for (i = 0; i < 4; i++) {
        while ((expected & 0xFFFFFF) == 0 || (expected & 0xFFFFFF) == 7) expected++;
        numbers[i] = expected++;
    }
    for (i = 0; i < 4; i++) {
        for (block = 0; block < 5; block++) flash_set_bad(&dev.chip, block, FLASH_BAD_PROGRAM);
        CHECK(inngest_send(&jobs, "sleep", NULL, 0) == INNGEST_OK && inngest_flush(&jobs) == INNGEST_ERR_PROGRAM && jobs.live_runs == 1 + i);
        for (block = 0; block < 5; block++) flash_set_bad(&dev.chip, block, FLASH_GOOD);
        CHECK(inngest_flush(&jobs) == INNGEST_OK && jobs.live_runs == 2 + i && jobs.next_run == numbers[i] + 1);
        if (i % 2) CHECK(boot_plain() == INNGEST_OK && jobs.live_runs == 2 + i && jobs.next_run == numbers[i] + 1);
        pass_time(DAY_MS);
        (void)inngest_tick(&jobs, now32());
    }
    for (i = 0; i < 370 * 2; i++) {
        pass_time(DAY_MS / 2);
        (void)inngest_tick(&jobs, now32());
    }
    CHECK(jobs.live_runs == 0 && woken == 5 && dev.chip.violations == 0);
}

/* A list says the low half of journal time; the TIME that it names is gone, and its copy stands behind it. A build that reads all blocks
 * hears it, too, or what it lets sleep would end early in one that begins with the list. */
static void listed_time(uint32_t time)
{
    uint8_t b[12];
    uint32_t at = 24;
    open_plain(2048, 8);
    memset(&old, 0, sizeof old);
    old.block = 1000;
    old.bare = true;
    (void)make_old();
    put(b, 5, 4);
    put(b + 4, time + 50000, 4);
    put(b + 8, 1000 * 512 - 9, 4);
    at = place_record(1000, at, 15, 0, 999, 0, b, 12);
    put(b, UINT64_C(0x300000000) + time, 6);
    put(b + 6, 0, 6);
    (void)place_record(1000, at, 0x1D, 0, 0, 0, b, 12);
    CHECK(boot_plain() == INNGEST_OK && jobs.now == INT64_C(0x300000000) + time + 50000);
}

/* At the end of all numbers nothing is written any more over what there is. */
static void last_block(uint32_t blocks)
{
    uint32_t operations;
    unsigned i;
    inngest_status status;
    make_far(blocks, 0u - 2 * blocks, 8, 1);
    CHECK(boot_plain() == INNGEST_OK && jobs.live_runs == 1);
    for (i = 0; i < 3000; i++) {
        pass_time(3700000);
        (void)inngest_tick(&jobs, now32());
    }
    operations = dev.chip.operations;
    for (i = 0; i < 10; i++) {
        pass_time(3700000);
        (void)inngest_tick(&jobs, now32());
    }
    CHECK(jobs.live_runs == 1 && woken == 0 && dev.chip.violations == 0 && dev.chip.operations == operations && jobs.last_block == UINT32_MAX);
    status = boot_plain();
    CHECK((status == INNGEST_OK || status == INNGEST_ERR_JOURNAL_FULL) && jobs.live_runs == 1 && jobs.runs[0].number == 7);
}

int main(int argc, char **argv)
{
    static const uint32_t once[] = { 449, 505288, 23399065, 34367147 };      /* in which a run was gone; a stop's TIME came and went, once
                                                                             * with a filler behind it that failed */
    uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 300, seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1, i;
    for (i = 0; argc < 2 && i < sizeof once / sizeof *once; i++) {
        told = 0;
        live(once[i]);
        CHECK(told == 0);
    }
    for (; n > 0; n--, seed++) {
        told = 0;
        live(seed);
        CHECK(told == 0);
    }
    if (argc < 2) {
        if (INNGEST_INDEXES) sleep_over(512, 65535, 0x1FFFFF0, 80000);
        sleep_over(1024, 4, 0xFFFE, 70000);
        sleep_over(512, 9, 0x7FFFFF0, 70000);
        listed_time(1000);
        for (i = 0; i < 12; i++) far_runs(i % 2 ? 0u - i / 2 : 0x80000006u + i / 2, 1 + i % 3);
        for (i = 0; i < 2; i++) {                      /* in front of the first one a block's number is larger */
            void_from((uint32_t)i << 31);
            if (INNGEST_WRITE_CACHE) lost_from((uint32_t)i << 31);
        }
        for (i = 3; i < 12; i += 2) {
            if (i > 3) last_laps(i);
            last_block(i);
        }
    }
    flash_close(&dev.chip);
    printf("%lu lives, %lu boots, %lu too small, %lu used up\n", lives, boots, skipped, used_up);
    return TEST_END();
}
