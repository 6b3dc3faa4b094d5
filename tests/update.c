/* SPDX-License-Identifier: MIT
 * Promise 7: firmware updates are safe, rollback too: functions gone, added and renamed, steps inserted, removed, moved
 * and changed, results grown and shrunk, branches, attempts, reservations, under runs of another firmware. */
#include "crc32.h"
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER
#define FUNCTION(name, fn) .id = name, .event = "test/" name, .handler = fn, QUICK
#define HOUR 3600000u
#define COUNT(t) (uint16_t)(sizeof (t) / sizeof (t)[0])
#define BOOT(t) boot(t, COUNT(t))

/* Reset, and go on with this firmware. */
static void boot(const inngest_function *functions, uint16_t count)
{
    m.config.functions = functions;
    m.config.function_count = count;
    machine_reboot();
}

static void run_end(void *user, const inngest_end_info *info)
{
    if (info->function && strcmp(info->function, "churn") == 0) return;
    machine_run_end(user, info);
}
static const inngest_hooks hooks = { .run_end = run_end };

static void open_with(const inngest_function *functions, uint16_t count)
{
    memset(&machine_ended, 0, sizeof machine_ended);
    machine_open(functions, count, 2048, 6, 4);
    m.config.hooks = &hooks;
    boot(functions, count);
}
#define OPEN(t) open_with(t, COUNT(t))

static inngest_run_info run_info(void)
{
    inngest_run_info info;
    memset(&info, 0, sizeof info);
    (void)machine_runs(&info);
    return info;
}

static void send_go(void) { CHECK(inngest_send(&m.jobs, "test/job", "data", 5) == INNGEST_OK); }

static inngest_status filler(inngest_ctx *ctx)
{
    char text[200];
    INNGEST_STEP(ctx, "text", text) memset(text, 'x', sizeof text);
    return INNGEST_OK;
}
#define CHURN { .id = "churn", .event = "test/churn", .handler = filler, QUICK }

/* Let every block be erased several times under the runs that wait. */
static void churn(void)
{
    uint32_t from = machine_counters().erases, n = 0;
    while (machine_counters().erases - from < 4 * m.chip.port.block_count && n++ < 2000) {
        CHECK(inngest_send(&m.jobs, "test/churn", NULL, 0) == INNGEST_OK);
        (void)machine_tick();
    }
    CHECK(n < 2000);
}

/* ---- functions that go and come back --------------------------------------------------------------------------- */

enum { SLEEPS, RETRIES, HANDLER_RETRIES, POLLS, PENDS, SAVED, FAILED, DATE, LATER, STATES };
static int state;

static inngest_status job(inngest_ctx *ctx)
{
    int one = 0, saved = 0;
    INNGEST_STEP(ctx, "one", one) { one = 41; trace("one"); }
    CHECK(one == 41);
    if (state == SLEEPS) INNGEST_TRY(inngest_step_sleep(ctx, "nap", HOUR));
    if (state == DATE) INNGEST_TRY(inngest_step_sleep_until(ctx, "date", INNGEST_DAYS(20000)));
    INNGEST_DO(ctx, "two") {
        if (state == RETRIES && inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, HOUR, 0, "");
        if (state == POLLS && m.ticks < 1000000) return inngest_again(ctx, 1000);
        if (state == PENDS && m.ticks < 1000000) { CHECK(inngest_step_token(ctx).attempt); return INNGEST_PENDING; }
        if (state == SAVED) {
            INNGEST_TRY(inngest_step_load(ctx, &saved, sizeof saved));
            trace("at%d", saved);
            saved++;
            INNGEST_TRY(inngest_step_save(ctx, &saved, sizeof saved));
            if (saved < 3) return inngest_retry_after(ctx, HOUR, 0, "");
        }
        if (state == FAILED) return inngest_fail(ctx, 77, "broken");
        trace("two");
    }
    if (state == HANDLER_RETRIES && inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, HOUR, 0, "");
    trace("end");
    return INNGEST_OK;
}

static inngest_status job_failed(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "one") trace("clean");
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", HOUR));
    CHECK(inngest_error(ctx)->code == 77);
    trace("failed");
    return INNGEST_OK;
}

static const inngest_function with_job[] = { CHURN, { FUNCTION("job", job), .on_failure = job_failed } };
static const inngest_function with_job_first[] = { { FUNCTION("job", job), .on_failure = job_failed }, CHURN };
static const inngest_function without[] = { CHURN };
static const inngest_function renamed[] = { { .id = "new-name", .event = "test/job", .handler = filler, QUICK }, CHURN };

