/* SPDX-License-Identifier: MIT
 * The same in a small build: without indexes and write cache, small staging, one step in progress, no event ids, journals that are
 * three quarters full, two passes a tick. */
#include "tempest.c"
