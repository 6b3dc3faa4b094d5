/* SPDX-License-Identifier: MIT
 * The same on a disk with a cache: power takes what was not synced, in any order. */
#define DISK 1
#include "clocks.c"
