/* SPDX-License-Identifier: MIT
 * A journal of 6 blocks of 512 bytes in RAM, for images that are about something else. */
#include "inngest.h"
#include <string.h>

static uint8_t cells[3072];

static int ram_read(void *context, uint32_t address, void *data, uint32_t size)
{
    (void)context;
    memcpy(data, cells + address, size);
    return 0;
}

static int ram_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    (void)context;
    memcpy(cells + address, data, size);
    return 0;
}

static int ram_erase(void *context, uint32_t address)
{
    (void)context;
    memset(cells + address, 0xFF, 512);
    return 0;
}
