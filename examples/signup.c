/* SPDX-License-Identifier: MIT
 * The job of Inngest's guide to background jobs: a welcome e-mail when a user signs up, some work at a later date.
 *
 *   cc -I. examples/signup.c inngest.c port/posix/inngest_posix.c -Iport/posix -o signup
 *   ./signup jane@example.com     # a user signs up; runs until Ctrl-C, and goes on where it was when started again
 *   ./signup                      # goes on with what the journal signup.journal holds */
#define _POSIX_C_SOURCE 200809L
#include "inngest_posix.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

typedef struct user_created { char email[64]; int64_t future; } user_created;

static int smtp_send(const char *to, const char *text) { return printf("e-mail to %s: %s\n", to, text) < 0; }
static void work(const char *email) { printf("the work for %s\n", email); }

static inngest_status signup(inngest_ctx *ctx)
{
    user_created user;
    INNGEST_TRY(inngest_event_data(ctx, &user, sizeof user));
    INNGEST_DO(ctx, "send-the-user-a-signup-email") {
        if (smtp_send(user.email, "Welcome!") != 0) return INNGEST_RETRY;
    }
    INNGEST_TRY(inngest_step_sleep_until(ctx, "wait-for-the-future", user.future));
    INNGEST_DO(ctx, "do-some-work-in-the-future") { work(user.email); }
    return INNGEST_OK;
}

static const inngest_function functions[] = {
    { .id = "send-signup-email", .event = "user/created", .handler = signup },
};

static inngest jobs;
static inngest_posix port;
static int64_t memory[INNGEST_MEMORY(16, 16) / sizeof(int64_t) + 1];

static void on_signal(int number) { (void)number; inngest_posix_stop(&port); }

int main(int count, char **arguments)
{
    const inngest_config config = { .functions = functions, .function_count = 1, .port = &port.port, .memory = memory,
        .memory_size = sizeof memory, .runs = 16, .events = 16, .seed = (uint32_t)inngest_posix_unix_ms() };
    const struct sigaction stop = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    inngest_status status;
    int error;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);                             /* a kill would take what is printed and not written */
    error = inngest_posix_open(&port, "signup.journal", 256 * 1024);
    if (error) { fprintf(stderr, "signup.journal: %s (%s)\n", strerror(error), port.problem); return 1; }
    status = inngest_init(&jobs, &config, NULL);
    if (status != INNGEST_OK) { fprintf(stderr, "signup.journal: %s\n", inngest_status_name(status)); return 1; }
    if (sigaction(SIGINT, &stop, NULL) != 0 || sigaction(SIGTERM, &stop, NULL) != 0) return 1;
    if (count > 1) {
        user_created user = { .future = inngest_posix_unix_ms() + INNGEST_SECONDS(5) };
        snprintf(user.email, sizeof user.email, "%s", arguments[1]);
        status = inngest_send(&jobs, "user/created", &user, sizeof user);
        if (status != INNGEST_OK) fprintf(stderr, "not accepted: %s\n", inngest_status_name(status));
        else if ((status = inngest_flush(&jobs)) != INNGEST_OK)       /* OK: now no power cut can lose it */
            fprintf(stderr, "accepted, but not durable yet: %s\n", inngest_status_name(status));
    }
    error = inngest_posix_run(&port, &jobs);
    if (error) fprintf(stderr, "signup.journal: %s\n", strerror(error));
    status = inngest_close(&jobs);
    inngest_posix_close(&port);
    return error || status != INNGEST_OK;
}
