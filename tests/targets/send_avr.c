/* SPDX-License-Identifier: MIT
 * How many cycles a send of 32 bytes takes on an ATmega1284P, call and return included: timer 1 counts them. */
#include "inngest_avr.h"
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

static inngest jobs;
static int64_t memory[INNGEST_MEMORY(1, 4) / 8 + 1];

static inngest_status never(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }

static uint16_t send(const void *data)
{
    uint16_t from = TCNT1, empty, cycles;
    inngest_status status;
    __asm__ volatile("" ::: "memory");
    empty = TCNT1 - from;
    from = TCNT1;
    status = inngest_send(&jobs, "bench/send", data, 32);
    cycles = TCNT1 - from - empty;
    return status == INNGEST_OK ? cycles : 0;
}

int main(void)
{
    static const inngest_function functions[] = { { .id = "none", .event = "test/none", .handler = never } };
    static const inngest_config config = { .functions = functions, .function_count = 1, .port = &inngest_avr_port, .memory = memory,
                                           .memory_size = sizeof memory, .runs = 1, .events = 4, .seed = 1 };
    static const uint32_t data[8];
    uint16_t cycles;
    char digits[] = "send cycles     \n", *p = digits + 16;
    UCSR0B = 1 << TXEN0;
    TCCR1B = 1 << CS10;
    cycles = inngest_init(&jobs, &config, NULL) == INNGEST_OK ? send(data) : 0;
    do *--p = (char)('0' + cycles % 10); while (cycles /= 10);
    for (p = digits; *p; p++) {
        while (!(UCSR0A & 1 << UDRE0)) { }
        UDR0 = (uint8_t)*p;
    }
    sleep_enable();
    sleep_cpu();                               /* simavr ends here */
    return 0;
}
