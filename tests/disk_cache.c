/* SPDX-License-Identifier: MIT
 * A disk with a cache: of what was not synced any part may be lost in a power cut: all of it, the end of it, any writes,
 * the newer state of any sector. A step that has returned never runs again all the same, a run whose body has begun is
 * never lost, an event that a flush has acknowledged neither, and none runs twice; for a run on its own, for several at
 * once, for branches, and while what a run that sleeps has left is carried forward. */
#include "inngest.h"
#include "test.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#define DISK 16384u
#define SECTOR 128u
#define MOST_JOBS 4u
#define SLEEPER MOST_JOBS
#define STEPS 5u

enum { KEEP_NONE, KEEP_PREFIX, KEEP_ANY, KEEP_SECTORS, KEEP_ENDS, KEEPS, KEEP_ALL_BUT = KEEPS };
static const char *const keep_names[KEEPS + 1] = { "nothing", "the first", "any", "some sectors", "no beginning of a block", "all but one" };

static struct {
    uint8_t cells[DISK], durable[DISK], bytes[1 << 18];
    struct { uint32_t at, size, bytes; } write[4096];
    uint32_t used;
    unsigned writes, calls, cut_at, cuts, syncs;
    unsigned nth_joint, joint, behind, but;            /* which one is cut, so many calls behind it; the write in front of it */
    int keep;
    bool kill, fresh[DISK / 512];      /* blocks: erased since the last sync */
    unsigned most_fresh, entered, most_entered;    /* blocks: since the last sync */
} disk;

static inngest_port port;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(6, 8) / 8 + 1];
static jmp_buf cut;
static uint32_t random_state, now;
static unsigned job_count, ended, result_bytes = 20;
static struct { bool begun, accepted, done[2 * STEPS]; unsigned bodies; } life[MOST_JOBS + 1];

static uint32_t random_number(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

/* Each sector as some of its writes, from the first on, have left it. */
static void keep_sectors(void)
{
    uint32_t kept[DISK / SECTOR];
    unsigned i, k;
    for (i = 0; i < DISK / SECTOR; i++) kept[i] = random_number(2) ? random_number(disk.writes + 1) : random_number(2) * disk.writes;
    for (i = 0; i < disk.writes; i++)
        for (k = 0; k < disk.write[i].size; k++) {
            uint32_t at = disk.write[i].at + k;
            if (i < kept[at / SECTOR]) disk.durable[at] = disk.bytes[disk.write[i].bytes + k];
        }
}

/* Bring to the platter what of the cache gets there; or only the process is killed, and the cache lives on. */
static void lose_power(void)
{
    unsigned i, kept = disk.keep == KEEP_PREFIX ? random_number(disk.writes + 1) : disk.writes;
    if (disk.kill && disk.cuts++ == 0) longjmp(cut, 1);
    if (disk.keep == KEEP_SECTORS) keep_sectors();
    else for (i = 0; i < kept && disk.keep != KEEP_NONE; i++) {
        uint32_t size = disk.write[i].size;
        if (disk.keep == KEEP_ANY && random_number(2)) continue;
        if (disk.keep == KEEP_ENDS && disk.write[i].at % port.block_size < SECTOR && disk.write[i].size < port.block_size) continue;
        if (disk.keep == KEEP_ALL_BUT && i == disk.but) continue;
        if (disk.keep != KEEP_ALL_BUT && i + 1 == disk.writes && random_number(2)) size = random_number(size);      /* torn */
        memcpy(disk.durable + disk.write[i].at, disk.bytes + disk.write[i].bytes, size);
    }
    memcpy(disk.cells, disk.durable, sizeof disk.cells);
    disk.writes = disk.used = 0;
    memset(disk.fresh, 0, sizeof disk.fresh);
    if (!disk.kill) disk.cuts++;
    longjmp(cut, 1);
}

static void call(void)
{
    if (++disk.calls == disk.cut_at) lose_power();
}

static int disk_read(void *context, uint32_t address, void *data, uint32_t size)
{
    (void)context;
    memcpy(data, disk.cells + address, size);
    return 0;
}

static int disk_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *record = data;
    (void)context;
    CHECK(address / port.block_size == (address + size - 1) / port.block_size);
    if (address % port.block_size == 24) CHECK(!disk.fresh[address / port.block_size]);               /* its erase is sure */
    if (address % port.block_size == 24 && ++disk.entered > disk.most_entered) disk.most_entered = disk.entered;
    if (address % port.block_size == 24 && disk.writes) CHECK(record[4] == 0x8F && record[8] == 1);   /* a joint, or a sync before */
    if (address % port.block_size == 24 && disk.writes && disk.joint && --disk.joint == 0) {
        disk.but = disk.writes - 1;
        disk.cut_at = disk.calls + disk.behind;
    }
    memcpy(disk.cells + address, data, size);
    if (disk.writes == sizeof disk.write / sizeof disk.write[0] || disk.used + size > sizeof disk.bytes) { CHECK(!"never synced"); exit(1); }
    memcpy(disk.bytes + disk.used, data, size);
    disk.write[disk.writes].bytes = disk.used;
    disk.used += size;
    disk.write[disk.writes].at = address;
    disk.write[disk.writes++].size = size;
    call();
    return 0;
}

