/* SPDX-License-Identifier: MIT
 * Promises 2 and 8 for handlers of which everything is drawn: steps of every kind, alone, in groups of branches, in chains
 * within a branch, with an on_failure of the same kind; answers, wakes, cancels from inside and outside, clocks, and resets.
 * The oracle is a ledger of what each step has done. It says at every call which attempt that must be, whether it may come now
 * and what it must give, and behind every tick when the next one must come: no earlier, no later, and for nothing else.
 * argv: how many lives; the first seed; anything: tell what happens. */
#include "../port/flash_emulator/flash_emulator.h"
#include "draw.h"
#include "lossy.h"
#include "test.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#ifndef CUTS
#define CUTS 0                         /* power is lost in mounts, anywhere, and in the first write of a tick, of a flash or a disk with a cache */
#endif

#define NOON INT64_C(1700000000000)    /* the date at which `now` is 0 */
#define NEVER INT64_MAX
#define TIMEOUT 3000
#define PLACES ((unsigned)INNGEST_ACTIVE_STEPS)
enum { EVENTS = 4, FUNCTIONS = 3, PARTS = 3, BRANCHES = 4, CHAIN = 2, SPAN = BRANCHES * CHAIN, STEPS = PARTS * SPAN };     /* behind them those of on_failure */

static uint64_t random_state;
#define draw(n) draw(&random_state, n)

/* ---- what the handlers do ------------------------------------------------------------------------------------------------- */

enum { GIVES, FAILS_FIRST, FAILS_ALWAYS, FAILS_NOW, AGAIN, WHEN_WOKEN, ASKS, ASKS_TIMED, AGAIN_TIMED, SAVES, SENDS, SLEEPS, SLEEPS_UNTIL, INTENDS, ONCE, KINDS };
static const char *const names[KINDS] = { "gives", "fails first", "fails always", "fails now", "again", "when woken", "asks", "asks, timed", "again, timed",
                                          "saves", "sends", "sleeps", "sleeps until", "intends", "once" };
static const inngest_step_options options[KINDS] = {
    [FAILS_ALWAYS] = { .max_attempts = 2 }, [ASKS_TIMED] = { .max_attempts = 2, .timeout_ms = TIMEOUT },
    [AGAIN_TIMED] = { .max_attempts = 2, .timeout_ms = TIMEOUT }, [INTENDS] = { .intent = true }, [ONCE] = { .intent = true, .at_most_once = true } };

enum { ALONE, ALL, ANY };
typedef struct step { uint8_t kind, times, how, size; uint32_t ms; } step;     /* how: three bits, each for something else */
typedef struct part { uint8_t type, branches, length[BRANCHES]; bool catches, retries; step steps[SPAN]; } part;
static struct program { unsigned parts; part part[PARTS]; bool fails; } programs[FUNCTIONS][2];        /* the handler, on_failure */

static void draw_program(struct program *p, unsigned most)
{
    unsigned i, b, k;
    p->parts = 1 + draw(most);
    p->fails = draw(3) == 0;
    for (i = 0; i < PARTS; i++) {
        part *q = &p->part[i];
        q->type = (uint8_t)draw(3);
        q->branches = (uint8_t)(q->type == ALONE ? 1 : 2 + draw(BRANCHES - 1));
        q->catches = draw(4) != 0;
        q->retries = draw(5) == 0;
        for (b = 0; b < BRANCHES; b++) q->length[b] = (uint8_t)(1 + draw(CHAIN));
        for (k = 0; k < SPAN; k++) {
            step *s = &q->steps[k];
            s->kind = (uint8_t)draw(KINDS);
            s->times = (uint8_t)(1 + draw(3));
            s->how = (uint8_t)draw(8);
            s->size = (uint8_t)(draw(3) ? draw(20) : 0);
            s->ms = 100 + draw(5000);
        }
    }
}

/* ---- the ledger ------------------------------------------------------------------------------------------------------------ */

enum { OPEN, FINE, FAILED, LOST };                         /* how a step is decided, as the handler was told */
enum { NOTHING, DECIDED, RETRIED, TIMED_OUT, STAYS };      /* what its body did in this pass */
typedef struct track {
    uint8_t decided, did, attempt, saved;
    bool in_place, wants;              /* it is in progress; it waits for a place */
    bool good, refused;                /* it ended well, or was answered FAIL, whether the handler knows or not */
    bool asked, answered, old;         /* old: this attempt began in an earlier boot */
    inngest_status answer;
    inngest_token token;
    uint32_t boot;                     /* in which its body was called last; 0: never */
    int64_t due, began, placed;        /* when it must be called next; a sleep: asked for first; in progress since */
    bool sent;
    uint64_t child;                    /* the run that it started */
} track;

