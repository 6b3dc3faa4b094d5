/* SPDX-License-Identifier: MIT
 * A firmware of tests/firmwares.c, or a twin of tests/twins.c: the library, in a configuration of its own, under names of its own, and
 * the jobs. Compiled once for each, with another FIRMWARE. */
#define PASTE_(a, b) a##_of_##b
#define PASTE(a, b) PASTE_(a, b)
#define OWN(name) PASTE(name, FIRMWARE)
#define INNGEST_JSON 0
#define INNGEST_TEXT 0
#define inngest_send_ OWN(inngest_send_)
#define inngest_send_event OWN(inngest_send_event)
#define inngest_complete OWN(inngest_complete)
#define inngest_wake OWN(inngest_wake)
#define inngest_step_token OWN(inngest_step_token)
#define inngest_step_calls OWN(inngest_step_calls)
#define inngest_stop_reason OWN(inngest_stop_reason)
#define inngest_began OWN(inngest_began)
#define inngest_again OWN(inngest_again)
#define inngest_step_begin_ OWN(inngest_step_begin_)
#define inngest_step_close_ OWN(inngest_step_close_)
#define inngest_step_run OWN(inngest_step_run)
#define inngest_step_run_with OWN(inngest_step_run_with)
#define inngest_step_sleep OWN(inngest_step_sleep)
#define inngest_step_sleep_until OWN(inngest_step_sleep_until)
#define inngest_step_send OWN(inngest_step_send)
#define inngest_step_restart OWN(inngest_step_restart)
#define inngest_parallel OWN(inngest_parallel)
#define inngest_join_ OWN(inngest_join_)
#define inngest_retry OWN(inngest_retry)
#define inngest_fail OWN(inngest_fail)
#define inngest_retry_after OWN(inngest_retry_after)
#define inngest_step_save OWN(inngest_step_save)
#define inngest_step_load OWN(inngest_step_load)
#define inngest_idempotency_key OWN(inngest_idempotency_key)
#define inngest_user OWN(inngest_user)
#define inngest_attempt OWN(inngest_attempt)
#define inngest_run_id OWN(inngest_run_id)
#define inngest_error OWN(inngest_error)
#define inngest_event_size OWN(inngest_event_size)
#define inngest_event_data OWN(inngest_event_data)
#define inngest_event_name OWN(inngest_event_name)
#define inngest_status_name OWN(inngest_status_name)
#define inngest_tick OWN(inngest_tick)
#define inngest_flush OWN(inngest_flush)
#define inngest_set_wall_clock OWN(inngest_set_wall_clock)
#define inngest_format OWN(inngest_format)
#define inngest_init_ OWN(inngest_init_)
#define inngest_close OWN(inngest_close)
#define inngest_cancel OWN(inngest_cancel)
#define inngest_next_run OWN(inngest_next_run)
#define inngest_get_counters OWN(inngest_get_counters)
#include "../../inngest.c"
#include "world.h"
#include "../drawn_jobs.h"

extern const firmware OWN(the_firmware);

static inngest_status boot(inngest_reset reset, uint32_t runs, uint32_t queue) { return start_engine(&world_port, reset, runs, queue); }

static inngest_status send_one(unsigned i)
{
    uint8_t data[2];
    inngest_event e = { .size = 2 };
#if INNGEST_SEEN_IDS
    char id[2] = "a";
    id[0] = (char)('a' + i);
    if (life.ids) e.id = id;
#endif
    data[0] = (uint8_t)i;
    data[1] = pattern(i, 0, 0, 1);
    e.name = names[i % life.functions];
    e.data = data;
    life.tried[i] = true;
    life.size[i] = 2;
    INNGEST_TRY(inngest_send_event(&jobs, &e));
    return inngest_flush(&jobs);
}

static uint32_t tick(void) { return inngest_tick(&jobs, now32()); }
static inngest_status stop(void) { return inngest_close(&jobs); }
static inngest_status flush(void) { return inngest_flush(&jobs); }
static void wake(void) { inngest_wake(&jobs); }

const firmware OWN(the_firmware) = { .message_bytes = INNGEST_MESSAGE_BYTES, .seen_ids = INNGEST_SEEN_IDS, .crash_limit = INNGEST_CRASH_LIMIT,
    .parts = PARTS_, .write_cache = INNGEST_WRITE_CACHE, .boot = boot, .tick = tick, .flush = flush, .wake = wake, .close = stop, .send_events = send_events, .send = send_one,
    .answer = answer, .tell_clock = tell_clock, .cancel = cancel_one, .free_senders = free_senders, .look = look, .show = show };
