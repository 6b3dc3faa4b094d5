/* SPDX-License-Identifier: MIT
 * Promise 1: an event that was accepted runs every function it triggers, once, all or none; refusals, duplicates,
 * times to come and lack of room each have a status and a counter of their own, and nothing accepted is lost. */
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER
#define COUNT(array) ((uint16_t)(sizeof (array) / sizeof *(array)))
#define SEND(name, data, size) CHECK(inngest_send(&m.jobs, name, data, size) == INNGEST_OK)

static const inngest_hooks end_hook = { .run_end = machine_run_end };

static void boot(void) { CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK); }

static void *user_pointer;
static void open_with(const inngest_function *table, uint16_t count, uint32_t runs, uint32_t events)
{
    memset(&machine_ended, 0, sizeof machine_ended);
    machine_open(table, count, 4096, 4, 4);
    m.config.hooks = &end_hook;
    m.config.runs = runs;
    m.config.events = events;
    m.config.user = user_pointer;
    boot();
}

static inngest_status send_id(const char *name, const char *id, int64_t ts)
{
    inngest_event event = { name, "d", 1, id, ts };
    return inngest_send_event(&m.jobs, &event);
}

/* Tell the event's name, size and data. */
static char got_name[INNGEST_EVENT_BYTES + 1], got_data[INNGEST_EVENT_BYTES];
static inngest_status tell(inngest_ctx *ctx)
{
    CHECK(inngest_event_size(ctx) <= sizeof got_data);
    INNGEST_TRY(inngest_event_name(ctx, got_name, sizeof got_name));
    INNGEST_TRY(inngest_event_data(ctx, got_data, sizeof got_data));
    trace("%s:%.*s", got_name, (int)inngest_event_size(ctx), got_data);
    return INNGEST_OK;
}
static const inngest_function tell_table[] = { { .id = "tell", .event = "test/*", .handler = tell, QUICK } };

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static void test_refusals(void)
{
    static char big[INNGEST_EVENT_BYTES + 2];
    char name[INNGEST_EVENT_BYTES + 2];
    inngest_event event = { "test/a", "data", 4, NULL, 0 };
    inngest_counters c;
    unsigned i;
    memset(big, 'x', sizeof big);
    memset(&m.jobs, 0, sizeof m.jobs);
    CHECK(inngest_send(&m.jobs, "test/a", NULL, 0) == INNGEST_ERR_NOT_READY);        /* before init */
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_NOT_READY);
    CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_NOT_READY && inngest_close(&m.jobs) == INNGEST_ERR_NOT_READY);
    CHECK(inngest_cancel(&m.jobs, 1) == INNGEST_ERR_NOT_READY && inngest_tick(&m.jobs, 0) == UINT32_MAX);
    CHECK(machine_counters().refused_not_ready == 2);
    open_with(tell_table, 1, 4, 4);
    CHECK(inngest_send(NULL, "test/a", NULL, 0) == INNGEST_ERR_ARGUMENT);
    CHECK(inngest_send_event(NULL, &event) == INNGEST_ERR_ARGUMENT && inngest_send_event(&m.jobs, NULL) == INNGEST_ERR_ARGUMENT);
    CHECK(inngest_send(&m.jobs, "test/a", NULL, 1) == INNGEST_ERR_ARGUMENT);
    event.data = NULL;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_ARGUMENT);
    event.size = 0;
    event.ts = -1;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_ARGUMENT);               /* times end where the journal's do */
    event.ts = INT64_MAX;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_ARGUMENT);
    event.ts = (int64_t)1 << 47;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_ARGUMENT);
    event.ts = 0;
    CHECK(inngest_send(&m.jobs, "", NULL, 0) == INNGEST_ERR_NAME && inngest_send(&m.jobs, "inngest/", NULL, 0) == INNGEST_ERR_NAME);
    event.name = NULL;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_NAME);
    event.name = "inngest/function.finished";
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_NAME);
    CHECK(machine_counters().refused_name == 4);
    CHECK(inngest_send(&m.jobs, "inngest", NULL, 0) == INNGEST_OK && inngest_send(&m.jobs, "Inngest/x", NULL, 0) == INNGEST_OK);
    CHECK(machine_run(10));
    CHECK(machine_counters().unmatched == 2);
    /* The limit is of name and data together, in both forms. */
    CHECK(inngest_send(&m.jobs, "test/a", big, INNGEST_EVENT_BYTES - 6) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/a", big, INNGEST_EVENT_BYTES - 5) == INNGEST_ERR_EVENT_SIZE);
    CHECK(inngest_send(&m.jobs, "test/a", big, SIZE_MAX) == INNGEST_ERR_EVENT_SIZE);
    CHECK(inngest_send(&m.jobs, "test/a", big, SIZE_MAX - 5) == INNGEST_ERR_EVENT_SIZE);
    event.name = "test/b";
    event.data = big;
    event.size = INNGEST_EVENT_BYTES - 6;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK);
    event.size++;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_EVENT_SIZE);
    memset(name, 'n', sizeof name);
    memcpy(name, "test/", 5);
    name[INNGEST_EVENT_BYTES + 1] = 0;
    event.name = name;
    event.size = 0;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_EVENT_SIZE);
    name[INNGEST_EVENT_BYTES] = 0;
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK);
    CHECK(machine_counters().refused_size == 5);
    CHECK(machine_run(10));
    CHECK(strcmp(got_name, name) == 0);
    machine_trace[0] = 0;
    c = machine_counters();
    CHECK(c.events == 3 && c.runs_ended == 3 && c.runs_failed == 0);
    /* The queue holds what it says, one slot of it kept for completions, and takes again when it was emptied. */
    for (i = 0; i < 3; i++) SEND("test/a", "q", 1);
    CHECK(inngest_send(&m.jobs, "test/a", NULL, 0) == INNGEST_ERR_QUEUE_FULL);
    event.name = "test/b";
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_ERR_QUEUE_FULL);
    CHECK(inngest_send(&m.jobs, "", NULL, 0) == INNGEST_ERR_NAME);                    /* said first: no use in trying again */
    CHECK(machine_counters().refused_full == 2);
    CHECK(machine_run(10));
    SEND("test/a", "r", 1);
    CHECK(machine_run(10));
    CHECK_TRACE("test/a:q test/a:q test/a:q test/a:r");
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/a", NULL, 0) == INNGEST_ERR_NOT_READY);
    CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_NOT_READY && inngest_close(&m.jobs) == INNGEST_ERR_NOT_READY);
    CHECK(inngest_tick(&m.jobs, 5) == UINT32_MAX);
    CHECK(machine_counters().refused_not_ready == 1);
    MACHINE_END();
}

