/* SPDX-License-Identifier: MIT */
#include "power_cut.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNS 20000            /* ticks of one image: more is stuck */
#define STILL 200              /* ticks in a row with nothing due and nothing to come */
#define RECOVERY 4             /* operations behind the mount that count as recovery, too */
#define CUTS 3

typedef enum outcome { DONE, CUT, REFUSED, STUCK, NO_MEMORY } outcome;
enum { JUMP_POWER = 1, JUMP_PASS, JUMP_RESTART };

/* What lies outside of the machine beside the user's world. */
typedef struct outside {
    uint32_t now, turns, still, next_event;
    uint32_t booted_at;        /* operations */
    uint32_t mending;          /* mounts that erased: a reset may leave an erase to be done again */
    bool up, queued, passed;   /* passed: a handler ran since the boot */
} outside;

/* All there is at one moment. */
typedef struct moment {
    flash chip;
    outside out;
    uint8_t *ram, *world;      /* ram: NULL after a cut */
} moment;

typedef struct tester {
    const power_cut_scenario *s;
    const power_cut_options *o;
    power_cut_result *result;
    flash chip;
    outside out;
    inngest jobs;
    inngest_hooks hooks;
    inngest_config config;
    uint8_t *first_world, *uncut;
    void *memory;
    size_t memory_size;
    moment *moments;           /* one a turn of the uncut run */
    uint32_t moment_count, moment_room;
    bool recording, trace;
    uint64_t *seen;            /* hashes of images */
    size_t seen_room;
    uint32_t cuts[CUTS], tears[CUTS], unstable[CUTS];
    unsigned cut_count;
    inngest_status refused, kept;      /* by the mount; what keeps the event that waits */
    jmp_buf vector;
} tester;

static tester *t;              /* hooks have no other way to it */

/* ---- chance ---------------------------------------------------------------------------------------------------- */

static uint32_t mix(uint32_t a, uint32_t b)
{
    uint64_t x = ((uint64_t)a << 32 | b) + 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)(x ^ x >> 31);
}

/* True for a state not seen before. */
static bool is_new(uint64_t hash)
{
    size_t i, old_room = t->seen_room;
    uint64_t *old = t->seen;
    if (hash == 0) hash = 1;
    if (t->result->distinct * 2 >= t->seen_room) {
        t->seen_room = old_room ? old_room * 2 : 1 << 12;
        t->seen = calloc(t->seen_room, sizeof *t->seen);
        if (t->seen == NULL) { t->seen = old; t->seen_room = old_room; return false; }
        for (i = 0; i < old_room; i++) {
            size_t at = old[i] & (t->seen_room - 1);
            if (old[i] == 0) continue;
            while (t->seen[at]) at = (at + 1) & (t->seen_room - 1);
            t->seen[at] = old[i];
        }
        free(old);
    }
    for (i = hash & (t->seen_room - 1); t->seen[i]; i = (i + 1) & (t->seen_room - 1)) if (t->seen[i] == hash) return false;
    t->seen[i] = hash;
    return true;
}

/* ---- moments --------------------------------------------------------------------------------------------------- */

static bool save(moment *m, bool with_ram)
{
    size_t ram = sizeof t->jobs + t->memory_size;
    if (m->world == NULL) {
        m->world = malloc(t->s->world_size + 1);
        if (m->world == NULL || !flash_open(&m->chip, t->o->block_size, t->o->block_count, t->o->program_size, 1)) return false;
    }
    if (with_ram && m->ram == NULL && (m->ram = malloc(ram)) == NULL) return false;
    flash_copy(&m->chip, &t->chip);
    m->out = t->out;
    memcpy(m->world, t->s->world, t->s->world_size);
    if (!with_ram) return true;
    memcpy(m->ram, &t->jobs, sizeof t->jobs);
    memcpy(m->ram + sizeof t->jobs, t->memory, t->memory_size);
    return true;
}

