/* SPDX-License-Identifier: MIT */
#include "cfi.h"
#include <string.h>

#define BOTH(command) ((uint32_t)(command) * 0x00010001u)
#define READY BOTH(0x80)
#define ERRORS BOTH(0x3A)              /* erase, program, voltage, locked */
enum { ERASE = 0x20, CONFIRM = 0xD0, PROGRAM = 0x40, READ_STATUS = 0x70, CLEAR_STATUS = 0x50, SUSPEND = 0xB0, READ_ARRAY = 0xFF,
       READ_ID = 0x90, LOCKING = 0x60, UNLOCK = 0xD0 };

static volatile uint32_t *at(const cfi *chip, uint32_t address) { return chip->base + address / 4; }

static uint32_t status_of(const cfi *chip, uint32_t address)
{
    *at(chip, address) = BOTH(READ_STATUS);
    return *at(chip, address);
}

/* Both chips are ready: back to reading. */
static int finish(cfi *chip, uint32_t address, uint32_t status)
{
    if (status & ERRORS) *at(chip, address) = BOTH(CLEAR_STATUS);
    *at(chip, address) = BOTH(READ_ARRAY);
    return status & ERRORS ? -1 : 0;
}

/* An erase goes on: see whether it is over. */
static void poll_erase(cfi *chip)
{
    uint32_t status;
    if (chip->erase != CFI_ERASING) return;
    status = status_of(chip, chip->erase_address);
    if ((status & READY) != READY) return;
    chip->erase = finish(chip, chip->erase_address, status) == 0 ? CFI_ERASED : CFI_ERASE_FAILED;
}

static int busy(cfi *chip)
{
    chip->busy++;
    return INNGEST_PORT_BUSY;
}

static int cfi_read(void *context, uint32_t address, void *data, uint32_t size)
{
    cfi *chip = context;
    bool suspended = false;
    poll_erase(chip);
    if (chip->erase == CFI_ERASING) {
        *at(chip, chip->erase_address) = BOTH(SUSPEND);
        while ((status_of(chip, chip->erase_address) & READY) != READY) { }
        *at(chip, chip->erase_address) = BOTH(READ_ARRAY);
        suspended = true;
        chip->suspended++;
    }
    memcpy(data, (const void *)((uintptr_t)chip->base + address), size);
    if (suspended) *at(chip, chip->erase_address) = BOTH(CONFIRM);             /* resume */
    return 0;
}

/* Start one word a call. Not every chip can program while an erase is suspended: wait for it. */
static int cfi_program(void *context, uint32_t address, const void *data, uint32_t size)
{
    cfi *chip = context;
    uint32_t status, word;
    poll_erase(chip);
    if (chip->erase == CFI_ERASING) return busy(chip);
    if (!chip->programming) chip->word_address = address;
    else {
        status = status_of(chip, chip->word_address);
        if ((status & READY) != READY) return busy(chip);
        chip->word_address += 4;
        if ((status & ERRORS) || chip->word_address >= address + size) {
            chip->programming = false;
            if (finish(chip, address, status) != 0) return -1;
            return memcmp((const void *)((uintptr_t)chip->base + address), data, size) == 0 ? 0 : -2;
        }
    }
    memcpy(&word, (const uint8_t *)data + (chip->word_address - address), 4);
    *at(chip, chip->word_address) = BOTH(PROGRAM);
    *at(chip, chip->word_address) = word;
    chip->programming = true;
    return busy(chip);
}

static int cfi_erase(void *context, uint32_t address)
{
    cfi *chip = context;
    int result;
    poll_erase(chip);
    if (chip->erase == CFI_ERASING) return busy(chip);
    if (chip->erase != CFI_NO_ERASE && chip->erase_address == address) {
        result = chip->erase == CFI_ERASED ? 0 : -3;
        chip->erase = CFI_NO_ERASE;
        return result;
    }
    *at(chip, address) = BOTH(ERASE);
    *at(chip, address) = BOTH(CONFIRM);
    chip->erase_address = address;
    chip->erase = CFI_ERASING;
    return busy(chip);
}

/* P30, P33, C3 and others power up with each block locked. Not asked of one that is not: on a J3 this clears lock bits that
 * outlive the power, in a second, and wears them. */
static void unlock(const cfi *chip, uint32_t address)
{
    uint32_t locked;
    *at(chip, address) = BOTH(READ_ID);
    locked = *at(chip, address + 8) & BOTH(1);         /* the third word of the block */
    if (locked) {
        *at(chip, address) = BOTH(LOCKING);
        *at(chip, address) = BOTH(UNLOCK);
        while ((status_of(chip, address) & READY) != READY) { }
        *at(chip, address) = BOTH(CLEAR_STATUS);
    }
    *at(chip, address) = BOTH(READ_ARRAY);
}

void cfi_open(cfi *chip, uintptr_t base, uint32_t block_size, uint32_t block_count)
{
    uint32_t i;
    memset(chip, 0, sizeof *chip);
    chip->base = (volatile uint32_t *)base;
    chip->port.context = chip;
    chip->port.read = cfi_read;
    chip->port.program = cfi_program;
    chip->port.erase = cfi_erase;
    chip->port.block_size = block_size;
    chip->port.block_count = block_count;
    chip->port.program_size = 4;
    for (i = 0; i < block_count; i++) unlock(chip, i * block_size);
}
