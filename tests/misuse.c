/* SPDX-License-Identifier: MIT
 * What is refused is refused with a status that inngest.h names, and nothing is lost by it: public calls of any kind with any
 * arguments, from every context: between the calls of a program, in handlers, bodies, predicates and hooks, out of the calls of
 * a port as an interrupt would, of two engines that call each other; before init, behind close, behind an init that failed, on
 * storage that fails now and then. Jobs that behave run beside: each of their steps is done once, and they end.
 * argv: how many lives; the first seed; tell what happens from that one on. */
#include "../port/flash_emulator/flash_emulator.h"
#include "draw.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

#define NOON INT64_C(1700000000000)
#define PORT_ERROR (-4711)
enum { JOBS = 6, STEPS = 6, DEPTH = 5, PAD = 64, SPACE = 1024, RUNS = 10, EVENTS = 8 };

static uint64_t random_state;
#define draw(n) draw(&random_state, n)
static bool one_in(uint32_t n) { return draw(n) == 0; }

/* ---- the ledger, and what the test knows of an engine ------------------------------------------------------------------------- */

typedef struct job {
    bool sent, sure, gone;             /* sure: it must come to its end; gone: a boot may have lost it */
    uint8_t effects[STEPS], done[STEPS], ended;
    uint64_t run;
} job;
enum { IDLE, FRAGILE, AT_WORK, IN_USER };          /* FRAGILE: in a call that does not tell a tick in it */

typedef struct engine {
    inngest *jobs;                     /* of its own memory, exactly: a sanitizer sees what is beside */
    void *memory;
    flash chip;
    inngest_port port;
    inngest_config config;
    inngest_function table[4];
    inngest_hooks hooks;
    job ledger[JOBS];
    bool up, faulty, broken, restarted;    /* faulty: a call of its port failed; broken: a sync did */
    uint32_t fault_in, faults, reads;  /* the call of the port that fails next, 0: none; how many in a row; reads of them */
    int where;
    uint32_t now;
    /* of the pass */
    int stopped, mistake;
    bool group, maybe, in_body;
} engine;
static engine engines[2];
static unsigned depth, seed, told, spare;        /* spare: so many more calls in this turn */
static bool mischief, talks;
static unsigned long lives, calls, refusals, ended, failed, cancelled, boots;
static uint32_t serial;                /* of calls: another one came between */
static inngest_token tokens[4];

#define say(...) (talks ? (void)printf(__VA_ARGS__) : (void)0)
static void wrong_at(int line, const engine *e, const char *what, int status)
{
    test_failed++;
    if (told++ == 0 || talks) printf("%s:%d: life %u, engine %d, at %u ms: %s, %s (%d)\n", __FILE__, line, seed, (int)(e - engines), (unsigned)e->now,
                                     what, inngest_status_name((inngest_status)status), status);
}
#define wrong(e, what, status) wrong_at(__LINE__, e, what, status)
#define MUST(e, condition, status) ((condition) ? (void)test_passed++ : wrong(e, #condition, status))

/* ---- buffers with something around them ---------------------------------------------------------------------------------------- */

static struct space { uint8_t bytes[SPACE]; size_t at, size; } spaces[DEPTH + 1];
static uint8_t pattern(size_t i) { return (uint8_t)(i * 29 + (i >> 8) + 7); }

/* So many bytes, aligned to nothing, or none that may be touched. */
static uint8_t *buffer(size_t size)
{
    struct space *s = &spaces[depth];
    size_t i;
    s->at = PAD + draw(PAD);
    s->size = size < SPACE - 3 * PAD ? size : 0;
    for (i = 0; i < SPACE; i++) s->bytes[i] = pattern(i);
    return s->bytes + s->at;
}

/* Nothing beside them was touched; within them neither, if it was to be read alone. */
static void check_buffer(const engine *e, bool read_only)
{
    const struct space *s = &spaces[depth];
    size_t i, end = read_only ? s->at : s->at + s->size;
    for (i = 0; i < s->at; i++) if (s->bytes[i] != pattern(i)) { wrong(e, "bytes in front of a buffer", 0); break; }
    for (i = end; i < SPACE; i++) if (s->bytes[i] != pattern(i)) { wrong(e, "bytes behind a buffer", 0); break; }
}

static size_t odd_size(size_t limit)
{
    switch (draw(9)) {
    case 0: return 0;
    case 1: return 1;
    case 2: return limit;
    case 3: return limit + 1;
    case 4: return SIZE_MAX;
    case 5: return SIZE_MAX / 2 + 1;
    case 6: return 65536 + draw(300);
    case 7: return limit ? limit - 1 : 0;
    default: return draw((uint32_t)limit + 40);
    }
}

static char text_space[DEPTH + 1][2][400];
static const char *odd_text(unsigned which)
{
    char *text = text_space[depth][which];
    size_t n, i;
    switch (draw(9)) {
    case 0: return NULL;
    case 1: return "";
    case 2: n = 399; break;
    case 3: n = 255 + draw(3); break;
    case 4: n = INNGEST_EVENT_BYTES + draw(2); break;
    case 5: n = INNGEST_MESSAGE_BYTES + draw(2); break;
    case 6: return "inngest/x";
    default: n = 1 + draw(4); break;
    }
    if (n > 399) n = 399;
    for (i = 0; i < n; i++) text[i] = (char)(one_in(3) ? 128 + (int)draw(128) - 256 : 'a' + (int)draw(3));
    text[n] = 0;
    return text;
}

static int64_t odd_time(void)
{
    switch (draw(9)) {
    case 0: return INT64_MIN;
    case 1: return INT64_MAX;
    case 2: return -1;
    case 3: return 0;
    case 4: return INT64_C(1) << 47;
    case 5: return INT64_C(1) << 46;
    case 6: return INNGEST_DAYS(366) + (int64_t)draw(2);
    case 7: return NOON + (int64_t)draw(100000);
    default: return (int64_t)draw(20000);
    }
}

/* ---- calls from anywhere ------------------------------------------------------------------------------------------------------- */

static inngest_counters counters_of(const engine *e)
{
    inngest_counters c;
    memset(&c, 0, sizeof c);
#if INNGEST_INSPECT
    inngest_get_counters(e->jobs, &c);
#else
    (void)e;
#endif
    return c;
}

