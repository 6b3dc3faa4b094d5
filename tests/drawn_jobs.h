/* SPDX-License-Identifier: MIT
 * Jobs that do what life.ops says, but for steps that need a part which this build has not, and what judges them: for tempest.c and
 * each build of firmwares.c and twins.c. Behind inngest.h and drawn_world.h; MOST_RUNS_ is how many runs there may be. */
#include "crc32.h"
#include <stdio.h>

static inngest jobs;
static int64_t memory[INNGEST_MEMORY(MOST_RUNS_, 8) / 8 + 1];

#define PARTS_ ((INNGEST_PARALLEL ? PART_PARALLEL : 0u) | (INNGEST_LONG_STEPS ? PART_LONG : 0u) | (INNGEST_PROGRESS ? PART_PROGRESS : 0u) | \
                (INNGEST_SEND_STEP ? PART_SEND : 0u) | (INNGEST_RESTART ? PART_RESTART : 0u) | (INNGEST_ON_FAILURE ? PART_FAILURE : 0u) | \
                (INNGEST_CANCEL ? PART_CANCEL : 0u) | (INNGEST_WALL_CLOCK ? PART_CLOCK : 0u) | (INNGEST_INSPECT ? PART_INSPECT : 0u) | \
                (INNGEST_HOOKS ? PART_HOOKS : 0u) | (INNGEST_CRASHES ? PART_CRASHES : 0u))
/* What a kind of step needs. */
static const uint16_t needs[OP_KINDS] = { [ALL_OP] = PART_PARALLEL, [ANY_OP] = PART_PARALLEL, [LONG_OP] = PART_LONG, [PENDING_OP] = PART_LONG,
    [SAVE_OP] = PART_PROGRESS, [SEND_OP] = PART_SEND, [RESTART_OP] = PART_RESTART, [ONCE_OP] = PART_LONG, [UNTIL_OP] = PART_CLOCK,
    [INTENT_OP] = PART_LONG, [TIMEOUT_OP] = PART_LONG };

static struct { inngest_token token; uint8_t e, f, i; bool used; } pending[8];
static uint32_t now32(void) { return life.base + (uint32_t)life.uptime; }

/* ---- jobs -------------------------------------------------------------------------------------------------------------------- */

static uint8_t pattern(unsigned e, unsigned f, unsigned i, unsigned k) { return (uint8_t)(e * 31 + f * 7 + i * 13 + k * 5 + 1); }
static bool is_child(unsigned e) { return e >= EVENTS; }

typedef struct where { unsigned e, f, i; const op *o; step_entry *s; run_entry *x; bool intent; } where;

static uint16_t size_of_result(const op *o)
{
    unsigned size = INNGEST_RESULT_BYTES;
    if (size > o->size) size = o->size;
    if (o->kind == PENDING_OP && size > INNGEST_EVENT_BYTES) size = INNGEST_EVENT_BYTES;
    return (uint16_t)size;
}

/* A body begins, or goes on. */
static void begins(inngest_ctx *ctx, const where *at)
{
    step_entry *s = at->s;
    unsigned a = (unsigned)inngest_attempt(ctx);
    char key[INNGEST_KEY_SIZE];
    uint32_t hash;
    inngest_idempotency_key(ctx, key);
    hash = crc32_of(0, (const uint8_t *)key, sizeof key);
    if (s->key && s->key != hash) wrong("an idempotency key changes", 0);
    s->key = hash;
    if (s->durable) wrong("a finished step runs again", 0);
    NOTE('b', at->e * FUNCTIONS + at->f, s - at->x->steps, a, hash);
    NOTE('n', inngest_began(ctx), 0, 0, 0);
#if INNGEST_LONG_STEPS
    NOTE('c', inngest_stop_reason(ctx), inngest_step_calls(ctx), 0, 0);
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) return;
#endif
    if (at->x->stopped) wrong("a body is called behind a cancel", 0);
    if (a < s->attempt) wrong("an attempt is forgotten", 0);
    if (a > s->next) wrong("an attempt that never was", 0);
    if (life.steady && s->effects && s->boot != life.boots && s->boot_attempt == a && inngest_began(ctx) == INNGEST_BEGAN_NO) wrong("a body that began is said not to have", 0);
    if (at->intent && s->effects && s->boot != life.boots && s->boot_attempt == a && inngest_began(ctx) != INNGEST_BEGAN_YES) wrong("an intent is forgotten", 0);
    if (life.slow && s->from && s->boot == life.boots && a == s->boot_attempt + 1u && life.now < s->from) wrong("an attempt comes early", 0);
    if (s->effects < 60000) s->effects++;
    s->attempt = (uint8_t)a;
    s->boot = life.boots;
    s->boot_attempt = (uint8_t)a;
    if (life.slow && !life.last && draw(&life.luck, 3) == 0) pass_time(draw(&life.luck, 5000));
    if (life.crashes && !life.last && draw(&life.random, 60) == 0 && life.crash_resets < 12) {
        life.crash_resets++;
        longjmp(reset_vector, CRASHED);
    }
}

