/* SPDX-License-Identifier: MIT
 * What makes the library fast or small changes nothing that a user sees: the same drawn life is led in several builds of it. Each
 * notes every pass, body, result, status, hook, deadline and count, and what it writes, and must note what the first one has: where
 * that is to be so all bytes in the same order, power lost and programs failing at any unit. In the end the first build leads it
 * once more, and somebody meddles: ticks, flushes, wakes, clocks, stops and mounts that nobody needs, and that change nothing.
 * argv: how many lives; the first seed; how many notes to show in front of those that differ. */
#include "firmware/world.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

life_state life;
run_entry ledger[ENTRIES][FUNCTIONS];
jmp_buf reset_vector;
inngest_port world_port;

/* ---- builds ------------------------------------------------------------------------------------------------------------------ */

/* ALWAYS: they write the same. NO_SYNC: where the port has no sync; else it is another matter which records are said to be later, and
 * which passes a sync saves. USER: all that a user sees is the same; when it reclaims, and what a mount need not read, is its own. */
enum { ALWAYS, NO_SYNC, USER };
#define EACH(x) x(0, ALWAYS) x(1, ALWAYS) x(2, ALWAYS) x(3, ALWAYS) x(4, ALWAYS) x(5, ALWAYS) x(6, NO_SYNC) x(7, NO_SYNC) x(8, USER) x(9, USER) \
    x(10, USER) x(11, USER)
#define DECLARE(k, same) extern const firmware the_firmware_of_twin_##k;
EACH(DECLARE)
#define NAME(k, same) { &the_firmware_of_twin_##k, same },
static const struct twin { const firmware *f; int same; } twins[] = { EACH(NAME) };
#define TWINS (sizeof twins / sizeof *twins)

static unsigned which;                 /* of them lives now */
static const firmware *on;
static unsigned long lives, boots, skipped, told, notes, shown = 12;

/* ---- notes ------------------------------------------------------------------------------------------------------------------- */

/* run: whose pass it is of, or 0. order: where it stands among those between two that are of none. */
typedef struct entry { char what; int64_t v[4], run; size_t order; } entry;
typedef struct entries { entry *at; size_t count, room; } entries;
static entries notebook, sorted, heap; /* of the first build; the same, runs in order; of this one, not compared yet */
static size_t next_note;
static int64_t run_now;
static uint64_t digest;                /* of all that the first build notes: the same on every machine */
static bool muted, any_order;          /* any: which run has its pass first is a build's own, too */
static char passed_over[40];           /* what this build does not tell, or need not tell alike: see choose_notes */

void wrong(const char *what, int status)
{
    test_failed++;
    if (told++ == 0) printf("seed %u, twin %u, %u x %u, unit %u%s: %s, %d; turn %u, boot %u\n", life.seed, which, world_port.block_count,
                            world_port.block_size, world_port.program_size, world_port.sync ? ", sync" : "", what, status, life.turn, life.boots);
}

static void print_entry(const char *whose, const entry *e)
{
    printf("  %s %c %lld %lld %lld %lld\n", whose, e->what, (long long)e->v[0], (long long)e->v[1], (long long)e->v[2], (long long)e->v[3]);
}

static bool is_same(const entry *a, const entry *b) { return a->what == b->what && memcmp(a->v, b->v, sizeof a->v) == 0; }

static void pass_over(const entries *first)
{
    while (next_note < first->count && strchr(passed_over, first->at[next_note].what)) next_note++;
}

static void compare(const entry *e)
{
    const entries *first = any_order ? &sorted : &notebook;
    size_t i;
    if (told || strchr(passed_over, e->what)) return;
    pass_over(first);
    if (next_note < first->count && is_same(&first->at[next_note], e)) {
        next_note++;
        return;
    }
    wrong("twins differ", 0);
    for (i = next_note - (next_note < shown ? next_note : shown); i < first->count && i <= next_note + shown / 4; i++)
        print_entry(i == next_note ? "first" : "...  ", &first->at[i]);
    print_entry("other", e);
}

static void compare_end(void)
{
    const entries *first = any_order ? &sorted : &notebook;
    pass_over(first);
    if (next_note < first->count && !told) wrong("a twin notes less", 0);
}