/* send_event copies the name, the id and the data; send keeps the literal's address and copies the data. */
static void test_copies(void)
{
    char name[] = "test/copied", data[] = "one", id[] = "id";
    inngest_event event = { name, data, 3, id, 0 };
    open_with(tell_table, 1, 4, 4);
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK);
    memset(name, '#', sizeof name - 1);
    memset(id, '#', sizeof id - 1);
    SEND("test/literal", data, 3);
    memset(data, '#', sizeof data - 1);
    CHECK(machine_run(10));
    CHECK_TRACE("test/copied:one test/literal:one");
    CHECK(send_id("test/x", "id", 0) == INNGEST_OK);
    CHECK(machine_run(10));
    CHECK(machine_counters().duplicates == 1);
    SEND("test/x", "\0\xFF\0", 3);                                                    /* data are bytes */
    CHECK(machine_run(10));
    CHECK(memcmp(got_data, "\0\xFF\0", 4) == 0);
    MACHINE_END();
}

/* ---- data -------------------------------------------------------------------------------------------------------- */

static const char *wanted_data;
static size_t wanted_size, intact;
static bool compare(void *user, const void *data, size_t size)
{
    (void)user;
    if (size == wanted_size && memcmp(data, wanted_data, size) == 0) intact++;
    return false;
}
static inngest_status none(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }
static const inngest_function compare_table[] = { { .id = "compare", .event = "d/*", .handler = none, .when = compare } };

/* Data of every size, from every alignment, arrives as it was sent. */
static void test_data(void)
{
    static union { char bytes[INNGEST_EVENT_BYTES + 8]; int64_t aligned; } data;
    size_t at, size, sent = 0;
    inngest_event event = { 0 };
    open_with(compare_table, 1, 2, MACHINE_EVENTS);
    event.name = "d/b";
    for (size = 0; size <= INNGEST_EVENT_BYTES - 3; size++)
        for (at = 0; at < 8; at++) {
            size_t i;
            for (i = 0; i < sizeof data.bytes; i++) data.bytes[i] = (char)(i * 7 + size * 3 + at);
            wanted_data = data.bytes + at;
            wanted_size = size;
            SEND("d/a", data.bytes + at, size);
            event.data = data.bytes + at;
            event.size = size;
            CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK);
            (void)machine_run(1);
            CHECK(intact == (sent += 2));
        }
    MACHINE_END();
}

/* ---- triggers ---------------------------------------------------------------------------------------------------- */

#define SAY(name) static inngest_status name(inngest_ctx *ctx) { (void)ctx; trace(#name); return INNGEST_OK; }
SAY(exact) SAY(any) SAY(user_any) SAY(dot_any) SAY(other) SAY(exact2)
static const inngest_function triggers[] = {
    { .id = "other", .event = "apple/user", .handler = other },
    { .id = "any", .event = "app/*", .handler = any },
    { .id = "exact", .event = "app/user.created", .handler = exact },
    { .id = "user", .event = "app/user/*", .handler = user_any },
    { .id = "dot", .event = "app/user.*", .handler = dot_any },
    { .id = "exact2", .event = "app/user.created", .handler = exact2 },
};

static void test_triggers(void)
{
    open_with(triggers, COUNT(triggers), MACHINE_RUNS, MACHINE_EVENTS);
    SEND("app/user.created", NULL, 0);
    CHECK(machine_run(10));
    CHECK_TRACE("any exact dot_any exact2");                     /* each once, in the order of the table */
    CHECK(machine_counters().runs_started == 4 && machine_counters().events == 1);
    SEND("app/user.create", NULL, 0);
    SEND("app/user.created.now", NULL, 0);
    SEND("app/user/x", NULL, 0);
    SEND("app/user", NULL, 0);
    SEND("apple/user", NULL, 0);
    SEND("app/user.", NULL, 0);                                  /* a wildcard stands for one byte at least */
    CHECK(machine_run(10));
    CHECK_TRACE("any dot_any any dot_any any user_any any other any");
    SEND("app/", NULL, 0);
    SEND("app", NULL, 0);
    SEND("App/user.created", NULL, 0);
    SEND("x/app/user.created", NULL, 0);
    SEND("apple/users", NULL, 0);
    SEND("apple/use", NULL, 0);
    CHECK(machine_run(10));
    CHECK_TRACE("");
    CHECK(machine_counters().unmatched == 6);
    MACHINE_END();
}

