/* SPDX-License-Identifier: MIT
 * The host tool reads what the engine wrote, says the same as the engine, and survives any garbage. */
#define _POSIX_C_SOURCE 200809L
#include "../port/posix/inngest_posix.h"
#include "crc32.h"
#include "machine.h"
#include <sys/wait.h>

#define BLOCK 1024u
#define BLOCKS 6u
static char tool[512], file[512], out[1 << 20];
static int code;

static inngest_status waiting(inngest_ctx *ctx)
{
    uint8_t reading[4];
    INNGEST_STEP(ctx, "read", reading) memcpy(reading, "\1\2\3\377", 4);
    INNGEST_DO(ctx, "note") { }
    INNGEST_DO(ctx, "note") { }
    return inngest_step_sleep(ctx, "nap", INNGEST_HOURS(1));
}

static inngest_status failing(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "upload") return inngest_fail(ctx, -7, "no \"route\"\n");
    return INNGEST_OK;
}

static inngest_status after_failure(inngest_ctx *ctx)
{
    return inngest_step_sleep_until(ctx, "until", INT64_C(1798761600000));      /* 2027-01-01 */
}

static inngest_status update(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "chunks") {
        INNGEST_TRY(inngest_step_save(ctx, "\x10\x20", 2));
        return inngest_again(ctx, INNGEST_MINUTES(1));
    }
    return INNGEST_OK;
}

static inngest_status retrying(inngest_ctx *ctx)
{
    return inngest_retry(ctx, 1, "later");
}

static inngest_status quick(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "quick-step") { }
    return INNGEST_OK;
}

#define SMALL .journal_bytes = 160
static const uint32_t minutes[] = { 60 };
static const inngest_function table[] = {
    { .id = "waiting", .event = "test/waiting", .handler = waiting, SMALL },
    { .id = "failing", .event = "test/failing", .handler = failing, .on_failure = after_failure, SMALL },
    { .id = "update", .event = "test/update", .handler = update, SMALL },
    { .id = "retrying", .event = "test/retrying", .handler = retrying, .backoff = minutes, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER, SMALL },
    { .id = "quick", .event = "test/quick", .handler = quick, SMALL },
};

static void write_file(const void *data, size_t size)
{
    FILE *f = fopen(file, "wb");
    CHECK(f != NULL && fwrite(data, 1, size, f) == size);
    if (f) CHECK(fclose(f) == 0);
}

/* Run the tool; its output, errors too, and its exit code. */
static const char *run(const char *options)
{
    char command[1400];
    size_t used = 0, n;
    FILE *p;
    snprintf(command, sizeof command, "'%s' %s '%s' 2>&1", tool, options, file);
    p = popen(command, "r");
    CHECK(p != NULL);
    out[0] = 0;
    if (p == NULL) return out;
    while ((n = fread(out + used, 1, sizeof out - 1 - used, p)) > 0) used += n;
    out[used] = 0;
    n = (size_t)pclose(p);
    code = WIFEXITED((int)n) ? WEXITSTATUS((int)n) : -1;
    return out;
}

static bool says(const char *text)
{
    bool found = strstr(out, text) != NULL;
    if (!found) printf("  not said: %s\n", text);
    return found;
}

static const char *json_text(const char *s)
{
    if (s == NULL || *s++ != '"') return NULL;
    for (; *s != '"'; s++) {
        if ((unsigned char)*s < 32) return NULL;
        if (*s == '\\' && (*++s == 0 || strchr("\"\\u", *s) == NULL)) return NULL;
    }
    return s + 1;
}

/* Is it a JSON value? What follows it, or NULL. */
static const char *json(const char *s)
{
    char close = *s == '{' ? '}' : ']';
    if (*s == '"') return json_text(s);
    if (strncmp(s, "true", 4) == 0 || strncmp(s, "null", 4) == 0) return s + 4;
    if (strncmp(s, "false", 5) == 0) return s + 5;
    if (*s == '{' || *s == '[') {
        if (s[1] == close) return s + 2;
        do {
            s++;
            if (close == '}' && ((s = json_text(s)) == NULL || *s++ != ':')) return NULL;
            if ((s = json(s)) == NULL) return NULL;
        } while (*s == ',');
        return *s == close ? s + 1 : NULL;
    }
    if (*s == '-') s++;
    if (*s < '0' || *s > '9') return NULL;
    while (*s >= '0' && *s <= '9') s++;
    return s;
}