/* The status is one for which there is a reason (bits: of refusals), none if there is none; each is counted where it belongs. */
enum { R_ARGUMENT = 1, R_NOT_READY = 2, R_NAME = 4, R_SIZE = 8, R_STALE = 16 };
static void check_refusal(const engine *e, unsigned reasons, inngest_status got, uint32_t mine, const inngest_counters *before)
{
    inngest_counters c = counters_of(e);
    bool good;
    refusals += got != INNGEST_OK;
    switch ((int)got) {
    case INNGEST_OK: case INNGEST_ERR_QUEUE_FULL: good = reasons == 0; break;
    case INNGEST_ERR_ARGUMENT: good = reasons & R_ARGUMENT; break;
    case INNGEST_ERR_NOT_READY: good = reasons & R_NOT_READY; break;
    case INNGEST_ERR_NAME: good = reasons & R_NAME; break;
    case INNGEST_ERR_EVENT_SIZE: case INNGEST_ERR_RESULT_SIZE: good = reasons & R_SIZE; break;
    case INNGEST_ERR_STALE_TOKEN: good = reasons & R_STALE; break;
    default: good = false;
    }
    if (!good) wrong(e, "a call from anywhere gives another status", got);
    else test_passed++;
    if (mine != serial || e->jobs == NULL) return;
    MUST(e, c.refused_full - before->refused_full == (got == INNGEST_ERR_QUEUE_FULL), got);
    MUST(e, c.refused_name - before->refused_name == (got == INNGEST_ERR_NAME), got);
    MUST(e, c.refused_size - before->refused_size == (got == INNGEST_ERR_EVENT_SIZE || got == INNGEST_ERR_RESULT_SIZE), got);
    MUST(e, c.refused_not_ready - before->refused_not_ready == (got == INNGEST_ERR_NOT_READY), got);
    MUST(e, c.stale_tokens - before->stale_tokens == (got == INNGEST_ERR_STALE_TOKEN), got);
}

static void misuse_send(engine *e)
{
    size_t size = odd_size(INNGEST_EVENT_BYTES - 5), name_size;
    const void *data = buffer(size);
    inngest_event event;
    inngest_status status;
    unsigned reasons = e->up ? 0 : R_NOT_READY;
    inngest_counters before = counters_of(e);
    uint32_t mine = ++serial;
    if (one_in(5)) data = NULL;
    if (data == NULL && size) reasons |= R_ARGUMENT;
    if (one_in(2)) {
        static const char *const names[] = { "bad/x", "other", "inngest/x", "", "bad/\xC3\xBC" };
        unsigned n = draw(5);
        status = n == 0 ? inngest_send(e->jobs, "bad/x", data, size) : n == 1 ? inngest_send(e->jobs, "other", data, size) :
                 n == 2 ? inngest_send(e->jobs, "inngest/x", data, size) : n == 3 ? inngest_send(e->jobs, "", data, size) :
                 inngest_send(e->jobs, "bad/\xC3\xBC", data, size);
        name_size = strlen(names[n]);
        if (n == 2 || n == 3) reasons |= R_NAME;
        if (size > INNGEST_EVENT_BYTES || size + name_size > INNGEST_EVENT_BYTES) reasons |= R_SIZE;
    } else {
        const char *id = one_in(4) ? odd_text(1) : NULL;
        event.name = one_in(3) ? "bad/y" : odd_text(0);
        event.data = data;
        event.size = size;
#if INNGEST_SEEN_IDS
        event.id = id;
#endif
        event.ts = one_in(4) ? odd_time() : 0;
        if (event.ts < 0 || event.ts >> 47) reasons |= R_ARGUMENT;
        name_size = event.name ? strlen(event.name) : 0;
        if (name_size == 0 || strncmp(event.name, "inngest/", 8) == 0) reasons |= R_NAME;
        if (name_size > 255 || name_size > INNGEST_EVENT_BYTES || size > INNGEST_EVENT_BYTES - name_size) reasons |= R_SIZE;
        if (one_in(30)) {
            reasons = R_ARGUMENT;
            status = inngest_send_event(e->jobs, NULL);
        } else status = inngest_send_event(e->jobs, &event);
    }
    check_refusal(e, reasons, status, mine, &before);
    check_buffer(e, true);
}

static void misuse_complete(engine *e)
{
    static const inngest_status statuses[] = { INNGEST_OK, INNGEST_RETRY, INNGEST_FAIL, INNGEST_OK, INNGEST_PENDING, INNGEST_AGAIN, INNGEST_BODY,
                                               INNGEST_STEP_FAILED, (inngest_status)-1, (inngest_status)1, (inngest_status)INT_MIN, INNGEST_PAUSED };
    inngest_token token = tokens[draw(4)];
    inngest_status status = statuses[draw(12)], got;
    size_t size = odd_size(INNGEST_EVENT_BYTES < INNGEST_RESULT_BYTES ? INNGEST_EVENT_BYTES : INNGEST_RESULT_BYTES);
    const void *result = buffer(size);
    unsigned reasons = e->up ? 0 : R_NOT_READY;
    inngest_counters before = counters_of(e);
    uint32_t mine = ++serial;
    if (one_in(5)) result = NULL;
    if (one_in(4)) { token.run = draw(40); token.attempt = draw(3) * draw(1u << 31); }
    if (status != INNGEST_OK && status != INNGEST_RETRY && status != INNGEST_FAIL) reasons |= R_ARGUMENT;
    if (result == NULL && size) reasons |= R_ARGUMENT;
    if (token.attempt == 0) reasons |= R_STALE;
    if (size > INNGEST_EVENT_BYTES || size > INNGEST_RESULT_BYTES) reasons |= R_SIZE;
    got = inngest_complete(e->jobs, token, status, result, size);
    check_refusal(e, reasons, got, mine, &before);
    check_buffer(e, true);
}