/* Events start in the order they were claimed, at the same time or not. */
static void test_order(void)
{
    char c;
    unsigned round;
    open_with(tell_table, 1, MACHINE_RUNS, MACHINE_EVENTS);
    for (round = 0; round < 3; round++) {
        for (c = 'a'; c < 'a' + MACHINE_EVENTS - 1; c++) SEND("test/o", &c, 1);
        CHECK(machine_run(1000));
        CHECK_TRACE("test/o:a test/o:b test/o:c test/o:d test/o:e test/o:f test/o:g test/o:h test/o:i test/o:j test/o:k "
                    "test/o:l test/o:m test/o:n test/o:o");
    }
    MACHINE_END();
}

/* Predicates: asked with the user pointer and the data, before anything is journaled; yes or no decides for good. */
static bool answer;
static unsigned asked;
static bool ask(void *user, const void *data, size_t size)
{
    CHECK(user == &asked && size == 1 && data != NULL);
    asked++;
    return *(const char *)data == 'y' || *(const char *)data == 'o' ? true : *(const char *)data == 'n' ? false : answer;
}
static bool ask_other(void *user, const void *data, size_t size) { return *(const char *)data != 'o' && ask(user, data, size); }
static inngest_status once(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "say") trace("once");
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    trace("end");
    return INNGEST_OK;
}
static const inngest_function asking[] = {
    { .id = "asked", .event = "test/ask", .when = ask, .handler = once, QUICK },
    { .id = "also", .event = "test/*", .when = ask_other, .handler = exact, QUICK } };

static void test_predicates(void)
{
    uint32_t operations;
    user_pointer = &asked;
    open_with(asking, 1, 1, MACHINE_EVENTS);
    asked = 0;
    CHECK(machine_run(10));
    operations = m.chip.operations;
    SEND("test/ask", "n", 1);
    SEND("test/none", "y", 1);
    SEND("none", "y", 1);
    CHECK(machine_run(10));
    CHECK(asked == 1 && machine_counters().unmatched == 3 && machine_counters().events == 0);
    CHECK(m.chip.operations <= operations + 1 && machine_runs(NULL) == 0);            /* the mark that the stop is over */
    operations = m.chip.operations;
    SEND("test/ask", "n", 1);
    SEND("none", "y", 1);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK && machine_run(10));
    CHECK(m.chip.operations == operations);
    answer = true;
    SEND("test/ask", "?", 1);
    CHECK(machine_run(10));
    CHECK_TRACE("once");
    CHECK(machine_runs(NULL) == 1);
    SEND("test/ask", "n", 1);                                     /* no place is free, and none is needed */
    SEND("test/ask", "n", 1);
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
    CHECK(machine_run(10));
    CHECK(machine_counters().unmatched == 7 && machine_counters().waiting_runs == 0);
    answer = false;                                               /* no longer, but what was chosen stays */
    asked = 0;
    machine_reboot();
    CHECK(machine_run(5000));
    CHECK_TRACE("end");
    CHECK(asked == 0 && machine_runs(NULL) == 0);
    MACHINE_END();
    open_with(asking, 2, 2, 4);                                   /* of two that fit, one says yes */
    SEND("test/ask", "o", 1);
    SEND("test/other", "y", 1);
    CHECK(machine_run(10));
    CHECK_TRACE("once exact");
    MACHINE_END();
    user_pointer = NULL;
}

/* ---- event ids ---------------------------------------------------------------------------------------------------- */

/* Churn until reclaim went round all blocks twice. */
static void churn(void)
{
    uint32_t erases = machine_counters().erases, guard = 0;
    static char filler[100];
    while (machine_counters().erases < erases + 9 && guard++ < 2000) {
        SEND("test/filler", filler, sizeof filler);
        CHECK(machine_run(1));
    }
    CHECK(machine_counters().erases >= erases + 9);
    machine_trace[0] = 0;
}

static inngest_status quiet(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }
static const inngest_function id_table[] = {
    { .id = "tell", .event = "test/*", .handler = tell, QUICK }, { .id = "quiet", .event = "more/*", .handler = quiet, QUICK } };

