/* SPDX-License-Identifier: MIT
 * The sleep of port/avr loses no wake-up: an interrupt that sends comes at each cycle on the way into the sleep, and the
 * sleep is over within a few instructions, not with the next tick of the clock. tests/targets/sleep_avr.sh judges what
 * this says. */
#include "inngest_avr.h"
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <string.h>

#define SHOTS 600u                             /* cycles; the way in takes 150 or so */
#define AT_ONCE 1500u                          /* cycles for the interrupt, the send and the way out; a tick is 8,000 */

static inngest jobs;
static int64_t memory[INNGEST_MEMORY(1, 4) / 8 + 1];
static volatile uint16_t sent, sent_at;
static uint16_t taken;

static void say(const char *text)
{
    for (; *text; text++) {
        while (!(UCSR0A & 1 << UDRE0)) { }
        UDR0 = (uint8_t)*text;
    }
}

static void say_number(const char *name, uint16_t n)
{
    char digits[6];
    uint8_t at = sizeof digits - 1;
    digits[at] = 0;
    do digits[--at] = (char)('0' + n % 10); while (n /= 10);
    say(name);
    say(" ");
    say(digits + at);
    say("\n");
}

ISR(TIMER1_COMPA_vect)
{
    uint16_t number = sent;
    TIMSK1 = 0;
    sent_at = TCNT1;
    if (inngest_send(&jobs, "test/sleep", &number, sizeof number) == INNGEST_OK) sent++;
}

static bool take(void *user, const void *data, size_t size)
{
    uint16_t number;
    (void)user;
    memcpy(&number, data, sizeof number);
    if (size == sizeof number && number == taken) taken++;
    return false;
}

static inngest_status never(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }

int main(void)
{
    static const inngest_function functions[] = { { .id = "take", .event = "test/sleep", .handler = never, .when = take } };
    static const inngest_config config = { .functions = functions, .function_count = 1, .port = &inngest_avr_port, .memory = memory,
                                           .memory_size = sizeof memory, .runs = 1, .events = 4, .seed = 1 };
    uint16_t shot, slept_over = 0, lost = 0, passed;
    uint32_t from;
    UCSR0B = 1 << TXEN0;
    inngest_avr_start();
    if (inngest_init(&jobs, &config, NULL) != INNGEST_OK) say("init\n");
    for (shot = 1; shot <= SHOTS; shot++) {
        (void)inngest_tick(&jobs, inngest_avr_now());
        while (TCNT0 > 20) { }                 /* far from the clock's next tick, which ends a sleep too */
        cli();
        TCCR1B = 0;
        TCNT1 = 0;
        OCR1A = shot;
        TIFR1 = 1 << OCF1A;
        TIMSK1 = 1 << OCIE1A;
        TCCR1B = 1 << CS10;
        sei();
        inngest_avr_sleep(100);
        cli();
        passed = TCNT1 - sent_at;
        sei();
        if (sent != shot) lost++;
        else if (passed > AT_ONCE) slept_over++;
        (void)inngest_tick(&jobs, inngest_avr_now());
        if (taken != shot) lost++;
    }
    say_number("slept over", slept_over);
    say_number("lost", lost);
    from = inngest_avr_now();
    inngest_avr_sleep(20);
    say_number("slept ms", (uint16_t)(inngest_avr_now() - from));
    from = inngest_avr_now();                  /* nothing is due: the longest sleep, which sleep_avr.sh makes 30 ms */
    inngest_avr_sleep(UINT32_MAX);
    say_number("slept ms", (uint16_t)(inngest_avr_now() - from));
    cli();
    sleep_enable();
    sleep_cpu();                               /* simavr ends here */
    return 0;
}
