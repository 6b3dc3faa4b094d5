/* SPDX-License-Identifier: MIT
 * A slow measurement that blocks nobody: its body starts the sensor and gives PENDING; the sensor's interrupt, here a
 * timer signal, ends the step with inngest_complete. The same interrupt may send events.
 *
 *   cc -I. -Iport/posix examples/sensor.c inngest.c port/posix/inngest_posix.c -o sensor && ./sensor */
#define _XOPEN_SOURCE 700
#include "inngest_posix.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static inngest jobs;
static inngest_posix port;
static volatile inngest_token waiting;           /* which step the sensor works for */
static volatile sig_atomic_t busy;               /* it does: one at a time */

static void sensor_interrupt(int number)
{
    static const int32_t millidegrees = 21500;
    inngest_token token = waiting;
    (void)number;
    busy = 0;
    if (inngest_complete(&jobs, token, INNGEST_OK, &millidegrees, sizeof millidegrees) != INNGEST_OK) { /* counted */ }
}

static const struct itimerval in_50_ms = { { 0, 0 }, { 0, 50000 } };
static bool sensor_start(void) { return setitimer(ITIMER_REAL, &in_50_ms, NULL) == 0; }

static inngest_status measure(inngest_ctx *ctx, const void *arg, void *result)
{
    inngest_token token = inngest_step_token(ctx);
    (void)arg; (void)result;
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE && waiting.run == token.run) busy = 0;
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) return INNGEST_RETRY;     /* timed out: nobody answered */
    if (busy) return inngest_again(ctx, 20);     /* it works for another run */
    waiting = token;
    busy = 1;
    if (!sensor_start()) { busy = 0; return INNGEST_RETRY; }
    puts("sensor started");
    return INNGEST_PENDING;                      /* from here on other runs have their turn */
}

static inngest_status sample(inngest_ctx *ctx)
{
    static const inngest_step_options options = { .timeout_ms = 2000 };          /* then the attempt has failed */
    int32_t value;
    INNGEST_TRY(inngest_step_run_with(ctx, "measure", &options, measure, NULL, &value, sizeof value));
    INNGEST_DO(ctx, "store") { printf("stored %d.%03d degrees\n", (int)(value / 1000), (int)(value % 1000)); }
    return INNGEST_OK;
}

static inngest_status blink(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "blink") { puts("blink"); }
    return INNGEST_OK;
}

int main(void)
{
    static const inngest_function functions[] = {
        { .id = "sample", .event = "sensor/due", .handler = sample }, { .id = "blink", .event = "sensor/due", .handler = blink } };
    static int64_t memory[INNGEST_MEMORY(4, 4) / sizeof(int64_t) + 1];
    const inngest_config config = { .functions = functions, .function_count = 2, .port = &port.port, .memory = memory,
        .memory_size = sizeof memory, .runs = 4, .events = 4, .seed = (uint32_t)inngest_posix_unix_ms() };
    const struct sigaction on_alarm = { .sa_handler = sensor_interrupt, .sa_flags = SA_RESTART };
    uint32_t cursor = 0;
    inngest_run_info left;
    if (inngest_posix_open(&port, "sensor.journal", 65536) != 0) { fprintf(stderr, "sensor.journal: %s\n", port.problem); return 1; }
    if (inngest_init(&jobs, &config, NULL) != INNGEST_OK) return 1;
    if (sigaction(SIGALRM, &on_alarm, NULL) != 0) return 1;
    if (inngest_send(&jobs, "sensor/due", NULL, 0) != INNGEST_OK) return 1;
    do if (inngest_posix_run_until_idle(&port, &jobs) != 0) return 1; while (inngest_next_run(&jobs, &cursor, &left) && (cursor = 0, true));
    if (inngest_close(&jobs) != INNGEST_OK) return 1;
    inngest_posix_close(&port);
    return 0;
}
