/* SPDX-License-Identifier: MIT
 * The same as small firmware is built: without indexes, the queue's words of 16 bits. */
#include "ages.c"