static struct event {
    bool sent, cancelled, cancel_told; /* the cancel comes from a body, or from outside as well */
    bool on_failure, finished, failing, ended, retries;    /* retries: the handler itself fails in this pass */
    uint8_t function, attempt;
    int64_t due;                       /* of the handler's next attempt */
    inngest_error_info why;            /* on_failure is called for */
    uint64_t run;
    bool decided[2 * PARTS];
    uint8_t good[2 * PARTS];           /* which branches were */
    track steps[2 * STEPS];
} events[EVENTS];

static inngest jobs;
static flash chip;
static inngest_port port;
static int64_t memory[INNGEST_MEMORY(16, 16) / 8 + 1];
static unsigned seed, runs, boots, in_places, told;
static int64_t now;
static bool resets, cancels, retries, wakes_inside, clock_known, woken, last, talks;
static unsigned long lives, ended, failed, cancelled, passes, stops, lost;

typedef struct place { unsigned e, k; track *t; const step *s; } place;
static place at(unsigned e, unsigned k)
{
    const place p = { e, k, &events[e].steps[k], &programs[events[e].function][k / STEPS].part[k % STEPS / SPAN].steps[k % SPAN] };
    return p;
}

/* The next step of all there are; begins with place{0}. */
static bool next_place(place *p)
{
    const unsigned i = p->t ? p->e * 2 * STEPS + p->k + 1 : 0;
    if (i == EVENTS * 2 * STEPS) return false;
    *p = at(i / (2 * STEPS), i % (2 * STEPS));
    return true;
}

#define say(...) (talks ? (void)printf(__VA_ARGS__) : (void)0)

static void wrong(const char *what, unsigned e, unsigned k)
{
    if (what && (told++ == 0 || talks)) printf("life %u, at %d ms, boot %u, event %u, step %u (%s): %s\n", seed, (int)now, boots, e, k, names[at(e, k).s->kind], what);
}

static bool take_place(track *t)
{
    if (t->in_place) return true;
    if (in_places == PLACES) return false;
    in_places++;
    t->in_place = true;
    t->placed = now;
    return true;
}

static void leave_place(track *t)
{
    in_places -= t->in_place;
    t->in_place = t->asked = t->answered = false;
}

/* The body asks to be called again, at a time or never: so it is if it has a place; else it is begun anew. */
static bool stay(track *t, int64_t due)
{
    t->did = STAYS;
    t->wants = !take_place(t);
    t->due = t->wants ? NEVER : due;
    return t->in_place;
}

static void wake(void)
{
    say("wake ");
    inngest_wake(&jobs);
    woken = true;
}

/* A wake is one of what is in progress when the next tick begins. */
static uint32_t one_tick(void)
{
    place p = { 0 };
    while (woken && next_place(&p)) {
        const unsigned kind = p.s->kind;
        if (p.t->in_place && !p.t->answered && (kind == AGAIN || kind == WHEN_WOKEN || kind == AGAIN_TIMED || kind == SAVES)) p.t->due = now;
    }
    woken = false;
    return inngest_tick(&jobs, (uint32_t)now);
}

static void cancel(unsigned e)
{
    if (events[e].run == 0 || events[e].ended) return;
    say("event %u is cancelled\n", e);
    if (inngest_cancel(&jobs, events[e].run) != INNGEST_OK) wrong("it cannot be cancelled", e, 0);
    events[e].cancelled = true;
}

static bool last_attempt(const place *p)
{
    const unsigned own = options[p->s->kind].max_attempts;
    return p->t->attempt + 1u >= (own ? own : p->k < STEPS ? 4 : 2);
}

static void fill(uint8_t *to, const place *p)
{
    unsigned i;
    for (i = 0; i < p->s->size; i++) to[i] = (uint8_t)(p->e * 37 + p->k * 11 + i * 3 + 1);
}

/* ---- a body ---------------------------------------------------------------------------------------------------------------- */

