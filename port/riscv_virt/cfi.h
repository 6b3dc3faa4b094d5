/* SPDX-License-Identifier: MIT
 * NOR flash with the CFI 01 command set (Intel, and many others): two 16-bit chips side by side, 32 bits wide. Erase
 * and program start the chips and answer BUSY; they are asked again until done, by later ticks where that takes long.
 * A read in between suspends the erase. Blocks that are locked at power up (P30, P33, C3) are unlocked by cfi_open (0x60, 0xD0);
 * blocks that are locked down (WP#) stay so, and fail. */
#ifndef CFI_H
#define CFI_H
#include "inngest.h"

typedef struct cfi {
    inngest_port port;
    volatile uint32_t *base;
    enum { CFI_NO_ERASE, CFI_ERASING, CFI_ERASED, CFI_ERASE_FAILED } erase;   /* the last two: its caller was not told yet */
    bool programming;
    uint32_t erase_address, word_address;   /* of the erase, of the word being programmed */
    uint32_t busy, suspended;          /* statistics: BUSY answered, reads that suspended an erase */
} cfi;

/* Unlock the blocks, and fill in port for a journal of this many blocks from base on; block_size: what one erase command erases on both. */
void cfi_open(cfi *chip, uintptr_t base, uint32_t block_size, uint32_t block_count);
#endif
