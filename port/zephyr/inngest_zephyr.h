/* SPDX-License-Identifier: MIT
 *
 * inngest_zephyr.h - a flash partition as the journal, and a thread's loop
 *
 *   static inngest_zephyr z;
 *   inngest_zephyr_open(&z, FIXED_PARTITION_ID(storage_partition))  ->  inngest_init with config.port = &z.port and
 *   config.reset = inngest_zephyr_reset()  ->  in a thread: inngest_zephyr_run(&z, &jobs)
 *
 * Sends come from threads and interrupts. Zero-latency interrupts may not call the kernel, so z.port.wake must be NULL
 * where they send; then set z.longest_sleep_ms. */
#ifndef INNGEST_ZEPHYR_H
#define INNGEST_ZEPHYR_H
#include <zephyr/kernel.h>
#include <zephyr/storage/flash_map.h>
#include "inngest.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct inngest_zephyr {
    inngest_port port;
    uint32_t longest_sleep_ms;         /* 0: as long as nothing is due */
    /* internal */
    const struct flash_area *area;
    struct k_sem sent;
    atomic_t stopped;
} inngest_zephyr;

/* Take a partition: it must begin with a page, and its pages must be of one size, a power of two. 0 or a negative errno:
 * -EINVAL for a partition that cannot hold a journal, else what the flash map gives. Not from interrupts. */
INNGEST_MUST_USE int inngest_zephyr_open(inngest_zephyr *z, uint8_t partition);

/* Tick, and sleep until the next deadline or a send. Returns after inngest_zephyr_stop. */
void inngest_zephyr_run(inngest_zephyr *z, inngest *jobs);

/* End inngest_zephyr_run. From threads and interrupts. */
void inngest_zephyr_stop(inngest_zephyr *z);

/* What made the machine start, where CONFIG_HWINFO can tell. It is cleared: call once. */
inngest_reset inngest_zephyr_reset(void);

#ifdef __cplusplus
}
#endif
#endif
