/* SPDX-License-Identifier: MIT
 * Promise 4: rot and foreign data are detected, reported, never acted on. Every bit of a journal with live runs is
 * flipped, one at a time; bytes as long as a record are blanked; then images are damaged at random. The mount is refused only if no block header is left; a
 * finished step runs again only where that is reported; what is damaged in one place costs the runs of one event, and
 * all others come to their end. argv: how many random images; the first one's seed; 1: all bits of the first image, else every nth.
 *
 * The oracle knows effects alone. A bit that flips is damage in one place: but for one event (its runs lost, parked or
 * run again, and reported) all must be as if nothing had happened. Random damage may hit many: there whatever is not as
 * it should be must come with a report: a counter of the mount, or a parked run. */
#include "crc32.h"
#include "world.h"

static flash chip;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(16, 16) / 8 + 1];
static uint32_t now;

/* What was reported since the image was mounted. */
static struct { unsigned torn, damaged, lost, parked, refused; } reports;
static bool parked[WORLD_EVENTS];
static unsigned boot_reports, silent;     /* of this boot; steps run again in a boot that reported nothing */

static inngest_status boot(void)
{
    inngest_config c;
    inngest_counters n;
    inngest_status status;
    memset(&c, 0, sizeof c);
    c.functions = world_table;
    c.function_count = WORLD_FUNCTIONS;
    c.port = &chip.port;
    c.hooks = &world_hooks;
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = 16;
    c.events = 16;
    c.seed = 42;
    c.reset = INNGEST_RESET_POWER_ON;
    memset(&jobs, 0xA5, sizeof jobs);
    memset(world_pending, 0, sizeof world_pending);
    status = inngest_init(&jobs, &c, NULL);
    inngest_get_counters(&jobs, &n);
    reports.torn += n.torn;
    reports.damaged += n.damaged;
    reports.lost += n.lost_runs;
    boot_reports = n.torn + n.damaged + n.lost_runs;
    reports.refused += status != INNGEST_OK;
    return status;
}

static void send(unsigned which, unsigned kind)
{
    char id[2] = "a";
    uint8_t data = (uint8_t)which;
    inngest_event event = { NULL, NULL, 1, NULL, 0 };
    event.name = world_names[kind];
    event.data = &data;
    id[0] = (char)('a' + which);
    event.id = which < 6 ? id : NULL;
    world.kind[which] = (uint8_t)kind;
    CHECK(inngest_send_event(&jobs, &event) == INNGEST_OK);
    if (inngest_flush(&jobs) == INNGEST_OK) world.ledger[which].sent = true;
}

static void ticks(unsigned n)
{
    while (n--) {
        world_answer(&jobs);
        (void)inngest_tick(&jobs, now);
        now += 5000;
    }
}

static void churn(unsigned n)
{
    unsigned i;
    for (i = 0; i < n; i++) inngest_set_wall_clock(&jobs, 1700000000000 + (i % 2) * 100000 + now, now);
}

/* Note which runs are parked for damage, and how many. */
static void look(void)
{
    uint32_t cursor = 0;
    inngest_run_info info;
    unsigned i;
    while (inngest_next_run(&jobs, &cursor, &info)) {
        if (info.wait != INNGEST_WAIT_DAMAGE && info.wait != INNGEST_WAIT_FUNCTION && info.wait != INNGEST_WAIT_MEMO) continue;
        reports.parked++;
        for (i = 0; i < WORLD_EVENTS; i++) if (world_run[i] == info.id) parked[i] = true;
    }
}

/* What is not blank now must not be programmed again, all else may be. */
static void mark_used(void)
{
    uint32_t g = chip.port.program_size, at, total = chip.port.block_size * chip.port.block_count;
    memset(chip.units, 0, total / g);
    for (at = 0; at < total; at++) if (chip.cells[at] != 0xFF) chip.units[at / g] = 1;
}

typedef struct image { uint8_t *cells; world_state world; uint32_t bytes, now; uint64_t run[WORLD_EVENTS]; } image;