static void add_entry(entries *to, const entry *e)
{
    if (to->count == to->room) {
        to->room = to->room * 2 + 1024;
        to->at = realloc(to->at, to->room * sizeof *to->at);
    }
    to->at[to->count++] = *e;
}

static int by_run(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return x->run != y->run ? (x->run > y->run ? 1 : -1) : x->order > y->order ? 1 : -1;
}

/* Put what stands between two notes of no run in order. */
static void sort(entries *all, size_t from)
{
    size_t i;
    for (i = from; i < all->count; i++) all->at[i].order = i;
    if (all->count > from) qsort(all->at + from, all->count - from, sizeof *all->at, by_run);
}

static void sort_notebook(void)
{
    size_t i, from = 0;
    sorted.count = 0;
    for (i = 0; i < notebook.count; i++) {
        if (notebook.at[i].run == 0) { sort(&sorted, from); from = i + 1; }
        add_entry(&sorted, &notebook.at[i]);
    }
}

static void compare_heap(void)
{
    size_t i;
    if (any_order) sort(&heap, 0);
    for (i = 0; i < heap.count; i++) compare(&heap.at[i]);
    heap.count = 0;
}

void note(char what, int64_t a, int64_t b, int64_t c, int64_t d)
{
    entry e;
    unsigned i;
    if (muted) return;
    if (strchr("rSPEBDMij", what)) run_now = a;        /* they name it */
    else if (!strchr("bncgswfIpk", what)) run_now = 0;
    memset(&e, 0, sizeof e);
    e.what = what;
    e.run = run_now;
    e.v[0] = a;
    e.v[1] = b;
    e.v[2] = c;
    e.v[3] = d;
    notes++;
    if (which == 0) {
        add_entry(&notebook, &e);
        if (life.slow && strchr("oRt", what)) return;      /* see choose_notes */
        digest = (digest ^ (uint64_t)what) * UINT64_C(0x9E3779B97F4A7C15);
        for (i = 0; i < 4; i++) digest = ((digest ^ (uint64_t)e.v[i]) * UINT64_C(0x9E3779B97F4A7C15)) ^ digest >> 29;
        return;
    }
    if (e.run == 0) compare_heap();
    add_entry(&heap, &e);
    if (e.run == 0 || !any_order) compare_heap();
}

/* exact: power is lost at any unit. dozes: time passes only while it is off, and the clock says how much. What a reset costs of time is
 * else a build's own: one has stamped it later than another, with a list; so what neither dozes nor is exact stops in order. outside:
 * cancels from there. */
static struct { bool exact, dozes, sync, outside, wakes, faults; unsigned busy; } world;

/* ---- storage ----------------------------------------------------------------------------------------------------------------- */

static flash chip;
static uint32_t cut_at, operations;    /* units that are programmed, and erases: how many a call programs is a build's own */
static uint64_t written;               /* a hash of all of that, in its order */
static unsigned busy_left;             /* so often this erase still answers BUSY */
static unsigned program_fails, erase_fails, may_not;       /* one in so many; 0: none */

static void hash(uint32_t a) { written = (written ^ a) * UINT64_C(0x9E3779B97F4A7C15); written ^= written >> 29; }

/* What is cut short reads the same each time: how often it is read is a build's own. */
static flash_tear sure(char what)
{
    flash_tear tear = (flash_tear)draw(&life.luck, FLASH_TEARS);
    return tear == FLASH_TEAR_WEAK ? FLASH_TEAR_DONE : what == 'e' && tear == FLASH_TEAR_TOUCHED ? FLASH_TEAR_NONE : tear;
}

static int operate(char what, uint32_t at, const void *data, uint32_t size)
{
    uint32_t k, block = at / world_port.block_size;
    unsigned odds = what == 'p' ? program_fails : erase_fails;
    int result;
    operations++;
    if (cut_at && operations >= cut_at) {
        chip.tear = sure(what);
        chip.cells_after = draw(&life.luck, 2) ? FLASH_UNREADABLE : FLASH_STABLE;
        lose_power_in(&chip, what, at, data, size);
        longjmp(reset_vector, CUT);
    }
    hash(at);
    for (k = 0; what == 'p' && k < size; k++) hash(((const uint8_t *)data)[k]);
    if (odds && draw(&life.luck, odds) == 0) {
        chip.bad_tear = draw(&life.luck, 3) ? sure(what) : FLASH_TEAR_NONE;
        chip.bad_cells = FLASH_STABLE;
        flash_set_bad(&chip, block, what == 'p' ? FLASH_BAD_PROGRAM : FLASH_BAD_ERASE);
    }
    result = what == 'p' ? chip.port.program(&chip, at, data, size) : chip.port.erase(&chip, at);
    flash_set_bad(&chip, block, FLASH_GOOD);
    return result;
}

