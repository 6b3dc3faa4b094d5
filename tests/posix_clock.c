/* SPDX-License-Identifier: MIT
 * Promise 8 on POSIX: what the run loop makes of clocks. Both clocks and poll are the test's: poll lets exactly the
 * time pass that it was asked to wait, and the wall clock is set and stepped at will. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE 1
#define _FILE_OFFSET_BITS 64
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "posix_folder.h"
#include "test.h"

static int64_t uptime = 4294960000, wall_offset;   /* ms; the 32-bit uptime wraps after 7 s */
static int64_t step_at, step_by;                   /* at this uptime the wall clock moves */
static int64_t suspend_at, suspend_for;            /* at this uptime the machine is suspended: both clocks go on */
static int64_t longest, polls;

static int test_clock(clockid_t which, struct timespec *t)
{
    int64_t ms = which == CLOCK_REALTIME ? uptime + wall_offset : uptime;
    t->tv_sec = (time_t)(ms / 1000);
    t->tv_nsec = (long)(ms % 1000) * 1000000;
    return 0;
}

/* What comes at a chosen moment: just before the loop empties its pipe, or just before it sleeps. */
static void (*before_read)(void), (*before_poll)(void);
static unsigned skip_polls;

static void call_once(void (**call)(void))
{
    void (*now)(void) = *call;
    *call = NULL;
    if (now) now();
}

static ssize_t test_read(int file, void *to, size_t size)
{
    call_once(&before_read);
    return read(file, to, size);
}

static int test_poll(struct pollfd *files, nfds_t n, int timeout)
{
    if (skip_polls > 0) skip_polls--;
    else call_once(&before_poll);
    if (poll(files, n, 0) > 0) return 1;
    if (++polls > 100000) { puts("the loop does not sleep"); exit(2); }
    uptime += timeout;
    if (timeout > longest) longest = timeout;
    if (step_at && uptime >= step_at) {
        wall_offset += step_by;
        step_at = 0;
    }
    if (suspend_at && uptime >= suspend_at) {
        uptime += suspend_for;
        suspend_at = 0;
    }
    return 0;
}

#define clock_gettime(which, t) test_clock(which, t)
#define poll(files, n, timeout) test_poll(files, n, timeout)
#define read(file, to, size) test_read(file, to, size)
#include "../port/posix/inngest_posix.c"
#undef clock_gettime
#undef poll
#undef read

#define IN_2026 1780000000000
static inngest_posix port;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(4, 4) / 8 + 1];
static int64_t until, nap, ended_at, resumed_at;

static inngest_status dated(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep_until(ctx, "date", until));
    ended_at = uptime;
    return INNGEST_OK;
}

static inngest_status relative(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "hour", INNGEST_HOURS(1)));
    ended_at = uptime;
    return INNGEST_OK;
}

/* A wait that begins behind the hour. */
static inngest_status chained(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "hour", INNGEST_HOURS(1)));
    INNGEST_DO(ctx, "look") { resumed_at = uptime; }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", nap));
    ended_at = uptime;
    return INNGEST_OK;
}

static void wake_it(void) { inngest_wake(&jobs); }

/* A body that blocks for 700 ms, and behind it a sleep of 1 s; something wakes the loop at once. */
static inngest_status blocking(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "block") { resumed_at = uptime += 700; before_poll = wake_it; }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", nap));
    ended_at = uptime;
    return INNGEST_OK;
}

static void boot(bool fresh)
{
    static const inngest_function functions[] = {
        { .id = "dated", .event = "test/dated", .handler = dated },
        { .id = "relative", .event = "test/relative", .handler = relative },
        { .id = "chained", .event = "test/chained", .handler = chained },
        { .id = "blocking", .event = "test/blocking", .handler = blocking },
    };
    inngest_config c;
    if (fresh && unlink("clock") != 0) { /* not there yet */ }
    CHECK(inngest_posix_open(&port, "clock", 8 * 4096) == 0);
    memset(&c, 0, sizeof c);
    c.functions = functions;
    c.function_count = 4;
    c.port = &port.port;
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = c.events = 4;
    CHECK(inngest_init(&jobs, &c, NULL) == INNGEST_OK);
    ended_at = longest = polls = step_at = 0;
}

static void shut(void)
{
    CHECK(inngest_close(&jobs) == INNGEST_OK);
    inngest_posix_close(&port);
}

/* Run the job, give how many ms it took. */
static int64_t take(const char *event)
{
    const inngest_event e = { .name = event };
    int64_t start = uptime;
    ended_at = 0;
    CHECK(inngest_send_event(&jobs, &e) == INNGEST_OK);
    CHECK(inngest_posix_run_until_idle(&port, &jobs) == 0);
    return ended_at - start;
}

static void stop_it(void) { inngest_posix_stop(&port); }
static void send_it(void) { CHECK(inngest_send(&jobs, "test/dated", NULL, 0) == INNGEST_OK); }
static void stop_at_the_next_read(void) { before_read = stop_it; inngest_wake(&jobs); }
static void send_at_the_next_read(void) { before_read = send_it; inngest_wake(&jobs); }

/* A stop, and a send, in the gaps of the loop: no time passes until it is seen. */
static void no_gap(void)
{
    static void (*const stops[])(void) = { stop_it, stop_at_the_next_read };
    static void (*const sends[])(void) = { send_it, send_at_the_next_read };
    int64_t start = uptime;
    unsigned i;
    for (i = 0; i < 2; i++) {
        before_poll = stops[i];
        CHECK(inngest_posix_run(&port, &jobs) == 0 && uptime == start);
        ended_at = 0;
        before_poll = sends[i];
        CHECK(inngest_posix_run_until_idle(&port, &jobs) == 0 && ended_at == start && uptime == start);
    }
    before_read = stop_it;
    CHECK(inngest_posix_run(&port, &jobs) == 0 && uptime == start);
    ended_at = 0;
    before_read = send_it;
    CHECK(inngest_posix_run_until_idle(&port, &jobs) == 0 && ended_at == start && uptime == start);
}

