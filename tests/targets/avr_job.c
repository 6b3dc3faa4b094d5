/* SPDX-License-Identifier: MIT
 * An image for an ATmega1284P: a job that is retried, sleeps, is reset on purpose and by a hanging step, again and again
 * until the journal in the EEPROM has gone round; interrupts of two levels send events meanwhile. tests/targets/avr.sh
 * runs it and judges what it says. */
#include "inngest_avr.h"
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>
#include <string.h>

#define ROUNDS 6

static inngest jobs;
static int64_t memory[INNGEST_MEMORY(4, 8) / 8 + 1];
static uint8_t next_round;
static bool started, ended;

/* ---- serial line ----------------------------------------------------------------------------------------------- */

static void say(const char *text)
{
    for (; *text; text++) {
        while (!(UCSR0A & 1 << UDRE0)) { }
        UDR0 = (uint8_t)*text;
    }
}

static void say_number(const char *name, uint32_t n)
{
    char digits[12];
    uint8_t at = sizeof digits - 1;
    digits[at] = 0;
    do digits[--at] = (char)('0' + n % 10); while (n /= 10);
    say(" ");
    say(name);
    say(" ");
    say(digits + at);
}

/* ---- senders: timer 1 lets timer 2 interrupt it; that all orders hold is for tests/queue_bytes.c to show ------------ */

typedef struct beat { uint16_t number, inverse; uint8_t source, filler[7]; } beat;
static uint16_t sent[2], got[2];
static uint8_t wrong;
#define KEPT __attribute__((section(".noinit")))      /* over a reset */
static volatile uint32_t nested KEPT;  /* sends within a send */
static uint32_t total KEPT;            /* events taken */
static uint8_t kept_round KEPT;
static uint32_t erased;
static volatile bool sending;

static void send_beat(uint8_t source)
{
    beat b;
    memset(&b, source, sizeof b);
    b.number = sent[source];
    if (source == 1 && sending) nested++;
    if (source == 0) sending = true;
    b.inverse = (uint16_t)~b.number;
    b.source = source;
    if (inngest_send(&jobs, "test/beat", &b, sizeof b) == INNGEST_OK) sent[source]++;
    if (source == 0) sending = false;
}

ISR(TIMER1_COMPA_vect, ISR_NOBLOCK) { send_beat(0); }
ISR(TIMER2_COMPA_vect) { send_beat(1); }

static void say_beats(void)
{
    say_number("beats", total);
    say_number("nested", nested);
    say("\n");
}

static void start_senders(void)
{
    OCR1A = 15870;                                   /* 2 ms: a cycle less than timer 2, which so comes a cycle later each time, */
    TCNT1 = (uint16_t)(kept_round * 80u);            /* and in each round at other times of what else goes on */
    TCCR1A = 0;
    TCCR1B = 1 << WGM12 | 1 << CS10;
    TIMSK1 = 1 << OCIE1A;
    OCR2A = 61;
    TCCR2A = 1 << WGM21;
    TCCR2B = 1 << CS22 | 1 << CS21;
    TIMSK2 = 1 << OCIE2A;
}

/* Each event once, whole, in the order of its source. It starts no run. */
static bool take_beat(void *user, const void *data, size_t size)
{
    beat b;
    uint8_t i;
    (void)user;
    memcpy(&b, data, sizeof b);
    for (i = 0; i < sizeof b.filler; i++) if (b.filler[i] != b.source) wrong = 1;
    if (size != sizeof b || b.source > 1 || b.number != (uint16_t)~b.inverse) wrong = 2;
    else if (b.number != got[b.source]++) wrong = 3;
    total++;
    return false;
}

/* ---- the job --------------------------------------------------------------------------------------------------- */

static inngest_status beat_job(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }

static inngest_status job(inngest_ctx *ctx)
{
    static const inngest_step_options careful = { 0, 0, true, false };
    uint8_t round;
    uint16_t value;
    INNGEST_TRY(inngest_event_data(ctx, &round, 1));
    INNGEST_STEP(ctx, "measure", value) {
        say("measure\n");
        if (inngest_attempt(ctx) == 0) return inngest_retry(ctx, -3, "not ready");
        value = (uint16_t)(1000 + round);
    }
    if (value != (uint16_t)(1000 + round)) say("wrong memo\n");
    INNGEST_TRY(inngest_step_restart(ctx, "restart"));
    INNGEST_DO_WITH(ctx, "hang", &careful) {
        if (inngest_began(ctx) == INNGEST_BEGAN_NO) {
            say("hang\n");
            cli();
            wdt_enable(WDTO_15MS);
            for (;;) { }
        }
        say("began before\n");
    }
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 200));
    INNGEST_DO(ctx, "after") say("after the nap\n");
    return INNGEST_OK;
}

