/* SPDX-License-Identifier: MIT
 * Durable execution in ten seconds: the signup job fails, is retried, sleeps, and its process is killed twice.
 * `make demo` runs it. The parent process is the bad world: it starts the worker and kills it. The worker is an
 * ordinary program; all it keeps stands in the journal. Exit: 0 if the promise was kept. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE 1
#include "inngest_posix.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct user_created { char email[32]; int64_t future; } user_created;

static uint32_t started;               /* uptime in ms */
static int world, to_parent;           /* effects: a file of single appends; what the parent waits for: a pipe */
static const char *who = "world";
static int64_t future;                 /* unix ms the job sleeps until */

static void say(const char *form, ...)
{
    va_list list;
    uint32_t ms = inngest_posix_uptime_ms() - started;
    printf("%3u.%02u s  %-9s ", (unsigned)(ms / 1000), (unsigned)(ms % 1000 / 10), who);
    va_start(list, form);
    vprintf(form, list);
    va_end(list);
    putchar('\n');
    fflush(stdout);
}

static void append(int file, const char *byte) { if (write(file, byte, 1) != 1) _exit(1); }

/* ---- the job ----------------------------------------------------------------------------------------------------- */

static void nap(unsigned ms)
{
    const struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
    nanosleep(&t, NULL);
}

static int smtp_send(inngest_ctx *ctx, const char *to)
{
    append(world, "a");                /* an attempt begins */
    if (inngest_attempt(ctx) == 0) return -1;
    say("    connected to the mail server, sending to %s ...", to);
    append(to_parent, "m");            /* in the middle: the first time, the parent kills here */
    nap(600);
    append(world, "e");                /* the e-mail is out */
    return 0;
}

static inngest_status signup(inngest_ctx *ctx)
{
    user_created user;
    INNGEST_TRY(inngest_event_data(ctx, &user, sizeof user));
    future = user.future;
    INNGEST_DO(ctx, "send-the-user-a-signup-email") {
        if (smtp_send(ctx, user.email) != 0) return inngest_retry(ctx, 111, "the mail server refused the connection");
    }
    INNGEST_TRY(inngest_step_sleep_until(ctx, "wait-for-the-future", user.future));
    INNGEST_DO(ctx, "do-some-work-in-the-future") {
        append(world, "b");
        nap(200);
        append(world, "w");
    }
    return INNGEST_OK;
}

/* ---- what happens, in words --------------------------------------------------------------------------------------- */

static char replayed[120];             /* steps of this pass whose result came from the journal */
static inngest jobs;

static void tell_replay(void)
{
    if (replayed[0]) say("  not run again, result from the journal: %s", replayed);
    replayed[0] = 0;
}

static void run_start(void *user, uint64_t run, const char *function)
{
    (void)user; (void)run; (void)function;
    replayed[0] = 0;
}

static void step_memo(void *user, uint64_t run, const char *step, inngest_status status)
{
    size_t used = strlen(replayed);
    (void)user; (void)run; (void)status;
    snprintf(replayed + used, sizeof replayed - used, "%s%s", used ? ", " : "", step);
}

static void step_start(void *user, uint64_t run, const char *step, int attempt)
{
    (void)user; (void)run;
    tell_replay();
    say("  step %s, attempt %d", step, attempt + 1);
}

static void step_end(void *user, uint64_t run, const char *step, int attempt, inngest_status status, int64_t retry_in)
{
    (void)user; (void)run; (void)attempt;
    if (status == INNGEST_OK) say("  step %s is done; its result goes into the journal", step);
    else if (status == INNGEST_RETRY)
        say("  the mail server refused the connection: attempt %d in %.1f s", attempt + 2, (double)retry_in / 1000);
    else say("  step %s failed for good", step);
}

static void run_pause(void *user, uint64_t run, inngest_status status)
{
    static bool told;
    uint32_t cursor = 0;
    inngest_run_info info;
    (void)user; (void)run; (void)status;
    while (inngest_next_run(&jobs, &cursor, &info)) {
        int64_t left = future - inngest_posix_unix_ms();
        if (info.wait != INNGEST_WAIT_SLEEP || told) continue;
        tell_replay();
        say("  step wait-for-the-future: until a date, %.1f s from now; only the journal remembers it", (double)left / 1000);
        append(to_parent, "s");
        told = true;
    }
}

static void run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    say("run %u of %s has ended: %s", (unsigned)info->id, info->function, inngest_status_name(info->status));
    append(world, info->status == INNGEST_OK ? "z" : "f");
}

/* ---- the worker --------------------------------------------------------------------------------------------------- */

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

static void tell_found(const inngest_posix *port)
{
    uint32_t cursor = 0;
    inngest_run_info info;
    bool any = false;
    for (; inngest_next_run(&jobs, &cursor, &info); any = true)
        say("in the journal: run %u of %s, not ended; replayed from its top", (unsigned)info.id, info.function);
    if (!any) say("journal of %u KB opened: empty", (unsigned)(port->port.block_count * port->port.block_size / 1024));
}

