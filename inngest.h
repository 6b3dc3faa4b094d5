/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the inngest-c authors
 *
 * inngest.h - durable background jobs for small machines
 *
 * A job is one plain C function. An event starts it; each of its steps is retried until it succeeds and then
 * never runs again; it can sleep for days; after a reset or a power cut it goes on where it was.
 *
 *   Life of a program:  inngest_init -> inngest_send ... -> for (;;) sleep(inngest_tick()) -> inngest_close
 *
 * Rules a user must obey
 *   1. A handler is run again from the top each time its run goes on. What must happen once stands in a step.
 *   2. A status of 0 is done. Above 0 is not decided yet: return it, whatever it is. Below 0 is decided and
 *      durable, the same at every replay: return it or handle it. INNGEST_TRY and INNGEST_CATCH do this.
 *   3. Steps happen at least once: power may be lost between an effect and its record. Use
 *      inngest_idempotency_key where a second effect would hurt.
 *   4. A step that blocks, blocks every run. Long work answers inngest_again or INNGEST_PENDING.
 *
 * Calling context
 *   from anywhere, interrupts, threads and signal handlers too:  inngest_send, inngest_send_event,
 *       inngest_complete, inngest_wake
 *   pure, from anywhere:                                         inngest_json_*, inngest_parse_*
 *   inside a handler or a step body only:                        all that takes an inngest_ctx
 *   from the context that calls inngest_tick, inside user code too:   inngest_cancel, inngest_next_run,
 *       inngest_get_counters, inngest_set_wall_clock
 *   from that context, outside user code (else INNGEST_ERR_BUSY): everything else; inngest_init does not see that it is
 *       inside: it takes the engine's memory as it finds it
 *   inside the port's functions (log, idle, now, ...), which are called in the middle of a write: the pure ones, what may be called
 *       from anywhere, inngest_next_run and inngest_get_counters; a tick or flush is INNGEST_ERR_BUSY there, too; of the rest nobody sees that it is
 *       called there
 *
 * What power loss may cost: events not journaled by a tick yet (inngest_flush tells), and the effect of a step
 * body whose record was not complete happens again. Nothing else.
 *
 * An independent implementation of Inngest's programming model, not a product of Inngest. */
#ifndef INNGEST_H
#define INNGEST_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INNGEST_VERSION_MAJOR 0
#define INNGEST_VERSION_MINOR 1

/* ---- configuration: all of it optional, one header of yours or -D ---------------------------------------------- */

#ifdef INNGEST_CONFIG
#include INNGEST_CONFIG
#endif

#ifndef INNGEST_RUN_BYTES      /* journal bytes reserved for a run that names none; 64..65535 */
#define INNGEST_RUN_BYTES 512
#endif
#ifndef INNGEST_EVENT_BYTES    /* most bytes of name and data of an event, and of what inngest_complete brings; 16..4096; RAM: this many a queue slot */
#define INNGEST_EVENT_BYTES 128
#endif
#ifndef INNGEST_RESULT_BYTES   /* most bytes of a step's result or progress; 0..4096; RAM: none */
#define INNGEST_RESULT_BYTES 256
#endif
#ifndef INNGEST_MESSAGE_BYTES  /* most bytes kept of an error message; 0..200; RAM: 2 or 3 times as many; stack: this many */
#define INNGEST_MESSAGE_BYTES 40
#endif
#ifndef INNGEST_STAGE_BYTES    /* staging for one program call; a multiple of 32, 64..4096; RAM: this many, once */
#define INNGEST_STAGE_BYTES 128
#endif
#ifndef INNGEST_STEP_IDS       /* most different step ids in one pass; 1..255; RAM: 6 bytes each, once */
#define INNGEST_STEP_IDS 32
#endif
#if defined(INNGEST_LONG_STEPS) && !INNGEST_LONG_STEPS
#undef INNGEST_ACTIVE_STEPS
#define INNGEST_ACTIVE_STEPS 1 /* not used */
#endif
#ifndef INNGEST_ACTIVE_STEPS   /* most steps in progress (AGAIN, PENDING) at once; 1..255; RAM: 20 bytes each */
#define INNGEST_ACTIVE_STEPS 4
#endif
#ifndef INNGEST_SEEN_IDS       /* most event ids remembered: one more waits, and all events behind it; a firmware with fewer forgets those that expire
                                  first; 0..255; RAM: 24 bytes each, journal: 28 */
#define INNGEST_SEEN_IDS 8
#endif
#ifndef INNGEST_SEEN_MS        /* how long an event id is remembered, in ms of journal time */
#define INNGEST_SEEN_MS 86400000
#endif
#ifndef INNGEST_FAN_OUT        /* most functions that one event may start; 1..32 */
#define INNGEST_FAN_OUT 8
#endif
#ifndef INNGEST_FILL_PERCENT   /* most of the journal that reservations may take; 10..75; a step costs base/(1-fill) */
#define INNGEST_FILL_PERCENT 50
#endif
#ifndef INNGEST_CRASH_LIMIT    /* resets pinned on a run without progress before it fails; 1..250 */
#define INNGEST_CRASH_LIMIT 3
#endif
#ifndef INNGEST_SUSPECT_MS     /* after a crash: how long a suspect in a long step keeps the others waiting; a later reset is nobody's; 1..2^31-1 */
#define INNGEST_SUSPECT_MS 60000
#endif
#ifndef INNGEST_HEARTBEAT_MS   /* journal time is stamped this often while a run sleeps, and with an event id (with INNGEST_FAST_MOUNT, where anything is
                                  done, each 6 days at least, but for the first minute of a boot behind one that knew a wall clock); 60000..2^31-1;
                                  in a boot without a wall clock also after 1, 2, 4 ... minutes: a reset costs it half the boot at most */
#define INNGEST_HEARTBEAT_MS 3600000
#endif
#ifndef INNGEST_MANY_RUNS      /* more than 65,534 runs, for hosts; RAM: 8 bytes more a run */
#define INNGEST_MANY_RUNS 0
#endif
#ifndef INNGEST_TICK_PASSES    /* most passes (executions of a handler) of one tick; 1..65535 */
#define INNGEST_TICK_PASSES 64
#endif

/* Parts that can be left out with -DINNGEST_...=0; what each costs is code for a Cortex-M3 at -Os, as `make size` prints
 * it. What a part declares is not there without it. A run in the journal that needs a part left out stays parked
 * (INNGEST_WAIT_MEMO) and is carried along for the firmware that has it. */
#ifndef INNGEST_PARALLEL       /* inngest_parallel, all, any */
#define INNGEST_PARALLEL 1
#endif
#ifndef INNGEST_LONG_STEPS     /* bodies that give AGAIN or PENDING, timeout, intent, at most once, inngest_complete */
#define INNGEST_LONG_STEPS 1
#endif
#ifndef INNGEST_PROGRESS       /* inngest_step_save, inngest_step_load */
#define INNGEST_PROGRESS 1
#endif
#ifndef INNGEST_SEND_STEP      /* inngest_step_send */
#define INNGEST_SEND_STEP 1
#endif
#ifndef INNGEST_RESTART        /* inngest_step_restart */
#define INNGEST_RESTART 1
#endif
#ifndef INNGEST_ON_FAILURE     /* a function's on_failure */
#define INNGEST_ON_FAILURE 1
#endif
#ifndef INNGEST_CANCEL         /* inngest_cancel */
#define INNGEST_CANCEL 1
#endif
#ifndef INNGEST_WALL_CLOCK     /* inngest_set_wall_clock, inngest_step_sleep_until, the ts of an event */
#define INNGEST_WALL_CLOCK 1
#endif
#ifndef INNGEST_CRASHES        /* runs and predicates that reset the machine again and again are ended */
#define INNGEST_CRASHES 1
#endif
#ifndef INNGEST_HOOKS          /* config.hooks */
#define INNGEST_HOOKS 1
#endif
#ifndef INNGEST_INSPECT        /* inngest_next_run, and the counters: 116 bytes of RAM */
#define INNGEST_INSPECT 1
#endif
#ifndef INNGEST_INIT_CHECKS    /* init checks config and table: leave it out once a build with it has passed */
#define INNGEST_INIT_CHECKS 1
#endif
#ifndef INNGEST_JSON           /* the JSON reader */
#define INNGEST_JSON 1
#endif
#ifndef INNGEST_CRC_TABLE      /* 1, 16, 256 or 2048 entries of 4 bytes for the checksum, 1 is none: 47, 13, 6 or 3 instructions a byte */
#if UINTPTR_MAX > 0xFFFFFFFF
#define INNGEST_CRC_TABLE 2048
#else
#define INNGEST_CRC_TABLE 16
#endif
#endif
#ifndef INNGEST_LOG            /* port.log is told of storage that fails, damage and crashes; hooks are told of jobs that fail */
#define INNGEST_LOG 1
#endif
#ifndef INNGEST_JSON_DEPTH     /* deepest nesting the reader accepts; 1..255; stack: a bit each */
#define INNGEST_JSON_DEPTH 32
#endif
#ifndef INNGEST_TEXT           /* durations and dates as text */
#define INNGEST_TEXT 1
#endif
#ifndef INNGEST_WORD_BITS      /* 8, 16 or 32: what the machine loads and stores in one instruction; with 8 a queue has 64 slots at most */
#if defined(__AVR__)
#define INNGEST_WORD_BITS 8
#elif UINT_MAX == 0xFFFF
#define INNGEST_WORD_BITS 16
#else
#define INNGEST_WORD_BITS 32
#endif
#endif
#ifndef INNGEST_SLOT_CLAIM     /* a word more in a queue slot, where there is no compare-and-swap; the same for library and callers */
#if defined(__GNUC__) && __GCC_ATOMIC_INT_LOCK_FREE == 2 && INNGEST_WORD_BITS == 32 && !defined(INNGEST_NO_CAS)
#define INNGEST_SLOT_CLAIM 0
#else
#define INNGEST_SLOT_CLAIM 1
#endif
#endif
#ifndef INNGEST_CORES          /* cores that send or tick; more than 1 is refused where there is no compare-and-swap; 1 leaves barriers out on Cortex-M */
#define INNGEST_CORES 1
#endif
#ifndef INNGEST_CACHE_LINE     /* bytes, a multiple of 8; what cores write in turn lies so far apart, and a queue slot is a multiple of it; 0:
                                  as small as can be */
