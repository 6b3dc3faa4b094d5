/* SPDX-License-Identifier: MIT
 *
 * inngest_avr.h - the EEPROM as the journal, a clock and a sleep for ATmega with avr-libc
 *
 *   inngest_avr_start()  ->  inngest_init with config.port = &inngest_avr_port, config.reset = inngest_avr_reset()
 *   ->  for (;;) inngest_avr_sleep(inngest_tick(&jobs, inngest_avr_now()))
 *
 * Takes timer 0 and, for a restart, the watchdog. All of it from the main loop, but inngest_avr_now from anywhere. */
#ifndef INNGEST_AVR_H
#define INNGEST_AVR_H
#include "inngest.h"

#ifndef INNGEST_AVR_BLOCK              /* bytes of a block; the EEPROM is cut into as many as fit: 2 at least */
#define INNGEST_AVR_BLOCK 512
#endif

extern const inngest_port inngest_avr_port;

/* Start the clock and let interrupts in. */
void inngest_avr_start(void);
/* What made the machine start. The watchdog is off by then: it was stopped before main. */
inngest_reset inngest_avr_reset(void);
/* Give the ms since start. */
uint32_t inngest_avr_now(void);
/* Sleep for ms, 20 days at most, or until something was sent since the last tick began. */
void inngest_avr_sleep(uint32_t ms);
#endif