static int disk_erase(void *context, uint32_t address)
{
    static uint8_t blank[DISK];
    unsigned i, fresh;
    memset(blank, 0xFF, sizeof blank);
    disk.fresh[address / port.block_size] = true;
    for (i = fresh = 0; i < DISK / 512; i++) fresh += disk.fresh[i];
    if (fresh > disk.most_fresh) disk.most_fresh = fresh;
    return disk_program(context, address, blank, port.block_size);
}

static int disk_sync(void *context)
{
    (void)context;
    call();
    memcpy(disk.durable, disk.cells, sizeof disk.durable);
    memset(disk.fresh, 0, sizeof disk.fresh);
    disk.writes = disk.used = 0;
    disk.syncs++;
    disk.entered = 0;
    call();
    return 0;
}

static unsigned number_of(inngest_ctx *ctx)
{
    uint8_t number = 0;
    if (inngest_event_data(ctx, &number, 1) != INNGEST_OK || number > SLEEPER) { CHECK(!"the event's data"); return 0; }
    return number;
}

static inngest_status body(inngest_ctx *ctx, const void *arg, void *result)
{
    unsigned step = *(const unsigned *)arg, job = number_of(ctx);
    CHECK(!life[job].done[step]);      /* it has returned once */
    life[job].begun = true;
    life[job].bodies++;
    memset(result, (int)step, result_bytes);
    return INNGEST_OK;
}

static inngest_status job(inngest_ctx *ctx)
{
    static const char *const ids[] = { "a", "b", "c", "d", "e" };
    uint8_t result[240];
    unsigned i, number = number_of(ctx);
    for (i = 0; i < STEPS; i++) {
        INNGEST_TRY(inngest_step_run(ctx, ids[i], body, &i, result, result_bytes));
        CHECK(result[0] == i && result[result_bytes - 1] == i);
        life[number].done[i] = true;
        if (i == 1) INNGEST_TRY(inngest_step_sleep(ctx, "nap", number == SLEEPER ? 100000 : 100));
    }
    return INNGEST_OK;
}

static inngest_status branches(inngest_ctx *ctx)
{
    static const char *const ids[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
    uint8_t result[240];
    unsigned i, k, number = number_of(ctx);
    for (i = 0; i < 2; i++) {
        inngest_status status[3];
        inngest_parallel(ctx, i ? "second" : "first");
        for (k = 0; k < 3; k++) {
            unsigned step = 3 * i + k;
            status[k] = inngest_step_run(ctx, ids[step], body, &step, result, result_bytes);
            if (status[k] == INNGEST_OK) life[number].done[step] = true;
        }
        INNGEST_TRY(inngest_all(ctx, &status[0], &status[1], &status[2]));
    }
    return INNGEST_OK;
}

static inngest_status light(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "a") { }
    INNGEST_DO(ctx, "b") { }
    return INNGEST_OK;
}

static unsigned plain_steps;
static inngest_status plain(inngest_ctx *ctx)
{
    unsigned i;
    for (i = 0; i < plain_steps; i++) INNGEST_DO(ctx, "step") { }
    return INNGEST_OK;
}

static void run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    CHECK(info->status == INNGEST_OK);
    ended++;
}

static inngest_function functions[] = {
    { .id = "job", .event = "test/job", .handler = job },
    { .id = "branches", .event = "test/branches", .handler = branches },
};
static const inngest_function large_functions[] = {
    { .id = "light", .event = "test/light", .handler = light, .journal_bytes = 100 },
    { .id = "large 1", .event = "test/large", .handler = light, .journal_bytes = 100 },
    { .id = "large 2", .event = "test/large", .handler = light, .journal_bytes = 100 },
};
static const inngest_function plain_function[] = { { .id = "plain", .event = "test/plain", .handler = plain, .journal_bytes = 400 } };
static const inngest_hooks hooks = { .run_end = run_end };

