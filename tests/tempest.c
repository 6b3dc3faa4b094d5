/* SPDX-License-Identifier: MIT
 * Lives of which everything is drawn: what the jobs do (scripts of steps of any kind and size), which build of the library they
 * run on (the Makefile compiles this file with several configurations), the geometry, the port, the table of functions, runs and
 * queue of each boot, the numbers a journal begins with, clocks; erases that go on while other things happen, sends and
 * completions out of the port's calls, resets in user code, cancels from inside and outside, restarts that come back. Power is
 * cut again and again, in some lives now and then in up to 80 boots in a row. The ledger judges: no finished step runs
 * again, no result, attempt, choice, progress or event data changes, no event runs twice, no sleep ends early, nothing that was
 * acknowledged is lost, and all comes to its end.
 * argv: how many lives; the first seed. */
#include "../port/flash_emulator/flash_emulator.h"
#include "drawn_world.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

#define PORT_ERROR (-4711)
#define MOST_RUNS_ 10u

life_state life;
run_entry ledger[ENTRIES][FUNCTIONS];
jmp_buf reset_vector;
static struct { uint32_t queue, flaps; bool faults, odd_calls; } world;      /* flaps: so many boots to come are cut short */
static unsigned long lives, boots, skipped, used_up, told;

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

void wrong(const char *what, int status)
{
    test_failed++;
    if (told++ == 0) printf("seed %u, %u x %u, unit %u, %s%s: %s, %s; turn %u, boot %u, operation %u\n", life.seed, dev.port.block_count, dev.port.block_size,
                            dev.port.program_size, dev.disk ? "disk" : "flash", dev.port.sync ? ", sync" : "", what,
                            inngest_status_name((inngest_status)status), life.turn, life.boots, dev.operations);
}

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

static void odd_call(void);
static uint32_t port_now(void *context);

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
    if (world.odd_calls && life.up && draw(&life.luck, 60) == 0) odd_call();
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
    if (world.odd_calls && life.up && draw(&life.luck, 20) == 0) odd_call();
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

static inngest_status boot(inngest_reset reset, uint32_t runs, uint32_t queue)
{
    life.first = draw(&life.random, FUNCTIONS);
    if (!life.tables) life.first = 0;
    life.more = life.tables && draw(&life.random, 2);
    dev.forbidden = false;
    dev.unsynced = dev.written_behind = 0;
    life.boots++;
    life.uptime = 0;
    life.base = draw(&life.random, 3) ? draw(&life.random, 100000) : 0u - draw(&life.random, 100000);
    boots++;
    return start_engine(&dev.port, reset, runs, queue);
}

