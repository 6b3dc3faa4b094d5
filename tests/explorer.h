/* SPDX-License-Identifier: MIT
 * Runs the queue of inngest.c in every order in which its loads, stores and swaps can happen. Included by
 * tests/queue_*.c, each of which compiles the queue in another form.
 *
 * A context (an interrupt, the main loop, a thread) does sends and receives one after the other. Its code runs up to
 * its next access to shared memory and is left there by longjmp; to go on, the call is begun anew and is given what
 * it was given before, from a log. So a state is plain memory: it can be kept, compared and taken up again, and each
 * is looked at once (told by a hash of 64 bits). Bytes of payload are accesses too. Two rules of scheduling:
 *   NESTED   one core: a context starts when its priority is above that of the one that runs, and the one below
 *            goes on when it has ended
 *   THREADS  any context may be the next at each access
 *
 * What must hold: what was accepted is received once and whole; an event whose send ended before another's began is
 * received first; a send is refused only if the queue was full; in the end all slots are free and none counts as
 * unpublished. */
#ifndef EXPLORER_H
#define EXPLORER_H
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include "test.h"

#define INNGEST_EVENT_BYTES 16
#define INNGEST_LOG 0
#include "../inngest.h"

#define MOST_CONTEXTS 5
#define MOST_SLOTS 4
#define MOST_SENDS 12
#define MOST_LOG 40
#define PAYLOAD 2

enum { NESTED, THREADS };
enum { NO_MUTANT, NO_RECHECK, NAIVE_TAIL, EARLY_PUBLISH };

typedef struct context {
    uint8_t at, event;                 /* call of its program; number of the event it sends */
    uint8_t logged, claiming;          /* accesses done; 1 + slot if the last of them was its claim */
    bool started;
    inngest_word log[MOST_LOG];        /* what the accesses gave */
} context;

typedef struct state {
    inngest_slot slots[MOST_SLOTS];
    inngest_word tail, head;
    uint8_t depth, stack[MOST_CONTEXTS];     /* NESTED: who runs, above whom */
    uint8_t sends, accepted, freed;
    uint16_t done, received;           /* accepted and received events, a bit each */
    uint16_t before[MOST_SENDS];       /* those accepted when its send began */
    context contexts[MOST_CONTEXTS];
} state;

typedef struct scenario {
    int rule;
    unsigned slots;
    uint32_t origin;                   /* first index: just below its maximum, it wraps */
    const char *programs[MOST_CONTEXTS];     /* s: send, c: complete, r: receive one if there is one */
    uint8_t priorities[MOST_CONTEXTS];       /* NESTED */
} scenario;

static struct {
    const scenario *what;
    state now;                         /* the one slots of jobs point into */
    inngest jobs;
    inngest_port port;
    unsigned running, fed;             /* fed: accesses of this call so far */
    bool stepped, direct;              /* direct: accesses are not steps */
    int mutant;
    jmp_buf left;
    uint64_t *seen;
    size_t seen_size, states, ends, failures;
    const char *failure;               /* the first one */
} x;

static void explorer_fail(const char *what)
{
    if (x.failures++ == 0) x.failure = what;
}

/* ---- accesses -------------------------------------------------------------------------------------------------- */

/* True: do it now; false: it was done in an earlier step, and *value is what it gave. */
static bool explorer_due(inngest_word *value)
{
    context *c = &x.now.contexts[x.running];
    if (x.direct) return true;
    if (x.fed < c->logged) {
        *value = c->log[x.fed++];
        return false;
    }
    if (x.stepped) longjmp(x.left, 1);
    x.stepped = true;
    return true;
}

static inngest_word explorer_did(inngest_word value, unsigned claiming)
{
    context *c = &x.now.contexts[x.running];
    if (x.direct) return value;
    if (c->logged == MOST_LOG) {
        explorer_fail("a call does not end");
        longjmp(x.left, 1);
    }
    c->claiming = (uint8_t)claiming;
    c->log[c->logged++] = value;
    x.fed++;
    return value;
}

/* 1 + the slot that has p as this member; 0: none. */
static unsigned explorer_slot(const void *p, size_t member)
{
    unsigned i;
    for (i = 0; i < x.what->slots; i++)
        if (p == (const void *)((const char *)&x.now.slots[i] + member)) return i + 1;
    return 0;
}