static void save(image *to)
{
    to->bytes = chip.port.block_size * chip.port.block_count;
    to->cells = malloc(to->bytes);
    memcpy(to->cells, chip.cells, to->bytes);
    memcpy(to->run, world_run, sizeof world_run);
    to->world = world;
    to->now = now;
}

static void load(const image *from)
{
    memcpy(chip.cells, from->cells, from->bytes);
    mark_used();
    memcpy(world_run, from->run, sizeof world_run);
    chip.violations = 0;
    world = from->world;
    now = from->now;
    memset(&reports, 0, sizeof reports);
    silent = 0;
    memset(parked, 0, sizeof parked);
}

/* A journal with runs of many kinds in the middle of their life: asleep, with memos, waiting, in a group, failing. */
static const uint8_t cast[] = { PLAIN, FAN, BRANCHES, FAILING, SENDER, WAITER, ONCE, PLAIN, SAVER };
#define EVENTS (sizeof cast)
static void make_image(image *to, uint32_t block, uint32_t blocks, uint16_t g, unsigned filler, unsigned age, bool clean, bool late)
{
    unsigned i;
    flash_close(&chip);
    CHECK(flash_open(&chip, block, blocks, g, 1));
    now = 0;
    world_reset();
    CHECK(boot() == INNGEST_OK);
    inngest_set_wall_clock(&jobs, 1700000000000, now);
    for (i = 0; i < EVENTS; i++) {
        send(i, cast[i]);
        if (i % 3 == 0 && !late) (void)inngest_tick(&jobs, now);
        if (i == EVENTS / 2) churn(filler);
    }
    for (i = 0; i < age; i++) (void)inngest_tick(&jobs, now += 1000);
    churn(late ? 180 : filler / 2);       /* late: starts have been carried, what came after them has not */
    if (clean) CHECK(inngest_close(&jobs) == INNGEST_OK);
    for (i = 0; i < EVENTS; i++) CHECK(world.ledger[i].sent);
    CHECK(world_is_right());
    save(to);
}

/* Mount, live on long enough for all to end and for every block to be reclaimed, mount again, live on. */
static bool live_on(void)
{
    unsigned round;
    if (boot() != INNGEST_OK) return false;
    for (round = 0; round < 2; round++) {
        unsigned before = world.reruns, stopped = reports.parked;
        look();
        ticks(6);
        look();
        if (round == 0) churn(chip.port.block_size * chip.port.block_count / 24 + 20);
        ticks(round ? 12 : 26);
        look();
        if (world.reruns > before && boot_reports == 0 && reports.parked == stopped) silent++;
        if (inngest_close(&jobs) != INNGEST_OK) reports.refused++;
        if (round == 0 && boot() != INNGEST_OK) return false;
    }
    return true;
}

static unsigned long images, with_loss, refused;

/* Events that did not come out as they would have without the damage. */
static unsigned unlike(void)
{
    unsigned i, n = 0;
    for (i = 0; i < EVENTS; i++) n += !world_fulfilled(i);
    return n;
}

static bool any_report(void) { return reports.torn || reports.damaged || reports.lost || reports.parked; }

static bool judge(bool one_place)
{
    bool mounted = live_on(), good;
    unsigned lost = unlike();
    images++;
    with_loss += lost > 0;
    good = mounted && chip.violations == 0 && world.phantom == 0;
    if (lost || world.reruns || world.wrong) good = good && any_report();      /* nothing in silence */
    if (one_place) good = good && lost <= 1 && silent == 0;
    CHECK(mounted);
    CHECK(chip.violations == 0);
    CHECK(world.phantom == 0);
    if (one_place) CHECK(lost <= 1 && silent == 0);
    CHECK(any_report() || (lost == 0 && world.reruns == 0 && world.wrong == 0));
    return good;
}

