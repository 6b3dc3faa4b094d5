/* SPDX-License-Identifier: MIT
 * The port to copy does what its comments say: jobs run through its start and its loop on a flash in RAM that erases
 * slowly, has words that can not be read, and counts what is programmed twice. */
#include "test.h"
#define BASE 0x1000u
#include "../port/template/port_template.c"
#include <string.h>

static uint8_t cells[BLOCK_SIZE * BLOCK_COUNT], used[BLOCK_SIZE * BLOCK_COUNT / PROGRAM_SIZE];
static uint32_t uptime, erasing = UINT32_MAX, bad_unit = UINT32_MAX;
static unsigned busy, twice, outside, waits, fed, resets, restarts, nights;
static bool supply = true, masked, button, late;
static int64_t rtc, slept;
static void button_interrupt(void);

static bool inside(uint32_t address, uint32_t size)
{
    if (address >= BASE && address - BASE <= sizeof cells && size <= sizeof cells - (address - BASE)) return true;
    outside++;
    return false;
}
int chip_flash_read(uint32_t address, void *data, uint32_t size)
{
    if (!inside(address, size)) return 1;
    if (bad_unit - (address - BASE) < size) return 1;                /* ECC */
    memcpy(data, cells + (address - BASE), size);
    return 0;
}
int chip_flash_program(uint32_t address, const void *data, uint32_t size)
{
    uint32_t i;
    if (!inside(address, size) || address % PROGRAM_SIZE || size % PROGRAM_SIZE || erasing != UINT32_MAX) return outside++, 1;
    for (i = 0; i < size / PROGRAM_SIZE; i++) twice += used[(address - BASE) / PROGRAM_SIZE + i]++ != 0;
    memcpy(cells + (address - BASE), data, size);
    return 0;
}
int chip_flash_erase_start(uint32_t address)
{
    if (!inside(address, BLOCK_SIZE) || address % BLOCK_SIZE || erasing != UINT32_MAX) return outside++, 1;
    erasing = address - BASE;
    busy = 3;
    return 0;
}
int chip_flash_state(void)
{
    if (erasing == UINT32_MAX) return 0;
    if (busy > 0) { busy--; waits++; return 1; }
    memset(cells + erasing, 0xFF, BLOCK_SIZE);
    memset(used + erasing / PROGRAM_SIZE, 0, BLOCK_SIZE / PROGRAM_SIZE);
    erasing = UINT32_MAX;
    return 0;
}
bool chip_supply_is_good(void) { return supply; }
void chip_watchdog_feed(void) { fed++; }
void chip_reset(void) { resets++; }
bool chip_reset_was_power_on(void) { return restarts == 0; }
uint32_t chip_unique_number(void) { return 7; }
int64_t chip_rtc_unix_ms(void) { return rtc; }
uint32_t chip_uptime_ms(void) { return uptime; }
void chip_interrupts_mask(void)
{
    if (late) { late = false; button_interrupt(); }  /* the last moment before */
    masked = true;
}
void chip_interrupts_unmask(void) { masked = false; if (button) { button = false; button_interrupt(); } }
void chip_sleep_until_interrupt(uint32_t ms)
{
    CHECK(masked);
    nights++;
    if (button) return;                              /* a pending interrupt ends the sleep at once */
    uptime += ms;                                    /* which wraps */
    slept += ms;
}

static inngest jobs;
static unsigned done;
static void button_interrupt(void) { CHECK(inngest_send(&jobs, "button/pressed", "x", 1) == INNGEST_OK); }

static inngest_status job(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", INNGEST_SECONDS(90)));
    INNGEST_DO(ctx, "work") done++;
    return INNGEST_OK;
}
static inngest_status again(inngest_ctx *ctx)
{
    INNGEST_TRY(inngest_step_restart(ctx, "restart"));
    INNGEST_DO(ctx, "after") done += 1000;
    return INNGEST_OK;
}
static const inngest_function functions[] = { { .id = "job", .event = "button/pressed", .handler = job },
                                              { .id = "again", .event = "reset/wanted", .handler = again } };