/* The run is in a state; its function goes, and much happens; it comes back, or the caller ends the run. */
static void gone(bool cancel)
{
    static const char *const before[STATES] = { "one", "one", "one two", "one", "one", "one at0", "one clean", "one", "" };
    static const char *const after[STATES] = { "two end", "two end", "end", "two end", "two end", "at1 at2 two end", "failed", "two end", "one two end" };
    for (state = 0; state < STATES; state++) {
        inngest_event late = { .name = "test/job", .data = "data", .size = 5, .ts = INNGEST_DAYS(20000) };
        uint64_t id;
        unsigned i;
        OPEN(with_job);
        CHECK(inngest_send_event(&m.jobs, state == LATER ? &late : &(inngest_event){ .name = "test/job", .data = "data", .size = 5 }) == INNGEST_OK);
        CHECK(machine_run(10000));
        CHECK_TRACE(before[state]);
        id = run_info().id;
        for (i = 0; i < 3; i++) {
            boot(i == 1 ? renamed : without, i == 1 ? COUNT(renamed) : COUNT(without));
            CHECK(machine_runs(NULL) == 1 && run_info().wait == INNGEST_WAIT_FUNCTION && run_info().function == NULL && run_info().id == id);
            CHECK(run_info().deadline_in_ms == INT64_MAX);
            churn();
            inngest_set_wall_clock(&m.jobs, INNGEST_DAYS(19000), m.now);
            CHECK(machine_run(2 * HOUR));
            CHECK(machine_runs(NULL) == 1 && run_info().wait == INNGEST_WAIT_FUNCTION);
        }
        CHECK_TRACE("");
        machine_ended.count = 0;
        if (cancel) {
            CHECK(inngest_cancel(&m.jobs, id) == INNGEST_OK);
            if (state % 2) BOOT(without);
            CHECK(machine_run(0) && machine_runs(NULL) == 0);
            CHECK(machine_ended.count == 1 && machine_ended.id == id && machine_ended.status == INNGEST_CANCELLED && machine_ended.function[0] == 0);
        }
        BOOT(with_job_first);                      /* at another place of the table */
        inngest_set_wall_clock(&m.jobs, INNGEST_DAYS(20001), m.now);
        m.ticks = 1000000;
        CHECK(machine_run(3 * HOUR) && machine_runs(NULL) == 0);
        CHECK_TRACE(cancel ? "" : after[state]);
        CHECK(machine_ended.count == 1 && machine_ended.id == id);
        CHECK(machine_counters().damaged == 0 && machine_counters().lost_runs == 0);
        MACHINE_END();
    }
    state = SLEEPS;
}

static inngest_status other(inngest_ctx *ctx) { (void)ctx; trace("other"); return INNGEST_OK; }
static const inngest_function added[] = { { .id = "added", .event = "test/*", .handler = other }, { FUNCTION("job", job) }, CHURN };

/* A function that is added starts for new events only; a renamed one is another. */
static void new_functions(void)
{
    OPEN(with_job);
    send_go();
    CHECK(machine_run(1000));
    CHECK_TRACE("one");
    BOOT(added);
    CHECK(machine_run(1000) && machine_runs(NULL) == 1);
    CHECK_TRACE("");
    send_go();
    CHECK(machine_run(1000) && machine_runs(NULL) == 2);
    CHECK_TRACE("other one");
    BOOT(renamed);
    send_go();
    CHECK(machine_run(1000) && machine_runs(NULL) == 2);
    BOOT(with_job);
    CHECK(machine_run(2 * HOUR) && machine_runs(NULL) == 0);
    CHECK_TRACE("two end two end");
    MACHINE_END();
}

/* ---- steps inserted, removed, moved, renamed --------------------------------------------------------------------------- */

static const char *script;         /* a letter a step: a capital is a sleep of an hour under that name */

static inngest_status scripted(inngest_ctx *ctx)
{
    const char *at;
    for (at = script; *at; at++) {
        char id[2] = { *at, 0 };
        if (*at >= 'A' && *at <= 'Z') INNGEST_TRY(inngest_step_sleep(ctx, id, HOUR));
        else INNGEST_DO(ctx, id) trace("%s", id);
    }
    return INNGEST_OK;
}
static const inngest_function scripts[] = { { FUNCTION("job", scripted) }, CHURN };

static void steps(const char *a, const char *b, const char *first, const char *second, const char *third)
{
    unsigned rollback;
    for (rollback = 0; rollback < 2; rollback++) {
        script = a;
        OPEN(scripts);
        send_go();
        CHECK(machine_run(1000));
        CHECK_TRACE(first);
        script = b;
        BOOT(scripts);
        CHECK(machine_run(1000));                  /* what is inserted runs when it is reached: at the wake */
        CHECK_TRACE("");
        CHECK(machine_run(HOUR));
        CHECK_TRACE(second);
        if (rollback) { script = a; BOOT(scripts); churn(); }
        CHECK(machine_run(10 * HOUR) && machine_runs(NULL) == 0);
        CHECK_TRACE(third);
        CHECK(machine_ended.count == 1 && machine_ended.status == INNGEST_OK);
        MACHINE_END();
    }
}

