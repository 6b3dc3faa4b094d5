/* SPDX-License-Identifier: MIT
 * All that the other tests let go wrong one by one, at once: programs, erases, reads and syncs that fail and leave all, some
 * or nothing of their work, power lost at any of them, cells that read differently each time, a disk that drops what was not
 * synced, storage that is busy or may not be written, clocks, ids that expire, cancels, functions that are gone for a while,
 * any geometry. Before and behind every program and erase of such a life a copy of the storage is mounted as if power had been
 * lost there, some through more of the same, and at last without: it is not refused, no run is lost or parked, and every
 * event that was acknowledged comes to its end without running a finished step again. argv: how many lives; the first seed. */
#include "world.h"
#include <setjmp.h>

#define PORT_ERROR (-4711)
#define NOON INT64_C(1700000000000)
#define EVENTS 8u
enum { CUT = 1, RESTART };

/* ---- storage: a flash, or a disk with a cache -------------------------------------------------------------------------- */

typedef struct write_back { uint32_t at, size; uint8_t *bytes; } write_back;
typedef struct device {
    flash chip;
    inngest_port port;
    bool disk, first;                          /* the life's own, not a copy */
    uint8_t *durable;
    write_back *writes;
    unsigned count, room;
    uint32_t random, operations, cut_at;
    unsigned program_fails, erase_fails, read_fails, sync_fails, may_not, busy, burst;   /* one in so many; 0: none */
    unsigned failures, row, busy_left, wholes, unsynced, written_behind;
    bool forbidden;
    jmp_buf *reset;
} device;
static device own, copy;

static uint32_t draw(uint32_t *state, uint32_t n)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return (*state >> 3) % n;
}

static bool hits(device *d, unsigned odds) { return odds && draw(&d->random, odds) == 0; }
static uint32_t size_of(const device *d) { return d->port.block_size * d->port.block_count; }
static void forget_writes(device *d) { while (d->count) free(d->writes[--d->count].bytes); }

static void note_write(device *d, uint32_t at, const uint8_t *bytes, uint32_t size)
{
    write_back *w;
    if (d->count == d->room) {
        d->room = d->room * 2 + 64;
        d->writes = realloc(d->writes, d->room * sizeof *d->writes);
    }
    w = &d->writes[d->count++];
    w->at = at;
    w->size = size;
    w->bytes = malloc(size);
    memcpy(w->bytes, bytes, size);
}

/* A disk loses power: nothing of the cache is kept, the first writes, any, all but one, or any state of each sector. */
static void drop(device *d)
{
    uint32_t how = draw(&d->random, 6), k, upto[128];
    unsigned i, first = how == 0 ? 0 : how == 1 ? draw(&d->random, d->count + 1) : d->count;
    if (!d->disk) return;
    for (i = 0; i < 128; i++) upto[i] = how != 2 ? d->count : draw(&d->random, 2) ? draw(&d->random, d->count + 1) : draw(&d->random, 2) * d->count;
    for (i = 0; i < first; i++) {
        const write_back *w = &d->writes[i];
        uint32_t size = w->size;
        if ((how == 3 && draw(&d->random, 2)) || (how == 4 && draw(&d->random, d->count) == 0)) continue;
        if (how % 2 && i + 1 == d->count && draw(&d->random, 2)) size = draw(&d->random, size);
        for (k = 0; k < size; k++) if (i < upto[(w->at + k) / 128]) d->durable[w->at + k] = w->bytes[k];
    }
    memcpy(d->chip.cells, d->durable, size_of(d));
    forget_writes(d);
    memset(d->chip.units, 0, size_of(d) / d->port.program_size);
    for (k = 0; k < size_of(d); k++) if (d->chip.cells[k] != 0xFF) d->chip.units[k / d->port.program_size] = 1;
    d->chip.odd = 0;
}

static flash_tear any_tear(device *d, bool erase)
{
    flash_tear tear = (flash_tear)draw(&d->random, FLASH_TEARS);
    if (d->disk && tear == FLASH_TEAR_WEAK) return FLASH_TEAR_DONE;
    return erase && tear == FLASH_TEAR_TOUCHED ? FLASH_TEAR_NONE : tear;
}

