/* SPDX-License-Identifier: MIT
 * The format: the test vectors of port/JOURNAL.md are what the engine writes; and what a mount makes of places that a
 * power cut or a blank chip leaves behind. */
#include "machine.h"

static const uint32_t one_second[] = { 1 };

static inngest_status job(inngest_ctx *ctx)
{
    static const uint8_t four[4] = { 1, 2, 3, 4 };
    uint8_t value[4], wide[256];
    INNGEST_STEP(ctx, "read", value) {
        if (inngest_attempt(ctx) == 0) return inngest_retry(ctx, -5, "bus");
        memcpy(value, four, sizeof four);
    }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_SECONDS(10)));
    INNGEST_STEP(ctx, "wide", wide) memset(wide, 7, sizeof wide);
    return INNGEST_OK;
}

static inngest_status idle_job(inngest_ctx *ctx)
{
    return inngest_step_sleep(ctx, "nap", INNGEST_DAYS(100));
}

static inngest_status short_job(inngest_ctx *ctx)
{
    char text[128];
    INNGEST_STEP(ctx, "text", text) memset(text, 'x', sizeof text);
    return INNGEST_OK;
}

static const inngest_function table[] = {
    { .id = "job", .event = "test/job", .handler = job, .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER },
    { .id = "idle", .event = "test/idle", .handler = idle_job, .journal_bytes = 64 },
    { .id = "short", .event = "test/short", .handler = short_job, .journal_bytes = 256 },
};

/* Compare the rows of the document that begin with "| 0x" (offset, bytes in hex, what) with the chip. */
static void vectors(void)
{
    const inngest_event event = { .name = "test/job", .data = "hi", .size = 2, .id = "id-1", .ts = 0 };
    char line[1024];
    unsigned rows = 0;
    FILE *f = fopen("port/JOURNAL.md", "r");
    CHECK(f != NULL);
    machine_open(table, 1, 2048, 4, 4);
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    CHECK(machine_run(0));
    inngest_set_wall_clock(&m.jobs, INT64_C(1767225600000), m.now);
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK);
    CHECK(machine_run(60000) && machine_runs(NULL) == 0);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    while (f && fgets(line, sizeof line, f)) {
        char *at;
        unsigned long offset;
        unsigned byte, same = 1, n = 0;
        if (strncmp(line, "| 0x", 4) != 0) continue;
        offset = strtoul(line + 2, &at, 16);
        at = strchr(at, '`');
        for (at++; sscanf(at, "%2x", &byte) == 1 && *at != '`'; at += 2, n++) same = same && m.chip.cells[offset + n] == byte;
        CHECK(same && n >= 12);
        if (!same) printf("  row at 0x%lx\n", offset);
        rows++;
    }
    CHECK(rows == 11);
    if (f) fclose(f);
    MACHINE_END();
}

static int (*read_below)(void *, uint32_t, void *, uint32_t);
static uint64_t bytes_read;

static int counting_read(void *context, uint32_t address, void *data, uint32_t size)
{
    bytes_read += size;
    return read_below(context, address, data, size);
}

/* Blank and torn places must not be read again and again, least of all in large blocks. */
static void mount_reads(void)
{
    const uint32_t block = 131072;
    uint32_t i;
    machine_open(table, 2, block, 4, 8);
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/idle", NULL, 0) == INNGEST_OK);
    CHECK(machine_run(0));
    read_below = m.chip.port.read;
    m.chip.port.read = counting_read;
    bytes_read = 0;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    CHECK(bytes_read < 6 * 4 * (uint64_t)block);
    for (i = 2 * block; i < 3 * block; i++) m.chip.cells[i] = (uint8_t)(rand() >> 4);
    bytes_read = 0;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    CHECK(bytes_read < 60 * 4 * (uint64_t)block && machine_runs(NULL) == 1);
    MACHINE_END();
}

