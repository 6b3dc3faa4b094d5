/* SPDX-License-Identifier: MIT
 *
 * inngest_posix.c - see inngest_posix.h
 *
 *   1  Failures
 *   2  The port: read, program, erase, sync, wake
 *   3  Finding and creating the file
 *   4  Open and close
 *   5  Clocks
 *   6  The run loop */
#if defined(__linux__) || defined(__CYGWIN__)
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE 1
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE               /* F_FULLFSYNC */
#endif
#define _FILE_OFFSET_BITS 64           /* a foreign file of 3 GB gets EFBIG, not EOVERFLOW, on 32 bits too */
#define _TIME_BITS 64
#include "inngest_posix.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define BLOCK INNGEST_POSIX_BLOCK
#define SET_CLOCK_MS 1577836800000     /* 2020: a system clock before it was never set */
#define STEP_MS 1000                   /* a clock that moved by so much against the uptime was stepped */
#define LONGEST_SLEEP_MS 10000         /* see section 6 */
#define AFTER_ERROR_MS 1000            /* a disk that fails is not asked more often */
#if defined(__GNUC__)
#define TAKE_STOP(p) __atomic_exchange_n(&(p)->stop, 0, __ATOMIC_ACQ_REL)
#define GIVE_STOP(p) __atomic_store_n(&(p)->stop, 1, __ATOMIC_RELEASE)
#else                                  /* a stop that comes while one is taken is the same stop */
#define TAKE_STOP(p) (*(volatile int *)&(p)->stop && (*(volatile int *)&(p)->stop = 0, 1))
#define GIVE_STOP(p) (void)(*(volatile int *)&(p)->stop = 1)
#endif
#define LEFTOVER ".inngest-new"        /* how the name of a journal ends until it is whole */

/* ---- 1 Failures ------------------------------------------------------------------------------------------------ */

static int refuse(inngest_posix *p, int error, const char *problem)
{
    p->error = error;
    p->problem = problem;
    return error;
}

/* Of a call of the port: counted, and given as a negative number. */
static int fail(inngest_posix *p, int error)
{
    p->error = error ? error : EIO;
    if (p->errors != UINT32_MAX) p->errors++;
    return -p->error;
}

/* ---- 2 The port: read, program, erase, sync, wake ---------------------------------------------------------------
 *
 * Replays read a few bytes at a time, which is mostly system calls. So blocks that were read whole or erased are kept in
 * memory, each in the one place for its number: ring order makes these the newest ones. No copy is older than the
 * handle, so what is read after an open stood in the file.
 *
 * Nothing is promised of what was programmed before a sync has served it. So programs and erases only change the copy of
 * their block, and one write brings all of them to the file: at the sync, or when another block is written. Each is whole
 * there in the order in which it was made, also when the process is killed. If that write fails the engine has gone on
 * long since; it is a failure of the sync. Without a sync, or a copy, each goes to the file at once. */

static uint8_t *copy_of(const inngest_posix *p, uint32_t block)
{
    uint32_t place = block % INNGEST_POSIX_CACHE;
    return p->cache && p->cached[place] == block + 1 ? p->cache + (size_t)place * BLOCK : NULL;
}

static void drop_copy(inngest_posix *p, uint32_t block) { if (copy_of(p, block)) p->cached[block % INNGEST_POSIX_CACHE] = 0; }

/* Gives 0 or an errno. */
static int read_file(const inngest_posix *p, uint32_t address, uint8_t *to, uint32_t size)
{
    while (size > 0) {
        ssize_t n = pread(p->file, to, size, (off_t)address);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 && errno ? errno : EIO;        /* 0: somebody truncated it */
        to += n;
        address += (uint32_t)n;
        size -= (uint32_t)n;
    }
    return 0;
}

/* Gives 0 or an errno. */
static int write_file(const inngest_posix *p, uint32_t address, const uint8_t *from, uint32_t size)
{
    while (size > 0) {
        ssize_t n = pwrite(p->file, from, size, (off_t)address);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 && errno ? errno : EIO;
        from += n;
        address += (uint32_t)n;
        size -= (uint32_t)n;
    }
    return 0;
}