static const char *check_call(inngest_ctx *ctx, const place *p, const uint8_t *result)
{
    const track *t = p->t;
    const unsigned kind = p->s->kind;
    const inngest_began_t began = inngest_began(ctx);
    unsigned i;
    for (i = 0; i < p->s->size; i++) if (result[i]) return "its result is not zeros at first";
    if (t->decided != OPEN) return "it is decided, and its body is called";
    if (t->answered) return "it was answered, and its body is called";
    if ((unsigned)inngest_attempt(ctx) != t->attempt) return "another attempt";
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) {
        if (!t->in_place) return "told to stop, and it is not in progress";
        if (inngest_stop_reason(ctx) == INNGEST_STOP_TIMEOUT && (options[kind].timeout_ms == 0 || now < t->placed + TIMEOUT)) return "its time is not over";
        return NULL;
    }
    if (events[p->e].cancel_told) return "its body is called behind a cancel";
    if (t->due != NEVER && t->due > now) return "its body is called early";
    if (kind == ONCE && t->boot) return "called twice";
    if (t->in_place || inngest_step_calls(ctx)) return NULL;
    if (t->boot == 0 && began == INNGEST_BEGAN_YES) return "it surely did not begin before";
    if (t->old && began == INNGEST_BEGAN_NO) return "it did begin in an earlier boot";
    if (kind == INTENDS && t->boot != boots && (began == INNGEST_BEGAN_YES) != (t->boot != 0)) return "its intent tells exactly";
    return NULL;
}

static inngest_status told_to_stop(inngest_ctx *ctx, const place *p, void *result)
{
    const inngest_stop_t why = inngest_stop_reason(ctx);
    stops++;
    leave_place(p->t);
    if (p->s->how & 1) {               /* it ends well in time; one that is lost is lost all the same */
        if (p->s->size && why != INNGEST_STOP_LOST) fill(result, p);
        p->t->good = p->t->good || why != INNGEST_STOP_LOST;
        p->t->did = DECIDED;
        return INNGEST_OK;
    }
    if (why == INNGEST_STOP_TIMEOUT) p->t->did = TIMED_OUT;
    return p->s->how & 2 ? INNGEST_RETRY : inngest_again(ctx, 100);
}

static inngest_status retry(inngest_ctx *ctx, track *t, uint32_t in)
{
    t->did = RETRIED;
    t->due = now + in;
    return in == 1000 ? inngest_retry(ctx, 7, "later") : inngest_retry_after(ctx, in, 7, "later");
}

static inngest_status save(inngest_ctx *ctx, const place *p)
{
    uint8_t far;
    if (inngest_step_load(ctx, &far, 1) != INNGEST_OK || far != p->t->saved) wrong("another progress than was saved", p->e, p->k);
    if (far >= p->s->times) return INNGEST_OK;
    far++;
    if (inngest_step_save(ctx, &far, 1) != INNGEST_OK) wrong("its progress is not saved", p->e, p->k);
    p->t->saved = far;
    if ((p->s->how & 2) && p->t->attempt == 0 && far == 1) return retry(ctx, p->t, 1000);
    (void)stay(p->t, now + 300);
    return inngest_again(ctx, 300);
}

/* OK: it ends well. */
static inngest_status act(inngest_ctx *ctx, const place *p)
{
    track *t = p->t;
    const step *s = p->s;
    const bool more = inngest_step_calls(ctx) < s->times;
    switch (s->kind) {
    case FAILS_FIRST: return t->attempt < s->times ? retry(ctx, t, s->how & 1 ? 1500 : 1000) : INNGEST_OK;
    case FAILS_ALWAYS: return retry(ctx, t, 1000);
    case FAILS_NOW:
        t->did = DECIDED;
        return inngest_fail(ctx, 9, "no");
    case AGAIN:
        if ((s->how & 4) && inngest_step_token(ctx).attempt) (void)take_place(t);      /* a token that nobody uses */
        if (more) (void)stay(t, now + s->ms);
        return more ? inngest_again(ctx, s->ms) : INNGEST_OK;
    case WHEN_WOKEN:
        if (more) (void)stay(t, NEVER);
        return more ? inngest_again(ctx, UINT32_MAX) : INNGEST_OK;
    case AGAIN_TIMED:
        if (stay(t, now + 700) && t->due > t->placed + TIMEOUT) t->due = t->placed + TIMEOUT;
        return inngest_again(ctx, 700);
    case ASKS:
    case ASKS_TIMED:
        t->token = inngest_step_token(ctx);
        t->asked = stay(t, NEVER);
        if (t->asked != (t->token.attempt != 0)) wrong("a token where there is no place, or none where there is", p->e, p->k);
        if (t->asked && s->kind == ASKS_TIMED) t->due = t->placed + TIMEOUT;
        return INNGEST_PENDING;
    case SAVES: return save(ctx, p);
    default: return INNGEST_OK;
    }
}