static inngest_status again(inngest_ctx *ctx, step_entry *s, unsigned a, bool after)
{
    if (s->next < a + 1) s->next = (uint8_t)(a + 1);
    s->from = life.now + (after ? 1500 : 1000);
    return after ? inngest_retry_after(ctx, 1500, 7, "not yet") : inngest_retry(ctx, 7, "not yet");
}

static void fill_result(const where *at, uint8_t *to)
{
    unsigned k;
    at->s->size = size_of_result(at->o);
    for (k = 0; k < at->s->size; k++) to[k] = pattern(at->e, at->f, at->i, k);
}

static inngest_status result_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    begins(ctx, at);
    if ((unsigned)inngest_attempt(ctx) < at->o->fails) return again(ctx, at->s, (unsigned)inngest_attempt(ctx), at->o->how & 1);
    fill_result(at, result);
    return INNGEST_OK;
}

static const char *planned(void)
{
    return life.steady ? "planned" : "planned, with a text that is long enough to be cut by some, and takes most of what others keep of it: "
                                     "........................................................................................";
}

static inngest_status failing_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    (void)result;
    begins(ctx, at);
    (void)again(ctx, at->s, (unsigned)inngest_attempt(ctx), false);
    return inngest_retry(ctx, 77, planned());
}

#if INNGEST_LONG_STEPS
static inngest_status once_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    (void)result;
    if (at->s->effects) wrong("an at-most-once body is called twice", 0);
    begins(ctx, at);
    return INNGEST_OK;
}

static inngest_status long_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    begins(ctx, at);
    if (inngest_stop_reason(ctx) == INNGEST_STOP_NONE && inngest_step_calls(ctx) < at->o->calls) return inngest_again(ctx, at->o->how & 1 ? at->o->ms / 20 : 0);
    fill_result(at, result);
    return INNGEST_OK;
}

static inngest_status pending_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    inngest_token token = inngest_step_token(ctx);
    unsigned k;
    (void)result;
    begins(ctx, at);
    if (at->s->next < inngest_attempt(ctx) + 1) at->s->next = (uint8_t)(inngest_attempt(ctx) + 1);   /* it may be completed with RETRY */
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) return INNGEST_RETRY;
    for (k = 0; k < 8 && token.attempt; k++) {
        if (pending[k].used) continue;
        pending[k].used = true;
        pending[k].token = token;
        pending[k].e = (uint8_t)at->e;
        pending[k].f = (uint8_t)at->f;
        pending[k].i = (uint8_t)at->i;
        break;
    }
    return k == 8 ? inngest_again(ctx, 1000) : INNGEST_PENDING;
}

static inngest_status timeout_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    (void)result;
    begins(ctx, at);
    if (at->s->next < inngest_attempt(ctx) + 1) at->s->next = (uint8_t)(inngest_attempt(ctx) + 1);
    return INNGEST_PENDING;
}
#endif

#if INNGEST_PROGRESS
#define PROGRESS_BYTES (INNGEST_RESULT_BYTES < 24 ? INNGEST_RESULT_BYTES : 24)
static inngest_status save_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    uint8_t progress[24], n, mark = life.steady ? 23 : 1;      /* some builds keep little of it */
    (void)result;
    begins(ctx, at);
    INNGEST_TRY(inngest_step_load(ctx, progress, sizeof progress));
    n = progress[0];
    if (n < at->s->progress || n > at->o->calls || (n && progress[mark] != pattern(at->e, at->f, at->i, n))) wrong("progress is lost", 0);
    at->s->progress = n;
    while (n < at->o->calls) {
        n++;
        memset(progress, n, sizeof progress);
        progress[mark] = pattern(at->e, at->f, at->i, n);
        INNGEST_TRY(inngest_step_save(ctx, progress, PROGRESS_BYTES));
        at->s->progress = n;
#if INNGEST_LONG_STEPS
        if (n % 2) return inngest_again(ctx, at->o->ms / 10);
#endif
    }
    return INNGEST_OK;
}
#endif

static const char *step_id(unsigned i, unsigned branch)
{
    static const char *const ids[] = { "s0", "s1", "s2", "s3", "s4", "s5", "s6", "branch 0", "branch 1", "branch 2", "branch 3", "branch 4", "branch 5",
                                        "group 0", "group 1", "group 2", "group 3", "group 4", "group 5" };
    return life.same_ids ? "the step" : ids[branch ? i + 1 + 6 * branch : i];
}