static bool gathers(const inngest_posix *p);

/* Bring what was gathered to the file. Gives 0 or an errno. */
static int write_gathered(inngest_posix *p)
{
    uint32_t from = p->gathered[0], size = p->gathered[1] - from;
    int error;
    if (size == 0) return 0;
    p->gathered[0] = p->gathered[1] = 0;
    error = write_file(p, from, copy_of(p, from / BLOCK) + from % BLOCK, size);
    if (error == 0) return 0;
    drop_copy(p, from / BLOCK);
    p->failed = gathers(p);            /* the engine takes it for written */
    return error;
}

static int make_place(inngest_posix *p, uint32_t block)
{
    uint32_t place = block % INNGEST_POSIX_CACHE;
    int error = p->gathered[1] && p->gathered[0] / BLOCK % INNGEST_POSIX_CACHE == place ? write_gathered(p) : 0;
    p->cached[place] = 0;
    return error;
}

static int load_copy(inngest_posix *p, uint32_t block)
{
    uint32_t place = block % INNGEST_POSIX_CACHE;
    int error = make_place(p, block);
    if (error == 0) error = read_file(p, block * BLOCK, p->cache + (size_t)place * BLOCK, BLOCK);
    if (error == 0) p->cached[place] = block + 1;      /* half of it may have been read when it fails */
    return error;
}

static int file_read(void *context, uint32_t address, void *data, uint32_t size)
{
    inngest_posix *p = context;
    uint8_t *to = data;
    while (size > 0) {
        uint32_t block = address / BLOCK, in_block = address % BLOCK, n = size < BLOCK - in_block ? size : BLOCK - in_block;
        int error = 0;
        if (p->cache == NULL) error = read_file(p, address, to, n);
        else if (copy_of(p, block) == NULL) error = load_copy(p, block);
        if (error) return fail(p, error);
        if (p->cache) memcpy(to, copy_of(p, block) + in_block, n);
        to += n;
        address += n;
        size -= n;
    }
    return 0;
}

/* Change the copy of a block, to be written with what else was changed there. Gives 0 or an errno. */
static int gather(inngest_posix *p, uint32_t address, const uint8_t *from, uint32_t size)
{
    uint32_t block = address / BLOCK;
    int error = p->gathered[1] && p->gathered[0] / BLOCK != block ? write_gathered(p) : 0;
    if (error == 0 && copy_of(p, block) == NULL) error = size == BLOCK ? make_place(p, block) : load_copy(p, block);
    if (error) return error;
    p->cached[block % INNGEST_POSIX_CACHE] = block + 1;
    memcpy(copy_of(p, block) + address % BLOCK, from, size);
    if (p->gathered[1] == 0 || address < p->gathered[0]) p->gathered[0] = address;
    if (address + size > p->gathered[1]) p->gathered[1] = address + size;
    return gathers(p) ? 0 : write_gathered(p);
}

static int file_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    inngest_posix *p = context;
    const uint8_t *from = data;
    while (size > 0) {
        uint32_t in_block = address % BLOCK, n = size < BLOCK - in_block ? size : BLOCK - in_block;
        int error = p->failed ? p->error : p->cache ? gather(p, address, from, n) : write_file(p, address, from, n);
        if (error) return fail(p, error);
        from += n;
        address += n;
        size -= n;
    }
    return 0;
}

static int file_erase(void *context, uint32_t address)
{
    uint8_t blank[BLOCK];
    memset(blank, 0xFF, sizeof blank);
    return file_program(context, address, blank, BLOCK);
}

static bool file_is_blank(void *context, uint32_t address, uint32_t size)
{
    uint8_t bytes[BLOCK];
    uint32_t i, n;
    for (; size > 0; size -= n, address += n) {
        n = size < BLOCK ? size : BLOCK;
        if (file_read(context, address, bytes, n) != 0) return false;
        for (i = 0; i < n; i++) if (bytes[i] != 0xFF) return false;
    }
    return true;
}

/* The size never changes, so that data alone needs to reach the disk: fdatasync. On macOS fsync stops at the drive's
 * cache and F_FULLFSYNC empties it; a file system that lacks it has nothing better than fsync. */