#if UINTPTR_MAX > 0xFFFFFFFF
#define INNGEST_CACHE_LINE 64
#else
#define INNGEST_CACHE_LINE 0
#endif
#endif
#ifndef INNGEST_SEND_CODE      /* stands before inngest_send and what it calls: __attribute__((section(...))) of RAM, where flash stalls while
                                  it is erased; the names of events belong there, too, and memcpy where pointers have 64 bits */
#define INNGEST_SEND_CODE
#endif
#ifndef INNGEST_BARRIER        /* used where the compiler has neither GNU's builtins nor C11 atomics: no access may be moved across it */
#define INNGEST_BARRIER() ((void)0)
#endif
#ifndef INNGEST_INDEXES        /* what makes many runs and long journals fast; without it a call looks at all runs, a step at all
                                  records of its run; RAM: 12 bytes a run, 8 where pointers have 64 bits, 16 with INNGEST_MANY_RUNS */
#define INNGEST_INDEXES 1
#endif
#ifndef INNGEST_FAST_MOUNT     /* a mount reads the newest blocks and what is live, however long the journal is: now and then a list of where
                                  that stands is written; needs INNGEST_INDEXES; without it all blocks are read */
#define INNGEST_FAST_MOUNT INNGEST_INDEXES
#endif
#ifndef INNGEST_WRITE_CACHE    /* 1: between two syncs the storage may keep what was written later and lose what was written before,
                                  as disks and file systems do; flash does not; only where port.sync is there */
#if UINTPTR_MAX > 0xFFFFFFFF || defined(__unix__) || defined(__APPLE__) || defined(_WIN32)
#define INNGEST_WRITE_CACHE 1
#else
#define INNGEST_WRITE_CACHE 0
#endif
#endif
#ifndef INNGEST_SYNC_ALONE     /* 1: a run beside which no other is due syncs its steps itself and goes on, without a replay */
#if INNGEST_INDEXES && UINTPTR_MAX > 0xFFFFFFFF
#define INNGEST_SYNC_ALONE 1
#else
#define INNGEST_SYNC_ALONE 0
#endif
#endif
#ifndef INNGEST_TRAIL_STEPS    /* steps of a pass that one walk through the journal finds, so that a replay stays linear however
                                  runs interleave, and for each 8 places where steps of any run were found last; 0: looks at 8
                                  records ahead; 0..65535; RAM: 73 bytes each, once */
#if INNGEST_INDEXES && UINTPTR_MAX > 0xFFFFFFFF
#define INNGEST_TRAIL_STEPS 512
#else
#define INNGEST_TRAIL_STEPS 0
#endif
#endif
#ifndef INNGEST_STATUS_NAMES   /* inngest_status_name gives names, else "" */
#define INNGEST_STATUS_NAMES 1
#endif

#if defined(__GNUC__)
#define INNGEST_MUST_USE __attribute__((warn_unused_result))
#else
#define INNGEST_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- results: values are frozen -------------------------------------------------------------------------------- */

typedef enum inngest_status {
    INNGEST_OK = 0,
    /* not decided yet: return it */
    INNGEST_PAUSED = 257,              /* from a step call: not decided yet */
    INNGEST_AGAIN = 258,               /* by a step body, through inngest_again: call me again; no attempt, no write */
    INNGEST_PENDING = 259,             /* by a step body: started; inngest_complete ends it */
    INNGEST_RETRY = 260,               /* by a step body or a handler: this attempt failed */
    INNGEST_FAIL = 261,                /* by a step body or a handler: failed, no more attempts */
    INNGEST_BODY = 262,                /* in the inline forms: the body is running */
    /* decided */
    INNGEST_STEP_FAILED = -257,        /* from a step call: its attempts are used up; inngest_error tells more */
    INNGEST_TIMED_OUT = -258,          /* from a wait; and in inngest_error of a step whose timeout passed */
    INNGEST_LOST = -259,               /* another branch won */
    INNGEST_CANCELLED = -260,
    /* event data and texts: the same at every replay, so uncaught they fail the run at once */
    INNGEST_ERR_NOT_FOUND = -300,      /* no such path; no such run */
    INNGEST_ERR_TYPE = -301,           /* another JSON type */
    INNGEST_ERR_JSON = -302,           /* malformed JSON */
    INNGEST_ERR_TOO_LONG = -303,       /* does not fit the buffer */
    INNGEST_ERR_RANGE = -304,          /* a number out of range or not exact */
    INNGEST_ERR_DEPTH = -305,          /* nested deeper than INNGEST_JSON_DEPTH */
    INNGEST_ERR_ARGUMENT = -306,       /* NULL, empty, negative or unparsable */
    /* mistakes in a handler: they fail the run and name the step */
    INNGEST_ERR_NESTED = -320,         /* a step inside a step */
    INNGEST_ERR_STEP_LEFT = -321,      /* an inline body was left by break, goto or return INNGEST_OK, or holds a step */
    INNGEST_ERR_STATUS = -322,         /* a body or handler returned what it may not: neither RETRY nor FAIL nor between STEP_FAILED and ERR_SYNC */
    INNGEST_ERR_STEP_IDS = -323,       /* limit INNGEST_STEP_IDS: too many different step ids in one pass */
    INNGEST_ERR_STEP_ID = -324,        /* two step ids share a hash: rename one; or an id is NULL or empty */
    INNGEST_ERR_RESULT_SIZE = -325,    /* limit INNGEST_RESULT_BYTES: result or progress too large; of inngest_complete INNGEST_EVENT_BYTES */
    INNGEST_ERR_RUN_BYTES = -326,      /* limit journal_bytes: the run used up its reservation; or, in a firmware that reserves more for all runs
                                          than the journal has, what there is */
    INNGEST_ERR_NOT_IN_STEP = -327,    /* a call for step bodies outside one */
    INNGEST_ERR_CRASHED = -328,        /* INNGEST_CRASH_LIMIT resets were pinned on this run */
    INNGEST_ERR_INTERRUPTED = -329,    /* an at-most-once body was interrupted by a reset */
    INNGEST_ERR_PARALLEL = -330,       /* inngest_all or inngest_any without inngest_parallel, one group inside another,
                                          or a handler that ended inside one */
    INNGEST_ERR_RESTART = -331,        /* inngest_step_restart, and the port has no restart */
    /* refusals of a send */
    INNGEST_ERR_QUEUE_FULL = -340,
    INNGEST_ERR_EVENT_SIZE = -341,     /* limit INNGEST_EVENT_BYTES: name and data too large */
    INNGEST_ERR_NAME = -342,           /* NULL, empty, or starts with "inngest/" */
    INNGEST_ERR_NOT_READY = -343,      /* before inngest_init or after inngest_close */
    INNGEST_ERR_STALE_TOKEN = -344,    /* of a step that is over */
    INNGEST_ERR_JOURNAL_FULL = -345,   /* reservations leave no room: kept in the queue until a run ends */
    INNGEST_ERR_RUNS_FULL = -346,      /* limit runs: kept in the queue until a run ends */
    INNGEST_ERR_SEEN_FULL = -347,      /* limit INNGEST_SEEN_IDS: kept in the queue until an id expires */
    INNGEST_ERR_BUSY = -348,           /* called inside user code, or from a second context */
    /* init */
    INNGEST_ERR_MEMORY = -360,         /* memory NULL, misaligned or smaller than INNGEST_MEMORY says */
    INNGEST_ERR_TABLE_ID = -361,       /* a function without an id */
    INNGEST_ERR_TABLE_DOUBLE = -362,   /* two functions with one id (or ids that share a hash) */
    INNGEST_ERR_TABLE_EVENT = -363,    /* no trigger event, one that none can be (inngest/..., too long), or a wildcard that is not the end, behind '/' or '.' */
    INNGEST_ERR_TABLE_HANDLER = -364,  /* no handler */
    INNGEST_ERR_TABLE_FAN_OUT = -365,  /* limit INNGEST_FAN_OUT, or runs: more functions fit one event */
    INNGEST_ERR_TABLE_BYTES = -366,    /* journal_bytes below 32; or the runs that one event starts need more than the capacity, or a block */
    INNGEST_ERR_TABLE_BACKOFF = -367,  /* backoff and backoff_count contradict each other */
    INNGEST_ERR_GEOMETRY = -368,       /* block size, count or program size out of range */
    INNGEST_ERR_FOREIGN = -369,        /* the storage is not blank and holds no journal: inngest_format it knowingly */
    INNGEST_ERR_VERSION = -370,        /* a journal of a newer version or with features this build lacks */
    INNGEST_ERR_OTHER_GEOMETRY = -371, /* a journal made for other block or program sizes */
    INNGEST_ERR_MISMATCH = -372,       /* the caller was compiled with another inngest.h or configuration */
    /* the port */
    INNGEST_ERR_READ = -380,
    INNGEST_ERR_PROGRAM = -381,
    INNGEST_ERR_ERASE = -382,
    INNGEST_ERR_SYNC = -383,           /* fatal to this mount: close and init again */
    INNGEST_STATUS_INT_ = INT_MAX      /* none: makes the type an int, however the compiler packs others */
} inngest_status;

