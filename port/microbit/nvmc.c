/* SPDX-License-Identifier: MIT */
#include "nvmc.h"
#include "../bare/bare.h"
#include <string.h>

#define NVMC_READY REGISTER(0x4001E400)
#define NVMC_CONFIG REGISTER(0x4001E504)
#define NVMC_ERASEPAGE REGISTER(0x4001E508)
enum { READ_ONLY, WRITE, ERASE };

static void mode(uint32_t to)
{
    while ((NVMC_READY & 1u) == 0) { }
    NVMC_CONFIG = to;
    while ((NVMC_READY & 1u) == 0) { }
}

static int nvmc_read(void *context, uint32_t address, void *data, uint32_t size)
{
    memcpy(data, (const void *)((uintptr_t)context + address), size);
    return 0;
}

static int nvmc_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    volatile uint32_t *to = (volatile uint32_t *)((uintptr_t)context + address);
    const uint8_t *from = data;
    uint32_t done, word;
    mode(WRITE);
    for (done = 0; done < size; done += 4) {
        memcpy(&word, from + done, 4);
        *to++ = word;
        while ((NVMC_READY & 1u) == 0) { }
    }
    mode(READ_ONLY);
    return memcmp((const void *)((uintptr_t)context + address), data, size) == 0 ? 0 : -1;
}

static int nvmc_erase(void *context, uint32_t address)
{
    const volatile uint32_t *page = (const volatile uint32_t *)((uintptr_t)context + address);
    unsigned i;
    mode(ERASE);
    NVMC_ERASEPAGE = (uint32_t)((uintptr_t)context + address);
    mode(READ_ONLY);
    for (i = 0; i < 256; i++) if (page[i] != UINT32_MAX) return -1;
    return 0;
}

void nvmc_port(inngest_port *port, uint32_t base, uint32_t pages)
{
    port->context = (void *)(uintptr_t)base;
    port->read = nvmc_read;
    port->program = nvmc_program;
    port->erase = nvmc_erase;
    port->block_size = 1024;
    port->block_count = pages;
    port->program_size = 4;
}
