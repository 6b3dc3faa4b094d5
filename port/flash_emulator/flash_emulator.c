/* SPDX-License-Identifier: MIT */
#include "flash_emulator.h"
#include <stdlib.h>
#include <string.h>

/* What is known of a unit. */
#define PROGRAMMED 1u      /* since the erase, or may be */
#define INTERRUPTED 2u     /* and `other` holds what it was to be */
#define RARELY 4u          /* a read in four shows bits of `other` */
#define ALWAYS 8u          /* each read does */
#define UNREADABLE 16u
#define ODD (RARELY | ALWAYS | UNREADABLE)

static uint32_t size_of(const flash *f) { return f->port.block_size * f->port.block_count; }

static uint32_t random_bits(flash *f)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 17;
    f->random ^= f->random << 5;
    return f->random;
}

static uint8_t random_byte(flash *f) { return (uint8_t)(random_bits(f) >> 11); }

static bool inside(const flash *f, uint32_t address, uint32_t size) { return address <= size_of(f) && size <= size_of(f) - address; }

static void set_unit(flash *f, uint32_t unit, unsigned state)
{
    if (f->units[unit] & ODD) f->odd--;
    if (state & ODD) f->odd++;
    f->units[unit] = (uint8_t)state;
}

/* Count an operation. True: power goes in it. */
static bool cut(flash *f)
{
    if (++f->operations != f->cut_at) return false;
    f->dead = true;
    return true;
}

static int power_lost(flash *f)
{
    if (f->power_lost) f->power_lost(f->user);
    return FLASH_ERROR_POWER;
}

static bool busy(flash *f)
{
    if (f->busy_left++ < f->busy) return true;
    f->busy_left = 0;
    return false;
}

/* ---- reads ----------------------------------------------------------------------------------------------------- */

static bool unit_is_erased(const flash *f, uint32_t unit)
{
    uint32_t g = f->port.program_size, i;
    if (f->units[unit] & PROGRAMMED) return false;
    for (i = 0; i < g; i++) if (f->cells[unit * g + i] != 0xFF) return false;
    return true;
}

/* Read within one unit. */
static int read_unit(flash *f, uint32_t address, uint8_t *to, uint32_t size)
{
    uint32_t unit = address / f->port.program_size, i;
    unsigned state = f->units[unit];
    bool mixed = (state & ALWAYS) || ((state & RARELY) && random_bits(f) % 4 == 0);
    if ((state & UNREADABLE) || (f->erased == FLASH_ERASED_UNREADABLE && unit_is_erased(f, unit))) return FLASH_ERROR_ECC;
    for (i = 0; i < size; i++) {
        uint8_t bits = mixed ? random_byte(f) : 0xFF;
        to[i] = (uint8_t)((f->cells[address + i] & bits) | (f->other[address + i] & ~bits));
        if (f->erased >= 0) to[i] ^= (uint8_t)(f->erased ^ 0xFF);
    }
    if (f->erased == FLASH_ERASED_RANDOM && unit_is_erased(f, unit)) for (i = 0; i < size; i++) to[i] = random_byte(f);
    return 0;
}

static int flash_read(void *context, uint32_t address, void *data, uint32_t size)
{
    flash *f = context;
    uint8_t *to = data;
    uint32_t g = f->port.program_size, n;
    if (f->dead) return FLASH_ERROR_POWER;
    if (!inside(f, address, size)) { f->violations++; return FLASH_ERROR_MISUSE; }
    if (f->trace) f->trace(f->user, 'r', address, size);
    if (f->odd == 0 && f->erased == 0xFF) {
        memcpy(to, f->cells + address, size);
        return 0;
    }
    for (; size > 0; size -= n, address += n, to += n) {
        n = g - address % g < size ? g - address % g : size;
        if (read_unit(f, address, to, n) != 0) return FLASH_ERROR_ECC;
    }
    return 0;
}

/* Like the blank check of a controller: it looks at the cells, and marginal ones may pass. */
static bool flash_is_blank(void *context, uint32_t address, uint32_t size)
{
    flash *f = context;
    int erased = f->erased;
    uint8_t byte;
    uint32_t i;
    bool blank = !f->dead && inside(f, address, size);
    f->erased = 0xFF;
    for (i = 0; blank && i < size; i++) blank = read_unit(f, address + i, &byte, 1) == 0 && byte == 0xFF;
    f->erased = erased;
    return blank;
}

/* ---- programs and erases ----------------------------------------------------------------------------------------- */

/* How an operation stops short: power is lost, or a bad block refuses it. */
typedef struct stop {
    flash_tear tear;
    flash_cells cells;
} stop;

