/* SPDX-License-Identifier: MIT
 * Jobs of every kind, and a ledger of what they did. The ledger stands for the outer world: it outlives resets, and
 * judges the engine by effects alone. An event's one byte of data says which entry of the ledger it is about. */
#ifndef WORLD_H
#define WORLD_H
#include "../port/flash_emulator/flash_emulator.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

#define WORLD_EVENTS 16
#define WORLD_STEPS 4

typedef struct ledger_entry {
    bool sent;                          /* the event was durable: it must come to its end */
    bool durable[WORLD_STEPS];          /* the step was seen as finished */
    uint8_t effects[WORLD_STEPS];
    uint8_t ended, ended_other;         /* end hooks: as the kind should end, otherwise */
    uint8_t progress;                   /* saved, and known to be durable */
} ledger_entry;

typedef struct world_state {            /* plain data: a copy of it goes with a copy of the storage */
    ledger_entry ledger[WORLD_EVENTS];
    uint8_t kind[WORLD_EVENTS];
    unsigned reruns;                    /* bodies called after their step was finished */
    unsigned wrong;                     /* results, order, choices or events that cannot be */
    unsigned phantom;                   /* runs of events that nobody sent */
} world_state;

static world_state world;
static uint64_t world_run[WORLD_EVENTS];         /* run id, where it was seen in this boot */
static struct { inngest_token token; uint8_t which; bool used; } world_pending[8];

enum { PLAIN, FAN, BRANCHES, FAILING, SAVER, SENDER, WAITER, ONCE, CHILD, WORLD_KINDS };
static const char *const world_names[WORLD_KINDS] = { "w/plain", "w/fan", "w/branches", "w/failing", "w/saver", "w/sender",
                                                      "w/waiter", "w/once", "w/child" };

static inline void world_effect(unsigned which, unsigned step)
{
    ledger_entry *e = &world.ledger[which];
    if (e->durable[step]) world.reruns++;
    if (e->effects[step] < 255) e->effects[step]++;
}

static inline void world_done(unsigned which, unsigned step)
{
    if (world.ledger[which].effects[step] == 0) world.wrong++;         /* finished, and its body never ran */
    world.ledger[which].durable[step] = true;
}

/* The entry of this run's event. */
static inline inngest_status world_which(inngest_ctx *ctx, unsigned kind, unsigned *which)
{
    uint8_t byte;
    INNGEST_TRY(inngest_event_data(ctx, &byte, 1));
    if (byte >= WORLD_EVENTS || world.kind[byte] != kind) { world.phantom++; return INNGEST_FAIL; }
    *which = byte;
    world_run[byte] = inngest_run_id(ctx);
    return INNGEST_OK;
}

static inline inngest_status world_plain(inngest_ctx *ctx)
{
    unsigned w;
    uint32_t value, copy;
    INNGEST_TRY(world_which(ctx, PLAIN, &w));
    INNGEST_STEP(ctx, "a", value) { world_effect(w, 0); value = 0xC0FFEE00u + w; }
    if (value != 0xC0FFEE00u + w) world.wrong++;
    world_done(w, 0);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_SECONDS(100)));
    INNGEST_STEP(ctx, "b", copy) {
        world_effect(w, 1);
        if (inngest_attempt(ctx) == 0) return inngest_retry(ctx, 7, "not yet");
        copy = value + 1;
    }
    if (copy != value + 1) world.wrong++;
    world_done(w, 1);
    return INNGEST_OK;
}

static inline inngest_status world_fan(inngest_ctx *ctx, unsigned step)
{
    unsigned w;
    uint8_t value;
    INNGEST_TRY(world_which(ctx, FAN, &w));
    INNGEST_STEP(ctx, "a", value) { world_effect(w, step); value = (uint8_t)(w + step); }
    if (value != (uint8_t)(w + step)) world.wrong++;
    world_done(w, step);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_SECONDS(50)));
    return INNGEST_OK;
}
static inline inngest_status world_fan_one(inngest_ctx *ctx) { return world_fan(ctx, 0); }
static inline inngest_status world_fan_two(inngest_ctx *ctx) { return world_fan(ctx, 1); }

