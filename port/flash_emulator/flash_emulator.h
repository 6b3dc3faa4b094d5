/* SPDX-License-Identifier: MIT
 * A NOR flash in memory that loses power where it is told to. For testing jobs: see tests/power_cut.c. */
#ifndef FLASH_EMULATOR_H
#define FLASH_EMULATOR_H
#include "inngest.h"

typedef enum flash_tear {
    FLASH_TEAR_NONE,       /* the operation is not applied */
    FLASH_TEAR_FIRST,      /* a program or erase stops in its first unit, with random bits left there */
    FLASH_TEAR_MIDDLE,
    FLASH_TEAR_LAST,
    FLASH_TEAR_DONE,       /* the operation is complete, and nobody was told */
    FLASH_TEARS
} flash_tear;

typedef struct flash {
    inngest_port port;
    uint8_t *cells;        /* block_size * block_count bytes */
    uint8_t *programmed;   /* a byte a program unit: 1 since the erase */
    uint32_t *wear;        /* erases a block */
    uint32_t operations;   /* programs and erases so far */
    uint32_t cut_at;       /* lose power at this operation; 0: never */
    flash_tear tear;
    uint32_t random;
    uint32_t violations;   /* second programs of a unit, misaligned or out of range */
    bool dead;             /* everything fails until flash_power_on */
} flash;

/* Memory comes from calloc. False: none left. */
bool flash_open(flash *f, uint32_t block_size, uint32_t block_count, uint16_t program_size, uint32_t seed);
void flash_power_on(flash *f);
void flash_close(flash *f);
#endif
