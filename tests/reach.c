/* SPDX-License-Identifier: MIT
 * How far back a mount goes: to the newest list of all that counted, as the header of the newest block says, or as it finds it in a
 * large block. What is far back and counts is found; what does not count is not read; and with no header that says so all is read and
 * the same comes out. argv: lives to compare; the first one's seed. */
#include "crc32.h"
#include "machine.h"

#define TABLE(table, block, blocks) machine_open(table, (uint16_t)(sizeof(table) / sizeof *(table)), block, blocks, 4)
#define SEND(name, data, size) CHECK(inngest_send(&m.jobs, name, data, size) == INNGEST_OK)
#define NOON INT64_C(1767268800000)      /* 2026-01-01T12:00:00Z */

static uint32_t bytes_read;
static void count_reads(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user;
    (void)address;
    if (operation == 'r') bytes_read += size;
}

static uint32_t get4(const uint8_t *b) { return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24; }

/* A short job. */
static inngest_status quick(inngest_ctx *ctx)
{
    unsigned i;
    for (i = 0; i < 3; i++) INNGEST_DO(ctx, "step") { }
    return INNGEST_OK;
}

#define MARK 0x7A6B5C4Du               /* results that are found in an image */

/* Far apart: what a run writes stands in many blocks. */
static inngest_status far(inngest_ctx *ctx)
{
    uint32_t value;
    INNGEST_TRY(inngest_step_sleep(ctx, "nap 0", 1000));
    INNGEST_STEP(ctx, "a", value) { trace("a"); value = MARK; }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap 1", 1000));
    INNGEST_STEP(ctx, "b", value) { trace("b"); value = MARK + 1; }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap 2", 1000));
    trace("end");
    return INNGEST_OK;
}
static const inngest_function table[] = { { .id = "quick", .event = "quick", .handler = quick, .journal_bytes = 100 },
                                          { .id = "far", .event = "far", .handler = far, .journal_bytes = 300 } };

static void work(unsigned jobs)          /* no time passes */
{
    while (jobs-- > 0) {
        SEND("quick", "", 0);
        while (machine_tick() == 0) { }
    }
}

static void fill(unsigned n)             /* the journal, with TIME records */
{
    while (n-- > 0) inngest_set_wall_clock(&m.jobs, NOON + (n % 2) * 100000 + m.now, m.now);
}

static uint32_t mount_reads(void)
{
    bytes_read = 0;
    machine_reboot();
    return bytes_read;
}

/* A mount reads no more than two or three blocks and what is live, however long the journal is, and wherever that stands. */
static inngest_port synced;
static int no_sync(void *context) { (void)context; return 0; }

static void no_further(bool sync)
{
    uint32_t busy, i, most = 0, least = UINT32_MAX;
    inngest_event event = { "quick", NULL, 0, "id", 0 };
    TABLE(table, 1024, 64);
    m.chip.trace = count_reads;
    synced = m.chip.port;
    synced.sync = no_sync;
    if (sync) m.config.port = &synced;                    /* where the tail does not follow the head */
    machine_reboot();
    work(1000);
    busy = mount_reads();
    CHECK(busy > 64 * 24 && busy < 64 * 24 + 12 * 1024);
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    work(1);
    for (i = 0; i < 40; i++) {                            /* two times round */
        CHECK(inngest_close(&m.jobs) == INNGEST_OK);
        machine_reboot();
        work(23);
        busy = mount_reads();
        CHECK(busy < 64 * 24 + 12 * 1024);
    }
    SEND("far", "", 0);
    CHECK(machine_run(1) && machine_runs(NULL) == 1);
    for (i = 0; i < 90; i++) {
        work(10);
        busy = mount_reads();
        if (busy > most) most = busy;
        if (busy < least) least = busy;
        CHECK(machine_runs(NULL) == 1);
    }
    CHECK(most < 64 * 24 + 12 * 1024 && least > 64 * 24);
    CHECK(machine_run(3000) && machine_runs(NULL) == 0);
    CHECK_TRACE("a b end");
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
    m.now += INNGEST_SEEN_MS + 1000;
    work(500);
    busy = mount_reads();
    CHECK(busy < 64 * 24 + 12 * 1024);
    MACHINE_END();
}

/* Where little is live the tail follows the head: behind some rounds no mount reads more than the distance that costs a sixteenth
 * of what is written, and no tick copies more than a record or erases more than a block, however long none has nothing to do. */