static inngest_status body(inngest_ctx *ctx, const void *arg, void *result)
{
    const place *p = arg;
    inngest_status status;
    say(" [%s/%u.%u stop %d]", names[p->s->kind], p->t->attempt, (unsigned)inngest_step_calls(ctx), (int)inngest_stop_reason(ctx));
    wrong(check_call(ctx, p, result), p->e, p->k);
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) return told_to_stop(ctx, p, result);
    p->t->boot = boots;
    p->t->due = NEVER;
    if (wakes_inside && draw(30) == 0) wake();
    if (cancels && !last && draw(150) == 0) cancel(p->e);
    status = act(ctx, p);
    if (status != INNGEST_OK) return status;
    if (p->s->size) fill(result, p);
    leave_place(p->t);
    p->t->did = DECIDED;
    p->t->good = true;
    return INNGEST_OK;
}

/* ---- a step ---------------------------------------------------------------------------------------------------------------- */

static const char *check_fine(const place *p, const uint8_t *result)
{
    uint8_t expected[32];
    if (p->t->decided == FAILED) return "it failed, and is OK now";
    if (p->s->kind == SLEEPS) return now < p->t->began + p->s->ms ? "it ends early" : NULL;
    if (p->s->kind == SLEEPS_UNTIL) return now < 3 * (int64_t)p->s->ms ? "it ends early" : NULL;
    if (p->s->kind == SENDS) return NULL;
    fill(expected, p);
    return !p->t->good ? "it did not end well, and is OK" : memcmp(result, expected, p->s->size) != 0 ? "another result" : NULL;
}

static const char *check_failed(const place *p, const inngest_error_info *error)
{
    const track *t = p->t;
    if (t->decided == FINE) return "it was OK, and has failed now";
    if (p->s->kind == FAILS_NOW) return error->code == 9 && strcmp(error->message, "no") == 0 ? NULL : "another error";
    if (p->s->kind == ONCE) return t->boot && error->status == INNGEST_ERR_INTERRUPTED ? NULL : "another error";
    return t->decided == OPEN && !t->refused && !last_attempt(p) ? "it fails too early" : NULL;
}

/* It is not decided for the handler: when must it go on? At once where that is known, and only to be made durable. */
static void note_pause(const place *p, bool answered)
{
    track *t = p->t;
    if (t->decided != OPEN) wrong("it is decided, and waits", p->e, p->k);
    if ((answered && t->answer == INNGEST_RETRY) || t->did == RETRIED || t->did == TIMED_OUT) {
        leave_place(t);
        t->old = false;
        if (last_attempt(p)) t->due = now;
        else {
            if (t->did != RETRIED) t->due = now + 1000;
            t->attempt++;
        }
    } else if (t->did == DECIDED || answered) {
        leave_place(t);
        t->due = now;
    } else if (p->s->kind == SLEEPS) t->due = resets ? NEVER : t->began + p->s->ms;       /* how long it was off is not told */
    else if (p->s->kind == SLEEPS_UNTIL) t->due = clock_known ? 3 * (int64_t)p->s->ms : NEVER;
    else if ((p->s->kind == INTENDS || p->s->kind == ONCE) && t->did == NOTHING) t->wants = in_places == PLACES;
}

static inngest_status do_step(inngest_ctx *ctx, unsigned e, unsigned k)
{
    const place p = at(e, k);
    track *t = p.t;
    const bool answered = t->answered;
    const uint8_t data[2] = { (uint8_t)e, (uint8_t)k };
    uint8_t result[32];
    char id[8];
    inngest_status status;
    (void)snprintf(id, sizeof id, "s%u", k % STEPS);
    memset(result, 0xEE, sizeof result);
    t->did = NOTHING;
    t->wants = false;
    if (t->began < 0) t->began = now;
    if (p.s->kind == SLEEPS) status = inngest_step_sleep(ctx, id, p.s->ms);
    else if (p.s->kind == SLEEPS_UNTIL) status = inngest_step_sleep_until(ctx, id, NOON + 3 * (int64_t)p.s->ms);
    else if (p.s->kind == SENDS) status = inngest_step_send(ctx, id, "w/child", data, 2);
    else status = inngest_step_run_with(ctx, id, &options[p.s->kind], body, &p, p.s->size ? result : NULL, p.s->size);
    say(" %s", inngest_status_name(status));
    if (status == INNGEST_PAUSED) {
        note_pause(&p, answered);
        return status;
    }
    if (status == INNGEST_OK) wrong(check_fine(&p, result), e, k);
    else if (status == INNGEST_STEP_FAILED) wrong(check_failed(&p, inngest_error(ctx)), e, k);
    else if (status != INNGEST_LOST) wrong(inngest_status_name(status), e, k);
    leave_place(t);
    t->decided = status == INNGEST_OK ? FINE : status == INNGEST_LOST ? LOST : FAILED;
    t->due = NEVER;
    t->sent = t->sent || (p.s->kind == SENDS && status == INNGEST_OK);
    lost += status == INNGEST_LOST;
    return status;
}

