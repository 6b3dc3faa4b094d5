/* SPDX-License-Identifier: MIT
 * A small job on each build that leaves a part of the library out, and runs that need the part: what one build leaves
 * in the journal stays parked in the other, is carried along, and goes on where it was when the part is back.
 *
 *     job                  a job with two steps, a retry and a sleep
 *     job leave FILE       with all parts: a run that needs each part, in its midst, as an image
 *     job carry FILE       with some: the runs of parts left out are parked, and reclaim goes round all blocks
 *     job end FILE         with all parts: each run ends well, and no step of it ran twice */
#include "../../port/flash_emulator/flash_emulator.h"
#include "../test.h"
#include <string.h>

enum { PLAIN, GROUP, LONG, PROGRESS, SEND, RESTART, FAILURE, CANCEL, DATE, UNWANTED, FUNCTIONS };

static flash chip;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(16, 16) / 8 + 1];
static uint32_t now;
static bool first, last, again;        /* of the three lives; after a reset in the midst of a run */
static unsigned first_steps, plain_ends, ends, bodies, failures, gone;

#define FIRST(ctx) INNGEST_DO(ctx, "first") first_steps++

static inngest_status plain(inngest_ctx *ctx)
{
    unsigned value = 0;
    INNGEST_DO(ctx, "retried") {
        bodies++;
        if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 1000, 1, "once more");
    }
    INNGEST_TRY(inngest_step_sleep(ctx, "sleep", 5000));
    INNGEST_STEP(ctx, "value", value) {
        CHECK(inngest_began(ctx) == (again && !INNGEST_INSPECT ? INNGEST_BEGAN_MAYBE : INNGEST_BEGAN_NO));      /* which does not know of damage */
        value = 7;
    }
    plain_ends += value == 7;
    return INNGEST_OK;
}

/* Without its part a run may not be gone on with at all. */
#if !INNGEST_PARALLEL || !INNGEST_LONG_STEPS || !INNGEST_PROGRESS || !INNGEST_SEND_STEP || !INNGEST_RESTART || !INNGEST_CANCEL || !INNGEST_WALL_CLOCK || !INNGEST_ON_FAILURE
static inngest_status never(inngest_ctx *ctx)
{
    CHECK(inngest_user(ctx) == NULL && !"a parked run went on");
    return INNGEST_FAIL;
}
#endif

static inngest_status later(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "later", INNGEST_HOURS(1)));
    ends++;
    return INNGEST_OK;
}

#if INNGEST_PARALLEL
static inngest_status group(inngest_ctx *ctx)
{
    inngest_status a, b;
    FIRST(ctx);
    inngest_parallel(ctx, "group");
    INNGEST_DO_AS(a, ctx, "a") { }
    INNGEST_DO_AS(b, ctx, "b") { }
    INNGEST_TRY(inngest_any(ctx, &a, &b));
    CHECK(a == INNGEST_OK && b == INNGEST_LOST);
    return later(ctx);
}
#else
#define group never
#endif

#if INNGEST_LONG_STEPS
static inngest_status long_body(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    CHECK(inngest_began(ctx) == (first ? INNGEST_BEGAN_NO : INNGEST_BEGAN_YES));
    return last ? INNGEST_OK : inngest_again(ctx, UINT32_MAX);
}
static inngest_status long_step(inngest_ctx *ctx)
{
    inngest_step_options options = { 0 };
    options.intent = true;
    FIRST(ctx);
    INNGEST_TRY(inngest_step_run_with(ctx, "long", &options, long_body, NULL, NULL, 0));
    ends++;
    return INNGEST_OK;
}
#else
#define long_step never
#endif

#if INNGEST_PROGRESS
static inngest_status progress_body(inngest_ctx *ctx, const void *arg, void *result)
{
    uint32_t at = 0;
    (void)arg; (void)result;
    INNGEST_TRY(inngest_step_load(ctx, &at, sizeof at));
    CHECK(at == (first ? 0u : 77u));
    at = 77;
    INNGEST_TRY(inngest_step_save(ctx, &at, sizeof at));
    return last ? INNGEST_OK : inngest_retry_after(ctx, INNGEST_HOURS(1), 0, NULL);
}
static inngest_status progress(inngest_ctx *ctx)
{
    FIRST(ctx);
    INNGEST_TRY(inngest_step_run(ctx, "progress", progress_body, NULL, NULL, 0));
    ends++;
    return INNGEST_OK;
}
#else
#define progress never
#endif

