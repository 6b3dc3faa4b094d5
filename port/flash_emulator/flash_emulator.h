/* SPDX-License-Identifier: MIT
 * A NOR or MCU flash in memory, to test jobs with: it loses power where it is told to, tears what it was doing, wears
 * out, answers BUSY, and counts whatever a real part would not bear. power_cut.h beside it cuts everywhere by itself.
 *
 *     flash chip;
 *     flash_open(&chip, 4096, 4, 8, 1);       config.port = &chip.port; inngest_init(...)
 *     chip.cut_at = chip.operations + 3;      the third program or erase from now on is interrupted
 *     chip.tear = FLASH_TEAR_MIDDLE;          ... in its middle
 *     chip.cells_after = FLASH_METASTABLE;    ... and what it was touching reads differently each time from then on
 *     flash_power_on(&chip);                  after the cut all fails until then; mount a new engine
 *
 * Operations count from 1. Fields may be set at any time, but for those said to be the emulator's own. */
#ifndef FLASH_EMULATOR_H
#define FLASH_EMULATOR_H
#include "inngest.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How far an interrupted program or erase came. Units are programmed in ascending order, each whole before the next. */
typedef enum flash_tear {
    FLASH_TEAR_NONE,       /* power went before it began */
    FLASH_TEAR_TOUCHED,    /* begun in the first unit, and nothing to be seen yet; that unit counts as programmed */
    FLASH_TEAR_FIRST,      /* stopped in the first unit, random bits of it done */
    FLASH_TEAR_MIDDLE,
    FLASH_TEAR_LAST,
    FLASH_TEAR_RANDOM,     /* in any unit */
    FLASH_TEAR_HALF,       /* a program: in any unit, some of its bytes whole; an erase: any half of all bits of the block */
    FLASH_TEAR_WEAK,       /* looks complete, and a read in four shows some of the last unit (an erase: of any unit) undone */
    FLASH_TEAR_DONE,       /* complete, and nobody was told */
    FLASH_TEARS
} flash_tear;

/* What a read gives of the cells that power left between two states, until they are erased. */
typedef enum flash_cells {
    FLASH_STABLE,          /* always the same */
    FLASH_METASTABLE,      /* other bits at each read; after TOUCHED in one read of four */
    FLASH_UNREADABLE,      /* an error (ECC) */
    FLASH_CELLS
} flash_cells;

/* What erased cells read as, when not a byte. */
#define FLASH_ERASED_RANDOM (-1)       /* other bytes at each read (Renesas RA) */
#define FLASH_ERASED_UNREADABLE (-2)   /* an error (LPC55) */

/* Which operations a block refuses, until it is said to be good. bad_tear and bad_cells say what they leave behind. */
typedef enum flash_bad { FLASH_GOOD, FLASH_BAD_ERASE, FLASH_BAD_PROGRAM } flash_bad;

/* Errors of the port. */
#define FLASH_ERROR_POWER (-1)
#define FLASH_ERROR_MISUSE (-2)        /* out of range or not aligned; a violation, too */
#define FLASH_ERROR_BAD (-3)
#define FLASH_ERROR_ECC (-4)

typedef struct flash {
    inngest_port port;     /* for inngest_config.port */
    uint32_t cut_at;       /* lose power in this operation; 0: never */
    flash_tear tear;
    flash_cells cells_after;
    flash_tear bad_tear;   /* how far an operation came that a bad block refuses; NONE, at first: nothing was done; FLASH_TEARS: any, drawn each time */
    flash_cells bad_cells; /* ... and what a read gives of the cells it stopped in */
    uint32_t bad_odds;     /* a bad block refuses one in so many; 0 and 1: all */
    uint32_t busy;         /* each program and erase answers BUSY so often before it is done */
    void (*power_lost)(void *user);    /* NULL: none; called at the cut, may longjmp away: no code runs without power */
    void (*trace)(void *user, char operation, uint32_t address, uint32_t size);   /* NULL: none; 'r', 'p', 'e', before each */
    void *user;
    uint32_t random;       /* seed of all that is random */
    /* to look at */
    uint32_t operations;   /* programs and erases so far; one that was interrupted, too */
    uint32_t violations;   /* programs of a unit that was not erased in between, misaligned or out of range */
    uint32_t repeats;      /* programs of the same bytes where an interrupted program of them left no trace: no violation */
    uint32_t refused;      /* programs and erases that a bad block refused */
    bool dead;             /* power is off: everything fails until flash_power_on */
    uint8_t *cells;        /* block_size * block_count bytes, erased as 0xFF whatever they read as: an image */
    uint32_t *wear;        /* erases a block, interrupted ones too */
    /* the emulator's own */
    uint8_t *other, *units, *bad;
    size_t memory;
    uint32_t odd, busy_left;
    int erased;
} flash;

/* Make a chip, all erased. Memory comes from calloc. False: none left. */
bool flash_open(flash *f, uint32_t block_size, uint32_t block_count, uint16_t program_size, uint32_t seed);
void flash_close(flash *f);

/* Say what erased cells read as: a byte, 0xFF at first, or one of FLASH_ERASED_. The port then has is_blank. */
void flash_set_erased(flash *f, int erased);
void flash_set_bad(flash *f, uint32_t block, flash_bad how);
void flash_power_on(flash *f);

/* Make one chip the same as another of the same geometry: cells, wear, counts; what is set stays the caller's: cut_at, power_lost,
 * trace, user. A snapshot, in the time of a memcpy of about three times its size. */
void flash_copy(flash *to, const flash *from);
/* Tell states of a chip apart: cells and how they read. */
uint64_t flash_hash(const flash *f);

#ifdef __cplusplus
}
#endif
#endif
