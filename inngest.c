/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the inngest-c authors
 *
 * inngest.c - see inngest.h for what it is and port/JOURNAL.md for what it writes
 *
 *   1  Checks of the configuration, types
 *   2  Bytes, checksum, hashes
 *   3  Queue: filled from any context, emptied by the tick
 *   4  Run table: places, numbers, deadlines
 *   5  Journal records: read, verify, append
 *   6  Journal space: blocks, reclaim
 *   7  Journal mount: scan, recovery
 *   8  Runs: errors, waits, identity of steps, commit
 *   9  Steps in progress: again, pending, complete
 *  10  Steps: run, sleep, send, restart, parallel
 *  11  Inside a body, and what a handler can know
 *  12  Events: table of functions, admission
 *  13  Passes: one execution of a handler, its verdict, crashes
 *  14  Tick
 *  15  Life and inspection
 *  16  JSON
 *  17  Text
 *
 * A run is one execution of a function for one event. Its handler is called again from the top each time the run goes on;
 * each such call is a pass. A step is a part of a handler whose result is recorded; in later passes it is not executed but
 * gives that result, its memo. All that must survive a reset are records in the journal, a log over the storage's blocks.
 * "Before" and "in front of" a record mean older, "after" and "behind" newer: the order of the log. */
#include "inngest.h"
#include <stdarg.h>
#include <string.h>

/* ---- 1 Checks of the configuration, types ----------------------------------------------------------------------
 *
 * A configuration out of range is refused here, at compile time. Then: constants of the journal's format and of the engine,
 * the flags of a run, internal types, and macros that become constants where a part is left out. */

#if INNGEST_STAGE_BYTES % 32 || INNGEST_STAGE_BYTES < 64 || INNGEST_STAGE_BYTES > 4096
#error "INNGEST_STAGE_BYTES: a multiple of 32, 64..4096"
#endif
#if INNGEST_EVENT_BYTES < 16 || INNGEST_EVENT_BYTES > 4096 || INNGEST_RESULT_BYTES > 4096
#error "INNGEST_EVENT_BYTES: 16..4096; INNGEST_RESULT_BYTES: 0..4096"
#endif
#if INNGEST_MESSAGE_BYTES > 200 || INNGEST_STEP_IDS < 1 || INNGEST_STEP_IDS > 255 || INNGEST_FAN_OUT < 1 || INNGEST_FAN_OUT > 32
#error "INNGEST_MESSAGE_BYTES: 0..200; INNGEST_STEP_IDS: 1..255; INNGEST_FAN_OUT: 1..32"
#endif
#if INNGEST_RUN_BYTES < 64 || INNGEST_RUN_BYTES > 65535 || INNGEST_ACTIVE_STEPS < 1 || INNGEST_ACTIVE_STEPS > 255
#error "INNGEST_RUN_BYTES: 64..65535; INNGEST_ACTIVE_STEPS: 1..255"
#endif
#if INNGEST_SEEN_IDS > 255 || INNGEST_FILL_PERCENT < 10 || INNGEST_FILL_PERCENT > 75 || INNGEST_CRASH_LIMIT < 1 || INNGEST_CRASH_LIMIT > 250
#error "INNGEST_SEEN_IDS: 0..255; INNGEST_FILL_PERCENT: 10..75; INNGEST_CRASH_LIMIT: 1..250"
#endif
#if !INNGEST_INDEXES && (INNGEST_SYNC_ALONE || INNGEST_TRAIL_STEPS || INNGEST_FAST_MOUNT)
#error "INNGEST_SYNC_ALONE, INNGEST_TRAIL_STEPS and INNGEST_FAST_MOUNT need INNGEST_INDEXES"
#endif
#if (INNGEST_CRC_TABLE != 1 && INNGEST_CRC_TABLE != 16 && INNGEST_CRC_TABLE != 256 && INNGEST_CRC_TABLE != 2048) || INNGEST_CACHE_LINE % 8 || INNGEST_TRAIL_STEPS > 65535
#error "INNGEST_CRC_TABLE: 1, 16, 256 or 2048; INNGEST_CACHE_LINE: a multiple of 8; INNGEST_TRAIL_STEPS: 0..65535"
#endif
#if INNGEST_SUSPECT_MS < 1 || INNGEST_SUSPECT_MS > 2147483647 || INNGEST_CORES < 1
#error "INNGEST_SUSPECT_MS: 1..2^31-1; INNGEST_CORES: 1 or more"
#endif
#if INNGEST_HEARTBEAT_MS < 60000 || INNGEST_HEARTBEAT_MS > 2147483647 || INNGEST_TICK_PASSES < 1 || INNGEST_TICK_PASSES > 65535
#error "INNGEST_HEARTBEAT_MS: 60000..2^31-1; INNGEST_TICK_PASSES: 1..65535"
#endif

#define MAGIC 0x314A4E49u              /* "INJ1" */
#define READY 0x4A004A00u              /* inngest.ready while mounted: unlikely by chance, and an immediate operand of a compare */
#define VOIDS 8u                                                /* entries in inngest.voids */
#define BLOCK_HEADER 24u               /* padded to whole units: first_offset */
#define KIND_MASK 0x0Fu
#define CARRIED 0x10u                  /* a copy made by reclaim: no news of its run; of a list: see nothing_is_void */
#define MORE 0x20u                     /* the group goes on with the next record */
#define WIDE 0x40u
#define FLAG 0x80u                     /* of a step: in on_failure; of TIME: a clean stop; of START: the event has a time;
                                        * of RECLAIMED: a void record (step 0) or a joint (step 1) */
#define STEP_MASK 0xFFFFFFu
#define TIME_BYTES 12u
#define SEEN_BYTES 14u
#ifndef LEAST_WINDOW                    /* tests of small journals set less */
#define LEAST_WINDOW 16384u            /* the tail may always lag the head by this many bytes and 3 blocks ... */
#define FOLLOW 16u                     /* ... and by this many times the bytes that are live */
#define LIST_REACH 8192u               /* bytes written from one list to the next */
#endif
#define LIST_GRID (LIST_REACH / 2)      /* a power of two; in blocks above LIST_REACH a list begins behind a multiple of it ... */
#define LIST_PLACE (LIST_GRID / 8)      /* ... within this many bytes */
#define LOOK 256u                       /* bytes ahead of the head that are checked to be blank, at a time */
#define SAMPLE 64u                      /* beyond them a mount checks one unit each so many bytes */
#define UNSYNCED 8u                     /* most blocks that are entered from one sync to the next */
#ifdef TAKES_LISTS                      /* a test switches them off */
extern bool TAKES_LISTS;
#else
#define TAKES_LISTS true
#endif
#define ERROR_BYTES (8u + INNGEST_MESSAGE_BYTES)
#define END_ROOM (((16u + ERROR_BYTES + 31u) & ~31u) + 32u)   /* part of each reservation: room for a PHASE and a CRASH */
#define START_HEAD 13u                 /* bytes of a START's payload in front of the name; 7 without a time */
#define LARGEST_PAYLOAD 4352u          /* fixed by the format: bounds what a scan reads at each unit of a blank or torn block */
#define GUARDED_EVENTS 16u             /* events after a crash whose predicates are called behind a record */
#define NEVER (INT64_C(1) << 47)        /* later than any time; deadlines are kept in 48 bits */
#define IS_TIME(t) ((uint64_t)(t) >> 47 == 0)                   /* not negative, and before NEVER */
#define NO_FUNCTION 0xFFFFu
#define LAST_LAPS 16u                   /* laps before block numbers end: no event is admitted, so that live runs may end */
#define MOST_RUNS (INNGEST_MANY_RUNS ? 4000000u : 65534u)
#define RETRY_ROOM_MS 1000             /* delay before what failed, or found no room, is tried again */
#define MOST_BACK_MS UINT32_C(86400000)   /* a clock that goes back by at most this is waited for; by more, it has restarted */
#define FAST (UINTPTR_MAX > 0xFFFFFFFF)                         /* 64-bit hosts: shortcuts, as code size is cheap */

enum { START = 1, END, PHASE, RESULT, FAILED, ATTEMPT, INTENT, SLEEP, DONE, CHOICE, SAVE, CRASH, TIME, SEEN, RECLAIMED };
enum { WHAT_RUN, WHAT_SLEEP, WHAT_SEND, WHAT_RESTART };                    /* what a step does; all but RUN stand in DONE records */
enum { WAIT_UNIX = 1, WAIT_PARALLEL = 2, WAIT_MOVED = 4 };                 /* flags in ATTEMPT and SLEEP records */

/* Flags of a run; a flag is 0 where the part that needs it is left out. */
#define RUN_SUSPECT (INNGEST_CRASHES ? 1u : 0u)      /* live at an unclean boot: passes follow a CRASH record until it commits */
#define RUN_MARKED (INNGEST_CRASHES ? 2u : 0u)       /* it has a CRASH record that counts */
#define RUN_ARMED (INNGEST_CRASHES ? 4u : 0u)        /* ... which says that it is on its own */
#define RUN_OLD 8u                     /* from an earlier boot: a body may have begun there */
#define RUN_BEGUN (INNGEST_WALL_CLOCK ? 16u : 0u)    /* past the time that its event named */
#define RUN_UNIX (INNGEST_WALL_CLOCK ? 32u : 0u)     /* its deadline is a date */
#define RUN_PASSED 64u                 /* had its pass in this round */
#define RUN_FAILING FLAG               /* in on_failure; the same bit as in the records of its steps */
#define RUN_SAVED (INNGEST_PROGRESS ? 256u : 0u)     /* has live progress of a step */
#define RUN_DRAINS (INNGEST_RESTART ? 512u : 0u)     /* its restart step has waited for the queue to be journaled */
#define RUN_WANTS (INNGEST_LONG_STEPS ? 1024u : 0u)  /* waits for a place among the steps in progress */
#define RUN_RETRYING 2048u              /* its handler waits, or has waited, for its next attempt */
#define RUN_PARKED 4096u               /* gets no pass: its records are damaged, or need a part that is left out */
#define RUN_WAITS 8192u                 /* a wait of it began in this boot */

typedef struct record {                /* bytes first, then words, within the reach of short load and store instructions */
    uint16_t size;                     /* of the payload */
    uint8_t kind, flags, header;
    bool later;
#if INNGEST_TRAIL_STEPS
    bool staged;                       /* all of it is in the stage */
#endif
    uint32_t position, next, run, step, link;    /* next: the position right behind it */
} record;

#if INNGEST_TRAIL_STEPS
#define CLEARED offsetof(inngest, trail)    /* bytes of an engine that a mount sets to 0 */
#else
#define CLEARED sizeof(inngest)
#endif
#define LATER 0xA5A5A5A5u              /* XORed into a record's checksum: when it was written, not all in front of it was synced */

/* A kind with its flags, or a class (see class_of), and a step in one word. */
#define KEY(kind, step) ((uint32_t)(kind) << 24 | (step))

typedef struct source {                /* where the rest of a payload that is being written comes from */
    union {
        struct { const uint8_t *at[3]; uint16_t size[3]; } piece;     /* memory */
        struct { uint32_t address, head, crc, number; } copy;    /* another record: its payload, header's crc, crc, run */
    } from;
    uint16_t left;
    uint8_t head;                      /* bytes of the header in front of it */
    uint8_t copy;                      /* 1: of another record; A_LIST: a list, treated as a copy whose header's checksum is 0;
                                        * address counts its words */
} source;

#define A_LIST 2u

typedef struct arrival {               /* an event on its way into the journal */
    const char *name;
    const void *data;
    const inngest_slot *full;          /* slot with its time and id, each 0 if it has none; NULL: it has neither */
    uint16_t size;
    uint8_t name_size;
} arrival;

#if INNGEST_WALL_CLOCK
#define HAS_TIME(e) ((e)->full && ((e)->full->of.full.ts[0] | (e)->full->of.full.ts[1]) != 0)
#else
#define HAS_TIME(e) false
#endif
#if INNGEST_SEEN_IDS
#define HAS_ID(e) ((e)->full && (e)->full->of.full.id_hash[1] != 0)
#else
#define HAS_ID(e) false
#endif

#define NOT_SAID UINT32_MAX            /* of ctx.retry_in: no time was given, the backoff decides */

#if defined(__GNUC__) && !FAST         /* not inlined: keeps its locals out of its callers' frames, and its code small */
#define APART static __attribute__((noinline))
#else
#define APART static
#endif

#if INNGEST_INDEXES                    /* apart only with them: they make the ways below it deeper; without it is smaller inlined */
#define APART_INDEXED APART
#else
#define APART_INDEXED static
#endif

#if defined(__GNUC__) && FAST          /* rarely reached: kept out of its callers */
#define ASIDE static __attribute__((noinline))
#else
#define ASIDE static
#endif

#if defined(__GNUC__) && defined(__OPTIMIZE__) && FAST         /* on the way of each step: inlined, where code is cheap */
#define NEAR static inline __attribute__((always_inline))
#define NEAR_APART NEAR
#else
#define NEAR static
#define NEAR_APART APART
#endif

#if defined(__GNUC__)                  /* what a send consists of: inlined, few instructions */
#define HOT static inline __attribute__((always_inline))
#else
#define HOT INNGEST_SEND_CODE static
#endif

/* Conditions and accessors that become constants where their part is left out. */
#define IN_GROUP(ctx) (INNGEST_PARALLEL && (ctx)->parallel)
#define IS_DECIDED(ctx) (INNGEST_PARALLEL && (ctx)->decided)   /* its group has a winner */
#if INNGEST_LONG_STEPS
#define IN_PROGRESS(ctx) ((ctx)->active != NULL)
#define ENDING(ctx) ((ctx)->ending)
#define STOPPING(ctx) ((ctx)->stop != INNGEST_STOP_NONE)
#else
#define IN_PROGRESS(ctx) false
#define ENDING(ctx) false
#define STOPPING(ctx) false
#endif
#define IN_ON_FAILURE(run) (INNGEST_ON_FAILURE && ((run)->flags & RUN_FAILING))
#define CANCELLING(run) (INNGEST_CANCEL && (run)->phase == INNGEST_PHASE_CANCELLING)
#define STOPPED(jobs) (INNGEST_RESTART && (jobs)->stopped)
#if INNGEST_WALL_CLOCK
#define IS_TOLD(jobs) ((jobs)->is_told)
#define WALL_KNOWN(jobs) ((jobs)->wall_known)
#define WALL_OFFSET(jobs) ((jobs)->wall_offset)
#else
#define IS_TOLD(jobs) false
#define WALL_KNOWN(jobs) false
#define WALL_OFFSET(jobs) INT64_C(0)
#endif
#if INNGEST_CRASHES
#define ALONE(jobs) ((jobs)->alone)
#define CRASHES(run) ((run)->crashes)
#define WATCHED(jobs) ((jobs)->guarded)
#else
#define ALONE(jobs) 0u
#define CRASHES(run) 0u
#define WATCHED(jobs) false
#endif
#if INNGEST_LONG_STEPS
#define ACTIVE(jobs) ((jobs)->active)
#define WOKEN(jobs) LOAD(&(jobs)->woken)
#define SET_WOKEN(jobs, yes) STORE(&(jobs)->woken, yes)
#define ACTIVE_STEPS INNGEST_ACTIVE_STEPS
#else                                  /* none: loops over them end at once */
#define ACTIVE(jobs) ((void)(jobs), (inngest_active *)NULL)
#define WOKEN(jobs) ((void)(jobs), false)
#define SET_WOKEN(jobs, yes) ((void)0)
#define ACTIVE_STEPS 0
#endif
#if INNGEST_INDEXES
#define QUIET_UNTIL(jobs) ((jobs)->quiet_until)
#define BE_QUIET(jobs, until) ((void)((jobs)->quiet_until = (until)))
#else                                  /* each call looks at all runs */
#define QUIET_UNTIL(jobs) INT64_MIN
#define BE_QUIET(jobs, until) ((void)0)
#endif
#if INNGEST_SEEN_IDS
#define SEEN_ID(jobs, i) (&(jobs)->seen[i])
#else
#define SEEN_ID(jobs, i) ((void)(jobs), (inngest_seen *)NULL)
#endif
#if INNGEST_HOOKS
#define TELL(jobs, hook, ...) do { if ((jobs)->hooks && (jobs)->hooks->hook) (jobs)->hooks->hook((jobs)->user, __VA_ARGS__); } while (0)
#else
#define TELL(jobs, hook, ...) ((void)(jobs))
#endif

/* ---- 2 Bytes, checksum, hashes ---------------------------------------------------------------------------------
 *
 * Little-endian loads and stores, CRC-32, FNV-1a, texts, counters; small stand-ins for functions of the C library. */

#if (defined(__ARM_FEATURE_UNALIGNED) && !defined(__ARM_BIG_ENDIAN)) || defined(__x86_64__)   /* one instruction, at -Os too */
#define SHORT HOT
static void put4(uint8_t *to, uint32_t value) { memcpy(to, &value, 4); }
static void put_time(uint8_t *to, int64_t time)
{
    uint16_t high = (uint16_t)(time >> 32);
    put4(to, (uint32_t)time);
    memcpy(to + 4, &high, 2);
}
INNGEST_SEND_CODE static uint32_t get4(const uint8_t *from)
{
    uint32_t value;
    memcpy(&value, from, 4);
    return value;
}
#else
#define SHORT static
static void put4(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    to[2] = (uint8_t)(value >> 16);
    to[3] = (uint8_t)(value >> 24);
}
static void put_time(uint8_t *to, int64_t time)
{
    put4(to, (uint32_t)time);
    to[4] = (uint8_t)(time >> 32);
    to[5] = (uint8_t)(time >> 40);
}
INNGEST_SEND_CODE static uint32_t get4(const uint8_t *from) { return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24; }
#endif

static uint32_t get2(const uint8_t *from) { return from[0] | (uint32_t)from[1] << 8; }
SHORT int64_t get_time(const uint8_t *from) { return (int64_t)((uint64_t)get2(from + 4) << 32 | get4(from)); }

#if INNGEST_CRC_TABLE >= 256           /* entries are XORs of those of their bits; row k: a byte with k zero bytes behind it */
#define CRC_BIT(b, bit, value) ((b) & (bit) ? value : 0u)
#define CRC_ROW_0(b) (CRC_BIT(b, 1, 0x77073096) ^ CRC_BIT(b, 2, 0xEE0E612C) ^ CRC_BIT(b, 4, 0x076DC419) ^ CRC_BIT(b, 8, 0x0EDB8832) ^ \
                      CRC_BIT(b, 16, 0x1DB71064) ^ CRC_BIT(b, 32, 0x3B6E20C8) ^ CRC_BIT(b, 64, 0x76DC4190) ^ CRC_BIT(b, 128, 0xEDB88320))
#define CRC_ROW_1(b) (CRC_BIT(b, 1, 0x191B3141) ^ CRC_BIT(b, 2, 0x32366282) ^ CRC_BIT(b, 4, 0x646CC504) ^ CRC_BIT(b, 8, 0xC8D98A08) ^ \
                      CRC_BIT(b, 16, 0x4AC21251) ^ CRC_BIT(b, 32, 0x958424A2) ^ CRC_BIT(b, 64, 0xF0794F05) ^ CRC_BIT(b, 128, 0x3B83984B))
#define CRC_ROW_2(b) (CRC_BIT(b, 1, 0x01C26A37) ^ CRC_BIT(b, 2, 0x0384D46E) ^ CRC_BIT(b, 4, 0x0709A8DC) ^ CRC_BIT(b, 8, 0x0E1351B8) ^ \
                      CRC_BIT(b, 16, 0x1C26A370) ^ CRC_BIT(b, 32, 0x384D46E0) ^ CRC_BIT(b, 64, 0x709A8DC0) ^ CRC_BIT(b, 128, 0xE1351B80))
#define CRC_ROW_3(b) (CRC_BIT(b, 1, 0xB8BC6765) ^ CRC_BIT(b, 2, 0xAA09C88B) ^ CRC_BIT(b, 4, 0x8F629757) ^ CRC_BIT(b, 8, 0xC5B428EF) ^ \
                      CRC_BIT(b, 16, 0x5019579F) ^ CRC_BIT(b, 32, 0xA032AF3E) ^ CRC_BIT(b, 64, 0x9B14583D) ^ CRC_BIT(b, 128, 0xED59B63B))
#define CRC_ROW_4(b) (CRC_BIT(b, 1, 0x3D6029B0) ^ CRC_BIT(b, 2, 0x7AC05360) ^ CRC_BIT(b, 4, 0xF580A6C0) ^ CRC_BIT(b, 8, 0x30704BC1) ^ \
                      CRC_BIT(b, 16, 0x60E09782) ^ CRC_BIT(b, 32, 0xC1C12F04) ^ CRC_BIT(b, 64, 0x58F35849) ^ CRC_BIT(b, 128, 0xB1E6B092))
#define CRC_ROW_5(b) (CRC_BIT(b, 1, 0xCB5CD3A5) ^ CRC_BIT(b, 2, 0x4DC8A10B) ^ CRC_BIT(b, 4, 0x9B914216) ^ CRC_BIT(b, 8, 0xEC53826D) ^ \
                      CRC_BIT(b, 16, 0x03D6029B) ^ CRC_BIT(b, 32, 0x07AC0536) ^ CRC_BIT(b, 64, 0x0F580A6C) ^ CRC_BIT(b, 128, 0x1EB014D8))
#define CRC_ROW_6(b) (CRC_BIT(b, 1, 0xA6770BB4) ^ CRC_BIT(b, 2, 0x979F1129) ^ CRC_BIT(b, 4, 0xF44F2413) ^ CRC_BIT(b, 8, 0x33EF4E67) ^ \
                      CRC_BIT(b, 16, 0x67DE9CCE) ^ CRC_BIT(b, 32, 0xCFBD399C) ^ CRC_BIT(b, 64, 0x440B7579) ^ CRC_BIT(b, 128, 0x8816EAF2))
#define CRC_ROW_7(b) (CRC_BIT(b, 1, 0xCCAA009E) ^ CRC_BIT(b, 2, 0x4225077D) ^ CRC_BIT(b, 4, 0x844A0EFA) ^ CRC_BIT(b, 8, 0xD3E51BB5) ^ \
                      CRC_BIT(b, 16, 0x7CBB312B) ^ CRC_BIT(b, 32, 0xF9766256) ^ CRC_BIT(b, 64, 0x299DC2ED) ^ CRC_BIT(b, 128, 0x533B85DA))
#define CRC_4(row, b) row(b), row((b) + 1), row((b) + 2), row((b) + 3)
#define CRC_16(row, b) CRC_4(row, b), CRC_4(row, (b) + 4), CRC_4(row, (b) + 8), CRC_4(row, (b) + 12)
#define CRC_64(row, b) CRC_16(row, b), CRC_16(row, (b) + 16), CRC_16(row, (b) + 32), CRC_16(row, (b) + 48)
#define CRC_WORD(rows, w) ((rows)[3][(w) & 255] ^ (rows)[2][(w) >> 8 & 255] ^ (rows)[1][(w) >> 16 & 255] ^ (rows)[0][(w) >> 24])
#define CRC_ROW(row) { CRC_64(row, 0u), CRC_64(row, 64u), CRC_64(row, 128u), CRC_64(row, 192u) }
#endif

static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t size)
{
#if INNGEST_CRC_TABLE == 2048          /* eight bytes at a time */
    static const uint32_t table[8][256] = { CRC_ROW(CRC_ROW_0), CRC_ROW(CRC_ROW_1), CRC_ROW(CRC_ROW_2), CRC_ROW(CRC_ROW_3),
                                            CRC_ROW(CRC_ROW_4), CRC_ROW(CRC_ROW_5), CRC_ROW(CRC_ROW_6), CRC_ROW(CRC_ROW_7) };
    const uint8_t *end = data + (size & ~(size_t)7);
    uint_fast32_t word;
    for (crc = ~crc; data != end; data += 8) {
        word = crc ^ get4(data);
        crc = CRC_WORD(table + 4, word) ^ table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^ table[0][data[7]];
    }
    if (size & 4) {
        word = crc ^ get4(data);
        crc = CRC_WORD(table, word);
        data += 4;
    }
    if (size & 2) {
        word = crc ^ get2(data);
        crc = (uint32_t)(word >> 16) ^ table[1][word & 255] ^ table[0][word >> 8 & 255];
        data += 2;
    }
    if (size & 1) crc = crc >> 8 ^ table[0][(crc ^ *data) & 255];
#elif INNGEST_CRC_TABLE == 256
    static const uint32_t table[256] = CRC_ROW(CRC_ROW_0);
    for (crc = ~crc; size-- > 0; data++) crc = crc >> 8 ^ table[(crc ^ *data) & 255];
#elif INNGEST_CRC_TABLE == 1
    unsigned bit;
    for (crc = ~crc; size-- > 0; )
        for (crc ^= *data++, bit = 8; bit > 0; bit--) crc = crc >> 1 ^ (0xEDB88320 & (0u - (crc & 1)));
#else
    static const uint32_t table[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C };
    for (crc = ~crc; size-- > 0; ) {
        crc ^= *data++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
#endif
    return ~crc;
}

#define HASH_SEED 2166136261u
#define HASH_PRIME 16777619u
INNGEST_SEND_CODE APART uint32_t hash_text(uint32_t hash, const char *text)     /* FNV-1a */
{
    while (*text) hash = (hash ^ (uint8_t)*text++) * HASH_PRIME;
    return hash;
}

/* Hash of the id of an event, a function or a step. */
INNGEST_SEND_CODE APART uint32_t hash_id(const char *id) { return hash_text(HASH_SEED, id); }

/* Base-2 logarithm of a power of two. */
static uint32_t log_2(uint32_t n)
{
    uint32_t log = 0;
    while (n >>= 1) log++;
    return log;
}

static uint32_t minimum(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Stand-ins for memcpy, memset, strlen and the like, which are large in a small machine's C library: about 1 KB in newlib for
 * ARM. Elsewhere the library's own are faster than a byte loop, and not that large. */
#if FAST || !defined(__arm__)
#define copy_bytes memcpy
#define fill_bytes memset

/* memcpy, but pointers may be NULL if size is 0. */
HOT void copy_any(void *to, const void *from, size_t size)
{
    if (size) copy_bytes(to, from, size);
}
#else
#define copy_any copy_bytes
INNGEST_SEND_CODE APART void copy_bytes(void *to, const void *from, size_t size)
{
    uint8_t *byte = to;
    const uint8_t *end = (const uint8_t *)from + size, *next = from;
    while (next != end) *byte++ = *next++;
}

/* Copies each byte to the next place: compilers would turn a plain loop that fills into a call of memset. */
APART void fill_bytes(void *to, uint8_t value, size_t size)
{
    if (size == 0) return;
    *(uint8_t *)to = value;
    copy_bytes((uint8_t *)to + 1, to, size - 1);
}
#endif

/* to may be NULL if size is 0. */
APART void clear_bytes(void *to, size_t size)
{
    if (size) fill_bytes(to, 0, size);
}

INNGEST_SEND_CODE static size_t length_of(const char *text)
{
    size_t n = 0;
    while (text && text[n]) n++;
    return n;
}

/* Does a name of `size` bytes match a pattern: the same name, or the start of one and a star for one byte or more? */
static bool matches(const char *pattern, const char *name, size_t size)
{
    for (; size > 0; size--, pattern++, name++) {
        if (pattern[0] == '*' && pattern[1] == 0) return true;
        if (*pattern != *name) return false;         /* a name holds no 0 */
    }
    return *pattern == 0;
}

/* Copy a text, cut to fit; NULL is an empty one. */
static void copy_text(char *to, const char *from, size_t size)
{
    for (; size > 1 && from && *from; size--) *to++ = *from++;
    *to = 0;
}

/* Copy an id, cut to fit, and give its hash. */
NEAR uint32_t copy_id(char *to, const char *id, size_t size)
{
#if FAST                               /* copy and hash in one loop */
    uint32_t hash = HASH_SEED;
    size_t n = 0;
    char c = INNGEST_MESSAGE_BYTES ? id[0] : 0;      /* else no byte fits */
    while (c) {
        hash = (hash ^ (uint8_t)c) * HASH_PRIME;
        to[n] = c;
        if (++n == size - 1) break;
        c = id[n];
    }
    to[n] = 0;
    return n == size - 1 ? hash_text(hash, id + n) : hash;
#else
    copy_text(to, id, size);
    return hash_id(id);
#endif
}

#if INNGEST_INSPECT
INNGEST_SEND_CODE static void count(uint32_t *counter)
{
    if (*counter != UINT32_MAX) (*counter)++;   /* cov: after 2^32 events */
}
#else                                  /* there are no counters */
#define count(counter) ((void)0)
#define tally(counter) ((void)0)
#define refuse(counter, status) (status)
#endif

/* ---- 3 Queue: filled from any context, emptied by the tick -----------------------------------------------------
 *
 * A ring of slots of fixed size. Slots have ever growing indices, and slot.sequence says whose a slot is: == index: it is
 * free, for the sender that claims this index; == index + 1: it is published, for the tick. Freeing a slot gives it the
 * index of its next lap. Slots are freed in order, so a slot is free if the one behind it is: events look at that one, and
 * so leave the last free slot to completions, since a completion may be what makes room.
 * With compare-and-swap a sender moves tail forward to claim a slot and publishes that slot alone, so a preempted
 * sender never holds up one that preempted it. Without it, tail is only a hint: a sender writes its mark into the first
 * slot not claimed in this lap, then looks whether the slot has been published meanwhile. If so, an interrupt that
 * preempted it between its look and its mark owned the slot and has finished (last in, first out), and the sender moves
 * on. That needs one core and senders that nest: interrupts and the main loop; tasks take the port's lock. */

#if INNGEST_WORD_BITS != 32 || defined(INNGEST_NO_CAS)
#define HAVE_CAS 0
#elif defined(__GNUC__)
#define HAVE_CAS (__GCC_ATOMIC_INT_LOCK_FREE == 2)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L && !defined(__STDC_NO_ATOMICS__)
#include <stdatomic.h>
#define HAVE_CAS (ATOMIC_INT_LOCK_FREE == 2)
#else
#define HAVE_CAS 0
#endif
#if INNGEST_CORES > 1 && !HAVE_CAS
#error "INNGEST_CORES: more than one core needs compare-and-swap"
#endif
#ifndef LOAD                           /* LOAD acquires, STORE releases, PEEK is relaxed; tests/explorer.h has its own */
#if HAVE_CAS && defined(__GNUC__)
#if INNGEST_CORES == 1 && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 77       /* M, one core: only for the compiler */
#define LOAD(p) __extension__ ({ __typeof__(*(p)) loaded_ = __atomic_load_n(p, __ATOMIC_RELAXED); __atomic_signal_fence(__ATOMIC_SEQ_CST); loaded_; })
#define STORE(p, v) __extension__ ({ __atomic_signal_fence(__ATOMIC_SEQ_CST); __atomic_store_n(p, v, __ATOMIC_RELAXED); })
#else
#define LOAD(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#endif
#define PEEK(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define SWAP(p, old, new) swap_word(p, old, new)
HOT bool swap_word(inngest_word *at, inngest_word old, inngest_word new_word)      /* weak: may fail spuriously */
{
    return __atomic_compare_exchange_n(at, &old, new_word, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
#elif HAVE_CAS
#define ATOMIC(p) ((_Atomic(uint32_t) *)(p))
typedef char atomic_has_its_size[sizeof(_Atomic(uint32_t)) == sizeof(uint32_t) ? 1 : -1];
#define LOAD(p) atomic_load_explicit(ATOMIC(p), memory_order_acquire)
#define STORE(p, v) atomic_store_explicit(ATOMIC(p), v, memory_order_release)
#define PEEK(p) atomic_load_explicit(ATOMIC(p), memory_order_relaxed)
#define SWAP(p, old, new) swap_word(p, old, new)
HOT bool swap_word(inngest_word *at, inngest_word old, inngest_word new_word)
{
    return atomic_compare_exchange_weak_explicit(ATOMIC(at), &old, new_word, memory_order_relaxed, memory_order_relaxed);
}
#elif defined(__GNUC__)                /* one core: only the compiler must be kept from moving accesses */
#define LOAD(p) __extension__ ({ __typeof__(*(p)) loaded_ = *(__typeof__(*(p)) volatile *)(p); __atomic_signal_fence(__ATOMIC_SEQ_CST); loaded_; })
#define STORE(p, v) __extension__ ({ __atomic_signal_fence(__ATOMIC_SEQ_CST); *(__typeof__(*(p)) volatile *)(p) = (v); __atomic_signal_fence(__ATOMIC_SEQ_CST); })
#else
#define LOAD(p) load_word(p, sizeof *(p))
#define STORE(p, v) store_word(p, v, sizeof *(p))
static uint32_t load_word(const volatile void *from, size_t size)
{
    uint32_t value = size == 4 ? *(const volatile uint32_t *)from : *(const volatile inngest_word *)from;
    INNGEST_BARRIER();
    return value;
}
static void store_word(volatile void *to, uint32_t value, size_t size)
{
    INNGEST_BARRIER();
    if (size == 4) *(volatile uint32_t *)to = value;
    else *(volatile inngest_word *)to = (inngest_word)value;
    INNGEST_BARRIER();
}
#endif
#endif
#if INNGEST_WORD_BITS == 32
typedef int32_t word_distance;
#define MOST_EVENTS 32768u
#elif INNGEST_WORD_BITS == 16
typedef int16_t word_distance;
#define MOST_EVENTS 16384u
#elif INNGEST_WORD_BITS == 8
typedef int8_t word_distance;
#define MOST_EVENTS 64u
#else
#error "INNGEST_WORD_BITS: 8, 16 or 32"
#endif
#define WORD(x) ((inngest_word)(x))    /* wraps where int is wider */
#define KEPT_SLOTS (INNGEST_LONG_STEPS ? 1u : 0u)      /* for completions, when the rest is full of events that wait for room */
enum { SLOT_EVENT, SLOT_FULL_EVENT, SLOT_COMPLETION };         /* FULL: from inngest_send_event, with a copy of its name */
#define SLOT_WHAT(kind, name_size, size) ((uint32_t)(kind) << 24 | (uint32_t)(name_size) << 16 | (uint32_t)(size))
#define SLOT_KIND(slot) ((slot)->what >> 24)
#define SLOT_NAME(slot) ((uint8_t)((slot)->what >> 16))        /* bytes of the name; of a completion: its status */
#define SLOT_SIZE(slot) ((uint16_t)(slot)->what)

#if INNGEST_INSPECT
INNGEST_SEND_CODE static void tally(uint32_t *counter)                           /* count, from any context */
{
#if HAVE_CAS && defined(__GNUC__)
    if (__atomic_load_n(counter, __ATOMIC_RELAXED) != UINT32_MAX) (void)__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);   /* cov: after 2^32 events */
#elif HAVE_CAS
    if (PEEK(counter) != UINT32_MAX) (void)atomic_fetch_add_explicit(ATOMIC(counter), 1, memory_order_relaxed);
#else
    count(counter);
#endif
}
#endif

/* Claim the next slot: gives it and its index. False: it, or one of the `kept` behind it, is not free. */
#if HAVE_CAS
HOT bool claim_slot(inngest *jobs, inngest_slot **slot, inngest_word *claimed, unsigned kept)
{
    inngest_slot *slots = jobs->slots;
    unsigned mask = jobs->slot_mask;
    inngest_word index;
    do {
        inngest_word last;
        index = PEEK(&jobs->tail);
        last = WORD(index + kept);
        if ((word_distance)(LOAD(&slots[last & mask].sequence) - last) < 0) return false;
    } while (!SWAP(&jobs->tail, index, WORD(index + 1)));   /* cov: two at once: queue_threads.c */
    *slot = &slots[index & mask];
    *claimed = index;
    return true;
}
#else
HOT bool claim_slot(inngest *jobs, inngest_slot **slot, inngest_word *claimed, unsigned kept)
{
    inngest_slot *slots = jobs->slots;
    unsigned mask = jobs->slot_mask;
    inngest_word index = WORD(LOAD(&jobs->tail));
    for (;; index++) {
        inngest_word last = WORD(index + kept);
        if ((word_distance)(LOAD(&slots[last & mask].sequence) - last) < 0) return false;
        *slot = &slots[index & mask];
        if (LOAD(&(*slot)->sequence) != index || LOAD(&(*slot)->claim) == index) continue;
        STORE(&(*slot)->claim, index);
        if (LOAD(&(*slot)->sequence) == index) break;
    }
    STORE(&jobs->tail, WORD(index + 1));
    *claimed = index;
    return true;
}
#endif

#if HAVE_CAS
#define CLAIMED(jobs, slot, index) (LOAD(&(jobs)->tail) != (index))
#else                                  /* a sender that was interrupted may have set tail back */
#define CLAIMED(jobs, slot, index) (LOAD(&(slot)->claim) == (index))
#endif

/* Give the slot with this index, head's or one behind it. NULL: it is not published. */
static inngest_slot *published_slot(inngest *jobs, inngest_word index)
{
    inngest_slot *slot = &jobs->slots[index & jobs->slot_mask];
    if (LOAD(&slot->sequence) == WORD(index + 1)) return slot;
#if INNGEST_INSPECT                    /* look once more: an interrupt since the first look may have claimed and published it */
    if (CLAIMED(jobs, slot, index) && LOAD(&slot->sequence) != WORD(index + 1)) count(&jobs->counters.unpublished);   /* cov: two at once: queue_threads.c, the sweeps of tests/targets */
#endif
    return NULL;
}

#if FAST                               /* each tick looks there, and more than once */
#define OLDEST_SLOT(jobs) ((jobs)->oldest_slot)
#define FIND_OLDEST_SLOT(jobs) ((jobs)->oldest_slot = &(jobs)->slots[(jobs)->head & (jobs)->slot_mask])
#else
#define OLDEST_SLOT(jobs) (&(jobs)->slots[(jobs)->head & (jobs)->slot_mask])
#define FIND_OLDEST_SLOT(jobs) ((void)0)
#endif

#if FAST && HAVE_CAS                   /* the queue is empty, and nobody is in the middle of a send */
NEAR bool none_waits(inngest *jobs)
{
    return LOAD(&OLDEST_SLOT(jobs)->sequence) != WORD(jobs->head + 1) && LOAD(&jobs->tail) == jobs->head;   /* cov: two at once: queue_threads.c */
}
#else
#define none_waits(jobs) false
#endif

static void free_oldest_slot(inngest *jobs)
{
    STORE(&jobs->slots[jobs->head & jobs->slot_mask].sequence, WORD(jobs->head + jobs->slot_mask + 1u));
    jobs->head++;
    FIND_OLDEST_SLOT(jobs);
}

HOT void lock(const inngest *jobs)
{
#if !HAVE_CAS
    if (jobs->port->lock) jobs->port->lock(jobs->port->context);
#endif
    (void)jobs;
}

HOT void unlock(const inngest *jobs)
{
#if !HAVE_CAS
    if (jobs->port->unlock) jobs->port->unlock(jobs->port->context);
#endif
    (void)jobs;
}

#if INNGEST_INSPECT
INNGEST_SEND_CODE static inngest_status refuse(uint32_t *counter, inngest_status status)
{
    tally(counter);
    return status;
}
#endif

HOT inngest_status publish(inngest *jobs, inngest_slot *slot, inngest_word index)
{
    STORE(&slot->sequence, WORD(index + 1));
    unlock(jobs);
    if (jobs->port->wake) jobs->port->wake(jobs->port->context);
    return INNGEST_OK;
}

/* claim_slot and publish for calls that need not be as fast as inngest_send. NULL: none is free, which is counted. */
INNGEST_SEND_CODE static inngest_slot *open_slot(inngest *jobs, unsigned kept)
{
    inngest_slot *slot;
    inngest_word index;
    lock(jobs);
    if (claim_slot(jobs, &slot, &index, kept)) return slot;
    unlock(jobs);
    tally(&jobs->counters.refused_full);
    return NULL;
}

INNGEST_SEND_CODE APART inngest_status close_slot(inngest *jobs, inngest_slot *slot) { return publish(jobs, slot, slot->sequence); }

/* memcpy into a slot, for data that mostly is short and aligned, and often without a fast memcpy at hand. */
HOT void copy_data(uint8_t *to, const uint8_t *from, size_t size)
{
#if defined(__GNUC__) && UINTPTR_MAX > 0xFFFF && !defined(__riscv)       /* on RISC-V these would be calls of memcpy */
    typedef struct __attribute__((may_alias)) words { uint32_t word[4]; } words;
    if (((uintptr_t)from & 3) == 0 && size < 64) {
        if (size & 32) {
            ((words *)(void *)to)[0] = ((const words *)(const void *)from)[0];
            ((words *)(void *)to)[1] = ((const words *)(const void *)from)[1];
            to += 32, from += 32;
        }
        size &= 31;
        if (size == 0) return;
        if (size & 16) {
            *(words *)(void *)to = *(const words *)(const void *)from;
            to += 16, from += 16;
            size -= 16;
        }
    }
#endif
    if (size) copy_bytes(to, from, size);
}

/* Names that begin with inngest/ are the library's own. Compared as two numbers, since a string constant would not be placed
 * where INNGEST_SEND_CODE says. */
#define LETTERS(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
INNGEST_SEND_CODE static bool is_own(const char *name)
{
    return get4((const uint8_t *)name) == LETTERS('i', 'n', 'n', 'g') && get4((const uint8_t *)name + 4) == LETTERS('e', 's', 't', '/');
}

INNGEST_SEND_CODE static inngest_status check_event(inngest *jobs, const char *name, size_t name_size, const void *data, size_t size)
{
    (void)jobs;
    if (name_size == 0 || (name_size >= 8 && is_own(name)))
        return refuse(&jobs->counters.refused_name, INNGEST_ERR_NAME);
    if ((INNGEST_EVENT_BYTES > 255 && name_size > 255) || size > INNGEST_EVENT_BYTES || name_size > INNGEST_EVENT_BYTES - size)
        return refuse(&jobs->counters.refused_size, INNGEST_ERR_EVENT_SIZE);
    return data == NULL && size > 0 ? INNGEST_ERR_ARGUMENT : INNGEST_OK;
}

INNGEST_SEND_CODE static bool ready(inngest *jobs)
{
    if (LOAD(&jobs->ready) == READY) return true;
    tally(&jobs->counters.refused_not_ready);
    return false;
}

INNGEST_SEND_CODE static inngest_status check_send(inngest *jobs, const char *name, size_t name_size, const void *data, size_t size)
{
    if (jobs == NULL) return INNGEST_ERR_ARGUMENT;
    return ready(jobs) ? check_event(jobs, name, name_size, data, size) : INNGEST_ERR_NOT_READY;
}

/* inngest_send_ refuses: find out why, and count it. */
INNGEST_SEND_CODE APART inngest_status refuse_event(inngest *jobs, const char *name, const void *data, size_t size)
{
    inngest_status status = check_send(jobs, name, length_of(name), data, size);
    return status != INNGEST_OK ? status : refuse(&jobs->counters.refused_name, INNGEST_ERR_NAME);     /* a 0 inside the name */
}

INNGEST_SEND_CODE inngest_status inngest_send_(inngest *jobs, const char *name, const void *data, size_t size, size_t room)
{
    inngest_slot *slot;
    inngest_word index;
    if (jobs == NULL || jobs->ready != READY || (data == NULL && size > 0) || size >= room) return refuse_event(jobs, name, data, size);
    lock(jobs);
    if (!claim_slot(jobs, &slot, &index, KEPT_SLOTS)) {
        unlock(jobs);
        return refuse(&jobs->counters.refused_full, INNGEST_ERR_QUEUE_FULL);
    }
    slot->of.name = name;
    slot->what = (uint32_t)size;                     /* SLOT_EVENT is 0; the name ends with a 0 */
    copy_data(slot->data, data, size);
    return publish(jobs, slot, index);
}

INNGEST_SEND_CODE inngest_status inngest_send_event(inngest *jobs, const inngest_event *event)
{
    inngest_slot *slot;
    inngest_status status;
    size_t name_size;
    if (event == NULL) return INNGEST_ERR_ARGUMENT;
#if INNGEST_WALL_CLOCK
    if (!IS_TIME(event->ts)) return INNGEST_ERR_ARGUMENT;
#endif
    name_size = length_of(event->name);
    status = check_send(jobs, event->name, name_size, event->data, event->size);
    if (status != INNGEST_OK) return status;
    slot = open_slot(jobs, KEPT_SLOTS);
    if (slot == NULL) return INNGEST_ERR_QUEUE_FULL;
    slot->what = SLOT_WHAT(SLOT_FULL_EVENT, name_size, event->size);
#if INNGEST_WALL_CLOCK
    slot->of.full.ts[0] = (uint32_t)event->ts;
    slot->of.full.ts[1] = (uint32_t)(event->ts >> 32);
#endif
#if INNGEST_SEEN_IDS
    slot->of.full.id_hash[0] = slot->of.full.id_hash[1] = 0;
    if (event->id && event->id[0]) {
        slot->of.full.id_hash[0] = hash_id(event->id);
        slot->of.full.id_hash[1] = hash_text(HASH_SEED * 31u + 7u, event->id) | 1u;
    }
#endif
    copy_any(slot->data, event->name, name_size);    /* cov: it has a name, which the analyzer does not see */
    copy_any(slot->data + name_size, event->data, event->size);
    return close_slot(jobs, slot);
}

#if INNGEST_LONG_STEPS
INNGEST_SEND_CODE inngest_status inngest_complete(inngest *jobs, inngest_token token, inngest_status status, const void *result, size_t size)
{
    inngest_slot *slot;
    if (jobs == NULL || (result == NULL && size > 0)) return INNGEST_ERR_ARGUMENT;
    if (status != INNGEST_OK && status != INNGEST_RETRY && status != INNGEST_FAIL) return INNGEST_ERR_ARGUMENT;
    if (!ready(jobs)) return INNGEST_ERR_NOT_READY;
    if (token.attempt == 0) return refuse(&jobs->counters.stale_tokens, INNGEST_ERR_STALE_TOKEN);
    if (size > INNGEST_RESULT_BYTES || size > INNGEST_EVENT_BYTES) return refuse(&jobs->counters.refused_size, INNGEST_ERR_RESULT_SIZE);
    slot = open_slot(jobs, 0);
    if (slot == NULL) return INNGEST_ERR_QUEUE_FULL;
    slot->what = SLOT_WHAT(SLOT_COMPLETION, (uint8_t)status, size);
    slot->of.token = token;
    copy_any(slot->data, result, size);
    return close_slot(jobs, slot);
}

#endif

INNGEST_SEND_CODE void inngest_wake(inngest *jobs)
{
    if (jobs == NULL || LOAD(&jobs->ready) != READY) return;
    SET_WOKEN(jobs, 1);
    if (jobs->port->wake) jobs->port->wake(jobs->port->context);
}

/* No event, completion or wake has come since the last tick. */
NEAR bool nothing_came(inngest *jobs)
{
    return !WOKEN(jobs) && LOAD(&OLDEST_SLOT(jobs)->sequence) != WORD(jobs->head + 1);
}

/* ---- 4 Run table: places, numbers, deadlines -------------------------------------------------------------------
 *
 * The live runs, each in a place of a table in the caller's memory. A run is found by number through hash chains that start
 * in `heads` (places in `heads` and `next` count from 1, 0 ends a chain; free places form a chain, too), and by deadline
 * through a tournament tree: node i of `tree` holds the place of the earlier of its children 2i and 2i + 1, leaf
 * run_count + p is place p, so the root is due first. If run_count is odd, leaf run_count, place 0, has an inner node for a
 * sibling: tree[run_count] stands for it, and is always 0. When a deadline changes, its matches are played again from the
 * leaf up, until a winner stays the same. Without INNGEST_INDEXES all places are looked at instead. */

#if FAST
static int64_t deadline(const inngest_run *run) { return run->due; }
static void put_deadline(inngest_run *run, int64_t when) { run->due = when; }
#else
static int64_t deadline(const inngest_run *run) { return (int64_t)((uint64_t)run->due_high << 32 | run->due); }
static void put_deadline(inngest_run *run, int64_t when)
{
    run->due = (uint32_t)when;
    run->due_high = (uint16_t)(when >> 32);
}
#endif

/* Is a run due before this deadline, or at the same time but older by its number? */
static bool is_earlier(const inngest_run *run, int64_t due, uint32_t number)
{
#if FAST                               /* the usual case is tested first */
    return !(deadline(run) > due || (deadline(run) == due && (int32_t)(run->number - number) >= 0));
#else
    int64_t sooner = deadline(run) - due;
    if (sooner == 0) sooner = (int32_t)(run->number - number);
    return sooner < 0;
#endif
}

#if INNGEST_INDEXES
/* Find a live run by the low 24 bits of its number. NULL: there is none. */
static inngest_run *find_run(inngest *jobs, uint32_t number)
{
    uint32_t place = number ? jobs->heads[number & jobs->hash_mask] : 0;
    while (place && (jobs->runs[place - 1].number & STEP_MASK) != number) place = jobs->next[place];
    return place ? &jobs->runs[place - 1] : NULL;
}

/* The place that stands at a node or leaf of the tournament. */
static uint32_t contender(const inngest *jobs, uint32_t node)
{
    return node < jobs->run_count ? jobs->tree[node] : node - jobs->run_count;
}

/* Gives the run due first; a free place if there is none. */
static inngest_run *first_run(const inngest *jobs) { return &jobs->runs[jobs->tree[1]]; }

#if FAST
/* Replay the matches of a place up to the root. first: the run was due first, so it stands in all nodes above, which are set
 * without a look at them. */
NEAR void climb(inngest *jobs, uint32_t place, bool first)
{
    const inngest_run *runs = jobs->runs, *rival;
    inngest_index *tree = jobs->tree;
    uint32_t winner = place, number = runs[place].number;
    size_t node = (jobs->run_count + place) ^ 1u;    /* its rival's */
    int64_t due = deadline(&runs[place]);
    if (node == 0) return;
    for (rival = &runs[contender(jobs, (uint32_t)node)]; ; rival = &runs[tree[node]]) {
        if (is_earlier(rival, due, number)) {
            winner = (uint32_t)(rival - runs);
            number = rival->number;
            due = deadline(rival);
        }
        node /= 2;
        if (!first && winner != place && tree[node] == winner) return;
        tree[node] = (inngest_index)winner;
        if (node == 1) return;
        node ^= 1;
    }
}

static void play_up(inngest *jobs, uint32_t place)
{
    if (jobs->tree[1] == place) climb(jobs, place, true);
    else climb(jobs, place, false);
}
#else
static void play_up(inngest *jobs, uint32_t place)
{
    const inngest_run *runs = jobs->runs, *first = &runs[place];
    inngest_index *tree = jobs->tree;
    uint32_t node, winner;
    for (node = jobs->run_count + place; node > 1; node /= 2) {
        const inngest_run *other = &runs[contender(jobs, node ^ 1)];
        if (is_earlier(other, deadline(first), first->number)) first = other;
        winner = (uint32_t)(first - runs);
        if (tree[node / 2] == winner && winner != place) return;
        tree[node / 2] = (inngest_index)winner;
    }
}
#endif

/* Take a free place for a run. NULL: there is none. */
static inngest_run *enter_run(inngest *jobs, uint32_t number)
{
    uint32_t place = jobs->free_place;
    inngest_index *head = &jobs->heads[number & jobs->hash_mask];
    if (place == 0) return NULL;
    jobs->free_place = jobs->next[place];
    jobs->next[place] = *head;
    *head = (inngest_index)place;
    jobs->runs[place - 1].number = number;
    jobs->live_runs++;
    return &jobs->runs[place - 1];
}

static void leave_place(inngest *jobs, const inngest_run *run)
{
    inngest_index *link = &jobs->heads[run->number & jobs->hash_mask], place = (inngest_index)(run - jobs->runs + 1);
    while (*link != place) link = &jobs->next[*link];
    *link = jobs->next[place];
    jobs->next[place] = (inngest_index)jobs->free_place;
    jobs->free_place = place;
}

static void clear_places(inngest *jobs)
{
    uint32_t i;
    jobs->tree = (inngest_index *)(void *)(jobs->runs + jobs->run_count) - 1;   /* indexed from 1 */
    jobs->heads = jobs->tree + jobs->run_count + 1;
    jobs->next = jobs->heads + jobs->run_count - 1;                              /* from 1 */
    jobs->again = jobs->next + jobs->run_count + 1;
    while (2 * jobs->hash_mask + 1 < jobs->run_count) jobs->hash_mask = 2 * jobs->hash_mask + 1;
    for (i = jobs->run_count; i > 0; jobs->free_place = i--) jobs->next[i] = (inngest_index)jobs->free_place;
}
#else
/* Find the place of a run by number; 0: a free place. */
static inngest_run *find_place(inngest *jobs, uint32_t number)
{
    inngest_run *run;
    uint32_t i = jobs->run_count;
    for (run = jobs->runs; i-- > 0; run++)
        if ((run->number & STEP_MASK) == number) return run;
    return NULL;
}

static inngest_run *find_run(inngest *jobs, uint32_t number) { return number ? find_place(jobs, number) : NULL; }

APART inngest_run *first_run(const inngest *jobs)
{
    inngest_run *run, *first = jobs->runs;
    uint32_t i = jobs->run_count;
    for (run = first; i-- > 0; run++) if (is_earlier(run, deadline(first), first->number)) first = run;
    return first;
}

static inngest_run *enter_run(inngest *jobs, uint32_t number)
{
    inngest_run *run = find_place(jobs, 0);
    if (run == NULL) return NULL;
    run->number = number;
    jobs->live_runs++;
    return run;
}

#define play_up(jobs, place) ((void)(place))
#define leave_place(jobs, run) ((void)0)
#define clear_places(jobs) ((void)0)
#endif

static void set_deadline(inngest *jobs, inngest_run *run, int64_t when)
{
    if (run->flags & RUN_PASSED) return;             /* it is due again when the round is over */
    put_deadline(run, when);
    if (when < QUIET_UNTIL(jobs)) BE_QUIET(jobs, when);
    play_up(jobs, (uint32_t)(run - jobs->runs));
}

static void due_now(inngest *jobs, inngest_run *run) { set_deadline(jobs, run, jobs->now); }
APART void due_never(inngest *jobs, inngest_run *run) { set_deadline(jobs, run, NEVER); }

#if INNGEST_LONG_STEPS || INNGEST_WALL_CLOCK
/* Make the runs with this flag due now, so that they look again. */
static void wake_runs(inngest *jobs, unsigned flag)
{
    inngest_run *run = jobs->runs;
    uint32_t i;
    for (i = jobs->run_count; i-- > 0; run++) if (run->flags & flag) due_now(jobs, run);
}
#endif

/* After a crash suspects go on alone, one at a time: if this run is the one, it no longer is. */
APART void let_others_go_on(inngest *jobs, const inngest_run *run)
{
#if INNGEST_CRASHES
    if (jobs->alone == run->number) jobs->alone = 0;
#endif
    (void)jobs;
    (void)run;
}

/* The run has committed something: resets that were pinned on it are forgiven. */
static void made_progress(inngest *jobs, inngest_run *run)
{
#if INNGEST_CRASHES
    run->crashes = 0;
#endif
    let_others_go_on(jobs, run);
}

/* Share of the journal that may be filled, for capacity(): INNGEST_FILL_PERCENT where an event is admitted, 75 for what reclaim
 * copes with. */
#define FILL(percent) ((uint32_t)((((uint64_t)(percent) << 32) + 99) / 100))
static uint32_t capacity(const inngest *jobs, uint32_t fill);

/* Note the largest record that the mount has found of a live run: a build with larger limits may have left it. */
static void set_largest(inngest *jobs, uint32_t bytes)
{
    jobs->largest = (uint16_t)bytes;
#if FAST
    jobs->capacity = capacity(jobs, FILL(75));
    jobs->spare_for = 0;
#endif
}

static void free_the_run(inngest *jobs, inngest_run *run)
{
    leave_place(jobs, run);
    if (--jobs->live_runs == 0) set_largest(jobs, 0);
    jobs->reserved -= run->reserved * UINT32_C(4);
    let_others_go_on(jobs, run);
    clear_bytes(run, sizeof *run);
    due_never(jobs, run);
}

/* ---- 5 Journal records: read, verify, append -------------------------------------------------------------------
 *
 * A record is a header of 12 bytes, 16 if WIDE, and a payload, padded to whole units; a unit is the program size, 4 bytes at
 * least. A position counts units along the log, modulo 2^32; positions are compared by the sign of their difference. The
 * checksum is seeded with the journal's format number and covers the position, so that what is stale, moved or foreign
 * never verifies: a record is valid by its content alone. Records of a run are chained: each links back to the one before.
 * A group is the records up to the first without MORE; it counts as a whole or not at all.
 * All is read and made in jobs->stage, which holds a record until the next one is read or written. No unit is ever programmed
 * twice: its place is spent before the program call, whatever comes of that. */

static uint32_t round_up(const inngest *jobs, uint32_t bytes)
{
    uint32_t mask = jobs->unit - 1u;
    return (bytes + mask) & ~mask;
}

static uint32_t block_shift(const inngest *jobs) { return (uint32_t)jobs->unit_shift + jobs->units_shift; }

/* Program size and block size, as block headers hold them. */
APART uint32_t geometry(const inngest *jobs)
{
    return log_2(jobs->port->program_size) | block_shift(jobs) << 3;
}

/* The block of a position. Positions wrap, so several blocks share one: gives the newest that is not behind last + 1, which is
 * erased next, and where a mount looks, too. */
static uint32_t block_of(const inngest *jobs, uint32_t position)
{
    uint32_t mask = UINT32_MAX >> jobs->units_shift, next = jobs->last_block + 1;
    return next - ((next - (position >> jobs->units_shift)) & mask);
}

static uint32_t offset_of(const inngest *jobs, uint32_t position)
{
    return (position & ((UINT32_C(1) << jobs->units_shift) - 1)) << jobs->unit_shift;
}

static uint32_t position_at(const inngest *jobs, uint32_t block, uint32_t offset)
{
    return (block << jobs->units_shift) + (offset >> jobs->unit_shift);
}

APART uint32_t head_position(const inngest *jobs) { return position_at(jobs, jobs->head_block, jobs->head_offset); }

/* The storage address of a block, and of a position. */
/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero,clang-analyzer-core.UndefinedBinaryOperatorResult): init checks that there are two at least, of 2^18 bytes at most. */
APART uint32_t block_address(const inngest *jobs, uint32_t block) { return block % jobs->block_count << block_shift(jobs); }
APART uint32_t find_address(const inngest *jobs, uint32_t position) { return block_address(jobs, block_of(jobs, position)) + offset_of(jobs, position); }

/* The same with a shortcut: in a ring of a power of two of blocks the address is the low bits of the position. */
#if FAST
NEAR uint32_t address_of(const inngest *jobs, uint32_t position)
{
    return jobs->ring_mask ? position << jobs->unit_shift & jobs->ring_mask : find_address(jobs, position);
}
#else
#define address_of find_address
#endif

#if INNGEST_LOG
/* Tell port.log, once a second at most. */
static void say(inngest *jobs, const char *text)
{
    if (jobs->said && (uint32_t)jobs->now + 1 - jobs->said < 1001) return;   /* said is now or 1 more */
    jobs->said = (uint32_t)jobs->now | 1u;
    if (jobs->port->log) jobs->port->log(jobs->port->context, text);
}
#else
#define say(jobs, text) ((void)0)
#endif

#if INNGEST_LOG || INNGEST_INSPECT
/* A port call has failed: count it, tell port.log. */
APART void report(inngest *jobs, int result, const char *text)
{
#if INNGEST_INSPECT
    jobs->counters.port_error = result;
    if (jobs->counters.port_errors != UINT32_MAX) jobs->counters.port_errors++;   /* cov: after 2^32 errors; count needs a frame */
#endif
    (void)result;
    (void)text;
    say(jobs, text);
}
#else
#define report(jobs, result, text) ((void)(result))
#endif

/* The port could not write: report it. Until a record could be written again, can_write lets no body run. */
static inngest_status port_failed(inngest *jobs, int result, inngest_status status)
{
    jobs->doubtful = true;
    report(jobs, result, "inngest: the storage failed");
    return status;
}

/* A read has failed: try twice more. False: it stays unreadable, and is taken for torn. It is no error if cells that read as
 * blank fail. */
static bool read_again(inngest *jobs, int result, uint32_t address, void *data, uint32_t size)
{
    int tries;
    bool blank = false;
    for (tries = 1; result != 0; tries++) {
        blank = jobs->port->is_blank && jobs->port->is_blank(jobs->port->context, address, size);
        if (!blank) report(jobs, result, "inngest: the storage cannot be read");   /* not where it is blank, or looks it */
        if (tries == 3) break;
        result = jobs->port->read(jobs->port->context, address, data, size);
    }
    if (result == 0) return true;
    if (!blank) jobs->unread = true;
    return false;
}

NEAR bool port_read(inngest *jobs, uint32_t address, void *data, uint32_t size)
{
    int result = jobs->port->read(jobs->port->context, address, data, size);
    return result == 0 || read_again(jobs, result, address, data, size);
}

/* Do the first n bytes of the stage, a multiple of 4, all have this value? */
static bool all_are(const inngest *jobs, uint32_t n, uint8_t value)
{
#if FAST
    for (n /= 4; n > 0 && jobs->stage[n - 1] == value * UINT32_C(0x01010101); n--) continue;
#else
    const uint8_t *bytes = (const uint8_t *)jobs->stage;
    while (n > 0 && bytes[n - 1] == value) n--;
#endif
    return n == 0;
}

/* Does every byte of a range read as this value? Uses the stage. */
static bool reads_as(inngest *jobs, uint32_t address, uint32_t size, uint8_t value)
{
    uint32_t n;
    for (; size > 0; size -= n, address += n) {
        n = minimum(size, FAST ? INNGEST_STAGE_BYTES : 32);            /* the stage is free but for append */
        if (!port_read(jobs, address, jobs->stage, n) || !all_are(jobs, n, value)) return false;
    }
    return true;
}

static bool port_blank(inngest *jobs, uint32_t address, uint32_t size)
{
    if (jobs->port->is_blank) return jobs->port->is_blank(jobs->port->context, address, size);
    return reads_as(jobs, address, size, 0xFF);
}

static void idle(inngest *jobs)
{
    if (jobs->port->idle) jobs->port->idle(jobs->port->context);
}

/* Program the first bytes of the stage. Waits while the port answers BUSY: micro- to milliseconds. */
NEAR inngest_status port_program(inngest *jobs, uint32_t address, uint32_t size)
{
    int result;
    while ((result = jobs->port->program(jobs->port->context, address, jobs->stage, size)) == INNGEST_PORT_BUSY) idle(jobs);
    return result == 0 ? INNGEST_OK : port_failed(jobs, result, INNGEST_ERR_PROGRAM);
}

static inngest_status port_sync(inngest *jobs)
{
    int result;
    if (jobs->failed) return INNGEST_ERR_SYNC;
    result = jobs->dirty && jobs->port->sync ? jobs->port->sync(jobs->port->context) : 0;
    if (result != 0) {
        jobs->failed = true;           /* never tried again: the system may have dropped what it could not write */
        return port_failed(jobs, result, INNGEST_ERR_SYNC);
    }
    jobs->dirty = false;
    jobs->synced = head_position(jobs);
    return INNGEST_OK;
}

/* The checksum of a record's header, or of all of it. The position stands where the checksum itself will. */
static uint32_t crc_header(const inngest *jobs, uint32_t position, uint8_t header[16], uint32_t size)
{
    put4(header, position);
    return crc32(jobs->seed, header, size);
}

/* Bytes that a record takes in the journal, with its padding. */
static uint32_t record_bytes(const inngest *jobs, const record *r) { return round_up(jobs, (uint32_t)r->header + r->size); }

/* The most that a record can take, as its header may grow to 16 bytes when it is carried: what reservations count. */
static uint32_t record_room(const inngest *jobs, uint32_t payload) { return round_up(jobs, 16 + payload); }

/* Room that a block must have for one record, or for the last of several: unpadded, as what is left of a block is whole units. */
#define ROOM_FOR(payload) (16u + (payload))

/* Read part of the payload of a record. False: it cannot be read. */
NEAR bool read_payload(inngest *jobs, const record *r, uint32_t from, void *to, uint32_t size)
{
    if (size == 0) return true;
    return port_read(jobs, address_of(jobs, r->position) + r->header + from, to, size);
}

/* Decode the header of the record at r->position. */
NEAR_APART void parse_header(const inngest *jobs, record *r, const uint8_t *bytes)
{
    uint32_t word = get4(bytes + 4), header = 12, size = bytes[5], run = get2(bytes + 6), link = bytes[11];
    r->kind = word & KIND_MASK;
    r->flags = word & (CARRIED | MORE | FLAG);
    r->step = get4(bytes + 8) & STEP_MASK;
#if INNGEST_TRAIL_STEPS
    r->staged = false;
#endif
    if (word & WIDE) {
        header = 16;
        link |= get2(bytes + 12) << 8;
        run |= (uint32_t)bytes[14] << 16;
        size |= (uint32_t)bytes[15] << 8;
    }
    r->header = (uint8_t)header;
    r->size = (uint16_t)size;
    r->run = run;
    r->link = link;
    r->next = r->position + (record_bytes(jobs, r) >> jobs->unit_shift);
}

/* The first 12 bytes of the header at r->position are in the stage: read the rest if it is WIDE, and decode it. left: bytes to
 * the end of the block. False: no record that fits. */
NEAR bool finish_header(inngest *jobs, uint32_t address, uint32_t left, record *r)
{
    uint8_t *bytes = (uint8_t *)jobs->stage;
    if ((bytes[4] & WIDE) && (left < 16 || !port_read(jobs, address + 12, bytes + 12, 4))) return false;
    parse_header(jobs, r, bytes);
    return r->size <= LARGEST_PAYLOAD && (uint32_t)r->header + r->size <= left;
}

/* Is the checksum that was read the one that was computed, or that of a record marked as later? */
NEAR bool is_crc(record *r, uint32_t read, uint32_t crc)
{
    crc ^= read;
    if (INNGEST_WRITE_CACHE) r->later = crc != 0;
    return crc == 0 || crc == LATER;
}

/* The first FIRST_BYTES of the payload of the record just verified, filled up with zeros; in the stage, until something is read
 * or written. To be used instead of reading again: cells may read differently each time. */
#define FIRST_BYTES 14u
#if INNGEST_TRAIL_STEPS                /* a short record is read as a whole: its payload follows its header */
#define FIRST_AT(r) ((r)->header)
#else
#define FIRST_AT(r) ((void)(r), 16u)
#endif
#define FIRST(jobs, r) ((const uint8_t *)(jobs)->stage + FIRST_AT(r))

/* Read and verify the rest of a record whose header is in the stage. Leaves the start of its payload for FIRST, and its
 * checksums for set_copy. */
static bool verify(inngest *jobs, uint32_t address, record *r)
{
    uint8_t *bytes = (uint8_t *)jobs->stage, *to = bytes + FIRST_AT(r);
    uint32_t read = get4(bytes), crc = crc_header(jobs, r->position, bytes, r->header), left, n;
    jobs->stage[0] = read;                           /* crc_header has put the position there */
    jobs->stage[1] = crc;                            /* the header's, for set_copy */
    address += r->header;
    clear_bytes(to, FIRST_BYTES);
    for (left = r->size; left > 0; left -= n, address += n, to = bytes + 32) {
        n = minimum(left, sizeof jobs->stage - 32);
        if (!port_read(jobs, address, to, n)) return false;
        crc = crc32(crc, to, n);
    }
    read = jobs->stage[0];
    jobs->stage[0] = crc;                            /* the record's, for set_copy */
    return is_crc(r, read, crc);
}

#if INNGEST_TRAIL_STEPS
/* Verify a record that is in the stage as a whole. Not for one to be copied: it leaves nothing for set_copy. */
NEAR bool verify_staged(inngest *jobs, record *r)
{
    uint8_t *bytes = (uint8_t *)jobs->stage;
    uint32_t read = get4(bytes), size = (uint32_t)r->header + r->size;
    r->staged = true;
    if (r->size < FIRST_BYTES) memset(bytes + size, 0, FIRST_BYTES);
    return is_crc(r, read, crc_header(jobs, r->position, bytes, size));
}
#endif

/* Read the header at a position into the stage, which is free except during append; if `whole`, read and verify all of the
 * record. */
NEAR bool read_at(inngest *jobs, uint32_t position, record *r, bool whole)
{
    uint32_t address = address_of(jobs, position), offset = address & (jobs->port->block_size - 1), left = jobs->port->block_size - offset;
    r->position = position;
    if (left < 12 || offset < jobs->first_offset || !port_read(jobs, address, jobs->stage, 12) || !finish_header(jobs, address, left, r)) return false;
    if (!whole) return true;
    return verify(jobs, address, r);
}

#if INNGEST_INDEXES
/* Read the header at a position, and verify nothing. False: it cannot be one. */
APART bool read_header(inngest *jobs, uint32_t position, record *r) { return read_at(jobs, position, r, false); }
#endif

/* Read and verify the record at a position. False: nothing whole there. */
static bool read_record(inngest *jobs, uint32_t position, record *r) { return read_at(jobs, position, r, true); }

/* The same for a position to which a chain leads: unless it is damaged there is a whole record, so a short one is read in two
 * reads. */
#if INNGEST_TRAIL_STEPS
static bool finish_record(inngest *jobs, uint32_t address, uint32_t left, record *r)
{
    return finish_header(jobs, address, left, r) && verify(jobs, address, r);
}

NEAR bool read_linked(inngest *jobs, uint32_t position, record *r)
{
    uint8_t *bytes = (uint8_t *)jobs->stage;
    uint32_t address = address_of(jobs, position), offset = address & (jobs->port->block_size - 1), left = jobs->port->block_size - offset, n;
    r->position = position;
    if (left < 12 || offset < jobs->first_offset || !port_read(jobs, address, bytes, 12)) return false;
    n = 12 + bytes[5] + (bytes[4] & WIDE ? 4u : 0u);
    if (n > left || n > INNGEST_STAGE_BYTES) return finish_record(jobs, address, left, r);
    if (n > 12 && !port_read(jobs, address + 12, bytes + 12, n - 12)) return false;
    parse_header(jobs, r, bytes);
    return r->size <= 0xFF ? verify_staged(jobs, r) : finish_record(jobs, address, left, r);
}
#else
#define read_linked read_record
#endif

#if INNGEST_FAST_MOUNT
/* Give the next n bytes, a multiple of 4, of a list of all that counts. *next counts its words: the next run number; the low
 * half of the time; positions of the newest TIME or 0, of each run's newest record, of each SEEN that has not expired. False:
 * no more. */
APART bool take_listed(const inngest *jobs, uint32_t *next, uint8_t *to, uint32_t n)
{
    uint32_t i, says;
    while (n > 0) {
        i = (*next)++;
        if (i < 3) says = i == 0 ? jobs->next_run : i == 1 ? (uint32_t)jobs->now : jobs->time_position;
        else if ((i -= 3) < jobs->run_count) {
            says = jobs->runs[i].last;
            if (jobs->runs[i].number == 0) continue;
        } else if ((i -= jobs->run_count) + 1 > INNGEST_SEEN_IDS) return false;
        else {
            says = SEEN_ID(jobs, i)->position;
            if (says == 0 || SEEN_ID(jobs, i)->until <= jobs->now) continue;
        }
        put4(to, says);
        to += 4;
        n -= 4;
    }
    return true;
}
#endif

#define ZEROS (FAST ? 16u : 1u)

/* Continue a checksum over the payload. A copy's is derived from the original's, not from what is read now: it verifies only if
 * it holds the very bytes that did. */
static uint32_t payload_crc(const source *s, uint32_t crc)
{
    static const uint8_t zeros[ZEROS] = { 0 };
    uint32_t i, n;
    if (s->copy) {
        for (crc ^= ~s->from.copy.head, i = s->left; i > 0; i -= n) {
            n = minimum(i, sizeof zeros);
            crc = crc32(crc, zeros, n);
        }
        return ~crc ^ s->from.copy.crc;
    }
    for (n = s->left, i = 0; n > 0; n -= s->from.piece.size[i++]) crc = crc32(crc, s->from.piece.at[i], s->from.piece.size[i]);
    return crc;
}

APART bool rest_is_blank(inngest *jobs, uint32_t block, uint32_t offset)
{
    return port_blank(jobs, block_address(jobs, block) + offset, jobs->port->block_size - offset);
}

#if INNGEST_INDEXES
/* Is the next piece of the head's block blank, from an offset on? Moves head_end to the end of that piece. */
static bool look_ahead(inngest *jobs, uint32_t offset)
{
    jobs->head_end = minimum(offset + LOOK, jobs->port->block_size);
    return port_blank(jobs, block_address(jobs, jobs->head_block) + offset, jobs->head_end - offset);
}
#else
#define look_ahead(jobs, offset) rest_is_blank(jobs, (jobs)->head_block, offset)
#endif

/* A filler is one unit of a fixed pattern, the first that a boot programs at a place: an earlier boot may have programmed that
 * unit and been cut short without a trace, and only the same bytes may go there again. Mount and advance leave room for it
 * right in front of the head's offset. Behind a clean stop it says that user code may have run since. */
#define FILLER 0xA5

/* The program at a position has failed, whatever it left: from `from` on, where its group begins, nothing counts. advance voids
 * that before anything else is written. */
static inngest_status note_failure(inngest *jobs, uint32_t position, uint32_t from, inngest_status status)
{
    jobs->failed_from = from;
    jobs->failed_at = position;
    return status;
}

/* Program the filler if one is due. A boot's first one that does not fail is synced: cells in front of it may be weak and read as
 * a gap later, and what follows must not be taken for lost with them. (One that fails is voided behind a sync, see advance.) */
static inngest_status open_place(inngest *jobs)
{
    uint32_t position = head_position(jobs);
    inngest_status status;
    bool first;
    if (!jobs->opening) return INNGEST_OK;
    fill_bytes(jobs->stage, FILLER, jobs->unit);
    jobs->dirty = true;
    status = port_program(jobs, address_of(jobs, position - 1), jobs->unit);
    if (status != INNGEST_OK) return note_failure(jobs, position - 1, position - 1, status);
    first = INNGEST_WRITE_CACHE && !jobs->wrote;
    jobs->opening = false;
    jobs->wrote = true;
    return first ? port_sync(jobs) : INNGEST_OK;
}

static bool is_filler(inngest *jobs, uint32_t address) { return reads_as(jobs, address, jobs->unit, FILLER); }

/* Make next_record begin at a position. */
static void stand_at(record *r, uint32_t position) { r->next = position; }

/* Find the next whole record from r->next on, unit by unit where nothing verifies. False: there is none in front of this block. */
static bool next_record(inngest *jobs, uint32_t block, record *r)
{
    while (r->next != position_at(jobs, block, 0)) {
        idle(jobs);
        if (read_record(jobs, r->next, r)) return true;
        r->next = r->position + 1;
    }
    return false;
}

/* Has something been written that a disk may drop, although it keeps what follows? */
static bool may_be_lost(const inngest *jobs) { return INNGEST_WRITE_CACHE && jobs->dirty && jobs->port->sync; }

/* Does all of a record fit the stage, so that its checksum is computed in one go? */
#define STAGED(s, total) (FAST && !(s)->copy && (total) <= INNGEST_STAGE_BYTES)

/* Make the header of a record in the stage, but for its checksum. Gives its size. */
NEAR uint32_t put_header(uint8_t *header, uint32_t key, uint32_t number, uint32_t link, uint32_t size)
{
    uint32_t head = 12;
    if (link > 0xFF || number > 0xFFFF || size > 0xFF) {
        key |= KEY(WIDE, 0);
        head = 16;
    }
    header[4] = (uint8_t)(key >> 24);
    header[5] = (uint8_t)size;
    put4(header + 6, number);                        /* bytes 8 and 9 are written over, and 11 */
    put4(header + 8, key);
    put4(header + 11, link);
    header[14] = (uint8_t)(number >> 16);
    header[15] = (uint8_t)(size >> 8);
    return head;
}

static uint32_t link_to(const inngest_run *run, uint32_t position) { return run && run->last ? position - run->last : 0; }

static void put_crc(inngest *jobs, uint32_t crc) { put4((uint8_t *)jobs->stage, crc ^ (may_be_lost(jobs) ? LATER : 0)); }

static uint32_t number_of(const inngest_run *run) { return run ? run->number & STEP_MASK : 0; }

/* The record at a position begins a group, or goes on with one. */
NEAR void enter_group(inngest *jobs, uint32_t key, uint32_t position)
{
    if (!jobs->in_group) jobs->group_from = position;
    jobs->in_group = (key & KEY(MORE, 0)) != 0;
}

/* Build the header of the next record in the stage, and the rest of it if it fits. Gives the record's checksum. */
static uint32_t begin_record(inngest *jobs, const inngest_run *run, uint32_t key, uint32_t position, source *s)
{
    uint8_t *header = (uint8_t *)jobs->stage;
    uint32_t head = put_header(header, key, s->copy ? s->from.copy.number : number_of(run), link_to(run, position), s->left);
    s->head = (uint8_t)head;
    enter_group(jobs, key, position);
#if FAST
    if (STAGED(s, head + s->left)) {
        uint8_t *to = header + head;
        unsigned i;
        for (i = 0; to < header + head + s->left; to += s->from.piece.size[i++]) memcpy(to, s->from.piece.at[i], s->from.piece.size[i]);
        return crc_header(jobs, position, header, head + s->left);
    }
#endif
    return payload_crc(s, crc_header(jobs, position, header, head));
}

/* The head's next bytes are spent, whether the program succeeds or not: they are never programmed again. */
NEAR void spend(inngest *jobs, uint32_t bytes)
{
    jobs->head_offset += round_up(jobs, bytes);
    jobs->dirty = jobs->wrote = true;
}

/* Program so many bytes of the stage, with padding. */
NEAR inngest_status program_stage(inngest *jobs, uint32_t address, uint32_t used)
{
    uint8_t *stage = (uint8_t *)jobs->stage;
    uint32_t n = round_up(jobs, used);
#if FAST
    if (used <= INNGEST_STAGE_BYTES - 32) memset(stage + used, 0xFF, 32);
    else
#endif
    fill_bytes(stage + used, 0xFF, n - used);
    return port_program(jobs, address, n);
}

/* A record has been programmed, or has failed: note that. */
NEAR inngest_status note_record(inngest *jobs, inngest_run *run, uint32_t position, inngest_status status)
{
    if (status != INNGEST_OK) {
        jobs->in_group = false;        /* it may be whole nevertheless: what follows is not of its group */
        return note_failure(jobs, position, jobs->group_from, status);
    }
    jobs->written = position;
    if (run) run->last = position;
    count(&jobs->counters.records);
    return INNGEST_OK;
}

/* Get the next n bytes of a payload that is being written. False: they cannot be read. */
APART bool take_bytes(inngest *jobs, source *s, uint8_t *to, uint32_t n)
{
    uint32_t m, i;
    s->left = (uint16_t)(s->left - n);
    if (s->copy) {
#if INNGEST_FAST_MOUNT
        if (s->copy == A_LIST) return take_listed(jobs, &s->from.copy.address, to, n);   /* the stage and a header are whole words */
#endif
        s->from.copy.address += n;
        return port_read(jobs, s->from.copy.address - n, to, n);
    }
    for (i = 0; n > 0; i++, to += m, n -= m) {
        m = minimum(n, s->from.piece.size[i]);
        copy_bytes(to, s->from.piece.at[i], m);
        s->from.piece.at[i] += m;
        s->from.piece.size[i] = (uint16_t)(s->from.piece.size[i] - m);
    }
    return true;
}

/* Program a record of a run, or of none, at the head, where there must be room. key: the kind with its flags, and the
 * step. One program call for each INNGEST_STAGE_BYTES. */
static inngest_status append(inngest *jobs, inngest_run *run, uint32_t key, source *s)
{
    uint8_t *stage = (uint8_t *)jobs->stage;
    uint32_t position = head_position(jobs), address = address_of(jobs, position), used, n;
    inngest_status status = open_place(jobs);
    if (status != INNGEST_OK) return status;
    put_crc(jobs, begin_record(jobs, run, key, position, s));
    used = s->head;
    spend(jobs, used + s->left);
    if (STAGED(s, used + s->left)) return note_record(jobs, run, position, program_stage(jobs, address, used + s->left));
    do {
        n = minimum(s->left, INNGEST_STAGE_BYTES - used);
        used += n;
        status = INNGEST_ERR_READ;
        if (take_bytes(jobs, s, stage + used - n, n)) status = program_stage(jobs, address, used);
        else jobs->doubtful = true;                  /* the read has been reported */
        address += INNGEST_STAGE_BYTES;              /* it was full if more is left */
        used = 0;
    } while (status == INNGEST_OK && s->left);
    return note_record(jobs, run, position, status);
}

#if FAST
/* memcpy for short sizes that compilers do not know: they would make a call or a slow loop of it. */
NEAR void copy_short(uint8_t *to, const uint8_t *from, size_t size)
{
    size_t at;
    if (size >= 16) {
        for (at = 0; at < size - 16; at += 16) memcpy(to + at, from + at, 16);
        memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else for (at = 0; at < size; at++) to[at] = from[at];
}
#endif

/* append a record with a payload that is one piece of memory. */
static inngest_status add(inngest *jobs, inngest_run *run, uint32_t key, const void *data, uint32_t size)
{
    source s;
#if FAST
    if (size <= INNGEST_STAGE_BYTES - 16 && !jobs->opening) {
        uint8_t *stage = (uint8_t *)jobs->stage;
        uint32_t position = head_position(jobs), address = address_of(jobs, position);
        uint32_t total = put_header(stage, key, number_of(run), link_to(run, position), size) + size;
        copy_short(stage + total - size, data, size);
        put_crc(jobs, crc_header(jobs, position, stage, total));
        enter_group(jobs, key, position);
        spend(jobs, total);
        return note_record(jobs, run, position, program_stage(jobs, address, total));
    }
#endif
    s.copy = 0;
    s.from.piece.at[0] = data;
    s.left = s.from.piece.size[0] = (uint16_t)size;
    return append(jobs, run, key, &s);
}

/* ---- 6 Journal space: blocks, reclaim --------------------------------------------------------------------------
 *
 * Blocks are used in ring order and numbered on and on: tail (the oldest), ..., head (being written), erased ones up to last.
 * A block's header, programmed right after its erase, is the only proof that the erase was completed. Of a run's chain the
 * newest record of each class and step counts, the others are garbage.
 * Reclaim carries what is live in the tail block: it appends a copy of each such record at the head (CARRIED), then the proof,
 * a RECLAIMED record which says that all of it was copied, and only then the block is erased. Some erased blocks are spare:
 * kept so that reclaim itself always has room. Other forms of RECLAIMED:
 * - a list: a proof that goes on with the positions of all that counts, for a mount to begin with
 * - a void record: nothing between two positions counts, as a program there has failed or seemed torn
 * - a joint: begins a block that is entered before the one in front of it was synced (disks). It names the record that was
 *   written last, so that a mount notices if that one was lost. */

/* Records of one class supersede each other, the newest counts. */
static unsigned class_of(unsigned kind) { return kind >= RESULT && kind <= CHOICE ? RESULT : kind; }

static bool undecided(unsigned kind) { return kind == ATTEMPT || kind == INTENT || kind == SLEEP; }

/* Is a record of the phase that the run is in? Steps of on_failure have a namespace of their own. */
static bool of_this_phase(const inngest_run *run, const record *r)
{
    return r->kind < RESULT || r->kind > SAVE || ((r->flags ^ run->flags) & RUN_FAILING) == 0;
}

enum found { FOUND, GONE, BROKEN };    /* GONE: never there, or reclaimed with all before it; BROKEN: the chain is damaged */

/* Put r behind a run's newest record, which step_back then finds first. */
static void go_behind(const inngest_run *run, record *r)
{
    r->position = run->last;
    r->link = 0;
}

/* Go back in a run's chain from r to the next record of a class and step; key 0: of any. r->link is 0 if it is the run's first
 * record. */
APART enum found find_next(inngest *jobs, const inngest_run *run, uint32_t key, record *r)
{
    do {
        uint32_t position = r->position - r->link;
        if ((int32_t)(position - position_at(jobs, jobs->tail_block, 0)) < 0) return GONE;
        if (!read_linked(jobs, position, r) || r->run != (run->number & STEP_MASK)) return BROKEN;
        if (key == 0 || (KEY(class_of(r->kind), r->step) == key && of_this_phase(run, r))) return FOUND;
    } while (r->link);
    return GONE;
}

static enum found step_back(inngest *jobs, const inngest_run *run, record *r) { return find_next(jobs, run, 0, r); }

/* Find the newest record of a kind's class and step. */
static enum found find_record(inngest *jobs, const inngest_run *run, uint32_t key, record *r)
{
    go_behind(run, r);
    return find_next(jobs, run, KEY(class_of(key >> 24), key & STEP_MASK), r);
}

static bool in_range(uint32_t position, const uint32_t range[2]) { return position - range[0] < range[1] - range[0]; }

static bool is_voided(const inngest *jobs, uint32_t position)
{
    unsigned i;
    for (i = 0; i < VOIDS; i++) if (in_range(position, jobs->voids[i])) return true;
    return false;
}

#if INNGEST_INDEXES
static bool decided(unsigned kind) { return class_of(kind) == RESULT && !undecided(kind); }

/* Has the mount skipped this position, because it began with a list? */
#if INNGEST_FAST_MOUNT
static bool left_unread(const inngest *jobs, uint32_t position) { return (int32_t)(position - jobs->scanned_from) < 0; }
#else
#define left_unread(jobs, position) false
#endif

/* Is it known that a position is not void? */
APART bool is_no_void(const inngest *jobs, uint32_t position)
{
    return jobs->void_count <= VOIDS && !is_voided(jobs, position) && !left_unread(jobs, position);
}

/* Look at a few records from r->position on for one of a step that is decided, or of this kind: memos mostly lie in the order
 * in which a replay asks for them, and what supersedes a record lies close behind it. What is found is verified, what is
 * stepped over is not. A record with no whole one right behind it is not taken: it may be half programmed, and the chain knows
 * its copy. */
static bool find_close(inngest *jobs, const inngest_run *run, uint32_t key, record *r)
{
    unsigned tries;
    uint32_t other;
    for (tries = 0; tries < 8; tries++, r->position = r->next) {
        if (!read_header(jobs, r->position, r)) {
            uint32_t block = block_of(jobs, r->position - 1) + 1;   /* no record here: try the next block */
            if ((int32_t)(block - jobs->head_block) > 0 || !read_header(jobs, position_at(jobs, block, jobs->first_offset), r)) return false;
        }
        other = key ^ KEY(r->kind, r->step);
        if (r->run == (run->number & STEP_MASK) && !(other & STEP_MASK) && (other == 0 || decided(r->kind)) && of_this_phase(run, r)) {
            uint32_t position = r->position;
            return is_no_void(jobs, position) && read_record(jobs, r->next, r) && read_record(jobs, position, r);
        }
    }
    return false;
}
#endif

/* The number of event ids that have not expired. */
#if INNGEST_SEEN_IDS
APART uint32_t live_ids(const inngest *jobs)
{
    uint32_t i, n = 0;
    for (i = INNGEST_SEEN_IDS; i-- > 0;) if (jobs->seen[i].until > jobs->now) n++;
    return n;
}
#else
#define live_ids(jobs) 0u
#endif

/* Find an event id by its two hashes, with which a SEEN's payload begins. No free entry is found: the second hash is never 0. */
APART inngest_seen *find_seen(inngest *jobs, const uint8_t *b)
{
    inngest_seen *seen = SEEN_ID(jobs, 0);
    int i;
    for (i = INNGEST_SEEN_IDS; i-- > 0; seen++) if (seen->hash[0] == get4(b) && seen->hash[1] == get4(b + 4)) return seen;
    return NULL;
}

#if INNGEST_INDEXES
/* Reclaim has copied all that is live in the tail block up to `copied`: no chain need be asked about that. copy: not 0 if there
 * may be other copies, so that only chains tell; then the position of one whose original find_copied is to find. */
static void set_copied(inngest *jobs, uint32_t copied, uint32_t copy)
{
    jobs->copied = copied;
    jobs->copy = copy;
}

/* Is a record part of its run's chain? Judged by what is behind it, which is read into r: two whole groups right behind its own
 * show that it was not in a boot's newest group, which a mount writes again elsewhere, nor cut short: behind both a unit is
 * left alone. What failed, or was lost by a disk, is void. */
APART bool is_linked(inngest *jobs, record *r)
{
    unsigned groups = 0;
    if (!is_no_void(jobs, r->position)) return false;
    while ((r->flags & MORE) || groups++ < 2) {
        uint32_t block = block_of(jobs, r->position), offset = offset_of(jobs, r->position) + record_bytes(jobs, r);
        if (rest_is_blank(jobs, block, offset)) {
            block++;
            offset = jobs->first_offset;
        }
        if (!read_record(jobs, position_at(jobs, block, offset), r)) return false;
    }
    return true;
}
#else
#define set_copied(jobs, copied, copy) ((void)0)
#endif

/* Is r the newest of its class and step, the one that counts? A decided record is superseded by nothing but its copy. next: see
 * is_live. */
APART_INDEXED bool is_newest(inngest *jobs, const inngest_run *run, const record *r, record *next)
{
    uint32_t position = r->position, key = KEY(r->kind, r->step);
#if INNGEST_INDEXES
    if (position == run->last) return true;
    if (r->kind == START || decided(r->kind)) {
        if (jobs->copy == 0 && (next != r || is_linked(jobs, next))) return true;
    } else {
        next->position = r->next;
        if (find_close(jobs, run, key, next)) return false;
    }
#endif
    if (key >> 24 == SAVE && find_record(jobs, run, key - KEY(SAVE - RESULT, 0), next) == FOUND && !undecided(next->kind)) return false;
    return find_record(jobs, run, key, next) == FOUND && next->position == position;
}

/* Does a record count? *next is scratch. If r was found by a scan, not through its run's chain, pass r itself, which is
 * overwritten: then it is also checked that the chain holds it. */
static bool is_live(inngest *jobs, const record *r, record *next)
{
    const inngest_run *run;
    const inngest_seen *seen;
    if (r->kind == TIME) return r->position == jobs->time_position;
    if (INNGEST_SEEN_IDS && r->kind == SEEN)
        return (seen = find_seen(jobs, FIRST(jobs, r))) != NULL && seen->position == r->position && seen->until > jobs->now;
    run = find_run(jobs, r->run);
    if (run == NULL || r->kind == END || (r->kind == CRASH && !(run->flags & RUN_MARKED)) || !of_this_phase(run, r)) return false;
#if INNGEST_INDEXES
    if ((int32_t)(r->position - jobs->copied) <= 0) return false;
#endif
    return is_newest(jobs, run, r, next);
}

/* Make a source of a record that has just been read: its checksums are in the stage. */
APART void set_copy(inngest *jobs, const record *r, source *s)
{
    s->copy = 1;
    s->from.copy.number = r->run;
    s->from.copy.address = address_of(jobs, r->position) + r->header;
    s->from.copy.crc = jobs->stage[0];
    s->from.copy.head = jobs->stage[1];
    s->left = r->size;
}

/* Append a copy of a record that has just been read. doubtful: the mount writes it again, as news; else reclaim carries it. */
APART inngest_status copy_record(inngest *jobs, const record *r, bool doubtful)
{
    inngest_seen *seen;
    unsigned kind = r->kind | r->flags;
    source s;
    if (!doubtful) {
        kind = (kind & (KIND_MASK | FLAG)) | CARRIED;
        count(&jobs->counters.carried);
    } else if (r->kind == TIME) kind &= ~FLAG;           /* written again it is news, but no clean stop */
    set_copy(jobs, r, &s);
    INNGEST_TRY(append(jobs, find_run(jobs, r->run), KEY(kind, r->step), &s));
    if (r->run) set_copied(jobs, r->position, jobs->copy);   /* for runs only: an id that had expired before a reset may stand in
                                                              * front, and must not set it back; in a mount nobody asks */
    if (r->kind == TIME) jobs->time_position = jobs->written;
    if (INNGEST_SEEN_IDS && r->kind == SEEN && (seen = find_seen(jobs, (const uint8_t *)jobs->stage + s.head)) != NULL)   /* cov: INNGEST_SEEN_IDS is 0 */
        seen->position = jobs->written;
    return INNGEST_OK;
}

#define OTHERS_HEADER INNGEST_ERR_BUSY

/* Read the header at a block's place into b. OK, NOT_FOUND (none that verifies), OTHERS_HEADER (of another place), or why it
 * is refused. */
static inngest_status read_block_header(inngest *jobs, uint32_t block, uint8_t b[BLOCK_HEADER])
{
    uint32_t address = block_address(jobs, block);
    if (!port_read(jobs, address, b, BLOCK_HEADER)) return INNGEST_ERR_NOT_FOUND;
    if (get4(b) != MAGIC || get4(b + 20) != crc32(0, b, 20)) return INNGEST_ERR_NOT_FOUND;
    if (b[4] != 1 || b[6] != 0) return INNGEST_ERR_VERSION;
    if (b[7] != geometry(jobs) || get2(b + 16) != jobs->block_count) return INNGEST_ERR_OTHER_GEOMETRY;
    return block_address(jobs, get4(b + 8)) == address ? INNGEST_OK : OTHERS_HEADER;
}

/* Does a block have a header of its own? */
static bool has_header(inngest *jobs, uint32_t block)
{
    uint8_t b[BLOCK_HEADER];
    return read_block_header(jobs, block, b) == INNGEST_OK && get4(b + 8) == block;
}

static void make_block_header(const inngest *jobs, uint32_t block, uint8_t bytes[32])
{
    fill_bytes(bytes, 0xFF, 32);
    put4(bytes, MAGIC);
    put4(bytes + 4, 1u | geometry(jobs) << 24);     /* version 1.0, no features */
    put4(bytes + 8, block);
    put4(bytes + 12, jobs->format);
    put4(bytes + 16, jobs->block_count);
#if INNGEST_FAST_MOUNT
    if (jobs->list && block - block_of(jobs, jobs->list) < 256) {
        bytes[18] = (uint8_t)(block - block_of(jobs, jobs->list));
        bytes[19] = (uint8_t)(offset_of(jobs, jobs->list) >> (block_shift(jobs) - 8));
    }
#endif
    put4(bytes + 20, crc32(0, bytes, 20));
}

static inngest_status erase_block(inngest *jobs, uint32_t block, bool wait)
{
    int result;
    do {
        result = jobs->port->erase(jobs->port->context, block_address(jobs, block));
        idle(jobs);
        if (result == INNGEST_PORT_BUSY && !wait) return INNGEST_PAUSED;
    } while (result == INNGEST_PORT_BUSY);
    count(&jobs->counters.erases);
    return result == 0 ? INNGEST_OK : port_failed(jobs, result, INNGEST_ERR_ERASE);
}

/* Erase the block behind last, and program its header. It holds nothing that counts, and the proof of that is synced. PAUSED:
 * the chip is still erasing, and the caller does not wait. */
static inngest_status prepare_block(inngest *jobs, bool wait)
{
    uint32_t block = jobs->last_block + 1;
    if (block == 0) return INNGEST_ERR_JOURNAL_FULL;   /* cov: there are no more numbers: ages.c */
    INNGEST_TRY(erase_block(jobs, block, wait));
    make_block_header(jobs, block, (uint8_t *)jobs->stage);
    jobs->dirty = true;
    INNGEST_TRY(port_program(jobs, block_address(jobs, block), jobs->first_offset));
    jobs->last_block = block;
    jobs->trusted = true;
    if (block != jobs->block_count) return INNGEST_OK;
    INNGEST_TRY(port_sync(jobs));                      /* the format's first: its header must be sure before anything follows */
    if (INNGEST_WRITE_CACHE) jobs->wrote = true;       /* nothing is in front of this filler */
    return open_place(jobs);
}

/* Erase all blocks that have been reclaimed, behind a sync of their proof. PAUSED: as prepare_block. */
static inngest_status prepare_blocks(inngest *jobs, bool wait)
{
    int32_t n = (int32_t)(jobs->tail_block + jobs->block_count - jobs->last_block) - 1;
    if (n > 0) INNGEST_TRY(port_sync(jobs));
    for (; n > 0; n--) INNGEST_TRY(prepare_block(jobs, wait));
    return INNGEST_OK;
}

#if INNGEST_INDEXES
/* Is the head's block blank up to an offset? What was not erased in this boot is checked as the head gets there. */
static bool is_clear(inngest *jobs, uint32_t end)
{
    uint32_t from;                     /* here and not in look_ahead, where the stack is deeper */
    while ((from = jobs->head_end) < end)
        if (!look_ahead(jobs, from)) {
            jobs->head_end = from;
            return false;
        }
    return true;
}

/* The same for a block that the head enters, as far as room is needed there. */
static bool enters_clear(inngest *jobs, uint32_t bytes)
{
    jobs->head_end = (int32_t)(jobs->unsure - jobs->head_block) < 0 ? jobs->port->block_size : jobs->first_offset;
    if (is_clear(jobs, minimum(jobs->first_offset + 2u * jobs->unit + bytes, jobs->port->block_size))) return true;
    jobs->wasted = true;
    return false;
}
#define HEAD_END(jobs) ((jobs)->head_end)
#else
#define is_clear(jobs, end) true
#define enters_clear(jobs, bytes) true
#define HEAD_END(jobs) ((jobs)->port->block_size)
#endif

/* Has the head room for so many bytes? */
static bool has_room(inngest *jobs, uint32_t bytes)
{
    bytes += jobs->head_offset;
    return bytes <= jobs->port->block_size && is_clear(jobs, bytes);
}

/* Find room in the head's block, or in erased blocks, which the head then enters, but leave `keep` of those. A block that was
 * erased before this boot may have been entered before, by a program that was cut short and left no trace: its first unit is
 * left alone, and a filler follows. The last erased block is erased again if its header was not made in this boot, since an
 * unclean stop may have cut that short: once the erase of the next block has begun, this header alone proves what is behind it. */
static bool find_room(inngest *jobs, uint32_t bytes, uint32_t keep)
{
    if (has_room(jobs, bytes)) return true;
    do {
        if (jobs->last_block - jobs->head_block <= keep) return false;
        if (jobs->head_block + 1 == jobs->last_block && !jobs->trusted) {
            jobs->last_block--;
            if (port_sync(jobs) != INNGEST_OK || prepare_block(jobs, true) != INNGEST_OK) return false;   /* cov: a sync fails just there, as in prepare_blocks */
        }
        jobs->head_block++;
        jobs->head_offset = jobs->port->block_size;
        jobs->copies_only = jobs->head_block == jobs->last_block;
    } while (!enters_clear(jobs, bytes));
    jobs->head_offset = jobs->first_offset;
    jobs->opening = jobs->opening || (int32_t)(jobs->unsure - jobs->head_block) >= 0;
    if (jobs->opening) jobs->head_offset += 2u * jobs->unit;         /* init refuses a table with records that would not fit then */
    return true;
}

static inngest_status void_range(inngest *jobs, uint32_t from, uint32_t to, bool needed);

/* Write a void record: nothing from a position to here counts. Position 0 becomes 1, as 0 stands for none; no record begins at
 * 0. */
static inngest_status write_void(inngest *jobs, uint32_t from, unsigned more)
{
    uint8_t range[8];
    from += from == 0;
    put4(range, from);
    put4(range + 4, head_position(jobs));
    INNGEST_TRY(add(jobs, NULL, KEY(RECLAIMED | FLAG | more, 0), range, sizeof range));
    (void)void_range(jobs, from, jobs->written, false);
    return INNGEST_OK;
}

static bool in_block(const inngest *jobs, uint32_t position, uint32_t block) { return (position ^ position_at(jobs, block, 0)) >> jobs->units_shift == 0; }
static bool in_last(const inngest *jobs, uint32_t position) { return position && in_block(jobs, position, jobs->last_block); }

/* The head was set back: what will be written there is not what was synced. */
APART void go_back(inngest *jobs)
{
    if ((int32_t)(jobs->synced - head_position(jobs)) > 0) jobs->synced = head_position(jobs);
}

/* Programs that failed have used up the last erased block, so that reclaim cannot go on. It holds nothing but copies: take up
 * their originals again (of runs by the chains, of TIME and SEEN from the tail block), erase it, and start over. */
APART void start_over(inngest *jobs)
{
    uint32_t i;
    bool time = in_last(jobs, jobs->time_position);
    inngest_run *run;
    inngest_seen *seen;
    record r;
    for (run = jobs->runs, i = jobs->run_count; i-- > 0; run++)
        while (in_last(jobs, run->last)) {
            if (!read_record(jobs, run->last, &r) || r.link == 0) return;   /* cov: a guard: a copy has a link and was whole */
            run->last -= r.link;
        }
    stand_at(&r, position_at(jobs, jobs->tail_block, 0));
    while (next_record(jobs, jobs->tail_block + 1, &r)) {
        if (r.kind == TIME && time) jobs->time_position = r.position;
        /* Of several SEENs the last one counts: those in front of it may be void. */
        if (!INNGEST_SEEN_IDS || r.kind != SEEN || (seen = find_seen(jobs, FIRST(jobs, &r))) == NULL) continue;
        if (in_last(jobs, seen->position) || in_block(jobs, seen->position, jobs->tail_block)) seen->position = r.position;
    }
    for (i = VOIDS; i-- > 0;) {                        /* void records in there are gone: what they spoke of is voided again */
        if (!in_last(jobs, jobs->voids[i][1])) continue;
        if (in_last(jobs, jobs->voids[i][0])) jobs->voids[i][0] = jobs->voids[i][1];
        else jobs->failed_from = jobs->voids[i][0];
    }
    if (in_last(jobs, jobs->failed_from)) jobs->failed_from = 0;
    jobs->written = position_at(jobs, jobs->tail_block, 0);           /* what was last is gone; all in front of it was synced */
    set_copied(jobs, jobs->written, 1);                /* other copies may stand elsewhere */
#if INNGEST_INDEXES
    jobs->carry_from = jobs->written;
#endif
    jobs->head_block--;
    jobs->last_block--;
    jobs->head_offset = jobs->port->block_size;
    go_back(jobs);
    jobs->failed_at = 0;
    jobs->wasted = false;
    (void)prepare_blocks(jobs, true);
}

#if INNGEST_WRITE_CACHE
/* find_room for a disk: a block that is entered before all in front of it is synced begins with a joint. No more than UNSYNCED
 * blocks are, since a mount looks no further; nor is the last one, which may have been erased just now. */
static bool join_room(inngest *jobs, uint32_t bytes, uint32_t keep)
{
    uint32_t block = jobs->head_block;
    uint8_t last[4];
    if (!find_room(jobs, bytes, keep)) return false;
    if (jobs->head_block == block || !may_be_lost(jobs) || !jobs->wrote) return true;   /* a boot's first filler is followed by a sync */
    if (jobs->head_offset + round_up(jobs, bytes) + ROOM_FOR(4) > jobs->port->block_size || jobs->copies_only ||
        jobs->head_block - block_of(jobs, jobs->synced) >= UNSYNCED) return port_sync(jobs) == INNGEST_OK;
    put4(last, jobs->written);
    return add(jobs, NULL, KEY(RECLAIMED | FLAG, 1), last, sizeof last) == INNGEST_OK;
}
#else
#define join_room find_room
#endif

/* The last program failed. What it left may read as blank, torn or whole, and differently each time. Go on where a mount would
 * after a power cut that left the same, with a filler: if nothing is to be seen, behind one unit left alone; if what is to be
 * seen stays (more than one unit, so the first is whole) or is erased by any mount (the last block), behind all of it and one
 * unit; else in the next block. */
static void give_up(inngest *jobs)
{
    uint32_t offset = offset_of(jobs, jobs->failed_at), behind = jobs->head_offset + 2u * jobs->unit;
    bool stays;
    jobs->failed_at = 0;
    jobs->head_offset = offset + (jobs->opening ? jobs->unit : 2u * jobs->unit);    /* a filler that failed is tried once more */
    jobs->opening = jobs->wasted = true;
    if (rest_is_blank(jobs, jobs->head_block, offset)) {
        go_back(jobs);
        return;
    }
    stays = (jobs->copies_only && jobs->head_block == jobs->last_block) || !rest_is_blank(jobs, jobs->head_block, offset + jobs->unit);
    jobs->head_offset = stays ? behind : jobs->port->block_size;
}

/* Find room for `bytes`, but leave `keep` erased blocks. If a program has failed, go on behind that, and void it first: it may
 * have done its work all the same. */
static bool advance(inngest *jobs, uint32_t bytes, uint32_t keep)
{
    uint32_t from = jobs->failed_from;
    if (jobs->failed_at) give_up(jobs);
    if (from) {
        if (!find_room(jobs, ROOM_FOR(8), keep) || (may_be_lost(jobs) && port_sync(jobs) != INNGEST_OK)) return false;   /* a joint would follow it */
        jobs->failed_from = 0;
        if (write_void(jobs, from, 0) != INNGEST_OK) {
            jobs->failed_from = from;
            return false;
        }
    }
    return join_room(jobs, bytes, keep);
}

/* True: something could not be read, and now not one block header can be: the storage does not answer, from which nothing
 * follows. Single cells that cannot be read are damage. */
static bool unreadable(inngest *jobs)
{
    uint8_t bytes[BLOCK_HEADER];
    uint32_t place;
    for (place = jobs->block_count; jobs->unread && place-- > 0;)
        if (port_read(jobs, block_address(jobs, place), bytes, sizeof bytes)) return false;
    return jobs->unread;
}

/* Which run's records are damaged may not be known: then any step of a run from an earlier boot may have run. A build that does
 * not count damage assumes that there is some. */
#if INNGEST_INSPECT
#define note_damage(jobs) count(&(jobs)->counters.damaged)
#define IS_DAMAGED(jobs) ((jobs)->counters.damaged)
#else
#define note_damage(jobs) ((void)0)
#define IS_DAMAGED(jobs) true
#endif

/* Park a run: its records are damaged. */
static void stop_for_damage(inngest *jobs, inngest_run *run)
{
    if (run->state != INNGEST_WAIT_DAMAGE) note_damage(jobs);
    say(jobs, "inngest: a run is parked, its records are damaged");
    run->state = INNGEST_WAIT_DAMAGE;
    run->flags |= RUN_PARKED;
    due_never(jobs, run);
    if (jobs->ctx.run != run) return;
    jobs->ctx.waiting = true;                        /* found in its own pass: no step follows, and it waits for nothing else */
    jobs->ctx.stopped = INNGEST_PAUSED;
    jobs->ctx.wake = INT64_MIN;
}

/* Does a run's chain lead through bytes that do not verify, with no record yet that parks the run for it? */
static bool is_broken(inngest *jobs, const inngest_run *run)
{
    record r;
    if (run->number == 0 || CANCELLING(run) || find_record(jobs, run, KEY(KIND_MASK, 0), &r) != BROKEN) return false;
    return find_record(jobs, run, KEY(PHASE, 0), &r) != FOUND || r.size != 4;    /* 4: parked, for none here is being cancelled */
}

/* The tail block holds bytes that do not verify. Once it is erased they would seem never to have been: park the runs whose
 * chains lead through them, on record, before that. */
APART inngest_status park_broken_runs(inngest *jobs)
{
    uint32_t i;
    inngest_run *run;
    uint8_t bytes[4];
    put4(bytes, (uint32_t)INNGEST_ERR_READ);
    for (run = jobs->runs, i = jobs->run_count; i-- > 0; run++) {
        if (!is_broken(jobs, run)) continue;
        if (!join_room(jobs, ROOM_FOR(8), 0)) return INNGEST_ERR_JOURNAL_FULL;   /* cov: where programs fail besides; none has since the reclaim began */
        INNGEST_TRY(add(jobs, run, KEY(PHASE, 0), bytes, 4));
        stop_for_damage(jobs, run);
    }
    return INNGEST_OK;
}

#if INNGEST_INDEXES
/* The oldest block in which something counts. */
APART uint32_t oldest_live(const inngest *jobs)
{
    uint32_t i, head = jobs->head_block;
    int32_t back = jobs->time_position ? (int32_t)(head - block_of(jobs, jobs->time_position)) : 0;
    unsigned k;
    for (k = INNGEST_SEEN_IDS; k-- > 0;) {
        const inngest_seen *seen = SEEN_ID(jobs, k);
        int32_t behind = (int32_t)(head - block_of(jobs, seen->position));     /* negative: nowhere, a reclaim has started over */
        if (seen->position && seen->until > jobs->now && behind > back) back = behind;
    }
    for (i = jobs->run_count; i-- > 0;) {
        const inngest_run *run = &jobs->runs[i];
        if (run->number == 0) continue;
        if (run->state == INNGEST_WAIT_DAMAGE) return jobs->tail_block;    /* its START may stand anywhere */
        if ((uint16_t)(head - run->oldest) > back) back = (uint16_t)(head - run->oldest);
    }
    return head - (uint32_t)back;
}

/* How many blocks the tail may lag behind the head before ticks reclaim ahead of need, a record each. Where little is live that
 * costs a sixteenth of what is written at most, and no call copies a whole block. UINT32_MAX: they do not. */
static void set_window(inngest *jobs)
{
    const inngest_run *run = jobs->runs;
    uint32_t i, live = live_ids(jobs) * 2 * SEEN_BYTES;
    jobs->window = UINT32_MAX;
    for (i = jobs->run_count; i-- > 0; run++) live += run->used * UINT32_C(4);
#if INNGEST_FAST_MOUNT
    jobs->sparse = live / (jobs->port->block_size / 8) < jobs->block_count;
#endif
    if (jobs->block_count < 8 || jobs->port->sync) return;
    live /= jobs->port->block_size / FOLLOW;
    if (live >= jobs->block_count) return;
    jobs->window = minimum(live + ((uint32_t)LEAST_WINDOW >> block_shift(jobs)) + 3, jobs->block_count - jobs->block_count / 5);
}

/* Remember the oldest block that holds records of a run: reclaim need not look at blocks that hold none. */
static void find_oldest(inngest *jobs, inngest_run *run)
{
    uint32_t oldest = jobs->tail_block;
    enum found found;
    record r;
    go_behind(run, &r);
    while ((found = step_back(jobs, run, &r)) == FOUND) {
        oldest = block_of(jobs, r.position);
        if (r.link == 0) break;   /* cov: a guard: what has no link lies in the block that is gone */
    }
    run->oldest = (uint16_t)(found == BROKEN ? jobs->tail_block : oldest);   /* damaged: its START may lie anywhere */
}

/* The tail block is gone: find the oldest block anew for the runs for which it was that. */
APART void update_oldest(inngest *jobs)
{
    inngest_run *run = jobs->runs;
    uint32_t i;
    for (i = jobs->run_count; i-- > 0; run++) if (run->number && run->oldest == (uint16_t)(jobs->tail_block - 1)) find_oldest(jobs, run);
    set_window(jobs);
}

/* False: nothing in the tail block is live, it need not be read. */
static bool may_hold_live(const inngest *jobs) { return (int32_t)(oldest_live(jobs) - jobs->tail_block) <= 0; }
#else
#define may_hold_live(jobs) true
#endif

/* Is a unit blank or a filler, and so no damage? */
static bool is_void_unit(inngest *jobs, uint32_t position)
{
    uint32_t address = address_of(jobs, position);
    return port_blank(jobs, address, jobs->unit) || is_filler(jobs, address);
}

/* Carry all that is live in the tail block. Bytes that do not verify set jobs->unread, as those that cannot be read do. */
APART inngest_status carry_live(inngest *jobs)
{
    uint32_t position, next = position_at(jobs, jobs->tail_block, jobs->first_offset);
    uint32_t size;
    record r;
    while (may_hold_live(jobs) && next != position_at(jobs, jobs->tail_block + 1, 0)) {
        position = next++;
        if (!read_record(jobs, position, &r)) {
            if (INNGEST_INSPECT && !is_void_unit(jobs, position)) jobs->unread = true;
            continue;
        }
        next = r.next;
        idle(jobs);                                  /* is_live may walk through all of its run */
        size = r.size;
        if (!is_live(jobs, &r, &r)) continue;
        if (!join_room(jobs, ROOM_FOR(size), 0)) return INNGEST_ERR_JOURNAL_FULL;   /* no program has failed since it began */
        if (!read_record(jobs, position, &r)) {
            if (position != jobs->time_position) return INNGEST_ERR_READ;   /* cov: it was whole just before */
            jobs->time_position = 0;                 /* that of a stop which was cut short may not read as whole each time */
            continue;
        }
        INNGEST_TRY(copy_record(jobs, &r, false));
    }
    return INNGEST_OK;
}

#define MOST_OF(a, b) ((a) > (b) ? (a) : (b))

/* The largest record that reclaim may have to copy: of this build, or left in a live run by one with larger limits. */
APART uint32_t largest_record(const inngest *jobs)
{
    uint32_t own = record_room(jobs, MOST_OF(MOST_OF(INNGEST_RESULT_BYTES, ERROR_BYTES), START_HEAD + INNGEST_EVENT_BYTES));
    return own > jobs->largest ? own : jobs->largest;
}

/* Spare blocks are kept erased. The last one is for reclaim alone: after a cut all in it are copies, so it can be erased and
 * the reclaim started over. A block full of live records gives back less than its copies take (the proof, and what did not
 * fit); several may follow each other, so there are spare blocks for all, and what they took is won back before anything else
 * is written. */
#define LEAST_SPARE(jobs) ((jobs)->block_count < 4 ? 1u : 2u)
#if FAST                               /* asked for each record */
#define CAPACITY(jobs) ((jobs)->capacity)
#else
#define CAPACITY(jobs) capacity(jobs, FILL(75))
#endif
/* The spare blocks that are needed beyond the least for so many live bytes. */
static uint32_t spare_for_live(const inngest *jobs, uint32_t live)
{
    uint32_t usable = jobs->port->block_size - jobs->first_offset;
    return live / usable * (largest_record(jobs) + 32) / usable;
}

static uint32_t count_spare_blocks(const inngest *jobs)
{
    return LEAST_SPARE(jobs) + spare_for_live(jobs, minimum(jobs->reserved, CAPACITY(jobs)));
}

#if FAST                               /* they change with the reservations alone */
NEAR uint32_t spare_blocks(inngest *jobs)
{
    if (jobs->spare_for == jobs->reserved + 1) return jobs->spare;
    jobs->spare_for = jobs->reserved + 1;
    return jobs->spare = count_spare_blocks(jobs);
}
#else
#define spare_blocks count_spare_blocks
#endif

#if INNGEST_FAST_MOUNT
/* A list holds the low half of the time only; the newest TIME tells the high half. Is it getting too old for that? */
static bool is_stale(const inngest *jobs) { return (jobs->now - jobs->stamp) >> 29 != 0; }

/* Bytes of the next proof's payload: 4, or more with a list of all that counts, for the next mount to begin with. A list is
 * written where an eighth of the journal is live at most, and it takes a 64th at most of what was written since the last one (a
 * 256th if it is long); not into what reclaim may need. */
static uint32_t list_bytes(inngest *jobs)
{
    uint8_t b[4];
    uint32_t next = 0, bytes = 0, most = head_position(jobs) - (jobs->list ? jobs->list : position_at(jobs, jobs->tail_block, 0));
    most = minimum(most, UINT32_C(16) << jobs->units_shift) << jobs->unit_shift;
    most = minimum(most < 65280u ? minimum(most / 64, 255) : most / 256, minimum(jobs->port->block_size / 4, LARGEST_PAYLOAD));
    if (!jobs->sparse || jobs->live_runs * UINT32_C(4) > most || jobs->last_block - jobs->head_block < spare_blocks(jobs)) return 4;
    while (take_listed(jobs, &next, b, 4)) bytes += 4;
    return bytes <= most && has_room(jobs, ROOM_FOR(bytes)) ? bytes : 4;
}

/* Is nothing void from the tail on? A list says so by CARRIED. */
static bool nothing_is_void(const inngest *jobs)
{
    unsigned i;
    uint32_t tail = position_at(jobs, jobs->tail_block, 0);
    for (i = VOIDS; i-- > 0;) if (jobs->voids[i][0] != jobs->voids[i][1] && (int32_t)(jobs->voids[i][1] - tail) > 0) return false;
    return jobs->void_count <= VOIDS && (int32_t)(jobs->scanned_from - tail) <= 0;
}

/* Append the proof that a block has been reclaimed, with a list if there is to be one. */
static inngest_status add_proof(inngest *jobs, uint32_t block)
{
    uint32_t bytes = list_bytes(jobs);
    uint8_t b[4];
    source s;
    s.copy = A_LIST;
    s.from.copy.head = s.from.copy.crc = s.from.copy.number = s.from.copy.address = 0;
    for (s.left = 0; s.left < bytes; s.left = (uint16_t)(s.left + 4)) {
        (void)take_listed(jobs, &s.from.copy.address, b, 4);
        s.from.copy.crc = crc32(s.from.copy.crc, b, 4);
    }
    s.from.copy.address = 0;
    INNGEST_TRY(append(jobs, NULL, KEY(RECLAIMED | (bytes > 4 && nothing_is_void(jobs) ? CARRIED : 0), block & STEP_MASK), &s));
    if (bytes > 4) jobs->list = jobs->written;
    return INNGEST_OK;
}
#else
static inngest_status add_proof(inngest *jobs, uint32_t block)
{
    uint8_t bytes[4];
    put4(bytes, jobs->next_run);
    return add(jobs, NULL, KEY(RECLAIMED, block & STEP_MASK), bytes, 4);
}
#endif

/* All in front of this position, the new tail, is gone. */
static void forget_block(inngest *jobs, uint32_t tail)
{
    set_copied(jobs, tail, 0);
#if INNGEST_FAST_MOUNT
    if ((int32_t)(jobs->list - tail) < 0) jobs->list = 0;
    if ((int32_t)(jobs->scanned_from - tail) < 0) jobs->scanned_from = tail;
#endif
    (void)jobs;
    (void)tail;
}

/* All that is live in the tail block has been carried: append the proof. */
APART inngest_status prove(inngest *jobs)
{
    uint32_t block = jobs->tail_block;
    INNGEST_TRY(add_proof(jobs, block));
    jobs->tail_block = block + 1;
    forget_block(jobs, position_at(jobs, block + 1, 0));
    jobs->wasted = false;
    return INNGEST_OK;
}

/* Carry all that is live in the tail block, and append the proof: the block can be erased once that is durable. If power is
 * lost before the proof, the copies are the newest of their class, the originals garbage, and this starts over; after it, the
 * block counts for nothing. */
static inngest_status carry_and_prove(inngest *jobs)
{
    if (!advance(jobs, 0, 0) || (jobs->tail_block == jobs->head_block && !join_room(jobs, jobs->port->block_size, 0))) return INNGEST_ERR_JOURNAL_FULL;
    jobs->unread = false;
    INNGEST_TRY(carry_live(jobs));
    if (unreadable(jobs)) return INNGEST_ERR_READ;
#if INNGEST_INSPECT
    if (jobs->unread || jobs->counters.damaged)
#endif                                 /* without counters: always, as there may be damage */
        INNGEST_TRY(park_broken_runs(jobs));
    if (!advance(jobs, ROOM_FOR(4), 0)) return INNGEST_ERR_JOURNAL_FULL;
    INNGEST_TRY(prove(jobs));
#if INNGEST_INDEXES
    update_oldest(jobs);
#endif
    return INNGEST_OK;
}

/* The same; if failed programs have used up the last block, erase that for another try. */
static inngest_status release_block(inngest *jobs)
{
    inngest_status status = carry_and_prove(jobs);
    if (status == INNGEST_ERR_JOURNAL_FULL && jobs->wasted && jobs->copies_only && jobs->head_block == jobs->last_block) start_over(jobs);
    return status;
}

/* Reclaim the tail block, and erase it. PAUSED: the chip is still erasing, and the caller does not wait. */
static inngest_status reclaim_block(inngest *jobs, bool wait)
{
    INNGEST_TRY(release_block(jobs));
    return prepare_blocks(jobs, wait);
}

/* Make room for so many bytes at the head. First comes what must precede any record: erase what was reclaimed, void what
 * failed. */
static inngest_status get_room(inngest *jobs, uint32_t bytes)
{
    uint32_t tries = 3 * jobs->block_count, spare;
    inngest_status status;
    if (bytes > jobs->port->block_size - jobs->first_offset - 2u * jobs->unit) return INNGEST_ERR_EVENT_SIZE;   /* cov: only for a larger INNGEST_RESULT_BYTES */
    if (jobs->failed) return INNGEST_ERR_SYNC;
    while ((status = prepare_blocks(jobs, true)) == INNGEST_OK) {
        spare = spare_blocks(jobs);
        if (jobs->last_block - jobs->head_block >= spare && advance(jobs, bytes, spare)) return INNGEST_OK;
        if ((status = tries-- > 0 ? reclaim_block(jobs, true) : INNGEST_ERR_JOURNAL_FULL) != INNGEST_OK) break;   /* cov: a guard: reclaim gains */
    }
    return status;
}

#if FAST
/* The same, with a shortcut where the head has room and nothing is to be done first. */
NEAR inngest_status room(inngest *jobs, uint32_t bytes)
{
    if (jobs->head_offset + bytes <= HEAD_END(jobs) && jobs->failed_from == 0 && !jobs->failed && jobs->last_block - jobs->head_block >= spare_blocks(jobs) &&
        jobs->last_block + 1 - jobs->tail_block >= jobs->block_count) return INNGEST_OK;
    return get_room(jobs, bytes);
}
#else
#define room get_room
#endif

/* room for one record with a payload of this size. */
NEAR inngest_status room_for(inngest *jobs, uint32_t payload) { return room(jobs, ROOM_FOR(payload)); }

#if INNGEST_INDEXES
/* Is the tail so far behind the head that ticks reclaim ahead of need? */
static bool lags(const inngest *jobs) { return jobs->head_block - jobs->tail_block >= jobs->window; }

/* Ahead of need: carry the next live record of the tail block; behind the last one, prove and erase the block. */
APART inngest_status carry_one(inngest *jobs)
{
    uint32_t at = in_block(jobs, jobs->carry_from, jobs->tail_block) ? jobs->carry_from : position_at(jobs, jobs->tail_block, 0), position, size;
    record r;
    for (stand_at(&r, at); may_hold_live(jobs) && next_record(jobs, jobs->tail_block + 1, &r); stand_at(&r, at)) {
        at = r.next;
        position = r.position;
        size = r.size;
        if (!is_live(jobs, &r, &r)) continue;
        if (!advance(jobs, ROOM_FOR(size), spare_blocks(jobs)) || !read_record(jobs, position, &r)) break;   /* cov: it was whole just before */
        INNGEST_TRY(copy_record(jobs, &r, false));
        jobs->carry_from = at;
        return INNGEST_OK;
    }
    return reclaim_block(jobs, false);
}
#else
#define lags(jobs) false
#define carry_one(jobs) INNGEST_OK
#endif

#if INNGEST_FAST_MOUNT
/* Is a list to be written by itself, as no proof has come with one for long? It names the block proven last. In blocks larger
 * than LIST_REACH a mount finds it by its place behind a multiple of LIST_GRID. Not among copies of the tail block, which a
 * mount that began with it would forget; nor while a predicate is watched, whose record must stay the newest. */
NEAR bool list_is_due(inngest *jobs)
{
    uint32_t head = head_position(jobs), tail;
    if (FAST && (jobs->live_runs > jobs->port->block_size / 16 || !jobs->sparse)) return false;      /* as list_bytes says, too */
    if (!jobs->dirty) return false;
    if (jobs->port->block_size > LIST_REACH ? (head ^ jobs->list) < LIST_GRID >> jobs->unit_shift || jobs->head_offset % LIST_GRID >= LIST_PLACE
                                            : head - jobs->list < LIST_REACH >> jobs->unit_shift) return false;
    tail = position_at(jobs, jobs->tail_block, 0);
    return jobs->copy == 0 && (int32_t)(jobs->copied - tail) <= 0 && !WATCHED(jobs) && jobs->failed_from == 0 && !jobs->doubtful &&
           list_bytes(jobs) > 4;
}

/* Append a list if one is due. False: it could not be written. */
static bool add_list(inngest *jobs) { return !list_is_due(jobs) || add_proof(jobs, jobs->tail_block - 1) == INNGEST_OK; }
#else
#define is_stale(jobs) false
#define add_list(jobs) true
#endif

/* Is anything to be reclaimed or erased ahead of need, so that no step call has to? What a tick with nothing else to do leaves
 * is room for a job of some small records. */
NEAR bool wants_room_ahead(inngest *jobs)
{
#if FAST
    bool near_end = jobs->head_offset > jobs->near_end;
#else
    bool near_end = jobs->head_offset + largest_record(jobs) + jobs->port->block_size / 32 > jobs->port->block_size;
#endif
    if (jobs->last_block + 1 - jobs->tail_block < jobs->block_count || lags(jobs)) return true;
    return near_end && jobs->block_count >= 4 && jobs->last_block - jobs->head_block <= spare_blocks(jobs);
}

/* Do part of it. */
NEAR inngest_status make_room_ahead(inngest *jobs)
{
    if (FAST && !wants_room_ahead(jobs)) return INNGEST_OK;
    INNGEST_TRY(prepare_blocks(jobs, false));
    if (lags(jobs)) return carry_one(jobs);
    return wants_room_ahead(jobs) ? reclaim_block(jobs, false) : INNGEST_OK;
}

#if INNGEST_WRITE_CACHE && INNGEST_INDEXES
/* A sync that serves the next proofs, too: tail blocks without anything live that `bytes` more would need are released first,
 * and need no sync of their own before their erase. Never more than LEAST_SPARE: a block entered before the next sync was
 * erased before this one. */
static inngest_status sync_ahead(inngest *jobs, uint32_t bytes)
{
    uint32_t spare = spare_blocks(jobs), need = jobs->head_block + ((jobs->head_offset + bytes) >> block_shift(jobs)) + spare;
    while (may_be_lost(jobs) && !jobs->failed && (int32_t)(need - jobs->tail_block) >= (int32_t)jobs->block_count &&
           jobs->tail_block + jobs->block_count <= jobs->last_block + LEAST_SPARE(jobs) && !may_hold_live(jobs) &&
           release_block(jobs) == INNGEST_OK) continue;
    return port_sync(jobs);
}
#else
#define sync_ahead(jobs, bytes) ((void)(bytes), port_sync(jobs))
#endif

#if INNGEST_CRASHES || INNGEST_CANCEL || INNGEST_WALL_CLOCK
/* Make room for a record, and append it. */
static inngest_status write_record(inngest *jobs, inngest_run *run, uint32_t key, const void *data, uint32_t size)
{
    INNGEST_TRY(room_for(jobs, size));
    return add(jobs, run, key, data, size);
}
#endif

/* Append a TIME. flag: 0, or CLEAN_STOP. */
APART inngest_status add_time(inngest *jobs, unsigned flag)
{
    uint8_t bytes[TIME_BYTES];
    put_time(bytes, jobs->now);
    put_time(bytes + 6, WALL_KNOWN(jobs) ? jobs->now + WALL_OFFSET(jobs) : 0);
    jobs->stamp = jobs->now;
    INNGEST_TRY(add(jobs, NULL, KEY(TIME | (flag & FLAG), flag >> 8), bytes, sizeof bytes));
    jobs->dated = false;
#if INNGEST_WALL_CLOCK
    jobs->wall_stamped = jobs->wall_offset;
#endif
    jobs->time_position = jobs->written;
    return INNGEST_OK;
}

/* The flag of the TIME that a clean stop leaves. Its step is 1 if the last erased block's header is not sure. */
#define CLEAN_STOP(jobs) (FLAG | ((jobs)->trusted ? 0u : 0x100u))

static inngest_status write_time(inngest *jobs, unsigned flag)
{
    inngest_status status = room_for(jobs, TIME_BYTES);
    jobs->stamp = jobs->now;           /* if it fails, too: the next try is the next heartbeat */
    return status == INNGEST_OK ? add_time(jobs, flag) : status;
}

/* Has no TIME been written in this boot? What the mount knew of the time may be that of a run that has ended, and go with it. */
#define UNSTAMPED(jobs) ((jobs)->stamp < (jobs)->booted)

/* Before a wait or an event id begins: in a boot without a wall clock, write a TIME that has none. Else a later boot would add
 * time off, measured from an earlier boot's clock, to what began in this one. */
static inngest_status forget_clock(inngest *jobs)
{
    return WALL_KNOWN(jobs) || !jobs->dated ? INNGEST_OK : write_time(jobs, 0);
}

/* After a failure of the storage no body runs until a record could be written: else its own might be lost again. */
static bool can_write(inngest *jobs)
{
    if (!jobs->doubtful) return true;
    jobs->doubtful = false;            /* write_time says so again if it fails */
    jobs->doubtful = write_time(jobs, 0) != INNGEST_OK || jobs->doubtful;
    return !jobs->doubtful;
}

/* ---- 7 Journal mount: scan, recovery ---------------------------------------------------------------------------
 *
 * A mount finds out from the storage alone what counts. User code runs only once all that it may see is durable and would be
 * found again. Where a later step shows that an earlier one took up what does not count, it gives MOUNT_AGAIN: all tables are
 * cleared, and mount_all (section 15) begins again, with what was learnt (voids, doubted, distrusted, *reclaimed). The steps have
 * the numbers that they have in "Mount" of port/JOURNAL.md, which tells why:
 *  1 find_blocks finds the last block and the format number by the block headers; blank storage gets a new format.
 *  2 find_end and find_list limit the scan: from the newest list, or else the tail, to the first erased block behind the head.
 *    scan_blocks takes up records one by one (apply_record): run table, event ids, time, and void records (take_void).
 *    What a disk has lost is void, and the mount begins again.
 *  3 mount judges what was found: damage, erases and reclaims that were cut short. If a block is still there of which there is
 *    proof, the mount begins again behind it; if the last erased block holds a reclaim without its proof, that block is erased,
 *    and the mount begins again. After a list, find_starts looks for the STARTs of the runs that it named.
 *  4 settle chooses where to go on behind the last record and writes the newest group again, unless the stop was clean.
 *  5 settle_and_erase: then what has been reclaimed is erased.
 *  6 inngest_init_ (section 15): sync; check_runs walks each run's chain for its phase, deadline and room, and pins a reset
 *    on a run; if the head is in the last erased block, the tail is reclaimed before anything else. */
#define MOUNT_AGAIN INNGEST_PAUSED      /* above 0: begin the mount anew */

static bool is_whole(inngest *jobs, uint32_t position)
{
    record r;
    return read_record(jobs, position, &r);
}

/* Is the group that begins with this record whole? No header is read behind the end of a block. */
static bool group_is_whole(inngest *jobs, const record *last)
{
    record r;
    for (; last->flags & MORE; last = &r) if (!read_record(jobs, last->next, &r)) return false;
    return true;
}

/* The function whose id has this hash, or NO_FUNCTION. */
static unsigned function_index(const inngest *jobs, uint32_t hash)
{
    unsigned i;
    for (i = 0; i < jobs->function_count; i++)         /* upwards: check_table asks before it has checked the ids that follow */
        if (hash_id(jobs->functions[i].id) == hash) return i;
    return NO_FUNCTION;
}

/* Bytes that a run reserves: those of its function, its START, and room to fail. */
APART uint32_t reservation(const inngest *jobs, unsigned function, uint32_t start_bytes)
{
    uint32_t bytes = function != NO_FUNCTION && jobs->functions[function].journal_bytes ? jobs->functions[function].journal_bytes : INNGEST_RUN_BYTES;
    return (bytes + start_bytes + END_ROOM + 3) & ~UINT32_C(3);
}

/* Give a run its function and its reservation. start_bytes: what its START takes. */
APART void take_up(inngest *jobs, inngest_run *run, unsigned function, uint32_t start_bytes)
{
    jobs->reserved -= run->reserved * UINT32_C(4);
    run->function = (uint16_t)function;
    run->used = (uint16_t)(start_bytes / 4);
    run->reserved = (uint16_t)minimum(reservation(jobs, function, start_bytes) / 4, 0xFFFF);
    jobs->reserved += run->reserved * UINT32_C(4);
}

#if INNGEST_SEEN_IDS || INNGEST_WALL_CLOCK
static void put_seen(uint8_t b[SEEN_BYTES], const uint32_t hash[2], int64_t until)
{
    put4(b, hash[0]);
    put4(b + 4, hash[1]);
    put_time(b + 8, until);
}
#endif

/* Note an event id, in place of the one that expires first: a mount may meet more than there are places, some of which had
 * expired before the newest came. */
static void remember(inngest *jobs, const uint8_t b[SEEN_BYTES], uint32_t position)
{
    int i;
    inngest_seen *to = find_seen(jobs, b);
    if (!INNGEST_SEEN_IDS) return;
    if (to == NULL)
        for (to = SEEN_ID(jobs, 0), i = INNGEST_SEEN_IDS; i-- > 0;) if (SEEN_ID(jobs, i)->until < to->until) to = SEEN_ID(jobs, i);
    to->hash[0] = get4(b);
    to->hash[1] = get4(b + 4);
    to->until = get_time(b + 8);
    to->position = position;
}

/* Is it a void record? A mount that took something for torn writes one in front of the newest group, which it writes again:
 * what seemed torn may read as whole later. */
static bool is_void(const record *r) { return r->kind == RECLAIMED && (r->flags & FLAG) && r->step == 0; }

#if INNGEST_WRITE_CACHE
/* A joint names the record that was written in front of it. */
static bool is_joint(const record *r) { return r->kind == RECLAIMED && (r->flags & FLAG) && r->step; }
#endif

static void get_range(uint32_t range[2], const uint8_t *b)
{
    range[0] = get4(b);
    range[1] = get4(b + 4);
}

static void take_start(inngest *jobs, inngest_run *run, const record *r, const uint8_t *b)
{
    run->number = (r->run & 0xFFFF) | get2(b) << 16;
    take_up(jobs, run, function_index(jobs, get4(b + 2)), record_room(jobs, r->size));
}

/* Take up a record of a run. RUNS_FULL: the table has no place for it. */
static inngest_status apply_run_record(inngest *jobs, const record *r, const uint8_t *b)
{
    inngest_run *run = find_run(jobs, r->run);
    uint32_t number = (r->run & 0xFFFF) | get2(b) << 16;       /* of a START */
    if (r->kind == END) {
        if (run) free_the_run(jobs, run);
        return INNGEST_OK;
    }
    if (r->kind == START && !(r->flags & CARRIED)) jobs->next_run = number + 1;       /* also where there is no place for it */
    if (run == NULL) {
        if ((run = enter_run(jobs, r->run)) == NULL) return INNGEST_ERR_RUNS_FULL;
        run->flags = RUN_OLD;
    }
    if (r->kind == START) take_start(jobs, run, r, b);
    if ((INNGEST_ON_FAILURE || INNGEST_CANCEL) && r->kind == PHASE && get4(b) != (uint32_t)INNGEST_ERR_READ) run->flags |= RUN_FAILING;
    run->last = r->position;
    if (r->flags & CARRIED) set_copied(jobs, 0, r->position);
    return INNGEST_OK;
}

/* The block of which a RECLAIMED is the proof. */
static uint32_t reclaimed_by(const inngest *jobs, const record *r) { return jobs->last_block - ((jobs->last_block - r->step) & STEP_MASK); }

/* Take up a record that counts. b: its payload's first bytes, which may be in the stage, so nothing is read here. *reclaimed:
 * set by a proof, to the block behind the one it names. */
APART_INDEXED inngest_status apply_record(inngest *jobs, const record *r, const uint8_t *b, uint32_t *reclaimed)
{
    int64_t stamp = jobs->now;
#if INNGEST_CRASHES
    jobs->guarded = 0;
#endif
    switch (r->kind) {
    case TIME:
        jobs->time_position = r->position;
        jobs->wary = r->step != 0;
        stamp = get_time(b);
        jobs->dated = get_time(b + 6) != 0;
#if INNGEST_WALL_CLOCK
        jobs->wall_offset = get_time(b + 6) - stamp;
        jobs->was_known = jobs->dated;
#endif
        jobs->stamp = stamp;
        if (!(r->flags & CARRIED)) jobs->booted = 0;       /* newer than any list: take_time is to do nothing */
        break;
    case SEEN: remember(jobs, b, r->position); break;
    case RECLAIMED:
        if (r->flags & FLAG) break;
        set_copied(jobs, 0, 0);
        *reclaimed = reclaimed_by(jobs, r) + 1;
        jobs->next_run = get4(b);
        if (r->size > 4) jobs->booted = (INT64_C(1) << 32) + get4(b + 4);      /* a list's time, low half, for take_time; never 0 */
        break;
#if INNGEST_CRASHES
    case CRASH:                        /* of no run: a predicate was called; counts if nothing follows */
        if (r->run) break;
        jobs->poison_row = (uint16_t)get2(b + 6);
        jobs->poison = get4(b + 2);
        jobs->poison_count = b[0];
        jobs->guarded = b[1];
        break;
#endif
    case SLEEP: case ATTEMPT: stamp = get_time(b + 6); break;
    default: break;
    }
    if (stamp > jobs->now || !(r->flags & CARRIED)) jobs->now = stamp;
    return r->run ? apply_run_record(jobs, r, b) : INNGEST_OK;
}

/* Note a void range. needed: what it voids reads as whole, so the mount must begin again without it; such ranges come first and
 * are never dropped. void_count > VOIDS: others have been. Always MOUNT_AGAIN, for callers that return it. */
static inngest_status void_range(inngest *jobs, uint32_t from, uint32_t to, bool needed)
{
    uint32_t *range = jobs->voids[(needed ? jobs->voids_needed : jobs->void_count) % VOIDS], *last;
    unsigned i;
    for (i = VOIDS; i-- > 0;)
        /* A longer range from the same position takes no place of its own. */
        if (jobs->voids[i][0] == from && jobs->voids[i][1] != from && (i < jobs->voids_needed || !needed || jobs->voids[i][1] == to)) {   /* cov: one that was not needed is, and is longer */
            if ((int32_t)(to - jobs->voids[i][1]) > 0) jobs->voids[i][1] = to;
            return MOUNT_AGAIN;
        }
    if (jobs->void_count < VOIDS) {
        last = jobs->voids[jobs->void_count++];
        last[0] = range[0];
        last[1] = range[1];
    } else {                                               /* all places are taken: a range that is not needed gives way */
        jobs->void_count = VOIDS + 1;
        if (!needed) return MOUNT_AGAIN;
    }
    if (needed) jobs->voids_needed++;
    range[0] = from;
    range[1] = to;
    return MOUNT_AGAIN;
}

/* The newest group reads as whole at one time and not at another: mount again without it. What its void records covered counts
 * again: that may be the only whole copy of what the group repeats. */
static inngest_status doubt(inngest *jobs)
{
    unsigned i;
    for (i = VOIDS; i-- > 0;) if (jobs->voids[i][1] == jobs->newest) jobs->voids[i][0] = jobs->newest;
    jobs->doubted = true;
    return void_range(jobs, jobs->newest, jobs->newest + 1, true);
}

typedef struct scan {
#if INNGEST_FAST_MOUNT
    uint32_t from;                     /* offset in the block at which to begin */
    uint32_t list;                     /* position of a list just met, which is to be taken up, or 0 */
    uint32_t unmet;                    /* a position named by it where no record can be read, or 0 */
#endif
    uint32_t end;                      /* offset where the block's last record, or what is left of one, ended; 0: it is blank */
    uint32_t proven;                   /* all in front of this block has been reclaimed; below the oldest: no proof was met */
    inngest_status status;             /* RUNS_FULL, if a record cannot be taken up */
    uint32_t ends, taken;              /* ends: the farthest END met by give_place, or 0; taken: the last record taken up */
#if INNGEST_WRITE_CACHE
    uint32_t before, lost;             /* the end of what is in front of the block; the first gap that may be a loss; or 0 */
#endif
} scan;

#if INNGEST_FAST_MOUNT
#define SCAN_FROM(jobs, found) ((found)->from)

/* Is the block blank from here on? Look at the next LOOK bytes, then at one unit each SAMPLE, beyond LIST_GRID each LIST_PLACE: flash is
 * programmed in order and a disk keeps whole sectors, so what stands farther on could only be hidden by rot that reads as blank. */
APART bool is_end(inngest *jobs, uint32_t block, uint32_t offset)
{
    uint32_t size = jobs->port->block_size, far = offset + LIST_GRID, end = minimum(size, (offset | (SAMPLE - 1)) + 1 + LOOK);
    block = block_address(jobs, block);
    if (!port_blank(jobs, block + offset, end - offset)) return false;
    for (; end < size; end += end < far ? SAMPLE : LIST_PLACE) if (!port_blank(jobs, block + end, jobs->unit)) return false;
    return true;
}
#else
#define SCAN_FROM(jobs, found) ((jobs)->first_offset)
#define is_end rest_is_blank
#endif

#if INNGEST_WRITE_CACHE
/* A disk may have dropped any part of what was not synced: nothing behind a gap is taken up, unless a record there says that
 * all in front of it was synced. found->lost: the first such gap. */
static void look_for_loss(const record *r, const uint8_t *b, uint32_t gap, scan *found)
{
    if (is_joint(r) && found->before && (int32_t)(found->before - get4(b)) <= 0) gap = found->before;
    if (!r->later) found->lost = 0;
    else if (found->lost == 0) found->lost = gap;
}
#endif

#if INNGEST_FAST_MOUNT
/* Mount again without lists, and read all blocks. */
static inngest_status distrust_lists(inngest *jobs)
{
    jobs->distrusted = true;
    return MOUNT_AGAIN;
}

static bool is_list(const inngest *jobs, const record *r) { return r->kind == RECLAIMED && !(r->flags & FLAG) && r->size > 4 && TAKES_LISTS && !jobs->distrusted; }

/* Take up a list: it names all that counted when it was written, so what was taken up in front of it is forgotten. Of what has
 * been reclaimed since, the copies come behind it. A list that does not read the same twice is not trusted. */
APART inngest_status take_list(inngest *jobs, scan *found)
{
    uint32_t i, crc, position, none;
    uint8_t b[4];
    record r;
    source s;
    if (!read_record(jobs, found->list, &r)) return distrust_lists(jobs);
    if (r.flags & CARRIED) jobs->scanned_from = position_at(jobs, jobs->tail_block, 0);
    set_copy(jobs, &r, &s);
    crc = s.from.copy.head;
    for (i = jobs->run_count; i-- > 0;) if (jobs->runs[i].number) free_the_run(jobs, &jobs->runs[i]);
#if INNGEST_SEEN_IDS
    clear_bytes(jobs->seen, sizeof jobs->seen);
#endif
    jobs->time_position = 0;
    found->unmet = 0;
    for (i = 0; s.left >= 4; i++) {
        if (!take_bytes(jobs, &s, b, 4)) return distrust_lists(jobs);   /* cov: it was read just before */
        crc = crc32(crc, b, 4);
        position = get4(b);
        if (i < 2 || (i == 2 && position == 0) || (int32_t)(position - position_at(jobs, jobs->tail_block, 0)) < 0) continue;
        if (read_record(jobs, position, &r)) {
            r.flags |= CARRIED;                            /* no news: neither its number nor its time is the newest one */
            if (apply_record(jobs, &r, FIRST(jobs, &r), &none) == INNGEST_OK) continue;
        }
        found->unmet = position;
    }
    if (crc != s.from.copy.crc) return distrust_lists(jobs);
    set_copied(jobs, 0, 0);
    jobs->list = found->list;
    found->list = 0;
    found->status = INNGEST_OK;
    found->ends = 0;
    return INNGEST_OK;
}

/* Take up the STARTs of the runs that a list has named: their chains lead there. The headers on the way are verified later, by
 * check_runs. */
static inngest_status find_starts(inngest *jobs)
{
    uint32_t i;
    inngest_run *run = jobs->runs;
    record r;
    for (i = jobs->run_count; i-- > 0; run++) {
        if (run->number == 0 || run->used) continue;
        go_behind(run, &r);
        do {
            uint32_t position = r.position - r.link;
            if ((int32_t)(position - position_at(jobs, jobs->tail_block, 0)) < 0 || !read_header(jobs, position, &r)) return distrust_lists(jobs);
        } while (r.kind != START && r.link);               /* cov: rot that has cleared a link */
        if (!read_record(jobs, r.position, &r) || r.kind != START || r.run != (run->number & STEP_MASK)) return distrust_lists(jobs);   /* cov: the same, in a header, or one that reads differently each time */
        take_start(jobs, run, &r, FIRST(jobs, &r));
    }
    return INNGEST_OK;
}
#endif

/* There is no place for the run of this record: more runs were live then than may be now. Look behind it for the first END of
 * this run or of one that has a place. True: that place is free now. False: this run ends first and needs none; or
 * found->status says that none ends. */
static bool give_place(inngest *jobs, const record *of, scan *found)
{
    record r;
    if (found->status != INNGEST_OK) return false;         /* one is enough: each is looked for through all that follows */
    stand_at(&r, of->position);
    do {                               /* where a void of that END comes, the mount begins anew */
        if (!next_record(jobs, jobs->last_block + 1, &r)) {
            found->status = INNGEST_ERR_RUNS_FULL;
            return false;
        }
    } while (r.kind != END || (r.run != of->run && !find_run(jobs, r.run)) || is_voided(jobs, r.position));
    if (found->ends == 0 || (int32_t)(r.position - found->ends) > 0) found->ends = r.position;
    if (r.run == of->run) return false;
    free_the_run(jobs, find_run(jobs, r.run));
    return true;
}

/* The scan of a block is over. Behind its last record are bytes that do not verify (broken), or nothing at all (blank). */
static void end_scan(inngest *jobs, uint32_t block, bool broken, bool blank, scan *found)
{
    if (broken) count(&jobs->counters.torn);
#if INNGEST_WRITE_CACHE
    if (found->end) found->before = MOST_OF(position_at(jobs, block, found->end), 1);   /* cov: 0 is none, and a header's: ages.c */
#endif
    (void)block;
    if (found->end == 0 && !blank) {                       /* begun, and nothing in it is whole */
        found->end = jobs->port->block_size;
        jobs->stale = true;
    }
}

/* Take up a void record. True: what it voids has been taken up: mount again without that. Not if that is just an earlier
 * mount's group that begins with a void record from the same place: what it repeats is repeated behind this one, too, or there
 * was nothing to repeat. taken: the last record in front of it. */
APART bool take_void(inngest *jobs, const record *r, const uint8_t *b, uint32_t taken)
{
    uint32_t range[2];
    unsigned i;
    bool needed;
    get_range(range, b);
    needed = jobs->newest && in_range(jobs->newest, range) && jobs->voids_needed < VOIDS;   /* cov: of eight, each begins elsewhere */
    if (((r->flags & MORE) || taken == jobs->newest) && !(jobs->written && in_range(jobs->written, range)))
        for (i = VOIDS; i-- > 0;) if (jobs->voids[i][0] == range[0] && jobs->voids[i][1] == jobs->newest) needed = false;
    (void)void_range(jobs, range[0], range[1], needed);
    return needed;
}

/* Is a gap in front of record r torn? Behind a torn write nothing follows in its block but the void record that covers it. */
static bool is_torn(const record *r, const uint8_t *b, uint32_t gap)
{
    uint32_t range[2];
    get_range(range, b);
    return is_void(r) && (in_range(gap, range) || in_range(gap + 1, range));
}

/* Take up the whole records of a block, from found->from on. found->list: stopped there, to take up a list. MOUNT_AGAIN: mount
 * again. */
APART inngest_status scan_block(inngest *jobs, uint32_t block, scan *found)
{
    uint32_t offset = SCAN_FROM(jobs, found), gap = offset;
    bool in_group = false, in_void = false, broken = false, edge = true, torn;   /* edge: the unit in front is not blank */
    uint8_t b[FIRST_BYTES];
    record r;
    idle(jobs);
    while (offset + 12 <= jobs->port->block_size) {
        uint32_t position = position_at(jobs, block, offset), address = address_of(jobs, position);
        if (!read_record(jobs, position, &r)) {
            if (in_group) return doubt(jobs);
            in_void = false;
            if (offset == gap && is_end(jobs, block, offset)) break;
            offset += jobs->unit;
            if (port_blank(jobs, address, jobs->unit)) {
                if (INNGEST_INDEXES && edge && is_end(jobs, block, offset)) break;
                edge = false;
                continue;
            }
            edge = true;
            if (is_filler(jobs, address)) {
                if (offset - gap <= 2u * jobs->unit) {            /* counting the unit left alone in front of it */
                    gap = offset;
                    broken = false;
                }
                found->end = offset;
                jobs->clean = false;
                continue;
            }
            broken = jobs->stale = true;
            continue;
        }
        found->end = offset + record_bytes(jobs, &r);
        edge = true;
        copy_bytes(b, FIRST(jobs, &r), sizeof b);
        jobs->clean = r.kind == TIME && (r.flags & (FLAG | CARRIED)) == FLAG;   /* even if void: see settle */
        if (in_void || (!in_group && (is_voided(jobs, position) || !group_is_whole(jobs, &r)))) {
            in_void = (r.flags & MORE) != 0;
            broken = jobs->stale = true;
            offset = found->end;
            continue;
        }
        if (is_void(&r) && take_void(jobs, &r, b, found->taken)) return MOUNT_AGAIN;
        if (offset != gap) {
            torn = is_torn(&r, b, position_at(jobs, block, gap));
            if (torn) count(&jobs->counters.torn);
            else note_damage(jobs);
        } else torn = true;
#if INNGEST_WRITE_CACHE
        look_for_loss(&r, b, torn ? 0 : position_at(jobs, block, gap), found);
#endif
        broken = false;
        gap = offset = found->end;
        if (!in_group) {
            jobs->newest = r.position;
            if (!is_void(&r)) jobs->written = r.position;  /* what a mount wrote behind a void repeats what was the newest */
        }
        jobs->stale = false;
        in_group = (r.flags & MORE) != 0;
        found->taken = position;
        while (apply_record(jobs, &r, b, &found->proven) != INNGEST_OK && give_place(jobs, &r, found)) continue;
#if INNGEST_FAST_MOUNT
        if (is_list(jobs, &r)) {                           /* scan_blocks takes it up, and goes on from here */
            found->from = offset;
            found->list = r.position;
            return INNGEST_OK;
        }
#endif
    }
    end_scan(jobs, block, broken, offset == gap, found);
    return INNGEST_OK;
}

/* The journal ends here: cut off void ranges. What they covered farther on was in blocks erased since, and what comes there is
 * not void. */
static void end_voids(inngest *jobs, uint32_t end)
{
    unsigned i;
    for (i = VOIDS; i-- > 0;) {
        uint32_t *range = jobs->voids[i];
        if ((int32_t)(range[1] - end) > 0) range[1] = (int32_t)(range[0] - end) > 0 ? range[0] : end;   /* cov: what was doubted is blank now, behind a unit left alone */
    }
}

/* Choose where to go on: never right behind what may be torn; but behind the TIME of a clean stop the filler comes at once,
 * even if that is void, for what voids it may be gone at the next mount. Unless the stop was clean, write the newest group
 * again before anything acts on it, since its cells may be half programmed. MOUNT_AGAIN. JOURNAL_FULL: no room for
 * that. */
APART inngest_status settle(inngest *jobs, uint32_t end)
{
    uint32_t position = jobs->newest, bytes = 0, copies = 0, from = position_at(jobs, jobs->tail_block, jobs->first_offset);
    bool repeats = false, torn = jobs->doubted || jobs->stale;
    inngest_status status;
    inngest_run *run;
    record r;
    end_voids(jobs, position_at(jobs, jobs->head_block, end));
    jobs->written = jobs->newest;
    jobs->opening = true;
    if ((int32_t)(jobs->head_block - jobs->last_block) > 0) {      /* nothing is formatted yet */
        jobs->head_offset = end + jobs->unit;
#if INNGEST_INDEXES
        jobs->head_end = jobs->port->block_size;
#endif
        return INNGEST_OK;
    }
    if (look_ahead(jobs, end))
        jobs->head_offset = end + ((jobs->clean ? 1u : 2u) << jobs->unit_shift);
    else {
        jobs->head_offset = jobs->port->block_size;
        torn = true;
    }
    if (torn) jobs->clean = false;
    if (jobs->newest) do {
        if (!read_record(jobs, position, &r)) return doubt(jobs);
        position = r.next;
        if (is_void(&r)) {
            from = get4(FIRST(jobs, &r));
            torn = repeats = true;
            continue;
        }
        if (!repeats) from = position;
        bytes += record_room(jobs, r.size);
        copies++;
    } while (r.flags & MORE);
    if (!torn && jobs->clean && !jobs->wary) jobs->trusted = true;
    jobs->unsure = jobs->last_block;
    if (!torn && ((jobs->clean && jobs->newest == jobs->time_position) || jobs->newest == 0)) return INNGEST_OK;
    if (torn) bytes += record_room(jobs, 8);
    if (!advance(jobs, bytes, 0)) return INNGEST_WRITE_CACHE && jobs->failed ? INNGEST_ERR_SYNC : INNGEST_ERR_JOURNAL_FULL;   /* cov: a sync fails just there, as in prepare_blocks */
    if (torn) INNGEST_TRY(write_void(jobs, from, copies ? MORE : 0));
    for (position = jobs->newest; copies > 0; position = r.next) {
        if (!read_record(jobs, position, &r)) return doubt(jobs);
        if (is_void(&r)) continue;
        copies--;
        run = find_run(jobs, r.run);                       /* no chain leads through what may be half programmed; a group has
                                                            * one record of a run */
        if (run) run->last = r.link ? r.position - r.link : 0;
        status = copy_record(jobs, &r, true);
        if (status == INNGEST_ERR_READ || (status == INNGEST_OK && !is_whole(jobs, jobs->written))) return doubt(jobs);
        INNGEST_TRY(status);
    }
    return INNGEST_OK;
}

/* Begin a new journal on blank storage. FOREIGN: it is not blank. An earlier format may have been cut short, twice: in the
 * first two blocks a torn header and filler are fine, in which every bit is set that is set in whole ones. What cannot be read
 * is no data. */
APART inngest_status format_if_blank(inngest *jobs, uint32_t seed)
{
    uint8_t bytes[32], bits[32];                         /* what may be torn there, as a whole */
    uint32_t place, offset, i;
    bool readable = false;
    for (place = 0; place < 2; place++) {
        make_block_header(jobs, jobs->block_count + place, bits);
        put4(bits + 12, 0);                              /* the format number and checksum may be any */
        put4(bits + 20, 0);
        fill_bytes(bits + BLOCK_HEADER, FILLER, sizeof bits - BLOCK_HEADER);
        for (offset = 0; offset < jobs->port->block_size; offset += sizeof bytes) {
            uint32_t address = block_address(jobs, place) + offset;
            if (offset) fill_bytes(bits, offset < jobs->first_offset + 2u * jobs->unit ? FILLER : 0xFF, sizeof bits);
            if (port_blank(jobs, address, sizeof bytes)) readable = true;
            else if (port_read(jobs, address, bytes, sizeof bytes))
                for (i = 0; i < sizeof bytes; i++)
                    if ((bytes[i] & bits[i]) != bits[i] && (bits[0] == 0xFF || !jobs->port->is_blank)) return INNGEST_ERR_FOREIGN;
        }
    }
    if (!readable) return INNGEST_ERR_READ;
    jobs->unread = false;
    for (; place < jobs->block_count; place++) {
        idle(jobs);
        if (!port_blank(jobs, block_address(jobs, place), jobs->port->block_size)) return jobs->unread ? INNGEST_ERR_READ : INNGEST_ERR_FOREIGN;
    }
    jobs->format = crc32(seed, (const uint8_t *)"format", 6);
    jobs->tail_block = jobs->block_count;
    jobs->last_block = jobs->tail_block - 1;
    jobs->clean = true;
    return INNGEST_OK;
}

/* Does the block behind last hold records, although its header is lost? Then so is that of the block behind it, whose erase had
 * begun; if that still is the tail, this one was itself being erased again, and reclaim starts over. */
APART bool has_lost_header(inngest *jobs, uint32_t block)
{
    uint8_t b[BLOCK_HEADER];
    record r;
    inngest_status status = read_block_header(jobs, block, b);
    if (status == INNGEST_OK) return get4(b + 8) == block;      /* now it can be read */
    if (status != INNGEST_ERR_NOT_FOUND || has_header(jobs, block + 1 - jobs->block_count)) return false;
    stand_at(&r, position_at(jobs, block, 0));
    return next_record(jobs, block + 1, &r);
}

/* Take up what the header of the newest block says, which has just been read. */
static void take_header(inngest *jobs, const uint8_t b[BLOCK_HEADER])
{
    jobs->last_block = get4(b + 8);
    jobs->format = get4(b + 12);
#if INNGEST_FAST_MOUNT
    jobs->list = b[18] ? position_at(jobs, jobs->last_block - b[18], (uint32_t)b[19] << (block_shift(jobs) - 8)) : 0;
#endif
}

#if INNGEST_FAST_MOUNT
/* Find the newest block by bisection: the places from 0 up to it are one lap ahead of those behind it. False: a header that was met does
 * not fit that, or the journal is young or small; then all headers must be read. */
static bool find_newest(inngest *jobs, uint8_t b[BLOCK_HEADER])
{
    uint32_t place = 0, low = 0, high = jobs->block_count, behind;
    if (jobs->distrusted || high < 8) return false;
    do {
        if (read_block_header(jobs, place, b) != INNGEST_OK) return false;
        if (place == 0) take_header(jobs, b);
        behind = jobs->last_block - low + place - get4(b + 8);
        if (get4(b + 12) != jobs->format || (behind && behind != jobs->block_count)) return false;
        if (behind) high = place;
        else {
            low = place;
            take_header(jobs, b);
        }
        place = (low + high) / 2;
    } while (place != low);
    return jobs->last_block >= 2 * jobs->block_count;
}
#endif

/* Find the newest block and the journal's format by the block headers, or format a blank storage. *blocks: how many
 * have one. *misplaced: one stands at another's place. */
static inngest_status find_blocks(inngest *jobs, uint32_t seed, uint32_t *blocks, bool *misplaced)
{
    uint32_t place, block;
    inngest_status status;
    bool readable = false;
    uint8_t b[BLOCK_HEADER];
    place = 0;
#if INNGEST_FAST_MOUNT
    if (find_newest(jobs, b)) *blocks = place = jobs->block_count;
#endif
    for (; place < jobs->block_count; place++) {
        jobs->unread = false;
        status = read_block_header(jobs, place, b);
        if (!jobs->unread) readable = true;
        if (status == OTHERS_HEADER) *misplaced = true;
        if (status == OTHERS_HEADER || status == INNGEST_ERR_NOT_FOUND) continue;
        INNGEST_TRY(status);
        block = get4(b + 8);
        if ((*blocks)++ == 0 || (int32_t)(block - jobs->last_block) > 0) take_header(jobs, b);
    }
    if (*blocks == 0 && (status = format_if_blank(jobs, seed)) != INNGEST_OK) return readable ? status : INNGEST_ERR_READ;
    put4(b, jobs->format);
    jobs->seed = crc32(0, b, 4);
    while (*blocks && has_lost_header(jobs, jobs->last_block + 1)) jobs->last_block++;
    jobs->unread = false;
    return INNGEST_OK;
}

/* Settle first, then erase: what is written again may be the proof of what is to be erased. If there is no room for that, erase
 * one block and try again. */
APART_INDEXED inngest_status settle_and_erase(inngest *jobs)
{
    uint32_t end = jobs->head_offset ? jobs->head_offset : jobs->first_offset;
    inngest_status status;
#if INNGEST_INDEXES
    uint32_t block = jobs->head_block;
#endif
    while ((status = settle(jobs, end)) == INNGEST_ERR_JOURNAL_FULL && jobs->last_block + 1 - jobs->tail_block < jobs->block_count) {   /* cov: a guard: what is erased has room */
        jobs->dirty = true;                            /* what was found may be no more than a disk's cache has */
        INNGEST_TRY(port_sync(jobs));                  /* cov: a sync fails just there, as in prepare_blocks */
        INNGEST_TRY(prepare_block(jobs, true));
#if INNGEST_INDEXES
        jobs->head_block = block;                      /* it may have passed over one */
#endif
    }
    INNGEST_TRY(status);
    return prepare_blocks(jobs, true);
}

#define LOOKS_FOR_MISSING (INNGEST_INSPECT || INNGEST_INDEXES || INNGEST_WRITE_CACHE)
#if LOOKS_FOR_MISSING
/* Count blocks without a header, but for a reclaimed one whose erase was cut short; and places never used that are not blank. */
static uint32_t count_missing(inngest *jobs, uint32_t oldest, uint32_t blocks)
{
    uint32_t block, expected = jobs->last_block + 1 - jobs->tail_block, missing;
    if (jobs->tail_block != oldest && has_header(jobs, oldest)) expected++;
    missing = blocks < expected;
    for (block = jobs->last_block + 2; block - oldest < jobs->block_count; block++)
        if (!port_blank(jobs, block_address(jobs, block), BLOCK_HEADER)) missing++;
    return missing;
}
#else                                  /* nobody asks, and without a write cache a cut format leaves nothing behind it */
#define count_missing(jobs, oldest, blocks) 0
#endif

#if INNGEST_INDEXES
static bool begins_blank(inngest *jobs, uint32_t block)
{
    return port_blank(jobs, block_address(jobs, block) + jobs->first_offset, 2u * jobs->unit);
}

/* The last block that a mount need read: the first erased one behind the head. Those behind it are erased, as their first units
 * show, and are looked at again when the head gets there; but a disk may have lost the beginning of blocks not yet synced. */
APART uint32_t find_end(inngest *jobs, uint32_t block, uint32_t missing)
{
    uint32_t last = jobs->last_block, more = INNGEST_WRITE_CACHE && jobs->port->sync ? UNSYNCED : 1;
#if INNGEST_FAST_MOUNT
    uint32_t first = block, i;
#endif
    for (; (int32_t)(last - block) > 0 && (!missing || has_header(jobs, last)) && begins_blank(jobs, last); last--) {
#if INNGEST_FAST_MOUNT                 /* search from the tail as well: whichever end is nearer */
        for (first++, i = more + 2; i > 0 && !missing && (int32_t)(last - first) > (int32_t)i && begins_blank(jobs, first + i - 1); i--) continue;
        if (i == 0) last = first;
#endif
    }
    return jobs->last_block - last < more ? jobs->last_block : last + more;
}
#else
#define find_end(jobs, block, missing) ((jobs)->last_block)
#endif

#if INNGEST_FAST_MOUNT
/* Look in so many bytes of a block for a list, or for the void record with which its group may begin. */
static bool find_list_in(inngest *jobs, uint32_t block, uint32_t offset, uint32_t bytes, scan *found)
{
    uint32_t at = position_at(jobs, block, offset), end = at + (bytes >> jobs->unit_shift);
    record r;
    do {
        if (!read_header(jobs, at, &r)) continue;
        if (is_void(&r) && (!read_record(jobs, at, &r) || !read_header(jobs, r.next, &r))) continue;     /* cov: not in an event's data: lists.c */
        if (!is_list(jobs, &r) || is_voided(jobs, r.position) || !read_record(jobs, r.position, &r) || (INNGEST_WRITE_CACHE && r.later)) continue;
        found->from = offset_of(jobs, at);
        return true;
    } while ((int32_t)(++at - end) < 0);
    return false;
}

/* Where to begin: at the list that the last block's header names, or at least in its block; in large blocks at the newest list
 * found where one may be. */
APART void find_list(inngest *jobs, uint32_t *block, uint32_t last, scan *found)
{
    uint32_t offset, at, named = block_of(jobs, jobs->list), size = jobs->port->block_size;
    uint8_t kind[4];
    if (jobs->list && (int32_t)(named - *block) > 0) {
        *block = named;
        (void)find_list_in(jobs, named, offset_of(jobs, jobs->list), size / 256, found);
    }
    if (size <= LIST_REACH) return;
    for (; (int32_t)(last - *block) >= 0; last--)
        for (offset = size; offset >= LIST_GRID + (last == *block ? found->from : 0); ) {
            offset -= LIST_GRID;
            if (port_blank(jobs, block_address(jobs, last) + offset, 2u * jobs->unit)) continue;
            for (at = offset ? offset - 32 : 0; at < offset + LIST_PLACE; at += jobs->unit)     /* by its kind, and that it is of no run */
                if (port_read(jobs, block_address(jobs, last) + at + 4, kind, sizeof kind) && (get4(kind) & 0xFFFF000F) == RECLAIMED &&
                    find_list_in(jobs, last, at, 0, found)) {
                    *block = last;
                    return;
                }
        }
}
#endif

/* Does a block hold anything that counts and has no copy? */
static bool holds_live(inngest *jobs, uint32_t block)
{
    uint32_t next = position_at(jobs, block, 0);
    record r;
    set_copied(jobs, next, jobs->copy);
    for (stand_at(&r, next); next_record(jobs, block + 1, &r); stand_at(&r, next)) {
        next = r.next;
        if (is_live(jobs, &r, &r)) return true;
    }
    return false;
}

/* Scan from a block to `last`. Adds to *missing. *headless: the first block behind the head that is blank and has no header, or
 * 0. */
static inngest_status scan_blocks(inngest *jobs, uint32_t block, uint32_t last, uint32_t *missing, uint32_t *headless, scan *found)
{
    bool gap = false;
    for (; (int32_t)(block - last) <= 0; block++) {
        found->end = 0;
        INNGEST_TRY(scan_block(jobs, block, found));
#if INNGEST_FAST_MOUNT
        while (found->list) {
            INNGEST_TRY(take_list(jobs, found));
            INNGEST_TRY(scan_block(jobs, block, found));
        }
        found->from = jobs->first_offset;
#endif
        if (found->end == 0) {
            gap = true;
            if (*headless == 0 && !has_header(jobs, block)) *headless = block;
            continue;
        }
        if (gap && (!INNGEST_WRITE_CACHE || in_block(jobs, found->taken, block))) {    /* torn, it may be all that a disk has kept */
            if (!is_voided(jobs, position_at(jobs, block - 1, jobs->port->block_size - 1))) ++*missing;
            gap = false;
        }
        *headless = 0;
        jobs->head_block = block;
        jobs->head_offset = found->end;
    }
    return INNGEST_OK;
}

#if INNGEST_FAST_MOUNT
/* Step 2, where to begin: at a list, if no block is missing, else at the tail. */
static void find_beginning(inngest *jobs, uint32_t *block, uint32_t last, uint32_t missing, scan *found)
{
    found->from = jobs->first_offset;
    if (!missing && TAKES_LISTS && !jobs->distrusted) find_list(jobs, block, last, found);
    jobs->scanned_from = position_at(jobs, *block, found->from == jobs->first_offset ? 0 : found->from);
    jobs->list = 0;
}
#endif

/* Step 3, no proof of the block in front of the oldest: the number of the newest run is lost. Take one that was never used:
 * there never was more than one run a unit. */
static void skip_numbers(inngest *jobs)
{
    uint32_t least = position_at(jobs, jobs->head_block + 1, 0);
    if (jobs->next_run < least) jobs->next_run = least;
}

/* Step 3, the last block of a full ring has been begun. Only reclaim enters the last erased block, and it was cut short: all in
 * there are copies. Start it over. */
static inngest_status drop_copies(inngest *jobs)
{
    jobs->last_block--;
    jobs->tail_block = jobs->last_block + 2 - jobs->block_count;
    INNGEST_TRY(prepare_blocks(jobs, true));
    clear_bytes(&jobs->void_count, CLEARED - offsetof(inngest, void_count));    /* void records in there are gone */
    return MOUNT_AGAIN;
}

/* Steps 1 to 3. MOUNT_AGAIN: once more, with fresh tables. *reclaimed: the oldest block that counts, where that is known; 0 at
 * first. */
APART_INDEXED inngest_status mount(inngest *jobs, uint32_t seed, uint32_t *reclaimed)
{
    uint32_t block, last, blocks = 0, oldest, missing, headless = 0;
    bool misplaced = false, fresh, full;
    scan found;
    clear_bytes(&found, sizeof found);               /* not by = { 0 }: that would be a call of memset */
    /* 1 Find the blocks. */
    INNGEST_TRY(find_blocks(jobs, seed, &blocks, &misplaced));
    oldest = jobs->last_block + 1 - jobs->block_count;
    if (oldest < jobs->block_count) oldest = jobs->block_count;
    found.proven = oldest - 1;                             /* none of those that are there */
    /* 2 Scan. */
    jobs->tail_block = jobs->head_block = *reclaimed ? *reclaimed : oldest;
    missing = count_missing(jobs, oldest, blocks);
    block = jobs->tail_block;
    last = find_end(jobs, block, missing);
#if INNGEST_FAST_MOUNT
    find_beginning(jobs, &block, last, missing, &found);
#endif
    INNGEST_TRY(scan_blocks(jobs, block, last, &missing, &headless, &found));
#if INNGEST_WRITE_CACHE
    /* Void what a disk has lost and all behind it; but not where its block is being erased. */
    if (found.lost && (int32_t)(block_of(jobs, found.lost) - found.proven) >= 0 && jobs->voids_needed < VOIDS)   /* cov: programs failed besides; 8 losses */
        return void_range(jobs, found.lost, position_at(jobs, jobs->head_block + 1, 0), true);
#endif
    /* 3 Judge what was found. */
    fresh = jobs->head_offset == 0 && !misplaced && jobs->last_block < 2 * jobs->block_count - 1;
    last = jobs->last_block;
    if (headless) jobs->last_block = headless - 1;         /* a boot took it for the last one and was cut short while it erased it again */
    if (fresh) {                                           /* its format was cut short: a header with nothing behind it is not sure */
        jobs->last_block -= !(LOOKS_FOR_MISSING && missing) && jobs->last_block == oldest;
        missing = 0;
    } else if (unreadable(jobs)) return INNGEST_ERR_READ;
    if ((int32_t)(found.proven - jobs->tail_block) < 0 && jobs->tail_block != jobs->block_count) skip_numbers(jobs);
    full = jobs->head_block == jobs->last_block && jobs->last_block + 1 - oldest == jobs->block_count;
#if INNGEST_FAST_MOUNT
    /* What the list names is missing; or a reclaim was cut short: what it copied is to be found. */
    if (found.unmet || (jobs->list ? full : jobs->scanned_from != position_at(jobs, jobs->tail_block, 0))) return distrust_lists(jobs);
#endif
    /* The erase of the oldest block had begun, so there was proof. Not where just its header is gone, which was cut short once. */
    if (full && (int32_t)(found.proven - oldest) <= 0 && !has_header(jobs, oldest) && !holds_live(jobs, oldest)) found.proven = oldest + 1;
    if (*reclaimed && found.proven != *reclaimed) {        /* its proof reads differently each time */
        *reclaimed = 0;
        return MOUNT_AGAIN;
    }
    if (missing) note_damage(jobs);
    if (*reclaimed == 0 && (int32_t)(found.proven - oldest) > 0 && found.proven - oldest < jobs->block_count) {
        *reclaimed = found.proven;                     /* its erase was cut short: what it still shows no longer counts */
        return MOUNT_AGAIN;
    }
    if (found.ends && (int32_t)(found.ends - found.taken) > 0) return MOUNT_AGAIN;   /* that END reads differently each time */
#if INNGEST_FAST_MOUNT
    if (jobs->list) INNGEST_TRY(find_starts(jobs));
#endif
    INNGEST_TRY(found.status);
    if (full && jobs->tail_block == oldest) return drop_copies(jobs);
    /* Erase all behind the headless one, too, from the end on: wherever that is cut short, the last one with a header is erased again
     * before it is entered. Only now: if the mount had to begin anew, those headers might be the only ones. */
    if (headless) for (; last != headless; last--) INNGEST_TRY(erase_block(jobs, last, true));
    return INNGEST_OK;
}

/* ---- 8 Runs: errors, waits, identity of steps, commit ----------------------------------------------------------
 *
 * What step calls share. inngest_ctx is the state of a pass. A step call that is not decided sets ctx->waiting, moves
 * ctx->wake to the earliest time at which the run must look again, and, outside of a parallel group, sets ctx->stopped, which
 * all later step calls give. A step is known by its id and occurrence, never by its place in the handler. BODY means that
 * nothing is decided: go on. */

static uint64_t run_id(const inngest *jobs, const inngest_run *run) { return (uint64_t)jobs->format << 32 | run->number; }

APART void set_error(inngest_ctx *ctx, inngest_status status, int32_t code, const char *message)
{
    ctx->error.status = status;
    ctx->error.code = code;
    copy_text(ctx->error.message, message, sizeof ctx->error.message);
}

/* A mistake: the run fails, whatever the handler does. */
APART inngest_status mistake(inngest_ctx *ctx, inngest_status status, const char *id)
{
    set_error(ctx, status, 0, id);
    return ctx->stopped = status;
}

/* The same, in the current step. */
APART inngest_status step_mistake(inngest_ctx *ctx, inngest_status status) { return mistake(ctx, status, ctx->id); }
APART inngest_status bad_argument(inngest_ctx *ctx) { return step_mistake(ctx, INNGEST_ERR_ARGUMENT); }

static void note_attempt(inngest_run *run, uint8_t attempt)
{
#if INNGEST_INSPECT
    run->attempt = attempt;
#endif
    (void)run;
    (void)attempt;
}

/* Take up the time that a tick is told. False: it went back, and journal time stands still until it has caught up. */
NEAR_APART bool advance_time(inngest *jobs, uint32_t now_ms)
{
    uint32_t passed = now_ms - jobs->last_tick;
    if (jobs->ticked && passed > INT32_MAX) return false;
    if (jobs->ticked) jobs->now += passed;                         /* the first call only sets the base */
    jobs->ticked = true;
    jobs->last_tick = now_ms;
    return true;
}

ASIDE void read_clock(inngest *jobs) { (void)advance_time(jobs, jobs->port->now(jobs->port->context)); }

/* The time at which a wait begins: bodies may have taken some since the tick did. */
NEAR_APART int64_t clock_now(inngest *jobs)
{
    if (jobs->port->now) read_clock(jobs);
    return jobs->now;
}

/* The current step is not decided before `when`. Outside a group all later steps wait for it. */
static inngest_status wait_until(inngest_ctx *ctx, inngest_wait why, int64_t when)
{
    ctx->waiting = true;
    if (why == INNGEST_WAIT_ROOM) ctx->stuck = true;
    if (when <= ctx->wake) {
        ctx->wake = when;
        ctx->run->state = (uint8_t)why;
        note_attempt(ctx->run, ctx->attempt);
    }
    if (!IN_GROUP(ctx)) ctx->stopped = INNGEST_PAUSED;
    return INNGEST_PAUSED;
}

/* Until something else makes the run look again. */
APART inngest_status wait_for_good(inngest_ctx *ctx, inngest_wait why) { return wait_until(ctx, why, NEVER); }

/* Wait until then. BODY: it is past. */
APART inngest_status wait_if_early(inngest_ctx *ctx, inngest_wait why, int64_t when)
{
    return when > ctx->jobs->now ? wait_until(ctx, why, when) : INNGEST_BODY;
}

#if INNGEST_WALL_CLOCK
/* The same for a date. */
static inngest_status wait_for_date(inngest_ctx *ctx, int64_t unix_ms)
{
    inngest_status status = WALL_KNOWN(ctx->jobs) ? wait_if_early(ctx, INNGEST_WAIT_SLEEP, unix_ms - WALL_OFFSET(ctx->jobs)) : wait_for_good(ctx, INNGEST_WAIT_CLOCK);
    if (status == INNGEST_BODY) return status;
    if (!(ctx->run->flags & RUN_UNIX)) {             /* the pass's first one */
        ctx->jobs->wall_looked = ctx->jobs->wall_offset;
        ctx->jobs->wall_moved = false;
    }
    ctx->run->flags |= RUN_UNIX;
    return status;
}
#else
#define wait_for_date(ctx, unix_ms) INNGEST_BODY
#endif

/* Until the others have had their turn. */
APART inngest_status wait_a_round(inngest_ctx *ctx) { return wait_until(ctx, INNGEST_WAIT_NONE, ctx->jobs->now); }

/* The storage failed or has no room: try again in a while. */
static inngest_status wait_for_room(inngest_ctx *ctx) { return wait_until(ctx, INNGEST_WAIT_ROOM, ctx->jobs->now + RETRY_ROOM_MS); }

/* Stop the run for a reason that does not pass with time; damage is believed only while the storage answers. */
static inngest_status park(inngest_ctx *ctx, inngest_wait why)
{
    ctx->wake = NEVER;
    if (why == INNGEST_WAIT_DAMAGE && unreadable(ctx->jobs)) (void)wait_for_room(ctx);
    else (void)wait_for_good(ctx, why);
    return ctx->stopped = INNGEST_PAUSED;
}

/* Find the run's newest record of a class and step. */
static enum found find_own(const inngest_ctx *ctx, uint32_t key, record *r)
{
    return find_record(ctx->jobs, ctx->run, key, r);
}

/* Find the current step's newest record, by the chain alone. */
APART enum found find_in_chain(const inngest_ctx *ctx, record *r) { return find_own(ctx, KEY(RESULT, ctx->step), r); }

/* The step's identity: hash of the id plus its occurrence in this pass. Ids whose ranges touch are refused. */
NEAR inngest_status identify(inngest_ctx *ctx, const char *id)
{
    inngest *jobs = ctx->jobs;
    uint32_t hash;
    unsigned i, found = 0;
    if (id == NULL || id[0] == 0) return mistake(ctx, INNGEST_ERR_STEP_ID, NULL);
    hash = copy_id(ctx->id, id, sizeof ctx->id);
#if FAST                               /* a new one, which touches no other */
    for (i = 0; i < ctx->id_count && ((hash - jobs->pass_ids[i]) & STEP_MASK) >= jobs->pass_counts[i]; i++) continue;
    if (i == ctx->id_count && i < INNGEST_STEP_IDS && (hash & STEP_MASK)) {
        ctx->step = hash & STEP_MASK;
        jobs->pass_ids[i] = hash;
        jobs->pass_counts[i] = 1;
        ctx->id_count++;
        return INNGEST_OK;
    }
#endif
    while (found < ctx->id_count && jobs->pass_ids[found] != hash) found++;
    if (found == ctx->id_count) {
        if (found == INNGEST_STEP_IDS) return mistake(ctx, INNGEST_ERR_STEP_IDS, id);
        jobs->pass_ids[ctx->id_count] = hash;
        jobs->pass_counts[ctx->id_count++] = 0;
    }
    ctx->step = (hash + jobs->pass_counts[found]) & STEP_MASK;
    if (ctx->step == 0) {                            /* the handler's own: passed over */
        ctx->step = 1;
        jobs->pass_counts[found]++;
    }
    for (i = ctx->id_count; i-- > 0;)                /* its own range ends here */
        if (((ctx->step - jobs->pass_ids[i]) & STEP_MASK) < jobs->pass_counts[i]) return mistake(ctx, INNGEST_ERR_STEP_ID, id);
    jobs->pass_counts[found]++;
    return INNGEST_OK;
}

#if INNGEST_TRAIL_STEPS
/* Walk the run's chain once, back to what the pass has come by, and note where its decided steps are: a replay asks for the
 * oldest first, but the chain begins with the newest. What is taken from this trail is verified then (where there are voids,
 * here: rot might lead into one); what is not found in it is looked for in the chain, which meets damage. */
static void find_trail(inngest_ctx *ctx)
{
    inngest *jobs = ctx->jobs;
    uint32_t position = ctx->run->last, n = 0;
    record r;
    do {
        if ((int32_t)(block_of(jobs, position) - jobs->tail_block) < 0 || (ctx->ahead && (int32_t)(position - ctx->ahead) < 0)) break;
        if (!(jobs->void_count || left_unread(jobs, position) ? read_record(jobs, position, &r) : read_header(jobs, position, &r)) ||   /* cov: rot since the mount, with voids */
            r.run != (ctx->run->number & STEP_MASK)) break;            /* cov: rot since the mount, in a link */
        position -= r.link;
        if (!decided(r.kind) || !of_this_phase(ctx->run, &r)) continue;
        jobs->trail[n % INNGEST_TRAIL_STEPS][0] = r.step;
        jobs->trail[n++ % INNGEST_TRAIL_STEPS][1] = r.position;
    } while (r.link);
    ctx->trail_end = n - minimum(n, INNGEST_TRAIL_STEPS);
    ctx->trail_at = n;
    ctx->trail_of = jobs->tail_block + 1;
}

/* Is r the decided record of the current step? A reclaim that started over may have put another one there. */
static bool is_memo(const inngest_ctx *ctx, const record *r)
{
    return r->run == (ctx->run->number & STEP_MASK) && r->step == ctx->step && decided(r->kind) && of_this_phase(ctx->run, r);
}

/* Find the decided record of the current step in the trail. */
static bool find_ahead(inngest_ctx *ctx, record *r)
{
    inngest *jobs = ctx->jobs;
    uint32_t i, *front, *found;
    if (ctx->trail_of != jobs->tail_block + 1 || (ctx->trail_at == ctx->trail_end && ctx->trail_end)) find_trail(ctx);
    for (i = ctx->trail_at; i > ctx->trail_end; i--) {
        found = jobs->trail[(i - 1) % INNGEST_TRAIL_STEPS];
        if (found[0] != ctx->step) continue;
        if (!read_record(jobs, found[1], r) || !is_memo(ctx, r)) return false;   /* cov: a guard: a reclaim that started over may have put others there */
        front = jobs->trail[--ctx->trail_at % INNGEST_TRAIL_STEPS];
        found[0] = front[0];           /* the front entry takes the place of the one found */
        found[1] = front[1];
        return true;
    }
    return false;
}

/* Where the met-th step of a pass of this run was found last, and its bytes: most replays ask for the same steps in the same
 * order. */
static uint32_t *last_place(const inngest_ctx *ctx)
{
    inngest *jobs = ctx->jobs;
    uint32_t at = ((uint32_t)(ctx->run - jobs->runs) * 64u + ctx->met) % (8u * INNGEST_TRAIL_STEPS);
    if (!jobs->placed[at / 8]) {
        jobs->placed[at / 8] = true;
        memset(jobs->places[at & ~7u], 0, 8 * sizeof *jobs->places);
    }
    return jobs->places[at];
}

/* Is the current step's record still there? In one read. */
static bool find_again(inngest_ctx *ctx, const uint32_t *place, record *r)
{
    inngest *jobs = ctx->jobs;
    uint8_t *bytes = (uint8_t *)jobs->stage;
    uint32_t position = place[0], size = place[1];
    if (size == 0 || size > INNGEST_STAGE_BYTES || !port_read(jobs, address_of(jobs, position), bytes, size)) return false;
    r->position = position;
    parse_header(jobs, r, bytes);
    return r->header + (uint32_t)r->size == size && is_memo(ctx, r) && verify_staged(jobs, r);
}

/* Is the run's newest record the current step's? Mostly, where one step on record is left to come by, as after a sleep. */
NEAR bool is_newest_of_run(inngest_ctx *ctx, record *r)
{
    return read_linked(ctx->jobs, ctx->run->last, r) && r->step == ctx->step && class_of(r->kind) == RESULT &&
           r->run == (ctx->run->number & STEP_MASK) && of_this_phase(ctx->run, r);   /* cov: guards: it is the run's, and of the phase that it is in */
}
#endif

/* Find the current step's newest record. Where the pass has come by all steps on record, there is nothing to look for. */
#if INNGEST_INDEXES
NEAR enum found find_memo(inngest_ctx *ctx, record *r)
{
    enum found found = GONE;
#if INNGEST_TRAIL_STEPS
    uint32_t *place;
#endif
    ctx->known = false;
    if (ctx->met == ctx->run->memos) return found;
#if INNGEST_TRAIL_STEPS
    if (ctx->run->memos - ctx->met == 1 && is_newest_of_run(ctx, r)) {
        if (undecided(r->kind)) {                    /* it will be another one next time */
            ctx->known = true;
            ctx->met++;
            return FOUND;
        }
        found = FOUND;
    }
    place = last_place(ctx);
    if (found == FOUND || find_again(ctx, place, r)) found = FOUND;
    else if ((ctx->trail_of || ctx->run->memos - ctx->met > 1) && find_ahead(ctx, r)) found = FOUND;
#else
    r->position = ctx->ahead;
    if (ctx->ahead && find_close(ctx->jobs, ctx->run, KEY(RESULT, ctx->step), r)) found = FOUND;
#endif
    else found = find_in_chain(ctx, r);
    if (found != FOUND) return found;
#if INNGEST_TRAIL_STEPS
    place[0] = r->position;
    place[1] = (uint32_t)r->header + r->size;
#endif
    ctx->known = true;
    ctx->met++;
    ctx->ahead = r->next;
    return found;
}

/* A record of the step has been written: count the step if it is its first. */
static void meet(inngest_ctx *ctx, unsigned kind)
{
    if (ctx->known || ctx->step == 0 || class_of(kind) != RESULT) return;
    ctx->known = true;
    ctx->met++;
    ctx->run->memos++;
}
#else
#define find_memo find_in_chain
#define meet(ctx, kind) ((void)0)
#endif

/* Add to ctx->old, the bytes that the step's next record turns into garbage, its progress, if that record decides it. */
APART void find_old(inngest_ctx *ctx, unsigned kind)
{
    record r;
    if (undecided(kind) || kind == SAVE) return;
    if (find_own(ctx, KEY(SAVE, ctx->step), &r) == FOUND) ctx->old = (uint16_t)(ctx->old + record_room(ctx->jobs, r.size));
}

/* Would all runs together use more than the capacity, with `need` more? */
ASIDE bool uses_too_much(const inngest *jobs, uint32_t need)
{
    uint32_t i;
    need += live_ids(jobs) * record_room(jobs, 12);
    for (i = jobs->run_count; i-- > 0;)
        if (jobs->runs[i].number) need += jobs->runs[i].used * UINT32_C(4) + END_ROOM;
    return need > CAPACITY(jobs);
}

/* A firmware that reserves more than the last one, or knows functions that it did not, may have promised more than there is:
 * then what is used counts. Would `need` more be too much? */
NEAR bool is_overdrawn(const inngest *jobs, uint32_t need)
{
    return jobs->reserved > CAPACITY(jobs) && uses_too_much(jobs, need);
}

/* Make room for a record of this step, and `more` bytes of its group behind it. PAUSED: the port failed; or a mistake: the run
 * has used up its reservation. Deep in stack, so callers make what they write after it. */
NEAR_APART inngest_status make_room(inngest_ctx *ctx, unsigned kind, uint32_t size, uint32_t more)
{
    uint32_t need = record_room(ctx->jobs, size);
    if (ctx->run->flags & RUN_SAVED) find_old(ctx, kind);
    if (ctx->run->used * UINT32_C(4) - ctx->old + need + END_ROOM > ctx->run->reserved * UINT32_C(4) ||
        is_overdrawn(ctx->jobs, need - ctx->old)) return step_mistake(ctx, INNGEST_ERR_RUN_BYTES);
    return room(ctx->jobs, need + more) == INNGEST_OK ? INNGEST_OK : wait_for_room(ctx);
}

/* Write a record of this step, for which there is room. */
NEAR inngest_status add_own(inngest_ctx *ctx, unsigned kind, const void *data, uint32_t size)
{
    inngest_run *run = ctx->run;
    return add(ctx->jobs, run, KEY(kind | (INNGEST_ON_FAILURE && kind >= RESULT ? run->flags & RUN_FAILING : 0), ctx->step), data, size);
}

/* The step has a record of so many bytes now. */
NEAR void note_own(inngest_ctx *ctx, unsigned kind, uint32_t size)
{
    inngest_run *run = ctx->run;
    uint32_t bytes = record_room(ctx->jobs, size);
    run->used = (uint16_t)((run->used * UINT32_C(4) - ctx->old + bytes) / 4);
    ctx->old = (uint16_t)bytes;
    meet(ctx, kind);
    if (INNGEST_LONG_STEPS && kind == INTENT) return;
    run->flags &= (uint16_t)~(RUN_SUSPECT | RUN_MARKED | RUN_ARMED | (((unsigned)IN_GROUP(ctx) | IS_DAMAGED(ctx->jobs) | (kind == SAVE)) ? 0u : RUN_OLD));   /* behind progress its body may have run all the same */
    made_progress(ctx->jobs, run);
}

/* Write a record of this step, a whole group, for which there is room. PAUSED: the port failed. */
NEAR inngest_status write_own(inngest_ctx *ctx, unsigned kind, const void *data, uint32_t size)
{
    if (add_own(ctx, kind, data, size) != INNGEST_OK) return wait_for_room(ctx);
    note_own(ctx, kind, size);
    return INNGEST_OK;
}

/* The same, and make room first; or a mistake. */
NEAR inngest_status put_record(inngest_ctx *ctx, unsigned kind, const void *data, uint32_t size)
{
    INNGEST_TRY(make_room(ctx, kind, size, 0));
    return write_own(ctx, kind, data, size);
}

#if INNGEST_SYNC_ALONE
/* Nothing else could use the next sync: no other run is due, none has written in this round, nothing is in the queue. */
static bool on_its_own(inngest *jobs, const inngest_run *run)
{
    uint32_t node = jobs->run_count + (uint32_t)(run - jobs->runs);
    for (; node > 1; node /= 2) if (deadline(&jobs->runs[contender(jobs, node ^ 1)]) <= jobs->now) return false;
    return jobs->again_count == 0 && nothing_came(jobs);
}
#endif

/* What was written is durable at once where sync is free. Else one sync serves all runs that are due: they pause. One
 * that is on its own goes on behind a sync of its own, and need not be replayed. */
NEAR inngest_status durable(inngest_ctx *ctx)
{
    inngest *jobs = ctx->jobs;
    if (jobs->port->sync == NULL) return INNGEST_OK;
#if INNGEST_SYNC_ALONE
    if (!IN_GROUP(ctx) && jobs->passes < INNGEST_TICK_PASSES && on_its_own(jobs, ctx->run)) {
        jobs->passes++;
        if (sync_ahead(jobs, largest_record(jobs)) == INNGEST_OK) return INNGEST_OK;
    }
#endif
    return wait_a_round(ctx);
}

/* Write a record of this step. OK: it is durable; PAUSED: not yet, or the port failed. */
NEAR inngest_status commit(inngest_ctx *ctx, unsigned kind, const void *data, uint32_t size)
{
    INNGEST_TRY(put_record(ctx, kind, data, size));
    return durable(ctx);
}

#if INNGEST_LONG_STEPS || INNGEST_PROGRESS
/* The same, with a sync of its own. */
static inngest_status commit_at_once(inngest_ctx *ctx, unsigned kind, const void *data, uint32_t size)
{
    INNGEST_TRY(put_record(ctx, kind, data, size));
    return port_sync(ctx->jobs) == INNGEST_OK ? INNGEST_OK : wait_for_room(ctx);
}
#endif

#define WAIT_BYTES 14u
NEAR_APART inngest_status write_wait(inngest_ctx *ctx, unsigned kind, int64_t due, unsigned flags)
{
    uint8_t b[WAIT_BYTES];
    put_time(b, due);
    put_time(b + 6, ctx->jobs->now);
    b[12] = (uint8_t)(ctx->attempt + 1);
    b[13] = (uint8_t)(flags | (IN_GROUP(ctx) ? WAIT_PARALLEL : 0u));
    ctx->run->flags |= RUN_WAITS;
    return write_own(ctx, kind, b, sizeof b);
}

NEAR inngest_status put_wait(inngest_ctx *ctx, unsigned kind, int64_t due, unsigned flags)
{
    if (forget_clock(ctx->jobs) != INNGEST_OK) return wait_for_room(ctx);
    INNGEST_TRY(make_room(ctx, kind, WAIT_BYTES, 0));
    return write_wait(ctx, kind, due, flags);
}

static uint32_t error_bytes(const inngest_ctx *ctx) { return 8 + (uint32_t)length_of(ctx->error.message); }

static uint32_t encode_error(const inngest_ctx *ctx, uint8_t b[ERROR_BYTES])
{
    uint32_t size = error_bytes(ctx);
    put4(b, (uint32_t)ctx->error.status);
    put4(b + 4, (uint32_t)ctx->error.code);
    copy_bytes(b + 8, ctx->error.message, size - 8);
    return size;
}

/* Take the error from a record that has just been read. False: it cannot be read. */
static bool load_error(inngest_ctx *ctx, const record *r)
{
    uint32_t size = minimum(r->size, ERROR_BYTES);
    size -= minimum(size, 8);
    ctx->error.status = (inngest_status)(int32_t)get4(FIRST(ctx->jobs, r));
    ctx->error.code = (int32_t)get4(FIRST(ctx->jobs, r) + 4);
    ctx->error.message[size] = 0;
    return read_payload(ctx->jobs, r, 8, ctx->error.message, size);
}

/* ---- 9 Steps in progress: again, pending, complete -------------------------------------------------------------
 *
 * A step whose body gave AGAIN or PENDING, or whose intent was recorded, has a place in jobs->active. That is RAM alone: after
 * a reset its body starts over. `how` is its state. Its token, which inngest_complete wants, holds in this boot only. */

#if INNGEST_LONG_STEPS || INNGEST_CRASHES
/* ms from now to a time of which these are the low 32 bits. */
static int32_t until(const inngest *jobs, uint32_t when) { return (int32_t)(when - (uint32_t)jobs->now); }
#endif

/* State of a step in progress, in 3 bits: AGAIN or PENDING; or as it was completed: OK, RETRY, FAIL, or, from MISTAKEN on, a
 * mistake. */
#define HOW(status) ((unsigned)(status) & 7u)
#define WHEN_WOKEN 1u                  /* AGAIN, but only after a wake */
#define IS_AGAIN(a) ((a)->how == HOW(INNGEST_AGAIN) || (a)->how == WHEN_WOKEN)
#define MISTAKEN 6u                    /* ERR_RUN_BYTES, and behind it ERR_RESULT_SIZE */

#if INNGEST_LONG_STEPS
#if FAST                               /* so that a step need not look at each */
#define NONE_ACTIVE(jobs) ((jobs)->active_count == 0)
#define COUNT_ACTIVE(jobs, n) ((jobs)->active_count = (uint8_t)((jobs)->active_count + (n)))
#else
#define NONE_ACTIVE(jobs) false
#define COUNT_ACTIVE(jobs, n) ((void)0)
#endif
#define GOES_ON(a) (IS_AGAIN(a) || (a)->how == HOW(INNGEST_PENDING))

static inngest_index place_of(const inngest *jobs, const inngest_run *run) { return (inngest_index)(run - jobs->runs + 1); }

/* Find a step in progress of a run; step 0: any. Without a run: a free place. */
static inngest_active *find_active(inngest *jobs, const inngest_run *run, uint32_t step)
{
    inngest_index place = run ? place_of(jobs, run) : 0;
    inngest_active *a;
    if (NONE_ACTIVE(jobs) && run) return NULL;
    for (a = jobs->active; a < jobs->active + INNGEST_ACTIVE_STEPS; a++)
        if (a->run == place && (a->step == step || step == 0)) return a;
    return NULL;
}

/* The step is over: runs that waited for the place look again. */
APART void drop_active(inngest *jobs, inngest_active *a)
{
    a->run = 0;
    COUNT_ACTIVE(jobs, -1);
    if (jobs->wanting) wake_runs(jobs, RUN_WANTS);
    jobs->wanting = false;
}

NEAR_APART void drop_own(inngest_ctx *ctx)
{
    if (ctx->active) drop_active(ctx->jobs, ctx->active);
    ctx->active = NULL;
}

/* Its token; 0: the body has not asked for it. */
static uint32_t token_of(const inngest_active *a) { return a->shared ? a->next : a->timed ? 0 : a->timeout; }

/* Give the current step a place among those in progress. False: all are taken; the run looks again when one is free. */
static bool claim_active(inngest_ctx *ctx)
{
    inngest *jobs = ctx->jobs;
    inngest_active *a = find_active(jobs, NULL, 0);
    if (ctx->active) return true;
    if (a == NULL) {
        ctx->run->flags |= RUN_WANTS;
        jobs->wanting = true;
        return false;
    }
    a->run = place_of(jobs, ctx->run);
    COUNT_ACTIVE(jobs, 1);
    a->size = ctx->size;
    a->step = ctx->step & STEP_MASK;
    a->how = HOW(INNGEST_AGAIN);
    a->began = ctx->began & 3u;
    a->timed = ctx->timeout != 0;
    a->shared = false;
    a->next = 0;
    a->timeout = ctx->timeout ? (uint32_t)clock_now(jobs) + ctx->timeout : 0;
    a->calls = 0;
    ctx->active = a;
    return true;
}

static inngest_status wait_for_step(inngest_ctx *ctx, const inngest_active *a, uint32_t next)
{
    bool again = a->how == HOW(INNGEST_AGAIN);
    if (!again && !a->timed) return wait_for_good(ctx, INNGEST_WAIT_STEP);
    if (!again || (a->timed && (int32_t)(a->timeout - next) < 0)) next = a->timeout;
    return wait_until(ctx, INNGEST_WAIT_STEP, ctx->jobs->now + until(ctx->jobs, next));
}

/* The body gave AGAIN or PENDING. */
static inngest_status keep_going(inngest_ctx *ctx, inngest_status status)
{
    inngest_active *a;
    if (!claim_active(ctx)) return wait_for_good(ctx, INNGEST_WAIT_ROOM);
    a = ctx->active;
    ctx->told = false;
    a->how = status == INNGEST_AGAIN && ctx->again == UINT32_MAX ? WHEN_WOKEN : HOW(status);
    if (a->calls != UINT32_MAX) a->calls++;   /* cov: after 2^32 calls */
    if (!a->shared) a->next = ctx->again;
    return wait_for_step(ctx, a, ctx->again);
}

APART void tell_step(inngest_ctx *ctx, inngest_status status);

/* Begin a body that is not in progress: what inngest_began is to say, and the intent record. ctx->began: YES if the journal has
 * its intent. BODY: call it. */
static inngest_status begin_fresh(inngest_ctx *ctx, const inngest_step_options *o)
{
    bool intent = ctx->began == INNGEST_BEGAN_YES;
    ctx->began = ctx->run->flags & RUN_OLD ? INNGEST_BEGAN_MAYBE : INNGEST_BEGAN_NO;
    if (o == NULL || !(o->intent || o->at_most_once)) return INNGEST_BODY;
    ctx->began = intent ? INNGEST_BEGAN_YES : INNGEST_BEGAN_NO;
    if (intent && o->at_most_once) {
        set_error(ctx, INNGEST_ERR_INTERRUPTED, 0, ctx->id);
        ctx->told = true;
        return INNGEST_FAIL;
    }
    if (!claim_active(ctx)) return wait_for_good(ctx, INNGEST_WAIT_ROOM);
    if (!intent) {
        inngest_status status = commit_at_once(ctx, INTENT, &ctx->attempt, 1);
        if (status != INNGEST_OK) {
            drop_own(ctx);
            return status;
        }
    }
    return INNGEST_BODY;
}

/* A step in progress: call the body, wait on, or take how it was completed (a body's status). */
static inngest_status begin_again(inngest_ctx *ctx)
{
    inngest_active *a = ctx->active;
    ctx->began = a->began;
    if (a->how >= MISTAKEN) {
        drop_own(ctx);
        return step_mistake(ctx, (inngest_status)(INNGEST_ERR_RUN_BYTES + (int)(a->how - MISTAKEN)));
    }
    if (!GOES_ON(a)) {
        if (!IS_DECIDED(ctx)) return a->how == HOW(INNGEST_RETRY) ? INNGEST_RETRY : INNGEST_FAIL;
        tell_step(ctx, INNGEST_LOST);
        drop_own(ctx);
        return INNGEST_LOST;
    }
    if (ctx->ending) ctx->stop = INNGEST_STOP_CANCEL;
    else if (IS_DECIDED(ctx)) ctx->stop = INNGEST_STOP_LOST;
    else if (a->timed && until(ctx->jobs, a->timeout) <= 0) ctx->stop = INNGEST_STOP_TIMEOUT;
    else if (a->how != HOW(INNGEST_AGAIN) || (!a->shared && until(ctx->jobs, a->next) > 0)) return wait_for_step(ctx, a, a->next);
    return INNGEST_BODY;
}

/* begin_body gave a body's status: the attempt is over without a call */
#define BODY_ENDED(status) ((status) == INNGEST_RETRY || (status) == INNGEST_FAIL)

static inngest_status begin_body(inngest_ctx *ctx, const inngest_step_options *options)
{
    ctx->max_attempts = options ? options->max_attempts : 0;
    ctx->timeout = options ? minimum(options->timeout_ms, INT32_MAX) : 0;
    return IN_PROGRESS(ctx) ? begin_again(ctx) : begin_fresh(ctx, options);
}
#else
#define find_active(jobs, run, step) NULL
#define BODY_ENDED(status) false

static inngest_status begin_body(inngest_ctx *ctx, const inngest_step_options *options)
{
    ctx->max_attempts = options ? options->max_attempts : 0;
    ctx->began = ctx->run->flags & RUN_OLD ? INNGEST_BEGAN_MAYBE : INNGEST_BEGAN_NO;
    return INNGEST_BODY;
}
#endif

inngest_began_t inngest_began(const inngest_ctx *ctx) { return (inngest_began_t)ctx->began; }

#if INNGEST_LONG_STEPS
inngest_stop_t inngest_stop_reason(const inngest_ctx *ctx) { return (inngest_stop_t)ctx->stop; }
uint32_t inngest_step_calls(const inngest_ctx *ctx) { return ctx->active ? ctx->active->calls : 0; }

inngest_token inngest_step_token(inngest_ctx *ctx)
{
    inngest_token token = { 0, 0 };
    if (!ctx->open) (void)mistake(ctx, INNGEST_ERR_NOT_IN_STEP, "inngest_step_token");
    else if (claim_active(ctx)) {
        inngest_active *a = ctx->active;
        token.run = ctx->run->number;
        token.attempt = token_of(a);
        if (token.attempt == 0) {
            token.attempt = ctx->jobs->token += 2;   /* odd: never 0 */
            a->shared = a->timed;
            *(a->timed ? &a->next : &a->timeout) = token.attempt;
        }
    }
    return token;
}

inngest_status inngest_again(inngest_ctx *ctx, uint32_t ms)
{
    uint32_t next = (uint32_t)clock_now(ctx->jobs) + (ms ? minimum(ms, INT32_MAX) : 1);
    ctx->again = ms == UINT32_MAX ? ms : next - (next == UINT32_MAX);   /* UINT32_MAX says: only after a wake */
    return INNGEST_AGAIN;
}
#endif

/* ---- 10 Steps: run, sleep, send, restart, parallel --------------------------------------------------------------
 *
 * Each step call begins with enter_step, which finds what the journal knows of the step: gives its memo, or a reason to wait,
 * or BODY. Then it does its work and commits a record. With a body: open_step, the body, close_step, which judges its status. */

static uint32_t next_random(inngest *jobs)
{
    jobs->random ^= jobs->random << 13;
    jobs->random ^= jobs->random >> 17;
    jobs->random ^= jobs->random << 5;
    return jobs->random;
}

static int64_t backoff(inngest_ctx *ctx)
{
    static const uint16_t table[10] = { 15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200 };   /* Inngest's, in s */
    const inngest_function *f = ctx->function;
    uint32_t jitter = f->jitter_ms == 0 ? 30000 : f->jitter_ms == INNGEST_NO_JITTER ? 1 : f->jitter_ms;
    uint32_t seconds = f->backoff ? f->backoff[ctx->attempt < f->backoff_count ? ctx->attempt : f->backoff_count - 1]
                                  : table[ctx->attempt < 10 ? ctx->attempt : 9];
    return (int64_t)seconds * 1000 + next_random(ctx->jobs) % jitter;
}

static int max_attempts(const inngest_ctx *ctx)
{
    if (ctx->max_attempts) return ctx->max_attempts;
    if (IN_ON_FAILURE(ctx->run)) return 2;                 /* as Inngest's: one retry */
    return ctx->function->max_attempts ? ctx->function->max_attempts : 5;
}

static void tell_retry(inngest_ctx *ctx, inngest_status status, int64_t in)
{
    (void)status;
    (void)in;
    TELL(ctx->jobs, step_end, run_id(ctx->jobs, ctx->run), ctx->id, ctx->attempt, status, in);
}

APART void tell_step(inngest_ctx *ctx, inngest_status status) { tell_retry(ctx, status, -1); }

/* Write how a step failed, or how the run ended, for which there is room. */
APART inngest_status write_error(inngest_ctx *ctx, unsigned kind, inngest_status verdict)
{
    uint8_t b[ERROR_BYTES];
    uint32_t size = verdict == INNGEST_OK ? 0 : encode_error(ctx, b);
    return write_own(ctx, kind, b, size);
}

/* An attempt of the open step, or of the handler (step 0), failed. STEP_FAILED: it was the last. */
static inngest_status attempt_failed(inngest_ctx *ctx, inngest_status status)
{
    int64_t in = ctx->told && ctx->retry_in != NOT_SAID ? ctx->retry_in : backoff(ctx), due = clock_now(ctx->jobs) + in;
    ctx->told = false;
    if (status == INNGEST_RETRY && ctx->attempt + 1 < max_attempts(ctx)) {
        status = put_wait(ctx, ATTEMPT, due, 0);
        if (ctx->step) tell_retry(ctx, INNGEST_RETRY, in);
        if (status != INNGEST_OK) return status;
        ctx->attempt++;
        return wait_until(ctx, INNGEST_WAIT_RETRY, due);
    }
    if (ctx->step == 0) return INNGEST_STEP_FAILED;
    status = make_room(ctx, FAILED, error_bytes(ctx), 0);
    if (status == INNGEST_OK) status = write_error(ctx, FAILED, INNGEST_FAIL);
    tell_step(ctx, INNGEST_STEP_FAILED);
    if (status == INNGEST_OK) status = durable(ctx);
    return status == INNGEST_OK ? INNGEST_STEP_FAILED : status;
}

/* Wait for the attempt that this ATTEMPT announces. BODY: it is due. */
APART inngest_status wait_for_attempt(inngest_ctx *ctx, const record *r)
{
    ctx->attempt = FIRST(ctx->jobs, r)[12];
    return wait_if_early(ctx, INNGEST_WAIT_RETRY, get_time(FIRST(ctx->jobs, r)));
}

/* The step's memo is of another firmware, for which the run is parked. In a group only this branch waits: others may be in
 * progress, and keep their calls and timeouts. */
APART inngest_status park_step(inngest_ctx *ctx)
{
    return IN_GROUP(ctx) ? wait_for_good(ctx, INNGEST_WAIT_MEMO) : park(ctx, INNGEST_WAIT_MEMO);
}

/* The step is not decided or, with kind 0, not on record. BODY: go on with it. */
NEAR inngest_status enter_undecided(inngest_ctx *ctx, unsigned what, const record *r)
{
    if (r->kind && (r->kind == SLEEP) != (what == WHAT_SLEEP)) return park_step(ctx);
    if (!IN_PROGRESS(ctx) && IS_DECIDED(ctx)) return INNGEST_LOST;
    if (ENDING(ctx) ? !IN_PROGRESS(ctx) : CANCELLING(ctx->run)) return wait_for_good(ctx, INNGEST_WAIT_NONE);
    if (INNGEST_LONG_STEPS && r->kind == INTENT) {
        ctx->attempt = FIRST(ctx->jobs, r)[0];
        ctx->began = INNGEST_BEGAN_YES;
    }
    return r->kind == ATTEMPT ? wait_for_attempt(ctx, r) : INNGEST_BODY;
}

/* Common to all steps: identity, then what the journal knows. BODY: nothing decided, go on. */
NEAR inngest_status enter_step(inngest_ctx *ctx, const char *id, unsigned what, record *r)
{
    inngest *jobs = ctx->jobs;
    inngest_status status;
    enum found found;
    uint32_t tail;
    if (ctx->open) return step_mistake(ctx, ctx->in_body ? INNGEST_ERR_NESTED : INNGEST_ERR_STEP_LEFT);
    if (ctx->stopped != INNGEST_OK) return ctx->stopped;
    INNGEST_TRY(identify(ctx, id));
    ctx->attempt = 0;
    ctx->began = INNGEST_BEGAN_NO;
    ctx->old = 0;
#if INNGEST_LONG_STEPS
    ctx->stop = 0;
    ctx->again = UINT32_MAX;
    ctx->active = NONE_ACTIVE(jobs) ? NULL : find_active(jobs, ctx->run, ctx->step);
#endif
    found = find_memo(ctx, r);
    if (found == BROKEN) return park(ctx, INNGEST_WAIT_DAMAGE);
#if INNGEST_TRAIL_STEPS && INNGEST_HOOKS
    if (jobs->hooks) r->staged = false;              /* what they call may use the stage */
#endif
    if (found == FOUND) ctx->old = (uint16_t)record_room(jobs, r->size);
    else r->kind = 0;
    if (r->kind == 0 || undecided(r->kind)) return enter_undecided(ctx, what, r);
    if (r->kind == CHOICE || (r->kind == DONE ? FIRST(jobs, r)[0] : (unsigned)WHAT_RUN) != what) return park_step(ctx);
    status = INNGEST_OK;
    if (r->kind == FAILED) {
        if (!load_error(ctx, r)) return park(ctx, INNGEST_WAIT_DAMAGE);
        status = INNGEST_STEP_FAILED;
    }
    tail = jobs->tail_block;
#if INNGEST_LONG_STEPS
    if (ctx->active) {                               /* it was completed since */
        ctx->attempt = (uint8_t)ctx->active->calls;
        tell_step(ctx, status);
        drop_own(ctx);
    } else
#endif
    {
        count(&jobs->counters.memos);
        TELL(jobs, step_memo, run_id(jobs, ctx->run), ctx->id, status);
    }
    if (INNGEST_HOOKS && jobs->tail_block != tail && find_in_chain(ctx, r) != FOUND) return park(ctx, INNGEST_WAIT_DAMAGE);   /* cov: a guard: the hook has written, and reclaim moved it */
    return status;
}

#if INNGEST_SEND_STEP || INNGEST_RESTART
/* The same for a step of which the journal knows no more than that it is done. */
APART inngest_status enter_short(inngest_ctx *ctx, const char *id, unsigned what)
{
    record r;
    return enter_step(ctx, id, what, &r);
}
#endif

/* Copy part of a payload, from the stage if it is there. False: it cannot be read. */
static bool take_payload(inngest *jobs, const record *r, uint32_t from, void *to, uint32_t size)
{
#if INNGEST_TRAIL_STEPS
    if (r->staged && to) {
        copy_bytes(to, (const uint8_t *)jobs->stage + r->header + from, size);
        return true;
    }
#endif
    return read_payload(jobs, r, from, to, size);
}

/* Copy a payload from an offset on; if it is shorter than `size`, zeros follow. */
static inngest_status copy_payload(inngest_ctx *ctx, const record *r, uint32_t from, void *to, size_t size)
{
    uint32_t n = r->size - from;
    if (n > size) return INNGEST_ERR_TOO_LONG;
    if (!take_payload(ctx->jobs, r, from, to, n)) return park(ctx, INNGEST_WAIT_DAMAGE);
    if (size > n) clear_bytes((uint8_t *)to + n, size - n);
    return INNGEST_OK;
}

/* Enter a step with a result, and take that from the journal. */
static inngest_status enter_with(inngest_ctx *ctx, const char *id, void *result, size_t size)
{
    record r;
    inngest_status status = enter_step(ctx, id, WHAT_RUN, &r);
    if ((status == INNGEST_OK || status == INNGEST_BODY) && result == NULL && size > 0) return bad_argument(ctx);
    if (status != INNGEST_OK) return status;
    status = copy_payload(ctx, &r, 0, result, size);
    return status == INNGEST_ERR_TOO_LONG ? park_step(ctx) : status;
}

/* Note what the user says of a failure. Until told otherwise, the backoff decides on the next attempt. */
APART void tell_error(inngest_ctx *ctx, int32_t code, const char *message)
{
    set_error(ctx, INNGEST_FAIL, code, message);
    ctx->told = true;
    ctx->retry_in = NOT_SAID;
}

/* Enter a step that has a body. BODY: call that. */
APART inngest_status open_step(inngest_ctx *ctx, const char *id, const inngest_step_options *options, void *result, size_t size)
{
    inngest_status status = enter_with(ctx, id, result, size);
    if (status != INNGEST_BODY) return status;
    if (size > INNGEST_RESULT_BYTES) return step_mistake(ctx, INNGEST_ERR_RESULT_SIZE);
    ctx->result = result;
    ctx->size = (uint16_t)size;
    ctx->told = false;
    status = begin_body(ctx, options);
    if (status != INNGEST_BODY) return status;
    clear_bytes(result, size);
    ctx->open = true;
    count(&ctx->jobs->counters.steps_run);
    TELL(ctx->jobs, step_start, run_id(ctx->jobs, ctx->run), ctx->id, ctx->attempt);
    return INNGEST_BODY;
}

#if INNGEST_LONG_STEPS
/* What a body's status means for an attempt that is told to stop. */
static inngest_status stopped_step(inngest_ctx *ctx, inngest_status status)
{
    if (status == INNGEST_OK && ctx->stop != INNGEST_STOP_LOST) return INNGEST_OK;
    if (ctx->stop == INNGEST_STOP_TIMEOUT) {
        if (!ctx->told) tell_error(ctx, 0, ctx->id);
        ctx->error.status = INNGEST_TIMED_OUT;
        return status == INNGEST_FAIL ? INNGEST_FAIL : INNGEST_RETRY;
    }
    ctx->told = false;                               /* nobody asks why */
    tell_step(ctx, ctx->stop == INNGEST_STOP_LOST ? INNGEST_LOST : INNGEST_CANCELLED);
    return ctx->stop == INNGEST_STOP_LOST ? INNGEST_LOST : INNGEST_PAUSED;
}
#endif

/* Set ctx->error to the failure that a body or a handler gave. False: it may not give that: neither RETRY nor FAIL nor a
 * negative status of the library's own, but one of a driver's, say. */
APART bool take_failure(inngest_ctx *ctx, inngest_status status, const char *id)
{
    bool asked = status == INNGEST_RETRY || status == INNGEST_FAIL, own = (int)status < -256 && (int)status >= INNGEST_ERR_SYNC;
    if (!asked || !ctx->told) set_error(ctx, asked ? INNGEST_FAIL : own ? status : INNGEST_ERR_STATUS, 0, id);
    return asked || own;
}

/* A body has ended with this status; BODY: an inline one that ran to its end. */
static inngest_status close_step(inngest_ctx *ctx, inngest_status status)
{
    if (status == INNGEST_BODY && !ctx->in_body) status = INNGEST_OK;
    ctx->open = ctx->in_body = false;
#if INNGEST_LONG_STEPS
    if (ctx->stopped == INNGEST_OK && !STOPPING(ctx) && (status == INNGEST_AGAIN || status == INNGEST_PENDING)) return keep_going(ctx, status);
    drop_own(ctx);
#endif
    if (ctx->stopped != INNGEST_OK) return ctx->stopped;
#if INNGEST_LONG_STEPS
    if (STOPPING(ctx)) {
        status = stopped_step(ctx, status);
        if (status == INNGEST_LOST) return status;
    }
#endif
    /* A save has failed, or the run ends. */
    if (status == INNGEST_PAUSED && (ctx->waiting || CANCELLING(ctx->run) || ENDING(ctx))) return wait_for_room(ctx);
    if (status == INNGEST_OK) {
        ctx->told = false;
        INNGEST_TRY(put_record(ctx, RESULT, ctx->result, ctx->size));
        tell_step(ctx, INNGEST_OK);
        return durable(ctx);
    }
    count(&ctx->jobs->counters.steps_failed);
    if (!take_failure(ctx, status, ctx->id)) return ctx->stopped = INNGEST_ERR_STATUS;
    return attempt_failed(ctx, status);
}

inngest_status inngest_step_begin_(inngest_ctx *ctx, const char *id, const inngest_step_options *options, void *result, size_t size)
{
    inngest_status status = open_step(ctx, id, options, result, size);
    return BODY_ENDED(status) ? close_step(ctx, status) : status;
}

inngest_status inngest_step_close_(inngest_ctx *ctx, inngest_status body)
{
    return ctx->open && !ctx->in_body ? close_step(ctx, body) : step_mistake(ctx, INNGEST_ERR_STEP_LEFT);
}

inngest_status inngest_step_run_with(inngest_ctx *ctx, const char *id, const inngest_step_options *options, inngest_step_fn *fn,
                                     const void *arg, void *result, size_t size)
{
    inngest_status status = open_step(ctx, id, options, result, size);
    if (status == INNGEST_BODY) {
        if (fn == NULL) {
            ctx->open = false;
            return bad_argument(ctx);
        }
        ctx->in_body = true;
        status = fn(ctx, arg, result);
    } else if (!BODY_ENDED(status)) return status;
    return close_step(ctx, status);
}

inngest_status inngest_step_run(inngest_ctx *ctx, const char *id, inngest_step_fn *fn, const void *arg, void *result, size_t size)
{
    return inngest_step_run_with(ctx, id, NULL, fn, arg, result, size);
}

/* due: ms from now, or a date with WAIT_UNIX. Once a SLEEP is on record, that counts instead. */
NEAR inngest_status sleep_step(inngest_ctx *ctx, const char *id, int64_t due, unsigned flags)
{
    static const uint8_t done = WHAT_SLEEP;
    record r;
    inngest_status status = enter_step(ctx, id, WHAT_SLEEP, &r);
    if (status != INNGEST_BODY) return status;
    if (r.kind == SLEEP) {   /* NOLINT(clang-analyzer-core.UndefinedBinaryOperatorResult): it is set where BODY comes back */
        due = get_time(FIRST(ctx->jobs, &r));
        flags = FIRST(ctx->jobs, &r)[13];
    } else {
        if (flags & WAIT_UNIX ? !IS_TIME(due) : due < 0 || due > INNGEST_DAYS(366)) return bad_argument(ctx);
        if (!(flags & WAIT_UNIX)) due += clock_now(ctx->jobs);
        INNGEST_TRY(put_wait(ctx, SLEEP, due, flags));
    }
    status = INNGEST_WALL_CLOCK && (flags & WAIT_UNIX) ? wait_for_date(ctx, due) : wait_if_early(ctx, INNGEST_WAIT_SLEEP, due);
    return status == INNGEST_BODY ? commit(ctx, DONE, &done, 1) : status;
}

inngest_status inngest_step_sleep(inngest_ctx *ctx, const char *id, int64_t ms)
{
    return sleep_step(ctx, id, ms, 0);
}

#if INNGEST_WALL_CLOCK
inngest_status inngest_step_sleep_until(inngest_ctx *ctx, const char *id, int64_t unix_ms)
{
    return sleep_step(ctx, id, unix_ms, WAIT_UNIX);
}
#endif

static inngest_status admit(inngest *jobs, const arrival *e, inngest_ctx *ctx);

#if INNGEST_SEND_STEP
inngest_status inngest_step_send(inngest_ctx *ctx, const char *id, const char *name, const void *data, size_t size)
{
    size_t name_size = length_of(name);
    arrival e;
    inngest_status status = enter_short(ctx, id, WHAT_SEND);
    if (status != INNGEST_BODY) return status;
    status = check_event(ctx->jobs, name, name_size, data, size);
    if (status != INNGEST_OK) return step_mistake(ctx, status);
    e.name = name;
    e.full = NULL;
    e.name_size = (uint8_t)name_size;
    e.data = data;
    e.size = (uint16_t)size;
    status = admit(ctx->jobs, &e, ctx);
    if (status == INNGEST_OK) return durable(ctx);
    if (ctx->stopped != INNGEST_OK) return ctx->stopped;
    return wait_for_room(ctx);
}
#endif

#if INNGEST_RESTART
inngest_status inngest_step_restart(inngest_ctx *ctx, const char *id)
{
    static const uint8_t done = WHAT_RESTART;
    inngest *jobs = ctx->jobs;
    uint32_t last;
    inngest_status status = enter_short(ctx, id, WHAT_RESTART);
    if (status != INNGEST_BODY) return status;
    if (jobs->port->restart == NULL) return step_mistake(ctx, INNGEST_ERR_RESTART);
    /* Journal the events that wait first; once, as more may keep coming. */
    if (!(ctx->run->flags & RUN_DRAINS) && !jobs->waits && published_slot(jobs, jobs->head)) {
        ctx->run->flags |= RUN_DRAINS;
        return wait_a_round(ctx);
    }
    ctx->run->flags &= (uint16_t)~RUN_DRAINS;
    INNGEST_TRY(make_room(ctx, DONE, 1, ROOM_FOR(TIME_BYTES)));
    last = ctx->run->last;                             /* not earlier: making room may have carried its records */
    status = add_own(ctx, DONE | MORE, &done, 1);
    if (status == INNGEST_OK) {
        status = add_time(jobs, CLEAN_STOP(jobs));
        if (status != INNGEST_OK) jobs->head_offset -= jobs->unit;     /* for give_up: it may be whole, and a mount puts the filler right behind it */
        else status = port_sync(jobs);
    }
    if (status != INNGEST_OK) {
        ctx->run->last = last;                         /* a group that is not whole never was */
        return wait_for_room(ctx);
    }
    note_own(ctx, DONE, 1);
    jobs->head_offset += jobs->unit;                   /* the restart may come back: what follows goes where a mount would go on */
    jobs->opening = jobs->stopped = true;
    jobs->port->restart(jobs->port->context);
    return park(ctx, INNGEST_WAIT_NONE);
}
#endif

#if INNGEST_PARALLEL
void inngest_parallel(inngest_ctx *ctx, const char *id)
{
    record r;
    enum found found;
    if (ctx->open || ctx->parallel) { (void)mistake(ctx, ctx->open ? INNGEST_ERR_NESTED : INNGEST_ERR_PARALLEL, id); return; }
    if (ctx->stopped != INNGEST_OK || identify(ctx, id) != INNGEST_OK) return;
    ctx->parallel = true;
    ctx->decided = false;
    ctx->group = ctx->step;
    found = find_memo(ctx, &r);
    if (found == GONE) return;
    if (found == BROKEN) (void)park(ctx, INNGEST_WAIT_DAMAGE);
    else if (r.kind != CHOICE) (void)park(ctx, INNGEST_WAIT_MEMO);
    else {
        ctx->decided = true;
        ctx->winner = FIRST(ctx->jobs, &r)[0];
    }
}

/* Judge the branches: PAUSED if one is not decided, else a status above 0 that one gave outside a step, else the first failure.
 * *good: index of the first that is OK. */
static inngest_status look_at_branches(inngest_ctx *ctx, inngest_status *first, va_list list, int *good)
{
    inngest_status result = INNGEST_OK, *branch;
    int index = 0;
    *good = -1;
    for (branch = first; branch; branch = va_arg(list, inngest_status *), index++) {
        if (ctx->decided && index != ctx->winner) *branch = INNGEST_LOST;
        if (*branch == INNGEST_OK && *good < 0) *good = index;
        if (*branch == INNGEST_PAUSED || ((int)*branch > 0 && (int)result <= 0) || result == INNGEST_OK) result = *branch;
    }
    return result;
}

/* The group is over, or the run waits for it. */
APART inngest_status close_group(inngest_ctx *ctx, inngest_status status)
{
    ctx->parallel = ctx->decided = false;
    if (ctx->stopped != INNGEST_OK) return ctx->stopped;
    if ((int)status > 0) ctx->stopped = INNGEST_PAUSED;
    return status;
}

inngest_status inngest_join_(inngest_ctx *ctx, bool any, inngest_status *first, ...)
{
    va_list list;
    int good;
    inngest_status status;
    if (ctx->open) (void)step_mistake(ctx, INNGEST_ERR_STEP_LEFT);
    else if (ctx->stopped == INNGEST_OK && !ctx->parallel) (void)mistake(ctx, INNGEST_ERR_PARALLEL, NULL);
    if (ctx->stopped != INNGEST_OK) return close_group(ctx, INNGEST_OK);
    va_start(list, first);
    status = look_at_branches(ctx, first, list, &good);
    va_end(list);
    if (!any || good < 0) {            /* a winner here is another firmware's, which had inngest_any, or other branches */
        if (ctx->decided) (void)park(ctx, INNGEST_WAIT_MEMO);
        return close_group(ctx, status);
    }
    if (ctx->decided) return close_group(ctx, INNGEST_OK);
    ctx->winner = (uint8_t)good;
    ctx->step = ctx->group;
#if INNGEST_INDEXES
    ctx->known = false;
#endif
    ctx->old = 0;
    ctx->id[0] = 0;
    if (put_record(ctx, CHOICE, &ctx->winner, 1) == INNGEST_OK) (void)wait_a_round(ctx);   /* the losers are told at the replay */
    return close_group(ctx, INNGEST_PAUSED);
}
#endif

/* ---- 11 Inside a body, and what a handler can know -------------------------------------------------------------
 *
 * Calls that read the journal and the state of the pass; inngest_step_save alone writes. */

inngest_status inngest_retry(inngest_ctx *ctx, int32_t code, const char *message)
{
    tell_error(ctx, code, message);
    return INNGEST_RETRY;
}

inngest_status inngest_fail(inngest_ctx *ctx, int32_t code, const char *message)
{
    tell_error(ctx, code, message);
    return INNGEST_FAIL;
}

inngest_status inngest_retry_after(inngest_ctx *ctx, int64_t ms, int32_t code, const char *message)
{
    tell_error(ctx, code, message);
    ctx->retry_in = ms < 1000 ? 1000 : ms > INNGEST_DAYS(1) ? (uint32_t)INNGEST_DAYS(1) : (uint32_t)ms;   /* Inngest's clamp */
    return INNGEST_RETRY;
}

#if INNGEST_PROGRESS
static bool same_payload(inngest *jobs, const record *r, const uint8_t *data, size_t size)
{
    uint8_t bytes[32];
    uint32_t at, n, i;
    if (r->size != size) return false;
    for (at = 0; at < size; at += n) {
        n = minimum((uint32_t)size - at, sizeof bytes);
        if (!read_payload(jobs, r, at, bytes, n)) return false;
        for (i = 0; i < n; i++) if (bytes[i] != data[at + i]) return false;   /* no memcmp: clang calls bcmp for it */
    }
    return true;
}

/* The open step's progress. BODY: there is none. */
static inngest_status find_progress(inngest_ctx *ctx, const void *data, size_t size, record *r)
{
    enum found found;
    if (!ctx->open) return mistake(ctx, INNGEST_ERR_NOT_IN_STEP, "inngest_step_save or load");
    if (data == NULL && size > 0) return bad_argument(ctx);
    if (ctx->stopped != INNGEST_OK) return ctx->stopped;
    found = find_own(ctx, KEY(SAVE, ctx->step), r);
    if (found == BROKEN) return park(ctx, INNGEST_WAIT_DAMAGE);
    return found == FOUND ? INNGEST_OK : INNGEST_BODY;
}

/* OK: it is what was saved before. BODY: it is not; ctx->old is what the next record will turn into garbage. */
static inngest_status look_for_change(inngest_ctx *ctx, const void *progress, size_t size)
{
    record r;
    inngest_status status = find_progress(ctx, progress, size, &r);
    if (status != INNGEST_OK && status != INNGEST_BODY) return status;
    if (size > INNGEST_RESULT_BYTES) return step_mistake(ctx, INNGEST_ERR_RESULT_SIZE);
    if (status == INNGEST_OK && same_payload(ctx->jobs, &r, progress, size)) return INNGEST_OK;
    ctx->old = status == INNGEST_OK ? (uint16_t)record_room(ctx->jobs, r.size) : 0;
    return INNGEST_BODY;
}

inngest_status inngest_step_save(inngest_ctx *ctx, const void *progress, size_t size)
{
    uint16_t old = ctx->old;
    inngest_status status = look_for_change(ctx, progress, size);
    if (status != INNGEST_BODY) return status;
    status = commit_at_once(ctx, SAVE, progress, (uint32_t)size);
    ctx->old = old;
    if (status == INNGEST_OK) ctx->run->flags |= RUN_SAVED;
    return status;
}

inngest_status inngest_step_load(inngest_ctx *ctx, void *progress, size_t size)
{
    record r;
    inngest_status status = find_progress(ctx, progress, size, &r);
    if (status != INNGEST_OK && status != INNGEST_BODY) return status;
    if (status == INNGEST_OK) return copy_payload(ctx, &r, 0, progress, size);
    clear_bytes(progress, size);
    return INNGEST_OK;
}
#endif

void inngest_idempotency_key(const inngest_ctx *ctx, char key[INNGEST_KEY_SIZE])
{
    uint32_t parts[4];
    unsigned i, digit;
    parts[0] = ctx->jobs->format;
    parts[1] = ctx->run->number;
    parts[2] = IN_ON_FAILURE(ctx->run) ? 1 : 0;
    parts[3] = ctx->step;
    for (i = 0; i < 32; i++) {
        digit = parts[i / 8] >> 28;
        parts[i / 8] <<= 4;
        key[i] = (char)(digit < 10 ? '0' + digit : 'a' - 10 + digit);
    }
    key[32] = 0;
}

void *inngest_user(const inngest_ctx *ctx) { return ctx->jobs->user; }
uint64_t inngest_run_id(const inngest_ctx *ctx) { return run_id(ctx->jobs, ctx->run); }
const inngest_error_info *inngest_error(const inngest_ctx *ctx) { return &ctx->error; }

/* Set ctx->attempt and ctx->old by the newest record of the step, or of the handler (step 0). */
static void find_attempt(inngest_ctx *ctx)
{
    record r;
    ctx->attempt = 0;
    ctx->old = 0;
    if (find_in_chain(ctx, &r) != FOUND) return;
#if INNGEST_INDEXES
    ctx->known = true;
#endif
    ctx->attempt = FIRST(ctx->jobs, &r)[r.kind == INTENT ? 0 : 12];
    ctx->old = (uint16_t)record_room(ctx->jobs, r.size);
}

ASIDE int attempt_of_handler(const inngest_ctx *ctx)
{
    record r;
    return find_own(ctx, KEY(RESULT, 0), &r) == FOUND ? FIRST(ctx->jobs, &r)[12] : 0;
}

int inngest_attempt(const inngest_ctx *ctx) { return ctx->open ? ctx->attempt : attempt_of_handler(ctx); }

/* Find the event. Gives where its data begins in the payload, behind the name; 0: it is not to be found. */
static uint32_t find_event(const inngest_ctx *ctx, record *r, uint32_t *name_size)
{
    uint32_t from;
    if (find_own(ctx, KEY(START, 0), r) != FOUND) return 0;
    from = INNGEST_WALL_CLOCK && (r->flags & FLAG) ? START_HEAD : START_HEAD - 6;
    *name_size = FIRST(ctx->jobs, r)[from - 1];
    from += *name_size;
    return from <= r->size ? from : 0;   /* cov: a guard: it was verified */
}

size_t inngest_event_size(const inngest_ctx *ctx)
{
    record r;
    uint32_t name, from = find_event(ctx, &r, &name);
    return from ? r.size - from : 0;
}

/* Copy the event's data or its name, which stands in front of it. */
static inngest_status read_event(inngest_ctx *ctx, void *out, size_t size, bool its_name)
{
    record r;
    uint32_t name, from = find_event(ctx, &r, &name);
    if (from == 0) return park(ctx, INNGEST_WAIT_DAMAGE);
    if (its_name) {
        r.size = (uint16_t)from;
        from -= name;
    }
    return copy_payload(ctx, &r, from, out, size);
}

inngest_status inngest_event_data(inngest_ctx *ctx, void *out, size_t size)
{
    if (out == NULL && size) return INNGEST_ERR_ARGUMENT;
    return read_event(ctx, out, size, false);
}

inngest_status inngest_event_name(inngest_ctx *ctx, char *out, size_t size)
{
    if (out == NULL || size == 0) return INNGEST_ERR_ARGUMENT;
    out[size - 1] = 0;
    return read_event(ctx, out, size - 1, true);
}

/* ---- 12 Events: table of functions, admission ------------------------------------------------------------------
 *
 * An event is admitted, and the runs it starts are written as one group, only if the run table has places for all of them, and
 * their reservations fit the capacity beside all others: so a run that has begun finds the room to end. */

static uint32_t largest_start(const inngest *jobs) { return record_room(jobs, START_HEAD + INNGEST_EVENT_BYTES); }

/* What all reservations may take together, so that reclaim always gains. Records of up to L bytes fill a block of U usable
 * bytes to U - L at least, and any two blocks in a row hold more than U together; the blocks that are kept erased hold none. */
static uint32_t capacity(const inngest *jobs, uint32_t fill)
{
    const inngest_port *p = jobs->port;
    uint32_t usable = p->block_size - jobs->first_offset, blocks = p->block_count < 4 ? p->block_count - 1 : p->block_count - 2;
    uint32_t of_block = usable - minimum(usable / 2, largest_record(jobs)), most = blocks > 1 ? blocks - 1 : 1;
    uint32_t room_for = minimum((uint32_t)((uint64_t)(blocks * usable) * fill >> 32), of_block * most);
    uint32_t fixed = 3 * record_room(jobs, 12);
    room_for = minimum(room_for, of_block * (most - spare_for_live(jobs, room_for)));
    return room_for - minimum(room_for, fixed);
}

/* All runs that the largest event for this function may start must fit the run table and the journal, and their group a block. */
static inngest_status check_fan_out(const inngest *jobs, const inngest_function *f)
{
    uint32_t need = 0, n = 0, largest;
    unsigned k;
    for (k = 0; k < jobs->function_count; k++) {
        const char *event = jobs->functions[k].event;
        if (event == NULL || !matches(event, f->event, length_of(f->event))) continue;
        need += reservation(jobs, k, largest_start(jobs));
        n++;
    }
    if (n > INNGEST_FAN_OUT || n > jobs->run_count) return INNGEST_ERR_TABLE_FAN_OUT;
    if (f->journal_bytes && f->journal_bytes < 32) return INNGEST_ERR_TABLE_BYTES;
    largest = n * largest_start(jobs) + record_room(jobs, 14);
    if (largest < record_room(jobs, INNGEST_RESULT_BYTES)) largest = record_room(jobs, INNGEST_RESULT_BYTES);   /* cov: by configuration */
    largest += record_room(jobs, 8) + 2u * jobs->unit;        /* a mount may have to write it again, behind a filler and a void */
    if (need + (INNGEST_SEEN_IDS ? record_room(jobs, 12) : 0) > capacity(jobs, FILL(INNGEST_FILL_PERCENT)) ||
        largest > jobs->port->block_size - jobs->first_offset) return INNGEST_ERR_TABLE_BYTES;
    return INNGEST_OK;
}

APART inngest_status check_table(const inngest *jobs, uint16_t *index)
{
    unsigned i;
    for (i = 0; i < jobs->function_count; i++) {
        const inngest_function *f = &jobs->functions[i];
        const char *star = f->event;
        size_t name_size;
        *index = (uint16_t)i;
        if (f->id == NULL || f->id[0] == 0) return INNGEST_ERR_TABLE_ID;
        if (f->event == NULL || f->event[0] == 0) return INNGEST_ERR_TABLE_EVENT;
        while (*star && *star != '*') star++;
        name_size = (size_t)(star - f->event);
        /* No such event is ever sent. */
        if (name_size > (INNGEST_EVENT_BYTES < 255 ? INNGEST_EVENT_BYTES : 255) || (name_size >= 8 && is_own(f->event))) return INNGEST_ERR_TABLE_EVENT;
        if (*star && (star[1] != 0 || star == f->event || (star[-1] != '/' && star[-1] != '.'))) return INNGEST_ERR_TABLE_EVENT;
        if (f->handler == NULL) return INNGEST_ERR_TABLE_HANDLER;
        if ((f->backoff == NULL) != (f->backoff_count == 0)) return INNGEST_ERR_TABLE_BACKOFF;
        if (function_index(jobs, hash_id(f->id)) != i) return INNGEST_ERR_TABLE_DOUBLE;
        INNGEST_TRY(check_fan_out(jobs, f));
    }
    return INNGEST_OK;
}

#if INNGEST_CRASHES
/* Write a CRASH record about a predicate and its event: the resets that it pays for, and whether it is being called. */
enum { CALLED_BEFORE, CALLED_NOW, CALLED_PAID };
static bool note_call(inngest *jobs, uint32_t hash, unsigned resets, unsigned called)
{
    uint8_t b[8];
    put4(b + 4, (uint32_t)jobs->poison_row << 16);
    put4(b + 2, hash);
    b[0] = (uint8_t)resets;
    b[1] = (uint8_t)called;
    return room(jobs, record_room(jobs, sizeof b)) == INNGEST_OK && add(jobs, NULL, KEY(CRASH, 0), b, sizeof b) == INNGEST_OK;
}
#endif

/* Call a predicate. After a crash the first ones are called behind a record, which counts only if it is the newest one at the
 * next boot. One that resets the machine again and again for the same data is then taken to say no; so are all, if more resets
 * come in a row than one event explains. */
static bool wanted(inngest *jobs, const arrival *e, const inngest_function *f, bool guard)
{
#if INNGEST_CRASHES
    if (guard && (jobs->guarded > 0 || jobs->alone)) {     /* a reset in it is not to be pinned on the run that is alone */
        uint32_t hash = hash_id(f->id) ^ crc32(0, e->data, e->size);
        unsigned resets = jobs->poison == hash ? jobs->poison_count : 0;
        bool yes;
        if (resets >= INNGEST_CRASH_LIMIT || jobs->poison_row >= 4 * INNGEST_CRASH_LIMIT) { count(&jobs->counters.crashes); return false; }
        if (jobs->guarded > 0) jobs->guarded--;
        if (note_call(jobs, hash, resets, CALLED_NOW)) (void)port_sync(jobs);
        yes = f->when(jobs->user, e->data, e->size);
        (void)note_call(jobs, hash, resets, CALLED_BEFORE);
        return yes;
    }
#endif
    (void)guard;
    return f->when(jobs->user, e->data, e->size);
}

APART uint32_t heartbeat_in(const inngest *jobs);

#if INNGEST_SEEN_IDS
/* Is this the id of an event that is remembered? hash[1] of an id is never 0, and so of no free place. */
static bool seen_before(const inngest *jobs, const uint32_t hash[2])
{
    int i;
    for (i = 0; i < INNGEST_SEEN_IDS; i++) {
        const inngest_seen *seen = &jobs->seen[i];
        if (seen->hash[0] == hash[0] && seen->hash[1] == hash[1] && seen->until > jobs->now) return true;
    }
    return false;
}
#endif

/* Append the START of a run, as the last of its group or not. */
APART_INDEXED inngest_status start_run(inngest *jobs, const arrival *e, unsigned function, unsigned more)
{
    uint8_t head[START_HEAD];
    bool dated = HAS_TIME(e);
    uint32_t size = dated ? START_HEAD : START_HEAD - 6, total = size + e->name_size + e->size;
    source s;
    inngest_run *run;
    while ((jobs->next_run & STEP_MASK) == 0 || find_run(jobs, jobs->next_run & STEP_MASK)) jobs->next_run++;
    put4(head, jobs->next_run >> 16);
    put4(head + 2, hash_id(jobs->functions[function].id));
#if INNGEST_WALL_CLOCK
    if (dated) {
        put4(head + 8, e->full->of.full.ts[1] << 16);
        put4(head + 6, e->full->of.full.ts[0]);
    }
#endif
    head[size - 1] = e->name_size;
    s.copy = 0;
    s.from.piece.at[0] = head;
    s.from.piece.size[0] = (uint16_t)size;
    s.from.piece.at[1] = (const uint8_t *)e->name;
    s.from.piece.size[1] = e->name_size;
    s.from.piece.at[2] = e->data;
    s.from.piece.size[2] = e->size;
    s.left = (uint16_t)total;
    run = enter_run(jobs, jobs->next_run++);
    INNGEST_TRY(append(jobs, run, KEY(START | more | (dated ? FLAG : 0), 0), &s));
    take_up(jobs, run, function, record_room(jobs, total));
#if INNGEST_INDEXES
    run->oldest = (uint16_t)jobs->head_block;
#endif
    if (!dated) run->flags |= RUN_BEGUN;
    due_now(jobs, run);
    return INNGEST_OK;
}

/* Append the group, for which there is room: the sender's memo or the event's id, and a START a function. */
APART_INDEXED inngest_status write_group(inngest *jobs, const arrival *e, const uint16_t *chosen, unsigned n, inngest_ctx *ctx)
{
    static const uint8_t done = WHAT_SEND;
    uint32_t last = ctx ? ctx->run->last : 0;
    unsigned k;
#if INNGEST_SEEN_IDS
    uint32_t seen = 0;
    uint8_t b[SEEN_BYTES];
#endif
    if (ctx) INNGEST_TRY(add_own(ctx, n ? DONE | MORE : DONE, &done, 1));
#if INNGEST_SEEN_IDS
    if (HAS_ID(e)) {
        put_seen(b, e->full->of.full.id_hash, jobs->now + INNGEST_SEEN_MS);
        INNGEST_TRY(add(jobs, NULL, KEY(SEEN | MORE, 0), b, sizeof b));
        seen = jobs->written;
    }
#endif
    for (k = 0; k < n; k++) {
        inngest_status status = start_run(jobs, e, chosen[k], k + 1 < n ? MORE : 0);
        if (status != INNGEST_OK && ctx) ctx->run->last = last;
        INNGEST_TRY(status);
    }
#if INNGEST_SEEN_IDS
    if (seen) remember(jobs, b, seen);
#endif
    if (ctx) note_own(ctx, DONE, 1);
    return INNGEST_OK;
}

/* Journal an event, the runs it starts and its id, or the memo of the step that sends it, as one group; nothing of it
 * if there is no room for all. */
static inngest_status admit(inngest *jobs, const arrival *e, inngest_ctx *ctx)
{
    uint16_t chosen[INNGEST_FAN_OUT];
    unsigned i, n = 0;
    uint32_t start = record_room(jobs, START_HEAD + e->name_size + e->size), need = 0, live, first = jobs->next_run, k;
    inngest_run *run;
    inngest_status status;
#if INNGEST_SEEN_IDS
    if (e->full && seen_before(jobs, e->full->of.full.id_hash)) { count(&jobs->counters.duplicates); return INNGEST_OK; }
#endif
    for (i = 0; i < jobs->function_count && n < INNGEST_FAN_OUT; i++) {
        const inngest_function *f = &jobs->functions[i];
        if (!matches(f->event, e->name, e->name_size)) continue;
        if (f->when && !wanted(jobs, e, f, ctx == NULL)) continue;
        if (jobs->live_runs + n == jobs->run_count) { count(&jobs->counters.waiting_runs); return INNGEST_ERR_RUNS_FULL; }
        need += reservation(jobs, i, start);
        chosen[n++] = (uint16_t)i;
    }
    if (n == 0 && ctx == NULL) { count(&jobs->counters.unmatched); return INNGEST_OK; }
    live = live_ids(jobs);
    if (HAS_ID(e)) live++;
    if (live > INNGEST_SEEN_IDS) { count(&jobs->counters.waiting_seen); return INNGEST_ERR_SEEN_FULL; }
    if (jobs->reserved + need + live * record_room(jobs, 12) > capacity(jobs, FILL(INNGEST_FILL_PERCENT)) ||
        0u - jobs->last_block < LAST_LAPS * jobs->block_count) {   /* cov: ages.c */
        count(&jobs->counters.waiting_journal);
        return INNGEST_ERR_JOURNAL_FULL;
    }
    if (HAS_ID(e)) INNGEST_TRY(heartbeat_in(jobs) == 0 || UNSTAMPED(jobs) ? write_time(jobs, 0) : forget_clock(jobs));
    status = ctx ? make_room(ctx, DONE, 1, n * start) : room(jobs, n * start + ROOM_FOR(14));
    if (status == INNGEST_OK) status = write_group(jobs, e, chosen, n, ctx);
    if (status == INNGEST_OK) {
        for (k = 0; k < n; k++) count(&jobs->counters.runs_started);
        count(&jobs->counters.events);
        return INNGEST_OK;
    }
    for (run = jobs->runs, k = jobs->run_count; k-- > 0; run++)      /* a group that is not whole never was */
        if (run->number && run->number - first < jobs->next_run - first) free_the_run(jobs, run);
    jobs->next_run = first;
    return status;
}

/* ---- 13 Passes: one execution of a handler, its verdict, crashes -----------------------------------------------
 *
 * pass calls a handler; judge makes a verdict of what it gave: PAUSED, or how the run ends. After a crash (an unclean boot that
 * was no power-on) live runs are suspects: before its pass each is armed, by a CRASH record, until it commits. A reset is
 * pinned on the run armed last (check_runs), which fails after INNGEST_CRASH_LIMIT of them without progress. */

/* Set up the ctx for a pass. The engine has one: passes do not nest. */
static inngest_ctx *start_ctx(inngest *jobs, inngest_run *run)
{
    inngest_ctx *ctx = &jobs->ctx;
#if FAST                               /* of texts the first byte alone; in two parts, for which compilers make no loop */
    memset(ctx, 0, offsetof(inngest_ctx, wake));
    memset((uint8_t *)ctx + offsetof(inngest_ctx, wake), 0, offsetof(inngest_ctx, error) + offsetof(inngest_error_info, message) + 1 - offsetof(inngest_ctx, wake));
    ctx->id[0] = 0;
#else
    clear_bytes(ctx, sizeof *ctx);
#endif
    ctx->jobs = jobs;
    ctx->run = run;
    ctx->function = run->function == NO_FUNCTION ? NULL : &jobs->functions[run->function];
    ctx->wake = NEVER;
    return ctx;
}

/* An error with neither code nor message. */
APART void fail_as(inngest_ctx *ctx, inngest_status status) { set_error(ctx, status, 0, NULL); }

static void tell_end(inngest_ctx *ctx, inngest_status status)
{
#if INNGEST_HOOKS
    inngest_end_info info;
    info.error = status == INNGEST_OK ? NULL : &ctx->error;
    info.id = run_id(ctx->jobs, ctx->run);
    info.function = ctx->function ? ctx->function->id : NULL;
    info.status = status;
    TELL(ctx->jobs, run_end, &info);
#else
    (void)ctx;
    (void)status;
#endif
}

NEAR inngest_status call_handler(inngest_ctx *ctx)
{
#if INNGEST_ON_FAILURE
    if (ctx->run->flags & RUN_FAILING) return ctx->function->on_failure(ctx);
#endif
    return ctx->function->handler(ctx);
}

static bool has_on_failure(const inngest_function *function)
{
#if INNGEST_ON_FAILURE
    return function && function->on_failure;
#else
    (void)function;
    return false;
#endif
}

/* Take up from the journal why the run failed. */
APART bool load_failure(inngest_ctx *ctx)
{
    record r;
    go_behind(ctx->run, &r);
    do {
        if (find_next(ctx->jobs, ctx->run, KEY(PHASE, 0), &r) != FOUND) return false;
    } while (r.size == 4 && r.link);                 /* cov: a guard: its START is in front of it; behind it the run was cancelled */
    return load_error(ctx, &r);
}

#if INNGEST_LONG_STEPS
/* Tell the run's steps in progress that it ends: the handler is called once more, begins nothing, and their results
 * are kept. */
APART void stop_actives(inngest_ctx *ctx)
{
    inngest *jobs = ctx->jobs;
    inngest_run *run = ctx->run;
    inngest_active *a;
    inngest_status status;
    uint32_t i;
    if (NONE_ACTIVE(jobs)) return;
    copy_bytes(&jobs->end_error, &ctx->error, sizeof ctx->error);
    for (i = INNGEST_ACTIVE_STEPS; i-- > 0 && find_active(jobs, run, 0);) {   /* of bodies left by return, one a call */
        (void)start_ctx(jobs, run);
        ctx->ending = true;
        if (IN_ON_FAILURE(run)) (void)load_failure(ctx);
        status = call_handler(ctx);
        if (ctx->open) (void)close_step(ctx, status);
    }
    while ((a = find_active(jobs, run, 0)) != NULL) drop_active(jobs, a);
    copy_bytes(&ctx->error, &jobs->end_error, sizeof ctx->error);
}
#endif

/* What the run's START takes of its reservation. */
static uint32_t start_bytes(const inngest_ctx *ctx)
{
    record r;
    return find_own(ctx, KEY(START, 0), &r) == FOUND ? record_room(ctx->jobs, r.size) : 0;
}

/* The run is over, or its handler is: on_failure is next. False: that could not be written. */
APART bool finish(inngest_ctx *ctx, inngest_status verdict)
{
    inngest *jobs = ctx->jobs;
    inngest_run *run = ctx->run;
    unsigned kind = END;
    if (verdict == INNGEST_OK && IN_ON_FAILURE(run)) {       /* on_failure went well; the run did not */
        verdict = INNGEST_FAIL;
        (void)load_failure(ctx);
    }
    if (verdict == INNGEST_FAIL && run->phase == INNGEST_PHASE_HANDLER && has_on_failure(ctx->function)) kind = PHASE;
    else if (CRASHES(run) <= INNGEST_CRASH_LIMIT) tell_end(ctx, verdict);
    ctx->step = 0;
    if (room_for(jobs, verdict == INNGEST_OK ? 0 : ERROR_BYTES) != INNGEST_OK ||
        write_error(ctx, kind, verdict) != INNGEST_OK) return false;
    if (kind == PHASE) {
        run->used = (uint16_t)(start_bytes(ctx) / 4);
#if INNGEST_INDEXES
        run->memos = 0;
#endif
        run->phase = INNGEST_PHASE_ON_FAILURE;
        run->flags = (uint16_t)(RUN_FAILING | (run->flags & RUN_BEGUN));
        made_progress(jobs, run);
        return true;
    }
    count(&jobs->counters.runs_ended);
    if (verdict == INNGEST_CANCELLED) count(&jobs->counters.runs_cancelled);
    else if (verdict != INNGEST_OK) count(&jobs->counters.runs_failed);
    free_the_run(jobs, run);
    return true;
}

/* The handler asks for another attempt of itself, memos kept. PAUSED, or FAIL if it was the last. */
static inngest_status retry_handler(inngest_ctx *ctx)
{
    ctx->step = 0;
    ctx->max_attempts = 0;
    find_attempt(ctx);
    ctx->parallel = false;
    ctx->wake = NEVER;
    if ((int)attempt_failed(ctx, INNGEST_RETRY) <= 0) return INNGEST_FAIL;
    if (ctx->run->state == INNGEST_WAIT_RETRY) ctx->run->flags |= RUN_RETRYING;
    return INNGEST_PAUSED;
}

/* If the handler waits for its own next attempt, do not call it earlier, whatever made the run look again. BODY: call it. */
static inngest_status retry_in_time(inngest_ctx *ctx)
{
    record r;
    inngest_status status;
    if (!(ctx->run->flags & RUN_RETRYING)) return INNGEST_BODY;
    status = find_own(ctx, KEY(RESULT, 0), &r) == FOUND ? wait_for_attempt(ctx, &r) : park(ctx, INNGEST_WAIT_DAMAGE);
    if (status == INNGEST_BODY) ctx->run->flags &= (uint16_t)~RUN_RETRYING;
    return status;
}

/* An inline body was left by return: its status counts. What the handler missed by that, a catch or other branches, has its
 * turn in another pass at once. */
static inngest_status close_returned(inngest_ctx *ctx, inngest_status status)
{
    if (status == INNGEST_OK) return step_mistake(ctx, INNGEST_ERR_STEP_LEFT);
    status = close_step(ctx, status);
    if (ctx->stopped != INNGEST_OK || ctx->stuck) return status;
    return wait_a_round(ctx);
}

/* Judge what a handler gave. PAUSED: it goes on later; OK, FAIL or CANCELLED: it is over. */
static inngest_status judge(inngest_ctx *ctx, inngest_status status)
{
    if (ctx->open) status = close_returned(ctx, status);
    if (CANCELLING(ctx->run)) {
        fail_as(ctx, INNGEST_CANCELLED);
        return INNGEST_CANCELLED;
    }
    if (ctx->stopped < 0) return INNGEST_FAIL;
    if (ctx->waiting && (ctx->stopped > 0 || status == INNGEST_PAUSED)) return INNGEST_PAUSED;
    if (status == INNGEST_OK) {
        if (!IN_GROUP(ctx) && ctx->stopped == INNGEST_OK) return INNGEST_OK;   /* stopped: what a branch gave was forgotten */
        (void)mistake(ctx, INNGEST_ERR_PARALLEL, NULL);
        return INNGEST_FAIL;
    }
    if (status == INNGEST_FAIL || ctx->error.status == INNGEST_OK || (status != INNGEST_STEP_FAILED && ctx->error.status != status)) take_failure(ctx, status, NULL);
    return status == INNGEST_RETRY ? retry_handler(ctx) : INNGEST_FAIL;
}

/* A future time of the event delays the start. BODY: it has come. */
static inngest_status start_in_time(inngest_ctx *ctx)
{
    record r;
    inngest_status status;
    if (!INNGEST_WALL_CLOCK || (ctx->run->flags & RUN_BEGUN)) return INNGEST_BODY;
    status = find_own(ctx, KEY(START, 0), &r) != FOUND ? park(ctx, INNGEST_WAIT_DAMAGE) :
             r.flags & FLAG ? wait_for_date(ctx, get_time(FIRST(ctx->jobs, &r) + 6)) : INNGEST_BODY;
    if (status == INNGEST_BODY) ctx->run->flags |= RUN_BEGUN;
    return status;
}

#if INNGEST_CRASHES
/* Say on record that this run is on its own now, or that it no longer is. Of several the one armed last pays. */
static bool arm(inngest *jobs, inngest_run *run, bool armed)
{
    uint8_t b[4];
    put4(b, run->crashes | (armed ? ++jobs->arms : 0) << 8);
    if (write_record(jobs, run, KEY(CRASH, 0), b, sizeof b) != INNGEST_OK || (armed && port_sync(jobs) != INNGEST_OK)) return false;
    run->flags = (uint16_t)((run->flags & ~RUN_ARMED) | RUN_MARKED | (armed ? RUN_ARMED : 0u));
    if (!armed) let_others_go_on(jobs, run);
    return true;
}
#endif

#if INNGEST_CRASHES
/* The run that goes on alone. NULL: there is none. */
APART inngest_run *lone_run(inngest *jobs) { return find_run(jobs, jobs->alone & STEP_MASK); }
#else
#define lone_run(jobs) NULL
#endif

#define BESIDE(jobs, run) (ALONE(jobs) && ALONE(jobs) != (run)->number)

/* Before a pass: a suspect, or a run beside one that is alone, goes on behind its record. False: that could not be written. */
static bool arm_suspect(inngest *jobs, inngest_run *run)
{
#if INNGEST_CRASHES
    if (((run->flags & RUN_SUSPECT) || jobs->alone) && !(run->flags & RUN_ARMED)) return arm(jobs, run, true);
#endif
    (void)jobs;
    (void)run;
    return true;
}

/* Does the journal know a reason not to call the handler? BODY: it does not; else the verdict. */
APART_INDEXED inngest_status look_before(inngest_ctx *ctx)
{
    inngest_status status = start_in_time(ctx);
    if (status == INNGEST_BODY) status = retry_in_time(ctx);
    if (status != INNGEST_BODY || !IN_ON_FAILURE(ctx->run)) return status;
    if (!load_failure(ctx)) return park(ctx, INNGEST_WAIT_DAMAGE);
    return has_on_failure(ctx->function) ? INNGEST_BODY : INNGEST_FAIL;   /* a firmware without it */
}

/* Call the handler, unless the run is to end or to wait. Gives the verdict: PAUSED, or how the run ends. */
APART inngest_status run_handler(inngest_ctx *ctx)
{
    inngest *jobs = ctx->jobs;
    inngest_status verdict;
    if (CANCELLING(ctx->run)) {
        fail_as(ctx, INNGEST_CANCELLED);
        return INNGEST_CANCELLED;
    }
    if (INNGEST_CRASHES && CRASHES(ctx->run) >= INNGEST_CRASH_LIMIT) {
        fail_as(ctx, INNGEST_ERR_CRASHED);
        return INNGEST_FAIL;
    }
    if (ctx->run->state == INNGEST_WAIT_DAMAGE) return park(ctx, INNGEST_WAIT_DAMAGE);   /* cov: a guard: met by the reclaim for its CRASH record; what shows it may be erased by now */
    if (ctx->function == NULL) return park(ctx, INNGEST_WAIT_FUNCTION);
    verdict = look_before(ctx);
    if (verdict != INNGEST_BODY) return verdict;
    TELL(jobs, run_start, run_id(jobs, ctx->run), ctx->function->id);
    verdict = judge(ctx, call_handler(ctx));
    if (verdict == INNGEST_PAUSED) TELL(jobs, run_pause, run_id(jobs, ctx->run), INNGEST_PAUSED);
    return verdict;
}

/* Let a run have a pass, and set when it is due next. */
static void pass(inngest *jobs, inngest_run *run)
{
    inngest_ctx *ctx = start_ctx(jobs, run);
    uint32_t number = run->number;
    inngest_status verdict;
    if ((run->flags & RUN_PARKED) && !CANCELLING(run)) {     /* not even for a clock, a wake or a timeout */
        due_never(jobs, run);
        return;
    }
    run->state = INNGEST_WAIT_NONE;
    run->flags &= (uint16_t)~(RUN_UNIX | RUN_WANTS);
    jobs->unread = false;
    if (!arm_suspect(jobs, run)) (void)wait_for_room(ctx);
    else if ((verdict = run_handler(ctx)) != INNGEST_PAUSED) {
#if INNGEST_LONG_STEPS
        stop_actives(ctx);
        if (CANCELLING(run)) {                       /* by a body that was told, too */
            fail_as(ctx, INNGEST_CANCELLED);
            verdict = INNGEST_CANCELLED;
        }
#endif
        if (finish(ctx, verdict)) ctx->wake = jobs->now;
        else (void)wait_for_room(ctx);
    } else if (CANCELLING(run)) ctx->wake = jobs->now;
    if (run->number != number) return;
#if INNGEST_WALL_CLOCK
    if ((run->flags & RUN_UNIX) && jobs->wall_moved) ctx->wake = jobs->now;     /* user code has set the clock under a wait for a date */
#endif
#if INNGEST_LONG_STEPS
    if ((run->flags & RUN_WANTS) && !jobs->wanting) ctx->wake = jobs->now;      /* another branch of it has freed a place since */
#endif
    if (ctx->wake <= jobs->now) {                    /* in the next round */
        due_never(jobs, run);
        run->flags |= RUN_PASSED;
#if INNGEST_INDEXES
        jobs->again[jobs->again_count++] = (inngest_index)(run - jobs->runs);
#endif
    } else set_deadline(jobs, run, ctx->wake);
#if INNGEST_CRASHES
    if (!(run->flags & RUN_ARMED)) return;
    if (find_active(jobs, run, 0) == NULL) {
        /* It tries again each second, and need not write records each time. */
        if (arm(jobs, run, false) && ctx->stuck && !(run->flags & RUN_WANTS)) run->flags &= (uint16_t)~RUN_SUSPECT;
    } else if (jobs->alone != number) {
        jobs->alone = number;
        jobs->alone_until = (uint32_t)jobs->now + INNGEST_SUSPECT_MS;
    }
#endif
}

/* End a step in progress from the queue. */
#if INNGEST_LONG_STEPS
APART inngest_status take_completion(inngest *jobs, const inngest_slot *slot)
{
    inngest_ctx *ctx;
    inngest_active *a;
    inngest_run *run;
    inngest_status status = SLOT_NAME(slot) ? (inngest_status)(256 + SLOT_NAME(slot)) : INNGEST_OK;
    for (a = ACTIVE(jobs); a < ACTIVE(jobs) + ACTIVE_STEPS; a++)
        if (a->run && jobs->runs[a->run - 1].number == slot->of.token.run && token_of(a) == slot->of.token.attempt && GOES_ON(a)) break;
    if (a == ACTIVE(jobs) + ACTIVE_STEPS) { tally(&jobs->counters.stale_tokens); return INNGEST_OK; }
    run = &jobs->runs[a->run - 1];
    if (status == INNGEST_OK && SLOT_SIZE(slot) > a->size) status = INNGEST_ERR_RESULT_SIZE;
    if (status == INNGEST_OK) {
        ctx = start_ctx(jobs, run);
        ctx->step = a->step;
        find_attempt(ctx);
        ctx->parallel = true;                        /* others may be in progress beside it */
        status = put_record(ctx, RESULT, slot->data, SLOT_SIZE(slot));
        if ((int)status > 0) return INNGEST_ERR_PROGRAM;
        a->calls = ctx->attempt;                     /* for the hook: no body asks for its calls any more */
    }
    a->how = HOW((int)status < 0 ? (int)status - INNGEST_ERR_RUN_BYTES + (int)MISTAKEN : (int)status);
    due_now(jobs, run);
    return INNGEST_OK;
}
#endif

/* ---- 14 Tick ---------------------------------------------------------------------------------------------------
 *
 * A tick makes room ahead, takes the queue, lets runs that are due have passes, in rounds of one each, and syncs. A round ends
 * where a run must wait for the sync: that one then serves all. */

/* Take one slot of the queue: a completion, or an event to be admitted. */
static inngest_status take(inngest *jobs, const inngest_slot *slot)
{
    arrival e;
#if INNGEST_LONG_STEPS
    if (SLOT_KIND(slot) == SLOT_COMPLETION) return take_completion(jobs, slot);
#endif
    e.name = slot->of.name;
    e.data = slot->data;
    e.full = NULL;
    e.size = SLOT_SIZE(slot);
    if (SLOT_KIND(slot) == SLOT_EVENT) e.name_size = (uint8_t)length_of(e.name);
    else {
        e.name = (const char *)slot->data;
        e.name_size = SLOT_NAME(slot);
        e.data = slot->data + SLOT_NAME(slot);
        e.full = slot;
    }
    return admit(jobs, &e, NULL);
}

/* After a clean stop: leave a trace before user code runs, so that its crash is not taken for a clean stop too. */
static void leave_clean_stop(inngest *jobs)
{
#if INNGEST_CRASHES
    if (!jobs->wrote && room(jobs, jobs->unit) == INNGEST_OK && open_place(jobs) == INNGEST_OK) (void)port_sync(jobs);   /* cov: of 3 blocks the head ends with the stop, and no erase works */
#endif
    (void)jobs;
}

/* Free the slot with this index, and keep those in front of it, which move up by one. */
static void free_slot(inngest *jobs, inngest_word at)
{
    for (; INNGEST_LONG_STEPS && at != jobs->head; at--) {
        size_t first = offsetof(inngest_slot, what);
        copy_bytes((uint8_t *)&jobs->slots[at & jobs->slot_mask] + first,
               (const uint8_t *)&jobs->slots[WORD(at - 1) & jobs->slot_mask] + first, sizeof(inngest_slot) - first);
    }
    free_oldest_slot(jobs);
}

/* Take what the queue holds, in order; but completions pass by an event that waits for room, as the run that they let go on may
 * make it. Gives why the oldest event waits, or OK. */
static inngest_status drain(inngest *jobs)
{
    inngest_status status = INNGEST_OK, taken;
    inngest_slot *slot;
    inngest_word at, end = WORD(jobs->head + jobs->slot_mask + 1u);
    (void)clock_now(jobs);
    for (at = jobs->head; at != end && (slot = published_slot(jobs, at)) != NULL; at++) {
        if (status != INNGEST_OK && SLOT_KIND(slot) != SLOT_COMPLETION) continue;
        leave_clean_stop(jobs);
        taken = take(jobs, slot);
        if (taken == INNGEST_OK) {
            free_slot(jobs, at);
            continue;
        }
        status = taken;
        if (!INNGEST_LONG_STEPS || (int)taken < INNGEST_ERR_SEEN_FULL) break;
    }
#if INNGEST_RESTART || INNGEST_LOG
    if (!jobs->waits && (status == INNGEST_ERR_SEEN_FULL || status == INNGEST_ERR_JOURNAL_FULL))
        say(jobs, status == INNGEST_ERR_SEEN_FULL ? "inngest: events wait until an id expires" : "inngest: events wait for room in the journal");
    jobs->waits = status != INNGEST_OK;
#endif
    return status;
}

/* After inngest_wake: all bodies that gave AGAIN are called. */
APART void wake_steps(inngest *jobs)
{
    uint32_t i;
    if (!WOKEN(jobs)) return;
    SET_WOKEN(jobs, 0);
    for (i = ACTIVE_STEPS; i-- > 0;) {
        inngest_active *a = ACTIVE(jobs) + i;
        if (a->run == 0 || !IS_AGAIN(a)) continue;
        a->how = HOW(INNGEST_AGAIN);
        if (!a->shared) a->next = (uint32_t)jobs->now;
        due_now(jobs, &jobs->runs[a->run - 1]);
    }
}

#if INNGEST_CRASHES
/* After a crash a suspect in a long step keeps the others waiting, but for INNGEST_SUSPECT_MS at most: then they go on, too,
 * and a crash is pinned on nobody from then on. */
static void release(inngest *jobs)
{
    inngest_run *run = lone_run(jobs);
    if (until(jobs, jobs->alone_until) <= 0 && arm(jobs, run, false)) run->flags &= (uint16_t)~RUN_SUSPECT;
}
#endif

/* The run that has the next pass of this round: the one due first, of several the oldest. One that is cancelled need not wait
 * for one that is alone: it ends behind a record of its own. */
NEAR inngest_run *next_due(inngest *jobs)
{
    inngest_run *run = ALONE(jobs) ? lone_run(jobs) : first_run(jobs);
    uint32_t i;
    if (deadline(run) <= jobs->now) return run;
    for (i = INNGEST_CANCEL && ALONE(jobs) ? jobs->run_count : 0; i-- > 0;) {
        run = &jobs->runs[i];
        if (CANCELLING(run) && deadline(run) <= jobs->now) return run;
    }
    return NULL;
}

/* In how many ms that is: 0 if it is past, UINT32_MAX if it is never, or later than 2^31 - 1. */
NEAR_APART uint32_t due_in(const inngest *jobs, int64_t when)
{
    int64_t in = when - jobs->now;
    return in < 0 ? 0 : in > INT32_MAX ? UINT32_MAX : (uint32_t)in;
}

/* In how many ms the next TIME is due. Where no clock will tell the time off, the first ones of a boot come after 1, 2, 4 ...
 * minutes, so that a machine which is reset more often than hourly gets on, too; none before: it would hide what the last boot
 * knew of the clock. */
APART uint32_t heartbeat_in(const inngest *jobs)
{
    int64_t from = (INNGEST_FAST_MOUNT || INNGEST_SEEN_IDS > 0) && UNSTAMPED(jobs) ? jobs->booted : jobs->stamp;
    int64_t boot = from - jobs->booted;
    uint32_t in = INNGEST_HEARTBEAT_MS;
    if (!WALL_KNOWN(jobs) && boot >> 32 == 0) in = minimum(in, (uint32_t)boot);
    return due_in(jobs, from + (in < 60000 ? 60000 : in));
}

/* ms until something is due. waiting: why the oldest event in the queue waits, or OK. */
NEAR uint32_t next_deadline(inngest *jobs, inngest_status waiting)
{
    int64_t first = deadline(first_run(jobs));
    uint32_t in = UINT32_MAX;
    if (first != NEVER) {
        in = due_in(jobs, first);
#if INNGEST_CRASHES
        if (jobs->alone) {
            int32_t left = until(jobs, jobs->alone_until);
            uint32_t over = left > 0 ? (uint32_t)left : RETRY_ROOM_MS;     /* it could not be let go */
            if (in < over) in = minimum(over, due_in(jobs, deadline(lone_run(jobs))));   /* cov: all are due later than that */
        }
#endif
        in = minimum(in, heartbeat_in(jobs));
    }
#if INNGEST_SEEN_IDS
    if (waiting == INNGEST_ERR_SEEN_FULL) {            /* until an id expires: none has when it came */
        int i;
        in = minimum(in, heartbeat_in(jobs));
        for (i = 0; i < INNGEST_SEEN_IDS; i++) in = minimum(in, due_in(jobs, SEEN_ID(jobs, i)->until));
        waiting = INNGEST_OK;
    }
#endif
    if (IS_TOLD(jobs) || (waiting != INNGEST_OK && waiting != INNGEST_ERR_RUNS_FULL && (waiting != INNGEST_ERR_JOURNAL_FULL || in == UINT32_MAX)))
        in = minimum(in, RETRY_ROOM_MS);
    return in;
}

/* May it be called now? */
NEAR_APART inngest_status check_call(const inngest *jobs)
{
    if (jobs == NULL || jobs->ready != READY) return INNGEST_ERR_NOT_READY;
    return jobs->busy ? INNGEST_ERR_BUSY : INNGEST_OK;
}

static void pass_again(inngest *jobs, inngest_run *run)
{
    run->flags &= (uint16_t)~RUN_PASSED;
    due_now(jobs, run);
}

/* Runs that want another pass at once may have it now. */
static void end_round(inngest *jobs)
{
#if INNGEST_INDEXES
    while (jobs->again_count) pass_again(jobs, &jobs->runs[jobs->again[--jobs->again_count]]);
#else
    inngest_run *run = jobs->runs;
    uint32_t i;
    for (i = jobs->run_count; i-- > 0; run++) if (run->flags & RUN_PASSED) pass_again(jobs, run);
#endif
}

/* Let each run that is due have one pass. One whose newest record is not durable has it in the next round, behind the
 * sync that serves this one; so what the queue brings costs no sync of its own. False: nothing was due, or power is
 * about to go. */
APART bool round_of_passes(inngest *jobs)
{
    inngest_run *run = jobs->runs;
    bool any = false;
    while (jobs->passes < INNGEST_TICK_PASSES && !STOPPED(jobs) && !jobs->doubtful && (run = next_due(jobs)) != NULL) {
        if (jobs->dirty && jobs->port->sync && (int32_t)(run->last - jobs->synced) >= 0 && (any || port_sync(jobs) != INNGEST_OK)) break;
        jobs->passes++;
        pass(jobs, run);
        any = true;
    }
#if INNGEST_INDEXES
    if (any && run == NULL && jobs->again_count == 0 && none_waits(jobs)) return false;   /* nor will anything be due in another round */
#endif
    end_round(jobs);
    return any;
}

#if INNGEST_WALL_CLOCK
static void take_clock(inngest *jobs);
#endif

static uint32_t do_what_is_due(inngest *jobs, uint32_t now_ms)
{
    uint32_t next, block, offset;
    inngest_status waiting, ahead;
    /* So far back, the clock has restarted, or no tick came for 24 days. */
    if (!advance_time(jobs, now_ms) && jobs->last_tick - now_ms > MOST_BACK_MS) jobs->last_tick = now_ms;
    if (jobs->failed || STOPPED(jobs)) return UINT32_MAX;
    if (jobs->port->may_write && !jobs->port->may_write(jobs->port->context)) { count(&jobs->counters.put_off); return RETRY_ROOM_MS; }
    if (jobs->now < QUIET_UNTIL(jobs) && !ALONE(jobs) && nothing_came(jobs)) return due_in(jobs, QUIET_UNTIL(jobs));
    BE_QUIET(jobs, 0);
    jobs->passes = 0;
    if ((int)(ahead = make_room_ahead(jobs)) > 0) return 1;      /* the chip is erasing */

#if INNGEST_WALL_CLOCK
    if (jobs->is_told) take_clock(jobs);
#endif
    block = jobs->head_block;
    offset = jobs->head_offset;
    wake_steps(jobs);
#if INNGEST_CRASHES
    if (jobs->alone) release(jobs);
#endif
    do {
        waiting = none_waits(jobs) ? INNGEST_OK : drain(jobs);
        if (!jobs->wrote && next_due(jobs)) leave_clean_stop(jobs);
        if (!can_write(jobs)) return RETRY_ROOM_MS;
    } while (round_of_passes(jobs) && 2 * jobs->passes < INNGEST_TICK_PASSES && !STOPPED(jobs));   /* a round cut short takes a sync too */
    if (STOPPED(jobs)) return UINT32_MAX;
    if (2 * jobs->passes >= INNGEST_TICK_PASSES) waiting = drain(jobs);   /* ended runs have left places: one sync for both */
    if ((!FAST || jobs->now - jobs->stamp >= 60000) &&
        ((is_stale(jobs) && (!jobs->dated || jobs->now - jobs->booted >= 60000)) ||
         (heartbeat_in(jobs) == 0 && (waiting == INNGEST_ERR_SEEN_FULL || next_deadline(jobs, INNGEST_OK) == 0))) &&
        write_time(jobs, 0) != INNGEST_OK) waiting = INNGEST_ERR_PROGRAM;
    if (!add_list(jobs)) waiting = INNGEST_ERR_PROGRAM;
    if ((!FAST || jobs->port->sync) &&
        sync_ahead(jobs, ((jobs->head_block - block) << block_shift(jobs)) + jobs->head_offset - offset) != INNGEST_OK) return UINT32_MAX;
    (void)clock_now(jobs);
    if (waiting != INNGEST_OK ? WOKEN(jobs) : !nothing_came(jobs)) return 0;
    next = next_deadline(jobs, waiting);
    if (wants_room_ahead(jobs)) {
        if (ahead == INNGEST_OK && (int)waiting >= INNGEST_ERR_SEEN_FULL) return 0;   /* the next one may have nothing else to do */
    } else BE_QUIET(jobs, next == UINT32_MAX ? NEVER : jobs->now + next);    /* events that wait are looked at all the same */
    return next;
}

uint32_t inngest_tick(inngest *jobs, uint32_t now_ms)
{
    uint32_t next;
    if (check_call(jobs) != INNGEST_OK) return UINT32_MAX;
    jobs->busy = true;                 /* seen by what it calls: user code, and the port's functions */
    next = do_what_is_due(jobs, now_ms);
    jobs->busy = false;
    return next;
}

inngest_status inngest_flush(inngest *jobs)
{
    inngest_status status, synced;
    inngest_word end;
    INNGEST_TRY(check_call(jobs));
    jobs->busy = true;
    end = WORD(LOAD(&jobs->tail));
    status = drain(jobs);
    synced = port_sync(jobs);
    jobs->busy = false;
    INNGEST_TRY(synced);
    if (status == INNGEST_OK && (word_distance)WORD(end - jobs->head) > 0) return INNGEST_ERR_BUSY;   /* cov: two at once: queue_threads.c */
    return status;
}

/* ---- 15 Life and inspection ------------------------------------------------------------------------------------
 *
 * The wall clock, format, init (its mount: section 7), close, cancel, what runs wait for. */

#if INNGEST_WALL_CLOCK
/* Find the run's newest wait that began in this boot and has not been moved. b: its payload, moved by `off` ms. Gives its
 * record's key; 0: none. */
static uint32_t wait_to_shift(inngest *jobs, const inngest_run *run, int64_t off, uint8_t b[WAIT_BYTES])
{
    record r, other;
    go_behind(run, &r);
    do {
        if (step_back(jobs, run, &r) != FOUND) return 0;
        if ((r.kind != ATTEMPT && r.kind != SLEEP) || (int32_t)(r.position - jobs->boot_position) < 0) continue;
        copy_bytes(b, FIRST(jobs, &r), WAIT_BYTES);
        if ((b[13] & (WAIT_UNIX | WAIT_MOVED)) || ((r.flags & CARRIED) && get_time(b + 6) < jobs->booted) || !is_live(jobs, &r, &other)) continue;
        put_time(b, get_time(b) + off);
        put_time(b + 6, jobs->now);            /* before the move: only the TIME behind all moved waits tells that */
        b[13] |= WAIT_MOVED;
        return KEY((unsigned)r.kind | (r.flags & FLAG), r.step);
    } while (r.link);
    return 0;
}

/* Time spent off turns out to be `off` ms: waits that began in this boot must not end early for it. */
static inngest_status shift_waits(inngest *jobs, inngest_run *run, int64_t off)
{
    uint8_t b[WAIT_BYTES];
    uint32_t key;
    while ((key = wait_to_shift(jobs, run, off, b)) != 0) {        /* from the newest on: reclaim may have carried the others */
        INNGEST_TRY(write_record(jobs, run, key, b, WAIT_BYTES));
        due_now(jobs, run);          /* look again */
    }
    return INNGEST_OK;
}

/* The same for event ids that were seen in this boot. */
static inngest_status shift_seen(inngest *jobs, int64_t off)
{
    uint8_t b[SEEN_BYTES];
    int i;
    for (i = 0; i < INNGEST_SEEN_IDS; i++) {
        inngest_seen *seen = SEEN_ID(jobs, i);
        int64_t at = seen->until - INNGEST_SEEN_MS;
        if ((int32_t)(seen->position - jobs->boot_position) < 0 || at < jobs->booted || at > jobs->now) continue;
        put_seen(b, seen->hash, seen->until + off);
        INNGEST_TRY(write_record(jobs, NULL, KEY(SEEN, 0), b, sizeof b));
        seen->until += off;
        seen->position = jobs->written;
    }
    return INNGEST_OK;
}

/* The clock is known for the first time in this boot: move journal time, and what began in this boot, by the time spent off. */
static inngest_status make_time_good(inngest *jobs, int64_t off)
{
    inngest_run *run = jobs->runs;
    uint32_t i;
    for (i = jobs->run_count; i-- > 0; run++)
        if (run->flags & RUN_WAITS) INNGEST_TRY(shift_waits(jobs, run, off));
    INNGEST_TRY(shift_seen(jobs, off));
    for (i = ACTIVE_STEPS; i-- > 0;) {
        inngest_active *a = ACTIVE(jobs) + i;
        if (!a->shared) a->next += (uint32_t)off;
        if (a->timed) a->timeout += (uint32_t)off;
        if (a->run) due_now(jobs, &jobs->runs[a->run - 1]);
    }
#if INNGEST_LONG_STEPS
    if (jobs->ctx.again != UINT32_MAX) jobs->ctx.again = minimum(jobs->ctx.again + (uint32_t)off, UINT32_MAX - 1);   /* of the body that sets the clock */
#endif
#if INNGEST_CRASHES
    jobs->alone_until += (uint32_t)off;
#endif
    jobs->now += off;
    return INNGEST_OK;
}

/* Take what the clock was told to be. Where that must be written and cannot be now, the tick tries again. */
static void take_clock(inngest *jobs)
{
    int64_t off = jobs->told - jobs->wall_offset, moved;
    if (jobs->failed || STOPPED(jobs)) return;
    if (jobs->was_known && off > 0 && IS_TIME(2 * (jobs->now + off))) {   /* clocks that jump to and fro must not use up all time there is */
        if (make_time_good(jobs, off) != INNGEST_OK) return;
        jobs->told = jobs->wall_offset;                /* journal time has moved instead */
    }
    wake_runs(jobs, RUN_UNIX);
    off = jobs->wall_known ? jobs->told - jobs->wall_stamped : RETRY_ROOM_MS;
    moved = jobs->wall_known ? jobs->told - jobs->wall_looked : RETRY_ROOM_MS;
    if (moved >= RETRY_ROOM_MS / 2 || moved <= -RETRY_ROOM_MS / 2) jobs->wall_moved = true;
    jobs->wall_known = true;
    jobs->was_known = false;
    jobs->wall_offset = jobs->told;
    jobs->is_told = false;
    if (off >= RETRY_ROOM_MS || off <= -RETRY_ROOM_MS) (void)write_time(jobs, 0);
}

void inngest_set_wall_clock(inngest *jobs, int64_t unix_ms, uint32_t now_ms)
{
    bool busy;
    if (jobs == NULL || jobs->ready != READY || unix_ms == 0 || !IS_TIME(unix_ms)) return;
    busy = jobs->busy;
    jobs->busy = true;                 /* for the port's functions */
    (void)advance_time(jobs, now_ms);
    unix_ms += (uint32_t)(jobs->last_tick - now_ms);               /* it was told of a moment before the newest tick */
    jobs->told = unix_ms - jobs->now;
    jobs->is_told = true;
    BE_QUIET(jobs, 0);
    if (!busy && jobs->port->may_write && !jobs->port->may_write(jobs->port->context)) count(&jobs->counters.put_off);   /* a tick asks once */
    else take_clock(jobs);
    jobs->busy = busy;
}
#endif

inngest_status inngest_format(const inngest_port *port)
{
    uint32_t i;
    int result;
    if (port == NULL || port->erase == NULL) return INNGEST_ERR_ARGUMENT;
    for (i = 0; i < port->block_count; i++) {
        do {
            result = port->erase(port->context, i * port->block_size);
            if (port->idle) port->idle(port->context);
        } while (result == INNGEST_PORT_BUSY);
        if (result != 0) return INNGEST_ERR_ERASE;
    }
    return port->sync && port->sync(port->context) != 0 ? INNGEST_ERR_SYNC : INNGEST_OK;
}

struct alignment { char c; int64_t time; };

static bool is_power_of_two(uint32_t n, uint32_t least, uint32_t most) { return n >= least && n <= most && (n & (n - 1)) == 0; }

APART inngest_status check_config(const inngest_config *c)
{
    const inngest_port *p = c->port;
    if (p == NULL || p->read == NULL || p->program == NULL || p->erase == NULL) return INNGEST_ERR_ARGUMENT;
    if (c->functions == NULL && c->function_count) return INNGEST_ERR_ARGUMENT;
    if (c->runs == 0 || c->runs > MOST_RUNS || !is_power_of_two(c->events, 2, MOST_EVENTS)) return INNGEST_ERR_ARGUMENT;
    if (!is_power_of_two(p->block_size, 512, 262144) || !is_power_of_two(p->program_size, 1, 32)) return INNGEST_ERR_GEOMETRY;
    if (p->block_count < 2 || p->block_count > 65535) return INNGEST_ERR_GEOMETRY;
    if (p->block_count * (p->block_size / (p->program_size < 4 ? 4u : p->program_size)) > 0x1000000) return INNGEST_ERR_GEOMETRY;   /* a link's 24 bits */
    if (c->memory == NULL || (uintptr_t)c->memory % offsetof(struct alignment, time) != 0 ||
        c->memory_size < INNGEST_MEMORY(c->runs, c->events)) return INNGEST_ERR_MEMORY;   /* in 32 bits, even if size_t has 16 */
    return INNGEST_OK;
}

/* Set up engine and memory as configured; the first `fresh` bytes of the engine are cleared. */
static void set_up(inngest *jobs, const inngest_config *config, size_t fresh)
{
    size_t slots_at = INNGEST_MEMORY((size_t)config->runs, 0);
    uint32_t i;
#if INNGEST_CACHE_LINE
    slots_at -= ((uintptr_t)config->memory + slots_at) % INNGEST_CACHE_LINE;
#endif
    clear_bytes(jobs, fresh);
    clear_bytes(config->memory, slots_at);
    jobs->functions = config->functions;
    jobs->function_count = config->function_count;
    jobs->port = config->port;
#if INNGEST_HOOKS
    jobs->hooks = config->hooks;
#endif
    jobs->user = config->user;
    jobs->runs = (inngest_run *)config->memory;
    jobs->run_count = (inngest_index)config->runs;
    jobs->slots = (inngest_slot *)(void *)((uint8_t *)config->memory + slots_at);
    jobs->block_count = config->port->block_count;
    clear_places(jobs);
    for (i = config->runs; i-- > 0;) due_never(jobs, &jobs->runs[i]);
    jobs->slot_mask = (uint16_t)(config->events - 1);
    FIND_OLDEST_SLOT(jobs);
    for (i = config->events; i-- > 0;) {
        jobs->slots[i].sequence = WORD(i);
#if INNGEST_SLOT_CLAIM
        jobs->slots[i].claim = WORD(i - 1);
#endif
    }
    jobs->random = config->seed | 1u;
    jobs->next_run = 1;
    jobs->unit = (uint8_t)(config->port->program_size < 4 ? 4 : config->port->program_size);
    jobs->unit_shift = (uint8_t)log_2(jobs->unit);
    jobs->units_shift = (uint8_t)(log_2(config->port->block_size) - jobs->unit_shift);
    jobs->first_offset = (uint8_t)round_up(jobs, BLOCK_HEADER);
#if FAST
    if ((jobs->block_count & (jobs->block_count - 1)) == 0) jobs->ring_mask = (jobs->block_count << block_shift(jobs)) - 1;
    jobs->near_end = config->port->block_size - config->port->block_size / 32;
    jobs->near_end -= minimum(jobs->near_end, largest_record(jobs));
    set_largest(jobs, 0);
#endif
}

/* A live record of a part that this build leaves out: a run that has one stays parked and is carried along. */
static bool left_out(const record *r, const uint8_t *b)
{
    (void)b;
    switch (r->kind) {
    case START: return !INNGEST_WALL_CLOCK && (r->flags & FLAG);
    case SLEEP: return !INNGEST_WALL_CLOCK && (b[13] & WAIT_UNIX);
    case PHASE: return (!INNGEST_CANCEL && r->size == 4) || (!INNGEST_ON_FAILURE && r->size != 4);
    case DONE: return (!INNGEST_SEND_STEP && b[0] == WHAT_SEND) || (!INNGEST_RESTART && b[0] == WHAT_RESTART);
    case CHOICE: return !INNGEST_PARALLEL;
    case INTENT: return !INNGEST_LONG_STEPS;
    case SAVE: return !INNGEST_PROGRESS;
    default: return false;
    }
}

/* A run waits, as this record says; *when: until the first of all that it waits for. */
static void take_wait(const inngest *jobs, inngest_run *run, const record *r, const uint8_t b[WAIT_BYTES], int64_t *when)
{
    int64_t due = get_time(b);
    run->state = r->kind == SLEEP ? INNGEST_WAIT_SLEEP : INNGEST_WAIT_RETRY;
    if (INNGEST_WALL_CLOCK && (b[13] & WAIT_UNIX)) {   /* until the wall clock is set */
        run->flags |= RUN_UNIX;
        run->state = INNGEST_WAIT_CLOCK;
        due = NEVER;
    }
    if (b[13] & WAIT_PARALLEL) due = jobs->now;        /* others may have been in progress beside it */
    if (due >= *when) return;
    *when = due;
    note_attempt(run, r->kind == ATTEMPT ? b[12] : 0);
}

/* Take up what a run's records say: its phase, its crashes, the room it uses, what it waits for. Gives when in the
 * last boot it was on its own, 0: it was not. */
APART uint32_t check_run(inngest *jobs, inngest_run *run)
{
    uint32_t armed = 0;
    uint32_t used, bytes;
    unsigned news = 0;
    int64_t when = NEVER;
    bool parked = false;
    uint8_t b[FIRST_BYTES];            /* of the record's payload */
    record r, other;
    enum found found;
    run->used = 0;
#if INNGEST_INDEXES
    run->memos = 0;
    run->oldest = (uint16_t)jobs->tail_block;
#endif
    go_behind(run, &r);
    do {
        idle(jobs);
        found = step_back(jobs, run, &r);
        if (found == FOUND && (r.kind == ATTEMPT || r.kind == SLEEP) && r.size != WAIT_BYTES) found = BROKEN;   /* of no version that this one knows */
        if (found == GONE || (found == BROKEN && CANCELLING(run))) break;   /* one that ends needs no records */
        if (found == BROKEN) { stop_for_damage(jobs, run); return 0; }
        copy_bytes(b, FIRST(jobs, &r), sizeof b);
        if (r.kind == PHASE && run->phase == INNGEST_PHASE_HANDLER) {
            inngest_status status = r.size == 4 ? (inngest_status)(int32_t)get4(b) : INNGEST_FAIL;   /* alone; else the error of the handler */
            if (status == INNGEST_ERR_READ) { stop_for_damage(jobs, run); return 0; }
            run->phase = (INNGEST_CANCEL || INNGEST_INSPECT) && status == INNGEST_CANCELLED ? INNGEST_PHASE_CANCELLING : INNGEST_PHASE_ON_FAILURE;
            if (!(run->flags & RUN_FAILING)) {         /* walk again: none of its steps has counted so far, but its START may */
                run->flags |= RUN_FAILING;             /* also if it is being cancelled, where nothing asks */
                run->used = 0;
                r.position = run->last + 1;
                r.link = 1;
                continue;
            }
        }
#if INNGEST_INDEXES
        run->oldest = (uint16_t)block_of(jobs, r.position);
#endif
        if (r.kind != START && r.kind != CRASH) run->flags |= RUN_BEGUN;
#if INNGEST_CRASHES
        if (r.kind == CRASH && !(run->flags & RUN_MARKED) && (news == 0 || news == INTENT)) {
            run->flags |= RUN_MARKED;
            run->crashes = b[0];
            armed = get4(b + 1) & STEP_MASK;
            if (armed) run->flags |= RUN_ARMED;
        }
#endif
        if (r.kind >= PHASE && r.kind != CRASH && !(r.flags & CARRIED) && (news == 0 || news == INTENT)) news = r.kind;
        if (!is_live(jobs, &r, &other)) continue;
        parked = parked || left_out(&r, b);   /* cov: a part is left out: parts.sh */
#if INNGEST_INDEXES
        if (class_of(r.kind) == RESULT && r.step) run->memos++;
#endif
        bytes = record_room(jobs, r.size);
        if (bytes > jobs->largest) set_largest(jobs, bytes);
        if (r.kind != CRASH && r.kind != PHASE) run->used = (uint16_t)(run->used + bytes / 4);
        if (r.kind == SAVE) run->flags |= RUN_SAVED;
        if (r.kind == ATTEMPT && r.step == 0) run->flags |= RUN_RETRYING;
        if (r.kind == ATTEMPT || r.kind == SLEEP) take_wait(jobs, run, &r, b, &when);
    } while (r.link);
    used = minimum(run->used + END_ROOM / 4, 0xFFFF);                   /* another firmware may have reserved more: what is used stays counted */
    if (used > run->reserved) {
        jobs->reserved += (used - run->reserved) * UINT32_C(4);
        run->reserved = (uint16_t)used;
    }
    if (run->state == INNGEST_WAIT_NONE || CANCELLING(run) || (news && news != ATTEMPT && news != SLEEP)) {
        run->state = INNGEST_WAIT_NONE;
        note_attempt(run, 0);
        when = jobs->now;
    }
    if (parked && !CANCELLING(run)) {   /* cov: a part is left out: parts.sh */
        run->flags |= RUN_PARKED;   /* cov: a part is left out: parts.sh */
        run->state = INNGEST_WAIT_MEMO;   /* cov: a part is left out: parts.sh */
        when = NEVER;   /* cov: a part is left out: parts.sh */
    }
    set_deadline(jobs, run, when);
    return armed;
}

#if INNGEST_INDEXES
/* If the reclaim of the tail block was cut short: its newest copy says how far it had come, for it goes on in order. Where
 * that is not to be found, the chains alone say what has been copied. */
static void find_copied(inngest *jobs)
{
    uint32_t key = 0;
    const inngest_run *run;
    record r;
    jobs->copied = position_at(jobs, jobs->tail_block, 0);
    if (!read_header(jobs, jobs->copy, &r) || (run = find_run(jobs, r.run)) == NULL) return;   /* cov: it was read before */
    r.link = 0;
    while (step_back(jobs, run, &r) == FOUND) {
        uint32_t same = KEY(class_of(r.kind) | (r.flags & FLAG), r.step);
        if (key == 0) key = same;
        else if (key == same && in_block(jobs, r.position, jobs->tail_block)) {   /* cov: a guard: reclaim copies from there alone */
            set_copied(jobs, r.position, 0);
            return;
        }
        if (r.link == 0) return;
    }
}
#else
#define find_copied(jobs) ((void)0)
#endif

/* The newest list tells the low half of the time, the newest TIME the high one: it is that which was the newest then, or its copy. */
static void take_time(inngest *jobs)
{
    uint32_t since = (uint32_t)(jobs->booted - jobs->stamp);
    if (jobs->booted && since <= INT32_MAX && jobs->stamp + since > jobs->now) jobs->now = jobs->stamp + since;   /* cov: a guard: it is no newer */
}

/* Look through the runs that the mount has found, and charge one of them if it has reset the machine. */
APART_INDEXED void check_runs(inngest *jobs, inngest_reset reset)
{
    uint32_t i, armed, last = 0;
    inngest_run *run, *alone = NULL;   /* the one that pays */
    bool crashed = INNGEST_CRASHES && !jobs->clean && reset != INNGEST_RESET_POWER_ON;
    find_copied(jobs);
    for (run = jobs->runs, i = jobs->run_count; i-- > 0; run++) {
        if (run->number == 0) continue;
        if (run->used == 0) {                          /* seen by the mount without its START */
            count(&jobs->counters.lost_runs);
            say(jobs, "inngest: a run is lost, its start is damaged");
            free_the_run(jobs, run);
            continue;
        }
        armed = check_run(jobs, run);
#if INNGEST_CRASHES || INNGEST_INSPECT     /* else its pass says so */
        if (run->function == NO_FUNCTION && run->phase != INNGEST_PHASE_CANCELLING && run->state != INNGEST_WAIT_DAMAGE) {
            run->state = INNGEST_WAIT_FUNCTION;
            due_never(jobs, run);
        }
#endif
        if (crashed) run->flags |= RUN_SUSPECT;
        if (armed > last) {
            last = armed;
            alone = run;
        }
    }
#if INNGEST_CRASHES
    if (jobs->guarded == CALLED_NOW) alone = NULL;      /* a predicate was being called */
#endif
    if (crashed && alone) {
#if INNGEST_CRASHES
        alone->crashes++;
#endif
        count(&jobs->counters.crashes);
    }
#if INNGEST_CRASHES
    for (run = jobs->runs, i = jobs->run_count; i-- > 0; run++)
        if (run->flags & RUN_ARMED) (void)arm(jobs, run, false);    /* it counted for this boot only */
    if (!jobs->guarded) jobs->poison = jobs->poison_row = jobs->poison_count = 0;
    else if (jobs->guarded == CALLED_NOW) {
        jobs->poison_count = (uint8_t)(jobs->poison_count + crashed);
        jobs->poison_row = (uint16_t)(jobs->poison_row + crashed);
        (void)note_call(jobs, jobs->poison, jobs->poison_count, CALLED_PAID);    /* resets that follow are no longer its own */
    }
    jobs->guarded = crashed ? GUARDED_EVENTS : 0;
#endif
    if (crashed && alone) say(jobs, "inngest: a reset is pinned on a run");   /* last: port.log may reset the machine, too */
}

/* Mount and settle, and begin again as long as they give PAUSED. */
static inngest_status mount_all(inngest *jobs, const inngest_config *config)
{
    uint32_t reclaimed = 0, tries = 0;
    uint8_t needed_before = 0;
    bool trusted;
    inngest_status status;
    while ((int)(status = mount(jobs, config->seed, &reclaimed)) > 0 || (status == INNGEST_OK && (int)(status = settle_and_erase(jobs)) > 0)) {   /* MOUNT_AGAIN */
        if (tries++ == 32) return INNGEST_ERR_READ;   /* cov: a guard: cells that read differently each time */
        if (jobs->voids_needed != needed_before) reclaimed = 0;   /* what proved it may be what is void */
        needed_before = jobs->voids_needed;
        trusted = jobs->trusted;                       /* erased and begun in this boot: that need not be done again */
        set_up(jobs, config, offsetof(inngest, void_count));
        jobs->trusted = trusted;
    }
    return status;
}

/* Does the same record, which has just been read, stand in front of its block, too? */
static bool is_repeat(inngest *jobs, uint32_t block, const record *r)
{
    record other;
    source copy, that;
    set_copy(jobs, r, &copy);
    stand_at(&other, position_at(jobs, jobs->tail_block, 0));
    while (next_record(jobs, block, &other)) {
        set_copy(jobs, &other, &that);
        if (other.run == r->run && other.step == r->step && other.kind == r->kind && payload_crc(&that, copy.from.copy.head) == copy.from.copy.crc) return true;
    }
    return false;
}

/* Was a block begun by mounts alone? They write voids, repeat records, and leave proof of blocks that are erased by now. */
static bool is_hollow(inngest *jobs, uint32_t block)
{
    record r;
    stand_at(&r, position_at(jobs, block, 0));
    while (next_record(jobs, block + 1, &r))
        if (r.kind != RECLAIMED && !is_repeat(jobs, block, &r)) return false;
    return true;
}

/* Reclaim has no room for what is live in the tail. PAUSED: now it has, mount again: boots cut short one after the other have
 * begun blocks in which nothing is whole but what they wrote again. With the last one, in which all are copies, these are
 * erased again, the last one first: else no mount would succeed any more. Once: what the next one writes again goes to the
 * first of two erased blocks at least, so that it need not reclaim. */
static inngest_status win_back(inngest *jobs)
{
    uint32_t block = jobs->last_block;
    if (!is_hollow(jobs, block - 1)) return INNGEST_ERR_JOURNAL_FULL;
    do {
        jobs->last_block = block - 1;
        INNGEST_TRY(prepare_blocks(jobs, true));   /* cov: an erase that fails just here, and in the mount that follows */
    } while (is_hollow(jobs, --block));
    return INNGEST_PAUSED;
}

inngest_status inngest_init_(inngest *jobs, const inngest_config *config, uint16_t *index, size_t sizes)
{
    inngest_status status;
    uint16_t unused;
    if (index == NULL) index = &unused;
    *index = 0;
    if (INNGEST_INIT_CHECKS && (jobs == NULL || config == NULL)) return INNGEST_ERR_ARGUMENT;
    if (INNGEST_INIT_CHECKS && sizes != INNGEST_SIZES_) return INNGEST_ERR_MISMATCH;
    if (INNGEST_INIT_CHECKS) INNGEST_TRY(check_config(config));
    do {
        set_up(jobs, config, CLEARED);
        if (INNGEST_INIT_CHECKS) INNGEST_TRY(check_table(jobs, index));
        INNGEST_TRY(mount_all(jobs, config));
        take_time(jobs);
        INNGEST_TRY(port_sync(jobs));                  /* before anything acts on what was written again */
        jobs->copies_only = false;                     /* if this mount has begun the last block, it holds more */
        jobs->wrote = !jobs->opening;
#if INNGEST_LONG_STEPS
        jobs->token = jobs->newest * 2654435761u | 1; /* tokens of an earlier boot are stale */
#endif
        check_runs(jobs, config->reset);
        if (unreadable(jobs)) return INNGEST_ERR_READ;
        INNGEST_TRY(prepare_blocks(jobs, true));       /* if check_runs had to reclaim a block, whose erase failed */
        /* What was written again is in the last block, which a mount erases if a reclaim was cut short: end the reclaim before
         * anything acts on it. */
        status = jobs->head_block == jobs->last_block ? reclaim_block(jobs, true) : INNGEST_OK;
        /* The room that failed programs have taken is free again after another mount. */
        if (status == INNGEST_ERR_JOURNAL_FULL) status = jobs->doubtful ? INNGEST_ERR_PROGRAM : win_back(jobs);
    } while (status == INNGEST_PAUSED);
    INNGEST_TRY(status);
    if (INNGEST_INSPECT && IS_DAMAGED(jobs)) say(jobs, "inngest: the journal is damaged");
    jobs->booted = jobs->now;
    if (!is_stale(jobs)) jobs->stamp = jobs->now - (INNGEST_SEEN_IDS != 0);    /* UNSTAMPED */
#if INNGEST_INDEXES
    set_window(jobs);
#endif
#if INNGEST_WALL_CLOCK
    jobs->boot_position = head_position(jobs);
#endif
    STORE(&jobs->ready, READY);
    return INNGEST_OK;
}

inngest_status inngest_close(inngest *jobs)
{
    inngest_status status;
    INNGEST_TRY(check_call(jobs));
    STORE(&jobs->ready, 0);
    status = drain(jobs);
    if (!STOPPED(jobs)) {
        inngest_status stamped = write_time(jobs, CLEAN_STOP(jobs));
        if (status == INNGEST_OK) status = stamped;
    }
    INNGEST_TRY(port_sync(jobs));
    return status;
}

#if INNGEST_CANCEL
inngest_status inngest_cancel(inngest *jobs, uint64_t id)
{
    inngest_run *run;
    inngest_status status;
    bool busy;
    uint8_t b[4];
    if (jobs == NULL || jobs->ready != READY) return INNGEST_ERR_NOT_READY;
    run = find_run(jobs, (uint32_t)id & STEP_MASK);
    if (run == NULL || run_id(jobs, run) != id) return INNGEST_ERR_NOT_FOUND;
    if (run->phase == INNGEST_PHASE_CANCELLING) return INNGEST_OK;
    put4(b, (uint32_t)INNGEST_CANCELLED);
    busy = jobs->busy;
    jobs->busy = true;                 /* for the port's functions */
    status = write_record(jobs, run, KEY(PHASE, 0), b, 4);
    if (status == INNGEST_OK) {
        run->phase = INNGEST_PHASE_CANCELLING;
        run->state = INNGEST_WAIT_NONE;
        due_now(jobs, run);
        if (!busy) status = port_sync(jobs);
    }
    jobs->busy = busy;
    return status;
}

#endif

#if INNGEST_INSPECT
bool inngest_next_run(const inngest *jobs, uint32_t *cursor, inngest_run_info *info)
{
    if (jobs == NULL || jobs->ready != READY || cursor == NULL || info == NULL) return false;
    while (*cursor < jobs->run_count) {
        const inngest_run *run = &jobs->runs[(*cursor)++];
        if (run->number == 0) continue;
        info->id = run_id(jobs, run);
        info->function = run->function == NO_FUNCTION ? NULL : jobs->functions[run->function].id;
        info->phase = (inngest_phase)run->phase;
        info->wait = deadline(run) <= jobs->now && BESIDE(jobs, run) && !CANCELLING(run) ? INNGEST_WAIT_SUSPECT : (inngest_wait)run->state;
        info->attempt = run->attempt;
        info->deadline_in_ms = run->flags & RUN_PASSED ? 0 : deadline(run) == NEVER ? INT64_MAX : deadline(run) < jobs->now ? 0 : deadline(run) - jobs->now;
        info->journal_bytes = run->used * UINT32_C(4);
        info->reserved_bytes = run->reserved * UINT32_C(4);
        return true;
    }
    return false;
}

void inngest_get_counters(const inngest *jobs, inngest_counters *out)
{
    if (jobs && out) copy_bytes(out, &jobs->counters, sizeof *out);
}
#endif

const char *inngest_status_name(inngest_status status)
{
#if INNGEST_STATUS_NAMES
    /* Names of one value after the other, down from BODY; a byte up to @, which is 64, skips so many values. */
    static const char names[] = "BODY\0FAIL\0RETRY\0PENDING\0AGAIN\0PAUSED\0@@@@OK\0@@@@STEP_FAILED\0TIMED_OUT\0LOST\0CANCELLED\0"
        "'ERR_NOT_FOUND\0ERR_TYPE\0ERR_JSON\0ERR_TOO_LONG\0ERR_RANGE\0ERR_DEPTH\0ERR_ARGUMENT\0"
        "\015ERR_NESTED\0ERR_STEP_LEFT\0ERR_STATUS\0ERR_STEP_IDS\0ERR_STEP_ID\0ERR_RESULT_SIZE\0ERR_RUN_BYTES\0"
        "ERR_NOT_IN_STEP\0ERR_CRASHED\0ERR_INTERRUPTED\0ERR_PARALLEL\0ERR_RESTART\0"
        "\010ERR_QUEUE_FULL\0ERR_EVENT_SIZE\0ERR_NAME\0ERR_NOT_READY\0ERR_STALE_TOKEN\0ERR_JOURNAL_FULL\0ERR_RUNS_FULL\0"
        "ERR_SEEN_FULL\0ERR_BUSY\0"
        "\013ERR_MEMORY\0ERR_TABLE_ID\0ERR_TABLE_DOUBLE\0ERR_TABLE_EVENT\0ERR_TABLE_HANDLER\0ERR_TABLE_FAN_OUT\0"
        "ERR_TABLE_BYTES\0ERR_TABLE_BACKOFF\0ERR_GEOMETRY\0ERR_FOREIGN\0ERR_VERSION\0ERR_OTHER_GEOMETRY\0ERR_MISMATCH\0"
        "\007ERR_READ\0ERR_PROGRAM\0ERR_ERASE\0ERR_SYNC\0";
    const char *name = names;
    int at = INNGEST_BODY;
    for (; *name; name += length_of(name) + 1, at--) {
        while (*name <= '@') at -= *name++;
        if (at == (int)status) break;
    }
    return name;
#else
    (void)status;
    return "";
#endif
}

/* ---- 16 JSON ---------------------------------------------------------------------------------------------------------
 *
 * One pass over the text, byte by byte, nothing kept but the kind of each container that is open: a bit each, so
 * there is no recursion. Every reader goes to its value, takes it, and walks on to the end, so a text that is
 * malformed anywhere is refused whatever the path, and a value is given only when all of it was well-formed.
 *
 * The first failure moves the reader to the end of the text, where each further byte reads as 0. No rule of the
 * grammar accepts a 0, so all loops end by themselves and nothing in between has to look. */

#if INNGEST_JSON

#if INNGEST_JSON_DEPTH < 1 || INNGEST_JSON_DEPTH > 255
#error "INNGEST_JSON_DEPTH: 1..255"
#endif
#define WINDOW 32u                     /* bytes read from the journal at once */
#define OBJECTS(r, n) ((r)->objects[INNGEST_JSON_DEPTH > 32 ? (n) / 32 : 0])

enum { JSON_FALSE, JSON_BOOL, JSON_NULL, JSON_NUMBER, JSON_STRING, JSON_COUNT, JSON_OPENED };

typedef struct json_reader {
    uint8_t c;                         /* the byte before at; 0 at the end */
    uint8_t type;                      /* of what was taken last; BOOL is true */
    uint8_t depth;
    bool negative;                     /* the newest number is */
    uint32_t at, size;
    const uint8_t *memory;             /* NULL: the journal, from bytes behind the beginning of a payload */
    inngest *jobs;
    uint32_t from;
    int status;                        /* the first failure */
    int misfit;                        /* the newest string is too long, holds a 0, or is not the text */
    /* where a string goes: out, or else compared with text */
    char *out;
    const char *text;
    size_t room;
    /* the part of the path looked for */
    const char *root;                  /* the path, whose first name has no dot; NULL: every name has one */
    const char *key;                   /* NULL: an index */
    size_t key_size;
    uint32_t index;
    int32_t exponent;                  /* the newest number is mantissa * 10^exponent */
    uint64_t mantissa;
    uint32_t objects[(INNGEST_JSON_DEPTH + 31) / 32];   /* open containers that are objects; the newest in bit 0 */
    record event;
    uint8_t bytes[WINDOW];
} json_reader;

/* Refuse the text, as malformed unless a status is set. */
static void json_stop(json_reader *r)
{
    if (r->status == INNGEST_OK) r->status = INNGEST_ERR_JSON;
    r->at = r->size;
    r->c = 0;
    r->depth = 0;
}

static void json_next(json_reader *r)
{
    uint32_t at = r->at++;
    r->c = 0;
    if (at >= r->size) return;
    if (r->memory) r->c = r->memory[at];
    else if (at % WINDOW || read_payload(r->jobs, &r->event, r->from + at, r->bytes, minimum(WINDOW, r->size - at)))
        r->c = r->bytes[at % WINDOW];
    else {
        r->status = INNGEST_PAUSED;
        json_stop(r);
    }
}

APART unsigned json_take(json_reader *r)
{
    unsigned c = r->c;
    json_next(r);
    return c;
}

APART bool json_accept(json_reader *r, unsigned c)
{
    if (r->c != c) return false;
    json_next(r);
    return true;
}

static void json_blank(json_reader *r)
{
    while (r->c == ' ' || r->c == '\t' || r->c == '\n' || r->c == '\r') json_next(r);
}

static void json_expect(json_reader *r, unsigned c)
{
    json_blank(r);
    if (!json_accept(r, c)) json_stop(r);
}

static void json_word(json_reader *r, const char *word)
{
    while (*word) if (json_take(r) != (uint8_t)*word++) json_stop(r);
}

static void json_emit(json_reader *r, uint8_t byte)
{
    if (r->room == 0) r->misfit = INNGEST_ERR_TOO_LONG;
    else {
        r->room--;
        if (r->out) *r->out++ = (char)byte;
        else if ((uint8_t)*r->text++ != byte) r->misfit = INNGEST_ERR_TOO_LONG;
    }
}

/* Emit a code point in UTF-8. Gives how many bytes followed the first. */
static unsigned json_emit_code(json_reader *r, uint32_t code)
{
    uint32_t first = 0x7F, bytes = 0;
    unsigned more = 0;
    if (code > 0x10FFFF || code >> 11 == 0xD800 >> 11) json_stop(r);
    for (; code > first; code >>= 6, more++) {
        bytes = (bytes | 0x80 | (code & 0x3F)) << 8;
        first = 0x1F >> more;
    }
    bytes |= (code | ~first << 1) & 0xFF;
    do json_emit(r, (uint8_t)bytes); while (bytes >>= 8);
    return more;
}

static void json_utf8(json_reader *r, uint32_t code)
{
    uint32_t first = code;
    unsigned more = 0;
    if (code < 0xC0 || code > 0xF4) {
        json_stop(r);
        return;
    }
    for (; first & 0x40; first <<= 1, more++) {
        unsigned c = json_take(r) ^ 0x80;
        if (c > 0x3F) json_stop(r);
        code = code << 6 | c;
    }
    if (json_emit_code(r, code & ((UINT32_C(0x40) << 5 * more) - 1)) != more) json_stop(r);   /* overlong */
}

static uint32_t json_hex(json_reader *r)
{
    uint32_t code = 0;
    unsigned i;
    for (i = 0; i < 4; i++) {
        unsigned c = json_take(r), digit = c - '0';
        if (digit > 9) {
            digit = (c | 0x20) - 'a' + 10;
            if (digit - 10 > 5) json_stop(r);
        }
        code = code << 4 | digit;
    }
    return code;
}

static void json_escape(json_reader *r)
{
    static const char names[] = "\"\"\\\\//b\bf\fn\nr\rt\t";      /* each with what it means */
    unsigned c = json_take(r);
    const char *name = names;
    if (c == 'u') {
        uint32_t code = json_hex(r), low;
        if (code >> 10 == 0xD800 >> 10) {            /* the first of a pair */
            json_word(r, "\\u");
            low = json_hex(r) ^ 0xDC00;
            if (low > 0x3FF) json_stop(r);
            code = ((code & 0x3FF) + 0x40) << 10 | low;
        }
        if (code == 0) r->misfit = INNGEST_ERR_RANGE;
        (void)json_emit_code(r, code);
        return;
    }
    while (*name && (uint8_t)*name != c) name += 2;
    if (*name) json_emit(r, (uint8_t)name[1]);
    else json_stop(r);
}

static void json_string(json_reader *r)
{
    unsigned c;
    r->misfit = INNGEST_OK;
    json_expect(r, '"');
    while ((c = json_take(r)) != '"') {
        if (c == '\\') json_escape(r);
        else if (c >= 0x80) json_utf8(r, c);
        else if (c >= 0x20) json_emit(r, (uint8_t)c);
        else {
            json_stop(r);
            break;
        }
    }
    r->type = JSON_STRING;
}

/* Append to the mantissa the zeros that wait in the exponent, as far as it can hold them. */
APART void json_zeros(json_reader *r)
{
    for (; r->exponent > 0 && r->mantissa >> 60 == 0; r->exponent--) r->mantissa *= 10;
}

/* Take one digit or more. Mantissa: gives how many; zeros wait in the exponent until another digit follows; a number too long
 * for an int64_t gets all bits set, stays so and shows in its sign. Exponent: gives its value. */
static int32_t json_digits(json_reader *r, bool exponent)
{
    int32_t n = 0;
    unsigned digit = r->c - (unsigned)'0';
    if (digit > 9) json_stop(r);
    for (; digit <= 9; digit = r->c - (unsigned)'0') {
        json_next(r);
        if (exponent) {
            if (n >> 27 == 0) n = n * 10 + (int32_t)digit;       /* else cut: no text here is that long */
            continue;
        }
        n++;
        if (digit == 0) r->exponent++;
        else {
            json_zeros(r);
            r->mantissa = r->mantissa >> 60 ? UINT64_MAX : r->mantissa * 10 + digit;
        }
    }
    return n;
}

static void json_number(json_reader *r)
{
    int32_t decimals = 0, exponent = 0;
    r->mantissa = 0;
    r->exponent = 0;
    r->negative = json_accept(r, '-');
    if (!json_accept(r, '0')) (void)json_digits(r, false);
    if (json_accept(r, '.')) decimals = json_digits(r, false);
    if ((r->c | 0x20) == 'e') {
        bool negative;
        json_next(r);
        negative = json_accept(r, '-');
        if (!negative) (void)json_accept(r, '+');
        exponent = json_digits(r, true);
        if (negative) exponent = -exponent;
    }
    r->exponent += exponent - decimals;
    r->type = JSON_NUMBER;
}

/* Make the newest number * 10^digits its mantissa. False: it is not that exactly, or too large. */
static bool json_scale(json_reader *r, unsigned digits)
{
    if (r->mantissa == 0) return true;
    r->exponent += (int32_t)digits;
    json_zeros(r);
    if (r->negative) r->mantissa = 0 - r->mantissa;
    return r->exponent == 0 && r->mantissa >> 63 == r->negative;
}

/* Take a value, or the opening of a container. */
static void json_value(json_reader *r)
{
    static const char words[3][6] = { "false", "true", "null" };
    unsigned c, type;
    json_blank(r);
    c = r->c;
    for (type = 0; type <= JSON_NULL; type++)
        if (c == (uint8_t)words[type][0]) {
            json_word(r, words[type]);
            r->type = (uint8_t)type;
            return;
        }
    if (c == '"') json_string(r);
    else if (c == '{' || c == '[') {
        if (r->depth == INNGEST_JSON_DEPTH) {
            r->status = INNGEST_ERR_DEPTH;
            json_stop(r);
            return;
        }
        OBJECTS(r, r->depth) = OBJECTS(r, r->depth) << 1 | (c == '{');
        r->depth++;
        r->type = JSON_OPENED;
        json_next(r);
    } else json_number(r);
}

/* Go to the next value of the innermost container, past its key. False: the container is closed, or the text refused. */
static bool json_more(json_reader *r)
{
    uint32_t *objects = &OBJECTS(r, r->depth - 1);
    bool object = *objects & 1;
    json_blank(r);
    if (json_accept(r, object ? '}' : ']')) {
        *objects >>= 1;
        r->depth--;
        r->type = JSON_COUNT;
        return false;
    }
    if (r->type != JSON_OPENED) json_expect(r, ',');
    if (object) {
        r->out = NULL;
        r->text = r->key;
        r->room = r->key_size;
        json_string(r);
        json_expect(r, ':');
    }
    return r->status == INNGEST_OK;
}

/* Take what is left of all open containers deeper than this. Gives how many values the outermost of them has left. */
static uint32_t json_rest(json_reader *r, unsigned depth)
{
    uint32_t n = 0;
    while (r->depth > depth)
        if (json_more(r)) {
            if (r->depth == depth + 1) n++;
            json_value(r);
        }
    return n;
}

static uint32_t json_all(json_reader *r)
{
    unsigned depth = r->depth;
    json_value(r);
    return json_rest(r, depth);
}

/* Split the next part off a path: name (at the root), .name or [index]. Gives the rest; NULL: malformed. */
static const char *json_part(json_reader *r, const char *path)
{
    const char *start = path;
    r->key = NULL;
    r->key_size = 0;
    if (*path == '[') {
        uint32_t index = 0;
        while ((unsigned)(*++path - '0') <= 9) index = index >> 28 ? UINT32_MAX : index * 10 + (unsigned)(*path - '0');
        r->index = index;
        return path - start > 1 && *path == ']' ? path + 1 : NULL;
    }
    if (path != r->root && *path++ != '.') return NULL;
    r->key = path;
    while (*path && *path != '.' && *path != '[' && *path != ']') path++;
    r->key_size = (size_t)(path - r->key);
    return r->key_size ? path : NULL;
}

/* Go to the value of a path. False: there is none. */
static bool json_find(json_reader *r, const char *path)
{
    while (*path) {
        path = json_part(r, path);
        json_value(r);
        if (r->type != JSON_OPENED || (OBJECTS(r, r->depth - 1) & 1) != (r->key != NULL)) return false;
        for (;;) {
            if (!json_more(r)) return false;
            if (r->key ? r->room == 0 && r->misfit == INNGEST_OK : r->index-- == 0) break;
            (void)json_all(r);
        }
    }
    return true;
}

#if SIZE_MAX > 0xFFFF
typedef size_t json_want;
#else                                  /* holds 8 times a size_t */
typedef uint32_t json_want;
#endif

/* Read the value of a path. want: what kind, and 8 times the bytes of out for a string, the digits for a number. */
static inngest_status json_read(json_reader *r, const char *path, void *out, json_want want)
{
    inngest_status status = INNGEST_OK;
    unsigned wanted = (unsigned)(want % 8);
    char *text = wanted == JSON_STRING ? out : NULL;
    const char *part = path;
    uint64_t value = 0;
    want /= 8;
    if (out == NULL || (text ? want == 0 : want > 18)) return INNGEST_ERR_ARGUMENT;
    if (text) *text = 0;
    while (part && *part) part = json_part(r, part);
    if (part == NULL) return INNGEST_ERR_ARGUMENT;
    json_next(r);
    if (json_find(r, path)) {
        r->out = text;
        r->room = text ? (size_t)want - 1 : 0;
        value = json_all(r);
        r->room = 0;                                 /* no other string goes there */
        if (wanted == JSON_NULL) value = r->type == JSON_NULL;
        else if (wanted == JSON_BOOL && r->type <= JSON_BOOL) value = r->type;
        else if (r->type != wanted) status = INNGEST_ERR_TYPE;
        else if (text && r->status == INNGEST_OK) {  /* else it may be a key, cut off */
            *r->out = 0;
            status = (inngest_status)r->misfit;
        } else if (wanted == JSON_NUMBER) {
            if (!json_scale(r, (unsigned)want)) status = INNGEST_ERR_RANGE;
            value = r->mantissa;
        }
    } else status = INNGEST_ERR_NOT_FOUND;
    (void)json_rest(r, 0);
    json_blank(r);
    if (r->at != r->size + 1) json_stop(r);          /* all of the text must be one value */
    if (r->status != INNGEST_OK) status = (inngest_status)r->status;
    if (text) {
        if (status != INNGEST_OK) *text = 0;
    } else if (status == INNGEST_OK) {
        if (wanted == JSON_NUMBER) *(int64_t *)out = (int64_t)value;
        else if (wanted == JSON_COUNT) *(size_t *)out = (size_t)value;
        else *(bool *)out = (uint32_t)value != 0;
    }
    return status;
}

static inngest_status json_read_memory(const void *json, size_t size, const char *path, void *out, json_want want)
{
    json_reader r;
    if (json == NULL && size > 0) return INNGEST_ERR_ARGUMENT;
#if SIZE_MAX > 0x3FFFFFF
    if (size >> 26) return INNGEST_ERR_TOO_LONG;     /* no exponent that json_digits cut is made good by so few digits */
#endif
    clear_bytes(&r, sizeof r);
    r.memory = json;
    r.size = (uint32_t)size;
    r.root = path;
    return json_read(&r, path, out, want);
}

static void event_error(inngest_ctx *ctx, inngest_status status, const char *path)
{
    if (!ctx->told && !IN_ON_FAILURE(ctx->run)) set_error(ctx, status, 0, path);   /* there the run's failure stays */
}

static inngest_status json_read_event(inngest_ctx *ctx, const char *path, void *out, json_want want)
{
    json_reader r;
    inngest_status status = INNGEST_ERR_ARGUMENT;
    uint32_t name;
    clear_bytes(&r, sizeof r);
    r.jobs = ctx->jobs;
    r.from = find_event(ctx, &r.event, &name);
    if (r.from == 0) return park(ctx, INNGEST_WAIT_DAMAGE);
    r.size = r.event.size - r.from;
    if (path && matches("data", path, 4)) status = json_read(&r, path + 4, out, want);
    if (status == INNGEST_PAUSED) return park(ctx, INNGEST_WAIT_DAMAGE);
    if (status != INNGEST_OK) event_error(ctx, status, path);
    return status;
}

inngest_status inngest_json_validate(const void *json, size_t size)
{
    bool null;
    return json_read_memory(json, size, "", &null, JSON_NULL);
}

inngest_status inngest_json_string(const void *json, size_t size, const char *path, char *out, size_t out_size)
{
    if (out && out_size) *out = 0;
    return json_read_memory(json, size, path, out, JSON_STRING + 8 * (json_want)out_size);
}

inngest_status inngest_json_int64(const void *json, size_t size, const char *path, int64_t *out)
{
    return json_read_memory(json, size, path, out, JSON_NUMBER);
}

inngest_status inngest_json_decimal(const void *json, size_t size, const char *path, unsigned digits, int64_t *out)
{
    return json_read_memory(json, size, path, out, JSON_NUMBER + 8 * (json_want)minimum(digits, 19));
}

inngest_status inngest_json_bool(const void *json, size_t size, const char *path, bool *out)
{
    return json_read_memory(json, size, path, out, JSON_BOOL);
}

inngest_status inngest_json_is_null(const void *json, size_t size, const char *path, bool *out)
{
    return json_read_memory(json, size, path, out, JSON_NULL);
}

inngest_status inngest_json_count(const void *json, size_t size, const char *path, size_t *out)
{
    return json_read_memory(json, size, path, out, JSON_COUNT);
}

inngest_status inngest_event_string(inngest_ctx *ctx, const char *path, char *out, size_t size)
{
    if (out && size) *out = 0;
    return json_read_event(ctx, path, out, JSON_STRING + 8 * (json_want)size);
}

inngest_status inngest_event_int64(inngest_ctx *ctx, const char *path, int64_t *out)
{
    return json_read_event(ctx, path, out, JSON_NUMBER);
}

inngest_status inngest_event_decimal(inngest_ctx *ctx, const char *path, unsigned digits, int64_t *out)
{
    return json_read_event(ctx, path, out, JSON_NUMBER + 8 * (json_want)minimum(digits, 19));
}

inngest_status inngest_event_bool(inngest_ctx *ctx, const char *path, bool *out)
{
    return json_read_event(ctx, path, out, JSON_BOOL);
}

inngest_status inngest_event_is_null(inngest_ctx *ctx, const char *path, bool *out)
{
    return json_read_event(ctx, path, out, JSON_NULL);
}

inngest_status inngest_event_count(inngest_ctx *ctx, const char *path, size_t *out)
{
    return json_read_event(ctx, path, out, JSON_COUNT);
}
#endif

/* ---- 17 Text ---------------------------------------------------------------------------------------------------------- */

#if INNGEST_TEXT

#define LONGEST (366 * UINT64_C(86400000))

static bool text_is_digit(char c) { return c >= '0' && c <= '9'; }
static bool text_is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

APART const char *text_spaces(const char *text)
{
    while (*text == ' ') text++;
    return text;
}

/* Take a unit with or without the plural's s, in any case; *unit_s is its length, 0: a ms. NULL: there is no such unit. */
static const char *text_unit(const char *text, uint32_t *unit_s)
{
    static const char names[] = "ms msec millisecond,s sec second,m min minute,h hr hour,d day,w week,y yr year,";
    static const uint32_t seconds[] = { 0, 1, 60, 3600, 86400, 604800, 31557600 };   /* a year as in npm's ms: 365.25 days */
    const char *name = names;
    const uint32_t *unit = seconds;
    for (; *name; name++) {
        size_t n = 0;
        for (; *name > ',' && (text[n] | 0x20) == *name; name++) n++;          /* a letter: what ends a name comes before it */
        if (*name <= ',') {
            if (n > 1 && name[-1] != 's' && (text[n] | 0x20) == 's') n++;
            if (!text_is_letter(text[n])) {
                *unit_s = *unit;
                return text + n;
            }
        }
        while (*name > ',') name++;
        if (*name == ',') unit++;
    }
    return NULL;
}

inngest_status inngest_parse_duration(const char *text, int64_t *ms)
{
    uint64_t total = 0, whole;
    uint32_t unit_s, part_s, part_ms;
    bool first = true;
    if (text == NULL || ms == NULL) return INNGEST_ERR_ARGUMENT;
    for (text = text_spaces(text); first || *text; first = false) {
        const char *start = text, *point, *end;
        for (whole = 0; text_is_digit(*text); text++) if (whole >> 40 == 0) whole = whole * 10 + (unsigned)(*text - '0');
        point = text;
        if (*text == '.') while (text_is_digit(*++text)) { }
        if (text == start || text[-1] == '.') return INNGEST_ERR_ARGUMENT;
        end = text;
        text = text_spaces(text);
        unit_s = 0;
        if (*text || !first) text = text_unit(text, &unit_s);
        if (text == NULL) return INNGEST_ERR_ARGUMENT;
        for (part_s = part_ms = 0; --end > point; part_s /= 10) {          /* from the last digit on: a tenth of both, rounded up */
            uint32_t digit = (uint32_t)(*end - '0');
            part_s += digit * unit_s;
            if (unit_s == 0) part_ms += digit;
            part_ms = (part_s % 10 * 1000 + part_ms + 9) / 10;
        }
        if (unit_s) {
            if (whole > (uint32_t)(LONGEST / 1000) / unit_s) return INNGEST_ERR_RANGE;
            whole = ((uint32_t)whole * unit_s + part_s) * UINT64_C(1000);
        }
        total += whole + part_ms;
        if (total > LONGEST) return INNGEST_ERR_RANGE;
        text = text_spaces(text);
    }
    *ms = (int64_t)total;
    return INNGEST_OK;
}

/* Match text with a shape as far as that goes: 0 is a digit, all else itself and the start of the next number. The numbers
 * begin as 0. Gives how many characters. */
static unsigned text_shape(const char *text, const char *shape, unsigned *numbers)
{
    unsigned n;
    for (n = 0; shape[n]; n++) {
        if (shape[n] == '0' ? !text_is_digit(text[n]) : text[n] != shape[n]) break;
        if (shape[n] == '0') *numbers = *numbers * 10 + (unsigned)(text[n] - '0');
        else numbers++;
    }
    return n;
}

/* Z, +hh, +hhmm or +hh:mm to the end of the text, its hours and minutes to zone. */
static bool text_zone(const char *text, unsigned *zone)
{
    if ((*text | 0x20) == 'z') return text[1] == 0;
    if ((*text != '+' && *text != '-') || text_shape(text + 1, "00", zone) != 2) return false;
    text += 3;
    if (*text == 0) return true;
    if (*text == ':') text++;
    return text_shape(text, "00", zone + 1) == 2 && text[2] == 0;
}

/* Days from 1970-01-01 to the day before the first of a month; 13 is January of the next year. */
static int32_t text_days_before(unsigned year, unsigned month)
{
    uint32_t y = (uint32_t)year + 400, century;      /* a whole cycle later, counted from 1 March on */
    if (month < 3) {
        month += 12;
        y--;
    }
    century = y / 100;
    return (int32_t)(y * 365 + y / 4 - century + century / 4 + (month * 153 - 457) / 5) - 865566;
}

inngest_status inngest_parse_time(const char *text, int64_t *unix_ms)
{
    unsigned n[8], weight = 100;                     /* year, month, day, hour, minute, second, the zone's hour and minute */
    bool more = false, west = false;                 /* more: a fraction of a second that is not 0 */
    int32_t days, ms = 0, zone;
    if (text == NULL || unix_ms == NULL) return INNGEST_ERR_ARGUMENT;
    clear_bytes(n, sizeof n);
    if (text_shape(text, "0000-00-00", n) != 10) return INNGEST_ERR_ARGUMENT;
    text += 10;
    if (*text) {
        unsigned size;
        if ((*text | 0x20) != 't' && *text != ' ') return INNGEST_ERR_ARGUMENT;
        size = text_shape(++text, "00:00:00", n + 3);
        text += size;
        if (size != 5 && size != 8) return INNGEST_ERR_ARGUMENT;
        if (size == 8 && (*text == '.' || *text == ',') && text_is_digit(text[1]))
            for (text++; text_is_digit(*text); text++, weight /= 10) {
                ms += (int32_t)((unsigned)(*text - '0') * weight);
                if (*text != '0') more = true;
            }
        if (!text_zone(text, n + 6)) return INNGEST_ERR_ARGUMENT;
        west = *text == '-';
    }
    days = text_days_before(n[0], n[1]);
    ms += (int32_t)((n[3] * 60 + n[4]) * 60000 + n[5] * 1000);
    if (n[1] - 1 > 11 || n[2] - 1 >= (unsigned)(text_days_before(n[0], n[1] + 1) - days) || n[4] > 59 || n[5] > 59 || ms + more > 86400000 || n[6] > 23 || n[7] > 59) return INNGEST_ERR_RANGE;
    zone = (int32_t)((n[6] * 60 + n[7]) * 60000);
    *unix_ms = (int64_t)(days + (int32_t)n[2]) * 86400000 + (west ? ms + zone : ms - zone);
    return INNGEST_OK;
}
#endif