/* A run that B took up goes back to A in the middle: what ran under B and is known to A does not run again. */
static void back_and_forth(void)
{
    script = "aNbMc";
    OPEN(scripts);
    send_go();
    CHECK(machine_run(1000));
    CHECK_TRACE("a");
    script = "xaNcMyb";                            /* x and y new, c before b */
    BOOT(scripts);
    CHECK(machine_run(HOUR));
    CHECK_TRACE("x c");                            /* sleeps at M */
    churn();
    script = "aNbMc";
    BOOT(scripts);
    CHECK(machine_run(HOUR));
    CHECK_TRACE("b");                              /* when M is over; c is done */
    CHECK(machine_runs(NULL) == 0 && machine_ended.status == INNGEST_OK);
    MACHINE_END();
}

/* ---- results and kinds ---------------------------------------------------------------------------------------------------- */

static size_t width;
static inngest_status fill(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)ctx; (void)arg;
    memset(result, 9, width);
    trace("fill");
    return INNGEST_OK;
}

static inngest_status sized_job(inngest_ctx *ctx)
{
    uint8_t value[8];
    unsigned i;
    memset(value, 0xEE, sizeof value);
    INNGEST_TRY(inngest_step_run(ctx, "value", fill, NULL, value, width));
    for (i = 0; i < 8; i++) CHECK(value[i] == (i < 4 ? 9 : i < width ? 0 : 0xEE));
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", HOUR));
    trace("end");
    return INNGEST_OK;
}
static const inngest_function sizes[] = { { FUNCTION("job", sized_job) }, CHURN };

static void results(void)
{
    size_t to;
    for (to = 0; to <= 8; to++) {
        width = 4;
        OPEN(sizes);
        send_go();
        CHECK(machine_run(1000));
        CHECK_TRACE("fill");
        width = to;
        BOOT(sizes);
        CHECK(machine_run(2 * HOUR));
        if (to < 4) {
            CHECK(machine_runs(NULL) == 1 && run_info().wait == INNGEST_WAIT_MEMO && run_info().deadline_in_ms == INT64_MAX);
            churn();
            BOOT(sizes);
            CHECK(machine_run(HOUR) && run_info().wait == INNGEST_WAIT_MEMO);
            if (to == 3) {                         /* the caller may end it, too */
                CHECK(inngest_cancel(&m.jobs, run_info().id) == INNGEST_OK);
                CHECK(machine_run(0) && machine_ended.status == INNGEST_CANCELLED);
                trace("end");
            }
            width = 4;
            BOOT(sizes);
            CHECK(machine_run(HOUR));
        }
        CHECK_TRACE("end");
        CHECK(machine_runs(NULL) == 0 && machine_ended.count == 1);
        MACHINE_END();
    }
}

/* One id, as each kind of step, in each state that it can be left in. */
enum { F_RUN, F_SLEEP, F_DATE, F_SEND, F_RESTART, F_ANY, F_ALL, FORMS };
enum { L_DONE, L_FAILED, L_RETRYING, L_INTENT, L_SLEEPING, L_SLEPT, L_SENT, L_RESTARTED, L_CHOSEN, LEFTS };
static int form, left;
static void restart(void *context) { (void)context; machine_crash(); }
static const inngest_step_options intent = { .intent = true };

static inngest_status kinds_job(inngest_ctx *ctx)
{
    inngest_status st = INNGEST_OK, other_branch = INNGEST_OK;
    int value = 0;
    switch (form) {
    case F_RUN:
        st = inngest_step_begin_(ctx, "x", left == L_INTENT ? &intent : NULL, &value, sizeof value);
        if (st == INNGEST_BODY) {
            trace("run");
            if (left == L_INTENT) machine_crash();
            value = 5;
            st = inngest_step_close_(ctx, left == L_FAILED ? INNGEST_FAIL : left == L_RETRYING ? inngest_retry_after(ctx, HOUR, 0, "") : INNGEST_OK);
        }
        break;
    case F_SLEEP: st = inngest_step_sleep(ctx, "x", left == L_SLEEPING ? HOUR : 0); break;
    case F_DATE: st = inngest_step_sleep_until(ctx, "x", 1); break;
    case F_SEND: st = inngest_step_send(ctx, "x", "test/nobody", NULL, 0); break;
    case F_RESTART: st = inngest_step_restart(ctx, "x"); break;
    case F_ANY: case F_ALL:
        inngest_parallel(ctx, "x");
        st = inngest_step_send(ctx, "y", "test/nobody", NULL, 0);
        other_branch = inngest_step_sleep(ctx, "z", HOUR);
        if (form == F_ANY) { INNGEST_CATCH(st, inngest_any(ctx, &st, &other_branch)); }
        else INNGEST_CATCH(st, inngest_all(ctx, &st, &other_branch));
        break;
    default: break;
    }
    if ((int)st > 0) return st;
    CHECK(st == (left == L_FAILED ? INNGEST_STEP_FAILED : INNGEST_OK));
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", HOUR));
    trace("end");
    return INNGEST_OK;
}
static const inngest_function kinds_table[] = { { FUNCTION("job", kinds_job) }, CHURN };

