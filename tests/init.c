/* SPDX-License-Identifier: MIT
 * Promise: inngest_init refuses, with a status of its own and the function concerned, each table, configuration and
 * storage that it cannot serve, and a refusal changes no byte of the storage; what it accepts, works, at every
 * geometry; engines do not know of each other. */
#include "crc32.h"
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER
#define SEND(name, data, size) CHECK(inngest_send(&m.jobs, name, data, size) == INNGEST_OK)
#define COUNT(array) ((uint16_t)(sizeof (array) / sizeof *(array)))

/* A job with a result, a retry, a sleep and a step after it. */
static inngest_status job(inngest_ctx *ctx)
{
    int value = 0;
    char data[5];
    INNGEST_TRY(inngest_event_data(ctx, data, sizeof data));
    INNGEST_STEP(ctx, "value", value) {
        if (inngest_attempt(ctx) == 0) return INNGEST_RETRY;
        value = 7;
        trace("value");
    }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000));
    CHECK(value == 7 && memcmp(data, "data", 5) == 0);
    INNGEST_DO(ctx, "last") trace("last");
    return INNGEST_OK;
}
static const inngest_function jobs_table[] = { { .id = "job", .event = "test/go", .handler = job, .journal_bytes = 200, QUICK } };

static void fresh(void)
{
    machine_open(jobs_table, 1, 4096, 4, 4);
    CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);
}

/* Init gives this status and function, writes nothing, and leaves an engine that does nothing. */
static void refused_at(int line, inngest_status status, uint16_t index)
{
    uint32_t size = m.chip.port.block_size * m.chip.port.block_count, operations = m.chip.operations, cursor = 0;
    uint8_t *before = malloc(size);
    uint16_t at = 999;
    inngest_run_info info;
    inngest_status got;
    CHECK(before != NULL);
    if (before == NULL) return;
    memcpy(before, m.chip.cells, size);
    memset(&m.jobs, 0xA5, sizeof m.jobs);
    got = inngest_init(&m.jobs, &m.config, &at);
    if (got != status || at != index) printf("%s:%d: got %s, %u\n", __FILE__, line, inngest_status_name(got), at);
    CHECK(got == status && at == index);
    CHECK(m.chip.operations == operations && memcmp(before, m.chip.cells, size) == 0);
    CHECK(inngest_send(&m.jobs, "test/go", NULL, 0) == INNGEST_ERR_NOT_READY && inngest_tick(&m.jobs, 0) == UINT32_MAX);
    CHECK(inngest_close(&m.jobs) == INNGEST_ERR_NOT_READY && !inngest_next_run(&m.jobs, &cursor, &info));
    CHECK(inngest_cancel(&m.jobs, 1) == INNGEST_ERR_NOT_READY);
    free(before);
}
#define REFUSED(status, index) refused_at(__LINE__, status, index)

/* ---- the table ------------------------------------------------------------------------------------------------------- */

static const inngest_function good[] = {
    { .id = "a", .event = "test/a", .handler = job }, { .id = "b", .event = "test/*", .handler = job },
    { .id = "c", .event = "test/c.*", .handler = job }, { .id = "d", .event = "other", .handler = job } };
static inngest_function bad[4];

