/* SPDX-License-Identifier: MIT
 * The same in a build that knows no wall clock, where a mount reads all blocks. */
#include "clocks.c"
