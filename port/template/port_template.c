/* SPDX-License-Identifier: MIT
 *
 * port_template.c - a port to copy: what the library needs from a machine, and how to give it
 *
 * Copy this file, replace the `chip_...` calls declared below by your chip's functions, set the geometry, and read each
 * comment once. read, program and erase are required; all the rest may be NULL. A port keeps no state for the journal:
 * everything is found again on the storage.
 *
 *   1  The geometry
 *   2  read, program, erase, sync, is_blank
 *   3  wake, lock, unlock
 *   4  may_write, idle, now, restart, log
 *   5  Start: reset cause, seed, wall clock
 *   6  The main loop and its sleep */
#include "inngest.h"

/* What your chip's driver gives. If the processor also runs from this flash (XIP: RP2040, ESP32, most single-bank MCUs):
 * - the code and the constants of chip_flash_program and chip_flash_erase are in RAM;
 * - the other core is stopped;
 * - interrupts that run from flash are masked, else a fetch fails in the middle of the operation. Interrupts that send
 *   may go on if they run from RAM: INNGEST_SEND_CODE.
 * The `data` of a program is always in RAM: the library stages it. */
int chip_flash_read(uint32_t address, void *data, uint32_t size);           /* 0, or an error: also for an ECC error */
int chip_flash_program(uint32_t address, const void *data, uint32_t size);  /* 0, or an error */
int chip_flash_erase_start(uint32_t address);                               /* 0, or an error */
int chip_flash_state(void);                                                 /* 1: busy; 0: done; negative: failed */
bool chip_supply_is_good(void);
void chip_watchdog_feed(void);
void chip_reset(void);
bool chip_reset_was_power_on(void);
uint32_t chip_unique_number(void);
int64_t chip_rtc_unix_ms(void);                                             /* 0: not set */
uint32_t chip_uptime_ms(void);
void chip_interrupts_mask(void);
void chip_interrupts_unmask(void);
void chip_sleep_until_interrupt(uint32_t ms);                               /* WFI with an alarm in ms */

/* What the program calls; a header of yours. */
extern const inngest_port template_port;
inngest_status template_start(inngest *jobs, inngest_config *config);
void template_turn(inngest *jobs);

/* ---- 1 The geometry ------------------------------------------------------------------------------------------------
 *
 * The library's addresses start at 0; BASE is where your area begins: at the start of a sector, outside of the linker's
 * program. `make budget` tells how many blocks your jobs need, and how many years they last.
 *
 * block_size: what one erase clears, or a multiple of it (an erase then clears each sector of the block). A power of two,
 * 512 to 262,144.
 *
 * block_count: 2 are enough. From 4 on, ticks with nothing else to do erase ahead of need, so that a step call need not
 * wait; choose at least 4 where an erase takes long. More blocks give more room and less wear.
 *
 * program_size: what the flash programs at once, and at most once between two erases. Too large costs bytes; too small
 * corrupts data. Some values, to be checked in your chip's manual:
 *    1    SPI NOR that allows it (W25Q and its like), files
 *    2    STM32F1, F0, F3: half words
 *    4    nRF52, SAM D2x; RP2040 takes pages of 256: fill the rest of the page with 0xFF in chip_flash_program
 *    8    STM32 L4, L5, G0, G4, WB: 64 bits and their ECC; even 0xFF spends the double word
 *   16    STM32 U5, H5: 128 bits with ECC; Infineon SEMPER: 16 bytes
 *   32    STM32 H7: 256 bits with ECC
 * Some flash has a budget of writes (nRF52832: 181 in each 512 bytes between two erases). It is kept if program_size is
 * large enough: bytes / program_size <= budget. So 4 fits the nRF52832, 1 does not. */
#ifndef BASE
#define BASE 0x00070000u
#endif
#define BLOCK_SIZE 4096u
#define BLOCK_COUNT 8u
#define PROGRAM_SIZE 8u

/* ---- 2 read, program, erase, sync, is_blank -----------------------------------------------------------------------
 *
 * Each returns 0, or a negative number of your own, which is kept for you in inngest_counters.port_error.
 *
 * Below these calls lies the flash itself, or a driver that does what it is told. It must not be a translation layer that
 * rewrites neighbouring data (an EEPROM emulation, a block cache), unless that is itself safe against power cuts. */

/* Any address and size in the area. A word whose ECC cannot be corrected is an error here, and is taken for torn. An
 * interrupted program leaves such words as a matter of course, so this happens in normal life after a power cut.
 *
 * Many chips raise an NMI, a bus fault or a hard fault instead. Then chip_flash_read must guard the access: the handler
 * sees that the faulting address lies in the area, sets a flag, clears the ECC state, and returns behind the load.
 * Without such a guard a device resets at each start, for ever. The same holds where reading erased flash faults (LPC55):
 * first ask the controller whether it is blank, and give 0xFF or an error. */
