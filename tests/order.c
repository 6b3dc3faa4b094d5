/* SPDX-License-Identifier: MIT
 * Promise 3 by what is on the chip, and in which order it came there: what a boot begins its blocks with, what is erased
 * again before it is relied on, and what a format that fails says. */
#include "machine.h"

static unsigned ran;
static inngest_status worker(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "a") ran++;
    return INNGEST_OK;
}
static inngest_status restarter(inngest_ctx *ctx) { return inngest_step_restart(ctx, "restart"); }
static const inngest_function table[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64 },
                                          { .id = "restarter", .event = "r", .handler = restarter, .journal_bytes = 64 } };

static void work_beside(uint32_t size, unsigned live)
{
    static const uint8_t data[INNGEST_EVENT_BYTES];
    unsigned before = ran;
    CHECK(inngest_send(&m.jobs, "w", data, size) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
    CHECK(machine_run(1) && ran == before + 1 && machine_runs(NULL) == live);
}
static void work(uint32_t size) { work_beside(size, 0); }

static uint32_t get4(const uint8_t *b) { return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24; }

/* The last erased block: that of the highest number. */
static uint32_t last_block(void)
{
    uint32_t place, last = 0;
    for (place = 0; place < m.chip.port.block_count; place++) {
        uint32_t number = get4(m.chip.cells + place * m.chip.port.block_size + 8);
        if (number != UINT32_MAX && number > last) last = number;
    }
    return last;
}

static struct { uint32_t place; unsigned erases, programs, programs_before; } seen;
static void watch(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user; (void)size;
    if (address / m.chip.port.block_size != seen.place) return;
    if (operation == 'e') {
        if (seen.erases++ == 0) seen.programs_before = seen.programs;
    } else if (operation == 'p') seen.programs++;
}

/* A block's first unit is left alone, and the second a filler. */
static bool has_filler(const uint8_t *block, uint32_t unit)
{
    const uint8_t *first = block + (24 + unit - 1) / unit * unit;
    return get4(first) == UINT32_MAX && get4(first + unit) == 0xA5A5A5A5;
}
static bool is_begun(const uint8_t *block, uint32_t unit)
{
    const uint8_t *first = block + (24 + unit - 1) / unit * unit;
    return get4(first) != UINT32_MAX || get4(first + unit) != UINT32_MAX;
}

/* Where a boot enters the last erased block by the first reclaim, and the stop in front of it was not clean, that block is
 * erased again before anything is written to it; where it comes there later, which proves it, it is not. And a block that
 * a boot enters which has not erased it before begins with a unit left alone and a filler. */
static void entered(uint32_t blocks, bool clean, uint32_t first)
{
    const uint32_t size = 1024;
    const uint8_t *b;
    unsigned n;
    machine_open(table, 1, size, blocks, 4);
    machine_reboot();
    work(first);
    if (clean) CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    machine_reboot();
    memset(&seen, 0, sizeof seen);
    seen.place = last_block() % blocks;
    m.chip.trace = watch;
    b = m.chip.cells + seen.place * size;
    for (n = 0; n < 200 && !is_begun(b, 4); n++) work(20);
    CHECK(n < 200 && seen.erases == (blocks == 2 && !clean) && seen.programs_before == 0 && has_filler(b, 4));
    MACHINE_END();
}

/* So it is behind a restart in a boot which found that the stop in front of it was not clean, and never came to that block. */
static void no_restart(void *context) { (void)context; }
static void entered_behind_restart(bool clean, uint32_t first)
{
    unsigned n;
    machine_open(table, 2, 1024, 2, 4);
    m.chip.port.restart = no_restart;
    machine_reboot();
    work(first);
    if (clean) CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "r", "", 0) == INNGEST_OK && machine_run(1));
    machine_reboot();
    memset(&seen, 0, sizeof seen);
    seen.place = last_block() % 2;
    m.chip.trace = watch;
    for (n = 0; n < 200 && seen.programs == 0; n++) work(20);
    CHECK(n < 200 && seen.erases == !clean && seen.programs_before == 0);
    MACHINE_END();
}

/* The same where the group that enters the block is as large as can be. */
#define SAME(name) { .id = name, .event = "w", .handler = worker, .journal_bytes = 64 }
static void filled(void)
{
    static const inngest_function all[] = { SAME("1"), SAME("2"), SAME("3"), SAME("4"), SAME("5") };
    static const uint8_t data[INNGEST_EVENT_BYTES];
    machine_open(all, 5, 1024, 16, 4);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "w", data, 1) == INNGEST_OK && machine_run(1));
    machine_reboot();
    CHECK(!is_begun(m.chip.cells + 1024, 4) && inngest_send(&m.jobs, "w", data, INNGEST_EVENT_BYTES - 1) == INNGEST_OK && machine_run(1));
    CHECK(has_filler(m.chip.cells + 1024, 4) && (m.chip.cells[1024 + 32 + 4 * 148 + 4] & 0x2F) == 1);     /* the last START */
    MACHINE_END();
}

/* Power is lost as the first block, which was reclaimed, is to be erased. The mount writes the proof of that again before
 * it erases that block, also where the proof has to go to the last erased block, which it erases first. */
static struct { bool armed; unsigned erases, proofs; } again;
static unsigned count_proofs(void)                     /* headers of RECLAIMED that name block 3, the first one */
{
    uint32_t at, n = 0;
    for (at = 24; at + 16 <= 3 * 1024; at += 4)
        n += (m.chip.cells[at + 4] & 0xEF) == 0x0F && m.chip.cells[at + 5] >= 4 && m.chip.cells[at + 5] % 4 == 0 && get4(m.chip.cells + at + 8) == 3;
    return n;
}
static void cut_at_erase(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user; (void)size;
    if (operation != 'e') return;
    if (again.armed && address == 0) m.chip.cut_at = m.chip.operations + 1;
    again.erases++;
    if (address == 0) again.proofs = count_proofs();
}
static void erased_in_order(void)
{
    uint32_t size;
    unsigned i, both = 0;
    for (size = 0; size < 60; size += 4) {
        machine_open(table, 1, 1024, 3, 4);
        machine_reboot();
        work(size);
        again.armed = true;
        m.chip.trace = cut_at_erase;
        for (i = 0; i < 100 && !m.chip.dead; i++) {
            CHECK(inngest_send(&m.jobs, "w", NULL, 0) == INNGEST_OK);
            (void)machine_run(1);
        }
        CHECK(m.chip.dead && again.proofs == 1);
        flash_power_on(&m.chip);
        memset(&again, 0, sizeof again);
        machine_reboot();
        CHECK(again.erases == 1 || again.erases == 2);
        CHECK(again.proofs == 2);
        both += again.erases == 2;
        work(20);
        MACHINE_END();
    }
    CHECK(both > 0);
}