static void tell(const char *what, unsigned a, unsigned b)
{
    unsigned i;
    printf("  %s %u %u: torn %u damaged %u lost %u parked %u; reruns %u wrong %u; unlike:", what, a, b, reports.torn, reports.damaged,
           reports.lost, reports.parked, world.reruns, world.wrong);
    for (i = 0; i < EVENTS; i++) if (!world_fulfilled(i)) printf(" %s(%u)%s", world_names[world.kind[i]], i, parked[i] ? " parked" : "");
    printf("\n");
}

/* Bits of what was programmed, and some of what is blank. */
static void every_bit(const image *from, unsigned step)
{
    uint32_t bit;
    for (bit = 0; bit < from->bytes * 8 && test_failed < 12; bit += step) {
        if (from->cells[bit / 8] == 0xFF && bit % 211) continue;
        load(from);
        chip.cells[bit / 8] ^= (uint8_t)(1u << bit % 8);
        chip.units[bit / 8 / chip.port.program_size] = 1;
        if (!judge(true)) tell("bit", bit / 8, bit % 8);
    }
}

static uint32_t seed = 1;
static uint32_t below(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % n;
}

static bool has_header(uint32_t block)
{
    const uint8_t *b = chip.cells + block * chip.port.block_size;
    uint32_t crc = crc32_of(0, b, 20), place = (uint32_t)b[8] | (uint32_t)b[9] << 8 | (uint32_t)b[10] << 16 | (uint32_t)b[11] << 24;
    return memcmp(b, "INJ1", 4) == 0 && b[20] == (crc & 255) && b[21] == (crc >> 8 & 255) && b[22] == (crc >> 16 & 255) && b[23] == crc >> 24 &&
           place % chip.port.block_count == block;
}

/* The last byte that is not blank in front of `end`, in its block. */
static uint32_t last_used(uint32_t end, uint32_t bytes)
{
    uint32_t block = end / bytes * bytes, at = block + bytes;
    while (at > block && chip.cells[at - 1] == 0xFF) at--;
    return at;
}

/* So much behind records that read as blank may be left without a sign: of what is far behind the end a mount looks at a unit each
 * 64 bytes, and in large blocks more than 4 KiB behind it at one each 512. */
static uint32_t too_little(uint32_t blank) { return blank > 3500 ? 512 + 64 : blank > 250 ? 64 + 4 : 0; }

/* Damage the image. False: in a way that looks as if the newest records had never been written. */
static bool damage(void)
{
    uint32_t bytes = chip.port.block_size, total = bytes * chip.port.block_count, from = below(total), size = 1 + below(below(4) ? 64 : 2 * bytes), i;
    uint32_t a = below(chip.port.block_count), b = below(chip.port.block_count);
    unsigned how = below(7);
    bool told = true;
    if (size > total - from) size = total - from;
    switch (how) {
    case 0: memset(chip.cells + from, 0, size); break;
    case 1:
        for (i = 0; i < size; i++) chip.cells[from + i] = (uint8_t)below(256);
        break;
    case 2: case 3:                          /* blank; the rest of the storage, as a file that was cut and preallocated anew */
        if (how == 3) size = total - from;
        for (i = from; i < from + size; i = (i / bytes + 1) * bytes) {
            uint32_t used = last_used(i, bytes), stop = (i / bytes + 1) * bytes;
            if (stop > from + size) stop = from + size;
            if (used > i && used <= stop + too_little(stop - i)) told = false;
        }
        memset(chip.cells + from, 0xFF, size);
        break;
    case 4:                                  /* two blocks change places */
        for (i = 0; i < bytes; i++) {
            uint8_t byte = chip.cells[a * bytes + i];
            chip.cells[a * bytes + i] = chip.cells[b * bytes + i];
            chip.cells[b * bytes + i] = byte;
        }
        break;
    case 5:                                  /* one is copied over another */
        memmove(chip.cells + a * bytes, chip.cells + b * bytes, bytes);
        break;
    default:                                 /* the rest is gone, and reads as zeros */
        memset(chip.cells + from, 0, total - from);
        break;
    }
    return told;
}

