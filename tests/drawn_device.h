/* SPDX-License-Identifier: MIT
 * What drawn jobs are written to, for tempest.c and ages.c: a flash, or a disk with a cache, that fails, is busy and loses power as
 * drawn. Behind drawn_world.h; brings the jobs, drawn_jobs.h; `odd_calls`: sends and completions come out of the port's calls. */
#ifndef DRAWN_DEVICE_H
#define DRAWN_DEVICE_H
#include "../port/flash_emulator/flash_emulator.h"
#include "test.h"
#include <stdlib.h>

#define PORT_ERROR (-4711)
static bool odd_calls;

/* ---- storage: a flash, or a disk with a cache -------------------------------------------------------------------------------- */

typedef struct write_back { uint32_t at, size; uint8_t *bytes; } write_back;
static struct {
    flash chip;
    inngest_port port;
    bool disk;
    uint8_t *durable;
    write_back *writes;
    unsigned count, room;
    uint32_t sector;
    uint32_t operations, cut_at;
    unsigned program_fails, erase_fails, read_fails, sync_fails, may_not, busy, burst;   /* one in so many; 0: none */
    unsigned failures, row, wholes, unsynced, written_behind;
    bool forbidden, kills;             /* kills: a reset ends the process alone, mostly: a disk keeps what was not synced, until power is lost */
    struct { char what; uint32_t at, size; unsigned left; uint8_t bytes[4096]; } flight;   /* what the chip is doing; what: 0: nothing */
    uint32_t done_at;                  /* an erase that was waited for by another call; UINT32_MAX: none */
} dev;

static bool hits(unsigned odds) { return odds && draw(&life.luck, odds) == 0; }
static uint32_t size_of(void) { return dev.port.block_size * dev.port.block_count; }

static void note_write(uint32_t at, uint32_t size)
{
    write_back *w;
    if (dev.count == dev.room) {
        dev.room = dev.room * 2 + 64;
        dev.writes = realloc(dev.writes, dev.room * sizeof *dev.writes);
    }
    w = &dev.writes[dev.count++];
    w->at = at;
    w->size = size;
    w->bytes = malloc(size);
    memcpy(w->bytes, dev.chip.cells + at, size);
}

static void forget_writes(void) { while (dev.count) free(dev.writes[--dev.count].bytes); }

/* A disk loses power: nothing of its cache is kept, the first writes, any of them, all but one, each sector as it was at any time, the last ones. */
static void drop(void)
{
    uint32_t how = draw(&life.luck, 7), k, first = 0, n = dev.count;
    uint32_t upto[64];
    unsigned i;
    if (!dev.disk) return;
    if (how == 1) n = draw(&life.luck, n + 1);
    if (how == 6) first = draw(&life.luck, n + 1);
    for (i = 0; i < 64; i++) upto[i] = how != 2 ? dev.count : draw(&life.luck, 2) ? draw(&life.luck, dev.count + 1) : draw(&life.luck, 2) * dev.count;
    for (i = how ? first : n; i < n; i++) {
        const write_back *w = &dev.writes[i];
        uint32_t size = w->size;
        if ((how == 3 && draw(&life.luck, 2)) || (how == 4 && draw(&life.luck, dev.count) == 0)) continue;
        if (how % 2 && i + 1 == dev.count && draw(&life.luck, 2)) size = draw(&life.luck, size);
        for (k = 0; k < size; k++) if (i < upto[(w->at + k) / dev.sector % 64]) dev.durable[w->at + k] = w->bytes[k];
    }
    memcpy(dev.chip.cells, dev.durable, size_of());
    forget_writes();
    memset(dev.chip.units, 0, size_of() / dev.port.program_size);
    for (k = 0; k < size_of(); k++) if (dev.chip.cells[k] != 0xFF) dev.chip.units[k / dev.port.program_size] = 1;
    dev.chip.odd = 0;
}

static flash_tear any_tear(bool erase)
{
    flash_tear tear = (flash_tear)draw(&life.luck, FLASH_TEARS);
    if (dev.disk && tear == FLASH_TEAR_WEAK) return FLASH_TEAR_DONE;
    return erase && tear == FLASH_TEAR_TOUCHED ? FLASH_TEAR_NONE : tear;
}

