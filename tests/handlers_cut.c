/* SPDX-License-Identifier: MIT
 * The same where power is lost, too: in mounts, anywhere, and in the first write of a tick, on weak flash and on a disk with a cache. */
#define CUTS 1
#include "handlers.c"