static char long_name[INNGEST_EVENT_BYTES + 2];
static void test_table(void)
{
    static const char *const wrong[] = { "*", "a*", "test*", "a/*b", "a/b*", "*/a", "a/*/b", "a/**", "**", "a/*.", "a/b-*", "", "inngest/function.failed", "inngest/*", long_name };
    static const inngest_status wanted = INNGEST_ERR_TABLE_EVENT;
    inngest_function many[INNGEST_FAN_OUT + 3];
    char ids[INNGEST_FAN_OUT + 3][4];
    unsigned i, k, blank;
    memset(long_name, 'n', sizeof long_name - 1);                  /* one more than any event has */
    fresh();
    memcpy(bad, good, sizeof bad);
    bad[0].event = long_name + 1;
    m.config.functions = bad;
    m.config.function_count = 1;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    for (blank = 0; blank < 2; blank++) {
        fresh();
        if (blank) CHECK(inngest_format(&m.chip.port) == INNGEST_OK);
        else { SEND("test/go", "data", 5); CHECK(machine_run(10)); }
        m.config.functions = bad;
        m.config.function_count = 4;
        for (i = 0; i < 4; i++) {
#define BAD(change, status) do { memcpy(bad, good, sizeof bad); bad[i].change; REFUSED(status, (uint16_t)i); } while (0)
            BAD(id = NULL, INNGEST_ERR_TABLE_ID);
            BAD(id = "", INNGEST_ERR_TABLE_ID);
            BAD(event = NULL, INNGEST_ERR_TABLE_EVENT);
            for (k = 0; k < sizeof wrong / sizeof *wrong; k++) BAD(event = wrong[k], wanted);
            BAD(handler = NULL, INNGEST_ERR_TABLE_HANDLER);
            BAD(backoff = one_second, INNGEST_ERR_TABLE_BACKOFF);
            BAD(backoff_count = 1, INNGEST_ERR_TABLE_BACKOFF);
            BAD(journal_bytes = 1, INNGEST_ERR_TABLE_BYTES);
            memcpy(bad, good, sizeof bad);
            bad[i].journal_bytes = 65535;
            REFUSED(INNGEST_ERR_TABLE_BYTES, i == 1 ? 0 : (uint16_t)i);   /* test/a starts both */
            if (i > 0) BAD(id = good[i - 1].id, INNGEST_ERR_TABLE_DOUBLE);
            if (i > 1) BAD(id = "a", INNGEST_ERR_TABLE_DOUBLE);
        }
        memset(many, 0, sizeof many);                            /* the fan-out counts wildcards with what they hold */
        for (i = 0; i < INNGEST_FAN_OUT + 3; i++) {
            (void)snprintf(ids[i], sizeof ids[i], "%u", i);
            many[i].id = ids[i];
            many[i].event = i < 4 ? "test/*" : i < 8 ? "test/a.*" : "test/a.b";
            many[i].handler = job;
            many[i].journal_bytes = 64;
        }
        m.config.functions = many;
        m.config.function_count = INNGEST_FAN_OUT + 1;
        REFUSED(INNGEST_ERR_TABLE_FAN_OUT, INNGEST_FAN_OUT);
        m.config.function_count = INNGEST_FAN_OUT + 3;
        many[8].event = many[9].event = many[10].event = "test/b";
        many[0].event = "none";
        many[1].event = "test/a";
        CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);   /* no event fits more than 8 */
        m.config.runs = 5;
        m.config.function_count = 8;
        REFUSED(INNGEST_ERR_TABLE_FAN_OUT, 4);                    /* six functions fit test/a.x, five places */
        m.config.runs = MACHINE_RUNS;
        for (i = 0; i < 8; i++) { many[i].journal_bytes = 450; many[i].event = "test/a"; }
        REFUSED(INNGEST_ERR_TABLE_BYTES, 0);                      /* each fits, all of one event do not */
        m.config.functions = good;
        m.config.function_count = COUNT(good);
        CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);
        m.config.functions = NULL;
        m.config.function_count = 0;
        CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);   /* an empty table is one */
        SEND("test/go", NULL, 0);
        CHECK(machine_run(10));
        CHECK(machine_counters().unmatched == 1);
        machine_trace[0] = 0;
        MACHINE_END();
    }
}

/* ---- the configuration ----------------------------------------------------------------------------------------------- */