static void raw(device *d, char what, uint32_t at, const void *data, uint32_t size, int *result)
{
    *result = what == 'p' ? d->chip.port.program(&d->chip, at, data, size) : d->chip.port.erase(&d->chip, at);
    if (d->disk) note_write(d, at, d->chip.cells + at, size);
}

static void tear(device *d, char what, uint32_t at, const void *data, uint32_t size)
{
    int result;
    d->chip.tear = any_tear(d, what == 'e');
    d->chip.cells_after = (flash_cells)draw(&d->random, d->disk ? 1 : FLASH_CELLS);
    d->chip.random = draw(&d->random, 0x10000000) | 1;
    d->chip.cut_at = d->chip.operations + 1;
    raw(d, what, at, data, size, &result);
    flash_power_on(&d->chip);
    d->chip.cut_at = 0;
}

static void probe(char what, uint32_t at, const void *data, uint32_t size);

static int write_call(device *d, char what, uint32_t at, const void *data, uint32_t size)
{
    uint32_t block = at / d->port.block_size;
    int result;
    CHECK(!d->forbidden);
    if (d->busy && d->busy_left++ < d->busy) return INNGEST_PORT_BUSY;
    d->busy_left = 0;
    d->operations++;
    d->written_behind += d->unsynced;
    if (d->first) probe(what, at, data, size);
    if (d->cut_at && d->operations >= d->cut_at) {
        tear(d, what, at, data, size);
        drop(d);
        longjmp(*d->reset, CUT);
    }
    if (d->burst || hits(d, what == 'p' ? d->program_fails : d->erase_fails)) {
        d->burst -= d->burst > 0;
        d->failures++;
        d->chip.bad_tear = draw(&d->random, 3) ? any_tear(d, what == 'e') : FLASH_TEAR_NONE;
        if (d->chip.bad_tear >= FLASH_TEAR_LAST && what == 'p' && d->wholes++ > 5) d->chip.bad_tear = FLASH_TEAR_NONE;   /* a mount keeps 8 in mind */
        d->chip.bad_cells = (flash_cells)draw(&d->random, d->disk ? 1 : FLASH_CELLS);
        flash_set_bad(&d->chip, block, what == 'p' ? FLASH_BAD_PROGRAM : FLASH_BAD_ERASE);
    }
    raw(d, what, at, data, size, &result);
    flash_set_bad(&d->chip, block, FLASH_GOOD);
    if (d->first) probe(0, 0, NULL, 0);
    return result;
}

static int program_call(void *context, uint32_t at, const void *data, uint32_t size) { return write_call(context, 'p', at, data, size); }
static int erase_call(void *context, uint32_t at) { device *d = context; return write_call(d, 'e', at, NULL, d->port.block_size); }

static int read_call(void *context, uint32_t at, void *data, uint32_t size)
{
    device *d = context;
    if (d->row < 2 && hits(d, d->read_fails)) {        /* what cannot be read three times is taken as torn */
        d->row++;
        d->failures++;
        return PORT_ERROR;
    }
    d->row = 0;
    return d->chip.port.read(&d->chip, at, data, size);
}

static int sync_call(void *context)
{
    device *d = context;
    if (hits(d, d->sync_fails)) {
        d->unsynced++;
        d->failures++;
        return PORT_ERROR;
    }
    memcpy(d->durable, d->chip.cells, size_of(d));
    forget_writes(d);
    return 0;
}

static bool is_blank_call(void *context, uint32_t at, uint32_t size) { device *d = context; return d->chip.port.is_blank(&d->chip, at, size); }
static bool may_write_call(void *context) { device *d = context; return !(d->forbidden = hits(d, d->may_not)); }
static void restart_call(void *context) { device *d = context; longjmp(*d->reset, RESTART); }

static void set_faults(device *d, bool on, uint32_t *random)
{
    static const uint8_t program[] = { 8, 25, 60, 10, 0, 0, 0, 0, 0 }, erase[] = { 0, 4, 0, 3, 2, 0, 0, 0, 0 };
    unsigned k = on ? draw(random, 8) : 8;
    d->program_fails = program[k];
    d->erase_fails = erase[k];
    d->read_fails = k == 5 ? 60 : k == 3 ? 300 : 0;
    d->sync_fails = k == 6 ? 15 : 0;
    d->may_not = k == 7 ? 4 : 0;
    d->busy = on && draw(random, 6) == 0 ? 1 + draw(random, 3) : 0;
    d->cut_at = d->burst = 0;
}