/* A step with a result, with what its status says. */
static inngest_status judged(where *at, inngest_status status, const uint8_t *result)
{
    unsigned k, size = size_of_result(at->o);
    if (status == INNGEST_OK) {
        if (at->s->effects == 0) wrong("a step is finished, and its body never ran", 0);
        if (result && at->s->size > size) wrong("a result is cut", 0);
        for (k = 0; result && k < size; k++)
            if (result[k] != (k < at->s->size ? pattern(at->e, at->f, at->i, k) : 0)) { wrong("a result is wrong", 0); break; }
        if (at->s->failed) wrong("a step that failed is finished", 0);
        at->s->durable = true;
    } else if (status == INNGEST_STEP_FAILED) {
        if (at->s->durable && !at->s->failed) wrong("a step that was finished has failed", 0);
        at->s->durable = at->s->failed = true;
    }
    return status;
}

/* Firmwares that reserve more than there is take turns: a run may fail for that. */
static bool lacks_room(inngest_status status) { return life.tight && status == INNGEST_ERR_RUN_BYTES; }

static inngest_status sleep_for(inngest_ctx *ctx, where *at, const char *id, uint32_t ms)
{
    inngest_status status;
    if (at->s->from == 0) at->s->from = life.now + 1;
    status = inngest_step_sleep(ctx, id, ms);
    if (status != INNGEST_OK) return status;
    if (!at->s->durable && (!life.clocks || life.truthful) && life.now + 1 - at->s->from + 1000 < ms) wrong("a sleep ends early", 0);
    at->s->durable = true;
    return status;
}

#if INNGEST_PARALLEL
static inngest_status group(inngest_ctx *ctx, where *at, where *other, bool any)
{
    static uint8_t result[MOST_BYTES + 1];
    inngest_status a, b, status;
    unsigned how = at->o->how;
    inngest_parallel(ctx, !life.steady ? step_id(at->i, 2) : any ? "any" : "all");
    a = judged(at, inngest_step_run(ctx, step_id(at->i, 0), result_body, at, result, size_of_result(at->o)), result);
    if (how & 2) b = sleep_for(ctx, other, step_id(at->i, 1), at->o->ms);
#if INNGEST_LONG_STEPS
    else if (how & 4) b = judged(other, inngest_step_run(ctx, step_id(at->i, 1), long_body, other, result, size_of_result(other->o)), result);
#endif
    else b = judged(other, inngest_step_run(ctx, step_id(at->i, 1), result_body, other, result, size_of_result(other->o)), result);
    status = any ? inngest_any(ctx, &a, &b) : inngest_all(ctx, &a, &b);
    NOTE('g', at->i, a, b, status);
    if (status == INNGEST_OK && any) {
        uint8_t winner = a == INNGEST_LOST ? 2 : b == INNGEST_LOST ? 1 : 3;
        if (winner == 3 || (at->s->winner && at->s->winner != winner)) wrong("another branch wins", 0);
        at->s->winner = winner;
    } else if (status != INNGEST_OK && (int)status < 0 && !lacks_room(status)) wrong("a group fails", status);
    else if (at->s->winner) {
        if (status != INNGEST_PAUSED && !lacks_room(status)) wrong("a group that was decided is not", status);
    }
    return status;
}
#endif

/* Cut by the firmware that wrote it, or this one. */
static bool same_text(const char *got, const char *full)
{
    size_t n = strlen(got);
    return strncmp(got, full, n) == 0 && (n == strlen(full) || n + 1 >= life.kept_text);
}