static int read_call(void *context, uint32_t at, void *data, uint32_t size) { (void)context; return chip.port.read(&chip, at, data, size); }
static int program_call(void *context, uint32_t at, const void *data, uint32_t size)
{
    uint32_t k, unit = world_port.program_size;
    int result = 0;
    (void)context;
    for (k = 0; k < size && result == 0; k += unit) result = operate('p', at + k, (const uint8_t *)data + k, unit);
    return result;
}
static int erase_call(void *context, uint32_t at)
{
    (void)context;
    if (busy_left) {
        busy_left--;
        return INNGEST_PORT_BUSY;
    }
    busy_left = world.busy;
    return operate('e', at, NULL, 0);
}
static bool may_write_call(void *context) { (void)context; return !may_not || draw(&life.luck, may_not) > 0; }
static uint32_t now_call(void *context) { (void)context; return life.base + (uint32_t)life.uptime; }
static bool is_blank_call(void *context, uint32_t at, uint32_t size) { (void)context; return chip.port.is_blank(&chip, at, size); }
static int sync_call(void *context) { (void)context; hash(0xFFFFFFFF); return 0; }
static void restart_call(void *context) { (void)context; longjmp(reset_vector, RESTARTED); }

static void set_faults(bool on)
{
    static const uint8_t program[] = { 30, 100, 250, 100, 0, 0, 0, 0 }, erase[] = { 0, 4, 0, 3, 2, 0, 0, 0 };
    unsigned k = on ? draw(&life.random, 7) : 7;
    program_fails = program[k];
    erase_fails = erase[k];
    may_not = k == 5 ? 4 : 0;
}

static void open_chip(uint32_t block, uint32_t blocks, uint16_t g, bool sync)
{
    flash_close(&chip);
    memset(&chip, 0, sizeof chip);
    CHECK(flash_open(&chip, block, blocks, g, life.seed));
    if (draw(&life.random, 4) == 0) flash_set_erased(&chip, 0);
    world_port = chip.port;
    world_port.read = read_call;
    world_port.program = program_call;
    world_port.erase = erase_call;
    world_port.restart = restart_call;
    if (world_port.is_blank) world_port.is_blank = is_blank_call;
    world_port.sync = sync ? sync_call : NULL;
    if (life.slow) world_port.now = now_call;
    if (world.faults) world_port.may_write = may_write_call;
    cut_at = operations = 0;
    written = 0;
    busy_left = world.busy;
    set_faults(false);
}

/* ---- a life ------------------------------------------------------------------------------------------------------------------ */

static struct { uint32_t runs, queue; bool told; int64_t off; } here;      /* this boot: its clock was told, so much off */
static uint64_t whim;                  /* of one who meddles; 0: nobody does */

static unsigned refused;               /* scripts, by the first build: one without INNGEST_INIT_CHECKS is not to be asked */

static void switch_on(void)
{
    life.boots++;
    life.uptime = 0;
    life.base = draw(&life.random, 3) ? draw(&life.random, 100000) : 0u - draw(&life.random, 100000);
    boots++;
}

