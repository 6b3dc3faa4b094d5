/* SPDX-License-Identifier: MIT
 * The same on a machine that loads and stores 8 bits in one go: the numbers of the slots are bytes and wrap. */
#define INNGEST_WORD_BITS 8
#define ORIGIN 0xFEu
#include "queue_nested.c"
