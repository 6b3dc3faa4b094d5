/* SPDX-License-Identifier: MIT
 * Jobs on a RISC-V machine whose journal is a NOR flash, which may lose power at any instant. What was promised is
 * remembered twice: in a log of words in flash blocks behind the journal, which the image itself checks, and as lines
 * of text to the outside, which whoever pulls the plug compares: "accepted N ." after the event was flushed, "body N K ."
 * when a step's body begins, "done N K ." when the handler sees the step done, "ended N ." by the end hook,
 * "failed ..." for what must not be. A 'q' that comes in asks for no more jobs
 * after two more erases, and to end with the last one. */
#include "board.h"
#include "cfi.h"
#include <string.h>

#define FLASH 0x22000000u
#define BLOCK 262144u                          /* what one command erases: 128 KiB on each of two chips */
#define BLOCKS 4u
#define LOG_BLOCKS 2u
#define LOG_WORDS (LOG_BLOCKS * BLOCK / 4)
#define MAGIC 0x6C6F6731u
#define NUMBERS 65536u                         /* jobs */
#define LIVE 64u
#define ERASE_MS 20u                           /* the emulator's chip erases at once; a real one takes a second */

enum { ACCEPTED = 1, DONE = 2 /* and 3, 4: the steps */, ENDED = 5, RESERVED = 6 };
typedef struct order { uint32_t number, words[200]; } order;

static inngest jobs;
static int64_t memory[INNGEST_MEMORY(LIVE, 8) / 8 + 1];
static cfi chip, log_chip;
static int (*real_erase)(void *context, uint32_t address);
static uint8_t known[NUMBERS];                 /* a bit a code */
static uint64_t runs[LIVE];                    /* of jobs seen in this boot */
static uint32_t numbers[LIVE], log_used, next_number = 1, reserved, ticks, erase_tick, late;
static uint64_t erase_began;                   /* 0: none */

void timer_interrupt(uint32_t pc)
{
    (void)pc;
    timer_at(UINT64_MAX);
}

static uint32_t now_ms(void) { return (uint32_t)(timer_now() / TIMER_PER_MS); }

static uint32_t port_now(void *context)
{
    (void)context;
    return now_ms();
}

static void say(const char *what, uint32_t number, int step)
{
    board_write(what);
    board_write(" ");
    bare_number(number);
    if (step >= 0) {
        board_write(" ");
        bare_number((uint32_t)step);
    }
    board_write(" .\n");                       /* a line without it was cut off */
}

static void must(bool holds, const char *what, uint32_t number)
{
    if (holds) return;
    board_write("failed ");
    say(what, number, -1);
}

/* ---- the log of promises --------------------------------------------------------------------------------------- */

static void log_word(uint32_t at, uint32_t word)
{
    int result;
    do result = log_chip.port.program(&log_chip, at * 4, &word, 4); while (result == INNGEST_PORT_BUSY);
    must(result == 0, "log", at);
}

static bool is_known(uint32_t number, uint32_t code) { return number < NUMBERS && (known[number] >> code & 1u) != 0; }

/* The journal's chip and the log's are one: no erase may be going on. */
static void note(uint32_t number, uint32_t code)
{
    if (number >= NUMBERS || is_known(number, code)) return;
    known[number] = (uint8_t)(known[number] | 1u << code);
    if (erase_began != 0) return;              /* not written: less is promised */
    if (log_used < LOG_WORDS) log_word(log_used++, code << 28 | number);
}

static void log_open(void)
{
    const uint32_t *words = (const uint32_t *)(uintptr_t)(FLASH + BLOCKS * BLOCK);
    uint32_t i;
    int result;
    cfi_open(&log_chip, FLASH + BLOCKS * BLOCK, BLOCK, LOG_BLOCKS);
    if (words[0] != MAGIC) {                   /* the first boot, or power was lost in it */
        for (i = 0; i < LOG_BLOCKS; i++)
            do result = log_chip.port.erase(&log_chip, i * BLOCK); while (result == INNGEST_PORT_BUSY);
        must(inngest_format(&chip.port) == INNGEST_OK, "format", 0);
        log_word(0, MAGIC);
    }
    for (log_used = 1; log_used < LOG_WORDS && words[log_used] != UINT32_MAX; log_used++) {
        uint32_t number = words[log_used] & 0xFFFFFFFu;
        if (number >= NUMBERS) continue;
        known[number] = (uint8_t)(known[number] | 1u << (words[log_used] >> 28));
        if (words[log_used] >> 28 == RESERVED) next_number = number;
    }
}

/* ---- the journal's erase takes its time ------------------------------------------------------------------------ */

static int slow_erase(void *context, uint32_t address)
{
    int result;
    if (erase_began == 0) {
        erase_began = timer_now();
        erase_tick = ticks;
        return real_erase(context, address);
    }
    if (timer_now() - erase_began < (uint64_t)ERASE_MS * TIMER_PER_MS) return INNGEST_PORT_BUSY;
    result = real_erase(context, address);
    if (result == INNGEST_PORT_BUSY) return result;
    erase_began = 0;
    late += ticks != erase_tick;
    say("erased", ticks != erase_tick, -1);    /* 1: found done by a later tick */
    return result;
}