/* ---- a handler -------------------------------------------------------------------------------------------------------------- */

/* Behind all or any: what it gave, from what the branches were. */
static const char *check_group(const part *q, struct event *v, unsigned k, const inngest_status *before, const inngest_status *after, inngest_status status)
{
    const unsigned group = k / SPAN;
    const bool known = v->decided[group];
    inngest_status first = INNGEST_OK;
    unsigned b, c, good = 0, open = 0, was_good = 0;
    for (b = q->branches; b-- > 0;) {
        open += (int)before[b] > 0;
        was_good += before[b] == INNGEST_OK;
        good |= (after[b] == INNGEST_OK ? 1u : 0u) << b;
        if (before[b] != INNGEST_OK) first = before[b];
    }
    if ((int)status > 0) return known ? "a group that was decided waits" : NULL;
    v->decided[group] = true;
    if (known && v->good[group] != good) return "other branches are good than were";
    v->good[group] = (uint8_t)good;
    if (q->type == ALL) return open || status != first ? "all is not what the branches are" : NULL;
    if (status != INNGEST_OK) return open || was_good ? "any fails over a good branch, or an open one" : NULL;
    if (good == 0 || (good & (good - 1))) return "there is one winner";
    for (b = 0; b < q->branches; b++) {
        if (after[b] == INNGEST_OK) continue;
        if (after[b] != INNGEST_LOST) return "a loser is lost";
        for (c = 0; c < q->length[b]; c++) {
            track *t = &v->steps[k + b * CHAIN + c];
            if (t->in_place) return "a loser is in progress behind any";
            t->due = NEVER;
            t->wants = false;
            t->decided = LOST;
        }
    }
    return NULL;
}

/* The handler itself fails here, once. */
static bool retries_here(inngest_ctx *ctx, unsigned e, unsigned k, const part *q)
{
    if (!retries || !q->retries) return false;
    if ((unsigned)inngest_attempt(ctx) != events[e].attempt) wrong("another attempt of the handler", e, k);
    return events[e].retries = inngest_attempt(ctx) == 0;
}

static inngest_status run_part(inngest_ctx *ctx, unsigned e, unsigned k, const part *q)
{
    inngest_status st[BRANCHES] = { INNGEST_OK }, before[BRANCHES], status;
    unsigned b, c;
    char id[8];
    if (q->type == ALONE) return retries_here(ctx, e, k, q) ? inngest_retry(ctx, 5, "handler") : do_step(ctx, e, k);
    (void)snprintf(id, sizeof id, "g%u", k);
    inngest_parallel(ctx, id);
    say(" (");
    for (b = 0; b < q->branches; b++)
        for (c = 0; c < q->length[b] && st[b] == INNGEST_OK; c++) st[b] = do_step(ctx, e, k + b * CHAIN + c);
    if (retries_here(ctx, e, k, q)) return inngest_retry(ctx, 5, "handler");
    memcpy(before, st, sizeof before);
#define JOIN(f) (q->branches == 2 ? f(ctx, &st[0], &st[1]) : q->branches == 3 ? f(ctx, &st[0], &st[1], &st[2]) : f(ctx, &st[0], &st[1], &st[2], &st[3]))
    status = q->type == ALL ? JOIN(inngest_all) : JOIN(inngest_any);
    say(" )%s", inngest_status_name(status));
    wrong(check_group(q, &events[e], k, before, st, status), e, k);
    return status;
}

static bool same_error(const inngest_error_info *a, const inngest_error_info *b) { return a->status == b->status && a->code == b->code && strcmp(a->message, b->message) == 0; }

/* The run goes over into its next phase, or ends: nothing is in progress. */
static void leave_places(unsigned e)
{
    unsigned k;
    for (k = 0; k < 2 * STEPS; k++) {
        track *t = &events[e].steps[k];
        if (t->in_place && !t->answered) wrong("in progress behind the end, and never told", e, k);
        leave_place(t);
    }
}