static void tick_through(uint32_t ms)
{
    while (!machine_run(ms)) { if (left == L_INTENT) left = L_DONE; machine_reboot(); }
}

static void kinds(void)
{
    static const int made_by[LEFTS] = { F_RUN, F_RUN, F_RUN, F_RUN, F_SLEEP, F_SLEEP, F_SEND, F_RESTART, F_ANY };
    int from, to;
    for (from = 0; from < LEFTS; from++)
        for (to = 0; to < FORMS; to++) {
            /* an undecided step that is none yet may become any that is no sleep and no group */
            bool open_step = from == L_RETRYING || from == L_INTENT;
            bool fits = to == made_by[from] || (to == F_DATE && (from == L_SLEEPING || from == L_SLEPT));
            fits = fits || (open_step && (to == F_SEND || to == F_RESTART));
            left = from;
            form = made_by[from];
            OPEN(kinds_table);
            m.chip.port.restart = restart;
            send_go();
            if (from == L_INTENT) CHECK(!machine_run(1000));
            else if (from == L_RESTARTED) { CHECK(!machine_run(1000)); machine_reboot(); CHECK(machine_run(1000)); }
            else CHECK(machine_run(1000));
            form = to;
            if (left == L_INTENT || left == L_RETRYING) left = L_DONE;
            BOOT(kinds_table);
            inngest_set_wall_clock(&m.jobs, INNGEST_DAYS(1), m.now);
            tick_through(3 * HOUR);
            machine_trace[0] = 0;
            if (!fits) {
                CHECK(machine_runs(NULL) == 1 && run_info().wait == INNGEST_WAIT_MEMO);
                if (machine_runs(NULL) != 1) printf("  left %d as form %d: ended as %s\n", from, to, inngest_status_name(machine_ended.status));
                churn();
                form = made_by[from];
                BOOT(kinds_table);
                tick_through(3 * HOUR);
            }
            CHECK(machine_runs(NULL) == 0 && machine_ended.count == 1 && machine_ended.status == INNGEST_OK);
            if (machine_ended.count != 1) printf("  left %d as form %d: wait %d\n", from, to, (int)run_info().wait);
            MACHINE_END();
        }
}

/* ---- branches --------------------------------------------------------------------------------------------------------------- */

/* A letter a branch, as in scripted: a sleep of 1, 2, 3 hours, then a step of that name; "x" in front: a new step first. */
static const char *branches;
static bool any;

static inngest_status branch(inngest_ctx *ctx, const char *at)
{
    char id[3] = { 'S', *at, 0 };
    INNGEST_TRY(inngest_step_sleep(ctx, id, (*at - 'a' + 1) * (int64_t)HOUR));
    if (at[1] == '+') {
        inngest_status st;
        INNGEST_DO_AS(st, ctx, "new") trace("new");
        if (st != INNGEST_OK) return st;
    }
    INNGEST_DO(ctx, id + 1) trace("%s", id + 1);
    return INNGEST_OK;
}

static inngest_status branching(inngest_ctx *ctx)
{
    inngest_status s[4] = { INNGEST_OK, INNGEST_OK, INNGEST_OK, INNGEST_OK }, st;
    const char *at = branches;
    unsigned n = 0, i;
    inngest_parallel(ctx, "group");
    for (; *at; at++) if (*at != '+') s[n++] = branch(ctx, at);
    if (!any) INNGEST_CATCH(st, inngest_all(ctx, &s[0], &s[1], &s[2], &s[3]));
    else if (n == 1) INNGEST_CATCH(st, inngest_any(ctx, &s[0]));
    else if (n == 2) INNGEST_CATCH(st, inngest_any(ctx, &s[0], &s[1]));
    else INNGEST_CATCH(st, inngest_any(ctx, &s[0], &s[1], &s[2]));
    if (any) CHECK(st == INNGEST_OK);
    for (i = 0, at = branches; any && *at; at++) if (*at != '+') CHECK((s[i++] == INNGEST_OK) == (*at == 'a'));   /* at every replay */
    if (!any) trace("%s", inngest_status_name(st));
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 10 * HOUR));
    trace("end");
    return INNGEST_OK;
}
static const inngest_function branch_table[] = { { FUNCTION("job", branching) }, CHURN };

