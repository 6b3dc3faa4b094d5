/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the inngest-c authors
 *
 * inngest.c - see inngest.h for what it is and port/JOURNAL.md for what it writes
 *
 *   1  Checks of the configuration
 *   2  Bytes, checksum, hashes
 *   3  Queue: filled from any context, emptied by the tick
 *   4  Journal records: read, verify, append
 *   5  Journal space: blocks, reclaim
 *   6  Journal mount: scan, recovery
 *   7  Runs: table, step lookup
 *   8  Steps
 *   9  Events: table of functions, admission
 *  10  Tick and passes
 *  11  Life and inspection */
#include "inngest.h"
#include <string.h>

/* ---- 1 Checks of the configuration --------------------------------------------------------------------------- */

#if INNGEST_STAGE_BYTES % 32 || INNGEST_STAGE_BYTES < 64 || INNGEST_STAGE_BYTES > 4096
#error "INNGEST_STAGE_BYTES: a multiple of 32, 64..4096"
#endif
#if INNGEST_EVENT_BYTES < 16 || INNGEST_EVENT_BYTES > 4096 || INNGEST_RESULT_BYTES > 4096
#error "INNGEST_EVENT_BYTES: 16..4096; INNGEST_RESULT_BYTES: 0..4096"
#endif
#if INNGEST_MESSAGE_BYTES > 200 || INNGEST_STEP_IDS < 1 || INNGEST_FAN_OUT < 1 || INNGEST_FAN_OUT > 32
#error "INNGEST_MESSAGE_BYTES: 0..200; INNGEST_STEP_IDS: from 1; INNGEST_FAN_OUT: 1..32"
#endif

#define MAGIC 0x314A4E49u              /* "INJ1" */
#define BLOCK_HEADER 32u
#define MORE 0x20u
#define WIDE 0x40u
#define FLAG 0x80u
#define STEP_MASK 0xFFFFFFu
#define END_ROOM 128u                  /* in each reservation: what failing and ending may take */
#define NEVER INT64_MAX
#define NO_FUNCTION 0xFFFFu

enum { START = 1, END = 2, FAILING = 3, RESULT = 4, FAILED = 5, ATTEMPT = 6, SLEEP = 8, SLEPT = 9,
       TIME = 16, SEEN = 17, RECLAIMED = 18 };

typedef struct record {
    uint32_t position, run, step, link;
    uint16_t size;                     /* of the payload */
    uint8_t kind, flags, header;
} record;

struct inngest_ctx {
    inngest *jobs;
    inngest_run *run;
    const inngest_function *function;
    const char *id;                    /* of the open step */
    void *result;
    size_t size;
    inngest_status stopped;            /* what every further step call gives */
    uint32_t step;
    int64_t wake, retry_in;
    inngest_error_info error;
    uint16_t id_count;
    uint8_t attempt;
    bool open, in_body;
};

/* ---- 2 Bytes, checksum, hashes ---------------------------------------------------------------------------------- */

static void put(uint8_t *to, uint64_t value, unsigned bytes)
{
    unsigned i;
    for (i = 0; i < bytes; i++, value >>= 8) to[i] = (uint8_t)value;
}

static uint64_t get(const uint8_t *from, unsigned bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0) value = value << 8 | from[bytes];
    return value;
}

