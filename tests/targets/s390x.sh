#!/bin/sh
# SPDX-License-Identifier: MIT
# The host tests on a big-endian machine of 64 bits.
. tests/targets/cross.inc
cross_tests s390x s390x-linux-gnu s390x s390x poison