static void test_ids(void)
{
    static const char *const ids[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p" };
    uint32_t start, d;
    unsigned i;
    inngest_counters c;
    open_with(id_table, 2, MACHINE_RUNS, MACHINE_EVENTS);
    CHECK(send_id("test/a", "7", 0) == INNGEST_OK && send_id("test/a", "7", 0) == INNGEST_OK);
    CHECK(machine_run(10));
    CHECK_TRACE("test/a:d");
    CHECK(machine_counters().duplicates == 1 && machine_counters().events == 1);
    start = m.now;                                                /* remembered since the tick before, at the latest */
    CHECK(send_id("test/b", "7", 0) == INNGEST_OK);               /* an id counts whatever the name, as in Inngest */
    CHECK(send_id("more/b", "7", 0) == INNGEST_OK);
    CHECK(machine_run(10));
    CHECK_TRACE("");
    CHECK(machine_counters().duplicates == 3 && machine_counters().runs_started == 1);
    CHECK(send_id("none", "8", 0) == INNGEST_OK && send_id("test/a", "8", 0) == INNGEST_OK);   /* it started none: not seen */
    CHECK(send_id("test/c", NULL, 0) == INNGEST_OK && send_id("test/c", NULL, 0) == INNGEST_OK);
    CHECK(send_id("test/e", "", 0) == INNGEST_OK && send_id("test/e", "", 0) == INNGEST_OK);   /* no id */
    CHECK(machine_run(10));
    CHECK_TRACE("test/a:d test/c:d test/c:d test/e:d test/e:d");
    machine_reboot();                                             /* through a reset */
    CHECK(send_id("test/a", "7", 0) == INNGEST_OK);
    CHECK(machine_run(10));
    CHECK(machine_counters().duplicates == 1);
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);                  /* a stop in order */
    boot();
    CHECK(send_id("test/a", "7", 0) == INNGEST_OK);
    CHECK(machine_run(10));
    CHECK(machine_counters().duplicates == 1);
    churn();                                                      /* reclaim */
    CHECK(send_id("test/a", "7", 0) == INNGEST_OK);
    CHECK(machine_run(10));
    machine_reboot();
    CHECK(send_id("test/a", "7", 0) == INNGEST_OK);
    CHECK(machine_run(10));
    CHECK_TRACE("");
    CHECK(machine_counters().duplicates == 1);
    /* It expires when its time is over, not before; journal time stands while the machine is off, so never too early. */
    d = INNGEST_SEEN_MS - 1000 - (m.now - start);
    m.now += d;                                                   /* one long tick */
    CHECK(machine_run(0));
    CHECK(send_id("test/a", "7", 0) == INNGEST_OK);
    CHECK(machine_run(0));
    CHECK_TRACE("");
    CHECK(machine_run(5000));
    CHECK(send_id("test/a", "7", 0) == INNGEST_OK && send_id("test/a", "7", 0) == INNGEST_OK);
    CHECK(machine_run(0));
    CHECK_TRACE("test/a:d");
    MACHINE_END();
    /* A full table: the event waits, in its place, and is taken when an id expires. */
    open_with(id_table, 2, MACHINE_RUNS, MACHINE_EVENTS);
    for (i = 0; i < INNGEST_SEEN_IDS; i++) {
        CHECK(send_id("more/x", ids[i], 0) == INNGEST_OK);
        CHECK(machine_run(i == 0 ? 60000 : 10));
    }
    CHECK(machine_counters().events == INNGEST_SEEN_IDS);
    CHECK(send_id("more/x", ids[0], 0) == INNGEST_OK);            /* still known */
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
    CHECK(send_id("test/w", ids[INNGEST_SEEN_IDS], 0) == INNGEST_OK);
    SEND("test/behind", NULL, 0);
    CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_SEEN_FULL);
    CHECK(machine_run(10000));
    CHECK_TRACE("");
    c = machine_counters();
    CHECK(c.waiting_seen > 0 && c.waiting_runs == 0 && c.waiting_journal == 0 && c.events == INNGEST_SEEN_IDS && c.duplicates == 1);
    CHECK(machine_run(INNGEST_SEEN_MS - 60000));
    CHECK_TRACE("test/w:d test/behind:");
    CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
    MACHINE_END();
    /* Also where no clock counts what is between resets and no boot takes long, with nothing to do but that event. */
    open_with(id_table, 2, MACHINE_RUNS, MACHINE_EVENTS);
    for (i = 0; i < INNGEST_SEEN_IDS; i++) CHECK(send_id("test/x", ids[i], 0) == INNGEST_OK && machine_run(10));
    machine_trace[0] = 0;
    for (i = 0; i < 100 && machine_trace[0] == 0; i++) {
        machine_reboot();
        CHECK(send_id("test/w", ids[INNGEST_SEEN_IDS], 0) == INNGEST_OK);
        for (d = 0; d < 30; d++) { m.now += 60000; (void)machine_tick(); }
    }
    CHECK(i > 48 && i < 100 && machine_runs(NULL) == 0);
    CHECK_TRACE("test/w:d");
    MACHINE_END();
}

/* ---- times to come ------------------------------------------------------------------------------------------------ */

#define NOON INT64_C(1767268800000)      /* 2026-01-01T12:00:00Z */

static uint32_t started_at;
static inngest_status note_start(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "start") { started_at = m.now; trace("start"); }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000));
    trace("end");
    return INNGEST_OK;
}
static const inngest_function later[] = { { .id = "later", .event = "test/*", .handler = note_start, QUICK } };