static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t size)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C };
    crc = ~crc;
    while (size-- > 0) {
        crc ^= *data++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static uint32_t hash_text(uint32_t hash, const char *text)
{
    while (*text) hash = (hash ^ (uint8_t)*text++) * 16777619u;
    return hash;
}
#define HASH_SEED 2166136261u

static uint32_t minimum(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* ---- 3 Queue: filled from any context, emptied by the tick -------------------------------------------------------
 *
 * slot.sequence == index: free in this lap; == index + 1: published. With compare-and-swap a sender moves tail
 * forward to claim a slot and publishes that slot alone, so a preempted sender never holds up one that preempted
 * it. Without it, tail is only a hint: a sender writes its mark into the first slot not claimed in this lap, then
 * looks whether the slot has been published meanwhile. If so, an interrupt that preempted it between its look and
 * its mark owned the slot and has finished (last in, first out), and the sender moves on. That needs one core and
 * senders that nest: interrupts and the main loop; tasks take the port's lock. */

#if !defined(__GNUC__)
#error "this compiler needs its own load, store and compare-and-swap here"
#endif
#define LOAD(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#if __GCC_ATOMIC_INT_LOCK_FREE == 2 && !defined(INNGEST_NO_CAS)
#define HAVE_CAS 1
#else
#define HAVE_CAS 0
#endif

static void count(uint32_t *counter)
{
    if (*counter != UINT32_MAX) (*counter)++;
}

#if HAVE_CAS
static inngest_slot *claim_slot(inngest *jobs)
{
    uint32_t index = __atomic_load_n(&jobs->tail, __ATOMIC_RELAXED);
    for (;;) {
        inngest_slot *slot = &jobs->slots[index & jobs->slot_mask];
        int32_t distance = (int32_t)(LOAD(&slot->sequence) - index);
        if (distance < 0) return NULL;
        if (distance > 0) index = __atomic_load_n(&jobs->tail, __ATOMIC_RELAXED);
        else if (__atomic_compare_exchange_n(&jobs->tail, &index, index + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            slot->claim = index;
            return slot;
        }
    }
}
#else
static inngest_slot *claim_slot(inngest *jobs)
{
    uint32_t index = LOAD(&jobs->tail);
    for (;; index++) {
        inngest_slot *slot = &jobs->slots[index & jobs->slot_mask];
        int32_t distance = (int32_t)(LOAD(&slot->sequence) - index);
        if (distance < 0) return NULL;
        if (distance > 0 || LOAD(&slot->claim) == index) continue;
        STORE(&slot->claim, index);
        if (LOAD(&slot->sequence) != index) continue;
        STORE(&jobs->tail, index + 1);
        return slot;
    }
}
#endif

static inngest_status send(inngest *jobs, const inngest_event *event, bool copy_name)
{
    inngest_slot *slot;
    size_t name_size;
    if (jobs == NULL || event == NULL) return INNGEST_ERR_ARGUMENT;
    if (jobs->ready != MAGIC) return INNGEST_ERR_NOT_READY;
    if (event->data == NULL && event->size > 0) return INNGEST_ERR_ARGUMENT;
    if (event->name == NULL || event->name[0] == 0 || memcmp(event->name, "inngest/", minimum((uint32_t)strlen(event->name) + 1, 8)) == 0) {
        count(&jobs->counters.refused_name);
        return INNGEST_ERR_NAME;
    }
    name_size = strlen(event->name);
    if (name_size > 255 || event->size > INNGEST_EVENT_BYTES || name_size + event->size > INNGEST_EVENT_BYTES) {
        count(&jobs->counters.refused_size);
        return INNGEST_ERR_EVENT_SIZE;
    }
    if (jobs->port->lock) jobs->port->lock(jobs->port->context);
    slot = claim_slot(jobs);
    if (slot) {
        slot->name = copy_name ? NULL : event->name;
        slot->name_size = (uint8_t)name_size;
        slot->size = (uint16_t)event->size;
        slot->ts = event->ts;
        slot->id_hash[0] = event->id ? hash_text(HASH_SEED, event->id) : 0;
        slot->id_hash[1] = event->id ? hash_text(HASH_SEED * 31u + 7u, event->id) | 1u : 0;
        if (copy_name) memcpy(slot->data, event->name, name_size);
        if (event->size) memcpy(slot->data + (copy_name ? name_size : 0), event->data, event->size);
        STORE(&slot->sequence, slot->claim + 1);
    } else count(&jobs->counters.refused_full);
    if (jobs->port->unlock) jobs->port->unlock(jobs->port->context);
    if (slot && jobs->port->wake) jobs->port->wake(jobs->port->context);
    return slot ? INNGEST_OK : INNGEST_ERR_QUEUE_FULL;
}

inngest_status inngest_send_(inngest *jobs, const char *name, const void *data, size_t size)
{
    inngest_event event = { NULL, NULL, 0, NULL, 0 };
    event.name = name;
    event.data = data;
    event.size = size;
    return send(jobs, &event, false);
}

inngest_status inngest_send_event(inngest *jobs, const inngest_event *event) { return send(jobs, event, true); }

void inngest_wake(inngest *jobs)
{
    if (jobs && jobs->ready == MAGIC && jobs->port->wake) jobs->port->wake(jobs->port->context);
}

/* ---- 4 Journal records: read, verify, append ---------------------------------------------------------------------- */

static uint32_t round_up(const inngest *jobs, uint32_t bytes)
{
    uint32_t mask = (1u << jobs->unit_shift) - 1u;
    return (bytes + mask) & ~mask;
}

static unsigned block_units_shift(const inngest *jobs) { return (unsigned)(jobs->block_shift - jobs->unit_shift); }

static uint32_t block_of(const inngest *jobs, uint32_t position)
{
    uint32_t mask = UINT32_MAX >> block_units_shift(jobs);
    return jobs->last_block - ((jobs->last_block - (position >> block_units_shift(jobs))) & mask);
}

static uint32_t offset_of(const inngest *jobs, uint32_t position)
{
    return (position & ((1u << block_units_shift(jobs)) - 1u)) << jobs->unit_shift;
}

static uint32_t position_at(const inngest *jobs, uint32_t block, uint32_t offset)
{
    return (block << block_units_shift(jobs)) + (offset >> jobs->unit_shift);
}

static uint32_t block_address(const inngest *jobs, uint32_t block) { return block % jobs->port->block_count << jobs->block_shift; }

static inngest_status port_failed(inngest *jobs, int result, inngest_status status)
{
    jobs->counters.port_error = result;
    count(&jobs->counters.port_errors);
    jobs->failure = status;
    return status;
}

static bool port_read(inngest *jobs, uint32_t block, uint32_t offset, void *data, uint32_t size)
{
    return jobs->port->read(jobs->port->context, block_address(jobs, block) + offset, data, size) == 0;
}

static bool port_blank(inngest *jobs, uint32_t block, uint32_t offset, uint32_t size)
{
    uint8_t bytes[32];
    uint32_t i, n;
    if (jobs->port->is_blank) return jobs->port->is_blank(jobs->port->context, block_address(jobs, block) + offset, size);
    for (; size > 0; size -= n, offset += n) {
        n = minimum(size, sizeof bytes);
        if (!port_read(jobs, block, offset, bytes, n)) return false;
        for (i = 0; i < n; i++) if (bytes[i] != 0xFF) return false;
    }
    return true;
}

static inngest_status port_program(inngest *jobs, uint32_t block, uint32_t offset, const void *data, uint32_t size)
{
    int result;
    do result = jobs->port->program(jobs->port->context, block_address(jobs, block) + offset, data, size);
    while (result == INNGEST_PORT_BUSY);
    return result == 0 ? INNGEST_OK : port_failed(jobs, result, INNGEST_ERR_PROGRAM);
}

static inngest_status port_erase(inngest *jobs, uint32_t block)
{
    int result;
    if (jobs->port->idle) jobs->port->idle(jobs->port->context);
    do result = jobs->port->erase(jobs->port->context, block_address(jobs, block));
    while (result == INNGEST_PORT_BUSY);
    count(&jobs->counters.erases);
    return result == 0 ? INNGEST_OK : port_failed(jobs, result, INNGEST_ERR_ERASE);
}

static inngest_status port_sync(inngest *jobs)
{
    int result = jobs->dirty && jobs->port->sync ? jobs->port->sync(jobs->port->context) : 0;
    if (result != 0) {
        jobs->failed = true;           /* never tried again: the system may have dropped what it could not write */
        return port_failed(jobs, result, INNGEST_ERR_SYNC);
    }
    jobs->dirty = false;
    return INNGEST_OK;
}

static uint32_t crc_seed(const inngest *jobs, uint32_t position)
{
    uint8_t seed[8];
    put(seed, jobs->format, 4);
    put(seed + 4, position, 4);
    return crc32(0, seed, 8);
}

static uint32_t record_bytes(const inngest *jobs, const record *r) { return round_up(jobs, (uint32_t)r->header + r->size); }

/* Read and verify the record at a position. False: nothing whole there. */
static bool read_record(inngest *jobs, uint32_t position, record *r)
{
    uint8_t bytes[32];
    uint32_t block = block_of(jobs, position), offset = offset_of(jobs, position), left = jobs->port->block_size - offset;
    uint32_t crc, total, at, n;
    if (left < 12 || offset < BLOCK_HEADER || !port_read(jobs, block, offset, bytes, minimum(left, 16))) return false;
    r->position = position;
    r->kind = bytes[4] & 31;
    r->flags = bytes[4] & (MORE | FLAG);
    r->header = bytes[4] & WIDE ? 16 : 12;
    r->size = bytes[5];
    r->run = (uint32_t)get(bytes + 6, 2);
    r->step = (uint32_t)get(bytes + 8, 3);
    r->link = bytes[11];
    if (r->header == 16) {
        if (left < 16) return false;
        r->link |= (uint32_t)get(bytes + 12, 2) << 8;
        r->run |= (uint32_t)bytes[14] << 16;
        r->size = (uint16_t)(r->size | bytes[15] << 8);
    }
    total = (uint32_t)r->header + r->size;
    if (total > left) return false;
    crc = crc32(crc_seed(jobs, position), bytes + 4, r->header - 4u);
    {
        uint32_t stored = (uint32_t)get(bytes, 4);
        for (at = r->header; at < total; at += n) {
            n = minimum(total - at, sizeof bytes);
            if (!port_read(jobs, block, offset + at, bytes, n)) return false;
            crc = crc32(crc, bytes, n);
        }
        return crc == stored;
    }
}

static bool read_payload(inngest *jobs, const record *r, uint32_t from, void *to, uint32_t size)
{
    if (size == 0) return true;
    return port_read(jobs, block_of(jobs, r->position), offset_of(jobs, r->position) + r->header + from, to, size);
}

typedef struct source {                /* where a payload comes from: two pieces of memory, or another record */
    const uint8_t *first, *second;
    uint32_t first_size;
    const record *from;
} source;

static bool fetch(inngest *jobs, const source *s, uint32_t at, uint8_t *to, uint32_t size)
{
    uint32_t n = 0;
    if (s->from) return read_payload(jobs, s->from, at, to, size);
    if (at < s->first_size) {
        n = minimum(size, s->first_size - at);
        memcpy(to, s->first + at, n);
    }
    if (n < size) memcpy(to + n, s->second + (at + n - s->first_size), size - n);
    return true;
}

static void make_header(record *r, uint8_t bytes[16])
{
    bool wide = r->link > 0xFF || r->run > 0xFFFF || r->size > 0xFF;
    r->header = wide ? 16 : 12;
    bytes[4] = (uint8_t)(r->kind | r->flags | (wide ? WIDE : 0u));
    bytes[5] = (uint8_t)r->size;
    put(bytes + 6, r->run, 2);
    put(bytes + 8, r->step, 3);
    put(bytes + 11, r->link, 3);
    bytes[14] = (uint8_t)(r->run >> 16);
    bytes[15] = (uint8_t)(r->size >> 8);
}

/* Program a record at the head, where there must be room. One program call for each INNGEST_STAGE_BYTES. */
static inngest_status append(inngest *jobs, record *r, const source *s)
{
    uint8_t header[16], bytes[32];
    uint8_t *stage = (uint8_t *)jobs->stage;
    uint32_t crc, at, n, total, padded, block = jobs->head_block, offset = jobs->head_offset;
    r->position = position_at(jobs, block, offset);
    r->link = r->link ? r->position - r->link : 0;   /* the caller gives a position */
    make_header(r, header);
    crc = crc32(crc_seed(jobs, r->position), header + 4, r->header - 4u);
    for (at = 0; at < r->size; at += n) {
        n = minimum(r->size - at, sizeof bytes);
        if (!fetch(jobs, s, at, bytes, n)) return port_failed(jobs, -1, INNGEST_ERR_READ);
        crc = crc32(crc, bytes, n);
    }
    put(header, crc, 4);
    total = (uint32_t)r->header + r->size;
    padded = record_bytes(jobs, r);
    jobs->head_offset = offset + padded;             /* spent whatever comes: never programmed twice */
    jobs->dirty = true;
    for (at = 0; at < padded; at += n) {
        uint32_t skip = at == 0 ? r->header : 0, used;
        n = minimum(padded - at, INNGEST_STAGE_BYTES);
        used = at + n > total ? total - at : n;
        memset(stage, 0xFF, n);
        if (skip) memcpy(stage, header, skip);
        if (used > skip && !fetch(jobs, s, at + skip - r->header, stage + skip, used - skip)) return port_failed(jobs, -1, INNGEST_ERR_READ);
        INNGEST_TRY(port_program(jobs, block, offset + at, stage, n));
    }
    count(&jobs->counters.records);
    return INNGEST_OK;
}

/* ---- 5 Journal space: blocks, reclaim ------------------------------------------------------------------------------ */

static inngest_run *find_run(inngest *jobs, uint32_t number)
{
    uint16_t i;
    for (i = 0; number && i < jobs->run_count; i++)
        if ((jobs->runs[i].number & STEP_MASK) == number) return &jobs->runs[i];
    return NULL;
}

/* Records of one class supersede each other, the newest counts. */
static unsigned class_of(unsigned kind) { return kind >= RESULT && kind <= SLEPT ? RESULT : kind; }

/* Follow a run's records from the newest back to one of this class and step. NOT_FOUND, or READ where it breaks. */
static inngest_status find_record(inngest *jobs, const inngest_run *run, unsigned class, uint32_t step, record *r)
{
    uint32_t position = run->last;
    for (;;) {
        if ((int32_t)(block_of(jobs, position) - jobs->tail_block) < 0) return INNGEST_ERR_NOT_FOUND;
        if (!read_record(jobs, position, r) || r->run != (run->number & STEP_MASK)) return INNGEST_ERR_READ;
        if (class_of(r->kind) == class && r->step == step) return INNGEST_OK;
        if (r->link == 0) return INNGEST_ERR_NOT_FOUND;
        position -= r->link;
    }
}

static bool is_live(inngest *jobs, const record *r)
{
    record newest;
    unsigned i;
    inngest_run *run;
    if (r->kind == TIME) return r->position == jobs->time_position;
    if (r->kind == SEEN) {
        for (i = 0; i < INNGEST_SEEN_IDS; i++)
            if (jobs->seen[i].valid && jobs->seen[i].position == r->position && jobs->seen[i].until > jobs->now) return true;
        return false;
    }
    run = find_run(jobs, r->run);
    if (run == NULL || r->kind == END) return false;
    return find_record(jobs, run, class_of(r->kind), r->step, &newest) == INNGEST_OK && newest.position == r->position;
}

static void moved(inngest *jobs, const record *r, uint32_t from)
{
    unsigned i;
    inngest_run *run = find_run(jobs, r->run);
    if (run) run->last = r->position;
    if (r->kind == TIME) jobs->time_position = r->position;
    for (i = 0; r->kind == SEEN && i < INNGEST_SEEN_IDS; i++)
        if (jobs->seen[i].position == from) jobs->seen[i].position = r->position;
}

static inngest_status copy_record(inngest *jobs, const record *r)
{
    record copy = *r;
    source s = { NULL, NULL, 0, NULL };
    inngest_run *run = find_run(jobs, r->run);
    s.from = r;
    copy.link = run ? run->last : 0;
    INNGEST_TRY(append(jobs, &copy, &s));
    moved(jobs, &copy, r->position);
    return INNGEST_OK;
}

static inngest_status prepare_block(inngest *jobs, uint32_t block)
{
    uint8_t bytes[BLOCK_HEADER];
    memset(bytes, 0, sizeof bytes);
    put(bytes, MAGIC, 4);
    bytes[4] = 1;
    while ((1u << bytes[7]) < jobs->port->program_size) bytes[7]++;
    put(bytes + 8, block, 4);
    put(bytes + 12, jobs->format, 4);
    put(bytes + 16, jobs->port->block_size, 4);
    put(bytes + 20, jobs->port->block_count, 4);
    put(bytes + 28, crc32(0, bytes, 28), 4);
    INNGEST_TRY(port_erase(jobs, block));
    return port_program(jobs, block, 0, bytes, sizeof bytes);
}

/* Find room in the head or in erased blocks, but leave `keep` of them. */
static bool advance(inngest *jobs, uint32_t bytes, uint32_t keep)
{
    if (jobs->head_offset + bytes <= jobs->port->block_size) return true;
    if (jobs->last_block - jobs->head_block <= keep) return false;
    jobs->head_block++;
    jobs->head_offset = BLOCK_HEADER;
    return true;
}

/* Carry what is live in the oldest block forward, leave proof that all of it was, erase the block. Power lost
 * before the proof: the copies are the newest of their class, the originals garbage, and this starts over.
 * After it: the block counts for nothing and is erased again. */
static inngest_status reclaim_block(inngest *jobs)
{
    uint32_t offset = BLOCK_HEADER, block = jobs->tail_block;
    uint8_t bytes[8];
    record r;
    source s = { NULL, NULL, 0, NULL };
    if (block == jobs->head_block && !advance(jobs, jobs->port->block_size, 0)) return INNGEST_ERR_JOURNAL_FULL;
    while (offset + 12 <= jobs->port->block_size) {
        if (!read_record(jobs, position_at(jobs, block, offset), &r)) { offset += 1u << jobs->unit_shift; continue; }
        offset += record_bytes(jobs, &r);
        if (!is_live(jobs, &r)) continue;
        if (!advance(jobs, round_up(jobs, 16u + r.size), 0)) return INNGEST_ERR_JOURNAL_FULL;
        r.flags &= FLAG;
        INNGEST_TRY(copy_record(jobs, &r));
        count(&jobs->counters.carried);
    }
    memset(&r, 0, sizeof r);
    r.kind = RECLAIMED;
    r.size = 8;
    put(bytes, block, 4);
    put(bytes + 4, jobs->next_run, 4);
    s.first = bytes;
    s.first_size = 8;
    if (!advance(jobs, round_up(jobs, 20), 0)) return INNGEST_ERR_JOURNAL_FULL;
    INNGEST_TRY(append(jobs, &r, &s));
    INNGEST_TRY(port_sync(jobs));
    jobs->tail_block = block + 1;
    INNGEST_TRY(prepare_block(jobs, jobs->last_block + 1));
    jobs->last_block++;
    return INNGEST_OK;
}

/* Make the head have room for so many bytes. */
static inngest_status room(inngest *jobs, uint32_t bytes)
{
    uint32_t spare = jobs->port->block_count < 4 ? 1 : 2, tries;
    if (bytes > jobs->port->block_size - BLOCK_HEADER) return INNGEST_ERR_EVENT_SIZE;
    for (tries = 0; tries < 3 * jobs->port->block_count; tries++) {
        if (advance(jobs, bytes, spare)) return INNGEST_OK;
        INNGEST_TRY(reclaim_block(jobs));
    }
    return INNGEST_ERR_JOURNAL_FULL;
}

/* Append one record of a run, with room made. */
static inngest_status write_record(inngest *jobs, inngest_run *run, unsigned kind, uint32_t step, const source *s, uint32_t size)
{
    record r;
    memset(&r, 0, sizeof r);
    r.kind = (uint8_t)(kind & 31);
    r.flags = (uint8_t)(kind & (MORE | FLAG));
    r.step = step;
    r.size = (uint16_t)size;
    INNGEST_TRY(room(jobs, round_up(jobs, 16 + size)));
    if (run) {
        r.run = run->number & STEP_MASK;
        r.link = run->last;
    }
    INNGEST_TRY(append(jobs, &r, s));
    if (run) run->last = r.position;
    else if (r.kind == TIME) jobs->time_position = r.position;
    if (run && (kind & 31) != END) run->used += record_bytes(jobs, &r);
    return INNGEST_OK;
}

static inngest_status write_time(inngest *jobs)
{
    uint8_t bytes[16];
    source s = { NULL, NULL, 16, NULL };
    s.first = bytes;
    put(bytes, (uint64_t)jobs->now, 8);
    put(bytes + 8, jobs->wall_known ? (uint64_t)(jobs->now + jobs->wall_offset) : 0, 8);
    jobs->stamp = jobs->now;
    return write_record(jobs, NULL, TIME, 0, &s, 16);
}

/* ---- 6 Journal mount: scan, recovery -------------------------------------------------------------------------------- */

/* Read a block header by place. OK, NOT_FOUND (none that verifies), or why it is refused. */
static inngest_status read_block_header(inngest *jobs, uint32_t place, uint32_t *block, uint32_t *format)
{
    uint8_t b[BLOCK_HEADER];
    if (!port_read(jobs, place, 0, b, sizeof b)) return INNGEST_ERR_NOT_FOUND;
    if (get(b, 4) != MAGIC || get(b + 28, 4) != crc32(0, b, 28)) return INNGEST_ERR_NOT_FOUND;
    if (b[4] != 1 || b[6] != 0) return INNGEST_ERR_VERSION;
    if (b[7] > 5 || 1u << b[7] != jobs->port->program_size || get(b + 16, 4) != jobs->port->block_size ||
        get(b + 20, 4) != jobs->port->block_count) return INNGEST_ERR_OTHER_GEOMETRY;
    *block = (uint32_t)get(b + 8, 4);
    *format = (uint32_t)get(b + 12, 4);
    return *block % jobs->port->block_count == place ? INNGEST_OK : INNGEST_ERR_NOT_FOUND;
}

static bool group_is_whole(inngest *jobs, const record *first)
{
    record r = *first;
    while (r.flags & MORE) {
        uint32_t offset = offset_of(jobs, r.position) + record_bytes(jobs, &r);
        if (offset + 12 > jobs->port->block_size || !read_record(jobs, r.position + (record_bytes(jobs, &r) >> jobs->unit_shift), &r)) return false;
    }
    return true;
}

static uint16_t function_index(const inngest *jobs, uint32_t hash)
{
    uint16_t i;
    for (i = 0; i < jobs->function_count; i++)
        if (hash_text(HASH_SEED, jobs->functions[i].id) == hash) return i;
    return NO_FUNCTION;
}

static uint32_t reservation(const inngest *jobs, uint16_t function, uint32_t start_bytes)
{
    uint32_t bytes = function != NO_FUNCTION && jobs->functions[function].journal_bytes ? jobs->functions[function].journal_bytes : INNGEST_RUN_BYTES;
    return minimum((bytes + start_bytes + END_ROOM + 3) / 4, 0xFFFF);
}

static inngest_run *free_run(inngest *jobs)
{
    uint16_t i;
    for (i = 0; i < jobs->run_count; i++)
        if (jobs->runs[i].number == 0) return &jobs->runs[i];
    return NULL;
}

static void fill_run(inngest *jobs, inngest_run *run, uint32_t number, uint32_t hash, uint32_t position, uint32_t bytes)
{
    memset(run, 0, sizeof *run);
    run->number = number;
    run->last = position;
    run->function_hash = hash;
    run->function = function_index(jobs, hash);
    run->reserved = (uint16_t)reservation(jobs, run->function, bytes);
    run->state = run->function == NO_FUNCTION ? INNGEST_WAIT_FUNCTION : INNGEST_WAIT_NONE;
    if (run->state != INNGEST_WAIT_NONE) run->deadline = NEVER;
    jobs->reserved += run->reserved * 4u;
}

static void free_the_run(inngest *jobs, inngest_run *run)
{
    jobs->reserved -= run->reserved * 4u;
    run->number = 0;
}

static void remember(inngest *jobs, uint32_t low, uint32_t high, int64_t until, uint32_t position)
{
    unsigned i, at = INNGEST_SEEN_IDS;
    for (i = 0; i < INNGEST_SEEN_IDS; i++) {
        inngest_seen *seen = &jobs->seen[i];
        if (seen->valid && seen->hash[0] == low && seen->hash[1] == high) { at = i; break; }
        if (!seen->valid || seen->until <= jobs->now) at = i;
    }
    if (at == INNGEST_SEEN_IDS) return;
    jobs->seen[at].valid = 1;
    jobs->seen[at].hash[0] = low;
    jobs->seen[at].hash[1] = high;
    jobs->seen[at].until = until;
    jobs->seen[at].position = position;
}

static inngest_status apply_record(inngest *jobs, const record *r, uint32_t *reclaimed)
{
    uint8_t b[16];
    uint32_t size = minimum(r->size, sizeof b);
    int64_t stamp;
    inngest_run *run = find_run(jobs, r->run);
    memset(b, 0, sizeof b);
    if (!read_payload(jobs, r, 0, b, size)) return INNGEST_OK;
    stamp = (int64_t)get(b, 8);
    switch (r->kind) {
    case START:
        if ((uint32_t)get(b, 4) >= jobs->next_run) jobs->next_run = (uint32_t)get(b, 4) + 1;
        if (run == NULL && (run = free_run(jobs)) == NULL) return INNGEST_ERR_RUNS_FULL;
        if (run->number == 0) fill_run(jobs, run, (uint32_t)get(b, 4), (uint32_t)get(b + 4, 4), r->position, record_bytes(jobs, r));
        break;
    case END:
        if (run) free_the_run(jobs, run);
        return INNGEST_OK;
    case TIME:
        jobs->time_position = r->position;
        jobs->time_now = stamp;
        jobs->time_wall = (int64_t)get(b + 8, 8);
        break;
    case SEEN: remember(jobs, (uint32_t)get(b, 4), (uint32_t)get(b + 4, 4), (int64_t)get(b + 8, 8), r->position); break;
    case RECLAIMED:
        *reclaimed = (uint32_t)get(b, 4) + 1;
        if ((uint32_t)get(b + 4, 4) > jobs->next_run) jobs->next_run = (uint32_t)get(b + 4, 4);
        break;
    case SLEEP: case ATTEMPT: stamp = (int64_t)get(b + 8, 8); break;
    default: break;
    }
    if ((r->kind == TIME || r->kind == SLEEP || r->kind == ATTEMPT) && stamp > jobs->now) jobs->now = stamp;
    if (run) run->last = r->position;
    return INNGEST_OK;
}

/* Take up the whole records of a block. *end: where the last one ended. */
static inngest_status scan_block(inngest *jobs, uint32_t block, uint32_t *end, uint32_t *reclaimed)
{
    uint32_t offset = BLOCK_HEADER;
    bool in_group = false;
    record r;
    *end = 0;
    if (jobs->port->idle) jobs->port->idle(jobs->port->context);
    while (offset + 12 <= jobs->port->block_size) {
        if (!read_record(jobs, position_at(jobs, block, offset), &r)) {
            offset += 1u << jobs->unit_shift;
            in_group = false;
            continue;
        }
        offset += record_bytes(jobs, &r);
        *end = offset;
        if (!in_group && !group_is_whole(jobs, &r)) { count(&jobs->counters.torn); continue; }
        if (!in_group) jobs->newest = r.position;
        in_group = (r.flags & MORE) != 0;
        INNGEST_TRY(apply_record(jobs, &r, reclaimed));
    }
    return INNGEST_OK;
}

/* After an unclean stop: put nothing right behind what may be torn, and write the newest group again, whose
 * cells may be half programmed, before anything acts on it. */
static inngest_status settle(inngest *jobs, uint32_t end, bool any)
{
    uint32_t position = jobs->newest, bytes = 0;
    record r;
    if (end == 0) end = BLOCK_HEADER;
    if (!port_blank(jobs, jobs->head_block, end, jobs->port->block_size - end)) {
        jobs->head_offset = jobs->port->block_size;
        count(&jobs->counters.torn);
    } else jobs->head_offset = end + (1u << jobs->unit_shift);
    if (!any) return INNGEST_OK;
    do {
        if (!read_record(jobs, position, &r)) return INNGEST_OK;
        bytes += round_up(jobs, 16u + r.size);
        position += record_bytes(jobs, &r) >> jobs->unit_shift;
    } while (r.flags & MORE);
    position = jobs->newest;
    if (!advance(jobs, bytes, 0)) return INNGEST_OK;   /* it stands in a block that is full and was left behind */
    do {
        if (!read_record(jobs, position, &r)) return INNGEST_OK;
        INNGEST_TRY(copy_record(jobs, &r));
        position += record_bytes(jobs, &r) >> jobs->unit_shift;
    } while (r.flags & MORE);
    return port_sync(jobs);
}

static inngest_status format_if_blank(inngest *jobs, uint32_t seed)
{
    uint32_t place;
    for (place = 0; place < jobs->port->block_count; place++) {
        uint32_t from = place == 0 ? BLOCK_HEADER : 0;      /* a first header may be torn */
        if (!port_blank(jobs, place, from, jobs->port->block_size - from)) return INNGEST_ERR_FOREIGN;
    }
    jobs->format = crc32(seed, (const uint8_t *)"format", 6);
    jobs->last_block = jobs->port->block_count;
    jobs->tail_block = jobs->last_block;
    return prepare_block(jobs, jobs->last_block);
}

static inngest_status mount(inngest *jobs, uint32_t seed)
{
    uint32_t place, block, format, end = 0, this_end, reclaimed = 0, blocks = 0, oldest;
    inngest_status status;
    for (place = 0; place < jobs->port->block_count; place++) {
        status = read_block_header(jobs, place, &block, &format);
        if (status == INNGEST_ERR_NOT_FOUND) continue;
        INNGEST_TRY(status);
        if (blocks++ == 0 || (int32_t)(block - jobs->last_block) > 0) {
            jobs->last_block = block;
            jobs->format = format;
        }
    }
    if (blocks == 0) INNGEST_TRY(format_if_blank(jobs, seed));
    oldest = jobs->last_block + 1 - jobs->port->block_count;
    if ((int32_t)(oldest - jobs->port->block_count) < 0) oldest = jobs->port->block_count;
    jobs->tail_block = jobs->head_block = oldest;
    for (block = oldest; (int32_t)(block - jobs->last_block) <= 0; block++) {
        INNGEST_TRY(scan_block(jobs, block, &this_end, &reclaimed));
        if (this_end == 0 && port_blank(jobs, block, BLOCK_HEADER, jobs->port->block_size - BLOCK_HEADER)) continue;
        jobs->head_block = block;
        end = this_end;
    }
    if ((int32_t)(reclaimed - oldest) > 0 && reclaimed - oldest < jobs->port->block_count) jobs->tail_block = reclaimed;
    while (jobs->last_block + 1 - jobs->tail_block < jobs->port->block_count) {
        INNGEST_TRY(prepare_block(jobs, jobs->last_block + 1));
        jobs->last_block++;
    }
    return settle(jobs, end, jobs->newest != 0);
}

/* The room a run used, from its records; one whose records are damaged is parked. */
static void check_runs(inngest *jobs)
{
    uint16_t i;
    record r;
    for (i = 0; i < jobs->run_count; i++) {
        inngest_run *run = &jobs->runs[i];
        uint32_t position = run->last;
        if (run->number == 0) continue;
        while ((int32_t)(block_of(jobs, position) - jobs->tail_block) >= 0) {
            if (!read_record(jobs, position, &r) || r.run != (run->number & STEP_MASK)) {
                run->state = INNGEST_WAIT_DAMAGE;
                run->deadline = NEVER;
                count(&jobs->counters.damaged);
                break;
            }
            run->used += record_bytes(jobs, &r);
            if (r.kind == FAILING) run->flags = INNGEST_PHASE_ON_FAILURE;
            if (r.link == 0) break;
            position -= r.link;
        }
    }
}