/* ---- jobs besides those of world.h ------------------------------------------------------------------------------------- */

enum { RESTARTER = WORLD_KINDS, HOLDER, MIXED, KINDS };

static inngest_status restarter(inngest_ctx *ctx)
{
    unsigned w;
    INNGEST_TRY(world_which(ctx, RESTARTER, &w));
    INNGEST_DO(ctx, "a") world_effect(w, 0);
    world_done(w, 0);
    INNGEST_TRY(inngest_step_restart(ctx, "again"));
    INNGEST_DO(ctx, "b") world_effect(w, 1);
    world_done(w, 1);
    return INNGEST_OK;
}

static inngest_status holder(inngest_ctx *ctx)
{
    unsigned w, i;
    uint8_t block[40];
    INNGEST_TRY(world_which(ctx, HOLDER, &w));
    for (i = 0; i < 2; i++) {
        INNGEST_STEP(ctx, "block", block) {
            world_effect(w, i);
            memset(block, (int)(w + i), sizeof block);
        }
        if (block[0] != w + i || block[39] != w + i) world.wrong++;
        world_done(w, i);
        if (i == 0) INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_SECONDS(700)));
    }
    return INNGEST_OK;
}

static inngest_status mixed(inngest_ctx *ctx)
{
    static const inngest_step_options intent = { .intent = true };
    unsigned w;
    uint32_t value = 0;
    inngest_status x, y;
    INNGEST_TRY(world_which(ctx, MIXED, &w));
    inngest_parallel(ctx, "both");
    INNGEST_STEP_AS(x, ctx, "x", value) {
        world_effect(w, 0);
        value = 0xABCD0000u + w;
        if (inngest_attempt(ctx) == 0) x = inngest_retry(ctx, 1, "no");
    }
    if (x == INNGEST_OK) {
        if (value != 0xABCD0000u + w) world.wrong++;
        world_done(w, 0);
    }
    INNGEST_DO_AS(y, ctx, "y") world_effect(w, 1);
    if (y == INNGEST_OK) world_done(w, 1);
    INNGEST_TRY(inngest_all(ctx, &x, &y));
    INNGEST_DO_WITH(ctx, "z", &intent) {
        world_effect(w, 2);
        INNGEST_TRY(world_progress(ctx, w, 2, 500));
    }
    world_done(w, 2);
    return INNGEST_OK;
}

static const char *const more_names[] = { "w/restarter", "w/holder", "w/mixed" };
static const inngest_function more_table[] = {
    { .id = "restarter", .event = "w/restarter", .handler = restarter, WORLD_JOB },
    { .id = "holder", .event = "w/holder", .handler = holder, WORLD_JOB },
    { .id = "mixed", .event = "w/mixed", .handler = mixed, WORLD_JOB },
};

/* ---- a life ------------------------------------------------------------------------------------------------------------ */

static struct {
    uint32_t seed, random, now, runs;
    inngest_function functions[WORLD_FUNCTIONS + 3];
    uint8_t kind_of[WORLD_FUNCTIONS + 3], kinds[3];
    unsigned count, kind_count, events, charges;
    int gone;                                  /* this function is not in the table now; -1: all are */
    bool queued[EVENTS], tried[EVENTS], cancelled[EVENTS];
    bool clocks, faults, removal, cancels;
} life;
static inngest jobs, jobs_of_copy;
static int64_t memory[INNGEST_MEMORY(8, 8) / 8 + 1], memory_of_copy[INNGEST_MEMORY(8, 8) / 8 + 1];
static unsigned long lives, mounts, used_up, told;

static void wrong(const char *what, int status)
{
    test_failed++;
    if (told++ == 0) printf("seed %u, %u x %u, unit %u, %s: %s, %s; operation %u\n", life.seed, own.port.block_count, own.port.block_size, own.port.program_size,
                            own.disk ? "disk" : "flash", what, inngest_status_name((inngest_status)status), own.operations);
}

