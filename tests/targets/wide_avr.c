/* SPDX-License-Identifier: MIT
 * What is larger than 65,535 where an int has 16 bits: blocks, journals, reservations, tables of runs, texts. The library's source is
 * part of it. tests/targets/avr.sh judges what it says: nothing but "over". */
#include "../../inngest.c"
#include <avr/io.h>
#include <avr/sleep.h>

static void print(const char *text)
{
    for (; *text; text++) {
        while (!(UCSR0A & 1 << UDRE0)) { }
        UDR0 = (uint8_t)*text;
    }
}
static void check(bool holds, const char *what) { if (!holds) print(what); }

static uint32_t looked_at, looked_to;
static int no_read(void *context, uint32_t address, void *data, uint32_t size) { (void)context; (void)address; (void)data; (void)size; return -1; }
static int no_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    (void)context; (void)address; (void)data; (void)size;
    return -1;
}
static int no_erase(void *context, uint32_t address) { (void)context; (void)address; return -1; }
static bool looks(void *context, uint32_t address, uint32_t size)
{
    (void)context;
    if (looked_to == 0) {
        looked_at = address;
        looked_to = address + size;
    }
    return true;
}

static inngest_status job(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }
static const inngest_function functions[] = { { .id = "job", .event = "go", .handler = job, .journal_bytes = 65500 } };
static inngest_port port = { .read = no_read, .program = no_program, .erase = no_erase, .is_blank = looks, .program_size = 4 };
static inngest_config config = { .functions = functions, .function_count = 1, .port = &port, .seed = 1 };
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(2, 2) / 8 + 1];
static char text[8192];

static inngest_status start(uint32_t runs, uint32_t block_size)
{
    config.memory = memory;
    config.memory_size = sizeof memory;
    config.runs = runs;
    config.events = 2;
    port.block_size = block_size;
    port.block_count = 8;
    return inngest_init(&jobs, &config, NULL);
}

int main(void)
{
    uint32_t most = 65536 / (INNGEST_MEMORY(8, 0) / 8) + 1;
    UCSR0B = 1 << TXEN0;
    check(start(most, 512) == INNGEST_ERR_MEMORY, "more runs than memory\n");
    check(start(2, 262144) == INNGEST_ERR_ERASE, "the storage cannot be erased\n");
    check(reservation(&jobs, 0, 300) > 65800, "a large reservation\n");
    jobs.last_block = 15;
    check(offset_of(&jobs, position_at(&jobs, 9, 262140)) == 262140 && block_of(&jobs, position_at(&jobs, 9, 262140)) == 9, "a position\n");
    looked_to = 0;
    check(is_end(&jobs, 9, 140004) && looked_at == 262144 + 140004, "far in a block\n");
    check(looked_to > looked_at && looked_to <= looked_at + LIST_GRID, "so many bytes of it\n");
    set_window(&jobs);
    check(jobs.window == 3, "the window\n");
    jobs.tail_block = 8;
    jobs.head_block = 11;
    jobs.head_offset = jobs.head_end = 4096;
    check(jobs.sparse && list_bytes(&jobs) == 12, "a list\n");
    check(inngest_json_string("\"x\"", 3, "", text, sizeof text) == INNGEST_OK && text[0] == 'x', "room for a long text\n");
    print("over\n");
    sleep_enable();
    sleep_cpu();                               /* simavr ends here */
    return 0;
}
