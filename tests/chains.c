/* SPDX-License-Identifier: MIT
 * Promises 1 to 3 where runs start runs: steps and on_failure send events that start several functions, some behind a predicate or
 * a wildcard, whose steps send again, three deep; outer events have ids and are sent again where nobody knows; run tables and queues
 * that shrink and grow between boots, so that most sends wait for room; cancels; power lost anywhere, on weak flash and on a disk
 * with a cache, resets in user code. The ledger judges: each event runs each function it is for, once, no finished step
 * runs again, what was sent or acknowledged is never lost.
 * argv: how many lives; the first seed; anything: tell what happens. */
#include "draw.h"
#include "lossy.h"
#include "test.h"
#include <setjmp.h>

enum { NODES = 100, FUNCTIONS = 6, KINDS = 3, SENDS = 3, DEEP = 3, MOST_RUNS = 40, OUTER = 6 };
enum { CUT = 1, CRASHED };

typedef struct child { int16_t node; bool sent; } child;     /* node: 0: not asked for yet; -1: none */
typedef struct run_of {                /* of an event in a function */
    uint64_t id;
    bool done, ended, cancelled, stopped, failing, step_done[2];      /* cancelled: perhaps; stopped: that is on record */
    uint8_t wanted;                    /* by its predicate: 0: not asked */
    child children[SENDS];
} run_of;
static struct node { bool used, tried, must, killed; uint8_t kind, level, size; struct run_of runs[FUNCTIONS]; } nodes[NODES];   /* killed: who sent it was cancelled */

static inngest jobs;
static flash chip;
static inngest_port port;
static int64_t memory[INNGEST_MEMORY(MOST_RUNS, 16) / 8 + 1];
static uint64_t random_state;
static jmp_buf reset_vector;
static unsigned seed, told, boots, crashes;
static uint32_t now;
static bool up, small, last, ids, cancels, crashing, talks;
static unsigned long lives, all_boots, ends, cancelled, sends, full, tight, skipped;

#define draw(n) draw(&random_state, n)
#define say(...) (talks ? (void)printf(__VA_ARGS__) : (void)0)

static void wrong(const char *what, unsigned n, unsigned f)
{
    if (told++ == 0 || talks)
        printf("life %u, %u x %u, unit %u%s, boot %u, operation %u, event %u, function %u: %s\n", seed, (unsigned)port.block_count, (unsigned)port.block_size,
               port.program_size, lossy.chip ? ", disk" : "", boots, (unsigned)chip.operations, n, f, what);
}

/* What a run does, the same at each replay and in each boot: a number from all that names it. */
static uint32_t fate(unsigned n, unsigned f, unsigned what)
{
    uint64_t state = seed * UINT64_C(1000003) + n * 1009u + f * 31u + what;
    return (draw)(&state, 1000);
}

static bool is_for(unsigned kind, unsigned f) { return f == 1 || (f == 0 ? kind == 0 : f < 4 ? kind == 1 : kind == 2); }
static bool has_predicate(unsigned f) { return f == 1 || f == 3; }
static bool wants(unsigned n, unsigned f) { return !has_predicate(f) || fate(n, f, 99) % 3 == 0; }

static void crash_here(void)
{
    if (!crashing || last || crashes >= 2 || draw(60)) return;
    crashes++;
    longjmp(reset_vector, CRASHED);
}

static bool says(unsigned f, const void *data, size_t size)
{
    const uint8_t n = *(const uint8_t *)data;
    if (size < 1 || n >= NODES || !nodes[n].tried) wrong("an event that nobody sent", 0, f);
    crash_here();
    return wants(n, f);
}
static bool when_1(void *user, const void *data, size_t size) { (void)user; return says(1, data, size); }
static bool when_3(void *user, const void *data, size_t size) { (void)user; return says(3, data, size); }