static void go_back(const moment *m)
{
    flash_copy(&t->chip, &m->chip);
    t->chip.cut_at = 0;
    t->out = m->out;
    memcpy(t->s->world, m->world, t->s->world_size);
    if (m->ram == NULL) return;
    memcpy(&t->jobs, m->ram, sizeof t->jobs);
    memcpy(t->memory, m->ram + sizeof t->jobs, t->memory_size);
}

static void forget(moment *m)
{
    flash_close(&m->chip);
    free(m->ram);
    free(m->world);
}

static bool record_moment(void)
{
    if (t->moment_count == t->moment_room) {
        uint32_t room = t->moment_room ? t->moment_room * 2 : 64;
        moment *more = realloc(t->moments, room * sizeof *more);
        if (more == NULL) return false;
        memset(more + t->moment_room, 0, (room - t->moment_room) * sizeof *more);
        t->moments = more;
        t->moment_room = room;
    }
    /* of two moments with the same number of operations the later one serves */
    if (t->moment_count && t->moments[t->moment_count - 1].chip.operations == t->chip.operations) t->moment_count--;
    return save(&t->moments[t->moment_count++], true);
}

/* ---- the machine ----------------------------------------------------------------------------------------------- */

static void power_lost(void *user) { (void)user; longjmp(t->vector, JUMP_POWER); }
static int no_sync(void *user) { (void)user; return 0; }
static void restart(void *user) { (void)user; longjmp(t->vector, JUMP_RESTART); }

static void print_operation(void *user, char operation, uint32_t address, uint32_t size)
{
    (void)user;
    if (operation != 'r' && t->trace) printf("    %u: %c 0x%x, %u\n", (unsigned)t->chip.operations + 1, operation, (unsigned)address, (unsigned)size);
}

static bool step_in_progress(void)
{
    uint32_t cursor = 0;
    inngest_run_info info;
    while (inngest_next_run(&t->jobs, &cursor, &info)) if (info.wait == INNGEST_WAIT_STEP) return true;
    return false;
}

static bool nothing_lives(void)
{
    uint32_t cursor = 0;
    inngest_run_info info;
    return !inngest_next_run(&t->jobs, &cursor, &info);
}

static void run_start(void *user, uint64_t run, const char *function)
{
    t->out.passed = true;
    if (t->trace) printf("  %u: pass of %s, run %u\n", (unsigned)t->out.now, function, (unsigned)run);
    if (t->s->hooks && t->s->hooks->run_start) t->s->hooks->run_start(user, run, function);
}

static void run_pause(void *user, uint64_t run, inngest_status status)
{
    if (t->s->hooks && t->s->hooks->run_pause) t->s->hooks->run_pause(user, run, status);
    if (t->o->remount == POWER_CUT_PASS && t->chip.operations != t->out.booted_at && !step_in_progress()) longjmp(t->vector, JUMP_PASS);
}

/* The first bad end of the uncut run is told: where all runs fail in it, a check against it finds nothing. */
static void run_end(void *user, const inngest_end_info *info)
{
    char *told = t->result->ended_badly;
    if (t->trace) printf("    end of %s, run %u: %s\n", info->function ? info->function : "a run", (unsigned)info->id, inngest_status_name(info->status));
    if (t->recording && info->status != INNGEST_OK && told[0] == 0)
        (void)snprintf(told, sizeof t->result->ended_badly, "%s: %s, code %ld, %s", info->function ? info->function : "a run",
                       inngest_status_name(info->error ? info->error->status : info->status), info->error ? (long)info->error->code : 0L,
                       info->error ? info->error->message : "");
    if (t->s->hooks && t->s->hooks->run_end) t->s->hooks->run_end(user, info);
}

static void step_start(void *user, uint64_t run, const char *step, int attempt)
{
    if (t->trace) printf("    step %s, run %u, attempt %d\n", step, (unsigned)run, attempt);
    if (t->s->hooks && t->s->hooks->step_start) t->s->hooks->step_start(user, run, step, attempt);
}