static inngest_status run_program(inngest_ctx *ctx, unsigned function, bool on_failure)
{
    const struct program *p = &programs[function][on_failure];
    const unsigned from = on_failure ? STEPS : 0;
    struct event *v;
    uint8_t e;
    unsigned i;
    inngest_status status = INNGEST_OK;
    INNGEST_TRY(inngest_event_data(ctx, &e, 1));
    v = &events[e];
    if (!v->sent || v->function != function || (v->run && v->run != inngest_run_id(ctx))) wrong("a run that nobody began", e, 0);
    v->run = inngest_run_id(ctx);
    say("%d: event %u%s:", (int)now, e, on_failure ? ", on_failure" : "");
    if (on_failure && !v->on_failure) {
        if (!v->failing) wrong("on_failure of a run that did not fail", e, 0);
        leave_places(e);
        v->on_failure = true;
        v->why = *inngest_error(ctx);
        v->attempt = 0;
        v->due = NEVER;
    }
    if (on_failure && !same_error(&v->why, inngest_error(ctx))) wrong("another error than it failed with", e, from);
    if (v->on_failure != on_failure) wrong("the handler is called behind on_failure", e, from);
    if (v->due != NEVER && v->due > now && !v->cancelled) wrong("the handler is called early", e, from);
    for (i = 0; i < STEPS; i++) v->steps[from + i].wants = false;
    v->due = NEVER;
    v->retries = false;
    passes++;
    for (i = 0; i < p->parts; i++) {
        status = run_part(ctx, e, from + i * SPAN, &p->part[i]);
        if (v->retries || (int)status > 0 || (status != INNGEST_OK && !p->part[i].catches)) break;
        status = INNGEST_OK;
    }
    say(" -> %s\n", inngest_status_name(status));
    if (v->retries && !v->cancelled) {
        v->attempt++;
        v->due = now + 1000;
    }
    if (v->retries || (int)status > 0) return status;
    if (status == INNGEST_OK && p->fails && !on_failure) status = inngest_fail(ctx, 1000, "end");
    v->failing = v->failing || status != INNGEST_OK;
    v->finished = true;
    return status;
}

static inngest_status child(inngest_ctx *ctx)
{
    uint8_t data[2];
    track *t;
    INNGEST_TRY(inngest_event_data(ctx, data, 2));
    t = &events[data[0]].steps[data[1]];
    if (t->child && t->child != inngest_run_id(ctx)) wrong("sent twice", data[0], data[1]);
    t->child = inngest_run_id(ctx);
    return INNGEST_OK;
}

#define CALL(name, n, on_failure) static inngest_status name(inngest_ctx *ctx) { return run_program(ctx, n, on_failure); }
CALL(handler_0, 0, false)
CALL(handler_1, 1, false)
CALL(handler_2, 2, false)
CALL(failed_0, 0, true)
CALL(failed_1, 1, true)
static const uint32_t one_second[] = { 1 };
#define JOB .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER, .journal_bytes = 4000, .max_attempts = 4
static const inngest_function table[] = {
    { .id = "0", .event = "w/0", .handler = handler_0, .on_failure = failed_0, JOB },
    { .id = "1", .event = "w/1", .handler = handler_1, .on_failure = failed_1, JOB },
    { .id = "2", .event = "w/2", .handler = handler_2, JOB },
    { .id = "child", .event = "w/child", .handler = child, .journal_bytes = 64 } };

static const char *check_run_end(const struct event *v, const inngest_end_info *info)
{
    const inngest_status why = info->error ? info->error->status : INNGEST_OK;
    if (v->ended) return "it ends twice";
    if (info->status == INNGEST_CANCELLED) return v->cancelled ? NULL : "nobody has cancelled it";
    if (v->failing != (info->status != INNGEST_OK) || !v->finished) return "it ends otherwise";
    if (v->failing && !v->on_failure && table[v->function].on_failure) return "it fails without its on_failure";
    return why == INNGEST_OK || why == INNGEST_FAIL || why == INNGEST_TIMED_OUT || why == INNGEST_ERR_INTERRUPTED ? NULL : inngest_status_name(why);
}

static void run_end(void *user, const inngest_end_info *info)
{
    unsigned e;
    (void)user;
    for (e = 0; e < EVENTS && events[e].run != info->id; e++) { }
    if (e == EVENTS) return;                               /* a child */
    say("%d: event %u ends: %s\n", (int)now, e, inngest_status_name(info->status));
    wrong(check_run_end(&events[e], info), e, 0);
    *(info->status == INNGEST_OK ? &ended : info->status == INNGEST_CANCELLED ? &cancelled : &failed) += 1;
    leave_places(e);
    events[e].ended = true;
}

/* ---- the world --------------------------------------------------------------------------------------------------------------- */

static jmp_buf power;
static volatile unsigned cut_short;

static void power_lost(void *user)
{
    (void)user;
    lossy_cut();
    longjmp(power, 1);
}

static void draw_tear(unsigned most)
{
    chip.tear = (flash_tear)draw(lossy.chip && most > FLASH_TEAR_WEAK ? FLASH_TEAR_WEAK : most);
    chip.cells_after = (flash_cells)draw(lossy.chip ? 1 : FLASH_CELLS);
}

