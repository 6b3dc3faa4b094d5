/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the inngest-c authors
 *
 * inngest.h - durable background jobs for small machines
 *
 * A job is one plain C function. An event starts it. Each of its steps is retried until it succeeds, and then never
 * runs again. It can sleep for days. After a reset or a power cut it goes on where it was.
 *
 *   Life of a program:  inngest_init -> inngest_send ... -> for (;;) sleep(inngest_tick()) -> inngest_close
 *
 * Words
 *   function   one row of the caller's table: the event that triggers it, its handler, its options
 *   run        one execution of a function for one event
 *   pass       one call of the handler, from the top; a run has one each time it goes on
 *   step       a part of a handler whose result is recorded. Later passes do not execute it, but take that result, its memo
 *   attempt    one try of a step's body, or of a handler
 *   branch     one of several steps that make progress side by side
 *   journal    the log on the storage that holds all that must survive a reset. Reclaim makes room in it: what is still
 *              live in the oldest block is copied to the log's end, and the block is erased
 *   parked     of a run: it gets no pass until another firmware, or the caller, does something about it
 *
 * Rules a user must obey
 *   1. A handler is run again from the top each time its run goes on. What must happen only once belongs in a step.
 *   2. A status of 0 is done. Above 0 is not decided yet: return it, whatever it is. Below 0 is decided and
 *      durable, the same at every replay: return it or handle it. INNGEST_TRY and INNGEST_CATCH do this.
 *   3. Steps happen at least once: power may be lost between an effect and its record. Use
 *      inngest_idempotency_key where a second effect would do harm.
 *   4. A step that blocks, blocks every run. Long work returns inngest_again or INNGEST_PENDING.
 *
 * Calling context
 *   from anywhere, also interrupts, threads and signal handlers:
 *       inngest_send, inngest_send_event, inngest_complete, inngest_wake
 *   pure, from anywhere:
 *       inngest_json_*, inngest_parse_*, inngest_status_name
 *   inside a handler or a step body only:
 *       all that takes an inngest_ctx
 *   from the context that calls inngest_tick, inside user code too:
 *       inngest_cancel, inngest_next_run, inngest_get_counters, inngest_set_wall_clock
 *   from that context, outside user code (else INNGEST_ERR_BUSY):
 *       everything else. But inngest_init does not notice a call from inside: it takes the engine's memory as it finds it
 *   inside the port's functions (log, idle, now, ...), which are called in the middle of a write:
 *       the pure ones, those from anywhere, inngest_next_run and inngest_get_counters. A tick or flush is refused there,
 *       too (INNGEST_ERR_BUSY; a tick does nothing). All others are forbidden, but nothing notices
 *
 * What power loss may cost: events that no tick has journaled yet (inngest_flush tells), and the effect of a step body
 * whose record was not complete happens again. Nothing else.
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

#ifndef INNGEST_RUN_BYTES      /* journal bytes reserved for a run whose function names none; 64..65535 */
#define INNGEST_RUN_BYTES 512
#endif
#ifndef INNGEST_EVENT_BYTES    /* most bytes of an event's name and data together, and of a result given to inngest_complete;
                                  16..4096; RAM: as many bytes for each queue slot */
#define INNGEST_EVENT_BYTES 128
#endif
#ifndef INNGEST_RESULT_BYTES   /* most bytes of a step's result, or of its progress; 0..4096; RAM: none */
#define INNGEST_RESULT_BYTES 256
#endif
#ifndef INNGEST_MESSAGE_BYTES  /* most bytes of an error message that are kept; 0..200; RAM: 2 or 3 times as many; stack: as many */
#define INNGEST_MESSAGE_BYTES 40
#endif
#ifndef INNGEST_STAGE_BYTES    /* buffer in which one program call is staged; a multiple of 32, 64..4096; RAM: as many bytes,
                                  once */
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
#ifndef INNGEST_SEEN_IDS       /* most event ids remembered at once: one more waits, and so do all events behind it; a firmware
                                  with a smaller limit forgets first those that expire first; 0..255; RAM: 24 bytes each;
                                  journal: 28 bytes each */
#define INNGEST_SEEN_IDS 8
#endif
#ifndef INNGEST_SEEN_MS        /* how long an event id is remembered, in ms of journal time */
#define INNGEST_SEEN_MS 86400000
#endif
#ifndef INNGEST_FAN_OUT        /* most functions that one event may start; 1..32 */
#define INNGEST_FAN_OUT 8
#endif
#ifndef INNGEST_FILL_PERCENT   /* percent of the journal that reservations may take; 10..75; wear: a step costs at most its own
                                  bytes times 1/(1 - fill) */
#define INNGEST_FILL_PERCENT 50
#endif
#ifndef INNGEST_CRASH_LIMIT    /* a run fails after so many resets that were pinned on it, without progress in between; 1..250 */
#define INNGEST_CRASH_LIMIT 3
#endif
#ifndef INNGEST_SUSPECT_MS     /* after a crash, how long a suspect in a long step may keep the others waiting; a reset later
                                  than that is pinned on no run; 1..2^31-1 */
#define INNGEST_SUSPECT_MS 60000
#endif
#ifndef INNGEST_HEARTBEAT_MS   /* journal time is stamped this often while a run sleeps and while event ids come, and with the
                                  first event id of a boot; in a boot without a wall clock also after 1, 2, 4 ... minutes, so
                                  that a reset loses at most half the boot; with INNGEST_FAST_MOUNT also each 6 days while
                                  anything is done, but not in the first minute of a boot after one that knew a wall clock;
                                  60000..2^31-1 */
#define INNGEST_HEARTBEAT_MS 3600000
#endif
#ifndef INNGEST_MANY_RUNS      /* 1: more than 65,534 runs, for hosts; RAM: 8 bytes more a run */
#define INNGEST_MANY_RUNS 0
#endif
#ifndef INNGEST_TICK_PASSES    /* most passes (calls of a handler) in one tick; 1..65535 */
#define INNGEST_TICK_PASSES 64
#endif

/* Parts that can be left out with -DINNGEST_...=0. What each costs is code; `make size` prints it for a Cortex-M3 at -Os.
 * What a part declares is not there without it. A run in the journal that needs a missing part stays parked
 * (INNGEST_WAIT_MEMO), and is carried along for a firmware that has it. */
#ifndef INNGEST_PARALLEL       /* inngest_parallel, all, any */
#define INNGEST_PARALLEL 1
#endif
#ifndef INNGEST_LONG_STEPS     /* step bodies that return AGAIN or PENDING; timeout, intent, at most once; inngest_complete */
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
#ifndef INNGEST_CRASHES        /* ends runs and predicates that reset the machine again and again */
#define INNGEST_CRASHES 1
#endif
#ifndef INNGEST_HOOKS          /* config.hooks */
#define INNGEST_HOOKS 1
#endif
#ifndef INNGEST_INSPECT        /* inngest_next_run and the counters; RAM: 116 bytes */
#define INNGEST_INSPECT 1
#endif
#ifndef INNGEST_INIT_CHECKS    /* inngest_init checks config and table; may be left out once a build with it has passed */
#define INNGEST_INIT_CHECKS 1
#endif
#ifndef INNGEST_JSON           /* the JSON reader */
#define INNGEST_JSON 1
#endif
#ifndef INNGEST_CRC_TABLE      /* entries of the table for checksums: 1 (none), 16, 256 or 2048; flash: 4 bytes each; the more,
                                  the faster */
#if UINTPTR_MAX > 0xFFFFFFFF
#define INNGEST_CRC_TABLE 2048
#else
#define INNGEST_CRC_TABLE 16
#endif
#endif
#ifndef INNGEST_LOG            /* port.log is told of failing storage, damage and crashes; jobs that fail are reported to hooks */
#define INNGEST_LOG 1
#endif
#ifndef INNGEST_JSON_DEPTH     /* deepest nesting that the JSON reader accepts; 1..255; stack: 1 bit each */
#define INNGEST_JSON_DEPTH 32
#endif
#ifndef INNGEST_TEXT           /* durations and dates as text */
#define INNGEST_TEXT 1
#endif
#ifndef INNGEST_WORD_BITS      /* 8, 16 or 32: what the machine loads and stores in one instruction; with 8 a queue has 64 slots
                                  at most */