static void step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in_ms)
{
    if (t->trace) printf("    step %s, run %u: %s\n", step, (unsigned)run, inngest_status_name(status));
    if (t->s->hooks && t->s->hooks->step_end) t->s->hooks->step_end(user, run, step, attempt, status, retry_in_ms);
}

static void step_memo(void *user, uint64_t run, const char *step, inngest_status status)
{
    if (t->trace) printf("    step %s, run %u, from the journal: %s\n", step, (unsigned)run, inngest_status_name(status));
    if (t->s->hooks && t->s->hooks->step_memo) t->s->hooks->step_memo(user, run, step, status);
}

/* Overwrite the stack where the engine and the handlers were. */
static void scrub(void)
{
    volatile uint8_t stack[12288];
    size_t i;
    for (i = 0; i < sizeof stack; i += 8) stack[i] = stack[i + 1] = stack[i + 2] = stack[i + 3] = stack[i + 4] = stack[i + 5] = stack[i + 6] = stack[i + 7] = 0xA5;
}
static void (*volatile scrub_stack)(void) = scrub;

static bool is_bad(void)
{
    uint32_t since = t->chip.operations - t->o->bad_from;
    if (t->o->bad == FLASH_GOOD || t->chip.operations < t->o->bad_from) return false;
    return (t->o->bad_period ? since % t->o->bad_period : since) < t->o->bad_until - t->o->bad_from;
}

static void wear_out(void) { if (t->o->bad != FLASH_GOOD) flash_set_bad(&t->chip, t->o->bad_block, is_bad() ? t->o->bad : FLASH_GOOD); }

/* A mount that a bad block refuses is tried again. */
static bool was_refused_for_it(void)
{
    return t->o->bad != FLASH_GOOD && t->chip.bad[t->o->bad_block] && (t->refused == INNGEST_ERR_ERASE || t->refused == INNGEST_ERR_PROGRAM);
}

static bool boot(void)
{
    inngest_counters counters;
    wear_out();
    if (t->o->remount != POWER_CUT_NEVER) scrub_stack();
    memset(&t->jobs, 0xA5, sizeof t->jobs);
    memset(t->memory, 0x5A, t->memory_size);
    if (t->s->boot) t->s->boot(t->s->world);
    t->out.queued = t->out.passed = false;
    t->refused = inngest_init(&t->jobs, &t->config, NULL);
    inngest_get_counters(&t->jobs, &counters);
    if (t->refused == INNGEST_OK && counters.erases) t->out.mending++;
    t->out.up = t->refused == INNGEST_OK;
    t->out.booted_at = t->chip.operations;
    if (t->trace) printf("  %u: boot: %s, at operation %u\n", (unsigned)t->out.now, inngest_status_name(t->refused), (unsigned)t->chip.operations);
    return t->out.up;
}

/* Send what is due and make it durable. Gives the ms until there is more to do, UINT32_MAX: nothing more. */
static uint32_t send_events(void)
{
    while (t->out.next_event < t->s->event_count) {
        const power_cut_event *e = &t->s->events[t->out.next_event];
        inngest_event event = e->event;
        inngest_status status;
        char id[24];
        if ((int32_t)(e->at_ms - t->out.now) > 0) return e->at_ms - t->out.now;
        (void)snprintf(id, sizeof id, "event %u", (unsigned)t->out.next_event);
        if (event.id == NULL) event.id = id;
        if (!t->out.queued && inngest_send_event(&t->jobs, &event) != INNGEST_OK) return 1000;
        t->out.queued = true;
        t->kept = status = inngest_flush(&t->jobs);
        if (t->trace) printf("  %u: event %u: %s\n", (unsigned)t->out.now, (unsigned)t->out.next_event, inngest_status_name(status));
        if (status != INNGEST_OK) return 1000;     /* waits for room in the queue */
        t->out.queued = false;
        t->out.next_event++;
    }
    return UINT32_MAX;
}

