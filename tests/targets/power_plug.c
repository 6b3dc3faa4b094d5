/* SPDX-License-Identifier: MIT
 * Pull the plug of an emulated machine at random instants, again and again, and compare what it promised on its serial
 * line before with what it does afterwards:
 *   power_plug KILLS SEED LOG FINISH -- COMMAND...
 * The emulator is killed by SIGKILL; its text goes to the end of LOG. With FINISH 1 it is started once more, told to
 * finish by a 'q', and must end by itself with every accepted job ended; then the whole LOG is looked at. The lines are
 * those of port/riscv_virt/main.c. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NUMBERS 65536
static unsigned char accepted[NUMBERS], done[NUMBERS][2], ended[NUMBERS];
static unsigned long passed, failed;
static unsigned long random_state;

static void check(int holds, const char *what, unsigned long number)
{
    if (holds) { passed++; return; }
    if (failed++ < 20) printf("job %lu: %s\n", number, what);
}

static unsigned long random_number(unsigned long below)
{
    random_state = random_state * 6364136223846793005ul + 1442695040888963407ul;
    return (random_state >> 33) % below;
}

static void sleep_ms(unsigned long ms)
{
    struct timespec t;
    t.tv_sec = (time_t)(ms / 1000);
    t.tv_nsec = (long)(ms % 1000) * 1000000;
    nanosleep(&t, NULL);
}

static pid_t start(char **command, const char *log, int *input)
{
    int ends[2], out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    pid_t child;
    if (out < 0 || pipe(ends) != 0 || write(out, "\n", 1) != 1) { perror(log); exit(2); }
    child = fork();
    if (child < 0) { perror("fork"); exit(2); }
    if (child == 0) {
        dup2(ends[0], 0);
        dup2(out, 1);
        close(ends[0]);
        close(ends[1]);
        close(out);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    close(out);
    close(ends[0]);
    *input = ends[1];
    return child;
}

static long size_of(const char *log)
{
    FILE *file = fopen(log, "rb");
    long size = 0;
    if (file == NULL) return 0;
    if (fseek(file, 0, SEEK_END) == 0) size = ftell(file);
    fclose(file);
    return size;
}

/* Wait for the first text, so that not all kills hit the emulator's own start; then for some random time. */
static void pull_plug(char **command, const char *log)
{
    long before = size_of(log) + 1;
    int input, status, i;
    pid_t child = start(command, log, &input);
    for (i = 0; i < 10000 && size_of(log) <= before; i++) sleep_ms(2);
    sleep_ms(random_number(3) == 0 ? random_number(100) : random_number(1500));
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(input);
    check(WIFSIGNALED(status), "the machine ended before the plug was pulled", (unsigned long)i);
}

static void finish(char **command, const char *log)
{
    int input, status = 0, i;
    pid_t child = start(command, log, &input), over = 0;
    check(write(input, "q", 1) == 1, "no input", 0);
    for (i = 0; i < 12000 && over == 0; i++) {
        sleep_ms(10);
        over = waitpid(child, &status, WNOHANG);
    }
    if (over == 0) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    close(input);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the machine did not come to its end", 0);
}

static void look_at(const char *log, unsigned long kills)
{
    FILE *file = fopen(log, "r");
    char line[256], word[64];
    unsigned long n, boots = 0, mounts = 0, taken_up = 0, k, jobs = 0, steps = 0, longest = 0, erases = 0, late = 0;
    if (file == NULL) { perror(log); exit(2); }
    while (fgets(line, sizeof line, file)) {
        size_t length = strlen(line);
        if (length < 3 || strcmp(line + length - 3, " .\n") != 0) continue;            /* cut off */
        if (strncmp(line, "failed ", 7) == 0) { printf("%s", line); check(0, "by the image", 0); }
        else if (strncmp(line, "figure ", 7) == 0) printf("figure riscv_virt_%.*s\n", (int)length - 10, line + 7);
        else if (strcmp(line, "boot .\n") == 0) boots++;
        else if (sscanf(line, "mounted %lu %lu .", &n, &k) == 2) {
            mounts++;
            taken_up += n;
            if (k > longest) longest = k;
        }
        else if (sscanf(line, "erased %lu .", &n) == 1) { erases++; late += n; }
        else if (sscanf(line, "accepted %lu .", &n) == 1 && n < NUMBERS) accepted[n] = 1;
        else if (sscanf(line, "ended %lu .", &n) == 1 && n < NUMBERS) {
            check(done[n][0] && done[n][1], "ended before its steps were done", n);
            ended[n] = 1;
        } else if (sscanf(line, "%63s %lu %lu .", word, &n, &k) == 3 && n < NUMBERS && k < 2) {
            if (strcmp(word, "done") == 0) {
                done[n][k] = 1;
                steps++;
            } else if (strcmp(word, "body") == 0) {
                check(!done[n][k], "a finished step ran again", n);
                check(!ended[n], "a run that ended goes on", n);
                check(k == 0 || done[n][0], "the second step before the first", n);
            }
        }
    }
    fclose(file);
    for (n = 0; n < NUMBERS; n++) {
        if (accepted[n]) check(done[n][0] && done[n][1], "accepted, and lost", n);
        jobs += accepted[n];
    }
    check(jobs > 0 && steps > 0, "no job was done", 0);
    check(erases > 4 && late > 0, "too few erases, or none by a later tick", erases);
    check(boots >= kills, "too few boots", boots);
    printf("figure riscv_virt_jobs %lu\nfigure riscv_virt_boots %lu\nfigure riscv_virt_mounts_finished %lu\n"
           "figure riscv_virt_runs_taken_up %lu\nfigure riscv_virt_longest_mount %lu ms\n"
           "figure riscv_virt_erases %lu\nfigure riscv_virt_erases_found_done_by_a_later_tick %lu\n", jobs, boots, mounts, taken_up, longest, erases, late);
}

int main(int argc, char **argv)
{
    unsigned long kills, i;
    if (argc < 7 || strcmp(argv[5], "--") != 0) { fprintf(stderr, "usage: power_plug KILLS SEED LOG FINISH -- COMMAND...\n"); return 2; }
    kills = strtoul(argv[1], NULL, 10);
    random_state = strtoul(argv[2], NULL, 10);
    signal(SIGPIPE, SIG_IGN);
    for (i = 0; i < kills; i++) pull_plug(argv + 6, argv[3]);
    if (argv[4][0] == '1') {
        finish(argv + 6, argv[3]);
        look_at(argv[3], kills);
    }
    printf("power_plug: %lu passed, %lu failed\n", passed, failed);
    return failed != 0;
}
