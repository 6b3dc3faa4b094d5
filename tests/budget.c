/* SPDX-License-Identifier: MIT
 * port/host/inngest-budget.c is right: what it says of a job's writes and of the live runs that fit is what the engine
 * does on the emulator. */
#define _POSIX_C_SOURCE 200809L
#include "machine.h"

static struct { unsigned steps, size, fails; bool naps, stays; } is;

static inngest_status job(inngest_ctx *ctx)
{
    uint8_t result[256];
    unsigned i;
    if (is.stays) return inngest_step_sleep(ctx, "stay", INNGEST_DAYS(300));
    for (i = 0; i < is.steps; i++) {
        INNGEST_STEP_(ctx, "step", NULL, result, is.size) {
            if (i == 0 && (unsigned)inngest_attempt(ctx) < is.fails) return INNGEST_RETRY;
            memset(result, 1, is.size);
        }
    }
    if (is.naps) INNGEST_TRY(inngest_step_sleep(ctx, "nap", 10));
    return INNGEST_OK;
}

static const uint32_t a_second[] = { 1 };
static const inngest_function functions[] = {
    { .id = "job", .event = "test/job", .handler = job, .backoff = a_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER } };
static uint64_t programmed;
static int (*program)(void *, uint32_t, const void *, uint32_t);
static int counted(void *context, uint32_t address, const void *data, uint32_t size)
{
    programmed += size;
    return program(context, address, data, size);
}

/* A figure of the tool's output; -1: it has none of that name. */
static double tool(const char *arguments, const char *name)
{
    char command[256], line[256], found[64];
    double value = -1, v;
    FILE *f;
    snprintf(command, sizeof command, "%s/inngest-budget %s", getenv("BUILD") ? getenv("BUILD") : "build", arguments);
    f = popen(command, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "figure %63s %lf", found, &v) == 2 && strcmp(found, name) == 0) value = v;
    if (f) CHECK(pclose(f) == 0);
    return value;
}

static bool refused(const char *arguments)
{
    char command[256];
    snprintf(command, sizeof command, "%s/inngest-budget %s > /dev/null 2>&1", getenv("BUILD") ? getenv("BUILD") : "build", arguments);
    return system(command) != 0;
}

/* What init takes is answered, what it refuses is not. */
static void ranges(void)
{
    CHECK(!refused("reserve=32 steps=0") && refused("reserve=31"));
    CHECK(!refused("block=262144 blocks=256") && refused("block=262144 blocks=257") && !refused("block=262144 blocks=2048 program=32"));
    CHECK(refused("events=3") && refused("block=1000") && refused("runs") && refused("runs=0"));
}

static void compare(uint32_t block, uint32_t blocks, uint16_t g)
{
    static const uint8_t data[32] = { 0 };
    char arguments[200];
    double said, did;
    unsigned n;
    machine_open(functions, 1, block, blocks, g);
    program = m.chip.port.program;
    m.chip.port.program = counted;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    snprintf(arguments, sizeof arguments, "block=%u blocks=%u program=%u steps=%u result=%u event=40 sleeps=%d retries=%u live=0 runs=%d",
             (unsigned)block, (unsigned)blocks, g, is.steps, is.size, is.naps, is.fails, MACHINE_RUNS);
    for (n = 0; n < 1500; n++) {
        if (n == 500) programmed = 0;
        CHECK(inngest_send(&m.jobs, "test/job", data, sizeof data) == INNGEST_OK);
        CHECK(machine_run(20 + 1100 * is.fails));
    }
    CHECK(machine_counters().runs_ended == 1500);
    said = tool(arguments, "job_bytes");
    did = (double)programmed / 1000;
    CHECK(said > 0 && did > said * 0.98 && did < said * 1.03);
    if (!(did > said * 0.98 && did < said * 1.03)) printf("  %s: said %.1f, did %.1f bytes a job\n", arguments, said, did);
    is.stays = true;
    for (n = 0; n < MACHINE_RUNS + 1; n++) {
        CHECK(inngest_send(&m.jobs, "test/job", data, sizeof data) == INNGEST_OK);
        if (inngest_flush(&m.jobs) != INNGEST_OK) break;
        (void)machine_tick();
    }
    CHECK(tool(arguments, "live_runs_that_fit") == n);
    if (tool(arguments, "live_runs_that_fit") != n) printf("  %s: %u fit\n", arguments, n);
    is.stays = false;
    MACHINE_END();
}

int main(void)
{
    static const uint16_t g[] = { 1, 8, 32 };
    unsigned i;
    for (i = 0; i < 3; i++) {
        is.steps = 5; is.size = 32; is.fails = 0; is.naps = false;
        compare(4096, 16, g[i]);
        compare(1024, 12, g[i]);
        is.steps = 2; is.size = 80; is.naps = true; is.fails = 2;
        compare(4096, 6, g[i]);
    }
    ranges();
    return TEST_END();
}
