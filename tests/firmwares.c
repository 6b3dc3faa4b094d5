/* SPDX-License-Identifier: MIT
 * Promise 7 where all is drawn: lives in which each boot may be one of another firmware, the library in another configuration,
 * with parts left out and in again, a table in which functions and steps are missing for a while, power lost at any program or
 * erase. The ledger judges: no finished step runs again, no result, attempt, choice, progress or event data changes, no event runs
 * twice, no sleep ends early, nothing that was acknowledged is lost, runs that need what a firmware has not stay as they are, and
 * when the first one, which has all, is back, all comes to its end.
 * argv: how many lives; the first seed. */
#include "firmware/world.h"
#include "test.h"
#include "lossy.h"
#include <stdlib.h>
#include <string.h>

#ifndef DISK
#define DISK 0                         /* it has a cache, which power loss takes */
#endif
life_state life;
run_entry ledger[ENTRIES][FUNCTIONS];
jmp_buf reset_vector;
inngest_port world_port;
static flash chip;
static uint32_t cut_at, operations;
static unsigned long lives, boots, skipped, told, starved;
static bool fits[FIRMWARES], drops;    /* drops: firmwares have not all steps */

#define EACH(x) x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7)
#define DECLARE(k) extern const firmware the_firmware_of_##k;
EACH(DECLARE)
#define NAME(k) &the_firmware_of_##k,
static const firmware *const firmwares[FIRMWARES] = { EACH(NAME) };

static const firmware *on;             /* the one that runs */

static unsigned number_of(const firmware *f)
{
    unsigned k;
    for (k = 0; k < FIRMWARES && firmwares[k] != f; k++) { }
    return k;
}

void wrong(const char *what, int status)
{
    test_failed++;
    if (told++ == 0) printf("seed %u, %u x %u, unit %u%s%s: %s, %d; turn %u, boot %u, firmware %u, operation %u\n", life.seed, world_port.block_count,
                            world_port.block_size, world_port.program_size, world_port.sync ? ", sync" : "", life.tight ? ", tight" : "", what, status,
                            life.turn, life.boots, number_of(on), operations);
}

static int write_call(char what, uint32_t at, const void *data, uint32_t size)
{
    int result;
    operations++;
    if (cut_at && operations >= cut_at) {
        chip.tear = (flash_tear)draw(&life.luck, FLASH_TEARS);
        if (what == 'e' && chip.tear == FLASH_TEAR_TOUCHED) chip.tear = FLASH_TEAR_NONE;
        chip.cells_after = (flash_cells)draw(&life.luck, FLASH_CELLS);
        if (DISK && chip.tear == FLASH_TEAR_WEAK) chip.tear = FLASH_TEAR_DONE;
        if (DISK) chip.cells_after = FLASH_STABLE;
        lose_power_in(&chip, what, at, data, size);
        lossy_note(at, size);
        longjmp(reset_vector, CUT);
    }
    result = what == 'p' ? chip.port.program(&chip, at, data, size) : chip.port.erase(&chip, at);
    lossy_note(at, size);
    return result;
}

static int read_call(void *context, uint32_t at, void *data, uint32_t size) { (void)context; return chip.port.read(&chip, at, data, size); }
static int program_call(void *context, uint32_t at, const void *data, uint32_t size) { (void)context; return write_call('p', at, data, size); }
static int erase_call(void *context, uint32_t at) { (void)context; return write_call('e', at, NULL, world_port.block_size); }
static bool is_blank_call(void *context, uint32_t at, uint32_t size) { (void)context; return chip.port.is_blank(&chip, at, size); }
static int sync_call(void *context) { (void)context; return 0; }
static int disk_sync(void *context)
{
    if (lossy_in_sync(cut_at && operations + 1 >= cut_at)) longjmp(reset_vector, CUT);
    return lossy_sync(context);
}
static void restart_call(void *context) { (void)context; longjmp(reset_vector, RESTARTED); }

static void open_chip(uint32_t block, uint32_t blocks, uint16_t g)
{
    flash_close(&chip);
    memset(&chip, 0, sizeof chip);
    CHECK(flash_open(&chip, block, blocks, g, life.seed));
    if (draw(&life.random, 4) == 0 && !DISK) flash_set_erased(&chip, draw(&life.random, 2) ? FLASH_ERASED_RANDOM : 0);
    world_port = chip.port;
    world_port.read = read_call;
    world_port.program = program_call;
    world_port.erase = erase_call;
    world_port.restart = restart_call;
    if (world_port.is_blank) world_port.is_blank = is_blank_call;
    if (draw(&life.random, 3) == 0) world_port.sync = sync_call;
    if (DISK) world_port.sync = disk_sync;
    lossy_open(DISK ? &chip : NULL, NULL, life.seed);
    cut_at = operations = 0;
}

