/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the inngest-c authors
 *
 * inngest-dump - print what a journal holds: a file of the POSIX port, or a dump of a device's flash. Reads only.
 * One C99 file for the host, written from port/JOURNAL.md and without the engine's code, as a second reader of the
 * format. Nothing in the journal is trusted: each length, link and number is checked where it is used.
 *
 *   1  Options, bytes, hashes
 *   2  Output: one path for text and JSON
 *   3  Finding the journal, reading its records
 *   4  Runs from records
 *   5  Printing */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- 1 Options, bytes, hashes ------------------------------------------------------------------------------------ */

enum { EXIT_DAMAGED = 1, EXIT_USAGE = 2, EXIT_NO_JOURNAL = 3 };
enum { START = 1, END, PHASE, RESULT, FAILED, ATTEMPT, INTENT, SLEEP, DONE, CHOICE, SAVE, CRASH, TIME, SEEN, RECLAIMED };
enum { CARRIED = 0x10, MORE = 0x20, WIDE = 0x40, FLAG = 0x80 };
#define LARGEST_PAYLOAD 4352u
#define HEADER 24u                     /* of a block; padded to the unit */
#define STATUS_CANCELLED (-260)
#define STATUS_DAMAGED (-380)

static struct { bool json, all, records, offset_given; uint64_t offset; uint8_t erased; const char *path; } option;
static char **names;
static size_t name_count;

static void *grow(void *old, size_t count, size_t size)            /* room for one more: doubles at powers of two */
{
    if (count & (count - 1)) return old;
    old = realloc(old, (count ? count * 2 : 1) * size);
    if (old == NULL) { fprintf(stderr, "inngest-dump: out of memory\n"); exit(EXIT_USAGE); }
    return old;
}

static uint64_t get(const uint8_t *from, unsigned bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0) value = value << 8 | from[bytes];
    return value;
}

