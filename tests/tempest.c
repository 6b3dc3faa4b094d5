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
#include "crc32.h"
#include "test.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#define PORT_ERROR (-4711)
#define NOON INT64_C(1700000000000)
#define EVENTS 10u                     /* of the outer world; behind them those that steps send */
#define ENTRIES (EVENTS * 2u)
#define FUNCTIONS 5u                   /* the last one is started by steps */
#define OPS 6u
#define STEPS (2u * OPS + 1u)          /* of the handler, then of on_failure */
#define MOST_RUNS_ 10u
enum { CUT = 1, RESTARTED, CRASHED };

static uint32_t draw(uint64_t *state, uint32_t n)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) >> 16) % n;
}

/* ---- the ledger: the outer world -------------------------------------------------------------------------------------------- */

typedef struct step_entry {
    bool durable, failed;              /* it was seen as decided */
    uint8_t attempt, next, progress, winner;
    uint16_t effects;
    uint32_t boot;                     /* the last one that began its body */
    uint8_t boot_attempt;
    int64_t from;                      /* a sleep: when it was asked for first; else: when the next attempt may be */
    uint32_t key;
} step_entry;

typedef struct run_entry {
    bool must, finished, cancelled, stopped, crashed;  /* must: it was acknowledged; stopped: the cancel was */
    uint64_t id;
    uint8_t attempt, next;             /* of the handler */
    step_entry steps[STEPS];
} run_entry;

enum { RESULT_OP, SLEEP_OP, ALL_OP, ANY_OP, LONG_OP, PENDING_OP, SAVE_OP, SEND_OP, RESTART_OP, FAILING_OP, ONCE_OP, UNTIL_OP,
       INTENT_OP, RETRY_OP, TIMEOUT_OP, OP_KINDS };
typedef struct op { uint8_t kind, fails, calls, how; uint16_t size; uint32_t ms; } op;

static struct {
    uint32_t seed;
    uint64_t random;
    unsigned functions, events, count[FUNCTIONS], queue;
    op ops[FUNCTIONS][OPS];
    bool fails[FUNCTIONS], fan, gone[FUNCTIONS], clocks, truthful, ids, cancels, tables, faults, crashes, same_ids, odd_calls, slow, has[FUNCTIONS];
    uint16_t bytes[FUNCTIONS];
    uint8_t size[EVENTS];
    bool queued[EVENTS], tried[EVENTS];
    int64_t now, uptime;               /* true ms, powered or not; of this boot */
    uint32_t base, boots, crash_resets, turn, flaps;   /* flaps: so many boots to come are cut short */
    bool up, last;
} life;
static uint32_t now32(void) { return life.base + (uint32_t)life.uptime; }
static void pass_time(uint32_t ms) { life.now += ms; life.uptime += ms; }
static uint32_t port_now(void *context)
{
    (void)context;
    return now32();
}
static run_entry ledger[ENTRIES][FUNCTIONS];
static struct { inngest_token token; uint8_t e, f, i; bool used; } pending[8];
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(MOST_RUNS_, 8) / 8 + 1];
static unsigned long lives, boots, skipped, used_up, told;
static jmp_buf reset_vector;

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
    uint64_t random;
    uint32_t operations, cut_at;
    unsigned program_fails, erase_fails, read_fails, sync_fails, may_not, busy, burst;   /* one in so many; 0: none */
    unsigned failures, row, wholes, unsynced, written_behind;
    bool forbidden, kills;             /* kills: a reset ends the process alone, mostly: a disk keeps what was not synced, until power is lost */
    struct { char what; uint32_t at, size; unsigned left; uint8_t bytes[4096]; } flight;   /* what the chip is doing; what: 0: nothing */
    uint32_t done_at;                  /* an erase that was waited for by another call; UINT32_MAX: none */
} dev;

static void wrong(const char *what, int status)
{
    test_failed++;
    if (told++ == 0) printf("seed %u, %u x %u, unit %u, %s%s: %s, %s; turn %u, boot %u, operation %u\n", life.seed, dev.port.block_count, dev.port.block_size,
                            dev.port.program_size, dev.disk ? "disk" : "flash", dev.port.sync ? ", sync" : "", what,
                            inngest_status_name((inngest_status)status), life.turn, life.boots, dev.operations);
}