/* Suspended for longer than the 32-bit clock can tell: no time is lost, and none is made up. */
static void suspended(void)
{
    static const int64_t days[] = { 20, 30, 49, 50, 60, 80, 200 };
    unsigned i;
    for (i = 0; i < sizeof days / sizeof *days; i++) {
        suspend_for = INNGEST_DAYS(days[i]) + 1234;
        suspend_at = uptime + 600000;
        CHECK(take("test/relative") == 600000 + suspend_for);
        until = uptime + wall_offset + suspend_for + INNGEST_HOURS(5);
        suspend_at = uptime + 600000;
        CHECK(take("test/dated") == suspend_for + INNGEST_HOURS(5));
        nap = suspend_for + INNGEST_HOURS(5);      /* suspended in the nap */
        suspend_at = uptime + INNGEST_HOURS(2);
        CHECK(take("test/chained") == INNGEST_HOURS(1) + nap);
        nap = INNGEST_HOURS(9);                    /* suspended before the nap, which begins when the machine is back */
        suspend_at = uptime + 600000;
        CHECK(take("test/chained") == 600000 + suspend_for + nap && ended_at == resumed_at + nap);
    }
    CHECK(port.port.may_write == NULL);
}

int main(int count, char **arguments)
{
    int64_t ms;
    (void)count;
    enter_folder(arguments[0]);
    alarm(30);                                     /* a hang is a failure too */

    wall_offset = IN_2026 - uptime;                /* the clock is right: exact to the ms, across the wrap */
    CHECK(inngest_posix_unix_ms() == IN_2026 && inngest_posix_uptime_ms() == (uint32_t)uptime);
    boot(true);
    until = IN_2026 + 60000;
    CHECK(take("test/dated") == 60000);
    CHECK(take("test/relative") == 3600000);
    CHECK(longest == LONGEST_SLEEP_MS && polls < 380);
    until = 1;                                     /* long ago */
    CHECK(take("test/dated") == 0);
    no_gap();
    nap = 1000;
    CHECK(take("test/blocking") == 1700 && ended_at == resumed_at + nap);
    CHECK(port.port.now == NULL);                  /* who ticks himself has his own clock */
    suspended();

    until = uptime + wall_offset + 3600000;        /* set back by half an hour: as much later */
    step_at = uptime + 600000;
    step_by = -1800000;
    CHECK(take("test/dated") == 5400000);
    until = uptime + wall_offset + 3600000;        /* set ahead: earlier, noticed within the longest sleep */
    step_at = uptime + 600000;
    step_by = 1800000;
    CHECK(take("test/dated") == 1800000);
    until = uptime + wall_offset + 3600000;        /* set ahead beyond the date */
    step_at = uptime + 600000;
    step_by = 7200000;
    ms = take("test/dated");
    CHECK(ms >= 600000 && ms <= 600000 + LONGEST_SLEEP_MS);
    until = uptime + wall_offset + 3600000;        /* moved a little: not told, and not told again and again */
    step_at = uptime + 600000;
    step_by = -900;
    CHECK(take("test/dated") == 3600000);
    step_at = uptime + 600000;                     /* a relative sleep has nothing to do with it */
    step_by = 86400000;
    CHECK(take("test/relative") == 3600000);
    shut();

    boot(true);                                    /* the clock was never set: a date waits, an hour does not */
    wall_offset = 0;
    until = IN_2026;
    ended_at = 0;
    CHECK(take("test/relative") == 3600000);
    ended_at = 0;
    CHECK(inngest_send(&jobs, "test/dated", NULL, 0) == INNGEST_OK);
    CHECK(inngest_posix_run_until_idle(&port, &jobs) == 0 && ended_at == 0);
    wall_offset = IN_2026 - uptime - 5000;         /* then it is set */
    CHECK(inngest_posix_run_until_idle(&port, &jobs) == 0);
    CHECK(ended_at == uptime && uptime + wall_offset == IN_2026);
    shut();

    wall_offset = IN_2026 - uptime;                /* ticked by its user before the loop: a date is never early for it */
    boot(true);
    until = IN_2026 + 3000;
    CHECK(inngest_send(&jobs, "test/dated", NULL, 0) == INNGEST_OK);
    inngest_tick(&jobs, inngest_posix_uptime_ms());
    uptime += 2000;
    CHECK(inngest_posix_run_until_idle(&port, &jobs) == 0);
    CHECK(ended_at + wall_offset == until);
    shut();

    wall_offset = IN_2026 - uptime;                /* stopped for 20 of the 60 minutes: off-time counts, not too much */
    boot(true);
    CHECK(inngest_send(&jobs, "test/relative", NULL, 0) == INNGEST_OK);
    inngest_posix_stop(&port);
    CHECK(inngest_posix_run(&port, &jobs) == 0);   /* at once */
    {
        clocks c = { uptime, 0, false };
        int64_t start = uptime;
        CHECK(turn(&port, &jobs, &c) == 3600000);
        shut();
        uptime += 1200000;
        boot(false);
        uptime += 700;                             /* between open and run */
        CHECK(inngest_posix_run_until_idle(&port, &jobs) == 0);
        CHECK(ended_at - start >= 3600000 && ended_at - start <= 3601000);
    }
    shut();
    return TEST_END();
}