#if defined(__AVR__)
#define INNGEST_WORD_BITS 8
#elif UINT_MAX == 0xFFFF
#define INNGEST_WORD_BITS 16
#else
#define INNGEST_WORD_BITS 32
#endif
#endif
#ifndef INNGEST_SLOT_CLAIM     /* 1: a queue slot has one word more, needed where there is no compare-and-swap; the same for
                                  library and callers */
#if defined(__GNUC__) && __GCC_ATOMIC_INT_LOCK_FREE == 2 && INNGEST_WORD_BITS == 32 && !defined(INNGEST_NO_CAS)
#define INNGEST_SLOT_CLAIM 0
#else
#define INNGEST_SLOT_CLAIM 1
#endif
#endif
#ifndef INNGEST_CORES          /* cores that send or tick; more than 1 is refused where there is no compare-and-swap; with 1 a
                                  Cortex-M needs no barriers */
#define INNGEST_CORES 1
#endif
#ifndef INNGEST_CACHE_LINE     /* bytes, a multiple of 8: what different cores write lies so far apart, and a queue slot is a
                                  multiple of it; 0: no spacing */
#if UINTPTR_MAX > 0xFFFFFFFF
#define INNGEST_CACHE_LINE 64
#else
#define INNGEST_CACHE_LINE 0
#endif
#endif
#ifndef INNGEST_SEND_CODE      /* an attribute for inngest_send and what it calls: __attribute__((section(...))) puts them into
                                  RAM, where flash stalls during an erase; then the names of events belong in RAM, too, and so
                                  does memcpy where pointers have 64 bits */
#define INNGEST_SEND_CODE
#endif
#ifndef INNGEST_BARRIER        /* for compilers with neither GNU's builtins nor C11 atomics: no access may be moved across it */
#define INNGEST_BARRIER() ((void)0)
#endif
#ifndef INNGEST_INDEXES        /* makes many runs and long journals fast; without it each call looks at all runs, and a step at
                                  all records of its run; RAM: 12 bytes a run, 8 where pointers have 64 bits, 16 with
                                  INNGEST_MANY_RUNS */
#define INNGEST_INDEXES 1
#endif
#ifndef INNGEST_FAST_MOUNT     /* a mount reads only the newest blocks and what is live, however long the journal is; for this,
                                  a list of where that stands is written now and then; needs INNGEST_INDEXES; without it a mount
                                  reads all blocks */
#define INNGEST_FAST_MOUNT INNGEST_INDEXES
#endif
#ifndef INNGEST_WRITE_CACHE    /* 1: between two syncs the storage may keep what was written later and lose what was written
                                  before, as disks and file systems do, but not flash; only where port.sync is there */
#if UINTPTR_MAX > 0xFFFFFFFF || defined(__unix__) || defined(__APPLE__) || defined(_WIN32)
#define INNGEST_WRITE_CACHE 1
#else
#define INNGEST_WRITE_CACHE 0
#endif
#endif
#ifndef INNGEST_SYNC_ALONE     /* 1: a run that is the only one due syncs its steps itself and goes on, without a replay */
#if INNGEST_INDEXES && UINTPTR_MAX > 0xFFFFFFFF
#define INNGEST_SYNC_ALONE 1
#else
#define INNGEST_SYNC_ALONE 0
#endif
#endif
#ifndef INNGEST_TRAIL_STEPS    /* keeps a replay linear however runs interleave: so many steps of a pass are found by one walk
                                  through the journal, and 8 times as many places are remembered where steps of any run were
                                  found last; 0: looks at 8 records ahead; 0..65535; RAM: 73 bytes each, once */
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
    INNGEST_AGAIN = 258,               /* by a step body, through inngest_again: call me again; costs no attempt and no write */
    INNGEST_PENDING = 259,             /* by a step body: started; inngest_complete will end it */
    INNGEST_RETRY = 260,               /* by a step body or a handler: this attempt failed */
    INNGEST_FAIL = 261,                /* by a step body or a handler: failed, no more attempts */
    INNGEST_BODY = 262,                /* in the inline forms: the body is running */
    /* decided */
    INNGEST_STEP_FAILED = -257,        /* from a step call: its attempts are used up; inngest_error tells more */
    INNGEST_TIMED_OUT = -258,          /* from a wait; and in inngest_error, of a step whose timeout has passed */
    INNGEST_LOST = -259,               /* another branch won */
    INNGEST_CANCELLED = -260,
    /* event data and texts: the same at every replay, so they fail the run at once unless they are caught */
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
    INNGEST_ERR_STATUS = -322,         /* a body or handler returned a value that is no failure: not RETRY or FAIL, nor
                                        * STEP_FAILED to ERR_SYNC */
    INNGEST_ERR_STEP_IDS = -323,       /* limit INNGEST_STEP_IDS: too many different step ids in one pass */
    INNGEST_ERR_STEP_ID = -324,        /* two step ids share a hash: rename one; or an id is NULL or empty */
    INNGEST_ERR_RESULT_SIZE = -325,    /* limit INNGEST_RESULT_BYTES: result or progress too large; of inngest_complete:
                                        * INNGEST_EVENT_BYTES */
    INNGEST_ERR_RUN_BYTES = -326,      /* limit journal_bytes: the run has used up its reservation; or, if this firmware
                                        * reserves more for all runs than the journal has, all the room there is */
    INNGEST_ERR_NOT_IN_STEP = -327,    /* a call for step bodies outside one */
    INNGEST_ERR_CRASHED = -328,        /* INNGEST_CRASH_LIMIT resets were pinned on this run */
    INNGEST_ERR_INTERRUPTED = -329,    /* an at-most-once body was interrupted by a reset */
    INNGEST_ERR_PARALLEL = -330,       /* inngest_all or inngest_any without inngest_parallel, one group inside another, or a
                                        * handler that ended inside one */
    INNGEST_ERR_RESTART = -331,        /* inngest_step_restart, and the port has no restart */
    /* refusals of a send */
    INNGEST_ERR_QUEUE_FULL = -340,
    INNGEST_ERR_EVENT_SIZE = -341,     /* limit INNGEST_EVENT_BYTES: name and data too large */
    INNGEST_ERR_NAME = -342,           /* NULL, empty, or starts with "inngest/" */
    INNGEST_ERR_NOT_READY = -343,      /* before inngest_init or after inngest_close */
    INNGEST_ERR_STALE_TOKEN = -344,    /* of a step that is over */
    INNGEST_ERR_JOURNAL_FULL = -345,   /* reservations leave no room: the event stays in the queue until a run ends */
    INNGEST_ERR_RUNS_FULL = -346,      /* limit runs: the event stays in the queue until a run ends */
    INNGEST_ERR_SEEN_FULL = -347,      /* limit INNGEST_SEEN_IDS: the event stays in the queue until an id expires */
    INNGEST_ERR_BUSY = -348,           /* called inside user code, or from a second context */
    /* init */
    INNGEST_ERR_MEMORY = -360,         /* memory NULL, misaligned or smaller than INNGEST_MEMORY says */
    INNGEST_ERR_TABLE_ID = -361,       /* a function without an id */
    INNGEST_ERR_TABLE_DOUBLE = -362,   /* two functions with one id (or ids that share a hash) */
    INNGEST_ERR_TABLE_EVENT = -363,    /* no trigger event; one that no event can have (inngest/..., too long); or a wildcard
                                        * that is not at the end, behind '/' or '.' */
    INNGEST_ERR_TABLE_HANDLER = -364,  /* no handler */
    INNGEST_ERR_TABLE_FAN_OUT = -365,  /* limit INNGEST_FAN_OUT, or config.runs: one event starts more functions */
    INNGEST_ERR_TABLE_BYTES = -366,    /* journal_bytes below 32; or the runs that one event starts need more than the capacity,
                                        * or their group more than a block */
    INNGEST_ERR_TABLE_BACKOFF = -367,  /* backoff and backoff_count contradict each other */
    INNGEST_ERR_GEOMETRY = -368,       /* block size, count or program size out of range */
    INNGEST_ERR_FOREIGN = -369,        /* the storage is not blank and holds no journal; inngest_format erases it, if nothing
                                        * there is needed */
    INNGEST_ERR_VERSION = -370,        /* a journal of a newer version or with features this build lacks */
    INNGEST_ERR_OTHER_GEOMETRY = -371, /* a journal made for other block or program sizes */
    INNGEST_ERR_MISMATCH = -372,       /* the caller was compiled with another inngest.h or configuration */
    /* the port */
    INNGEST_ERR_READ = -380,
    INNGEST_ERR_PROGRAM = -381,
    INNGEST_ERR_ERASE = -382,
    INNGEST_ERR_SYNC = -383,           /* fatal to this mount: close and init again */
    INNGEST_STATUS_INT_ = INT_MAX      /* no status: makes the type an int, however the compiler packs other enums */
} inngest_status;