/* Go on until all is done or power is lost. */
static outcome go(void)
{
    int jump = setjmp(t->vector);
    if (jump == JUMP_POWER) {
        t->out.up = false;
        t->out.now += 50;
        return CUT;
    }
    if (jump) t->out.up = false;
    for (;;) {
        uint32_t next, wanted, step;
        if (t->recording && !record_moment()) return NO_MEMORY;
        if (++t->out.turns > TURNS) return STUCK;
        wear_out();
        if (!t->out.up && !boot()) {
            if (!was_refused_for_it()) return REFUSED;
            t->out.now += 1000;
            continue;
        }
        wanted = send_events();
        step = t->s->outside ? t->s->outside(t->s->world, &t->jobs, t->out.now) : UINT32_MAX;
        if (step < wanted) wanted = step;
        next = inngest_tick(&t->jobs, t->out.now);
        if (t->trace) printf("  %u: tick: %u\n", (unsigned)t->out.now, (unsigned)next);
        if (wanted == UINT32_MAX && nothing_lives()) return DONE;
        step = next < wanted ? next : wanted;
        if (step != UINT32_MAX) t->out.still = 0;
        else if (++t->out.still > STILL) return STUCK;
        t->out.now += step == UINT32_MAX ? 1000 : step;
        if (t->o->remount != POWER_CUT_NEVER && t->out.passed && t->chip.operations != t->out.booted_at && !step_in_progress()) t->out.up = false;
    }
}

/* ---- judgement --------------------------------------------------------------------------------------------------- */

static void fail(const char *what)
{
    static const char *const tears[] = { "none", "touched", "first", "middle", "last", "random", "half", "weak", "done" };
    static const char *const cells[] = { "stable", "metastable", "unreadable" };
    power_cut_result *r = t->result;
    size_t used;
    unsigned i;
    if (r->failures++) return;
    r->failed_image = r->images;
    (void)snprintf(r->failure, sizeof r->failure, "%s, %u x %u, unit %u: %s", t->s->name ? t->s->name : "", (unsigned)t->o->block_count,
                   (unsigned)t->o->block_size, t->o->program_size, what);
    for (i = 0; i < t->cut_count; i++) {
        used = strlen(r->failure);
        (void)snprintf(r->failure + used, sizeof r->failure - used, "; cut in operation %u, %s, %s", (unsigned)t->cuts[i],
                       tears[t->tears[i]], cells[t->unstable[i]]);
    }
}

/* It does not come to an end: say what is waited for. */
static void fail_stuck(void)
{
    static const char *const waits[] = { "goes on for ever", "sleeps", "waits for its next attempt", "waits for the wall clock",
        "waits for a step in progress", "waits for room", "has no function", "has a memo that does not fit", "is damaged", "waits for a suspect" };
    uint32_t cursor = 0;
    inngest_run_info info;
    char text[120];
    if (t->out.next_event < t->s->event_count && t->kept != INNGEST_OK)
        (void)snprintf(text, sizeof text, "stuck, event %u waits: %s", (unsigned)t->out.next_event, inngest_status_name(t->kept));
    else if (inngest_next_run(&t->jobs, &cursor, &info))
        (void)snprintf(text, sizeof text, "stuck, %s %s", info.function ? info.function : "a run", waits[info.wait]);
    else (void)snprintf(text, sizeof text, "stuck: outside wants to be called for ever");
    fail(text);
}

static void judge(outcome end)
{
    uint32_t i, most = 0, least = UINT32_MAX;
    char text[64];
    for (i = 0; i < t->o->block_count; i++) {
        if (t->chip.wear[i] > most) most = t->chip.wear[i];
        if (t->chip.wear[i] < least) least = t->chip.wear[i];
    }
    if (end == REFUSED) {
        (void)snprintf(text, sizeof text, "the mount was refused: %s", inngest_status_name(t->refused));
        fail(text);
    } else if (end == NO_MEMORY) fail("no memory");
    else if (end == STUCK) fail_stuck();
    else if (end == CUT) fail("power went where it was not cut: the scenario does not repeat itself");
    else if (t->chip.violations) fail("a unit was programmed twice");
    else if (most - least > 1 + t->cut_count + t->out.mending + t->chip.refused) fail("wear is not level");
    else if (t->s->check && !t->s->check(t->s->world, t->uncut)) fail("the check failed");
}

