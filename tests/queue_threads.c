/* SPDX-License-Identifier: MIT
 * The queue with compare-and-swap: up to three threads on cores of their own and the consumer, and nested
 * interrupts of one core, in every order. Broken on purpose it is found out. */
#include "explorer.h"

#define ORIGIN 0xFFFFFFFEu
static const scenario threads[] = {
    { THREADS, 2, 0, { "rr", "ss", "s" }, { 0 } },
    { THREADS, 2, ORIGIN, { "rrr", "ss", "ss" }, { 0 } },
    { THREADS, 2, ORIGIN, { "rr", "s", "s", "s" }, { 0 } },
    { THREADS, 4, ORIGIN, { "rr", "s", "s", "s" }, { 0 } },
    { THREADS, 2, ORIGIN, { "rr", "cs", "sc" }, { 0 } },
    { THREADS, 4, ORIGIN, { "r", "ss", "sc" }, { 0 } },
    { NESTED, 2, ORIGIN, { "scrr", "s", "c", "s" }, { 0, 1, 2, 3 } },
    { NESTED, 4, ORIGIN, { "srsr", "ss", "s", "s" }, { 0, 1, 2, 3 } },
};

int main(void)
{
    explorer_holds(threads, sizeof threads / sizeof *threads);
    explorer_catches(threads, sizeof threads / sizeof *threads, NAIVE_TAIL, "naive tail");
    explorer_catches(threads, sizeof threads / sizeof *threads, EARLY_PUBLISH, "published before the copy");
    return TEST_END();
}