static void test_future(void)
{
    inngest_run_info info;
    unsigned i;
    int64_t wall;
    for (i = 0; i < 3; i++) {                                     /* the clock is known; resets in between */
        open_with(later, 1, 4, 4);
        CHECK(machine_run(0));
        inngest_set_wall_clock(&m.jobs, NOON, m.now);
        CHECK(send_id("test/past", NULL, NOON - 1) == INNGEST_OK);
        CHECK(machine_run(0));
        CHECK_TRACE("start");
        CHECK(machine_run(5000));
        CHECK_TRACE("end");
        CHECK(send_id("test/future", NULL, NOON + 3600000) == INNGEST_OK);
        CHECK(machine_run(0));
        CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_SLEEP && info.deadline_in_ms == 3595000 && info.attempt == 0);
        CHECK(machine_run(1000000));
        if (i) {
            if (i == 1) machine_reboot();
            else { CHECK(inngest_close(&m.jobs) == INNGEST_OK); boot(); }
            CHECK(machine_run(1000000));
            CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_CLOCK && info.deadline_in_ms == INT64_MAX);
            inngest_set_wall_clock(&m.jobs, NOON + 2005000, m.now);
        }
        CHECK(machine_run(i ? 1594999 : 2594999));
        CHECK_TRACE("");
        CHECK(machine_run(1));
        CHECK_TRACE("start");
        CHECK(machine_run(5000));
        CHECK_TRACE("end");
        CHECK(machine_runs(NULL) == 0 && machine_counters().steps_run >= 1);
        MACHINE_END();
    }
    open_with(later, 1, 4, 4);                                    /* unknown, then set; set back; set forward */
    CHECK(send_id("test/x", NULL, NOON + 10000) == INNGEST_OK && send_id("test/past", NULL, 1) == INNGEST_OK);
    CHECK(machine_run(100000));
    CHECK_TRACE("");                                              /* whether it is past is not known either */
    CHECK(machine_runs(&info) == 2 && info.wait == INNGEST_WAIT_CLOCK && info.deadline_in_ms == INT64_MAX);
    inngest_set_wall_clock(&m.jobs, NOON, m.now);
    CHECK(machine_run(6000));
    CHECK_TRACE("start end");
    CHECK(machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_SLEEP && info.deadline_in_ms == 4000);
    inngest_set_wall_clock(&m.jobs, NOON - 50000, m.now);
    CHECK(machine_run(59999));
    CHECK_TRACE("");
    inngest_set_wall_clock(&m.jobs, NOON + 10000, m.now);
    CHECK(machine_run(0));
    CHECK_TRACE("start");
    inngest_set_wall_clock(&m.jobs, NOON - 900000, m.now);        /* back: what has started, has */
    machine_reboot();
    inngest_set_wall_clock(&m.jobs, NOON - 900000, m.now);
    CHECK(machine_run(5000));
    CHECK_TRACE("end");
    for (wall = 1; wall < (INT64_C(1) << 47); wall <<= 1) {       /* any time is a time */
        CHECK(send_id("test/y", NULL, wall) == INNGEST_OK);
        CHECK(machine_run(0));
        if (machine_runs(&info) == 1 && info.wait == INNGEST_WAIT_SLEEP && wall > NOON) {
            CHECK(info.deadline_in_ms > 0 && inngest_cancel(&m.jobs, info.id) == INNGEST_OK);
            CHECK(machine_run(10000));
            CHECK_TRACE("");
        } else {
            CHECK(wall < NOON && machine_run(10000));
            CHECK_TRACE("start end");
        }
    }
    MACHINE_END();
}

/* ---- no room ------------------------------------------------------------------------------------------------------ */

static bool may_end;
static inngest_status held(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "held") {
        if (!may_end) return inngest_again(ctx, UINT32_MAX);
    }
    return tell(ctx);
}
static const inngest_function held_table[] = {
    { .id = "held", .event = "test/*", .handler = held, QUICK }, { .id = "pair", .event = "test/pair", .handler = exact, QUICK } };
static inngest_status sleepy(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 60000));
    return tell(ctx);
}
static const inngest_function sleepy_table[] = {
    { .id = "sleepy", .event = "test/*", .handler = sleepy, QUICK }, { .id = "pair", .event = "test/pair", .handler = exact, QUICK } };

static void test_runs_full(void)
{
    inngest_counters c;
    unsigned how;
    for (how = 0; how < 3; how++) {
        open_with(how == 2 ? held_table : sleepy_table, 2, 3, 8);
        may_end = false;
        SEND("test/a", NULL, 0);
        SEND("test/b", NULL, 0);
        CHECK(inngest_flush(&m.jobs) == INNGEST_OK && machine_runs(NULL) == 2);
        SEND("test/pair", "1", 1);                                /* two functions, one place: none starts */
        SEND("none", NULL, 0);
        SEND("test/c", "2", 1);
        CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_RUNS_FULL);
        CHECK(machine_run(1000));
        c = machine_counters();
        CHECK(machine_runs(NULL) == 2 && c.events == 2 && c.runs_started == 2);
        CHECK(c.waiting_runs >= 2 && c.waiting_journal == 0 && c.waiting_seen == 0);
        CHECK_TRACE("");
        if (how == 1) {                                           /* a stop tells that some are left behind */
            CHECK(inngest_close(&m.jobs) == INNGEST_ERR_RUNS_FULL);
            boot();
            CHECK(machine_run(100000));
            CHECK_TRACE("test/a: test/b:");
            MACHINE_END();
            continue;
        }
        may_end = true;
        inngest_wake(&m.jobs);
        CHECK(machine_run(200000));
        CHECK_TRACE(how == 2 ? "test/a: test/b: test/pair:1 exact test/c:2" : "test/a: test/b: exact test/pair:1 test/c:2");
        CHECK(inngest_flush(&m.jobs) == INNGEST_OK && machine_counters().runs_ended == 5);
        MACHINE_END();
    }
}

/* Reservations fill the journal: all or none, nothing lost, and what runs has the room to end. */
static inngest_status heavy(inngest_ctx *ctx)
{
    static uint8_t big[200];
    int i;
    for (i = 0; i < 6; i++) INNGEST_STEP(ctx, "big", big) memset(big, i, sizeof big);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 60000));
    trace("heavy");
    return INNGEST_OK;
}
static const inngest_function heavy_table[] = {
    { .id = "heavy", .event = "test/heavy", .handler = heavy, .journal_bytes = 1500, QUICK },
    { .id = "heavy2", .event = "test/heavy", .handler = heavy, .journal_bytes = 1500, QUICK },
    { .id = "light", .event = "test/light", .handler = tell, .journal_bytes = 100, QUICK } };