static outcome cut_power(uint32_t operation, flash_tear tear, flash_cells cells)
{
    outcome end;
    t->chip.cut_at = operation;
    t->chip.tear = tear;
    t->chip.cells_after = cells;
    t->cuts[t->cut_count] = operation;
    t->tears[t->cut_count] = tear;
    t->unstable[t->cut_count++] = cells;
    end = go();
    t->chip.cut_at = 0;
    if (t->trace && end == CUT) printf("  %u: cut in operation %u, tear %d, cells %d\n", (unsigned)t->out.now, (unsigned)operation, (int)tear, (int)cells);
    if (end == CUT) flash_power_on(&t->chip);
    return end;
}

/* Some ways to tear are one, whatever the cells do. */
static bool is_way(unsigned tear, unsigned cells)
{
    if (tear == FLASH_TEAR_NONE || tear == FLASH_TEAR_DONE) return cells == FLASH_STABLE;
    return tear != FLASH_TEAR_WEAK || cells != FLASH_STABLE;
}

static outcome cut_power_somehow(uint32_t operation, uint32_t chance)
{
    unsigned tear = chance % FLASH_TEARS, cells = chance / 64 % FLASH_CELLS;
    if (!is_way(tear, cells)) cells = tear == FLASH_TEAR_WEAK ? FLASH_METASTABLE : FLASH_STABLE;
    return cut_power(operation, (flash_tear)tear, (flash_cells)cells);
}

static void count_image(void)
{
    t->result->images++;
    if (is_new(flash_hash(&t->chip))) t->result->distinct++;
}

/* Power was lost and is on again: to the end; and a second time from the same moment, power lost in the recovery. */
static void recover(moment *after, uint32_t key)
{
    uint32_t start = t->chip.operations, mounted, total, k, later = t->o->later_cuts ? t->o->later_cuts : 2, drawn;
    outcome end;
    count_image();
    if (!save(after, false)) { judge(NO_MEMORY); return; }
    end = boot() || was_refused_for_it() ? DONE : REFUSED;                 /* nobody jumps: no cut is set, and no handler runs in a mount */
    mounted = t->chip.operations - start + RECOVERY;
    if (end == DONE) end = go();
    judge(end);
    total = t->chip.operations - start;
    for (k = 1; k <= total && (t->o->keep_going || t->result->failures == 0); k++) {
        uint32_t chance = mix(key, k);
        drawn = total > mounted ? total - mounted : 1;
        if (k > mounted && chance % drawn >= later) continue;
        go_back(after);
        t->trace = t->o->trace && t->result->images + CUTS >= t->o->trace;
        t->chip.random = chance | 1u;
        t->cut_count = 1;
        chance = mix(chance, 7);
        end = cut_power_somehow(start + k, chance);
        if (end != CUT) {              /* cells that read differently: another way was taken, to the end */
            t->cut_count = 1;
            judge(end);
            continue;
        }
        count_image();
        if (chance % 4 == 0) {
            end = cut_power_somehow(t->chip.operations + 1 + mix(chance, 8) % 8, mix(chance, 9));
            if (end == CUT) count_image();
            else { t->cut_count--; judge(end); continue; }
        }
        judge(go());
    }
}