static inngest_status one_op(inngest_ctx *ctx, where *at, where *other)
{
    static const inngest_step_options twice = { .max_attempts = 2 };
    static uint8_t result[MOST_BYTES + 1];
    const op *o = at->o;
    const char *id = step_id(at->i, 0);
    uint16_t size = size_of_result(o);
    inngest_status status;
    (void)other;
    switch (o->kind) {
    case SLEEP_OP: return sleep_for(ctx, at, id, o->ms);
    case FAILING_OP:
        INNGEST_CATCH(status, judged(at, inngest_step_run_with(ctx, id, &twice, failing_body, at, NULL, 0), NULL));
        if (lacks_room(status)) return status;
        if (status != INNGEST_STEP_FAILED) { wrong("a step that fails does not", status); return INNGEST_FAIL; }
        if (inngest_error(ctx)->code != 77 || !same_text(inngest_error(ctx)->message, planned())) wrong("an error is wrong", 0);
        return INNGEST_OK;
    case RETRY_OP: {
        unsigned a = (unsigned)inngest_attempt(ctx);
        if (a < at->x->attempt) wrong("an attempt of a handler is forgotten", 0);
        if (a > at->x->next) wrong("an attempt of a handler that never was", 0);
        at->x->attempt = (uint8_t)a;
        if (a >= o->fails) return INNGEST_OK;
        if (at->x->next < a + 1) at->x->next = (uint8_t)(a + 1);
        return inngest_retry(ctx, 5, "the handler");
    }
#if INNGEST_PARALLEL
    case ALL_OP: return group(ctx, at, other, false);
    case ANY_OP: return group(ctx, at, other, true);
#endif
#if INNGEST_LONG_STEPS
    case LONG_OP: return judged(at, inngest_step_run(ctx, id, long_body, at, result, size), result);
    case PENDING_OP: return judged(at, inngest_step_run(ctx, id, pending_body, at, result, size), result);
    case TIMEOUT_OP: {
        static const inngest_step_options timeout = { .timeout_ms = 3000, .max_attempts = 2 };
        INNGEST_CATCH(status, judged(at, inngest_step_run_with(ctx, id, &timeout, timeout_body, at, NULL, 0), NULL));
        if (lacks_room(status)) return status;
        if (status != INNGEST_STEP_FAILED) { wrong("a step does not time out", status); return INNGEST_FAIL; }
        if (inngest_error(ctx)->status != INNGEST_FAIL && inngest_error(ctx)->status != INNGEST_TIMED_OUT) wrong("the error of a timeout is wrong", inngest_error(ctx)->status);
        return INNGEST_OK;
    }
    case INTENT_OP: {
        static const inngest_step_options intent = { .intent = true };
        at->intent = true;
        return judged(at, inngest_step_run_with(ctx, id, &intent, result_body, at, result, size), result);
    }
    case ONCE_OP: {
        static const inngest_step_options once = { .at_most_once = true, .max_attempts = 1 };
        at->intent = true;
        INNGEST_CATCH(status, judged(at, inngest_step_run_with(ctx, id, &once, once_body, at, NULL, 0), NULL));
        return INNGEST_OK;
    }
#endif
#if INNGEST_PROGRESS
    case SAVE_OP: return judged(at, inngest_step_run(ctx, id, save_body, at, NULL, 0), NULL);
#endif
#if INNGEST_SEND_STEP
    case SEND_OP: {
        uint8_t data[2];
        data[0] = (uint8_t)(EVENTS + at->e);
        data[1] = pattern(data[0], 0, 0, 1);
        if (is_child(at->e)) return INNGEST_OK;
        if (life.gone[FUNCTIONS - 1] && !at->s->durable) at->s->winner = 1;        /* nobody may have been there to hear it */
        INNGEST_TRY(inngest_step_send(ctx, id, "w/child", data, 2));
        if (at->s->winner == 0) ledger[data[0]][FUNCTIONS - 1].must = true;
        at->s->durable = true;
        return INNGEST_OK;
    }
#endif
#if INNGEST_RESTART
    case RESTART_OP:
        INNGEST_TRY(inngest_step_restart(ctx, id));
        at->s->durable = true;
        return INNGEST_OK;
#endif
#if INNGEST_WALL_CLOCK
    case UNTIL_OP:
        status = inngest_step_sleep_until(ctx, id, NOON + o->ms * 3);
        if (status == INNGEST_OK && life.truthful && !at->s->durable && life.now + 1000 < o->ms * 3) wrong("a sleep until a date ends early", 0);
        if (status == INNGEST_OK) at->s->durable = true;
        return status;
#endif
    default: return judged(at, inngest_step_run(ctx, id, result_body, at, result, size), result);
    }
}

/* Which event's run is it? */
static inngest_status find_entry(inngest_ctx *ctx, unsigned f, where *at)
{
    static uint8_t data[MOST_BYTES];
    size_t n = inngest_event_size(ctx), k;
    unsigned i, j;
    INNGEST_TRY(inngest_event_data(ctx, data, sizeof data));
    at->e = data[0];
    at->f = f;
    if (n < 1 || data[0] >= ENTRIES) { wrong("the data of an event is wrong", 0); return INNGEST_FAIL; }
    for (k = 1; k < n; k++) if (data[k] != pattern(data[0], 0, 0, (unsigned)k)) { wrong("the data of an event is wrong", 0); return INNGEST_FAIL; }
    if (n != (is_child(data[0]) ? 2u : life.size[data[0]])) wrong("the size of an event is wrong", 0);
    at->x = &ledger[at->e][f];
    if (!is_child(at->e) && !life.tried[at->e]) wrong("an event that nobody sent", 0);
    if (at->x->id && at->x->id != inngest_run_id(ctx)) wrong("an event runs twice", 0);
    for (i = 0; i < ENTRIES; i++) for (j = 0; j < FUNCTIONS; j++)
        if (&ledger[i][j] != at->x && ledger[i][j].id == inngest_run_id(ctx)) wrong("two runs have one id", 0);
    at->x->id = inngest_run_id(ctx);
    NOTE('r', (int64_t)at->x->id, at->e, f, inngest_attempt(ctx));
    return INNGEST_OK;
}