static inngest_status body(inngest_ctx *ctx, const void *arg, void *result)
{
    const uint8_t *p = arg;
    run_of *r = &nodes[p[0]].runs[p[1]];
    if (r->step_done[p[2]]) wrong("a finished step runs again", p[0], p[1]);
    if (r->stopped) wrong("a body is called behind a cancel", p[0], p[1]);
    crash_here();
    if (fate(p[0], p[1], 50) % 4 == 0 && inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 1000, 1, "");
    memset(result, p[0] + p[2], 30);
    return INNGEST_OK;
}

static int16_t new_node(unsigned n, unsigned f, unsigned i)
{
    int16_t k;
    if (nodes[n].level + 1 >= DEEP || fate(n, f, i) % 2) return -1;
    for (k = OUTER; k < NODES && nodes[k].used; k++) { }
    if (k == NODES) return -1;
    nodes[k].used = true;
    nodes[k].kind = (uint8_t)(fate(n, f, 10 + i) % KINDS);
    nodes[k].level = (uint8_t)(nodes[n].level + 1);
    nodes[k].size = (uint8_t)(1 + fate(n, f, 20 + i) % 60);
    return k;
}

static const char *const events[KINDS] = { "c/a", "c/b", "c/c" };

static inngest_status send_child(inngest_ctx *ctx, unsigned n, unsigned f, unsigned i)
{
    static const char *const names[SENDS] = { "send 0", "send 1", "send 2" };
    child *c = &nodes[n].runs[f].children[i];
    uint8_t data[64];
    inngest_status status;
    if (c->node == 0) c->node = new_node(n, f, i);
    if (c->node < 0) return INNGEST_OK;
    memset(data, c->node, sizeof data);
    nodes[c->node].tried = true;
    status = inngest_step_send(ctx, names[i], events[nodes[c->node].kind], data, nodes[c->node].size);
    if (status != INNGEST_OK) {
        if (status != INNGEST_PAUSED || (c->sent && !nodes[n].runs[f].cancelled)) wrong("a send that was done is not", n, f);
        return status;
    }
    sends += !c->sent;
    c->sent = nodes[c->node].must = true;
    return INNGEST_OK;
}

static inngest_status do_step(inngest_ctx *ctx, unsigned n, unsigned f, unsigned i)
{
    static uint8_t p[3];
    uint8_t result[30];
    run_of *r = &nodes[n].runs[f];
    inngest_status status;
    if (fate(n, f, 30 + i) % 3 == 0) return inngest_step_sleep(ctx, "sleep", fate(n, f, 40 + i) * 10);
    p[0] = (uint8_t)n;
    p[1] = (uint8_t)f;
    p[2] = (uint8_t)i;
    status = inngest_step_run(ctx, i ? "step 1" : "step 0", body, p, result, sizeof result);
    if (status == INNGEST_OK) {
        if (result[0] != (uint8_t)(n + i) || result[29] != result[0]) wrong("another result", n, f);
        r->step_done[i] = true;
    } else if (status != INNGEST_PAUSED || r->step_done[i]) wrong("a step is not what it was", n, f);
    return status;
}

static run_of *find_run(inngest_ctx *ctx, unsigned f, unsigned *n)
{
    uint8_t data[64], i;
    unsigned k, g;
    run_of *r;
    memset(data, 0, sizeof data);
    if (inngest_event_data(ctx, data, sizeof data) != INNGEST_OK || data[0] >= NODES || !nodes[data[0]].tried || inngest_event_size(ctx) != nodes[data[0]].size) {
        wrong("an event that nobody sent", data[0], f);
        return NULL;
    }
    *n = data[0];
    for (i = 1; i < nodes[*n].size; i++) if (data[i] != data[0]) { wrong("the data of an event is wrong", *n, f); break; }
    r = &nodes[*n].runs[f];
    if (!is_for(nodes[*n].kind, f) || !wants(*n, f)) wrong("a function that the event is not for", *n, f);
    if (r->id && r->id != inngest_run_id(ctx)) wrong("an event runs twice", *n, f);
    for (k = 0; k < NODES; k++) for (g = 0; g < FUNCTIONS; g++) if (&nodes[k].runs[g] != r && nodes[k].runs[g].id == inngest_run_id(ctx)) wrong("two runs have one id", *n, f);
    if (r->ended) wrong("a run that has ended goes on", *n, f);
    r->id = inngest_run_id(ctx);
    return r;
}