/* Programs fail until the block that reclaim copies into is used up, so that it is erased and begun anew: the ids of events
 * and the time, which are of no run, are taken up from the block that is reclaimed; what failed in front of it, and was
 * whole all the same, stays void though what said so is gone. */
#define NOON INT64_C(1767225600000)
static unsigned started, woken;
static inngest_status hour(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "a") started++;
    INNGEST_DO(ctx, "b") started++;
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_HOURS(1)));
    woken++;
    return INNGEST_OK;
}
static const inngest_function two[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64 },
                                        { .id = "hour", .event = "h", .handler = hour, .journal_bytes = 160 } };

static struct { unsigned programs, fail_at, spare, failed; uint32_t last, place, number, position; bool cut, over, moved; } outage;
static int (*program_below)(void *, uint32_t, const void *, uint32_t);
static int (*erase_below)(void *, uint32_t);
static int failing_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *bytes = data;
    if (size == 32 && bytes[0] == 0xA5 && bytes[3] == 0xA5) return program_below(context, address, data, size);    /* a filler */
    outage.programs++;
    if (outage.programs == outage.fail_at) {           /* this one does its work and says that it failed */
        CHECK(program_below(context, address, data, size) == 0);
        outage.last = last_block() % 3;
        outage.place = address / 1024;
        outage.number = get4(m.chip.cells + address / 1024 * 1024 + 8);
        outage.position = outage.number * 32 + address % 1024 / 32;
        return -7;
    }
    if (outage.programs < outage.fail_at || outage.over || outage.moved || address / 1024 != outage.last || address % 1024 < 32 || outage.spare-- > 0) return program_below(context, address, data, size);
    outage.spare = 0;
    outage.failed++;
    return -7;
}
static int noting_erase(void *context, uint32_t address)
{
    if (outage.place == address / 1024) outage.number = 0;
    if (outage.over && outage.cut) m.chip.cut_at = m.chip.operations + 3;      /* the header, and what comes next */
    if (outage.failed > 0 && address / 1024 != outage.last) outage.moved = true;
    if (outage.failed > 0 && !outage.moved) outage.over = true;
    return erase_below(context, address);
}

/* What failed is void, by a record on the chip, or erased. */
static bool is_void(void)
{
    uint32_t at;
    if (get4(m.chip.cells + outage.place * 1024 + 8) != outage.number) return true;
    for (at = 0; at < 3 * 1024; at += 32) {
        const uint8_t *b = m.chip.cells + at;
        if (b[4] == 0x8F && b[5] == 8 && get4(b + 12) <= outage.position && get4(b + 16) > outage.position) return true;
    }
    return false;
}

static bool used_up(unsigned fail_at, unsigned spare, bool cut)
{
    inngest_event event = { "w", NULL, 0, NULL, 0 };
    unsigned i, tick;
    char id[2] = "a";
    event.id = id;
    machine_open(two, 2, 1024, 3, 32);
    memset(&outage, 0, sizeof outage);
    outage.fail_at = fail_at;
    outage.spare = spare;
    outage.cut = cut;
    program_below = m.chip.port.program;
    m.chip.port.program = failing_program;
    erase_below = m.chip.port.erase;
    m.chip.port.erase = noting_erase;
    started = woken = 0;
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    for (i = 0; i < 3; i++) {
        id[0] = (char)('a' + i);
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
    }
    CHECK(inngest_send(&m.jobs, "h", NULL, 0) == INNGEST_OK && machine_run(1));
    for (i = 0; i < 25 && !m.chip.dead && (cut || !outage.over); i++) {
        unsigned before = ran;
        CHECK(inngest_send(&m.jobs, "w", NULL, 0) == INNGEST_OK);
        for (tick = 0; tick < 60 && !m.chip.dead && (ran == before || machine_runs(NULL) != 1); tick++) {
            (void)machine_tick();
            m.now += 1000;
        }
        CHECK(m.chip.dead || (ran > before && machine_runs(NULL) == 1));
    }
    CHECK(m.chip.dead == (cut && outage.over) && is_void());
    flash_power_on(&m.chip);
    tick = m.now;
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON + tick + INNGEST_MINUTES(30), m.now);
    CHECK(machine_run(1) && machine_runs(NULL) == 1 && machine_counters().lost_runs == 0);
    ran = 0;
    for (i = 0; i < 3; i++) {
        id[0] = (char)('a' + i);
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
    }
    CHECK(ran == 0 && machine_counters().duplicates == 3 && started == 2);
    CHECK(machine_run(INNGEST_HOURS(1) - INNGEST_MINUTES(29) - tick) && machine_runs(NULL) == 0 && woken == 1);
    MACHINE_END();
    return outage.over;
}

/* What is written again as the newest group is no clean stop, though it was one: also a boot that comes to nothing leaves
 * the suspects suspects. */
static inngest_status crashing(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "a") machine_crash();
    return INNGEST_OK;
}
static void clean_no_more(void)
{
    static const inngest_function table_of_one[] = { { .id = "crashing", .event = "c", .handler = crashing } };
    machine_open(table_of_one, 1, 2048, 4, 4);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "c", NULL, 0) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK && inngest_close(&m.jobs) == INNGEST_OK);
    CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK && !machine_run(1));       /* of a clean boot: nobody's yet */
    CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK && machine_counters().crashes == 0);
    CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK && machine_counters().crashes == 0 && !machine_run(1));
    CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK && machine_counters().crashes == 1);
    MACHINE_END();
}

static int fail_once(void *context, uint32_t address, const void *data, uint32_t size)
{
    return ++outage.programs == outage.fail_at ? -7 : program_below(context, address, data, size);
}

/* A format whose programs fail says so, each of them; the next one goes well. */
static void formats(void)
{
    unsigned fails;
    for (fails = 1; fails <= 5; fails++) {
        machine_open(table, 1, 1024, 4, 4);
        memset(&outage, 0, sizeof outage);
        outage.fail_at = fails;
        program_below = m.chip.port.program;
        m.chip.port.program = fail_once;
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_PROGRAM);
        machine_reboot();
        work(20);
        MACHINE_END();
    }
}