static void misuse_pure(const engine *e)
{
    static const char json[] = "{\"a\":[1,2.5,\"x\\u00e9y\",null,true],\"b\":{}} ";
    size_t size = draw(sizeof json), out_size = odd_size(5);
    const char *path = one_in(3) ? odd_text(0) : one_in(2) ? "a[2]" : "a[0]";
    uint8_t *out = buffer(out_size < 600 ? out_size : sizeof(int64_t));
    int64_t number;
    inngest_status status;
    bool yes;
    switch (draw(6)) {
    case 0: status = inngest_json_string(one_in(9) ? NULL : json, size, path, one_in(9) ? NULL : (char *)out, out_size < 600 ? out_size : 0); break;
    case 1: status = inngest_json_decimal(json, size, path, draw(40), one_in(9) ? NULL : &number); break;
    case 2: status = inngest_json_bool(json, size, path, one_in(9) ? NULL : &yes); break;
    case 3: status = inngest_json_count(one_in(9) ? NULL : json, size, path, one_in(9) ? NULL : &out_size); break;
    case 4: status = inngest_parse_duration(odd_text(0), one_in(9) ? NULL : &number); break;
    default: status = inngest_parse_time(odd_text(0), one_in(9) ? NULL : &number); break;
    }
    MUST(e, status == INNGEST_OK || (status <= INNGEST_ERR_NOT_FOUND && status >= INNGEST_ERR_ARGUMENT), status);
    check_buffer(e, false);
    MUST(e, inngest_status_name((inngest_status)(int)(draw(900) - 450)) != NULL, 0);
}

/* ---- calls of the context that ticks ------------------------------------------------------------------------------------------- */

static bool is_port_error(const engine *e, inngest_status s) { return e->faulty && s <= INNGEST_ERR_READ && s >= INNGEST_ERR_SYNC; }
static bool waits_for_room(inngest_status s) { return s == INNGEST_ERR_RUNS_FULL || s == INNGEST_ERR_JOURNAL_FULL || s == INNGEST_ERR_SEEN_FULL; }

static void make_sure(engine *e)
{
    unsigned i;
    for (i = 0; i < JOBS; i++) e->ledger[i].sure = e->ledger[i].sent && !e->ledger[i].gone;
}

/* What is allowed in any state: gives the status, and looks whether it may be that one. */
static void do_flush(engine *e, bool close)
{
    const int before = e->where;
    const bool was_up = e->up;
    inngest_status status;
    if (before == FRAGILE) return;
    if (before == IDLE) {
        e->where = AT_WORK;
        if (close) e->up = false;
    }
    status = close ? inngest_close(e->jobs) : inngest_flush(e->jobs);
    e->where = before;
    say("%d: %s gives %s\n", (int)(e - engines), close ? "close" : "flush", inngest_status_name(status));
    if (!was_up) MUST(e, status == INNGEST_ERR_NOT_READY, status);
    else if (before != IDLE) MUST(e, status == INNGEST_ERR_BUSY, status);
    else {
        MUST(e, status == INNGEST_OK || waits_for_room(status) || is_port_error(e, status) || e->restarted, status);
        if (status == INNGEST_OK) make_sure(e);
        if (status == INNGEST_ERR_SYNC) e->broken = true;
    }
}

static uint32_t do_tick(engine *e)
{
    const int before = e->where;
    uint32_t next, now = e->now;
    if (before == FRAGILE) return 0;
    if (before != IDLE || !e->up) {
        next = inngest_tick(e->jobs, one_in(2) ? now : (uint32_t)odd_time());
        MUST(e, next == UINT32_MAX, (int)next);
        return next;
    }
    e->where = AT_WORK;
    next = inngest_tick(e->jobs, now);
    e->where = IDLE;
    return next;
}

/* A run that is not one of those that behave; 0: there is none. */
static uint64_t bad_run(const engine *e)
{
    uint32_t cursor = one_in(9) ? draw(RUNS + 3) : 0;
    uint64_t found = 0;
    inngest_run_info info;
    while (inngest_next_run(e->jobs, &cursor, &info)) {
        if (!e->up) wrong(e, "it shows runs and is not up", 0);
        if (info.function && strcmp(info.function, "bad") == 0 && (found == 0 || one_in(2))) found = info.id;
    }
    return found;
}

static void do_cancel(engine *e, uint64_t run)
{
    const int before = e->where;
    inngest_status status;
    bool known;
    if (before == FRAGILE || before == AT_WORK) return;
    known = run && run == bad_run(e);
    e->where = before == IDLE ? FRAGILE : AT_WORK;
    status = inngest_cancel(e->jobs, run);
    e->where = before;
    if (!e->up) MUST(e, status == INNGEST_ERR_NOT_READY, status);
    else MUST(e, status == INNGEST_OK || is_port_error(e, status) || e->broken || (status == INNGEST_ERR_NOT_FOUND && !known), status);
    if (status == INNGEST_ERR_SYNC) e->broken = true;
}

static void set_clock(engine *e)
{
    const int before = e->where;
    int64_t unix_ms = one_in(3) ? odd_time() : NOON + e->now;
    if (before == FRAGILE || before == AT_WORK) return;
    e->where = before == IDLE ? FRAGILE : AT_WORK;
    inngest_set_wall_clock(e->jobs, unix_ms, one_in(4) ? (uint32_t)odd_time() * 77777u : e->now - draw(3000));
    e->where = before;
}

static void misuse_inspect(engine *e)
{
    uint32_t cursor = draw(4) * draw(0x40000000);
    inngest_run_info info;
    MUST(e, !inngest_next_run(e->jobs, NULL, &info) && !inngest_next_run(e->jobs, &cursor, NULL) && !inngest_next_run(NULL, &cursor, &info), 0);
    while (inngest_next_run(e->jobs, &cursor, &info)) MUST(e, info.id != 0 && e->up, 0);
    inngest_get_counters(NULL, NULL);
    inngest_get_counters(e->jobs, NULL);
}

static void boot(engine *e, bool right);

/* Any calls that need no ctx. */
static void misuse(engine *from)
{
    engine *e;
    unsigned n;
    if (!mischief || depth == DEPTH || spare == 0 || one_in(2)) return;
    depth++;
    for (n = draw(3); n > 0 && spare > 0; n--, spare--) {
        e = one_in(3) ? &engines[draw(2)] : from;
        calls++;
        switch (draw(14)) {
        case 0: case 1: misuse_send(e); break;
        case 2: misuse_complete(e); break;
        case 3: inngest_wake(one_in(5) ? NULL : e->jobs); break;
        case 4: misuse_pure(e); break;
        case 5: do_flush(e, false); break;
        case 6: if (one_in(e->where == IDLE ? 8 : 1)) do_flush(e, true); break;
        case 7: (void)do_tick(e); break;
        case 8: do_cancel(e, one_in(2) && e->where != AT_WORK ? bad_run(e) : draw(2) ? draw(50) : (uint64_t)odd_time()); break;
        case 9: set_clock(e); break;
        case 10: if (e->where == IDLE || e->where == IN_USER) misuse_inspect(e); break;
        case 11: if (e->where == IDLE && one_in(4)) boot(e, one_in(2)); break;
        default: MUST(e, inngest_send_event(NULL, NULL) == INNGEST_ERR_ARGUMENT && inngest_flush(NULL) == INNGEST_ERR_NOT_READY &&
                         inngest_tick(NULL, 0) == UINT32_MAX && inngest_format(NULL) == INNGEST_ERR_ARGUMENT, 0);
        }
    }
    depth--;
}

