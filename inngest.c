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
 *  11  Life and inspection
 *  12  JSON
 *  13  Text */
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

/* Make the head have room for so many bytes. The last erased block is reclaim's alone: after a cut all in it are
 * copies, so that it can be erased and the reclaim started over. */
static inngest_status room(inngest *jobs, uint32_t bytes)
{
    uint32_t spare = jobs->port->block_count < 4 ? 1 : 2, tries;
    if (bytes > jobs->port->block_size - BLOCK_HEADER) return INNGEST_ERR_EVENT_SIZE;
    for (tries = 0; tries < 3 * jobs->port->block_count; tries++) {
        if (jobs->last_block != jobs->head_block && advance(jobs, bytes, spare)) return INNGEST_OK;
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
    if (jobs->head_block == jobs->last_block && jobs->tail_block != jobs->last_block && (int32_t)(reclaimed - oldest) <= 0) {
        /* Only reclaim enters the last erased block, and it was cut short: all in there are copies. Start it over. */
        INNGEST_TRY(prepare_block(jobs, jobs->last_block));
        return INNGEST_PAUSED;
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
            if (is_live(jobs, &r)) run->used += record_bytes(jobs, &r);
            if (r.kind == FAILING) run->flags = INNGEST_PHASE_ON_FAILURE;
            if (r.link == 0) break;
            position -= r.link;
        }
    }
}

/* ---- 7 Runs: step lookup --------------------------------------------------------------------------------------------- */

static uint64_t run_id(const inngest *jobs, const inngest_run *run) { return (uint64_t)jobs->format << 32 | run->number; }

static void set_error(inngest_ctx *ctx, inngest_status status, int32_t code, const char *message)
{
    size_t size = message ? strlen(message) : 0;
    if (size > INNGEST_MESSAGE_BYTES) size = INNGEST_MESSAGE_BYTES;
    ctx->error.status = status;
    ctx->error.code = code;
    if (size) memcpy(ctx->error.message, message, size);
    ctx->error.message[size] = 0;
}

/* A mistake: the run fails, whatever the handler does. */
static inngest_status mistake(inngest_ctx *ctx, inngest_status status, const char *id)
{
    set_error(ctx, status, 0, id);
    ctx->stopped = status;
    return status;
}

static inngest_status park(inngest_ctx *ctx, inngest_wait why)
{
    ctx->run->state = (uint8_t)why;
    ctx->wake = NEVER;
    return ctx->stopped = INNGEST_PAUSED;
}

static inngest_status wait_until(inngest_ctx *ctx, inngest_wait why, int64_t when)
{
    ctx->run->state = (uint8_t)why;
    ctx->run->attempt = ctx->attempt;
    if (when < ctx->wake) ctx->wake = when;
    return ctx->stopped = INNGEST_PAUSED;
}

/* The step's identity: hash of the id plus its occurrence in this pass. Ids whose ranges touch are refused. */
static inngest_status identify(inngest_ctx *ctx, const char *id)
{
    inngest *jobs = ctx->jobs;
    uint32_t hash;
    uint16_t i, found = ctx->id_count;
    if (id == NULL || id[0] == 0) return mistake(ctx, INNGEST_ERR_STEP_ID, "");
    hash = hash_text(ctx->run->flags == INNGEST_PHASE_ON_FAILURE ? HASH_SEED * 16777619u : HASH_SEED, id);
    for (i = 0; i < ctx->id_count; i++) if (jobs->pass_ids[i] == hash) found = i;
    if (found == INNGEST_STEP_IDS) return mistake(ctx, INNGEST_ERR_STEP_IDS, id);
    if (found == ctx->id_count) {
        jobs->pass_ids[ctx->id_count] = hash;
        jobs->pass_counts[ctx->id_count++] = 0;
    }
    ctx->step = (hash + jobs->pass_counts[found]++) & STEP_MASK;
    for (i = 0; i < ctx->id_count; i++)
        if (i != found && ((ctx->step - jobs->pass_ids[i]) & STEP_MASK) < jobs->pass_counts[i]) return mistake(ctx, INNGEST_ERR_STEP_ID, id);
    if (ctx->step == 0) ctx->step = 1;               /* 0 is the handler's own */
    return INNGEST_OK;
}

static bool has_room(const inngest_ctx *ctx, uint32_t bytes)
{
    return ctx->run->used + bytes + END_ROOM <= ctx->run->reserved * 4u;
}

/* Write a record of this step. A port that fails, or a journal without room, pauses the run. */
static inngest_status commit(inngest_ctx *ctx, unsigned kind, const void *data, uint32_t size)
{
    source s = { NULL, NULL, 0, NULL };
    uint32_t used = ctx->run->used;
    s.first = data;
    s.first_size = size;
    if ((kind & 31) == RESULT || (kind & 31) == SLEEP)
        if (!has_room(ctx, round_up(ctx->jobs, 16 + size))) return mistake(ctx, INNGEST_ERR_RUN_BYTES, ctx->id);
    if (write_record(ctx->jobs, ctx->run, kind, ctx->step, &s, size) != INNGEST_OK) return wait_until(ctx, INNGEST_WAIT_ROOM, ctx->jobs->now);
    if (ctx->attempt > 0 || (kind & 31) == SLEPT) ctx->run->used = used + (ctx->attempt < 2 ? 16 + size : 0);
    if (ctx->jobs->port->sync == NULL) return INNGEST_OK;
    return wait_until(ctx, INNGEST_WAIT_NONE, ctx->jobs->now);
}

static inngest_status commit_times(inngest_ctx *ctx, unsigned kind, int64_t due, uint32_t size)
{
    uint8_t b[17];
    put(b, (uint64_t)due, 8);
    put(b + 8, (uint64_t)ctx->jobs->now, 8);
    b[16] = (uint8_t)(ctx->attempt + 1);
    ctx->jobs->stamp = ctx->jobs->now;
    return commit(ctx, kind, b, size);
}

static inngest_status commit_error(inngest_ctx *ctx, unsigned kind)
{
    uint8_t b[8 + INNGEST_MESSAGE_BYTES];
    uint32_t size = (uint32_t)strlen(ctx->error.message);
    put(b, (uint64_t)(int64_t)ctx->error.status, 4);
    put(b + 4, (uint64_t)(int64_t)ctx->error.code, 4);
    memcpy(b + 8, ctx->error.message, size);
    return commit(ctx, kind, b, 8 + size);
}

static void load_error(inngest_ctx *ctx, const record *r)
{
    uint8_t b[8 + INNGEST_MESSAGE_BYTES];
    uint32_t size = minimum(r->size, sizeof b);
    if (size < 8 || !read_payload(ctx->jobs, r, 0, b, size)) return;
    ctx->error.status = (inngest_status)(int32_t)(uint32_t)get(b, 4);
    ctx->error.code = (int32_t)(uint32_t)get(b + 4, 4);
    memcpy(ctx->error.message, b + 8, size - 8);
    ctx->error.message[size - 8] = 0;
}

/* ---- 8 Steps ------------------------------------------------------------------------------------------------------------ */

static uint32_t next_random(inngest *jobs)
{
    jobs->random ^= jobs->random << 13;
    jobs->random ^= jobs->random >> 17;
    jobs->random ^= jobs->random << 5;
    return jobs->random;
}

static int64_t backoff(inngest_ctx *ctx)
{
    static const uint16_t table[10] = { 15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200 };   /* Inngest's, in s */
    const inngest_function *f = ctx->function;
    uint32_t jitter = f->jitter_ms == 0 ? 30000 : f->jitter_ms == INNGEST_NO_JITTER ? 0 : f->jitter_ms;
    uint32_t seconds = f->backoff ? f->backoff[ctx->attempt < f->backoff_count ? ctx->attempt : f->backoff_count - 1]
                                  : table[ctx->attempt < 10 ? ctx->attempt : 9];
    return (int64_t)seconds * 1000 + (jitter ? next_random(ctx->jobs) % jitter : 0);
}

static int max_attempts(const inngest_ctx *ctx)
{
    if (ctx->run->flags == INNGEST_PHASE_ON_FAILURE) return 2;   /* as Inngest's: one retry */
    return ctx->function->max_attempts ? ctx->function->max_attempts : 5;
}