static void tail_follows(void)
{
    uint32_t i, carried, erases, copied = 0, most = 0, read = 0;
    unsigned k;
    TABLE(table, 1024, 64);
    m.chip.trace = count_reads;
    machine_reboot();
    for (k = 0; k < 3; k++) SEND("far", "", 0);
    CHECK(machine_run(1) && machine_runs(NULL) == 3);
    work(1500);
    for (i = 0; i < 900; i++) {
        SEND("quick", "", 0);
        do {
            carried = machine_counters().carried;
            erases = machine_counters().erases;
            bytes_read = 0;
            k = machine_tick() == 0;
            if (bytes_read > read) read = bytes_read;
            CHECK(k || m.jobs.head_block - m.jobs.tail_block < m.jobs.window);      /* nothing is left to do */
            carried = machine_counters().carried - carried;
            if (carried > copied) copied = carried;
            CHECK(carried <= 1 && machine_counters().erases - erases <= 1);
        } while (k && machine_runs(NULL) > 3);
        if (i % 100 == 99 && mount_reads() > most) most = bytes_read;
    }
    CHECK(copied == 1);
    CHECK(read < 2400);                                   /* what has been looked at is not looked at again, but once at the end */
    CHECK(most < 64 * 64 + 16 * 1024);                    /* two looks at the beginning of each block; two or three blocks, and what is live */
    CHECK(machine_runs(NULL) == 3 && machine_run(3000) && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* How far behind the tail may be: 16 KiB, 3 blocks and 16 times what is live, four fifths of the journal; without a limit where
 * more than a sixteenth is live, or where the storage needs a sync. */
static uint32_t distance(unsigned ids)
{
    uint32_t cursor = 0, live = ids * 28, blocks = m.chip.port.block_count, most = blocks - blocks / 5;
    inngest_run_info info;
    while (inngest_next_run(&m.jobs, &cursor, &info)) live += info.journal_bytes;
    if (blocks < 8 || live / 64 >= blocks || m.config.port->sync) return UINT32_MAX;
    return live / 64 + 19 < most ? live / 64 + 19 : most;
}

static inngest_status nap(inngest_ctx *ctx) { return inngest_step_sleep(ctx, "nap", 1000); }
static const inngest_function nap_table[] = { { .id = "nap", .event = "nap", .handler = nap, .journal_bytes = 64 } };

static void distances(void)
{
    static const uint32_t blocks[] = { 7, 8, 9, 16, 64 };
    unsigned i, k, none = 0;
    for (i = 0; i < 5; i++) {
        TABLE(nap_table, 1024, blocks[i]);
        machine_reboot();
        CHECK(m.jobs.window == distance(0) && (m.jobs.window == UINT32_MAX) == (blocks[i] < 8));
        for (k = 0; k < 9; k++) {
            if (inngest_send(&m.jobs, "nap", "12345678901234567890", k * 2) == INNGEST_OK) CHECK(machine_run(1));
            machine_reboot();
            CHECK(m.jobs.window == distance(0));
            none += m.jobs.window == UINT32_MAX;
        }
        MACHINE_END();
    }
    CHECK(none > 9 && none < 30);
    TABLE(table, 1024, 64);
    machine_reboot();
    for (k = 0; k < 5; k++) {
        char id[2] = { (char)('a' + k), 0 };
        inngest_event event = { "quick", NULL, 0, NULL, 0 };
        event.id = id;
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
    }
    work(500);
    CHECK(m.jobs.window == distance(5) && distance(5) > distance(0));
    for (m.now += INNGEST_SEEN_MS - 6, k = 6; k-- > 0; m.now++) {     /* one came each ms */
        work(500);
        CHECK(m.jobs.window == distance(k));
    }
    synced = m.chip.port;
    synced.sync = no_sync;
    m.config.port = &synced;
    machine_reboot();
    CHECK(m.jobs.window == UINT32_MAX);
    MACHINE_END();
}

/* A bit flips in a block that is erased, which no mount has looked at as a whole: the block is passed over. */
static void spoilt_ahead(void)
{
    uint32_t block, at, passed = 0;
    unsigned i;
    for (block = 0; block < 16; block++)
        for (at = 60; at < 1024; at += 77) {
            TABLE(table, 1024, 16);
            machine_reboot();
            for (i = 0; i < 4; i++) SEND("far", "", 0);
            CHECK(machine_run(1));
            work(at % 60);
            for (i = 24; i < 1024 && m.chip.cells[block * 1024 + i] == 0xFF; i++) continue;
            m.chip.cells[block * 1024 + at] &= (uint8_t)(i == 1024 ? 0xEF : 0xFF);
            machine_reboot();
            work(20);
            CHECK(machine_run(1000));
            work(20);
            machine_reboot();
            CHECK(machine_runs(NULL) == 4 && machine_counters().damaged == 0 && machine_counters().lost_runs == 0);
            CHECK(machine_run(3000) && machine_runs(NULL) == 0);
            passed += i == 1024 && m.chip.cells[block * 1024 + at] == 0xEF;
            MACHINE_END();
        }
    CHECK(passed > 10);
}

/* Damage a result, and all copies of it. */
static void damage(uint32_t value)
{
    uint32_t at, found = 0;
    for (at = 0; at + 4 <= m.chip.port.block_size * m.chip.port.block_count; at += 4)
        if (get4(m.chip.cells + at) == value) { m.chip.cells[at] ^= 4; found++; }
    CHECK(found > 0);
}

static void reclaims(unsigned n)
{
    uint32_t before = machine_counters().erases;
    while (machine_counters().erases - before < n) fill(2);
}

/* A run that is parked, for what is damaged in the middle of it, is not lost by it: its START is found, far in front. */
static void far_parked(void)
{
    inngest_run_info info;
    uint32_t damaged;
    unsigned how, again;
    for (how = 0; how < 3; how++) {
        TABLE(table, 1024, 16);
        machine_reboot();
        fill(how ? 90 : 200);
        SEND("far", "", 0);
        CHECK(machine_run(1));
        fill(how == 1 ? 300 : 90);
        CHECK(machine_run(1000));
        CHECK_TRACE("a");
        if (how == 1) {                                   /* its START is carried forward, and found to be cut off then */
            reclaims(4);
            fill(90);
            CHECK(machine_run(1000));
            CHECK_TRACE("b");
        }
        if (how == 2) {                                   /* the last record of the run in its block, which alone leads to what is in front */
            fill(90);
            CHECK(machine_run(1000));
            CHECK_TRACE("b");
        }
        damage(how == 0 ? MARK : how == 1 ? MARK + 1 : 2000);
        if (how == 0) machine_reboot();
        damaged = machine_counters().damaged;
        reclaims(how == 2 ? 40 : how ? 7 : 3);
        CHECK(how || machine_counters().damaged == damaged);      /* it was parked before */
        for (again = 0; again < 4; again++) {             /* and stays so, wherever it is carried */
            machine_reboot();
            CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_DAMAGE && machine_counters().lost_runs == 0);
            reclaims(9);
        }
        machine_reboot();
        CHECK(machine_run(10000));
        CHECK_TRACE("");
        MACHINE_END();
    }
}

/* A time that is damaged is not brought. */
static void damaged_time(void)
{
    uint32_t at, found = 0;
    TABLE(table, 1024, 64);
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    for (at = 0; at < 1024; at += 2) if (get4(m.chip.cells + at) == (uint32_t)NOON) { m.chip.cells[at] ^= 1; found++; }
    CHECK(found == 1);
    work(1000);
    machine_reboot();
    work(10);
    CHECK(machine_counters().lost_runs == 0 && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* Power is lost at each operation of a reclaim that carries the time forward, and what is torn reads differently each time. */
static uint32_t count_times(void)
{
    uint32_t at, found = 0;
    for (at = 0; at + 4 <= m.chip.port.block_size * m.chip.port.block_count; at += 2) found += get4(m.chip.cells + at) == (uint32_t)NOON;
    return found;
}

static void load(const uint8_t *image, uint32_t size)
{
    uint32_t at;
    TABLE(table, 1024, 32);
    memcpy(m.chip.cells, image, size);
    for (at = 0; at < size; at++) if (image[at] != 0xFF) m.chip.units[at / m.chip.port.program_size] = 1;
}

static void cuts(void)
{
    static uint8_t image[32 * 1024];
    uint32_t times, operations, k;
    int tear, cells, i;
    TABLE(table, 1024, 32);
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    do {
        memcpy(image, m.chip.cells, sizeof image);
        times = count_times();
        machine_reboot();
        operations = m.chip.operations;
        work(6);
    } while (count_times() == times && m.chip.operations < 20000);   /* it was carried in these jobs */
    CHECK(m.chip.operations < 20000);
    operations = m.chip.operations - operations;
    for (k = 1; k <= operations; k++)
        for (tear = 0; tear < FLASH_TEARS; tear++)
            for (cells = 0; cells < FLASH_CELLS; cells++) {
                load(image, sizeof image);
                machine_reboot();
                m.chip.cut_at = m.chip.operations + k;
                m.chip.tear = (flash_tear)tear;
                m.chip.cells_after = (flash_cells)cells;
                for (i = 0; i < 40 && !m.chip.dead; i++) {
                    if (i % 4 == 0) (void)(inngest_send(&m.jobs, "quick", NULL, 0) == INNGEST_OK);
                    (void)machine_tick();
                }
                CHECK(m.chip.dead);
                flash_power_on(&m.chip);
                machine_reboot();
                CHECK(machine_counters().lost_runs == 0 && machine_counters().damaged == 0);
                CHECK(machine_run(10) && machine_runs(NULL) == 0 && count_times() > 0);
                work(20);
                MACHINE_END();
                if (test_failed) { printf("  operation %u, tear %d, cells %d\n", k, tear, cells); return; }
            }
}

/* Where ticks carry what is live forward, a program or an erase fails or power is lost, at each of them: nothing is lost. */
static struct { uint32_t from, until; } refused;
static void refuse(void *user, char operation, uint32_t address, uint32_t size)
{
    uint32_t i, now = m.chip.operations + 1;
    (void)user; (void)address; (void)size;
    if (operation == 'r') return;
    for (i = 0; i < m.chip.port.block_count; i++)
        flash_set_bad(&m.chip, i, now < refused.from || now >= refused.until ? FLASH_GOOD : operation == 'p' ? FLASH_BAD_PROGRAM : FLASH_BAD_ERASE);
}

static void carrying_fails(void)
{
    static uint8_t image[32 * 1024];
    uint32_t carried = 0, operations, k;
    int64_t now;
    int tear, how, i;
    TABLE(table, 1024, 32);
    machine_reboot();
    for (i = 0; i < 3; i++) SEND("far", "", 0);
    CHECK(machine_run(1000) && machine_runs(NULL) == 3);
    CHECK_TRACE("a a a");
    do {
        memcpy(image, m.chip.cells, sizeof image);
        machine_reboot();
        operations = m.chip.operations;
        work(5);
        carried = machine_counters().carried;             /* since the boot */
    } while (carried < 4 && m.chip.operations < 20000);
    CHECK(m.chip.operations < 20000);
    operations = m.chip.operations - operations;
    now = m.now;
    for (k = 1; k <= operations; k++)
        for (how = 0; how < 4; how++)                     /* one or two operations are refused; power is lost, or both */
            for (tear = 0; tear < FLASH_TEARS; tear++) {
                load(image, sizeof image);
                m.now = now;
                machine_reboot();
                refused.from = m.chip.operations + k;
                refused.until = refused.from + (how == 2 ? 0 : how == 1 ? 2 : 1);
                m.chip.trace = refuse;
                m.chip.tear = m.chip.bad_tear = (flash_tear)tear;
                m.chip.cut_at = how >= 2 ? refused.from + (unsigned)how / 3 : 0;
                for (i = 0; i < 30 && !m.chip.dead; i++) {
                    if (i % 2 == 0) (void)(inngest_send(&m.jobs, "quick", NULL, 0) == INNGEST_OK);
                    (void)machine_tick();
                    m.now += (i % 10 == 9) * 100;
                }
                if (m.chip.dead) flash_power_on(&m.chip);
                m.chip.trace = NULL;
                machine_reboot();
                CHECK(machine_counters().lost_runs == 0 && machine_counters().damaged == 0 && machine_run(0) && machine_runs(NULL) == 3);
                work(150);
                CHECK(machine_run(3000) && machine_runs(NULL) == 0);
                CHECK_TRACE("b b b end end end");
                MACHINE_END();
                if (test_failed) { printf("  operation %u, way %d, tear %d\n", k, how, tear); return; }
            }
}

/* The proof of a reclaim fails until its block is used up, so that it starts over, and power is lost behind the erase: the
 * time is found where it stands, in the block in front. */
static int (*program_below)(void *, uint32_t, const void *, uint32_t);
static int (*erase_below)(void *, uint32_t);
static struct { bool failing, whole; unsigned failed, cut_in; } proofs;
static int program_proofs(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *b = data;
    if (proofs.failing && size >= 16 && (b[4] & 0xEF) == 15 && get4(b + 8) % (1u << 24) == m.jobs.tail_block) {   /* no list alone */
        proofs.failed++;
        return -7;
    }
    if (proofs.cut_in && --proofs.cut_in == 0) m.chip.cut_at = m.chip.operations + 1;
    return program_below(context, address, data, size);
}
static int erase_noted(void *context, uint32_t address)
{
    if (proofs.failed && address == 2 * 32768) proofs.failing = false;
    else if (proofs.failed && !proofs.whole) proofs.cut_in = 2;         /* its header is there, and nothing else */
    return erase_below(context, address);
}
/* These are called in the place of the chip's. */
static void put_above(int (*program)(void *, uint32_t, const void *, uint32_t), int (*erase)(void *, uint32_t))
{
    program_below = m.chip.port.program;
    erase_below = m.chip.port.erase;
    m.chip.port.program = program;
    m.chip.port.erase = erase;
}
static void open_proofs(bool whole)
{
    TABLE(table, 32768, 3);
    put_above(program_proofs, erase_noted);
    memset(&proofs, 0, sizeof proofs);
    proofs.whole = whole;
    machine_reboot();
}
/* Until the head is in the second block. */
static void fill_first(void) { while (get4(m.chip.cells + 32768 + 24) == UINT32_MAX) work(1); }
static void let_proofs_fail(void)
{
    unsigned i;
    proofs.failing = true;
    while (proofs.failed == 0) { (void)!inngest_send(&m.jobs, "quick", NULL, 0); (void)machine_tick(); }
    for (i = 0; i < 5000 && !m.chip.dead; i++) {
        (void)machine_tick();
        m.now += 1000;
    }
    CHECK(proofs.failed > 100);
}
static void proofs_fail(uint32_t size)
{
    static const char data[60];
    inngest_event event = { "quick", NULL, 0, "id", 0 };
    unsigned i;
    open_proofs(false);
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
    fill_first();
    m.now += INNGEST_HOURS(20);
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    SEND("quick", data, size);
    CHECK(machine_run(1));
    let_proofs_fail();
    CHECK(m.chip.dead);
    for (i = 0; i < 8; i++) CHECK(m.jobs.voids[i][0] == m.jobs.voids[i][1] || m.jobs.voids[i][0] / 8192 < m.jobs.head_block);    /* gone with the block */
    flash_power_on(&m.chip);
    machine_reboot();
    CHECK(machine_run(INNGEST_HOURS(5)));              /* a day is over, and the id forgotten */
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1) && machine_counters().duplicates == 0);
    MACHINE_END();
}

/* The same where power is not lost: of an id that had expired, and came again, what is in force is carried when it starts over. */
static void ids_start_over(void)
{
    inngest_event event = { "quick", NULL, 0, "id", 0 };
    unsigned i;
    open_proofs(true);
    for (i = 0; i < 2; i++) {
        CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1) && machine_counters().duplicates == 0);
        CHECK(machine_run(i ? 1 : INNGEST_HOURS(25)));
    }
    fill_first();
    let_proofs_fail();
    CHECK(!proofs.failing && !m.chip.dead);
    work(50);
    machine_reboot();
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1) && machine_counters().duplicates == 1);
    MACHINE_END();
}