/* A run that needs a part which this firmware has not is not to go on. */
static void may_run(const where *at)
{
    unsigned i, lacks = ~PARTS_;
    if ((lacks & PART_CANCEL) && at->x->stopped) wrong("a run that is cancelled goes on", 0);
    for (i = 0; i < life.count[at->f]; i++) {
        const step_entry *s = &at->x->steps[i];
        unsigned kind = life.ops[at->f][i].kind;
        bool kept = (kind == ANY_OP && s->winner) || ((kind == SEND_OP || kind == RESTART_OP) && s->durable) || (kind == SAVE_OP && s->progress && s->progress < life.ops[at->f][i].calls && !s->durable);
        if (kept && (lacks & needs[kind])) wrong("a run that needs a part left out goes on", (int)kind);
    }
}

static inngest_status script(inngest_ctx *ctx, unsigned f)
{
    static where at, other;            /* a body may be left by a longjmp, and called again */
    inngest_status status;
    unsigned i;
    memset(&at, 0, sizeof at);
    INNGEST_TRY(find_entry(ctx, f, &at));
    may_run(&at);
    for (i = 0; i < life.count[f]; i++) {
        at.i = i;
        at.o = &life.ops[f][i];
        at.s = &at.x->steps[i];
        at.intent = false;
        other = at;
        other.s = &at.x->steps[OPS + i];
        if ((needs[at.o->kind] & ~PARTS_) || life.skip[f][i] || (at.o->kind == SAVE_OP && INNGEST_RESULT_BYTES < 2)) continue;
        status = one_op(ctx, &at, &other);
        NOTE('s', at.e * FUNCTIONS + f, i, status, at.o->kind);
        NOTE('w', inngest_error(ctx)->status, inngest_error(ctx)->code, crc32_of(0, (const uint8_t *)inngest_error(ctx)->message, strlen(inngest_error(ctx)->message)), inngest_attempt(ctx));
        if (lacks_room(status)) at.x->starved = true;
        if (status != INNGEST_OK) return status;
#if INNGEST_CANCEL
        if (life.cancels && !life.last && draw(&life.random, 200) == 0) {
            at.x->cancelled = true;
            (void)(inngest_cancel(&jobs, at.x->id) == INNGEST_OK);
        }
#endif
    }
    if (life.fails[f]) {
        if (!INNGEST_ON_FAILURE || life.quiet) at.x->gave_up = true;
        return inngest_fail(ctx, (int32_t)(1000 + f), "the end");
    }
    at.x->finished = true;
    return INNGEST_OK;
}

#if INNGEST_ON_FAILURE
static inngest_status failed(inngest_ctx *ctx, unsigned f)
{
    static where at;
    static uint8_t result[MOST_BYTES + 1];
    static op o;
    inngest_status status = inngest_error(ctx)->status;
    memset(&at, 0, sizeof at);
    INNGEST_TRY(find_entry(ctx, f, &at));
    NOTE('f', at.e, f, status, inngest_error(ctx)->code);
    if (status == INNGEST_ERR_CRASHED && life.crash_resets < life.crash_limit) wrong("a run crashed that did not", 0);
    if (lacks_room(status)) at.x->starved = true;
    else if (status != INNGEST_ERR_CRASHED && (inngest_error(ctx)->code != (int32_t)(1000 + f) || !same_text(inngest_error(ctx)->message, "the end"))) wrong("the error of a run is wrong", status);
    if (status == INNGEST_ERR_CRASHED) at.x->crashed = true;
    o = life.ops[f][0];
    o.fails = 0;
    o.size = 5;
    at.i = OPS * 2;
    at.o = &o;
    at.s = &at.x->steps[OPS * 2];
    INNGEST_TRY(judged(&at, inngest_step_run(ctx, step_id(0, 0), result_body, &at, result, size_of_result(&o)), result));
    at.x->finished = true;
    return INNGEST_OK;
}
#endif

#define JOB(k) static inngest_status handler_##k(inngest_ctx *ctx) { return script(ctx, k); }
JOB(0) JOB(1) JOB(2) JOB(3) JOB(4)
static inngest_handler *const handlers[] = { handler_0, handler_1, handler_2, handler_3, handler_4 };
#if INNGEST_ON_FAILURE
#define FAILED(k) static inngest_status failed_##k(inngest_ctx *ctx) { return failed(ctx, k); }
FAILED(0) FAILED(1) FAILED(2) FAILED(3) FAILED(4)
static inngest_handler *const failures[] = { failed_0, failed_1, failed_2, failed_3, failed_4 };
#endif
static const char *const names[] = { "w/zero", "w/one", "w/two", "w/three", "w/child" };
static const char *const function_ids[] = { "zero", "one", "two", "three", "child" };