static void power_back(void)
{
    chip.cut_at = 0;
    flash_power_on(&chip);
    lossy_drop();
}

static int sync_noted(void *context)
{
    if (lossy_in_sync(chip.cut_at == chip.operations + 1)) longjmp(power, 1);
    return lossy_sync(context);
}

static void boot(void)
{
    static const inngest_hooks hooks = { .run_end = run_end };
    const inngest_config config = { .functions = table, .function_count = 4, .port = &port, .hooks = &hooks, .memory = memory, .memory_size = sizeof memory,
                                    .runs = runs, .events = 16, .seed = seed, .reset = INNGEST_RESET_POWER_ON };
    place p = { 0 };
    memset(&jobs, 0xA5, sizeof jobs);
    memset(memory, 0x5A, sizeof memory);
    boots++;
    clock_known = woken = false;
    while (next_place(&p)) {                               /* what is in progress begins anew; how long it was off, nobody knows */
        leave_place(p.t);
        p.t->old = p.t->boot != 0;
        p.t->wants = false;
        p.t->due = events[p.e].due = NEVER;
    }
    lossy_drop();
    for (cut_short = CUTS && draw(2) ? draw(4) : 0; cut_short > 0; cut_short--) {      /* all that the outer world knows of must outlive that */
        if (setjmp(power) == 0) {
            chip.cut_at = chip.operations + 1 + draw(5);
            draw_tear(FLASH_TEARS);
            if (inngest_init(&jobs, &config, NULL) != INNGEST_OK) wrong("init", 0, 0);
        } else say("cut in the mount\n");
        power_back();
    }
    say("boot %u\n", boots);
    if (inngest_init(&jobs, &config, NULL) != INNGEST_OK) wrong("init", 0, 0);
}

/* A tick that power is lost in, in its first write, of which nothing is whole then: it is as if it had not been. False: it writes nothing. */
static bool cut_tick(void)
{
    static struct event before[EVENTS];
    static unsigned places_before;
    static bool woken_before;
    memcpy(before, events, sizeof events);
    places_before = in_places;
    woken_before = woken;
    if (setjmp(power) == 0) {
        chip.cut_at = chip.operations + 1;
        draw_tear(FLASH_TEAR_LAST);
        (void)one_tick();
        chip.cut_at = 0;
        return false;
    }
    say("cut\n");
    power_back();
    memcpy(events, before, sizeof events);
    in_places = places_before;
    woken = woken_before;
    boot();
    return true;
}

/* Tick until nothing is due, and look whether the next one is for when something is, and does nothing if it comes earlier. */
static uint32_t tick(void)
{
    uint32_t next, n = 0, operations;
    const unsigned long before = passes;
    unsigned long rested;
    unsigned e, k;
    do next = one_tick(); while (next == 0 && n++ < 2000);
    if (next == 0 || passes - before > 2000) wrong("a tick that never rests", 0, 0);
    rested = passes;
    operations = chip.operations;
    if (next > 1 && (one_tick() != next || chip.operations != operations || passes != rested)) wrong("a tick with nothing to do does something", 0, 0);
    for (e = 0; e < EVENTS; e++) {
        const struct event *v = &events[e];
        const unsigned from = v->on_failure ? STEPS : 0;
        int64_t first = v->due;
        if (v->run == 0 || v->ended) continue;
        if (v->cancel_told) wrong("a tick did not end what was cancelled", e, 0);
        for (k = from; v->due == NEVER && k < from + STEPS; k++) {
            const track *t = &v->steps[k];
            if (t->wants && in_places < PLACES) wrong("it waits for a place, and there is one", e, k);
            if (!t->wants && t->decided == OPEN && t->due < first) first = t->due;
        }
        if (!v->cancelled && first != NEVER && first - now < (int64_t)next) wrong("the next tick comes too late", e, 0);
    }
    return next;
}

static void send_one(void)
{
    const uint8_t e = (uint8_t)draw(EVENTS);
    inngest_event event = { NULL, &e, 1, NULL, 0 };
    inngest_run_info info;
    uint32_t cursor = 0;
    unsigned n = 0;
    while (inngest_next_run(&jobs, &cursor, &info)) n++;
    if (events[e].sent || n == runs || draw(3)) return;
    events[e].function = (uint8_t)draw(FUNCTIONS);
    event.name = table[events[e].function].event;
    if (inngest_send_event(&jobs, &event) != INNGEST_OK || inngest_flush(&jobs) != INNGEST_OK) wrong("send", e, 0);
    events[e].sent = true;
    say("event %u is one for %s\n", e, event.name);
}