static void tell_step(inngest_ctx *ctx, inngest_status status, int64_t retry_in)
{
    const inngest_hooks *hooks = ctx->jobs->hooks;
    if (hooks && hooks->step_end) hooks->step_end(ctx->jobs->user, run_id(ctx->jobs, ctx->run), ctx->id, ctx->attempt, status, retry_in);
}

/* An attempt of the open step, or of the handler (step 0), failed. */
static inngest_status attempt_failed(inngest_ctx *ctx, inngest_status status)
{
    int64_t in = ctx->retry_in >= 0 ? ctx->retry_in : backoff(ctx);
    bool last = status != INNGEST_RETRY || ctx->attempt + 1 >= max_attempts(ctx);
    ctx->retry_in = -1;
    if (ctx->error.status == INNGEST_OK) set_error(ctx, INNGEST_FAIL, 0, ctx->id);
    if (ctx->step) {
        count(&ctx->jobs->counters.steps_failed);
        tell_step(ctx, last ? INNGEST_STEP_FAILED : INNGEST_RETRY, last ? -1 : in);
    }
    if (last) {
        if (ctx->step == 0) return INNGEST_FAIL;
        INNGEST_TRY(commit_error(ctx, FAILED));
        return INNGEST_STEP_FAILED;
    }
    status = commit_times(ctx, ATTEMPT, ctx->jobs->now + in, 17);
    if ((int)status < 0) return status;
    ctx->attempt++;
    ctx->wake = NEVER;
    return wait_until(ctx, INNGEST_WAIT_RETRY, ctx->jobs->now + in);
}

/* Common to all steps: identity, then what the journal knows. BODY: nothing decided, go on. */
static inngest_status enter_step(inngest_ctx *ctx, const char *id, unsigned kind, record *r)
{
    inngest_status status;
    uint8_t b[17];
    if (ctx->open) return mistake(ctx, ctx->in_body ? INNGEST_ERR_NESTED : INNGEST_ERR_STEP_LEFT, ctx->id);
    if (ctx->stopped != INNGEST_OK) return ctx->stopped;
    INNGEST_TRY(identify(ctx, id));
    ctx->id = id;
    ctx->attempt = 0;
    status = find_record(ctx->jobs, ctx->run, RESULT, ctx->step, r);
    if (status == INNGEST_ERR_READ) return park(ctx, INNGEST_WAIT_DAMAGE);
    if (status != INNGEST_OK) { r->kind = 0; return INNGEST_BODY; }
    if (r->kind == FAILED) {
        load_error(ctx, r);
        status = INNGEST_STEP_FAILED;
    } else if (r->kind == ATTEMPT) {
        if (kind != RESULT) return park(ctx, INNGEST_WAIT_MEMO);
        if (r->size != 17 || !read_payload(ctx->jobs, r, 0, b, 17)) return park(ctx, INNGEST_WAIT_DAMAGE);
        ctx->attempt = b[16];
        if ((int64_t)get(b, 8) > ctx->jobs->now) return wait_until(ctx, INNGEST_WAIT_RETRY, (int64_t)get(b, 8));
        return INNGEST_BODY;
    } else if (r->kind == SLEEP) return kind == SLEPT ? INNGEST_BODY : park(ctx, INNGEST_WAIT_MEMO);
    else if (r->kind != kind) return park(ctx, INNGEST_WAIT_MEMO);
    count(&ctx->jobs->counters.memos);
    if (ctx->jobs->hooks && ctx->jobs->hooks->step_memo)
        ctx->jobs->hooks->step_memo(ctx->jobs->user, run_id(ctx->jobs, ctx->run), id, status);
    return status;
}

static inngest_status begin_step(inngest_ctx *ctx, const char *id, void *result, size_t size, bool in_body)
{
    record r;
    inngest_status status;
    if (size > INNGEST_RESULT_BYTES) return mistake(ctx, INNGEST_ERR_RESULT_SIZE, id);
    if (result == NULL && size > 0) return mistake(ctx, INNGEST_ERR_ARGUMENT, id);
    status = enter_step(ctx, id, RESULT, &r);
    if (status == INNGEST_OK && r.size > size) return park(ctx, INNGEST_WAIT_MEMO);
    if (status == INNGEST_OK && !read_payload(ctx->jobs, &r, 0, result, r.size)) return park(ctx, INNGEST_WAIT_DAMAGE);
    if (status == INNGEST_OK && size > r.size) memset((uint8_t *)result + r.size, 0, size - r.size);
    if (status != INNGEST_BODY) return status;
    if (size) memset(result, 0, size);
    ctx->result = result;
    ctx->size = size;
    ctx->open = true;
    ctx->in_body = in_body;
    set_error(ctx, INNGEST_OK, 0, NULL);
    count(&ctx->jobs->counters.steps_run);
    if (ctx->jobs->hooks && ctx->jobs->hooks->step_start)
        ctx->jobs->hooks->step_start(ctx->jobs->user, run_id(ctx->jobs, ctx->run), id, ctx->attempt);
    return INNGEST_BODY;
}

static inngest_status close_step(inngest_ctx *ctx, inngest_status status)
{
    ctx->open = false;
    ctx->in_body = false;
    if (ctx->stopped != INNGEST_OK) return ctx->stopped;
    if (status == INNGEST_OK) {
        tell_step(ctx, INNGEST_OK, -1);
        return commit(ctx, RESULT, ctx->result, (uint32_t)ctx->size);
    }
    if (status == INNGEST_RETRY || status == INNGEST_FAIL) return attempt_failed(ctx, status);
    return mistake(ctx, INNGEST_ERR_STATUS, ctx->id);
}

inngest_status inngest_step_begin_(inngest_ctx *ctx, const char *id, void *result, size_t size) { return begin_step(ctx, id, result, size, false); }
inngest_status inngest_step_end_(inngest_ctx *ctx) { return close_step(ctx, INNGEST_OK); }

inngest_status inngest_step_run(inngest_ctx *ctx, const char *id, inngest_step_fn *fn, const void *arg, void *result, size_t size)
{
    inngest_status status = begin_step(ctx, id, result, size, true);
    return status == INNGEST_BODY ? close_step(ctx, fn(ctx, arg, result)) : status;
}

static inngest_status sleep_step(inngest_ctx *ctx, const char *id, int64_t due, unsigned flag)
{
    record r;
    uint8_t b[16];
    inngest *jobs = ctx->jobs;
    inngest_status status = enter_step(ctx, id, SLEPT, &r);
    if (status != INNGEST_BODY) return status;
    if (r.kind == SLEEP) {
        if (r.size != 16 || !read_payload(jobs, &r, 0, b, 16)) return park(ctx, INNGEST_WAIT_DAMAGE);
        due = (int64_t)get(b, 8);
        flag = r.flags & FLAG;
    } else {
        status = commit_times(ctx, SLEEP | flag, due, 16);
        if (status != INNGEST_OK) return status;
    }
    if (flag && !jobs->wall_known) return wait_until(ctx, INNGEST_WAIT_CLOCK, NEVER);
    if (flag) due -= jobs->wall_offset;
    if (due > jobs->now) return wait_until(ctx, INNGEST_WAIT_SLEEP, due);
    return commit(ctx, SLEPT, NULL, 0);
}

inngest_status inngest_step_sleep(inngest_ctx *ctx, const char *id, int64_t ms)
{
    if (ms < 0 || ms > INNGEST_DAYS(366)) return mistake(ctx, INNGEST_ERR_ARGUMENT, id);
    return sleep_step(ctx, id, ctx->jobs->now + ms, 0);
}

inngest_status inngest_step_sleep_until(inngest_ctx *ctx, const char *id, int64_t unix_ms)
{
    if (unix_ms < 0) return mistake(ctx, INNGEST_ERR_ARGUMENT, id);
    return sleep_step(ctx, id, unix_ms, FLAG);
}

inngest_status inngest_retry(inngest_ctx *ctx, int32_t code, const char *message)
{
    set_error(ctx, INNGEST_FAIL, code, message);
    return INNGEST_RETRY;
}

inngest_status inngest_retry_after(inngest_ctx *ctx, int64_t ms, int32_t code, const char *message)
{
    ctx->retry_in = ms < 1000 ? 1000 : ms > INNGEST_DAYS(1) ? INNGEST_DAYS(1) : ms;   /* Inngest's clamp */
    return inngest_retry(ctx, code, message);
}