/* Return on anything but done / on what is not decided. */
#define INNGEST_TRY(call) \
    do { inngest_status inngest_try_ = (call); if (inngest_try_ != INNGEST_OK) return inngest_try_; } while (0)
#define INNGEST_CATCH(status, call) \
    do { (status) = (call); if ((int)(status) > 0) return (status); } while (0)

#define INNGEST_SECONDS(n) ((int64_t)(n) * 1000)
#define INNGEST_MINUTES(n) ((int64_t)(n) * 60000)
#define INNGEST_HOURS(n)   ((int64_t)(n) * 3600000)
#define INNGEST_DAYS(n)    ((int64_t)(n) * 86400000)

/* Give the name of a status without its prefix: "OK"; "" for a value that is none. Interrupts: yes. Pure. */
const char *inngest_status_name(inngest_status status);

/* ---- the port: what the library needs from the machine --------------------------------------------------------- */

/* All calls give 0 or a negative number of the port's own, kept for inngest_counters.port_error. program and
 * erase may give INNGEST_PORT_BUSY: the same call is repeated until it gives something else, an erase by later
 * ticks where the work at hand does not need it at once.
 *
 * What the storage must do (port/template explains each):
 *   - program is called once at most for each program_size bytes between two erases, aligned to it;
 *   - program goes through its units in ascending order, each is whole before the next is begun;
 *   - an interrupted program or erase may leave what it touched in any state, and only that;
 *   - after sync (or at once where sync is NULL) what was programmed survives power loss. */
#define INNGEST_PORT_BUSY 1

typedef struct inngest_port {
    void *context;                                                     /* handed to each call */
    int (*read)(void *context, uint32_t address, void *data, uint32_t size);   /* may fail (ECC): tried 3 times, then taken as torn */
    int (*program)(void *context, uint32_t address, const void *data, uint32_t size);
    int (*erase)(void *context, uint32_t address);                     /* the block that begins there */
    int (*sync)(void *context);                                        /* NULL: what is programmed is durable */
    bool (*is_blank)(void *context, uint32_t address, uint32_t size);  /* NULL: blank reads as 0xFF */
    void (*wake)(void *context);                /* NULL: none; called by send, in its context */
    void (*lock)(void *context);                /* NULL: none; needed by RTOS tasks where there is no compare-and-swap */
    void (*unlock)(void *context);
    void (*log)(void *context, const char *text);   /* NULL: none; a message a second at most */
    void (*idle)(void *context);                /* NULL: none; called during long work: watchdog */
    uint32_t (*now)(void *context);             /* NULL: none; ms, the clock that ticks are told: for bodies that take long, see inngest_tick */
    bool (*may_write)(void *context);           /* NULL: always; false puts a tick's work off and is counted; flush, cancel, close and init write */
    void (*restart)(void *context);             /* NULL: inngest_step_restart is refused */
    uint32_t block_size;                        /* bytes erased at once: a power of two, 512..262144 */
    uint32_t block_count;                       /* 2..65535; at most 2^24 units of program_size, 4 at least: 64 MiB or more */
    uint16_t program_size;                      /* bytes programmed at least: 1, 2, 4, 8, 16 or 32 */
} inngest_port;

/* ---- functions ------------------------------------------------------------------------------------------------- */

typedef struct inngest inngest;
typedef struct inngest_ctx inngest_ctx;
typedef inngest_status inngest_handler(inngest_ctx *ctx);
typedef inngest_status inngest_step_fn(inngest_ctx *ctx, const void *arg, void *result);
typedef bool inngest_predicate(void *user, const void *data, size_t size);

typedef struct inngest_function {
    const char *id;               /* renaming it makes another function */
    const char *event;            /* exact, or a wildcard for one byte or more after '/' or '.': "app/user.*" */
    inngest_handler *handler;
#if INNGEST_ON_FAILURE
    inngest_handler *on_failure;  /* NULL: none; it and its steps have one retry, as in Inngest, but for a step's own max_attempts */
#endif
    inngest_predicate *when;      /* NULL: always; called before the event is journaled, again while that waits for room. It looks, and
                                   * does nothing else: one that has written what resets it cannot be told */
    const uint32_t *backoff;      /* seconds, the last one repeated; NULL: Inngest's table */
    uint32_t jitter_ms;           /* 0: Inngest's 30,000; INNGEST_NO_JITTER: none; added at random to each backoff */
    uint16_t journal_bytes;       /* reserved when a run starts; 0: INNGEST_RUN_BYTES */
    uint8_t backoff_count;
    uint8_t max_attempts;         /* of each step, and of the handler in all, whatever steps succeed between; 0: 5 as in Inngest; 1: no retry */
} inngest_function;
#define INNGEST_NO_JITTER UINT32_MAX

typedef struct inngest_step_options {
#if INNGEST_LONG_STEPS
    uint32_t timeout_ms;          /* of one attempt in progress (AGAIN, PENDING); 0: none; at most 2^31 - 1 (24 days) */
#endif
    uint8_t max_attempts;         /* 0: the function's */
#if INNGEST_LONG_STEPS
    bool intent;                  /* a record before the body: inngest_began is exact */
    bool at_most_once;            /* a body that a reset interrupted fails instead of being called again */
#endif
} inngest_step_options;

/* ---- what can be observed -------------------------------------------------------------------------------------- */

typedef enum inngest_wait {       /* why a run is not running */
    INNGEST_WAIT_NONE,            /* it is runnable: the next tick goes on with it */
    INNGEST_WAIT_SLEEP,           /* for deadline_in_ms */
    INNGEST_WAIT_RETRY,           /* a step or the handler failed; for deadline_in_ms */
    INNGEST_WAIT_CLOCK,           /* a date, and the wall clock is not known */
    INNGEST_WAIT_STEP,            /* a step is in progress: AGAIN or PENDING */
    INNGEST_WAIT_ROOM,            /* the journal, the run table or the steps in progress are full */
    INNGEST_WAIT_FUNCTION,        /* parked: its function is not in the table */
    INNGEST_WAIT_MEMO,            /* parked: a memo is of another kind or longer than its buffer, or of a part that this build leaves out */
    INNGEST_WAIT_DAMAGE,          /* parked: its records are damaged */
    INNGEST_WAIT_SUSPECT          /* after a crash runs go on one at a time, and it is not this one's turn */
} inngest_wait;