static bool hits(unsigned odds) { return odds && draw(&dev.random, odds) == 0; }
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
    uint32_t how = draw(&dev.random, 7), k, first = 0, n = dev.count;
    uint32_t upto[64];
    unsigned i;
    if (!dev.disk) return;
    if (how == 1) n = draw(&dev.random, n + 1);
    if (how == 6) first = draw(&dev.random, n + 1);
    for (i = 0; i < 64; i++) upto[i] = how != 2 ? dev.count : draw(&dev.random, 2) ? draw(&dev.random, dev.count + 1) : draw(&dev.random, 2) * dev.count;
    for (i = how ? first : n; i < n; i++) {
        const write_back *w = &dev.writes[i];
        uint32_t size = w->size;
        if ((how == 3 && draw(&dev.random, 2)) || (how == 4 && draw(&dev.random, dev.count) == 0)) continue;
        if (how % 2 && i + 1 == dev.count && draw(&dev.random, 2)) size = draw(&dev.random, size);
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
    flash_tear tear = (flash_tear)draw(&dev.random, FLASH_TEARS);
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
    dev.chip.cells_after = (flash_cells)draw(&dev.random, dev.disk ? 1 : FLASH_CELLS);
    dev.chip.random = draw(&dev.random, 0x10000000) | 1;
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

/* True: the chip is busy, and goes on with what it is doing. */
static bool is_busy(char what, uint32_t at, const void *data, uint32_t size)
{
    if (dev.flight.what == 0) {
        if (dev.busy == 0 || draw(&dev.random, 3) || size > sizeof dev.flight.bytes) return false;
        dev.flight.what = what;
        dev.flight.at = at;
        dev.flight.size = size;
        dev.flight.left = 1 + draw(&dev.random, dev.busy);
        if (data) memcpy(dev.flight.bytes, data, size);
    } else if (dev.flight.what == 'p' && (what != 'p' || at != dev.flight.at)) wrong("a program that is busy is not repeated", 0);
    if (dev.cut_at && draw(&dev.random, 20) == 0) {
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
        dev.chip.bad_tear = draw(&dev.random, 3) ? any_tear(what == 'e') : FLASH_TEAR_NONE;
        if (dev.chip.bad_tear >= FLASH_TEAR_LAST && what == 'p' && dev.wholes++ > 5) dev.chip.bad_tear = FLASH_TEAR_NONE;   /* a mount keeps 8 in mind */
        dev.chip.bad_cells = (flash_cells)draw(&dev.random, dev.disk ? 1 : FLASH_CELLS);
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
    if (life.odd_calls && life.up && draw(&dev.random, 60) == 0) odd_call();
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
    if (draw(&dev.random, 6) == 0) return;             /* it comes back: the machine is reset later */
    longjmp(reset_vector, RESTARTED);
}
static void idle_call(void *context)
{
    (void)context;
    if (life.odd_calls && life.up && draw(&dev.random, 20) == 0) odd_call();
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
    dev.random = life.seed * UINT64_C(77) + 5;
    dev.durable = malloc(size_of());
    memset(dev.durable, 0xFF, size_of());
}

/* ---- jobs -------------------------------------------------------------------------------------------------------------------- */

static int64_t unix_now(void) { return NOON + life.now; }
static uint8_t pattern(unsigned e, unsigned f, unsigned i, unsigned k) { return (uint8_t)(e * 31 + f * 7 + i * 13 + k * 5 + 1); }
static bool is_child(unsigned e) { return e >= EVENTS; }

typedef struct where { unsigned e, f, i; const op *o; step_entry *s; run_entry *x; bool intent; } where;

/* A body begins, or goes on. */
static void begins(inngest_ctx *ctx, const where *at)
{
    step_entry *s = at->s;
    unsigned a = (unsigned)inngest_attempt(ctx);
    char key[INNGEST_KEY_SIZE];
    uint32_t hash;
    inngest_idempotency_key(ctx, key);
    hash = crc32_of(0, (const uint8_t *)key, sizeof key);
    if (s->key && s->key != hash) wrong("an idempotency key changes", 0);
    s->key = hash;
    if (s->durable) wrong("a finished step runs again", 0);
#if INNGEST_LONG_STEPS
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) return;
#endif
    if (at->x->stopped) wrong("a body is called behind a cancel", 0);
    if (a < s->attempt) wrong("an attempt is forgotten", 0);
    if (a > s->next) wrong("an attempt that never was", 0);
    if (s->effects && s->boot != life.boots && s->boot_attempt == a && inngest_began(ctx) == INNGEST_BEGAN_NO) wrong("a body that began is said not to have", 0);
    if (at->intent && s->effects && s->boot != life.boots && s->boot_attempt == a && inngest_began(ctx) != INNGEST_BEGAN_YES) wrong("an intent is forgotten", 0);
    if (life.slow && s->from && s->boot == life.boots && a == s->boot_attempt + 1u && life.now < s->from) wrong("an attempt comes early", 0);
    if (s->effects < 60000) s->effects++;
    s->attempt = (uint8_t)a;
    s->boot = life.boots;
    s->boot_attempt = (uint8_t)a;
    if (life.slow && !life.last && draw(&dev.random, 3) == 0) pass_time(draw(&dev.random, 5000));
    if (life.crashes && !life.last && draw(&life.random, 60) == 0 && life.crash_resets < 12) {
        life.crash_resets++;
        longjmp(reset_vector, CRASHED);
    }
}

static inngest_status again(inngest_ctx *ctx, step_entry *s, unsigned a, bool after)
{
    if (s->next < a + 1) s->next = (uint8_t)(a + 1);
    s->from = life.now + (after ? 1500 : 1000);
    return after ? inngest_retry_after(ctx, 1500, 7, "not yet") : inngest_retry(ctx, 7, "not yet");
}

static inngest_status result_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    unsigned k;
    uint8_t *to = result;
    begins(ctx, at);
    if ((unsigned)inngest_attempt(ctx) < at->o->fails) return again(ctx, at->s, (unsigned)inngest_attempt(ctx), at->o->how & 1);
    for (k = 0; k < at->o->size; k++) to[k] = pattern(at->e, at->f, at->i, k);
    return INNGEST_OK;
}

static inngest_status failing_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    (void)result;
    begins(ctx, at);
    (void)again(ctx, at->s, (unsigned)inngest_attempt(ctx), false);
    return inngest_retry(ctx, 77, "planned");
}

static inngest_status once_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    (void)result;
    if (at->s->effects) wrong("an at-most-once body is called twice", 0);
    begins(ctx, at);
    return INNGEST_OK;
}

#if INNGEST_LONG_STEPS
static inngest_status long_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    unsigned k;
    uint8_t *to = result;
    begins(ctx, at);
    if (inngest_stop_reason(ctx) == INNGEST_STOP_NONE && inngest_step_calls(ctx) < at->o->calls) return inngest_again(ctx, at->o->how & 1 ? at->o->ms / 20 : 0);
    for (k = 0; k < at->o->size; k++) to[k] = pattern(at->e, at->f, at->i, k);
    return INNGEST_OK;
}

