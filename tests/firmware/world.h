/* SPDX-License-Identifier: MIT
 * What the firmwares of tests/firmwares.c share, and the twins of tests/twins.c: the machine's storage, and what each of them is asked.
 * Nothing in here depends on the library's configuration. */
#ifndef WORLD_OF_FIRMWARES_H
#define WORLD_OF_FIRMWARES_H
#ifndef EVENTS
#define EVENTS 100u
#endif
#include "../../port/flash_emulator/flash_emulator.h"
#include "../drawn_world.h"

#define MOST_RUNS_ 60u
#define FIRMWARES 8u

/* A build of the library, and of the jobs. */
typedef struct firmware {
    uint16_t message_bytes, seen_ids, crash_limit, parts;
    bool write_cache;
    inngest_status (*boot)(inngest_reset reset, uint32_t runs, uint32_t queue);
    uint32_t (*tick)(void);
    inngest_status (*close)(void);
    void (*send_events)(void);
    inngest_status (*send)(unsigned e);
    void (*answer)(void);
    void (*wake)(void);
    inngest_status (*flush)(void);
    void (*tell_clock)(int64_t off);
    void (*cancel)(void);
    void (*free_senders)(void);
    unsigned (*look)(void);
    void (*show)(void);
} firmware;

extern inngest_port world_port;

/* Power goes in this program or erase, as the chip's tear says. */
static inline void lose_power_in(flash *chip, char what, uint32_t at, const void *data, uint32_t size)
{
    chip->random = draw(&life.luck, 0x10000000) | 1;
    chip->cut_at = chip->operations + 1;
    (void)(what == 'p' ? chip->port.program(chip, at, data, size) : chip->port.erase(chip, at));
    flash_power_on(chip);
    chip->cut_at = 0;
}
#endif