/* ---- what the machine asks of it ------------------------------------------------------------------------------------------------ */

static bool owes(const run_entry *x) { return x->must && !x->finished && !x->cancelled && !x->crashed && !x->gave_up && !x->starved; }

static void answer(void)
{
#if INNGEST_LONG_STEPS
    unsigned i, k;
    uint8_t bytes[MOST_BYTES + 1];
    for (i = 0; i < 8; i++) {
        const op *o = &life.ops[pending[i].f][pending[i].i];
        step_entry *s = &ledger[pending[i].e][pending[i].f].steps[pending[i].i];
        uint16_t size = size_of_result(o);
        inngest_status status;
        bool retry;
        if (!pending[i].used) continue;
        retry = draw(&life.random, 4) == 0 && o->fails && !life.last && s->attempt < 2;
        for (k = 0; k < size; k++) bytes[k] = pattern(pending[i].e, pending[i].f, pending[i].i, k);
        status = inngest_complete(&jobs, pending[i].token, retry ? INNGEST_RETRY : INNGEST_OK, bytes, retry ? 0 : size);
        NOTE('a', pending[i].e, pending[i].f, pending[i].i, status);
        if (status != INNGEST_OK) continue;
        pending[i].used = false;
        s->size = size;
    }
#endif
}

static void show(void);
#if INNGEST_HOOKS
static void run_end(void *user, const inngest_end_info *info)
{
    unsigned e, f;
    (void)user;
    NOTE('E', (int64_t)info->id, info->status, info->error ? info->error->status : 0, info->error ? info->error->code : 0);
    for (e = 0; e < ENTRIES; e++) for (f = 0; f < FUNCTIONS; f++) {
        run_entry *x = &ledger[e][f];
        if (x->id != info->id) continue;
        if (info->status == INNGEST_CANCELLED ? x->cancelled : (info->status == INNGEST_FAIL) == life.fails[f] && (x->finished || x->gave_up)) continue;
        if (info->status == INNGEST_FAIL && x->starved) continue;
        if (!life.steady && info->status == INNGEST_FAIL && info->error->status == INNGEST_FAIL && info->error->code == (int32_t)(1000 + f)) { x->gave_up = true; continue; }
        if (info->status == INNGEST_FAIL && lacks_room(info->error->status)) { x->starved = true; continue; }
        if (info->status == INNGEST_FAIL && (x->crashed || (info->error->status == INNGEST_ERR_CRASHED && life.crash_resets >= life.crash_limit))) x->crashed = true;
        else {
            wrong("a run ends otherwise", info->error ? info->error->status : INNGEST_OK);
            if (info->error) printf("  %u of %s: status %d, code %d, %s\n", e, function_ids[f], info->status, (int)info->error->code, info->error->message);
            show();
        }
    }
}
#ifdef NOTES
static void run_start(void *user, uint64_t run, const char *function) { (void)user; NOTE('S', (int64_t)run, function[0], 0, 0); }
static void run_pause(void *user, uint64_t run, inngest_status status) { (void)user; NOTE('P', (int64_t)run, status, 0, 0); }
static void step_start(void *user, uint64_t run, const char *step, int attempt) { (void)user; NOTE('B', (int64_t)run, step[strlen(step) - 1], attempt, 0); }
static void step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in_ms)
{
    (void)user;
    NOTE('D', (int64_t)run, step[strlen(step) - 1], attempt, status);
    NOTE('I', retry_in_ms, 0, 0, 0);
}
static void step_memo(void *user, uint64_t run, const char *step, inngest_status status) { (void)user; NOTE('M', (int64_t)run, step[strlen(step) - 1], status, 0); }
static const inngest_hooks hooks = { run_start, run_pause, run_end, step_start, step_end, step_memo };
#else
static const inngest_hooks hooks = { .run_end = run_end };
#endif
#endif

/* It picks among the events of others. */
static bool is_picked(void *user, const void *data, size_t size)
{
    unsigned e = *(const uint8_t *)data;
    (void)user;
    (void)size;
    NOTE('p', e, (int64_t)size, 0, 0);
    return e % life.functions == 1 || e % 3 != 0;
}