static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t size)
{
    static uint32_t table[256];
    uint32_t i, k, c;
    if (table[1] == 0) {
        for (i = 0; i < 256; i++) {
            for (c = i, k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0xEDB88320u : c >> 1;
            table[i] = c;
        }
    }
    for (crc = ~crc; size > 0; size--) crc = crc >> 8 ^ table[(crc ^ *data++) & 255];
    return ~crc;
}

static uint32_t hash(const char *text)                             /* FNV-1a */
{
    uint32_t h = 2166136261u;
    while (*text) h = (h ^ (uint8_t)*text++) * 16777619u;
    return h;
}

/* ---- 2 Output: one path for text and JSON --------------------------------------------------------------------------
 *
 * Text is the same tree: each object a line, indented by depth, that begins with its label; fields follow on it. */

static unsigned depth, objects;
static bool fresh = true;                                          /* nothing in this JSON object or array yet */

static bool printable(const uint8_t *s, size_t size)               /* UTF-8 without control characters */
{
    size_t i, k, n;
    for (i = 0; i < size; i += n) {
        uint32_t c = s[i], least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        n = c < 0x80 ? 1 : (c & 0xE0) == 0xC0 ? 2 : (c & 0xF0) == 0xE0 ? 3 : (c & 0xF8) == 0xF0 ? 4 : 0;
        if (n == 0 || n > size - i || c < 32 || c == 127) return false;
        for (c = n > 1 ? c & (0x7Fu >> n) : c, k = 1; k < n; k++) {
            if ((s[i + k] & 0xC0) != 0x80) return false;
            c = c << 6 | (s[i + k] & 0x3Fu);
        }
        if ((n > 1 && (c < least[n] || c < 0xA0)) || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return false;
    }
    return true;
}

static void quoted(const uint8_t *s, size_t size)
{
    bool whole = printable(s, size);
    putchar('"');
    for (; size > 0; s++, size--) {
        if (*s == '"' || *s == '\\') printf("\\%c", *s);
        else if (*s >= 32 && *s < 127) putchar(*s);
        else if (*s >= 128 && whole) putchar(*s);
        else printf("\\u%04x", *s);
    }
    putchar('"');
}

static void key(const char *name)
{
    if (!option.json) printf("  %s ", name);
    else printf("%s\"%s\":", fresh ? "" : ",", name);
    fresh = false;
}

static void open_object(const char *label)
{
    if (option.json) printf("%s{", fresh ? "" : ",");
    else { if (objects++) putchar('\n'); printf("%*s%s", (int)(2 * depth), "", label); }
    depth++;
    fresh = true;
}

static void close_object(void) { if (option.json) putchar('}'); depth--; fresh = false; }
static void open_member(const char *name) { if (option.json) { key(name); fresh = true; } open_object(name); }

static void open_array(const char *name)
{
    if (!option.json) return;
    key(name);
    putchar('[');
    fresh = true;
}

static void close_array(void) { if (option.json) putchar(']'); fresh = false; }
static void put_number(const char *name, int64_t value) { key(name); printf("%" PRId64, value); }
static void put_bool(const char *name, bool value) { key(name); fputs(value ? "true" : "false", stdout); }

static void put_word(const char *name, const char *word)           /* words of our own: text shows them without quotes */
{
    key(name);
    if (option.json) quoted((const uint8_t *)word, strlen(word));
    else fputs(word, stdout);
}

static void put_hash(const char *name, uint64_t value, int digits)
{
    char text[24];
    snprintf(text, sizeof text, "%s%0*" PRIx64, digits == 16 ? "" : "0x", digits, value);
    put_word(name, text);
}

static void put_text(const char *name, const uint8_t *s, size_t size) { key(name); quoted(s, size); }

static void put_bytes(const char *name, const uint8_t *s, size_t size)
{
    bool text = printable(s, size);
    size_t i;
    key(name);
    if (!option.json && text) { quoted(s, size); return; }
    if (option.json) printf("{\"size\":%lu,\"hex\":\"", (unsigned long)size);
    else fputs("hex:", stdout);
    for (i = 0; i < size; i++) printf("%02x", s[i]);
    if (!option.json) return;
    putchar('"');
    if (text) { fputs(",\"text\":", stdout); quoted(s, size); }
    putchar('}');
}

static void utc(int64_t unix_ms, char out[40])                     /* ISO 8601; days to a date in the proleptic calendar */
{
    int64_t days = unix_ms / 86400000, ms = unix_ms % 86400000, era, year;
    int day, month;
    if (ms < 0) { ms += 86400000; days--; }
    days += 719468;
    era = days / 146097;
    day = (int)(days - era * 146097);
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= (int)(365 * year + year / 4 - year / 100);
    month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5 - 1;
    month = month < 10 ? month + 3 : month - 9;
    snprintf(out, 40, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d.%03dZ", year + era * 400 + (month <= 2), month, day,
             (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
}

/* ---- 3 Finding the journal, reading its records -------------------------------------------------------------------- */

typedef struct journal {
    uint64_t base;
    uint32_t block_size, block_count, unit, first, format, blocks; /* blocks: headers that verify */
    uint32_t oldest, tail, head, last;                             /* sequence numbers */
    uint8_t program_shift, minor;
} journal;

typedef struct record {
    const uint8_t *payload;
    uint32_t place;                    /* in units from the oldest block on: ascending, unlike a position */
    uint32_t block, offset, run, step, link, size;
    uint8_t kind, flags, header;
    bool whole;                        /* its group is, and nothing says that it is void */
    bool later;                        /* what is in front of it was not synced when it was written */
    bool behind_gap;
    bool counts;
} record;

typedef struct damage { uint32_t block, offset, size; const char *what; } damage;

static const uint8_t *image;
static uint64_t image_size;
static journal j;
static record *records;
static bool trace;                     /* a boot left its trace behind the newest record */
static size_t record_count;
static damage *damages;
static size_t damage_count;

static void *read_all(const char *path, uint64_t *size)
{
    FILE *f;
    uint8_t *data = NULL;
    size_t used = 0, room = 0, n = 1;
    errno = 0;
    f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    while (f && n > 0 && !ferror(f)) {
        if (used == room) {
            room = room ? room * 2 : 65536;
            data = room > used ? realloc(data, room) : NULL;
            if (data == NULL) { errno = ENOMEM; break; }
        }
        n = fread(data + used, 1, room - used, f);
        used += n;
    }
    if (f == NULL || data == NULL || ferror(f)) {
        fprintf(stderr, "inngest-dump: %s: %s\n", path, strerror(errno ? errno : EIO));
        exit(EXIT_USAGE);
    }
    if (f != stdin) fclose(f);
    *size = used;
    return data;
}

/* A block header that verifies, as the journal it belongs to. *refused: of a version or with features unknown here. */
static bool read_header(uint64_t at, journal *found, uint32_t *sequence, bool *refused)
{
    const uint8_t *h = image + at;
    memset(found, 0, sizeof *found);
    if (image_size < HEADER || at > image_size - HEADER || memcmp(h, "INJ1", 4) != 0 || get(h + 20, 4) != crc32(0, h, 20)) return false;
    *sequence = (uint32_t)get(h + 8, 4);
    found->minor = h[5];
    found->program_shift = h[7] & 7;
    found->format = (uint32_t)get(h + 12, 4);
    found->block_size = 1u << (h[7] >> 3);
    found->block_count = (uint32_t)get(h + 16, 2);
    if ((*refused = h[4] != 1 || h[6] != 0)) return true;
    if (found->program_shift > 5 || found->block_size < 512 || found->block_size > 262144 || found->block_count < 2) return false;
    found->unit = found->program_shift < 2 ? 4 : 1u << found->program_shift;
    found->first = (HEADER + found->unit - 1) / found->unit * found->unit;
    found->base = at - (uint64_t)(*sequence % found->block_count) * found->block_size;
    return found->base <= at;
}

/* The journal with most block headers, or the one at the offset given. */
static int find_journal(void)
{
    journal *found = NULL, one;
    size_t count = 0, i, best = 0;
    uint64_t at;
    uint32_t sequence;
    bool refused = false, any_refused = false;
    for (at = 0; at + HEADER <= image_size; at++) {
        const uint8_t *next = memchr(image + at, 'I', (size_t)(image_size - at - HEADER + 1));
        if (next == NULL) break;
        at = (uint64_t)(next - image);
        if (!read_header(at, &one, &sequence, &refused)) continue;
        if (refused) { any_refused = true; continue; }
        if (option.offset_given && one.base != option.offset) continue;
        for (i = 0; i < count; i++)
            if (found[i].base == one.base && found[i].block_size == one.block_size && found[i].block_count == one.block_count &&
                found[i].program_shift == one.program_shift) break;
        if (i == count) {
            found = grow(found, count, sizeof *found);
            one.last = sequence;
            found[count++] = one;
        } else if ((int32_t)(sequence - found[i].last) > 0) {
            found[i].last = sequence;
            found[i].format = one.format;
            found[i].minor = one.minor;
        }
        found[i].blocks++;
        if (found[i].blocks > found[best].blocks) best = i;
    }
    if (count == 0) {
        fprintf(stderr, any_refused ? "inngest-dump: %s: the journal has a version or features that this tool (format 1) does not know\n"
                                    : "inngest-dump: %s: no journal found\n", option.path);
        free(found);
        return EXIT_NO_JOURNAL;
    }
    for (i = 0; i < count; i++)
        if (i != best) fprintf(stderr, "inngest-dump: another journal: --offset %" PRIu64 "\n", found[i].base);
    j = found[best];
    free(found);
    j.oldest = j.last >= 2 * j.block_count - 1 ? j.last + 1 - j.block_count : j.block_count;      /* the first one ever is block_count */
    return 0;
}

/* The bytes of a block that the image holds. */
static const uint8_t *block_bytes(uint32_t block, uint32_t *size)
{
    uint64_t at = j.base + (uint64_t)(block % j.block_count) * j.block_size;
    *size = at >= image_size ? 0 : image_size - at < j.block_size ? (uint32_t)(image_size - at) : j.block_size;
    return image + (*size ? at : 0);
}

static bool read_record(uint32_t block, uint32_t offset, record *r)
{
    uint32_t size, crc;
    const uint8_t *b = block_bytes(block, &size);
    uint8_t seed[8];
    uint64_t position = (uint64_t)block * (j.block_size / j.unit) + offset / j.unit;
    if (offset < j.first || offset > size || size - offset < 12) return false;
    b += offset;
    size -= offset;
    memset(r, 0, sizeof *r);
    r->header = b[4] & WIDE ? 16 : 12;
    if (size < r->header) return false;
    r->block = block;
    r->offset = offset;
    r->place = (block - j.oldest) * (j.block_size / j.unit) + offset / j.unit;
    r->kind = b[4] & 0x0F;
    r->flags = b[4] & 0xF0;
    r->size = b[5];
    r->run = (uint32_t)get(b + 6, 2);
    r->step = (uint32_t)get(b + 8, 3);
    r->link = b[11];
    if (r->header == 16) {
        r->link |= (uint32_t)get(b + 12, 2) << 8;
        r->run |= (uint32_t)b[14] << 16;
        r->size |= (uint32_t)b[15] << 8;
    }
    r->payload = b + r->header;
    if (r->size > LARGEST_PAYLOAD || r->size > size - r->header) return false;
    for (crc = 0; crc < 4; crc++) {
        seed[crc] = (uint8_t)(j.format >> 8 * crc);
        seed[4 + crc] = (uint8_t)(position >> 8 * crc);
    }
    crc = crc32(crc32(0, seed, sizeof seed), b + 4, r->header - 4u + r->size);
    r->later = crc != get(b, 4);
    return !r->later || (crc ^ 0xA5A5A5A5u) == get(b, 4);
}

/* A number in the payload; what lies behind its end reads as 0. */
static uint64_t field(const record *r, uint32_t at, unsigned bytes)
{
    uint8_t b[8] = { 0 };
    if (at < r->size) memcpy(b, r->payload + at, bytes < r->size - at ? bytes : r->size - at);
    return get(b, bytes);
}

static bool blank(const uint8_t *b, uint32_t size)
{
    while (size > 0) if (b[--size] != option.erased) return false;
    return true;
}

static void note_damage(uint32_t block, uint32_t offset, uint32_t size, const char *what)
{
    damages = grow(damages, damage_count, sizeof *damages);
    damages[damage_count].block = block;
    damages[damage_count].offset = offset;
    damages[damage_count].size = size;
    damages[damage_count++].what = what;
}

/* The first program of a boot: a unit of a fixed pattern, with at most one left alone in front of it. */
static bool is_filler(const uint8_t *b, uint32_t size)
{
    uint32_t i;
    for (i = 0; i < j.unit && i < size && b[i] == 0xA5; i++) { }
    return i == j.unit;
}

/* Take up the records of a block. False: nothing was ever written to it. */
static bool scan_block(uint32_t block)
{
    uint32_t size, offset = j.first, bad = 0, bad_end = 0, gap = j.first;
    const uint8_t *b = block_bytes(block, &size);
    size_t first = record_count, i, k;
    bool in_group = false;
    if (size < j.block_size) note_damage(block, size, j.block_size - size, "missing");
    while (offset + 12 <= size) {
        record r;
        if (!read_record(block, offset, &r)) {
            if (is_filler(b + offset, size - offset)) {
                if (bad && offset - bad <= j.unit) bad = 0;
                if (offset - gap <= j.unit) gap = offset + j.unit;
                trace = true;
            } else if (!blank(b + offset, j.unit < size - offset ? j.unit : size - offset)) {
                if (bad == 0) bad = offset;
                bad_end = offset + j.unit;
            }
            offset += j.unit;
            continue;
        }
        if (bad) note_damage(block, bad, bad_end - bad, "damaged");
        bad = 0;
        trace = false;
        r.behind_gap = offset != gap;
        gap = offset += (r.header + r.size + j.unit - 1) / j.unit * j.unit;
        records = grow(records, record_count, sizeof *records);
        records[record_count++] = r;
    }
    if (bad) note_damage(block, bad, bad_end - bad, "torn");
    for (i = first; i < record_count; i++) {                       /* a group ends right behind itself, in this block */
        record *r = &records[i];
        uint32_t end = 0;
        if (!in_group) {
            r->whole = true;
            for (k = i; r->whole && (records[k].flags & MORE); k++) {
                end = records[k].offset + (records[k].header + records[k].size + j.unit - 1) / j.unit * j.unit;
                r->whole = k + 1 < record_count && records[k + 1].offset == end;
            }
        } else r->whole = true;
        in_group = r->whole && (r->flags & MORE);
    }
    return record_count > first || (size > j.first && !blank(b + j.first, size - j.first));
}

/* ---- 4 Runs from records --------------------------------------------------------------------------------------------- */

typedef struct step { uint32_t step, first; bool failing, own; const record *newest, *save; uint32_t attempts; } step;

typedef struct run {
    uint32_t number;                   /* low 24 bits, all of it once its START is known */
    const record *start, *end, *phase, *crash, *last;
    step *steps;
    size_t step_count;
    bool broken;                       /* its chain leads to damage */
} run;

static run *runs;                      /* live ones and ended ones, as they came */
static size_t run_count, live_count, *live;
static const record *stamp, *wall_stamp, *newest, **seen;
static size_t seen_count;
static int64_t now_ms;
static uint32_t next_run = 1;

static uint32_t start_number(const record *start) { return (start->run & 0xFFFF) | (uint32_t)field(start, 0, 2) << 16; }

static run *live_run(uint32_t number, size_t *at)
{
    for (*at = 0; *at < live_count; ++*at)
        if ((runs[live[*at]].number & 0xFFFFFF) == number) return &runs[live[*at]];
    return NULL;
}

static void apply(record *r)
{
    int64_t time = r->kind == TIME ? (int64_t)field(r, 0, 6) : r->kind == SLEEP || r->kind == ATTEMPT ? (int64_t)field(r, 6, 6) : 0;
    size_t at;
    run *u;
    newest = r;
    if (time > now_ms) now_ms = time;
    if (r->kind == TIME) {
        stamp = r;
        if (field(r, 6, 6)) wall_stamp = r;
    }
    if (r->kind == RECLAIMED && !(r->flags & FLAG) && field(r, 0, 4) > next_run) next_run = (uint32_t)field(r, 0, 4);
    if (r->run == 0) return;
    u = live_run(r->run, &at);
    if (u == NULL) {
        runs = grow(runs, run_count, sizeof *runs);
        live = grow(live, live_count, sizeof *live);
        u = &runs[run_count];
        memset(u, 0, sizeof *u);
        u->number = r->run;
        at = live_count;
        live[live_count++] = run_count++;
    }
    u->last = r;
    if (r->kind == START) {
        u->number = start_number(r);
        if (u->number >= next_run) next_run = u->number + 1;
    }
    if (r->kind == END) {
        u->end = r;
        live[at] = live[--live_count];
    }
}

static const record *record_at(uint32_t place)
{
    size_t low = 0, high = record_count, middle;
    while (low < high) {
        middle = low + (high - low) / 2;
        if (records[middle].place < place) low = middle + 1; else high = middle;
    }
    return low < record_count && records[low].place == place ? &records[low] : NULL;
}

static step *step_of(run *u, const record *r)
{
    size_t i;
    bool failing = (r->flags & FLAG) != 0;
    for (i = 0; i < u->step_count; i++)
        if (u->steps[i].step == r->step && u->steps[i].failing == failing) return &u->steps[i];
    u->steps = grow(u->steps, u->step_count, sizeof *u->steps);
    memset(&u->steps[i], 0, sizeof u->steps[i]);
    u->steps[i].step = r->step;
    u->steps[i].failing = failing;
    u->step_count++;
    return &u->steps[i];
}

static bool undecided(const record *r) { return r == NULL || r->kind == ATTEMPT || r->kind == INTENT || r->kind == SLEEP; }

/* Walk a run's chain from its newest record back. */
static void walk(run *u)
{
    uint32_t tail = (j.tail - j.oldest) * (j.block_size / j.unit), place = u->last->place, news = 0;
    const record *r;
    for (;; place -= r->link) {
        step *s;
        if (place < tail) break;
        r = record_at(place);
        if (r == NULL || r->run != (u->number & 0xFFFFFF)) { u->broken = true; break; }
        if (r->kind == START && u->start == NULL) u->start = r;
        if (r->kind == PHASE && u->phase == NULL) u->phase = r;
        if (r->kind == CRASH && u->crash == NULL && (news == 0 || news == INTENT)) u->crash = r;
        if (r->kind >= PHASE && r->kind != CRASH && !(r->flags & CARRIED) && (news == 0 || news == INTENT)) news = r->kind;
        if (r->kind >= RESULT && r->kind <= SAVE) {
            s = step_of(u, r);
            if (r->kind == SAVE) { if (s->save == NULL) s->save = r; }
            else if (s->newest == NULL) s->newest = r;
            if (!(r->flags & CARRIED)) { s->first = place; s->own = true; }
            else if (!s->own) s->first = place;
        }
        if (r->link == 0 || r->link > place) break;
    }
}

/* A status alone, of a run that is parked or being cancelled; 0: none. */
static int32_t phase_of(const run *u) { return u->phase && u->phase->size == 4 ? (int32_t)field(u->phase, 0, 4) : 0; }

static bool failing(const run *u) { return u->phase && phase_of(u) == 0; }

static void mark(const record *r) { if (r) records[r - records].counts = true; }

/* What counts of a live run. */
static void mark_run(run *u)
{
    size_t i;
    mark(u->start);
    mark(u->phase);
    mark(u->crash);
    for (i = 0; i < u->step_count; i++) {
        step *s = &u->steps[i];
        if (s->failing != failing(u)) continue;
        mark(s->newest);
        if (undecided(s->newest)) mark(s->save);
    }
}

static int by_first(const void *a, const void *b)
{
    const step *x = a, *y = b;
    if (x->own != y->own) return x->own ? 1 : -1;                  /* what was only carried is older */
    return x->first < y->first ? -1 : x->first > y->first;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = ((const run *)a)->number, y = ((const run *)b)->number;
    return x < y ? -1 : x > y;
}

/* Behind the newest block that there is a proof for that all of it was copied, or the oldest. */
static uint32_t reclaimed(void)
{
    uint32_t proven = j.oldest;
    size_t i;
    for (i = 0; i < record_count; i++)
        if (records[i].whole && records[i].kind == RECLAIMED && !(records[i].flags & FLAG))
            proven = records[i].block - ((records[i].block - records[i].step) & 0xFFFFFF) + 1;
    return (int32_t)(proven - j.oldest) > 0 && proven - j.oldest < j.block_count ? proven : j.oldest;
}

static uint32_t place_of(uint32_t position) { return position - j.oldest * (j.block_size / j.unit); }

/* What void records cover, and what stands behind a gap that a disk has left where it was not synced. */
static void find_voids(void)
{
    size_t i, k, lost = record_count;
    uint32_t end = 0, proven = reclaimed();
    for (i = record_count; i-- > 0;) {
        const record *v = &records[i];
        if (!v->whole || v->kind != RECLAIMED || !(v->flags & FLAG) || v->step) continue;
        for (k = 0; k < record_count; k++)
            if (records[k].place - place_of((uint32_t)field(v, 0, 4)) < (uint32_t)field(v, 4, 4) - (uint32_t)field(v, 0, 4)) records[k].whole = false;
    }
    for (i = 0; i < record_count; i++) {
        const record *r = &records[i];
        bool joint = r->kind == RECLAIMED && (r->flags & FLAG) && r->step;
        if ((int32_t)(r->block - proven) < 0) continue;            /* being erased */
        if (r->whole && !r->later) lost = record_count;
        else if (r->whole && lost == record_count && (r->behind_gap || (joint && end && (int32_t)(end - place_of((uint32_t)field(r, 0, 4))) <= 0)) &&
                 !(r->kind == RECLAIMED && (r->flags & FLAG) && r->step == 0)) lost = i;
        end = r->place + (r->header + r->size + j.unit - 1) / j.unit;
    }
    for (; lost < record_count; lost++) records[lost].whole = false;
}

static void read_journal(void)
{
    uint32_t block;
    size_t i, k;
    j.head = j.tail = j.oldest;
    for (block = j.oldest; (int32_t)(block - j.last) <= 0; block++) if (scan_block(block)) j.head = block;
    find_voids();
    j.tail = reclaimed();
    if (j.tail == j.oldest && j.head == j.last && j.last != j.oldest)
        for (i = 0; i < record_count; i++) if (records[i].block == j.last) records[i].whole = false;   /* a reclaim that was cut short */
    for (i = 0; i < record_count; i++) if (records[i].whole && (int32_t)(records[i].block - j.tail) >= 0) apply(&records[i]);
    for (i = 0; i < run_count; i++) walk(&runs[i]);
    for (i = 0; i < live_count; i++) mark_run(&runs[live[i]]);
    for (i = 0; i < run_count; i++) {
        uint32_t number = (next_run & 0xFF000000u) | runs[i].number;
        if (runs[i].start) runs[i].number = start_number(runs[i].start);
        else runs[i].number = number >= next_run && number > 0xFFFFFF ? number - 0x1000000u : number;   /* the high bits went with its START */
        if (runs[i].step_count) qsort(runs[i].steps, runs[i].step_count, sizeof(step), by_first);
    }
    if (run_count) qsort(runs, run_count, sizeof *runs, by_number);
    mark(stamp);
    for (i = record_count; i > 0; i--) {                           /* event ids: of each the newest, until it expires */
        record *r = &records[i - 1];
        if (r->kind != SEEN || !r->whole || (int32_t)(r->block - j.tail) < 0 || (int64_t)field(r, 8, 6) <= now_ms) continue;
        for (k = 0; k < seen_count && field(seen[k], 0, 8) != field(r, 0, 8); k++) { }
        if (k < seen_count) continue;
        seen = grow(seen, seen_count, sizeof *seen);
        seen[seen_count++] = r;
        r->counts = true;
    }
    for (i = k = 0; i < damage_count; i++)                         /* what is reclaimed may be half erased */
        if ((int32_t)(damages[i].block - j.tail) >= 0) damages[k++] = damages[i];
    damage_count = k;
}

/* ---- 5 Printing -------------------------------------------------------------------------------------------------------- */

static const char *kind_name(unsigned kind)
{
    static const char *const name[16] = { "EXTENDED", "START", "END", "PHASE", "RESULT", "FAILED", "ATTEMPT", "INTENT", "SLEEP", "DONE",
                                          "CHOICE", "SAVE", "CRASH", "TIME", "SEEN", "RECLAIMED" };
    return name[kind & 15];
}

static const char *status_name(int32_t status)
{
    static const struct { int16_t status; const char *name; } table[] = {
        { 0, "OK" }, { 260, "RETRY" }, { 261, "FAIL" }, { -257, "STEP_FAILED" }, { -258, "TIMED_OUT" }, { -259, "LOST" }, { -260, "CANCELLED" },
        { -300, "ERR_NOT_FOUND" }, { -301, "ERR_TYPE" }, { -302, "ERR_JSON" }, { -303, "ERR_TOO_LONG" }, { -304, "ERR_RANGE" },
        { -305, "ERR_DEPTH" }, { -306, "ERR_ARGUMENT" }, { -320, "ERR_NESTED" }, { -321, "ERR_STEP_LEFT" }, { -322, "ERR_STATUS" },
        { -323, "ERR_STEP_IDS" }, { -324, "ERR_STEP_ID" }, { -325, "ERR_RESULT_SIZE" }, { -326, "ERR_RUN_BYTES" },
        { -327, "ERR_NOT_IN_STEP" }, { -328, "ERR_CRASHED" }, { -329, "ERR_INTERRUPTED" }, { -330, "ERR_PARALLEL" }, { -331, "ERR_RESTART" },
        { -341, "ERR_EVENT_SIZE" }, { -342, "ERR_NAME" }, { -380, "ERR_READ" } };
    static char number[16];
    size_t i;
    for (i = 0; i < sizeof table / sizeof *table; i++) if (table[i].status == status) return table[i].name;
    snprintf(number, sizeof number, "%" PRId32, status);
    return number;
}

/* A time by journal time or by date, and the other one where a TIME record tells it. */
static void put_moment(const char *name, int64_t value, bool is_unix)
{
    int64_t offset = wall_stamp ? (int64_t)field(wall_stamp, 6, 6) - (int64_t)field(wall_stamp, 0, 6) : 0;
    int64_t ms = is_unix ? value - offset : value, date = is_unix ? value : value + offset;
    bool has_ms = !is_unix || wall_stamp, has_date = is_unix || wall_stamp;
    char text[40];
    utc(date, text);
    key(name);
    if (option.json) {
        printf("{\"journal_ms\":");
        if (has_ms) printf("%" PRId64, ms); else fputs("null", stdout);
        if (has_date) printf(",\"unix_ms\":%" PRId64 ",\"utc\":\"%s\"}", date, text); else fputs(",\"unix_ms\":null,\"utc\":null}", stdout);
    } else if (has_date && has_ms) printf("%" PRId64 " ms (%s)", ms, text);
    else if (has_date) fputs(text, stdout);
    else printf("%" PRId64 " ms", ms);
}

static void put_error(const record *r)
{
    put_word("status", r->size ? status_name((int32_t)field(r, 0, 4)) : "OK");
    if (r->size < 8) return;
    put_number("code", (int32_t)field(r, 4, 4));
    put_text("message", r->payload + 8, r->size - 8);
}

static void put_step_name(uint32_t number)
{
    const char *best = NULL;
    uint32_t occurrence = 256;                                     /* more of one id in a pass are not looked for */
    char text[300];
    size_t i;
    for (i = 0; i < name_count; i++) {
        uint32_t n = (number - hash(names[i])) & 0xFFFFFF;
        if (n < occurrence) { occurrence = n; best = names[i]; }
    }
    if (best) {
        if (occurrence) snprintf(text, sizeof text, "%.280s:%u", best, (unsigned)occurrence); else snprintf(text, sizeof text, "%.280s", best);
        put_text("id", (const uint8_t *)text, strlen(text));
    }
    put_hash("hash", number, 6);
}

static void put_function(const record *start)
{
    uint32_t number = (uint32_t)field(start, 2, 4);
    size_t i;
    for (i = 0; i < name_count && hash(names[i]) != number; i++) { }
    if (i < name_count) put_text("function", (const uint8_t *)names[i], strlen(names[i]));
    put_hash("function_hash", number, 8);
}

static void put_wait(const record *r, const char *name)
{
    put_moment(name, (int64_t)field(r, 0, 6), field(r, 13, 1) & 1);
    put_moment("since", (int64_t)field(r, 6, 6), false);
}

static void print_step(const run *u, const step *s)
{
    static const char *const done[] = { "done", "slept", "sent", "restarted" };
    const record *r = s->newest;
    open_object(s->step ? "step" : "handler");
    if (s->step) put_step_name(s->step); else if (option.json) put_bool("handler", true);
    if (s->failing) put_bool("on_failure", true);
    put_word("state", r == NULL ? "begun" : r->kind == RESULT ? "result" : r->kind == FAILED ? "failed" : r->kind == ATTEMPT ? "retrying" :
             r->kind == INTENT ? "intent" : r->kind == SLEEP ? "sleeping" : r->kind == CHOICE ? "choice" : done[field(r, 0, 1) & 3]);
    if (r && r->kind == RESULT) put_bytes("result", r->payload, r->size);
    if (r && r->kind == FAILED) put_error(r);
    if (r && r->kind == ATTEMPT) { put_number("attempt", (int64_t)field(r, 12, 1)); put_wait(r, "due"); }
    if (r && r->kind == INTENT) put_number("attempt", (int64_t)field(r, 0, 1));
    if (r && r->kind == SLEEP) put_wait(r, "until");
    if (r && r->kind == CHOICE) put_number("winner", (int64_t)field(r, 0, 1));
    if (s->save && undecided(r)) put_bytes("progress", s->save->payload, s->save->size);
    if (u->end == NULL && s->failing != failing(u)) put_bool("of_another_phase", true);
    close_object();
}

static void print_run(const run *u)
{
    int32_t phase = phase_of(u);
    uint32_t name, from;
    size_t i;
    open_object("run");
    put_hash("id", (uint64_t)j.format << 32 | u->number, 16);
    if (u->start) put_function(u->start);
    put_word("phase", u->end ? "ended" : phase == STATUS_CANCELLED ? "cancelling" : failing(u) ? "on_failure" : "handler");
    if (u->end == NULL && (u->broken || phase == STATUS_DAMAGED || u->start == NULL)) put_word("parked", u->start ? "damaged" : "lost: no start");
    if (u->crash && field(u->crash, 0, 4)) {
        put_number("crashes", (int64_t)field(u->crash, 0, 1));
        put_bool("on_its_own", field(u->crash, 1, 3) != 0);
    }
    if (u->start) {
        from = u->start->flags & FLAG ? 13 : 7;
        name = (uint32_t)field(u->start, from - 1, 1);
        if (u->start->size < from) from = u->start->size;
        if (name > u->start->size - from) name = 0;
        open_member("event");
        put_text("name", u->start->payload + from, name);
        put_bytes("data", u->start->payload + from + name, u->start->size - from - name);
        if (u->start->flags & FLAG) put_moment("ts", (int64_t)field(u->start, 6, 6), true);
        close_object();
    }
    if (u->phase && u->end == NULL) { open_member("error"); put_error(u->phase); close_object(); }
    if (u->end) { open_member("end"); put_error(u->end); close_object(); }
    open_array("steps");
    for (i = 0; i < u->step_count; i++) print_step(u, &u->steps[i]);
    close_array();
    close_object();
}

static void print_record(const record *r)
{
    char flags[40] = "";
    open_object("record");
    put_number("block", r->block);
    put_number("offset", r->offset);
    put_hash("position", (r->block * (uint64_t)(j.block_size / j.unit) + r->offset / j.unit) & 0xFFFFFFFFu, 8);
    put_word("kind", kind_name(r->kind));
    if (r->flags & CARRIED) strcat(flags, " carried");
    if (r->flags & MORE) strcat(flags, " more");
    if (r->flags & WIDE) strcat(flags, " wide");
    if (r->flags & FLAG) strcat(flags, " flag");
    if (r->later) strcat(flags, " later");
    if (flags[0]) put_word("flags", flags + 1);
    put_word("state", (int32_t)(r->block - j.tail) < 0 ? "reclaimed" : !r->whole ? "void" : r->counts ? "counts" : "garbage");
    if (r->run) put_number("run", r->run);
    if (r->kind >= RESULT && r->kind <= SAVE && r->step) put_step_name(r->step);
    if (r->link) put_number("link", r->link);
    if (r->size) put_bytes("payload", r->payload, r->size);
    close_object();
}

static bool print_all(void)
{
    char version[16];
    size_t i;
    bool damaged = false;
    if (option.json) putchar('{');
    fresh = true;
    if (option.json) open_member("journal"); else open_object("journal");
    snprintf(version, sizeof version, "1.%u", (unsigned)j.minor);
    put_word("format", version);
    put_hash("id", j.format, 8);
    put_number("offset", (int64_t)j.base);
    put_number("block_size", j.block_size);
    put_number("block_count", j.block_count);
    put_number("program_size", (int64_t)1 << j.program_shift);
    put_number("oldest", j.tail);
    put_number("head", j.head);
    put_number("last", j.last);
    put_number("records", (int64_t)record_count);
    put_number("runs", (int64_t)live_count);
    put_number("next_run", next_run);
    close_object();
    open_member("time");
    put_moment("newest", now_ms, false);
    if (stamp) put_moment("stamp", (int64_t)field(stamp, 0, 6), false);
    put_bool("clean_stop", !trace && newest && newest->kind == TIME && (newest->flags & (FLAG | CARRIED)) == FLAG);
    close_object();
    open_array("live_runs");
    for (i = 0; i < run_count; i++) {
        if (runs[i].end) continue;
        print_run(&runs[i]);
        damaged = damaged || runs[i].broken || runs[i].start == NULL || phase_of(&runs[i]) == STATUS_DAMAGED;
    }
    close_array();
    if (option.all) {
        open_array("ended_runs");
        for (i = 0; i < run_count; i++) if (runs[i].end) print_run(&runs[i]);
        close_array();
    }
    open_array("event_ids");
    for (i = seen_count; i > 0; i--) {
        open_object("event_id");
        put_hash("hash", field(seen[i - 1], 0, 4), 8);
        put_moment("until", (int64_t)field(seen[i - 1], 8, 6), false);
        close_object();
    }
    close_array();
    open_array("damage");
    for (i = 0; i < damage_count; i++) {
        open_object("damage");
        put_word("what", damages[i].what);
        put_number("block", damages[i].block);
        put_number("offset", damages[i].offset);
        put_number("size", damages[i].size);
        close_object();
        damaged = damaged || strcmp(damages[i].what, "torn") != 0;
    }
    close_array();
    if (option.records) {
        open_array("records");
        for (i = 0; i < record_count; i++) print_record(&records[i]);
        close_array();
    }
    puts(option.json ? "}" : "");
    return damaged;
}

static void add_name(const char *text, size_t size)
{
    char *copy = NULL;
    if (size == 0) return;
    names = grow(names, name_count, sizeof *names);
    copy = grow(copy, 0, size + 1);
    memcpy(copy, text, size);
    copy[size] = 0;
    names[name_count++] = copy;
}

static void add_names(const char *path)
{
    uint64_t size, at, start;
    char *text = read_all(path, &size);
    for (at = start = 0; at <= size; at++) {
        if (at < size && text[at] != '\n' && text[at] != '\r') continue;
        add_name(text + start, (size_t)(at - start));
        start = at + 1;
    }
    free(text);
}

static const char help[] =
    "usage: inngest-dump [options] FILE\n"
    "Print the runs and steps of a journal: a journal file, or a dump of a device's flash. Reads only; - is standard input.\n"
    "\n"
    "  --json            JSON instead of text\n"
    "  --all             also runs that have ended and are not reclaimed yet\n"
    "  --records         also every record, with its place\n"
    "  --function ID     name a function by its id: the journal holds hashes alone; any number of times\n"
    "  --step ID         the same for a step\n"
    "  --names FILE      ids of functions and steps, one a line\n"
    "  --offset N        the journal that begins N bytes into the file; else the one with most blocks\n"
    "  --erased BYTE     what erased flash reads as; 0xff if not given\n"
    "  --help, --version\n"
    "\n"
    "A journal that a process has open may be printed too; it goes on meanwhile, so the newest records may be missing.\n"
    "Times are journal time in ms, and UTC where the journal knows the wall clock. Steps come in the order in which they\n"
    "began, as far as the journal still tells.\n"
    "Exit: 0 fine, a torn last write included; 1 damage found; 2 usage, or the file cannot be read; 3 no journal, or one of\n"
    "another version.\n";

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "inngest-dump: %s%s; see --help\n", why, what);
    return EXIT_USAGE;
}

static bool number(const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 0);
    return end != text && *end == 0 && errno == 0 && *out <= most && text[0] != '-';
}

/* 0: go on; else exit with this value, less 1. */
static int read_options(int argc, char **argv)
{
    int i;
    uint64_t value;
    option.erased = 0xFF;
    for (i = 1; i < argc; i++) {
        const char *name = argv[i], *more = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(name, "--help") == 0) { fputs(help, stdout); return 1; }
        if (strcmp(name, "--version") == 0) { puts("inngest-dump 0.1 (journal format 1)"); return 1; }
        if (strcmp(name, "--json") == 0) option.json = true;
        else if (strcmp(name, "--all") == 0) option.all = true;
        else if (strcmp(name, "--records") == 0) option.records = true;
        else if (name[0] != '-' || name[1] == 0) {
            if (option.path) return 1 + usage("more than one file: ", name);
            option.path = name;
        } else {
            bool text = strcmp(name, "--function") == 0 || strcmp(name, "--step") == 0, file = strcmp(name, "--names") == 0;
            bool offset = strcmp(name, "--offset") == 0, erased = strcmp(name, "--erased") == 0;
            if (!text && !file && !offset && !erased) return 1 + usage("unknown option ", name);
            if (more == NULL) return 1 + usage("a value is missing after ", name);
            if (text) add_name(more, strlen(more));
            else if (file) add_names(more);
            else if (!number(more, offset ? UINT64_MAX : 255, &value)) return 1 + usage("not a number in range: ", more);
            else if (offset) { option.offset_given = true; option.offset = value; }
            else option.erased = (uint8_t)value;
            i++;
        }
    }
    return option.path ? 0 : 1 + usage("no file given", "");
}

int main(int argc, char **argv)
{
    int result = read_options(argc, argv);
    void *data;
    size_t i;
    if (result) return result - 1;
    image = data = read_all(option.path, &image_size);
    result = find_journal();
    if (result == 0) {
        read_journal();
        result = print_all() ? EXIT_DAMAGED : 0;
    }
    for (i = 0; i < run_count; i++) free(runs[i].steps);
    for (i = 0; i < name_count; i++) free(names[i]);
    free(runs); free(live); free(seen); free(names); free(records); free(damages); free(data);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "inngest-dump: standard output: %s\n", strerror(errno));
        return EXIT_USAGE;
    }
    return result;
}
