/* SPDX-License-Identifier: MIT
 * Promises 1 to 3 on a file: a process with jobs in all states, into which threads send at the same time, is killed at
 * random moments and started again. Its
 * effects stand in a log of its own, written by single appends. Judged at the end: each step's effect happened, and
 * never again once a step call had returned its result; each run ended; no acknowledged event was lost, none ran
 * twice or torn, and of those that the threads were told are accepted all ran that a flush stood behind; and while the
 * process lived no second one got the journal.
 *
 * The seed is printed; `posix_kill <seed>` repeats it, as far as a scheduler repeats; `posix_kill <seed> 500` kills
 * so often. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE 1
#include "../port/posix/inngest_posix.h"
#include "posix_folder.h"
#include "test.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <poll.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

#define EVENTS 24u
#define SENDERS 3u
#define LOAD 120u                     /* events of each of them in a life */
#define LIVES 1000u                   /* of a round, at most */
#define SIZE (16 * 4096u)
enum { READY, ACKNOWLEDGED, FLUSHED, PASS, EFFECT, PASSED, ENDED, FAILED };

typedef struct entry {
    uint64_t run;                      /* of FLUSHED: so many events of a thread */
    uint32_t which;                    /* event; of the threads: EVENTS + (life * SENDERS + thread) * LOAD + its number */
    uint8_t kind, function, step, attempt;
} entry;

static inngest_posix port;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(8, 8) / 8 + 1];
static entry log_entries[1000000];
static uint32_t random_state;

static uint32_t next_random(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % below;
}

/* ---- the log ----------------------------------------------------------------------------------------------------- */

static int log_file = -1;
static entry at;                       /* which run the worker is in */

static void note(unsigned kind, unsigned step, unsigned attempt)
{
    at.kind = (uint8_t)kind;
    at.step = (uint8_t)step;
    at.attempt = (uint8_t)attempt;
    if (write(log_file, &at, sizeof at) != (ssize_t)sizeof at) _exit(3);
}

static size_t load_log(void)
{
    FILE *f = fopen("effects", "rb");
    size_t n = 0;
    if (f == NULL) return 0;
    n = fread(log_entries, sizeof *log_entries, sizeof log_entries / sizeof *log_entries, f);
    CHECK(feof(f));
    fclose(f);
    return n;
}

/* ---- the worker: two functions for each event --------------------------------------------------------------------- */

static inngest_status charge(inngest_ctx *ctx, const void *arg, void *result)
{
    const uint32_t *which = arg;
    uint32_t paid = *which * 3;
    note(EFFECT, 2, (unsigned)inngest_attempt(ctx));
    memcpy(result, &paid, sizeof paid);
    return INNGEST_OK;
}

static inngest_status enter(inngest_ctx *ctx, unsigned function)
{
    INNGEST_TRY(inngest_event_data(ctx, &at.which, sizeof at.which));
    at.run = inngest_run_id(ctx);
    at.function = (uint8_t)function;
    note(PASS, 0, 0);
    return INNGEST_OK;
}

static inngest_status order(inngest_ctx *ctx)
{
    uint32_t value = 0, paid = 0;
    INNGEST_TRY(enter(ctx, 0));
    INNGEST_STEP(ctx, "reserve", value) {
        note(EFFECT, 1, (unsigned)inngest_attempt(ctx));
        if (inngest_attempt(ctx) < 2) return inngest_retry(ctx, 1, "not yet");
        value = at.which + 5;
    }
    note(PASSED, 1, 0);
    if (value != at.which + 5) note(FAILED, 1, 0);
    INNGEST_TRY(inngest_step_run(ctx, "charge", charge, &at.which, &paid, sizeof paid));
    note(PASSED, 2, 0);
    if (paid != at.which * 3) note(FAILED, 2, 0);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 15));
    INNGEST_DO(ctx, "ship") note(EFFECT, 3, (unsigned)inngest_attempt(ctx));
    note(PASSED, 3, 0);
    return INNGEST_OK;
}