static int template_read(void *context, uint32_t address, void *data, uint32_t size)
{
    (void)context;
    return chip_flash_read(BASE + address, data, size) == 0 ? 0 : -1;
}

/* address and size are multiples of program_size. The library guarantees that each unit comes at most once between two
 * erases. (Except a unit of bytes 0xA5: where its program failed or was cut short, and the unit reads as blank, the same
 * bytes may come again.) The port must guarantee that:
 * - units are programmed in ascending order, and each is complete before the next is begun;
 * - if power is lost, the unit in progress may hold anything; all others hold what they held (as littlefs requires, too);
 * - 0 means that the data reads back, and, where sync is NULL, that a power cut cannot undo it: wait for the end;
 * - it is split where your chip has pages (SPI NOR: 256 bytes; a program that crosses a page's end wraps to its start).
 * INNGEST_PORT_BUSY is allowed (the flash is at work for somebody else): the call is repeated at once, with idle in
 * between. A failure spends the place: the library writes nothing else there before an erase. */
static int template_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    (void)context;
    return chip_flash_program(BASE + address, data, size) == 0 ? 0 : -2;
}

/* Clear the block that begins there. An erase takes 1 ms to 2 s. It may be started here and then polled:
 * INNGEST_PORT_BUSY means "call me with the same address later". An erase ahead of need is polled by later ticks, so that
 * nothing waits for it. One that is needed now is polled until it is done, with idle in between. While it is busy, the
 * library reads other blocks and programs none. So read must work meanwhile (suspend the erase, or use another bank), or
 * wait.
 *
 * An erase that was cut short is noticed: a block without a valid header is erased again. But an old erase may still run
 * when inngest_init is called a second time without inngest_close, or after a reset that does not reset the flash (SPI
 * NOR). Wait for the chip first, as template_start does. */
static bool erase_started;
static int template_erase(void *context, uint32_t address)
{
    int state;
    (void)context;
    if (!erase_started) {
        if (chip_flash_erase_start(BASE + address) != 0) return -3;
        erase_started = true;
    }
    state = chip_flash_state();
    if (state > 0) return INNGEST_PORT_BUSY;
    erase_started = false;
    return state == 0 ? 0 : -4;
}

/* sync: NULL for flash, where what was programmed is durable. It is needed where something buffers: a file, a disk, a
 * driver with a write-back cache (set INNGEST_WRITE_CACHE=1 if that may write in another order). One sync then serves all
 * that a tick wrote. If it fails, nothing more is written until inngest_close and inngest_init: a second sync does not
 * bring back what an operating system has dropped. */

/* Is it erased? NULL: erased bytes read as 0xFF. Give your own function where they do not: 0x00 on STM32 L0 and L1,
 * undefined on the data flash of Renesas RA (ask its blank check), 0xFD on others. The journal never depends on the
 * erased value, only on this answer. To answer true for bytes that were programmed would be wrong; false for erased ones
 * only costs room. */
static bool template_is_blank(void *context, uint32_t address, uint32_t size)
{
    uint8_t bytes[32];
    uint32_t i, n;
    for (; size > 0; size -= n, address += n) {
        n = size < sizeof bytes ? size : (uint32_t)sizeof bytes;
        if (template_read(context, address, bytes, n) != 0) return false;
        for (i = 0; i < n; i++) if (bytes[i] != 0xFF) return false;
    }
    return true;
}

/* ---- 3 wake, lock, unlock ------------------------------------------------------------------------------------------ */

/* Called by inngest_send, inngest_complete and inngest_wake, in their context, which may be an interrupt. Make the loop
 * look again, and do nothing else. RTOS: give the loop's task a notification, in the form for interrupts where it comes
 * from one. */
static volatile bool woken;
static void template_wake(void *context)
{
    (void)context;
    woken = true;
}

/* lock and unlock: NULL, nearly always. They are needed only on a processor without compare-and-swap (Cortex-M0 and M0+,
 * RV32IMC, AVR) where tasks of an RTOS that preempt each other send. There they stop the scheduler and start it again
 * (vTaskSuspendAll, xTaskResumeAll), and must do nothing when called from an interrupt. They need not mask interrupts:
 * interrupts send safely without. Two cores without compare-and-swap do not work. */

/* ---- 4 may_write, idle, now, restart, log -------------------------------------------------------------------------- */

/* Asked at the start of each tick. False puts all its work off, and is counted (put_off): say so when the battery could
 * not carry an erase, or the radio must not be disturbed. Events stay in the queue meanwhile; the tick asks to be called
 * a second later. */
static bool template_may_write(void *context)
{
    (void)context;
    return chip_supply_is_good();
}

/* Called again and again during long work: the mount, reclaim, a busy flash. Feed the watchdog and do nothing else; call
 * nothing of the library. Your own steps must feed it themselves. */
