/* SPDX-License-Identifier: MIT
 * The same where the tail follows the head in journals as small as these: a record a tick, between those of the runs. */
#include "storm.c"
