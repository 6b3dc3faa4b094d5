/* SPDX-License-Identifier: MIT
 * A job that survives resets, its journal in storage_partition. A timer's interrupt sends the event that starts it, in each boot
 * again: its id says that it is the same one, so the job runs once. */
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>
#include "inngest_zephyr.h"

static inngest_zephyr storage;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(4, 8) / 8 + 1];

static inngest_status signup(inngest_ctx *ctx)
{
    char email[48];
    INNGEST_TRY(inngest_event_string(ctx, "data.email", email, sizeof email));
    INNGEST_DO(ctx, "welcome") printk("welcome %s\n", email);
    INNGEST_TRY(inngest_step_sleep(ctx, "a-while", INNGEST_SECONDS(2)));
    INNGEST_DO(ctx, "remind") printk("a reminder to %s\n", email);
    return INNGEST_OK;
}

static const inngest_function functions[] = {
    { .id = "signup", .event = "user/created", .handler = signup },
};

static void created(struct k_timer *timer)
{
    static const char data[] = "{\"email\": \"ada@example.com\"}";
    static const inngest_event event = { .name = "user/created", .data = data, .size = sizeof data - 1, .id = "ada-1" };
    (void)timer;
    if (inngest_send_event(&jobs, &event) != INNGEST_OK) printk("refused\n");
}
K_TIMER_DEFINE(timer, created, NULL);

int main(void)
{
    inngest_config config = { .functions = functions, .function_count = 1, .port = &storage.port, .memory = memory,
        .memory_size = sizeof memory, .runs = 4, .events = 8, .reset = inngest_zephyr_reset(), .seed = k_cycle_get_32() };
    int error = inngest_zephyr_open(&storage, FIXED_PARTITION_ID(storage_partition));
    inngest_status status = error ? INNGEST_ERR_READ : inngest_init(&jobs, &config, NULL);
    if (status != INNGEST_OK) {
        printk("no jobs: %d %s\n", error, inngest_status_name(status));
        return 0;
    }
    k_timer_start(&timer, K_SECONDS(1), K_NO_WAIT);
    inngest_zephyr_run(&storage, &jobs);
    return 0;
}
