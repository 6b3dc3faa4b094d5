/* SPDX-License-Identifier: MIT
 * What the benchmarks share: a chip in memory that counts and sorts what is programmed, the reference job, figures. */
#ifndef BENCH_H
#define BENCH_H
#define _POSIX_C_SOURCE 200809L
#include "inngest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Kinds of records, see port/JOURNAL.md. */
enum { START = 1, END = 2, RESULT = 4, TIME = 13, HEADERS = 16, CARRIED = 17, CLASSES = 18 };

typedef struct chip {
    inngest_port port;
    uint8_t *cells, *programmed;
    uint32_t *wear;
    uint64_t bytes[CLASSES], calls[CLASSES];   /* programmed, by the kind of the record that begins the call */
    uint64_t erases, read, violations;
    uint32_t next, left;                       /* of the record that is being programmed */
    unsigned kind;
} chip;

/* Which record begins here, and how long it is. */
static inline void chip_record(chip *c, uint32_t address, const uint8_t *d, uint32_t size)
{
    uint32_t unit = c->port.program_size < 4 ? 4 : c->port.program_size, in_block = address & (c->port.block_size - 1), header;
    c->next = address;
    if (in_block == 0) { c->kind = HEADERS; c->left = (24 + unit - 1) & ~(unit - 1); return; }
    if (size < 12) { c->kind = 0; c->left = size; return; }
    header = d[4] & 0x40 ? 16 : 12;
    c->kind = (d[4] & 0x1F) > 0x10 && (d[4] & 0x0F) != 15 ? CARRIED : d[4] & 0x0Fu;      /* a list's is no copy */
    c->left = header + d[5] + (header == 16 ? (uint32_t)d[15] << 8 : 0);
    c->left = (c->left + unit - 1) & ~(unit - 1);
    if (c->left > c->port.block_size - in_block) { c->kind = 0; c->left = size; }
}

static int chip_read(void *context, uint32_t address, void *data, uint32_t size)
{
    chip *c = context;
    c->read += size;
    memcpy(data, c->cells + address, size);
    return 0;
}

static int chip_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    chip *c = context;
    const uint8_t *d = data;
    uint32_t at, n, g = c->port.program_size;
    if (address % g || size % g || size == 0) c->violations++;
    for (at = address / g; at < (address + size) / g; at++) {
        if (c->programmed[at]) c->violations++;
        c->programmed[at] = 1;
    }
    for (at = 0; at < size; at += n) {
        if (c->left == 0 || address + at != c->next) chip_record(c, address + at, d + at, size - at);
        if (at == 0) c->calls[c->kind]++;
        n = c->left < size - at ? c->left : size - at;
        c->bytes[c->kind] += n;
        c->left -= n;
        c->next += n;
    }
    memcpy(c->cells + address, data, size);
    return 0;
}

static int chip_erase(void *context, uint32_t address)
{
    chip *c = context;
    uint32_t block = c->port.block_size, g = c->port.program_size;
    c->erases++;
    c->wear[address / block]++;
    memset(c->cells + address, 0xFF, block);
    memset(c->programmed + address / g, 0, block / g);
    return 0;
}

static inline void chip_open(chip *c, uint32_t block, uint32_t blocks, uint16_t g)
{
    memset(c, 0, sizeof *c);
    c->port.context = c;
    c->port.read = chip_read;
    c->port.program = chip_program;
    c->port.erase = chip_erase;
    c->port.block_size = block;
    c->port.block_count = blocks;
    c->port.program_size = g;
    c->cells = malloc((size_t)block * blocks);
    c->programmed = calloc((size_t)block / g * blocks, 1);
    c->wear = calloc(blocks, sizeof *c->wear);
    if (c->cells == NULL || c->programmed == NULL || c->wear == NULL) { fprintf(stderr, "out of memory\n"); exit(1); }
    memset(c->cells, 0xFF, (size_t)block * blocks);
}

static inline void chip_close(chip *c)
{
    if (c->violations) { printf("a unit was programmed twice, %llu times\n", (unsigned long long)c->violations); exit(1); }
    free(c->cells);
    free(c->programmed);
    free(c->wear);
}

static inline void chip_zero(chip *c)
{
    memset(c->bytes, 0, sizeof c->bytes);
    memset(c->calls, 0, sizeof c->calls);
    c->erases = c->read = 0;
}

static inline uint64_t sum(const uint64_t *of)
{
    uint64_t total = 0;
    int i;
    for (i = 0; i < CLASSES; i++) total += of[i];
    return total;
}

/* ---- the jobs ---------------------------------------------------------------------------------------------------- */

static struct { unsigned steps, naps, fails, size; bool read_event; void (*first_line)(void); } job_is = { 5, 0, 0, 32, false, NULL };

static inngest_status job(inngest_ctx *ctx)
{
    static const char *const ids[] = { "one", "two", "three", "four", "five", "six", "seven", "eight" };
    static const char *const naps[] = { "nap-1", "nap-2", "nap-3", "nap-4", "nap-5", "nap-6", "nap-7", "nap-8" };
    uint8_t result[256], event[64];
    unsigned i;
    if (job_is.first_line) job_is.first_line();
    if (job_is.read_event) INNGEST_TRY(inngest_event_data(ctx, event, sizeof event));
    for (i = 0; i < job_is.steps; i++) {
        INNGEST_STEP_(ctx, ids[i & 7], NULL, result, job_is.size) {
            if ((unsigned)inngest_attempt(ctx) < job_is.fails) return inngest_retry(ctx, 1, "timeout");
            memset(result, (int)i, job_is.size);
        }
        if (job_is.naps && i + 1 < job_is.steps) INNGEST_TRY(inngest_step_sleep(ctx, naps[i & 7], 1000));
    }
    return INNGEST_OK;
}

