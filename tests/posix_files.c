/* SPDX-License-Identifier: MIT
 * Promises 3 and 4 on a file: whatever the system answers, an error is clear, a journal is created whole or not at
 * all, one process has it, and a failed sync is never taken for a good one. The port's source is part of this
 * program, with its system calls led through a counter that makes any one of them fail, short, interrupted, or the
 * last thing the process does. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE 1
#define _FILE_OFFSET_BITS 64
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "crc32.h"
#include "test.h"
#include "posix_folder.h"

/* ---- the counter of system calls --------------------------------------------------------------------------------- */

enum { CALL_OPEN = 1, CALL_STAT = 2, CALL_LOCK = 4, CALL_WRITE = 8, CALL_READ = 16, CALL_SYNC = 32, CALL_LINK = 64, CALL_PIPE = 128 };
typedef enum fault { NONE, ERROR, SHORT, KILL, PAUSE } fault;
static fault fault_kind;
static int fault_errno, fault_at, fault_calls, fault_hit;
static bool real_sync = true;

static void fault_set(fault kind, int calls, int at, int error)
{
    fault_kind = kind;
    fault_calls = calls;
    fault_at = at;
    fault_errno = error;
    fault_hit = 0;
}

static bool hit(int call)
{
    if (fault_kind == NONE || !(fault_calls & call) || fault_hit || --fault_at > 0) return false;
    fault_hit = call;
    if (fault_kind == KILL) (void)raise(SIGKILL);
    if (fault_kind == PAUSE) (void)raise(SIGSTOP);
    if (fault_kind != ERROR) return false;
    errno = fault_errno;
    return true;
}

static size_t shortened(int call, size_t size)
{
    if (fault_kind != SHORT || !(fault_calls & call) || fault_hit || --fault_at > 0 || size < 2) return size;
    fault_hit = call;
    return size / 2;
}

static int test_openat(int folder, const char *name, int flags, ...) { return hit(CALL_OPEN) ? -1 : openat(folder, name, flags, 0644); }
static int test_open(const char *name, int flags) { return hit(CALL_OPEN) ? -1 : open(name, flags); }
static int test_fstat(int file, struct stat *s) { return hit(CALL_STAT) ? -1 : fstat(file, s); }
static int test_fstatat(int folder, const char *name, struct stat *s, int flags) { return hit(CALL_STAT) ? -1 : fstatat(folder, name, s, flags); }
static int test_flock(int file, int how) { return hit(CALL_LOCK) ? -1 : flock(file, how); }
/* The order of what matters for durability: W written, S file synced, D directory synced, L linked; "" if not traced. */
static char order[64];
static bool tracing;
static unsigned writes;

static void trace(char what)
{
    size_t n = strlen(order);
    if (tracing && n + 1 < sizeof order && (n == 0 || order[n - 1] != what)) order[n] = what;
}

static int test_fsync(int file)
{
    struct stat s;
    trace(fstat(file, &s) == 0 && S_ISDIR(s.st_mode) ? 'D' : 'S');
    return hit(CALL_SYNC) ? -1 : real_sync ? fsync(file) : 0;
}

static int test_linkat(int a, const char *from, int b, const char *to, int flags)
{
    trace('L');
    return hit(CALL_LINK) ? -1 : linkat(a, from, b, to, flags);
}
static int test_unlinkat(int folder, const char *name, int flags) { return hit(CALL_LINK) ? -1 : unlinkat(folder, name, flags); }
static int test_pipe(int ends[2]) { return hit(CALL_PIPE) ? -1 : pipe(ends); }
static ssize_t test_pwrite(int file, const void *data, size_t size, off_t at)
{
    trace('W');
    writes++;
    return hit(CALL_WRITE) ? -1 : pwrite(file, data, shortened(CALL_WRITE, size), at);
}
static ssize_t test_pread(int file, void *data, size_t size, off_t at)
{
    return hit(CALL_READ) ? -1 : pread(file, data, shortened(CALL_READ, size), at);
}

#define openat(...) test_openat(__VA_ARGS__)
#define open(...) test_open(__VA_ARGS__)
#define fstat(f, s) test_fstat(f, s)
#define fstatat(d, n, s, f) test_fstatat(d, n, s, f)
#define flock(f, h) test_flock(f, h)
#define fsync(f) test_fsync(f)
#define fdatasync(f) test_fsync(f)
#define linkat(a, f, b, t, n) test_linkat(a, f, b, t, n)
#define unlinkat(d, n, f) test_unlinkat(d, n, f)
#define pipe(e) test_pipe(e)
#define pwrite(f, d, s, a) test_pwrite(f, d, s, a)
#define pread(f, d, s, a) test_pread(f, d, s, a)
#define INNGEST_POSIX_CACHE 4u          /* fewer than the blocks of a journal here */
#include "../port/posix/inngest_posix.c"
#undef openat
#undef open
#undef fstat
#undef fstatat
#undef flock
#undef fsync
#undef fdatasync
#undef linkat
#undef unlinkat
#undef pipe
#undef pwrite
#undef pread

/* ---- a job, its effects, and boots ------------------------------------------------------------------------------- */

#define SIZE (6 * 4096u)
#define EVENTS 3
static inngest_posix port;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(8, 8) / 8 + 1];
static uint32_t now;
static unsigned effects[EVENTS][2], ended[EVENTS], reruns, wrong;
static bool durable[EVENTS];

