/* SPDX-License-Identifier: MIT */
#include "flash_emulator.h"
#include <stdlib.h>
#include <string.h>

static uint32_t size_of(const flash *f) { return f->port.block_size * f->port.block_count; }

static uint8_t random_byte(flash *f)
{
    f->random = f->random * 1664525u + 1013904223u;
    return (uint8_t)(f->random >> 24);
}

/* How many of n units the operation reaches; dead afterwards if power goes now. */
static uint32_t reach(flash *f, uint32_t n, bool *torn)
{
    *torn = false;
    if (++f->operations != f->cut_at) return n;
    f->dead = true;
    if (f->tear == FLASH_TEAR_DONE) return n;
    *torn = f->tear != FLASH_TEAR_NONE;
    if (f->tear == FLASH_TEAR_MIDDLE) return n / 2;
    return f->tear == FLASH_TEAR_LAST ? n - 1 : 0;
}

static int flash_read(void *context, uint32_t address, void *data, uint32_t size)
{
    flash *f = context;
    if (f->dead || address > size_of(f) || size > size_of(f) - address) return -1;
    memcpy(data, f->cells + address, size);
    return 0;
}

static int flash_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    flash *f = context;
    const uint8_t *from = data;
    uint32_t g = f->port.program_size, units = size / g, i, k, n;
    bool torn;
    if (f->dead) return -1;
    if (size == 0 || address % g || size % g || address > size_of(f) || size > size_of(f) - address) { f->violations++; return -2; }
    n = reach(f, units, &torn);
    for (i = 0; i < n + torn && i < units; i++) {
        uint8_t *used = &f->programmed[address / g + i];
        bool changed = i < n;          /* an interrupted program that changed no bit counts as never begun */
        if (*used) f->violations++;
        for (k = 0; k < g; k++) {
            uint8_t bits = from[i * g + k];
            if (i == n) bits = (uint8_t)(bits | random_byte(f));
            if (bits != 0xFF) changed = true;
            f->cells[address + i * g + k] &= bits;
        }
        *used = *used || changed;
    }
    return f->dead ? -1 : 0;
}

static int flash_erase(void *context, uint32_t address)
{
    flash *f = context;
    uint32_t i, n, block = f->port.block_size;
    bool torn;
    if (f->dead) return -1;
    if (address % block || address >= size_of(f)) { f->violations++; return -2; }
    f->wear[address / block]++;
    n = reach(f, block, &torn);
    for (i = 0; i < n; i++) f->cells[address + i] = 0xFF;
    if (torn) for (i = n; i < block && i < n + 64; i++) f->cells[address + i] |= random_byte(f);
    if (n == block) memset(f->programmed + address / f->port.program_size, 0, block / f->port.program_size);
    return f->dead ? -1 : 0;
}

bool flash_open(flash *f, uint32_t block_size, uint32_t block_count, uint16_t program_size, uint32_t seed)
{
    memset(f, 0, sizeof *f);
    f->port.context = f;
    f->port.read = flash_read;
    f->port.program = flash_program;
    f->port.erase = flash_erase;
    f->port.block_size = block_size;
    f->port.block_count = block_count;
    f->port.program_size = program_size;
    f->random = seed;
    f->cells = malloc(size_of(f));
    f->programmed = calloc(size_of(f) / program_size, 1);
    f->wear = calloc(block_count, sizeof *f->wear);
    if (f->cells == NULL || f->programmed == NULL || f->wear == NULL) { flash_close(f); return false; }
    memset(f->cells, 0xFF, size_of(f));
    return true;
}

void flash_power_on(flash *f) { f->dead = false; }

void flash_close(flash *f)
{
    free(f->cells);
    free(f->programmed);
    free(f->wear);
    f->cells = f->programmed = NULL;
    f->wear = NULL;
}