/* Of a journal that is in pieces all is read. Headers are destroyed, any of them; or all is gone but for one header of an
 * erased block, and for a block in front of what it says. */
static void wipe(uint32_t place)
{
    memset(m.chip.cells + place * m.chip.port.block_size, 0xFF, m.chip.port.block_size);
    memset(m.chip.units + place * m.chip.port.block_size / m.chip.port.program_size, 0, m.chip.port.block_size / m.chip.port.program_size);
}

static bool is_erased(uint32_t place)
{
    uint32_t i;
    for (i = 24; i < m.chip.port.block_size && m.chip.cells[place * m.chip.port.block_size + i] == 0xFF; i++) { }
    return i == m.chip.port.block_size;
}

static void in_pieces(unsigned lives)
{
    unsigned n, mounted = 0;
    for (n = 0; n < lives; n++) {
        uint32_t random = n * 2654435761u + 1, blocks = 4 + n % 9, place, keep = n / 4 % blocks;
        TABLE(table, 1024, blocks);
        machine_reboot();
        if (n % 2 && blocks > 5) SEND("far", "", 0);              /* else it takes all the room */
        work(20 + n % 90);
        for (place = 0; place < blocks; place++) {
            bool erased = is_erased(place);
            random = random * 1664525u + 1013904223u;
            if (n % 4 < 2 ? random >> 30 > 0 : !erased && place == keep) memset(m.chip.cells + place * 1024, (random >> 20) % 2 ? 0 : 0xFF, 24);
            else if (n % 4 >= 2 && !erased) wipe(place);
        }
        if (machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK) {
            mounted++;
            work(100);
        }
        CHECK(m.chip.violations == 0);
        if (test_failed) { printf("  life %u\n", n); return; }
    }
    CHECK(mounted > lives / 2);
    flash_close(&m.chip);
}

