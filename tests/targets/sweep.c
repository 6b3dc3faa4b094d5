/* SPDX-License-Identifier: MIT
 * Every instruction of inngest_send is interrupted by a send, on a real instruction set: no event is lost, doubled or
 * torn. Shots of
 *   - the main loop sends, an interrupt sends at its instruction j, a more urgent one at that one's instruction k;
 *   - the same with a third interrupt below the two: it comes at some instruction of the main loop's send, and the
 *     other two at its instruction j and within;
 *   - the main loop takes events out, and the interrupts send at instruction j of that.
 * Some shots begin with a queue that is nearly full. What was taken out is compared after each shot.
 *
 * The events are seen by the predicate of a function that takes none of them, so nothing is journaled. */
#include "sweep.h"
#include "ram.h"

#define LEVELS 4u
#define SLOTS 8u
#ifndef TICK_REACH
#define TICK_REACH 3000u
#endif
#if defined(INNGEST_NO_CAS) || __GCC_ATOMIC_INT_LOCK_FREE != 2
#define NO_CAS
#endif
#define CODE_BYTES 32768u                      /* hits are noted in this much code behind the image's start */

typedef struct event { uint32_t level, number, words[6]; } event;

static inngest jobs;
static int64_t memory[INNGEST_MEMORY(1, SLOTS) / 8 + 1];

static uint32_t accepted[LEVELS], taken[LEVELS], refused[LEVELS];
static volatile uint32_t in_send[LEVELS];
static volatile uint32_t delay[LEVELS + 1];    /* arm this level in so many counts, from within the send of the level before */
static volatile uint32_t level_now, fired[LEVELS];
static uint32_t hits[2][CODE_BYTES / 64];      /* a bit for each half word: 0: the main loop's send, 1: an interrupt's */
static uint32_t bad;

/* Set by who runs the image: 1: one send of 32 bytes and out, to be counted. */
#ifdef __riscv
#define sweep_mode (*(volatile uint32_t *)0x80200000)          /* behind what the emulator clears */
#else
__attribute__((section(".noinit"))) volatile uint32_t sweep_mode;
#endif

static uint32_t word_of(uint32_t level, uint32_t number, uint32_t i) { return (number * 4u + level) * 2654435761u ^ i * 0x01010101u; }

/* All senders go through this one, so that its instructions are known. */
__attribute__((noinline)) inngest_status sweep_send(const event *e);
__attribute__((noinline)) inngest_status sweep_send(const event *e)
{
    inngest_status status = inngest_send(&jobs, "sweep/event", e, sizeof *e);
    __asm__ volatile("" ::: "memory");         /* no tail call */
    return status;
}

static void send_from(unsigned level)
{
    event e;
    uint32_t i;
    inngest_status status;
    e.level = level;
    e.number = accepted[level];
    for (i = 0; i < 6; i++) e.words[i] = word_of(level, e.number, i);
    if (delay[level + 1]) board_arm(level + 1, delay[level + 1]);
    else if (level == 0 && delay[2]) board_arm(2, delay[2]);
    in_send[level] = 1;
    status = sweep_send(&e);
    in_send[level] = 0;
    if (delay[level + 1]) board_disarm(level + 1);
    else if (level == 0 && delay[2]) board_disarm(2);
    if (status == INNGEST_OK) accepted[level]++;
    else if (status == INNGEST_ERR_QUEUE_FULL) refused[level]++;
    else bad++;
}

void sweep_interrupt(unsigned level, uint32_t pc)
{
    unsigned before = level_now;
    uint32_t place = (pc - (uint32_t)(uintptr_t)CODE_START) / 2;
    board_disarm(level);
    if (in_send[before] && place < CODE_BYTES / 2) hits[before > 0][place / 32] |= 1u << place % 32;
    level_now = level;
    fired[level]++;
    send_from(level);
    level_now = before;
}

static bool look(void *user, const void *data, size_t size)
{
    event e;
    uint32_t i;
    (void)user;
    memset(&e, 0, sizeof e);
    memcpy(&e, data, size < sizeof e ? size : sizeof e);
    if (size != sizeof e || e.level >= LEVELS) { bad++; return false; }
    for (i = 0; i < 6; i++) if (e.words[i] != word_of(e.level, e.number, i)) bad++;        /* torn */
    if (e.number != taken[e.level]) bad++;                                                 /* lost, doubled, out of order */
    taken[e.level] = e.number + 1;
    return false;
}