inngest_status inngest_fail(inngest_ctx *ctx, int32_t code, const char *message)
{
    set_error(ctx, INNGEST_FAIL, code, message);
    return INNGEST_FAIL;
}

void *inngest_user(const inngest_ctx *ctx) { return ctx->jobs->user; }
int inngest_attempt(const inngest_ctx *ctx) { return ctx->attempt; }
uint64_t inngest_run_id(const inngest_ctx *ctx) { return run_id(ctx->jobs, ctx->run); }

static bool find_event(const inngest_ctx *ctx, record *r, uint32_t *from)
{
    uint8_t name;
    if (find_record(ctx->jobs, ctx->run, START, 0, r) != INNGEST_OK || !read_payload(ctx->jobs, r, 16, &name, 1)) return false;
    *from = 17u + name;
    return *from <= r->size;
}

size_t inngest_event_size(const inngest_ctx *ctx)
{
    record r;
    uint32_t from;
    return find_event(ctx, &r, &from) ? r.size - from : 0;
}

inngest_status inngest_event_data(inngest_ctx *ctx, void *out, size_t size)
{
    record r;
    uint32_t from;
    if (out == NULL && size) return INNGEST_ERR_ARGUMENT;
    if (!find_event(ctx, &r, &from)) return park(ctx, INNGEST_WAIT_DAMAGE);
    if (r.size - from > size) return INNGEST_ERR_TOO_LONG;
    if (!read_payload(ctx->jobs, &r, from, out, r.size - from)) return park(ctx, INNGEST_WAIT_DAMAGE);
    if (size > r.size - from) memset((uint8_t *)out + (r.size - from), 0, size - (r.size - from));
    return INNGEST_OK;
}

/* ---- 9 Events: table of functions, admission ---------------------------------------------------------------------------- */

static bool matches(const char *pattern, const char *name, size_t size)
{
    size_t n = strlen(pattern);
    if (pattern[n - 1] == '*') return size >= n && memcmp(pattern, name, n - 1) == 0;
    return n == size && memcmp(pattern, name, n) == 0;
}

static inngest_status check_table(const inngest_config *c, uint16_t *index)
{
    uint16_t i, k, fits;
    for (i = 0; i < c->function_count; i++) {
        const inngest_function *f = &c->functions[i];
        const char *star = f->event ? strchr(f->event, '*') : NULL;
        *index = i;
        if (f->id == NULL || f->id[0] == 0) return INNGEST_ERR_TABLE_ID;
        if (f->event == NULL || f->event[0] == 0) return INNGEST_ERR_TABLE_EVENT;
        if (star && (star[1] != 0 || star == f->event || (star[-1] != '/' && star[-1] != '.'))) return INNGEST_ERR_TABLE_EVENT;
        if (f->handler == NULL) return INNGEST_ERR_TABLE_HANDLER;
        if ((f->backoff == NULL) != (f->backoff_count == 0)) return INNGEST_ERR_TABLE_BACKOFF;
        for (k = 0; k < i; k++)
            if (hash_text(HASH_SEED, c->functions[k].id) == hash_text(HASH_SEED, f->id)) return INNGEST_ERR_TABLE_DOUBLE;
        for (k = 0, fits = 0; k < c->function_count; k++)
            if (c->functions[k].event && c->functions[k].event[0] && matches(c->functions[k].event, f->event, strlen(f->event))) fits++;
        if (fits > INNGEST_FAN_OUT) return INNGEST_ERR_TABLE_FAN_OUT;
    }
    return INNGEST_OK;
}

static bool seen_before(const inngest *jobs, const inngest_slot *slot, bool *full)
{
    unsigned i;
    *full = slot->id_hash[1] != 0;
    for (i = 0; slot->id_hash[1] && i < INNGEST_SEEN_IDS; i++) {
        const inngest_seen *seen = &jobs->seen[i];
        if (!seen->valid || seen->until <= jobs->now) *full = false;
        else if (seen->hash[0] == slot->id_hash[0] && seen->hash[1] == slot->id_hash[1]) return true;
    }
    return false;
}

/* Journal an event, the runs it starts and its id as one group; nothing of it if there is no room for all. */
static inngest_status admit(inngest *jobs, const inngest_slot *slot)
{
    uint16_t chosen[INNGEST_FAN_OUT], i, n = 0, k, unused = 0;
    const char *name = slot->name ? slot->name : (const char *)slot->data;
    const uint8_t *data = slot->data + (slot->name ? 0 : slot->name_size);
    uint8_t head[17 + 255], b[16];
    uint32_t payload = 17u + slot->name_size + slot->size, bytes = round_up(jobs, 16 + payload), need = 0;
    uint32_t seen_at = 0;
    inngest_run *started[INNGEST_FAN_OUT];
    inngest_status status;
    bool full;
    source s = { NULL, NULL, 0, NULL };
    if (seen_before(jobs, slot, &full)) { count(&jobs->counters.duplicates); return INNGEST_OK; }
    for (i = 0; i < jobs->function_count && n < INNGEST_FAN_OUT; i++) {
        const inngest_function *f = &jobs->functions[i];
        if (!matches(f->event, name, slot->name_size) || (f->when && !f->when(jobs->user, data, slot->size))) continue;
        need += reservation(jobs, i, bytes) * 4u;
        chosen[n++] = i;
    }
    if (n == 0) { count(&jobs->counters.unmatched); return INNGEST_OK; }
    for (i = 0; i < jobs->run_count; i++) unused = (uint16_t)(unused + (jobs->runs[i].number == 0));
    if (unused < n) { count(&jobs->counters.waiting_runs); return INNGEST_ERR_RUNS_FULL; }
    if (jobs->reserved + need > jobs->capacity) { count(&jobs->counters.waiting_journal); return INNGEST_ERR_JOURNAL_FULL; }
    if (full) { count(&jobs->counters.waiting_seen); return INNGEST_ERR_SEEN_FULL; }
    INNGEST_TRY(room(jobs, bytes * n + (slot->id_hash[1] ? round_up(jobs, 32) : 0)));
    if (slot->id_hash[1]) {
        record r;
        memset(&r, 0, sizeof r);
        put(b, slot->id_hash[0], 4);
        put(b + 4, slot->id_hash[1], 4);
        put(b + 8, (uint64_t)(jobs->now + INNGEST_SEEN_MS), 8);
        r.kind = SEEN;
        r.flags = MORE;
        r.size = 16;
        s.first = b;
        s.first_size = 16;
        INNGEST_TRY(append(jobs, &r, &s));
        seen_at = r.position;
    }
    for (k = 0; k < n; k++) {
        inngest_run *run = free_run(jobs);
        uint32_t hash = hash_text(HASH_SEED, jobs->functions[chosen[k]].id);
        record r;
        memset(&r, 0, sizeof r);
        while ((jobs->next_run & STEP_MASK) == 0 || find_run(jobs, jobs->next_run & STEP_MASK)) jobs->next_run++;
        put(head, jobs->next_run, 4);
        put(head + 4, hash, 4);
        put(head + 8, (uint64_t)slot->ts, 8);
        head[16] = slot->name_size;
        memcpy(head + 17, name, slot->name_size);
        s.first = head;
        s.first_size = 17u + slot->name_size;
        s.second = data;
        r.kind = START;
        r.flags = k + 1 < n ? MORE : 0;
        r.run = jobs->next_run & STEP_MASK;
        r.size = (uint16_t)payload;
        status = append(jobs, &r, &s);
        if (status != INNGEST_OK) {                  /* the group is void: nothing of it happened */
            while (k-- > 0) free_the_run(jobs, started[k]);
            return status;
        }
        started[k] = run;
        fill_run(jobs, run, jobs->next_run++, hash, r.position, bytes);
        run->used = bytes;
        count(&jobs->counters.runs_started);
        if (slot->ts && jobs->wall_known && slot->ts - jobs->wall_offset > jobs->now) {
            run->deadline = slot->ts - jobs->wall_offset;
            run->state = INNGEST_WAIT_SLEEP;
        }
    }
    if (slot->id_hash[1]) remember(jobs, slot->id_hash[0], slot->id_hash[1], jobs->now + INNGEST_SEEN_MS, seen_at);
    count(&jobs->counters.events);
    return INNGEST_OK;
}