static inngest_status script(inngest_ctx *ctx, unsigned f)
{
    unsigned n, i;
    run_of *r = find_run(ctx, f, &n);
    if (r == NULL) return INNGEST_FAIL;
    say("%u: event %u, function %u\n", (unsigned)now, n, f);
    for (i = 0; i < 2; i++) {
        INNGEST_TRY(do_step(ctx, n, f, i));
        INNGEST_TRY(send_child(ctx, n, f, i));
    }
    if (f > 3 && fate(n, f, 60) % 2) {
        r->failing = true;
        return inngest_fail(ctx, 5, "the end");
    }
    r->done = true;
    return INNGEST_OK;
}

static inngest_status failed(inngest_ctx *ctx)
{
    unsigned n;
    run_of *r = find_run(ctx, 4, &n);
    if (r == NULL) return INNGEST_FAIL;
    if (!r->failing) wrong("on_failure of a run that did not fail", n, 4);
    INNGEST_TRY(send_child(ctx, n, 4, 2));
    r->done = true;
    return INNGEST_OK;
}

#define HANDLER(f) static inngest_status handler_##f(inngest_ctx *ctx) { return script(ctx, f); }
HANDLER(0) HANDLER(1) HANDLER(2) HANDLER(3) HANDLER(4) HANDLER(5)
static const uint32_t one_second[] = { 1 };
#define JOB .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER, .journal_bytes = 330
static const inngest_function table[FUNCTIONS] = {
    { .id = "0", .event = "c/a", .handler = handler_0, JOB },
    { .id = "1", .event = "c/*", .handler = handler_1, .when = when_1, JOB },
    { .id = "2", .event = "c/b", .handler = handler_2, JOB },
    { .id = "3", .event = "c/b", .handler = handler_3, .when = when_3, JOB },
    { .id = "4", .event = "c/c", .handler = handler_4, .on_failure = failed, JOB },
    { .id = "5", .event = "c/c", .handler = handler_5, JOB } };

static void run_end(void *user, const inngest_end_info *info)
{
    unsigned n, f;
    (void)user;
    for (n = 0; n < NODES; n++) for (f = 0; f < FUNCTIONS; f++) {
        run_of *r = &nodes[n].runs[f];
        if (r->id != info->id) continue;
        say("%u: event %u, function %u ends: %d\n", (unsigned)now, n, f, (int)info->status);
        if (info->status == INNGEST_CANCELLED ? !r->cancelled : !r->cancelled && info->status != (r->failing ? INNGEST_FAIL : INNGEST_OK)) wrong("it ends otherwise", n, f);
        if (info->status != INNGEST_CANCELLED && !r->done && !r->failing) wrong("it ends early", n, f);
    }
}
static const inngest_hooks hooks = { .run_end = run_end };

/* ---- the machine ------------------------------------------------------------------------------------------------------------------ */

static void note_trace(void *user, char operation, uint32_t at, uint32_t size)
{
    lossy_trace(user, operation, at, size);
    if (operation == 'e' && chip.tear == FLASH_TEAR_TOUCHED) chip.tear = FLASH_TEAR_NONE;      /* port/JOURNAL.md, Known limits */
}
static void power_lost(void *user)
{
    (void)user;
    lossy_cut();
    longjmp(reset_vector, CUT);
}
static int disk_sync(void *context)
{
    if (lossy_in_sync(chip.cut_at == chip.operations + 1)) longjmp(reset_vector, CUT);
    return lossy_sync(context);
}
static int no_sync(void *context) { (void)context; return 0; }

static inngest_reset why;