/* The same in user code of this engine. */
static void misuse_in_user(engine *e)
{
    const int before = e->where;
    e->where = IN_USER;
    misuse(e);
    e->where = before;
}

/* And out of a call of its port, as an interrupt or the port itself would. */
static void misuse_in_port(void *context)
{
    engine *e = context;
    const int before = e->where;
    if (!one_in(8)) return;
    e->where = before == IDLE ? FRAGILE : before == IN_USER ? AT_WORK : before;
    misuse(e);
    e->where = before;
}

/* ---- the port: each call may fail, and may be interrupted ---------------------------------------------------------------------- */

static bool fails(engine *e)
{
    misuse_in_port(e);
    if (e->fault_in == 0) return false;
    if (--e->fault_in) return false;
    e->faulty = true;
    if (e->faults-- > 1) e->fault_in = 1;
    return true;
}
static int port_read(void *context, uint32_t address, void *data, uint32_t size)
{
    engine *e = context;
    if (fails(e) && e->reads++ < 2) return PORT_ERROR;                /* what fails three times is taken as torn */
    e->reads = 0;
    return e->chip.port.read(e->chip.port.context, address, data, size);
}
static int port_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    engine *e = context;
    return fails(e) ? PORT_ERROR : e->chip.port.program(e->chip.port.context, address, data, size);
}
static int port_erase(void *context, uint32_t address)
{
    engine *e = context;
    return fails(e) ? PORT_ERROR : e->chip.port.erase(e->chip.port.context, address);
}
static int port_sync(void *context)
{
    engine *e = context;
    bool fault = fails(e);
    e->broken = e->broken || fault;
    return fault ? PORT_ERROR : 0;
}
static void port_log(void *context, const char *text)
{
    engine *e = context;
    MUST(e, strncmp(text, "inngest: ", 9) == 0, 0);
    misuse_in_port(e);
}
static uint32_t port_now(void *context)
{
    engine *e = context;
    misuse_in_port(e);
    return e->now;
}
static bool port_may_write(void *context)
{
    misuse_in_port(context);
    return !mischief || !one_in(9);
}
static void port_restart(void *context) { ((engine *)context)->restarted = true; }

/* ---- jobs that behave ---------------------------------------------------------------------------------------------------------- */

static void effect(engine *e, unsigned i, unsigned step)
{
    job *j = &e->ledger[i];
    if (j->done[step] || (j->effects[step] && !e->faulty)) wrong(e, "a step is done again", (int)step);
    if (j->effects[step] < 255) j->effects[step]++;
    misuse_in_user(e);
}

static void note_done(engine *e, unsigned i, unsigned step)
{
    if (e->ledger[i].effects[step] == 0) wrong(e, "a step is over that was never done", (int)step);
    e->ledger[i].done[step] = 1;
    misuse_in_user(e);
}

static inngest_status good_body(inngest_ctx *ctx, const void *arg, void *result)
{
    effect(inngest_user(ctx), *(const uint8_t *)arg, 2);
    *(uint8_t *)result = (uint8_t)(*(const uint8_t *)arg ^ 0x5A);
    return INNGEST_OK;
}

static inngest_status once_body(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)result;
    effect(inngest_user(ctx), *(const uint8_t *)arg, 3);
    return INNGEST_OK;
}

static inngest_status good_job(inngest_ctx *ctx)
{
    static const inngest_step_options once = { .intent = true, .at_most_once = true };
    engine *e = inngest_user(ctx);
    uint8_t i, value = 0, other = 0;
    inngest_status left, right;
    misuse_in_user(e);
    INNGEST_TRY(inngest_event_data(ctx, &i, 1));
    if (i >= JOBS) { wrong(e, "an event that was not sent", 0); return INNGEST_FAIL; }
    e->ledger[i].run = inngest_run_id(ctx);
    INNGEST_STEP(ctx, "a", value) { effect(e, i, 0); value = (uint8_t)(i + 1); }
    if (value != i + 1) wrong(e, "another result", value);
    note_done(e, i, 0);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 500));
    inngest_parallel(ctx, "both");
    INNGEST_DO_AS(left, ctx, "left") effect(e, i, 1);
    right = inngest_step_run(ctx, "right", good_body, &i, &other, 1);
    INNGEST_TRY(inngest_all(ctx, &left, &right));
    if (other != (i ^ 0x5A)) wrong(e, "another result of a function", other);
    note_done(e, i, 1);
    note_done(e, i, 2);
    left = inngest_step_run_with(ctx, "once", &once, once_body, &i, NULL, 0);
    if (left != INNGEST_STEP_FAILED || !e->faulty) INNGEST_TRY(left);  /* its record could not be written, and a boot came between */
    note_done(e, i, 3);
    INNGEST_TRY(inngest_step_send(ctx, "tell", "good/child", &i, 1));
    INNGEST_DO(ctx, "z") effect(e, i, 4);
    note_done(e, i, 4);
    return INNGEST_OK;
}

static inngest_status good_child(inngest_ctx *ctx)
{
    engine *e = inngest_user(ctx);
    uint8_t i;
    INNGEST_TRY(inngest_event_data(ctx, &i, 1));
    if (i >= JOBS) { wrong(e, "a child of none", 0); return INNGEST_FAIL; }
    INNGEST_DO(ctx, "told") effect(e, i, 5);
    note_done(e, i, 5);
    return INNGEST_OK;
}

/* ---- jobs that do not ---------------------------------------------------------------------------------------------------------- */