/* 1 + the slot that p is the claim of; 0: none. With compare-and-swap there are no claims. */
static unsigned explorer_claim(const void *p)
{
#if INNGEST_SLOT_CLAIM
    return explorer_slot(p, offsetof(inngest_slot, claim));
#else
    (void)p;
    return 0;
#endif
}

static bool explorer_is_word(const void *p)
{
    return p == (const void *)&x.jobs.tail || explorer_slot(p, offsetof(inngest_slot, sequence)) || explorer_claim(p);
}

/* Mutants change what accesses do, so that it is the real code that is broken. */

static inngest_word explorer_load(const inngest_word *p)
{
    const context *c = &x.now.contexts[x.running];
    unsigned slot = explorer_slot(p, offsetof(inngest_slot, sequence));
    inngest_word value;
    if (!explorer_due(&value)) return value;
    value = *p;
    if (!x.direct && (x.mutant == NO_RECHECK || x.mutant == NAIVE_TAIL) && slot && slot == c->claiming) value = c->log[c->logged - 1];
    if (x.mutant == NAIVE_TAIL && explorer_claim(p)) value--;
    return explorer_did(value, 0);
}

static void explorer_store(inngest_word *p, inngest_word value)
{
    inngest_word old;
    if (!explorer_due(&old)) return;
    *p = value;
    if (x.mutant == EARLY_PUBLISH && p == &x.jobs.tail) x.now.slots[(value - 1u) & x.jobs.slot_mask].sequence = value;
    (void)explorer_did(value, explorer_claim(p));
}

static inline bool explorer_swap(inngest_word *p, inngest_word wanted, inngest_word value)
{
    inngest_word found;
    if (explorer_due(&found)) {
        found = x.mutant == NAIVE_TAIL ? wanted : *p;
        if (found == wanted) {
            *p = value;
            if (x.mutant == EARLY_PUBLISH) x.now.slots[wanted & x.jobs.slot_mask].sequence = value;
        }
        (void)explorer_did(found, 0);
    }
    return found == wanted;
}

static void *explorer_copy(void *to, const void *from, size_t size)
{
    inngest_word value;
    size_t i;
    if ((char *)to < (char *)x.now.slots || (char *)to >= (char *)(x.now.slots + MOST_SLOTS)) return memmove(to, from, size);
    for (i = 0; i < size; i++)
        if (explorer_due(&value)) {
            ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
            (void)explorer_did(0, 0);
        }
    return to;
}

#define LOAD(p) (explorer_is_word(p) ? explorer_load((const inngest_word *)(const void *)(p)) : *(p))
#define STORE(p, v) (explorer_is_word(p) ? explorer_store((inngest_word *)(void *)(p), (inngest_word)(v)) : (void)(*(p) = (v)))
#define PEEK(p) LOAD(p)
#define SWAP(p, old, new) explorer_swap(p, old, (inngest_word)(new))
#undef memcpy
#define memcpy explorer_copy
#include "../inngest.c"
#undef memcpy

/* ---- calls ----------------------------------------------------------------------------------------------------- */

static inngest_status explorer_put(char kind, const uint8_t *data)
{
    static const inngest_token token = { 1, 1 };
    return kind == 's' ? inngest_send(&x.jobs, "e", data, PAYLOAD) : inngest_complete(&x.jobs, token, INNGEST_OK, data, PAYLOAD);
}

static void explorer_send(context *c, char kind)
{
    uint8_t data[PAYLOAD];
    unsigned i, busy = 0;
    inngest_status status;
    data[0] = c->event;
    data[1] = (uint8_t)(255 - c->event);
    status = explorer_put(kind, data);
    if (status == INNGEST_OK) {
        x.now.accepted++;
        x.now.done |= (uint16_t)(1u << c->event);
        return;
    }
    if (status != INNGEST_ERR_QUEUE_FULL) explorer_fail("a send gave something else");
    for (i = 0; i < MOST_CONTEXTS; i++)              /* others that send may hold a slot */
        if (i != x.running && x.now.contexts[i].logged && x.what->programs[i][x.now.contexts[i].at] != 'r') busy++;
    if ((unsigned)(x.now.accepted - x.now.freed) + busy < x.what->slots - (kind == 's')) explorer_fail("refused, and the queue was not full");
}

