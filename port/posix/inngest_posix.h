/* SPDX-License-Identifier: MIT
 *
 * inngest_posix.h - a file as the journal, the clock and a run loop, for Linux, macOS and the BSDs
 *
 *   static inngest_posix port;
 *   inngest_posix_open(&port, "jobs.journal", 1 << 20)  ->  inngest_init with config.port = &port.port
 *   ->  inngest_posix_run(&port, &jobs)  ->  inngest_close  ->  inngest_posix_close
 *
 * Calling context: inngest_posix_stop and the two clocks from anywhere, signal handlers too; inngest_posix_run from
 * the one thread that ticks; the others from that thread, outside of inngest_posix_run. Do not use a handle on both
 * sides of a fork: the child shares the lock and the wake-ups.
 *
 * What is programmed between two syncs is gathered in memory and written by the second one: a process that is killed
 * loses what a power cut would, which is nothing that was said to be durable. A write that fails is a failed sync. With
 * port.sync = NULL, or without memory for copies, each program is a write of its own, and one that fails is tried again. */
#ifndef INNGEST_POSIX_H
#define INNGEST_POSIX_H
#include "inngest.h"

#ifdef __cplusplus
extern "C" {
#endif

#define INNGEST_POSIX_BLOCK 4096u     /* bytes of a block of the journal */
#ifndef INNGEST_POSIX_CACHE
#define INNGEST_POSIX_CACHE 64u       /* blocks kept in memory, from malloc, while the journal is open */
#endif

typedef struct inngest_posix {
    inngest_port port;     /* its address goes into inngest_config; must stay, so the handle must not be moved */
    const char *problem;   /* why open refused, in words; "" if it did not */
    int error;             /* errno of the last failure of any call; 0: none yet */
    uint32_t errors;       /* failed calls of the port so far */
    bool failed;           /* a sync or a write failed: this handle writes nothing any more; close it and open it again */
    /* internal */
    int file, pipe[2];     /* -1: closed; the pipe wakes the run loop */
    int stop;              /* atomic */
    uint8_t *cache;        /* copies of blocks; NULL: none */
    uint32_t cached[INNGEST_POSIX_CACHE];   /* the number of the block in each place, + 1; 0: none */
    uint32_t gathered[2];  /* addresses, from and to: what stands in a copy and not yet in the file; 0, 0: nothing */
} inngest_posix;

/* Open the journal at path, or create it with that many bytes: a multiple of 4096, from 8192 to 65535 * 4096. With
 * 0 bytes it must exist and keeps its size. Signal handlers: no.
 *
 * Writes: creating it, all its bytes, so that no later write needs room on the disk. It gets its name only when it is
 * whole and synced: a kill or power cut in between leaves no journal, and a `name.<pid>.<n>.inngest-new` that
 * the next open removes. The directory is synced too. Opening an existing file syncs it and writes nothing.
 *
 * 0 or an errno, and problem says it in words; nothing stays open and what exists is not touched:
 *   EWOULDBLOCK  another handle has it open, of this process or another one; it is locked until that one closes or dies
 *   EINVAL       bytes out of range, or NULL
 *   EFBIG        the file has another size than asked for, or none that a journal can have (a truncated one)
 *   ENOENT       no such directory; no such file, and bytes is 0
 *   EISDIR, ELOOP, ENOTSUP   a directory, a symbolic link, another thing that is no regular file
 *   EACCES, EROFS, EPERM     not writable; EPERM also on a file system without hard links
 *   ENOSPC, EDQUOT, EFBIG    no room to create it: removed again
 *                            (EFBIG with a limit on file sizes, RLIMIT_FSIZE, where SIGXFSZ is ignored; else that ends the process)
 *   and what open, flock, fstat, fsync, link and pipe give */
INNGEST_MUST_USE int inngest_posix_open(inngest_posix *p, const char *path, uint32_t bytes);

/* Tick until inngest_posix_stop, sleeping until the next deadline in between; a send from any thread or signal
 * handler wakes it. Tells the wall clock before the first tick, and again when the system's clock was stepped by a
 * second or more, once it shows 2020 or later. port.now is set meanwhile. Signal handlers: no. Writes: what inngest_tick and
 * inngest_set_wall_clock write.
 *
 * 0: stopped. Else an errno: a sync or a write failed, and the jobs do nothing any more until closed, opened and mounted
 * again; or poll failed. A read that fails is not fatal: the tick is tried again a second later. */
INNGEST_MUST_USE int inngest_posix_run(inngest_posix *p, inngest *jobs);

/* The same, but returns also when nothing is due, now or later, and no send is waiting: what is left, if anything,
 * waits for something from outside. For tools and tests. */
INNGEST_MUST_USE int inngest_posix_run_until_idle(inngest_posix *p, inngest *jobs);

/* Make inngest_posix_run return after the tick it is in; called before it, the next run returns at once. From
 * anywhere after open and before close, signal handlers too; keeps errno. Writes nothing to the file. */
void inngest_posix_stop(inngest_posix *p);

/* Close file and lock. After inngest_close, and when no thread or signal handler can send any more: their wake would
 * write into a descriptor that may be another's by then. Harmless when nothing is open. Signal handlers: no. */
void inngest_posix_close(inngest_posix *p);

/* Milliseconds for inngest_tick: they wrap, go on while the machine is suspended where the system can tell, and are
 * not moved when the clock is set. From anywhere. */
uint32_t inngest_posix_uptime_ms(void);

/* Unix time in ms, as the system has it, right or wrong. From anywhere. */
int64_t inngest_posix_unix_ms(void);

#ifdef __cplusplus
}
#endif
#endif
