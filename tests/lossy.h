/* SPDX-License-Identifier: MIT
 * A disk with a cache, made of the emulator's chip, for tests that have a flash: where power is lost it keeps of what was not synced
 * nothing, the first writes, the last ones, any of them, all but one, or each sector as it was at any time. */
#ifndef LOSSY_H
#define LOSSY_H
#include "../port/flash_emulator/flash_emulator.h"
#include "draw.h"
#include <stdlib.h>
#include <string.h>

static struct {
    flash *chip;                       /* NULL: there is none */
    int (*program)(void *, uint32_t, const void *, uint32_t), (*erase)(void *, uint32_t);     /* the chip's */
    uint32_t at, bytes;                /* the write at hand */
    uint8_t *durable;
    struct { uint32_t at, size; uint8_t *bytes; } *writes;
    unsigned count, room;
    uint32_t sector;
    uint64_t random;
} lossy;

static inline uint32_t lossy_size(void) { return lossy.chip->port.block_size * lossy.chip->port.block_count; }
static inline void lossy_forget(void) { while (lossy.count) free(lossy.writes[--lossy.count].bytes); }

/* What stands there now is in the cache. */
static inline void lossy_note(uint32_t at, uint32_t size)
{
    if (lossy.chip == NULL) return;
    if (lossy.count == lossy.room) lossy.writes = realloc(lossy.writes, (lossy.room = lossy.room * 2 + 64) * sizeof *lossy.writes);
    lossy.writes[lossy.count].at = at;
    lossy.writes[lossy.count].size = size;
    memcpy(lossy.writes[lossy.count].bytes = malloc(size), lossy.chip->cells + at, size);
    lossy.count++;
}

/* The chip's trace, and what its power_lost begins with: the write at hand is in the cache as far as it came. */
static inline void lossy_trace(void *user, char operation, uint32_t at, uint32_t size)
{
    (void)user;
    if (operation == 'r') return;
    lossy.at = at;
    lossy.bytes = size;
}
static inline void lossy_cut(void) { lossy_note(lossy.at, lossy.bytes); }

/* In the place of the chip's. */
static inline int lossy_program(void *context, uint32_t at, const void *data, uint32_t size)
{
    const int result = lossy.program(context, at, data, size);
    lossy_note(at, size);
    return result;
}
static inline int lossy_erase(void *context, uint32_t at)
{
    const int result = lossy.erase(context, at);
    lossy_note(at, lossy.chip->port.block_size);
    return result;
}

/* Is power lost in this sync, where the next operation would be the one that is cut? */
static inline bool lossy_in_sync(bool next) { return next && draw(&lossy.random, 2); }

static inline int lossy_sync(void *context)
{
    (void)context;
    memcpy(lossy.durable, lossy.chip->cells, lossy_size());
    lossy_forget();
    return 0;
}

/* Power is lost, in a write that has been noted as far as it came. */
static inline void lossy_drop(void)
{
    uint64_t *r = &lossy.random;
    uint32_t how, k, first = 0, n = lossy.count, upto[64];
    unsigned i;
    if (lossy.chip == NULL) return;
    how = draw(r, 7);
    if (how == 1) n = draw(r, n + 1);
    if (how == 6) first = draw(r, n + 1);
    for (i = 0; i < 64; i++) upto[i] = how != 2 ? lossy.count : draw(r, 2) ? draw(r, lossy.count + 1) : draw(r, 2) * lossy.count;
    for (i = how ? first : n; i < n; i++) {
        uint32_t at = lossy.writes[i].at, size = lossy.writes[i].size;
        if ((how == 3 && draw(r, 2)) || (how == 4 && draw(r, lossy.count) == 0)) continue;
        if (how % 2 && i + 1 == lossy.count && draw(r, 2)) size = draw(r, size);
        for (k = 0; k < size; k++) if (i < upto[(at + k) / lossy.sector % 64]) lossy.durable[at + k] = lossy.writes[i].bytes[k];
    }
    lossy_forget();
    memcpy(lossy.chip->cells, lossy.durable, lossy_size());
    memset(lossy.chip->units, 0, lossy_size() / lossy.chip->port.program_size);
    for (k = 0; k < lossy_size(); k++) if (lossy.chip->cells[k] != 0xFF) lossy.chip->units[k / lossy.chip->port.program_size] = 1;
    lossy.chip->odd = 0;
}

/* Of this chip, all erased, or of none. The port, if there is one, writes to the disk then; its sync is the test's, for power may be
 * lost in it. */
static inline void lossy_open(flash *chip, inngest_port *port, uint32_t seed)
{
    static const uint16_t sectors[] = { 64, 128, 512, 4096 };
    lossy_forget();
    free(lossy.durable);
    lossy.durable = NULL;
    lossy.chip = chip;
    lossy.random = seed * UINT64_C(7331) + 9;
    lossy.sector = sectors[draw(&lossy.random, 4)];
    if (chip == NULL) return;
    memset(lossy.durable = malloc(lossy_size()), 0xFF, lossy_size());
    if (port == NULL) return;
    lossy.program = chip->port.program;
    lossy.erase = chip->port.erase;
    port->program = lossy_program;
    port->erase = lossy_erase;
}
#endif
