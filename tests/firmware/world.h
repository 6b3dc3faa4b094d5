/* SPDX-License-Identifier: MIT
 * What the firmwares of tests/firmwares.c share: the machine's storage and clock, what its jobs are to do, and the ledger of the outer
 * world, which outlives them all. Nothing in here depends on the library's configuration. */
#ifndef WORLD_OF_FIRMWARES_H
#define WORLD_OF_FIRMWARES_H
#include "../../port/flash_emulator/flash_emulator.h"
#include <setjmp.h>

#define NOON INT64_C(1700000000000)
#define EVENTS 100u                    /* of the outer world; behind them those that steps send */
#define ENTRIES (EVENTS * 2u)
#define FUNCTIONS 5u                   /* the last one is started by steps */
#define OPS 6u
#define STEPS (2u * OPS + 1u)          /* of the handler, then of on_failure */
#define MOST_RUNS_ 60u
#define MOST_BYTES 512u                /* of any result or event */
#define FIRMWARES 8u
enum { CUT = 1, RESTARTED, CRASHED };

typedef struct step_entry {
    bool durable, failed;              /* it was seen as decided */
    uint8_t attempt, next, progress, winner;
    uint16_t effects, size;            /* size: of the result that the last body gave */
    uint32_t boot;                     /* the last one that began its body */
    uint8_t boot_attempt;
    int64_t from;                      /* a sleep: when it was asked for first */
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

/* A build of the library, and of the jobs. */
typedef struct firmware {
    uint16_t event_bytes, result_bytes, message_bytes, seen_ids, crash_limit, fill, parts;
    bool write_cache;
    inngest_status (*boot)(inngest_reset reset, uint32_t runs, uint32_t queue);
    uint32_t (*tick)(void);
    inngest_status (*close)(void);
    void (*send_events)(void);
    inngest_status (*send)(unsigned e);
    uint32_t (*erases)(void);
    void (*answer)(void);
    void (*tell_clock)(int64_t off);
    void (*cancel)(void);
    void (*free_senders)(void);
    unsigned (*look)(void);
    void (*show)(void);
} firmware;

typedef struct life_state {
    uint32_t seed;
    uint64_t random;
    unsigned functions, events, count[FUNCTIONS];
    op ops[FUNCTIONS][OPS];
    bool fails[FUNCTIONS], fan, has[FUNCTIONS], gone[FUNCTIONS], clocks, truthful, ids, dates, cancels, tables, crashes, same_ids, drops, tight, big, stuffed;
    bool skip[FUNCTIONS][OPS], quiet;  /* of this firmware: steps that it has not; a function without its on_failure */
    uint16_t bytes[FUNCTIONS];
    uint16_t size[EVENTS];
    bool queued[EVENTS], tried[EVENTS];
    int64_t now, uptime;               /* true ms, powered or not; of this boot */
    uint32_t base, boots, crash_resets, turn, first;
    bool up, last, more, blind;        /* blind: a run may have been ended for its crashes, and no hook told */
    const firmware *on;                /* the firmware that runs */
} life_state;

extern life_state life;
extern run_entry ledger[ENTRIES][FUNCTIONS];
extern jmp_buf reset_vector;
extern inngest_port world_port;
uint32_t draw(uint64_t *state, uint32_t n);
void wrong(const char *what, int status);
#endif