static inngest_status pending_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    inngest_token token = inngest_step_token(ctx);
    unsigned k;
    (void)result;
    begins(ctx, at);
    if (at->s->next < inngest_attempt(ctx) + 1) at->s->next = (uint8_t)(inngest_attempt(ctx) + 1);   /* it may be completed with RETRY */
    if (inngest_stop_reason(ctx) != INNGEST_STOP_NONE) return INNGEST_RETRY;
    for (k = 0; k < 8 && token.attempt; k++) {
        if (pending[k].used) continue;
        pending[k].used = true;
        pending[k].token = token;
        pending[k].e = (uint8_t)at->e;
        pending[k].f = (uint8_t)at->f;
        pending[k].i = (uint8_t)at->i;
        break;
    }
    return k == 8 ? inngest_again(ctx, 1000) : INNGEST_PENDING;
}

static inngest_status timeout_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    (void)result;
    begins(ctx, at);
    if (at->s->next < inngest_attempt(ctx) + 1) at->s->next = (uint8_t)(inngest_attempt(ctx) + 1);
    return INNGEST_PENDING;
}
#endif

#if INNGEST_PROGRESS
static inngest_status save_body(inngest_ctx *ctx, const void *arg, void *result)
{
    const where *at = arg;
    uint8_t progress[24], n;
    (void)result;
    begins(ctx, at);
    INNGEST_TRY(inngest_step_load(ctx, progress, sizeof progress));
    n = progress[0];
    if (n < at->s->progress || n > at->o->calls || (n && progress[23] != pattern(at->e, at->f, at->i, n))) wrong("progress is lost", 0);
    while (n < at->o->calls) {
        n++;
        memset(progress, n, sizeof progress);
        progress[23] = pattern(at->e, at->f, at->i, n);
        INNGEST_TRY(inngest_step_save(ctx, progress, sizeof progress));
        at->s->progress = n;
        if (INNGEST_LONG_STEPS && n % 2) {
#if INNGEST_LONG_STEPS
            return inngest_again(ctx, at->o->ms / 10);
#endif
        }
    }
    return INNGEST_OK;
}
#endif

static const char *step_id(unsigned i, unsigned branch)
{
    static const char *const ids[] = { "s0", "s1", "s2", "s3", "s4", "s5", "s6", "branch 0", "branch 1", "branch 2", "branch 3", "branch 4", "branch 5" };
    return life.same_ids ? "the step" : ids[branch ? i + 7 : i];
}

/* A step with a result, with what its status says. */
static inngest_status decided(where *at, inngest_status status, const uint8_t *result)
{
    unsigned k;
    if (status == INNGEST_OK) {
        if (at->s->effects == 0) wrong("a step is finished, and its body never ran", 0);
        for (k = 0; result && k < at->o->size; k++) if (result[k] != pattern(at->e, at->f, at->i, k)) { wrong("a result is wrong", 0); break; }
        if (at->s->failed) wrong("a step that failed is finished", 0);
        at->s->durable = true;
    } else if (status == INNGEST_STEP_FAILED) {
        if (at->s->durable && !at->s->failed) wrong("a step that was finished has failed", 0);
        at->s->durable = at->s->failed = true;
    }
    return status;
}

static inngest_status sleep_for(inngest_ctx *ctx, where *at, const char *id, uint32_t ms)
{
    inngest_status status;
    if (at->s->from == 0) at->s->from = life.now + 1;
    status = inngest_step_sleep(ctx, id, ms);
    if (status != INNGEST_OK) return status;
    if (!at->s->durable && (!life.clocks || life.truthful) && life.now + 1 - at->s->from + 1000 < ms) wrong("a sleep ends early", 0);
    at->s->durable = true;
    return status;
}

#if INNGEST_PARALLEL
static inngest_status group(inngest_ctx *ctx, where *at, where *other, bool any)
{
    static uint8_t result[INNGEST_RESULT_BYTES + 1];
    inngest_status a, b, status;
    unsigned how = at->o->how;
    inngest_parallel(ctx, any ? "any" : "all");
    a = decided(at, inngest_step_run(ctx, step_id(at->i, 0), result_body, at, result, at->o->size), result);
    if (how & 2) b = sleep_for(ctx, other, step_id(at->i, 1), at->o->ms);
#if INNGEST_LONG_STEPS
    else if (how & 4) b = decided(other, inngest_step_run(ctx, step_id(at->i, 1), long_body, other, result, other->o->size), result);
#endif
    else b = decided(other, inngest_step_run(ctx, step_id(at->i, 1), result_body, other, result, other->o->size), result);
    status = any ? inngest_any(ctx, &a, &b) : inngest_all(ctx, &a, &b);
    if (status == INNGEST_OK && any) {
        uint8_t winner = a == INNGEST_LOST ? 2 : b == INNGEST_LOST ? 1 : 3;
        if (winner == 3 || (at->s->winner && at->s->winner != winner)) wrong("another branch wins", 0);
        at->s->winner = winner;
    } else if (status != INNGEST_OK && (int)status < 0) wrong("a group fails", status);
    else if (at->s->winner) {
        if (status != INNGEST_PAUSED) wrong("a group that was decided is not", status);
    }
    return status;
}
#endif

