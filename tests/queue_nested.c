/* SPDX-License-Identifier: MIT
 * The queue without compare-and-swap: interrupts of three levels, the main loop that sends and receives, on one
 * core, in every order. Broken on purpose it is found out; between time-sliced tasks it does not hold, which is why
 * they need the port's lock. */
#define INNGEST_NO_CAS
#ifndef ORIGIN
#define ORIGIN 0xFFFFFFFEu
#endif
#include "explorer.h"

static const scenario nested[] = {
    { NESTED, 2, 0, { "scrsr", "s", "c", "s" }, { 0, 1, 2, 3 } },
    { NESTED, 2, ORIGIN, { "crsr", "c", "s", "c" }, { 0, 1, 2, 3 } },
    { NESTED, 4, 0, { "ssrrs", "sc", "s", "c" }, { 0, 1, 2, 3 } },
    { NESTED, 4, 0, { "ssrrs", "s", "s", "s" }, { 0, 1, 2, 3 } },
    { NESTED, 4, ORIGIN, { "srsr", "ss", "s", "s" }, { 0, 1, 2, 3 } },
    { NESTED, 4, ORIGIN, { "rsrr", "s", "ss", "ss" }, { 0, 1, 2, 2 } },        /* two of one level */
    { NESTED, 2, ORIGIN, { "sss", "s", "rrr", "s" }, { 0, 1, 2, 3 } },         /* the tick runs above senders */
};

static const scenario sliced[] = { { THREADS, 4, 0, { "s", "s", "r" }, { 0 } } };

int main(void)
{
    explorer_holds(nested, sizeof nested / sizeof *nested);
    explorer_catches(nested, sizeof nested / sizeof *nested, NO_RECHECK, "no second look");
    explorer_catches(nested, sizeof nested / sizeof *nested, NAIVE_TAIL, "naive tail");
    explorer_catches(nested, sizeof nested / sizeof *nested, EARLY_PUBLISH, "published before the copy");
    explorer_catches(sliced, 1, NO_MUTANT, "time-sliced tasks without a lock");
    return TEST_END();
}