static void test_journal_full(void)
{
    inngest_counters c;
    inngest_run_info info;
    uint32_t cursor = 0, reserved = 0;
    unsigned reset;
    for (reset = 0; reset < 2; reset++) {
        open_with(heavy_table, COUNT(heavy_table), MACHINE_RUNS, MACHINE_EVENTS);
        SEND("test/heavy", NULL, 0);
        SEND("test/heavy", NULL, 0);
        SEND("test/light", "x", 1);
        CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_JOURNAL_FULL);
        c = machine_counters();
        CHECK(machine_runs(NULL) == 2 && c.events == 1 && c.waiting_journal == 1 && c.waiting_runs == 0 && c.waiting_seen == 0);
        for (cursor = reserved = 0; inngest_next_run(&m.jobs, &cursor, &info);) {
            CHECK(info.reserved_bytes >= 1500 && info.journal_bytes <= info.reserved_bytes);
            reserved += info.reserved_bytes;
        }
        CHECK(reserved <= 4096 * 4 / 2);
        CHECK(machine_run(1000));
        CHECK_TRACE("");
        if (reset) {                                              /* what waits in the queue is not durable, and flush said so */
            machine_reboot();
            SEND("test/heavy", NULL, 0);
            SEND("test/light", "x", 1);
            CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_JOURNAL_FULL);
        }
        CHECK(machine_run(200000));
        CHECK_TRACE("heavy heavy test/light:x heavy heavy");
        CHECK(machine_runs(NULL) == 0 && machine_counters().runs_failed == 0 && inngest_flush(&m.jobs) == INNGEST_OK);
        MACHINE_END();
    }
}

/* Ids hold room as well; where only they do, the event is taken when they expire, and the tick says when to look. */
static const inngest_function broad_table[] = {
    { .id = "broad", .event = "test/broad", .handler = tell, .journal_bytes = 1600, QUICK },
    { .id = "light", .event = "test/light", .handler = quiet, .journal_bytes = 64, QUICK } };

static void test_ids_hold_room(void)
{
    char id[2] = "a";
    memset(&machine_ended, 0, sizeof machine_ended);
    machine_open(broad_table, 2, 4096, 2, 4);
    boot();
    for (; id[0] < 'a' + INNGEST_SEEN_IDS; id[0]++) {
        CHECK(send_id("test/light", id, 0) == INNGEST_OK);
        CHECK(machine_run(0));
    }
    SEND("test/broad", "b", 1);
    CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_JOURNAL_FULL && machine_runs(NULL) == 0);
    CHECK(machine_run(INNGEST_SEEN_MS - 1000));
    CHECK_TRACE("");
    CHECK(machine_tick() <= INNGEST_HEARTBEAT_MS);
    CHECK(machine_run(2000));
    CHECK_TRACE("test/broad:b");
    MACHINE_END();
}

/* A step that sends waits for room and sends exactly once. */
static inngest_status child(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "c") trace("child");
    return INNGEST_OK;
}
static inngest_status sender(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_send(ctx, "send", "child/go", "d", 1));
    trace("sent");
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000));
    trace("done");
    return INNGEST_OK;
}
static const inngest_function family[] = {
    { .id = "heavy", .event = "test/heavy", .handler = heavy, .journal_bytes = 1500, QUICK },
    { .id = "child", .event = "child/go", .handler = child, .journal_bytes = 1500, QUICK },
    { .id = "sender", .event = "test/send", .handler = sender, QUICK } };

static void test_step_send(void)
{
    inngest_run_info info, waits;
    uint32_t cursor = 0, ticks;
    unsigned how;
    for (how = 0; how < 4; how++) {                               /* journal or run table; with a reset or without */
        open_with(family, COUNT(family), how & 2 ? 2 : MACHINE_RUNS, 4);
        SEND("test/heavy", NULL, 0);
        SEND("test/send", NULL, 0);
        CHECK(inngest_flush(&m.jobs) == INNGEST_OK);
        if (how & 1) { CHECK(machine_run(500)); machine_reboot(); }
        ticks = m.ticks;
        CHECK(machine_run(30000));
        CHECK(m.ticks - ticks < 200);                             /* it does not spin */
        CHECK_TRACE("");
        memset(&waits, 0, sizeof waits);
        for (cursor = 0; inngest_next_run(&m.jobs, &cursor, &info);) if (strcmp(info.function, "sender") == 0) waits = info;
        CHECK(waits.wait == INNGEST_WAIT_ROOM && waits.deadline_in_ms <= 1000 && waits.attempt == 0);
        if (how & 2) CHECK(machine_counters().waiting_runs > 0 && machine_counters().waiting_journal == 0);
        else CHECK(machine_counters().waiting_journal > 0 && machine_counters().waiting_runs == 0);
        CHECK(machine_run(29000));
        CHECK_TRACE("");
        CHECK(machine_run(3000));
        CHECK_TRACE("heavy sent child");
        machine_reboot();
        CHECK(machine_run(10000));
        CHECK_TRACE("sent done");
        CHECK(machine_runs(NULL) == 0);
        MACHINE_END();
    }
    open_with(family + 1, 2, 4, 4);                               /* wanted by none: sent all the same */
    m.config.functions = family + 2;
    m.config.function_count = 1;
    boot();
    SEND("test/send", NULL, 0);
    CHECK(machine_run(10000));
    CHECK_TRACE("sent sent done");
    CHECK(machine_ended.count == 1 && machine_ended.status == INNGEST_OK);
    MACHINE_END();
}

/* A completion does not wait behind an event that waits for the run it would end, and finds a slot when events have
 * filled the queue: as often as it takes to end the run, with the events still in their order. */
static inngest_token token;
static unsigned bodies;
static inngest_status pending(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "p") { bodies++; token = inngest_step_token(ctx); return INNGEST_PENDING; }
    return tell(ctx);
}
static const inngest_function pending_table[] = { { .id = "pending", .event = "test/*", .handler = pending, QUICK } };

