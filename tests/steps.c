/* SPDX-License-Identifier: MIT
 * Promise 2: a step is retried until it succeeds and then never runs again; what a status means; mistakes fail the
 * run and name the step; failures carry their code and message through resets; on_failure; hooks; counters. */
#include "machine.h"

static const uint32_t one_second[] = { 1 };
#define QUICK .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER

static unsigned calls, passes;
static uint32_t times[40];

/* ---- one function, one event ------------------------------------------------------------------------------------ */

static inngest_function table[1];
static const inngest_hooks end_hook = { .run_end = machine_run_end };

/* Open a machine with this function and send its event; nothing has run yet. */
static void open_job(inngest_function f)
{
    table[0] = f;
    table[0].id = "job";
    table[0].event = "test/go";
    calls = passes = 0;
    memset(&machine_ended, 0, sizeof machine_ended);
    machine_open(table, 1, 4096, 4, 4);
    m.config.hooks = &end_hook;
    CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/go", "data", 5) == INNGEST_OK);
}

/* ... and let it run to its end. */
static void run_job(inngest_function f)
{
    open_job(f);
    CHECK(machine_run(600000));
    CHECK(machine_runs(NULL) == 0 && machine_ended.count == 1);
}

#define JOB(...) ((inngest_function){ .handler = __VA_ARGS__, QUICK })

/* ---- forms ------------------------------------------------------------------------------------------------------- */

static inngest_status double_it(inngest_ctx *ctx, const void *arg, void *result)
{
    int in, out;
    (void)ctx;
    memcpy(&in, arg, sizeof in);
    memcpy(&out, result, sizeof out);
    CHECK(out == 0);
    out = 2 * in;
    memcpy(result, &out, sizeof out);
    trace("double");
    return INNGEST_OK;
}

static inngest_status basic(inngest_ctx *ctx)
{
    int arg = 21, twice, i;
    char text[16];
    INNGEST_TRY(inngest_step_run(ctx, "double", double_it, &arg, &twice, sizeof twice));
    CHECK(twice == 42);
    INNGEST_STEP(ctx, "text", text) {
        CHECK(text[0] == 0 && text[15] == 0);
        strcpy(text, "bad");
        if (inngest_attempt(ctx) < 2) return inngest_retry(ctx, 1, "soon");
        strcpy(text, "good");
        trace("text");
    }
    CHECK(strcmp(text, "good") == 0);
    for (i = 0; i < 3; i++) {
        int value;
        INNGEST_STEP(ctx, "loop", value) {
            value = i * 10;
            trace("loop%d", i);
            if (i == 1) continue;
            value++;
        }
        CHECK(value == i * 10 + (i != 1));
    }
    INNGEST_DO(ctx, "last") trace("last");
    trace("end");
    return INNGEST_OK;
}

static const inngest_step_options three = { .max_attempts = 3 }, seven = { .max_attempts = 7 };

static inngest_status forms(inngest_ctx *ctx)
{
    int arg = 4, a = -1, b = -1, c = -1;
    struct { char text[3]; double number; } odd;
    inngest_status st;
    INNGEST_TRY(inngest_step_run_with(ctx, "run-with", &three, double_it, &arg, &a, sizeof a));
    CHECK(a == 8);
    INNGEST_STEP_WITH(ctx, "with", &three, b) { CHECK(b == 0); b = 5; trace("with"); }
    CHECK(b == 5);
    INNGEST_DO_WITH(ctx, "do-with", &three) { trace("do-with"); }
    INNGEST_STEP_AS(st, ctx, "as", c) {
        CHECK(c == 0);
        c = 6;
        trace("as");
        if (c == 6) continue;
        c = 7;
    }
    if (st != INNGEST_OK) return st;
    CHECK(c == 6);
    INNGEST_DO_AS(st, ctx, "do-as") {
        trace("do-as%d", inngest_attempt(ctx));
        if (inngest_attempt(ctx) == 0) { st = inngest_retry(ctx, 1, "again"); continue; }
    }
    if (st != INNGEST_OK) return st;
    INNGEST_STEP(ctx, "odd", odd) { strcpy(odd.text, "xy"); odd.number = 0.5; trace("odd"); }
    CHECK(strcmp(odd.text, "xy") == 0 && odd.number == 0.5);
    if (calls == 0) INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1));   /* and all once more from the journal */
    return INNGEST_OK;
}

