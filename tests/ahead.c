/* SPDX-License-Identifier: MIT
 * Promise 2 where a pass remembers no steps, as on a small processor: it looks for each step behind the one before, and what
 * stands there and is void does not count. */
#include "machine.h"

static struct { bool start, time; unsigned failed; } outage;
static int (*program_below)(void *, uint32_t, const void *, uint32_t);

/* Of what is chosen each program does its work and says that it failed. */
static int failing_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *b = data;
    bool record = address % m.chip.port.block_size >= 24 && size >= 12;
    bool fails = record && ((outage.start && (b[4] & 0x2F) == 1) || (outage.time && (b[4] & 0x0F) == 13));
    CHECK(program_below(context, address, data, size) == 0);
    if (fails) outage.start = false;
    outage.failed += fails;
    return fails ? -7 : 0;
}

static unsigned children, beside;
static inngest_status child(inngest_ctx *ctx)
{
    (void)ctx;
    children++;
    return INNGEST_OK;
}
static inngest_status sender(inngest_ctx *ctx)
{
    inngest_status sent, other;
    INNGEST_DO(ctx, "a") outage.start = true;
    inngest_parallel(ctx, "both");
    sent = inngest_step_send(ctx, "send", "child", NULL, 0);
    INNGEST_DO_AS(other, ctx, "b") beside++;
    INNGEST_TRY(inngest_all(ctx, &sent, &other));
    CHECK(children == 0);
    return INNGEST_OK;
}
static const inngest_function table[] = { { .id = "sender", .event = "s", .handler = sender, .journal_bytes = 200 },
                                          { .id = "child", .event = "child", .handler = child, .journal_bytes = 64 } };

/* An event that is sent by a step: its group was not whole, for the program of the run it starts failed, though all of it
 * stands there. So it is sent once more, also where other programs have failed since, more of them than voids are remembered. */
static void sent_again(unsigned others)
{
    unsigned i;
    machine_open(table, 2, 2048, 8, 4);
    program_below = m.chip.port.program;
    m.chip.port.program = failing_program;
    memset(&outage, 0, sizeof outage);
    children = beside = 0;
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "s", NULL, 0) == INNGEST_OK);
    (void)machine_tick();
    CHECK(outage.failed == 1 && beside == 1 && children == 0);
    outage.time = true;
    for (i = 0; i < others; i++) inngest_set_wall_clock(&m.jobs, INT64_C(1767268800000) + (i % 2) * 100000 + m.now, m.now);
    CHECK(outage.failed == 1 + others);
    outage.time = false;
    CHECK(machine_run(5000) && children == 1 && beside == 1 && machine_runs(NULL) == 0 && machine_counters().runs_failed == 0);
    CHECK(machine_counters().runs_started == 2 && machine_counters().events == 2);
    MACHINE_END();
}

/* A replay looks behind the step before: not through all of the run for each. */
static unsigned read_calls;
static void count_reads(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user;
    (void)address;
    read_calls += operation == 'r' && size > 0;
}

static inngest_status many(inngest_ctx *ctx)
{
    unsigned k;
    for (k = 0; k < 60; k++) INNGEST_DO(ctx, "step") { }
    return inngest_step_sleep(ctx, "nap", 1000);
}
static const inngest_function many_table[] = { { .id = "many", .event = "many", .handler = many, .journal_bytes = 4000 } };

static void replay(void)
{
    machine_open(many_table, 1, 8192, 4, 4);
    machine_reboot();
    CHECK(inngest_send(&m.jobs, "many", NULL, 0) == INNGEST_OK && machine_run(10));
    m.chip.trace = count_reads;
    read_calls = 0;
    CHECK(machine_run(1000) && machine_runs(NULL) == 0);
    CHECK(read_calls > 60 && read_calls < 12 * 60);
    MACHINE_END();
}

int main(void)
{
    unsigned i;
    for (i = 0; i < 12; i++) sent_again(i);
    replay();
    return TEST_END();
}