typedef enum inngest_phase { INNGEST_PHASE_HANDLER, INNGEST_PHASE_ON_FAILURE, INNGEST_PHASE_CANCELLING } inngest_phase;

typedef struct inngest_run_info {
    uint64_t id;                  /* high half: the journal's, set at format; low half: counting */
    const char *function;         /* id, or NULL if it is not in the table */
    inngest_phase phase;
    inngest_wait wait;
    uint8_t attempt;              /* of what it waits for, from 0 */
    int64_t deadline_in_ms;       /* from the last tick; 0: past; INT64_MAX: none */
    uint32_t journal_bytes;       /* used, at most */
    uint32_t reserved_bytes;      /* the function's, and room for its event and for failing */
} inngest_run_info;

typedef struct inngest_error_info {
    inngest_status status;        /* INNGEST_FAIL for a user's failure, else the mistake or limit */
    int32_t code;                 /* the user's */
    char message[INNGEST_MESSAGE_BYTES + 1];   /* the user's, cut to fit; or the step's id or the path concerned */
} inngest_error_info;

#if INNGEST_HOOKS
typedef struct inngest_end_info {
    uint64_t id;
    const char *function;
    inngest_status status;        /* INNGEST_OK, INNGEST_FAIL or INNGEST_CANCELLED */
    const inngest_error_info *error;   /* NULL if it ended well; of on_failure, where that failed, too */
} inngest_end_info;

/* Hooks are user code: they may call what is allowed there and must not block. Any may be NULL. Step ids are cut to
 * INNGEST_MESSAGE_BYTES. */
typedef struct inngest_hooks {
    void (*run_start)(void *user, uint64_t run, const char *function);         /* before each pass but those in which steps in progress are told of its end */
    void (*run_pause)(void *user, uint64_t run, inngest_status status);        /* after each pass that it waits behind */
    void (*run_end)(void *user, const inngest_end_info *info);                 /* before that is on record: at least once a run, unless resets cut each try short */
    void (*step_start)(void *user, uint64_t run, const char *step, int attempt);   /* before each call of its body */
    /* status: OK, RETRY, STEP_FAILED, LOST or CANCELLED; retry_in_ms: -1 but for RETRY. A step that is completed from outside ends
     * in a pass without its step_start; one that fails the run at once (a mistake, a limit) has no step_end. */
    void (*step_end)(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in_ms);
    void (*step_memo)(void *user, uint64_t run, const char *step, inngest_status status);   /* a result came from the journal */
} inngest_hooks;
#endif

typedef struct inngest_counters {  /* since init; they stop at their maximum and never wrap. Without compare-and-swap
                                    * a refusal that interrupts the count of another may count as one with it */
    uint32_t events, duplicates, unmatched;       /* journaled, those of inngest_step_send, too; seen before; wanted by none */
    uint32_t refused_full, refused_size, refused_name, refused_not_ready;   /* by send, and by complete */
    uint32_t stale_tokens, unpublished;           /* completions refused; slots claimed and not published when looked at */
    uint32_t waiting_journal, waiting_runs, waiting_seen;   /* times that the oldest event, or a step that sends one, found no room */
    uint32_t runs_started, runs_ended, runs_failed, runs_cancelled;
    uint32_t steps_run, steps_failed, memos;      /* bodies called, attempts that failed, results taken from the journal */
    uint32_t records, erases, carried;            /* journal */
    uint32_t torn, damaged, lost_runs;            /* found by the mount; damaged: by reclaim, too, and cells that a cut left between two states */
    uint32_t crashes;                             /* resets pinned on a run at this boot; and events whose predicate is not called any more */
    uint32_t put_off;                             /* ticks, and clocks told, at which may_write said no */
    uint32_t port_errors;
    int32_t port_error;                           /* the port's own number of the last one */
} inngest_counters;

/* ---- memory: all of it the caller's ---------------------------------------------------------------------------- */

#if INNGEST_WORD_BITS == 32
typedef uint32_t inngest_word;
#elif INNGEST_WORD_BITS == 16
typedef uint16_t inngest_word;
#else
typedef uint8_t inngest_word;
#endif

typedef struct inngest_token { uint32_t run, attempt; } inngest_token;   /* a step in progress, in this boot */

typedef struct inngest_slot {      /* one place of the queue; internal */
    inngest_word sequence;         /* with claim: who may touch it */
#if INNGEST_SLOT_CLAIM
    inngest_word claim;
#endif
    uint32_t what;                 /* its kind, bytes of its name or the status of a completion, bytes of data */
    union {
        const char *name;
#if INNGEST_WALL_CLOCK || INNGEST_SEEN_IDS
        struct {                   /* of an event with a name of its own, which data begins with */
#if INNGEST_WALL_CLOCK
            uint32_t ts[2];        /* halves, low first */
#endif
#if INNGEST_SEEN_IDS
            uint32_t id_hash[2];
#endif
        } full;
#endif
#if INNGEST_LONG_STEPS
        inngest_token token;       /* of a completion */
#endif
    } of;
#if INNGEST_CACHE_LINE
    uint8_t data[(INNGEST_EVENT_BYTES + 23 + INNGEST_CACHE_LINE) / INNGEST_CACHE_LINE * INNGEST_CACHE_LINE - 24];
#else
    uint8_t data[INNGEST_EVENT_BYTES];
#endif
} inngest_slot;

typedef struct inngest_run {       /* one place of the run table; internal */
    uint32_t number;               /* 0: free */
#if UINTPTR_MAX > 0xFFFFFFFF
    uint32_t last;                 /* log position of its newest record */
    int64_t due;                   /* its deadline in journal ms */
#else
    uint32_t due;                  /* ... 48 bits of it */
    uint32_t last;
    uint16_t due_high;
#endif
    uint16_t function;             /* index, or 0xFFFF */
    uint16_t used, reserved;       /* journal bytes / 4 */
    uint16_t flags;
#if INNGEST_INDEXES
    uint16_t oldest;               /* low bits of the oldest block that may hold records of it */
    uint16_t memos;                /* steps of this phase on record */
#endif
    uint8_t state, phase;
#if INNGEST_INSPECT
    uint8_t attempt;
#endif
#if INNGEST_CRASHES
    uint8_t crashes;
#endif
} inngest_run;

#if INNGEST_MANY_RUNS
typedef uint32_t inngest_index;    /* a place in the run table; internal */
#else
typedef uint16_t inngest_index;
#endif

typedef struct inngest_active {    /* a step in progress; internal */
    inngest_index run;             /* its place in the run table, from 1; 0: free */
    uint16_t size;                 /* of the step's result */
    uint32_t step : 24, how : 3, began : 2, timed : 1, shared : 1;   /* how: low bits of AGAIN or PENDING, or of how it was completed */
    uint32_t calls;
    uint32_t next, timeout;        /* low 32 bits of journal ms; its token: timeout if it has none, else next, which is shared then */
} inngest_active;

typedef struct inngest_seen {      /* an event id; internal */
    int64_t until;
    uint32_t hash[2];
    uint32_t position;             /* 0: free */
} inngest_seen;

/* A pass: one execution of a handler; internal. Bytes first, then words: short instructions reach them. */
struct inngest_ctx {
    uint8_t attempt, began;
    bool open, in_body;            /* a body runs; as a function */
    bool told;                     /* the user has set error */
    bool waiting;                  /* a step is not decided */
    bool parallel, decided;        /* in a group; that has a winner */
    bool stuck;                    /* a step found no room: not before its time */
    uint8_t id_count, winner;
    uint8_t max_attempts;          /* of the step's options */
#if INNGEST_INDEXES
    bool known;                    /* the step is one on record */
#endif
#if INNGEST_LONG_STEPS
    bool ending;                   /* only to tell steps in progress that the run ends */
    uint8_t stop;
#endif
    uint16_t size;                 /* of the step's result */
    uint16_t old;                  /* bytes of the record that the step's next one supersedes */
#if INNGEST_INDEXES
    uint16_t met;                  /* steps on record that this pass has come by */
#endif
    inngest *jobs;
    inngest_run *run;
    const inngest_function *function;   /* NULL: not in the table */
    void *result;
    uint32_t step, group;
    int stopped;                   /* an inngest_status: what every further step call gives */
    uint32_t retry_in;             /* ms; UINT32_MAX: the backoff decides */
    int64_t wake;
#if INNGEST_LONG_STEPS
    inngest_active *active;        /* of the step */
    uint32_t timeout, again;
#endif
#if INNGEST_INDEXES
    uint32_t ahead;                /* behind the memo met last; 0: none yet */
#endif
#if INNGEST_TRAIL_STEPS
    uint32_t trail_at, trail_end;  /* of jobs->trail, backwards: the next one, the last one */
    uint32_t trail_of;             /* the tail block it was made for, + 1; 0: there is none */
#endif
    inngest_error_info error;
    char id[INNGEST_MESSAGE_BYTES + 1];   /* last: of it a pass clears the first byte alone */
};