static int64_t memory[INNGEST_MEMORY(8, 8) / 8 + 1];

static void start_again(void)
{
    inngest_config config;
    inngest_status status;
    memset(&config, 0, sizeof config);
    config.functions = functions;
    config.function_count = 2;
    config.memory = memory;
    config.memory_size = sizeof memory;
    config.runs = config.events = 8;
    memset(&jobs, 0xA5, sizeof jobs);
    status = template_start(&jobs, &config);
    CHECK(status == INNGEST_OK);
    if (status != INNGEST_OK) printf("  %s\n", inngest_status_name(status));
}

static void start(void)
{
    erasing = UINT32_MAX;                            /* the reset: an erase in progress is cut short, RAM is lost */
    erase_started = woken = false;
    start_again();
}

static unsigned live(void)
{
    uint32_t cursor = 0;
    inngest_run_info info;
    unsigned n = 0;
    while (inngest_next_run(&jobs, &cursor, &info)) n++;
    return n;
}

/* A tick does nothing but wait where the chip is erasing. */
static void turn_until(unsigned runs)
{
    unsigned i;
    for (i = 0; i < 50 && live() != runs; i++) template_turn(&jobs);
    CHECK(live() == runs);
}

int main(void)
{
    unsigned i;
    inngest_counters c;
    memset(cells, 0xFF, sizeof cells);
    start();
    for (i = 0; i < 300; i++) {                      /* enough to go round the ring */
        button = true;                               /* comes while the loop is masked: not slept through */
        template_turn(&jobs);
        turn_until(1);
        while (live() > 0 && nights < 100000) template_turn(&jobs);
        CHECK(done == i + 1);
    }
    late = true;                                     /* behind the tick, before the mask: not slept through either */
    i = nights;
    template_turn(&jobs);
    CHECK(nights == i && !late);
    turn_until(1);
    while (live() > 0 && nights < 100000) template_turn(&jobs);
    CHECK(done == 301);

    inngest_get_counters(&jobs, &c);
    CHECK(c.erases > BLOCK_COUNT && waits >= 3 * c.erases && fed > 0);
    CHECK(slept >= 300 * 90000);

    supply = false;                                  /* put off, then made up for */
    button = true;
    template_turn(&jobs);
    template_turn(&jobs);
    CHECK(live() == 0);
    supply = true;
    turn_until(1);

    restarts = 1;                                    /* a restart in the sleep; the time off counts: the RTC went on */
    rtc = 1700000000000;
    start();
    CHECK(live() == 1);
    CHECK(inngest_send(&jobs, "reset/wanted", NULL, 0) == INNGEST_OK);
    for (i = 0; i < 50 && resets == 0; i++) template_turn(&jobs);
    CHECK(resets == 1 && done < 1000);
    rtc += 3600000;
    start();
    for (i = 0; i < 50 && live() > 0; i++) template_turn(&jobs);
    CHECK(done == 1302 && live() == 0);

    for (i = 0; i < 1000 && erasing == UINT32_MAX; i++) {     /* init without close or reset, while an erase goes on */
        button = i % 4 == 0;
        template_turn(&jobs);
    }
    CHECK(erasing != UINT32_MAX && busy > 0);
    start_again();
    for (i = 0; i < 50 && live() > 0; i++) template_turn(&jobs);
    CHECK(live() == 0 && done > 1302);
    done = 1302;

    CHECK(inngest_close(&jobs) == INNGEST_OK);       /* an unreadable word at the end of the log is taken for torn */
    for (i = 0, bad_unit = 0; i < sizeof used; i++) if (used[i] && i % (BLOCK_SIZE / PROGRAM_SIZE) > 8) bad_unit = i * PROGRAM_SIZE;
    start();
    CHECK(inngest_send(&jobs, "button/pressed", NULL, 0) == INNGEST_OK);
    for (i = 0; i < 50; i++) template_turn(&jobs);
    CHECK(done == 1303 && live() == 0);
    CHECK(twice == 0 && outside == 0);
    return TEST_END();
}