static const uint32_t one_second[] = { 1 };
static void make_function(inngest_function *to, unsigned f)
{
    memset(to, 0, sizeof *to);
    to->id = function_ids[f];
    to->event = life.wild && f == 1 ? "w/*" : names[life.fan && f == 1 ? 0 : f];
    if (life.picky && !life.fan && f == 1) to->when = is_picked;
    to->handler = handlers[f];
#if INNGEST_ON_FAILURE
    if (life.fails[f] && !life.quiet) to->on_failure = failures[f];
#endif
    to->backoff = one_second;
    to->backoff_count = 1;
    to->jitter_ms = life.seed % 5 ? INNGEST_NO_JITTER : 0;
    to->journal_bytes = (uint16_t)(life.bytes[f] + (life.more ? 40 : 0));
}

/* Start the engine on a port, with what the table has in this boot. */
static inngest_status start_engine(const inngest_port *port, inngest_reset reset, uint32_t runs, uint32_t queue)
{
    static inngest_function table[FUNCTIONS];
    inngest_config c;
    inngest_status status;
    unsigned i, n = 0;
    memset(&c, 0, sizeof c);
    for (i = 0; i < FUNCTIONS; i++) {
        unsigned f = (i + life.first) % FUNCTIONS;
        if (life.has[f] && !life.gone[f]) make_function(&table[n++], f);
    }
    c.functions = table;
    c.function_count = (uint16_t)n;
    c.port = port;
#if INNGEST_HOOKS
    c.hooks = life.silent ? NULL : &hooks;
#endif
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = runs;
    c.events = queue;
    c.seed = 42;
    c.reset = reset;
    memset(&jobs, 0xA5, sizeof jobs);
    memset(memory, 0x5A, sizeof memory);
    memset(pending, 0, sizeof pending);
    status = inngest_init(&jobs, &c, NULL);
    NOTE('0', status, n, runs, queue);
    return status;
}

static bool all_there(unsigned e)
{
    unsigned f = e % life.functions;
    return !life.gone[f] && !(life.fan && f < 2 && (life.gone[0] || life.gone[1]));
}

static void send_events(void)
{
    unsigned i, k;
    for (i = 0; i < life.events && (life.last || life.turn >= i * (life.stuffed ? 2 : 4)); i++) {
        char id[2] = "a";
        uint8_t data[MOST_BYTES];
        inngest_event e = { .size = life.size[i] };
        unsigned f = i % life.functions;
        inngest_status status;
        if (ledger[i][f].must || !all_there(i) || (life.tried[i] && !life.queued[i] && !life.ids)) continue;
        if (life.size[i] + 8u > INNGEST_EVENT_BYTES) continue;
        for (k = 1; k < e.size; k++) data[k] = pattern(i, 0, 0, k);
        data[0] = (uint8_t)i;
        e.name = names[life.fan && f == 1 ? 0 : f];
        e.data = data;
        id[0] = (char)('a' + i);
#if INNGEST_SEEN_IDS
        if (life.ids) e.id = id;
#else
        (void)id;
#endif
#if INNGEST_WALL_CLOCK
        if (life.dates && i % 3 == 0) e.ts = NOON + 1000 * i;
#endif
        if (!life.queued[i]) {
            status = inngest_send_event(&jobs, &e);
            NOTE('q', i, status, 0, 0);
            if (status != INNGEST_OK) return;
            life.queued[i] = life.tried[i] = true;
        }
        if (!life.last && draw(&life.random, 4) == 0) continue;        /* not flushed: admitted by a tick, or by a close, or lost */
        status = inngest_flush(&jobs);
        NOTE('l', i, status, 0, 0);
        if (status != INNGEST_OK) return;
        for (k = 0; k < life.events; k++) {
            if (!life.queued[k]) continue;
            f = k % life.functions;
            ledger[k][f].must = true;
            if (life.fan && f < 2) ledger[k][0].must = ledger[k][1].must = true;
        }
    }
}

static void tell_clock(int64_t off)
{
#if INNGEST_WALL_CLOCK
    inngest_set_wall_clock(&jobs, NOON + life.now + off, now32());
#else
    (void)off;
#endif
}

static void cancel_one(void)
{
#if INNGEST_CANCEL
    run_entry *x = &ledger[draw(&life.random, ENTRIES)][draw(&life.random, FUNCTIONS)];
    inngest_status status;
    if (x->id == 0) return;
    x->cancelled = true;
    if ((status = inngest_cancel(&jobs, x->id)) == INNGEST_OK) x->stopped = true;
    NOTE('x', (int64_t)x->id, status, 0, 0);
#endif
}