/* Steps of one id in branches: what is decided of one says nothing of the other, which is carried. */
static inngest_status branches(inngest_ctx *ctx)
{
    inngest_status one, other;
    inngest_parallel(ctx, "both");
    one = inngest_step_sleep(ctx, "s", INNGEST_HOURS(1));
    INNGEST_DO_AS(other, ctx, "s") started++;
    INNGEST_TRY(inngest_all(ctx, &one, &other));
    woken++;
    return INNGEST_OK;
}
static void neighbours(void)
{
    static const inngest_function both[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64 },
                                             { .id = "branches", .event = "b", .handler = branches, .journal_bytes = 160 } };
    machine_open(both, 2, 1024, 4, 4);
    machine_reboot();
    started = woken = 0;
    CHECK(inngest_send(&m.jobs, "b", NULL, 0) == INNGEST_OK && machine_run(1) && started == 1);
    m.now += INNGEST_MINUTES(50);
    while (machine_counters().erases < 12) work_beside(20, 1);
    machine_reboot();
    CHECK(machine_run(INNGEST_MINUTES(11)) && woken == 1 && started == 1 && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* Of records that mounts have written again one is carried, also where the block holds others that count. */
static inngest_status sleeper(inngest_ctx *ctx) { return inngest_step_sleep(ctx, "nap", INNGEST_HOURS(10)); }
static const inngest_function table_of_two[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64 },
                                                 { .id = "sleeper", .event = "s", .handler = sleeper, .journal_bytes = 64 } };
static void carried_once(unsigned boots, uint16_t g)
{
    unsigned i;
    machine_open(table_of_two, 2, 1024, 8, g);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1));
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK);
    for (i = 0; i < boots; i++) machine_reboot();
    CHECK(machine_run(1) && machine_runs(NULL) == 2);
    while (machine_counters().erases < 6) work_beside(20, 2);
    CHECK(machine_counters().carried == 8);            /* START and SLEEP of both, twice */
    MACHINE_END();
}

/* A reclaim that a failed program interrupted goes on where it was: it carries nothing twice. */
static unsigned copies[8];
static int counting_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *b = data;
    unsigned i;
    if (++outage.programs == outage.fail_at) return -7;
    if (size >= 12 && (b[4] & 0x1F) == 0x11 && b[6] < 8) copies[b[6]]++;       /* START, carried */
    for (i = 0; i < 8 && size >= 12 && b[4] == 15; i++) {
        CHECK(copies[i] <= 1);
        copies[i] = 0;
    }
    return program_below(context, address, data, size);
}
static void interrupted(unsigned fails)
{
    unsigned i;
    machine_open(table_of_two, 2, 1024, 6, 4);
    machine_reboot();
    memset(copies, 0, sizeof copies);
    memset(&outage, 0, sizeof outage);
    outage.fail_at = fails;
    program_below = m.chip.port.program;
    m.chip.port.program = counting_program;
    for (i = 0; i < 3; i++) CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1000));
    for (i = 0; i < 100; i++) {
        CHECK(inngest_send(&m.jobs, "w", NULL, 0) == INNGEST_OK && machine_run(3000));
        CHECK(machine_runs(NULL) == 3);
    }
    CHECK(outage.programs > outage.fail_at && machine_counters().carried >= 6);
    MACHINE_END();
}

/* Progress is garbage once its step is decided, also where much stands between the two. */
static inngest_status saver(inngest_ctx *ctx)
{
    static const uint8_t progress[9] = { 1 };
    INNGEST_DO(ctx, "update") {
        if (inngest_step_calls(ctx) == 0) {
            INNGEST_TRY(inngest_step_save(ctx, progress, sizeof progress));
            return inngest_again(ctx, 1000);
        }
    }
    return inngest_step_sleep(ctx, "nap", INNGEST_HOURS(10));
}
static void saved(void)
{
    static const inngest_function both[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64 },
                                             { .id = "saver", .event = "s", .handler = saver, .journal_bytes = 160 } };
    unsigned i;
    machine_open(both, 2, 1024, 6, 4);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1));
    for (i = 0; i < 5; i++) work_beside(20, 1);
    CHECK(machine_run(1000));
    while (machine_counters().erases < 6 + 4) work_beside(20, 1);
    CHECK(machine_counters().carried == 6);            /* START, RESULT and SLEEP, twice */
    MACHINE_END();
}

/* What a boot took for torn stays void, although it reads as whole now and then; also behind more of them than the library
 * remembers. */
static uint8_t version, given;
static inngest_status answer(inngest_ctx *ctx)
{
    uint8_t first, value;
    unsigned i;
    INNGEST_STEP(ctx, "a", first) first = 77;
    INNGEST_STEP(ctx, "b", value) {
        if (inngest_step_calls(ctx) == 0) return inngest_again(ctx, 500);
        value = given = ++version;
    }
    CHECK(first == 77 && value == given);
    for (i = 0; i < 8; i++) INNGEST_TRY(inngest_step_sleep(ctx, "nap", 100));
    woken++;
    return INNGEST_OK;
}
static bool torn_answer(unsigned before, uint32_t seed)
{
    static const inngest_function both[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64 },
                                             { .id = "answer", .event = "a", .handler = answer } };
    static const uint8_t data[80];
    unsigned torn, i;
    machine_open(both, 2, 1024, 16, 4);
    m.chip.random = seed;
    machine_reboot();
    for (i = 0; i < before; i++) {
        m.chip.cut_at = m.chip.operations + 1;
        m.chip.tear = FLASH_TEAR_MIDDLE;
        CHECK(inngest_send(&m.jobs, "w", data, sizeof data) == INNGEST_OK && inngest_flush(&m.jobs) != INNGEST_OK);
        flash_power_on(&m.chip);
        machine_reboot();
        CHECK(machine_counters().torn == i + 1);
        work(0);
    }
    woken = version = 0;
    CHECK(inngest_send(&m.jobs, "a", NULL, 0) == INNGEST_OK && machine_run(1));
    work_beside(0, 1);
    m.chip.cut_at = m.chip.operations + 1;
    m.chip.tear = FLASH_TEAR_WEAK;
    (void)machine_run(500);
    CHECK(m.chip.dead && version == 1);
    flash_power_on(&m.chip);
    machine_reboot();
    torn = machine_counters().torn;
    CHECK(machine_run(5000) && woken == 1 && machine_runs(NULL) == 0);
    MACHINE_END();
    return torn > before;
}