static inngest_status audit(inngest_ctx *ctx)
{
    INNGEST_TRY(enter(ctx, 1));
    INNGEST_DO(ctx, "open") note(EFFECT, 1, (unsigned)inngest_attempt(ctx));
    note(PASSED, 1, 0);
    INNGEST_TRY(inngest_step_sleep(ctx, "nap", 25));
    INNGEST_DO(ctx, "close") note(EFFECT, 2, (unsigned)inngest_attempt(ctx));
    note(PASSED, 2, 0);
    return INNGEST_OK;
}

/* What the threads send: whole, whatever else was sent meanwhile. */
static inngest_status load(inngest_ctx *ctx)
{
    uint32_t data[4], sum = 0;
    INNGEST_TRY(inngest_event_data(ctx, data, sizeof data));
    at.which = EVENTS + (data[2] * SENDERS + data[0]) * LOAD + data[1] / 7919;
    at.run = inngest_run_id(ctx);
    INNGEST_STEP(ctx, "add", sum) {
        sum = data[0] + data[1] + data[2];
        note(sum == data[3] ? EFFECT : FAILED, 0, 0);
    }
    if (sum != data[3]) note(FAILED, 0, 0);
    return INNGEST_OK;
}

static uint32_t life, ended, accepted[SENDERS];  /* threads that have; of each so far */
static void *sender(void *arg)
{
    const uint32_t me = (uint32_t)(uintptr_t)arg;
    uint32_t i, sent = 0, data[4];
    const struct timespec pause = { 0, 200000 };
    for (i = 0; sent < LOAD && i < 20000; i++) {
        data[0] = me;
        data[1] = sent * 7919;
        data[2] = life;
        data[3] = data[0] + data[1] + data[2];
        if (inngest_send(&jobs, "load", data, sizeof data) == INNGEST_OK) __atomic_store_n(&accepted[me], ++sent, __ATOMIC_RELEASE);
        else if (i % 100 == 0) nanosleep(&pause, NULL);    /* else at once: all wait for the same slot */
    }
    __atomic_fetch_add(&ended, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    note(info->status == INNGEST_OK ? ENDED : FAILED, 0, 0);
}

static inngest_status boot(void)
{
    static const uint32_t no_seconds[] = { 0 };
    static const inngest_function functions[] = {
        { .id = "order", .event = "shop/order", .handler = order, .backoff = no_seconds, .backoff_count = 1, .jitter_ms = 12 },
        { .id = "audit", .event = "shop/*", .handler = audit },
        { .id = "load", .event = "load", .handler = load, .journal_bytes = 64 },
    };
    static const inngest_hooks hooks = { .run_end = run_end };
    inngest_config c;
    memset(&c, 0, sizeof c);
    c.functions = functions;
    c.function_count = 3;
    c.port = &port.port;
    c.hooks = &hooks;
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = 8;
    c.events = 8;
    c.reset = INNGEST_RESET_POWER_ON;  /* the jobs are not to blame for the kills */
    c.seed = (uint32_t)getpid();
    return inngest_init(&jobs, &c, NULL);
}

/* Flush, and say how many events of each thread stood before it. */
static void flush(void)
{
    uint32_t i, before[SENDERS];
    inngest_status status;
    for (i = 0; i < SENDERS; i++) before[i] = __atomic_load_n(&accepted[i], __ATOMIC_ACQUIRE);
    while ((status = inngest_flush(&jobs)) == INNGEST_ERR_JOURNAL_FULL || status == INNGEST_ERR_RUNS_FULL || status == INNGEST_ERR_BUSY)
        if (inngest_posix_run_until_idle(&port, &jobs) != 0) _exit(6);
    if (status != INNGEST_OK) _exit(7);
    for (i = 0; i < SENDERS; i++) {
        at.which = EVENTS + (life * SENDERS + i) * LOAD;
        at.run = before[i];
        note(FLUSHED, 0, 0);
    }
}

/* Send an event under its id until it is acknowledged; what a killed worker sent is sent again. */
static void send_one(uint32_t which)
{
    char id[16];
    const inngest_event event = { .name = "shop/order", .data = &which, .size = sizeof which, .id = id };
    inngest_status status;
    snprintf(id, sizeof id, "order-%u", (unsigned)which);
    while ((status = inngest_send_event(&jobs, &event)) == INNGEST_ERR_QUEUE_FULL)
        if (inngest_posix_run_until_idle(&port, &jobs) != 0) _exit(4);
    if (status != INNGEST_OK) _exit(5);
    flush();
    at.which = which;
    note(ACKNOWLEDGED, 0, 0);
}

static void work(void)
{
    static bool acknowledged[EVENTS];
    size_t i, n = load_log();
    unsigned which, sent = 0;
    pthread_t threads[SENDERS];
    const struct timespec pause = { 0, 100000 };
    for (i = 0; i < n; i++) {
        if (log_entries[i].kind == ACKNOWLEDGED) acknowledged[log_entries[i].which] = true;
        life += log_entries[i].kind == READY;
    }
    if (life >= LIVES) _exit(11);
    log_file = open("effects", O_WRONLY | O_APPEND | O_CREAT, 0644);
    if (log_file < 0 || inngest_posix_open(&port, "jobs", SIZE) != 0) _exit(1);
    if (boot() != INNGEST_OK) _exit(2);
    at.which = (uint32_t)getpid();
    note(READY, 0, 0);
    for (i = 0; i < SENDERS; i++) if (pthread_create(&threads[i], NULL, sender, (void *)(uintptr_t)i) != 0) _exit(10);
    for (which = 0; which < EVENTS; which++) {
        if (acknowledged[which]) continue;
        send_one(which);
        if (++sent % 2 == 0 && inngest_posix_run_until_idle(&port, &jobs) != 0) _exit(8);
    }
    while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) < SENDERS) {
        flush();
        if (inngest_posix_run_until_idle(&port, &jobs) != 0) _exit(8);
        nanosleep(&pause, NULL);
    }
    flush();
    for (i = 0; i < SENDERS; i++) if (pthread_join(threads[i], NULL) != 0) _exit(10);
    if (inngest_posix_run_until_idle(&port, &jobs) != 0) _exit(8);
    if (inngest_close(&jobs) != INNGEST_OK) _exit(9);
    inngest_posix_close(&port);
    _exit(0);
}

