/* SPDX-License-Identifier: MIT
 * What a step, a boot and a mount cost on simulated flash, in bytes, calls and erases; and in time, in memory.
 *
 *   bench-flash            all of it
 *   bench-flash sleepers   what a step costs with live runs in the journal (built with INNGEST_FILL_PERCENT=75)
 *   bench-flash plot FILE  cost against journal length, live runs and step size, for gnuplot */
#include "bench.h"

#define WARM_UP 500
#define JOBS 1000
static chip c;

/* 16 blocks of 4 KiB, warmed up. */
static void reference(uint16_t g)
{
    chip_open(&c, 4096, 16, g);
    must(boot(&c.port, 16, INNGEST_RESET_POWER_ON), "init");
    do_jobs(WARM_UP);
    chip_zero(&c);
}

static void done(void)
{
    must(inngest_close(&jobs), "close");
    chip_close(&c);
}

static void named(const char *name, const char *suffix, double value, const char *unit)
{
    char text[80];
    snprintf(text, sizeof text, "%s%s", name, suffix);
    figure(text, value, unit);
}

/* Form (a) is form (b) without what its STARTs are and their share of headers and proofs. */
static void program_sizes(void)
{
    static const uint16_t sizes[] = { 1, 2, 4, 8, 16, 32 };
    unsigned i, k;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        double steps = 5.0 * JOBS, own, start, total, share, low = 1e9, high = 0;
        char g[8];
        snprintf(g, sizeof g, "_g%u", sizes[i]);
        reference(sizes[i]);
        do_jobs(JOBS);
        own = (double)(c.bytes[RESULT] + c.bytes[END]);
        start = (double)c.bytes[START];
        share = own / (own + start);
        total = (double)sum(c.bytes);
        named("bytes_a_step_b", g, total / steps, "bytes");
        named("bytes_a_step_a", g, (total - start - own) * share / steps + own / steps, "bytes");
        own = (double)(c.calls[RESULT] + c.calls[END]);
        total = (double)sum(c.calls);
        named("program_calls_b", g, total / steps, "calls");
        named("program_calls_a", g, (own + (total - own - (double)c.calls[START]) * share) / steps, "calls");
        named("erases_1000_steps_b", g, (double)c.erases * 1000 / steps, "erases");
        named("erases_1000_steps_a", g, (double)c.erases * share * 1000 / steps, "erases");
        named("bytes_read_a_step", g, (double)c.read / steps, "bytes");
        for (k = 0; k < 16; k++) {
            if (c.wear[k] < low) low = c.wear[k];
            if (c.wear[k] > high) high = c.wear[k];
        }
        named("wear_difference", g, high - low, "erases");
        named("second_programs", g, (double)c.violations, "units");
        done();
    }
}

static void reads(void)
{
    reference(4);
    job_is.naps = 1;
    do_jobs(20);
    chip_zero(&c);
    do_jobs(JOBS / 2);
    figure("bytes_read_a_step_with_sleeps", (double)c.read / (5.0 * JOBS / 2), "bytes");
    figure("bytes_a_step_with_sleeps", (double)sum(c.bytes) / (5.0 * JOBS / 2), "bytes");
    job_is.naps = 0;
    job_is.read_event = true;
    chip_zero(&c);
    do_jobs(JOBS / 2);
    figure("bytes_read_a_step_event_taken", (double)c.read / (5.0 * JOBS / 2), "bytes");
    job_is.read_event = false;
    done();
}

static void failures(void)
{
    double without;
    reference(4);
    do_jobs(JOBS / 4);
    without = (double)sum(c.bytes);
    job_is.fails = 3;
    chip_zero(&c);
    do_jobs(JOBS / 4);
    figure("bytes_a_failed_attempt", ((double)sum(c.bytes) - without) / (3 * 5 * JOBS / 4), "bytes");
    job_is.fails = 0;
    done();
}

static void boots(void)
{
    unsigned clean, i, n = 200;
    for (clean = 0; clean < 2; clean++) {
        const char *how = clean ? "_clean" : "_unclean";
        reference(4);
        start_sleepers(1);
        chip_zero(&c);
        for (i = 0; i < n; i++) {
            if (clean) must(inngest_close(&jobs), "close");
            must(boot(&c.port, 16, clean ? INNGEST_RESET_UNKNOWN : INNGEST_RESET_POWER_ON), "init");
            (void)inngest_tick(&jobs, now += 1000);
        }
        named("bytes_a_boot", how, (double)sum(c.bytes) / n, "bytes");
        named("erases_1000_boots", how, (double)c.erases * 1000 / n, "erases");
        done();
    }
}