static inngest_status drain(inngest *jobs)
{
    for (;;) {
        inngest_slot *slot = &jobs->slots[jobs->head & jobs->slot_mask];
        if (LOAD(&slot->sequence) != jobs->head + 1) {
            if (LOAD(&jobs->tail) != jobs->head) count(&jobs->counters.unpublished);
            return INNGEST_OK;
        }
        INNGEST_TRY(admit(jobs, slot));
        STORE(&slot->sequence, jobs->head + jobs->slot_mask + 1u);
        jobs->head++;
    }
}

/* ---- 10 Tick and passes --------------------------------------------------------------------------------------------------- */

static void tell_end(inngest_ctx *ctx, inngest_status status)
{
    inngest_end_info info;
    if (ctx->jobs->hooks == NULL || ctx->jobs->hooks->run_end == NULL) return;
    info.id = run_id(ctx->jobs, ctx->run);
    info.function = ctx->function->id;
    info.status = status;
    info.error = status == INNGEST_OK ? NULL : &ctx->error;
    ctx->jobs->hooks->run_end(ctx->jobs->user, &info);
}

static void end_run(inngest_ctx *ctx, inngest_status status)
{
    source s = { NULL, NULL, 0, NULL };
    inngest *jobs = ctx->jobs;
    tell_end(ctx, status);
    if (write_record(jobs, ctx->run, END, 0, &s, 0) != INNGEST_OK) {
        ctx->run->state = INNGEST_WAIT_ROOM;
        return;
    }
    count(&jobs->counters.runs_ended);
    if (status != INNGEST_OK) count(&jobs->counters.runs_failed);
    free_the_run(jobs, ctx->run);
}

static void fail_run(inngest_ctx *ctx)
{
    if (ctx->run->flags == INNGEST_PHASE_HANDLER && ctx->function->on_failure) {
        ctx->step = 0;
        ctx->stopped = INNGEST_OK;
        ctx->attempt = 0;
        if ((int)commit_error(ctx, FAILING) >= 0 && ctx->run->state != INNGEST_WAIT_ROOM) ctx->run->flags = INNGEST_PHASE_ON_FAILURE;
        ctx->run->deadline = ctx->jobs->now;
    } else end_run(ctx, INNGEST_FAIL);
}

/* Judge what a handler gave. */
static void judge(inngest_ctx *ctx, inngest_status status)
{
    if (ctx->open && !ctx->in_body && (status == INNGEST_RETRY || status == INNGEST_FAIL)) {
        status = close_step(ctx, status);            /* return RETRY out of an inline body */
        if (status == INNGEST_STEP_FAILED) { fail_run(ctx); return; }
    } else if (ctx->open) status = mistake(ctx, INNGEST_ERR_STEP_LEFT, ctx->id);
    if ((int)ctx->stopped < 0) { fail_run(ctx); return; }
    if (ctx->stopped == INNGEST_PAUSED) {
        ctx->run->deadline = ctx->wake;
        return;
    }
    if (status == INNGEST_OK) { end_run(ctx, INNGEST_OK); return; }
    if (status == INNGEST_RETRY) {
        record r;
        uint8_t attempt = 0;
        ctx->step = 0;
        ctx->id = "";
        if (find_record(ctx->jobs, ctx->run, RESULT, 0, &r) == INNGEST_OK) (void)read_payload(ctx->jobs, &r, 16, &attempt, 1);
        ctx->attempt = attempt;
        if (attempt_failed(ctx, status) == INNGEST_FAIL) fail_run(ctx);
        else ctx->run->deadline = ctx->wake;
        return;
    }
    if (ctx->error.status == INNGEST_OK)
        set_error(ctx, (int)status < -256 || status == INNGEST_FAIL ? status : INNGEST_ERR_STATUS, 0, ctx->id);
    fail_run(ctx);
}

static void pass(inngest *jobs, inngest_run *run)
{
    inngest_ctx ctx;
    const inngest_hooks *hooks = jobs->hooks;
    uint64_t id = run_id(jobs, run);
    record r;
    inngest_handler *handler;
    memset(&ctx, 0, sizeof ctx);
    ctx.jobs = jobs;
    ctx.run = run;
    ctx.function = &jobs->functions[run->function];
    ctx.wake = NEVER;
    ctx.retry_in = -1;
    ctx.id = "";
    run->state = INNGEST_WAIT_NONE;
    if (run->flags == INNGEST_PHASE_ON_FAILURE && find_record(jobs, run, FAILING, 0, &r) == INNGEST_OK) load_error(&ctx, &r);
    handler = run->flags == INNGEST_PHASE_ON_FAILURE ? ctx.function->on_failure : ctx.function->handler;
    if (handler == NULL) { end_run(&ctx, INNGEST_FAIL); return; }
    if (hooks && hooks->run_start) hooks->run_start(jobs->user, id, ctx.function->id);
    jobs->busy = true;
    judge(&ctx, handler(&ctx));
    jobs->busy = false;
    if (run->number && hooks && hooks->run_pause) hooks->run_pause(jobs->user, id, INNGEST_PAUSED);
    if (run->number && run->flags == INNGEST_PHASE_ON_FAILURE && handler == ctx.function->handler) run->deadline = jobs->now;
}

static void advance_time(inngest *jobs, uint32_t now_ms)
{
    if (jobs->ticked) jobs->now += (uint32_t)(now_ms - jobs->last_tick);   /* the first call only sets the base */
    jobs->ticked = true;
    jobs->last_tick = now_ms;
}

static uint32_t next_deadline(const inngest *jobs)
{
    int64_t first = NEVER;
    uint16_t i;
    for (i = 0; i < jobs->run_count; i++)
        if (jobs->runs[i].number && jobs->runs[i].deadline < first) first = jobs->runs[i].deadline;
    if (first == NEVER) return UINT32_MAX;
    if (first <= jobs->now) return 0;
    return first - jobs->now > INNGEST_HEARTBEAT_MS ? INNGEST_HEARTBEAT_MS : (uint32_t)(first - jobs->now);
}

uint32_t inngest_tick(inngest *jobs, uint32_t now_ms)
{
    uint16_t i, passes = 0;
    bool again = true;
    if (jobs == NULL || jobs->ready != MAGIC || jobs->busy) return UINT32_MAX;
    advance_time(jobs, now_ms);
    if (jobs->failed) return UINT32_MAX;
    if (jobs->port->may_write && !jobs->port->may_write(jobs->port->context)) { count(&jobs->counters.put_off); return 1000; }
    while (again && passes < INNGEST_TICK_PASSES) {
        again = false;
        (void)drain(jobs);
        if (port_sync(jobs) != INNGEST_OK) return UINT32_MAX;
        for (i = 0; i < jobs->run_count && passes < INNGEST_TICK_PASSES; i++) {
            inngest_run *run = &jobs->runs[jobs->turn];
            jobs->turn = (uint16_t)(jobs->turn + 1 < jobs->run_count ? jobs->turn + 1 : 0);
            if (run->number == 0 || run->deadline > jobs->now) continue;
            if (run->state == INNGEST_WAIT_ROOM && jobs->failure != INNGEST_OK && passes) continue;
            pass(jobs, run);
            passes++;
            if (run->state != INNGEST_WAIT_ROOM) again = true;
        }
    }
    if (next_deadline(jobs) != UINT32_MAX && jobs->now - jobs->stamp >= INNGEST_HEARTBEAT_MS) (void)write_time(jobs);
    if (port_sync(jobs) != INNGEST_OK) return UINT32_MAX;
    return next_deadline(jobs);
}

inngest_status inngest_flush(inngest *jobs)
{
    inngest_status status;
    if (jobs == NULL || jobs->ready != MAGIC) return INNGEST_ERR_NOT_READY;
    if (jobs->busy) return INNGEST_ERR_BUSY;
    if (jobs->failed) return INNGEST_ERR_SYNC;
    status = drain(jobs);
    INNGEST_TRY(port_sync(jobs));
    return status;
}

/* ---- 11 Life and inspection --------------------------------------------------------------------------------------------------- */