static void test_completion_overtakes(void)
{
    open_with(pending_table, 1, 1, 4);
    SEND("test/a", "1", 1);
    CHECK(machine_run(10));
    SEND("test/b", "2", 1);
    CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_RUNS_FULL);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK);
    SEND("test/c", "3", 1);
    CHECK(machine_run(10));
    CHECK_TRACE("test/a:1");
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK);
    CHECK(machine_run(10));
    CHECK_TRACE("test/b:2");
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK);
    CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK);       /* twice: refused and counted once */
    CHECK(machine_run(10));
    CHECK_TRACE("test/c:3");
    CHECK(machine_counters().stale_tokens == 1 && inngest_flush(&m.jobs) == INNGEST_OK);
    MACHINE_END();
}

static void test_completion_finds_a_slot(void)
{
    static const uint32_t at_once[] = { 0 };
    static const inngest_function patient[] = { { .id = "pending", .event = "test/*", .handler = pending, .max_attempts = 100,
        .backoff = at_once, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER } };
    unsigned slots, i;
    char c;
    for (slots = 2; slots <= 16; slots *= 2) {
        open_with(patient, 1, 1, slots);
        SEND("test/p", "", 0);
        CHECK(machine_run(10));
        machine_trace[0] = 0;
        for (c = 'a'; c < (char)('a' + slots - 1); c++) SEND("test/e", &c, 1);
        for (i = 1; i < 3 * slots; i++) {
            bodies = 0;
            CHECK(inngest_send(&m.jobs, "test/e", NULL, 0) == INNGEST_ERR_QUEUE_FULL);
            CHECK(inngest_complete(&m.jobs, token, INNGEST_RETRY, NULL, 0) == INNGEST_OK);
            CHECK(inngest_complete(&m.jobs, token, INNGEST_RETRY, NULL, 0) == INNGEST_ERR_QUEUE_FULL);
            CHECK(machine_run(10) && bodies == 1);
        }
        CHECK_TRACE("");
        for (c = 'a' - 1; c < (char)('a' + slots - 1); c++) {
            CHECK(inngest_complete(&m.jobs, token, INNGEST_OK, NULL, 0) == INNGEST_OK);
            CHECK(machine_run(10));
        }
        CHECK(strncmp(machine_trace, "test/p: test/e:a test/e:b test/e:c test/e:d test/e:e test/e:f test/e:g test/e:h test/e:i test/e:j "
                      "test/e:k test/e:l test/e:m test/e:n test/e:o", 7 + 9 * (slots - 1)) == 0 && machine_runs(NULL) == 0);
        machine_trace[0] = 0;
        MACHINE_END();
    }
}

/* Senders that answer themselves do not hold a tick for ever, and a tick that leaves events behind says so. */
static unsigned links;
static inngest_status chain(inngest_ctx *ctx)
{
    (void)ctx;
    if (links > 0) { links--; SEND("test/chain", NULL, 0); }
    return INNGEST_OK;
}
static bool echo(void *user, const void *data, size_t size)
{
    (void)user; (void)data; (void)size;
    if (links > 0) { links--; SEND("echo", NULL, 0); }
    return false;
}
static const inngest_function chain_table[] = {
    { .id = "chain", .event = "test/chain", .handler = chain, QUICK },
    { .id = "echo", .event = "echo", .when = echo, .handler = quiet, QUICK } };

static void test_chains(void)
{
    open_with(chain_table, 2, 4, 4);
    links = 1000;
    SEND("test/chain", NULL, 0);
    CHECK(machine_run(1000));
    CHECK(links == 0 && machine_counters().runs_ended == 1001 && m.ticks > 1000 / INNGEST_TICK_PASSES);
    links = 1000;
    SEND("echo", NULL, 0);
    CHECK(machine_tick() == 0 && links > 900);
    CHECK(machine_run(1000));
    CHECK(links == 0 && machine_counters().unmatched == 1001);
    MACHINE_END();
}

/* Inside user code the engine is busy. */
static inngest_status busy(inngest_ctx *ctx)
{
    CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_BUSY && inngest_close(&m.jobs) == INNGEST_ERR_BUSY);
    CHECK(inngest_tick(&m.jobs, m.now) == UINT32_MAX);
    INNGEST_DO(ctx, "s") { CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_BUSY && inngest_tick(&m.jobs, m.now) == UINT32_MAX); trace("busy"); }
    return INNGEST_OK;
}
static bool busy_when(void *user, const void *data, size_t size)
{
    (void)user; (void)data; (void)size;
    CHECK(inngest_flush(&m.jobs) == INNGEST_ERR_BUSY && inngest_close(&m.jobs) == INNGEST_ERR_BUSY);
    CHECK(inngest_tick(&m.jobs, m.now) == UINT32_MAX);
    return true;
}
static const inngest_function busy_table[] = { { .id = "busy", .event = "test/busy", .when = busy_when, .handler = busy, QUICK } };