/* The erase of a reclaimed block is cut short and leaves the start of a run that has ended, but not its end. */
static void half_erased(void)
{
    static uint8_t before[8 * 1024];
    const uint32_t size = 1024;
    unsigned i, found = 0;
    machine_open(table, 3, size, 6, 4);
    m.config.runs = 1;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    for (i = 0; i < 200 && found < 3; i++) {
        uint32_t erases = machine_counters().erases, block, at;
        memcpy(before, m.chip.cells, 6 * size);
        CHECK(inngest_send(&m.jobs, "test/short", "abcdefgh", 8) == INNGEST_OK);
        m.chip.cut_at = 0;
        CHECK(machine_run(0) && machine_runs(NULL) == 0);
        if (machine_counters().erases == erases) continue;
        block = m.jobs.last_block % 6;
        for (at = 32; at < size && memcmp(before + block * size + at, "test/shortabcdefgh", 18) != 0; at++) { }
        if (at == size) continue;
        memcpy(m.chip.cells + block * size, before + block * size, at + 18);
        memset(m.chip.cells + block * size, 0x55, 32);
        found++;
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
        CHECK(machine_runs(NULL) == 0);
    }
    CHECK(found == 3);
    CHECK(m.chip.violations == 0);
    MACHINE_END();
}

/* The link of a record is 24 bits of units: a larger journal is refused. */
static void too_large(void)
{
    machine_open(table, 1, 512, 4, 8);
    m.chip.port.block_size = 131072;
    m.chip.port.block_count = 1024 + 1;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_GEOMETRY);
    m.chip.port.program_size = 1;
    m.chip.port.block_count = 512 + 1;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_GEOMETRY);
    flash_close(&m.chip);
}

/* A boot after a stop that was not clean, which erases nothing and stops in order: that the newest erased block's header
 * is not sure is on record. */
static void not_sure(void)
{
    unsigned unclean, at, stops;
    for (unclean = 0; unclean < 2; unclean++) {
        machine_open(table, 3, 1024, 6, 4);
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
        CHECK(inngest_send(&m.jobs, "test/short", "abcdefgh", 8) == INNGEST_OK && machine_run(0));
        if (unclean) CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
        CHECK(inngest_close(&m.jobs) == INNGEST_OK);
        for (at = stops = 0; at < 1024 - 16; at += 4) {
            const uint8_t *r = m.chip.cells + at;
            if (r[4] != 0x8D || r[5] != 12 || r[6] || r[7]) continue;
            CHECK(r[8] == unclean && r[9] == 0 && r[10] == 0);
            stops++;
        }
        CHECK(stops == 1);
        flash_close(&m.chip);
    }
}

/* The first event id of a boot writes a TIME, as what the mount knew of the time may be that of a run that has ended. The
 * ids that follow, in the same tick or later, write none. */
static void one_stamp(void)
{
    inngest_event event = { .name = "test/short", .data = "hi", .size = 2, .id = NULL };
    char id[] = "id-0";
    unsigned at, boots, stamps, ids;
    machine_open(table, 3, 2048, 4, 4);
    for (boots = 1; boots <= 2; boots++) {
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
        event.id = id;
        for (ids = 0; ids < 3; ids++, id[3]++) {
            CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK);
            if (ids) CHECK(machine_run(5));
        }
        for (at = stamps = ids = 0; at < 2048 - 16; at += 4) {
            const uint8_t *r = m.chip.cells + at;
            if (r[6] || r[7]) continue;
            if ((r[4] & 0x7F) == 0x0D && r[5] == 12) stamps++;
            if ((r[4] & 0x7F) == 0x2E && r[5] == 14) ids++;
        }
        CHECK(stamps == boots && ids == 3 * boots);
    }
    MACHINE_END();
}

int main(void)
{
    too_large();
    not_sure();
    one_stamp();
    vectors();
    mount_reads();
    half_erased();
    return TEST_END();
}