static void start_branches(const char *a, bool of_any, uint32_t ms)
{
    branches = a;
    any = of_any;
    OPEN(branch_table);
    send_go();
    CHECK(machine_run(ms));
    machine_trace[0] = 0;
}

/* While a group is open its branches are found by their steps, wherever they stand. */
static void open_group(const char *b, const char *expected)
{
    start_branches("ab", false, HOUR + 1000);      /* a is over */
    branches = b;
    BOOT(branch_table);
    CHECK(machine_run(5 * HOUR));
    CHECK_TRACE(expected);
    branches = "ab";
    BOOT(branch_table);
    machine_trace[0] = 0;
    CHECK(machine_run(15 * HOUR) && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* The winner is recorded by its place. A firmware in which the branch there is not OK must not give another answer. */
static void closed_any(const char *b, bool parks)
{
    start_branches("ab", true, HOUR + 1000);
    branches = b;
    BOOT(branch_table);
    CHECK(machine_run(20 * HOUR));
    if (parks) {
        CHECK(machine_runs(NULL) == 1 && run_info().wait == INNGEST_WAIT_MEMO);
        CHECK_TRACE("");
        churn();
        branches = "ab";
        BOOT(branch_table);
        CHECK(machine_run(20 * HOUR));
    }
    CHECK(machine_runs(NULL) == 0);
    CHECK_TRACE("end");
    MACHINE_END();
}

/* ---- limits -------------------------------------------------------------------------------------------------------------------- */

static inngest_status never(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "never") {
        trace("%d", inngest_attempt(ctx));
        return inngest_retry_after(ctx, HOUR, 5, "no");
    }
    return INNGEST_OK;
}
static inngest_status told(inngest_ctx *ctx) { trace("told%d", (int)inngest_error(ctx)->code); return INNGEST_OK; }
static inngest_function limits[] = { { FUNCTION("job", never) }, CHURN };

/* Attempts that are waited for are still made; then the new limit counts. */
static void attempts(uint8_t to, const char *expected)
{
    limits[0].max_attempts = 5;
    limits[0].on_failure = NULL;
    OPEN(limits);
    send_go();
    CHECK(machine_run(2 * HOUR + 1000));
    CHECK_TRACE("0 1 2");
    limits[0].max_attempts = to;
    limits[0].on_failure = told;                   /* an on_failure that is added counts from then on */
    BOOT(limits);
    CHECK(machine_run(20 * HOUR) && machine_runs(NULL) == 0);
    CHECK_TRACE(expected);
    CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_FAIL, "no") && machine_ended.error.code == 5);
    MACHINE_END();
}

static inngest_status slow_told(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "one") trace("one");
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", HOUR));
    trace("two");
    return INNGEST_OK;
}

/* on_failure goes under a run that is in it: the run ends, as what it was. */
static void on_failure_gone(void)
{
    limits[0].max_attempts = 1;
    limits[0].on_failure = slow_told;
    OPEN(limits);
    send_go();
    CHECK(machine_run(1000));
    CHECK_TRACE("0 one");
    CHECK(run_info().phase == INNGEST_PHASE_ON_FAILURE);
    limits[0].on_failure = NULL;
    BOOT(limits);
    CHECK(machine_run(2 * HOUR) && machine_runs(NULL) == 0);
    CHECK_TRACE("");
    CHECK(machine_ended.count == 1 && machine_ended.status == INNGEST_FAIL && machine_ended.error.code == 5);
    MACHINE_END();
}

static inngest_status hoarder(inngest_ctx *ctx)
{
    char text[100];
    unsigned i;
    for (i = 0; i < 4; i++) {
        INNGEST_STEP(ctx, "text", text) memset(text, 'a' + (char)i, sizeof text);
        if (i == 2) INNGEST_TRY(inngest_step_sleep(ctx, "nap", HOUR));
    }
    return INNGEST_OK;
}
static inngest_function hoarders[] = { { FUNCTION("job", hoarder), .journal_bytes = 700 }, CHURN, { FUNCTION("small", filler), .journal_bytes = 256 } };

/* A smaller reservation, or a function that is gone, under runs that used more: what they hold stays counted, so that
 * others do not take the room they stand in; they go on, or fail by the limit that they are over, and nothing is stuck. */