static void test_busy(void)
{
    open_with(busy_table, 1, 4, 4);
    SEND("test/busy", NULL, 0);
    CHECK(machine_run(10));
    CHECK_TRACE("busy");
    CHECK(machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    MACHINE_END();
}

/* So it is in what it calls of the port, within a pass and beside: a tick in a tick would take the same events. */
static unsigned port_calls;
static void busy_port(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user; (void)operation; (void)address; (void)size;
    port_calls++;
    CHECK(inngest_tick(&m.jobs, m.now + 5) == UINT32_MAX && inngest_flush(&m.jobs) == INNGEST_ERR_BUSY);
    CHECK(inngest_close(&m.jobs) == INNGEST_ERR_BUSY);
}

static void test_busy_port(void)
{
    unsigned how;
    for (how = 0; how < 2; how++) {
        open_with(busy_table, 1, 4, 4);
        SEND("test/busy", NULL, 0);
        port_calls = 0;
        m.chip.trace = busy_port;
        if (how) CHECK(inngest_flush(&m.jobs) == INNGEST_OK && port_calls > 0);
        CHECK(machine_run(10) && port_calls > 1 && machine_counters().runs_started == 1);
        m.chip.trace = NULL;
        CHECK(inngest_close(&m.jobs) == INNGEST_OK);
        CHECK_TRACE("busy");
        MACHINE_END();
    }
}

/* And in what a cancel or a clock that is told, which write between two ticks, call of it. */
static inngest_status between(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    return INNGEST_OK;
}
static const inngest_function between_table[] = { { .id = "between", .event = "test/busy", .handler = between, QUICK } };

static void test_busy_between(void)
{
    inngest_run_info info;
    open_with(between_table, 1, 4, 4);
    SEND("test/busy", NULL, 0);
    CHECK(machine_run(10) && machine_runs(&info) == 1);
    SEND("test/busy", NULL, 0);
    m.chip.trace = busy_port;
    port_calls = 0;
    inngest_set_wall_clock(&m.jobs, INNGEST_DAYS(20000), m.now);
    CHECK(port_calls > 0);
    port_calls = 0;
    CHECK(inngest_cancel(&m.jobs, info.id) == INNGEST_OK && port_calls > 0);
    m.chip.trace = NULL;
    CHECK(machine_runs(NULL) == 1 && machine_counters().runs_started == 1);
    CHECK(machine_run(2000) && machine_runs(NULL) == 0 && machine_counters().runs_ended == 2 && machine_counters().runs_cancelled == 1);
    MACHINE_END();
}

/* A fan-out of the limit starts whole, also through a cut at each of its writes: all of them or none. */
static const inngest_function fan[] = {
#define FAN(n) { .id = #n, .event = "test/fan", .handler = child, .journal_bytes = 64, QUICK }
    FAN(1), FAN(2), FAN(3), FAN(4), FAN(5), FAN(6), FAN(7), FAN(8), { .id = "warm", .event = "test/warm", .handler = child, QUICK } };

static void test_fan_out(void)
{
    uint32_t first, cut;
    unsigned runs, seen_none = 0, seen_all = 0, tear;
    bool more = true;
    inngest_status flushed;
    for (cut = 1; more; cut++) {
        for (tear = 0; tear < FLASH_TEARS; tear++) {
            machine_open(fan, COUNT(fan), 4096, 4, 4);
            boot();
            SEND("test/warm", NULL, 0);
            CHECK(machine_run(10));
            machine_trace[0] = 0;
            first = m.chip.operations;
            m.chip.tear = (flash_tear)tear;
            m.chip.cut_at = first + cut;
            CHECK(send_id("test/fan", "f", 0) == INNGEST_OK);
            flushed = inngest_flush(&m.jobs);
            CHECK((flushed == INNGEST_OK) == !m.chip.dead);
            more = m.chip.dead;
            m.chip.cut_at = 0;
            flash_power_on(&m.chip);
            machine_reboot();
            runs = machine_runs(NULL);
            CHECK(runs == 0 || runs == INNGEST_FAN_OUT);
            if (runs) seen_all++;
            else seen_none++;
            CHECK(machine_run(10));
            CHECK(machine_counters().runs_ended == runs);
            machine_trace[0] = 0;
            CHECK(send_id("test/fan", "f", 0) == INNGEST_OK);      /* its id is known if and only if it started */
            CHECK(machine_run(10));
            CHECK(machine_counters().duplicates == (runs != 0) && machine_counters().runs_ended == INNGEST_FAN_OUT);
            MACHINE_END();
        }
    }
    CHECK(seen_none > 5 && seen_all > 5);
}

/* A program fails while a run sends an event: its memo and what it starts are there together, or neither is. */
static unsigned fail_in;
static int (*program_below)(void *, uint32_t, const void *, uint32_t);
static int fails_once(void *context, uint32_t address, const void *data, uint32_t size)
{
    if (fail_in > 0 && --fail_in == 0) return -7;
    return program_below(context, address, data, size);
}
static inngest_status mails(inngest_ctx *ctx) { return inngest_step_send(ctx, "mail", "test/mail", "m", 1); }
static inngest_status mailed(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 3000));
    INNGEST_DO(ctx, "read") trace("mail");
    return INNGEST_OK;
}
static void test_send_fails(void)
{
    static const inngest_function table[] = { { .id = "mails", .event = "test/go", .handler = mails, QUICK },
                                              { .id = "mailed", .event = "test/mail", .handler = mailed, QUICK },
                                              { .id = "mailed too", .event = "test/mail", .handler = mailed, QUICK } };
    unsigned k, failures = 0;
    for (k = 1; k < 12; k++) {
        open_with(table, COUNT(table), 8, 8);
        program_below = m.chip.port.program;
        m.chip.port.program = fails_once;
        SEND("test/go", "", 0);
        fail_in = k;
        CHECK(machine_run(2000));
        fail_in = 0;
        failures += machine_counters().port_errors;
        machine_reboot();
        CHECK(machine_run(10000) && machine_runs(NULL) == 0 && machine_counters().lost_runs == 0);
        CHECK_TRACE("mail mail");
        MACHINE_END();
    }
    CHECK(failures >= 6);
}

int main(void)
{
    test_refusals();
    test_copies();
    test_data();
    test_triggers();
    test_order();
    test_predicates();
    test_ids();
    test_future();
    test_runs_full();
    test_journal_full();
    test_ids_hold_room();
    test_step_send();
    test_completion_overtakes();
    test_completion_finds_a_slot();
    test_chains();
    test_busy();
    test_busy_port();
    test_busy_between();
    test_send_fails();
    test_fan_out();
    return TEST_END();
}