/* An event whose START a boot took for torn, so that its sender sends it again, is not there a second time in a later boot
 * to which it reads as whole. */
static bool torn_event(uint32_t seed)
{
    unsigned i;
    bool torn;
    machine_open(table_of_two, 2, 1024, 8, 4);
    m.chip.random = seed;
    machine_reboot();
    work(20);
    m.chip.cut_at = m.chip.operations + 1;
    m.chip.tear = FLASH_TEAR_WEAK;
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && inngest_flush(&m.jobs) != INNGEST_OK);
    flash_power_on(&m.chip);
    machine_reboot();
    torn = machine_counters().torn > 0;
    CHECK(machine_runs(NULL) == !torn);
    CHECK(!torn || (inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK));
    for (i = 0; i < 6; i++) {
        work_beside(20, 1);
        machine_reboot();
        CHECK(machine_runs(NULL) == 1);
    }
    MACHINE_END();
    return torn;
}

/* A mount whose program or erase fails, any of them, says so, behind a torn write, too; the next one goes well. */
static unsigned syncs, unsynced;
static int fail_erase(void *context, uint32_t address)
{
    return ++outage.programs == outage.fail_at ? -7 : erase_below(context, address);
}
static int fail_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    unsynced += address % 1024 > 0;                    /* a block's header proves itself */
    return fail_once(context, address, data, size);
}
static int sync_all(void *context)
{
    (void)context;
    syncs++;
    unsynced = 0;
    return 0;
}
static bool fails_in_mount(uint32_t blocks, unsigned jobs, flash_tear tear, unsigned fails)
{
    inngest_status status;
    unsigned i;
    machine_open(table_of_two, 2, 1024, blocks, 4);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1));
    for (i = 0; i < 100 && !m.chip.dead; i++) {
        if (i == jobs) {
            m.chip.cut_at = m.chip.operations + 2 + jobs % 5;
            m.chip.tear = tear;
        }
        CHECK(inngest_send(&m.jobs, "w", NULL, 0) == INNGEST_OK);
        (void)machine_run(1);
    }
    flash_power_on(&m.chip);
    memset(&outage, 0, sizeof outage);
    outage.fail_at = fails;
    program_below = m.chip.port.program;
    erase_below = m.chip.port.erase;
    m.chip.port.program = fail_program;
    m.chip.port.erase = fail_erase;
    m.chip.port.sync = sync_all;
    syncs = unsynced = 0;
    status = machine_boot(INNGEST_RESET_POWER_ON);
    if (outage.programs < fails) {                     /* nor is a record left that is not synced */
        CHECK(status == INNGEST_OK && unsynced == 0 && syncs > 0);
        flash_close(&m.chip);
        return false;
    }
    CHECK(status == INNGEST_ERR_PROGRAM || status == INNGEST_ERR_ERASE || (blocks == 2 && fails <= 4));    /* there the last one is erased again and again */
    outage.fail_at = 0;
    machine_reboot();
    (void)machine_run(1);
    CHECK(machine_runs(NULL) == 1 && machine_counters().lost_runs == 0);
    MACHINE_END();
    return true;
}

/* Where a blank block in front of others has no header, it and all behind it are erased again; where the erase of a block
 * that was reclaimed did not begin, and the header of another is gone, that is damage. */
static void headers(void)
{
    uint32_t place, cut;
    for (place = 1; place < 5; place++) {
        machine_open(table_of_two, 2, 1024, 6, 4);
        machine_reboot();
        CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1));
        memset(m.chip.cells + place * 1024, 0xFF, 24);
        memset(m.chip.units + place * 256, 0, 6);
        machine_reboot();
        CHECK(machine_counters().damaged == 1 && get4(m.chip.cells + place * 1024) == 0x314A4E49 && machine_counters().erases == 11 - 2 * place);
        work_beside(20, 1);
        MACHINE_END();
        for (cut = 1; cut <= 16 - 3 * place; cut++) {        /* ... the last one first: none whose erase is cut short looks as if it were erased */
            machine_open(table_of_two, 2, 1024, 6, 4);
            machine_reboot();
            CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1));
            memset(m.chip.cells + place * 1024, 0xFF, 24);
            memset(m.chip.units + place * 256, 0, 6);
            m.chip.tear = FLASH_TEAR_TOUCHED;
            m.chip.cells_after = FLASH_METASTABLE;
            m.chip.cut_at = m.chip.operations + cut;
            (void)(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
            CHECK(m.chip.dead);
            flash_power_on(&m.chip);
            m.chip.cut_at = 0;
            machine_reboot();
            work_beside(20, 1);
            MACHINE_END();
        }
    }
    machine_open(table_of_two, 2, 1024, 6, 4);
    machine_reboot();
    memset(&again, 0, sizeof again);
    again.armed = true;
    m.chip.trace = cut_at_erase;
    while (!m.chip.dead) {
        CHECK(inngest_send(&m.jobs, "w", NULL, 0) == INNGEST_OK);
        (void)machine_run(1);
    }
    flash_power_on(&m.chip);
    m.chip.trace = NULL;
    m.chip.cells[2 * 1024] ^= 1;
    machine_reboot();
    CHECK(machine_counters().damaged > 0);
    flash_close(&m.chip);
}

/* Cells that read as erased and that a blank check does not pass are no data: a format may have been cut short there. */
static bool (*blank_below)(void *, uint32_t, uint32_t);
static bool marginal;
static bool picky(void *context, uint32_t address, uint32_t size)
{
    return !(marginal && address <= 100 && address + size > 100) && blank_below(context, address, size);
}
static int erase_marginal(void *context, uint32_t address)
{
    marginal = false;
    return erase_below(context, address);
}
static void marginal_cells(void)
{
    machine_open(table, 1, 1024, 4, 4);
    flash_set_erased(&m.chip, 0xFF);
    blank_below = m.chip.port.is_blank;
    erase_below = m.chip.port.erase;
    m.chip.port.is_blank = picky;
    m.chip.port.erase = erase_marginal;
    marginal = true;
    machine_reboot();
    work(20);
    MACHINE_END();
}

/* A run whose records lose a bit, or cannot be read for a while, is parked before what they stood in is erased: once, and
 * for good; also where the record that says so fails at first. */
