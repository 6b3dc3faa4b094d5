/* SPDX-License-Identifier: MIT
 * Numbers that look random and are the same on every machine: splitmix64, whose state any seed begins. */
#ifndef DRAW_H
#define DRAW_H
#include <stdint.h>

/* From 0 to n - 1. */
static inline uint32_t draw(uint64_t *state, uint32_t n)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) >> 16) % n;
}
#endif