static const char *event_of(unsigned kind) { return kind < WORLD_KINDS ? world_names[kind] : more_names[kind - RESTARTER]; }

static bool fulfilled(unsigned i)
{
    const bool *done = world.ledger[i].durable;
    return world.kind[i] < WORLD_KINDS ? world_fulfilled(i) : done[0] && done[1] && (done[2] || world.kind[i] != MIXED);
}

static bool owes(unsigned i) { return world.ledger[i].sent && !fulfilled(i) && !life.cancelled[i]; }

static inngest_status boot(inngest *on, device *d, int64_t *at, int gone, inngest_reset reset)
{
    static inngest_function tables[2][WORLD_FUNCTIONS + 3];
    inngest_function *table = tables[d->first];
    inngest_config c;
    unsigned i;
    memset(&c, 0, sizeof c);
    for (i = 0; i < life.count; i++) if ((int)i != gone) memcpy(&table[c.function_count++], &life.functions[i], sizeof *table);
    c.functions = table;
    c.port = &d->port;
    c.hooks = &world_hooks;
    c.memory = at;
    c.memory_size = sizeof memory;
    c.runs = life.runs;
    c.events = 8;
    c.seed = 42;
    c.reset = reset;
    memset(on, 0xA5, sizeof *on);
    memset(world_pending, 0, sizeof world_pending);
    d->forbidden = false;
    d->unsynced = d->written_behind = 0;
    mounts++;
    return inngest_init(on, &c, NULL);
}

/* Every event that still owes something has a run, and none of them is parked. */
static unsigned look(inngest *on)
{
    inngest_counters c;
    inngest_run_info info;
    uint32_t cursor = 0;
    unsigned i, owing = 0, live = 0;
    inngest_get_counters(on, &c);
    for (i = 0; i < EVENTS; i++) owing += owes(i);
    while (inngest_next_run(on, &cursor, &info)) {
        live++;
        if (info.wait == INNGEST_WAIT_DAMAGE) wrong("a run is parked", 0);
    }
    if (c.lost_runs) wrong("a run is lost", 0);
    if (live < owing) wrong("an event is lost", 0);
    if (!world_is_right()) wrong(world.reruns ? "a finished step ran again" : "effects that cannot be", 0);
    return live + owing;
}

static void turn(inngest *on, uint32_t *now, bool clock)
{
    uint32_t next;
    if (clock) inngest_set_wall_clock(on, NOON + *now, *now);
    world_answer(on);
    next = inngest_tick(on, *now);
    *now += next > 100000 ? 100000 : next ? next : 1;
}

/* Mount a copy, through some more cuts and failures, and then without; now and then bring all to its end. */
static void go_through(uint32_t random)
{
    static jmp_buf reset;
    static uint32_t state, now;
    static unsigned rough, n, resets;
    static inngest_status status;
    state = random;
    now = life.now;
    rough = draw(&state, 5) ? 0 : 1 + draw(&state, 3);
    resets = 0;
    copy.reset = &reset;
    if (setjmp(reset) && rough > 0) rough--;
    if (resets++ > 20) { wrong("a copy is reset again and again", 0); return; }
    for (;; rough -= rough > 0) {
        set_faults(&copy, rough > 0 && draw(&state, 2), &state);
        if (rough > 0 && draw(&state, 3)) copy.cut_at = copy.operations + 1 + draw(&state, draw(&state, 2) ? 4 : 25);
        status = boot(&jobs_of_copy, &copy, memory_of_copy, -1, INNGEST_RESET_POWER_ON);
        if (status == INNGEST_OK && rough == 0) break;
        if (status == INNGEST_ERR_JOURNAL_FULL && copy.port.block_count >= 4) { used_up++; return; }   /* boots that were cut short have used up all that is erased */
        if (rough == 0) { wrong("the mount of a copy is refused", status); return; }
        for (n = status == INNGEST_OK ? 1 + draw(&state, 12) : 0; n > 0; n--) turn(&jobs_of_copy, &now, life.clocks && n == 3);
        drop(&copy);
    }
    (void)look(&jobs_of_copy);
    if (draw(&state, 6)) return;
    for (n = 0; n < 300 && (look(&jobs_of_copy) || n == 0); n++) {
        if (n % 100 == 99) now += 95000000;            /* what was put off by time spent off may have to be waited for */
        turn(&jobs_of_copy, &now, life.clocks && n % 10 == 3);
    }
    if (n == 300) wrong("a copy does not come to its end", 0);
    if ((status = inngest_close(&jobs_of_copy)) != INNGEST_OK) wrong("a copy is not closed", status);
    if ((status = boot(&jobs_of_copy, &copy, memory_of_copy, -1, INNGEST_RESET_POWER_ON)) != INNGEST_OK) wrong("the last mount of a copy is refused", status);
    else (void)look(&jobs_of_copy);
}

