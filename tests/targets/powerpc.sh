#!/bin/sh
# SPDX-License-Identifier: MIT
# The host tests on a big-endian machine of 32 bits.
. tests/targets/cross.inc
cross_tests powerpc powerpc-linux-gnu ppc powerpc text