static bool boot(void)
{
    inngest_config config = { .functions = table, .function_count = FUNCTIONS, .port = &port, .hooks = &hooks, .memory = memory, .memory_size = sizeof memory,
                              .runs = last || draw(3) == 0 ? MOST_RUNS : 3 + draw(8), .events = last ? 16 : 2u << draw(3), .seed = seed, .reset = why };
    inngest_status status;
    boots++;
    all_boots++;
    memset(&jobs, 0xA5, sizeof jobs);
    memset(memory, 0x5A, sizeof memory);
    status = inngest_init(&jobs, &config, NULL);
    say("boot %u: %u runs, %s\n", boots, (unsigned)config.runs, inngest_status_name(status));
    up = status == INNGEST_OK;
    if (up) why = INNGEST_RESET_POWER_ON;
    small = status == INNGEST_ERR_TABLE_BYTES && boots == 1;
    if (!up && !small && (status != INNGEST_ERR_RUNS_FULL || config.runs == MOST_RUNS)) wrong(inngest_status_name(status), 0, 0);
    return up;
}

static void send_outer(void)
{
    const unsigned n = draw(OUTER);
    struct node *v = &nodes[n];
    uint8_t data[64];
    char id[3] = { 'n', (char)('0' + n), 0 };
    inngest_event e = { .data = data };
    inngest_status status;
    if (v->must || (v->tried && !ids)) return;
    if (!v->used) {
        v->used = true;
        v->kind = (uint8_t)draw(KINDS);
        v->size = (uint8_t)(1 + draw(60));
    }
    memset(data, (int)n, sizeof data);
    e.size = v->size;
    e.name = events[v->kind];
    if (ids) e.id = id;
    v->tried = true;
    if (inngest_send_event(&jobs, &e) != INNGEST_OK) return;
    if (draw(3) == 0) return;          /* nobody flushes it */
    status = inngest_flush(&jobs);
    if (status == INNGEST_OK) v->must = true;
    full += status == INNGEST_ERR_RUNS_FULL;
    tight += status == INNGEST_ERR_JOURNAL_FULL;
    say("%u: event %u is sent: %s\n", (unsigned)now, n, inngest_status_name(status));
    if (status != INNGEST_OK && status != INNGEST_ERR_RUNS_FULL && status != INNGEST_ERR_JOURNAL_FULL && status != INNGEST_ERR_SEEN_FULL) wrong(inngest_status_name(status), n, 0);
}

/* What runs are there? False: none. All that the outer world has seen begin and not end is. */
static unsigned look(void)
{
    inngest_run_info info;
    uint32_t cursor = 0;
    unsigned n, f, live = 0;
    bool there[NODES][FUNCTIONS];
    memset(there, 0, sizeof there);
    while (inngest_next_run(&jobs, &cursor, &info)) {
        live++;
        if (info.wait == INNGEST_WAIT_DAMAGE || info.wait == INNGEST_WAIT_MEMO || info.wait == INNGEST_WAIT_FUNCTION) wrong("a run is parked", 0, 0);
        for (n = 0; n < NODES; n++) for (f = 0; f < FUNCTIONS; f++) if (nodes[n].runs[f].id == info.id) there[n][f] = true;
    }
    for (n = 0; n < NODES; n++) for (f = 0; f < FUNCTIONS; f++) {
        run_of *r = &nodes[n].runs[f];
        if (r->id == 0) continue;
        if (there[n][f] && r->ended) wrong("a run that has ended is there", n, f);
        if (there[n][f] || r->ended) continue;
        if (!r->done && !r->cancelled && !(r->failing && f != 4)) wrong("a run is lost", n, f);
        r->ended = true;
        ends++;
    }
    return live;
}

static void cancel_one(void)
{
    inngest_run_info info;
    uint32_t cursor = 0;
    unsigned n, f;
    while (inngest_next_run(&jobs, &cursor, &info)) {
        if (!last && draw(3)) continue;
        for (n = 0; n < NODES; n++) for (f = 0; f < FUNCTIONS; f++) {
            run_of *r = &nodes[n].runs[f];
            if (r->id != info.id || r->stopped) continue;
            r->cancelled = true;
            cancelled++;
            say("%u: event %u, function %u is cancelled\n", (unsigned)now, n, f);
            if (inngest_cancel(&jobs, info.id) != INNGEST_OK) wrong("it cannot be cancelled", n, f);
            r->stopped = true;
            return;
        }
    }
}

