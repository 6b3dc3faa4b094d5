/* SPDX-License-Identifier: MIT
 * The same on flash alone where the tail follows the head in small journals, a record a tick, and lists are close to each other. */
#include "ages.c"
