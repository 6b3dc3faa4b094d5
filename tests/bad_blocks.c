/* SPDX-License-Identifier: MIT
 * Promise 3 where the flash itself fails. Programs and erases that fail leave all, some or nothing of their work; power
 * is cut right behind them, where nothing is to be seen of it: no unit is programmed twice, and nothing is lost. And a
 * block that refuses for good: it is reported, nothing is lost, and all goes on where the chip is mended. */
#include "machine.h"

#define JOBS 3
#define HOUR 3600000u
static struct { uint8_t ran[JOBS][3]; bool durable[JOBS][3]; unsigned again, failed; } seen;

static inngest_status job(inngest_ctx *ctx)
{
    uint8_t which, value = 0;
    int i;
    INNGEST_TRY(inngest_event_data(ctx, &which, 1));
    for (i = 0; i < 3; i++) {
        INNGEST_STEP(ctx, "step", value) {
            seen.again += seen.durable[which][i];
            seen.ran[which][i]++;
            value = (uint8_t)(which + i);
        }
        CHECK(value == which + i);
        seen.durable[which][i] = true;
        if (i == 1) INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    }
    return INNGEST_OK;
}
static void run_end(void *user, const inngest_end_info *info) { (void)user; seen.failed += info->status != INNGEST_OK; }
static inngest_function table[] = { { .id = "job", .event = "test/job", .handler = job, .journal_bytes = 100 } };
static const inngest_hooks hooks = { .run_end = run_end };

/* Which operations are refused, by any block. */
static struct { uint32_t from, until; flash_bad how; } window;
static void look(void *user, char operation, uint32_t address, uint32_t size)
{
    uint32_t i, now = m.chip.operations + 1;
    (void)user; (void)address; (void)size;
    if (operation == 'r') return;
    for (i = 0; i < m.chip.port.block_count; i++)
        flash_set_bad(&m.chip, i, now >= window.from && now < window.until ? window.how : FLASH_GOOD);
}

static void open_chip(uint32_t block, uint32_t blocks, uint16_t g)
{
    table[0].journal_bytes = g > 8 ? 320 : 100;
    machine_open(table, 1, block, blocks, g);
    m.config.hooks = &hooks;
    memset(&seen, 0, sizeof seen);
    memset(&window, 0, sizeof window);
}

/* Send what is not on record yet; then tick, mount where that is needed. False: a mount was refused. */
static unsigned sent;
static bool done(unsigned jobs)
{
    unsigned i, n = 0;
    for (i = 0; i < jobs; i++) n += seen.durable[i][2];
    return n == jobs && sent == jobs && m.up && machine_runs(NULL) == 0;
}

static bool go_on(unsigned turns, unsigned jobs)
{
    bool refused = false;
    for (; turns > 0 && !done(jobs); turns--) {
        static const char *const ids[JOBS] = { "a", "b", "c" };
        uint8_t which = (uint8_t)sent;
        inngest_event event = { .name = "test/job", .size = 1 };
        if (m.chip.dead) {
            flash_power_on(&m.chip);
            m.up = false;
        }
        if (!m.up) {
            inngest_status status = machine_boot(INNGEST_RESET_POWER_ON);
            refused = refused || (status != INNGEST_OK && !m.chip.dead);
            if (!m.up) { m.now += 1000; continue; }
        }
        event.data = &which;
        event.id = ids[sent % JOBS];
        if (sent < jobs && inngest_send_event(&m.jobs, &event) == INNGEST_OK && inngest_flush(&m.jobs) == INNGEST_OK) sent++;
        (void)machine_tick();
        m.now += 1000;
    }
    return !refused;
}

static void check_all(unsigned jobs)
{
    unsigned i, k;
    CHECK(done(jobs) && seen.failed == 0 && seen.again == 0 && m.chip.violations == 0);
    for (i = 0; i < jobs; i++) for (k = 0; k < 3; k++) CHECK(seen.ran[i][k] > 0);
}

/* So many operations fail from one on, and power is lost soon behind, in a program that leaves nothing to be seen. */
static unsigned long lives;
static void holes(uint32_t block, uint32_t blocks, uint16_t g, flash_bad how)
{
    uint32_t operations, from;
    unsigned tear, count, behind;
    open_chip(block, blocks, g);
    sent = 0;
    CHECK(go_on(100, JOBS));
    check_all(JOBS);
    operations = m.chip.operations;
    for (tear = 0; tear < 2 * FLASH_TEARS; tear++)
        for (from = blocks + 2; from <= operations && test_failed == 0; from++)
            for (count = 1; count <= 3; count++)
                for (behind = 0; behind < 3; behind++) {
                    open_chip(block, blocks, g);
                    sent = 0;
                    window.from = from;
                    window.until = from + count;
                    window.how = how;
                    m.chip.trace = look;
                    m.chip.bad_tear = (flash_tear)(tear / 2);
                    m.chip.bad_cells = tear % 2 ? FLASH_METASTABLE : FLASH_STABLE;
                    m.chip.tear = FLASH_TEAR_TOUCHED;
                    m.chip.cut_at = from + count + behind;
                    (void)go_on(300, JOBS);
                    check_all(JOBS);
                    lives++;
                    if (test_failed) {
                        printf("  %u x %u, unit %u: operations %u to %u refused, tear %u, cut in %u\n", (unsigned)blocks, (unsigned)block, g, (unsigned)from,
                               (unsigned)(from + count - 1), tear, (unsigned)m.chip.cut_at);
                        return;
                    }
                }
}