static unsigned parkings, fails_to_park;
static int watched_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *b = data;
    if (size >= 16 && (b[4] & 0x1F) == 3) {            /* PHASE, no copy */
        if (fails_to_park > 0) {
            fails_to_park--;
            return -7;
        }
        parkings++;
    }
    return program_below(context, address, data, size);
}
static uint32_t unreadable_at;
static int (*read_below)(void *, uint32_t, void *, uint32_t);
static int partial_read(void *context, uint32_t address, void *data, uint32_t size)
{
    return unreadable_at && address <= unreadable_at && address + size > unreadable_at ? -5 : read_below(context, address, data, size);
}
static inngest_status two_branches(inngest_ctx *ctx)
{
    inngest_status one, other;
    uint8_t value[7] = { 1 };
    inngest_parallel(ctx, "both");
    one = inngest_step_sleep(ctx, "nap", INNGEST_HOURS(1));
    other = inngest_step_sleep(ctx, "short", 1000);
    if (other == INNGEST_OK) INNGEST_STEP_AS(other, ctx, "x", value) memset(value, 1, sizeof value);
    INNGEST_TRY(inngest_all(ctx, &one, &other));
    woken++;
    return INNGEST_OK;
}
static void damaged(bool unreadable, unsigned fails)
{
    static const inngest_function both[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64 },
                                             { .id = "branches", .event = "b", .handler = two_branches, .journal_bytes = 200 } };
    inngest_run_info info;
    uint32_t at, i;
    machine_open(both, 2, 1024, 6, 4);
    read_below = m.chip.port.read;
    program_below = m.chip.port.program;
    m.chip.port.read = partial_read;
    m.chip.port.program = watched_program;
    machine_reboot();
    parkings = woken = 0;
    fails_to_park = fails;
    CHECK(inngest_send(&m.jobs, "b", NULL, 0) == INNGEST_OK && machine_run(1));
    for (i = 0; i < (unreadable ? 14 : 1); i++) work_beside(20, 1);
    CHECK(machine_run(1000) && machine_runs(NULL) == 1);
    for (at = 0; at < 6 * 1024 - 20 && !((m.chip.cells[at + 4] & 0x0F) == 4 && m.chip.cells[at + 5] == 7); at += 4) continue;
    CHECK(at < 6 * 1024 - 20 && (at > 1024) == unreadable);
    if (unreadable) unreadable_at = at + 4;
    else m.chip.cells[at + 12] ^= 2;
    i = machine_counters().erases;
    while (machine_counters().erases < i + 2) {
        CHECK(inngest_send(&m.jobs, "w", NULL, 0) == INNGEST_OK);
        (void)machine_run(2000);
    }
    unreadable_at = 0;
    CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE && parkings == 1 && machine_counters().damaged == 1);
    for (i = 0; i < 2; i++) {
        while (machine_counters().erases < 14) work_beside(20, 1);
        CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE && parkings == 1);
        machine_reboot();
        CHECK(machine_runs(&info) == 1 ? info.wait == INNGEST_WAIT_DAMAGE : machine_counters().lost_runs == 1);
        if (machine_runs(NULL) == 0) break;
    }
    CHECK(machine_run(INNGEST_HOURS(2)) && woken == 0);
    MACHINE_END();
}

/* How many blocks hold nothing and have a header. */
static unsigned blank_blocks(void)
{
    uint32_t place;
    unsigned n = 0;
    for (place = 0; place < m.chip.port.block_count; place++) n += !is_begun(m.chip.cells + place * 1024, 4) && get4(m.chip.cells + place * 1024) == 0x314A4E49;
    return n;
}

/* Of two and three blocks one is kept erased, of four two; and where a block refuses for good a flush says why. */
static void kept(uint32_t blocks, flash_bad how)
{
    inngest_status status = INNGEST_OK;
    uint32_t i;
    machine_open(table_of_two, 2, 1024, blocks, 4);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1));
    for (i = 0; i < 100; i++) {
        work_beside(i % 40, 1);
        CHECK(blank_blocks() >= (blocks < 4 ? 1 : 2));
    }
    for (i = 0; i < blocks; i++) flash_set_bad(&m.chip, i, how);
    for (i = 0; i < 200 && status == INNGEST_OK; i++) {
        CHECK(inngest_send(&m.jobs, "w", NULL, 0) == INNGEST_OK);
        status = inngest_flush(&m.jobs);
        if (status == INNGEST_OK) (void)machine_run(1);
    }
    CHECK(status == (how == FLASH_BAD_ERASE ? INNGEST_ERR_ERASE : INNGEST_ERR_PROGRAM));
    for (i = 0; i < blocks; i++) flash_set_bad(&m.chip, i, FLASH_GOOD);
    CHECK(machine_run(5000) && machine_runs(NULL) == 1);
    MACHINE_END();
}

/* While the chip erases nothing is programmed. */
static unsigned erasing;
static int slow_erase(void *context, uint32_t address)
{
    erasing = (erasing + 1) % 4;
    return erasing ? INNGEST_PORT_BUSY : erase_below(context, address);
}
static int not_beside(void *context, uint32_t address, const void *data, uint32_t size)
{
    CHECK(erasing == 0);
    return program_below(context, address, data, size);
}
static void slow(uint32_t blocks)
{
    unsigned i;
    machine_open(table_of_two, 2, 1024, blocks, 4);
    program_below = m.chip.port.program;
    erase_below = m.chip.port.erase;
    m.chip.port.program = not_beside;
    m.chip.port.erase = slow_erase;
    erasing = 0;
    machine_reboot();
    for (i = 0; i < 200; i++) {
        CHECK(inngest_send(&m.jobs, "w", NULL, 0) == INNGEST_OK);
        (void)machine_tick();
        m.now += 10;
    }
    CHECK(machine_run(1000) && machine_runs(NULL) == 0 && machine_counters().erases > blocks + 2);
    MACHINE_END();
}

/* Two of those, and more between them that stay torn than the library remembers: both stay void. */
static unsigned lost_start(unsigned live)
{
    unsigned lost;
    m.chip.cut_at = m.chip.operations + 1;
    m.chip.tear = FLASH_TEAR_WEAK;
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && inngest_flush(&m.jobs) != INNGEST_OK);
    flash_power_on(&m.chip);
    machine_reboot();
    lost = machine_runs(NULL) == live;
    CHECK(!lost || (inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK));
    return lost;
}
static bool many_torn(uint32_t seed, unsigned between)
{
    static const uint8_t data[80];
    unsigned i, both;
    machine_open(table_of_two, 2, 1024, 24, 4);
    m.chip.random = seed;
    machine_reboot();
    work(20);
    both = lost_start(0);
    work_beside(20, 1);
    for (i = 0; i < between; i++) {
        m.chip.cut_at = m.chip.operations + 1;
        m.chip.tear = FLASH_TEAR_MIDDLE;
        CHECK(inngest_send(&m.jobs, "w", data, sizeof data) == INNGEST_OK && inngest_flush(&m.jobs) != INNGEST_OK);
        flash_power_on(&m.chip);
        machine_reboot();
        work_beside(0, 1);
    }
    both += lost_start(1);
    for (i = 0; i < 6; i++) {
        work_beside(0, 2);
        machine_reboot();
        CHECK(machine_runs(NULL) == 2);
    }
    MACHINE_END();
    return both == 2;
}