static int raw(char what, uint32_t at, const void *data, uint32_t size)
{
    int result = what == 'p' ? dev.chip.port.program(&dev.chip, at, data, size) : dev.chip.port.erase(&dev.chip, at);
    if (dev.disk) note_write(at, size);
    return result;
}

static void tear(char what, uint32_t at, const void *data, uint32_t size)
{
    dev.chip.tear = any_tear(what == 'e');
    dev.chip.cells_after = (flash_cells)draw(&life.luck, dev.disk ? 1 : FLASH_CELLS);
    dev.chip.random = draw(&life.luck, 0x10000000) | 1;
    dev.chip.cut_at = dev.chip.operations + 1;
    (void)raw(what, at, data, size);
    flash_power_on(&dev.chip);
    dev.chip.cut_at = 0;
}

/* Power is lost: what the chip is doing is torn, what the disk has not synced is dropped. */
static void lose_power(void)
{
    if (dev.flight.what) tear(dev.flight.what, dev.flight.at, dev.flight.bytes, dev.flight.size);
    dev.flight.what = 0;
    drop();
}

#include "drawn_jobs.h"

static uint32_t port_now(void *context)
{
    (void)context;
    return now32();
}

static void odd_call(void)
{
    if (draw(&life.luck, 2)) answer();
    else inngest_wake(&jobs);
}

/* Nothing more is to be written behind a sync that has failed, until the next mount. */
static bool stopped_by_sync(void)
{
    if (!dev.unsynced) return false;
    if (inngest_close(&jobs) != INNGEST_ERR_SYNC || dev.written_behind) wrong("something is written behind a sync that failed", 0);
    life.up = false;
    return true;
}

/* True: the chip is busy, and goes on with what it is doing. */
static bool is_busy(char what, uint32_t at, const void *data, uint32_t size)
{
    if (dev.flight.what == 0) {
        if (dev.busy == 0 || draw(&life.luck, 3) || size > sizeof dev.flight.bytes) return false;
        dev.flight.what = what;
        dev.flight.at = at;
        dev.flight.size = size;
        dev.flight.left = 1 + draw(&life.luck, dev.busy);
        if (data) memcpy(dev.flight.bytes, data, size);
    } else if (dev.flight.what == 'p' && (what != 'p' || at != dev.flight.at)) wrong("a program that is busy is not repeated", 0);
    if (dev.cut_at && draw(&life.luck, 20) == 0) {
        lose_power();
        longjmp(reset_vector, CUT);
    }
    if (dev.flight.left-- > 0) return true;
    if (dev.flight.what != what || dev.flight.at != at) {          /* another call waits for it */
        (void)raw(dev.flight.what, dev.flight.at, dev.flight.bytes, dev.flight.size);
        dev.done_at = dev.flight.at;
    }
    dev.flight.what = 0;
    return false;
}

static int write_call(char what, uint32_t at, const void *data, uint32_t size)
{
    uint32_t block = at / dev.port.block_size;
    int result;
    CHECK(!dev.forbidden);
    if (is_busy(what, at, data, size)) return INNGEST_PORT_BUSY;
    if (what == 'e' && dev.done_at == at) { dev.done_at = UINT32_MAX; return 0; }
    if (dev.done_at / dev.port.block_size == block) dev.done_at = UINT32_MAX;
    dev.operations++;
    dev.written_behind += dev.unsynced;
    if (dev.cut_at && dev.operations >= dev.cut_at) {
        if (dev.kills && dev.operations % 3) {
            if (dev.operations % 2) (void)raw(what, at, data, size);
            longjmp(reset_vector, CUT);
        }
        tear(what, at, data, size);
        drop();
        longjmp(reset_vector, CUT);
    }
    if (dev.burst || hits(what == 'p' ? dev.program_fails : dev.erase_fails)) {
        dev.burst -= dev.burst > 0;
        dev.failures++;
        dev.chip.bad_tear = draw(&life.luck, 3) ? any_tear(what == 'e') : FLASH_TEAR_NONE;
        if (dev.chip.bad_tear >= FLASH_TEAR_LAST && what == 'p' && dev.wholes++ > 5) dev.chip.bad_tear = FLASH_TEAR_NONE;   /* a mount keeps 8 in mind */
        dev.chip.bad_cells = (flash_cells)draw(&life.luck, dev.disk ? 1 : FLASH_CELLS);
        flash_set_bad(&dev.chip, block, what == 'p' ? FLASH_BAD_PROGRAM : FLASH_BAD_ERASE);
    }
    result = raw(what, at, data, size);
    flash_set_bad(&dev.chip, block, FLASH_GOOD);
    return result;
}

