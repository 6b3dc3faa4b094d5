/* SPDX-License-Identifier: MIT
 * Lives of which everything is drawn: what the jobs do (scripts of steps of any kind and size), which build of the library they
 * run on (the Makefile compiles this file with several configurations), the geometry, the port, the table of functions, runs and
 * queue of each boot, the numbers a journal begins with, clocks; erases that go on while other things happen, sends and
 * completions out of the port's calls, resets in user code, cancels from inside and outside, restarts that come back. Power is
 * cut again and again, in some lives now and then in up to 80 boots in a row. The ledger judges: no finished step runs
 * again, no result, attempt, choice, progress or event data changes, no event runs twice, no sleep ends early, nothing that was
 * acknowledged is lost, and all comes to its end.
 * argv: how many lives; the first seed. */
#define MOST_RUNS_ 10u
#include "drawn_world.h"
#include "drawn_device.h"
#include <string.h>

life_state life;
run_entry ledger[ENTRIES][FUNCTIONS];
jmp_buf reset_vector;
static struct { uint32_t queue, flaps; bool faults; } world;      /* flaps: so many boots to come are cut short */
static unsigned long lives, boots, skipped, used_up, told;

void wrong(const char *what, int status)
{
    test_failed++;
    if (told++ == 0) printf("seed %u, %u x %u, unit %u, %s%s: %s, %s; turn %u, boot %u, operation %u\n", life.seed, dev.port.block_count, dev.port.block_size,
                            dev.port.program_size, dev.disk ? "disk" : "flash", dev.port.sync ? ", sync" : "", what,
                            inngest_status_name((inngest_status)status), life.turn, life.boots, dev.operations);
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
    odd_calls = draw(r, 3) == 0;
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
        why = reason_of(jumped);
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
        if (stopped_by_sync()) continue;
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
    static const uint32_t flapped[] = { 6071322, 20000070, 20000400, 20000626, 20000783, 20001146, 31000109, 41014653 };       /* the same, where the supply flaps */
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