/* Programs fail in the block that reclaim copies into, and then none does. */
static struct { uint32_t place; unsigned fails, failed, records, erases, again; bool work, cut, all_erases; flash_tear tear; unsigned copies; } jam;
static int jammed_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *b = data;
    bool record = address % 1024 >= 32 && !(b[0] == 0xA5 && b[3] == 0xA5);
    if (jam.fails && record && address / 1024 == jam.place) {
        jam.fails--;
        jam.failed++;
        if (jam.work) CHECK(program_below(context, address, data, size) == 0);
        return -7;
    }
    jam.records += record;
    if (record && jam.copies && address / 1024 == jam.place && --jam.copies == 0) {
        m.chip.cut_at = m.chip.operations + 1;
        m.chip.tear = jam.tear;
    }
    return program_below(context, address, data, size);
}
static int jammed_erase(void *context, uint32_t address)
{
    jam.erases++;
    if (address / 1024 == jam.place && jam.failed) jam.again++;
    else if (jam.cut && !m.chip.dead) m.chip.cut_at = m.chip.operations + 1;
    if (jam.all_erases) return -7;
    return erase_below(context, address);
}
static void jam_open(unsigned before)
{
    machine_open(two, 2, 1024, 3, 32);
    memset(&jam, 0, sizeof jam);
    memset(&outage, 0, sizeof outage);
    program_below = m.chip.port.program;
    erase_below = m.chip.port.erase;
    m.chip.port.program = jammed_program;
    m.chip.port.erase = jammed_erase;
    machine_reboot();
    started = woken = 0;
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    CHECK(inngest_send(&m.jobs, "h", NULL, 0) == INNGEST_OK && machine_run(1));
    while (before-- > 0) work_beside(0, 1);
    jam.place = last_block() % 3;
}
static void jam_work(void)               /* until that block's reclaim is over, or power is lost */
{
    unsigned i, erases = jam.erases;
    for (i = 0; i < 200 && !m.chip.dead && jam.erases == erases; i++) {
        (void)!inngest_send(&m.jobs, "w", NULL, 0);
        (void)machine_tick();
        m.now += 1000;
    }
    CHECK(i < 200);
}

/* The proof of a reclaim fills that block, and power is lost before the erase: the next boot erases first and then writes it
 * again, and says so where the one or the other fails. */
static void jammed(unsigned fails, unsigned before, unsigned program)
{
    inngest_status status;
    jam_open(before);
    jam.fails = fails;
    jam.cut = true;
    jam_work();
    if (!m.chip.dead || jam.again) { flash_close(&m.chip); return; }
    flash_power_on(&m.chip);
    m.chip.port.erase = program ? erase_below : fail_erase;
    m.chip.port.program = program ? fail_once : program_below;
    outage.fail_at = program ? program : 1;
    status = machine_boot(INNGEST_RESET_POWER_ON);
    CHECK(status == (program ? INNGEST_ERR_PROGRAM : INNGEST_ERR_ERASE) || (program > 3 && outage.programs < program));
    outage.fail_at = 0;
    machine_reboot();
    (void)machine_run(1);
    CHECK(machine_runs(NULL) >= 1 && machine_counters().lost_runs == 0 && machine_counters().damaged == 0 && started == 2);
    MACHINE_END();
}

/* A reclaim was cut short while it copied: the block is erased, and where that fails for good the mount says so. */
static void jammed_for_good(unsigned copies, flash_tear tear)
{
    jam_open(0);
    jam.copies = copies;
    jam.tear = tear;
    jam_work();
    CHECK(m.chip.dead);
    flash_power_on(&m.chip);
    jam.all_erases = true;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_ERASE);
    jam.all_erases = false;
    machine_reboot();
    (void)machine_run(1);
    CHECK(machine_runs(NULL) >= 1 && machine_counters().lost_runs == 0 && started == 2);
    MACHINE_END();
}

/* One program that fails there, and does its work all the same, costs no erase: reclaim goes on behind it. */
static void goes_on_behind(unsigned before)
{
    jam_open(before);
    jam.fails = 1;
    jam.work = true;
    while (!jam.failed) jam_work();
    CHECK(jam.failed == 1 && jam.again == 0);
    CHECK(machine_run(5000) && machine_runs(NULL) == 1);
    MACHINE_END();
}

/* A mount whose sync fails, any of them, says so. */
static unsigned failing_sync;
static int sync_fails(void *context)
{
    (void)context;
    return ++syncs == failing_sync ? -7 : 0;
}
static void syncs_in_mount(uint32_t jobs)
{
    inngest_status status;
    unsigned n;
    for (n = 1; n < 6; n++) {
        machine_open(table_of_two, 2, 1024, 3, 4);
        machine_reboot();
        CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1));
        m.chip.cut_at = m.chip.operations + 1 + jobs;
        while (!m.chip.dead) { (void)!inngest_send(&m.jobs, "w", NULL, 0); (void)machine_tick(); }
        flash_power_on(&m.chip);
        m.chip.port.sync = sync_fails;
        failing_sync = n;
        syncs = 0;
        status = machine_boot(INNGEST_RESET_POWER_ON);
        CHECK(status == (syncs < n ? INNGEST_OK : INNGEST_ERR_SYNC) && syncs > 0);
        failing_sync = 0;
        machine_reboot();
        CHECK(machine_runs(NULL) >= 1 && machine_counters().lost_runs == 0);
        MACHINE_END();
    }
}

/* A block that has lost all it held, but for its header, is damage; so is what stands at the very end of one that was
 * erased, of which the stop in front of it knew nothing: the head does not go there. */
