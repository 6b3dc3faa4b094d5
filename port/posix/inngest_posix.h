/* SPDX-License-Identifier: MIT
 * A file as the journal, the clock, and a run loop, on POSIX. */
#ifndef INNGEST_POSIX_H
#define INNGEST_POSIX_H
#include "inngest.h"

typedef struct inngest_posix {
    inngest_port port;
    int file;              /* -1: closed */
    int pipe[2];           /* wakes the run loop */
    int error;             /* errno of the last failure */
    bool failed;           /* a sync failed: nothing more is written through this handle */
} inngest_posix;

/* Open the journal file at path, or create it, preallocated to bytes (a multiple of 4096, 8192 at least), with its
 * directory synced. 0 or an errno: EWOULDBLOCK, another process has it open; EINVAL, size; EFBIG, it has another size. */
int inngest_posix_open(inngest_posix *p, const char *path, uint32_t bytes);

/* Run jobs until *stop is not 0 or nothing is due any more and `once` is set. Sleeps until the next deadline; a send
 * from any thread or signal handler wakes it. */
void inngest_posix_run(inngest_posix *p, inngest *jobs, volatile int *stop, bool once);

uint32_t inngest_posix_uptime_ms(void);
int64_t inngest_posix_unix_ms(void);
void inngest_posix_close(inngest_posix *p);
#endif