/* ---- the driver --------------------------------------------------------------------------------------------------- */

static void pause_us(uint32_t us)
{
    const struct timespec t = { 0, (long)us * 1000 };
    nanosleep(&t, NULL);
}

/* Has this worker the journal? */
static bool is_ready(pid_t worker)
{
    size_t n = load_log();
    while (n-- > 0) if (log_entries[n].kind == READY) return log_entries[n].which == (uint32_t)worker;
    return false;
}

/* The journal is asked for while the worker has it, or has just ended. */
static void try_second(pid_t worker, unsigned *refused)
{
    static inngest_posix second;
    siginfo_t info;
    int error, tries;
    if (!is_ready(worker)) return;
    error = inngest_posix_open(&second, "jobs", SIZE);
    if (error == EWOULDBLOCK) { *refused += 1; return; }
    CHECK(error == 0);
    inngest_posix_close(&second);
    info.si_pid = 0;
    for (tries = 0; tries < 200 && info.si_pid != worker; tries++) {   /* its lock goes a moment before it has ended */
        if (tries > 0) (void)poll(NULL, 0, 1);
        CHECK(waitid(P_PID, (id_t)worker, &info, WEXITED | WNOHANG | WNOWAIT) == 0);
    }
    CHECK(info.si_pid == worker);
}

/* Start a worker; kill it after a random while unless it ends before, or may live. True: it has done everything. */
static bool one_life(bool mortal, unsigned *kills, unsigned *refused)
{
    int status = 0;
    pid_t worker = fork();
    if (worker == 0) work();
    CHECK(worker > 0);
    if (mortal) {
        pause_us(next_random(4) == 0 ? next_random(3000) : next_random(60000));
        if (next_random(3) == 0) try_second(worker, refused);
        kill(worker, SIGKILL);
    }
    CHECK(waitpid(worker, &status, 0) == worker);
    if (WIFSIGNALED(status)) { *kills += 1; return false; }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) printf("the worker gave up: %d\n", WEXITSTATUS(status));
    return true;
}

