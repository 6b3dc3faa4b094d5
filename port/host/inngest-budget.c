/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the inngest-c authors
 *
 * inngest-budget - what a configuration costs: RAM, the flash a run takes, the live runs that fit, the writes of a job,
 * the years that the flash lasts. Built with the program's own INNGEST_ macros, so that the numbers are those of it.
 * The arithmetic is that of port/JOURNAL.md; tests/budget.c compares it with what the engine does.
 *
 *   inngest-budget [name=value ...]     prints also what the names are, and their values */
#include "inngest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double events = 16, runs = 8, steps = 5, result = 32, event = 32, sleeps = 0, retries = 0, boots = 1;
static double block = 4096, blocks = 16, unit = 4, jobs_a_day = 100, live = 1, cycles = 10000, reserve = INNGEST_RUN_BYTES;
static const struct { const char *name; double *value, least, most; const char *what; } option[] = {
    { "runs", &runs, 1, INNGEST_MANY_RUNS ? 4000000 : 65534, "places of the run table" }, { "events", &events, 2, 32768, "places of the queue, a power of two" },
    { "steps", &steps, 0, 1e6, "steps of a job" }, { "result", &result, 0, INNGEST_RESULT_BYTES, "bytes of a step's result, within INNGEST_RESULT_BYTES" },
    { "event", &event, 1, INNGEST_EVENT_BYTES, "bytes of an event, name and data, within INNGEST_EVENT_BYTES" }, { "sleeps", &sleeps, 0, 1e6, "sleeps of a job" },
    { "retries", &retries, 0, 1e6, "failed attempts of a job" }, { "reserve", &reserve, 32, 65535, "journal_bytes of the function" },
    { "live", &live, 0, 4000000, "runs that are live at a time" }, { "jobs", &jobs_a_day, 0, 1e9, "jobs a day" },
    { "boots", &boots, 0, 1e9, "starts of the machine a day" }, { "block", &block, 512, 262144, "bytes of a block, a power of two" },
    { "blocks", &blocks, 2, 65535, "blocks" }, { "program", &unit, 1, 32, "bytes programmed at once, a power of two" },
    { "cycles", &cycles, 1, 1e12, "erases a block stands" } };

static int take(const char *argument)              /* name=value */
{
    const char *equals = strchr(argument, '=');
    size_t i, length = equals ? (size_t)(equals - argument) : 0;
    char *end;
    double value;
    for (i = 0; i < sizeof option / sizeof *option; i++) {
        if (equals == NULL || strlen(option[i].name) != length || strncmp(option[i].name, argument, length) != 0) continue;
        value = strtod(equals + 1, &end);
        if (end == equals + 1 || *end || !(value >= option[i].least && value <= option[i].most) ||
            ((option[i].value == &block || option[i].value == &unit || option[i].value == &events) && ((long)value & ((long)value - 1)) != 0)) {
            fprintf(stderr, "inngest-budget: %s: %s, %.0f to %.0f\n", argument, option[i].what, option[i].least, option[i].most);
            return 2;
        }
        *option[i].value = value;
        return 0;
    }
    fprintf(stderr, "inngest-budget: no such option: %s; without any, all are listed\n", argument);
    return 2;
}

static double padded(double bytes) { double u = unit < 4 ? 4 : unit; return (double)((long)((bytes + u - 1) / u)) * u; }
static double record(double payload) { return padded((payload > 255 ? 16 : 12) + payload); }
static double room(double payload) { return padded(16 + payload); }            /* as a reservation counts it */
static double at_most(double a, double b) { return a < b ? a : b; }

static void print(const char *name, double value, const char *of) { printf("figure %s %.*f %s\n", name, value >= 100 || value == (double)(long)value ? 0 : 2, value, of); }

int main(int argc, char **argv)
{
    double usable, part, job, kept, proof, ring, fill, written, erases, largest, of_block, most, capacity, reserved, end_room, passing;
    size_t i;
    int k;
    for (k = 1; k < argc; k++) if (take(argv[k]) != 0) return 2;
    if (blocks * block > padded(1) * 0x1000000) {
        fprintf(stderr, "inngest-budget: blocks=%.0f: with this block and program 2 to %.0f\n", blocks, padded(1) * 0x1000000 / block);
        return 2;
    }
    for (i = 0; i < sizeof option / sizeof *option; i++) printf("%s=%g (%s)\n", option[i].name, *option[i].value, option[i].what);

    proof = record(4);
    usable = block - padded(24);
    part = blocks < 4 ? blocks - 1 : blocks - 2;
    /* START, results, sleeps and what is recorded when they are over, attempts, END */
    job = record(7 + event) + steps * record(result) + sleeps * (record(14) + record(1)) + retries * record(14) + record(0);
    kept = room(7 + event) + steps * room(result) + sleeps * room(14);
    end_room = (double)(((16 + 8 + INNGEST_MESSAGE_BYTES + 31) & ~31) + 32);
    reserved = reserve + room(7 + event) + end_room;
    largest = room(INNGEST_RESULT_BYTES > 13 + INNGEST_EVENT_BYTES ? INNGEST_RESULT_BYTES : 13 + INNGEST_EVENT_BYTES);
    if (largest < room(8 + INNGEST_MESSAGE_BYTES)) largest = room(8 + INNGEST_MESSAGE_BYTES);
    of_block = usable - at_most((double)(long)(usable / 2), largest);
    most = part > 1 ? part - 1 : 1;
    capacity = at_most(part * usable * INNGEST_FILL_PERCENT / 100, of_block * most);
    capacity = at_most(capacity, of_block * (most - (double)(long)((double)(long)(capacity / usable) * (largest + 32) / usable))) - 3 * room(12);
    /* What is live is carried once a lap of the ring. */
    ring = blocks - 1;
    fill = live * kept / (ring * usable);
    /* Journal time is stamped while a run sleeps, and a start leaves a few records. */
    passing = boots * 4 * record(12) + 86400000.0 / INNGEST_HEARTBEAT_MS * record(12);
    written = (jobs_a_day * job + passing) / (1 - at_most(fill, 0.95));
    written *= block / (usable - proof);
    erases = written / block;

    print("ram", (double)sizeof(inngest) + (double)INNGEST_MEMORY((size_t)runs, (size_t)events), "bytes on this machine");
    print("run_flash", kept + end_room, "bytes, while it is live");
    print("run_reserved", reserved, "bytes");
    if (kept + end_room > reserved) printf("too small: reserve (journal_bytes) must be %.0f at least\n", kept - room(7 + event));
    print("live_runs_that_fit", (double)(long)at_most(1 + (capacity - reserved - room(13 + event) + room(7 + event)) / reserved, runs), "runs");   /* admitted as if with a time */
    print("job_records", 2 + steps + 2 * sleeps + retries, "program calls at least");
    print("job_bytes", job * block / (usable - proof) / (1 - at_most(fill, 0.95)), "bytes programmed a job");
    print("erases_a_day", erases, "erases");
    print("years", blocks * cycles / (erases * 365.25), "years");
    return 0;
}