static void probe(char what, uint32_t at, const void *data, uint32_t size)
{
    static world_state saved;
    static uint64_t runs[WORLD_EVENTS];
    static uint8_t pending[sizeof world_pending];
    uint32_t random = (life.seed * 2654435761u ^ (own.operations * 2 + (what != 0)) * 40503u) | 1;
    unsigned i;
    (void)draw(&random, 2);
    if (told || (what && draw(&random, 2))) return;
    flash_copy(&copy.chip, &own.chip);
    copy.chip.violations = 0;
    copy.random = random * 7 + 3;
    copy.row = copy.busy_left = copy.operations = 0;
    copy.wholes = own.wholes;
    forget_writes(&copy);
    if (own.disk) memcpy(copy.durable, own.durable, size_of(&own));
    for (i = 0; i < own.count; i++) note_write(&copy, own.writes[i].at, own.writes[i].bytes, own.writes[i].size);
    if (what) tear(&copy, what, at, data, size);
    drop(&copy);
    memcpy(&saved, &world, sizeof world);
    memcpy(runs, world_run, sizeof world_run);
    memcpy(pending, world_pending, sizeof world_pending);
    go_through(random);
    if (copy.chip.violations && !copy.disk) wrong("a unit of a copy is programmed twice", 0);
    memcpy(&world, &saved, sizeof world);
    memcpy(world_run, runs, sizeof world_run);
    memcpy(world_pending, pending, sizeof world_pending);
}

static void open_device(device *d, uint32_t block, uint32_t blocks, uint16_t g, uint32_t random)
{
    static const int erased[] = { FLASH_ERASED_RANDOM, FLASH_ERASED_UNREADABLE, 0, 0xFF, 0xFF };
    flash_close(&d->chip);
    forget_writes(d);
    free(d->durable);
    free(d->writes);
    memset(d, 0, sizeof *d);
    CHECK(flash_open(&d->chip, block, blocks, g, life.seed));
    d->disk = INNGEST_WRITE_CACHE && random % 2;
    if (random / 2 % 3 == 0) flash_set_erased(&d->chip, d->disk ? 0xFF : erased[random / 6 % 5]);
    d->port = d->chip.port;
    d->port.context = d;
    d->port.read = read_call;
    d->port.program = program_call;
    d->port.erase = erase_call;
    if (d->disk || random / 30 % 3 == 0) d->port.sync = sync_call;
    if (d->port.is_blank) d->port.is_blank = is_blank_call;
    d->port.may_write = may_write_call;
    d->port.restart = restart_call;
    d->random = life.seed * 77 + 5;
    d->durable = malloc(size_of(d));
    memset(d->durable, 0xFF, size_of(d));
}