static bool is_mistake(int s)
{
    return s == INNGEST_ERR_ARGUMENT || s == INNGEST_ERR_NAME || s == INNGEST_ERR_EVENT_SIZE || (s <= INNGEST_ERR_NESTED && s >= INNGEST_ERR_RESTART);
}

/* What a step call gave; `due`: the mistake in it, which it must give where it has not been decided before; 0: there is none. */
static inngest_status look(engine *e, inngest_status got, int due)
{
    say("  %d: a step gives %s\n", (int)(e - engines), inngest_status_name(got));
    if (e->in_body) MUST(e, got == INNGEST_ERR_NESTED || got == INNGEST_ERR_STEP_LEFT, got);
    else if (e->stopped) MUST(e, (int)got == e->stopped, got);
    else if ((int)got > 0) MUST(e, got == INNGEST_PAUSED, got);
    else if (is_mistake(got)) MUST(e, due == 0 || (int)got == due, got);
    else MUST(e, due != INNGEST_ERR_STEP_ID && (got == INNGEST_OK || got == INNGEST_STEP_FAILED || (e->group && got == INNGEST_LOST)), got);
    if (is_mistake(got)) e->stopped = e->mistake = got;
    else if ((int)got > 0 && !e->group) e->stopped = got;
    return got;
}

static inngest_status any_status(void)
{
    static const int statuses[] = {
        INNGEST_OK, INNGEST_OK, INNGEST_RETRY, INNGEST_FAIL, INNGEST_PAUSED, INNGEST_AGAIN, INNGEST_PENDING, INNGEST_BODY, INNGEST_STEP_FAILED,
        INNGEST_TIMED_OUT, INNGEST_LOST, INNGEST_CANCELLED, INNGEST_ERR_RANGE, INNGEST_ERR_NESTED, INNGEST_ERR_SYNC, INNGEST_ERR_SYNC - 1,
        -1, 1, 5, -256, 256, 263, INT_MAX, INT_MIN };
    return (inngest_status)statuses[draw(sizeof statuses / sizeof *statuses)];
}

static const char *step_id(int *due)
{
    static const char *const ids[] = { "a", "b", "c", "d", "\xFF\xFE" };
    const char *id = one_in(8) ? odd_text(0) : ids[draw(5)];
    *due = id == NULL || *id == 0 ? INNGEST_ERR_STEP_ID : 0;
    return id;
}

static void misuse_ctx(engine *e, inngest_ctx *ctx);

static inngest_status bad_body(inngest_ctx *ctx, const void *arg, void *result)
{
    engine *e = inngest_user(ctx);
    const size_t size = *(const size_t *)arg;
    size_t i;
    unsigned n;
    inngest_status status = any_status();
    for (i = 0; i < size; i++) if (((uint8_t *)result)[i]) { wrong(e, "a result is not zeros at first", 0); break; }
    e->in_body = true;
    depth++;
    misuse_in_user(e);
    if (one_in(2)) tokens[draw(4)] = inngest_step_token(ctx);
    for (n = draw(3); depth < DEPTH && n > 0; n--) misuse_ctx(e, ctx);
    if (one_in(4)) status = inngest_again(ctx, draw(3) * draw(1u << 31));
    if (one_in(6)) status = inngest_retry_after(ctx, odd_time(), 1, odd_text(0));
    if (one_in(9)) status = INNGEST_PENDING;
    depth--;
    e->in_body = false;
    return status;
}

static void misuse_step(engine *e, inngest_ctx *ctx)
{
    inngest_step_options o;
    int due;
    const char *id = step_id(&due);
    size_t size = one_in(2) ? draw(20) : odd_size(INNGEST_RESULT_BYTES);
    uint8_t *result;
    inngest_step_fn *fn = one_in(12) ? NULL : bad_body;
    if (size > INNGEST_RESULT_BYTES) id = due ? id : "large";          /* it never has a result that could be copied into what is not there */
    result = buffer(size);
    if (one_in(12)) result = NULL;
    if (size > INNGEST_RESULT_BYTES && !due) due = INNGEST_ERR_RESULT_SIZE;
    if (fn == NULL && !due) due = INNGEST_ERR_ARGUMENT;
    if (result == NULL && size && (!due || due == INNGEST_ERR_RESULT_SIZE)) due = INNGEST_ERR_ARGUMENT;
    memset(&o, 0, sizeof o);
    o.timeout_ms = draw(2) * draw(3) * 0x7FFFFFFFu;
    o.max_attempts = (uint8_t)(draw(3) * 127);
    o.intent = one_in(4);
    o.at_most_once = one_in(4);
    say("  %d: step \"%s\", %u bytes%s\n", (int)(e - engines), id ? id : "NULL", (unsigned)size, fn ? "" : ", no function");
    if (one_in(2)) (void)look(e, inngest_step_run(ctx, id, fn, &size, result, size), due == INNGEST_ERR_STEP_ID ? due : 0);
    else (void)look(e, inngest_step_run_with(ctx, id, one_in(5) ? NULL : &o, fn, &size, result, size), due == INNGEST_ERR_STEP_ID ? due : 0);
    check_buffer(e, false);
}

static void misuse_group(engine *e, inngest_ctx *ctx)
{
    inngest_status a = any_status(), b = INNGEST_OK, got;
    int due;
    const char *id = step_id(&due);
    if (is_mistake(a)) a = INNGEST_STEP_FAILED;    /* what it gives is told from a mistake of the join */
    switch (draw(4)) {
    case 0:
        inngest_parallel(ctx, id);
        say("  %d: parallel \"%s\"\n", (int)(e - engines), id ? id : "NULL");
        if (e->in_body) e->stopped = e->mistake = INNGEST_ERR_NESTED;
        else if (e->group) e->stopped = e->mistake = INNGEST_ERR_PARALLEL;
        else if (!e->stopped && due) e->stopped = e->mistake = due;
        else if (!e->stopped) e->maybe = e->group = true;              /* there may be too many ids, or one of another kind */
        return;
    case 1: got = inngest_all(ctx, &a); break;
    case 2: got = inngest_all(ctx, &a, &b); break;
    default: got = inngest_any(ctx, &a, &b); break;
    }
    say("  %d: join gives %s\n", (int)(e - engines), inngest_status_name(got));
    if (e->in_body) MUST(e, got == INNGEST_ERR_STEP_LEFT, got);
    else if (!e->stopped && !e->group) MUST(e, got == INNGEST_ERR_PARALLEL, got);
    else if (e->stopped && !e->maybe) MUST(e, (int)got == e->stopped, got);
    if (e->in_body || is_mistake(got)) e->stopped = got;
    else if ((int)got > 0) e->stopped = INNGEST_PAUSED;                /* a branch may have given what no step did */
    if (e->in_body) e->mistake = got;
    e->group = e->maybe = false;
}