static inngest_status boot(const firmware *next, inngest_reset reset, uint32_t runs, uint32_t queue)
{
    on = next;
    life.boots++;
    life.uptime = 0;
    life.base = draw(&life.random, 3) ? draw(&life.random, 100000) : 0u - draw(&life.random, 100000);
    boots++;
    return on->boot(reset, runs, queue);
}

/* Which firmwares have a place for all in this journal? False: the first one has not, or no other. */
static bool find_firmwares(void)
{
    unsigned k, n = 0, small;
    inngest_status status;
    memset(life.gone, 0, sizeof life.gone);
    life.more = true;
    for (k = FIRMWARES; k-- > 0;) {
        for (small = 0; small < world_port.block_count; small++) CHECK(world_port.erase(NULL, small * world_port.block_size) == 0);
        if (DISK) CHECK(lossy_sync(NULL) == 0);
        status = boot(firmwares[k], INNGEST_RESET_POWER_ON, MOST_RUNS_, 8);
        fits[k] = status == INNGEST_OK;
        if (status != INNGEST_OK && status != INNGEST_ERR_TABLE_BYTES) wrong("the first mount is refused", status);
        if (life.ids && firmwares[k]->seen_ids < 10) fits[k] = false;
        if (DISK && !firmwares[k]->write_cache) fits[k] = false;
        n += fits[k];
    }
    return fits[0] && n > 1;
}

static bool begin(uint32_t seed)
{
    static const uint16_t sizes[] = { 512, 1024, 1024, 2048, 4096, 16384 };
    static const limits most = { .result = 399, .answer = 100, .error = 208 };     /* an error of the build that keeps most of it */
    uint64_t *r = &life.random;
    uint32_t block, blocks;
    uint16_t g;
    unsigned i, tries;
    begin_life(seed);
    life.crash_limit = life.kept_text = UINT16_MAX;
    for (i = 0; i < FIRMWARES; i++) {
        if (firmwares[i]->crash_limit < life.crash_limit) life.crash_limit = firmwares[i]->crash_limit;
        if (firmwares[i]->message_bytes < life.kept_text) life.kept_text = firmwares[i]->message_bytes;
    }
    life.tight = draw(r, 2);
    life.big = life.tight && draw(r, 2);
    life.stuffed = life.big && draw(r, 2);
    block = sizes[draw(r, life.big ? 4 : 6)];
    blocks = life.tight ? 2 + draw(r, draw(r, 2) ? 4 : 12) : 65536 / block + draw(r, 20);
    g = (uint16_t)(1u << draw(r, 6));
    life.clocks = draw(r, 3) > 0;
    life.truthful = draw(r, 2);
    life.dates = life.clocks && draw(r, 4) == 0;
    life.ids = draw(r, 3) == 0 && !life.stuffed;
    life.cancels = draw(r, 4) == 0;
    life.tables = draw(r, 2) == 0;
    drops = draw(r, 3) == 0;
    life.crashes = draw(r, 4) == 0;
    open_chip(block, blocks, g);
    for (tries = 0; ; tries++) {
        if (tries == 8) return false;
        life.functions = life.stuffed ? 2 : 1 + draw(r, tries > 4 ? 1 : FUNCTIONS - 1);
        life.fan = !life.stuffed && life.functions > 1 && draw(r, 3) == 0;
        for (i = 0; i < FUNCTIONS; i++) life.has[i] = i < life.functions || (i == FUNCTIONS - 1 && tries < 4 && draw(r, 2));
        draw_scripts(g, tries < 3 ? OPS : tries < 6 ? 3 : 1, &most);
        if (find_firmwares()) break;
    }
    life.events = life.stuffed ? EVENTS : 1 + draw(r, 10);
    for (i = 0; i < EVENTS; i++) life.size[i] = (uint16_t)(2 + draw(r, draw(r, 3) ? 10 : 240));
    life.up = true;
    return true;
}

