/* SPDX-License-Identifier: MIT
 * The same in a small build: one step in progress, two passes a tick, without indexes. */
#include "misuse.c"