static void begin(uint32_t seed)
{
    static const uint16_t sizes[] = { 512, 512, 1024, 1024, 2048, 4096 };
    uint32_t r = seed * 2654435761u | 1, block, blocks, ports;
    uint16_t g;
    unsigned i, k;
    memset(&life, 0, sizeof life);
    life.seed = seed;
    for (i = 0; i < 4; i++) (void)draw(&r, 2);
    block = sizes[draw(&r, 6)];
    blocks = 2 + draw(&r, draw(&r, 2) ? 4 : 15);
    if (block * blocks > 16384) blocks = 16384 / block;
    g = (uint16_t)(1u << draw(&r, 6));
    ports = draw(&r, 90);
    life.kind_count = 1 + draw(&r, 3);
    for (i = 0; i < life.kind_count; i++) {
        k = draw(&r, 11);
        life.kinds[i] = (uint8_t)(k < CHILD ? k : k - CHILD + RESTARTER);
        if (life.kinds[i] == SENDER && (i || life.kind_count < 3 || g > 8 || block * blocks < 8192)) life.kinds[i] = PLAIN;   /* there must be room for the children */
    }
    for (i = 0; i < WORLD_FUNCTIONS + 3; i++) {
        const inngest_function *f = i < WORLD_FUNCTIONS ? &world_table[i] : &more_table[i - WORLD_FUNCTIONS];
        for (k = 0; k < life.kind_count; k++)
            if (strcmp(f->event, event_of(life.kinds[k])) == 0 || (life.kinds[k] == SENDER && strcmp(f->id, "child") == 0)) break;
        if (k == life.kind_count) continue;
        life.kind_of[life.count] = life.kinds[k];
        memcpy(&life.functions[life.count], f, sizeof *f);
        life.functions[life.count++].journal_bytes = (uint16_t)(g <= 4 ? 200 : g == 8 ? 240 : g == 16 ? 320 : 500);
    }
    life.runs = life.kinds[0] == SENDER ? 8 : 4 + draw(&r, 5);
    life.events = 2 + draw(&r, EVENTS - 1);
    life.removal = draw(&r, 4) == 0;
    life.cancels = draw(&r, 4) == 0;
    life.clocks = draw(&r, 3) > 0;
    life.faults = draw(&r, 5) > 0;
    life.charges = 2;
    life.gone = -1;
    life.random = r;
    world_reset();
    open_device(&own, block, blocks, g, ports);
    open_device(&copy, block, blocks, g, ports);
    own.first = true;
}

/* Leave a function out, now and then; not one of which an event is still to be accepted. */
static void choose_table(void)
{
    unsigned f = draw(&life.random, life.count), i;
    life.gone = -1;
    if (!life.removal || strcmp(life.functions[f].id, "child") == 0) return;
    for (i = 0; i < life.events; i++) if (!world.ledger[i].sent) return;
    life.gone = (int)f;
}

static void send_events(unsigned now)
{
    unsigned i, k;
    for (i = 0; i < life.events && now >= i * 3; i++) {
        char id[2] = "a";
        uint8_t data = (uint8_t)i;
        inngest_event e = { .size = 1 };
        world.kind[i] = life.kinds[i % life.kind_count];
        if (world.ledger[i].sent) continue;
        e.name = event_of(world.kind[i]);
        e.data = &data;
        e.id = id;
        id[0] = (char)('a' + i);
        if (!life.queued[i] && inngest_send_event(&jobs, &e) != INNGEST_OK) return;
        life.queued[i] = life.tried[i] = true;
        if (inngest_flush(&jobs) != INNGEST_OK) return;
        for (k = 0; k <= i; k++) world.ledger[k].sent = world.ledger[k].sent || life.queued[k];
    }
}

static void clocks_and_time(uint32_t next, bool last)
{
    unsigned i, n = life.clocks && draw(&life.random, 3) == 0 ? draw(&life.random, 3) ? 2 : 20 : 0;
    bool answered = true;
    for (i = 0; i < life.events; i++) answered = answered && (!life.tried[i] || world.ledger[i].sent);
    if (last) life.now += next > 100000 ? 100000 : next ? next : 1;
    else if (draw(&life.random, 60) == 0 && answered) life.now += 90000000;       /* ids expire */
    else life.now += draw(&life.random, draw(&life.random, 4) ? 6000 : 100000);
    while (!last && n-- > 0) inngest_set_wall_clock(&jobs, NOON + (n % 2) * 100000 + life.now, life.now);
    if (last && life.clocks) inngest_set_wall_clock(&jobs, NOON + life.now, life.now);
    own.forbidden = false;
}

static void cancel_one(void)
{
    unsigned i = draw(&life.random, life.events);
    if (world_run[i] == 0 || !world.ledger[i].sent || world.kind[i] == FAN || world.kind[i] == SENDER) return;
    life.cancelled[i] = true;
    (void)(inngest_cancel(&jobs, world_run[i]) == INNGEST_OK);
    own.forbidden = false;
}