static unsigned sleeper_results;   /* of 32 bytes, before it sleeps for long */
static bool sleeper_wakes;
static inngest_status sleeper(inngest_ctx *ctx)
{
    uint8_t result[32];
    unsigned i;
    for (i = 0; i < sleeper_results; i++) INNGEST_STEP(ctx, "result", result) { memset(result, 7, sizeof result); }
    if (sleeper_wakes) INNGEST_TRY(inngest_step_sleep(ctx, "short", 1000));
    INNGEST_TRY(inngest_step_sleep(ctx, "long", INNGEST_DAYS(300)));
    return INNGEST_OK;
}

/* Has n results, and is called again every second with all of them replayed. */
static unsigned replayed;
static inngest_status replay(inngest_ctx *ctx)
{
    uint32_t value;
    unsigned i;
    for (i = 0; i < replayed; i++) INNGEST_STEP(ctx, "loop", value) { value = i; }
    INNGEST_DO(ctx, "poll") { return inngest_again(ctx, 1000); }
    return INNGEST_OK;
}

static inngest_function functions[] = {
    { .id = "job", .event = "app/work", .handler = job, .jitter_ms = INNGEST_NO_JITTER },
    { .id = "sleeper", .event = "app/sleep", .handler = sleeper, .jitter_ms = INNGEST_NO_JITTER },
    { .id = "replay", .event = "app/replay", .handler = replay, .jitter_ms = INNGEST_NO_JITTER },
};

/* ---- the engine ---------------------------------------------------------------------------------------------------- */

static inngest jobs;
static void *memory;
static uint32_t now, table_runs = 16;
static const uint8_t payload[256] = { 'e', 'v', 'e', 'n', 't' };

static inline inngest_status boot(const inngest_port *port, uint32_t runs, inngest_reset reset)
{
    inngest_config c;
    memset(&c, 0, sizeof c);
    c.functions = functions;
    c.function_count = sizeof functions / sizeof functions[0];
    c.port = port;
    c.memory_size = INNGEST_MEMORY((size_t)runs, 128);
    free(memory);
    c.memory = memory = malloc(c.memory_size);
    c.runs = table_runs = runs;
    c.events = 128;
    c.reset = reset;
    c.seed = 1;
    return inngest_init(&jobs, &c, NULL);
}

static inline void must(inngest_status status, const char *what)
{
    if (status == INNGEST_OK) return;
    printf("%s: %s\n", what, inngest_status_name(status));
    exit(1);
}

static inline inngest_counters counters(void)
{
    inngest_counters c;
    inngest_get_counters(&jobs, &c);
    return c;
}

static inline void stuck(const char *why)
{
    inngest_counters n = counters();
    inngest_run_info info;
    uint32_t cursor = 0;
    printf("%s: %u started, %u ended, %u ticks waited for room in the journal, %u for runs\n", why, (unsigned)n.runs_started,
           (unsigned)n.runs_ended, (unsigned)n.waiting_journal, (unsigned)n.waiting_runs);
    while (inngest_next_run(&jobs, &cursor, &info))
        printf("  %s: wait %d, due in %lld ms, %u of %u bytes\n", info.function, (int)info.wait, (long long)info.deadline_in_ms,
               (unsigned)info.journal_bytes, (unsigned)info.reserved_bytes);
    exit(1);
}

/* Tick, letting virtual time pass, until so many runs have ended since init. */
static inline void until_ended(uint32_t ended)
{
    uint32_t ticks = 0;
    while (counters().runs_ended < ended) {
        uint32_t next = inngest_tick(&jobs, now);
        if (counters().runs_ended >= ended) break;
        if (next == UINT32_MAX || ticks++ > 10000) { stuck("the jobs do not end"); }
        now += next;
    }
    if (counters().runs_failed) { printf("a job failed\n"); exit(1); }
}

static inline void do_jobs(unsigned n)
{
    uint32_t ended = counters().runs_ended;
    while (n-- > 0) {
        must(inngest_send(&jobs, "app/work", payload, 32), "send");
        until_ended(++ended);
    }
}

static inline void start_sleepers(unsigned n)
{
    uint32_t started = counters().runs_started;
    while (n-- > 0) {
        must(inngest_send(&jobs, "app/sleep", payload, 4), "send");
        (void)inngest_tick(&jobs, now);
        if (counters().runs_started != ++started) { printf("a sleeper was not started\n"); exit(1); }
    }
}

static inline void figure(const char *name, double value, const char *unit)
{
    const char *format = value >= 1000 ? "figure %s %.0f %s\n" : value >= 100 ? "figure %s %.1f %s\n" : "figure %s %.4g %s\n";
    printf(format, name, value, unit);
    fflush(stdout);
}

static inline double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double median(double *of, unsigned n)
{
    qsort(of, n, sizeof *of, by_value);
    return of[n / 2];
}
#endif