/* ---- the same with and without ------------------------------------------------------------------------------------- */

typedef struct seen_runs { unsigned count; uint64_t id[MACHINE_RUNS]; int64_t due[MACHINE_RUNS]; int wait[MACHINE_RUNS]; uint32_t lost, damaged; } seen_runs;

static seen_runs look(void)
{
    seen_runs s;
    uint32_t cursor = 0;
    inngest_run_info info;
    memset(&s, 0, sizeof s);
    machine_reboot();
    s.lost = machine_counters().lost_runs;
    s.damaged = machine_counters().damaged;
    while (inngest_next_run(&m.jobs, &cursor, &info)) {
        unsigned at = s.count++;
        for (; at > 0 && s.id[at - 1] > info.id; at--) {     /* in order, which the engine does not promise */
            s.id[at] = s.id[at - 1];
            s.due[at] = s.due[at - 1];
            s.wait[at] = s.wait[at - 1];
        }
        s.id[at] = info.id;
        s.due[at] = info.deadline_in_ms;
        s.wait[at] = (int)info.wait;
    }
    return s;
}

static void forget_reach(void)
{
    uint32_t block;
    for (block = 0; block < m.chip.port.block_count; block++) {
        uint8_t *h = m.chip.cells + block * m.chip.port.block_size, crc[4];
        uint32_t sum;
        if (memcmp(h, "INJ1", 4) != 0 || get4(h + 20) != crc32_of(0, h, 20)) continue;
        h[18] = h[19] = 0;
        sum = crc32_of(0, h, 20);
        crc[0] = (uint8_t)sum;
        crc[1] = (uint8_t)(sum >> 8);
        crc[2] = (uint8_t)(sum >> 16);
        crc[3] = (uint8_t)(sum >> 24);
        memcpy(h + 20, crc, 4);
    }
}