static void lost_content(void)
{
    uint32_t at;
    machine_open(table_of_two, 2, 1024, 8, 4);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1));
    while (!is_begun(m.chip.cells + 2 * 1024, 4)) work_beside(20, 1);
    memset(m.chip.cells + 1024 + 24, 0xFF, 1000);
    memset(m.chip.units + 256 + 6, 0, 250);
    machine_reboot();
    CHECK(machine_counters().damaged == 1 && machine_runs(NULL) == 1);
    MACHINE_END();
    for (at = 512; at < 1024; at += 4) {
        machine_open(table_of_two, 2, 1024, 8, 4);
        machine_reboot();
        CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1) && inngest_close(&m.jobs) == INNGEST_OK);
        m.chip.cells[1024 + at] ^= 1;
        m.chip.units[256 + at / 4] = 1;
        machine_reboot();
        CHECK(machine_runs(NULL) == 1);
        while (!is_begun(m.chip.cells + 2 * 1024, 4)) work_beside(20, 1);      /* a look ahead meets it, or a unit is programmed twice */
        machine_reboot();
        CHECK(machine_runs(NULL) == 1 && machine_counters().damaged == 0);
        MACHINE_END();
    }
}

/* What a boot writes again has no room in front of a cell that is not blank, nor in the next block, nor is there another one at
 * first: when there is it goes on where it was, not as far on in a block that it has passed over. */
static unsigned bigs;
static inngest_status big(inngest_ctx *ctx)
{
    uint8_t result[250];
    INNGEST_STEP(ctx, "big", result) { bigs++; memset(result, 7, sizeof result); }
    INNGEST_DO(ctx, "cut") if (bigs == 1 && !m.chip.cut_at) m.chip.cut_at = m.chip.operations + 1;
    CHECK(result[0] == 7 && result[249] == 7);
    return INNGEST_OK;
}
static const inngest_function big_table[] = { { .id = "big", .event = "b", .handler = big, .journal_bytes = 320 } };
static bool erase_fails;
static int fails_one_erase(void *context, uint32_t address)
{
    bool fails = erase_fails;
    erase_fails = false;
    return fails ? -7 : erase_below(context, address);
}
static void passed_over(void)
{
    uint32_t end = 1024;
    machine_open(big_table, 1, 1024, 3, 4);
    machine_reboot();
    bigs = 0;
    CHECK(inngest_send(&m.jobs, "b", NULL, 0) == INNGEST_OK);
    (void)machine_run(1);
    CHECK(m.chip.dead && bigs == 1);
    flash_power_on(&m.chip);
    while (m.chip.cells[end - 1] == 0xFF) end--;
    CHECK(end > 256 && end < 700);
    m.chip.cells[end + 260] ^= 1;
    m.chip.cells[1024 + 300] ^= 1;
    erase_below = m.chip.port.erase;
    m.chip.port.erase = fails_one_erase;
    erase_fails = true;
    machine_reboot();
    CHECK(!erase_fails && machine_runs(NULL) == 1 && machine_run(1) && machine_runs(NULL) == 0 && bigs == 1);
    machine_reboot();
    CHECK(machine_runs(NULL) == 0);
    MACHINE_END();
}

/* A program of a large copy fails in the last erased block, and leaves one unit of it at most, which reads as blank later: what follows
 * behind so large a gap is found, or reclaim has started over. */
static bool fails_next, leaves;
static uint32_t left_at;
static int fails_in_last(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *b = data;
    if (!fails_next || m.jobs.head_block != m.jobs.last_block || size < 100 || (b[4] & 0x0F) != 4) return program_below(context, address, data, size);
    fails_next = false;
    left_at = address;
    if (leaves) CHECK(program_below(context, address, data, 4) == 0);
    return -7;
}
static inngest_status big_sleeper(inngest_ctx *ctx)
{
    INNGEST_TRY(big(ctx));
    return inngest_step_sleep(ctx, "nap", INNGEST_HOURS(1));
}
static void large_copy(uint32_t blocks)
{
    static const inngest_function both[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64 },
                                             { .id = "big", .event = "b", .handler = big_sleeper, .journal_bytes = 340 } };
    unsigned i;
    machine_open(both, 2, 2048, blocks, 4);
    program_below = m.chip.port.program;
    m.chip.port.program = fails_in_last;
    machine_reboot();
    bigs = 1;                                          /* it cuts no power */
    fails_next = true;
    CHECK(inngest_send(&m.jobs, "b", NULL, 0) == INNGEST_OK && machine_run(1) && bigs == 2);
    for (i = 0; i < 400; i++) {
        CHECK(inngest_send(&m.jobs, "w", NULL, 0) == INNGEST_OK);
        (void)machine_run(2000);
        CHECK(machine_runs(NULL) == 1);
        if (left_at) {
            if (get4(m.chip.cells + left_at + 4) == UINT32_MAX) memset(m.chip.cells + left_at, 0xFF, 4);   /* not erased since */
            left_at = 0;
            machine_reboot();
            CHECK(machine_runs(NULL) == 1);
        }
    }
    CHECK(!fails_next && machine_run(INNGEST_HOURS(1)) && machine_runs(NULL) == 0 && bigs == 2);
    MACHINE_END();
}

/* Power is lost in a reclaim, at each of its copies, of steps that share an id: the next boot goes on behind the newest copy. */
static unsigned copied[16], cut_in;
static int noting_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *b = data;
    bool result = size == 16 && (b[4] & 0x1F) == 0x14 && b[5] == 4;            /* RESULT, carried */
    if (result && cut_in && --cut_in == 0) m.chip.cut_at = m.chip.operations + 1;
    (void)!program_below(context, address, data, size);
    if (result && !m.chip.dead) copied[b[12] % 16]++;
    return m.chip.dead ? -7 : 0;
}
static inngest_status same_ids(inngest_ctx *ctx)
{
    uint32_t i, value;
    for (i = 0; i < 12; i++) INNGEST_STEP(ctx, "s", value) value = i;
    return inngest_step_sleep(ctx, "nap", INNGEST_HOURS(10));
}
static void copied_once(unsigned cut)
{
    static const inngest_function both[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64 },
                                             { .id = "same", .event = "s", .handler = same_ids, .journal_bytes = 400 } };
    unsigned i;
    machine_open(both, 2, 1024, 6, 4);
    memset(copied, 0, sizeof copied);
    program_below = m.chip.port.program;
    m.chip.port.program = noting_program;
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1));
    cut_in = cut;
    for (i = 0; i < 400 && !m.chip.dead; i++) {
        (void)!inngest_send(&m.jobs, "w", NULL, 0);
        (void)machine_tick();
    }
    CHECK(m.chip.dead);
    flash_power_on(&m.chip);
    machine_reboot();
    while (copied[11] == 0) work_beside(20, 1);
    for (i = 0; i < 12; i++) CHECK(copied[i] == (i + 2 == cut ? 2 : 1));     /* the newest one is written again by the mount */
    MACHINE_END();
}