static void misuse_reader(engine *e, inngest_ctx *ctx)
{
    size_t size = odd_size(20);
    uint8_t *out = buffer(size < 600 ? size : 8);
    const char *path = one_in(2) ? "data" : one_in(2) ? "data.x[0]" : odd_text(0);
    char key[INNGEST_KEY_SIZE];
    int64_t number;
    bool yes;
    inngest_status status;
    if (size >= 600) size = 8;
    if (one_in(9)) out = NULL;
    switch (draw(8)) {
    case 0: status = inngest_event_name(ctx, (char *)out, size); break;
    case 1: status = inngest_event_data(ctx, out, size); break;
    case 2: status = inngest_event_string(ctx, path, (char *)out, size); break;
    case 3: status = inngest_event_decimal(ctx, path, draw(40), one_in(9) ? NULL : &number); break;
    case 4: status = inngest_event_int64(ctx, path, one_in(9) ? NULL : &number); break;
    case 5: status = inngest_event_bool(ctx, path, one_in(9) ? NULL : &yes); break;
    case 6: status = inngest_event_is_null(ctx, path, one_in(9) ? NULL : &yes); break;
    default: status = inngest_event_count(ctx, path, one_in(9) ? NULL : &size); break;
    }
    say("  %d: a reader gives %s\n", (int)(e - engines), inngest_status_name(status));
    MUST(e, status == INNGEST_OK || (status == INNGEST_PAUSED && e->faulty) ||
            (status <= INNGEST_ERR_NOT_FOUND && status >= INNGEST_ERR_ARGUMENT), status);
    if (status == INNGEST_PAUSED) e->maybe = true;
    check_buffer(e, false);
    inngest_idempotency_key(ctx, key);
    MUST(e, strlen(key) == 32 && inngest_error(ctx) != NULL && inngest_user(ctx) == (void *)e && inngest_run_id(ctx) >> 32 != 0, 0);
    MUST(e, memchr(inngest_error(ctx)->message, 0, INNGEST_MESSAGE_BYTES + 1) != NULL, 0);
    MUST(e, inngest_event_size(ctx) <= INNGEST_EVENT_BYTES && inngest_attempt(ctx) >= 0 && inngest_began(ctx) <= INNGEST_BEGAN_YES &&
            inngest_stop_reason(ctx) <= INNGEST_STOP_LOST, 0);
}

static void misuse_progress(engine *e, inngest_ctx *ctx)
{
    size_t size = odd_size(INNGEST_RESULT_BYTES);
    const bool save = one_in(2), none = one_in(9);
    uint8_t *data = buffer(size);
    int due = none && size ? INNGEST_ERR_ARGUMENT : save && size > INNGEST_RESULT_BYTES ? INNGEST_ERR_RESULT_SIZE : 0;
    inngest_status got;
    if (!save && size > INNGEST_RESULT_BYTES && !none) return;         /* all of it would be set to zeros */
    got = save ? inngest_step_save(ctx, none ? NULL : data, size) : inngest_step_load(ctx, none ? NULL : data, size);
    say("  %d: %s gives %s\n", (int)(e - engines), save ? "save" : "load", inngest_status_name(got));
    if (!e->in_body) { MUST(e, got == INNGEST_ERR_NOT_IN_STEP, got); e->stopped = e->mistake = got; }
    else if (due == INNGEST_ERR_ARGUMENT) { MUST(e, (int)got == due, got); e->stopped = e->mistake = got; }
    else if (e->stopped) MUST(e, (int)got == e->stopped || got == INNGEST_OK, got);
    else MUST(e, got == INNGEST_OK || got == INNGEST_PAUSED || got == INNGEST_ERR_TOO_LONG || got == INNGEST_ERR_RUN_BYTES || (int)got == due, got);
    if (is_mistake(got)) e->stopped = e->mistake = got;
    check_buffer(e, save);
}

/* Any call with a ctx, in a handler or a body. */
static void misuse_ctx(engine *e, inngest_ctx *ctx)
{
    int due;
    size_t size;
    const char *id = step_id(&due), *name;
    calls++;
    switch (draw(12)) {
    case 0: case 1: case 2: misuse_step(e, ctx); break;
    case 3: (void)look(e, inngest_step_sleep(ctx, id, odd_time()), due == INNGEST_ERR_STEP_ID ? due : 0); break;
    case 4: (void)look(e, inngest_step_sleep_until(ctx, id, odd_time()), due == INNGEST_ERR_STEP_ID ? due : 0); break;
    case 5:
        size = odd_size(INNGEST_EVENT_BYTES);
        name = one_in(2) ? "other" : odd_text(1);
        (void)look(e, inngest_step_send(ctx, id, name, one_in(4) ? NULL : buffer(size), size), due == INNGEST_ERR_STEP_ID ? due : 0);
        break;
    case 6: if (one_in(4)) (void)look(e, inngest_step_restart(ctx, id), due); break;
    case 7: case 8: misuse_group(e, ctx); break;
    case 9: misuse_reader(e, ctx); break;
    case 10: misuse_progress(e, ctx); break;
    default:
        misuse_in_user(e);
        if (one_in(2)) MUST(e, inngest_retry(ctx, (int32_t)odd_time(), odd_text(0)) == INNGEST_RETRY, 0);
        else if (!e->in_body && one_in(4)) {
            inngest_token token = inngest_step_token(ctx);
            MUST(e, token.attempt == 0, 0);
            e->stopped = e->mistake = INNGEST_ERR_NOT_IN_STEP;
        }
    }
}

static inngest_status bad_job(inngest_ctx *ctx)
{
    engine *e = inngest_user(ctx);
    unsigned n;
    inngest_status status = any_status();
    e->stopped = e->mistake = 0;
    e->group = e->maybe = e->in_body = false;
    if (!mischief) return INNGEST_OK;
    depth++;
    for (n = draw(7); depth < DEPTH && n > 0; n--) misuse_ctx(e, ctx);
    depth--;
    say("  %d: the handler gives %s\n", (int)(e - engines), inngest_status_name(status));
    return e->stopped && one_in(2) ? (inngest_status)e->stopped : status;
}

