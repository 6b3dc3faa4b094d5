/* SPDX-License-Identifier: MIT
 * Jobs under Zephyr: threads of several priorities and a timer's interrupt send; then the sleeping thread of the jobs is
 * woken by sends, from a thread and from the interrupt. Ends in "senders: passed" or "senders: failed". */
#include "inngest_zephyr.h"
#include <errno.h>
#include <string.h>
#include <zephyr/sys/printk.h>

#define EACH 200u
#define THREADS 3u
#define SENDERS (THREADS + 1u)         /* the last one is the interrupt */
#define QUESTIONS 20u

static inngest_zephyr storage;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(4, 16) / 8 + 1];

typedef struct beat { uint32_t number, inverse, source; } beat;
static volatile uint32_t sent[SENDERS], got[SENDERS], refused, wrong, asked, answered, late;
static volatile bool asking;

static void send_beat(uint32_t source)
{
    beat b = { sent[source], ~sent[source], source };
    if (b.number == EACH) return;
    if (inngest_send(&jobs, "test/beat", &b, sizeof b) == INNGEST_OK) sent[source] = b.number + 1;
    else if (source == THREADS) refused++;
}

static void ask(void)
{
    uint32_t when = k_uptime_get_32();
    if (inngest_send(&jobs, "test/question", &when, sizeof when) == INNGEST_OK) asked++;
}

static void on_timer(struct k_timer *timer)
{
    (void)timer;
    if (!asking) send_beat(THREADS);
    else if (asked % 2 && asked < QUESTIONS) ask();
}
K_TIMER_DEFINE(timer, on_timer, NULL);

static void sender(void *which, void *a, void *b)
{
    uint32_t source = (uint32_t)(uintptr_t)which;
    (void)a; (void)b;
    while (sent[source] < EACH) {
        uint32_t before = sent[source];
        send_beat(source);
        if (sent[source] % 4 == 0 || sent[source] == before) k_msleep(1);      /* a full queue is emptied by a thread below */
    }
}
K_THREAD_DEFINE(low, 1024, sender, (void *)0, NULL, NULL, 6, 0, -1);
K_THREAD_DEFINE(same, 1024, sender, (void *)1, NULL, NULL, 5, 0, -1);
K_THREAD_DEFINE(high, 1024, sender, (void *)2, NULL, NULL, 4, 0, -1);

static bool take_beat(void *user, const void *data, size_t size)
{
    beat b;
    (void)user;
    memcpy(&b, data, sizeof b);
    if (size != sizeof b || b.inverse != ~b.number || b.source >= SENDERS || b.number != got[b.source]++) wrong++;
    return false;
}

static inngest_status beat_job(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }

static inngest_status answer(inngest_ctx *ctx)     /* how long it takes shows whether the send woke the thread */
{
    uint32_t when;
    INNGEST_TRY(inngest_event_data(ctx, &when, sizeof when));
    if (k_uptime_get_32() - when > 50) late++;
    answered++;
    return INNGEST_OK;
}

static const inngest_function table[] = {
    { .id = "answer", .event = "test/question", .handler = answer },
    { .id = "beat", .event = "test/beat", .handler = beat_job, .when = take_beat },
};

static void judge(void *a, void *b, void *c)
{
    uint32_t i, all = 0, before;
    inngest_counters counters;
    (void)a; (void)b; (void)c;
    for (i = 0; i < 600 && all < SENDERS * EACH; i++) {
        k_msleep(100);
        for (all = 0, before = 0; before < SENDERS; before++) all += got[before];
    }
    asking = true;
    k_timer_start(&timer, K_MSEC(110), K_MSEC(110));
    for (i = 0; i < 200 && answered < QUESTIONS; i++) {
        k_msleep(100);
        if (asked % 2 == 0 && asked < QUESTIONS) ask();
    }
    inngest_get_counters(&jobs, &counters);
    printk("events %u, refused in the interrupt %u, answers %u\n", (unsigned)all, (unsigned)refused, (unsigned)answered);
    /* counters.unpublished may be any: the thread of the jobs may look in the middle of a send. */
    printk("senders: %s\n", all == SENDERS * EACH && wrong == 0 && answered == QUESTIONS && asked == QUESTIONS && late == 0 &&
           counters.port_errors == 0 ? "passed" : "failed");
    inngest_zephyr_stop(&storage);
}
K_THREAD_DEFINE(judging, 2048, judge, NULL, NULL, NULL, 3, 0, -1);

int main(void)
{
    const inngest_config config = { .functions = table, .port = &storage.port, .memory = memory, .memory_size = sizeof memory,
        .function_count = 2, .runs = 4, .events = 16, .seed = 3 };
#if FIXED_PARTITION_EXISTS(crooked_partition)      /* its pages could not be erased */
    if (inngest_zephyr_open(&storage, FIXED_PARTITION_ID(crooked_partition)) != -EINVAL) printk("a crooked partition was taken\n");
#endif
    if (inngest_zephyr_open(&storage, FIXED_PARTITION_ID(storage_partition)) != 0 || inngest_init(&jobs, &config, NULL) != INNGEST_OK) {
        printk("senders: failed to start\n");
        return 0;
    }
    k_thread_priority_set(k_current_get(), 5);
    k_thread_start(judging);
    k_thread_start(low);
    k_thread_start(same);
    k_thread_start(high);
    k_timer_start(&timer, K_MSEC(1), K_MSEC(1));
    inngest_zephyr_run(&storage, &jobs);
    printk("stopped\n");
    return 0;
}