/* Every event that still owes something has a run, and none of them is parked without a reason. */
static unsigned look(void)
{
    unsigned e, f, owing = 0, live = 0;
    for (e = 0; e < ENTRIES; e++) for (f = 0; f < FUNCTIONS; f++) owing += owes(&ledger[e][f]);
#if INNGEST_INSPECT
    {
        static bool found[ENTRIES][FUNCTIONS];
        inngest_counters c;
        inngest_run_info info;
        uint32_t cursor = 0;
        memset(found, 0, sizeof found);
        inngest_get_counters(&jobs, &c);
        while (inngest_next_run(&jobs, &cursor, &info)) {
            live++;
            if (info.wait == INNGEST_WAIT_DAMAGE) wrong("a run is parked", 0);
            if (info.wait == INNGEST_WAIT_MEMO && (life.steady || ((PARTS_ & 255) == 255 && INNGEST_RESULT_BYTES >= 400 && INNGEST_EVENT_BYTES >= 100))) wrong("a run is parked for a memo", 0);
            NOTE('i', (int64_t)info.id, info.phase * 100 + (int)info.wait, info.attempt, info.deadline_in_ms);
            NOTE('j', (int64_t)info.id, info.journal_bytes, info.reserved_bytes, info.function ? info.function[0] : 0);
            if (info.journal_bytes > info.reserved_bytes) wrong("a run uses more than it has reserved", 0);
            for (e = 0; e < ENTRIES; e++) for (f = 0; f < FUNCTIONS; f++) found[e][f] = found[e][f] || ledger[e][f].id == info.id;
        }
        for (e = 0; e < ENTRIES; e++) for (f = 0; f < FUNCTIONS; f++) {
            if (!owes(&ledger[e][f]) || ledger[e][f].id == 0 || found[e][f]) continue;
            if (!life.blind) wrong("a run is gone", 0);
            ledger[e][f].crashed = true;
            owing--;
        }
        NOTE('C', c.events, c.duplicates, c.unmatched, c.refused_full);
        NOTE('C', c.runs_started, c.runs_ended, c.runs_failed, c.runs_cancelled);
        NOTE('C', c.steps_run, c.steps_failed, c.crashes, c.damaged);
        NOTE('C', c.stale_tokens, 0, 0, 0);
        NOTE('R', c.records, c.erases, c.carried, c.memos);
        NOTE('R', c.torn, c.put_off, c.waiting_journal, c.waiting_runs + c.waiting_seen);      /* what ticks count that work ahead, too */
        if (c.lost_runs) wrong("a run is lost", 0);
        if (live < owing) wrong("an event is lost", 0);
    }
#endif
    return live + owing;
}

static void show(void)
{
#if INNGEST_INSPECT
    unsigned e, f;
    inngest_run_info info;
    inngest_counters c;
    uint32_t cursor = 0;
    while (inngest_next_run(&jobs, &cursor, &info)) printf("  %08x %s waits %d phase %d attempt %u in %lld used %u of %u\n", (unsigned)info.id, info.function, info.wait, info.phase, info.attempt, (long long)info.deadline_in_ms, (unsigned)info.journal_bytes, (unsigned)info.reserved_bytes);
    inngest_get_counters(&jobs, &c);
    printf("  waiting %u %u %u, errors %u, unmatched %u, records %u\n", (unsigned)c.waiting_journal, (unsigned)c.waiting_runs, (unsigned)c.waiting_seen, (unsigned)c.port_errors, (unsigned)c.unmatched, (unsigned)c.records);
    for (e = 0; e < ENTRIES; e++) for (f = 0; f < FUNCTIONS; f++) if (owes(&ledger[e][f])) printf("  owes %u of %s, %08x\n", e, function_ids[f], (unsigned)ledger[e][f].id);
    for (f = 0; f < FUNCTIONS; f++) {
        printf("  %s%s%s (%u):", function_ids[f], life.has[f] ? "" : " (not there)", life.fails[f] ? " (fails)" : "", life.bytes[f]);
        for (e = 0; e < life.count[f]; e++) printf(" %u/%u/%u/%u/%u", life.ops[f][e].kind, life.ops[f][e].fails, life.ops[f][e].how, life.ops[f][e].size, (unsigned)life.ops[f][e].ms);
        printf("\n");
    }
#endif
}

/* Runs that hold all the room there is may wait for that of an event that one of them sends: for good. */
static void free_senders(void)
{
#if INNGEST_INSPECT && INNGEST_CANCEL
    inngest_run_info info;
    uint32_t cursor = 0;
    unsigned e, f, i;
    while (inngest_next_run(&jobs, &cursor, &info)) {
        if (info.wait != INNGEST_WAIT_ROOM) continue;
        for (e = 0; e < EVENTS; e++) for (f = 0; f < FUNCTIONS; f++) for (i = 0; i < life.count[f]; i++) {
            if (ledger[e][f].id != info.id || life.ops[f][i].kind != SEND_OP) continue;
            ledger[e][f].cancelled = true;
            (void)(inngest_cancel(&jobs, info.id) == INNGEST_OK);
            return;
        }
    }
#endif
}