static void send_one(const char *name, unsigned number, const char *id)
{
    uint8_t data = (uint8_t)number;
    inngest_event e;
    memset(&e, 0, sizeof e);
    e.name = name;
    e.id = id;
    e.data = &data;
    e.size = 1;
    CHECK(inngest_send_event(&jobs, &e) == INNGEST_OK);
}

static void send_all(const char *name)
{
    static const char *const ids[MOST_JOBS] = { "id-0", "id-1", "id-2", "id-3" };
    unsigned i;
    for (i = 0; i < job_count; i++) send_one(name, i, ids[i]);
}

static void run_for(uint32_t most)
{
    unsigned ticks;
    for (ticks = 0; ticks < 2000; ticks++) {
        uint32_t next = inngest_tick(&jobs, now);
        if (next > most) return;
        now += next;
    }
    CHECK(!"it does not end");
}

/* Fill the journal with what is over, and one run that sleeps. */
static void warm_up(unsigned rounds)
{
    static const char *const ids[] = { "old-0", "old-1", "old-2", "old-3" };
    unsigned i, k;
    send_one("test/job", SLEEPER, "sleeper");
    run_for(1000);
    for (i = 0; i < rounds; i++) {
        for (k = 0; k < 4; k++) send_one("test/job", k, i + 1 < rounds ? NULL : ids[k]);
        memset(life, 0, sizeof life[0] * MOST_JOBS);
        run_for(1000);
    }
    memset(life, 0, sizeof life[0] * MOST_JOBS);
    life[SLEEPER].accepted = true;
    CHECK(inngest_flush(&jobs) == INNGEST_OK);
}

#define COUNT(table) ((uint16_t)(sizeof(table) / sizeof *(table)))

static void blank_disk(void)
{
    memset(disk.cells, 0xFF, sizeof disk.cells);
    memset(disk.durable, 0xFF, sizeof disk.durable);
    memset(disk.fresh, 0, sizeof disk.fresh);
    disk.writes = disk.used = disk.calls = disk.cuts = 0;
}

static inngest_status boot(const inngest_function *table, uint16_t count)
{
    inngest_config config;
    memset(&config, 0, sizeof config);
    config.functions = table;
    config.function_count = count;
    config.port = &port;
    config.hooks = &hooks;
    config.memory = memory;
    config.memory_size = sizeof memory;
    config.runs = 6;
    config.events = 8;
    config.reset = INNGEST_RESET_POWER_ON;
    return inngest_init(&jobs, &config, NULL);
}

/* One life, with a cut at call `first` and another one `second` calls later; where that is odd, the first one is a kill.
 * Gives whether there was one. */
static bool live(const char *name, int keep, unsigned warm, unsigned first, unsigned second)
{
    unsigned i, before = test_failed;
    disk.joint = 0;
    memset(life, 0, sizeof life);
    blank_disk();
    disk.keep = keep;
    disk.kill = second & 1;
    disk.cut_at = warm ? 0 : first;
    now = 0;
    if (setjmp(cut)) disk.cut_at = disk.cuts == 1 && second ? disk.calls + second : 0;
    CHECK(boot(functions, COUNT(functions)) == INNGEST_OK);
    if (warm && disk.cuts == 0) {
        warm_up(warm);
        disk.calls = 0;
        disk.cut_at = first;
        disk.joint = disk.nth_joint;
        ended = 0;
    }
    for (i = 0; i < job_count && life[i].accepted; i++) continue;
    if (i < job_count) {
        send_all(name);
        if (inngest_flush(&jobs) == INNGEST_OK) for (i = 0; i < job_count; i++) life[i].accepted = true;
    }
    run_for(UINT32_MAX - 1);
    for (i = 0; i <= SLEEPER; i++) {
        unsigned k, steps = i == SLEEPER || strcmp(name, "test/job") == 0 ? STEPS : 6;
        if (i >= job_count && !life[i].accepted) continue;
        CHECK(life[i].begun);
        for (k = 0; k < steps; k++) CHECK(life[i].done[k]);
        CHECK(life[i].bodies >= steps && life[i].bodies <= steps * (1 + disk.cuts));
    }
    {
        inngest_counters n;
        inngest_get_counters(&jobs, &n);
        CHECK(n.lost_runs == 0 && n.runs_failed == 0);
        if (test_failed != before)
            printf("%s, %u at once, kept: %s, %u rounds before, cuts at %u, %u\n", name, job_count, keep_names[keep], warm, first, second);
    }
    return disk.cuts > 0;
}

static void cuts(const char *name, unsigned count)
{
    unsigned first, turns;
    int keep;
    job_count = count;
    for (keep = 0; keep < KEEPS; keep++)
        for (first = 1; live(name, keep, 0, first, 0); first++)
            for (turns = 0; turns < 3; turns++) (void)live(name, keep, 0, first, 1 + random_number(60));
}

