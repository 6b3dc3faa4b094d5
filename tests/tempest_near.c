/* SPDX-License-Identifier: MIT
 * The same on flash alone where the tail follows the head in small journals, with large events and results. */
#include "tempest.c"