static inngest_status random_life(inngest_ctx *ctx)
{
    uint8_t data[2] = { 0, 0 };
    unsigned i;
    INNGEST_TRY(inngest_event_data(ctx, data, 2));
    for (i = 0; i < data[0] % 4u; i++) {
        INNGEST_DO(ctx, "step") { }
        if (data[1] % 3 == 0) INNGEST_TRY(inngest_step_sleep(ctx, "nap", (uint32_t)data[1] * 500));
    }
    return INNGEST_OK;
}
static const inngest_function random_table[] = { { .id = "life", .event = "life", .handler = random_life, .journal_bytes = 300 } };

static void lives(unsigned n, uint32_t seed)
{
    static uint8_t before[16 * 1024];
    for (; n > 0; n--, seed++) {
        uint32_t random = seed * 2654435761u + 1, blocks = 4 + seed % 13, jobs = 40 + seed % 300;
        seen_runs with, without;
        TABLE(random_table, 1024, blocks);
        machine_reboot();
        while (jobs-- > 0) {
            uint8_t data[2];
            char id[2] = "a";
            inngest_event event = { "life", data, 2, NULL, 0 };
            random = random * 1664525u + 1013904223u;
            data[0] = (uint8_t)(random >> 24);
            data[1] = (uint8_t)(random >> 16);
            id[0] = (char)('a' + (random >> 13) % 9);
            if ((random >> 8) % 7 == 0) event.id = id;
            if (inngest_send_event(&m.jobs, &event) != INNGEST_OK) CHECK(machine_run(20000));     /* the queue is full */
            CHECK(machine_run((random >> 10) % 4 ? 0 : 20000));
        }
        memcpy(before, m.chip.cells, blocks * 1024);
        with = look();
        memcpy(m.chip.cells, before, blocks * 1024);
        forget_reach();
        without = look();
        CHECK(memcmp(&with, &without, sizeof with) == 0 && with.lost == 0 && with.damaged == 0);
        flash_close(&m.chip);
        if (test_failed) { printf("  seed %u\n", seed); return; }
    }
}