static void test_config(void)
{
    static const uint32_t events[] = { 0, 1, 3, 5, 6, 12, 15, 32769, 65536, UINT32_MAX }, runs[] = { 0, 65535, 65536, UINT32_MAX };
    static const uint32_t sizes[] = { 0, 1, 256, 511, 513, 768, 4095, 4100, 524288, 0x80000000u, UINT32_MAX };
    static const uint32_t counts[] = { 0, 1, 65536, 65535, UINT32_MAX };
    static const uint16_t programs[] = { 0, 3, 5, 6, 12, 24, 33, 64, 128, 0xFFFF };
    static inngest_port port;
    static const inngest_config zero;
    inngest_config keep;
    unsigned i;
    fresh();
    SEND("test/go", "data", 5);
    CHECK(machine_run(10));
    keep = m.config;
    CHECK(inngest_init(NULL, &m.config, NULL) == INNGEST_ERR_ARGUMENT && inngest_init(&m.jobs, NULL, NULL) == INNGEST_ERR_ARGUMENT);
    CHECK(inngest_init_(&m.jobs, &m.config, NULL, sizeof m.jobs - 4) == INNGEST_ERR_MISMATCH);
    CHECK(inngest_init_(&m.jobs, &m.config, NULL, sizeof m.jobs + 8) == INNGEST_ERR_MISMATCH);
    m.config = zero;
    REFUSED(INNGEST_ERR_ARGUMENT, 0);
#define WRONG(change, status) do { m.config = keep; port = m.chip.port; m.config.port = &port; change; REFUSED(status, 0); } while (0)
    WRONG(m.config.port = NULL, INNGEST_ERR_ARGUMENT);
    WRONG(m.config.functions = NULL, INNGEST_ERR_ARGUMENT);
    WRONG(port.read = NULL, INNGEST_ERR_ARGUMENT);
    WRONG(port.program = NULL, INNGEST_ERR_ARGUMENT);
    WRONG(port.erase = NULL, INNGEST_ERR_ARGUMENT);
    for (i = 0; i < sizeof runs / sizeof *runs; i++) WRONG(m.config.runs = runs[i], INNGEST_ERR_ARGUMENT);
    for (i = 0; i < sizeof events / sizeof *events; i++) WRONG(m.config.events = events[i], INNGEST_ERR_ARGUMENT);
    WRONG(m.config.memory = NULL, INNGEST_ERR_MEMORY);
    if (sizeof(struct { char c; int64_t time; }) == 16) WRONG(m.config.memory = (char *)m.memory + 4, INNGEST_ERR_MEMORY);   /* i386: 4 will do */
    WRONG(m.config.memory = (char *)m.memory + 1, INNGEST_ERR_MEMORY);
    WRONG(m.config.memory_size = INNGEST_MEMORY(MACHINE_RUNS, MACHINE_EVENTS) - 1, INNGEST_ERR_MEMORY);
    WRONG(m.config.memory_size = 0, INNGEST_ERR_MEMORY);
    WRONG(m.config.runs = MACHINE_RUNS + 2; m.config.memory_size = INNGEST_MEMORY(MACHINE_RUNS, MACHINE_EVENTS), INNGEST_ERR_MEMORY);
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) WRONG(port.block_size = sizes[i], INNGEST_ERR_GEOMETRY);
    for (i = 0; i < sizeof counts / sizeof *counts; i++) WRONG(port.block_count = counts[i], INNGEST_ERR_GEOMETRY);
    for (i = 0; i < sizeof programs / sizeof *programs; i++) WRONG(port.program_size = programs[i], INNGEST_ERR_GEOMETRY);
    WRONG(port.block_size = 131072; port.block_count = 513, INNGEST_ERR_GEOMETRY);    /* 2^24 units of 4 at most */
    WRONG(port.block_size = 131072; port.block_count = 513; port.program_size = 1, INNGEST_ERR_GEOMETRY);
    WRONG(port.block_size = 131072; port.block_count = 65535; port.program_size = 32, INNGEST_ERR_GEOMETRY);
    m.config = keep;
    m.config.memory_size = INNGEST_MEMORY(MACHINE_RUNS, MACHINE_EVENTS);
    machine_reboot();
    CHECK(machine_run(60000));
    CHECK_TRACE("value last");
    MACHINE_END();
}