/* Bytes of memory for this many runs and queue slots (the queue's a power of two). A constant expression. */
#define INNGEST_MEMORY(runs, events) \
    (((runs) * (sizeof(inngest_run) + (INNGEST_INDEXES ? 4 * sizeof(inngest_index) : 0)) + 7) / 8 * 8 + (events) * sizeof(inngest_slot) + INNGEST_CACHE_LINE)

typedef enum inngest_reset {       /* what made the machine start, where it is known */
    INNGEST_RESET_UNKNOWN,         /* as a watchdog: a run that was on its own pays */
    INNGEST_RESET_POWER_ON,        /* charges nobody */
    INNGEST_RESET_CRASH
} inngest_reset;

typedef struct inngest_config {
    const inngest_function *functions;
    const inngest_port *port;      /* must stay */
#if INNGEST_HOOKS
    const inngest_hooks *hooks;    /* NULL: none; must stay */
#endif
    void *user;                    /* for inngest_user, predicates and hooks */
    void *memory;                  /* aligned for int64_t; must stay */
    size_t memory_size;            /* bytes: INNGEST_MEMORY(runs, events) at least */
    uint16_t function_count;
    uint32_t runs;                 /* live at once: 1..65534; with INNGEST_MANY_RUNS 1..4,000,000 */
    uint32_t events;               /* queue slots: a power of two, 2..32768; 2..16384 where INNGEST_WORD_BITS is 16, 2..64 where it is 8; with
                                    * INNGEST_LONG_STEPS one is kept for completions */
    inngest_reset reset;
    uint32_t seed;                 /* for jitter and for the journal's half of run ids; anything that differs */
} inngest_config;

/* The engine. Allocate it statically or anywhere; touch nothing in it. */
struct inngest {                   /* what is used most stands first, bytes before words: short instructions reach it */
    uint8_t unit_shift, units_shift, unit, first_offset;   /* unit: of positions, in bytes; how many a block has; where its first record begins */
    bool busy, unread, clean, stopped, failed, doubtful, wary, trusted, stale, opening, dirty, wrote, ticked;
    bool in_group, wasted, copies_only;   /* wasted: programs failed since the last reclaim; the last block holds nothing but copies of this boot */
    bool waits;                    /* the queue's oldest event, for room */
#if INNGEST_FAST_MOUNT
    bool sparse;                   /* little is live */
#endif
    bool dated;                    /* the newest TIME is of an earlier boot, and knows the wall clock */
#if INNGEST_WALL_CLOCK
    bool wall_known, is_told, wall_moved;   /* moved: in this pass */
    bool was_known;                /* ... in an earlier boot, and the time off since then has not been made good */
#endif
#if INNGEST_LONG_STEPS
    bool wanting;                  /* a run waits for a place among the steps in progress */
#if UINTPTR_MAX > 0xFFFFFFFF
    uint8_t active_count;          /* steps in progress */
#endif
#endif
#if INNGEST_CRASHES
    uint8_t guarded, poison_count; /* events whose predicates are still called behind a record */
    uint16_t poison_row;           /* crashes of predicates in a row */
#endif
#if INNGEST_CACHE_LINE
    uint8_t apart[INNGEST_CACHE_LINE];
#endif
    uint32_t ready;                /* READY while mounted */
    const inngest_port *port;
    inngest_slot *slots;           /* of the queue */
    uint16_t slot_mask, function_count;
#if INNGEST_CACHE_LINE
    uint8_t apart_from_tail[INNGEST_CACHE_LINE];
#endif
    inngest_word tail;             /* senders write it */
#if INNGEST_CACHE_LINE
    uint8_t apart_from_head[INNGEST_CACHE_LINE];
#endif
    inngest_word head;
#if UINTPTR_MAX > 0xFFFFFFFF
    inngest_slot *oldest_slot;     /* that of head */
#endif
    inngest_index run_count, live_runs;
    uint16_t passes;               /* of this tick */
    uint16_t largest;              /* bytes of the largest record of a live run, as the mount found it: another firmware may have larger limits */
    inngest_run *runs;
    uint32_t block_count;          /* the port's */
    uint32_t tail_block, head_block, last_block;   /* sequence numbers: oldest, written to, newest erased */
    uint32_t head_offset;
#if UINTPTR_MAX > 0xFFFFFFFF
    uint32_t ring_mask;            /* of an address, where the number of blocks is a power of two; else 0 */
    uint32_t near_end;             /* of a block: up to there the head has room for a tick's small records */
    uint32_t capacity;             /* bytes that reservations of any firmware may take */
    uint32_t spare, spare_for;     /* spare blocks, as counted for reservations of so many bytes - 1; 0: not yet */
#endif
    uint32_t newest, written;      /* the newest group; the record written last, in a mount the newest group that no void stands in front of */
    uint32_t failed_from;          /* position of the group that failed and is not void yet, 0: none */
    uint32_t next_run, reserved, time_position;
#if INNGEST_FAST_MOUNT
    uint32_t scanned_from;         /* position: what stands in front of it the mount left out */
    uint32_t list;                 /* position of the newest list of all that counts, 0: none */
#endif
#if INNGEST_CRASHES
    uint32_t alone;                /* the suspect that goes on alone */
#endif
    uint32_t format;               /* the journal's half of run ids */
    const inngest_function *functions;
    uint32_t failed_at;            /* position of a program that failed and was not looked at since, 0: none */
    uint32_t synced;               /* position, what stands before it is durable */
    uint32_t last_tick;
    uint32_t unsure;               /* the last block that was erased before this boot: earlier ones may have begun it unseen */
    uint32_t seed;                 /* the format's checksum, with which those of records begin */
    uint32_t group_from;           /* position of the group being written */
    uint32_t random;
    void *user;
#if INNGEST_HOOKS
    const inngest_hooks *hooks;
#endif
#if INNGEST_INDEXES
    uint32_t copied, copy;         /* positions: what the tail block holds up to there has been copied; a copy whose original is to be found, 0: none */
    uint32_t carry_from;           /* position in the tail block: in front of it nothing is left to copy */
    uint32_t head_end;             /* offset in the head's block: up to there it has been erased in this boot, or looked at */
    uint32_t window;               /* blocks: so far behind the head the tail follows it */
#endif
#if INNGEST_LONG_STEPS
    uint32_t woken;
#endif
#if INNGEST_INDEXES
    uint32_t hash_mask;
    inngest_index *tree, *heads, *next, *again;   /* a place each a run: by deadline, by number, chains, goes on */
    uint32_t free_place, again_count;
#endif
    int64_t now;                   /* journal ms */
    int64_t booted, stamp;
#if INNGEST_INDEXES
    int64_t quiet_until;           /* nothing is due before that, but for what comes */
#endif
#if INNGEST_WALL_CLOCK
    int64_t wall_offset;           /* unix ms - journal ms; before it is known, as the newest TIME says */
    int64_t told, wall_stamped;    /* as told and not taken yet; as in the newest TIME of this boot */
    uint32_t boot_position;
#endif
#if INNGEST_LOG
    uint32_t said;
#endif
#if INNGEST_LONG_STEPS
    uint32_t token;
#endif
#if INNGEST_CRASHES
    uint32_t alone_until;
    uint32_t poison, arms;         /* event that crashed a predicate; counts runs put on their own */
#endif
#if INNGEST_SEEN_IDS
    inngest_seen seen[INNGEST_SEEN_IDS];
#endif
#if INNGEST_LONG_STEPS
    inngest_active active[INNGEST_ACTIVE_STEPS];
#endif
    inngest_ctx ctx;               /* of the pass */
#if INNGEST_LONG_STEPS
    inngest_error_info end_error;  /* of a run that ends, while its steps in progress are told */
#endif
    uint32_t pass_ids[INNGEST_STEP_IDS];
    uint16_t pass_counts[INNGEST_STEP_IDS];
#if INNGEST_INSPECT
    inngest_counters counters;
#endif
    uint32_t stage[(INNGEST_STAGE_BYTES + (INNGEST_TRAIL_STEPS ? 32 : 0)) / 4];   /* more where a record is read in as few reads as can be */
    uint8_t void_count, voids_needed;   /* kept from here on when a mount starts over */
    bool doubted, distrusted;
    uint32_t voids[8][2];          /* positions, from and to, that a mount takes for torn */
#if INNGEST_TRAIL_STEPS
    bool placed[INNGEST_TRAIL_STEPS];         /* of 8 places each: they have been cleared */
    uint32_t trail[INNGEST_TRAIL_STEPS][2];   /* step, position; from here on a mount clears nothing */
    uint32_t places[8 * INNGEST_TRAIL_STEPS][2];   /* position, bytes */
#endif
};

