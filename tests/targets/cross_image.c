/* SPDX-License-Identifier: MIT
 * A journal goes from machine to machine: each life is a process on another one, which does one stage of a job and
 * stops without a word. What an earlier machine wrote must be there: results, attempts, errors, event data, sleeps
 * until a date, event ids, the id of the run. tests/targets/exchange.sh runs it on machines of both byte orders.
 *
 *   cross_image FILE LIFE LIVES     life 0 creates the file, life LIVES - 1 ends the job */
#include "inngest_posix.h"
#include "../test.h"
#include <stdlib.h>
#include <string.h>

#define START INT64_C(1767225600000)   /* 2026-01-01 */
static int life, lives, bodies, waits;
static bool ended;

static void store(uint8_t *to, uint64_t value) { int i; for (i = 0; i < 8; i++) to[i] = (uint8_t)(value >> 8 * i); }
static uint64_t load(const uint8_t *from) { uint64_t v = 0; int i; for (i = 7; i >= 0; i--) v = v << 8 | from[i]; return v; }

static inngest_status broken(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    CHECK(life == 0);
    return inngest_fail(ctx, -123456789, "the valve is stuck");
}

static inngest_status job(inngest_ctx *ctx)
{
    static const inngest_step_options once = { 0, 1, true, false };
    inngest_status status;
    uint8_t id[8], wide[256];
    int64_t amount = 0;
    char name[32];
    int stage, i;

    INNGEST_TRY(inngest_event_string(ctx, "data.user.name", name, sizeof name));
    INNGEST_TRY(inngest_event_decimal(ctx, "data.amount", 2, &amount));
    CHECK(strcmp(name, "J\xc3\xb8rgen") == 0 && amount == -1234567890123456);
    INNGEST_STEP(ctx, "id", id) store(id, inngest_run_id(ctx));
    CHECK(load(id) == inngest_run_id(ctx));
    INNGEST_CATCH(status, inngest_step_run_with(ctx, "broken", &once, broken, NULL, NULL, 0));
    CHECK(status == INNGEST_STEP_FAILED && inngest_error(ctx)->code == -123456789);
    CHECK(strcmp(inngest_error(ctx)->message, "the valve is stuck") == 0);
    INNGEST_STEP(ctx, "wide", wide) {
        CHECK(life == 0);
        for (i = 0; i < 256; i++) wide[i] = (uint8_t)i;
    }
    for (i = 0; i < 256; i++) CHECK(wide[i] == i);
    for (stage = 0; stage < lives; stage++) {
        uint8_t value[16];
        INNGEST_STEP(ctx, "stage", value) {
            CHECK(stage == life || stage == life + 1);
            if (stage == life + 1) {                 /* the next machine makes the second attempt */
                CHECK(inngest_attempt(ctx) == 0);
                return inngest_retry(ctx, stage, "not on this machine");
            }
            CHECK(inngest_attempt(ctx) == (stage > 0));
            bodies++;
            store(value, (uint64_t)stage * UINT64_C(0x0123456789ABCDEF));
            store(value + 8, inngest_run_id(ctx));
        }
        CHECK(load(value) == (uint64_t)stage * UINT64_C(0x0123456789ABCDEF) && load(value + 8) == load(id));
        INNGEST_TRY(inngest_step_sleep_until(ctx, "an-hour", START + INNGEST_HOURS(stage + 1)));
    }
    return INNGEST_OK;
}

static void run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    CHECK(info->status == INNGEST_OK && life == lives - 1);
    ended = true;
}

static void step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in)
{
    (void)user; (void)run; (void)attempt; (void)retry_in;
    if (strcmp(step, "stage") == 0 && status == INNGEST_RETRY) waits++;
}

static const uint32_t backoff[] = { 60 };
static const inngest_function table[] = { { .id = "job", .event = "test/cross", .handler = job, .backoff = backoff, .backoff_count = 1,
    .jitter_ms = INNGEST_NO_JITTER, .journal_bytes = 2048 } };
static const inngest_hooks hooks = { .run_end = run_end, .step_end = step_end };
static const char data[] = "{\"user\": {\"name\": \"J\\u00f8rgen\"}, \"amount\": -12345678901234.56}";
static const inngest_event event = { "test/cross", data, sizeof data - 1, "id-of-the-event", 0 };
static int64_t memory[INNGEST_MEMORY(4, 4) / 8 + 1];

int main(int argc, char **argv)
{
    static inngest_posix file;
    static inngest jobs;
    inngest_config config = { .functions = table, .function_count = 1, .hooks = &hooks, .memory = memory, .memory_size = sizeof memory,
        .runs = 4, .events = 4, .reset = INNGEST_RESET_POWER_ON, .seed = 7 };
    inngest_counters counters;
    uint32_t now = 0, next, ticks = 0;
    if (argc != 4) return 2;
    life = atoi(argv[2]);
    lives = atoi(argv[3]);
    CHECK(inngest_posix_open(&file, argv[1], life == 0 ? 32768 : 0) == 0);
    config.port = &file.port;
    CHECK(inngest_init(&jobs, &config, NULL) == INNGEST_OK);
    if (test_failed) return TEST_END();
    (void)inngest_tick(&jobs, now);
    inngest_set_wall_clock(&jobs, START + INNGEST_HOURS(life) - (life ? 10000 : 0), now);
    CHECK(inngest_send_event(&jobs, &event) == INNGEST_OK);          /* a second time, on another machine, it is known */
    while (!ended && waits == 0 && ticks++ < 1000 && (next = inngest_tick(&jobs, now)) != UINT32_MAX) now += next;
    inngest_get_counters(&jobs, &counters);
    CHECK(counters.duplicates == (life > 0) && counters.torn == 0 && counters.damaged == 0 && counters.lost_runs == 0);
    CHECK(bodies == 1 && ended == (life == lives - 1) && waits == (life < lives - 1));
    CHECK(now >= 3600000 && now < 3700000);          /* woke when it was due */
    return TEST_END();
}