static bool is_json(void)
{
    const char *end = json(out);
    return end && strcmp(end, "\n") == 0;
}

/* As if the journal had gone round for a long time: its only block has the sequence number given. */
static void renumber(uint32_t sequence)
{
    uint8_t header[24], *at = m.chip.cells;
    unsigned i;
    while (memcmp(at, "INJ1", 4) != 0) at += BLOCK;
    memcpy(header, at, sizeof header);
    memset(m.chip.cells, 0xFF, BLOCK * BLOCKS);
    for (i = 0; i < 4; i++) header[8 + i] = (uint8_t)(sequence >> 8 * i);
    for (i = 0; i < 4; i++) header[20 + i] = (uint8_t)(crc32_of(0, header, 20) >> 8 * i);
    memcpy(m.chip.cells + sequence % BLOCKS * BLOCK, header, sizeof header);
}

static uint32_t first_sequence;                                     /* 0: as it is after a format */

static void make_image(void)
{
    const inngest_event event = { .name = "test/waiting", .data = "{\"n\":1}", .size = 7, .id = "id-7", .ts = INT64_C(1767225500000) };
    unsigned i;
    machine_open(table, 5, BLOCK, BLOCKS, 8);
    CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    if (first_sequence) {
        renumber(first_sequence);
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
    }
    CHECK(machine_run(0));
    inngest_set_wall_clock(&m.jobs, INT64_C(1767225600000), m.now);        /* 2026-01-01 */
    CHECK(inngest_send_event(&m.jobs, &event) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/failing", "\0\1", 2) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/update", NULL, 0) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/retrying", NULL, 0) == INNGEST_OK);
    CHECK(machine_run(10));
    for (i = 0; i < 60; i++) {                                      /* several laps: most records are carried */
        CHECK(inngest_send(&m.jobs, "test/quick", "abcdefghijklmnopqrstuvwxyz", 26) == INNGEST_OK);
        CHECK(machine_run(1));
    }
    CHECK(machine_counters().carried > 10 && machine_runs(NULL) == 4);
    write_file(m.chip.cells, BLOCK * BLOCKS);
}

static void reads(void)
{
    char id[64];
    inngest_run_info info;
    unsigned i;
    make_image();
    CHECK(machine_runs(&info) == 4);
    run("--function waiting --function failing --step note --step until --step nap --step chunks");
    CHECK(code == 0);
    snprintf(id, sizeof id, "run  id %016llx  function \"waiting\"", (unsigned long long)info.id);
    CHECK(says(id) && says("phase handler") && says("block_size 1024  block_count 6  program_size 8") && says("clean_stop false"));
    CHECK(says("name \"test/waiting\"  data \"{\\\"n\\\":1}\"  ts -100000 ms (2025-12-31T23:58:20.000Z)"));
    CHECK(says("state result  result hex:010203ff") && says("id \"note\"") && says("id \"note:1\""));
    CHECK(says("id \"nap\"") && says("state sleeping  until 3600000 ms (2026-01-01T01:00:00.000Z)"));
    CHECK(says("phase on_failure") && says("error  status FAIL  code -7"));
    CHECK(says("message \"no \\\"route\\\"\\u000a\"") && says("data hex:0001"));
    CHECK(says("on_failure true  state sleeping  until 31536000000 ms (2027-01-01T00:00:00.000Z)"));
    CHECK(says("state begun  progress hex:1020") && says("state retrying  attempt 1  due 60000 ms (2026-01-01T00:01:00.000Z)"));
    CHECK(says("event_id  hash") && strstr(out, "quick") == NULL && strstr(out, "damage") == NULL);
    run("--all --function quick");
    CHECK(code == 0 && says("phase ended") && says("end  status OK") && says("function \"quick\""));
    run("--records");
    CHECK(says("kind RECLAIMED") && says("flags carried") && says("state counts") && says("state garbage") && says("kind SEEN"));
    run("--json --all --records");
    CHECK(code == 0 && is_json() && says("\"unix_ms\":1798761600000,\"utc\":\"2027-01-01T00:00:00.000Z\"") && says("\"hex\":\"010203ff\""));
    for (i = 0; i < 3; i++) CHECK(machine_boot(INNGEST_RESET_CRASH) == INNGEST_OK && machine_run(1));
    CHECK(inngest_close(&m.jobs) == INNGEST_OK);
    write_file(m.chip.cells, BLOCK * BLOCKS);
    run("");
    CHECK(code == 0 && says("clean_stop true") && says("runs 4"));
    MACHINE_END();
}