static inngest_status one_op(inngest_ctx *ctx, where *at, where *other)
{
    static const inngest_step_options twice = { .max_attempts = 2 };
    static uint8_t result[INNGEST_RESULT_BYTES + 1];
    const op *o = at->o;
    const char *id = step_id(at->i, 0);
    inngest_status status;
    (void)other;
    switch (o->kind) {
    case SLEEP_OP: return sleep_for(ctx, at, id, o->ms);
    case FAILING_OP:
        INNGEST_CATCH(status, decided(at, inngest_step_run_with(ctx, id, &twice, failing_body, at, NULL, 0), NULL));
        if (status != INNGEST_STEP_FAILED) { wrong("a step that fails does not", status); return INNGEST_FAIL; }
        if (inngest_error(ctx)->code != 77 || (INNGEST_MESSAGE_BYTES > 10 && strcmp(inngest_error(ctx)->message, "planned"))) wrong("an error is wrong", 0);
        return INNGEST_OK;
    case RETRY_OP: {
        unsigned a = (unsigned)inngest_attempt(ctx);
        if (a < at->x->attempt) wrong("an attempt of a handler is forgotten", 0);
        if (a > at->x->next) wrong("an attempt of a handler that never was", 0);
        at->x->attempt = (uint8_t)a;
        if (a >= o->fails) return INNGEST_OK;
        if (at->x->next < a + 1) at->x->next = (uint8_t)(a + 1);
        return inngest_retry(ctx, 5, "the handler");
    }
#if INNGEST_PARALLEL
    case ALL_OP: return group(ctx, at, other, false);
    case ANY_OP: return group(ctx, at, other, true);
#endif
#if INNGEST_LONG_STEPS
    case LONG_OP: return decided(at, inngest_step_run(ctx, id, long_body, at, result, o->size), result);
    case PENDING_OP: return decided(at, inngest_step_run(ctx, id, pending_body, at, result, o->size), result);
    case TIMEOUT_OP: {
        static const inngest_step_options timeout = { .timeout_ms = 3000, .max_attempts = 2 };
        INNGEST_CATCH(status, decided(at, inngest_step_run_with(ctx, id, &timeout, timeout_body, at, NULL, 0), NULL));
        if (status != INNGEST_STEP_FAILED) { wrong("a step does not time out", status); return INNGEST_FAIL; }
        if (inngest_error(ctx)->status != INNGEST_FAIL && inngest_error(ctx)->status != INNGEST_TIMED_OUT) wrong("the error of a timeout is wrong", inngest_error(ctx)->status);
        return INNGEST_OK;
    }
    case INTENT_OP: {
        static const inngest_step_options intent = { .intent = true };
        at->intent = true;
        return decided(at, inngest_step_run_with(ctx, id, &intent, result_body, at, result, o->size), result);
    }
    case ONCE_OP: {
        static const inngest_step_options once = { .at_most_once = true, .max_attempts = 1 };
        at->intent = true;
        INNGEST_CATCH(status, decided(at, inngest_step_run_with(ctx, id, &once, once_body, at, NULL, 0), NULL));
        return INNGEST_OK;
    }
#endif
#if INNGEST_PROGRESS
    case SAVE_OP: return decided(at, inngest_step_run(ctx, id, save_body, at, NULL, 0), NULL);
#endif
#if INNGEST_SEND_STEP
    case SEND_OP: {
        uint8_t data[2];
        data[0] = (uint8_t)(EVENTS + at->e);
        data[1] = pattern(data[0], 0, 0, 1);
        if (is_child(at->e)) return INNGEST_OK;
        INNGEST_TRY(inngest_step_send(ctx, id, "w/child", data, 2));
        at->s->durable = true;
        ledger[data[0]][FUNCTIONS - 1].must = true;
        return INNGEST_OK;
    }
#endif
#if INNGEST_RESTART
    case RESTART_OP: return inngest_step_restart(ctx, id);
#endif
#if INNGEST_WALL_CLOCK
    case UNTIL_OP:
        status = inngest_step_sleep_until(ctx, id, NOON + o->ms * 3);
        if (status == INNGEST_OK && life.truthful && !at->s->durable && life.now + 1000 < o->ms * 3) wrong("a sleep until a date ends early", 0);
        if (status == INNGEST_OK) at->s->durable = true;
        return status;
#endif
    default: return decided(at, inngest_step_run(ctx, id, result_body, at, result, o->size), result);
    }
}

/* Which event's run is it? */
static inngest_status find_entry(inngest_ctx *ctx, unsigned f, where *at)
{
    static uint8_t data[INNGEST_EVENT_BYTES];
    size_t n = inngest_event_size(ctx), k;
    unsigned i, j;
    INNGEST_TRY(inngest_event_data(ctx, data, sizeof data));
    at->e = data[0];
    at->f = f;
    if (n < 1 || data[0] >= ENTRIES) { wrong("the data of an event is wrong", 0); return INNGEST_FAIL; }
    for (k = 1; k < n; k++) if (data[k] != pattern(data[0], 0, 0, (unsigned)k)) { wrong("the data of an event is wrong", 0); return INNGEST_FAIL; }
    if (n != (is_child(data[0]) ? 2u : life.size[data[0]])) wrong("the size of an event is wrong", 0);
    at->x = &ledger[at->e][f];
    if (!is_child(at->e) && !life.tried[at->e]) wrong("an event that nobody sent", 0);
    if (at->x->id && at->x->id != inngest_run_id(ctx)) wrong("an event runs twice", 0);
    for (i = 0; i < ENTRIES; i++) for (j = 0; j < FUNCTIONS; j++)
        if (&ledger[i][j] != at->x && ledger[i][j].id == inngest_run_id(ctx)) wrong("two runs have one id", 0);
    at->x->id = inngest_run_id(ctx);
    return INNGEST_OK;
}