/* A block refuses for good, and what is left of it is all or nothing. Ticks come back within a second and say what it is,
 * a mount may be refused with the same, an event is not accepted where it has no place; no step whose record could not
 * be written is run over and over. With the chip mended all goes on where it was. */
static void for_good(uint32_t block, uint32_t blocks, uint16_t g, flash_bad how, uint32_t bad, bool reset)
{
    const inngest_status status = how == FLASH_BAD_ERASE ? INNGEST_ERR_ERASE : INNGEST_ERR_PROGRAM;
    unsigned i, stopped = 0;
    inngest_counters n;
    open_chip(block, blocks, g);
    sent = 0;
    CHECK(go_on(3, JOBS));                             /* some of it is done */
    flash_set_bad(&m.chip, bad, how);
    for (i = 0; i < 400; i++) {
        if (reset && i % 20 == 19) m.up = false;
        if (m.up || machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK) {
            uint32_t refused = m.chip.refused, next;
            inngest_status written;
            (void)inngest_set_wall_clock(&m.jobs, 1700000000000 + (i % 2) * 100000 + m.now, m.now);   /* something to write */
            next = machine_tick();
            written = inngest_flush(&m.jobs);
            n = machine_counters();
            if (m.chip.refused == refused) { m.now += 1000; continue; }
            stopped++;
            CHECK(next <= 1000 && n.port_errors > 0 && n.port_error == FLASH_ERROR_BAD);
            CHECK(written == INNGEST_OK || written == status || written == INNGEST_ERR_JOURNAL_FULL);
        } else {
            stopped++;
            CHECK(machine_boot(INNGEST_RESET_POWER_ON) == status || m.up);
        }
        m.now += 1000;
    }
    CHECK(stopped > 0);
    flash_set_bad(&m.chip, bad, FLASH_GOOD);
    CHECK(go_on(300, JOBS));
    check_all(JOBS);
    if (test_failed) printf("  %u x %u, unit %u: block %u bad, way %d%s\n", (unsigned)blocks, (unsigned)block, g, (unsigned)bad, how, reset ? ", reset" : "");
}

/* No block takes anything any more, or there is no room, and the time is to be stamped: the ticks do not ask to be called again
 * at once. */
static void no_rush(flash_bad how)
{
    unsigned i, k, zeros;
    open_chip(1024, 3, 4);
    sent = 0;
    CHECK(go_on(3, JOBS));
    for (k = 0; k < 200; k++) inngest_set_wall_clock(&m.jobs, 1700000000000 + (k % 2) * 100000 + m.now, m.now);   /* to the end of a block */
    for (i = 0; i < 3; i++) flash_set_bad(&m.chip, i, how);
    m.jobs.reserved += how == FLASH_GOOD ? UINT32_C(1) << 30 : 0;        /* no number of erased blocks is enough */
    for (k = 0; k < 200; k++) inngest_set_wall_clock(&m.jobs, 1700000000000 + (k % 2) * 100000 + m.now, m.now);
    m.now += HOUR;
    for (i = 0; i < 300; i++) {
        for (zeros = 0; zeros < 10 && machine_tick() == 0; zeros++) continue;
        CHECK(zeros < 10);
        m.now += 1000;
    }
    for (i = 0; i < 3; i++) flash_set_bad(&m.chip, i, FLASH_GOOD);
    m.jobs.reserved -= how == FLASH_GOOD ? UINT32_C(1) << 30 : 0;
    CHECK(go_on(300, JOBS));
    check_all(JOBS);
}

int main(void)
{
    static const struct { uint32_t block, blocks; uint16_t g; } chips[] = { { 1024, 2, 4 }, { 1024, 3, 4 }, { 4096, 2, 32 }, { 512, 6, 8 } };
    unsigned i, k;
    uint32_t bad;
    for (i = 0; i < sizeof chips / sizeof *chips; i++) {
        holes(chips[i].block, chips[i].blocks, chips[i].g, FLASH_BAD_PROGRAM);
        holes(chips[i].block, chips[i].blocks, chips[i].g, FLASH_BAD_ERASE);
    }
    for (i = 0; i < sizeof chips / sizeof *chips; i++)
        for (bad = 0; bad < chips[i].blocks; bad++)
            for (k = 0; k < 4; k++) for_good(chips[i].block, chips[i].blocks, chips[i].g, k < 2 ? FLASH_BAD_ERASE : FLASH_BAD_PROGRAM, bad, k % 2);
    no_rush(FLASH_GOOD);
    no_rush(FLASH_BAD_ERASE);
    no_rush(FLASH_BAD_PROGRAM);
    printf("%lu lives\n", lives);
    flash_close(&m.chip);
    return TEST_END();
}