/* Fewer runs than a list names: it says so, and with as many all are there. */
static inngest_status sleeper(inngest_ctx *ctx) { return inngest_step_sleep(ctx, "nap", INNGEST_HOURS(100)); }
static inngest_status other(inngest_ctx *ctx) { INNGEST_DO(ctx, "do") { } return INNGEST_OK; }
static void fewer(void)
{
    static const inngest_function two[] = { { .id = "sleeper", .event = "sleep", .handler = sleeper, .journal_bytes = 64 },
                                            { .id = "other", .event = "other", .handler = other, .journal_bytes = 60 } };
    unsigned i;
    machine_open(two, 2, 1024, 16, 4);
    machine_reboot();
    for (i = 0; i < 5; i++) CHECK(inngest_send(&m.jobs, "sleep", NULL, 0) == INNGEST_OK && machine_run(1));
    for (i = 0; i < 200; i++) CHECK(inngest_send(&m.jobs, "other", NULL, 0) == INNGEST_OK && machine_run(1));
    CHECK(m.jobs.list != 0);
    for (i = 0; i < 5; i++) {
        m.config.runs = i;
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == (i ? INNGEST_ERR_RUNS_FULL : INNGEST_ERR_ARGUMENT));
    }
    m.config.runs = 5;
    machine_reboot();
    CHECK(machine_runs(NULL) == 5 && machine_counters().lost_runs == 0);
    MACHINE_END();
}

/* A disk: the process is killed behind the proof of a reclaim, and at the first sync of each start, until the last block is full. What
 * proves that the tail may go is synced then before that is erased. */