static inngest_status job(inngest_ctx *ctx)
{
    uint32_t which, value;
    INNGEST_TRY(inngest_event_data(ctx, &which, sizeof which));
    if (which >= EVENTS) { wrong++; return INNGEST_FAIL; }
    INNGEST_STEP(ctx, "first", value) {
        if (durable[which]) reruns++;
        effects[which][0]++;
        value = 1000 + which;
    }
    if (value != 1000 + which) wrong++;
    durable[which] = true;
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 5000));
    INNGEST_DO(ctx, "second") effects[which][1]++;
    return INNGEST_OK;
}

static void run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    if (info->status != INNGEST_OK) wrong++;
    ended[0]++;
}

static inngest_status boot(const inngest_port *on)
{
    static const inngest_function functions[] = { { .id = "job", .event = "test/job", .handler = job } };
    static const inngest_hooks hooks = { .run_end = run_end };
    inngest_config c;
    memset(&c, 0, sizeof c);
    c.functions = functions;
    c.function_count = 1;
    c.port = on;
    c.hooks = &hooks;
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = 8;
    c.events = 8;
    c.seed = 7;
    return inngest_init(&jobs, &c, NULL);
}

static unsigned live_runs(unsigned *parked)
{
    uint32_t cursor = 0;
    inngest_run_info info;
    unsigned n = 0;
    *parked = 0;
    while (inngest_next_run(&jobs, &cursor, &info)) {
        n++;
        if (info.wait == INNGEST_WAIT_DAMAGE) (*parked)++;
    }
    return n;
}

static void forget(void)
{
    memset(effects, 0, sizeof effects);
    memset(durable, 0, sizeof durable);
    memset(ended, 0, sizeof ended);
    reruns = wrong = 0;
}

