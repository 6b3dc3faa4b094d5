/* SPDX-License-Identifier: MIT
 * CRC-32 as port/JOURNAL.md names it, bit by bit: not the library's own code. */
#ifndef TEST_CRC32_H
#define TEST_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Go on from `crc`, 0 at first. */
static uint32_t crc32_of(uint32_t crc, const uint8_t *data, size_t size)
{
    unsigned k;
    for (crc = ~crc; size > 0; size--)
        for (crc ^= *data++, k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    return ~crc;
}

#endif