static inngest_status script(inngest_ctx *ctx, unsigned f)
{
    static where at, other;            /* a body may be left by a longjmp, and called again */
    unsigned i;
    memset(&at, 0, sizeof at);
    INNGEST_TRY(find_entry(ctx, f, &at));
    for (i = 0; i < life.count[f]; i++) {
        at.i = i;
        at.o = &life.ops[f][i];
        at.s = &at.x->steps[i];
        at.intent = false;
        other = at;
        other.s = &at.x->steps[OPS + i];
        INNGEST_TRY(one_op(ctx, &at, &other));
#if INNGEST_CANCEL
        if (life.cancels && !life.last && draw(&life.random, 200) == 0) {
            at.x->cancelled = true;
            (void)(inngest_cancel(&jobs, at.x->id) == INNGEST_OK);
        }
#endif
    }
    if (life.fails[f]) return inngest_fail(ctx, (int32_t)(1000 + f), "the end");
    at.x->finished = true;
    return INNGEST_OK;
}

static inngest_status failed(inngest_ctx *ctx, unsigned f)
{
    static where at;
    static uint8_t result[INNGEST_RESULT_BYTES + 1];
    static op o;
    inngest_status status = inngest_error(ctx)->status;
    if (status == INNGEST_ERR_CRASHED && life.crash_resets < INNGEST_CRASH_LIMIT) wrong("a run crashed that did not", 0);
    if (status != INNGEST_ERR_CRASHED && inngest_error(ctx)->code != (int32_t)(1000 + f)) wrong("the error of a run is wrong", status);
    memset(&at, 0, sizeof at);
    INNGEST_TRY(find_entry(ctx, f, &at));
    if (status == INNGEST_ERR_CRASHED) at.x->crashed = true;
    o = life.ops[f][0];
    o.fails = 0;
    o.size = 5;
    at.i = OPS * 2;
    at.o = &o;
    at.s = &at.x->steps[OPS * 2];
    INNGEST_TRY(decided(&at, inngest_step_run(ctx, step_id(0, 0), result_body, &at, result, o.size), result));
    at.x->finished = true;
    return INNGEST_OK;
}

#define JOB(k) static inngest_status handler_##k(inngest_ctx *ctx) { return script(ctx, k); } \
               static inngest_status failed_##k(inngest_ctx *ctx) { return failed(ctx, k); }
JOB(0) JOB(1) JOB(2) JOB(3) JOB(4)
static inngest_handler *const handlers[] = { handler_0, handler_1, handler_2, handler_3, handler_4 };
static inngest_handler *const failures[] = { failed_0, failed_1, failed_2, failed_3, failed_4 };
static const char *const names[] = { "w/zero", "w/one", "w/two", "w/three", "w/child" };
static const char *const ids[] = { "zero", "one", "two", "three", "child" };

static void show(void);
/* ---- a life ------------------------------------------------------------------------------------------------------------------ */

static bool owes(const run_entry *x) { return x->must && !x->finished && !x->cancelled && !x->crashed; }

/* The outer world answers, or sends: also from where the port is called. */
static void answer(void)
{
#if INNGEST_LONG_STEPS
    unsigned i, k;
    uint8_t bytes[INNGEST_RESULT_BYTES + 1];
    for (i = 0; i < 8; i++) {
        const op *o = &life.ops[pending[i].f][pending[i].i];
        bool retry;
        if (!pending[i].used) continue;
        retry = draw(&life.random, 4) == 0 && o->fails && !life.last && ledger[pending[i].e][pending[i].f].steps[pending[i].i].attempt < 2;
        for (k = 0; k < o->size; k++) bytes[k] = pattern(pending[i].e, pending[i].f, pending[i].i, k);
        if (inngest_complete(&jobs, pending[i].token, retry ? INNGEST_RETRY : INNGEST_OK, bytes, retry ? 0 : o->size) == INNGEST_OK) pending[i].used = false;
    }
#endif
}

static void odd_call(void)
{
    if (draw(&dev.random, 2)) answer();
    else inngest_wake(&jobs);
}

static bool all_there(unsigned e)
{
    unsigned f = e % life.functions;
    return !life.gone[f] && !(life.fan && f < 2 && (life.gone[0] || life.gone[1]));
}

#if INNGEST_HOOKS
static void run_end(void *user, const inngest_end_info *info)
{
    unsigned e, f;
    (void)user;
    for (e = 0; e < ENTRIES; e++) for (f = 0; f < FUNCTIONS; f++) {
        run_entry *x = &ledger[e][f];
        if (x->id != info->id) continue;
        if (info->status == INNGEST_CANCELLED ? x->cancelled : (info->status == INNGEST_FAIL) == life.fails[f] && x->finished) continue;
        if (info->status == INNGEST_FAIL && (x->crashed || (info->error->status == INNGEST_ERR_CRASHED && life.crash_resets >= INNGEST_CRASH_LIMIT))) x->crashed = true;
        else {
            wrong("a run ends otherwise", info->error ? info->error->status : INNGEST_OK);
            if (info->error) printf("  %u of %s: status %d, code %d, %s\n", e, ids[f], info->status, (int)info->error->code, info->error->message);
            show();
        }
    }
}
static const inngest_hooks hooks = { .run_end = run_end };
#endif

static const uint32_t backoff[] = { 1 };
static void make_function(inngest_function *to, unsigned f, bool more)
{
    memset(to, 0, sizeof *to);
    to->id = ids[f];
    to->event = names[life.fan && f == 1 ? 0 : f];
    to->handler = handlers[f];
#if INNGEST_ON_FAILURE
    if (life.fails[f]) to->on_failure = failures[f];
#endif
    to->backoff = backoff;
    to->backoff_count = 1;
    to->jitter_ms = life.seed % 5 ? INNGEST_NO_JITTER : 0;
    to->journal_bytes = (uint16_t)(life.bytes[f] + (more ? 40 : 0));
}

