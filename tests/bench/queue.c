/* SPDX-License-Identifier: MIT
 * Events through the queue from one and from four threads, all pinned to two cores, beside a ring with a mutex that
 * copies the same slots. Producers and consumer take turns by yielding where they must wait. The tick takes each event
 * and finds no function that wants it, so that nothing is journaled. */
#define _GNU_SOURCE 1
#include "bench.h"
#include <pthread.h>
#include <sched.h>

#define SLOTS 1024u
static unsigned per_producer;
static int64_t room_for[INNGEST_MEMORY(2, SLOTS) / 8 + 1];
static chip c;
static int finished;

static void pin(unsigned core)
{
#ifdef __linux__
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
#else
    (void)core;
#endif
}

/* ---- the ring with a mutex ------------------------------------------------------------------------------------------- */

static struct { pthread_mutex_t lock; unsigned head, tail; uint64_t taken; struct { uint8_t data[64]; size_t size; } slot[SLOTS]; } ring;

static bool ring_put(const void *data, size_t size)
{
    bool fits;
    pthread_mutex_lock(&ring.lock);
    fits = ring.tail - ring.head < SLOTS;
    if (fits) {
        memcpy(ring.slot[ring.tail % SLOTS].data, data, size);
        ring.slot[ring.tail++ % SLOTS].size = size;
    }
    pthread_mutex_unlock(&ring.lock);
    return fits;
}

static bool ring_take(void)
{
    bool any;
    pthread_mutex_lock(&ring.lock);
    any = ring.tail != ring.head;
    if (any) ring.taken += ring.slot[ring.head++ % SLOTS].data[0];
    pthread_mutex_unlock(&ring.lock);
    return any;
}

/* ---- producers ------------------------------------------------------------------------------------------------------- */

static void *produce(void *core)
{
    unsigned i;
    pin((unsigned)(uintptr_t)core & 1u);
    for (i = 0; i < per_producer; i++)
        while (inngest_send(&jobs, "app/none", payload, 32) != INNGEST_OK) sched_yield();
    (void)__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void *produce_ring(void *core)
{
    unsigned i;
    pin((unsigned)(uintptr_t)core & 1u);
    for (i = 0; i < per_producer; i++)
        while (!ring_put(payload, 32)) sched_yield();
    return NULL;
}

static double run(unsigned producers, bool mutex)
{
    pthread_t thread[4];
    uint64_t want = (uint64_t)producers * per_producer, got = 0;
    double start;
    unsigned i;
    pin(0);
    start = seconds();
    for (i = 0; i < producers; i++)
        if (pthread_create(&thread[i], NULL, mutex ? produce_ring : produce, (void *)(uintptr_t)(i + 1)) != 0) exit(1);
    if (mutex) {
        while (got < want) { if (ring_take()) got++; else sched_yield(); }
    } else {
        uint32_t before = counters().unmatched, taken = before, last = before;
        for (; taken - before < want; last = taken) {
            (void)inngest_tick(&jobs, 0);
            taken = counters().unmatched;
            if (taken == last) sched_yield();
        }
    }
    for (i = 0; i < producers; i++) pthread_join(thread[i], NULL);
    return (double)want / (seconds() - start);
}

int main(int argc, char **argv)
{
    static double ours[5], theirs[5];
    unsigned producers, k, rounds = argc > 1 && strcmp(argv[1], "quick") == 0 ? 3 : 5;
    inngest_config config;
    char name[48];
    per_producer = rounds == 3 ? 100000 : 300000;
    chip_open(&c, 4096, 16, 4);
    memset(&config, 0, sizeof config);
    config.functions = functions;
    config.function_count = 3;
    config.port = &c.port;
    config.memory = room_for;
    config.memory_size = sizeof room_for;
    config.runs = 2;
    config.events = SLOTS;
    must(inngest_init(&jobs, &config, NULL), "init");
    pthread_mutex_init(&ring.lock, NULL);
    for (producers = 1; producers <= 4; producers *= 4) {
        for (k = 0; k < rounds; k++) {
            ours[k] = run(producers, false);
            theirs[k] = run(producers, true);
        }
        snprintf(name, sizeof name, "queue_%u_producers", producers);
        figure(name, median(ours, rounds), "events/s");
        snprintf(name, sizeof name, "mutex_ring_%u_producers", producers);
        figure(name, median(theirs, rounds), "events/s");
    }
    return 0;
}