/* False: the journal is too small for these. */
static bool begin(uint32_t seed)
{
    static const uint16_t sizes[] = { 512, 512, 1024, 1024, 2048, 4096 };
    static const limits most = { INNGEST_RESULT_BYTES, INNGEST_EVENT_BYTES, 8 + INNGEST_MESSAGE_BYTES, INNGEST_INSPECT ? 0 : 1u << SEND_OP };
    uint64_t *r = &life.random;
    uint32_t block, blocks;
    uint16_t g;
    unsigned i, tries;
    inngest_status status;
    begin_life(seed);
    memset(&world, 0, sizeof world);
    life.steady = true;
    life.kept_text = INNGEST_MESSAGE_BYTES;
    life.crash_limit = INNGEST_CRASH_LIMIT;
    block = sizes[draw(r, 6)];
    blocks = 2 + draw(r, draw(r, 2) ? 4 : 24);
    if (block * blocks > 32768) blocks = 32768 / block;
    g = (uint16_t)(1u << draw(r, 6));
    life.clocks = INNGEST_WALL_CLOCK && draw(r, 3) > 0;
    life.truthful = draw(r, 2);
    life.ids = INNGEST_SEEN_IDS > 0 && draw(r, 3) > 0;
    life.cancels = INNGEST_CANCEL && draw(r, 4) == 0;
    life.tables = draw(r, 3) == 0;
    world.faults = draw(r, 3) > 0;
    life.crashes = INNGEST_CRASHES && draw(r, 4) == 0;
    life.same_ids = draw(r, 3) == 0;
    world.odd_calls = draw(r, 3) == 0;
    life.slow = seed % 11 == 3;
    world.queue = 2u << draw(r, 3);
    open_device(block, blocks, g);
    for (tries = 0; ; tries++) {
        if (tries == 8) return false;
        life.functions = 1 + draw(r, tries > 4 ? 1 : FUNCTIONS - 1);
        life.fan = life.functions > 1 && draw(r, 3) == 0;
        for (i = 0; i < FUNCTIONS; i++) life.has[i] = i < life.functions || (i == FUNCTIONS - 1 && tries < 4 && draw(r, 2));
        draw_scripts(g, tries < 3 ? OPS : tries < 6 ? 3 : 1, &most);
        status = boot(INNGEST_RESET_POWER_ON, MOST_RUNS_, 8);
        if (status == INNGEST_OK) break;
        if (status != INNGEST_ERR_TABLE_BYTES) wrong("the first mount is refused", status);
    }
    if (draw(r, 3) == 0 && dev.chip.erased == 0xFF) {
        uint32_t first = far_blocks[draw(r, sizeof far_blocks / sizeof *far_blocks)] - draw(r, 30);
        number_blocks(dev.chip.cells, block, blocks, first / blocks * blocks);
        memcpy(dev.durable, dev.chip.cells, size_of());
        forget_writes();
        if ((status = boot(INNGEST_RESET_POWER_ON, MOST_RUNS_, 8)) == INNGEST_ERR_TABLE_BYTES) return false;
        if (status != INNGEST_OK) wrong("a mount of far numbers is refused", status);
    }
    life.events = 1 + draw(r, EVENTS);
    for (i = 0; i < EVENTS; i++) life.size[i] = (uint8_t)(2 + draw(r, draw(r, 3) ? 10 : INNGEST_EVENT_BYTES < 250 ? INNGEST_EVENT_BYTES - 10 : 240));
    life.up = true;
    return true;
}

static void choose_table(void)
{
    unsigned f = draw(&life.random, FUNCTIONS), i;
    memset(life.gone, 0, sizeof life.gone);
    if (!life.tables || life.last || f == FUNCTIONS - 1 || draw(&life.random, 2)) return;
    for (i = 0; i < life.events; i++) if (life.tried[i] && !ledger[i][i % life.functions].must) return;
    life.gone[f] = true;
}

static inngest_reset why;
static bool start(void)
{
    unsigned failures = dev.failures;
    uint32_t runs = life.last || draw(&life.random, 3) ? MOST_RUNS_ : 2 + draw(&life.random, MOST_RUNS_ - 2);
    inngest_status status;
    choose_table();
    memset(life.queued, 0, sizeof life.queued);
    status = boot(why, runs, life.last ? 8 : world.queue);
    if (status == INNGEST_ERR_RUNS_FULL && runs < MOST_RUNS_) return false;
    if (status == INNGEST_ERR_TABLE_FAN_OUT || status == INNGEST_ERR_TABLE_BYTES) return false;    /* with more bytes */
    if (status == INNGEST_OK) why = INNGEST_RESET_POWER_ON;
    if (status == INNGEST_ERR_JOURNAL_FULL && dev.port.block_count >= 4) { used_up++; told++; return false; }
    if (status != INNGEST_OK && dev.failures == failures) wrong("a mount is refused", status);
    return life.up = status == INNGEST_OK;
}

/* A supply that flaps. */
static void flap(void)
{
    if (world.flaps == 0 && draw(&life.random, 50) == 0) world.flaps = 20 + draw(&life.random, 60);
    if (world.flaps == 0) return;
    world.flaps--;
    life.turn--;
    lose_power();
    life.up = dev.forbidden = false;
    dev.cut_at = dev.operations + 1 + draw(&life.random, 6);
}