static inngest_status send_all(void)
{
    uint32_t i;
    char id[2] = "";
    for (i = 0; i < EVENTS; i++) {
        const inngest_event event = { .name = "test/job", .data = &i, .size = sizeof i, .id = id };
        id[0] = (char)('a' + i);
        INNGEST_TRY(inngest_send_event(&jobs, &event));
    }
    return inngest_flush(&jobs);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static unsigned count_files(const char *with)
{
    DIR *list = opendir(".");
    const struct dirent *entry;
    unsigned n = 0;
    while ((entry = readdir(list)) != NULL) n += strstr(entry->d_name, with) != NULL;
    closedir(list);
    return n;
}

static size_t load(const char *name, uint8_t *to, size_t size)
{
    FILE *f = fopen(name, "rb");
    size_t n;
    if (f == NULL) return 0;
    n = fread(to, 1, size, f);
    fclose(f);
    return n;
}

static void store(const char *name, const void *data, size_t size)
{
    FILE *f = fopen(name, "wb");
    if (f == NULL || fwrite(data, 1, size, f) != size) wrong++;
    if (f) fclose(f);
}

/* No file, or a whole one: all of it there, and a journal mounts on it. */
static bool absent_or_whole(const char *name)
{
    static uint8_t bytes[SIZE + 1];
    size_t i, n;
    if (access(name, F_OK) != 0) return true;
    n = load(name, bytes, sizeof bytes);
    for (i = 0; i < n; i++) if (bytes[i] != 0xFF) return false;
    return n == SIZE;
}

static int result_of(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) { }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void creates(void)
{
    static uint8_t bytes[SIZE + 1];
    struct stat s;
    size_t i, n;
    tracing = true;
    CHECK(inngest_posix_open(&port, "new", SIZE) == 0);
    CHECK(strcmp(order, "WSLSD") == 0);                      /* no name before it is durable; the name is durable */
    tracing = false;
    CHECK(port.port.block_count == 6 && port.port.block_size == 4096 && port.error == 0 && port.problem[0] == 0);
    CHECK(stat("new", &s) == 0 && s.st_size == (off_t)SIZE && s.st_nlink == 1);
    CHECK((uint64_t)s.st_blocks * 512u >= SIZE);             /* written, not a hole */
    n = load("new", bytes, sizeof bytes);
    for (i = 0; i < n && bytes[i] == 0xFF; i++) { }
    CHECK(n == SIZE && i == n);
    CHECK(count_files("inngest-new") == 0);
    CHECK(fcntl(port.file, F_GETFD) & FD_CLOEXEC);
    inngest_posix_close(&port);
    inngest_posix_close(&port);                              /* harmless */
    memset(order, 0, sizeof order);
    tracing = true;
    CHECK(inngest_posix_open(&port, "new", 0) == 0 && strcmp(order, "SD") == 0);      /* what a dead one left undone */
    tracing = false;
    CHECK(port.port.block_count == 6);
    inngest_posix_close(&port);
    CHECK(inngest_posix_open(&port, "./new", SIZE) == 0);
    inngest_posix_close(&port);
    CHECK(inngest_posix_open(&port, "new", SIZE + 4096) == EFBIG && port.problem[0] != 0 && port.error == EFBIG);
    CHECK(inngest_posix_open(&port, "new", SIZE - 4096) == EFBIG);
    CHECK(stat("new", &s) == 0 && s.st_size == (off_t)SIZE);
}

/* The errno of an open that is refused, and has words for it. */
static int refused(const char *path, uint32_t bytes)
{
    int error = inngest_posix_open(&port, path, bytes);
    return port.problem[0] ? error : -1;
}

static void refuses_arguments(void)
{
    char name[5000];
    CHECK(inngest_posix_open(NULL, "x", SIZE) == EINVAL);
    CHECK(refused(NULL, SIZE) == EINVAL);
    CHECK(refused("", SIZE) == EINVAL);
    CHECK(refused("x", 4096) == EINVAL);
    CHECK(refused("x", SIZE + 1) == EINVAL);
    CHECK(refused("x", 4294963200u) == EINVAL);
    CHECK(refused("x", 0) == ENOENT);
    CHECK(refused("no/such/folder", SIZE) == ENOENT);
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = 0;
    CHECK(refused(name, SIZE) == ENAMETOOLONG);
    name[4500] = '/';
    CHECK(refused(name, SIZE) == ENAMETOOLONG);
    name[250] = 0;
    CHECK(refused(name, SIZE) == ENAMETOOLONG);     /* the leftover's name would be too long */
    CHECK(count_files("xxx") == 0);
    CHECK(port.file == -1 && port.pipe[0] == -1 && port.pipe[1] == -1);
}

static void refuses_other_things(void)
{
    struct stat s;
    CHECK(mkdir("folder", 0777) == 0);
    CHECK(refused("folder", SIZE) == EISDIR);
    CHECK(refused("folder/", SIZE) == EISDIR);
    CHECK(refused("/", SIZE) == EISDIR);
    CHECK(refused("new/x", SIZE) == ENOTDIR);
    CHECK(symlink("new", "link") == 0 && symlink("nowhere", "dangling") == 0);
    CHECK(refused("link", SIZE) == ELOOP);
    CHECK(refused("dangling", SIZE) == ELOOP);
    CHECK(lstat("nowhere", &s) != 0);
    fault_set(ERROR, CALL_OPEN, 2, EMLINK);                           /* as FreeBSD calls it */
    CHECK(refused("link", SIZE) == ELOOP && strstr(port.problem, "link") != NULL);
    fault_set(ERROR, CALL_SYNC, 1, EINTR);                            /* interrupted while it is created: goes on */
    CHECK(inngest_posix_open(&port, "interrupted", SIZE) == 0 && fault_hit == CALL_SYNC);
    fault_set(NONE, 0, 0, 0);
    inngest_posix_close(&port);
    CHECK(unlink("interrupted") == 0);
    CHECK(mkfifo("fifo", 0666) == 0);
    CHECK(refused("fifo", SIZE) == ENOTSUP);
    CHECK(refused("/dev/null", SIZE) == ENOTSUP);
    if (access("/dev/full", W_OK) == 0) CHECK(refused("/dev/full", SIZE) == ENOTSUP);
    CHECK(inngest_posix_open(&port, "folder/deep", SIZE) == 0);       /* in another folder than the current one */
    inngest_posix_close(&port);
    CHECK(unlink("folder/deep") == 0 && rmdir("folder") == 0);
}

/* In a child that is not root. */
static void refuses_read_only(void)
{
    pid_t child;
    CHECK(inngest_posix_open(&port, "locked-away", SIZE) == 0);
    inngest_posix_close(&port);
    CHECK(chmod("locked-away", 0444) == 0 && mkdir("no-writing", 0555) == 0);
    child = fork();
    if (child == 0) {
        int a, b;
        if (geteuid() == 0 && setuid(65534) != 0) _exit(9);
        a = refused("locked-away", SIZE);
        b = refused("no-writing/new", SIZE);
        _exit((a == EACCES ? 0 : 1) + (b == EACCES ? 0 : 2));
    }
    CHECK(result_of(child) == 0);
    CHECK(chmod("locked-away", 0644) == 0 && rmdir("no-writing") == 0);
}

static void one_process_only(void)
{
    static inngest_posix second;
    int ends[2];
    char byte;
    pid_t child;
    CHECK(inngest_posix_open(&port, "one", SIZE) == 0);
    CHECK(inngest_posix_open(&second, "one", SIZE) == EWOULDBLOCK && strstr(second.problem, "open") != NULL);
    child = fork();
    if (child == 0) _exit(inngest_posix_open(&second, "one", SIZE) == EWOULDBLOCK ? 0 : 1);
    CHECK(result_of(child) == 0);
    inngest_posix_close(&port);
    CHECK(pipe(ends) == 0);
    child = fork();
    if (child == 0) {
        if (inngest_posix_open(&port, "one", SIZE) != 0 || write(ends[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK(inngest_posix_open(&port, "one", SIZE) == EWOULDBLOCK);
    kill(child, SIGKILL);
    CHECK(result_of(child) == -SIGKILL);
    CHECK(inngest_posix_open(&port, "one", SIZE) == 0);              /* the dead hold nothing */
    inngest_posix_close(&port);
    close(ends[0]);
    close(ends[1]);
}

/* Several processes create one name at the same moment: one gets it, the others are told so. */
static void race_to_create(void)
{
    unsigned round, i;
    for (round = 0; round < 25; round++) {
        int go[2], won = 0, refused = 0, done[2];
        char byte = 0;
        pid_t child[4];
        CHECK(pipe(go) == 0 && pipe(done) == 0);
        for (i = 0; i < 4; i++) {
            child[i] = fork();
            if (child[i] == 0) {
                int error;
                close(go[1]);
                close(done[1]);
                if (read(go[0], &byte, 1) != 0) _exit(9);
                error = inngest_posix_open(&port, "race", SIZE);
                if (error == 0 && read(done[0], &byte, 1) != 0) _exit(9);     /* keep it until all have tried */
                _exit(error == 0 ? 0 : error == EWOULDBLOCK ? 1 : 2);
            }
        }
        close(go[1]);
        close(go[0]);
        {
            int status, left = 4;
            while (left > 1 && wait(&status) > 0) {
                left--;
                if (WIFEXITED(status) && WEXITSTATUS(status) == 1) refused++;
            }
            close(done[1]);
            close(done[0]);
            while (wait(&status) > 0) if (WIFEXITED(status) && WEXITSTATUS(status) == 0) won++;
        }
        CHECK(refused == 3 && won == 1);
        CHECK(absent_or_whole("race") && access("race", F_OK) == 0);
        CHECK(inngest_posix_open(&port, "race", SIZE) == 0);
        CHECK(count_files("inngest-new") == 0);
        inngest_posix_close(&port);
        CHECK(unlink("race") == 0);
    }
}

/* Each call of a creation, and of an opening, fails once. */
static void calls_fail(bool exists)
{
    static const int errors[] = { EIO, ENOSPC, EINTR };
    unsigned e;
    int at;
    for (e = 0; e < 3; e++) {
        for (at = 1; ; at++) {
            int error;
            if (exists) { CHECK(inngest_posix_open(&port, "fails", SIZE) == 0); inngest_posix_close(&port); }
            fault_set(ERROR, 0xFFF, at, errors[e]);
            error = inngest_posix_open(&port, "fails", SIZE);
            fault_kind = NONE;
            if (fault_hit == 0) break;                       /* each of them has failed once */
            CHECK(error == 0 || error == errors[e] || (error == EWOULDBLOCK && fault_hit == CALL_STAT));
            CHECK(error == 0 || (port.file == -1 && port.pipe[0] == -1));
            CHECK(error != 0 || (fault_hit & (CALL_OPEN | CALL_STAT | CALL_LINK | CALL_LOCK)) || errors[e] == EINTR);
            if (error == 0) inngest_posix_close(&port);
            CHECK(absent_or_whole("fails"));
            CHECK(!exists || access("fails", F_OK) == 0);
            CHECK(inngest_posix_open(&port, "fails", SIZE) == 0);
            CHECK(count_files("inngest-new") == 0);
            inngest_posix_close(&port);
            CHECK(unlink("fails") == 0);
        }
        CHECK(at > 8);
        inngest_posix_close(&port);
        CHECK(unlink("fails") == 0);
    }
}

/* The creator is killed before each of its calls, then at random moments. */
static void killed_in_creation(void)
{
    int at, result = 0;
    unsigned i, named = 0;
    for (at = 1; result != 0 || at == 1; at++) {
        pid_t child = fork();
        if (child == 0) {
            fault_set(KILL, 0xFFF, at, 0);
            _exit(inngest_posix_open(&port, "killed", SIZE));
        }
        result = result_of(child);
        CHECK(result == -SIGKILL || result == 0);
        CHECK(absent_or_whole("killed"));
        named += access("killed", F_OK) == 0;
        CHECK(inngest_posix_open(&port, "killed", SIZE) == 0);
        CHECK(count_files("inngest-new") == 0);
        inngest_posix_close(&port);
        CHECK(unlink("killed") == 0);
    }
    CHECK(named >= 3 && at > 15);                            /* there were moments before and after the naming */
    for (i = 0; i < 40; i++) {
        const struct timespec moment = { 0, (long)(i * 50000) };
        pid_t child = fork();
        if (child == 0) {
            for (;;) {
                if (inngest_posix_open(&port, "killed", SIZE) != 0) _exit(1);
                inngest_posix_close(&port);
                if (unlink("killed") != 0) _exit(2);
            }
        }
        nanosleep(&moment, NULL);
        kill(child, SIGKILL);
        CHECK(result_of(child) == -SIGKILL);
        CHECK(absent_or_whole("killed"));
        CHECK(inngest_posix_open(&port, "killed", SIZE) == 0);
        CHECK(count_files("inngest-new") == 0);
        inngest_posix_close(&port);
        CHECK(unlink("killed") == 0);
    }
}

/* A leftover is one that no living process has; nothing else is removed. */
static void leftovers(void)
{
    pid_t child;
    int status;
    store("mine.1.0.inngest-new", "dead", 4);
    store("mine.1.inngest-new.bak", "user's", 6);
    store("mine.new", "user's", 6);
    store("other.1.0.inngest-new", "another journal's", 17);
    child = fork();
    if (child == 0) {
        fault_set(PAUSE, CALL_WRITE, 3, 0);
        _exit(inngest_posix_open(&port, "mine", SIZE) == EWOULDBLOCK ? 0 : 1);
    }
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    CHECK(count_files("mine.") == 4);
    CHECK(inngest_posix_open(&port, "mine", SIZE) == 0);
    CHECK(access("mine.1.0.inngest-new", F_OK) != 0);
    CHECK(access("mine.1.inngest-new.bak", F_OK) == 0 && access("mine.new", F_OK) == 0 && access("other.1.0.inngest-new", F_OK) == 0);
    CHECK(count_files("mine.") == 3);                        /* the one of the living creator is still there */
    kill(child, SIGCONT);
    CHECK(result_of(child) == 0);                            /* and it is told that it came second */
    CHECK(count_files("mine.") == 2);
    inngest_posix_close(&port);
}

/* The file is replaced between a second process's open and its lock: it must not run beside the first one. */
static void replaced(void)
{
    pid_t child;
    int status;
    CHECK(inngest_posix_open(&port, "replaced", SIZE) == 0);
    inngest_posix_close(&port);
    child = fork();
    if (child == 0) {
        fault_set(PAUSE, CALL_LOCK, 1, 0);
        _exit(inngest_posix_open(&port, "replaced", SIZE) == EWOULDBLOCK ? 0 : 1);
    }
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    CHECK(unlink("replaced") == 0 && inngest_posix_open(&port, "replaced", SIZE) == 0);
    kill(child, SIGCONT);
    CHECK(result_of(child) == 0);
    inngest_posix_close(&port);
}

static uint8_t image[SIZE], before[SIZE], after[SIZE];

/* A limit on the size of files: a short write, then EFBIG. */
static void size_limit(void)
{
    struct rlimit limit = { 3 * 4096 + 100, 3 * 4096 + 100 };
    pid_t child = fork();
    if (child == 0) {
        int error;
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(9);
        error = inngest_posix_open(&port, "limit", SIZE);
        _exit(error == EFBIG && count_files("limit") == 0 ? 0 : 1);
    }
    CHECK(result_of(child) == 0);
    CHECK(inngest_posix_open(&port, "limit", SIZE) == 0);
    inngest_posix_close(&port);
    child = fork();
    if (child == 0) {
        uint8_t bytes[300], back[300];
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || inngest_posix_open(&port, "limit", SIZE) != 0) _exit(9);
        memset(bytes, 0x55, sizeof bytes);
        port.port.sync = NULL;
        if (port.port.program(&port, 3 * 4096, bytes, 300) != -EFBIG || port.error != EFBIG || port.failed) _exit(1);
        if (port.port.read(&port, 3 * 4096, back, 300) != 0 || memcmp(bytes, back, 100) != 0 || back[100] != 0xFF) _exit(2);
        if (port.port.erase(&port, 4 * 4096) != -EFBIG || port.port.program(&port, 4096, bytes, 300) != 0) _exit(3);
        _exit(0);
    }
    CHECK(result_of(child) == 0);
    child = fork();
    if (child == 0) {                                        /* gathered: the sync tells, and nothing is written any more */
        uint8_t bytes[300];
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || inngest_posix_open(&port, "limit", SIZE) != 0) _exit(9);
        memset(bytes, 0x33, sizeof bytes);
        if (port.port.program(&port, 3 * 4096 + 50, bytes, 300) != 0 || port.port.sync(&port) != -EFBIG || !port.failed || port.error != EFBIG) _exit(1);
        if (port.port.program(&port, 4096, bytes, 300) != -EFBIG || port.port.sync(&port) != -EFBIG || port.errors != 3) _exit(2);
        inngest_posix_close(&port);
        if (inngest_posix_open(&port, "limit", SIZE) != 0 || port.port.read(&port, 3 * 4096, bytes, 101) != 0) _exit(3);
        if (bytes[49] != 0x55 || bytes[50] != 0x33 || bytes[99] != 0x33 || bytes[100] != 0xFF) _exit(4);
        if (port.port.read(&port, 4096, bytes, 1) != 0 || bytes[0] != 0x55) _exit(5);
        _exit(0);
    }
    CHECK(result_of(child) == 0);
}

/* Until the sync what is programmed and erased is one write a block, each in its turn; it can be read meanwhile. */
static void gathered_writes(void)
{
    uint8_t bytes[40], back[40], file[40];
    unsigned i;
    int raw;
    CHECK(inngest_posix_open(&port, "gathered", SIZE) == 0);
    raw = open("gathered", O_RDONLY);
    memset(bytes, 0x11, sizeof bytes);
    memset(order, 0, sizeof order);
    tracing = true;
    writes = 0;
    CHECK(port.port.sync(&port) == 0 && writes == 0);
    for (i = 0; i < 64; i++) CHECK(port.port.program(&port, 4096 + i * 40, bytes, 40) == 0);
    CHECK(port.port.read(&port, 4096 + 63 * 40, back, 40) == 0 && memcmp(bytes, back, 40) == 0);
    CHECK(pread(raw, file, 1, 4096) == 1 && file[0] == 0xFF && writes == 0);
    CHECK(port.port.sync(&port) == 0 && writes == 1 && strcmp(order, "SWS") == 0);
    tracing = false;
    CHECK(pread(raw, file, 40, 4096 + 63 * 40) == 40 && memcmp(bytes, file, 40) == 0);
    CHECK(port.port.erase(&port, 8192) == 0 && port.port.program(&port, 8192, bytes, 24) == 0 && writes == 1);
    CHECK(port.port.program(&port, 8150, bytes, 40) == 0 && writes == 2);                    /* another block */
    CHECK(port.port.program(&port, 8190, bytes, 4) == 0 && writes == 3);                     /* across */
    CHECK(port.port.program(&port, 4096, bytes, 4) == 0 && writes == 4);
    CHECK(port.port.erase(&port, 4096 * 5) == 0 && writes == 5);                             /* the place of another one */
    CHECK(port.port.program(&port, 1000, bytes, 8) == 0 && port.port.program(&port, 996, bytes, 8) == 0 && writes == 6);
    CHECK(port.port.sync(&port) == 0 && writes == 7);
    CHECK(pread(raw, file, 16, 992) == 16 && file[3] == 0xFF && file[4] == 0x11 && file[15] == 0x11 && pread(raw, file, 1, 4096 * 5) == 1 && file[0] == 0xFF);
    CHECK(port.port.program(&port, 2000, bytes, 8) == 0);
    CHECK(port.port.read(&port, 4096 * 4, back, 8) == 0 && writes == 8);                     /* the same place */
    CHECK(port.port.read(&port, 2000, back, 8) == 0 && back[0] == 0x11);
    CHECK(port.port.program(&port, 3000, bytes, 8) == 0);
    fault_set(ERROR, CALL_WRITE, 1, EIO);
    CHECK(port.port.read(&port, 4096 * 4, back, 8) == -EIO && port.failed && port.port.sync(&port) == -EIO);
    fault_set(NONE, 0, 0, 0);
    CHECK(port.port.read(&port, 3000, back, 8) == 0 && back[0] == 0xFF);                     /* as it stands in the file */
    inngest_posix_close(&port);
    CHECK(inngest_posix_open(&port, "gathered", SIZE) == 0 && port.port.program(&port, 3000, bytes, 8) == 0);
    inngest_posix_close(&port);
    CHECK(pread(raw, file, 8, 3000) == 8 && file[0] == 0x11);
    close(raw);
}

/* Short and interrupted transfers are finished; a file that lost its end reads as an error, not as zeros. */
static void transfers(void)
{
    uint8_t bytes[1000], back[1000];
    unsigned i;
    for (i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7);
    CHECK(inngest_posix_open(&port, "transfers", SIZE) == 0);
    CHECK(port.port.program(&port, 3000, bytes, sizeof bytes) == 0);
    fault_set(SHORT, CALL_WRITE, 1, 0);
    CHECK(port.port.sync(&port) == 0 && fault_hit && load("transfers", image, SIZE) == SIZE && memcmp(bytes, image + 3000, sizeof bytes) == 0);
    port.port.sync = NULL;                                   /* each goes to the file at once */
    fault_set(SHORT, CALL_WRITE, 1, 0);
    CHECK(port.port.program(&port, 5000, bytes, sizeof bytes) == 0 && fault_hit);
    CHECK(port.port.read(&port, 4096 * 5, back, 8) == 0);    /* their places are another's */
    fault_set(SHORT, CALL_READ, 1, 0);
    CHECK(port.port.read(&port, 5000, back, sizeof back) == 0 && fault_hit && memcmp(bytes, back, sizeof back) == 0);
    fault_set(ERROR, CALL_WRITE, 1, EINTR);
    CHECK(port.port.program(&port, 9000, bytes, sizeof bytes) == 0 && fault_hit);
    CHECK(port.port.read(&port, 4096 * 5, back, 8) == 0);
    fault_set(ERROR, CALL_READ, 1, EINTR);
    CHECK(port.port.read(&port, 5000, back, sizeof back) == 0 && fault_hit && memcmp(bytes, back, sizeof back) == 0);
    fault_set(ERROR, CALL_SYNC, 1, EINTR);
    CHECK(file_sync(&port) == 0 && fault_hit && !port.failed);
    CHECK(port.errors == 0 && port.error == 0);
    fault_set(ERROR, CALL_READ, 1, EIO);
    CHECK(port.port.read(&port, 4096 * 4, back, 8) == -EIO && port.errors == 1 && !port.failed);
    fault_set(ERROR, CALL_WRITE, 1, ENOSPC);
    CHECK(port.port.program(&port, 0, bytes, 8) == -ENOSPC && port.errors == 2 && port.error == ENOSPC && !port.failed);
    fault_set(NONE, 0, 0, 0);
    CHECK(truncate("transfers", 4096) == 0);
    CHECK(port.port.read(&port, 13000, back, 8) == -EIO);
    CHECK(!port.port.is_blank(&port, 13000, 8));
    CHECK(port.port.read(&port, 5000, back, sizeof back) == 0 && memcmp(bytes, back, sizeof back) == 0);   /* still in memory */
    inngest_posix_close(&port);
}

/* What is read is what was written, whatever was read, written, erased, and failed halfway before; and stands in the file,
 * behind a sync, or at once where there is none. */
static void copies(bool at_once)
{
    static uint8_t file[SIZE], wanted[SIZE];
    uint8_t bytes[600];
    uint32_t state = 1;
    unsigned turns, syncs = 0, failures = 0;
    CHECK(inngest_posix_open(&port, "copies", SIZE) == 0 && load("copies", wanted, SIZE) == SIZE);
    for (turns = 0; turns < 4000; turns++) {
        uint32_t at, size;
        bool failed;
        if (at_once) port.port.sync = NULL;
        state = state * 1664525u + 1013904223u;
        size = 1 + (state >> 8) % sizeof bytes;
        at = (state >> 5) % (SIZE - size);
        if (turns % 7 == 0) fault_set(turns % 2 ? ERROR : SHORT, turns % 5 ? CALL_WRITE : CALL_READ, 1 + turns % 2 * (turns / 14 % 2), EIO);
        memset(bytes, (int)turns, sizeof bytes);
        if (turns % 3 == 0) {
            failed = port.port.program(&port, at, bytes, size) != 0;
            if (!failed) memcpy(wanted + at, bytes, size);
        } else if (turns % 31 == 0) {
            failed = port.port.erase(&port, at / 4096 * 4096) != 0;
            if (!failed) memset(wanted + at / 4096 * 4096, 0xFF, 4096);
        } else if (turns % 5 == 0 && !at_once) {
            failed = port.port.sync(&port) != 0;
            if (!failed && (load("copies", file, SIZE) != SIZE || memcmp(file, wanted, SIZE) != 0)) break;
            syncs++;
        } else {
            failed = port.port.read(&port, at, bytes, size) != 0;
            if (!failed && memcmp(wanted + at, bytes, size) != 0) break;
        }
        fault_set(NONE, 0, 0, 0);
        if (failed) {                                        /* half of it may be there */
            failures++;
            if (port.failed) {
                inngest_posix_close(&port);
                if (inngest_posix_open(&port, "copies", SIZE) != 0) break;
            } else if (!at_once && port.port.sync(&port) != 0) break;
            if (load("copies", wanted, SIZE) != SIZE) break;
        }
        if (at_once && (load("copies", file, SIZE) != SIZE || memcmp(file, wanted, SIZE) != 0)) break;
    }
    CHECK(turns == 4000 && failures > 20 && (at_once || syncs > 200));
    inngest_posix_close(&port);
}

/* fsync fails once: from then on nothing is written, no success is told, until the journal is mounted anew. */
static void failed_sync(void)
{
    uint8_t byte = 0;
    inngest_counters c;
    forget();
    CHECK(inngest_posix_open(&port, "sync", SIZE) == 0 && boot(&port.port) == INNGEST_OK);
    CHECK(inngest_send(&jobs, "test/job", &(uint32_t){ 0 }, 4) == INNGEST_OK);
    fault_set(ERROR, CALL_SYNC, 1, EIO);
    CHECK(inngest_flush(&jobs) == INNGEST_ERR_SYNC && fault_hit && port.failed && port.error == EIO);
    fault_set(NONE, 0, 0, 0);
    CHECK(inngest_flush(&jobs) == INNGEST_ERR_SYNC);
    inngest_get_counters(&jobs, &c);
    CHECK(c.port_error == -EIO && c.port_errors > 0);
    CHECK(port.port.sync(&port) == -EIO && port.port.program(&port, 0, &byte, 1) == -EIO && port.port.erase(&port, 0) == -EIO);
    CHECK(inngest_posix_run(&port, &jobs) == EIO);           /* and does not sleep for ever */
    CHECK(effects[0][0] == 0 && ended[0] == 0);
    CHECK(inngest_close(&jobs) != INNGEST_OK);
    inngest_posix_close(&port);
    CHECK(inngest_posix_open(&port, "sync", SIZE) == 0 && boot(&port.port) == INNGEST_OK && !port.failed);
    inngest_posix_close(&port);
}

/* One call of a whole life fails, then the machine is started again: all ends as if nothing had been. */
static void fault_in_life(int calls, fault kind, int error, int stride)
{
    int at;
    for (at = 1; at < 4000; at += stride) {
        unsigned turns, parked, boots = 0, i;
        bool hit_once = false, all = false;
        forget();
        if (unlink("life") != 0 && errno != ENOENT) wrong++;
        CHECK(inngest_posix_open(&port, "life", SIZE) == 0);
        for (; boots < 3 && !all; boots++) {
            if (boots > 0) CHECK(inngest_posix_open(&port, "life", SIZE) == 0);
            if (boots == 0 && calls == CALL_READ) fault_set(kind, calls, at, error);      /* the mount reads all of so small a journal */
            if (boot(&port.port) == INNGEST_OK) {
                if (boots == 0 && calls != CALL_READ) fault_set(kind, calls, at, error);
                if (send_all() == INNGEST_OK || boots == 0)
                    for (turns = 0; turns < 40 && !port.failed; turns++) {
                        inngest_tick(&jobs, now += 1000);
                        all = turns > 0 && ended[0] >= EVENTS && live_runs(&parked) == 0;
                        if (all) break;
                    }
                if (fault_hit) hit_once = true;
                fault_set(NONE, 0, 0, 0);
            }
            inngest_posix_close(&port);
        }
        CHECK(all && wrong == 0 && reruns == 0);
        for (i = 0; i < EVENTS; i++) CHECK(effects[i][0] >= 1 && effects[i][1] >= 1);
        if (!hit_once || test_failed > 20) break;
    }
    CHECK(at > 5 && at < 4000);
}

static void faults_in_life(void)
{
    fault_in_life(CALL_WRITE, ERROR, EIO, 1);
    fault_in_life(CALL_WRITE, ERROR, ENOSPC, 1);
    fault_in_life(CALL_WRITE, SHORT, 0, 1);
    fault_in_life(CALL_READ, SHORT, 0, 1);
    fault_in_life(CALL_READ, ERROR, EIO, 1);
    fault_in_life(CALL_SYNC, ERROR, EIO, 1);
    fault_in_life(CALL_SYNC, ERROR, EINTR, 1);
}

/* ---- damaged, foreign and newer files ------------------------------------------------------------------------------ */

/* A journal with three runs that sleep. */
static void make_image(void)
{
    unsigned parked, i;
    forget();
    CHECK(inngest_posix_open(&port, "image", SIZE) == 0 && boot(&port.port) == INNGEST_OK);
    CHECK(send_all() == INNGEST_OK);
    for (i = 0; i < 3; i++) inngest_tick(&jobs, ++now);
    CHECK(live_runs(&parked) == EVENTS && parked == 0);
    inngest_posix_close(&port);
    CHECK(load("image", image, SIZE) == SIZE);
}

static inngest_status mount_bytes(const uint8_t *bytes, size_t size)
{
    inngest_status status;
    store("bytes", bytes, size);
    if (inngest_posix_open(&port, "bytes", 0) != 0) return INNGEST_ERR_ARGUMENT;
    status = boot(&port.port);
    if (status != INNGEST_OK) inngest_posix_close(&port);
    return status;
}

static void refused_untouched(const uint8_t *bytes, size_t size, inngest_status why)
{
    inngest_status status = mount_bytes(bytes, size);
    CHECK(status == why);
    if (status == INNGEST_OK) inngest_posix_close(&port);
    CHECK(load("bytes", after, SIZE) == size && memcmp(bytes, after, size) == 0);
}

static void change_header(unsigned offset, uint8_t value)
{
    unsigned block, i;
    memcpy(before, image, SIZE);
    for (block = 0; block < SIZE / 4096; block++) {
        uint8_t *header = before + block * 4096;
        uint32_t crc;
        if (memcmp(header, "INJ1", 4) != 0) continue;
        header[offset] = value;
        crc = crc32_of(0, header, 20);
        for (i = 0; i < 4; i++) header[20 + i] = (uint8_t)(crc >> (8 * i));
    }
}

static void foreign_files(void)
{
    unsigned i;
    static const char text[] = "Dear diary, this is no journal of jobs.\n";
    for (i = 0; i < SIZE; i++) before[i] = (uint8_t)text[i % (sizeof text - 1)];
    refused_untouched(before, SIZE, INNGEST_ERR_FOREIGN);
    memset(before, 0, SIZE);
    refused_untouched(before, SIZE, INNGEST_ERR_FOREIGN);
    memset(before, 0xFF, SIZE);
    before[SIZE - 1] = 0xFE;
    refused_untouched(before, SIZE, INNGEST_ERR_FOREIGN);
    change_header(4, 2);                                     /* a newer major version */
    refused_untouched(before, SIZE, INNGEST_ERR_VERSION);
    change_header(6, 1);                                     /* a feature that this build lacks */
    refused_untouched(before, SIZE, INNGEST_ERR_VERSION);
    change_header(5, 1);                                     /* a newer minor version is read */
    CHECK(mount_bytes(before, SIZE) == INNGEST_OK);
    inngest_posix_close(&port);
}

static void truncated_files(void)
{
    unsigned parked;
    refused_untouched(image, SIZE - 1, INNGEST_ERR_ARGUMENT);        /* EFBIG by open */
    refused_untouched(image, SIZE - 100, INNGEST_ERR_ARGUMENT);
    refused_untouched(image, 4096, INNGEST_ERR_ARGUMENT);
    refused_untouched(image, 0, INNGEST_ERR_ARGUMENT);
    refused_untouched(image, SIZE - 4096, INNGEST_ERR_OTHER_GEOMETRY);
    refused_untouched(image, 2 * 4096, INNGEST_ERR_OTHER_GEOMETRY);
    store("bytes", image, SIZE - 4096);
    CHECK(inngest_posix_open(&port, "bytes", SIZE) == EFBIG);
    CHECK(truncate("bytes", (off_t)SIZE) == 0);              /* the user gives it its size back: what was whole is there */
    CHECK(inngest_posix_open(&port, "bytes", SIZE) == 0 && boot(&port.port) == INNGEST_OK);
    CHECK(live_runs(&parked) == EVENTS && parked == 0);
    inngest_posix_close(&port);
}

/* A bit flips in a record: it mounts, and says so unless nothing was lost. */
static void flipped_bits(void)
{
    uint32_t bit, end = 4096;
    unsigned silent = 0, refused = 0, flips = 0;
    uint8_t *bytes = before;
    while (end > 32 && image[end - 1] == 0xFF) end--;
    for (bit = 32 * 8; bit < end * 8; bit += 3, flips++) {
        inngest_counters c;
        unsigned parked, live, turns;
        inngest_status status;
        memcpy(bytes, image, SIZE);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
        forget();
        status = mount_bytes(bytes, SIZE);
        if (status != INNGEST_OK) { refused++; continue; }
        inngest_get_counters(&jobs, &c);
        live = live_runs(&parked);
        for (turns = 0; turns < 20; turns++) inngest_tick(&jobs, now += 1000);
        if (c.torn + c.damaged + c.lost_runs + parked == 0 && (live < EVENTS || ended[0] < EVENTS)) silent++;
        inngest_posix_close(&port);
    }
    CHECK(flips > 500 && refused == 0 && silent == 0 && wrong == 0);
    if (refused || silent) printf("flips %u, refused %u, silent %u\n", flips, refused, silent);
}

int main(int count, char **arguments)
{
    (void)count;
    enter_folder(arguments[0]);
    alarm(50);                         /* a hang is a failure too */
    creates();
    real_sync = false;                 /* nobody cuts the power here, and some disks take long */
    refuses_arguments();
    refuses_other_things();
    refuses_read_only();
    one_process_only();
    race_to_create();
    calls_fail(false);
    calls_fail(true);
    killed_in_creation();
    leftovers();
    replaced();
    size_limit();
    gathered_writes();
    transfers();
    copies(true);
    copies(false);
    failed_sync();
    faults_in_life();
    make_image();
    foreign_files();
    truncated_files();
    flipped_bits();
    return TEST_END();
}
