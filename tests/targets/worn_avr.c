/* SPDX-License-Identifier: MIT
 * port/avr notices cells that do not take what is written, and counts ms at the clock it is compiled for.
 * tests/targets/avr.sh puts worn_... in the place of avr-libc's writes in the port, and judges what this says. */
#include "inngest_avr.h"
#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

void worn_write_byte(uint8_t *cell, uint8_t value);
void worn_update_block(const void *from, void *to, size_t size);

#define NONE ((uint8_t *)0xFFFF)
static uint8_t *worn = NONE;                   /* this cell keeps its lowest bit at 0 */

void worn_write_byte(uint8_t *cell, uint8_t value) { eeprom_write_byte(cell, cell == worn ? value & 0xFE : value); }

void worn_update_block(const void *from, void *to, size_t size)
{
    const uint8_t *byte = from;
    uint8_t *cell = to;
    while (size--) worn_write_byte(cell++, *byte++);
}

static void say(const char *text)
{
    for (; *text; text++) {
        while (!(UCSR0A & 1 << UDRE0)) { }
        UDR0 = (uint8_t)*text;
    }
}

static void check(bool holds, const char *what) { if (!holds) say(what); }

static int program(uint16_t address, uint8_t value)
{
    uint8_t bytes[3];
    bytes[0] = bytes[1] = bytes[2] = value;
    return inngest_avr_port.program(NULL, address, bytes, sizeof bytes);
}

static int erase(uint16_t address)
{
    int result;
    do result = inngest_avr_port.erase(NULL, address); while (result == INNGEST_PORT_BUSY);
    return result;
}

int main(void)
{
    uint32_t from;
    uint16_t cycles;
    UCSR0B = 1 << TXEN0;
    inngest_avr_start();
    TCCR1B = 1 << CS10;                        /* a ms in cycles */
    for (from = inngest_avr_now(); inngest_avr_now() == from; ) { }
    TCNT1 = 0;
    for (from = inngest_avr_now(); inngest_avr_now() == from; ) { }
    cycles = TCNT1;
    check(cycles > F_CPU / 1000 - 150 && cycles < F_CPU / 1000 + 150, "the ms is wrong\n");
    check(inngest_avr_port.now(NULL) == inngest_avr_now(), "now\n");
#if INNGEST_AVR_BLOCK == 512
    check(erase(512) == 0 && program(600, 0x55) == 0, "good cells\n");
    worn = (uint8_t *)603;
    check(program(603, 0x54) == 0 && program(606, 0x55) == 0, "what a worn cell can hold\n");
    worn = (uint8_t *)611;
    check(program(609, 0x55) == -1, "program\n");
    check(erase(512) == -1 && erase(512) == -1, "erase\n");
    worn = NONE;
    check(erase(512) == 0, "erase again\n");
    {   uint16_t at;
        for (at = 0; at < 510; at += 3) check(program(512 + at, 0) == 0 && program(1024 + at, 0) == 0, "all zeros\n");
        check(inngest_avr_port.erase(NULL, 512) == INNGEST_PORT_BUSY && erase(1024) == 0 && erase(512) == 0, "one erase left for another\n");
    }
#endif
    say("over\n");
    cli();
    sleep_enable();
    sleep_cpu();                               /* simavr ends here */
    return 0;
}