static void live(uint32_t seed, unsigned turns, bool flaps, bool kills)
{
    uint32_t next;
    int jumped;
    if (!begin(seed)) { skipped++; return; }
    dev.kills = kills && dev.disk;
    why = INNGEST_RESET_POWER_ON;
    if ((jumped = setjmp(reset_vector)) != 0) {
        if (jumped != CUT && (!dev.kills || dev.flight.what || dev.operations % 2)) lose_power();
        life.up = dev.forbidden = false;
        dev.cut_at = 0;
        if (draw(&life.random, 3) == 0) life.now += draw(&life.random, 50000);
        why = jumped == CRASHED ? INNGEST_RESET_CRASH : jumped == RESTARTED ? INNGEST_RESET_UNKNOWN : INNGEST_RESET_POWER_ON;
    }
    while (++life.turn < turns + 1500 && !told) {
        bool last = life.turn >= turns;
        if (last && !life.last) {
            life.last = true;
            set_faults(false);
            if (life.tables) life.up = false;
        }
        if (!last && world.faults && life.turn % 5 == 1) set_faults(draw(&life.random, 3) > 0);
        if (!last && world.faults && draw(&life.random, 40) == 0) dev.burst = 1 + draw(&life.random, draw(&life.random, 3) ? 3 : 60);
        if (!last && draw(&life.random, 4) == 0) dev.cut_at = dev.operations + 1 + draw(&life.random, draw(&life.random, 2) ? 4 : 30);
        if (!last && flaps) flap();
        if (!life.up && !start()) continue;
        send_events();
        dev.forbidden = false;
        if (dev.unsynced) {
            if (inngest_close(&jobs) != INNGEST_ERR_SYNC || dev.written_behind) wrong("something is written behind a sync that failed", 0);
            life.up = false;
            continue;
        }
        if (life.cancels && !last && draw(&life.random, 20) == 0) cancel_one();
        dev.forbidden = false;
        answer();
        next = inngest_tick(&jobs, now32());
        dev.forbidden = false;
        if (last) pass_time(life.turn % 100 == 0 && all_answered() ? 90000000 : next > 100000 ? 100000 : next ? next : 1);
        else pass_time(draw(&life.random, draw(&life.random, 4) ? 6000 : 100000));
        if (draw(&life.random, last ? 10 : 3) == 0) {
            int64_t off = life.truthful ? 0 : (int64_t)draw(&life.random, 400000) - 200000;
            if (life.clocks) tell_clock(off);
        }
        dev.forbidden = false;
        if (!last && draw(&life.random, 30) == 0) {
            (void)(inngest_close(&jobs) == INNGEST_OK);
            life.up = dev.forbidden = false;
        } else if (!last && draw(&life.random, 30) == 0) {
            lose_power();
            life.up = false;
            if (life.crashes && life.crash_resets < 12 && draw(&life.random, 2)) { life.crash_resets++; why = INNGEST_RESET_CRASH; }
        }
        if (dev.chip.violations && !dev.disk) wrong("a unit is programmed twice", 0);
        if (last && life.up && life.turn % 50 == 49) free_senders();
        if (life.up && look() == 0 && last && life.turn > turns + 1) break;
        if (last && next == UINT32_MAX && life.turn > turns + 10 && life.up && draw(&life.random, 50) == 0) { lose_power(); life.up = false; }
    }
    if (!told && life.turn >= turns + 1500) {
        wrong("it never comes to its end", 0);
        if (life.up) show();
    }
    lives++;
}

int main(int argc, char **argv)
{
    static const uint32_t once[] = { 761, 1683, 4808, 9930, 991491, 1004073, 1153609, 1524665, 2623784, 3095478, 3207133, 3210198, 3226381 };      /* in which something was lost once, or ended early, or a mount had no end, or was refused */
    static const uint32_t flapped[] = { 6071322, 20000070, 20000400, 20000626, 20000783, 20001146, 31000109 };       /* the same, where the supply flaps */
    uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 400, seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1, i;
    for (i = 0; argc < 2 && i < sizeof once / sizeof *once; i++) {
        told = 0;
        live(once[i], 100, false, false);
        CHECK(told == 0);
    }
    for (i = 0; argc < 2 && i < sizeof flapped / sizeof *flapped; i++) {
        told = 0;
        live(flapped[i], 100, true, false);
        CHECK(told == 0);
    }
    for (; n > 0; n--, seed++) {
        told = 0;
        live(seed, 100, seed % 25 == 2, seed % 5 == 4);
        CHECK(told == 0);
    }
    flash_close(&dev.chip);
    printf("%lu lives, %lu boots, %lu too small, %lu used up\n", lives, boots, skipped, used_up);
    return TEST_END();
}