static void answer_some(void)
{
    static const inngest_status all[] = { INNGEST_OK, INNGEST_OK, INNGEST_RETRY, INNGEST_FAIL };
    place p = { 0 };
    while (next_place(&p)) {
        const inngest_status how = all[draw(4)];
        uint8_t result[32];
        if (!p.t->asked || p.t->answered || draw(last ? 2 : 6) || (p.s->kind == ASKS_TIMED && draw(2))) continue;
        fill(result, &p);
        if (inngest_complete(&jobs, p.t->token, how, result, how == INNGEST_OK ? p.s->size : 0) != INNGEST_OK) continue;
        say("event %u, step %u is answered %s\n", p.e, p.k, inngest_status_name(how));
        p.t->answered = true;
        p.t->answer = how;
        p.t->good = p.t->good || how == INNGEST_OK;
        p.t->refused = p.t->refused || how == INNGEST_FAIL;
        p.t->due = now;
    }
}

static void check_end(void)
{
    inngest_counters c;
    place p = { 0 };
    while (next_place(&p)) {
        const struct event *v = &events[p.e];
        if (p.k == 0 && v->sent && !v->ended && !v->cancelled) wrong("it never ends", p.e, 0);
        if (p.t->sent && !p.t->child) wrong("what it sent never ran", p.e, p.k);
    }
    memset(&c, 0, sizeof c);
    inngest_get_counters(&jobs, &c);
    if (c.stale_tokens || (c.damaged && !CUTS) || c.lost_runs || (chip.violations && !lossy.chip)) wrong("counters", 0, 0);
}

static int no_sync(void *context) { (void)context; return 0; }

static void live(void)
{
    static const uint32_t geometry[][2] = { { 4096, 12 }, { 2048, 24 }, { 4096, 40 } };
    const uint32_t *g;
    unsigned i, turn, still = 0;
    place p = { 0 };
    random_state = seed * UINT64_C(7919) + 3;
    told = in_places = boots = 0;
    now = 1000;
    memset(events, 0, sizeof events);
    while (next_place(&p)) p.t->began = -1;
    for (i = 0; i < FUNCTIONS; i++) {
        draw_program(&programs[i][0], PARTS);
        draw_program(&programs[i][1], 2);
    }
    resets = draw(2);
    cancels = draw(2);
    retries = draw(3) == 0;
    wakes_inside = draw(2);
    runs = EVENTS + 1 + draw(2) * 5;
    g = geometry[draw(3)];
    CHECK(flash_open(&chip, g[0], g[1], 4, seed));
    port = chip.port;
    port.sync = draw(2) ? no_sync : NULL;
    chip.power_lost = power_lost;
    chip.trace = lossy_trace;
    lossy_open(CUTS && INNGEST_WRITE_CACHE && draw(2) ? &chip : NULL, &port, seed);
    if (lossy.chip) port.sync = sync_noted;
    boot();
    for (turn = 0; turn < 900 && told == 0 && still < 100; turn++) {
        uint32_t next;
        last = turn >= 250;                                /* no more troubles: all comes to its end */
        if (!last) send_one();
        still = tick() == UINT32_MAX && last ? still + 1 : 0;
        answer_some();
        if (draw(last ? 3 : 8) == 0) wake();
        if (cancels && !last && draw(20) == 0) {
            const unsigned e = draw(EVENTS);
            cancel(e);
            events[e].cancel_told = events[e].cancelled && !events[e].ended;
        }
        if (!clock_known && (last || draw(10) == 0)) {
            say("the clock is set\n");
            inngest_set_wall_clock(&jobs, NOON + now, (uint32_t)now);
            clock_known = true;
        }
        if (resets && !last && draw(15) == 0) {
            if (draw(3) == 0 && inngest_close(&jobs) != INNGEST_OK) wrong("close", 0, 0);
            if (draw(2)) now += draw(10000);
            boot();
            continue;
        }
        if (CUTS && resets && !last && draw(8) == 0 && cut_tick()) continue;
        next = one_tick();
        if (next == UINT32_MAX) now += draw(50);
        else if (next && !last && draw(4) == 0) now += draw(next);             /* too early, or late */
        else now += next + (next && !last && draw(6) == 0 ? draw(3000) : 0);
    }
    if (told == 0) check_end();
    flash_close(&chip);
    lives++;
    CHECK(told == 0);
}

int main(int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : CUTS ? 800 : 2000;
    seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 1;
    talks = argc > 3;
    for (; n > 0; n--, seed++) live();
    printf("%lu lives: %lu runs ended, %lu failed, %lu cancelled; %lu passes, %lu stops, %lu losers\n", lives, ended, failed, cancelled, passes, stops, lost);
    return TEST_END();
}