static void explorer_receive(void)
{
    inngest_slot *slot = published_slot(&x.jobs, x.jobs.head);
    uint8_t data[PAYLOAD];
    inngest_word value;
    unsigned i, bit;
    if (slot == NULL) return;
    for (i = 0; i < PAYLOAD; i++) {
        if (explorer_due(&value)) value = explorer_did(slot->data[i], 0);
        data[i] = (uint8_t)value;
    }
    free_oldest_slot(&x.jobs);
    x.now.freed++;
    bit = 1u << (data[0] & 15);
    if (data[0] >= x.now.sends || data[1] != 255 - data[0]) explorer_fail("torn");
    else if (SLOT_SIZE(slot) != PAYLOAD || SLOT_NAME(slot) != 0) explorer_fail("torn beside its data");
    else if (!(x.now.done & bit)) explorer_fail("received before its send has ended");
    else if (x.now.received & bit) explorer_fail("received twice");
    else if (x.now.before[data[0]] & ~x.now.received) explorer_fail("out of order");
    x.now.received |= (uint16_t)bit;
}

/* Do one access of a context, and what its code does up to the next one. */
static void explorer_step(unsigned running)
{
    context *c = &x.now.contexts[running];
    char call = x.what->programs[running][c->at];
    bool sends = call != 'r';
    if (sends && c->logged == 0) {
        c->event = x.now.sends++;
        x.now.before[c->event] = x.now.done;
    }
    x.running = running;
    x.fed = 0;
    x.stepped = false;
    x.jobs.tail = x.now.tail;
    x.jobs.head = x.now.head;
    if (setjmp(x.left) == 0) {
        if (sends) explorer_send(c, call);
        else explorer_receive();
        c->at++;
        c->event = c->logged = c->claiming = 0;
        memset(c->log, 0, sizeof c->log);
    }
    x.now.tail = x.jobs.tail;
    x.now.head = x.jobs.head;
}

/* ---- search ---------------------------------------------------------------------------------------------------- */

static bool explorer_new_state(void)
{
    uint64_t hash = 14695981039346656037u, word;
    const char *at = (const char *)&x.now;
    size_t i;
    for (i = 0; i + sizeof word <= sizeof x.now; i += sizeof word) {
        memcpy(&word, at + i, sizeof word);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29;
    }
    for (; i < sizeof x.now; i++) hash = (hash ^ (uint8_t)at[i]) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
    hash |= 1;
    if (x.states * 2 >= x.seen_size) {
        uint64_t *old = x.seen;
        size_t size = x.seen_size;
        x.seen_size = size ? size * 4 : 1u << 16;
        x.seen = calloc(x.seen_size, sizeof *x.seen);
        if (x.seen == NULL) exit(1);
        for (i = 0; i < size; i++)
            if (old[i]) {
                size_t to = (size_t)(old[i] >> 20) & (x.seen_size - 1);
                while (x.seen[to]) to = (to + 1) & (x.seen_size - 1);
                x.seen[to] = old[i];
            }
        free(old);
    }
    for (i = (size_t)(hash >> 20) & (x.seen_size - 1); x.seen[i]; i = (i + 1) & (x.seen_size - 1)) if (x.seen[i] == hash) return false;
    x.seen[i] = hash;
    x.states++;
    return true;
}

/* A slot that is claimed and never published is counted. */
static void explorer_claimed(void)
{
#if INNGEST_SLOT_CLAIM
    inngest_slot *slot = &x.now.slots[x.jobs.head & x.jobs.slot_mask];
    inngest_word claim = slot->claim;
    slot->claim = x.jobs.head;
#else
    x.jobs.tail++;
#endif
    if (published_slot(&x.jobs, x.jobs.head) || x.jobs.counters.unpublished != 1) explorer_fail("claimed, and not counted as unpublished");
#if INNGEST_SLOT_CLAIM
    slot->claim = claim;
#else
    x.jobs.tail--;
#endif
    x.jobs.counters.unpublished = 0;
}

