/* SPDX-License-Identifier: MIT
 * The flash of an nRF51 as a journal: pages of 1,024 bytes, words of 4. The core stands still while a page is erased
 * (22 ms) or a word is written (46 us), interrupts included. 20,000 erases a page. */
#ifndef NVMC_H
#define NVMC_H
#include "inngest.h"

/* Fill in storage and geometry; base is page aligned. context is base. */
void nvmc_port(inngest_port *port, uint32_t base, uint32_t pages);
#endif