static void test_forms(void)
{
    run_job(JOB(basic));
    CHECK_TRACE("double text loop0 loop1 loop2 last end");
    CHECK(machine_counters().steps_run == 8 && machine_counters().steps_failed == 2);
    CHECK(machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    MACHINE_END();
    run_job(JOB(forms));
    CHECK_TRACE("double with do-with as do-as0 do-as1 odd");
    CHECK(machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    MACHINE_END();
}

/* An id is read during the call only, also where a body is left by return. */
static char last_step[INNGEST_MESSAGE_BYTES + 1];
static void note_step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in)
{
    (void)user; (void)run; (void)retry_in;
    trace("%s/%d:%s", step, attempt, inngest_status_name(status));
    (void)snprintf(last_step, sizeof last_step, "%s", step);
}
static const inngest_hooks note_hooks = { .run_end = machine_run_end, .step_end = note_step_end };

static inngest_status borrow(inngest_ctx *ctx, const void *arg, void *result)
{
    char *id = *(char *const *)arg;
    memset(id, 'y', 5);
    memset(result, 'r', 4);
    return inngest_attempt(ctx) == 0 ? INNGEST_RETRY : INNGEST_OK;
}

static inngest_status dynamic_ids(inngest_ctx *ctx)
{
    char id[16], *pointer = id;
    int i, value;
    for (i = 0; i < 3; i++) {
        (void)snprintf(id, sizeof id, "in-%d", i);
        INNGEST_STEP(ctx, id, value) {
            memset(id, 'x', 5);
            if (i == 1 && inngest_attempt(ctx) == 0) return INNGEST_RETRY;
            value = i + 100;
        }
        CHECK(value == i + 100);
        (void)snprintf(id, sizeof id, "fn-%d", i);
        INNGEST_TRY(inngest_step_run(ctx, id, borrow, &pointer, &value, sizeof value));
        CHECK(value == 0x72727272);
    }
    return INNGEST_OK;
}

static void test_ids(void)
{
    open_job(JOB(dynamic_ids));
    m.jobs.hooks = &note_hooks;
    CHECK(machine_run(60000));
    CHECK_TRACE("in-0/0:OK fn-0/0:RETRY fn-0/1:OK in-1/0:RETRY in-1/1:OK fn-1/0:RETRY fn-1/1:OK in-2/0:OK fn-2/0:RETRY fn-2/1:OK");
    CHECK(machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    MACHINE_END();
}

/* Results of no bytes and of the limit. */
static uint8_t large[INNGEST_RESULT_BYTES + 1];

static inngest_status fill(inngest_ctx *ctx, const void *arg, void *result)
{
    size_t n;
    memcpy(&n, arg, sizeof n);
    (void)ctx;
    calls++;
    if (n) { CHECK(((uint8_t *)result)[n - 1] == 0); memset(result, (int)n, n); }
    return INNGEST_OK;
}

static inngest_status sizes(inngest_ctx *ctx)
{
    static const size_t size[] = { 0, 1, 3, 4, 5, 31, 100, 255, INNGEST_RESULT_BYTES };
    unsigned i;
    size_t k;
    for (i = 0; i < sizeof size / sizeof *size; i++) {
        memset(large, 0xEE, sizeof large);
        INNGEST_TRY(inngest_step_run(ctx, "size", fill, &size[i], large, size[i]));
        for (k = 0; k < size[i]; k++) CHECK(large[k] == (uint8_t)size[i]);
        CHECK(large[size[i]] == 0xEE);
    }
    INNGEST_TRY(inngest_step_run(ctx, "null", fill, &size[0], NULL, 0));
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    passes++;
    return INNGEST_OK;
}

static void test_sizes(void)
{
    inngest_function f = JOB(sizes);
    f.journal_bytes = 2000;
    run_job(f);
    CHECK(calls == 10 && passes == 1);
    CHECK(machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    MACHINE_END();
}

/* ---- mistakes: each fails the run and names the step --------------------------------------------------------------- */

static unsigned effects;           /* bodies begun after the mistake: none */
static inngest_status after_mistake(inngest_ctx *ctx)
{
    inngest_status st;
    INNGEST_DO_AS(st, ctx, "after") effects++;
    return st;
}

static inngest_status nothing(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)ctx; (void)arg; (void)result;
    calls++;
    return INNGEST_OK;
}
#define SWALLOW(call) do { inngest_status swallow_ = (call); (void)swallow_; } while (0)

static inngest_status too_large(inngest_ctx *ctx) { SWALLOW(inngest_step_run(ctx, "s", nothing, NULL, large, sizeof large)); return after_mistake(ctx); }
static inngest_status null_buffer(inngest_ctx *ctx) { SWALLOW(inngest_step_run(ctx, "s", nothing, NULL, NULL, 1)); return after_mistake(ctx); }
static unsigned passes;
static inngest_status null_at_replay(inngest_ctx *ctx)
{
    uint8_t byte;
    SWALLOW(inngest_step_run(ctx, "s", nothing, NULL, passes++ > 0 ? NULL : &byte, 1));
    SWALLOW(inngest_step_sleep(ctx, "nap", 10));
    return passes > 1 ? after_mistake(ctx) : inngest_step_sleep(ctx, "nap", 10);
}
static inngest_status null_body(inngest_ctx *ctx) { SWALLOW(inngest_step_run(ctx, "s", NULL, NULL, NULL, 0)); return after_mistake(ctx); }
static inngest_status null_id(inngest_ctx *ctx) { SWALLOW(inngest_step_run(ctx, NULL, nothing, NULL, NULL, 0)); return after_mistake(ctx); }
static inngest_status empty_id(inngest_ctx *ctx) { SWALLOW(inngest_step_sleep(ctx, "", 5)); return after_mistake(ctx); }
static inngest_status sleep_negative(inngest_ctx *ctx) { SWALLOW(inngest_step_sleep(ctx, "s", -1)); return after_mistake(ctx); }
static inngest_status sleep_long(inngest_ctx *ctx) { SWALLOW(inngest_step_sleep(ctx, "s", INNGEST_DAYS(366) + 1)); return after_mistake(ctx); }
static inngest_status sleep_date(inngest_ctx *ctx) { SWALLOW(inngest_step_sleep_until(ctx, "s", -1)); return after_mistake(ctx); }
static inngest_status leave_break(inngest_ctx *ctx) { INNGEST_DO(ctx, "s") { break; } return after_mistake(ctx); }
static inngest_status leave_break_as(inngest_ctx *ctx)
{
    inngest_status st;
    INNGEST_DO_AS(st, ctx, "s") { break; }
    (void)st;
    return after_mistake(ctx);
}
static inngest_status leave_goto(inngest_ctx *ctx) { INNGEST_DO(ctx, "s") { goto out; } out: return after_mistake(ctx); }
static inngest_status leave_ok(inngest_ctx *ctx) { INNGEST_DO(ctx, "s") { return INNGEST_OK; } return after_mistake(ctx); }
static inngest_status leave_to_end(inngest_ctx *ctx) { INNGEST_DO(ctx, "s") { break; } return INNGEST_OK; }
static inngest_status leave_to_retry(inngest_ctx *ctx) { INNGEST_DO(ctx, "a") { } INNGEST_DO(ctx, "s") { break; } (void)inngest_attempt(ctx); return INNGEST_OK; }

static inngest_status inner_run(inngest_ctx *ctx, const void *arg, void *result) { (void)arg; (void)result; SWALLOW(inngest_step_run(ctx, "i", nothing, NULL, NULL, 0)); return INNGEST_OK; }
static inngest_status inner_inline(inngest_ctx *ctx, const void *arg, void *result) { (void)arg; (void)result; INNGEST_DO(ctx, "i") calls++; return INNGEST_OK; }
static inngest_status inner_sleep(inngest_ctx *ctx, const void *arg, void *result) { (void)arg; (void)result; return inngest_step_sleep(ctx, "i", 5); }
static inngest_status inner_group(inngest_ctx *ctx, const void *arg, void *result) { (void)arg; (void)result; inngest_parallel(ctx, "i"); return INNGEST_OK; }
static inngest_status inner_restart(inngest_ctx *ctx, const void *arg, void *result) { (void)arg; (void)result; return inngest_step_restart(ctx, "i"); }
static inngest_status inner_send(inngest_ctx *ctx, const void *arg, void *result) { (void)arg; (void)result; return inngest_step_send(ctx, "i", "test/x", NULL, 0); }
static inngest_step_fn *inner;
static inngest_status nested_run(inngest_ctx *ctx) { SWALLOW(inngest_step_run(ctx, "s", inner, NULL, NULL, 0)); return after_mistake(ctx); }
static inngest_status nested_inline(inngest_ctx *ctx) { INNGEST_DO(ctx, "s") { SWALLOW(inner(ctx, NULL, NULL)); } return after_mistake(ctx); }

static inngest_status wrong;        /* what a body or a handler gives */
static inngest_status give_wrong(inngest_ctx *ctx, const void *arg, void *result) { (void)ctx; (void)arg; (void)result; return wrong; }
static inngest_status wrong_run(inngest_ctx *ctx) { SWALLOW(inngest_step_run(ctx, "s", give_wrong, NULL, NULL, 0)); return after_mistake(ctx); }
static inngest_status wrong_return(inngest_ctx *ctx) { INNGEST_DO(ctx, "s") { return wrong; } return after_mistake(ctx); }
static inngest_status wrong_as(inngest_ctx *ctx) { inngest_status st; INNGEST_DO_AS(st, ctx, "s") st = wrong; return after_mistake(ctx); }
static inngest_status wrong_handler(inngest_ctx *ctx) { (void)ctx; return wrong; }

static inngest_status data_long(inngest_ctx *ctx) { char c[4]; INNGEST_TRY(inngest_event_data(ctx, c, sizeof c)); return after_mistake(ctx); }
static inngest_status data_null(inngest_ctx *ctx) { INNGEST_TRY(inngest_event_data(ctx, NULL, 8)); return after_mistake(ctx); }
static inngest_status name_long(inngest_ctx *ctx) { char c[7]; INNGEST_TRY(inngest_event_name(ctx, c, sizeof c)); return after_mistake(ctx); }
static inngest_status name_null(inngest_ctx *ctx) { INNGEST_TRY(inngest_event_name(ctx, NULL, 0)); return after_mistake(ctx); }
static inngest_status outside_token(inngest_ctx *ctx) { CHECK(inngest_step_token(ctx).attempt == 0); return after_mistake(ctx); }
static inngest_status outside_save(inngest_ctx *ctx) { SWALLOW(inngest_step_save(ctx, "x", 1)); return after_mistake(ctx); }
static inngest_status outside_load(inngest_ctx *ctx) { SWALLOW(inngest_step_load(ctx, large, 1)); return after_mistake(ctx); }

static inngest_status many_ids(inngest_ctx *ctx)
{
    char id[8];
    int i;
    for (i = 0; i < INNGEST_STEP_IDS + 1; i++) {
        (void)snprintf(id, sizeof id, "n%d", i);
        SWALLOW(inngest_step_run(ctx, id, nothing, NULL, NULL, 0));
        SWALLOW(inngest_step_run(ctx, id, nothing, NULL, NULL, 0));   /* occurrences are no new ids */
    }
    return after_mistake(ctx);
}

static void mistake(inngest_handler *handler, inngest_status error, const char *message)
{
    effects = 0;
    run_job(JOB(handler));
    CHECK(machine_ended_as(INNGEST_FAIL, error, message));
    if (!machine_ended_as(INNGEST_FAIL, error, message)) printf("  expected %s \"%s\"\n", inngest_status_name(error), message);
    CHECK(effects == 0);
    CHECK(machine_counters().runs_failed == 1 && machine_counters().runs_ended == 1);
    MACHINE_END();
}

static void test_mistakes(void)
{
    static const int values[] = { 1, -1, -5, 255, 256, -256, 999, INNGEST_PENDING + 4, -9984, -100000 };
    static inngest_step_fn *const inners[] = { inner_run, inner_inline, inner_sleep, inner_group, inner_restart, inner_send };
    unsigned i;
    mistake(too_large, INNGEST_ERR_RESULT_SIZE, "s");
    mistake(null_buffer, INNGEST_ERR_ARGUMENT, "s");
    passes = 0;
    mistake(null_at_replay, INNGEST_ERR_ARGUMENT, "s");
    mistake(null_body, INNGEST_ERR_ARGUMENT, "s");
    mistake(null_id, INNGEST_ERR_STEP_ID, "");
    mistake(empty_id, INNGEST_ERR_STEP_ID, "");
    mistake(sleep_negative, INNGEST_ERR_ARGUMENT, "s");
    mistake(sleep_long, INNGEST_ERR_ARGUMENT, "s");
    mistake(sleep_date, INNGEST_ERR_ARGUMENT, "s");
    CHECK(calls == 0);
    mistake(leave_break, INNGEST_ERR_STEP_LEFT, "s");
    mistake(leave_break_as, INNGEST_ERR_STEP_LEFT, "s");
    mistake(leave_goto, INNGEST_ERR_STEP_LEFT, "s");
    mistake(leave_ok, INNGEST_ERR_STEP_LEFT, "s");
    mistake(leave_to_end, INNGEST_ERR_STEP_LEFT, "s");
    mistake(leave_to_retry, INNGEST_ERR_STEP_LEFT, "s");
    for (i = 0; i < sizeof inners / sizeof *inners; i++) {
        inner = inners[i];
        mistake(nested_run, INNGEST_ERR_NESTED, inner == inner_group ? "i" : "s");
        CHECK(calls == 0);
        if (inner == inner_group) mistake(nested_inline, INNGEST_ERR_NESTED, "i");
        else mistake(nested_inline, INNGEST_ERR_STEP_LEFT, "s");
        CHECK(calls == 0);
    }
    for (i = 0; i < sizeof values / sizeof *values; i++) {
        wrong = (inngest_status)values[i];
        mistake(wrong_run, INNGEST_ERR_STATUS, "s");
        mistake(wrong_return, INNGEST_ERR_STATUS, "s");
        mistake(wrong_as, INNGEST_ERR_STATUS, "s");
        mistake(wrong_handler, INNGEST_ERR_STATUS, "");
    }
    mistake(data_long, INNGEST_ERR_TOO_LONG, "");
    mistake(data_null, INNGEST_ERR_ARGUMENT, "");
    mistake(name_long, INNGEST_ERR_TOO_LONG, "");
    mistake(name_null, INNGEST_ERR_ARGUMENT, "");
    mistake(outside_token, INNGEST_ERR_NOT_IN_STEP, "inngest_step_token");
    mistake(outside_save, INNGEST_ERR_NOT_IN_STEP, NULL);
    mistake(outside_load, INNGEST_ERR_NOT_IN_STEP, NULL);
    {
        char last[8];
        inngest_function f = JOB(many_ids);
        f.journal_bytes = 2500;
        (void)snprintf(last, sizeof last, "n%d", INNGEST_STEP_IDS);
        run_job(f);
        CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_ERR_STEP_IDS, last) && calls == 2 * INNGEST_STEP_IDS);
        MACHINE_END();
    }
}