/* Bytes as long as a record, or as several, read as blank, and what follows in the block stays. */
static void blanks(const image *from, unsigned n, uint32_t words)
{
    uint32_t bytes = chip.port.block_size, at, size, used;
    while (n > 0 && test_failed < 12) {
        load(from);
        at = below(from->bytes / 4) * 4;
        size = 12 + 4 * below(below(4) ? 8 : words);
        used = last_used(at, bytes);
        if (chip.cells[at] == 0xFF || at % bytes < 32 || at + size + too_little(size) >= used) continue;
        memset(chip.cells + at, 0xFF, size);
        mark_used();
        if (!judge(false) || silent) tell("blank", at, size);      /* it can be part of two records */
        CHECK(silent == 0);
        n--;
    }
}

static void random_damage(const image *from, uint32_t this_seed)
{
    unsigned n, headers = 0;
    bool told = true, mounted;
    uint32_t i;
    load(from);
    seed = this_seed * 2654435761u + 1;
    for (n = 1 + below(3); n > 0; n--) told = damage() && told;
    mark_used();
    for (i = 0; i < chip.port.block_count; i++) headers += has_header(i);
    mounted = live_on();
    images++;
    refused += !mounted;
    with_loss += unlike() > 0;
    n = (unsigned)test_failed;
    CHECK(mounted || headers == 0);
    CHECK(chip.violations == 0);
    CHECK(world.phantom == 0);
    if (mounted && headers > 0 && told) CHECK(silent == 0 && (any_report() || (unlike() == 0 && world.reruns == 0 && world.wrong == 0)));
    if (test_failed != n) tell("seed", this_seed, headers);
}

int main(int argc, char **argv)
{
    static const struct { uint32_t block, blocks; uint16_t g; unsigned filler, age; bool clean, late; } made[] = {
        { 1024, 8, 4, 10, 12, false, false }, { 1024, 8, 1, 200, 25, true, false }, { 2048, 5, 8, 90, 2, false, false },
        { 4096, 3, 16, 300, 12, false, false }, { 2048, 6, 32, 40, 110, true, false }, { 8192, 2, 2, 500, 30, false, false },
        { 2048, 6, 4, 120, 3, false, true } };
    unsigned long n, count = argc > 1 ? strtoul(argv[1], NULL, 0) : 2000, first = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    unsigned long stride = argc > 3 ? strtoul(argv[3], NULL, 0) : 7;
    unsigned i;
    for (i = 0; i < sizeof made / sizeof *made; i++) {
        image from;
        make_image(&from, made[i].block, made[i].blocks, made[i].g, made[i].filler, made[i].age, made[i].clean, made[i].late);
        load(&from);
        CHECK(live_on() && unlike() == 0 && world_is_right() && !any_report());
        if (test_failed) { tell("undamaged image", i, 0); break; }
        every_bit(&from, i == 0 ? (unsigned)stride : (made[i].late ? 17 : 101) * (stride > 7 ? 7 : 1));   /* prime to 8: all bits of a byte have their turn */
        if (made[i].g <= 4) blanks(&from, count / 4, 200);      /* in larger units a record can be as small as what a boot leaves blank */
        for (n = i; n < count && test_failed < 12; n += sizeof made / sizeof *made) random_damage(&from, (uint32_t)(first + n));
        /* Erased blocks copied over all others: they once passed for a fresh journal. */
        if (i == 0) { random_damage(&from, 37864); random_damage(&from, 62552); }
        if (i == 3) random_damage(&from, 1795617030);
        if (i == 4) random_damage(&from, 3916);            /* records of the newest block read as blank, and not those behind them */
        if (i == 4) random_damage(&from, 130097);          /* nothing is whole, and the erased blocks' headers are the only ones */
        free(from.cells);
    }
    {
        image from;                                            /* the newest block of two is half full */
        make_image(&from, 32768, 3, 4, 400, 60, false, false);
        blanks(&from, count / 16, 4000);
        free(from.cells);
    }
    flash_close(&chip);
    printf("%lu damaged images, %lu with a loss, %lu without a header; seed %lu\n", images, with_loss, refused, first);
    return TEST_END();
}