#if INNGEST_SEND_STEP && INNGEST_WALL_CLOCK
static inngest_status sender(inngest_ctx *ctx)
{
    FIRST(ctx);
    INNGEST_TRY(inngest_step_send(ctx, "send", "nobody/wants.it", NULL, 0));
    INNGEST_TRY(inngest_step_sleep_until(ctx, "date", 1700000000000));      /* a clock does not wake it where it is parked */
    return later(ctx);
}
#else
#define sender never
#endif

#if INNGEST_SEND_STEP
static inngest_status unwanted(inngest_ctx *ctx)             /* cancelled where it is parked */
{
    FIRST(ctx);
    INNGEST_TRY(inngest_step_send(ctx, "send", "nobody/wants.it", NULL, 0));
    return inngest_step_sleep(ctx, "later", INNGEST_HOURS(1));
}
#else
#define unwanted never
#endif

#if INNGEST_RESTART
static inngest_status restarter(inngest_ctx *ctx)
{
    FIRST(ctx);
    INNGEST_TRY(inngest_step_restart(ctx, "restart"));
    return later(ctx);
}
#else
#define restarter never
#endif
static void restart(void *context) { (void)context; }

#if INNGEST_ON_FAILURE
static inngest_status failing(inngest_ctx *ctx)
{
    failures++;
    return inngest_fail(ctx, 1, "as meant");
}
static inngest_status on_failure(inngest_ctx *ctx)
{
    FIRST(ctx);
    return later(ctx);
}
#else
#define failing never
#endif

#if INNGEST_CANCEL
static inngest_status cancelled(inngest_ctx *ctx)
{
    CHECK(!last);
    FIRST(ctx);
    return later(ctx);
}
#else
#define cancelled never
#endif

#if INNGEST_WALL_CLOCK
static inngest_status date(inngest_ctx *ctx)
{
    FIRST(ctx);
    INNGEST_TRY(inngest_step_sleep_until(ctx, "date", 1700000000000));
    ends++;
    return INNGEST_OK;
}
#else
#define date never
#endif

static inngest_function functions[FUNCTIONS];

static void boot(void)
{
    static const char *const id[FUNCTIONS] = { "plain", "group", "long", "progress", "send", "restart", "failure", "cancel", "date", "unwanted" };
    static inngest_handler *const handler[FUNCTIONS] = { plain, group, long_step, progress, sender, restarter, failing, cancelled, date, unwanted };
    inngest_config config;
    unsigned i;
    memset(&config, 0, sizeof config);
    for (i = 0; i < FUNCTIONS; i++) {
        functions[i].id = functions[i].event = id[i];
        functions[i].handler = handler[i];
        functions[i].max_attempts = 3;
        functions[i].journal_bytes = 256;
    }
#if INNGEST_ON_FAILURE
    functions[FAILURE].on_failure = on_failure;
#endif
    chip.port.restart = restart;
    config.functions = functions;
    config.function_count = FUNCTIONS;
    config.port = &chip.port;
    config.memory = memory;
    config.memory_size = sizeof memory;
    config.runs = 16;
    config.events = 16;
    config.reset = INNGEST_RESET_POWER_ON;
    CHECK(inngest_init(&jobs, &config, NULL) == INNGEST_OK);
}

static void let_pass(uint32_t ms)
{
    uint32_t end = now + ms;
    while (now < end) {
        uint32_t next = inngest_tick(&jobs, now);
        now = next < end - now ? now + next : end;
    }
    (void)inngest_tick(&jobs, now);
}

static void image(const char *name, bool write)
{
    size_t size = (size_t)chip.port.block_size * chip.port.block_count;
    FILE *file = fopen(name, write ? "wb" : "rb");
    CHECK(file != NULL && (write ? fwrite(chip.cells, 1, size, file) : fread(chip.cells, 1, size, file)) == size);
    if (file) (void)fclose(file);
}

#if INNGEST_INSPECT
static bool left_out(unsigned function)
{
    static const bool in[FUNCTIONS] = { true, INNGEST_PARALLEL, INNGEST_LONG_STEPS, INNGEST_PROGRESS, INNGEST_SEND_STEP && INNGEST_WALL_CLOCK, INNGEST_RESTART,
                                        INNGEST_ON_FAILURE, INNGEST_CANCEL, INNGEST_WALL_CLOCK, INNGEST_SEND_STEP };
    return !in[function];
}