/* ---- the storage ----------------------------------------------------------------------------------------------------- */

/* Change a byte of a block's header and its checksum with it. */
static void patch(uint32_t block, unsigned at, uint8_t value)
{
    uint8_t *b = m.chip.cells + block * 4096;
    uint32_t sum;
    unsigned i;
    b[at] = value;
    for (sum = crc32_of(0, b, 20), i = 0; i < 4; i++) b[20 + i] = (uint8_t)(sum >> 8 * i);
}

static void test_foreign(void)
{
    uint32_t i, size = 4096 * 4, seed = 1;
    unsigned how;
    for (how = 0; how < 7; how++) {
        machine_open(jobs_table, 1, 4096, 4, 4);
        for (i = 0; i < size; i++) {
            seed = seed * 1664525u + 1013904223u;
            if (how == 0) m.chip.cells[i] = (uint8_t)(seed >> 24);
            if (how == 1) m.chip.cells[i] = 0;
            if (how == 2) m.chip.cells[i] = (uint8_t)"SQLite format 3"[i % 16];
        }
        if (how == 3) m.chip.cells[size - 1] = 0xFE;              /* one bit, in the last byte */
        if (how == 4) memcpy(m.chip.cells + 4096, "another one's data", 18);
        if (how == 5) memcpy(m.chip.cells, "\x7F" "ELF and more than the first header could have been", 52);
        if (how == 6) for (i = 0; i < 4; i++) memcpy(m.chip.cells + i * 4096, "INJ1\1\0\0\2 and a checksum that is none, then data", 48);
        REFUSED(INNGEST_ERR_FOREIGN, 0);
        CHECK(inngest_format(&m.chip.port) == INNGEST_OK);        /* knowingly */
        CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);
        SEND("test/go", "data", 5);
        CHECK(machine_run(60000));
        CHECK_TRACE("value last");
        MACHINE_END();
    }
}

static void test_versions(void)
{
    uint32_t i;
    inngest_port port;
    for (i = 0; i < 4; i++) {
        uint8_t *header;
        fresh();
        SEND("test/go", "data", 5);
        CHECK(machine_run(2000));
        CHECK_TRACE("value");
        header = m.chip.cells + i * 4096;
        CHECK(memcmp(header, "INJ1\1\0\0\142", 8) == 0);
        patch(i, 4, 2);
        REFUSED(INNGEST_ERR_VERSION, 0);
        patch(i, 4, 0);
        REFUSED(INNGEST_ERR_VERSION, 0);
        patch(i, 4, 1);
        patch(i, 6, 1);
        REFUSED(INNGEST_ERR_VERSION, 0);
        patch(i, 6, 0x80);
        REFUSED(INNGEST_ERR_VERSION, 0);
        patch(i, 6, 0);
        patch(i, 7, 0143);
        REFUSED(INNGEST_ERR_OTHER_GEOMETRY, 0);
        patch(i, 7, 200);
        REFUSED(INNGEST_ERR_OTHER_GEOMETRY, 0);
        patch(i, 7, 0142);
        port = m.chip.port;
        m.config.port = &port;
        port.block_count = 3;
        REFUSED(INNGEST_ERR_OTHER_GEOMETRY, 0);
        port.block_count = 2;
        REFUSED(INNGEST_ERR_OTHER_GEOMETRY, 0);
        port.block_count = 4;
        port.block_size = 2048;
        REFUSED(INNGEST_ERR_OTHER_GEOMETRY, 0);
        port.block_size = 8192;
        port.block_count = 2;
        REFUSED(INNGEST_ERR_OTHER_GEOMETRY, 0);
        port = m.chip.port;
        port.program_size = 1;
        REFUSED(INNGEST_ERR_OTHER_GEOMETRY, 0);
        port.program_size = 32;
        REFUSED(INNGEST_ERR_OTHER_GEOMETRY, 0);
        m.config.port = &m.chip.port;
        patch(i, 5, 9);                                           /* a newer minor version */
        patch(i, 18, 0xFF);                                       /* and features that may be ignored */
        machine_reboot();
        CHECK(machine_run(60000));
        CHECK_TRACE("last");
        MACHINE_END();
    }
}