static void mounts(void)
{
    static const struct { uint32_t block, blocks; const char *name; } geometry[] = {
        { 4096, 16, "_16x4K" }, { 4096, 256, "_256x4K" }, { 131072, 8, "_8x128K" } };
    static const unsigned live[] = { 0, 1, 8, 32 };
    uint64_t most;
    unsigned i, k, n;
    for (i = 0; i < 3; i++) {
        for (k = 0; k < 4; k++) {
            char name[64];
            chip_open(&c, geometry[i].block, geometry[i].blocks, 4);
            must(boot(&c.port, 34, INNGEST_RESET_POWER_ON), "init");
            sleeper_results = 2;
            start_sleepers(live[k]);
            do_jobs(geometry[i].block / 4096 * geometry[i].blocks * 14 + 100);
            for (most = 0, n = 0; n < 7; n++) {       /* the most of some, at all distances from what is live */
                do_jobs(geometry[i].block / 4096 * geometry[i].blocks * 2);
                must(inngest_close(&jobs), "close");
                chip_zero(&c);
                must(boot(&c.port, 34, INNGEST_RESET_UNKNOWN), "init");
                if (c.read > most) most = c.read;
            }
            snprintf(name, sizeof name, "mount_bytes_read%s_%u_runs", geometry[i].name, live[k]);
            figure(name, (double)most, "bytes");
            (void)inngest_tick(&jobs, now);
            do_jobs(1);
            done();
        }
    }
}

/* The largest number of erases and of bytes copied in one tick that has work; with a tick of nothing to do before
 * each and without. */
static void worst_tick(bool rest)
{
    const char *how = rest ? "_after_rest" : "_busy";
    uint64_t erases = 0, carried = 0, took, read = 0;
    uint32_t n, ended = 0, next;
    chip_open(&c, 4096, 16, 4);
    must(boot(&c.port, 16, INNGEST_RESET_POWER_ON), "init");
    sleeper_results = 4;
    start_sleepers(8);
    do_jobs(WARM_UP);
    ended = counters().runs_ended;
    for (n = 0; n < JOBS; n++) {
        must(inngest_send(&jobs, "app/work", payload, 32), "send");
        ended++;
        while (counters().runs_ended < ended) {
            chip_zero(&c);
            next = inngest_tick(&jobs, now);
            took = c.bytes[CARRIED];
            if (c.erases > erases) erases = c.erases;
            if (took > carried) carried = took;
            if (c.read > read) read = c.read;
            now += next < 1000 ? next : 1000;
        }
        if (rest) while ((next = inngest_tick(&jobs, now)) < 100) now += next;
    }
    named("worst_tick_erases", how, (double)erases, "erases");
    named("worst_tick_bytes_copied", how, (double)carried, "bytes");
    named("worst_tick_bytes_read", how, (double)read, "bytes");
    done();
}

/* ---- time, in memory --------------------------------------------------------------------------------------------- */

static double first_line_at;
static void first_line(void) { if (first_line_at == 0) first_line_at = seconds(); }

static void times(void)
{
    static double took[JOBS];
    double start, best = 1e9;
    unsigned i, k;
    uint32_t ended;
    reference(4);
    ended = counters().runs_ended;
    job_is.first_line = first_line;
    for (i = 0; i < JOBS; i++) {
        first_line_at = 0;
        start = seconds();
        must(inngest_send(&jobs, "app/work", payload, 32), "send");
        until_ended(++ended);
        took[i] = first_line_at - start;
    }
    job_is.first_line = NULL;
    figure("send_to_handler_us", 1e6 * median(took, JOBS), "us");
    for (k = 0; k < 5; k++) {
        start = seconds();
        do_jobs(10 * JOBS);
        start = seconds() - start;
        if (start < best) best = start;
    }
    figure("steps_a_second_in_memory", 5.0 * 10 * JOBS / best, "steps/s");
    done();
    for (k = 100; k <= 1000; k *= 10) {
        char name[40];
        replayed = k;
        functions[2].journal_bytes = 32000;
        chip_open(&c, 4096, 64, 4);
        must(boot(&c.port, 16, INNGEST_RESET_POWER_ON), "init");
        must(inngest_send(&jobs, "app/replay", payload, 4), "send");
        for (i = 0; i < 3; i++) (void)inngest_tick(&jobs, now += 1000);
        for (i = 0; i < 200; i++) {
            start = seconds();
            (void)inngest_tick(&jobs, now += 1000);
            took[i] = seconds() - start;
        }
        snprintf(name, sizeof name, "replay_%u_steps_us", k);
        if (counters().memos < k * 200) { printf("nothing was replayed\n"); exit(1); }
        figure(name, 1e6 * median(took, 200), "us");
        functions[2].journal_bytes = 0;
        done();
    }
}

