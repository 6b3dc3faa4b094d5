/* SPDX-License-Identifier: MIT
 * The run loop on POSIX: threads and a signal handler send while it runs, all of it arrives; it sleeps when nothing is
 * due and wakes for each send; no wake-up is lost among thousands that come while it goes to sleep, where one would
 * cost the loop's longest sleep of 10 s. Also run under the thread sanitizer. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE 1
#include "../port/posix/inngest_posix.h"
#include "posix_folder.h"
#include "test.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#define THREADS 3
#define EACH 2000u
#define CHAIN 100u
#define PINGS 10000u
#define LATE_MS 5000u                  /* half of what a lost wake-up costs; a loaded machine is not that slow */

static inngest_posix port;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(8, 1024) / 8 + 1];
static int (*file_sync)(void *context);

/* ---- what the loop does: counters, read by the senders ------------------------------------------------------------- */

static unsigned ticks, arrived, chain_left, chain_ended;   /* atomic */
static unsigned next_of[THREADS + 1];                      /* atomic */
static unsigned out_of_order;                              /* the loop's own, but read when it is idle */

static unsigned get(const unsigned *from) { return __atomic_load_n(from, __ATOMIC_ACQUIRE); }
static void add(unsigned *to) { (void)__atomic_add_fetch(to, 1, __ATOMIC_ACQ_REL); }

static bool count_tick(void *context)
{
    (void)context;
    add(&ticks);
    return true;
}

typedef struct ping { uint32_t from, number; } ping;

/* Every event passes here, in the tick; nothing is journaled. */
static bool take(void *user, const void *data, size_t size)
{
    ping p;
    (void)user;
    if (size != sizeof p) return false;
    memcpy(&p, data, sizeof p);
    if (p.from > THREADS || p.number != get(&next_of[p.from])) out_of_order++;
    else add(&next_of[p.from]);
    add(&arrived);
    return false;
}

static inngest_status never(inngest_ctx *ctx) { (void)ctx; return INNGEST_FAIL; }

static inngest_status link_of_chain(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "step") { }
    chain_ended++;
    return INNGEST_OK;
}

/* The last thing of a tick that wrote: a send here comes after the tick's last look at the queue, before poll. */
static int sync_then_send(void *context)
{
    int result = file_sync(context);
    if (chain_left > 0 && chain_ended + chain_left == CHAIN) {
        chain_left--;
        if (inngest_send(&jobs, "test/chain", NULL, 0) != INNGEST_OK) out_of_order++;
    }
    return result;
}

static void boot(void)
{
    static const inngest_function functions[] = {
        { .id = "ping", .event = "test/ping", .handler = never, .when = take },
        { .id = "chain", .event = "test/chain", .handler = link_of_chain },
    };
    inngest_config c;
    CHECK(inngest_posix_open(&port, "wake", 16 * 4096) == 0);
    file_sync = port.port.sync;
    port.port.may_write = count_tick;
    memset(&c, 0, sizeof c);
    c.functions = functions;
    c.function_count = 2;
    c.port = &port.port;
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = 8;
    c.events = 1024;
    CHECK(inngest_init(&jobs, &c, NULL) == INNGEST_OK);
}

static void pause_us(unsigned us)
{
    const struct timespec t = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };
    nanosleep(&t, NULL);
}

static bool send_ping(uint32_t from, uint32_t number)
{
    const ping p = { from, number };
    return inngest_send(&jobs, "test/ping", &p, sizeof p) == INNGEST_OK;
}

/* ---- threads and a signal handler at once --------------------------------------------------------------------------- */

static unsigned handler_sent, handler_wrong, senders_left;  /* atomic */

static void with_errno_77(void (*call)(void))
{
    int keep = errno;
    errno = 77;
    call();
    if (errno != 77) add(&handler_wrong);
    errno = keep;
}

static void send_from_handler(void)
{
    static unsigned inside;            /* the signal may come to two threads at once */
    if (__atomic_exchange_n(&inside, 1, __ATOMIC_ACQ_REL)) return;
    if (get(&handler_sent) < EACH && send_ping(THREADS, get(&handler_sent))) add(&handler_sent);
    __atomic_store_n(&inside, 0, __ATOMIC_RELEASE);
}

static void on_alarm(int number)
{
    (void)number;
    with_errno_77(send_from_handler);
}

static void *send_many(void *argument)
{
    const unsigned from = *(const unsigned *)argument;
    unsigned i, turns = 0;
    for (i = 0; i < EACH; i++) {
        while (i - get(&next_of[from]) >= 256) pause_us(200);    /* never fills the queue */
        if (!send_ping(from, i)) i--;
        if (++turns % 64 == 0) pause_us(1500);
    }
    if (__atomic_sub_fetch(&senders_left, 1, __ATOMIC_ACQ_REL) == 0) {
        for (i = 0; i < LATE_MS && get(&arrived) < THREADS * EACH + get(&handler_sent); i++) pause_us(1000);
        inngest_posix_stop(&port);
    }
    return NULL;
}

