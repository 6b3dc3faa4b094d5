/* SPDX-License-Identifier: MIT
 * Jobs under FreeRTOS: tasks of several priorities and interrupts send; a job is retried and sleeps; the jobs' task
 * sleeps in between and is woken by a send. Built for the kernel's POSIX port and for a Cortex-M3. */
#include "inngest_freertos.h"
#include "board.h"
#include <string.h>

#define BLOCK 1024u
#define BLOCKS 8u
#define EACH 200u
#define SENDERS (3u + LEVELS)          /* three tasks, the interrupts */

static inngest jobs;
static inngest_freertos port;
static int64_t memory[INNGEST_MEMORY(4, 16) / 8 + 1];
static uint8_t cells[BLOCK * BLOCKS];

typedef struct beat { uint32_t number, inverse, source; } beat;
static volatile uint32_t sent[SENDERS], got[SENDERS], refused[SENDERS], wrong, woken_late, ends, attempts, ticks_at_end;
static volatile uint32_t asked, answered;

/* ---- a flash in RAM -------------------------------------------------------------------------------------------- */

static int flash_read(void *context, uint32_t address, void *data, uint32_t size)
{
    (void)context;
    memcpy(data, cells + address, size);
    return 0;
}

static int flash_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    uint32_t i;
    (void)context;
    for (i = 0; i < size; i++) cells[address + i] &= ((const uint8_t *)data)[i];
    return 0;
}

static int flash_erase(void *context, uint32_t address)
{
    (void)context;
    memset(cells + address, 0xFF, BLOCK);
    return 0;
}

/* ---- senders --------------------------------------------------------------------------------------------------- */

static void send_beat(uint32_t source)
{
    beat b;
    b.number = sent[source];
    b.inverse = ~b.number;
    b.source = source;
    if (b.number == EACH) return;
    if (inngest_send(&jobs, "test/beat", &b, sizeof b) == INNGEST_OK) sent[source] = b.number + 1;
    else refused[source]++;
}

void board_interrupt(unsigned level) { send_beat(3 + level); }

static void sender(void *which)
{
    uint32_t source = (uint32_t)(uintptr_t)which;
    while (sent[source] < EACH) {
        uint32_t before = sent[source];
        send_beat(source);
        if (source == 0) board_pend();
        if (sent[source] % 4 == 0 || sent[source] == before) vTaskDelay(1);      /* a full queue is emptied by a task below */
    }
    vTaskDelete(NULL);
}

static bool take_beat(void *user, const void *data, size_t size)
{
    beat b;
    (void)user;
    memcpy(&b, data, sizeof b);
    if (size != sizeof b || b.inverse != ~b.number || b.source >= SENDERS || b.number != got[b.source]++) wrong++;
    return false;
}

/* ---- jobs ------------------------------------------------------------------------------------------------------ */

static inngest_status beat_job(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }

static inngest_status job(inngest_ctx *ctx)
{
    uint32_t from, to;
    INNGEST_STEP(ctx, "from", from) {
        attempts++;
        if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 1000, 1, "once more");
        from = xTaskGetTickCount();
    }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 300));
    INNGEST_STEP(ctx, "to", to) to = xTaskGetTickCount();
    if ((uint32_t)(TickType_t)(to - from) * 1000u / configTICK_RATE_HZ + 1 < 300) wrong += 1000;
    return INNGEST_OK;
}

/* Answers a question; how long that takes shows whether the send woke the task. */
static inngest_status answer(inngest_ctx *ctx)
{
    uint32_t when;
    INNGEST_TRY(inngest_event_data(ctx, &when, sizeof when));
    if (xTaskGetTickCount() - when > 50) woken_late++;
    answered++;
    return INNGEST_OK;
}

/* The same where an interrupt asks that may not call the kernel, in the middle of a long sleep. */
void board_question(void)
{
    uint32_t when = (uint32_t)board_clock();
    if (inngest_send(&jobs, "test/alarm", &when, sizeof when) == INNGEST_OK) asked++;
}

static inngest_status answer_alarm(inngest_ctx *ctx)
{
    uint32_t when;
    INNGEST_TRY(inngest_event_data(ctx, &when, sizeof when));
    if ((uint32_t)board_clock() - when > 50 * BOARD_CLOCKS) woken_late++;
    answered++;
    return INNGEST_OK;
}