static int sync_file(int file)
{
    int result;
    do {
#if defined(F_FULLFSYNC)
        result = fcntl(file, F_FULLFSYNC);
        if (result != 0 && (errno == ENOTSUP || errno == EINVAL)) result = fsync(file);
#elif defined(__linux__)
        result = fdatasync(file);
#else
        result = fsync(file);
#endif
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno ? errno : EIO;
}

/* A sync that failed may have dropped what it could not write, and the next one then succeeds without it. So the
 * first failure is the handle's end: it writes nothing more, and only a new mount, which reads what is really there,
 * goes on. */
static int file_sync(void *context)
{
    inngest_posix *p = context;
    int error = p->failed ? p->error : write_gathered(p);
    if (error == 0) error = sync_file(p->file);
    if (error == 0) return 0;
    p->failed = true;
    return fail(p, error);
}

static bool gathers(const inngest_posix *p) { return p->cache && p->port.sync == file_sync; }

/* May run in a signal handler: write is async-signal-safe, errno is kept, the pipe never blocks. Full: many bytes are
 * there to wake the loop. */
static void file_wake(void *context)
{
    inngest_posix *p = context;
    int keep = errno;
    if (write(p->pipe[1], "", 1) != 1) { /* full */ }
    errno = keep;
}

/* ---- 3 Finding and creating the file ----------------------------------------------------------------------------
 *
 * The name must never show half a journal, two processes must never both get it, and a kill at any instant must leave
 * nothing in the way. So a new file is locked and written under a name of its own, synced, and then linked to the
 * real name: link, unlike rename, fails if another process was first. The descriptor that wrote it is the one that is
 * kept, so that there is no moment without the lock. Leftovers are told from the files of a living process by that
 * lock, not by the process id in their name, which says nothing across containers and reboots. */

typedef struct place {
    int folder;
    const char *base;                  /* the name within it */
} place;

static int open_folder(const char *path, place *at)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;
    at->base = slash ? slash + 1 : path;
    if (size >= sizeof folder) return ENAMETOOLONG;
    memcpy(folder, path, size);
    folder[size] = 0;
    at->folder = open(slash == NULL ? "." : size == 0 ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at->folder < 0) return errno;
    return at->base[0] == 0 ? EISDIR : 0;
}