/* ---- life ------------------------------------------------------------------------------------------------------ */

/* "What it writes" below leaves out what reclaim adds, and only when the head has no room: for each record written at most
 * one block's live records, their proof, one erase and one block header; and where runs that sleep fill the oldest blocks, so that
 * those give no room, the same for each of these first, one after the other: at worst for as many as all that is live fills. */

/* Mount the journal and take up its runs. A blank storage is formatted; storage that is foreign, newer or of another
 * geometry is refused and not touched. *index (may be NULL) gets the function that a table error is about; of several, the first; no other status says anything by it.
 * Interrupts: no. Reads 24 to 88 bytes of each block, and of the newest, where it is of more than 8 KiB, up to 544 bytes each 4 KiB, until
 * a list is found; what was written behind that list of all that counts, up to 8 KiB, or 64 times as much as it takes, 4 bytes for each
 * run and id; what is left of a block and one more, which are to be blank, of larger ones on flash the next 4 KiB and a unit each 512
 * bytes; the whole journal without INNGEST_FAST_MOUNT, where more than an eighth of it is live, or where a list or what it names cannot
 * be read; then each live run's records. Writes: the newest group again, unless the stop was clean; erases what a reset kept from being
 * erased. Where boots cut short one after the other have begun all erased blocks in vain: both twice, and those blocks erased. Any status of init, of the table, of the port;
 * ARGUMENT: functions, port, read, program or erase NULL, or runs or events out of range; or RUNS_FULL: the journal holds
 * more live runs than config.runs. */
INNGEST_MUST_USE inngest_status inngest_init_(inngest *jobs, const inngest_config *config, uint16_t *index,
                                              size_t sizes);
#define inngest_init(jobs, config, index) inngest_init_(jobs, config, index, INNGEST_SIZES_)
#define INNGEST_SIZES_ /* of what a program and its library must see alike */ \
    (sizeof(inngest) + sizeof(inngest_slot) + sizeof(inngest_function) + sizeof(inngest_step_options) + INNGEST_EVENT_BYTES)

/* Erase every block of the storage, so that the next init formats it: all that it held is gone. Interrupts: no. No
 * engine may be mounted. Waits for each erase: 1 ms to 2 s a block on flash. OK, ARGUMENT, or the port's ERASE or SYNC. */
INNGEST_MUST_USE inngest_status inngest_format(const inngest_port *port);

/* Do what is due: journal queued events, run handlers. Gives the ms until something is due; 0: call again at once, if
 * only to reclaim and erase ahead of need while nothing else is to be done; UINT32_MAX: nothing is due, until an event,
 * a completion or a wake comes; or nothing was done: not mounted, in user code, after a failed sync or a restart that came back. now_ms may wrap;
 * call at least once in 24 days, also where nothing is due: what passed between is not counted else. Where it goes back, time
 * stands still until it is where it was; by more than a day, time goes on from there. Waits begin where the body in front of
 * them is over, and what is given counts from the end of the tick, if port.now tells when that is. Without it both count from
 * now_ms: a sleep, a retry or a timeout is shorter by what bodies took before it in its tick. Interrupts: no.
 * Bounded by INNGEST_TICK_PASSES passes and the queue, each of whose records may have to reclaim a block first (and blocks full of
 * runs that sleep in front of it): copy what is live in it, and erase. On flash of 8 blocks or more of which live runs hold a
 * sixteenth at most, ticks do that ahead of need: each copies one record, or erases one block. Failures of the port are counted,
 * and tried again a second later; after a failed sync nothing more is written (close, and init again). */
uint32_t inngest_tick(inngest *jobs, uint32_t now_ms);

/* Journal all queued events and sync. Interrupts: no. OK: every event accepted so far is durable; else the
 * refusal that keeps the oldest one waiting (RUNS_FULL, JOURNAL_FULL, SEEN_FULL), the port's failure, NOT_READY or
 * BUSY: in user code, or a thread is in the middle of a send, in front of events of others: let it run, and flush again.
 * Writes: a record a started run and one an event id; with the first id in a boot that does not know the wall clock, and where none was
 * written for INNGEST_HEARTBEAT_MS, one of the time, too. Without port.now an id counts from the newest tick on. */
INNGEST_MUST_USE inngest_status inngest_flush(inngest *jobs);

/* Tell that at now_ms, on the clock that ticks are told, the unix time in ms was unix_ms (1970 to the year 6429). As
 * often as you like, and tick after it: the first time in a boot the time spent off is made good for relative sleeps;
 * sleeps until a date look again. Counts from a later tick where may_write says no or the storage fails. A moment before
 * the newest tick is fine; an impossible time is ignored. Time off is made good as exactly as the clock was told, to a
 * second; not across a boot in which a wait began, an event id came or a stamp was written and no clock was known. Interrupts: no; inside
 * user code: yes. Writes: one record, where the clock was unknown or went more than
 * a second wrong; the first time in a boot also one for each sleep, retry and event id that began in it: power lost between these
 * leaves waits of this boot late, by the time off at most. */
#if INNGEST_WALL_CLOCK
void inngest_set_wall_clock(inngest *jobs, int64_t unix_ms, uint32_t now_ms);
#endif

/* Stop in order: journal queued events, stamp the time, sync, refuse further sends. The next boot charges nobody.
 * Interrupts: no. Writes: as flush, and one record. As flush; the engine is closed whatever comes back but BUSY, in user code. */
INNGEST_MUST_USE inngest_status inngest_close(inngest *jobs);

/* ---- from anywhere, interrupts too ----------------------------------------------------------------------------- */

/* Put an event into the queue. Copies the data, at most INNGEST_EVENT_BYTES with the name; never waits, never masks
 * interrupts, never touches storage. The name is a string literal. Interrupts: yes. OK, QUEUE_FULL, EVENT_SIZE,
 * NAME, ARGUMENT (NULL data of a size, an impossible time) or NOT_READY; refusals but ARGUMENT are counted. */
#define inngest_send(jobs, name, data, size) inngest_send_(jobs, "" name "", data, size, INNGEST_ROOM_("" name ""))
INNGEST_MUST_USE inngest_status inngest_send_(inngest *jobs, const char *name, const void *data, size_t size, size_t room);

/* The name is looked at where it is compiled: 1 more than the bytes it leaves for data; 0: it is to be refused. */
#define INNGEST_ROOM_(name) (sizeof(name) < 2 || sizeof(name) > 256 || sizeof(name) > INNGEST_EVENT_BYTES + 1 || INNGEST_RESERVED_(name) ? \
    0 : INNGEST_EVENT_BYTES + 2 - sizeof(name))
#define INNGEST_DIFFERS_(name, i, c) ((name "       ")[i] ^ (c))
#define INNGEST_RESERVED_(name) ((INNGEST_DIFFERS_(name, 0, 'i') | INNGEST_DIFFERS_(name, 1, 'n') | INNGEST_DIFFERS_(name, 2, 'n') | \
    INNGEST_DIFFERS_(name, 3, 'g') | INNGEST_DIFFERS_(name, 4, 'e') | INNGEST_DIFFERS_(name, 5, 's') | \
    INNGEST_DIFFERS_(name, 6, 't') | INNGEST_DIFFERS_(name, 7, '/')) == 0)

typedef struct inngest_event {
    const char *name;             /* copied */
    const void *data;
    size_t size;
#if INNGEST_SEEN_IDS
    const char *id;               /* NULL or empty: none; the same id, whatever the name, within INNGEST_SEEN_MS starts
                                   * no second run; INNGEST_SEEN_IDS of them at a time: one more stops ALL events
                                   * until the oldest expires. Powered time: where no wall clock is told, time off does not count */
#endif
#if INNGEST_WALL_CLOCK
    int64_t ts;                   /* unix ms, to the year 6429; 0: none; a future one delays the start, and any one until the wall clock is known */
#endif
} inngest_event;

/* The same with a name that is copied, an id and a time; ARGUMENT also for a time out of range. Interrupts: yes. */
INNGEST_MUST_USE inngest_status inngest_send_event(inngest *jobs, const inngest_event *event);