static void run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    if (strcmp(info->function, "job") != 0) return;
    say(info->status == INNGEST_OK ? "ended well\n" : "failed\n");
    ended = true;
}

static const uint32_t one_second[] = { 1 };
static const inngest_function table[] = {
    { .id = "job", .event = "test/job", .handler = job, .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER,
      .journal_bytes = 300 },
    { .id = "beat", .event = "test/beat", .handler = beat_job, .when = take_beat, .journal_bytes = 160 },
};
static const inngest_hooks hooks = { .run_end = run_end };

/* 16-bit int: what reads texts and JSON needs more. */
static void check_readers(void)
{
    static const char json[] = "{\"a\": [1, \"\\ud83d\\ude00\xf0\x9f\x98\x80\"], \"n\": -9223372036854775808, \"d\": 1234567890123.4567}";
    char text[12];
    int64_t n;
    if (inngest_json_string(json, sizeof json - 1, "a[1]", text, sizeof text) != INNGEST_OK ||
        strcmp(text, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80") != 0) say("wrong string\n");
    if (inngest_json_int64(json, sizeof json - 1, "n", &n) != INNGEST_OK || n != INT64_MIN) say("wrong number\n");
    if (inngest_json_decimal(json, sizeof json - 1, "d", 4, &n) != INNGEST_OK || n != 12345678901234567) say("wrong decimal\n");
    if (inngest_parse_duration("365 days 23h", &n) != INNGEST_OK || n != 31618800000) say("wrong duration\n");
    if (inngest_parse_time("9999-12-31T23:59:59.999+05:30", &n) != INNGEST_OK || n != 253402280999999) say("wrong time\n");
}

int main(void)
{
    inngest_config config = { .functions = table, .function_count = 2, .port = &inngest_avr_port, .hooks = &hooks, .memory = memory,
        .memory_size = sizeof memory, .runs = 4, .events = 8, .seed = 5 };
    inngest_counters c;
    inngest_status status;
    UBRR0 = 0;
    UCSR0B = 1 << TXEN0;
    config.reset = inngest_avr_reset();
    say(config.reset == INNGEST_RESET_POWER_ON ? "power on\n" : config.reset == INNGEST_RESET_CRASH ? "watchdog\n" : "unknown reset\n");
    if (config.reset == INNGEST_RESET_POWER_ON) {
        check_readers();
        for (config.runs = 1000; config.runs < 5000; config.runs++)    /* as bytes 16 bits do not hold them */
            if (inngest_init(&jobs, &config, NULL) != INNGEST_ERR_MEMORY) { say("memory for too many runs\n"); break; }
        config.runs = 4;
        kept_round = 0;
        nested = total = 0;
        started = true;
    }
    inngest_avr_start();
    if (inngest_send(&jobs, "test/job", NULL, 0) != INNGEST_ERR_NOT_READY) say("sent before init\n");
    status = inngest_init(&jobs, &config, NULL);
    if (status != INNGEST_OK) {
        say("init");
        say_number("status", (uint32_t)-(int32_t)status);
        say("\n");
    }
    start_senders();
    for (;;) {
        if (started || ended) {
            started = ended = false;
            if (kept_round == ROUNDS) break;
            next_round = kept_round++;
            if (inngest_send(&jobs, "test/job", &next_round, 1) != INNGEST_OK) say("refused\n");
        }
        inngest_avr_sleep(inngest_tick(&jobs, inngest_avr_now()));
        if (wrong) {
            say("beats");
            say_number("wrong", wrong);
            say("\n");
            break;
        }
        inngest_get_counters(&jobs, &c);
        for (; erased < c.erases; erased++) say("erased\n");
    }
    inngest_get_counters(&jobs, &c);
    say_beats();
    say("end:");
    say_number("damaged", c.damaged + c.lost_runs + c.port_errors + c.torn);
    say_number("unpublished", c.unpublished);
    say("\n");
    cli();
    sleep_enable();
    sleep_cpu();                                     /* simavr ends here */
    return 0;
}