void inngest_set_wall_clock(inngest *jobs, int64_t unix_ms)
{
    uint16_t i;
    int64_t off;
    if (jobs == NULL || jobs->ready != MAGIC || unix_ms <= 0) return;
    if (!jobs->wall_set && jobs->time_wall > 0) {       /* time spent off: known on both sides */
        off = (unix_ms - jobs->time_wall) - (jobs->now - jobs->time_now);
        if (off > 0) jobs->now += off;
    }
    jobs->wall_known = true;
    jobs->wall_offset = unix_ms - jobs->now;
    for (i = 0; i < jobs->run_count; i++)
        if (jobs->runs[i].state == INNGEST_WAIT_CLOCK || jobs->runs[i].state == INNGEST_WAIT_SLEEP) jobs->runs[i].deadline = jobs->now;
    if (!jobs->wall_set) (void)write_time(jobs);
    jobs->wall_set = true;
}

inngest_status inngest_format(const inngest_port *port)
{
    uint32_t i;
    int result;
    if (port == NULL || port->erase == NULL) return INNGEST_ERR_ARGUMENT;
    for (i = 0; i < port->block_count; i++) {
        do result = port->erase(port->context, i * port->block_size); while (result == INNGEST_PORT_BUSY);
        if (result != 0) return INNGEST_ERR_ERASE;
    }
    return INNGEST_OK;
}

static inngest_status check_geometry(const inngest_port *p)
{
    if (p->read == NULL || p->program == NULL || p->erase == NULL) return INNGEST_ERR_ARGUMENT;
    if (p->block_size < 512 || p->block_size > 131072 || (p->block_size & (p->block_size - 1)) != 0) return INNGEST_ERR_GEOMETRY;
    if (p->block_count < 2 || p->block_count > 65535 || p->block_count > UINT32_MAX / p->block_size) return INNGEST_ERR_GEOMETRY;
    if (p->program_size == 0 || p->program_size > 32 || (p->program_size & (p->program_size - 1)) != 0) return INNGEST_ERR_GEOMETRY;
    return INNGEST_OK;
}

inngest_status inngest_init_(inngest *jobs, const inngest_config *config, uint16_t *index, size_t size_of_engine)
{
    uint16_t unused, i;
    uint32_t spare, usable;
    if (index == NULL) index = &unused;
    *index = 0;
    if (jobs == NULL || config == NULL || config->port == NULL || (config->functions == NULL && config->function_count)) return INNGEST_ERR_ARGUMENT;
    if (size_of_engine != sizeof(inngest)) return INNGEST_ERR_MISMATCH;
    INNGEST_TRY(check_geometry(config->port));
    INNGEST_TRY(check_table(config, index));
    if (config->runs == 0 || config->runs > 65534 || config->events < 2 || config->events > 32768 || (config->events & (config->events - 1)) != 0) return INNGEST_ERR_ARGUMENT;
    if (config->memory == NULL || (uintptr_t)config->memory % 8 != 0 || config->memory_size < INNGEST_MEMORY((size_t)config->runs, (size_t)config->events)) return INNGEST_ERR_MEMORY;
    memset(jobs, 0, sizeof *jobs);
    memset(config->memory, 0, INNGEST_MEMORY((size_t)config->runs, (size_t)config->events));
    jobs->functions = config->functions;
    jobs->function_count = config->function_count;
    jobs->port = config->port;
    jobs->hooks = config->hooks;
    jobs->user = config->user;
    jobs->runs = (inngest_run *)config->memory;
    jobs->run_count = config->runs;
    jobs->slots = (inngest_slot *)(void *)(jobs->runs + config->runs);
    jobs->slot_mask = (uint16_t)(config->events - 1);
    for (i = 0; i < config->events; i++) {
        jobs->slots[i].sequence = i;
        jobs->slots[i].claim = i - 1u;
    }
    jobs->random = config->seed | 1u;
    jobs->next_run = 1;
    while ((1u << jobs->block_shift) < config->port->block_size) jobs->block_shift++;
    jobs->unit_shift = 2;
    while ((1u << jobs->unit_shift) < config->port->program_size) jobs->unit_shift++;
    spare = config->port->block_count < 4 ? 1 : config->port->block_count - 2;
    usable = config->port->block_size - BLOCK_HEADER;
    jobs->capacity = (uint32_t)((uint64_t)spare * usable * INNGEST_FILL_PERCENT / 100);
    {
        inngest_status status = mount(jobs, config->seed);
        if (status == INNGEST_PAUSED) {
            memset(jobs->runs, 0, config->runs * sizeof *jobs->runs);
            memset(jobs->seen, 0, sizeof jobs->seen);
            jobs->reserved = jobs->newest = 0;
            status = mount(jobs, config->seed);
        }
        INNGEST_TRY(status);
    }
    check_runs(jobs);
    jobs->stamp = jobs->now;
    jobs->failure = INNGEST_OK;
    jobs->ready = MAGIC;
    return INNGEST_OK;
}

inngest_status inngest_close(inngest *jobs)
{
    inngest_status status;
    if (jobs == NULL || jobs->ready != MAGIC) return INNGEST_ERR_NOT_READY;
    if (jobs->busy) return INNGEST_ERR_BUSY;
    status = inngest_flush(jobs);
    if (!jobs->failed && status == INNGEST_OK) status = write_time(jobs);
    if (!jobs->failed && status == INNGEST_OK) status = port_sync(jobs);
    jobs->ready = 0;
    return status;
}

bool inngest_next_run(const inngest *jobs, uint16_t *cursor, inngest_run_info *info)
{
    if (jobs == NULL || cursor == NULL || info == NULL) return false;
    for (; *cursor < jobs->run_count; (*cursor)++) {
        const inngest_run *run = &jobs->runs[*cursor];
        if (run->number == 0) continue;
        info->id = run_id(jobs, run);
        info->function = run->function == NO_FUNCTION ? NULL : jobs->functions[run->function].id;
        info->phase = (inngest_phase)run->flags;
        info->wait = (inngest_wait)run->state;
        info->attempt = run->attempt;
        info->deadline_in_ms = run->deadline == NEVER ? INT64_MAX : run->deadline - jobs->now;
        info->journal_bytes = run->used;
        info->reserved_bytes = run->reserved * 4u;
        (*cursor)++;
        return true;
    }
    return false;
}

void inngest_get_counters(const inngest *jobs, inngest_counters *out)
{
    if (jobs && out) *out = jobs->counters;
}

const char *inngest_status_name(inngest_status status)
{
#if INNGEST_STATUS_NAMES
#define NAME(name) case INNGEST_##name: return #name;
    switch (status) {
    NAME(OK) NAME(PAUSED) NAME(AGAIN) NAME(PENDING) NAME(RETRY) NAME(FAIL) NAME(BODY) NAME(STEP_FAILED)
    NAME(TIMED_OUT) NAME(LOST) NAME(CANCELLED) NAME(ERR_NOT_FOUND) NAME(ERR_TYPE) NAME(ERR_JSON)
    NAME(ERR_TOO_LONG) NAME(ERR_RANGE) NAME(ERR_DEPTH) NAME(ERR_ARGUMENT) NAME(ERR_NESTED) NAME(ERR_STEP_LEFT)
    NAME(ERR_STATUS) NAME(ERR_STEP_IDS) NAME(ERR_STEP_ID) NAME(ERR_RESULT_SIZE) NAME(ERR_RUN_BYTES)
    NAME(ERR_NOT_IN_STEP) NAME(ERR_CRASHED) NAME(ERR_INTERRUPTED) NAME(ERR_PARALLEL) NAME(ERR_QUEUE_FULL)
    NAME(ERR_EVENT_SIZE) NAME(ERR_NAME) NAME(ERR_NOT_READY) NAME(ERR_STALE_TOKEN) NAME(ERR_JOURNAL_FULL)
    NAME(ERR_RUNS_FULL) NAME(ERR_SEEN_FULL) NAME(ERR_BUSY) NAME(ERR_MEMORY) NAME(ERR_TABLE_ID)
    NAME(ERR_TABLE_DOUBLE) NAME(ERR_TABLE_EVENT) NAME(ERR_TABLE_HANDLER) NAME(ERR_TABLE_FAN_OUT)
    NAME(ERR_TABLE_BYTES) NAME(ERR_TABLE_BACKOFF) NAME(ERR_GEOMETRY) NAME(ERR_FOREIGN) NAME(ERR_VERSION)
    NAME(ERR_OTHER_GEOMETRY) NAME(ERR_MISMATCH) NAME(ERR_READ) NAME(ERR_PROGRAM) NAME(ERR_ERASE) NAME(ERR_SYNC)
    default: break;
    }
#undef NAME
#endif
    (void)status;
    return "";
}

