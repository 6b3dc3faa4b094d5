/* SPDX-License-Identifier: MIT
 * Jobs that are drawn, for tempest.c, firmwares.c and twins.c: what they are to do, and the ledger of the outer world, which outlives all
 * resets. Nothing in here depends on the library's configuration. */
#ifndef DRAWN_WORLD_H
#define DRAWN_WORLD_H
#include "crc32.h"
#include "../inngest.h"
#include "draw.h"
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#define NOON INT64_C(1700000000000)
#ifndef EVENTS
#define EVENTS 10u                     /* of the outer world; behind them those that steps send */
#endif
#define ENTRIES (EVENTS * 2u)
#define FUNCTIONS 5u                   /* the last one is started by steps */
#define OPS 6u
#define STEPS (2u * OPS + 1u)          /* of the handler, then of on_failure */
#define MOST_BYTES 512u                /* of any result or event */
enum { CUT = 1, RESTARTED, CRASHED };

typedef struct step_entry {
    bool durable, failed;              /* it was seen as decided */
    uint8_t attempt, next, progress, winner;
    uint16_t effects, size;            /* size: of the result that the last body gave */
    uint32_t boot;                     /* the last one that began its body */
    uint8_t boot_attempt;
    int64_t from;                      /* a sleep: when it was asked for first; else: when the next attempt may be */
    uint32_t key;
} step_entry;

typedef struct run_entry {
    bool must, finished, cancelled, stopped, crashed, gave_up, starved;  /* must: it was acknowledged; stopped: the cancel was; starved: no room */
    uint64_t id;
    uint8_t attempt, next;             /* of the handler */
    step_entry steps[STEPS];
} run_entry;

enum { RESULT_OP, SLEEP_OP, ALL_OP, ANY_OP, LONG_OP, PENDING_OP, SAVE_OP, SEND_OP, RESTART_OP, FAILING_OP, ONCE_OP, UNTIL_OP,
       INTENT_OP, RETRY_OP, TIMEOUT_OP, OP_KINDS };
typedef struct op { uint8_t kind, fails, calls, how; uint16_t size; uint32_t ms; } op;

enum { PART_PARALLEL = 1, PART_LONG = 2, PART_PROGRESS = 4, PART_SEND = 8, PART_RESTART = 16, PART_FAILURE = 32, PART_CANCEL = 64, PART_CLOCK = 128,
       PART_INSPECT = 256, PART_HOOKS = 512, PART_CRASHES = 1024 };

typedef struct life_state {
    uint32_t seed;
    uint64_t random, luck;             /* what the world does; how its storage and its bodies fare */
    unsigned functions, events, count[FUNCTIONS];
    op ops[FUNCTIONS][OPS];
    bool fails[FUNCTIONS], fan, has[FUNCTIONS], gone[FUNCTIONS];
    bool wild, picky, silent;          /* twins.c alone: the second function's event is a wildcard; it has a predicate; no hooks */
    bool clocks, truthful, ids, dates, cancels, tables, crashes, same_ids, tight, big, stuffed, slow;
    bool skip[FUNCTIONS][OPS], quiet;  /* of this firmware: steps that it has not; a function without its on_failure */
    uint16_t bytes[FUNCTIONS];
    uint16_t size[EVENTS];
    bool queued[EVENTS], tried[EVENTS];
    int64_t now, uptime;               /* true ms, powered or not; of this boot */
    uint32_t base, boots, crash_resets, turn, first;
    bool up, last, more, blind;        /* blind: a run may have been ended for its crashes, and no hook told */
    bool steady;                       /* one build of the library, and of the jobs' steps, all life long */
    uint16_t kept_text, crash_limit;   /* the least of all builds: bytes kept of a message, resets that end a run */
} life_state;

#ifdef NOTES                           /* twins.c compares all that can be seen */
void note(char what, int64_t a, int64_t b, int64_t c, int64_t d);
#define NOTE note
#else
#define NOTE(what, a, b, c, d) ((void)0)
#endif

extern life_state life;
extern run_entry ledger[ENTRIES][FUNCTIONS];
extern jmp_buf reset_vector;
void wrong(const char *what, int status);

/* What the machine says of the reset that has led to reset_vector. */
static inline inngest_reset reason_of(int jumped) { return jumped == CRASHED ? INNGEST_RESET_CRASH : jumped == RESTARTED ? INNGEST_RESET_UNKNOWN : INNGEST_RESET_POWER_ON; }

static inline void pass_time(uint32_t ms) { life.now += ms; life.uptime += ms; }

/* No event is to be sent again: ids may expire. */
static inline bool all_answered(void)
{
    unsigned i;
    for (i = 0; i < life.events; i++) if (life.tried[i] && !ledger[i][i % life.functions].must) return false;
    return true;
}

static inline void begin_life(uint32_t seed)
{
    memset(&life, 0, sizeof life);
    memset(ledger, 0, sizeof ledger);
    life.seed = seed;
    life.random = seed * UINT64_C(0xD1342543DE82EF95) + 1;
    life.luck = seed * UINT64_C(77) + 5;
}