/* Two texts whose hashes agree in 24 bits, and two where the second one's is the first's plus one. */
static uint32_t fnv(const char *text)
{
    uint32_t h = 2166136261u;
    for (; *text; text++) h = (h ^ (uint8_t)*text) * 16777619u;
    return h & 0xFFFFFF;
}

typedef struct hashed { uint32_t hash; char text[12]; } hashed;
static int by_hash(const void *a, const void *b)
{
    const hashed *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}
static char id_a[12], id_b[12];
static int order;

static inngest_status colliding(inngest_ctx *ctx)
{
    SWALLOW(inngest_step_run(ctx, order ? id_b : id_a, nothing, NULL, NULL, 0));
    SWALLOW(inngest_step_run(ctx, order ? id_a : id_b, nothing, NULL, NULL, 0));
    return INNGEST_OK;
}

static inngest_status touching(inngest_ctx *ctx)
{
    if (order == 0) SWALLOW(inngest_step_run(ctx, id_b, nothing, NULL, NULL, 0));
    SWALLOW(inngest_step_run(ctx, id_a, nothing, NULL, NULL, 0));
    if (order == 1) SWALLOW(inngest_step_run(ctx, id_b, nothing, NULL, NULL, 0));
    SWALLOW(inngest_step_run(ctx, id_a, nothing, NULL, NULL, 0));   /* the second occurrence of a is b's hash */
    if (order == 2) SWALLOW(inngest_step_run(ctx, id_b, nothing, NULL, NULL, 0));
    return INNGEST_OK;
}

static void find_ids(uint32_t difference)
{
    enum { N = 30000 };
    static hashed all[N];
    unsigned i;
    for (i = 0; i < N; i++) {
        (void)snprintf(all[i].text, sizeof all[i].text, "id-%u", i);
        all[i].hash = fnv(all[i].text);
    }
    qsort(all, N, sizeof *all, by_hash);
    for (i = 0; i + 1 < N && all[i + 1].hash - all[i].hash != difference; i++) {}
    CHECK(i + 1 < N);
    strcpy(id_a, all[i].text);
    strcpy(id_b, all[i + 1].text);
}

