/* SPDX-License-Identifier: MIT
 * A small machine for tests of jobs: an engine on the flash emulator with a virtual clock, resets from inside user
 * code, and a trace of words that says what happened in which order. */
#ifndef MACHINE_H
#define MACHINE_H
#include "../port/flash_emulator/flash_emulator.h"
#include "test.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#ifndef MACHINE_RUNS
#define MACHINE_RUNS 16
#endif
#define MACHINE_EVENTS 16

typedef struct machine {
    flash chip;
    inngest jobs;
    inngest_config config;
    int64_t memory[INNGEST_MEMORY(MACHINE_RUNS, MACHINE_EVENTS) / 8 + 1];
    uint32_t now;              /* what the tick is told, in ms */
    uint32_t ticks;
    unsigned crashes;          /* resets from inside user code */
    bool up;
} machine;

static machine m;              /* one a test file */
static jmp_buf machine_reset_vector;
static char machine_trace[4096];

/* Add a word to the trace. */
static inline void trace(const char *format, ...)
{
    size_t used = strlen(machine_trace);
    va_list list;
    if (used > 0 && used + 2 < sizeof machine_trace) { machine_trace[used++] = ' '; machine_trace[used] = 0; }
    va_start(list, format);
    (void)vsnprintf(machine_trace + used, sizeof machine_trace - used, format, list);
    va_end(list);
}

/* Compare the trace since the last call, and empty it. */
#define CHECK_TRACE(expected) do { \
    bool same_ = strcmp(machine_trace, expected) == 0; \
    CHECK(same_); \
    if (!same_) printf("  expected: %s\n  got:      %s\n", expected, machine_trace); \
    machine_trace[0] = 0; } while (0)

/* A fresh chip and a table; not booted yet. */
static inline void machine_open(const inngest_function *functions, uint16_t count, uint32_t block, uint32_t blocks, uint16_t g)
{
    flash_close(&m.chip);
    memset(&m, 0, sizeof m);
    machine_trace[0] = 0;
    CHECK(flash_open(&m.chip, block, blocks, g, 1));
    m.config.functions = functions;
    m.config.function_count = count;
    m.config.port = &m.chip.port;
    m.config.memory = m.memory;
    m.config.memory_size = sizeof m.memory;
    m.config.runs = MACHINE_RUNS;
    m.config.events = MACHINE_EVENTS;
    m.config.seed = 42;
}

/* Start the engine: RAM holds junk before, only the chip is kept. */
static inline inngest_status machine_boot(inngest_reset reset)
{
    inngest_status status;
    memset(&m.jobs, 0xA5, sizeof m.jobs);
    memset(m.memory, 0x5A, sizeof m.memory);
    m.config.reset = reset;
    status = inngest_init(&m.jobs, &m.config, NULL);
    m.up = status == INNGEST_OK;
    return status;
}

/* Reset the machine from inside a handler, a step, a predicate or a hook: does not return. */
static inline void machine_crash(void)
{
    m.crashes++;
    longjmp(machine_reset_vector, 1);
}

/* One tick. UINT32_MAX - 1: the machine was reset in it and is not booted. */
#define MACHINE_CRASHED (UINT32_MAX - 1)
static inline uint32_t machine_tick(void)
{
    m.ticks++;
    if (setjmp(machine_reset_vector) != 0) {
        m.up = false;
        return MACHINE_CRASHED;
    }
    return inngest_tick(&m.jobs, m.now);
}

/* Let ms of virtual time pass, ticking when something is due. False: the machine was reset and is not booted. */
static inline bool machine_run(uint32_t ms)
{
    for (;;) {
        uint32_t next = machine_tick();
        if (next == MACHINE_CRASHED) return false;
        if (next > ms) {
            m.now += ms;
            return machine_tick() != MACHINE_CRASHED;
        }
        m.now += next;
        ms -= next;
        if (next == 0 && m.ticks > 10000000) return true;   /* never ends: the checks that follow fail */
    }
}

/* The number of live runs; *info: the first one. */
static inline unsigned machine_runs(inngest_run_info *info)
{
    uint32_t cursor = 0;
    unsigned n = 0;
    inngest_run_info other;
    while (inngest_next_run(&m.jobs, &cursor, n == 0 && info ? info : &other)) n++;
    return n;
}

static inline inngest_counters machine_counters(void)
{
    inngest_counters c;
    memset(&c, 0, sizeof c);
    inngest_get_counters(&m.jobs, &c);
    return c;
}

/* What the last run ended with, by the end hook. */
typedef struct machine_end_seen {
    unsigned count;
    uint64_t id;
    inngest_status status;
    inngest_error_info error;  /* all zero if it ended well */
    char function[24];
} machine_end_seen;
static machine_end_seen machine_ended;

static inline void machine_run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    machine_ended.count++;
    machine_ended.id = info->id;
    machine_ended.status = info->status;
    memset(&machine_ended.error, 0, sizeof machine_ended.error);
    if (info->error) machine_ended.error = *info->error;
    (void)snprintf(machine_ended.function, sizeof machine_ended.function, "%s", info->function ? info->function : "");
}

/* The last run ended with this status; of a failure: with this error. */
static inline bool machine_ended_as(inngest_status status, inngest_status error, const char *message)
{
    bool same = machine_ended.status == status && (status == INNGEST_OK ? error == INNGEST_OK : machine_ended.error.status == error);
    same = same && (message == NULL || strcmp(machine_ended.error.message, message) == 0);
    if (!same) printf("  ended %u: %s, %s \"%s\" %d\n", machine_ended.count, inngest_status_name(machine_ended.status),
                      inngest_status_name(machine_ended.error.status), machine_ended.error.message, (int)machine_ended.error.status);
    return same;
}

/* The machine was reset, or is to be: start it again. */
static inline void machine_reboot(void) { CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK); }

/* What every test must end with: nothing was programmed twice. */
#define MACHINE_END() do { CHECK(m.chip.violations == 0); flash_close(&m.chip); } while (0)
#endif