/* A format that is cut short, and again where it is begun anew, and again: what is left of it is never taken for foreign. */
static void formats(void)
{
    static unsigned first, second, turn;
    static bool over;
    disk.kill = false;
    for (over = false, first = 1; !over; first++)
        for (disk.keep = 0; disk.keep < KEEPS; disk.keep++)
            for (second = 1; second <= 3; second++)
                for (turn = 0; turn < 100; turn++) {
                    blank_disk();
                    disk.cut_at = first;
                    if (setjmp(cut)) disk.cut_at = disk.cuts < 3 ? disk.calls + (disk.cuts == 1 ? second : 1 + random_number(10)) : 0;
                    CHECK(boot(functions, COUNT(functions)) == INNGEST_OK);
                    over = disk.cuts == 0;
                }
}

/* The last record of a block is lost, and nothing else: what stands in the next one does not count, as its joint tells. */
static void one_is_lost(void)
{
    unsigned warm, behind, met = 0;
    for (job_count = 2; job_count <= 3; job_count++)
        for (warm = 1; warm < 16; warm++)
            for (behind = 1; behind < 6; behind++) {
                disk.nth_joint = 1;
                disk.behind = behind;
                met += live("test/job", KEEP_ALL_BUT, warm, 0, 0);
                if (job_count <= 2) met += live("test/branches", KEEP_ALL_BUT, warm, 0, 0);
            }
    CHECK(met > 10);
    disk.nth_joint = disk.joint = 0;
}

/* So in the block where a reclaim has been proven, of the two there are: one of a run's branches is lost, not those behind it. */
static void one_of_two_blocks(void)
{
    unsigned warm, first, met = 0;
    port.block_size = 2048;
    port.block_count = 2;
    functions[0].journal_bytes = functions[1].journal_bytes = 256;
    job_count = 1;
    for (warm = 2; warm <= 6; warm++)
        for (first = 1; first < 40; first++)
            for (disk.but = 0; disk.but < 3; disk.but++) met += live("test/branches", KEEP_ALL_BUT, warm, first, 0);
    CHECK(met > 100);
    functions[0].journal_bytes = functions[1].journal_bytes = 0;
    port.block_size = 1024;
    port.block_count = 8;
}

/* How many syncs a life takes: one run on its own one a step; several at once share them. */
static void syncs(void)
{
    inngest_counters n;
    unsigned alone;
    job_count = 1;
    disk.syncs = 0;
    CHECK(!live("test/job", KEEP_NONE, 0, 0, 0));
    alone = disk.syncs;
    inngest_get_counters(&jobs, &n);
    CHECK(INNGEST_SYNC_ALONE ? n.memos == 2 : n.memos > 10);      /* those before its nap */
    job_count = 4;
    disk.syncs = 0;
    CHECK(!live("test/job", KEEP_NONE, 0, 0, 0));
    CHECK(disk.syncs <= alone + 2);
    job_count = 1;
    disk.syncs = 0;
    CHECK(!live("test/branches", KEEP_NONE, 0, 0, 0));
    CHECK(disk.syncs < alone);
}

/* The proof of a reclaim with nothing to carry costs no sync of its own, for one run and for several at once; what is erased
 * when nothing else is to be done takes one. */
static void reclaim_syncs(unsigned count)
{
    inngest_counters n;
    unsigned i, k, one = 0;
    blank_disk();
    disk.cut_at = 0;
    CHECK(boot(large_functions, COUNT(large_functions)) == INNGEST_OK);
    disk.syncs = 0;
    for (i = 0; i < 100; i++) {
        for (k = 0; k < count; k++) send_one("test/light", k, NULL);
        run_for(UINT32_MAX - 1);
        if (i == 0) one = disk.syncs;
    }
    inngest_get_counters(&jobs, &n);
    CHECK(n.erases > port.block_count && disk.syncs <= 100 * one + n.erases - port.block_count);
}

/* Blocks are entered without a sync of their own, whatever comes first in them. */
static void large_groups(void)
{
    uint8_t data[INNGEST_EVENT_BYTES] = { 0 };
    inngest_event e = { "test/large", data, 0, NULL, 0 };
    unsigned i;
    port.block_size = 512;
    port.block_count = 16;
    for (; e.size <= sizeof data - 10; e.size++) {
        blank_disk();
        disk.cut_at = ended = disk.syncs = 0;
        CHECK(boot(large_functions, COUNT(large_functions)) == INNGEST_OK);
        for (i = 0; i < 8; i++) {
            send_one("test/light", 0, NULL);
            send_one("test/light", 0, NULL);
            CHECK(inngest_send_event(&jobs, &e) == INNGEST_OK);
            while (inngest_tick(&jobs, now) == 0) { }
        }
        CHECK(ended == 4 * 8 && disk.syncs <= 4 * 8 + 2);
    }
    port.block_size = 1024;
    port.block_count = 8;
}