static inngest_status sign_up(void)
{
    user_created user = { "jane@example.com", inngest_posix_unix_ms() + 5500 };
    INNGEST_TRY(inngest_send(&jobs, "user/created", &user, sizeof user));
    INNGEST_TRY(inngest_flush(&jobs));
    say("event user/created accepted and journaled: from here on nothing can lose it");
    return INNGEST_OK;
}

static int worker(bool first)
{
    static const uint32_t one_second[] = { 1 };
    static const inngest_function functions[] = { { .id = "send-signup-email", .event = "user/created", .handler = signup,
        .backoff = one_second, .backoff_count = 1, .jitter_ms = INNGEST_NO_JITTER } };
    static const inngest_hooks hooks = { .run_start = run_start, .run_pause = run_pause, .run_end = run_end,
        .step_start = step_start, .step_end = step_end, .step_memo = step_memo };
    static int64_t memory[INNGEST_MEMORY(4, 4) / sizeof(int64_t) + 1];
    static inngest_posix port;
    const inngest_config config = { .functions = functions, .function_count = 1, .port = &port.port, .hooks = &hooks,
        .memory = memory, .memory_size = sizeof memory, .runs = 4, .events = 4, .seed = (uint32_t)inngest_posix_unix_ms() };
    int error = inngest_posix_open(&port, "demo.journal", 64 * 1024);
    inngest_status status;
    if (error) { fprintf(stderr, "demo.journal: %s (%s)\n", strerror(error), port.problem); return 1; }
    status = inngest_init(&jobs, &config, NULL);
    if (status != INNGEST_OK) return fail("demo.journal", inngest_status_name(status));
    tell_found(&port);
    if (first && (status = sign_up()) != INNGEST_OK) return fail("send", inngest_status_name(status));
    error = inngest_posix_run_until_idle(&port, &jobs);
    if (error) return fail("demo.journal", strerror(error));
    status = inngest_close(&jobs);
    inngest_posix_close(&port);
    return status != INNGEST_OK;
}

/* ---- the world ---------------------------------------------------------------------------------------------------- */

/* Start a worker; kill it some ms after it has said `when` (0: let it end). Gives whether all went as meant. */
static bool life(unsigned number, char when, unsigned ms, const char *moment)
{
    char name[16], heard = 0;
    int ends[2], status = 0;
    pid_t child;
    snprintf(name, sizeof name, "worker %u", number);
    if (pipe(ends) != 0 || (child = fork()) < 0) return fail("fork", strerror(errno)) == 0;
    if (child == 0) {
        close(ends[0]);
        to_parent = ends[1];
        who = name;
        alarm(15);                     /* outlives nothing, even if the parent is gone */
        _exit(worker(number == 1));
    }
    say("starting %s, process %ld", name, (long)child);
    close(ends[1]);
    while (read(ends[0], &heard, 1) == 1)
        if (heard == when) {
            nap(ms);
            if (kill(child, SIGKILL) != 0) { /* it is gone */ }
            say("kill -9 %ld: %s", (long)child, moment);
            break;
        }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) { }
    close(ends[0]);
    return when ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static unsigned count_of(const char *bytes, char which)
{
    unsigned n = 0;
    for (; *bytes; bytes++) n += *bytes == which;
    return n;
}

/* From what the worker did to the world, not from what it says. */
static bool summary(bool went_well)
{
    char bytes[256];
    ssize_t n = pread(world, bytes, sizeof bytes - 1, 0);
    bool kept;
    bytes[n > 0 ? n : 0] = 0;
    kept = went_well && count_of(bytes, 'e') == 1 && count_of(bytes, 'w') == 1 && count_of(bytes, 'z') >= 1 && count_of(bytes, 'f') == 0;
    printf("\nCounted in the world, not in the journal:   begun  finished\n");
    printf("  %-38s %8u  %8u\n", "send-the-user-a-signup-email", count_of(bytes, 'a'), count_of(bytes, 'e'));
    printf("  %-38s %8u  %8u\n\n", "do-some-work-in-the-future", count_of(bytes, 'b'), count_of(bytes, 'w'));
    puts(kept ? "The process was killed twice; each step finished once. (A kill between an effect and its record would\n"
                "repeat that one step: steps run at least once, and never again once recorded.)"
              : went_well ? "THE PROMISE WAS BROKEN." : "The demo was disturbed: a worker did not live as it should.");
    return kept;
}

int main(int count, char **arguments)
{
    bool well;
    if (count > 1 && mkdir(arguments[1], 0777) != 0 && errno != EEXIST) return fail(arguments[1], strerror(errno));
    if (count > 1 && chdir(arguments[1]) != 0) return fail(arguments[1], strerror(errno));
    if (unlink("demo.journal") != 0 && errno != ENOENT) return fail("demo.journal", strerror(errno));
    if (unlink("demo.effects") != 0 && errno != ENOENT) return fail("demo.effects", strerror(errno));
    world = open("demo.effects", O_RDWR | O_APPEND | O_CREAT, 0644);
    if (world < 0) return fail("demo.effects", strerror(errno));
    started = inngest_posix_uptime_ms();
    well = life(1, 'm', 250, "in the middle of the step, before the e-mail was out");
    if (well) nap(400);
    well = well && life(2, 's', 700, "in its sleep");
    if (well) nap(400);
    well = well && life(3, 0, 0, "");
    return !summary(well);
}