/* INNGEST_TRY returns on anything but OK, INNGEST_CATCH on what is not decided. */
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

/* All calls return 0, or a negative number of the port's own, which is kept for inngest_counters.port_error. program and
 * erase may return INNGEST_PORT_BUSY: then the same call is repeated until it returns something else. Later ticks repeat
 * an erase that the work at hand does not need at once.
 *
 * What the storage must do (port/template explains each):
  * - program is called at most once for each program_size bytes between two erases, aligned to it. (But where a program of a
 *   unit of bytes 0xA5 failed or was cut short, and the unit reads as blank, the same bytes may come again.)
 * - program goes through its units in ascending order, and each is complete before the next is begun;
 * - an interrupted program or erase may leave what it touched in any state, but nothing else;
 * - after sync (or at once where sync is NULL) what was programmed survives power loss. */
#define INNGEST_PORT_BUSY 1

typedef struct inngest_port {
    void *context;                                                     /* passed to each call */
    int (*read)(void *context, uint32_t address, void *data, uint32_t size);   /* may fail (ECC): 3 tries, then taken for torn */
    int (*program)(void *context, uint32_t address, const void *data, uint32_t size);
    int (*erase)(void *context, uint32_t address);                     /* the block that begins there */
    int (*sync)(void *context);                                        /* NULL: what is programmed is durable */
    bool (*is_blank)(void *context, uint32_t address, uint32_t size);  /* NULL: blank reads as 0xFF */
    void (*wake)(void *context);                /* NULL: none; called by send, complete and wake, in their context */
    void (*lock)(void *context);                /* NULL: none; needed where RTOS tasks send and there is no compare-and-swap */
    void (*unlock)(void *context);
    void (*log)(void *context, const char *text);   /* NULL: none; at most one message a second */
    void (*idle)(void *context);                /* NULL: none; called during long work, to feed the watchdog */
    uint32_t (*now)(void *context);             /* NULL: none; the clock that ticks are told, in ms; wanted where bodies take
                                                 * long, see inngest_tick */
    bool (*may_write)(void *context);           /* NULL: always; false puts a tick's work off, and is counted; flush, cancel,
                                                 * close and init write all the same */
    void (*restart)(void *context);             /* NULL: inngest_step_restart is refused */
    uint32_t block_size;                        /* bytes erased at once: a power of two, 512..262144 */
    uint32_t block_count;                       /* 2..65535; in all at most 2^24 units (of program_size, at least 4): 64 MiB or
                                                 * more */
    uint16_t program_size;                      /* bytes that the smallest program writes: 1, 2, 4, 8, 16 or 32 */
} inngest_port;

/* ---- functions ------------------------------------------------------------------------------------------------- */

typedef struct inngest inngest;
typedef struct inngest_ctx inngest_ctx;
typedef inngest_status inngest_handler(inngest_ctx *ctx);
typedef inngest_status inngest_step_fn(inngest_ctx *ctx, const void *arg, void *result);
typedef bool inngest_predicate(void *user, const void *data, size_t size);

typedef struct inngest_function {
    const char *id;               /* renaming it makes another function */
    const char *event;            /* exact, or ending in a wildcard for one byte or more behind '/' or '.': "app/user.*" */
    inngest_handler *handler;
#if INNGEST_ON_FAILURE
    inngest_handler *on_failure;  /* NULL: none; it and each of its steps have one retry, as in Inngest, unless a step's options
                                   * say otherwise */
#endif
    inngest_predicate *when;      /* NULL: always; called before the event is journaled, and again while that waits for room. It
                                   * must only look: a reset cannot be pinned on one that has made the library write something */
    const uint32_t *backoff;      /* seconds before each retry, the last one repeated; NULL: Inngest's table */
    uint32_t jitter_ms;           /* up to so much is added to each backoff, at random; 0: Inngest's 30,000; INNGEST_NO_JITTER:
                                   * none */
    uint16_t journal_bytes;       /* reserved when a run starts; 0: INNGEST_RUN_BYTES */
    uint8_t backoff_count;
    uint8_t max_attempts;         /* of each step, and of the handler in all, whatever steps succeed in between; 0: 5, as in
                                   * Inngest; 1: no retry */
} inngest_function;
#define INNGEST_NO_JITTER UINT32_MAX

typedef struct inngest_step_options {
#if INNGEST_LONG_STEPS
    uint32_t timeout_ms;          /* of one attempt in progress (AGAIN, PENDING); 0: none; at most 2^31 - 1 (24 days) */
#endif
    uint8_t max_attempts;         /* 0: the function's */
#if INNGEST_LONG_STEPS
    bool intent;                  /* write a record before the body, so that inngest_began is exact */
    bool at_most_once;            /* a body that a reset interrupted fails instead of being called again */
#endif
} inngest_step_options;

/* ---- what can be observed -------------------------------------------------------------------------------------- */

typedef enum inngest_wait {       /* why a run is not running */
    INNGEST_WAIT_NONE,            /* runnable: the next tick goes on with it */
    INNGEST_WAIT_SLEEP,           /* for deadline_in_ms */
    INNGEST_WAIT_RETRY,           /* a step or the handler failed; for deadline_in_ms */
    INNGEST_WAIT_CLOCK,           /* for a date, while the wall clock is not known */
    INNGEST_WAIT_STEP,            /* a step is in progress: AGAIN or PENDING */
    INNGEST_WAIT_ROOM,            /* the journal, the run table or the steps in progress are full */
    INNGEST_WAIT_FUNCTION,        /* parked: its function is not in the table */
    INNGEST_WAIT_MEMO,            /* parked: a memo is of another kind or longer than its buffer, or needs a part that this
                                   * build leaves out */
    INNGEST_WAIT_DAMAGE,          /* parked: its records are damaged */
    INNGEST_WAIT_SUSPECT          /* after a crash runs go on one at a time, and it is another one's turn */
} inngest_wait;

typedef enum inngest_phase { INNGEST_PHASE_HANDLER, INNGEST_PHASE_ON_FAILURE, INNGEST_PHASE_CANCELLING } inngest_phase;

typedef struct inngest_run_info {
    uint64_t id;                  /* high half: the journal's, set at format; low half: counting */
    const char *function;         /* id, or NULL if it is not in the table */
    inngest_phase phase;
    inngest_wait wait;
    uint8_t attempt;              /* of what it waits for, from 0 */
    int64_t deadline_in_ms;       /* from the last tick; 0: past; INT64_MAX: none */
    uint32_t journal_bytes;       /* an upper bound of what it uses */
    uint32_t reserved_bytes;      /* the function's journal_bytes, and room for its event and for failing */
} inngest_run_info;

typedef struct inngest_error_info {
    inngest_status status;        /* INNGEST_FAIL if the user's code failed, else the mistake or limit */
    int32_t code;                 /* the user's */
    char message[INNGEST_MESSAGE_BYTES + 1];   /* the user's, cut to fit; or the id of the step, or the path, concerned */
} inngest_error_info;

#if INNGEST_HOOKS
typedef struct inngest_end_info {
    uint64_t id;
    const char *function;
    inngest_status status;        /* INNGEST_OK, INNGEST_FAIL or INNGEST_CANCELLED */
    const inngest_error_info *error;   /* NULL if it ended well; that of on_failure, if that failed, too */
} inngest_end_info;

/* Hooks are user code: they may call what is allowed there, and must not block. Any may be NULL. Step ids are cut to
 * INNGEST_MESSAGE_BYTES. */