/* In the middle of a wake-up the jobs' task has its turn. */
void board_preempted(void)
{
    inngest_wake(&jobs);
    vTaskDelay(10);
}

int jobs_unheard(void);                /* for the idle task: see FreeRTOSConfig.h */
int jobs_unheard(void) { return inngest_freertos_unheard(&port); }

static void run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    if (strcmp(info->function, "job") == 0 && info->status == INNGEST_OK) {
        ends++;
        ticks_at_end = xTaskGetTickCount();
    }
}

static const inngest_function table[] = {
    { .id = "job", .event = "test/job", .handler = job },
    { .id = "answer", .event = "test/question", .handler = answer },
    { .id = "alarm", .event = "test/alarm", .handler = answer_alarm },
    { .id = "beat", .event = "test/beat", .handler = beat_job, .when = take_beat },
};
static const inngest_hooks hooks = { .run_end = run_end };

static void jobs_task(void *unused)
{
    (void)unused;
    inngest_freertos_run(&port, &jobs);
    vTaskDelete(NULL);
}

static void judge(void *unused)
{
    uint32_t i, passed = 0, expected = 0, full = 0, when;
    inngest_counters c;
    (void)unused;
    for (i = 0; i < 20; i++) {                       /* nothing else runs by then but the nap */
        vTaskDelay(configTICK_RATE_HZ / 10);
        when = xTaskGetTickCount();
        if (inngest_send(&jobs, "test/question", &when, sizeof when) == INNGEST_OK) asked++;
    }
    for (i = ALARMS; i > 0; i--) {
        board_alarm_in(200);
        vTaskDelay(configTICK_RATE_HZ);
    }
    vTaskDelay(configTICK_RATE_HZ / 2);
    for (i = 0; i < SENDERS; i++) {
        passed += got[i];
        expected += sent[i];
        full += refused[i];
        if (sent[i] != EACH) wrong += 10;
    }
    inngest_get_counters(&jobs, &c);
    board_say("events", passed);
    board_say("refused, full", full);
    board_say("answers", answered);
    board_say("... late", woken_late);
    board_say("jobs ended", ends);
    board_preempt = 1;                               /* the task is over and deleted before the stop would notify it */
    inngest_freertos_stop(&port);
    vTaskDelay(10);
    /* c.unpublished may be any: the jobs' task may look in the middle of a send. Without compare-and-swap refusals may count as one. */
    board_end(wrong == 0 && passed == expected && asked == 20 + ALARMS && answered == asked && woken_late == 0 && ends == 1 && attempts == 2 &&
              c.port_errors == 0 && (c.refused_full == full || (port.port.lock && c.refused_full > 0 && c.refused_full < full)) &&
              port.task == NULL ? 0 : 1);
}

void vApplicationTickHook(void)
{
    board_tick();
    inngest_freertos_tick_hook(&port);
}

int main(void)
{
    inngest_config config = { .functions = table, .function_count = 4, .port = &port.port, .hooks = &hooks, .memory = memory,
        .memory_size = sizeof memory, .runs = 4, .events = 16, .reset = INNGEST_RESET_POWER_ON, .seed = 3 };
    memset(cells, 0xFF, sizeof cells);
    port.port.read = flash_read;
    port.port.program = flash_program;
    port.port.erase = flash_erase;
    port.port.block_size = BLOCK;
    port.port.block_count = BLOCKS;
    port.port.program_size = 4;
    inngest_freertos_prepare(&port);
    if (inngest_init(&jobs, &config, NULL) != INNGEST_OK || inngest_send(&jobs, "test/job", NULL, 0) != INNGEST_OK) board_end(2);
    (void)xTaskCreate(jobs_task, "jobs", 1500, NULL, 3, NULL);
    (void)xTaskCreate(sender, "low", 400, (void *)0, 2, NULL);
    (void)xTaskCreate(sender, "same", 400, (void *)1, 3, NULL);
    (void)xTaskCreate(sender, "high", 400, (void *)2, 4, NULL);
    (void)xTaskCreate(judge, "judge", 600, NULL, 5, NULL);
    board_start();
    vTaskStartScheduler();
    return 3;
}
