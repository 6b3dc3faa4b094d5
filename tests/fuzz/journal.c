/* SPDX-License-Identifier: MIT
 * Any bytes as a journal: it is mounted or refused, its runs live on, it is mounted again. Byte 0 says the geometry and
 * whether checksums are made right, so that what lies behind them is reached too; the rest is the storage. */
#include "../crc32.h"
#include "../world.h"
#include "fuzz.h"

#define BLOCK 1024u
static flash chip;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(4, 4) / 8 + 1];

static void put4(uint8_t *to, uint32_t value)
{
    unsigned i;
    for (i = 0; i < 4; i++) to[i] = (uint8_t)(value >> 8 * i);
}

/* Give the block a header, and each record, where one can be, its checksum: see port/JOURNAL.md. */
static void make_right(uint8_t *block, uint32_t number, uint32_t blocks, uint32_t unit)
{
    uint32_t at, format = 7;
    uint8_t seed[8];
    memset(block, 0, 24);
    memcpy(block, "INJ1\1", 5);
    while (1u << block[7] < chip.port.program_size) block[7]++;
    block[7] = (uint8_t)(block[7] | 10u << 3);         /* log2 of BLOCK */
    put4(block + 8, number);
    put4(block + 12, format);
    put4(block + 16, blocks);
    put4(block + 20, crc32_of(0, block, 20));
    for (at = unit < 24 ? 24 : unit; at + 16 <= BLOCK; ) {
        uint32_t wide = block[at + 4] >> 6 & 1, head = wide ? 16 : 12, size = block[at + 5] | (wide ? (uint32_t)block[at + 15] << 8 : 0);
        if (block[at + 4] == 0xFF || head + size > BLOCK - at) { at += unit; continue; }
        put4(seed, format);
        put4(seed + 4, number * (BLOCK / unit) + at / unit);
        put4(block + at, crc32_of(crc32_of(0, seed, 8), block + at + 4, head - 4 + size));
        at += (head + size + unit - 1) / unit * unit;
    }
}

static bool boot(void)
{
    inngest_config c;
    memset(&c, 0, sizeof c);
    c.functions = world_table;
    c.function_count = chip.port.block_count > 4 ? WORLD_FUNCTIONS : 1;
    c.port = &chip.port;
    c.hooks = &world_hooks;
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = 4;
    c.events = 4;
    c.seed = 42;
    memset(world_pending, 0, sizeof world_pending);
    return inngest_init(&jobs, &c, NULL) == INNGEST_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t blocks, unit, now = 0, i, k, cursor;
    unsigned flags = size ? data[0] : 0;
    inngest_run_info info;
    inngest_counters counters;
    if (size < 2) return 0;
    blocks = 3 + (flags & 3);
    if (!flash_open(&chip, BLOCK, blocks, (uint16_t)(1u << (flags >> 2) % 6), 1)) return 0;
    unit = chip.port.program_size < 4 ? 4 : chip.port.program_size;
    data++;
    size--;
    if (size > BLOCK * blocks) size = BLOCK * blocks;
    memcpy(chip.cells, data, size);
    if (flags & 128) for (i = 0; i < blocks && i * BLOCK < size; i++) make_right(chip.cells + i * BLOCK, (flags & 64 ? 3 * blocks : blocks) + i, blocks, unit);
    world_reset();
    (void)test_passed; (void)test_failed;
    for (k = 0; k < 2; k++) {
        if (!boot()) break;
        for (i = 0; i < 12; i++) {
            uint32_t next = inngest_tick(&jobs, now);
            now += next > 100000 ? 100000 : next + 1;
            if (i == 4) inngest_set_wall_clock(&jobs, 1700000000000 + now, now);
            if (i == 6 && flags & 32) (void)(inngest_send(&jobs, "w/plain", "\0", 1) == INNGEST_OK);
        }
        for (cursor = 0, i = 0; inngest_next_run(&jobs, &cursor, &info); i++) {
            MUST(i < 4 && info.id != 0 && info.wait <= INNGEST_WAIT_SUSPECT);
            if (k && i == 0) (void)(inngest_cancel(&jobs, info.id) == INNGEST_OK);
        }
        inngest_get_counters(&jobs, &counters);
        MUST(counters.port_errors == 0);
        if (k == 0 && (flags & 16)) (void)(inngest_close(&jobs) == INNGEST_OK);
    }
    flash_close(&chip);
    return 0;
}