static inline inngest_status world_branches(inngest_ctx *ctx)
{
    unsigned w;
    inngest_status left, right;
    INNGEST_TRY(world_which(ctx, BRANCHES, &w));
    inngest_parallel(ctx, "both");
    INNGEST_DO_AS(left, ctx, "left") world_effect(w, 0);
    if (left == INNGEST_OK) world_done(w, 0);
    right = inngest_step_sleep(ctx, "pause", INNGEST_SECONDS(20));
    INNGEST_TRY(inngest_all(ctx, &left, &right));
    inngest_parallel(ctx, "race");
    INNGEST_DO_AS(left, ctx, "slow") {
        if (inngest_stop_reason(ctx) == INNGEST_STOP_NONE) left = inngest_again(ctx, 7000);
    }
    right = inngest_step_sleep(ctx, "short", INNGEST_SECONDS(10));
    INNGEST_TRY(inngest_any(ctx, &left, &right));
    if (left != INNGEST_LOST) world.wrong++;
    INNGEST_DO(ctx, "after") world_effect(w, 1);
    world_done(w, 1);
    return INNGEST_OK;
}

static inline inngest_status world_failing(inngest_ctx *ctx)
{
    static const inngest_step_options twice = { .max_attempts = 2 };
    unsigned w;
    INNGEST_TRY(world_which(ctx, FAILING, &w));
    INNGEST_DO_WITH(ctx, "bad", &twice) {
        world_effect(w, 0);
        return inngest_retry(ctx, 77, "planned");
    }
    world.wrong++;
    return INNGEST_OK;
}

static inline inngest_status world_failed(inngest_ctx *ctx)
{
    unsigned w;
    INNGEST_TRY(world_which(ctx, FAILING, &w));
    if (inngest_error(ctx)->code != 77) world.wrong++;
    world_done(w, 0);                                /* given up: it does not run again either */
    INNGEST_DO(ctx, "bad") world_effect(w, 1);       /* a step of the same id in a world of its own */
    world_done(w, 1);
    return INNGEST_OK;
}

/* A body that comes so far, one call at a time, and saves how far it has come: never less than was durable. */
static inline inngest_status world_progress(inngest_ctx *ctx, unsigned which, uint8_t calls, uint32_t pause_ms)
{
    uint8_t at;
    INNGEST_TRY(inngest_step_load(ctx, &at, 1));
    if (at < world.ledger[which].progress || at > calls) world.wrong++;
    if (at >= calls) return INNGEST_OK;
    at++;
    INNGEST_TRY(inngest_step_save(ctx, &at, 1));
    world.ledger[which].progress = at;
    return inngest_again(ctx, pause_ms);
}

static inline inngest_status world_saver(inngest_ctx *ctx)
{
    unsigned w;
    INNGEST_TRY(world_which(ctx, SAVER, &w));
    INNGEST_DO(ctx, "update") {
        world_effect(w, 0);
        INNGEST_TRY(world_progress(ctx, w, 3, 1000));
    }
    world_done(w, 0);
    return INNGEST_OK;
}

static inline inngest_status world_sender(inngest_ctx *ctx)
{
    unsigned w;
    uint8_t byte;
    INNGEST_TRY(world_which(ctx, SENDER, &w));
    byte = (uint8_t)w;
    INNGEST_DO(ctx, "before") world_effect(w, 0);
    world_done(w, 0);
    INNGEST_TRY(inngest_step_send(ctx, "tell", "w/child", &byte, 1));
    world.ledger[w].durable[3] = true;               /* the child must come to its end from now on */
    return INNGEST_OK;
}

static inline inngest_status world_child(inngest_ctx *ctx)
{
    unsigned w;
    INNGEST_TRY(world_which(ctx, SENDER, &w));
    INNGEST_DO(ctx, "told") world_effect(w, 1);
    world_done(w, 1);
    return INNGEST_OK;
}

static inline inngest_status world_waiter(inngest_ctx *ctx)
{
    unsigned w, i;
    uint8_t value;
    INNGEST_TRY(world_which(ctx, WAITER, &w));
    INNGEST_STEP(ctx, "radio", value) {
        inngest_token token = inngest_step_token(ctx);
        world_effect(w, 0);
        for (i = 0; i < 8 && token.attempt; i++) {
            if (world_pending[i].used) continue;
            world_pending[i].used = true;
            world_pending[i].token = token;
            world_pending[i].which = (uint8_t)w;
            break;
        }
        return INNGEST_PENDING;
    }
    if (value != (uint8_t)(w ^ 0x5A)) world.wrong++;
    world_done(w, 0);
    INNGEST_DO(ctx, "heard") world_effect(w, 1);
    world_done(w, 1);
    return INNGEST_OK;
}