static bool set_up(void)
{
    inngest_config *c = &t->config;
    t->memory_size = INNGEST_MEMORY((size_t)(t->s->runs ? t->s->runs : 8), (size_t)(t->s->slots ? t->s->slots : 4));
    t->memory = malloc(t->memory_size);
    t->first_world = malloc(t->s->world_size + 1);
    t->uncut = malloc(t->s->world_size + 1);
    if (!flash_open(&t->chip, t->o->block_size, t->o->block_count, t->o->program_size, t->o->seed + 1)) return false;
    if (t->memory == NULL || t->first_world == NULL || t->uncut == NULL) return false;
    memcpy(t->first_world, t->s->world, t->s->world_size);
    if (t->o->erased) flash_set_erased(&t->chip, t->o->erased == 256 ? 0 : t->o->erased);
    t->chip.power_lost = power_lost;
    if (t->o->trace) t->chip.trace = print_operation;
    t->trace = t->o->trace == 1;
    t->chip.port.restart = restart;
    if (t->o->sync) t->chip.port.sync = no_sync;
    t->chip.busy = t->o->busy;
    t->chip.bad_odds = t->o->bad_odds;
    t->chip.bad_tear = t->o->bad_tear;
    t->chip.bad_cells = t->o->bad_cells;
    t->hooks.run_start = run_start;
    t->hooks.run_pause = run_pause;
    t->hooks.run_end = run_end;
    t->hooks.step_start = step_start;
    t->hooks.step_end = step_end;
    t->hooks.step_memo = step_memo;
    c->functions = t->s->functions;
    c->function_count = t->s->function_count;
    c->port = &t->chip.port;
    c->hooks = &t->hooks;
    c->user = t->s->world;
    c->memory = t->memory;
    c->memory_size = t->memory_size;
    c->runs = t->s->runs ? t->s->runs : 8;
    c->events = t->s->slots ? t->s->slots : 4;
    c->reset = INNGEST_RESET_POWER_ON;
    c->seed = 42;
    return true;
}

static void cut_everywhere(void)
{
    uint32_t cut, at = 0;
    unsigned tear, cells;
    moment after;
    outcome end;
    memset(&after, 0, sizeof after);
    t->recording = true;
    end = go();
    t->recording = false;
    t->result->operations = t->chip.operations;
    memcpy(t->uncut, t->s->world, t->s->world_size);
    judge(end);
    for (cut = 1; cut <= t->result->operations && (t->o->keep_going || t->result->failures == 0); cut++) {
        while (at + 1 < t->moment_count && t->moments[at + 1].chip.operations < cut) at++;
        for (tear = 0; tear < FLASH_TEARS; tear++)
            for (cells = 0; cells < FLASH_CELLS; cells++) {
                uint32_t key = mix(t->o->seed, cut * 64 + tear * 4 + cells);
                if (!is_way(tear, cells) || (t->o->per_mille && mix(key, 1) % 1000 >= t->o->per_mille)) continue;
                if (t->result->failures && !t->o->keep_going) continue;
                t->trace = t->o->trace && t->result->images + CUTS >= t->o->trace;
                go_back(&t->moments[at]);
                t->chip.random = key | 1u;
                t->cut_count = 0;
                end = cut_power(cut, (flash_tear)tear, (flash_cells)cells);
                if (end == CUT) recover(&after, key);
                else if (t->o->bad_odds > 1 || t->o->bad_tear == FLASH_TEARS) judge(end);   /* chance took another way to the end */
                else fail("power could not be cut: the scenario does not repeat itself");
            }
    }
    forget(&after);
}

bool power_cut_everywhere(const power_cut_scenario *scenario, const power_cut_options *options, power_cut_result *result)
{
    static tester it;
    uint32_t i;
    t = &it;
    memset(t, 0, sizeof *t);
    memset(result, 0, sizeof *result);
    t->s = scenario;
    t->o = options;
    t->result = result;
    if (set_up()) cut_everywhere();
    else fail("no memory");
    if (t->first_world) memcpy(t->s->world, t->first_world, t->s->world_size);
    for (i = 0; i < t->moment_room; i++) forget(&t->moments[i]);
    free(t->moments);
    free(t->seen);
    free(t->memory);
    free(t->first_world);
    free(t->uncut);
    flash_close(&t->chip);
    return result->failures == 0;
}
