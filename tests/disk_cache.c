/* SPDX-License-Identifier: MIT
 * A disk with a cache: what was not synced may be lost in a power cut, all of it or the end of it, and for runs without
 * branches any groups of records. A step that has returned never runs again all the same, a run whose body has begun is
 * never lost, an event that a flush has acknowledged neither; for a run on its own, for several at once, for branches. */
#include "inngest.h"
#include "test.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 1024u
#define BLOCKS 8u
#define MOST_JOBS 4u
#define STEPS 5u

enum { KEEP_NONE, KEEP_PREFIX, KEEP_ANY, KEEPS };
static const char *const keep_names[KEEPS] = { "nothing", "the first", "any" };

static struct {
    uint8_t cells[BLOCK * BLOCKS], durable[BLOCK * BLOCKS];
    struct { uint32_t at, size; } write[4096];
    unsigned writes, calls, cut_at, cuts, syncs;
    int keep;
} disk;

static inngest_port port;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(6, 8) / 8 + 1];
static jmp_buf cut;
static uint32_t random_state, now;
static unsigned job_count;
static struct { bool begun, accepted, ended, done[2 * STEPS]; unsigned bodies; } life[MOST_JOBS];

static uint32_t random_number(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

/* Bring to the platter what of the cache gets there. */
static void lose_power(void)
{
    bool lost = false, more = false;   /* the group that a record is of */
    unsigned i, kept = disk.keep == KEEP_PREFIX ? random_number(disk.writes + 1) : disk.writes;
    for (i = 0; i < kept && disk.keep != KEEP_NONE; i++) {
        uint32_t size = disk.write[i].size;
        if (!more) lost = disk.keep == KEEP_ANY && random_number(2);
        more = size >= 12 && size < BLOCK && (disk.cells[disk.write[i].at + 4] & 0x20);
        if (lost) continue;
        if (i + 1 == disk.writes && random_number(2)) size = random_number(size);      /* torn */
        memcpy(disk.durable + disk.write[i].at, disk.cells + disk.write[i].at, size);
    }
    memcpy(disk.cells, disk.durable, sizeof disk.cells);
    disk.writes = 0;
    disk.cuts++;
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
    (void)context;
    memcpy(disk.cells + address, data, size);
    if (disk.writes == sizeof disk.write / sizeof disk.write[0]) { CHECK(!"never synced"); exit(1); }
    disk.write[disk.writes].at = address;
    disk.write[disk.writes++].size = size;
    call();
    return 0;
}

static int disk_erase(void *context, uint32_t address)
{
    static uint8_t blank[BLOCK];
    memset(blank, 0xFF, sizeof blank);
    return disk_program(context, address, blank, BLOCK);
}

static int disk_sync(void *context)
{
    (void)context;
    call();
    memcpy(disk.durable, disk.cells, sizeof disk.durable);
    disk.writes = 0;
    disk.syncs++;
    call();
    return 0;
}

static unsigned number_of(inngest_ctx *ctx)
{
    uint8_t number = 0;
    if (inngest_event_data(ctx, &number, 1) != INNGEST_OK || number >= MOST_JOBS) { CHECK(!"the event's data"); return 0; }
    return number;
}

static inngest_status body(inngest_ctx *ctx, const void *arg, void *result)
{
    unsigned step = *(const unsigned *)arg, job = number_of(ctx);
    CHECK(!life[job].done[step]);      /* it has returned once */
    life[job].begun = true;
    life[job].bodies++;
    memset(result, (int)step, 20);
    return INNGEST_OK;
}

static inngest_status job(inngest_ctx *ctx)
{
    static const char *const ids[] = { "a", "b", "c", "d", "e" };
    uint8_t result[20];
    unsigned i, number = number_of(ctx);
    for (i = 0; i < STEPS; i++) {
        INNGEST_TRY(inngest_step_run(ctx, ids[i], body, &i, result, sizeof result));
        CHECK(result[0] == i && result[19] == i);
        life[number].done[i] = true;
        if (i == 1) INNGEST_TRY(inngest_step_sleep(ctx, "nap", 100));
    }
    return INNGEST_OK;
}

static inngest_status branches(inngest_ctx *ctx)
{
    static const char *const ids[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
    uint8_t result[20];
    unsigned i, k, number = number_of(ctx);
    for (i = 0; i < 2; i++) {
        inngest_status status[3];
        inngest_parallel(ctx, i ? "second" : "first");
        for (k = 0; k < 3; k++) {
            unsigned step = 3 * i + k;
            status[k] = inngest_step_run(ctx, ids[step], body, &step, result, sizeof result);
            if (status[k] == INNGEST_OK) life[number].done[step] = true;
        }
        INNGEST_TRY(inngest_all(ctx, &status[0], &status[1], &status[2]));
    }
    return INNGEST_OK;
}

static void run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    CHECK(info->status == INNGEST_OK);
}

static const inngest_function functions[] = {
    { .id = "job", .event = "test/job", .handler = job },
    { .id = "branches", .event = "test/branches", .handler = branches },
};
static const inngest_hooks hooks = { .run_end = run_end };

static void send_all(const char *name)
{
    static const char *const ids[MOST_JOBS] = { "id-0", "id-1", "id-2", "id-3" };
    unsigned i;
    for (i = 0; i < job_count; i++) {
        uint8_t number = (uint8_t)i;
        inngest_event e;
        memset(&e, 0, sizeof e);
        e.name = name;
        e.id = ids[i];
        e.data = &number;
        e.size = 1;
        CHECK(inngest_send_event(&jobs, &e) == INNGEST_OK);
    }
}

/* One life, with a cut at call `first` and another one `second` calls later. Gives whether there was one. */
static bool live(const char *name, int keep, unsigned first, unsigned second)
{
    volatile unsigned ticks = 0;
    inngest_config config;
    unsigned i;
    memset(&config, 0, sizeof config);
    config.functions = functions;
    config.function_count = 2;
    config.port = &port;
    config.hooks = &hooks;
    config.memory = memory;
    config.memory_size = sizeof memory;
    config.runs = 6;
    config.events = 8;
    config.reset = INNGEST_RESET_POWER_ON;
    memset(life, 0, sizeof life);
    memset(disk.cells, 0xFF, sizeof disk.cells);
    memset(disk.durable, 0xFF, sizeof disk.durable);
    disk.writes = disk.calls = disk.cuts = 0;
    disk.keep = keep;
    disk.cut_at = first;
    now = 0;
    if (setjmp(cut)) disk.cut_at = disk.cuts == 1 && second ? disk.calls + second : 0;
    CHECK(inngest_init(&jobs, &config, NULL) == INNGEST_OK);
    for (i = 0; i < job_count && life[i].accepted; i++) continue;
    if (i < job_count) {
        send_all(name);
        if (inngest_flush(&jobs) == INNGEST_OK) for (i = 0; i < job_count; i++) life[i].accepted = true;
    }
    for (;;) {
        uint32_t next = inngest_tick(&jobs, now);
        if (next == UINT32_MAX) break;
        now += next;
        if (++ticks > 2000) { CHECK(!"it does not end"); break; }
    }
    for (i = 0; i < job_count; i++) {
        unsigned k, steps = strcmp(name, "test/job") == 0 ? STEPS : 6;
        CHECK(life[i].begun);
        for (k = 0; k < steps; k++) CHECK(life[i].done[k]);
        CHECK(life[i].bodies >= steps && life[i].bodies <= steps * (1 + disk.cuts));
    }
    {
        inngest_counters n;
        inngest_get_counters(&jobs, &n);
        CHECK(n.lost_runs == 0 && n.runs_failed == 0);
        if (test_failed) printf("%s, %u at once, kept: %s, cuts at %u, %u\n", name, job_count, keep_names[keep], first, second);
    }
    return disk.cuts > 0;
}

static unsigned second_cuts = 12;
static void cuts(const char *name, unsigned count, int most)
{
    unsigned first, turns;
    int keep;
    job_count = count;
    for (keep = 0; keep <= most; keep++)
        for (first = 1; live(name, keep, first, 0) && !test_failed; first++)
            for (turns = 0; turns < second_cuts && !test_failed; turns++) (void)live(name, keep, first, 1 + random_number(60));
}

/* How many syncs a life takes: one run on its own one a step; several at once share them. */
static void syncs(void)
{
    inngest_counters n;
    unsigned alone;
    job_count = 1;
    disk.syncs = 0;
    CHECK(!live("test/job", KEEP_NONE, 0, 0));
    alone = disk.syncs;
    inngest_get_counters(&jobs, &n);
    CHECK(INNGEST_SYNC_ALONE ? n.memos == 2 : n.memos > 10);      /* those before its nap */
    job_count = 4;
    disk.syncs = 0;
    CHECK(!live("test/job", KEEP_NONE, 0, 0));
    CHECK(disk.syncs <= alone + 2);
    job_count = 1;
    disk.syncs = 0;
    CHECK(!live("test/branches", KEEP_NONE, 0, 0));
    CHECK(disk.syncs < alone);
}

int main(int argc, char **argv)                 /* argv: how many second cuts for each first one */
{
    if (argc > 1) second_cuts = (unsigned)atoi(argv[1]);
    port.read = disk_read;
    port.program = disk_program;
    port.erase = disk_erase;
    port.sync = disk_sync;
    port.block_size = BLOCK;
    port.block_count = BLOCKS;
    port.program_size = 1;
    random_state = 1;
    syncs();
    cuts("test/job", 1, KEEP_ANY);
    cuts("test/job", 4, KEEP_ANY);
    cuts("test/branches", 1, KEEP_PREFIX);
    cuts("test/branches", 2, KEEP_PREFIX);
    return TEST_END();
}