static void test_collisions(void)
{
    find_ids(0);
    for (order = 0; order < 2; order++) {
        run_job(JOB(colliding));
        CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_ERR_STEP_ID, order ? id_a : id_b) && calls == 1);
        MACHINE_END();
    }
    find_ids(1);
    for (order = 0; order < 3; order++) {
        run_job(JOB(touching));
        CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_ERR_STEP_ID, order == 2 ? id_b : id_a) && calls == 2);
        MACHINE_END();
    }
}

/* A forgotten check: what follows an undecided step gives the same and starts nothing. */
static inngest_status forgetful(inngest_ctx *ctx)
{
    inngest_status st;
    SWALLOW(inngest_step_run(ctx, "first", nothing, NULL, NULL, 0));
    SWALLOW(inngest_step_sleep(ctx, "nap", 5000));
    INNGEST_DO_AS(st, ctx, "second") { trace("second"); if (inngest_attempt(ctx) == 0) st = INNGEST_RETRY; }
    if (m.now < 5000) CHECK(st == INNGEST_PAUSED);
    SWALLOW(inngest_step_send(ctx, "send", "test/other", NULL, 0));
    INNGEST_DO_AS(st, ctx, "third") trace("third");
    if (m.now < 6000) CHECK(st == INNGEST_PAUSED);
    return INNGEST_OK;
}

static void test_forgotten(void)
{
    open_job(JOB(forgetful));
    CHECK(machine_run(4999));
    CHECK_TRACE("");
    CHECK(machine_runs(NULL) == 1 && calls == 1);
    CHECK(machine_run(1));
    CHECK_TRACE("second");
    CHECK(machine_runs(NULL) == 1);
    CHECK(machine_run(1000));
    CHECK_TRACE("second third");
    CHECK(machine_runs(NULL) == 0 && machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    MACHINE_END();
}

/* ---- attempts, backoff ----------------------------------------------------------------------------------------------- */

static inngest_status never(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    CHECK(inngest_attempt(ctx) == (int)calls);
    if (calls < 40) times[calls] = m.now;
    calls++;
    return INNGEST_RETRY;
}
static const inngest_step_options *never_options;
static inngest_status never_job(inngest_ctx *ctx) { return inngest_step_run_with(ctx, "never", never_options, never, NULL, NULL, 0); }

static inngest_status never_handler(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "once") { CHECK(inngest_attempt(ctx) == 0); passes++; }
    CHECK(inngest_attempt(ctx) == (int)calls);
    if (calls < 40) times[calls] = m.now;
    calls++;
    return INNGEST_RETRY;
}

static void attempts_are(inngest_function f, unsigned expected)
{
    open_job(f);
    CHECK(machine_run(UINT32_MAX / 2));
    CHECK(calls == expected);
    CHECK(machine_ended.count == 1 && machine_ended_as(INNGEST_FAIL, INNGEST_FAIL, f.handler == never_job ? "never" : ""));
    CHECK(machine_runs(NULL) == 0);
    MACHINE_END();
}

static void test_attempts(void)
{
    static const uint32_t inngests[] = { 15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200, 7200, 7200 };
    static const uint32_t custom[] = { 2, 7 };
    inngest_function f = { .handler = never_job, .jitter_ms = INNGEST_NO_JITTER };
    unsigned i, kind, differ = 0;
    for (kind = 0; kind < 2; kind++) {
        f = (inngest_function){ .handler = kind ? never_handler : never_job, .jitter_ms = INNGEST_NO_JITTER };
        attempts_are(f, 5);
        f.max_attempts = 1;
        attempts_are(f, 1);
        f.max_attempts = 13;
        attempts_are(f, 13);
        for (i = 0; i < 12; i++) CHECK(times[i + 1] - times[i] == inngests[i] * 1000);
        f.jitter_ms = 0;
        attempts_are(f, 13);
        for (i = 0; i < 12; i++) {
            uint32_t jitter = times[i + 1] - times[i] - inngests[i] * 1000;
            CHECK(jitter <= 30000);
            differ += jitter > 1000;
        }
        CHECK(differ > 6);
        f.jitter_ms = 500;
        attempts_are(f, 13);
        for (i = 0; i < 12; i++) CHECK(times[i + 1] - times[i] - inngests[i] * 1000 <= 500);
        f.jitter_ms = INNGEST_NO_JITTER;
        f.backoff = custom;
        f.backoff_count = 2;
        f.max_attempts = 5;
        attempts_are(f, 5);
        for (i = 0; i < 4; i++) CHECK(times[i + 1] - times[i] == (i == 0 ? 2000 : 7000));
        if (kind) CHECK(passes == 1);
    }
    f.handler = never_job;
    f.max_attempts = 5;
    never_options = &three;
    attempts_are(f, 3);
    never_options = &seven;
    attempts_are(f, 7);
    never_options = NULL;
}

static int64_t after_ms;
static inngest_status wait_step(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "wait") {
        times[calls++] = m.now;
        if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, after_ms, 1, "later");
        if (inngest_attempt(ctx) == 1) return INNGEST_RETRY;      /* the time was for one attempt */
    }
    INNGEST_DO(ctx, "changed-its-mind") { SWALLOW(inngest_retry_after(ctx, 9000, 1, "no")); }
    INNGEST_DO(ctx, "plain") {
        times[calls++] = m.now;
        if (inngest_attempt(ctx) == 0) return INNGEST_RETRY;
    }
    return INNGEST_OK;
}
static inngest_status wait_handler(inngest_ctx *ctx)
{
    times[calls++] = m.now;
    if (inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, after_ms, 1, "later");
    return inngest_attempt(ctx) == 1 ? INNGEST_RETRY : INNGEST_OK;
}

static void test_retry_after(void)
{
    static const int64_t asked[] = { -5, 0, 999, 1000, 1001, 86400000, 86400001, INNGEST_DAYS(30), INT64_MAX, INT64_MIN };
    static const uint32_t given[] = { 1000, 1000, 1000, 1000, 1001, 86400000, 86400000, 86400000, 86400000, 1000 };
    unsigned i, kind;
    for (i = 0; i < sizeof asked / sizeof *asked; i++)
        for (kind = 0; kind < 2; kind++) {
            after_ms = asked[i];
            open_job(JOB(kind ? wait_handler : wait_step));
            CHECK(machine_run(86500000));
            CHECK(calls == (kind ? 3 : 5));
            CHECK(times[1] - times[0] == given[i] && times[2] - times[1] == 1000);
            if (!kind) CHECK(times[4] - times[3] == 1000);
            CHECK(machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
            MACHINE_END();
        }
}

/* ---- failures ---------------------------------------------------------------------------------------------------------- */

#define LONG_TEXT "0123456789012345678901234567890123456789 and more than fits"

static void check_error(inngest_ctx *ctx, int code, const char *message)
{
    const inngest_error_info *e = inngest_error(ctx);
    CHECK(e->status == INNGEST_FAIL && e->code == code && strcmp(e->message, message) == 0);
}

static char cut_text[INNGEST_MESSAGE_BYTES + 1];
static bool crash_now;

static inngest_status failing_body(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    calls++;
    return inngest_fail(ctx, -77, LONG_TEXT);
}

static inngest_status catcher(inngest_ctx *ctx)
{
    inngest_status st;
    CHECK(inngest_error(ctx) != NULL && inngest_error(ctx)->status == INNGEST_OK && inngest_error(ctx)->message[0] == 0);
    INNGEST_CATCH(st, inngest_step_run(ctx, "fails", failing_body, NULL, NULL, 0));
    CHECK(st == INNGEST_STEP_FAILED);
    check_error(ctx, -77, cut_text);
    INNGEST_DO_AS(st, ctx, "fails-too") {                    /* left by return: caught all the same */
        trace("too");
        return inngest_attempt(ctx) == 0 ? inngest_retry(ctx, 5, "first") : inngest_fail(ctx, 6, "second");
    }
    if ((int)st > 0) return st;
    CHECK(st == INNGEST_STEP_FAILED);
    check_error(ctx, 6, "second");
    INNGEST_DO(ctx, "good") trace("good");
    if (crash_now) { crash_now = false; machine_crash(); }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    check_error(ctx, 6, "second");
    INNGEST_DO_AS(st, ctx, "plain") { st = INNGEST_RETRY; }
    if ((int)st > 0) return st;
    check_error(ctx, 0, "plain");
    return INNGEST_OK;
}

static inngest_status uncaught(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "ok") calls++;
    INNGEST_DO(ctx, "bad") return inngest_retry(ctx, (int)calls * 100 + inngest_attempt(ctx), "why");
    trace("not reached");
    return INNGEST_OK;
}