static void alarm_every(long us)
{
    const struct itimerval timer = { { 0, us }, { 0, us } };
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static void all_arrive(void)
{
    static const unsigned from[THREADS] = { 0, 1, 2 };
    pthread_t threads[THREADS];
    struct sigaction action;
    unsigned i;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    senders_left = THREADS;
    alarm_every(500);
    for (i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, send_many, (void *)(uintptr_t)&from[i]) == 0);
    CHECK(inngest_posix_run(&port, &jobs) == 0);
    alarm_every(0);
    for (i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(inngest_posix_run_until_idle(&port, &jobs) == 0);
    for (i = 0; i < THREADS; i++) CHECK(next_of[i] == EACH);
    CHECK(handler_sent > 0 && next_of[THREADS] == handler_sent && get(&handler_wrong) == 0);
    CHECK(arrived == THREADS * EACH + handler_sent && out_of_order == 0);
    CHECK(get(&ticks) < 2 * arrived + 1000);                /* no turn without a reason */
}

/* ---- sleep and wake -------------------------------------------------------------------------------------------------- */

static unsigned sleep_ticks, late, slow, slow_echoes;
static unsigned echoes;                                      /* atomic */
static int echo_pipe[2];

/* What a wake-up takes on this machine, whatever else it has to do: a thread that waits at a pipe. */
static void *echo(void *argument)
{
    char byte;
    (void)argument;
    while (read(echo_pipe[0], &byte, 1) == 1 && byte) add(&echoes);
    return NULL;
}

static unsigned wait_for(const unsigned *count, unsigned before)       /* ms */
{
    uint32_t start = inngest_posix_uptime_ms(), waited = 0;
    while (get(count) == before && (waited = inngest_posix_uptime_ms() - start) < LATE_MS) { }
    return waited;
}

static void *ping_one_by_one(void *argument)
{
    unsigned i, random = 12345;
    (void)argument;
    pause_us(300000);                                        /* the loop is left alone */
    sleep_ticks = get(&ticks);
    for (i = 0; i < PINGS; i++) {
        unsigned before = get(&arrived), spin, waited;
        random = random * 1103515245u + 12345u;
        for (spin = random >> 16 & 1023; spin > 0; spin--) __atomic_signal_fence(__ATOMIC_SEQ_CST);
        if (!send_ping(0, get(&next_of[0]))) break;
        waited = wait_for(&arrived, before);
        slow += waited > 50;
        if (waited >= LATE_MS && ++late > 1) break;
        before = get(&echoes);
        if (write(echo_pipe[1], "+", 1) != 1) break;
        slow_echoes += wait_for(&echoes, before) > 50;
    }
    inngest_posix_stop(&port);
    return NULL;
}

static void sleeps_and_wakes(void)
{
    pthread_t thread, beside;
    ticks = arrived = out_of_order = 0;
    CHECK(pipe(echo_pipe) == 0);
    CHECK(pthread_create(&beside, NULL, echo, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, ping_one_by_one, NULL) == 0);
    CHECK(inngest_posix_run(&port, &jobs) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(write(echo_pipe[1], "", 1) == 1);                  /* ends it */
    CHECK(pthread_join(beside, NULL) == 0);
    close(echo_pipe[0]);
    close(echo_pipe[1]);
    CHECK(sleep_ticks >= 1 && sleep_ticks <= 3);             /* 300 ms without a tick */
    CHECK(arrived == PINGS && out_of_order == 0 && late == 0);
    CHECK(slow < PINGS / 100 + 2 * slow_echoes);             /* no slower than the machine is */
    CHECK(get(&ticks) <= 2 * PINGS + 10);
}

static void sends_at_the_end_of_a_tick(void)
{
    uint32_t start = inngest_posix_uptime_ms();
    out_of_order = 0;
    port.port.sync = sync_then_send;
    chain_left = CHAIN - 1;
    CHECK(inngest_send(&jobs, "test/chain", NULL, 0) == INNGEST_OK);
    chain_ended = 0;
    CHECK(inngest_posix_run_until_idle(&port, &jobs) == 0);
    port.port.sync = file_sync;
    CHECK(chain_ended == CHAIN && out_of_order == 0);
    CHECK(inngest_posix_uptime_ms() - start < LATE_MS);
}

/* ---- stop ------------------------------------------------------------------------------------------------------------ */

static void stop(void) { inngest_posix_stop(&port); }

static void on_alarm_stop(int number)
{
    (void)number;
    with_errno_77(stop);
}

static void stops(void)
{
    struct itimerval once = { { 0, 0 }, { 0, 0 } };
    struct sigaction action;
    unsigned i, before;
    uint32_t start;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm_stop;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    start = inngest_posix_uptime_ms();
    for (i = 0; i < 300; i++) {
        once.it_value.tv_usec = 1 + (long)(i * 7 % 200);     /* often while the loop goes to sleep */
        CHECK(setitimer(ITIMER_REAL, &once, NULL) == 0);
        CHECK(inngest_posix_run(&port, &jobs) == 0);
    }
    CHECK(inngest_posix_uptime_ms() - start < LATE_MS && get(&handler_wrong) == 0);
    before = get(&ticks);
    inngest_posix_stop(&port);
    CHECK(inngest_posix_run(&port, &jobs) == 0 && get(&ticks) == before);      /* at once */
    errno = 77;
    for (i = 0; i < 100000; i++) inngest_wake(&jobs);        /* more than the pipe holds */
    CHECK(errno == 77);
    before = get(&ticks);
    CHECK(inngest_posix_run_until_idle(&port, &jobs) == 0);
    CHECK(get(&ticks) - before <= 2);                        /* all of them were one turn */
    inngest_posix_stop(&port);
    inngest_posix_stop(&port);
    CHECK(inngest_posix_run(&port, &jobs) == 0);
    before = get(&ticks);
    CHECK(inngest_posix_run_until_idle(&port, &jobs) == 0 && get(&ticks) > before);         /* stops collapse too */
}

int main(int count, char **arguments)
{
    (void)count;
    enter_folder(arguments[0]);
    boot();
    all_arrive();
    memset(next_of, 0, sizeof next_of);
    sleeps_and_wakes();
    sends_at_the_end_of_a_tick();
    stops();
    CHECK(inngest_close(&jobs) == INNGEST_OK);
    inngest_posix_close(&port);
    return TEST_END();
}
