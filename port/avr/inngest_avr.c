/* SPDX-License-Identifier: MIT
 * See inngest_avr.h and README.md. */
#include "inngest_avr.h"
#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

/* Timer 0 counts whole ms at one of three prescalers. */
#ifndef F_CPU
#error "F_CPU says how fast the processor runs"
#elif F_CPU % 8000 == 0 && F_CPU / 8000 <= 256
#define COUNTS_A_MS (F_CPU / 8000)
#define PRESCALER (1 << CS01)
#elif F_CPU % 64000 == 0 && F_CPU / 64000 <= 256
#define COUNTS_A_MS (F_CPU / 64000)
#define PRESCALER (1 << CS01 | 1 << CS00)
#elif F_CPU % 256000 == 0 && F_CPU / 256000 <= 256
#define COUNTS_A_MS (F_CPU / 256000)
#define PRESCALER (1 << CS02)
#else
#error "with this F_CPU timer 0 cannot count whole ms: change inngest_avr_start and the interrupt above it"
#endif

#define LONGEST_SLEEP_MS 1728000000u   /* 20 days: a tick is due within 24 */

static uint8_t reset_flags __attribute__((section(".noinit")));
static volatile uint32_t ms;
static volatile bool woken;

/* After a reset by the watchdog it goes on running, at its shortest time: it must be stopped before RAM is set up. */
void inngest_avr_stop_watchdog(void) __attribute__((naked, used, section(".init3")));
void inngest_avr_stop_watchdog(void)
{
    reset_flags = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

inngest_reset inngest_avr_reset(void)
{
    if (reset_flags & (1 << PORF | 1 << BORF)) return INNGEST_RESET_POWER_ON;
    return reset_flags & 1 << WDRF ? INNGEST_RESET_CRASH : INNGEST_RESET_UNKNOWN;
}

/* ---- clock and sleep ------------------------------------------------------------------------------------------- */

ISR(TIMER0_COMPA_vect) { ms++; }

void inngest_avr_start(void)
{
    TCCR0A = 1 << WGM01;
    OCR0A = (uint8_t)(COUNTS_A_MS - 1);
    TCCR0B = PRESCALER;
    TIMSK0 = 1 << OCIE0A;
    sei();
}

/* Four bytes are not read in one go: read until nothing came between. */
uint32_t inngest_avr_now(void)
{
    uint32_t now;
    do now = ms; while (now != ms);
    return now;
}

static void wake(void *context)
{
    (void)context;
    woken = true;
}

/* The instruction after sei is executed before any interrupt, so none comes between the look and the sleep. */
void inngest_avr_sleep(uint32_t time)
{
    uint32_t from = inngest_avr_now();
    if (time > LONGEST_SLEEP_MS) time = LONGEST_SLEEP_MS;
    set_sleep_mode(SLEEP_MODE_IDLE);
    for (;;) {
        cli();
        if (woken || ms - from >= time) break;
        sleep_enable();
        sei();
        sleep_cpu();
        sleep_disable();
    }
    woken = false;
    sei();
}

/* ---- storage --------------------------------------------------------------------------------------------------- */

static int read(void *context, uint32_t address, void *data, uint32_t size)
{
    (void)context;
    eeprom_read_block(data, (const void *)(uint16_t)address, (size_t)size);
    return 0;
}

static int program(void *context, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *byte = data, *cell = (const uint8_t *)(uint16_t)address;
    (void)context;
    eeprom_update_block(data, (void *)(uint16_t)address, (size_t)size);
    eeprom_busy_wait();
    for (; size > 0; size--) if (eeprom_read_byte(cell++) != *byte++) return -1;       /* worn out */
    return 0;
}

/* A byte takes 3.4 ms: a few of them a call. */
static int erase(void *context, uint32_t address)
{
    static uint16_t of, at;
    uint8_t *block = (uint8_t *)(uint16_t)address, written = 0;
    (void)context;
    if (of != (uint16_t)address) at = 0;               /* another one was left half erased */
    of = (uint16_t)address;
    for (; at < INNGEST_AVR_BLOCK; at++) {
        if (eeprom_read_byte(block + at) == 0xFF) continue;
        if (written++ == 8) return INNGEST_PORT_BUSY;
        eeprom_write_byte(block + at, 0xFF);
    }
    eeprom_busy_wait();
    while (at > 0 && eeprom_read_byte(block + at - 1) == 0xFF) at--;
    if (at == 0) return 0;
    at = 0;
    return -1;
}

static uint32_t now(void *context)
{
    (void)context;
    return inngest_avr_now();
}

static void idle(void *context)
{
    (void)context;
    wdt_reset();
}

static void restart(void *context)
{
    (void)context;
    cli();
    wdt_enable(WDTO_15MS);
    for (;;) { }
}

const inngest_port inngest_avr_port = {
    .read = read, .program = program, .erase = erase, .wake = wake, .now = now, .idle = idle, .restart = restart,
    .block_size = INNGEST_AVR_BLOCK, .block_count = (E2END + 1) / INNGEST_AVR_BLOCK, .program_size = 1,
};