static void smaller_reservation(bool is_gone)
{
    unsigned n, before, i;
    hoarders[0].journal_bytes = 700;
    open_with(hoarders, 3);
    for (i = 0; i < 5; i++) send_go();
    CHECK(machine_run(1000));
    before = machine_runs(NULL);
    CHECK(before >= 3);
    hoarders[0].journal_bytes = 64;
    boot(is_gone ? hoarders + 1 : hoarders, is_gone ? 2 : 3);
    CHECK(run_info().journal_bytes > 400 && run_info().reserved_bytes >= run_info().journal_bytes);
    churn();
    for (n = 0; n < 200; n++) {
        CHECK(inngest_send(&m.jobs, "test/small", NULL, 0) == INNGEST_OK);
        (void)machine_tick();
        CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
    }
    CHECK(machine_counters().port_errors == 0);
    if (is_gone) {
        hoarders[0].journal_bytes = 700;
        boot(hoarders, 3);
    }
    machine_ended.count = 0;
    CHECK(machine_run(2 * HOUR) && machine_runs(NULL) == 0);
    CHECK(machine_ended.count >= before);
    CHECK(is_gone ? machine_ended.status == INNGEST_OK : machine_ended.error.status == INNGEST_ERR_RUN_BYTES);
    MACHINE_END();
}

/* Fewer runs: refused while more are live, and the journal left alone; what was live once is no reason. */
static void fewer_runs(void)
{
    uint32_t operations;
    unsigned i, n;
    state = SLEEPS;
    OPEN(with_job);
    for (i = 0; i < 6; i++) send_go();
    CHECK(machine_run(1000));
    n = machine_runs(NULL);
    CHECK(n >= 4);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    operations = m.chip.operations;
    m.config.runs = 2;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_RUNS_FULL);
    CHECK(m.chip.operations == operations);
    m.config.runs = 16;
    machine_reboot();
    CHECK(machine_runs(NULL) == n);
    CHECK(machine_run(HOUR - 2000));
    send_go();                                     /* one that is left */
    CHECK(machine_run(10000));
    CHECK(machine_runs(NULL) >= 1);
    while (machine_runs(NULL) > 2) CHECK(inngest_cancel(&m.jobs, run_info().id) == INNGEST_OK && machine_run(0));
    m.config.runs = 2;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    if (m.up) CHECK(machine_runs(NULL) >= 1 && machine_run(2 * HOUR) && machine_runs(NULL) == 0);
    MACHINE_END();
}

/* The same where those that have ended began first, whether the mount reads all or begins with a list. */
static inngest_status nap(inngest_ctx *ctx)
{
    uint8_t hours = 0;
    INNGEST_TRY(inngest_event_data(ctx, &hours, 1));
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_HOURS(hours)));
    INNGEST_DO(ctx, "b") { }
    return INNGEST_OK;
}

static void fewer_than_began(unsigned places)
{
    static const inngest_function with_nap[] = { { FUNCTION("nap", nap), .journal_bytes = 64 } };
    static const uint8_t hours[] = { 1, 2, 9, 1, 9, 9, 2 };
    unsigned i;
    OPEN(with_nap);
    for (i = 0; i < sizeof hours; i++) CHECK(inngest_send(&m.jobs, "test/nap", &hours[i], 1) == INNGEST_OK);
    CHECK(machine_run(1000) && machine_runs(NULL) == 7 && machine_run(3 * HOUR) && machine_runs(NULL) == 3);
    m.config.runs = places;
    if (places < 3) CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_RUNS_FULL);
    m.config.runs = places < 3 ? 3 : places;
    machine_reboot();
    CHECK(machine_runs(NULL) == 3 && machine_counters().lost_runs == 0 && machine_counters().damaged == 0);
    CHECK(machine_run(10 * HOUR) && machine_runs(NULL) == 0 && machine_ended.count == 7);
    MACHINE_END();
}

/* ---- a journal of a newer minor version --------------------------------------------------------------------------------------- */

static void put(uint8_t *to, uint64_t value, unsigned bytes) { for (; bytes-- > 0; value >>= 8) *to++ = (uint8_t)value; }

/* Write a record of no run at an offset of the first block, program size 4. Gives where it ends. */
static uint32_t forge(uint32_t offset, unsigned kind, const uint8_t *payload, unsigned size)
{
    uint8_t seed[8], *r = m.chip.cells + offset;
    memcpy(seed, m.chip.cells + 12, 4);
    put(seed + 4, 6 * (m.chip.port.block_size / 4) + offset / 4, 4);
    memset(r, 0, 12);
    r[4] = (uint8_t)kind;
    r[5] = (uint8_t)size;
    memcpy(r + 12, payload, size);
    put(r, crc32_of(crc32_of(0, seed, 8), r + 4, 8 + size), 4);
    return offset + ((12 + size + 3) & ~3u);
}

