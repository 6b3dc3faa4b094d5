/* SPDX-License-Identifier: MIT
 * See inngest_zephyr.h and README.md. */
#include "inngest_zephyr.h"
#include <errno.h>
#include <zephyr/drivers/flash.h>
#include <zephyr/logging/log.h>
#if defined(CONFIG_HWINFO)
#include <zephyr/drivers/hwinfo.h>
#endif
#if defined(CONFIG_REBOOT)
#include <zephyr/sys/reboot.h>
#endif

LOG_MODULE_REGISTER(inngest, CONFIG_INNGEST_LOG_LEVEL);

#define LONGEST_SLEEP_MS 3600000u      /* a tick is due within 24 days, and timeouts of 32 bits (CONFIG_TIMEOUT_64BIT=n) hold less */

#if __GCC_ATOMIC_INT_LOCK_FREE == 2 && INNGEST_WORD_BITS == 32 && !defined(INNGEST_NO_CAS)      /* as HAVE_CAS in inngest.c */
#define LOCKS 0
#else
#define LOCKS 1                        /* without compare-and-swap one thread at a time may send, on one core */
#if defined(CONFIG_SMP)
#error "several cores need compare-and-swap"
#endif
#endif
#if defined(CONFIG_SMP) && CONFIG_MP_MAX_NUM_CPUS > INNGEST_CORES
#error "several cores: INNGEST_CORES says how many"
#endif

static int area_read(void *context, uint32_t address, void *data, uint32_t size)
{
    inngest_zephyr *z = context;
    return flash_area_read(z->area, (off_t)address, data, size);
}

static int area_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    inngest_zephyr *z = context;
    return flash_area_write(z->area, (off_t)address, data, size);
}

static int area_erase(void *context, uint32_t address)
{
    inngest_zephyr *z = context;
    return flash_area_erase(z->area, (off_t)address, z->port.block_size);
}

static bool area_is_blank(void *context, uint32_t address, uint32_t size)
{
    inngest_zephyr *z = context;
    uint8_t bytes[32], blank = flash_area_erased_val(z->area);
    while (size > 0) {
        uint32_t i, n = size < sizeof bytes ? size : (uint32_t)sizeof bytes;
        if (flash_area_read(z->area, (off_t)address, bytes, n) != 0) return false;
        for (i = 0; i < n; i++) if (bytes[i] != blank) return false;
        address += n;
        size -= n;
    }
    return true;
}

/* A semaphore keeps what is given before it is waited for, so no wake-up is lost. */
static void wake(void *context)
{
    inngest_zephyr *z = context;
    k_sem_give(&z->sent);
}

static uint32_t now(void *context)
{
    (void)context;
    return (uint32_t)k_uptime_get();
}

#if LOCKS
static void lock(void *context)
{
    (void)context;
    if (!k_is_in_isr()) k_sched_lock();
}

static void unlock(void *context)
{
    (void)context;
    if (!k_is_in_isr()) k_sched_unlock();
}
#endif

static void log_text(void *context, const char *text)
{
    (void)context;
    LOG_WRN("%s", text);
}

#if defined(CONFIG_REBOOT)
static void restart(void *context)
{
    (void)context;
    sys_reboot(SYS_REBOOT_COLD);
}
#endif

int inngest_zephyr_open(inngest_zephyr *z, uint8_t partition)
{
    struct flash_pages_info first, last;
    uint32_t align;
    int error = flash_area_open(partition, &z->area);
    if (error) return error;
    error = flash_get_page_info_by_offs(z->area->fa_dev, z->area->fa_off, &first);
    if (error == 0) error = flash_get_page_info_by_offs(z->area->fa_dev, z->area->fa_off + (off_t)z->area->fa_size - 1, &last);
    if (error) return error;
    align = flash_area_align(z->area);
    if (first.start_offset != z->area->fa_off || first.size != last.size || (first.size & (first.size - 1)) != 0 ||
        first.size < 512 || first.size > 262144 || z->area->fa_size / first.size < 2 || z->area->fa_size / first.size > 65535 ||
        align > 32) return -EINVAL;
    (void)k_sem_init(&z->sent, 0, 1);
    (void)atomic_set(&z->stopped, 0);
    z->longest_sleep_ms = 0;
    z->port = (inngest_port){
        .context = z, .read = area_read, .program = area_program, .erase = area_erase, .is_blank = area_is_blank, .wake = wake, .log = log_text,
        .now = now,
#if LOCKS
        .lock = lock, .unlock = unlock,
#endif
#if defined(CONFIG_REBOOT)
        .restart = restart,
#endif
        .block_size = (uint32_t)first.size, .block_count = (uint32_t)(z->area->fa_size / first.size),
        .program_size = (uint16_t)align,
    };
    return 0;
}

void inngest_zephyr_run(inngest_zephyr *z, inngest *jobs)
{
    while (!atomic_get(&z->stopped)) {
        uint32_t next = inngest_tick(jobs, now(z));
        if (next > LONGEST_SLEEP_MS) next = LONGEST_SLEEP_MS;
        if (z->longest_sleep_ms && next > z->longest_sleep_ms) next = z->longest_sleep_ms;
        if (next) (void)k_sem_take(&z->sent, K_MSEC(next));
    }
}

void inngest_zephyr_stop(inngest_zephyr *z)
{
    (void)atomic_set(&z->stopped, 1);
    k_sem_give(&z->sent);
}

inngest_reset inngest_zephyr_reset(void)
{
#if defined(CONFIG_HWINFO)
    uint32_t cause = 0;
    if (hwinfo_get_reset_cause(&cause) != 0) return INNGEST_RESET_UNKNOWN;
    (void)hwinfo_clear_reset_cause();
    if (cause & (RESET_WATCHDOG | RESET_CPU_LOCKUP)) return INNGEST_RESET_CRASH;
    if (cause & (RESET_POR | RESET_BROWNOUT)) return INNGEST_RESET_POWER_ON;
#if defined(CONFIG_SOC_FAMILY_NORDIC_NRF) || defined(CONFIG_SOC_FAMILY_NRF)
    if (cause == 0) return INNGEST_RESET_POWER_ON;     /* RESETREAS has no bit for it */
#endif
#endif
    return INNGEST_RESET_UNKNOWN;
}