static inngest_status boot(inngest_reset reset, uint32_t runs, uint32_t queue)
{
    static inngest_function table[FUNCTIONS];
    inngest_config c;
    unsigned i, n = 0, first = draw(&life.random, FUNCTIONS);
    bool more = life.tables && draw(&life.random, 2);
    memset(&c, 0, sizeof c);
    for (i = 0; i < FUNCTIONS; i++) {
        unsigned f = life.tables ? (i + first) % FUNCTIONS : i;
        if (life.has[f] && !life.gone[f]) make_function(&table[n++], f, more);
    }
    c.functions = table;
    c.function_count = (uint16_t)n;
    c.port = &dev.port;
#if INNGEST_HOOKS
    c.hooks = &hooks;
#endif
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = runs;
    c.events = queue;
    c.seed = 42;
    c.reset = reset;
    memset(&jobs, 0xA5, sizeof jobs);
    memset(memory, 0x5A, sizeof memory);
    memset(pending, 0, sizeof pending);
    dev.forbidden = false;
    dev.unsynced = dev.written_behind = 0;
    life.boots++;
    life.uptime = 0;
    life.base = draw(&life.random, 3) ? draw(&life.random, 100000) : 0u - draw(&life.random, 100000);
    boots++;
    return inngest_init(&jobs, &c, NULL);
}

/* Every event that still owes something has a run, and none of them is parked. */
static unsigned look(void)
{
    unsigned e, f, owing = 0, live = 0;
    for (e = 0; e < ENTRIES; e++) for (f = 0; f < FUNCTIONS; f++) owing += owes(&ledger[e][f]);
#if INNGEST_INSPECT
    {
        static bool found[ENTRIES][FUNCTIONS];
        inngest_counters c;
        inngest_run_info info;
        uint32_t cursor = 0;
        memset(found, 0, sizeof found);
        inngest_get_counters(&jobs, &c);
        while (inngest_next_run(&jobs, &cursor, &info)) {
            live++;
            if (info.wait == INNGEST_WAIT_DAMAGE) wrong("a run is parked", 0);
            if (info.wait == INNGEST_WAIT_MEMO) wrong("a run is parked for a memo", 0);
            if (info.journal_bytes > info.reserved_bytes) wrong("a run uses more than it has reserved", 0);
            for (e = 0; e < ENTRIES; e++) for (f = 0; f < FUNCTIONS; f++) found[e][f] = found[e][f] || ledger[e][f].id == info.id;
        }
        for (e = 0; e < ENTRIES; e++) for (f = 0; f < FUNCTIONS; f++)
            if (owes(&ledger[e][f]) && ledger[e][f].id && !found[e][f]) wrong("a run is gone", 0);
        if (c.lost_runs) wrong("a run is lost", 0);
        if (live < owing) wrong("an event is lost", 0);
    }
#endif
    return live + owing;
}

static void send_events(void)
{
    unsigned i, k;
    for (i = 0; i < life.events && (life.last || life.turn >= i * 4); i++) {
        char id[2] = "a";
        uint8_t data[INNGEST_EVENT_BYTES];
        inngest_event e = { .size = life.size[i] };
        unsigned f = i % life.functions;
        inngest_status status;
        if (ledger[i][f].must || !all_there(i) || (life.tried[i] && !life.queued[i] && !life.ids)) continue;
        for (k = 1; k < e.size; k++) data[k] = pattern(i, 0, 0, k);
        data[0] = (uint8_t)i;
        e.name = names[life.fan && f == 1 ? 0 : f];
        e.data = data;
        id[0] = (char)('a' + i);
#if INNGEST_SEEN_IDS
        if (life.ids) e.id = id;
#else
        (void)id;
#endif
        if (!life.queued[i]) {
            status = inngest_send_event(&jobs, &e);
            if (status != INNGEST_OK) return;
            life.queued[i] = life.tried[i] = true;
        }
        if (!life.last && draw(&life.random, 4) == 0) continue;        /* not flushed: admitted by a tick, or by a close, or lost */
        if (inngest_flush(&jobs) != INNGEST_OK) return;
        for (k = 0; k < life.events; k++) {
            if (!life.queued[k]) continue;
            f = k % life.functions;
            ledger[k][f].must = true;
            if (life.fan && f < 2) ledger[k][0].must = ledger[k][1].must = true;
        }
    }
}

static uint32_t room_of(uint16_t g, uint32_t payload) { uint32_t u = g < 4 ? 4 : g; return (16 + payload + u - 1) / u * u; }