static bool bad_predicate(void *user, const void *data, size_t size)
{
    engine *e = user;
    (void)data;
    MUST(e, size <= INNGEST_EVENT_BYTES, 0);
    misuse_in_user(e);
    return !one_in(5);
}

/* ---- hooks --------------------------------------------------------------------------------------------------------------------- */

static void hook_end(void *user, const inngest_end_info *info)
{
    engine *e = user;
    unsigned i;
    const bool is_bad = info->function == NULL || strcmp(info->function, "bad") == 0;
    MUST(e, (info->status == INNGEST_OK) == (info->error == NULL), info->status);
    ended++;
    failed += info->status == INNGEST_FAIL;
    cancelled += info->status == INNGEST_CANCELLED;
    for (i = 0; i < JOBS; i++) {
        job *j = &e->ledger[i];
        if (j->run != info->id) continue;
        if (info->status != INNGEST_OK) wrong(e, "a job that behaves failed", info->error->status);
        if (j->ended && !e->faulty) wrong(e, "it ends twice", 0);
        j->ended = 1;
    }
    if (!is_bad && info->status != INNGEST_OK) wrong(e, "a good one failed", info->error->status);
    misuse_in_user(e);
}
static void hook_start(void *user, uint64_t run, const char *function) { (void)run; (void)function; misuse_in_user(user); }
static void hook_pause(void *user, uint64_t run, inngest_status status) { (void)run; (void)status; misuse_in_user(user); }
static void hook_step(void *user, uint64_t run, const char *step, int attempt) { (void)run; (void)step; (void)attempt; misuse_in_user(user); }
static void hook_step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t in)
{
    (void)run; (void)step; (void)attempt; (void)in;
    MUST((engine *)user, status == INNGEST_OK || status == INNGEST_RETRY || status == INNGEST_STEP_FAILED || status == INNGEST_LOST ||
                         status == INNGEST_CANCELLED, status);
    misuse_in_user(user);
}
static void hook_memo(void *user, uint64_t run, const char *step, inngest_status status)
{
    (void)run; (void)step;
    MUST((engine *)user, status == INNGEST_OK || status == INNGEST_STEP_FAILED, status);
    misuse_in_user(user);
}

/* ---- a life -------------------------------------------------------------------------------------------------------------------- */

/* What was accepted and is not known to be in the journal may be lost, and is not sent again. */
static void boot(engine *e, bool right)
{
    inngest_config c = e->config;
    inngest_status status;
    inngest_port port = e->port;
    int wanted = INNGEST_OK;
    unsigned i;
    if (!right) {
        c.port = &port;
        switch (draw(8)) {
        case 0: c.memory_size--; wanted = INNGEST_ERR_MEMORY; break;
        case 1: c.memory = (uint8_t *)c.memory + 1; wanted = INNGEST_ERR_MEMORY; break;
        case 2: c.runs = 0; wanted = INNGEST_ERR_ARGUMENT; break;
        case 3: c.events = 3; wanted = INNGEST_ERR_ARGUMENT; break;
        case 4: port.block_size += 4; wanted = INNGEST_ERR_GEOMETRY; break;
        case 5: port.program_size = 64; wanted = INNGEST_ERR_GEOMETRY; break;
        case 6: c.functions = NULL; wanted = INNGEST_ERR_ARGUMENT; break;
        default: port.read = NULL; wanted = INNGEST_ERR_ARGUMENT; break;
        }
        if (one_in(2)) {               /* into an engine that is closed: it stays so */
            if (e->up) return;
        } else if (e->up) do_flush(e, true);
        if (e->up) return;
    }
    say("%d: init\n", (int)(e - engines));
    for (i = 0; i < JOBS; i++) e->ledger[i].gone = e->ledger[i].sent && !e->ledger[i].sure;
    e->up = false;
    e->where = AT_WORK;
    status = inngest_init(e->jobs, &c, NULL);
    e->where = IDLE;
    say("%d: init gives %s\n", (int)(e - engines), inngest_status_name(status));
    MUST(e, (int)status == wanted || is_port_error(e, status), status);
    boots++;
    e->up = status == INNGEST_OK;
    if (e->up) e->broken = e->restarted = false;
}

static void begin(engine *e)
{
    static const uint32_t second[] = { 1 };
    static const struct { uint32_t size, count; uint16_t unit; } chips[] = {
        { 2048, 8, 4 }, { 4096, 4, 8 }, { 1024, 24, 1 }, { 4096, 6, 32 }, { 8192, 3, 16 }, { 16384, 2, 4 } };
    const unsigned chip = draw(6);
    uint32_t i;
    inngest_function f = { .backoff = second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER };
    memset(e, 0, sizeof *e);
    e->now = draw(2) * 0xFFFFF000u;
    if (!flash_open(&e->chip, chips[chip].size, chips[chip].count, chips[chip].unit, draw(1000))) exit(1);
    e->port = e->chip.port;
    e->port.context = e;
    e->port.read = port_read;
    e->port.program = port_program;
    e->port.erase = port_erase;
    e->port.sync = one_in(2) ? port_sync : NULL;
    e->port.is_blank = NULL;
    e->port.wake = one_in(2) ? misuse_in_port : NULL;
    e->port.lock = e->port.unlock = one_in(2) ? misuse_in_port : NULL;
    e->port.idle = one_in(2) ? misuse_in_port : NULL;
    e->port.log = one_in(2) ? port_log : NULL;
    e->port.now = one_in(2) ? port_now : NULL;
    e->port.may_write = one_in(4) ? port_may_write : NULL;
    e->port.restart = one_in(2) ? port_restart : NULL;
    for (i = 0; i < 3; i++) e->table[i] = f;
    e->table[0].id = "good", e->table[0].event = "good/job", e->table[0].handler = good_job;
    e->table[0].journal_bytes = 240, e->table[1].journal_bytes = 64;
    e->table[1].id = "child", e->table[1].event = "good/child", e->table[1].handler = good_child;
    e->table[2].id = "bad", e->table[2].event = "bad/*", e->table[2].handler = bad_job;
    e->table[2].when = one_in(2) ? bad_predicate : NULL;
    e->table[2].on_failure = one_in(3) ? bad_job : NULL;
    e->hooks.run_start = one_in(2) ? hook_start : NULL;
    e->hooks.run_pause = one_in(2) ? hook_pause : NULL;
    e->hooks.run_end = hook_end;
    e->hooks.step_start = one_in(2) ? hook_step : NULL;
    e->hooks.step_end = one_in(2) ? hook_step_end : NULL;
    e->hooks.step_memo = one_in(2) ? hook_memo : NULL;
    e->config.functions = e->table;
    e->config.function_count = 3;
    e->config.port = &e->port;
    e->config.hooks = &e->hooks;
    e->config.user = e;
    e->config.runs = RUNS;
    e->config.events = EVENTS;
    e->config.memory_size = INNGEST_MEMORY(RUNS, EVENTS);
    e->config.memory = e->memory = malloc(e->config.memory_size);
    e->config.reset = INNGEST_RESET_POWER_ON;
    e->config.seed = draw(1u << 30);
    e->jobs = malloc(sizeof *e->jobs);
    if (e->memory == NULL || e->jobs == NULL) exit(1);
    memset(e->jobs, 0xA5, sizeof *e->jobs);
}