/* Sequence numbers have 32 bits and no sign. */
static void late(void)
{
    static const uint32_t first[] = { 0x7FFFFFF0u, 0x7FFFFFFEu, 0x80000000u, 0x80000003u, 0xC0000000u, 0xFFFF0000u };
    unsigned i;
    for (i = 0; i < sizeof first / sizeof *first; i++) {
        first_sequence = first[i];
        make_image();
        run("--function waiting");
        CHECK(code == 0 && says("runs 4") && says("function \"waiting\""));
        MACHINE_END();
    }
    first_sequence = 0;
}

/* A dump with the journal somewhere inside; what is no journal; wrong use. */
static void finds(void)
{
    static uint8_t big[3 * BLOCK * BLOCKS];
    uint8_t *at = big + 5000;
    make_image();
    memset(big, 0x3C, sizeof big);
    memcpy(at, m.chip.cells, BLOCK * BLOCKS);
    write_file(big, sizeof big);
    run("");
    CHECK(code == 0 && says("offset 5000") && says("runs 4"));
    run("--offset 5000");
    CHECK(code == 0 && says("runs 4"));
    run("--offset 5001");
    CHECK(code == 3 && says("no journal found"));
    write_file(m.chip.cells, BLOCK * 3 + 77);                       /* cut off */
    run("--json");
    CHECK(code == 1 && is_json() == (strstr(out, "another journal") == NULL) && says("missing"));
    write_file(big, 0);
    run("");
    CHECK(code == 3);
    memcpy(big, m.chip.cells, BLOCK * BLOCKS);
    write_file(big, BLOCK * BLOCKS);
    run("--nonsense");
    CHECK(code == 2 && says("unknown option --nonsense"));
    run("--offset x");
    CHECK(code == 2);
    run("--offset");
    CHECK(code == 2 || code == 3);
    run("--help");
    CHECK(code == 0 && says("usage:"));
    run("--version");
    CHECK(code == 0 && says("inngest-dump"));
    run("/nowhere/at/all");
    CHECK(code == 2);
    remove(file);
    run("");
    CHECK(code == 2 && says("No such file"));
    MACHINE_END();
}

/* The image with a byte of each block's header changed, checksums too. */
static void write_changed(unsigned offset, uint8_t value)
{
    uint8_t *header;
    unsigned i;
    make_image();
    for (header = m.chip.cells; header < m.chip.cells + BLOCK * BLOCKS; header += BLOCK) {
        if (memcmp(header, "INJ1", 4) != 0) continue;
        header[offset] = value;
        for (i = 0; i < 4; i++) header[20 + i] = (uint8_t)(crc32_of(0, header, 20) >> (8 * i));
    }
    write_file(m.chip.cells, BLOCK * BLOCKS);
}

/* A newer major version and features that are not known are refused, a newer minor one is read. */
static void versions(void)
{
    write_changed(4, 2);
    run("");
    CHECK(code == 3 && says("version or features"));
    run("--json");
    CHECK(code == 3 && says("version or features") && strchr(out, '{') == NULL);
    write_changed(6, 0x80);
    run("");
    CHECK(code == 3 && says("version or features"));
    write_changed(5, 7);
    run("");
    CHECK(code == 0 && says("format 1.7") && says("runs 4"));
    MACHINE_END();
}