/* What the next firmware is: a build, and what of the table it has. */
static const firmware *choose(void)
{
    unsigned k, f, i;
    bool asked = false;
    memset(life.gone, 0, sizeof life.gone);
    memset(life.skip, 0, sizeof life.skip);
    life.quiet = false;
    life.first = 0;
    if (life.last) return firmwares[0];
    do k = draw(&life.random, FIRMWARES); while (!fits[k]);
    if (!life.tables || draw(&life.random, 3) == 0) return firmwares[k];
    life.first = draw(&life.random, FUNCTIONS);
    life.more = draw(&life.random, 2);
    life.quiet = draw(&life.random, 4) == 0;
    if (drops) for (f = 0; f < FUNCTIONS; f++) for (i = 0; i < OPS; i++) life.skip[f][i] = draw(&life.random, 6) == 0;
    for (i = 0; i < life.events; i++) asked = asked || (life.tried[i] && !ledger[i][i % life.functions].must);
    f = draw(&life.random, FUNCTIONS);
    if (!asked && draw(&life.random, 2)) life.gone[f] = true;
    return firmwares[k];
}

static inngest_reset why;
static bool start(void)
{
    uint32_t runs = life.last || draw(&life.random, 3) ? MOST_RUNS_ : 2 + draw(&life.random, MOST_RUNS_ - 2);
    const firmware *next = choose();
    inngest_status status;
    memset(life.queued, 0, sizeof life.queued);
    status = boot(next, why, runs, life.last ? 8 : 2u << draw(&life.random, 3));
    if (status == INNGEST_ERR_RUNS_FULL && runs < MOST_RUNS_) return false;
    if (status == INNGEST_ERR_TABLE_FAN_OUT && runs < MOST_RUNS_) return false;
    if ((life.crash_resets >= 2 || life.quiet) && !(on->parts & PART_HOOKS)) life.blind = true;
    if (status == INNGEST_OK) why = INNGEST_RESET_POWER_ON;
    if (status != INNGEST_OK) wrong("a mount is refused", status);
    return life.up = status == INNGEST_OK;
}

static void live(uint32_t seed, unsigned turns)
{
    uint32_t next;
    int jumped;
    unsigned e, f;
    if (!begin(seed)) { skipped++; return; }
    why = INNGEST_RESET_POWER_ON;
    if ((jumped = setjmp(reset_vector)) != 0) {
        if (jumped == CUT) lossy_drop();
        life.up = false;
        cut_at = 0;
        if (draw(&life.random, 3) == 0) life.now += draw(&life.random, 50000);
        why = reason_of(jumped);
    }
    while (++life.turn < turns + 4000 && !told) {
        bool last = life.turn >= turns;
        if (last && !life.last) {
            life.last = true;
            cut_at = 0;
            life.up = false;
        }
        if (!last && draw(&life.random, 4) == 0) cut_at = operations + 1 + draw(&life.random, draw(&life.random, 2) ? 4 : 30);
        if (!life.up && !start()) continue;
        on->send_events();
        if (life.cancels && !last && draw(&life.random, 20) == 0) on->cancel();
        on->answer();
        next = on->tick();
        if (last) pass_time(life.turn % 100 == 0 && all_answered() ? 90000000 : next > 100000 ? 100000 : next ? next : 1);
        else pass_time(draw(&life.random, draw(&life.random, 4) ? 6000 : 100000));
        if (life.clocks && draw(&life.random, last ? 10 : 3) == 0) on->tell_clock(life.truthful ? 0 : (int64_t)draw(&life.random, 400000) - 200000);
        if (!last && draw(&life.random, 15) == 0) {
            (void)(on->close() == INNGEST_OK);
            life.up = false;
        } else if (!last && draw(&life.random, 30) == 0) {
            if (life.turn % 4) lossy_drop();
            life.up = false;
            if (life.crashes && life.crash_resets < 12 && draw(&life.random, 2)) { life.crash_resets++; why = INNGEST_RESET_CRASH; }
        }
        if (chip.violations && !DISK) wrong("a unit is programmed twice", 0);
        if (last && life.up && life.turn % 50 == 49) on->free_senders();
        if (life.up && on->look() == 0 && last && life.turn > turns + 1) break;
        if (last && next == UINT32_MAX && life.turn > turns + 10 && life.up && draw(&life.random, 50) == 0) life.up = false;
    }
    if (!told && life.turn >= turns + 4000) {
        wrong("it never comes to its end", 0);
        if (life.up) on->show();
    }
    for (e = 0; e < ENTRIES; e++) for (f = 0; f < FUNCTIONS; f++) starved += ledger[e][f].starved;
    lives++;
}

/* Firmwares that know of results of nearly half a block, and one that does not, fill the journal in turn. Each leaves the other the room
 * that reclaim needs: it does not go round in vain. */
