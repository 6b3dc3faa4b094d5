/* SPDX-License-Identifier: MIT
 * The same on a disk with a cache: power takes what was not synced, in any order; the builds are those for such a disk. */
#define DISK 1
#include "firmwares.c"