/* However busy the machine is: a worker that stands still with the journal open is killed only behind a refusal. */
static void surely_refused(void)
{
    static inngest_posix second;
    int ends[2], status;
    char byte = 0;
    pid_t worker;
    CHECK(pipe(ends) == 0);
    worker = fork();
    if (worker == 0) {
        if (inngest_posix_open(&port, "jobs", SIZE) != 0 || boot() != INNGEST_OK || write(ends[1], "", 1) != 1) _exit(1);
        for (;;) pause();
    }
    close(ends[1]);
    CHECK(worker > 0 && read(ends[0], &byte, 1) == 1);
    CHECK(inngest_posix_open(&second, "jobs", SIZE) == EWOULDBLOCK);
    CHECK(kill(worker, SIGKILL) == 0 && waitpid(worker, &status, 0) == worker && WIFSIGNALED(status));
    CHECK(inngest_posix_open(&second, "jobs", SIZE) == 0);
    inngest_posix_close(&second);
    close(ends[0]);
}

static void judge(void)
{
    static const unsigned steps[2] = { 3, 2 };
    static unsigned effects[EVENTS][2][4], ended[EVENTS][2];
    static bool passed[EVENTS][2][4], acknowledged[EVENTS];
    static uint64_t run[EVENTS][2];
    static uint64_t load_run[LIVES * SENDERS * LOAD];
    unsigned i, f, s, again = 0, doubled = 0, failed = 0, foreign = 0, lost = 0;
    size_t k, n = load_log();
    memset(effects, 0, sizeof effects);
    memset(ended, 0, sizeof ended);
    memset(passed, 0, sizeof passed);
    memset(acknowledged, 0, sizeof acknowledged);
    memset(run, 0, sizeof run);
    memset(load_run, 0, sizeof load_run);
    for (k = 0; k < n; k++) {
        const entry *e = &log_entries[k];
        if (e->kind == READY) continue;
        failed += e->kind == FAILED;
        if (e->which >= EVENTS) {
            uint64_t *first = &load_run[e->which - EVENTS < LIVES * SENDERS * LOAD ? e->which - EVENTS : 0];
            if (e->which - EVENTS >= LIVES * SENDERS * LOAD) foreign++;
            else if (e->kind == EFFECT) {
                if (*first == 0) *first = e->run;
                doubled += *first != e->run;
            }
            continue;
        }
        if (e->kind == ACKNOWLEDGED) { acknowledged[e->which] = true; continue; }
        if (run[e->which][e->function] == 0) run[e->which][e->function] = e->run;
        doubled += run[e->which][e->function] != e->run;
        if (e->kind == EFFECT) {
            again += passed[e->which][e->function][e->step];
            if (e->function == 1 || e->step != 1 || e->attempt == 2) effects[e->which][e->function][e->step]++;
        }
        if (e->kind == PASSED) passed[e->which][e->function][e->step] = true;
        if (e->kind == ENDED) ended[e->which][e->function]++;
    }
    for (k = 0; k < n; k++)
        if (log_entries[k].kind == FLUSHED)
            for (i = 0; i < log_entries[k].run; i++) lost += load_run[log_entries[k].which - EVENTS + i] == 0;
    CHECK(again == 0 && doubled == 0 && failed == 0 && foreign == 0 && lost == 0);
    for (i = 0; i < EVENTS; i++) {
        CHECK(acknowledged[i]);
        for (f = 0; f < 2; f++) {
            CHECK(ended[i][f] >= 1);
            for (s = 1; s <= steps[f]; s++) CHECK(effects[i][f][s] >= 1);
        }
    }
}

int main(int count, char **arguments)
{
    unsigned kills = 0, lives = 0, rounds = 0, refused = 0, most = count > 2 ? (unsigned)strtoul(arguments[2], NULL, 10) : 50;
    random_state = count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 10) : (uint32_t)time(NULL) ^ (uint32_t)getpid() << 16;
    if (random_state == 0) random_state = 1;
    printf("seed %u\n", (unsigned)random_state);
    fflush(stdout);
    enter_folder(arguments[0]);
    alarm(50 + most);                      /* a hang is a failure too */
    do {
        bool done = false;
        if (rounds++ > 0) CHECK(unlink("jobs") == 0 && unlink("effects") == 0);
        for (; !done; lives++) done = one_life(kills < most, &kills, &refused);
        judge();
    } while (kills < most && test_failed == 0);
    CHECK(kills >= most);
    surely_refused();
    printf("%u kills, %u lives, %u rounds, %u second instances refused\n", kills, lives, rounds, refused);
    return TEST_END();
}