/* An event waits until a run has ended: its end and the start that waits share a sync, also at the end of a tick. */
static void waiting_events(void)
{
    unsigned k;
    for (plain_steps = 1; plain_steps < 14; plain_steps++) {
        blank_disk();
        disk.cut_at = 0;
        CHECK(boot(plain_function, 1) == INNGEST_OK);
        disk.syncs = ended = 0;
        for (k = 0; k < 7; k++) send_one("test/plain", k, NULL);
        run_for(UINT32_MAX - 1);
        CHECK(ended == 7 && disk.syncs == 1 + plain_steps + 1 + plain_steps + 1);
    }
}

static void boot_blocks(uint32_t size, uint32_t count)
{
    port.block_size = size;
    port.block_count = count;
    blank_disk();
    disk.cut_at = 0;
    CHECK(boot(large_functions, COUNT(large_functions)) == INNGEST_OK);
}

/* Several blocks in each tick: few are erased at once, and disk_program looks whether that was sure before they were entered. */
static void blocks_a_tick(void)
{
    static const uint8_t data[INNGEST_EVENT_BYTES];
    inngest_event e = { "test/large", data, sizeof data - 10, NULL, 0 };
    inngest_counters n;
    unsigned i;
    boot_blocks(512, 32);
    disk.most_fresh = 0;
    for (i = 0; i < 100; i++) {
        while (inngest_send_event(&jobs, &e) == INNGEST_OK) { }
        (void)inngest_tick(&jobs, now);
    }
    inngest_get_counters(&jobs, &n);
    printf("%u %u %u\n", (unsigned)n.erases, disk.most_fresh, disk.most_entered);
    CHECK(n.erases > 100 && disk.most_fresh == 2);
    port.block_size = 1024;
    port.block_count = 8;
}

/* However much is written without a sync of its own: eight blocks at most are entered from one sync to the next, which is how
 * far a mount looks for what a disk has kept behind what it lost. */
static void blocks_unsynced(void)
{
    unsigned i;
    boot_blocks(512, 32);
    CHECK(inngest_flush(&jobs) == INNGEST_OK);
    disk.most_entered = disk.syncs = 0;
    for (i = 0; i < 400; i++) inngest_set_wall_clock(&jobs, INT64_C(1700000000000) + (i % 2) * 100000, now);
    CHECK(disk.most_entered >= 7 && disk.most_entered <= 8 && disk.syncs > 1);
    port.block_size = 1024;
    port.block_count = 8;
}

/* Lives of any kind. */
static void random_lives(unsigned count)
{
    static const struct { uint32_t size, count, room, result; } disks[] = { { 1024, 8, 512, 20 }, { 2048, 3, 256, 20 }, { 2048, 4, 256, 20 },
        { 512, 12, 256, 20 }, { 512, 16, 256, 20 }, { 2048, 2, 256, 20 }, { 512, 32, 1700, 240 } };        /* the last: blocks a tick */
    while (count-- > 0) {
        unsigned k = random_number(7), first = 1 + random_number(80), second = random_number(4) ? 1 + random_number(60) : 0;
        port.block_size = disks[k].size;
        port.block_count = disks[k].count;
        result_bytes = disks[k].result;
        functions[0].journal_bytes = functions[1].journal_bytes = disks[k].room;
        job_count = 1 + random_number(disks[k].size == 2048 ? 1 : 3);
        (void)live(random_number(2) ? "test/job" : "test/branches", (int)random_number(KEEPS), random_number(7), first, second);
    }
}

int main(void)
{
    port.read = disk_read;
    port.program = disk_program;
    port.erase = disk_erase;
    port.sync = disk_sync;
    port.block_size = 1024;
    port.block_count = 8;
    port.program_size = 1;
    random_state = 1;
    formats();
    syncs();
    if (INNGEST_SYNC_ALONE) reclaim_syncs(1);
    reclaim_syncs(4);
    large_groups();
    waiting_events();
    blocks_a_tick();
    blocks_unsynced();
    one_is_lost();
    one_of_two_blocks();
    cuts("test/job", 1);
    cuts("test/job", 4);
    cuts("test/branches", 1);
    cuts("test/branches", 2);
    random_lives(getenv("LIVES") ? (unsigned)atoi(getenv("LIVES")) : 12000);
    return TEST_END();
}