static void draw_world(uint32_t seed)
{
    uint64_t *r = &life.random;
    begin_life(seed);
    life.steady = true;
    life.kept_text = on->message_bytes;
    life.crash_limit = on->crash_limit;
    memset(&world, 0, sizeof world);
    world.exact = draw(r, 2);
    world.dozes = !world.exact && draw(r, 2);
    world.sync = draw(r, 3) == 0;
    world.outside = draw(r, 4) == 0;
    world.wakes = draw(r, 3) == 0;
    life.clocks = draw(r, 3) > 0 || world.dozes;
    life.truthful = draw(r, 2) || world.dozes;
    life.dates = life.clocks && draw(r, 4) == 0;
    life.ids = draw(r, 3) == 0;
    life.cancels = draw(r, 6) == 0 && (world.exact || !world.sync);      /* it is drawn in each pass */
    life.tables = draw(r, 4) == 0;
    life.crashes = draw(r, 4) == 0 && (world.exact || world.dozes);
    life.same_ids = draw(r, 3) == 0;
    life.tight = draw(r, 4) == 0;
    life.silent = draw(r, 4) == 0;
    life.picky = draw(r, 2);
    life.big = draw(r, 4) == 0;
    life.slow = draw(r, 3) == 0 && !world.exact && !world.dozes && !world.sync;
    world.faults = draw(r, 3) == 0 && world.exact;
    world.busy = world.exact && draw(r, 4) == 0 ? 1 + draw(r, 3) : 0;
}

static void tell(int64_t off)
{
    here.told = true;
    here.off = off;
    on->tell_clock(off);
}

static bool begin(uint32_t seed)
{
    static const uint16_t sizes[] = { 512, 512, 1024, 1024, 2048, 4096, 16384 };
    static const limits most = { .result = 399, .answer = 100, .error = 48 };
    uint64_t *r = &life.random;
    uint32_t block, blocks;
    uint16_t g;
    unsigned i, k, tries;
    inngest_status status;
    draw_world(seed);
    block = sizes[draw(r, 7)];
    blocks = 2 + draw(r, draw(r, 2) ? 4 : 40);
    if (block * blocks > 65536) blocks = 65536 / block;
    g = (uint16_t)(1u << draw(r, 6));
    open_chip(block, blocks, g, world.sync);
    for (tries = 0; ; tries++) {
        if (tries == 8) return false;
        life.functions = 1 + draw(r, tries > 4 ? 1 : FUNCTIONS - 1);
        life.fan = life.functions > 1 && draw(r, 3) == 0;
        life.wild = life.functions > 1 && !life.fan && draw(r, 3) == 0;
        for (i = 0; i < FUNCTIONS; i++) life.has[i] = i < life.functions || (i == FUNCTIONS - 1 && tries < 4 && draw(r, 2));
        draw_scripts(g, tries < 3 ? OPS : tries < 6 ? 3 : 1, &most);
        for (i = 0; i < FUNCTIONS && life.tight; i++) life.bytes[i] = (uint16_t)(life.bytes[i] / 4 * (1 + draw(r, 4)));
        for (i = 0; i < FUNCTIONS; i++) for (k = 0; k < OPS; k++) if (!world.exact && life.ops[i][k].kind != SAVE_OP) life.ops[i][k].how |= 1;
        switch_on();
        if (which && tries < refused) continue;
        if (which == 0) notebook.count = 0;
        refused = tries;
        status = on->boot(INNGEST_RESET_POWER_ON, MOST_RUNS_, 8);
        if (status == INNGEST_OK) break;
        if (status != INNGEST_ERR_TABLE_BYTES) wrong("the first mount is refused", status);
    }
    if (world.exact && draw(r, 3) == 0 && chip.erased == 0xFF) {    /* where all was reclaimed the next run's number is where the head is */
        number_blocks(chip.cells, block, blocks, (far_blocks[draw(r, sizeof far_blocks / sizeof *far_blocks)] - draw(r, 30)) / blocks * blocks);
        status = on->boot(INNGEST_RESET_POWER_ON, MOST_RUNS_, 8);
        if (status != INNGEST_OK) wrong("a mount of far numbers is refused", status);
    }
    life.events = 1 + draw(r, EVENTS);
    for (i = 0; i < EVENTS; i++) life.size[i] = (uint16_t)(2 + draw(r, draw(r, 3) ? 10 : 240));
    here.runs = MOST_RUNS_;
    here.queue = 8;
    here.told = false;
    if (world.dozes) tell(0);
    life.up = true;
    return true;
}

/* Do no step's bodies stay in progress? Then it can be woken, and stopped and started, and nothing changes. */
static bool is_calm(void)
{
    unsigned f, i;
    for (f = 0; f < FUNCTIONS; f++) for (i = 0; i < life.count[f]; i++) {
        const op *o = &life.ops[f][i];
        if (o->kind == LONG_OP || o->kind == PENDING_OP || o->kind == TIMEOUT_OP || o->kind == SAVE_OP) return false;
        if ((o->kind == ALL_OP || o->kind == ANY_OP) && (o->how & 6) == 4) return false;
    }
    return true;
}

