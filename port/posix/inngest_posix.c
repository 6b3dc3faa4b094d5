/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#include "inngest_posix.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096u

static int fail(inngest_posix *p)
{
    p->error = errno ? errno : EIO;
    return -p->error;
}

static int file_read(void *context, uint32_t address, void *data, uint32_t size)
{
    inngest_posix *p = context;
    uint8_t *to = data;
    while (size > 0) {
        ssize_t n = pread(p->file, to, size, (off_t)address);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) { if (n == 0) errno = EIO; return fail(p); }
        to += n;
        address += (uint32_t)n;
        size -= (uint32_t)n;
    }
    return 0;
}

static int write_all(inngest_posix *p, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *from = data;
    if (p->failed) return -EIO;
    while (size > 0) {
        ssize_t n = pwrite(p->file, from, size, (off_t)address);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) { if (n == 0) errno = ENOSPC; return fail(p); }
        from += n;
        address += (uint32_t)n;
        size -= (uint32_t)n;
    }
    return 0;
}

static int file_program(void *context, uint32_t address, const void *data, uint32_t size) { return write_all(context, address, data, size); }

static int file_erase(void *context, uint32_t address)
{
    uint8_t blank[BLOCK];
    memset(blank, 0xFF, sizeof blank);
    return write_all(context, address, blank, BLOCK);
}

static int file_sync(void *context)
{
    inngest_posix *p = context;
    if (p->failed) return -EIO;
    if (fdatasync(p->file) == 0) return 0;
    p->failed = true;      /* the system may have dropped what it could not write: never tried again */
    return fail(p);
}

static void file_wake(void *context)
{
    inngest_posix *p = context;
    int keep = errno;
    if (write(p->pipe[1], "", 1) < 0) { /* full: the loop is awake anyway */ }
    errno = keep;
}

static int sync_directory(const char *path)
{
    char folder[4096];
    char *slash;
    int d, result;
    if (strlen(path) >= sizeof folder) return ENAMETOOLONG;
    strcpy(folder, path);
    slash = strrchr(folder, '/');
    if (slash == folder) slash[1] = 0; else if (slash) *slash = 0; else strcpy(folder, ".");
    d = open(folder, O_RDONLY);
    if (d < 0) return errno;
    result = fsync(d) == 0 ? 0 : errno;
    close(d);
    return result;
}

/* Written beside under another name and renamed when whole: the name never shows half a file. */
static int create_file(const char *path, uint32_t bytes)
{
    char name[4096];
    uint8_t blank[BLOCK];
    uint32_t at;
    int file, error = 0;
    if (snprintf(name, sizeof name, "%s.%ld.new", path, (long)getpid()) >= (int)sizeof name) return ENAMETOOLONG;
    file = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0) return errno;
    memset(blank, 0xFF, sizeof blank);
    for (at = 0; at < bytes && error == 0; at += BLOCK) {
        ssize_t n = write(file, blank, BLOCK);
        if (n != (ssize_t)BLOCK) error = n < 0 ? errno : ENOSPC;
    }
    if (error == 0 && fsync(file) != 0) error = errno;
    if (error == 0 && link(name, path) != 0 && errno != EEXIST) error = errno;   /* unlike rename, keeps a file that came first */
    unlink(name);
    close(file);
    return error ? error : sync_directory(path);
}

int inngest_posix_open(inngest_posix *p, const char *path, uint32_t bytes)
{
    struct stat status;
    int error;
    if (p == NULL) return EINVAL;
    memset(p, 0, sizeof *p);
    p->file = p->pipe[0] = p->pipe[1] = -1;
    if (path == NULL || bytes < 2 * BLOCK || bytes % BLOCK != 0) return EINVAL;
    p->file = open(path, O_RDWR | O_CLOEXEC);
    if (p->file < 0 && errno == ENOENT) {
        error = create_file(path, bytes);
        if (error) return error;
        p->file = open(path, O_RDWR | O_CLOEXEC);
    }
    if (p->file < 0) return errno;
    error = flock(p->file, LOCK_EX | LOCK_NB) != 0 || fstat(p->file, &status) != 0 ? errno : 0;
    if (error == 0 && status.st_size != (off_t)bytes) error = EFBIG;
    if (error == 0 && pipe(p->pipe) != 0) error = errno;
    if (error) { inngest_posix_close(p); return error; }
    for (error = 0; error < 2; error++) {
        fcntl(p->pipe[error], F_SETFL, O_NONBLOCK);
        fcntl(p->pipe[error], F_SETFD, FD_CLOEXEC);
    }
    p->port.context = p;
    p->port.read = file_read;
    p->port.program = file_program;
    p->port.erase = file_erase;
    p->port.sync = file_sync;
    p->port.wake = file_wake;
    p->port.block_size = BLOCK;
    p->port.block_count = bytes / BLOCK;
    p->port.program_size = 1;
    return 0;
}

uint32_t inngest_posix_uptime_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

int64_t inngest_posix_unix_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The pipe is emptied before the tick, so a send during or after it makes poll return at once. */
void inngest_posix_run(inngest_posix *p, inngest *jobs, volatile int *stop, bool once)
{
    char bytes[64];
    while (stop == NULL || !*stop) {
        struct pollfd wait;
        uint32_t ms;
        while (read(p->pipe[0], bytes, sizeof bytes) > 0) { }
        ms = inngest_tick(jobs, inngest_posix_uptime_ms());
        if (once && ms == UINT32_MAX) return;
        wait.fd = p->pipe[0];
        wait.events = POLLIN;
        wait.revents = 0;
        (void)poll(&wait, 1, ms > 2147483647u ? -1 : (int)ms);
    }
}

void inngest_posix_close(inngest_posix *p)
{
    if (p->file >= 0) close(p->file);
    if (p->pipe[0] >= 0) close(p->pipe[0]);
    if (p->pipe[1] >= 0) close(p->pipe[1]);
    p->file = p->pipe[0] = p->pipe[1] = -1;
}