static struct { bool at_proof, armed, synced; unsigned programs, early, at_once; } killed;
static int program_killed(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *b = data;
    int result = program_below(context, address, data, size);
    killed.programs++;
    if (killed.at_proof && size >= 16 && (b[4] & 0x8F) == 15 && get4(b + 8) % (1u << 24) == m.jobs.tail_block) machine_crash();
    return result;
}
static int sync_killed(void *context)
{
    (void)context;
    if (killed.armed && killed.programs) machine_crash();
    if (killed.armed && !killed.synced && ++killed.at_once == 1) return -5;    /* the first one fails: nothing is erased then */
    killed.synced = true;
    return 0;
}
static int erase_killed(void *context, uint32_t address)
{
    killed.early += killed.armed && !killed.synced && get4(m.chip.cells + address + 8) != m.jobs.last_block + 1;    /* the last one, again, holds nothing */
    return erase_below(context, address);
}
static void killed_behind_proof(void)
{
    static unsigned boots;
    TABLE(table, 1024, 4);
    m.chip.port.sync = sync_killed;
    put_above(program_killed, erase_killed);
    memset(&killed, 0, sizeof killed);
    machine_reboot();
    SEND("far", "", 0);
    CHECK(machine_run(1) && machine_runs(NULL) == 1);
    killed.at_proof = true;
    if (setjmp(machine_reset_vector) == 0) fill(2000);
    killed.at_proof = false;
    killed.armed = true;
    for (boots = 0; boots < 1000 && killed.at_once < 2; boots++) {
        killed.programs = 0;
        killed.synced = false;
        if (setjmp(machine_reset_vector) == 0) CHECK(machine_boot(INNGEST_RESET_POWER_ON) == (killed.at_once == 1 ? INNGEST_ERR_SYNC : INNGEST_OK));
    }
    killed.armed = false;
    CHECK(killed.at_once == 2 && killed.early == 0);
    machine_reboot();
    CHECK(machine_run(4000) && machine_runs(NULL) == 0 && machine_counters().lost_runs == 0);
    CHECK_TRACE("a b end");
    MACHINE_END();
}

/* What stood in front of a list and is not in it counts no longer, whatever has become of its end. */
static void to_the_next_list(void)
{
    uint32_t list = m.jobs.list;
    while (m.jobs.list == list) {
        fill(2);
        (void)machine_tick();
    }
}
static void ends_by_list(void)
{
    uint8_t *end;
    unsigned i;
    TABLE(table, 4096, 32);
    machine_reboot();
    fill(100);
    for (i = 0; i < 2; i++) {                          /* behind the first job a list stands */
        SEND("quick", "", 0);
        CHECK(machine_run(1) && machine_runs(NULL) == 0);
    }
    end = m.chip.cells + m.jobs.written / 1024 % 32 * 4096 + m.jobs.written % 1024 * 4;
    CHECK((end[4] & 15) == 2);
    to_the_next_list();                                /* no block's header names it: all are from before */
    end[8] ^= 4;
    machine_reboot();
    CHECK(machine_runs(NULL) == 0 && machine_counters().damaged > 0 && machine_counters().lost_runs == 0);
    MACHINE_END();
}

/* A list that reads differently from one time to another is not heard: all is read then, and the same comes out. */
static struct { uint32_t from, to, spoilt, met; } twisted;
static int (*read_below)(void *, uint32_t, void *, uint32_t);
static int read_twisted(void *context, uint32_t address, void *data, uint32_t size)
{
    int status = read_below(context, address, data, size);
    if (address < twisted.to && address + size > twisted.from && ++twisted.met == twisted.spoilt)
        ((uint8_t *)data)[twisted.from > address ? twisted.from - address : 0] ^= 0x10;
    return status;
}
static void twisted_list(void)
{
    unsigned distrusted = 0;
    uint32_t at;
    TABLE(table, 1024, 32);
    read_below = m.chip.port.read;
    machine_reboot();
    fill(1500);
    SEND("far", "", 0);
    CHECK(machine_run(1));
    to_the_next_list();
    at = m.jobs.list;
    twisted.from = (at / 256 % 32) * 1024 + at % 256 * 4 + 12;             /* its payload: next run, time, positions */
    m.chip.port.read = read_twisted;
    for (twisted.spoilt = 1; twisted.spoilt < 60; twisted.spoilt++) {
        twisted.to = twisted.from + 4 + twisted.spoilt % 3 * 4;
        twisted.from += twisted.spoilt % 5;
        twisted.met = 0;
        machine_reboot();
        distrusted += m.jobs.distrusted;
        CHECK(machine_runs(NULL) == 1 && machine_counters().lost_runs == 0);
        twisted.from -= twisted.spoilt % 5;
    }
    CHECK(distrusted > 2);
    m.chip.port.read = read_below;
    machine_reboot();
    CHECK(machine_run(4000) && machine_runs(NULL) == 0);
    CHECK_TRACE("a b end");
    MACHINE_END();
}

/* A journal whose newest TIME, at the position given, knows the wall clock. */
static uint32_t dated_journal(void)
{
    TABLE(table, 4096, 16);
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    CHECK(machine_tick() > 0);
    return m.jobs.time_position;
}

/* A TIME is written for lists where the newest one is 6 days old, but where that one knows the clock not in a boot's first minute, whatever
 * waits: it would say that the clock is not known, and the next boot would not count for a sleep how long it was dark before. */