/* Call all bodies that gave inngest_again at the next tick, and make the port's wake be called. Interrupts: yes. */
void inngest_wake(inngest *jobs);

#if INNGEST_LONG_STEPS
/* End a step that gave INNGEST_PENDING: with OK and its result, or with RETRY or FAIL. Copies, never waits; goes
 * through the queue, ahead of events that wait for room. At most INNGEST_EVENT_BYTES. Interrupts: yes. ARGUMENT, QUEUE_FULL (until a tick takes some),
 * RESULT_SIZE or NOT_READY; STALE_TOKEN for an empty one. A token of a step that is over is refused by the tick and
 * counted; a result larger than the step's fails the run. */
INNGEST_MUST_USE inngest_status inngest_complete(inngest *jobs, inngest_token token, inngest_status status,
                                                 const void *result, size_t size);
#endif

/* ---- inside a handler: steps ----------------------------------------------------------------------------------- */

/* Run fn once. size bytes at result are zeroed, filled by fn, recorded; at replay they come back. All step calls:
 * interrupts: no. They look through the run's records, twice at most. They write one record at most, with options.intent
 * two, and a sleep that is over at once; a restart, and the first wait of a boot that does not know the wall clock, one of the time too; a send one more for each
 * run that it starts; plus what reclaim carries. */
INNGEST_MUST_USE inngest_status inngest_step_run(inngest_ctx *ctx, const char *id, inngest_step_fn *fn,
                                                 const void *arg, void *result, size_t size);
INNGEST_MUST_USE inngest_status inngest_step_run_with(inngest_ctx *ctx, const char *id,
                                                      const inngest_step_options *options, inngest_step_fn *fn,
                                                      const void *arg, void *result, size_t size);

/* Sleep for ms (0..366 days) of journal time, never less; or until a unix time, which waits for a known wall clock
 * and goes on at once if it is past. Out of range: INNGEST_ERR_ARGUMENT, and the run fails. */
INNGEST_MUST_USE inngest_status inngest_step_sleep(inngest_ctx *ctx, const char *id, int64_t ms);
#if INNGEST_WALL_CLOCK
INNGEST_MUST_USE inngest_status inngest_step_sleep_until(inngest_ctx *ctx, const char *id, int64_t unix_ms);
#endif

#if INNGEST_SEND_STEP
/* Send an event, exactly once: the runs it starts and this step's memo are one group in the journal. Where there
 * is no room for them, the run waits (INNGEST_WAIT_ROOM), and keeps its own: runs that hold all room wait for each other until one is
 * cancelled. The name is copied. */
INNGEST_MUST_USE inngest_status inngest_step_send(inngest_ctx *ctx, const char *id, const char *name,
                                                  const void *data, size_t size);
#endif

#if INNGEST_RESTART
/* Reset the machine on purpose, through port->restart. Recorded first, behind the events that were sent before and have room; OK in
 * any later boot. The journal is stopped in order, so nobody is charged for it. */
INNGEST_MUST_USE inngest_status inngest_step_restart(inngest_ctx *ctx, const char *id);
#endif

/* Inline steps. The variable is zeroed, the body runs, its bytes are recorded; on replay they come back.
 * `continue` ends the step well; returning a status fails or pauses it, as from a function; leaving the body by
 * break, goto or returning INNGEST_OK is an error that names the step. */
#define INNGEST_STEP(ctx, id, var)               INNGEST_STEP_(ctx, id, NULL, &(var), sizeof(var))
#define INNGEST_STEP_WITH(ctx, id, options, var) INNGEST_STEP_(ctx, id, options, &(var), sizeof(var))
#define INNGEST_DO(ctx, id)                      INNGEST_STEP_(ctx, id, NULL, NULL, 0)
#define INNGEST_DO_WITH(ctx, id, options)        INNGEST_STEP_(ctx, id, options, NULL, 0)
#define INNGEST_STEP_(ctx, id, options, ptr, size) \
    for (inngest_status inngest_step_in_step_ = inngest_step_begin_(ctx, id, options, ptr, size); \
         inngest_step_in_step_ != INNGEST_OK; inngest_step_in_step_ = inngest_step_close_(ctx, inngest_step_in_step_)) \
        if (inngest_step_in_step_ != INNGEST_BODY) return inngest_step_in_step_; else

/* The same without a hidden return, for catching and for branches: the status is left in st; in the body
 * `st = inngest_retry(...)` and the like fail it. */
#define INNGEST_STEP_AS(st, ctx, id, var) INNGEST_STEP_AS_(st, ctx, id, NULL, &(var), sizeof(var))
#define INNGEST_DO_AS(st, ctx, id)        INNGEST_STEP_AS_(st, ctx, id, NULL, NULL, 0)
#define INNGEST_STEP_AS_(st, ctx, id, options, ptr, size) \
    for ((st) = inngest_step_begin_(ctx, id, options, ptr, size); (st) == INNGEST_BODY; (st) = inngest_step_close_(ctx, st))

#if INNGEST_PARALLEL
/* Branches. The steps between inngest_parallel and inngest_all or inngest_any make progress side by side; pointers to
 * their statuses, because the order in which C evaluates arguments is open. all: PAUSED until each is decided, then
 * OK or the first failure in argument order. any: PAUSED until one is OK; that one is recorded, the others are LOST
 * from then on; if all failed, the first failure. A branch may give RETRY or FAIL outside of a step: when none is PAUSED,
 * all and any give that, for the handler to return; anything else above 0 is INNGEST_ERR_STATUS then. The winner is recorded by its place among the arguments: in a new
 * firmware append branches at the end; where the branch in that place is not OK, the run is parked (INNGEST_WAIT_MEMO). */
void inngest_parallel(inngest_ctx *ctx, const char *id);
INNGEST_MUST_USE inngest_status inngest_join_(inngest_ctx *ctx, bool any, inngest_status *first, ...);
#define inngest_all(ctx, ...) inngest_join_(ctx, false, __VA_ARGS__, (inngest_status *)0)
#define inngest_any(ctx, ...) inngest_join_(ctx, true, __VA_ARGS__, (inngest_status *)0)
#endif

/* ---- inside a step body ----------------------------------------------------------------------------------------
 * Interrupts: no; an interrupt gets the token, and calls inngest_complete. Token, save and load outside a body fail the run. Only
 * inngest_step_save writes. */

typedef enum inngest_began_t { INNGEST_BEGAN_NO, INNGEST_BEGAN_MAYBE, INNGEST_BEGAN_YES } inngest_began_t;
typedef enum inngest_stop_t { INNGEST_STOP_NONE, INNGEST_STOP_TIMEOUT, INNGEST_STOP_CANCEL, INNGEST_STOP_LOST } inngest_stop_t;

/* May this body have run in an earlier boot? Exact with options.intent. NO is also given behind a step of this run that had its end in
 * this boot, unless damage was found (without INNGEST_INSPECT: never then): a firmware that puts a new step in front of one that an
 * earlier boot began gives that an intent. */
inngest_began_t inngest_began(const inngest_ctx *ctx);
#if INNGEST_LONG_STEPS
/* Why a body in progress is called for the last time: switch the motor off. If it gives OK (not when LOST), that counts. */
inngest_stop_t inngest_stop_reason(const inngest_ctx *ctx);
/* Calls of this body in this attempt and boot before this one. */
uint32_t inngest_step_calls(const inngest_ctx *ctx);
/* What inngest_complete wants. attempt is 0 where INNGEST_ACTIVE_STEPS are in progress already: the body, whatever
 * it gives, is then begun anew when one of them is over. */
inngest_token inngest_step_token(inngest_ctx *ctx);
/* Return what this gives: call me again in ms at the latest, and after inngest_wake; UINT32_MAX: only then. No attempt,
 * no write. With ms, a body that has both a timeout and asked for its token may be called earlier: with another branch of its run,
 * or when the clock is set. Neither calls nor timeouts come while the handler, not the step, waits for its next attempt. Where
 * INNGEST_ACTIVE_STEPS are in progress, the body is begun anew when one of them is over. */
INNGEST_MUST_USE inngest_status inngest_again(inngest_ctx *ctx, uint32_t ms);
#endif

/* Fail this attempt with a code and a message; give the next one a time, ms from now (1 s to 24 h, cut to that); or fail
 * for good. In a handler, too: then it is the handler's attempt. The message is copied, cut to INNGEST_MESSAGE_BYTES;
 * NULL: none. Return what they give: RETRY, RETRY, FAIL. */