static void make_scripts(uint16_t g, unsigned ops)
{
    static const uint8_t common[] = { RESULT_OP, RESULT_OP, RESULT_OP, SLEEP_OP, FAILING_OP, RETRY_OP, SAVE_OP };
    uint64_t *r = &life.random;
    unsigned f, i;
    for (f = 0; f < FUNCTIONS; f++) {
        uint32_t bytes = room_of(g, 14);
        life.count[f] = f == FUNCTIONS - 1 ? 1 : 1 + draw(r, ops);
        life.fails[f] = INNGEST_ON_FAILURE && f < FUNCTIONS - 1 && draw(r, 5) == 0;
        for (i = 0; i < life.count[f]; i++) {
            op *o = &life.ops[f][i];
            o->kind = (uint8_t)(draw(r, 2) ? common[draw(r, sizeof common)] : draw(r, OP_KINDS));
            if ((o->kind == UNTIL_OP && !life.clocks) || (f == FUNCTIONS - 1 && (o->kind == SEND_OP || o->kind == RESTART_OP))) o->kind = RESULT_OP;
            if (o->kind == SEND_OP && (!life.has[FUNCTIONS - 1] || (f == 1 && life.fan) || !INNGEST_INSPECT)) o->kind = RESULT_OP;
            o->fails = (uint8_t)(draw(r, 2) ? 0 : draw(r, 3));
            o->calls = (uint8_t)(1 + draw(r, 4));
            o->how = (uint8_t)draw(r, 8);
            o->ms = 100 + draw(r, draw(r, 3) ? 20000 : 400000);
            o->size = (uint16_t)draw(r, draw(r, 3) ? 20 : draw(r, 4) ? 80 : INNGEST_RESULT_BYTES + 1);
            if (o->size > INNGEST_RESULT_BYTES) o->size = INNGEST_RESULT_BYTES;
            if (o->kind == PENDING_OP && o->size > INNGEST_EVENT_BYTES) o->size = INNGEST_EVENT_BYTES;
            while (i > 0 && (o->kind == SEND_OP || o->kind == RETRY_OP) && o->kind == life.ops[f][i - 1].kind) o->kind = RESULT_OP;
            if (o->kind == RETRY_OP || o->kind == SEND_OP) {       /* one a run */
                unsigned k;
                for (k = 0; k < i; k++) if (life.ops[f][k].kind == o->kind) o->kind = RESULT_OP;
            }
            bytes += (o->kind == RESULT_OP || o->kind == LONG_OP || o->kind == PENDING_OP || o->kind == INTENT_OP ? 1u : 2u) * room_of(g, o->size) + 2 * room_of(g, 14);
            if (o->kind == FAILING_OP || o->kind == TIMEOUT_OP || o->kind == ONCE_OP) bytes += room_of(g, 8 + INNGEST_MESSAGE_BYTES);
            if (o->kind == SAVE_OP) bytes += 2 * room_of(g, 24);
            if (o->kind == ALL_OP || o->kind == ANY_OP) bytes += room_of(g, 14);
        }
        if (bytes < 200) bytes = 200;
        life.bytes[f] = (uint16_t)bytes;
    }
}

/* A journal of a machine that has lived for long: its blocks have such numbers. Nothing but headers is there yet. */
static void number_blocks(uint32_t first)
{
    uint32_t place, g = dev.port.program_size < 4 ? 4 : dev.port.program_size;
    (void)g;
    for (place = 0; place < dev.port.block_count; place++) {
        uint8_t *b = dev.chip.cells + place * dev.port.block_size;
        uint32_t block = first + place, crc, k;
        for (k = 0; k < 4; k++) b[8 + k] = (uint8_t)(block >> 8 * k);
        b[18] = b[19] = 0;
        crc = crc32_of(0, b, 20);
        for (k = 0; k < 4; k++) b[20 + k] = (uint8_t)(crc >> 8 * k);
    }
    memcpy(dev.durable, dev.chip.cells, size_of());
    forget_writes();
}