/* ---- with sleepers ----------------------------------------------------------------------------------------------- */

static double step_bytes(unsigned jobs_done)
{
    do_jobs(WARM_UP / 2);
    chip_zero(&c);
    do_jobs(jobs_done);
    return (double)sum(c.bytes) / (5.0 * jobs_done);
}

static void with_sleepers(void)
{
    static const double fills[] = { 0, 0.02, 0.25, 0.50 };
    double base = 1;
    unsigned i;
    sleeper_results = 30;
    functions[1].journal_bytes = 30 * 48 + 32;
    functions[0].journal_bytes = 260;
    for (i = 0; i < 4; i++) {
        double live = 0, cost, want = fills[i] * 65536;
        uint64_t before;
        char name[64];
        chip_open(&c, 4096, 16, 4);
        must(boot(&c.port, 64, INNGEST_RESET_POWER_ON), "init");
        sleeper_results = i == 1 ? 27 : 30;
        while (live + (i == 1 ? 600 : 700) < want) {
            before = sum(c.bytes) - c.bytes[HEADERS];
            start_sleepers(1);
            live += (double)(sum(c.bytes) - c.bytes[HEADERS] - before);
        }
        cost = step_bytes(JOBS);
        if (i == 0) { base = cost; done(); continue; }
        snprintf(name, sizeof name, "bytes_a_step_fill_%.0f", 100 * fills[i]);
        figure(name, cost, "bytes");
        snprintf(name, sizeof name, "bytes_a_step_fill_%.0f_over_bound", 100 * fills[i]);
        figure(name, cost / (base / (1 - live / 65536)), "ratio");
        snprintf(name, sizeof name, "live_fill_%.0f", 100 * fills[i]);
        figure(name, 100 * live / 65536, "percent");
        done();
    }
}

/* ---- for the plot ------------------------------------------------------------------------------------------------ */

static void plot(FILE *f)
{
    unsigned i;
    fprintf(f, "# bytes programmed a step against: blocks of 4 KiB, live runs, bytes of a result\n");
    for (i = 4; i <= 256; i *= 2) {
        chip_open(&c, 4096, i, 4);
        must(boot(&c.port, 16, INNGEST_RESET_POWER_ON), "init");
        do_jobs(i * 15);
        fprintf(f, "%u %.2f\n", i, step_bytes(i * 15));
        done();
    }
    fprintf(f, "\n\n");
    sleeper_results = 2;
    functions[1].journal_bytes = 128;
    for (i = 0; i <= 64; i = i ? i * 2 : 1) {
        chip_open(&c, 4096, 32, 4);
        must(boot(&c.port, 66, INNGEST_RESET_POWER_ON), "init");
        start_sleepers(i);
        do_jobs(500);
        fprintf(f, "%u %.2f\n", i, step_bytes(JOBS));
        done();
    }
    fprintf(f, "\n\n");
    functions[0].journal_bytes = 2048;
    for (i = 0; i <= 256; i = i ? i * 2 : 4) {
        chip_open(&c, 4096, 16, 4);
        must(boot(&c.port, 16, INNGEST_RESET_POWER_ON), "init");
        job_is.size = i;
        do_jobs(200);
        fprintf(f, "%u %.2f\n", i, step_bytes(300));
        done();
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "sleepers") == 0) with_sleepers();
    else if (argc > 2 && strcmp(argv[1], "plot") == 0) {
        FILE *f = fopen(argv[2], "w");
        if (f == NULL) { perror(argv[2]); return 1; }
        plot(f);
        fclose(f);
    } else {
        program_sizes();
        reads();
        failures();
        boots();
        mounts();
        worst_tick(false);
        worst_tick(true);
        times();
    }
    free(memory);
    return 0;
}