INNGEST_MUST_USE inngest_status inngest_retry(inngest_ctx *ctx, int32_t code, const char *message);
INNGEST_MUST_USE inngest_status inngest_retry_after(inngest_ctx *ctx, int64_t ms, int32_t code, const char *message);
INNGEST_MUST_USE inngest_status inngest_fail(inngest_ctx *ctx, int32_t code, const char *message);

#if INNGEST_PROGRESS
/* Keep progress (at most INNGEST_RESULT_BYTES) of a long step: one live record, durable when OK comes back, gone when
 * the step is decided. Power may be lost between the last progress and the step's end: a body must cope with one that is finished.
 * What is not OK must be returned from the body. Writes: one record, none if nothing changed. */
INNGEST_MUST_USE inngest_status inngest_step_save(inngest_ctx *ctx, const void *progress, size_t size);
/* Take it up again: zeros where there is none or where less was saved; more than size: INNGEST_ERR_TOO_LONG. */
INNGEST_MUST_USE inngest_status inngest_step_load(inngest_ctx *ctx, void *progress, size_t size);
#endif

/* Name this step of this run to the outside: 32 hex digits, the same at every attempt and in every boot. */
#define INNGEST_KEY_SIZE 33
void inngest_idempotency_key(const inngest_ctx *ctx, char key[INNGEST_KEY_SIZE]);

/* ---- what a handler can know -----------------------------------------------------------------------------------
 * In a handler or a step body. Interrupts: no. None of them writes; inngest_attempt and those on the event read the journal. */

void *inngest_user(const inngest_ctx *ctx);           /* config.user */
int inngest_attempt(const inngest_ctx *ctx);          /* of the step in a body, else of the handler; from 0 */
uint64_t inngest_run_id(const inngest_ctx *ctx);
/* Why the last step or JSON reader of the event failed; in on_failure, until a step of its own fails: why the run failed. Never NULL. */
const inngest_error_info *inngest_error(const inngest_ctx *ctx);
/* Copy the event's name; TOO_LONG if it does not fit. */
INNGEST_MUST_USE inngest_status inngest_event_name(inngest_ctx *ctx, char *out, size_t size);
/* Copy the event's data; a shorter one is zero-extended, a longer one is TOO_LONG. */
INNGEST_MUST_USE inngest_status inngest_event_data(inngest_ctx *ctx, void *out, size_t size);
size_t inngest_event_size(const inngest_ctx *ctx);    /* of its data, in bytes */

/* ---- JSON and text ----------------------------------------------------------------------------------------------------- */

#if INNGEST_JSON
/* A path names one value: members by .name, elements by [index] from 0: "items[2].price"; "" is the whole. Names are
 * compared with escapes decoded, bytes as they are; one that holds . [ or ] has no path. Of two members with one name
 * the first counts.
 *
 * All of the text is checked at each call, also what follows the value, so malformed text is ERR_JSON whatever the
 * path: RFC 8259 in UTF-8, no byte order mark, nothing but blanks behind the value, no surrogate without its other
 * half. Nested deeper than INNGEST_JSON_DEPTH is ERR_DEPTH. No such path is ERR_NOT_FOUND, also where it leads through
 * a value that is no container. Another type is ERR_TYPE. A malformed path or NULL is ERR_ARGUMENT; json of 64 MiB
 * or more is ERR_TOO_LONG. But for OK, *out stays as it was, a string becomes "". Interrupts: yes. Pure. Time: one
 * pass. Stack: about 300 bytes on a Cortex-M3, nothing of it grows with the text. */

/* Check that json is one well-formed value. */
INNGEST_MUST_USE inngest_status inngest_json_validate(const void *json, size_t size);
/* Copy a string, decoded to UTF-8, and a 0 behind it. Longer than out: ERR_TOO_LONG. A \u0000 inside: ERR_RANGE. */
INNGEST_MUST_USE inngest_status inngest_json_string(const void *json, size_t size, const char *path,
                                                    char *out, size_t out_size);
/* Read a whole number, however it is written: 1000, 1e3 and 1000.0 are one. Not whole, or too large: ERR_RANGE. */
INNGEST_MUST_USE inngest_status inngest_json_int64(const void *json, size_t size, const char *path, int64_t *out);
/* Read a number times 10^digits (0..18), exact or ERR_RANGE: 19.99 with 2 digits is 1999, 19.995 is refused. */
INNGEST_MUST_USE inngest_status inngest_json_decimal(const void *json, size_t size, const char *path,
                                                     unsigned digits, int64_t *out);
INNGEST_MUST_USE inngest_status inngest_json_bool(const void *json, size_t size, const char *path, bool *out);
/* Tell whether a value is null; one of any other type is not. */
INNGEST_MUST_USE inngest_status inngest_json_is_null(const void *json, size_t size, const char *path, bool *out);
/* Count the elements of an array or the members of an object, two of one name as two. */
INNGEST_MUST_USE inngest_status inngest_json_count(const void *json, size_t size, const char *path, size_t *out);

/* The same for the event of the run, inside a handler or a step body only. Paths start with data: "data.user.email",
 * "data[0]", "data". Writes: nothing; the data is read from the journal 32 bytes at a time. A storage that fails to
 * read gives INNGEST_PAUSED and parks the run; return it. */
INNGEST_MUST_USE inngest_status inngest_event_string(inngest_ctx *ctx, const char *path, char *out, size_t size);
INNGEST_MUST_USE inngest_status inngest_event_int64(inngest_ctx *ctx, const char *path, int64_t *out);
INNGEST_MUST_USE inngest_status inngest_event_decimal(inngest_ctx *ctx, const char *path, unsigned digits, int64_t *out);
INNGEST_MUST_USE inngest_status inngest_event_bool(inngest_ctx *ctx, const char *path, bool *out);
INNGEST_MUST_USE inngest_status inngest_event_is_null(inngest_ctx *ctx, const char *path, bool *out);
INNGEST_MUST_USE inngest_status inngest_event_count(inngest_ctx *ctx, const char *path, size_t *out);
#endif

#if INNGEST_TEXT
/* Read a duration, in ms: what npm's ms reads ("30s", "1.5 hours", "2 days", "500" alone is ms) and sums of it
 * ("1h 30m"). Units: ms msec millisecond, s sec second, m min minute, h hr hour, d day, w week, y yr year (365.25
 * days), in any case. A part of a ms counts as one. ERR_ARGUMENT: NULL, empty, negative, another form; ERR_RANGE: over
 * 366 days; then *ms stays as it was. Interrupts: yes. Pure. */
INNGEST_MUST_USE inngest_status inngest_parse_duration(const char *text, int64_t *ms);

/* Read a date (midnight UTC) or a date and time with its zone, in ms since 1970: ISO 8601 and RFC 3339, years 0000 to
 * 9999: "2026-02-28", "2026-02-28T09:30Z", "2026-02-28 09:30:00.25+05:30", zones also as -0800 and +01. 24:00:00 is
 * the end of the day. A fraction is cut to ms. ERR_ARGUMENT: NULL, another form, no zone; ERR_RANGE: no such day, time
 * or zone, second 60 too, for unix time has none; then *unix_ms stays as it was. Interrupts: yes. Pure. */
INNGEST_MUST_USE inngest_status inngest_parse_time(const char *text, int64_t *unix_ms);
#endif

/* ---- inspection ------------------------------------------------------------------------------------------------ */

#if INNGEST_CANCEL
/* End a run, also a parked one. Interrupts: no; inside user code: yes. Durable with the next sync of a tick or flush,
 * at once outside user code. A body in progress is called once more (INNGEST_STOP_CANCEL), its result kept; nothing
 * follows. Writes one record now; at the next tick one, and one for each step in progress that ends well. OK, NOT_FOUND, NOT_READY, or the port's failure. */
INNGEST_MUST_USE inngest_status inngest_cancel(inngest *jobs, uint64_t run);
#endif

#if INNGEST_INSPECT
/* Give the next live run; *cursor starts at 0. False: no more. Runs that begin or end between two calls are seen or
 * not; none is given twice. info->function stays valid as long as the table. Interrupts: no; inside user code: yes. Writes nothing,
 * reads no storage. */
bool inngest_next_run(const inngest *jobs, uint32_t *cursor, inngest_run_info *info);
/* Copy the counters. Interrupts: no; inside user code: yes. Writes nothing. */
void inngest_get_counters(const inngest *jobs, inngest_counters *out);
#endif

/* behind the macros */
INNGEST_MUST_USE inngest_status inngest_step_begin_(inngest_ctx *ctx, const char *id, const inngest_step_options *options,
                                                    void *result, size_t size);
INNGEST_MUST_USE inngest_status inngest_step_close_(inngest_ctx *ctx, inngest_status body);

#ifdef __cplusplus
}
#endif
#endif