typedef struct inngest_hooks {
    void (*run_start)(void *user, uint64_t run, const char *function);         /* before each pass, except those that only tell
                                                                                * steps in progress of the run's end */
    void (*run_pause)(void *user, uint64_t run, inngest_status status);        /* after each pass behind which the run waits */
    void (*run_end)(void *user, const inngest_end_info *info);                 /* before the end is on record: at least once a
                                                                                * run, unless resets cut each try short */
    void (*step_start)(void *user, uint64_t run, const char *step, int attempt);   /* before each call of its body */
    /* status: OK, RETRY, STEP_FAILED, LOST or CANCELLED. retry_in_ms: -1, except with RETRY. A step that inngest_complete
     * has ended has its step_end in a pass without step_start. One that fails the run at once (a mistake, a limit) has no
     * step_end. */
    void (*step_end)(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in_ms);
    void (*step_memo)(void *user, uint64_t run, const char *step, inngest_status status);   /* a result came from the journal */
} inngest_hooks;
#endif

typedef struct inngest_counters {  /* since init; they stop at their maximum and never wrap. Without compare-and-swap, two
                                    * refusals may count as one if one interrupts the count of the other */
    uint32_t events, duplicates, unmatched;       /* journaled (also by inngest_step_send); with an id that was seen before;
                                                   * wanted by no function */
    uint32_t refused_full, refused_size, refused_name, refused_not_ready;   /* refused by send and by complete */
    uint32_t stale_tokens, unpublished;           /* completions refused; slots that were claimed, and not yet published when
                                                   * looked at */
    uint32_t waiting_journal, waiting_runs, waiting_seen;   /* how often the oldest event, or a step that sends one, found no
                                                             * room */
    uint32_t runs_started, runs_ended, runs_failed, runs_cancelled;
    uint32_t steps_run, steps_failed, memos;      /* bodies called, attempts that failed, results taken from the journal */
    uint32_t records, erases, carried;            /* journal */
    uint32_t torn, damaged, lost_runs;            /* found by the mount; damaged: by reclaim, too, and cells that a cut left
                                                   * between two states */
    uint32_t crashes;                             /* resets pinned on a run at this boot; and events for which a predicate is no
                                                   * longer called */
    uint32_t put_off;                             /* ticks, and calls that set the clock, which may_write put off */
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

typedef struct inngest_slot {      /* one slot of the queue; internal */
    inngest_word sequence;         /* with claim: who may use the slot now */
#if INNGEST_SLOT_CLAIM
    inngest_word claim;
#endif
    uint32_t what;                 /* kind; bytes of the name, or status of a completion; bytes of data */
    union {
        const char *name;
#if INNGEST_WALL_CLOCK || INNGEST_SEEN_IDS
        struct {                   /* of an event whose name is copied: its data begins with the name */
#if INNGEST_WALL_CLOCK
            uint32_t ts[2];        /* low half first */
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
    uint32_t last;                 /* position of its newest record in the journal */
    int64_t due;                   /* its deadline in journal ms */
#else
    uint32_t due;                  /* ... the low 32 of 48 bits */
    uint32_t last;
    uint16_t due_high;
#endif
    uint16_t function;             /* index in the table of functions, or 0xFFFF */
    uint16_t used, reserved;       /* journal bytes / 4 */
    uint16_t flags;
#if INNGEST_INDEXES
    uint16_t oldest;               /* low 16 bits of the number of the oldest block that may hold records of it */
    uint16_t memos;                /* how many steps of this phase are on record */
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
    inngest_index run;             /* its place in the run table, counted from 1; 0: free */
    uint16_t size;                 /* of the step's result */
    uint32_t step : 24, how : 3, began : 2, timed : 1, shared : 1;   /* how: its state: low bits of AGAIN, PENDING, or of how it
                                                                      * was completed */
    uint32_t calls;
    uint32_t next, timeout;        /* low 32 bits of journal ms. The field that is not in use holds its token: timeout if it has
                                    * none, else next, and shared is set */
} inngest_active;

typedef struct inngest_seen {      /* an event id that is remembered; internal */
    int64_t until;
    uint32_t hash[2];
    uint32_t position;             /* 0: free */
} inngest_seen;

/* The state of a pass, one call of a handler; internal. Bytes come first, then words, within reach of short instructions. */
struct inngest_ctx {
    uint8_t attempt, began;
    bool open, in_body;            /* a body runs; it was given as a function */
    bool told;                     /* the user has given an error */
    bool waiting;                  /* a step call of this pass was not decided */
    bool parallel, decided;        /* in a parallel group; that group has a winner */
    bool stuck;                    /* a step found no room: no pass before it is tried again */
    uint8_t id_count, winner;
    uint8_t max_attempts;          /* as the options of the step say */
#if INNGEST_INDEXES
    bool known;                    /* the step has a record */
#endif
#if INNGEST_LONG_STEPS
    bool ending;                   /* this pass only tells steps in progress that the run ends */
    uint8_t stop;
#endif
    uint16_t size;                 /* of the step's result */
    uint16_t old;                  /* bytes of the record that the step's next one supersedes */
#if INNGEST_INDEXES
    uint16_t met;                  /* how many steps on record this pass has met */
#endif
    inngest *jobs;
    inngest_run *run;
    const inngest_function *function;   /* NULL: not in the table */
    void *result;
    uint32_t step, group;
    int stopped;                   /* an inngest_status: what each further step call returns */
    uint32_t retry_in;             /* ms; UINT32_MAX: the backoff decides */
    int64_t wake;
#if INNGEST_LONG_STEPS
    inngest_active *active;        /* that of the step, or NULL */
    uint32_t timeout, again;
#endif
#if INNGEST_INDEXES
    uint32_t ahead;                /* position behind the memo that was met last; 0: none yet */
#endif
#if INNGEST_TRAIL_STEPS
    uint32_t trail_at, trail_end;  /* in jobs->trail, which is read backwards: the next entry, the last one */
    uint32_t trail_of;             /* the tail block for which the trail was made, + 1; 0: there is none */
#endif
    inngest_error_info error;
    char id[INNGEST_MESSAGE_BYTES + 1];   /* stands last: of it a pass clears only the first byte */
};

/* Bytes of memory for so many runs and queue slots (slots: a power of two). A constant expression. */
#define INNGEST_MEMORY(runs, events) \
    (((runs) * (sizeof(inngest_run) + (INNGEST_INDEXES ? 4 * sizeof(inngest_index) : 0)) + 7) / 8 * 8 + (events) * sizeof(inngest_slot) + INNGEST_CACHE_LINE)

typedef enum inngest_reset {       /* what made the machine start, where it is known */
    INNGEST_RESET_UNKNOWN,         /* as CRASH */
    INNGEST_RESET_POWER_ON,        /* not pinned on any run */
    INNGEST_RESET_CRASH
} inngest_reset;

typedef struct inngest_config {
    const inngest_function *functions;
    const inngest_port *port;      /* must stay valid */
#if INNGEST_HOOKS
    const inngest_hooks *hooks;    /* NULL: none; must stay valid */
#endif
    void *user;                    /* for inngest_user, predicates and hooks */
    void *memory;                  /* aligned for int64_t; must stay valid */
    size_t memory_size;            /* bytes: INNGEST_MEMORY(runs, events) at least */
    uint16_t function_count;
    uint32_t runs;                 /* most runs live at once: 1..65534; with INNGEST_MANY_RUNS 1..4,000,000 */
    uint32_t events;               /* queue slots: a power of two, 2..32768; 2..16384 where INNGEST_WORD_BITS is 16, 2..64 where
                                    * it is 8. With INNGEST_LONG_STEPS one of them is kept for completions */
    inngest_reset reset;
    uint32_t seed;                 /* for jitter, and for the journal's half of run ids: anything that differs from device to
                                    * device */
} inngest_config;

/* The engine. Allocate it statically or anywhere; touch nothing in it. */
struct inngest {                   /* what is used most comes first, bytes before words, within reach of short instructions */
    uint8_t unit_shift, units_shift, unit, first_offset;   /* unit: of positions, in bytes; units_shift: log2 of the units in a
                                                            * block; first_offset: of a block's first record */
    /* busy: in a call of the library; unread: something could not be read; clean: the last stop was in order; stopped: for a
     * restart on purpose; failed: a sync has failed; doubtful: no record could be written since the storage failed; wary: the
     * newest TIME says that the last header is not sure; trusted: it is sure; stale: something torn or void stands behind the
     * newest group; opening: a filler is due; dirty: something is not synced; wrote: this boot has written something; ticked: a
     * tick has told the clock */
    bool busy, unread, clean, stopped, failed, doubtful, wary, trusted, stale, opening, dirty, wrote, ticked;
    bool in_group, wasted, copies_only;   /* wasted: programs have failed since the last reclaim. copies_only: the last block
                                           * holds nothing but copies of this boot */
    bool waits;                    /* the queue's oldest event waits for room */
#if INNGEST_FAST_MOUNT
    bool sparse;                   /* so little is live that lists are written */
#endif
    bool dated;                    /* the newest TIME is of an earlier boot, in which the wall clock was known */
#if INNGEST_WALL_CLOCK
    bool wall_known, is_told, wall_moved;   /* wall_moved: the clock was set by half a second since the pass looked at a date */
    bool was_known;                /* it was known in an earlier boot, and the time off since then has not been made good */
#endif
#if INNGEST_LONG_STEPS
    bool wanting;                  /* a run waits for a place among the steps in progress */
#if UINTPTR_MAX > 0xFFFFFFFF
    uint8_t active_count;          /* steps in progress */
#endif
#endif
#if INNGEST_CRASHES
    uint8_t guarded, poison_count; /* guarded: how many calls of predicates are still made behind a record; poison_count: resets
                                    * pinned on the predicate named by poison */
    uint16_t poison_row;           /* resets in a row that are pinned on predicates */
#endif
#if INNGEST_CACHE_LINE
    uint8_t apart[INNGEST_CACHE_LINE];
#endif
    uint32_t ready;                /* READY while mounted */
    const inngest_port *port;
    inngest_slot *slots;           /* the queue's */
    uint16_t slot_mask, function_count;
#if INNGEST_CACHE_LINE
    uint8_t apart_from_tail[INNGEST_CACHE_LINE];
#endif
    inngest_word tail;             /* where the next send goes; senders write it */
#if INNGEST_CACHE_LINE
    uint8_t apart_from_head[INNGEST_CACHE_LINE];
#endif
    inngest_word head;
#if UINTPTR_MAX > 0xFFFFFFFF
    inngest_slot *oldest_slot;     /* the slot of head */
#endif
    inngest_index run_count, live_runs;
    uint16_t passes;               /* passes in this tick */
    uint16_t largest;              /* bytes of the largest record of a live run, as the mount found it: another firmware may
                                    * have larger limits */
    inngest_run *runs;
    uint32_t block_count;          /* the port's */
    uint32_t tail_block, head_block, last_block;   /* sequence numbers: oldest, being written, newest erased */
    uint32_t head_offset;
#if UINTPTR_MAX > 0xFFFFFFFF
    uint32_t ring_mask;            /* mask of an address if the number of blocks is a power of two, else 0 */
    uint32_t near_end;             /* offset in a block: up to there the head has room for a tick's small records */
    uint32_t capacity;             /* bytes that the reservations of any firmware may take */
    uint32_t spare, spare_for;     /* spare: the spare blocks that are kept when spare_for - 1 bytes are reserved; spare_for 0:
                                    * not counted yet */
#endif
    uint32_t newest, written;      /* positions: the newest group; the record written last, or in a mount the newest group that
                                    * begins with no void record */
    uint32_t failed_from;          /* position of the group in which a program failed and that is not void yet; 0: none */
    uint32_t next_run, reserved, time_position;
#if INNGEST_FAST_MOUNT
    uint32_t scanned_from;         /* position: what stands in front of it was not read by the mount */
    uint32_t list;                 /* position of the newest list of all that counts; 0: none */
#endif
#if INNGEST_CRASHES
    uint32_t alone;                /* number of the suspect that goes on alone */
#endif
    uint32_t format;               /* the journal's half of run ids */
    const inngest_function *functions;
    uint32_t failed_at;            /* position of a program that failed and whose place was not looked at since; 0: none */
    uint32_t synced;               /* position: what stands in front of it is durable */
    uint32_t last_tick;
    uint32_t unsure;               /* the last block that was erased before this boot: an earlier boot may have begun it, or one
                                    * in front of it, without a trace */
    uint32_t seed;                 /* checksum of the format number, with which those of records begin */
    uint32_t group_from;           /* position of the group being written */
    uint32_t random;
    void *user;
#if INNGEST_HOOKS
    const inngest_hooks *hooks;
#endif
#if INNGEST_INDEXES
    uint32_t copied, copy;         /* positions. copied: all that is live in the tail block up to there has been copied. copy: a
                                    * copy whose original is to be found; 0: none */
    uint32_t carry_from;           /* position in the tail block: in front of it nothing is left to copy */
    uint32_t head_end;             /* offset in the head's block: up to there it was erased in this boot, or checked to be blank */
    uint32_t window;               /* blocks by which the tail may lag behind the head before ticks reclaim */
#endif
#if INNGEST_LONG_STEPS
    uint32_t woken;
#endif
#if INNGEST_INDEXES
    uint32_t hash_mask;
    inngest_index *tree, *heads, *next, *again;   /* arrays with one entry for each run: by deadline; by number, and its chains;
                                                   * runs to go on in the next round */
    uint32_t free_place, again_count;
#endif
    int64_t now;                   /* journal ms */
    int64_t booted, stamp;         /* journal ms at this boot and of its newest TIME, in front of booted: it has none. In a mount,
                                    * until take_time, booted is 2^32 + the low half of the newest list's time, or 0 */
#if INNGEST_INDEXES
    int64_t quiet_until;           /* nothing is due before that time, unless something comes */
#endif
#if INNGEST_WALL_CLOCK
    int64_t wall_offset;           /* unix ms - journal ms; while the clock is unknown, as the newest TIME says */
    int64_t told, wall_stamped, wall_looked;   /* offsets: as told and not taken yet; as in the newest TIME of this boot; as at a
                                                * pass's first date that is not over */
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
    uint32_t poison, arms;         /* poison: hash of the event and predicate that last crashed; arms: counts how often runs
                                    * were put on their own */
#endif
#if INNGEST_SEEN_IDS
    inngest_seen seen[INNGEST_SEEN_IDS];
#endif
#if INNGEST_LONG_STEPS
    inngest_active active[INNGEST_ACTIVE_STEPS];
#endif
    inngest_ctx ctx;               /* the state of the pass */
#if INNGEST_LONG_STEPS
    inngest_error_info end_error;  /* the error of a run that ends, kept while its steps in progress are told */
#endif
    uint32_t pass_ids[INNGEST_STEP_IDS];
    uint16_t pass_counts[INNGEST_STEP_IDS];
#if INNGEST_INSPECT
    inngest_counters counters;
#endif
    uint32_t stage[(INNGEST_STAGE_BYTES + (INNGEST_TRAIL_STEPS ? 32 : 0)) / 4];   /* 32 more: reads of whole records */
    uint8_t void_count, voids_needed;   /* from here on all is kept when a mount starts over */
    bool doubted, distrusted;
    uint32_t voids[8][2];          /* positions from and to: void ranges that a mount has met or made */
#if INNGEST_TRAIL_STEPS
    bool placed[INNGEST_TRAIL_STEPS];         /* one for each 8 places: these have been cleared */
    uint32_t trail[INNGEST_TRAIL_STEPS][2];   /* step, position; from here on a mount clears nothing */
    uint32_t places[8 * INNGEST_TRAIL_STEPS][2];   /* position, bytes */
#endif
};

/* ---- life ------------------------------------------------------------------------------------------------------ */

/* "Writes" below does not count what reclaim adds, which it does only when the head (the end of the log) has no room. For
 * each record written it then adds, at most, copies of one block's live records, a record that proves them, one erase and
 * one block header. Where runs that sleep fill the oldest blocks, so that reclaiming those gives no room, each of these
 * is reclaimed first, one after the other: at worst as many blocks as all that is live fills. */

/* Mount the journal and take up its runs. Blank storage is formatted; storage that is foreign, newer or of another
 * geometry is refused and not touched. *index (may be NULL): with an error of the table, the function that it is about,
 * the first of several; else it says nothing.
 * Interrupts: no.
 * Reads:
 * - of the block headers, 24 bytes each, as many as bisection needs to find the newest block; in a young journal all;
 * - in blocks of more than 8 KiB, from the newest one back, up to 544 bytes each 4 KiB, until a list of all that counts
 *   is found;
 * - what was written behind that list: up to 8 KiB, or 64 times the list's size if that is more (256 times above 255
 *   bytes). A list takes 4 bytes for each run and event id;
 * - of the blank rest of a block, and of the next block, 320 bytes, then a unit each 64 bytes, and beyond 4 KiB a unit
 *   each 512;
 * - instead of these, the whole journal: without INNGEST_FAST_MOUNT, where more than an eighth of it is live, or where a
 *   list or what it names cannot be read;
 * - then each live run's records.
 * Writes: the newest group of records again, unless the stop was clean. It also erases what a reset kept from being
 * erased. Where boots that were cut short one after the other have begun all erased blocks in vain: both twice, and those
 * blocks are erased.
 * Returns OK; any status of init, of the table, or of the port; ARGUMENT: functions (of a count above 0), port, read,
 * program or erase is NULL, or runs or events is out of range; RUNS_FULL: the journal holds more live runs than
 * config.runs; JOURNAL_FULL: see "Known limits" in port/JOURNAL.md. */
INNGEST_MUST_USE inngest_status inngest_init_(inngest *jobs, const inngest_config *config, uint16_t *index,
                                              size_t sizes);
#define inngest_init(jobs, config, index) inngest_init_(jobs, config, index, INNGEST_SIZES_)
#define INNGEST_SIZES_ /* of what a program and its library must see alike */ \
    (sizeof(inngest) + sizeof(inngest_slot) + sizeof(inngest_function) + sizeof(inngest_step_options) + INNGEST_EVENT_BYTES)

/* Erase every block of the storage, so that the next init formats it: all that it held is gone. Interrupts: no. No engine
 * may be mounted. Waits for each erase: 1 ms to 2 s a block on flash. Returns OK, ARGUMENT, or the port's ERASE or SYNC. */
INNGEST_MUST_USE inngest_status inngest_format(const inngest_port *port);

/* Do what is due: journal queued events, run handlers. Interrupts: no.
 * Returns the ms until something is due, counted from the end of the tick (see below):
 * - 0: call again at once, if only to reclaim and erase ahead of need while nothing else is to be done;
 * - UINT32_MAX: nothing is due until an event, a completion or a wake comes. Or nothing was done: not mounted, called in
 *   user code, after a failed sync, or after a restart that came back.
 * The clock: now_ms may wrap. Call at least once in 24 days, even where nothing is due: longer gaps are not counted in
 * full. If now_ms goes back, time stands still until it is again where it was; if it goes back by more than a day, time
 * goes on from there.
 * Waits begin where the body in front of them is over, and the returned ms count from the end of the tick, if port.now is
 * there. Without it both count from now_ms: a sleep, a retry or a timeout is shorter by what bodies took before it in its
 * tick.
 * Cost: bounded by INNGEST_TICK_PASSES passes and by the queue. Each record of these may first have to reclaim a block,
 * and in front of that blocks full of runs that sleep: copy what is live in it, and erase it. On flash of 8 blocks or
 * more, of which live runs hold a sixteenth at most, ticks do that ahead of need: each copies one record, or erases one
 * block.
 * Failures of the port are counted, and what failed is tried again a second later. After a failed sync nothing more is
 * written: close, and init again. */
uint32_t inngest_tick(inngest *jobs, uint32_t now_ms);

/* Journal all queued events and sync. Interrupts: no. Returns
 * - OK: every event accepted so far is durable;
 * - RUNS_FULL, JOURNAL_FULL, SEEN_FULL: why the oldest event still waits;
 * - BUSY: called in user code; or a thread is in the middle of a send, in front of events of others: let it run, and
 *   flush again;
 * - NOT_READY, or the port's failure.
 * Writes: one record for each run that is started, and one for each event id. With an event id also one of the time:
 * where none was written in this boot, or for INNGEST_HEARTBEAT_MS.
 * Without port.now an id is remembered from the newest tick on. */
INNGEST_MUST_USE inngest_status inngest_flush(inngest *jobs);

/* Tell the wall clock: at now_ms, on the clock that ticks are told, the unix time in ms was unix_ms (1970 to the year
 * 6429). An impossible time is ignored; a moment before the newest tick is fine. Call it as often as you like, and tick
 * after it. Interrupts: no; inside user code: yes.
 * The first time in a boot, the time spent off is made good for relative sleeps. Sleeps until a date look again each
 * time; of the run whose body tells it, where it moved by a second since the run looked. Where may_write says no, or the
 * storage fails, it takes effect with a later tick.
 * Time off is made good as exactly as the clock was told, to a second. It is not made good across a boot in which no
 * clock was known and a wait began, an event id came, or a stamp was written.
 * Writes: one record, where the clock was unknown or was wrong by more than a second. The first time in a boot also one
 * for each sleep, retry and event id that began in it. Power lost between these leaves waits of this boot late, by what
 * was to be made good at most, until the clock is known again. */
#if INNGEST_WALL_CLOCK
void inngest_set_wall_clock(inngest *jobs, int64_t unix_ms, uint32_t now_ms);
#endif

/* Stop in order: journal queued events, stamp the time, sync, refuse further sends. The next boot pins no reset on a run.
 * Interrupts: no. Writes: as flush, and one record. Returns as flush does. Whatever that is, the engine is closed, except
 * with BUSY: called in user code. */
INNGEST_MUST_USE inngest_status inngest_close(inngest *jobs);

/* ---- from anywhere, interrupts too ----------------------------------------------------------------------------- */

/* Put an event into the queue. Copies the data, at most INNGEST_EVENT_BYTES with the name; never waits, never masks
 * interrupts, never touches storage. The name is a string literal. Interrupts: yes. Returns OK, QUEUE_FULL, EVENT_SIZE,
 * NAME, ARGUMENT (data is NULL and has a size, an impossible time) or NOT_READY. All refusals but ARGUMENT are counted. */
#define inngest_send(jobs, name, data, size) inngest_send_(jobs, "" name "", data, size, INNGEST_ROOM_("" name ""))
INNGEST_MUST_USE inngest_status inngest_send_(inngest *jobs, const char *name, const void *data, size_t size, size_t room);

/* The name is checked at compile time. Gives 1 more than the bytes that it leaves for data; 0: the name is to be refused. */
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
    const char *id;               /* NULL or empty: none. Within INNGEST_SEEN_MS the same id starts no second run, whatever the
                                   * name. INNGEST_SEEN_IDS are remembered at a time; one more stops ALL events until the oldest
                                   * expires. The time is powered time: where no wall clock is told, time off does not count */
#endif
#if INNGEST_WALL_CLOCK
    int64_t ts;                   /* unix ms, to the year 6429; 0: none. A future one delays the start; any one delays it until
                                   * the wall clock is known */
#endif
} inngest_event;

/* The same with a name that is copied, an id and a time. ARGUMENT also for a time out of range. Interrupts: yes. */
INNGEST_MUST_USE inngest_status inngest_send_event(inngest *jobs, const inngest_event *event);

/* Have the next tick call all bodies that gave inngest_again, and call the port's wake. Interrupts: yes. */
void inngest_wake(inngest *jobs);

#if INNGEST_LONG_STEPS
/* End a step that gave INNGEST_PENDING: with OK and its result, at most INNGEST_EVENT_BYTES, or with RETRY or FAIL.
 * Copies, never waits. Goes through the queue, but passes events that wait for room. Interrupts: yes. Returns OK,
 * ARGUMENT, QUEUE_FULL (until a tick has taken some), RESULT_SIZE, NOT_READY, or STALE_TOKEN for an empty token. The tick
 * refuses and counts the token of a step that is over. A result larger than the step's fails the run. */
INNGEST_MUST_USE inngest_status inngest_complete(inngest *jobs, inngest_token token, inngest_status status,
                                                 const void *result, size_t size);
#endif

/* ---- inside a handler: steps ----------------------------------------------------------------------------------- */

/* Run fn once: size bytes at result are zeroed, filled by fn, and recorded; at replay they come back.
 * All step calls: interrupts: no. They look through the run's records, at most twice. They write at most, beside what
 * reclaim adds:
 * - one record; two with options.intent, and for a sleep that is over at once;
 * - one more, of the time: a restart, and the first wait of a boot that does not know the wall clock;
 * - one more for each run that it starts: a send. */
INNGEST_MUST_USE inngest_status inngest_step_run(inngest_ctx *ctx, const char *id, inngest_step_fn *fn,
                                                 const void *arg, void *result, size_t size);
INNGEST_MUST_USE inngest_status inngest_step_run_with(inngest_ctx *ctx, const char *id,
                                                      const inngest_step_options *options, inngest_step_fn *fn,
                                                      const void *arg, void *result, size_t size);

/* Sleep for ms (0..366 days) of journal time, never less; or until a unix time, which waits until the wall clock is
 * known, and goes on at once if the time is past. Out of range: INNGEST_ERR_ARGUMENT, and the run fails. */
INNGEST_MUST_USE inngest_status inngest_step_sleep(inngest_ctx *ctx, const char *id, int64_t ms);
#if INNGEST_WALL_CLOCK
INNGEST_MUST_USE inngest_status inngest_step_sleep_until(inngest_ctx *ctx, const char *id, int64_t unix_ms);
#endif

#if INNGEST_SEND_STEP
/* Send an event, exactly once: the runs that it starts and this step's memo are one group in the journal. The name is
 * copied. Where there is no room for them, the run waits (INNGEST_WAIT_ROOM) and keeps its own room. So runs that
 * together hold all room wait for each other, until one is cancelled. */
INNGEST_MUST_USE inngest_status inngest_step_send(inngest_ctx *ctx, const char *id, const char *name,
                                                  const void *data, size_t size);
#endif

#if INNGEST_RESTART
/* Reset the machine on purpose, through port->restart. First it is recorded, behind all events sent before for which
 * there is room; in any later boot the step is OK. The journal is stopped in order, so the reset is pinned on no run. */
INNGEST_MUST_USE inngest_status inngest_step_restart(inngest_ctx *ctx, const char *id);
#endif

/* Inline steps. The variable is zeroed, the body runs, and the variable's bytes are recorded; on replay they come back.
 * `continue` ends the step well. Returning a status fails or pauses it, as from a function. Leaving the body by break, by
 * goto or by returning INNGEST_OK is an error that names the step. Each is a `for` with an `if` in it: in the body of an
 * `if` or `else`, put it in braces, for compilers that warn of a dangling else. */
#define INNGEST_STEP(ctx, id, var)               INNGEST_STEP_(ctx, id, NULL, &(var), sizeof(var))
#define INNGEST_STEP_WITH(ctx, id, options, var) INNGEST_STEP_(ctx, id, options, &(var), sizeof(var))
#define INNGEST_DO(ctx, id)                      INNGEST_STEP_(ctx, id, NULL, NULL, 0)
#define INNGEST_DO_WITH(ctx, id, options)        INNGEST_STEP_(ctx, id, options, NULL, 0)
#define INNGEST_STEP_(ctx, id, options, ptr, size) \
    for (inngest_status inngest_step_in_step_ = inngest_step_begin_(ctx, id, options, ptr, size); \
         inngest_step_in_step_ != INNGEST_OK; inngest_step_in_step_ = inngest_step_close_(ctx, inngest_step_in_step_)) \
        if (inngest_step_in_step_ != INNGEST_BODY) return inngest_step_in_step_; else

/* The same without a hidden return, to catch failures and for branches: the status is left in st. In the body, `st =
 * inngest_retry(...)` and the like fail the step. */
#define INNGEST_STEP_AS(st, ctx, id, var) INNGEST_STEP_AS_(st, ctx, id, NULL, &(var), sizeof(var))
#define INNGEST_DO_AS(st, ctx, id)        INNGEST_STEP_AS_(st, ctx, id, NULL, NULL, 0)
#define INNGEST_STEP_AS_(st, ctx, id, options, ptr, size) \
    for ((st) = inngest_step_begin_(ctx, id, options, ptr, size); (st) == INNGEST_BODY; (st) = inngest_step_close_(ctx, st))

#if INNGEST_PARALLEL
/* Branches. The steps between inngest_parallel and inngest_all or inngest_any make progress side by side. all and any
 * take pointers to their statuses, because the order in which C evaluates arguments is open.
 * - all: PAUSED until each is decided; then OK, or the first failure in argument order.
 * - any: PAUSED until one is OK; that one is recorded as the winner, and the others are LOST from then on. If all failed,
 *   the first failure.
 * - A branch may give RETRY or FAIL outside of a step. When none is PAUSED any more, all and any give that, for the
 *   handler to return. Anything else above 0 is then INNGEST_ERR_STATUS.
 * The winner is recorded by its place among the arguments. So append branches at the end in a new firmware: where the
 * branch in that place is not OK, the run is parked (INNGEST_WAIT_MEMO). */
void inngest_parallel(inngest_ctx *ctx, const char *id);
INNGEST_MUST_USE inngest_status inngest_join_(inngest_ctx *ctx, bool any, inngest_status *first, ...);
#define inngest_all(ctx, ...) inngest_join_(ctx, false, __VA_ARGS__, (inngest_status *)0)
#define inngest_any(ctx, ...) inngest_join_(ctx, true, __VA_ARGS__, (inngest_status *)0)
#endif

/* ---- inside a step body ----------------------------------------------------------------------------------------
 * Interrupts: no; an interrupt may use a token, and call inngest_complete. Token, save and load outside of a body fail
 * the run. Only inngest_step_save writes. */

typedef enum inngest_began_t { INNGEST_BEGAN_NO, INNGEST_BEGAN_MAYBE, INNGEST_BEGAN_YES } inngest_began_t;
typedef enum inngest_stop_t { INNGEST_STOP_NONE, INNGEST_STOP_TIMEOUT, INNGEST_STOP_CANCEL, INNGEST_STOP_LOST } inngest_stop_t;

/* May this body have run in an earlier boot? Exact with options.intent. NO is also given behind a step of this run that
 * ended in this boot, unless damage was found (without INNGEST_INSPECT: never then). So where a firmware puts a new step
 * in front of one that an earlier boot may have begun, give that one an intent. */
inngest_began_t inngest_began(const inngest_ctx *ctx);
#if INNGEST_LONG_STEPS
/* Why a body in progress is called for the last time: so that it can switch the motor off. If it then gives OK, that
 * counts, except when LOST. */
inngest_stop_t inngest_stop_reason(const inngest_ctx *ctx);
/* How often this body was called before, in this attempt and boot. */
uint32_t inngest_step_calls(const inngest_ctx *ctx);
/* The token that inngest_complete wants. Its attempt is 0 where INNGEST_ACTIVE_STEPS are in progress already: then the
 * body, whatever it gives, is begun anew when one of them is over. */
inngest_token inngest_step_token(inngest_ctx *ctx);
/* Return what this gives: call me again in ms at the latest, and after inngest_wake; UINT32_MAX: only then. Costs no
 * attempt and no write.
 * - A body that has a timeout and has asked for its token may be called earlier than ms: with another branch of its run,
 *   or when the clock is set.
 * - While the handler, not the step, waits for its next attempt, there are neither calls nor timeouts.
 * - Where INNGEST_ACTIVE_STEPS are in progress already, the body is begun anew when one of them is over. */
INNGEST_MUST_USE inngest_status inngest_again(inngest_ctx *ctx, uint32_t ms);
#endif

/* Fail this attempt with a code and a message (retry); also set when the next one comes, ms from now, cut to 1 s .. 24 h
 * (retry_after); or fail for good (fail). In a handler they fail the handler's attempt. The message is copied, and cut to
 * INNGEST_MESSAGE_BYTES; NULL: none. Return what they give: RETRY, RETRY, FAIL. */
INNGEST_MUST_USE inngest_status inngest_retry(inngest_ctx *ctx, int32_t code, const char *message);
INNGEST_MUST_USE inngest_status inngest_retry_after(inngest_ctx *ctx, int64_t ms, int32_t code, const char *message);
INNGEST_MUST_USE inngest_status inngest_fail(inngest_ctx *ctx, int32_t code, const char *message);

#if INNGEST_PROGRESS
/* Keep progress (at most INNGEST_RESULT_BYTES) of a long step: one live record, durable when OK comes back, and gone when
 * the step is decided. Power may be lost between the last progress and the step's end, so a body must cope with progress
 * that says all is done. What is not OK must be returned from the body. Writes: one record; none if nothing has changed. */
INNGEST_MUST_USE inngest_status inngest_step_save(inngest_ctx *ctx, const void *progress, size_t size);
/* Take the progress up again: zeros where there is none, or where less was saved. More than size: INNGEST_ERR_TOO_LONG. */
INNGEST_MUST_USE inngest_status inngest_step_load(inngest_ctx *ctx, void *progress, size_t size);
#endif

/* A name for this step of this run, to give to the outside: 32 hex digits, the same at every attempt and in every boot. */
#define INNGEST_KEY_SIZE 33
void inngest_idempotency_key(const inngest_ctx *ctx, char key[INNGEST_KEY_SIZE]);

/* ---- what a handler can know -----------------------------------------------------------------------------------
 * In a handler or a step body. Interrupts: no. None of them writes. inngest_attempt and those about the event read the
 * journal. */

void *inngest_user(const inngest_ctx *ctx);           /* config.user */
int inngest_attempt(const inngest_ctx *ctx);          /* in a body that of the step, else that of the handler; counted from 0 */
uint64_t inngest_run_id(const inngest_ctx *ctx);
/* Why the last step, or the last JSON reader of the event, failed. In on_failure, until a step of its own fails: why the
 * run failed. Never NULL. */
const inngest_error_info *inngest_error(const inngest_ctx *ctx);
/* Copy the event's name; TOO_LONG if it does not fit. */
INNGEST_MUST_USE inngest_status inngest_event_name(inngest_ctx *ctx, char *out, size_t size);
/* Copy the event's data. Shorter data is extended with zeros; longer data is TOO_LONG. */
INNGEST_MUST_USE inngest_status inngest_event_data(inngest_ctx *ctx, void *out, size_t size);
size_t inngest_event_size(const inngest_ctx *ctx);    /* size of the event's data, in bytes */

/* ---- JSON and text ----------------------------------------------------------------------------------------------------- */

#if INNGEST_JSON
/* A path names one value: members by .name, elements by [index] from 0: "items[2].price"; "" is the whole. Names are
 * compared byte by byte, after escapes are decoded. A name that holds . [ or ] has no path. Of two members with one name
 * the first counts.
 *
 * Each call checks the whole text, also what follows the value, so malformed text is ERR_JSON whatever the path. Well
 * formed is RFC 8259 in UTF-8, with no byte order mark, nothing but blanks behind the value, and no surrogate without its
 * other half.
 * - ERR_DEPTH: nested deeper than INNGEST_JSON_DEPTH.
 * - ERR_NOT_FOUND: no such path, also where it leads through a value that is no container.
 * - ERR_TYPE: a value of another type.
 * - ERR_ARGUMENT: a malformed path, or NULL.
 * - ERR_TOO_LONG: json of 64 MiB or more.
 * Except with OK, *out stays as it was, and a string becomes "". Interrupts: yes. Pure. Time: one pass over the text.
 * Stack: about 300 bytes on a Cortex-M3, whatever the text. */

/* Check that json is one well-formed value. */
INNGEST_MUST_USE inngest_status inngest_json_validate(const void *json, size_t size);
/* Copy a string, decoded to UTF-8, and a 0 behind it. Longer than out: ERR_TOO_LONG. With \u0000 inside: ERR_RANGE. */
INNGEST_MUST_USE inngest_status inngest_json_string(const void *json, size_t size, const char *path,
                                                    char *out, size_t out_size);
/* Read a whole number, however it is written: 1000, 1e3 and 1000.0 are the same. Not whole, or too large: ERR_RANGE. */
INNGEST_MUST_USE inngest_status inngest_json_int64(const void *json, size_t size, const char *path, int64_t *out);
/* Read a number times 10^digits (0..18), exactly: 19.99 with 2 digits is 1999; 19.995 is refused with ERR_RANGE. */
INNGEST_MUST_USE inngest_status inngest_json_decimal(const void *json, size_t size, const char *path,
                                                     unsigned digits, int64_t *out);
INNGEST_MUST_USE inngest_status inngest_json_bool(const void *json, size_t size, const char *path, bool *out);
/* Tell whether a value is null; a value of any other type is not. */
INNGEST_MUST_USE inngest_status inngest_json_is_null(const void *json, size_t size, const char *path, bool *out);
/* Count the elements of an array, or the members of an object (two of one name count as two). */
INNGEST_MUST_USE inngest_status inngest_json_count(const void *json, size_t size, const char *path, size_t *out);

/* The same for the event of the run, inside a handler or a step body only. Paths start with data: "data.user.email",
 * "data[0]", "data". Interrupts: no. Writes nothing; the data is read from the journal 32 bytes at a time. If the storage
 * fails to read, this gives INNGEST_PAUSED and parks the run; return it. */
INNGEST_MUST_USE inngest_status inngest_event_string(inngest_ctx *ctx, const char *path, char *out, size_t size);
INNGEST_MUST_USE inngest_status inngest_event_int64(inngest_ctx *ctx, const char *path, int64_t *out);
INNGEST_MUST_USE inngest_status inngest_event_decimal(inngest_ctx *ctx, const char *path, unsigned digits, int64_t *out);
INNGEST_MUST_USE inngest_status inngest_event_bool(inngest_ctx *ctx, const char *path, bool *out);
INNGEST_MUST_USE inngest_status inngest_event_is_null(inngest_ctx *ctx, const char *path, bool *out);
INNGEST_MUST_USE inngest_status inngest_event_count(inngest_ctx *ctx, const char *path, size_t *out);
#endif

#if INNGEST_TEXT
/* Read a duration, in ms: what npm's ms reads ("30s", "1.5 hours", "2 days"; "500" alone is ms), and sums of it ("1h
 * 30m"). Units, in any case: ms msec millisecond, s sec second, m min minute, h hr hour, d day, w week, y yr year (365.25
 * days). A part of a ms counts as one. ERR_ARGUMENT: NULL, empty, negative, or of another form; ERR_RANGE: over 366 days.
 * Then *ms stays as it was. Interrupts: yes. Pure. */
INNGEST_MUST_USE inngest_status inngest_parse_duration(const char *text, int64_t *ms);

/* Read a date (midnight UTC), or a date and time with its zone, in ms since 1970: ISO 8601 and RFC 3339, years 0000 to
 * 9999: "2026-02-28", "2026-02-28T09:30Z", "2026-02-28 09:30:00.25+05:30"; zones also as -0800 and +01. 24:00:00 is the
 * end of the day. A fraction is cut to ms. ERR_ARGUMENT: NULL, another form, or no zone; ERR_RANGE: no such day, time or
 * zone; also second 60, since unix time has none. Then *unix_ms stays as it was. Interrupts: yes. Pure. */
INNGEST_MUST_USE inngest_status inngest_parse_time(const char *text, int64_t *unix_ms);
#endif

/* ---- inspection ------------------------------------------------------------------------------------------------ */

#if INNGEST_CANCEL
/* End a run, also a parked one. Interrupts: no; inside user code: yes. Durable at once; inside user code, with the next
 * sync of a tick or flush. A body in progress is called once more (INNGEST_STOP_CANCEL), and its result is kept; nothing
 * else of the run follows. Writes one record now; at the next tick one more, one for each step in progress that ends
 * well or was completed, and one if that decides an inngest_any. Returns OK, NOT_FOUND, NOT_READY, or the port's failure. */
INNGEST_MUST_USE inngest_status inngest_cancel(inngest *jobs, uint64_t run);
#endif

#if INNGEST_INSPECT
/* Give the next live run; *cursor starts at 0. False: no more. A run that begins or ends between two calls may be given
 * or not; none is given twice. info->function stays valid as long as the table. Interrupts: no; inside user code: yes.
 * Writes nothing, reads no storage. */
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