static inngest_status fail_handler(inngest_ctx *ctx) { calls++; return inngest_fail(ctx, 3, "no"); }
static inngest_status fail_plain(inngest_ctx *ctx) { (void)ctx; calls++; return INNGEST_FAIL; }
/* Its failure is its own: not that of a step which it has caught. */
static inngest_status fail_behind_step(inngest_ctx *ctx)
{
    inngest_status st;
    INNGEST_DO_AS(st, ctx, "bad") return inngest_fail(ctx, 7, "the step's");
    return (int)st > 0 ? st : INNGEST_FAIL;
}
static inngest_status fail_later(inngest_ctx *ctx) { return inngest_attempt(ctx) < 2 ? inngest_retry(ctx, 1, "r") : inngest_fail(ctx, 2, "f"); }
/* A body that gives one of the reader's statuses fails for good: it would be the same at every attempt. */
static inngest_status reads(inngest_ctx *ctx, const void *arg, void *result)
{
    char c;
    (void)arg; (void)result;
    calls++;
    return inngest_event_data(ctx, &c, 1);
}
static inngest_status reader_in_body(inngest_ctx *ctx)
{
    inngest_status st;
    char c;
    INNGEST_CATCH(st, inngest_step_run(ctx, "reads", reads, NULL, NULL, 0));
    CHECK(st == INNGEST_STEP_FAILED && inngest_error(ctx)->status == INNGEST_ERR_TOO_LONG);
    CHECK(strcmp(inngest_error(ctx)->message, "reads") == 0);
    INNGEST_DO_AS(st, ctx, "inline") { calls++; INNGEST_TRY(inngest_event_data(ctx, &c, 1)); }
    if ((int)st > 0) return st;
    CHECK(st == INNGEST_STEP_FAILED && inngest_error(ctx)->status == INNGEST_ERR_TOO_LONG);
    CHECK(strcmp(inngest_error(ctx)->message, "inline") == 0);
    INNGEST_TRY(inngest_event_data(ctx, &c, 1));
    return INNGEST_OK;
}

static void test_failures(void)
{
    memcpy(cut_text, LONG_TEXT, INNGEST_MESSAGE_BYTES);
    run_job(JOB(catcher));
    CHECK_TRACE("too too good");
    CHECK(calls == 1 && machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    MACHINE_END();
    crash_now = true;
    open_job(JOB(catcher));
    CHECK(!machine_run(60000));
    machine_reboot();
    CHECK(machine_run(60000));
    CHECK_TRACE("too too good");
    CHECK(calls == 1 && machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    MACHINE_END();

    run_job(JOB(uncaught));
    CHECK_TRACE("");
    CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_FAIL, "why") && machine_ended.error.code == 104 && calls == 1);
    MACHINE_END();
    run_job(JOB(fail_handler));
    CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_FAIL, "no") && machine_ended.error.code == 3 && calls == 1);
    MACHINE_END();
    run_job(JOB(fail_plain));
    CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_FAIL, "") && calls == 1);
    MACHINE_END();
    run_job(JOB(fail_behind_step));
    CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_FAIL, "") && machine_ended.error.code == 0);
    MACHINE_END();
    run_job(JOB(fail_later));
    CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_FAIL, "f") && machine_ended.error.code == 2);
    MACHINE_END();
    run_job(JOB(reader_in_body));
    CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_ERR_TOO_LONG, NULL) && calls == 2);
    MACHINE_END();
}

/* The handler is retried as a body, with its memos; attempts of steps are their own. */
static inngest_status body_retries(inngest_ctx *ctx)
{
    int seen = inngest_attempt(ctx);
    INNGEST_DO(ctx, "step") {
        trace("step%d/%d", inngest_attempt(ctx), seen);
        if (inngest_attempt(ctx) == 0) return INNGEST_RETRY;
    }
    CHECK(inngest_attempt(ctx) == seen);
    trace("body%d", seen);
    if (seen == 1 && crash_now) { crash_now = false; machine_crash(); }
    if (seen == 0) return inngest_retry(ctx, 1, "x");
    INNGEST_DO(ctx, "later") {
        trace("later%d/%d", inngest_attempt(ctx), seen);
        if (inngest_attempt(ctx) == 0) return INNGEST_RETRY;
    }
    if (seen == 1) return INNGEST_RETRY;
    return INNGEST_OK;
}