static void live(uint32_t seed, unsigned turns)
{
    static jmp_buf reset;
    static unsigned at, failures;
    static bool up, last;
    static inngest_reset why;
    inngest_status status;
    int jumped;
    begin(seed);
    up = last = false;
    why = INNGEST_RESET_POWER_ON;
    own.reset = &reset;
    at = 0;
    if ((jumped = setjmp(reset)) != 0) {
        up = own.forbidden = false;
        own.cut_at = 0;
        why = jumped == RESTART ? INNGEST_RESET_UNKNOWN : INNGEST_RESET_POWER_ON;
    }
    while (++at < turns + 700 && !told) {
        uint32_t next;
        if (at == turns) {
            last = true;
            set_faults(&own, false, &life.random);
            if (life.gone >= 0) up = false;
        }
        if (!last && life.faults && at % 5 == 1) set_faults(&own, draw(&life.random, 3) > 0, &life.random);
        if (!last && life.faults && draw(&life.random, 40) == 0) own.burst = 1 + draw(&life.random, draw(&life.random, 3) ? 3 : 60);
        if (!last && draw(&life.random, 8) == 0) own.cut_at = own.operations + 1 + draw(&life.random, draw(&life.random, 2) ? 4 : 30);
        if (!up) {
            choose_table();
            if (last) life.gone = -1;
            failures = own.failures;
            memset(life.queued, 0, sizeof life.queued);
            status = boot(&jobs, &own, memory, life.gone, why);
            why = INNGEST_RESET_POWER_ON;
            if (status == INNGEST_ERR_TABLE_BYTES) return;             /* the journal is too small for these */
            if (status == INNGEST_ERR_JOURNAL_FULL && own.port.block_count >= 4) { used_up++; return; }
            if (status != INNGEST_OK && own.failures == failures) wrong("a mount is refused", status);
            if (status != INNGEST_OK) continue;
            up = true;
        }
        send_events(last ? UINT32_MAX : at);
        own.forbidden = false;
        if (own.unsynced) {
            if (inngest_close(&jobs) != INNGEST_ERR_SYNC || own.written_behind) wrong("something is written behind a sync that failed", 0);
            up = false;
            continue;
        }
        if (life.cancels && !last && draw(&life.random, 10) == 0) cancel_one();
        world_answer(&jobs);
        next = inngest_tick(&jobs, life.now);
        own.forbidden = false;
        clocks_and_time(last && at % 100 == 0 ? 90000000 : next, last);
        if (last && at % 100 == 0) life.now += 90000000;
        if (!last && draw(&life.random, 30) == 0) {
            (void)(inngest_close(&jobs) == INNGEST_OK);
            up = own.forbidden = false;
        } else if (!last && draw(&life.random, 30) == 0) {
            drop(&own);
            up = false;
            if (life.charges && draw(&life.random, 2)) { life.charges--; why = INNGEST_RESET_CRASH; }
        }
        if (own.chip.violations && !own.disk) wrong("a unit is programmed twice", 0);
        if (up && look(&jobs) == 0 && last && at > turns + 1) break;
    }
    if (!told && at >= turns + 700) wrong("it never comes to its end", 0);
    lives++;
}

int main(int argc, char **argv)
{
    static const uint32_t once[] = { 11861, 54051, 302413, 302899, 308884, 801224, 820934, 840447, 907173, 1201861, 1207565, 1436367, 1634336, 2510236, 6000386, 9522218, 5332 };   /* in which something was lost once; the last one by a list among copies */
    uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 60, seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1, i;
    for (i = 0; argc < 2 && i < sizeof once / sizeof *once; i++) {
        told = 0;
        live(once[i], 60);
        CHECK(told == 0);
    }
    for (; n > 0; n--, seed++) {
        told = 0;
        live(seed, 60);
        CHECK(told == 0);
    }
    flash_close(&own.chip);
    flash_close(&copy.chip);
    printf("%lu lives, %lu mounts, %lu used up\n", lives, mounts, used_up);
    return TEST_END();
}
