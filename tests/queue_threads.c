/* SPDX-License-Identifier: MIT
 * The queue with compare-and-swap: up to three threads on cores of their own and the consumer, and nested
 * interrupts of one core, in every order. Broken on purpose it is found out. */
#include "explorer.h"

#define ORIGIN 0xFFFFFFFEu
static const scenario threads[] = {
    { THREADS, 2, 0, { "rr", "ss", "s" }, { 0 } },
    { THREADS, 2, ORIGIN, { "rrr", "ss", "ss" }, { 0 } },
    { THREADS, 2, ORIGIN, { "rr", "s", "s", "s" }, { 0 } },
    { THREADS, 4, ORIGIN, { "rr", "s", "s", "s" }, { 0 } },
    { THREADS, 2, ORIGIN, { "rr", "cs", "sc" }, { 0 } },
    { THREADS, 4, ORIGIN, { "r", "ss", "sc" }, { 0 } },
    { NESTED, 2, ORIGIN, { "scrr", "s", "c", "s" }, { 0, 1, 2, 3 } },
    { NESTED, 4, ORIGIN, { "srsr", "ss", "s", "s" }, { 0, 1, 2, 3 } },
};

/* A thread is held up in the middle of its send: what others were told is accepted stands behind it, so a flush does not
 * say that it is durable. It does when that send has ended. */
static int erased_read(void *context, uint32_t address, void *data, uint32_t size) { (void)context; (void)address; memset(data, 0xFF, size); return 0; }
static int lost_program(void *context, uint32_t address, const void *data, uint32_t size) { (void)context; (void)address; (void)data; (void)size; return 0; }
static int no_erase(void *context, uint32_t address) { (void)context; (void)address; return 0; }

static void flush_waits(void)
{
    static int64_t memory[INNGEST_MEMORY(2, 4) / 8 + 1];
    inngest_port port = { .read = erased_read, .program = lost_program, .erase = no_erase, .block_size = 2048, .block_count = 4, .program_size = 4 };
    inngest_config config = { .port = &port, .memory = memory, .memory_size = sizeof memory, .runs = 2, .events = 4 };
    inngest_slot *slot = NULL;
    inngest_word index = 0;
    x.what = threads;
    x.direct = true;
    CHECK(inngest_init(&x.jobs, &config, NULL) == INNGEST_OK && inngest_flush(&x.jobs) == INNGEST_OK);
    CHECK(claim_slot(&x.jobs, &slot, &index, 1));
    CHECK(inngest_send(&x.jobs, "b", "2", 1) == INNGEST_OK);
    CHECK(inngest_flush(&x.jobs) == INNGEST_ERR_BUSY);
    slot->of.name = "a";
    slot->what = 0;
    CHECK(publish(&x.jobs, slot, index) == INNGEST_OK);
    CHECK(inngest_flush(&x.jobs) == INNGEST_OK && x.jobs.counters.unmatched == 2);
    x.direct = false;
}

int main(void)
{
    flush_waits();
    explorer_holds(threads, sizeof threads / sizeof *threads);
    explorer_catches(threads, sizeof threads / sizeof *threads, NAIVE_TAIL, "naive tail");
    explorer_catches(threads, sizeof threads / sizeof *threads, EARLY_PUBLISH, "published before the copy");
    return TEST_END();
}