/* ---- 12 JSON ---------------------------------------------------------------------------------------------------------
 *
 * One pass over the text, byte by byte, nothing kept but the kind of each container that is open: a bit each, so
 * there is no recursion. Every reader goes to its value, takes it, and walks on to the end, so a text that is
 * malformed anywhere is refused whatever the path, and a value is given only when all of it was well-formed.
 *
 * The first failure moves the reader to the end of the text, where each further byte reads as 0. No rule of the
 * grammar accepts a 0, so all loops end by themselves and nothing in between has to look. */

#if INNGEST_JSON

#if INNGEST_JSON_DEPTH < 1 || INNGEST_JSON_DEPTH > 255
#error "INNGEST_JSON_DEPTH: 1..255"
#endif
#define WINDOW 32u                     /* bytes read from the journal at once */
#define OBJECTS(r, n) ((r)->objects[INNGEST_JSON_DEPTH > 32 ? (n) / 32 : 0])

enum { JSON_FALSE, JSON_BOOL, JSON_NULL, JSON_NUMBER, JSON_STRING, JSON_COUNT, JSON_OPENED };

typedef struct json_reader {
    uint8_t c;                         /* the byte before at; 0 at the end */
    uint8_t type;                      /* of what was taken last; BOOL is true */
    uint8_t depth;
    bool negative;                     /* is the newest number */
    bool over;                         /* the newest string is too long, or another */
    uint32_t at, size;
    const uint8_t *memory;             /* NULL: the journal, from bytes behind the beginning of a payload */
    inngest *jobs;
    uint32_t from;
    inngest_status status;             /* the first failure */
    /* where a string goes: out, or else compared with text */
    char *out;
    const char *text;
    size_t room;
    /* the part of the path looked for */
    const char *root;                  /* the path, whose first name has no dot; NULL: every name has one */
    const char *key;                   /* NULL: an index */
    size_t key_size;
    uint32_t index;
    int32_t exponent;                  /* the newest number is mantissa * 10^exponent */
    uint64_t mantissa;
    uint32_t objects[(INNGEST_JSON_DEPTH + 31) / 32];   /* which open containers are; the newest in bit 0 */
    record event;
    uint8_t bytes[WINDOW];
} json_reader;

/* Refuse the text, as malformed unless a status is set. */
static void json_stop(json_reader *r)
{
    if (r->status == INNGEST_OK) r->status = INNGEST_ERR_JSON;
    r->at = r->size;
    r->c = 0;
    r->depth = 0;
}

static void json_next(json_reader *r)
{
    uint32_t at = r->at++;
    r->c = 0;
    if (at >= r->size) return;
    if (r->memory) r->c = r->memory[at];
    else if (at % WINDOW || read_payload(r->jobs, &r->event, r->from + at, r->bytes, minimum(WINDOW, r->size - at)))
        r->c = r->bytes[at % WINDOW];
    else {
        r->status = INNGEST_PAUSED;
        json_stop(r);
    }
}

static unsigned json_take(json_reader *r)
{
    unsigned c = r->c;
    json_next(r);
    return c;
}

static bool json_accept(json_reader *r, unsigned c)
{
    if (r->c != c) return false;
    json_next(r);
    return true;
}

static void json_blank(json_reader *r)
{
    while (r->c == ' ' || r->c == '\t' || r->c == '\n' || r->c == '\r') json_next(r);
}

static void json_expect(json_reader *r, unsigned c)
{
    json_blank(r);
    if (!json_accept(r, c)) json_stop(r);
}

static void json_word(json_reader *r, const char *word)
{
    while (*word) if (json_take(r) != (uint8_t)*word++) json_stop(r);
}

static void json_emit(json_reader *r, uint8_t byte)
{
    if (r->room == 0) r->over = true;
    else {
        r->room--;
        if (r->out) *r->out++ = (char)byte;
        else if ((uint8_t)*r->text++ != byte) r->over = true;
    }
}

/* Emit a code point in UTF-8. Gives how many bytes followed the first. */
static unsigned json_emit_code(json_reader *r, uint32_t code)
{
    uint32_t first = 0x7F, bytes = 0;
    unsigned more = 0;
    if (code > 0x10FFFF || code >> 11 == 0xD800 >> 11) json_stop(r);
    for (; code > first; code >>= 6, more++) {
        bytes = (bytes | 0x80 | (code & 0x3F)) << 8;
        first = 0x1F >> more;
    }
    bytes |= (code | ~first << 1) & 0xFF;
    do json_emit(r, (uint8_t)bytes); while (bytes >>= 8);
    return more;
}

static void json_utf8(json_reader *r, uint32_t code)
{
    uint32_t first = code;
    unsigned more = 0;
    if (code < 0xC0 || code > 0xF4) {
        json_stop(r);
        return;
    }
    for (; first & 0x40; first <<= 1, more++) {
        unsigned c = json_take(r) ^ 0x80;
        if (c > 0x3F) json_stop(r);
        code = code << 6 | c;
    }
    if (json_emit_code(r, code & ((0x40u << 5 * more) - 1)) != more) json_stop(r);   /* longer than it need be */
}

static uint32_t json_hex(json_reader *r)
{
    uint32_t code = 0;
    unsigned i;
    for (i = 0; i < 4; i++) {
        unsigned c = json_take(r), digit = c - '0';
        if (digit > 9) {
            digit = (c | 0x20) - 'a' + 10;
            if (digit - 10 > 5) json_stop(r);
        }
        code = code << 4 | digit;
    }
    return code;
}

static void json_escape(json_reader *r)
{
    static const uint8_t names[16] = { '"', '\\', '/', 'b', 'f', 'n', 'r', 't', '"', '\\', '/', '\b', '\f', '\n', '\r', '\t' };
    unsigned c = json_take(r);
    const uint8_t *name = memchr(names, (int)c, 8);
    if (c == 'u') {
        uint32_t code = json_hex(r), low;
        if (code >> 10 == 0xD800 >> 10) {            /* the first of a pair */
            json_word(r, "\\u");
            low = json_hex(r) ^ 0xDC00;
            if (low > 0x3FF) json_stop(r);
            code = (code << 10) + low + 0x10000 - ((uint32_t)0xD800 << 10);
        }
        (void)json_emit_code(r, code);
    } else if (name) json_emit(r, name[8]);
    else json_stop(r);
}

static void json_string(json_reader *r)
{
    unsigned c;
    r->over = false;
    json_expect(r, '"');
    while ((c = json_take(r)) != '"') {
        if (c == '\\') json_escape(r);
        else if (c >= 0x80) json_utf8(r, c);
        else if (c >= 0x20) json_emit(r, (uint8_t)c);
        else {
            json_stop(r);
            break;
        }
    }
    r->type = JSON_STRING;
}

/* Append to the mantissa. One that is too long for an int64_t gets all bits set, stays so and shows in its sign. */
static void json_digit(json_reader *r, unsigned digit)
{
    r->mantissa = r->mantissa >> 60 ? UINT64_MAX : r->mantissa * 10 + digit;
}

/* Take one digit or more; zeros wait in the exponent for a digit that is none. Gives how many. */
static int32_t json_digits(json_reader *r)
{
    int32_t n = 0;
    do {
        unsigned digit = json_take(r) - '0';
        if (digit > 9) json_stop(r);
        if (digit == 0) r->exponent++;
        else {
            for (; r->exponent > 0; r->exponent--) json_digit(r, 0);
            json_digit(r, digit);
        }
        n++;
    } while (r->c - (unsigned)'0' <= 9);
    return n;
}

static int32_t json_exponent(json_reader *r)
{
    int32_t exponent = 0;
    bool negative = json_accept(r, '-');
    if (!negative) (void)json_accept(r, '+');
    do {
        unsigned digit = json_take(r) - '0';
        if (digit > 9) json_stop(r);
        if (exponent >> 27 == 0) exponent = exponent * 10 + (int32_t)digit;   /* no text here is that long */
    } while (r->c - (unsigned)'0' <= 9);
    return negative ? -exponent : exponent;
}