static inngest_status never(inngest_ctx *ctx)
{
    (void)ctx;
    bad++;
    return INNGEST_OK;
}

static void drain(void)
{
    unsigned i;
    (void)inngest_tick(&jobs, 0);
    for (i = 0; i < LEVELS; i++) {
        if (taken[i] != accepted[i]) bad++;
        taken[i] = accepted[i];
    }
}

static uint32_t random_number(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

static void shot(uint32_t low, uint32_t middle, uint32_t top, uint32_t filled)
{
    delay[1] = delay[2] = delay[3] = 0;
    while (filled--) send_from(0);
    delay[1] = low;
    delay[2] = middle;
    delay[3] = top;
    send_from(0);
    delay[1] = delay[2] = delay[3] = 0;
    drain();
}

/* Report what went wrong since the last report as one check. */
static void report(const char *what)
{
    bare_check(bad == 0, what, bad);
    bad = 0;
}

static void print_hits(void)
{
    uint32_t i, set;
    for (set = 0; set < 2; set++)
        for (i = 0; i < CODE_BYTES / 2; i++)
            if (hits[set][i / 32] >> i % 32 & 1u) {
                board_write(set ? "hit interrupt " : "hit main ");
                bare_hex((uint32_t)(uintptr_t)CODE_START + 2 * i);
                board_write("\n");
            }
}

static void print_fired(const char *name, uint32_t number)
{
    board_write(name);
    bare_number(number);
}

int main(void)
{
    static const inngest_function functions[] = { { .id = "look", .event = "sweep/event", .handler = never, .when = look } };
    static const inngest_port port = { .read = ram_read, .program = ram_program, .erase = ram_erase,
                                       .block_size = 512, .block_count = 6, .program_size = 4 };
    static const inngest_config config = { .functions = functions, .function_count = 1, .port = &port, .memory = memory,
                                           .memory_size = sizeof memory, .runs = 1, .events = SLOTS, .seed = 1 };
    inngest_counters counters;
    uint32_t j, k, reach = 0, every;
    memset(cells, 0xFF, sizeof cells);
    CHECK(inngest_init(&jobs, &config, NULL) == INNGEST_OK);
    if (sweep_mode == 1) {
        send_from(0);
        board_exit(0);
    }
    board_sweep_init();
    do {                                       /* how many timer counts a send takes */
        reach += 10;
        k = fired[2];
        shot(0, reach, 0, 0);
    } while (fired[2] != k);
    every = reach / 30 + 1;                    /* of the second dimension, each shot takes one in so many */
    for (j = 1; j < reach; j++) {
        for (k = 1 + j % every; k < reach; k += every) {
            shot(0, j, k, 0);
            shot(1 + random_number() % reach, j, k, 0);
        }
        for (k = 4; k < SLOTS; k++) shot(1 + random_number() % reach, j, 1 + random_number() % reach, k);
    }
    report("an event was lost, doubled or torn: interrupts in inngest_send");
    print_fired("interrupts: low ", fired[1]);
    print_fired(", middle ", fired[2]);
    print_fired(", top ", fired[3]);
    board_write("\n");
    for (k = 1; k < LEVELS; k++) CHECK(fired[k] > 1000);

    for (j = 1; j < TICK_REACH; j++) {
        for (k = 0; k < 3; k++) send_from(0);
        delay[3] = 1 + random_number() % reach;
        board_arm(2, j);
        (void)inngest_tick(&jobs, 0);
        board_disarm(2);
        delay[3] = 0;
        drain();
    }
    report("an event was lost, doubled or torn: interrupts in inngest_tick");

    inngest_get_counters(&jobs, &counters);
#ifdef NO_CAS
    CHECK(counters.refused_full <= refused[0] + refused[1] + refused[2] + refused[3]);   /* nested refusals may count as one */
#else
    CHECK(counters.refused_full == refused[0] + refused[1] + refused[2] + refused[3]);
#endif
    CHECK(refused[0] > 0 && refused[1] + refused[2] + refused[3] > 0);
    CHECK(counters.unmatched == accepted[0] + accepted[1] + accepted[2] + accepted[3]);
    CHECK(counters.unpublished == 0);
    print_hits();
    bare_end("sweep");
}
