/* SPDX-License-Identifier: MIT
 * The same without indexes: a call looks at all runs, a mount at all blocks; more stamps of the time. */
#include "clocks.c"