static void json_number(json_reader *r)
{
    int32_t decimals = 0;
    r->mantissa = 0;
    r->exponent = 0;
    r->negative = json_accept(r, '-');
    if (!json_accept(r, '0')) (void)json_digits(r);
    if (json_accept(r, '.')) decimals = json_digits(r);
    if (json_accept(r, 'e') || json_accept(r, 'E')) r->exponent += json_exponent(r);
    r->exponent -= decimals;
    r->type = JSON_NUMBER;
}

/* The newest number * 10^digits, if it is that exactly. */
static bool json_scale(json_reader *r, unsigned digits, int64_t *value)
{
    *value = 0;
    if (r->mantissa == 0) return true;
    for (r->exponent += (int32_t)digits; r->exponent > 0 && r->mantissa >> 60 == 0; r->exponent--) json_digit(r, 0);
    *value = (int64_t)(r->negative ? 0 - r->mantissa : r->mantissa);
    return r->exponent == 0 && (*value < 0) == r->negative;
}

/* Take a value, or the opening of a container. */
static void json_value(json_reader *r)
{
    unsigned c;
    json_blank(r);
    c = r->c;
    if (c == '"') json_string(r);
    else if (c == '{' || c == '[') {
        if (r->depth == INNGEST_JSON_DEPTH) {
            r->status = INNGEST_ERR_DEPTH;
            json_stop(r);
            return;
        }
        OBJECTS(r, r->depth) = OBJECTS(r, r->depth) << 1 | (c == '{');
        r->depth++;
        r->type = JSON_OPENED;
        json_next(r);
    } else if (c == 't' || c == 'f' || c == 'n') {
        json_word(r, c == 't' ? "true" : c == 'f' ? "false" : "null");
        r->type = c == 't' ? JSON_BOOL : c == 'f' ? JSON_FALSE : JSON_NULL;
    } else json_number(r);
}

/* Go to the next value of the innermost container, past its key. False: the container is closed, or the text refused. */
static bool json_more(json_reader *r)
{
    uint32_t *objects = &OBJECTS(r, r->depth - 1);
    bool object = *objects & 1;
    json_blank(r);
    if (json_accept(r, object ? '}' : ']')) {
        *objects >>= 1;
        r->depth--;
        r->type = JSON_COUNT;
        return false;
    }
    if (r->type != JSON_OPENED) json_expect(r, ',');
    if (object) {
        r->out = NULL;
        r->text = r->key;
        r->room = r->key_size;
        json_string(r);
        json_expect(r, ':');
    }
    return r->status == INNGEST_OK;
}

/* Take the rest of all containers but the outer ones. Gives how many values the outermost of them has left. */
static uint32_t json_rest(json_reader *r, unsigned depth)
{
    uint32_t n = 0;
    while (r->depth > depth)
        if (json_more(r)) {
            if (r->depth == depth + 1) n++;
            json_value(r);
        }
    return n;
}

static uint32_t json_all(json_reader *r)
{
    unsigned depth = r->depth;
    json_value(r);
    return json_rest(r, depth);
}

/* Split the next part off a path: name (at the root), .name or [index]. Gives the rest; NULL: malformed. */
static const char *json_part(json_reader *r, const char *path)
{
    const char *start = path;
    r->key = NULL;
    r->key_size = 0;
    r->index = 0;
    if (*path == '[') {
        while ((unsigned)(*++path - '0') <= 9) r->index = r->index >> 28 ? UINT32_MAX : r->index * 10 + (unsigned)(*path - '0');
        return path - start > 1 && *path == ']' ? path + 1 : NULL;
    }
    if (path != r->root && *path++ != '.') return NULL;
    r->key = path;
    r->key_size = strcspn(path, ".[]");
    return r->key_size ? path + r->key_size : NULL;
}

/* Go to the value of a path. False: there is none. */
static bool json_find(json_reader *r, const char *path)
{
    while (*path) {
        path = json_part(r, path);
        json_value(r);
        if (r->type != JSON_OPENED || (OBJECTS(r, r->depth - 1) & 1) != (r->key != NULL)) return false;
        for (;;) {
            if (!json_more(r)) return false;
            if (r->key ? r->room == 0 && !r->over : r->index-- == 0) break;
            (void)json_all(r);
        }
    }
    return true;
}

/* Read the value of a path. want: what kind, and 8 times the bytes of out for a string, the digits for a number. */
static inngest_status json_read(json_reader *r, const char *path, void *out, size_t want)
{
    inngest_status status = INNGEST_OK;
    unsigned wanted = want % 8;
    char *text = wanted == JSON_STRING ? out : NULL;
    const char *part = path;
    int64_t value = 0;
    uint32_t n = 0;
    want /= 8;
    if (out == NULL || (text ? want == 0 : want > 18)) return INNGEST_ERR_ARGUMENT;
    if (text) *text = 0;
    while (part && *part) part = json_part(r, part);
    if (part == NULL) return INNGEST_ERR_ARGUMENT;
    json_next(r);
    if (json_find(r, path)) {
        r->out = text;
        r->room = text ? want - 1 : 0;
        n = json_all(r);
        r->room = 0;                                 /* no other string goes there */
        if (wanted == JSON_NULL) n = r->type == JSON_NULL;
        else if (wanted == JSON_BOOL && r->type <= JSON_BOOL) n = r->type;
        else if (r->type != wanted) status = INNGEST_ERR_TYPE;
        else if (text) {
            if (r->over) status = INNGEST_ERR_TOO_LONG;
            else {
                *r->out = 0;
                if (text + strlen(text) != r->out) status = INNGEST_ERR_RANGE;
            }
        } else if (wanted == JSON_NUMBER && !json_scale(r, (unsigned)want, &value)) status = INNGEST_ERR_RANGE;
    } else status = INNGEST_ERR_NOT_FOUND;
    (void)json_rest(r, 0);
    json_blank(r);
    if (r->at != r->size + 1) json_stop(r);          /* all of the text must be one value */
    if (r->status != INNGEST_OK) status = r->status;
    if (text) {
        if (status != INNGEST_OK) *text = 0;
    } else if (status == INNGEST_OK) {
        if (wanted == JSON_NUMBER) *(int64_t *)out = value;
        else if (wanted == JSON_COUNT) *(size_t *)out = n;
        else *(bool *)out = (bool)n;
    }
    return status;
}

static inngest_status json_read_memory(const void *json, size_t size, const char *path, void *out, size_t want)
{
    json_reader r;
    if (json == NULL && size > 0) return INNGEST_ERR_ARGUMENT;
    if ((uint64_t)size > INT32_MAX) return INNGEST_ERR_TOO_LONG;
    memset(&r, 0, sizeof r);
    r.memory = json;
    r.size = (uint32_t)size;
    r.root = path;
    return json_read(&r, path, out, want);
}

static void event_error(inngest_ctx *ctx, inngest_status status, const char *path) { set_error(ctx, status, 0, path); }

static inngest_status json_read_event(inngest_ctx *ctx, const char *path, void *out, size_t want)
{
    json_reader r;
    inngest_status status = INNGEST_ERR_ARGUMENT;
    memset(&r, 0, sizeof r);
    r.jobs = ctx->jobs;
    if (!find_event(ctx, &r.event, &r.from)) return park(ctx, INNGEST_WAIT_DAMAGE);
    r.size = r.event.size - r.from;
    if (path && strncmp(path, "data", 4) == 0) status = json_read(&r, path + 4, out, want);
    if (status == INNGEST_PAUSED) return park(ctx, INNGEST_WAIT_DAMAGE);
    if (status != INNGEST_OK) event_error(ctx, status, path);
    return status;
}

inngest_status inngest_json_validate(const void *json, size_t size)
{
    bool null;
    return json_read_memory(json, size, "", &null, JSON_NULL);
}

inngest_status inngest_json_string(const void *json, size_t size, const char *path, char *out, size_t out_size)
{
    return json_read_memory(json, size, path, out, JSON_STRING + 8 * out_size);
}

inngest_status inngest_json_int64(const void *json, size_t size, const char *path, int64_t *out)
{
    return json_read_memory(json, size, path, out, JSON_NUMBER);
}