static void send_good(engine *e)
{
    uint8_t i;
    inngest_status status;
    for (i = 0; i < JOBS && e->ledger[i].sent; i++) continue;
    if (i == JOBS || !e->up) return;
    status = inngest_send(e->jobs, "good/job", &i, 1);
    e->ledger[i].sent = status == INNGEST_OK;
    MUST(e, status == INNGEST_OK || status == INNGEST_ERR_QUEUE_FULL, status);
}

/* Behind a tick: what is said of runs fits what is done. */
static void check_runs(engine *e, uint32_t next)
{
    uint32_t cursor = 0;
    inngest_run_info info;
    if (!e->up || e->restarted || e->broken) return;
    while (inngest_next_run(e->jobs, &cursor, &info)) {
        if (info.wait == INNGEST_WAIT_DAMAGE && !e->faulty) wrong(e, "damage", (int)info.phase);
        if (info.wait == INNGEST_WAIT_NONE && info.deadline_in_ms != 0) wrong(e, "a run that can go on does not", (int)info.phase);
        if (info.deadline_in_ms < next && next != UINT32_MAX && next > 1000) wrong(e, "a tick comes too late", (int)next);
    }
}

static void turn(engine *e)
{
    uint32_t next, was_faulty = e->fault_in;
    spare = 30;
    if (one_in(4)) send_good(e);
    if (one_in(40) && seed % 3 == 0) { e->fault_in = 1 + draw(30); e->faults = 1 + draw(8); }
    misuse(e);
    if (!e->up || e->broken || e->restarted) {
        if (e->up && one_in(2)) do_flush(e, true);
        else boot(e, true);
        return;
    }
    next = do_tick(e);
    if (!was_faulty && !e->fault_in) check_runs(e, next);
    e->now += one_in(3) ? draw(3000) : next < 100000 ? next : draw(100);
}

static bool job_is_done(const engine *e, unsigned i)
{
    unsigned k;
    for (k = 0; k < STEPS; k++) if (!e->ledger[i].done[k]) return false;
    return true;
}

/* No more of it: all comes to its end, and the journal is good for more. */
static void settle(engine *e)
{
    uint32_t cursor, next, turns, left = 1;
    inngest_run_info info;
    unsigned i;
    mischief = false;
    e->fault_in = 0;
    for (turns = 0; turns < 3000 && left; turns++) {
        if (!e->up || e->broken || e->restarted) boot(e, true);
        if (!e->up) break;
        for (cursor = 0; inngest_next_run(e->jobs, &cursor, &info); )
            if (info.function == NULL || strcmp(info.function, "bad") == 0) do_cancel(e, info.id);
        next = do_tick(e);
        check_runs(e, next);
        e->now += next > 3600000 ? 3600000 : turns > 200 ? next + 60000 : next;        /* time may stand still for a day */
        left = inngest_flush(e->jobs) != INNGEST_OK;
        for (cursor = 0; inngest_next_run(e->jobs, &cursor, &info); ) left++;
        for (i = 0; i < JOBS; i++) left += e->ledger[i].sure && !job_is_done(e, i);
    }
    if (left) wrong(e, "it does not come to its end", (int)left);
    for (cursor = 0; left && inngest_next_run(e->jobs, &cursor, &info); )
        printf("  a run of %s, phase %d, waits for %d\n", info.function ? info.function : "none", (int)info.phase, (int)info.wait);
    for (i = 0; i < JOBS; i++) {
        const job *j = &e->ledger[i];
        if ((j->sure || j->run) && (!job_is_done(e, i) || !j->ended)) wrong(e, "a job is lost", (int)i);
        if (!j->sent && j->run) wrong(e, "a job that was not sent", (int)i);
    }
    boot(e, true);
    cursor = 0;
    MUST(e, e->up && !inngest_next_run(e->jobs, &cursor, &info), 0);
    MUST(e, e->chip.violations == 0, (int)e->chip.violations);
}

static void live(void)
{
    unsigned turns, n, i;
    lives++;
    random_state = seed;
    n = 40 + draw(120);
    depth = told = spare = 0;
    serial = 0;
    memset(text_space, 0, sizeof text_space);
    memset(spaces, 0, sizeof spaces);
    mischief = true;
    memset(tokens, 0, sizeof tokens);
    for (i = 0; i < 2; i++) begin(&engines[i]);
    for (turns = 0; turns < n; turns++) turn(&engines[turns & 1]);
    for (i = 0; i < 2; i++) settle(&engines[i]);
    for (i = 0; i < 2; i++) {
        flash_close(&engines[i].chip);
        free(engines[i].jobs);
        free(engines[i].memory);
    }
}

int main(int argc, char **argv)
{
    const unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 1500, first = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 1;
    for (seed = first; seed < first + n; seed++) {
        talks = argc > 3 && seed >= strtoul(argv[3], NULL, 0);
        live();
    }
    printf("%lu lives, %lu boots, %lu calls, %lu refused, %lu runs ended, %lu of them failed, %lu cancelled\n", lives, boots, calls, refusals,
           ended, failed, cancelled);
    return TEST_END();
}