static void stuff(uint32_t seed)
{
    const firmware *small = firmwares[1];
    unsigned i, f, e, n, which;
    uint32_t before;
    inngest_status status;
    begin_life(seed);
    life.tight = life.truthful = life.clocks = life.up = true;
    open_chip(1024, 8 + draw(&life.random, 30), (uint16_t)(1u << draw(&life.random, 3)));
    life.functions = 2;
    for (f = 0; f < 2; f++) {
        uint32_t bytes = room_of(world_port.program_size, 14);
        life.has[f] = true;
        life.count[f] = OPS;
        for (i = 0; i < OPS; i++) {
            op *o = &life.ops[f][i];
            o->kind = i + 1 == OPS ? SLEEP_OP : RESULT_OP;
            o->ms = 1000000000;
            o->size = (uint16_t)(f ? 100 + draw(&life.random, 90) : i % 2 ? 4 : world_port.block_size / 2 - 32);
            if (o->kind == RESULT_OP) bytes += room_of(world_port.program_size, o->size);
        }
        life.bytes[f] = (uint16_t)bytes;
    }
    for (n = 0, e = 0; n < 120 && e < EVENTS - 3 && !told; n++) {
        which = n < 20 ? draw(&life.random, 10) == 0 : draw(&life.random, 8) > 0;
        status = boot(which ? small : firmwares[0], INNGEST_RESET_POWER_ON, MOST_RUNS_, 8);
        if (status == INNGEST_ERR_TABLE_BYTES && n == 0) { skipped++; return; }
        if (status != INNGEST_OK) { wrong("a mount is refused", status); return; }
        before = operations;
        if (n < 100) {
            e = (e | 1u) + 1 + which;
            if ((status = on->send(e)) != INNGEST_OK && status != INNGEST_ERR_JOURNAL_FULL) wrong("an event is refused", status);
        }
        for (i = 0; i < 10; i++) {
            on->tell_clock(i % 2 * 100000);
            (void)on->tick();
            pass_time(1);
        }
        if (operations - before > 12 * world_port.block_count) wrong("the flash is erased in vain", (int)(operations - before));
        if (n < 100 && status == INNGEST_OK) (void)(on->close() == INNGEST_OK);
    }
    lives++;
}

/* A firmware that remembers fewer event ids than the one before forgets those that expire first, no others. */
static void fewer_ids(void)
{
    const firmware *small = firmwares[4];
    unsigned e, n = firmwares[0]->seen_ids;
    told = 0;
    begin_life(1);
    life.ids = life.up = true;
    open_chip(4096, 32, 4);
    life.functions = 1;
    life.has[0] = true;
    CHECK(boot(firmwares[0], INNGEST_RESET_POWER_ON, MOST_RUNS_, 8) == INNGEST_OK);
    for (e = 0; e < n; e++) {
        CHECK(on->send(e) == INNGEST_OK);
        (void)on->tick();
        CHECK(ledger[e][0].finished);
        pass_time(10000);
    }
    CHECK(on->close() == INNGEST_OK && n > small->seen_ids);
    memset(ledger, 0, sizeof ledger);
    CHECK(boot(small, INNGEST_RESET_POWER_ON, MOST_RUNS_, 8) == INNGEST_OK);
    for (e = n; e-- > n - small->seen_ids;) {
        CHECK(on->send(e) == INNGEST_OK);
        (void)on->tick();
        CHECK(!ledger[e][0].finished);
    }
    CHECK(on->send(e) == INNGEST_ERR_SEEN_FULL);                      /* not one that was seen: it waits for a place */
    CHECK(told == 0);
}

int main(int argc, char **argv)
{
    uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 400, seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1, i;
    static const uint32_t stuffed[] = { 41, 57, 60, 72, 1, 3, 4, 7, 8, 9, 11, 12, 13, 16 };      /* in which the flash was erased in vain */
    static const uint32_t once[] = { 4720 };           /* in which a run failed for room that it had */
    for (i = 0; argc < 2 && i < sizeof once / sizeof *once; i++) {
        told = 0;
        live(once[i], 100);
        CHECK(told == 0);
    }
    for (i = 0; argc < 2 && i < sizeof stuffed / sizeof *stuffed; i++) {
        told = 0;
        stuff(stuffed[i]);
        CHECK(told == 0);
    }
    if (argc < 2) fewer_ids();
    for (; n > 0; n--, seed++) {
        told = 0;
        live(seed, 100);
        CHECK(told == 0);
    }
    flash_close(&chip);
    printf("%lu lives, %lu boots, %lu too small, %lu runs without room\n", lives, boots, skipped, starved);
    return TEST_END();
}