/* Power is lost as reclaim copies into the last erased block, which the next boot erases and begins anew. It enters that
 * block without erasing it once more: a boot that begins its mount again remembers what it has erased. */
static unsigned erased[8];
static void count_erases(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user; (void)size;
    if (operation == 'e') erased[address / m.chip.port.block_size]++;
}
static void erased_once(unsigned live, unsigned cut)
{
    static const inngest_function both[] = { { .id = "worker", .event = "w", .handler = worker, .journal_bytes = 64 },
                                             { .id = "same", .event = "s", .handler = same_ids, .journal_bytes = 400 } };
    unsigned i, all = 0;
    machine_open(both, 2, 2048, 3, 4);
    program_below = m.chip.port.program;
    m.chip.port.program = noting_program;
    machine_reboot();
    for (i = 0; i < live; i++) CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK && machine_run(1));
    CHECK(machine_runs(NULL) == live);
    cut_in = cut;
    for (i = 0; i < 100 && !m.chip.dead; i++) {
        unsigned n;
        for (n = 0; n < MACHINE_EVENTS; n++) (void)!inngest_send(&m.jobs, "w", NULL, 0);
        (void)machine_tick();
    }
    CHECK(m.chip.dead);
    flash_power_on(&m.chip);
    memset(erased, 0, sizeof erased);
    m.chip.trace = count_erases;
    machine_reboot();
    for (i = 0; i < 3; i++) {
        CHECK(erased[i] <= 1);
        all += erased[i];
    }
    m.chip.trace = NULL;
    CHECK(all > 0 && machine_run(1) && machine_runs(NULL) == live);
    work_beside(20, live);
    MACHINE_END();
}

/* A link is damaged since the mount, and leads to a step whose group was not whole and is void: that does not count. */
static struct { bool armed, other; unsigned sent, children; } trail;
static int failing_start(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *b = data;
    CHECK(program_below(context, address, data, size) == 0);
    if (!trail.armed || size < 12 || (b[4] & 0x2F) != 1) return 0;
    trail.armed = false;
    return -7;
}
static inngest_status child(inngest_ctx *ctx)
{
    (void)ctx;
    trail.children++;
    return INNGEST_OK;
}
static inngest_status sender(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "a") trail.armed = true;
    if (trail.other) {
        INNGEST_DO(ctx, "b") { }
        INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    }
    INNGEST_TRY(inngest_step_send(ctx, "send", "child", NULL, 0));
    trail.sent++;
    return INNGEST_OK;
}
static void damaged_link(void)
{
    static const inngest_function both[] = { { .id = "sender", .event = "s", .handler = sender, .journal_bytes = 200 },
                                             { .id = "child", .event = "child", .handler = child, .journal_bytes = 64 } };
    inngest_run_info info;
    uint32_t at;
    machine_open(both, 2, 1024, 8, 4);
    program_below = m.chip.port.program;
    m.chip.port.program = failing_start;
    memset(&trail, 0, sizeof trail);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK);
    (void)machine_tick();
    CHECK(!trail.armed && machine_runs(NULL) == 1);
    trail.other = true;                                /* other steps come first now */
    m.now += 1000;
    (void)machine_tick();
    trail.other = false;
    for (at = 1020; m.chip.cells[at + 4] != 4 || get4(m.chip.cells + at) == UINT32_MAX; at -= 4) continue;      /* the RESULT of b */
    m.chip.cells[at + 11] = (uint8_t)(m.chip.cells[at + 11] - 3);      /* behind a's, which takes 12 bytes */
    CHECK(machine_run(5000) && trail.sent == 0 && trail.children == 0);
    CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE);
    flash_close(&m.chip);
}

int main(void)
{
    uint32_t i, k;
    damaged_link();
    for (i = 0; i < 150; i++) syncs_in_mount(i);
    lost_content();
    passed_over();
    for (i = 0; i < 4; i++) {
        leaves = i % 2;
        large_copy(2 + i / 2);
    }
    for (i = 1; i <= 12; i++) copied_once(i);
    for (i = 1; i <= 12; i++) for (k = 1; k < 3; k++) erased_once(k, i);
    for (i = 0; i < 15; i++) for (k = 0; k < 6; k++) jammed(i, 0, k);
    for (i = 1; i < 4; i++)
        for (k = 0; k < FLASH_TEARS; k++) jammed_for_good(i, (flash_tear)k);
    for (i = 0; i < 4; i++) goes_on_behind(i);
    for (i = 0; i < 60; i += 4) {
        entered(2, false, i);
        entered(2, true, i);
        entered(4, false, i);
        entered(4, true, i);
        entered_behind_restart(false, i);
        entered_behind_restart(true, i);
    }
    filled();
    erased_in_order();
    for (i = 56; i < 64; i++) {
        for (k = 0; k < 32 && used_up(i, k / 2, k % 2); k++) continue;
        CHECK(k >= 16);
    }
    clean_no_more();
    formats();
    neighbours();
    for (i = 1; i < 4; i++) {
        carried_once(i, 4);
        carried_once(i, 32);
    }
    for (i = 200; i < 300; i++) interrupted(i);
    saved();
    for (i = 0; i <= 8; i += 4) {
        unsigned torn = 0;
        for (k = 0; k < 10; k++) torn += torn_answer(i, 1 + 7919 * k);
        CHECK(torn > 2);
    }
    for (i = k = 0; i < 20; i++) k += torn_event(1 + 7919 * i);
    CHECK(k > 4);
    for (i = 0; i < 60; i++)
        for (k = 1; fails_in_mount(2 + i % 3, i / 3, i % 2 ? FLASH_TEAR_MIDDLE : FLASH_TEAR_NONE, k) && !test_failed; k++) continue;
    headers();
    marginal_cells();
    for (i = 0; i < 4; i++) {
        damaged(false, i);
        damaged(true, i);
    }
    for (i = 2; i < 6; i++) {
        kept(i, FLASH_BAD_ERASE);
        kept(i, FLASH_BAD_PROGRAM);
    }
    for (i = 2; i < 6; i++) slow(i);
    for (i = k = 0; i < 40; i++) k += many_torn(1 + 7919 * i, 5 + i % 5);
    CHECK(k > 4);
    return TEST_END();
}