/* ---- jobs ------------------------------------------------------------------------------------------------------ */

static uint32_t word_of(uint32_t number, uint32_t i) { return (number + i) * 2654435761u; }

static inngest_status work(inngest_ctx *ctx)
{
    static order o;                            /* one pass at a time */
    uint32_t i, receipt, n;
    INNGEST_TRY(inngest_event_data(ctx, &o, sizeof o));
    n = o.number;
    for (i = 0; i < 200; i++) if (o.words[i] != word_of(n, i)) must(false, "event", n);
    for (i = 0; i < LIVE && runs[i] != inngest_run_id(ctx); i++) { }
    if (i == LIVE) for (i = 0; i < LIVE && runs[i] != 0; i++) { }
    if (i < LIVE) { runs[i] = inngest_run_id(ctx); numbers[i] = n; }

    INNGEST_STEP(ctx, "charge", receipt) {
        say("body", n, 0);
        must(!is_known(n, DONE), "charged-twice", n);
        if (n % 8 == 0 && inngest_attempt(ctx) == 0) return inngest_retry_after(ctx, 1000, 1, "the bank is closed");
        receipt = n * 7u;
    }
    say("done", n, 0);
    note(n, DONE);
    must(receipt == n * 7u, "receipt", n);
    INNGEST_TRY(inngest_step_sleep(ctx, "wait", 10 + n % 16 * 10));
    INNGEST_DO(ctx, "ship") {
        say("body", n, 1);
        must(!is_known(n, DONE + 1), "shipped-twice", n);
    }
    say("done", n, 1);
    note(n, DONE + 1);
    return INNGEST_OK;
}

static void run_end(void *user, const inngest_end_info *info)
{
    uint32_t i;
    (void)user;
    for (i = 0; i < LIVE; i++)
        if (runs[i] == info->id) {
            must(info->status == INNGEST_OK, "ended-badly", numbers[i]);
            say("ended", numbers[i], -1);
            note(numbers[i], ENDED);
            runs[i] = 0;
            return;
        }
    must(info->status == INNGEST_OK, "ended-badly", 0);
}

static const inngest_function functions[] = {
    { .id = "order", .event = "shop/order", .handler = work, .jitter_ms = INNGEST_NO_JITTER },
};

static uint32_t live(void)
{
    uint32_t cursor = 0, n = 0;
    inngest_run_info info;
    while (inngest_next_run(&jobs, &cursor, &info)) n++;
    return n;
}

static void send_order(void)
{
    static order o;
    uint32_t i;
    if (next_number >= reserved) note(reserved = next_number + 64, RESERVED);   /* never used again, whatever becomes of the event */
    o.number = next_number;
    for (i = 0; i < 200; i++) o.words[i] = word_of(o.number, i);
    if (inngest_send(&jobs, "shop/order", &o, sizeof o) != INNGEST_OK) return;
    next_number++;
    if (inngest_flush(&jobs) != INNGEST_OK) { must(false, "flush", o.number); return; }
    say("accepted", o.number, -1);
    note(o.number, ACCEPTED);
}

int main(void)
{
    static const inngest_hooks hooks = { .run_end = run_end };
    inngest_config config = { .functions = functions, .function_count = 1, .port = &chip.port, .hooks = &hooks, .memory = memory,
                              .memory_size = sizeof memory, .runs = LIVE, .events = 8, .reset = INNGEST_RESET_POWER_ON };
    inngest_counters counters;
    inngest_status status;
    uint32_t next, i, start;
    bool asked = false, quit;
    board_write("boot .\n");
    timer_init();
    cfi_open(&chip, FLASH, BLOCK, BLOCKS);
    log_open();
    real_erase = chip.port.erase;
    chip.port.erase = slow_erase;
    chip.port.now = port_now;
    config.seed = (uint32_t)timer_now();
    start = now_ms();
    status = inngest_init(&jobs, &config, NULL);
    if (status != INNGEST_OK) {
        board_write(inngest_status_name(status));
        must(false, "init", 0);
        board_exit(1);
    }
    say("mounted", live(), (int)(now_ms() - start));
    for (;;) {
        board_woken = 0;
        ticks++;
        next = inngest_tick(&jobs, now_ms());
        if (board_read() == 'q') asked = true;
        quit = asked && late >= 2;             /* not before two erases were polled in this boot */
        if (quit && live() == 0) break;
        if (!quit && next_number + 64 < NUMBERS && live() < LIVE - 8 && erase_began == 0) {
            send_order();
            continue;
        }
        board_sleep(next < 10 ? next : 10);
    }
    for (i = 1; i < NUMBERS; i++)
        if (is_known(i, ACCEPTED)) must(is_known(i, DONE) && is_known(i, DONE + 1), "lost", i);
    inngest_get_counters(&jobs, &counters);
    must(inngest_close(&jobs) == INNGEST_OK, "close", 0);
    say("figure busy", chip.busy, -1);
    say("figure suspended", chip.suspended, -1);
    say("figure log_words", log_used, -1);
    board_exit(0);
}