/* What changes nothing. */
static void meddle(void)
{
    uint32_t how = draw(&whim, 8);
    muted = true;
    if (how == 0) (void)on->tick();
    if (how == 1) (void)on->flush();
    if (how == 2 && is_calm()) { on->wake(); (void)on->tick(); }
    if (how == 3 && here.told) { tell(here.off); (void)on->tick(); }
    if (how == 4 && is_calm() && (here.told || !life.clocks) && on->flush() == INNGEST_OK) {      /* all is journaled */
        life.boots++;
        if (on->close() != INNGEST_OK || on->boot(INNGEST_RESET_POWER_ON, here.runs, here.queue) != INNGEST_OK) wrong("it cannot stop and go on", 0);
        if (here.told) tell(here.off);
        (void)on->tick();
    }
    muted = false;
}

static inngest_reset why;
static bool start(void)
{
    uint32_t runs = life.last || draw(&life.random, 3) ? MOST_RUNS_ : 2 + draw(&life.random, MOST_RUNS_ - 2);
    unsigned f = draw(&life.random, FUNCTIONS);
    inngest_status status;
    memset(life.queued, 0, sizeof life.queued);
    memset(life.gone, 0, sizeof life.gone);
    if (life.tables && !life.last) {
        life.first = draw(&life.random, FUNCTIONS);
        life.gone[f] = draw(&life.random, 2);
    }
    switch_on();
    here.runs = runs;
    here.queue = life.last ? 8 : 2u << draw(&life.random, 3);
    here.told = false;
    /* Power is lost right behind a mount. Where there is a sync, what is durable already goes on a round before what is not. */
    if (whim && !world.sync && why == INNGEST_RESET_POWER_ON && draw(&whim, 2)) {
        muted = true;
        (void)on->boot(why, runs, here.queue);
        muted = false;
    }
    status = on->boot(why, runs, here.queue);
    if (status == INNGEST_ERR_RUNS_FULL && runs < MOST_RUNS_) return false;
    if ((life.crash_resets >= 2 || life.tight) && (life.silent || !(on->parts & PART_HOOKS))) life.blind = true;
    if (status == INNGEST_OK) why = INNGEST_RESET_POWER_ON;
    if (world.faults && !life.last && (int)status <= INNGEST_ERR_READ) return false;
    if (status != INNGEST_OK) wrong("a mount is refused", status);
    if (world.dozes && status == INNGEST_OK) tell(0);
    return life.up = status == INNGEST_OK;
}

/* A build whose user need not call a tick again only to reclaim, and one that wants it, are one when both are done. */
static void tick(void)
{
    uint32_t next = on->tick(), n = 0;
    while (!world.exact && next == 0 && n++ < 200) next = on->tick();
    note('t', next, life.now, 0, 0);
}

/* It stops, in order or not, and is off for a while. */
static void reset(void)
{
    if (draw(&life.random, 3) == 0 || !(world.exact || world.dozes)) note('z', on->close(), 0, 0, 0);
    else if (life.crashes && life.crash_resets < 12 && draw(&life.random, 2)) { life.crash_resets++; why = INNGEST_RESET_CRASH; }
    life.up = false;
    if (world.dozes) life.now += draw(&life.random, draw(&life.random, 4) ? 6000 : 100000);
}

static void turn(bool last)
{
    on->send_events();
    if (world.outside && !last && draw(&life.random, 20) == 0) on->cancel();
    on->answer();
    if (world.wakes && draw(&life.random, 5) == 0) on->wake();
    tick();
    if (whim) meddle();
    (void)on->look();
    if (world.dozes) {
        if (!last && draw(&life.random, 3)) return;
    } else pass_time(draw(&life.random, draw(&life.random, 4) ? 6000 : 100000));
    if (life.clocks && !world.dozes && draw(&life.random, last ? 10 : 3) == 0) tell(life.truthful ? 0 : (int64_t)draw(&life.random, 400000) - 200000);
    if (world.dozes || (!last && draw(&life.random, 10) == 0)) reset();
    if (chip.violations) wrong("a unit is programmed twice", 0);
    note('o', (int64_t)written, operations, 0, 0);
}