static void test_body_retries(void)
{
    run_job(JOB(body_retries));
    CHECK_TRACE("step0/0 step1/0 body0 body1 later0/1 body1 later1/1 body2");
    CHECK(machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    MACHINE_END();
    crash_now = true;
    open_job(JOB(body_retries));
    CHECK(!machine_run(60000));
    CHECK_TRACE("step0/0 step1/0 body0 body1");
    machine_reboot();
    CHECK(machine_run(60000));
    CHECK_TRACE("body1 later0/1 body1 later1/1 body2");
    MACHINE_END();
}

/* ---- on_failure ---------------------------------------------------------------------------------------------------------- */

static inngest_status main_part(inngest_ctx *ctx)
{
    int value;
    INNGEST_STEP(ctx, "same", value) { value = 1; trace("main"); }
    INNGEST_DO(ctx, "fails") return inngest_fail(ctx, 9, "original");
    return INNGEST_OK;
}

static int failure_mode;           /* 0: ends well; 1: fails; 2: gives RETRY always; 3: a step of it fails, caught */
static inngest_status cleanup(inngest_ctx *ctx)
{
    int value;
    char data[8], name[16];
    inngest_status st;
    size_t size = inngest_event_size(ctx);
    check_error(ctx, 9, "original");
    INNGEST_TRY(inngest_event_data(ctx, data, sizeof data));
    INNGEST_TRY(inngest_event_name(ctx, name, sizeof name));
    CHECK(size == 5 && memcmp(data, "data\0\0\0", 8) == 0 && strcmp(name, "test/go") == 0);
    INNGEST_STEP(ctx, "same", value) { CHECK(value == 0); value = 2; trace("cleanup"); }
    CHECK(value == 2);
    check_error(ctx, 9, "original");
    if (crash_now) { crash_now = false; machine_crash(); }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    check_error(ctx, 9, "original");
    if (failure_mode == 1) return inngest_fail(ctx, 10, "cleanup");
    if (failure_mode == 2) { trace("try%d", inngest_attempt(ctx)); return inngest_retry(ctx, 11, "never"); }
    if (failure_mode == 3) {
        INNGEST_DO_AS(st, ctx, "fails") { trace("step%d", inngest_attempt(ctx)); st = inngest_retry(ctx, 12, "own"); }
        if ((int)st > 0) return st;
        check_error(ctx, 12, "own");
    }
    trace("done");
    return INNGEST_OK;
}

static void test_on_failure(void)
{
    static const char *const traces[] = { "main cleanup done", "main cleanup", "main cleanup try0 try1", "main cleanup step0 step1 done" };
    static const char *const messages[] = { "original", "cleanup", "never", "original" };
    int crash;
    inngest_run_info info;
    for (failure_mode = 0; failure_mode < 4; failure_mode++)
        for (crash = 0; crash < 2; crash++) {
            crash_now = crash;
            open_job((inngest_function){ .handler = main_part, .on_failure = cleanup, QUICK });
            CHECK(machine_run(10) == !crash);
            if (crash) { machine_reboot(); CHECK(machine_run(10)); }
            CHECK(machine_runs(&info) == 1 && info.phase == INNGEST_PHASE_ON_FAILURE && info.wait == INNGEST_WAIT_SLEEP);
            CHECK(machine_ended.count == 0);
            CHECK(machine_run(60000));
            CHECK_TRACE(traces[failure_mode]);
            CHECK(machine_runs(NULL) == 0 && machine_ended.count == 1);
            CHECK(machine_ended_as(INNGEST_FAIL, INNGEST_FAIL, messages[failure_mode]));   /* the run has failed, whatever on_failure does */
            CHECK(machine_counters().runs_failed == 1 && machine_counters().runs_ended == 1);
            MACHINE_END();
        }
}

/* A run that has used up its reservation fails in order, with its on_failure. */
static uint8_t chunk[100];
static inngest_status greedy(inngest_ctx *ctx)
{
    char id[8];
    int i;
    for (i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof id, "c%d", i % 20);
        INNGEST_STEP(ctx, id, chunk) { calls++; memset(chunk, i, sizeof chunk); }
        CHECK(chunk[99] == (uint8_t)i);
    }
    return INNGEST_OK;
}
static inngest_status greedy_cleanup(inngest_ctx *ctx)
{
    CHECK(inngest_error(ctx)->status == INNGEST_ERR_RUN_BYTES);
    INNGEST_STEP(ctx, "c0", chunk) { trace("%s", inngest_error(ctx)->message); memset(chunk, 7, sizeof chunk); }
    if (crash_now) { crash_now = false; machine_crash(); }
    CHECK(chunk[0] == 7);
    return INNGEST_OK;
}

static void test_run_bytes(void)
{
    int crash;
    for (crash = 0; crash < 2; crash++) {
        crash_now = crash;
        open_job((inngest_function){ .handler = greedy, .on_failure = greedy_cleanup, .journal_bytes = 400, QUICK });
        CHECK(machine_run(1000) == !crash);
        if (crash) { machine_reboot(); CHECK(machine_run(10)); }
        CHECK(calls == 4 || calls == 5);
        CHECK_TRACE(calls == 4 ? "c3" : "c4");
        CHECK(machine_runs(NULL) == 0 && machine_ended_as(INNGEST_FAIL, INNGEST_ERR_RUN_BYTES, NULL));
        MACHINE_END();
    }
}

/* ---- hooks, counters, keys ----------------------------------------------------------------------------------------------- */

static uint64_t hooked_run;
static void on_run_start(void *user, uint64_t run, const char *function)
{
    CHECK(user == &m);
    hooked_run = run;
    trace("<%s", function);
}
static void on_run_pause(void *user, uint64_t run, inngest_status status) { CHECK(user == &m && run == hooked_run); trace("%s>", inngest_status_name(status)); }
static void on_run_end(void *user, const inngest_end_info *info)
{
    CHECK(user == &m && info->id == hooked_run);
    CHECK((info->error == NULL) == (info->status == INNGEST_OK));
    trace("end:%s:%s>", info->function, inngest_status_name(info->status));
}
static void on_step_start(void *user, uint64_t run, const char *step, int attempt) { CHECK(user == &m && run == hooked_run); trace("%s/%d", step, attempt); }
static void on_step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in)
{
    CHECK(user == &m && run == hooked_run);
    CHECK((status == INNGEST_RETRY) == (retry_in >= 0));
    if (retry_in >= 0) trace("%s/%d:%s:%d", step, attempt, inngest_status_name(status), (int)retry_in);
    else trace("%s/%d:%s", step, attempt, inngest_status_name(status));
}
static void on_step_memo(void *user, uint64_t run, const char *step, inngest_status status) { CHECK(user == &m && run == hooked_run); trace("%s=%s", step, inngest_status_name(status)); }
static const inngest_hooks all_hooks = { on_run_start, on_run_pause, on_run_end, on_step_start, on_step_end, on_step_memo };

static inngest_status observed(inngest_ctx *ctx)
{
    inngest_status st;
    CHECK(inngest_user(ctx) == &m && inngest_run_id(ctx) == hooked_run);
    INNGEST_DO(ctx, "a") trace("A");
    INNGEST_DO(ctx, "b") { trace("B"); if (inngest_attempt(ctx) == 0) return INNGEST_RETRY; }
    INNGEST_DO_AS(st, ctx, "c") { trace("C"); st = INNGEST_FAIL; }
    if ((int)st > 0) return st;
    INNGEST_TRY(inngest_step_sleep(ctx, "d", 100));
    return INNGEST_OK;
}
static inngest_status observed_bad(inngest_ctx *ctx) { INNGEST_DO(ctx, "x") return INNGEST_FAIL; return INNGEST_OK; }
static inngest_status observed_cleanup(inngest_ctx *ctx) { INNGEST_DO(ctx, "the-id-of-a-step-which-is-longer-than-what-hooks-see") { } return INNGEST_OK; }