static inline inngest_status world_once_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const unsigned *w = arg;
    (void)ctx; (void)result;
    world_effect(*w, 0);
    if (world.ledger[*w].effects[0] > 1) world.wrong++;
    return INNGEST_OK;
}

static inline inngest_status world_once(inngest_ctx *ctx)
{
    static const inngest_step_options once = { .intent = true, .at_most_once = true, .max_attempts = 1 };
    unsigned w;
    inngest_status status;
    INNGEST_TRY(world_which(ctx, ONCE, &w));
    INNGEST_CATCH(status, inngest_step_run_with(ctx, "once", &once, world_once_body, &w, NULL, 0));
    world.ledger[w].durable[0] = true;
    INNGEST_DO(ctx, "after") world_effect(w, 1);
    world_done(w, 1);
    return INNGEST_OK;
}

static const uint32_t world_backoff[] = { 1 };
#define WORLD_JOB .backoff = world_backoff, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER, .journal_bytes = 160
static const inngest_function world_table[] = {
    { .id = "plain", .event = "w/plain", .handler = world_plain, WORLD_JOB },
    { .id = "fan one", .event = "w/fan", .handler = world_fan_one, WORLD_JOB },
    { .id = "fan two", .event = "w/fan", .handler = world_fan_two, WORLD_JOB },
    { .id = "branches", .event = "w/branches", .handler = world_branches, WORLD_JOB },
    { .id = "failing", .event = "w/failing", .handler = world_failing, .on_failure = world_failed, WORLD_JOB },
    { .id = "saver", .event = "w/saver", .handler = world_saver, WORLD_JOB },
    { .id = "sender", .event = "w/sender", .handler = world_sender, WORLD_JOB },
    { .id = "waiter", .event = "w/waiter", .handler = world_waiter, WORLD_JOB },
    { .id = "once", .event = "w/once", .handler = world_once, WORLD_JOB },
    { .id = "child", .event = "w/child", .handler = world_child, WORLD_JOB },
};
#define WORLD_FUNCTIONS (sizeof world_table / sizeof *world_table)

/* The functions that these kinds of events need, so that a small journal holds them. Ends with WORLD_KINDS. */
static inline uint16_t world_functions(inngest_function out[WORLD_FUNCTIONS], const uint8_t *kinds)
{
    uint16_t n = 0;
    unsigned i;
    const uint8_t *k;
    for (i = 0; i < WORLD_FUNCTIONS; i++) {
        bool needed = false;
        for (k = kinds; *k != WORLD_KINDS; k++) {
            needed = needed || strcmp(world_table[i].event, world_names[*k]) == 0;
            needed = needed || (*k == SENDER && strcmp(world_table[i].event, world_names[CHILD]) == 0);
        }
        if (needed) memcpy(&out[n++], &world_table[i], sizeof *out);
    }
    return n;
}

static inline void world_run_end(void *user, const inngest_end_info *info)
{
    unsigned i;
    (void)user;
    for (i = 0; i < WORLD_EVENTS; i++) {
        ledger_entry *e = &world.ledger[i];
        if (world_run[i] != info->id) continue;
        if (info->status == (world.kind[i] == FAILING ? INNGEST_FAIL : INNGEST_OK)) e->ended = 1;
        else e->ended_other = 1;
    }
}

static const inngest_hooks world_hooks = { .run_end = world_run_end };

static inline void world_reset(void)
{
    memset(&world, 0, sizeof world);
    memset(world_run, 0, sizeof world_run);
    memset(world_pending, 0, sizeof world_pending);
}

/* All that this event was to bring about has been done. */
static inline bool world_fulfilled(unsigned which)
{
    static const uint8_t steps[WORLD_KINDS] = { 2, 2, 2, 2, 1, 2, 2, 2, 1 };
    const ledger_entry *e = &world.ledger[which];
    unsigned i;
    for (i = 0; i < steps[world.kind[which]]; i++) if (!e->durable[i]) return false;
    return true;
}

static inline bool world_is_right(void) { return world.reruns == 0 && world.wrong == 0 && world.phantom == 0; }

/* The outer world answers what is pending. */
static inline void world_answer(inngest *jobs)
{
    unsigned i;
    for (i = 0; i < 8; i++) {
        uint8_t value = (uint8_t)(world_pending[i].which ^ 0x5A);
        if (!world_pending[i].used) continue;
        if (inngest_complete(jobs, world_pending[i].token, INNGEST_OK, &value, 1) == INNGEST_OK) world_pending[i].used = false;
    }
}
#endif