static int program_call(void *context, uint32_t at, const void *data, uint32_t size) { (void)context; return write_call('p', at, data, size); }
static int erase_call(void *context, uint32_t at) { (void)context; return write_call('e', at, NULL, dev.port.block_size); }

static int read_call(void *context, uint32_t at, void *data, uint32_t size)
{
    (void)context;
    if (odd_calls && life.up && draw(&life.luck, 60) == 0) odd_call();
    if (dev.row < 2 && hits(dev.read_fails)) {         /* what cannot be read three times is taken as torn */
        dev.row++;
        dev.failures++;
        memset(data, 0xEE, size);
        return PORT_ERROR;
    }
    dev.row = 0;
    return dev.chip.port.read(&dev.chip, at, data, size);
}

static int sync_call(void *context)
{
    (void)context;
    if (hits(dev.sync_fails)) {
        dev.unsynced++;
        dev.failures++;
        return PORT_ERROR;
    }
    memcpy(dev.durable, dev.chip.cells, size_of());
    forget_writes();
    return 0;
}

static bool is_blank_call(void *context, uint32_t at, uint32_t size) { (void)context; return dev.chip.port.is_blank(&dev.chip, at, size); }
static bool may_write_call(void *context) { (void)context; return !(dev.forbidden = hits(dev.may_not)); }
static void restart_call(void *context)
{
    (void)context;
    if (draw(&life.luck, 6) == 0) return;             /* it comes back: the machine is reset later */
    longjmp(reset_vector, RESTARTED);
}
static void idle_call(void *context)
{
    (void)context;
    if (odd_calls && life.up && draw(&life.luck, 20) == 0) odd_call();
}

static void set_faults(bool on)
{
    static const uint8_t program[] = { 8, 25, 60, 10, 0, 0, 0, 0, 0 }, erase[] = { 0, 4, 0, 3, 2, 0, 0, 0, 0 };
    unsigned k = on ? draw(&life.random, 8) : 8;
    dev.program_fails = program[k];
    dev.erase_fails = erase[k];
    dev.read_fails = k == 5 ? 60 : k == 3 ? 300 : 0;
    dev.sync_fails = k == 6 ? 15 : 0;
    dev.may_not = k == 7 ? 4 : 0;
    dev.cut_at = dev.burst = 0;
}

static void open_device(uint32_t block, uint32_t blocks, uint16_t g)
{
    static const int erased[] = { FLASH_ERASED_RANDOM, FLASH_ERASED_UNREADABLE, 0, 0x5A, 0xFF };
    static const uint16_t sectors[] = { 64, 128, 512, 4096 };
    uint64_t *r = &life.random;
    flash_close(&dev.chip);
    forget_writes();
    free(dev.durable);
    free(dev.writes);
    memset(&dev, 0, sizeof dev);
    dev.done_at = UINT32_MAX;
    CHECK(flash_open(&dev.chip, block, blocks, g, life.seed));
    dev.disk = INNGEST_WRITE_CACHE && draw(r, 2);
    dev.sector = sectors[draw(r, 4)];
    if (draw(r, 3) == 0) flash_set_erased(&dev.chip, dev.disk ? 0xFF : erased[draw(r, 5)]);
    dev.port = dev.chip.port;
    dev.port.read = read_call;
    dev.port.program = program_call;
    dev.port.erase = erase_call;
    if (dev.disk || draw(r, 3) == 0) dev.port.sync = sync_call;
    if (dev.port.is_blank) dev.port.is_blank = is_blank_call;
    if (draw(r, 2)) dev.port.may_write = may_write_call;
    if (draw(r, 2)) dev.port.idle = idle_call;
    dev.port.restart = restart_call;
    if (life.slow) dev.port.now = port_now;
    dev.busy = draw(r, 3) == 0 ? 1 + draw(r, 4) : 0;
    dev.durable = malloc(size_of());
    memset(dev.durable, 0xFF, size_of());
}
#endif