/* Erased cells that are not 0xFF, the dump from standard input, names from a file. */
static void options(void)
{
    const char *way[] = { "", "--erased 0" };
    unsigned i;
    uint32_t at, k;
    char more[700];
    make_image();
    for (at = BLOCK * BLOCKS; at > 0; at -= BLOCK)           /* what is blank behind each block's last record */
        for (k = at; k > at - BLOCK && m.chip.cells[k - 1] == 0xFF; k--) m.chip.cells[k - 1] = 0;
    write_file(m.chip.cells, BLOCK * BLOCKS);
    for (i = 0; i < 2; i++) {
        run(way[i]);
        CHECK(code == 0 && says("runs 4") && (strstr(out, "torn") == NULL) == (i == 1));
    }
    run("--erased 256");
    CHECK(code == 2 && says("not a number in range"));
    make_image();
    snprintf(more, sizeof more, "- < '%s' ; true", file);
    run(more);
    CHECK(code == 0 && says("runs 4"));
    snprintf(more, sizeof more, "--names '%s.names'", file);
    {
        char path[600];
        FILE *f;
        snprintf(path, sizeof path, "%s.names", file);
        f = fopen(path, "w");
        CHECK(f != NULL && fputs("waiting\r\nnap\n\nread", f) >= 0);
        if (f) CHECK(fclose(f) == 0);
        run(more);
        CHECK(code == 0 && says("function \"waiting\"") && says("id \"nap\"") && says("id \"read\""));
        CHECK(remove(path) == 0);
    }
    MACHINE_END();
}

/* A journal file, closed, and while the process that works on it has it open: nothing of it is changed, and no lock is
 * asked for. */
static void posix_file(void)
{
    static uint8_t before[16 * 4096], after[16 * 4096];
    static const char *const ways[] = { "", "--json --all --records" };
    inngest_posix port;
    inngest_config config;
    unsigned i;
    FILE *f;
    make_image();
    config = m.config;
    config.port = &port.port;
    (void)remove(file);
    CHECK(inngest_posix_open(&port, file, sizeof before) == 0);
    CHECK(inngest_init(&m.jobs, &config, NULL) == INNGEST_OK);
    CHECK(inngest_send(&m.jobs, "test/waiting", "1", 1) == INNGEST_OK && inngest_tick(&m.jobs, 0) > 0);
    for (i = 0; i < 4; i++) {
        f = fopen(file, "rb");
        CHECK(f != NULL && fread(before, 1, sizeof before, f) == sizeof before && fclose(f) == 0);
        run(ways[i % 2]);
        CHECK(code == 0 && (i % 2 ? is_json() : says("block_size 4096  block_count 16  program_size 1") && says("state sleeping  until 3600000 ms")));
        f = fopen(file, "rb");
        CHECK(f != NULL && fread(after, 1, sizeof after, f) == sizeof after && fclose(f) == 0 && memcmp(before, after, sizeof before) == 0);
        if (i != 1) continue;
        CHECK(inngest_close(&m.jobs) == INNGEST_OK);
        inngest_posix_close(&port);
    }
    CHECK(says("\"clean_stop\":true"));
    MACHINE_END();
}

static uint32_t seed = 1;
static uint32_t dice(uint32_t n) { seed = seed * 1664525u + 1013904223u; return (seed >> 8) % n; }

/* One record damaged in the middle of the log is told; flips, junk and cuts never crash the tool or break its JSON. */
static void garbage(void)
{
    static uint8_t copy[BLOCK * BLOCKS];
    unsigned i, k, told = 0;
    make_image();
    for (i = 0; i < 150; i++) {
        uint32_t size = BLOCK * BLOCKS, n = 1 + dice(i % 3 == 0 ? 1 : 40), at, length;
        memcpy(copy, m.chip.cells, size);
        for (k = 0; k < n; k++) copy[dice(size)] ^= (uint8_t)(1u << dice(8));
        if (i % 5 == 1) for (at = dice(size), length = dice(600); at < size && length > 0; at++, length--) copy[at] = (uint8_t)dice(256);
        if (i % 7 == 2) size = dice(size);
        write_file(copy, size);
        run(i % 2 ? "--json --all --records" : "--all --json");
        CHECK(code == 0 || code == 1 || code == 3);
        if (code != 3 && strncmp(out, "inngest-dump", 12) != 0) CHECK(is_json());
        told += code == 1;
    }
    CHECK(told > 75);
    MACHINE_END();
}

int main(int argc, char **argv)
{
    char *slash = strrchr(argv[0], '/');
    int n = slash ? (int)(slash - argv[0] + 1) : 0;
    (void)argc;
    snprintf(tool, sizeof tool, "%.*sinngest-dump", n, argv[0]);
    snprintf(file, sizeof file, "%.*sdump.img", n, argv[0]);
    reads();
    late();
    finds();
    versions();
    options();
    posix_file();
    garbage();
    return TEST_END();
}