static void newer(void)
{
    static const uint8_t junk[9] = { 1, 2, 3 };
    uint8_t time[20];
    uint32_t end, next;
    uint64_t id;
    state = SLEEPS;
    OPEN(with_job);
    send_go();
    CHECK(machine_run(1000));
    CHECK_TRACE("one");
    id = run_info().id;
    for (end = m.chip.port.block_size; m.chip.cells[end - 1] == 0xFF; end--) { }
    end = (end + 3) & ~3u;
    m.chip.cells[5] = 9;                           /* minor version */
    put(m.chip.cells + 18, 0xF00D, 2);             /* a reach that leads nowhere */
    put(m.chip.cells + 20, crc32_of(0, m.chip.cells, 20), 4);
    memset(time, 0x77, sizeof time);
    put(time, HOUR - 500, 6);
    put(time + 6, 0, 6);
    next = forge(end, 13, time, sizeof time);      /* TIME with bytes behind it */
    next = forge(next, 0, junk, sizeof junk);      /* a kind that is none yet */
    machine_reboot();
    CHECK(machine_runs(NULL) == 1 && run_info().id == id && run_info().deadline_in_ms <= 1000);
    churn();
    machine_reboot();
    CHECK(machine_run(1000) && machine_runs(NULL) == 0);
    CHECK_TRACE("two end");
    CHECK(machine_counters().damaged == 0);
    MACHINE_END();
    OPEN(with_job);
    m.chip.cells[6] = 1;                           /* a feature that a reader must know */
    put(m.chip.cells + 20, crc32_of(0, m.chip.cells, 20), 4);
    next = m.chip.operations;
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_ERR_VERSION && m.chip.operations == next);
    MACHINE_END();
}

/* A branch whose memo a firmware cannot take parks its run, but what is in progress in another branch of it is called, timed and told
 * all the same; then the run waits, until it is rolled back. */
static unsigned motor_on, motor_off;
static inngest_status motor(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) {
        motor_off = m.now;
        return INNGEST_OK;
    }
    if (inngest_step_calls(ctx) == 0) motor_on = m.now;
    return inngest_again(ctx, 1000);
}
static inngest_status two_branches(inngest_ctx *ctx)
{
    static const inngest_step_options three = { .timeout_ms = 3000, .max_attempts = 1 };
    inngest_status a, b;
    uint8_t value[8];
    inngest_parallel(ctx, "both");
    a = inngest_step_run_with(ctx, "motor", &three, motor, NULL, NULL, 0);
    b = inngest_step_run(ctx, "value", fill, NULL, value, width);
    INNGEST_TRY(inngest_all(ctx, &a, &b));
    trace("both");
    return INNGEST_OK;
}
static const inngest_function beside[] = { { FUNCTION("job", two_branches) } };

static void parked_branch(void)
{
    width = 4;
    OPEN(beside);
    send_go();
    CHECK(machine_run(500) && machine_runs(NULL) == 1);
    CHECK_TRACE("fill");
    width = 3;
    BOOT(beside);
    motor_on = motor_off = 0;
    CHECK(machine_run(60000) && motor_on && motor_off == motor_on + 3000);
    CHECK(machine_runs(NULL) == 1 && run_info().wait == INNGEST_WAIT_MEMO && run_info().deadline_in_ms == INT64_MAX);
    width = 4;
    BOOT(beside);
    CHECK(machine_run(10) && machine_runs(NULL) == 0);
    CHECK_TRACE("both");
    MACHINE_END();
}

/* A firmware reserves far more for its runs than the one that started them, so that in sum there is more than the journal has. The
 * runs go on, or fail where there is no room for what they record; the flash is not erased again and again in vain. */
static unsigned raised_ended, raised_failed;
static inngest_status raised(inngest_ctx *ctx)
{
    unsigned i;
    uint8_t bytes[100];
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", HOUR));
    for (i = 0; i < 10; i++) {
        INNGEST_STEP(ctx, "bytes", bytes) memset(bytes, (int)i, sizeof bytes);
        INNGEST_TRY(inngest_step_sleep(ctx, "side by side", 1000));
    }
    return INNGEST_OK;
}
static void raised_end(void *user, const inngest_end_info *info)
{
    (void)user;
    raised_ended++;
    if (info->status == INNGEST_OK) return;
    raised_failed++;
    CHECK(info->error->status == INNGEST_ERR_RUN_BYTES);
}