/* False: the journal is too small for these. */
static bool begin(uint32_t seed)
{
    static const uint16_t sizes[] = { 512, 512, 1024, 1024, 2048, 4096 };
    uint64_t *r = &life.random;
    uint32_t block, blocks;
    uint16_t g;
    unsigned i, tries;
    inngest_status status;
    memset(&life, 0, sizeof life);
    memset(ledger, 0, sizeof ledger);
    life.seed = seed;
    life.random = seed * UINT64_C(0xD1342543DE82EF95) + 1;
    block = sizes[draw(r, 6)];
    blocks = 2 + draw(r, draw(r, 2) ? 4 : 24);
    if (block * blocks > 32768) blocks = 32768 / block;
    g = (uint16_t)(1u << draw(r, 6));
    life.clocks = INNGEST_WALL_CLOCK && draw(r, 3) > 0;
    life.truthful = draw(r, 2);
    life.ids = INNGEST_SEEN_IDS > 0 && draw(r, 3) > 0;
    life.cancels = INNGEST_CANCEL && draw(r, 4) == 0;
    life.tables = draw(r, 3) == 0;
    life.faults = draw(r, 3) > 0;
    life.crashes = INNGEST_CRASHES && draw(r, 4) == 0;
    life.same_ids = draw(r, 3) == 0;
    life.odd_calls = draw(r, 3) == 0;
    life.slow = seed % 11 == 3;
    life.queue = 2u << draw(r, 3);
    open_device(block, blocks, g);
    for (tries = 0; ; tries++) {
        if (tries == 8) return false;
        life.functions = 1 + draw(r, tries > 4 ? 1 : FUNCTIONS - 1);
        life.fan = life.functions > 1 && draw(r, 3) == 0;
        for (i = 0; i < FUNCTIONS; i++) life.has[i] = i < life.functions || (i == FUNCTIONS - 1 && tries < 4 && draw(r, 2));
        make_scripts(g, tries < 3 ? OPS : tries < 6 ? 3 : 1);
        status = boot(INNGEST_RESET_POWER_ON, MOST_RUNS_, 8);
        if (status == INNGEST_OK) break;
        if (status != INNGEST_ERR_TABLE_BYTES) wrong("the first mount is refused", status);
    }
    if (draw(r, 3) == 0 && dev.chip.erased == 0xFF) {
        static const uint32_t far[] = { 0xFFFF, 0x10000, 0xFFFFFF, 0x1000000, 0x2000000, 0x7FFFFF, 0x7FFFF00, 0x80000100, 0xC0000100 };
        uint32_t first = far[draw(r, sizeof far / sizeof *far)] - draw(r, 30);
        number_blocks(first / blocks * blocks);
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

static void tell_clock(void)
{
#if INNGEST_WALL_CLOCK
    int64_t off = life.truthful ? 0 : (int64_t)draw(&life.random, 400000) - 200000;
    if (life.clocks) inngest_set_wall_clock(&jobs, unix_now() + off, now32());
#endif
    dev.forbidden = false;
}

#if INNGEST_CANCEL
static void cancel_one(void)
{
    run_entry *x = &ledger[draw(&life.random, ENTRIES)][draw(&life.random, FUNCTIONS)];
    if (x->id == 0) return;
    x->cancelled = true;
    if (inngest_cancel(&jobs, x->id) == INNGEST_OK) x->stopped = true;
    dev.forbidden = false;
}
#endif

static void show(void)
{
#if INNGEST_INSPECT
    unsigned e, f;
    inngest_run_info info;
    inngest_counters c;
    uint32_t cursor = 0;
    while (inngest_next_run(&jobs, &cursor, &info)) printf("  %08x %s waits %d phase %d attempt %u in %lld used %u of %u\n", (unsigned)info.id, info.function, info.wait, info.phase, info.attempt, (long long)info.deadline_in_ms, (unsigned)info.journal_bytes, (unsigned)info.reserved_bytes);
    inngest_get_counters(&jobs, &c);
    printf("  waiting %u %u %u, errors %u, unmatched %u, records %u\n", (unsigned)c.waiting_journal, (unsigned)c.waiting_runs, (unsigned)c.waiting_seen, (unsigned)c.port_errors, (unsigned)c.unmatched, (unsigned)c.records);
    for (e = 0; e < ENTRIES; e++) for (f = 0; f < FUNCTIONS; f++) if (owes(&ledger[e][f])) printf("  owes %u of %s, %08x\n", e, ids[f], (unsigned)ledger[e][f].id);
    for (f = 0; f < FUNCTIONS; f++) {
        printf("  %s%s%s:", ids[f], life.has[f] ? "" : " (not there)", life.fails[f] ? " (fails)" : "");
        for (e = 0; e < life.count[f]; e++) printf(" %u/%u/%u/%u/%u", life.ops[f][e].kind, life.ops[f][e].fails, life.ops[f][e].how, life.ops[f][e].size, (unsigned)life.ops[f][e].ms);
        printf("\n");
    }
#endif
}

#if INNGEST_INSPECT && INNGEST_CANCEL
/* Runs that hold all the room there is may wait for that of an event that one of them sends: for good. */
static void free_senders(void)
{
    inngest_run_info info;
    uint32_t cursor = 0;
    unsigned e, f, i;
    while (inngest_next_run(&jobs, &cursor, &info)) {
        if (info.wait != INNGEST_WAIT_ROOM) continue;
        for (e = 0; e < EVENTS; e++) for (f = 0; f < FUNCTIONS; f++) for (i = 0; i < life.count[f]; i++) {
            if (ledger[e][f].id != info.id || life.ops[f][i].kind != SEND_OP) continue;
            ledger[e][f].cancelled = true;
            (void)(inngest_cancel(&jobs, info.id) == INNGEST_OK);
            return;
        }
    }
}
#endif

/* No event is to be sent again: ids may expire. */
static bool all_answered(void)
{
    unsigned i;
    for (i = 0; i < life.events; i++) if (life.tried[i] && !ledger[i][i % life.functions].must) return false;
    return true;
}

static inngest_reset why;
static bool start(void)
{
    unsigned failures = dev.failures;
    uint32_t runs = life.last || draw(&life.random, 3) ? MOST_RUNS_ : 2 + draw(&life.random, MOST_RUNS_ - 2);
    inngest_status status;
    choose_table();
    memset(life.queued, 0, sizeof life.queued);
    status = boot(why, runs, life.last ? 8 : life.queue);
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
    if (life.flaps == 0 && draw(&life.random, 50) == 0) life.flaps = 20 + draw(&life.random, 60);
    if (life.flaps == 0) return;
    life.flaps--;
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
        if (!last && life.faults && life.turn % 5 == 1) set_faults(draw(&life.random, 3) > 0);
        if (!last && life.faults && draw(&life.random, 40) == 0) dev.burst = 1 + draw(&life.random, draw(&life.random, 3) ? 3 : 60);
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
#if INNGEST_CANCEL
        if (life.cancels && !last && draw(&life.random, 20) == 0) cancel_one();
#endif
        answer();
        next = inngest_tick(&jobs, now32());
        dev.forbidden = false;
        if (last) pass_time(life.turn % 100 == 0 && all_answered() ? 90000000 : next > 100000 ? 100000 : next ? next : 1);
        else pass_time(draw(&life.random, draw(&life.random, 4) ? 6000 : 100000));
        if (draw(&life.random, last ? 10 : 3) == 0) tell_clock();
        if (!last && draw(&life.random, 30) == 0) {
            (void)(inngest_close(&jobs) == INNGEST_OK);
            life.up = dev.forbidden = false;
        } else if (!last && draw(&life.random, 30) == 0) {
            lose_power();
            life.up = false;
            if (life.crashes && life.crash_resets < 12 && draw(&life.random, 2)) { life.crash_resets++; why = INNGEST_RESET_CRASH; }
        }
        if (dev.chip.violations && !dev.disk) wrong("a unit is programmed twice", 0);
#if INNGEST_INSPECT && INNGEST_CANCEL
        if (last && life.up && life.turn % 50 == 49) free_senders();
#endif
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