static void test_hooks(void)
{
    static const inngest_function observed_table[] = {
        { .id = "good", .event = "test/good", .handler = observed, QUICK },
        { .id = "bad", .event = "test/bad", .handler = observed_bad, .on_failure = observed_cleanup, QUICK } };
    inngest_counters c;
    machine_open(observed_table, 2, 4096, 4, 4);
    m.config.hooks = &all_hooks;
    m.config.user = &m;
    CHECK(machine_boot(INNGEST_RESET_UNKNOWN) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/good", NULL, 0) == INNGEST_OK);
    CHECK(machine_run(60000));
    CHECK_TRACE("<good a/0 A a/0:OK b/0 B b/0:RETRY:1000 PAUSED> "
                "<good a=OK b/1 B b/1:OK c/0 C c/0:STEP_FAILED PAUSED> "
                "<good a=OK b=OK c=STEP_FAILED end:good:OK>");
    c = machine_counters();
    CHECK(c.events == 1 && c.runs_started == 1 && c.runs_ended == 1 && c.runs_failed == 0 && c.steps_run == 4 && c.steps_failed == 2);
    CHECK(c.memos == 4);
    CHECK(inngest_send(&m.jobs, "test/bad", NULL, 0) == INNGEST_OK);
    CHECK(machine_run(60000));
    CHECK_TRACE("<bad x/0 x/0:STEP_FAILED PAUSED> <bad x=STEP_FAILED <bad "
                "the-id-of-a-step-which-is-longer-than-wh/0 the-id-of-a-step-which-is-longer-than-wh/0:OK end:bad:FAIL>");   /* cut */
    c = machine_counters();
    CHECK(c.events == 2 && c.runs_started == 2 && c.runs_ended == 2 && c.runs_failed == 1 && c.runs_cancelled == 0);
    CHECK(c.port_errors == 0 && c.torn == 0 && c.damaged == 0 && c.lost_runs == 0 && c.unmatched == 0);
    MACHINE_END();
}

/* Hooks that write so much that what they are told of, a memo or the answer to a step in progress, is moved meanwhile. */
static int64_t wall;
static unsigned moved;
static void move_all(void)
{
    const uint32_t erases = machine_counters().erases;
    unsigned i;
    for (i = 0; i < 1000 && machine_counters().erases < erases + 6; i++) inngest_set_wall_clock(&m.jobs, wall += 5000, m.now);
    moved += machine_counters().erases >= erases + 6;
}
static void moves_at_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in)
{
    (void)user; (void)run; (void)step; (void)attempt; (void)status; (void)retry_in;
    move_all();
}
static void moves_at_memo(void *user, uint64_t run, const char *step, inngest_status status) { (void)user; (void)run; (void)step; (void)status; move_all(); }
static const inngest_hooks moving_hooks = { .run_end = machine_run_end, .step_end = moves_at_end, .step_memo = moves_at_memo };

static inngest_token moving_token;
static inngest_status moving(inngest_ctx *ctx)
{
    uint8_t a[40], b[40];
    inngest_status st;
    unsigned i;
    passes++;
    INNGEST_STEP(ctx, "a", a) memset(a, 'a', sizeof a);
    INNGEST_STEP(ctx, "b", b) {
        moving_token = inngest_step_token(ctx);
        return INNGEST_PENDING;
    }
    for (i = 0; i < sizeof a; i++) CHECK(a[i] == 'a' && b[i] == 'b');
    INNGEST_DO_AS(st, ctx, "c") st = inngest_fail(ctx, 7, "seven");
    if ((int)st > 0) return st;
    CHECK(st == INNGEST_STEP_FAILED);
    check_error(ctx, 7, "seven");
    INNGEST_TRY(inngest_step_sleep(ctx, "d", 1000));
    return inngest_step_sleep(ctx, "e", 1000);
}

static void test_moving_hooks(void)
{
    static const inngest_function mover = { .id = "job", .event = "test/go", .handler = moving, .journal_bytes = 400, QUICK };
    uint8_t b[40];
    memset(b, 'b', sizeof b);
    machine_open(&mover, 1, 1024, 6, 4);
    m.config.hooks = &moving_hooks;
    machine_reboot();
    passes = moved = 0;
    wall = INT64_C(1767225600000);
    CHECK(inngest_send(&m.jobs, "test/go", NULL, 0) == INNGEST_OK && machine_run(500));
    CHECK(inngest_complete(&m.jobs, moving_token, INNGEST_OK, b, sizeof b) == INNGEST_OK);
    CHECK(machine_run(60000) && machine_runs(NULL) == 0 && machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
    CHECK(passes == 4 && moved == 11);
    MACHINE_END();
}

/* Keys: the same at every attempt and boot, different for everything else. */
static char keys[40][INNGEST_KEY_SIZE];
static int key_count;
static void note_key(inngest_ctx *ctx, int slot)
{
    char key[INNGEST_KEY_SIZE];
    memset(key, 'q', sizeof key);
    inngest_idempotency_key(ctx, key);
    CHECK(strlen(key) == 32 && strspn(key, "0123456789abcdef") == 32);
    if (slot < key_count) CHECK(strcmp(key, keys[slot]) == 0);
    strcpy(keys[slot], key);
    if (slot >= key_count) key_count = slot + 1;
}
static int which_run;
static inngest_status keyed(inngest_ctx *ctx)
{
    int base = which_run * 8, i;
    for (i = 0; i < 3; i++)
        INNGEST_DO(ctx, "k") {
            note_key(ctx, base + i);
            if (inngest_attempt(ctx) < 2) return INNGEST_RETRY;
            if (i == 2 && crash_now) { crash_now = false; machine_crash(); }
        }
    INNGEST_DO(ctx, "other") note_key(ctx, base + 3);
    return INNGEST_FAIL;
}
static inngest_status keyed_cleanup(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "k") note_key(ctx, which_run * 8 + 4);
    return INNGEST_OK;
}

static void test_keys(void)
{
    int i, k;
    key_count = 0;
    memset(keys, 0, sizeof keys);
    crash_now = true;
    for (which_run = 0; which_run < 2; which_run++) {
        if (which_run == 0) open_job((inngest_function){ .handler = keyed, .on_failure = keyed_cleanup, QUICK });
        else CHECK(inngest_send(&m.jobs, "test/go", NULL, 0) == INNGEST_OK);
        if (which_run == 0) { CHECK(!machine_run(60000)); machine_reboot(); }
        CHECK(machine_run(60000));
        CHECK(machine_runs(NULL) == 0);
    }
    for (i = 0; i < key_count; i++)
        for (k = 0; k < i; k++) CHECK(keys[k][0] == 0 || keys[i][0] == 0 || strcmp(keys[i], keys[k]) != 0);
    CHECK(key_count == 13);
    MACHINE_END();
}

/* ---- a firmware update between two passes: rule 2 ------------------------------------------------------------------------ */

static int firmware;
static inngest_status updated(inngest_ctx *ctx)
{
    struct { uint8_t a, b; } two = { 9, 9 };
    static const uint8_t grown[4] = { 1, 2, 0, 0 };
    uint32_t four = 0x99999999;
    uint8_t one;
    switch (firmware) {
    case 0: INNGEST_STEP(ctx, "value", two) { two.a = 1; two.b = 2; trace("value"); } CHECK(two.a == 1 && two.b == 2); break;
    case 1: INNGEST_STEP(ctx, "value", four) trace("value4"); CHECK(memcmp(&four, grown, 4) == 0); break;   /* grown: zeros follow */
    case 2: INNGEST_STEP(ctx, "value", one) trace("value1"); trace("not reached"); break;      /* shrunk */
    case 3: INNGEST_TRY(inngest_step_sleep(ctx, "value", 0)); trace("not reached"); break;     /* another kind */
    case 4: INNGEST_TRY(inngest_step_send(ctx, "value", "a/b", NULL, 0)); trace("not reached"); break;
    case 5: inngest_parallel(ctx, "value"); INNGEST_TRY(inngest_all(ctx, NULL)); trace("not reached"); break;
    case 6:                                                                                    /* a new step before it, one removed */
        INNGEST_DO(ctx, "new") trace("new");
        INNGEST_STEP(ctx, "value", two) trace("value");
        CHECK(two.b == 2);
        return INNGEST_OK;
    default: INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000)); INNGEST_STEP(ctx, "value", two) trace("value"); CHECK(two.b == 2); return INNGEST_OK;
    }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000));
    trace("end");
    return INNGEST_OK;
}