/* All that wait are there, those of parts left out are parked. A cancelled one has ended where that is known. */
static void look(void)
{
    inngest_run_info info;
    uint32_t cursor = 0;
    unsigned n = 0, i;
    while (inngest_next_run(&jobs, &cursor, &info)) {
        for (i = 0; i < FUNCTIONS && (info.function == NULL || strcmp(info.function, functions[i].id) != 0); i++) { }
        CHECK(i != PLAIN && i != FUNCTIONS && (info.wait == INNGEST_WAIT_MEMO) == left_out(i));
        n++;
    }
    CHECK(n == FUNCTIONS - 1u - (INNGEST_CANCEL ? 1 : 0) - gone);
}

/* It ends, also where power is lost before a tick has ended it. */
static void cancel_unwanted(void)
{
#if INNGEST_CANCEL
    inngest_run_info info;
    uint32_t cursor = 0;
    while (inngest_next_run(&jobs, &cursor, &info))
        if (strcmp(info.function, "unwanted") == 0) CHECK(inngest_cancel(&jobs, info.id) == INNGEST_OK);
    boot();
    (void)inngest_tick(&jobs, now);
    gone = 1;
#endif
}
#else
static void cancel_unwanted(void) { }
static void look(void) { }
#endif

static void send_it(const char *name)
{
    inngest_event event;
    memset(&event, 0, sizeof event);
    event.name = name;
    CHECK(inngest_send_event(&jobs, &event) == INNGEST_OK);
}

#if INNGEST_CANCEL && INNGEST_INSPECT
static void leave(void)
{
    inngest_run_info info;
    uint32_t cursor = 0;
    unsigned i;
    for (i = GROUP; i < FUNCTIONS; i++) if (i != RESTART) send_it(functions[i].id);
    let_pass(1000);
    send_it("restart");
    (void)inngest_tick(&jobs, now);                                /* the engine stops with it */
    while (inngest_next_run(&jobs, &cursor, &info))
        if (strcmp(info.function, "cancel") == 0) CHECK(inngest_cancel(&jobs, info.id) == INNGEST_OK);
}
#else
static void leave(void) { CHECK(!"needs all parts"); }
#endif

int main(int count, char **argument)
{
    unsigned i;
    const char *what = count > 2 ? argument[1] : "";
    (void)later, (void)cancel_unwanted, (void)gone;                           /* where no part that is there needs it */
    CHECK(flash_open(&chip, 1024, 16, 4, 1));
    first = strcmp(what, "leave") == 0;
    last = strcmp(what, "end") == 0;
    if (last || strcmp(what, "carry") == 0) image(argument[2], false);
    boot();
    if (count < 3) {
        uint32_t before = chip.operations;
        CHECK(inngest_send(&jobs, "plain", "x", 1) == INNGEST_OK);
        let_pass(20000);
        CHECK(plain_ends == 1 && bodies == 2);
        CHECK(chip.operations - before <= 8);                      /* start, attempt, two results, sleep, its end, the run's; and one for the boot */
        CHECK(inngest_send(&jobs, "plain", "x", 1) == INNGEST_OK);
        let_pass(3000);
        boot();
        again = true;
        let_pass(20000);
        CHECK(plain_ends == 2 && bodies == 4);
    } else if (first) leave();
    else if (last) {
#if INNGEST_WALL_CLOCK
        inngest_set_wall_clock(&jobs, 1700000000000, now);
#endif
        let_pass(3 * 3600000);
        CHECK(first_steps == 0 && failures == 0);
        CHECK(ends == FUNCTIONS - 3);                              /* all but the plain ones and the cancelled ones */
    } else {
        (void)inngest_tick(&jobs, now);
        look();
#if INNGEST_WALL_CLOCK
        inngest_set_wall_clock(&jobs, 1600000000000, now);
#endif
        (void)inngest_tick(&jobs, now);
        if (!INNGEST_SEND_STEP) cancel_unwanted();
        look();
        for (i = 0; i < 150; i++) {                                /* reclaim goes round */
            send_it("plain");
            let_pass(7000);
        }
        CHECK(plain_ends == 150);
        look();
    }
    CHECK(inngest_close(&jobs) == INNGEST_OK || first);
    CHECK(chip.violations == 0);
    if (count > 2) image(argument[2], true);
    flash_close(&chip);
    return TEST_END();
}