static void template_idle(void *context)
{
    (void)context;
    chip_watchdog_feed();
}

/* The clock that inngest_tick is told. NULL: a wait that begins behind a long body is shorter by what the body took. */
static uint32_t template_now(void *context)
{
    (void)context;
    return chip_uptime_ms();
}

/* For inngest_step_restart; NULL: that step is refused. When this is called, the step's record is durable. It should not
 * return; if it does, the engine does nothing more until the reset comes. */
static void template_restart(void *context)
{
    (void)context;
    chip_reset();
}

/* log: NULL, or a function that takes one line of text, at most once a second: failures, damage, crashes. It is called
 * from the tick. INNGEST_LOG=0 leaves the texts out. */

const inngest_port template_port = {
    .read = template_read, .program = template_program, .erase = template_erase, .is_blank = template_is_blank,
    .wake = template_wake, .may_write = template_may_write, .idle = template_idle, .now = template_now,
    .restart = template_restart,
    .block_size = BLOCK_SIZE, .block_count = BLOCK_COUNT, .program_size = PROGRAM_SIZE,
};

/* ---- 5 Start: reset cause, seed, wall clock ------------------------------------------------------------------------- */

/* The program sets functions to memory_size, runs and events; this adds what the machine knows.
 *
 * reset: read it from the chip's register before anything clears that. Power-on and brown-out are POWER_ON: they are
 * pinned on no run. Watchdog, fault and software resets that nobody asked for are CRASH. If the cause is not known, leave
 * UNKNOWN, which is treated as CRASH.
 *
 * seed: anything that differs between devices (the chip's unique id), so that a fleet does not retry in step, and run ids
 * differ.
 *
 * Storage that holds something else (INNGEST_ERR_FOREIGN) is never formatted by itself. inngest_format erases it, if you
 * know that nothing there is needed. */
inngest_status template_start(inngest *jobs, inngest_config *config)
{
    inngest_status status;
    config->port = &template_port;
    config->reset = chip_reset_was_power_on() ? INNGEST_RESET_POWER_ON : INNGEST_RESET_UNKNOWN;
    config->seed = chip_unique_number();
    while (chip_flash_state() > 0) template_idle(NULL);      /* an erase begun before this start */
    erase_started = false;
    status = inngest_init(jobs, config, NULL);
    /* The wall clock, where it is known: now from an RTC, or later when the network has told it; and again whenever it is
     * corrected. Without it, sleeps until a date wait, and time without power does not count for relative ones. */
#if INNGEST_WALL_CLOCK
    if (status == INNGEST_OK && chip_rtc_unix_ms() > 0) inngest_set_wall_clock(jobs, chip_rtc_unix_ms(), chip_uptime_ms());
#endif
    return status;
}

/* ---- 6 The main loop and its sleep ----------------------------------------------------------------------------------
 *
 * This order loses no wake-up: mask, look, arm the alarm and sleep, unmask. The look sees a send that came before it. A
 * send behind it is an interrupt that stays pending while masked, and a pending interrupt ends WFI at once. Looking with
 * interrupts unmasked would leave a gap between look and sleep, in which a send is slept through.
 *
 * The uptime may wrap at 2^32 ms. It must go on during the sleep (a timer in the low-power domain, or the RTC), and must
 * not jump when the clock is set. The alarm may come early: a tick too many costs little. Sleep 24 days at most. */
void template_turn(inngest *jobs)
{
    uint32_t ms;
    woken = false;                         /* before the tick: what comes during it sets it again */
    ms = inngest_tick(jobs, chip_uptime_ms());
    if (ms > INNGEST_DAYS(1)) ms = (uint32_t)INNGEST_DAYS(1);
    chip_interrupts_mask();
    if (!woken && ms > 0) chip_sleep_until_interrupt(ms);
    chip_interrupts_unmask();              /* what is pending runs now */
}

/*  static inngest jobs;
 *  static int64_t memory[INNGEST_MEMORY(8, 16) / sizeof(int64_t) + 1];          8 runs, 16 events in the queue
 *
 *  int main(void)
 *  {
 *      inngest_config config = { .functions = functions, .memory = memory, .memory_size = sizeof memory,
 *          .function_count = sizeof functions / sizeof *functions, .runs = 8, .events = 16 };
 *      ... clocks, pins, the reset cause ...
 *      if (template_start(&jobs, &config) != INNGEST_OK) ...      say so: inngest_status_name
 *      for (;;) template_turn(&jobs);
 *  }
 *
 * An RTOS task: for (;;) wait_for_notification(inngest_tick(&jobs, uptime_ms()));  which waits 24 days at most. A
 * notification given before the wait ends it at once, so nothing is to be masked.
 *
 * Try the port: tests/template.c runs this file on a flash in RAM. Run yours on the device with a job that sleeps a
 * second and sends itself, and pull the plug; then read the area out and look: inngest-dump FILE (`make tool`). */