static void test_updates(void)
{
    int next;
    inngest_run_info info;
    for (next = 1; next <= 7; next++) {
        bool parked = next >= 2 && next <= 5;
        firmware = 0;
        open_job(JOB(updated));
        CHECK(machine_run(10));
        CHECK_TRACE("value");
        firmware = next;
        machine_reboot();
        CHECK(machine_run(10000));
        CHECK_TRACE(next == 6 ? "new" : next == 1 ? "end" : "");
        CHECK(machine_runs(&info) == (parked ? 1 : 0));
        if (parked) {
            CHECK(info.wait == INNGEST_WAIT_MEMO && info.deadline_in_ms == INT64_MAX);
            firmware = 0;                                     /* rolled back: goes on */
            machine_reboot();
            CHECK(machine_run(10000));
            CHECK_TRACE("end");
            CHECK(machine_runs(NULL) == 0);
        }
        CHECK(machine_ended_as(INNGEST_OK, INNGEST_OK, NULL));
        MACHINE_END();
    }
}

/* A hook that writes to the journal while a result is on its way to the handler does not change it; nor do other runs
 * that had the run's place in the table, with steps of the same ids, nor the steps of on_failure. */
static void wall_hook(void *user, uint64_t run, const char *step, inngest_status status)
{
    static unsigned n;
    (void)user;
    (void)run;
    (void)step;
    CHECK(status == INNGEST_OK || status == INNGEST_STEP_FAILED);
    inngest_set_wall_clock(&m.jobs, INT64_C(1767268800000) + (n++ % 2) * 100000 + m.now, m.now);
}
static const inngest_hooks writing_hooks = { .run_end = machine_run_end, .step_memo = wall_hook };

static inngest_status again_and_again(inngest_ctx *ctx)
{
    static const char *const ids[] = { "a", "b", "c", "d" };
    static unsigned passes;
    uint8_t data, copy;
    uint32_t value, k, turned = passes++ % 2;
    INNGEST_TRY(inngest_event_data(ctx, &data, 1));
    for (k = 0; k < 2; k++) {                                 /* not always in the same order */
        INNGEST_STEP(ctx, k ^ turned ? "x" : "y", value) value = k ^ turned;
        if (value != (k ^ turned)) trace("wrong turn");
    }
    for (k = 0; k < 4; k++) {
        INNGEST_STEP(ctx, ids[k], value) value = data * 16u + k;
        if (value != data * 16u + k) trace("wrong");
        INNGEST_STEP(ctx, "byte", copy) copy = (uint8_t)(data + k);
        if (copy != (uint8_t)(data + k)) trace("wrong byte");
        INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    }
    return data % 3 ? INNGEST_OK : INNGEST_FAIL;
}
static inngest_status after_again(inngest_ctx *ctx)
{
    uint32_t value;
    INNGEST_STEP(ctx, "a", value) value = 0xABCDEF;
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    INNGEST_STEP(ctx, "b", value) value++;
    if (value != 1) trace("wrong at the end");
    return INNGEST_OK;
}
static const inngest_function again_table[] = { { .id = "again", .event = "again", .handler = again_and_again, .on_failure = after_again } };

static void test_replays(void)
{
    uint8_t data;
    unsigned hooked;
    for (hooked = 0; hooked < 2; hooked++) {
        machine_open(again_table, 1, 1024, 8, 4);
        if (hooked) m.config.hooks = &writing_hooks;
        m.config.runs = 3;
        machine_reboot();
        for (data = 0; data < 60; data++) {
            CHECK(inngest_send(&m.jobs, "again", &data, 1) == INNGEST_OK);
            CHECK(machine_run(data % 5 ? 1500 : 20000));
        }
        CHECK(machine_run(20000) && machine_runs(NULL) == 0);
        CHECK_TRACE("");
        MACHINE_END();
    }
}

/* A replay that is not the first of its boot reads each step once, as a whole, if it fits the stage; the port is never
 * asked for no bytes. */
static unsigned read_calls;
static void count_reads(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user;
    (void)address;
    read_calls += operation == 'r';
    CHECK(size > 0);
}

static uint8_t result_bytes;
static inngest_status filled(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)ctx;
    memset(result, 0x5C, *(const uint8_t *)arg);
    return INNGEST_OK;
}
static inngest_status reader(inngest_ctx *ctx)
{
    static const char *const ids[] = { "a", "b", "c", "d", "e", "f", "g" };
    uint8_t result[INNGEST_STAGE_BYTES];
    uint32_t k;
    for (k = 0; k < 28; k++) {
        INNGEST_TRY(inngest_step_run(ctx, ids[k % 7], filled, &result_bytes, result, result_bytes));
        CHECK(inngest_user(ctx) == &m);                  /* nothing goes beyond the stage */
    }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 1000));
    return inngest_step_sleep(ctx, "nap", 1000);
}
static unsigned polls;
static inngest_status poller(inngest_ctx *ctx)           /* its newest record has no payload */
{
    INNGEST_DO(ctx, "begin") polls = 0;
    INNGEST_DO(ctx, "poll") {
        if (polls++ < 3) return inngest_again(ctx, 10);
    }
    return INNGEST_OK;
}
static const inngest_function reader_table[] = { { .id = "reader", .event = "reader", .handler = reader, .journal_bytes = 6000 },
                                                 { .id = "poller", .event = "poll", .handler = poller } };

static void test_reads(void)
{
    unsigned turn, i, seen[5][3];
    static const uint8_t sizes[5] = { 4, 32, INNGEST_STAGE_BYTES - 12, INNGEST_STAGE_BYTES - 11, 0 };
    for (turn = 0; turn < 5; turn++) {
        machine_open(reader_table, 2, 16384, 6, 4);
        m.config.user = &m;
        result_bytes = sizes[turn];
        machine_reboot();
        CHECK(inngest_send(&m.jobs, "reader", NULL, 0) == INNGEST_OK && machine_run(10));
        machine_reboot();
        m.chip.trace = count_reads;
        for (i = 0; i < 3; i++) {
            read_calls = 0;
            CHECK(machine_run(1000));
            seen[turn][i] = read_calls;
        }
        CHECK(machine_run(1000) && machine_runs(NULL) == 0);
        CHECK(inngest_send(&m.jobs, "poll", NULL, 0) == INNGEST_OK && machine_run(100) && machine_runs(NULL) == 0 && polls == 4);
        MACHINE_END();
    }
    if (!INNGEST_TRAIL_STEPS) return;
    for (turn = 0; turn < 3; turn++) CHECK(seen[turn][1] < 28 + 12 && seen[turn][0] > 2 * seen[turn][1]);
    CHECK(seen[3][1] > 2 * 28 && seen[3][1] < 5 * 28);
}

int main(void)
{
    test_forms();
    test_ids();
    test_sizes();
    test_mistakes();
    test_collisions();
    test_forgotten();
    test_attempts();
    test_retry_after();
    test_failures();
    test_body_retries();
    test_on_failure();
    test_run_bytes();
    test_hooks();
    test_moving_hooks();
    test_keys();
    test_updates();
    test_replays();
    test_reads();
    return TEST_END();
}