/* All have ended: what is left comes out, and then the queue takes as much as a new one. */
static void explorer_end(void)
{
    uint8_t data[PAYLOAD] = { 0, 0 };
    unsigned i;
    x.ends++;
    x.direct = true;
    x.jobs.tail = x.now.tail;
    x.jobs.head = x.now.head;
    while (x.now.accepted != x.now.freed) {
        unsigned freed = x.now.freed;
        explorer_receive();
        if (x.now.freed == freed) {
            explorer_fail("lost");
            break;
        }
    }
    x.jobs.counters.unpublished = 0;
    if (published_slot(&x.jobs, x.jobs.head)) explorer_fail("received, and never sent");
    if (x.jobs.counters.unpublished) explorer_fail("counted as unpublished, and there is nothing");
    explorer_claimed();
    for (i = 0; i < x.what->slots; i++) {            /* the last one is kept for a completion */
        if (i == x.what->slots - 1 && explorer_put('s', data) != INNGEST_ERR_QUEUE_FULL) explorer_fail("an event in the last slot");
        if (explorer_put(i < x.what->slots - 1 ? 's' : 'c', data) != INNGEST_OK) explorer_fail("a slot is gone");
    }
    if (explorer_put('c', data) != INNGEST_ERR_QUEUE_FULL) explorer_fail("a slot too many");
    x.direct = false;
}

static bool explorer_may_run(unsigned i)
{
    const context *c = &x.now.contexts[i];
    unsigned top = x.now.stack[x.now.depth - (x.now.depth > 0)];
    if (x.what->programs[i] == NULL || x.what->programs[i][c->at] == 0) return false;
    if (x.what->rule == THREADS || x.now.depth == 0) return true;
    return c->started ? top == i : x.what->priorities[i] > x.what->priorities[top];
}

static void explore(void)
{
    state from;
    unsigned i;
    bool moved = false;
    if (x.failures || !explorer_new_state()) return;
    from = x.now;
    for (i = 0; i < MOST_CONTEXTS; i++) {
        context *c = &x.now.contexts[i];
        if (!explorer_may_run(i)) continue;
        if (x.what->rule == NESTED && !c->started) x.now.stack[x.now.depth++] = (uint8_t)i;
        c->started = true;
        explorer_step(i);
        if (x.what->rule == NESTED && x.what->programs[i][c->at] == 0) x.now.stack[--x.now.depth] = 0;
        explore();
        memcpy(&x.now, &from, sizeof from);
        moved = true;
    }
    if (moved) return;
    explorer_end();
    memcpy(&x.now, &from, sizeof from);
}

/* Give the number of failures found: 0, or 1, where the search stops. */
static size_t explorer_run(const scenario *what, int mutant)
{
    uint32_t i;
    memset(&x, 0, sizeof x);
    x.what = what;
    x.mutant = mutant;
    x.jobs.ready = READY;
    x.jobs.port = &x.port;
    x.jobs.slots = x.now.slots;
    x.jobs.slot_mask = (uint16_t)(what->slots - 1);
    x.now.tail = x.now.head = (inngest_word)what->origin;
    for (i = 0; i < what->slots; i++) {
        inngest_slot *slot = &x.now.slots[(what->origin + i) & (what->slots - 1)];
        slot->sequence = (inngest_word)(what->origin + i);
#if INNGEST_SLOT_CLAIM
        slot->claim = (inngest_word)(what->origin + i - what->slots);
#endif
    }
    explore();
    free(x.seen);
    return x.failures;
}

/* The code as it is holds, in every order. */
static void explorer_holds(const scenario *what, size_t count)
{
    size_t states = 0, ends = 0;
    for (; count-- > 0; what++) {
        CHECK(explorer_run(what, NO_MUTANT) == 0);
        if (x.failures) printf("  %s, slots: %u, main: %s\n", x.failure, what->slots, what->programs[0]);
        states += x.states;
        ends += x.ends;
    }
    printf("%lu states, %lu ends\n", (unsigned long)states, (unsigned long)ends);
}

/* The code broken like this is found out. */
static void explorer_catches(const scenario *what, size_t count, int mutant, const char *name)
{
    size_t failures = 0;
    for (; failures == 0 && count-- > 0; what++) failures = explorer_run(what, mutant);
    CHECK(failures > 0);
    printf("%s: %s\n", name, x.failures ? x.failure : "not caught");
}
#endif