static void raised_reservations(void)
{
    static const inngest_hooks end_hook = { .run_end = raised_end };
    static inngest_function table[] = { { FUNCTION("job", raised), .journal_bytes = 100 } };
    uint8_t data[100] = { 0 };
    unsigned n, ticks, started;
    raised_ended = raised_failed = 0;
    table[0].journal_bytes = 100;
    machine_open(table, 1, 1024, 16, 4);
    m.config.hooks = &end_hook;
    BOOT(table);
    for (n = 0; n < MACHINE_RUNS; n++) {
        CHECK(inngest_send(&m.jobs, "test/job", data, sizeof data) == INNGEST_OK);
        if (inngest_flush(&m.jobs) != INNGEST_OK) break;
    }
    CHECK(machine_run(10));
    started = machine_runs(NULL);
    table[0].journal_bytes = 2000;
    BOOT(table);
    CHECK(started > 8 && machine_runs(NULL) == started);
    for (ticks = 0; ticks < 3000 && machine_runs(NULL) > 0; ticks++) {
        uint32_t next = machine_tick();
        m.now += next < HOUR ? next : HOUR;
    }
    CHECK(ticks < 3000 && raised_ended >= started && raised_failed > 0 && raised_failed < started && machine_counters().erases < 100);
    MACHINE_END();
}

/* The same, and what is used, with the event ids that are remembered, fits to some bytes: it is not the ids that might be that count. */
static inngest_status fitting(inngest_ctx *ctx)
{
    uint8_t bytes[130];
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", HOUR << inngest_event_size(ctx)));
    if (inngest_event_size(ctx) > 0) return INNGEST_OK;
    INNGEST_STEP(ctx, "bytes", bytes) memset(bytes, 1, sizeof bytes);
    INNGEST_STEP(ctx, "bytes", bytes) memset(bytes, 2, sizeof bytes);
    return INNGEST_OK;
}
static inngest_status at_once(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }

static void raised_beside_ids(unsigned ids, inngest_status ends)
{
    static const inngest_hooks end_hook = { .run_end = machine_run_end };
    static inngest_function table[] = { { FUNCTION("job", fitting) }, { FUNCTION("other", at_once), .journal_bytes = 64 } };
    inngest_event event = { "test/other", NULL, 0, "0", 0 };
    table[0].journal_bytes = 64;
    memset(&machine_ended, 0, sizeof machine_ended);
    machine_open(table, 2, 1024, 4, 4);
    m.config.hooks = &end_hook;
    BOOT(table);
    for (event.id = "12345678" + 8 - ids; *event.id; event.id++) CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK && machine_run(1));
    CHECK(inngest_send(&m.jobs, "test/job", "", 0) == INNGEST_OK && inngest_send(&m.jobs, "test/job", "1", 1) == INNGEST_OK && machine_run(1));
    table[0].journal_bytes = 350;
    BOOT(table);
    /* more than a block without the largest record, which is what there is */
    CHECK(machine_runs(NULL) == 2 && m.jobs.reserved > 1024 - 256 && machine_run(HOUR + 10) && machine_runs(NULL) == 1);
    CHECK(machine_ended.status == ends && (ends == INNGEST_OK || machine_ended.error.status == INNGEST_ERR_RUN_BYTES));
    MACHINE_END();
}

int main(void)
{
    parked_branch();
    raised_reservations();
    raised_beside_ids(0, INNGEST_OK);
    raised_beside_ids(1, INNGEST_OK);
    raised_beside_ids(2, INNGEST_FAIL);
    gone(false);
    gone(true);
    new_functions();
    steps("aNb", "xaNb", "a", "x b", "");
    steps("aNb", "aNbx", "a", "b x", "");
    steps("aNb", "axNb", "a", "x b", "");
    steps("aNb", "aNxb", "a", "x b", "");
    steps("aNb", "Nb", "a", "b", "");              /* removed */
    steps("aNb", "ab", "a", "b", "");              /* the sleep itself: it goes on when that was due */
    steps("abNc", "bcaN", "a b", "c", "");         /* moved */
    steps("aNb", "zNb", "a", "z b", "");           /* renamed: another step */
    steps("aNb", "aMb", "a", "", "b");             /* the sleep renamed: another sleep */
    steps("aaNa", "aaaNaa", "a a", "a a a", "");     /* occurrences */
    back_and_forth();
    results();
    kinds();
    open_group("ba", "b OK");
    open_group("abc", "b c OK");
    open_group("cab", "b c OK");
    open_group("b", "b OK");
    open_group("a", "OK");
    closed_any("ab", false);
    closed_any("abc", false);
    closed_any("a", false);
    closed_any("ba", true);
    closed_any("b", true);
    closed_any("cab", true);
    closed_any("a+b", true);
    attempts(2, "3 told5");
    attempts(1, "3 told5");
    attempts(4, "3 told5");
    attempts(5, "3 4 told5");
    attempts(7, "3 4 5 6 told5");
    on_failure_gone();
    smaller_reservation(false);
    smaller_reservation(true);
    fewer_runs();
    fewer_than_began(2);
    fewer_than_began(3);
    fewer_than_began(4);
    newer();
    return TEST_END();
}