static stop stopped(flash *f, bool lost)
{
    stop how;
    how.tear = lost ? f->tear : f->bad_tear;
    how.cells = lost ? f->cells_after : f->bad_cells;
    if (how.tear == FLASH_TEARS) {
        how.tear = (flash_tear)(random_bits(f) / 64 % FLASH_TEARS);
        how.cells = (flash_cells)(random_bits(f) / 64 % FLASH_CELLS);
    }
    return how;
}

/* Does a bad block refuse this operation? */
static bool refuses(flash *f, uint32_t address, flash_bad how)
{
    if (f->bad[address / f->port.block_size] != how || (f->bad_odds > 1 && random_bits(f) % f->bad_odds)) return false;
    f->refused++;
    return true;
}

/* Leave a unit between what it was and what it was to be. */
static void tear_unit(flash *f, uint32_t unit, const uint8_t *meant, bool erasing, stop how)
{
    uint32_t g = f->port.program_size, i, whole = random_bits(f) % (g + 1);
    uint8_t *cells = f->cells + unit * g, *other = f->other + unit * g;
    unsigned state = PROGRAMMED | (erasing ? 0 : INTERRUPTED), reads = 0;
    for (i = 0; i < g; i++) {
        uint8_t was = cells[i], to_be = erasing ? 0xFF : (uint8_t)(was & meant[i]), bits = random_byte(f);
        if (how.tear == FLASH_TEAR_HALF && !erasing) bits = i < whole ? 0 : 0xFF;
        other[i] = to_be;
        if (how.tear == FLASH_TEAR_WEAK) { cells[i] = to_be; other[i] = was; }
        else if (how.tear != FLASH_TEAR_TOUCHED && how.cells == FLASH_STABLE) cells[i] = (uint8_t)((was & bits) | (to_be & ~bits));
    }
    if (how.cells == FLASH_UNREADABLE) reads = UNREADABLE;
    else if (how.tear == FLASH_TEAR_WEAK || (how.tear == FLASH_TEAR_TOUCHED && how.cells == FLASH_METASTABLE)) reads = RARELY;
    else if (how.cells == FLASH_METASTABLE) reads = ALWAYS;
    set_unit(f, unit, state | reads);
}

/* The unit that an operation of n units which stopped short was at; n: it was done. */
static uint32_t reached(flash *f, flash_tear tear, uint32_t n)
{
    switch (tear) {
    case FLASH_TEAR_MIDDLE: return n / 2;
    case FLASH_TEAR_LAST: case FLASH_TEAR_WEAK: return n - 1;
    case FLASH_TEAR_RANDOM: case FLASH_TEAR_HALF: return random_bits(f) % n;
    case FLASH_TEAR_DONE: return n;
    case FLASH_TEAR_NONE: case FLASH_TEAR_TOUCHED: case FLASH_TEAR_FIRST: case FLASH_TEARS: default: return 0;
    }
}

static void check_unit(flash *f, uint32_t unit, const uint8_t *data)
{
    uint32_t g = f->port.program_size, i;
    bool same = (f->units[unit] & INTERRUPTED) != 0;
    if (f->units[unit] == 0) return;
    for (i = 0; same && i < g; i++) same = f->cells[unit * g + i] == 0xFF && f->other[unit * g + i] == data[i];
    if (same) f->repeats++;
    else f->violations++;
}

/* Program one unit, or leave it torn. torn: NULL: it is not. */
static void program_unit(flash *f, uint32_t unit, const uint8_t *data, const stop *torn)
{
    uint8_t cells[32];
    uint32_t g = f->port.program_size, i;
    for (i = 0; i < g; i++) cells[i] = f->erased >= 0 ? (uint8_t)(data[i] ^ f->erased ^ 0xFF) : data[i];
    check_unit(f, unit, cells);
    if (torn) { tear_unit(f, unit, cells, false, *torn); return; }
    for (i = 0; i < g; i++) f->cells[unit * g + i] &= cells[i];
    set_unit(f, unit, PROGRAMMED);
}

static int flash_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    flash *f = context;
    const uint8_t *from = data;
    uint32_t g = f->port.program_size, units = size / g, n = units, i;
    bool lost, refused;
    stop how = { FLASH_TEAR_DONE, FLASH_STABLE };
    if (f->dead) return FLASH_ERROR_POWER;
    if (size == 0 || address % g || size % g || !inside(f, address, size)) { f->violations++; return FLASH_ERROR_MISUSE; }
    if (busy(f)) return INNGEST_PORT_BUSY;
    if (f->trace) f->trace(f->user, 'p', address, size);
    lost = cut(f);
    refused = !lost && refuses(f, address, FLASH_BAD_PROGRAM);
    if (lost || refused) how = stopped(f, lost);
    if ((lost || refused) && how.tear == FLASH_TEAR_NONE) return lost ? power_lost(f) : FLASH_ERROR_BAD;
    if (lost || refused) n = reached(f, how.tear, units);
    for (i = 0; i < units && i <= n; i++) program_unit(f, address / g + i, from + i * g, i == n ? &how : NULL);
    return lost ? power_lost(f) : refused ? FLASH_ERROR_BAD : 0;
}

