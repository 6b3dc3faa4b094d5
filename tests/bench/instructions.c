/* SPDX-License-Identifier: MIT
 * Work to be counted by valgrind --tool=callgrind --instr-atstart=no. Each part is dumped under its name with the
 * number of operations; instructions.awk reads the dumps and leaves out what chip_ functions, the port, take. */
#include "bench.h"
#include "inngest_posix.h"
#include <unistd.h>
#include <valgrind/callgrind.h>

static chip c;

static char part[96];

/* Count what follows, divided by the number of operations; for n: "%u" in the name. */
static void begin(const char *name, unsigned n, unsigned operations)
{
    int used = snprintf(part, sizeof part - 16, name, n);
    snprintf(part + used, 16, "/%u", operations);
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
}

static void end(void)
{
    CALLGRIND_DUMP_STATS_AT(part);
    CALLGRIND_STOP_INSTRUMENTATION;
}

static void steps(uint16_t g)
{
    chip_open(&c, 4096, 16, g);
    must(boot(&c.port, 16, INNGEST_RESET_POWER_ON), "init");
    do_jobs(500);
    begin("step_g%u", g, 5000);
    do_jobs(1000);
    end();
    must(inngest_close(&jobs), "close");
    chip_close(&c);
}

static void first_line(void)
{
    end();
    job_is.first_line = NULL;
}

static void sends(void)
{
    unsigned i;
    chip_open(&c, 4096, 16, 4);
    must(boot(&c.port, 16, INNGEST_RESET_POWER_ON), "init");
    do_jobs(10);
    begin("send", 0, 32);
    for (i = 0; i < 32; i++) (void)!inngest_send(&jobs, "app/none", payload, 32);
    end();
    (void)inngest_tick(&jobs, now);
    job_is.first_line = first_line;
    begin("send_to_handler", 0, 1);
    do_jobs(1);
    for (i = 100; i <= 1000; i *= 10) {
        unsigned k;
        replayed = i;
        functions[2].journal_bytes = 32000;
        must(inngest_close(&jobs), "close");
        chip_close(&c);
        chip_open(&c, 4096, 64, 4);
        must(boot(&c.port, 16, INNGEST_RESET_POWER_ON), "init");
        must(inngest_send(&jobs, "app/replay", payload, 4), "send");
        for (k = 0; k < 3; k++) (void)inngest_tick(&jobs, now += 1000);
        begin("replay_%u_steps", i, 1);
        (void)inngest_tick(&jobs, now += 1000);
        end();
        functions[2].journal_bytes = 0;
    }
    must(inngest_close(&jobs), "close");
    chip_close(&c);
}

/* A journal with so many sleeping runs: a tick without work, a run that starts and sleeps, one that wakes and sleeps
 * again, one that is cancelled. False: the table has no room for so many. */
static bool sleepers(unsigned n)
{
    inngest_run_info info;
    uint32_t cursor = 0;
    unsigned i;
    bool many = n > 100000;                    /* as large a journal as there can be */
    double start = seconds();
    functions[1].journal_bytes = many ? 80 : 160;
    sleeper_results = 0;
    if (many) chip_open(&c, 131072, 4096, 32);
    else chip_open(&c, 4096, n * 800 / 4096 + 32, 4);
    if (boot(&c.port, n + 8, INNGEST_RESET_POWER_ON) != INNGEST_OK) { chip_close(&c); printf("skipped: the engine takes no table of %u runs\n", n); return false; }
    while (counters().runs_started < n) {
        for (i = 0; i < 60 && counters().runs_started + i < n; i++) must(inngest_send(&jobs, "app/sleep", payload, 4), "send");
        (void)inngest_tick(&jobs, now);
        if (seconds() - start > 300) { printf("skipped: starting %u runs takes minutes\n", n); return false; }
    }
    while (inngest_tick(&jobs, now) == 0) continue;
    begin("idle_tick_%u_runs", n, 10);
    for (i = 0; i < 10; i++) (void)inngest_tick(&jobs, now);
    end();
    sleeper_wakes = true;
    begin("add_deadline_%u_runs", n, 1);
    start_sleepers(1);
    end();
    now += 1000;
    begin("due_tick_%u_runs", n, 1);
    (void)inngest_tick(&jobs, now);
    end();
    sleeper_wakes = false;
    for (i = 0; i < 5 && inngest_next_run(&jobs, &cursor, &info); i++) continue;
    begin("cancel_%u_runs", n, 1);
    must(inngest_cancel(&jobs, info.id), "cancel");
    (void)inngest_tick(&jobs, now);
    end();
    printf("figure ram_a_run_of_%u %.4g bytes\n", n, (double)INNGEST_MEMORY((size_t)n, (size_t)64) / n - (double)INNGEST_MEMORY((size_t)0, (size_t)64) / n);
    chip_close(&c);
    return true;
}

static void mounts(void)
{
    static const struct { uint32_t block, blocks; const char *name; } geometry[] = {
        { 4096, 16, "_16x4K" }, { 4096, 256, "_256x4K" }, { 131072, 8, "_8x128K" } };
    static const unsigned live[] = { 0, 1, 8, 32 };
    unsigned i, k;
    functions[1].journal_bytes = 0;
    for (i = 0; i < 3; i++) {
        for (k = 0; k < 4; k++) {
            char name[64];
            chip_open(&c, geometry[i].block, geometry[i].blocks, 4);
            must(boot(&c.port, 34, INNGEST_RESET_POWER_ON), "init");
            sleeper_results = 2;
            start_sleepers(live[k]);
            do_jobs(geometry[i].block / 4096 * geometry[i].blocks * 14 + 100);
            must(inngest_close(&jobs), "close");
            snprintf(name, sizeof name, "mount_instructions%s_%%u_runs", geometry[i].name);
            begin(name, live[k], 1);
            must(boot(&c.port, 34, INNGEST_RESET_UNKNOWN), "init");
            end();
            chip_close(&c);
        }
    }
}

/* On a file, its port included. */
static void posix(const char *path)
{
    inngest_posix p;
    (void)unlink(path);
    if (inngest_posix_open(&p, path, 65536) != 0) { printf("skipped: no file at %s\n", path); return; }
    must(boot(&p.port, 16, INNGEST_RESET_POWER_ON), "init");
    do_jobs(5);
    begin("posix_step", 0, 100);
    do_jobs(20);
    end();
    must(inngest_close(&jobs), "close");
    inngest_posix_close(&p);
    (void)unlink(path);
}

int main(int argc, char **argv)
{
    bool quick = argc > 2 && strcmp(argv[2], "quick") == 0;
    if (argc > 2 && strcmp(argv[2], "many") == 0) return !sleepers(1000000);   /* built with INNGEST_MANY_RUNS */
    steps(4);
    steps(8);
    sends();
    if (argc > 1) posix(argv[1]);
    if (sleepers(16) && sleepers(256) && !quick) (void)sleepers(10000);
    if (!quick) mounts();
    free(memory);
    return 0;
}