static void check_end(void)
{
    inngest_counters c;
    unsigned n, f;
    for (n = 0; n < NODES; n++) for (f = 0; f < FUNCTIONS; f++)
        if (nodes[n].must && is_for(nodes[n].kind, f) && wants(n, f) && !nodes[n].runs[f].ended) wrong("an event was lost", n, f);
    memset(&c, 0, sizeof c);
    inngest_get_counters(&jobs, &c);
    if (c.lost_runs || (chip.violations && !lossy.chip)) wrong("counters", 0, 0);
}

static void live(void)
{
    static const uint16_t sizes[] = { 512, 1024, 1024, 2048, 4096 };
    volatile unsigned turn = 0, still = 0;
    unsigned live_runs = 1;
    uint32_t block, next, most;
    int jumped;
    random_state = seed * UINT64_C(7919) + 11;
    memset(nodes, 0, sizeof nodes);
    told = boots = crashes = 0;
    now = draw(2) ? 0 : 0u - draw(100000);
    up = last = false;
    ids = draw(2);
    cancels = draw(3) == 0;
    crashing = draw(3) == 0;
    why = INNGEST_RESET_POWER_ON;
    block = sizes[draw(5)];
    most = 32768 / block;
    flash_close(&chip);
    CHECK(flash_open(&chip, block, most / 4 + 1 + draw(most / 2), (uint16_t)(1u << draw(5)), seed));
    chip.trace = note_trace;
    chip.power_lost = power_lost;
    port = chip.port;
    port.sync = draw(3) ? NULL : no_sync;
    lossy_open(INNGEST_WRITE_CACHE && draw(2) ? &chip : NULL, &port, seed);
    if (lossy.chip) port.sync = disk_sync;
    if ((jumped = setjmp(reset_vector)) != 0) {
        say("%u: %s\n", (unsigned)now, jumped == CUT ? "cut" : "crashed");
        chip.cut_at = 0;
        flash_power_on(&chip);
        if (jumped == CUT) lossy_drop();
        if (jumped == CRASHED) why = INNGEST_RESET_CRASH;
        up = false;
    }
    while (++turn < 1500 && told == 0) {
        if (turn >= 200 && !last) {
            last = true;
            chip.cut_at = 0;
            up = false;
        }
        if (!last && draw(4) == 0) {
            chip.cut_at = chip.operations + 1 + draw(draw(2) ? 4 : 30);
            chip.tear = (flash_tear)draw(lossy.chip ? FLASH_TEAR_WEAK : FLASH_TEARS);
            chip.cells_after = (flash_cells)draw(lossy.chip ? 1 : FLASH_CELLS);
        }
        if (!up && !boot()) {
            if (!small) continue;
            skipped++;                 /* a geometry for less */
            return;
        }
        if (!last || ids) send_outer();
        next = inngest_tick(&jobs, now);
        live_runs = look();
        if (last && live_runs == 0 && next == UINT32_MAX && ++still > 20) break;
        if (cancels && !last && draw(20) == 0) cancel_one();
        if (last && turn % 40 == 39) cancel_one();        /* they may wait for each other */
        if (next == UINT32_MAX) now += draw(1000);
        else now += draw(2) ? next : draw(3000);
        if (last) continue;
        if (draw(20) == 0) {
            if (inngest_close(&jobs) != INNGEST_OK) { }    /* what waits for room may be left */
            up = false;
        } else if (draw(20) == 0) {
            if (draw(2)) lossy_drop();
            up = false;
        }
    }
    if (told == 0 && turn >= 1500) wrong("it never comes to its end", 0, 0);
    if (told == 0) check_end();
    lives++;
    CHECK(told == 0);
}

int main(int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 110;
    seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 1;
    talks = argc > 3;
    for (; n > 0; n--, seed++) live();
    flash_close(&chip);
    printf("%lu lives, %lu boots, %lu runs ended, %lu cancelled; %lu sends of steps; %lu times no run free, %lu no room; %lu too small\n", lives, all_boots, ends, cancelled, sends, full, tight, skipped);
    return TEST_END();
}