static bool same_file(int file, const place *at, const char *name)
{
    struct stat mine, named;
    return fstat(file, &mine) == 0 && fstatat(at->folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

/* What an open with O_NOFOLLOW says of a symbolic link: ELOOP, but EMLINK on FreeBSD and EFTYPE on NetBSD. */
static int link_error(int error)
{
#if defined(EFTYPE)
    if (error == EFTYPE) return ELOOP;
#endif
    return error == EMLINK ? ELOOP : error;
}

/* Open and lock what has the name. *again: it was replaced meanwhile. */
static int open_existing(inngest_posix *p, const place *at, bool *again)
{
    struct stat status;
    p->file = openat(at->folder, at->base, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (p->file < 0) {
        int error = link_error(errno);
        return refuse(p, error, error == ELOOP ? "it is a symbolic link" : "it cannot be opened");
    }
    if (fstat(p->file, &status) != 0) return refuse(p, errno, "it cannot be opened");
    if (!S_ISREG(status.st_mode)) return refuse(p, ENOTSUP, "it is not a regular file");
    if (flock(p->file, LOCK_EX | LOCK_NB) != 0)
        return refuse(p, errno, errno == EWOULDBLOCK ? "it is open already, in this process or another one" : "it cannot be locked");
    *again = !same_file(p->file, at, at->base);
    return 0;
}

/* Create and lock a file of a name that is no one else's. */
static int open_new(inngest_posix *p, const place *at, char *name, size_t size)
{
    unsigned n;
    for (n = 0; n < 1000; n++) {
        if (snprintf(name, size, "%s.%ld.%u" LEFTOVER, at->base, (long)getpid(), n) >= (int)size) return ENAMETOOLONG;
        p->file = openat(at->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (p->file < 0 && errno == EEXIST) continue;
        if (p->file < 0) return errno;
        if (flock(p->file, LOCK_EX | LOCK_NB) == 0 && same_file(p->file, at, name)) return 0;
        close(p->file);                /* taken for a leftover between the two calls: the next name */
        p->file = -1;
    }
    return EEXIST;
}

static int create(inngest_posix *p, const place *at, uint32_t bytes, bool *again)
{
    char name[512];
    uint32_t address;
    int error = open_new(p, at, name, sizeof name);
    if (error) return refuse(p, error, "it cannot be created");
    for (address = 0; address < bytes && error == 0; address += BLOCK) error = -file_erase(p, address);
    if (error == 0) error = sync_file(p->file);
    if (error == 0 && linkat(at->folder, name, at->folder, at->base, 0) != 0) {
        error = errno;
        *again = error == EEXIST;      /* another process was first: open its */
    }
    if (unlinkat(at->folder, name, 0) != 0) { /* the next open removes it */ }
    if (*again) return 0;
    return error ? refuse(p, error, "it cannot be created") : 0;
}

static bool is_leftover(const place *at, const char *name)
{
    size_t base = strlen(at->base), size = strlen(name), tail = strlen(LEFTOVER);
    if (size < base + tail + 4 || memcmp(name, at->base, base) != 0 || name[base] != '.') return false;
    return strspn(name + base, "0123456789.") == size - base - tail + 1 && strcmp(name + size - tail, LEFTOVER) == 0;
}

/* Remove what killed creators left: files that nobody has locked, and a second name of the journal itself. */
static void remove_leftovers(const inngest_posix *p, const place *at)
{
    int again = openat(at->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    if (list == NULL) {
        if (again >= 0) close(again);
        return;
    }
    while ((entry = readdir(list)) != NULL) {
        int file;
        if (!is_leftover(at, entry->d_name)) continue;
        file = openat(at->folder, entry->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (file < 0) continue;
        if (same_file(p->file, at, entry->d_name) || flock(file, LOCK_EX | LOCK_NB) == 0)
            (void)unlinkat(at->folder, entry->d_name, 0);
        close(file);
    }
    closedir(list);
}

/* ---- 4 Open and close ------------------------------------------------------------------------------------------ */

static void close_file(inngest_posix *p)
{
    if (p->file >= 0) close(p->file);
    p->file = -1;
}

static int find_or_create(inngest_posix *p, const place *at, uint32_t bytes)
{
    int error = 0, turns;
    for (turns = 0; turns < 100; turns++) {
        bool again = false;
        error = open_existing(p, at, &again);
        if (error == ENOENT && bytes > 0) error = create(p, at, bytes, &again);
        if (!again) return error;
        close_file(p);
    }
    return refuse(p, EWOULDBLOCK, "it is being replaced all the time");
}

/* What a killed process wrote stands in the system's cache and may not be on the disk; what a failed sync dropped may
 * stand there too. The mount must act on neither: so sync first, then drop the cache, so that reads show the disk. */
static int settle(inngest_posix *p)
{
    int error = sync_file(p->file);
    if (error) return refuse(p, error, "it cannot be synced");
#if defined(__linux__) && defined(POSIX_FADV_DONTNEED)
    (void)posix_fadvise(p->file, 0, 0, POSIX_FADV_DONTNEED);
#endif
    return 0;
}

/* The name may have been given by a process that was killed before it synced the directory, so this is done for a
 * file that exists too. EINVAL: a file system that has nothing to sync there. */
static int sync_folder(inngest_posix *p, const place *at)
{
    if (fsync(at->folder) == 0 || errno == EINVAL) return 0;
    return refuse(p, errno, "its directory cannot be synced");
}

static int make_pipe(inngest_posix *p)
{
    int i;
    if (pipe(p->pipe) != 0) return refuse(p, errno, "no pipe");
    for (i = 0; i < 2; i++)
        if (fcntl(p->pipe[i], F_SETFL, O_NONBLOCK) != 0 || fcntl(p->pipe[i], F_SETFD, FD_CLOEXEC) != 0)
            return refuse(p, errno, "no pipe");
    return 0;
}

static int open_all(inngest_posix *p, const place *at, uint32_t bytes)
{
    struct stat status;
    int error = find_or_create(p, at, bytes);
    if (error) return error;
    if (fstat(p->file, &status) != 0) return refuse(p, errno, "it cannot be opened");
    if (bytes > 0 && status.st_size != (off_t)bytes) return refuse(p, EFBIG, "it exists, with another size than asked for");
    if (status.st_size < 2 * (off_t)BLOCK || status.st_size > 65535 * (off_t)BLOCK || status.st_size % (off_t)BLOCK != 0)
        return refuse(p, EFBIG, "it exists, and its size is none that a journal can have");
    p->port.block_count = (uint32_t)(status.st_size / (off_t)BLOCK);
    if ((error = settle(p)) != 0 || (error = sync_folder(p, at)) != 0) return error;
    remove_leftovers(p, at);
    p->cache = malloc((size_t)INNGEST_POSIX_CACHE * BLOCK);     /* none: slower */
    return make_pipe(p);
}

int inngest_posix_open(inngest_posix *p, const char *path, uint32_t bytes)
{
    place at = { -1, "" };
    int error;
    if (p == NULL) return EINVAL;
    memset(p, 0, sizeof *p);
    p->problem = "";
    p->file = p->pipe[0] = p->pipe[1] = -1;
    if (path == NULL || path[0] == 0) return refuse(p, EINVAL, "no path");
    if (bytes != 0 && (bytes < 2 * BLOCK || bytes > 65535 * BLOCK || bytes % BLOCK != 0))
        return refuse(p, EINVAL, "its size must be a multiple of 4096, from 8192 to 65535 * 4096");
    error = open_folder(path, &at);
    error = error ? refuse(p, error, "it cannot be opened") : open_all(p, &at, bytes);
    if (at.folder >= 0) close(at.folder);
    if (error) { inngest_posix_close(p); return error; }
    p->errors = 0;
    p->error = 0;
    p->problem = "";
    p->port.context = p;
    p->port.read = file_read;
    p->port.program = file_program;
    p->port.erase = file_erase;
    p->port.sync = file_sync;
    p->port.is_blank = file_is_blank;
    p->port.wake = file_wake;
    p->port.block_size = BLOCK;
    p->port.program_size = 1;
    return 0;
}

void inngest_posix_close(inngest_posix *p)
{
    int i;
    if (p == NULL) return;
    if (p->file >= 0) (void)write_gathered(p);         /* nothing promised: the jobs were not closed */
    close_file(p);
    free(p->cache);
    p->cache = NULL;
    for (i = 0; i < 2; i++) {
        if (p->pipe[i] >= 0) close(p->pipe[i]);
        p->pipe[i] = -1;
    }
}

/* ---- 5 Clocks -------------------------------------------------------------------------------------------------- */

/* A job that sleeps an hour means an hour of the world, as it does across a power cut. So the time of a suspended
 * machine counts: CLOCK_BOOTTIME on Linux; elsewhere CLOCK_MONOTONIC, which counts it on macOS. */
static int64_t uptime_ms(void)
{
    struct timespec t = { 0, 0 };
#if defined(__linux__) && defined(CLOCK_BOOTTIME)
    if (clock_gettime(CLOCK_BOOTTIME, &t) != 0)
#endif
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint32_t inngest_posix_uptime_ms(void) { return (uint32_t)uptime_ms(); }

int64_t inngest_posix_unix_ms(void)
{
    struct timespec t = { 0, 0 };
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- 6 The run loop ---------------------------------------------------------------------------------------------
 *
 * No wake-up is lost. A sender publishes its event and then writes a byte; the loop empties the pipe and then ticks.
 * So a byte that the loop has taken belongs to an event that the tick after it finds; one that comes later, during the
 * tick or just before poll, is still in the pipe and poll returns at once. A flag that spares the byte when one is
 * on its way was rejected: a sender preempted between flag and byte would hold up the others. Any number of bytes
 * is one turn. The stop flag works the same way: set, then a byte; the pipe emptied, then the flag read.
 *
 * The longest sleep is bounded because poll neither counts the time of a suspended machine nor notices that the clock
 * was set: a deadline is late by this much at most after either. */

static void empty_pipe(const inngest_posix *p)
{
    char bytes[1024];
    int most = 256;                    /* senders that never pause must not keep it here */
    while (most-- > 0 && read(p->pipe[0], bytes, sizeof bytes) == (ssize_t)sizeof bytes) { }
}

typedef struct clocks {
    int64_t ticked;                    /* the uptime of the last tick; when the loop began, before the first */
    int64_t offset;                    /* unix time - uptime, when it was told */
    bool told;
} clocks;

/* port.now while the loop ticks: a user who ticks himself may go by another clock. */
static uint32_t loop_now(void *context)
{
    (void)context;
    return inngest_posix_uptime_ms();
}

static bool not_now(void *context)
{
    (void)context;
    return false;
}

/* The engine takes a jump of 2^31 ms for a clock that went back, and a machine may be suspended for longer. So tell it
 * in pieces, and let nothing run on the way: waits that began there would begin in the past, and end early. */
static void catch_up(inngest_posix *p, inngest *jobs, clocks *c, int64_t now)
{
    bool (*may_write)(void *context) = p->port.may_write;
    p->port.may_write = not_now;
    while (now - c->ticked > INT32_MAX) (void)inngest_tick(jobs, (uint32_t)(c->ticked += INT32_MAX));
    p->port.may_write = may_write;
    c->ticked = now;
}

#if INNGEST_WALL_CLOCK
/* Did the clock begin to be right, or was it stepped? */
static bool wall_changed(clocks *c, int64_t unix_ms, int64_t now)
{
    int64_t moved = unix_ms - now - c->offset;
    if (unix_ms < SET_CLOCK_MS) return false;
    if (c->told && moved > -STEP_MS && moved < STEP_MS) return false;
    c->told = true;
    c->offset = unix_ms - now;
    return true;
}
#endif

/* One turn without the sleep; gives the ms to sleep. */
static uint32_t turn(inngest_posix *p, inngest *jobs, clocks *c)
{
    uint32_t errors = p->errors, ms;
    int64_t now = uptime_ms();
#if INNGEST_WALL_CLOCK
    int64_t unix_ms = inngest_posix_unix_ms();
#endif
    catch_up(p, jobs, c, now);
#if INNGEST_WALL_CLOCK
    if (wall_changed(c, unix_ms, now)) inngest_set_wall_clock(jobs, unix_ms, (uint32_t)now);
#endif
    ms = inngest_tick(jobs, (uint32_t)now);
    return p->errors != errors && ms < AFTER_ERROR_MS ? AFTER_ERROR_MS : ms;
}

static int loop(inngest_posix *p, inngest *jobs, bool until_idle)
{
    clocks c = { 0, 0, false };
    c.ticked = uptime_ms();
    for (;;) {
        struct pollfd wait = { -1, POLLIN, 0 };
        uint32_t ms;
        int ready;
        empty_pipe(p);
        if (TAKE_STOP(p)) return 0;
        ms = turn(p, jobs, &c);
        if (p->failed) return p->error;
        wait.fd = p->pipe[0];
        if (until_idle && ms == UINT32_MAX) {
            if ((ready = poll(&wait, 1, 0)) == 0) return 0;
        } else ready = poll(&wait, 1, ms < LONGEST_SLEEP_MS ? (int)ms : LONGEST_SLEEP_MS);
        if (ready < 0 && errno != EINTR && errno != EAGAIN) return refuse(p, errno, "poll");
    }
}

static int run(inngest_posix *p, inngest *jobs, bool until_idle)
{
    uint32_t (*now)(void *context) = p->port.now;
    int error;
    p->port.now = loop_now;
    error = loop(p, jobs, until_idle);
    p->port.now = now;
    return error;
}

int inngest_posix_run(inngest_posix *p, inngest *jobs) { return run(p, jobs, false); }
int inngest_posix_run_until_idle(inngest_posix *p, inngest *jobs) { return run(p, jobs, true); }

void inngest_posix_stop(inngest_posix *p)
{
    GIVE_STOP(p);
    file_wake(p);
}