/* A journal of a machine that has lived for long: its blocks have such numbers. Nothing but headers is there yet. */
static const uint32_t far_blocks[] = { 0xFFFF, 0x10000, 0xFFFFFF, 0x1000000, 0x2000000, 0x7FFFFF, 0x7FFFF00, 0x80000100, 0xC0000100 };
static inline void number_blocks(uint8_t *cells, uint32_t size, uint32_t blocks, uint32_t first)
{
    uint32_t place, crc, k;
    for (place = 0; place < blocks; place++) {
        uint8_t *b = cells + place * size;
        for (k = 0; k < 4; k++) b[8 + k] = (uint8_t)((first + place) >> 8 * k);
        b[18] = b[19] = 0;
        crc = crc32_of(0, b, 20);
        for (k = 0; k < 4; k++) b[20 + k] = (uint8_t)(crc >> 8 * k);
    }
}

static inline uint32_t room_of(uint16_t g, uint32_t payload) { uint32_t u = g < 4 ? 4 : g; return (16 + payload + u - 1) / u * u; }

/* What limits the scripts: bytes of a result, of an answer and of the record of an error; a bit for each kind of step that there is not. */
typedef struct limits { uint32_t result, answer, error, without; } limits;

static inline void draw_scripts(uint16_t g, unsigned ops, const limits *most)
{
    static const uint8_t common[] = { RESULT_OP, RESULT_OP, RESULT_OP, SLEEP_OP, FAILING_OP, RETRY_OP, SAVE_OP };
    uint64_t *r = &life.random;
    unsigned f, i, k;
    for (f = 0; f < FUNCTIONS; f++) {
        uint32_t bytes = room_of(g, 14);
        life.count[f] = f == FUNCTIONS - 1 ? 1 : 1 + draw(r, ops);
        life.fails[f] = f < FUNCTIONS - 1 && draw(r, 5) == 0;
        for (i = 0; i < life.count[f]; i++) {
            op *o = &life.ops[f][i];
            o->kind = (uint8_t)(draw(r, 2) ? common[draw(r, sizeof common)] : draw(r, OP_KINDS));
            if ((o->kind == UNTIL_OP && !life.clocks) || (f == FUNCTIONS - 1 && (o->kind == SEND_OP || o->kind == RESTART_OP))) o->kind = RESULT_OP;
            if (o->kind == SEND_OP && (!life.has[FUNCTIONS - 1] || (f == 1 && (life.fan || life.wild)))) o->kind = RESULT_OP;
            if (most->without >> o->kind & 1) o->kind = RESULT_OP;
            o->fails = (uint8_t)(draw(r, 2) ? 0 : draw(r, 3));
            o->calls = (uint8_t)(1 + draw(r, 4));
            o->how = (uint8_t)draw(r, 8);
            o->ms = 100 + draw(r, draw(r, 3) ? 20000 : 400000);
            o->size = (uint16_t)draw(r, draw(r, 3) ? 20 : draw(r, life.big ? 2 : 4) ? 80 : most->result + 1);
            if (life.big && o->kind == RESULT_OP && draw(r, 2)) o->size = (uint16_t)(300 + draw(r, 100));
            if (life.big && o->kind == SLEEP_OP && draw(r, 2)) o->ms *= 10;
            if (o->size > most->result) o->size = (uint16_t)most->result;
            if (o->kind == PENDING_OP && o->size > most->answer) o->size = (uint16_t)most->answer;
            for (k = 0; k < i; k++) if ((o->kind == RETRY_OP || o->kind == SEND_OP) && life.ops[f][k].kind == o->kind) o->kind = RESULT_OP;   /* one a run */
            bytes += (o->kind == RESULT_OP || o->kind == LONG_OP || o->kind == PENDING_OP || o->kind == INTENT_OP ? 1u : 2u) * room_of(g, o->size) + 2 * room_of(g, 14);
            if (o->kind == FAILING_OP || o->kind == TIMEOUT_OP || o->kind == ONCE_OP) bytes += room_of(g, most->error);
            if (o->kind == SAVE_OP) bytes += 2 * room_of(g, 24);
            if (o->kind == ALL_OP || o->kind == ANY_OP) bytes += room_of(g, 14);
        }
        if (bytes < 200) bytes = 200;
        if (life.stuffed) {
            life.count[f] = 2;
            life.fails[f] = false;
            memset(life.ops[f], 0, sizeof life.ops[f]);
            life.ops[f][0].size = (uint16_t)(f % 2 ? 300 + draw(r, 100) : draw(r, 16));
            life.ops[f][1].kind = f % 2 || draw(r, 2) ? SLEEP_OP : RESULT_OP;
            life.ops[f][1].ms = f % 2 ? 3000000 : 1000;
            bytes = room_of(g, life.ops[f][0].size) + 3 * room_of(g, 14);
        }
        life.bytes[f] = (uint16_t)bytes;
    }
}
#endif