/* More runs than places: refused, and nothing is lost when there are enough again. */
static void test_runs_full(void)
{
    unsigned i;
    for (i = 1; i < 6; i++) {
        fresh();
        for (unsigned k = 0; k < 5; k++) SEND("test/go", "data", 5);
        CHECK(machine_run(2000));
        CHECK_TRACE("value value value value value");
        if (i & 1) CHECK(inngest_close(&m.jobs) == INNGEST_OK);
        m.config.runs = i;
        if (i < 5) REFUSED(INNGEST_ERR_RUNS_FULL, 0);
        m.config.runs = 5;
        machine_reboot();
        CHECK(machine_runs(NULL) == 5);
        CHECK(machine_run(60000));
        CHECK_TRACE("last last last last last");
        MACHINE_END();
    }
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

static void test_life(void)
{
    uint64_t id;
    inngest_run_info info;
    uint32_t cursor = 0;
    fresh();
    SEND("test/go", "data", 5);
    CHECK(machine_run(2000));
    CHECK(machine_runs(&info) == 1);
    id = info.id;
    CHECK(inngest_init(&m.jobs, &m.config, NULL) == INNGEST_OK);  /* over a mounted one: as after a reset */
    CHECK(machine_runs(&info) == 1 && info.id == id);
    CHECK(machine_run(2000));
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/go", NULL, 0) == INNGEST_ERR_NOT_READY && inngest_flush(&m.jobs) == INNGEST_ERR_NOT_READY);
    CHECK(inngest_cancel(&m.jobs, id) == INNGEST_ERR_NOT_READY && inngest_close(&m.jobs) == INNGEST_ERR_NOT_READY);
    CHECK(inngest_tick(&m.jobs, m.now + 100000) == UINT32_MAX && !inngest_next_run(&m.jobs, &cursor, &info));
    inngest_wake(&m.jobs);
    inngest_set_wall_clock(&m.jobs, 1, m.now);
    CHECK_TRACE("value");
    CHECK(inngest_init(&m.jobs, &m.config, NULL) == INNGEST_OK);
    CHECK(machine_run(60000));
    CHECK_TRACE("last");
    /* Format: all is gone, and the next journal's ids are others. */
    SEND("test/go", "data", 5);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    CHECK(inngest_format(NULL) == INNGEST_ERR_ARGUMENT);
    CHECK(inngest_format(&m.chip.port) == INNGEST_OK);
    m.config.seed = 43;
    CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);
    CHECK(machine_runs(NULL) == 0);
    SEND("test/go", "data", 5);
    CHECK(machine_run(0));
    CHECK(machine_runs(&info) == 1 && info.id >> 32 != id >> 32);
    m.chip.dead = true;
    CHECK(inngest_format(&m.chip.port) == INNGEST_ERR_ERASE);
    flash_power_on(&m.chip);
    MACHINE_END();
}

/* Two engines on two chips, in any order of their calls. */
static flash chip2;
static inngest jobs2;
static int64_t memory2[INNGEST_MEMORY(4, 4) / 8 + 1];