inngest_status inngest_json_decimal(const void *json, size_t size, const char *path, unsigned digits, int64_t *out)
{
    return json_read_memory(json, size, path, out, JSON_NUMBER + 8 * (size_t)digits);
}

inngest_status inngest_json_bool(const void *json, size_t size, const char *path, bool *out)
{
    return json_read_memory(json, size, path, out, JSON_BOOL);
}

inngest_status inngest_json_is_null(const void *json, size_t size, const char *path, bool *out)
{
    return json_read_memory(json, size, path, out, JSON_NULL);
}

inngest_status inngest_json_count(const void *json, size_t size, const char *path, size_t *out)
{
    return json_read_memory(json, size, path, out, JSON_COUNT);
}

inngest_status inngest_event_string(inngest_ctx *ctx, const char *path, char *out, size_t size)
{
    return json_read_event(ctx, path, out, JSON_STRING + 8 * size);
}

inngest_status inngest_event_int64(inngest_ctx *ctx, const char *path, int64_t *out)
{
    return json_read_event(ctx, path, out, JSON_NUMBER);
}

inngest_status inngest_event_decimal(inngest_ctx *ctx, const char *path, unsigned digits, int64_t *out)
{
    return json_read_event(ctx, path, out, JSON_NUMBER + 8 * (size_t)digits);
}

inngest_status inngest_event_bool(inngest_ctx *ctx, const char *path, bool *out)
{
    return json_read_event(ctx, path, out, JSON_BOOL);
}

inngest_status inngest_event_is_null(inngest_ctx *ctx, const char *path, bool *out)
{
    return json_read_event(ctx, path, out, JSON_NULL);
}

inngest_status inngest_event_count(inngest_ctx *ctx, const char *path, size_t *out)
{
    return json_read_event(ctx, path, out, JSON_COUNT);
}
#endif

/* ---- 13 Text ---------------------------------------------------------------------------------------------------------- */

#if INNGEST_TEXT

#define LONGEST (366 * (int64_t)86400000)

static bool text_is_digit(char c) { return c >= '0' && c <= '9'; }
static bool text_is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

static const char *text_spaces(const char *text)
{
    while (*text == ' ') text++;
    return text;
}

/* Take a unit with or without the plural's s, in any case; *ms is its length. NULL: there is no such unit. */
static const char *text_unit(const char *text, int64_t *ms)
{
    static const char names[] = "ms msec millisecond,s sec second,m min minute,h hr hour,d day,w week,y yr year,";
    static const uint32_t seconds[] = { 0, 1, 60, 3600, 86400, 604800, 31557600 };   /* a year as in npm's ms: 365.25 days */
    const char *name = names;
    const uint32_t *unit = seconds;
    *ms = 1;
    if (*text == 0) return text;
    for (; *name; name++) {
        size_t n = 0;
        for (; text_is_letter(*name) && (text[n] | 0x20) == *name; name++) n++;
        if (!text_is_letter(*name)) {
            if (n > 1 && name[-1] != 's' && (text[n] | 0x20) == 's') n++;
            if (!text_is_letter(text[n])) {
                if (*unit) *ms = *unit * (int64_t)1000;
                return text + n;
            }
        }
        while (text_is_letter(*name)) name++;
        if (*name == ',') unit++;
    }
    return NULL;
}

inngest_status inngest_parse_duration(const char *text, int64_t *ms)
{
    int64_t total = 0, whole, part, unit;
    bool first = true;
    if (text == NULL || ms == NULL) return INNGEST_ERR_ARGUMENT;
    for (text = text_spaces(text); first || *text; first = false) {
        const char *start = text, *point, *end;
        for (whole = 0; text_is_digit(*text); text++) if (whole <= LONGEST) whole = whole * 10 + (*text - '0');
        point = text;
        if (*text == '.') while (text_is_digit(*++text)) { }
        if (text == start || text[-1] == '.') return INNGEST_ERR_ARGUMENT;
        end = text;
        text = text_spaces(text);
        if (*text == 0 && !first) return INNGEST_ERR_ARGUMENT;
        text = text_unit(text, &unit);
        if (text == NULL) return INNGEST_ERR_ARGUMENT;
        for (part = 0; --end > point; ) part = (part + (*end - '0') * unit + 9) / 10;   /* never too short */
        if (whole > LONGEST / unit) return INNGEST_ERR_RANGE;
        total += whole * unit + part;
        if (total > LONGEST) return INNGEST_ERR_RANGE;
        text = text_spaces(text);
    }
    *ms = total;
    return INNGEST_OK;
}

/* Match text with a shape: 0 is a digit, all else itself and the start of the next number. NULL: another shape. */
static const char *text_shape(const char *text, const char *shape, unsigned *numbers)
{
    for (*numbers = 0; *shape; shape++, text++) {
        if (*shape == '0' ? !text_is_digit(*text) : *text != *shape) return NULL;
        if (*shape == '0') *numbers = *numbers * 10 + (unsigned)(*text - '0');
        else *++numbers = 0;
    }
    return text;
}

/* Z, +hh, +hhmm or +hh:mm to the end of the text. Gives minutes; NO_ZONE: malformed, BAD_ZONE: out of range. */
#define NO_ZONE 9998
#define BAD_ZONE 9999
static int text_zone(const char *text)
{
    unsigned hour, minute = 0;
    char sign = *text++;
    if ((sign | 0x20) == 'z') return *text ? NO_ZONE : 0;
    if ((sign != '+' && sign != '-') || (text = text_shape(text, "00", &hour)) == NULL) return NO_ZONE;
    if (*text && (text = text_shape(*text == ':' ? text + 1 : text, "00", &minute)) == NULL) return NO_ZONE;
    if (*text) return NO_ZONE;
    if (hour > 23 || minute > 59) return BAD_ZONE;
    return sign == '-' ? -(int)(hour * 60 + minute) : (int)(hour * 60 + minute);
}

/* Days since 1970-01-01; -1,000,000: there is no such day. */
#define NO_DAY (-1000000)
static int32_t text_days_until(unsigned year, unsigned month, unsigned day)
{
    bool leap = year % 4 == 0 && (year % 100 || year % 400 == 0);
    unsigned longest = month == 2 ? leap ? 29u : 28u : 30u + ((month + month / 8) & 1);
    int32_t y = (int32_t)year + 400;                 /* a whole cycle later, counted from 1 March on */
    if (month < 1 || month > 12 || day < 1 || day > longest) return NO_DAY;
    if (month < 3) {
        month += 12;
        y--;
    }
    return y * 365 + y / 4 - y / 100 + y / 400 + (int32_t)((month * 153 - 457) / 5 + day) - 865566;
}

inngest_status inngest_parse_time(const char *text, int64_t *unix_ms)
{
    unsigned n[6], ms = 0, weight = 100;
    bool more = false;                               /* a fraction of a second that is not 0 */
    int zone = 0;
    int32_t days;
    if (text == NULL || unix_ms == NULL) return INNGEST_ERR_ARGUMENT;
    memset(n, 0, sizeof n);
    text = text_shape(text, "0000-00-00", n);
    if (text == NULL) return INNGEST_ERR_ARGUMENT;
    if (*text) {
        if ((*text | 0x20) != 't' && *text != ' ') return INNGEST_ERR_ARGUMENT;
        text = text_shape(text + 1, "00:00", n + 3);
        if (text && *text == ':') {
            text = text_shape(text + 1, "00", n + 5);
            if (text && (*text == '.' || *text == ',') && text_is_digit(text[1]))
                for (text++; text_is_digit(*text); text++, weight /= 10) {
                    ms += (unsigned)(*text - '0') * weight;
                    if (*text != '0') more = true;
                }
        }
        zone = text ? text_zone(text) : NO_ZONE;
        if (zone == NO_ZONE) return INNGEST_ERR_ARGUMENT;
    }
    days = text_days_until(n[0], n[1], n[2]);
    if (days == NO_DAY || zone == BAD_ZONE || n[4] > 59 || n[5] > 59 || n[3] > 24 || (n[3] == 24 && (n[4] || n[5] || more)))
        return INNGEST_ERR_RANGE;
    *unix_ms = (((int64_t)days * 24 + n[3]) * 60 + n[4] - zone) * 60000 + (int64_t)n[5] * 1000 + ms;
    return INNGEST_OK;
}
#endif