static void no_time_at_once(void)
{
    uint32_t dated = dated_journal();
    m.now += INNGEST_DAYS(10);
    m.jobs.stamp = m.jobs.now + INNGEST_DAYS(10);      /* power goes in front of the TIME of this tick */
    CHECK(inngest_send(&m.jobs, "far", "", 0) == INNGEST_OK && machine_tick() > 0 && m.jobs.time_position == dated);
    machine_reboot();
    work(1);
    CHECK(machine_run(100) && m.jobs.time_position == dated);
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON + INNGEST_DAYS(20), m.now);
    CHECK(machine_tick() > 0 && m.jobs.now >= INNGEST_DAYS(20));
    MACHINE_END();
}

/* Later in the boot it is. */
static void time_of_old(void)
{
    uint32_t dated;
    (void)dated_journal();
    machine_reboot();                                  /* which writes it again */
    dated = m.jobs.time_position;
    CHECK(machine_tick() > 0);
    m.now += INNGEST_DAYS(7);
    work(1);
    CHECK(m.jobs.time_position != dated);
    MACHINE_END();
}

/* Where the newest TIME knows no clock there is nothing to hide. Boots of less than a minute each, one behind the other, which take so
 * many days in all, must not begin anew. */
static void days_of_short_boots(void)
{
    unsigned boot;
    TABLE(table, 1024, 40);
    for (boot = 0; boot < 6; boot++) {
        machine_reboot();
        m.jobs.now += INNGEST_DAYS(7);
        m.jobs.booted = m.jobs.now;
        work(60);
    }
    machine_reboot();
    CHECK(m.jobs.now == INNGEST_DAYS(42));
    MACHINE_END();
}

/* The newest block is found by bisection, as long as each header that is met is of this lap or the one before: else all are read. */
static void odd_headers(void)
{
    uint32_t kind, last, place, crc, i;
    for (kind = 0; kind < 4; kind++) {
        uint8_t *b;
        TABLE(table, 1024, 16);
        machine_reboot();
        SEND("far", "", 0);
        while (m.jobs.last_block < 50 + kind) work(1);
        CHECK(inngest_close(&m.jobs) == INNGEST_OK);
        last = m.jobs.last_block;
        place = last % 16 < 8 ? 8 : 0;                 /* looked at first, and of the lap before */
        b = m.chip.cells + place * 1024;
        CHECK(get4(b + 8) == last - last % 16 + place - (place ? 16 : 0));
        if (kind == 1) b[0] ^= 1;
        if (kind == 2) b[12] ^= 1;                     /* of another format */
        if (kind == 3) b[8] = (uint8_t)(b[8] - 16);    /* of a lap that is long over */
        for (crc = crc32_of(0, b, 20), i = 0; kind > 1 && i < 4; i++) b[20 + i] = (uint8_t)(crc >> 8 * i);
        m.chip.trace = count_reads;
        bytes_read = 0;
        machine_reboot();
        CHECK(m.jobs.last_block == last && machine_runs(NULL) == 1);
        m.chip.trace = NULL;
        CHECK(kind ? bytes_read > 16 * 24 : bytes_read < 3000);
        CHECK(machine_run(5000) && machine_runs(NULL) == 0);
        CHECK_TRACE("a b end");
        MACHINE_END();
    }
}

/* Two blocks in front of the head have come to read as blank: they are not the end. */
static void blank_in_front(void)
{
    uint32_t head, k;
    TABLE(table, 1024, 60);
    machine_reboot();
    while (m.jobs.head_block < 150 || m.jobs.head_block - m.jobs.tail_block < 5 || m.jobs.head_offset < 200) work(1);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    head = m.jobs.head_block;
    CHECK(m.jobs.last_block - head > 12);              /* the search from the tail on is the shorter one */
    for (k = 1; k <= 2; k++) memset(m.chip.cells + (head - k) % 60 * 1024 + 24, 0xFF, 1000);
    machine_reboot();
    CHECK(m.jobs.head_block == head);
    MACHINE_END();
}

int main(int argc, char **argv)
{
    uint32_t i;
    no_further(false);
    no_further(true);
    tail_follows();
    distances();
    spoilt_ahead();
    far_parked();
    damaged_time();
    cuts();
    carrying_fails();
    for (i = 0; i < 60; i += 4) proofs_fail(i);
    ids_start_over();
    in_pieces(1000);
    fewer();
    killed_behind_proof();
    ends_by_list();
    twisted_list();
    no_time_at_once();
    time_of_old();
    days_of_short_boots();
    odd_headers();
    blank_in_front();
    lives(argc > 1 ? (unsigned)atoi(argv[1]) : 300, argc > 2 ? (uint32_t)atoi(argv[2]) : 1);
    return TEST_END();
}