static void test_two(void)
{
    inngest_config config;
    inngest_counters c;
    inngest_run_info info, info2;
    uint32_t cursor = 0, operations;
    fresh();
    CHECK(flash_open(&chip2, 1024, 8, 8, 2));
    config = m.config;
    config.port = &chip2.port;
    config.memory = memory2;
    config.memory_size = sizeof memory2;
    config.runs = config.events = 4;
    config.seed = 7;
    CHECK(inngest_init(&jobs2, &config, NULL) == INNGEST_OK);
    operations = chip2.operations;
    SEND("test/go", "data", 5);
    CHECK(machine_run(2000));
    CHECK_TRACE("value");
    CHECK(chip2.operations == operations && inngest_tick(&jobs2, 0) == UINT32_MAX);
    CHECK(inngest_send(&jobs2, "test/go", "data", 5) == INNGEST_OK);
    CHECK(inngest_tick(&jobs2, 0) == 1000 && inngest_tick(&jobs2, 1000) == 5000);
    CHECK_TRACE("value");
    CHECK(machine_runs(&info) == 1 && inngest_next_run(&jobs2, &cursor, &info2) && info.id != info2.id);
    CHECK(inngest_cancel(&jobs2, info.id) == INNGEST_ERR_NOT_FOUND && inngest_cancel(&m.jobs, info2.id) == INNGEST_ERR_NOT_FOUND);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    CHECK(inngest_tick(&jobs2, 6000) == UINT32_MAX);
    CHECK_TRACE("last");
    inngest_get_counters(&jobs2, &c);
    CHECK(c.runs_started == 1 && c.runs_ended == 1 && c.events == 1);
    CHECK(inngest_close(&jobs2) == INNGEST_OK);
    CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);
    CHECK(machine_run(60000));
    CHECK_TRACE("last");
    CHECK(chip2.violations == 0);
    flash_close(&chip2);
    MACHINE_END();
}

/* Every geometry: refused because the table does not fit, or jobs run to their end, resets and reclaim between. */
static void test_geometries(void)
{
    static const uint32_t counts[] = { 2, 3, 4, 5, 8, 17 };
    uint32_t size, c, round, rounds, again;
    uint16_t g;
    unsigned accepted = 0;
    for (size = 512; size <= 131072; size *= 2)
    for (c = 0; c < sizeof counts / sizeof *counts; c++)
    for (g = 1; g <= 32; g = (uint16_t)(2 * g)) {
        uint32_t count = counts[c];
        inngest_status status;
        machine_open(jobs_table, 1, size, count, g);
        m.config.runs = 1;
        status = machine_boot(INNGEST_RESET_UNKNOWN);
        if (size >= 2048 || (size == 1024 && count >= 4) || (size == 512 && count >= 8)) CHECK(status == INNGEST_OK);
        else if (status != INNGEST_OK) {
            CHECK(m.chip.operations == 0);
            REFUSED(INNGEST_ERR_TABLE_BYTES, 0);
            flash_close(&m.chip);
            continue;
        }
        accepted++;
        again = 0;
        rounds = size * count <= 16384 ? size * count / 100 : 3;
        for (round = 0; round < rounds; round++) {
            SEND("test/go", "data", 5);
            CHECK(machine_run(3000));
            CHECK_TRACE("value");
            if (round % 3 == 0) {                       /* power may have gone right behind an erase: that is done again */
                machine_reboot();
                again++;
            }
            if (round % 3 == 1) { CHECK(inngest_close(&m.jobs) == INNGEST_OK && machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK); }
            CHECK(machine_run(10000));
            CHECK_TRACE("last");
            CHECK(machine_runs(NULL) == 0);
        }
        if (rounds > 3) CHECK(m.chip.wear[0] > 1 && m.chip.wear[count - 1] > 0);
        for (round = 0; round < count; round++) CHECK(m.chip.wear[round] + 1 + again >= m.chip.wear[0] && m.chip.wear[round] <= m.chip.wear[0] + 1 + again);
        MACHINE_END();
    }
    CHECK(accepted > 250);
}

int main(void)
{
    test_table();
    test_config();
    test_foreign();
    test_versions();
    test_runs_full();
    test_life();
    test_two();
    test_geometries();
    return TEST_END();
}