static int flash_erase(void *context, uint32_t address)
{
    flash *f = context;
    uint32_t g = f->port.program_size, block = f->port.block_size, units = block / g, first = address / g, n = units, i;
    bool lost, refused, all;
    stop how = { FLASH_TEAR_DONE, FLASH_STABLE };
    if (f->dead) return FLASH_ERROR_POWER;
    if (address % block || address >= size_of(f)) { f->violations++; return FLASH_ERROR_MISUSE; }
    if (busy(f)) return INNGEST_PORT_BUSY;
    if (f->trace) f->trace(f->user, 'e', address, block);
    lost = cut(f);
    refused = !lost && refuses(f, address, FLASH_BAD_ERASE);
    if (lost || refused) how = stopped(f, lost);
    all = how.tear == FLASH_TEAR_HALF || how.tear == FLASH_TEAR_WEAK;
    if (!lost || how.tear != FLASH_TEAR_NONE) f->wear[address / block]++;
    if ((lost || refused) && how.tear == FLASH_TEAR_NONE) return lost ? power_lost(f) : FLASH_ERROR_BAD;
    if (lost || refused) n = all ? 0 : reached(f, how.tear, units);
    memset(f->cells + address, 0xFF, n * g);
    for (i = 0; i < units; i++) set_unit(f, first + i, n == units ? 0 : PROGRAMMED | (i < n ? 0u : f->units[first + i]));
    for (i = n; i < units && (i == n || all); i++) tear_unit(f, first + i, NULL, true, how);
    return lost ? power_lost(f) : refused ? FLASH_ERROR_BAD : 0;
}

/* ---- the chip as a whole ----------------------------------------------------------------------------------------- */

bool flash_open(flash *f, uint32_t block_size, uint32_t block_count, uint16_t program_size, uint32_t seed)
{
    size_t size = (size_t)block_size * block_count, units = size / program_size;
    memset(f, 0, sizeof *f);
    f->port.context = f;
    f->port.read = flash_read;
    f->port.program = flash_program;
    f->port.erase = flash_erase;
    f->port.block_size = block_size;
    f->port.block_count = block_count;
    f->port.program_size = program_size;
    f->random = seed * 2654435761u | 1u;
    f->erased = 0xFF;
    f->memory = block_count * sizeof *f->wear + 2 * size + units + block_count;
    f->wear = calloc(f->memory, 1);
    if (f->wear == NULL) return false;
    f->cells = (uint8_t *)(f->wear + block_count);
    f->other = f->cells + size;
    f->units = f->other + size;
    f->bad = f->units + units;
    memset(f->cells, 0xFF, size);
    return true;
}

void flash_close(flash *f)
{
    free(f->wear);
    f->wear = NULL;
    f->cells = f->other = f->units = f->bad = NULL;
}

void flash_set_erased(flash *f, int erased)
{
    f->erased = erased;
    f->port.is_blank = flash_is_blank;
}

void flash_set_bad(flash *f, uint32_t block, flash_bad how) { f->bad[block] = (uint8_t)how; }

void flash_power_on(flash *f)
{
    f->dead = false;
    f->busy_left = 0;
}

void flash_copy(flash *to, const flash *from)
{
    memcpy(to->wear, from->wear, from->memory);
    to->random = from->random;
    to->operations = from->operations;
    to->violations = from->violations;
    to->repeats = from->repeats;
    to->refused = from->refused;
    to->dead = from->dead;
    to->odd = from->odd;
    to->busy_left = from->busy_left;
    to->erased = from->erased;
}

uint64_t flash_hash(const flash *f)
{
    const uint8_t *from = f->cells;
    size_t left = f->memory - f->port.block_count * (sizeof *f->wear + 1);
    uint64_t hash = 0x9E3779B97F4A7C15u + (uint64_t)(f->erased + 2), word;
    for (; left > 0; from += sizeof word) {
        size_t n = left < sizeof word ? left : sizeof word;
        word = 0;
        memcpy(&word, from, n);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
        hash ^= hash >> 32;
        left -= n;
    }
    return hash;
}