static bool live(uint32_t seed, unsigned turns)
{
    int jumped;
    if (!begin(seed)) return false;
    why = INNGEST_RESET_POWER_ON;
    if ((jumped = setjmp(reset_vector)) != 0) {
        life.up = muted = false;
        cut_at = 0;
        if (draw(&life.random, 3) == 0 || world.dozes) life.now += draw(&life.random, 50000);
        why = reason_of(jumped);
        note('!', jumped, 0, 0, 0);
    }
    while (++life.turn < turns + 40 && !told) {
        bool last = life.turn >= turns;
        if (last && !life.last) {
            life.last = true;
            cut_at = 0;
            set_faults(false);
            life.up = false;
        }
        if (world.faults && !last && life.turn % 5 == 1) set_faults(draw(&life.random, 3) > 0);
        if (world.exact && !last && draw(&life.random, 4) == 0) cut_at = operations + 1 + draw(&life.random, draw(&life.random, 2) ? 4 : 60);
        if (!life.up && !start()) continue;
        turn(last);
    }
    return true;
}

/* What this build does not tell, or need not tell as the first one does. r: a pass; s, w: what a step of it gave, and its error; g: a
 * group; f: on_failure; b, n, c: a body, whether it began before, its calls; S, P, E, B, D, I, M: hooks; p: a predicate; q, l, a, x, z:
 * what send, flush, complete, cancel and close gave; 0: a mount; !: a reset; t: what a tick gave; i, j: a live run, its room; C, R:
 * counters, those of the journal; o: all that was written. */
static void choose_notes(void)
{
    const struct twin *t = &twins[which % TWINS];
    any_order = which == TWINS || life.slow || t->same == USER || (t->same == NO_SYNC && world.sync);
    strcpy(passed_over, " ");
    if (!(t->f->parts & PART_HOOKS)) strcat(passed_over, "SPEBDIM");
    if (!(t->f->parts & PART_INSPECT)) strcat(passed_over, "ijCRn");   /* n: without it nobody knows that nothing was damaged */
    if (t->same == USER) strcat(passed_over, "oR");
    /* Where the queue is found empty without a look at the clock, more is left to the next tick, and stamps, and so heartbeats, come earlier. */
    if (life.slow) strcat(passed_over, "oRt");
    if (t->same != ALWAYS && world.sync) strcat(passed_over, "oRSPMrswgnf");
    if (which == TWINS) strcpy(passed_over, " oRtCjnpSPMrswgf");         /* more passes, other heartbeats, counted from another init */
}

static void lead(uint32_t seed)
{
    told = 0;
    notebook.count = 0;
    for (which = 0; which <= TWINS && !told; which++) {
        const struct twin *t = &twins[which % TWINS];
        on = t->f;
        if (which && (t->same == USER ? world.exact : t->same == NO_SYNC && world.exact && world.sync)) continue;
        if (which == TWINS && (world.exact || life.cancels || seed % 5 == 0)) continue;      /* a mount begins the numbers for jitter anew */
        whim = which == TWINS ? seed + UINT64_C(1) : 0;
        next_note = heap.count = 0;
        run_now = 0;
        choose_notes();
        if (which == 1) sort_notebook();
        if (!live(seed, 100)) { skipped++; return; }
        compare_heap();
        if (which) compare_end();
    }
    lives++;
    CHECK(told == 0);
}

int main(int argc, char **argv)
{
    static const uint32_t once[] = { 393, 1097, 1115, 1438, 1660 };        /* in which a mount was refused, or a run was woken for nothing */
    uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 300, seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1, i;
    if (argc > 3) shown = strtoul(argv[3], NULL, 0);
    for (i = 0; argc < 2 && i < sizeof once / sizeof *once; i++) lead(once[i]);
    for (; n > 0; n--, seed++) lead(seed);
    flash_close(&chip);
    free(notebook.at);
    free(sorted.at);
    free(heap.at);
    printf("%lu lives, %lu boots, %lu too small, %lu notes; those of the first: %016llx\n", lives, boots, skipped, notes, (unsigned long long)digest);
    return TEST_END();
}
