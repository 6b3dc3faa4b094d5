/* SPDX-License-Identifier: MIT
 * Cuts power everywhere in your jobs. You give the function table, what happens outside (which events are sent, and
 * when) and a check of how the world must look in the end; power_cut_everywhere runs it all once uncut, and then once
 * for each way to lose power: at every program and erase of the flash, torn in every way flash_emulator.h knows; and
 * in each of those a second time, at every operation of the recovery and at some of all that follow. After each it
 * boots again until all is done, and asks the check. examples/cut_your_job.c is a whole test.
 *
 * It judges by itself: the journal is mounted each time, all runs come to an end, no unit is programmed twice, and wear is level.
 *
 * What is outside the machine stands in one struct of yours, the world: handlers get it from inngest_user, it is kept
 * through power cuts, and set back to what it was before each image. Handlers, steps and callbacks keep nothing else:
 * no statics. RAM that a power cut must empty (tokens) is emptied by `boot`.
 *
 * Strict unless told otherwise: after each pass that wrote something the engine is thrown away and mounted again, and
 * the stack below is overwritten, so that a local that was to outlive a step, or a pointer to one in a result, shows.
 * While a step is in progress (AGAIN, PENDING) the engine is kept.
 *
 * What it cannot see: a static, or a pointer to one or to memory of malloc, in a handler or a result: they outlive a cut
 * here and not on a machine. A job that is always wrong: the uncut run is thrown away after passes as well, so what
 * is lost over a sleep is lost there, too. So let the check say what must be (sum is 42), not only what was uncut, and
 * look at ended_badly. A handler that brings the process down: set trace to 1, and the last lines tell where.
 *
 * One test at a time in a process: it is not reentrant. Deterministic for a seed. */
#ifndef POWER_CUT_H
#define POWER_CUT_H
#include "flash_emulator.h"
#if !INNGEST_HOOKS || !INNGEST_INSPECT
#error "power_cut.h needs INNGEST_HOOKS and INNGEST_INSPECT: leave them in where jobs are tested"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* An event that the outside sends, until a flush has told that it is durable. After a cut in between it is sent again;
 * so that it starts one run all the same it has an id, "event 0", "event 1", ... where you give none: of more than INNGEST_SEEN_IDS
 * within INNGEST_SEEN_MS the next one waits. */
typedef struct power_cut_event {
    uint32_t at_ms;                    /* on the virtual clock, which starts at 0; in ascending order */
    inngest_event event;
} power_cut_event;

typedef struct power_cut_scenario {
    const char *name;                  /* for messages */
    const inngest_function *functions;
    uint16_t function_count;
    uint16_t event_count;
    const power_cut_event *events;     /* NULL: none */
    void *world;                       /* as it is before anything happened */
    size_t world_size;
    /* What else happens outside, called before each tick: complete, cancel, send. Gives the ms until it is to be called
     * again, UINT32_MAX: nothing more to come. NULL: nothing happens. */
    uint32_t (*outside)(void *world, inngest *jobs, uint32_t now_ms);
    void (*boot)(void *world);         /* NULL: none; called before each mount */
    /* All is done: is the world as it must be? uncut is how the run that was never cut left it. */
    bool (*check)(const void *world, const void *uncut);
    const inngest_hooks *hooks;        /* NULL: none; user is the world */
    uint16_t runs, slots;              /* inngest_config.runs and events; 0: 8 and 4 */
} power_cut_scenario;

typedef enum power_cut_remount { POWER_CUT_PASS, POWER_CUT_TICK, POWER_CUT_NEVER } power_cut_remount;

typedef struct power_cut_options {     /* all zero is a good start, but for the geometry */
    uint32_t block_size, block_count;
    uint16_t program_size;
    power_cut_remount remount;         /* when the engine is thrown away; 0: strict */
    bool sync;                         /* the port has a sync, which has nothing to do: as if something might be cached */
    uint16_t per_mille;                /* of all first cuts, drawn by the seed; 0: all of them */
    uint16_t later_cuts;               /* second cuts behind the recovery, drawn for each first cut; 0: 2 */
    int erased;                        /* 0: 0xFF; else as flash_set_erased, 256 for 0x00 */
    uint32_t busy;                     /* as flash.busy */
    flash_bad bad;                     /* how bad_block is bad from one operation of the chip until another, failed ones included */
    uint32_t bad_block, bad_from, bad_until;
    uint32_t bad_period;               /* ... and again so many operations later, and again; 0: once */
    uint32_t bad_odds;                 /* as flash.bad_odds */
    flash_tear bad_tear;               /* as flash.bad_tear and bad_cells */
    flash_cells bad_cells;
    uint32_t seed;
    bool keep_going;                   /* after a failure */
    unsigned long trace;               /* from this image on print each operation, boot, tick, pass and step; 1: from the first; 0: nothing */
} power_cut_options;

typedef struct power_cut_result {
    uint32_t operations;               /* programs and erases of the uncut run */
    unsigned long images;              /* flash images that were made by a cut, booted and brought to the end */
    unsigned long distinct;            /* of them, by a hash of the flash as the cut left it */
    unsigned long failures;
    unsigned long failed_image;        /* the first one that failed: for trace */
    char failure[256];                 /* the first one: what, and where power was cut */
    char ended_badly[128];             /* the first run of the uncut run that did not end well, and why; "": all did */
} power_cut_result;

/* True: no failure. A failure of the uncut run is one, too. Memory comes from malloc and is given back. */
bool power_cut_everywhere(const power_cut_scenario *scenario, const power_cut_options *options, power_cut_result *result);

#ifdef __cplusplus
}
#endif
#endif
